"""The twin of pingpong.lua: one integer goes to another process and comes back, N times;
BUSY others compute meanwhile."""

import multiprocessing
import sys
import time


def answer(there, back, n):
    """The other process."""
    back.put("ready")
    for _ in range(n):
        back.put(there.get() + 1)


def compute(back):
    """One of the others."""
    back.put("ready")
    while True:
        pass


def main():
    """Prints: count, seconds, the integer at the end."""
    busy, n = int(sys.argv[1]), int(sys.argv[2])
    there, back = multiprocessing.Queue(), multiprocessing.Queue()
    crowd = [
        multiprocessing.Process(target=compute, args=(back,), daemon=True) for _ in range(busy)
    ]
    peer = multiprocessing.Process(target=answer, args=(there, back, n))
    for process in [*crowd, peer]:
        process.start()
    for _ in range(busy + 1):
        back.get()
    value = 0
    start = time.monotonic()
    for _ in range(n):
        there.put(value)
        value = back.get()
    seconds = time.monotonic() - start
    peer.join()
    for process in crowd:
        process.kill()
    print(n, f"{seconds:.6f}", value)


if __name__ == "__main__":
    main()
