"""Plots for docs/, as SVG, from the figures of a run: without a library, light or dark as the
reader has it."""

import math
import os
import statistics
from xml.sax.saxutils import escape

from . import plan, scaling, table

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720, 60, 210, 34, 40
COLORS = ("#2f7ed8", "#d9534f", "#3a9d5d", "#b8860b", "#8a63d2", "#0097a7", "#c2185b", "#7a7a7a",
          "#e67e22", "#00b894", "#6c5ce7", "#a0522d", "#ff8fa3")
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
STYLE = """<style>
 text { font: 12px sans-serif; fill: #24292f }
 .title { font-weight: bold }
 .faint { fill: #6e7781 }
 .grid { stroke: #d0d7de; stroke-width: 1 }
 .bar { fill: #2f7ed8 }
 .goal { stroke: #d9534f; stroke-width: 2 }
 @media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
 }
</style>"""


def label(x, y, words, anchor="start", kind=""):
    """A text."""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" class="{kind}">' \
           f"{escape(words)}</text>"


def line(x1, y1, x2, y2, kind="grid"):
    """A straight one."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def document(title, height, body):
    """A whole file."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">',
        STYLE, label(8, 18, title, kind="title"), *body, "</svg>", ""])


def decades(least, most):
    """The powers of ten around, two at least."""
    low = math.floor(math.log10(least))
    return range(low, max(math.ceil(math.log10(most)), low + 1) + 1)


def spread_out(wanted, gap, most):
    """Places near the wanted ones that are a gap apart: names beside the ends of lines."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    places, last = [0.0] * len(wanted), -math.inf
    for i in order:
        last = places[i] = max(wanted[i], last + gap)
    excess = max(0, last - most)
    return [place - excess for place in places]


def curves(title, series, unit, ticks, height=340):
    """Lines over logarithmic axes. series: {name: {x: y}}; ticks: {x: text}."""
    ys = [y for points in series.values() for y in points.values()]
    tens = decades(min(ys), max(ys))
    xs = sorted(ticks)

    def at_x(x):
        part = math.log(x / xs[0]) / math.log(xs[-1] / xs[0])
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def at_y(y):
        part = (math.log10(y) - tens[0]) / (tens[-1] - tens[0])
        return height - BOTTOM - part * (height - TOP - BOTTOM)

    body = []
    for ten in tens:
        y = at_y(10.0**ten)
        body += [line(LEFT, y, WIDTH - RIGHT, y),
                 label(LEFT - 6, y + 4, table.readable(10.0**ten), "end", "faint")]
    for x, words in ticks.items():
        body += [line(at_x(x), TOP, at_x(x), height - BOTTOM),
                 label(at_x(x), height - BOTTOM + 16, words, "middle", "faint")]
    body.append(label((LEFT + WIDTH - RIGHT) / 2, height - 8, unit, "middle", "faint"))
    ends = [at_y(points[max(points)]) for points in series.values()]
    places = spread_out(ends, 14, height - BOTTOM)
    for i, (name, points) in enumerate(series.items()):
        color = COLORS[i % len(COLORS)]
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in sorted(points.items()))
        end = at_x(max(points))
        body += [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>',
                 f'<line x1="{end:.1f}" y1="{ends[i]:.1f}" x2="{WIDTH - RIGHT + 10}" '
                 f'y2="{places[i]:.1f}" stroke="{color}"/>',
                 label(WIDTH - RIGHT + 14, places[i] + 4, name)]
    return document(title, height, body)


def bars(title, rows, unit):
    """A bar for each (name, value, goal or None), on a logarithmic axis from 1 on."""
    left, right, step = 250, 60, 18
    height = TOP + step * len(rows) + BOTTOM
    top = decades(1, max(value for _, value, _ in rows))[-1]

    def at(value):
        return left + max(0, math.log10(value)) / top * (WIDTH - left - right)

    body = []
    for ten in range(top + 1):
        body += [line(at(10**ten), TOP, at(10**ten), height - BOTTOM),
                 label(at(10**ten), height - BOTTOM + 16, f"{10**ten:,}", "middle", "faint")]
    body.append(label((left + WIDTH - right) / 2, height - 8, unit, "middle", "faint"))
    for i, (name, value, goal) in enumerate(rows):
        y = TOP + step * i
        width = max(1, at(value) - left)
        body += [label(left - 8, y + 13, name, "end"),
                 f'<rect x="{left}" y="{y + 3}" width="{width:.1f}" height="12" class="bar"/>']
        words = left + width + 5
        if goal:
            body.append(line(at(goal), y + 1, at(goal), y + 17, "goal"))
            if words - 8 < at(goal) < words + 36:
                words = at(goal) + 5
        body.append(label(words, y + 13, table.readable(value), kind="faint"))
    return document(title, height, body)


def beside_python(run):
    """How many times as fast as Python each row is; a red line is the goal."""
    rows = []
    for row in plan.ROWS:
        figures = run["rows"].get(row.name)
        if figures and "Python" in figures:
            ratio = statistics.median(table.ratios(row, figures, "Python"))
            goal = next((g.value for g in row.goals if g.beside == "Python"), None)
            rows.append((row.name, ratio, goal if goal and goal > 1 else None))
    return bars("mooncrew beside Python's multiprocessing", rows, "times as good; red: the goal")


def growing(run):
    """What an operation costs as things grow."""
    series = {scaling.name_of("sizes", what): scaling.medians(figures)
              for what, figures in run["sizes"].items()}
    sizes = {int(at) for figures in run["sizes"].values() for at in figures}
    ticks = {size: "10" + SUPERSCRIPTS[round(math.log10(size))] for size in sorted(sizes)}
    return curves("Nanoseconds an operation takes as things grow", series, "items", ticks)


def crowded(run):
    """What processes do in all."""
    series = {scaling.name_of("processes", what): scaling.medians(figures)
              for what, figures in run["processes"].items()}
    ticks = {n: str(n) for n in scaling.PROCESSES}
    cores = run["machine"]["cores"]
    return curves(f"Operations a second of all processes together, on {cores} cores", series,
                  "processes", ticks)


def write(folder, run):
    """Those plots for which the run has figures."""
    os.makedirs(folder, exist_ok=True)
    wanted = {"rows": ("python.svg", beside_python), "sizes": ("sizes.svg", growing),
              "processes": ("processes.svg", crowded)}
    for part, (name, draw) in wanted.items():
        if run.get(part):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(draw(run))
