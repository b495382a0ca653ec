/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "amdvi_internal.h"

/* Host address translation as the unit does it, caches included. "I/O Page Tables for Host
 * Translations", "Page Directory Entry", "Page Table Entry", "Caching". */

#define ENTRY_PR     BIT64(0)
#define ENTRY_IR     BIT64(61)
#define ENTRY_IW     BIT64(62)
#define PDE_RESERVED (BIT64(63) | UINT64_C(0x1FF) << 52)
#define PTE_RESERVED (BIT64(63) | UINT64_C(0x7F) << 52)
#define SIZED_PAGE   7u
#define LEVELS_MAX   6u

/* Input address bits below the index of a table at `level`. */
static unsigned level_shift(unsigned level)
{
    return 12 + 9 * (level - 1);
}

static void cache_translation(struct model_amdvi *unit, struct model_amdvi_translation *entries,
                              unsigned capacity, unsigned *count,
                              const struct model_amdvi_translation *entry)
{
    unsigned slot = 0;

    while (slot < *count && entries[slot].valid) {
        slot++;
    }
    if (slot == capacity) {
        slot = unit->evictions++ % capacity;
    } else if (slot == *count) {
        (*count)++;
    }
    entries[slot] = *entry;
    entries[slot].valid = true;
    entries[slot].input = entry->input & ~(BIT64(entry->shift) - 1);
}

/* The entry of this domain that covers `iova` with the smallest reach, whoever filled it. */
static const struct model_amdvi_translation *
cached_translation(const struct model_amdvi_translation *entries, unsigned count, uint16_t domain,
                   uint64_t iova)
{
    const struct model_amdvi_translation *best = NULL;

    for (unsigned i = 0; i < count; i++) {
        const struct model_amdvi_translation *entry = &entries[i];
        if (entry->valid && entry->domain == domain && (iova ^ entry->input) >> entry->shift == 0 &&
            (best == NULL || entry->shift < best->shift)) {
            best = entry;
        }
    }
    return best;
}

static uint64_t beyond_physical_width(const struct model_amdvi *unit)
{
    return ADDRESS_BITS & ~(BIT64(unit->config.physical_width) - 1);
}

struct walk {
    uint64_t iova;
    bool coherent;
    struct model_amdvi_translation at; /* the table to read next, and the rights so far */
    uint64_t where;                    /* the entry read last */
};

/* "Page Size Encodings": the lowest clear address bit n says 2^(n+1) bytes, within what the level
 * spans. 0: no such page. */
static unsigned page_shift(uint64_t entry, unsigned level)
{
    uint64_t clear = ~entry & ADDRESS_BITS;
    unsigned shift = level_shift(level);

    if (level == LEVELS_MAX) {
        return 0;
    }
    if (BITS(entry, 11, 9) != SIZED_PAGE) {
        return (entry & ADDRESS_BITS & (BIT64(shift) - 1)) == 0 ? shift : 0;
    }
    unsigned sized = clear == 0 ? 0 : (unsigned)__builtin_ctzll(clear) + 1;
    return sized > shift && sized < level_shift(level + 1) ? sized : 0;
}

static enum model_amdvi_reason take_page(const struct model_amdvi *unit, struct walk *walk,
                                         uint64_t entry)
{
    unsigned shift = page_shift(entry, walk->at.level);
    uint64_t address = shift == 0 ? 0 : entry & ADDRESS_BITS & ~(BIT64(shift) - 1);

    if (shift == 0 || (entry & PTE_RESERVED) != 0 || (address & beyond_physical_width(unit)) != 0) {
        return MODEL_AMDVI_PTE_RESERVED;
    }
    walk->at.address = address;
    walk->at.shift = (uint8_t)shift;
    walk->at.level = 0;
    return MODEL_AMDVI_OK;
}

static enum model_amdvi_reason take_directory(const struct model_amdvi *unit, struct walk *walk,
                                              uint64_t entry)
{
    unsigned next = (unsigned)BITS(entry, 11, 9);

    if (next >= walk->at.level || (entry & PDE_RESERVED) != 0 ||
        (entry & beyond_physical_width(unit)) != 0) {
        return MODEL_AMDVI_PTE_RESERVED;
    }
    walk->at.address = entry & ADDRESS_BITS;
    walk->at.shift = (uint8_t)level_shift(walk->at.level);
    walk->at.level = (uint8_t)next;
    return MODEL_AMDVI_OK;
}

/* Address bits of levels that are skipped, or that lie above the first one, are zero in every page
 * that is mapped. */
static bool skips_address_bits(const struct walk *walk)
{
    unsigned top = level_shift(walk->at.level + 1u);

    return walk->at.shift > top && BITS(walk->iova, walk->at.shift - 1u, top) != 0;
}

static bool read_entry(const struct model_amdvi *unit, const struct walk *walk, uint64_t *entry)
{
    owner_t owner = model_owner(walk->where);

    if (unit->broken.page_table_error != MODEL_AMDVI_NO_ERROR ||
        !model_hw_read64(walk->where, walk->coherent, entry)) {
        return false;
    }
    if (owner != OWNER_IOMMU) {
        model_violation("amdvi: a walk reads %#llx, a frame of owner %u",
                        (unsigned long long)walk->where, owner);
    }
    return true;
}

static enum model_amdvi_reason walk_step(struct model_amdvi *unit, struct walk *walk)
{
    unsigned level = walk->at.level;
    uint64_t entry;

    if (skips_address_bits(walk)) {
        return MODEL_AMDVI_NOT_PRESENT;
    }
    walk->where = walk->at.address + (walk->iova >> level_shift(level) & 0x1FF) * 8;
    if (!read_entry(unit, walk, &entry)) {
        return MODEL_AMDVI_TABLE_UNREADABLE;
    }
    if ((entry & ENTRY_PR) == 0) {
        walk->at.shift = (uint8_t)level_shift(level);
        return MODEL_AMDVI_NOT_PRESENT;
    }
    walk->at.read &= (entry & ENTRY_IR) != 0;
    walk->at.write &= (entry & ENTRY_IW) != 0;
    bool page = BITS(entry, 11, 9) == 0 || BITS(entry, 11, 9) == SIZED_PAGE;
    return page ? take_page(unit, walk, entry) : take_directory(unit, walk, entry);
}

static void cache_directory(struct model_amdvi *unit, const struct model_amdvi_translation *entry)
{
    cache_translation(unit, unit->tables, MODEL_AMDVI_TABLES, &unit->table_count, entry);
}

static void cache_page(struct model_amdvi *unit, const struct model_amdvi_translation *entry)
{
    cache_translation(unit, unit->leaves, MODEL_AMDVI_LEAVES, &unit->leaf_count, entry);
}

/* Capability Header, NpCache. What is not present above the last level is a directory entry: only
 * PDE drops it. */
static void cache_refusal(struct model_amdvi *unit, struct walk *walk, bool skipped)
{
    bool last = walk->at.level == 1;

    if ((unit->config.capability & MODEL_AMDVI_CAP_NPCACHE) == 0 || skipped) {
        return;
    }
    walk->at.reason = MODEL_AMDVI_NOT_PRESENT;
    if (last) {
        cache_page(unit, &walk->at);
    } else {
        cache_directory(unit, &walk->at);
    }
}

static enum model_amdvi_reason walk_tables(struct model_amdvi *unit, struct walk *walk)
{
    for (;;) {
        bool skipped = skips_address_bits(walk);
        enum model_amdvi_reason reason = walk_step(unit, walk);
        if (reason == MODEL_AMDVI_NOT_PRESENT) {
            cache_refusal(unit, walk, skipped);
        }
        if (reason != MODEL_AMDVI_OK) {
            return reason;
        }
        if (walk->at.level == 0) {
            cache_page(unit, &walk->at);
            return MODEL_AMDVI_OK;
        }
        cache_directory(unit, &walk->at);
    }
}

static void check_window(const struct model_amdvi_translation *page)
{
    if (page->address <= WINDOW_LAST && page->address + (BIT64(page->shift) - 1) >= WINDOW_FIRST) {
        model_violation("amdvi: a page of %u bits at %#llx reaches the interrupt window",
                        page->shift, (unsigned long long)page->address);
    }
}

static struct walk begin(struct model_amdvi *unit, const struct model_amdvi_device *device,
                         uint64_t iova)
{
    const struct model_amdvi_translation *start =
        cached_translation(unit->tables, unit->table_count, amdvi_domain(device), iova);
    struct walk walk = {.iova = iova, .coherent = !amdvi_snoop_disabled(device)};

    if (start != NULL) {
        walk.at = *start;
    } else {
        walk.at = (struct model_amdvi_translation){.domain = amdvi_domain(device),
                                                   .shift = 64,
                                                   .level = (uint8_t)amdvi_mode(device),
                                                   .read = true,
                                                   .write = true,
                                                   .address = amdvi_root(device)};
    }
    walk.at.input = iova;
    walk.at.source = device->source;
    walk.at.source_read = amdvi_readable(device);
    walk.at.source_write = amdvi_writable(device);
    return walk;
}

static enum model_amdvi_reason find_page(struct model_amdvi *unit,
                                         const struct model_amdvi_device *device, uint64_t iova,
                                         struct model_amdvi_translation *page, uint64_t *where)
{
    const struct model_amdvi_translation *cached =
        cached_translation(unit->leaves, unit->leaf_count, amdvi_domain(device), iova);

    if (cached != NULL) {
        *page = *cached;
        return cached->reason;
    }
    struct walk walk = begin(unit, device, iova);
    if (walk.at.reason != MODEL_AMDVI_OK) {
        return walk.at.reason;
    }
    enum model_amdvi_reason reason = walk_tables(unit, &walk);
    *page = walk.at;
    *where = walk.where;
    if (reason == MODEL_AMDVI_OK) {
        check_window(page);
    }
    return reason;
}

/* A device that finds its own cached page gets the rights that its entry gave it then. */
enum model_amdvi_reason amdvi_translate(struct model_amdvi *unit,
                                        const struct model_amdvi_device *device, uint64_t iova,
                                        bool write, uint64_t *physical)
{
    struct model_amdvi_translation page;
    unsigned width = unit->config.virtual_width;

    if (width < 64 && iova >> width != 0) {
        return MODEL_AMDVI_NOT_PRESENT;
    }
    enum model_amdvi_reason reason = find_page(unit, device, iova, &page, physical);
    if (reason != MODEL_AMDVI_OK) {
        return reason;
    }
    bool own = page.source == device->source;
    bool read_right = page.read && (own ? page.source_read : amdvi_readable(device));
    bool write_right = page.write && (own ? page.source_write : amdvi_writable(device));
    if (write ? !write_right : !read_right) {
        return MODEL_AMDVI_NO_PERMISSION;
    }
    *physical = page.address + (iova & (BIT64(page.shift) - 1));
    return MODEL_AMDVI_OK;
}
