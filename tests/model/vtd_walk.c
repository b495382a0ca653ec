/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "vtd_internal.h"

/* Address translation as the unit does it, caches included. "Legacy Mode Address Translation",
 * "Second-Stage Translation", "Caching Translation Information". */

#define WINDOW_FIRST      UINT64_C(0xFEE00000)
#define WINDOW_LAST       UINT64_C(0xFEEFFFFF)

#define PRESENT           BIT64(0)
#define CONTEXT_FPD       BIT64(1)
#define ENTRY_READ        BIT64(0)
#define ENTRY_WRITE       BIT64(1)
#define ENTRY_PS          BIT64(7)
#define ENTRY_SNP         BIT64(11)
#define ENTRY_TM          BIT64(62)
#define ADDRESS_BITS      UINT64_C(0x000FFFFFFFFFF000)

#define TYPE_UNTRANSLATED 0u
#define TYPE_DEVICE_TLB   1u
#define TYPE_PASS_THROUGH 2u

/* One word of a remapping structure. "Write Buffer Flushing": with CAP.RWBF, as it was when the
 * buffers were flushed last. */
static bool read_table(const struct model_vtd *unit, uint64_t physical, uint64_t *value)
{
    bool coherent = (unit->config.ecap & MODEL_VTD_ECAP_C) != 0;
    bool buffers = (unit->config.cap & MODEL_VTD_CAP_RWBF) != 0;
    owner_t owner = model_owner(physical);

    if (!model_hw_read64_at(physical, coherent, buffers ? unit->flushed : UINT64_MAX, value)) {
        return false;
    }
    if (owner != OWNER_IOMMU) {
        model_violation("vtd: a walk reads %#llx, a frame of owner %u",
                        (unsigned long long)physical, owner);
    }
    return true;
}

static uint64_t beyond_host_width(const struct model_vtd *unit)
{
    return unit->config.host_address_width >= 64 ? 0
                                                 : ~(BIT64(unit->config.host_address_width) - 1);
}

/* ---- Context cache ---- */

static struct model_vtd_context *cached_context(struct model_vtd *unit, uint16_t source)
{
    for (unsigned i = 0; i < unit->context_count; i++) {
        if (unit->contexts[i].valid && unit->contexts[i].source == source) {
            return &unit->contexts[i];
        }
    }
    return NULL;
}

static void cache_context(struct model_vtd *unit, const struct model_vtd_context *context)
{
    unsigned slot = 0;

    while (slot < unit->context_count && unit->contexts[slot].valid) {
        slot++;
    }
    if (slot == MODEL_VTD_CONTEXTS) {
        slot = unit->evictions++ % MODEL_VTD_CONTEXTS;
    } else if (slot == unit->context_count) {
        unit->context_count++;
    }
    unit->contexts[slot] = *context;
    unit->contexts[slot].valid = true;
}

static bool width_offered(const struct model_vtd *unit, unsigned width)
{
    return width <= 3 && (BITS(unit->config.cap, 12, 8) >> width & 1) != 0;
}

static bool type_offered(const struct model_vtd *unit, unsigned type)
{
    return type == TYPE_UNTRANSLATED ||
           (type == TYPE_DEVICE_TLB && (unit->config.ecap & MODEL_VTD_ECAP_DT) != 0) ||
           (type == TYPE_PASS_THROUGH && (unit->config.ecap & MODEL_VTD_ECAP_PT) != 0);
}

static enum model_vtd_reason decode_context(const struct model_vtd *unit, uint64_t low,
                                            uint64_t high, struct model_vtd_context *context)
{
    unsigned widest = 63u - (unsigned)__builtin_clzll(BITS(unit->config.cap, 12, 8) | 1);

    context->fpd = (low & CONTEXT_FPD) != 0;
    if ((low & PRESENT) == 0) {
        return MODEL_VTD_CONTEXT_NOT_PRESENT;
    }
    context->type = (uint8_t)BITS(low, 3, 2);
    context->width = (uint8_t)BITS(high, 2, 0);
    context->domain = (uint16_t)BITS(high, 23, 8);
    context->table = low & ~PAGE_MASK;
    if ((low & UINT64_C(0xFF0)) != 0 || (low & beyond_host_width(unit)) != 0 ||
        (high & BIT64(7)) != 0 || high >> 24 != 0 ||
        context->domain >> vtd_domain_bits(unit) != 0) {
        return MODEL_VTD_CONTEXT_RESERVED;
    }
    if (!type_offered(unit, context->type) || !width_offered(unit, context->width)) {
        return MODEL_VTD_CONTEXT_INVALID;
    }
    if (context->type == TYPE_PASS_THROUGH && context->width != widest) {
        model_violation("vtd: a pass-through context entry needs the largest AW, %u", widest);
    }
    if (context->domain == 0 && (unit->config.cap & MODEL_VTD_CAP_CM) != 0) {
        model_violation("vtd: domain-id 0 in a context entry while CAP.CM is set");
    }
    return MODEL_VTD_OK;
}

static enum model_vtd_reason fetch_context(const struct model_vtd *unit, uint16_t source,
                                           struct model_vtd_context *context)
{
    uint64_t root = unit->root + (uint64_t)(source >> 8) * 16;
    uint64_t low, high;

    if (!read_table(unit, root, &low) || !read_table(unit, root + 8, &high)) {
        return MODEL_VTD_ROOT_UNREADABLE;
    }
    if ((low & PRESENT) == 0) {
        return MODEL_VTD_ROOT_NOT_PRESENT;
    }
    if ((low & (PAGE_MASK & ~PRESENT)) != 0 || (low & beyond_host_width(unit)) != 0 || high != 0) {
        return MODEL_VTD_ROOT_RESERVED;
    }
    uint64_t entry = (low & ~PAGE_MASK) + (uint64_t)(source & 0xFF) * 16;
    if (!read_table(unit, entry, &low) || !read_table(unit, entry + 8, &high)) {
        return MODEL_VTD_CONTEXT_UNREADABLE;
    }
    return decode_context(unit, low, high, context);
}

/* "Context Entry Programming Considerations": entries that share a DID agree on AW and table, for
 * they share cached pages. */
static void check_domain(const struct model_vtd *unit, const struct model_vtd_context *context)
{
    for (unsigned i = 0; i < unit->context_count; i++) {
        const struct model_vtd_context *other = &unit->contexts[i];
        if (other->valid && other->reason == MODEL_VTD_OK && other->domain == context->domain &&
            (other->table != context->table || other->width != context->width)) {
            model_violation("vtd: %04x and %04x have domain %04x and other tables", other->source,
                            context->source, context->domain);
            return;
        }
    }
}

/* With CAP.CM refusals are cached as well, tagged with domain-id 0. */
static struct model_vtd_context find_context(struct model_vtd *unit, uint16_t source)
{
    struct model_vtd_context context = {.source = source};
    const struct model_vtd_context *cached = cached_context(unit, source);

    if (cached != NULL) {
        return *cached;
    }
    context.reason = (uint8_t)fetch_context(unit, source, &context);
    if (context.reason == MODEL_VTD_OK) {
        check_domain(unit, &context);
    } else {
        context.domain = 0;
    }
    if (context.reason == MODEL_VTD_OK || (unit->config.cap & MODEL_VTD_CAP_CM) != 0) {
        cache_context(unit, &context);
    }
    return context;
}

/* ---- IOTLB and paging-structure caches ---- */

static void cache_translation(struct model_vtd *unit, struct model_vtd_translation *entries,
                              unsigned capacity, unsigned *count,
                              const struct model_vtd_translation *entry)
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

void vtd_cache_leaf(struct model_vtd *unit, const struct model_vtd_translation *leaf)
{
    cache_translation(unit, unit->leaves, MODEL_VTD_LEAVES, &unit->leaf_count, leaf);
}

/* The entry of this domain that covers `iova` with the smallest reach. */
static const struct model_vtd_translation *
cached_translation(const struct model_vtd_translation *entries, unsigned count, uint16_t domain,
                   uint64_t iova)
{
    const struct model_vtd_translation *best = NULL;

    for (unsigned i = 0; i < count; i++) {
        const struct model_vtd_translation *entry = &entries[i];
        if (entry->valid && entry->domain == domain && (iova ^ entry->input) >> entry->shift == 0 &&
            (best == NULL || entry->shift < best->shift)) {
            best = entry;
        }
    }
    return best;
}

/* "Translating Address Using Caches in Legacy Mode": an IOTLB entry that this source-id filled
 * serves it whatever became of its context entry. */
static const struct model_vtd_translation *own_leaf(const struct model_vtd *unit, uint16_t source,
                                                    uint64_t iova)
{
    for (unsigned i = 0; i < unit->leaf_count; i++) {
        const struct model_vtd_translation *leaf = &unit->leaves[i];
        if (leaf->valid && leaf->source == source && (iova ^ leaf->input) >> leaf->shift == 0) {
            return leaf;
        }
    }
    return NULL;
}

/* ---- Second-stage walk ---- */

static bool entry_reserved(const struct model_vtd *unit, uint64_t entry, unsigned level, bool leaf)
{
    uint64_t reserved = ENTRY_TM | (ADDRESS_BITS & beyond_host_width(unit));

    if (!leaf || (unit->config.ecap & MODEL_VTD_ECAP_SC) == 0) {
        reserved |= ENTRY_SNP;
    }
    if (level > 3) {
        reserved |= ENTRY_PS;
    }
    if (leaf && level > 1) {
        reserved |= (BIT64(12 + 9 * (level - 1)) - 1) & ADDRESS_BITS;
        if ((BITS(unit->config.cap, 37, 34) >> (level - 2) & 1) == 0) {
            reserved |= ENTRY_PS;
        }
    }
    return (entry & reserved) != 0;
}

struct walk {
    uint64_t iova;
    bool write;
    struct model_vtd_translation at; /* the table to read next, and the rights so far */
};

static enum model_vtd_reason walk_step(struct model_vtd *unit, struct walk *walk, bool *leaf)
{
    unsigned level = (walk->at.shift - 12u) / 9u; /* at.shift covers the whole table */
    unsigned shift = 12 + 9 * (level - 1);
    uint64_t entry;

    if (!read_table(unit, walk->at.address + (walk->iova >> shift & 0x1FF) * 8, &entry)) {
        return MODEL_VTD_TABLE_UNREADABLE;
    }
    walk->at.read &= (entry & ENTRY_READ) != 0;
    walk->at.write &= (entry & ENTRY_WRITE) != 0;
    if (walk->write ? !walk->at.write : !walk->at.read) {
        return walk->write ? MODEL_VTD_NO_WRITE : MODEL_VTD_NO_READ;
    }
    *leaf = level == 1 || (level <= 3 && (entry & ENTRY_PS) != 0);
    if (entry_reserved(unit, entry, level, *leaf)) {
        return MODEL_VTD_ENTRY_RESERVED;
    }
    walk->at.shift = (uint8_t)shift;
    walk->at.address = entry & ADDRESS_BITS;
    return MODEL_VTD_OK;
}

static enum model_vtd_reason walk_tables(struct model_vtd *unit, struct walk *walk)
{
    for (;;) {
        bool leaf = false;
        enum model_vtd_reason reason = walk_step(unit, walk, &leaf);
        if (reason != MODEL_VTD_OK) {
            return reason;
        }
        if (leaf) {
            return MODEL_VTD_OK;
        }
        cache_translation(unit, unit->tables, MODEL_VTD_TABLES, &unit->table_count, &walk->at);
    }
}

/* A leaf whose output touches the interrupt window is refused as a whole. */
static bool hits_window(const struct model_vtd_translation *leaf)
{
    return leaf->address <= WINDOW_LAST && leaf->address + (BIT64(leaf->shift) - 1) >= WINDOW_FIRST;
}

/* With CAP.CM, what is not present or malformed is cached too. A path that refuses only this kind
 * of access is present. */
static bool refusal_cached(const struct model_vtd *unit, const struct model_vtd_translation *path,
                           enum model_vtd_reason reason)
{
    bool one_right = (reason == MODEL_VTD_NO_READ && path->write) ||
                     (reason == MODEL_VTD_NO_WRITE && path->read);

    return (unit->config.cap & MODEL_VTD_CAP_CM) != 0 && !one_right;
}

static enum model_vtd_reason fill_leaf(struct model_vtd *unit,
                                       const struct model_vtd_context *context, uint64_t iova,
                                       bool write, struct model_vtd_translation *leaf)
{
    const struct model_vtd_translation *start =
        cached_translation(unit->tables, unit->table_count, context->domain, iova);
    struct walk walk = {.iova = iova, .write = write};

    if (start != NULL) {
        walk.at = *start;
    } else {
        walk.at = (struct model_vtd_translation){.domain = context->domain,
                                                 .shift = (uint8_t)(12 + 9 * (context->width + 2)),
                                                 .read = true,
                                                 .write = true,
                                                 .address = context->table};
    }
    walk.at.input = iova;
    walk.at.source = context->source;
    enum model_vtd_reason reason = walk_tables(unit, &walk);
    if (reason == MODEL_VTD_OK && hits_window(&walk.at)) {
        reason = MODEL_VTD_INTERRUPT_RANGE;
    }
    *leaf = walk.at;
    if (reason != MODEL_VTD_OK) {
        leaf->shift = 12;
        leaf->reason = (uint8_t)reason;
    }
    if (reason == MODEL_VTD_OK || refusal_cached(unit, &walk.at, reason)) {
        vtd_cache_leaf(unit, leaf);
    }
    return reason;
}

static enum model_vtd_reason use_leaf(const struct model_vtd_translation *leaf, uint64_t iova,
                                      bool write, uint64_t *physical)
{
    if (leaf->reason != MODEL_VTD_OK) {
        return leaf->reason;
    }
    *physical = leaf->address + (iova & (BIT64(leaf->shift) - 1));
    if (write ? leaf->write : leaf->read) {
        return MODEL_VTD_OK;
    }
    return write ? MODEL_VTD_NO_WRITE : MODEL_VTD_NO_READ;
}

static enum model_vtd_reason translate_second_stage(struct model_vtd *unit,
                                                    const struct model_vtd_context *context,
                                                    uint64_t iova, bool write, uint64_t *physical)
{
    unsigned guest_width = (unsigned)BITS(unit->config.cap, 21, 16) + 1;
    unsigned table_width = 12 + 9 * (context->width + 2u);
    unsigned width = guest_width < table_width ? guest_width : table_width;
    struct model_vtd_translation leaf;

    if (width < 64 && iova >> width != 0) {
        return MODEL_VTD_BEYOND_ADDRESS_WIDTH;
    }
    const struct model_vtd_translation *cached =
        cached_translation(unit->leaves, unit->leaf_count, context->domain, iova);
    if (cached != NULL) {
        return use_leaf(cached, iova, write, physical);
    }
    enum model_vtd_reason reason = fill_leaf(unit, context, iova, write, &leaf);
    return reason == MODEL_VTD_OK ? use_leaf(&leaf, iova, write, physical) : reason;
}

/* "Fault conditions and remapping hardware behavior": FPD has no say before the context entry is
 * read. */
static bool suppressed(const struct model_vtd_context *context, enum model_vtd_reason reason)
{
    return context->fpd && reason != MODEL_VTD_ROOT_NOT_PRESENT &&
           reason != MODEL_VTD_ROOT_UNREADABLE && reason != MODEL_VTD_CONTEXT_UNREADABLE &&
           reason != MODEL_VTD_ROOT_RESERVED;
}

static void refuse(struct model_vtd *unit, const struct model_vtd_context *context, uint64_t iova,
                   bool write, enum model_vtd_reason reason)
{
    if (!suppressed(context, reason)) {
        vtd_record_fault(unit, context->source, iova, write, reason);
    }
}

/* Fills in where the request goes, and for which domain. */
static bool translate(struct model_vtd *unit, struct model_dma_held *request, bool write)
{
    uint64_t iova = request->iova, *physical = &request->physical;
    const struct model_vtd_translation *own =
        unit->config.shares_leaves ? NULL : own_leaf(unit, request->requester, iova);
    struct model_vtd_context context = find_context(unit, request->requester);
    enum model_vtd_reason reason = context.reason;

    request->domain = own != NULL ? own->domain : context.domain;
    if (own != NULL) {
        reason = use_leaf(own, iova, write, physical);
    } else if (reason == MODEL_VTD_OK && context.type != TYPE_PASS_THROUGH) {
        reason = translate_second_stage(unit, &context, iova, write, physical);
    }
    if (reason != MODEL_VTD_OK) {
        refuse(unit, &context, iova, write, reason);
    }
    return reason == MODEL_VTD_OK;
}

/* ---- DMA ---- */

static bool in_range(uint64_t first, uint64_t last, uint64_t base, uint64_t limit)
{
    return base <= limit && first <= limit && last >= base;
}

/* "DMA Remapping: Protected Memory Regions"; the low 20 bits of a limit count as ones. */
static bool is_protected(const struct model_vtd *unit, uint64_t first, uint64_t last)
{
    return (unit->pmen & PMEN_PRS) != 0 &&
           (((unit->config.cap & MODEL_VTD_CAP_PLMR) != 0 &&
             in_range(first, last, unit->plm_base, unit->plm_limit | 0xFFFFFu)) ||
            ((unit->config.cap & MODEL_VTD_CAP_PHMR) != 0 &&
             in_range(first, last, unit->phm_base, unit->phm_limit | 0xFFFFFu)));
}

/* Memory, once the tables have allowed it. */
static enum model_dma_result reach(struct model_vtd *unit, const struct model_dma_held *request,
                                   bool write, void *buffer)
{
    if (is_protected(unit, request->physical, request->physical + (request->length - 1))) {
        return MODEL_DMA_REFUSED;
    }
    if (write && unit->broken.writes_linger &&
        model_dma_hold("vtd", &unit->lingering, request, buffer)) {
        return MODEL_DMA_ALLOWED;
    }
    return model_dma_copy(request->physical, write, buffer, request->length);
}

static enum model_dma_result dma_piece(void *context, uint16_t source, uint64_t iova, bool write,
                                       void *buffer, size_t length)
{
    struct model_vtd *unit = context;
    struct model_dma_held request = {
        .requester = source, .iova = iova, .physical = iova, .length = length};

    if (iova >= WINDOW_FIRST && iova <= WINDOW_LAST) {
        return write ? MODEL_DMA_INTERRUPT : MODEL_DMA_REFUSED;
    }
    if (model_vtd_enabled(unit)) {
        if (!translate(unit, &request, write)) {
            return MODEL_DMA_REFUSED;
        }
        model_dma_check_target("vtd", source, iova, request.physical);
    }
    return reach(unit, &request, write, buffer);
}

enum model_dma_result model_vtd_dma(struct model_vtd *unit, uint16_t requester, uint64_t iova,
                                    bool write, void *buffer, size_t length)
{
    return model_dma_split(dma_piece, unit, requester, iova, write, buffer, length);
}

static enum model_dma_result translated_piece(void *context, uint16_t source, uint64_t physical,
                                              bool write, void *buffer, size_t length)
{
    struct model_vtd *unit = context;

    if (model_vtd_enabled(unit)) {
        struct model_vtd_context entry = find_context(unit, source);
        enum model_vtd_reason reason = entry.reason;
        if (reason == MODEL_VTD_OK && entry.type != TYPE_DEVICE_TLB) {
            reason = MODEL_VTD_BLOCKED_TYPE;
        }
        if (reason != MODEL_VTD_OK) {
            refuse(unit, &entry, physical, write, reason);
            return MODEL_DMA_REFUSED;
        }
        model_dma_check_target("vtd", source, physical, physical);
    }
    return reach(
        unit, &(struct model_dma_held){.requester = source, .physical = physical, .length = length},
        write, buffer);
}

enum model_dma_result model_vtd_dma_translated(struct model_vtd *unit, uint16_t requester,
                                               uint64_t physical, bool write, void *buffer,
                                               size_t length)
{
    return model_dma_split(translated_piece, unit, requester, physical, write, buffer, length);
}
