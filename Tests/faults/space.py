#!/usr/bin/env python3
"""A disk that's nearly full of the last run's log.

    space.py [--seed N] [--folder DIR]

The log of a large hour stays to be written over. Where the disk has no room but that, the next run gives it back and
goes on. Needs root, for a file system of a given size; without it's left out.
"""
import argparse
import os
import subprocess
import sys

from crash import AT
from stage import Fault, copy, elt, must, play

LARGE, FREE = 64 << 20, 8 << 20


def call(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise Fault(f"{words[0]}: {done.stderr.strip()}")


def room(place):
    disk = os.statvfs(place)
    return disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize


def suite(stage):
    place = stage.folder / "small"
    place.mkdir()
    if os.geteuid() != 0:
        return "left out, as only root may mount", []
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
        told = []
        if (done := elt(project, "doctor")).returncode:
            told.append(f"doctor ends with {done.returncode}: {done.stdout[-500:]}")
        if (done := elt(project, "run", "--at", AT)).returncode:
            told.append(f"the run ends with {done.returncode}: {done.stderr[-500:]}")
        if room(place)[1] < LARGE:
            told.append(f"the log still takes {log.stat().st_size >> 20} MiB")
        must(project, "rebuild", "--from-archive", "--verify")
        return "a log of 64 MiB was given back", told
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
