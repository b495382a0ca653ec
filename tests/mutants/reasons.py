# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Why a mutant may survive. Rows go by parts of the line, as it is and as it was changed."""
from __future__ import annotations

from typing import NamedTuple

from workshop import Change, lines_at


class Row(NamedTuple):
    path: str
    old: str
    new: str  # "" for any
    reason: str


SAME = "equivalent"
CORE, PAGING, AMDVI = (f"drivers/iommu/{name}" for name in ("core", "paging", "amdvi"))

ROWS: tuple[Row, ...] = (
    Row(f"{AMDVI}/regs.h", "CAPABILITY_PASIZE_WIDTH", "6",
        f"{SAME}: no legal size is beyond 52"),
    Row(f"{AMDVI}/regs.h", "CONTROL_INV_TIME_OUT", "",
        f"{SAME}: no device has ATS on, so that none is waited for"),
    Row(f"{CORE}/allocator.c", "width <= span_bits(1) ? 1", "span_bits(0)",
        f"{SAME}: up to span_bits(1) the other formula gives 1 too"),
    Row(f"{CORE}/queue.h", "lock_try(&queue->lock) && ", "||",
        f"{SAME} in one context, for which the lock is always free"),
    Row(f"{CORE}/state.h", "#define IOMMU_NO_GAP", ".last = 1",
        f"{SAME}: it is empty while its first address is behind its last"),
    Row(f"{PAGING}/reserve.h", "run.first <= run.last", "run.first < run.last",
        f"{SAME}: runs are of whole pages, so that first and last differ"),
    Row(f"{PAGING}/algorithm.h", "run.first <= run.last", "run.first < run.last",
        f"{SAME}: runs are of whole pages, so that first and last differ"),
)


def reason_for(change: Change, text: str) -> str:
    """"" when none is known: a test is missing."""
    old, new = (lines_at(part, change.at)[1] for part in (text, change.apply(text)))
    for row in ROWS:
        if row.path == change.path and row.old in old and row.new in new:
            return row.reason
    return ""
