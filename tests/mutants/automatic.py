# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Automatic mutants: a choice of all changes that points.py knows, each against the tests that link
the file, the fastest first."""
from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Iterator, Sequence

from points import changes_in
from reasons import reason_for
from workshop import Change, Mutant, Workshop, lines_at, run, spent

FOLDERS = tuple(f"drivers/iommu/{name}" for name in ("core", "paging", "vtd", "amdvi"))
SLOWEST = 15.0  # programs that need more processor time are left out: others do their work in less
SLACK = 5.0     # what a changed program may need: so much longer, and this many seconds more


@dataclass
class Outcome:
    change: Change
    kind: str  # "killed", "survived", "left out" (no object, or the same code)
    detail: str


class Range:
    """The tests, with the time that each needs."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.seconds: dict[Path, float] = {}
        for program in workshop.programs:
            seconds, outcome = spent(program)
            if not outcome.passed:
                raise SystemExit(f"{program.name}: {outcome.failed} fails without any change")
            self.seconds[program] = seconds
        self._files: dict[str, list[Path]] = {}

    def tests_of(self, path: str) -> list[Path]:
        if path not in self._files:
            useful = [p for p in self.workshop.programs_with(path) if self.seconds[p] < SLOWEST]
            self._files[path] = sorted(useful, key=self.seconds.__getitem__)
        return self._files[path]

    def judge(self, change: Change) -> Outcome:
        with Mutant(self.workshop, change) as mutant:
            tests = self.tests_of(change.path)
            wrong = mutant.compile(tests, "-g0")
            if wrong:
                return Outcome(change, "left out", wrong)
            for test in tests:
                limit = SLACK + SLACK * self.seconds[test]
                outcome = run(mutant.link(test), limit)
                if outcome.hung:
                    return Outcome(change, "killed", f"{test.name} runs for ever")
                if outcome.failed:
                    return Outcome(change, "killed", f"{test.name} {outcome.failed}")
            if mutant.same_code():
                return Outcome(change, "left out", "the same code")
        return Outcome(change, "survived", "")


def choose(changes: dict[str, list[Change]], seed: str) -> Iterator[Change]:
    """All of them, evenly over the files."""
    orders = []
    for path, own in changes.items():
        order = list(own)
        random.Random(f"{seed} {path}").shuffle(order)
        orders.append(order)
    for row in zip_longest(*orders):
        yield from (change for change in row if change)


def told(workshop: Workshop, outcome: Outcome) -> str:
    change = outcome.change
    text = workshop.read(change.path)
    number, line = lines_at(text, change.at)
    old, new = (" ".join(part.split()) for part in (change.old, change.new))
    what = f"{old} -> {new}" if new else f"dropped: {old}"
    return f"{change.path}:{number}: {what} | {line}"


def run_automatic(seed: str, count: int, jobs: int) -> tuple[int, int]:
    """Prints a line for each mutant. (killed, all)"""
    workshop = Workshop()
    tests = Range(workshop)
    chosen = choose(changes_in(workshop, FOLDERS), seed)
    counts = {"killed": 0, "survived": 0, "left out": 0}
    survivors: list[Outcome] = []
    with ThreadPoolExecutor(jobs) as pool:
        while counts["killed"] + counts["survived"] < count:
            missing = count - counts["killed"] - counts["survived"]
            batch = list(islice(chosen, missing))
            if not batch:
                break
            for outcome in pool.map(tests.judge, batch):
                counts[outcome.kind] += 1
                detail = f" ({outcome.detail})" if outcome.detail else ""
                print(f"{outcome.kind:8} {told(workshop, outcome)}{detail}", flush=True)
                if outcome.kind == "survived":
                    survivors.append(outcome)
    print(f"\n{counts['left out']} left out: they do not compile, or to the same code")
    list_survivors(workshop, survivors)
    return counts["killed"], counts["killed"] + counts["survived"]


def list_survivors(workshop: Workshop, survivors: Sequence[Outcome]) -> None:
    print(f"{len(survivors)} survivors:")
    for outcome in sorted(survivors, key=lambda o: (o.change.path, o.change.at)):
        reason = reason_for(outcome.change, lines_at(workshop.read(outcome.change.path),
                                                     outcome.change.at)[1])
        print(f"  {told(workshop, outcome)}\n      {reason}")
