#!/usr/bin/env python3
"""W7: weeks of hours, one command each. Whether an hour's time and memory stay flat while days pile up.

    weeks.py [--weeks 72] [--customers 2000] [--events 20] [--save]
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import machine
import table
from chain import HERE, OPERATIONS, Broker, Place, program, script
from contenders import Elt
from customers import BASE, Customers, instant


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weeks", type=int, default=72)
    parser.add_argument("--customers", type=int, default=2000, help="at the beginning; a quarter of the events make new ones")
    parser.add_argument("--events", type=int, default=20, help="of an hour")
    parser.add_argument("--elt", default=os.environ.get("ELT") or str(HERE.parent / ".build/release/elt"))
    parser.add_argument("--work", type=Path, default=Path(os.environ.get("BENCH_WORK") or HERE / "work"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", action="store_true")
    return parser.parse_args()


class Weeks:
    def __init__(self, options):
        self.options = options
        self.elt = Elt(program(options))
        options.work.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="weeks-", dir=options.work.resolve()))
        self.broker = Broker(self.folder)
        self.place = Place(self.broker.address, "bench-weeks", None, 1000)
        self.customers = Customers(options.customers, options.seed)
        self.ordinary, self.midnights = {}, {}
        for operation in OPERATIONS:
            self.broker.create(f"{self.place.topics}-{operation}", 2)
        self.elt.prepare(self.folder / "project", self.place)

    def hour(self, number, file):
        """The events of an hour, then the run that fetches them."""
        begin = BASE + number * 3600
        messages = []
        for arrival, line in self.customers.events(begin, 3600, self.options.events):
            file.write(line + b"\n")
            start = line.index(b'"id":"') + 6
            key = line[start : line.index(b'"', start)]
            messages.append((f"{self.place.topics}-{line[15:21].decode()}", sum(key) % 2, arrival, key, line))
        self.broker.produce(messages)
        at = instant((begin + 3600) * 1000)
        output, took = machine.measure(self.elt.command("run", self.folder / "project", at, self.place), [self.broker.process])
        took["report"] = json.loads(output)
        midnight = number % 24 == 23
        (self.midnights if midnight else self.ordinary).setdefault(number // 168, []).append(took)
        return at

    def work(self):
        at, begin = None, time.monotonic()
        with open(self.folder / "weeks.ndjson", "wb") as file:
            for number in range(self.options.weeks * 168):
                at = self.hour(number, file)
                if number % 168 == 167:
                    week = number // 168
                    print(f"[{time.monotonic() - begin:6.0f} s] week {week + 1}: {self.median(self.ordinary[week]):.3f} s an hour",
                          file=sys.stderr, flush=True)
        return at

    @staticmethod
    def median(runs, what="wall"):
        return statistics.median(run[what] for run in runs)

    def equal(self, at):
        reference = self.folder / "reference.json"
        with open(reference, "wb") as file:
            script("reference.py", self.folder, "--at", at, "weeks", stdout=file, check=True)
        return script("check.py", reference, self.folder / "project" / self.elt.warehouse, stdout=sys.stderr).returncode == 0

    def page(self, equal):
        shown = sorted({0, *range(0, self.options.weeks, max(1, self.options.weeks // 12)), self.options.weeks - 1})
        rows = [[week + 1, f"{self.median(self.ordinary[week]):.3f}", f"{max(run['wall'] for run in self.ordinary[week]):.3f}",
                 f"{self.median(self.midnights[week]):.3f}", f"{max(r['memory'] for r in self.ordinary[week]):.0f}",
                 f"{self.median(self.ordinary[week], 'cpu'):.3f}"] for week in shown]
        project = self.folder / "project"
        archive = [path for path in (project / "archive").rglob("*") if path.is_file()]
        first, last = self.median(self.ordinary[0]), self.median(self.ordinary[self.options.weeks - 1])
        return "\n\n".join((
            f"## W7: {self.options.weeks} weeks of hours",
            f"{self.options.customers:,} customers at the beginning, {len(self.customers.all):,} at the end, {self.options.events} events an hour. "
            f"Tables {'equal' if equal else 'DIFFER FROM'} the reference.",
            table.aligned(["week", "median hour s", "longest", "first hour of a day s", "peak MiB", "CPU s"], rows),
            f"The last week's hours take {last / first:.2f} of the first's. Warehouse {(project / self.elt.warehouse).stat().st_size / 2**20:,.0f} MiB, "
            f"archive {sum(path.stat().st_size for path in archive) / 2**20:,.0f} MiB in {len(archive):,} files."))

    def stop(self):
        self.broker.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    options = arguments()
    weeks = Weeks(options)
    try:
        equal = weeks.equal(weeks.work())
        page = f"elt of {time.strftime('%Y-%m-%d')}, {machine.describe()}\n\n{weeks.page(equal)}\n"
    finally:
        weeks.stop()
    print(page)
    if options.save:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / f"{time.strftime('%Y-%m-%d')}-weeks.md").write_text("# " + page)
    if not equal:
        sys.exit("The tables differ from the reference.")


main()
