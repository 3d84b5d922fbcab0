"""The twin of idle.lua: the private memory of a Pool's idle workers, in bytes."""

import multiprocessing
import os
import re
import sys

PRIVATE = re.compile(r"^Private_\w+:\s*(\d+) kB", re.MULTILINE)


def keep(barrier):
    """The initializer: the barrier is inherited."""
    globals()["come"] = barrier


def pid():
    """The task; nobody is done before all have come."""
    globals()["come"].wait()
    return os.getpid()


def private(process):
    """Bytes that this process alone has."""
    with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
        return sum(int(kib) for kib in PRIVATE.findall(file.read())) * 1024


def main():
    """Prints: count, bytes, how many different workers that were."""
    n = int(sys.argv[1])
    with multiprocessing.Pool(n, keep, (multiprocessing.Barrier(n),)) as pool:
        results = [pool.apply_async(pid) for _ in range(n)]
        seen = {result.get() for result in results}
        print(n, sum(private(process) for process in seen), len(seen))


if __name__ == "__main__":
    main()
