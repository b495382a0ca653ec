#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The harness's own tests: a stream that is not whole, a verdict that is not earned and a trace
that does not agree must never pass."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from cases import SYMBOLS
from deviations import Deviation
from emulator import BINARY, Emulator
from host import parse_cmocka, run_host_program
from inspect_cases import judge_config, judge_time
from machine import Machine
from monitor import Function, Monitor, walk
from report import Report, judge
from second_judge import (HDA, IN_FLIGHT, SET_UP, TRANSFER_BYTES, judge_hda, judge_trace,
                          read_trace)
from stream import Stream
from trace import Trace

VERSION = (7, 2, 22)
ALLOW = "DMA-ALLOW-001"
DENIALS = [f"DMA-DENY-{n:03}" for n in range(1, 6)]


def result(name: str, value: str = "PASS", device: str = "00:05.0") -> dict[str, Any]:
    return {"record": "test", "id": name, "device": device, "result": value}


def records(tests: list[dict[str, Any]], state: str = "active") -> list[dict[str, Any]]:
    unit = {"vendor": "intel", "segment": 0, "base": "0xfed90000"}
    return [
        {"record": "start", "schema": 1},
        {"record": "entry", "units": [{"te": False}], "bus_masters": ["00:02.0"]},
        {"record": "entry", "units": [], "bus_masters": ["00:03.0"]},
        *tests,
        {"record": "iommu", "state": state, "units": [unit], "uncovered": []},
        {"record": "interrupts", "state": "absent"},
        {"record": "group", "id": 0, "devices": ["00:04.0"]},
        {"record": "group", "id": 0, "devices": ["00:05.0"]},
    ]


def wire(body: list[dict[str, Any]], verdict: str = "pass") -> bytes:
    lines = [b"@json " + json.dumps(record).encode() for record in body] + [b"@ktap KTAP version 1"]
    total = 0
    for line in lines:
        total = zlib.crc32(line + b"\n", total)
    end = {"record": "end", "verdict": verdict, "lines": len(lines), "crc32": f"{total:08x}"}
    lines.append(b"@json " + json.dumps(end).encode())
    marker = (f"bulkhead: end of report, verdict {verdict.upper()}, {len(lines) - 1} lines, "
              f"CRC-32 {total:08x}")
    return b"\r\n".join([b"\x1b[2Jhello", *lines, marker.encode(), b""])


def good() -> list[dict[str, Any]]:
    return records([result(name) for name in (ALLOW, *DENIALS)])


def read(data: bytes) -> Stream:
    stream = Stream(lambda _line: None)
    for at in range(0, len(data), 7):
        stream.feed(data[at : at + 7])
    stream.close()
    return stream


def judged(data: bytes, table: tuple[Deviation, ...] = ()) -> Report:
    stream = read(data)
    problem = "" if stream.complete() else stream.problem or "no end marker"
    return judge(stream.records, problem, VERSION, table)


class StreamTest(unittest.TestCase):
    def test_whole_stream_is_complete(self) -> None:
        stream = read(wire(good()))
        self.assertTrue(stream.complete() and stream.console_ended)

    def test_record_lines_stay_off_the_console(self) -> None:
        lines: list[str] = []
        Stream(lines.append).feed(wire(good()))
        self.assertEqual(lines[0], "hello")
        self.assertTrue(lines[1].startswith("bulkhead: end of report, verdict PASS, 14 lines"), lines)
        self.assertEqual(len(lines), 2)

    def test_console_and_records_end_alike(self) -> None:
        for told, changed in ((b"verdict PASS", b"verdict FAIL"), (b" lines", b"0 lines"),
                              (b"CRC-32 ", b"CRC-32 f"), (b"bulkhead: end of", b"end of")):
            with self.subTest(changed):
                self.assertFalse(read(wire(good()).replace(told, changed)).complete())

    def test_any_cut_is_incomplete(self) -> None:
        whole = wire(good()).rstrip()
        for end in range(len(whole)):
            stream = read(whole[:end])
            self.assertFalse(stream.complete(), whole[end - 40 : end])

    def test_missing_end_is_incomplete(self) -> None:
        self.assertFalse(read(wire(good()).replace(b'"end"', b'"fin"')).complete())

    def test_changed_byte_is_incomplete(self) -> None:
        self.assertFalse(read(wire(good()).replace(b"00:02.0", b"00:02.1")).complete())

    def test_lost_line_is_incomplete(self) -> None:
        self.assertFalse(read(wire(good()).replace(b"@ktap KTAP version 1\r\n", b"")).complete())

    def test_cut_record_is_incomplete(self) -> None:
        self.assertFalse(read(wire(good()).replace(b'"lines"', b'"cut": true, "lines"')).complete())

    def test_record_after_the_end_is_incomplete(self) -> None:
        self.assertFalse(read(wire(good()) + b'@json {"record":"test"}\r\n').complete())

    def test_panic_is_incomplete_and_ends_the_console(self) -> None:
        stream = read(b"*** PANIC 1 FAULT: here\r\n*** halted\r\n")
        self.assertTrue(stream.console_ended)
        self.assertIn("FAULT: here", stream.problem)

    def test_endless_line_is_bounded(self) -> None:
        lines: list[str] = []
        stream = Stream(lines.append)
        stream.feed(b"x" * 200_000)
        self.assertEqual(len(lines), 1)


class VerdictTest(unittest.TestCase):
    def test_good_run_passes_with_the_issue_shape(self) -> None:
        report = judged(wire(good()))
        self.assertEqual((report["complete"], report["verdict"]), (True, "pass"))
        self.assertEqual(report["counts"]["pass"], 6)
        self.assertEqual(report["entry"]["bus_masters"], ["00:02.0", "00:03.0"])
        self.assertEqual(report["groups"], [{"id": 0, "devices": ["00:04.0", "00:05.0"]}])
        self.assertEqual(report["tests"][1]["id"], DENIALS[0])

    def assert_fails(self, tests: list[dict[str, Any]], state: str = "active") -> None:
        for verdict in ("pass", "fail"):
            report = judged(wire(records(tests, state), verdict))
            self.assertEqual((report["complete"], report["verdict"]), (True, "fail"))
            self.assertTrue(report["reason"])

    def test_incomplete_stream_fails(self) -> None:
        report = judged(wire(good())[:-120])
        self.assertEqual((report["complete"], report["verdict"]), (False, "fail"))

    def test_every_state_but_active_fails(self) -> None:
        for state in ("absent", "failed", "partial"):
            self.assert_fails([result(name) for name in (ALLOW, *DENIALS)], state)

    def test_failed_or_undecided_test_fails(self) -> None:
        for value in ("FAIL", "ERROR"):
            tests = [result(name) for name in (ALLOW, *DENIALS)]
            self.assert_fails([*tests, result("DMA-FAULT-001", value)])

    def test_too_few_refusals_fail(self) -> None:
        self.assert_fails([result(name) for name in (ALLOW, *DENIALS[:4])])

    def test_no_allowed_access_fails(self) -> None:
        self.assert_fails([result(name) for name in DENIALS])

    def test_disagreement_with_the_image_fails(self) -> None:
        self.assertEqual(judged(wire(good(), "fail"))["verdict"], "fail")


class WaiverTest(unittest.TestCase):
    TABLE = (Deviation("intel", (7, 2), (7, 2), "DMA-FAULT-009", "not modelled"),)

    def run_with(self, value: str, table: tuple[Deviation, ...]) -> Report:
        last = {**result("DMA-FAULT-009", value), "reason": "no record of the write"}
        tests = [*(result(name) for name in (ALLOW, *DENIALS)), last]
        return judged(wire(records(tests), "pass" if value == "PASS" else "fail"), table)

    def test_waived_failure_passes_and_is_marked(self) -> None:
        report = self.run_with("FAIL", self.TABLE)
        self.assertEqual(report["verdict"], "pass")
        self.assertIs(report["tests"][-1]["waived"], True)

    def test_waived_test_that_passes_fails_the_run(self) -> None:
        self.assertEqual(self.run_with("PASS", self.TABLE)["verdict"], "fail")

    def test_another_failure_is_not_waived(self) -> None:
        for failure, verdict in (("no record", "pass"), ("", "pass"), ("no access", "fail")):
            row = Deviation("intel", (7, 2), (7, 2), "DMA-FAULT-009", "not modelled", failure)
            self.assertEqual(self.run_with("FAIL", (row,))["verdict"], verdict)

    def test_other_versions_and_vendors_are_not_waived(self) -> None:
        for row in (
            Deviation("intel", (8,), (), "DMA-FAULT-009", ""),
            Deviation("intel", (7, 0), (7, 1), "DMA-FAULT-009", ""),
            Deviation("amd", (7,), (), "DMA-FAULT-009", ""),
        ):
            self.assertEqual(self.run_with("FAIL", (row,))["verdict"], "fail")


def trace_of(iommu: str, lines: Sequence[str]) -> Trace:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "qemu.log"
        log.write_text("\n".join(lines) + "\n")
        return read_trace(iommu, log)


class SecondJudge(unittest.TestCase):
    """What it says to a trace of one vendor's unit."""

    IOMMU = "intel"
    FUNCTIONS = [
        Function("00:04.0", 0x20, 0x1B36, 0x0010),
        Function("00:05.0", 0x28, 0x1234, 0x11E8),
    ]

    def complaints(self, lines: list[str], disk: int = 0x1000, pooled: bool = False,
                   tests: Sequence[dict[str, Any]] = ()) -> str:
        report = judged(wire(records([result(DENIALS[0]), *tests])))
        trace = trace_of(self.IOMMU, lines)
        return "; ".join(judge_trace(trace, self.FUNCTIONS, report, disk, pooled))


class VtdTraceTest(SecondJudge):
    ENABLE = "vtd_dmar_enable enable 1"
    DISK = "vtd_dmar_translate dev 00:04.00 iova 0x5000 -> gpa 0x9000 mask 0xfff"
    MISS = "vtd_iotlb_page_update IOTLB page update sid 0x28 iova 0x4000 slpte 0x8003 domain 0x7"
    USE = "vtd_dmar_translate dev 00:05.00 iova 0x4000 -> gpa 0x8000 mask 0xfff"
    DROP = "vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x7 addr 0x4000 mask 0x0"
    FAULT = "vtd_dmar_fault sid 0x28 fault 5 addr 0x4000 write 1"
    GOOD = [ENABLE, DISK, MISS, USE, DROP, FAULT]

    def test_agreeing_trace_is_accepted(self) -> None:
        self.assertEqual(self.complaints(self.GOOD), "")

    def test_each_event_is_needed(self) -> None:
        for event in self.GOOD:
            with self.subTest(event):
                self.assertTrue(self.complaints([e for e in self.GOOD if e != event]))

    def test_invalidation_of_another_domain_does_not_count(self) -> None:
        other = [e.replace("invalidate domain 0x7", "invalidate domain 0x8") for e in self.GOOD]
        self.assertIn("invalidated", self.complaints(other))

    def disk_trace(self, transfers: int, dropped: int, after: int = 0) -> list[str]:
        """A disk read in `transfers`, `dropped` of them invalidated, and more after the last."""
        miss = self.MISS.replace("0x28 iova 0x4000", "0x20 iova 0x5000").replace("0x7", "0x9")
        drop = self.DROP.replace("0x7 addr 0x4000", "0x9 addr 0x5000")
        reads = [line for i in range(transfers) for line in
                 [miss, *[self.DISK] * (TRANSFER_BYTES >> 12), *[drop] * (i < dropped)]]
        return [*self.GOOD, *reads, self.DISK, *[drop] * after]

    def test_transfers_are_unmapped_one_by_one(self) -> None:
        disk, least = 20 * TRANSFER_BYTES, 20 - IN_FLIGHT
        self.assertEqual(self.complaints(self.disk_trace(20, least), disk), "")
        self.assertIn("invalidations", self.complaints(self.disk_trace(20, least - 1), disk))
        self.assertIn("invalidations", self.complaints(self.disk_trace(20, 0, least), disk))

    def test_a_pool_is_not_invalidated_for_a_transfer(self) -> None:
        disk = 20 * TRANSFER_BYTES
        good, bad = self.disk_trace(20, SET_UP, 9), self.disk_trace(20, SET_UP + 1)
        self.assertEqual(self.complaints(good, disk, pooled=True), "")
        self.assertIn("in spite of", self.complaints(bad, disk, pooled=True))

    def test_the_disk_is_refused_what_its_test_provokes_and_no_more(self) -> None:
        refused = self.FAULT.replace("0x28", "0x20")
        another = refused.replace("0x4000", "0x6000")
        test = [result("NVME-003", device="00:04.0")]
        self.assertEqual(self.complaints([*self.GOOD, refused, refused], tests=test), "")
        self.assertIn("refused to the disk", self.complaints([*self.GOOD, refused]))
        self.assertIn("refused to the disk", self.complaints(self.GOOD, tests=test))
        self.assertIn("refused to the disk",
                      self.complaints([*self.GOOD, refused, another], tests=test))

    def test_identity_is_refused(self) -> None:
        line = self.DISK.replace("9000", "5000")
        self.assertIn("same address", self.complaints([*self.GOOD, line]))

    def test_pass_through_is_refused(self) -> None:
        line = "vtd_translate_pt source id 0x20, iova 0x5000"
        self.assertIn("untranslated", self.complaints([*self.GOOD, line]))

    def test_stranger_is_refused(self) -> None:
        line = self.USE.replace("00:05", "00:1f")
        self.assertIn("no client", self.complaints([*self.GOOD, line]))


class AmdviTraceTest(SecondJudge):
    """Lines as QEMU 7.2, 10.0 and 11.1 write them; 11.1 alone writes the page fault."""

    IOMMU = "amd"
    ENABLE = "amdvi_control_status MMIO_STATUS state 0x100d"
    TOLD = [f"amdvi_devtab_inval device table entry for devid: 00:{slot}.0 invalidated"
            for slot in ("04", "05")]
    MISS = "amdvi_cache_update  update iotlb domid 0x6 devid: 00:05.0 gpa 0x5000 hpa 0x8500000"
    USE = "amdvi_translation_result devid: 00:05.0 gpa 0x5008 hpa 0x8500000"
    DROP = "amdvi_pages_inval AMD-Vi pages for domain 0x6 invalidated"
    FAULT = "amdvi_page_fault error: page fault accessing guest physical address 0x5000"
    REFUSED = "amdvi_translation_result devid: 00:05.0 gpa 0x5000 hpa 0x0"
    HIT = "amdvi_iotlb_hit hit iotlb devid 00:04.0 gpa 0x6000 hpa 0x9000000"
    DISK = "amdvi_translation_result devid: 00:04.0 gpa 0x6000 hpa 0x9000000"
    NEEDED = [ENABLE, *TOLD, MISS, USE, DROP, REFUSED, HIT, DISK]

    def test_agreeing_trace_is_accepted(self) -> None:
        self.assertEqual(self.complaints(self.NEEDED), "")
        at = self.NEEDED.index(self.REFUSED)
        self.assertEqual(self.complaints([*self.NEEDED[:at], self.FAULT, *self.NEEDED[at:]]), "")

    def test_each_event_is_needed(self) -> None:
        for event in self.NEEDED:
            with self.subTest(event):
                self.assertTrue(self.complaints([e for e in self.NEEDED if e != event]))

    def test_move_to_another_domain_needs_its_entry_invalidated(self) -> None:
        moved = [e.replace("domid 0x6", "domid 0x7") for e in (self.MISS, self.USE)]
        self.assertIn("another domain", self.complaints([*self.NEEDED, *moved]))
        self.assertEqual(self.complaints([*self.NEEDED, self.TOLD[1], *moved]), "")

    def test_control_that_does_not_enable_does_not_count(self) -> None:
        off = [e.replace("0x100d", "0x100c") for e in self.NEEDED]
        self.assertIn("never switched on", self.complaints(off))

    def test_invalidation_of_another_domain_does_not_count(self) -> None:
        other = [e.replace("domain 0x6", "domain 0x60") for e in self.NEEDED]
        self.assertIn("invalidated", self.complaints(other))

    def test_invalidation_of_all_counts(self) -> None:
        everything = "amdvi_all_inval Invalidation of all AMD-Vi cache requested "
        lines = [everything if e == self.DROP else e for e in self.NEEDED]
        self.assertEqual(self.complaints(lines), "")

    def test_identity_is_refused(self) -> None:
        lines = [self.HIT, self.DISK.replace("9000000", "6000")]
        self.assertIn("same address", self.complaints([*self.NEEDED, *lines]))

    def test_pass_through_is_refused(self) -> None:
        line = self.DISK.replace("9000000", "6000")
        self.assertIn("untranslated", self.complaints([*self.NEEDED, line]))

    def test_stranger_is_refused(self) -> None:
        lines = [e.replace("00:05", "00:1f") for e in (self.MISS, self.USE)]
        self.assertIn("no client", self.complaints([*self.NEEDED, *lines]))

    def test_what_the_model_cannot_use_is_told(self) -> None:
        line = "amdvi_invalid_dte PTE entry at 0x6000000008400203 is invalid "
        self.assertIn("2 times amdvi_invalid_dte", self.complaints([*self.NEEDED, line, line]))


class SoundTraceTest(unittest.TestCase):
    SOUND = [Function("00:08.0", 0x40, *HDA)]
    MISS = VtdTraceTest.MISS.replace("0x28", "0x40")
    USE = VtdTraceTest.USE.replace("00:05", "00:08")
    IDENTITY = USE.replace("0x4000", "0x8000")
    FAULT = VtdTraceTest.FAULT.replace("0x28", "0x40")
    GOOD = [MISS, USE, IDENTITY, VtdTraceTest.DROP, FAULT]

    def complaints(self, lines: list[str], device: str = "00:08.0") -> str:
        report: Report = {"tests": [{"id": "HDA-001", "device": device, "result": "PASS"}]}
        return "; ".join(judge_hda(trace_of("intel", lines), self.SOUND, report))

    def test_each_event_is_needed(self) -> None:
        self.assertEqual(self.complaints(self.GOOD), "")
        for event in self.GOOD:
            with self.subTest(event):
                self.assertTrue(self.complaints([e for e in self.GOOD if e != event]))

    def test_its_tests_are_needed(self) -> None:
        self.assertIn("no HDA test", self.complaints(self.GOOD, "00:09.0"))


@dataclass(frozen=True)
class Offering(Emulator):
    options: tuple[str, ...] = ()  # of its AMD unit

    def offers(self, device: str, option: str) -> bool:
        return device == "amd-iommu" and option in self.options


def machine(iommu: str, *offered: str, options: str = "") -> Machine:
    nothing = Path("/dev/null")
    emulator = Offering(Path(BINARY), VERSION, nothing, nothing, offered)
    return Machine(emulator, None, iommu, options)


class MachineTest(unittest.TestCase):
    def command(self, one: Machine) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            return one.command(Path(folder), 0)

    def test_amd_unit_is_told_to_translate(self) -> None:
        for offered, device in (
            (("pt",), "amd-iommu,pt=off"),
            (("dma-remap",), "amd-iommu,dma-remap=on"),
            ((), "amd-iommu"),
        ):
            self.assertIn(device, self.command(machine("amd", *offered)))
        own = machine("amd", "pt", options="pt=on")
        self.assertIn("amd-iommu,pt=off,pt=on", self.command(own))

    def test_clients_stand_on_buses_that_the_unit_knows(self) -> None:
        for kind, offered, root_port in (
            ("intel", (), True), ("amd", ("dma-remap",), True), ("amd", ("pt",), False)
        ):
            words = self.command(machine(kind, *offered))
            self.assertEqual("edu,bus=rootport" in words, root_port)
            self.assertEqual(sum(word.startswith("edu,") for word in words), 3)


class HostTest(unittest.TestCase):
    OUTPUT = """[==========] tests: Running 3 test(s).
[ RUN      ] one
[       OK ] one
[ RUN      ] two
[  ERROR   ] --- 1 != 2
[  FAILED  ] two
[ RUN      ] three
"""

    def test_results_are_read_and_a_broken_end_fails(self) -> None:
        results = parse_cmocka("p", self.OUTPUT)
        self.assertEqual([r.outcome for r in results], ["ok", "FAIL", "FAIL"])
        self.assertIn("1 != 2", results[1].details[0])

    def test_names_are_whole(self) -> None:
        names = ("API-006 claim (first)", "API-006, failing, aliases")
        output = "".join(f"[ RUN      ] {name}\n[       OK ] {name}\n" for name in names)
        self.assertEqual([r.name for r in parse_cmocka("p", output)],
                         [f"host p {name}" for name in names])
        crossed = f"[ RUN      ] {names[0]}\n[       OK ] {names[1]}\n"
        self.assertEqual([r.outcome for r in parse_cmocka("p", crossed)], ["FAIL"])

    def test_program_that_runs_nothing_fails(self) -> None:
        for program in ("/bin/true", "/bin/false", "/absent"):
            self.assertEqual([r.outcome for r in run_host_program(Path(program))], ["FAIL"])


class BusTest(unittest.TestCase):
    def test_devices_behind_a_conventional_bridge_share_a_requester(self) -> None:
        edu = {"bus": 2, "slot": 1, "function": 0, "id": {"vendor": 0x1234, "device": 0x11E8}}
        bridge = {
            "bus": 0, "slot": 7, "function": 0, "id": {"vendor": 0x1B36, "device": 0xE},
            "pci_bridge": {"bus": {"secondary": 2}, "devices": [edu]},
        }
        found: list[Function] = []
        walk([bridge], None, found)
        self.assertEqual([(f.location, f.requester) for f in found],
                         [("00:07.0", 0x38), ("02:01.0", 0x200)])

    def test_devices_behind_an_old_bridge_are_it(self) -> None:
        edu = {"bus": 2, "slot": 1, "function": 0, "id": {"vendor": 0x1234, "device": 0x11E8}}
        bridge = {
            "bus": 0, "slot": 7, "function": 0, "id": {"vendor": 0x1B36, "device": 1},
            "pci_bridge": {"bus": {"secondary": 2}, "devices": [edu]},
        }
        found: list[Function] = []
        walk([bridge], None, found)
        self.assertEqual([f.requester for f in found], [0x38, 0x38])


class SymbolsTest(unittest.TestCase):
    def test_noise_on_the_line_is_no_end(self) -> None:
        noisy = b"\xff\xc3( noise\nat image+0x00001000 \x80\n"
        done = subprocess.run([sys.executable, SYMBOLS, sys.executable], input=noisy,
                              capture_output=True,
                              env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"})
        first, second, place = done.stdout.splitlines()
        self.assertEqual((first, second), (rb"\xff\xc3( noise", rb"at image+0x00001000 \x80"))
        self.assertTrue(place.startswith(b"    0x00001000: "))
        self.assertEqual((done.returncode, done.stderr), (1, b""))


class EndTest(unittest.TestCase):
    def reason(self, *told: dict[str, Any]) -> str:
        monitor = Monitor()
        self.addCleanup(monitor.close)
        answers = [{"QMP": {}}, {"return": {}}, *told]
        monitor.remote.sendall("".join(json.dumps(one) + "\n" for one in answers).encode())
        monitor.ask("query-status")
        monitor.remote.recv(4096)
        monitor.started()
        return monitor.shutdown_reason()

    def test_reason_is_qemus(self) -> None:
        answer, resumed = {"return": {}}, {"event": "RESUME"}
        off, reset = ({"event": "SHUTDOWN", "data": {"guest": True, "reason": reason}}
                      for reason in ("guest-shutdown", "guest-reset"))
        self.assertEqual(self.reason(answer, resumed, off), "guest-shutdown")
        self.assertEqual(self.reason(reset, answer), "guest-reset")
        self.assertEqual(self.reason(answer, resumed), "")


class InspectTest(unittest.TestCase):
    def judge(self, *parts: str, runs: int = 1) -> list[str]:
        """Parts of a trace: what the console is told, or a write to configuration space."""
        lines = []
        for part in parts:
            told = not part.startswith("pci_cfg_write")
            lines += [f"serial_write write addr 0x00 val 0x{ord(c):02x}" for c in part] if told else [part]
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "qemu.log"
            log.write_text("\n".join(lines))
            return list(judge_config(log, runs))

    def test_writes_count_between_call_and_report(self) -> None:
        write = "pci_cfg_write nvme 00:04.0 @0x4 <- 0x7"
        call, done = "BdsDxe: starting Boot0001", "written to report.txt"
        newer = "".join(f"\nserial_write [0x00] <- 0x{ord(c):02x}" for c in call + done)
        self.assertEqual(self.judge("pci_cfg_write" + newer), [])
        self.assertEqual(self.judge(write, call, done, write, "Shell> ", "Shell> ", done, runs=2), [])
        self.assertTrue(self.judge(write, call, write, done))
        self.assertTrue(self.judge(write, call, done, "Shell> ", write, done, runs=2))
        self.assertTrue(self.judge(call, done))
        self.assertTrue(self.judge(write, call, done, runs=2))

    def test_time_is_below_two_seconds(self) -> None:
        self.assertEqual(list(judge_time("00:00:59", "00:01:00")), [])
        self.assertTrue(list(judge_time("00:00:59", "00:01:01")))
        self.assertTrue(list(judge_time("00:01:00", "00:00:59")))


if __name__ == "__main__":
    unittest.main()
