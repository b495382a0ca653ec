/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef IOMMU_V2_H
#define IOMMU_V2_H

#include <iommu_types.h>
#include <ntstatus.h>

/* Routines that version 2 adds. Those that it keeps are in iommu_v1.h; its head holds here too. */
#if NTDDI_VERSION >= NTDDI_WIN10_FE

/*
 * Makes a domain without naming a device: its depth, leaf sizes and coherency suit every unit
 * present. The regions that firmware demands, the interrupt window 0xFEE00000 to 0xFEEFFFFF and
 * addresses that a unit does not take for memory (AMD-Vi: 0xFD00000000 to 0xFFFFFFFFFF) are
 * reserved in it (C). LogicalAllocatorConfig NULL: no allocator, every address is explicit (D).
 * Deleted by DeleteDomain.
 *   STATUS_INVALID_PARAMETER_1    no such type (C)
 *   STATUS_INVALID_PARAMETER_2    Flags not 0 (rule D, code C)
 *   STATUS_INVALID_PARAMETER_3    no such allocator; a width that is not 13 to 63 (63: D; code C);
 *                                 Buddy for DomainTypePassThrough or DomainTypeUnmanaged (C)
 *   STATUS_INVALID_PARAMETER_4    a region that is unaligned (rule D, code C), empty or wrapping;
 *                                 beyond the window; over the interrupt window, a region that
 *                                 firmware demands or another of the list; more than 32 of them, or
 *                                 a list without end; any for DomainTypePassThrough or
 *                                 DomainTypeUnmanaged (C)
 *   STATUS_INVALID_PARAMETER_5    DomainOut is NULL (C)
 *   STATUS_NOT_SUPPORTED          no unit is active; DomainTypeTranslateS1; DomainTypePassThrough
 *                                 while the policy bars it or a unit cannot do it (D: the type is
 *                                 not allowed)
 *   STATUS_ACCESS_DENIED          a region to map has a frame that is not the caller's (C)
 *   STATUS_INSUFFICIENT_RESOURCES no memory, no free domain id, or 16 unmanaged domains live (D, H;
 *                                 the number C)
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
 * mastering on (C). Not beside DetachDeviceEx of the same device (D). The change is not atomic for
 * requests in flight: the driver keeps the device quiet (D).
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

/*
 * When it returns, the device reaches nothing but the regions that firmware demands for it (C). Bus
 * mastering stays on, so that what it still tries is refused and seen; fault reporting ends (C).
 *   STATUS_INVALID_PARAMETER_1  not attached (D, H), or no such device (C)
 *   STATUS_IO_DEVICE_ERROR      detached as far as the tables go; the device and its unit are
 *                               stopped (C)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DOMAIN_DETACH_DEVICE_EX(_In_ PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DOMAIN_DETACH_DEVICE_EX *PIOMMU_DOMAIN_DETACH_DEVICE_EX;

/*
 * Maps memory that the caller owns at consecutive logical addresses and returns the first in
 * *LogicalAddressOut. Without an allocator that is *ExplicitLogicalAddress, and Min and Max are
 * ignored; with one the allocator chooses, aligned to the size, between Min and Max inclusive (D).
 * An unaligned Min is rounded up, an unaligned Max down (C).
 *
 *   STATUS_INVALID_PARAMETER_1    no such domain, or not a remapping domain (D, H)
 *   STATUS_INVALID_PARAMETER_2    reserved permission bits, or not expressible (C)
 *   STATUS_INVALID_PARAMETER_3    physical description NULL, of no known type, not page aligned or
 *                                 not whole pages (D); empty, or it overflows (C)
 *   STATUS_INVALID_PARAMETER_4    address not page aligned (D); the range overflows, exceeds the
 *                                 units' width, or meets a region that firmware demands or the
 *                                 interrupt window (C)
 *   STATUS_INVALID_PARAMETER_7    LogicalAddressOut is NULL (C)
 *   STATUS_NOT_SUPPORTED          no explicit address although the domain has no allocator, or one
 *                                 although it has (D)
 *   STATUS_INVALID_PARAMETER_MIX  no free address between Min and Max (D)
 *   STATUS_ACCESS_DENIED          a frame is not the caller's, or lies in the interrupt window (C)
 *   STATUS_RESOURCE_IN_USE        a page of the range is mapped (D, code C), reserved or
 *                                 quarantined (C)
 *   STATUS_INSUFFICIENT_RESOURCES no memory for tables, or no free address and neither Min nor Max
 *                                 given; nothing was mapped (C)
 *   STATUS_IO_DEVICE_ERROR        nothing is mapped (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_MAP_LOGICAL_RANGE_EX(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONG Permissions,
                               _In_ PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                               _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                               _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                               _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                               _Out_ PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut);
typedef IOMMU_MAP_LOGICAL_RANGE_EX *PIOMMU_MAP_LOGICAL_RANGE_EX;

/*
 * Maps each page at the logical address that equals its physical one; scattered pages stay
 * scattered (C). For a passthrough domain, after the checks of the arguments, there is nothing to
 * do (D, H). All or nothing (C).
 *
 *   STATUS_INVALID_PARAMETER_1    no such domain, or neither translating nor passthrough (D)
 *   STATUS_INVALID_PARAMETER_2    reserved permission bits, or not expressible (C)
 *   STATUS_INVALID_PARAMETER_3    physical description as for MapLogicalRangeEx (D); a page beyond
 *                                 the units' width, in a region that firmware demands or in the
 *                                 interrupt window (C)
 *   STATUS_NOT_SUPPORTED          the domain has an allocator (D, H)
 *   STATUS_ACCESS_DENIED          a frame is not the caller's (C)
 *   STATUS_RESOURCE_IN_USE        a page is mapped or reserved (D, H; code C), or listed twice (C)
 *   STATUS_INSUFFICIENT_RESOURCES no memory for tables (C)
 *   STATUS_IO_DEVICE_ERROR        nothing is mapped (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_MAP_IDENTITY_RANGE_EX(_In_ PIOMMU_DMA_DOMAIN Domain, _In_ ULONG Permissions,
                                _In_ PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap);
typedef IOMMU_MAP_IDENTITY_RANGE_EX *PIOMMU_MAP_IDENTITY_RANGE_EX;

/*
 * Unmaps the logical pages that equal the physical ones described, whatever they map; one that is
 * listed twice counts once (C). Never needs memory. For a passthrough domain as above (D, H).
 *   STATUS_INVALID_PARAMETER_1    no such domain, or neither translating nor passthrough (D, H)
 *   STATUS_INVALID_PARAMETER_2    physical description as for MapLogicalRangeEx (D, H)
 *   STATUS_NOT_SUPPORTED          the domain has an allocator (D, H)
 *   STATUS_INVALID_PARAMETER_MIX  a page is not mapped, or of a token or reserved region; nothing
 *                                 was changed (C)
 *   STATUS_IO_DEVICE_ERROR        the pages stay unmapped and quarantined (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    IOMMU_UNMAP_IDENTITY_RANGE_EX(_In_ PIOMMU_DMA_DOMAIN Domain,
                                  _In_ PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress);
typedef IOMMU_UNMAP_IDENTITY_RANGE_EX *PIOMMU_UNMAP_IDENTITY_RANGE_EX;

/* Always STATUS_NOT_IMPLEMENTED (D): faults are reported through version 1. At PASSIVE_LEVEL (C).
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_SET_DEVICE_FAULT_REPORTING_EX(_In_ PIOMMU_DMA_DEVICE DmaDevice,
                                        _In_ ULONG InputMappingIdBase, _In_ BOOLEAN Enable,
                                        _In_opt_ PDEVICE_FAULT_CONFIGURATION FaultConfig);
typedef IOMMU_SET_DEVICE_FAULT_REPORTING_EX *PIOMMU_SET_DEVICE_FAULT_REPORTING_EX;

/*
 * Writes which domain types can be created and attached now, bit n for type n: a hint, not a
 * promise (D). Translate and Unmanaged while the device's unit is active; PassThrough while besides
 * the policy allows it and all units can do it (D, C); TranslateS1 never (C). No such device: 0
 * (C). AvailableDomains NULL: nothing is done (C).
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) VOID
    IOMMU_DEVICE_QUERY_DOMAIN_TYPES(_In_ PIOMMU_DMA_DEVICE DmaDevice,
                                    _Out_ PULONG AvailableDomains);
typedef IOMMU_DEVICE_QUERY_DOMAIN_TYPES *PIOMMU_DEVICE_QUERY_DOMAIN_TYPES;

/*
 * Has the callback told when the policy (the guard) changes the device's mask of available types; a
 * unit that fails is not told (C). It runs once before this returns, with the present mask and, as
 * PresentFields, the fields registered (D, H: at once; the rest C). One callback for a device (D).
 * It may call the interface, unregister itself too; what attaches by PDO, detaches, deletes,
 * registers or sets fault reporting, for its own device only (C).
 *
 *   STATUS_INVALID_PARAMETER_1  StateChangeCallback is NULL (C)
 *   STATUS_INVALID_PARAMETER_3  no such device (C)
 *   STATUS_INVALID_PARAMETER_4  no field of interest set (D), a reserved one set, or NULL (C)
 *   STATUS_UNSUCCESSFUL         the device has a callback already (D)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK(
    _In_ PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback, _In_opt_ PVOID Context,
    _In_ PIOMMU_DMA_DEVICE DmaDevice, _In_ PIOMMU_INTERFACE_STATE_CHANGE_FIELDS StateFields);
typedef IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK
    *PIOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK;

/*
 * When it returns, the callback neither runs nor will: it waits for a running one, unless it is
 * called from inside that (C).
 *   STATUS_INVALID_PARAMETER_1  StateChangeCallback is NULL (C)
 *   STATUS_INVALID_PARAMETER_2  no such device (C)
 *   STATUS_UNSUCCESSFUL         not the callback of this device (D, H)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK(_In_ PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK
                                                         StateChangeCallback,
                                                     _In_ PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK
    *PIOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK;

/*
 * Sets Size bytes of logical addresses and their tables aside, so that later maps there cannot fail
 * for memory (D). Where: as for MapLogicalRangeEx. Nothing is mapped. At PASSIVE_LEVEL (C).
 *   STATUS_INVALID_PARAMETER_1    no such domain, or not a remapping domain (D, H)
 *   STATUS_INVALID_PARAMETER_2    Size not whole pages (D), or 0 (C)
 *   STATUS_INVALID_PARAMETER_3    address not page aligned (D); the range overflows, exceeds the
 *                                 units' width, or meets a region that firmware demands or the
 *                                 interrupt window (C)
 *   STATUS_INVALID_PARAMETER_6    LogicalAddressToken is NULL (C)
 *   STATUS_NOT_SUPPORTED          no explicit address although the domain has no allocator, or one
 *                                 although it has (D)
 *   STATUS_INVALID_PARAMETER_MIX  no free address between Min and Max (D)
 *   STATUS_RESOURCE_IN_USE        a page of the range is mapped or reserved (D, H; code C)
 *   STATUS_INSUFFICIENT_RESOURCES no memory for tables or token (H), or no free address and neither
 *                                 Min nor Max given (C)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE(
    _In_ PIOMMU_DMA_DOMAIN Domain, _In_ SIZE_T Size,
    _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
    _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
    _In_opt_ PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
    _Outptr_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken);
typedef IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE *PIOMMU_RESERVE_LOGICAL_ADDRESS_RANGE;

/*
 * Gives a token's addresses and tables back. At PASSIVE_LEVEL (C).
 *   STATUS_INVALID_PARAMETER_1  no such token (C)
 *   STATUS_RESOURCE_IN_USE      a part of it is mapped; it lives on (D)
 *   STATUS_IO_DEVICE_ERROR      the token is gone; its range and tables are quarantined (C)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE(
    _In_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken);
typedef IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE *PIOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE;

/*
 * Maps memory at byte Offset of a token's range and describes what it mapped in *MappedSegment.
 * Allocates nothing (D, H). Several segments of a token may live beside each other (D). Up to
 * DISPATCH_LEVEL (C: as the other maps).
 *   STATUS_INVALID_PARAMETER_1    no such token (C)
 *   STATUS_INVALID_PARAMETER_2    Offset not page aligned (D)
 *   STATUS_INVALID_PARAMETER_3    reserved permission bits, or not expressible (C)
 *   STATUS_INVALID_PARAMETER_4    physical description as for MapLogicalRangeEx (D)
 *   STATUS_INVALID_PARAMETER_5    MappedSegment is NULL (C)
 *   STATUS_INVALID_PARAMETER_MIX  beyond the end of the token's range (C)
 *   STATUS_ACCESS_DENIED          a frame is not the caller's (C)
 *   STATUS_RESOURCE_IN_USE        a page there is mapped (D)
 *   STATUS_UNSUCCESSFUL           the token is being freed (D)
 *   STATUS_IO_DEVICE_ERROR        nothing is mapped (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS IOMMU_MAP_RESERVED_LOGICAL_RANGE(
    _Inout_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, _In_ SIZE_T Offset,
    _In_ ULONG Permissions, _In_ PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
    _Out_ PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment);
typedef IOMMU_MAP_RESERVED_LOGICAL_RANGE *PIOMMU_MAP_RESERVED_LOGICAL_RANGE;

/*
 * Unmaps a segment, as UnmapLogicalRange does, and zeroes *MappedSegment. Keeps the tables (D, H).
 * Any page-aligned, wholly mapped part of a token is a segment (C). Up to DISPATCH_LEVEL (C).
 *   STATUS_INVALID_PARAMETER_1  MappedSegment is NULL (C)
 *   STATUS_INVALID_PARAMETER    not mapped (D, H): no live token, empty, unaligned, beyond the
 *                               token's range, or not mapped in every page (C)
 *   STATUS_IO_DEVICE_ERROR      the pages stay unmapped and quarantined (C)
 */
typedef _IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS IOMMU_UNMAP_RESERVED_LOGICAL_RANGE(
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

/*
 * Deletes a device; it reaches nothing before and after.
 *   STATUS_INVALID_PARAMETER_1  no such device (C)
 *   STATUS_RESOURCE_IN_USE      still attached (D, H), or a callback is registered (H)
 */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS
    IOMMU_DEVICE_DELETE(_In_ PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DEVICE_DELETE *PIOMMU_DEVICE_DELETE;

#endif /* NTDDI_WIN10_FE */

#endif
