# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Results of tests, and their count."""
from __future__ import annotations

from dataclasses import dataclass

DETAIL_LINES = 15


@dataclass
class Result:
    name: str
    outcome: str  # "ok", "FAIL", "skip"
    details: list[str]


class Tally:
    """Counts and prints, one line a test."""

    def __init__(self) -> None:
        self._counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def add(self, result: Result) -> None:
        self._counts[result.outcome] += 1
        aside = f": {result.details[0]}" if result.outcome == "skip" and result.details else ""
        print(f"{result.outcome:4} {result.name}{aside}", flush=True)
        if result.outcome == "FAIL":
            for line in result.details[-DETAIL_LINES:]:
                print(f"       {line}", flush=True)

    def close(self) -> int:
        passed, failed, skipped = (self._counts[k] for k in ("ok", "FAIL", "skip"))
        print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
        return 1 if failed or not passed else 0
