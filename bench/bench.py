#!/usr/bin/env python3
"""Measures elt beside hand-written peers, on the same broker, with the same data, against a reference.

    bench.py [--workloads W1a,W2,…] [--repeat 5] [--save]      see README.md
"""
import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import machine
import table
from chain import ChainRun, program
from contenders import contenders
from limits import limits_of
from reads import measure_reads
from workloads import chains

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ALL = ("W1a", "W1b", "W2", "W3", "W4", "W4n", "W5", "W6", "reads", "start")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workloads", default=os.environ.get("WORKLOADS") or "all", help="such as W1a,W2; default: all")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="a share of every size, for trials")
    parser.add_argument("--quick", action="store_true", help="small, once: a smoke test without a verdict on time")
    parser.add_argument("--contenders", default="", help="such as elt,elt+intervals; default: all but elt+intervals")
    parser.add_argument("--elt", default=os.environ.get("ELT") or str(ROOT / ".build/release/elt"))
    parser.add_argument("--work", type=Path, default=Path(os.environ.get("BENCH_WORK") or HERE / "work"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave brokers' and contenders' data")
    parser.add_argument("--no-limits", action="store_true", help="don't measure what each step can't be faster than")
    parser.add_argument("--under", default="", help="run elt's measured commands under a program, such as 'perf record -o FILE'")
    parser.add_argument("--save", action="store_true", help="keep the tables in bench/results")
    options = parser.parse_args()
    if options.quick:
        options.scale, options.repeat = 0.01, 1
    options.wanted = list(ALL) if options.workloads == "all" else options.workloads.split(",")
    unknown = set(options.wanted) - set(ALL)
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    if options.quick and options.workloads == "all":
        options.wanted.remove("W6")
    options.elt = program(options)
    options.work = options.work.resolve()
    return options


class Bench:
    def __init__(self, options):
        self.options = options
        self.results, self.sections, self.failures = [], [], []
        self.begin = time.monotonic()
        names = options.contenders.split(",") if options.contenders else None
        self.contenders = [c for c in contenders(options.elt) if (c.name in names if names else c.name != "elt+intervals")]

    def note(self, text, loud=False):
        if loud:
            self.failures.append(text)
            text = "!" * 20 + " " + text
        print(f"[{time.monotonic() - self.begin:6.0f} s] {text}", file=sys.stderr, flush=True)

    def chain(self, chain):
        wanted = [name for name in self.options.wanted if any(step.workload == name for step in chain.steps)]
        if not wanted:
            return
        chosen = [c for c in self.contenders if c.name.startswith("elt") or not chain.alone]
        self.note(f"{', '.join(wanted)}: {chain.customers:,} customers")
        with ChainRun(chain, chosen, self.options, self.note) as run:
            for result in run.run(wanted):
                self.results.append(result)
                if result.contender == "elt" and not self.options.no_limits and result.workload not in ("W5", "W6"):
                    result.limits = self.limits(run, result)
            if self.options.quick and not chain.alone:
                self.prove(run)

    def limits(self, run, result):
        try:
            return limits_of(run, result, self.options.work)
        except subprocess.CalledProcessError as error:
            self.note(f"a limit of {result.workload} couldn't be measured: {error}", loud=True)
            return {}

    def prove(self, run):
        """That a difference would be noticed."""
        reference = max(run.folder.glob("*-reference.json"), key=lambda path: path.name)
        for contender in run.contenders:
            if not run.notices(contender, reference):
                self.note(f"a changed or missing row of {contender.name} passes unnoticed", loud=True)

    def work(self):
        for chain in chains(self.options.scale):
            self.chain(chain)
        self.sections += table.sections(self.results, self.options.scale == 1)
        if "reads" in self.options.wanted or "start" in self.options.wanted:
            self.sections += measure_reads(self)

    def page(self):
        options = self.options
        version = machine.measure([options.elt, "--version"])[0].strip()
        head = [f"elt {version}, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {machine.describe()}"]
        if options.scale != 1:
            head.append(f"All sizes are {options.scale:g} of what the titles say.")
        return "\n\n".join(head + self.sections) + "\n"


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    bench.work()
    page = bench.page()
    print(page)
    if options.save:
        folder = HERE / "results"
        folder.mkdir(exist_ok=True)
        path = folder / f"{time.strftime('%Y-%m-%d')}.md"
        number = 1
        while path.exists():
            number += 1
            path = folder / f"{time.strftime('%Y-%m-%d')}-{number}.md"
        path.write_text("# " + page)
        print(f"kept in {path.relative_to(ROOT)}")
    if bench.failures:
        sys.exit("\n\nThe bench found what's wrong:\n" + "\n".join(bench.failures))


main()
