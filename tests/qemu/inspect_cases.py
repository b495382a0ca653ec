# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Mode inspect and the menu, by a person at firmware's console: the report on the medium, the status
that firmware and its Shell get, QEMU's word that nothing was written to, the variables of firmware
and the time that it takes; and media that take no report."""
from __future__ import annotations

import re
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Callable, Iterator

from machine import VARIABLES, Machine
from media import Skipped, file_beside, fill, insert, make_image, with_firmware
from release import file_on, gpt_partition
from report import judge
from stream import Stream
from tables import demanding
from talk import Lost, Talk
from tally import Result

WRITES = {"intel": "vtd_reg_write", "amd": "amdvi_mmio_write", "none": ""}
MENU = "any other gives a minute"
SECONDS = 120.0
SHELL_RELEASE = "12"  # of Debian
SECURITY_VIOLATION = "0x1A"  # of EFI_STATUS, as the Shell shows it
WRITTEN = "written to report.txt"
UNWRITTEN = "report.txt cannot be written beside the image"
# What firmware says last before it calls the image.
CALLS = ("BdsDxe: starting", "Shell> ")
CONFIG_WRITE = "pci_cfg_write"
CONSOLE_WRITE = "serial_write"
# As older QEMUs trace it, and newer ones.
CONSOLE_BYTE = re.compile(
    CONSOLE_WRITE + r" (?:write addr 0x00 val|\[0x00\] <-) 0x([0-9a-f]{2})$")
# Firmware's clock is the machine's own, which an instruction takes 16 ns of.
OWN_TIME = ("-icount", "shift=4,sleep=off", "-rtc", "base=2026-01-01,clock=vm")
INSPECT_SECONDS = 2
COLUMNS = 80
# Of the units that QEMU has, as firmware leaves them: off, without a table or a fault.
HEX = "0x[0-9a-f]+"
READ = {
    "intel": (r"DMAR: INTR_REMAP=[01] X2APIC_OPT_OUT=0 DMA_CTRL_PLATFORM_OPT_IN=0",
              rf"dmar0: VT-d 1\.0, cap {HEX}, ecap {HEX}", r"dmar0: root table at 0x0, TTM=0",
              r"dmar0: fault status 0x0, a fault in 0 of [1-9]\d* records"),
    "amd": (r"IVRS: EFRSup=[01] PASize=\d+ VASize=\d+ HtAtsResv=[01] DmaRemapSup=0",
            r"amdvi0: AMD-Vi, efr 0x[0-9a-f]{2,}, control 0x0",
            r"amdvi0: device table at 0x0, 4 KiB",
            r"amdvi0: status 0x0, event log of 0, 0 not taken"),
}
# Between two readings of firmware's clock, which tells whole seconds.
TIMED = """@echo -off
time
fs0:\\EFI\\BOOT\\BOOTX64.EFI mode=inspect
echo ==%lasterror%==
time
"""

Script = Callable[[Machine, Path], Iterator[str]]


def stick(machine: Machine, folder: Path, **options: str) -> Path:
    """A stick that can be written to, before firmware that has a Shell; without mode=, the menu
    asks."""
    with_firmware(machine, SHELL_RELEASE)
    machine.options = {"mode": "", **options}
    iso = make_image(machine, folder)
    insert(machine, "usb", iso, writable=True)
    machine.trace = tuple(filter(None, [WRITES[machine.iommu], CONFIG_WRITE, CONSOLE_WRITE]))
    return iso


def report_on(iso: Path) -> tuple[Stream, list[str]]:
    lines: list[str] = []
    stream = Stream(lines.append)
    stream.feed(file_on(iso, gpt_partition(iso.read_bytes())[0], "EFI/BOOT/report.txt"))
    stream.close()
    return stream, lines


def judge_report(iso: Path, state: str) -> Iterator[str]:
    """The file is whole, and claims nothing."""
    stream, lines = report_on(iso)
    if not stream.complete():
        yield f"report.txt is not whole: {stream.problem or 'it has no end'}"
    if stream.end is None or stream.end.get("verdict") != "none":
        yield f"report.txt ends with {stream.end}"
    if not any(re.search(state, line) for line in lines):
        yield f"report.txt says nothing like {state}"
    if judge(stream.records, "", ())["verdict"] != "fail":
        yield "report.txt passes for a proof"
    ids = [record["id"] for record in stream.records if record["record"] == "group"]
    if sorted(set(ids)) != list(range(len(set(ids)))):
        yield f"groups are not numbered as take-over numbers them: {ids}"


def judge_lines(iso: Path, patterns: tuple[str, ...]) -> Iterator[str]:
    """What it read, a whole line each, on a console of 80 columns."""
    lines = report_on(iso)[1]
    for pattern in patterns:
        lost = [line for line in lines if re.fullmatch(pattern, line)]
        if not lost:
            yield f"report.txt has no line like {pattern}"
        yield from (f"report.txt has a line of {len(line)} columns: {line}" for line in lost
                    if len(line) >= COLUMNS)


def judge_writes(machine: Machine, talk: Talk) -> Iterator[str]:
    word = WRITES[machine.iommu]
    written = [line for line in talk.log.read_text(errors="replace").splitlines()
               if word and line.startswith(word)]
    if written:
        yield f"the unit was written to: {written[0]}"


def config_writes(log: Path) -> Iterator[list[str]]:
    """Of each run that wrote its report, from its call to that: what was written to configuration
    space. The last one of all: what was written outside, by firmware."""
    said, written, outside = "", [], []
    for line in log.read_text(errors="replace").splitlines():
        if byte := CONSOLE_BYTE.match(line):
            said += chr(int(byte[1], 16))
            if said.endswith(CALLS):
                outside += written
                said, written = "", []
            elif said.endswith(WRITTEN):
                yield written
                said, written = "", []
        elif line.startswith(CONFIG_WRITE):
            written.append(line)
    yield outside + written


def judge_config(log: Path, runs: int) -> Iterator[str]:
    *ours, firmware = config_writes(log)
    if len(ours) != runs or not firmware:
        yield f"the trace shows {len(ours)} runs, {len(firmware)} writes of firmware"
    yield from (f"configuration space was written to: {lines[0]}" for lines in ours if lines)


def judge_time(begin: str, end: str) -> Iterator[str]:
    """Whole seconds: what differs by n took less than n + 1."""
    first, last = (datetime.strptime(text, "%H:%M:%S") for text in (begin, end))
    if not 0 <= (last - first).total_seconds() < INSPECT_SECONDS:
        yield f"it takes from {begin} to {end}, {INSPECT_SECONDS} s are allowed"


def inspects(machine: Machine, folder: Path) -> Iterator[str]:
    """By the options file, from the boot manager; then by a load option, from the Shell."""
    iso = stick(machine, folder, mode="inspect", tests="odd")
    file_beside(iso, "timed.nsh", TIMED.encode())
    machine.extra += OWN_TIME
    variables = folder / VARIABLES
    clock = r"\n\r?(\d\d:\d\d:\d\d) "
    with Talk(machine, folder) as talk:
        talk.wait_for("option tests=odd is not taken", SECONDS)
        talk.wait_for(WRITTEN, SECONDS)
        talk.wait_for("Security Violation", SECONDS)
        talk.wait_for("startup.nsh", SECONDS)
        talk.send("\x1b")
        talk.wait_for("Shell>", SECONDS)
        before = variables.read_bytes()
        talk.send("fs0:\\EFI\\BOOT\\timed.nsh\r")
        begin = talk.match_of(clock, SECONDS)
        talk.wait_for(WRITTEN, SECONDS)
        talk.wait_for(f"=={SECURITY_VIOLATION}==", SECONDS)
        end = talk.match_of(clock, SECONDS)
        talk.wait_for("Shell>", SECONDS)
        if variables.read_bytes() != before:
            yield "firmware's variables have changed"
    yield from judge_time(begin, end)
    yield from judge_writes(machine, talk)
    yield from judge_config(talk.log, 2)
    yield from judge_report(iso, "a unit does not translate")
    yield from judge_lines(iso, READ[machine.iommu])


def tells_unwritten(talk: Talk) -> None:
    """The finding first, then why there is no file, and the status that says so."""
    talk.wait_for("a unit does not translate", SECONDS)
    talk.wait_for("bulkhead: end of report, verdict NONE", SECONDS)
    talk.wait_for(UNWRITTEN, SECONDS)
    talk.wait_for("Write Protected", SECONDS)


def no_writing(medium: str) -> Script:
    def script(machine: Machine, folder: Path) -> Iterator[str]:
        iso = stick(machine, folder, mode="inspect")
        insert(machine, medium, iso)
        before = iso.read_bytes()
        with Talk(machine, folder) as talk:
            tells_unwritten(talk)
        if iso.read_bytes() != before:
            yield "the medium has changed"

    return script


def full(machine: Machine, folder: Path) -> Iterator[str]:
    iso = stick(machine, folder, mode="inspect")
    fill(iso)
    with Talk(machine, folder) as talk:
        tells_unwritten(talk)
    if report_on(iso)[0].complete():
        yield "there is a whole report.txt all the same"


def pulled(machine: Machine, folder: Path) -> Iterator[str]:
    """While the menu waits."""
    iso = stick(machine, folder, timeout="9")
    before = iso.read_bytes()
    with Talk(machine, folder) as talk:
        talk.wait_for(MENU, SECONDS)
        talk.pull("medium")
        talk.send("i")
        tells_unwritten(talk)
    if iso.read_bytes() != before:
        yield "the medium has changed"


def inspects_nothing(machine: Machine, folder: Path) -> Iterator[str]:
    iso = stick(machine, folder, timeout="1")
    with Talk(machine, folder) as talk:
        talk.wait_for(MENU, SECONDS)
        talk.wait_for(WRITTEN, SECONDS)
        talk.wait_for("Not Found", SECONDS)
    yield from judge_config(talk.log, 1)
    yield from judge_report(iso, "there is no IOMMU to drive")


def reads_demands(machine: Machine, folder: Path) -> Iterator[str]:
    """Of a table that names a unit that is not there, and regions."""
    iso = stick(machine, folder, mode="inspect")
    path = folder / "table.bin"
    path.write_bytes(demanding())
    machine.extra += ("-acpitable", f"file={path}")
    with Talk(machine, folder) as talk:
        talk.wait_for(WRITTEN, SECONDS)
        talk.wait_for("Device Error", SECONDS)
    yield from judge_report(iso, "a unit does not answer")
    demanded = "memory demanded for a device: "
    yield from judge_lines(iso, (
        "DMAR: INTR_REMAP=1 X2APIC_OPT_OUT=1 DMA_CTRL_PLATFORM_OPT_IN=1",
        demanded + r"0x10000000-0x10001fff of 00:04\.0",
        demanded + "0x10004000-0x10005fff of no function here"))


def chooses(machine: Machine, folder: Path) -> Iterator[str]:
    """Noise does not choose; q goes back to firmware, and t takes the machine: by a load option, and
    says so, but for what its disk holds."""
    stick(machine, folder, timeout="9", shell="off")
    with Talk(machine, folder) as talk:
        talk.wait_for(MENU, SECONDS)
        talk.send("AT\r~# ")
        talk.wait_for("inspect in 5[0-9] s; a key of the menu chooses {9}", SECONDS)
        talk.send("\x1b")
        talk.wait_for("Aborted", SECONDS)
        talk.wait_for("Shell>", SECONDS)
        talk.send("fs0:\\EFI\\BOOT\\BOOTX64.EFI disks=skip\r")
        talk.wait_for(MENU, SECONDS)
        talk.send("T")
        talk.wait_for(r"SKIP NVME-002 \S+ disks=skip: nothing is read", SECONDS)
        talk.wait_for(r"denial proof: [^\n]* 1 skipped", SECONDS)
        talk.wait_for("bulkhead: end of report, verdict PASS", SECONDS)
    if "bytes read, SHA-256" in talk.console.read_text(encoding="latin-1"):
        yield "the disk was read"


# Name, unit, script; the position chooses the QEMU among those there are.
INSPECT_CASES: tuple[tuple[str, str, Script], ...] = (
    ("inspect", "intel", inspects),
    ("inspect-menu", "intel", chooses),
    ("inspect-amd", "amd", inspects),
    ("inspect-no-iommu", "none", inspects_nothing),
    ("inspect-demands", "none", reads_demands),
    ("inspect-full", "intel", full),
    ("inspect-cd", "amd", no_writing("cd")),
    ("inspect-read-only", "intel", no_writing("usb")),
    ("inspect-pulled", "amd", pulled),
)


def inspect_case(name: str, machine: Machine, folder: Path, script: Script) -> Result:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begin = time.monotonic()
    try:
        wrong = list(script(machine, folder))
    except Skipped as reason:
        return Result(name, "skip", [str(reason)])
    except Lost as lost:
        wrong = [str(lost)]
    name += f" ({time.monotonic() - begin:.1f} s)"
    return Result(name, "FAIL" if wrong else "ok", wrong)
