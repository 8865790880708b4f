#!/usr/bin/env python3
"""Plays golden cases with the oracle: every expectation in fixtures/cases must be what the oracle says.

    golden.py [FOLDER or case file ...]

A full load may or may not bring the events up to its end into the archive; expectations must hold either way, so
each case is played both ways.
"""
import sys
from pathlib import Path

import cases
from oracle import Event, FullLoad, Oracle, instant


class Player:
    """Keeps what a broker and an archive would keep, and asks the oracle."""

    def __init__(self, heads, extracts):
        self.settings = cases.settings_of(heads)
        self.oracle = Oracle(self.settings)
        self.partitions = int(heads.get("partitions", "1"))
        self.extracts = extracts
        self.incarnations = {topic.name: 1 for topic in self.settings.topics}
        self.ends = {}
        self.pending, self.archived, self.loads, self.nows = [], [], [], []

    def produce(self, events):
        for produced in events:
            place = (produced.topic, produced.partition)
            offset = self.ends.get(place, 0) if produced.offset is None else produced.offset
            assert offset >= self.ends.get(place, 0), "offsets grow"
            assert produced.partition < self.partitions, "no such partition"
            self.ends[place] = offset + 1
            self.pending.append(Event(
                produced.topic, self.incarnations[produced.topic], produced.partition, offset,
                produced.timestamp, produced.key, produced.value))

    def extract(self):
        self.archived += self.pending
        self.pending = []

    def run(self, at):
        self.extract()
        self.nows.append(at)

    def play(self, steps):
        """Brings the failures, one text each."""
        for step in steps:
            if step.word == "produce" or step.word == "during":
                self.produce(step.events)
            elif step.word == "run":
                self.run(instant(step.argument, "UTC"))
            elif step.word == "full-load":
                yield from self.full_load(step)
            elif step.word == "rebuild":
                pass  # the tables are a function of the archive
            elif step.word == "recreate":
                assert not self.pending, "a run comes before a topic is recreated"
                self.incarnations[step.argument] += 1
                self.ends = {place: end for place, end in self.ends.items() if place[0] != step.argument}
            elif step.word == "expect":
                yield from self.expect(step)
            else:
                raise cases.CaseError(f"line {step.line}: {step.word} is no statement")

    def full_load(self, step):
        words = step.argument.split()
        at = instant(words[0], "UTC")
        t0 = min([at] + [instant(word.removeprefix("date="), "UTC") for word in words[1:]])
        w0 = {(topic.name, partition): (self.incarnations[topic.name], self.ends.get((topic.name, partition), 0))
              for topic in self.settings.topics for partition in range(self.partitions)}
        rows = []
        for part in step.parts:
            if part.word == "page":
                rows += part.rows
            else:
                yield from self.play([part])
        self.loads.append(FullLoad(t0, w0, tuple(rows)))
        self.nows.append(at)
        if self.extracts:
            self.extract()

    def expect(self, step):
        current, history = self.oracle.tables(self.archived, self.loads, self.nows)
        what, _, days = step.argument.partition(" ")
        if what == "quarantine":
            found = len(self.oracle.poison)
            if found != int(days):
                yield f"line {step.line}: {found} in quarantine, expected {days}"
            return
        rows = current if what == "current" else history
        if days:
            first, _, last = days.partition("..")
            rows = [row for row in rows if first <= row["day"] <= (last or first)]
        found = sorted([shown(row.get(column)) for column in step.columns] for row in rows)
        expected = sorted(step.rows)
        if found != expected:
            yield "\n  ".join(
                [f"line {step.line}: {step.argument}: {' | '.join(step.columns)}"]
                + ["missing  " + " | ".join(row) for row in expected if row not in found]
                + ["too much " + " | ".join(row) for row in found if row not in expected])


def shown(value):
    return "null" if value is None else str(value)


def main():
    default = Path(__file__).resolve().parents[2] / "fixtures" / "cases"
    files = []
    for argument in [Path(word) for word in sys.argv[1:]] or [default]:
        files += sorted(argument.glob("**/*.case")) if argument.is_dir() else [argument]
    failed = 0
    for file in files:
        heads, steps = cases.read(file)
        failures = [f for extracts in (False, True) for f in Player(heads, extracts).play(steps)]
        failed += bool(failures)
        for failure in failures:
            print(f"{file}: {failure}")
    print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
