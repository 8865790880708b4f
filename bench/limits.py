"""For each step of elt the figure that it can't beat: the same bytes and rows through one library alone."""
import re
import subprocess
import tempfile
from pathlib import Path


PROGRAM = Path(__file__).resolve().parent / "work" / "limits"


def call(*words):
    done = subprocess.run([str(PROGRAM), *map(str, words)], stdout=subprocess.PIPE, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def slowest(figures):
    """(seconds, text): steps overlap such work, so the slowest is the limit; the others are told."""
    name = max(figures, key=figures.get)
    others = ", ".join(f"{other} {value:.3f}" for other, value in figures.items() if other != name)
    return figures[name], name + (f" ({others})" if others else "")


def limits_of(run, result, work):
    """{step: (seconds, what the limit is)} of a result of elt."""
    if not PROGRAM.exists():
        return {}
    report, step = result.reports[-1], result.step
    source = run.data / ("snapshot.ndjson" if step.command == "full-load" else f"{run.produced[-1]}.ndjson")
    inserted, updated = (sum(model[what] for model in report.get("models", [])) for what in ("inserted", "updated"))
    limits = {}
    with tempfile.TemporaryDirectory(dir=work) as folder:
        base = Path(folder) / "limits.db"
        packed, unpacked = call("zstd", source)
        decoded, = call("decode", source)
        raw, rows = call("insert", source, base, result.events, inserted)
        limits["load"] = slowest({f"inserting {result.events:,} raw rows": raw, "decoding": decoded, "unpacking": unpacked})
        tables = {f"inserting {inserted:,} rows": rows}
        if updated:
            merged, = call("merge", source, base.with_suffix(".merged"), run.chain.customers, updated)
            tables = {f"inserting {inserted:,} and merging {updated:,} rows": rows + merged}
        if inserted + updated:
            limits["transform"] = slowest(tables)
        limits["checkpoint"] = slowest({"writing as many bytes": call("write", base.stat().st_size, base.with_suffix(".out"))[0]})
        stored, = call("write", source.stat().st_size // 7, base.with_suffix(".out"))
        if step.command == "run":
            limits["extract"] = slowest({"consuming": call("consume", run.place.broker, *run.positions)[0], "packing": packed,
                                         "writing": stored})
        elif step.command == "full-load":
            port = re.search(r":(\d+)/", run.start_pages(step.at))[1]
            fetched, = call("fetch", port, -(-run.chain.customers // run.chain.page_size))
            run.stop_pages()
            limits["download"] = slowest({"fetching": fetched, "packing": packed, "writing": stored})
    return limits
