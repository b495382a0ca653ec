# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The second judge: what QEMU's own VT-d model says it did, from its trace.

It knows nothing of the image but its test results, and names the clients by what QEMU's machine
protocol tells of the PCI bus.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from monitor import Function
from report import Report

# Few events, so that tracing costs nothing one could notice. All of them are in 7.2 to 11.1.
EVENTS = (
    "vtd_dmar_enable",
    "vtd_dmar_translate",
    "vtd_dmar_fault",
    "vtd_translate_pt",
    "vtd_iotlb_page_update",
    "vtd_inv_desc_iotlb*",
)
PAGE = 0xFFF
TRANSFER_BYTES = 128 << 10  # of a read command, at most
IN_FLIGHT = 8  # read commands
SET_UP = 8  # invalidations that a disk of any size may cost: for the Identify commands
NVME = (0x1B36, 0x0010)
EDU = (0x1234, 0x11E8)
HDA = (0x8086, 0x2668)

HEX = r"(?:0x)?([0-9a-f]+)"
ENABLE = re.compile(r"vtd_dmar_enable\b.* 1$")
TRANSLATE = re.compile(
    rf"vtd_dmar_translate\b.*?(\w+):(\w+)\.(\w+) iova {HEX} -> gpa {HEX} mask {HEX}"
)
FAULT = re.compile(rf"vtd_dmar_fault\b.*?sid {HEX} fault (\d+) addr {HEX}")
PASS_THROUGH = re.compile(r"vtd_translate_pt\b")
UPDATE = re.compile(rf"vtd_iotlb_page_update\b.*?sid {HEX} iova {HEX} .*?domain {HEX}")
GLOBAL = re.compile(r"vtd_inv_desc_iotlb_global\b")
DOMAIN = re.compile(rf"vtd_inv_desc_iotlb_domain\b.*?domain {HEX}")
PAGES = re.compile(rf"vtd_inv_desc_iotlb_pages\b.*?domain {HEX} addr {HEX} mask {HEX}")


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


class Trace:
    """Read from QEMU's log, in the order of events."""

    def __init__(self, log: Path) -> None:
        self.enabled = False
        self.passed_through = 0
        self.requesters: dict[int, Requester] = {}
        self._domains: dict[tuple[int, int], int] = {}
        steps: list[tuple[re.Pattern[str], Callable[[re.Match[str]], None]]] = [
            (TRANSLATE, self._translate),
            (FAULT, self._fault),
            (UPDATE, self._update),
            (PAGES, self._pages),
            (DOMAIN, lambda m: self._drop(int(m[1], 16), lambda _: True)),
            (GLOBAL, lambda _: self._drop(None, lambda _: True)),
            (PASS_THROUGH, self._pass_through),
            (ENABLE, self._enable),
        ]
        with log.open(errors="replace") as lines:
            for line in lines:
                if not line.startswith("vtd_"):
                    continue
                for pattern, step in steps:
                    match = pattern.match(line.rstrip())
                    if match:
                        step(match)
                        break

    def of(self, requester: int) -> Requester:
        return self.requesters.setdefault(requester, Requester())

    def _enable(self, _match: re.Match[str]) -> None:
        self.enabled = True

    def _pass_through(self, _match: re.Match[str]) -> None:
        self.passed_through += 1

    def _translate(self, match: re.Match[str]) -> None:
        bus, slot, function = (int(match[i], 16) for i in (1, 2, 3))
        iova, address, mask = (int(match[i], 16) for i in (4, 5, 6))
        requester = bus << 8 | slot << 3 | function
        one = self.of(requester)
        one.invalidations, one.pending = one.invalidations + one.pending, 0
        one.translated_bytes += mask + 1
        one.identical += iova == address
        page = iova & ~PAGE
        one.reached[page] = self._domains.get((requester, page), -1)
        one.dropped.discard(page)

    def _update(self, match: re.Match[str]) -> None:
        requester, iova, domain = (int(match[i], 16) for i in (1, 2, 3))
        self._domains[(requester, iova & ~PAGE)] = self.of(requester).domain = domain

    def _fault(self, match: re.Match[str]) -> None:
        one = self.of(int(match[1], 16))
        one.faults += 1
        page = int(match[3], 16) & ~PAGE
        one.refused.add(page)
        if page in one.dropped:
            one.dropped.discard(page)
            one.refused_after_use += 1

    def _pages(self, match: re.Match[str]) -> None:
        domain, address, mask = int(match[1], 16), int(match[2], 16), int(match[3], 16)
        low = ~((0x1000 << mask) - 1)
        self._drop(domain, lambda page: page & low == address & low)

    def _drop(self, domain: int | None, covered: Callable[[int], bool]) -> None:
        """Of one domain, or of all."""
        for one in self.requesters.values():
            one.pending += domain in (None, one.domain)
            gone = [page for page, owner in one.reached.items()
                    if domain in (None, owner) and covered(page)]
            for page in gone:
                del one.reached[page]
            one.dropped.update(gone)


def clients(functions: list[Function], identity: tuple[int, int]) -> list[Function]:
    found = [f for f in functions if (f.vendor, f.device) == identity]
    return sorted(found, key=lambda f: f.location)


def passes(report: Report, prefix: str, device: str) -> int:
    return sum(
        test.get("result") == "PASS"
        and str(test.get("id", "")).startswith(prefix)
        and test.get("device") == device
        for test in report["tests"]
    )


def judge_disk(
    trace: Trace, functions: list[Function], report: Report, disk_bytes: int, pooled: bool
) -> list[str]:
    found = []
    least = disk_bytes // TRANSFER_BYTES - IN_FLIGHT
    for nvme in clients(functions, NVME):
        one = trace.of(nvme.requester)
        if pooled and one.invalidations > SET_UP:
            found.append(f"{nvme.location}: {one.invalidations} invalidations in spite of its pool")
        if not pooled and one.invalidations < least:
            found.append(f"{nvme.location}: {one.invalidations} invalidations, "
                         f"{disk_bytes} bytes read")
        if one.translated_bytes < disk_bytes:
            found.append(f"{nvme.location}: {one.translated_bytes} bytes translated, "
                         f"the disk has {disk_bytes}")
        if one.identical:
            found.append(f"{nvme.location}: {one.identical} translations to the same address")
        provoked = passes(report, "NVME-003", nvme.location)
        if len(one.refused) != provoked:
            found.append(f"{nvme.location}: {len(one.refused)} pages refused to the disk, "
                         f"{provoked} by its test")
    return found


def judge_edu(trace: Trace, functions: list[Function], report: Report) -> list[str]:
    found = []
    for edu in clients(functions, EDU):
        one, place = trace.of(edu.requester), edu.location
        denied = passes(report, "DMA-DENY-", place)
        if not one.translated_bytes:
            found.append(f"{place}: no request translated")
        if one.identical:
            found.append(f"{place}: {one.identical} translations to the same address")
        if not denied:
            found.append(f"{place}: no DMA-DENY test passed")
        if one.faults < denied:
            found.append(f"{place}: {denied} refusals reported, {one.faults} faults traced")
        if not one.refused_after_use:
            found.append(f"{place}: nothing reached, invalidated and then refused")
    return found


def judge_hda(trace: Trace, functions: list[Function], report: Report) -> list[str]:
    """It works identity ranges beside others, as edu and the disk may not."""
    found = []
    for hda in clients(functions, HDA):
        one, place = trace.of(hda.requester), hda.location
        if not passes(report, "HDA-", place):
            found.append(f"{place}: no HDA test passed")
        if not one.identical or one.identical * (PAGE + 1) >= one.translated_bytes:
            found.append(f"{place}: not both identical and other translations")
        if not one.refused_after_use:
            found.append(f"{place}: nothing reached, invalidated and then refused")
    return found


def judge_trace(
    log: Path, functions: list[Function], report: Report, disk_bytes: int, pooled: bool = False
) -> list[str]:
    """What the trace holds against a pass; empty when it agrees. Each transfer of a disk costs an
    invalidation, or, when the disk is read to a pool, none does."""
    trace = Trace(log)
    if not trace.enabled:
        return ["translation was never switched on"]
    known = {f.requester for identity in (NVME, EDU, HDA) for f in clients(functions, identity)}
    found = [
        f"requester {requester:#06x} was translated but is no client"
        for requester, one in trace.requesters.items()
        if requester not in known and one.translated_bytes
    ]
    if trace.passed_through:
        found.append(f"{trace.passed_through} requests passed through untranslated")
    found += judge_disk(trace, functions, report, disk_bytes, pooled)
    found += judge_edu(trace, functions, report)
    found += judge_hda(trace, functions, report)
    return found
