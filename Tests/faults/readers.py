#!/usr/bin/env python3
"""Readers under fire: processes that read all the while, during runs, rebuilds and kills.

    readers.py [--hours N] [--readers N] [--seed N] [--folder DIR]

Hour k changes every customer to version k, so a reader that sees two versions, or a version and another hour in the
ledger, has seen half a run. Every look is one read transaction over both tables, `elt_runs` and `elt_freshness`.
And a reader that won't go away lets the log grow, but not without a warning.
"""
import argparse
import json
import multiprocessing
import random
import sqlite3
import sys

from crash import failpoints
from oracle import day_of, instant
from stage import MINUTE, PARTITIONS, T1, TOPICS, ZONE, Fault, elt, iso, must, play
from state import connect

CUSTOMERS = 12
STEP = 50 * MINUTE


def look(connection):
    """One look at everything; raises if it isn't one run's."""
    connection.execute("begin")
    try:
        current = connection.execute("select id, version, name, status from current_customer order by id").fetchall()
        history = connection.execute("""
            select id, version, name, status, day from customer_history
            where day = (select max(day) from customer_history) order by id""").fetchall()
        now, = connection.execute("select max(now) from elt_runs where status = 'published'").fetchone()
        through = {row[0] for row in connection.execute("select complete_through from elt_freshness")}
    finally:
        connection.execute("commit")
    versions = {row[1] for row in current}
    if len(current) != CUSTOMERS or len(versions) != 1:
        raise Fault(f"{len(current)} customers with the versions {versions}")
    hour = versions.pop()
    if [row[:4] for row in history] != current:
        raise Fault(f"the newest day of the history isn't the current table of hour {hour}")
    if now != iso(T1 + hour * STEP):
        raise Fault(f"the tables are of hour {hour}, the ledger's newest run is of {now}")
    if through != {now}:
        raise Fault(f"the newest run is of {now}, the freshness of {through}")
    if history[0][4] != str(day_of(instant(now, "UTC"), ZONE)):
        raise Fault(f"the newest day is {history[0][4]}, the newest run is of {now}")
    return hour


def reader(project, stop, results, number):
    """Looks until it's told to stop; every second one opens the file anew each time, as a report does."""
    looks, hours, trouble = 0, set(), None
    connection = None
    try:
        while not stop.is_set():
            connection = connection or connect(project)
            hours.add(look(connection))
            looks += 1
            if number % 2:
                connection.close()
                connection = None
    except (Fault, sqlite3.Error) as error:
        trouble = f"{type(error).__name__}: {error}"
    results.put((looks, sorted(hours), trouble))


class Fire:
    def __init__(self, stage, options):
        self.stage, self.options = stage, options
        self.dice = random.Random(options.seed)
        self.project = stage.new_project("fire")
        self.kills = self.rebuilds = 0

    def produce(self, hour):
        """Every customer changes to the version of this hour."""
        time = T1 + hour * STEP - MINUTE
        messages = []
        for number in range(CUSTOMERS):
            record = {"id": f"c-{number:06}", "name": f"Müller {hour}", "status": "active", "version": hour}
            body = {"event_type": "update", "event_time": iso(time), "customer": record}
            messages.append((TOPICS["update"], number % PARTITIONS, time, record["id"].encode(),
                             json.dumps(body).encode()))
        self.stage.broker.produce(messages)

    def hour(self, hour):
        self.produce(hour)
        at = iso(T1 + hour * STEP)
        words = ["run", "--at", at, *(["--full-refresh"] if self.dice.random() < 0.2 else [])]
        if self.dice.random() < 0.5:
            self.kill(words)
        must(self.project, *words)
        if self.dice.random() < 0.25:
            words = ["rebuild", "--from-archive"]
            if self.dice.random() < 0.5:
                self.kill(words)
            must(self.project, *words)
            self.rebuilds += 1
        if self.dice.random() < 0.2:
            done = must(self.project, "query", "--format", "csv", "select distinct version from current_customer")
            if done.stdout.split() != ["version", str(hour)]:
                raise Fault(f"elt query gave {done.stdout.split()} after hour {hour}")

    def kill(self, words):
        point = self.dice.choice(self.points)
        if elt(self.project, *words, extra={"ELT_CRASH_AT": point}).returncode == -9:
            self.kills += 1

    def all(self):
        self.points = [p for p in failpoints() if not p.startswith(("draft", "pages", "replay"))]
        self.produce(1)
        must(self.project, "run", "--at", iso(T1 + STEP))
        stop, results = multiprocessing.Event(), multiprocessing.Queue()
        readers = [multiprocessing.Process(target=reader, args=(self.project, stop, results, number), daemon=True)
                   for number in range(self.options.readers)]
        for process in readers:
            process.start()
        try:
            for hour in range(2, self.options.hours + 2):
                self.hour(hour)
        finally:
            stop.set()
            found = [results.get(timeout=60) for _ in readers]
        for _, _, trouble in found:
            if trouble:
                raise Fault(f"a reader: {trouble}")
        looks, seen = sum(each[0] for each in found), len({hour for each in found for hour in each[1]})
        if any(not each[0] for each in found) or seen < self.options.hours / 2:
            raise Fault(f"the readers saw only {seen} of {self.options.hours} hours in {looks} looks")
        return f"{len(readers)} readers, {looks} looks at {seen} hours, {self.kills} kills, {self.rebuilds} rebuilds"

    def long_reader(self):
        """The log may not shrink while somebody reads an old state. It's made as long as that would make it."""
        log = self.project / "warehouse" / "elt.db-wal"
        hour = self.options.hours + 2
        connection = connect(self.project)
        connection.execute("begin")
        connection.execute("select count(*) from current_customer").fetchall()
        self.produce(hour)
        must(self.project, "run", "--at", iso(T1 + hour * STEP))
        with open(log, "r+b") as file:
            file.truncate((1 << 30) + (100 << 20))  # zeros that take no room, and that SQLite doesn't read
        self.produce(hour + 1)
        told = must(self.project, "run", "--at", iso(T1 + (hour + 1) * STEP)).stderr
        if "write-ahead log" not in told or "reader" not in told:
            raise Fault(f"the log has {log.stat().st_size >> 20} MiB, and the run says only: {told}")
        connection.execute("commit")
        connection.close()
        self.produce(hour + 2)
        told = must(self.project, "run", "--at", iso(T1 + (hour + 2) * STEP)).stderr
        size = log.stat().st_size if log.exists() else 0
        if "write-ahead log" in told or size > 512 << 20:
            raise Fault(f"the reader is gone, and the log still has {size >> 20} MiB: {told}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=20)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    options = parser.parse_args()

    def suite(stage):
        fire = Fire(stage, options)
        told = fire.all()
        fire.long_reader()
        return told, []
    return play("readers", options.folder, suite, customers=CUSTOMERS, bare=True)


if __name__ == "__main__":
    sys.exit(main())
