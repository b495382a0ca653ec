/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/handles.h"
#include "drivers/iommu/wdm/slots.h"

static NTSTATUS create(const struct iommu_domain_config *config, PIOMMU_DMA_DOMAIN *out)
{
    iommu_ref_t domain;

    if (!wdm_state)
        return STATUS_NOT_SUPPORTED;
    enum iommu_status status = iommu_create_domain(wdm_state, owner_current(), config, &domain);
    switch (status) {
    case IOMMU_OK:
        *out = (PIOMMU_DMA_DOMAIN)wdm_handle(domain);
        return STATUS_SUCCESS;
    case IOMMU_NOT_COVERED:
    case IOMMU_BARRED:
        return STATUS_NOT_SUPPORTED;
    case IOMMU_BAD_REGION:
        return STATUS_INVALID_PARAMETER_4;
    default:
        return wdm_status(status, STATUS_UNSUCCESSFUL);
    }
}

NTSTATUS wdm_create_domain(BOOLEAN OsManagedPageTable, PIOMMU_DMA_DOMAIN *DomainOut)
{
    const struct iommu_domain_config config = {.type = OsManagedPageTable ? IOMMU_TRANSLATE
                                                                          : IOMMU_UNMANAGED};

    return DomainOut ? create(&config, DomainOut) : STATUS_INVALID_PARAMETER_2;
}

/* A first stage of the system's is a translating domain as far as its arguments go. */
static enum iommu_domain_type type_of(IOMMU_DMA_DOMAIN_TYPE type)
{
    if (type == DomainTypePassThrough)
        return IOMMU_PASS_THROUGH;
    return type == DomainTypeUnmanaged ? IOMMU_UNMANAGED : IOMMU_TRANSLATE;
}

static bool take_allocator(const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *source,
                           struct iommu_domain_config *config)
{
    if (!source)
        return true;
    const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG from =
        *(const volatile IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *)source;
    if (from.LogicalAllocatorType == IommuDmaLogicalAllocatorNone)
        return true;
    config->width = from.BuddyAllocatorConfig.AddressWidth;
    return from.LogicalAllocatorType == IommuDmaLogicalAllocatorBuddy &&
           config->type == IOMMU_TRANSLATE && config->width >= ALLOCATOR_WIDTH_MIN &&
           config->width <= ALLOCATOR_WIDTH_MAX;
}

static bool take_region(const IOMMU_DMA_RESERVED_REGION *from, struct iommu_reserved *to)
{
    to->first = from->Base;
    to->last = from->Base + (from->NumberOfPages << PAGE_SHIFT) - 1;
    to->map = from->ShouldMap;
    return !(from->Base & (PAGE_SIZE - 1)) && from->NumberOfPages &&
           from->NumberOfPages <= UINT64_MAX >> PAGE_SHIFT && to->last > to->first;
}

/* A list without end is one that is too long. */
static bool take_regions(const IOMMU_DMA_RESERVED_REGION *next, struct iommu_reserved *regions,
                         struct iommu_domain_config *config)
{
    for (unsigned n = 0; next; n++) {
        if (n == IOMMU_RESERVED_MAX || config->type != IOMMU_TRANSLATE)
            return false;
        const IOMMU_DMA_RESERVED_REGION from = *(const volatile IOMMU_DMA_RESERVED_REGION *)next;
        if (!take_region(&from, &regions[n]))
            return false;
        config->reserved_count = n + 1;
        next = from.RegionNext;
    }
    config->reserved = regions;
    return !wdm_state || !wdm_state->format || iommu_regions_fit(wdm_state, config);
}

NTSTATUS wdm_create_domain_ex(IOMMU_DMA_DOMAIN_TYPE DomainType,
                              IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags,
                              PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG LogicalAllocatorConfig,
                              PIOMMU_DMA_RESERVED_REGION ReservedRegions,
                              PIOMMU_DMA_DOMAIN *DomainOut)
{
    struct iommu_domain_config config = {.type = type_of(DomainType)};
    struct iommu_reserved regions[IOMMU_RESERVED_MAX];

    if ((unsigned)DomainType >= DomainTypeMax)
        return STATUS_INVALID_PARAMETER_1;
    if (Flags.AsUlonglong)
        return STATUS_INVALID_PARAMETER_2;
    if (!take_allocator(LogicalAllocatorConfig, &config))
        return STATUS_INVALID_PARAMETER_3;
    if (!take_regions(ReservedRegions, regions, &config))
        return STATUS_INVALID_PARAMETER_4;
    if (!DomainOut)
        return STATUS_INVALID_PARAMETER_5;
    if (DomainType == DomainTypeTranslateS1)
        return STATUS_NOT_SUPPORTED;
    return create(&config, DomainOut);
}

NTSTATUS wdm_delete_domain(PIOMMU_DMA_DOMAIN Domain)
{
    iommu_ref_t domain = wdm_reference(Domain);

    if (!wdm_state)
        return STATUS_INVALID_PARAMETER_1;
    return wdm_status(iommu_delete_domain(wdm_state, owner_current(), domain),
                      STATUS_INVALID_PARAMETER_1);
}

NTSTATUS wdm_configure_domain(PIOMMU_DMA_DOMAIN Domain, PDOMAIN_CONFIGURATION Configuration)
{
    if (!wdm_serves(wdm_reference(Domain), WDM_UNMANAGED))
        return STATUS_INVALID_PARAMETER_1;
    if (!Configuration || (unsigned)Configuration->Type >= DomainConfigurationInvalid)
        return STATUS_INVALID_PARAMETER_2;
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS wdm_flush_domain(PIOMMU_DMA_DOMAIN Domain)
{
    return wdm_refused(wdm_reference(Domain), WDM_UNMANAGED, STATUS_SUCCESS);
}

NTSTATUS wdm_flush_domain_by_va_list(PIOMMU_DMA_DOMAIN Domain, BOOLEAN LastLevel, ULONG Number,
                                     PVOID VaList)
{
    const ULONG_PTR *list = VaList;

    (void)LastLevel;
    if (!wdm_serves(wdm_reference(Domain), WDM_UNMANAGED))
        return STATUS_INVALID_PARAMETER_1;
    if (Number && !list)
        return STATUS_INVALID_PARAMETER_4;
    for (ULONG i = 0; i < Number; i++)
        if (list[i] & (PAGE_SIZE - 1))
            return STATUS_INVALID_PARAMETER_4;
    return STATUS_SUCCESS;
}
