#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Each layout check must find what it is there for: small broken trees."""
from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

import rules
from layout import LICENCE, Layout

HEAD = f"/* {LICENCE} */\n"


class LayoutTest(unittest.TestCase):
    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = Path(self._folder.name)
        self.write("include/wdm.h", "")
        self.write("drivers/iommu/core/core.h", "")
        self.write("drivers/iommu/vtd/vtd.h", "")

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text)

    def build(self, file: str, text: str) -> None:
        self.write(file, text)
        target = self.root / "build/image" / Path(file).with_suffix(".o")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", "-O1", "-ffreestanding", "-fno-builtin", "-c",
                        str(self.root / file), "-o", str(target)], check=True)

    def layout(self) -> Layout:
        return Layout(self.root)

    def test_clean_tree_has_no_findings(self) -> None:
        layout = self.layout()
        for check in (layout.rooms, layout.efi_types, layout.vendor_words, layout.driver_symbols,
                      layout.lone_headers, layout.status_lists, layout.form):
            self.assertEqual(check(), [])

    def test_rooms(self) -> None:
        for file, included in (
            ("drivers/edu/a.c", '"drivers/iommu/core/core.h"'),
            ("drivers/iommu/amdvi/a.c", '"drivers/iommu/vtd/vtd.h"'),
            ("drivers/iommu/core/a.c", '"../vtd/vtd.h"'),
            ("drivers/acpi/a.c", "<wdm.h>"),
            ("lib/a.c", '"lib/absent.h"'),
        ):
            with self.subTest(file):
                self.write(file, f"#include {included}\n")
                self.assertEqual(len(self.layout().rooms()), 1)
                (self.root / file).unlink()

    def test_efi_types(self) -> None:
        self.write("lib/a.c", "#include <efi.h>\n")
        self.assertTrue(self.layout().efi_types())
        (self.root / "lib/a.c").unlink()
        self.write("boot/b.h", "#include <wdm.h>\n")
        self.write("boot/efi_a.c", '#include <efi.h>\n#include "boot/b.h"\n')
        self.assertEqual(self.layout().efi_types(), ["boot/efi_a.c: sees wdm.h beside EFI types"])
        self.write("boot/a.c", "#include <efi.h>\n")
        self.assertEqual(len(self.layout().efi_types()), 2)

    def test_vendor_words(self) -> None:
        for line in ("int vtd_unit;", "int isVtd;", 'char *s = "AMD-Vi";', "enum { INTEL_UNIT };"):
            with self.subTest(line):
                self.write("drivers/iommu/core/a.c", f"/* intel */\n{line}\n")
                self.assertEqual(len(self.layout().vendor_words()), 1)

    def test_driver_symbols(self) -> None:
        self.build("drivers/edu/a.c", "void memset(void); void log_write(void); void b(void);\n"
                   "void a(void) { memset(); log_write(); b(); }\n")
        self.build("drivers/edu/b.c", "void b(void) {}\n")
        self.assertEqual(self.layout().driver_symbols(), ["drivers/edu/a.o: needs log_write"])
        self.write("drivers/nvme/a.c", "")
        self.assertIn("drivers/nvme: no objects of it were built", self.layout().driver_symbols())

    def test_interrupt_code(self) -> None:
        self.assertTrue(self.layout().interrupt_code())
        self.build("arch/x86_64/trap_b.c", "void memset(void); void a(void) { memset(); }\n")
        self.build("arch/x86_64/trap_a.c", "float a(float x) { return x * 2; }\n")
        self.assertEqual(len(self.layout().interrupt_code()), 2)

    def test_lone_headers(self) -> None:
        self.write("lib/a.h", "struct a { uint32_t b; };\n")
        self.assertEqual(len(self.layout().lone_headers()), 1)

    def test_status_lists(self) -> None:
        row = " *   STATUS_SUCCESS  it is done\n"
        for text, count in ((f"/* All of it.\n{row} */\n", 0),
                            (f"/*\n * All of it. {row[5:]} */\n", 1),
                            (f"/* All of it.\n{row} * and well\n */\n", 1)):
            self.write("include/a.h", text)
            self.assertEqual(len(self.layout().status_lists()), count)

    def test_form(self) -> None:
        self.write("lib/a.c", "\n" * 800)
        (self.root / "lib/b.c").write_text("int b;\n")
        (self.root / "notes").mkdir()
        self.assertEqual(len(self.layout().form()), 3)

    def test_model_rules(self) -> None:
        self.assertEqual(len(rules.untested(self.root)), 1)
        call = 'model_violation("vtd: register %#x has %s and %u bits", 1, name, 2);'
        self.write("tests/model/vtd.c", f"void a(void) {{ {call} }}\n")
        for expected, count in (("", 1), ("has odd and 2 bits", 0), ("register 0x1 has", 0),
                                ("register 1, has", 2), ("bits", 2)):
            test = f'expect_violation("{expected}");' if expected else ""
            self.write("tests/host/test_a.c", f"void b(void) {{ {test} }}\n")
            with self.subTest(expected):
                self.assertEqual(len(rules.untested(self.root)), count)
        self.write("tests/host/test_a.c", 'void b(void) { expect_violation("register"); }\n')
        self.write("tests/model/dma.c", f"void c(void) {{ {call.replace('has', 'had')} }}\n")
        self.assertEqual(rules.untested(self.root), ['2 rules say "register"'])
        (self.root / "tests/model/dma.c").unlink()
        self.write("tests/host/test_a.c", "")
        self.write("tests/host/test_amdvi.c", 'void b(void) { expect_violation("has odd and"); }\n')
        self.assertEqual(len(rules.untested(self.root)), 2)


if __name__ == "__main__":
    unittest.main()
