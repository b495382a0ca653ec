# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What a QEMU model is known not to show. A test named here is waived where it fails as the row
says; one that passes all the same fails the run, so that the row is taken out."""
from __future__ import annotations

import re
from dataclasses import dataclass

from emulator import Version


@dataclass(frozen=True)
class Deviation:
    vendor: str
    first: Version  # versions from `first` on ...
    last: Version  # ... up to and with `last`; () for open
    test: str
    reason: str
    failure: str = ""  # a regular expression that the test's own reason matches from its beginning

    def applies(self, vendor: str, version: Version) -> bool:
        below = not self.last or version[: len(self.last)] <= self.last
        return vendor == self.vendor and version >= self.first and below

    def explains(self, failure: str) -> bool:
        return re.match(self.failure, failure) is not None


# (first, last, why a refusal is not recorded as it is)
AMD_EVENTS = (
    ((7, 2), (10, 0), "the event log stays empty"),
    ((11, 1), (), "an event carries address 0, no direction, and bus 0 for every bus"),
)

# (tests, how they fail where a refusal is not recorded as it is)
AMD_RECORDS = (
    ([f"DMA-FAULT-{n:03}" for n in range(1, 11)], "no record of the|recorded a read of 0x0, not"),
    ([f"EDU-FAULT-{n:03}" for n in range(1, 11) if n != 5],  # a detached device's is told nothing
     r"the handler was not told|told of type \d+ at 0x0, not"),
    (["NVME-004"], "the handler was not told"),
    ([f"HDA-FAULT-{n:03}" for n in
      (3, 4, 5, 6, 8, 9, 10, 24, 25, 26, 27, 28, 30, 41, 44)],
     r"the refusal of 0x\w+ was not heard|\d+ faults were not expected, one at 0x0"),
    (["API-086", "API-104"], r"line \d+: api_read\(.*\) == API_REFUSED"),
    (["API-105"], r"line \d+: stage->seen.calls == 1"),
)

DEVIATIONS: tuple[Deviation, ...] = tuple(
    Deviation("amd", first, last, test, reason, failure)
    for first, last, reason in AMD_EVENTS
    for tests, failure in AMD_RECORDS
    for test in tests
)
