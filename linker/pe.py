#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Turns the linked ELF image into a UEFI application and proves its shape.

    linker/pe.py make ELF EFI   converts, checks, writes EFI
    linker/pe.py check EFI      checks a file

Source of the layout: Microsoft PE/COFF specification, "COFF File Header", "Optional Header",
"Section Table" and "The .reloc Section"; UEFI specification, "UEFI Images"; shim, SBAT.md.
"""
from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = 4096
FILE_ALIGNMENT = 512
MACHINE_X86_64 = 0x8664
PE32_PLUS = 0x20B
SUBSYSTEM_EFI_APPLICATION = 10
NX_COMPAT = 0x100
# Executable, line numbers, local symbols and debug information stripped, above 2 GiB welcome.
CHARACTERISTICS = 0x0002 | 0x0004 | 0x0008 | 0x0020 | 0x0200

CODE, INITIALIZED, UNINITIALIZED = 0x20, 0x40, 0x80
EXECUTE, READ, WRITE = 0x20000000, 0x40000000, 0x80000000

DOS_HEADER = struct.Struct("<2s58xI")
COFF_HEADER = struct.Struct("<4sHHIIIHH")
OPTIONAL_HEADER = struct.Struct("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII")
DIRECTORY = struct.Struct("<II")
DIRECTORIES = 16
CERTIFICATE_DIRECTORY, RELOC_DIRECTORY = 4, 5
SECTION_HEADER = struct.Struct("<8sIIIIIIHHI")
HEADERS_FIXED = DOS_HEADER.size + COFF_HEADER.size + OPTIONAL_HEADER.size + DIRECTORIES * 8
CHECKSUM_OFFSET = DOS_HEADER.size + COFF_HEADER.size + 64
NX_OFFSET = CHECKSUM_OFFSET + 6
SBAT_COLUMNS = 6

ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
ELF_SECTION = struct.Struct("<IIQQQQIIQQ")
ELF_SYMBOL = struct.Struct("<IBBHQQ")
ELF_RELA = struct.Struct("<QQq")
SHT_RELA, SHT_NOBITS, SHT_DYNSYM = 4, 8, 11
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
R_X86_64_RELATIVE = 8


class Refused(Exception):
    """The image breaks a rule; the text is one sentence that names it."""


def require(holds: bool, sentence: str) -> None:
    if not holds:
        raise Refused(sentence)


def align(value: int, unit: int) -> int:
    return (value + unit - 1) // unit * unit


def unpack(layout: struct.Struct, data: bytes, offset: int, what: str) -> tuple[Any, ...]:
    require(0 <= offset <= len(data) - layout.size, f"{what} lies outside the file.")
    return layout.unpack_from(data, offset)


@dataclass
class Section:
    name: str
    address: int
    size: int  # in memory
    data: bytes  # in the file, at most `size` and padding
    flags: int
    offset: int = 0  # of `data`

    @property
    def end(self) -> int:
        return self.address + self.size

    def holds(self, address: int, length: int = 1) -> bool:
        return self.address <= address and address + length <= self.end


@dataclass
class Image:
    entry: int
    sections: list[Section]

    def section(self, name: str) -> Section:
        for section in self.sections:
            if section.name == name:
                return section
        raise Refused(f"There is no section {name}.")


class Elf:
    """As much of a linked ELF64 file as the conversion needs."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        header = unpack(ELF_HEADER, data, 0, "The ELF header")
        require(header[0][:6] == b"\x7fELF\x02\x01", "The input is no little-endian ELF64 file.")
        self.entry = header[4]
        table, count, names = header[6], header[12], header[13]
        self.headers = [
            unpack(ELF_SECTION, data, table + i * ELF_SECTION.size, f"ELF section header {i}")
            for i in range(count)
        ]
        require(names < count, "The ELF file has no section names.")
        self.names = self.contents(self.headers[names])

    def contents(self, header: tuple[Any, ...]) -> bytes:
        if header[1] == SHT_NOBITS:
            return b""
        offset, size = header[4], header[5]
        require(offset + size <= len(self.data), "An ELF section lies outside the file.")
        return self.data[offset : offset + size]

    def name(self, header: tuple[Any, ...]) -> str:
        return self.names[header[0] : self.names.index(b"\0", header[0])].decode("ascii")

    def image(self) -> Image:
        """The sections that are loaded. What lies in the first page is the linker's own."""
        sections = [
            Section(self.name(h), h[3], h[5], self.contents(h), section_flags(h))
            for h in self.headers
            if h[2] & SHF_ALLOC and h[3] >= PAGE and h[5]
        ]
        return Image(self.entry, sorted(sections, key=lambda section: section.address))

    def check_dynamic(self, image: Image) -> None:
        """The start-up code applies base-relative relocations and nothing else."""
        writable = [s for s in image.sections if s.flags & WRITE]
        for header in self.headers:
            if header[1] == SHT_DYNSYM:
                self.check_symbols(self.contents(header))
            elif header[1] == SHT_RELA and header[2] & SHF_ALLOC:
                for target, info, _ in ELF_RELA.iter_unpack(self.contents(header)):
                    require(
                        info == R_X86_64_RELATIVE,
                        f"The relocation of 0x{target:x} is of type {info & 0xFFFFFFFF}, "
                        "not R_X86_64_RELATIVE.",
                    )
                    require(
                        any(s.holds(target, 8) for s in writable),
                        f"The relocation of 0x{target:x} would write to a read-only section.",
                    )

    @staticmethod
    def check_symbols(table: bytes) -> None:
        undefined = [symbol for symbol in ELF_SYMBOL.iter_unpack(table) if symbol[3] == 0]
        require(len(undefined) <= 1, "The image has an undefined dynamic symbol.")


def section_flags(header: tuple[Any, ...]) -> int:
    flags = READ
    if header[2] & SHF_WRITE:
        flags |= WRITE
    if header[2] & SHF_EXECINSTR:
        return flags | EXECUTE | CODE
    return flags | (UNINITIALIZED if header[1] == SHT_NOBITS else INITIALIZED)


def checksum(data: bytes) -> int:
    """The sum of all 16-bit words but the checksum's own, folded, plus the length."""
    padded = data + bytes(len(data) % 2)
    blank = padded[:CHECKSUM_OFFSET] + bytes(4) + padded[CHECKSUM_OFFSET + 4 :]
    total = sum(word for (word,) in struct.iter_unpack("<H", blank))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(data)


def finish(data: bytearray, nx_compat: bool) -> bytes:
    struct.pack_into("<H", data, NX_OFFSET, NX_COMPAT if nx_compat else 0)
    struct.pack_into("<I", data, CHECKSUM_OFFSET, checksum(bytes(data)))
    return bytes(data)


def write(image: Image) -> bytearray:
    """The file without NX_COMPAT and checksum."""
    sections = image.sections
    headers = align(HEADERS_FIXED + len(sections) * SECTION_HEADER.size, FILE_ALIGNMENT)
    table, body = b"", b""
    for section in sections:
        raw = section.data + bytes(align(len(section.data), FILE_ALIGNMENT) - len(section.data))
        offset = headers + len(body) if raw else 0
        table += SECTION_HEADER.pack(
            section.name.encode("ascii"), section.size, section.address, len(raw), offset,
            0, 0, 0, 0, section.flags,
        )  # fmt: skip
        body += raw

    def total(kind: int) -> int:
        return sum(align(s.size, FILE_ALIGNMENT) for s in sections if s.flags & kind)

    text, reloc = image.section(".text"), image.section(".reloc")
    optional = OPTIONAL_HEADER.pack(
        PE32_PLUS, 0, 0, total(CODE), total(INITIALIZED), total(UNINITIALIZED), image.entry,
        text.address, 0, PAGE, FILE_ALIGNMENT, 0, 0, 0, 0, 0, 0, 0,
        align(max(s.end for s in sections), PAGE), headers, 0, SUBSYSTEM_EFI_APPLICATION, 0,
        0, 0, 0, 0, 0, DIRECTORIES,
    )  # fmt: skip
    directories = b"".join(
        DIRECTORY.pack(reloc.address, reloc.size) if i == RELOC_DIRECTORY else bytes(8)
        for i in range(DIRECTORIES)
    )
    coff = COFF_HEADER.pack(
        b"PE\0\0", MACHINE_X86_64, len(sections), 0, 0, 0,
        OPTIONAL_HEADER.size + len(directories), CHARACTERISTICS,
    )  # fmt: skip
    head = DOS_HEADER.pack(b"MZ", DOS_HEADER.size) + coff + optional + directories + table
    return bytearray(head + bytes(headers - len(head)) + body)


def read(data: bytes) -> Image:
    """Reads a file and checks what concerns its headers alone."""
    magic, start = unpack(DOS_HEADER, data, 0, "The DOS header")
    require(magic == b"MZ" and start == DOS_HEADER.size, "The DOS header is not ours.")
    coff = unpack(COFF_HEADER, data, start, "The COFF header")
    require(coff[:2] == (b"PE\0\0", MACHINE_X86_64), "The file is no x86-64 PE file.")
    require(coff[3] == 0, "The time stamp is not zero.")
    at = start + COFF_HEADER.size
    optional = unpack(OPTIONAL_HEADER, data, at, "The optional header")
    require(optional[0] == PE32_PLUS, "The optional header is not that of PE32+.")
    require(optional[9:11] == (PAGE, FILE_ALIGNMENT), "Section or file alignment is wrong.")
    require(optional[21] == SUBSYSTEM_EFI_APPLICATION, "The subsystem is no EFI application.")
    require(optional[20] == checksum(data), "The checksum is wrong.")
    require(optional[28] == DIRECTORIES, "There are not 16 data directories.")
    at += OPTIONAL_HEADER.size + DIRECTORIES * DIRECTORY.size
    image = Image(optional[6], [])
    for i in range(coff[2]):
        image.sections.append(read_section(data, at + i * SECTION_HEADER.size))
    require(bool(image.sections), "There are no sections.")
    require(
        optional[18] == align(max(s.end for s in image.sections), PAGE),
        "The size of the image is not that of its sections.",
    )
    reloc = image.section(".reloc")
    require(
        directory(data, RELOC_DIRECTORY) == (reloc.address, reloc.size),
        "The base relocation directory does not name the section .reloc.",
    )
    check_gaps(data, image, optional[19])
    return image


def directory(data: bytes, index: int) -> tuple[Any, ...]:
    at = DOS_HEADER.size + COFF_HEADER.size + OPTIONAL_HEADER.size + index * DIRECTORY.size
    return unpack(DIRECTORY, data, at, "A data directory")


def check_gaps(data: bytes, image: Image, headers: int) -> None:
    """What a signature covers are headers, sections and the rest, in this order: firmware and
    signing tools agree on it only where there is no gap and no rest."""
    end = headers
    for section in image.sections:
        require(not section.data or section.offset == end, f"A gap is before {section.name}.")
        end += len(section.data)
    at, size = directory(data, CERTIFICATE_DIRECTORY)
    require(at in (0, end) and end + size == len(data), "Something follows the last section.")


def read_section(data: bytes, at: int) -> Section:
    fields = unpack(SECTION_HEADER, data, at, "A section header")
    name = fields[0].rstrip(b"\0").decode("ascii", "replace")
    size, address, raw, offset, flags = fields[1], fields[2], fields[3], fields[4], fields[9]
    require(
        offset % FILE_ALIGNMENT == 0 and raw % FILE_ALIGNMENT == 0 and offset + raw <= len(data),
        f"Section {name} lies outside the file or is not aligned in it.",
    )
    require(raw <= align(size, FILE_ALIGNMENT), f"Section {name} is larger in the file.")
    return Section(name, address, size, data[offset : offset + raw], flags, offset)


def check_sections(image: Image) -> None:
    end = PAGE
    for section in image.sections:
        require(
            section.address % PAGE == 0 and section.address >= end,
            f"Section {section.name} is not on pages of its own.",
        )
        end = section.end
        require(
            not (section.flags & WRITE and section.flags & EXECUTE),
            f"Section {section.name} is writable and executable.",
        )
    for name in (".rodata", ".rela", ".reloc", ".sbat"):
        require(not image.section(name).flags & WRITE, f"Section {name} is writable.")
    require(
        any(s.holds(image.entry) and s.flags & EXECUTE for s in image.sections),
        "The entry point is not in an executable section.",
    )


def check_reloc(image: Image) -> None:
    section = image.section(".reloc")
    data, at = section.data[: section.size], 0
    while at < len(data):
        require(at + 8 <= len(data), "The last .reloc block is cut off.")
        page, size = struct.unpack_from("<II", data, at)
        require(size >= 8 and size % 4 == 0, f"A .reloc block has the size {size}.")
        require(at + size <= len(data), "A .reloc block goes past the end of its section.")
        for (entry,) in struct.iter_unpack("<H", data[at + 8 : at + size]):
            inside = any(s.holds(page + (entry & 0xFFF), 8) for s in image.sections)
            require(entry >> 12 == 0 or inside, "A base relocation lies outside the image.")
        at += size


def check_sbat(image: Image) -> None:
    section = image.section(".sbat")
    text = section.data[: section.size].rstrip(b"\0")
    require(text.isascii() and text.endswith(b"\n"), "The section .sbat is no lines of ASCII.")
    rows = [line.split(",") for line in text.decode("ascii").splitlines()]
    for row in rows:
        require(
            len(row) == SBAT_COLUMNS and all(row) and row[1].isdecimal(),
            f"The .sbat row of {row[0]} is not a name, a generation and four more columns.",
        )
    require(rows[0][0] == "sbat", "The first .sbat row is not that of the format.")
    require(len(rows) > 1, "No .sbat row names the image.")


def check_shape(data: bytes) -> None:
    """All rules but NX_COMPAT, which is a promise that they hold."""
    image = read(data)
    check_sections(image)
    check_reloc(image)
    check_sbat(image)


def check(data: bytes) -> None:
    check_shape(data)
    (flags,) = struct.unpack_from("<H", data, NX_OFFSET)
    require(flags == NX_COMPAT, "NX_COMPAT is not set.")


def convert(elf_data: bytes) -> bytes:
    elf = Elf(elf_data)
    image = elf.image()
    elf.check_dynamic(image)
    data = write(image)
    check_shape(finish(data, nx_compat=False))
    result = finish(data, nx_compat=True)
    check(result)
    return result


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["make", elf, efi]:
                Path(efi).write_bytes(convert(Path(elf).read_bytes()))
            case ["check", efi]:
                check(Path(efi).read_bytes())
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (Refused, OSError) as reason:
        print(f"linker/pe.py: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
