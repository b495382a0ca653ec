/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* MCFG: ranges within their array, each a whole one, no bus of a segment twice. */
#include "fuzz.h"

#define FIXED      44u
#define ENTRY      16u
#define BUS_LENGTH (UINT64_C(1) << 20)
#define LINES_MAX  34

static void judge_range(const struct acpi_mcfg *mcfg, unsigned n)
{
    const struct acpi_mcfg_range *range = &mcfg->ranges[n];

    HOLDS(range->base != 0 && range->base % BUS_LENGTH == 0);
    HOLDS(range->base <= UINT64_MAX - (range->last_bus + 1u) * BUS_LENGTH);
    HOLDS(range->first_bus <= range->last_bus);
    for (unsigned i = 0; i < n; i++) {
        const struct acpi_mcfg_range *other = &mcfg->ranges[i];

        HOLDS(other->segment != range->segment || other->last_bus < range->first_bus ||
              range->last_bus < other->first_bus);
    }
}

void fuzz_one(struct input input)
{
    struct acpi_table table = input_table(&input);
    size_t entries = table.length > FIXED ? (table.length - FIXED) / ENTRY : 0;
    bool whole = table.length >= FIXED && (table.length - FIXED) % ENTRY == 0;
    struct acpi_mcfg mcfg;

    acpi_read_mcfg(&table, &mcfg);
    HOLDS(mcfg.count <= ACPI_MCFG_MAX);
    HOLDS(mcfg.count + mcfg.skipped == entries + !whole);
    HOLDS(fuzz_log_lines() <= LINES_MAX);
    for (unsigned i = 0; i < mcfg.count; i++)
        judge_range(&mcfg, i);
}
