"""The instructions of a start with nothing to do: start.py mooncrew|lua5.4 1"""

import os
import sys

from support import callgrind

BINARIES = {"mooncrew": os.environ["MOONCREW"], "lua5.4": "/usr/bin/lua5.4"}

print(1, callgrind.instructions(BINARIES[sys.argv[1]], "-e", ""), 1)
