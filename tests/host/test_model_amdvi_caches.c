/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The caches of the modelled AMD-Vi unit: all that may be kept is kept, and only what a finished
 * command covers is forgotten. Each test forgets a step, sees it, then takes it. */

#include "amdvi_fixture.h"

static void page_is_stale_until_invalidated(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    expect_allowed(IOVA);
    invalidate_pages(DOMAIN + 1, IOVA);
    expect_allowed(IOVA);
    invalidate_pages(DOMAIN, IOVA - 0x1000);
    expect_allowed(IOVA);
    invalidate_pages(DOMAIN, IOVA + 0x1000);
    expect_allowed(IOVA);
    invalidate_pages(DOMAIN, (IOVA - 0x2000) | 1); /* 8 KiB below */
    expect_allowed(IOVA);
    invalidate_device(SOURCE);
    expect_allowed(IOVA);
    invalidate_pages(DOMAIN, IOVA);
    expect_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
    no_violation();
}

/* "INVALIDATE_IOMMU_PAGES", S and Address: golden ranges. */
static void sizes_of_invalidations(void **state)
{
    (void)state;
    const struct {
        uint64_t high, first, last;
    } cases[] = {
        {UINT64_C(0x4080604000), UINT64_C(0x4080604000), UINT64_C(0x4080604FFF)},
        {UINT64_C(0x4080604001), UINT64_C(0x4080604000), UINT64_C(0x4080605FFF)},
        {UINT64_C(0x4080601001), UINT64_C(0x4080600000), UINT64_C(0x4080603FFF)},
        {UINT64_C(0x40806FF001), UINT64_C(0x4080600000), UINT64_C(0x40807FFFFF)},
        {UINT64_C(0x407FFFF001), UINT64_C(0x4000000000), UINT64_C(0x40FFFFFFFF)},
        {UINT64_C(0x7FFFFFFFFFFFF001), 0, UINT64_MAX},
        {UINT64_C(0x7FFFFFFFFFFFF003), 0, UINT64_MAX},
        {UINT64_C(0xBFFFFFFFFFFFF001), UINT64_C(0x8000000000000000), UINT64_MAX},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        model_amdvi_log_clear(&unit);
        invalidate_pages(DOMAIN, cases[i].high);
        const struct model_amdvi_event *event = model_amdvi_log(&unit, 0);
        assert_int_equal(event->kind, MODEL_AMDVI_IOMMU_PAGES);
        assert_int_equal(event->domain, DOMAIN);
        assert_true(event->first == cases[i].first && event->last == cases[i].last);
        assert_int_equal(event->directories, (cases[i].high & 2) != 0);
        assert_int_equal(model_amdvi_log(&unit, 1)->kind, MODEL_AMDVI_COMPLETION_WAIT);
        assert_int_equal(model_amdvi_log(&unit, 1)->first, physical(store));
        assert_null(model_amdvi_log(&unit, 2));
    }
    no_violation();
}

static void too_small_a_range_leaves_the_rest(void **state)
{
    (void)state;
    uint8_t *second = frame(OWNER_DRIVER);
    uint32_t value;

    put(&level1[5], physical(second) | RW);
    expect_allowed(IOVA);
    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_ALLOWED);
    put(&level1[4], 0);
    put(&level1[5], 0);
    invalidate_pages(DOMAIN, IOVA);
    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_ALLOWED);
    invalidate_pages(DOMAIN, IOVA | 1);
    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_REFUSED);
    no_violation();
}

/* Any part of a large page is enough, wherever the request was that filled the cache. */
static void part_of_a_page_drops_it(void **state)
{
    (void)state;
    uint64_t base = IOVA & ~UINT64_C(0x1FFFFF), within = page_physical & 0x1FFFFF;

    assert_true(within >= 0x1000);
    put(&level2[3], (page_physical - within) | RW);
    expect_allowed(base | within);
    put(&level2[3], 0);
    invalidate_pages(DOMAIN, base - 0x1000);
    invalidate_pages(DOMAIN, base + 0x200000);
    expect_allowed(base | within);
    invalidate_pages(DOMAIN, base);
    expect_fault(base | within, false, MODEL_AMDVI_NOT_PRESENT);
    no_violation();
}

static void full_cache_is_counted(void **state)
{
    (void)state;
    uint8_t byte;

    for (uint16_t source = 0; source < MODEL_AMDVI_DEVICES; source++) {
        assert_int_equal(model_amdvi_dma(&unit, source, page_physical, false, &byte, 1),
                         MODEL_DMA_ALLOWED);
    }
    assert_int_equal(unit.evictions, 0);
    expect_allowed(IOVA);
    assert_int_equal(unit.evictions, 1);
    no_violation();
}

static void directories_need_pde(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level2[3], 0);
    invalidate_pages(DOMAIN, EVERYTHING | 1);
    expect_allowed(IOVA);
    no_violation();
    assert_true(memory_free(OWNER_IOMMU, level1, 1));
    invalidate_pages(DOMAIN, EVERYTHING | 1);
    expect_allowed(IOVA);
    expect_violation("a walk reads");
    invalidate_pages(DOMAIN, EVERYTHING | 3);
    expect_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
    no_violation();
}

static void freed_page_is_caught(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    assert_true(memory_free(OWNER_DRIVER, page, 1));
    assert_int_equal(dma_write(IOVA), MODEL_DMA_ALLOWED);
    expect_violation("DMA of 0120");
}

/* Fetched is not completed. */
static void nothing_is_done_without_a_wait(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    put(&entry_of(SOURCE)[1], DOMAIN + 1);
    submit(OP_PAGES | UINT64_C(0x42) << 32, IOVA);
    submit(OP_DEVTAB | SOURCE, 0);
    submit(OP_ALL, 0);
    assert_int_equal(in64(CMD_HEAD), tail);
    expect_allowed(IOVA);
    put(&entry_of(SOURCE)[1], DOMAIN);
    submit_wait();
    expect_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
    no_violation();
}

static void widened_rights_need_invalidation(void **state)
{
    (void)state;
    put(&level1[4], page_physical | BIT(61) | 1);
    expect_allowed(IOVA);
    put(&level1[4], page_physical | RW);
    assert_int_equal(dma_write(IOVA), MODEL_DMA_REFUSED);
    expect_event(event_of(MODEL_AMDVI_NO_PERMISSION, true), IOVA);
    invalidate_pages(DOMAIN, IOVA);
    assert_int_equal(dma_write(IOVA), MODEL_DMA_ALLOWED);
    no_violation();
}

static void device_entry_is_stale_until_invalidated(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(entry_of(SOURCE), DTE(0) & ~(BIT(61) | BIT(62)));
    expect_allowed(IOVA);
    invalidate_pages(DOMAIN, EVERYTHING | 3);
    expect_allowed(IOVA);
    invalidate_device(SOURCE ^ 1);
    expect_allowed(IOVA);
    invalidate_device(SOURCE);
    expect_fault(IOVA, false, MODEL_AMDVI_NO_PERMISSION);
    put(entry_of(SOURCE), physical(level4) | DTE(4));
    assert_int_equal(dma_write(IOVA), MODEL_DMA_REFUSED);
    no_violation();
}

static void pass_through_is_cached_too(void **state)
{
    (void)state;
    put(entry_of(SOURCE), 0);
    expect_allowed(page_physical);
    put(entry_of(SOURCE), physical(level4) | DTE(4));
    expect_allowed(page_physical);
    submit(OP_ALL, 0);
    submit_wait();
    expect_fault(page_physical, false, MODEL_AMDVI_NOT_PRESENT);
    no_violation();
}

/* IR and IW of the device's entry go into what is cached of its pages. */
static void narrowed_device_needs_its_pages_dropped(void **state)
{
    (void)state;
    assert_int_equal(dma_write(IOVA + 8), MODEL_DMA_ALLOWED);
    put(entry_of(SOURCE), (physical(level4) | DTE(4)) & ~BIT(62));
    invalidate_device(SOURCE);
    assert_int_equal(dma_write(IOVA + 8), MODEL_DMA_ALLOWED);
    invalidate_pages(DOMAIN, EVERYTHING | 3);
    expect_fault(IOVA, true, MODEL_AMDVI_NO_PERMISSION);
    no_violation();
}

/* A domain id that is used again brings its old pages back. */
static void old_domain_must_be_flushed(void **state)
{
    (void)state;
    uint64_t *empty = frame(OWNER_IOMMU);

    expect_allowed(IOVA);
    put(&entry_of(SOURCE)[1], DOMAIN + 1);
    put(&entry_of(SOURCE)[0], physical(empty) | DTE(4));
    invalidate_device(SOURCE);
    assert_int_equal(dma_write(IOVA), MODEL_DMA_REFUSED);
    put(&entry_of(SOURCE)[1], DOMAIN);
    invalidate_device(SOURCE);
    expect_allowed(IOVA);
    invalidate_pages(DOMAIN, EVERYTHING | 3);
    assert_int_equal(dma_write(IOVA), MODEL_DMA_REFUSED);
    no_violation();
}

/* Devices of one domain share what is cached of it. */
static void domain_is_shared(void **state)
{
    (void)state;
    uint64_t *other = entry_of(0x121);
    uint32_t value;

    put(&other[0], physical(level4) | DTE(4));
    put(&other[1], DOMAIN);
    expect_allowed(IOVA);
    put(&level1[4], 0);
    assert_int_equal(model_amdvi_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_ALLOWED);
    put(&other[0], (physical(level4) | DTE(4)) & ~BIT(61));
    invalidate_device(0x121);
    assert_int_equal(model_amdvi_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_REFUSED);
    no_violation();
    put(&other[0], physical(level3) | DTE(3));
    invalidate_device(0x121);
    (void)model_amdvi_dma(&unit, 0x121, IOVA, false, &value, 4);
    expect_violation("have domain 0042 and other tables");
}

static void refusals_are_not_cached_by_default(void **state)
{
    (void)state;
    expect_fault(IOVA + 0x1000, false, MODEL_AMDVI_NOT_PRESENT);
    put(&level1[5], page_physical | RW);
    expect_allowed(IOVA + 0x1000);
    no_violation();
}

static void np_cache_keeps_refusals(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;
    uint64_t next = IOVA + 0x200000;

    config.capability |= MODEL_AMDVI_CAP_NPCACHE;
    start_with(&config);
    enable();
    expect_fault(IOVA + 0x1000, false, MODEL_AMDVI_NOT_PRESENT);
    put(&level1[5], page_physical | RW);
    assert_int_equal(dma_write(IOVA + 0x1000), MODEL_DMA_REFUSED);
    invalidate_pages(DOMAIN, IOVA + 0x1000);
    expect_allowed(IOVA + 0x1000);

    assert_int_equal(dma_write(next), MODEL_DMA_REFUSED);
    put(&level2[4], physical(level1) | TO(1));
    invalidate_pages(DOMAIN, next);
    assert_int_equal(dma_write(next), MODEL_DMA_REFUSED);
    invalidate_pages(DOMAIN, next | 2);
    expect_allowed(next);
    no_violation();
}

/* Control.Coherent is for the device table, SD of each entry for its page tables. */
static void missing_write_back_is_seen(void **state)
{
    (void)state;
    uint64_t *dte = entry_of(SOURCE);

    table_store64(&level1[5], page_physical | RW);
    expect_allowed(IOVA + 0x1000);
    put(&dte[1], DOMAIN | BIT(38));
    invalidate_device(SOURCE);
    table_store64(&level1[6], page_physical | RW);
    expect_fault(IOVA + 0x2000, false, MODEL_AMDVI_NOT_PRESENT);
    table_write_back64(&level1[6]);
    expect_allowed(IOVA + 0x2000);
    no_violation();
}

/* A table that nobody wrote back maps what was in memory before. */
static void new_table_must_be_written_back(void **state)
{
    (void)state;
    uint64_t *fresh = memory_alloc(OWNER_IOMMU, 1, 0);
    uint32_t value;

    put(&entry_of(SOURCE)[1], DOMAIN | BIT(38));
    put(&level2[3], physical(fresh) | TO(1));
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_ALLOWED);
    expect_violation("DMA of 0120");
    table_write_back(fresh, FRAME_SIZE);
    invalidate_pages(DOMAIN, IOVA);
    expect_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
}

static void device_table_is_read_from_memory(void **state)
{
    (void)state;
    uint64_t *dte = entry_of(SOURCE);

    out64(CONTROL, ALL_ON & ~COHERENT);
    table_store64(&dte[0], 0);
    expect_allowed(IOVA);
    invalidate_device(SOURCE);
    expect_allowed(IOVA);
    table_write_back(dte, 32);
    invalidate_device(SOURCE);
    expect_allowed(page_physical);
    no_violation();
}

static uint64_t *torn;
static unsigned torn_allowed;

static void access_between_stores(void *context, uint64_t at, uint64_t value)
{
    (void)context;
    (void)value;
    if (at - physical(torn) < 32) {
        model_amdvi_evict_all(&unit);
        torn_allowed += dma_write(page_physical) == MODEL_DMA_ALLOWED;
    }
}

/* An entry of four words that goes from blocked to translated word by word, root before Mode, is
 * seen at every step; one 128-bit store is not. */
static void torn_entries_are_seen(void **state)
{
    (void)state;
    torn = entry_of(SOURCE);
    put(&torn[0], DTE(0) & ~(BIT(61) | BIT(62)));
    torn_allowed = 0;
    model_on_store(access_between_stores, NULL);
    table_store64(&torn[0], DTE(0)); /* rights first: pass-through for a moment */
    table_store64(&torn[0], physical(level4) | DTE(4));
    assert_int_equal(torn_allowed, 1);
    table_store128(torn, DTE(0) & ~(BIT(61) | BIT(62)), 0);
    table_store128(torn, physical(level4) | DTE(4), DOMAIN);
    assert_int_equal(torn_allowed, 1);
    model_on_store(NULL, NULL);
}

/* A write that was let through may reach memory late: what drops its page waits for it. */
static void writes_are_drained(void **state)
{
    (void)state;
    unit.broken.writes_linger = true;
    assert_int_equal(dma_write(IOVA), MODEL_DMA_ALLOWED);
    invalidate_pages(DOMAIN + 1, IOVA);
    invalidate_pages(DOMAIN, IOVA + 0x1000);
    invalidate_device(SOURCE + 1);
    assert_int_equal(*(uint32_t *)page, SECRET);
    invalidate_pages(DOMAIN, IOVA);
    assert_int_equal(*(uint32_t *)page, 0xBAD);
    assert_int_equal(dma_write(IOVA + 8), MODEL_DMA_ALLOWED);
    invalidate_device(SOURCE);
    assert_int_equal(page[8], 0xAD);
    no_violation();
    assert_int_equal(dma_write(IOVA + 16), MODEL_DMA_ALLOWED);
    assert_true(memory_free(OWNER_DRIVER, page, 1));
    submit(OP_ALL, 0);
    submit_wait();
    expect_violation("DMA of 0120");
}

/* A read that began before the two stores, and one that ends in between. */
static void halves_are_read_one_by_one(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;
    uint32_t value;

    config.broken.tear = MODEL_AMDVI_LOWER_FIRST;
    config.broken.tear_changes = 100;
    start_with(&config);
    enable();
    uint64_t *entry = entry_of(SOURCE);
    invalidate_device(SOURCE);
    table_store128(entry, DTE(0) & ~(BIT(61) | BIT(62)), 0); /* blocked */
    table_store128(entry + 2, 1, 0);
    assert_int_equal(dma_write(0xFEE00000), MODEL_DMA_REFUSED);
    out64(EVT_HEAD, in64(EVT_TAIL));
    expect_allowed(IOVA); /* the half of before, cached with the new one */
    assert_int_equal(dma_read(0x1000, &value), MODEL_DMA_REFUSED);
    expect_event(event_of(MODEL_AMDVI_NOT_PRESENT, false), 0x1000);
    invalidate_device(SOURCE);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_REFUSED);
    out64(EVT_HEAD, in64(EVT_TAIL));

    unit.broken.tear = MODEL_AMDVI_UPPER_FIRST;
    table_store128(entry, physical(level4) | DTE(4), DOMAIN);
    table_store128(entry + 2, 0, 0);
    model_amdvi_evict_all(&unit);
    assert_int_equal(dma_write(0xFEE00000), MODEL_DMA_REFUSED);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_ALLOWED);
    invalidate_device(SOURCE);
    assert_int_equal(dma_write(0xFEE00000), MODEL_DMA_INTERRUPT);
    no_violation();
}

static void state_is_copied_and_restored(void **state)
{
    (void)state;
    static struct model_amdvi saved;

    expect_allowed(IOVA);
    saved = unit;
    put(&level1[4], 0);
    invalidate_pages(DOMAIN, IOVA);
    expect_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
    unit = saved;
    expect_allowed(IOVA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(page_is_stale_until_invalidated, set_up),
        cmocka_unit_test_setup(sizes_of_invalidations, set_up),
        cmocka_unit_test_setup(too_small_a_range_leaves_the_rest, set_up),
        cmocka_unit_test_setup(part_of_a_page_drops_it, set_up),
        cmocka_unit_test_setup(full_cache_is_counted, set_up),
        cmocka_unit_test_setup(directories_need_pde, set_up),
        cmocka_unit_test_setup(freed_page_is_caught, set_up),
        cmocka_unit_test_setup(nothing_is_done_without_a_wait, set_up),
        cmocka_unit_test_setup(widened_rights_need_invalidation, set_up),
        cmocka_unit_test_setup(device_entry_is_stale_until_invalidated, set_up),
        cmocka_unit_test_setup(pass_through_is_cached_too, set_up),
        cmocka_unit_test_setup(narrowed_device_needs_its_pages_dropped, set_up),
        cmocka_unit_test_setup(old_domain_must_be_flushed, set_up),
        cmocka_unit_test_setup(domain_is_shared, set_up),
        cmocka_unit_test_setup(refusals_are_not_cached_by_default, set_up),
        cmocka_unit_test(np_cache_keeps_refusals),
        cmocka_unit_test_setup(missing_write_back_is_seen, set_up),
        cmocka_unit_test_setup(new_table_must_be_written_back, set_up),
        cmocka_unit_test_setup(device_table_is_read_from_memory, set_up),
        cmocka_unit_test_setup(torn_entries_are_seen, set_up),
        cmocka_unit_test_setup(writes_are_drained, set_up),
        cmocka_unit_test(halves_are_read_one_by_one),
        cmocka_unit_test_setup(state_is_copied_and_restored, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
