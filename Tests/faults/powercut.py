#!/usr/bin/env python3
"""Cuts the power at any moment: of what wasn't synced, chance says what is left. One more run mends all of it.

    powercut.py [--cuts N] [--pairs N] [--volumes N] [--seed N] [--folder DIR]

Each life's calls are kept, and played to a disk that promises no more than it was asked for (disk.py). From what is
left after a cut, readers see the tables of before or of after; one more run ends in the state of an undisturbed life,
which the archive proves, and so does a rebuild after it. Where the run had ended, or the consumer group had been told,
nothing is lost at all. --pairs cuts once more while the first cut is mended. --volumes does it N times on each of the
file systems that can be mounted here (volumes.py), killed and copied without what the kernel hadn't written yet.

The suite cuts lives with left-out syncs, too, and fails unless it notices each kind of them.
"""
import argparse
import random
import re
import shutil
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import volumes
from crash import AT, REBUILD, RUN, FullLoad, Workload
from disk import Disk, steps
from stage import Fault, copy, elt, must, play
from state import check_equal, difference, published, state
from syscalls import shim

HOUR = Workload("hour", "day", RUN)
FIRST = Workload("first run", "empty", RUN)
WORKLOADS = [
    HOUR, FIRST,
    Workload("hour after a torn append", "torn", RUN),
    Workload("hour after half an extraction", "partly", RUN),
    FullLoad("full load", "day", ("full-load", "--at", AT), RUN),
    Workload("rebuild", "loaded", REBUILD),
    Workload("quarantine replay", "quarantined", ("quarantine", "replay", "--all")),
]
LIES = [*((HOUR, path) for path in (".partial", "manifest.ndjson", "archive", "elt.db-wal")), (FIRST, "elt.db-new")]
# A lie shows in the cuts that fall behind it. So many are tried before the suite counts as blind.
LIES_MAX = 80


class Life:
    """What a workload's first command did, step by step, from a state on the disk."""

    def __init__(self, workload, start, done):
        self.workload, self.start, self.steps = workload, start, done
        told = [number for number, step in enumerate(done) if step.kind == "offset-commit"]
        self.told = told[0] + 1 if told else len(done)
        self.turns = [number for number, step in enumerate(done) if step.kind != "write"]

    def moment(self, dice):
        """A cut after so many steps: every second one beside a step that changes more than bytes."""
        if dice.random() < 0.5:
            return dice.choice(self.turns) + dice.randint(0, 1)
        return dice.randint(0, len(self.steps))

    def left(self, moment, dice, target):
        disk = Disk(self.start)
        for step in self.steps[:moment]:
            disk.see(step)
        disk.image(dice, target)


class PowerCuts:
    def __init__(self, stage):
        self.stage, self.shim = stage, shim(stage.folder)
        self.expected, self.rebuilt, self.ended, self.views, self.seconds = {}, {}, {}, {}, {}
        self.lives = {workload.name: self.calm(workload) for workload in WORKLOADS}

    def keep(self, workload, project, start, settings=None):
        """Runs the first command and reads what it did; `start` is what the project was before."""
        log = project.with_suffix(".kept")
        log.unlink(missing_ok=True)
        done = elt(project, *workload.commands[0], extra={
            "LD_PRELOAD": str(self.shim), "FAULT_ROOT": str(project), "FAULT_KEEP": str(log), **(settings or {})})
        if done.returncode:
            raise Fault(f"{workload.commands[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
        life = Life(workload, start, steps(log, project))
        log.unlink()
        return life

    def calm(self, workload):
        """The undisturbed life: what it did, its end, the state after its first command, and after a rebuild."""
        start = self.stage.states / workload.start
        project = copy(start, self.stage.folder / "calm")
        begun = time.monotonic()
        life, disk, seen = self.keep(workload, project, start), Disk(start), published(start)
        self.seconds[workload.name] = time.monotonic() - begun
        for step in life.steps:
            disk.see(step)
        if unseen := disk.differs(project):
            raise Fault(f"{workload.name}: what was kept doesn't make {unseen} what it is")
        self.ended[workload.name], self.views[workload.name] = state(project), [seen, published(project)]
        for words in workload.commands[1:]:
            must(project, *words)
        self.expected[workload.name] = state(project)
        must(project, *REBUILD)
        self.rebuilt[workload.name] = state(project)
        return life

    # --- cuts --------------------------------------------------------------------------------------

    def judge(self, workload, project, hasEnded):
        """Raises unless what is left is as promised, before and after it's mended."""
        name = workload.name
        if published(project) not in self.views[name]:
            raise Fault("readers see tables that are neither those of before nor those of after")
        if hasEnded:
            found = state(project)
            # That marks and drafts were removed is never synced: they may come back, and the next run removes them.
            files = found["archive"]["files"]
            found["archive"]["files"] = {path: files[path] for path in files if not path.startswith(".")}
            if told := difference(self.ended[name], found):
                raise Fault(f"after its end: {told}")
            must(project, "archive", "verify", "--quiet")
        workload.heal(project)
        check_equal(self.expected[name], project)
        must(project, *REBUILD)
        check_equal(self.rebuilt[name], project)

    def play(self, life, seed, moment=None, isPair=False):
        """What a cut broke, in words; None if nothing."""
        dice, workload = random.Random(seed), life.workload
        moment = life.moment(dice) if moment is None else moment
        place = f"{workload.name}, cut {seed} after step {moment} of {len(life.steps)}"
        project = self.stage.folder / re.sub(r"\W", "-", place)
        between = project.with_suffix(".between")
        try:
            life.left(moment, dice, project)
            hasEnded = moment >= life.told
            if isPair:
                copy(project, between)
                life = self.keep(workload, project, between)
                moment, hasEnded = life.moment(dice), False
                place += f", and again after step {moment} of {len(life.steps)}"
                shutil.rmtree(project)
                life.left(moment, dice, project)
            self.judge(workload, project, hasEnded)
        except (Fault, sqlite3.Error) as error:
            return f"{place}: {error}\n  the project is kept in {project}"
        shutil.rmtree(project)
        shutil.rmtree(between, ignore_errors=True)
        return None

    def lies(self, seed):
        """Syncs that weren't made have to show; a suite that doesn't see them proves nothing."""
        blind = []
        for workload, path in LIES:
            start = self.stage.states / workload.start
            project = copy(start, self.stage.folder / "lie")
            life = self.keep(workload, project, start, {
                "FAULT_CALL": "sync", "FAULT_NTH": "1", "FAULT_MODE": "lie", "FAULT_PATH": path})
            for number in range(LIES_MAX):
                if told := self.play(life, seed + number):
                    shutil.rmtree(told.rsplit(" ", 1)[1])
                    break
            else:
                blind.append(f"syncs of {path} may be left out, and {LIES_MAX} cuts show nothing")
        return blind

    def all(self, options):
        lives = list(self.lives.values())
        tasks = [(self.play, life, options.seed, len(life.steps)) for life in lives]
        tasks += [(self.play, lives[number % len(lives)], options.seed + number) for number in range(options.cuts)]
        pairs = [life for life in lives if not isinstance(life.workload, FullLoad)]
        tasks += [(self.play, pairs[number % len(pairs)], options.seed + number, None, True)
                  for number in range(options.pairs)]
        for kind in volumes.kinds(self.stage.folder) if options.volumes else []:
            tasks += [(volumes.cut, self, kind, lives[number % len(lives)].workload, options.seed + number)
                      for number in range(options.volumes)]
        with ThreadPoolExecutor(2) as pool:
            failures = [told for told in pool.map(lambda task: task[0](*task[1:]), tasks) if told]
        return len(tasks), failures + self.lies(options.seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=21)
    parser.add_argument("--pairs", type=int, default=4, help="so many times two cuts in a row")
    parser.add_argument("--volumes", type=int, default=0, help="so many cuts on each file system; needs root")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    options = parser.parse_args()
    if sys.platform != "linux":
        print("powercut: left out, calls are kept on Linux only")
        return 0

    def suite(stage):
        count, failures = PowerCuts(stage).all(options)
        return f"{count} cuts, {len(LIES)} kinds of left-out syncs", failures
    return play("powercut", options.folder, suite)


if __name__ == "__main__":
    sys.exit(main())
