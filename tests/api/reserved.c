/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: reserved ranges of logical addresses. */
#include "tests/api/api.h"

typedef IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment_t;

#define SIZE (UINT64_C(8) * PAGE_SIZE)

static NTSTATUS reserve(struct api *api, PIOMMU_DMA_DOMAIN domain, SIZE_T size, uint64_t at,
                        PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *token)
{
    IOMMU_DMA_LOGICAL_ADDRESS address = at;

    return api->v2.ReserveLogicalAddressRange(domain, size, &address, NULL, NULL, token);
}

/* A token for SIZE bytes at API_AT. */
static PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token_of(struct api *api, PIOMMU_DMA_DOMAIN domain)
{
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;

    GIVES(STATUS_SUCCESS, reserve(api, domain, SIZE, API_AT, &token));
    return token;
}

static void free_token(struct api *api, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    GIVES(STATUS_SUCCESS, api->v2.FreeReservedLogicalAddressRange(token));
}

/* `count` pages of the caller's from page `page` on, at page `place` of the token. */
static NTSTATUS map_segment(struct api *api, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, unsigned place,
                            unsigned page, unsigned count, segment_t *segment)
{
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, page, count);

    return api->v2.MapReservedLogicalRange(token, place * FRAME_SIZE, API_BOTH, &memory, segment);
}

void api_reserve_wrong_type(struct api *api)
{
    static const IOMMU_DMA_DOMAIN_TYPE types[] = {DomainTypePassThrough, DomainTypeUnmanaged};
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;

    api_guard(api, IOMMU_GUARD_ALLOW);
    for (unsigned i = 0; i < 2; i++) {
        PIOMMU_DMA_DOMAIN domain = api_domain(api, types[i]);

        GIVES(STATUS_INVALID_PARAMETER_1, reserve(api, domain, SIZE, API_AT, &token));
        GIVES(STATUS_INVALID_PARAMETER_1, reserve(api, domain, 0x1800, API_AT + 1, NULL));
        api_delete_domain(api, domain);
    }
    GIVES(STATUS_INVALID_PARAMETER_1, reserve(api, NULL, SIZE, API_AT, &token));
    HOLDS(!token);
}

void api_reserve_arguments(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate), buddy = api_buddy(api, 32);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;
    IOMMU_DMA_LOGICAL_ADDRESS low = API_AT, high = API_AT + SIZE - 2;

    GIVES(STATUS_INVALID_PARAMETER_2, reserve(api, domain, 0x1800, API_AT + 1, &token));
    GIVES(STATUS_INVALID_PARAMETER_2, reserve(api, domain, 0, API_AT, &token));
    GIVES(STATUS_INVALID_PARAMETER_3, reserve(api, domain, SIZE, API_AT + 0x800, &token));
    GIVES(STATUS_INVALID_PARAMETER_3, reserve(api, domain, SIZE, UINT64_MAX - 0xFFF, &token));
    GIVES(STATUS_INVALID_PARAMETER_3, reserve(api, domain, SIZE, UINT64_C(1) << 62, &token));
    GIVES(STATUS_INVALID_PARAMETER_3, reserve(api, domain, SIZE, 0xFEEFF000, &token));
    GIVES(STATUS_INVALID_PARAMETER_6, reserve(api, domain, SIZE, API_AT, NULL));
    GIVES(STATUS_NOT_SUPPORTED,
          api->v2.ReserveLogicalAddressRange(domain, SIZE, NULL, NULL, NULL, &token));
    GIVES(STATUS_NOT_SUPPORTED, reserve(api, buddy, SIZE, API_AT, &token));
    GIVES(STATUS_INVALID_PARAMETER_MIX,
          api->v2.ReserveLogicalAddressRange(buddy, SIZE, NULL, &low, &high, &token));
    HOLDS(!token);
    api_delete_domain(api, domain);
    api_delete_domain(api, buddy);
}

void api_reserve_overlap(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain), second = NULL;

    GIVES(STATUS_RESOURCE_IN_USE, reserve(api, domain, SIZE, API_AT, &second));
    GIVES(STATUS_RESOURCE_IN_USE, reserve(api, domain, SIZE, API_AT + SIZE - PAGE_SIZE, &second));
    GIVES(STATUS_RESOURCE_IN_USE, reserve(api, domain, 4 * SIZE, API_AT - SIZE, &second));
    GIVES(STATUS_RESOURCE_IN_USE, api_map(api, domain, 0, 2, API_AT - PAGE_SIZE, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_MIX, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 1, API_AT + SIZE, API_BOTH));
    GIVES(STATUS_RESOURCE_IN_USE, reserve(api, domain, SIZE, API_AT + SIZE, &second));
    HOLDS(!second);
    free_token(api, token);
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT + SIZE, 1));
    GIVES(STATUS_SUCCESS, reserve(api, domain, 2 * SIZE, API_AT, &second));
    free_token(api, second);
    api_delete_domain(api, domain);
}

void api_reserve_unmapped(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    segment_t segment = {NULL, 0, 0};

    api_attach(api, domain, device);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    HOLDS(api_stopped(api, 0, API_AT, 0));
    GIVES(STATUS_SUCCESS, map_segment(api, token, 1, 3, 1, &segment));
    HOLDS(api_lands(api, 0, API_AT + PAGE_SIZE, 3));
    HOLDS(api_withheld(api, 0, API_AT, 0, API_AT + PAGE_SIZE, 3));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    HOLDS(api_stopped(api, 0, API_AT + PAGE_SIZE, 3));
    free_token(api, token);
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_segment_arguments(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1), bad = memory;
    IOMMU_MAP_PHYSICAL_ADDRESS foreign = api_range(api->others_physical, PAGE_SIZE);
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN own = {API_AT, SIZE};
    segment_t segment = {NULL, 1, 2};

    bad.ContiguousRange.Size = 0x1001;
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.MapReservedLogicalRange(NULL, 0x800, API_BOTH, &memory, &segment));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.MapReservedLogicalRange(&own, 0, API_BOTH, &memory, &segment));
    GIVES(STATUS_INVALID_PARAMETER_2,
          api->v2.MapReservedLogicalRange(token, 0x800, 4, &bad, &segment));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v2.MapReservedLogicalRange(token, 0, 4, &bad, &segment));
    GIVES(STATUS_INVALID_PARAMETER_4,
          api->v2.MapReservedLogicalRange(token, 0, API_BOTH, &bad, NULL));
    GIVES(STATUS_INVALID_PARAMETER_4,
          api->v2.MapReservedLogicalRange(token, 0, API_BOTH, NULL, &segment));
    GIVES(STATUS_INVALID_PARAMETER_5,
          api->v2.MapReservedLogicalRange(token, 0, API_BOTH, &memory, NULL));
    GIVES(STATUS_ACCESS_DENIED,
          api->v2.MapReservedLogicalRange(token, 0, API_BOTH, &foreign, &segment));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.FreeReservedLogicalAddressRange(NULL));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.FreeReservedLogicalAddressRange(&own));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.UnmapReservedLogicalRange(NULL));
    HOLDS(!segment.OwningToken && segment.Offset == 1 && segment.Size == 2);
    free_token(api, token);
    api_delete_domain(api, domain);
}

void api_segment_overlap(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    segment_t first = {NULL, 0, 0}, second = {NULL, 0, 0}, third = {NULL, 0, 0};

    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, map_segment(api, token, 2, 2, 2, &first));
    HOLDS(first.OwningToken == token && first.Offset == 0x2000 && first.Size == 0x2000);
    GIVES(STATUS_RESOURCE_IN_USE, map_segment(api, token, 3, 10, 2, &second));
    GIVES(STATUS_RESOURCE_IN_USE, map_segment(api, token, 0, 10, 8, &second));
    GIVES(STATUS_SUCCESS, map_segment(api, token, 4, 4, 1, &second));
    GIVES(STATUS_SUCCESS, map_segment(api, token, 1, 1, 1, &third));
    for (unsigned i = 1; i < 5; i++)
        HOLDS(api_lands(api, 0, API_AT + i * FRAME_SIZE, i));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&first));
    HOLDS(api_stopped(api, 0, API_AT + 0x2000, 2));
    HOLDS(api_lands(api, 0, API_AT + 0x4000, 4));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&second));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&third));
    free_token(api, token);
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_segment_beyond(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, 1);
    segment_t segment = {NULL, 0, 0};

    GIVES(STATUS_INVALID_PARAMETER_MIX, map_segment(api, token, 7, 0, 2, &segment));
    GIVES(STATUS_INVALID_PARAMETER_MIX, map_segment(api, token, 8, 0, 1, &segment));
    GIVES(STATUS_INVALID_PARAMETER_MIX, map_segment(api, token, 0, 0, 9, &segment));
    GIVES(STATUS_INVALID_PARAMETER_MIX,
          api->v2.MapReservedLogicalRange(token, SIZE_MAX & ~(SIZE_T)0xFFF, API_BOTH, &memory,
                                          &segment));
    HOLDS(!segment.OwningToken);
    GIVES(STATUS_SUCCESS, map_segment(api, token, 0, 0, 8, &segment));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    free_token(api, token);
    api_delete_domain(api, domain);
}

/* Spread over two tables; no page is left to take anywhere. */
void api_segment_without_memory(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;
    const uint64_t at = API_AT + (UINT64_C(1) << 21) - 4 * PAGE_SIZE;
    segment_t segment = {NULL, 0, 0};

    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, reserve(api, domain, SIZE, at, &token));
    api_take_memory(api);
    for (unsigned round = 0; round < 20; round++)
        for (unsigned place = 0; place < 8; place++) {
            GIVES(STATUS_SUCCESS, map_segment(api, token, place, place, 1, &segment));
            GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
        }
    GIVES(STATUS_SUCCESS, map_segment(api, token, 0, 0, 8, &segment));
    HOLDS(api_lands(api, 0, at + 7 * PAGE_SIZE, 7));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    HOLDS(api_stopped(api, 0, at + 7 * PAGE_SIZE, 7));
    api_give_memory(api);
    free_token(api, token);
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_segment_tables(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    size_t empty = api_tables(api);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    size_t reserved = api_tables(api);
    segment_t segment = {NULL, 0, 0};

    HOLDS(reserved > empty);
    GIVES(STATUS_SUCCESS, map_segment(api, token, 0, 0, 8, &segment));
    HOLDS(api_tables(api) == reserved);
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    HOLDS(api_tables(api) == reserved);
    free_token(api, token);
    HOLDS(api_tables(api) == empty);
    api_delete_domain(api, domain);
}

void api_segment_untouched(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    segment_t first = {NULL, 0, 0}, failed = {token, 0x123, 0x456};

    GIVES(STATUS_SUCCESS, map_segment(api, token, 0, 0, 2, &first));
    GIVES(STATUS_RESOURCE_IN_USE, map_segment(api, token, 1, 0, 1, &failed));
    GIVES(STATUS_INVALID_PARAMETER_MIX, map_segment(api, token, 7, 0, 2, &failed));
    HOLDS(failed.OwningToken == token && failed.Offset == 0x123 && failed.Size == 0x456);
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&first));
    free_token(api, token);
    api_delete_domain(api, domain);
}

void api_segment_twice(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    segment_t segment = {NULL, 0, 0};

    GIVES(STATUS_SUCCESS, map_segment(api, token, 0, 0, 2, &segment));
    segment_t copy = segment, wide = segment, odd = segment;
    wide.Size = 0x3000;
    odd.Offset = 0x10;
    GIVES(STATUS_INVALID_PARAMETER, api->v2.UnmapReservedLogicalRange(&wide));
    GIVES(STATUS_INVALID_PARAMETER, api->v2.UnmapReservedLogicalRange(&odd));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    HOLDS(!segment.OwningToken && !segment.Offset && !segment.Size);
    GIVES(STATUS_INVALID_PARAMETER, api->v2.UnmapReservedLogicalRange(&segment));
    GIVES(STATUS_INVALID_PARAMETER, api->v2.UnmapReservedLogicalRange(&copy));
    HOLDS(copy.OwningToken == token && copy.Size == 0x2000);
    free_token(api, token);
    GIVES(STATUS_INVALID_PARAMETER, api->v2.UnmapReservedLogicalRange(&copy));
    api_delete_domain(api, domain);
}

void api_token_in_use(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    segment_t segment = {NULL, 0, 0}, second = {NULL, 0, 0};

    GIVES(STATUS_SUCCESS, map_segment(api, token, 3, 0, 1, &segment));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.FreeReservedLogicalAddressRange(token));
    GIVES(STATUS_SUCCESS, map_segment(api, token, 4, 0, 1, &second));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.FreeReservedLogicalAddressRange(token));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&second));
    free_token(api, token);
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.FreeReservedLogicalAddressRange(token));
    api_delete_domain(api, domain);
}

/* What happens inside the other routine's wait, where there is one. */
struct race {
    struct api *api;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
    segment_t segment;
    NTSTATUS status;
};

static void free_meanwhile(void *context)
{
    struct race *race = context;

    race->status = race->api->v2.FreeReservedLogicalAddressRange(race->token);
}

static void map_meanwhile(void *context)
{
    struct race *race = context;

    race->status = map_segment(race->api, race->token, 2, 2, 1, &race->segment);
}

static void race_map_and_free(struct api *api, PIOMMU_DMA_DOMAIN domain)
{
    struct race race = {api, token_of(api, domain), {NULL, 0, 0}, STATUS_SUCCESS};
    segment_t segment = {NULL, 0, 0};

    api->machine->while_waiting(free_meanwhile, &race);
    GIVES(STATUS_SUCCESS, map_segment(api, race.token, 0, 0, 1, &segment));
    GIVES(STATUS_RESOURCE_IN_USE, race.status);
    api->machine->while_waiting(NULL, NULL);
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    race.status = STATUS_SUCCESS;
    api->machine->while_waiting(map_meanwhile, &race);
    GIVES(STATUS_SUCCESS, api->v2.FreeReservedLogicalAddressRange(race.token));
    GIVES(STATUS_UNSUCCESSFUL, race.status);
    api->machine->while_waiting(NULL, NULL);
}

/* One context knows two orders; the model lets each routine meet the other in its wait. */
void api_token_race(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api->device_count ? api_device(api, 0) : NULL;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain);
    segment_t segment = {NULL, 0, 0};

    if (device)
        api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, map_segment(api, token, 0, 0, 1, &segment));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.FreeReservedLogicalAddressRange(token));
    GIVES(STATUS_SUCCESS, api->v2.UnmapReservedLogicalRange(&segment));
    free_token(api, token);
    GIVES(STATUS_INVALID_PARAMETER_1, map_segment(api, token, 0, 0, 1, &segment));
    if (api->machine->while_waiting)
        race_map_and_free(api, domain);
    if (device) {
        api_detach(api, device);
        api_delete_device(api, device);
    }
    api_delete_domain(api, domain);
}

void api_token_fields(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate), buddy = api_buddy(api, 32);
    IOMMU_DMA_LOGICAL_ADDRESS low = API_AT, high = API_AT + 2 * SIZE - 1;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = token_of(api, domain), chosen = NULL;

    GIVES(STATUS_SUCCESS,
          api->v2.ReserveLogicalAddressRange(buddy, SIZE, NULL, &low, &high, &chosen));
    if (token && chosen) {
        HOLDS(token->LogicalAddressBase == API_AT && token->Size == SIZE);
        HOLDS(chosen->Size == SIZE && chosen->LogicalAddressBase >= low &&
              chosen->LogicalAddressBase + SIZE - 1 <= high);
    }
    free_token(api, token);
    free_token(api, chosen);
    api_delete_domain(api, domain);
    api_delete_domain(api, buddy);
}
