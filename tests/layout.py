#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The rules of the house, checked: which room includes what, what drivers and interrupt code link
against, headers that stand alone, and the plain form of files. See README.md, layout."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterator

import rules

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    *("arch", "boot", "drivers", "include", "lib", "linker", "tests"),
    *("Makefile", "README.md", "LICENSE", "build"),
}
LINES_MAX = 800
LICENCE = "SPDX-License-Identifier: BSD-2-Clause-Patent"
SOURCES = {".c", ".h", ".S", ".py", ".sh", ".lds", ".mk"}
SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".mypy_cache"}

# Room -> the rooms that its files may include, beside themselves.
ROOMS: dict[str, set[str]] = {
    "include": set(),
    "lib": {"include"},
    "arch": {"include", "lib"},
    "drivers/acpi": {"arch", "lib"},
    "drivers/pci": {"arch", "lib"},
    "drivers/console": {"arch", "lib", "drivers/acpi", "drivers/pci"},
    "drivers/iommu/paging": {"arch", "lib"},
    "drivers/iommu/core": {"drivers/iommu/paging", "drivers/pci", "arch", "lib"},
    "drivers/iommu/wdm": {"drivers/iommu/core", "include"},
    "drivers/manager": {"drivers/iommu/core", "drivers/pci", "arch", "lib", "include"},
}
VENDOR_ROOM = {
    *("drivers/iommu/core", "drivers/iommu/paging", "drivers/acpi", "drivers/pci"),
    *("arch", "lib"),
}
ROOMS["drivers/iommu/vtd"] = ROOMS["drivers/iommu/amdvi"] = VENDOR_ROOM
DEVICE_ROOM = {"include"}  # any other drivers/<device>
FREE_ROOMS = {"boot", "tests"}

# Rooms without a vendor's word. In paging a file per entry format bears its vendor's name.
NEUTRAL_ROOMS = (
    *("drivers/iommu/core", "drivers/iommu/paging", "drivers/iommu/wdm"),
    "drivers/manager",
)
VENDOR_WORDS = {"intel", "vtd", "amd", "amdvi"}
FORMAT_FILE = re.compile(r"drivers/iommu/paging/(vtd|amd)")

DRIVER_LIBC = {
    *("memcmp", "memcpy", "memmove", "memset", "memchr"),
    *("strchr", "strcmp", "strlen", "strncmp", "strnlen", "strtol", "strtoul", "strtoull"),
    *("snprintf", "vsnprintf", "malloc", "calloc", "realloc", "free"),
}
DRIVER_INTERFACE = {"IoGetIommuInterface", "IoGetIommuInterfaceEx", "_GLOBAL_OFFSET_TABLE_"}
INTERRUPT_OBJECTS = ("trap_*.o",)

# Parts of another file: one side of the arch seam, and the algorithm that each format includes.
FRAGMENT = re.compile(
    r"(arch/x86_64|tests/model)/\w+_impl\.h|drivers/iommu/paging/(algorithm|find|reserve|walk)\.h"
)

# NTDDI_VERSION -> macros that the domain API then has, or has not.
GATES: dict[str, dict[str, bool]] = {
    gate: dict(zip(("DMA_IOMMU_INTERFACE_VERSION", "DMA_IOMMU_INTERFACE_EX_VERSION_2",
                    "DMA_IOMMU_INTERFACE_EX_VERSION_3"), there))
    for gate, there in (("0x0A000004", (False, False, False)),
                        ("NTDDI_WIN10_RS4", (True, False, False)),
                        ("NTDDI_WIN10_FE", (True, True, False)),
                        ("NTDDI_WIN10_NI", (True, True, True)))
}

CHOICES = "include/iommu_choices.h"  # a table with columns of its own

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# What a reflow leaves of a list: a status behind text, or a row that goes on at the margin.
RUN_ON_ROW = re.compile(r"^ \* .*\S STATUS_\w+ {2,}\S"
                        r"|^ \* {3}(STATUS_\w+|others| {16}) .*\n \* (?=\S)", re.MULTILINE)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class Layout:
    def __init__(self, root: Path = ROOT, build: Path | None = None) -> None:
        self.root = root
        self.build = build or root / "build"
        self.files = sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
            for name in names:
                yield (Path(folder) / name).relative_to(self.root).as_posix()

    def text(self, file: str) -> str:
        return (self.root / file).read_text(errors="replace")

    def c_files(self) -> list[str]:
        return [f for f in self.files if f.endswith((".c", ".h", ".S"))]

    def resolve(self, file: str, name: str) -> str | None:
        """The file of the tree that an include names; None for one from outside."""
        for folder in (Path(file).parent, Path("."), Path("include"), Path("arch/x86_64")):
            path = Path(os.path.normpath(folder / name))
            if (self.root / path).is_file():
                return path.as_posix()
        return None

    def includes(self, file: str) -> Iterator[tuple[str, str, str | None]]:
        """(quote, name, file of the tree) for each include."""
        for quote, name in INCLUDE.findall(COMMENT.sub(" ", self.text(file))):
            yield quote, name, self.resolve(file, name)

    def objects(self, folder: str, *patterns: str) -> list[Path]:
        return sorted(o for p in patterns for o in (self.build / "image" / folder).glob(p))

    # The checks. Each returns its findings, none when the rule holds.

    def rooms(self) -> list[str]:
        """Each room includes only the rooms that it may."""
        found = []
        for file in self.c_files():
            room = room_of(file)
            if room in FREE_ROOMS:
                continue
            allowed = {room} | ROOMS.get(room, DEVICE_ROOM)
            for quote, name, target in self.includes(file):
                if target is None:
                    if quote == '"' and not (self.build / "generated" / name).is_file():
                        found.append(f"{file}: {name} is not in the tree")
                elif room_of(target) not in allowed:
                    found.append(f"{file}: may not include {target}")
        return found

    def efi_types(self) -> list[str]:
        """Only boot/efi*.[ch] know EFI types, and they never see wdm.h."""
        users = [f for f in self.c_files() if any(n.startswith("efi") for _, n, t in
                                                  self.includes(f) if t is None)]
        found = [f"{f}: only boot/efi*.[ch] may know EFI types" for f in users
                 if not f.startswith("boot/efi")]
        found += [f"{f}: sees wdm.h beside EFI types" for f in users
                  if "include/wdm.h" in self._closure(f)]
        return found

    def _closure(self, file: str) -> set[str]:
        seen, open_files = {file}, [file]
        while open_files:
            for _, _, target in self.includes(open_files.pop()):
                if target is not None and target not in seen:
                    seen.add(target)
                    open_files.append(target)
        return seen

    def vendor_words(self) -> list[str]:
        """Common code names no vendor: no identifier, no include, no string."""
        found = []
        for file in self.c_files():
            if not file.startswith(NEUTRAL_ROOMS) or FORMAT_FILE.match(file):
                continue
            code = COMMENT.sub(lambda m: "\n" * m[0].count("\n"), self.text(file))
            for number, line in enumerate(code.splitlines(), 1):
                joined = line.replace("VT-d", "vtd").replace("AMD-Vi", "amdvi")
                for word in sorted({w.lower() for w in WORD.findall(joined)} & VENDOR_WORDS):
                    found.append(f"{file}:{number}: names {word}")
        return found

    def driver_symbols(self) -> list[str]:
        """Drivers link against include/ and the C library alone."""
        found = []
        for room in self._device_rooms():
            objects = self.objects(room, "*.o")
            if not objects:
                found.append(f"{room}: no objects of it were built")
            own = {s for o in objects for s in symbols(o, "--defined-only")}
            for path in objects:
                for symbol in sorted(symbols(path, "--undefined-only")):
                    if symbol not in own | DRIVER_LIBC | DRIVER_INTERFACE:
                        found.append(f"{room}/{path.name}: needs {symbol}")
        return found

    def _device_rooms(self) -> list[str]:
        rooms = {room_of(f) for f in self.c_files() if f.endswith(".c")}
        return sorted(r for r in rooms if r not in ROOMS and r not in FREE_ROOMS)

    def interrupt_code(self) -> list[str]:
        """Interrupt code calls no libc and touches no vector register."""
        objects = self.objects("arch/x86_64", *INTERRUPT_OBJECTS)
        if not objects:
            return ["no interrupt objects were built"]
        libraries = sorted(self.build.glob("newlib/*/lib/libc.a"))
        libc = {s for library in libraries for s in symbols(library, "--defined-only")}
        found = []
        for path in objects:
            for symbol in sorted(symbols(path, "--undefined-only") & (libc | DRIVER_LIBC)):
                found.append(f"{path.name}: calls {symbol} of the C library")
            if re.search(r"%[xyz]mm\d", run("objdump", "-d", str(path))):
                found.append(f"{path.name}: uses vector registers")
        return found

    def lone_headers(self) -> list[str]:
        """Every header compiles by itself."""
        headers = [f for f in self.c_files() if f.endswith(".h") and not FRAGMENT.fullmatch(f)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return [finding for finding in pool.map(self._compile_alone, headers) if finding]

    def _compile_alone(self, header: str) -> str:
        seam = "tests/model" if header.startswith("tests/") else "arch/x86_64"
        done = subprocess.run(
            ["gcc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I.", "-Iinclude",
             f"-I{seam}", f"-I{self.build / 'generated'}", *self._efi_flags(header), "-x", "c", "-"],
            input=f'#include "{header}"\n#include "{header}"\ntypedef int not_empty;\n',
            cwd=self.root, capture_output=True, text=True,
        )
        if done.returncode == 0:
            return ""
        first = next((line for line in done.stderr.splitlines() if "error" in line), "")
        return f"{header}: does not compile alone: {first}"

    def _efi_flags(self, header: str) -> list[str]:
        """Where gnu-efi's headers are, for those that may include them."""
        setup = self.build / "setup.mk"
        if not header.startswith("boot/efi") or not setup.is_file():
            return []
        found = re.search(r"^GNU_EFI_INCLUDE := (.+)$", setup.read_text(), re.MULTILINE)
        return [f"-isystem{found[1]}{below}" for below in ("", "/x86_64")] if found else []

    def api_gates(self) -> list[str]:
        """wdm.h compiles with each NTDDI_VERSION and has just what that one brought."""
        compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
        return [f"include/wdm.h: {compiler}, {gate}: {error}" for compiler in compilers
                for gate, names in GATES.items() if (error := self._gate(compiler, gate, names))]

    def _gate(self, compiler: str, gate: str, names: dict[str, bool]) -> str:
        program = "#include <wdm.h>\n" + "".join(
            f"#if{'n' * is_there}def {name}\n#error {name}\n#endif\n"
            for name, is_there in names.items())
        done = subprocess.run(
            [compiler, "-std=c17", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic",
             "-Werror", f"-DNTDDI_VERSION={gate}", "-fsyntax-only", "-Iinclude", "-x", "c", "-"],
            cwd=self.root, input=program, capture_output=True, text=True, check=False)
        return next((line for line in done.stderr.splitlines() if "error" in line), "")

    def status_lists(self) -> list[str]:
        """A contract's list of codes has a row for each."""
        return [f"{file}:{text.count(chr(10), 0, row.end()) + 1}: rows run together"
                for file in self.c_files() if room_of(file) == "include" and file != CHOICES
                for text in [self.text(file)] for row in RUN_ON_ROW.finditer(text)]

    def form(self) -> list[str]:
        """Files are short and carry the licence; the top level holds the fixed names."""
        found = []
        for file in self.files:
            if Path(file).suffix not in SOURCES and Path(file).name != "Makefile":
                continue
            lines = self.text(file).splitlines()
            if len(lines) > LINES_MAX:
                found.append(f"{file}: {len(lines)} lines, at most {LINES_MAX}")
            if not any(LICENCE in line for line in lines[:3]):
                found.append(f"{file}: no licence line")
        strangers = {p.name for p in self.root.iterdir() if not p.name.startswith(".")} - TOP_LEVEL
        return found + [f"{name}: not a name of the top level" for name in sorted(strangers)]


def room_of(file: str) -> str:
    parts = file.split("/")
    if parts[0] != "drivers":
        return parts[0]
    depth = 3 if parts[1] == "iommu" else 2
    return "/".join(parts[:depth]) if len(parts) > depth else "/".join(parts[:-1])


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def symbols(path: Path, which: str) -> set[str]:
    lines = run("nm", "-g", which, "--format=posix", str(path)).splitlines()
    return {line.split()[0] for line in lines if len(line.split()) > 1}


def checks(layout: Layout) -> list[tuple[str, Callable[[], list[str]]]]:
    return [
        ("rooms", layout.rooms),
        ("efi-types", layout.efi_types),
        ("vendor-words", layout.vendor_words),
        ("driver-symbols", layout.driver_symbols),
        ("interrupt-code", layout.interrupt_code),
        ("lone-headers", layout.lone_headers),
        ("api-gates", layout.api_gates),
        ("status-lists", layout.status_lists),
        ("form", layout.form),
        ("model-rules", lambda: rules.untested(layout.root)),
    ]


def tell(kind: str, named: list[tuple[str, Callable[[], list[str]]]]) -> int:
    """Runs checks and prints a line for each, with what it found; the exit status."""
    bad = 0
    for name, check in named:
        findings = check()
        bad += bool(findings)
        print(f"{'FAIL' if findings else 'ok  '} {kind} {name}")
        for finding in findings:
            print(f"       {finding}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(tell("layout", checks(Layout())))
