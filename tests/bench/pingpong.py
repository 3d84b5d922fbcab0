"""The twin of pingpong.lua: one integer goes to another process and comes back, N times."""

import multiprocessing
import sys
import time


def answer(there, back, n):
    """The other process."""
    back.put("ready")
    for _ in range(n):
        back.put(there.get() + 1)


def main():
    """Prints: count, seconds, the integer at the end."""
    n = int(sys.argv[1])
    there, back = multiprocessing.Queue(), multiprocessing.Queue()
    peer = multiprocessing.Process(target=answer, args=(there, back, n))
    peer.start()
    back.get()
    value = 0
    start = time.monotonic()
    for _ in range(n):
        there.put(value)
        value = back.get()
    seconds = time.monotonic() - start
    peer.join()
    print(n, f"{seconds:.6f}", value)


if __name__ == "__main__":
    main()
