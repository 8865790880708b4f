"""The state of a project as plain values: two lives that ended in the same state give equal ones.

Everything is compared, byte for byte and cell for cell, but for what a life has a right to differ in:

- Names that were given in passing: the run's number, the manifest's sequence, check and part of an append, the number
  of a partition or of a record in quarantine. Where such a name stands for a thing, the thing is compared instead.
- What the clock said: when a run started and how long it took, when a page was fetched. A page's time is in its file,
  so of full loads the lines are compared without it, and neither the file's length nor its digest.
- How often the same was tried, and by which command: of `elt_runs` and the manifest's runs the instants of what was
  published.
- The order in which columns and partitions were first seen, and which column was new to a table that was there: a
  crash may have archived one partition before another.
"""
import json
import sqlite3
from pathlib import Path

from stage import Fault, elt

OFFSET_BITS = 44


def pages(project, name):
    """The lines of a full load's file, without the time at which they were fetched."""
    done = elt(project, "archive", "cat", name)
    if done.returncode:
        raise Fault(f"{name} can't be read: {done.stderr}")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for line in found:
        del line["fetched_at"]
    return found


def load_entry(fields):
    return {**fields, "files": [{"path": file["path"]} for file in fields["files"]]}


def manifest(archive):
    """The entries without what only chains them together."""
    entries, runs, sequence = [], set(), 0
    for text in (archive / "manifest.ndjson").read_text().splitlines():
        fields = json.loads(text)
        sequence = fields["sequence"]
        for name in ("sequence", "previous", "part", "parts", "check"):
            del fields[name]
        if fields["kind"] == "run":
            runs.add(fields["now"])
        else:
            entry = load_entry(fields) if fields["kind"] == "full_load" else fields
            entries.append(json.dumps(entry, sort_keys=True))
    return sorted(entries), sorted(runs), sequence


def archive_state(project):
    """Every file of the archive by its path, and the manifest."""
    archive = Path(project) / "archive"
    files = {}
    for path in sorted(archive.rglob("*")):
        name = str(path.relative_to(archive))
        if path.is_dir() or name == "manifest.ndjson":
            continue
        if "/full_load=" in name and name.endswith(".zst"):
            files[name] = pages(project, name)
        elif name.endswith("/load.json"):
            files[name] = load_entry(json.loads(path.read_text()))
        elif name == ".manifest.torn" or name.endswith(".holder"):
            continue  # kept aside for whoever wants to know
        else:
            files[name] = path.read_bytes()
    entries, runs, _ = manifest(archive)
    return {"files": files, "manifest": entries, "runs": runs}


def connect(project):
    path = Path(project) / "warehouse" / "elt.db"
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def rows(connection, query):
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor]


def published(project):
    """What analysts see: both tables, row for row. None before there are any."""
    if not (Path(project) / "warehouse" / "elt.db").exists():
        return None
    connection = connect(project)
    try:
        if (Path(project) / "warehouse" / "elt.db-journal").exists():
            return None  # the file itself was being made
        names = {name for name, in connection.execute("select name from sqlite_schema")}
        if not {"current_customer", "customer_history"} <= names:
            return None
        connection.execute("begin")
        return {name: ordered(rows(connection, f"select * from {name}"))
                for name in ("current_customer", "customer_history")}
    finally:
        connection.close()


def ordered(found):
    """Rows in an order of their own, with their columns in another."""
    return sorted((sorted(row.items()) for row in found), key=repr)


LEFT_OUT = {
    "elt_segments": ["sequence", "bytes", "sha256"], "elt_full_loads": ["sequence"], "elt_gaps": ["sequence"],
    "elt_quarantine": ["id", "sequence"], "elt_partitions": ["id"], "elt_columns": ["position"],
    "elt_models": [], "elt_offsets": [],
}


def warehouse_state(project):
    connection = connect(project)
    try:
        connection.execute("begin")
        places = {row["id"]: (row["entity"], row["topic"], row["incarnation"], row["partition"])
                  for row in rows(connection, "select * from elt_partitions")}

        def place(number):
            return places[number >> OFFSET_BITS], number & (1 << OFFSET_BITS) - 1

        state = {}
        names = [name for name, in connection.execute("select name from sqlite_schema where type = 'table'")]
        for name in names:
            if name.startswith("sqlite_") or name in ("elt_meta", "elt_runs", "elt_tests"):
                continue
            found = rows(connection, f'select * from "{name}"')
            for row in found:
                for column in LEFT_OUT.get(name, ()):
                    # A segment's bytes are compared in its file; those of pages hold the clock.
                    if name != "elt_segments" or column == "sequence" or row["kind"] != "segment":
                        row.pop(column)
                if name.startswith("raw_") and "_stream_" in name:
                    row["_id"] = place(row["_id"])
                if name.endswith("_winners") and row["origin"]:
                    row["place"] = place(row["place"])
            if name == "elt_drift":
                found = [row for row in found if row["what"] != "new column"]
            state[name] = ordered(found)
        state["views"] = sorted(name for name, in connection.execute(
            "select name from sqlite_schema where type in ('view', 'index') and name not like 'sqlite_%'"))
        meta = {row["name"]: row["value"] for row in rows(connection, "select * from elt_meta")}
        sequence = manifest(Path(project) / "archive")[2]
        for name in ("loaded_sequence", "published_sequence", "accepted_sequence"):
            if meta.pop(name, None) != sequence:
                raise Fault(f"{name} isn't the manifest's newest, {sequence}")
        for name in [name for name in meta if name.startswith("winner_days/")]:
            noted, meta[name] = meta[name].split(" ", 1)
            if int(noted) != sequence:
                raise Fault(f"{name} is noted for {noted}, not for the manifest's newest, {sequence}")
        last = (Path(project) / "archive/manifest.ndjson").read_text().splitlines()[-1]
        if meta.pop("loaded_check", None) != json.loads(last)["check"]:
            raise Fault("loaded_check isn't the check of the manifest's last line")
        state["elt_meta"] = ordered([meta])
        state["runs"] = sorted({row["now"] for row in rows(
            connection, "select now from elt_runs where status = 'published'")})
        state["tests"] = ordered(rows(connection, """
            select test, model, severity, failures from elt_tests where run = (select max(run) from elt_tests)"""))
        integrity = connection.execute("pragma integrity_check").fetchall()
        if integrity != [("ok",)]:
            raise Fault(f"the warehouse is damaged: {integrity}")
        return state
    finally:
        connection.close()


def state(project):
    return {"archive": archive_state(project), "warehouse": warehouse_state(project)}


def difference(expected, found, path=""):
    """Where two states differ, in a few words; empty if they don't."""
    if expected == found:
        return ""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(set(expected) | set(found)):
            if name not in found:
                return f"{path}/{name} is missing"
            if name not in expected:
                return f"{path}/{name} is too much"
            inner = difference(expected[name], found[name], f"{path}/{name}")
            if inner:
                return inner
    if isinstance(expected, list) and isinstance(found, list):
        missing = [item for item in expected if item not in found]
        surplus = [item for item in found if item not in expected]
        return f"{path}: missing {str(missing[:2])[:700]}, too much {str(surplus[:2])[:700]}"
    return f"{path}: expected {str(expected)[:300]}, found {str(found)[:300]}"


def check_equal(expected, project):
    """Raises unless the project is in the expected state and its archive proves itself."""
    told = difference(expected, state(project))
    if told:
        raise Fault(told)
    done = elt(project, "archive", "verify", "--quiet")
    if done.returncode:
        raise Fault(f"archive verify ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:]}")
