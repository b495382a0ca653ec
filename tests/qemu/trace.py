# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What QEMU's own model of a unit says it did, from its trace, in terms of no vendor."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from monitor import Function

OFFSET = 0xFFF  # in a page
HEX = r"(?:0x)?([0-9a-f]+)"
LOCATION = r"(\w+):(\w+)\.(\w+)"  # bus, slot and function, without 0x

Step = Callable[[re.Match[str]], None]


@dataclass
class Requester:
    """What one requester ID did."""

    translated_bytes: int = 0
    identical: int = 0  # translations to the very address that was asked for
    faults: int = 0
    refused: set[int] = field(default_factory=set)  # pages
    refused_after_use: int = 0  # pages once reached, invalidated, then refused
    domain: int = -1  # that it was last translated by
    invalidations: int = 0  # of that domain, up to the last translation
    pending: int = 0  # since then: perhaps after its end
    reached: dict[int, int] = field(default_factory=dict)  # page -> domain, while cached
    dropped: set[int] = field(default_factory=set)  # pages reached once, invalidated since


def requester_id(match: re.Match[str], first: int = 1) -> int:
    """Of a LOCATION whose first group is `first`."""
    bus, slot, function = (int(match[first + i], 16) for i in range(3))
    return bus << 8 | slot << 3 | function


class Trace:
    """Read from QEMU's log, in the order of events. A subclass reads the events of one vendor."""

    EVENTS: tuple[str, ...] = ()  # that QEMU has to trace
    PREFIX = ""  # of them all
    ABSENCE_CACHED = False  # the unit says so: what is mapped costs an invalidation too

    def __init__(self, log: Path) -> None:
        self.enabled = False
        self.passed_through = 0
        self.requesters: dict[int, Requester] = {}
        self._domains: dict[tuple[int, int], int] = {}
        steps = self.steps()
        with log.open(errors="replace") as lines:
            for line in lines:
                if not line.startswith(self.PREFIX):
                    continue
                for pattern, step in steps:
                    match = pattern.match(line.rstrip())
                    if match:
                        step(match)
                        break

    def steps(self) -> list[tuple[re.Pattern[str], Step]]:
        """What to do at which line; the first that matches is done."""
        raise NotImplementedError

    def complaints(self, functions: list[Function]) -> list[str]:
        """What no client's doing explains."""
        if self.passed_through:
            return [f"{self.passed_through} requests passed through untranslated"]
        return []

    def of(self, requester: int) -> Requester:
        return self.requesters.setdefault(requester, Requester())

    def cache(self, requester: int, iova: int, domain: int) -> None:
        self._domains[(requester, iova & ~OFFSET)] = self.of(requester).domain = domain

    def translate(self, requester: int, iova: int, address: int, length: int) -> None:
        """`length`: that the translation is good for."""
        one, page = self.of(requester), iova & ~OFFSET
        one.invalidations, one.pending = one.invalidations + one.pending, 0
        one.translated_bytes += length
        one.identical += page == address & ~OFFSET
        one.reached[page] = self._domains.get((requester, page), -1)
        one.dropped.discard(page)

    def refuse(self, requester: int, iova: int) -> None:
        one, page = self.of(requester), iova & ~OFFSET
        one.faults += 1
        one.refused.add(page)
        if page in one.dropped:
            one.dropped.discard(page)
            one.refused_after_use += 1

    def drop(self, domain: int | None, covered: Callable[[int], bool] = lambda _: True) -> None:
        """An invalidation: of one domain, or of all."""
        for one in self.requesters.values():
            one.pending += domain in (None, one.domain)
            gone = [page for page, owner in one.reached.items()
                    if domain in (None, owner) and covered(page)]
            for page in gone:
                del one.reached[page]
            one.dropped.update(gone)
