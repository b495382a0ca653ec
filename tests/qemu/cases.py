# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The image tests: machines, good and bad, and what the image must say on each."""
from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Callable

from emulator import Emulator, Version
from machine import Machine, default_disk, disk_bytes, disk_node, disk_sha256
from media import MEDIA, RELEASES, boot_from, boot_securely
from second_judge import READERS, judge_trace, read_trace
from session import Outcome
from tables import BAD_DMAR, BAD_IVRS, DIMM_ADDRESS
from trace import Trace

ONES_BYTES = 2 << 20
SMALL_DISK_BYTES = 4 << 20
ODD_DISK_BYTES = (3 << 20) + 512
READ_ERROR_SECTOR = 2048
EDUS = 3
REFUSED_PAGES = 9  # ten DMA-DENY tests, two of them on one page
API_PASSES = 95  # of 121: the others need ARM64 or PASIDs
AMD_API_PASSES = 98  # three more judge what was recorded
HDA_TESTS = 26
NVME = "nvme,serial=bulkhead,addr=04.0"


@dataclass
class Place:
    """Where a case works."""

    emulator: Emulator
    image: Path
    folder: Path  # its own
    iommu: str = "intel"

    def machine(self) -> Machine:
        disk = default_disk(self.folder.parent / "small.raw", SMALL_DISK_BYTES)
        return Machine(emulator=self.emulator, image=self.image, iommu=self.iommu, disk=disk)


@dataclass(frozen=True)
class Case:
    name: str
    build: Callable[[Place], Machine]
    iommu: str = "intel"
    since: Version = ()  # of QEMU; it is not tried on older ones
    verdict: str = "pass"
    state: str = "active"
    disk: bool = True  # the report carries the disk's own SHA-256
    says: str = ""  # a regular expression that some console line matches
    trace: bool = False  # ask the second judge
    proves: tuple[str, int] = ("", 0)  # so many tests of this prefix pass, at the least
    silent: bool = False  # no console: only the trace can judge
    refused: str = ""  # firmware does not start the image, and says this regular expression
    turn: int | None = None  # tried on one QEMU of those there are, which this number chooses
    panic: tuple[str, ...] = ()  # ends in a panic; its lines match these, in this order
    judge: Callable[[Machine, Outcome], list[str]] | None = None  # instead of all that is above


def plain(place: Place) -> Machine:
    return place.machine()


def with_options(options: str) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        machine.iommu_options = options
        return machine

    return build


def with_extra(*words: str) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        machine.extra = list(words)
        return machine

    return build


def traced(place: Place) -> Machine:
    machine = place.machine()
    machine.disk = default_disk(place.folder.parent / "disk.raw")
    machine.trace = READERS[machine.iommu].EVENTS
    return machine


def with_boot_options(**options: str) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        machine.options = options
        machine.trace = READERS[machine.iommu].EVENTS
        return machine

    return build


def all_tests(place: Place) -> Machine:
    machine = place.machine()
    machine.options = {"tests": "all"}
    return machine


def pass_through_allowed(place: Place) -> Machine:
    machine = place.machine()
    machine.options = {"dmaguard": "allow"}
    return machine


def no_sound(place: Place) -> Machine:
    machine = place.machine()
    machine.hda = False
    return machine


def odd_disk(place: Place) -> Machine:
    machine = place.machine()
    machine.disk = place.folder / "odd.raw"
    seed = place.folder.as_posix().encode()
    machine.disk.write_bytes(hashlib.shake_256(seed).digest(ODD_DISK_BYTES))
    return machine


def no_disk(devices: list[str]) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        machine.disk = None
        machine.nvme = [word for device in devices for word in ("-device", device)]
        return machine

    return build


def empty_medium(place: Place) -> Machine:
    machine = place.machine()
    machine.disk = None
    machine.disk_node = {"driver": "null-co", "size": 0}
    return machine


def read_errors(place: Place) -> Machine:
    machine = place.machine()
    assert machine.disk is not None
    machine.disk_node = {
        "driver": "blkdebug",
        "image": disk_node(machine.disk),
        "inject-error": [
            {"event": "none", "iotype": "read", "errno": 5, "sector": READ_ERROR_SECTOR}
        ],
    }
    machine.disk = None
    return machine


def nvme_behind_port(place: Place) -> Machine:
    machine = place.machine()
    machine.nvme = [
        *("-device", "pcie-root-port,id=diskport,chassis=2,slot=2,addr=04.0"),
        *("-device", "nvme,serial=bulkhead,bus=diskport"),
    ]
    return machine


def bad_table(tables: dict[str, bytes], name: str) -> Callable[[Place], Machine]:
    def build(place: Place) -> Machine:
        machine = place.machine()
        path = place.folder / "table.bin"
        path.write_bytes(tables[name])
        machine.extra = ["-acpitable", f"file={path}"]
        if name == "unit-reads-ones":
            machine.extra += ones_module(place.folder / "ones.bin")
        return machine

    return build


def ones_module(path: Path) -> list[str]:
    """A memory module full of ones, for firmware and image no memory at all."""
    path.write_bytes(b"\xff" * ONES_BYTES)
    return [
        *("-m", "512M,slots=1,maxmem=2G"),
        *("-object", f"memory-backend-file,id=ones,mem-path={path},size={ONES_BYTES},share=off"),
        *("-device", f"pc-dimm,memdev=ones,addr={DIMM_ADDRESS:#x}"),
    ]


def conventional_machine(place: Place) -> Machine:
    machine = place.machine()
    machine.kind, machine.iommu, machine.bridges = "pc", "none", False
    return machine


def from_medium(medium: str, release: str) -> Callable[[Place], Machine]:
    return lambda place: boot_from(place.machine(), medium, release, place.folder)


def securely(signed: bool, release: str) -> Callable[[Place], Machine]:
    return lambda place: boot_securely(place.machine(), signed, release, place.folder)


def second_port(place: Place) -> Machine:
    machine = place.machine()
    machine.serial = ("none", "console")
    return machine


def no_port(place: Place) -> Machine:
    machine = traced(place)
    machine.hda = False  # proves_all counts who was refused
    machine.serial = ("none",)
    return machine


def says(pattern: str, console: list[str]) -> bool:
    return any(re.search(pattern, line) for line in console)


def all_is_seen(machine: Machine) -> Callable[[Path], bool]:
    """Without a console QEMU's trace tells that the disk was read and the refusals were tried."""
    assert machine.disk is not None
    length = disk_bytes(machine.disk)
    return lambda log: proves_all(read_trace(machine.iommu, log), length)


def proves_all(trace: Trace, disk_length: int) -> bool:
    refused = [one for one in trace.requesters.values() if len(one.refused) >= REFUSED_PAGES]
    read = [one for one in trace.requesters.values() if one.translated_bytes >= disk_length]
    return trace.enabled and len(refused) == EDUS and bool(read)


def bad(
    name: str, build: Callable[[Place], Machine], state: str, says: str, iommu: str = "intel",
    since: Version = (),
) -> Case:
    """A machine on which nothing may count as protected."""
    return Case(name, build, iommu, since, verdict="fail", state=state, disk=False, says=says)


def panics(what: str, *lines: str) -> Case:
    return Case(f"panic-{what}", with_boot_options(provoke=what), panic=(*lines, *PANIC_PARTS))


PANIC_PARTS = (
    "^parameters( 0x[0-9a-f]{16}){4}$", "^that is: ", "^rax ", r"^cr0 .* cr2 .* cr3 ", " err ",
    r"^image base 0x[0-9a-f]{16}, build [0-9a-f]{40}, at image\+0x", r"called from image\+0x",
    "^last log lines", r"^(dmar|amdvi)0 at 0x[0-9a-f]+, active, (GSTS|Control) 0x", "^panic told in ",
    r"^\*\*\* halted$",
)

DMAR_SAYS = {
    "truncated-table": r"DMAR.* shorter than",
    "truncated-record": r"DMAR at offset 48: .* leaves the table",
    "zero-length-record": r"DMAR at offset 48: .* length is below",
    "overlong-record": r"DMAR at offset 48: .* leaves the table",
    "unit-reads-zeros": r"cannot be used: .* all zeros",
    "wild-addresses": r"cannot be used",
    "unit-reads-ones": r"cannot be used: .* all ones",
}

IVRS_SAYS = {
    "truncated-table": r"IVRS.* shorter than",
    "truncated-record": r"IVRS at offset 48: .* leaves the table",
    "zero-length-record": r"IVRS at offset 48: .* length is below",
    "unit-reads-zeros": r"is not on: .*Control\.IommuEn",
    "wild-addresses": r"cannot be used",
    "unit-reads-ones": r"cannot be used: .* all ones",
}

AMD_EVENT = r"AMD-Vi: .*\[00:0[458]\.0\].*IO_PAGE_FAULT"  # a client on bus 0

CASES: tuple[Case, ...] = (
    Case("default", traced, trace=True),
    # Identity and pass-through are a part of the API: no work for the second judge.
    Case("all-tests", all_tests, proves=("API-", API_PASSES)),
    Case("pass-through", pass_through_allowed, proves=("HDA-", 2 * HDA_TESTS)),
    Case("no-hda", no_sound, says=r"SKIP DRV-002 hda no device"),
    Case("aw-bits-48", with_options("aw-bits=48")),
    Case("aw-bits-39", with_options("aw-bits=39")),
    Case("caching-mode", with_options("caching-mode=on")),
    Case("no-interrupt-remapping", with_options("intremap=off")),
    Case("memory-above-4g", with_extra("-m", "5G")),
    Case("two-processors-cpu-max", with_extra("-smp", "2", "-cpu", "max")),
    Case("disk-behind-root-port", nvme_behind_port),
    Case("odd-disk", odd_disk),
    Case("console-on-second-port", second_port),
    Case("no-console", no_port, silent=True),
    Case("errors-only", with_boot_options(loglevel="3"), trace=True),
    Case("pool", with_boot_options(nvme="pool"), trace=True),
    *(Case(f"boot-{medium}-ovmf-{release}", from_medium(medium, release), turn=turn)
      for turn, (medium, release) in enumerate(product(MEDIA, RELEASES))),
    *(Case(f"secure-boot-signed-ovmf-{release}", securely(True, release), says="Secure Boot on",
           turn=turn) for turn, release in enumerate(RELEASES)),
    Case("secure-boot-unsigned", securely(False, "12"), refused="Access Denied", turn=2),
    Case("no-nvme", no_disk([]), disk=False, says=r"SKIP DRV-002 nvme no device"),
    Case("nvme-without-namespace", no_disk([NVME]), disk=False, says="no namespace"),
    Case("empty-medium", empty_medium, disk=False, says=r"medium is empty"),
    panics("trap", r"\*\*\* PANIC 1 TRAP: invalid opcode"),
    panics("write", r"\*\*\* PANIC 1 TRAP: page fault"),
    panics("stack", r"\*\*\* PANIC 4 STACK"),
    bad("read-errors", read_errors, "active", r"nvme0: .*status code"),
    bad("no-iommu", plain, "absent", r"protection now: absent", "none"),
    bad("no-translation", with_options("dma-translation=off"), "failed", "no DMA translation"),
    bad("no-ecam", conventional_machine, "absent", r"no ECAM"),
    *(bad(f"dmar-{name}", bad_table(BAD_DMAR, name), "failed", DMAR_SAYS[name], "none")
      for name in DMAR_SAYS),
    *(bad(f"ivrs-{name}", bad_table(BAD_IVRS, name), "failed", IVRS_SAYS[name], "none")
      for name in IVRS_SAYS),
    Case("amd-default", traced, "amd", trace=True),
    Case("amd-all-tests", all_tests, "amd", proves=("API-", AMD_API_PASSES)),
    Case("amd-pass-through", pass_through_allowed, "amd", proves=("HDA-0", HDA_TESTS)),
    Case("amd-pool", with_boot_options(nvme="pool"), "amd", trace=True),
    Case("amd-no-interrupt-remapping", with_options("intremap=off"), "amd"),
    Case("amd-memory-above-4g", with_extra("-m", "5G"), "amd"),
    # No older one records anything.
    Case("amd-events", plain, "amd", (11, 1), proves=("IRQ-001", 1), says=AMD_EVENT),
    bad("amd-without-remapping", with_options("dma-remap=off"), "active", r"FAIL DMA-ALLOW-001",
        "amd", (11, 1)),
    bad("amd-no-translation", with_options("dma-translation=off"), "failed", r"EFR\.HATS",
        "amd", (11, 1)),
)


SYMBOLS = Path(__file__).resolve().parents[2] / "linker/symbols.py"


def check_panic(case: Case, machine: Machine, outcome: Outcome) -> list[str]:
    """A panic shows all its parts, and can never pass for a complete run."""
    found = []
    if outcome.report["complete"] or outcome.report["verdict"] != "fail":
        found.append("the run counts as complete")
    lines = iter(outcome.console)
    for pattern in case.panic:
        if not any(re.search(pattern, line) for line in lines):
            found.append(f"no line matches {pattern} where it should")
            break
    return found + check_symbols(machine, outcome.console)


def check_symbols(machine: Machine, console: list[str]) -> list[str]:
    """Each address of the panic has a function and a line, and one is that of the culprit."""
    assert machine.image is not None
    elf = machine.image.parent / "image/bulkhead.elf"
    done = subprocess.run([sys.executable, str(SYMBOLS), str(elf)], input="\n".join(console),
                          capture_output=True, text=True)
    if done.returncode:
        return [f"symbols.py ends with {done.returncode}: {done.stderr.strip()}"]
    culprit = r"^    0x\w{8}: \w+ at tests/image/provoke\.c:\d+"
    return [] if re.search(culprit, done.stdout, re.MULTILINE) else ["no address is the culprit's"]


def check_refused(case: Case, outcome: Outcome) -> list[str]:
    found = []
    if not says(case.refused, outcome.console):
        found.append(f"no console line matches {case.refused}")
    if says("^Bulkhead ", outcome.console) or outcome.report["complete"]:
        found.append("the image was started")
    return found


def check_outcome(case: Case, machine: Machine, outcome: Outcome) -> list[str]:
    """What is wrong; empty when the case holds."""
    if case.judge:
        return case.judge(machine, outcome)
    if case.panic:
        return check_panic(case, machine, outcome)
    if case.refused:
        return check_refused(case, outcome)
    if case.silent:
        assert machine.disk is not None
        seen = proves_all(read_trace(machine.iommu, outcome.log), disk_bytes(machine.disk))
        return [] if seen else ["the trace does not show the disk read and all refusals"]
    report = outcome.report
    if not report["complete"]:
        return [report["reason"]]
    found = []
    if report["verdict"] != case.verdict:
        why = report.get("reason", "no reason")
        found.append(f"verdict {report['verdict']}, expected {case.verdict}: {why}")
    if report["iommu"].get("state") != case.state:
        found.append(f"state {report['iommu'].get('state')}, expected {case.state}")
    if case.says and not says(case.says, outcome.console):
        found.append(f"no console line matches {case.says}")
    prefix, least = case.proves
    passed = sum(t.get("result") == "PASS" and str(t.get("id", "")).startswith(prefix)
                 for t in report["tests"])
    if passed < least:
        found.append(f"{passed} tests {prefix} passed, at least {least} must")
    if case.disk:
        found += check_disk(machine, outcome)
    if case.trace:
        assert machine.disk is not None
        length = disk_bytes(machine.disk)
        found += judge_trace(read_trace(machine.iommu, outcome.log), outcome.functions, report,
                             length, pooled=machine.options.get("nvme") == "pool")
    return found


def check_disk(machine: Machine, outcome: Outcome) -> list[str]:
    assert machine.disk is not None
    expected = (disk_bytes(machine.disk), disk_sha256(machine.disk))
    if [(d.get("bytes"), d.get("sha256")) for d in outcome.report["disks"]] != [expected]:
        return ["the report does not carry the disk's own SHA-256"]
    return []

