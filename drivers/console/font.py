# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Converts a PSF console font to the C array of font.h: font.py INPUT.psfu.gz OUTPUT.c

Source: the PC Screen Font formats 1 and 2, as the kbd project's psf.h defines them.
"""

import gzip
import struct
import sys
from pathlib import Path

FIRST, LAST = 0x20, 0x7E
WIDTH, HEIGHT = 8, 16

PSF1_MAGIC = b"\x36\x04"
PSF1_512_GLYPHS = 1
PSF1_UNICODE = 2 | 4
PSF1_SEQUENCE, PSF1_END = 0xFFFE, 0xFFFF

PSF2_MAGIC = b"\x72\xb5\x4a\x86"
PSF2_UNICODE = 1
PSF2_SEQUENCE, PSF2_END = 0xFE, 0xFF

Table = dict[int, int]
"""Code point to glyph number."""


def psf1_table(data: bytes) -> Table:
    table: Table = {}
    glyph, sequence = 0, False
    for (word,) in struct.iter_unpack("<H", data[: len(data) & ~1]):
        if word == PSF1_END:
            glyph, sequence = glyph + 1, False
        elif word == PSF1_SEQUENCE:
            sequence = True
        elif not sequence:
            table.setdefault(word, glyph)
    return table


def psf2_table(data: bytes) -> Table:
    table: Table = {}
    for glyph, entry in enumerate(data.split(bytes([PSF2_END]))):
        singles = entry.split(bytes([PSF2_SEQUENCE]))[0]
        for character in singles.decode("utf-8"):
            table.setdefault(ord(character), glyph)
    return table


def read_font(data: bytes) -> tuple[list[bytes], Table]:
    """All glyphs, and which one stands for which character."""
    if data[:2] == PSF1_MAGIC:
        mode, height = data[2], data[3]
        width, start, size = 8, 4, height
        count = 512 if mode & PSF1_512_GLYPHS else 256
        has_table, read_table = bool(mode & PSF1_UNICODE), psf1_table
    elif data[:4] == PSF2_MAGIC:
        _, start, flags, count, size, height, width = struct.unpack_from("<7I", data, 4)
        has_table, read_table = bool(flags & PSF2_UNICODE), psf2_table
    else:
        raise ValueError("neither PSF 1 nor PSF 2")
    end = start + count * size
    if (width, height, size) != (WIDTH, HEIGHT, HEIGHT) or end > len(data):
        raise ValueError(f"{width}x{height} in {size} bytes; {WIDTH}x{HEIGHT} is needed")
    glyphs = [data[start + i * size : start + (i + 1) * size] for i in range(count)]
    return glyphs, read_table(data[end:]) if has_table else {i: i for i in range(count)}


def c_source(glyphs: list[bytes], table: Table, name: str) -> str:
    lines = [
        f"/* Made by font.py from {name}: Spleen, Copyright (c) 2018-2022, Frederic Cambus,",
        " * BSD-2-Clause. */",
        '#include "drivers/console/font.h"',
        "",
        "const uint8_t console_font[FONT_GLYPHS][FONT_HEIGHT] = {",
    ]
    for code in range(FIRST, LAST + 1):
        if code not in table:
            raise ValueError(f"no glyph for U+{code:04X}")
        row = ", ".join(f"0x{byte:02X}" for byte in glyphs[table[code]])
        lines.append(f"    {{{row}}}, /* 0x{code:02X} */")
    return "\n".join([*lines, "};", ""])


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print("usage: font.py INPUT.psfu.gz OUTPUT.c", file=sys.stderr)
        return 2
    source, output = Path(arguments[1]), Path(arguments[2])
    try:
        glyphs, table = read_font(gzip.decompress(source.read_bytes()))
        text = c_source(glyphs, table, source.name)
    except FileNotFoundError:
        print(f"{source} is missing: install the package fonts-spleen", file=sys.stderr)
        return 1
    except (OSError, ValueError, EOFError) as error:
        print(f"{source}: {error}", file=sys.stderr)
        return 1
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
