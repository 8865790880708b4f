#!/bin/sh
# Has the two references check each other: random lives with what the reference model in Swift
# expects after each run, played by the oracle in Python.
#   Tests/life/compare.sh [COUNT [FIRST SEED]]
set -eu
cd "$(dirname "$0")/../.."
lives=$(mktemp -d)
ELT_WRITE_LIVES=$lives ELT_WRITE_LIVES_COUNT=${1:-100} ELT_WRITE_LIVES_FROM=${2:-0} \
    swift test --filter 'ELTTestingTests.*lives are written' >"$lives/log" 2>&1 || { tail -20 "$lives/log"; exit 1; }
if python3 Tests/life/golden.py "$lives"; then rm -r "$lives"; else echo "the lives are kept in $lives"; exit 1; fi
