"""The twin of map.lua: a pool of two workers squares 1 ... N."""

import multiprocessing
import sys
import time


def square(x):
    """The task."""
    return x * x


def main():
    """Prints: count, seconds, how many results were right."""
    chunksize, n = sys.argv[1], int(sys.argv[2])
    chunksize = None if chunksize == "default" else int(chunksize)
    numbers = list(range(1, n + 1))
    with multiprocessing.Pool(2) as pool:
        pool.map(square, [1, 2, 3, 4], 1)
        start = time.monotonic()
        squares = pool.map(square, numbers, chunksize)
        seconds = time.monotonic() - start
    right = sum(a == b * b for a, b in zip(squares, numbers))
    print(n, f"{seconds:.6f}", right)


if __name__ == "__main__":
    main()
