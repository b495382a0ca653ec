/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "amdvi_internal.h"

#include <string.h>

/* "Commands": what each may look like, what it drops, and the buffer that carries them. */

#define OPCODE(low)       ((enum model_amdvi_kind)BITS(low, 63, 60))
#define OPCODE_FIELD      (UINT64_C(0xF) << 60)
#define DEVICE_FIELD      UINT64_C(0xFFFF)
#define DOMAIN_FIELD      (UINT64_C(0xFFFF) << 32)
#define WAIT_STORE        BIT64(0)
#define WAIT_INTERRUPT    BIT64(1)
#define WAIT_FIELDS       UINT64_C(0x000FFFFFFFFFFFFF)
#define WAIT_ADDRESS      UINT64_C(0x000FFFFFFFFFFFF8)
#define PAGES_S           BIT64(0)
#define PAGES_PDE         BIT64(1)
#define PAGES_FIELDS_HIGH (~PAGE_MASK | PAGES_S | PAGES_PDE)
#define IOTLB_FIELDS      (DEVICE_FIELD | UINT64_C(0xFFFF) << 32 | UINT64_C(0xFF) << 24)
#define IOTLB_FIELDS_HIGH (~PAGE_MASK | PAGES_S)
#define EVERY_FIELD       UINT64_MAX

/* ---- Log ---- */

static void log_event(struct model_amdvi *unit, const struct model_amdvi_event *event)
{
    if (unit->event_count < MODEL_AMDVI_EVENTS) {
        unit->events[unit->event_count] = *event;
    }
    unit->event_count++;
}

const struct model_amdvi_event *model_amdvi_log(const struct model_amdvi *unit, unsigned index)
{
    return index < unit->event_count && index < MODEL_AMDVI_EVENTS ? &unit->events[index] : NULL;
}

unsigned model_amdvi_log_count(const struct model_amdvi *unit)
{
    return unit->event_count;
}

unsigned model_amdvi_log_kind(const struct model_amdvi *unit, enum model_amdvi_kind kind)
{
    const struct model_amdvi_event *event;
    unsigned count = 0;

    for (unsigned i = 0; (event = model_amdvi_log(unit, i)) != NULL; i++) {
        count += event->kind == kind;
    }
    return count;
}

void model_amdvi_log_clear(struct model_amdvi *unit)
{
    unit->event_count = 0;
}

/* ---- Legal commands ---- */

/* Which bits of both quadwords a command may set, and whether the unit knows it. */
static bool fields_of(const struct model_amdvi *unit, enum model_amdvi_kind kind, uint64_t *low,
                      uint64_t *high)
{
    uint64_t efr = unit->config.efr;

    *low = *high = 0;
    switch (kind) {
    case MODEL_AMDVI_COMPLETION_WAIT:
        *low = WAIT_FIELDS;
        *high = EVERY_FIELD;
        return true;
    case MODEL_AMDVI_DEVTAB_ENTRY:
    case MODEL_AMDVI_INTERRUPT_TABLE:
        *low = DEVICE_FIELD;
        return true;
    case MODEL_AMDVI_IOMMU_PAGES:
        *low = DOMAIN_FIELD;
        *high = PAGES_FIELDS_HIGH;
        return true;
    case MODEL_AMDVI_IOTLB_PAGES:
        *low = IOTLB_FIELDS;
        *high = IOTLB_FIELDS_HIGH;
        return (unit->config.capability & MODEL_AMDVI_CAP_IOTLB) != 0;
    case MODEL_AMDVI_PREFETCH:
        *low = *high = EVERY_FIELD;
        return (efr & MODEL_AMDVI_EFR_PREF) != 0;
    case MODEL_AMDVI_COMPLETE_PPR:
        *low = *high = EVERY_FIELD;
        return (efr & MODEL_AMDVI_EFR_PPRSUP) != 0;
    case MODEL_AMDVI_IOMMU_ALL:
        return (efr & MODEL_AMDVI_EFR_IASUP) != 0;
    default:
        return false;
    }
}

/* "INVALIDATE_IOMMU_PAGES", S: the lowest clear address bit n says 2^(n+1) bytes; with none but
 * bit 63 clear that is everything. */
static bool page_range(uint64_t high, uint64_t *first, uint64_t *last)
{
    uint64_t size = FRAME_SIZE;

    if ((high & PAGES_S) != 0) {
        uint64_t clear = ~(high | PAGE_MASK);
        if (clear == 0) {
            return false;
        }
        size = (clear & -clear) << 1;
    }
    *first = size == 0 ? 0 : high & ~PAGE_MASK & ~(size - 1);
    *last = size == 0 ? UINT64_MAX : *first + (size - 1);
    return true;
}

static bool is_legal(const struct model_amdvi *unit, const uint64_t command[2])
{
    enum model_amdvi_kind kind = OPCODE(command[0]);
    uint64_t low, high, first, last;

    if (!fields_of(unit, kind, &low, &high) || (command[0] & ~(low | OPCODE_FIELD)) != 0 ||
        (command[1] & ~high) != 0) {
        return false;
    }
    return (kind != MODEL_AMDVI_IOMMU_PAGES && kind != MODEL_AMDVI_IOTLB_PAGES) ||
           page_range(command[1], &first, &last);
}

/* ---- Effects ---- */

static void drop_translations(struct model_amdvi_translation *entries, unsigned count,
                              const struct model_amdvi_event *event)
{
    for (unsigned i = 0; i < count; i++) {
        struct model_amdvi_translation *entry = &entries[i];
        uint64_t reach = BIT64(entry->shift) - 1;
        if (entry->domain == event->domain && entry->input <= event->last &&
            event->first <= entry->input + reach) {
            entry->valid = false;
        }
    }
}

static void drop_device(struct model_amdvi *unit, uint16_t source)
{
    for (unsigned i = 0; i < unit->device_count; i++) {
        if (unit->devices[i].source == source) {
            unit->devices[i].valid = false;
        }
    }
}

void model_amdvi_evict_all(struct model_amdvi *unit)
{
    unit->device_count = unit->leaf_count = unit->table_count = 0;
}

/* Every request that was let through by what is dropped now is in memory when the wait is done. */
static void drain_writes(struct model_amdvi *unit, const struct model_amdvi_event *event)
{
    const struct model_dma_held *write = &unit->lingering;
    bool of_pages = event->kind == MODEL_AMDVI_IOMMU_PAGES && event->domain == write->domain &&
                    write->iova >= event->first && write->iova <= event->last;
    bool of_device = event->kind == MODEL_AMDVI_DEVTAB_ENTRY && event->device == write->requester;

    if (of_pages || of_device || event->kind == MODEL_AMDVI_IOMMU_ALL) {
        model_dma_drain("amdvi", &unit->lingering);
    }
}

static void take_effect(struct model_amdvi *unit, const uint64_t command[2])
{
    struct model_amdvi_event event = {.kind = OPCODE(command[0])};

    switch (event.kind) {
    case MODEL_AMDVI_DEVTAB_ENTRY:
        event.device = (uint16_t)command[0];
        unit->drained = model_history();
        drop_device(unit, event.device);
        break;
    case MODEL_AMDVI_IOMMU_PAGES:
        event.domain = (uint16_t)(command[0] >> 32);
        event.directories = (command[1] & PAGES_PDE) != 0;
        (void)page_range(command[1], &event.first, &event.last);
        drop_translations(unit->leaves, unit->leaf_count, &event);
        if (event.directories) {
            drop_translations(unit->tables, unit->table_count, &event);
        }
        break;
    case MODEL_AMDVI_IOTLB_PAGES:
        event.device = (uint16_t)command[0];
        (void)page_range(command[1], &event.first, &event.last);
        break;
    case MODEL_AMDVI_INTERRUPT_TABLE:
        event.device = (uint16_t)command[0];
        break;
    case MODEL_AMDVI_IOMMU_ALL:
        unit->drained = model_history();
        model_amdvi_evict_all(unit);
        break;
    default:
        break;
    }
    drain_writes(unit, &event);
    log_event(unit, &event);
}

/* Fetched is not done: an invalidation may wait until a COMPLETION_WAIT needs it. */
static void force_fetched(struct model_amdvi *unit)
{
    for (unsigned i = 0; i < unit->fetched_count; i++) {
        take_effect(unit, unit->fetched[i]);
    }
    unit->fetched_count = 0;
}

static void defer(struct model_amdvi *unit, const uint64_t command[2])
{
    if (unit->fetched_count == MODEL_AMDVI_FETCHED) {
        unit->evictions++;
        force_fetched(unit);
    }
    memcpy(unit->fetched[unit->fetched_count++], command, 2 * sizeof(command[0]));
}

/* ---- COMPLETION_WAIT ---- */

static void command_hardware_error(struct model_amdvi *unit, uint64_t at,
                                   enum model_amdvi_error error)
{
    unit->command_halted = true;
    amdvi_log_event(unit, MODEL_AMDVI_COMMAND_HARDWARE_ERROR, (uint64_t)error << EVENT_TYPE_SHIFT,
                    at);
}

static bool store_data(struct model_amdvi *unit, uint64_t at, uint64_t data)
{
    void *target = model_ram(at, sizeof(data));
    owner_t owner = model_owner(at);

    if (target == NULL) {
        command_hardware_error(unit, at, MODEL_AMDVI_MASTER_ABORT);
        return false;
    }
    if (owner != OWNER_IOMMU && owner != OWNER_IMAGE) {
        model_violation("amdvi: COMPLETION_WAIT stores to %#llx, a frame of owner %u",
                        (unsigned long long)at, owner);
    }
    memcpy(target, &data, sizeof(data));
    return true;
}

static void finish_wait(struct model_amdvi *unit)
{
    uint64_t low = unit->wait[0], at = low & WAIT_ADDRESS;

    force_fetched(unit);
    unit->waiting = false;
    if ((low & WAIT_STORE) != 0 && !store_data(unit, at, unit->wait[1])) {
        return;
    }
    log_event(unit, &(struct model_amdvi_event){.kind = MODEL_AMDVI_COMPLETION_WAIT,
                                                .first = (low & WAIT_STORE) != 0 ? at : 0});
    if ((low & WAIT_INTERRUPT) != 0) {
        amdvi_set_status(unit, STATUS_COM_WAIT_INT);
    }
}

void amdvi_complete_wait(struct model_amdvi *unit)
{
    finish_wait(unit);
    amdvi_fetch_commands(unit);
}

static void begin_wait(struct model_amdvi *unit, const uint64_t command[2])
{
    unit->waiting = true;
    memcpy(unit->wait, command, sizeof(unit->wait));
    unit->wait_ticks = unit->broken.never_completes ? 0 : unit->broken.completion_delay;
    if (unit->wait_ticks == 0 && !unit->broken.never_completes) {
        finish_wait(unit);
    }
}

/* ---- Buffer ---- */

/* "IOTLB_INV_TIMEOUT". With InvTimeOut 0 the unit waits for the device for ever. */
static void device_tlb_timed_out(struct model_amdvi *unit, uint64_t at, uint64_t low)
{
    if ((unit->control & CONTROL_INV_TIME_OUT) == 0) {
        unit->waiting = true;
        unit->wait_ticks = 0;
        return;
    }
    amdvi_log_event(unit, MODEL_AMDVI_IOTLB_INV_TIMEOUT, low & DEVICE_FIELD, at);
}

static void illegal_command(struct model_amdvi *unit, uint64_t at, const uint64_t command[2])
{
    model_violation("amdvi: illegal command at %#llx: %#llx %#llx", (unsigned long long)at,
                    (unsigned long long)command[0], (unsigned long long)command[1]);
    unit->command_halted = true;
    amdvi_log_event(unit, MODEL_AMDVI_ILLEGAL_COMMAND_ERROR, 0, at);
}

/* False: the unit stops, and the head stays at the command. */
static bool fetch(struct model_amdvi *unit, uint64_t at, uint64_t command[2])
{
    if (unit->broken.command_error != MODEL_AMDVI_NO_ERROR ||
        !model_hw_read64(at, true, &command[0]) || !model_hw_read64(at + 8, true, &command[1])) {
        command_hardware_error(unit, at,
                               unit->broken.command_error != MODEL_AMDVI_NO_ERROR
                                   ? unit->broken.command_error
                                   : MODEL_AMDVI_MASTER_ABORT);
        return false;
    }
    if (model_owner(at) != OWNER_IOMMU) {
        model_violation("amdvi: a command is fetched from %#llx, a frame of owner %u",
                        (unsigned long long)at, model_owner(at));
    }
    if (!is_legal(unit, command)) {
        illegal_command(unit, at, command);
        return false;
    }
    return true;
}

/* The buffer is always read coherently. */
void amdvi_fetch_commands(struct model_amdvi *unit)
{
    unit->fetch_pending = false;
    while (amdvi_command_runs(unit) && !unit->waiting && !unit->broken.never_fetches &&
           unit->command_head != unit->command_tail) {
        uint64_t at = (unit->command_base & ADDRESS_BITS) + unit->command_head;
        uint64_t command[2];
        if (!fetch(unit, at, command)) {
            return;
        }
        unit->command_head =
            (unit->command_head + ENTRY_SIZE) % amdvi_ring_size(unit->command_base);
        if (OPCODE(command[0]) == MODEL_AMDVI_COMPLETION_WAIT) {
            begin_wait(unit, command);
            continue;
        }
        if (OPCODE(command[0]) == MODEL_AMDVI_IOTLB_PAGES && unit->broken.device_tlb_silent) {
            device_tlb_timed_out(unit, at, command[0]);
            continue;
        }
        defer(unit, command);
    }
}

void amdvi_tail_written(struct model_amdvi *unit)
{
    if (unit->fetch_pending) {
        return;
    }
    unit->fetch_ticks = unit->broken.fetch_delay;
    unit->fetch_pending = unit->fetch_ticks != 0;
    if (!unit->fetch_pending) {
        amdvi_fetch_commands(unit);
    }
}
