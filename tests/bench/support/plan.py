"""The table of ./dev bench: which programs, with which arguments, and what is to be reached."""

from dataclasses import dataclass, field
from typing import Callable


def same(n):
    """A check that counts: each operation once."""
    return n


def triangle(n):
    """1 + 2 + ... + n"""
    return n * (n + 1) // 2


@dataclass
class Side:
    """One program of a row. All of a row run in turn.

    label    as printed; "ours" is what the row is about, "Python" and "limit" have columns
    words    tests/bench/NAME.lua or NAME.py or, without an ending, the C program of NAME.c, and
             its arguments before the count
    count    operations that it is asked for
    check    the number that must come out of that
    workers  how many processes do that many each
    cores    it may use so many; 0: all
    what     what a limit is
    """

    label: str
    words: list
    count: int
    check: Callable = same
    workers: int = 1
    cores: int = 0
    what: str = ""

    def counted(self, quick):
        """The count; one in fifty of the work when it is a quick run."""
        return min(self.count, max(20, self.count // 50)) if quick else self.count


@dataclass
class Goal:
    """What is to be reached: at least `value` times as good as the side `beside`; or, without
    one, a figure at least (of a rate) or at most (of a cost) of `value`."""

    value: float
    beside: str = ""


@dataclass
class Row:
    """A line of the table.

    is_rate  operations a second, the more the better; else a cost, the less the better
    scale    what a cost, in the unit of its program, is multiplied by
    """

    name: str
    sides: list
    goals: list = field(default_factory=list)
    is_rate: bool = True
    scale: float = 1


def ours(*words, **more):
    """Our side: the program's name, its arguments, the count."""
    return Side("ours", [words[0] + ".lua", *words[1:-1]], words[-1], **more)


def python(*words, label="Python", **more):
    """Its twin."""
    return Side(label, [words[0] + ".py", *words[1:-1]], words[-1], **more)


def executor(*words, **more):
    """The twin with a ProcessPoolExecutor."""
    return python(words[0] + "_executor", *words[1:], label="ProcessPoolExecutor", **more)


def limit(what, *words, label="limit", **more):
    """What the machine can do at all."""
    return Side(label, list(words[:-1]), words[-1], what=what, **more)


def call():
    """The limit of what is called once an operation from Lua."""
    return limit("empty lua_call", "call", 3000000)


def making(kind):
    """What Lua takes to make what is got, whoever brings it."""
    return Side(f"Lua makes the {kind}", ["values", kind], 2000000)


def hundreds(n):
    """The check of n strings of 100 bytes."""
    return n * 100


QUEUES = [
    Row("queue, integers", [
        ours("traffic", "integer", "1", 1000000, check=triangle),
        python("traffic", "integer", "1", 50000, check=triangle),
        limit("ring, 8 bytes", "ring", "8", 5000000),
    ], [Goal(15, "Python"), Goal(5e6)]),
    Row("queue, 100-byte strings", [
        ours("traffic", "string", "1", 1000000, check=hundreds),
        python("traffic", "string", "1", 50000, check=hundreds),
        limit("ring, 100 bytes", "ring", "100", 5000000),
        making("string"),
    ], [Goal(15, "Python"), Goal(5e6)]),
    Row("queue, small tables", [
        ours("traffic", "table", "1", 500000, check=triangle),
        python("traffic", "table", "1", 20000, check=triangle),
        limit("ring, 32 bytes", "ring", "32", 5000000),
        making("table"),
    ], [Goal(6, "Python"), Goal(2e6)]),
    Row("queue, 1 MiB strings", [
        ours("traffic", "megabyte", "1", 2000, check=lambda n: n << 20),
        python("traffic", "megabyte", "1", 50, check=lambda n: n << 20),
        limit("memcpy of 1 MiB", "memcpy", 1 << 20, 3000),
        Side("ring, 1 MiB", ["ring", str(1 << 20)], 3000),
    ], [Goal(20, "Python"), Goal(0.5, "limit")]),
    Row("put_many, get_many of 16 strings", [
        ours("batch", 2000000, check=hundreds),
        python("batch", 200000, check=hundreds),
        limit("ring, 100 bytes", "ring", "100", 5000000),
        making("string"),
    ], [Goal(10e6)]),
    Row("queue, integers, 2 to 2", [
        ours("traffic", "integer", "2", 500000, check=triangle, workers=2),
        python("traffic", "integer", "2", 15000, check=triangle, workers=2),
        Side("1 to 1", ["traffic.lua", "integer", "1"], 1000000, triangle),
    ], [Goal(1, "1 to 1")]),
    Row("queue, integers, 4 to 4", [
        ours("traffic", "integer", "4", 250000, check=triangle, workers=4),
        python("traffic", "integer", "4", 8000, check=triangle, workers=4),
        Side("1 to 1", ["traffic.lua", "integer", "1"], 1000000, triangle),
    ], [Goal(1, "1 to 1")]),
    Row("ping-pong", [
        ours("pingpong", "0", 100000),
        python("pingpong", "0", 4000),
        limit("looking at memory", "pong", "spin", "0", 300000),
        Side("pipe", ["pong", "pipe", "0"], 10000),
        Side("futex", ["pong", "futex", "0"], 10000),
    ], [Goal(1e6)]),
    Row("ping-pong on one core", [
        ours("pingpong", "0", 30000, cores=1),
        python("pingpong", "0", 4000, cores=1),
        limit("futex", "pong", "futex", "0", 30000, cores=1),
        Side("pipe", ["pong", "pipe", "0"], 30000, cores=1),
    ], [Goal(1, "pipe")]),
    Row("ping-pong, 2 more compute", [
        ours("pingpong", "2", 10000),
        python("pingpong", "2", 2000),
        limit("futex", "pong", "futex", "2", 10000),
        Side("pipe", ["pong", "pipe", "2"], 10000),
    ], [Goal(1, "pipe")]),
    Row("queued message beyond itself, bytes", [
        ours("queued", 1000000),
    ], [Goal(64)], is_rate=False),
]

POOLS = [
    Row("map, chunk size 1", [
        ours("map", "1", 600000),
        python("map", "1", 15000),
        executor("map", "1", 3000),
        call(),
    ], [Goal(10, "Python"), Goal(1e6)]),
    Row("map without chunk size", [
        ours("map", "default", 2000000),
        python("map", "default", 1000000),
        executor("map", "default", 4000),
        call(),
    ], [Goal(1, "Python")]),
    Row("map, uneven tasks", [ours("uneven", 300), python("uneven", 300)], [Goal(1, "Python")]),
    Row("apply_async and get, one at a time", [
        ours("apply", "each", 20000),
        python("apply", "each", 4000),
        executor("apply", "each", 2000),
        limit("futex", "pong", "futex", "0", 10000),
    ], [Goal(15, "Python")]),
    Row("apply_async, get at the end", [
        ours("apply", "all", 30000), python("apply", "all", 4000), executor("apply", "all", 3000),
    ], [Goal(1, "Python")]),
    Row("imap_unordered", [
        ours("imap", "1", 50000), python("imap", "1", 8000),
    ], [Goal(1, "Python")]),
    Row("imap_unordered, 100 a chunk", [
        ours("imap", "100", 500000), python("imap", "100", 300000),
    ], [Goal(1, "Python")]),
    Row("private memory of an idle worker, KiB", [
        ours("idle", 4), python("idle", 4),
    ], [Goal(200)], is_rate=False, scale=1 / 1024),
    Row("from SIGKILL to the report, ms", [
        ours("kill", 11),
        executor("kill", 5),
        limit("kill and waitpid", "kill", 11),
    ], [Goal(5)], is_rate=False, scale=1e3),
]

TABLES = [
    Row("dict, get", [
        ours("dict", "get", "1", 1000000), python("dict", "get", "1", 4000), call(),
    ], [Goal(200, "Python"), Goal(6.4e6)]),
    Row("dict, set", [
        ours("dict", "set", "1", 1000000), python("dict", "set", "1", 4000), call(),
    ], [Goal(200, "Python"), Goal(5.1e6)]),
    Row("dict, incr", [
        ours("dict", "incr", "1", 1000000), python("dict", "incr", "1", 2000), call(),
    ], [Goal(200, "Python")]),
    Row("dict, get, 2 readers", [
        ours("dict", "get", "2", 5000000, workers=2),
        python("dict", "get", "2", 2000, workers=2),
        Side("one reader", ["dict.lua", "get", "1"], 5000000),
    ], [Goal(1.8, "one reader")]),
    Row("dict, set, 2 processes", [
        ours("dict", "set", "2", 500000, workers=2), python("dict", "set", "2", 2000, workers=2),
    ]),
    Row("dict, incr, 2 processes", [
        ours("dict", "incr", "2", 300000, workers=2), python("dict", "incr", "2", 1000, workers=2),
    ]),
    Row("dict, iterate", [
        ours("dict", "iterate", "1", 1000000), python("dict", "iterate", "1", 300000),
    ]),
    Row("list, append", [ours("list", "append", 1000000), python("list", "append", 4000)]),
    Row("list, get", [ours("list", "get", 1000000), python("list", "get", 4000)]),
    Row("list, iterate", [ours("list", "iterate", 1000000), python("list", "iterate", 1000000)]),
    Row("Value, incr", [ours("number", "1", 1000000), python("number", "1", 300000)]),
    Row("Value, incr, 2 processes", [
        ours("number", "2", 300000, workers=2), python("number", "2", 50000, workers=2),
    ]),
    Row("Lock", [ours("mutex", "1", 1000000), python("mutex", "1", 1000000)]),
    Row("Lock, 2 processes", [
        ours("mutex", "2", 300000, workers=2), python("mutex", "2", 100000, workers=2),
    ]),
]

PROCESSES = [
    Row("process, start and join", [
        ours("process", 500),
        python("process", 50),
        limit("fork, lua_call, wait", "fork", 500),
    ], [Goal(0.8, "limit")]),
    Row("start of the command, instructions", [
        Side("ours", ["start.py", "mooncrew"], 1),
        Side("lua5.4", ["start.py", "lua5.4"], 1),
    ], [Goal(1 / 1.5, "lua5.4")], is_rate=False),
]

HOSTS = [
    Row("task from C and back, µs", [
        Side("ours", ["host", "task", "1"], 10000),
        limit("a word by pipes", "host", "pipe", "1", 20000),
    ], is_rate=False, scale=1e6),
    Row("tasks from C, 1,000 in flight", [
        Side("ours", ["host", "task", "1000"], 200000),
        limit("words by pipes", "host", "pipe", "1000", 200000),
    ]),
]

ROWS = PROCESSES + QUEUES + POOLS + TABLES + HOSTS
