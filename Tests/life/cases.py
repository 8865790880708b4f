"""Reads a golden case or a written life: fixtures/README.md has the format."""
import re
from dataclasses import dataclass, field

from oracle import Poison, Settings, Topic, document, instant, key_of, walk


@dataclass(frozen=True)
class Produced:
    """An event that is to be produced. `offset` is None where the broker counts on."""
    topic: str
    partition: int
    offset: int | None
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass
class Step:
    """One statement of a case; `line` is where it stands."""
    word: str
    line: int
    argument: str = ""
    events: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    parts: list = field(default_factory=list)  # Steps inside a full load
    columns: list = field(default_factory=list)


class CaseError(Exception):
    pass


EVENT = re.compile(
    r"(\w+)/(\d+)(?:@(\d+))?\s+(\S+)(?:\s+kafka=(\S+))?(?:\s+(?:key=(\S+)|keyhex=(\S*)|(nokey)))?\s+(.*)"
)


def event(text):
    parts = EVENT.fullmatch(text)
    if not parts:
        raise CaseError(f"not an event: {text}")
    topic, partition, offset, time, kafka, key, keyhex, keyless, body = parts.groups()
    stamp = instant(kafka or time, "UTC")
    if stamp is None:
        raise CaseError(f"no Kafka timestamp: {text}")
    word, _, rest = body.partition(" ")
    if body == "tombstone":
        value = None
    elif body == "empty":
        value = b""
    elif word == "raw":
        value = rest.encode()
    elif word == "hex":
        value = bytes.fromhex(rest)
    elif body.startswith("{"):
        head = "" if time == "-" else f'"event_time":"{time}",'
        value = ("{" + head + '"customer":' + body + "}").encode()
        if key is None and keyhex is None and not keyless:
            try:
                key = key_of(*walk(document(body), ("id",)))
            except Poison:
                pass
    else:
        raise CaseError(f"not a body: {body}")
    return Produced(
        topic, int(partition), None if offset is None else int(offset), stamp,
        key.encode() if key is not None else None if keyhex is None else bytes.fromhex(keyhex), value)


def settings_of(heads):
    topics = []
    for word in heads.get("topics", "create, update, delete").split(","):
        name, _, mode = word.strip().partition("=")
        topics.append(Topic(name, name, mode or "deactivate"))
    declared = dict(word.split() for word in heads.get("declare", "").split(",") if word.strip())
    result = Settings(zone=heads.get("zone", "Europe/Berlin"), topics=topics, absent=heads.get("absent", "keep"),
                      declared=declared)
    if heads.get("event_time") == "none":
        result.event_time = None
    return result


def read(path):
    """(heads, steps) of a case file."""
    heads, steps, stack = {}, [], []
    with open(path, encoding="utf-8") as file:
        for number, raw in enumerate(file, 1):
            line = raw.rstrip("\n")
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            depth = (len(line) - len(line.lstrip(" "))) // 2
            head = re.fullmatch(r"([a-z_]+): (.*)", line)
            if depth == 0 and head and not steps:
                heads[head[1]] = head[2].strip()
                continue
            del stack[depth:]
            parent = stack[-1] if stack else None
            if parent is None or parent.word == "full-load":
                word, _, argument = text.partition(" ")
                step = Step(word, number, argument.strip())
                (steps if parent is None else parent.parts).append(step)
                stack.append(step)
            elif parent.word in ("produce", "during"):
                parent.events.append(event(text))
            elif parent.word == "page":
                parent.rows.append(text)
            elif parent.word == "expect":
                cells = [cell.strip() for cell in text.split("|")]
                if parent.columns:
                    parent.rows.append(cells)
                else:
                    parent.columns = cells
            else:
                raise CaseError(f"{path}:{number}: nothing can stand under {parent.word}")
    return heads, steps
