#!/usr/bin/env bash
# Until something fails or it's stopped: random lives with fresh seeds, half of them with kill -9 in between, then every
# kill, many power cuts, every failing system call, every flipped bit, many races and readers.
set -euo pipefail
cd "$(dirname "$0")/.."
export ELT="$PWD/.build/release/elt" ELT_NOIDA="$PWD/.venv/bin/noida-db"
scripts/fuzz.sh
while true; do
    seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    echo "seed $seed"
    .venv/bin/python Tests/life/life.py --lives 10 --steps 40 --seed "$seed"
    .venv/bin/python Tests/life/life.py --lives 10 --steps 40 --seed "$seed" --kill
    .venv/bin/python Tests/faults/crash.py --every --pairs 300 --seed "$seed"
    .venv/bin/python Tests/faults/powercut.py --cuts 200 --pairs 100 --volumes 50 --seed "$seed"
    .venv/bin/python Tests/faults/damage.py --flips 50 --seed "$seed"
    .venv/bin/python Tests/faults/writers.py --races 100 --signals 300 --seed "$seed"
    .venv/bin/python Tests/faults/readers.py --hours 200 --seed "$seed"
    ELT_DAMAGE=every swift test --filter ELTArchiveTests.DamageTests
    .venv/bin/python Tests/faults/syscalls.py --every
done
