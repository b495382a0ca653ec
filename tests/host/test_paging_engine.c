/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/*
 * What the page-table engine keeps for itself, checked after every step for every configuration:
 * live counts, pages set aside, the table that was used last, reservations, and that memory holds
 * what the processor stored.
 */

#include "paging_fixture.h"

#include "drivers/iommu/paging/level.h"
#include "drivers/iommu/paging/pool.h"

#define ADDRESS UINT64_C(0x000FFFFFFFFFF000)

/* ---- The judge of the engine's own state ---- */

static struct {
    size_t tables, aside;
    bool cached; /* the table that was used last is linked, where its key says */
} seen;

static bool refers_to_table(uint64_t word, unsigned level)
{
    unsigned next = word >> 9 & 7;

    if (config->kind == REFERENCE_AMD_V1) {
        return next != 0 && next < level;
    }
    return level > 1 && (word & 0x80) == 0;
}

static size_t aside_for(unsigned level)
{
    return level == 3 ? 513 : level == 2 ? 1 : 0;
}

static void check_table(uint64_t physical, unsigned level, uint64_t address)
{
    const uint64_t *words = model_ram(physical, PT_PAGE_SIZE);
    const struct pt_page *page = pt_page_of(physical);
    unsigned live = 0;
    uint64_t memory;

    seen.tables++;
    for (uint64_t i = 0; i < PT_ENTRIES; i++) {
        uint64_t at = address | i << level_shift(level), word = words[i];
        assert_true(model_hw_read64(physical + 8 * i, config->coherent, &memory));
        expect(memory == word, at >> PT_PAGE_SHIFT);
        if (word == 0) {
            continue;
        }
        live++;
        if (refers_to_table(word, level)) {
            check_table(word & ADDRESS, level - 1, at);
        } else {
            seen.aside += aside_for(level);
        }
    }
    expect(page->live == live, address >> PT_PAGE_SHIFT);
    expect(live != 0 || page->pins != 0 || physical == table.root, address >> PT_PAGE_SHIFT);
    if (level == 1 && table.leaf.page == page && table.leaf.key == address >> PT_LEAF_SHIFT) {
        expect(table.leaf.entries == table_at(physical), address >> PT_PAGE_SHIFT);
        seen.cached = true;
    }
}

static void check(void)
{
    memset(&seen, 0, sizeof(seen));
    check_table(table.root, config->levels, 0);
    expect(pool.reserved == seen.aside, 0);
    expect(pool.reserved <= pool.available, 0);
    expect(seen.cached || table.leaf.key == PT_NO_LEAF, 0);
    if (gather.tables == 0 && pool.chunks == chunks_before) {
        expect(pool.available + seen.tables == pages_before, 0);
    }
}

/* ---- Operations, each followed by the judge ---- */

static enum pt_status map(uint64_t first, uint64_t physical, uint64_t pages)
{
    enum pt_status status = do_map(first, physical, pages, PT_READ);

    /* In a reserved range leaves are small: they are not judged by their size. */
    for (unsigned i = 0; i < mapping_count; i++) {
        mappings[i].whole = false;
    }
    check();
    judge_range(first, pages);
    return status;
}

static enum pt_status unmap(uint64_t first, uint64_t pages)
{
    enum pt_status status = do_unmap(first, pages);

    check();
    judge_range(first, pages);
    return status;
}

static enum pt_status reserve(uint64_t first, uint64_t pages)
{
    enum pt_status status = pt_reserve(&table, first << PT_PAGE_SHIFT, pages << PT_PAGE_SHIFT);

    check();
    judge_range(first, pages);
    return status;
}

static enum pt_status unreserve(uint64_t first, uint64_t pages)
{
    struct pt_gather before = gather;
    enum pt_status status =
        pt_unreserve(&table, first << PT_PAGE_SHIFT, pages << PT_PAGE_SHIFT, &gather);

    check();
    judge_range(first, pages);
    if (status != PT_OK) {
        assert_memory_equal(&gather, &before, sizeof(before));
    }
    return status;
}

static void release(void)
{
    do_release();
    check();
}

/* No memory but `pages` of the pool. */
static void leave(size_t pages)
{
    for (uint64_t at = 0; at < MODEL_RAM_SIZE; at += FRAME_SIZE) {
        (void)!memory_withhold(MODEL_RAM_BASE + at, MODEL_RAM_BASE + at);
    }
    drain(pages);
}

/* Runs a test in every configuration whose address space has three level 1 tables. */
static void everywhere(void (*test)(void))
{
    for (unsigned i = 0; i < config_count; i++) {
        if (configs[i].levels < 2) {
            continue;
        }
        random_state = seed * 17 + i;
        start(&configs[i], pool_pages(&configs[i]));
        test();
        finish();
        assert_int_equal(table.leaf.key, PT_NO_LEAF);
    }
}

/* ---- Reservations ---- */

static void use_a_reserved_range(void)
{
    const uint64_t first = PAGES_2M - 12, pages = PAGES_2M + 24;

    assert_int_equal(reserve(first, pages), PT_OK);
    const size_t tables = seen.tables;
    assert_int_equal(tables, config->levels - 1 + 3);
    leave(0);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(map(3 * PAGES_2M, 1, 1), PT_NO_MEMORY);
        assert_int_equal(map(first, PAGES_1G + first, pages), PT_OK);
        assert_int_equal(unmap(first + round, pages - 2 * round), PT_OK);
        for (uint64_t n = 0; n < round; n++) {
            assert_int_equal(unmap(first + n, 1), PT_OK);
            assert_int_equal(unmap(first + pages - 1 - n, 1), PT_OK);
        }
        assert_int_equal(seen.tables, tables);
        assert_int_equal(gather.tables, 0);
        assert_int_equal(map(PAGES_2M, PAGES_1G, PAGES_2M), PT_OK);
        assert_int_equal(unmap(PAGES_2M, PAGES_2M), PT_OK);
        assert_int_equal(map(first, 1, 1), PT_OK);
        assert_int_equal(map(first + 1, 5, 1), PT_OK);
        assert_int_equal(map(first + pages - 1, 1, 1), PT_OK);
        assert_int_equal(unmap(first, 2), PT_OK);
        assert_int_equal(unmap(first + pages - 1, 1), PT_OK);
        assert_int_equal(seen.tables, tables);
    }
    assert_int_equal(unreserve(first, pages), PT_OK);
    release();
    assert_int_equal(seen.tables, 1);
}

static void overlap_reservations(void)
{
    const uint64_t two = 2 * PAGES_2M;

    assert_int_equal(unreserve(0, two), PT_NOT_LIVE);
    assert_int_equal(reserve(0, two), PT_OK);
    assert_int_equal(reserve(PAGES_2M, two), PT_OK);
    const size_t tables = seen.tables;
    assert_int_equal(unreserve(two, two), PT_NOT_LIVE);
    assert_int_equal(unreserve(0, two), PT_OK);
    release();
    assert_int_equal(seen.tables, tables - 1);
    assert_int_equal(unreserve(0, two), PT_NOT_LIVE);
    assert_int_equal(seen.tables, tables - 1);
    assert_int_equal(map(PAGES_2M + 7, 3, 1), PT_OK);
    assert_int_equal(unreserve(PAGES_2M, two), PT_OK);
    release();
    assert_int_equal(seen.tables, tables - 2);
    assert_int_equal(unmap(PAGES_2M + 7, 1), PT_OK);
    release();
    assert_int_equal(seen.tables, 1);
}

static void reserve_what_is_live(void)
{
    assert_int_equal(map(0, PAGES_1G, 2 * PAGES_2M), PT_OK);
    const size_t tables = seen.tables, aside = pool.reserved;
    leave(0);
    assert_int_equal(reserve(PAGES_2M - 1, 1), PT_OK);
    assert_int_equal(seen.tables, tables + (aside != 0));
    assert_int_equal(pool.reserved, aside - (aside != 0));
    judge_range(0, 2 * PAGES_2M);
    assert_int_equal(unmap(0, 2 * PAGES_2M), PT_OK);
    release();
    assert_int_equal(seen.tables, config->levels);
    assert_int_equal(map(0, PAGES_1G, PAGES_2M), PT_OK);
    assert_int_equal(pool.reserved, 0);
    assert_int_equal(unreserve(PAGES_2M - 1, 1), PT_OK);
    assert_int_equal(unmap(0, PAGES_2M), PT_OK);
    release();
    assert_int_equal(seen.tables, 1);
}

/* A leaf of several entries is loosened before one of them is split: all others stay what they
 * were, behind the reservation too. */
static void reserve_within_a_group(void)
{
    assert_int_equal(map(0, PAGES_1G, 16 * PAGES_2M), PT_OK);
    assert_int_equal(reserve(5 * PAGES_2M + 1, 1), PT_OK);
    judge_range(0, 16 * PAGES_2M);
    assert_int_equal(unmap(0, 16 * PAGES_2M), PT_OK);
    release();
    assert_int_equal(unreserve(5 * PAGES_2M + 1, 1), PT_OK);
    release();
    assert_int_equal(seen.tables, 1);
}

static void fail_for_memory(void)
{
    const uint64_t first = PAGES_2M - 1, pages = PAGES_2M + 2;
    const size_t needed = config->levels + 1u;

    leave(needed);
    for (size_t left = 0; left <= needed; left++) {
        const size_t hidden = needed - left;
        const struct pt_pool before = pool;
        pool.reserved += hidden;
        enum pt_status status = pt_reserve(&table, first << PT_PAGE_SHIFT, pages << PT_PAGE_SHIFT);
        pool.reserved -= hidden;
        assert_int_equal(status, left == needed ? PT_OK : PT_NO_MEMORY);
        check();
        if (status != PT_OK) {
            assert_memory_equal(&pool, &before, sizeof(before));
            assert_int_equal(seen.tables, 1);
        }
    }
    assert_int_equal(unreserve(first, pages), PT_OK);
    release();
    /* Skewed, so that the leaves are small: as many tables. */
    for (size_t left = 0; left <= needed; left++) {
        const size_t hidden = needed - left;
        pool.reserved += hidden;
        enum pt_status status = do_map(first, PAGES_1G, pages, PT_READ);
        pool.reserved -= hidden;
        assert_int_equal(status, left == needed ? PT_OK : PT_NO_MEMORY);
        check();
        assert_int_equal(seen.tables, left == needed ? needed + 1 : 1);
    }
    assert_int_equal(unmap(first, pages), PT_OK);
    release();
}

static void bad_reservations(void)
{
    const uint64_t p = PT_PAGE_SIZE, limit = UINT64_C(1) << config->width;
    const uint64_t ranges[][2] = {{0, 0},     {1, p},  {0, p + 1},         {-p, 2 * p},
                                  {limit, p}, {p, -p}, {limit - p, 2 * p}, {-p, p}};

    for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        assert_int_equal(pt_reserve(&table, ranges[i][0], ranges[i][1]), PT_BAD_RANGE);
        assert_int_equal(pt_unreserve(&table, ranges[i][0], ranges[i][1], &gather), PT_BAD_RANGE);
        check();
        assert_int_equal(seen.tables, 1);
    }
    assert_int_equal(gather.tables, 0);
}

/* ---- The table that was used last ---- */

/* Unlinks it in one of several ways, and maps again with the same pages in other places. */
static void unlink_the_last_table(void)
{
    for (unsigned way = 0; way < 5; way++) {
        const bool reserved = way == 4, full = way == 1 || way == 3;
        const uint64_t first = PAGES_2M + (full ? 0 : 9), pages = full ? PAGES_2M : 2;

        if (reserved) {
            assert_int_equal(reserve(first, pages), PT_OK);
        }
        assert_int_equal(map(first, PAGES_1G + 1, pages - 1), PT_OK);
        assert_int_equal(map(first + pages - 1, 3, 1), PT_OK);
        assert_true(seen.cached);
        if (way == 0) { /* page by page */
            assert_int_equal(unmap(first, 1), PT_OK);
            assert_int_equal(unmap(first + 1, 1), PT_OK);
        } else if (way == 3) { /* as part of more; the call finds a higher table */
            assert_int_equal(map(first - 1, 1, 1), PT_OK);
            assert_int_equal(map(first + pages, 1, 1), PT_OK);
            assert_int_equal(unmap(first, 1), PT_OK);
            assert_int_equal(map(first, 1, 1), PT_OK);
            assert_true(seen.cached);
            assert_int_equal(unmap(first - 1, pages + 2), PT_OK);
        } else {
            assert_int_equal(unmap(first, pages), PT_OK);
        }
        if (reserved) {
            assert_true(seen.cached);
            assert_int_equal(unreserve(first, pages), PT_OK);
        }
        assert_int_equal(table.leaf.key, PT_NO_LEAF);
        release();
        assert_int_equal(map(5 * PAGES_2M, 7, 3), PT_OK);
        assert_int_equal(map(first, 9, 1), PT_OK);
        assert_int_equal(unmap(first, 1), PT_OK);
        assert_int_equal(unmap(5 * PAGES_2M, 3), PT_OK);
        release();
    }
    /* `finish` destroys the table with the last one in use. */
    assert_int_equal(map(1, 1, 1), PT_OK);
    assert_int_equal(map(2, 1, 1), PT_OK);
    assert_true(seen.cached);
}

/* ---- The short paths refuse what the long one does ---- */

static void bad_pages_beside_a_good_one(void)
{
    const uint64_t p = PT_PAGE_SIZE, outputs = UINT64_C(1) << config->physical_width;
    const struct {
        uint64_t address, physical;
        enum pt_permission permission;
        enum pt_status status;
    } bad[] = {
        {8 * p + 8, 0, PT_READ, PT_BAD_RANGE},
        {8 * p, 0x800, PT_READ, PT_BAD_RANGE},
        {8 * p, outputs, PT_READ, PT_NOT_ENCODABLE},
        {8 * p, UINT64_C(1) << 52, PT_READ, PT_NOT_ENCODABLE},
        {8 * p, -p, PT_READ, PT_NOT_ENCODABLE},
        {8 * p, 0, (enum pt_permission)4, PT_NOT_ENCODABLE},
        {8 * p, WINDOW_FIRST * p, PT_READ, PT_NOT_ENCODABLE},
        {8 * p, WINDOW_LAST * p, PT_READ, PT_NOT_ENCODABLE},
        {7 * p, 0, PT_READ, PT_LIVE},
    };

    for (unsigned near = 0; near < 2; near++) {
        for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
            if (near == 0) {
                /* Another table was used last. */
                assert_int_equal(map(PAGES_2M, 1, 1), PT_OK);
            }
            if (find(7) == NULL) {
                assert_int_equal(map(6, 1, 2), PT_OK);
            }
            if (near == 0) {
                assert_int_equal(unmap(PAGES_2M, 1), PT_OK);
            }
            assert_int_equal(pt_map(&table, bad[i].address, bad[i].physical, p, bad[i].permission),
                             bad[i].status);
            check();
            assert_int_equal(unmap(8, 1), PT_NOT_LIVE);
            assert_int_equal(pt_unmap(&table, 7 * p + 8, p, &gather), PT_BAD_RANGE);
            check();
            release();
        }
    }
    assert_int_equal(map(8, WINDOW_FIRST - 1, 1), PT_OK);
    assert_int_equal(map(9, WINDOW_LAST + 1, 1), PT_OK);
    assert_int_equal(map(10, (outputs >> PT_PAGE_SHIFT) - 1, 1), PT_OK);
}

/* A range of a superpage's length that begins within one. */
static void straddle_superpages(void)
{
    for (uint64_t size = PAGES_2M;
         size <= PAGES_1G && leaf_exists(config, size == PAGES_1G ? 18 : 9); size *= PT_ENTRIES) {
        if (config->levels == 2 && size == PAGES_1G) {
            break;
        }
        assert_int_equal(map(0, 4 * PAGES_1G, size), PT_OK);
        assert_int_equal(unmap(5, size), PT_NOT_LIVE);
        assert_int_equal(map(size, 5 * PAGES_1G, size), PT_OK);
        assert_int_equal(map(2 * size, 6 * PAGES_1G, size), PT_OK);
        assert_int_equal(unmap(size, size), PT_OK);
        assert_int_equal(map(size, 5 * PAGES_1G, size), PT_OK);
        assert_int_equal(unmap(size - 5, size), PT_OK);
        assert_int_equal(unmap(0, size - 5), PT_OK);
        assert_int_equal(unmap(2 * size - 5, size + 5), PT_OK);
        release();
        assert_int_equal(seen.tables, 1);
    }
}

/* ---- What a count tells, and what it does not ---- */

/* A table emptied page by page is clean; a full one is unlinked as it is. */
static void empty_and_full_tables(void)
{
    assert_int_equal(map(5, 1, 2), PT_OK);
    assert_int_equal(unmap(5, 1), PT_OK);
    assert_int_equal(unmap(6, 1), PT_OK);
    release();
    assert_int_equal(pool.dirty, 0);
    assert_int_equal(map(0, 1, PAGES_2M), PT_OK);
    struct pt_walk walk;
    pt_walk(&table, 0, &walk);
    const uint64_t *leaves = table_at(walk.entries[walk.count - 2] & ADDRESS);
    assert_int_equal(unmap(0, PAGES_2M), PT_OK);
    assert_int_not_equal(leaves[0], 0);
    assert_int_not_equal(leaves[PT_ENTRIES - 1], 0);
    release();
    assert_int_not_equal(pool.dirty, 0);
}

/* A table of 512 tables is full, and what it maps has holes. */
static void holes_below_a_full_table(void)
{
    const uint64_t p = PT_PAGE_SIZE;

    if (config->levels < 3) {
        return;
    }
    for (uint64_t n = 0; n <= PT_ENTRIES; n++) {
        assert_int_equal(pt_map(&table, n * PAGES_2M * p, p, p, PT_READ), PT_OK);
    }
    check();
    assert_int_equal(pt_unmap(&table, 0, (PAGES_1G + 1) * p, &gather), PT_NOT_LIVE);
    check();
    for (uint64_t n = 0; n <= PT_ENTRIES; n++) {
        assert_int_equal(pt_unmap(&table, n * PAGES_2M * p, p, &gather), PT_OK);
    }
    release();
    assert_int_equal(seen.tables, 1);
}

/* ---- Anything, with the judge after each step ---- */

static void any_sequence(void)
{
    for (unsigned n = 0; n < 150; n++) {
        random_operation();
        check();
    }
}

#define EVERYWHERE(name, test)                                                                     \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        everywhere(test);                                                                          \
    }

EVERYWHERE(a_reserved_range_needs_no_memory, use_a_reserved_range)
EVERYWHERE(reservations_are_counted, overlap_reservations)
EVERYWHERE(a_reservation_splits_what_is_live, reserve_what_is_live)
EVERYWHERE(a_reservation_splits_one_entry_of_a_group, reserve_within_a_group)
EVERYWHERE(failures_for_memory_change_nothing, fail_for_memory)
EVERYWHERE(bad_reservations_are_refused, bad_reservations)
EVERYWHERE(an_unlinked_table_is_forgotten, unlink_the_last_table)
EVERYWHERE(short_paths_refuse_what_the_long_one_does, bad_pages_beside_a_good_one)
EVERYWHERE(a_straddling_range_is_no_superpage, straddle_superpages)
EVERYWHERE(full_tables_are_unlinked_and_empty_ones_clean, empty_and_full_tables)
EVERYWHERE(a_full_table_may_have_holes, holes_below_a_full_table)
EVERYWHERE(any_sequence_keeps_the_books, any_sequence)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reserved_range_needs_no_memory),
        cmocka_unit_test(reservations_are_counted),
        cmocka_unit_test(a_reservation_splits_what_is_live),
        cmocka_unit_test(a_reservation_splits_one_entry_of_a_group),
        cmocka_unit_test(failures_for_memory_change_nothing),
        cmocka_unit_test(bad_reservations_are_refused),
        cmocka_unit_test(an_unlinked_table_is_forgotten),
        cmocka_unit_test(short_paths_refuse_what_the_long_one_does),
        cmocka_unit_test(a_straddling_range_is_no_superpage),
        cmocka_unit_test(full_tables_are_unlinked_and_empty_ones_clean),
        cmocka_unit_test(a_full_table_may_have_holes),
        cmocka_unit_test(any_sequence_keeps_the_books),
    };

    set_up_paging();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
