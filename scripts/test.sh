#!/usr/bin/env bash
# All tests: Swift's, then random lives of a project through the real program against a real broker.
set -euo pipefail
cd "$(dirname "$0")/.."
export ELT="$PWD/.build/release/elt" ELT_NOIDA="$PWD/.venv/bin/noida-db"
swift test
.venv/bin/python Tests/life/life.py --lives "${LIVES:-8}" --steps "${STEPS:-25}" --seed "${SEED:-1}"
.venv/bin/python Tests/life/life.py --lives "${LIVES_KILLED:-4}" --steps "${STEPS:-20}" --seed "${SEED:-1001}" --kill
