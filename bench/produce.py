#!/usr/bin/env python3
"""Puts a phase's events on their topics, with their key and time of arrival.

    produce.py BROKER TOPICS FILE.ndjson
"""
import sys
from array import array
from pathlib import Path

from confluent_kafka import Producer


def main():
    broker, topics, path = sys.argv[1:]
    failures = []
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 50, "acks": 1, "log_level": 0,
                         "queue.buffering.max.messages": 400_000, "queue.buffering.max.kbytes": 400_000})
    arrivals = array("q")
    arrivals.frombytes(Path(path).with_suffix(".arrivals").read_bytes())
    note = lambda error, _: error and failures.append(error)
    with open(path, "rb") as file:
        for number, line in enumerate(file):
            operation = line[15:21].decode()  # all three have six letters
            begin = line.index(b'"id":"') + 6
            while True:
                try:
                    producer.produce(f"{topics}-{operation}", line[:-1], line[begin : line.index(b'"', begin)],
                                     timestamp=arrivals[number], on_delivery=note)
                    break
                except BufferError:
                    producer.poll(0.1)
            if number % 1000 == 0:
                producer.poll(0)
    producer.flush(120)
    if failures or len(producer):
        sys.exit(f"the broker didn't take all events: {failures[:3]}")


main()
