/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: creation and deletion of domains, reserved regions. */
#include "tests/api/api.h"

static const IOMMU_DMA_DOMAIN_CREATION_FLAGS no_flags = {.AsUlonglong = 0};

static NTSTATUS create(struct api *api, IOMMU_DMA_DOMAIN_TYPE type, PIOMMU_DMA_DOMAIN *out)
{
    return api->v2.CreateDomainEx(type, no_flags, NULL, NULL, out);
}

void api_create_types(struct api *api)
{
    static const IOMMU_DMA_DOMAIN_TYPE types[] = {DomainTypeTranslate, DomainTypePassThrough,
                                                  DomainTypeUnmanaged};
    PIOMMU_DMA_DOMAIN domains[3];

    api_guard(api, IOMMU_GUARD_ALLOW);
    for (unsigned i = 0; i < 3; i++)
        domains[i] = api_domain(api, types[i]);
    HOLDS(domains[0] != domains[1] && domains[1] != domains[2] && domains[0] != domains[2]);
    for (unsigned i = 0; i < 3; i++)
        api_delete_domain(api, domains[i]);
}

void api_create_barred(struct api *api)
{
    api_guard(api, IOMMU_GUARD_BLOCK);
    (void)api_domain_with(api, DomainTypePassThrough, 0, NULL, STATUS_NOT_SUPPORTED);
    (void)api_domain_with(api, DomainTypeTranslateS1, 0, NULL, STATUS_NOT_SUPPORTED);
}

void api_create_arguments(struct api *api)
{
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 1};
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {.LogicalAllocatorType =
                                                     IommuDmaLogicalAllocatorMax};
    PIOMMU_DMA_DOMAIN out = NULL;

    GIVES(STATUS_INVALID_PARAMETER_1, create(api, DomainTypeMax, &out));
    GIVES(STATUS_INVALID_PARAMETER_1, create(api, (IOMMU_DMA_DOMAIN_TYPE)-1, &out));
    GIVES(STATUS_INVALID_PARAMETER_2,
          api->v2.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL, &out));
    GIVES(STATUS_INVALID_PARAMETER_3,
          api->v2.CreateDomainEx(DomainTypeTranslate, no_flags, &config, NULL, &out));
    GIVES(STATUS_INVALID_PARAMETER_5, create(api, DomainTypeTranslate, NULL));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.CreateDomainEx(DomainTypeMax, flags, &config, NULL, NULL));
    (void)api_domain_with(api, DomainTypeUnmanaged, 32, NULL, STATUS_INVALID_PARAMETER_3);
    HOLDS(out == NULL);
}

void api_create_unmanaged_limit(struct api *api)
{
    PIOMMU_DMA_DOMAIN domains[IOMMU_DOMAINS_MAX], out = NULL;
    NTSTATUS status = STATUS_SUCCESS;
    unsigned count = 0;

    while (count < IOMMU_DOMAINS_MAX) {
        status = create(api, DomainTypeUnmanaged, &domains[count]);
        if (!NT_SUCCESS(status))
            break;
        count++;
    }
    GIVES(STATUS_INSUFFICIENT_RESOURCES, status);
    GIVES(STATUS_INSUFFICIENT_RESOURCES, create(api, DomainTypeUnmanaged, &out));
    HOLDS(count && !out);
    api_delete_domain(api, api_domain(api, DomainTypeTranslate));
    for (unsigned i = 0; i < count; i++)
        api_delete_domain(api, domains[i]);
    api_delete_domain(api, api_domain(api, DomainTypeUnmanaged));
}

/* A domain with all that a domain can have; width 0: but no allocator. */
static NTSTATUS create_full(struct api *api, ULONG width, PIOMMU_DMA_DOMAIN *out)
{
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {.LogicalAllocatorType =
                                                     IommuDmaLogicalAllocatorBuddy};
    IOMMU_DMA_RESERVED_REGION left_out = {NULL, API_AT, 3, FALSE};
    IOMMU_DMA_RESERVED_REGION mapped = {&left_out, api_physical(api, 0), 2, TRUE};

    config.BuddyAllocatorConfig.AddressWidth = width;
    return api->v2.CreateDomainEx(DomainTypeTranslate, no_flags, width ? &config : NULL, &mapped,
                                  out);
}

static void fail_each_allocation(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = NULL;
    size_t tables = api_tables(api), set_aside = api->iommu->pool.reserved;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    unsigned nth = 0;

    while (!NT_SUCCESS(status) && nth < 100) {
        api->machine->fail_allocation(++nth);
        status = create_full(api, 32, &domain);
        api->machine->fail_allocation(0);
        if (!NT_SUCCESS(status)) {
            GIVES(STATUS_INSUFFICIENT_RESOURCES, status);
            HOLDS(!domain && api_tables(api) == tables && api->iommu->pool.reserved == set_aside);
        }
    }
    HOLDS(nth > 1);
    api_delete_domain(api, domain);
}

/* Page by page of tables, until there are enough. An allocator needs more than tables. */
void api_create_without_memory(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = NULL;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    size_t left = 0;

    api_take_memory(api);
    size_t tables = api_tables(api);
    for (; left < 32; left++) {
        api_leave_tables(api, left);
        GIVES(STATUS_INSUFFICIENT_RESOURCES, create_full(api, 32, &domain));
        HOLDS(!domain && api_tables(api) == tables);
        status = create_full(api, 0, &domain);
        if (NT_SUCCESS(status))
            break;
        GIVES(STATUS_INSUFFICIENT_RESOURCES, status);
        HOLDS(!domain && api_tables(api) == tables);
    }
    HOLDS(left > 0 && left < 32);
    api_give_memory(api);
    api_delete_domain(api, domain);
    if (api->machine->fail_allocation)
        fail_each_allocation(api);
}

void api_delete_attached(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_attach(api, domain, device);
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.DeleteDomain(domain));
    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 1, API_AT, API_BOTH));
    HOLDS(api_lands(api, 0, API_AT, 0));
    api_detach(api, device);
    api_delete_domain(api, domain);
    api_delete_device(api, device);
}

void api_delete_detached(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE devices[API_DEVICES] = {NULL};

    for (unsigned i = 0; i < api->device_count; i++) {
        devices[i] = api_device(api, i);
        api_attach(api, domain, devices[i]);
    }
    for (unsigned i = 0; i < api->device_count; i++) {
        GIVES(STATUS_RESOURCE_IN_USE, api->v2.DeleteDomain(domain));
        api_detach(api, devices[i]);
        api_delete_device(api, devices[i]);
    }
    api_delete_domain(api, domain);
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DeleteDomain(domain));
}

void api_delete_with_token(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;
    IOMMU_DMA_LOGICAL_ADDRESS at = API_AT;

    GIVES(STATUS_SUCCESS,
          api->v2.ReserveLogicalAddressRange(domain, 4 * PAGE_SIZE, &at, NULL, NULL, &token));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.DeleteDomain(domain));
    GIVES(STATUS_SUCCESS, api->v2.FreeReservedLogicalAddressRange(token));
    api_delete_domain(api, domain);
}

void api_delete_across(struct api *api)
{
    PIOMMU_DMA_DOMAIN managed = NULL, unmanaged = NULL, domain = NULL;

    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.CreateDomain(TRUE, NULL));
    GIVES(STATUS_SUCCESS, api->v1.CreateDomain(TRUE, &managed));
    GIVES(STATUS_SUCCESS, api_map(api, managed, 0, 1, API_AT, API_BOTH));
    GIVES(STATUS_SUCCESS, api->v1.CreateDomain(FALSE, &unmanaged));
    GIVES(STATUS_INVALID_PARAMETER_1, api_map(api, unmanaged, 0, 1, API_AT, API_BOTH));
    GIVES(STATUS_SUCCESS, api->v2.DeleteDomain(managed));
    GIVES(STATUS_SUCCESS, api->v2.DeleteDomain(unmanaged));
    GIVES(STATUS_SUCCESS, create(api, DomainTypeTranslate, &domain));
    GIVES(STATUS_SUCCESS, api->v1.DeleteDomain(domain));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DeleteDomain(domain));
}

void api_create_width(struct api *api)
{
    static const ULONG bad[] = {1, 12, 64, UINT32_MAX};
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG none = {.LogicalAllocatorType =
                                                   IommuDmaLogicalAllocatorBuddy};
    PIOMMU_DMA_DOMAIN out = NULL;

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        (void)api_domain_with(api, DomainTypeTranslate, bad[i], NULL, STATUS_INVALID_PARAMETER_3);
    GIVES(STATUS_INVALID_PARAMETER_3,
          api->v2.CreateDomainEx(DomainTypeTranslate, no_flags, &none, NULL, &out));
    HOLDS(!out);
    api_delete_domain(api, api_buddy(api, 63));
    api_delete_domain(api, api_buddy(api, 13));
}

void api_region_mapped(struct api *api)
{
    IOMMU_DMA_RESERVED_REGION left_out = {NULL, api_physical(api, 4), 2, FALSE};
    IOMMU_DMA_RESERVED_REGION mapped = {&left_out, api_physical(api, 0), 2, TRUE};
    PIOMMU_DMA_DOMAIN domain =
        api_domain_with(api, DomainTypeTranslate, 0, &mapped, STATUS_SUCCESS);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_attach(api, domain, device);
    HOLDS(api_brings(api, 0, api_physical(api, 0), 0, api_physical(api, 1), 1));
    HOLDS(api_stopped(api, 0, api_physical(api, 4), 4));
    HOLDS(api_withheld(api, 0, api_physical(api, 5), 5, api_physical(api, 1), 1));
    HOLDS(api_stopped(api, 0, api_physical(api, 2), 2));
    GIVES(STATUS_RESOURCE_IN_USE, api_map(api, domain, 0, 1, api_physical(api, 5), API_BOTH));
    GIVES(STATUS_RESOURCE_IN_USE, api_map(api, domain, 0, 1, api_physical(api, 1), API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, api_physical(api, 0), 2));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

/* Fills a window of 256 pages, of which 16 and 3 are reserved. */
void api_region_avoided(struct api *api)
{
    enum { WINDOW = 256 };
    IOMMU_DMA_RESERVED_REGION second = {NULL, 0x40000, 3, FALSE};
    IOMMU_DMA_RESERVED_REGION first = {&second, 0x10000, 16, FALSE};
    PIOMMU_DMA_DOMAIN domain =
        api_domain_with(api, DomainTypeTranslate, 20, &first, STATUS_SUCCESS);
    uint64_t at[WINDOW], out;
    unsigned count = 0;
    bool apart = true;

    while (count < WINDOW && NT_SUCCESS(api_map_anywhere(api, domain, 1, NULL, NULL, &at[count]))) {
        apart &= (at[count] < 0x10000 || at[count] >= 0x20000) &&
                 (at[count] < 0x40000 || at[count] >= 0x43000) && at[count] < 0x100000;
        count++;
    }
    HOLDS(apart);
    HOLDS(count >= WINDOW - 16 - 3 - 2 && count <= WINDOW - 16 - 3);
    GIVES(STATUS_INSUFFICIENT_RESOURCES, api_map_anywhere(api, domain, 1, NULL, NULL, &out));
    for (unsigned i = 0; i < count; i++)
        GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, at[i], 1));
    api_delete_domain(api, domain);
}

void api_region_stays(struct api *api)
{
    IOMMU_DMA_RESERVED_REGION region = {NULL, api_physical(api, 0), 2, TRUE};
    PIOMMU_DMA_DOMAIN domain =
        api_domain_with(api, DomainTypeTranslate, 39, &region, STATUS_SUCCESS);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    IOMMU_MAP_PHYSICAL_ADDRESS elsewhere = api_pages(api, 4, 1);

    api_attach(api, domain, device);
    GIVES(STATUS_NOT_SUPPORTED, api->v2.MapIdentityRangeEx(domain, API_BOTH, &elsewhere));
    HOLDS(api_stopped(api, 0, api_physical(api, 4), 4));
    HOLDS(api_brings(api, 0, api_physical(api, 1), 1, api_physical(api, 0), 0));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

static void refuse_region(struct api *api, uint64_t base, SIZE_T pages, ULONG width)
{
    IOMMU_DMA_RESERVED_REGION region = {NULL, base, pages, FALSE};

    (void)api_domain_with(api, DomainTypeTranslate, width, &region, STATUS_INVALID_PARAMETER_4);
}

void api_region_bad(struct api *api)
{
    IOMMU_DMA_RESERVED_REGION loop = {&loop, API_AT, 1, FALSE};
    IOMMU_DMA_RESERVED_REGION second = {NULL, API_AT + PAGE_SIZE, 1, FALSE};
    IOMMU_DMA_RESERVED_REGION first = {&second, API_AT, 2, FALSE};
    IOMMU_DMA_RESERVED_REGION foreign = {NULL, api->others_physical, 1, TRUE};

    refuse_region(api, API_AT + 0x800, 1, 0);
    refuse_region(api, API_AT, 0, 0);
    refuse_region(api, API_AT, SIZE_MAX, 0);
    refuse_region(api, UINT64_MAX - 0xFFF, 2, 0);
    refuse_region(api, UINT64_C(1) << 62, 1, 0);
    refuse_region(api, UINT64_C(1) << 20, 1, 20);
    refuse_region(api, 0xFEE00000, 1, 0);
    refuse_region(api, 0xFEDFF000, 2, 0);
    (void)api_domain_with(api, DomainTypeTranslate, 0, &loop, STATUS_INVALID_PARAMETER_4);
    (void)api_domain_with(api, DomainTypeTranslate, 0, &first, STATUS_INVALID_PARAMETER_4);
    (void)api_domain_with(api, DomainTypeUnmanaged, 0, &second, STATUS_INVALID_PARAMETER_4);
    (void)api_domain_with(api, DomainTypeTranslate, 0, &foreign, STATUS_ACCESS_DENIED);
}
