/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"
#include "lib/log.h"

#include <string.h>

/* "Serial Port Console Redirection Table (SPCR)", table layout; the base address is a Generic
 * Address Structure of ACPI. */
#define SPCR_INTERFACE 36u
#define SPCR_BASE      40u
#define SPCR_MINIMUM   59u /* to "Baud Rate": the line keeps the speed that firmware gave it */

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
    spcr->valid = !why;
    if (why)
        log_write(LOG_WARNING, "acpi", "SPCR at offset %u: %s", SPCR_BASE, why);
}
