/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/*
 * Page tables at their limits, for every format, depth and set of page sizes: bad input, no memory,
 * the boundaries of the levels, and write-back by lines. Each failure has one defined status and
 * changes nothing.
 */

#include "paging_fixture.h"

/* ---- Boundaries ---- */

static void boundary(uint64_t at, uint64_t skew)
{
    static const uint64_t lengths[] = {1, 2, PAGES_2M - 1, PAGES_2M, PAGES_2M + 1, 2 * PAGES_2M};

    for (unsigned i = 0; i < 5 * sizeof(lengths) / sizeof(*lengths); i++) {
        uint64_t first = at + i % 5 - 2, pages = lengths[i / 5];
        if (do_map(first, PAGES_1G + skew + (first & (PAGES_1G - 1)), pages, PT_READ_WRITE) !=
            PT_OK) {
            continue;
        }
        judge_all();
        judge_range(first, pages);
        assert_int_equal(do_map(first + pages - 1, 0, 2, PT_READ),
                         fits(first, pages + 1) ? PT_LIVE : PT_BAD_RANGE);
        if (pages > 2) {
            assert_int_equal(do_unmap(first + pages / 2, 1), PT_OK);
            judge_range(first + pages / 2, 1);
            assert_int_equal(do_unmap(first + pages / 2 + 1, pages - pages / 2 - 1), PT_OK);
            pages /= 2;
        }
        judge_all();
        assert_int_equal(do_unmap(first, pages), PT_OK);
        do_release();
        judge_all();
    }
}

static void every_boundary_of_every_level(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        start(&configs[i], 2000);
        for (unsigned level = 0; level <= config->levels; level++) {
            uint64_t at = level == 0               ? 2
                          : level < config->levels ? UINT64_C(1) << 9 * level
                                                   : UINT64_C(1) << (config->width - PT_PAGE_SHIFT);
            boundary(at, 0);
            boundary(at, 1);
        }
        finish();
    }
}

/* ---- Failures ---- */

static void expect_unchanged(uint64_t digest, const struct pt_pool *before, uint64_t first)
{
    judge_tree();
    expect(tree.digest == digest, first);
    expect(pool.reserved == before->reserved, first);
    expect(pool.chunks != before->chunks || pool.available == before->available, first);
}

/* Maps that need all kinds of tables with few pages left, each with every allocation failing. */
static void every_allocation_fails_in_turn(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        unsigned failures = 0;
        random_state = seed * 11 + i;
        start(&configs[i], 1);
        for (unsigned n = 0; n < 60; n++) {
            uint64_t first = random_page(), pages = random_pages(&first);
            uint64_t physical = random_physical(first, pages);
            drain(below(4));
            judge_tree();
            for (unsigned nth = 1; nth < 8; nth++) {
                uint64_t digest = tree.digest;
                struct pt_pool before = pool;
                model_fail_allocation(nth);
                enum pt_status status = do_map(first, physical, pages, PT_READ);
                model_fail_allocation(0);
                if (status != PT_NO_MEMORY) {
                    break;
                }
                failures++;
                expect_unchanged(digest, &before, first);
            }
            chunks_before = 0;
        }
        judge_all();
        assert_true(failures != 0 || config->levels < 3);
        finish();
    }
}

/* Without touching it: a frame that is in use stays as it is. */
static void take_all_memory(void)
{
    for (uint64_t at = 0; at < MODEL_RAM_SIZE; at += FRAME_SIZE) {
        (void)!memory_withhold(MODEL_RAM_BASE + at, MODEL_RAM_BASE + at);
    }
}

/* With no page left anywhere, a map fails and changes nothing, and a superpage still splits. */
static void unmap_needs_no_memory(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        uint64_t pages = leaf_exists(&configs[i], 18)  ? PAGES_1G
                         : leaf_exists(&configs[i], 9) ? 8 * PAGES_2M
                                                       : 8;
        random_state = seed * 13 + i;
        start(&configs[i], 1);
        assert_int_equal(do_map(0, PAGES_1G, pages, PT_READ_WRITE), PT_OK);
        take_all_memory();
        drain(0);
        judge_tree();
        const struct pt_pool before = pool;
        const uint64_t digest = tree.digest;
        if (fits(2 * pages + PAGES_2M, 1)) {
            assert_int_equal(do_map(2 * pages + PAGES_2M, 1, 1, PT_READ), PT_NO_MEMORY);
            expect_unchanged(digest, &before, 2 * pages);
        }
        for (uint64_t at = 0; at < pages; at += pages / 8) {
            assert_int_equal(do_unmap(at + below(pages / 8), 1), PT_OK);
            judge_tree();
        }
        finish();
    }
}

/* One 4 KiB page out of every 2 MiB of a 1 GiB page, with nothing but what was set aside. */
static void a_large_page_crumbles_without_memory(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        if (!leaf_exists(&configs[i], 18)) {
            continue;
        }
        start(&configs[i], 1);
        assert_int_equal(do_map(PAGES_1G, 5 * PAGES_1G, PAGES_1G, PT_READ), PT_OK);
        take_all_memory();
        for (uint64_t at = PAGES_1G; at < 2 * PAGES_1G; at += PAGES_2M) {
            assert_int_equal(pt_unmap(&table, at << PT_PAGE_SHIFT, PT_PAGE_SIZE, &gather), PT_OK);
        }
        assert_int_equal(pool.reserved, 0);
        finish();
    }
}

/* ---- Bad input ---- */

static void every_bad_input_has_its_status(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        start(&configs[i], 600);
        const uint64_t p = PT_PAGE_SIZE, limit = UINT64_C(1) << config->width;
        const uint64_t outputs = UINT64_C(1) << config->physical_width;
        assert_int_equal(do_map(16, PAGES_1G + 16, 16, PT_READ), PT_OK);
        judge_tree();
        const uint64_t digest = tree.digest;
        const struct pt_pool before = pool;
        struct pt_gather none = PT_GATHER_INIT;

        const struct {
            uint64_t address, physical, length;
            enum pt_permission permission;
            enum pt_status status;
        } maps[] = {
            {0, 0, 0, PT_READ, PT_BAD_RANGE},
            {1, 0, p, PT_READ, PT_BAD_RANGE},
            {0, 0x800, p, PT_READ, PT_BAD_RANGE},
            {0, 0, p + 1, PT_READ, PT_BAD_RANGE},
            {0, 0, p - 1, PT_READ, PT_BAD_RANGE},
            {-p, 0, p, PT_READ, PT_BAD_RANGE},
            {-p, 0, 2 * p, PT_READ, PT_BAD_RANGE},
            {p, 0, -p, PT_READ, PT_BAD_RANGE},
            {limit, 0, p, PT_READ, PT_BAD_RANGE},
            {limit - p, 0, 2 * p, PT_READ, PT_BAD_RANGE},
            {0, outputs, p, PT_READ, PT_NOT_ENCODABLE},
            {0, outputs - p, 2 * p, PT_READ, PT_NOT_ENCODABLE},
            {0, UINT64_C(1) << 52, p, PT_READ, PT_NOT_ENCODABLE},
            {0, -p, p, PT_READ, PT_NOT_ENCODABLE},
            {0, -p, 2 * p, PT_READ, PT_NOT_ENCODABLE},
            {0, 0, p, (enum pt_permission)4, PT_NOT_ENCODABLE},
            {15 * p, 0, 2 * p, PT_READ, PT_LIVE},
            {31 * p, 0, 2 * p, PT_READ, PT_LIVE},
            {20 * p, 0, p, PT_NONE, PT_LIVE},
            {16 * p, (PAGES_1G + 16) * p, 16 * p, PT_READ, PT_LIVE},
            {8 * p, 0, 64 * p, PT_READ, PT_LIVE},
        };
        const struct {
            uint64_t address, length;
            enum pt_status status;
        } unmaps[] = {
            {0, 0, PT_BAD_RANGE},          {16 * p, 0, PT_BAD_RANGE},
            {16 * p + 1, p, PT_BAD_RANGE}, {16 * p, p + 8, PT_BAD_RANGE},
            {-p, 2 * p, PT_BAD_RANGE},     {16 * p, -p, PT_BAD_RANGE},
            {limit, p, PT_BAD_RANGE},      {limit - p, 2 * p, PT_BAD_RANGE},
            {0, p, PT_NOT_LIVE},           {15 * p, 17 * p, PT_NOT_LIVE},
            {16 * p, 17 * p, PT_NOT_LIVE}, {limit - p, p, PT_NOT_LIVE},
        };
        for (unsigned n = 0; n < sizeof(maps) / sizeof(*maps); n++) {
            expect(pt_map(&table, maps[n].address, maps[n].physical, maps[n].length,
                          maps[n].permission) == maps[n].status,
                   n);
            expect_unchanged(digest, &before, n);
        }
        for (unsigned n = 0; n < sizeof(unmaps) / sizeof(*unmaps); n++) {
            expect(pt_unmap(&table, unmaps[n].address, unmaps[n].length, &gather) ==
                       unmaps[n].status,
                   n);
            expect(memcmp(&gather, &none, sizeof(gather)) == 0, n);
            expect_unchanged(digest, &before, n);
        }
        /* A part of what one call mapped is no error. */
        assert_int_equal(do_unmap(20, 4), PT_OK);
        judge_range(20, 4);
        finish();
    }
}

/* A leaf onto the interrupt window would turn a DMA write into an interrupt. */
static void no_leaf_reaches_the_interrupt_window(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        const uint64_t p = PT_PAGE_SIZE, first = WINDOW_FIRST * p, last = WINDOW_LAST * p;
        start(&configs[i], 600);
        assert_int_equal(pt_map(&table, 0, first, p, PT_READ), PT_NOT_ENCODABLE);
        assert_int_equal(pt_map(&table, 0, last, p, PT_WRITE), PT_NOT_ENCODABLE);
        assert_int_equal(pt_map(&table, 0, first - p, 2 * p, PT_READ), PT_NOT_ENCODABLE);
        assert_int_equal(pt_map(&table, 0, last, 2 * p, PT_READ), PT_NOT_ENCODABLE);
        assert_int_equal(pt_map(&table, 0, first - p, 0x102 * p, PT_READ), PT_NOT_ENCODABLE);
        judge_all();
        assert_int_equal(do_map(0, WINDOW_FIRST - 8, 8, PT_READ), PT_OK);
        assert_int_equal(do_map(8, WINDOW_LAST + 1, 8, PT_READ), PT_OK);
        judge_all();
        finish();
    }
}

/* Wider than the levels reach, of no page or of more bits than an entry has, without 4 KiB leaves.
 */
static void geometries_that_cannot_be_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        struct pt other;

        start(&configs[i], 600);
        struct pt_geometry odd[7];
        for (size_t n = 0; n < 7; n++)
            odd[n] = geometry;
        odd[0].width = (uint8_t)(12 + 9 * geometry.levels + 1);
        odd[1].width = 12;
        odd[2].width = 64;
        odd[3].physical_width = 12;
        odd[4].physical_width = 53;
        odd[5].leaf_levels = 0x0C;
        odd[6].leaf_levels = 0;
        for (size_t n = 0; n < 7; n++)
            expect(pt_create(&other, formats[config->kind], &odd[n], &pool) == PT_BAD_RANGE, n);
        expect(pool.available == pages_before - 1, i);
        finish();
    }
}

static void only_known_geometries_are_made(void **state)
{
    static const uint8_t least[] = {3, 4, 1}, most[] = {5, 5, 6};
    struct pt other;

    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        start(&configs[i], 600);
        for (uint8_t levels = 0; levels < 9; levels++) {
            struct pt_geometry odd = geometry;
            odd.levels = levels;
            odd.width = levels == 6 ? 63 : (uint8_t)(12 + 9 * levels);
            odd.leaf_levels = 2;
            bool known = levels >= least[config->kind] && levels <= most[config->kind];
            if (!known) {
                expect(pt_create(&other, formats[config->kind], &odd, &pool) == PT_BAD_RANGE,
                       levels);
                expect(pool.available == pages_before - 1, levels);
            }
        }
        struct pt_geometry gap = geometry; /* no leaves above a level that has none */
        gap.leaf_levels = 1u << 3 | 1u << 1;
        expect(pt_create(&other, formats[config->kind], &gap, &pool) == PT_OK, 0);
        expect(other.geometry.leaf_levels == 1u << 1, other.geometry.leaf_levels);
        take_all_memory();
        size_t made = 0;
        while (pt_create(&other, formats[config->kind], &geometry, &pool) == PT_OK &&
               made < 20000) {
            made++;
        }
        expect(pool.available == 0, made);
        expect(pt_create(&other, formats[config->kind], &geometry, &pool) == PT_NO_MEMORY, made);
        mapping_count = 0;
        judge_tree();
    }
}

/* ---- Write-back ---- */

static uint64_t lines_of(uint64_t first, uint64_t pages, bool map)
{
    uint64_t before = model_lines_written_back();

    assert_int_equal(
        map ? do_map(first, PAGES_1G + 1 + first, pages, PT_READ) : do_unmap(first, pages), PT_OK);
    return model_lines_written_back() - before;
}

static void each_line_is_written_back_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        const struct config *one = &configs[i];
        unsigned per = one->coherent ? 0 : 1;
        if (one->levels < 2) {
            continue;
        }
        start(one, 600);
        assert_int_equal(lines_of(511, 1, true) <= 64 * one->levels * per, true);
        assert_int_equal(lines_of(0, 1, true), per);
        assert_int_equal(lines_of(8, 256, true), 32 * per);
        assert_int_equal(lines_of(300, 9, true), 2 * per);
        assert_int_equal(lines_of(300, 9, false), 2 * per);
        assert_int_equal(lines_of(8, 256, false), 32 * per);
        /* A new table once, after it was filled, and the entry that refers to it. */
        if (one->levels > 2) {
            assert_true(lines_of(512, 512, true) <= 65 * per);
        }
        finish();
    }
}

/* ---- Zeroing ---- */

static uint64_t stores;

static void count_store(void *context, uint64_t physical, uint64_t value)
{
    (void)context, (void)physical, (void)value;
    stores++;
}

/* A pool of pages that hold anything. */
static void fill_pool_with_waste(void)
{
    void *chunk = memory_alloc(OWNER_IOMMU, PT_ENTRIES, 0);

    assert_non_null(chunk);
    memset(chunk, 0xA5, PT_ENTRIES * PT_PAGE_SIZE);
    pt_pool_init(&pool);
    pt_pool_add(&pool, memory_physical(chunk), true);
    pages_before = pool.available;
    chunks_before = pool.chunks;
}

/* What is filled is not zeroed first: each word of a new table is stored once. */
static void each_word_of_a_new_table_is_stored_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * config_count; i++) {
        const struct config *one = &configs[i / 2];
        const bool large = i % 2 != 0;
        if (one->levels < 2 || (large && !leaf_exists(one, 9))) {
            continue;
        }
        start(one, 0);
        fill_pool_with_waste();
        assert_int_equal(pt_create(&table, formats[one->kind], &geometry, &pool), PT_OK);
        stores = 0;
        model_on_store(count_store, NULL);
        if (large) {
            assert_int_equal(do_map(100, PAGES_1G + 100, 20 * PAGES_2M, PT_READ), PT_OK);
        } else {
            assert_int_equal(do_map(100, PAGES_1G + 1, 2000, PT_READ), PT_OK);
        }
        model_on_store(NULL, NULL);
        judge_all();
        const uint64_t *root = model_ram(table.root, PT_PAGE_SIZE);
        uint64_t expected = (tree.tables - 1) * PT_ENTRIES;
        for (unsigned n = 0; n < PT_ENTRIES; n++) {
            expected += root[n] != 0;
        }
        expect(stores == expected, stores);
        finish();
    }
}

/* ---- Reach ---- */

static void reaches_is_what_is_mapped(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        start(&configs[i], 600);
        const uint64_t p = PT_PAGE_SIZE, at = (PAGES_1G + 16) * p;
        assert_false(pt_reaches(&table, 0, UINT64_MAX));
        assert_int_equal(do_map(16, PAGES_1G + 16, 128, PT_READ), PT_OK);
        assert_true(pt_reaches(&table, 0, UINT64_MAX));
        assert_true(pt_reaches(&table, at, at));
        assert_true(pt_reaches(&table, at + 128 * p - 1, at + 128 * p - 1));
        assert_true(pt_reaches(&table, at - p, at));
        assert_false(pt_reaches(&table, 0, at - 1));
        assert_false(pt_reaches(&table, at + 128 * p, UINT64_MAX));
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_input_has_its_status),
        cmocka_unit_test(no_leaf_reaches_the_interrupt_window),
        cmocka_unit_test(geometries_that_cannot_be_are_refused),
        cmocka_unit_test(only_known_geometries_are_made),
        cmocka_unit_test(every_boundary_of_every_level),
        cmocka_unit_test(every_allocation_fails_in_turn),
        cmocka_unit_test(unmap_needs_no_memory),
        cmocka_unit_test(a_large_page_crumbles_without_memory),
        cmocka_unit_test(each_line_is_written_back_once),
        cmocka_unit_test(each_word_of_a_new_table_is_stored_once),
        cmocka_unit_test(reaches_is_what_is_mapped),
    };

    set_up_paging();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
