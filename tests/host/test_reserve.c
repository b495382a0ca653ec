/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Reserved ranges and identity maps: core on the modelled unit, judged by what the unit lets
 * through and by the pages that tables take. */
#include "tests/host/domain_fixture.h"

#define GIB (UINT64_C(1) << 30)

static void one_life(void)
{
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), token = 0;
    uint64_t memory = own_pages(OWNER_ONE, 4);
    size_t before = tables_in_use();

    (void)attached(FIRST, domain);
    assert_int_equal(reserve_at(domain, AT, 4 * PAGE, &token), IOMMU_OK);
    assert_false(reaches(first_id, AT, false));
    size_t tables = tables_in_use();
    assert_int_equal(map_in(token, PAGE, memory, 2 * PAGE), IOMMU_OK);
    assert_true(reaches(first_id, AT + PAGE, true) && reaches(first_id, AT + 2 * PAGE, false));
    assert_false(reaches(first_id, AT, true) || reaches(first_id, AT + 3 * PAGE, true));
    assert_int_equal(map_in(token, 2 * PAGE, memory, PAGE), IOMMU_OVERLAP);
    assert_int_equal(map_in(token, 3 * PAGE, memory, PAGE), IOMMU_OK);
    assert_int_equal(map_in(token, 0, memory, PAGE), IOMMU_OK);
    assert_int_equal(free_token(token), IOMMU_IN_USE);
    assert_int_equal(unmap_in(token, 2 * PAGE, 2 * PAGE), IOMMU_OK);
    assert_false(reaches(first_id, AT + 2 * PAGE, true) || reaches(first_id, AT + 3 * PAGE, true));
    assert_true(reaches(first_id, AT + PAGE, true));
    assert_int_equal(unmap_in(token, PAGE, 2 * PAGE), IOMMU_NOT_MAPPED);
    assert_true(reaches(first_id, AT + PAGE, true));
    assert_int_equal(unmap_in(token, 0, 2 * PAGE), IOMMU_OK);
    assert_int_equal(tables_in_use(), tables);
    assert_int_equal(free_token(token), IOMMU_OK);
    assert_int_equal(free_token(token), IOMMU_BAD_HANDLE);
    assert_false(reaches(first_id, AT, true));
    assert_int_equal(tables_in_use(), before);
    assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
    assert_true(reaches(first_id, AT, true));
    no_violation();
}

static void one_life_on_every_kind_of_unit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unit_kinds / sizeof *unit_kinds; i++) {
        start(&(struct options){.unit = unit_kinds[i]});
        one_life();
    }
}

static void arguments_are_refused(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    iommu_ref_t token = 77, live;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    size_t tables = tables_in_use();
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    uint64_t memory = own_pages(OWNER_ONE, 4), foreign = own_pages(OWNER_TWO, 1);
    uint64_t list[] = {memory >> 12, foreign >> 12}, out = 77;
    const struct iommu_memory half_foreign = {.frames = list, .length = 2 * PAGE};
    const struct iommu_place anywhere = IOMMU_ANYWHERE;

    assert_int_equal(reserve_at(domain + 1, AT, PAGE, &token), IOMMU_BAD_HANDLE);
    assert_int_equal(reserve_at(domain, AT, 0, &token), IOMMU_BAD_RANGE);
    assert_int_equal(reserve_at(domain, AT, 0x1800, &token), IOMMU_BAD_RANGE);
    assert_int_equal(reserve_at(domain, AT + 1, PAGE, &token), IOMMU_BAD_RANGE);
    assert_int_equal(reserve_at(domain, 0xFEDFF000, 2 * PAGE, &token), IOMMU_BAD_RANGE);
    assert_int_equal(reserve_at(domain, REGION_BASE, PAGE, &token), IOMMU_BAD_RANGE);
    assert_int_equal(reserve_at(domain, UINT64_C(1) << 48, PAGE, &token), IOMMU_BAD_RANGE);
    assert_int_equal(reserve_at(domain, -PAGE, 2 * PAGE, &token), IOMMU_BAD_RANGE);
    assert_int_equal(iommu_reserve(&on.iommu, OWNER_ONE, domain, &anywhere, PAGE, &token, &out),
                     IOMMU_NO_CHOICE);
    assert_true(token == 77 && out == 77);
    assert_int_equal(reserve_at(domain, AT, 4 * PAGE, &live), IOMMU_OK);
    assert_int_equal(reserve_at(domain, AT + 3 * PAGE, 2 * PAGE, &token), IOMMU_OVERLAP);
    assert_int_equal(map_at(domain, AT + 4 * PAGE, memory, PAGE), IOMMU_OK);
    assert_int_equal(reserve_at(domain, AT + 4 * PAGE, PAGE, &token), IOMMU_OVERLAP);
    assert_int_equal(map_at(domain, AT - PAGE, memory, 2 * PAGE), IOMMU_OVERLAP);
    assert_int_equal(unmap_at(domain, AT + 3 * PAGE, 2 * PAGE), IOMMU_NOT_MAPPED);
    assert_int_equal(map_in(live, 4 * PAGE, memory, PAGE), IOMMU_BAD_RANGE);
    assert_int_equal(map_in(live, 3 * PAGE, memory, 2 * PAGE), IOMMU_BAD_RANGE);
    assert_int_equal(map_in(live, -PAGE, memory, 2 * PAGE), IOMMU_BAD_RANGE);
    assert_int_equal(map_in(live, 0x800, memory, PAGE), IOMMU_BAD_RANGE);
    assert_int_equal(map_in(live, 0, foreign, PAGE), IOMMU_NOT_OWNED);
    assert_int_equal(map_in(live + 1, 0, memory, PAGE), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_map_reserved(&on.iommu, OWNER_ONE, live, 0, &half_foreign, PT_READ),
                     IOMMU_NOT_OWNED);
    assert_int_equal(iommu_map_reserved(&on.iommu, OWNER_TWO, live, 0, &half_foreign, PT_READ),
                     IOMMU_BAD_HANDLE);
    assert_int_equal(unmap_in(live, 0, PAGE), IOMMU_NOT_MAPPED);
    assert_int_equal(map_in(live, 0, memory, PAGE), IOMMU_OK);
    assert_int_equal(unmap_at(domain, AT, PAGE), IOMMU_NOT_MAPPED);
    assert_int_equal(unmap_in(live, 0, 0), IOMMU_BAD_RANGE);
    assert_int_equal(unmap_in(live, 0, 0x800), IOMMU_BAD_RANGE);
    assert_int_equal(unmap_in(live, 0, 5 * PAGE), IOMMU_BAD_RANGE);
    assert_int_equal(iommu_free_reserved(&on.iommu, OWNER_TWO, live), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_IN_USE);
    assert_int_equal(unmap_in(live, 0, PAGE), IOMMU_OK);
    assert_int_equal(free_token(live), IOMMU_OK);
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_OK);
    assert_int_equal(tables_in_use(), tables);
    no_violation();
}

/* A list that fails further on: whose frame is foreign is said before what is in the way. */
static void ownership_comes_before_overlap(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    uint64_t memory = own_pages(OWNER_ONE, 4), foreign = own_pages(OWNER_TWO, 1), out;
    const uint64_t at = AT, list[] = {memory >> 12, (memory >> 12) + 2, foreign >> 12};
    const struct iommu_memory scattered = {.frames = list, .length = 3 * PAGE};
    const struct iommu_place place = {&at, 0, 0};

    assert_int_equal(map_at(domain, AT + PAGE, memory, PAGE), IOMMU_OK);
    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, domain, &place, &scattered, PT_READ, &out),
                     IOMMU_NOT_OWNED);
    assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
    assert_int_equal(map_at(domain, memory + 2 * PAGE, memory, PAGE), IOMMU_OK);
    assert_int_equal(iommu_map_identity(&on.iommu, OWNER_ONE, domain, &scattered, PT_READ),
                     IOMMU_NOT_OWNED);
    assert_int_equal(map_at(domain, memory, memory, PAGE), IOMMU_OK);
}

/* The tables of a GiB are 513: a chunk or two. What is too little is not kept. */
static void a_refused_reservation_keeps_no_memory(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (uint64_t size = GIB; size < 64 * GIB; size += GIB) {
        start(&OPTIONS_DEFAULT);
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), token;
        size_t frames = model_frames_owned(OWNER_IOMMU);
        enum iommu_status status = reserve_at(domain, 1024 * GIB, size, &token);

        if (status == IOMMU_OK)
            continue;
        assert_int_equal(status, IOMMU_NO_MEMORY);
        assert_int_equal(model_frames_owned(OWNER_IOMMU), frames);
        refused++;
    }
    assert_in_range(refused, 1, 62);
    no_violation();
}

/* Tables that could not be there if all memory was free are neither counted nor asked for. */
static void no_memory_is_tried_for_the_absurd(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), token;
    unsigned tried = model_allocations();

    for (uint64_t size = 64 * GIB; size <= 128 * 1024 * GIB; size *= 2)
        assert_int_equal(reserve_at(domain, 128 * 1024 * GIB, size, &token), IOMMU_NO_MEMORY);
    assert_int_equal(model_allocations(), tried);
}

static void an_allocator_reserves_too(void **state)
{
    const struct iommu_place anywhere = IOMMU_ANYWHERE;
    const struct iommu_place there = {NULL, AT, AT + 0x3FFF};
    iommu_ref_t token = 0, other = 0;
    uint64_t address = 0, out = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 32);
    uint64_t memory = own_pages(OWNER_ONE, 4);
    const struct iommu_memory pages = {.physical = memory, .length = 4 * PAGE};
    (void)attached(FIRST, domain);

    assert_int_equal(reserve_at(domain, AT, PAGE, &token), IOMMU_NO_CHOICE);
    assert_int_equal(
        iommu_reserve(&on.iommu, OWNER_ONE, domain, &there, 4 * PAGE, &token, &address), IOMMU_OK);
    assert_int_equal(address, AT);
    assert_int_equal(iommu_reserve(&on.iommu, OWNER_ONE, domain, &there, PAGE, &other, &out),
                     IOMMU_NO_SPACE);
    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, domain, &there, &pages, PT_READ, &out),
                     IOMMU_NO_SPACE);
    assert_int_equal(map_in(token, 0, memory, 4 * PAGE), IOMMU_OK);
    assert_true(reaches(first_id, AT + 3 * PAGE, true));
    assert_int_equal(unmap_at(domain, AT, 4 * PAGE), IOMMU_NOT_MAPPED);
    assert_true(reaches(first_id, AT, true));
    assert_int_equal(unmap_in(token, 0, 4 * PAGE), IOMMU_OK);
    assert_int_equal(unmap_at(domain, AT, 4 * PAGE), IOMMU_NOT_MAPPED);
    assert_int_equal(free_token(token), IOMMU_OK);
    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, domain, &there, &pages, PT_READ, &out),
                     IOMMU_OK);
    assert_int_equal(unmap_at(domain, AT, 4 * PAGE), IOMMU_OK);
    assert_int_equal(iommu_reserve(&on.iommu, OWNER_ONE, domain, &anywhere, PAGE, &other, &out),
                     IOMMU_OK);
    assert_int_equal(free_token(other), IOMMU_OK);
    no_violation();
}

/* Across tables and with superpages in reach of alignment, no page comes from the pool, none goes
 * back, and no frame is asked for. */
static void mapping_in_a_token_needs_no_memory(void **state)
{
    const uint64_t length = UINT64_C(5) << 20, from = AT - (UINT64_C(1) << 20);
    iommu_ref_t token = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain);
    uint64_t memory = own_pages(OWNER_ONE, 2048);
    assert_int_equal(reserve_at(domain, from, length, &token), IOMMU_OK);
    size_t tables = tables_in_use(), free = drain_pool();
    unsigned allocations = model_allocations();

    for (unsigned round = 0; round < 8; round++) {
        uint64_t offset = (round & 3) * (UINT64_C(1) << 20);
        uint64_t bytes = round & 4 ? UINT64_C(1) << 20 : UINT64_C(2) << 20;

        assert_int_equal(map_in(token, offset, memory, bytes), IOMMU_OK);
        assert_true(reaches(first_id, from + offset + bytes - 1, true));
        assert_int_equal(tables_in_use(), tables);
        assert_int_equal(unmap_in(token, offset, bytes), IOMMU_OK);
        assert_false(reaches(first_id, from + offset, true));
        assert_int_equal(tables_in_use(), tables);
    }
    assert_int_equal(model_allocations(), allocations);
    put_back(free);
    assert_int_equal(free_token(token), IOMMU_OK);
    assert_int_equal(on.iommu.pool.reserved, 0);
    no_violation();
}

static void reserving_without_memory_changes_nothing(void **state)
{
    static const unsigned widths[] = {0, 40};
    unsigned failures = 0;

    (void)state;
    for (unsigned w = 0; w < 2; w++) {
        for (unsigned left = 0; left < 8; left++) {
            const uint64_t at = AT, length = UINT64_C(4) << 20;
            struct iommu_place place = {w ? NULL : &at, AT, AT + length - 1};
            uint64_t out = 77;
            iommu_ref_t token = 77;

            start(&OPTIONS_DEFAULT);
            iommu_ref_t domain = make(IOMMU_TRANSLATE, widths[w]);
            size_t used = tables_in_use(), free = drain_pool();
            on.iommu.pool.reserved -= left;
            model_fail_allocation(w + 1);
            enum iommu_status status =
                iommu_reserve(&on.iommu, OWNER_ONE, domain, &place, length, &token, &out);
            model_fail_allocation(0);
            if (status == IOMMU_OK) {
                assert_int_equal(free_token(token), IOMMU_OK);
            } else {
                failures++;
                assert_int_equal(status, IOMMU_NO_MEMORY);
                assert_true(token == 77 && out == 77);
            }
            assert_int_equal(tables_in_use(), used);
            assert_int_equal(on.iommu.domains[0].token, 0);
            put_back(free - left);
            assert_int_equal(on.iommu.pool.reserved, 0);
            assert_int_equal(
                iommu_reserve(&on.iommu, OWNER_ONE, domain, &place, length, &token, &out),
                IOMMU_OK);
            assert_int_equal(out, AT);
            no_violation();
        }
    }
    assert_in_range(failures, 4, 15);
}

static void tokens_run_out_and_come_round(void **state)
{
    static iommu_ref_t tokens[IOMMU_TOKENS_MAX];
    iommu_ref_t more = 77;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    for (unsigned i = 0; i < IOMMU_TOKENS_MAX; i++)
        assert_int_equal(reserve_at(domain, AT + i * PAGE, PAGE, &tokens[i]), IOMMU_OK);
    size_t tables = tables_in_use();
    assert_int_equal(reserve_at(domain, AT + UINT64_C(0x40000000), PAGE, &more), IOMMU_NO_ID);
    assert_int_equal(reserve_at(domain, AT, PAGE, &more), IOMMU_OVERLAP);
    assert_true(more == 77 && tables_in_use() == tables);
    assert_int_equal(free_token(tokens[700]), IOMMU_OK);
    assert_int_equal(free_token(tokens[3]), IOMMU_OK);
    assert_int_equal(reserve_at(domain, AT, PAGE, &more), IOMMU_OVERLAP);
    assert_int_equal(reserve_at(domain, AT + 700 * PAGE, PAGE, &more), IOMMU_OK);
    assert_int_equal(more & 0xFFFF, tokens[700] & 0xFFFF);
    assert_int_not_equal(more, tokens[700]);
    assert_int_equal(map_in(tokens[700], 0, 0, PAGE), IOMMU_BAD_HANDLE);
    no_violation();
}

static void a_failed_wait_gives_no_access(void **state)
{
    iommu_ref_t token = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
    uint64_t memory = own_pages(OWNER_ONE, 2);
    assert_int_equal(reserve_at(domain, AT, 2 * PAGE, &token), IOMMU_OK);
    assert_int_equal(map_in(token, 0, memory, PAGE), IOMMU_OK);
    unit_stall(&on.unit);
    assert_int_equal(unmap_in(token, 0, PAGE), IOMMU_FAILED);
    assert_int_equal(unit_translate(&on.unit, first_id, AT, true, NULL), MODEL_DMA_REFUSED);
    assert_int_equal(map_in(token, 0, memory, PAGE), IOMMU_FAILED);
    assert_int_equal(reserve_at(domain, AT + 8 * PAGE, PAGE, &token), IOMMU_FAILED);
    assert_int_equal(unit_translate(&on.unit, first_id, AT, true, NULL), MODEL_DMA_REFUSED);
    size_t tables = tables_in_use();
    assert_int_equal(free_token(token), IOMMU_FAILED);
    assert_int_equal(free_token(token), IOMMU_BAD_HANDLE);
    assert_int_equal(tables_in_use(), tables);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_FAILED);
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_FAILED);
    assert_int_equal(tables_in_use(), tables);
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
}

/* Where entries that are not present are cached, a map waits too: when that fails, nothing stays.
 */
static void a_map_whose_wait_fails_is_taken_back(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    iommu_ref_t token = 0;

    (void)state;
    unit_set_caching(&options.unit, true);
    for (unsigned i = 0; i < 3; i++) {
        start(&options);
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
        (void)attached(FIRST, domain);
        uint64_t memory = own_pages(OWNER_ONE, 4);
        const uint64_t list[] = {memory >> 12, (memory >> 12) + 2};
        const struct iommu_memory scattered = {.frames = list, .length = 2 * PAGE};
        assert_int_equal(reserve_at(domain, AT, 2 * PAGE, &token), IOMMU_OK);
        unit_stall(&on.unit);
        assert_int_equal(
            i == 0   ? map_at(domain, 2 * AT, memory, 2 * PAGE)
            : i == 1 ? iommu_map_reserved(&on.iommu, OWNER_ONE, token, 0, &scattered, PT_READ_WRITE)
                     : iommu_map_identity(&on.iommu, OWNER_ONE, domain, &scattered, PT_READ_WRITE),
            IOMMU_FAILED);
        assert_false(pt_reaches(&on.iommu.domains[0].table, 0, UINT64_MAX));
        assert_false(unit_blocks(&on.unit, first_id));
        assert_int_equal(unit_translate(&on.unit, first_id, AT, true, NULL), MODEL_DMA_REFUSED);
        assert_int_equal(unit_translate(&on.unit, first_id, memory, true, NULL), MODEL_DMA_REFUSED);
        assert_int_equal(on.iommu.tokens[0].mapped, 0);
    }
}

static void identity_maps(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    iommu_ref_t token;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), buddy = make(IOMMU_TRANSLATE, 32);
    iommu_ref_t pass = make(IOMMU_PASS_THROUGH, 0), unmanaged = make(IOMMU_UNMANAGED, 0);
    uint64_t memory = own_pages(OWNER_ONE, 8), foreign = own_pages(OWNER_TWO, 1);
    const uint64_t frame = memory >> 12;
    const uint64_t list[] = {frame, frame + 1, frame + 5, frame + 3};
    const uint64_t more[] = {frame + 2, frame + 2, frame + 6, frame + 5};
    const uint64_t twice[] = {frame + 5, frame + 3, frame + 5, frame, frame, frame + 1};
    const struct iommu_memory scattered = {.frames = list, .length = 4 * PAGE};
    const struct iommu_memory overlapping = {.frames = more, .length = 4 * PAGE};
    const struct iommu_memory doubled = {.frames = more, .length = 2 * PAGE};
    const struct iommu_memory repeated = {.frames = twice, .length = 6 * PAGE};
    const struct iommu_memory range = {.physical = memory + 6 * PAGE, .length = 2 * PAGE};
    const struct iommu_memory bad[] = {{.physical = REGION_BASE, .length = PAGE},
                                       {.physical = 0xFEE00000, .length = PAGE},
                                       {.physical = UINT64_C(1) << 48, .length = PAGE}};
    const struct iommu_memory theirs = {.physical = foreign, .length = PAGE};
#define MAP(domain, memory)                                                                        \
    iommu_map_identity(&on.iommu, OWNER_ONE, domain, &(memory), PT_READ_WRITE)
#define UNMAP(domain, memory) iommu_unmap_identity(&on.iommu, OWNER_ONE, domain, &(memory))

    assert_int_equal(MAP(0, range), IOMMU_BAD_HANDLE);
    assert_int_equal(MAP(unmanaged, range), IOMMU_BAD_TYPE);
    assert_int_equal(UNMAP(unmanaged, range), IOMMU_BAD_TYPE);
    assert_int_equal(MAP(buddy, range), IOMMU_NO_CHOICE);
    assert_int_equal(UNMAP(buddy, range), IOMMU_NO_CHOICE);
    assert_int_equal(MAP(pass, range), IOMMU_OK);
    assert_int_equal(UNMAP(pass, range), IOMMU_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(MAP(domain, bad[i]), IOMMU_BAD_RANGE);
        assert_int_equal(MAP(pass, bad[i]), IOMMU_BAD_RANGE);
        assert_int_equal(UNMAP(domain, bad[i]), IOMMU_NOT_MAPPED);
    }
    assert_int_equal(MAP(domain, theirs), IOMMU_NOT_OWNED);
    (void)attached(FIRST, domain);
    assert_int_equal(MAP(domain, scattered), IOMMU_OK);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(reaches(first_id, memory + i * PAGE, true),
                         i == 0 || i == 1 || i == 3 || i == 5);
    assert_int_equal(MAP(domain, overlapping), IOMMU_OVERLAP);
    assert_int_equal(MAP(domain, doubled), IOMMU_OVERLAP);
    assert_false(reaches(first_id, memory + 2 * PAGE, true));
    assert_false(reaches(first_id, memory + 6 * PAGE, true));
    assert_int_equal(MAP(domain, range), IOMMU_OK);
    assert_int_equal(UNMAP(domain, overlapping), IOMMU_NOT_MAPPED);
    assert_true(reaches(first_id, memory + 6 * PAGE, true));
    assert_int_equal(UNMAP(domain, repeated), IOMMU_OK);
    for (unsigned i = 0; i < 6; i++)
        assert_false(reaches(first_id, memory + i * PAGE, true));
    assert_int_equal(UNMAP(domain, range), IOMMU_OK);
    assert_false(reaches(first_id, memory + 6 * PAGE, true));
    assert_int_equal(reserve_at(domain, memory + PAGE, PAGE, &token), IOMMU_OK);
    assert_int_equal(MAP(domain, scattered), IOMMU_OVERLAP);
    assert_false(reaches(first_id, memory, true));
    assert_int_equal(map_in(token, 0, memory + PAGE, PAGE), IOMMU_OK);
    assert_int_equal(UNMAP(domain, scattered), IOMMU_NOT_MAPPED);
    assert_true(reaches(first_id, memory + PAGE, true));
    no_violation();
}

/* A list of 40 scattered pages in 40 tables, with the pool empty after each number of pages. */
static void identity_without_memory_changes_nothing(void **state)
{
    enum { RUNS = 12 };
    unsigned failures = 0;

    (void)state;
    for (unsigned left = 0; left < 2 * RUNS; left++) {
        uint64_t list[RUNS];
        start(&OPTIONS_DEFAULT);
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
        (void)attached(FIRST, domain);
        uint64_t memory = own_pages(OWNER_ONE, 8192);
        for (unsigned i = 0; i < RUNS; i++)
            list[i] = (memory >> 12) + i * 513;
        const struct iommu_memory scattered = {.frames = list, .length = RUNS * PAGE};
        size_t used = tables_in_use(), free = drain_pool();
        on.iommu.pool.reserved -= left;
        model_fail_allocation(1);
        enum iommu_status status =
            iommu_map_identity(&on.iommu, OWNER_ONE, domain, &scattered, PT_READ_WRITE);
        for (unsigned i = 0; i < RUNS; i++)
            assert_int_equal(reaches(first_id, list[i] << 12, true), status == IOMMU_OK);
        if (status == IOMMU_OK)
            assert_int_equal(iommu_unmap_identity(&on.iommu, OWNER_ONE, domain, &scattered),
                             IOMMU_OK);
        else
            assert_int_equal(status, IOMMU_NO_MEMORY);
        failures += status != IOMMU_OK;
        assert_int_equal(tables_in_use(), used);
        put_back(free - left);
        no_violation();
    }
    assert_in_range(failures, RUNS, 2 * RUNS - 1);
}

/* Another context frees the token inside the unit's wait, or maps in it. */
static struct {
    iommu_ref_t token;
    uint64_t memory;
    enum iommu_status status;
    bool armed, maps;
} meanwhile;

static void intrude(void *context)
{
    (void)context;
    if (!meanwhile.armed)
        return;
    meanwhile.armed = false;
    meanwhile.status = meanwhile.maps ? map_in(meanwhile.token, 0, meanwhile.memory, PAGE)
                                      : free_token(meanwhile.token);
}

static void freeing_never_races_with_mapping(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    unit_set_caching(&options.unit, true);
    start(&options);
    assert_true(model_on_tick(intrude, NULL));
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain);
    meanwhile.memory = own_pages(OWNER_ONE, 1);
    assert_int_equal(reserve_at(domain, AT, PAGE, &meanwhile.token), IOMMU_OK);
    unit_set_delay(&on.unit.broken, 4);
    meanwhile.armed = true;
    meanwhile.maps = false;
    assert_int_equal(map_in(meanwhile.token, 0, meanwhile.memory, PAGE), IOMMU_OK);
    assert_false(meanwhile.armed);
    assert_int_equal(meanwhile.status, IOMMU_IN_USE);
    meanwhile.armed = true;
    assert_int_equal(unmap_in(meanwhile.token, 0, PAGE), IOMMU_OK);
    assert_int_equal(meanwhile.status, IOMMU_IN_USE);
    meanwhile.armed = meanwhile.maps = true;
    assert_int_equal(free_token(meanwhile.token), IOMMU_OK);
    assert_false(meanwhile.armed);
    assert_int_equal(meanwhile.status, IOMMU_DYING);
    assert_false(reaches(first_id, AT, true));
    assert_int_equal(map_in(meanwhile.token, 0, meanwhile.memory, PAGE), IOMMU_BAD_HANDLE);
    no_violation();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_life_on_every_kind_of_unit),
        cmocka_unit_test(arguments_are_refused),
        cmocka_unit_test(ownership_comes_before_overlap),
        cmocka_unit_test(a_refused_reservation_keeps_no_memory),
        cmocka_unit_test(no_memory_is_tried_for_the_absurd),
        cmocka_unit_test(an_allocator_reserves_too),
        cmocka_unit_test(mapping_in_a_token_needs_no_memory),
        cmocka_unit_test(reserving_without_memory_changes_nothing),
        cmocka_unit_test(tokens_run_out_and_come_round),
        cmocka_unit_test(a_failed_wait_gives_no_access),
        cmocka_unit_test(a_map_whose_wait_fails_is_taken_back),
        cmocka_unit_test(identity_maps),
        cmocka_unit_test(identity_without_memory_changes_nothing),
        cmocka_unit_test(freeing_never_races_with_mapping),
    };

    return cmocka_run_group_tests_name("reserve", tests, NULL, NULL);
}
