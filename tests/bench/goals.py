# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The goals of the benchmark suite, one a case."""
from __future__ import annotations

from dataclasses import dataclass

# A ratio of times is noisy: beyond its goal it is not "ok", and beyond this multiple it fails the
# run. A count is exact and has no such room.
RATIO_SLACK = 1.3


@dataclass(frozen=True)
class Goal:
    """What a case must reach; None: not asked."""

    ratio: float | None = None  # value / limit, at most
    instructions: float | None = None  # an operation, at most
    value: float | None = None  # at most; a count like the instructions
    below: float | None = None  # the value again, which must not reach this

    def text(self) -> str:
        parts = []
        if self.ratio is not None:
            parts.append(f"<= {self.ratio:.3g}x limit")
        if self.instructions is not None:
            parts.append(f"<= {self.instructions:g} instructions")
        if self.value is not None:
            parts.append(f"<= {self.value:g}")
        if self.below is not None:
            parts.append(f"< {self.below:g}")
        return ", ".join(parts)


# One operation is a call, but for A6 and A7, where it is one entry.
PAGE_TABLES = {
    "A1.map": Goal(2.5, 70),
    "A1.unmap": Goal(2.5, 75),
    "A2.map": Goal(4, 120),
    "A2.unmap": Goal(4, 130),
    "A3.map": Goal(instructions=220),
    "A3.unmap": Goal(instructions=160),
    "A3.map-1G": Goal(instructions=220),
    "A3.unmap-1G": Goal(instructions=160),
    "A4.map": Goal(5, 2200),
    "A4.unmap": Goal(6, 3300),
    "A5.map": Goal(instructions=15000),
    "A6.map": Goal(3.5, 6),
    "A7.unmap": Goal(instructions=0.2),
    "A8.map": Goal(instructions=5000),
    "A8.unmap": Goal(instructions=9000),
    "A9.tables": Goal(value=0),
    "A10.lookup": Goal(2.5, 90),
}

SCALING = {
    "A11.two-domains": Goal(1 / 1.9),  # two CPUs: time for each pair by that of one CPU alone
    "A11.one-domain": Goal(1),
}

ADDRESSES = {
    "B.spread": Goal(value=4),  # slowest by fastest workload
    "B.failures": Goal(value=0),
}

INVALIDATION = {
    "C.aligned": Goal(value=1),  # commands for ranges, a batch
    "C.any": Goal(value=2),
    "C.excess": Goal(value=1.45),  # pages invalidated by pages asked for, the greatest mean
    "C.worst": Goal(below=2),
    "C.waits": Goal(value=1),  # a batch
    "C.tail-writes": Goal(value=1),
    "C.cache-drops": Goal(value=0),
}

IMAGE = {
    # What protection adds to one read.
    "D.pass-through": Goal(instructions=20),
    "D.pool": Goal(instructions=40),
    "D.strict": Goal(instructions=400),
    "D.strict-128K": Goal(instructions=900),
    # The interface: a 4 KiB page of a long range, and one page alone.
    "E.map-4K": Goal(instructions=8),
    "E.map-2M": Goal(instructions=0.1),
    "E.map-unmap": Goal(instructions=350),
    # From the entry of the image to translation on.
    "F.boot": Goal(instructions=2e6),
    # Tables in use after everything is unmapped, a domain.
    "G.tables": Goal(value=1),
    "G.peak": Goal(ratio=1.01),
}

# A case of another format or vendor than VT-d's has this behind its name.
AMD_FORMAT = "-amdv1"
AMD_UNIT = "-amdvi"


def of(suffix: str, goals: dict[str, Goal]) -> dict[str, Goal]:
    """The same goals, for the same cases elsewhere."""
    return {name + suffix: goal for name, goal in goals.items()}


GOALS: dict[str, Goal] = {
    **PAGE_TABLES, **of(AMD_FORMAT, PAGE_TABLES), **SCALING, **ADDRESSES,
    **INVALIDATION, **of(AMD_UNIT, INVALIDATION), **IMAGE, **of(AMD_UNIT, IMAGE),
}

# Cases that `make check` holds to: it judges counts alone, never a time.
TIMES = (*SCALING, "B.spread")
CHECKED = tuple(name for name in GOALS if name not in TIMES)
