#!/usr/bin/env bash
# All tests: Swift's, then random lives of a project through the real program against a real broker, then kills,
# failing system calls, power cuts, damage, races and readers.
set -euo pipefail
cd "$(dirname "$0")/.."
export ELT="$PWD/.build/release/elt" ELT_NOIDA="$PWD/.venv/bin/noida-db"
swift test
.venv/bin/python Tests/life/life.py --lives "${LIVES:-8}" --steps "${STEPS:-25}" --seed "${SEED:-1}"
.venv/bin/python Tests/life/life.py --lives "${LIVES_KILLED:-4}" --steps "${STEPS:-20}" --seed "${SEED:-1001}" --kill
.venv/bin/python Tests/faults/crash.py --seed "${SEED:-1}"
.venv/bin/python Tests/faults/syscalls.py --seed "${SEED:-1}"
.venv/bin/python Tests/faults/powercut.py --seed "${SEED:-1}"
.venv/bin/python Tests/faults/damage.py --seed "${SEED:-1}"
.venv/bin/python Tests/faults/writers.py --seed "${SEED:-1}"
.venv/bin/python Tests/faults/readers.py --seed "${SEED:-1}"
.venv/bin/python Tests/faults/space.py --seed "${SEED:-1}"
