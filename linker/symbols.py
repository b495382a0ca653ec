#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Turns the addresses of a panic into functions and lines.

usage: symbols.py [bulkhead.elf] < console.log

The console comes from a file or a serial line, noise and all; the ELF is that of the build
(build/image/bulkhead.elf). Behind each line that names places in the image, one line per place
says function, file and line. 0: all was found; 1: the log has no panic of this build, or a place
is unknown to it; 2: the ELF or binutils cannot be used.
"""
from __future__ import annotations

import re
import subprocess
import sys
from io import TextIOWrapper
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ELF = ROOT / "build/image/bulkhead.elf"
PLACE = re.compile(r"(called from )?image\+0x([0-9a-f]{8})")
BUILD = re.compile(r"image base 0x[0-9a-f]+, build ([0-9a-f]+)")
NOTE = re.compile(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0(.{20})", re.DOTALL)
UNKNOWN = "??"


class Unusable(Exception):
    """Why the ELF or a program cannot be used."""


def ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Unusable(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise Unusable(done.stderr.strip() or f"{command[0]} failed")
    return done.stdout


def build_of(elf: Path) -> str:
    """The build ID, as the image itself tells it: a note among its constants."""
    try:
        note = NOTE.search(elf.read_bytes())
    except OSError as error:
        raise Unusable(f"{elf}: {error.strerror}") from error
    return note[1].hex() if note else ""


def lines_at(elf: Path, address: int) -> list[str]:
    """Function and place, the innermost of inlined ones first."""
    text = ask("addr2line", "--functions", "--inlines", "--exe", str(elf), hex(address))
    names = text.splitlines()
    return [f"{function} at {place.removeprefix(f'{ROOT}/').removeprefix('./')}"
            for function, place in zip(names[::2], names[1::2])]


def translate(line: str, elf: Path) -> list[str]:
    """A line of the console, and what it names. A return address is behind its call."""
    out = [line]
    for match in PLACE.finditer(line):
        address = int(match[2], 16)
        for text in lines_at(elf, address - 1 if match[1] else address):
            out.append(f"    0x{match[2]}: {text}")
    return out


def main() -> int:
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    elf = Path(sys.argv[1]) if len(sys.argv) > 1 else ELF
    try:
        own = build_of(elf)
        found, unknown, builds = 0, 0, set()
        for line in sys.stdin:
            builds.update(BUILD.findall(line))
            first, *places = translate(line.rstrip("\r\n"), elf)
            print(first, *places, sep="\n")
            found += len(places)
            unknown += sum(UNKNOWN in place for place in places)
    except Unusable as error:
        print(f"symbols: {error}", file=sys.stderr)
        return 2
    if builds - {own}:
        print(f"symbols: the log is of build {', '.join(sorted(builds))}, {elf} is {own or 'none'}",
              file=sys.stderr)
    return 0 if found and not unknown and builds == {own} else 1


if __name__ == "__main__":
    sys.exit(main())
