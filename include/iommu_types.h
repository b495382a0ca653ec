/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef IOMMU_TYPES_H
#define IOMMU_TYPES_H

#include <mdl.h>
#include <ntdef.h>

/*
 * Types of the domain API: layouts of the 64-bit ABI. Routines: iommu_v1.h, iommu_v2.h, iommu_v3.h.
 * D: the published pages of wdm.h say so; H: the WDK 10.0.26100 header does; C: a choice of this
 * project, listed with its reason in iommu_choices.h. Declarations without a mark: D and H.
 * Addresses and sizes are in bytes, pages have 4096.
 */

/* Header gates. Values: sdkddkver.h. */
#define NTDDI_WIN10_RS4 0x0A000005
#define NTDDI_WIN10_FE  0x0A00000A
#define NTDDI_WIN10_NI  0x0A00000C

#ifndef NTDDI_VERSION
#define NTDDI_VERSION NTDDI_WIN10_NI
#endif

/* A physical device object: here a handle that the driver was given for its device. */
typedef struct _DEVICE_OBJECT DEVICE_OBJECT, *PDEVICE_OBJECT;

#if NTDDI_VERSION >= NTDDI_WIN10_RS4

/* A set of page tables that devices are attached to. The handle is a value, not an address (C). */
typedef struct _IOMMU_DMA_DOMAIN IOMMU_DMA_DOMAIN, *PIOMMU_DMA_DOMAIN;

/* Permissions: any combination of these bits; bits 2 to 31 are reserved as 0 (D). With one of
 * those, or a combination that the table format cannot express, a map gives
 * STATUS_INVALID_PARAMETER_n (C). IOMMU_ACCESS_NONE is a live mapping that refuses every access and
 * keeps its range (C). */
#define IOMMU_ACCESS_NONE  0x0
#define IOMMU_ACCESS_READ  0x1
#define IOMMU_ACCESS_WRITE 0x2

/* A zeroed DOMAIN_CONFIGURATION means ARM64. */
typedef enum _DOMAIN_CONFIGURATION_ARCH {
    DomainConfigurationArm64,
    DomainConfigurationX64,
    DomainConfigurationInvalid
} DOMAIN_CONFIGURATION_ARCH,
    *PDOMAIN_CONFIGURATION_ARCH;

/* The caller's two first-stage tables on ARM64. */
typedef struct _DOMAIN_CONFIGURATION_ARM64 {
    PHYSICAL_ADDRESS Ttbr0; /* translation table roots */
    PHYSICAL_ADDRESS Ttbr1;
    ULONG Mair0; /* memory attribute indirection */
    ULONG Mair1;
    UCHAR InputSize0; /* input width of each table, in bits */
    UCHAR InputSize1;
    BOOLEAN CoherentTableWalks;
    BOOLEAN TranslationEnabled; /* FALSE: everything bypasses the first stage */
} DOMAIN_CONFIGURATION_ARM64, *PDOMAIN_CONFIGURATION_ARM64;
ABI_SIZE(DOMAIN_CONFIGURATION_ARM64, 0x20);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, Ttbr0, 0);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, Ttbr1, 0x08);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, Mair0, 0x10);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, Mair1, 0x14);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, InputSize0, 0x18);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, InputSize1, 0x19);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, CoherentTableWalks, 0x1A);
ABI_AT(DOMAIN_CONFIGURATION_ARM64, TranslationEnabled, 0x1B);

/* Reserved for the system: a driver that passes it gets STATUS_NOT_SUPPORTED (D). */
typedef struct _DOMAIN_CONFIGURATION_X64 {
    PHYSICAL_ADDRESS FirstLevelPageTableRoot;
    BOOLEAN TranslationEnabled;
} DOMAIN_CONFIGURATION_X64, *PDOMAIN_CONFIGURATION_X64;
ABI_SIZE(DOMAIN_CONFIGURATION_X64, 0x10);
ABI_AT(DOMAIN_CONFIGURATION_X64, FirstLevelPageTableRoot, 0);
ABI_AT(DOMAIN_CONFIGURATION_X64, TranslationEnabled, 0x08);

typedef struct _DOMAIN_CONFIGURATION {
    DOMAIN_CONFIGURATION_ARCH Type;
    union {
        DOMAIN_CONFIGURATION_ARM64 Arm64;
        DOMAIN_CONFIGURATION_X64 X64;
    } DUMMYUNIONNAME;
} DOMAIN_CONFIGURATION, *PDOMAIN_CONFIGURATION;
ABI_SIZE(DOMAIN_CONFIGURATION, 0x28);
ABI_AT(DOMAIN_CONFIGURATION, Arm64, 0x08);
ABI_AT(DOMAIN_CONFIGURATION, X64, 0x08);

/* A stream ID of an ACPI-enumerated ARM64 device. */
typedef struct _INPUT_MAPPING_ELEMENT {
    ULONG InputMappingId;
} INPUT_MAPPING_ELEMENT, *PINPUT_MAPPING_ELEMENT;
ABI_SIZE(INPUT_MAPPING_ELEMENT, 4);
ABI_AT(INPUT_MAPPING_ELEMENT, InputMappingId, 0);

typedef enum _FAULT_INFORMATION_ARCH {
    FaultInformationInvalid,
    FaultInformationArm64,
    FaultInformationX64
} FAULT_INFORMATION_ARCH,
    *PFAULT_INFORMATION_ARCH;

/* On x64 too. Which of them this driver reports: iommu_v1.h, IOMMU_SET_DEVICE_FAULT_REPORTING. */
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
ABI_SIZE(FAULT_INFORMATION_ARM64_FLAGS, 4);

typedef struct _FAULT_INFORMATION_X64_FLAGS {
    ULONG FaultAddressValid : 1;
    ULONG Reserved : 31;
} FAULT_INFORMATION_X64_FLAGS, *PFAULT_INFORMATION_X64_FLAGS;
ABI_SIZE(FAULT_INFORMATION_X64_FLAGS, 4);

/* Never written here. */
typedef struct _FAULT_INFORMATION_ARM64 {
    PVOID DomainHandle;
    PVOID FaultAddress;
    PDEVICE_OBJECT PhysicalDeviceObject;
    ULONG InputMappingId;
    FAULT_INFORMATION_ARM64_FLAGS Flags;
    FAULT_INFORMATION_ARM64_TYPE Type;
    ULONG64 IommuBaseAddress;
} FAULT_INFORMATION_ARM64, *PFAULT_INFORMATION_ARM64;
ABI_SIZE(FAULT_INFORMATION_ARM64, 0x30);
ABI_AT(FAULT_INFORMATION_ARM64, DomainHandle, 0);
ABI_AT(FAULT_INFORMATION_ARM64, FaultAddress, 0x08);
ABI_AT(FAULT_INFORMATION_ARM64, PhysicalDeviceObject, 0x10);
ABI_AT(FAULT_INFORMATION_ARM64, InputMappingId, 0x18);
ABI_AT(FAULT_INFORMATION_ARM64, Flags, 0x1C);
ABI_AT(FAULT_INFORMATION_ARM64, Type, 0x20);
ABI_AT(FAULT_INFORMATION_ARM64, IommuBaseAddress, 0x28);

typedef struct _FAULT_INFORMATION_X64 {
    PVOID DomainHandle; /* the PIOMMU_DMA_DOMAIN that the device is attached to (C) */
    PVOID FaultAddress; /* logical, of the page */
    FAULT_INFORMATION_X64_FLAGS Flags;
    FAULT_INFORMATION_X64_TYPE Type;
    ULONG64 IommuBaseAddress; /* physical, of the unit's registers */
    ULONG PciSegment;
} FAULT_INFORMATION_X64, *PFAULT_INFORMATION_X64;
ABI_SIZE(FAULT_INFORMATION_X64, 0x28);
ABI_AT(FAULT_INFORMATION_X64, DomainHandle, 0);
ABI_AT(FAULT_INFORMATION_X64, FaultAddress, 0x08);
ABI_AT(FAULT_INFORMATION_X64, Flags, 0x10);
ABI_AT(FAULT_INFORMATION_X64, Type, 0x14);
ABI_AT(FAULT_INFORMATION_X64, IommuBaseAddress, 0x18);
ABI_AT(FAULT_INFORMATION_X64, PciSegment, 0x20);

/* The layout is that of the 26100 header; older headers had a shorter one under the same name. */
typedef struct _FAULT_INFORMATION {
    FAULT_INFORMATION_ARCH Type;
    BOOLEAN IsStage1;
    union {
        FAULT_INFORMATION_ARM64 Arm64;
        FAULT_INFORMATION_X64 X64;
    } DUMMYUNIONNAME;
} FAULT_INFORMATION, *PFAULT_INFORMATION;
ABI_SIZE(FAULT_INFORMATION, 0x38);
ABI_AT(FAULT_INFORMATION, Type, 0);
ABI_AT(FAULT_INFORMATION, IsStage1, 0x04);
ABI_AT(FAULT_INFORMATION, Arm64, 0x08);
ABI_AT(FAULT_INFORMATION, X64, 0x08);

/* Written by the driver, called at PASSIVE_LEVEL (D, H), once for each recorded fault of the device
 * (C). FaultInformation lives for the call only (C). */
typedef VOID IOMMU_DEVICE_FAULT_HANDLER(PVOID Context, PFAULT_INFORMATION FaultInformation);
typedef IOMMU_DEVICE_FAULT_HANDLER *PIOMMU_DEVICE_FAULT_HANDLER;

typedef struct _DEVICE_FAULT_CONFIGURATION {
    PIOMMU_DEVICE_FAULT_HANDLER FaultHandler;
    PVOID FaultContext;
} DEVICE_FAULT_CONFIGURATION, *PDEVICE_FAULT_CONFIGURATION;
ABI_SIZE(DEVICE_FAULT_CONFIGURATION, 0x10);
ABI_AT(DEVICE_FAULT_CONFIGURATION, FaultHandler, 0);
ABI_AT(DEVICE_FAULT_CONFIGURATION, FaultContext, 0x08);

#endif /* NTDDI_WIN10_RS4 */

#if NTDDI_VERSION >= NTDDI_WIN10_FE

typedef ULONGLONG IOMMU_DMA_LOGICAL_ADDRESS, *PIOMMU_DMA_LOGICAL_ADDRESS;

/* A device as the IOMMU sees it: made from a PDO by CreateDevice. */
typedef struct _IOMMU_DMA_DEVICE IOMMU_DMA_DEVICE, *PIOMMU_DMA_DEVICE;

/* Bit n of an availability mask stands for type n (D). */
typedef enum _IOMMU_DMA_DOMAIN_TYPE {
    DomainTypeTranslate,   /* remapping, second stage */
    DomainTypePassThrough, /* no translation; available while the policy allows it */
    DomainTypeUnmanaged,   /* the caller owns the page table; on x64 it blocks all DMA */
    DomainTypeTranslateS1, /* remapping, first stage (H); not available here (C) */
    DomainTypeMax          /* present in every gate, as in the newest header (H) */
} IOMMU_DMA_DOMAIN_TYPE,
    *PIOMMU_DMA_DOMAIN_TYPE;

typedef union _IOMMU_DMA_DOMAIN_CREATION_FLAGS {
    struct {
        __extension__ ULONGLONG Reserved : 64;
    } DUMMYSTRUCTNAME;
    ULONGLONG AsUlonglong;
} IOMMU_DMA_DOMAIN_CREATION_FLAGS, *PIOMMU_DMA_DOMAIN_CREATION_FLAGS;
ABI_SIZE(IOMMU_DMA_DOMAIN_CREATION_FLAGS, 8);

typedef enum _IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE {
    IommuDmaLogicalAllocatorNone,  /* as if no configuration was given (C) */
    IommuDmaLogicalAllocatorBuddy, /* low addresses first, each on a power-of-two boundary (D) */
    IommuDmaLogicalAllocatorMax
} IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE,
    *PIOMMU_DMA_LOGICAL_ALLOCATOR_TYPE;

typedef struct _IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG {
    IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE LogicalAllocatorType;
    union {
        struct {
            ULONG AddressWidth; /* bits: at most 63 (D), at least 13 (C); cut to the units' */
        } BuddyAllocatorConfig;
    } DUMMYUNIONNAME;
} IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, *PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG;
ABI_SIZE(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, 8);
ABI_AT(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, LogicalAllocatorType, 0);
ABI_AT(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, BuddyAllocatorConfig.AddressWidth, 0x04);

/* A list ended by NULL, of at most 32 regions (C). In every domain a region is kept out of later
 * maps and reservations; with an allocator that is D, without one C. */
typedef struct _IOMMU_DMA_RESERVED_REGION {
    struct _IOMMU_DMA_RESERVED_REGION *RegionNext;
    IOMMU_DMA_LOGICAL_ADDRESS Base; /* page aligned */
    SIZE_T NumberOfPages;
    BOOLEAN ShouldMap; /* TRUE: identity-mapped (D), read and write (C); FALSE: no access (D) */
} IOMMU_DMA_RESERVED_REGION, *PIOMMU_DMA_RESERVED_REGION;
ABI_SIZE(IOMMU_DMA_RESERVED_REGION, 0x20);
ABI_AT(IOMMU_DMA_RESERVED_REGION, RegionNext, 0);
ABI_AT(IOMMU_DMA_RESERVED_REGION, Base, 0x08);
ABI_AT(IOMMU_DMA_RESERVED_REGION, NumberOfPages, 0x10);
ABI_AT(IOMMU_DMA_RESERVED_REGION, ShouldMap, 0x18);

/* A reserved range whose tables exist (D). In the provider's memory: to be read, never written. */
typedef struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN {
    IOMMU_DMA_LOGICAL_ADDRESS LogicalAddressBase;
    SIZE_T Size; /* bytes */
} IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, *PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN;
ABI_SIZE(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, 0x10);
ABI_AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, LogicalAddressBase, 0);
ABI_AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, Size, 0x08);

/* Mapped pages of a token (D); zeroed by the unmap (D: invalidated; how: C). */
typedef struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT {
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN OwningToken;
    SIZE_T Offset; /* bytes in the token */
    SIZE_T Size;   /* bytes */
} IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, *PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT;
ABI_SIZE(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, 0x18);
ABI_AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, OwningToken, 0);
ABI_AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, Offset, 0x08);
ABI_AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, Size, 0x10);

typedef enum _IOMMU_MAP_PHYSICAL_ADDRESS_TYPE {
    MapPhysicalAddressTypeMdl,
    MapPhysicalAddressTypeContiguousRange,
    MapPhysicalAddressTypePfn,
    MapPhysicalAddressTypeMax
} IOMMU_MAP_PHYSICAL_ADDRESS_TYPE,
    *PIOMMU_MAP_PHYSICAL_ADDRESS_TYPE;

/* What to map: whole pages, page aligned (D), neither empty nor wrapping (C). Of an MDL only
 * the first is used: Next is not followed, ByteOffset must be 0, ByteCount whole pages, and
 * Size must cover a frame number for each of them (C). Frames are read once (C). */
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
ABI_SIZE(IOMMU_MAP_PHYSICAL_ADDRESS, 0x18);
ABI_AT(IOMMU_MAP_PHYSICAL_ADDRESS, MapType, 0);
ABI_AT(IOMMU_MAP_PHYSICAL_ADDRESS, Mdl.Mdl, 0x08);
ABI_AT(IOMMU_MAP_PHYSICAL_ADDRESS, ContiguousRange.Base, 0x08);
ABI_AT(IOMMU_MAP_PHYSICAL_ADDRESS, ContiguousRange.Size, 0x10);
ABI_AT(IOMMU_MAP_PHYSICAL_ADDRESS, PfnArray.PageFrame, 0x08);
ABI_AT(IOMMU_MAP_PHYSICAL_ADDRESS, PfnArray.NumberOfPages, 0x10);

/* None may be given for a device of this platform (D), so the list's form is not asked. */
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
ABI_SIZE(IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, 8);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, InputMappingBase, 0);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, MappingsCount, 0x04);

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
ABI_SIZE(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, 8);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, ConfigType, 0);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, SuppressPasidFaults, 0x04);
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
ABI_SIZE(IOMMU_DEVICE_CREATION_CONFIGURATION, 0x20);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION, NextConfiguration, 0);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION, ConfigType, 0x10);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION, Acpi, 0x18);
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION, DeviceId, 0x18);
#if NTDDI_VERSION >= NTDDI_WIN10_NI
ABI_AT(IOMMU_DEVICE_CREATION_CONFIGURATION, Pasid, 0x18);
#endif

typedef union _IOMMU_INTERFACE_STATE_CHANGE_FIELDS {
    struct {
        ULONG AvailableDomainTypes : 1;
        ULONG Reserved : 31;
    } DUMMYSTRUCTNAME;
    ULONG AsULONG;
} IOMMU_INTERFACE_STATE_CHANGE_FIELDS, *PIOMMU_INTERFACE_STATE_CHANGE_FIELDS;
ABI_SIZE(IOMMU_INTERFACE_STATE_CHANGE_FIELDS, 4);

typedef struct _IOMMU_INTERFACE_STATE_CHANGE {
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS PresentFields; /* which of the fields below are new */
    ULONG AvailableDomainTypes;                        /* bit n: type n */
} IOMMU_INTERFACE_STATE_CHANGE, *PIOMMU_INTERFACE_STATE_CHANGE;
ABI_SIZE(IOMMU_INTERFACE_STATE_CHANGE, 8);
ABI_AT(IOMMU_INTERFACE_STATE_CHANGE, PresentFields, 0);
ABI_AT(IOMMU_INTERFACE_STATE_CHANGE, AvailableDomainTypes, 0x04);

/* Written by the driver; called at PASSIVE_LEVEL (H), first during registration (D, H), then when
 * the device's mask changes. StateChange lives for the call only (C). */
typedef _IRQL_requires_max_(PASSIVE_LEVEL) _IRQL_requires_same_ VOID
    IOMMU_INTERFACE_STATE_CHANGE_CALLBACK(_In_ PIOMMU_INTERFACE_STATE_CHANGE StateChange,
                                          _In_opt_ PVOID Context);
typedef IOMMU_INTERFACE_STATE_CHANGE_CALLBACK *PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK;

#endif /* NTDDI_WIN10_FE */

#if NTDDI_VERSION >= NTDDI_WIN10_NI

/* A part of a device, by the PASID of its requests. */
typedef struct _IOMMU_DMA_PASID_DEVICE IOMMU_DMA_PASID_DEVICE, *PIOMMU_DMA_PASID_DEVICE;

typedef struct _IOMMU_DMA_DEVICE_INFORMATION {
    BOOLEAN DefaultPasidEnabled;
    BOOLEAN PasidTaggedDmaEnabled;
    BOOLEAN PasidFaultsSuppressed;
} IOMMU_DMA_DEVICE_INFORMATION, *PIOMMU_DMA_DEVICE_INFORMATION;
ABI_SIZE(IOMMU_DMA_DEVICE_INFORMATION, 3);
ABI_AT(IOMMU_DMA_DEVICE_INFORMATION, DefaultPasidEnabled, 0);
ABI_AT(IOMMU_DMA_DEVICE_INFORMATION, PasidTaggedDmaEnabled, 0x01);
ABI_AT(IOMMU_DMA_DEVICE_INFORMATION, PasidFaultsSuppressed, 0x02);

#define IOMMU_DMA_DEVICE_INFORMATION_SIZE sizeof(IOMMU_DMA_DEVICE_INFORMATION)
#define IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN                                                      \
    RTL_SIZEOF_THROUGH_FIELD(IOMMU_DMA_DEVICE_INFORMATION, PasidFaultsSuppressed)
_Static_assert(IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN == 3, "ABI");

#endif /* NTDDI_WIN10_NI */

#endif
