"""What all fault suites share: a broker, a listing, and a project in several states to be copied for each fault.

The broker stands still once the states are made, and every command has its --at, so that the same command on a copy
of the same state always has to end the same way.
"""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "life"))
from broker import Broker  # noqa: E402
from oracle import instant, iso  # noqa: E402
from service import Service  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(os.environ.get("ELT", ROOT / ".build" / "release" / "elt"))
ZONE = "Europe/Berlin"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = instant("2026-03-27T21:30:00Z", "UTC")  # the night before summer time
T1 = T0 + 2 * DAY + 90 * MINUTE
TOPICS = {operation: f"faults-{operation}" for operation in ("create", "update", "delete")}
PARTITIONS = 2


class Fault(Exception):
    """A promise that wasn't kept."""


def environment(extra=None):
    return {**os.environ, "NO_COLOR": "1", **(extra or {})}


def elt(project, *words, extra=None, timeout=120):
    """Runs elt to its end, however it ends."""
    return subprocess.run([PROGRAM, *words], cwd=project, env=environment(extra), capture_output=True, text=True,
                          errors="replace", timeout=timeout)


def must(project, *words, extra=None):
    done = elt(project, *words, extra=extra)
    if done.returncode != 0:
        raise Fault(f"elt {' '.join(words)} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return done


def copy(state, target):
    """A copy of a state; one that shares blocks where the file system can."""
    if target.exists():
        shutil.rmtree(target)
    flags = ["-a", "--reflink=auto"] if sys.platform == "linux" else ["-Rp"]
    subprocess.run(["cp", *flags, str(state), str(target)], check=True)
    return target


def workplace(folder=None):
    """A folder for the suite. In memory where that's possible: a kill needs no disk, and fsync costs nothing."""
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return Path(folder)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="elt-faults-", dir=memory))


def play(name, folder, suite, **staging):
    """Runs `suite(stage)`, which gives what there is to tell and its failures, and keeps the folder if it has some."""
    begun = time.monotonic()
    stage = Stage(workplace(folder), **staging)
    try:
        told, failures = suite(stage)
    except Fault as fault:
        told, failures = "broken off", [fault]
    finally:
        stage.stop()
    for failure in failures:
        print(f"FAILED {failure}")
    if failures:
        print(f"the states and projects are kept in {stage.folder}")
    else:
        shutil.rmtree(stage.folder, ignore_errors=True)
    print(f"{name}: {told}, {len(failures)} failures, {time.monotonic() - begun:.0f} s")
    return 1 if failures else 0


class Stage:
    """A broker, a service and `states`: folders of projects by name. A bare one has no states yet."""

    def __init__(self, folder, customers=12, bare=False):
        self.folder = Path(folder)
        self.customers = customers
        self.states = self.folder / "states"
        self.states.mkdir(parents=True)
        # Whoever ends the suite ends its broker, too.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        self.broker = Broker(self.folder)
        self.service = Service()
        try:
            self.prepare_topics()
            if not bare:
                self.prepare()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.service.stop()
        self.broker.stop()

    # --- what is produced --------------------------------------------------------------------------

    def record(self, number, version, **more):
        fields = {"id": f"c-{number:06}", "name": f"Müller {version}", "firstname": "Anna", "zip": "20537",
                  "city": "Hamburg", "status": "active", "version": version, "created_at": "2026-01-02T03:04:05Z",
                  **more}
        return json.dumps(fields, ensure_ascii=False)

    def message(self, operation, number, time, record, late=0):
        body = f'{{"event_type":"{operation}","event_time":"{iso(time - late)}","customer":{record}}}'
        return TOPICS[operation], number % PARTITIONS, time, f"c-{number:06}".encode(), body.encode()

    def first_events(self):
        for number in range(self.customers):
            time = T0 - 2 * DAY + number * HOUR
            yield self.message("create", number, time, self.record(number, 1))
            yield self.message("update", number, time + 20 * MINUTE, self.record(number, 2, note="long " * (number % 2 * 300)))

    def later_events(self):
        """Late events for days that stand, a removal, poison, a deactivation, a field and a type that are new."""
        for number in range(self.customers):
            time = T1 - DAY + number * HOUR
            late = DAY * 2 if number % 3 == 0 else 0
            yield self.message("update", number, time, self.record(number, 3, points=number), late)
        yield TOPICS["update"], 1, T1 - HOUR, b"c-000001", None
        yield TOPICS["create"], 0, T1 - HOUR, b"c-000002", b"not json"
        yield TOPICS["delete"], 1, T1 - HOUR, None, None
        yield self.message("delete", 3, T1 - HOUR, self.record(3, 4, status="inactive"))
        yield self.message("create", self.customers, T1 - HOUR, self.record(self.customers, 1, points="1.50"))
        yield self.message("update", 4, T1 - MINUTE, self.record(4, 5, tier="standard"))

    def listing(self, version):
        numbers = [n for n in range(self.customers + 2) if n != 5]
        return [(f"c-{n:06}", self.record(n, version, tier="standard")) for n in numbers]

    # --- states ------------------------------------------------------------------------------------

    def new_project(self, name, limits=()):
        project = self.states / name
        must(self.states, "init", str(project))
        lines = [
            "name: faults", f"timezone: {ZONE}", "warehouse: { path: warehouse/elt.db }",
            "archive: { path: archive, compression: zstd }", "models: models", *limits,
            "kafka:", f"  bootstrap.servers: {self.broker.address}", "  receive.message.max.bytes: 1000000000",
            "entities:", "  customer:", "    key: id", "    record: customer", "    event_time: event_time",
            "    topics:", *[f"      {operation}: {topic}" for operation, topic in TOPICS.items()],
            "    full_load:", f"      url: {self.service.url}", "      records: items",
            f"      pagination: {self.service.pagination()}", "      absent: remove",
        ]
        (project / "elt.yml").write_text("\n".join(lines) + "\n")
        return project

    def prepare_topics(self):
        for topic in TOPICS.values():
            self.broker.create(topic, PARTITIONS)
        self.service.date = T0
        self.service.open("keyset", self.listing(2), 5)

    def prepare(self):
        self.broker.produce(list(self.first_events()))
        day = self.new_project("day")
        must(day, "run", "--at", iso(T0 - HOUR))
        must(day, "full-load", "--at", iso(T0))
        self.broker.produce(list(self.later_events()))
        self.service.date = T1
        self.service.open("keyset", self.listing(4), 5)
        self.new_project("empty")
        loaded = copy(day, self.states / "loaded")
        must(loaded, "run", "--at", iso(T1))
        shutil.rmtree(copy(loaded, self.states / "lost") / "warehouse")
        # Every segment is sealed, and none is in the manifest.
        self.crashed("torn", "manifest-half-written")
        # A partition is archived, the others aren't.
        self.crashed("partly", "segment-sealed:2")
        self.quarantined(loaded)

    def crashed(self, name, point):
        project = copy(self.states / "day", self.states / name)
        done = elt(project, "run", "--at", iso(T1), extra={"ELT_CRASH_AT": point})
        if done.returncode != -9:
            raise Fault(f"{point} wasn't reached: {done.returncode} {done.stderr}")

    def quarantined(self, loaded):
        """Records that an older program couldn't read and this one can. A limit that few records pass plays the
        older program, and the ledger isn't told that the limit is another now."""
        project = self.new_project("quarantined", limits=["limits: { max_message_bytes: 1KiB }"])
        must(project, "run", "--at", iso(T1))
        shutil.copy(loaded / "elt.yml", project / "elt.yml")
        with sqlite3.connect(loaded / "warehouse" / "elt.db") as other:
            digest, = other.execute("select value from elt_meta where name = 'settings_digest'").fetchone()
        other.close()
        with sqlite3.connect(project / "warehouse" / "elt.db") as own:
            own.execute("update elt_meta set value = ? where name = 'settings_digest'", [digest])
            held, = own.execute("select count(*) from elt_quarantine").fetchone()
        own.close()
        if held < 5:
            raise Fault(f"only {held} records are in quarantine")
