"""The twin of list.lua, on a Manager().list()."""

import multiprocessing
import sys

from support import crew


def bodies(shared, n):
    """What there is to do, by name."""

    def append(_worker):
        for i in range(2, n + 1):
            shared.append(i)
        return len(shared)

    def get(_worker):
        total = 0
        for _ in range(n):
            total += shared[0]
        return total

    def iterate(_worker):
        # A copy first: going through a manager's list by index is a message for each element.
        return sum(1 for _ in shared[:])

    return {"append": append, "get": get, "iterate": iterate}


def main():
    """Prints: count, seconds, a sum."""
    what, n = sys.argv[1], int(sys.argv[2])
    with multiprocessing.Manager() as manager:
        shared = manager.list([1] * n if what == "iterate" else [1])
        crew.report(n, *crew.run(1, bodies(shared, n)[what]))


if __name__ == "__main__":
    main()
