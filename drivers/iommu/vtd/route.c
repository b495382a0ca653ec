/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/describe.h"
#include "drivers/iommu/vtd/regs.h"
#include "drivers/iommu/vtd/vtd.h"

/* "Root Entry" and "Context Entry", legacy mode. */
static const struct pt_field root_fields[] = {{"P", 0, 0, 0}, {"CTP", 12, 63, PT_FIELD_ADDRESS}};

static const struct pt_field context_fields[] = {
    {"P", 0, 0, 0},     {"FPD", 1, 1, 0},
    {"TT", 2, 3, 0},    {"SSPTPTR", 12, 63, PT_FIELD_ADDRESS},
    {"AW", 64, 66, 0},  {"AVL", 67, 70, 0},
    {"DID", 72, 87, 0},
};

static const struct pt_layout root_layout = PT_LAYOUT("root entry", 16, root_fields);
static const struct pt_layout context_layout = PT_LAYOUT("context entry", 16, context_fields);

#define ROOT_RESERVED         UINT64_C(0xFFE)
#define CONTEXT_RESERVED      UINT64_C(0xFF0)
#define CONTEXT_HIGH_RESERVED UINT64_C(0xFFFFFFFFFF000080)

enum translation_type { TYPE_TABLE, TYPE_DEVICE_TLB, TYPE_PASS, TYPE_RESERVED };

#define TYPE_OF(entry)   ((enum translation_type)((entry)->low >> 2 & 3))
#define WIDTH_OF(entry)  ((unsigned)(entry)->high & 7)
#define DOMAIN_OF(entry) ((entry)->high >> 8 & 0xFFFF)

/* "Protected Memory Regions". */
static void read_protected(const struct vtd_unit *vtd, struct iommu_route *route)
{
    bool low = FIELD_GET(vtd->cap, CAP_PLMR), high = FIELD_GET(vtd->cap, CAP_PHMR);

    if ((!low && !high) || !(mmio_read32(&vtd->mmio, VTD_PMEN) & PMEN_PRS))
        return;
    if (low)
        route->protected[0] =
            (struct iommu_span){mmio_read32(&vtd->mmio, VTD_PLMBASE),
                                mmio_read32(&vtd->mmio, VTD_PLMLIMIT) | PMR_BELOW};
    if (high)
        route->protected[1] =
            (struct iommu_span){mmio_read64(&vtd->mmio, VTD_PHMBASE),
                                mmio_read64(&vtd->mmio, VTD_PHMLIMIT) | PMR_BELOW};
}

static bool is_wide(const struct vtd_unit *vtd, uint64_t low)
{
    return pt_is_beyond(low, vtd->host_address_width);
}

static bool is_reserved(const struct vtd_unit *vtd, const struct vtd_entry *entry)
{
    return entry->low & CONTEXT_RESERVED || entry->high & CONTEXT_HIGH_RESERVED ||
           is_wide(vtd, entry->low) ||
           DOMAIN_OF(entry) >> (4 + 2 * FIELD_GET(vtd->cap, CAP_ND)) != 0;
}

/* "Programming Considerations" of the context entry: what the unit does not have. */
static bool is_invalid(const struct vtd_unit *vtd, const struct vtd_entry *entry)
{
    unsigned width = WIDTH_OF(entry);

    if (width > 3 || !(FIELD_GET(vtd->cap, CAP_SAGAW) >> width & 1))
        return true;
    switch (TYPE_OF(entry)) {
    case TYPE_TABLE:
        return false;
    case TYPE_DEVICE_TLB:
        return !FIELD_GET(vtd->ecap, ECAP_DT);
    case TYPE_PASS:
        return !FIELD_GET(vtd->ecap, ECAP_PT);
    case TYPE_RESERVED:
        break;
    }
    return true;
}

static enum iommu_walk_end judge_context(const struct vtd_unit *vtd, const struct vtd_entry *entry,
                                         struct iommu_route *route)
{
    unsigned levels = WIDTH_OF(entry) + 2;
    uint8_t width = (uint8_t)(FIELD_GET(vtd->cap, CAP_MGAW) + 1);

    if (!(entry->low & ENTRY_P))
        return IOMMU_WALK_BLOCKED;
    if (is_reserved(vtd, entry))
        return IOMMU_WALK_RESERVED;
    if (is_invalid(vtd, entry))
        return IOMMU_WALK_INVALID;
    if (TYPE_OF(entry) == TYPE_PASS)
        return IOMMU_WALK_PASSES;
    route->table = true;
    route->view.root = entry->low & ENTRY_ADDRESS;
    route->view.levels = (uint8_t)levels;
    route->view.width = width;
    route->view.physical_width = vtd->host_address_width;
    route->view.leaf_levels = (uint8_t)(1u << 1 | (FIELD_GET(vtd->cap, CAP_SLLPS) & 3) << 2);
    route->view.snoop = FIELD_GET(vtd->ecap, ECAP_SC);
    return IOMMU_WALK_TRANSLATED;
}

static enum iommu_walk_end follow(const struct vtd_unit *vtd, pci_bdf_t requester,
                                  const struct iommu_entry_visitor *visitor,
                                  struct iommu_route *route)
{
    uint64_t root = mmio_read64(&vtd->mmio, VTD_RTADDR);
    struct vtd_entry entry;
    uint64_t words[2];

    if (root & RTADDR_TTM)
        return IOMMU_WALK_UNKNOWN_MODE;
    if (!iommu_take_entry(visitor, &root_layout, root & ENTRY_ADDRESS, PCI_BUS(requester), words))
        return IOMMU_WALK_UNREADABLE;
    if (!(words[0] & ENTRY_P))
        return IOMMU_WALK_BLOCKED;
    if (words[0] & ROOT_RESERVED || words[1] || is_wide(vtd, words[0]))
        return IOMMU_WALK_RESERVED;
    if (!iommu_take_entry(visitor, &context_layout, words[0] & ENTRY_ADDRESS, requester & 0xFF,
                          words))
        return IOMMU_WALK_UNREADABLE;
    entry = (struct vtd_entry){words[0], words[1]};
    return judge_context(vtd, &entry, route);
}

void vtd_route(const struct iommu_unit *unit, pci_bdf_t requester, uint64_t address,
               const struct iommu_entry_visitor *visitor, struct iommu_route *route)
{
    const struct vtd_unit *vtd = unit->vendor_state;
    uint32_t status = vtd->mmio.length ? mmio_read32(&vtd->mmio, VTD_GSTS) : UINT32_MAX;

    if (status == UINT32_MAX) {
        route->end = IOMMU_WALK_NO_ANSWER;
        return;
    }
    read_protected(vtd, route);
    if (address >= IOMMU_INTERRUPT_FIRST && address <= IOMMU_INTERRUPT_LAST)
        route->end = IOMMU_WALK_INTERRUPT;
    else if (!(status & GSTS_TES))
        route->end = IOMMU_WALK_OFF;
    else
        route->end = follow(vtd, requester, visitor, route);
}
