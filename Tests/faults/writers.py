#!/usr/bin/env python3
"""One writer at a time, and signals that end a run.

    writers.py [--races N] [--processes N] [--signals N] [--seed N] [--folder DIR]

A stopped run holds the lock: every command that writes ends with 75 within a second and says who holds it, also when
the note with the holder's name is removed; a dead holder blocks nobody. In races of many processes each ends with 0
or 75, and the state is that of one run. SIGTERM and SIGINT at any moment end a run within ten seconds with 143 or
130, also one that waits for a broker or a service that never answers; then the state is as after a crash.
"""
import argparse
import random
import re
import signal
import socket
import subprocess
import sys
import time

from crash import AT, REBUILD, RUN, FullLoad, Workload
from stage import PROGRAM, Fault, copy, elt, environment, must, play
from state import check_equal, published, state

HOUR = Workload("hour", "day", RUN)
LOAD = FullLoad("full load", "day", ("full-load", "--at", AT), RUN)
BUILD = Workload("rebuild", "loaded", REBUILD)
WRITERS = [RUN, REBUILD, ("rebuild", "--from-archive", "--verify"), ("build",), ("quarantine", "replay", "--all")]
# What the machine needs to start a program isn't the program's.
PROMPT, PATIENCE = 1.0, 10.0


def start(project, words):
    return subprocess.Popen([PROGRAM, *words], cwd=project, env=environment(), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def until(what, condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Fault(f"{what} didn't happen within {seconds} s")
        time.sleep(0.0005)


def stopped(project, words, note):
    """A process that holds a lock and stands still. It may be too quick for us; then another is started."""
    for _ in range(50):
        child = start(project, words)
        holder = project / "archive" / note
        while child.poll() is None:
            if holder.exists() and str(child.pid) in holder.read_text():
                child.send_signal(signal.SIGSTOP)
                # It may have ended in between.
                if child.poll() is None and holder.exists():
                    return child
                child.send_signal(signal.SIGCONT)
        child.communicate()
    raise Fault(f"{words} couldn't be stopped while it held the lock")


def refused(project, words, holder):
    begun = time.monotonic()
    done = elt(project, *words)
    seconds = time.monotonic() - begun
    if done.returncode != 75:
        raise Fault(f"{' '.join(words)} beside another ended with {done.returncode}: {done.stderr[-500:]}")
    if seconds > PROMPT:
        raise Fault(f"{' '.join(words)} took {seconds:.1f} s to say that the lock is held")
    if holder not in done.stderr:
        raise Fault(f"{' '.join(words)} doesn't say who holds the lock: {done.stderr}")


class Writers:
    def __init__(self, stage, options):
        self.stage, self.options = stage, options
        self.dice = random.Random(options.seed)
        self.told = []
        self.expected, self.views = {}, {}
        for workload in (HOUR, LOAD, BUILD):
            project = self.project(workload.start)
            self.views[workload.name] = [published(project)]
            for words in workload.commands:
                must(project, *words)
                self.views[workload.name].append(published(project))
            self.expected[workload.name] = state(project)

    def project(self, name):
        return copy(self.stage.states / name, self.stage.folder / "project")

    # --- the lock ----------------------------------------------------------------------------------

    def held(self):
        project = self.project("day")
        child = stopped(project, RUN, ".run.holder")
        try:
            for words in WRITERS:
                refused(project, words, f"process {child.pid}, elt run")
            (project / "archive" / ".run.holder").unlink()
            for words in WRITERS:
                refused(project, words, "another process")
        finally:
            child.send_signal(signal.SIGCONT)
            child.communicate(timeout=60)
        if child.returncode:
            raise Fault(f"the holder of the lock ended with {child.returncode}")
        check_equal(self.expected[HOUR.name], project)
        return f"{2 * len(WRITERS)} refused"

    def dead(self):
        """A holder that's gone, with its note and its number left behind."""
        project = self.project("day")
        child = stopped(project, RUN, ".run.holder")
        child.kill()
        child.communicate()
        if not (project / "archive" / ".run.holder").exists():
            raise Fault("the killed run's note is gone")
        must(project, *RUN)
        check_equal(self.expected[HOUR.name], project)

    def two_loads(self):
        project = self.project("day")
        child = stopped(project, LOAD.commands[0], ".full-load-customer.holder")
        try:
            refused(project, LOAD.commands[0], f"process {child.pid}, elt full-load customer")
            # The hours go on meanwhile, unless it's loading just now.
            if elt(project, *RUN).returncode not in (0, 75):
                raise Fault("a run beside a full load failed")
        finally:
            child.send_signal(signal.SIGCONT)
            child.communicate(timeout=60)
        if child.returncode:
            raise Fault(f"the full load ended with {child.returncode}")

    def race(self):
        project = self.project("day")
        begun = time.monotonic()
        words = [self.dice.choice([RUN, RUN, RUN, ("build",), ("rebuild", "--from-archive", "--verify")])
                 for _ in range(self.options.processes - 1)]
        children = [start(project, each) for each in [RUN, *words]]
        ends = [(child, *child.communicate(timeout=120)) for child in children]
        numbers = {str(child.pid) for child in children}
        codes = [child.returncode for child in children]
        for child, out, error in ends:
            if child.returncode not in (0, 75):
                raise Fault(f"one of {codes} said: {(out + error)[-1000:]}")
            named = re.search(r"process (\d+), elt", error)
            if child.returncode == 75 and named and named[1] not in numbers:
                raise Fault(f"the lock is said to be held by a process that isn't there: {error}")
        if 0 not in codes:
            raise Fault(f"nobody got the lock in {time.monotonic() - begun:.1f} s")
        must(project, *RUN)
        check_equal(self.expected[HOUR.name], project)
        return codes.count(75)

    # --- signals -----------------------------------------------------------------------------------

    def signalled(self, workload):
        project = self.project(workload.start)
        number = self.dice.choice([signal.SIGTERM, signal.SIGINT])
        after = self.dice.random() * (0.3 if workload is LOAD else 0.15)
        child = start(project, workload.commands[0])
        time.sleep(after)
        child.send_signal(number)
        sent = time.monotonic()
        out, error = child.communicate(timeout=60)
        place = f"{workload.name}, {number.name} after {after:.3f} s"
        if time.monotonic() - sent > PATIENCE:
            raise Fault(f"{place}: it took {time.monotonic() - sent:.1f} s to end")
        # Before the program has set up its handlers, the system ends it.
        if child.returncode not in (0, 128 + number, -number):
            raise Fault(f"{place}: ended with {child.returncode}: {(out + error)[-1000:]}")
        views = self.views[workload.name]
        if published(project) not in (views[:1] if child.returncode == -number else views):
            raise Fault(f"{place}: readers see tables that are neither those of before nor those of after")
        workload.heal(project)
        check_equal(self.expected[workload.name], project)
        return child.returncode == 128 + number

    def deaf(self, workload, old, new):
        """A run that waits for somebody who never answers ends when it's told to."""
        project, words = self.project(workload.start), workload.commands[0]
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            text = (project / "elt.yml").read_text()
            (project / "elt.yml").write_text(re.sub(old, new.format(port=silent.getsockname()[1]), text))
            child = start(project, words)
            time.sleep(1)
            if child.poll() is not None:
                raise Fault(f"{' '.join(words)} didn't wait: {child.communicate()}")
            child.send_signal(signal.SIGTERM)
            sent = time.monotonic()
            out, error = child.communicate(timeout=60)
            if child.returncode != 143 or time.monotonic() - sent > PATIENCE:
                raise Fault(f"{' '.join(words)} ended with {child.returncode} after {time.monotonic() - sent:.1f} s: {error}")
        (project / "elt.yml").write_text(text)
        workload.heal(project)
        check_equal(self.expected[workload.name], project)

    def all(self):
        told = [self.held()]
        self.dead()
        self.two_loads()
        self.deaf(HOUR, r"bootstrap.servers: \S+", "bootstrap.servers: 127.0.0.1:{port}")
        self.deaf(LOAD, r"url: http://127.0.0.1:\d+", "url: http://127.0.0.1:{port}")
        refusals = sum(self.race() for _ in range(self.options.races))
        if not refusals:
            raise Fault("no process of any race was refused")
        told.append(f"{self.options.races} races of {self.options.processes}, {refusals} refused")
        ended = sum(self.signalled(self.dice.choice([HOUR, LOAD, BUILD])) for _ in range(self.options.signals))
        if self.options.signals >= 10 and not ended:
            raise Fault("no signal came while a run was under way")
        told.append(f"{self.options.signals} signals, {ended} of them in the midst")
        return told


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--races", type=int, default=6)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--signals", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    options = parser.parse_args()

    def suite(stage):
        return "; ".join(Writers(stage, options).all()), []
    return play("writers", options.folder, suite)


if __name__ == "__main__":
    sys.exit(main())
