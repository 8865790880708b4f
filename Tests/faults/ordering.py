"""Reads the shim's log of a run, and finds what a power cut at some moment would lose.

The order that everything rests on: a file's bytes, then its name, then its folder's list of names, then the manifest,
then the ledger in the warehouse, then what the consumer group is told.
"""
from pathlib import PurePosixPath


LOG_HEADER = 32


class Call:
    def __init__(self, line):
        kind, result, *paths = line.rstrip("\n").split("\t")
        self.kind, self.result, self.paths = kind, int(result), paths
        self.path = paths[0] if paths else ""

    def __str__(self):
        return f"{self.kind} {' to '.join(self.paths)} = {self.result}"


def read(log):
    with open(log, encoding="utf-8", errors="surrogateescape") as file:
        return [Call(line) for line in file]


def folder(path):
    return str(PurePosixPath(path).parent)


class Lint:
    """What isn't durable yet, as the calls go by."""

    def __init__(self, root):
        self.archive, self.warehouse = f"{root}/archive", f"{root}/warehouse"
        self.bytes = set()  # files with bytes that weren't synced
        self.headers = set()  # logs with nothing but a header that wasn't synced
        self.names = {}  # folders with names that weren't synced, and the newest of these
        self.drafts = set()  # drafts that were removed, and it wasn't synced
        self.told = []

    def is_passing(self, path):
        """Files that nothing rests on: the holder's name, and what's removed before it has a name of its own."""
        return path.endswith(".holder") or path.endswith("-shm")

    def complain(self, what, call):
        self.told.append(f"{what}: {call}")

    def unsynced(self, below, besides=()):
        """What below a folder isn't durable. A file under a temporary name needn't be."""
        files = [path for path in self.bytes if path.startswith(below) and path not in besides
                 and "/.partial/" not in path and not path.endswith(".partial")]
        names = [name for place, name in self.names.items() if place.startswith(below) and name not in besides]
        return files + names

    def see(self, call):
        if call.result < 0 or self.is_passing(call.path):
            return
        path = call.path
        if call.kind in ("write", "pwrite", "truncate"):
            if path == f"{self.archive}/manifest.ndjson":
                for open_end in self.unsynced(self.archive, besides=[path]):
                    self.complain(f"the manifest is written before {open_end} is durable", call)
            if path.startswith(f"{self.warehouse}/elt.db"):
                # A name that only rests on itself may wait, such as the mark of an extraction.
                for open_end in self.unsynced(self.archive):
                    self.complain(f"the warehouse is written before {open_end} is durable", call)
            if path == f"{self.warehouse}/elt.db" and f"{path}-wal" in self.bytes:
                self.complain("the log is moved into the file before it's durable", call)
            if call.kind == "pwrite" and path.endswith("-wal") and call.result == LOG_HEADER and path not in self.bytes:
                # A log ends with a header of zeros, which may be lost where the file has all that the log had. The next one's
                # header may not: an old one before new frames would be half of an old log.
                if path.removesuffix("-wal") in self.bytes:
                    self.complain("the log is emptied before what it held is durable in the file", call)
                self.headers.add(path)
                return
            if path in self.headers:
                self.complain("frames are written before the log's header is durable", call)
            self.bytes.add(path)
        elif call.kind == "create":
            if "/.partial" not in path and not path.endswith(".partial"):
                self.names[folder(path)] = path
        elif call.kind == "mkdir":
            self.names[folder(path)] = path
        elif call.kind == "sync":
            self.bytes.discard(path)
            self.headers.discard(path)
            self.names.pop(path, None)
            self.drafts = {draft for draft in self.drafts if folder(draft) != path}
        elif call.kind in ("rename", "link"):
            target = call.paths[1]
            if path in self.bytes:
                self.complain("a file has its name before its bytes are durable", call)
            if path in self.names or any(place.startswith(path + "/") for place in self.names):
                self.complain("a folder has its name before the names in it are durable", call)
            if any(other.startswith(path + "/") for other in self.bytes):
                self.complain("a folder has its name before the files in it are durable", call)
            self.names[folder(target)] = target
        elif call.kind == "unlink":
            self.bytes.discard(path)
            if self.names.get(folder(path)) == path:
                del self.names[folder(path)]
            if folder(path) == f"{self.archive}/.drafts":
                self.drafts.add(path)
            if folder(path) == f"{self.archive}/.adopt" and self.drafts:
                self.complain("the mark of a draft is removed before it's durable that the draft is", call)
        elif call.kind == "offset-commit":
            self.end("the consumer group is told", call)

    def end(self, what, call):
        for open_end in self.unsynced(self.archive) + [path for path in self.bytes if path.endswith(("-wal", "-new"))]:
            self.complain(f"{what} before {open_end} is durable", call)
        for place, name in self.names.items():
            # SQLite's own files come and go; whether they're there is for SQLite to say.
            if not place.startswith(self.archive) and not name.startswith(f"{self.warehouse}/elt.db"):
                self.complain(f"{what} before {name} is durable", call)


def breaches(calls, root):
    """What's wrong with the order of a run's calls; empty if nothing is."""
    lint = Lint(str(root))
    for call in calls:
        lint.see(call)
    lint.end("the run ends", "end")
    return lint.told


def repeated_syncs(calls, root):
    """Syncs of a file of the archive whose sync failed: the kernel may have thrown its pages away, and a second call
    lies. (SQLite writes what a failed commit wrote again before it counts, and looks after its own files.)"""
    told, failed = [], set()
    for call in calls:
        if call.kind == "sync" and call.path.startswith(f"{root}/archive"):
            if call.path in failed:
                told.append(str(call))
            if call.result < 0:
                failed.add(call.path)
    return told
