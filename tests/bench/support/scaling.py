"""What an operation costs as queues, tables and pools grow, and what processes do as they get more.

No cliff: ten times as many items make an operation cost at most STEP times as much (what falls out
of a cache costs that); and a step to more processes leaves, in all of them together, at least
KEEPS of what the fewer did.
"""

import statistics
import types

from . import measure
from .plan import same

STEP = 3
KEEPS = 0.5
RUNS = 3
QUICK = (1, 4, 1000)  # the points of a quick run

SIZES = (1000, 10000, 100000, 1000000)
LARGEST = 10000000  # in full
# What scaling.lua is asked for, and what that is.
GROWING = {
    "put": "queue: put",
    "get": "queue: get",
    "insert": "dict: insert",
    "read": "dict: get, in any order",
    "append": "list: append",
    "index": "list: get, in any order",
    "map": "map, chunk size 1",
    "map_default": "map without chunk size",
    "apply_async": "apply_async, then get",
}
# These take microseconds each and keep a million results: a size less.
SLOW = ("apply_async",)

PROCESSES = (1, 2, 4, 8, 32)
# What crowd.lua is asked for: what that is, and operations of all processes together.
CROWDS = {
    "integer": ("one queue, integers: put, get", 400000),
    "string": ("the same, 100-byte strings", 400000),
    "batch": ("the same, 16 strings at a time", 800000),
    "pong": ("ping-pong by so many pairs", 32000),
    "map": ("map, chunk size 1", 100000),
    "map_default": ("map without chunk size", 500000),
    "get": ("dict: get", 1000000),
    "set": ("dict: set", 1000000),
    "incr": ("dict: incr of one number", 500000),
    "append": ("list: append", 500000),
    "lock": ("Lock: acquire, release", 500000),
    "start": ("start and join of so many", 320),
}
# With a core for each process they wait by looking at memory, with less they sleep: that step is
# the machine's, who wakes a sleeper through a pipe is no faster.
PAIRS = ("pong",)


def side(words, count, processes=1):
    """A program as measure.figure() wants it."""
    return types.SimpleNamespace(words=words, check=same, workers=processes, cores=0,
                                 counted=lambda quick: max(10, count // 50) if quick else count)


RATE = types.SimpleNamespace(is_rate=True, scale=1)
NANOSECONDS = types.SimpleNamespace(is_rate=False, scale=1e9)


def points(full):
    """(part, what, at, row, side) of each figure."""
    for what in GROWING:
        sizes = SIZES + ((LARGEST,) if full else ())
        for size in sizes[:-1] if what in SLOW else sizes:
            yield "sizes", what, size, NANOSECONDS, side(["scaling.lua", what], size)
    for what, (_, count) in CROWDS.items():
        for n in PROCESSES:
            crowd = side(["crowd.lua", what, str(n)], count // n, n)
            yield "processes", what, n, RATE, crowd


def run(binary, options):
    """{part: {what: {at: figures}}} of all whose name contains one of the texts; the runs of a
    point are a whole round apart. And how many programs went wrong."""
    found, wrong = {"sizes": {}, "processes": {}}, 0
    chosen = [p for p in points(options.full)
              if not options.text or any(text in p[1] for text in options.text)]
    for _ in range(options.runs):
        for part, what, at, row, program in chosen:
            if options.quick and at not in QUICK:
                continue
            try:
                figure = measure.figure(row, program, binary, options.quick)
            except measure.Wrong as error:
                wrong += 1
                print(f"FAIL {what} {at}: {error}", flush=True)
                continue
            figure = float(f"{figure:.4g}")
            found[part].setdefault(what, {}).setdefault(str(at), []).append(figure)
    return found, wrong


def medians(figures):
    """{at: median}"""
    return {int(at): statistics.median(found) for at, found in figures.items()}


def cliff(part, what, figures, cores):
    """Where there is one: (before, at, how many times as much or as little); None without."""
    curve = sorted(medians(figures).items())
    if what in PAIRS:
        curve = [(at, y) for at, y in curve if 2 * at > cores]
    for (before, a), (at, b) in zip(curve, curve[1:]):
        if (b > a * STEP) if part == "sizes" else (b < a * KEEPS):
            return before, at, b / a
    return None


def name_of(part, what):
    """As it is called in tables and plots."""
    return GROWING[what] if part == "sizes" else CROWDS[what][0]


def verdict(part, what, figures, cores):
    """In words."""
    found = cliff(part, what, figures, cores)
    return f"{found[0]:,} → {found[1]:,}: × {found[2]:.2g}" if found else "none"
