/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef WDM_H
#define WDM_H

#include <iommu_choices.h>
#include <iommu_types.h>
#include <iommu_v1.h>
#include <iommu_v2.h>
#include <iommu_v3.h>
#include <ntstatus.h>

/*
 * The domain API: the DMA_IOMMU_INTERFACE family of wdm.h, by the same names, layouts and status
 * codes, so that Windows-style driver source compiles unchanged. Sources: the published pages of
 * wdm.h (D), the declarations and notes of the WDK 10.0.26100 header (H), and, where both are
 * silent or at odds, a choice of this project (C: iommu_choices.h).
 *
 *   iommu_types.h              types, in one gate for each NTDDI_VERSION that brought some
 *   iommu_v1.h, _v2.h, _v3.h   the routines, each with its contract
 *   this file                  the tables that hold them, and how to get one
 *
 * NTDDI_VERSION may be NTDDI_WIN10_RS4 (version 1 by IoGetIommuInterface), NTDDI_WIN10_FE (versions
 * 1 and 2 by IoGetIommuInterfaceEx) or NTDDI_WIN10_NI (version 3 too), the default.
 */

#if NTDDI_VERSION >= NTDDI_WIN10_RS4

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
ABI_SIZE(DMA_IOMMU_INTERFACE, 0x70);
ABI_AT(DMA_IOMMU_INTERFACE, Version, 0);
ABI_AT(DMA_IOMMU_INTERFACE, CreateDomain, 0x08);
ABI_AT(DMA_IOMMU_INTERFACE, DeleteDomain, 0x10);
ABI_AT(DMA_IOMMU_INTERFACE, AttachDevice, 0x18);
ABI_AT(DMA_IOMMU_INTERFACE, DetachDevice, 0x20);
ABI_AT(DMA_IOMMU_INTERFACE, FlushDomain, 0x28);
ABI_AT(DMA_IOMMU_INTERFACE, FlushDomainByVaList, 0x30);
ABI_AT(DMA_IOMMU_INTERFACE, QueryInputMappings, 0x38);
ABI_AT(DMA_IOMMU_INTERFACE, MapLogicalRange, 0x40);
ABI_AT(DMA_IOMMU_INTERFACE, UnmapLogicalRange, 0x48);
ABI_AT(DMA_IOMMU_INTERFACE, MapIdentityRange, 0x50);
ABI_AT(DMA_IOMMU_INTERFACE, UnmapIdentityRange, 0x58);
ABI_AT(DMA_IOMMU_INTERFACE, SetDeviceFaultReporting, 0x60);
ABI_AT(DMA_IOMMU_INTERFACE, ConfigureDomain, 0x68);

/*
 * Fills *InterfaceOut with the table of version 1. Deprecated in favour of IoGetIommuInterfaceEx
 * (D), and the same routines (D).
 *   STATUS_INVALID_PARAMETER_1  Version is not 1 (C)
 *   STATUS_INVALID_PARAMETER_2  InterfaceOut is NULL (C)
 *   STATUS_NOT_SUPPORTED        no unit is active (C)
 */
NTKERNELAPI _IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_ NTSTATUS IoGetIommuInterface(_In_ ULONG Version,
                                                   _Out_ PDMA_IOMMU_INTERFACE InterfaceOut)
    __attribute__((warn_unused_result));

#endif /* NTDDI_WIN10_RS4 */

#if NTDDI_VERSION >= NTDDI_WIN10_FE

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
ABI_SIZE(DMA_IOMMU_INTERFACE_V1, 0x68);
ABI_AT(DMA_IOMMU_INTERFACE_V1, CreateDomain, 0x00);
ABI_AT(DMA_IOMMU_INTERFACE_V1, DeleteDomain, 0x08);
ABI_AT(DMA_IOMMU_INTERFACE_V1, AttachDevice, 0x10);
ABI_AT(DMA_IOMMU_INTERFACE_V1, DetachDevice, 0x18);
ABI_AT(DMA_IOMMU_INTERFACE_V1, FlushDomain, 0x20);
ABI_AT(DMA_IOMMU_INTERFACE_V1, FlushDomainByVaList, 0x28);
ABI_AT(DMA_IOMMU_INTERFACE_V1, QueryInputMappings, 0x30);
ABI_AT(DMA_IOMMU_INTERFACE_V1, MapLogicalRange, 0x38);
ABI_AT(DMA_IOMMU_INTERFACE_V1, UnmapLogicalRange, 0x40);
ABI_AT(DMA_IOMMU_INTERFACE_V1, MapIdentityRange, 0x48);
ABI_AT(DMA_IOMMU_INTERFACE_V1, UnmapIdentityRange, 0x50);
ABI_AT(DMA_IOMMU_INTERFACE_V1, SetDeviceFaultReporting, 0x58);
ABI_AT(DMA_IOMMU_INTERFACE_V1, ConfigureDomain, 0x60);

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
ABI_SIZE(DMA_IOMMU_INTERFACE_V2, 0xB0);
ABI_AT(DMA_IOMMU_INTERFACE_V2, CreateDomainEx, 0x00);
ABI_AT(DMA_IOMMU_INTERFACE_V2, DeleteDomain, 0x08);
ABI_AT(DMA_IOMMU_INTERFACE_V2, AttachDeviceEx, 0x10);
ABI_AT(DMA_IOMMU_INTERFACE_V2, DetachDeviceEx, 0x18);
ABI_AT(DMA_IOMMU_INTERFACE_V2, FlushDomain, 0x20);
ABI_AT(DMA_IOMMU_INTERFACE_V2, FlushDomainByVaList, 0x28);
ABI_AT(DMA_IOMMU_INTERFACE_V2, QueryInputMappings, 0x30);
ABI_AT(DMA_IOMMU_INTERFACE_V2, MapLogicalRangeEx, 0x38);
ABI_AT(DMA_IOMMU_INTERFACE_V2, UnmapLogicalRange, 0x40);
ABI_AT(DMA_IOMMU_INTERFACE_V2, MapIdentityRangeEx, 0x48);
ABI_AT(DMA_IOMMU_INTERFACE_V2, UnmapIdentityRangeEx, 0x50);
ABI_AT(DMA_IOMMU_INTERFACE_V2, SetDeviceFaultReportingEx, 0x58);
ABI_AT(DMA_IOMMU_INTERFACE_V2, ConfigureDomain, 0x60);
ABI_AT(DMA_IOMMU_INTERFACE_V2, QueryAvailableDomainTypes, 0x68);
ABI_AT(DMA_IOMMU_INTERFACE_V2, RegisterInterfaceStateChangeCallback, 0x70);
ABI_AT(DMA_IOMMU_INTERFACE_V2, UnregisterInterfaceStateChangeCallback, 0x78);
ABI_AT(DMA_IOMMU_INTERFACE_V2, ReserveLogicalAddressRange, 0x80);
ABI_AT(DMA_IOMMU_INTERFACE_V2, FreeReservedLogicalAddressRange, 0x88);
ABI_AT(DMA_IOMMU_INTERFACE_V2, MapReservedLogicalRange, 0x90);
ABI_AT(DMA_IOMMU_INTERFACE_V2, UnmapReservedLogicalRange, 0x98);
ABI_AT(DMA_IOMMU_INTERFACE_V2, CreateDevice, 0xA0);
ABI_AT(DMA_IOMMU_INTERFACE_V2, DeleteDevice, 0xA8);

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
ABI_SIZE(DMA_IOMMU_INTERFACE_V3, 0xD8);
ABI_AT(DMA_IOMMU_INTERFACE_V3, CreateDomainEx, 0x00);
ABI_AT(DMA_IOMMU_INTERFACE_V3, DeleteDomain, 0x08);
ABI_AT(DMA_IOMMU_INTERFACE_V3, AttachDeviceEx, 0x10);
ABI_AT(DMA_IOMMU_INTERFACE_V3, DetachDeviceEx, 0x18);
ABI_AT(DMA_IOMMU_INTERFACE_V3, FlushDomain, 0x20);
ABI_AT(DMA_IOMMU_INTERFACE_V3, FlushDomainByVaList, 0x28);
ABI_AT(DMA_IOMMU_INTERFACE_V3, QueryInputMappings, 0x30);
ABI_AT(DMA_IOMMU_INTERFACE_V3, MapLogicalRangeEx, 0x38);
ABI_AT(DMA_IOMMU_INTERFACE_V3, UnmapLogicalRange, 0x40);
ABI_AT(DMA_IOMMU_INTERFACE_V3, MapIdentityRangeEx, 0x48);
ABI_AT(DMA_IOMMU_INTERFACE_V3, UnmapIdentityRangeEx, 0x50);
ABI_AT(DMA_IOMMU_INTERFACE_V3, SetDeviceFaultReportingEx, 0x58);
ABI_AT(DMA_IOMMU_INTERFACE_V3, ConfigureDomain, 0x60);
ABI_AT(DMA_IOMMU_INTERFACE_V3, QueryAvailableDomainTypes, 0x68);
ABI_AT(DMA_IOMMU_INTERFACE_V3, RegisterInterfaceStateChangeCallback, 0x70);
ABI_AT(DMA_IOMMU_INTERFACE_V3, UnregisterInterfaceStateChangeCallback, 0x78);
ABI_AT(DMA_IOMMU_INTERFACE_V3, ReserveLogicalAddressRange, 0x80);
ABI_AT(DMA_IOMMU_INTERFACE_V3, FreeReservedLogicalAddressRange, 0x88);
ABI_AT(DMA_IOMMU_INTERFACE_V3, MapReservedLogicalRange, 0x90);
ABI_AT(DMA_IOMMU_INTERFACE_V3, UnmapReservedLogicalRange, 0x98);
ABI_AT(DMA_IOMMU_INTERFACE_V3, CreateDevice, 0xA0);
ABI_AT(DMA_IOMMU_INTERFACE_V3, DeleteDevice, 0xA8);
ABI_AT(DMA_IOMMU_INTERFACE_V3, CreatePasidDevice, 0xB0);
ABI_AT(DMA_IOMMU_INTERFACE_V3, DeletePasidDevice, 0xB8);
ABI_AT(DMA_IOMMU_INTERFACE_V3, AttachPasidDevice, 0xC0);
ABI_AT(DMA_IOMMU_INTERFACE_V3, DetachPasidDevice, 0xC8);
ABI_AT(DMA_IOMMU_INTERFACE_V3, QueryDeviceInfo, 0xD0);
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
#if NTDDI_VERSION >= NTDDI_WIN10_NI
ABI_SIZE(DMA_IOMMU_INTERFACE_EX, 0xE8);
ABI_AT(DMA_IOMMU_INTERFACE_EX, V3, 0x10);
#else
ABI_SIZE(DMA_IOMMU_INTERFACE_EX, 0xC0);
#endif
ABI_AT(DMA_IOMMU_INTERFACE_EX, Size, 0);
ABI_AT(DMA_IOMMU_INTERFACE_EX, Version, 0x08);
ABI_AT(DMA_IOMMU_INTERFACE_EX, V1, 0x10);
ABI_AT(DMA_IOMMU_INTERFACE_EX, V2, 0x10);

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
 */
NTKERNELAPI _IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_ NTSTATUS IoGetIommuInterfaceEx(_In_ ULONG Version, _In_ ULONGLONG Flags,
                                                     _Out_ PDMA_IOMMU_INTERFACE_EX InterfaceOut)
    __attribute__((warn_unused_result));

#endif /* NTDDI_WIN10_FE */

#endif
