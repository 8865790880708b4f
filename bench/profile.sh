#!/usr/bin/env bash
# Where elt's time goes in each workload, with perf, else with callgrind on small data (a fiftieth; ten minutes of a simulated processor).
#   bench/profile.sh [W1a,W2]
set -euo pipefail
cd "$(dirname "$0")/.."
workloads="${1:-W1a,W1b,W2,W3,W4,W5}"
out="bench/work/profile"
mkdir -p "$out"
bench() { .venv/bin/python bench/bench.py --elt "$ELT" --workloads "$workloads" --repeat 1 --contenders elt --no-limits "$@"; }
if perf record -q -o "$out/try" true 2>/dev/null; then
    rm -f "$out/try"
    bench --scale "${SCALE:-1}" --under "perf record -q -F 999 -o $PWD/$out/{}.perf --"
    for workload in ${workloads//,/ }; do
        perf report -i "$out/$workload.perf" --stdio --percent-limit 0.3 --sort dso,symbol 2>/dev/null \
            | grep -v '^#' | grep -v '^$' >"$out/$workload.txt" || true
        echo "== $workload: the most expensive functions, more in $out/$workload.txt"
        head -20 "$out/$workload.txt" | cut -c1-150
    done
elif command -v valgrind >/dev/null; then
    bench --scale "${SCALE:-0.02}" --under "valgrind -q --tool=callgrind --callgrind-out-file=$PWD/$out/{}.callgrind"
    for workload in ${workloads//,/ }; do
        echo "== $workload"
        callgrind_annotate "$out/$workload.callgrind" | sed -n '1,45p' | cut -c1-150
    done
else
    echo "Neither perf nor valgrind is here: apt-get install linux-perf, or valgrind." >&2
    exit 1
fi
