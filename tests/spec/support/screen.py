#!/usr/bin/env python3
"""Runs a command in a terminal and shows what is left there: WIDTHS COMMAND [ARGUMENT]...

WIDTHS are columns, "80" or "80,20,60": the next one holds from every third drawing of bars on that
are there already. With "r" in front the terminal wraps its rows anew then. What is left goes to
stdout, and to stderr a line: how many rows wrapped, and the colours that were used. The exit status
is the command's.
"""

import itertools
import sys

sys.dont_write_bytecode = True
import emulator  # noqa: E402


def main():
    widths, *command = sys.argv[1:]
    reflow = widths.startswith("r")
    widths = itertools.cycle(int(width) for width in widths.lstrip("r").split(","))
    terminal = emulator.Terminal(next(widths), 24, reflow)
    drawn = itertools.count(1)

    def resize():
        if next(drawn) % 3 == 0:
            terminal.resize(next(widths))

    terminal.before_erase = resize
    status = emulator.run(command, terminal, {"TERM": "xterm"})
    sys.stdout.write(terminal.text())
    sys.stderr.write(f"{terminal.wrapped} wrapped, colours: {' '.join(sorted(terminal.colors))}\n")
    sys.exit(status if status >= 0 else 128 - status)


main()
