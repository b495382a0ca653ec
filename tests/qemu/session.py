# SPDX-License-Identifier: BSD-2-Clause-Patent
"""One run: starts the machine, follows its serial line to the end marker, ends it, judges it."""
from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from machine import Machine, disk_bytes, disk_sha256
from monitor import Function, Monitor
from report import Report, empty_report, judge, refuse
from screen import Picture, read_picture, shows_end
from stream import Stream

FAREWELL_SECONDS = 5.0  # for the console's last lines, and for QEMU to end
POLL_SECONDS = 0.5
ERROR_LINES = 8
IMAGE_SPEAKS = "Bulkhead "
CHATTER = re.compile(r"^(vtd_|amdvi_)|\bvtd_|New fault is not recorded")
LEFT_BEHIND = ("report.json", "console.log", "records.log", "qemu.log")


@dataclass
class Outcome:
    report: Report
    console: list[str]
    log: Path  # QEMU's own messages and trace
    functions: list[Function] = field(default_factory=list)
    seconds: float = 0.0
    status: int | None = None  # QEMU's, when it ended by itself
    screen: Picture | None = None

    @property
    def passed(self) -> bool:
        return bool(self.report["verdict"] == "pass")


class Interrupted(Exception):
    """Whoever started the run wants it ended."""


def write_report(folder: Path, report: Report) -> None:
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")


def error_lines(log: Path) -> list[str]:
    """The last lines that QEMU itself wrote, without its trace and its word on refused DMA."""
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if not CHATTER.search(line)][-ERROR_LINES:]


def end_of(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"exited with {status}"


class Session:
    def __init__(
        self,
        machine: Machine,
        folder: Path,
        show: Callable[[str], None],
        stop: threading.Event | None = None,
        enough: Callable[[Path], bool] | None = None,
    ) -> None:
        """`enough` ends a run without a console, by what QEMU's log shows."""
        clear(folder)
        self.machine = machine
        self.folder = folder
        self.console: list[str] = []
        self.log = folder / "qemu.log"
        self._show = show
        self._stop = stop or threading.Event()
        self._enough = enough
        self._stream = Stream(self._human)
        self._functions: list[Function] = []
        self._picture: Picture | None = None

    def run(self, timeout: float) -> Outcome:
        begin = time.monotonic()
        monitor = Monitor()
        try:
            status = self._start(monitor, begin + timeout)
        finally:
            monitor.close()
            while self.machine.held:
                os.close(self.machine.held.pop())
            self._save()
        report = judge(self._stream.records, self._problem(status, timeout), self._version())
        self._compare_disk(report)
        write_report(self.folder, report)
        seconds = time.monotonic() - begin
        return Outcome(report, self.console, self.log, self._functions, seconds, status,
                       self._picture)

    def _start(self, monitor: Monitor, deadline: float) -> int | None:
        """QEMU's exit status; None when the harness ended it."""
        command = self.machine.command(self.folder, monitor.remote.fileno())
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if self.machine.noise else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[monitor.remote.fileno()],
                start_new_session=True,
            )
        monitor.started()
        try:
            return self._follow(process, monitor, deadline)
        finally:
            end_process(process)

    def _follow(
        self, process: subprocess.Popen[bytes], monitor: Monitor, deadline: float
    ) -> int | None:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while time.monotonic() < deadline and not self._ended(monitor):
                if self._stop.is_set():
                    raise Interrupted
                if not selector.select(min(POLL_SECONDS, max(0.0, deadline - time.monotonic()))):
                    continue
                data = os.read(pipe, 1 << 16)
                if not data:
                    self._stream.close()
                    return process.wait()
                ended = self._stream.end is not None
                self._stream.feed(data)
                self._disturb(process)
                if self._stream.end is not None and not ended:
                    deadline = min(deadline, time.monotonic() + FAREWELL_SECONDS)
        self._stream.close()
        if self._enough or self._stream.end is not None:
            self._functions = monitor.functions()
        monitor.ask("quit")
        try:
            process.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # end_process() does it
        return None

    def _ended(self, monitor: Monitor) -> bool:
        if self.machine.screen and "console" in self.machine.serial and not (
                self._stream.console_ended):
            return False
        if self.machine.screen:
            self._picture = self._screenshot(monitor)
            return self._picture is not None and shows_end(self._picture)
        if self.machine.cut_after:
            return len(self._stream.raw) + len(self.console) >= self.machine.cut_after
        return self._stream.console_ended or bool(self._enough and self._enough(self.log))

    def _screenshot(self, monitor: Monitor) -> Picture | None:
        """None while there is no whole one."""
        path = self.folder / "screen.ppm"
        if monitor.ask("screendump", filename=str(path)) is None:
            return None
        try:
            return read_picture(path)
        except (OSError, ValueError):
            return None

    def _disturb(self, process: subprocess.Popen[bytes]) -> None:
        """Firmware's own keys are left alone: noise begins with the image."""
        if self.machine.noise and any(line.startswith(IMAGE_SPEAKS) for line in self.console):
            assert process.stdin is not None
            process.stdin.write(self.machine.noise)
            process.stdin.flush()
            self.machine.noise = b""

    def _human(self, line: str) -> None:
        self.console.append(line)
        self._show(line)

    def _save(self) -> None:
        raw = b"".join(line + b"\n" for line in self._stream.raw)
        (self.folder / "records.log").write_bytes(raw)
        (self.folder / "console.log").write_text("".join(line + "\n" for line in self.console))

    def _version(self) -> tuple[int, ...]:
        return self.machine.emulator.version

    def _problem(self, status: int | None, timeout: float) -> str:
        """Why the stream is not whole; empty when it is."""
        if self._stream.complete():
            return ""
        if self._stream.problem:
            return self._stream.problem
        if status is None:
            return f"No end marker within {timeout:g} s."
        if status:
            last = (error_lines(self.log) or ["it said nothing"])[-1]
            return f"QEMU {end_of(status)} before the end marker: {last}."
        return "The machine reset or powered off before the end marker."

    def _compare_disk(self, report: Report) -> None:
        """What the image says it read against the file itself."""
        path = self.machine.disk
        if path is None or report["verdict"] != "pass":
            return
        expected = (disk_bytes(path), disk_sha256(path))
        if expected[0] == 0 or expected in [(d.get("bytes"), d.get("sha256"))
                                            for d in report["disks"]]:
            return
        if report["disks"]:
            refuse(report, f"No disk that was read is what {path.name} holds.")
        else:
            refuse(report, "The disk was not read to its end.")


def clear(folder: Path) -> None:
    """No file of an earlier run stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in LEFT_BEHIND:
        (folder / name).unlink(missing_ok=True)


def end_process(process: subprocess.Popen[bytes]) -> None:
    for end in (process.terminate, process.kill):
        end()
        try:
            process.wait(FAREWELL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def refuse_start(folder: Path, reason: str) -> Report:
    """The report of a run that never began."""
    clear(folder)
    report = empty_report(reason)
    write_report(folder, report)
    return report
