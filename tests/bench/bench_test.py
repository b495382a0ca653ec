#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The benchmarks' own tools, tried: the plugin on code of known length, then how it is read."""
from __future__ import annotations

import contextlib
import io
import subprocess
import tempfile
import unittest
from pathlib import Path

import bench
from emulator import SetupError
from goals import GOALS, RATIO_SLACK, Goal

# Assembler text and the instructions that it executes.
KNOWN = (
    ("", 0),
    ("nop; nop; nop", 3),
    ("mov $1000, %%ecx; 1: dec %%ecx; jnz 1b", 2001),
    ("jmp 1f; nop; nop; 1: .rept 600; nop; .endr", 601),
    ("mov $64, %%ecx; xor %%eax, %%eax; lea -512(%%rsp), %%rdi; cld; rep stosb", 4 + 64 + 1),
)


def program_text() -> str:
    regions = "".join(
        f'BENCH_MARKER(BENCH_BEGIN); __asm__ volatile("{text}" ::: "rax", "rcx", "rdi", "memory");'
        "BENCH_MARKER(BENCH_END); BENCH_MARKER(BENCH_CLOSE);\n"
        for text, _ in KNOWN
    )
    return f'#include "include/driver_bench.h"\nint main(void)\n{{\n{regions}return 0;\n}}\n'


class PluginTest(unittest.TestCase):
    def test_counts_are_exact(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            compiler = ["gcc", "-O2", "-mno-red-zone", f"-I{bench.ROOT}", "-x", "c", "-", "-o"]
            subprocess.run([*compiler, str(folder / "known")], input=program_text(), text=True,
                           check=True)
            plugin = bench.plugin(bench.user_version(), folder / "marks")
            subprocess.run(["qemu-x86_64", *plugin, str(folder / "known")], check=True)
            names = [f"count {i} 1" for i in range(len(KNOWN))]
            counts = bench.read_counts(names, (folder / "marks").read_text())
        self.assertEqual(list(counts.values()), [count for _, count in KNOWN])


class ReadingTest(unittest.TestCase):
    def test_regions_are_summed(self) -> None:
        marks = "1 100\n2 130\n1 200\n2 250\n3 260\n1 300\n2 301\n3 301\n"
        lines = ["[ 1.0] bench: count a 4", "count nothing", "count b 1"]
        self.assertEqual(bench.read_counts(lines, marks), {"a": 20, "b": 1})

    def test_a_count_without_a_name_is_refused(self) -> None:
        with self.assertRaises(SetupError):
            bench.read_counts([], "1 1\n2 2\n3 2\n")

    def test_cases_are_read(self) -> None:
        rows = bench.Rows()
        rows.read(["x: case A1.map 4.5 ns limit 3", "case G.tables 1 tables limit -"])
        self.assertEqual(rows["A1.map"].ratio(), 1.5)
        self.assertIsNone(rows["G.tables"].ratio())


class JudgingTest(unittest.TestCase):
    def test_what_was_not_measured_is_no_success(self) -> None:
        for name, goal in GOALS.items():
            self.assertTrue(bench.Row(name).problems(goal), name)
            self.assertEqual(bench.verdict(bench.Row(name)), "MISS")

    def test_a_program_may_leave_a_case_out(self) -> None:
        rows = bench.Rows()
        rows.read(["left out A11.one-domain: there is one CPU"])
        self.assertEqual(bench.verdict(rows["A11.one-domain"]), "none")
        rows.read(["case A11.one-domain 3 ns limit 1"])
        self.assertEqual(bench.verdict(rows["A11.one-domain"]), "MISS")

    def test_a_row_that_vanishes_is_in_the_table(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            records = bench.show(bench.Rows())
        self.assertEqual([record["case"] for record in records], list(GOALS))
        self.assertFalse(any(record["ok"] for record in records))
        for name in GOALS:
            self.assertIn(name, shown.getvalue().split())

    def test_only_time_has_room(self) -> None:
        goal = Goal(ratio=2, instructions=10)
        row = bench.Row("x", value=2.5, unit="ns", limit=1, instructions=10)
        self.assertEqual(row.problems(goal), ["ratio"])
        self.assertEqual(row.problems(goal, RATIO_SLACK), [])
        row.instructions = 10.001
        self.assertEqual(row.problems(goal, RATIO_SLACK), ["instructions"])

    def test_a_gate_judges_counts_alone(self) -> None:
        row = bench.Row("x", value=9, unit="ns", limit=1, instructions=10)
        self.assertEqual(bench.gate(row, Goal(ratio=2, instructions=10)).outcome, "ok")
        self.assertEqual(bench.gate(row, Goal(ratio=2, instructions=9)).outcome, "FAIL")
        tables = bench.Row("x", value=9, unit="tables", limit=1)
        self.assertEqual(bench.gate(tables, Goal(ratio=2)).outcome, "FAIL")
        self.assertEqual(bench.gate(bench.Row("x"), Goal(instructions=9)).outcome, "FAIL")

    def test_a_bound_that_must_not_be_reached(self) -> None:
        row = bench.Row("x", value=2)
        self.assertEqual(row.problems(Goal(below=2)), ["value"])
        row.value = 1.999
        self.assertEqual(row.problems(Goal(below=2)), [])


if __name__ == "__main__":
    unittest.main()
