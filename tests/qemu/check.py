#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""`make check`: the harness's own tests, layout and manual, the host tests, the faults that they must
find, the fuzz targets, then the image on every QEMU there is. One line a test or fault, and a closing
count; the exit status is 0 only when nothing failed.

usage: check.py [--only WORD] [host test program ...] [--fuzz target ...]
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Callable, Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / f"tests{part}") for part in ("", "/bench", "/flash", "/fuzz", "/mutants")]

import acpi_tables  # noqa: E402
import bench  # noqa: E402
import bench_test  # noqa: E402
import flash_test  # noqa: E402
import fuzz  # noqa: E402
import fuzz_test  # noqa: E402
import layout  # noqa: E402
import layout_test  # noqa: E402
import manual  # noqa: E402
import manual_test  # noqa: E402
import mutants_test  # noqa: E402
import release  # noqa: E402
import selftest  # noqa: E402
from cases import CASES, Case, Place, all_is_seen, check_outcome, says  # noqa: E402
from console_cases import CONSOLE_CASES, same_at_every_level  # noqa: E402
from emulator import BINARY, Emulator, SetupError, find_emulator  # noqa: E402
from host import run_host_program  # noqa: E402
from inspect_cases import INSPECT_CASES, inspect_case  # noqa: E402
from machine import default_disk, disk_sha256  # noqa: E402
from media import Skipped  # noqa: E402
from named import run_named  # noqa: E402
from session import Interrupted, Session  # noqa: E402
from talk import SCRIPTS, shell_case  # noqa: E402
from tally import Result, Tally  # noqa: E402

AT_ONCE = 2
IMAGE_SECONDS = 90.0
OWN_DISK_BYTES = 5 * 512 + (1 << 20)
FOLDER = ROOT / "build" / "check"
OWN_SETTINGS = {
    "BULKHEAD_RUN": str(FOLDER / "run"), "IOMMU": "", "IOMMU_OPTS": "", "QEMU_ARGS": "",
    "DISK": "", "TESTS": "", "TIMEOUT": "",
}


def own_tests() -> list[Result]:
    """The harness, the checks of layout and manual, and boot/flash tried on what must not pass."""
    loader = unittest.defaultTestLoader
    results = []
    for test in flat(loader.loadTestsFromModule(m) for m in (selftest, layout_test, manual_test,
                                                            bench_test, flash_test, fuzz_test,
                                                            mutants_test)):
        outcome = unittest.TestResult()
        test.run(outcome)
        wrong = [text for _, text in outcome.failures + outcome.errors]
        details = [line for text in wrong for line in text.splitlines()]
        name = test.id().replace(".test_", ".")
        results.append(Result(f"harness {name}", "FAIL" if wrong else "ok", details))
    return results


def flat(tests: Iterable[unittest.TestCase | unittest.TestSuite]) -> Iterator[unittest.TestCase]:
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def tree_checks() -> list[Result]:
    """The layout, and the manual against the code."""
    results = []
    for kind, checks in (("layout", layout.checks(layout.Layout(ROOT))),
                         ("manual", manual.checks(manual.Manual(ROOT)))):
        for name, check in checks:
            findings = check()
            results.append(Result(f"{kind} {name}", "FAIL" if findings else "ok", findings))
    return results


def image_case(case: Case, place: Place, stop: threading.Event) -> Result:
    name = f"qemu {'.'.join(map(str, place.emulator.version))} {case.name}"
    place.folder.mkdir(parents=True, exist_ok=True)
    try:
        machine = case.build(place)
        enough = all_is_seen(machine) if case.silent else None
        if case.refused:
            enough = lambda _log: says(case.refused, session.console)  # noqa: E731
        session = Session(machine, place.folder, lambda _line: None, stop, enough)
        outcome = session.run(IMAGE_SECONDS)
        wrong = check_outcome(case, machine, outcome)
    except Skipped as reason:
        return Result(name, "skip", [str(reason)])
    except (SetupError, OSError, Interrupted) as error:
        return Result(name, "FAIL", [str(error) or type(error).__name__])
    where = os.path.relpath(place.folder, ROOT)
    name += f" ({outcome.seconds:.1f} s)"
    return Result(name, "FAIL" if wrong else "ok", [*wrong, f"see {where}/"] if wrong else [])


def run_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tests/qemu/run.py"), *arguments], capture_output=True,
        text=True, stdin=subprocess.DEVNULL, env={**os.environ, **OWN_SETTINGS, **environment},
        cwd=ROOT,
    )


def command_line() -> list[Result]:
    """What `make run` says to settings that it cannot start with."""
    odd = FOLDER / "not-a-multiple.raw"
    odd.write_bytes(bytes(1000))
    wrong = {
        "missing-disk": {"DISK": str(FOLDER / "absent.raw")},
        "disk-no-multiple-of-512": {"DISK": str(odd)},
        "unknown-iommu": {"IOMMU": "arm"},
        "missing-qemu": {"QEMU": str(FOLDER / "absent")},
        "unknown-tests": {"TESTS": "some"},
        "unbalanced-arguments": {"QEMU_ARGS": "'open"},
    }
    results = []
    for name, environment in wrong.items():
        done = run_program(**environment)
        good = done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1
        details = [f"status {done.returncode}", done.stdout, done.stderr]
        results.append(Result(f"run {name}", "ok" if good else "FAIL", details))
    return results


def exit_status() -> Result:
    """`make run` to its end: a disk of one's own is 0 and told truly, so is an empty one; no unit
    is 1."""
    disk = default_disk(FOLDER / "own.raw", OWN_DISK_BYTES)
    done = run_program(DISK=str(disk))
    report = json.loads((FOLDER / "run/report.json").read_text())
    told = [entry.get("sha256") for entry in report["disks"]] == [disk_sha256(disk)]
    empty = FOLDER / "empty.raw"
    empty.write_bytes(b"")
    medium = run_program(DISK=str(empty))
    refused = run_program(DISK=str(disk), IOMMU="none")
    statuses = (done.returncode, medium.returncode, refused.returncode)
    good = statuses == (0, 0, 1) and told
    details = [f"statuses {statuses}, disk told: {told}"]
    return Result("run exit-status", "ok" if good else "FAIL", details)


def levels(place: Place, words: str, stop: threading.Event) -> Result:
    name = f"qemu {'.'.join(map(str, place.emulator.version))} loglevels {place.iommu}"
    place.folder.mkdir(parents=True, exist_ok=True)
    try:
        wrong = same_at_every_level(place, words, stop)
    except (SetupError, OSError, Interrupted) as error:
        wrong = [str(error) or type(error).__name__]
    return Result(name, "FAIL" if wrong else "ok", wrong)


def emulators() -> list[Emulator]:
    """The one of `QEMU` or of the system, then what unpack.py left."""
    first = os.environ.get("QEMU") or BINARY
    folders = sorted((ROOT / "build/qemu").glob(f"*/{BINARY}"))
    found = [find_emulator(name) for name in (first, *map(str, folders))]
    return list({emulator.binary: emulator for emulator in found}.values())


def image_jobs(stop: threading.Event, image: Path, only: str) -> list[Callable[[], Result]]:
    jobs: list[Callable[[], Result]] = [] if only else [exit_status]
    if only in "loglevels":
        for iommu, words in (("intel", "34567"), ("none", "37")):
            place = Place(emulators()[0], image, FOLDER / f"loglevels-{iommu}", iommu)
            jobs.append(lambda p=place, w=words: levels(p, w, stop))  # type: ignore[misc]
    if only in "image":
        jobs += [release.contents, lambda: release.twin(FOLDER / "twin")]
    found = emulators()
    for turn, emulator in enumerate(found):
        print(f"on {emulator.name} ({emulator.binary})", flush=True)
        base = FOLDER / ".".join(map(str, emulator.version))
        for case in (*CASES, *CONSOLE_CASES):
            if only not in case.name or emulator.version < case.since:
                continue
            if case.turn is not None and case.turn % len(found) != turn:
                continue
            place = Place(emulator, image, base / case.name, case.iommu)
            jobs.append(lambda c=case, p=place: image_case(c, p, stop))  # type: ignore[misc]
        jobs += shell_jobs(emulator, image, base, only)
    jobs += inspect_jobs(found, image, only)
    return jobs


def shell_jobs(
    emulator: Emulator, image: Path, base: Path, only: str
) -> Iterator[Callable[[], Result]]:
    """Sessions at the shell: with a unit of each vendor, after a panic, and where none protects."""
    for name, iommu, script, options, change in SCRIPTS:
        place = Place(emulator, image, base / name, iommu)
        if only in name:
            title = f"qemu {'.'.join(map(str, emulator.version))} {name}"
            yield lambda t=title, p=place, s=script, o=options, c=change: shell_case(  # type: ignore[misc]
                t, p.machine(), p.folder, s, o, c)


def inspect_jobs(found: list[Emulator], image: Path, only: str) -> Iterator[Callable[[], Result]]:
    """Each on one QEMU of those there are."""
    for turn, (name, iommu, script) in enumerate(INSPECT_CASES):
        emulator = found[turn % len(found)]
        version = ".".join(map(str, emulator.version))
        place = Place(emulator, image, FOLDER / version / name, iommu)
        if only in name:
            yield lambda n=f"qemu {version} {name}", p=place, s=script: inspect_case(  # type: ignore[misc]
                n, p.machine(), p.folder, s)


def main() -> int:
    parser = argparse.ArgumentParser(description="Everything that must hold.")
    parser.add_argument("programs", nargs="*", type=Path, help="host test programs")
    parser.add_argument("--fuzz", nargs="*", default=[], type=Path, help="fuzz targets")
    parser.add_argument("--only", default="", metavar="WORD", help="image cases of this name only")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    image = Path(os.environ.get("BULKHEAD_EFI") or ROOT / "build/bulkhead.efi").resolve()
    tally = Tally()
    stop = threading.Event()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            if not arguments.only:
                for result in (own_tests() + tree_checks() + command_line()
                               + acpi_tables.results()):
                    tally.add(result)
                for results in pool.map(run_host_program, arguments.programs):
                    for result in results:
                        tally.add(result)
                if not arguments.programs:
                    tally.add(Result("host", "FAIL", ["no host test was built"]))
                else:
                    for result in run_named(AT_ONCE):
                        tally.add(result)
                for result in pool.map(fuzz.run_target, arguments.fuzz):
                    tally.add(result)
                if not arguments.fuzz:
                    tally.add(Result("fuzz", "FAIL", ["no fuzz target was built"]))
            counted = None if arguments.only not in "bench" else pool.submit(bench.gates)
            jobs = image_jobs(stop, image, arguments.only)
            for done in as_completed([pool.submit(job) for job in jobs]):
                tally.add(done.result())
            for result in counted.result() if counted else []:
                tally.add(result)
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(cancel_futures=True)
            tally.add(Result("check", "FAIL", ["interrupted"]))
        except SetupError as error:
            tally.add(Result("qemu", "FAIL", [str(error)]))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
