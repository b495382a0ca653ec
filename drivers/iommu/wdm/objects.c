/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/mapping.h"
#include "drivers/iommu/wdm/slots.h"
#include "drivers/iommu/wdm/wdm_iommu.h"

static struct iommu *state;

void wdm_start(struct iommu *iommu)
{
    state = iommu;
}

/* Handles are core's references in the form of pointers. No handle is a valid address. */
static iommu_ref_t reference(const void *handle)
{
    return (iommu_ref_t)(uintptr_t)handle;
}

/* The caller's domain; NULL: no such one. */
static inline struct iommu_domain *domain_of(PIOMMU_DMA_DOMAIN handle)
{
    return state ? iommu_domain_at(state, owner_current(), reference(handle)) : NULL;
}

/* A PDO names its endpoint. */
#define PDO_KIND (UINT64_C(0xB1) << 48)

PDEVICE_OBJECT wdm_pdo(uint16_t endpoint)
{
    return (PDEVICE_OBJECT)(uintptr_t)(PDO_KIND | endpoint);
}

/* The codes that mean the same for every routine; the others are the routine's own. */
static __attribute__((noinline, cold)) NTSTATUS to_status(enum iommu_status status,
                                                          NTSTATUS bad_handle)
{
    switch (status) {
    case IOMMU_OK:
        return STATUS_SUCCESS;
    case IOMMU_NO_MEMORY:
    case IOMMU_NO_ID:
        return STATUS_INSUFFICIENT_RESOURCES;
    case IOMMU_FAILED:
        return STATUS_IO_DEVICE_ERROR;
    case IOMMU_BAD_HANDLE:
        return bad_handle;
    case IOMMU_BAD_ACCESS:
        return STATUS_INVALID_PARAMETER_2;
    case IOMMU_OVERLAP:
    case IOMMU_IN_USE:
        return STATUS_RESOURCE_IN_USE;
    case IOMMU_NOT_MAPPED:
    case IOMMU_NO_SPACE:
        return STATUS_INVALID_PARAMETER_MIX;
    case IOMMU_NOT_OWNED:
    case IOMMU_CLAIMED:
        return STATUS_ACCESS_DENIED;
    case IOMMU_ATTACHED:
        return STATUS_INVALID_PARAMETER;
    case IOMMU_NOT_ATTACHED:
        return STATUS_INVALID_PARAMETER_1;
    case IOMMU_NOT_COVERED:
        return STATUS_NOT_FOUND;
    case IOMMU_NO_CHOICE:
    case IOMMU_INCOMPATIBLE:
        return STATUS_NOT_SUPPORTED;
    case IOMMU_BAD_RANGE:
        break;
    }
    return STATUS_UNSUCCESSFUL;
}

NTSTATUS wdm_create_device(PDEVICE_OBJECT DeviceObject,
                           PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
                           PIOMMU_DMA_DEVICE *DmaDeviceOut)
{
    uint64_t endpoint = reference(DeviceObject) ^ PDO_KIND;
    iommu_ref_t device;

    if (endpoint >= PCI_FUNCTIONS_MAX)
        return STATUS_INVALID_PARAMETER_1;
    if (DeviceConfig)
        return STATUS_INVALID_PARAMETER_2;
    if (!DmaDeviceOut)
        return STATUS_INVALID_PARAMETER_3;
    if (!state)
        return STATUS_NOT_FOUND;
    enum iommu_status status =
        iommu_create_device(state, owner_current(), (uint16_t)endpoint, &device);
    if (status == IOMMU_OK)
        *DmaDeviceOut = (PIOMMU_DMA_DEVICE)(uintptr_t)device;
    return to_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_delete_device(PIOMMU_DMA_DEVICE DmaDevice)
{
    if (!state)
        return STATUS_INVALID_PARAMETER_1;
    return to_status(iommu_delete_device(state, owner_current(), reference(DmaDevice)),
                     STATUS_INVALID_PARAMETER_1);
}

/* Bits of the allocator's window; 0: no allocator. False: no such configuration. */
static bool allocator_width(const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *source, unsigned *width)
{
    *width = 0;
    if (!source)
        return true;
    const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = *source;
    if (config.LogicalAllocatorType == IommuDmaLogicalAllocatorNone)
        return true;
    *width = config.BuddyAllocatorConfig.AddressWidth;
    return config.LogicalAllocatorType == IommuDmaLogicalAllocatorBuddy &&
           *width >= ALLOCATOR_WIDTH_MIN && *width <= ALLOCATOR_WIDTH_MAX;
}

NTSTATUS wdm_create_domain(IOMMU_DMA_DOMAIN_TYPE DomainType, IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags,
                           PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG LogicalAllocatorConfig,
                           PIOMMU_DMA_RESERVED_REGION ReservedRegions, PIOMMU_DMA_DOMAIN *DomainOut)
{
    iommu_ref_t domain;
    unsigned width;

    if ((unsigned)DomainType >= DomainTypeMax)
        return STATUS_INVALID_PARAMETER_1;
    if (Flags.AsUlonglong)
        return STATUS_INVALID_PARAMETER_2;
    if (!allocator_width(LogicalAllocatorConfig, &width))
        return STATUS_INVALID_PARAMETER_3;
    if (!DomainOut)
        return STATUS_INVALID_PARAMETER_5;
    if (!state || DomainType != DomainTypeTranslate || ReservedRegions)
        return STATUS_NOT_SUPPORTED;
    enum iommu_status status = iommu_create_domain(state, owner_current(), width, &domain);
    if (status == IOMMU_NOT_COVERED)
        return STATUS_NOT_SUPPORTED;
    if (status == IOMMU_OK)
        *DomainOut = (PIOMMU_DMA_DOMAIN)(uintptr_t)domain;
    return to_status(status, STATUS_UNSUCCESSFUL);
}

NTSTATUS wdm_delete_domain(PIOMMU_DMA_DOMAIN Domain)
{
    if (!state)
        return STATUS_INVALID_PARAMETER_1;
    return to_status(iommu_delete_domain(state, owner_current(), reference(Domain)),
                     STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_attach_device(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_DEVICE DmaDevice)
{
    if (!domain_of(Domain))
        return STATUS_INVALID_PARAMETER_1;
    return to_status(iommu_attach(state, owner_current(), reference(Domain), reference(DmaDevice)),
                     STATUS_INVALID_PARAMETER_2);
}

NTSTATUS wdm_detach_device(PIOMMU_DMA_DEVICE DmaDevice)
{
    if (!state)
        return STATUS_INVALID_PARAMETER_1;
    return to_status(iommu_detach(state, owner_current(), reference(DmaDevice)),
                     STATUS_INVALID_PARAMETER_1);
}

/* A caller's description of memory, copied in. */
static bool describe_list(const volatile IOMMU_MAP_PHYSICAL_ADDRESS *source,
                          IOMMU_MAP_PHYSICAL_ADDRESS_TYPE type, struct iommu_mapping *out)
{
    out->physical = 0;
    if (type == MapPhysicalAddressTypeMdl) {
        PMDL mdl = source->Mdl.Mdl;

        if (!mdl || mdl->ByteOffset)
            return false;
        out->frames = MmGetMdlPfnArray(mdl);
        out->length = MmGetMdlByteCount(mdl);
        return true;
    }
    uint64_t pages = source->PfnArray.NumberOfPages;
    out->frames = source->PfnArray.PageFrame;
    out->length = pages << PAGE_SHIFT;
    return type == MapPhysicalAddressTypePfn && pages <= UINT64_MAX >> PAGE_SHIFT && out->frames;
}

/* Each field that counts is read once. */
static bool describe(const volatile IOMMU_MAP_PHYSICAL_ADDRESS *source, struct iommu_mapping *out)
{
    IOMMU_MAP_PHYSICAL_ADDRESS_TYPE type = source->MapType;

    if (type == MapPhysicalAddressTypeContiguousRange) {
        out->physical = (uint64_t)source->ContiguousRange.Base.QuadPart;
        out->frames = NULL;
        out->length = source->ContiguousRange.Size;
    } else if (!describe_list(source, type, out)) {
        return false;
    }
    return out->length && !((out->physical | out->length) & (PAGE_SIZE - 1)) &&
           out->physical + (out->length - 1) >= out->physical;
}

static __attribute__((noinline)) NTSTATUS map_any(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
                                                  PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
    struct iommu_domain *domain = domain_of(Domain);
    struct iommu_mapping mapping;

    if (!domain)
        return STATUS_INVALID_PARAMETER_1;
    if (Permissions & ~(ULONG)(IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE))
        return STATUS_INVALID_PARAMETER_2;
    mapping.permission = (enum pt_permission)Permissions;
    if (!PhysicalAddressToMap || !describe(PhysicalAddressToMap, &mapping))
        return STATUS_INVALID_PARAMETER_3;
    mapping.explicit = ExplicitLogicalAddress != NULL;
    if (ExplicitLogicalAddress) {
        mapping.address = *ExplicitLogicalAddress;
        if (mapping.address & (PAGE_SIZE - 1))
            return STATUS_INVALID_PARAMETER_4;
    } else {
        mapping.min = MinLogicalAddress ? *MinLogicalAddress : 0;
        mapping.max = MaxLogicalAddress ? *MaxLogicalAddress : UINT64_MAX;
    }
    if (!LogicalAddressOut)
        return STATUS_INVALID_PARAMETER_7;
    enum iommu_status status = iommu_map(state, domain, &mapping);
    if (status == IOMMU_OK) {
        *LogicalAddressOut = mapping.address;
        return STATUS_SUCCESS;
    }
    if (status == IOMMU_BAD_RANGE)
        return STATUS_INVALID_PARAMETER_4;
    return to_status(status, STATUS_INVALID_PARAMETER_1);
}

/* A contiguous range at an explicit address, with nothing to refuse: what every transfer does. */
static inline bool is_usual(const struct iommu_domain *domain, ULONG permissions, uint64_t address,
                            uint64_t physical, uint64_t length)
{
    return permissions <= (IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE) && length &&
           !((address | physical | length) & (PAGE_SIZE - 1)) &&
           physical + (length - 1) >= physical && iommu_is_plain(domain, address, length);
}

NTSTATUS wdm_map_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
                               PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                               PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                               PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                               PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                               PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
    const volatile IOMMU_MAP_PHYSICAL_ADDRESS *source = PhysicalAddressToMap;
    struct iommu_domain *domain = domain_of(Domain);

    if (domain && source && ExplicitLogicalAddress && LogicalAddressOut &&
        source->MapType == MapPhysicalAddressTypeContiguousRange) {
        uint64_t physical = (uint64_t)source->ContiguousRange.Base.QuadPart;
        uint64_t length = source->ContiguousRange.Size;
        uint64_t address = *(const volatile IOMMU_DMA_LOGICAL_ADDRESS *)ExplicitLogicalAddress;

        if (is_usual(domain, Permissions, address, physical, length)) {
            enum iommu_status status =
                iommu_put_in(domain, address, physical, length, (enum pt_permission)Permissions);
            if (status != IOMMU_OK)
                return to_status(status, STATUS_INVALID_PARAMETER_1);
            *LogicalAddressOut = address;
            return STATUS_SUCCESS;
        }
    }
    return map_any(Domain, Permissions, PhysicalAddressToMap, ExplicitLogicalAddress,
                   MinLogicalAddress, MaxLogicalAddress, LogicalAddressOut);
}

NTSTATUS wdm_unmap_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress,
                                 ULONGLONG NumberOfPages)
{
    struct iommu_domain *domain = domain_of(Domain);

    if (!domain)
        return STATUS_INVALID_PARAMETER_1;
    if (LogicalAddress & (PAGE_SIZE - 1))
        return STATUS_INVALID_PARAMETER_2;
    if ((NumberOfPages - 1) >> (63 - PAGE_SHIFT))
        return STATUS_INVALID_PARAMETER_3;
    enum iommu_status status =
        iommu_unmap(state, domain, LogicalAddress, NumberOfPages << PAGE_SHIFT);
    if (status == IOMMU_OK)
        return STATUS_SUCCESS;
    if (status == IOMMU_BAD_RANGE)
        return STATUS_INVALID_PARAMETER_3;
    return to_status(status, STATUS_INVALID_PARAMETER_1);
}
