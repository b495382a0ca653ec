/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "tests/api/api.h"

#include "arch/memory.h"
#include "lib/owner.h"

#include <stdio.h>
#include <string.h>

/* What a behaviour needs beyond an active unit. */
enum need { NOTHING, ONE, TWO, PASS_THROUGH, ARM64, PASID };

struct behaviour {
    unsigned number;
    enum need need;
    void (*run)(struct api *api);
    const char *claim;
};

#define API_ROW(number, need, routine, claim) [(number)-1] = {number, need, api_##routine, claim},
static const struct behaviour behaviours[] = {API_LIST(API_ROW)};
#undef API_ROW

#define API_ONE(number, need, routine, claim) +1
_Static_assert(API_LIST(API_ONE) == API_COUNT, "every behaviour has its line");
_Static_assert(sizeof behaviours / sizeof *behaviours == API_COUNT, "and a number of its own");
#undef API_ONE

/* What must be as before once a behaviour has been judged. */
struct inventory {
    size_t tables, set_aside;
    unsigned devices, domains, tokens;
};

struct api_behaviour api_behaviour(unsigned index)
{
    struct api_behaviour out = {behaviours[index].number, "", behaviours[index].claim};

    snprintf(out.id, sizeof out.id, "API-%03u", out.number % 1000);
    return out;
}

bool api_judge(struct api *api, bool holds, const char *text, int line)
{
    if (!holds && api->result == RESULT_PASS) {
        api->result = RESULT_FAIL;
        snprintf(api->reason, sizeof api->reason, "line %d: %s", line, text);
    }
    return holds;
}

bool api_judge_status(struct api *api, NTSTATUS wanted, NTSTATUS got, const char *text, int line)
{
    if (wanted != got && api->result == RESULT_PASS) {
        api->result = RESULT_FAIL;
        snprintf(api->reason, sizeof api->reason, "line %d: 0x%08x, not 0x%08x, from %s", line,
                 (unsigned)got, (unsigned)wanted, text);
    }
    return wanted == got;
}

size_t api_tables(const struct api *api)
{
    const struct pt_pool *pool = &api->iommu->pool;

    return pool->chunks * (PT_ENTRIES - 1) - pool->available;
}

static struct inventory take_inventory(const struct api *api)
{
    const struct iommu *iommu = api->iommu;
    struct inventory out = {.tables = api_tables(api), .set_aside = iommu->pool.reserved};

    for (unsigned i = 0; i < IOMMU_DEVICES_MAX; i++)
        out.devices += iommu->devices[i].used;
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        out.domains += iommu->domains[i].ref != 0;
    for (unsigned i = 0; i < IOMMU_TOKENS_MAX; i++)
        out.tokens += iommu->tokens[i].used;
    return out;
}

/* Nothing of one behaviour reaches the next. */
static void clean_up(struct api *api, const struct inventory *before)
{
    struct inventory after = take_inventory(api);

    HOLDS(after.domains == before->domains && after.devices == before->devices);
    HOLDS(after.tokens == before->tokens);
    HOLDS(after.tables == before->tables && after.set_aside == before->set_aside);
    HOLDS(iommu_reclaim(api->iommu, api->owner));
    api_guard(api, IOMMU_GUARD_BLOCK);
}

static bool skip(struct api *api, const char *reason)
{
    api->result = RESULT_SKIP;
    snprintf(api->reason, sizeof api->reason, "%s", reason);
    return false;
}

static bool has_pass_through(struct api *api)
{
    ULONG types = 0;
    PIOMMU_DMA_DEVICE device = NULL;

    api_guard(api, IOMMU_GUARD_ALLOW);
    if (NT_SUCCESS(api->v2.CreateDevice(api_pdo(api, 0), NULL, &device))) {
        api->v2.QueryAvailableDomainTypes(device, &types);
        (void)api->v2.DeleteDevice(device);
    }
    api_guard(api, IOMMU_GUARD_BLOCK);
    return types & 1u << DomainTypePassThrough;
}

static bool is_met(struct api *api, enum need need)
{
    if (need == ARM64 && !api->on_host)
        return skip(api, "needs ARM64");
    if (need == PASID && !api->on_host)
        return skip(api, "needs a device with PASIDs");
    if (need != NOTHING && api->device_count < (need == TWO ? 2 : 1))
        return skip(api, "needs devices of QEMU's edu kind");
    if (need == PASS_THROUGH && !has_pass_through(api))
        return skip(api, "not every unit can pass DMA through");
    return true;
}

void api_run(struct api *api, unsigned index)
{
    const struct behaviour *behaviour = &behaviours[index];
    owner_t before = owner_enter(api->owner);

    api->result = RESULT_PASS;
    snprintf(api->reason, sizeof api->reason, "%s", behaviour->claim);
    if (is_met(api, behaviour->need)) {
        struct inventory inventory = take_inventory(api);

        behaviour->run(api);
        clean_up(api, &inventory);
    }
    owner_enter(before);
}

static bool take_interfaces(struct api *api)
{
    DMA_IOMMU_INTERFACE_EX one, two, three;

    if (!NT_SUCCESS(IoGetIommuInterface(1, &api->v0)) ||
        !NT_SUCCESS(IoGetIommuInterfaceEx(1, 0, &one)) ||
        !NT_SUCCESS(IoGetIommuInterfaceEx(2, 0, &two)) ||
        !NT_SUCCESS(IoGetIommuInterfaceEx(3, 0, &three)))
        return false;
    api->v1 = one.V1;
    api->v2 = two.V2;
    api->v3 = three.V3;
    return true;
}

bool api_begin(struct api *api)
{
    api->guard = api->iommu->guard;
    api_guard(api, IOMMU_GUARD_BLOCK);
    api->next_word = UINT64_C(0x5EED000000000001);
    api->own = memory_alloc(api->owner, API_PAGES, API_LIMIT);
    api->others = memory_alloc(api->other, API_OTHERS_PAGES, API_LIMIT);
    if (api->own && api->others && take_interfaces(api)) {
        api->own_physical = memory_physical(api->own);
        api->others_physical = memory_physical(api->others);
        for (unsigned i = 0; i < api->device_count; i++)
            iommu_bind(api->iommu, api->endpoints[i], api->owner);
        iommu_bind(api->iommu, api->spare, api->owner);
        return true;
    }
    api->device_count = 0;
    api_end(api);
    return false;
}

void api_end(struct api *api)
{
    api_guard(api, api->guard);
    for (unsigned i = 0; i < api->device_count; i++)
        iommu_bind(api->iommu, api->endpoints[i], OWNER_FREE);
    iommu_bind(api->iommu, api->spare, OWNER_FREE);
    if (api->own)
        (void)memory_free(api->owner, api->own, API_PAGES);
    if (api->others)
        (void)memory_free(api->other, api->others, API_OTHERS_PAGES);
}
