/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/vtd/vtd.h"
#include "lib/log.h"

#include <stdio.h>

static const struct iommu_unit_ops vtd_ops = {
    .vendor = "intel",
    .format = &pt_format_vtdss,
    .probe = vtd_probe,
    .enable = vtd_enable,
    .attach = vtd_attach,
    .block = vtd_block,
    .invalidate = vtd_invalidate,
    .drain = vtd_drain,
};

static void add_unit(struct vtd *vtd, struct iommu *iommu, unsigned n)
{
    const struct dmar_drhd *drhd = &vtd->dmar.drhds[n];
    struct vtd_unit *state = &vtd->units[iommu->unit_count];
    struct iommu_unit unit = {
        .ops = &vtd_ops,
        .vendor_state = state,
        .segment = drhd->segment,
        .base = drhd->address,
    };

    if (iommu->unit_count == IOMMU_UNITS_MAX) {
        log_write(LOG_WARNING, "DMAR", "unit at 0x%llx left out: too many units",
                  (unsigned long long)drhd->address);
        return;
    }
    *state = (struct vtd_unit){
        .host_address_width =
            (uint8_t)(vtd->dmar.host_address_width < 52 ? vtd->dmar.host_address_width : 52),
    };
    snprintf(unit.name, sizeof unit.name, "dmar%u", iommu->unit_count);
    (void)iommu_add_unit(iommu, &unit);
}

static const struct iommu_unit *unit_of(const struct vtd *vtd, const struct iommu *iommu,
                                        uint16_t endpoint)
{
    int drhd = dmar_drhd_for(&vtd->dmar, iommu->pci, endpoint);

    for (unsigned i = 0; drhd >= 0 && i < iommu->unit_count; i++)
        if (iommu->units[i].base == vtd->dmar.drhds[drhd].address)
            return &iommu->units[i];
    return NULL;
}

static void demand_regions(const struct vtd *vtd, struct iommu *iommu, uint16_t endpoint)
{
    for (unsigned i = 0; i < vtd->dmar.counts[DMAR_RMRR]; i++) {
        const struct dmar_rmrr *rmrr = &vtd->dmar.rmrrs[i];

        if (!(rmrr->record.flaws & (DMAR_BAD_RANGE | DMAR_BEYOND_WIDTH)) &&
            dmar_record_matches(&vtd->dmar, &rmrr->record, rmrr->segment, iommu->pci, endpoint))
            iommu_demand_region(iommu, endpoint, rmrr->base, rmrr->limit);
    }
}

bool vtd_discover(struct vtd *vtd, const struct acpi_table *table, struct iommu *iommu,
                  const char **reason)
{
    unsigned first = iommu->unit_count;

    *reason = "DMAR is shorter than its header";
    if (!dmar_read(table, &vtd->dmar))
        return false;
    for (unsigned i = 0; i < vtd->dmar.counts[DMAR_DRHD]; i++)
        if (vtd->dmar.drhds[i].unit == i && !(vtd->dmar.drhds[i].record.flaws & DMAR_UNUSABLE))
            add_unit(vtd, iommu, i);
    for (unsigned i = 0; i < iommu->pci->count; i++) {
        const struct iommu_unit *unit = unit_of(vtd, iommu, (uint16_t)i);

        if (unit)
            iommu_cover(iommu, (uint16_t)i, unit);
        demand_regions(vtd, iommu, (uint16_t)i);
    }
    iommu->incomplete |= vtd->dmar.found.incomplete;
    *reason = vtd->dmar.found.reason[0] ? vtd->dmar.found.reason : "DMAR describes no unit";
    return iommu->unit_count > first;
}
