# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The runner of fuzz targets, tried on what must not pass."""
from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import fuzz
from tally import Result

# A target that is a script: it gets the options of libFuzzer.
FINDS = """
for option; do
    case $option in -artifact_prefix=*) printf '\\1\\2' >"${option#*=}crash-1" ;; esac
done
echo 'file.c:1: does not hold: 1 == 2'
exit 77
"""


class Seeds(unittest.TestCase):
    def test_text_bytes_repetitions_and_comments(self) -> None:
        text = '# head\nseed a  # one\n"AB" 00ff # x\n3*01 2*"C"\nseed b\n'
        self.assertEqual(fuzz.read_seeds(text), {"a": b"AB\0\xff\1\1\1CC", "b": b""})

    def test_what_is_neither_is_refused(self) -> None:
        for text in ("seed a\n0\n", "seed a\nxy\n", 'seed a\n"open\n', "seed a\nseed a\n"):
            with self.assertRaises(ValueError):
                fuzz.read_seeds(text)

    def test_a_find_is_printed_as_a_seed(self) -> None:
        data = bytes(range(40))
        self.assertEqual(fuzz.read_seeds("\n".join(fuzz.as_text("a", data))), {"a": data})

    def test_every_target_has_seeds(self) -> None:
        for source in (fuzz.ROOT / "tests/fuzz").glob("fuzz_*.c"):
            seeds = fuzz.read_seeds((fuzz.SEEDS / f"{source.stem[5:]}.txt").read_text())
            self.assertTrue(seeds and all(seeds.values()), source.name)

    def test_tables_are_as_long_as_they_say(self) -> None:
        for name in ("dmar", "ivrs", "madt", "mcfg", "spcr"):
            seeds = fuzz.read_seeds((fuzz.SEEDS / f"{name}.txt").read_text())
            for seed, data in seeds.items():
                self.assertEqual(int.from_bytes(data[4:8], "little"), len(data), f"{name} {seed}")


class Targets(unittest.TestCase):
    def outcome(self, script: str) -> Result:
        with tempfile.TemporaryDirectory() as name:
            target = Path(name) / "made"
            target.write_text(f"#!/bin/sh\n{script}\n")
            target.chmod(0o755)
            (Path(name) / "made.txt").write_text("seed a 00 seed b 01")
            return fuzz.run_target(target, 1, seed_folder=Path(name))

    def test_one_that_ends_well(self) -> None:
        result = self.outcome("echo 'stat::number_of_executed_units: 2'")
        self.assertEqual((result.outcome, result.name), ("ok", "fuzz made (2 inputs, 1 s)"))

    def test_one_that_finds_something(self) -> None:
        result = self.outcome(FINDS)
        self.assertEqual(result.outcome, "FAIL")
        self.assertIn("file.c:1: does not hold: 1 == 2", result.details)
        self.assertIn("0102", result.details)

    def test_one_that_fails_without_a_find(self) -> None:
        for script in ("exit 1", "true", "echo 'stat::number_of_executed_units: 1'"):
            self.assertEqual(self.outcome(script).outcome, "FAIL", script)


if __name__ == "__main__":
    unittest.main()
