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
#include "lib/log.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

/* The registers of one unit. */
union registers {
    struct vtd_snapshot vtd;
    struct amdvi_snapshot amdvi;
};

static struct {
    struct acpi_tables tables;
    struct dmar dmar;
    struct ivrs ivrs;
    struct pci_inventory pci;
    struct report_unit units[SNAPSHOT_UNITS_MAX];
    union registers registers[SNAPSHOT_UNITS_MAX];
    unsigned unit_count;
    bool unclear; /* there may be units that are not among these */
    struct {
        uint64_t first, last;
        unsigned record; /* of its kind in the table */
        bool (*applies)(unsigned record, uint16_t function);
    } regions[SNAPSHOT_REGIONS_MAX];
    unsigned region_count;
} at_entry;

/* False: the registers do not read sensibly. */
typedef bool (*look_routine)(const struct mmio *mmio, union registers *registers, unsigned *on);

static void take_unit(const struct report_unit *unit, size_t length, look_routine look)
{
    struct mmio mmio;

    if (at_entry.unit_count == SNAPSHOT_UNITS_MAX) {
        at_entry.unclear = true;
        return;
    }
    union registers *registers = &at_entry.registers[at_entry.unit_count];
    struct report_unit *taken = &at_entry.units[at_entry.unit_count++];
    *taken = *unit;
    taken->answers = mmio_map(unit->base, length, &mmio) && look(&mmio, registers, &taken->on);
}

static void take_region(uint64_t first, uint64_t last, unsigned record,
                        bool (*applies)(unsigned record, uint16_t function))
{
    if (at_entry.region_count == SNAPSHOT_REGIONS_MAX)
        return;
    at_entry.regions[at_entry.region_count].first = first;
    at_entry.regions[at_entry.region_count].last = last;
    at_entry.regions[at_entry.region_count].record = record;
    at_entry.regions[at_entry.region_count++].applies = applies;
}

static bool look_at_vtd(const struct mmio *mmio, union registers *registers, unsigned *on)
{
    struct vtd_snapshot *vtd = &registers->vtd;
    bool answers = vtd_snapshot(mmio, vtd);

    *on = (vtd->te ? REPORT_TE : 0u) | (vtd->ire ? REPORT_IRE : 0u) | (vtd->qie ? REPORT_QIE : 0u) |
          (vtd->pmr ? REPORT_PMR : 0u);
    return answers;
}

static bool look_at_amdvi(const struct mmio *mmio, union registers *registers, unsigned *on)
{
    struct amdvi_snapshot *amdvi = &registers->amdvi;
    bool answers = amdvi_snapshot(mmio, amdvi);

    *on = (amdvi->enabled ? REPORT_TE : 0u) | (amdvi->command_buffer ? REPORT_QIE : 0u) |
          (amdvi->event_log ? REPORT_LOG : 0u);
    return answers;
}

static bool rmrr_applies(unsigned record, uint16_t function)
{
    const struct dmar_rmrr *rmrr = &at_entry.dmar.rmrrs[record];

    return dmar_record_matches(&at_entry.dmar, &rmrr->record, rmrr->segment, &at_entry.pci,
                               function);
}

static bool ivmd_applies(unsigned record, uint16_t function)
{
    const struct pci_function *of = &at_entry.pci.functions[function];

    return ivrs_ivmd_applies(&at_entry.ivrs.ivmds[record], of->segment, of->bdf);
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
            take_region(dmar->rmrrs[i].base, dmar->rmrrs[i].limit, i, rmrr_applies);
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
            take_region(ivrs->ivmds[i].base, ivrs->ivmds[i].limit, i, ivmd_applies);
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

/* ---- For a person, in lines of up to 80 columns ---- */

static void describe_vtd(unsigned n, const struct vtd_snapshot *vtd)
{
    log_line("dmar%u: VT-d %u.%u, cap 0x%llx, ecap 0x%llx", n, vtd->version >> 4 & 15,
             vtd->version & 15, (unsigned long long)vtd->cap, (unsigned long long)vtd->ecap);
    log_line("dmar%u: root table at 0x%llx, TTM=%u", n,
             (unsigned long long)(vtd->root & RTADDR_RTA),
             (unsigned)FIELD_GET(vtd->root, RTADDR_TTM));
    log_line("dmar%u: fault status 0x%x, a fault in %u of %u records", n, vtd->fault_status,
             vtd->recorded, vtd->records);
}

static void describe_amdvi(unsigned n, const struct amdvi_snapshot *amdvi)
{
    log_line("amdvi%u: AMD-Vi, efr 0x%llx, control 0x%llx", n, (unsigned long long)amdvi->efr,
             (unsigned long long)amdvi->control);
    log_line("amdvi%u: device table at 0x%llx, %u KiB", n, (unsigned long long)amdvi->device_table,
             amdvi->device_table_size >> 10);
    log_line("amdvi%u: status 0x%x, event log of %u, %u not taken", n, amdvi->status, amdvi->events,
             amdvi->unread);
}

/* The last flag of each table is the opt-in of DMA protection before boot. */
static void describe_tables(void)
{
    unsigned flags = at_entry.dmar.flags, info = at_entry.ivrs.info;

    if (acpi_table_get(&at_entry.tables, "DMAR", 0).data)
        log_line("DMAR: INTR_REMAP=%d X2APIC_OPT_OUT=%d DMA_CTRL_PLATFORM_OPT_IN=%d",
                 !!(flags & DMAR_INTR_REMAP), !!(flags & DMAR_X2APIC_OPT_OUT),
                 !!(flags & DMAR_CTRL_PLATFORM_OPT_IN_FLAG));
    if (acpi_table_get(&at_entry.tables, "IVRS", 0).data)
        log_line("IVRS: EFRSup=%d PASize=%u VASize=%u HtAtsResv=%d DmaRemapSup=%d",
                 !!(info & IVRS_EFR_SUP), IVRS_PA_SIZE(info), IVRS_VA_SIZE(info),
                 !!(info & IVRS_HT_ATS_RESV), !!(info & IVRS_DMA_REMAP_SUP));
}

static void describe_region(unsigned n)
{
    char name[PCI_NAME_LENGTH] = "no function here", more[24] = "";
    unsigned count = 0;

    for (uint16_t i = 0; i < at_entry.pci.count; i++) {
        const struct pci_function *function = &at_entry.pci.functions[i];

        if (at_entry.regions[n].applies(at_entry.regions[n].record, i) && count++ == 0)
            pci_name(function->segment, function->bdf, name);
    }
    if (count > 1)
        snprintf(more, sizeof more, " and %u more", count - 1);
    log_line("memory demanded for a device: 0x%llx-0x%llx of %s%s",
             (unsigned long long)at_entry.regions[n].first,
             (unsigned long long)at_entry.regions[n].last, name, more);
}

void snapshot_describe(void)
{
    describe_tables();
    for (unsigned i = 0; i < at_entry.unit_count; i++) {
        if (!at_entry.units[i].answers)
            continue;
        if (at_entry.units[i].has & REPORT_PMR)
            describe_vtd(i, &at_entry.registers[i].vtd);
        else
            describe_amdvi(i, &at_entry.registers[i].amdvi);
    }
    for (unsigned i = 0; i < at_entry.region_count; i++)
        describe_region(i);
}
