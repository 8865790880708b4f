#!/usr/bin/env bash
# A life in a minute: a sandbox, a full load, hours over several days, a rebuild that proves itself.
set -euo pipefail
cd "$(dirname "$0")/.."
elt="$PWD/.build/release/elt"
project="$PWD/demo"
kafka_port="${KAFKA_PORT:-39192}" http_port="${HTTP_PORT:-38180}"
service="http://127.0.0.1:$http_port"

say() { printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }
run() { printf '$ %s\n' "${*/#$elt/elt}"; "$@"; }

rm -rf "$project"
mkdir -p "$project"
say "A broker and a customer service on this machine"
"$elt" sandbox --seed 7 --customers 5000 --days 0 --events-per-day 3000 --start 2026-03-27T00:00:00Z \
    --kafka-port "$kafka_port" --http-port "$http_port" >"$project/sandbox.log" 2>&1 &
sandbox=$!
trap 'kill $sandbox 2>/dev/null; wait $sandbox 2>/dev/null || true' EXIT
for _ in $(seq 100); do curl -sf "$service/health" >/dev/null && break; kill -0 $sandbox 2>/dev/null || { cat "$project/sandbox.log"; exit 1; }; sleep 0.1; done
echo "broker 127.0.0.1:$kafka_port, service $service, 5,000 customers; its time is 2026-03-27."

say "A project"
run "$elt" init "$project" >/dev/null
sed -i.bak "s/39092/$kafka_port/; s/38080/$http_port/" "$project/elt.yml" && rm "$project/elt.yml.bak"
ls "$project" | tr '\n' ' '; echo
cd "$project"

say "Full load: every customer through REST, page by page"
run "$elt" full-load --at 2026-03-27T00:00:00Z

say "Hours over four days, summer time begins on the third"
hours=0
for step in 1 5 6 6 6 1 11 12 24 6 6 6; do
    curl -sf -X POST "$service/sandbox/advance?hours=$step" >/dev/null
    hours=$((hours + step))
    at=$(date -u -d "2026-03-27T00:00:00Z + $hours hours" +%Y-%m-%dT%H:%M:%SZ)
    "$elt" run --at "$at" | head -1
done

say "Proof: a rebuild from the archive gives the same tables, row for row"
run "$elt" rebuild --from-archive --verify
run "$elt" rebuild --from-archive | head -2

say "Tables"
run "$elt" query "select id, name, firstname, city, status, version, updated_at from current_customer limit 5"
run "$elt" query "select day, changed, id, name, city, status, version from customer_history where id = (select id from customer_history where changed group by id order by count(*) desc, id limit 1)"
say "How many customers changed on each day?"
run "$elt" query "select day, count(*) as customers, sum(changed) as changed, sum(status = 'inactive') as inactive from customer_history group by day"

say "The state of things"
run "$elt" status || true

cat <<TEXT

The project stays in ./demo, the sandbox ends now. Try next:
  cd demo
  ../.build/release/elt query "select * from elt_runs"
  zstdcat archive/entity=customer/topic=*/*/*/*/*.zst | head -2
  sqlite3 warehouse/elt.db                    any SQLite client reads along while a run writes
  ../.build/release/elt explain customer c-000001
  ../.build/release/elt sandbox               a sandbox that stays, with its own elt.yml
TEXT
