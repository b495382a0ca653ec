/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/vtd/dmar.h"

#include <string.h>

/* "DMA Remapping Reporting Structure". */
#define TABLE_REVISION 8u
#define TABLE_WIDTH    36u
#define TABLE_FLAGS    37u

/* Fields of records, by offset from the record's start. */
#define RECORD_TYPE    0u
#define RECORD_FLAGS   4u
#define RECORD_SEGMENT 6u
#define DRHD_SIZE      5u
#define DRHD_ADDRESS   8u
#define RMRR_BASE      8u
#define RMRR_LIMIT     16u
#define RHSA_ADDRESS   8u
#define RHSA_DOMAIN    16u
#define ANDD_NUMBER    7u
#define ANDD_NAME      8u

/* "Device Scope Structure". */
#define SCOPE_TYPE      0u
#define SCOPE_LENGTH    1u
#define SCOPE_FLAGS     2u
#define SCOPE_ID        4u
#define SCOPE_START_BUS 5u
#define SCOPE_PATH      6u
#define SCOPE_MINIMUM   8u /* one hop */

#define PAGE_MASK       UINT64_C(0xFFF)

static const struct {
    const char *name;
    uint8_t fixed; /* bytes before the scopes */
    bool scopes;
} types[DMAR_TYPES] = {
    [DMAR_DRHD] = {"DRHD", 16, true}, [DMAR_RMRR] = {"RMRR", 24, true},
    [DMAR_ATSR] = {"ATSR", 8, true},  [DMAR_RHSA] = {"RHSA", 20, false},
    [DMAR_ANDD] = {"ANDD", 9, false}, [DMAR_SATC] = {"SATC", 8, true},
    [DMAR_SIDP] = {"SIDP", 8, true},
};

static void flaw(struct dmar *dmar, enum dmar_type type, struct dmar_record *record,
                 enum dmar_flaw flaw_bit, const char *why)
{
    record->flaws = (uint16_t)(record->flaws | flaw_bit);
    acpi_flaw(&dmar->found, record->offset, types[type].name, why);
}

/* ---- The walk ---- */

/* NULL: the scope was read; else why it is left out. Its length is sound. */
static const char *read_scope(const struct acpi_table *table, size_t at, struct dmar *dmar)
{
    struct dmar_scope *scope = &dmar->scopes[dmar->scope_count];
    unsigned hops = (acpi_u8(table, at + SCOPE_LENGTH) - SCOPE_PATH) / 2u;

    if (dmar->scope_count == DMAR_SCOPES_MAX)
        return "one device scope too many";
    if (hops > DMAR_HOPS_MAX)
        return "path is too long";
    *scope = (struct dmar_scope){
        .offset = (uint32_t)at,
        .type = acpi_u8(table, at + SCOPE_TYPE),
        .length = acpi_u8(table, at + SCOPE_LENGTH),
        .flags = acpi_u8(table, at + SCOPE_FLAGS),
        .enumeration_id = acpi_u8(table, at + SCOPE_ID),
        .start_bus = acpi_u8(table, at + SCOPE_START_BUS),
        .hops = (uint8_t)hops,
    };
    for (unsigned i = 0; i < hops; i++) {
        scope->path[i].device = acpi_u8(table, at + SCOPE_PATH + i * 2u);
        scope->path[i].function = acpi_u8(table, at + SCOPE_PATH + i * 2u + 1u);
    }
    dmar->scope_count++;
    return NULL;
}

/* Scopes of one record, up to the record's end. A length that cannot be stepped by ends the list;
 * the record stays. */
static void read_scopes(const struct acpi_table *table, size_t at, size_t end,
                        struct dmar_record *record, struct dmar *dmar)
{
    record->first_scope = (uint16_t)dmar->scope_count;
    while (at < end) {
        size_t length = end - at >= SCOPE_MINIMUM ? acpi_u8(table, at + SCOPE_LENGTH) : 0;
        bool steps = length >= SCOPE_MINIMUM && length % 2 == 0 && length <= end - at;
        const char *why = steps ? read_scope(table, at, dmar) : "length is wrong; list ends";

        if (why) {
            record->flaws |= DMAR_SCOPES_CUT;
            acpi_skip(&dmar->found, at, "device scope", why);
        }
        if (!steps)
            break;
        at += length;
    }
    record->scope_count = (uint16_t)(dmar->scope_count - record->first_scope);
}

/* The name ends at its first NUL, which lies within the record. */
static const char *read_andd(const struct acpi_table *table, size_t at, size_t length,
                             struct dmar_andd *andd)
{
    const char *name = (const char *)table->data + at + ANDD_NAME;
    const char *end = memchr(name, '\0', length - ANDD_NAME);

    if (!end)
        return "name does not end";
    if (end - name >= DMAR_NAME_LENGTH)
        return "name is too long";
    andd->number = acpi_u8(table, at + ANDD_NUMBER);
    memcpy(andd->name, name, (size_t)(end - name) + 1);
    return NULL;
}

static struct dmar_record *read_list(const struct acpi_table *table, size_t at,
                                     struct dmar_list *list, bool flags)
{
    list->flags = flags ? acpi_u8(table, at + RECORD_FLAGS) : 0;
    list->segment = acpi_u16(table, at + RECORD_SEGMENT);
    return &list->record;
}

/* Reads the fields into the next free entry of the record's type. NULL: *why it cannot be kept. */
static struct dmar_record *read_fields(const struct acpi_table *table, size_t at, size_t length,
                                       enum dmar_type type, struct dmar *dmar, const char **why)
{
    unsigned n = dmar->counts[type];

    switch (type) {
    case DMAR_DRHD:
        dmar->drhds[n].flags = acpi_u8(table, at + RECORD_FLAGS);
        dmar->drhds[n].size = acpi_u8(table, at + DRHD_SIZE);
        dmar->drhds[n].segment = acpi_u16(table, at + RECORD_SEGMENT);
        dmar->drhds[n].address = acpi_u64(table, at + DRHD_ADDRESS);
        dmar->drhds[n].unit = (uint16_t)n;
        return &dmar->drhds[n].record;
    case DMAR_RMRR:
        dmar->rmrrs[n].segment = acpi_u16(table, at + RECORD_SEGMENT);
        dmar->rmrrs[n].base = acpi_u64(table, at + RMRR_BASE);
        dmar->rmrrs[n].limit = acpi_u64(table, at + RMRR_LIMIT);
        return &dmar->rmrrs[n].record;
    case DMAR_RHSA:
        dmar->rhsas[n].address = acpi_u64(table, at + RHSA_ADDRESS);
        dmar->rhsas[n].proximity_domain = acpi_u32(table, at + RHSA_DOMAIN);
        return &dmar->rhsas[n].record;
    case DMAR_ANDD:
        *why = read_andd(table, at, length, &dmar->andds[n]);
        return *why ? NULL : &dmar->andds[n].record;
    case DMAR_ATSR:
        return read_list(table, at, &dmar->atsrs[n], true);
    case DMAR_SATC:
        return read_list(table, at, &dmar->satcs[n], true);
    case DMAR_SIDP:
        return read_list(table, at, &dmar->sidps[n], false);
    default:
        *why = "type is unknown";
        return NULL;
    }
}

static void read_record(const struct acpi_table *table, size_t at, size_t length, void *context)
{
    struct dmar *dmar = context;
    unsigned type = acpi_u16(table, at + RECORD_TYPE);
    struct dmar_record *record = NULL;
    const char *why = NULL;

    if (type >= DMAR_TYPES) {
        acpi_unknown(&dmar->found, at, type, length);
        return;
    }
    if (length < types[type].fixed)
        why = "shorter than its type; skipped";
    else if (dmar->counts[type] == DMAR_RECORDS_MAX)
        why = "one too many; skipped";
    else
        record = read_fields(table, at, length, type, dmar, &why);
    if (!record) {
        acpi_skip(&dmar->found, at, types[type].name, why);
        dmar->found.incomplete |= type == DMAR_DRHD;
        return;
    }
    *record = (struct dmar_record){.offset = (uint32_t)at, .length = (uint16_t)length};
    dmar->counts[type]++;
    if (types[type].scopes)
        read_scopes(table, at + types[type].fixed, at + length, record, dmar);
    dmar->found.incomplete |= type == DMAR_DRHD && (record->flaws & DMAR_SCOPES_CUT);
}

/* ---- What the values say ---- */

static bool beyond_width(const struct dmar *dmar, uint64_t address)
{
    return dmar->host_address_width < 64 && address >> dmar->host_address_width != 0;
}

static bool scopes_agree(const struct dmar *dmar, const struct dmar_record *a,
                         const struct dmar_record *b)
{
    if (a->scope_count != b->scope_count)
        return false;
    for (unsigned i = 0; i < a->scope_count; i++) {
        const struct dmar_scope *x = &dmar->scopes[a->first_scope + i];
        const struct dmar_scope *y = &dmar->scopes[b->first_scope + i];

        if (x->type != y->type || x->enumeration_id != y->enumeration_id ||
            x->start_bus != y->start_bus || x->hops != y->hops ||
            memcmp(x->path, y->path, sizeof(x->path)) != 0)
            return false;
    }
    return true;
}

/* Two units on one register set, or two that both claim the rest of a segment. */
static void compare_drhds(struct dmar *dmar, struct dmar_drhd *drhd,
                          const struct dmar_drhd *earlier)
{
    bool same = drhd->address == earlier->address;

    if (same && !(drhd->record.flaws & DMAR_UNUSABLE) && drhd->unit == drhd - dmar->drhds) {
        drhd->unit = (uint16_t)(earlier - dmar->drhds);
        if (drhd->segment == earlier->segment && drhd->flags == earlier->flags &&
            scopes_agree(dmar, &drhd->record, &earlier->record))
            flaw(dmar, DMAR_DRHD, &drhd->record, DMAR_DUPLICATE, "unit is listed twice");
        else
            flaw(dmar, DMAR_DRHD, &drhd->record, DMAR_CONFLICT,
                 "registers are another unit's; not used");
    }
    if (!same && drhd->segment == earlier->segment &&
        drhd->flags & earlier->flags & DMAR_INCLUDE_PCI_ALL &&
        !(drhd->record.flaws & DMAR_SECOND_CATCH_ALL)) {
        dmar->found.incomplete = true;
        flaw(dmar, DMAR_DRHD, &drhd->record, DMAR_SECOND_CATCH_ALL,
             "second INCLUDE_PCI_ALL of its segment");
    }
}

static bool has_andd(const struct dmar *dmar, uint8_t number)
{
    for (unsigned i = 0; i < dmar->counts[DMAR_ANDD]; i++)
        if (dmar->andds[i].number == number)
            return true;
    return false;
}

static void check_namespace_scopes(struct dmar *dmar, struct dmar_drhd *drhd)
{
    for (unsigned i = 0; i < drhd->record.scope_count; i++) {
        const struct dmar_scope *scope = &dmar->scopes[drhd->record.first_scope + i];

        if (scope->type == DMAR_SCOPE_NAMESPACE && !has_andd(dmar, scope->enumeration_id)) {
            flaw(dmar, DMAR_DRHD, &drhd->record, DMAR_UNMATCHED, "name-space scope without ANDD");
            return;
        }
    }
}

static void check_drhds(struct dmar *dmar)
{
    for (unsigned i = 0; i < dmar->counts[DMAR_DRHD]; i++) {
        struct dmar_drhd *drhd = &dmar->drhds[i];

        if (!drhd->address || drhd->address == UINT64_MAX)
            flaw(dmar, DMAR_DRHD, &drhd->record, DMAR_NO_ADDRESS, "no register base; not used");
        else if (drhd->address & PAGE_MASK)
            flaw(dmar, DMAR_DRHD, &drhd->record, DMAR_UNALIGNED,
                 "register base is unaligned; not used");
        else if (beyond_width(dmar, drhd->address))
            flaw(dmar, DMAR_DRHD, &drhd->record, DMAR_BEYOND_WIDTH,
                 "registers are beyond the address width");
        for (unsigned j = 0; j < i; j++)
            compare_drhds(dmar, drhd, &dmar->drhds[j]);
        check_namespace_scopes(dmar, drhd);
    }
}

static bool is_bad_range(const struct dmar_rmrr *rmrr)
{
    return rmrr->limit < rmrr->base || rmrr->limit == 0;
}

static bool overlaps_earlier(const struct dmar *dmar, unsigned n)
{
    const struct dmar_rmrr *rmrr = &dmar->rmrrs[n];

    for (unsigned i = 0; i < n; i++)
        if (!is_bad_range(&dmar->rmrrs[i]) && dmar->rmrrs[i].base <= rmrr->limit &&
            rmrr->base <= dmar->rmrrs[i].limit)
            return true;
    return false;
}

static void check_rmrrs(struct dmar *dmar)
{
    for (unsigned i = 0; i < dmar->counts[DMAR_RMRR]; i++) {
        struct dmar_rmrr *rmrr = &dmar->rmrrs[i];
        struct dmar_record *record = &rmrr->record;

        if (is_bad_range(rmrr)) {
            flaw(dmar, DMAR_RMRR, record, DMAR_BAD_RANGE, "limit is zero or below base; not used");
            continue;
        }
        if (rmrr->base & PAGE_MASK || ~rmrr->limit & PAGE_MASK)
            flaw(dmar, DMAR_RMRR, record, DMAR_UNALIGNED, "range is not in whole pages");
        if (rmrr->base <= PAGE_MASK)
            flaw(dmar, DMAR_RMRR, record, DMAR_PAGE_ZERO, "range holds the page at 0");
        if (beyond_width(dmar, rmrr->limit))
            flaw(dmar, DMAR_RMRR, record, DMAR_BEYOND_WIDTH, "range is beyond the address width");
        if (overlaps_earlier(dmar, i))
            flaw(dmar, DMAR_RMRR, record, DMAR_OVERLAP, "range overlaps an earlier one");
    }
}

static void check_rhsas(struct dmar *dmar)
{
    for (unsigned i = 0; i < dmar->counts[DMAR_RHSA]; i++) {
        unsigned unit = 0;

        while (unit < dmar->counts[DMAR_DRHD] &&
               dmar->drhds[unit].address != dmar->rhsas[i].address)
            unit++;
        if (unit == dmar->counts[DMAR_DRHD])
            flaw(dmar, DMAR_RHSA, &dmar->rhsas[i].record, DMAR_UNMATCHED, "no unit has its base");
    }
}

static void check_andds(struct dmar *dmar)
{
    for (unsigned i = 0; i < dmar->counts[DMAR_ANDD]; i++) {
        unsigned n = 0;

        while (n < dmar->scope_count && (dmar->scopes[n].type != DMAR_SCOPE_NAMESPACE ||
                                         dmar->scopes[n].enumeration_id != dmar->andds[i].number))
            n++;
        if (n == dmar->scope_count)
            flaw(dmar, DMAR_ANDD, &dmar->andds[i].record, DMAR_UNMATCHED, "no scope names it");
    }
}

bool dmar_read(const struct acpi_table *table, struct dmar *dmar)
{
    memset(dmar, 0, sizeof(*dmar));
    dmar->found.table = "DMAR";
    if (!acpi_read_records(table, read_record, dmar, &dmar->found))
        return false;
    dmar->revision = acpi_u8(table, TABLE_REVISION);
    dmar->host_address_width = (uint16_t)(acpi_u8(table, TABLE_WIDTH) + 1);
    dmar->flags = acpi_u8(table, TABLE_FLAGS);
    check_drhds(dmar);
    check_rmrrs(dmar);
    check_rhsas(dmar);
    check_andds(dmar);
    return true;
}

/* ---- Which unit a function belongs to ---- */

/* Index of the function at the end of the path: each hop but the last is a bridge, whose secondary
 * bus the next one is on. */
static uint16_t follow_path(const struct dmar_scope *scope, uint16_t segment,
                            const struct pci_inventory *inventory)
{
    uint16_t index = PCI_NONE;
    uint8_t bus = scope->start_bus;

    for (unsigned i = 0; i < scope->hops; i++) {
        if (scope->path[i].device > 31 || scope->path[i].function > 7)
            return PCI_NONE;
        if (i > 0) {
            if (!pci_is_bridge(&inventory->functions[index]))
                return PCI_NONE;
            bus = inventory->functions[index].secondary_bus;
        }
        index = pci_find(inventory, segment,
                         PCI_BDF(bus, scope->path[i].device, scope->path[i].function));
        if (index == PCI_NONE)
            return PCI_NONE;
    }
    return index;
}

bool dmar_scope_matches(const struct dmar_scope *scope, uint16_t segment,
                        const struct pci_inventory *inventory, uint16_t function_index)
{
    uint16_t target;

    if (function_index >= inventory->count ||
        (scope->type != DMAR_SCOPE_ENDPOINT && scope->type != DMAR_SCOPE_BRIDGE))
        return false;
    target = follow_path(scope, segment, inventory);
    if (target == PCI_NONE || target == function_index || scope->type == DMAR_SCOPE_ENDPOINT)
        return target == function_index;
    for (uint16_t up = function_index; up != PCI_NONE; up = inventory->functions[up].parent)
        if (up == target)
            return true;
    return false;
}

bool dmar_record_matches(const struct dmar *dmar, const struct dmar_record *record,
                         uint16_t segment, const struct pci_inventory *inventory,
                         uint16_t function_index)
{
    for (unsigned i = 0; i < record->scope_count; i++)
        if (dmar_scope_matches(&dmar->scopes[record->first_scope + i], segment, inventory,
                               function_index))
            return true;
    return false;
}

static int usable_unit(const struct dmar_drhd *drhd)
{
    return drhd->record.flaws & DMAR_UNUSABLE ? -1 : drhd->unit;
}

int dmar_drhd_for(const struct dmar *dmar, const struct pci_inventory *inventory,
                  uint16_t function_index)
{
    uint16_t segment;

    if (function_index >= inventory->count)
        return -1;
    segment = inventory->functions[function_index].segment;
    for (unsigned i = 0; i < dmar->counts[DMAR_DRHD]; i++)
        if (dmar->drhds[i].segment == segment &&
            dmar_record_matches(dmar, &dmar->drhds[i].record, segment, inventory, function_index))
            return usable_unit(&dmar->drhds[i]);
    for (unsigned i = 0; i < dmar->counts[DMAR_DRHD]; i++)
        if (dmar->drhds[i].segment == segment && dmar->drhds[i].flags & DMAR_INCLUDE_PCI_ALL)
            return usable_unit(&dmar->drhds[i]);
    return -1;
}
