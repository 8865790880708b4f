"""What is measured: chains of commands on growing data, some steps of which are workloads."""
from dataclasses import dataclass, field

DAY, HOUR = 86_400, 3_600


@dataclass
class Step:
    command: str
    at: str
    workload: str | None = None  # None: only prepares the next
    title: str = ""
    phase: str | None = None  # events that are put on the topics before
    marks: list = field(default_factory=list)  # (contender, workload of it, most that elt may take of its time)
    seconds: float | None = None  # most that elt may take
    memory: float | None = None  # MiB
    lost: bool = False  # the warehouse is taken away before


@dataclass
class Chain:
    name: str
    customers: int
    phases: list  # (name, seconds since the first day's midnight, length in seconds, events)
    steps: list
    partitions: int = 4
    page_size: int = 1000
    alone: bool = False  # without the peers

    def events(self, phase):
        return next((count for name, _, _, count in self.phases if name == phase), 0)


SQLITE, DUCKDB = "python+sqlite", "python+duckdb"


def chains(scale=1.0):
    """All chains; `scale` makes every size smaller, for trials."""
    def size(count):
        return max(20, int(count * scale))

    million = Chain(
        "million", size(1_000_000),
        [("before", 0, DAY, size(50_000)), ("first", DAY, HOUR, size(100_000)), ("ordinary", DAY + HOUR, HOUR, size(100_000))],
        [
            Step("full-load", "2026-03-01T00:00:00Z", "W3", "full load of 1M customers through HTTP pages; peers: from a file",
                 marks=[(SQLITE, "W3", 1)]),
            Step("run", "2026-03-01T23:59:59Z", phase="before"),
            Step("run", "2026-03-02T01:00:00Z", "W1a", "first hour of a new day, 100k events onto 1M customers", "first",
                 marks=[(SQLITE, "W1a", 1 / 3), (DUCKDB, "W1a", 1)], memory=200),
            Step("run", "2026-03-02T02:00:00Z", "W1b", "ordinary hour, 100k events onto 1M customers", "ordinary",
                 marks=[(SQLITE, "W1a", 1 / 8), (DUCKDB, "W1a", 1 / 4)]),
            Step("run", "2026-03-02T03:00:00Z", "W5", "hour with nothing new, 1M customers", seconds=0.15),
        ])
    week = Chain(
        "week", size(100_000), [("week", 0, 7 * DAY, size(1_000_000))],
        [Step("run", "2026-03-07T23:59:59Z", "W2", "catching up with 1M events of 7 days into an empty warehouse", "week",
              marks=[(SQLITE, "W2", 1 / 4), (DUCKDB, "W2", 1 / 2)], memory=300)],
        partitions=8)
    month = Chain(
        "month", size(100_000), [("month", 0, 30 * DAY, size(1_000_000))],
        [Step("full-load", "2026-03-01T00:00:00Z"), Step("run", "2026-03-30T23:59:59Z", phase="month"),
         Step("rebuild", "2026-03-30T23:59:59Z", "W4", "rebuild of 30 days from an archive of 1.1M records",
              marks=[(SQLITE, "W4", 1 / 2.5)]),
         Step("rebuild", "2026-03-30T23:59:59Z", "W4n", "the same, after the warehouse was lost",
              marks=[(SQLITE, "W4n", 1 / 2.5)], lost=True)],
        partitions=8)
    return [million, week, month, *grid(size)]


def grid(size):
    """W6: ordinary hours of 1k, 10k and 100k events onto 10k, 100k and 1M customers."""
    result = []
    for customers, people in ((10_000, "10k"), (100_000, "100k"), (1_000_000, "1M")):
        hours = [("before", 0, DAY, size(1_000)), ("midnight", DAY, HOUR, size(1_000)), ("k1", DAY + HOUR, HOUR, size(1_000)),
                 ("k10", DAY + 2 * HOUR, HOUR, size(10_000)), ("k100", DAY + 3 * HOUR, HOUR, size(100_000))]
        steps = [Step("full-load", "2026-03-01T00:00:00Z"), Step("run", "2026-03-01T23:59:59Z", phase="before"),
                 Step("run", "2026-03-02T01:00:00Z", phase="midnight")]
        for hour, (phase, label) in enumerate((("k1", "1k"), ("k10", "10k"), ("k100", "100k")), start=2):
            steps.append(Step("run", f"2026-03-02T{hour:02}:00:00Z", "W6",
                              f"ordinary hour, {label} events onto {people} customers", phase))
        result.append(Chain(f"grid{people}", size(customers), hours, steps, alone=True))
    return result
