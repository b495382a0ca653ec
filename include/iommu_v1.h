/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef IOMMU_V1_H
#define IOMMU_V1_H

#include <iommu_types.h>
#include <ntstatus.h>

/*
 * Routines of version 1. Those that versions 2 and 3 keep are marked V2.
 *
 * Every routine that returns NTSTATUS may also return STATUS_IO_DEVICE_ERROR (C): a wait for the
 * hardware ran out. Access is then never more than before; what the declaration says of this code
 * is all that differs. Codes are listed in the order of the checks.
 */
#if NTDDI_VERSION >= NTDDI_WIN10_RS4

/*
 * Makes a domain. OsManagedPageTable TRUE: the system owns the page table, Map and Unmap serve it,
 * Configure and Flush do not; FALSE: the reverse (D, H). They are CreateDomainEx with
 * DomainTypeTranslate and with DomainTypeUnmanaged, without allocator or regions (C), and either
 * DeleteDomain deletes them (D).
 *   STATUS_INVALID_PARAMETER_2    DomainOut is NULL (C)
 *   STATUS_NOT_SUPPORTED          no unit is active (C: as CreateDomainEx)
 *   STATUS_INSUFFICIENT_RESOURCES no memory, no free id, or 16 unmanaged domains live (C: the same)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_CREATE(_In_ BOOLEAN OsManagedPageTable, _Outptr_ PIOMMU_DMA_DOMAIN *DomainOut);
typedef IOMMU_DOMAIN_CREATE *PIOMMU_DOMAIN_CREATE;

/*
 * V2. Deletes a domain of either version together with its mappings (C: D names only devices and
 * tokens).
 *   STATUS_INVALID_PARAMETER_1  no such domain (C)
 *   STATUS_RESOURCE_IN_USE      a device is attached, or a token lives (rule D, code C); the domain
 *                               stays usable
 *   STATUS_IO_DEVICE_ERROR      deleted; its id and tables are quarantined (C)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DELETE(_In_ PIOMMU_DMA_DOMAIN Domain);
typedef IOMMU_DOMAIN_DELETE *PIOMMU_DOMAIN_DELETE;

/*
 * Attaches the device of a PDO: AttachDeviceEx for the device that CreateDevice made of it or, when
 * there is none, for one that lives until DetachDevice (C). Base 0 and count 1 for everything but
 * ACPI-enumerated ARM64 devices (D, H). The driver calls it neither beside DetachDevice nor beside
 * SetDeviceFaultReporting for the same device (D, H).
 *   STATUS_INVALID_PARAMETER_1    no such domain (C)
 *   STATUS_INVALID_PARAMETER_2    not a PDO of the caller (C)
 *   STATUS_INVALID_PARAMETER_3    InputMappingIdBase not 0 (rule D, code C)
 *   STATUS_INVALID_PARAMETER_4    MappingCount not 1 (rule D, code C)
 *   STATUS_NOT_FOUND              no active unit stands in front of the device (C: as CreateDevice)
 *   then as AttachDeviceEx
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_ATTACH_DEVICE(_In_ PIOMMU_DMA_DOMAIN Domain,
                               _In_ PDEVICE_OBJECT PhysicalDeviceObject,
                               _In_ ULONG InputMappingIdBase, _In_ ULONG MappingCount);
typedef IOMMU_DOMAIN_ATTACH_DEVICE *PIOMMU_DOMAIN_ATTACH_DEVICE;

/*
 * Detaches the device of a PDO from its domain, however it was attached (C). Ends its fault
 * reporting (C). Beside other calls: as AttachDevice.
 *   STATUS_INVALID_PARAMETER_1  no such domain, or not the one that the device is attached to (C)
 *   STATUS_INVALID_PARAMETER_2  not a PDO of the caller, or not attached (C)
 *   STATUS_INVALID_PARAMETER_3  InputMappingId not 0 (rule D, code C)
 *   STATUS_IO_DEVICE_ERROR      as DetachDeviceEx
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DETACH_DEVICE(_In_ PIOMMU_DMA_DOMAIN Domain,
                               _In_ PDEVICE_OBJECT PhysicalDeviceObject, _In_ ULONG InputMappingId);
typedef IOMMU_DOMAIN_DETACH_DEVICE *PIOMMU_DOMAIN_DETACH_DEVICE;

/*
 * V2. Invalidates all cached translations of a domain whose table the caller owns (D). On x64 such
 * a domain has no table of the caller's, so there is nothing to invalidate and nothing to wait for:
 * no lock is taken (C).
 *   STATUS_INVALID_PARAMETER_1  no such domain, or not an unmanaged one (rule D, code C)
 */
typedef _IRQL_requires_max_(HIGH_LEVEL) NTSTATUS IOMMU_FLUSH_DOMAIN(_In_ PIOMMU_DMA_DOMAIN Domain);
typedef IOMMU_FLUSH_DOMAIN *PIOMMU_FLUSH_DOMAIN;

/*
 * V2. The same for the listed addresses; LastLevel: only leaf translations (D, H). VaList: Number
 * page-aligned addresses of pointer size (C). Number 0 asks for nothing (C). At HIGH_LEVEL too (C).
 *   STATUS_INVALID_PARAMETER_1  no such domain, or not an unmanaged one (rule D, code C)
 *   STATUS_INVALID_PARAMETER_4  VaList is NULL, or an address is not page aligned (C)
 */
typedef _IRQL_requires_max_(HIGH_LEVEL) NTSTATUS
    IOMMU_FLUSH_DOMAIN_VA_LIST(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ BOOLEAN LastLevel,
                               _In_ ULONG Number, _In_ PVOID VaList);
typedef IOMMU_FLUSH_DOMAIN_VA_LIST *PIOMMU_FLUSH_DOMAIN_VA_LIST;

/*
 * V2. Input mapping ids of a device, on ARM64 only (D, H). Lengths are in bytes (C). At
 * PASSIVE_LEVEL (C). *ReturnLength is untouched here (C).
 *   STATUS_INVALID_PARAMETER_1  not a PDO of the caller (C)
 *   STATUS_INVALID_PARAMETER_2  Buffer is NULL (C)
 *   STATUS_UNSUCCESSFUL         always else: the request cannot be satisfied (D; this use C)
 *   STATUS_BUFFER_TOO_SMALL     never here (D, H: on ARM64)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_QUERY_INPUT_MAPPINGS(_In_ PDEVICE_OBJECT PhysicalDeviceObject,
                               _Inout_ PINPUT_MAPPING_ELEMENT Buffer, _In_ ULONG BufferLength,
                               _Out_opt_ PULONG ReturnLength);
typedef IOMMU_QUERY_INPUT_MAPPINGS *PIOMMU_QUERY_INPUT_MAPPINGS;

/*
 * Maps the pages of an MDL at consecutive logical addresses, the first of which the caller names.
 * All or nothing (C).
 *   STATUS_INVALID_PARAMETER_1    no such domain, or not a remapping domain (H)
 *   STATUS_INVALID_PARAMETER_2    reserved permission bits, or not expressible (C)
 *   STATUS_INVALID_PARAMETER_3    MDL not page aligned or not whole pages (H); NULL, empty, or its
 *                                 Size too small for its ByteCount (C)
 *   STATUS_INVALID_PARAMETER_4    address not page aligned (H); the range overflows, exceeds the
 *                                 units' width, or meets a region that firmware demands or the
 *                                 interrupt window (C)
 *   STATUS_NOT_SUPPORTED          the domain has an allocator (C: as MapLogicalRangeEx)
 *   STATUS_ACCESS_DENIED          a frame is not the caller's (C)
 *   STATUS_RESOURCE_IN_USE        a page is mapped, reserved or quarantined (C: the same)
 *   STATUS_INSUFFICIENT_RESOURCES no memory for tables (C)
 *   STATUS_IO_DEVICE_ERROR        nothing is mapped (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_MAP_LOGICAL_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONG Permissions, _In_ PMDL Mdl,
                            _In_ ULONGLONG LogicalAddress);
typedef IOMMU_MAP_LOGICAL_RANGE *PIOMMU_MAP_LOGICAL_RANGE;

/*
 * V2. Removes [LogicalAddress, LogicalAddress + NumberOfPages * 4096). When it returns, no device
 * reaches the pages any more: the invalidation has completed (C: D leaves it open). The range may
 * be a part of one mapping or span several; in a domain with an allocator it is one whole mapping,
 * whose address is free again (C). Never needs memory.
 *   STATUS_INVALID_PARAMETER_1    no such domain, or not a remapping domain (H)
 *   STATUS_INVALID_PARAMETER_2    address not page aligned (H)
 *   STATUS_INVALID_PARAMETER_3    no pages, or the range overflows (C)
 *   STATUS_INVALID_PARAMETER_MIX  not wholly mapped, or it meets a token's range or a reserved
 *                                 region; nothing was changed (C)
 *   STATUS_IO_DEVICE_ERROR        the range stays unmapped and quarantined (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_UNMAP_LOGICAL_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONGLONG LogicalAddress,
                              _In_ ULONGLONG NumberOfPages);
typedef IOMMU_UNMAP_LOGICAL_RANGE *PIOMMU_UNMAP_LOGICAL_RANGE;

/* MapIdentityRangeEx for an MDL; the same codes (C: H names success, _1 and _3). */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_MAP_IDENTITY_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONG Permissions, _In_ PMDL Mdl);
typedef IOMMU_MAP_IDENTITY_RANGE *PIOMMU_MAP_IDENTITY_RANGE;

/* UnmapIdentityRangeEx for an MDL; the same codes (C: H names success, _1 and _2). */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_UNMAP_IDENTITY_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ PMDL Mdl);
typedef IOMMU_UNMAP_IDENTITY_RANGE *PIOMMU_UNMAP_IDENTITY_RANGE;

/*
 * Has the handler of FaultConfig called for each recorded fault of an attached device, or ends
 * that. Enabling again replaces the handler, disabling is always allowed, and detach ends it (C).
 * Never beside attach or detach of the same device (D, H). At PASSIVE_LEVEL (C).
 *   STATUS_INVALID_PARAMETER_1  not a PDO of the caller (C), or not attached (rule D, code C)
 *   STATUS_INVALID_PARAMETER_2  InputMappingIdBase not 0 (C: as AttachDevice)
 *   STATUS_INVALID_PARAMETER_4  Enable without FaultConfig or without a handler in it (C)
 *
 * The handler gets (C) Type FaultInformationX64, IsStage1 FALSE, FaultAddressValid 1, and as
 * X64.Type: TranslationFault (nothing mapped, or the device blocked), PermissionFault,
 * AddressSizeFault (beyond the domain's width), UnsupportedUpstreamTransaction (a request of a kind
 * that the unit refuses) or ExternalFault (the unit could not read or trust its own tables). A
 * record that the unit took before the present attachment may still be told, with the present
 * domain.
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_SET_DEVICE_FAULT_REPORTING(_In_ PDEVICE_OBJECT PhysicalDeviceObject,
                                     _In_ ULONG InputMappingIdBase, _In_ BOOLEAN Enable,
                                     _In_opt_ PDEVICE_FAULT_CONFIGURATION FaultConfig);
typedef IOMMU_SET_DEVICE_FAULT_REPORTING *PIOMMU_SET_DEVICE_FAULT_REPORTING;

/*
 * V2. Gives a table of the caller's to an unmanaged domain, which blocks all DMA until then (D, H).
 * On x64 no configuration can be given: the domain stays blocked. At PASSIVE_LEVEL (C).
 *   STATUS_INVALID_PARAMETER_1  no such domain (C), or not an unmanaged one (D)
 *   STATUS_INVALID_PARAMETER_2  Configuration is NULL or of no known type (C)
 *   STATUS_NOT_SUPPORTED        an X64 configuration (D), or an ARM64 one on this machine (C)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_CONFIGURE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ PDOMAIN_CONFIGURATION Configuration);
typedef IOMMU_DOMAIN_CONFIGURE *PIOMMU_DOMAIN_CONFIGURE;

#endif /* NTDDI_WIN10_RS4 */

#endif
