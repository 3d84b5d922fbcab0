"""The twin of mutex.lua, on a multiprocessing.Lock."""

import multiprocessing
import sys

from support import crew


def main():
    """Prints: count, seconds, how often the lock was acquired."""
    workers, n = int(sys.argv[1]), int(sys.argv[2])
    lock = multiprocessing.Lock()

    def body(_worker):
        got = 0
        for _ in range(n):
            got += lock.acquire()
            lock.release()
        return got

    crew.report(n * workers, *crew.run(workers, body))


if __name__ == "__main__":
    main()
