#!/usr/bin/env python3
"""A stand-in for elt, to test life.py itself: ELT=Tests/life/standin.py Tests/life/life.py

It knows just enough of the commands to be driven: it keeps its archive in one file and makes the tables with the
oracle, so lives must pass. With STANDIN_BUG set it does one thing wrong, and lives must fail:
late, epoch, absent, midnight, changed, removed, lost.
"""
import json
import os
import re
import sqlite3
import sys
import urllib.request
from datetime import timezone
from email.utils import parsedate_to_datetime
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

import oracle
from oracle import Event, FullLoad, Oracle, Settings, Topic, instant

BUG = os.environ.get("STANDIN_BUG")


class Project:
    """elt.yml as life.py writes it."""

    def __init__(self):
        self.text = Path("elt.yml").read_text()
        topics = []
        for match in re.finditer(r"^      (create|update|delete): (.*)$", self.text, re.M):
            inner = re.fullmatch(r"\{ name: (\S+), mode: (\w+) \}", match[2])
            topics.append(Topic(*(inner.group(1), match[1], inner.group(2)) if inner else (match[2], match[1])))
        self.kind = self.value(r"kind: (\w+)")
        absent = self.value(r"absent: (\w+)") or ("keep" if self.kind in ("page", "offset") else "remove")
        self.settings = Settings(
            self.value(r"timezone: (\S+)"), topics, absent="keep" if BUG == "absent" else absent,
            event_time=("event_time",) if "event_time: event_time" in self.text else None,
            declared={"created_at": "timestamp"} if "type: timestamp" in self.text else {})
        if BUG == "midnight":
            self.settings.zone = "UTC"
        self.path = Path("archive.json")
        kept = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.events = [Event(*e[:5], *[None if x is None else bytes.fromhex(x) for x in e[5:]])
                       for e in kept.get("events", [])]
        self.loads = [FullLoad(t0, {(t, p): (i, o) for t, p, i, o in w0}, tuple(rows))
                      for t0, w0, rows in kept.get("loads", [])]
        self.nows = kept.get("nows", [])

    def value(self, pattern):
        match = re.search(pattern, self.text)
        return match[1] if match else None

    def save(self):
        kept = {
            "events": [[e.topic, e.incarnation, e.partition, e.offset, e.timestamp,
                        *(None if x is None else x.hex() for x in (e.key, e.value))] for e in self.events],
            "loads": [[l.t0, [[*place, *w] for place, w in l.w0.items()], l.rows] for l in self.loads],
            "nows": self.nows,
        }
        self.write(self.path, kept)

    @staticmethod
    def write(path, kept):
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(kept))
        partial.rename(path)

    # --- the broker

    def consumer(self):
        return Consumer({
            "bootstrap.servers": self.value(r"bootstrap.servers: (\S+)"), "group.id": "standin", "log_level": 0,
            "enable.auto.commit": False, "auto.offset.reset": "error", "enable.partition.eof": True,
            "receive.message.max.bytes": 1_000_000_000})

    def ends(self, consumer):
        """{(topic, partition): (incarnation, end)}; an end that went back, or another last record, is a new incarnation."""
        ends = {}
        for topic in self.settings.topics:
            own = [e for e in self.events if e.topic == topic.name]
            incarnation = max([e.incarnation for e in own] or [1])
            partitions = consumer.list_topics(topic.name, timeout=10).topics[topic.name].partitions
            found = {p: consumer.get_watermark_offsets(TopicPartition(topic.name, p), timeout=10)[1] for p in partitions}
            for p, end in found.items():
                last = max([e for e in own if (e.incarnation, e.partition) == (incarnation, p)] or [None],
                           key=lambda e: e.offset if e else -1)
                if last and (end <= last.offset or self.read(consumer, topic.name, p, last.offset, last.offset + 1)[0]
                             != (last.offset, last.timestamp, last.key, last.value)):
                    incarnation += 1
                    break
            ends.update({(topic.name, p): (incarnation, end) for p, end in found.items()})
        return ends

    def read(self, consumer, topic, partition, first, end):
        found = []
        if first >= end:
            return found
        consumer.assign([TopicPartition(topic, partition, first)])
        while True:
            message = consumer.poll(10)
            assert message is not None, "the broker is silent"
            if message.error():
                break
            if message.offset() >= end:
                break
            found.append((message.offset(), message.timestamp()[1], message.key(), message.value()))
            if message.offset() == end - 1:
                break
        consumer.unassign()
        return found

    def extract(self):
        consumer = self.consumer()
        for (topic, partition), (incarnation, end) in self.ends(consumer).items():
            own = [e.offset for e in self.events
                   if (e.topic, e.incarnation, e.partition) == (topic, incarnation, partition)]
            for offset, *rest in self.read(consumer, topic, partition, max(own, default=-1) + 1, end):
                if BUG == "lost" and offset % 17 == 16:
                    continue
                self.events.append(Event(topic, incarnation, partition, offset, *rest))
        consumer.close()

    # --- the service

    def download(self, at):
        consumer = self.consumer()
        w0 = self.ends(consumer)
        consumer.close()
        draft = Path("draft.json")
        if draft.exists() and json.loads(draft.read_text())["number"] != len(self.loads) + 1:
            draft.unlink()  # it was completed before its process was killed
        kept = json.loads(draft.read_text()) if draft.exists() else {
            "t0": at, "w0": [[*place, *w] for place, w in w0.items()], "pages": [], "number": len(self.loads) + 1}
        self.write(draft, kept)
        while True:
            index, pages = len(kept["pages"]), kept["pages"]
            size = int(self.value(r"(?:size|limit): (\d+)") or 0)
            query = {"none": "", "page": f"?page={index}", "offset": f"?offset={index * size}",
                     "cursor": f"?cursor={index}", "link": f"?cursor={index}",
                     "keyset": f"?after={kept.get('after', '')}"}[self.kind]
            with urllib.request.urlopen(self.value(r"url: (\S+)") + query) as answer:
                text = answer.read().decode()
                date = int(parsedate_to_datetime(answer.headers["Date"]).astimezone(timezone.utc).timestamp()) * 1000
                linked = bool(answer.headers["Link"])
            if not pages:
                kept["t0"] = min(kept["t0"], date)
            body = text if self.kind == "none" else oracle.members(text, 0)[0]["items"][1]
            rows = items(body)
            pages.append(rows)
            self.write(draft, kept)
            document = None if self.kind == "none" else json.loads(text)
            if rows and self.kind == "keyset":
                kept["after"] = json.loads(rows[-1])["id"]
            if (self.kind == "none" or self.kind in ("page", "offset") and sum(map(len, pages)) >= document["total"]
                    or self.kind == "cursor" and document["next_cursor"] is None
                    or self.kind == "link" and not linked or self.kind == "keyset" and not rows):
                break
        rows = tuple(row for page in kept["pages"] for row in page)
        return draft, FullLoad(kept["t0"], {(t, p): (i, o) for t, p, i, o in kept["w0"]}, rows)

    # --- the tables

    def publish(self):
        judge = Oracle(self.settings)
        if BUG == "changed":
            judge.lives = lambda winner, newest: winner.order[2:3] != () and not winner.removes
        if BUG == "removed":
            judge.lives = lambda winner, newest: True
        events = self.events
        if BUG == "late":
            latest = {}
            events = []
            for event in self.events:
                message = judge.decoded.event(event)
                if not isinstance(message, oracle.Poison):
                    if message.time < latest.get(message.key, 0) - oracle.timedelta(hours=3) // oracle.timedelta(milliseconds=1):
                        continue
                    latest[message.key] = max(latest.get(message.key, 0), message.time)
                events.append(event)
        loads = self.loads
        if BUG == "epoch":
            loads = [FullLoad(l.t0, {}, l.rows) for l in loads]
        current, history = judge.tables(events, loads, self.nows)
        Path("warehouse").mkdir(exist_ok=True)
        connection = sqlite3.connect("warehouse/elt.db")
        connection.isolation_level = None
        connection.execute("pragma journal_mode=wal")
        connection.execute("begin")
        for name, rows in (("current_customer", current), ("customer_history", history)):
            columns = sorted({column for row in rows for column in row} | {"id"})
            connection.execute(f"drop table if exists {name}")
            connection.execute(f"create table {name} ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"insert into {name} values ({marks})",
                                   [[row.get(column) for column in columns] for row in rows])
        connection.execute("commit")
        connection.close()


def items(text):
    """The rows of a list as they're written."""
    rows, at = [], oracle.SPACE.match(text, 1).end()
    while text[at] != "]":
        _, end = oracle.DECODER.raw_decode(text, at)
        rows.append(text[at:end])
        at = oracle.SPACE.match(text, end).end()
        at = oracle.SPACE.match(text, at + (text[at] == ",")).end()
    return rows


def main():
    command, *words = sys.argv[1:]
    if command == "init":
        Path(words[0]).mkdir(parents=True, exist_ok=True)
        return 0
    project = Project()
    at = instant(words[words.index("--at") + 1], "UTC") if "--at" in words else None
    if command == "run":
        project.extract()
        project.nows.append(at)
    elif command == "full-load":
        draft, load = project.download(at)
        project = Project()  # runs went on meanwhile
        if project.loads and len(load.rows) < len(project.loads[-1].rows) / 2 and "--accept-shrink" not in words:
            return 65
        project.loads.append(load)
        project.nows.append(at)
        if os.environ.get("STANDIN_EXTRACTS"):
            project.extract()
        project.save()
        draft.unlink()
    project.save()
    if "--verify" not in words:
        project.publish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
