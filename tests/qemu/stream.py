# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Parts the serial line into the console for people and the record stream for programs
(lib/record.h, drivers/console/report.h), and checks that the stream is whole."""
from __future__ import annotations

import json
import re
import zlib
from typing import Any, Callable

RECORD_PREFIX = b"@json "
KTAP_PREFIX = b"@ktap "
CONSOLE_ENDS = ("bulkhead: end of report", "*** halted")
MARKER = re.compile(r"bulkhead: end of report, verdict (PASS|FAIL|NONE), (\d+) lines, "
                    r"CRC-32 ([0-9a-f]{8})")
PANIC = "*** PANIC "
LINE_LIMIT = 64 << 10  # longer ones are noise and are cut there

Record = dict[str, Any]

ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def plain(line: bytes) -> str:
    """A console line without what moves the cursor or colours it."""
    text = ESCAPE.sub("", line.decode("utf-8", "replace"))
    return CONTROL.sub("", text).rstrip()


class Stream:
    """Feed it what the serial line brings; `human` gets each console line."""

    def __init__(self, human: Callable[[str], None]) -> None:
        self.records: list[Record] = []
        self.raw: list[bytes] = []
        self.end: Record | None = None
        self.console_ended = False
        self.problem = ""
        self._human = human
        self._rest = b""
        self._sum = 0
        self._blank = True

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > LINE_LIMIT:
            self.close()

    def close(self) -> None:
        """Takes what stands behind the last line end for a line."""
        rest, self._rest = self._rest, b""
        if rest:
            self._line(rest)

    def complete(self) -> bool:
        return self.end is not None and self.console_ended and not self.problem

    def _line(self, line: bytes) -> None:
        line = line.rstrip(b"\r")
        if line.startswith((RECORD_PREFIX, KTAP_PREFIX)):
            self._record(line)
            return
        text = plain(line)
        if text or not self._blank:
            self._human(text)
        self._blank = not text
        if text.startswith(PANIC):
            self._fail(f"The image panicked: {text.removeprefix(PANIC)}.")
        if text.startswith(CONSOLE_ENDS):
            self._console_end(text)

    def _console_end(self, text: str) -> None:
        """People see the same verdict, count and sum as programs."""
        self.console_ended = True
        match = MARKER.fullmatch(text)
        end = self.end or {}
        told = (end.get("verdict"), end.get("lines"), end.get("crc32"))
        if not match or (match[1].lower(), int(match[2]), match[3]) != told:
            self._fail("The end marker on the console is not that of the records.")

    def _record(self, line: bytes) -> None:
        self.raw.append(line)
        record: Record = {}
        if line.startswith(RECORD_PREFIX):
            record = self._parse(line[len(RECORD_PREFIX) :])
        if self.end is not None:
            self._fail("A record came after the end marker.")
        elif record.get("record") == "end":
            self._finish(record)
        else:
            self._sum = zlib.crc32(line + b"\n", self._sum)
        if record:
            self.records.append(record)

    def _parse(self, text: bytes) -> Record:
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            self._fail(f"Record line {len(self.raw)} is not a JSON object.")
            return {}
        return record

    def _finish(self, record: Record) -> None:
        self.end = record
        lines = len(self.raw) - 1
        if record.get("cut"):
            self._fail("The image had to cut a record.")
        if record.get("lines") != lines:
            self._fail(f"The end marker counts {record.get('lines')} lines, {lines} arrived.")
        if record.get("crc32") != f"{self._sum:08x}":
            self._fail("The end marker's checksum does not fit the lines that arrived.")

    def _fail(self, problem: str) -> None:
        self.problem = self.problem or problem
