#!/usr/bin/env bash
# Random lives with fresh seeds, half of them with kill -9 in between, until one fails or it's stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
export ELT="$PWD/.build/release/elt" ELT_NOIDA="$PWD/.venv/bin/noida-db"
scripts/fuzz.sh
while true; do
    seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    echo "seed $seed"
    .venv/bin/python Tests/life/life.py --lives 10 --steps 40 --seed "$seed"
    .venv/bin/python Tests/life/life.py --lives 10 --steps 40 --seed "$seed" --kill
done
