/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "vtd_internal.h"

/* What an invalidation drops: of the domain, the device and the addresses that it names, and no
 * more. "Context-cache Invalidate Descriptor", "IOTLB Invalidate Descriptor", "Caching Fractured
 * Translations". */

#define DESCRIPTOR_DW BIT64(6)

/* ---- Log ---- */

void vtd_log_event(struct model_vtd *unit, const struct model_vtd_event *event)
{
    if (unit->event_count < MODEL_VTD_EVENTS) {
        unit->events[unit->event_count] = *event;
    }
    unit->event_count++;
}

const struct model_vtd_event *model_vtd_log(const struct model_vtd *unit, unsigned index)
{
    return index < unit->event_count && index < MODEL_VTD_EVENTS ? &unit->events[index] : NULL;
}

unsigned model_vtd_log_count(const struct model_vtd *unit)
{
    return unit->event_count;
}

unsigned model_vtd_log_kind(const struct model_vtd *unit, enum model_vtd_kind kind)
{
    const struct model_vtd_event *event;
    unsigned count = 0;

    for (unsigned i = 0; (event = model_vtd_log(unit, i)) != NULL; i++) {
        count += event->kind == kind;
    }
    return count;
}

void model_vtd_log_clear(struct model_vtd *unit)
{
    unit->event_count = 0;
}

/* ---- Effects ---- */

/* "Write Buffer Flushing": by GCMD.WBF, and by every invalidation. */
void vtd_flush_writes(struct model_vtd *unit)
{
    unit->flushed = model_history();
}

static bool domain_in_range(const struct model_vtd *unit, uint16_t domain)
{
    if (domain >> vtd_domain_bits(unit) == 0) {
        return true;
    }
    model_violation("vtd: invalidation of domain %#x, ids have %u bits", domain,
                    vtd_domain_bits(unit));
    return false;
}

/* Device-selective matches source-id, less the masked function bits, and the domain-id of the
 * cached entry. */
static bool context_matches(const struct model_vtd_context *entry, enum model_vtd_kind kind,
                            uint16_t domain, uint16_t source, uint8_t function_mask)
{
    static const uint16_t ignored[4] = {0, 4, 6, 7};
    uint16_t kept = (uint16_t)~ignored[function_mask & 3];

    return kind == MODEL_VTD_CONTEXT_GLOBAL ||
           (entry->domain == domain &&
            (kind == MODEL_VTD_CONTEXT_DOMAIN || ((entry->source ^ source) & kept) == 0));
}

void vtd_context_command(struct model_vtd *unit, enum model_vtd_kind kind, uint16_t domain,
                         uint16_t source, uint8_t function_mask, bool by_queue)
{
    vtd_flush_writes(unit);
    if (kind != MODEL_VTD_CONTEXT_GLOBAL && !domain_in_range(unit, domain)) {
        return;
    }
    for (unsigned i = 0; i < unit->context_count; i++) {
        if (context_matches(&unit->contexts[i], kind, domain, source, function_mask)) {
            unit->contexts[i].valid = false;
        }
    }
    if (kind == MODEL_VTD_CONTEXT_GLOBAL) {
        unit->context_flushed = true;
    }
    vtd_log_event(unit, &(struct model_vtd_event){.kind = kind,
                                                  .domain = domain,
                                                  .source = source,
                                                  .function_mask = function_mask,
                                                  .by_queue = by_queue});
}

struct range {
    enum model_vtd_kind kind;
    uint16_t domain;
    uint64_t first, last;
};

static bool touches(const struct model_vtd_translation *entry, const struct range *range)
{
    uint64_t last = entry->input + (BIT64(entry->shift) - 1);

    return range->kind == MODEL_VTD_IOTLB_GLOBAL ||
           (entry->domain == range->domain &&
            (range->kind == MODEL_VTD_IOTLB_DOMAIN ||
             (entry->input <= range->last && range->first <= last)));
}

static void drop_tables(struct model_vtd *unit, const struct range *range)
{
    for (unsigned i = 0; i < unit->table_count; i++) {
        if (touches(&unit->tables[i], range)) {
            unit->tables[i].valid = false;
        }
    }
}

/* A large page may be cached in pieces: those beside the range stay. */
static void drop_leaf(struct model_vtd *unit, struct model_vtd_translation leaf,
                      const struct range *range)
{
    uint64_t half = BIT64(leaf.shift) / 2;

    if (!touches(&leaf, range)) {
        vtd_cache_leaf(unit, &leaf);
        return;
    }
    if (range->kind != MODEL_VTD_IOTLB_PAGE ||
        (range->first <= leaf.input && range->last >= leaf.input + (2 * half - 1))) {
        return;
    }
    leaf.shift--;
    drop_leaf(unit, leaf, range);
    leaf.input += half;
    leaf.address += half;
    drop_leaf(unit, leaf, range);
}

static void drop_leaves(struct model_vtd *unit, const struct range *range)
{
    unsigned count = unit->leaf_count;

    for (unsigned i = 0; i < count; i++) {
        struct model_vtd_translation *leaf = &unit->leaves[i];
        if (leaf->valid && touches(leaf, range)) {
            leaf->valid = false;
            drop_leaf(unit, *leaf, range);
        }
    }
}

/* "Draining of Requests to Memory" */
static void drain_writes(struct model_vtd *unit, const struct range *range)
{
    uint64_t at = unit->lingering.iova;

    if (range->kind == MODEL_VTD_IOTLB_GLOBAL ||
        (unit->lingering.domain == range->domain &&
         (range->kind == MODEL_VTD_IOTLB_DOMAIN || (at >= range->first && at <= range->last)))) {
        model_dma_drain("vtd", &unit->lingering);
    }
}

/* IH set keeps the paging-structure caches. */
void vtd_iotlb_command(struct model_vtd *unit, const struct model_vtd_event *request, bool drain)
{
    struct model_vtd_event event = *request;
    uint64_t size = BIT64(12 + event.address_mask % 52);
    uint64_t first = event.address & ~(size - 1);
    struct range range = {event.kind, event.domain, first, first + (size - 1)};

    vtd_flush_writes(unit);
    if (event.kind != MODEL_VTD_IOTLB_GLOBAL && !domain_in_range(unit, event.domain)) {
        return;
    }
    drop_leaves(unit, &range);
    if (event.kind != MODEL_VTD_IOTLB_PAGE) {
        event.address = event.address_mask = event.hint = 0;
    }
    if (!event.hint) {
        drop_tables(unit, &range);
    }
    if (drain) {
        drain_writes(unit, &range);
    }
    if (event.kind == MODEL_VTD_IOTLB_GLOBAL && unit->context_flushed) {
        unit->iotlb_flushed = true;
    }
    vtd_log_event(unit, &event);
}

void model_vtd_evict_all(struct model_vtd *unit)
{
    unit->context_count = unit->leaf_count = unit->table_count = 0;
}

/* Interrupt entries and device-TLBs: caches that the model does not have are checked and logged. */
void vtd_take_effect(struct model_vtd *unit, const uint64_t descriptor[2])
{
    uint64_t low = descriptor[0], high = descriptor[1];
    unsigned granularity = (unsigned)BITS(low, 5, 4);

    switch (low & TYPE_MASK) {
    case TYPE_CONTEXT:
        vtd_context_command(unit, (enum model_vtd_kind)(MODEL_VTD_CONTEXT_GLOBAL + granularity - 1),
                            (uint16_t)(low >> 16), (uint16_t)(low >> 32),
                            (uint8_t)BITS(low, 49, 48), true);
        break;
    case TYPE_IOTLB:
        vtd_iotlb_command(unit,
                          &(struct model_vtd_event){.kind = (enum model_vtd_kind)(
                                                        MODEL_VTD_IOTLB_GLOBAL + granularity - 1),
                                                    .domain = (uint16_t)(low >> 16),
                                                    .address = high & ~PAGE_MASK,
                                                    .address_mask = (uint8_t)BITS(high, 5, 0),
                                                    .hint = (high & BIT64(6)) != 0,
                                                    .by_queue = true},
                          (low & DESCRIPTOR_DW) != 0);
        break;
    case TYPE_DEVICE_TLB:
        vtd_log_event(unit, &(struct model_vtd_event){.kind = MODEL_VTD_DEVICE_TLB,
                                                      .source = (uint16_t)(low >> 32),
                                                      .address = high & ~PAGE_MASK,
                                                      .by_queue = true});
        break;
    default:
        vtd_flush_writes(unit);
        vtd_log_event(
            unit, &(struct model_vtd_event){.kind = MODEL_VTD_INTERRUPT_ENTRIES, .by_queue = true});
        break;
    }
}
