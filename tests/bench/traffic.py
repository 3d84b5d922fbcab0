"""The twin of traffic.lua: one process puts N items of a kind, another gets them."""

import multiprocessing
import sys
import time

HUNDRED = "x" * 100
LONG = "x" * (1 << 20)
ITEMS = {
    "integer": lambda i: i,
    "string": lambda _: HUNDRED,
    "table": lambda i: {"id": i, "name": "image", "size": 1.5},
    "megabyte": lambda _: LONG,
}
WEIGHTS = {
    "integer": lambda item: item,
    "string": len,
    "table": lambda item: item["id"],
    "megabyte": len,
}


def consume(queue, answers, kind, n):
    """Gets the items and answers with their weight."""
    weigh = WEIGHTS[kind]
    answers.put("ready")
    total = 0
    for _ in range(n):
        total += weigh(queue.get())
    answers.put(total)


def main():
    """Prints: count, seconds, the weight of what arrived."""
    kind, n = sys.argv[1], int(sys.argv[2])
    make = ITEMS[kind]
    queue, answers = multiprocessing.Queue(), multiprocessing.Queue()
    consumer = multiprocessing.Process(target=consume, args=(queue, answers, kind, n))
    consumer.start()
    answers.get()
    start = time.monotonic()
    for i in range(1, n + 1):
        queue.put(make(i))
    total = answers.get()
    seconds = time.monotonic() - start
    consumer.join()
    print(n, f"{seconds:.6f}", total)


if __name__ == "__main__":
    main()
