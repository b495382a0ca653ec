# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Named mutants: faults that drivers of IOMMUs have had, by the numbers of their class. Each must
be killed by the test that stands beside it; a row whose text is not in its file, once, fails."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, NamedTuple

from rows_entries import ROWS as ENTRIES
from rows_lifetime import ROWS as LIFETIME
from rows_tables import ROWS as TABLES
from tally import Result
from workshop import HOST, Change, Mutant, Rotten, Workshop, run

SECONDS = 30.0  # of processor time; whoever needs more hangs, which kills only where a row says so


class Row(NamedTuple):
    """`old` in the file becomes `new`. The test is "program test", or "program" for one that runs
    for ever."""

    fault: int
    name: str
    path: str
    old: str
    new: str
    test: str


# Classes that cannot occur here, and why.
ABSENT = {
    14: "interrupt remapping is not driven", 16: "no device has ATS on",
    42: "no option reaches this part", 43: "interrupt remapping is not driven",
    45: "interrupt remapping is not driven",
}


def rows() -> list[Row]:
    return [Row(*row) for row in (*ENTRIES, *LIFETIME, *TABLES)]


def change_of(workshop: Workshop, row: Row) -> Change:
    text = workshop.read(row.path)
    if text.count(row.old) != 1:
        raise Rotten(f"its text is {text.count(row.old)} times in {row.path}")
    return Change(row.path, text.index(row.old), row.old, row.new)


def judge(workshop: Workshop, row: Row) -> Result:
    """Killed by its own test, or FAIL with the reason."""
    name = f"mutant {row.fault:02} {row.name}, killed by {row.test}"
    program, _, test = row.test.partition(" ")
    try:
        with Mutant(workshop, change_of(workshop, row)) as mutant:
            wrong = mutant.compile([HOST / program], "-O0", "-g0")
            if wrong:
                return Result(name, "FAIL", ["it does not compile", wrong])
            outcome = run(mutant.link(HOST / program), SECONDS, test)
    except Rotten as why:
        return Result(name, "FAIL", [str(why)])
    killed = outcome.hung if not test else outcome.failed == test and not outcome.hung
    what = "it runs for ever" if outcome.hung else f"failed: {outcome.failed or 'nothing'}"
    return Result(name, "ok" if killed else "FAIL", [] if killed else [*outcome.lines, what])


def run_named(jobs: int) -> Iterator[Result]:
    workshop = Workshop()
    table = rows()
    missing = set(range(1, 54)) - set(ABSENT) - {row.fault for row in table}
    if missing:
        yield Result("mutant classes", "FAIL", [f"without a mutant: {sorted(missing)}"])
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda row: judge(workshop, row), table)
