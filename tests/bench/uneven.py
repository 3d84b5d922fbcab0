"""The twin of uneven.lua: tasks that wait, the first tenth of them 10 ms each, others 0.1 ms."""

import multiprocessing
import sys
import time


def wait(task):
    """The task: its number, and how long it waits."""
    time.sleep(task[1])
    return task[0]


def main():
    """Prints: count, seconds, how many results were right."""
    n = int(sys.argv[1])
    tasks = [(i, 0.01 if i <= n // 10 else 0.0001) for i in range(1, n + 1)]
    with multiprocessing.Pool(2) as pool:
        pool.map(abs, [1, 2, 3, 4], 1)
        start = time.monotonic()
        done = pool.map(wait, tasks)
        seconds = time.monotonic() - start
    right = sum(a == b[0] for a, b in zip(done, tasks))
    print(n, f"{seconds:.6f}", right)


if __name__ == "__main__":
    main()
