/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/snapshot.h"

#include "arch/memory.h"
#include "boot/boot.h"
#include "boot/ecam.h"
#include "drivers/acpi/acpi.h"
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "drivers/iommu/vtd/regs.h"
#include "drivers/iommu/vtd/vtd.h"
#include "version.h"

#include <string.h>

static struct {
    struct acpi_tables tables;
    struct dmar dmar;
    struct ivrs ivrs;
    struct pci_inventory pci;
    struct report_unit units[SNAPSHOT_UNITS_MAX];
    unsigned unit_count;
    bool unclear; /* there may be units that are not among these */
    struct {
        uint64_t first, last;
    } regions[SNAPSHOT_REGIONS_MAX];
    unsigned region_count;
} at_entry;

/* False: the registers do not read sensibly. */
typedef bool (*look_routine)(const struct mmio *mmio, unsigned *on);

static void take_unit(const struct report_unit *unit, size_t length, look_routine look)
{
    struct mmio mmio;

    if (at_entry.unit_count == SNAPSHOT_UNITS_MAX) {
        at_entry.unclear = true;
        return;
    }
    struct report_unit *taken = &at_entry.units[at_entry.unit_count++];
    *taken = *unit;
    taken->answers = mmio_map(unit->base, length, &mmio) && look(&mmio, &taken->on);
}

static void take_region(uint64_t first, uint64_t last)
{
    if (at_entry.region_count == SNAPSHOT_REGIONS_MAX)
        return;
    at_entry.regions[at_entry.region_count].first = first;
    at_entry.regions[at_entry.region_count++].last = last;
}

static bool look_at_vtd(const struct mmio *mmio, unsigned *on)
{
    struct vtd_snapshot flags;
    bool answers = vtd_snapshot(mmio, &flags);

    *on = (flags.te ? REPORT_TE : 0u) | (flags.ire ? REPORT_IRE : 0u) |
          (flags.qie ? REPORT_QIE : 0u) | (flags.pmr ? REPORT_PMR : 0u);
    return answers;
}

static bool look_at_amdvi(const struct mmio *mmio, unsigned *on)
{
    struct amdvi_snapshot flags;
    bool answers = amdvi_snapshot(mmio, &flags);

    *on = (flags.enabled ? REPORT_TE : 0u) | (flags.command_buffer ? REPORT_QIE : 0u) |
          (flags.event_log ? REPORT_LOG : 0u);
    return answers;
}

static void take_dmar(const struct acpi_table *table)
{
    const uint16_t wrong = DMAR_BAD_RANGE | DMAR_BEYOND_WIDTH | DMAR_UNALIGNED;
    const struct dmar *dmar = &at_entry.dmar;

    at_entry.unclear |= !dmar_read(table, &at_entry.dmar) || dmar->found.incomplete;
    for (unsigned i = 0; i < dmar->counts[DMAR_DRHD]; i++) {
        const struct dmar_drhd *drhd = &dmar->drhds[i];
        const struct report_unit unit = {.vendor = "intel",
                                         .segment = drhd->segment,
                                         .base = drhd->address,
                                         .has = REPORT_TE | REPORT_IRE | REPORT_QIE | REPORT_PMR};

        if (drhd->unit != i)
            continue;
        if (drhd->record.flaws & DMAR_UNUSABLE)
            at_entry.unclear = true;
        else
            take_unit(&unit, VTD_REGISTERS_MIN, look_at_vtd);
    }
    for (unsigned i = 0; i < dmar->counts[DMAR_RMRR]; i++)
        if (!(dmar->rmrrs[i].record.flaws & wrong))
            take_region(dmar->rmrrs[i].base, dmar->rmrrs[i].limit);
}

/* Interrupts are remapped by each entry of the device table, and no ranges are protected. */
static void take_ivrs(const struct acpi_table *table)
{
    const uint16_t wrong = IVRS_BAD_RANGE | IVRS_BEYOND_WIDTH;
    const struct ivrs *ivrs = &at_entry.ivrs;

    at_entry.unclear |= !ivrs_read(table, &at_entry.ivrs) || ivrs->found.incomplete;
    for (unsigned i = 0; i < ivrs->ivhd_count; i++) {
        const struct ivrs_ivhd *ivhd = &ivrs->ivhds[i];
        const struct report_unit unit = {.vendor = "amd",
                                         .segment = ivhd->segment,
                                         .base = ivhd->base,
                                         .has = REPORT_TE | REPORT_QIE | REPORT_LOG};

        if (!ivrs_is_unit(ivrs, i))
            continue;
        if (ivhd->record.flaws & IVRS_UNUSABLE)
            at_entry.unclear = true;
        else
            take_unit(&unit, AMDVI_REGISTERS, look_at_amdvi);
    }
    for (unsigned i = 0; i < ivrs->ivmd_count; i++)
        if (!(ivrs->ivmds[i].record.flaws & wrong))
            take_region(ivrs->ivmds[i].base, ivrs->ivmds[i].limit);
}

static const struct {
    const char *signature;
    void (*take)(const struct acpi_table *table);
} kinds[] = {{"DMAR", take_dmar}, {"IVRS", take_ivrs}};

void boot_snapshot(const struct boot_info *info)
{
    struct pci_ecam ecam;

    memset(&at_entry, 0, sizeof at_entry);
    if (!acpi_find_tables(info->rsdp, memory_map_firmware, &at_entry.tables)) {
        at_entry.unclear = true;
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct acpi_table table = acpi_table_get(&at_entry.tables, kinds[i].signature, 0);

        if (table.data)
            kinds[i].take(&table);
    }
    if (!boot_read_ecam(&at_entry.tables, &ecam) || !pci_enumerate(&ecam, false, &at_entry.pci))
        at_entry.pci.count = 0;
}

const struct pci_inventory *snapshot_functions(void)
{
    return &at_entry.pci;
}

void snapshot_summary(const struct boot_info *info, struct report_summary *summary,
                      struct report_function *functions)
{
    for (unsigned i = 0; i < at_entry.pci.count; i++) {
        const struct pci_function *function = &at_entry.pci.functions[i];

        functions[i] = (struct report_function){
            .group = REPORT_NO_GROUP, .bus_master_at_entry = function->bus_master_at_entry};
        pci_name(function->segment, function->bdf, functions[i].name);
    }
    summary->version = BULKHEAD_VERSION;
    summary->image_base = info->image_base;
    summary->firmware = info->firmware_vendor;
    summary->secure_boot = info->secure_boot;
    summary->units = at_entry.units;
    summary->unit_count = at_entry.unit_count;
    summary->unclear = at_entry.unclear;
    summary->functions = functions;
    summary->function_count = at_entry.pci.count;
}

bool snapshot_region(unsigned n, uint64_t *first, uint64_t *last)
{
    if (n >= at_entry.region_count)
        return false;
    *first = at_entry.regions[n].first;
    *last = at_entry.regions[n].last;
    return true;
}
