# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Real DMAR and IVRS tables: build/host/acpi-decode against the oracle beside them, field by field,
and the list of firmware bugs there against the tests that hold each. The folder is the one that
BULKHEAD_ACPI_TABLES names; without it this is skipped."""
from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator

from tally import Result

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "../shared/acpi-tables"
DECODER = ROOT / "build/host/acpi-decode"
HEADER_BYTES = 48
ACPI_HID, UID_INTEGER = 240, 1

Table = dict[str, Any]

# Class of BUGS.md -> the host test that shows it handled.
HANDLED = {
    "A1": "test_dmar.any_revision_and_any_flags_are_read",
    "A2": "test_ivrs.blocks_count_and_not_the_revision",
    "A3": "test_dmar.any_revision_and_any_flags_are_read",
    "A4": "test_dmar.two_records_on_one_register_set_are_one_unit",
    "A5": "test_acpi.wrong_checksums_are_said_and_kept",
    "A6": "test_ivrs.the_shorter_of_header_and_buffer_is_read",
    "A7": "test_dmar.an_empty_table_is_valid",
    "A8": "test_dmar.any_address_width_is_safe",
    "A9": "test_ivrs.each_type_alone_is_a_unit",
    "A10": "test_dmar.a_second_table_leaves_nothing_of_the_first",
    "B1": "test_dmar.a_length_that_cannot_be_stepped_by_ends_the_walk",
    "B2": "test_dmar.a_length_that_cannot_be_stepped_by_ends_the_walk",
    "B3": "test_dmar.any_cut_is_survived",
    "B4": "test_dmar.units_without_a_usable_base_are_flagged",
    "B5": "test_dmar.two_records_on_one_register_set_are_one_unit",
    "B6": "test_core.units_that_cannot_be_used",
    "B7": "test_dmar.units_without_a_usable_base_are_flagged",
    "B8": "test_dmar.explicit_scopes_win_over_an_earlier_catch_all",
    "B9": "test_dmar.an_endpoint_scope_is_that_function_alone",
    "B10": "test_dmar.a_unit_without_scope_owns_no_device",
    "B11": "test_dmar.odd_bytes_of_a_record_are_kept_as_written",
    "B12": "test_dmar.unknown_records_are_counted",
    "B13": "test_dmar.a_path_to_nowhere_matches_nothing",
    "B14": "test_dmar.an_endpoint_scope_is_that_function_alone",
    "C1": "test_dmar.a_bad_scope_keeps_the_record_and_the_scopes_before",
    "C2": "test_dmar.a_path_goes_through_secondary_buses",
    "C3": "test_dmar.a_path_goes_through_secondary_buses",
    "C4": "test_dmar.odd_bytes_of_a_record_are_kept_as_written",
    "C5": "test_dmar.odd_bytes_of_a_record_are_kept_as_written",
    "C6": "test_dmar.io_apics_and_hpets_are_kept_as_written",
    "C7": "test_dmar.an_empty_table_is_valid",
    "C8": "test_dmar.an_endpoint_scope_is_that_function_alone",
    "C9": "test_dmar.odd_bytes_of_a_record_are_kept_as_written",
    "C10": "test_dmar.a_path_to_nowhere_matches_nothing",
    "C11": "test_dmar.names_end_inside_their_record",
    "D1": "test_dmar.reserved_ranges_are_judged",
    "D2": "test_dmar.reserved_ranges_are_judged",
    "D3": "test_dmar.reserved_ranges_are_judged",
    "D4": "test_dmar.a_range_below_1_mib_is_sound",
    "D5": "test_core.demanded_regions",
    "D6": "test_core.demanded_regions",
    "D7": "test_dmar.reserved_ranges_are_judged",
    "D8": "test_dmar.one_range_names_many_and_one_device_has_many",
    "D9": "test_dmar.one_range_names_many_and_one_device_has_many",
    "D10": "test_dmar.a_reserved_range_finds_its_functions",
    "D11": "test_dmar.odd_bytes_of_a_record_are_kept_as_written",
    "D12": "test_dmar.an_affinity_of_no_unit_is_said_and_kept",
    "D13": "test_dmar.odd_bytes_of_a_record_are_kept_as_written",
    "D14": "test_dmar.names_end_inside_their_record",
    "D15": "test_dmar.names_end_inside_their_record",
    "D16": "test_dmar.names_end_inside_their_record",
    "D17": "test_dmar.any_revision_and_any_flags_are_read",
    "D18": "test_dmar.any_revision_and_any_flags_are_read",
    "E1": "test_ivrs.unknown_blocks_are_stepped_over_anywhere",
    "E2": "test_ivrs.padding_selects_nothing_and_ends_nothing",
    "E3": "test_ivrs.unknown_entries_are_stepped_over_by_their_size",
    "E4": "test_ivrs.a_range_needs_its_end_right_behind",
    "E5": "test_ivrs.a_range_that_ends_below_its_start_is_empty",
    "E6": "test_ivrs.overlapping_ranges_are_no_error",
    "E7": "test_ivrs.a_range_to_the_last_device_ends",
    "E8": "test_ivrs.ranges_and_singles_mix_in_one_block",
    "E9": "test_ivrs_units.the_richest_block_counts",
    "E10": "test_ivrs_units.the_richest_block_counts",
    "E11": "test_ivrs_units.what_a_unit_can_do_is_kept_as_written",
    "E12": "test_ivrs_units.units_are_found_in_any_order_and_segment",
    "E13": "test_ivrs_units.units_without_a_usable_base_are_flagged",
    "E14": "test_ivrs_units.units_without_a_usable_base_are_flagged",
    "E15": "test_ivrs_units.blocks_at_odd_offsets_are_read",
    "F1": "test_ivrs_units.a_table_without_io_apics_is_read",
    "F2": "test_ivrs_units.io_apics_are_compared_with_the_madt",
    "F3": "test_ivrs_units.one_handle_with_two_ids_is_not_believed",
    "F4": "test_ivrs_units.an_io_apic_has_any_device_id",
    "F5": "test_ivrs_units.an_hpet_of_another_number_stays",
    "F6": "test_ivrs_units.an_unknown_variety_is_said_and_kept",
    "F7": "test_ivrs.uids_have_every_form_and_exactly_their_length",
    "F8": "test_ivrs.uids_have_every_form_and_exactly_their_length",
    "F9": "test_ivrs.uids_have_every_form_and_exactly_their_length",
    "F10": "test_ivrs.uids_have_every_form_and_exactly_their_length",
    "F11": "test_ivrs.odd_hids_are_said_and_kept",
    "F12": "test_tables_real.any_changed_byte_is_survived",
    "G1": "test_ivrs_units.memory_blocks_stand_anywhere",
    "G2": "test_ivrs_units.memory_ranges_are_judged",
    "G3": "test_ivrs_units.memory_ranges_are_judged",
    "G4": "test_ivrs_units.exclusion_keeps_its_flags",
    "G5": "test_ivrs_units.memory_of_no_unit_is_said",
    "G6": "test_core.demanded_regions",
    "G7": "test_ivrs.a_longer_memory_block_is_read_by_its_first_bytes",
    "G8": "test_core.demanded_regions",
}


def without_short_uids(table: Table) -> Table:
    """The oracle has 8 bytes of an integer UID, whatever its length says."""
    for block in table.get("blocks", []):
        for entry in block.get("entries", []):
            if entry["type"] == ACPI_HID and entry.get("uidf") == UID_INTEGER \
                    and entry["uidl"] < 8:
                entry.pop("uid", None)
    return table


def differences(path: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from differences(f"{path}.{key}", ours.get(key), theirs.get(key))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for n, pair in enumerate(zip(ours, theirs)):
            yield from differences(f"{path}[{n}]", *pair)
    elif type(ours) is not type(theirs) or ours != theirs:
        yield f"{path}: {str(ours)[:80]}, the oracle has {str(theirs)[:80]}"


def compare(ours: Table, theirs: Table) -> list[str]:
    """What the oracle does not list is under `unknown`; together they are the whole table."""
    name, unknown = str(theirs["file"]), ours.pop("unknown", [])
    listed = [*ours.get("blocks", []), *ours.get("subs", []), *unknown]
    found = list(differences(name, without_short_uids(ours), without_short_uids(theirs)))
    if sum(part["len"] for part in listed) != theirs["length"] - HEADER_BYTES:
        found.append(f"{name}: blocks and unknown are not the whole table")
    return found


def decode(paths: list[Path]) -> list[Table]:
    done = subprocess.run([DECODER, *paths], capture_output=True, text=True)
    tables = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or len(tables) != len(paths):
        last = "".join(done.stderr.splitlines()[-1:])
        raise ValueError(f"status {done.returncode}, {len(tables)} of {len(paths)} tables: {last}")
    return tables


def agreement(folder: Path) -> list[Result]:
    results = []
    oracle = [json.loads(line) for line in (folder / "oracle.jsonl").read_text().splitlines()]
    for kind in ("dmar", "ivrs"):
        rows = [row for row in oracle if row["file"].startswith(f"{kind}/")]
        try:
            tables = decode([folder / row["file"] for row in rows])
            found = [text for pair in zip(tables, rows) for text in compare(*pair)]
        except (OSError, ValueError) as error:
            found = [str(error)]
        good = rows and not found
        results.append(Result(f"tables {kind}: {len(rows)} as the oracle has them",
                              "ok" if good else "FAIL", found))
    return results


def hand_made() -> tuple[bytes, Table]:
    """A table that has what no real one here has, and what is to be printed for it."""
    entries = bytes.fromhex("40 0000 00 78563412") + b"\xf0\5\0\x40AB\"\\\x80\0\0\0" \
        + bytes.fromhex("01000000 00000000") + b"\1\2\1\0"
    blocks = struct.pack("<BBHHHQHHIQQ", 0x40, 0x30, 40 + len(entries), 2, 0x40, 0xFD200000, 1, 0,
                         0x40200, 0xABC, 0) + entries
    blocks += struct.pack("<BBH4x", 0x51, 0, 8) + struct.pack("<BBH", 0x10, 0, 99)
    length = HEADER_BYTES + len(blocks)
    expected = {
        "file": "folder/made.bin", "length": length, "rev": 2, "ivinfo": 0x203043, "blocks": [{
            "off": 48, "type": 0x40, "flags": 0x30, "len": 72, "devid": 2, "cap": 0x40,
            "base": 0xFD200000, "segment": 1, "info": 0, "attr": 0x40200, "efr": 0xABC, "entries": [
                {"off": 88, "type": 64, "devid": 0, "setting": 0, "ext": 0x12345678},
                {"off": 96, "type": 240, "devid": 5, "setting": 0x40, "hid": "000000805C224241",
                 "cid": "0000000000000001", "uidf": 1, "uidl": 2, "uid": "0001"}]}],
        "unknown": [{"off": 120, "type": 0x51, "len": 8}], "skipped": 1,
    }
    header = struct.pack("<4sIB27xI8x", b"IVRS", length, 2, 0x203043)
    return header + blocks, expected


def decoder_alone() -> Result:
    """A hand-made table with a cut end is printed as far as it goes; what is none is refused."""
    data, expected = hand_made()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "folder/made.bin"
        path.parent.mkdir()
        path.write_bytes(data)
        try:
            found = list(differences("made", decode([path])[0], expected))
        except (OSError, ValueError) as error:
            found = [str(error)]
        for bad in (b"", b"IVRS", b"APIC" + data[4:], b"DMAR" + data[4:47]):
            path.write_bytes(bad)
            done = subprocess.run([DECODER, path], capture_output=True, text=True)
            if done.returncode != 1 or done.stdout or not done.stderr:
                found.append(f"{bad[:4]!r}: status {done.returncode}, {done.stdout}")
    return Result("tables decoder", "FAIL" if found else "ok", found)


def handled(folder: Path | None) -> Result:
    """Each class has a test, and each test is there."""
    found = []
    for bug, test in HANDLED.items():
        program, name = test.split(".")
        source = ROOT / f"tests/host/{program}.c"
        if not source.is_file() or not re.search(rf"cmocka_unit_test\w*\({name}\b",
                                                 source.read_text()):
            found.append(f"{bug}: no test {test}")
    if folder:
        listed = re.findall(r"^\| ([A-Z]\d+) \|", (folder / "BUGS.md").read_text(), re.MULTILINE)
        found += [f"{bug}: held by no test" for bug in listed if bug not in HANDLED]
    return Result("tables firmware-bugs-have-tests", "FAIL" if found else "ok", found)


def results() -> list[Result]:
    folder = Path(os.environ.get("BULKHEAD_ACPI_TABLES") or FOLDER)
    if not (folder / "oracle.jsonl").is_file():
        reason = f"no tables in {folder} (set BULKHEAD_ACPI_TABLES)"
        return [handled(None), decoder_alone(), Result("tables", "skip", [reason])]
    return [handled(folder), decoder_alone(), *agreement(folder)]
