# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Mode inspect and the menu, by a person at firmware's console: the report on the medium, the status
that firmware and its Shell get, and QEMU's word that no unit was written to."""
from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Callable, Iterator

from machine import Machine
from media import Skipped, insert, make_image, with_firmware
from release import file_on, gpt_partition
from report import judge
from stream import Stream
from talk import Lost, Talk
from tally import Result

WRITES = {"intel": "vtd_reg_write", "amd": "amdvi_mmio_write", "none": ""}
MENU = "any other stops the clock"
SECONDS = 60.0
SHELL_RELEASE = "12"  # of Debian
SECURITY_VIOLATION = "0x1A"  # of EFI_STATUS, as the Shell shows it


def stick(machine: Machine, folder: Path, **options: str) -> Path:
    """A stick that can be written to, before firmware that has a Shell; without mode=, the menu
    asks."""
    with_firmware(machine, SHELL_RELEASE)
    machine.options = {"mode": "", **options}
    iso = make_image(machine, folder)
    insert(machine, "usb", iso, writable=True)
    machine.trace = tuple(filter(None, [WRITES[machine.iommu]]))
    return iso


def judge_report(iso: Path, state: str) -> Iterator[str]:
    """The file is whole, and claims nothing."""
    lines: list[str] = []
    stream = Stream(lines.append)
    stream.feed(file_on(iso, gpt_partition(iso.read_bytes())[0], "EFI/BOOT/report.txt"))
    stream.close()
    if not stream.complete():
        yield f"report.txt is not whole: {stream.problem or 'it has no end'}"
    if stream.end is None or stream.end.get("verdict") != "none":
        yield f"report.txt ends with {stream.end}"
    if not any(re.search(state, line) for line in lines):
        yield f"report.txt says nothing like {state}"
    if judge(stream.records, "", ())["verdict"] != "fail":
        yield "report.txt passes for a proof"


def judge_writes(machine: Machine, talk: Talk) -> Iterator[str]:
    word = WRITES[machine.iommu]
    written = [line for line in talk.log.read_text(errors="replace").splitlines()
               if word and line.startswith(word)]
    if written:
        yield f"the unit was written to: {written[0]}"


def inspects(machine: Machine, folder: Path) -> Iterator[str]:
    """By the options file, from the boot manager; then by a load option, from the Shell."""
    iso = stick(machine, folder, mode="inspect", tests="odd")
    with Talk(machine, folder) as talk:
        talk.wait_for("option tests=odd is not taken", SECONDS)
        talk.wait_for("written to report.txt", SECONDS)
        talk.wait_for("Security Violation", SECONDS)
        talk.wait_for("Shell>", SECONDS)
        talk.send("fs0:\\EFI\\BOOT\\BOOTX64.EFI mode=inspect\r")
        talk.wait_for("written to report.txt", SECONDS)
        talk.wait_for("Shell>", SECONDS)
        talk.send("echo ==%lasterror%==\r")
        talk.wait_for(f"=={SECURITY_VIOLATION}==", SECONDS)
    yield from judge_writes(machine, talk)
    yield from judge_report(iso, "a unit does not translate")


def inspects_nothing(machine: Machine, folder: Path) -> Iterator[str]:
    iso = stick(machine, folder, timeout="1")
    with Talk(machine, folder) as talk:
        talk.wait_for(MENU, SECONDS)
        talk.wait_for("written to report.txt", SECONDS)
        talk.wait_for("Not Found", SECONDS)
    yield from judge_report(iso, "there is no IOMMU to drive")


def chooses(machine: Machine, folder: Path) -> Iterator[str]:
    """Noise does not choose; q goes back to firmware, and t takes the machine."""
    stick(machine, folder, timeout="9", shell="off")
    with Talk(machine, folder) as talk:
        talk.wait_for(MENU, SECONDS)
        talk.send("AT\r~# ")
        talk.wait_for("inspect in 5[0-9] s", SECONDS)
        talk.send("\x1b")
        talk.wait_for("Aborted", SECONDS)
        talk.wait_for("Shell>", SECONDS)
        talk.send("fs0:\\EFI\\BOOT\\BOOTX64.EFI\r")
        talk.wait_for(MENU, SECONDS)
        talk.send("T")
        talk.wait_for("bulkhead: end of report, verdict PASS", SECONDS)
    yield from ()


Script = Callable[[Machine, Path], Iterator[str]]

# Name, unit, script; the position chooses the QEMU among those there are.
INSPECT_CASES: tuple[tuple[str, str, Script], ...] = (
    ("inspect", "intel", inspects),
    ("inspect-menu", "intel", chooses),
    ("inspect-amd", "amd", inspects),
    ("inspect-no-iommu", "none", inspects_nothing),
)


def inspect_case(name: str, machine: Machine, folder: Path, script: Script) -> Result:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        wrong = list(script(machine, folder))
    except Skipped as reason:
        return Result(name, "skip", [str(reason)])
    except Lost as lost:
        wrong = [str(lost)]
    return Result(name, "FAIL" if wrong else "ok", wrong)
