#!/usr/bin/env python3
"""Random lives of a project through the real commands, against a real broker and a real service.

After every step both tables are compared with the oracle, row for row and column for column.

    life.py [--seed N] [--lives N] [--steps N] [--kill] [--recreate] [--verbose] [--keep]

ELT is the program (default .build/release/elt), ELT_NOIDA the broker's. A life that fails keeps its folder; the same
seed gives the same life, except for the moment of a kill. The last line is always "N passed, N failed".

Full loads: W0 are the ends when the step begins. Whether a full load also fetches the stream, and up to where, is
the program's choice; so is, after a kill, whether the load was already complete when the command ran again. The
driver keeps every archive that is possible after a step and drops those whose tables aren't the ones it finds.
"""
import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from broker import Broker
from oracle import Event, FullLoad, Oracle, Settings, Topic, day_of, instant, iso
from service import KINDS, Service

ROOT = Path(__file__).resolve().parents[2]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

BEGINNINGS = [
    ("Europe/Berlin", ["2026-03-27T20:00:00Z", "2026-10-23T20:00:00Z"]),
    ("America/New_York", ["2026-03-06T22:00:00Z", "2026-10-30T22:00:00Z"]),
    ("Asia/Kolkata", ["2026-03-28T16:00:00Z", "2026-10-24T16:00:00Z"]),
    ("Pacific/Apia", ["2026-03-28T08:00:00Z", "2026-10-24T08:00:00Z"]),
    ("Australia/Lord_Howe", ["2026-04-03T12:00:00Z", "2026-10-02T12:00:00Z"]),
    ("UTC", ["2026-03-28T20:00:00Z"]),
]


class Difference(Exception):
    """The tables aren't what they must be, or a command didn't end as it must."""


class Life:
    def __init__(self, seed, options, broker, service, folder):
        self.seed, self.options, self.broker, self.service = seed, options, broker, service
        self.random = random.Random(seed)
        # Kills have a generator of their own: the same seed lives the same life with and without them.
        self.dice = random.Random(f"kill {seed}")
        self.folder = Path(folder)
        self.project = self.folder / "project"
        pick = self.random
        # Seeds in a row live in different zones.
        zone, starts = BEGINNINGS[seed % len(BEGINNINGS)]
        self.now = instant(pick.choice(starts), "UTC") + pick.randrange(HOUR)
        self.before = self.now - DAY
        names = {op: f"life-{seed}-{pick.randrange(1 << 30)}-{op}" for op in ("create", "update", "delete")}
        order = list(names)
        if pick.random() < 0.3:
            pick.shuffle(order)
        modes = {op: "remove" if pick.random() < (0.35 if op == "delete" else 0.08) else "deactivate" for op in order}
        self.kind = pick.choice(KINDS)
        self.page_size = pick.randint(2, 9)
        self.absent_written = pick.choice(["keep", "remove", None])
        absent = self.absent_written or ("keep" if self.kind in ("page", "offset") else "remove")
        declared = {"created_at": "timestamp"} if pick.random() < 0.5 else {}
        self.settings = Settings(
            zone=zone, topics=[Topic(names[op], op, modes[op]) for op in order], absent=absent, declared=declared)
        if pick.random() < 0.15:
            self.settings.event_time = None
        self.oracle = Oracle(self.settings)
        self.topics = {topic.operation: topic for topic in self.settings.topics}
        self.partitions = {topic.name: pick.randint(1, 3) for topic in self.settings.topics}
        self.incarnation = {name: 1 for name in self.partitions}
        self.ends = {(name, p): 0 for name, count in self.partitions.items() for p in range(count)}
        self.events = []  # all that were ever produced and not lost, in order
        # What the archive may hold: (how many of self.events, complete full loads).
        self.archives = [(0, ())]
        self.nows = []
        self.keys = [f"c-{number:06}" for number in range(pick.randint(4, 14))]
        self.listed = set(self.keys[: len(self.keys) // 2])  # whom the service lists
        self.listed_rows = 0
        self.has_default = False  # the service has filled a field without telling
        self.counter = 0
        self.widened = 0
        self.sent, self.times, self.t0s = [], [], []
        self.notes = set()
        self.killed = False

    # --- the project -------------------------------------------------------------------------------

    def prepare(self):
        for name, count in self.partitions.items():
            self.broker.create(name, count)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.command("init", str(self.project), folder=self.folder, kill=False)
        self.service.open(self.kind, [], self.page_size)
        topics = "\n".join(
            f"      {t.operation}: " + (t.name if t.mode == "deactivate" else f"{{ name: {t.name}, mode: {t.mode} }}")
            for t in self.settings.topics)
        lines = [
            f"name: life-{self.seed}",
            f"timezone: {self.settings.zone}",
            "warehouse: { path: warehouse/elt.db }",
            "archive: { path: archive, compression: zstd }",
            "models: models",
            "kafka:",
            f"  bootstrap.servers: {self.broker.address}",
            # The broker answers a fetch with the whole rest of a partition.
            "  receive.message.max.bytes: 1000000000",
            "entities:",
            "  customer:",
            "    key: id",
            "    record: customer",
            *(["    event_time: event_time"] if self.settings.event_time else []),
            "    topics:",
            topics,
            *(["    columns:", "      - { name: created_at, type: timestamp }"] if self.settings.declared else []),
            "    full_load:",
            f"      url: {self.service.url}",
            *(["      records: items"] if self.kind != "none" else []),
            f"      pagination: {self.service.pagination()}",
            *([f"      absent: {self.absent_written}"] if self.absent_written else []),
        ]
        (self.project / "elt.yml").write_text("\n".join(lines) + "\n")

    @staticmethod
    def program():
        return os.path.abspath(os.environ.get("ELT", ROOT / ".build" / "release" / "elt"))

    def command(self, *words, codes=(0,), folder=None, kill=None):
        """Runs elt to its end; with --kill it may be killed first, at any moment, and run again."""
        arguments = [self.program(), *words]
        environment = {**os.environ, "NO_COLOR": "1"}
        folder = folder or self.project
        if (self.options.kill if kill is None else kill) and self.dice.random() < 0.5:
            child = subprocess.Popen(arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            try:
                # Squared, so that early and late moments are both met, and no kill waits for long.
                child.wait(self.dice.random() ** 2 * self.options.kill_within)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                child.wait()
                self.killed = True
        done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True,
                              errors="replace", timeout=self.options.timeout)
        if done.returncode not in codes:
            raise Difference(
                f"elt {' '.join(words)} ended with {done.returncode}, expected {codes}\n"
                + (done.stdout + done.stderr)[-4000:])
        return done

    # --- comparing ---------------------------------------------------------------------------------

    def table(self, name):
        path = self.project / "warehouse" / "elt.db"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        try:
            cursor = connection.execute(f"select * from {name}")
            columns = [column[0] for column in cursor.description]
            return columns, [dict(zip(columns, row)) for row in cursor]
        finally:
            connection.close()

    def compare(self):
        """Drops the archives that can't be; raises if none is left."""
        tables = [self.table("current_customer"), self.table("customer_history")]
        possible, first = [], None
        for archive in self.archives:
            count, loads = archive
            expected = self.oracle.tables(self.events[:count], loads, self.nows)
            found = [self.differences(name, rows, *table) for name, rows, table
                     in zip(("current_customer", "customer_history"), expected, tables)]
            if not any(found):
                possible.append(archive)
            elif first is None:
                first = "\n".join(line for lines in found for line in lines)
        if not possible:
            raise Difference(f"none of {len(self.archives)} possible archives gives these tables; the first:\n{first}")
        self.archives = possible

    def differences(self, name, expected, columns, found):
        wanted = sorted({column for row in expected for column in row} | {"id"})
        own = {"day", "changed"} if name == "customer_history" else set()
        known = set(wanted) | own | self.fields
        for column in columns:
            if column not in known:
                self.notes.add(f"{name} has a column of its own: {column}")
                if self.options.strict_columns and not column.startswith("_"):
                    return [f"{name}: nobody knows the column {column}"]
        # A field that only poison or removals had may or may not have a column; it's null in either case.
        wanted = sorted(set(wanted) | (self.fields & set(columns)) | own)
        absent = [c for c in wanted if c not in columns and any(row.get(c) is not None for row in expected)]
        if absent:
            return [f"{name}: the column {', '.join(absent)} is missing"]

        def cells(row):
            # An integer and the text of its digits are the same: a column may have widened since.
            return tuple(None if row.get(c) is None else plain(row[c]) for c in wanted)

        bag = {}
        for row in expected:
            bag[cells(row)] = bag.get(cells(row), 0) + 1
        for row in found:
            bag[cells(row)] = bag.get(cells(row), 0) - 1
        wrong = sorted(((row, n) for row, n in bag.items() if n), key=lambda item: str(item))
        lines = []
        for row, n in wrong[: self.options.differences]:
            shown = ", ".join(f"{c}={value!r}" for c, value in zip(wanted, row))
            lines.append(f"{name}: {'missing' if n > 0 else 'too much'} ({abs(n)}): {shown}")
        if len(wrong) > len(lines):
            lines.append(f"{name}: {len(wrong)} rows differ in all")
        return lines

    fields = {"id", "name", "firstname", "street", "zip", "city", "email", "phone", "status", "created_at",
              "updated_at", "version", "tier", "points", "vip", "prefs"}

    # --- events ------------------------------------------------------------------------------------

    def record(self, key, name, status="active", listed=False):
        pick = self.random
        self.counter += 1
        fields = {
            "id": json.dumps(key), "name": json.dumps(f"{name} {self.counter}", ensure_ascii=pick.random() < 0.5),
            "firstname": json.dumps(pick.choice(["Anna", "Jürgen", "O'Neil", "李", ""]), ensure_ascii=False),
            "street": '"Wendenstraße 130"', "zip": '"20537"', "city": '"Hamburg"', "email": '"a@example.org"',
            "status": json.dumps(status), "version": str(self.counter),
            "created_at": pick.choice(['"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:05.678+01:00"']),
            "updated_at": json.dumps(iso(self.now)),
        }
        if pick.random() < 0.8:
            fields["phone"] = pick.choice(['"040 1"', "null"])
        if self.has_default and listed or pick.random() < 0.1:
            fields["tier"] = '"standard"'
        if pick.random() < 0.3:
            fields["points"] = self.points()
        if pick.random() < 0.15:
            fields["vip"] = pick.choice(["true", "false", "null"])
        if pick.random() < 0.1:
            fields["prefs"] = pick.choice(['{"a": [1, 2.50],"b":"\\u00fc"}', "[]", '["x" , null]'])
        members = [f'"{field}":{value}' for field, value in fields.items()]
        if pick.random() < 0.05:
            members.insert(0, '"city":"not the last"')
        return "{" + pick.choice([",", ", "]).join(members) + "}"

    def points(self):
        """A field that widens from integers to decimals to text as the life goes on."""
        if self.random.random() < 0.1:
            self.widened = min(2, self.widened + 1)
        return self.random.choice([
            ["1", "-7", "0", "9007199254740993", "9223372036854775807", "18446744073709551616"],
            ["1.50", "0.1", "-2.0", "12345678901234567890.5"],
            ['"many"', '"7"', '""'],
        ][self.random.randint(0, self.widened)])

    def effective_time(self, stamp):
        pick = self.random
        edge = pick.choice([-1, 0, 1])
        zone = ZoneInfo(self.settings.zone)
        day = day_of(stamp, self.settings.zone) - timedelta(days=pick.choice([0, 0, 1]))
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000
        return int(pick.choice([
            lambda: stamp - MINUTE * pick.randint(1, 600),
            lambda: stamp - HOUR * pick.randint(12, 120),
            lambda: stamp + 1000 * pick.randint(1, 299),
            lambda: stamp + 5 * MINUTE + edge,
            lambda: stamp + HOUR * pick.randint(1, 1000),
            lambda: midnight + edge,
            lambda: midnight + pick.randrange(4 * HOUR),  # the hours in which clocks change
            lambda: pick.choice(self.times or [stamp]),
            lambda: pick.choice(self.t0s or [stamp]) - 5 * MINUTE + edge,
            *[lambda: stamp - pick.randint(0, 3000)] * 6,
        ])())

    def poison(self, key):
        good = '{"event_time":"%s","customer":{"id":"%s"}}' % (iso(self.now), key)
        return self.random.choice([
            b"not json", good[:-2].encode(), b"null", b"[]", b"", b"42", b'"text"', good.encode() + b" x",
            b'{"event_time":"2026-03-01T00:00:00Z"}', b'{"customer":{"name":"nobody"}}',
            b'{"customer":{"id":null,"name":"nobody"}}', good.replace("}}", ',"name":"\xff"}}').encode("latin-1"),
            *([b'{"event_time":"soon","customer":{"id":"%s"}}' % key.encode(),
               b'{"event_time":"2026-02-30T00:00:00Z","customer":{"id":"%s"}}' % key.encode()]
              if self.settings.event_time else []),
        ])

    def message(self, first, last):
        """(topic, partition, timestamp, key, value)"""
        pick = self.random
        # Often just before the command, where a full load's skew begins.
        span = min(last - first, 7 * MINUTE) if pick.random() < 0.35 else last - first
        stamp = last - pick.randrange(max(1, span))
        if self.sent and pick.random() < 0.08:
            again = pick.choice(self.sent)
            return (*again[:2], pick.choice([stamp, again[2]]), *again[3:])
        key = pick.choice(self.keys)
        operation = pick.choices(["create", "update", "delete"], [2, 6, 2])[0]
        topic = self.topics[operation]
        count = self.partitions[topic.name]
        partition = pick.randrange(count) if pick.random() < 0.15 else self.keys.index(key) % count
        dice = pick.random()
        if dice < 0.09:
            self.listed.discard(key)
            return topic.name, partition, stamp, key.encode(), None
        if dice < 0.10:
            return topic.name, partition, stamp, None, None
        if dice < 0.16:
            return topic.name, partition, stamp, key.encode(), self.poison(key)
        if topic.mode == "remove":
            self.listed.discard(key)
        elif pick.random() < 0.9:  # the service forgets a customer now and then
            self.listed.add(key)
        time = self.effective_time(stamp)
        self.times.append(time)
        head = "" if pick.random() < 0.05 else f'"event_type":"{operation}","event_time":"{iso(time)}",'
        status = "inactive" if operation == "delete" else "active"
        return (topic.name, partition, stamp, key.encode(),
                f'{{{head}"customer":{self.record(key, operation, status)}}}'.encode())

    def produce(self, count, first, last):
        messages = [self.message(first, last) for _ in range(count)]
        offsets = self.broker.produce(messages)
        for (topic, partition, stamp, key, value), offset in zip(messages, offsets):
            self.ends[topic, partition] = offset + 1
            self.events.append(Event(topic, self.incarnation[topic], partition, offset, stamp, key, value))
        self.sent += messages
        return f"{count} events"

    # --- steps -------------------------------------------------------------------------------------

    def ran(self, at):
        self.nows.append(at)
        self.archives = list({(len(self.events), loads): None for _, loads in self.archives})

    def run(self, at=None, flags=()):
        at = self.now if at is None else at
        self.command("run", "--at", iso(at), *flags)
        self.ran(at)
        return f"run --at {iso(at)} {' '.join(flags)}".strip()

    def step_run(self):
        return self.run()

    def step_repeat(self):
        self.run()
        self.compare()
        return "twice " + self.run()

    def step_backfill(self):
        return "backfill " + self.run(self.now - self.random.randint(1, 100) * HOUR)

    def step_refresh(self):
        return self.run(flags=("--full-refresh",))

    def step_build(self):
        if not self.nows:
            return self.run()
        self.command("build", "--full-refresh")
        return "build --full-refresh"

    def step_rebuild(self):
        if not self.nows:
            return self.run()
        self.command("rebuild", "--from-archive")
        return "rebuild --from-archive"

    def step_verify(self):
        if not self.nows:
            return self.run()
        self.command("rebuild", "--from-archive", "--verify")
        return "rebuild --from-archive --verify"

    def step_lose_warehouse(self):
        if not self.nows:
            return self.run()
        shutil.rmtree(self.project / "warehouse")
        self.command("rebuild", "--from-archive")
        return "warehouse deleted, rebuild --from-archive"

    def step_recreate(self):
        """A topic is deleted and made again; all of it had been fetched."""
        self.run()
        topic = self.random.choice(self.settings.topics).name
        self.broker.delete(topic)
        self.broker.create(topic, self.partitions[topic])
        self.incarnation[topic] += 1
        for partition in range(self.partitions[topic]):
            self.ends[topic, partition] = 0
        self.produce(self.random.randint(0, 6), self.before, self.now)
        self.run()
        return f"recreated {topic}"

    def listing(self):
        """The service's rows now, and whether they are too few for a load without --accept-shrink."""
        if self.random.random() < 0.15:
            self.has_default = True
        if self.listed and self.random.random() < 0.4:
            self.listed.discard(self.random.choice(sorted(self.listed)))
        if self.random.random() < 0.9:
            while len(self.listed) < max(1, (self.listed_rows + 1) // 2):
                self.listed.add(self.random.choice([key for key in self.keys if key not in self.listed]))
        elif not self.listed:
            self.listed.add(self.keys[0])
        rows = [(key, self.record(key, "listed", listed=True)) for key in sorted(self.listed)]
        if self.kind in ("page", "offset") and self.random.random() < 0.3:
            rows.append((rows[-1][0], self.record(rows[-1][0], "slipped", listed=True)))
        return rows, len(rows) < self.listed_rows * 0.5

    def step_full_load(self):
        rows, shrinks = self.listing()
        pick, at = self.random, self.now
        date = at // 1000 * 1000 + 1000 * pick.choice([0, 1, 30, -1, -40, -400, 3600])
        self.service.date = date
        w0 = {place: (self.incarnation[place[0]], end) for place, end in self.ends.items()}
        start_count = len(self.events)
        hooked = not shrinks and pick.random() < 0.6
        inner = hooked and pick.random() < 0.4 and bool(self.nows)
        trouble, told = [], []

        def before_page(index, page):
            """Life goes on while the page is being made: events, and the runs of hours and days."""
            if trouble:
                return page
            try:
                begun = self.now
                self.now += pick.choice([1000, 10 * MINUTE, 90 * MINUTE, 25 * HOUR if inner else MINUTE])
                self.produce(pick.randint(0, 4), begun, self.now)
                if inner and pick.random() < 0.5:
                    told.append("with " + self.run())
                    self.compare()
                # The row may have changed since the first page.
                return [(key, self.record(key, "listed later", listed=True) if pick.random() < 0.2 else text)
                        for key, text in page]
            except BaseException as error:
                trouble.append(error)
                return page

        words = ["full-load", "--at", iso(at)]
        if shrinks:
            self.service.open(self.kind, rows, self.page_size)
            if pick.random() < 0.5 and self.nows:
                done = self.command(*words, codes=range(1, 100), kill=False)
                told.append(f"refused with {done.returncode}")
                self.compare()
            words.append("--accept-shrink")
        elif pick.random() < 0.2 and self.kind != "none" and len(rows) > self.page_size and self.nows:
            # Broken off, and resumed by the same command: T0 and W0 are those of the beginning.
            self.service.open(self.kind, rows, self.page_size, before_page if hooked else None, fail_at=1)
            self.command(*words, codes=range(1, 100), kill=False)
            self.compare()
            self.service.fail_at = None
            told.append("broken off and resumed")
        if not self.service.served or shrinks:
            self.service.open(self.kind, rows, self.page_size, before_page if hooked else None)
        self.killed = False
        self.command(*words, kill=False if inner else None)
        if trouble:
            raise trouble[0]
        load = FullLoad(min(at, date), w0, self.service.rows())
        self.t0s.append(load.t0)
        self.listed_rows = len(load.rows)
        self.nows.append(at)
        archives = {}
        for count, loads in self.archives:
            variants = [loads + (load,)]
            if self.killed:
                # It may have been complete when it was killed, and then the second was another one.
                late = {place: (self.incarnation[place[0]], end) for place, end in self.ends.items()}
                variants.append(loads + (load, FullLoad(load.t0, late, load.rows)))
            for variant in variants:
                for until in {count, max(count, start_count), len(self.events)}:
                    archives[until, tuple(variant)] = None
        self.archives = list(archives)
        during = len(self.events) - start_count
        return " ".join([" ".join(words), f"{len(load.rows)} rows by {self.kind}", f"{during} events meanwhile", *told])

    STEPS = [
        ("step_run", 10), ("step_repeat", 2), ("step_backfill", 1), ("step_refresh", 2), ("step_build", 1),
        ("step_rebuild", 2), ("step_verify", 2), ("step_lose_warehouse", 1), ("step_full_load", 6),
    ]

    def live(self):
        self.prepare()
        steps = self.STEPS + ([("step_recreate", 1)] if self.options.recreate else [])
        for number in range(self.options.steps):
            self.step = number
            told = []
            if self.random.random() < 0.85:
                told.append(self.produce(self.random.randint(1, 25), self.before, self.now))
            name = self.random.choices([s[0] for s in steps], [s[1] for s in steps])[0]
            if number == 0:
                name = self.random.choice(["step_run", "step_full_load"])
            self.what = name
            begun = time.monotonic()
            told.append(getattr(self, name)())
            self.compare()
            if self.options.verbose:
                print(f"seed {self.seed} step {number}: {'; '.join(told)}; "
                      f"{len(self.archives)} possible; {time.monotonic() - begun:.2f} s", flush=True)
            self.before = self.now
            self.now += self.random.choice([0, MINUTE, 30 * MINUTE, HOUR, HOUR, 2 * HOUR, 5 * HOUR, 12 * HOUR, DAY,
                                            DAY + MINUTE, self.random.randint(2, 6) * DAY])
        self.step, self.what = self.options.steps, "the end"
        self.run()
        self.compare()
        self.step_verify()


def plain(value):
    """A cell as text that two stores of the same value agree on. A float is never right: it isn't exact."""
    return f"a float: {value!r}" if isinstance(value, float) else str(value)


def arguments():
    parser = argparse.ArgumentParser(description="Random lives of a project, compared with the oracle after every step.")
    parser.add_argument("--seed", type=int, default=1, help="of the first life; the next ones count on")
    parser.add_argument("--lives", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--kill", action="store_true", help="kill -9 commands at random moments, then run them again")
    parser.add_argument("--kill-within", type=float, default=1.0, help="seconds within which a kill falls")
    parser.add_argument("--recreate", action="store_true", help="topics are deleted and made again, too")
    parser.add_argument("--strict-columns", action="store_true", help="unknown columns not beginning with _ are wrong")
    parser.add_argument("--differences", type=int, default=8, help="rows to show of each table")
    parser.add_argument("--timeout", type=float, default=300, help="seconds one command may take")
    parser.add_argument("--folder", help="where the lives are lived; default: a temporary folder")
    parser.add_argument("--keep", action="store_true", help="keep the folders of lives that passed, too")
    parser.add_argument("--verbose", action="store_true", help="a line for each step")
    return parser.parse_args()


def main():
    options = arguments()
    if not os.access(Life.program(), os.X_OK):
        raise SystemExit(f"there's no program {Life.program()}: build it, or set ELT")
    top = Path(options.folder or tempfile.mkdtemp(prefix="elt-lives-"))
    top.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    service = Service()
    broker = None
    try:
        broker = Broker(top)
        for seed in range(options.seed, options.seed + options.lives):
            life = Life(seed, options, broker, service, top / f"seed-{seed}")
            life.step, life.what = -1, "the beginning"
            try:
                life.live()
                passed += 1
                if not options.keep:
                    shutil.rmtree(life.folder, ignore_errors=True)
            except (Difference, sqlite3.Error, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED seed {seed}, step {life.step} ({life.what}) in {life.settings.zone}: {error}")
                print(f"the project is kept in {life.project}", flush=True)
            if options.verbose:
                for note in sorted(life.notes):
                    print(f"seed {seed}: {note}")
    finally:
        if broker:
            broker.stop()
        service.stop()
        shutil.rmtree(top / "broker", ignore_errors=True)
        if not failed and not options.keep and not options.folder:
            shutil.rmtree(top, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
