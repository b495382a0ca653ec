# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The events of QEMU's AMD-Vi model.

What they do not tell:
  all versions  the size of a translation: one page is counted, and a larger identity leaf is known
                for one at its first page only; the range of INVALIDATE_IOMMU_PAGES: the model drops
                the whole domain; a request that a cached translation has no permission for
  up to 10.0    a request that its leaf has no permission for: it looks like any translation
  11.1          a requester that passes through, by its entry or because the unit was never told
                to read that: nothing is traced
"""
from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from monitor import Function
from trace import HEX, LOCATION, OFFSET, Step, Trace, requester_id

CONTROL = re.compile(rf"amdvi_control_status\b.* {HEX}$")
RESULT = re.compile(rf"amdvi_translation_result\b.*?devid: {LOCATION} gpa {HEX} hpa {HEX}")
HIT = re.compile(r"amdvi_iotlb_hit\b")
UPDATE = re.compile(rf"amdvi_cache_update\b.*?domid {HEX} devid: {LOCATION} gpa {HEX} hpa {HEX}")
ENTRY = re.compile(rf"amdvi_devtab_inval\b.*?devid: {LOCATION}")
PAGES = re.compile(rf"amdvi_pages_inval\b.*?domain {HEX}")
ALL = re.compile(r"amdvi_all_inval\b")
# The model cannot make sense of what was written for it.
MISTAKES = (
    "amdvi_invalid_dte",
    "amdvi_mode_invalid",
    "amdvi_dte_get_fail",
    "amdvi_get_pte_hwerror",
    "amdvi_unhandled_command",
    "amdvi_command_read_fail",
    "amdvi_completion_wait_fail",
)
MISTAKE = re.compile(rf"({'|'.join(MISTAKES)})\b")
COMMON_CONTROL_ENABLE = 1


class AmdviTrace(Trace):
    # All of them are in 7.2 to 11.1.
    EVENTS = (
        "amdvi_control_status",
        "amdvi_translation_result",
        "amdvi_iotlb_hit",
        "amdvi_cache_update",
        "amdvi_devtab_inval",
        "amdvi_pages_inval",
        "amdvi_all_inval",
        *MISTAKES,
    )
    PREFIX = "amdvi_"
    ABSENCE_CACHED = True  # NpCache, in all of them

    def __init__(self, log: Path) -> None:
        self._granted = False  # the request whose result comes next
        self._told: set[int] = set()  # requesters whose entry the unit was told to read ...
        self._untold: Counter[int] = Counter()  # ... and moves to a domain without that
        self._fresh: set[int] = set()  # told since their last move
        self._mistakes: Counter[str] = Counter()
        super().__init__(log)

    def steps(self) -> list[tuple[re.Pattern[str], Step]]:
        return [
            (RESULT, self._result),
            (HIT, self._hit),
            (UPDATE, self._update),
            (PAGES, lambda m: self.drop(int(m[1], 16))),
            (ENTRY, self._entry),
            (ALL, lambda _: self.drop(None)),
            (CONTROL, self._control),
            (MISTAKE, lambda m: self._mistakes.update([m[1]])),
        ]

    def complaints(self, functions: list[Function]) -> list[str]:
        never = sorted({f.requester for f in functions} - self._told)
        return [
            *super().complaints(functions),
            *(f"requester {requester:#06x}: its device table entry was never invalidated"
              for requester in never),
            *(f"requester {requester:#06x}: {count} times in another domain, its device table entry "
              "not invalidated" for requester, count in self._untold.items()),
            *(f"{count} times {event}" for event, count in self._mistakes.items()),
        ]

    def _control(self, match: re.Match[str]) -> None:
        self.enabled |= bool(int(match[1], 16) & COMMON_CONTROL_ENABLE)

    def _hit(self, _match: re.Match[str]) -> None:
        self._granted = True

    def _entry(self, match: re.Match[str]) -> None:
        self._told.add(requester_id(match))
        self._fresh.add(requester_id(match))

    def _update(self, match: re.Match[str]) -> None:
        self._granted = True
        requester, domain = requester_id(match, 2), int(match[1], 16)
        if domain != self.of(requester).domain:
            if requester not in self._fresh:
                self._untold[requester] += 1
            self._fresh.discard(requester)
        self.cache(requester, int(match[5], 16), domain)

    def _result(self, match: re.Match[str]) -> None:
        """What was neither cached nor found in the cache is refused, or passes by V = 0."""
        requester, iova, address = requester_id(match), int(match[4], 16), int(match[5], 16)
        if self._granted:
            self.translate(requester, iova, address, OFFSET + 1)
        elif address and address == iova & ~OFFSET:
            self.passed_through += 1
        else:
            self.refuse(requester, iova)
        self._granted = False
