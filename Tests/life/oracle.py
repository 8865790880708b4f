"""What the tables must hold, worked out the slow way.

A brute-force model of what the tables mean (docs/semantics.md, sections 2 to 5 and 7). It shares
no code with elt and takes no short cut: every row of every day is decided again from every
record. Where the page is silent it chooses:

- A later incarnation of a topic beats an earlier one; this stands between topic order and partition.
  An event of a later incarnation than W0 lies after W0; one of an earlier lies before it. A partition
  that W0 doesn't name began later: its W0 is offset 0.
- A tombstone has its topic's operation rank, and the Kafka timestamp as its effective time.
- Within one page a later row beats an earlier one.
- A field that is null counts as missing where a key or a time is looked for; an empty key is no key.
- The key of a message with a body is the one in its record; of a tombstone it's the message's key.
- Values: an integer that fits 64 bits is an integer; a decimal and a greater integer are text as
  written; booleans are 0 and 1; objects and arrays are JSON text as written; everything else is text.
  A column declared `timestamp` holds ISO-8601 in UTC with milliseconds.
- Columns keep the type that the archive showed first and widen integer -> decimal -> text; a message
  with another change of type is poison.
"""
import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

RANK = {"create": 0, "update": 1, "delete": 2}
INT64 = range(-(1 << 63), 1 << 63)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Topic:
    name: str
    operation: str
    mode: str = "deactivate"


@dataclass
class Settings:
    """What the project's configuration says, as far as it decides a row."""
    zone: str
    topics: list  # of Topic, in the order of the configuration
    key: tuple = ("id",)
    record: tuple = ("customer",)
    event_time: tuple = ("event_time",)  # None: the Kafka timestamp
    skew: int = 300_000
    absent: str = "keep"
    declared: dict = field(default_factory=dict)  # column -> type


@dataclass(frozen=True)
class Event:
    """One message as the broker gave it. Times are milliseconds since 1970."""
    topic: str
    incarnation: int
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, eq=False)
class FullLoad:
    """A complete full load. `w0` is {(topic, partition): (incarnation, end offset)}."""
    t0: int
    w0: dict
    rows: tuple  # of JSON texts, in the order of pages and of rows in them


@dataclass
class Record:
    key: str
    order: tuple
    day: date
    removes: bool
    columns: dict

    @property
    def epoch(self):
        return self.order[0]


class Poison(Exception):
    """A message that belongs in quarantine, with the reason."""


# --- JSON -------------------------------------------------------------------------------------------

class Number(str):
    """A JSON number as it's written."""


def refuse(word):
    raise ValueError(word + " is not JSON")


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=refuse)
SPACE = re.compile(r"[ \t\n\r]*")


def members(text, start):
    """The members of the object at `start`: {name: (value, text as written)}, the last of a name wins; and its end."""
    found = {}
    at = SPACE.match(text, start + 1).end()
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise ValueError("a name is missing")
        name, at = DECODER.raw_decode(text, at)
        at = SPACE.match(text, at).end()
        if text[at : at + 1] != ":":
            raise ValueError("a colon is missing")
        begin = SPACE.match(text, at + 1).end()
        value, at = DECODER.raw_decode(text, begin)
        found[name] = (value, text[begin:at])
        at = SPACE.match(text, at).end()
        if text[at : at + 1] == "}":
            return found, at + 1
        if text[at : at + 1] != ",":
            raise ValueError("a comma is missing")
        at = SPACE.match(text, at + 1).end()


def document(text):
    """The members of a whole text, or Poison if it isn't one JSON object."""
    try:
        start = SPACE.match(text).end()
        value, end = DECODER.raw_decode(text, start)
        if SPACE.match(text, end).end() != len(text):
            raise ValueError("something follows the value")
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate isn't text
        if not isinstance(value, dict):
            raise Poison("no key: the message is not an object")
        return members(text, start)[0]
    except (ValueError, IndexError, RecursionError) as error:
        raise Poison(f"not JSON: {error}")


def walk(found, path):
    """The value and its text at a path of names, (None, None) if there's none."""
    value, written = None, None
    for position, name in enumerate(path):
        if name not in found:
            return None, None
        value, written = found[name]
        if position + 1 < len(path):
            if not isinstance(value, dict):
                return None, None
            found = members(written, 0)[0]
    return value, written


# --- time -------------------------------------------------------------------------------------------

TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)


def milliseconds(moment):
    return (moment - EPOCH) // timedelta(milliseconds=1)


def instant(text, zone):
    """Milliseconds since 1970 of a written time, or None. Without a zone it's read in the project's."""
    parts = TIME.fullmatch(text)
    if not parts:
        return None
    year, month, day, hour, minute, second, fraction, offset = parts.groups()
    try:
        local = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(int(second or 0), 59),
            int(((fraction or "") + "000")[:3]) * 1000)
    except ValueError:
        return None
    if int(second or 0) > 60:
        return None
    if offset is None:
        moment = local.replace(tzinfo=ZoneInfo(zone))  # fold 0: of an hour that comes twice, the first
    elif offset in "Zz":
        moment = local.replace(tzinfo=timezone.utc)
    else:
        minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
        moment = local.replace(tzinfo=timezone(timedelta(minutes=minutes if offset[0] == "+" else -minutes)))
    result = milliseconds(moment.astimezone(timezone.utc))
    return result if result >= 0 else None


def iso(ms):
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=None)
def day_of(ms, zone):
    """The civil date of an instant in the project's zone."""
    return (EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(zone)).date()


# --- from bytes to records --------------------------------------------------------------------------

def kind_of(value, written):
    """The type of a JSON value; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Number):
        return "decimal" if any(c in written for c in ".eE") else "integer"
    return "text" if isinstance(value, str) else "json"


def column(value, written, declared, zone):
    kind = kind_of(value, written)
    if kind is None:
        return None
    if declared == "timestamp" and kind == "text":
        at = instant(value, zone)
        if at is None:
            raise Poison("bad time in a declared column")
        return iso(at)
    if kind == "boolean":
        return int(value)
    if kind == "integer":
        return int(written) if int(written) in INT64 else written
    return str(value) if kind == "text" else written


def key_of(value, written):
    if isinstance(value, str) and value:
        return str(value)
    raise Poison("no key in the record")


@dataclass
class Message:
    """A message taken apart."""
    key: str
    time: int
    removes: bool
    columns: dict
    kinds: dict


class Decoded:
    """Remembers what a message says; messages never change."""

    def __init__(self, settings):
        self.settings = settings
        self.topics = {topic.name: (order, topic) for order, topic in enumerate(settings.topics)}
        self.known = {}

    def event(self, event):
        if event not in self.known:
            try:
                self.known[event] = self.decode(event)
            except Poison as poison:
                self.known[event] = poison
        return self.known[event]

    def decode(self, event):
        settings = self.settings
        if event.value is None:
            if not event.key:
                raise Poison("a tombstone without a key")
            try:
                return Message(event.key.decode(), event.timestamp, True, {}, {})
            except UnicodeDecodeError:
                raise Poison("the key is not UTF-8")
        try:
            text = event.value.decode()
        except UnicodeDecodeError:
            raise Poison("not UTF-8")
        found = document(text)
        key, columns, kinds = self.record(found)
        time = event.timestamp
        if settings.event_time is not None:
            value, _ = walk(found, settings.event_time)
            if value is not None:
                if isinstance(value, Number) or not isinstance(value, str):
                    raise Poison("bad time: not a text")
                time = instant(value, settings.zone)
                if time is None:
                    raise Poison("bad time")
                if time > event.timestamp + settings.skew:
                    time = event.timestamp  # one wrong clock must not win for ever
        return Message(key, time, self.topics[event.topic][1].mode == "remove", columns, kinds)

    def record(self, found):
        """Key and columns of the record in a message."""
        settings = self.settings
        if settings.record:
            value, written = walk(found, settings.record)
            if not isinstance(value, dict):
                raise Poison("no key: no record in the message")
            found = members(written, 0)[0]
        return self.row(found)

    def row(self, found):
        settings = self.settings
        key = key_of(*walk(found, settings.key))
        columns, kinds = {}, {}
        for name, (value, written) in found.items():
            declared = settings.declared.get(name)
            columns[name] = column(value, written, declared, settings.zone)
            if declared is None:
                kinds[name] = kind_of(value, written)
        return key, columns, kinds


WIDER = ["integer", "decimal", "text"]


def widen(known, kinds):
    """Takes the kinds of one message into the kinds known so far, or raises Poison and changes nothing."""
    changed = {}
    for name, kind in kinds.items():
        old = known.get(name)
        if kind is None or kind == old:
            continue
        if old is None:
            changed[name] = kind
        elif old in WIDER and kind in WIDER:
            changed[name] = max(old, kind, key=WIDER.index)
        else:
            raise Poison(f"the type of {name} changed from {old} to {kind}")
    known.update(changed)


# --- the tables -------------------------------------------------------------------------------------

def epoch_of(event, time, loads, skew):
    """The greatest full load that the event follows by its offset and by its time."""
    epoch = 0
    for k, load in enumerate(loads, 1):
        position = (event.incarnation, event.offset)
        w0 = load.w0.get((event.topic, event.partition), (0, 0))
        if position >= w0 and time >= load.t0 - skew:
            epoch = k
    return epoch


class Oracle:
    """The tables of one project. `events` are all that were ever archived, in the order of the runs."""

    def __init__(self, settings):
        self.settings = settings
        self.decoded = Decoded(settings)
        self.poison = []  # (event, reason) of the last reckoning

    def records(self, events, loads):
        settings = self.settings
        self.poison = []
        kinds, records = {}, []
        for event in events:
            message = self.decoded.event(event)
            try:
                if isinstance(message, Poison):
                    raise message
                widen(kinds, message.kinds)
            except Poison as poison:
                self.poison.append((event, str(poison)))
                continue
            place, topic = self.decoded.topics[event.topic]
            epoch = epoch_of(event, message.time, loads, settings.skew)
            order = (epoch, 1, message.time, RANK[topic.operation], place, event.incarnation, event.partition, event.offset)
            day = day_of(message.time, settings.zone)
            records.append(Record(message.key, order, day, message.removes, message.columns))
        for k, load in enumerate(loads, 1):
            day = day_of(load.t0, settings.zone)
            for position, text in enumerate(load.rows):
                key, columns, _ = self.decoded.row(document(text))
                records.append(Record(key, (k, 0, position), day, False, columns))
        return records

    def lives(self, winner, newest):
        """Whether the key of a winner lives where `newest` is the newest full load."""
        absent = self.settings.absent == "remove" and winner.epoch < newest
        return not winner.removes and not absent

    def tables(self, events, loads, nows):
        """(rows of current, rows of history); a row is a dict, a column it lacks is null."""
        records = self.records(events, loads)
        keys = {}
        for record in records:
            keys.setdefault(record.key, []).append(record)

        current = []
        for key in sorted(keys):
            winner = max(keys[key], key=lambda record: record.order)
            if self.lives(winner, len(loads)):
                current.append(dict(winner.columns))

        history = []
        if records and nows:
            day = min(record.day for record in records)
            last = max(day_of(now, self.settings.zone) for now in nows)
            while day <= last:
                newest = max(
                    (k for k, load in enumerate(loads, 1) if day_of(load.t0, self.settings.zone) <= day), default=0)
                for key in sorted(keys):
                    until = [record for record in keys[key] if record.day <= day]
                    if until:
                        winner = max(until, key=lambda record: record.order)
                        if self.lives(winner, newest):
                            history.append(
                                {**winner.columns, "day": day.isoformat(), "changed": int(winner.day == day)})
                day += timedelta(days=1)
        return current, history
