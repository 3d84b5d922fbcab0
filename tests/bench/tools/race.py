"""Runs the commands of a case in turn, and what is made of their times."""

import os
import resource
import statistics
import subprocess
import tempfile
import time

from support import measure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


class Case:
    """What is measured: a job, and the commands that do it. "mooncrew" is ours."""

    def __init__(self, name):
        self.name = name

    def prepare(self, folder, binary, quick):
        """Makes what the job needs, in an empty folder. {name: command}"""
        raise NotImplementedError

    def before(self, name):
        """Called before each command."""

    def after(self, name, output):
        """Checks what the command has done (else measure.Wrong). The time when its work was
        done when that is not when it ended."""

    def close(self):
        """Ends what prepare has started."""


def spent():
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(case, name, words):
    """(seconds that it took, seconds of processors)"""
    case.before(name)
    busy, began, start = spent(), time.time(), time.monotonic()
    try:
        ended = subprocess.run(words, capture_output=True, text=True, check=False,
                               timeout=measure.HANGS)
    except subprocess.TimeoutExpired:
        raise measure.Wrong(f"hung: {' '.join(words)}") from None
    seconds, busy = time.monotonic() - start, spent() - busy
    if ended.returncode != 0:
        raise measure.Wrong(f"status {ended.returncode}: {' '.join(words)}\n{ended.stderr.strip()}")
    done = case.after(name, ended.stdout)
    return (done - began if done else seconds), busy


def row(name, found, ours):
    """A peer's line: medians, and the ratios of the pairs."""
    ratios = [theirs[0] / mine[0] for theirs, mine in zip(found, ours)]
    return {
        "name": name,
        "seconds": statistics.median(seconds for seconds, _ in found),
        "processor": statistics.median(busy for _, busy in found),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


def run(case, binary, runs, quick, folder):
    """The rows of a case; the first is ours."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        try:
            commands = case.prepare(own, binary, quick)
            found = {name: [] for name in commands}
            for _ in range(runs):
                for name, words in commands.items():
                    found[name].append(timed(case, name, words))
        finally:
            case.close()
    return [row(name, times, found["mooncrew"]) for name, times in found.items()]
