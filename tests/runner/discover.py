"""Which parts there are. Found by looking at the folders, so a new test needs no list."""

import glob
import os
import re

from .part import Part
from .slow import SLOW

SANITIZERS = {
    # malloc fails as it does elsewhere: some tests run out of memory on purpose.
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0"
                    ":allocator_may_return_null=1",
    "LSAN_OPTIONS": "report_objects=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "exitcode=66:second_deadlock_stack=1",
}


# The hosts that run under AddressSanitizer; those that fork a thousand times only in ./dev torture.
# The others load the module, which is not under it, or measure time or the memory of the process.
ASAN_HOSTS = ("misuse", "nomemory", "objects", "options", "tables", "tasks", "threads", "values")
ASAN_FORKING_HOSTS = ("children", "death")


class Tree:
    """The checkout, and where its builds are."""

    def __init__(self, root, builds):
        self.root = root
        self.builds = builds

    def folder(self, preset):
        """The build folder of a preset; cmake/build says the same."""
        name = "build" if preset == "dev" else f"build-{preset}"
        return os.path.join(self.builds, name)

    def binary(self, preset="dev"):
        """The binary under test."""
        return os.path.join(self.folder(preset), "mooncrew")

    def files(self, pattern):
        """Matching files below tests/, in order, relative to the root."""
        found = glob.glob(os.path.join(self.root, "tests", pattern))
        return [os.path.relpath(path, self.root) for path in sorted(found)]


def stem(path):
    """tests/unit/share/queue.c -> queue; tests/spec/queue_spec.lua -> queue."""
    name = os.path.splitext(os.path.basename(path))[0]
    return name[: -len("_spec")] if name.endswith("_spec") else name


def lints(tree):
    """Checks of the source that need no build."""
    checks = ("layers", "lengths", "words", "format", "luacheck", "reference")
    parts = [Part(f"lint.{name}", [f"tests/lint/{name}"]) for name in checks]
    for path in tree.files("lint/*_selftest"):
        parts.append(Part(f"lint.{os.path.basename(path)}", [path], "lines", 180))
    return parts


def tidy(_tree):
    """clang-tidy, on the dev build's compile commands."""
    return [Part("lint.tidy", ["tests/lint/tidy"], "lines", 900, preset="dev", target="all")]


def program(tree, preset, kind, name, **more):
    """A part that is one program of a build's tests folder."""
    target = f"{kind}_{name.replace('.', '_')}"
    path = os.path.join(tree.folder(preset), "tests", target)
    return Part(
        f"{kind}.{name}", [path], program=path, preset=preset, target=target, **more
    )


def units(tree, preset="dev", env=None):
    """tests/unit/LAYER/NAME.c"""
    for path in tree.files("unit/*/*.c"):
        layer = path.split(os.sep)[-2]
        yield program(
            tree, preset, "unit", f"{layer}.{stem(path)}", counter="cmocka", env=env or {}
        )


def busted(tree, name, path, preset, env):
    """A spec: by our binary, since plain `busted` may run under another Lua."""
    binary = tree.binary(preset)
    command = [binary, "/usr/bin/busted", "--ignore-lua", "-o", "junit"]
    command += ["-Xoutput", "{results}/junit.xml", path]
    return Part(
        name, command, "junit", 300, binary, preset, "mooncrew", env | {"MOONCREW": binary}
    )


def specs(tree, preset="dev", env=None):
    """tests/spec/NAME_spec.lua"""
    for path in tree.files("spec/*_spec.lua"):
        yield busted(tree, f"spec.{stem(path)}", path, preset, env or {})


def script(tree, kind, path, counter, limit, env):
    """A Lua file that our binary runs."""
    binary = tree.binary()
    return Part(
        f"{kind}.{stem(path)}", [binary, path], counter, limit, binary, "dev", "mooncrew", env
    )


def regress(tree):
    """tests/regress: a spec, a plain script that must end with 0, or a cmocka program."""
    for path in tree.files("regress/*"):
        if path.endswith("_spec.lua"):
            yield busted(tree, f"regress.{stem(path)}", path, "dev", {})
        elif path.endswith(".lua"):
            yield script(tree, "regress", path, "status", 120, {})
        elif path.endswith(".c"):
            yield program(tree, "dev", "regress", stem(path), counter="cmocka")


def torture(tree, full=False):
    """tests/torture/NAME.c, NAME.lua and scripts; MOONCREW_TORTURE=full asks for the long form."""
    env = {"MOONCREW_TORTURE": "full" if full else "thin"}
    limit = 7200 if full else 900
    for path in tree.files("torture/*"):
        if path.endswith(".c"):
            yield program(
                tree, "dev", "torture", stem(path), counter="lines", limit=limit, env=env
            )
        elif path.endswith(".lua"):
            yield script(tree, "torture", path, "lines", limit, env)
        elif "." not in os.path.basename(path) and os.path.isfile(os.path.join(tree.root, path)):
            # Scripts compile what they run.
            yield Part(f"torture.{stem(path)}", [path], "lines", max(limit, 900), env=env)


def embed(tree):
    """tests/embed/NAME.c: programs that use libmooncrew; scripts compile what they run."""
    env = {"MOONCREW_HELPER": tree.binary(), "MOONCREW_TORTURE": "thin"}
    for path in tree.files("embed/*"):
        if path.endswith(".c"):
            yield program(
                tree, "dev", "embed", stem(path), counter="cmocka", limit=300, env=env
            )
        elif "." not in path and os.path.isfile(os.path.join(tree.root, path)):
            yield Part(f"embed.{stem(path)}", [path], "lines", 900)


def embed_torture(tree):
    """Those that do less in ./dev test, in full."""
    env = {"MOONCREW_HELPER": tree.binary(), "MOONCREW_TORTURE": "full"}
    part = program(tree, "dev", "embed", "helper_memory", counter="cmocka", limit=3600, env=env)
    part.name = "torture.embed.helper_memory"
    return [part]


def embed_sanitized(tree, full=False):
    """Those with threads under ThreadSanitizer, nearly all under AddressSanitizer: the host is,
    its helper is the usual one, which can't load a library that is."""
    env = SANITIZERS | {
        "MOONCREW_HELPER": tree.binary(),
        "MOONCREW_TEST_LIBRARY": os.path.join(tree.folder("dev"), "tests", "embed_library.so"),
    }
    env["TSAN_OPTIONS"] += ":suppressions=tests/embed/tsan.supp"
    kinds = (("tsan", ("threads", "objects")), ("asan", ASAN_HOSTS))
    for preset, names in (("asan", ASAN_FORKING_HOSTS),) if full else kinds:
        for name in names:
            part = program(tree, preset, "embed", name, counter="cmocka", limit=600, env=env)
            part.name = f"{preset}.{part.name}"
            yield part


def packages(tree, full=False):
    """tests/package/NAME: what is installed, beside the library; they build what they install.
    One takes minutes and the network."""
    for path in tree.files("package/*"):
        if "." not in path and full == (stem(path) == "clean_root"):
            yield Part(f"package.{stem(path)}", [path], "lines", 3600 if full else 900,
                       tree.binary(), "dev", "mooncrew")


def models(_tree, full=False):
    """tests/model/*.pml in spin, each also with a rule left out that must be noticed."""
    env = {"MOONCREW_TORTURE": "full" if full else "thin"}
    return [Part("model", ["tests/model/run"], "lines", 7200 if full else 600, env=env)]


def bench(tree):
    """The benchmarks with small counts: their results are checked here, not their speeds. What
    is counted in instructions is a test of its own."""
    binary = tree.binary()
    command = ["tests/bench/run", "--quick"]
    return [
        Part("bench", command, "lines", 300, binary, "dev", "bench_programs"),
        Part("bench.tools", ["tests/bench/tools/run", "--quick"], "lines", 300, binary, "dev",
             "mooncrew"),
        Part("bench.scaling", ["tests/bench/run", "scaling", "--quick"], "lines", 300, binary,
             "dev", "mooncrew"),
        Part("bench.selftest", ["tests/bench/selftest"], "lines"),
        *(Part(f"bench.{name}", [f"tests/bench/{name}"], "lines", 600, binary, "dev", "mooncrew")
          for name in ("startup", "instructions")),
    ]


def threads(tree):
    """tests/threads/NAME.c under ThreadSanitizer: cmocka, or PASS and FAIL lines."""
    for path in tree.files("threads/*.c"):
        with open(os.path.join(tree.root, path), encoding="utf-8") as file:
            counter = "cmocka" if "cmocka.h" in file.read() else "lines"
        yield program(
            tree, "tsan", "threads", stem(path), counter=counter, limit=300, env=SANITIZERS
        )


def asan(tree, everything=False):
    """The units under AddressSanitizer, and everything else when asked for."""
    found = list(units(tree, "asan", SANITIZERS))
    if everything:
        found += specs(tree, "asan", SANITIZERS)
    for part in found:
        part.name = f"asan.{part.name}"
        part.limit *= 2
        yield part


def memcheck(tree):
    """The units under valgrind, which sees reads of what was never written too. Without those
    that lower the limits of a process, which would be valgrind's, or detach a program by a clone
    that valgrind can't follow."""
    for part, path in zip(units(tree), tree.files("unit/*/*.c"), strict=True):
        with open(os.path.join(tree.root, path), encoding="utf-8") as file:
            if re.search("setrlimit|mc_limit|mc_sandbox|mc_detach", file.read()):
                continue
        part.name = f"valgrind.{part.name}"
        part.command = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
                        "--errors-for-leak-kinds=definite",
                        "--suppressions=tests/runner/valgrind.supp", *part.command]
        part.limit *= 10
        yield part


def fuzz(tree):
    """Each fuzzer over its corpus, once, without mutation."""
    for path in tree.files("fuzz/*.c"):
        name = stem(path)
        corpus = os.path.join("tests", "fuzz", "corpus", name)
        part = program(tree, "fuzz", "fuzz", name, env=SANITIZERS)
        part.command += ["-runs=0", "-artifact_prefix={results}/", corpus]
        if os.path.isdir(os.path.join(tree.root, corpus)):
            yield part


def quick(tree):
    """What is to be run before every commit."""
    parts = [*lints(tree), *units(tree), *specs(tree)]
    return [part for part in parts if part.name not in SLOW]


def select(tree, suite):
    """The parts of a suite, in the order in which they run."""
    every = {
        "lint": lambda: [*lints(tree), *tidy(tree)],
        "quick": lambda: quick(tree),
        "test": lambda: [
            *lints(tree), *units(tree), *specs(tree), *regress(tree), *embed(tree), *torture(tree),
            *models(tree), *bench(tree), *threads(tree), *asan(tree), *embed_sanitized(tree),
            *fuzz(tree), *packages(tree),
        ],
        "asan": lambda: list(asan(tree, everything=True)),
        "tsan": lambda: list(threads(tree)),
        "torture": lambda: [
            *memcheck(tree), *torture(tree, full=True), *embed_torture(tree),
            *models(tree, full=True), *embed_sanitized(tree, full=True),
            *packages(tree, full=True),
        ],
    }
    return every[suite]()


def with_builds(parts, whole):
    """Puts a build before the first part that needs it: of everything, or of what is needed."""
    targets = {}
    for part in parts:
        if part.preset:
            targets.setdefault(part.preset, []).append(part.target)
    done = set()
    for part in parts:
        if part.preset and part.preset not in done:
            done.add(part.preset)
            names = sorted(set(targets[part.preset]))
            if "all" in names or (whole and part.preset == "dev"):
                names = []
            command = ["cmake/build", part.preset, "-k", "0", *names]
            yield Part(f"build.{part.preset}", command, limit=1800)
        yield part
