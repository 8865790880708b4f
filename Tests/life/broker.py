"""An independent broker for the lives: noida-db from PyPI, on a free port, with its data in a temporary folder."""
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic


def find_noida():
    """The program: ELT_NOIDA, or the one inside the installed package, or the one on the path."""
    if os.environ.get("ELT_NOIDA"):
        return os.environ["ELT_NOIDA"]
    try:
        import noida_db
        inside = Path(noida_db.__file__).parent / "noida-db"
        if inside.exists():
            return str(inside)
    except ImportError:
        pass
    found = shutil.which("noida-db")
    if not found:
        raise SystemExit("noida-db isn't installed: pip install -r Tests/life/requirements.txt, or set ELT_NOIDA")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """Started with the object, killed hard with `stop`."""

    def __init__(self, folder):
        self.port = free_port()
        self.log = open(Path(folder) / "broker.log", "wb")
        self.process = subprocess.Popen(
            [find_noida(), "start", "--data-dir", str(Path(folder) / "broker"), "--only", "kafka", "--kafka-port",
             str(self.port)],
            stdout=self.log, stderr=self.log, start_new_session=True)
        self.admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        self.wait()
        self.producer = Producer({"bootstrap.servers": self.address, "linger.ms": 0, "acks": "all", "log_level": 0})

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def wait(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"noida-db ended with {self.process.returncode}: see {self.log.name}")
            try:
                self.admin.list_topics(timeout=1)
                return
            except Exception:
                time.sleep(0.05)
        raise SystemExit("noida-db didn't answer within a minute")

    def create(self, name, partitions):
        topic = NewTopic(name, partitions, 1, config={"retention.ms": "-1"})
        self.until(lambda: [f.result(30) for f in self.admin.create_topics([topic]).values()])
        self.until(lambda: self.partitions(name) == partitions or self.refuse("not there yet"))

    def delete(self, name):
        self.until(lambda: [f.result(30) for f in self.admin.delete_topics([name]).values()])
        self.until(lambda: self.partitions(name) is None or self.refuse("still there"))

    @staticmethod
    def refuse(reason):
        raise RuntimeError(reason)

    @staticmethod
    def until(action):
        """Repeats an action until it succeeds; its last error counts after half a minute."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return action()
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def partitions(self, name):
        topics = self.admin.list_topics(timeout=10).topics
        return len(topics[name].partitions) if name in topics and topics[name].error is None else None

    def produce(self, messages):
        """Appends (topic, partition, timestamp, key, value) in order; brings their offsets."""
        offsets = [None] * len(messages)
        errors = []

        def delivered(index):
            def note(error, message):
                if error:
                    errors.append(error)
                else:
                    offsets[index] = message.offset()
            return note

        for index, (topic, partition, timestamp, key, value) in enumerate(messages):
            self.producer.produce(topic, value=value, key=key, partition=partition, timestamp=timestamp,
                                  on_delivery=delivered(index))
        self.producer.flush(60)
        if errors or None in offsets:
            raise RuntimeError(f"the broker didn't take all messages: {errors}")
        return offsets

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()
