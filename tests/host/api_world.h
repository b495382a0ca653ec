/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_API_WORLD_H
#define TESTS_HOST_API_WORLD_H

#include "tests/host/api_reach.h"

/* The two sides together: made, called, and brought back to nothing by the API alone. */

typedef NTSTATUS runner(const struct call *call, NTSTATUS *model);

static const struct {
    const char *name;
    runner *run;
} operations[OPERATION_COUNT] = {
    [CREATE_DOMAIN] = {"CREATE_DOMAIN", run_create_domain},
    [DELETE_DOMAIN] = {"DELETE_DOMAIN", run_delete_domain},
    [CREATE_DEVICE] = {"CREATE_DEVICE", run_create_device},
    [DELETE_DEVICE] = {"DELETE_DEVICE", run_delete_device},
    [ATTACH] = {"ATTACH", run_attach},
    [ATTACH_EX] = {"ATTACH_EX", run_attach_ex},
    [DETACH] = {"DETACH", run_detach},
    [DETACH_EX] = {"DETACH_EX", run_detach_ex},
    [MAP] = {"MAP", run_map},
    [MAP_EX] = {"MAP_EX", run_map_ex},
    [UNMAP] = {"UNMAP", run_unmap},
    [MAP_IDENTITY] = {"MAP_IDENTITY", run_map_identity},
    [MAP_IDENTITY_EX] = {"MAP_IDENTITY_EX", run_map_identity_ex},
    [UNMAP_IDENTITY] = {"UNMAP_IDENTITY", run_unmap_identity},
    [UNMAP_IDENTITY_EX] = {"UNMAP_IDENTITY_EX", run_unmap_identity_ex},
    [RESERVE] = {"RESERVE", run_reserve},
    [FREE_RESERVED] = {"FREE_RESERVED", run_free_reserved},
    [MAP_RESERVED] = {"MAP_RESERVED", run_map_reserved},
    [UNMAP_RESERVED] = {"UNMAP_RESERVED", run_unmap_reserved},
    [CONFIGURE] = {"CONFIGURE", run_configure},
    [FLUSH] = {"FLUSH", run_flush},
    [FLUSH_LIST] = {"FLUSH_LIST", run_flush_list},
    [QUERY_MAPPINGS] = {"QUERY_MAPPINGS", run_query_mappings},
    [QUERY_TYPES] = {"QUERY_TYPES", run_query_types},
    [REGISTER] = {"REGISTER", run_register},
    [UNREGISTER] = {"UNREGISTER", run_unregister},
    [FAULT_REPORTING] = {"FAULT_REPORTING", run_fault_reporting},
    [FAULT_REPORTING_EX] = {"FAULT_REPORTING_EX", run_fault_reporting_ex},
    [QUERY_INFO] = {"QUERY_INFO", run_query_info},
    [PASID] = {"PASID", run_pasid},
    [SET_GUARD] = {"SET_GUARD", run_set_guard},
    [DMA] = {"DMA", run_dma},
};

static unsigned calls_made;

/* False: the two disagree, and world.failure says how. */
static inline bool run(const struct call *call)
{
    NTSTATUS model = STATUS_SUCCESS;

    ref_begin(&world.api, owner_of(call));
    as(owner_of(call));
    world.call_count = 0;
    calls_made++;
    NTSTATUS real = operations[call->operation].run(call, &model);
    (void)agree(real, model);
    judge_callbacks();
    judge_held_write();
    if (model_violations() != 0)
        DISAGREE("%s", model_violation_text(0));
    return world.failure[0] == 0;
}

/* ---- A world: the modelled machine, and the reference told about it ---- */

static inline void describe_machine(unsigned kind)
{
    memset(&world.api, 0, sizeof world.api);
    world.api.width = 48;
    world.api.can_pass_through = true;
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        world.api.endpoints[i].owner = i == SECOND && (kind & TWO_DRIVERS) ? OWNER_TWO : OWNER_ONE;
        world.api.endpoints[i].group = i == BEHIND_B ? BEHIND_A : i;
        world.api.endpoints[i].firmware = (struct ref_range){1, 0};
        iommu_bind(&on.iommu, (uint16_t)i, world.api.endpoints[i].owner);
    }
    if (kind & WITH_FIRMWARE)
        world.api.endpoints[FIRST].firmware = (struct ref_range){
            REGION_BASE >> PAGE_SHIFT, (REGION_BASE + REGION_SIZE - 1) >> PAGE_SHIFT};
}

static inline void mark(uint64_t frame)
{
    memcpy(model_ram(frame << PAGE_SHIFT, PAGE_SIZE), &frame, sizeof frame);
}

static inline void take_memory(void)
{
    world.own = own_pages(OWNER_ONE, OWN_FRAMES) >> PAGE_SHIFT;
    world.foreign = own_pages(OWNER_TWO, 2) >> PAGE_SHIFT;
    for (unsigned i = 0; i < OWN_FRAMES + 2; i++)
        mark(frame_at(i));
}

static inline void clear_slots(void)
{
    static const char garbage[8];

    memset(world.slots, 0, sizeof world.slots);
    memset(world.live_count, 0, sizeof world.live_count);
    memset(world.segments, 0, sizeof world.segments);
    memset(world.results, 0, sizeof world.results);
    world.result_count = 0;
    for (enum kind kind = DOMAINS; kind < KINDS; kind++)
        world.slots[kind][slot_count[kind] - 1].real = (void *)(uintptr_t)(garbage + 1);
}

/* Half of the worlds, with and without each of their flags. */
static inline bool is_slow(unsigned kind)
{
    return __builtin_parity(kind);
}

static inline void new_world(unsigned kind)
{
    struct options options = OPTIONS_DEFAULT;
    DMA_IOMMU_INTERFACE_EX interface;

    unit_set_delay(&options.unit.broken, is_slow(kind));
    options.unit.broken.writes_linger = is_slow(kind);
    options.plan.region = kind & WITH_FIRMWARE ? REGION_BASE : 0;
    unit_set_coherent(&options.unit, kind & COHERENT);
    unit_set_caching(&options.unit, kind & CACHING);
    start(&options);
    assert_int_equal(IoGetIommuInterfaceEx(1, 0, &interface), STATUS_SUCCESS);
    world.v1 = interface.V1;
    assert_int_equal(IoGetIommuInterfaceEx(3, 0, &interface), STATUS_SUCCESS);
    world.v3 = interface.V3;
    world.failure[0] = 0;
    describe_machine(kind);
    take_memory();
    clear_slots();
    world.tables_at_rest = SIZE_MAX;
}

/* ---- Back to nothing, by the API ---- */

static inline void expect_success(const char *what, NTSTATUS real, NTSTATUS model)
{
    if (!NT_SUCCESS(real) || !NT_SUCCESS(model))
        DISAGREE("clearing up, %s: 0x%08x, the reference says 0x%08x", what, (unsigned)real,
                 (unsigned)model);
}

static inline void begin_as(owner_t owner)
{
    as(owner);
    ref_begin(&world.api, owner);
}

static inline void clear_token(struct pair pair)
{
    const struct ref_token *token = ref_token_of(&world.api, pair.model);
    const struct ref_domain *domain = ref_domain_of(&world.api, token->domain);

    for (unsigned i = 0; i < domain->page_count;) {
        uint64_t offset = (domain->pages[i].page - token->range.first) << PAGE_SHIFT;
        struct ref_segment segment = {pair.model, offset, PAGE_SIZE};
        IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT real = {pair.real, offset, PAGE_SIZE};

        if (domain->pages[i].token != pair.model) {
            i++;
            continue;
        }
        begin_as(pair.owner);
        NTSTATUS status = ref_unmap_reserved(&world.api, &segment);
        expect_success("segment", world.v3.UnmapReservedLogicalRange(&real), status);
        if (!NT_SUCCESS(status))
            return;
    }
    begin_as(pair.owner);
    expect_success("token", world.v3.FreeReservedLogicalAddressRange(pair.real),
                   ref_free_reserved(&world.api, pair.model));
}

static inline void clear_endpoint(unsigned endpoint)
{
    const struct ref_device device = world.api.devices[endpoint];
    struct pair domain = live_pair(DOMAINS, device.domain);
    struct pair pair = live_pair(DEVICES, device.handle);

    begin_as(world.api.endpoints[endpoint].owner);
    if (device.domain != 0)
        expect_success("detach", world.v1.DetachDevice(domain.real, wdm_pdo((uint16_t)endpoint), 0),
                       ref_detach(&world.api, domain.model, endpoint + 1, 0));
    if (!device.used || device.by_attach)
        return;
    if (device.callback != NULL)
        expect_success("unregister",
                       world.v3.UnregisterInterfaceStateChangeCallback(device.callback, pair.real),
                       ref_unregister(&world.api, device.callback, pair.model));
    expect_success("device", world.v3.DeleteDevice(pair.real),
                   ref_delete_device(&world.api, pair.model));
}

static inline void judge_memory(void)
{
    const struct pt_pool *pool = &on.iommu.pool;
    /* One page of a chunk keeps the books of the others. */
    size_t used = pool->chunks * (PT_ENTRIES - 1) - pool->available;

    if (pool->reserved != 0)
        DISAGREE("clearing up: %zu table pages stay set aside", pool->reserved);
    if (world.tables_at_rest == SIZE_MAX)
        world.tables_at_rest = used;
    if (used != world.tables_at_rest)
        DISAGREE("clearing up: %zu table pages in use, at first %zu", used, world.tables_at_rest);
}

static inline bool clear_world(void)
{
    for (unsigned i = 0; i < world.live_count[TOKENS]; i++)
        clear_token(world.live[TOKENS][i]);
    for (unsigned i = 0; i < FUNCTIONS; i++)
        clear_endpoint(i);
    for (unsigned i = 0; i < world.live_count[DOMAINS]; i++) {
        struct pair domain = world.live[DOMAINS][i];

        begin_as(domain.owner);
        expect_success("domain", world.v3.DeleteDomain(domain.real),
                       ref_delete_domain(&world.api, domain.model));
    }
    as(OWNER_IMAGE);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    ref_reset(&world.api);
    clear_slots();
    judge_memory();
    if (!judged_strictly())
        DISAGREE("clearing up: the model ran out of room");
    return world.failure[0] == 0;
}

#endif
