"""The twin of apply.lua: a pool of two workers is given N tasks; each result is fetched at
once, or all at the end."""

import multiprocessing
import sys
import time


def square(x):
    """The task."""
    return x * x


def main():
    """Prints: count, seconds, how many results were right."""
    when, n = sys.argv[1], int(sys.argv[2])
    with multiprocessing.Pool(2) as pool:
        pool.map(square, [1, 2, 3, 4], 1)
        start = time.monotonic()
        if when == "each":
            right = sum(pool.apply_async(square, (i,)).get() == i * i for i in range(1, n + 1))
        else:
            results = [pool.apply_async(square, (i,)) for i in range(1, n + 1)]
            right = sum(r.get() == i * i for i, r in enumerate(results, 1))
        seconds = time.monotonic() - start
    print(n, f"{seconds:.6f}", right)


if __name__ == "__main__":
    main()
