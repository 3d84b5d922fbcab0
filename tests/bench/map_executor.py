"""A second twin of map.lua: a ProcessPoolExecutor of two workers squares 1 ... N."""

import concurrent.futures
import sys
import time


def square(x):
    """The task."""
    return x * x


def main():
    """Prints: count, seconds, how many results were right."""
    chunksize, n = sys.argv[1], int(sys.argv[2])
    options = {} if chunksize == "default" else {"chunksize": int(chunksize)}
    numbers = list(range(1, n + 1))
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(square, [1, 2, 3, 4]))
        start = time.monotonic()
        squares = list(pool.map(square, numbers, **options))
        seconds = time.monotonic() - start
    right = sum(a == b * b for a, b in zip(squares, numbers))
    print(n, f"{seconds:.6f}", right)


if __name__ == "__main__":
    main()
