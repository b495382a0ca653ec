#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""`make run`: the image on one machine, its console live, its verdict as the exit status.

0: verdict pass; 1: verdict fail; 2: nothing was started, for the reason given;
130: interrupted.
"""
from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType

from emulator import BINARY, SetupError, find_emulator
from machine import Machine, check_disk, default_disk
from session import Interrupted, Outcome, Session, error_lines, refuse_start

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("BULKHEAD_RUN") or ROOT / "build" / "run")
TIMEOUT_SECONDS = 60.0
DISK_BYTES_PER_SECOND = 4 << 20  # on a slow and busy machine


def setting(name: str, default: str) -> str:
    """An environment variable; empty is as good as none, for make passes empty ones."""
    return os.environ.get(name) or default


def timeout_setting(machine: Machine) -> float:
    text = os.environ.get("TIMEOUT")
    if not text:
        size = machine.disk.stat().st_size if machine.disk else 0
        return TIMEOUT_SECONDS + size / DISK_BYTES_PER_SECOND
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise SetupError(f"TIMEOUT={text} is no number of seconds.")
    return value


def machine_from_environment() -> Machine:
    image = Path(setting("BULKHEAD_EFI", str(ROOT / "build/bulkhead.efi")))
    if not image.is_file():
        raise SetupError(f"The image {image} is missing: make builds it.")
    tests = setting("TESTS", "default")
    if tests not in ("default", "all"):
        raise SetupError(f"TESTS={tests} is neither default nor all.")
    iommu = setting("IOMMU", "intel")
    if iommu not in ("intel", "amd", "none"):
        raise SetupError(f"IOMMU={iommu} is none of intel, amd, none.")
    try:
        extra = shlex.split(setting("QEMU_ARGS", ""))
    except ValueError as error:
        raise SetupError(f"QEMU_ARGS cannot be split into words: {error}.") from error
    disk = Path(os.environ["DISK"]) if os.environ.get("DISK") else default_disk(FOLDER / "disk.raw")
    check_disk(disk)
    return Machine(
        emulator=find_emulator(setting("QEMU", BINARY)),
        image=image,
        iommu=iommu,
        iommu_options=setting("IOMMU_OPTS", ""),
        disk=disk,
        options={"tests": tests},
        extra=extra,
    )


def show(line: str) -> None:
    """A console line; a reader that went away stops the showing, not the run."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")


def summary(outcome: Outcome) -> None:
    report = outcome.report
    if not report["complete"]:
        for line in error_lines(outcome.log):
            show(f"qemu: {line}")
    if report["counts"]["waived"]:
        show(f"run: {report['counts']['waived']} results are waived: this QEMU cannot show them "
             "(tests/qemu/deviations.py)")
    verdict = report["verdict"].upper()
    because = f": {report['reason']}" if report.get("reason") else ""
    show(f"run: {verdict} after {outcome.seconds:.1f} s{because}")
    show(f"run: {os.path.relpath(FOLDER / 'report.json')}")


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, interrupt)
    try:
        machine = machine_from_environment()
        timeout = timeout_setting(machine)
    except (SetupError, OSError) as error:
        refuse_start(FOLDER, str(error))
        print(f"run: {error}", file=sys.stderr)
        return 2
    try:
        show(f"run: {machine.emulator.name}, IOMMU={machine.iommu}")
        outcome = Session(machine, FOLDER, show).run(timeout)
    except (KeyboardInterrupt, Interrupted):
        refuse_start(FOLDER, "The run was interrupted.")
        print("run: interrupted", file=sys.stderr)
        return 130
    summary(outcome)
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
