"""Counting instructions: they hardly depend on the machine or its load."""

import re
import subprocess
import sys

COMMAND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
COLLECTED = re.compile(r"==(\d+)== Collected : (\d+)")


def instructions_by_process(*command):
    """How many a program takes in user space, from exec to exit, the dynamic linker's included;
    then those of the processes that it forked, from their fork on: the parent's are with them."""
    process = subprocess.Popen(
        [*COMMAND, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    told = process.communicate()[1]
    found = {int(pid): int(n) for pid, n in COLLECTED.findall(told)}
    if process.returncode != 0 or process.pid not in found:
        sys.exit(f"{' '.join(command)}: status {process.returncode}\n{told}")
    return [found.pop(process.pid), *found.values()]


def instructions(*command):
    """Those of a program that forks no other."""
    return instructions_by_process(*command)[0]
