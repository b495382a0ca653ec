/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/mapping.h"
#include "drivers/iommu/wdm/handles.h"
#include "drivers/iommu/wdm/slots.h"

/* With a named address the bounds are not read. */
static __attribute__((noinline)) NTSTATUS map_any(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
                                                  PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                                                  PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
    iommu_ref_t domain = wdm_reference(Domain);
    struct iommu_place place = IOMMU_ANYWHERE;
    struct iommu_memory memory;
    uint64_t explicit, out;

    if (!wdm_is_permission(Permissions))
        return wdm_refused(domain, WDM_TRANSLATE, STATUS_INVALID_PARAMETER_2);
    if (!wdm_describe(PhysicalAddressToMap, &memory))
        return wdm_refused(domain, WDM_TRANSLATE, STATUS_INVALID_PARAMETER_3);
    if (ExplicitLogicalAddress) {
        explicit = *ExplicitLogicalAddress;
        place.explicit = &explicit;
        if (explicit & (PAGE_SIZE - 1))
            return wdm_refused(domain, WDM_TRANSLATE, STATUS_INVALID_PARAMETER_4);
    } else {
        if (MinLogicalAddress)
            place.min = *MinLogicalAddress;
        if (MaxLogicalAddress)
            place.max = *MaxLogicalAddress;
    }
    if (!LogicalAddressOut)
        return wdm_refused(domain, WDM_TRANSLATE, STATUS_INVALID_PARAMETER_7);
    if (!wdm_state)
        return STATUS_INVALID_PARAMETER_1;
    enum iommu_status status = iommu_map(wdm_state, owner_current(), domain, &place, &memory,
                                         (enum pt_permission)Permissions, &out);
    if (status == IOMMU_OK) {
        *LogicalAddressOut = out;
        return STATUS_SUCCESS;
    }
    if (status == IOMMU_BAD_RANGE)
        return STATUS_INVALID_PARAMETER_4;
    if (status == IOMMU_NO_SPACE && !MinLogicalAddress && !MaxLogicalAddress)
        return STATUS_INSUFFICIENT_RESOURCES;
    return wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

static __attribute__((noinline, cold)) NTSTATUS
map_unusual(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, IOMMU_DMA_LOGICAL_ADDRESS address,
            uint64_t physical, uint64_t length, PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};

    source.ContiguousRange.Base.QuadPart = (LONGLONG)physical;
    source.ContiguousRange.Size = length;
    return map_any(Domain, Permissions, &source, &address, NULL, NULL, out);
}

/* Consecutive memory at a named address. What is not done so is done, or refused, as any other call
 * is. */
static __attribute__((noinline)) NTSTATUS
map_consecutive(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, IOMMU_DMA_LOGICAL_ADDRESS address,
                uint64_t physical, uint64_t length, PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    if (!wdm_state || !wdm_is_permission(Permissions))
        return map_unusual(Domain, Permissions, address, physical, length, out);
    enum iommu_status status =
        iommu_map_plain(wdm_state, owner_current(), wdm_reference(Domain), address, physical,
                        length, (enum pt_permission)Permissions);
    if (status == IOMMU_OK) {
        *out = address;
        return STATUS_SUCCESS;
    }
    return status == IOMMU_NO_MEMORY
               ? STATUS_INSUFFICIENT_RESOURCES
               : map_unusual(Domain, Permissions, address, physical, length, out);
}

static __attribute__((noinline, cold)) NTSTATUS flush_any(PIOMMU_DMA_DOMAIN Domain,
                                                          IOMMU_DMA_LOGICAL_ADDRESS address,
                                                          PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    if (iommu_flush(wdm_state, owner_current(), wdm_reference(Domain), address, PAGE_SIZE) !=
        IOMMU_OK)
        return STATUS_IO_DEVICE_ERROR;
    *out = address;
    return STATUS_SUCCESS;
}

/* The end of a map of one page: as iommu_flush. */
static __attribute__((noinline)) NTSTATUS flush_page(PIOMMU_DMA_DOMAIN Domain,
                                                     IOMMU_DMA_LOGICAL_ADDRESS address,
                                                     PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    const struct iommu_block page = {address, 0};

    if (!iommu_forget(iommu_domain_slot(wdm_state, wdm_reference(Domain)), page, false))
        return flush_any(Domain, address, out);
    *out = address;
    return STATUS_SUCCESS;
}

/* The usual call is made of what is read here once: each field of the source, and the address. */
NTSTATUS wdm_map_logical_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
                                  PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                                  PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                                  PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                                  PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                                  PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
    const volatile IOMMU_MAP_PHYSICAL_ADDRESS *source = PhysicalAddressToMap;

    if (!ExplicitLogicalAddress || !source ||
        source->MapType != MapPhysicalAddressTypeContiguousRange || !LogicalAddressOut)
        return map_any(Domain, Permissions, PhysicalAddressToMap, ExplicitLogicalAddress,
                       MinLogicalAddress, MaxLogicalAddress, LogicalAddressOut);
    uint64_t address = *(const volatile IOMMU_DMA_LOGICAL_ADDRESS *)ExplicitLogicalAddress;
    uint64_t physical = (uint64_t)source->ContiguousRange.Base.QuadPart;
    uint64_t length = source->ContiguousRange.Size;

    if (length != PAGE_SIZE || !wdm_state)
        return map_consecutive(Domain, Permissions, address, physical, length, LogicalAddressOut);
    struct iommu_domain *const domain = iommu_domain_slot(wdm_state, wdm_reference(Domain));
    if (!wdm_is_permission(Permissions) ||
        !iommu_map_near(domain, owner_current(), wdm_reference(Domain), address, physical,
                        (enum pt_permission)Permissions))
        return map_consecutive(Domain, Permissions, address, physical, length, LogicalAddressOut);
    if (domain->flush_units)
        return flush_page(Domain, address, LogicalAddressOut);
    *LogicalAddressOut = address;
    return STATUS_SUCCESS;
}

NTSTATUS wdm_map_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl,
                               ULONGLONG LogicalAddress)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeMdl};
    IOMMU_DMA_LOGICAL_ADDRESS out;

    source.Mdl.Mdl = Mdl;
    return wdm_map_logical_range_ex(Domain, Permissions, &source, &LogicalAddress, NULL, NULL,
                                    &out);
}

static __attribute__((noinline)) NTSTATUS
unmap_any(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress, ULONGLONG NumberOfPages)
{
    iommu_ref_t domain = wdm_reference(Domain);

    if (LogicalAddress & (PAGE_SIZE - 1))
        return wdm_refused(domain, WDM_TRANSLATE, STATUS_INVALID_PARAMETER_2);
    if (!NumberOfPages || NumberOfPages > UINT64_MAX >> PAGE_SHIFT)
        return wdm_refused(domain, WDM_TRANSLATE, STATUS_INVALID_PARAMETER_3);
    if (!wdm_state)
        return STATUS_INVALID_PARAMETER_1;
    enum iommu_status status = iommu_unmap(wdm_state, owner_current(), domain, LogicalAddress,
                                           NumberOfPages << PAGE_SHIFT);
    if (status == IOMMU_OK)
        return STATUS_SUCCESS;
    if (status == IOMMU_BAD_RANGE)
        return STATUS_INVALID_PARAMETER_3;
    return wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

static __attribute__((noinline)) NTSTATUS
unmap_pages(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress, ULONGLONG NumberOfPages)
{
    if (!wdm_state || NumberOfPages > UINT64_MAX >> PAGE_SHIFT)
        return unmap_any(Domain, LogicalAddress, NumberOfPages);
    enum iommu_status status = iommu_unmap_plain(wdm_state, owner_current(), wdm_reference(Domain),
                                                 LogicalAddress, NumberOfPages << PAGE_SHIFT);
    if (status == IOMMU_OK)
        return STATUS_SUCCESS;
    if (status == IOMMU_FAILED)
        return STATUS_IO_DEVICE_ERROR;
    return unmap_any(Domain, LogicalAddress, NumberOfPages);
}

/* The end of an unmap of one page. */
static __attribute__((noinline, cold)) NTSTATUS forget_any(PIOMMU_DMA_DOMAIN Domain,
                                                           ULONGLONG LogicalAddress)
{
    return iommu_forget_any(wdm_state, wdm_reference(Domain), LogicalAddress, PAGE_SIZE, true)
               ? STATUS_SUCCESS
               : STATUS_IO_DEVICE_ERROR;
}

NTSTATUS wdm_unmap_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress,
                                 ULONGLONG NumberOfPages)
{
    const struct iommu_block page = {LogicalAddress, 0};

    if (NumberOfPages != 1 || !wdm_state)
        return unmap_pages(Domain, LogicalAddress, NumberOfPages);
    struct iommu_domain *const domain = iommu_domain_slot(wdm_state, wdm_reference(Domain));
    if (!iommu_unmap_near(domain, owner_current(), wdm_reference(Domain), LogicalAddress))
        return unmap_pages(Domain, LogicalAddress, NumberOfPages);
    return iommu_forget(domain, page, true) ? STATUS_SUCCESS : forget_any(Domain, LogicalAddress);
}

NTSTATUS wdm_map_identity_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
                                   PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap)
{
    iommu_ref_t domain = wdm_reference(Domain);
    struct iommu_memory memory;

    if (!wdm_serves(domain, WDM_IDENTITY))
        return STATUS_INVALID_PARAMETER_1;
    if (!wdm_is_permission(Permissions))
        return STATUS_INVALID_PARAMETER_2;
    if (!wdm_describe(PhysicalAddressToMap, &memory))
        return STATUS_INVALID_PARAMETER_3;
    enum iommu_status status = iommu_map_identity(wdm_state, owner_current(), domain, &memory,
                                                  (enum pt_permission)Permissions);
    return status == IOMMU_BAD_RANGE ? STATUS_INVALID_PARAMETER_3
                                     : wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_map_identity_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeMdl};

    source.Mdl.Mdl = Mdl;
    return wdm_map_identity_range_ex(Domain, Permissions, &source);
}

NTSTATUS wdm_unmap_identity_range_ex(PIOMMU_DMA_DOMAIN Domain,
                                     PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress)
{
    iommu_ref_t domain = wdm_reference(Domain);
    struct iommu_memory memory;

    if (!wdm_serves(domain, WDM_IDENTITY))
        return STATUS_INVALID_PARAMETER_1;
    if (!wdm_describe(MappedPhysicalAddress, &memory))
        return STATUS_INVALID_PARAMETER_2;
    enum iommu_status status = iommu_unmap_identity(wdm_state, owner_current(), domain, &memory);
    return status == IOMMU_BAD_RANGE ? STATUS_INVALID_PARAMETER_2
                                     : wdm_status(status, STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_unmap_identity_range(PIOMMU_DMA_DOMAIN Domain, PMDL Mdl)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeMdl};

    source.Mdl.Mdl = Mdl;
    return wdm_unmap_identity_range_ex(Domain, &source);
}
