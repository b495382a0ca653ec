# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The mutants tried on a source of their own, with tests that are good and tests that are not."""
from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import automatic
import mutants
import named
import points
import reasons
import workshop
from workshop import Change, Rotten, Workshop

SOURCE = """int clamp(int value, int high)
{
    if (value > high)
        value = high;
    return value;
}
"""
TEST = """#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
int clamp(int value, int high);
static void limits(void **state)
{
    (void)state;
    %s
}
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
"""
GOOD = """assert_int_equal(clamp(1, 2), 1);
    assert_int_equal(clamp(3, 2), 2);"""
WEAK = "assert_int_equal(clamp(2, 2), 2);"
PATH = "drivers/iommu/core/clamp.c"
DROP = Change(PATH, SOURCE.index("value = high"), "value = high", "")


class Tree(unittest.TestCase):
    """A tree with one source, one test of it, and both built."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.folder = self.root / "build"
        for module in (workshop, points):
            self.enter(mock.patch.object(module, "ROOT", self.root))
        for module in (automatic, named):
            self.enter(mock.patch.object(module, "HOST", self.folder))
        self.enter(mock.patch.object(automatic, "PLAIN", self.folder))

    def enter(self, patch: mock._patch[object]) -> None:
        patch.start()
        self.addCleanup(patch.stop)

    def build(self, body: str, source: str = SOURCE) -> None:
        self.folder.mkdir()
        (self.folder / "flags").write_text("gcc -O1\n")
        made = [self.compile(PATH, source), self.compile("tests/host/test_clamp.c", TEST % body)]
        self.call("gcc", *made, "-lcmocka", "-o", str(self.folder / "test_clamp"))

    def build_second(self, body: str) -> None:
        """The test's build for the other vendor."""
        source = "tests/host/test_clamp.c"
        made = str(self.folder / "obj/tests/host/test_clamp-amdvi.o")
        (self.root / source).write_text(TEST % body)
        self.call("gcc", "-O1", "-c", source, "-o", made)
        self.call("gcc", made, str((self.folder / "obj" / PATH).with_suffix(".o")), "-lcmocka",
                  "-o", str(self.folder / "test_clamp-amdvi"))

    def compile(self, path: str, text: str) -> str:
        made = self.folder / "obj" / Path(path).with_suffix(".o")
        for file in (self.root / path, made):
            file.parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        self.call("gcc", "-O1", "-MMD", "-c", path, "-o", str(made))
        return str(made)

    def call(self, *command: str) -> None:
        subprocess.run(command, cwd=self.root, check=True)

    def changes(self) -> list[tuple[str, str]]:
        found = points.changes_in(Workshop(self.folder), ["drivers/iommu/core"])
        return [(change.old, change.new) for change in found[PATH]]


class Points(Tree):
    def test_every_kind(self) -> None:
        self.build(GOOD, """void step(int n);
int log_write(int level, const char *text);
int clamp(int value, int high)
{
    int zero = 0x10;
    if (!high)
        step(value + zero);
    log_write(3, "no change here");
    if (__builtin_expect(value, 1) && high)
        value--;
    return value > high ? high : value;
}
void step(int n) { (void)n; }
int log_write(int level, const char *text) { return text ? level : 0; }
""")
        self.assertEqual(set(self.changes()), {
            ("0x10", "0x11"), ("0x10", "0xf"), ("!", ""), ("+", "-"), ("step(value + zero)", ""),
            ("&&", "||"), ("--", "++"), ("value--", ""), (">", ">="), (">", "<="), ("0", "1"),
            ("(void)n", "")})

    def test_what_is_as_good(self) -> None:
        self.build(GOOD, """#define IOMMU_UNITS_MAX 64
int clamp(int value, int length)
{
    if (value + length - 1 > IOMMU_UNITS_MAX)
        return value == length - 1;
    return value;
}
""")
        changes = list(self.changes())
        self.assertEqual(changes.count(("1", "2")), 1)
        self.assertEqual(changes.count(("1", "0")), 2)
        self.assertFalse([old for old, _ in changes if old == "64"])


class Judged(Tree):
    def judge(self, body: str, *changes: Change) -> list[str]:
        self.build(body)
        tests = automatic.Range()
        return [tests.judge(change).kind for change in changes]

    def test_found(self) -> None:
        self.assertEqual(self.judge(GOOD, DROP), ["killed"])

    def test_not_found(self) -> None:
        self.assertEqual(self.judge(WEAK, DROP), ["survived"])

    def test_no_change(self) -> None:
        same = Change(PATH, SOURCE.index("high;"), "high", "(high)")
        broken = Change(PATH, SOURCE.index("value ="), "value", "5")
        moved = Change(PATH, 0, "long", "int")
        self.assertEqual(self.judge(GOOD, same, broken), ["left out", "left out"])
        with self.assertRaises(Rotten):
            automatic.Range().judge(moved)

    def test_hanging(self) -> None:
        endless = Change(PATH, SOURCE.index("if"), "if (value > high)", "while (value)")
        with mock.patch.object(automatic, "SLACK", 0.0):
            self.assertEqual(self.judge(GOOD, endless), ["killed"])

    def test_a_test_that_fails_anyway(self) -> None:
        with self.assertRaises(SystemExit):
            self.judge("assert_int_equal(clamp(1, 2), 2);")


class Named(Tree):
    def outcome(self, body: str, old: str, test: str = "test_clamp limits") -> str:
        self.build(body)
        row = named.Row(1, "limit-not-kept", PATH, old, "", test)
        return named.judge(Workshop(self.folder), row).outcome

    def test_killed_by_its_test(self) -> None:
        self.assertEqual(self.outcome(GOOD, "value = high"), "ok")

    def test_survived(self) -> None:
        self.assertEqual(self.outcome(WEAK, "value = high"), "FAIL")

    def test_no_such_text(self) -> None:
        self.assertEqual(self.outcome(GOOD, "value = low"), "FAIL")

    def test_text_in_two_places(self) -> None:
        self.assertEqual(self.outcome(GOOD, "value"), "FAIL")

    def test_another_test_fails(self) -> None:
        self.assertEqual(self.outcome(GOOD, "value = high", "test_clamp others"), "FAIL")

    def test_it_does_not_hang(self) -> None:
        self.assertEqual(self.outcome(GOOD, "value = high", "test_clamp limits hangs"), "FAIL")

    def test_killed_in_one_of_two_builds(self) -> None:
        self.build(GOOD)
        self.build_second(WEAK)
        row = named.Row(1, "limit-not-kept", PATH, "value = high", "", "test_clamp limits")
        self.assertEqual(named.judge(Workshop(self.folder), row).outcome, "FAIL")
        only = row._replace(only=named.VTD)
        self.assertEqual(named.judge(Workshop(self.folder), only).outcome, "ok")

    def test_whose_units(self) -> None:
        for path, program, only, whose in (
                (PATH, "test_core", "", named.VENDORS),
                (PATH, "test_core", "amdvi", ("amdvi",)),
                (PATH, "test_amdvi_commands", "", ("amdvi",)),
                ("drivers/iommu/vtd/unit.c", "test_core", "", ("vtd",))):
            row = named.Row(1, "", path, "", "", f"{program} any", only)
            self.assertEqual(row.vendors, whose)

    def test_every_class_has_a_row(self) -> None:
        table = named.rows()
        self.assertEqual(named.lacking(table), [])
        without = [row for row in table if row.fault != 1 or "vtd" not in row.path]
        self.assertEqual(named.lacking(without), ["1 (vtd)"])


class Reasons(unittest.TestCase):
    def test_by_the_line_before_and_after(self) -> None:
        rows = (reasons.Row(PATH, "value > high", "value >= high", "the same"),)
        found = []
        with mock.patch.object(reasons, "ROWS", rows):
            for new in (">=", "<"):
                found.append(reasons.reason_for(Change(PATH, SOURCE.index(">"), ">", new), SOURCE))
        self.assertEqual(found, ["the same", ""])

    def test_lines_are_there(self) -> None:
        for row in reasons.ROWS:
            self.assertIn(row.old, (workshop.ROOT / row.path).read_text())


class ExitStatus(Tree):
    def status(self, body: str, count: int, rows: tuple[named.Row, ...] = ()) -> tuple[int, str]:
        self.build(body)
        arguments = ["mutants.py", "--jobs", "1", "--count", str(count)]
        told = io.StringIO()
        with mock.patch.object(named, "rows", lambda: list(rows)), \
                mock.patch.object(named, "lacking", lambda _: []), \
                mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(told):
            status = mutants.main()
        return status, told.getvalue().splitlines()[-1]

    def test_all_killed(self) -> None:
        row = named.Row(1, "limit", PATH, "value = high", "", "test_clamp limits")
        self.assertEqual(self.status(GOOD, 2, (row,)),
                         (0, "1 of 1 named, 2 of 2 automatic mutants killed"))

    def test_survivors(self) -> None:
        status, last = self.status(WEAK, 2)
        self.assertEqual((status, last), (1, "0 of 0 named, 0 of 2 automatic mutants killed"))

    def test_a_survivor_without_a_reason(self) -> None:
        self.enter(mock.patch.object(mutants, "BAR", 0.0))
        self.assertEqual(self.status(WEAK, 2)[0], 1)

    def test_survivors_with_a_reason(self) -> None:
        self.enter(mock.patch.object(mutants, "BAR", 0.0))
        self.enter(mock.patch.object(reasons, "ROWS", (reasons.Row(PATH, "", "", "the same"),)))
        self.assertEqual(self.status(WEAK, 2)[0], 0)

    def test_a_named_one_survives(self) -> None:
        row = named.Row(1, "limit", PATH, "value = high", "value = value", "test_clamp others")
        status, last = self.status(GOOD, 2, (row,))
        self.assertEqual((status, last), (1, "0 of 1 named, 2 of 2 automatic mutants killed"))

    def test_too_few_places(self) -> None:
        self.assertEqual(self.status(GOOD, 300)[0], 1)


if __name__ == "__main__":
    unittest.main()
