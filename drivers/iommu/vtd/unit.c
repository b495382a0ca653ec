/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "arch/table.h"
#include "drivers/iommu/vtd/regs.h"
#include "drivers/iommu/vtd/vtd.h"
#include "lib/log.h"

bool vtd_command(struct vtd_unit *vtd, uint32_t set, uint32_t clear, uint32_t mask, uint32_t value)
{
    uint32_t held = mmio_read32(&vtd->mmio, VTD_GSTS) & GSTS_HELD;
    const struct iommu_condition done = {&vtd->mmio, VTD_GSTS, mask, value};

    mmio_write32(&vtd->mmio, VTD_GCMD, (held & ~clear) | set);
    return iommu_await(&done);
}

static void count_records(const struct mmio *mmio, struct vtd_snapshot *snapshot)
{
    uint32_t offset = (uint32_t)FIELD_GET(snapshot->cap, CAP_FRO) * 16;

    for (unsigned n = 0; n <= FIELD_GET(snapshot->cap, CAP_NFR); n++) {
        if (offset < VTD_REGISTERS_END || offset + (n + 1) * 16 > mmio->length)
            return;
        snapshot->records++;
        if (mmio_read32(mmio, VTD_FRCD_TOP(offset, n)) & FRCD_TOP_F)
            snapshot->recorded++;
    }
}

bool vtd_snapshot(const struct mmio *mmio, struct vtd_snapshot *snapshot)
{
    uint64_t cap = mmio_read64(mmio, VTD_CAP);
    uint32_t status = mmio_read32(mmio, VTD_GSTS);

    *snapshot = (struct vtd_snapshot){0};
    if (cap == 0 || cap == UINT64_MAX || status == UINT32_MAX)
        return false;
    snapshot->te = status & GSTS_TES;
    snapshot->ire = status & GSTS_IRES;
    snapshot->qie = status & GSTS_QIES;
    if (FIELD_GET(cap, CAP_PLMR) || FIELD_GET(cap, CAP_PHMR))
        snapshot->pmr = mmio_read32(mmio, VTD_PMEN) & PMEN_PRS;
    snapshot->version = mmio_read32(mmio, VTD_VER);
    snapshot->cap = cap;
    snapshot->ecap = mmio_read64(mmio, VTD_ECAP);
    snapshot->root = mmio_read64(mmio, VTD_RTADDR);
    snapshot->fault_status = mmio_read32(mmio, VTD_FSTS);
    count_records(mmio, snapshot);
    return true;
}

static const char *refuse(const struct vtd_unit *vtd)
{
    uint32_t version = mmio_read32(&vtd->mmio, VTD_VER);
    uint32_t fault_offset = (uint32_t)FIELD_GET(vtd->cap, CAP_FRO) * 16;
    uint32_t fault_end = fault_offset + ((uint32_t)FIELD_GET(vtd->cap, CAP_NFR) + 1) * 16;

    if (version == UINT32_MAX || vtd->cap == UINT64_MAX || vtd->ecap == UINT64_MAX)
        return "its registers read all ones";
    if (version == 0 || vtd->cap == 0 || vtd->ecap == 0)
        return "its registers read all zeros";
    if (!(FIELD_GET(vtd->cap, CAP_SAGAW) & 0xE))
        return "it has no DMA translation (no supported guest address width)";
    if (!FIELD_GET(vtd->ecap, ECAP_QI))
        return "it has no queued invalidation";
    if (fault_offset < VTD_REGISTERS_END || fault_end > vtd->mmio.length)
        return "its fault recording registers lie on others or outside its register block";
    return NULL;
}

static void read_capabilities(struct iommu_unit *unit)
{
    struct vtd_unit *vtd = unit->vendor_state;
    uint64_t large = FIELD_GET(vtd->cap, CAP_SLLPS);

    vtd->drain = (FIELD_GET(vtd->cap, CAP_DRD) ? IOTLB_DR : 0) |
                 (FIELD_GET(vtd->cap, CAP_DWD) ? IOTLB_DW : 0);
    vtd->selective_orders =
        FIELD_GET(vtd->cap, CAP_PSI) ? (uint8_t)(FIELD_GET(vtd->cap, CAP_MAMV) + 1) : 0;
    unit->caps = (struct iommu_unit_caps){
        .width = (uint8_t)(FIELD_GET(vtd->cap, CAP_MGAW) + 1),
        .physical_width = vtd->host_address_width,
        .levels = (uint8_t)((FIELD_GET(vtd->cap, CAP_SAGAW) & 0xE) << 2),
        .leaf_levels = (uint8_t)(1u << 1 | (large & 1) << 2 | ((large & 3) == 3 ? 1u << 3 : 0)),
        .coherent = FIELD_GET(vtd->ecap, ECAP_C),
        .pass_through = FIELD_GET(vtd->ecap, ECAP_PT),
        .flush_on_map = FIELD_GET(vtd->cap, CAP_CM) || FIELD_GET(vtd->cap, CAP_RWBF),
        .domain_ids = UINT32_C(1) << (4 + 2 * FIELD_GET(vtd->cap, CAP_ND)),
    };
}

bool vtd_probe(struct iommu_unit *unit)
{
    struct vtd_unit *vtd = unit->vendor_state;
    size_t fault_end;

    unit->reason = "its register block cannot be mapped";
    if (!mmio_map(unit->base, VTD_REGISTERS_MIN, &vtd->mmio))
        return false;
    vtd->cap = mmio_read64(&vtd->mmio, VTD_CAP);
    vtd->ecap = mmio_read64(&vtd->mmio, VTD_ECAP);
    fault_end = (FIELD_GET(vtd->cap, CAP_FRO) + FIELD_GET(vtd->cap, CAP_NFR) + 1) * 16;
    if (vtd->cap != UINT64_MAX && fault_end > VTD_REGISTERS_MIN &&
        !mmio_map(unit->base, fault_end, &vtd->mmio))
        return false;
    unit->reason = refuse(vtd);
    if (unit->reason)
        return false;
    read_capabilities(unit);
    log_write(LOG_INFO, unit->name,
              "VT-d %u.%u at 0x%llx, cap 0x%llx, ecap 0x%llx, %u-bit addresses, %s walks",
              mmio_read32(&vtd->mmio, VTD_VER) >> 4 & 15, mmio_read32(&vtd->mmio, VTD_VER) & 15,
              (unsigned long long)unit->base, (unsigned long long)vtd->cap,
              (unsigned long long)vtd->ecap, unit->caps.width,
              unit->caps.coherent ? "coherent" : "non-coherent");
    return true;
}

/* What firmware or an earlier system left on. Translation stays on when it can: the new root table
 * then replaces the old one without a gap. */
static bool quiesce(struct vtd_unit *vtd)
{
    uint32_t status = mmio_read32(&vtd->mmio, VTD_GSTS);
    bool legacy = !(mmio_read64(&vtd->mmio, VTD_RTADDR) & RTADDR_TTM);

    if (status & GSTS_TES && !legacy && !vtd_command(vtd, 0, GCMD_TE, GSTS_TES, 0))
        return false;
    if (status & GSTS_IRES && !vtd_command(vtd, 0, GCMD_IRE, GSTS_IRES, 0))
        return false;
    if (status & GSTS_AFLS && !vtd_command(vtd, 0, GCMD_EAFL, GSTS_AFLS, 0))
        return false;
    return vtd_queue_stop(vtd);
}

static bool set_root_table(struct vtd_unit *vtd)
{
    if (FIELD_GET(vtd->cap, CAP_RWBF) && !vtd_command(vtd, GCMD_WBF, 0, GSTS_WBFS, 0))
        return false;
    mmio_write64(&vtd->mmio, VTD_RTADDR, memory_physical(vtd->root));
    return vtd_command(vtd, GCMD_SRTP, 0, GSTS_RTPS, GSTS_RTPS);
}

static bool invalidate_all(struct vtd_unit *vtd)
{
    struct vtd_descriptor batch[] = {
        vtd_context_descriptor(VTD_GLOBAL, 0, 0),
        vtd_iotlb_descriptor(vtd, VTD_GLOBAL, 0),
    };

    return vtd_submit(vtd, batch, 2);
}

static bool disable_protected_ranges(struct vtd_unit *vtd)
{
    const struct iommu_condition done = {&vtd->mmio, VTD_PMEN, PMEN_PRS, 0};

    if (!FIELD_GET(vtd->cap, CAP_PLMR) && !FIELD_GET(vtd->cap, CAP_PHMR))
        return true;
    mmio_write32(&vtd->mmio, VTD_PMEN, mmio_read32(&vtd->mmio, VTD_PMEN) & ~PMEN_EPM);
    return iommu_await(&done);
}

static bool allocate(struct vtd_unit *vtd)
{
    vtd->root = memory_alloc(OWNER_IOMMU, 1, 0);
    if (!vtd->root)
        return false;
    table_write_back(vtd->root, 4096);
    return iommu_queue_create(&vtd->queue);
}

bool vtd_enable(struct iommu_unit *unit)
{
    struct vtd_unit *vtd = unit->vendor_state;

    unit->reason = "there is no memory for its tables";
    if (!allocate(vtd))
        return false;
    unit->reason = "what firmware left on could not be turned off";
    if (!quiesce(vtd))
        return false;
    unit->reason = "it did not take the root table (GSTS.RTPS)";
    if (!set_root_table(vtd))
        return false;
    unit->reason = "its invalidation queue did not start (GSTS.QIES)";
    if (!vtd_queue_start(vtd))
        return false;
    unit->reason = "it did not complete the first invalidation";
    if (!invalidate_all(vtd))
        return false;
    unit->reason = "no interrupt vector is left for its faults";
    if (!vtd_fault_start(unit))
        return false;
    unit->reason = "it did not turn translation on (GSTS.TES)";
    if (!vtd_command(vtd, GCMD_TE, 0, GSTS_TES, GSTS_TES))
        return false;
    unit->reason = "its protected memory ranges could not be turned off (PMEN.PRS)";
    if (!disable_protected_ranges(vtd))
        return false;
    unit->reason = NULL;
    return true;
}
