#!/usr/bin/env python3
"""The hourly job as one would write it with Python, confluent-kafka and sqlite3."""
import gzip
import os
import sqlite3

from orjson import loads
from shared import COLUMNS, Archive, Steps, arguments, consume, day_before, days

LIST = ", ".join(COLUMNS)
DECLARED = ", ".join(f"{name} integer" if name == "version" else f"{name} text" for name in COLUMNS)
WITH_KEY = DECLARED.replace("id text", "id text primary key", 1)


class Job:
    def __init__(self, options):
        self.options = options
        self.steps = Steps()
        self.path = os.path.join(options.project, "warehouse.db")
        if options.command == "rebuild":
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(self.path + suffix):
                    os.remove(self.path + suffix)
        self.archive = Archive(options.project)
        self.base = sqlite3.connect(self.path, isolation_level=None)
        self.do = self.base.execute
        self.do("pragma journal_mode=wal")
        self.do("pragma synchronous=full")
        self.do("pragma cache_size=-262144")
        self.do("pragma temp_store=memory")
        self.do(f"create table if not exists raw_full ({WITH_KEY}) without rowid")
        self.do(f"""create table if not exists raw_stream (operation text, part integer, off integer, timestamp integer,
            run integer, event_time text, day text, {DECLARED}, primary key (operation, part, off)) without rowid""")
        self.do(f"create table if not exists current_customer ({WITH_KEY}) without rowid")
        self.do(f"""create table if not exists customer_history (day text, changed integer, {DECLARED},
            primary key (day, id)) without rowid""")
        self.do("create table if not exists offsets (topic text, part integer, off integer, primary key (topic, part))")
        self.do("create table if not exists full_load (day text)")
        self.run = self.do("select coalesce(max(run), 0) + 1 from raw_stream").fetchone()[0]
        self.steps.end("start")

    def insert(self, rows):
        self.base.executemany(f"insert or ignore into raw_stream values ({','.join('?' * 19)})", rows)

    def listing(self, path, day):
        self.do("delete from raw_full")
        with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb", 1 << 20) as file:
            self.base.executemany(f"insert into raw_full values ({','.join('?' * 12)})",
                                  (tuple(loads(line).values()) for line in file))
        self.do("delete from full_load")
        self.do("insert into full_load values (?)", (day,))

    def row(self, operation, partition, offset, timestamp, event):
        at = event["event_time"]
        return (operation, partition, offset, timestamp, self.run, at, at[:10], *event["customer"].values())

    def stream(self):
        offsets = {(topic, part): off for topic, part, off in self.do("select * from offsets")}

        def sink(operation, messages):
            self.archive.write(operation, messages)
            self.insert([self.row(operation, m.partition(), m.offset(), m.timestamp()[1], loads(m.value()))
                         for m in messages])

        count = consume(self.options.broker, self.options.topics, offsets, sink)
        self.archive.close()
        self.base.executemany("insert or replace into offsets values (?,?,?)", [(*k, v) for k, v in offsets.items()])
        return count

    def archived(self):
        rows = []
        for path in self.archive.events():
            operation = os.path.basename(path).split(".")[0]
            with gzip.open(path, "rb") as file:
                for line in file:
                    kept = loads(line)
                    rows.append(self.row(operation, kept["partition"], kept["offset"], kept["timestamp"], kept["value"]))
                    if len(rows) == 20_000:
                        self.insert(rows)
                        rows.clear()
        self.insert(rows)

    def current(self, afresh):
        if afresh:
            self.do("delete from current_customer")
            self.do("insert into current_customer select * from raw_full")
        self.do(f"""insert into current_customer select {LIST} from (select *, row_number() over (partition by id
                order by event_time desc, version desc) as place from raw_stream where run = ?) where place = 1
            on conflict (id) do update set {', '.join(f'{c} = excluded.{c}' for c in COLUMNS[1:])}
            where (excluded.updated_at, excluded.version) > (updated_at, version)""", (self.run,))

    def history(self, first, last):
        """Overwrites whole days: each is the day before with its own newest events in place."""
        full = self.do("select day from full_load").fetchone()
        self.do("delete from customer_history where day between ? and ?", (first, last))
        self.do(f"create temp table won (day text, {DECLARED}, primary key (day, id)) without rowid")
        self.do(f"""insert into won select day, {LIST} from (select *, row_number() over (partition by day, id
            order by event_time desc, version desc) as place from raw_stream where day between ? and ?) where place = 1""",
                (first, last))
        unchanged = "not exists (select 1 from won where won.day = ? and won.id = p.id)"
        for day in days(first, last):
            if full and day == full[0]:
                self.do(f"insert into customer_history select ?, 1, {LIST} from raw_full p where {unchanged}", (day, day))
            else:
                self.do(f"""insert into customer_history select ?, 0, {LIST} from customer_history p
                    where p.day = ? and {unchanged}""", (day, day_before(day), day))
            self.do(f"insert into customer_history select day, 1, {LIST} from won where day = ?", (day,))
        self.do("drop table won")

    def between(self, step):
        """Commits, because a transaction of everything would outgrow the cache."""
        self.do("commit")
        self.do("begin immediate")
        self.steps.end(step)

    def work(self):
        today, command = self.options.at[:10], self.options.command
        self.do("begin immediate")
        count = 0
        if command == "full-load":
            self.archive.keep_listing(self.options.listing, today)
            self.steps.end("archive")
            self.listing(self.options.listing, today)
        elif command == "run":
            count = self.stream()
        else:
            path, day = self.archive.listing()
            if path:
                self.listing(path, day)
            self.archived()
        self.between("load")
        if command != "run" or count:
            self.current(afresh=command != "run")
        self.between("current")
        newest = self.do("select max(day) from customer_history").fetchone()[0]
        if command != "run" or count or newest != today:
            reached = self.do("select min(day) from raw_stream where run = ?", (self.run,)).fetchone()[0]
            # A run writes its day and the day before, and what its batch reaches before them.
            first = [reached, newest, newest and day_before(today)]
            if command != "run":
                first += self.do("select day from full_load").fetchone() or []
            self.history(min(filter(None, first)), today)
        self.steps.end("history")
        self.do("commit")
        self.base.close()
        self.steps.end("commit")
        self.steps.print()


if __name__ == "__main__":
    Job(arguments()).work()
