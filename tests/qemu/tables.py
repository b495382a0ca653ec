# SPDX-License-Identifier: BSD-2-Clause-Patent
"""DMAR and IVRS tables as firmware should not write them, for machines without an IOMMU device, and
tables that name a console.

Layouts: Intel Virtualization Technology for Directed I/O, "DMA Remapping Reporting Structure" and
"DMA Remapping Hardware Unit Definition Structure"; AMD I/O Virtualization Technology (IOMMU), "I/O
Virtualization Reporting Structure (IVRS)"; Serial Port Console Redirection Table (SPCR), table
layout; Microsoft Debug Port Table 2 (DBG2), "Debug Port Table" and "Debug Device Information
structure"; ACPI, "Generic Address Structure (GAS)". QEMU sets the table's length and checksum.
"""
from __future__ import annotations

import struct

DRHD = 0
RMRR = 1
INCLUDE_PCI_ALL = 1
IVHD_10 = 0x10
ALL_DEVICES = 1
UNUSED_ADDRESS = 0xFED90000  # nothing there: reads give zeros
DIMM_ADDRESS = 0x1_0000_0000  # a module of memory that machine.py can put there
HEADER_BYTES = 36
COM2 = 0x2F8
DEBUG_HEAD_BYTES = 22
DEBUG_NAME = b".\0"  # of a device that has no name in ACPI
SERIAL_PORT, UART_16550 = 0x8000, 0


def table(signature: bytes, body: bytes) -> bytes:
    header = struct.pack("<4sIBB6s8sI4sI", signature, HEADER_BYTES + len(body), 1, 0, b"BULKHD",
                         b"BADTABLE", 1, b"TEST", 1)
    return header + body


def remapping(*records: bytes) -> bytes:
    """A DMAR of these remapping structures; 39-bit host addresses."""
    return table(b"DMAR", struct.pack("<BB10x", 38, 0) + b"".join(records))


def drhd(base: int, length: int = 16) -> bytes:
    return struct.pack("<HHBBHQ", DRHD, length, INCLUDE_PCI_ALL, 0, 0, base)


def demanding() -> bytes:
    """A DMAR with all flags, a unit that is not there, and memory demanded for 00:04.0 and for a
    function that is not there."""
    regions = b"".join(
        struct.pack("<HHHHQQBBHBBBB", RMRR, 32, 0, 0, base, base + 0x1FFF, 1, 8, 0, 0, 0, device, 0)
        for base, device in ((0x10000000, 4), (0x10004000, 0x1E)))
    return table(b"DMAR", struct.pack("<BB10x", 38, 7) + drhd(UNUSED_ADDRESS) + regions)


def virtualization(*blocks: bytes) -> bytes:
    """An IVRS of these blocks; 40-bit physical, 48-bit virtual addresses."""
    return table(b"IVRS", struct.pack("<I8x", 0x00182800) + b"".join(blocks))


def ivhd(base: int, length: int = 28, device: int = 8) -> bytes:
    """For all devices."""
    head = struct.pack("<BBHHHQHHI", IVHD_10, 0, length, device, 0x40, base, 0, 0, 0)
    return head + struct.pack("<BHB", ALL_DEVICES, 0, 0)


def io_port(base: int) -> bytes:
    """A Generic Address Structure; registers of a byte."""
    return struct.pack("<BBBBQ", 1, 8, 0, 1, base)


def spcr(base: int) -> bytes:
    """No interrupt, 115200 baud."""
    return table(b"SPCR", struct.pack("<B3x12s6xB21x", UART_16550, io_port(base), 7))


def dbg2(base: int) -> bytes:
    """One serial port."""
    sizes_at = DEBUG_HEAD_BYTES + 12
    body = io_port(base) + struct.pack("<I", 8) + DEBUG_NAME
    head = struct.pack("<BHB9H", 0, DEBUG_HEAD_BYTES + len(body), 1, len(DEBUG_NAME),
                       sizes_at + 4, 0, 0, SERIAL_PORT, UART_16550, 0, DEBUG_HEAD_BYTES, sizes_at)
    return table(b"DBG2", struct.pack("<II", HEADER_BYTES + 8, 1) + head + body)


CONSOLE_TABLES = {"SPCR": spcr(COM2), "DBG2": dbg2(COM2)}

BAD_DMAR: dict[str, bytes] = {
    "truncated-table": table(b"DMAR", b"\x26\x00\x00\x00"),
    "truncated-record": remapping(drhd(UNUSED_ADDRESS)[:8]),
    "zero-length-record": remapping(struct.pack("<HH", DRHD, 0), drhd(UNUSED_ADDRESS)),
    "overlong-record": remapping(drhd(UNUSED_ADDRESS, length=0x4000)),
    "unit-reads-zeros": remapping(drhd(UNUSED_ADDRESS)),
    "wild-addresses": remapping(drhd(0x2000_0000_0000), drhd(0x000F_0000_0000_0000),
                                drhd(0xFFFF_8000_FED9_0000)),
    "unit-reads-ones": remapping(drhd(DIMM_ADDRESS)),
}

BAD_IVRS: dict[str, bytes] = {
    "truncated-table": table(b"IVRS", b"\x00\x28\x18\x00"),
    "truncated-record": virtualization(ivhd(UNUSED_ADDRESS)[:8]),
    "zero-length-record": virtualization(ivhd(UNUSED_ADDRESS, length=0)),
    "unit-reads-zeros": virtualization(ivhd(UNUSED_ADDRESS)),
    "wild-addresses": virtualization(ivhd(0x2000_0000_0000), ivhd(0xFFFF_8000_FED8_0000, device=9)),
    "unit-reads-ones": virtualization(ivhd(DIMM_ADDRESS)),
}
