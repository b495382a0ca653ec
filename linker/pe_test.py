#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Breaks a good image in each way that linker/pe.py must refuse."""
from __future__ import annotations

import dataclasses
import struct
import unittest

import pe

RELOC = struct.pack("<IIHH", 0, 12, 0, 0)
SBAT = b"sbat,1,a,b,1,c\nimage,2,a,b,1,c\n"


def section(name: str, page: int, flags: int, data: bytes = b"x" * 16) -> pe.Section:
    return pe.Section(name, page * pe.PAGE, len(data), data, pe.READ | flags)


def sections() -> list[pe.Section]:
    return [
        section(".text", 1, pe.EXECUTE | pe.CODE),
        section(".rodata", 2, pe.INITIALIZED),
        section(".rela", 3, pe.INITIALIZED),
        section(".reloc", 4, pe.INITIALIZED, RELOC),
        section(".data", 5, pe.WRITE | pe.INITIALIZED),
        section(".sbat", 6, pe.INITIALIZED, SBAT),
        pe.Section(".bss", 7 * pe.PAGE, 9000, b"", pe.READ | pe.WRITE | pe.UNINITIALIZED),
    ]


def build(change: dict[str, dict[str, object]] | None = None, entry: int = pe.PAGE) -> bytes:
    made = [dataclasses.replace(s, **(change or {}).get(s.name, {})) for s in sections()]
    return pe.finish(pe.write(pe.Image(entry, made)), nx_compat=True)


def elf(relocation: tuple[int, int] = (5 * pe.PAGE, 8), symbols: int = 1) -> bytes:
    """A linked file with the sections above, its relocation table and `symbols` undefined ones."""
    rela = struct.pack("<QQq", relocation[0], relocation[1], 0)
    table = [(".dynsym", pe.SHT_DYNSYM, pe.SHF_ALLOC, 0, bytes(24 * symbols))]
    for s in sections():
        flags = pe.SHF_ALLOC | (pe.SHF_WRITE if s.flags & pe.WRITE else 0)
        flags |= pe.SHF_EXECINSTR if s.flags & pe.EXECUTE else 0
        kind = {".rela": pe.SHT_RELA, ".bss": pe.SHT_NOBITS}.get(s.name, 1)
        table.append((s.name, kind, flags, s.address, rela if s.name == ".rela" else s.data))
    names = b"\0" + b"".join(row[0].encode() + b"\0" for row in table) + b".names\0"
    table.append((".names", 3, 0, 0, names))
    body, headers = b"", b""
    for name, kind, flags, address, data in table:
        offset = pe.ELF_HEADER.size + len(body)
        size = 9000 if kind == pe.SHT_NOBITS else len(data)
        headers += pe.ELF_SECTION.pack(
            names.index(name.encode() + b"\0"), kind, flags, address, offset, size, 0, 0, 1, 0
        )
        body += data
    header = pe.ELF_HEADER.pack(
        b"\x7fELF\x02\x01", 3, 62, 1, pe.PAGE, 0, pe.ELF_HEADER.size + len(body), 0, 64, 0, 0, 64,
        len(table), len(table) - 1,
    )  # fmt: skip
    return header + body + headers


class Shape(unittest.TestCase):
    def refused(self, data: bytes, sentence: str) -> None:
        with self.assertRaisesRegex(pe.Refused, sentence):
            pe.check(data)

    def patched(self, offset: int, data: bytes) -> bytes:
        image = bytearray(build())
        image[offset : offset + len(data)] = data
        return pe.finish(image, nx_compat=True)

    def test_a_good_image_passes(self) -> None:
        pe.check(build())

    def test_writable_and_executable(self) -> None:
        flags = pe.READ | pe.WRITE | pe.EXECUTE
        self.refused(build({".text": {"flags": flags}}), "writable and executable")

    def test_writable_constants(self) -> None:
        flags = pe.READ | pe.WRITE
        for name in (".rodata", ".rela", ".reloc", ".sbat"):
            self.refused(build({name: {"flags": flags}}), f"Section {name} is writable")

    def test_sections_that_share_a_page(self) -> None:
        self.refused(build({".rodata": {"address": pe.PAGE + 64}}), "pages of its own")
        self.refused(build({".rodata": {"address": pe.PAGE}}), "pages of its own")

    def test_entry_point_in_data(self) -> None:
        self.refused(build(entry=5 * pe.PAGE), "entry point")

    def test_reloc_blocks(self) -> None:
        for size, sentence in ((10, "size 10"), (4, "size 4"), (16, "past the end")):
            block = struct.pack("<IIHH", 0, size, 0, 0)
            self.refused(build({".reloc": {"data": block}}), sentence)
        cut = RELOC + b"\0\0\0\0"
        self.refused(build({".reloc": {"data": cut, "size": 16}}), "cut off")
        outside = struct.pack("<IIHH", 0x100000, 12, 0xA000, 0)
        self.refused(build({".reloc": {"data": outside}}), "outside the image")

    def test_a_file_that_is_cut(self) -> None:
        data = build()
        for length in range(0, len(data) - 1, 64):
            with self.assertRaises(pe.Refused):
                pe.check(pe.finish(bytearray(data[:length].ljust(pe.NX_OFFSET + 2, b"\0")), True))

    def test_a_section_that_is_larger_in_the_file(self) -> None:
        self.refused(build({".data": {"data": bytes(513)}}), "larger in the file")

    def test_sbat(self) -> None:
        for text, sentence in (
            (b"", "lines of ASCII"),
            (SBAT[:-1], "lines of ASCII"),
            (b"\xef\xbb\xbf" + SBAT, "lines of ASCII"),
            (SBAT.replace(b"image,2", b"image,new"), "row of image"),
            (SBAT.replace(b",c\n", b",\n"), "row of sbat"),
            (SBAT + b"more,1\n", "row of more"),
            (SBAT[SBAT.index(b"image") :], "that of the format"),
            (SBAT[: SBAT.index(b"image")], "names the image"),
        ):
            self.refused(build({".sbat": {"data": text, "size": len(text) or 1}}), sentence)
        pe.check(build({".sbat": {"data": SBAT + b"\0", "size": len(SBAT) + 1}}))

    def test_gaps_in_the_file(self) -> None:
        more = pe.finish(bytearray(build() + bytes(512)), nx_compat=True)
        self.refused(more, "follows the last section")
        table = pe.HEADERS_FIXED + pe.SECTION_HEADER.size
        (raw,) = struct.unpack_from("<I", build(), table + 20)
        self.refused(self.patched(table + 20, struct.pack("<I", raw + 512)), "gap")

    def test_a_signature_may_follow(self) -> None:
        data = bytearray(build())
        entry = pe.HEADERS_FIXED - (pe.DIRECTORIES - pe.CERTIFICATE_DIRECTORY) * 8
        for at, good in ((len(data), True), (len(data) - 8, False)):
            struct.pack_into("<II", data, entry, at, 16)
            signed = pe.finish(data + bytes(16), nx_compat=True)
            if good:
                pe.check(signed)
            else:
                self.refused(signed, "follows the last section")

    def test_header_fields(self) -> None:
        coff = pe.DOS_HEADER.size
        optional = coff + pe.COFF_HEADER.size
        self.refused(self.patched(0, b"NE"), "DOS header")
        self.refused(self.patched(coff, b"NE"), "no x86-64 PE")
        self.refused(self.patched(coff + 4, b"\x4c\1"), "no x86-64 PE")
        self.refused(self.patched(coff + 6, b"\0\0"), "no sections")
        self.refused(self.patched(coff + 8, b"\1"), "time stamp")
        self.refused(self.patched(optional, b"\x0b\1"), "PE32")
        self.refused(self.patched(optional + 32, b"\0\2\0\0"), "alignment")
        self.refused(self.patched(optional + 56, b"\0\0\1\0"), "size of the image")
        self.refused(self.patched(optional + 68, b"\x0b"), "subsystem")
        self.refused(self.patched(optional + 108, b"\x0f"), "16 data directories")
        self.refused(self.patched(optional + 112 + 5 * 8, b"\0\0\0\0"), "directory")

    def test_checksum_and_nx(self) -> None:
        data = bytearray(build())
        self.refused(pe.finish(bytearray(data), nx_compat=False), "NX_COMPAT")
        data[-1] ^= 1
        self.refused(bytes(data), "checksum")


class Conversion(unittest.TestCase):
    def refused(self, data: bytes, sentence: str) -> None:
        with self.assertRaisesRegex(pe.Refused, sentence):
            pe.convert(data)

    def test_a_good_file_is_converted(self) -> None:
        image = pe.read(pe.convert(elf()))
        self.assertEqual([s.name for s in image.sections], [s.name for s in sections()])
        self.assertEqual([s.flags for s in image.sections], [s.flags for s in sections()])

    def test_undefined_symbol(self) -> None:
        self.refused(elf(symbols=2), "undefined dynamic symbol")

    def test_relocations(self) -> None:
        self.refused(elf(relocation=(5 * pe.PAGE, 6)), "type 6")
        self.refused(elf(relocation=(2 * pe.PAGE, 8)), "read-only")
        self.refused(elf(relocation=(5 * pe.PAGE + 9, 8)), "read-only")

    def test_no_elf(self) -> None:
        self.refused(b"", "ELF header")
        self.refused(bytes(64), "no little-endian ELF64")

    def test_a_file_that_is_cut(self) -> None:
        data = elf()
        nameless = data[:62] + b"\xff\xff" + data[64:]
        self.refused(nameless, "no section names")
        self.refused(data[:-1], "ELF section header")
        text = data.index(b"x" * 16)
        table = struct.unpack_from("<Q", data, 40)[0] + 2 * 64
        outside = bytearray(data)
        struct.pack_into("<QQ", outside, table + 24, text, len(data))
        self.refused(bytes(outside), "ELF section lies outside")


if __name__ == "__main__":
    unittest.main()
