/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef IOMMU_TYPES_H
#define IOMMU_TYPES_H

#include <mdl.h>
#include <ntdef.h>

/* Types of the domain API; its routines and its contract are in wdm.h. C marks a choice of this
 * project, D and H what the published pages and the WDK header say. */

/* Header gates. Values: sdkddkver.h. */
#define NTDDI_WIN10_RS4 0x0A000005
#define NTDDI_WIN10_FE  0x0A00000A
#define NTDDI_WIN10_NI  0x0A00000C

#ifndef NTDDI_VERSION
#define NTDDI_VERSION NTDDI_WIN10_NI
#endif

/* A physical device object: here a handle that the driver was given for its device. */
typedef struct _DEVICE_OBJECT *PDEVICE_OBJECT;

#if NTDDI_VERSION >= NTDDI_WIN10_RS4

typedef struct _IOMMU_DMA_DOMAIN *PIOMMU_DMA_DOMAIN;

/* Permissions: any combination of these bits. Other bits: STATUS_INVALID_PARAMETER_n (C), for they
 * are reserved as 0 (D). IOMMU_ACCESS_NONE is a live mapping that refuses every access and keeps
 * its range (C). A permission that the table format cannot express: STATUS_NOT_SUPPORTED (C). */
#define IOMMU_ACCESS_NONE  0x0
#define IOMMU_ACCESS_READ  0x1
#define IOMMU_ACCESS_WRITE 0x2

typedef enum _DOMAIN_CONFIGURATION_ARCH {
    DomainConfigurationArm64,
    DomainConfigurationX64,
    DomainConfigurationInvalid
} DOMAIN_CONFIGURATION_ARCH,
    *PDOMAIN_CONFIGURATION_ARCH;

typedef struct _DOMAIN_CONFIGURATION_ARM64 {
    PHYSICAL_ADDRESS Ttbr0;
    PHYSICAL_ADDRESS Ttbr1;
    ULONG Mair0;
    ULONG Mair1;
    UCHAR InputSize0;
    UCHAR InputSize1;
    BOOLEAN CoherentTableWalks;
    BOOLEAN TranslationEnabled;
} DOMAIN_CONFIGURATION_ARM64, *PDOMAIN_CONFIGURATION_ARM64;
_Static_assert(sizeof(DOMAIN_CONFIGURATION_ARM64) == 0x20, "ABI");
_Static_assert(offsetof(DOMAIN_CONFIGURATION_ARM64, InputSize0) == 0x18, "ABI");
_Static_assert(offsetof(DOMAIN_CONFIGURATION_ARM64, TranslationEnabled) == 0x1B, "ABI");

typedef struct _DOMAIN_CONFIGURATION_X64 {
    PHYSICAL_ADDRESS FirstLevelPageTableRoot;
    BOOLEAN TranslationEnabled;
} DOMAIN_CONFIGURATION_X64, *PDOMAIN_CONFIGURATION_X64;
_Static_assert(sizeof(DOMAIN_CONFIGURATION_X64) == 0x10, "ABI");

typedef struct _DOMAIN_CONFIGURATION {
    DOMAIN_CONFIGURATION_ARCH Type;
    union {
        DOMAIN_CONFIGURATION_ARM64 Arm64;
        DOMAIN_CONFIGURATION_X64 X64;
    } DUMMYUNIONNAME;
} DOMAIN_CONFIGURATION, *PDOMAIN_CONFIGURATION;
_Static_assert(sizeof(DOMAIN_CONFIGURATION) == 0x28, "ABI");
_Static_assert(offsetof(DOMAIN_CONFIGURATION, Arm64) == 0x8, "ABI");

typedef struct _INPUT_MAPPING_ELEMENT {
    ULONG InputMappingId;
} INPUT_MAPPING_ELEMENT, *PINPUT_MAPPING_ELEMENT;
_Static_assert(sizeof(INPUT_MAPPING_ELEMENT) == 4, "ABI");

typedef enum _FAULT_INFORMATION_ARCH {
    FaultInformationInvalid,
    FaultInformationArm64,
    FaultInformationX64
} FAULT_INFORMATION_ARCH,
    *PFAULT_INFORMATION_ARCH;

typedef enum _FAULT_INFORMATION_ARM64_TYPE {
    UnsupportedUpstreamTransaction,
    AddressSizeFault,
    TlbMatchConflict,
    ExternalFault,
    PermissionFault,
    AccessFlagFault,
    TranslationFault,
    MaxFaultType
} FAULT_INFORMATION_ARM64_TYPE,
    *PFAULT_INFORMATION_ARM64_TYPE;

typedef FAULT_INFORMATION_ARM64_TYPE FAULT_INFORMATION_X64_TYPE, *PFAULT_INFORMATION_X64_TYPE;

typedef struct _FAULT_INFORMATION_ARM64_FLAGS {
    ULONG WriteNotRead : 1;
    ULONG InstructionNotData : 1;
    ULONG Privileged : 1;
    ULONG FaultAddressValid : 1;
    ULONG Reserved : 28;
} FAULT_INFORMATION_ARM64_FLAGS, *PFAULT_INFORMATION_ARM64_FLAGS;

typedef struct _FAULT_INFORMATION_X64_FLAGS {
    ULONG FaultAddressValid : 1;
    ULONG Reserved : 31;
} FAULT_INFORMATION_X64_FLAGS, *PFAULT_INFORMATION_X64_FLAGS;

typedef struct _FAULT_INFORMATION_ARM64 {
    PVOID DomainHandle;
    PVOID FaultAddress;
    PDEVICE_OBJECT PhysicalDeviceObject;
    ULONG InputMappingId;
    FAULT_INFORMATION_ARM64_FLAGS Flags;
    FAULT_INFORMATION_ARM64_TYPE Type;
    ULONG64 IommuBaseAddress;
} FAULT_INFORMATION_ARM64, *PFAULT_INFORMATION_ARM64;
_Static_assert(sizeof(FAULT_INFORMATION_ARM64) == 0x30, "ABI");
_Static_assert(offsetof(FAULT_INFORMATION_ARM64, Flags) == 0x1C, "ABI");
_Static_assert(offsetof(FAULT_INFORMATION_ARM64, IommuBaseAddress) == 0x28, "ABI");

typedef struct _FAULT_INFORMATION_X64 {
    PVOID DomainHandle;
    PVOID FaultAddress;
    FAULT_INFORMATION_X64_FLAGS Flags;
    FAULT_INFORMATION_X64_TYPE Type;
    ULONG64 IommuBaseAddress;
    ULONG PciSegment;
} FAULT_INFORMATION_X64, *PFAULT_INFORMATION_X64;
_Static_assert(sizeof(FAULT_INFORMATION_X64) == 0x28, "ABI");
_Static_assert(offsetof(FAULT_INFORMATION_X64, Type) == 0x14, "ABI");
_Static_assert(offsetof(FAULT_INFORMATION_X64, PciSegment) == 0x20, "ABI");

/* The layout is that of the 26100 header; older headers had a shorter one under the same name. */
typedef struct _FAULT_INFORMATION {
    FAULT_INFORMATION_ARCH Type;
    BOOLEAN IsStage1;
    union {
        FAULT_INFORMATION_ARM64 Arm64;
        FAULT_INFORMATION_X64 X64;
    } DUMMYUNIONNAME;
} FAULT_INFORMATION, *PFAULT_INFORMATION;
_Static_assert(sizeof(FAULT_INFORMATION) == 0x38, "ABI");
_Static_assert(offsetof(FAULT_INFORMATION, IsStage1) == 0x4, "ABI");
_Static_assert(offsetof(FAULT_INFORMATION, X64) == 0x8, "ABI");

/* Written by the driver; called at PASSIVE_LEVEL. FaultInformation lives for the call only (C).
 * Never called in this release: driver.fault() of driver.h is. */
typedef VOID IOMMU_DEVICE_FAULT_HANDLER(PVOID Context, PFAULT_INFORMATION FaultInformation);
typedef IOMMU_DEVICE_FAULT_HANDLER *PIOMMU_DEVICE_FAULT_HANDLER;

typedef struct _DEVICE_FAULT_CONFIGURATION {
    PIOMMU_DEVICE_FAULT_HANDLER FaultHandler;
    PVOID FaultContext;
} DEVICE_FAULT_CONFIGURATION, *PDEVICE_FAULT_CONFIGURATION;
_Static_assert(sizeof(DEVICE_FAULT_CONFIGURATION) == 0x10, "ABI");

#endif /* NTDDI_WIN10_RS4 */

#if NTDDI_VERSION >= NTDDI_WIN10_FE

typedef ULONGLONG IOMMU_DMA_LOGICAL_ADDRESS, *PIOMMU_DMA_LOGICAL_ADDRESS;

/* A device as the IOMMU sees it: made from a PDO by CreateDevice. */
typedef struct _IOMMU_DMA_DEVICE *PIOMMU_DMA_DEVICE;

/* Bit n of an availability mask stands for type n. */
typedef enum _IOMMU_DMA_DOMAIN_TYPE {
    DomainTypeTranslate,   /* remapping, second stage */
    DomainTypePassThrough, /* no translation */
    DomainTypeUnmanaged,   /* the caller owns the page table */
    DomainTypeTranslateS1, /* remapping, first stage */
    DomainTypeMax
} IOMMU_DMA_DOMAIN_TYPE,
    *PIOMMU_DMA_DOMAIN_TYPE;

typedef union _IOMMU_DMA_DOMAIN_CREATION_FLAGS {
    struct {
        __extension__ ULONGLONG Reserved : 64;
    } DUMMYSTRUCTNAME;
    ULONGLONG AsUlonglong;
} IOMMU_DMA_DOMAIN_CREATION_FLAGS, *PIOMMU_DMA_DOMAIN_CREATION_FLAGS;
_Static_assert(sizeof(IOMMU_DMA_DOMAIN_CREATION_FLAGS) == 8, "ABI");

typedef enum _IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE {
    IommuDmaLogicalAllocatorNone,
    IommuDmaLogicalAllocatorBuddy,
    IommuDmaLogicalAllocatorMax
} IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE,
    *PIOMMU_DMA_LOGICAL_ALLOCATOR_TYPE;

typedef struct _IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG {
    IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE LogicalAllocatorType;
    union {
        struct {
            ULONG AddressWidth; /* bits, at most 63 */
        } BuddyAllocatorConfig;
    } DUMMYUNIONNAME;
} IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, *PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG;
_Static_assert(sizeof(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG) == 8, "ABI");

/* A list ended by NULL (C). */
typedef struct _IOMMU_DMA_RESERVED_REGION {
    struct _IOMMU_DMA_RESERVED_REGION *RegionNext;
    IOMMU_DMA_LOGICAL_ADDRESS Base;
    SIZE_T NumberOfPages;
    BOOLEAN ShouldMap; /* TRUE: identity-mapped; FALSE: kept out of the table */
} IOMMU_DMA_RESERVED_REGION, *PIOMMU_DMA_RESERVED_REGION;
_Static_assert(sizeof(IOMMU_DMA_RESERVED_REGION) == 0x20, "ABI");
_Static_assert(offsetof(IOMMU_DMA_RESERVED_REGION, ShouldMap) == 0x18, "ABI");

typedef struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN {
    IOMMU_DMA_LOGICAL_ADDRESS LogicalAddressBase;
    SIZE_T Size; /* bytes */
} IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, *PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN;
_Static_assert(sizeof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN) == 0x10, "ABI");

typedef struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT {
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN OwningToken;
    SIZE_T Offset; /* bytes in the token */
    SIZE_T Size;   /* bytes */
} IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, *PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT;
_Static_assert(sizeof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT) == 0x18, "ABI");

typedef enum _IOMMU_MAP_PHYSICAL_ADDRESS_TYPE {
    MapPhysicalAddressTypeMdl,
    MapPhysicalAddressTypeContiguousRange,
    MapPhysicalAddressTypePfn,
    MapPhysicalAddressTypeMax
} IOMMU_MAP_PHYSICAL_ADDRESS_TYPE,
    *PIOMMU_MAP_PHYSICAL_ADDRESS_TYPE;

/* What to map: whole pages, page aligned (D). Of an MDL only the first is used: Next is not
 * followed, ByteOffset must be 0 and ByteCount whole pages (C). */
typedef struct _IOMMU_MAP_PHYSICAL_ADDRESS {
    IOMMU_MAP_PHYSICAL_ADDRESS_TYPE MapType;
    union {
        struct {
            PMDL Mdl;
        } Mdl;
        struct {
            PHYSICAL_ADDRESS Base;
            SIZE_T Size; /* bytes */
        } ContiguousRange;
        struct {
            PPFN_NUMBER PageFrame;
            SIZE_T NumberOfPages;
        } PfnArray;
    } DUMMYUNIONNAME;
} IOMMU_MAP_PHYSICAL_ADDRESS, *PIOMMU_MAP_PHYSICAL_ADDRESS;
_Static_assert(sizeof(IOMMU_MAP_PHYSICAL_ADDRESS) == 0x18, "ABI");
_Static_assert(offsetof(IOMMU_MAP_PHYSICAL_ADDRESS, ContiguousRange.Size) == 0x10, "ABI");

typedef enum _IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE {
    IommuDeviceCreationConfigTypeNone,
    IommuDeviceCreationConfigTypeAcpi,
    IommuDeviceCreationConfigTypeDeviceId,
#if NTDDI_VERSION >= NTDDI_WIN10_NI
    IommuDeviceCreationConfigTypePasid,
#endif
    IommuDeviceCreationConfigTypeMax
} IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE,
    *PIOMMU_DEVICE_CREATION_CONFIGURATION_TYPE;

typedef struct _IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI {
    UINT32 InputMappingBase;
    UINT32 MappingsCount;
} IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, *PIOMMU_DEVICE_CREATION_CONFIGURATION_ACPI;

#if NTDDI_VERSION >= NTDDI_WIN10_NI
typedef enum _IOMMU_PASID_CONFIGURATION_TYPE {
    PasidConfigTypeDefaultPasidOnly,
    PasidConfigTypePasidTaggedDma,
    PasidConfigTypeMax
} IOMMU_PASID_CONFIGURATION_TYPE,
    *PIOMMU_PASID_CONFIGURATION_TYPE;

typedef struct _IOMMU_DEVICE_CREATION_CONFIGURATION_PASID {
    IOMMU_PASID_CONFIGURATION_TYPE ConfigType;
    BOOLEAN SuppressPasidFaults;
} IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, *PIOMMU_DEVICE_CREATION_CONFIGURATION_PASID;
_Static_assert(sizeof(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID) == 8, "ABI");
#endif

typedef struct _IOMMU_DEVICE_CREATION_CONFIGURATION {
    LIST_ENTRY NextConfiguration;
    IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE ConfigType;
    union {
        IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI Acpi;
        PVOID DeviceId;
#if NTDDI_VERSION >= NTDDI_WIN10_NI
        IOMMU_DEVICE_CREATION_CONFIGURATION_PASID Pasid;
#endif
    } DUMMYUNIONNAME;
} IOMMU_DEVICE_CREATION_CONFIGURATION, *PIOMMU_DEVICE_CREATION_CONFIGURATION;
_Static_assert(sizeof(IOMMU_DEVICE_CREATION_CONFIGURATION) == 0x20, "ABI");
_Static_assert(offsetof(IOMMU_DEVICE_CREATION_CONFIGURATION, Acpi) == 0x18, "ABI");

typedef union _IOMMU_INTERFACE_STATE_CHANGE_FIELDS {
    struct {
        ULONG AvailableDomainTypes : 1;
        ULONG Reserved : 31;
    } DUMMYSTRUCTNAME;
    ULONG AsULONG;
} IOMMU_INTERFACE_STATE_CHANGE_FIELDS, *PIOMMU_INTERFACE_STATE_CHANGE_FIELDS;
_Static_assert(sizeof(IOMMU_INTERFACE_STATE_CHANGE_FIELDS) == 4, "ABI");

typedef struct _IOMMU_INTERFACE_STATE_CHANGE {
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS PresentFields;
    ULONG AvailableDomainTypes;
} IOMMU_INTERFACE_STATE_CHANGE, *PIOMMU_INTERFACE_STATE_CHANGE;
_Static_assert(sizeof(IOMMU_INTERFACE_STATE_CHANGE) == 8, "ABI");

/* Written by the driver; called at most at PASSIVE_LEVEL, first during registration (D, H). */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) _IRQL_requires_same_ VOID
    IOMMU_INTERFACE_STATE_CHANGE_CALLBACK(_In_ PIOMMU_INTERFACE_STATE_CHANGE StateChange,
                                          _In_opt_ PVOID Context);
typedef IOMMU_INTERFACE_STATE_CHANGE_CALLBACK *PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK;

#endif /* NTDDI_WIN10_FE */

#if NTDDI_VERSION >= NTDDI_WIN10_NI

typedef struct _IOMMU_DMA_PASID_DEVICE *PIOMMU_DMA_PASID_DEVICE;

typedef struct _IOMMU_DMA_DEVICE_INFORMATION {
    BOOLEAN DefaultPasidEnabled;
    BOOLEAN PasidTaggedDmaEnabled;
    BOOLEAN PasidFaultsSuppressed;
} IOMMU_DMA_DEVICE_INFORMATION, *PIOMMU_DMA_DEVICE_INFORMATION;
_Static_assert(sizeof(IOMMU_DMA_DEVICE_INFORMATION) == 3, "ABI");

#define IOMMU_DMA_DEVICE_INFORMATION_SIZE sizeof(IOMMU_DMA_DEVICE_INFORMATION)
#define IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN                                                      \
    RTL_SIZEOF_THROUGH_FIELD(IOMMU_DMA_DEVICE_INFORMATION, PasidFaultsSuppressed)
_Static_assert(IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN == 3, "ABI");

#endif /* NTDDI_WIN10_NI */

#endif
