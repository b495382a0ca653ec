/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: mapping with an allocator, and identity. */
#include "tests/api/api.h"

void api_buddy_explicit(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 32);

    GIVES(STATUS_NOT_SUPPORTED, api_map(api, domain, 0, 1, API_AT, API_BOTH));
    struct api_mdl list;
    GIVES(STATUS_NOT_SUPPORTED,
          api->v1.MapLogicalRange(domain, API_BOTH, api_mdl(api, &list, 0, 2), API_AT));
    api_delete_domain(api, domain);
}

void api_buddy_identity(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 32);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 0, 2);

    GIVES(STATUS_NOT_SUPPORTED, api->v2.MapIdentityRangeEx(domain, API_BOTH, &memory));
    GIVES(STATUS_NOT_SUPPORTED, api->v2.UnmapIdentityRangeEx(domain, &memory));
    GIVES(STATUS_NOT_SUPPORTED, api->v1.MapIdentityRange(domain, API_BOTH, mdl));
    GIVES(STATUS_NOT_SUPPORTED, api->v1.UnmapIdentityRange(domain, mdl));
    api_delete_domain(api, domain);
}

static uint64_t alignment_of(unsigned pages)
{
    uint64_t out = FRAME_SIZE;

    while (out < pages * FRAME_SIZE)
        out *= 2;
    return out;
}

void api_buddy_alignment(struct api *api)
{
    static const unsigned sizes[] = {1, 2, 3, 4, 7, 8, 1, 16, 33};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 39);
    uint64_t at[COUNT];

    for (unsigned i = 0; i < COUNT; i++) {
        GIVES(STATUS_SUCCESS, api_map_anywhere(api, domain, sizes[i], NULL, NULL, &at[i]));
        HOLDS(!(at[i] & (alignment_of(sizes[i]) - 1)));
        HOLDS(at[i] && at[i] + sizes[i] * FRAME_SIZE <= UINT64_C(0x100000));
        for (unsigned n = 0; n < i; n++)
            HOLDS(at[i] >= at[n] + sizes[n] * FRAME_SIZE || at[n] >= at[i] + sizes[i] * FRAME_SIZE);
    }
    for (unsigned i = 0; i < COUNT; i++)
        GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, at[i], sizes[i]));
    api_delete_domain(api, domain);
}

void api_buddy_window(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 32);
    const uint64_t low = API_AT, high = API_AT + 0xFFF, wide = API_AT + 0x1FFF;
    uint64_t at, second;

    GIVES(STATUS_SUCCESS, api_map_anywhere(api, domain, 1, &low, &high, &at));
    HOLDS(at == low);
    GIVES(STATUS_INVALID_PARAMETER_MIX, api_map_anywhere(api, domain, 1, &low, &high, &second));
    GIVES(STATUS_SUCCESS, api_map_anywhere(api, domain, 1, &low, &wide, &second));
    HOLDS(second == low + PAGE_SIZE);
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, at, 1));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, second, 1));
    api_delete_domain(api, domain);
}

void api_buddy_impossible(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 32);
    const uint64_t low = API_AT, below = API_AT - 1, narrow = API_AT + 0xFFE, tiny = 0x7FF;
    const uint64_t two = API_AT + 0x1FFE, window = 0xFEE00000, window_end = 0xFEEFFFFF;
    uint64_t at;

    GIVES(STATUS_INVALID_PARAMETER_MIX, api_map_anywhere(api, domain, 1, &low, &below, &at));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api_map_anywhere(api, domain, 1, &low, &narrow, &at));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api_map_anywhere(api, domain, 2, &low, &two, &at));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api_map_anywhere(api, domain, 1, NULL, &tiny, &at));
    GIVES(STATUS_INVALID_PARAMETER_MIX,
          api_map_anywhere(api, domain, 1, &window, &window_end, &at));
    api_delete_domain(api, domain);
}

void api_buddy_width(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 32);
    const uint64_t end = UINT64_C(1) << 32, low = end - 2 * PAGE_SIZE;
    uint64_t at[2], beyond;

    for (unsigned i = 0; i < 2; i++) {
        GIVES(STATUS_SUCCESS, api_map_anywhere(api, domain, 1, &low, NULL, &at[i]));
        HOLDS(at[i] >= low && at[i] < end);
    }
    GIVES(STATUS_INVALID_PARAMETER_MIX, api_map_anywhere(api, domain, 1, &low, NULL, &beyond));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api_map_anywhere(api, domain, 1, &end, NULL, &beyond));
    for (unsigned i = 0; i < 2; i++)
        GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, at[i], 1));
    api_delete_domain(api, domain);
}

void api_buddy_reuse(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 28);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    IOMMU_MAP_PHYSICAL_ADDRESS foreign = api_range(api->others_physical, PAGE_SIZE);
    IOMMU_DMA_LOGICAL_ADDRESS first = API_AT, last = API_AT + 0xFFF, out = 0;
    const uint64_t low = first, high = last;
    uint64_t at;

    api_attach(api, domain, device);
    GIVES(STATUS_ACCESS_DENIED,
          api->v2.MapLogicalRangeEx(domain, API_BOTH, &foreign, NULL, &first, &last, &out));
    HOLDS(!out);
    for (unsigned round = 0; round < 3; round++) {
        GIVES(STATUS_SUCCESS, api_map_anywhere(api, domain, 1, &low, &high, &at));
        HOLDS(at == low && api_lands(api, 0, low, 0));
        GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, at, 1));
    }
    HOLDS(api_stopped(api, 0, low, 0));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_buddy_order(struct api *api)
{
    PIOMMU_DMA_DOMAIN unmanaged = api_domain(api, DomainTypeUnmanaged);
    PIOMMU_DMA_DOMAIN domain = api_buddy(api, 32);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);
    IOMMU_DMA_LOGICAL_ADDRESS unaligned = API_AT + 1;

    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.MapLogicalRangeEx(unmanaged, 4, NULL, &unaligned, NULL, NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.MapLogicalRangeEx(unmanaged, API_BOTH, &memory, &unaligned, NULL, NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_2,
          api->v2.MapLogicalRangeEx(domain, 4, NULL, &unaligned, NULL, NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_3,
          api->v2.MapLogicalRangeEx(domain, API_BOTH, NULL, &unaligned, NULL, NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_4,
          api->v2.MapLogicalRangeEx(domain, API_BOTH, &memory, &unaligned, NULL, NULL, NULL));
    api_delete_domain(api, domain);
    api_delete_domain(api, unmanaged);
}
