/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"
#include "lib/log.h"

#include <string.h>

/* "Serial Port Console Redirection Table (SPCR)", table layout; the base address is a Generic
 * Address Structure of ACPI. */
#define SPCR_REVISION     8u
#define SPCR_INTERFACE    36u
#define SPCR_SPACE        40u
#define SPCR_BIT_WIDTH    41u
#define SPCR_ACCESS_SIZE  43u
#define SPCR_ADDRESS      44u
#define SPCR_BAUD         58u
#define SPCR_PRECISE_BAUD 80u /* from revision 4 on; 0: SPCR_BAUD holds */
#define SPCR_MINIMUM      59u

#define SPACE_MEMORY      0u
#define SPACE_IO          1u
#define UART_LENGTH       8u

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

static const char *fault_of(const struct acpi_spcr *spcr, uint8_t space)
{
    uint64_t last_offset = (uint64_t)spcr->stride * UART_LENGTH - 1;

    if (!spcr->address)
        return "no address: redirection is off";
    if (space != SPACE_MEMORY && space != SPACE_IO)
        return "registers are neither memory nor I/O ports";
    if (spcr->address > (spcr->io_port ? UINT16_MAX : UINT64_MAX) - last_offset)
        return "registers wrap";
    return NULL;
}

void acpi_read_spcr(const struct acpi_table *table, struct acpi_spcr *spcr)
{
    uint8_t space, access;
    const char *why;

    memset(spcr, 0, sizeof(*spcr));
    if (!acpi_has(table, 0, SPCR_MINIMUM)) {
        if (table->data)
            log_write(LOG_WARNING, "acpi", "SPCR: shorter than its fixed part");
        return;
    }
    space = acpi_u8(table, SPCR_SPACE);
    access = acpi_u8(table, SPCR_ACCESS_SIZE);
    spcr->interface_type = acpi_u8(table, SPCR_INTERFACE);
    spcr->io_port = space == SPACE_IO;
    spcr->address = acpi_u64(table, SPCR_ADDRESS);
    /* Access size: 1 byte, 2 word, 3 doubleword; else undefined, which 16550s take as byte. Ports
     * stand side by side; registers in memory are as far apart as each is wide. */
    spcr->width = (uint8_t)(access == 2 || access == 3 ? 1u << (access - 1) : 1u);
    spcr->stride = (uint8_t)(spcr->io_port ? 1u : acpi_u8(table, SPCR_BIT_WIDTH) / 8u);
    if (spcr->stride < spcr->width)
        spcr->stride = spcr->width;
    spcr->baud = baud_of(table);
    why = fault_of(spcr, space);
    spcr->valid = !why;
    if (why)
        log_write(LOG_WARNING, "acpi", "SPCR at offset %u: %s", SPCR_SPACE, why);
}
