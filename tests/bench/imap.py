"""The twin of imap.lua: a pool of two workers squares what an iterator gives."""

import multiprocessing
import sys
import time


def square(x):
    """The task."""
    return x * x


def main():
    """Prints: count, seconds, how many results came, 0 when their sum is wrong."""
    chunksize, n = int(sys.argv[1]), int(sys.argv[2])
    with multiprocessing.Pool(2) as pool:
        pool.map(square, [1, 2, 3, 4], 1)
        start = time.monotonic()
        total = seen = 0
        for value in pool.imap_unordered(square, iter(range(1, n + 1)), chunksize):
            total += value
            seen += 1
        seconds = time.monotonic() - start
    right = total == n * (n + 1) * (2 * n + 1) // 6
    print(n, f"{seconds:.6f}", seen if right else 0)


if __name__ == "__main__":
    main()
