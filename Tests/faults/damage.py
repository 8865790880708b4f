#!/usr/bin/env python3
"""Damages the archive behind the program's back: `archive verify` names it, and nothing is built from it.

    damage.py [--flips N] [--seed N] [--folder DIR]

Each file is flipped in random bits, cut, removed and swapped with another; the manifest also in its newest line, which
looks like what a crash leaves, and an older one is put back. Verify ends with 65 and names the file and its offsets,
rebuild with 74; the tables stay as they were, and with the file restored everything is well. That every single bit is
found is shown in the program itself, by DamageTests.swift.
"""
import argparse
import random
import re
import sys

from crash import REBUILD, RUN
from stage import Fault, copy, elt, must, play
from state import check_equal, published, state


class Damage:
    def __init__(self, stage, options):
        self.dice, self.flips, self.tried = random.Random(options.seed), options.flips, 0
        self.project = copy(stage.states / "loaded", stage.folder / "project")
        must(self.project, *REBUILD)
        self.archive = self.project / "archive"
        self.expected, self.tables = state(self.project), published(self.project)
        self.files = {path: path.read_bytes() for path in sorted(self.archive.rglob("*"))
                      if path.is_file() and not path.name.startswith(".")}

    def name(self, path):
        return str(path.relative_to(self.archive))

    def refused(self, what, *paths, commands=(REBUILD,)):
        """Damage was done to these files: it's found, and no command builds anything from what is left."""
        self.tried += 1
        done = elt(self.project, "archive", "verify")
        said = done.stdout + done.stderr
        if done.returncode != 65:
            raise Fault(f"{what}: verify ended with {done.returncode}: {said[-800:]}")
        for path in paths:
            if self.name(path) not in said:
                raise Fault(f"{what}: verify doesn't name {self.name(path)}: {said[-800:]}")
            if path in self.files and "topic=" in self.name(path) and not re.search(r"offsets \d+\.\.<\d+", said):
                raise Fault(f"{what}: verify doesn't say which offsets: {said[-800:]}")
        for words in commands:
            # Nobody builds from the copy of the manifest's entry that lies beside the pages.
            if all(path.name == "load.json" for path in paths) and paths:
                continue
            left = {path: path.read_bytes() for path in self.archive.rglob("*.*") if path.is_file()}
            done = elt(self.project, *words)
            if done.returncode != 74:
                raise Fault(f"{what}: {' '.join(words)} ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
            if published(self.project) != self.tables:
                raise Fault(f"{what}: {' '.join(words)} changed the tables")
            for path, content in left.items():
                if not path.exists() or path.read_bytes() != content:
                    raise Fault(f"{what}: {' '.join(words)} changed {self.name(path)}")

    def restore(self):
        for path, content in self.files.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)

    def flip(self, path, position):
        changed = bytearray(self.files[path])
        changed[position // 8] ^= 1 << position % 8
        path.write_bytes(changed)

    def all(self):
        manifest = self.archive / "manifest.ndjson"
        others = [path for path in self.files if path != manifest]
        for path in self.files:
            for _ in range(self.flips):
                position = self.dice.randrange(len(self.files[path]) * 8)
                self.flip(path, position)
                self.refused(f"bit {position} of {self.name(path)}", path)
                self.restore()
        for path in others:
            path.write_bytes(self.files[path][:self.dice.randrange(len(self.files[path]))])
            self.refused(f"{self.name(path)} cut", path)
            path.unlink()
            self.refused(f"{self.name(path)} removed", path)
            self.restore()
        segments = [path for path in others if "topic=" in self.name(path)]
        one, other = self.dice.sample(segments, 2)
        one.write_bytes(self.files[other])
        other.write_bytes(self.files[one])
        self.refused("two files swapped", one, other)
        self.restore()
        stranger = one.with_name("stranger.ndjson.zst")
        stranger.write_bytes(b"x")
        self.refused("a file added", stranger)
        stranger.unlink()
        text = self.files[manifest]
        newest = text[:-1].rindex(b"\n") + 1
        for position in [newest * 8 + 3, len(text) * 8 - 700, len(text) * 8 - 8]:
            self.flip(manifest, position)
            self.refused(f"bit {position} of the manifest's newest line", manifest, commands=(REBUILD, RUN))
            self.restore()
        lines = text.splitlines(keepends=True)
        ends = [index + 1 for index, line in enumerate(lines) if (m := re.search(rb'"part":(\d+),"parts":(\d+)', line)) and m[1] == m[2]]
        for count in ends[:-1]:
            manifest.write_bytes(b"".join(lines[:count]))
            self.refused(f"a manifest of {count} of {len(lines)} lines", commands=(REBUILD, RUN))
            self.restore()
        must(self.project, *REBUILD)
        check_equal(self.expected, self.project)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=2, help="in each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    options = parser.parse_args()

    def suite(stage):
        damage = Damage(stage, options)
        damage.all()
        return f"{damage.tried} ways, all found and refused", []
    return play("damage", options.folder, suite)


if __name__ == "__main__":
    sys.exit(main())
