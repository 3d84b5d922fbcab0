"""A second twin of apply.lua: a ProcessPoolExecutor of two workers; each result is fetched at
once, or all at the end."""

import concurrent.futures
import sys
import time


def square(x):
    """The task."""
    return x * x


def main():
    """Prints: count, seconds, how many results were right."""
    when, n = sys.argv[1], int(sys.argv[2])
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(square, [1, 2, 3, 4]))
        start = time.monotonic()
        if when == "each":
            right = sum(pool.submit(square, i).result() == i * i for i in range(1, n + 1))
        else:
            futures = [pool.submit(square, i) for i in range(1, n + 1)]
            right = sum(f.result() == i * i for i, f in enumerate(futures, 1))
        seconds = time.monotonic() - start
    print(n, f"{seconds:.6f}", right)


if __name__ == "__main__":
    main()
