/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/records.h"
#include "drivers/iommu/wdm/slots.h"

_Static_assert((int)DomainTypeTranslate == (int)IOMMU_TRANSLATE &&
                   (int)DomainTypePassThrough == (int)IOMMU_PASS_THROUGH &&
                   (int)DomainTypeUnmanaged == (int)IOMMU_UNMANAGED,
               "masks of available types have core's bits");

VOID wdm_query_domain_types(PIOMMU_DMA_DEVICE DmaDevice, PULONG AvailableDomains)
{
    if (AvailableDomains)
        *AvailableDomains =
            wdm_state ? iommu_available_types(wdm_state, owner_current(), wdm_reference(DmaDevice))
                      : 0;
}

/* On behalf of the driver that registered. */
static void tell(struct wdm_record *record)
{
    IOMMU_INTERFACE_STATE_CHANGE change = {.AvailableDomainTypes = record->told};
    owner_t before = owner_enter(record->owner);

    change.PresentFields.AvailableDomainTypes = 1;
    record->callback(&change, record->callback_context);
    owner_enter(before);
}

void wdm_tell_guard(struct iommu *iommu)
{
    struct wdm_record *record;

    for (size_t n = 0; (record = wdm_hold_at(n)) != NULL; n++) {
        if (record->callback) {
            ULONG now = iommu_available_types(iommu, record->owner, record->device);
            bool is_news = now != record->told;

            record->told = now;
            if (is_news)
                tell(record);
        }
        wdm_release(record);
    }
}

static NTSTATUS set_callback(struct wdm_record *record,
                             PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback, PVOID context,
                             const IOMMU_INTERFACE_STATE_CHANGE_FIELDS *source)
{
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS only = {.AsULONG = 0};

    only.AvailableDomainTypes = 1;
    if (!source || source->AsULONG != only.AsULONG)
        return STATUS_INVALID_PARAMETER_4;
    if (record->callback)
        return STATUS_UNSUCCESSFUL;
    record->callback = callback;
    record->callback_context = context;
    record->told = iommu_available_types(wdm_state, record->owner, record->device);
    tell(record);
    return STATUS_SUCCESS;
}

NTSTATUS wdm_register_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback,
                               PVOID Context, PIOMMU_DMA_DEVICE DmaDevice,
                               PIOMMU_INTERFACE_STATE_CHANGE_FIELDS StateFields)
{
    if (!StateChangeCallback)
        return STATUS_INVALID_PARAMETER_1;
    struct wdm_record *record = wdm_hold(wdm_reference(DmaDevice));
    if (!record)
        return STATUS_INVALID_PARAMETER_3;
    NTSTATUS status = set_callback(record, StateChangeCallback, Context, StateFields);
    wdm_release(record);
    return status;
}

NTSTATUS wdm_unregister_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback,
                                 PIOMMU_DMA_DEVICE DmaDevice)
{
    if (!StateChangeCallback)
        return STATUS_INVALID_PARAMETER_1;
    struct wdm_record *record = wdm_hold(wdm_reference(DmaDevice));
    if (!record)
        return STATUS_INVALID_PARAMETER_2;
    bool is_registered = record->callback == StateChangeCallback;
    if (is_registered)
        record->callback = NULL;
    wdm_release(record);
    return is_registered ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
