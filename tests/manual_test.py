#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Each check of the manual must find what it is there for: the tree's own files, one with a fault."""
from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from manual import MANUAL, ROOT, Manual, all_ids, checks, initialiser, takes

# Check, file, what stands in it, what it is changed to, and a word of the only finding.
CHANGES = (
    ("commands", "boot/shell_table.c", '{"units", ""', '{"unitz", ""', "unitz is missing"),
    ("commands", "boot/shell_table.c", '"the IOMMU units"', '"the units"', "should be"),
    ("commands", "boot/shell_table.c", "NULL, shell_doms, false", '"all", shell_doms, false',
     "Destroys: all."),
    ("commands", "boot/shell_table.c", "shell_regs, false", "shell_regs, true", "Not after"),
    ("commands", "drivers/console/shell.c", '"echo", "[WORD...]"', '"echo", "WORD"', "echo WORD"),
    ("commands", MANUAL, "bulkhead> map ", "bulkhead> mop ", "mop is no command"),
    ("options", "boot/option_rules.c", '"map|pool", "map"', '"map|pool", "pool"', "nvme"),
    ("options", "boot/option_rules.c", '{"timeout", "0-240"', '{"timeout", "0-60"', "timeout"),
    ("options", "boot/option_rules.c", '"on|off", "on"', '"on|off|dumb", "on"', "shell"),
    ("options", MANUAL, "| `tests` |", "| `tastes` |", "no tastes"),
    ("options", MANUAL, "`dmaguard=allow`", "`dmaguard=some`", "does not take it"),
    ("options", MANUAL, "`mode=takeover`", "`moods=takeover`", "no such option"),
    ("tests", "drivers/nvme/nvme.c", '"NVME-004"}', '"NVME-004", "NVME-005"}', "NVME-005"),
    ("tests", "drivers/hda/v1.c", 'HDA_TEST("012", no_input_mappings)', "", "HDA-012"),
    ("tests", "drivers/edu/proof.c", 'TEST("010", ', 'TEST("011", ',
     "DMA-DENY-011 is missing"),
    ("tests", "tests/image/image.c", '"time goes on"', '"time stops"', "BOOT-005"),
    ("tests", "tests/api/list.h", "/* Faults */", "/* Refusals */", "Refusals"),
    ("tests", MANUAL, "| NVME-003 |", "| |", "NVME-003 is missing"),
    ("tests", MANUAL, "(DRV-001)", "(DRV-003)", "no test DRV-003"),
    ("trials", "drivers/nvme/nvme.c", '"NVME-004"}', '"NVME-004", "NVME-005"}',
     "NVME-005 is unknown"),
    ("trials", "boot/shell_state.c", '"nvme", {{1, 4}}', '"nvme", {{1, 5}}', "no NVME-005"),
    ("stops", "arch/panic.h", "STOP(4, STACK", "STOP(6, STACK", "6 is missing"),
    ("stops", "arch/panic.h", '"number of the step"', '"none"', "should be"),
    ("stops", "boot/main.c", '{"time", step_time, true}', '{"time", step_time, false}', "no 9"),
    ("walk", "drivers/iommu/core/walk.c", '"refused: not present"', '"refused: absent"', "absent"),
    ("walk", "drivers/iommu/core/walk.c", '"translated", WITH_PAGE', '"translated", PLAIN',
     "translated is missing"),
    ("report", "drivers/console/report.c", '"active: every requester', '"active: each requester',
     "each requester"),
    ("report", "drivers/console/report.c", '"next step: none, keep this', '"next step: keep this',
     "keep this report is missing"),
    ("report", "drivers/console/report.c", 'log_line("memory: ', 'log_line("ram: ',
     "ram is missing"),
    ("report", "lib/results.c", 'return "INFO"', 'return "NOTE"', "NOTE is missing"),
    ("inspect", "boot/efi.c", "= EFI_NOT_FOUND", "= EFI_UNSUPPORTED", "EFI_UNSUPPORTED is missing"),
    ("inspect", "boot/efi.c", '"Bulkhead: there is no memory', '"Bulkhead: out of memory',
     "out of memory"),
    ("inspect", "drivers/console/report.c", '"as found: a unit does not answer',
     '"as found: a unit is silent', "a unit is silent"),
    ("inspect", "boot/efi_menu.c", '"go back to firmware"', '"leave"', "'leave'"),
    ("inspect", MANUAL, "`EFI_ABORTED`", "`EFI_TIMEOUT`", "no EFI_TIMEOUT"),
    ("console", "drivers/console/find.c", '"named by DBG2"', '"told by DBG2"', "told by DBG2"),
    ("programs", "boot/flash", 'Code(21, "busy"', 'Code(24, "busy"', "24 is missing"),
    ("programs", "boot/flash", '"The device is not on USB.", True', '"The device is not on USB."',
     "'yes' should be 'no'"),
    ("programs", "tests/qemu/run.py", "1: verdict fail;", "3: verdict fail;", "3 is missing"),
    ("programs", "linker/symbols.py", "0: all was found;", "0: all is well;", "all is well"),
    ("links", MANUAL, "(../README.md)", "(../README.txt)", "README.txt"),
    ("links", MANUAL, "\n## Panics\n", "\n## Panic\n", "no heading panics"),
    ("links", "README.md", "manual.md#tests", "manual.md#trials", "no heading trials"),
)


class ManualTest(unittest.TestCase):
    def test_each_check_finds_a_change(self) -> None:
        for check, file, old, new, word in CHANGES:
            with self.subTest(f"{check}: {old}"):
                self.assertIn(word, "\n".join(self.findings(check, file, old, new)))

    def findings(self, check: str, file: str, old: str, new: str) -> list[str]:
        """Those of one check, with one file changed."""
        text = (ROOT / file).read_text()
        self.assertIn(old, text, file)

        class Changed(Manual):
            def source(self, name: str) -> str:
                return text.replace(old, new, 1) if name == file else super().source(name)

        return dict(checks(Changed()))[check]()

    def test_an_empty_tree_is_no_manual(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name, check in checks(Manual(Path(folder))):
                if name != "links":
                    self.assertTrue(check(), name)

    def test_an_empty_column_is_found(self) -> None:
        row = "| 0 | verdict pass | nothing |"
        self.assertEqual(self.findings("programs", MANUAL, row, row.replace("nothing ", "")),
                         ["make run: 0: a column is empty"])

    def test_tables_of_c_are_read(self) -> None:
        text = 'static x a[] = {{"p", 1}}; y b[N] = {[K] = {"q" /* no */ "r", NULL, {2}}, };'
        self.assertEqual(initialiser(text, "a"), [["p", "1"]])
        self.assertEqual(initialiser(text, "b"), ["K", ["qr", "NULL", ["2"]]])
        self.assertEqual(initialiser(text, "c"), [])

    def test_ranges_are_read(self) -> None:
        self.assertEqual(all_ids("HDA-001, 003 to 005 and 009; NVME-001, 2"),
                         {"HDA-001", "HDA-003", "HDA-004", "HDA-005", "HDA-009", "NVME-001"})
        self.assertEqual(all_ids("HDA-FAULT-002 to 003"), {"HDA-FAULT-002", "HDA-FAULT-003"})

    def test_values_are_judged(self) -> None:
        for values, good, bad in (("a|b", "b", "c"), ("0-60", "60", "61"),
                                  ("halt|reboot:0-9", "reboot:9", "reboot:x"), ("3-7", "3", "-3")):
            self.assertTrue(takes(values, good))
            self.assertFalse(takes(values, bad))
