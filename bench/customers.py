"""Made-up customers and what happens to them, the same for a seed.

    customers.py --out FOLDER --customers N [--seed S] [--phases NAME:FROM:SECONDS:EVENTS,…]

Writes FOLDER/snapshot.ndjson (the service's listing at BASE) and for each phase FOLDER/NAME.ndjson, the events in
order of arrival, with their arrival in milliseconds in FOLDER/NAME.arrivals. FROM counts seconds since BASE.
70 % are updates, 25 % creations, 5 % deactivations, after which a customer rests. 1 % arrive up to ten
minutes late, even in the next phase, and 1 % come twice. No two events have the same time.
"""
import argparse
import heapq
import random
import time
from array import array
from pathlib import Path

import orjson

BASE = 1772323200  # 2026-03-01T00:00:00Z
OPERATIONS = ("create", "update", "delete")
NAMES = ("Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein "
         "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann Köhler "
         "Herrmann König Walter Weiß Huber Kaiser Fuchs Peters Möller Jäger Götz Böhm Günther Kühn").split()
FIRST_NAMES = ("Anna Jürgen Björn Käthe Lukas Sören Mia Jörg Emma Paul Zoë Günter Ben Lena Finn Hannah Leon Marie Jonas "
               "Sophie Elias Clara Max Ida Felix Lea Noah Emilia Tim Greta Jan Frieda Ole Heike Uwe Renate Dörte").split()
STREETS = ("Wendenstraße Heidenkampsweg Süderstraße Mönckebergstraße Jungfernstieg Reeperbahn Hauptstraße Bahnhofstraße "
           "Gartenweg Lindenallee Schillerstraße Goethestraße Königsallee Birkenweg Rosenstraße").split()
CITIES = (("20097", "Hamburg"), ("10115", "Berlin"), ("80331", "München"), ("50667", "Köln"), ("70173", "Stuttgart"),
          ("60311", "Frankfurt am Main"), ("40213", "Düsseldorf"), ("04109", "Leipzig"), ("01067", "Dresden"),
          ("90402", "Nürnberg"), ("28195", "Bremen"), ("30159", "Hannover"), ("48143", "Münster"), ("24103", "Kiel"))
PLAIN = str.maketrans({"ü": "ue", "ö": "oe", "ä": "ae", "ß": "ss", "ë": "e"})


def instant(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03}Z"


class Customers:
    def __init__(self, count, seed):
        self.random = random.Random(seed)
        self.last = 0
        self.waiting = []  # (arrival, number, line): delayed events and second copies
        self.number = 0
        two_years = 2 * 365 * 86_400_000
        self.all = [self.new(i, instant(BASE * 1000 - two_years + two_years * i // count)) for i in range(count)]

    def pick(self, choices):
        return choices[int(self.random.random() * len(choices))]

    def address(self):
        return (f"{self.pick(STREETS)} {1 + int(self.random.random() * 199)}", *self.pick(CITIES))

    def phone(self):
        return f"+49 40 {1_000_000 + int(self.random.random() * 8_999_999)}"

    def new(self, index, at):
        name, first = self.pick(NAMES), self.pick(FIRST_NAMES)
        street, code, city = self.address()
        mail = f"{first.translate(PLAIN)}.{name.translate(PLAIN)}.{index}@example.org".lower()
        return {"id": f"c-{index:08}", "name": name, "firstname": first, "street": street, "zip": code, "city": city,
                "email": mail, "phone": self.phone(), "status": "active" if self.random.random() < 0.9 else "prospect",
                "created_at": at, "updated_at": at, "version": 1}

    def change(self, milliseconds):
        """One event; gives its line."""
        chance = self.random.random
        at = instant(milliseconds)
        what = chance()
        if what < 0.25:
            operation = "create"
            customer = self.new(len(self.all), at)
            self.all.append(customer)
        else:
            customer = self.pick(self.all)
            while customer["status"] == "inactive":
                customer = self.pick(self.all)
            customer["version"] += 1
            customer["updated_at"] = at
            operation, field = "update", chance()
            if what >= 0.95:
                operation = "delete"
                customer["status"] = "inactive"
            elif field < 0.4:
                customer["street"], customer["zip"], customer["city"] = self.address()
            elif field < 0.6:
                customer["phone"] = self.phone()
            elif field < 0.8:
                customer["email"] = f"{customer['firstname'].translate(PLAIN).lower()}.{int(chance() * 1e6)}@example.org"
            elif field < 0.9:
                customer["name"] = self.pick(NAMES)
            else:
                customer["status"] = "active"
        return orjson.dumps({"event_type": operation, "event_time": at, "customer": customer})

    def events(self, begin, seconds, count):
        """Yields (arrival, line) in order of arrival. What is delayed beyond the end comes first the next time."""
        chance, waiting = self.random.random, self.waiting
        own = count - count // 100
        width = seconds * 1000 / max(1, own)
        for index in range(own):
            milliseconds = max(self.last + 1, int(begin * 1000 + (index + chance()) * width))
            self.last = milliseconds
            line = self.change(milliseconds)
            arrival = milliseconds + (int(chance() * 600_000) if chance() < 0.01 else 0)
            while waiting and waiting[0][0] <= milliseconds:
                yield heapq.heappop(waiting)[::2]
            if arrival > milliseconds:
                self.wait(arrival, line)
            else:
                yield arrival, line
            if index % 100 == 50:
                self.wait(arrival + int(chance() * 60_000), line)

    def wait(self, arrival, line):
        self.number += 1
        heapq.heappush(self.waiting, (arrival, self.number, line))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default="")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    customers = Customers(options.customers, options.seed)
    with open(options.out / "snapshot.ndjson", "wb", 1 << 20) as file:
        for customer in customers.all:
            file.write(orjson.dumps(customer, option=orjson.OPT_APPEND_NEWLINE))
    for phase in filter(None, options.phases.split(",")):
        name, begin, seconds, count = phase.split(":")
        arrivals = array("q")
        with open(options.out / f"{name}.ndjson", "wb", 1 << 20) as file:
            for arrival, line in customers.events(BASE + int(begin), int(seconds), int(count)):
                arrivals.append(arrival)
                file.write(line + b"\n")
        with open(options.out / f"{name}.arrivals", "wb") as file:
            arrivals.tofile(file)
    (options.out / "complete").touch()


if __name__ == "__main__":
    main()
