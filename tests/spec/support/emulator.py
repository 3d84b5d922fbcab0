"""A terminal to look at: what a program writes to it, as rows of text.

It knows what mooncrew uses (return, line feed, erase below and to the right, up, automatic wrapping
on and off, colours) and refuses everything else. Rows that scroll out are kept. When it becomes
narrower, rows are cut, as xterm does, or wrap again, as most others do.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

TOKEN = re.compile(r"\x1b\[(\?\d+|[\d;]*)([a-zA-Z])|[\r\n]|[^\r\n\x1b]")
LIMIT = 60  # seconds for the whole: a hang becomes a failure


def columns_of(char):
    """How many columns a character takes."""
    if unicodedata.category(char) in ("Mn", "Me") or char in "\u200b\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Terminal:
    """Rows of cells; a wide character's second cell is empty."""

    def __init__(self, columns, rows, reflow=False):
        self.columns, self.height, self.reflow = columns, rows, reflow
        self.rows = [[]]  # all that there ever were
        self.row = self.column = 0
        self.wraps = True
        self.wrapped = 0  # rows that went on in the next one
        self.colors = set()
        self.rest = ""

    def feed(self, text):
        """Takes what was written; an escape sequence may come in two parts."""
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                assert len(text) - at < 12, f"not understood: {text[at:at + 20]!r}"
                self.rest = text[at:]
                return
            self.take(found)
            at = found.end()

    def take(self, found):
        """One character or sequence."""
        token = found.group(0)
        if token == "\r":
            self.column = 0
        elif token == "\n":
            self.down()
        elif token[0] != "\x1b":
            self.put(token)
        else:
            self.obey(found.group(1), found.group(2))

    def obey(self, number, what):
        """An escape sequence."""
        if what == "m":
            self.colors.add(number)
        elif what == "K" and number == "":
            del self.rows[self.row][self.column:]
        elif what == "J" and number == "":
            del self.rows[self.row][self.column:]
            del self.rows[self.row + 1:]
        elif what == "A":
            self.row = max(self.row - int(number or 1), len(self.rows) - self.height, 0)
        elif number == "?7":
            self.wraps = what == "h"
        else:
            raise AssertionError(f"not understood: ESC [ {number} {what}")

    def down(self):
        """To the next row, which is there then."""
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def put(self, char):
        """A character at the cursor."""
        width = columns_of(char)
        row = self.rows[self.row]
        if width == 0:
            if row:
                row[min(self.column, len(row)) - 1] += char
            return
        if self.column + width > self.columns:
            if self.wraps:
                self.wrapped += 1
                self.down()
                self.column, row = 0, self.rows[self.row]
            else:
                self.column = max(self.columns - width, 0)
        row.extend([" "] * (self.column - len(row)))
        row[self.column:self.column + width] = [char] + [""] * (width - 1)
        self.column += width

    def resize(self, columns):
        """Another width; the cursor stays with its character."""
        if columns < self.columns:
            rows, cursor = [], None
            for i, row in enumerate(self.rows):
                if i == self.row:
                    cursor = len(rows) + (self.column // columns if self.reflow else 0)
                cut = range(0, max(len(row), 1), columns) if self.reflow else (0,)
                rows.extend(row[at:at + columns] for at in cut)
            self.rows, self.row = rows, cursor
            self.column = self.column % columns if self.reflow else min(self.column, columns - 1)
        self.columns = columns

    def text(self):
        """All rows, without blanks at their ends."""
        return "\n".join("".join(row).rstrip() for row in self.rows).rstrip("\n") + "\n"


def run(command, terminal, environment, see):
    """Runs the words of `command` in the terminal; see(text, resize) is called with all that comes.

    Returns the exit status, negative after a signal."""
    child, fd = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, {**os.environ, **environment})

    def resize(columns):
        size = struct.pack("HHHH", terminal.height, columns, 0, 0)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, size)
        terminal.resize(columns)

    resize(terminal.columns)
    end = time.monotonic() + LIMIT
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
        if not ready:
            os.kill(child, signal.SIGKILL)
        try:
            more = os.read(fd, 65536) if ready else b""
        except OSError:  # EIO: the last process let go of the terminal
            more = b""
        if not more:
            break
        text = decoder.decode(more)
        terminal.feed(text)
        see(text, resize)
    _, status = os.waitpid(child, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status)
