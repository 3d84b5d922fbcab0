"""The twin of process.lua: starts and joins N processes, one after another."""

import multiprocessing
import sys
import time


def nothing():
    """The target."""


def main():
    """Prints: count, seconds, how many ended with status 0."""
    n = int(sys.argv[1])
    ended = 0
    start = time.monotonic()
    for _ in range(n):
        process = multiprocessing.Process(target=nothing)
        process.start()
        process.join()
        ended += process.exitcode == 0
        process.close()
    print(n, f"{time.monotonic() - start:.6f}", ended)


if __name__ == "__main__":
    main()
