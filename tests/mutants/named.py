# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Named mutants: faults that drivers of IOMMUs have had, by the numbers of their class. Each must
be killed by the test that stands beside it, in its build for each vendor whose units the fault
concerns; a row whose text is not in its file, once, fails."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

from rows_entries import ROWS as ENTRIES
from rows_lifetime import ROWS as LIFETIME
from rows_tables import ROWS as TABLES
from tally import Result
from workshop import HOST, SECOND_UNIT, Change, Mutant, Rotten, Workshop, run

# Of processor time. Whoever needs more hangs, which kills only where a row says so.
SECONDS = 30.0
SECONDS_HANGING = 5.0
HANGS = " hangs"


class Row(NamedTuple):
    """`old` in the file becomes `new`. The test is "program test", with HANGS behind it where it
    then runs for ever. `only`: the one vendor at whose units what all share can be wrong."""

    fault: int
    name: str
    path: str
    old: str
    new: str
    test: str
    only: str = ""

    @property
    def program(self) -> str:
        return self.test.split(" ")[0]

    @property
    def vendors(self) -> tuple[str, ...]:
        """Whose units it concerns, by its file and by what its test runs on."""
        words = {self.only, Path(self.path).parent.name, *self.program.split("_")}
        return tuple(vendor for vendor in VENDORS if vendor in words) or VENDORS

    def builds(self, folder: Path) -> list[Path]:
        """Its program, for each vendor where there are two."""
        second = folder / f"{self.program}{SECOND_UNIT}"
        return list(dict.fromkeys(
            second if vendor == AMDVI and second.exists() else folder / self.program
            for vendor in self.vendors))


CLASSES = range(1, 54)
VTD, AMDVI = "vtd", "amdvi"
VENDORS = (VTD, AMDVI)
# Classes that cannot occur here, at one vendor's units or at all, and why.
ABSENT: tuple[tuple[tuple[int, ...], tuple[str, ...], str], ...] = (
    ((14, 43, 45), VENDORS, "interrupt remapping is not driven"),
    ((16,), VENDORS, "no device has ATS on"),
    ((42,), VENDORS, "no option reaches this part"),
    ((41, 44), (VTD,), "all that concerns interrupts is remapping, which is not driven"),
    ((40,), (VTD,), "root and context tables have an entry for every requester there can be"),
    ((4, 5), (AMDVI,), "its walks are coherent: no entry is written back for it"),
    ((7,), (AMDVI,), "no bit of its control register is one-shot"),
    ((20,), (AMDVI,), "it has no invalidation by registers"),
)


def rows() -> list[Row]:
    return [Row(*row) for row in (*ENTRIES, *LIFETIME, *TABLES)]


def lacking(table: Sequence[Row]) -> list[str]:
    """Classes without a mutant, by vendor."""
    there = {(row.fault, vendor) for row in table for vendor in row.vendors}
    there |= {(fault, vendor) for faults, by, _ in ABSENT for fault in faults for vendor in by}
    return [f"{fault} ({vendor})" for fault in CLASSES for vendor in VENDORS
            if (fault, vendor) not in there]


def change_of(workshop: Workshop, row: Row) -> Change:
    text = workshop.read(row.path)
    if text.count(row.old) != 1:
        raise Rotten(f"its text is {text.count(row.old)} times in {row.path}")
    return Change(row.path, text.index(row.old), row.old, row.new)


def judge(workshop: Workshop, row: Row) -> Result:
    """Killed by its own test in every build, or FAIL with the reason."""
    hangs = row.test.endswith(HANGS)
    test = row.test.removesuffix(HANGS).split(" ")[1]
    programs = row.builds(HOST)
    by = " and ".join(program.name for program in programs)
    name = f"mutant {row.fault:02} {row.name}, killed by {by} {test}"
    try:
        with Mutant(workshop, change_of(workshop, row)) as mutant:
            wrong = mutant.compile(programs, "-O0", "-g0")
            if wrong:
                return Result(name, "FAIL", ["it does not compile", wrong])
            for program in programs:
                outcome = run(mutant.link(program), SECONDS_HANGING if hangs else SECONDS, test)
                if outcome.failed != test or outcome.hung != hangs:
                    what = "runs for ever" if outcome.hung else f"failed: {outcome.failed or 'none'}"
                    return Result(name, "FAIL", [*outcome.lines, f"{program.name} {what}"])
    except Rotten as why:
        return Result(name, "FAIL", [str(why)])
    return Result(name, "ok", [])


def run_named(jobs: int) -> Iterator[Result]:
    workshop = Workshop(HOST)
    table = rows()
    missing = lacking(table)
    if missing:
        yield Result("mutant classes", "FAIL", [f"without a mutant: {', '.join(missing)}"])
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda row: judge(workshop, row), table)
