# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Boots as a person does: the image on a medium, made by boot/mkimage, started by firmware."""
from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
from pathlib import Path

from emulator import ROOT, SetupError, firmware_in
from machine import SECTOR, Machine, blockdev, file_node
from release import ESP_SECTORS, gpt_partition

MEDIA = ("usb", "nvme", "ahci", "cd")
RELEASES = ("12", "13")  # of Debian, whose firmware is tried
# Debian's ovmf brings variables with a certificate of its own, and the key to that.
PASSPHRASE = "snakeoil"
SECURE_VARIABLES = "OVMF/OVMF_VARS_4M.snakeoil.fd"
SECURE_KEY, SECURE_CERTIFICATE = "ovmf/PkKek-1-snakeoil.key", "ovmf/PkKek-1-snakeoil.pem"
# What starts only what is signed; the newer also gives no page both writing and executing.
SECURE_CODE = {"12": "OVMF/OVMF_CODE_4M.secboot.fd", "13": "OVMF/OVMF_CODE_4M.secboot.strictnx.fd"}


class Skipped(Exception):
    """Why a case cannot be tried here."""


def run(*command: str, **environment: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "SIGN_KEY": "", "SIGN_CERT": "", **environment})
    if done.returncode:
        raise SetupError(f"{command[0]} failed: {done.stderr.strip()}")


def make_image(machine: Machine, folder: Path, **environment: str) -> Path:
    """The ISO of the machine's image, with the machine's options instead of the delivered ones."""
    assert machine.image is not None
    options = folder / "options.conf"
    options.write_text(machine.configuration())
    run(str(ROOT / "boot/mkimage"), str(machine.image), str(options), "check", str(folder),
        **environment)
    machine.image = None
    return folder / "bulkhead.iso"


def insert(machine: Machine, medium: str, iso: Path, writable: bool = False) -> Machine:
    """NVMe: as the disk that the image reads to its end."""
    drive = "drive=medium,bootindex=0"
    node = blockdev("medium", file_node(iso), read_only=medium != "ahci" and not writable)
    match medium:
        case "usb":
            device = f"usb-storage,id=medium,bus=usb.0,removable=on,{drive}"
            machine.extra = [*node, "-device", "qemu-xhci,id=usb", "-device", device]
        case "nvme":
            machine.disk = iso
            machine.nvme = [*machine.nvme[:-1], f"{machine.nvme[-1]},bootindex=0"]
        case "ahci":
            machine.extra = [*node, "-device", f"ide-hd,{drive}"]
        case "cd":
            machine.extra = [*node, "-device", f"ide-cd,{drive}"]
    return machine


def file_beside(iso: Path, name: str, content: bytes) -> None:
    """One more file on the medium, in the image's folder."""
    at = f"{iso}@@{gpt_partition(iso.read_bytes())[0] * SECTOR}"
    done = subprocess.run(["mcopy", "-i", at, "-", f"::EFI/BOOT/{name}"], input=content,
                          capture_output=True)
    if done.returncode:
        raise SetupError(f"mcopy failed: {done.stderr.decode().strip()}")


def fill(iso: Path) -> None:
    """Of a file that is too long mcopy writes what there is room for."""
    with contextlib.suppress(SetupError):
        file_beside(iso, "filling", bytes(ESP_SECTORS * SECTOR))


def with_firmware(machine: Machine, release: str) -> Machine:
    code, variables = firmware_in(firmware_folder(release) / "OVMF")
    machine.emulator = dataclasses.replace(machine.emulator, code=code, variables=variables)
    return machine


def boot_from(machine: Machine, medium: str, release: str, folder: Path) -> Machine:
    with_firmware(machine, release)
    return insert(machine, medium, make_image(machine, folder))


def firmware_folder(release: str) -> Path:
    """What unpack.py left, or the system's own: with OVMF and ovmf in it."""
    folder = ROOT / "build/firmware" / release
    if folder.is_dir():
        return folder
    if f'VERSION_ID="{release}"' in Path("/etc/os-release").read_text().splitlines():
        return Path("/usr/share")
    raise Skipped(f"Debian {release}'s ovmf is missing: make qemus unpacks it")


def boot_securely(machine: Machine, signed: bool, release: str, folder: Path) -> Machine:
    """From CD, on firmware that starts only what is signed with its test key."""
    names = (SECURE_CODE[release], SECURE_VARIABLES, SECURE_KEY, SECURE_CERTIFICATE)
    paths = [firmware_folder(release) / name for name in names]
    for path in paths:
        if not path.is_file():
            raise Skipped(f"{path} is missing")
    code, variables, key, certificate = paths
    signature = {}
    if signed:
        plain = folder / "key.pem"
        run("openssl", "rsa", "-in", str(key), "-passin", f"pass:{PASSPHRASE}", "-out", str(plain))
        signature = {"SIGN_KEY": str(plain), "SIGN_CERT": str(certificate)}
    machine.emulator = dataclasses.replace(machine.emulator, code=code, variables=variables)
    machine.kind = "q35,smm=on"
    insert(machine, "cd", make_image(machine, folder, **signature))
    machine.extra += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    return machine
