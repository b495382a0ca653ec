# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Why a mutant may survive. Rows go by the text of the line, which must be in the file."""
from __future__ import annotations

from typing import NamedTuple

from workshop import Change


class Row(NamedTuple):
    path: str
    line: str  # a part of the line
    change: str  # a part of "old -> new"; "" for any
    reason: str


MESSAGE = "message only"
FASTER = "performance only"
SAME = "equivalent"

ROWS: tuple[Row, ...] = (
    Row("drivers/iommu/amdvi/regs.h", "CAPABILITY_PASIZE_WIDTH", "7 -> 6",
        f"{SAME}: no legal size is beyond 52"),
)


def reason_for(change: Change, line: str) -> str:
    if change.old.startswith(("log_write(", "unit->reason = ")):
        return MESSAGE
    for row in ROWS:
        if (row.path == change.path and row.line in line
                and row.change in f"{change.old} -> {change.new}"):
            return row.reason
    return "no reason known: a test is missing"
