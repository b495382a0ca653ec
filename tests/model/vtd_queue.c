/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "machine_internal.h"
#include "vtd_internal.h"

#include <string.h>

/* "Queued Invalidation Interface": what a descriptor may look like, the queue, its waits and its
 * errors. */

#define DESCRIPTOR_SIZE    16u
#define CONTEXT_FIELDS     UINT64_C(0x0003FFFFFFFF003F)
#define IOTLB_FIELDS       UINT64_C(0x00000000FFFF00FF)
#define IOTLB_FIELDS_HIGH  UINT64_C(0xFFFFFFFFFFFFF07F)
#define DEVICE_FIELDS      UINT64_C(0x0000FFFF001F000F)
#define DEVICE_PFSID       UINT64_C(0xFFF000000000F000)
#define DEVICE_FIELDS_HIGH UINT64_C(0xFFFFFFFFFFFFF001)
#define ENTRY_FIELDS       UINT64_C(0x0000FFFFF800001F)
#define WAIT_FIELDS        UINT64_C(0xFFFFFFFF0000007F)
#define WAIT_FIELDS_HIGH   UINT64_C(0xFFFFFFFFFFFFFFFC)
#define WAIT_IF            BIT64(4)
#define WAIT_SW            BIT64(5)
#define ECAP_DIT           BIT64(44)
#define GRANULARITY(low)   BITS(low, 5, 4)

/* ---- Legal descriptors ---- */

/* Which bits of both quadwords a descriptor may set, and whether the unit knows it. */
static bool fields_of(const struct model_vtd *unit, uint64_t type, uint64_t *low, uint64_t *high)
{
    uint64_t ecap = unit->config.ecap;

    *high = 0;
    switch (type) {
    case TYPE_CONTEXT:
        *low = CONTEXT_FIELDS;
        return true;
    case TYPE_IOTLB:
        *low = IOTLB_FIELDS;
        *high = IOTLB_FIELDS_HIGH;
        return true;
    case TYPE_DEVICE_TLB:
        *low = DEVICE_FIELDS | ((ecap & ECAP_DIT) != 0 ? DEVICE_PFSID : 0);
        *high = DEVICE_FIELDS_HIGH;
        return (ecap & MODEL_VTD_ECAP_DT) != 0;
    case TYPE_INTERRUPT_ENTRY:
        *low = ENTRY_FIELDS;
        return (ecap & MODEL_VTD_ECAP_IR) != 0;
    case TYPE_WAIT:
        *low = WAIT_FIELDS;
        *high = WAIT_FIELDS_HIGH;
        return true;
    default:
        return false;
    }
}

/* A size that "Address Mask" may not have, or a granularity that is reserved. */
static bool misencoded(const struct model_vtd *unit, const uint64_t descriptor[2])
{
    uint64_t type = descriptor[0] & TYPE_MASK;
    uint64_t cap = unit->config.cap;

    if (type != TYPE_CONTEXT && type != TYPE_IOTLB) {
        return false;
    }
    return GRANULARITY(descriptor[0]) == 0 ||
           (type == TYPE_IOTLB && GRANULARITY(descriptor[0]) == 3 &&
            ((cap & MODEL_VTD_CAP_PSI) == 0 || BITS(descriptor[1], 5, 0) > BITS(cap, 53, 48)));
}

/* ---- Errors ---- */

/* The head stays at the descriptor. */
static bool queue_error(struct model_vtd *unit, enum model_vtd_queue_error info)
{
    if (unit->config.error_record) {
        unit->iqercd = (unit->iqercd & ~IQERCD_IQEI) | info;
    }
    vtd_raise_condition(unit, FSTS_IQE);
    return false;
}

static bool bad_queue(struct model_vtd *unit, enum model_vtd_queue_error info, const char *why)
{
    model_violation("vtd: IQE at %#llx: %s", (unsigned long long)unit->iqh, why);
    return queue_error(unit, info);
}

static bool bad_descriptor(struct model_vtd *unit, enum model_vtd_queue_error info,
                           const uint64_t descriptor[2])
{
    model_violation("vtd: IQE at %#llx: bad descriptor %#llx %#llx", (unsigned long long)unit->iqh,
                    (unsigned long long)descriptor[0], (unsigned long long)descriptor[1]);
    return queue_error(unit, info);
}

static void record_source(struct model_vtd *unit, unsigned shift, uint16_t source)
{
    if (unit->config.error_record) {
        unit->iqercd &= ~(UINT64_C(0xFFFF) << shift);
        unit->iqercd |= (uint64_t)source << shift;
    }
}

/* "Hardware Handling of Queued Invalidation Interface Errors": the wait is aborted, and nothing
 * from the device-TLB invalidation on is sure to have been carried out. */
static bool timed_out(struct model_vtd *unit)
{
    for (unsigned i = 0; unit->broken.device_tlb_silent && i < unit->fetched_count; i++) {
        if ((unit->fetched[i][0] & TYPE_MASK) == TYPE_DEVICE_TLB) {
            record_source(unit, IQERCD_ITESID_SHIFT, (uint16_t)(unit->fetched[i][0] >> 32));
            unit->fetched_count = i;
            vtd_raise_condition(unit, FSTS_ITE);
            return true;
        }
    }
    return false;
}

/* ---- Waits ---- */

/* Fetched is not done: an invalidation may take its time until a wait needs it. */
static void force_fetched(struct model_vtd *unit)
{
    for (unsigned i = 0; i < unit->fetched_count; i++) {
        vtd_take_effect(unit, unit->fetched[i]);
    }
    unit->fetched_count = 0;
}

static void finish_wait(struct model_vtd *unit)
{
    uint64_t low = unit->wait[0], at = unit->wait[1];
    uint32_t status = (uint32_t)(low >> 32);
    bool stores = (low & WAIT_SW) != 0;
    void *target = model_ram(at, sizeof(status));

    unit->waiting = false;
    if (timed_out(unit)) {
        return;
    }
    force_fetched(unit);
    if (stores && model_owner(at) != OWNER_IOMMU && model_owner(at) != OWNER_IMAGE) {
        model_violation("vtd: wait status at %#llx, a frame of owner %u", (unsigned long long)at,
                        model_owner(at));
    }
    if (stores && target != NULL) {
        memcpy(target, &status, sizeof(status));
    }
    vtd_log_event(unit, &(struct model_vtd_event){
                            .kind = MODEL_VTD_WAIT, .address = stores ? at : 0, .by_queue = true});
    if ((low & WAIT_IF) != 0) {
        vtd_wait_interrupt(unit);
    }
}

void vtd_complete_wait(struct model_vtd *unit)
{
    finish_wait(unit);
    vtd_run_queue(unit);
}

static void begin_wait(struct model_vtd *unit, const uint64_t descriptor[2])
{
    unit->waiting = true;
    memcpy(unit->wait, descriptor, sizeof(unit->wait));
    unit->wait_ticks = unit->broken.never_completes ? 0 : unit->broken.completion_delay;
    if (unit->wait_ticks == 0 && !unit->broken.never_completes) {
        finish_wait(unit);
    }
}

static void defer(struct model_vtd *unit, const uint64_t descriptor[2])
{
    bool device = (descriptor[0] & TYPE_MASK) == TYPE_DEVICE_TLB;

    if (unit->fetched_count == MODEL_VTD_FETCHED) {
        unit->evictions++;
        force_fetched(unit);
    }
    memcpy(unit->fetched[unit->fetched_count++], descriptor, 2 * sizeof(descriptor[0]));
    if (device && unit->broken.device_tlb_confused) {
        record_source(unit, IQERCD_ICESID_SHIFT, (uint16_t)(descriptor[0] >> 32));
        vtd_raise_condition(unit, FSTS_ICE);
    }
}

/* ---- Queue ---- */

static uint64_t queue_size(const struct model_vtd *unit)
{
    return UINT64_C(256) * DESCRIPTOR_SIZE << BITS(unit->iqa, 2, 0);
}

/* False: the queue stops. */
static bool fetch(struct model_vtd *unit, uint64_t descriptor[2])
{
    uint64_t at = (unit->iqa & ~PAGE_MASK) + unit->iqh;
    uint64_t low, high;

    if ((unit->rtaddr & RTADDR_TTM) != 0) {
        return bad_queue(unit, MODEL_VTD_BAD_MODE, "RTADDR.TTM is not legacy mode");
    }
    if ((unit->iqa & IQA_DW) != 0) {
        return bad_queue(unit, MODEL_VTD_BAD_WIDTH, "IQA.DW without scalable mode");
    }
    if (unit->iqt >= queue_size(unit)) {
        return bad_queue(unit, MODEL_VTD_BAD_TAIL, "the tail is beyond the queue");
    }
    if (unit->broken.descriptor_error) {
        return queue_error(unit, MODEL_VTD_FETCH_ERROR);
    }
    if (!model_hw_read64(at, true, &descriptor[0]) ||
        !model_hw_read64(at + 8, true, &descriptor[1])) {
        return bad_queue(unit, MODEL_VTD_FETCH_ERROR, "the descriptor cannot be read");
    }
    if (model_owner(at) != OWNER_IOMMU) {
        return bad_queue(unit, MODEL_VTD_FETCH_ERROR, "the queue's frame is not the driver's");
    }
    if (!fields_of(unit, descriptor[0] & TYPE_MASK, &low, &high)) {
        return bad_descriptor(unit, MODEL_VTD_BAD_TYPE, descriptor);
    }
    if ((descriptor[0] & ~low) != 0 || (descriptor[1] & ~high) != 0 ||
        misencoded(unit, descriptor)) {
        return bad_descriptor(unit, MODEL_VTD_BAD_FIELD, descriptor);
    }
    return true;
}

static bool may_fetch(const struct model_vtd *unit)
{
    return (unit->gsts & GLOBAL_QIE) != 0 && (unit->fsts & FSTS_STOPS) == 0 && !unit->waiting &&
           !unit->broken.queue_stuck && unit->iqh != unit->iqt;
}

/* The queue is always read coherently (Extended Capability Register, C). The head is past what was
 * fetched, which says nothing of its being done. */
void vtd_run_queue(struct model_vtd *unit)
{
    uint64_t descriptor[2];

    unit->queue_pending = false;
    while (may_fetch(unit) && fetch(unit, descriptor)) {
        unit->iqh = (unit->iqh + DESCRIPTOR_SIZE) % queue_size(unit);
        if ((descriptor[0] & TYPE_MASK) == TYPE_WAIT) {
            begin_wait(unit, descriptor);
        } else {
            defer(unit, descriptor);
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
