"""Runs a chain: brings every contender from state to state, and measures those steps that were asked for."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

import machine
from contenders import report

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Tests" / "life"))
from broker import Broker  # noqa: E402
from customers import OPERATIONS  # noqa: E402


@dataclass
class Place:
    """Where a chain's data is."""
    broker: str
    topics: str
    listing: Path
    page_size: int


@dataclass
class Result:
    workload: str
    title: str
    contender: str
    events: int
    runs: list
    reports: list
    equal: bool
    step: object = None
    limits: dict = None
    chain: str = ""


def script(name, *arguments, **options):
    return subprocess.run([sys.executable, str(HERE / name), *map(str, arguments)], **options)


def generate(work, chain, seed):
    """The chain's data, kept for the next time."""
    phases = ",".join(f"{name}:{begin}:{seconds}:{count}" for name, begin, seconds, count in chain.phases)
    recipe = f"{chain.customers}|{phases}|{seed}|".encode() + (HERE / "customers.py").read_bytes()
    # A folder for each recipe, so that a small bench doesn't take a large one's data away.
    folder = work / "data" / f"{chain.name}-{hashlib.sha256(recipe).hexdigest()[:8]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        script("customers.py", "--out", folder, "--customers", chain.customers, "--seed", seed, "--phases", phases, check=True)
    return folder


class ChainRun:
    def __init__(self, chain, contenders, options, note):
        self.chain, self.contenders, self.options, self.note = chain, contenders, options, note
        self.work = options.work
        self.data = generate(self.work, chain, options.seed)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{chain.name}-", dir=self.work))
        self.broker = self.pages = None
        self.produced = []
        self.listing_loaded = False

    def __enter__(self):
        self.broker = Broker(self.folder)
        self.topics = f"bench-{self.chain.name}"
        for operation in OPERATIONS:
            self.broker.create(f"{self.topics}-{operation}", self.chain.partitions)
        self.place = Place(self.broker.address, self.topics, self.data / "snapshot.ndjson", self.chain.page_size)
        for contender in self.contenders:
            contender.prepare(self.state(contender), self.place)
        return self

    def __exit__(self, *_):
        self.stop_pages()
        if self.broker:
            self.broker.stop()
        if not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def state(self, contender):
        return self.folder / f"{contender.name}.state"

    def project(self, contender):
        return self.folder / f"{contender.name}.project"

    def start_pages(self, at):
        self.pages = subprocess.Popen(
            [sys.executable, str(HERE / "pages.py"), str(self.place.listing), "--at", at, "--size", str(self.chain.page_size)],
            stdout=subprocess.PIPE)
        return f"http://127.0.0.1:{int(self.pages.stdout.readline())}/api/customers"

    def stop_pages(self):
        if self.pages:
            self.pages.send_signal(signal.SIGTERM)
            self.pages.wait()
            self.pages = None

    def ends(self):
        """The end of each partition, to know which part a phase is."""
        consumer = Consumer({"bootstrap.servers": self.place.broker, "group.id": "ends", "log_level": 0})
        found = {(f"{self.topics}-{operation}", partition): consumer.get_watermark_offsets(
                     TopicPartition(f"{self.topics}-{operation}", partition), 30, cached=False)[1]
                 for operation in OPERATIONS for partition in range(self.chain.partitions)}
        consumer.close()
        return found

    def produce(self, phase):
        before = self.ends()
        script("produce.py", self.place.broker, self.topics, self.data / f"{phase}.ndjson", check=True)
        self.produced.append(phase)
        self.positions = [f"{topic}:{partition}:{before[topic, partition]}:{end}"
                          for (topic, partition), end in self.ends().items() if end > before[topic, partition]]

    def run(self, wanted):
        """Yields a result for each contender and wanted workload."""
        last = max((i for i, step in enumerate(self.chain.steps) if step.workload in wanted), default=-1)
        for step in self.chain.steps[: last + 1]:
            if step.phase:
                self.produce(step.phase)
            measured = step.workload in wanted
            environment = {"BENCH_PAGES": self.start_pages(step.at)} if step.command == "full-load" else {}
            repeat = self.options.repeat if measured else 1
            runs = {contender.name: [] for contender in self.contenders}
            reports = {contender.name: [] for contender in self.contenders}
            for number in range(repeat):
                for contender in self.contenders if number % 2 == 0 else self.contenders[::-1]:
                    project = self.project(contender)
                    machine.copy(self.state(contender), project)
                    for path in project.glob(contender.warehouse + "*") if step.lost else ():
                        path.unlink()
                    under = self.options.under.replace("{}", step.workload).split() if measured and contender.name == "elt" else []
                    output, took = machine.measure(
                        under + contender.command(step.command, project, step.at, self.place),
                        [p for p in (self.broker.process, self.pages) if p], environment)
                    runs[contender.name].append(took)
                    reports[contender.name].append(report(output))
                    self.note(f"{step.workload or step.command} {contender.name} {took['wall']:.3f} s, others {took['others']:.0%}")
            self.stop_pages()
            self.listing_loaded |= step.command == "full-load"
            for contender in self.contenders:
                shutil.rmtree(self.state(contender))
                self.project(contender).rename(self.state(contender))
            reference = self.reference(step) if measured else None
            for contender in self.contenders if measured else ():
                yield Result(step.workload, step.title, contender.name, self.count(step), runs[contender.name],
                             reports[contender.name], self.check(contender, reference), step, chain=self.chain.name)

    def count(self, step):
        """What a rate counts: events, customers of a full load, or all records of a rebuild."""
        listing = self.chain.customers if self.listing_loaded else 0
        if step.command == "full-load":
            return listing
        if step.command == "rebuild":
            return listing + sum(self.chain.events(phase) for phase in self.produced)
        return self.chain.events(step.phase)

    def reference(self, step):
        path = self.folder / f"{step.at[:13]}-reference.json"
        with open(path, "wb") as file:
            script("reference.py", self.data, "--at", step.at, *(["--listing"] if self.listing_loaded else []), *self.produced,
                   stdout=file, check=True)
        return path

    def check(self, contender, reference, *options):
        done = script("check.py", reference, self.state(contender) / contender.warehouse, *options, stdout=subprocess.PIPE, text=True)
        if done.returncode not in (0, 3):
            sys.exit(f"the comparison of {contender.name}'s tables failed")
        if done.returncode and not options:
            self.note(f"{contender.name} DIFFERS FROM THE REFERENCE\n{done.stdout}", loud=True)
        return done.returncode == 0

    def notices(self, contender, reference):
        """Whether the comparison notices a changed and a missing row of each table."""
        columns = "id, name, firstname, street, zip, city, email, phone, status, created_at, updated_at, version"
        with open(reference) as file:
            day = max(json.load(file)["history"])
        one = "(select min(id) from current_customer)"
        changed = columns.replace("city,", f"case when id = {one} then city || '.' else city end as city,")
        missing = f"(select * from {{}} where not (id = {one}{{}}))"
        return not any((
            self.check(contender, reference, "--current", f"(select {changed} from current_customer)"),
            self.check(contender, reference, "--current", missing.format("current_customer", "")),
            self.check(contender, reference, "--history", f"(select day, changed, {changed} from customer_history)"),
            self.check(contender, reference, "--history", missing.format("customer_history", f" and day = '{day}'"))))


def program(options):
    found = os.path.abspath(options.elt)
    if not os.access(found, os.X_OK):
        sys.exit(f"{found} isn't there: make build, or say --elt PATH")
    return found
