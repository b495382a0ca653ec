# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Where a source can be changed, by clang's syntax tree: operators, constants, dropped calls and
stores. Code that a macro expands to is left alone, but for the macro's own constants. So is, by its
text, what only tells, what only hints, what is as good, and what only another context would miss:
the tests have one context each but for those of races (race_*.c), which are not run here."""
from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Iterator, Optional, Sequence

from workshop import ROOT, Change, Workshop, lines_at

Node = dict[str, Any]

BINARY = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
    "==": ("!=",), "!=": ("==",), "&&": ("||",), "||": ("&&",),
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("/",),
    "<<": (">>",), ">>": ("<<",), "&": ("|",), "|": ("&",), "^": ("|",),
    "+=": ("-=",), "-=": ("+=",), "*=": ("/=",), "|=": ("&=", "="), "&=": ("|=", "="),
    "<<=": (">>=",), ">>=": ("<<=",),
}
UNARY = {"!": "", "~": "", "-": "", "++": "--", "--": "++"}
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$")
OPERATORS = ("BinaryOperator", "CompoundAssignOperator")
# Nodes whose direct children of these kinds are statements.
BODIES = ("CompoundStmt", "IfStmt", "ForStmt", "WhileStmt", "DoStmt", "CaseStmt", "DefaultStmt")
CHOICES = ("IfStmt", "WhileStmt")
NO_TREE = "StaticAssertDecl"
MESSAGES = ("log_write(", "unit->reason = ", "*reason = ")
LOCKS = ("lock_take(", "gate_enter(")
HINT = "__builtin_expect("  # its second argument
# How much there is room for, and how long is waited: one more or less is as good.
ROOM = re.compile(r"#define (IOMMU_(UNITS|DOMAINS|REGIONS|RESERVED|UNMANAGED|TOKENS|BLOCKS)_MAX"
                  r"|(DMAR|IVRS)_(RECORDS|SCOPES|ENTRIES|HIDS)_MAX|IOMMU_VIEW_RECORDS|SPARE_MAX"
                  r"|ALLOCATOR_(LOOKUPS|STACK_DEPTH|STACK_ORDERS)|IOMMU_WAIT_NS) ")
# What is before the 1 of an inclusive end: nothing ends inside a page, so that a 2 is as good,
# unless lengths are compared for being equal.
END = re.compile(r"(length|level_span\(level\)|geometry\.width\)|PT_CHUNK_SIZE) - $")


class Source:
    """One file, and the tree of a source that it is part of."""

    def __init__(self, path: str, text: str, tree: Node) -> None:
        self.path, self.text, self.tree = path, text, tree
        self._file = ""  # of the place that was printed last: repeated ones are left out
        self._place(tree)

    def _place(self, node: Any) -> None:
        """Gives every place the file that it is in."""
        if isinstance(node, list):
            for part in node:
                self._place(part)
        if not isinstance(node, dict):
            return
        if "offset" in node:
            self._file = node["file"] = node.get("file", self._file)
        for name, part in node.items():
            if name != "includedFrom" and isinstance(part, (dict, list)):
                self._place(part)

    def span(self, node: Node) -> Optional[tuple[int, int]]:
        """Offsets of a node that is written in the file as it stands."""
        ends = []
        for name in ("begin", "end"):
            place = node.get("range", {}).get(name, {})
            place = place.get("spellingLoc", place)
            if not place.get("file", "").endswith(self.path):
                return None
            ends.append((place["offset"], place["tokLen"]))
        first, last = ends[0][0], sum(ends[1])
        return (first, last) if first < last else None

    def _begins(self, node: Node, words: str | tuple[str, ...]) -> bool:
        span = self.span(node)
        return span is not None and self.text.startswith(words, span[0])

    def changes(self) -> Iterator[Change]:
        for function in self.tree.get("inner", []):
            if function["kind"] != NO_TREE:
                yield from self._below(function)

    def _below(self, node: Node) -> Iterator[Change]:
        parts = [p for p in node.get("inner", []) if p and not self._begins(p, MESSAGES + LOCKS)]
        kind = node["kind"]
        if kind == "CallExpr" and self._begins(node, HINT):
            del parts[2:]
        if kind in OPERATORS and len(parts) == 2:
            yield from self._operator(node, parts[1])
        elif kind == "UnaryOperator":
            yield from self._unary(node)
        elif kind == "IntegerLiteral":
            yield from self._number(node)
        if kind in CHOICES:
            yield from self._choice(parts[0])
        for place, part in enumerate(parts):
            if kind in BODIES and (kind == "CompoundStmt" or place):
                yield from self._statement(part)
            yield from self._below(part)

    def _at(self, at: int, old: str, new: str) -> Iterator[Change]:
        if self.text[at : at + len(old)] == old:
            yield Change(self.path, at, old, new)

    def _operator(self, node: Node, right: Node) -> Iterator[Change]:
        span = self.span(right)
        for new in BINARY.get(node["opcode"], ()) if span else ():
            before = self.text[: span[0]].rstrip(" \t\n(")  # type: ignore[index]
            yield from self._at(len(before) - len(node["opcode"]), node["opcode"], new)

    def _unary(self, node: Node) -> Iterator[Change]:
        span, old = self.span(node), node["opcode"]
        if span and old in UNARY:
            at = span[1] - len(old) if node.get("isPostfix") else span[0]
            yield from self._at(at, old, UNARY[old])

    def _number(self, node: Node) -> Iterator[Change]:
        span = self.span(node)
        old = self.text[slice(*span)] if span else ""
        match = NUMBER.match(old)
        if not span or match is None:
            return
        _, line = lines_at(self.text, span[0])
        value = int(match[1], 0)
        news = {value + 1, value - 1} - {-1}
        if ROOM.match(line):
            news.clear()
        if END.search(self.text[: span[0]]) and "==" not in line:
            news.discard(2)
        for new in news:
            text = hex(new) if old[:2] in ("0x", "0X") else str(new)
            yield from self._at(span[0], old, text + match[2])

    def _choice(self, condition: Node) -> Iterator[Change]:
        """A condition without an operator of its own is turned round."""
        span = self.span(condition)
        if span and condition["kind"] not in (*OPERATORS, "UnaryOperator"):
            old = self.text[slice(*span)]
            yield from self._at(span[0], old, f"!({old})")

    def _statement(self, node: Node) -> Iterator[Change]:
        kind, span = node["kind"], self.span(node)
        drops = (kind in ("CallExpr", "CompoundAssignOperator")
                 or kind == "BinaryOperator" and node["opcode"] == "="
                 or kind == "UnaryOperator" and node["opcode"] in ("++", "--")
                 or kind == "CStyleCastExpr" and node["castKind"] == "ToVoid")
        if drops and span and self.text[span[1] :].startswith(";"):
            old = self.text[slice(*span)]
            yield from self._at(span[0], old, "")


def tree_of(source: str, flags: Sequence[str]) -> Node:
    done = subprocess.run(
        ["clang", *flags, "-w", "-fsyntax-only", "-Xclang", "-ast-dump=json", source],
        capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"clang cannot read {source}: {done.stderr.strip()}")
    tree: Node = json.loads(done.stdout)
    return tree


def changes_in(workshop: Workshop, folders: Sequence[str]) -> dict[str, list[Change]]:
    """File -> its changes. A header is read as part of each source of its folder."""
    flags = [f for f in workshop.compiler[1:] if f.startswith(("-std", "-I", "-D"))]
    found: dict[str, dict[Change, None]] = {}
    for folder in folders:
        own = [p for p in workshop.dependents if str(Path(p).parent) == folder]
        sources = sorted(p for p in own if p.endswith(".c"))
        for source in sources:
            tree = tree_of(source, flags)
            for path in sorted(own):
                if path == source or path.endswith(".h") and any(
                        workshop.source_of(o) == source for o in workshop.dependents[path]):
                    part = Source(path, workshop.read(path), tree)
                    found.setdefault(path, {}).update(dict.fromkeys(part.changes()))
    return {path: list(found[path]) for path in sorted(found) if found[path]}
