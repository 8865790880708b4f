#!/usr/bin/env python3
"""Runs a command and writes what it took, as JSON: wall and CPU seconds, peak memory in MiB, and its exit code.

    launch.py RESULT -- COMMAND…

A process of its own, because the peak that the kernel notes for a command includes what its parent had when it started it.
"""
import json
import os
import sys
import time


def busy():
    """CPU seconds that all of the machine has spent so far; 0 where the kernel doesn't tell."""
    try:
        with open("/proc/stat") as file:
            values = [int(value) for value in file.readline().split()[1:]]
        return (sum(values[:3]) + sum(values[5:8])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


result, command = sys.argv[1], sys.argv[3:]
before, begin = busy(), time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - begin
with open(result, "w") as file:
    json.dump({"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024,
               "busy": busy() - before, "code": os.waitstatus_to_exitcode(status)}, file)
