"""make_tree.py FOLDER [FILES]: a tree with every kind of entry that a copier may meet.

FILES more plain files are spread over folders, for a run that takes a while.
"""

import os
import random
import socket
import sys

root = os.fsencode(sys.argv[1])
count = int(sys.argv[2]) if len(sys.argv) > 2 else 0
dice = random.Random(count)
IS_ROOT = os.getuid() == 0
MIB = 1 << 20


def at(*names):
    """A path below the root."""
    return os.path.join(root, *names)


def write(path, data):
    """Makes a file."""
    with open(path, "wb") as file:
        file.write(data)


def try_xattr(path, name, value):
    """Sets an attribute where the disk and the user can have it."""
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError:
        pass


def files():
    """Sizes, names, modes, holes."""
    for size in (0, 1, 4095, 4096, 65536, 65537, 3 * MIB + 5):
        write(at(b"size-%d" % size), dice.randbytes(size))
    every = bytes(b for b in range(1, 256) if b != ord("/"))
    write(at(every[:250]), b"any byte")
    write(at(b"n" * 255), b"a name of 255 bytes")
    write(at(b"-rf *"), b"looks like an option")
    for mode in (0o000, 0o400, 0o755, 0o666, 0o4755, 0o2711):
        path = at(b"mode-%o" % mode)
        write(path, b"mode")
        os.chmod(path, mode)
    with open(at(b"holes"), "wb") as file:
        for start in (0, 2 * MIB, 5 * MIB):
            file.seek(start)
            file.write(dice.randbytes(10000))
        file.truncate(8 * MIB)
    with open(at(b"all-hole"), "wb") as file:
        file.truncate(4 * MIB)


def links_and_others():
    """Links of both kinds, pipes, sockets, devices."""
    os.makedirs(at(b"links", b"deep"))
    write(at(b"links", b"first"), b"one file, three names")
    os.link(at(b"links", b"first"), at(b"links", b"deep", b"second"))
    os.link(at(b"links", b"first"), at(b"a-third"))
    for target in (b"first", b"nowhere/at all", b"..", b"/", b"x" * 1000):
        os.symlink(target, at(b"links", b"to-%d" % len(target)))
    os.mkfifo(at(b"pipe"), 0o640)
    os.chdir(root)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    if IS_ROOT:
        os.mknod(at(b"null"), 0o020666, os.makedev(1, 3))


def folders():
    """Empty, deep, read-only, with a default access list."""
    os.makedirs(at(b"empty", b"emptier"))
    os.makedirs(at(*[b"d%d" % i for i in range(60)]))
    os.mkdir(at(b"listed"))
    write(at(b"listed", b"plain"), b"has no list of its own")
    # Version 2: user rwx, user 12345 r--, group r-x, mask r-x, others ---.
    entries = ((1, 7, -1), (2, 4, 12345), (4, 5, -1), (16, 5, -1), (32, 0, -1))
    acl = b"\2\0\0\0" + b"".join(
        tag.to_bytes(2, "little") + rights.to_bytes(2, "little")
        + (who & 0xFFFFFFFF).to_bytes(4, "little") for tag, rights, who in entries)
    try_xattr(at(b"listed"), "system.posix_acl_default", acl)
    try_xattr(at(b"size-4096"), "system.posix_acl_access", acl)
    os.mkdir(at(b"read-only"))
    write(at(b"read-only", b"inner"), b"x")
    os.chmod(at(b"read-only"), 0o555)


def attributes():
    """Extended attributes, owners."""
    for path in (at(b"size-1"), at(b"mode-400"), at(b"empty"), root):
        try_xattr(path, "user.comment", b"any \0 byte \xff")
        try_xattr(path, "user.empty", b"")
    if IS_ROOT:
        try_xattr(at(b"pipe"), "trusted.note", b"pipe")
        try_xattr(at(b"links", b"to-5"), "trusted.note", b"link")
        os.chown(at(b"size-4095"), 12345, 23456)
        os.chown(at(b"mode-4755"), 12345, 23456)
        os.chmod(at(b"mode-4755"), 0o4755)
        os.lchown(at(b"links", b"to-5"), 12345, 23456)
        os.chown(at(b"empty"), 12345, 23456)


def times():
    """A time of its own for each entry, the folders last."""
    for folder, inner, names in os.walk(root, topdown=False):
        for name in names + inner + [b"."]:
            when = dice.randrange(10**18, 17 * 10**17)
            os.utime(os.path.join(folder, name), ns=(when, when), follow_symlinks=False)


os.mkdir(root)
files()
links_and_others()
folders()
for i in range(count):
    many = at(b"many", b"%02d" % (i % 20))
    os.makedirs(many, exist_ok=True)
    write(os.path.join(many, b"%05d" % i), dice.randbytes(dice.randrange(0, 20000)))
attributes()
times()
