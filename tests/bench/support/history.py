"""Figures of earlier runs: a file each, the baseline that is committed, and what got worse."""

import datetime
import glob
import json
import os
import statistics

from . import table
from .measure import HERE

BASELINE = os.path.join(HERE, "baseline.json")
NOISE = 0.1  # a tenth less is never called worse
SAME = ("cpu", "cores", "kernel")


def folder(binary):
    """Where runs are kept: in the build's folder, which is not committed."""
    return os.path.join(os.path.dirname(os.path.abspath(binary)), "bench")


def write(path, run):
    """One line a list of figures."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    parts = []
    for part, content in run.items():
        inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items())
        parts.append(f" {json.dumps(part)}: {{\n{inner}\n }}")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(parts) + "\n}\n")


def read(path):
    """A run."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def keep(binary, kind, run):
    """Adds a run to the history; its file."""
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    path = os.path.join(folder(binary), f"{kind}-{now}.json")
    write(path, run)
    return path


def last(binary, kind):
    """The file of the last run of that kind, None without one."""
    return max(glob.glob(os.path.join(folder(binary), f"{kind}-*.json")), default=None)


def rounded(figures):
    """Four digits say all there is to say."""
    return {label: [float(f"{x:.4g}") for x in found] for label, found in figures.items()}


def series(row, figures, same_machine):
    """What is compared of a row: each list has the greater figure for the better one. Our own
    only if the machine is the same; and beside the other programs of the same turns."""
    found = [table.ratios(row, figures, label) for label in figures if label != "ours"]
    if same_machine or not found:
        found.append(figures["ours"] if row.is_rate else [1 / x for x in figures["ours"]])
    return found


def is_worse(now, before):
    """Nothing of it is as good as the worst was, and its median is more than the noise less."""
    least = statistics.median(before) * (1 - NOISE)
    return max(now) < min(before) and statistics.median(now) < least


def compare(rows, now, before):
    """(name, the median then, the median now) of the rows that got worse. A row did when its
    figure is worse, and also beside each other program: else it was the weather."""
    same_machine = all(now["machine"][key] == before["machine"][key] for key in SAME)
    worse = []
    for row in rows:
        new, old = now["rows"].get(row.name), before["rows"].get(row.name)
        if not new or not old or set(new) != set(old):
            continue
        pairs = zip(series(row, new, same_machine), series(row, old, same_machine))
        if all(is_worse(a, b) for a, b in pairs):
            medians = (statistics.median(x["ours"]) for x in (old, new))
            worse.append((row.name, *(table.readable(x) for x in medians)))
    return worse
