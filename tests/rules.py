#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Each rule of the models (tests/model/README.md) has a test in which a wrong step is caught: each
text of a violation is expected by a test of the models."""
from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("clock", "dma", "ecam", "machine", "memory", "vtd*", "amdvi*")
# What says a violation, and what a test expects it with. bad_queue() is of vtd_queue.c.
RAISED = re.compile(r'\b(?:model_violation|bad_queue)\(\s*(?:[^";]*,\s*)?((?:"[^"]*"\s*)+)')
EXPECTED = re.compile(r'\b(?:expect_violation|model_violation_seen)\(\s*"([^"]*)"')
PLACE = re.compile(r"%#?\d*(?:ll|z)?([uxps])")
LETTERS_MIN = 6


def rules(root: Path) -> Iterator[tuple[str, str]]:
    """Vendor, or nothing, and text. A text that only holds another one is no rule."""
    for model in MODELS:
        for file in sorted((root / "tests/model").glob(f"{model}.c")):
            vendor = model.rstrip("*") if "*" in model else ""
            for match in RAISED.finditer(file.read_text()):
                text = "".join(re.findall(r'"([^"]*)"', match[1]))
                if not text.endswith(": %s"):
                    yield vendor, text


def expectations(root: Path) -> Iterator[tuple[str, str]]:
    for file in sorted((root / "tests/host").glob("test_*.c")):
        vendor = "amdvi" if "amdvi" in file.name else "vtd"
        for match in EXPECTED.finditer(file.read_text()):
            yield vendor, match[1]


def fits(part: str, rule: str) -> int:
    """How many letters of the rule's own are in the part, if an outcome of it holds the part."""
    tokens = list(PLACE.sub(lambda place: "\0" if place[1] == "s" else "\1", rule))
    states = {i: 0 for i in range(len(tokens))}
    for letter in part:
        after: dict[int, int] = {}
        for i, count in list(states.items()):
            while i < len(tokens) and tokens[i] in "\0\1":
                if tokens[i] == "\0" or letter in "0123456789abcdefx":
                    after[i] = max(after.get(i, 0), count)
                i += 1
            if i < len(tokens) and tokens[i] == letter:
                after[i + 1] = max(after.get(i + 1, 0), count + 1)
        states = after
    return max(states.values(), default=0)


def untested(root: Path = ROOT) -> list[str]:
    known = sorted(set(rules(root)))
    tested: set[tuple[str, str]] = set()
    findings = []
    for vendor, part in sorted(set(expectations(root))):
        scores = {rule: fits(part, rule[1]) for rule in known if rule[0] in ("", vendor)}
        best = max(scores.values(), default=0)
        if best < LETTERS_MIN:
            findings.append(f'no rule says "{part}"')
            continue
        said = [rule for rule, score in scores.items() if score == best]
        if len(said) > 1:
            findings.append(f'{len(said)} rules say "{part}"')
        tested |= set(said)
    findings += [] if known else ["no rule was found"]
    findings += [f'no test expects "{text}"' for _, text in sorted(set(known) - tested)]
    return findings


if __name__ == "__main__":
    print("\n".join(untested()) or "each rule is tested")
    sys.exit(1 if untested() else 0)
