# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The screen that the image must have drawn: its text laid out and rendered here with the font, and
what a screenshot shows of it."""
from __future__ import annotations

import gzip
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "drivers/console"))

import font  # noqa: E402
from stream import MARKER  # noqa: E402

SPLEEN = Path("/usr/share/consolefonts/spleen-8x16.psfu.gz")
INK, PAPER = b"\xc0\xc0\xc0", b"\0\0\0"
SCROLL_PARTS = 4

Picture = tuple[int, int, bytes]  # width, height, three bytes a pixel


@cache
def glyphs() -> dict[str, bytes]:
    shapes, table = font.read_font(gzip.decompress(SPLEEN.read_bytes()))
    return {chr(code): shapes[table[code]] for code in range(font.FIRST, font.LAST + 1)}


def read_picture(path: Path) -> Picture:
    """A PPM as QEMU writes it."""
    kind, size, depth, pixels = path.read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    if kind != b"P6" or depth != b"255" or len(pixels) != 3 * width * height:
        raise ValueError(f"{path} is no whole picture")
    return width, height, pixels


class Page:
    """Rows of text as drivers/console/framebuffer.c lays them out."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.height = columns, rows
        self.rows = [""] * rows
        self.row = 0

    def add(self, line: str) -> None:
        for at in range(0, max(len(line), 1), self.columns):
            if self.row == self.height:
                self._scroll()
            self.rows[self.row] = line[at : at + self.columns]
            self.row += 1

    def _scroll(self) -> None:
        kept = self.height - (self.height // SCROLL_PARTS + 1)
        self.rows = self.rows[self.height - kept :] + [""] * (self.height - kept)
        self.row = kept


@cache
def pixels_of(character: str) -> tuple[bytes, ...]:
    """A line of pixels for each of the glyph's bytes."""
    return tuple(b"".join(INK if byte & 0x80 >> x else PAPER for x in range(font.WIDTH))
                 for byte in glyphs()[character])


def render(lines: list[str], width: int, height: int) -> Picture:
    columns, rows = width // font.WIDTH, height // font.HEIGHT
    page = Page(columns, rows)
    for line in lines:
        page.add(line)
    rest = PAPER * (width - columns * font.WIDTH)
    drawn = [b"".join(pixels_of(c)[y] for c in row.ljust(columns)) + rest
             for row in page.rows for y in range(font.HEIGHT)]
    return width, height, b"".join(drawn) + PAPER * width * (height - rows * font.HEIGHT)


def text_of(picture: Picture) -> list[str]:
    """The rows of a screenshot; a cell that is no glyph reads as NUL."""
    width, height, pixels = picture
    known = {b"".join(pixels_of(c)): c for c in glyphs()}
    stride, cell = 3 * width, 3 * font.WIDTH
    rows = []
    for top in range(0, height - font.HEIGHT + 1, font.HEIGHT):
        row = ""
        for left in range(0, stride - cell + 1, cell):
            shape = b"".join(pixels[(top + y) * stride + left : (top + y) * stride + left + cell]
                             for y in range(font.HEIGHT))
            row += known.get(shape, "\0")
        rows.append(row.rstrip())
    return rows


def shows_end(picture: Picture) -> bool:
    """It is the last that is drawn."""
    return any(MARKER.fullmatch(row) for row in text_of(picture))
