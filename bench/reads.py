"""What analysts ask, how large things are, and how long the program takes to begin: a million customers, thirty days."""
import shutil
import sqlite3
import statistics
import time

import machine
from chain import ChainRun
from contenders import Elt
from table import aligned, seconds
from workloads import DAY, Chain, Step

DAYS = 30


def chain(scale):
    def size(count):
        return max(20, int(count * scale))
    return Chain("reads", size(1_000_000), [("days", 0, DAYS * DAY, size(10_000) * DAYS)],
                 [Step("full-load", "2026-03-01T00:00:00Z"), Step("run", "2026-03-30T23:59:59Z", "reads", phase="days")],
                 alone=True)


QUESTIONS = (
    ("a customer as it is now, by key", "select * from current_customer where id = :id"),
    ("how many customers have which status", "select status, count(*) from current_customer group by status"),
    ("the customers of one status", "select * from current_customer where status = 'prospect'"),
    ("how many customers changed on each day", "select day, sum(changed) from customer_history group by day"),
    ("who changed on one day", "select * from customer_history where day = :day and changed = 1"),
    ("one customer's history", "select * from customer_history where id = :id order by day"),
    ("one customer on one day", "select * from customer_history where day = :day and id = :id"),
    ("a day's snapshot, all rows", "select * from customer_history where day = :day"),
    ("how many customers lived at the end of a day", "select count(*) from customer_history where day = :day"),
    ("customers by city at the end of a day", "select city, count(*) from customer_history where day = :day group by city"),
)


def measure_reads(bench):
    """The sections of the page, of which only the wanted ones are made."""
    return [part for elt in bench.contenders if isinstance(elt, Elt) for part in measure(bench, elt)]


def measure(bench, elt):
    options, made = bench.options, []
    bench.note(f"reads: building the warehouse of {elt.name}")
    shape = chain(options.scale)
    repeat, options.repeat = options.repeat, 1
    with ChainRun(shape, [elt], options, bench.note) as run:
        built = list(run.run(["reads"]))
        options.repeat = repeat
        project = run.state(elt)
        if "reads" in options.wanted:
            made.append(questions(bench, project / elt.warehouse, shape, elt.name))
            made.append(sizes(project, elt, shape, run))
        if "start" in options.wanted:
            made.append(starts(bench, project, built[0].equal))
        shutil.rmtree(project, ignore_errors=True)
    return made


def questions(bench, path, shape, name):
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    values = {"id": f"c-{shape.customers // 2:08}", "day": "2026-03-20"}
    rows, plans = [], []
    for title, query in QUESTIONS:
        used = {name: value for name, value in values.items() if f":{name}" in query}
        times = []
        for _ in range(bench.options.repeat):
            begin = time.monotonic()
            count = sum(1 for _ in base.execute(query, used))
            times.append(time.monotonic() - begin)
        plan = [row[3] for row in base.execute("explain query plan " + query, used)]
        rows.append([title, f"{count:,}", seconds(statistics.median(times)), f"{seconds(min(times))}–{seconds(max(times))}"])
        if any(line.startswith("SCAN") for line in plan):
            plans.append(f"- {title}: {' · '.join(plan)}")
        bench.note(f"{title}: {statistics.median(times):.3f} s")
    base.close()
    text = (f"## Reads of {name}\n\n{shape.customers:,} customers, {DAYS} days, through Python's sqlite3, every row fetched, page cache warm.\n\n"
            + aligned(["", "rows", "s", "min–max"], rows))
    return text + ("\n\nScans:\n\n" + "\n".join(plans) if plans else "")


def sizes(project, elt, shape, run):
    path = project / elt.warehouse
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        # Its own sums (aggregate = 1) break off at 4 GiB.
        stored = base.execute("select name, sum(pgsize) from dbstat group by name order by 2 desc").fetchall()
    except sqlite3.OperationalError:
        stored = []  # this SQLite can't tell
    owner = dict(base.execute("select name, tbl_name from sqlite_schema"))
    by_table = {}
    for name, size in stored:
        by_table[owner.get(name, name)] = by_table.get(owner.get(name, name), 0) + size
    rows = []
    for name, size in sorted(by_table.items(), key=lambda pair: -pair[1]):
        if size < 0.002 * sum(by_table.values()):
            break
        try:
            count = base.execute(f'select count(*) from "{name}"').fetchone()[0]
        except sqlite3.DatabaseError:
            count = 0
        rows.append([name, f"{count:,}", f"{size / 2**20:,.1f}", f"{size / count:.0f}" if count else ""])
    logical = base.execute("select count(*) from customer_history").fetchone()[0]
    base.close()
    whole = path.stat().st_size
    archive = sum(file.stat().st_size for file in (project / "archive").rglob("*") if file.is_file())
    text = sum((run.data / name).stat().st_size for name in ("snapshot.ndjson", "days.ndjson"))
    first = sum(size for name, size in by_table.items() if "history" in name)
    growth = [
        f"The warehouse has {whole / 2**20:,.0f} MiB, {whole / max(1, logical):.1f} bytes for each of {logical:,} rows of history.",
        f"The archive has {archive / 2**20:,.0f} MiB, {text / max(1, archive):.1f} times less than the {text / 2**20:,.0f} MiB that were received.",
    ]
    if first:
        growth.append(f"At this rate of changes the history of {shape.customers:,} customers would grow by about "
                      f"{first / DAYS * 365 / 2**30:,.1f} GiB in a year.")
    return f"## Sizes of {elt.name}\n\n" + aligned(["table, with its indexes", "rows", "MiB", "bytes a row"], rows) + "\n\n" + "\n".join(growth)


def starts(bench, project, equal):
    elt, rows = bench.options.elt, []
    for title, words in (("elt --version", ["--version"]), ("elt status", ["status", "-C", str(project), "--json", "--quiet"]),
                         ("elt query, one row", ["query", "-C", str(project), "select * from current_customer limit 1"])):
        runs = [machine.measure([elt, *words], allowed=(0, 1))[1] for _ in range(max(3, bench.options.repeat))]
        walls = [run["wall"] for run in runs]
        rows.append([title, f"{statistics.median(walls):.3f}", f"{min(walls):.3f}–{max(walls):.3f}", f"{max(r['memory'] for r in runs):.0f}"])
    return ("## Start\n\nOn the warehouse of the reads" + (", whose tables equal the reference" if equal else ", WHOSE TABLES DIFFER")
            + ".\n\n" + aligned(["", "wall s", "min–max", "peak MiB"], rows))
