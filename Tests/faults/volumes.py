"""Power cuts on real file systems: a life on an image that's mounted, killed at a random moment, and the image copied
without what the kernel hadn't written yet. Mounting the copy is what a machine does that's switched on again.

Needs root, loop devices and mkfs; file systems that can't be made or mounted here are left out, and it's said which.
"""
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from stage import PROGRAM, Fault, environment

# Without delayed allocation's safety net and with rare commits, ext4 keeps the least that it may.
KINDS = {
    "ext4-lazy": (["mkfs.ext4", "-q", "-F"], "noauto_da_alloc,commit=300", 64),
    "ext4": (["mkfs.ext4", "-q", "-F"], "defaults", 64),
    "xfs": (["mkfs.xfs", "-q", "-f"], "defaults", 320),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], "commit=300", 256),
}


def call(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise Fault(f"{words[0]}: {done.stderr.strip()}")


class Mount:
    """An image that's mounted while the block runs."""

    def __init__(self, image, options):
        self.image, self.options = image, options
        self.place = Path(f"{image}.mounted")

    def __enter__(self):
        self.place.mkdir(exist_ok=True)
        call("mount", "-o", f"loop,{self.options}", self.image, self.place)
        return self.place

    def __exit__(self, *error):
        call("umount", self.place)
        self.place.rmdir()


def new(kind, image):
    """Each life has a file system of its own: the kernel takes two with the same number for one."""
    make, _, size = KINDS[kind]
    if not shutil.which(make[0]):
        raise Fault(f"there's no {make[0]}")
    with open(image, "wb") as file:
        file.truncate(size << 20)
    call(*make, image)
    return image


def kinds(folder):
    """The file systems that this machine can make and mount."""
    found = []
    for kind, (_, options, _) in KINDS.items():
        try:
            with Mount(new(kind, folder / f"{kind}.empty"), options):
                found.append(kind)
        except Fault as error:
            print(f"volumes: {kind} is left out: {error}")
    return found


def life(cuts, kind, workload, dice, image):
    """A life that's killed, and the copy of its image. True if it had ended before."""
    volume = new(kind, image.with_suffix(".live"))
    with Mount(volume, KINDS[kind][1]) as place:
        call("cp", "-a", cuts.stage.states / workload.start, place / "project")
        call("sync", "-f", place)
        begun, delay = time.monotonic(), dice.random() * cuts.seconds[workload.name] * 1.2
        child = subprocess.Popen([PROGRAM, *workload.commands[0]], cwd=place / "project", env=environment(),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.wait(max(0, delay - (time.monotonic() - begun)))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        if child.wait() not in (0, -signal.SIGKILL):
            raise Fault(f"ended with {child.returncode}")
        call("cp", "--sparse=always", volume, image)
    volume.unlink()
    return child.returncode == 0


def cut(cuts, kind, workload, seed):
    """What a cut broke, in words; None if nothing."""
    dice = random.Random(seed)
    image = cuts.stage.folder / f"{kind}-{workload.name.replace(' ', '-')}-{seed}.image"
    try:
        hasEnded = life(cuts, kind, workload, dice, image)
        with Mount(image, KINDS[kind][1]) as place:
            cuts.judge(workload, place / "project", hasEnded)
    except (Fault, sqlite3.Error) as error:
        return f"{workload.name} on {kind}, cut {seed}: {error}\n  the image is kept in {image}"
    image.unlink()
    return None
