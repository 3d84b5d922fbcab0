#!/usr/bin/env python3
"""Runs a command in a terminal of its own and types into it: COMMAND [EXPECTED KEYS]...

Keys are typed once the text expected before them has come to the screen, searched from behind
the previous find. Both may hold Python's escapes (\\x03 is Ctrl-C). An expected "+0.25" is no text
but a time: so many seconds after the step before it. The whole screen goes to
stdout; the exit status is the command's, 128 + N after signal N, 250 when a text never came.
"""

import os
import pty
import select
import signal
import sys
import time

LIMIT = 60  # seconds for the whole: a hang becomes a failure


def unescape(text):
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")


def read_more(terminal, end):
    """What came to the screen; nothing at the end of the command or of the time."""
    ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
    if not ready:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: the last process let go of the terminal
        return b""


def main():
    command, *words = sys.argv[1:]
    steps = [(unescape(words[i]), unescape(words[i + 1])) for i in range(0, len(words), 2)]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # or the child would swallow one before its exec
    child, terminal = pty.fork()
    if child == 0:
        os.execv("/bin/sh", ["sh", "-c", command])
    end = time.monotonic() + LIMIT
    screen, seen, due = b"", 0, None
    while True:
        if steps and steps[0][0].startswith(b"+"):
            due = due or time.monotonic() + float(steps[0][0])
            if time.monotonic() >= due:
                os.write(terminal, steps.pop(0)[1])
                due = None
                continue
        elif steps and (found := screen.find(steps[0][0], seen)) >= 0:
            seen = found + len(steps[0][0])
            os.write(terminal, steps.pop(0)[1])
            continue
        more = read_more(terminal, due or end)
        if not more and due and time.monotonic() >= due:
            continue
        if not more:
            break
        screen += more
    if time.monotonic() >= end:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(screen)
    sys.stdout.flush()
    if steps:
        sys.stderr.write(f"never came: {steps[0][0]!r}\n")
        sys.exit(250)
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
