#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""boot/flash on listings of lsblk, and on plain files: every way it ends, and that no other file is
touched. No real disk is opened."""
from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib.machinery
import importlib.util
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parents[1] / "boot/flash"
# virtual.json is what lsblk 2.38.1 wrote on a virtual machine; the others are composed like it.
LISTINGS = {p.stem: json.loads(p.read_text()) for p in HERE.glob("*.json")}


def load() -> Any:
    loader = importlib.machinery.SourceFileLoader("flash", str(PROGRAM))
    spec = importlib.util.spec_from_loader("flash", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["flash"] = module
    loader.exec_module(module)
    return module


flash = load()

IMAGE = bytes(512) + b"EFI PART" + bytes(range(256)) * 8000 + bytes(504)
STICK_BYTES = len(IMAGE) + 12345 * 512
SERIAL = "E0D55EA573DCF450E9A2005A"
# Of each disk: what it is refused for.
REFUSED = {
    "laptop": {
        "/dev/sda": "", "/dev/sdb": "mounted", "/dev/sdc": "fixed too-large",
        "/dev/sdd": "too-small", "/dev/sde": "read-only", "/dev/sdf": "too-small",
        "/dev/sdg": "in-use", "/dev/mmcblk0": "fixed not-usb",
        "/dev/nvme0n1": "system mounted in-use fixed not-usb too-large",
        "/dev/sda1": "not-a-disk", "/dev/sdb1": "not-a-disk mounted",
        "/dev/loop0": "not-a-disk mounted fixed not-usb read-only",
        "/dev/sr0": "not-a-disk not-usb",
        "/dev/mapper/vg-root": "not-a-disk system mounted fixed not-usb too-large",
        "/dev/mapper/vg-swap": "not-a-disk in-use fixed not-usb",
    },
    "server": {
        "/dev/sda": "system mounted in-use fixed not-usb too-large",
        "/dev/sdb": "system mounted in-use fixed not-usb too-large",
        "/dev/sdc": "in-use fixed not-usb too-large", "/dev/sdd": "not-usb",
        "/dev/sde": "system mounted in-use", "/dev/sdf": "too-large", "/dev/sdg": "in-use",
        "/dev/md0": "not-a-disk system mounted fixed not-usb too-large",
    },
    "strings": {"/dev/sda": "system mounted fixed not-usb", "/dev/sdb": "",
                "/dev/sdc": "read-only"},
    "virtual": {"/dev/zram0": "fixed not-usb too-small",
                "/dev/vda": "system mounted fixed not-usb"},
}


class Vanishing(flash.Medium):  # type: ignore[misc,name-defined]
    """Unplugged before the second write."""

    def write(self, offset: int, data: bytes) -> None:
        if offset:
            os.unlink(self.disk.path)
            raise OSError(errno.EIO, "Input/output error")
        super().write(offset, data)


class Ending(flash.Medium):  # type: ignore[misc,name-defined]
    """Smaller than it says."""

    def write(self, offset: int, data: bytes) -> None:
        if offset:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(offset, data)


class Forgetting(flash.Medium):  # type: ignore[misc,name-defined]
    """Takes what is written, and keeps another byte."""

    def uncached(self) -> None:
        os.pwrite(self.file, b"\x55", len(IMAGE) - 1)
        super().uncached()


class Unreadable(flash.Medium):  # type: ignore[misc,name-defined]
    def read(self, offset: int, length: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


class Flash(unittest.TestCase):
    """A folder with an image, a stick and another disk, and a listing of both."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.image = self.folder / "image.iso"
        self.image.write_bytes(IMAGE)
        self.stick = self.folder / "stick"
        self.stick.write_bytes(b"\xaa" * STICK_BYTES)
        self.other = self.folder / "other"
        self.other.write_bytes(b"\xbb" * STICK_BYTES)
        nodes = [self.node(self.stick, SERIAL), self.node(self.other, "X1")]
        self.listing = {"blockdevices": nodes}
        self.listed = self.folder / "listing.json"
        self.medium = flash.Medium
        self.ask: Callable[[str], str] | None = None
        self.out = self.err = ""

    def node(self, path: Path, serial: str | None) -> dict[str, Any]:
        node = dict(LISTINGS["laptop"]["blockdevices"][1])
        return {**node, "path": str(path), "size": STICK_BYTES, "serial": serial}

    def change(self, **fields: Any) -> None:
        self.listing["blockdevices"][0].update(fields)

    def flash(self, command: str, *words: str, listing: Callable[[], Any] | None = None) -> str:
        """The name of the code that it ends with."""
        self.listed.write_text(json.dumps(self.listing))
        line = [command, "--image", str(self.image), "--test-listing", str(self.listed), *words]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            arguments = flash.parser().parse_args(line)
            read = listing or (lambda: flash.read_listing(self.listed))
            status = flash.run(flash.Run(arguments, read, self.medium, self.ask))
        self.out, self.err = out.getvalue(), err.getvalue()
        names = [code.name for code in flash.CODES.values() if code.number == status]
        self.assertEqual(len(names), 1)
        return names[0]

    def write(self, *words: str, **more: Any) -> str:
        return self.flash("write", str(self.stick), "--serial", "005A", *words, **more)

    def assert_untouched(self, *paths: Path) -> None:
        for path in paths or (self.stick, self.other):
            byte = b"\xbb" if path == self.other else b"\xaa"
            self.assertEqual(path.read_bytes(), byte * STICK_BYTES)


class Endings(Flash):
    """Each code, by what leads to it."""

    def test_done(self) -> None:
        self.assertEqual(self.write(), "done")
        self.assertEqual(self.stick.read_bytes(), IMAGE + b"\xaa" * (STICK_BYTES - len(IMAGE)))
        self.assert_untouched(self.other)
        self.assertIn("safe to remove", self.out)

    def test_fault(self) -> None:
        done = subprocess.run([sys.executable, "-c", "raise RuntimeError"], capture_output=True)
        self.assertEqual(done.returncode, flash.CODES["fault"].number)

    def test_usage(self) -> None:
        for words in (["write"], ["erase", "x"], [], ["write", "x", "--force", "too-small"],
                      ["write", "x", "--force", "mounted,system"],
                      ["verify", "x", "--force", "fixed"]):
            with self.assertRaises(SystemExit) as end, contextlib.redirect_stderr(io.StringIO()):
                flash.main(words)
            self.assertEqual(end.exception.code, flash.CODES["usage"].number)

    def test_no_image(self) -> None:
        for data in (b"", IMAGE[:-1], bytes(4096)):
            self.image.write_bytes(data)
            self.assertEqual(self.write(), "no-image")
        self.image.unlink()
        self.assertEqual(self.write(), "no-image")
        self.assertEqual(self.flash("verify", str(self.stick)), "no-image")
        self.assert_untouched()

    def test_no_device(self) -> None:
        self.assertEqual(self.flash("write", "/dev/absent", "--serial", "005A"), "no-device")
        self.change(path="/dev/null", size=STICK_BYTES)
        self.assertEqual(self.flash("write", "/dev/null", "--serial", "005A"), "no-device")
        self.change(path=str(self.folder / "gone"))
        self.assertEqual(self.flash("write", str(self.folder / "gone"), "--serial", "005A"),
                         "no-device")

    def test_a_file_is_no_device_outside_tests(self) -> None:
        with self.assertRaises(flash.Stop) as end:
            flash.Medium(flash.disks_of(self.listing)[0], True)
        self.assertEqual(end.exception.code.name, "no-device")
        self.assert_untouched()

    def test_no_listing(self) -> None:
        for listing in ({}, [], {"blockdevices": [{"path": "/dev/sda"}]}, {"blockdevices": None},
                        {"blockdevices": [{**self.node(self.stick, "1"), "size": "many"}]}):
            self.assertEqual(self.write(listing=lambda: listing), "no-listing")
        (self.folder / "text").write_text("lsblk: failed")
        read = flash.read_listing
        self.assertEqual(self.write(listing=lambda: read(self.folder / "text")), "no-listing")
        self.assert_untouched()

    def test_each_refusal_is_overruled_by_its_name_alone(self) -> None:
        broken: dict[str, dict[str, Any]] = {
            "not-a-disk": {"type": "part"}, "fixed": {"rm": False}, "not-usb": {"tran": "sata"},
            "mounted": {"mountpoints": ["/media/x"]}, "in-use": {"mountpoints": ["[SWAP]"]},
            "too-large": {"size": (256 << 30) + 512},
        }
        for name, fields in broken.items():
            with self.subTest(name):
                self.setUp()
                self.change(**fields)
                self.assertEqual(self.write(), name)
                self.assertIn(f"--force {name} overrules", self.out)
                others = [w for n in broken if n != name for w in ("--force", n)]
                self.assertEqual(self.write(*others), name)
                self.assert_untouched()
                self.assertEqual(self.write("--force", name, "--dry-run"), "done")

    def test_members_of_a_set_are_in_use(self) -> None:
        for member in ("LVM2_member", "linux_raid_member", "zfs_member", "ddf_raid_member",
                       "isw_raid_member", "promise_fasttrack_raid_member", "bcache", "VMFS",
                       "VMFS_volume_member"):
            with self.subTest(member):
                self.change(fstype=member)
                self.assertEqual(self.write(), "in-use")
                self.assert_untouched()
        for plain in ("vfat", None):
            self.change(fstype=plain)
            self.assertEqual(self.write("--dry-run"), "done")

    def test_system(self) -> None:
        for mount in ("/", "/boot", "/boot/efi", "/usr"):
            self.change(mountpoints=[mount])
            self.assertEqual(self.write(), "system")
            self.assertEqual(self.write("--force", "system"), "mounted")
            self.assertEqual(self.write("--force", "mounted"), "system")
            both = ("--force", "system", "--force", "mounted", "--dry-run")
            self.assertEqual(self.write(*both), "done")
        self.assert_untouched()

    def test_too_small(self) -> None:
        for size in (0, len(IMAGE) - 512):
            self.change(size=size)
            self.assertEqual(self.write(), "too-small")
            self.assertEqual(self.flash("verify", str(self.stick)), "too-small")
        self.assert_untouched()

    def test_too_small_in_spite_of_its_word(self) -> None:
        self.medium = Ending
        self.assertEqual(self.write(), "too-small")

    def test_read_only(self) -> None:
        self.change(ro=True)
        self.assertEqual(self.write(), "read-only")
        self.assert_untouched()

    def test_unconfirmed(self) -> None:
        for given in ("", "005", "E0D5", "stick"):
            self.assertEqual(self.flash("write", str(self.stick), "--serial", given), "unconfirmed")
            self.ask = lambda _question, answer=given: answer  # type: ignore[misc]
            self.assertEqual(self.flash("write", str(self.stick)), "unconfirmed")
        self.ask = None
        self.assertEqual(self.flash("write", str(self.stick)), "unconfirmed")
        self.change(serial=None)
        self.assertEqual(self.flash("write", str(self.stick), "--serial", ""), "unconfirmed")
        self.assert_untouched()

    def test_busy(self) -> None:
        with self.stick.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assertEqual(self.write(), "busy")
        self.assert_untouched()

    def test_busy_by_the_word_of_the_kernel(self) -> None:
        disk = flash.disks_of(self.listing)[0]
        with mock.patch.object(flash.os, "open", side_effect=OSError(errno.EBUSY, "")) as opened:
            with self.assertRaises(flash.Stop):
                flash.Medium(disk, True)
            self.assertTrue(opened.call_args.args[1] & os.O_EXCL)
        for number, name in ((errno.EBUSY, "busy"), (errno.EROFS, "read-only"),
                             (errno.ENOMEDIUM, "no-device"), (errno.EIO, "no-device")):
            with self.assertRaises(flash.Stop) as end:
                flash.refuse_open(disk, OSError(number, os.strerror(number)))
            self.assertEqual(end.exception.code.name, name)

    def test_permission(self) -> None:
        disk = flash.disks_of(self.listing)[0]
        self.stick.chmod(0)
        with without_root(), self.assertRaises(flash.Stop) as end:
            flash.Medium(disk, True, plain=True)
        self.assertEqual(end.exception.code.name, "permission")
        self.stick.chmod(0o600)
        self.assert_untouched()

    def test_changed(self) -> None:
        self.change(size=STICK_BYTES - 512)
        self.assertEqual(self.write(), "changed")
        self.change(size=STICK_BYTES)
        for change in ({"serial": "ANOTHER"}, {"mountpoints": ["/media/x"]}, {"maj:min": "8:99"}):
            later = {"blockdevices": [{**self.node(self.stick, SERIAL), **change}]}
            calls = iter((self.listing, later))
            self.assertEqual(self.write(listing=lambda: next(calls)), "changed")
        self.assert_untouched()

    def test_vanished(self) -> None:
        self.medium = Vanishing
        self.assertEqual(self.write(), "vanished")
        self.assertIn(f"after {flash.CHUNK} of {len(IMAGE)} bytes", self.err)
        self.assert_untouched(self.other)

    def test_vanished_by_the_word_of_the_kernel(self) -> None:
        medium = flash.Medium(flash.disks_of(self.listing)[0], False, plain=True)
        self.addCleanup(medium.close)
        for number in (errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM):
            with self.assertRaises(flash.Stop) as end:
                flash.fail(medium, OSError(number, os.strerror(number)), "read-failed", "")
            self.assertEqual(end.exception.code.name, "vanished")

    def test_write_failed(self) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (flash.CHUNK, limits[1]))
        try:
            self.assertEqual(self.write(), "write-failed")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertIn(f"after {flash.CHUNK} of", self.err)

    def test_different(self) -> None:
        self.medium = Forgetting
        self.assertEqual(self.write(), "different")
        self.assertIn(f"at byte {len(IMAGE) - 1}.", self.err)
        self.medium = flash.Medium
        self.assertEqual(self.flash("verify", str(self.other)), "different")
        self.assertIn("at byte 0.", self.err)
        self.assert_untouched(self.other)

    def test_read_failed(self) -> None:
        self.medium = Unreadable
        self.assertEqual(self.write(), "read-failed")
        self.assertEqual(self.flash("verify", str(self.other)), "read-failed")

    def test_interrupted(self) -> None:
        def ask(_question: str) -> str:
            raise KeyboardInterrupt

        self.ask = ask
        self.assertEqual(self.flash("write", str(self.stick)), "interrupted")
        self.assertIn("untouched", self.err)
        self.assert_untouched()

    def test_each_code_is_reached(self) -> None:
        tested = " ".join(name.replace("_", "-") for name in dir(self) if name.startswith("test_"))
        forced = {"not-a-disk", "mounted", "in-use", "fixed", "not-usb", "too-large"}
        for name in set(flash.CODES) - forced:
            self.assertIn(f"test-{name}", tested)
        numbers = [code.number for code in flash.CODES.values()]
        self.assertEqual(len(set(numbers)), len(numbers))


@contextlib.contextmanager
def without_root() -> Iterator[None]:
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


class Listed(unittest.TestCase):
    def test_refusals(self) -> None:
        for name, expected in REFUSED.items():
            disks = {disk.path: disk for disk in flash.disks_of(LISTINGS[name])}
            for path, refused in expected.items():
                with self.subTest(f"{name} {path}"):
                    found = flash.refusals(disks[path], 9_000_000)
                    self.assertEqual(list(found), refused.split())
            whole = {path for path, disk in disks.items() if disk.kind == "disk"}
            self.assertLessEqual(whole, set(expected))

    def test_parts_have_the_names_of_their_disk(self) -> None:
        disks = {disk.path: disk for disk in flash.disks_of(LISTINGS["laptop"])}
        self.assertEqual(disks["/dev/sda1"].title,
                         "Kingston DataTraveler 3.0, serial E0D55EA573DCF450E9A2005A, 15.5 GB")

    def test_what_lsblk_says_here_is_understood(self) -> None:
        flash.disks_of(flash.run_lsblk())


class Talk(Flash):
    def test_confirmations(self) -> None:
        for given in ("005A", "005a", SERIAL, f" {SERIAL} "):
            self.assertEqual(self.flash("write", str(self.stick), "--serial", given), "done")
        asked: list[str] = []

        def ask(question: str) -> str:
            asked.append(question)
            return "005A"

        self.ask = ask
        self.assertEqual(self.flash("write", str(self.stick)), "done")
        self.assertIn("the last 4 characters of its serial number", asked[0])
        self.assertNotIn("005A", asked[0])
        self.change(serial=None)
        self.assertEqual(self.flash("write", str(self.stick), "--serial", "stick"), "done")

    def test_dry_run_shows_all_and_writes_nothing(self) -> None:
        self.assertEqual(self.write("--dry-run"), "done")
        self.assert_untouched()
        for part in ("Kingston", "DataTraveler 3.0", SERIAL, "8.4 MB",
                     f"dd if={self.image} of={self.stick} bs=1M"):
            self.assertIn(part, self.out)

    def test_all_refusals_are_shown_at_once(self) -> None:
        self.change(rm=False, tran="sata", size=300 << 30)
        self.assertEqual(self.write("--force", "fixed"), "not-usb")
        for line in ("forced  fixed", "refused not-usb", "refused too-large"):
            self.assertIn(line, self.out)

    def test_links_are_followed(self) -> None:
        link = self.folder / "by-id"
        link.symlink_to(self.stick)
        self.assertEqual(self.flash("write", str(link), "--serial", "005A"), "done")

    def test_verify_changes_nothing(self) -> None:
        self.stick.write_bytes(IMAGE + b"\xaa" * (STICK_BYTES - len(IMAGE)))
        self.stick.chmod(0o400)
        before = self.stick.stat().st_mtime_ns
        with mock.patch.object(flash.os, "open", wraps=os.open) as opened:
            self.assertEqual(self.flash("verify", str(self.stick)), "done")
        flags = [call.args[1] for call in opened.call_args_list if call.args[0] == str(self.stick)]
        self.assertEqual([flag & os.O_ACCMODE for flag in flags], [os.O_RDONLY])
        self.assertEqual(self.stick.stat().st_mtime_ns, before)

    def test_json(self) -> None:
        self.assertEqual(self.write("--json"), "done")
        told = json.loads(self.out)
        self.assertEqual((told["result"], told["code"]), ("done", 0))
        self.assertEqual((told["device"]["serial"], told["image"]["bytes"]), (SERIAL, len(IMAGE)))
        self.change(rm=False)
        self.assertEqual(self.write("--json"), "fixed")
        told = json.loads(self.out)
        self.assertEqual((told["code"], list(told["refusals"])), (14, ["fixed"]))
        self.assertEqual(self.flash("list", "--json"), "done")
        told = json.loads(self.out)
        self.assertEqual([list(d["refusals"]) for d in told["disks"]], [["fixed"], []])

    def test_list(self) -> None:
        self.change(mountpoints=["/"])
        self.assertEqual(self.flash("list"), "done")
        first, second, last = self.out.splitlines()
        self.assertIn("refused: system, mounted", first)
        self.assertIn("can be written", second)
        self.assertEqual(last, "2 disks.")

    def test_list_without_an_image(self) -> None:
        self.image.unlink()
        self.change(size=0)
        self.assertEqual(self.flash("list"), "done")
        first, second, _ = self.out.splitlines()
        self.assertIn("refused: too-small", first)
        self.assertIn("can be written", second)
        self.assertEqual(self.flash("list", "--json"), "done")
        refused = json.loads(self.out)["disks"][0]["refusals"]
        self.assertEqual(refused, {"too-small": f"{self.stick} has 0 bytes."})

    def test_bar(self) -> None:
        self.assertEqual(flash.bar("writing", 0, 9), f"writing [{'.' * 40}]   0 %")
        self.assertEqual(flash.bar("writing", 9, 18), f"writing [{'#' * 20}{'.' * 20}]  50 %")
        self.assertEqual(flash.bar("reading", 9, 9), f"reading [{'#' * 40}] 100 %")

    def test_help_has_every_code(self) -> None:
        text = flash.parser().format_help()
        for code in flash.CODES.values():
            self.assertIn(f"{code.number:3}  {code.name:12}  {code.sentence}", text)

    def test_as_a_program(self) -> None:
        self.listed.write_text(json.dumps(self.listing))
        command = [str(PROGRAM), "write", str(self.stick), "--image", str(self.image),
                   "--test-listing", str(self.listed)]
        refused = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(refused.returncode, flash.CODES["unconfirmed"].number)
        self.assertEqual(len(refused.stderr.splitlines()), 1)
        self.assert_untouched()
        done = subprocess.run([*command, "--serial", SERIAL], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.stick.read_bytes()[: len(IMAGE)], IMAGE)


if __name__ == "__main__":
    unittest.main()
