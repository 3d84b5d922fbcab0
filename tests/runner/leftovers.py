"""What a part left behind: processes, files in its TMPDIR, shared memory.

The runner is a "child subreaper", so whatever outlives its part becomes a child of the runner and
is found, double forks included; a process that carries the part's TMPDIR in its environment is
found wherever it hangs.
"""

import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    """Adopts orphans from now on. Only the environment is looked at where that is refused."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(but=0):
    """Collects adopted children that have ended, at once as init would: tests wait for a process
    to be gone. Stops at the child `but`, whose status is for another to take."""
    try:
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if not ended or ended.si_pid == but:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)
    except ChildProcessError:
        pass


def read(path):
    """A file of /proc, empty when the process went meanwhile."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def stat_of(pid):
    """(state, parent) of a process, or None."""
    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return (fields[0].decode(), int(fields[1])) if len(fields) > 1 else None


def command_of(pid):
    """How the process was started, for a person."""
    words = read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    return words[:120] or read(f"/proc/{pid}/comm").decode(errors="replace").strip()


def survivors(folder):
    """Pids of the part's living processes: descendants, and whoever has its TMPDIR."""
    parents = {int(pid): stat_of(pid) for pid in os.listdir("/proc") if pid.isdigit()}
    found = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, stat in parents.items() if stat and stat[1] in found} - found
        found |= more
        grown = bool(more)
    mark = f"TMPDIR={folder}".encode()
    for pid in parents:
        if pid not in found and mark in read(f"/proc/{pid}/environ").split(b"\0"):
            found.add(pid)
    return sorted(pid for pid in found - {os.getpid()} if parents.get(pid))


def processes_left(folder, grace):
    """Gives the last ones time to end, then kills and describes what still lives."""
    deadline = time.monotonic() + grace
    pause = 0.002
    while True:
        reap()
        left = survivors(folder)
        if not left or time.monotonic() > deadline:
            break
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
    told = [f"{pid} {(stat_of(pid) or '?')[0]} {command_of(pid)}" for pid in left]
    kill(left)
    return told


def kill(pids):
    """Ends what a part left, by pid."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and any(os.path.exists(f"/proc/{pid}") for pid in pids):
        reap()
        time.sleep(0.01)


def files_left(folder):
    """Paths below the part's TMPDIR."""
    return sorted(
        os.path.relpath(os.path.join(where, name), folder)
        for where, folders, files in os.walk(folder)
        for name in folders + files
    )


def shared_files():
    """What could be left outside of TMPDIR: named shared memory, and os.tmpname()'s files."""
    found = set()
    for folder, prefixes in (("/dev/shm", ("mooncrew", "mc_", "mc-")), ("/tmp", ("lua_",))):
        if os.path.isdir(folder):
            found |= {f"{folder}/{n}" for n in os.listdir(folder) if n.startswith(prefixes)}
    return found
