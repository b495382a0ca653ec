/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* DBG2: every port that is kept can be used as it stands. */
#include "fuzz.h"

#define UART_REGISTERS 8u
#define LINES_MAX      (ACPI_LINES_MAX + 1)

void fuzz_one(struct input input)
{
    struct acpi_table table = input_table(&input);
    struct acpi_dbg2 dbg2;

    acpi_read_dbg2(&table, &dbg2);
    HOLDS(dbg2.count <= ACPI_DBG2_MAX && fuzz_log_lines() <= LINES_MAX);
    HOLDS((fuzz_log_lines() != 0) >= (dbg2.skipped != 0));
    for (unsigned i = 0; i < dbg2.count; i++) {
        const struct acpi_uart *uart = &dbg2.uarts[i];
        uint64_t last = uart->address + uart->stride * UART_REGISTERS - 1u;

        HOLDS(uart->address != 0 && last > uart->address);
        HOLDS(!uart->io_port || (last <= UINT16_MAX && uart->stride == uart->width));
        HOLDS(uart->width == 1 || uart->width == 2 || uart->width == 4);
        HOLDS(uart->stride >= uart->width);
    }
}
