# SPDX-License-Identifier: BSD-2-Clause-Patent
"""From records to build/run/report.json, and the harness's own verdict on it."""
from __future__ import annotations

from typing import Any, Iterable

from deviations import DEVIATIONS, Deviation
from emulator import Version
from stream import Record

SCHEMA = 1
ALLOW_MIN = 1
DENY_MIN = 5
COUNTED = ("PASS", "FAIL", "SKIP", "ERROR")
BAD = ("FAIL", "ERROR")

Report = dict[str, Any]


def empty_report(reason: str) -> Report:
    """Of a run that told nothing."""
    return {
        "schema": SCHEMA,
        "complete": False,
        "verdict": "fail",
        "reason": reason,
        "counts": {"pass": 0, "fail": 0, "skip": 0, "error": 0, "waived": 0},
        "entry": {"units": [], "bus_masters": []},
        "iommu": {"state": "failed", "reason": "not reported", "units": [], "uncovered": []},
        "interrupts": {"state": "failed", "reason": "not reported"},
        "groups": [],
        "disks": [],
        "tests": [],
    }


def merge(target: Record, record: Record) -> None:
    """A long list goes on in further records of its kind: arrays are joined."""
    for key, value in record.items():
        if key == "record":
            continue
        if isinstance(value, list) and isinstance(target.get(key), list):
            target[key] = target[key] + value
        else:
            target[key] = value


def collect(records: Iterable[Record]) -> Report:
    report = empty_report("")
    seen: set[str] = set()
    groups: dict[Any, Record] = {}
    for record in records:
        kind = record.get("record")
        if kind in ("entry", "iommu", "interrupts"):
            if kind not in seen:
                seen.add(kind)
                report[kind] = {k: v for k, v in report[kind].items() if isinstance(v, list)}
            merge(report[kind], record)
        elif kind == "group":
            merge(groups.setdefault(record.get("id"), {}), record)
        elif kind in ("disk", "test"):
            report[f"{kind}s"].append({k: v for k, v in record.items() if k != "record"})
        elif kind == "start":
            report["image"] = {k: v for k, v in record.items() if k not in ("record", "schema")}
    report["groups"] = list(groups.values())
    return report


def vendor_of(report: Report) -> str:
    return next((str(unit.get("vendor")) for unit in report["iommu"]["units"]), "")


def waive(report: Report, version: Version, table: Iterable[Deviation]) -> list[str]:
    """Marks what this model cannot show; returns a sentence per test that shows it all the same."""
    vendor = vendor_of(report)
    waivers = {d.test: d for d in table if d.applies(vendor, version)}
    surprises = []
    for test in report["tests"]:
        waiver = waivers.get(test.get("id"))
        if waiver is None:
            continue
        if test.get("result") == "PASS":
            surprises.append(f"{test['id']} passes though the table of deviations waives it.")
        elif test.get("result") in BAD and waiver.explains(str(test.get("reason", ""))):
            test["waived"] = True
            test["waiver"] = waiver.reason
    return surprises


def count(report: Report) -> None:
    counts = dict.fromkeys(report["counts"], 0)
    for test in report["tests"]:
        result = test.get("result")
        if test.get("waived") and result in BAD:
            counts["waived"] += 1
        elif result in COUNTED:
            counts[result.lower()] += 1
    report["counts"] = counts


def passed(report: Report, prefix: str) -> int:
    return sum(t.get("result") == "PASS" and str(t.get("id", "")).startswith(prefix)
               for t in report["tests"])


def objections(report: Report) -> list[str]:
    """Why the report's content is no pass; empty on a pass."""
    iommu = report["iommu"]
    if iommu.get("state") != "active":
        reason = f" ({iommu['reason']})" if iommu.get("reason") else ""
        return [f"DMA protection: {iommu.get('state')}{reason}."]
    found = []
    bad = [t for t in report["tests"] if t.get("result") in BAD and not t.get("waived")]
    if bad:
        names = ", ".join(f"{t.get('id')} {t.get('result')}" for t in bad[:5])
        more = ", ..." if len(bad) > 5 else ""
        found.append(f"{len(bad)} test result(s) are bad: {names}{more}.")
    for prefix, least in (("DMA-ALLOW-", ALLOW_MIN), ("DMA-DENY-", DENY_MIN)):
        have = passed(report, prefix)
        if have < least:
            found.append(f"{have} {prefix}* test(s) passed, at least {least} must.")
    return found


def judge(
    records: list[Record],
    stream_problem: str,
    version: Version,
    table: Iterable[Deviation] = DEVIATIONS,
) -> Report:
    """The report. `stream_problem` is empty for a whole stream."""
    report = collect(records)
    disagreement = compare(records, report)
    surprises = waive(report, version, table)
    count(report)
    reasons = [stream_problem] if stream_problem else objections(report) + surprises + disagreement
    report["complete"] = not stream_problem
    report["verdict"] = "fail" if reasons else "pass"
    report["reason"] = " ".join(reasons)
    if not reasons:
        del report["reason"]
    return report


def compare(records: list[Record], report: Report) -> list[str]:
    """What the image says of itself against its own records, before any waiver."""
    found = []
    start: Record = next((r for r in records if r.get("record") == "start"), {})
    end: Record = next((r for r in records if r.get("record") == "end"), {})
    own = "fail" if objections(report) else "pass"
    if end.get("verdict") != own:
        found.append(f"The image says {end.get('verdict')}, its own records say {own}.")
    if start.get("schema") != SCHEMA:
        found.append(f"The records are of schema {start.get('schema')}, expected {SCHEMA}.")
    return found


def refuse(report: Report, reason: str) -> None:
    """Turns the report into a fail for a reason found outside the records."""
    report["verdict"] = "fail"
    report["reason"] = " ".join(filter(None, (report.get("reason"), reason)))
