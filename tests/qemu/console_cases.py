# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Cases of the console: the port and the screen that a machine has, what comes in, power that goes,
and panics to their end."""
from __future__ import annotations

import fcntl
import os
import random
import re
import threading
from typing import Callable

from cases import PANIC_PARTS, Case, Place, check_panic, no_port, with_extra
from machine import Machine
from report import Report
from screen import render, shows_end
from session import IMAGE_SPEAKS, Outcome, Session
from tables import CONSOLE_TABLES

NOISE_BYTES = 4096
LEVEL_SECONDS = 90.0
PIPE_BYTES = 4096  # the least that the system allows
PANIC_CHARACTERS = 6144
PANIC_INSTRUCTIONS = 100_000_000  # 100 ms of 1 GHz and one a cycle
ICOUNT = ("-icount", "shift=4")  # an instruction each 2^4 ns of the machine's own time
# Some 250 million instructions a second, as an emulator may do, and no wait for the host's clock.
OWN_TIME = ("-icount", "shift=2,sleep=off")
TAKEOVER_SECONDS = 10.0
CUTS = (8, 40, 100, 160, 220, 280, 340, 400, 460, 520)  # lines of some 590


def on_pci(place: Place) -> Machine:
    machine = place.machine()
    machine.serial = ("none",)
    machine.extra = ["-device", "pci-serial,chardev=console,addr=03.0"]
    return machine


def named_by(table: str) -> Callable[[Place], Machine]:
    """COM1 is there too, and firmware's console."""

    def build(place: Place) -> Machine:
        machine = place.machine()
        path = place.folder / "table.bin"
        path.write_bytes(CONSOLE_TABLES[table])
        machine.serial = ("null", "console")
        machine.extra = ["-acpitable", f"file={path}"]
        return machine

    return build


def never_drains(place: Place) -> Machine:
    """A port whose other end nobody reads: a pipe, full already."""
    machine = no_port(place)
    path = place.folder / "full"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    os.write(pipe, bytes(fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)))
    machine.held.append(pipe)
    machine.extra += ["-chardev", f"pipe,id=full,path={path}"]
    machine.serial = ("chardev:full",)
    return machine


def noisy(place: Place) -> Machine:
    machine = place.machine()
    machine.noise = random.Random(place.folder.name).randbytes(NOISE_BYTES)
    return machine


def with_screen(*serial: str) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        machine.serial = serial
        machine.extra = ["-device", "VGA"]
        machine.screen = True
        return machine

    return build


def screen_is_right(_machine: Machine, outcome: Outcome) -> list[str]:
    """Each pixel: what the serial line said, laid out and drawn here."""
    if not outcome.passed:
        return [outcome.report["reason"]]
    if outcome.screen is None:
        return ["the screen never showed the end of the report"]
    first = next(i for i, line in enumerate(outcome.console) if line.startswith(IMAGE_SPEAKS))
    width, height, pixels = outcome.screen
    if render(outcome.console[first:], width, height)[2] != pixels:
        return ["the screen is not what the serial line said"]
    return []


def screen_shows_verdict(_machine: Machine, outcome: Outcome) -> list[str]:
    seen = outcome.screen is not None and shows_end(outcome.screen)
    return [] if seen else ["the screen never showed the end of the report"]


def cut_after(lines: int) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        machine.cut_after = lines
        return machine

    return build


def never_passes(_machine: Machine, outcome: Outcome) -> list[str]:
    report = outcome.report
    if report["complete"] or report["verdict"] != "fail":
        return [f"cut off, and yet complete, with verdict {report['verdict']}"]
    return []


def provoked(what: str, *extra: str, **options: str) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        machine.options = {"provoke": what, **options}
        machine.extra = list(extra)
        return machine

    return build


def panics(what: str, *lines: str, parts: tuple[str, ...] = PANIC_PARTS) -> Case:
    return Case(f"panic-{what}", provoked(what), panic=(*lines, *parts), turn=0)


def reboots(machine: Machine, outcome: Outcome) -> list[str]:
    case = Case("panic", provoked("trap"), panic=(*PANIC_PARTS[:-1], r"^\*\*\* reboot in 1 s$"))
    found = check_panic(case, machine, outcome)
    if outcome.status != 0:
        found.append("the machine was not reset")
    return found


def is_brief(_machine: Machine, outcome: Outcome) -> list[str]:
    for line in outcome.console:
        match = re.fullmatch(r"panic told in (\d+) characters and (\d+) us", line)
        if match is None:
            continue
        characters, instructions = int(match[1]), int(match[2]) * 1000 >> 4
        if characters <= PANIC_CHARACTERS and instructions <= PANIC_INSTRUCTIONS:
            return []
        return [f"{characters} characters, {instructions} instructions"]
    return ["the panic does not tell what it cost"]


def in_time(_machine: Machine, outcome: Outcome) -> list[str]:
    """The machine's own clock on the last line before the verdict. Until it goes, F.boot counts."""
    if not outcome.passed:
        return [outcome.report["reason"]]
    stamps = [float(match[1]) for line in outcome.console
              if (match := re.match(r"\[ *(\d+\.\d{6})\] ", line))]
    return [] if 0 < max(stamps) <= TAKEOVER_SECONDS else [f"the verdict comes after {max(stamps)} s"]


def differences(one: Report, other: Report) -> list[str]:
    """Names of what two runs on one machine tell differently."""
    return [key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]


def same_at_every_level(place: Place, levels: str, stop: threading.Event) -> list[str]:
    """What the console shows changes neither the report nor the verdict."""
    reports: list[Report] = []
    for level in levels:
        machine = place.machine()
        machine.options = {"loglevel": level}
        outcome = Session(machine, place.folder, lambda _line: None, stop).run(LEVEL_SECONDS)
        if not outcome.report["complete"]:
            return [f"loglevel={level}: {outcome.report['reason']}"]
        reports.append(outcome.report)
    return [f"loglevel={level}: {', '.join(names)} not as with loglevel={levels[0]}"
            for level, report in zip(levels, reports) if (names := differences(reports[0], report))]


NESTED = (
    r"^\*\*\* PANIC 3 INTERNAL: provoked", *PANIC_PARTS[:8],
    r"^\*\*\* PANIC 1 TRAP: invalid opcode", "^parameters", r"^\*\*\* halted$",
)

CONSOLE_CASES: tuple[Case, ...] = (
    Case("console-on-pci", on_pci, turn=0,
         says=r"^Bulkhead .*: uart8250 at I/O 0x[0-9a-f]+, (found on PCI|firmware's console) as 00:03"),
    *(Case(f"console-by-{table.lower()}", named_by(table), turn=turn,
           says=rf"^Bulkhead .*: ttyS1 at I/O 0x2f8, named by {table}")
      for turn, table in enumerate(CONSOLE_TABLES, 1)),
    Case("console-never-drains", never_drains, turn=0, silent=True),
    Case("console-noise", noisy, turn=0),
    Case("screen", with_screen("console"), judge=screen_is_right),
    Case("screen-alone", with_screen("none"), turn=0, judge=screen_shows_verdict),
    *(Case(f"power-cut-{lines}", cut_after(lines), turn=0, judge=never_passes)
      for lines in CUTS),
    panics("double", r"\*\*\* PANIC 1 TRAP: double fault"),
    panics("nmi", r"\*\*\* PANIC 1 TRAP: NMI"),
    panics("machine-check", r"\*\*\* PANIC 1 TRAP: machine check"),
    panics("nested", parts=NESTED),
    Case("panic-reboot", provoked("trap", panic="reboot:1"), turn=0, judge=reboots),
    Case("panic-cost", provoked("trap", *ICOUNT), turn=0, judge=is_brief),
    Case("takeover-time", with_extra(*OWN_TIME), turn=1, judge=in_time),
    Case("takeover-time-amd", with_extra(*OWN_TIME), "amd", turn=2, judge=in_time),
    Case("panic-cost-screen", provoked("trap", *ICOUNT, "-device", "VGA"), turn=0,
         judge=is_brief),
)
