/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/records.h"

#include "drivers/iommu/wdm/wdm_iommu.h"

struct iommu *wdm_state;

static struct wdm_record records[IOMMU_DEVICES_MAX];

struct wdm_record *wdm_hold_at(size_t n)
{
    const void *context = owner_context();

    if (n >= IOMMU_DEVICES_MAX)
        return NULL;
    struct wdm_record *record = &records[n];
    for (;;) {
        lock_take(&record->lock);
        bool is_mine = !record->holder || record->holder == context;
        if (is_mine) {
            record->holder = context;
            record->depth++;
        }
        lock_give(&record->lock);
        if (is_mine)
            return record;
    }
}

void wdm_release(struct wdm_record *record)
{
    lock_take(&record->lock);
    if (!--record->depth)
        record->holder = NULL;
    lock_give(&record->lock);
}

void wdm_clear(struct wdm_record *record)
{
    record->device = 0;
    record->owner = OWNER_FREE;
    record->is_transient = false;
    record->handler = NULL;
    record->callback = NULL;
}

struct wdm_record *wdm_hold(iommu_ref_t device)
{
    struct wdm_record *record = wdm_state ? wdm_hold_at(iommu_ref_index(device)) : NULL;

    if (!record)
        return NULL;
    if (!iommu_has_device(wdm_state, owner_current(), device)) {
        wdm_release(record);
        return NULL;
    }
    if (record->device != device) {
        wdm_clear(record);
        record->device = device;
        record->owner = owner_current();
    }
    return record;
}

void wdm_forget(owner_t owner)
{
    for (size_t n = 0; n < IOMMU_DEVICES_MAX; n++) {
        struct wdm_record *record = wdm_hold_at(n);

        if (owner == OWNER_FREE || record->owner == owner)
            wdm_clear(record);
        wdm_release(record);
    }
    wdm_forget_tokens(owner);
}

static void owner_ended(struct iommu *iommu, owner_t owner)
{
    (void)iommu;
    wdm_forget(owner);
}

void wdm_start(struct iommu *iommu)
{
    static const struct iommu_events events = {
        .fault = wdm_tell_fault,
        .guard = wdm_tell_guard,
        .ended = owner_ended,
    };

    wdm_forget(OWNER_FREE);
    wdm_state = iommu;
    if (iommu)
        iommu->events = &events;
}
