/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"

#include <stdio.h>
#include <string.h>

/* Microsoft Debug Port Table 2 (DBG2), "Debug Port Table" and "Debug Device Information
 * structure". Offsets within a structure count from its first byte. */
#define DBG2_FIRST          36u
#define DBG2_NUMBER         40u
#define DBG2_MINIMUM        44u

#define DEVICE_LENGTH       1u
#define DEVICE_REGISTERS    3u /* how many Generic Address Structures */
#define DEVICE_PORT_TYPE    12u
#define DEVICE_PORT_SUBTYPE 14u
#define DEVICE_BASES        18u
#define DEVICE_MINIMUM      22u

#define PORT_SERIAL         0x8000u
#define GAS_LENGTH          12u

struct reader {
    const struct acpi_table *table;
    struct acpi_dbg2 *dbg2;
    unsigned lines;
};

static void skip(struct reader *reader, size_t offset, const char *why)
{
    char text[ACPI_REASON_LENGTH];

    snprintf(text, sizeof(text), "DBG2 at offset %zu: %s", offset, why);
    acpi_say("DBG2", reader->lines++, text);
    reader->dbg2->skipped++;
}

/* A device is `length` bytes, at least its fixed part, and lies within the table. */
static void read_device(struct reader *reader, size_t at, size_t length)
{
    const struct acpi_table *table = reader->table;
    struct acpi_dbg2 *dbg2 = reader->dbg2;
    size_t base = acpi_u16(table, at + DEVICE_BASES);
    struct acpi_uart uart;
    const char *why;

    if (acpi_u16(table, at + DEVICE_PORT_TYPE) != PORT_SERIAL ||
        !acpi_is_16550(acpi_u16(table, at + DEVICE_PORT_SUBTYPE))) {
        dbg2->others++;
        return;
    }
    if (acpi_u8(table, at + DEVICE_REGISTERS) == 0)
        why = "no base address register";
    else if (base < DEVICE_MINIMUM || base + GAS_LENGTH > length)
        why = "its base address leaves it";
    else if (dbg2->count == ACPI_DBG2_MAX)
        why = "too many ports";
    else
        why = acpi_read_uart(table, at + base, &uart);
    if (why)
        skip(reader, at, why);
    else
        dbg2->uarts[dbg2->count++] = uart;
}

void acpi_read_dbg2(const struct acpi_table *table, struct acpi_dbg2 *dbg2)
{
    struct reader reader = {.table = table, .dbg2 = dbg2};
    size_t at;

    memset(dbg2, 0, sizeof(*dbg2));
    if (!acpi_has(table, 0, DBG2_MINIMUM)) {
        if (table->data)
            acpi_say("DBG2", 0, "DBG2: shorter than its fixed part");
        return;
    }
    at = acpi_u32(table, DBG2_FIRST);
    if (at < DBG2_MINIMUM) {
        skip(&reader, DBG2_FIRST, "the first device lies in the header");
        return;
    }
    for (uint32_t left = acpi_u32(table, DBG2_NUMBER); left > 0; left--) {
        size_t length;

        if (!acpi_has(table, at, DEVICE_MINIMUM)) {
            skip(&reader, at, "a device leaves the table");
            return;
        }
        length = acpi_u16(table, at + DEVICE_LENGTH);
        if (length < DEVICE_MINIMUM || !acpi_has(table, at, length)) {
            skip(&reader, at, "a length that cannot be: the rest is lost");
            return;
        }
        read_device(&reader, at, length);
        at += length;
    }
}
