# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The machine that the image is tried on: from a few choices to QEMU's command line."""
from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator import Emulator, SetupError

SECTOR = 512
DEFAULT_DISK_BYTES = 64 << 20
VARIABLES = "firmware-variables.fd"  # the private copy of a run

# Clients of the unit, at fixed places: on the root bus, behind a root port, and behind a bridge
# whose devices share one requester ID.
EDU_ROOT_BUS = ["-device", "edu,addr=05.0"]
EDU_BRIDGED = [
    *("-device", "pcie-root-port,id=rootport,chassis=1,slot=1,addr=06.0"),
    *("-device", "edu,bus=rootport"),
    *("-device", "pcie-pci-bridge,id=pcibridge,addr=07.0"),
    *("-device", "edu,bus=pcibridge,addr=01.0"),
]

# For models that know of a bus only the number that it has before firmware: one whose requests are
# its bridge's own, and one on a root bus that has its number from the beginning.
EDU_EXPANDED = [
    *("-device", "pci-bridge,id=pcibridge,chassis_nr=1,bus=pcie.0,addr=10.0"),
    *("-device", "edu,bus=pcibridge,addr=01.0"),
    *("-device", "pxb-pcie,id=expander,bus_nr=64,bus=pcie.0,addr=11.0"),
    *("-device", "pci-bridge,id=farbridge,chassis_nr=2,bus=expander,addr=00.0"),
    *("-device", "edu,bus=farbridge,addr=01.0"),
]

# A client of the unit on the root bus, with a codec and no host sound.
HDA = [
    *("-audiodev", "none,id=sound"),
    *("-device", "intel-hda,addr=08.0"),
    *("-device", "hda-duplex,audiodev=sound"),
]

AMD_TRANSLATES = {"dma-remap": "on", "pt": "off"}

Node = dict[str, Any]


@dataclass
class Machine:
    emulator: Emulator
    image: Path | None  # the .efi, started from a folder shown as a FAT disk
    iommu: str = "intel"
    iommu_options: str = ""
    disk: Path | None = None
    disk_node: Node | None = None  # instead of `disk`: a block node of any kind
    nvme: list[str] = field(default_factory=lambda: ["-device", "nvme,serial=bulkhead,addr=04.0"])
    kind: str = "q35"
    serial: tuple[str, ...] = ("console",)  # COM1 onwards: "console", or as QEMU has it
    options: dict[str, str] = field(default_factory=dict)  # for bulkhead.conf
    extra: list[str] = field(default_factory=list)
    trace: tuple[str, ...] = ()
    bridges: bool = True
    edu: bool = True
    hda: bool = True
    noise: bytes = b""  # comes in on the console's line while the image runs
    cut_after: int = 0  # lines from the machine, then its power goes
    held: list[int] = field(default_factory=list)  # open files, until the run has ended
    screen: bool = False  # the run ends when its screen shows the end of the report

    def command(self, folder: Path, monitor: int) -> list[str]:
        """QEMU's command line. `folder` takes private copies; `monitor` is an open socket."""
        expanded = self.iommu == "amd" and not self.emulator.offers("amd-iommu", "dma-remap")
        parts = [
            [str(self.emulator.binary), "-M", self.kind, "-m", "512M", "-accel", "tcg"],
            ["-no-user-config", "-nodefaults", "-display", "none", "-no-reboot"],
            self._firmware(folder),
            ["-chardev", "stdio,id=console,signal=off"],
            ["-chardev", f"socket,id=monitor,fd={monitor}", "-qmp", "chardev:monitor"],
            *(["-serial", "chardev:console" if s == "console" else s] for s in self.serial),
            self._iommu(),
            self._disk(),
            EDU_ROOT_BUS if self.edu else [],
            EDU_BRIDGED if self.edu and self.bridges and not expanded else [],
            HDA if self.hda else [],
            self._system_partition(folder),
            [word for event in self.trace for word in ("-trace", event)],
            self.extra,
            # Last: what names no bus goes to the newest root bus.
            EDU_EXPANDED if self.edu and self.bridges and expanded else [],
        ]
        return [word for part in parts for word in part]

    def _firmware(self, folder: Path) -> list[str]:
        variables = folder / VARIABLES
        shutil.copyfile(self.emulator.variables, variables)
        return [
            *blockdev("code", file_node(self.emulator.code), read_only=True),
            *blockdev("variables", file_node(variables)),
            *("-machine", "pflash0=code,pflash1=variables"),
        ]

    def _iommu(self) -> list[str]:
        if self.iommu == "none":
            return []
        if self.iommu not in ("intel", "amd"):
            raise SetupError(f"IOMMU={self.iommu} is none of intel, amd, none.")
        device = f"{self.iommu}-iommu"
        options = [device]
        if self.iommu == "amd":
            # Some AMD models translate nothing unless told to.
            options += [f"{name}={value}" for name, value in AMD_TRANSLATES.items()
                        if self.emulator.offers(device, name)]
        return ["-device", ",".join([*options, *filter(None, [self.iommu_options])])]

    def _disk(self) -> list[str]:
        node = self.disk_node or (disk_node(self.disk) if self.disk else None)
        if node is None or not self.nvme:
            return self.nvme
        *head, device = self.nvme
        return [*blockdev("disk", node, read_only=True), *head, f"{device},drive=disk"]

    def configuration(self) -> str:
        """The options file beside the image; an empty value leaves its option out."""
        options = {"mode": "takeover", "shell": "off", **self.options}  # it ends with its report
        return "".join(f"{name}={value}\n" for name, value in options.items() if value)

    def _system_partition(self, folder: Path) -> list[str]:
        if self.image is None:
            return []
        tree = folder / "esp"
        shutil.rmtree(tree, ignore_errors=True)
        (tree / "EFI/BOOT").mkdir(parents=True)
        shutil.copyfile(self.image, tree / "EFI/BOOT/BOOTX64.EFI")
        (tree / "EFI/BOOT/bulkhead.conf").write_text(self.configuration())
        node = {"driver": "vvfat", "dir": str(tree), "rw": True, "label": "BULKHEAD"}
        return [*blockdev("system", node), *("-device", "ide-hd,drive=system,bootindex=0")]


def blockdev(name: str, protocol: Node, read_only: bool = False) -> list[str]:
    """A raw block node; JSON, so that no file name can be taken for an option."""
    node = {"driver": "raw", "node-name": name, "read-only": read_only, "file": protocol}
    return ["-blockdev", json.dumps(node)]


def file_node(path: Path) -> Node:
    return {"driver": "file", "filename": str(path)}


def disk_node(path: Path) -> Node:
    """Nothing can be written through it, and whoever else has the file open is not disturbed."""
    driver = "host_device" if stat.S_ISBLK(path.stat().st_mode) else "file"
    return {"driver": driver, "filename": str(path.resolve()), "read-only": True, "locking": "off"}


def disk_bytes(path: Path) -> int:
    with path.open("rb") as disk:
        return disk.seek(0, os.SEEK_END)


def check_disk(path: Path) -> None:
    try:
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind)):
            raise SetupError(f"DISK={path} is neither a file nor a block device.")
        length = disk_bytes(path)
    except OSError as error:
        raise SetupError(f"DISK={path} cannot be read: {error.strerror}.") from error
    if length % SECTOR:
        raise SetupError(f"DISK={path} has {length} bytes: no multiple of {SECTOR}.")


def default_disk(path: Path, length: int = DEFAULT_DISK_BYTES) -> Path:
    """The same pseudo-random bytes every time, made once."""
    if not path.is_file() or path.stat().st_size != length:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        partial.write_bytes(hashlib.shake_256(b"bulkhead").digest(length))
        partial.rename(path)
    return path


def disk_sha256(path: Path) -> str:
    with path.open("rb") as disk:
        return hashlib.file_digest(disk, "sha256").hexdigest()
