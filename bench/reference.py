#!/usr/bin/env python3
"""What the tables must hold, worked out by DuckDB from the generated files, by another way than any contender's.

    reference.py DATA --at TIME [--listing] PHASE…

Prints JSON: rows and checksum of current_customer, and of each day of customer_history. A row's checksum is made of
the first 15 hexadecimal digits of the MD5 of its columns with '|' between them; a table's is their sum.
"""
import argparse
import json
from datetime import date, timedelta
from pathlib import Path

import duckdb

COLUMNS = ("id", "name", "firstname", "street", "zip", "city", "email", "phone", "status", "created_at", "updated_at",
           "version")
LIST = ", ".join(COLUMNS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--at", required=True)
    parser.add_argument("--listing", action="store_true", help="a full load preceded all events")
    parser.add_argument("phases", nargs="*")
    options = parser.parse_intermixed_args()
    base = duckdb.connect()
    base.execute("set threads = 2")
    base.execute("set preserve_insertion_order = false")
    declared = ", ".join(f"{name} {'BIGINT' if name == 'version' else 'VARCHAR'}" for name in COLUMNS)
    base.execute(f"create table records (day varchar, event_time varchar, {declared})")
    first = "2026-03-01"
    if options.listing:
        base.execute(f"""insert into records select '{first}', '', {LIST} from read_json('{options.data}/snapshot.ndjson',
            format = 'newline_delimited', columns = {{{declared_map()}}})""")
    files = [f"{options.data}/{phase}.ndjson" for phase in options.phases]
    if files:
        base.execute(f"""insert into records select event_time[:10], event_time, {', '.join('customer.' + c for c in COLUMNS)}
            from read_json({files!r}, format = 'newline_delimited', columns = {{event_time: 'VARCHAR',
            customer: 'STRUCT({declared})'}})""")

    def total(columns, query):
        rows, checksum = base.execute(f"""select count(*), coalesce(sum(('0x' || md5(concat_ws('|', {columns}))[:15])::BIGINT::HUGEINT), 0)::VARCHAR
            from ({query})""").fetchone()
        return {"rows": rows, "checksum": checksum}

    newest = "qualify row_number() over (partition by id order by event_time desc, version desc) = 1"
    expected = {"current": total(LIST, f"select * from records {newest}"), "history": {}}
    day, last = base.execute("select min(day) from records").fetchone()[0], options.at[:10]
    while day and day <= last:
        # The winner among the records of all days up to this one.
        expected["history"][day] = total(f"'{day}', (day = '{day}')::integer, {LIST}",
                                         f"select * from records where day <= '{day}' {newest}")
        day = (date.fromisoformat(day) + timedelta(1)).isoformat()
    print(json.dumps(expected))


def declared_map():
    return ", ".join(f"{name}: '{'BIGINT' if name == 'version' else 'VARCHAR'}'" for name in COLUMNS)


main()
