"""Running one part: its own session, TMPDIR and result folder, and a limit against hangs."""

import os
import select
import shutil
import signal
import subprocess
import time

from . import leftovers
from .count import count
from .part import Outcome

# What a person's shell may set and tests must not see.
UNSET = ("LUA_INIT", "LUA_INIT_5_4", "LUA_PATH", "LUA_PATH_5_4", "LUA_CPATH", "LUA_CPATH_5_4")


def environment(part, folder, results, binary):
    """The variables of the part's processes."""
    env = {k: v for k, v in os.environ.items() if k not in UNSET}
    env = {k: v for k, v in env.items() if not k.startswith("MOONCREW_") or k in KEPT}
    env.update(TMPDIR=folder, MOONCREW=binary)
    if part.counter == "cmocka":
        env.update(CMOCKA_MESSAGE_OUTPUT="xml", CMOCKA_XML_FILE=os.path.join(results, "%g.xml"))
    env.update(part.env)
    return env


KEPT = ("MOONCREW_BUILD_ROOT", "MOONCREW_NO_PACKAGES")


def run(part, root, scratch, binary):
    """Runs the part in `root`; `scratch` is a folder for its temporary and result files."""
    outcome = Outcome()
    start = time.monotonic()
    if part.program and not os.access(part.program, os.R_OK):
        outcome.fail(f"not built: {os.path.relpath(part.program, root)}")
        return outcome
    folder = os.path.join(scratch, "t")
    results = os.path.join(scratch, "r")
    os.makedirs(folder)
    os.makedirs(results)
    log = os.path.join(scratch, "log")
    status = wait_for(part, root, environment(part, folder, results, binary), log, results)
    with open(log, encoding="utf-8", errors="replace") as file:
        outcome.output = file.read()
    if status is None:
        outcome.fail(f"hung: ended by force after {part.limit:g} s")
    else:
        count(part, outcome, status, results)
    for process in leftovers.processes_left(folder, part.grace):
        if status is not None:
            outcome.fail(f"left a process: {process}")
    for path in leftovers.files_left(folder):
        if status is not None:
            outcome.fail(f"left a file: $TMPDIR/{path}")
    outcome.seconds = time.monotonic() - start
    shutil.rmtree(scratch, ignore_errors=True)
    return outcome


def wait_for(part, root, env, log, results):
    """The part's exit status; None when it hung and was killed."""
    command = [word.replace("{results}", results) for word in part.command]
    with open(log, "wb") as out, subprocess.Popen(
        command, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=out,
        stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:
        try:
            if watch(process, part.limit):
                return process.returncode
            with open(log, "ab") as more:
                more.write(picture_of(process.pid).encode())
        except BaseException:
            end_group(process.pid)
            raise
        end_group(process.pid)
        process.wait()
        return None


def watch(process, limit):
    """Waits for the process, collecting orphans meanwhile. False: the limit has passed."""
    deadline = time.monotonic() + limit
    wake, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    try:
        while process.poll() is None:
            leftovers.reap(but=process.pid)
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if select.select([wake], [], [], min(left, 1))[0]:
                os.read(wake, 4096)
        return True
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(wake)
        os.close(ring)


def end_group(group):
    """Kills the part's process group; what left the group is found by leftovers."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def picture_of(group):
    """What the processes of a hanging part were doing."""
    lines = ["\n-- at the time limit:\n"]
    for pid in leftovers.survivors("-"):
        stat = leftovers.stat_of(pid)
        where = leftovers.read(f"/proc/{pid}/wchan").decode(errors="replace")
        head = "*" if pid == group else " "
        lines.append(f"{head} {pid} {stat} {where} {leftovers.command_of(pid)}\n")
    return "".join(lines)
