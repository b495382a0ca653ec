# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What a QEMU model is known not to show. A test named here is waived where it fails; one that
passes all the same fails the run, so that the row is taken out."""
from __future__ import annotations

from dataclasses import dataclass

from emulator import Version


@dataclass(frozen=True)
class Deviation:
    vendor: str
    first: Version  # versions from `first` on ...
    last: Version  # ... up to and with `last`; () for open
    test: str
    reason: str

    def applies(self, vendor: str, version: Version) -> bool:
        below = not self.last or version[: len(self.last)] <= self.last
        return vendor == self.vendor and version >= self.first and below


DEVIATIONS: tuple[Deviation, ...] = ()
