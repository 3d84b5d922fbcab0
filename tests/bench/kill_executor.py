"""A twin of kill.lua: a ProcessPoolExecutor, which is broken then, so each time it is a new one.
A Pool is none: its task would be waited for for ever."""

import concurrent.futures
import multiprocessing
import os
import signal
import statistics
import sys
import time


def hold(pids):
    """The task."""
    heap = bytearray(50 << 20)
    pids.put(os.getpid())
    while True:
        time.sleep(len(heap))


def kill_one(pids):
    """Seconds until the future failed; None when it did not."""
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        future = pool.submit(hold, pids)
        pid = pids.get()
        start = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        try:
            future.result()
        except concurrent.futures.process.BrokenProcessPool:
            return time.monotonic() - start
    return None


def main():
    """Prints: count, count times the median in seconds, how many failed as they should."""
    n = int(sys.argv[1])
    with multiprocessing.Manager() as manager:
        pids = manager.Queue()
        took = [seconds for _ in range(n) if (seconds := kill_one(pids)) is not None]
    print(n, f"{statistics.median(took) * n:.6f}", len(took))


if __name__ == "__main__":
    main()
