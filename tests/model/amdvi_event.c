/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "amdvi_internal.h"

#include <string.h>

/* "Event Logging": the ring, its overflow, and the interrupts. */

static uint64_t interrupting(uint64_t control)
{
    return ((control & CONTROL_EVENT_INT_EN) != 0 ? STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT
                                                  : 0) |
           ((control & CONTROL_COM_WAIT_INT_EN) != 0 ? STATUS_COM_WAIT_INT : 0);
}

/* A bit that stands already sends nothing again. */
void amdvi_set_status(struct model_amdvi *unit, uint64_t bits)
{
    uint64_t rising = bits & ~unit->status;

    unit->status |= bits;
    if ((rising & interrupting(unit->control)) != 0) {
        amdvi_send_interrupt(unit);
    }
}

/* A condition that stood while its interrupt was disabled. */
void amdvi_interrupts_enabled(struct model_amdvi *unit, uint64_t old_control)
{
    if ((interrupting(unit->control) & ~interrupting(old_control) & unit->status) != 0) {
        amdvi_send_interrupt(unit);
    }
}

/* One slot stays free: a tail that would meet the head is the overflow, which stops the log. */
void amdvi_log_event(struct model_amdvi *unit, enum model_amdvi_code code, uint64_t fields,
                     uint64_t address)
{
    uint64_t entry[2] = {fields | (uint64_t)code << EVENT_CODE_SHIFT, address};
    uint64_t at = (unit->event_base & ADDRESS_BITS) + unit->event_tail;
    uint64_t next = (unit->event_tail + ENTRY_SIZE) % amdvi_ring_size(unit->event_base);
    void *slot = model_ram(at, sizeof(entry));

    if (!amdvi_event_log_runs(unit)) {
        return;
    }
    if (next == unit->event_head) {
        unit->event_halted = true;
        amdvi_set_status(unit, STATUS_EVENT_OVERFLOW);
        return;
    }
    if (slot == NULL || model_owner(at) != OWNER_IOMMU) {
        model_violation("amdvi: an event goes to %#llx, a frame of owner %u",
                        (unsigned long long)at, model_owner(at));
    }
    if (slot != NULL) {
        memcpy(slot, entry, sizeof(entry));
    }
    unit->event_tail = next;
    amdvi_set_status(unit, STATUS_EVENT_LOG_INT);
}
