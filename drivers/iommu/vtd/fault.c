/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/vtd/regs.h"
#include "drivers/iommu/vtd/vtd.h"

/* "Fault Reasons and Encodings": DMA remapping, legacy mode. */
static const char *reason_text(uint32_t reason)
{
    static const char *const texts[] = {
        [0x1] = "Present bit in root entry is clear",
        [0x2] = "Present bit in context entry is clear",
        [0x3] = "Invalid context entry",
        [0x4] = "Access beyond the address width",
        [0x5] = "Write permission is not set",
        [0x6] = "Read permission is not set",
        [0x7] = "Next-level paging entry cannot be read",
        [0x8] = "Root table cannot be read",
        [0x9] = "Context table cannot be read",
        [0xA] = "Reserved bits set in root entry",
        [0xB] = "Reserved bits set in context entry",
        [0xC] = "Reserved bits set in paging entry",
        [0xD] = "Translation requests are blocked",
        [0xE] = "Output address in the interrupt range",
    };

    if (reason < sizeof texts / sizeof *texts && texts[reason])
        return texts[reason];
    return "Unknown reason";
}

/* The same codes, sorted. An entry that is not there and one without the right share theirs. */
static enum iommu_fault_kind kind_of(uint32_t reason)
{
    switch (reason) {
    case 0x1:
    case 0x2:
        return IOMMU_FAULT_TRANSLATION;
    case 0x4:
        return IOMMU_FAULT_ADDRESS_SIZE;
    case 0x5:
    case 0x6:
        return IOMMU_FAULT_PERMISSION;
    case 0xD:
        return IOMMU_FAULT_UNSUPPORTED;
    default:
        return IOMMU_FAULT_EXTERNAL;
    }
}

bool vtd_fault_start(struct iommu_unit *unit)
{
    struct vtd_unit *vtd = unit->vendor_state;
    struct msi_message message;
    struct iommu_fault old;

    if (!irq_allocate(&unit->fault_line, &message))
        return false;
    mmio_write32(&vtd->mmio, VTD_FECTL, FECTL_IM);
    for (unsigned n = 0; n <= FIELD_GET(vtd->cap, CAP_NFR); n++)
        (void)vtd_drain(unit, &old, 1);
    mmio_write32(&vtd->mmio, VTD_FSTS, FSTS_PFO);
    mmio_write32(&vtd->mmio, VTD_FEDATA, message.data);
    mmio_write32(&vtd->mmio, VTD_FEADDR, (uint32_t)message.address);
    mmio_write32(&vtd->mmio, VTD_FEUADDR, (uint32_t)(message.address >> 32));
    mmio_write32(&vtd->mmio, VTD_FECTL, 0);
    return true;
}

/* Takes record n and gives its register back to the unit. */
static bool take(struct iommu_unit *unit, unsigned n, struct iommu_fault *fault)
{
    const struct vtd_unit *vtd = unit->vendor_state;
    uint32_t offset = (uint32_t)FIELD_GET(vtd->cap, CAP_FRO) * 16;
    uint64_t high = mmio_read64(&vtd->mmio, VTD_FRCD_HIGH(offset, n));

    if (!FIELD_GET(high, FRCD_F))
        return false;
    *fault = (struct iommu_fault){
        .source = "DMAR",
        .segment = unit->segment,
        .requester = (pci_bdf_t)FIELD_GET(high, FRCD_SID),
        .address = mmio_read64(&vtd->mmio, VTD_FRCD_LOW(offset, n)) & FRCD_FI,
        .write = !FIELD_GET(high, FRCD_T1),
        .reason = (uint32_t)FIELD_GET(high, FRCD_FR),
    };
    fault->kind = kind_of(fault->reason);
    fault->reason_text = reason_text(fault->reason);
    mmio_write32(&vtd->mmio, VTD_FRCD_TOP(offset, n), FRCD_TOP_F);
    return true;
}

/* "Primary Fault Logging": records first, then the overflow flag, or nothing is recorded again. */
unsigned vtd_drain(struct iommu_unit *unit, struct iommu_fault *faults, unsigned max)
{
    const struct vtd_unit *vtd = unit->vendor_state;
    uint32_t status = mmio_read32(&vtd->mmio, VTD_FSTS);
    unsigned count = 0;

    if (status == UINT32_MAX || !(status & (FSTS_PPF | FSTS_PFO)))
        return 0;
    for (unsigned n = 0; n <= FIELD_GET(vtd->cap, CAP_NFR) && count < max; n++)
        count += take(unit, n, &faults[count]);
    if (status & FSTS_PFO && count < max) {
        mmio_write32(&vtd->mmio, VTD_FSTS, FSTS_PFO);
        unit->overflows++;
    }
    return count;
}

void vtd_view(const struct iommu_unit *unit, struct iommu_unit_view *view)
{
    const struct vtd_unit *vtd = unit->vendor_state;
    uint32_t offset = (uint32_t)FIELD_GET(vtd->cap, CAP_FRO) * 16;

    if (!vtd->mmio.length)
        return;
    *view = (struct iommu_unit_view){
        .registers = {{"GSTS", mmio_read32(&vtd->mmio, VTD_GSTS)},
                      {"FSTS", mmio_read32(&vtd->mmio, VTD_FSTS)},
                      {"IQH", mmio_read64(&vtd->mmio, VTD_IQH)},
                      {"IQT", mmio_read64(&vtd->mmio, VTD_IQT)}},
    };
    for (unsigned n = 0; n <= FIELD_GET(vtd->cap, CAP_NFR); n++) {
        uint64_t high;

        if (view->record_count == IOMMU_VIEW_RECORDS || offset + n * 16 + 16 > vtd->mmio.length)
            return;
        high = mmio_read64(&vtd->mmio, VTD_FRCD_HIGH(offset, n));
        if (!FIELD_GET(high, FRCD_F))
            continue;
        view->records[view->record_count].low = mmio_read64(&vtd->mmio, VTD_FRCD_LOW(offset, n));
        view->records[view->record_count++].high = high;
    }
}
