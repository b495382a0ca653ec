#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""`make bench`: the host programs and the image, measured and held to the goals, in one table and in
build/bench/bench.json. `--gates` judges what `make check` holds to: counts, of the same programs.

usage: bench.py [--gates] [host program ...]
"""
from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Iterable

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
sys.path[:0] = [str(ROOT / "tests/qemu"), str(ROOT / "tests/bench")]

from emulator import Emulator, SetupError, find_emulator  # noqa: E402
from goals import AMD_UNIT, CHECKED, GOALS, RATIO_SLACK, Goal  # noqa: E402
from machine import Machine  # noqa: E402
from session import Session  # noqa: E402
from tally import Result  # noqa: E402

BEGIN, END, CLOSE = 1, 2, 3  # include/driver_bench.h
PLUGIN_APIS = ((11, 7), (10, 4), (7, 1))  # the first QEMU of each that is tried
PROGRAM_SECONDS = 300.0
TIMES_ALONE = ("scaling_bench",)  # programs that have nothing for a gate, and take turns themselves
COUNTING = ("allocator_bench", "invalidation_bench", f"invalidation_bench{AMD_UNIT}", "pt_bench")
TURNS = 20  # runs of a program, for its times
TIMES = ("ns", "times")  # units
COUNTED_COMPILER = "12"
IMAGE_SECONDS = 180.0
DISK_BYTES = 8 << 20
STRICT = {"bench": "1"}
PASS_THROUGH = {"dmaguard": "allow", "bench": "pass"}
RUNS = {"strict": STRICT, "pass": PASS_THROUGH}
UNITS = {"intel": "", "amd": AMD_UNIT}  # which the image is run on, and how its rows' names end
# Row, which run of the image, how it reads, and what of the base it is compared with. A pool's take
# and give are no less a price of protection than its mapping, and so is what a pass-through domain
# leaves to do: the base reads to buffers that are simply there.
READS = (
    ("D.pass-through", "pass", "read-4K-pass", "read-4K-bare"),
    ("D.strict", "strict", "read-4K", "read-4K"),
    ("D.strict-128K", "strict", "read-128K", "read-128K"),
    ("D.pool", "strict", "read-4K-pool", "read-4K-bare"),
)
CASE = re.compile(r"\bcase (\S+) ([\d.e+-]+) (\S+) limit ([\d.e+-]+)")
LEFT_OUT = re.compile(r"^left out (\S+): (.+)$")
COUNT = re.compile(r"\bcount (\S+) (\d+)\s*$")


@dataclass
class Row:
    """What was measured of one case; None: not this."""

    name: str
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    instructions: float | None = None
    left_out: str = ""  # why, when its own program could not measure it

    def take(self, case: re.Match[str]) -> None:
        """One more result of the case. What else the machine does only adds to a time, so the
        least counts, of the limit's too; of a count the greatest."""
        self.unit = case[3]
        better = min if self.unit in TIMES else max
        value = float(case[2])
        limit = float(case[4]) if case[4] != "-" else None
        self.value = value if self.value is None else better(self.value, value)
        if limit is not None:
            self.limit = limit if self.limit is None else better(self.limit, limit)

    def excuse(self) -> str:
        """Why there is nothing, if that is no failure."""
        if self.value is not None or self.instructions is not None:
            return ""
        return self.left_out

    def ratio(self) -> float | None:
        return self.value / self.limit if self.limit and self.value is not None else None

    def problems(self, goal: Goal, slack: float = 1) -> list[str]:
        """Each part of the goal that is missed, or was not measured."""
        ratio = goal.ratio and goal.ratio * (slack if self.unit == "ns" else 1)
        asked = (
            ("ratio", self.ratio(), ratio),
            ("instructions", self.instructions, goal.instructions),
            ("value", self.value, goal.value),
        )
        wrong = [what for what, got, most in asked if most is not None and (got is None or got > most)]
        if goal.below is not None and (self.value is None or self.value >= goal.below):
            wrong.append("value")
        return wrong

    def exact(self, goal: Goal) -> Goal:
        """The part of the goal that no other load of the machine can change."""
        return replace(goal, ratio=None) if self.unit == "ns" else goal

    def record(self, goal: Goal) -> dict[str, object]:
        value, unit = (self.instructions, "instructions") if self.value is None else (
            self.value, self.unit)
        return {
            "case": self.name, "value": rounded(value), "unit": unit,
            "limit": rounded(self.limit), "ratio_to_limit": rounded(self.ratio()),
            "instructions": rounded(self.instructions), "goal": goal.text(),
            "ok": not self.problems(goal),
        }


def rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


class Rows(dict[str, Row]):
    def read(self, lines: Iterable[str], suffix: str = "") -> None:
        """The lines of tests/bench/bench.h, wherever they stand in a log line."""
        for line in lines:
            if match := CASE.search(line):
                self.row(match[1] + suffix).take(match)
            elif match := LEFT_OUT.search(line):
                self.row(match[1] + suffix).left_out = match[2]

    def row(self, name: str) -> Row:
        return self.setdefault(name, Row(name))


def read_counts(lines: Iterable[str], marks: str) -> dict[str, float]:
    """Instructions for each operation: the nth result of the plugin is the nth count line's."""
    results, total, begin = [], 0, None
    for line in marks.splitlines():
        number, at = map(int, line.split())
        if number == BEGIN:
            begin = at
        elif number == END and begin is not None:
            total, begin = total + at - begin, None
        elif number == CLOSE:
            results.append(total)
            total = 0
    names = [match for match in map(COUNT.search, lines) if match]
    if len(names) != len(results):
        raise SetupError(f"{len(names)} counts were named and {len(results)} were taken.")
    return {name[1]: result / int(name[2]) for name, result in zip(names, results)}


def plugin(version: tuple[int, ...], out: Path) -> list[str]:
    api = next(api for first, api in PLUGIN_APIS if version[0] >= first)
    return ["-plugin", f"{FOLDER / f'plugin-{api}.so'},out={out}"]


def run_program(command: list[str], **environment: str) -> list[str]:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        timeout=PROGRAM_SECONDS, env={**os.environ, **environment},
    )
    if done.returncode:
        raise SetupError(f"{Path(command[-1]).name} ended with status {done.returncode}.")
    return done.stdout.splitlines()


def user_version() -> tuple[int, ...]:
    text = run_program(["qemu-x86_64", "--version"])[0]
    return tuple(map(int, re.findall(r"\d+", text.partition("version")[2])))


def run_host(program: Path, rows: Rows) -> None:
    out = FOLDER / f"{program.name}.marks"
    for _ in range(1 if program.name in TIMES_ALONE else TURNS):
        rows.read(run_program([str(program)]))
    command = ["qemu-x86_64", *plugin(user_version(), out), str(program)]
    lines = run_program(command, BENCH_COUNT="1")
    for name, count in read_counts(lines, out.read_text()).items():
        rows.row(name).instructions = count


def run_image(
    image: Path, emulator: Emulator, iommu: str, name: str, options: dict[str, str]
) -> tuple[list[str], dict[str, float]]:
    """Console lines and counts; without the devices that other drivers would work meanwhile."""
    folder = FOLDER / f"{name}-{iommu}"
    out = folder / "marks"
    disk = {"driver": "null-co", "size": DISK_BYTES, "read-zeroes": True}
    machine = Machine(
        emulator, image, iommu, disk_node=disk, options=options, edu=False, hda=False,
        extra=["-m", "1G", *plugin(emulator.version, out)],
    )
    outcome = Session(machine, folder, lambda _line: None).run(IMAGE_SECONDS)
    if not outcome.report["complete"]:
        raise SetupError(f"{folder.name}: {outcome.report['reason']}")
    return outcome.console, read_counts(outcome.console, out.read_text())


def read_unit(
    suffix: str, runs: dict[str, dict[str, float]], base: dict[str, float], rows: Rows
) -> None:
    """The counts of one unit's runs. D is the difference to the base."""
    for name, count in runs["strict"].items():
        if name + suffix in GOALS:
            rows.row(name + suffix).instructions = count
    for name, run, read, compared in READS:
        if read in runs[run] and compared in base:
            rows.row(name + suffix).instructions = runs[run][read] - base[compared]


def run_images(rows: Rows) -> None:
    """The base has no protection, whatever unit there is, and so is measured once. Nothing here is
    a time, so two images run at once."""
    emulator = find_emulator(os.environ.get("QEMU") or "qemu-system-x86_64")
    image = ROOT / "build/bulkhead.efi"
    with ThreadPoolExecutor(max_workers=2) as pool:
        base = pool.submit(run_image, FOLDER / "base.efi", emulator, "intel", "base", STRICT)
        outcomes = {(iommu, name): pool.submit(run_image, image, emulator, iommu, name, options)
                    for iommu in UNITS for name, options in RUNS.items()}
    for iommu, suffix in UNITS.items():
        rows.read(outcomes[iommu, "strict"].result()[0], suffix)
        runs = {name: outcomes[iommu, name].result()[1] for name in RUNS}
        read_unit(suffix, runs, base.result()[1], rows)


def compiler() -> str:
    """Major version of the gcc that made what is counted."""
    done = subprocess.run(["gcc", "-dumpversion"], capture_output=True, text=True, check=True)
    return done.stdout.strip().split(".")[0]


def gate(row: Row, goal: Goal) -> Result:
    if row.instructions is not None and compiler() != COUNTED_COMPILER:
        reason = f"instructions are held to gcc {COUNTED_COMPILER}, Debian 12's"
        return Result(f"bench {row.name}", "skip", [reason])
    goal = row.exact(goal)
    got = row.value if row.instructions is None else row.instructions
    text = "nothing" if got is None else f"{got:.6g}"
    wrong = row.problems(goal)
    return Result(f"bench {row.name} {text}, {goal.text()}", "FAIL" if wrong else "ok", wrong)


def gates() -> list[Result]:
    """The gates that hold, for `make check`."""
    rows = Rows()
    try:
        for name in COUNTING:
            run_host(FOLDER / name, rows)
        run_images(rows)
    except (SetupError, OSError, subprocess.TimeoutExpired) as error:
        return [Result("bench", "FAIL", [str(error)])]
    return [gate(rows.row(name), GOALS[name]) for name in CHECKED]


def verdict(row: Row) -> str:
    goal = GOALS.get(row.name)
    if goal is None:
        return ""
    if row.excuse():
        return "none"
    if row.problems(goal, RATIO_SLACK):
        return "MISS"
    return "near" if row.problems(goal) else "ok"


def show(rows: Rows) -> list[dict[str, object]]:
    """Prints the table; returns the records of the cases that have a goal, in the suite's order. A
    case that was not measured is in it too."""
    print(f"{'case':22} {'value':>10} {'unit':12} {'limit':>9} {'ratio':>7} {'instr.':>10}  goal")
    records = []
    for name in [*GOALS, *sorted(rows.keys() - GOALS.keys() - {"-"})]:
        record = rows.row(name).record(GOALS.get(name, Goal()))
        cells = ["" if record[k] is None else str(record[k])
                 for k in ("value", "limit", "ratio_to_limit", "instructions")]
        print(f"{name:22} {cells[0]:>10} {record['unit']:12} {cells[1]:>9} {cells[2]:>7} "
              f"{cells[3]:>10}  {verdict(rows[name]):4} {record['goal']}")
        if name in GOALS and verdict(rows[name]) != "none":
            records.append(record)
    return records


def main() -> int:
    parser = argparse.ArgumentParser(description="The benchmarks.")
    parser.add_argument("--gates", action="store_true", help="the gates of make check alone")
    parser.add_argument("programs", nargs="*", type=Path, help="host benchmark programs")
    arguments = parser.parse_args()
    if arguments.gates:
        results = gates()
        for result in results:
            print(f"{result.outcome:4} {result.name}")
        return 1 if any(r.outcome == "FAIL" for r in results) else 0
    rows = Rows()
    try:
        for program in arguments.programs:
            run_host(program, rows)
        run_images(rows)
    except (SetupError, OSError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    records = show(rows)
    (FOLDER / "bench.json").write_text(json.dumps(records, indent=1) + "\n")
    for name in GOALS:
        if rows[name].excuse():
            print(f"bench: {name}: {rows[name].excuse()}")
    missed = [name for name in GOALS if verdict(rows[name]) == "MISS"]
    met = sum(bool(record["ok"]) for record in records)
    print(f"bench: {met} of {len(records)} goals met; missed: {' '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
