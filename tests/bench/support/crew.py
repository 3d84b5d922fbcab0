"""Runs a benchmark's body in this process, or in several at once; the twin of crew.lua."""

import multiprocessing
import time


def part(body, worker, go, answers):
    """A worker: answers when it is up, and with what its body returned."""
    answers.put("ready")
    go.get()
    answers.put(body(worker))


def run(workers, body):
    """Calls body(worker) in each worker at once. (seconds, sum of the answers)"""
    if workers == 1:
        start = time.monotonic()
        total = body(1)
        return time.monotonic() - start, total
    go, answers = multiprocessing.Queue(), multiprocessing.Queue()
    crowd = [
        multiprocessing.Process(target=part, args=(body, worker, go, answers))
        for worker in range(1, workers + 1)
    ]
    for process in crowd:
        process.start()
    for _ in crowd:
        answers.get()
    start = time.monotonic()
    for _ in crowd:
        go.put(True)
    total = sum(answers.get() for _ in crowd)
    seconds = time.monotonic() - start
    for process in crowd:
        process.join()
    return seconds, total


def report(n, seconds, check):
    """Prints what tests/bench/run reads."""
    print(n, f"{seconds:.6f}", check)
