/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* RSDP and the root tables: the input is firmware's memory from MEMORY on. Each table that is kept
 * lies in it, and is listed once. */
#include "fuzz.h"

#define MEMORY    UINT64_C(0x1000)
#define LINES_MAX (256 + 8) /* entries; RSDP and both root tables */

static struct input firmware;

static const void *read_firmware(uint64_t physical, size_t length)
{
    uint64_t offset = physical - MEMORY;

    HOLDS(length != 0);
    return offset <= firmware.left && length <= firmware.left - offset ? firmware.next + offset
                                                                       : NULL;
}

void fuzz_one(struct input input)
{
    struct acpi_tables tables;

    firmware = input;
    bool found = acpi_find_tables(MEMORY, read_firmware, &tables);
    HOLDS(tables.count <= ACPI_TABLES_MAX && (found || tables.count == 0));
    for (unsigned i = 0; i < tables.count; i++) {
        const struct acpi_table *table = &tables.tables[i];
        size_t offset = (size_t)(table->data - input.next);

        HOLDS(offset < input.left && table->length <= input.left - offset);
        HOLDS(table->length >= ACPI_HEADER_LENGTH && acpi_u32(table, 4) == table->length);
        for (unsigned n = 0; n < i; n++)
            HOLDS(tables.tables[n].data != table->data);
    }
    HOLDS(fuzz_log_lines() <= LINES_MAX);
}
