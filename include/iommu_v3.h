/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef IOMMU_V3_H
#define IOMMU_V3_H

#include <iommu_types.h>
#include <ntstatus.h>

/*
 * Routines that version 3 adds: parts of a device, by the PASID of its requests. No device is
 * configured for PASID here, since none is driven, so that no such part can exist: they answer as
 * documented for that. All at PASSIVE_LEVEL (D, H).
 */
#if NTDDI_VERSION >= NTDDI_WIN10_NI

/*
 * Makes a part of a device; the system chooses its PASID and returns it in *AsidOut (D, H).
 *   STATUS_INVALID_PARAMETER_1    no such device (C), or not configured for requests with PASID
 *                                 (D, H): always, here
 *   STATUS_INSUFFICIENT_RESOURCES no memory (D, H): never, here
 *   STATUS_NONE_MAPPED            no PASID is left (D, H): never, here
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_PASID_DEVICE_CREATE(_In_ PIOMMU_DMA_DEVICE DmaDevice,
                              _Outptr_ PIOMMU_DMA_PASID_DEVICE *PasidDeviceOut,
                              _Out_ PULONG AsidOut);
typedef IOMMU_PASID_DEVICE_CREATE *PIOMMU_PASID_DEVICE_CREATE;

/*
 * Deletes a part of a device and frees its PASID.
 *   STATUS_INVALID_PARAMETER_1  no such part (C): always, here
 *   STATUS_RESOURCE_IN_USE      still attached (D, H): never, here
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_PASID_DEVICE_DELETE(_In_ PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_PASID_DEVICE_DELETE *PIOMMU_PASID_DEVICE_DELETE;

/*
 * Attaches a part of a device to a domain. Not beside its deletion, the domain's, nor another
 * attach or detach of the device's parts (D).
 *   STATUS_INVALID_PARAMETER_1    no such domain (C), or of a type that it may not have (D, H)
 *   STATUS_INVALID_PARAMETER_2    no such part (C): always, here
 *   STATUS_UNSUCCESSFUL           attached already (D, H): never, here
 *   STATUS_ACCESS_DENIED          not allowed to attach to this domain now (D, H): never, here
 *   STATUS_INSUFFICIENT_RESOURCES no memory (D, H): never, here
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_ATTACH_PASID_DEVICE(_In_ PIOMMU_DMA_DOMAIN Domain,
                                     _In_ PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_DOMAIN_ATTACH_PASID_DEVICE *PIOMMU_DOMAIN_ATTACH_PASID_DEVICE;

/* STATUS_INVALID_PARAMETER_1: never attached (D, H), or no such part (C); always, here. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DETACH_PASID_DEVICE(_In_ PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_DOMAIN_DETACH_PASID_DEVICE *PIOMMU_DOMAIN_DETACH_PASID_DEVICE;

/*
 * Writes 3 bytes of information, all FALSE here, and their number, whatever more Size offers (C).
 *   STATUS_INVALID_PARAMETER_1  no such device (C)
 *   STATUS_BUFFER_TOO_SMALL     Size, of Buffer in bytes, below ..._SIZE_MIN (D, H); nothing is
 *                               written (C)
 *   STATUS_INVALID_PARAMETER_3  BytesWritten is NULL (C)
 *   STATUS_INVALID_PARAMETER_4  Buffer is NULL (C)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DEVICE_QUERY_INFORMATION(_In_ PIOMMU_DMA_DEVICE DmaDevice, _In_ ULONG Size,
                                   _Out_ PULONG BytesWritten,
                                   _Out_writes_bytes_(Size) PIOMMU_DMA_DEVICE_INFORMATION Buffer);
typedef IOMMU_DEVICE_QUERY_INFORMATION *PIOMMU_DEVICE_QUERY_INFORMATION;

#endif /* NTDDI_WIN10_NI */

#endif
