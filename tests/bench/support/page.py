"""Writes the figures of a run into docs/benchmarks.md, between two marks."""

import os
import re

from . import plan, table
from .measure import HERE

ROOT = os.path.dirname(os.path.dirname(HERE))
PAGE = os.path.join(ROOT, "docs", "benchmarks.md")


def machine_text(machine):
    """The sentence above the table."""
    return (f"{machine['date']}, {machine['cores']} cores ({machine['cpu']}), Linux "
            f"{machine['kernel']}, {machine['python']}, medians of {machine['runs']} runs. "
            f"Operations a second where no unit is said.")


def replaced(page, mark, content):
    """The page with that between its marks."""
    begin, end = f"<!-- {mark}: ./dev bench keep -->\n", f"<!-- end of {mark} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{PAGE}: no marks for {mark}")
    return pattern.sub(lambda _: f"{begin}\n{content}\n\n{end}", page)


def write(run):
    """The table of that run."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    content = machine_text(run["machine"]) + "\n\n" + table.markdown(plan.ROWS, run["rows"])
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(replaced(page, "table", content))
