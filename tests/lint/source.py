"""What the lints share: the files of the tree, and C without its comments and strings."""

import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = {".git", "__pycache__", "corpus", "node_modules"}


def root_from_arguments():
    """The tree to check: the first argument, else the checkout that this file is in."""
    return sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(HERE))


def files(root, *endings):
    """Paths below root, relative, in order; without build folders and seeds."""
    for where, folders, names in os.walk(root):
        folders[:] = sorted(
            f for f in folders if f not in SKIPPED and not (where == root and is_build(f))
        )
        for name in sorted(names):
            if not endings or name.endswith(endings):
                yield os.path.relpath(os.path.join(where, name), root)


def is_build(folder):
    """Is it a build folder, or an editor's?"""
    return folder == "build" or folder.startswith("build-") or folder in (".cache", ".vscode")


def text(root, path):
    """A file's text; bytes that are not UTF-8 are replaced."""
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


TOKENS = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.X | re.S
)


def blanked(code):
    """C with comments and literals blanked; line numbers stay."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())

    return TOKENS.sub(blank, code)


def finish(faults, what):
    """Prints the faults, and ends with 1 when there are any."""
    for fault in faults:
        print(fault)
    if faults:
        print(f"{len(faults)} {what}")
    sys.exit(1 if faults else 0)
