"""A part of the tests: one command, run as a process group of its own."""

from dataclasses import dataclass, field


@dataclass
class Part:
    """What is run, and how its outcome is read.

    name     dotted, as printed: unit.share.queue
    command  a list of words, run in the checkout's root; {results} is the folder for result files
    counter  how tests are counted: status, cmocka, junit or lines (see count.py)
    limit    seconds after which the part is taken to hang; generous, never a test of speed
    program  the file that must exist for the part to run, None when nothing is built for it
    preset   the build that makes the program, None for no build
    target   what to build there; None is everything
    env      variables on top of the runner's
    grace    seconds that its last processes have to end by themselves
    """

    name: str
    command: list
    counter: str = "status"
    limit: float = 120
    program: str | None = None
    preset: str | None = None
    target: str | None = None
    env: dict = field(default_factory=dict)
    grace: float = 3


@dataclass
class Outcome:
    """How a part went: counts, the reasons why it failed, and what it printed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0
    reasons: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    output: str = ""

    def fail(self, reason):
        """Counts one more failure."""
        self.failed += 1
        self.reasons.append(reason)
