/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/snapshot.h"

#include "arch/memory.h"
#include "boot/boot.h"
#include "boot/ecam.h"
#include "drivers/acpi/acpi.h"
#include "drivers/iommu/vtd/vtd.h"

static struct {
    struct acpi_tables tables;
    struct dmar dmar;
    struct pci_inventory pci;
    struct report_unit units[SNAPSHOT_UNITS_MAX];
    unsigned unit_count;
} at_entry;

static void take_unit(const struct dmar_drhd *drhd)
{
    struct mmio mmio;
    struct report_unit *unit = &at_entry.units[at_entry.unit_count++];
    struct vtd_snapshot flags = {0};

    *unit = (struct report_unit){"intel", drhd->segment, drhd->address, .answers = false};
    unit->answers = mmio_map(drhd->address, 0x1000, &mmio) && vtd_snapshot(&mmio, &flags);
    unit->te = flags.te;
    unit->ire = flags.ire;
    unit->qie = flags.qie;
    unit->pmr = flags.pmr;
}

void boot_snapshot(const struct boot_info *info)
{
    struct acpi_table table;
    struct pci_ecam ecam;

    if (!acpi_find_tables(info->rsdp, memory_map_firmware, &at_entry.tables))
        return;
    table = acpi_table_get(&at_entry.tables, "DMAR", 0);
    if (table.data && dmar_read(&table, &at_entry.dmar))
        for (unsigned i = 0; i < at_entry.dmar.counts[DMAR_DRHD]; i++)
            if (at_entry.dmar.drhds[i].unit == i &&
                !(at_entry.dmar.drhds[i].record.flaws & DMAR_UNUSABLE) &&
                at_entry.unit_count < SNAPSHOT_UNITS_MAX)
                take_unit(&at_entry.dmar.drhds[i]);
    if (!boot_read_ecam(&at_entry.tables, &ecam) || !pci_enumerate(&ecam, false, &at_entry.pci))
        at_entry.pci.count = 0;
}

unsigned snapshot_units(const struct report_unit **units)
{
    *units = at_entry.units;
    return at_entry.unit_count;
}

const struct pci_inventory *snapshot_functions(void)
{
    return &at_entry.pci;
}

bool snapshot_region(unsigned n, uint64_t *first, uint64_t *last)
{
    const uint16_t wrong = DMAR_BAD_RANGE | DMAR_BEYOND_WIDTH | DMAR_UNALIGNED;

    for (unsigned i = 0; i < at_entry.dmar.counts[DMAR_RMRR]; i++) {
        const struct dmar_rmrr *rmrr = &at_entry.dmar.rmrrs[i];

        if (rmrr->record.flaws & wrong || n--)
            continue;
        *first = rmrr->base;
        *last = rmrr->limit;
        return true;
    }
    return false;
}
