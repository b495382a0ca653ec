/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/vtd/vtd.h"

static const struct iommu_unit_ops vtd_ops = {
    .vendor = "intel",
    .format = &pt_format_vtdss,
    .probe = vtd_probe,
    .enable = vtd_enable,
    .attach = vtd_attach,
    .block = vtd_block,
    .invalidate = vtd_invalidate,
    .forget = vtd_forget,
    .drain = vtd_drain,
    .view = vtd_view,
    .registers = vtd_registers,
    .route = vtd_route,
};

static void add_unit(struct vtd *vtd, struct iommu *iommu, unsigned n)
{
    const struct dmar_drhd *drhd = &vtd->dmar.drhds[n];
    struct vtd_unit *state = &vtd->units[iommu->unit_count];
    const struct iommu_unit unit = {
        .ops = &vtd_ops,
        .vendor_state = state,
        .segment = drhd->segment,
        .base = drhd->address,
        .length = UINT64_C(4096) << (drhd->size & 15),
        .name = "dmar",
    };

    if (!iommu_add_unit(iommu, &unit))
        return;
    *state = (struct vtd_unit){
        .host_address_width =
            (uint8_t)(vtd->dmar.host_address_width < 52 ? vtd->dmar.host_address_width : 52),
    };
}

static bool find_unit(const void *table, const struct iommu *iommu, uint16_t endpoint,
                      uint64_t *base)
{
    const struct dmar *dmar = table;
    int drhd = dmar_drhd_for(dmar, iommu->pci, endpoint);

    if (drhd >= 0)
        *base = dmar->drhds[drhd].address;
    return drhd >= 0;
}

struct rmrr_of {
    const struct dmar *dmar;
    const struct dmar_rmrr *rmrr;
};

static bool applies(const void *context, const struct iommu *iommu, uint16_t endpoint)
{
    const struct rmrr_of *of = context;

    return dmar_record_matches(of->dmar, &of->rmrr->record, of->rmrr->segment, iommu->pci,
                               endpoint);
}

static void demand_regions(const struct dmar *dmar, struct iommu *iommu)
{
    for (unsigned i = 0; i < dmar->counts[DMAR_RMRR]; i++) {
        const struct dmar_rmrr *rmrr = &dmar->rmrrs[i];
        const struct iommu_demand demand = {"RMRR", rmrr->record.offset, PT_READ_WRITE, rmrr->base,
                                            rmrr->limit};

        if (!(rmrr->record.flaws & (DMAR_BAD_RANGE | DMAR_BEYOND_WIDTH)))
            iommu_demand_region(iommu, &demand, applies, &(struct rmrr_of){dmar, rmrr});
    }
}

bool vtd_discover(struct vtd *vtd, const struct acpi_table *table, struct iommu *iommu,
                  const char **reason)
{
    unsigned first = iommu->unit_count;

    *reason = "DMAR is shorter than its header";
    if (!dmar_read(table, &vtd->dmar))
        return false;
    for (unsigned i = 0; i < vtd->dmar.counts[DMAR_DRHD]; i++) {
        if (vtd->dmar.drhds[i].unit != i)
            continue;
        if (vtd->dmar.drhds[i].record.flaws & DMAR_UNUSABLE)
            iommu->incomplete = true;
        else
            add_unit(vtd, iommu, i);
    }
    iommu_cover_all(iommu, &vtd_ops, find_unit, &vtd->dmar);
    demand_regions(&vtd->dmar, iommu);
    iommu->incomplete |= vtd->dmar.found.incomplete;
    *reason = vtd->dmar.found.reason[0] ? vtd->dmar.found.reason : "DMAR describes no unit";
    return iommu->unit_count > first;
}
