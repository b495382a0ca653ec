#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""`make mutants`: the named mutants, then a choice of automatic ones. The exit status is 0 only
when every named one and BAR of the automatic ones are killed, and each survivor has its reason in
reasons.py.

usage: mutants.py [--jobs N] [--seed SEED] [--count N]
"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent),
                str(Path(__file__).resolve().parents[1] / "qemu")]

from automatic import run_automatic  # noqa: E402
from named import run_named  # noqa: E402

COUNT = 320
BAR = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(description="Tests, tested by changed sources.")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("--seed", default="1", help="another choice of automatic mutants")
    parser.add_argument("--count", type=int, default=COUNT, help="how many automatic mutants")
    arguments = parser.parse_args()
    begin = time.monotonic()
    named = list(run_named(arguments.jobs))
    for result in named:
        print(result.outcome, result.name, *result.details, flush=True)
    killed = sum(result.outcome == "ok" for result in named)
    automatic, count, unexplained = run_automatic(arguments.seed, arguments.count, arguments.jobs)
    print(f"{unexplained} survivors without a reason; {time.monotonic() - begin:.0f} s")
    print(f"{killed} of {len(named)} named, {automatic} of {count} automatic mutants killed")
    enough = count == arguments.count and automatic >= BAR * count and not unexplained
    return 0 if killed == len(named) and enough else 1


if __name__ == "__main__":
    sys.exit(main())
