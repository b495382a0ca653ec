# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Finds a QEMU, its firmware and its version."""
from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = "qemu-system-x86_64"
FIRMWARE_NAMES = (("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd"))

Version = tuple[int, ...]


class SetupError(Exception):
    """What the user has to mend before a machine can start, in one sentence."""


@dataclass(frozen=True)
class Emulator:
    binary: Path
    version: Version
    code: Path  # firmware: program
    variables: Path  # firmware: its variables, as delivered

    @property
    def name(self) -> str:
        return "QEMU " + ".".join(map(str, self.version))

    def offers(self, device: str, option: str) -> bool:
        """Whether `device` has `option` in this version."""
        done = subprocess.run(
            [str(self.binary), "-device", f"{device},help"], capture_output=True, text=True
        )
        return re.search(rf"^\s*{re.escape(option)}=", done.stdout, re.MULTILINE) is not None


def find_binary(name: str) -> Path:
    """A program on the path, a file, or a folder that unpack.py made."""
    path = Path(name)
    if path.is_dir():
        path = path / BINARY
    found = shutil.which(str(path))
    if found is None:
        raise SetupError(f"QEMU={name} is neither a program nor an unpacked QEMU.")
    return Path(found).resolve()


def firmware_in(*folders: Path) -> tuple[Path, Path]:
    for folder in folders:
        for code, variables in FIRMWARE_NAMES:
            if (folder / code).is_file() and (folder / variables).is_file():
                return folder / code, folder / variables
    raise SetupError("UEFI firmware is missing: the package ovmf brings it.")


def read_version(binary: Path) -> Version:
    try:
        done = subprocess.run([str(binary), "--version"], capture_output=True, text=True)
    except OSError as error:
        raise SetupError(f"{binary} does not start: {error.strerror}.") from error
    match = re.search(r"version (\d+)\.(\d+)\.(\d+)", done.stdout)
    if done.returncode or match is None:
        raise SetupError(f"{binary} does not tell its version.")
    return tuple(int(part) for part in match.groups())


def find_emulator(name: str = BINARY) -> Emulator:
    binary = find_binary(name)
    code, variables = firmware_in(binary.parent / "usr/share/OVMF", Path("/usr/share/OVMF"))
    return Emulator(binary, read_version(binary), code, variables)
