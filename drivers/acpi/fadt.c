/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"

/* ACPI, "Fixed ACPI Description Table (FADT)", and "Generic Address Structure". */
#define FADT_PM_TMR_BLK         76u
#define FADT_X_PM_TMR_BLK       208u
#define FADT_X_PM_TMR_BLK_VALUE 212u
#define SPACE_IO                1u

uint16_t acpi_pm_timer_port(const struct acpi_table *table)
{
    if (acpi_has(table, FADT_X_PM_TMR_BLK, 12) && acpi_u8(table, FADT_X_PM_TMR_BLK) == SPACE_IO) {
        uint64_t port = acpi_u64(table, FADT_X_PM_TMR_BLK_VALUE);

        if (port && port <= UINT16_MAX)
            return (uint16_t)port;
    }
    if (!acpi_has(table, FADT_PM_TMR_BLK, 4))
        return 0;
    uint32_t port = acpi_u32(table, FADT_PM_TMR_BLK);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}
