# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The second judge: what the image reports against what QEMU's own model of the unit traced.

It knows nothing of the image but its test results, and names the clients by what QEMU's machine
protocol tells of the PCI bus.
"""
from __future__ import annotations

from pathlib import Path

from monitor import Function
from report import Report
from trace import OFFSET, Trace
from trace_amdvi import AmdviTrace
from trace_vtd import VtdTrace

READERS: dict[str, type[Trace]] = {"intel": VtdTrace, "amd": AmdviTrace}
TRANSFER_BYTES = 128 << 10  # of a read command, at most
IN_FLIGHT = 8  # read commands
SET_UP = 8  # times that a disk of any size may unmap: for the Identify commands
NVME = (0x1B36, 0x0010)
EDU = (0x1234, 0x11E8)
HDA = (0x8086, 0x2668)


def read_trace(iommu: str, log: Path) -> Trace:
    return READERS[iommu](log)


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
        if pooled and one.invalidations > (2 * SET_UP if trace.ABSENCE_CACHED else SET_UP):
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
        if not passes(report, "HDA-0", place):
            found.append(f"{place}: no HDA test passed")
        if not one.identical or one.identical * (OFFSET + 1) >= one.translated_bytes:
            found.append(f"{place}: not both identical and other translations")
        if not one.refused_after_use:
            found.append(f"{place}: nothing reached, invalidated and then refused")
    return found


def judge_trace(
    trace: Trace, functions: list[Function], report: Report, disk_bytes: int, pooled: bool = False
) -> list[str]:
    """What the trace holds against a pass; empty when it agrees. Each transfer of a disk costs an
    invalidation, or, when the disk is read to a pool, none does."""
    if not trace.enabled:
        return ["translation was never switched on"]
    known = {f.requester for identity in (NVME, EDU, HDA) for f in clients(functions, identity)}
    found = [
        f"requester {requester:#06x} was translated but is no client"
        for requester, one in trace.requesters.items()
        if requester not in known and one.translated_bytes
    ]
    found += trace.complaints(functions)
    found += judge_disk(trace, functions, report, disk_bytes, pooled)
    found += judge_edu(trace, functions, report)
    found += judge_hda(trace, functions, report)
    return found
