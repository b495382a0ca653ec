# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Builds host tests with one source changed, and runs them. Everything else is linked as make has
built it in a folder: objects under obj/, the compiler and its flags in flags, programs test_*."""
from __future__ import annotations

import filecmp
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/qemu"))

from host import CMOCKA  # noqa: E402

HOST = ROOT / "build/host"  # with sanitizers
PLAIN = ROOT / "build/mutants"  # without
FAILED = re.compile(r"^\[ *FAILED *\] (\w+)")
WALL_FACTOR = 20  # a process that sleeps uses no processor time: this ends it
SANITIZERS = {"ASAN_OPTIONS": "hard_rss_limit_mb=2048", "CMOCKA_MESSAGE_OUTPUT": "STDOUT"}
LINES_KEPT = 12


class Rotten(Exception):
    """A row of a table that is true no more."""


@dataclass(frozen=True)
class Change:
    """In the file, `old` at offset `at` is `new`."""

    path: str
    at: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        end = self.at + len(self.old)
        if text[self.at : end] != self.old:
            raise Rotten(f"{self.path} has changed at offset {self.at}")
        return text[: self.at] + self.new + text[end:]


@dataclass
class Run:
    """How a test program ended. `failed`: the test that failed, or in which the program ended."""

    failed: str = ""
    hung: bool = False
    lines: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.failed and not self.hung


def run(program: Path, seconds: float, awaited: str = "") -> Run:
    """Runs a cmocka program until its first failed test, or until the awaited one has ended.
    `seconds`: of processor time."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    own = {name: value for name, value in os.environ.items() if name != "SEED"}  # that of mutants
    outcome, running, last = Run(), "", deque[str](maxlen=LINES_KEPT)
    process = subprocess.Popen(
        [program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env={**own, **SANITIZERS}, preexec_fn=limit)
    alarm = threading.Timer(seconds * WALL_FACTOR, process.kill)
    alarm.start()
    assert process.stdout
    for line in process.stdout:
        last.append(line.rstrip())
        match = CMOCKA.match(line)
        if match is None:
            continue
        running = match[2] if match[1] == "RUN" else ""
        if match[1] == "FAILED" and (not awaited or awaited == match[2]):
            outcome.failed = match[2]
        if outcome.failed or match[2] == awaited and match[1] != "RUN":
            process.kill()
            break
    done = outcome.failed or (awaited and not running)
    process.stdout.close()
    status = process.wait()
    alarm.cancel()
    outcome.lines = list(last)
    if not done and status:
        outcome.hung = status in (-signal.SIGXCPU, -signal.SIGKILL)
        outcome.failed = running or "main"
    return outcome


def dependents(folder: Path) -> dict[str, list[Path]]:
    """Source or header -> the objects below a folder that are built from it."""
    found: dict[str, list[Path]] = {}
    for rule in sorted(folder.glob("**/*.d")):
        first = rule.read_text().replace("\\\n", " ").split("\n", 1)[0]
        for name in first.split(":", 1)[1].split():
            found.setdefault(name, []).append(rule.with_suffix(".o"))
    return found


def symbols(path: Path) -> set[str]:
    """Global names that an object or a program defines."""
    listed = subprocess.run(["nm", "-g", "--defined-only", "--format=posix", path],
                            capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return {line.split()[0] for line in listed.splitlines() if " T " in line or " R " in line
            or " D " in line}


SECOND_UNIT = "-amdvi"  # NAME-amdvi is built from the source of NAME


class Workshop:
    """What the changed programs are made from: HOST or PLAIN."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._objects = folder, folder / "obj"
        self.compiler = (folder / "flags").read_text().split()
        self.dependents = dependents(self._objects / "drivers")
        self.tests = dependents(self._objects / "tests/host")
        made = sorted(p for p in self._objects.rglob("*.o") if (ROOT / self.source_of(p)).exists())
        self.objects = [p for p in made if "tests/host" not in str(p)]
        self.programs = [p for p in sorted(folder.glob("test_*")) if self.object_of(p) in made]
        self._symbols: dict[Path, set[str]] = {}

    def object_of(self, program: Path) -> Path:
        return self._objects / "tests/host" / f"{program.name}.o"

    def source_of(self, made: Path) -> str:
        source = made.relative_to(self._objects).with_suffix(".c")
        return str(source).replace(SECOND_UNIT, "")

    def programs_with(self, path: str) -> list[Path]:
        """Those that link what is built from the file, or are built from it themselves."""
        return [p for p in self.programs if self.object_of(p) in self.tests.get(path, [])
                or self.links(p, self.dependents.get(path, []))]

    def links(self, program: Path, objects: Sequence[Path]) -> bool:
        for path in (program, *objects):
            if path not in self._symbols:
                self._symbols[path] = symbols(path)
        return any(self._symbols[program] & self._symbols[path] for path in objects)

    def read(self, path: str) -> str:
        return (ROOT / path).read_text()


class Mutant:
    """A changed source in a folder of its own; to use in a `with`."""

    def __init__(self, workshop: Workshop, change: Change) -> None:
        self._shop, self._change = workshop, change
        self._folder = Path()
        self._changed: dict[Path, Path] = {}  # object as it was built -> as it is now

    def __enter__(self) -> Mutant:
        made = self._shop.folder / "changed"
        made.mkdir(exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=made))
        text = self._change.apply(self._shop.read(self._change.path))
        copy = self._folder / self._change.path
        copy.parent.mkdir(parents=True)
        copy.write_text(text)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def compile(self, programs: Sequence[Path], *flags: str) -> str:
        """Its own objects, those that the programs link, and an archive of all. What is wrong, if
        anything is."""
        for old in self._shop.dependents.get(self._change.path, []):
            if not any(self._shop.links(program, [old]) for program in programs):
                continue
            new = self._folder / f"{len(self._changed)}.o"
            wrong = self.compile_one(self._shop.source_of(old), new, [*self._shop.compiler, *flags])
            if wrong:
                return wrong
            self._changed[old] = new
        archive = [str(self._changed.get(p, p)) for p in self._shop.objects]
        self._call("ar", "rcT", str(self._folder / "all.a"), *archive)
        return "" if self._changed else f"no linked object is built from {self._change.path}"

    def compile_one(self, source: str, made: Path, compiler: Sequence[str]) -> str:
        where = self._folder / source if source == self._change.path else Path(source)
        return self._call(compiler[0], f"-I{self._folder}", *compiler[1:], "-w", "-c", str(where),
                          "-o", str(made))

    def link(self, program: Path) -> Path:
        made, test = self._folder / program.name, self._shop.object_of(program)
        if test in self._shop.tests.get(self._change.path, []):
            test = self._rebuilt(test)
        wrong = self._call(*self._shop.compiler, str(test),
                           str(self._folder / "all.a"), "-Wl,-S", "-lcmocka", "-o", str(made))
        if wrong:
            raise Rotten(f"{program.name} cannot be linked: {wrong}")
        return made

    def _rebuilt(self, test: Path) -> Path:
        made = self._folder / test.name
        flags = ["-D_DEFAULT_SOURCE", "-DMODEL_ASAN=1", *["-DEVERY=5u"] * (self._shop.folder == PLAIN),
                 *["-DUNIT_AMDVI"] * (SECOND_UNIT in test.name)]
        wrong = self.compile_one(self._shop.source_of(test), made, [*self._shop.compiler, *flags])
        if wrong:
            raise Rotten(f"{test.name} cannot be built: {wrong}")
        return made

    def same_code(self) -> bool:
        """The compiler makes the same of both; without debug information only."""
        return all(filecmp.cmp(*pair, shallow=False) for pair in self._changed.items())

    @staticmethod
    def _call(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        return "" if not done.returncode else done.stderr.strip().split("\n")[0] or "it failed"


def processor_time() -> float:
    """Seconds that ended child processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lines_at(text: str, at: int) -> tuple[int, str]:
    """Number of the line of an offset, and the line."""
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return text.count("\n", 0, at) + 1, text[begin : end if end >= 0 else len(text)].strip()
