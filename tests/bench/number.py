"""The twin of number.lua, on a multiprocessing.Value with its lock."""

import multiprocessing
import sys

from support import crew


def main():
    """Prints: count, seconds, the number at the end."""
    workers, n = int(sys.argv[1]), int(sys.argv[2])
    number = multiprocessing.Value("q", 0)

    def body(_worker):
        for _ in range(n):
            with number.get_lock():
                number.value += 1
        return n

    seconds, _ = crew.run(workers, body)
    crew.report(n * workers, seconds, number.value)


if __name__ == "__main__":
    main()
