"""What this kernel can do, and running a command as an older kernel would.

  kernel.py abi                   prints the version of Landlock, or 0
  kernel.py without CALL… -- CMD  CMD with these system calls answered by ENOSYS
"""

import ctypes
import errno
import os
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
LANDLOCK_CREATE_RULESET = 444
CALLS = {
    "landlock": LANDLOCK_CREATE_RULESET,
    "seccomp": {"x86_64": 317, "aarch64": 277}[os.uname().machine],
}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
LOAD_NUMBER, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def abi():
    """The version of Landlock, 0 where there is none."""
    return max(0, LIBC.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1))


class Program(ctypes.Structure):
    """A filter, as the kernel takes it."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def refuse(names):
    """From here on the kernel does not know these calls."""
    steps = struct.pack("HBBI", LOAD_NUMBER, 0, 0, 0)
    for name in names:
        steps += struct.pack("HBBI", EQUAL, 0, 1, CALLS[name])
        steps += struct.pack("HBBI", RETURN, 0, 0, ERRNO | errno.ENOSYS)
    steps += struct.pack("HBBI", RETURN, 0, 0, ALLOW)
    program = Program(len(steps) // 8, steps)
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if LIBC.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program)) != 0:
        sys.exit("no filter: " + os.strerror(ctypes.get_errno()))


def main():
    """Does what the command line says."""
    if sys.argv[1] == "abi":
        print(abi())
        return
    cut = sys.argv.index("--")
    refuse(sys.argv[2:cut])
    os.execvp(sys.argv[cut + 1], sys.argv[cut + 1:])


main()
