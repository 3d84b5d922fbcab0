"""The benchmarks: which program, with which arguments, and what must come out."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Benchmark:
    """One line of the table.

    name     as printed
    program  tests/bench/PROGRAM.lua and .py
    twin     tests/bench/TWIN.py instead of that: another way to do it in Python
    words    its arguments before the count
    ours     the count for mooncrew; its twin gets `theirs`, since it is slower
    check    the number that must come out, from the count of operations that was asked for
    workers  how many processes do that many each
    needs    a function of the module without which there is nothing to measure
    limit    tests/bench/LIMIT.c, what the machine can do at all: it takes our count
    """

    name: str
    program: str
    words: list
    ours: int
    theirs: int
    check: Callable
    workers: int = 1
    needs: str = "Queue"
    limit: str = ""
    twin: str = ""

    def counts(self, quick):
        """(ours, theirs); one run in fifty of the work when it is a quick one."""
        if quick:
            return max(20, self.ours // 50), max(20, self.theirs // 50)
        return self.ours, self.theirs


def same(n):
    """A check that counts: each operation once."""
    return n


def triangle(n):
    """1 + 2 + ... + n"""
    return n * (n + 1) // 2


BENCHMARKS = [
    Benchmark("process, start and join", "process", [], 500, 50, same, limit="fork"),
    Benchmark("queue, integers", "traffic", ["integer"], 1000000, 50000, triangle),
    Benchmark("queue, 100-byte strings", "traffic", ["string"], 500000, 50000, lambda n: n * 100),
    Benchmark("queue, small tables", "traffic", ["table"], 300000, 20000, triangle),
    Benchmark("queue, 1 MiB strings", "traffic", ["megabyte"], 1000, 50, lambda n: n << 20),
    Benchmark("ping-pong", "pingpong", [], 20000, 3000, same),
    Benchmark("map, chunk size 1", "map", ["1"], 50000, 5000, same),
    Benchmark("map, default", "map", ["default"], 500000, 500000, same),
    Benchmark("apply_async and get", "apply", [], 30000, 4000, same),
    Benchmark("imap_unordered", "imap", ["1"], 30000, 4000, same),
    Benchmark("imap_unordered, 100 a chunk", "imap", ["100"], 300000, 200000, same),
    Benchmark("map, 1, executor", "map", ["1"], 50000, 4000, same, twin="map_executor"),
    Benchmark("map, default, executor", "map", ["default"], 500000, 4000, same,
              twin="map_executor"),
    Benchmark("apply_async, executor", "apply", [], 30000, 3000, same, twin="apply_executor"),
    Benchmark("map, uneven tasks", "uneven", [], 300, 300, same),
    Benchmark("dict, set", "dict", ["set", "1"], 1000000, 4000, same, needs="dict"),
    Benchmark("dict, set, 2 processes", "dict", ["set", "2"], 500000, 2000, same, 2, "dict"),
    Benchmark("dict, get", "dict", ["get", "1"], 1000000, 4000, same, needs="dict"),
    Benchmark("dict, get, 2 processes", "dict", ["get", "2"], 500000, 2000, same, 2, "dict"),
    Benchmark("dict, incr", "dict", ["incr", "1"], 1000000, 2000, same, needs="dict"),
    Benchmark("dict, incr, 2 processes", "dict", ["incr", "2"], 300000, 1000, same, 2, "dict"),
    Benchmark("dict, iterate", "dict", ["iterate", "1"], 1000000, 1000000, same, needs="dict"),
    Benchmark("list, append", "list", ["append"], 1000000, 4000, same, needs="list"),
    Benchmark("list, get", "list", ["get"], 1000000, 4000, same, needs="list"),
    Benchmark("list, iterate", "list", ["iterate"], 1000000, 1000000, same, needs="list"),
    Benchmark("Value, incr", "number", ["1"], 1000000, 300000, same, needs="Value"),
    Benchmark("Value, incr, 2 processes", "number", ["2"], 300000, 50000, same, 2, "Value"),
    Benchmark("Lock", "mutex", ["1"], 1000000, 1000000, same, needs="Lock"),
    Benchmark("Lock, 2 processes", "mutex", ["2"], 300000, 100000, same, 2, "Lock"),
]
