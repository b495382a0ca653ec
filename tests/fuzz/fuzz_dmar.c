/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* DMAR: every record lies in the table, every count within its array, every flaw is told; a
 * function gets a unit that can be used, covers its segment and claims it, or none. */
#include "fuzz.h"

#include "tests/host/dmar_record.h"

#define LINES_MAX (34 + ACPI_UNKNOWN_MAX)

static struct dmar dmar;

/* A root port with a bridge below it and an endpoint below that, two endpoints, another segment. */
static struct pci_inventory inventory = {
    .functions = {{.bdf = PCI_BDF(0, 1, 0),
                   .parent = PCI_NONE,
                   .port = PCI_ROOT_PORT,
                   .header_type = 1,
                   .secondary_bus = 1,
                   .subordinate_bus = 2},
                  {.bdf = PCI_BDF(0, 2, 0), .parent = PCI_NONE},
                  {.bdf = PCI_BDF(0, 31, 7), .parent = PCI_NONE},
                  {.bdf = PCI_BDF(1, 0, 0),
                   .parent = 0,
                   .port = PCI_TO_PCI_BRIDGE,
                   .header_type = 1,
                   .secondary_bus = 2,
                   .subordinate_bus = 2},
                  {.bdf = PCI_BDF(2, 3, 0), .parent = 3},
                  {.segment = 1, .bdf = PCI_BDF(0, 2, 0), .parent = PCI_NONE}},
    .count = 6,
};

static void judge_record(const struct acpi_table *table, const struct dmar_record *record)
{
    HOLDS(record->offset >= ACPI_RECORDS_START && record->length >= 4);
    HOLDS(acpi_has(table, record->offset, record->length));
    HOLDS(record->first_scope + record->scope_count <= dmar.scope_count);
    HOLDS(!record->flaws || dmar.found.skipped + dmar.found.flawed != 0);
    for (unsigned i = 0; i < record->scope_count; i++) {
        const struct dmar_scope *scope = &dmar.scopes[record->first_scope + i];

        HOLDS(scope->offset >= record->offset + 8 && scope->hops <= DMAR_HOPS_MAX);
        HOLDS(scope->offset + scope->length <= record->offset + record->length);
        HOLDS(scope->length == 6 + 2 * scope->hops);
    }
}

static void judge_records(const struct acpi_table *table)
{
    HOLDS(dmar.scope_count <= DMAR_SCOPES_MAX);
    for (enum dmar_type type = 0; type < DMAR_TYPES; type++) {
        uint32_t end = ACPI_RECORDS_START;

        HOLDS(dmar.counts[type] <= DMAR_RECORDS_MAX);
        for (unsigned n = 0; n < dmar.counts[type]; n++) {
            const struct dmar_record *record = dmar_record_of(&dmar, type, n);

            judge_record(table, record);
            HOLDS(record->offset >= end);
            end = record->offset + record->length;
            HOLDS(acpi_u16(table, record->offset) == type);
        }
    }
}

static void judge_units(void)
{
    for (unsigned i = 0; i < dmar.counts[DMAR_DRHD]; i++) {
        const struct dmar_drhd *drhd = &dmar.drhds[i], *first = &dmar.drhds[drhd->unit];

        HOLDS(drhd->unit <= i && first->address == drhd->address);
        HOLDS(drhd->unit == i || drhd->record.flaws & (DMAR_DUPLICATE | DMAR_CONFLICT));
        HOLDS(drhd->address % 4096 == 0 || drhd->record.flaws & DMAR_UNUSABLE);
    }
    for (unsigned i = 0; i < dmar.counts[DMAR_RMRR]; i++)
        HOLDS(dmar.rmrrs[i].base < dmar.rmrrs[i].limit || dmar.rmrrs[i].record.flaws);
}

static bool claims(const struct dmar_drhd *drhd, uint16_t function)
{
    return drhd->segment == inventory.functions[function].segment &&
           dmar_record_matches(&dmar, &drhd->record, drhd->segment, &inventory, function);
}

static void judge_lookup(uint16_t function)
{
    int found = dmar_drhd_for(&dmar, &inventory, function);
    bool claimed = false, usable = false;

    HOLDS(found >= -1 && found < (int)dmar.counts[DMAR_DRHD]);
    for (unsigned i = 0; i < dmar.counts[DMAR_DRHD]; i++) {
        if (claimed || !claims(&dmar.drhds[i], function))
            continue;
        claimed = true;
        usable = !(dmar.drhds[i].record.flaws & DMAR_UNUSABLE);
    }
    HOLDS(!claimed || usable == (found >= 0)); /* by the first that claims it */
    if (found < 0)
        return;
    const struct dmar_drhd *drhd = &dmar.drhds[found];
    HOLDS(!(drhd->record.flaws & DMAR_UNUSABLE) && drhd->unit == found);
    HOLDS(drhd->segment == inventory.functions[function].segment);
    HOLDS(claims(drhd, function) || (!claimed && drhd->flags & DMAR_INCLUDE_PCI_ALL));
}

void fuzz_one(struct input input)
{
    struct acpi_table table = input_table(&input);
    bool read = dmar_read(&table, &dmar);

    HOLDS(read ==
          (acpi_has(&table, 0, ACPI_RECORDS_START) && acpi_u32(&table, 4) >= ACPI_RECORDS_START));
    HOLDS((dmar.found.skipped + dmar.found.flawed != 0) == (dmar.found.reason[0] != '\0'));
    HOLDS(fuzz_log_lines() <= LINES_MAX);
    judge_records(&table);
    judge_units();
    for (uint16_t i = 0; i < inventory.count; i++)
        judge_lookup(i);
    HOLDS(dmar_drhd_for(&dmar, &inventory, (uint16_t)inventory.count) == -1);
}
