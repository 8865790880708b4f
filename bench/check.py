#!/usr/bin/env python3
"""Compares a contender's tables with the reference: rows and checksums, day by day.

    check.py REFERENCE.json WAREHOUSE [--current SQL] [--history SQL]

Prints 'equal', or what differs, and exits 3 then. The options put a query in a table's place: that's how the bench
finds out whether a changed and a missing row are noticed.
"""
import argparse
import hashlib
import json
import sqlite3
import sys
from collections import defaultdict

COLUMNS = ("id, name, firstname, street, zip, city, email, phone, status, created_at, updated_at, version")


def totals_sqlite(path, query, by_day):
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = defaultdict(lambda: [0, 0])
    md5 = hashlib.md5
    for row in base.execute(query):
        total = found[row[0] if by_day else ""]
        total[0] += 1
        total[1] += int(md5("|".join(map(str, row)).encode()).hexdigest()[:15], 16)
    return {day: {"rows": rows, "checksum": str(checksum)} for day, (rows, checksum) in found.items()}


def totals_duckdb(path, query, by_day):
    import duckdb
    base = duckdb.connect(path, read_only=True)
    names = [column[0] for column in base.execute(f"select * from ({query}) limit 0").description]
    text = ", ".join(f'"{name}"::varchar' for name in names)
    found = base.execute(f"""select {'day::varchar' if by_day else "''"} as day, count(*),
        sum(('0x' || md5(concat_ws('|', {text}))[:15])::BIGINT::HUGEINT)::VARCHAR from ({query}) group by 1""").fetchall()
    return {day: {"rows": rows, "checksum": checksum} for day, rows, checksum in found}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reference")
    parser.add_argument("warehouse")
    parser.add_argument("--current", default="current_customer")
    parser.add_argument("--history", default="customer_history")
    options = parser.parse_args()
    with open(options.reference) as file:
        expected = json.load(file)
    totals = totals_duckdb if options.warehouse.endswith(".duckdb") else totals_sqlite
    current = totals(options.warehouse, f"select {COLUMNS} from {options.current}", False)
    nothing = {"rows": 0, "checksum": "0"}
    wrong = []
    if current.get("", nothing) != expected["current"]:
        wrong.append(f"current_customer: {current.get('', nothing)} instead of {expected['current']}")
    history = totals(options.warehouse, f"select day, changed, {COLUMNS} from {options.history}", True)
    for day in sorted(history.keys() | expected["history"].keys()):
        found, right = history.get(day, nothing), expected["history"].get(day, nothing)
        if found != right:
            wrong.append(f"customer_history of {day}: {found} instead of {right}")
    print("\n".join(wrong) or "equal")
    sys.exit(3 if wrong else 0)


main()
