/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef WDM_H
#define WDM_H

#include <iommu_types.h>
#include <ntstatus.h>

/*
 * The domain API: the DMA_IOMMU_INTERFACE family of wdm.h, by the same names, layouts and status
 * codes, so that Windows-style driver source compiles unchanged. Sources: the published pages of
 * wdm.h (D), the declarations and notes of the WDK 10.0.26100 header (H), and, where both are
 * silent, a choice of this project (C).
 *
 * Built in this release: IoGetIommuInterfaceEx (version 2), CreateDevice, DeleteDevice,
 * CreateDomainEx (DomainTypeTranslate), DeleteDomain, AttachDeviceEx, DetachDeviceEx,
 * MapLogicalRangeEx, UnmapLogicalRange. Every other slot of the version 2
 * table is filled and returns STATUS_NOT_IMPLEMENTED; its declaration says "not built".
 *
 * Choices (C), for all routines unless a declaration says otherwise:
 *
 *   question                         choice                          reason
 *   order of checks                  parameters by position, then    a caller can predict the code
 *                                    ownership, overlap, memory
 *   invalid handle                   STATUS_INVALID_PARAMETER_n      n is its position, as for a
 *                                                                    wrong domain type
 *   NULL for a required pointer      STATUS_INVALID_PARAMETER_n      the same rule
 *   outputs on failure               untouched                       a failure changes nothing
 *   handles                          opaque values, not pointers     index, generation and owner:
 *                                                                    a stale or foreign one fails
 *   "STATUS_IN_USE" of the pages     STATUS_RESOURCE_IN_USE          the first has no value
 *   out of memory                    STATUS_INSUFFICIENT_RESOURCES   as for the listed routines
 *   hardware wait failed             STATUS_IO_DEVICE_ERROR          never gives access back: the
 *                                                                    range stays unmapped and
 *                                                                    quarantined, devices stopped
 *   caller's structures              copied in once                  they may change underneath
 *   IRQL of un-annotated routines    PASSIVE_LEVEL                   the narrowest promise
 *
 * Addresses and sizes are in bytes, NumberOfPages in pages of 4096 bytes. A logical address is what
 * a device puts on the bus; a physical address is what memory answers to.
 */

typedef UCHAR KIRQL;

#define PASSIVE_LEVEL  0
#define APC_LEVEL      1
#define DISPATCH_LEVEL 2
#define HIGH_LEVEL     15

#if NTDDI_VERSION >= NTDDI_WIN10_RS4

/* ---- Routines of version 1. Those that version 2 keeps are marked V2. ---- */

/* TRUE: the system owns the page table and the Map routines serve it; FALSE: the caller does, and
 * Configure and Flush serve it (D, H). Not built; CreateDomainEx takes its place. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_CREATE(_In_ BOOLEAN OsManagedPageTable, _Outptr_ PIOMMU_DMA_DOMAIN *DomainOut);
typedef IOMMU_DOMAIN_CREATE *PIOMMU_DOMAIN_CREATE;

/* V2. Deletes a domain together with its mappings (C: D names only devices and tokens).
 * STATUS_RESOURCE_IN_USE: a device is attached (rule D, code C); the domain stays usable.
 * STATUS_INVALID_PARAMETER_1: no such domain. STATUS_IO_DEVICE_ERROR: deleted, its id and tables
 * are quarantined. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DELETE(_In_ PIOMMU_DMA_DOMAIN Domain);
typedef IOMMU_DOMAIN_DELETE *PIOMMU_DOMAIN_DELETE;

/* Base 0 and count 1 for everything but ACPI-enumerated ARM64 devices (D, H). Not built. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_ATTACH_DEVICE(_In_ PIOMMU_DMA_DOMAIN Domain,
                               _In_ PDEVICE_OBJECT PhysicalDeviceObject,
                               _In_ ULONG InputMappingIdBase, _In_ ULONG MappingCount);
typedef IOMMU_DOMAIN_ATTACH_DEVICE *PIOMMU_DOMAIN_ATTACH_DEVICE;

/* Not built. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DETACH_DEVICE(_In_ PIOMMU_DMA_DOMAIN Domain,
                               _In_ PDEVICE_OBJECT PhysicalDeviceObject, _In_ ULONG InputMappingId);
typedef IOMMU_DOMAIN_DETACH_DEVICE *PIOMMU_DOMAIN_DETACH_DEVICE;

/* V2. Invalidates all cached translations of a domain whose table the caller owns (D). Not built.
 */
typedef _IRQL_requires_max_(HIGH_LEVEL) NTSTATUS IOMMU_FLUSH_DOMAIN(_In_ PIOMMU_DMA_DOMAIN Domain);
typedef IOMMU_FLUSH_DOMAIN *PIOMMU_FLUSH_DOMAIN;

/* V2. The same for the listed addresses; LastLevel: leaves only (D, H). Not built. */
typedef NTSTATUS IOMMU_FLUSH_DOMAIN_VA_LIST(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ BOOLEAN LastLevel,
                                            _In_ ULONG Number, _In_ PVOID VaList);
typedef IOMMU_FLUSH_DOMAIN_VA_LIST *PIOMMU_FLUSH_DOMAIN_VA_LIST;

/* V2. Input mapping ids of an ARM64 device, into BufferLength bytes (unit: C). Not built. */
typedef NTSTATUS IOMMU_QUERY_INPUT_MAPPINGS(_In_ PDEVICE_OBJECT PhysicalDeviceObject,
                                            _Inout_ PINPUT_MAPPING_ELEMENT Buffer,
                                            _In_ ULONG BufferLength, _Out_opt_ PULONG ReturnLength);
typedef IOMMU_QUERY_INPUT_MAPPINGS *PIOMMU_QUERY_INPUT_MAPPINGS;

/* Not built; MapLogicalRangeEx takes its place. */
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
 *   STATUS_INVALID_PARAMETER_MIX  not wholly mapped; nothing was changed (C)
 *   STATUS_IO_DEVICE_ERROR        the invalidation did not complete: the range stays unmapped and
 *                                 quarantined (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_UNMAP_LOGICAL_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONGLONG LogicalAddress,
                              _In_ ULONGLONG NumberOfPages);
typedef IOMMU_UNMAP_LOGICAL_RANGE *PIOMMU_UNMAP_LOGICAL_RANGE;

/* Each page of the MDL at logical = physical. Not built. */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_MAP_IDENTITY_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONG Permissions, _In_ PMDL Mdl);
typedef IOMMU_MAP_IDENTITY_RANGE *PIOMMU_MAP_IDENTITY_RANGE;

/* Not built. */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_UNMAP_IDENTITY_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ PMDL Mdl);
typedef IOMMU_UNMAP_IDENTITY_RANGE *PIOMMU_UNMAP_IDENTITY_RANGE;

/* For a device that is attached; never beside attach or detach of it (D, H). Not built. */
typedef NTSTATUS IOMMU_SET_DEVICE_FAULT_REPORTING(_In_ PDEVICE_OBJECT PhysicalDeviceObject,
                                                  _In_ ULONG InputMappingIdBase,
                                                  _In_ BOOLEAN Enable,
                                                  _In_opt_ PDEVICE_FAULT_CONFIGURATION FaultConfig);
typedef IOMMU_SET_DEVICE_FAULT_REPORTING *PIOMMU_SET_DEVICE_FAULT_REPORTING;

/* V2. Gives a caller-owned table to an unmanaged domain, which blocks all DMA until then (D, H).
 * Not built. */
typedef NTSTATUS IOMMU_DOMAIN_CONFIGURE(_In_ PIOMMU_DMA_DOMAIN Domain,
                                        _In_ PDOMAIN_CONFIGURATION Configuration);
typedef IOMMU_DOMAIN_CONFIGURE *PIOMMU_DOMAIN_CONFIGURE;

#define DMA_IOMMU_INTERFACE_VERSION_1 1
#define DMA_IOMMU_INTERFACE_VERSION   DMA_IOMMU_INTERFACE_VERSION_1

/* Field order: H. It has no INTERFACE header, whatever its page says. */
typedef struct _DMA_IOMMU_INTERFACE {
    ULONG Version;
    PIOMMU_DOMAIN_CREATE CreateDomain;
    PIOMMU_DOMAIN_DELETE DeleteDomain;
    PIOMMU_DOMAIN_ATTACH_DEVICE AttachDevice;
    PIOMMU_DOMAIN_DETACH_DEVICE DetachDevice;
    PIOMMU_FLUSH_DOMAIN FlushDomain;
    PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
    PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
    PIOMMU_MAP_LOGICAL_RANGE MapLogicalRange;
    PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
    PIOMMU_MAP_IDENTITY_RANGE MapIdentityRange;
    PIOMMU_UNMAP_IDENTITY_RANGE UnmapIdentityRange;
    PIOMMU_SET_DEVICE_FAULT_REPORTING SetDeviceFaultReporting;
    PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
} DMA_IOMMU_INTERFACE, *PDMA_IOMMU_INTERFACE;
_Static_assert(sizeof(DMA_IOMMU_INTERFACE) == 0x70, "ABI");
_Static_assert(offsetof(DMA_IOMMU_INTERFACE, CreateDomain) == 0x8, "ABI");
_Static_assert(offsetof(DMA_IOMMU_INTERFACE, MapLogicalRange) == 0x40, "ABI");
_Static_assert(offsetof(DMA_IOMMU_INTERFACE, ConfigureDomain) == 0x68, "ABI");

/* Deprecated in favour of IoGetIommuInterfaceEx (D). Declared; this image does not export it. */
NTKERNELAPI _IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_ NTSTATUS IoGetIommuInterface(_In_ ULONG Version,
                                                   _Out_ PDMA_IOMMU_INTERFACE InterfaceOut);

#endif /* NTDDI_WIN10_RS4 */

#if NTDDI_VERSION >= NTDDI_WIN10_FE

/* ---- Routines of version 2 ---- */

/*
 * Makes a domain without naming a device: its depth, leaf sizes and coherency suit every unit
 * present. Firmware's reserved regions and the interrupt window 0xFEE00000 to 0xFEEFFFFF are
 * reserved in it (C). Deleted by DeleteDomain.
 *   STATUS_INVALID_PARAMETER_1    no such type (C)
 *   STATUS_INVALID_PARAMETER_2    Flags not 0 (rule D, code C)
 *   STATUS_INVALID_PARAMETER_3    no such allocator, or a width that is not 13 to 63 (D, code C)
 *   STATUS_INVALID_PARAMETER_5    DomainOut is NULL (C)
 *   STATUS_NOT_SUPPORTED          no unit is active, or the type is not allowed (D). Not built:
 *                                 types other than DomainTypeTranslate, ReservedRegions
 *   STATUS_INSUFFICIENT_RESOURCES no memory, or no free domain id (D, H)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_CREATE_EX(_In_ IOMMU_DMA_DOMAIN_TYPE DomainType,
                           _In_ IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags,
                           _In_opt_ PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG LogicalAllocatorConfig,
                           _In_opt_ PIOMMU_DMA_RESERVED_REGION ReservedRegions,
                           _Outptr_ PIOMMU_DMA_DOMAIN *DomainOut);
typedef IOMMU_DOMAIN_CREATE_EX *PIOMMU_DOMAIN_CREATE_EX;

/*
 * From now on the device, with its requester aliases, reaches what the domain maps. Turns bus
 * mastering on (C). Not beside DetachDeviceEx of the same device (D).
 *   STATUS_INVALID_PARAMETER_1    no such domain (C)
 *   STATUS_INVALID_PARAMETER_2    no such device (C)
 *   STATUS_INVALID_PARAMETER      attached already, to this or another domain; it stays so (D)
 *   STATUS_ACCESS_DENIED          the type is barred for the device (D, H), or another member of
 *                                 its isolation group is attached to another domain (C)
 *   STATUS_NOT_SUPPORTED          the device's unit cannot serve the domain (C)
 *   STATUS_INSUFFICIENT_RESOURCES no memory (H)
 *   STATUS_IO_DEVICE_ERROR        not attached; the device reaches nothing (C)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_ATTACH_DEVICE_EX(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DOMAIN_ATTACH_DEVICE_EX *PIOMMU_DOMAIN_ATTACH_DEVICE_EX;

/* When it returns, the device reaches nothing but the regions that firmware demands for it (C).
 * Bus mastering stays on, so that what it still tries is refused and seen (C).
 * STATUS_INVALID_PARAMETER_1: not attached (D, H), or no such device (C). STATUS_IO_DEVICE_ERROR:
 * detached as far as the tables go; the device and its unit are stopped (C). */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DETACH_DEVICE_EX(_In_ PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DOMAIN_DETACH_DEVICE_EX *PIOMMU_DOMAIN_DETACH_DEVICE_EX;

/*
 * Maps memory that the caller owns at consecutive logical addresses and returns the first in
 * *LogicalAddressOut. Without an allocator that is *ExplicitLogicalAddress, and Min and Max are
 * ignored; with one the allocator chooses, aligned to the size, between Min and Max inclusive (D).
 *   STATUS_INVALID_PARAMETER_1    no such domain, or not a remapping domain (D, H)
 *   STATUS_INVALID_PARAMETER_2    reserved permission bits (C)
 *   STATUS_INVALID_PARAMETER_3    physical description NULL, of no known type, not page aligned or
 *                                 not whole pages (D); empty, or it overflows (C)
 *   STATUS_INVALID_PARAMETER_4    address not page aligned (D); the range overflows, exceeds the
 *                                 units' width, or meets a reserved region or the interrupt
 *                                 window (C)
 *   STATUS_INVALID_PARAMETER_7    LogicalAddressOut is NULL (C)
 *   STATUS_INVALID_PARAMETER_MIX  no free address between Min and Max (D)
 *   STATUS_NOT_SUPPORTED          no explicit address although the domain has no allocator, or one
 *                                 although it has (D)
 *   STATUS_ACCESS_DENIED          a frame is not the caller's, or lies in the interrupt window (C)
 *   STATUS_RESOURCE_IN_USE        a page of the range is mapped or quarantined (D, code C)
 *   STATUS_INSUFFICIENT_RESOURCES no memory for tables; nothing was mapped (C)
 *   STATUS_IO_DEVICE_ERROR        an invalidation did not complete; nothing is mapped (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_MAP_LOGICAL_RANGE_EX(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONG Permissions,
                               _In_ PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                               _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                               _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                               _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                               _Out_ PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut);
typedef IOMMU_MAP_LOGICAL_RANGE_EX *PIOMMU_MAP_LOGICAL_RANGE_EX;

/* Each page at logical = physical; nothing to do for a passthrough domain (D, H). Not built. */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_MAP_IDENTITY_RANGE_EX(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONG Permissions,
                                _In_ PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap);
typedef IOMMU_MAP_IDENTITY_RANGE_EX *PIOMMU_MAP_IDENTITY_RANGE_EX;

/* Not built. */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_UNMAP_IDENTITY_RANGE_EX(_In_ PIOMMU_DMA_DOMAIN Domain,
                                  _In_ PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress);
typedef IOMMU_UNMAP_IDENTITY_RANGE_EX *PIOMMU_UNMAP_IDENTITY_RANGE_EX;

/* Always STATUS_NOT_IMPLEMENTED (D). */
typedef NTSTATUS
IOMMU_SET_DEVICE_FAULT_REPORTING_EX(_In_ PIOMMU_DMA_DEVICE DmaDevice, _In_ ULONG InputMappingIdBase,
                                    _In_ BOOLEAN Enable,
                                    _In_opt_ PDEVICE_FAULT_CONFIGURATION FaultConfig);
typedef IOMMU_SET_DEVICE_FAULT_REPORTING_EX *PIOMMU_SET_DEVICE_FAULT_REPORTING_EX;

/* Which domain types can be created and attached now: a hint (D). Not built: writes 0 (C). */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) VOID
    IOMMU_DEVICE_QUERY_DOMAIN_TYPES(_In_ PIOMMU_DMA_DEVICE DmaDevice,
                                    _Out_ PULONG AvailableDomains);
typedef IOMMU_DEVICE_QUERY_DOMAIN_TYPES *PIOMMU_DEVICE_QUERY_DOMAIN_TYPES;

/* One callback for a device; it is called at once (D, H). Not built. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK(
    _In_ PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback, _In_opt_ PVOID Context,
    _In_ PIOMMU_DMA_DEVICE DmaDevice, _In_ PIOMMU_INTERFACE_STATE_CHANGE_FIELDS StateFields);
typedef IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK
    *PIOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK;

/* Not built. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK(_In_ PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK
                                                         StateChangeCallback,
                                                     _In_ PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK
    *PIOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK;

/* Sets logical addresses and their tables aside, so that later maps cannot fail for memory (D).
 * Size is in bytes, whole pages. Not built. */
typedef NTSTATUS
IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ SIZE_T Size,
                                    _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                                    _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                                    _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                                    _Outptr_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken);
typedef IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE *PIOMMU_RESERVE_LOGICAL_ADDRESS_RANGE;

/* STATUS_RESOURCE_IN_USE while any part is mapped (D). Not built. */
typedef NTSTATUS IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE(
    _In_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken);
typedef IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE *PIOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE;

/* Allocates nothing (D, H). Not built. */
typedef NTSTATUS IOMMU_MAP_RESERVED_LOGICAL_RANGE(
    _Inout_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, _In_ SIZE_T Offset,
    _In_ ULONG Permissions, _In_ PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
    _Out_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment);
typedef IOMMU_MAP_RESERVED_LOGICAL_RANGE *PIOMMU_MAP_RESERVED_LOGICAL_RANGE;

/* Frees no table (D, H). Not built. */
typedef NTSTATUS IOMMU_UNMAP_RESERVED_LOGICAL_RANGE(
    _Inout_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment);
typedef IOMMU_UNMAP_RESERVED_LOGICAL_RANGE *PIOMMU_UNMAP_RESERVED_LOGICAL_RANGE;

/*
 * Makes a device from the PDO that the driver contract handed out. One for a PDO at a time (C).
 *   STATUS_INVALID_PARAMETER_1    not a PDO of the caller (C)
 *   STATUS_INVALID_PARAMETER_2    a configuration is given: none is allowed on this platform (D)
 *   STATUS_INVALID_PARAMETER_3    DmaDeviceOut is NULL (C)
 *   STATUS_NOT_FOUND              no active unit stands in front of the device (D, H)
 *   STATUS_RESOURCE_IN_USE        the PDO has a device already (C)
 *   STATUS_INSUFFICIENT_RESOURCES no memory (D, H)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DEVICE_CREATE(_In_ PDEVICE_OBJECT DeviceObject,
                        _In_opt_ PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
                        _Outptr_ PIOMMU_DMA_DEVICE *DmaDeviceOut);
typedef IOMMU_DEVICE_CREATE *PIOMMU_DEVICE_CREATE;

/* STATUS_RESOURCE_IN_USE: still attached (D, H). STATUS_INVALID_PARAMETER_1: no such device. */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DEVICE_DELETE(_In_ PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DEVICE_DELETE *PIOMMU_DEVICE_DELETE;

/* ---- Version 3: requests with PASID. Not built. ---- */

#if NTDDI_VERSION >= NTDDI_WIN10_NI
/* The system chooses the PASID and returns it in AsidOut (D, H). */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_PASID_DEVICE_CREATE(_In_ PIOMMU_DMA_DEVICE DmaDevice,
                              _Outptr_ PIOMMU_DMA_PASID_DEVICE *PasidDeviceOut,
                              _Out_ PULONG AsidOut);
typedef IOMMU_PASID_DEVICE_CREATE *PIOMMU_PASID_DEVICE_CREATE;

typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_PASID_DEVICE_DELETE(_In_ PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_PASID_DEVICE_DELETE *PIOMMU_PASID_DEVICE_DELETE;

typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_ATTACH_PASID_DEVICE(_In_ PIOMMU_DMA_DOMAIN Domain,
                                     _In_ PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_DOMAIN_ATTACH_PASID_DEVICE *PIOMMU_DOMAIN_ATTACH_PASID_DEVICE;

typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DETACH_PASID_DEVICE(_In_ PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_DOMAIN_DETACH_PASID_DEVICE *PIOMMU_DOMAIN_DETACH_PASID_DEVICE;

/* Size is that of Buffer, in bytes; STATUS_BUFFER_TOO_SMALL below ..._SIZE_MIN (D, H). */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DEVICE_QUERY_INFORMATION(_In_ PIOMMU_DMA_DEVICE DmaDevice, _In_ ULONG Size,
                                   _Out_ PULONG BytesWritten,
                                   _Out_writes_bytes_(Size) PIOMMU_DMA_DEVICE_INFORMATION Buffer);
typedef IOMMU_DEVICE_QUERY_INFORMATION *PIOMMU_DEVICE_QUERY_INFORMATION;
#endif

/* ---- The interface tables ---- */

#define DMA_IOMMU_INTERFACE_EX_VERSION_1   1
#define DMA_IOMMU_INTERFACE_EX_VERSION_2   2
#define DMA_IOMMU_INTERFACE_EX_VERSION_MIN DMA_IOMMU_INTERFACE_EX_VERSION_1
#if NTDDI_VERSION >= NTDDI_WIN10_NI
#define DMA_IOMMU_INTERFACE_EX_VERSION_3   3
#define DMA_IOMMU_INTERFACE_EX_VERSION_MAX DMA_IOMMU_INTERFACE_EX_VERSION_3
#define DMA_IOMMU_INTERFACE_EX_VERSION     DMA_IOMMU_INTERFACE_EX_VERSION_3
#else
#define DMA_IOMMU_INTERFACE_EX_VERSION_MAX DMA_IOMMU_INTERFACE_EX_VERSION_2
#define DMA_IOMMU_INTERFACE_EX_VERSION     DMA_IOMMU_INTERFACE_EX_VERSION_1
#endif

typedef struct _DMA_IOMMU_INTERFACE_V1 {
    PIOMMU_DOMAIN_CREATE CreateDomain;
    PIOMMU_DOMAIN_DELETE DeleteDomain;
    PIOMMU_DOMAIN_ATTACH_DEVICE AttachDevice;
    PIOMMU_DOMAIN_DETACH_DEVICE DetachDevice;
    PIOMMU_FLUSH_DOMAIN FlushDomain;
    PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
    PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
    PIOMMU_MAP_LOGICAL_RANGE MapLogicalRange;
    PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
    PIOMMU_MAP_IDENTITY_RANGE MapIdentityRange;
    PIOMMU_UNMAP_IDENTITY_RANGE UnmapIdentityRange;
    PIOMMU_SET_DEVICE_FAULT_REPORTING SetDeviceFaultReporting;
    PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
} DMA_IOMMU_INTERFACE_V1, *PDMA_IOMMU_INTERFACE_V1;
_Static_assert(sizeof(DMA_IOMMU_INTERFACE_V1) == 0x68, "ABI");

typedef struct _DMA_IOMMU_INTERFACE_V2 {
    PIOMMU_DOMAIN_CREATE_EX CreateDomainEx;
    PIOMMU_DOMAIN_DELETE DeleteDomain;
    PIOMMU_DOMAIN_ATTACH_DEVICE_EX AttachDeviceEx;
    PIOMMU_DOMAIN_DETACH_DEVICE_EX DetachDeviceEx;
    PIOMMU_FLUSH_DOMAIN FlushDomain;
    PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
    PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
    PIOMMU_MAP_LOGICAL_RANGE_EX MapLogicalRangeEx;
    PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
    PIOMMU_MAP_IDENTITY_RANGE_EX MapIdentityRangeEx;
    PIOMMU_UNMAP_IDENTITY_RANGE_EX UnmapIdentityRangeEx;
    PIOMMU_SET_DEVICE_FAULT_REPORTING_EX SetDeviceFaultReportingEx;
    PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
    PIOMMU_DEVICE_QUERY_DOMAIN_TYPES QueryAvailableDomainTypes;
    PIOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK RegisterInterfaceStateChangeCallback;
    PIOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK UnregisterInterfaceStateChangeCallback;
    PIOMMU_RESERVE_LOGICAL_ADDRESS_RANGE ReserveLogicalAddressRange;
    PIOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE FreeReservedLogicalAddressRange;
    PIOMMU_MAP_RESERVED_LOGICAL_RANGE MapReservedLogicalRange;
    PIOMMU_UNMAP_RESERVED_LOGICAL_RANGE UnmapReservedLogicalRange;
    PIOMMU_DEVICE_CREATE CreateDevice;
    PIOMMU_DEVICE_DELETE DeleteDevice;
} DMA_IOMMU_INTERFACE_V2, *PDMA_IOMMU_INTERFACE_V2;
_Static_assert(sizeof(DMA_IOMMU_INTERFACE_V2) == 0xB0, "ABI");
_Static_assert(offsetof(DMA_IOMMU_INTERFACE_V2, MapLogicalRangeEx) == 0x38, "ABI");
_Static_assert(offsetof(DMA_IOMMU_INTERFACE_V2, CreateDevice) == 0xA0, "ABI");

#if NTDDI_VERSION >= NTDDI_WIN10_NI
/* Begins with all of version 2, in the same order. */
typedef struct _DMA_IOMMU_INTERFACE_V3 {
    PIOMMU_DOMAIN_CREATE_EX CreateDomainEx;
    PIOMMU_DOMAIN_DELETE DeleteDomain;
    PIOMMU_DOMAIN_ATTACH_DEVICE_EX AttachDeviceEx;
    PIOMMU_DOMAIN_DETACH_DEVICE_EX DetachDeviceEx;
    PIOMMU_FLUSH_DOMAIN FlushDomain;
    PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
    PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
    PIOMMU_MAP_LOGICAL_RANGE_EX MapLogicalRangeEx;
    PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
    PIOMMU_MAP_IDENTITY_RANGE_EX MapIdentityRangeEx;
    PIOMMU_UNMAP_IDENTITY_RANGE_EX UnmapIdentityRangeEx;
    PIOMMU_SET_DEVICE_FAULT_REPORTING_EX SetDeviceFaultReportingEx;
    PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
    PIOMMU_DEVICE_QUERY_DOMAIN_TYPES QueryAvailableDomainTypes;
    PIOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK RegisterInterfaceStateChangeCallback;
    PIOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK UnregisterInterfaceStateChangeCallback;
    PIOMMU_RESERVE_LOGICAL_ADDRESS_RANGE ReserveLogicalAddressRange;
    PIOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE FreeReservedLogicalAddressRange;
    PIOMMU_MAP_RESERVED_LOGICAL_RANGE MapReservedLogicalRange;
    PIOMMU_UNMAP_RESERVED_LOGICAL_RANGE UnmapReservedLogicalRange;
    PIOMMU_DEVICE_CREATE CreateDevice;
    PIOMMU_DEVICE_DELETE DeleteDevice;
    PIOMMU_PASID_DEVICE_CREATE CreatePasidDevice;
    PIOMMU_PASID_DEVICE_DELETE DeletePasidDevice;
    PIOMMU_DOMAIN_ATTACH_PASID_DEVICE AttachPasidDevice;
    PIOMMU_DOMAIN_DETACH_PASID_DEVICE DetachPasidDevice;
    PIOMMU_DEVICE_QUERY_INFORMATION QueryDeviceInfo;
} DMA_IOMMU_INTERFACE_V3, *PDMA_IOMMU_INTERFACE_V3;
_Static_assert(sizeof(DMA_IOMMU_INTERFACE_V3) == 0xD8, "ABI");
_Static_assert(offsetof(DMA_IOMMU_INTERFACE_V3, CreatePasidDevice) == 0xB0, "ABI");
#endif

typedef struct _DMA_IOMMU_INTERFACE_EX {
    SIZE_T Size; /* bytes of the version returned: DMA_IOMMU_INTERFACE_EX_Vn_SIZE */
    ULONG Version;
    union {
        DMA_IOMMU_INTERFACE_V1 V1;
        DMA_IOMMU_INTERFACE_V2 V2;
#if NTDDI_VERSION >= NTDDI_WIN10_NI
        DMA_IOMMU_INTERFACE_V3 V3;
#endif
    } DUMMYUNIONNAME;
} DMA_IOMMU_INTERFACE_EX, *PDMA_IOMMU_INTERFACE_EX;
_Static_assert(offsetof(DMA_IOMMU_INTERFACE_EX, V1) == 0x10, "ABI");

#define DMA_IOMMU_INTERFACE_EX_V1_SIZE                                                             \
    (FIELD_OFFSET(DMA_IOMMU_INTERFACE_EX, V1) + sizeof(DMA_IOMMU_INTERFACE_V1))
#define DMA_IOMMU_INTERFACE_EX_V2_SIZE                                                             \
    (FIELD_OFFSET(DMA_IOMMU_INTERFACE_EX, V2) + sizeof(DMA_IOMMU_INTERFACE_V2))
_Static_assert(DMA_IOMMU_INTERFACE_EX_V1_SIZE == 0x78, "ABI");
_Static_assert(DMA_IOMMU_INTERFACE_EX_V2_SIZE == 0xC0, "ABI");
#if NTDDI_VERSION >= NTDDI_WIN10_NI
#define DMA_IOMMU_INTERFACE_EX_V3_SIZE                                                             \
    (FIELD_OFFSET(DMA_IOMMU_INTERFACE_EX, V3) + sizeof(DMA_IOMMU_INTERFACE_V3))
_Static_assert(DMA_IOMMU_INTERFACE_EX_V3_SIZE == 0xE8, "ABI");
#endif

/*
 * Fills *InterfaceOut with the table of a version, and not a byte beyond that version's size: a
 * driver built with older headers has a smaller structure (H). Succeeds without an IOMMU too;
 * CreateDomainEx and CreateDevice then fail (C).
 *   STATUS_INVALID_PARAMETER_1  version 0, or above DMA_IOMMU_INTERFACE_EX_VERSION_MAX (C)
 *   STATUS_INVALID_PARAMETER_2  Flags not 0 (C: by position)
 *   STATUS_INVALID_PARAMETER_3  InterfaceOut is NULL (C)
 *   STATUS_NOT_SUPPORTED        versions 1 and 3: not built (C)
 */
NTKERNELAPI _IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS
IoGetIommuInterfaceEx(_In_ ULONG Version, _In_ ULONGLONG Flags,
                      _Out_ PDMA_IOMMU_INTERFACE_EX InterfaceOut)
    __attribute__((warn_unused_result));

#endif /* NTDDI_WIN10_FE */

#endif
