/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"
#include "lib/log.h"

#include <string.h>

/* "Serial Port Console Redirection Table (SPCR)", table layout; the base address is a Generic
 * Address Structure of ACPI. */
#define SPCR_REVISION     8u
#define SPCR_INTERFACE    36u
#define SPCR_BASE         40u
#define SPCR_BAUD         58u
#define SPCR_PRECISE_BAUD 80u /* from revision 4 on; 0: SPCR_BAUD holds */
#define SPCR_MINIMUM      59u

static uint32_t baud_of(const struct acpi_table *table)
{
    uint32_t precise = 0;

    if (acpi_u8(table, SPCR_REVISION) >= 4 && acpi_has(table, SPCR_PRECISE_BAUD, 4))
        precise = acpi_u32(table, SPCR_PRECISE_BAUD);
    if (precise)
        return precise;
    switch (acpi_u8(table, SPCR_BAUD)) {
    case 3:
        return 9600;
    case 4:
        return 19200;
    case 6:
        return 57600;
    case 7:
        return 115200;
    default:
        return 0;
    }
}

void acpi_read_spcr(const struct acpi_table *table, struct acpi_spcr *spcr)
{
    const char *why;

    memset(spcr, 0, sizeof(*spcr));
    if (!acpi_has(table, 0, SPCR_MINIMUM)) {
        if (table->data)
            log_write(LOG_WARNING, "acpi", "SPCR: shorter than its fixed part");
        return;
    }
    spcr->interface_type = acpi_u8(table, SPCR_INTERFACE);
    why = acpi_read_uart(table, SPCR_BASE, &spcr->uart);
    spcr->baud = baud_of(table);
    spcr->valid = !why;
    if (why)
        log_write(LOG_WARNING, "acpi", "SPCR at offset %u: %s", SPCR_BASE, why);
}
