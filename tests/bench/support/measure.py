"""Running the programs of a row in turn, each result checked."""

import os
import platform
import subprocess

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEER = "/usr/bin/python3"
HANGS = 300  # seconds after which a program is taken to hang


class Wrong(Exception):
    """A program failed, or its result is not what it should be."""


def command(side, binary):
    """The words that run this program, without the count."""
    program, *words = side.words
    if program.endswith(".lua"):
        words = [binary, os.path.join(HERE, program), *words]
    elif program.endswith(".py"):
        words = [PEER, "-B", os.path.join(HERE, program), *words]
    else:
        folder = os.path.join(os.path.dirname(binary), "tests")
        words = [os.path.join(folder, f"bench_{program}"), *map(str, words)]
    if side.cores:
        cores = sorted(os.sched_getaffinity(0))[: side.cores]
        words = ["taskset", "-c", ",".join(map(str, cores)), *words]
    return words


def run(words):
    """The three numbers that a program prints: operations, seconds or an amount, a check."""
    try:
        ended = subprocess.run(words, capture_output=True, text=True, timeout=HANGS, check=False)
    except subprocess.TimeoutExpired:
        raise Wrong(f"hung: {' '.join(words)}") from None
    if ended.returncode != 0:
        raise Wrong(f"status {ended.returncode}: {' '.join(words)}\n{ended.stderr.strip()}")
    try:
        done, amount, check = ended.stdout.split()
        return int(done), float(amount), int(check)
    except ValueError:
        raise Wrong(f"printed '{ended.stdout.strip()}': {' '.join(words)}") from None


def figure(row, side, binary, quick):
    """Runs a program once: operations a second, or the cost of one."""
    count = side.counted(quick)
    words = [*command(side, binary), str(count)]
    done, amount, check = run(words)
    expected = count * side.workers, side.check(count) * side.workers
    if (done, check) != expected:
        raise Wrong(
            f"{' '.join(words)}: expected {expected[0]} operations and a check of "
            f"{expected[1]}, got {done} and {check}"
        )
    if row.is_rate:
        return done / amount
    return amount / done * row.scale


def measure(row, binary, runs, quick):
    """Runs the sides of a row in turn, so that all meet the same weather: {label: figures}."""
    figures = {side.label: [] for side in row.sides}
    for _ in range(runs):
        for side in row.sides:
            figures[side.label].append(figure(row, side, binary, quick))
    return figures


def cpu_model():
    """What /proc/cpuinfo calls the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def machine():
    """Facts that the figures depend on."""
    version = subprocess.run([PEER, "--version"], capture_output=True, text=True, check=True)
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": version.stdout.strip(),
        "load": [round(x, 1) for x in os.getloadavg()],
    }
