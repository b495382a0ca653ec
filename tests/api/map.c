/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: mapping without an allocator. */
#include "tests/api/api.h"

void api_map_no_address(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    uint64_t low = API_AT, out;

    GIVES(STATUS_NOT_SUPPORTED, api_map_anywhere(api, domain, 1, NULL, NULL, &out));
    GIVES(STATUS_NOT_SUPPORTED, api_map_anywhere(api, domain, 1, &low, NULL, &out));
    api_delete_domain(api, domain);
}

void api_map_address_unaligned(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);

    GIVES(STATUS_INVALID_PARAMETER_4, api_map(api, domain, 0, 1, API_AT + 1, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_4, api_map(api, domain, 0, 1, API_AT + 0x800, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_4, api_map(api, domain, 0, 2, UINT64_MAX - 0xFFF, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_4, api_map(api, domain, 0, 1, UINT64_C(1) << 62, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_4, api_map(api, domain, 0, 1, 0xFEE00000, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_4, api_map(api, domain, 0, 2, 0xFEDFF000, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    api_delete_domain(api, domain);
}

void api_map_memory_unaligned(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    const uint64_t base = api_physical(api, 0);
    const struct {
        uint64_t base, size;
    } bad[] = {{base + 0x10, PAGE_SIZE},
               {base + 0x800, 0x800},
               {base, 0x1001},
               {base, 0},
               {base, 0x800},
               {UINT64_MAX - 0xFFF, 2 * PAGE_SIZE}};
    IOMMU_MAP_PHYSICAL_ADDRESS none = {.MapType = MapPhysicalAddressTypeMax};
    IOMMU_MAP_PHYSICAL_ADDRESS array = {.MapType = MapPhysicalAddressTypePfn};
    IOMMU_DMA_LOGICAL_ADDRESS at = API_AT, out = 0;
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        GIVES(STATUS_INVALID_PARAMETER_3,
              api_map_memory(api, domain, api_range(bad[i].base, bad[i].size), API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_3, api_map_memory(api, domain, none, API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_3, api_map_memory(api, domain, array, API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_3,
          api->v2.MapLogicalRangeEx(domain, API_BOTH, NULL, &at, NULL, NULL, &out));
    GIVES(STATUS_INVALID_PARAMETER_7,
          api->v2.MapLogicalRangeEx(domain, API_BOTH, &memory, &at, NULL, NULL, NULL));
    HOLDS(!out);
    GIVES(STATUS_ACCESS_DENIED,
          api_map_memory(api, domain, api_range(api->others_physical, 0x1000), API_AT, API_BOTH));
    GIVES(STATUS_ACCESS_DENIED,
          api_map_memory(api, domain, api_range(0x1000, 0x1000), API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    api_delete_domain(api, domain);
}

void api_map_mdl_unaligned(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    struct api_mdl list;
    IOMMU_MAP_PHYSICAL_ADDRESS memory = {.MapType = MapPhysicalAddressTypeMdl};

    GIVES(STATUS_INVALID_PARAMETER_3, api_map_memory(api, domain, memory, API_AT, API_BOTH));
    memory.Mdl.Mdl = api_mdl(api, &list, 0, 2);
    list.mdl.ByteOffset = 0x10;
    GIVES(STATUS_INVALID_PARAMETER_3, api_map_memory(api, domain, memory, API_AT, API_BOTH));
    list.mdl.ByteOffset = 0;
    list.mdl.ByteCount = 0x1001;
    GIVES(STATUS_INVALID_PARAMETER_3, api_map_memory(api, domain, memory, API_AT, API_BOTH));
    list.mdl.ByteCount = 0;
    GIVES(STATUS_INVALID_PARAMETER_3, api_map_memory(api, domain, memory, API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    api_delete_domain(api, domain);
}

void api_map_overlap(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    PFN_NUMBER frames[3] = {api_frame(api, 9), api_frame(api, 7), api_frame(api, 5)};
    IOMMU_MAP_PHYSICAL_ADDRESS array = {.MapType = MapPhysicalAddressTypePfn};

    array.PfnArray.PageFrame = frames;
    array.PfnArray.NumberOfPages = 3;
    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 3, API_AT, API_BOTH));
    GIVES(STATUS_RESOURCE_IN_USE,
          api_map_memory(api, domain, array, API_AT - 2 * PAGE_SIZE, API_BOTH));
    HOLDS(api_stopped(api, 0, API_AT - 2 * PAGE_SIZE, 9));
    GIVES(STATUS_RESOURCE_IN_USE,
          api_map(api, domain, 8, 4, API_AT + 2 * PAGE_SIZE, IOMMU_ACCESS_READ));
    GIVES(STATUS_RESOURCE_IN_USE, api_map(api, domain, 8, 4, API_AT - 3 * PAGE_SIZE, API_BOTH));
    HOLDS(api_lands(api, 0, API_AT + 2 * PAGE_SIZE, 2));
    HOLDS(api_lands(api, 0, API_AT, 0));
    HOLDS(api_stopped(api, 0, API_AT + 3 * PAGE_SIZE, 9));
    HOLDS(api_stopped(api, 0, API_AT - PAGE_SIZE, 10));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 3));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_map_explicit(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_SUCCESS, api_map(api, domain, 3, 1, API_AT, API_BOTH));
    GIVES(STATUS_SUCCESS, api_map(api, domain, 2, 1, API_AT + 5 * PAGE_SIZE, API_BOTH));
    api_attach(api, domain, device);
    HOLDS(api_brings(api, 0, API_AT, 3, API_AT + 5 * PAGE_SIZE, 2));
    HOLDS(api_lands(api, 0, API_AT, 3));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_map_bounds_ignored(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);
    IOMMU_DMA_LOGICAL_ADDRESS at = API_AT, low = UINT64_MAX, high = 1, out = 0;

    GIVES(STATUS_SUCCESS,
          api->v2.MapLogicalRangeEx(domain, API_BOTH, &memory, &at, &low, &high, &out));
    HOLDS(out == API_AT);
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    api_delete_domain(api, domain);
}

void api_map_wrong_type(struct api *api)
{
    static const IOMMU_DMA_DOMAIN_TYPE types[] = {DomainTypePassThrough, DomainTypeUnmanaged};
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 0, 2);

    api_guard(api, IOMMU_GUARD_ALLOW);
    for (unsigned i = 0; i < 2; i++) {
        PIOMMU_DMA_DOMAIN domain = api_domain(api, types[i]);

        GIVES(STATUS_INVALID_PARAMETER_1, api_map(api, domain, 0, 1, API_AT, API_BOTH));
        GIVES(STATUS_INVALID_PARAMETER_1, api_map(api, domain, 0, 1, API_AT + 1, 0xFF));
        GIVES(STATUS_INVALID_PARAMETER_1, api->v1.MapLogicalRange(domain, API_BOTH, mdl, API_AT));
        api_delete_domain(api, domain);
    }
    GIVES(STATUS_INVALID_PARAMETER_1, api_map(api, NULL, 0, 1, API_AT, API_BOTH));
    (void)api_domain_with(api, DomainTypeTranslateS1, 0, NULL, STATUS_NOT_SUPPORTED);
}

/* Every logical page of four leads to its own frame. */
static bool in_order(struct api *api, const PFN_NUMBER frames[4])
{
    for (unsigned i = 0; i < 4; i++)
        if (!api_lands(api, 0, API_AT + i * FRAME_SIZE, (unsigned)(frames[i] - api_frame(api, 0))))
            return false;
    return true;
}

void api_map_scattered(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    struct api_mdl list, first;
    PMDL mdl = api_mdl(api, &list, 10, 4), versions_1 = api_mdl(api, &first, 20, 4);
    PFN_NUMBER frames[4] = {api_frame(api, 7), api_frame(api, 3), api_frame(api, 5),
                            api_frame(api, 4)};
    IOMMU_MAP_PHYSICAL_ADDRESS array = {.MapType = MapPhysicalAddressTypePfn};
    IOMMU_MAP_PHYSICAL_ADDRESS by_mdl = {.MapType = MapPhysicalAddressTypeMdl};

    array.PfnArray.PageFrame = frames;
    array.PfnArray.NumberOfPages = 4;
    by_mdl.Mdl.Mdl = mdl;
    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, api_map_memory(api, domain, array, API_AT, API_BOTH));
    HOLDS(in_order(api, frames));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 4));
    GIVES(STATUS_SUCCESS, api_map_memory(api, domain, by_mdl, API_AT, API_BOTH));
    HOLDS(in_order(api, MmGetMdlPfnArray(mdl)));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 4));
    GIVES(STATUS_SUCCESS, api->v1.MapLogicalRange(domain, API_BOTH, versions_1, API_AT));
    HOLDS(in_order(api, MmGetMdlPfnArray(versions_1)));
    frames[2] = api->others_physical / FRAME_SIZE;
    GIVES(STATUS_ACCESS_DENIED, api_map_memory(api, domain, array, API_AT + 0x10000, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT + 0x10000, 1));
    GIVES(STATUS_SUCCESS, api->v1.UnmapLogicalRange(domain, API_AT, 4));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

/* Pages 0 to 3 with permission 0 to 3, in this order. What is refused comes first: QEMU records no
 * refusal once it has cached the translation. */
void api_map_permissions(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    const uint64_t none = API_AT, read = API_AT + 0x1000, write = API_AT + 0x2000,
                   both = API_AT + 0x3000;

    for (unsigned i = 0; i < 4; i++)
        GIVES(STATUS_SUCCESS, api_map(api, domain, i, 1, API_AT + i * FRAME_SIZE, i));
    api_attach(api, domain, device);
    HOLDS(api_stopped(api, 0, read, IOMMU_ACCESS_READ));
    HOLDS(api_brings(api, 0, read, IOMMU_ACCESS_READ, both, 3));
    HOLDS(api_withheld(api, 0, write, IOMMU_ACCESS_WRITE, both, 3));
    HOLDS(api_lands(api, 0, write, IOMMU_ACCESS_WRITE));
    HOLDS(api_stopped(api, 0, none, IOMMU_ACCESS_NONE));
    HOLDS(api_withheld(api, 0, none, IOMMU_ACCESS_NONE, both, 3));
    GIVES(STATUS_RESOURCE_IN_USE, api_map(api, domain, 0, 1, none, API_BOTH));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 4));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_map_reserved_permissions(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 0, 2);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);

    for (unsigned bit = 2; bit < 32; bit++)
        GIVES(STATUS_INVALID_PARAMETER_2,
              api_map(api, domain, 0, 1, API_AT, UINT32_C(1) << bit | API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.MapLogicalRange(domain, 4, mdl, API_AT));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.MapIdentityRange(domain, 4, mdl));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.MapIdentityRangeEx(domain, 4, &memory));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    api_delete_domain(api, domain);
}

void api_map_first_version(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = NULL, unmanaged = NULL;
    struct api_mdl list;
    PMDL mdl = api_mdl(api, &list, 0, 2);

    GIVES(STATUS_SUCCESS, api->v1.CreateDomain(TRUE, &domain));
    GIVES(STATUS_SUCCESS, api->v1.CreateDomain(FALSE, &unmanaged));
    GIVES(STATUS_INVALID_PARAMETER_4, api->v1.MapLogicalRange(domain, API_BOTH, mdl, API_AT + 1));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v1.MapLogicalRange(domain, API_BOTH, NULL, API_AT + 1));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v1.MapLogicalRange(unmanaged, API_BOTH, NULL, 1));
    list.mdl.ByteOffset = 8;
    GIVES(STATUS_INVALID_PARAMETER_3, api->v1.MapLogicalRange(domain, API_BOTH, mdl, API_AT));
    list.mdl.ByteOffset = 0;
    list.mdl.ByteCount = 0x800;
    GIVES(STATUS_INVALID_PARAMETER_3, api->v1.MapLogicalRange(domain, API_BOTH, mdl, API_AT));
    mdl = api_mdl(api, &list, 0, 2);
    GIVES(STATUS_SUCCESS, api->v1.MapLogicalRange(domain, API_BOTH, mdl, API_AT));
    GIVES(STATUS_RESOURCE_IN_USE, api->v1.MapLogicalRange(domain, API_BOTH, mdl, API_AT + 0x1000));
    GIVES(STATUS_SUCCESS, api->v1.UnmapLogicalRange(domain, API_AT, 2));
    api_delete_domain(api, domain);
    api_delete_domain(api, unmanaged);
}
