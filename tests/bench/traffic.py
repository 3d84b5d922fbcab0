"""The twin of traffic.lua: PAIRS processes put N items of a kind each, as many get them."""

import multiprocessing
import sys
import time

HUNDRED = "x" * 100
LONG = "x" * (1 << 20)
ITEMS = {
    "integer": lambda i: i,
    "string": lambda _: HUNDRED,
    "table": lambda i: {"id": i, "name": "x", "tags": [1, 2, 3]},
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


def produce(queue, kind, n):
    """Puts the items."""
    make = ITEMS[kind]
    for i in range(1, n + 1):
        queue.put(make(i))


def produce_beside(queue, answers, go, kind, n):
    """The same in another process."""
    answers.put("ready")
    go.get()
    produce(queue, kind, n)


def main():
    """Prints: count, seconds, the weight of what arrived."""
    kind, pairs, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    queue, answers, go = (multiprocessing.Queue() for _ in range(3))
    crowd = [
        multiprocessing.Process(target=consume, args=(queue, answers, kind, n))
        for _ in range(pairs)
    ]
    crowd += [
        multiprocessing.Process(target=produce_beside, args=(queue, answers, go, kind, n))
        for _ in range(pairs - 1)
    ]
    for process in crowd:
        process.start()
    for _ in crowd:
        answers.get()
    start = time.monotonic()
    for _ in range(pairs - 1):
        go.put(True)
    produce(queue, kind, n)
    total = sum(answers.get() for _ in range(pairs))
    seconds = time.monotonic() - start
    for process in crowd:
        process.join()
    print(n * pairs, f"{seconds:.6f}", total)


if __name__ == "__main__":
    main()
