"""The tutorial's program 9: files are copied by a pool, one task each. FROM may have folders of
files, which are made first.

  copy_files.py FROM TO
"""

import os
import sys
from multiprocessing import Pool


def copy_file(source, target):
    """Runs in a worker."""
    with open(source, "rb") as old, open(target, "wb") as new:
        new.write(old.read())


def main(source, target):
    """Copies all."""
    pool = Pool()
    results = []
    for folder, _, names in os.walk(source):
        there = os.path.join(target, os.path.relpath(folder, source))
        os.makedirs(there, exist_ok=True)
        for name in names:
            results.append(pool.apply_async(
                copy_file, (os.path.join(folder, name), os.path.join(there, name))))
    pool.close()
    pool.join()
    for result in results:
        result.get()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
