#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Unpacks newer QEMUs from Debian's own packages under build/qemu/<version>/, and the UEFI firmware
of Debian's releases under build/firmware/<release>/, installing nothing.

apt resolves and fetches each one with a state, cache and source list of its own and an empty
package database, so the C library comes along and the result runs on any Debian. The mirror and
the keyring are the system's. Each folder gets a launcher, qemu-system-x86_64.
"""
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = ["qemu-system-x86", "ovmf"]
# What to look in, and the suite to prefer there.
SOURCES: dict[str, tuple[str, ...]] = {
    "bookworm-backports": ("bookworm", "bookworm-backports"),
    "sid": ("sid",),
}
# Releases and their firmware's suites.
FIRMWARE = {"12": "bookworm", "13": "trixie"}
UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/icons")

LAUNCHER = """#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
lib=$here/usr/lib/x86_64-linux-gnu
QEMU_MODULE_DIR=$lib/qemu exec "$here/{loader}" --library-path \\
    "$here/lib/x86_64-linux-gnu:$lib:$here/lib:$here/usr/lib{extra}" \\
    "$here/usr/bin/qemu-system-x86_64" -L "$here/usr/share/qemu" -L "$here/usr/share/seabios" "$@"
"""


class UnpackError(Exception):
    """One sentence for the user."""


def system_mirror() -> str:
    """The mirror that this Debian itself uses for its own release."""
    release = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text().splitlines()
        if "=" in line
    )
    codename = release.get("VERSION_CODENAME", "").strip('"')
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
         "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    ).stdout
    for line in targets.splitlines():
        uri, _, rest = line.partition(" ")
        if rest == f"{codename} main":
            return uri
    raise UnpackError(f"apt's sources name no mirror for Debian {codename} main.")


class Apt:
    """apt-get on a private folder."""

    def __init__(self, folder: Path, mirror: str, suites: tuple[str, ...]) -> None:
        for part in ("lists/partial", "archives/partial", "state"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").write_text("")
        (folder / "sources.list").write_text(
            "".join(f"deb [arch=amd64 signed-by={KEYRING}] {mirror} {s} main\n" for s in suites)
        )
        self.archives = folder / "archives"
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::State::lists": folder / "lists",
            "Dir::State::extended_states": folder / "state" / "extended",
            "Dir::Cache": folder,
            "Dir::Cache::archives": self.archives,
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferencesparts": "-",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Default-Release": suites[-1],
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Update::Post-Invoke": "",
        }
        self.options = [word for k, v in settings.items() for word in ("-o", f"{k}={v}")]

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            ["apt-get", "-q", *self.options, *arguments], capture_output=True, text=True
        )
        if done.returncode:
            raise UnpackError(f"apt-get {arguments[0]} failed:\n{done.stderr.strip()}")


def unpack(archives: Path, target: Path) -> None:
    for package in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(target)], check=True)
    for unused in UNUSED:
        shutil.rmtree(target / unused, ignore_errors=True)


def find_loader(target: Path) -> Path:
    for place in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"):
        if (target / place / "ld-linux-x86-64.so.2").exists():
            return Path(place) / "ld-linux-x86-64.so.2"
    raise UnpackError("The packages brought no dynamic loader.")


def write_launcher(target: Path) -> Path:
    library = target / "usr/lib/x86_64-linux-gnu"
    private = sorted(
        d.name for d in library.iterdir() if d.name != "qemu" and any(d.glob("lib*.so*"))
    )
    extra = "".join(f":$lib/{name}" for name in private)
    launcher = target / "qemu-system-x86_64"
    launcher.write_text(LAUNCHER.format(loader=find_loader(target), extra=extra))
    launcher.chmod(0o755)
    return launcher


def qemu_version(binary: Path) -> str:
    done = subprocess.run([str(binary), "--version"], capture_output=True, text=True)
    words = done.stdout.split()
    if done.returncode or "version" not in words:
        raise UnpackError(f"The unpacked QEMU does not start: {done.stderr.strip()}")
    return words[words.index("version") + 1]


def present(base: Path, suite: str) -> str | None:
    for stamp in base.glob("*/suite"):
        if stamp.read_text().strip() == suite:
            return stamp.parent.name
    return None


def fetch_firmware(base: Path, release: str, mirror: str) -> None:
    work = base / f".{release}"
    shutil.rmtree(work, ignore_errors=True)
    apt = Apt(work / "apt", mirror, (FIRMWARE[release],))
    apt.run("update")
    apt.run("install", "--download-only", "--yes", "ovmf")
    unpack(apt.archives, work / "tree")
    shutil.rmtree(base / release, ignore_errors=True)
    os.rename(work / "tree/usr/share", base / release)
    shutil.rmtree(work)


def fetch(base: Path, suite: str, mirror: str) -> str:
    work = base / f".{suite}"
    shutil.rmtree(work, ignore_errors=True)
    apt = Apt(work / "apt", mirror, SOURCES[suite])
    apt.run("update")
    apt.run("install", "--download-only", "--yes", *PACKAGES)
    tree = work / "tree"
    tree.mkdir()
    unpack(apt.archives, tree)
    version = qemu_version(write_launcher(tree))
    (tree / "suite").write_text(suite + "\n")
    shutil.rmtree(base / version, ignore_errors=True)
    os.rename(tree, base / version)
    shutil.rmtree(work)
    return version


def main() -> int:
    parser = argparse.ArgumentParser(description="Unpack newer QEMUs and firmware under build/.")
    parser.add_argument("suites", nargs="*", default=[], help=f"of: {', '.join(SOURCES)}")
    parser.add_argument("--refresh", action="store_true", help="fetch again what is there")
    arguments = parser.parse_args()
    unknown = [suite for suite in arguments.suites if suite not in SOURCES]
    if unknown:
        parser.error(f"unknown suite {unknown[0]}: choose of {', '.join(SOURCES)}")
    base = ROOT / "build" / "qemu"
    base.mkdir(parents=True, exist_ok=True)
    try:
        mirror = system_mirror()
        firmware = ROOT / "build" / "firmware"
        for release in FIRMWARE:
            there = (firmware / release).is_dir() and not arguments.refresh
            if not there:
                fetch_firmware(firmware, release, mirror)
            print(f"ovmf of Debian {release}: {'is there' if there else 'unpacked'}", flush=True)
        for suite in arguments.suites or SOURCES:
            version = None if arguments.refresh else present(base, suite)
            verb = "is there" if version else "unpacked"
            print(f"QEMU {version or fetch(base, suite, mirror)} from {suite}: {verb}", flush=True)
    except (UnpackError, subprocess.CalledProcessError, OSError) as error:
        print(f"unpack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
