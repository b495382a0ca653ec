# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A person at the image's shell, played by a script: every command, good and bad input, and DMA
tried by hand. Two judges: what the screen shows, and QEMU's trace of its unit."""
from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import subprocess
import tty
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

from machine import Machine
from monitor import Monitor
from second_judge import READERS
from session import clear, end_process
from tables import BAD_IVRS
from tally import Result

BOOT_SECONDS = 90.0
ANSWER_SECONDS = 30.0
PROMPT = "bulkhead> "
READY = "'help' lists its commands"
COLUMNS = 80
DONE, FAILED, WRONG, STOPPED = range(4)  # $?
EDU, EDU_REQUESTER = "00:05.0", 0x28
REFUSED = {0x5000, 0x9000}  # pages, in the script
# A command that ends the machine, and QEMU's reason. Only firmware can switch off.
OFF, ANEW = ("poweroff", "guest-shutdown"), ("reboot", "guest-reset")
NOISE = random.Random(PROMPT).randbytes(4096).decode("latin-1")
# Lines of the log, of tests and of the report are as long as they are.
WIDE = {"log", "report", "status", "test"}


@dataclass(frozen=True)
class Step:
    """What is typed, a line unless it ends otherwise; patterns that the answer has; the status."""

    typed: str
    shows: tuple[str, ...] = ()
    status: int = DONE

    @property
    def command(self) -> str:
        return self.typed.split(";")[0].split()[0] if self.typed.split() else ""


def step(typed: str, *shows: str, status: int = DONE) -> Step:
    return Step(typed, shows, status)


HEX = r"0x[0-9a-f]+"

# Before anything else has happened.
BEGIN = (
    step("help", r"\bacpi +\S", r"\bwalk +\S", "'help COMMAND'"),
    step("help dma", "usage: dma BDF read.write ADDRESS", r"destroys: what the pages"),
    step("help units", "destroys: nothing"),
    step("help nonsense", "There is no command 'nonsense'", status=WRONG),
    step("version", rf"Bulkhead \S+, image at {HEX}"),
    step("status", r"1 of 1 units active", r"protection now: active", r"next step:"),
    step("report", r"^Bulkhead ", r"bulkhead: end of report, verdict"),
    step("units", r"\S"),
    step("caps", rf"^(dmar|amdvi)0 at {HEX}$"),
    step("caps 0", r"\S"),
    step("caps 7", "there is no unit 7", status=WRONG),
    step("regs 0", rf"^(dmar|amdvi)0 at {HEX}$"),
    step("regs x", "UNIT: 'x' is no number", status=WRONG),
    step("devs", rf"^{EDU} .*, (dmar|amdvi)0, edu0$", r"^    group \d+: blocked, \d+ refused$"),
    step("groups", r"^IOMMU Group 0: blocked$"),
    step("faults", r"\S"),
    step("doms", r"^There is no domain\.$"),
    step("maps 255", "there is no domain 255", status=WRONG),
    step("walk 00:05.0 0x5000", r"\S"),
    step("walk 00:05.0 5g", "ADDRESS: '5g' is no number", status=WRONG),
    step("walk 00:05.0", "too few arguments", status=WRONG),
    step("walk 0:0 0", "BDF: '0:0' is none", status=WRONG),
    step("acpi", r"^FACP +\d+ bytes.*checksum holds", r"^APIC "),
    step("acpi APIC", r"^00000000 41 50 49 43 .*APIC"),
    step("acpi NONE", "there is no table 'NONE'", status=WRONG),
    step("pci", r"^00:04\.0 1b36:0010 class 010802"),
    step("pci 00:04.0", r"command 0x", r"BAR 0: memory at 0x", r"MSI-X", r"PCI Express"),
    step("pci 00:1e.7", "there is no function 00:1e.7", status=WRONG),
    step("pci 0:20.0", "BDF: '0:20.0' is none", status=WRONG),
    step("md 0x100000 32", r"^00100000( [0-9a-f]{2}){16}", r"^00100010 "),
    step("md 0xfee00000", "is no RAM", status=FAILED),
    step("md 0xffffffffffffff00 1k", "does not go around", status=WRONG),
    step("md 0", "left unmapped", status=FAILED),
    step("md 0x100000 1T", "is no size", status=WRONG),
    step("md 0xfec00000 4 mmio", r"^fec00000 [0-9a-f]{8}"),
    step("md 0x100000 16 mmio", "is RAM", status=FAILED),
    step("log 5", r"end of report"),
    step("log x", "COUNT: 'x' is no number", status=WRONG),
    step("loglevel", "up to level 6"),
    step("loglevel 9", "is not 3 to 7", status=WRONG),
    step("loglevel 7", "up to level 7"),
    step("loglevel 6", "up to level 6"),
    step("echo a  b $?", "^a b 0"),
    step("statsu", "nearest is 'status'", status=WRONG),
    step("test BOOT-", r"PASS BOOT-001", "5 results, 0 of them failed"),
    step("test CORE", r"^PASS CORE-001 \S", "3 results, 0 of them failed"),
    step("test C", r"PASS CORE-001", "3 results, 0 of them failed"),
)

# Refused, allowed, refused again; with what the device and the driver cannot do.
HAND = (
    step(f"dma {EDU} read 0x5000", "^Refused: 0 of 1024 bytes arrived", status=FAILED),
    step(f"map {EDU} 0x5000", rf"^Mapped: 0x5000 is memory at {HEX} now, 4096 bytes"),
    # No test, no driver: the mapping stays.
    *(step(f"test {typo}", "no test has an id", status=WRONG)
      for typo in ("NOTHING-", "DRV-", "DMA-DENY-9", "NVME-2", "HDA-1x", "HDA-FAULT-013")),
    step(f"dma {EDU} read 0x5000", "^Done: 1024 bytes arrived"),
    step(f"dma {EDU} write 0x5000", "^Done: 1024 bytes arrived"),
    step(f"dma {EDU} write 0x5c08 0x3f8", "^Done: 1016 bytes arrived", status=DONE),
    step("doms; faults; devs", r"^domain \d+: .* of edu0, .* 1 device$",
         r"^    group \d+: attached, domain"),
    step(f"walk {EDU} 0x5000", r"\S"),
    step(f"map {EDU} 0x5000", "mapped already", status=FAILED),
    step(f"unmap {EDU} 0x5000", "^Unmapped: 4096 bytes from 0x5000 on"),
    step(f"dma {EDU} write 0x5000", "^Refused: 0 of 1024 bytes arrived", status=FAILED),
    step(f"unmap {EDU} 0x5000", "No mapping made by hand begins at 0x5000", status=FAILED),
    step(f"map {EDU} 0x6000 rw 8k", "8192 bytes"),
    step(f"dma {EDU} write 0x6e00", "^Done: 1024 bytes arrived"),
    step(f"unmap {EDU} 0x6000", "^Unmapped: 8192 bytes"),
    step(f"map {EDU} 0x9000 r", "^Mapped: 0x9000"),
    step(f"dma {EDU} write 0x9000", "^Refused: 0 of 1024 bytes arrived", status=FAILED),
    step(f"dma {EDU} read 0x9000 64", "^Done: 64 bytes arrived"),
    step(f"map {EDU} 0x10000000", "28 bits", status=FAILED),
    step(f"map {EDU} 0xfffffffffffff000", "28 bits", status=FAILED),
    step(f"map {EDU} 0x7001", "Only whole pages", status=FAILED),
    step(f"map {EDU} 0x20000 rw 17k", "Only whole pages", status=FAILED),
    step(f"map {EDU} 0x20000 rw 1M", "16 pages", status=FAILED),
    step(f"map {EDU} 0x7000 x", "'x' is none of r, w and rw", status=WRONG),
    step(f"dma {EDU} read 0x5001", "words of 8 bytes", status=FAILED),
    step(f"dma {EDU} fetch 0x5000", "'fetch' is neither read nor write", status=WRONG),
    step("map 00:04.0 0x5000", "Its driver, nvme, cannot be asked", status=FAILED),
    step("dma 00:1f.0 read 0", "No driver is bound", status=FAILED),
    step("map 00:1e.0 0x5000", "there is no function", status=WRONG),
)

# Ctrl-C drops what noise has left of a line.
AFTER_NOISE = (step("\x03status\r", r"1 of 1 units active"),)

# Of a person whose line and fingers are not good.
TYPING = (
    step("\x1b[200~\xff\x80\xc3\xa9sta\x1b[15~\x7fa\x1b[D\x1b[C\t\r", "1 of 1 units active"),
    step("xversion\x01\x1b[3~\r", "^Bulkhead "),
    step("\x1b[A\x1bOA\n", "^Bulkhead "),  # the line before that of the status
    step("\x1bAxx\x15version\r\n", "^Bulkhead "),
    step("verzion\x1b[D\x1b[D\x1b[D\bs\r", "^Bulkhead "),
    step("garbage garbage \x17\x0b\x0cmore\x03version\r", "^Bulkhead "),
    step("help" + " long" * 60 + "\r", "More than 16 words", status=WRONG),
    step("echo one;; echo two ; nothing; echo $?\r", "^one", "^two", "no command 'nothing'", "^2"),
)

# After a panic that holds the locks: all can be looked at, nothing tried.
AFTER_PANIC = (
    step("status", r"1 of 1 units active", "did not come to its report", status=FAILED),
    step("regs 0", r"\S"),
    step("doms; groups; devs; faults", r"\S"),
    step("maps 0", "there is no domain 0", status=WRONG),
    step(f"walk {EDU} 0x5000", r"\S"),
    step("md 0x100000 32", r"^00100000( [0-9a-f]{2}){16}"),
    step("log 1", r"\S"),
    step(f"dma {EDU} read 0x5000", "refused here", status=FAILED),
    step("test", "refused here", status=FAILED),
)


class Lost(Exception):
    """The script cannot go on; why."""


class Talk:
    """A machine with its shell at the other end of a terminal line."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        # Only these cases need it, and say so when it is not there.
        import pexpect
        from pexpect import fdpexpect

        self._missed = (pexpect.TIMEOUT, pexpect.EOF, OSError)
        self._monitor = Monitor()
        self._count = 0
        self.log = folder / "qemu.log"
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                machine.command(folder, self._monitor.remote.fileno()), stdin=theirs, stdout=theirs,
                stderr=log, pass_fds=[self._monitor.remote.fileno()], start_new_session=True)
        os.close(theirs)
        self._monitor.started()
        self._monitor.ask("query-status")  # events come from the first question on
        self._line = fdpexpect.fdspawn(ours, timeout=ANSWER_SECONDS, encoding="latin-1")
        self.console = folder / "console.log"
        self._transcript = self.console.open("w", encoding="latin-1", newline="")
        self._line.logfile_read = self._transcript

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._monitor.ask("quit")
        end_process(self._process)
        self._monitor.close()
        self._line.close()
        self._transcript.close()

    def send(self, typed: str) -> None:
        self._line.send(typed)

    def begin(self) -> None:
        self.wait_for(READY, BOOT_SECONDS)
        self.wait_for(PROMPT, ANSWER_SECONDS)

    def say(self, typed: str) -> tuple[list[str], int]:
        """What comes, but for lines that are typed, and the status. The question for that is typed
        ahead."""
        self._count += 1
        self._line.send(typed if typed[-1] in "\r\n\x03" else typed + "\r")
        self._line.send(f"echo ={self._count}= $?\r")
        text = self.wait_for(rf"\n={self._count}= (\d)\r+\n{PROMPT}", ANSWER_SECONDS)
        lines = [line.rstrip("\r") for line in text.split("\n")[1:]]
        return ([line for line in lines if not line.startswith(PROMPT)],
                int(self._line.match.group(1)))

    def ends(self, typed: str) -> str:
        """QEMU's reason; else what the machine said, or that it goes on."""
        self._line.send(typed + "\r")
        with contextlib.suppress(*self._missed):
            self._line.expect("not done: .*" + PROMPT)
            return str(self._line.after)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ANSWER_SECONDS)
            return self._monitor.shutdown_reason()
        return "goes on"

    def pull(self, device: str) -> None:
        if self._monitor.ask("device_del", id=device) is None:
            raise Lost(f"{device} cannot be pulled")

    def match_of(self, pattern: str, seconds: float) -> str:
        """What the pattern's group has."""
        self.wait_for(pattern, seconds)
        return str(self._line.match.group(1))

    def wait_for(self, pattern: str, seconds: float) -> str:
        try:
            self._line.expect(pattern, timeout=seconds)
        except self._missed as missed:
            raise Lost(f"no {pattern!r} came ({type(missed).__name__})") from missed
        return str(self._line.before)


def judge_answer(one: Step, lines: list[str], status: int) -> Iterator[str]:
    for pattern in one.shows:
        if not any(re.search(pattern, line) for line in lines):
            yield f"{one.typed!r} shows nothing like {pattern!r}: {lines[:3]}"
    if status != one.status:
        yield f"{one.typed!r} ends with {status}, not {one.status}"
    if one.command not in WIDE and one.typed.isprintable():
        yield from (f"{one.typed!r} shows a line of {len(line)} columns" for line in lines
                    if len(line) >= COLUMNS and not line.startswith("["))


def judge_trace(iommu: str, log: Path, begin: int, end: int) -> list[str]:
    """By hand nothing but the pages that the person named was reached or refused."""
    part = log.with_name("by-hand.log")
    part.write_bytes(log.read_bytes()[begin:end])
    trace = READERS[iommu](part)
    one = trace.of(EDU_REQUESTER)
    found = []
    if 0x5000 not in one.refused or one.refused - REFUSED:
        found.append(f"the trace has refusals at {sorted(map(hex, one.refused))}")
    if not one.refused_after_use:
        found.append("the trace shows no page reached, unmapped and then refused")
    if not one.translated_bytes or one.identical:
        found.append(f"{one.translated_bytes} bytes translated, {one.identical} times to the same")
    if trace.passed_through:
        found.append(f"{trace.passed_through} requests passed through untranslated")
    return found


def names_of(lines: list[str]) -> set[str]:
    """The commands that `help` lists, two on a line."""
    cells = [cell for line in lines[:-1] for cell in (line[:10], line[40:50])]
    return {cell.strip() for cell in cells if cell.strip()}


def ecam_steps(talk: Talk) -> tuple[Step, ...]:
    """Firmware calls ECAM reserved. MCFG, "Base Address" of the first allocation."""
    dump = "".join(line[8:56] for line in talk.say("acpi MCFG")[0]
                   if re.match("[0-9a-f]{8} ", line))
    base = int.from_bytes(bytes.fromhex(dump)[44:52], "little")
    return (step(f"md {base:#x} 64", "is reserved", status=FAILED),
            step(f"md {base:#x} 4 mmio", rf"^{base:08x} 29c08086"))


def run_script(talk: Talk, iommu: str) -> list[str]:
    found: list[str] = []

    def play(steps: tuple[Step, ...]) -> None:
        for one in steps:
            found.extend(judge_answer(one, *talk.say(one.typed)))

    talk.begin()
    untried = names_of(talk.say("help")[0]) - {s.command for s in BEGIN + HAND} - {"reboot", "poweroff"}
    found += [f"no step tries {name}" for name in sorted(untried)]
    talk.send(NOISE)
    play(AFTER_NOISE)
    play(BEGIN)
    play(ecam_steps(talk))
    begin = talk.log.stat().st_size
    play(HAND)
    end = talk.log.stat().st_size
    found += judge_trace(iommu, talk.log, begin, end)
    found += owners_alone(talk)
    play(TYPING)
    if talk.say("test drivers\r\x03")[1] != STOPPED:
        found.append("Ctrl-C does not stop a test")
    play(HAND[1:2] + HAND[8:10])  # stopped devices work again
    return found + end_of(talk, *(ANEW if iommu == "amd" else OFF))


def owners_alone(talk: Talk) -> Iterator[str]:
    """An id runs the driver that has it and no other: the disk is read for its own ids alone."""
    for id_, reads in (("DMA-ALLOW-002", False), ("NVME-001", True)):
        one = step(f"test {id_}", f"PASS {id_}", r"^\d+ results, 0 of")
        lines, status = talk.say(one.typed)
        yield from judge_answer(one, lines, status)
        if any("SHA-256" in line for line in lines) != reads:
            yield f"{one.typed!r} {'does not read' if reads else 'reads'} the disk"
        refused = [line for line in lines if "Request device" in line]
        if reads and any(f"[{EDU}]" in line for line in refused):
            yield f"{one.typed!r} runs the driver of {EDU}"


def end_of(talk: Talk, typed: str, reason: str) -> list[str]:
    ended = talk.ends(typed)
    return [] if ended == reason else [f"{typed!r} ends with {ended!r}, not {reason!r}"]


def run_after_panic(talk: Talk, _iommu: str) -> list[str]:
    talk.wait_for(r"\*\*\* PANIC 1 TRAP", BOOT_SECONDS)
    talk.begin()
    found = [wrong for one in AFTER_PANIC for wrong in judge_answer(one, *talk.say(one.typed))]
    return found + end_of(talk, *OFF)


def run_unprotected(place: str, units: str, walk: Step) -> Callable[[Talk, str], list[str]]:
    """Nothing is called safe on a machine whose devices reach all memory."""
    steps = (
        step("groups", "^IOMMU Group .*: not protected$", rf"^    {EDU} .*, {place}$"),
        step("devs", rf"^{EDU} .*, {place}, nobody$", r"^    group \d+: not protected, 0 refused$"),
        step("units", units),
        step("doms", r"^There is no domain\.$"),
        step("test DMA-DENY-001", "none of these ran: their device is missing", status=FAILED),
        step("test DMA-DENY-011", "no test has an id", status=WRONG),
        step("test BOOT-001", "PASS BOOT-001"),
        walk,
    )

    def run(talk: Talk, _iommu: str) -> list[str]:
        talk.begin()
        found = []
        for one in steps:
            lines, status = talk.say(one.typed)
            found += judge_answer(one, lines, status)
            found += [f"{one.typed!r} calls safe: {line}" for line in lines
                      if re.search("blocked|domain [0-9]", line)]
        return found

    return run


def as_it_is(_machine: Machine, _folder: Path) -> None:
    pass


def without_translation(machine: Machine, _folder: Path) -> None:
    machine.iommu_options = "dma-translation=off"


def dead_amd_unit(machine: Machine, folder: Path) -> None:
    """A table names a unit where there is none."""
    table = folder / "table.bin"
    table.write_bytes(BAD_IVRS["unit-reads-zeros"])
    machine.extra = ["-acpitable", f"file={table}"]


WALK = f"walk {EDU} 0x5000"
PASSES = step(WALK, "^passes through: the unit does not translate$", r"^core does not use \w+$")

SCRIPTS = (
    ("shell", "intel", run_script, {}, as_it_is),
    ("amd-shell", "amd", run_script, {}, as_it_is),
    ("panic-shell", "intel", run_after_panic, {"provoke": "locked", "panic": "shell"}, as_it_is),
    ("no-iommu-shell", "none",
     run_unprotected("behind no unit", r"^There is no unit\.$", step(WALK, ", no unit$")),
     {}, as_it_is),
    ("failed-shell", "intel", run_unprotected("dmar0 is failed", "^dmar0 .*: failed$", PASSES),
     {}, without_translation),
    ("amd-failed-shell", "none",
     run_unprotected("amdvi0 is failed", "^amdvi0 .*: failed$", PASSES), {}, dead_amd_unit),
)


def shell_case(name: str, machine: Machine, folder: Path, script: Callable[[Talk, str], list[str]],
               options: dict[str, str], change: Callable[[Machine, Path], None]) -> Result:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    clear(folder)
    machine.options = {**machine.options, "shell": "on", **options}
    change(machine, folder)
    if machine.iommu in READERS:
        machine.trace = READERS[machine.iommu].EVENTS
    try:
        talk = Talk(machine, folder)
    except ImportError as missing:
        return Result(name, "FAIL", [f"{missing.name} is not installed"])
    try:
        wrong = script(talk, machine.iommu)
    except Lost as lost:
        wrong = [str(lost)]
    finally:
        talk.close()
    where = os.path.relpath(folder)
    return Result(name, "FAIL" if wrong else "ok", [*wrong, f"see {where}/"] if wrong else [])
