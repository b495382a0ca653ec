/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "lib/log.h"

static const struct iommu_unit_ops amdvi_ops = {
    .vendor = "amd",
    .format = &pt_format_amdv1,
    .probe = amdvi_probe,
    .enable = amdvi_enable,
    .attach = amdvi_attach,
    .block = amdvi_block,
    .invalidate = amdvi_invalidate,
    .forget = amdvi_forget,
    .drain = amdvi_drain,
    .view = amdvi_view,
    .registers = amdvi_registers,
    .route = amdvi_route,
};

/* "HyperTransport Special Addresses": interrupts, port access, configuration. */
#define HYPERTRANSPORT_FIRST UINT64_C(0xFD00000000)
#define HYPERTRANSPORT_LAST  UINT64_C(0xFFFFFFFFFF)

static const struct pci_function *find_function(const struct iommu *iommu,
                                                const struct ivrs_ivhd *ivhd)
{
    uint16_t index = pci_find(iommu->pci, ivhd->segment, ivhd->device_id);
    char name[PCI_NAME_LENGTH];

    if (index != PCI_NONE)
        return &iommu->pci->functions[index];
    log_write(LOG_WARNING, "iommu", "unit at 0x%llx: its function %s is not there",
              (unsigned long long)ivhd->base, pci_name(ivhd->segment, ivhd->device_id, name));
    return NULL;
}

static void add_unit(struct amdvi *amdvi, struct iommu *iommu, unsigned n)
{
    const struct ivrs_ivhd *ivhd = &amdvi->ivrs.ivhds[n];
    struct amdvi_unit *state = &amdvi->units[iommu->unit_count];
    const struct iommu_unit unit = {
        .ops = &amdvi_ops,
        .vendor_state = state,
        .segment = ivhd->segment,
        .base = ivhd->base,
        .length = AMDVI_REGISTERS,
        .name = "amdvi",
    };

    if (!iommu_add_unit(iommu, &unit))
        return;
    *state = (struct amdvi_unit){
        .iommu = iommu,
        .ivrs = &amdvi->ivrs,
        .ivhd = n,
        .function = find_function(iommu, ivhd),
    };
}

static struct ivrs_device look_up(const struct ivrs *ivrs, const struct iommu *iommu,
                                  uint16_t endpoint)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];

    return ivrs_device(ivrs, function->segment, function->bdf);
}

/* Before any function is covered: an alias may be the ID of another one. */
static void add_aliases(const struct ivrs *ivrs, struct iommu *iommu)
{
    for (uint16_t i = 0; i < iommu->pci->count; i++) {
        const struct pci_function *function = &iommu->pci->functions[i];
        const struct ivrs_device device = look_up(ivrs, iommu, i);
        char name[PCI_NAME_LENGTH], alias[PCI_NAME_LENGTH];

        if (device.unit < 0 || iommu_add_alias(iommu, i, device.requester))
            continue;
        iommu->incomplete = true;
        log_write(LOG_WARNING, "iommu", "%s is not covered: no room for its alias %s",
                  pci_name(function->segment, function->bdf, name),
                  pci_name(function->segment, device.requester, alias));
    }
}

/* A function whose requests also bear an ID that could not be added is not covered. */
static bool find_unit(const void *table, const struct iommu *iommu, uint16_t endpoint,
                      uint64_t *base)
{
    const struct ivrs *ivrs = table;
    const struct ivrs_device device = look_up(ivrs, iommu, endpoint);

    if (device.unit < 0 ||
        !iommu_sends_as(iommu, endpoint, iommu->pci->functions[endpoint].segment, device.requester))
        return false;
    *base = ivrs->ivhds[device.unit].base;
    return true;
}

static bool applies(const void *context, const struct iommu *iommu, uint16_t endpoint)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];

    return ivrs_ivmd_applies(context, function->segment, function->bdf);
}

/* IVMD flags: a unity range has the rights that IR and IW give, and an exclusion range, which is
 * not translated at all, has both. */
static enum pt_permission rights_of(const struct ivrs_ivmd *ivmd)
{
    enum pt_permission rights = PT_NONE;

    if (ivmd->flags & IVRS_EXCLUSION)
        return PT_READ_WRITE;
    if (!(ivmd->flags & IVRS_UNITY))
        return PT_NONE;
    if (ivmd->flags & IVRS_READ)
        rights |= PT_READ;
    if (ivmd->flags & IVRS_WRITE)
        rights |= PT_WRITE;
    return rights;
}

static void demand_regions(const struct ivrs *ivrs, struct iommu *iommu)
{
    for (unsigned i = 0; i < ivrs->ivmd_count; i++) {
        const struct ivrs_ivmd *ivmd = &ivrs->ivmds[i];
        const struct iommu_demand demand = {"IVMD", ivmd->record.offset, rights_of(ivmd),
                                            ivmd->base, ivmd->limit};

        if (!(ivmd->record.flaws & (IVRS_BAD_RANGE | IVRS_BEYOND_WIDTH)))
            iommu_demand_region(iommu, &demand, applies, ivmd);
    }
}

bool amdvi_discover(struct amdvi *amdvi, const struct acpi_table *table, struct iommu *iommu,
                    const char **reason)
{
    const struct ivrs *ivrs = &amdvi->ivrs;
    unsigned first = iommu->unit_count;

    *reason = "IVRS is shorter than its header";
    if (!ivrs_read(table, &amdvi->ivrs))
        return false;
    for (unsigned i = 0; i < ivrs->ivhd_count; i++) {
        if (!ivrs_is_unit(ivrs, i))
            continue;
        if (ivrs->ivhds[i].record.flaws & IVRS_UNUSABLE)
            iommu->incomplete = true;
        else
            add_unit(amdvi, iommu, i);
    }
    if (iommu->unit_count > first)
        iommu_add_special(iommu, HYPERTRANSPORT_FIRST, HYPERTRANSPORT_LAST);
    add_aliases(ivrs, iommu);
    iommu_cover_all(iommu, &amdvi_ops, find_unit, ivrs);
    demand_regions(ivrs, iommu);
    iommu->incomplete |= ivrs->found.incomplete;
    *reason = ivrs->found.reason[0] ? ivrs->found.reason : "IVRS describes no unit";
    return iommu->unit_count > first;
}
