/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* MADT: I/O APICs within their array, nothing counted that the table has no room for. */
#include "fuzz.h"

#define FIXED     44u
#define LINES_MAX 34

void fuzz_one(struct input input)
{
    struct acpi_table table = input_table(&input);
    size_t room = table.length > FIXED ? (table.length - FIXED) / 2 : 0;
    struct acpi_madt madt;

    acpi_read_madt(&table, &madt);
    HOLDS(madt.io_apic_count <= ACPI_MADT_MAX);
    HOLDS(madt.io_apic_count * 12 + madt.processors * 8 <= 2 * room);
    HOLDS((size_t)madt.unknown + madt.skipped + madt.io_apic_count <= room + 1);
    HOLDS(table.length >= FIXED || (madt.local_apic == 0 && !madt.legacy_pics));
    HOLDS((madt.skipped != 0) == (fuzz_log_lines() != 0));
    HOLDS(fuzz_log_lines() <= LINES_MAX);
}
