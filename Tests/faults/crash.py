#!/usr/bin/env python3
"""Kills the program at every failpoint of every kind of run; one more run must end as if nothing had happened.

    crash.py [--every] [--pairs N] [--seed N] [--folder DIR]

Between the kill and the next run, readers must see the tables of before or of after, and nothing between. The
failpoints are those that the program's source lists: one that no workload reaches is an error.

Without --every, each failpoint is met at its first, second, fourth, eighth ... pass in an hour's run, and those that
it doesn't reach, besides a part of the others, once in every other workload; with it at each pass in each. --pairs
kills twice, the second time while the first is being made good.
"""
import argparse
import random
import re
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from stage import ROOT, T1, Fault, copy, elt, iso, must, play
from state import check_equal, published, state

AT = iso(T1)


class Workload:
    """A command on a state, and what a person does after it broke off."""

    def __init__(self, name, start, *commands):
        self.name, self.start, self.commands = name, start, commands

    def heal(self, project):
        for command in self.commands:
            must(project, *command)


class FullLoad(Workload):
    """Run again, a full load would be another one. It's only begun again where it wasn't complete."""

    def heal(self, project):
        number = 2
        if not (project / "archive" / "entity=customer" / f"full_load={number:06}").exists():
            must(project, *self.commands[0])
        must(project, *self.commands[1])


RUN = ("run", "--at", AT)
REBUILD = ("rebuild", "--from-archive")
HOUR = Workload("hour", "day", RUN)
WORKLOADS = [
    Workload("first run", "empty", RUN), HOUR,
    Workload("hour after a torn append", "torn", RUN),
    Workload("hour after half an extraction", "partly", RUN),
    Workload("hour with everything in full", "loaded", (*RUN, "--full-refresh")),
    FullLoad("full load", "day", ("full-load", "--at", AT), RUN),
    Workload("rebuild", "loaded", REBUILD),
    Workload("rebuild of a lost warehouse", "lost", REBUILD),
    Workload("quarantine replay", "quarantined", ("quarantine", "replay", "--all")),
]


def failpoints():
    source = (ROOT / "Sources" / "ELTCore" / "Running" / "Failpoint.swift").read_text()
    return re.findall(r'^    case \w+ = "([a-z-]+)"$', source, re.M)


class Crashes:
    def __init__(self, stage, options):
        self.stage, self.options = stage, options
        self.lock = threading.Lock()
        self.reached = {}
        self.kills = 0
        self.expected, self.views = {}, {}
        for workload in WORKLOADS:
            self.live(workload)

    def live(self, workload):
        """The undisturbed life: its end, and what readers may see on the way."""
        project = copy(self.stage.states / workload.start, self.stage.folder / "calm")
        seen = [published(project)]
        for command in workload.commands:
            must(project, *command)
            seen.append(published(project))
        self.expected[workload.name] = state(project)
        self.views[workload.name] = seen
        check_equal(self.expected[workload.name], project)

    def adopted(self):
        """What was archived before a crash isn't asked of the broker again: it may have forgotten it."""
        project = copy(self.stage.states / "torn", self.stage.folder / "forgotten")
        settings = project / "elt.yml"
        text = settings.read_text()
        settings.write_text(text.replace(self.stage.broker.address, "127.0.0.1:9"))
        try:
            must(project, *REBUILD, "--at", AT)
            if published(project) != self.views[HOUR.name][-1]:
                raise Fault("the tables lack what was archived")
            # Only a run that reads the stream knows through when it's complete.
            settings.write_text(text)
            must(project, *RUN)
            check_equal(self.expected[HOUR.name], project)
        except Fault as error:
            return [f"a rebuild after a torn append, without a broker: {error}"]
        return []

    def kill(self, project, workload, point, passing):
        """True if the failpoint was reached that often; the project is as the kill left it then."""
        done = elt(project, *workload.commands[0], extra={"ELT_CRASH_AT": f"{point}:{passing}"})
        if done.returncode == 0:
            return False
        if done.returncode != -9:
            raise Fault(f"ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:]}")
        with self.lock:
            self.kills += 1
            self.reached.setdefault(point, set()).add(workload.name)
        if published(project) not in self.views[workload.name]:
            raise Fault("readers see tables that are neither those of before nor those of after")
        return True

    def passes(self, workload, point):
        """Kills at one failpoint of a workload, pass after pass."""
        place = f"{workload.name}, {point}"
        project = self.stage.folder / re.sub(r"\W", "-", place)
        passing = 1
        try:
            while True:
                copy(self.stage.states / workload.start, project)
                place = f"{workload.name}, {point}:{passing}"
                if not self.kill(project, workload, point, passing):
                    break
                workload.heal(project)
                check_equal(self.expected[workload.name], project)
                if self.options.every:
                    passing += 1
                elif workload is HOUR:
                    passing *= 2
                else:
                    break
        except Fault as error:
            return f"{place}: {error}\n  the project is kept in {project}"
        shutil.rmtree(project)
        return None

    def pair(self, workload, points):
        """Two kills, one after the other, then peace."""
        place = f"{workload.name}, {' then '.join(points)}"
        project = copy(self.stage.states / workload.start, self.stage.folder / re.sub(r"\W", "-", place))
        try:
            for point in points:
                if elt(project, *workload.commands[0], extra={"ELT_CRASH_AT": point}).returncode == -9:
                    with self.lock:
                        self.kills += 1
                if published(project) not in self.views[workload.name]:
                    raise Fault("readers see tables that are neither those of before nor those of after")
            workload.heal(project)
            check_equal(self.expected[workload.name], project)
        except Fault as error:
            return f"{place}: {error}\n  the project is kept in {project}"
        shutil.rmtree(project)
        return None

    def play(self, tasks):
        with ThreadPoolExecutor(2) as pool:
            return [told for told in pool.map(lambda task: task[0](*task[1:]), tasks) if told]

    def all(self):
        points = failpoints()
        dice = random.Random(self.options.seed)
        failures = self.adopted()
        failures += self.play([(self.passes, HOUR, point) for point in points])
        others = [workload for workload in WORKLOADS if workload is not HOUR]
        tasks = [(self.passes, workload, point) for workload in others for point in points
                 if self.options.every or point not in self.reached or dice.random() < 0.2]
        pairs = [workload for workload in WORKLOADS if not isinstance(workload, FullLoad)]
        tasks += [(self.pair, dice.choice(pairs), dice.sample(points, 2)) for _ in range(self.options.pairs)]
        failures += self.play(tasks)
        failures += [f"no workload reaches the failpoint {point}" for point in points if point not in self.reached]
        if not points:
            failures.append("the program's source has no failpoints")
        return points, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", action="store_true", help="every pass of every failpoint in every workload")
    parser.add_argument("--pairs", type=int, default=0, help="so many times two kills in a row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    options = parser.parse_args()

    def suite(stage):
        crashes = Crashes(stage, options)
        points, failures = crashes.all()
        told = f"{len(points)} failpoints x {len(WORKLOADS)} workloads, {crashes.kills} kills"
        return told, failures if crashes.kills else ["nothing was killed"]
    return play("crash", options.folder, suite)


if __name__ == "__main__":
    sys.exit(main())
