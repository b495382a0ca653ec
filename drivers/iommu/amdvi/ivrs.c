/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/amdvi/ivrs.h"

#include <string.h>

/* "I/O Virtualization Reporting Structure (IVRS)". */
#define TABLE_REVISION 8u
#define TABLE_INFO     36u

/* Fields of blocks, by offset from the block's start. */
#define BLOCK_TYPE      0u
#define BLOCK_FLAGS     1u
#define BLOCK_DEVICE_ID 4u
#define IVHD_CAPABILITY 6u
#define IVHD_BASE       8u
#define IVHD_SEGMENT    16u
#define IVHD_INFO       18u
#define IVHD_FEATURES   20u
#define IVHD_EFR        24u
#define IVHD_EFR2       32u
#define IVHD_10_ENTRIES 24u
#define IVHD_11_ENTRIES 40u
#define IVMD_AUXILIARY  6u
#define IVMD_SEGMENT    8u
#define IVMD_START      16u
#define IVMD_LENGTH     24u
#define IVMD_MINIMUM    32u

/* Fields of device entries. */
#define ENTRY_DEVICE_ID 1u
#define ENTRY_SETTING   3u
#define ENTRY_EXTENDED  4u
#define ENTRY_HANDLE    4u
#define ENTRY_SOURCE_ID 5u
#define ENTRY_VARIETY   7u
#define HID_HID         4u
#define HID_CID         12u
#define HID_UID_FORMAT  20u
#define HID_UID_LENGTH  21u
#define HID_UID         22u
#define HID_MINIMUM     22u

#define PAGE_MASK       UINT64_C(0xFFF)
#define REGISTERS_MASK  UINT64_C(0x3FFF)
#define INTEGER_UID_MAX 8u

static void flaw(struct ivrs *ivrs, struct ivrs_record *record, enum ivrs_flaw flaw_bit,
                 const char *subject, const char *why)
{
    record->flaws = (uint16_t)(record->flaws | flaw_bit);
    acpi_flaw(&ivrs->found, record->offset, subject, why);
}

static void flaw_entry(struct ivrs *ivrs, struct ivrs_entry *entry, enum ivrs_flaw flaw_bit,
                       const char *why)
{
    entry->flaws = (uint16_t)(entry->flaws | flaw_bit);
    acpi_flaw(&ivrs->found, entry->offset, "device entry", why);
}

/* ---- The walk ---- */

/* Bytes of the entry at `at`, of which at least one is within the block. 0: not to be known. */
static size_t entry_length(const struct acpi_table *table, size_t at, size_t end)
{
    uint8_t type = acpi_u8(table, at);

    if (type < IVRS_ACPI_HID)
        return (size_t)4 << (type >> 6);
    if (type == IVRS_ACPI_HID && end - at >= HID_MINIMUM)
        return HID_MINIMUM + acpi_u8(table, at + HID_UID_LENGTH);
    return 0;
}

static void read_hid(const struct acpi_table *table, size_t at, struct ivrs_hid *hid)
{
    memcpy(hid->hid, table->data + at + HID_HID, sizeof(hid->hid));
    memcpy(hid->cid, table->data + at + HID_CID, sizeof(hid->cid));
    hid->uid_format = acpi_u8(table, at + HID_UID_FORMAT);
    hid->uid_length = acpi_u8(table, at + HID_UID_LENGTH);
    memcpy(hid->uid, table->data + at + HID_UID, hid->uid_length);
}

/* NULL: the entry was read; else why it is left out. Its length is sound. */
static const char *read_entry(const struct acpi_table *table, size_t at, struct ivrs *ivrs)
{
    struct ivrs_entry *entry = &ivrs->entries[ivrs->entry_count];
    uint8_t type = acpi_u8(table, at);

    if (ivrs->entry_count == IVRS_ENTRIES_MAX)
        return "one too many";
    if (type == IVRS_ACPI_HID && ivrs->hid_count == IVRS_HIDS_MAX)
        return "one ACPI HID too many";
    *entry = (struct ivrs_entry){
        .offset = (uint32_t)at,
        .type = type,
        .device_id = acpi_u16(table, at + ENTRY_DEVICE_ID),
        .setting = acpi_u8(table, at + ENTRY_SETTING),
        .first = 1, /* none, until its type says otherwise */
        .last = 0,
    };
    if (type == IVRS_EXTENDED_SELECT || type == IVRS_EXTENDED_START || type == IVRS_PAD_8)
        entry->extended = acpi_u32(table, at + ENTRY_EXTENDED);
    if (type == IVRS_ALIAS_SELECT || type == IVRS_ALIAS_START || type == IVRS_SPECIAL)
        entry->source_id = acpi_u16(table, at + ENTRY_SOURCE_ID);
    if (type == IVRS_SPECIAL) {
        entry->handle = acpi_u8(table, at + ENTRY_HANDLE);
        entry->variety = acpi_u8(table, at + ENTRY_VARIETY);
    }
    if (type == IVRS_ACPI_HID) {
        entry->hid = (uint16_t)ivrs->hid_count;
        read_hid(table, at, &ivrs->hids[ivrs->hid_count++]);
    }
    ivrs->entry_count++;
    return NULL;
}

/* Device entries of one block, up to the block's end. A length that cannot be stepped by ends the
 * list; the block stays. */
static void read_entries(const struct acpi_table *table, size_t at, size_t end,
                         struct ivrs_ivhd *ivhd, struct ivrs *ivrs)
{
    ivhd->first_entry = (uint16_t)ivrs->entry_count;
    while (at < end) {
        size_t length = entry_length(table, at, end);
        bool steps = length != 0 && length <= end - at;
        const char *why = steps ? read_entry(table, at, ivrs) : "length is wrong; list ends";

        if (why) {
            ivhd->record.flaws |= IVRS_ENTRIES_CUT;
            acpi_skip(&ivrs->found, at, "device entry", why);
        }
        if (!steps)
            break;
        at += length;
    }
    ivhd->entry_count = (uint16_t)(ivrs->entry_count - ivhd->first_entry);
}

static void read_ivhd(const struct acpi_table *table, size_t at, size_t length, struct ivrs *ivrs)
{
    struct ivrs_ivhd *ivhd = &ivrs->ivhds[ivrs->ivhd_count];
    uint8_t type = acpi_u8(table, at + BLOCK_TYPE);
    size_t fixed = type == IVRS_IVHD_10 ? IVHD_10_ENTRIES : IVHD_11_ENTRIES;

    if (length < fixed || ivrs->ivhd_count == IVRS_RECORDS_MAX) {
        acpi_skip(&ivrs->found, at, "IVHD",
                  length < fixed ? "shorter than its type; skipped" : "one too many; skipped");
        ivrs->found.incomplete = true;
        return;
    }
    *ivhd = (struct ivrs_ivhd){
        .record = {.offset = (uint32_t)at, .length = (uint16_t)length},
        .unit = (uint16_t)ivrs->ivhd_count++,
        .type = type,
        .flags = acpi_u8(table, at + BLOCK_FLAGS),
        .device_id = acpi_u16(table, at + BLOCK_DEVICE_ID),
        .capability = acpi_u16(table, at + IVHD_CAPABILITY),
        .base = acpi_u64(table, at + IVHD_BASE),
        .segment = acpi_u16(table, at + IVHD_SEGMENT),
        .info = acpi_u16(table, at + IVHD_INFO),
        .features = acpi_u32(table, at + IVHD_FEATURES),
        .efr = fixed == IVHD_11_ENTRIES ? acpi_u64(table, at + IVHD_EFR) : 0,
        .efr2 = fixed == IVHD_11_ENTRIES ? acpi_u64(table, at + IVHD_EFR2) : 0,
    };
    read_entries(table, at + fixed, at + length, ivhd, ivrs);
}

static void read_ivmd(const struct acpi_table *table, size_t at, size_t length, struct ivrs *ivrs)
{
    struct ivrs_ivmd *ivmd = &ivrs->ivmds[ivrs->ivmd_count];

    if (length < IVMD_MINIMUM || ivrs->ivmd_count == IVRS_RECORDS_MAX) {
        acpi_skip(&ivrs->found, at, "IVMD",
                  length < IVMD_MINIMUM ? "shorter than its type; skipped"
                                        : "one too many; skipped");
        return;
    }
    ivrs->ivmd_count++;
    *ivmd = (struct ivrs_ivmd){
        .record = {.offset = (uint32_t)at, .length = (uint16_t)length},
        .type = acpi_u8(table, at + BLOCK_TYPE),
        .flags = acpi_u8(table, at + BLOCK_FLAGS),
        .device_id = acpi_u16(table, at + BLOCK_DEVICE_ID),
        .auxiliary = acpi_u16(table, at + IVMD_AUXILIARY),
        .segment = acpi_u16(table, at + IVMD_SEGMENT),
        .start = acpi_u64(table, at + IVMD_START),
        .length = acpi_u64(table, at + IVMD_LENGTH),
    };
    ivmd->first = ivmd->type == IVRS_IVMD_ALL ? 0 : ivmd->device_id;
    ivmd->last = ivmd->type == IVRS_IVMD_RANGE ? ivmd->auxiliary : ivmd->device_id;
    if (ivmd->type == IVRS_IVMD_ALL)
        ivmd->last = UINT16_MAX;
}

static void read_block(const struct acpi_table *table, size_t at, size_t length, void *context)
{
    struct ivrs *ivrs = context;
    uint8_t type = acpi_u8(table, at + BLOCK_TYPE);

    switch (type) {
    case IVRS_IVHD_10:
    case IVRS_IVHD_11:
    case IVRS_IVHD_40:
        read_ivhd(table, at, length, ivrs);
        break;
    case IVRS_IVMD_ALL:
    case IVRS_IVMD_SELECT:
    case IVRS_IVMD_RANGE:
        read_ivmd(table, at, length, ivrs);
        break;
    default:
        acpi_unknown(&ivrs->found, at, type, length);
    }
}

/* ---- What the entries say ---- */

static void select_ids(struct ivrs_entry *entry, uint16_t first, uint16_t last)
{
    entry->first = first;
    entry->last = last;
}

/* A range is a start and, padding aside, the end right behind it. NULL: it has none. */
static struct ivrs_entry *end_of(struct ivrs *ivrs, const struct ivrs_ivhd *ivhd, unsigned n)
{
    do
        n++;
    while (n < ivhd->entry_count && (ivrs->entries[ivhd->first_entry + n].type == IVRS_PAD_4 ||
                                     ivrs->entries[ivhd->first_entry + n].type == IVRS_PAD_8));
    if (n == ivhd->entry_count || ivrs->entries[ivhd->first_entry + n].type != IVRS_END)
        return NULL;
    return &ivrs->entries[ivhd->first_entry + n];
}

/* Gives the start its range. Returns the end that it used, NULL for none. */
static struct ivrs_entry *pair(struct ivrs *ivrs, struct ivrs_ivhd *ivhd, unsigned n)
{
    struct ivrs_entry *start = &ivrs->entries[ivhd->first_entry + n];
    struct ivrs_entry *end = end_of(ivrs, ivhd, n);

    if (!end) {
        flaw_entry(ivrs, start, IVRS_UNPAIRED, "range start without its end; not used");
        ivhd->record.flaws |= IVRS_ENTRIES_CUT;
    } else if (end->device_id < start->device_id) {
        flaw_entry(ivrs, start, IVRS_BAD_RANGE, "range ends below its start; not used");
        ivhd->record.flaws |= IVRS_ENTRIES_CUT;
    } else {
        select_ids(start, start->device_id, end->device_id);
    }
    return end;
}

static bool odd_uid(const struct ivrs_hid *hid)
{
    switch (hid->uid_format) {
    case IVRS_UID_NONE:
        return hid->uid_length != 0;
    case IVRS_UID_INTEGER:
        return hid->uid_length == 0 || hid->uid_length > INTEGER_UID_MAX;
    default:
        return hid->uid_format != IVRS_UID_STRING;
    }
}

static void check_hid(struct ivrs *ivrs, const struct ivrs_ivhd *ivhd, struct ivrs_entry *entry)
{
    static const uint8_t empty[8];
    const struct ivrs_hid *hid = &ivrs->hids[entry->hid];

    select_ids(entry, entry->device_id, entry->device_id);
    if (ivhd->type != IVRS_IVHD_40)
        flaw_entry(ivrs, entry, IVRS_UNKNOWN, "ACPI HID in a block of fixed entries");
    if (memcmp(hid->hid, empty, sizeof(empty)) == 0)
        flaw_entry(ivrs, entry, IVRS_UNKNOWN, "ACPI HID is empty");
    if (odd_uid(hid))
        flaw_entry(ivrs, entry, IVRS_UNKNOWN, "UID is not of its format");
}

static void check_special(struct ivrs *ivrs, struct ivrs_entry *entry)
{
    select_ids(entry, entry->source_id, entry->source_id);
    if (entry->variety != IVRS_IOAPIC && entry->variety != IVRS_HPET)
        flaw_entry(ivrs, entry, IVRS_UNKNOWN, "special device of unknown variety");
}

static void check_entries(struct ivrs *ivrs, struct ivrs_ivhd *ivhd)
{
    const struct ivrs_entry *used = NULL;

    for (unsigned n = 0; n < ivhd->entry_count; n++) {
        struct ivrs_entry *entry = &ivrs->entries[ivhd->first_entry + n];

        switch (entry->type) {
        case IVRS_PAD_4:
        case IVRS_PAD_8:
            break;
        case IVRS_ALL:
            select_ids(entry, 0, UINT16_MAX);
            break;
        case IVRS_SELECT:
        case IVRS_ALIAS_SELECT:
        case IVRS_EXTENDED_SELECT:
            select_ids(entry, entry->device_id, entry->device_id);
            break;
        case IVRS_START:
        case IVRS_ALIAS_START:
        case IVRS_EXTENDED_START:
            used = pair(ivrs, ivhd, n);
            break;
        case IVRS_END:
            if (entry != used)
                flaw_entry(ivrs, entry, IVRS_UNPAIRED, "range end without its start");
            break;
        case IVRS_SPECIAL:
            check_special(ivrs, entry);
            break;
        case IVRS_ACPI_HID:
            check_hid(ivrs, ivhd, entry);
            break;
        default:
            flaw_entry(ivrs, entry, IVRS_UNKNOWN, "type is unknown");
        }
    }
}

/* ---- Which block counts ---- */

static unsigned richness(const struct ivrs_ivhd *ivhd)
{
    return ivhd->type; /* 10h, 11h, 40h: each says what the one before says, and more */
}

static bool same_unit(const struct ivrs_ivhd *a, const struct ivrs_ivhd *b)
{
    return a->segment == b->segment && a->device_id == b->device_id;
}

static bool entries_agree(const struct ivrs *ivrs, const struct ivrs_ivhd *a,
                          const struct ivrs_ivhd *b)
{
    if (a->base != b->base || a->entry_count != b->entry_count)
        return false;
    for (unsigned i = 0; i < a->entry_count; i++) {
        const struct ivrs_entry *x = &ivrs->entries[a->first_entry + i];
        const struct ivrs_entry *y = &ivrs->entries[b->first_entry + i];

        if (x->type != y->type || x->first != y->first || x->last != y->last ||
            x->source_id != y->source_id || x->setting != y->setting ||
            x->extended != y->extended || x->handle != y->handle || x->variety != y->variety)
            return false;
    }
    return true;
}

static void choose(struct ivrs *ivrs, unsigned n)
{
    struct ivrs_ivhd *ivhd = &ivrs->ivhds[n];

    for (unsigned i = 0; i < ivrs->ivhd_count; i++) {
        const struct ivrs_ivhd *other = &ivrs->ivhds[i], *best = &ivrs->ivhds[ivhd->unit];

        if (same_unit(ivhd, other) && (richness(other) > richness(best) ||
                                       (richness(other) == richness(best) && i < ivhd->unit)))
            ivhd->unit = (uint16_t)i;
    }
}

/* A block beside the one that counts for the same unit. */
static void compare_with_chosen(struct ivrs *ivrs, struct ivrs_ivhd *ivhd)
{
    const struct ivrs_ivhd *chosen = &ivrs->ivhds[ivhd->unit];

    if (ivhd->type == chosen->type && entries_agree(ivrs, ivhd, chosen)) {
        flaw(ivrs, &ivhd->record, IVRS_DUPLICATE, "IVHD", "unit is listed twice");
    } else if (ivhd->type == chosen->type) {
        ivrs->found.incomplete = true;
        flaw(ivrs, &ivhd->record, IVRS_CONFLICT, "IVHD", "contradicts an earlier one; not used");
    } else if (ivhd->base != chosen->base) {
        flaw(ivrs, &ivhd->record, IVRS_DISAGREES, "IVHD", "richer block has other registers");
    }
}

static bool beyond_width(const struct ivrs *ivrs, uint64_t address)
{
    unsigned bits = IVRS_PA_SIZE(ivrs->info);

    return bits != 0 && bits < 64 && address >> bits != 0;
}

static void check_unit(struct ivrs *ivrs, unsigned n)
{
    struct ivrs_ivhd *ivhd = &ivrs->ivhds[n];

    if (!ivhd->base || ivhd->base == UINT64_MAX)
        flaw(ivrs, &ivhd->record, IVRS_NO_ADDRESS, "IVHD", "no register base; not used");
    else if (ivhd->base & REGISTERS_MASK)
        flaw(ivrs, &ivhd->record, IVRS_UNALIGNED, "IVHD", "register base is unaligned; not used");
    else if (beyond_width(ivrs, ivhd->base))
        flaw(ivrs, &ivhd->record, IVRS_BEYOND_WIDTH, "IVHD",
             "registers are beyond the address width");
    for (unsigned i = 0; i < n && !(ivhd->record.flaws & IVRS_UNUSABLE); i++)
        if (ivrs_is_unit(ivrs, i) && ivrs->ivhds[i].base == ivhd->base)
            flaw(ivrs, &ivhd->record, IVRS_CONFLICT, "IVHD",
                 "registers are another unit's; not used");
    if (ivhd->record.flaws & IVRS_ENTRIES_CUT)
        ivrs->found.incomplete = true;
}

/* True when an earlier entry gives the same special device another DeviceID. */
static bool contradicts(const struct ivrs *ivrs, unsigned unit, const struct ivrs_entry *entry)
{
    for (unsigned i = 0; i <= unit; i++) {
        const struct ivrs_ivhd *ivhd = &ivrs->ivhds[i];
        const struct ivrs_entry *other = &ivrs->entries[ivhd->first_entry];

        for (unsigned n = 0; ivrs_is_unit(ivrs, i) && n < ivhd->entry_count; n++, other++)
            if (other < entry && other->type == IVRS_SPECIAL && other->variety == entry->variety &&
                other->handle == entry->handle &&
                (other->source_id != entry->source_id ||
                 ivhd->segment != ivrs->ivhds[unit].segment))
                return true;
    }
    return false;
}

/* One handle, two DeviceIDs: both stay, neither is believed. */
static void check_specials(struct ivrs *ivrs, unsigned unit)
{
    for (unsigned n = 0; n < ivrs->ivhds[unit].entry_count; n++) {
        struct ivrs_entry *entry = &ivrs->entries[ivrs->ivhds[unit].first_entry + n];

        if (entry->type == IVRS_SPECIAL && contradicts(ivrs, unit, entry))
            flaw_entry(ivrs, entry, IVRS_CONFLICT, "special device has another DeviceID before");
    }
}

static void check_ivhds(struct ivrs *ivrs)
{
    for (unsigned i = 0; i < ivrs->ivhd_count; i++)
        check_entries(ivrs, &ivrs->ivhds[i]);
    for (unsigned i = 0; i < ivrs->ivhd_count; i++)
        choose(ivrs, i);
    for (unsigned i = 0; i < ivrs->ivhd_count; i++) {
        if (!ivrs_is_unit(ivrs, i)) {
            compare_with_chosen(ivrs, &ivrs->ivhds[i]);
            continue;
        }
        check_unit(ivrs, i);
        check_specials(ivrs, i);
    }
}

/* ---- Memory ---- */

static bool has_unit(const struct ivrs *ivrs, const struct ivrs_ivmd *ivmd)
{
    for (unsigned i = 0; i < ivrs->ivhd_count; i++) {
        const struct ivrs_ivhd *ivhd = &ivrs->ivhds[i];

        for (unsigned n = 0;
             ivrs_is_unit(ivrs, i) && ivhd->segment == ivmd->segment && n < ivhd->entry_count;
             n++) {
            const struct ivrs_entry *entry = &ivrs->entries[ivhd->first_entry + n];

            if (entry->first <= entry->last && entry->first <= ivmd->last &&
                ivmd->first <= entry->last)
                return true;
        }
    }
    return false;
}

static void check_ivmds(struct ivrs *ivrs)
{
    for (unsigned i = 0; i < ivrs->ivmd_count; i++) {
        struct ivrs_ivmd *ivmd = &ivrs->ivmds[i];
        uint64_t end = ivmd->start + ivmd->length - 1;

        if (!ivmd->length || end < ivmd->start || ivmd->last < ivmd->first) {
            flaw(ivrs, &ivmd->record, IVRS_BAD_RANGE, "IVMD", "no range; not used");
            continue;
        }
        ivmd->base = ivmd->start & ~PAGE_MASK;
        ivmd->limit = end | PAGE_MASK;
        if (ivmd->base != ivmd->start || ivmd->limit != end)
            flaw(ivrs, &ivmd->record, IVRS_UNALIGNED, "IVMD", "range is not in whole pages");
        if (!ivmd->base)
            flaw(ivrs, &ivmd->record, IVRS_PAGE_ZERO, "IVMD", "range holds the page at 0");
        if (beyond_width(ivrs, ivmd->limit))
            flaw(ivrs, &ivmd->record, IVRS_BEYOND_WIDTH, "IVMD",
                 "range is beyond the address width");
        if (!has_unit(ivrs, ivmd))
            flaw(ivrs, &ivmd->record, IVRS_UNMATCHED, "IVMD", "no unit has its devices");
    }
}

bool ivrs_read(const struct acpi_table *table, struct ivrs *ivrs)
{
    memset(ivrs, 0, sizeof(*ivrs));
    ivrs->found.table = "IVRS";
    if (!acpi_read_records(table, read_block, ivrs, &ivrs->found))
        return false;
    ivrs->revision = acpi_u8(table, TABLE_REVISION);
    ivrs->info = acpi_u32(table, TABLE_INFO);
    check_ivhds(ivrs);
    check_ivmds(ivrs);
    return true;
}
