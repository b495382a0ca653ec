/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/records.h"
#include "drivers/iommu/wdm/slots.h"

#define ANY_TYPE (~0u)

NTSTATUS wdm_create_device(PDEVICE_OBJECT DeviceObject,
                           PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
                           PIOMMU_DMA_DEVICE *DmaDeviceOut)
{
    uint16_t endpoint = PCI_NONE;
    iommu_ref_t device;

    if (wdm_state ? !wdm_endpoint(DeviceObject, &endpoint) : !wdm_is_pdo(DeviceObject))
        return STATUS_INVALID_PARAMETER_1;
    if (DeviceConfig)
        return STATUS_INVALID_PARAMETER_2;
    if (!DmaDeviceOut)
        return STATUS_INVALID_PARAMETER_3;
    if (!wdm_state)
        return STATUS_NOT_FOUND;
    enum iommu_status status = iommu_create_device(wdm_state, owner_current(), endpoint, &device);
    if (status == IOMMU_OK)
        *DmaDeviceOut = (PIOMMU_DMA_DEVICE)wdm_handle(device);
    return wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_delete_device(PIOMMU_DMA_DEVICE DmaDevice)
{
    iommu_ref_t device = wdm_reference(DmaDevice);
    struct wdm_record *record = wdm_hold(device);
    NTSTATUS status = STATUS_RESOURCE_IN_USE;

    if (!record)
        return STATUS_INVALID_PARAMETER_1;
    if (!record->callback)
        status = wdm_status(iommu_delete_device(wdm_state, owner_current(), device),
                            STATUS_INVALID_PARAMETER_1);
    if (NT_SUCCESS(status))
        wdm_clear(record);
    wdm_release(record);
    return status;
}

NTSTATUS wdm_attach_device_ex(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_DEVICE DmaDevice)
{
    iommu_ref_t domain = wdm_reference(Domain);

    if (!wdm_serves(domain, ANY_TYPE))
        return STATUS_INVALID_PARAMETER_1;
    return wdm_status(iommu_attach(wdm_state, owner_current(), domain, wdm_reference(DmaDevice)),
                      STATUS_INVALID_PARAMETER_2);
}

/* Ends fault reporting too, and a device that AttachDevice made. */
static NTSTATUS detach(struct wdm_record *record)
{
    enum iommu_status status = iommu_detach(wdm_state, owner_current(), record->device);

    if (status == IOMMU_OK || status == IOMMU_FAILED) {
        record->handler = NULL;
        if (record->is_transient &&
            iommu_delete_device(wdm_state, owner_current(), record->device) == IOMMU_OK)
            wdm_clear(record);
    }
    return wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_detach_device_ex(PIOMMU_DMA_DEVICE DmaDevice)
{
    struct wdm_record *record = wdm_hold(wdm_reference(DmaDevice));

    if (!record)
        return STATUS_INVALID_PARAMETER_1;
    NTSTATUS status = detach(record);
    wdm_release(record);
    return status;
}

/* Attaches a device that is made for it. */
static NTSTATUS attach_new(iommu_ref_t domain, uint16_t endpoint)
{
    iommu_ref_t device;
    enum iommu_status status = iommu_create_device(wdm_state, owner_current(), endpoint, &device);

    if (status != IOMMU_OK)
        return wdm_status(status, STATUS_INVALID_PARAMETER_2);
    struct wdm_record *record = wdm_hold(device);
    if (!record)
        return STATUS_INVALID_PARAMETER_2;
    record->is_transient = true;
    status = iommu_attach(wdm_state, owner_current(), domain, device);
    if (status != IOMMU_OK && iommu_delete_device(wdm_state, owner_current(), device) == IOMMU_OK)
        wdm_clear(record);
    wdm_release(record);
    return wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_attach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
                           ULONG InputMappingIdBase, ULONG MappingCount)
{
    iommu_ref_t domain = wdm_reference(Domain);
    uint16_t endpoint;

    if (!wdm_serves(domain, ANY_TYPE))
        return STATUS_INVALID_PARAMETER_1;
    if (!wdm_endpoint(PhysicalDeviceObject, &endpoint))
        return STATUS_INVALID_PARAMETER_2;
    if (InputMappingIdBase)
        return STATUS_INVALID_PARAMETER_3;
    if (MappingCount != 1)
        return STATUS_INVALID_PARAMETER_4;
    iommu_ref_t device = iommu_device_of(wdm_state, owner_current(), endpoint);
    if (!device)
        return attach_new(domain, endpoint);
    return wdm_status(iommu_attach(wdm_state, owner_current(), domain, device),
                      STATUS_INVALID_PARAMETER_2);
}

NTSTATUS wdm_detach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
                           ULONG InputMappingId)
{
    iommu_ref_t domain = wdm_reference(Domain), attached;
    NTSTATUS status = STATUS_INVALID_PARAMETER_2;
    uint16_t endpoint;

    if (!wdm_serves(domain, ANY_TYPE))
        return STATUS_INVALID_PARAMETER_1;
    if (!wdm_endpoint(PhysicalDeviceObject, &endpoint))
        return STATUS_INVALID_PARAMETER_2;
    struct wdm_record *record = wdm_hold(iommu_device_of(wdm_state, owner_current(), endpoint));
    if (!record)
        return STATUS_INVALID_PARAMETER_2;
    if (iommu_is_attached(wdm_state, owner_current(), record->device, &attached)) {
        if (attached != domain)
            status = STATUS_INVALID_PARAMETER_1;
        else
            status = InputMappingId ? STATUS_INVALID_PARAMETER_3 : detach(record);
    }
    wdm_release(record);
    return status;
}

NTSTATUS wdm_query_input_mappings(PDEVICE_OBJECT PhysicalDeviceObject,
                                  PINPUT_MAPPING_ELEMENT Buffer, ULONG BufferLength,
                                  PULONG ReturnLength)
{
    uint16_t endpoint;

    (void)BufferLength, (void)ReturnLength;
    if (!wdm_endpoint(PhysicalDeviceObject, &endpoint))
        return STATUS_INVALID_PARAMETER_1;
    return Buffer ? STATUS_UNSUCCESSFUL : STATUS_INVALID_PARAMETER_2;
}
