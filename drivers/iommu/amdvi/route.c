/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "drivers/iommu/core/describe.h"

/* "Device Table Entry Format". */
static const struct pt_field device_fields[] = {
    {"V", 0, 0, 0},
    {"TV", 1, 1, 0},
    {"HAD", 7, 8, 0},
    {"Mode", 9, 11, 0},
    {"HostPTRootPtr", 12, 51, PT_FIELD_ADDRESS},
    {"PPR", 52, 52, 0},
    {"GPRP", 53, 53, 0},
    {"GIoV", 54, 54, 0},
    {"GV", 55, 55, 0},
    {"GLX", 56, 57, 0},
    {"GCR3TRP[14:12]", 58, 60, 0},
    {"IR", 61, 61, 0},
    {"IW", 62, 62, 0},
    {"DomainID", 64, 79, 0},
    {"GCR3TRP[30:15]", 80, 95, 0},
    {"I", 96, 96, 0},
    {"SE", 97, 97, 0},
    {"SA", 98, 98, 0},
    {"IoCtl", 99, 100, 0},
    {"Cache", 101, 101, 0},
    {"SD", 102, 102, 0},
    {"EX", 103, 103, 0},
    {"SysMgt", 104, 105, 0},
    {"SATS", 106, 106, 0},
    {"GCR3TRP[51:31]", 107, 127, 0},
    {"IV", 128, 128, 0},
    {"IntTabLen", 129, 132, 0},
    {"IG", 133, 133, 0},
    {"IntTabRootPtr", 134, 179, PT_FIELD_ADDRESS},
    {"InitPass", 184, 184, 0},
    {"EIntPass", 185, 185, 0},
    {"NMIPass", 186, 186, 0},
    {"HPTMode", 187, 187, 0},
    {"IntCtl", 188, 189, 0},
    {"Lint0Pass", 190, 190, 0},
    {"Lint1Pass", 191, 191, 0},
    {"AttrV", 246, 246, 0},
    {"Mode0FC", 247, 247, 0},
    {"SnoopAttribute", 248, 255, 0},
};

static const struct pt_layout device_layout = PT_LAYOUT("device table entry", 32, device_fields);

#define BIT(n)                    (UINT64_C(1) << (n))
#define BITS(value, low, width)   ((unsigned)((value) >> (low) & (BIT(width) - 1)))
#define ADDRESS                   UINT64_C(0x000FFFFFFFFFF000)
#define TABLE_SIZE                UINT64_C(0x1FF)
#define CONTROL_DEV_TBL_SEG_SHIFT 34
#define CONTROL_DEV_TBL_SEG_WIDTH 3

/* Bits that are reserved unless a feature is there. */
static const struct {
    uint8_t word, feature; /* a bit of Extended Feature */
    uint64_t bits;
} optional[] = {
    {0, 1, BIT(52) | BIT(53)},    /* PPRSup: PPR, GPRP */
    {0, 4, UINT64_C(0x7F) << 54}, /* GTSup: what guest tables need */
    {1, 4, UINT64_C(0xFFFF) << 16},
    {1, 4, UINT64_C(0x1FFFFF) << 43},
    {0, 49, BIT(7)},                       /* HASup */
    {0, 52, BIT(8)},                       /* HDSup */
    {1, 31, BIT(42)},                      /* SATSSup */
    {3, 51, UINT64_C(0x3FF) << 54},        /* AttrFWSup: AttrV, Mode0FC, SnoopAttribute */
    {3, 55, UINT64_C(0x003FFFFFFFFFFFFF)}, /* vIommuSup */
};

static bool is_reserved(const struct amdvi_unit *amdvi, const uint64_t *entry, unsigned physical)
{
    if (entry[2] & DTE_IV &&
        (entry[2] & (UINT64_C(0xF) << 52 | BIT(59)) || pt_is_beyond(entry[2] & ADDRESS, physical)))
        return true;
    if (!(entry[0] & DTE_V))
        return false;
    for (unsigned i = 0; i < sizeof optional / sizeof *optional; i++)
        if (entry[optional[i].word] & optional[i].bits && !(amdvi->efr >> optional[i].feature & 1))
            return true;
    return entry[0] & (BIT(63) | UINT64_C(0x7C)) || pt_is_beyond(entry[0] & ADDRESS, physical);
}

static bool is_invalid(const struct amdvi_unit *amdvi, const uint64_t *entry)
{
    unsigned deepest = 4 + (unsigned)FIELD_GET(amdvi->efr, EFR_HATS);
    bool memory = entry[0] & DTE_V;

    if (entry[2] & DTE_IV && (BITS(entry[2], 60, 2) == 3 || BITS(entry[2], 1, 4) > 11))
        return true;
    return memory && ((entry[0] & DTE_TV && BITS(entry[0], DTE_MODE_SHIFT, 3) > deepest) ||
                      BITS(entry[1], 35, 2) == 3);
}

/* "Special Address Controls". True: no table is asked, `end` says what happens. */
static bool is_special(const uint64_t *entry, uint64_t address, enum iommu_walk_end *end)
{
    bool aborted = entry[2] & DTE_IV && !BITS(entry[2], 60, 2);
    bool port = address >> 25 == UINT64_C(0xFDFC000000) >> 25;
    unsigned allowed = port ? BITS(entry[1], 35, 2) : BITS(entry[1], DTE_SYS_MGT_SHIFT, 2);

    if (address >> 20 == IOMMU_INTERRUPT_FIRST >> 20 || address >> 24 == 0xFDF8) {
        *end = aborted ? IOMMU_WALK_INTERRUPT_ABORTED : IOMMU_WALK_INTERRUPT;
        return true;
    }
    if (!(entry[0] & DTE_V) || address < UINT64_C(0xFD00000000) || address >> 40)
        return false;
    *end = IOMMU_WALK_SPECIAL;
    if ((address >> 20 != 0xFDF91 && !port) || !allowed)
        return true;
    *end = IOMMU_WALK_FORWARDED;
    return allowed != (port ? 2u : 3u);
}

/* "Exclusion Range". */
static bool is_excluded(const struct amdvi_unit *amdvi, const uint64_t *entry, uint64_t address)
{
    uint64_t base = mmio_read64(&amdvi->mmio, AMDVI_EXCLUSION);
    uint64_t limit = mmio_read64(&amdvi->mmio, AMDVI_EXCLUSION_LIMIT);

    return base & 1 && address >= (base & ADDRESS) &&
           address <= (limit & ADDRESS) + (PT_PAGE_SIZE - 1) && (base & 2 || entry[1] & BIT(39));
}

static enum iommu_walk_end judge_memory(const struct amdvi_unit *amdvi, const uint64_t *entry,
                                        uint64_t address, struct iommu_route *route)
{
    enum pt_permission rights =
        (entry[0] & DTE_IR ? PT_READ : PT_NONE) | (entry[0] & DTE_IW ? PT_WRITE : PT_NONE);
    unsigned mode = BITS(entry[0], DTE_MODE_SHIFT, 3);

    if (!(entry[0] & DTE_V))
        return IOMMU_WALK_PASSES;
    if (is_excluded(amdvi, entry, address))
        return IOMMU_WALK_EXCLUDED;
    if (!(entry[0] & DTE_TV) || !rights)
        return IOMMU_WALK_BLOCKED;
    if (BITS(entry[0], 55, 1))
        return IOMMU_WALK_UNKNOWN_MODE;
    route->view.rights = rights;
    if (!mode)
        return iommu_untranslated(rights, route->view.wanted);
    route->table = true;
    route->view.root = entry[0] & ADDRESS;
    route->view.levels = (uint8_t)mode;
    return IOMMU_WALK_TRANSLATED;
}

static enum iommu_walk_end follow(const struct amdvi_unit *amdvi, pci_bdf_t requester,
                                  uint64_t address, const struct iommu_entry_visitor *visitor,
                                  struct iommu_route *route)
{
    uint64_t table = mmio_read64(&amdvi->mmio, AMDVI_DEVICE_TABLE);
    enum iommu_walk_end end;
    uint64_t entry[4];

    if (requester / AMDVI_ENTRIES_PER_PAGE > (table & TABLE_SIZE))
        return IOMMU_WALK_NO_ENTRY;
    if (!iommu_take_entry(visitor, &device_layout, table & ADDRESS, requester, entry))
        return IOMMU_WALK_UNREADABLE;
    if (is_reserved(amdvi, entry, route->view.physical_width))
        return IOMMU_WALK_RESERVED;
    if (is_invalid(amdvi, entry))
        return IOMMU_WALK_INVALID;
    if (is_special(entry, address, &end))
        return end;
    return judge_memory(amdvi, entry, address, route);
}

void amdvi_route(const struct iommu_unit *unit, pci_bdf_t requester, uint64_t address,
                 const struct iommu_entry_visitor *visitor, struct iommu_route *route)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;
    uint64_t control = amdvi->mmio.length ? mmio_read64(&amdvi->mmio, AMDVI_CONTROL) : UINT64_MAX;
    unsigned physical, virtual;

    if (control == UINT64_MAX) {
        route->end = IOMMU_WALK_NO_ANSWER;
        return;
    }
    amdvi_sizes(amdvi, &physical, &virtual);
    route->view.physical_width = (uint8_t)(physical && physical < 52 ? physical : 52);
    route->view.width = (uint8_t)(virtual ? virtual : 64);
    route->view.leaf_levels = pt_format_amdv1.leaf_levels;
    if (!(control & CONTROL_IOMMU_EN))
        route->end = IOMMU_WALK_OFF;
    else if (FIELD_GET(control, CONTROL_DEV_TBL_SEG))
        route->end = IOMMU_WALK_UNKNOWN_MODE;
    else
        route->end = follow(amdvi, requester, address, visitor, route);
}
