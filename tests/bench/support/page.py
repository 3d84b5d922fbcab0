"""Writes the figures of a run into docs: tables into benchmarks.md, between marks, and plots."""

import os
import re

from . import plan, plots, scaling, table
from .measure import HERE

DOCS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs")
PAGE = os.path.join(DOCS, "benchmarks.md")


def image(name, words):
    """A plot of plots.py on the page."""
    return f"![{words}](plots/{name}.svg)"


def machine_text(machine):
    """The sentence above a table."""
    return (f"{machine['date']}, {machine['cores']} cores ({machine['cpu']}), Linux "
            f"{machine['kernel']}, {machine['python']}, medians of {machine['runs']} runs, load "
            f"{machine['load'][0]} at the start.")


def scaling_table(run, part, head):
    """A line for each curve."""
    curves, cores = run[part], run["scaling machine"]["cores"]
    ats = sorted({int(at) for figures in curves.values() for at in figures})
    lines = [f"| {head} | " + " | ".join(f"{at:,}" for at in ats) + " | cliff |",
             "|---|" + "---|" * len(ats) + "---|"]
    for what, figures in curves.items():
        found = scaling.medians(figures)
        cells = [table.readable(found[at]) if at in found else "" for at in ats]
        lines.append(f"| {scaling.name_of(part, what)} | " + " | ".join(cells) +
                     f" | {scaling.verdict(part, what, figures, cores)} |")
    return "\n".join(lines)


def scaling_text(run):
    """Both tables."""
    return "\n\n".join([
        machine_text(run["scaling machine"]),
        image("sizes", "what an operation costs as things grow"),
        scaling_table(run, "sizes", "nanoseconds, with items"),
        image("processes", "operations of all processes together"),
        scaling_table(run, "processes", "a second in all, with processes"),
    ])


def replaced(page, mark, content):
    """The page with that between its marks."""
    begin, end = f"<!-- {mark}: ./dev bench keep -->\n", f"<!-- end of {mark} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{PAGE}: no marks for {mark}")
    return pattern.sub(lambda _: f"{begin}\n{content}\n\n{end}", page)


def write(run):
    """All that the run has."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    if run.get("rows"):
        page = replaced(page, "table", "\n\n".join([
            machine_text(run["machine"]) + " Operations a second where no unit is said.",
            image("python", "mooncrew beside Python"),
            table.markdown(plan.ROWS, run["rows"]),
        ]))
    if run.get("sizes"):
        page = replaced(page, "scaling", scaling_text(run))
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
    plots.write(os.path.join(DOCS, "plots"), run)
