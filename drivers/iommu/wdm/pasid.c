/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/records.h"
#include "drivers/iommu/wdm/slots.h"

#include <string.h>

/* No device is configured for requests with PASID, so no part of a device exists. */
NTSTATUS wdm_create_pasid_device(PIOMMU_DMA_DEVICE DmaDevice,
                                 PIOMMU_DMA_PASID_DEVICE *PasidDeviceOut, PULONG AsidOut)
{
    (void)DmaDevice, (void)PasidDeviceOut, (void)AsidOut;
    return STATUS_INVALID_PARAMETER_1;
}

NTSTATUS wdm_delete_pasid_device(PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
    (void)PasidDevice;
    return STATUS_INVALID_PARAMETER_1;
}

NTSTATUS wdm_attach_pasid_device(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
    (void)PasidDevice;
    return wdm_refused(wdm_reference(Domain), ~0u, STATUS_INVALID_PARAMETER_2);
}

NTSTATUS wdm_detach_pasid_device(PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
    (void)PasidDevice;
    return STATUS_INVALID_PARAMETER_1;
}

NTSTATUS wdm_query_device_info(PIOMMU_DMA_DEVICE DmaDevice, ULONG Size, PULONG BytesWritten,
                               PIOMMU_DMA_DEVICE_INFORMATION Buffer)
{
    if (!wdm_state || !iommu_has_device(wdm_state, owner_current(), wdm_reference(DmaDevice)))
        return STATUS_INVALID_PARAMETER_1;
    if (Size < IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN)
        return STATUS_BUFFER_TOO_SMALL;
    if (!BytesWritten)
        return STATUS_INVALID_PARAMETER_3;
    if (!Buffer)
        return STATUS_INVALID_PARAMETER_4;
    memset(Buffer, FALSE, IOMMU_DMA_DEVICE_INFORMATION_SIZE);
    *BytesWritten = IOMMU_DMA_DEVICE_INFORMATION_SIZE;
    return STATUS_SUCCESS;
}
