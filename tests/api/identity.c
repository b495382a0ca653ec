/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: identity ranges. */
#include "tests/api/api.h"

void api_identity_map(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 2);
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 4, 2);

    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, api->v2.MapIdentityRangeEx(domain, API_BOTH, &memory));
    HOLDS(api_brings(api, 0, api_physical(api, 0), 0, api_physical(api, 1), 1));
    HOLDS(api_stopped(api, 0, api_physical(api, 2), 2));
    GIVES(STATUS_SUCCESS, api->v2.UnmapIdentityRangeEx(domain, &memory));
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    GIVES(STATUS_SUCCESS, api->v1.MapIdentityRange(domain, API_BOTH, mdl));
    HOLDS(api_lands(api, 0, api_physical(api, 6), 6));
    HOLDS(api_lands(api, 0, api_physical(api, 4), 4));
    HOLDS(api_stopped(api, 0, api_physical(api, 5), 5));
    GIVES(STATUS_SUCCESS, api->v1.UnmapIdentityRange(domain, mdl));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v1.UnmapIdentityRange(domain, mdl));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_identity_overlap(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 4), beside = api_pages(api, 3, 4);
    IOMMU_MAP_PHYSICAL_ADDRESS rest = api_pages(api, 4, 3), all = api_pages(api, 0, 8);
    PFN_NUMBER twice[2] = {api_frame(api, 9), api_frame(api, 9)};
    IOMMU_MAP_PHYSICAL_ADDRESS list = {.MapType = MapPhysicalAddressTypePfn};

    list.PfnArray.PageFrame = twice;
    list.PfnArray.NumberOfPages = 2;
    GIVES(STATUS_SUCCESS, api->v2.MapIdentityRangeEx(domain, API_BOTH, &memory));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.MapIdentityRangeEx(domain, API_BOTH, &memory));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.MapIdentityRangeEx(domain, API_BOTH, &beside));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapIdentityRangeEx(domain, &rest));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapIdentityRangeEx(domain, &all));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.MapIdentityRangeEx(domain, API_BOTH, &list));
    GIVES(STATUS_SUCCESS, api->v2.UnmapIdentityRangeEx(domain, &memory));
    GIVES(STATUS_SUCCESS, api->v2.MapIdentityRangeEx(domain, API_BOTH, &beside));
    GIVES(STATUS_SUCCESS, api->v2.UnmapIdentityRangeEx(domain, &beside));
    api_delete_domain(api, domain);
}

void api_identity_unaligned(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    IOMMU_MAP_PHYSICAL_ADDRESS bad[] = {
        api_range(api_physical(api, 0) + 0x10, PAGE_SIZE), api_range(api_physical(api, 0), 0x1001),
        api_range(api_physical(api, 0), 0), api_range(UINT64_C(1) << 62, PAGE_SIZE),
        api_range(0xFEE00000, PAGE_SIZE)};
    IOMMU_MAP_PHYSICAL_ADDRESS foreign = api_range(api->others_physical, PAGE_SIZE);
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 0, 2);

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        GIVES(STATUS_INVALID_PARAMETER_3, api->v2.MapIdentityRangeEx(domain, API_BOTH, &bad[i]));
    for (unsigned i = 0; i < 3; i++)
        GIVES(STATUS_INVALID_PARAMETER_2, api->v2.UnmapIdentityRangeEx(domain, &bad[i]));
    list.mdl.ByteOffset = 0x10;
    GIVES(STATUS_INVALID_PARAMETER_3, api->v1.MapIdentityRange(domain, API_BOTH, mdl));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.UnmapIdentityRange(domain, mdl));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v2.MapIdentityRangeEx(domain, API_BOTH, NULL));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.UnmapIdentityRangeEx(domain, NULL));
    GIVES(STATUS_ACCESS_DENIED, api->v2.MapIdentityRangeEx(domain, API_BOTH, &foreign));
    api_delete_domain(api, domain);
}

void api_identity_pass_through(struct api *api)
{
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 2, 2);

    api_guard(api, IOMMU_GUARD_ALLOW);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypePassThrough);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    api_attach(api, domain, device);
    size_t tables = api_tables(api);
    GIVES(STATUS_SUCCESS, api->v2.MapIdentityRangeEx(domain, API_BOTH, &memory));
    GIVES(STATUS_SUCCESS, api->v2.MapIdentityRangeEx(domain, IOMMU_ACCESS_READ, &memory));
    HOLDS(api_lands(api, 0, api_physical(api, 0), 0));
    GIVES(STATUS_SUCCESS, api->v2.UnmapIdentityRangeEx(domain, &memory));
    GIVES(STATUS_SUCCESS, api->v1.MapIdentityRange(domain, API_BOTH, mdl));
    GIVES(STATUS_SUCCESS, api->v1.UnmapIdentityRange(domain, mdl));
    HOLDS(api_lands(api, 0, api_physical(api, 0), 0));
    HOLDS(api_tables(api) == tables);
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.MapIdentityRangeEx(domain, 4, &memory));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_identity_unmanaged(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeUnmanaged);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 0, 2);

    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.MapIdentityRangeEx(domain, API_BOTH, &memory));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.UnmapIdentityRangeEx(domain, &memory));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v1.MapIdentityRange(domain, API_BOTH, mdl));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v1.UnmapIdentityRange(domain, mdl));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.MapIdentityRangeEx(NULL, 4, NULL));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.UnmapIdentityRangeEx(NULL, NULL));
    api_delete_domain(api, domain);
}

void api_identity_over_explicit(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 3);

    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, api_map(api, domain, 5, 1, api_physical(api, 1), API_BOTH));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.MapIdentityRangeEx(domain, API_BOTH, &memory));
    HOLDS(api_lands(api, 0, api_physical(api, 1), 5));
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    HOLDS(api_stopped(api, 0, api_physical(api, 2), 2));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, api_physical(api, 1), 1));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}
