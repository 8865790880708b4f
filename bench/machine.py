"""Running and measuring commands on this machine."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")


def spent(processes):
    """CPU seconds of running processes of ours."""
    total = 0
    for process in processes:
        try:
            with open(f"/proc/{process.pid}/stat") as file:
                values = file.read().rsplit(")", 1)[1].split()
            total += (int(values[11]) + int(values[12])) / TICK
        except OSError:
            pass
    return total


def measure(command, helpers=(), environment=None, errors=None, allowed=(0,)):
    """Runs a command to its end. Gives its output and what it took; `others` is the share of the cores that neither it
    nor its helpers (broker, service) used."""
    handle, result = tempfile.mkstemp(prefix="elt-bench-", suffix=".json")
    os.close(handle)
    result = Path(result)
    os.sync()
    settle(helpers)
    helpers_before = spent(helpers)
    done = subprocess.run([sys.executable, "-S", "-E", str(HERE / "launch.py"), str(result), "--", *command],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})})
    told = result.read_text()
    took = json.loads(told) if told else {"code": done.returncode}
    result.unlink()
    if took["code"] not in allowed:
        sys.exit(f"{' '.join(command)} ended with {took['code']}:\n{done.stdout.decode()[-1000:]}\n{done.stderr.decode()[-3000:]}")
    helped = spent(helpers) - helpers_before
    took["helpers"] = helped
    took["others"] = max(0, (took["busy"] - took["cpu"] - helped) / (os.cpu_count() * max(took["wall"], 0.01)))
    return done.stdout.decode(), took


def settle(processes, quiet=3.0, patience=120.0):
    """Waits until helpers have done nothing for some seconds. The broker writes all it holds to its disk after records came in:
    that takes it 12 s of CPU for a million, and would slow down whoever happens to be measured first."""
    give_up = time.monotonic() + patience
    before, since = spent(processes), time.monotonic()
    while time.monotonic() < min(since + quiet, give_up):
        time.sleep(0.25)
        now = spent(processes)
        if now - before > 0.05:
            before, since = now, time.monotonic()


def copy(source, target):
    """A folder's copy, sharing blocks where the file system can; it leaves the files in the page cache."""
    shutil.rmtree(target, ignore_errors=True)
    if sys.platform == "linux":
        subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
    else:
        shutil.copytree(source, target)


def describe():
    """The machine in a line."""
    model, memory = "", ""
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
        with open("/proc/meminfo") as file:
            memory = f", {int(file.readline().split()[1]) / 2**20:.0f} GiB"
    except (OSError, StopIteration):
        pass
    return f"{os.cpu_count()} cores{' of ' + model if model else ''}{memory}, {os.uname().sysname} {os.uname().release}"
