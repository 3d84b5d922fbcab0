#!/usr/bin/env python3
"""Records a session of `mooncrew scrape` and `mooncrew copy`: make.py [BINARY [FILE]].

Types the commands below one after the other, in a terminal of 110 columns and a folder of its own,
and writes docs/recordings/session.md (or FILE). The site is the one of `mooncrew make_site`, served
on loopback with some latency. Rates and times are those of the machine; all else is the same again,
which tests/spec/recording_spec.lua checks.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/spec/support"))
sys.dont_write_bytecode = True
import emulator  # noqa: E402

IMAGES = "li.list-group-item img[referrerpolicy=no-referrer]@data-original"
SITE = "http://127.0.0.1:8000"  # as it is shown; the port is any that is free
STAGES = (20, 45, 70, 95)  # per cent of the work: then the bar is shown

# What is typed, what of it the bar counts (for bars that know no end), and the status at its end.
SESSION = (
    (f"mooncrew scrape '{SITE}/list/{{1..10}}.html' -s '{IMAGES}' -c 4 -o img --json img.jsonl",
     200, 0),
    (f"mooncrew scrape '{SITE}/list/{{1..10}}.html' -s '{IMAGES}' -o img --json img.jsonl --resume",
     None, 0),
    (f"mooncrew scrape {SITE}/list/99.html -o img", None, 1),
    ("mooncrew copy --bwlimit 8M img backup", None, 0),
    ("mooncrew copy --resume --verify img backup", None, 0),
    ("rm img/001.jpg && mooncrew copy --resume --delete --dry-run img backup", None, 0),
    ("mooncrew copy img img/inside", None, 1),
)

HEAD = """# A session in a terminal

What `mooncrew scrape` and `mooncrew copy` look like, recorded by [make.py](make.py), with the site
of `mooncrew make_site` on loopback, 50 ms away. Rows that begin with `~` are the bar at one moment:
on the terminal there is one, drawn over, and the row without `~` below is what stays.

```console
"""


class Stages:
    """The bar's row whenever it has come further than the next stage."""

    def __init__(self, terminal, whole):
        self.terminal, self.whole, self.rows = terminal, whole, []
        self.left = list(STAGES)

    def see(self):
        row = "".join(self.terminal.rows[self.terminal.row]).rstrip()
        share = re.search(r" (\d+)%", row)
        count = re.match(r"images  (\d+)  ", row)
        if share:
            done = int(share.group(1))
        elif count and self.whole:
            done = int(count.group(1)) * 100 // self.whole
        else:
            return
        if self.left and self.left[0] <= done < 100:
            self.rows.append(row)
            while self.left and self.left[0] <= done:
                self.left.pop(0)


def record(command, whole, expected, site, environment):
    """What is shown of one command."""
    terminal = emulator.Terminal(110, 24)
    stages = Stages(terminal, whole)
    words = ["sh", "-c", command.replace(SITE, site)]
    status = emulator.run(words, terminal, environment, stages.see)
    text = terminal.text().rstrip("\n").replace(site, SITE)
    if status != expected:
        sys.exit(f"{command}: status {status}, not {expected}\n{text}")
    shown = [f"$ {command}", *("~ " + row for row in stages.rows)]
    if text:
        shown.append(text)
    if status:
        shown.append(f"$ echo $?\n{status}")
    return "\n".join(shown)


def session(binary, folder):
    """The whole of it."""
    (folder / "bin").mkdir()
    (folder / "bin/mooncrew").symlink_to(binary)
    environment = {
        "PATH": f"{folder}/bin:/usr/bin:/bin", "MOONCREW_SCRIPTS": str(ROOT / "scripts"),
        "TERM": "xterm", "NO_COLOR": "1", "no_proxy": "127.0.0.1", "LC_ALL": "C.UTF-8",
    }
    os.environ.update(environment)
    os.chdir(folder)
    subprocess.run(["mooncrew", "make_site", "site"], check=True, stdout=subprocess.DEVNULL)
    words = ["mooncrew", "serve_site", "site", "--latency", "0.05"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as server:
        try:
            site = server.stdout.readline().strip().rstrip("/")
            return "\n\n".join(record(*step, site, environment) for step in SESSION)
        finally:
            server.terminate()


def main():
    binary = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/mooncrew")
    target = sys.argv[2] if len(sys.argv) > 2 else ROOT / "docs/recordings/session.md"
    target = os.path.abspath(target)
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        text = session(binary, folder)
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    for leak in (str(folder), str(ROOT), os.uname().nodename):
        if leak in text:
            sys.exit(f"the recording names this machine: {leak}")
    pathlib.Path(target).write_text(HEAD + text + "\n```\n", encoding="utf-8")


main()
