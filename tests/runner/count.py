"""Reading how many tests a part ran, and which failed.

Result files are believed before the exit status: a spec or a unit test that leaves early with
status 0 has written no file, and so is a failure.
"""

import glob
import os
import xml.etree.ElementTree as xml


def count(part, outcome, status, results):
    """Fills the outcome's counts. `status` is the exit status, negative for a signal."""
    COUNTERS[part.counter](outcome, results)
    if status != 0 and not outcome.failed:
        outcome.fail(describe(status))
    if status == 0 and not outcome.passed and not outcome.failed:
        if part.counter != "status":
            outcome.fail("ran no test")
        else:
            outcome.passed = 1


def describe(status):
    """An exit status in words."""
    return f"exit status {status}" if status > 0 else f"killed by signal {-status}"


def count_status(_outcome, _results):
    """The exit status alone: one test, counted by count()."""


def count_lines(outcome, _results):
    """PASS name, FAIL name: why, and notes that start with two spaces."""
    for line in outcome.output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "PASS":
            outcome.passed += 1
        elif word == "FAIL":
            outcome.fail(rest)
        elif line.startswith("  ") and line.strip():
            outcome.notes.append(line.rstrip())


def count_cases(outcome, files):
    """JUnit files: each test case is passed, failed or skipped."""
    if not files:
        outcome.fail("left before the end: no result file was written")
    for file in files:
        try:
            root = xml.parse(file).getroot()
        except xml.ParseError as error:
            outcome.fail(f"its result file is broken: {error}")
            continue
        for suite in root.iter("testsuite"):
            count_suite(outcome, suite)
        for loose in root.findall("./error"):
            outcome.fail(text_of(loose))


def count_suite(outcome, suite):
    """One <testsuite>. A failed setup is in its totals alone: there is no test case for it."""
    before = outcome.failed
    for case in suite.iter("testcase"):
        count_case(outcome, case)
    for loose in suite.findall("./error"):
        outcome.fail(text_of(loose))
    told = int(suite.get("errors") or 0) + int(suite.get("failures") or 0)
    for _ in range(told - (outcome.failed - before)):
        outcome.fail(f"{suite.get('name')}: an error outside of its tests, in its setup maybe")


def count_case(outcome, case):
    """One <testcase>."""
    trouble = case.findall("failure") + case.findall("error")
    if trouble:
        outcome.fail(f"{case.get('name')}: {text_of(trouble[0])}")
    elif case.find("skipped") is not None:
        outcome.skipped += 1
    else:
        outcome.passed += 1


def text_of(node):
    """What a <failure> or an <error> says."""
    return " ".join([node.get("message") or "", (node.text or "").strip()]).strip()


def count_cmocka(outcome, results):
    """A JUnit file for each group of a cmocka program."""
    count_cases(outcome, sorted(glob.glob(os.path.join(results, "*.xml"))))


def count_junit(outcome, results):
    """busted's one JUnit file."""
    count_cases(outcome, glob.glob(os.path.join(results, "junit.xml")))


COUNTERS = {
    "status": count_status,
    "lines": count_lines,
    "cmocka": count_cmocka,
    "junit": count_junit,
}
