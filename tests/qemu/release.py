# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What `make image` made: its sums, size and tables, and that another folder gives the same."""
from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import uuid
from pathlib import Path

from emulator import ROOT
from tally import Result

RELEASE = ROOT / "build/release"
SIZE_MAX = 10_000_000
SECTOR, BLOCK = 512, 2048
ESP_TYPE = uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
ESP_SECTORS = (8 << 20) // SECTOR
SOURCES = ("Makefile", "LICENSE", "arch", "boot", "drivers", "include", "lib", "linker", "tests")


def gpt_partition(iso: bytes) -> tuple[int, int]:
    """First sector and sectors of the EFI system partition; UEFI, "GUID Partition Table"."""
    header = iso[SECTOR : 2 * SECTOR]
    if not header.startswith(b"EFI PART"):
        return 0, 0
    table, count, size = struct.unpack_from("<QII", header, 72)
    for at in range(table * SECTOR, table * SECTOR + count * size, size):
        if uuid.UUID(bytes_le=iso[at : at + 16]) == ESP_TYPE:
            first, last = struct.unpack_from("<QQ", iso, at + 32)
            return first, last - first + 1
    return 0, 0


def el_torito(iso: bytes) -> tuple[int, int]:
    """The same of the first boot image; El Torito specification, "Boot Record", "Default Entry"."""
    (catalog,) = struct.unpack_from("<I", iso, 17 * BLOCK + 0x47)
    sectors, block = struct.unpack_from("<HI", iso, catalog * BLOCK + 32 + 6)
    return block * BLOCK // SECTOR, sectors


def file_on(iso: Path, first: int, name: str) -> bytes:
    command = ["mtype", "-i", f"{iso}@@{first * SECTOR}", f"::{name}"]
    return subprocess.run(command, capture_output=True).stdout


def what_is_wrong(folder: Path, efi: bytes, conf: bytes) -> list[str]:
    found = []
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        value, name = line.split()
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != value:
            found.append(f"SHA256SUMS does not fit {name}")
    path = folder / "bulkhead.iso"
    iso = path.read_bytes()
    if len(iso) > SIZE_MAX:
        found.append(f"the ISO has {len(iso)} bytes, at most {SIZE_MAX} are allowed")
    first, sectors = gpt_partition(iso)
    if sectors != ESP_SECTORS:
        found.append(f"the GPT's EFI system partition has {sectors} sectors")
    if el_torito(iso) != (first, sectors):
        found.append("El Torito and the GPT name different places")
    files = {"EFI/BOOT/BOOTX64.EFI": efi, "EFI/Bulkhead/bulkhead.efi": efi,
             "EFI/BOOT/bulkhead.conf": conf, "EFI/Bulkhead/bulkhead.conf": conf}
    found += [f"{n} is another file" for n, d in files.items() if file_on(path, first, n) != d]
    return found


def contents() -> Result:
    efi = (ROOT / "build/bulkhead.efi").read_bytes()
    wrong = what_is_wrong(RELEASE, efi, (ROOT / "boot/bulkhead.conf").read_bytes())
    return Result("image contents", "FAIL" if wrong else "ok", wrong)


def twin(folder: Path) -> Result:
    """The same sources in another folder, built anew, with the C library that is there."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "build").mkdir(parents=True)
    (folder / "build/newlib").symlink_to(ROOT / "build/newlib")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, folder / name)
    version, epoch = (ROOT / "build/generated/release.facts").read_text().split()
    outside = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "image", "JOBS=1", f"VERSION={version}"], cwd=folder, capture_output=True,
        text=True, stdin=subprocess.DEVNULL, env={**outside, "SOURCE_DATE_EPOCH": epoch},
    )
    if done.returncode:
        return Result("image twin", "FAIL", done.stderr.splitlines())
    ours, theirs = ((root / "build/release/SHA256SUMS").read_text() for root in (ROOT, folder))
    wrong = [*ours.splitlines(), "is, built in another folder,", *theirs.splitlines()]
    return Result("image twin", "ok" if ours == theirs else "FAIL", wrong)
