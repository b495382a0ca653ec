/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A queue of commands without its unit, pages for tables without a table, and what tables there
 * are. */
#include "tests/host/iommu_fixture.h"

#include "drivers/iommu/core/queue.h"
#include "drivers/iommu/core/state.h"
#include "drivers/iommu/paging/inspect.h"
#include "drivers/iommu/paging/pool.h"

#include <stdio.h>

static void a_queue_is_two_pages(void **state)
{
    struct iommu_queue queue;

    (void)state;
    model_reset();
    as(OWNER_IMAGE);
    size_t before = model_frames_owned(OWNER_IOMMU);
    assert_true(iommu_queue_create(&queue));
    assert_int_equal(model_frames_owned(OWNER_IOMMU), before + 2);
    assert_true(queue.status_physical == memory_physical(queue.status));
    assert_int_equal(queue.tail, 0);
    for (unsigned fail = 1; fail <= 2; fail++) {
        model_fail_allocation(fail);
        assert_false(iommu_queue_create(&queue));
    }
}

static void a_held_queue_has_one_holder(void **state)
{
    struct iommu_queue queue;

    (void)state;
    model_reset();
    as(OWNER_IMAGE);
    assert_true(iommu_queue_create(&queue));
    assert_true(iommu_queue_begin(&queue));
    lock_give(&queue.lock);
    assert_true(iommu_queue_hold(&queue));
    assert_false(iommu_queue_hold(&queue) || iommu_queue_begin(&queue) || iommu_queue_try(&queue));
    iommu_queue_set_state(&queue, IOMMU_QUEUE_OPEN);
    assert_true(iommu_queue_try(&queue));
    lock_give(&queue.lock);
    iommu_queue_set_state(&queue, IOMMU_QUEUE_DEAD);
    assert_false(iommu_queue_hold(&queue) || iommu_queue_begin(&queue) || iommu_queue_try(&queue));
}

/* Numbers wrap. */
static void a_batch_counts_as_done_from_its_number_on(void **state)
{
    uint32_t status = 0;
    struct iommu_queue queue = {.status = &status};

    (void)state;
    for (uint32_t number = UINT32_MAX - 2; number != 3; number++) {
        status = number;
        assert_true(iommu_queue_is_done(&queue, number));
        assert_true(iommu_queue_is_done(&queue, number - 1));
        assert_true(iommu_queue_is_done(&queue, number - 256));
        assert_false(iommu_queue_is_done(&queue, number + 1));
        assert_false(iommu_queue_is_done(&queue, number + 256));
    }
}

/* 52 address bits are 40 of page numbers. */
static void a_list_of_pages_takes_any_address(void **state)
{
    const uint64_t top = (UINT64_C(1) << 52) - PAGE_SIZE;
    struct pt_page page = {0};
    uint64_t list = top;

    (void)state;
    pt_push(&list, 0x5000, &page);
    assert_true(list == 0x5000);
    assert_int_equal(page.next_low, UINT32_MAX);
    assert_int_equal(page.next_high, 0xFF);
    list = UINT64_C(0xA5) << 44 | UINT64_C(0x12345678) << 12;
    pt_push(&list, top, &page);
    assert_true(list == top);
    assert_int_equal(page.next_low, 0x12345678);
    assert_int_equal(page.next_high, 0xA5);
}

/* ---- Pages for tables ---- */

enum { CHUNK = PT_CHUNK_PAGES - 1 }; /* pages that a chunk is good for */

static void a_pool_grows_by_what_it_lacks(void **state)
{
    static const struct {
        size_t pages, chunks; /* that there are then */
    } steps[] = {{1, 1}, {CHUNK, 1}, {CHUNK + 1, 2}, {2 * CHUNK, 2}, {3 * CHUNK + 1, 4}};
    struct pt_pool pool;

    (void)state;
    model_reset();
    as(OWNER_IMAGE);
    pt_pool_init(&pool);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_true(pt_pool_ensure(&pool, steps[i].pages));
        assert_int_equal(pool.chunks, steps[i].chunks);
        assert_int_equal(pool.available, steps[i].chunks * CHUNK);
    }
    pool.reserved = 4 * CHUNK - 3;
    assert_true(pt_pool_ensure(&pool, 3));
    assert_int_equal(pool.chunks, 4);
    model_fail_allocation(1);
    assert_false(pt_pool_ensure(&pool, 4));
    model_fail_allocation(0);
    assert_true(pt_pool_ensure(&pool, 4));
    assert_int_equal(pool.chunks, 5);
    uint64_t most = 5 * CHUNK + memory_free_frames();
    assert_true(pt_pool_may_hold(&pool, most));
    assert_false(pt_pool_may_hold(&pool, most + 1));
}

/* Zero but for what the taker fills; clean ones are kept for those who fill little. */
static void a_page_that_is_taken_is_zero(void **state)
{
    static const struct {
        unsigned first, last;
    } cases[] = {{1, 0}, {0, 0}, {511, 511}, {3, 500}, {0, 510}, {1, 511}, {0, 511}};
    struct pt_pool pool;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        model_reset();
        as(OWNER_IMAGE);
        pt_pool_init(&pool);
        void *chunk = memory_alloc(OWNER_IOMMU, PT_CHUNK_PAGES, 0);
        memset((char *)chunk + PT_PAGE_SIZE, 0xA5, CHUNK * PT_PAGE_SIZE);
        pt_pool_add(&pool, memory_physical(chunk), true);
        uint64_t page = pt_pool_take(&pool, cases[i].first, cases[i].last);
        const uint64_t *words = table_at(page);
        assert_true(page > memory_physical(chunk) && !(page & (PT_PAGE_SIZE - 1)));
        for (unsigned n = 0; n < PT_ENTRIES; n++)
            assert_true((n >= cases[i].first && n <= cases[i].last) || words[n] == 0);
        assert_int_equal(pool.available, CHUNK - 1);
        assert_true(pt_pool_grow(&pool, 1));
        uint64_t dirty = pool.dirty, clean = pool.clean;
        assert_true(pt_pool_take(&pool, 1, 0) == clean);
        assert_true(pt_pool_take(&pool, 0, 510) != dirty);
        assert_true(pt_pool_take(&pool, 0, 511) == dirty);
    }
}

static void tables_that_there_are(void **state)
{
    static const struct {
        const struct pt_format *format;
        uint8_t levels, width, physical_width, leaf_levels;
        uint8_t has_width, has_leaves; /* 0: there is none */
    } cases[] = {
        {&pt_format_amdv1, 6, 63, 52, 0x0E, 63, 0x0E},
        {&pt_format_amdv1, 6, 64, 52, 0x0E, 0, 0},
        {&pt_format_amdv1, 4, 48, 52, 0x0E, 48, 0x0E},
        {&pt_format_amdv1, 4, 49, 52, 0x0E, 0, 0},
        {&pt_format_amdv1, 4, 13, 13, 0x02, 13, 0x02},
        {&pt_format_amdv1, 4, 12, 13, 0x02, 0, 0},
        {&pt_format_amdv1, 4, 13, 12, 0x02, 0, 0},
        {&pt_format_amdv1, 4, 48, 53, 0x02, 0, 0},
        {&pt_format_amdv1, 7, 48, 52, 0x02, 0, 0},
        {&pt_format_vtdss, 4, 48, 46, 0x0A, 48, 0x02},
        {&pt_format_vtdss, 4, 48, 46, 0x0C, 0, 0},
        {&pt_format_vtdss, 4, 48, 46, 0xFE, 48, 0x0E},
        {&pt_format_vtdss, 3, 39, 46, 0xFE, 39, 0x0E},
        {&pt_format_vtdss, 2, 30, 46, 0x02, 0, 0},
        {&pt_format_vtdss, 6, 57, 46, 0x02, 0, 0},
        {&pt_format_x86_64, 4, 48, 46, 0x06, 47, 0x06},
        {&pt_format_x86_64, 4, 47, 46, 0x06, 47, 0x06},
        {&pt_format_x86_64, 5, 57, 46, 0x06, 56, 0x06},
        {&pt_format_x86_64, 3, 39, 46, 0x06, 0, 0},
    };
    struct pt_pool pool;
    struct pt table;

    (void)state;
    model_reset();
    as(OWNER_IMAGE);
    pt_pool_init(&pool);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pt_geometry geometry = {.levels = cases[i].levels,
                                             .width = cases[i].width,
                                             .physical_width = cases[i].physical_width,
                                             .leaf_levels = cases[i].leaf_levels};
        enum pt_status status = pt_create(&table, cases[i].format, &geometry, &pool);

        assert_int_equal(status, cases[i].has_width ? PT_OK : PT_BAD_RANGE);
        if (status != PT_OK)
            continue;
        assert_int_equal(table.geometry.width, cases[i].has_width);
        assert_true(table.size == UINT64_C(1) << cases[i].has_width);
        assert_true(table.physical_size == UINT64_C(1) << cases[i].physical_width);
        assert_int_equal(table.geometry.leaf_levels, cases[i].has_leaves);
    }
}

static void widths_end_at_64_bits(void **state)
{
    (void)state;
    for (unsigned width = 1; width < 64; width++) {
        assert_true(pt_is_beyond(UINT64_C(1) << width, width) && pt_is_beyond(UINT64_MAX, width));
        assert_false(pt_is_beyond((UINT64_C(1) << width) - 1, width));
    }
    assert_false(pt_is_beyond(UINT64_MAX, 64));
}

/* A power of two, aligned to itself. */
static void blocks_are_known(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 40; order++) {
        const uint64_t size = PT_PAGE_SIZE << order;

        assert_true(iommu_is_block(0, size) && iommu_is_block(5 * size, size));
        assert_false(iommu_is_block(size, 2 * size) || iommu_is_block(size / 2, size));
        assert_false(iommu_is_block(0, 3 * size));
        assert_int_equal(iommu_block_of(size, size).order, order);
        assert_true(iommu_block_of(size, size).address == size);
    }
}

/* ---- Names of objects ---- */

static void a_reference_has_three_parts(void **state)
{
    const uint64_t kinds[] = {IOMMU_DEVICE_REF, IOMMU_DOMAIN_REF, IOMMU_TOKEN_REF};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_true(kinds[i] == (UINT64_C(0xB2) + i) << 48);
    assert_true(iommu_ref(IOMMU_TOKEN_REF, 0x1234, 0xFEDC) == UINT64_C(0xB40000FEDC1234));
    assert_int_equal(iommu_ref_index(UINT64_C(0xB40000FEDC1234)), 0x1234);
}

/* Intel SDM volume 3, "Paging-Structure Entries": no unit walks these yet. */
static void fields_of_x86_64_entries(void **state)
{
    static const struct {
        uint64_t entry;
        unsigned level;
        const char *fields;
    } rows[] = {
#define LOW  "P:0-0 R/W:1-1 U/S:2-2 PWT:3-3 PCD:4-4 A:5-5 "
#define HIGH "AVL:9-11 ADDR:12-51@ AVL2:52-62 XD:63-63 "
        {0x7, 1, "PTE: " LOW "D:6-6 PS:7-7 G:8-8 " HIGH},
        {0x7, 2, "PDE: " LOW "PS:7-7 " HIGH},
        {0x87, 2, "PDE (page): " LOW "D:6-6 PS:7-7 G:8-8 " HIGH},
        {0x7, 3, "PDPE: " LOW "PS:7-7 " HIGH},
        {0x87, 3, "PDPE (page): " LOW "D:6-6 PS:7-7 G:8-8 " HIGH},
        {0x7, 4, "PML4E: " LOW "PS:7-7 " HIGH},
        {0x7, 5, "PML5E: " LOW "PS:7-7 " HIGH},
    };
    const struct pt_view view = {.physical_width = 52, .leaf_levels = 0xE};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pt_meaning meaning;
        char text[256];

        pt_format_x86_64.read(&view, rows[i].entry, rows[i].level, &meaning);
        size_t used = (size_t)snprintf(text, sizeof text, "%s: ", meaning.layout->name);
        for (unsigned n = 0; n < meaning.layout->count; n++) {
            const struct pt_field *field = &meaning.layout->fields[n];

            used += (size_t)snprintf(text + used, sizeof text - used, "%s:%u-%u%s ", field->name,
                                     field->low, field->high,
                                     field->kind == PT_FIELD_ADDRESS ? "@" : "");
        }
        assert_string_equal(text, rows[i].fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_is_two_pages),
        cmocka_unit_test(a_held_queue_has_one_holder),
        cmocka_unit_test(a_batch_counts_as_done_from_its_number_on),
        cmocka_unit_test(a_list_of_pages_takes_any_address),
        cmocka_unit_test(a_pool_grows_by_what_it_lacks),
        cmocka_unit_test(a_page_that_is_taken_is_zero),
        cmocka_unit_test(tables_that_there_are),
        cmocka_unit_test(widths_end_at_64_bits),
        cmocka_unit_test(blocks_are_known),
        cmocka_unit_test(a_reference_has_three_parts),
        cmocka_unit_test(fields_of_x86_64_entries),
    };

    return cmocka_run_group_tests_name("books", tests, NULL, NULL);
}
