/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "vtd_internal.h"

_Static_assert(MODEL_VTD_FAULT_RECORDS == 256, "CAP.NFR is a byte");

/* "Primary Fault Logging" and "Fault Events". */

static void send_or_hold(uint32_t *control, uint32_t upper, uint32_t lower, uint32_t data)
{
    if ((*control & EVENT_IM) != 0) {
        *control |= EVENT_IP;
    } else {
        *control &= ~EVENT_IP;
        (void)model_raise_msi((uint64_t)upper << 32 | lower, data);
    }
}

/* Only the first of several conditions that stand together interrupts. */
void vtd_raise_condition(struct model_vtd *unit, uint32_t condition)
{
    bool quiet = (unit->fsts & FSTS_CONDITIONS) == 0;

    unit->fsts |= condition;
    if (quiet) {
        send_or_hold(&unit->fectl, unit->feuaddr, unit->feaddr, unit->fedata);
    }
}

static void conditions_cleared(struct model_vtd *unit)
{
    bool pending = false;

    for (unsigned i = 0; i < vtd_fault_records(unit); i++) {
        pending |= (unit->fault_record[i][1] & FAULT_F) != 0;
    }
    if (!pending) {
        unit->fsts &= ~FSTS_PPF;
    }
    if ((unit->fsts & FSTS_CONDITIONS) == 0) {
        unit->fectl &= ~EVENT_IP;
    }
}

void vtd_write_fault_status(struct model_vtd *unit, uint32_t value)
{
    bool restart = (value & unit->fsts & FSTS_STOPS) != 0 && !unit->broken.iqe_waits_for_tail;

    if ((value & ~FSTS_W1C) != 0) {
        model_violation("vtd: FSTS %#x written back, it is write-1-to-clear", value);
    }
    unit->fsts &= ~(value & FSTS_W1C);
    conditions_cleared(unit);
    if (restart) {
        vtd_run_queue(unit);
    }
}

void vtd_clear_fault_record(struct model_vtd *unit, unsigned index)
{
    unit->fault_record[index][1] &= ~FAULT_F;
    conditions_cleared(unit);
}

void vtd_write_event_control(uint32_t *control, uint32_t value, uint32_t upper, uint32_t lower,
                             uint32_t data)
{
    *control = (*control & EVENT_IP) | (value & EVENT_IM);
    if ((*control & EVENT_IP) != 0) {
        send_or_hold(control, upper, lower, data);
    }
}

void vtd_wait_interrupt(struct model_vtd *unit)
{
    if ((unit->ics & ICS_IWC) == 0) {
        unit->ics |= ICS_IWC;
        send_or_hold(&unit->iectl, unit->ieuaddr, unit->ieaddr, unit->iedata);
    }
}

/* A requester with a pending record gets no second one; a record still in use is an overflow. */
void vtd_record_fault(struct model_vtd *unit, uint16_t source, uint64_t iova, bool write,
                      enum model_vtd_reason reason)
{
    if ((unit->fsts & FSTS_PFO) != 0) {
        return;
    }
    for (unsigned i = 0; i < vtd_fault_records(unit); i++) {
        uint64_t high = unit->fault_record[i][1];
        if ((high & FAULT_F) != 0 && (uint16_t)high == source) {
            return;
        }
    }
    uint64_t *record = unit->fault_record[unit->next_record];
    if ((record[1] & FAULT_F) != 0) {
        vtd_raise_condition(unit, FSTS_PFO);
        return;
    }
    record[0] = iova & ~PAGE_MASK;
    record[1] =
        FAULT_F | (write ? 0 : FAULT_READ) | (uint64_t)reason << FAULT_REASON_SHIFT | source;
    if ((unit->fsts & FSTS_PPF) == 0) {
        unit->fsts = (unit->fsts & FSTS_CONDITIONS) | unit->next_record << FSTS_FRI_SHIFT;
    }
    unit->next_record = (unit->next_record + 1) % vtd_fault_records(unit);
    vtd_raise_condition(unit, FSTS_PPF);
}
