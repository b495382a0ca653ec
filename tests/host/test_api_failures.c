/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Every routine of the interface, with each allocation, each wait for hardware and each argument in
 * it gone wrong in turn, in many worlds:
 *
 *   1. A call that fails for memory or arguments has changed nothing, and succeeds afterwards.
 *   2. A call that fails for hardware gives nobody more access than before, then or ever after, and
 *      what no invalidation covered is not used again.
 */
#include "tests/host/every.h"
#include "tests/host/failure_arguments.h"
#include "tests/host/failure_unit.h"

#include <stdio.h>

/* ---- Worlds ---- */

enum flavour { PLAIN, POPULATED, FRAGMENTED };
#define FLAVOURS 3

struct machine {
    const char *name;
    enum unit_width width;
    bool not_coherent, caching, with_region;
};

static const struct machine machines[] = {
    {.name = "usual"},
    {.name = "usual, not coherent, caching, region",
     .not_coherent = true,
     .caching = true,
     .with_region = true},
    {.name = "narrow, not coherent", .width = UNIT_NARROW, .not_coherent = true},
    {.name = "wide, caching", .width = UNIT_WIDE, .caching = true},
    {.name = "wide, not coherent, region",
     .width = UNIT_WIDE,
     .not_coherent = true,
     .with_region = true},
};

/* `left`: pages in the pool beyond those set aside; ALL: it is left alone. */
#define ALL SIZE_MAX

struct kind {
    const struct machine *machine;
    enum flavour flavour;
    size_t left;
};

static void start_machine(const struct machine *machine)
{
    struct options options = OPTIONS_DEFAULT;

    unit_set_width(&options.unit, machine->width);
    unit_set_coherent(&options.unit, !machine->not_coherent);
    unit_set_caching(&options.unit, machine->caching);
    options.plan.region = machine->with_region ? REGION_BASE : 0;
    options.functions = make_functions;
    start_with(&options);
}

static PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN reserve_at(IOMMU_DMA_LOGICAL_ADDRESS address)
{
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;

    must(use.v3.ReserveLogicalAddressRange(use.domain, 16 * PAGE_SIZE, &address, NULL, NULL,
                                           &token));
    return token;
}

static void make_objects(const struct machine *machine)
{
    world.far = FAR | (machine->width == UNIT_WIDE ? UINT64_C(1) << 50 : 0);
    use.frame = own_pages(OWNER_ONE, PAGES);
    world.stale_device = new_device(BEHIND_B);
    must(use.v3.DeleteDevice(world.stale_device));
    must(make_domain(DomainTypeTranslate, 0, &world.stale));
    must(use.v3.DeleteDomain(world.stale));
    world.first = new_device(FIRST);
    world.second = new_device(SECOND);
    world.behind = new_device(BEHIND_A);
    must(use.v3.AttachDeviceEx(use.domain, world.second));
    world.token = reserve_at(world.far + 128 * LARGE);
    world.idle = reserve_at(world.far + 1024 * LARGE);
}

static void fill_window(struct allocator *allocator)
{
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t address;

        assert_int_equal(allocator_take(allocator, 5, i << 24, UINT64_MAX, &address), ALLOCATOR_OK);
    }
    while (allocator->count < allocator->queue_capacity) {
        uint64_t address;

        assert_int_equal(allocator_take(allocator, 1, 0, UINT64_MAX, &address), ALLOCATOR_OK);
    }
}

static struct iommu_domain *domain_of(PIOMMU_DMA_DOMAIN handle)
{
    return &on.iommu.domains[iommu_ref_index((uintptr_t)handle)];
}

static void make_flavour(enum flavour flavour)
{
    uint64_t to = world.far + 128 * LARGE + 8 * PAGE_SIZE;

    world.window_min = flavour == PLAIN ? 0x4001 : UINT64_C(0x4000001);
    if (flavour == PLAIN) {
        must(use.v3.DeleteDomain(use.buddy));
        must(make_domain(DomainTypeTranslate, 20, &use.buddy));
    }
    if (flavour == POPULATED) {
        IOMMU_MAP_PHYSICAL_ADDRESS source = range_of(use.frame, PAGE_SIZE);
        IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;

        must(map_range(use.domain, AT, use.frame, PAGES * PAGE_SIZE, READ_WRITE));
        must(map_range(use.domain, world.far - PAGE_SIZE, use.frame, PAGE_SIZE, READ_WRITE));
        must(use.v3.MapReservedLogicalRange(world.token, to - world.token->LogicalAddressBase,
                                            IOMMU_ACCESS_READ, &source, &segment));
    }
}

static void make_args(void)
{
    struct args *a = &world.args;

    world.source = range_of(use.frame, 2 * PAGE_SIZE);
    world.mdl = mdl_of(4);
    world.explicit = world.far;
    world.segment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){0};
    world.fields.AsULONG = 1;
    world.faults = (DEVICE_FAULT_CONFIGURATION){hear_fault, NULL};
    world.configuration = (DOMAIN_CONFIGURATION){.Type = DomainConfigurationX64};
    world.list[0] = world.list[1] = PAGE_SIZE;
    *a = (struct args){.domain = use.domain, .device = world.first, .pdo = wdm_pdo(FIRST)};
    a->type = DomainTypeTranslate;
    a->permissions = READ_WRITE;
    a->count = 1;
    a->version = 1;
    a->source = &world.source;
    a->mdl = &world.mdl.mdl;
    a->explicit = &world.explicit;
    a->address = world.far;
    a->pages = 2;
    a->size = 96 * PAGE_SIZE;
    a->offset = PAGE_SIZE;
    a->token = world.token;
    a->segment = &world.segment;
    a->callback = hear;
    a->fields = &world.fields;
    a->faults = &world.faults;
    a->configuration = &world.configuration;
    a->list = world.list;
    a->out = world.out;
    a->out2 = world.out2;
}

/* Leaves as little as the kind says. */
static void tighten(const struct kind *kind)
{
    struct pt_pool *pool = &on.iommu.pool;
    struct allocator *allocator = domain_of(use.buddy)->allocator;

    if (kind->flavour == FRAGMENTED)
        fill_window(allocator);
    allocator_trim(allocator);
    while (kind->left != ALL && pool->available - pool->reserved > kind->left) {
        (void)pt_pool_take(pool, 1, 0);
        held_pages++;
    }
}

static void build(const struct kind *kind, const struct call *call)
{
    held_pages = 0;
    start_machine(kind->machine);
    make_objects(kind->machine);
    make_flavour(kind->flavour);
    make_args();
    call->prepare(&world.args);
    if (call->routine == &query_info)
        world.args.count = 3;
    tighten(kind);
    memset(world.out, UNTOUCHED, sizeof world.out);
    memset(world.out2, UNTOUCHED, sizeof world.out2);
}

/* ---- Runs ---- */

static struct snapshot clean, before, after;
static IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment_before;

struct outcome {
    NTSTATUS status;
    unsigned allocations, waits;
};

static struct outcome run(const struct call *call, unsigned fail_allocation, unsigned fail_wait)
{
    unsigned allocations = model_allocations();
    struct outcome outcome;

    segment_before = world.segment;
    waits.count = 0;
    waits.fail = fail_wait;
    model_on_store(count_waits, NULL);
    model_fail_allocation(fail_allocation);
    outcome.status = call->routine->invoke(&world.args);
    model_fail_allocation(0);
    model_on_store(NULL, NULL);
    outcome.allocations = model_allocations() - allocations;
    outcome.waits = waits.count;
    return outcome;
}

static void expect_untouched(void)
{
    for (size_t i = 0; i < sizeof world.out; i++)
        assert_int_equal(world.out[i], UNTOUCHED);
    for (size_t i = 0; i < sizeof world.out2; i++)
        assert_int_equal(world.out2[i], UNTOUCHED);
    assert_memory_equal(&segment_before, &world.segment, sizeof world.segment);
}

static void add_probes(const struct snapshot *snapshot)
{
    unsigned step = snapshot->leaf_count / 24 + 1;

    for (unsigned i = 0; i < snapshot->leaf_count; i += step)
        add_probe(snapshot->leaves[i].address);
    if (snapshot->leaf_count)
        add_probe(snapshot->leaves[snapshot->leaf_count - 1].address);
}

/* Pages of the window that are left: destroys the world. */
static unsigned pages_left(void)
{
    struct iommu_domain *domain = domain_of(use.buddy);
    uint64_t address;
    unsigned pages = 0;

    while (pages < 256 && domain->ref &&
           allocator_take(domain->allocator, 1, 0, UINT64_MAX, &address) == ALLOCATOR_OK)
        pages++;
    return pages;
}

/* What the call does when all goes well; where access is asked for in the other runs. */
static struct outcome run_clean(const struct kind *kind, const struct call *call)
{
    probe_count = 0;
    if (kind->machine->with_region)
        add_probe(REGION_BASE);
    build(kind, call);
    add_probe(use.frame);
    add_probe(world.far + LARGE);
    take_snapshot(&before);
    check_accounts(&before);
    add_probes(&before);
    struct outcome outcome = run(call, 0, 0);
    if (outcome.status != call->expected)
        fail_msg("0x%x", (unsigned)outcome.status);
    take_snapshot(&clean);
    check_accounts(&clean);
    add_probes(&clean);
    if (!(call->kind & TAKES_MEMORY))
        assert_int_equal(outcome.allocations, 0);
    if (!(call->kind & WAITS))
        assert_int_equal(outcome.waits, 0);
    no_violation();
    return outcome;
}

static void expect_as_clean(void)
{
    assert_int_equal(after.leaf_count, clean.leaf_count);
    assert_memory_equal(after.leaves, clean.leaves, clean.leaf_count * sizeof clean.leaves[0]);
    assert_int_equal(after.table_count, clean.table_count);
    for (unsigned p = 0; p < probe_count; p++)
        for (unsigned w = 0; w < 2; w++)
            for (unsigned n = 0; n < REQUESTERS; n++)
                assert_int_equal(after.reach[p][w][n].by_unit, after.reach[p][w][n].by_tables);
}

struct tally {
    unsigned allocations, waits, both, arguments;
};

static struct tally tallies[COUNT(calls)];

/* ---- Memory ---- */

/* Returns the waits of the call that failed. */
static unsigned fail_allocation(const struct kind *kind, const struct call *call, unsigned n,
                                unsigned window)
{
    build(kind, call);
    take_snapshot(&before);
    struct outcome outcome = run(call, n, 0);
    if (outcome.status != STATUS_INSUFFICIENT_RESOURCES)
        fail_msg("allocation %u: 0x%x", n, (unsigned)outcome.status);
    take_snapshot(&after);
    expect_untouched();
    expect_unchanged(&before, &after, n == 1);
    must(run(call, 0, 0).status);
    take_snapshot(&after);
    check_accounts(&after);
    expect_as_clean();
    assert_int_equal(pages_left(), window);
    no_violation();
    return outcome.waits;
}

/* ---- Arguments ---- */

/* A world serves until a call succeeds. */
static void fail_arguments(const struct kind *kind, size_t index)
{
    const struct call *call = &calls[index];
    bool built = false;

    probe_count = 0;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        if (!strstr(call->routine->uses, wrongs[i]->one) &&
            !strstr(call->routine->uses, wrongs[i]->other))
            continue;
        if (!built) {
            build(kind, call);
            take_snapshot(&before);
        }
        const struct args args = world.args;
        const __typeof__(world) objects = world;
        wrongs[i]->make(&world.args);
        const struct outcome outcome = run(call, 0, 0);
        as(OWNER_ONE);
        built = !NT_SUCCESS(outcome.status);
        if (!built)
            continue;
        assert_int_not_equal(outcome.status, STATUS_IO_DEVICE_ERROR);
        tallies[index].arguments++;
        take_snapshot(&after);
        expect_untouched();
        expect_unchanged(&before, &after, outcome.allocations == 0);
        if (outcome.allocations)
            built = false;
        world = objects;
        world.args = args;
    }
    no_violation();
}

/* ---- Hardware ---- */

static void expect_nothing_gained(void)
{
    take_snapshot(&after);
    expect_no_more_access(&before, &after);
    expect_quarantined(&before, &after);
}

/* Every way on from here: none of them gives access, or hands out what may still be in use. */
static void go_on(const struct call *call)
{
    IOMMU_DMA_LOGICAL_ADDRESS at = world.far + 300 * LARGE, out;
    IOMMU_MAP_PHYSICAL_ADDRESS page = range_of(use.frame, PAGE_SIZE);
    PIOMMU_DMA_DOMAIN domain;
    unsigned live = 0;

    (void)run(call, 0, 0);
    expect_nothing_gained();
    (void)use.v3.MapLogicalRangeEx(use.domain, READ_WRITE, &page, &at, NULL, NULL, &out);
    (void)use.v3.AttachDeviceEx(use.domain, world.first);
    (void)use.v3.AttachDeviceEx(use.domain, world.behind);
    expect_nothing_gained();
    (void)use.v3.DetachDeviceEx(world.first);
    (void)use.v3.DetachDeviceEx(world.behind);
    (void)use.v3.DetachDeviceEx(world.second);
    expect_nothing_gained();
    assert_false(iommu_reclaim(&on.iommu, OWNER_ONE));
    expect_nothing_gained();
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        live += before.core.domains[i].units != 0;
        if (before.core.domains[i].units)
            assert_true(on.iommu.domains[i].ref != 0);
    }
    assert_true(live != 0);
    assert_int_equal(make_domain(DomainTypeTranslate, 0, &domain), STATUS_NOT_SUPPORTED);
    expect_stopped();
}

/* The window's addresses: those that were taken stay so, and so does what a failed map took. */
static void expect_kept_addresses(const struct call *call)
{
    const struct iommu_domain *domain = domain_of(use.buddy);
    size_t index = (size_t)(domain - on.iommu.domains), taken = before.ranges[index];

    if (call->routine == &map_ex && world.args.domain == use.buddy)
        taken++;
    assert_int_equal(domain->allocator->count, taken);
}

/* Beside an allocation that fails (0: none). */
static void fail_wait(const struct kind *kind, const struct call *call, unsigned allocation,
                      unsigned n)
{
    build(kind, call);
    take_snapshot(&before);
    struct outcome outcome = run(call, allocation, n);
    if (outcome.status != STATUS_IO_DEVICE_ERROR)
        fail_msg("wait %u: 0x%x", n, (unsigned)outcome.status);
    assert_in_range(outcome.waits, n, UINT32_MAX);
    note_known(&before);
    expect_untouched();
    expect_kept_addresses(call);
    expect_nothing_gained();
    expect_stopped();
    revive();
    expect_nothing_gained();
    go_on(call);
    no_violation();
}

/* Each way comes round with the waits and the worlds. */
static unsigned fail_waits(const struct kind *kind, const struct call *call, unsigned allocation,
                           unsigned count)
{
    for (unsigned n = 1; n <= count; n++) {
        waits.way = (n + kind->flavour) % WAYS;
        fail_wait(kind, call, allocation, n);
    }
    return count;
}

/* ---- Sweeps ---- */

static const char *at_call, *at_how, *at_machine;

static void sweep_call(const struct kind *kind, size_t index)
{
    const struct call *call = &calls[index];
    struct tally *tally = &tallies[index];
    struct outcome whole = run_clean(kind, call);
    unsigned window = pages_left();

    for (unsigned n = 1; n <= whole.allocations; n++) {
        unsigned rolled_back = fail_allocation(kind, call, n, window);

        tally->both += fail_waits(kind, call, n, rolled_back);
    }
    tally->allocations += whole.allocations;
    tally->waits += fail_waits(kind, call, 0, whole.waits);
}

static void at(const struct kind *kind, size_t index)
{
    at_call = calls[index].name;
    at_how = calls[index].how;
    at_machine = kind->machine->name;
}

static void sweep(const struct kind *kind)
{
    for (size_t i = 0; i < COUNT(calls); i++) {
        at(kind, i);
        sweep_call(kind, i);
    }
}

static void every_allocation_and_every_wait(void **state)
{
    static const struct kind kinds[] = {
        {&machines[0], PLAIN, ALL},    {&machines[0], POPULATED, 0},  {&machines[0], FRAGMENTED, 0},
        {&machines[1], FRAGMENTED, 1}, {&machines[1], POPULATED, 3},  {&machines[2], PLAIN, 2},
        {&machines[2], POPULATED, 1},  {&machines[3], POPULATED, 4},  {&machines[3], PLAIN, 0},
        {&machines[4], POPULATED, 3},  {&machines[4], FRAGMENTED, 4}, {&machines[4], PLAIN, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i += EVERY)
        sweep(&kinds[i]);
}

static void no_sweep_was_empty(void **state)
{
    (void)state;
    printf("%-32s %-16s %11s %5s %5s %9s\n", "routine", "", "allocations", "waits", "both",
           "arguments");
    for (size_t i = 0; i < COUNT(calls); i++) {
        const struct tally *tally = &tallies[i];

        printf("%-32s %-16s %11u %5u %5u %9u\n", calls[i].name, calls[i].how, tally->allocations,
               tally->waits, tally->both, tally->arguments);
        assert_true(!(calls[i].kind & TAKES_MEMORY) == !tally->allocations);
        assert_true(!(calls[i].kind & WAITS) == !tally->waits);
        assert_true(!(calls[i].kind & NO_FAILURE) == !!tally->arguments);
    }
}

static void every_argument(void **state)
{
    static const struct kind kinds[] = {{&machines[0], POPULATED, 0},
                                        {&machines[1], POPULATED, ALL}};

    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < COUNT(calls); i++) {
            at(&kinds[k], i);
            fail_arguments(&kinds[k], i);
        }
}

static int tell_where(void **state)
{
    (void)state;
    printf("last: %s (%s), %s\n", at_call, at_how, at_machine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_allocation_and_every_wait, tell_where),
        cmocka_unit_test_teardown(every_argument, tell_where),
        cmocka_unit_test(no_sweep_was_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
