/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"

/* ACPI, "Generic Address Structure (GAS)". */
#define GAS_SPACE       0u
#define GAS_BIT_WIDTH   1u
#define GAS_ACCESS_SIZE 3u
#define GAS_ADDRESS     4u

#define SPACE_MEMORY    0u
#define SPACE_IO        1u
#define UART_REGISTERS  8u

bool acpi_is_16550(unsigned serial_subtype)
{
    return serial_subtype == 0x00 || serial_subtype == 0x01 || serial_subtype == 0x12;
}

/* Access size: 1 byte, 2 word, 3 doubleword; else undefined, which 16550s take as byte. Ports stand
 * side by side; registers in memory are as far apart as each is wide. */
const char *acpi_read_uart(const struct acpi_table *table, size_t offset, struct acpi_uart *uart)
{
    uint8_t space = acpi_u8(table, offset + GAS_SPACE);
    uint8_t access = acpi_u8(table, offset + GAS_ACCESS_SIZE);
    uint64_t last_offset;

    uart->io_port = space == SPACE_IO;
    uart->address = acpi_u64(table, offset + GAS_ADDRESS);
    uart->width = (uint8_t)(access == 2 || access == 3 ? 1u << (access - 1) : 1u);
    uart->stride = (uint8_t)(uart->io_port ? 1u : acpi_u8(table, offset + GAS_BIT_WIDTH) / 8u);
    if (uart->stride < uart->width)
        uart->stride = uart->width;
    last_offset = (uint64_t)uart->stride * UART_REGISTERS - 1;
    if (!uart->address)
        return "no address: redirection is off";
    if (space != SPACE_MEMORY && space != SPACE_IO)
        return "registers are neither memory nor I/O ports";
    if (uart->address > (uart->io_port ? UINT16_MAX : UINT64_MAX) - last_offset)
        return "registers wrap";
    return NULL;
}
