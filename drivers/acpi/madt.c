/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"

#include <stdio.h>
#include <string.h>

/* ACPI, "Multiple APIC Description Table (MADT) Format". */
#define MADT_LOCAL_APIC 36u
#define MADT_FLAGS      40u
#define MADT_FIRST      44u
#define PCAT_COMPAT     0x1u

/* ACPI, "Interrupt Controller Structure Types". */
enum madt_type {
    MADT_PROCESSOR_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_SOURCE_OVERRIDE = 2,
    MADT_NMI_SOURCE = 3,
    MADT_APIC_NMI = 4,
    MADT_APIC_ADDRESS = 5,
    MADT_X2APIC = 9,
    MADT_X2APIC_NMI = 10,
    MADT_TYPES,
};

/* Fixed lengths; 0: a type that is not known here. */
static const uint8_t lengths[MADT_TYPES] = {
    [MADT_PROCESSOR_APIC] = 8, [MADT_IO_APIC] = 12,    [MADT_SOURCE_OVERRIDE] = 10,
    [MADT_NMI_SOURCE] = 8,     [MADT_APIC_NMI] = 6,    [MADT_APIC_ADDRESS] = 12,
    [MADT_X2APIC] = 16,        [MADT_X2APIC_NMI] = 12,
};

#define PROCESSOR_ENABLED 0x1u

static void complain(struct acpi_madt *madt, size_t offset, const char *why)
{
    char text[ACPI_REASON_LENGTH];

    snprintf(text, sizeof(text), "MADT at offset %u: %s", (unsigned)offset, why);
    acpi_say("MADT", madt->skipped++, text);
}

static void add_io_apic(const struct acpi_table *table, size_t at, struct acpi_madt *madt)
{
    unsigned n = madt->io_apic_count;

    if (n == ACPI_MADT_MAX) {
        complain(madt, at, "one I/O APIC too many; skipped");
        return;
    }
    madt->io_apics[n].id = acpi_u8(table, at + 2);
    madt->io_apics[n].address = acpi_u32(table, at + 4);
    madt->io_apics[n].gsi_base = acpi_u32(table, at + 8);
    madt->io_apic_count++;
}

static void read_structure(const struct acpi_table *table, size_t at, size_t length,
                           struct acpi_madt *madt)
{
    uint8_t type = acpi_u8(table, at);

    if (type >= MADT_TYPES || !lengths[type]) {
        madt->unknown++;
        return;
    }
    if (length < lengths[type]) {
        complain(madt, at, "shorter than its type; skipped");
        return;
    }
    if (type == MADT_PROCESSOR_APIC)
        madt->processors += acpi_u32(table, at + 4) & PROCESSOR_ENABLED;
    else if (type == MADT_X2APIC)
        madt->processors += acpi_u32(table, at + 8) & PROCESSOR_ENABLED;
    else if (type == MADT_IO_APIC)
        add_io_apic(table, at, madt);
    else if (type == MADT_APIC_ADDRESS)
        madt->local_apic = acpi_u64(table, at + 4);
}

void acpi_read_madt(const struct acpi_table *table, struct acpi_madt *madt)
{
    size_t length;

    memset(madt, 0, sizeof(*madt));
    if (!acpi_has(table, 0, MADT_FIRST)) {
        if (table->data)
            complain(madt, 0, "shorter than its fixed part");
        return;
    }
    madt->local_apic = acpi_u32(table, MADT_LOCAL_APIC);
    madt->legacy_pics = acpi_u32(table, MADT_FLAGS) & PCAT_COMPAT;
    for (size_t at = MADT_FIRST; at < table->length; at += length) {
        length = acpi_has(table, at, 2) ? acpi_u8(table, at + 1) : 0;
        if (length < 2 || !acpi_has(table, at, length)) {
            complain(madt, at, "length is zero or leaves the table; walk ends");
            return;
        }
        read_structure(table, at, length, madt);
    }
}
