"""mooncrew copy beside cp -a, rsync -a and the tutorial's program, on the same trees."""

import os
import random
import shutil
import subprocess

from support import measure
from tools.race import Case, HERE, ROOT

SAME_TREE = os.path.join(ROOT, "tests", "spec", "support", "same_tree.py")
SCRIPT = os.path.join(ROOT, "scripts", "copy.lua")
TWIN = os.path.join(HERE, "twins", "copy_files.py")
MIB = 1 << 20


def small_files(root, count):
    """Files of 0 to 8 KiB, a hundred a folder."""
    dice = random.Random(1)
    for i in range(count):
        folder = os.path.join(root, f"{i // 100:04d}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"{i:06d}"), "wb") as file:
            file.write(dice.randbytes(dice.randrange(0, 8192)))


def large_files(root, megabytes):
    """Four files."""
    block = random.Random(2).randbytes(MIB)
    for i in range(4):
        with open(os.path.join(root, f"large-{i}"), "wb") as file:
            for _ in range(megabytes // 4):
                file.write(block)


def check(source, target):
    """The copy is as its source."""
    ended = subprocess.run([measure.PEER, SAME_TREE, source, target], capture_output=True,
                           text=True, check=False)
    if ended.returncode != 0:
        raise measure.Wrong(f"the copy differs: {ended.stdout[:2000]}{ended.stderr}")


class Copying(Case):
    """A tree that each tool copies to a target of its own: one that is not there yet, or one
    that it has made before. The tutorial's program knows folders of files alone, no trees and no
    second time; it is left out of the checks of modes and times, which it does not keep."""

    def __init__(self, name, make, sizes, fresh):
        super().__init__(name)
        self.make, self.sizes, self.fresh = make, sizes, fresh
        self.source = self.target = None
        self.cleared = 0

    def prepare(self, folder, binary, quick):
        self.source, self.target = os.path.join(folder, "source"), os.path.join(folder, "target")
        os.mkdir(self.source)
        self.make(self.source, self.sizes[1 if quick else 0])
        ours = [binary, SCRIPT, "-q"] + ([] if self.fresh else ["--resume"])
        # With "/" after both, rsync's rules are ours. cp has no second time but -u.
        cp = ["cp", "-aT"] if self.fresh else ["cp", "-auT"]
        source, target = self.source, self.target
        commands = {
            "mooncrew": [*ours, source, target],
            "cp -a" if self.fresh else "cp -au": [*cp, source, target],
            "rsync -a": ["rsync", "-a", source + "/", target + "/"],
        }
        if self.fresh:
            commands["tutorial 9"] = [measure.PEER, "-B", TWIN, source, target]
        else:
            subprocess.run(commands["mooncrew"], check=True)
        return commands

    def before(self, name):
        if self.fresh:
            self.clear()
        os.sync()  # what others have to write is not this one's

    def clear(self):
        """Takes the target away. Small files are not deleted before the case is over: ext4
        passes over numbers of files that were in use a moment ago, and has a hard time then."""
        if not os.path.exists(self.target):
            return
        if self.make is large_files:
            shutil.rmtree(self.target)
        else:
            self.cleared += 1
            os.rename(self.target, f"{self.target}-{self.cleared}")

    def after(self, name, _output):
        if name == "mooncrew":
            check(self.source, self.target)


CASES = [
    Copying("copy, many small files", small_files, (20000, 300), True),
    Copying("copy, the same, unchanged", small_files, (20000, 300), False),
    Copying("copy, few large files", large_files, (2048, 16), True),
]
