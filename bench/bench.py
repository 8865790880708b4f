#!/usr/bin/env python3
"""Measures the hourly job on the sandbox: a full load, hours, an empty hour, a rebuild.

    bench.py [--quick]

One table on standard output: wall seconds (broker and service included), CPU seconds, peak memory, rows a second, and the seconds of
each step. Timings on a shared machine are noisy: compare within one run.
"""
import argparse, json, os, resource, shutil, signal, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ELT = os.environ.get("ELT", str(ROOT / ".build/release/elt"))


def measured(arguments, cwd):
    """Runs a command; gives its report, wall and CPU seconds and peak memory in MiB."""
    begin = time.monotonic()
    process = subprocess.Popen([ELT, *arguments, "--json", "--quiet"], cwd=cwd, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}: {output.decode()[:2000]}")
    return json.loads(output or b"{}"), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small data, no verdict")
    parser.add_argument("--customers", type=int)
    parser.add_argument("--events", type=int, help="events of an hour")
    options = parser.parse_args()
    customers = options.customers or (20_000 if options.quick else 1_000_000)
    events = options.events or (2_000 if options.quick else 100_000)
    work = Path(tempfile.mkdtemp(prefix="elt-bench-", dir=os.environ.get("TMPDIR")))
    kafka, http = 39392, 38380
    sandbox = subprocess.Popen(
        [ELT, "sandbox", "--customers", str(customers), "--days", "0", "--events-per-day", str(events * 12),
         "--start", "2026-03-10T06:00:00Z", "--kafka-port", str(kafka), "--http-port", str(http), "--partitions", "8"],
        stdout=subprocess.DEVNULL)
    service = f"http://127.0.0.1:{http}"
    rows = []

    def advance(to):
        with urllib.request.urlopen(urllib.request.Request(f"{service}/sandbox/advance?to={to}", method="POST")) as answer:
            answer.read()

    def step(name, arguments, count=None):
        report, wall, cpu, memory = measured(arguments, work)
        count = count(report) if count else 0
        rows.append((name, wall, cpu, memory, count))
        seconds = {k: round(v, 3) for k, v in sorted(report.get("seconds", {}).items(), key=lambda p: -p[1]) if k != "total"}
        rate = f"{count / wall:12,.0f}" if count else " " * 12
        print(f"{name:34} {wall:8.3f} {cpu:8.3f} {memory:8.0f} {count:10,} {rate}  {seconds}", flush=True)

    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(service + "/health").read()
                break
            except OSError:
                if time.monotonic() > deadline or sandbox.poll() is not None:
                    sys.exit("the sandbox didn't start")
                time.sleep(0.05)
        subprocess.run([ELT, "init", str(work)], check=True, stdout=subprocess.DEVNULL)
        file = work / "elt.yml"
        file.write_text(file.read_text().replace("39092", str(kafka)).replace("38080", str(http)))
        print(f"{customers:,} customers, about {events:,} events an hour")
        print(f"{'':34} {'wall s':>8} {'cpu s':>8} {'MiB':>8} {'rows':>10} {'rows/s':>12}  seconds by step")
        extracted = lambda report: report["extract"]["events"]
        step("full load", ["full-load", "--at", "2026-03-10T06:00:00Z"], lambda report: report["load"]["fullRows"])
        for hour in (9, 10, 11):
            advance(f"2026-03-10T{hour:02}:00:00Z")
            step(f"hour until {hour}:00", ["run", "--at", f"2026-03-10T{hour:02}:00:00Z"], extracted)
        step("hour with nothing new", ["run", "--at", "2026-03-10T11:30:00Z"], extracted)
        advance("2026-03-11T00:30:00Z")
        step("first hour of a new day", ["run", "--at", "2026-03-11T00:30:00Z"], extracted)
        step("rebuild from the archive", ["rebuild", "--from-archive"], lambda report: report["load"]["inserted"])
        step("rebuild --verify", ["rebuild", "--from-archive", "--verify"], lambda report: report["load"]["inserted"])
        size = (work / "warehouse/elt.db").stat().st_size
        archive = sum(path.stat().st_size for path in (work / "archive").rglob("*") if path.is_file())
        print(f"warehouse {size / 2**20:,.0f} MiB, archive {archive / 2**20:,.0f} MiB")
    finally:
        sandbox.send_signal(signal.SIGTERM)
        sandbox.wait()
        shutil.rmtree(work, ignore_errors=True)


main()
