#!/usr/bin/env bash
# A million mutated inputs for every parser, watched by the address sanitizer where it runs.
# ELT_FUZZ is the number of inputs, ELT_FUZZ_SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."
export ELT_FUZZ="${ELT_FUZZ:-1000000}" ELT_FUZZ_SEED="${ELT_FUZZ_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}"
echo "fuzz seed $ELT_FUZZ_SEED"
check=(--sanitize=address)
[ "${ELT_FUZZ_PLAIN:-}" = 1 ] && check=()
swift test --scratch-path .build/fuzz "${check[@]}" --filter ParserFuzzTests
