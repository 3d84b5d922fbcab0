"""The twin of batch.lua: 16 strings of 100 bytes at a time, as a list, for there is no put_many."""

import multiprocessing
import sys
import time

SIZE = 16


def consume(queue, answers, n):
    """Gets n strings and answers with their length."""
    answers.put("ready")
    total = got = 0
    while got < n:
        items = queue.get()
        total += sum(map(len, items))
        got += len(items)
    answers.put(total)


def main():
    """Prints: count, seconds, the length of what arrived."""
    n = int(sys.argv[1])
    batch = ["x" * 100] * SIZE
    queue, answers = multiprocessing.Queue(), multiprocessing.Queue()
    consumer = multiprocessing.Process(target=consume, args=(queue, answers, n))
    consumer.start()
    answers.get()
    start = time.monotonic()
    for _ in range(n // SIZE):
        queue.put(batch)
    if n % SIZE:
        queue.put(batch[: n % SIZE])
    total = answers.get()
    seconds = time.monotonic() - start
    consumer.join()
    print(n, f"{seconds:.6f}", total)


if __name__ == "__main__":
    main()
