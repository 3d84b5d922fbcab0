"""A terminal to look at: what a program writes to it, as rows of text.

It knows what mooncrew uses (return, line feed, erase below and to the right, up, automatic wrapping
on and off, colours) and refuses everything else. Rows that scroll out are kept. When its width
changes, rows are cut, as xterm does, or wrap anew, as most others do.
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
# What begins a drawing over an older one, and what may become that.
ERASE = re.compile(r"\r(\x1b\[\d*A)?\x1b\[J")
UNSURE = re.compile(r"\r(\x1b(\[(\d*(A(\x1b\[?)?)?)?)?)?")
LIMIT = 60  # seconds for the whole: a hang becomes a failure


def columns_of(char):
    """How many columns a character takes."""
    if unicodedata.category(char) in ("Mn", "Me") or char in "\u200b\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Row(list):
    """Cells; a wide character's second one is empty."""

    goes_on = False  # in the next row, where it would not if the terminal were wider


class Terminal:
    """Rows, the cursor, and what there was."""

    def __init__(self, columns, rows, reflow=False):
        self.columns, self.height, self.reflow = columns, rows, reflow
        self.rows = [Row()]  # all that there ever were
        self.row = self.column = 0
        self.wraps = True
        self.wrapped = 0  # rows that went on in the next one
        self.colors = set()
        self.rest = ""
        self.fd = None  # of the program's terminal, while there is one
        self.before_erase = None  # called before what is there is drawn over: nothing is half done

    def feed(self, text):
        """Takes what was written; an escape sequence may come in two parts."""
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found or (self.before_erase and UNSURE.fullmatch(text, at)):
                assert len(text) - at < 12, f"not understood: {text[at:at + 20]!r}"
                self.rest = text[at:]
                return
            if self.before_erase and ERASE.match(text, at):
                self.before_erase()
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
            self.erase()
        elif what == "J" and number == "":
            self.erase()
            del self.rows[self.row + 1:]
        elif what == "A":
            self.row = max(self.row - int(number or 1), len(self.rows) - self.height, 0)
        elif number == "?7":
            self.wraps = what == "h"
        else:
            raise AssertionError(f"not understood: ESC [ {number} {what}")

    def erase(self):
        """What is right of the cursor."""
        row = self.rows[self.row]
        del row[self.column:]
        row.goes_on = False

    def down(self):
        """To the next row, which is there then."""
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append(Row())

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
                row.goes_on = self.reflow
                self.down()
                self.column, row = 0, self.rows[self.row]
            else:
                self.column = max(self.columns - width, 0)
        row.extend([" "] * (self.column - len(row)))
        row[self.column:self.column + width] = [char] + [""] * (width - 1)
        self.column += width

    def resize(self, columns):
        """Another width; the cursor stays with its character."""
        if self.fd is not None:
            size = struct.pack("HHHH", self.height, columns, 0, 0)
            fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)
        if self.reflow:
            self.wrap_anew(columns)
        elif columns < self.columns:
            for row in self.rows:
                del row[columns:]
            self.column = min(self.column, columns - 1)
        self.columns = columns

    def wrap_anew(self, columns):
        """Each line, of one row or several, in as many rows as it takes now."""
        lines, goes_on, cursor = [], False, None
        for i, row in enumerate(self.rows):
            if not goes_on:
                lines.append([])
            if i == self.row:
                cursor = (len(lines) - 1, len(lines[-1]) + self.column)
            lines[-1].extend(row)
            goes_on = row.goes_on
        self.rows = []
        for i, cells in enumerate(lines):
            rows = [Row(cells[at:at + columns]) for at in range(0, max(len(cells), 1), columns)]
            for row in rows[:-1]:
                row.goes_on = True
            if i == cursor[0]:
                below, self.column = divmod(min(cursor[1], len(rows) * columns - 1), columns)
                self.row = len(self.rows) + below
            self.rows.extend(rows)

    def text(self):
        """All lines, without blanks at their ends."""
        text = ""
        for row in self.rows:
            text += "".join(row) if row.goes_on else "".join(row).rstrip() + "\n"
        return text.rstrip("\n") + "\n"


def run(command, terminal, environment, see=lambda: None):
    """Runs the words of `command` in the terminal; see() is called whenever something came.

    Returns the exit status, negative after a signal."""
    child, fd = pty.fork()
    if child == 0:
        terminal.fd = 0
        terminal.resize(terminal.columns)
        os.execvpe(command[0], command, {**os.environ, **environment})
    terminal.fd = fd
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
        terminal.feed(decoder.decode(more))
        see()
    _, status = os.waitpid(child, 0)
    terminal.fd = None
    os.close(fd)
    return os.waitstatus_to_exitcode(status)
