/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_WDM_RECORDS_H
#define DRIVERS_IOMMU_WDM_RECORDS_H

#include "drivers/iommu/wdm/handles.h"

/*
 * What a driver has registered for a device. A record is held by one context at a time, and is held
 * over the calls of the driver's own routines: so whoever takes one out of its record knows that it
 * neither runs nor will. The context that holds it may hold it again, from inside such a routine,
 * but there no other device's: two routines that did so crosswise would wait for each other.
 */
struct wdm_record {
    struct lock lock;   /* of the next two */
    const void *holder; /* a context; NULL: nobody */
    unsigned depth;
    iommu_ref_t device;
    owner_t owner;
    bool is_transient; /* made by AttachDevice, for as long as the device is attached */
    uint16_t endpoint; /* meaningful with a handler */
    PIOMMU_DEVICE_FAULT_HANDLER handler;
    PVOID handler_context;
    PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback;
    PVOID callback_context;
    ULONG told; /* the mask that the callback knows */
};

/* The record of a device of the caller's; NULL: there is no such device. */
struct wdm_record *wdm_hold(iommu_ref_t device);
void wdm_release(struct wdm_record *record);

/* Record n, whosever it is; NULL: no such number. */
struct wdm_record *wdm_hold_at(size_t n);

/* Takes out all that was registered. */
void wdm_clear(struct wdm_record *record);

/* Everything of an owner's, or (OWNER_FREE) of all. */
void wdm_forget(owner_t owner);
void wdm_forget_tokens(owner_t owner);

/* A device's faults, and changes of what it may be attached to. */
void wdm_tell_fault(struct iommu *iommu, const struct iommu_fault *fault);
void wdm_tell_guard(struct iommu *iommu);

#endif
