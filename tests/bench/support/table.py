"""What is made of the figures of a row, and how it is shown."""

import statistics

TEXT = "{:<38}{:>8}  {:<18}{:>8}{:>7}  {:<38} {}"


def readable(number):
    """12345678 -> 12.3 M"""
    letter = ""
    for size, name in ((1e6, " M"), (1e3, " k")):
        if number >= size:
            number, letter = number / size, name
            break
    return f"{number:.0f}{letter}" if number >= 99.5 else f"{number:.3g}{letter}"


def better(row, a, b):
    """How many times as good as b an a is."""
    return a / b if row.is_rate else b / a


def ratios(row, figures, beside):
    """Ours against another side, for each turn: those two met the same weather."""
    return [better(row, a, b) for a, b in zip(figures["ours"], figures[beside])]


def reached(row, figures, goal):
    """How much of a goal is reached: 1 and more is met."""
    if goal.beside:
        return statistics.median(ratios(row, figures, goal.beside)) / goal.value
    median = statistics.median(figures["ours"])
    return median / goal.value if row.is_rate else goal.value / median


def is_met(row, figures):
    """All goals of a row; None where there is none."""
    return all(reached(row, figures, goal) >= 1 for goal in row.goals) if row.goals else None


def name_of(row, label):
    """What a side is called in a sentence."""
    side = next(side for side in row.sides if side.label == label)
    return side.what or side.label


def goal_text(row, goal):
    """15 × Python; 5 M; at most 64."""
    if not goal.beside:
        return ("" if row.is_rate else "at most ") + readable(goal.value)
    if goal.value < 1 and not row.is_rate:
        return f"at most {1 / goal.value:.3g} × {name_of(row, goal.beside)}"
    if goal.value < 1:
        return f"{goal.value:.0%} of {name_of(row, goal.beside)}"
    return f"{goal.value:g} × {name_of(row, goal.beside)}"


def verdict(row, figures):
    """Each goal, and whether it is met."""
    said = []
    for goal in row.goals:
        part = reached(row, figures, goal)
        said.append(goal_text(row, goal) + (": met" if part >= 1 else f": {part:.0%} of it"))
    return "; ".join(said)


def times(row, figures, label):
    """ "19.8" times as good as that side."""
    ratio = statistics.median(ratios(row, figures, label))
    return f"{ratio:.0f}" if ratio >= 99.5 else f"{ratio:.3g}"


def beside(row, figures):
    """The sides without a column: `pipe 25.3 k (4.1 ×)`."""
    said = []
    for side in row.sides:
        if side.label in ("ours", "Python"):
            continue
        median = readable(statistics.median(figures[side.label]))
        said.append(f"{name_of(row, side.label)} {median} ({times(row, figures, side.label)} ×)")
    return said


def cells(row, figures):
    """name, median, spread, Python, times, beside, goals"""
    found = figures["ours"]
    python = figures.get("Python")
    return [
        row.name,
        readable(statistics.median(found)),
        f"{readable(min(found))} … {readable(max(found))}",
        readable(statistics.median(python)) if python else "",
        times(row, figures, "Python") if python else "",
        beside(row, figures),
        verdict(row, figures),
    ]


HEAD = ["figure", "mooncrew", "least … most", "Python", "×", "beside it (we are … ×)", "goals"]


def text(row, figures):
    """The lines of a row on a terminal."""
    *most, others, goals = cells(row, figures)
    lines = [TEXT.format(*most, others[0] if others else "", goals).rstrip()]
    lines += [TEXT.format("", "", "", "", "", other, "").rstrip() for other in others[1:]]
    return "\n".join(lines)


def markdown(rows, results):
    """The whole table for a page."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for row in rows:
        if row.name in results:
            *most, others, goals = cells(row, results[row.name])
            lines.append("| " + " | ".join([*most, "; ".join(others), goals]) + " |")
    return "\n".join(lines)
