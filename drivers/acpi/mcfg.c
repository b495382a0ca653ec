/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"

#include <stdio.h>
#include <string.h>

/* PCI Firmware Specification, "MCFG Table Description", "Configuration Space Base Address
 * Allocation Structure". */
#define MCFG_FIRST      44u
#define MCFG_ENTRY      16u
#define MCFG_SEGMENT    8u
#define MCFG_FIRST_BUS  10u
#define MCFG_LAST_BUS   11u
#define ECAM_BUS_LENGTH (UINT64_C(1) << 20)

static const char *fault_of(const struct acpi_mcfg *mcfg, const struct acpi_mcfg_range *range)
{
    if (range->first_bus > range->last_bus)
        return "last bus below first bus";
    if (!range->base || range->base % ECAM_BUS_LENGTH != 0)
        return "base is zero or unaligned";
    if (range->base > UINT64_MAX - 256 * ECAM_BUS_LENGTH)
        return "base wraps";
    for (unsigned i = 0; i < mcfg->count; i++) {
        const struct acpi_mcfg_range *other = &mcfg->ranges[i];

        if (other->segment == range->segment && other->first_bus <= range->last_bus &&
            range->first_bus <= other->last_bus)
            return "buses named before";
    }
    return mcfg->count == ACPI_MCFG_MAX ? "one range too many" : NULL;
}

static void complain(struct acpi_mcfg *mcfg, size_t offset, const char *why)
{
    char text[ACPI_REASON_LENGTH];

    snprintf(text, sizeof(text), "MCFG at offset %u: %s; skipped", (unsigned)offset, why);
    acpi_say("MCFG", mcfg->skipped++, text);
}

void acpi_read_mcfg(const struct acpi_table *table, struct acpi_mcfg *mcfg)
{
    size_t at = MCFG_FIRST;

    memset(mcfg, 0, sizeof(*mcfg));
    for (; acpi_has(table, at, MCFG_ENTRY); at += MCFG_ENTRY) {
        struct acpi_mcfg_range range = {
            .base = acpi_u64(table, at),
            .segment = acpi_u16(table, at + MCFG_SEGMENT),
            .first_bus = acpi_u8(table, at + MCFG_FIRST_BUS),
            .last_bus = acpi_u8(table, at + MCFG_LAST_BUS),
        };
        const char *why = fault_of(mcfg, &range);

        if (!why) {
            mcfg->ranges[mcfg->count++] = range;
            continue;
        }
        complain(mcfg, at, why);
    }
    if (table->data && at != table->length)
        complain(mcfg, at, "cut short");
}
