#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Runs the fuzz targets, each for some seconds, and prints a line for each.

A target begins with the seeds of tests/fuzz/seeds/NAME.txt. There `seed WORD` begins one, and its
bytes follow: hexadecimal digits, "text", or either with `N*` in front, N times. # begins a comment.
A find is made shorter, kept in build/fuzz/finds/ and printed in this form.

usage: fuzz.py [--seconds N] [--jobs N] [--keep] target ...
"""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/qemu"))

from tally import Result, Tally  # noqa: E402

SEEDS = ROOT / "tests/fuzz/seeds"
CHECK_SECONDS = 20
SECOND_UNIT = "-amdvi"  # NAME-amdvi is NAME on the other vendor's unit, with the same seeds
SHORTEN_SECONDS = 10
INPUT_MAX = 16384
TOKEN = re.compile(r'\s*(?:#[^\n]*|seed\s+(\S+)|(?:(\d+)\*)?(?:"([^"\n]*)"|((?:[0-9A-Fa-f]{2})+)))'
                   r'(?=\s|#|$)')
EXECUTED = re.compile(r"^stat::number_of_executed_units: *(\d+)", re.MULTILINE)
# Of what a target prints: rules, reports, frames of the code under test, sequences of calls.
TELLING = re.compile(r"does not hold|ERROR:|runtime error|^world|^ *\{|"
                     r"^ +#\d+ .* in (?!fuzz|__|main|raise|abort|LLVM|_start)")


def read_seeds(text: str) -> dict[str, bytes]:
    seeds: dict[str, bytes] = {}
    name, at, text = "", 0, text.rstrip()
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"line {text.count(chr(10), 0, at) + 1}: no seed, text or bytes")
        at = token.end()
        if token[1]:
            name = token[1]
            if name in seeds:
                raise ValueError(f"seed {name} is there twice")
            seeds[name] = b""
        elif token[3] is not None or token[4]:
            part = bytes.fromhex(token[4]) if token[4] else token[3].encode()
            seeds[name] += part * int(token[2] or 1)
    return seeds


def as_text(name: str, data: bytes) -> list[str]:
    lines = [data[i:i + 32].hex(" ", 4) for i in range(0, len(data), 32)]
    return [f"seed {name}", *lines]


def command(target: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run([target, "-timeout=10", "-rss_limit_mb=1024", *options],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "STDOUT"})
    return done.returncode, done.stdout


def describe(target: Path, find: Path, text: str) -> list[str]:
    """What is wrong, and the shortest input that was found to show it."""
    short = find.with_name(f"{find.name}.short")
    command(target, "-minimize_crash=1", f"-exact_artifact_path={short}",
            f"-max_total_time={SHORTEN_SECONDS}", str(find))
    status, told = command(target, str(short)) if short.is_file() else (0, "")
    if status == 0:
        short, told = find, text
    telling = [line for line in told.splitlines() if TELLING.search(line)]
    return [*telling[:8], *as_text(find.name, short.read_bytes())[:6], f"see {short}"]


def run_target(target: Path, seconds: int = CHECK_SECONDS, keep: bool = False,
               seed_folder: Path = SEEDS) -> Result:
    """`keep`: what is found to reach new code stays, and is begun with the next time."""
    target = target.resolve()
    folder = target.parent
    corpus, seeds, finds = (folder / part / target.name for part in ("corpus", "seeds", "finds"))
    for path in (corpus, seeds, finds):
        path.mkdir(parents=True, exist_ok=True)
    for old in (*seeds.iterdir(), *finds.iterdir(), *(() if keep else corpus.iterdir())):
        old.unlink()
    try:
        given = read_seeds((seed_folder / f"{target.name.removesuffix(SECOND_UNIT)}.txt").read_text())
        for name, data in given.items():
            (seeds / name).write_bytes(data)
        status, text = command(target, f"-max_total_time={seconds}", f"-max_len={INPUT_MAX}",
                               "-print_final_stats=1", f"-artifact_prefix={finds}/",
                               str(corpus), str(seeds))
    except (OSError, ValueError) as error:
        return Result(f"fuzz {target.name}", "FAIL", [str(error)])
    executed = EXECUTED.search(text)
    count = int(executed[1]) if executed else 0
    found = sorted(finds.iterdir())
    if found:
        return Result(f"fuzz {target.name}", "FAIL", describe(target, found[0], text))
    if status or count < len(given):
        return Result(f"fuzz {target.name}", "FAIL",
                      [*text.splitlines(), f"status {status}, {count} inputs"])
    return Result(f"fuzz {target.name} ({count} inputs, {seconds} s)", "ok", [])


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs fuzz targets.")
    parser.add_argument("--seconds", type=int, default=CHECK_SECONDS, help="for each")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="run so many at once")
    parser.add_argument("--keep", action="store_true", help="keep inputs that reach new code")
    parser.add_argument("targets", nargs="+", type=Path)
    given = parser.parse_args()
    tally = Tally()
    with ThreadPoolExecutor(given.jobs) as pool:
        for result in pool.map(lambda t: run_target(t, given.seconds, given.keep),
                               given.targets):
            tally.add(result)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
