#!/usr/bin/env python3
"""The hourly job as one would write it with Python, confluent-kafka and DuckDB."""
import os

import duckdb
from shared import COLUMNS, Archive, Steps, arguments, consume, day_before, days

LIST = ", ".join(COLUMNS)
DECLARED = ", ".join(f"{name} bigint" if name == "version" else f"{name} varchar" for name in COLUMNS)
FIELDS = "{" + ", ".join(f"{name}: '{'BIGINT' if name == 'version' else 'VARCHAR'}'" for name in COLUMNS) + "}"
NEWEST = "qualify row_number() over (partition by {} order by event_time desc, version desc) = 1"


class Job:
    def __init__(self, options):
        self.options = options
        self.steps = Steps()
        path = os.path.join(options.project, "warehouse.duckdb")
        if options.command == "rebuild" and os.path.exists(path):
            os.remove(path)
        self.archive = Archive(options.project)
        self.base = duckdb.connect(path)
        self.do = self.base.execute
        self.do("set threads = 2")
        self.do("set preserve_insertion_order = false")
        self.do(f"create table if not exists raw_full ({DECLARED})")
        self.do(f"""create table if not exists raw_stream (operation varchar, part integer, off bigint, timestamp bigint,
            run integer, event_time varchar, day date, {DECLARED})""")
        self.do(f"create table if not exists current_customer ({DECLARED})")
        self.do(f"create table if not exists customer_history (day date, changed integer, {DECLARED})")
        self.do("create table if not exists offsets (topic varchar, part integer, off bigint)")
        self.do("create table if not exists full_load (day date)")
        self.run = self.one("select coalesce(max(run), 0) + 1 from raw_stream")
        self.steps.end("start")

    def one(self, query, values=()):
        return (self.do(query, values).fetchone() or [None])[0]

    def load(self, paths):
        if paths:
            self.do(f"""insert into raw_stream select parse_filename(filename)[:6], partition, "offset", timestamp, {self.run},
                value.event_time, value.event_time[:10]::date, {', '.join('value.customer.' + name for name in COLUMNS)}
                from read_json({paths!r}, format = 'newline_delimited', filename = true, columns = {{partition: 'INTEGER',
                "offset": 'BIGINT', timestamp: 'BIGINT',
                value: 'STRUCT(event_time VARCHAR, customer STRUCT({DECLARED}))'}})""")

    def listing(self, path, day):
        self.do("delete from raw_full")
        self.do(f"""insert into raw_full select * from read_json('{path}', format = 'newline_delimited',
            columns = {FIELDS})""")
        self.do("delete from full_load")
        self.do("insert into full_load values (?)", (day,))

    def stream(self):
        offsets = {(topic, part): off for topic, part, off in self.do("select * from offsets").fetchall()}
        count = consume(self.options.broker, self.options.topics, offsets, self.archive.write)
        self.archive.close()
        self.steps.end("consume")
        self.load(self.archive.written())
        self.do("delete from offsets")
        self.base.executemany("insert into offsets values (?, ?, ?)", [(*k, v) for k, v in offsets.items()])
        return count

    def current(self, afresh):
        if afresh:
            self.do("delete from current_customer")
            self.do(f"""insert into current_customer select {LIST} from (select {LIST}, '' as event_time from raw_full
                union all by name select {LIST}, event_time from raw_stream) {NEWEST.format('id')}""")
        else:
            self.do(f"""merge into current_customer t using
                (select {LIST} from raw_stream where run = {self.run} {NEWEST.format('id')}) s on t.id = s.id
                when matched and (s.updated_at, s.version) > (t.updated_at, t.version)
                    then update set {', '.join(f'{c} = s.{c}' for c in COLUMNS[1:])}
                when not matched then insert values ({', '.join('s.' + c for c in COLUMNS)})""")

    def history(self, first, last):
        """Overwrites whole days: each is the day before with its own newest events in place."""
        self.do(f"delete from customer_history where day between '{first}' and '{last}'")
        full = str(self.one("select day from full_load"))
        for day in days(first, last):
            before, changed = f"(from customer_history where day = '{day_before(day)}')", 0
            if day == full:
                before, changed = "raw_full", 1
            self.do(f"""insert into customer_history
                with won as (select {LIST} from raw_stream where day = '{day}' {NEWEST.format('id')})
                select date '{day}', {changed}, {LIST} from {before} p where not exists (from won where won.id = p.id)
                union all select date '{day}', 1, {LIST} from won""")

    def all_history(self, last):
        """Every day from the intervals in which a record held."""
        self.do("delete from customer_history")
        self.do(f"""insert into customer_history with every as (
              select day as since, '' as event_time, {LIST} from raw_full, full_load
              union all by name select day as since, event_time, {LIST} from raw_stream),
            won as (select since, {LIST} from every {NEWEST.format('id, since')}),
            held as (select *, lead(since) over (partition by id order by since) as until from won),
            spread as (select unnest(generate_series(since, coalesce(until - 1, date '{last}'), interval 1 day))::date as day, *
              from held)
            select day, (day = since)::integer, {LIST} from spread""")

    def work(self):
        today, command = self.options.at[:10], self.options.command
        self.do("begin")
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
            self.load(self.archive.events())
        self.steps.end("load")
        newest = self.one("select max(day)::varchar from customer_history")
        empty = command != "run" or newest is None
        if empty or count:
            self.current(empty)
        self.steps.end("current")
        if empty:
            self.all_history(today)
        elif count or newest != today:
            reached = self.one(f"select min(day)::varchar from raw_stream where run = {self.run}")
            # A run writes its day and the day before, and what its batch reaches before them.
            self.history(min(filter(None, (reached, newest, day_before(today)))), today)
        self.steps.end("history")
        self.do("commit")
        self.base.close()
        self.steps.end("commit")
        self.steps.print()


if __name__ == "__main__":
    Job(arguments()).work()
