/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: unmapping, and mapping without memory. */
#include "tests/api/api.h"

void api_unmap_arguments(struct api *api)
{
    static const IOMMU_DMA_DOMAIN_TYPE types[] = {DomainTypePassThrough, DomainTypeUnmanaged};
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);

    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 1, API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.UnmapLogicalRange(domain, API_AT + 0x800, 1));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.UnmapLogicalRange(domain, API_AT + 1, 0));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.UnmapLogicalRange(NULL, API_AT + 1, 0));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    api_delete_domain(api, domain);
    api_guard(api, IOMMU_GUARD_ALLOW);
    for (unsigned i = 0; i < 2; i++) {
        domain = api_domain(api, types[i]);
        GIVES(STATUS_INVALID_PARAMETER_1, api->v2.UnmapLogicalRange(domain, API_AT, 1));
        GIVES(STATUS_INVALID_PARAMETER_1, api->v1.UnmapLogicalRange(domain, API_AT + 1, 0));
        api_delete_domain(api, domain);
    }
}

/* The unit has the translation cached, for reads and writes, when it goes. */
void api_unmap_reaches_device(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 2, API_AT, API_BOTH));
    HOLDS(api_brings(api, 0, API_AT, 0, API_AT + PAGE_SIZE, 1));
    HOLDS(api_lands(api, 0, API_AT, 0));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    HOLDS(api_stopped(api, 0, API_AT, 0));
    HOLDS(api_withheld(api, 0, API_AT, 0, API_AT + PAGE_SIZE, 1));
    HOLDS(api_lands(api, 0, API_AT + PAGE_SIZE, 1));
    GIVES(STATUS_SUCCESS, api_map(api, domain, 2, 1, API_AT, API_BOTH));
    HOLDS(api_lands(api, 0, API_AT, 2));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 2));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_unmap_partial(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    const uint64_t middle = API_AT + 5 * PAGE_SIZE;

    api_attach(api, domain, device);
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, API_PAGES, API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v2.UnmapLogicalRange(domain, API_AT, 0));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v2.UnmapLogicalRange(domain, API_AT, UINT64_MAX));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, API_PAGES + 1));
    HOLDS(api_lands(api, 0, middle, 5));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, middle, 3));
    HOLDS(api_stopped(api, 0, middle, 5));
    HOLDS(api_lands(api, 0, middle + 3 * PAGE_SIZE, 8));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, API_PAGES));
    HOLDS(api_lands(api, 0, API_AT, 0));
    GIVES(STATUS_SUCCESS, api_map(api, domain, 5, 3, middle, API_BOTH));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, API_PAGES));
    HOLDS(api_stopped(api, 0, API_AT, 0));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

/* Four scattered pages on both sides of a table's end: tables are missing before the first and
 * between two of them. */
void api_map_without_memory(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    const uint64_t at = API_AT + (UINT64_C(1) << 21) - 2 * PAGE_SIZE;
    struct api_mdl list;
    IOMMU_MAP_PHYSICAL_ADDRESS memory = {.MapType = MapPhysicalAddressTypeMdl};
    NTSTATUS status = STATUS_SUCCESS;
    size_t left = 0;

    memory.Mdl.Mdl = api_mdl(api, &list, 0, 4);
    api_attach(api, domain, device);
    api_take_memory(api);
    size_t tables = api_tables(api);
    for (; left < 32; left++) {
        api_leave_tables(api, left);
        status = api_map_memory(api, domain, memory, at, API_BOTH);
        if (NT_SUCCESS(status))
            break;
        GIVES(STATUS_INSUFFICIENT_RESOURCES, status);
        HOLDS(api_tables(api) == tables);
        GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, at, 1));
    }
    HOLDS(left > 1 && left < 32);
    HOLDS(api_lands(api, 0, at + 3 * PAGE_SIZE, 0));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, at, 4));
    api_leave_tables(api, left - 1);
    GIVES(STATUS_INSUFFICIENT_RESOURCES, api_map_memory(api, domain, memory, at, API_BOTH));
    HOLDS(api_stopped(api, 0, at, 6));
    api_give_memory(api);
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}
