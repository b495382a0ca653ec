/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* SPCR: what is said to be valid can be used as it stands. */
#include "fuzz.h"

#define FIXED          59u
#define UART_REGISTERS 8u

void fuzz_one(struct input input)
{
    struct acpi_table table = input_table(&input);
    struct acpi_spcr spcr;

    acpi_read_spcr(&table, &spcr);
    HOLDS(fuzz_log_lines() <= 1 && (fuzz_log_lines() != 0) == !spcr.valid);
    if (table.length < FIXED)
        HOLDS(!spcr.valid && spcr.uart.address == 0);
    if (!spcr.valid)
        return;
    uint64_t last = spcr.uart.address + spcr.uart.stride * UART_REGISTERS - 1u;
    HOLDS(spcr.uart.address != 0 && last > spcr.uart.address &&
          (!spcr.uart.io_port || last <= UINT16_MAX));
    HOLDS(spcr.uart.width == 1 || spcr.uart.width == 2 || spcr.uart.width == 4);
    HOLDS(spcr.uart.stride >= spcr.uart.width);
}
