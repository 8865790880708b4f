"""A disk that keeps no promise that it wasn't asked for: what may lie on it after the power was cut.

`see` is told what a life did (the log that shim.c keeps), and `image` writes a folder as it may be found afterwards:

- What was synced is there: a file's bytes by the file's sync, a folder's names by the folder's.
- Of bytes that weren't, any pages of 4 KiB may be there, in any order; others are torn at 512 bytes, or the file has
  grown and they're zeros.
- Of names that weren't, each folder has the first few of its changes; other folders may be ahead or behind. A rename
  has happened in both of its folders or in none.

That's weaker than ext4, xfs and btrfs are, and what POSIX promises.
"""
import os
from pathlib import Path, PurePosixPath

PAGE, SECTOR = 4096, 512


class File:
    def __init__(self, content=b""):
        self.durable, self.live, self.open_ends = content, bytearray(content), []

    def write(self, place, content):
        grow(self.live, place + len(content))
        self.live[place:place + len(content)] = content
        self.open_ends.append((place, content))

    def truncate(self, size):
        grow(self.live, size)
        del self.live[size:]
        self.open_ends.append((size, None))

    def sync(self):
        self.durable, self.open_ends = bytes(self.live), []

    def content(self, dice):
        """The durable bytes and what chance made durable of the rest."""
        if not self.open_ends:
            return self.durable
        found, share, ceiling = bytearray(self.durable), dice.choice((0, 1, dice.random())), None
        for place, written in self.open_ends:
            if written is None:
                if dice.random() < share:
                    grow(found, place)
                    del found[place:]
                    ceiling = None
                elif place < len(found):
                    # What follows was written behind the new end, to blocks that nothing leads to.
                    ceiling = place
                continue
            for begin, piece in pages(place, written):
                if ceiling is None or begin + len(piece) <= ceiling:
                    store(found, begin, piece, dice, share)
        return bytes(found)


def grow(content, size):
    if size > len(content):
        content.extend(bytes(size - len(content)))


def pages(place, content, size=PAGE):
    at = 0
    while at < len(content):
        count = min(len(content) - at, size - (place + at) % size)
        yield place + at, content[at:at + count]
        at += count


def store(found, place, piece, dice, share):
    """One page, perhaps: whole, in part, as zeros behind the end that the file had, or not at all."""
    chance = dice.random()
    if chance < share:
        pieces = [(place, piece)]
        if share < 1 and dice.random() < 0.1:
            pieces = [part for part in pages(place, piece, SECTOR) if dice.random() < 0.5]
        for begin, part in pieces:
            grow(found, begin + len(part))
            found[begin:begin + len(part)] = part
    elif share and dice.random() < 0.2:
        grow(found, place + len(piece))


class Folder:
    def __init__(self):
        self.durable, self.live, self.open_ends = {}, {}, []


class Change:
    """A change of names: `node` is called `name` in `folder` from then on, and what was `old` no longer is."""

    def __init__(self, number, folder, name, node, old=None):
        self.number, self.folder, self.name, self.node, self.old = number, folder, name, node, old
        self.folders = [folder] + ([old[0]] if old and old[0] is not folder else [])
        for place in self.folders:
            place.open_ends.append(self)

    def apply(self, names):
        """`names` gives the names of a folder, the live ones or the durable ones."""
        if self.old and names(self.old[0]).get(self.old[1]) is self.node:
            del names(self.old[0])[self.old[1]]
        if self.node is None:
            names(self.folder).pop(self.name, None)
        else:
            names(self.folder)[self.name] = self.node


class Disk:
    """Starts as a folder is, with all of it durable."""

    def __init__(self, start):
        self.start, self.number = str(start), 0
        self.top = self.load(Path(start))

    def load(self, path):
        if not path.is_dir():
            return File(path.read_bytes())
        folder = Folder()
        folder.live = {child.name: self.load(child) for child in path.iterdir()}
        folder.durable = dict(folder.live)
        return folder

    # --- what the life did -------------------------------------------------------------------------

    def find(self, path):
        node = self.top
        for name in PurePosixPath(path).parts:
            node = node.live.get(name) if isinstance(node, Folder) else None
        return node

    def change(self, path, node, old=None):
        self.number += 1
        path = PurePosixPath(path)
        if old is not None:
            old = self.find(PurePosixPath(old).parent), PurePosixPath(old).name
        change = Change(self.number, self.find(path.parent), path.name, node, old)
        change.apply(lambda folder: folder.live)

    def see(self, step):
        """One step; its paths are below the folder that it was done in."""
        node = self.find(step.path)
        if step.kind == "create":
            self.change(step.path, File())
        elif step.kind == "mkdir":
            self.change(step.path, Folder())
        elif step.kind == "link":
            self.change(step.other, node)
        elif step.kind == "rename":
            self.change(step.other, node, step.path)
        elif node is None:
            pass  # a file that has lost its name
        elif step.kind == "unlink":
            self.change(step.path, None)
        elif step.kind == "write":
            node.write(step.place, step.content)
        elif step.kind == "truncate":
            node.truncate(step.place)
        elif step.kind == "sync" and isinstance(node, File):
            node.sync()
        elif step.kind == "sync":
            self.settle(node, self.number)

    def settle(self, folder, number):
        """The changes of a folder up to one are durable, and with them what came before in the folders they share."""
        while folder.open_ends and folder.open_ends[0].number <= number:
            change = folder.open_ends.pop(0)
            for other in change.folders:
                if other is not folder:
                    self.settle(other, change.number - 1)
                    other.open_ends.remove(change)
            change.apply(lambda place: place.durable)

    # --- what's left -------------------------------------------------------------------------------

    def folders(self, folder, seen):
        """Those that had a name at some time since the last sync, each once."""
        if folder in seen:
            return
        seen.add(folder)
        yield folder
        for node in [*folder.live.values(), *folder.durable.values(), *(c.node for c in folder.open_ends)]:
            if isinstance(node, Folder):
                yield from self.folders(node, seen)

    def names_left(self, dice):
        """The names of each folder after the cut."""
        left, changes, limits, share = {}, {}, {}, dice.choice((0, 1, None, None))
        for folder in self.folders(self.top, set()):
            left[folder] = dict(folder.durable)
            count = len(folder.open_ends)
            kept = dice.randint(0, count) if share is None else share * count
            limits[folder] = folder.open_ends[kept].number if kept < count else self.number + 1
            changes.update({change.number: change for change in folder.open_ends})
        for number, change in sorted(changes.items()):
            if all(number < limits[folder] for folder in change.folders):
                change.apply(lambda folder: left[folder])
            else:
                for folder in change.folders:
                    limits[folder] = min(limits[folder], number)
        return left

    def image(self, dice, target):
        """Writes what's left into a new folder."""
        self.write(self.top, Path(target), self.names_left(dice), dice)

    def write(self, folder, path, left, dice):
        path.mkdir(mode=0o700)
        for name, node in sorted(left[folder].items()):
            if isinstance(node, Folder):
                self.write(node, path / name, left, dice)
                continue
            # The memory that SQLite shares is never written to the disk; whatever lies there is there.
            content = dice.randbytes(32768) if name.endswith("-shm") else node.content(dice)
            file = os.open(path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(file, "wb") as file:
                file.write(content)

    def differs(self, path, node=None):
        """Where a folder isn't what all steps together make of it: a step that wasn't seen. Empty if it is."""
        node, path = node or self.top, Path(path)
        if isinstance(node, File):
            isSame = path.is_file() and (path.name.endswith("-shm") or path.read_bytes() == node.live)
            return "" if isSame else str(path)
        if not path.is_dir() or {child.name for child in path.iterdir()} != set(node.live):
            return str(path)
        return next((told for name, child in node.live.items() if (told := self.differs(path / name, child))), "")


class Step:
    """A line of shim.c's log, with paths below `root`."""

    def __init__(self, line, content, root):
        kind, place, _, path, other = line.split("\t")
        self.kind, self.place, self.content = kind, int(place), content
        self.path, self.other = (os.path.relpath(name, root) if name else "" for name in (path, other))

    def __str__(self):
        return f"{self.kind} {self.path}" + (f" to {self.other}" if self.other else "")


def steps(log, root):
    found = []
    with open(log, "rb") as file:
        while line := file.readline():
            text = line.decode(errors="surrogateescape").rstrip("\n")
            found.append(Step(text, file.read(int(text.split("\t")[2])), root))
    return found
