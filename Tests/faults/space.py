#!/usr/bin/env python3
"""A disk that's nearly full of the last run's log.

    space.py [--seed N] [--folder DIR]

The log of a large hour stays to be written over. Where the disk has no room but that, the next run gives it back and
goes on; where a write of the log fails, what it had grown by is given back at once. The first needs root, for a file
system of a given size; without it's left out.
"""
import argparse
import errno
import os
import subprocess
import sys

import ordering
from crash import AT
from stage import Fault, copy, elt, must, play
from syscalls import shim

LARGE, FREE = 64 << 20, 8 << 20
# What a log of no transactions begins with.
LOG_HEADER = 32


def call(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise Fault(f"{words[0]}: {done.stderr.strip()}")


def room(place):
    disk = os.statvfs(place)
    return disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize


def run(stage, project, **settings):
    """An hour with the shim, and how many bytes each write of the log had."""
    log = stage.folder / "calls"
    log.unlink(missing_ok=True)
    done = elt(project, "run", "--at", AT, extra={
        "LD_PRELOAD": str(shim(stage.folder)), "FAULT_ROOT": str(project), "FAULT_LOG": str(log), **settings})
    return done, [c.result for c in ordering.read(log) if c.kind == "pwrite" and c.path.endswith("elt.db-wal")]


def failed_write(stage):
    """What a transaction that failed has written is nobody's, and may be what fills the disk."""
    done, writes = run(stage, copy(stage.states / "day", stage.folder / "calm"))
    # The last piece of the last transaction, which is the models'; then the log is emptied.
    last = max((place for place, size in enumerate(writes) if size > LOG_HEADER), default=0)
    if done.returncode or last < 3:
        raise Fault(f"an hour ends with {done.returncode} and writes a log in pieces of {writes}")
    project = copy(stage.states / "day", stage.folder / "failing")
    done, _ = run(
        stage, project, FAULT_CALL="pwrite", FAULT_PATH="elt.db-wal", FAULT_NTH=str(last + 1),
        FAULT_MODE="once", FAULT_ERRNO=str(errno.ENOSPC))
    if done.returncode != 74:
        return [f"an hour whose log can't be written ends with {done.returncode}: {done.stderr[-500:]}"]
    log = project / "warehouse" / "elt.db-wal"
    size = log.stat().st_size if log.exists() else 0
    must(project, "run", "--at", AT)
    must(project, "rebuild", "--from-archive", "--verify")
    wrote = sum(writes[:last])
    return [f"of {wrote} bytes that a failed run wrote {size} are left"] if size >= wrote else []


def suite(stage):
    told = failed_write(stage)
    what = "what a failed write left was given back"
    place = stage.folder / "small"
    place.mkdir()
    if os.geteuid() != 0:
        return f"{what}; the rest left out, as only root may mount", told
    call("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", place)
    try:
        project = copy(stage.states / "day", place / "project")
        must(project, "run", "--at", AT)
        log = project / "warehouse" / "elt.db-wal"
        if not log.exists() or log.read_bytes()[:32] != bytes(32):
            raise Fault("after a run its log isn't kept empty")
        with open(log, "ab") as file:
            file.write(bytes(LARGE))
        size, free = room(place)
        call("mount", "-o", f"remount,size={size - free + FREE}", place)
        if (done := elt(project, "doctor")).returncode:
            told.append(f"doctor ends with {done.returncode}: {done.stdout[-500:]}")
        if (done := elt(project, "run", "--at", AT)).returncode:
            told.append(f"the run ends with {done.returncode}: {done.stderr[-500:]}")
        if room(place)[1] < LARGE:
            told.append(f"the log still takes {log.stat().st_size >> 20} MiB")
        must(project, "rebuild", "--from-archive", "--verify")
        return f"{what}, and a log of 64 MiB", told
    finally:
        call("umount", place)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="keep everything here (default: a temporary folder)")
    options = parser.parse_args()
    return play("space", options.folder, suite)


if __name__ == "__main__":
    sys.exit(main())
