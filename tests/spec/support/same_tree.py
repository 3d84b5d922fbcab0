"""same_tree.py A B: prints every difference of two trees, and ends with status 1 if there is any.

It shares nothing with the copier that it checks: names, types, modes, owners, times, links (also
which names are the same file), holes, extended attributes, device numbers, contents.
"""

import os
import stat
import sys


def names(root):
    """All entries below the root by relative path (bytes), and the root itself as b''."""
    found = {b"": os.lstat(root)}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = os.lstat(path)
    return found


def groups(tree):
    """Of each file with several names: these names."""
    found = {}
    for name, info in tree.items():
        if not stat.S_ISDIR(info.st_mode) and info.st_nlink > 1:
            found.setdefault((info.st_dev, info.st_ino), set()).add(name)
    return {name: names for names in found.values() for name in names}


def attributes(path):
    """The extended attributes; none where the disk has none."""
    try:
        found = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in found}
    except OSError:
        return {}


def segments(file):
    """Where a file has data: [(start, end), …]."""
    found, at, size = [], 0, os.fstat(file).st_size
    while at < size:
        try:
            start = os.lseek(file, at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(file, start, os.SEEK_HOLE)
        found.append((start, at))
    return found


def file_differences(a, b):
    """Contents and holes."""
    one, two = os.open(a, os.O_RDONLY), os.open(b, os.O_RDONLY)
    try:
        where = segments(one)
        if where != segments(two):
            yield f"holes: data at {where} and {segments(two)}"
        for start, end in where:
            while start < end:
                n = min(1 << 20, end - start)
                if os.pread(one, n, start) != os.pread(two, n, start):
                    yield f"content, from {start} on"
                    return
                start += n
    finally:
        os.close(one)
        os.close(two)


def differences(a, b, one, two):
    """What differs between two entries."""
    for field in ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_rdev"):
        if getattr(one, field) != getattr(two, field):
            yield f"{field}: {getattr(one, field)} and {getattr(two, field)}"
    if stat.S_IFMT(one.st_mode) != stat.S_IFMT(two.st_mode):
        return
    if attributes(a) != attributes(b):
        yield f"attributes: {attributes(a)} and {attributes(b)}"
    if stat.S_ISLNK(one.st_mode):
        if os.readlink(a) != os.readlink(b):
            yield f"link: {os.readlink(a)} and {os.readlink(b)}"
    elif stat.S_ISREG(one.st_mode):
        if one.st_size != two.st_size:
            yield f"size: {one.st_size} and {two.st_size}"
        else:
            yield from file_differences(a, b)


def main():
    root_a, root_b = (os.fsencode(path) for path in sys.argv[1:])
    tree_a, tree_b = names(root_a), names(root_b)
    groups_a, groups_b = groups(tree_a), groups(tree_b)
    faults = [f"{name}: only in the source" for name in tree_a.keys() - tree_b.keys()]
    faults += [f"{name}: only in the copy" for name in tree_b.keys() - tree_a.keys()]
    for name in sorted(tree_a.keys() & tree_b.keys()):
        a, b = os.path.join(root_a, name), os.path.join(root_b, name)
        for what in differences(a, b, tree_a[name], tree_b[name]):
            faults.append(f"{name}: {what}")
        if groups_a.get(name) != groups_b.get(name):
            faults.append(f"{name}: same file as {groups_a.get(name)} and {groups_b.get(name)}")
    print("\n".join(faults) or f"{len(tree_a)} entries are the same")
    sys.exit(1 if faults else 0)


main()
