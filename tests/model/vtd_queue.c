/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "machine_internal.h"
#include "vtd_internal.h"

#include <string.h>

/* Invalidation: what each command drops, and the queue that carries them. */

/* ---- Log ---- */

static void log_event(struct model_vtd *unit, const struct model_vtd_event *event)
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

static bool domain_in_range(const struct model_vtd *unit, uint16_t domain)
{
    if (domain >> vtd_domain_bits(unit) == 0) {
        return true;
    }
    model_violation("vtd: invalidation of domain %#x, ids have %u bits", domain,
                    vtd_domain_bits(unit));
    return false;
}

/* "Context-cache Invalidate Descriptor": device-selective matches source-id, less the masked
 * function bits, and the domain-id of the cached entry. */
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
    log_event(unit, &(struct model_vtd_event){.kind = kind,
                                              .domain = domain,
                                              .source = source,
                                              .function_mask = function_mask,
                                              .by_queue = by_queue});
}

static void drop_translations(struct model_vtd_translation *entries, unsigned count,
                              enum model_vtd_kind kind, uint16_t domain, uint64_t first,
                              uint64_t last)
{
    for (unsigned i = 0; i < count; i++) {
        struct model_vtd_translation *entry = &entries[i];
        uint64_t entry_last = entry->input + (BIT64(entry->shift) - 1);
        if (kind == MODEL_VTD_IOTLB_GLOBAL ||
            (entry->domain == domain &&
             (kind == MODEL_VTD_IOTLB_DOMAIN || (entry->input <= last && first <= entry_last)))) {
            entry->valid = false;
        }
    }
}

/* "IOTLB Invalidate Descriptor": IH set keeps the paging-structure caches. */
void vtd_iotlb_command(struct model_vtd *unit, enum model_vtd_kind kind, uint16_t domain,
                       uint64_t address, uint8_t address_mask, bool hint, bool by_queue)
{
    uint64_t size = BIT64(12 + address_mask % 52);
    uint64_t first = address & ~(size - 1);
    uint64_t last = first + (size - 1);
    bool page = kind == MODEL_VTD_IOTLB_PAGE;

    if (kind != MODEL_VTD_IOTLB_GLOBAL && !domain_in_range(unit, domain)) {
        return;
    }
    drop_translations(unit->leaves, unit->leaf_count, kind, domain, first, last);
    if (!page || !hint) {
        drop_translations(unit->tables, unit->table_count, kind, domain, first, last);
    }
    if (kind == MODEL_VTD_IOTLB_GLOBAL && unit->context_flushed) {
        unit->iotlb_flushed = true;
    }
    log_event(unit, &(struct model_vtd_event){.kind = kind,
                                              .domain = domain,
                                              .address = page ? address : 0,
                                              .address_mask = page ? address_mask : 0,
                                              .hint = page && hint,
                                              .by_queue = by_queue});
}

void model_vtd_evict_all(struct model_vtd *unit)
{
    unit->context_count = unit->leaf_count = unit->table_count = 0;
}

/* ---- Descriptors. "Invalidation Descriptors" ---- */

enum {
    TYPE_CONTEXT = 1,
    TYPE_IOTLB = 2,
    TYPE_DEVICE_TLB = 3,
    TYPE_INTERRUPT_ENTRY = 4,
    TYPE_WAIT = 5,
};

#define TYPE_MASK          UINT64_C(0xF)
#define CONTEXT_FIELDS     UINT64_C(0x0003FFFFFFFF003F)
#define IOTLB_FIELDS       UINT64_C(0x00000000FFFF00FF)
#define IOTLB_FIELDS_HIGH  UINT64_C(0xFFFFFFFFFFFFF07F)
#define DEVICE_FIELDS      UINT64_C(0xFFF0FFFF001FF00F)
#define DEVICE_FIELDS_HIGH UINT64_C(0xFFFFFFFFFFFFF001)
#define ENTRY_FIELDS       UINT64_C(0x0000FFFFF800001F)
#define WAIT_FIELDS        UINT64_C(0xFFFFFFFF0000007F)
#define WAIT_IF            BIT64(4)
#define WAIT_SW            BIT64(5)

static bool run_context(struct model_vtd *unit, uint64_t low, uint64_t high)
{
    unsigned granularity = (unsigned)BITS(low, 5, 4);

    if ((low & ~CONTEXT_FIELDS) != 0 || high != 0 || granularity == 0) {
        return false;
    }
    vtd_context_command(unit, (enum model_vtd_kind)(MODEL_VTD_CONTEXT_GLOBAL + granularity - 1),
                        (uint16_t)(low >> 16), (uint16_t)(low >> 32), (uint8_t)BITS(low, 49, 48),
                        true);
    return true;
}

static bool run_iotlb(struct model_vtd *unit, uint64_t low, uint64_t high)
{
    unsigned granularity = (unsigned)BITS(low, 5, 4);
    uint8_t address_mask = (uint8_t)BITS(high, 5, 0);

    if ((low & ~IOTLB_FIELDS) != 0 || (high & ~IOTLB_FIELDS_HIGH) != 0 || granularity == 0) {
        return false;
    }
    if (granularity == 3 && ((unit->config.cap & MODEL_VTD_CAP_PSI) == 0 ||
                             address_mask > BITS(unit->config.cap, 53, 48))) {
        return false;
    }
    vtd_iotlb_command(unit, (enum model_vtd_kind)(MODEL_VTD_IOTLB_GLOBAL + granularity - 1),
                      (uint16_t)(low >> 16), high & ~PAGE_MASK, address_mask,
                      (high & BIT64(6)) != 0, true);
    return true;
}

static bool run_wait(struct model_vtd *unit, uint64_t low, uint64_t high)
{
    uint32_t status = (uint32_t)(low >> 32);

    if ((low & ~WAIT_FIELDS) != 0 || (high & 3) != 0) {
        return false;
    }
    if ((low & WAIT_SW) != 0) {
        void *target = model_ram(high, sizeof(status));
        owner_t owner = model_owner(high);
        if (target == NULL) {
            return false;
        }
        if (owner != OWNER_IOMMU && owner != OWNER_IMAGE) {
            model_violation("vtd: wait status at %#llx, a frame of owner %u",
                            (unsigned long long)high, owner);
        }
        memcpy(target, &status, sizeof(status));
    }
    log_event(unit,
              &(struct model_vtd_event){.kind = MODEL_VTD_WAIT, .address = high, .by_queue = true});
    if ((low & WAIT_IF) != 0) {
        vtd_wait_interrupt(unit);
    }
    return true;
}

/* Caches that the model does not have yet: checked and logged. */
static bool run_other(struct model_vtd *unit, uint64_t low, uint64_t high)
{
    bool device = (low & TYPE_MASK) == TYPE_DEVICE_TLB;
    uint64_t needed = device ? MODEL_VTD_ECAP_DT : MODEL_VTD_ECAP_IR;
    uint64_t fields = device ? DEVICE_FIELDS : ENTRY_FIELDS;

    if ((unit->config.ecap & needed) == 0 || (low & ~fields) != 0 ||
        (high & ~(device ? DEVICE_FIELDS_HIGH : 0)) != 0) {
        return false;
    }
    log_event(unit, &(struct model_vtd_event){.kind = device ? MODEL_VTD_DEVICE_TLB
                                                             : MODEL_VTD_INTERRUPT_ENTRIES,
                                              .source = (uint16_t)(low >> 32),
                                              .by_queue = true});
    return true;
}

static bool run_descriptor(struct model_vtd *unit, uint64_t low, uint64_t high)
{
    switch (low & TYPE_MASK) {
    case TYPE_CONTEXT:
        return run_context(unit, low, high);
    case TYPE_IOTLB:
        return run_iotlb(unit, low, high);
    case TYPE_DEVICE_TLB:
    case TYPE_INTERRUPT_ENTRY:
        return run_other(unit, low, high);
    case TYPE_WAIT:
        return run_wait(unit, low, high);
    default:
        return false;
    }
}

/* ---- Queue ---- */

#define DESCRIPTOR_SIZE 16u

static uint64_t queue_size(const struct model_vtd *unit)
{
    return UINT64_C(256) * DESCRIPTOR_SIZE << BITS(unit->iqa, 2, 0);
}

static void queue_error(struct model_vtd *unit, const char *why, uint64_t low, uint64_t high)
{
    model_violation("vtd: IQE at %#llx: %s (%#llx %#llx)", (unsigned long long)unit->iqh, why,
                    (unsigned long long)low, (unsigned long long)high);
    vtd_raise_condition(unit, FSTS_IQE);
}

/* The queue is always read coherently (Extended Capability Register, C). */
void vtd_run_queue(struct model_vtd *unit)
{
    unit->queue_pending = false;
    while ((unit->gsts & GLOBAL_QIE) != 0 && (unit->fsts & FSTS_IQE) == 0 &&
           !unit->broken.queue_stuck && unit->iqh != unit->iqt) {
        uint64_t at = (unit->iqa & ~PAGE_MASK) + unit->iqh;
        uint64_t low = 0, high = 0;
        if (unit->iqt >= queue_size(unit)) {
            queue_error(unit, "the tail is beyond the queue", unit->iqt, 0);
        } else if (!model_hw_read64(at, true, &low) || !model_hw_read64(at + 8, true, &high)) {
            queue_error(unit, "the descriptor cannot be read", at, 0);
        } else if (model_owner(at) != OWNER_IOMMU) {
            queue_error(unit, "the queue's frame is not the driver's", at, model_owner(at));
        } else if (!run_descriptor(unit, low, high)) {
            queue_error(unit, "bad descriptor", low, high);
        } else {
            unit->last_was_wait = (low & TYPE_MASK) == TYPE_WAIT;
            unit->iqh = (unit->iqh + DESCRIPTOR_SIZE) % queue_size(unit);
        }
    }
}

void vtd_tail_written(struct model_vtd *unit, uint64_t tail)
{
    uint64_t size = queue_size(unit);
    uint64_t pending = (unit->iqt - unit->iqh) % size;

    if (tail % DESCRIPTOR_SIZE != 0 || tail >= UINT64_C(1) << 19) {
        model_violation("vtd: IQT %#llx has reserved bits", (unsigned long long)tail);
    }
    if ((unit->gsts & GLOBAL_QIE) != 0 && pending + (tail - unit->iqt) % size >= size) {
        model_violation("vtd: IQT %#llx overruns head %#llx", (unsigned long long)tail,
                        (unsigned long long)unit->iqh);
    }
    if (tail != unit->iqt && model_stores_pending()) {
        model_violation("vtd: IQT moved while a store may still be on its way");
    }
    unit->iqt = tail & UINT64_C(0x7FFF0);
    if (unit->queue_pending) {
        return;
    }
    unit->queue_ticks = unit->broken.queue_delay;
    unit->queue_pending = unit->queue_ticks != 0;
    if (!unit->queue_pending) {
        vtd_run_queue(unit);
    }
}
