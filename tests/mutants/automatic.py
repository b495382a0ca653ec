# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Automatic mutants: a choice of all changes that points.py knows, each against the tests that link
the file, the fastest first."""
from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Iterator, Sequence

from points import changes_in
from reasons import reason_for
from workshop import HOST, PLAIN, Change, Mutant, Workshop, lines_at, processor_time, run

FOLDERS = tuple(f"drivers/iommu/{name}" for name in ("core", "paging", "vtd", "amdvi"))
# Slower programs are left out, by their processor time without sanitizers: others do their work in
# less.
SLOWEST = 5.0
SLOWEST_SANITIZED = 0.25
# What a changed program may need: so many seconds, and so many times what it needs unchanged.
SLACK = 5.0
FACTOR = 5.0
FACTOR_SANITIZED = 40.0
LINKING = 0.3


@dataclass
class Outcome:
    change: Change
    kind: str  # "killed", "survived", "left out" (no object, or the same code)
    detail: str = ""


class Range:
    """The tests, without and with sanitizers, and the time that each needs without."""

    def __init__(self) -> None:
        self.plain, self.sanitized = Workshop(PLAIN), Workshop(HOST)
        self.seconds: dict[str, float] = {}
        for program in self.plain.programs:
            before, outcome = processor_time(), run(program, SLOWEST)
            if not outcome.passed and not outcome.hung:
                raise SystemExit(f"{program.name}: {outcome.failed} fails without any change")
            self.seconds[program.name] = processor_time() - before
        for program in self.sanitized.programs:
            if self.seconds.get(program.name, SLOWEST) < SLOWEST_SANITIZED:
                outcome = run(program, SLACK + FACTOR_SANITIZED * SLOWEST_SANITIZED)
                if not outcome.passed:
                    raise SystemExit(f"{program.name}: {outcome.failed} fails without any change")
        self.kills: Counter[str] = Counter()
        self._tests: dict[tuple[Path, str], list[Path]] = {}

    def tests_of(self, workshop: Workshop, path: str) -> list[Path]:
        """Those that link what the file is part of, the fastest first, and those that have found
        much before others."""
        key = (workshop.folder, path)
        if key not in self._tests:
            self._tests[key] = workshop.programs_with(path)
        return sorted(self._tests[key], key=lambda program: (
            (LINKING + self.seconds[program.name]) / (1 + self.kills[program.name])))

    def judge(self, change: Change) -> Outcome:
        """Without sanitizers first, which is several times as fast."""
        outcome = self.attempt(self.plain, change, SLOWEST, FACTOR)
        if outcome.kind == "survived":
            outcome = self.attempt(self.sanitized, change, SLOWEST_SANITIZED, FACTOR_SANITIZED)
        return outcome

    def attempt(self, workshop: Workshop, change: Change, slowest: float,
                factor: float) -> Outcome:
        tests = [p for p in self.tests_of(workshop, change.path) if self.seconds[p.name] < slowest]
        with Mutant(workshop, change) as mutant:
            wrong = mutant.compile(tests, "-g0")
            if wrong or mutant.same_code():
                return Outcome(change, "left out", wrong or "the same code")
            for test in tests:
                outcome = run(mutant.link(test), SLACK + factor * self.seconds[test.name])
                self.kills[test.name] += not outcome.passed
                if outcome.hung:
                    return Outcome(change, "killed", f"{test.name} runs for ever")
                if outcome.failed:
                    return Outcome(change, "killed", f"{test.name} {outcome.failed}")
        return Outcome(change, "survived")


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
    number, old = lines_at(text, change.at)
    _, new = lines_at(change.apply(text), change.at)
    dropped = "" if change.new else f"dropped: {' '.join(change.old.split())} | "
    return f"{change.path}:{number}: {dropped}{old} -> {new}"


def run_automatic(seed: str, count: int, jobs: int) -> tuple[int, int, int]:
    """Prints a line for each mutant. (killed, all, survivors without a reason)"""
    tests = Range()
    workshop = tests.plain
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
    print(f"\n{counts['left out']} left out: they do not compile, or to the same code\n"
          f"{processor_time():.0f} s of processor time with the named ones")
    unexplained = list_survivors(workshop, survivors)
    return counts["killed"], counts["killed"] + counts["survived"], unexplained


def list_survivors(workshop: Workshop, survivors: Sequence[Outcome]) -> int:
    """How many have no reason."""
    unexplained = 0
    print(f"{len(survivors)} survivors:")
    for outcome in sorted(survivors, key=lambda o: (o.change.path, o.change.at)):
        reason = reason_for(outcome.change, workshop.read(outcome.change.path))
        unexplained += not reason
        print(f"  {told(workshop, outcome)}\n      {reason or 'NO REASON KNOWN: a test is missing'}")
    return unexplained
