"""The twin of dict.lua, on a Manager().dict(); incr is made atomic by a lock, as it is there."""

import multiprocessing
import sys

from support import crew


def bodies(shared, lock, n):
    """What there is to do, by name."""

    def put(worker):
        key = f"k{worker}"
        for i in range(1, n + 1):
            shared[key] = i
        return shared[key]

    def get(worker):
        key, total = f"k{worker}", 0
        shared[key] = 1
        for _ in range(n):
            total += shared[key]
        return total

    def incr(_worker):
        for _ in range(n):
            with lock:
                shared["hits"] += 1
        return n

    def iterate(_worker):
        return sum(1 for _ in shared.items())

    return {"set": put, "get": get, "incr": incr, "iterate": iterate}


def main():
    """Prints: count, seconds, what the dict held."""
    what, workers, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with multiprocessing.Manager() as manager:
        start = {i: i for i in range(n)} if what == "iterate" else {"hits": 0}
        shared = manager.dict(start)
        body = bodies(shared, multiprocessing.Lock(), n)[what]
        seconds, total = crew.run(workers, body)
        if what == "incr":
            total = shared["hits"]
        crew.report(n if what == "iterate" else n * workers, seconds, total)


if __name__ == "__main__":
    main()
