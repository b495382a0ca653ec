#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Which lines and branches of the driver the host tests reach: runs the given programs, which were
built with `gcc --coverage` under the folder OBJECTS, then prints a table by gcov's figures. The
exit status is 0 only when the total of each room reaches LINES and BRANCHES.

usage: coverage.py [--missing] [--jobs N] OBJECTS program ...
"""
from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[1]
LINES, BRANCHES = 95.0, 90.0  # per cent
ROOMS = ("drivers/iommu/", "drivers/acpi/")
SEQUENCES = "20000"  # of test_api_random, which makes a million otherwise


class File:
    """How often each line and each branch of a line ran, in whichever object."""

    def __init__(self) -> None:
        self.lines: dict[int, int] = defaultdict(int)
        self.branches: dict[tuple[int, int], int] = defaultdict(int)

    def add(self, line: dict) -> None:
        number = line["line_number"]
        self.lines[number] += line["count"]
        for n, branch in enumerate(line["branches"]):
            self.branches[number, n] += branch["count"]

    def missing(self) -> str:
        lines = [str(n) for n, count in sorted(self.lines.items()) if not count]
        halves = sorted({n for (n, _), count in self.branches.items()
                         if not count and self.lines[n]})
        return f"lines {' '.join(lines) or '-'}; branches at {' '.join(map(str, halves)) or '-'}"


def run_program(program: Path) -> str:
    """What it said, when it failed."""
    done = subprocess.run([program.resolve()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          env={**os.environ, "SEQUENCES": SEQUENCES})
    return f"{program.name}: status {done.returncode}\n{done.stdout}" if done.returncode else ""


def read_gcov(notes: Path) -> Iterator[dict]:
    """The files of one object, as `gcov --json-format` has them."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["gcov", "--json-format", "--branch-probabilities", notes.resolve()],
                       cwd=folder, capture_output=True, check=True)
        for path in Path(folder).glob("*.gcov.json.gz"):
            yield from json.loads(gzip.decompress(path.read_bytes()))["files"]


def gather(objects: Path, jobs: int) -> dict[str, File]:
    files: dict[str, File] = defaultdict(File)
    notes = sorted(objects.rglob("*.gcno"))
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(lambda path: list(read_gcov(path)), notes):
            for file in found:
                name = os.path.relpath(ROOT / file["file"], ROOT)
                if name.startswith(ROOMS):
                    for line in file["lines"]:
                        files[name].add(line)
    return files


def share(counts: list[int]) -> float:
    return 100.0 * sum(count != 0 for count in counts) / len(counts) if counts else 100.0


def print_row(name: str, lines: list[int], branches: list[int]) -> bool:
    good = share(lines) >= LINES and share(branches) >= BRANCHES
    print(f"{name:38} {len(lines):6} {share(lines):6.1f} {len(branches):9} "
          f"{share(branches):6.1f}{'' if good else '  below'}")
    return good


def print_total(room: str, files: dict[str, File]) -> bool:
    """Of a room, which has files."""
    own = [file for name, file in files.items() if name.startswith(room)]
    return print_row(f"all of {room}", [n for f in own for n in f.lines.values()],
                     [n for f in own for n in f.branches.values()]) and bool(own)


def main() -> int:
    parser = argparse.ArgumentParser(description="Coverage of the driver by the host tests.")
    parser.add_argument("--missing", action="store_true", help="name what is not reached")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="run so many at once")
    parser.add_argument("objects", type=Path)
    parser.add_argument("programs", nargs="+", type=Path)
    given = parser.parse_args()
    for old in given.objects.rglob("*.gcda"):
        old.unlink()
    with ThreadPoolExecutor(given.jobs) as pool:
        failed = [text for text in pool.map(run_program, given.programs) if text]
    if failed:
        print("\n".join(failed))
        return 1
    files = gather(given.objects, given.jobs)
    print(f"{'file':38} {'lines':>6} {'%':>6} {'branches':>9} {'%':>6}")
    for name, file in sorted(files.items()):
        if not print_row(name, list(file.lines.values()), list(file.branches.values())) \
                and given.missing:
            print(f"    {file.missing()}")
    good = all([print_total(room, files) for room in ROOMS])
    print(f"{'reached' if good else 'MISSED'}: lines {LINES} %, branches {BRANCHES} %")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
