#!/usr/bin/env python3
"""Has every system call on the project's files fail, one after the other, in every way.

    syscalls.py [--every] [--cases N] [--seed N] [--workload NAME] [--folder DIR]

Each ends in correct success, or in a nonzero exit with one clear line, and one more run gives the state that an
undisturbed life has. A sync that failed is never tried again on its file. And the order of calls of each undisturbed
run is read: what a step rests on is durable before it. Without --every, N cases are drawn.
"""
import argparse
import errno
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import ordering
from crash import AT, REBUILD, RUN, FullLoad, Workload
from stage import Fault, copy, elt, must, play
from state import check_equal, published, state
from pathlib import Path

WORKLOADS = [
    Workload("first run", "empty", RUN),
    Workload("hour", "day", RUN),
    Workload("hour after half an extraction", "partly", RUN),
    FullLoad("full load", "day", ("full-load", "--at", AT), RUN),
    Workload("rebuild", "loaded", REBUILD),
    Workload("rebuild of a lost warehouse", "lost", REBUILD),
    Workload("run that finds the warehouse lost", "lost", RUN),
    Workload("quarantine replay", "quarantined", ("quarantine", "replay", "--all")),
]
FULL = ("ENOSPC", "EDQUOT", "EIO")
WAYS = {
    "write": (*FULL, "EINTR", "short", "kill"), "pwrite": (*FULL, "EINTR", "short", "kill"),
    "read": ("EIO", "EINTR", "short"), "sync": (*FULL, "EINTR", "kill"), "open": (*FULL, "EMFILE", "kill"),
    "close": (*FULL, "EINTR"), "rename": (*FULL, "kill"), "unlink": ("EIO", "EROFS", "kill"),
    "link": (*FULL, "kill"), "truncate": ("EIO", "EINTR", "kill"), "mkdir": (*FULL, "kill"),
}
STICKY = {"ENOSPC", "EDQUOT", "EIO", "EROFS"}
# Where going back on a failed call writes, too, and that may fail before the disk is well again.
REPEATED = {"write", "pwrite", "truncate"}


def shim(folder):
    source, target = Path(__file__).with_name("shim.c"), Path(folder) / "shim.so"
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if not compiler:
        raise SystemExit("failing calls need a C compiler")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(target), str(source), "-ldl"], check=True)
    return target


class Case:
    def __init__(self, workload, kind, nth, way, times=1):
        """`times` 0 is that one and all after it."""
        self.workload, self.kind, self.nth, self.way, self.times = workload, kind, nth, way, times

    def __str__(self):
        reach = {0: " and all after it", 1: ""}.get(self.times, f", {self.times} in a row")
        return f"{self.workload.name}, {self.kind} {self.nth} {self.way}{reach}"

    def settings(self):
        mode = self.way if self.way in ("short", "kill") else "once" if self.times else "sticky"
        number = getattr(errno, self.way) if self.way.isupper() else 0
        return {"FAULT_CALL": self.kind, "FAULT_NTH": str(self.nth), "FAULT_MODE": mode, "FAULT_ERRNO": str(number),
                "FAULT_TIMES": str(self.times or 1)}


class Calls:
    def __init__(self, stage):
        self.stage, self.shim = stage, shim(stage.folder)
        self.expected, self.views, self.counts = {}, {}, {}
        self.ends, self.failures = Counter(), []
        for workload in WORKLOADS:
            self.live(workload)

    def command(self, project, words, log, settings=None):
        log.unlink(missing_ok=True)
        (project / "tmp").mkdir(exist_ok=True)
        # SQLite's temporary files fill the same disk.
        return elt(project, *words, extra={
            "LD_PRELOAD": str(self.shim), "FAULT_ROOT": str(project), "FAULT_LOG": str(log),
            "SQLITE_TMPDIR": str(project / "tmp"), **(settings or {})})

    def live(self, workload):
        """The undisturbed life, the order of its calls, and how many there are of each kind."""
        project, log = copy(self.stage.states / workload.start, self.stage.folder / "calm"), self.stage.folder / "log"
        seen = [published(project)]
        for number, words in enumerate(workload.commands):
            done = self.command(project, words, log)
            if done.returncode:
                raise Fault(f"{words} ended with {done.returncode}: {done.stderr}")
            calls = ordering.read(log)
            for told in ordering.breaches(calls, project):
                self.failures.append(f"{workload.name}, {' '.join(words)}: {told}")
            if number == 0:
                self.counts[workload.name] = Counter("open" if c.kind == "create" else c.kind for c in calls)
            seen.append(published(project))
        self.expected[workload.name], self.views[workload.name] = state(project), seen

    def lies(self):
        """The lint has to see a sync that wasn't made; what no lie spoils, no sync protects."""
        blind = []
        for workload in WORKLOADS[:1] + [w for w in WORKLOADS if isinstance(w, FullLoad)]:
            warehouse = "elt.db-wal" if (self.stage.states / workload.start / "warehouse").exists() else "elt.db-new"
            for path in (".partial", "manifest", "archive", warehouse):
                project = copy(self.stage.states / workload.start, self.stage.folder / "lie")
                log = self.stage.folder / "lie.log"
                self.command(project, workload.commands[0], log, {
                    "FAULT_CALL": "sync", "FAULT_NTH": "1", "FAULT_MODE": "lie", "FAULT_PATH": path})
                if not ordering.breaches(ordering.read(log), project):
                    blind.append(f"{workload.name}: syncs of {path} may be left out, and the order of calls looks well")
        return blind

    def cases(self):
        for workload in WORKLOADS:
            for kind, ways in WAYS.items():
                for nth in range(1, self.counts[workload.name][kind] + 1):
                    for way in ways:
                        yield Case(workload, kind, nth, way)
                        if way in STICKY:
                            yield Case(workload, kind, nth, way, 0)
                            if kind in REPEATED:
                                yield Case(workload, kind, nth, way, 3)

    def play(self, case):
        name = re.sub(r"\W", "-", str(case))
        project, log = self.stage.folder / name, self.stage.folder / f"{name}.log"
        copy(self.stage.states / case.workload.start, project)
        expected = self.expected[case.workload.name]
        try:
            done = self.command(project, case.workload.commands[0], log, case.settings())
            end = self.judge(case, done, ordering.read(log), project)
            if published(project) not in self.views[case.workload.name]:
                raise Fault("readers see tables that are neither those of before nor those of after")
            if end == "success":
                for words in case.workload.commands[1:]:
                    must(project, *words)
            else:
                case.workload.heal(project)
            check_equal(expected, project)
        except (Fault, sqlite3.Error) as error:
            return f"{case}: {error}\n  the project is kept in {project}", None
        shutil.rmtree(project)
        log.unlink()
        return None, end

    def judge(self, case, done, calls, project):
        """How the program ended, if it was one of the ways in which it may."""
        again = ordering.repeated_syncs(calls, project)
        if again:
            raise Fault(f"a sync that failed was tried again: {again[0]}")
        if case.way == "kill" and done.returncode == -9:
            return "killed"
        if done.returncode == 0:
            return "success"
        errors = [line for line in done.stderr.splitlines() if re.match(r"(\S+ )?error: ", line)]
        if done.returncode not in (74, 78) or len(errors) != 1:
            raise Fault(f"ended with {done.returncode} and said: {(done.stdout + done.stderr)[-1500:]}")
        return f"exit {done.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", action="store_true", help="every call in every way")
    parser.add_argument("--cases", type=int, default=150, help="how many are drawn otherwise")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workload", choices=[workload.name for workload in WORKLOADS], help="calls of this one alone")
    parser.add_argument("--folder")
    options = parser.parse_args()
    if sys.platform != "linux":
        print("syscalls: left out, they fail on Linux only")
        return 0

    def suite(stage):
        calls = Calls(stage)
        failures = calls.failures
        failures += calls.lies()
        every = [case for case in calls.cases() if options.workload in (None, case.workload.name)]
        drawn = every if options.every else random.Random(options.seed).sample(every, min(options.cases, len(every)))
        with ThreadPoolExecutor(2) as pool:
            for failure, end in pool.map(calls.play, drawn):
                if failure:
                    failures.append(failure)
                    print(f"failed: {failure}", flush=True)
                else:
                    calls.ends[end] += 1
        ends = ", ".join(f"{count} {end}" for end, count in sorted(calls.ends.items()))
        return f"{len(drawn)} of {len(every)} cases: {ends}", failures
    return play("syscalls", options.folder, suite)


if __name__ == "__main__":
    sys.exit(main())
