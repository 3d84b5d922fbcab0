"""Running a benchmark's programs, and what is made of their figures."""

import os
import platform
import statistics
import subprocess

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEER = "/usr/bin/python3"
HANGS = 300  # seconds after which a program is taken to hang


class Wrong(Exception):
    """A program failed, or its result is not what it should be."""


def rate(benchmark, command, count):
    """Runs one program: operations a second, after its own result was checked."""
    words = [*command, *benchmark.words, str(count)]
    try:
        ended = subprocess.run(words, capture_output=True, text=True, timeout=HANGS, check=False)
    except subprocess.TimeoutExpired:
        raise Wrong(f"hung: {' '.join(words)}") from None
    if ended.returncode != 0:
        raise Wrong(f"status {ended.returncode}: {' '.join(words)}\n{ended.stderr.strip()}")
    done = count * benchmark.workers
    check = benchmark.check(count) * benchmark.workers
    try:
        told, seconds, found = ended.stdout.split()
    except ValueError:
        raise Wrong(f"printed '{ended.stdout.strip()}': {' '.join(words)}") from None
    if (int(told), int(found)) != (done, check):
        raise Wrong(
            f"{' '.join(words)}: expected {done} operations and a check of {check}, "
            f"got {told} and {found}"
        )
    return done / float(seconds)


def limit_program(benchmark, binary):
    """The C program of the build that the binary is from."""
    return os.path.join(os.path.dirname(binary), "tests", f"bench_{benchmark.limit}")


def compare(benchmark, binary, runs, quick):
    """The programs in turn, `runs` times: medians, and the ratios of the pairs."""
    ours, theirs = benchmark.counts(quick)
    program = os.path.join(HERE, benchmark.program + ".lua")
    twin = os.path.join(HERE, (benchmark.twin or benchmark.program) + ".py")
    pairs, limits = [], []
    for _ in range(runs):
        if benchmark.limit:
            limits.append(rate(benchmark, [limit_program(benchmark, binary)], ours))
        pairs.append((
            rate(benchmark, [binary, program], ours),
            rate(benchmark, [PEER, "-B", twin], theirs),
        ))
    ratios = [a / b for a, b in pairs]
    return {
        "name": benchmark.name,
        "ours": statistics.median(a for a, _ in pairs),
        "python": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        "pairs": pairs,
        "limit": statistics.median(limits) if limits else None,
    }


def lacks(binary, name):
    """Whether the module of this binary has no such function."""
    script = f"os.exit(require('mooncrew')['{name}'] == nil and 3 or 0)"
    ended = subprocess.run([binary, "-e", script], check=False)
    if ended.returncode not in (0, 3):
        raise Wrong(f"{binary} -e: status {ended.returncode}")
    return ended.returncode == 3


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
