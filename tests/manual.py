#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""boot/manual.md, checked against the code: every command, option, test, stop code, exit status and
sentence of the code stands in it, in the code's own words, and it names none that the code has not.
"""
from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import layout

ROOT = Path(__file__).resolve().parents[1]
MANUAL = "boot/manual.md"
DOCUMENTS = (MANUAL, "README.md")

Row = tuple[str, ...]

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(\w+)|([{},])')
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)#?([^)\s]*)\)")
BULLET = re.compile(r"^- `([^`]+)`: (.*(?:\n  .*)*)", re.MULTILINE)
PLACE = re.compile(r"%[0-9.*]*(?:ll|l|z)?[uxscd]")
ID = re.compile(r"\b(?:API|BOOT|CORE|DRV|IRQ|NVME|RESULTS|HDA|DMA|EDU)-(?:(?:ALLOW|DENY|FAULT)-)?"
                r"[0-9]{3}\b")
MORE_IDS = re.compile(rf"({ID.pattern})((?:(?:,| and| to) [0-9]{{3}}\b)+)")
# How the sentence of a walk goes on, by enum detail of walk.c.
WALK_REST = {"PLAIN": "", "AT_LEVEL": " at …", "WITH_WIDTH": " of … bits",
             "WITH_PAGE": " to …, …, … page"}


def plain(text: str) -> str:
    """A text of C or of Markdown, as it is read."""
    return " ".join(text.replace(r"\n", " ").replace(r"\"", '"').replace("`", "").split())


def said(text: str) -> str:
    """A format of C, with what is filled in left open."""
    return plain(PLACE.sub("…", text))


def initialiser(text: str, name: str) -> list[Any]:
    """The table `name` of a C file: strings and words, in lists as the braces nest. A designator is
    an element like any other."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    start = re.search(rf"\b{name}\[\w*\] =\s*(?=\{{)", text)
    stack: list[list[Any]] = [[]]
    joined = False  # the next string goes on the one before it
    for token in TOKEN.finditer(text, start.end() if start else len(text)):
        string, word, mark = token.groups()
        if string is not None:
            stack[-1].append(stack[-1].pop() + string if joined else string)
        elif word:
            stack[-1].append(word)
        elif mark == "{":
            stack.append([])
        elif mark == "}":
            done = stack.pop()
            if len(stack) == 1:
                return done
            stack[-1].append(done)
        joined = string is not None
    return []


def pairs(table: list[Any]) -> dict[str, Any]:
    """A table whose rows have designators."""
    return dict(zip(table[::2], table[1::2]))


def all_ids(text: str) -> set[str]:
    """The ids that a text names, and those between: "DMA-DENY-001 to 003", "NVME-001, 002"."""
    found = set(ID.findall(text))
    for first, more in MORE_IDS.findall(text):
        prefix, last = first[:-3], int(first[-3:])
        for word, number in re.findall(r"(,| and| to) ([0-9]{3})", more):
            begin = last + 1 if word == " to" else int(number)
            found.update(f"{prefix}{n:03}" for n in range(begin, int(number) + 1))
            last = int(number)
    return found


class Manual:
    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.text = self.source(MANUAL)

    def source(self, file: str) -> str:
        path = self.root / file
        return path.read_text() if path.is_file() else ""

    def section(self, title: str) -> str:
        """The text under a heading, up to the next one of its rank."""
        text = FENCE.sub(lambda m: re.sub("^#", " ", m[0], flags=re.MULTILINE), self.text)
        headings = list(HEADING.finditer(text))
        for i, heading in enumerate(headings):
            if heading[2] == title:
                end = (h.start() for h in headings[i + 1:] if len(h[1]) <= len(heading[1]))
                return text[heading.end():next(end, len(text))]
        return ""

    def table(self, title: str) -> dict[str, Row]:
        """The first table under a heading, by its first column."""
        lines = iter(self.section(title).splitlines())
        rows = []
        for line in lines:
            if line.startswith("|"):
                cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
                rows.append(tuple(plain(cell.replace(r"\|", "|")) for cell in cells))
            elif rows:
                break
        return {row[0]: row for row in rows[2:]}

    def compare(self, title: str, code: list[Row]) -> list[str]:
        """The first columns of a table are the code's; what the manual adds stands behind them."""
        left = self.table(title)
        found = [] if code else [f"{title}: the code's own list is not found"]
        for row in code:
            there = left.pop(row[0], None)
            if there is None:
                found.append(f"{title}: {row[0]} is missing")
            elif there[:len(row)] != row:
                found += [f"{title}: {row[0]}: '{is_}' should be '{should}'"
                          for is_, should in zip(there, row) if is_ != should]
            elif not all(there):
                found.append(f"{title}: {row[0]}: a column is empty")
        return found + [f"{title}: the code has no {name}" for name in left]

    # The checks. Each returns its findings.

    def commands(self) -> list[str]:
        """Commands of the shell: usage, summary, help, what is destroyed."""
        there = {plain(usage): plain(text)
                 for usage, text in BULLET.findall(self.section("Commands"))}
        found = []
        code = self._commands()
        for usage, text in code.items():
            if usage not in there:
                found.append(f"Commands: {usage} is missing")
            elif there[usage] != text:
                found.append(f"Commands: {usage}: '{there[usage]}' should be '{text}'")
        found += [f"Commands: the code has no {usage}" for usage in there if usage not in code]
        names = {usage.split()[0] for usage in code}
        for line in re.findall(r"^bulkhead> (.+)$", self.text, re.MULTILINE):
            found += [f"{part.split()[0]} is no command" for part in line.split(";")
                      if part.split()[0] not in names]
        return found if code else ["Commands: the code's own list is not found"]

    def _commands(self) -> dict[str, str]:
        rows = (initialiser(self.source("drivers/console/shell.c"), "own")
                + initialiser(self.source("boot/shell_table.c"), "shell_commands"))
        out = {}
        for name, arguments, summary, text, destroys, _, acts in rows:
            lost = "" if destroys == "NULL" else f" Destroys: {destroys}."
            tail = " Not after a panic." if acts == "true" else ""
            out[f"{name} {arguments}".strip()] = plain(f"{summary}. {text}{lost}{tail}")
        return out

    def options(self) -> list[str]:
        """Options, and each value that the manual gives one."""
        rules = {row[0]: tuple(row)
                 for row in initialiser(self.source("boot/option_rules.c"), "rules")}
        found = self.compare("Options", [
            (name, "any text" if values == "NULL" else plain(values), plain(standard),
             plain(meaning)) for name, values, standard, meaning in rules.values()])
        for name, value in re.findall(r"`([a-z]+)=([^`\s]*)`", self.text):
            if name not in rules:
                found.append(f"{name}={value}: there is no such option")
            elif value and not takes(rules[name][1], value):
                found.append(f"{name}={value}: the option does not take it")
        return found

    def tests(self) -> list[str]:
        """Ids of tests: the manual's tables name each that the code has, and no other."""
        code = set(self._test_ids())
        there = all_ids("\n".join(line for line in self.section("Tests").splitlines()
                                  if line.startswith("|")))
        found = [f"Tests: {id_} is missing" for id_ in sorted(code - there)]
        found += [f"the code has no test {id_}" for id_ in sorted(all_ids(self.text) - code)]
        return found + self.compare("The image's own", list(self._claims())) \
            + self.compare("The domain API", list(self._api_areas()))

    def trials(self) -> list[str]:
        """The ids that the shell's `test` knows: all but those of a driver's own fate."""
        rows = initialiser(self.source("boot/shell_state.c"), "kinds")
        there = {f"{prefix}{n:03}" for prefix, _, ranges in rows for first, last in ranges
                 for n in range(int(first), int(last) + 1)}
        code = {id_ for id_ in self._test_ids() if not id_.startswith(("DRV-", "RESULTS-"))}
        return [f"shell_state.c: the test {id_} is unknown" for id_ in sorted(code - there)] \
            + [f"shell_state.c: the code has no {id_}" for id_ in sorted(there - code)] \
            + ([] if there else ["shell_state.c: the shell's own list is not found"])

    def _test_ids(self) -> Iterator[str]:
        for folder in ("boot", "drivers", "lib", "tests/image"):
            for path in sorted((self.root / folder).rglob("*.[ch]")):
                text = self.source(path.relative_to(self.root).as_posix())
                text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
                yield from re.findall(rf'"({ID.pattern})"', text)
                for number in re.findall(r'\bTEST\("([0-9]{3})"', text):
                    yield from (f"{kind}-{number}" for kind in ("DMA-DENY", "DMA-FAULT",
                                                                "EDU-FAULT"))
                for number in re.findall(r'\bHDA_TEST\("([0-9]{3})"', text):
                    yield from (f"HDA-{number}", f"HDA-FAULT-{number}")
        for number in re.findall(r"\bAPI\(([0-9]+),", self.source("tests/api/list.h")):
            yield f"API-{int(number):03}"

    def _claims(self) -> Iterator[Row]:
        """The tests whose code says what they claim."""
        for id_, text in re.findall(r'judge\("([A-Z]+-[0-9]{3})",[^"]*"([^"]*)"',
                                    self.source("tests/image/image.c")):
            yield id_, plain(text)

    def _api_areas(self) -> Iterator[Row]:
        """Ranges of API ids, by the headings in their list."""
        for title, rows in re.findall(r"/\* ([A-Z][^*]*?) \*/((?:(?!/\*).)*)",
                                      self.source("tests/api/list.h").split("API_LIST(API)")[-1],
                                      re.DOTALL):
            numbers = [int(n) for n in re.findall(r"\bAPI\(([0-9]+),", rows)]
            if numbers:
                yield f"API-{numbers[0]:03} to {numbers[-1]:03}", title

    def stops(self) -> list[str]:
        """Stop codes, and the steps of bring-up that one of them numbers."""
        text = self.source("arch/panic.h").replace("\\\n", " ")
        rows = re.findall(r'\bSTOP\((\d+), (\w+), "([^"]*)",\s*"([^"]*)"\)', text)
        steps = initialiser(self.source("boot/main.c"), "steps")
        return self.compare("Stop codes", rows) + self.compare("Steps of bring-up", [
            (str(n), name) for n, (name, _, vital) in enumerate(steps) if vital == "true"])

    def walk(self) -> list[str]:
        """The sentences at which a walk ends."""
        ends = pairs(initialiser(self.source("drivers/iommu/core/walk.c"), "ends"))
        return self.compare("How a walk ends", [(f"{reason}{WALK_REST[detail]}",)
                                                for reason, detail, _ in ends.values()])

    def report(self) -> list[str]:
        """Lines of the report, states, next steps, words for a result."""
        text = self.source("drivers/console/report.c")
        lines = dict.fromkeys(re.findall(
            r'(?:log_line|print_names)\(\s*"([a-z]+(?: [a-z]+)*):[ "]', text))
        states = re.findall(r'case REPORT_(\w+):\s*return "([a-z]+): ([^"]*)"', text)
        rest = re.findall(r'default:\s*return "([a-z]+): ([^"]*)"', text)
        steps = dict.fromkeys(said(s) for s in re.findall(r'"next step: ([^"]*)"', text)
                              if s != "%s")
        words = re.findall(r'return "([A-Z]+)"', self.source("lib/results.c"))
        return [*self.compare("The lines of the report", [(line,) for line in lines]),
                *self.compare("The four states", [*(row[1:] for row in states), *rest]),
                *self.compare("The next step", [(step,) for step in steps]),
                *self.compare("Words for a result", [(word,) for word in words])]

    def inspect(self) -> list[str]:
        """What inspect finds and returns, the menu, and what the UEFI stage says."""
        efi = self.source("boot/efi.c")
        sentences = pairs(initialiser(self.source("drivers/console/report.c"), "sentences"))
        rows = [(status, *map(plain, sentences.get(found, ())))
                for found, status in pairs(initialiser(efi, "results")).items()]
        known = set(re.findall(r"\bEFI_[A-Z_]+\b", efi))
        keys = initialiser(self.source("boot/efi_menu.c"), "choices")
        menu = re.findall(r"\{'(.)', EFI_\w+, \"([^\"]*)\"\}", self.source("boot/efi_menu.c"))
        return [*self.compare("What inspect returns", rows),
                *self.compare("What else the start says", [
                    (plain(s),) for s in re.findall(r'\bstop\([\w\[\]]+, "([^"]*)"', efi)]),
                *self.compare("The menu", menu if len(menu) == len(keys) else []),
                *(f"the code has no {name}" for name in re.findall(r"\bEFI_[A-Z_]+\b", self.text)
                  if name not in known)]

    def console(self) -> list[str]:
        """The ways in which the serial port is found."""
        text = self.source("drivers/console/find.c")
        ways = re.findall(r'\b(?:choose|choose_function)\([^;"]*"([^"]*)"\)', text)
        ways += re.findall(r'console_tell\(found, "(no serial port[^"]*)"\)', text)
        return self.compare("Which port it takes", [(way,) for way in dict.fromkeys(ways)])

    def programs(self) -> list[str]:
        """Exit statuses of boot/flash, make run and linker/symbols.py."""
        codes = re.findall(r'Code\((\d+), "([^"]*)", "([^"]*)"(, True)?\)',
                           self.source("boot/flash"))
        found = self.compare("boot/flash", [(number, name, sentence, "yes" if forced else "no")
                                            for number, name, sentence, forced in codes])
        for title, file in (("make run", "tests/qemu/run.py"),
                            ("linker/symbols.py", "linker/symbols.py")):
            head = (self.source(file).split('"""') + [""])[1]
            found += self.compare(title, [(number, plain(text)) for number, text in
                                          re.findall(r"\b(\d+): ([^;.]+)[;.]", head)])
        return found

    def links(self) -> list[str]:
        """What a link leads to is there: a file, and a heading in it."""
        found = []
        for file in DOCUMENTS:
            for path, heading in LINK.findall(self.source(file)):
                target = os.path.normpath(Path(file).parent / path) if path else file
                if "://" in path:
                    continue
                if not (self.root / target).exists():
                    found.append(f"{file}: there is no {path}")
                elif heading and heading not in anchors(self.source(target)):
                    found.append(f"{file}: {target} has no heading {heading}")
        return found


def anchors(text: str) -> set[str]:
    """The headings of a page as links name them."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            for _, title in HEADING.findall(FENCE.sub("", text))}


def takes(values: str, text: str) -> bool:
    """As options_check() of boot/option_rules.c has it."""
    if values == "NULL":
        return True
    for word in values.split("|"):
        name, colon, limits = word.rpartition(":")
        first, dash, last = limits.partition("-")
        if dash and first.isdigit() and last.isdigit():
            number = text.removeprefix(name + colon) if text.startswith(name + colon) else ""
            if number.isdigit() and int(first) <= int(number) <= int(last):
                return True
        elif word == text:
            return True
    return False


def checks(manual: Manual) -> list[tuple[str, Callable[[], list[str]]]]:
    return [
        ("commands", manual.commands),
        ("options", manual.options),
        ("tests", manual.tests),
        ("trials", manual.trials),
        ("stops", manual.stops),
        ("walk", manual.walk),
        ("report", manual.report),
        ("inspect", manual.inspect),
        ("console", manual.console),
        ("programs", manual.programs),
        ("links", manual.links),
    ]


if __name__ == "__main__":
    sys.exit(layout.tell("manual", checks(Manual())))
