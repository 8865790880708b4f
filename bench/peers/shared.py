"""What both peers share: topics to an archive of gzip files, and the times of steps."""
import argparse
import glob
import gzip
import json
import os
import time
from datetime import date, timedelta

COLUMNS = ("id", "name", "firstname", "street", "zip", "city", "email", "phone", "status", "created_at", "updated_at",
           "version")
OPERATIONS = ("create", "update", "delete")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("full-load", "run", "rebuild"))
    parser.add_argument("project", help="folder of the archive and the warehouse")
    parser.add_argument("--at", required=True, help="the run's instant")
    parser.add_argument("--listing", help="full-load: the customers, one in a line")
    parser.add_argument("--broker")
    parser.add_argument("--topics", help="the topics' names without '-create' and so on")
    return parser.parse_args()


class Steps:
    def __init__(self):
        self.seconds = {}
        self.last = time.monotonic()

    def end(self, name):
        now = time.monotonic()
        self.seconds[name] = round(self.seconds.get(name, 0) + now - self.last, 3)
        self.last = now

    def print(self):
        print(json.dumps({"seconds": self.seconds}))


def days(first, last):
    """All days from the first to the last, as text."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        yield day.isoformat()
        day += timedelta(1)


def day_before(day):
    return (date.fromisoformat(day) - timedelta(1)).isoformat()


class Archive:
    """A new file of each run for each topic; a line has what identifies the message, and its value as it came."""

    def __init__(self, project):
        self.folder = os.path.join(project, "archive")
        os.makedirs(self.folder, exist_ok=True)
        self.run = len(glob.glob(f"{self.folder}/run-*"))
        self.files = {}

    def write(self, operation, messages):
        if operation not in self.files:
            folder = f"{self.folder}/run-{self.run:06}"
            os.makedirs(folder, exist_ok=True)
            # Level 1: a third of the time of level 6 and five quarters of its size.
            self.files[operation] = gzip.open(f"{folder}/{operation}.ndjson.gz", "wb", compresslevel=1)
        self.files[operation].write(b"".join([
            b'{"partition":%d,"offset":%d,"timestamp":%d,"key":"%b","value":%b}\n'
            % (m.partition(), m.offset(), m.timestamp()[1], m.key(), m.value()) for m in messages]))

    def written(self):
        """The files of this run."""
        return [f"{self.folder}/run-{self.run:06}/{operation}.ndjson.gz" for operation in self.files]

    def keep_listing(self, path, day):
        kept = f"{self.folder}/full-{day}.ndjson.gz"
        with open(path, "rb") as source, gzip.open(kept, "wb", compresslevel=1) as target:
            while chunk := source.read(1 << 20):
                target.write(chunk)
        self.sync(kept)

    def listing(self):
        """The archived listing and its day, or two Nones."""
        for path in glob.glob(f"{self.folder}/full-*.ndjson.gz"):
            return path, os.path.basename(path)[5:15]
        return None, None

    def close(self):
        for file in self.files.values():
            file.close()
        for path in self.written():
            self.sync(path)

    @staticmethod
    def sync(path):
        for name in (path, os.path.dirname(path)):
            descriptor = os.open(name, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def events(self):
        return sorted(glob.glob(f"{self.folder}/run-*/*.ndjson.gz"))


def consume(broker, topics, offsets, sink):
    """Reads all topics from their offsets to the ends of now; brings `offsets` up to date.

    `sink` gets an operation and its messages.
    """
    from confluent_kafka import Consumer, KafkaError, TopicPartition
    consumer = Consumer({
        "bootstrap.servers": broker, "group.id": "peer", "enable.auto.commit": False, "enable.partition.eof": True,
        "queued.min.messages": 200_000, "fetch.message.max.bytes": 8 << 20, "log_level": 0,
        # The broker of the bench answers a fetch with the whole rest of a partition.
        "receive.message.max.bytes": 1_000_000_000})
    ends, assigned, count = {}, [], 0
    for operation in OPERATIONS:
        topic = f"{topics}-{operation}"
        for partition in consumer.list_topics(topic, 30).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), 30)
            begin = max(low, offsets.get((topic, partition), 0))
            if begin < high:
                assigned.append(TopicPartition(topic, partition, begin))
                ends[topic, partition] = high
            offsets[topic, partition] = high
    consumer.assign(assigned)
    while ends:
        by_topic = {}
        # A call waits for all messages that it asks for, or its time: a long one would only wait at the end.
        for message in consumer.consume(10_000, 0.05):
            place = message.topic(), message.partition()
            if message.error():
                if message.error().code() != KafkaError._PARTITION_EOF:
                    raise RuntimeError(message.error())
                ends.pop(place, None)
            elif place in ends:
                by_topic.setdefault(message.topic(), []).append(message)
                if message.offset() + 1 >= ends[place]:
                    del ends[place]
        for topic, messages in by_topic.items():
            count += len(messages)
            sink(topic.rsplit("-", 1)[1], messages)
    consumer.close()
    return count
