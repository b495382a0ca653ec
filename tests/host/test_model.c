/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/*
 * The modelled VT-d unit judged alone: what may pass passes, every kind of refusal is refused with
 * its own reason, and caches keep all that they may keep.
 */

#include "model_fixture.h"

/* ---- What passes, what is refused ---- */

static void mapped_page_passes(void **state)
{
    (void)state;
    uint64_t pa;

    expect_allowed(IOVA);
    assert_int_equal(dma_write(IOVA + 0xFFC), MODEL_DMA_ALLOWED);
    assert_int_equal(page[0xFFC], 0xAD);
    assert_int_equal(model_vtd_translate(&unit, SOURCE, IOVA + 5, false, &pa), MODEL_DMA_ALLOWED);
    assert_int_equal(pa, page_physical + 5);
    no_violation();
}

static void dma_crosses_pages(void **state)
{
    (void)state;
    uint8_t buffer[0x1100];
    uint8_t *second = frame(OWNER_DRIVER);

    memset(buffer, 0x77, sizeof(buffer));
    put(&level1[5], physical(second) | 3);
    assert_int_equal(model_vtd_dma(&unit, SOURCE, IOVA + 0x80, true, buffer, sizeof(buffer)),
                     MODEL_DMA_ALLOWED);
    assert_int_equal(page[0x7F], 0);
    assert_int_equal(page[0x80], 0x77);
    assert_int_equal(second[0x17F], 0x77);
    assert_int_equal(second[0x180], 0);
    put(&level1[5], 0);
    invalidate_page(DOMAIN, IOVA + 0x1000, 0, false);
    assert_int_equal(model_vtd_dma(&unit, SOURCE, IOVA + 0x80, true, buffer, sizeof(buffer)),
                     MODEL_DMA_REFUSED);
    assert_int_equal(in64(FRCD), IOVA + 0x1000);
    no_violation();
}

static void superpages_pass(void **state)
{
    (void)state;
    uint32_t value;

    put(&level2[3], (page_physical & ~UINT64_C(0x1FFFFF)) | 0x83);
    expect_allowed((IOVA & ~UINT64_C(0x1FFFFF)) | (page_physical & 0x1FFFFF));
    put(&level3[258], 0x83); /* physical 0 to 1 GiB */
    invalidate_page(DOMAIN, 0x4080000000, 18, false);
    expect_allowed(0x4080000000 | page_physical);
    assert_int_equal(dma_read(0x4080000000, &value), MODEL_DMA_ABORTED);
    no_violation();
}

static void three_levels_pass(void **state)
{
    (void)state;
    put(&contexts[2 * 0x20], physical(level3) | 1);
    put(&contexts[2 * 0x20 + 1], DOMAIN << 8 | 1);
    put(&level3[2], physical(level2) | 3);
    invalidate_all();
    expect_allowed(0x80604000);
    expect_cold_fault(UINT64_C(1) << 39, false, MODEL_VTD_BEYOND_ADDRESS_WIDTH);
    no_violation();
}

static void rights_hold_on_every_level(void **state)
{
    (void)state;
    uint64_t *levels[4] = {&level1[4], &level2[3], &level3[258], &level4[0]};

    for (unsigned i = 0; i < 4; i++) {
        uint64_t whole = *levels[i];
        put(levels[i], (whole & ~UINT64_C(3)) | 1);
        expect_cold_fault(IOVA, true, MODEL_VTD_NO_WRITE);
        expect_allowed(IOVA);
        put(levels[i], (whole & ~UINT64_C(3)) | 2);
        expect_cold_fault(IOVA, false, MODEL_VTD_NO_READ);
        assert_int_equal(dma_write(IOVA + 8), MODEL_DMA_ALLOWED);
        put(levels[i], 0);
        expect_cold_fault(IOVA, false, MODEL_VTD_NO_READ);
        expect_cold_fault(IOVA, true, MODEL_VTD_NO_WRITE);
        put(levels[i], whole);
    }
    no_violation();
}

static void root_and_context_faults(void **state)
{
    (void)state;
    uint64_t *low = &contexts[2 * 0x20], *high = low + 1, *entry = &root[2];
    const struct {
        uint64_t *word;
        uint64_t value;
        enum model_vtd_reason reason;
    } cases[] = {
        {entry, 0, MODEL_VTD_ROOT_NOT_PRESENT},
        {entry, *entry | 2, MODEL_VTD_ROOT_RESERVED},
        {entry, *entry | UINT64_C(1) << 48, MODEL_VTD_ROOT_RESERVED},
        {entry + 1, 1, MODEL_VTD_ROOT_RESERVED},
        {entry, 0x70000001, MODEL_VTD_CONTEXT_UNREADABLE},
        {low, 0, MODEL_VTD_CONTEXT_NOT_PRESENT},
        {low, *low | 0x10, MODEL_VTD_CONTEXT_RESERVED},
        {high, *high | UINT64_C(1) << 24, MODEL_VTD_CONTEXT_RESERVED},
        {high, *high | 0x80, MODEL_VTD_CONTEXT_RESERVED},
        {high, DOMAIN << 8 | 3, MODEL_VTD_CONTEXT_INVALID},
        {high, DOMAIN << 8 | 7, MODEL_VTD_CONTEXT_INVALID},
        {low, *low | 3 << 2, MODEL_VTD_CONTEXT_INVALID},
        {low, *low | 1 << 2, MODEL_VTD_CONTEXT_INVALID},
        {low, 0x70000001, MODEL_VTD_TABLE_UNREADABLE},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t whole = *cases[i].word;
        put(cases[i].word, cases[i].value);
        expect_cold_fault(IOVA, i % 2 != 0, cases[i].reason);
        put(cases[i].word, whole);
    }
    expect_cold_fault(UINT64_C(1) << 48, true, MODEL_VTD_BEYOND_ADDRESS_WIDTH);
    model_vtd_evict_all(&unit);
    expect_allowed(IOVA);
    no_violation();
}

static void paging_entry_faults(void **state)
{
    (void)state;
    const struct {
        uint64_t *word;
        uint64_t value;
        enum model_vtd_reason reason;
    } cases[] = {
        {&level1[4], *level1 | page_physical | 3 | 1 << 11, MODEL_VTD_ENTRY_RESERVED},
        {&level1[4], page_physical | 3 | UINT64_C(1) << 62, MODEL_VTD_ENTRY_RESERVED},
        {&level1[4], page_physical | 3 | UINT64_C(1) << 50, MODEL_VTD_ENTRY_RESERVED},
        {&level2[3], 0x83 | 0x1000, MODEL_VTD_ENTRY_RESERVED},
        {&level3[258], 0x83 | 0x200000, MODEL_VTD_ENTRY_RESERVED},
        {&level4[0], level4[0] | 0x80, MODEL_VTD_ENTRY_RESERVED},
        {&level2[3], 0x70000003, MODEL_VTD_TABLE_UNREADABLE},
        {&level1[4], 0xFEE00003, MODEL_VTD_INTERRUPT_RANGE},
        {&level1[4], 0xFEEFF003, MODEL_VTD_INTERRUPT_RANGE},
        {&level2[3], 0xFEE00083, MODEL_VTD_INTERRUPT_RANGE},
        {&level3[258], 0xC0000083, MODEL_VTD_INTERRUPT_RANGE},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t whole = *cases[i].word;
        put(cases[i].word, cases[i].value);
        expect_cold_fault(IOVA, i % 2 != 0, cases[i].reason);
        put(cases[i].word, whole);
    }
    put(&level1[4], page_physical | UINT64_C(0xFFF0000000000703)); /* ignored bits, without TM */
    put(&level1[4], level1[4] & ~(UINT64_C(1) << 62));
    model_vtd_evict_all(&unit);
    expect_allowed(IOVA);
    no_violation();
}

static void root_table_outside_ram(void **state)
{
    (void)state;
    start_with(&MODEL_VTD_DEFAULT);
    out64(RTADDR, 0x70000000);
    out32(GCMD, SRTP);
    out64(CCMD, UINT64_C(5) << 61);
    out64(IOTLB, UINT64_C(9) << 60);
    out32(GCMD, TE);
    expect_cold_fault(IOVA, false, MODEL_VTD_ROOT_UNREADABLE);
    no_violation();
}

static void capabilities_narrow(void **state)
{
    (void)state;
    struct model_vtd_config config = MODEL_VTD_DEFAULT;

    config.cap = MODEL_FIELD(config.cap, MODEL_VTD_CAP_SLLPS, 0);
    config.cap = MODEL_FIELD(config.cap, MODEL_VTD_CAP_SAGAW, 2);
    config.ecap &= ~MODEL_VTD_ECAP_PT;
    start_with(&config);
    enable();
    expect_cold_fault(IOVA, false, MODEL_VTD_CONTEXT_INVALID);
    put(&contexts[2 * 0x20], physical(level3) | 1);
    put(&contexts[2 * 0x20 + 1], DOMAIN << 8 | 1);
    put(&level3[2], physical(level2) | 3);
    put(&level2[3], 0x83);
    expect_cold_fault(0x80604000, false, MODEL_VTD_ENTRY_RESERVED);
    put(&contexts[2 * 0x20], 1 | 2 << 2);
    expect_cold_fault(0x80604000, false, MODEL_VTD_CONTEXT_INVALID);
    no_violation();
}

static void pass_through_and_fpd(void **state)
{
    (void)state;
    uint32_t value;

    put(&contexts[2 * 0x20], 1 | 2 << 2);
    expect_allowed(page_physical);
    no_violation();
    put(&contexts[2 * 0x20 + 1], DOMAIN << 8 | 1);
    model_vtd_evict_all(&unit);
    expect_allowed(page_physical);
    expect_violation("a pass-through context entry needs the largest AW, 2");
    put(&contexts[2 * 0x20], 2);
    invalidate((uint64_t)SOURCE << 32 | DOMAIN << 16 | 0x31, 0);
    assert_int_equal(dma_read(page_physical, &value), MODEL_DMA_REFUSED);
    assert_int_equal(in32(FSTS), 0);
    assert_int_equal(dma_write(0xFEE00000), MODEL_DMA_INTERRUPT);
}

/* ---- Faults ---- */

static void fault_records_and_interrupt(void **state)
{
    (void)state;
    struct model_vtd_config config = MODEL_VTD_DEFAULT;
    irq_line_t line;
    struct msi_message message;

    config.cap = MODEL_FIELD(config.cap, MODEL_VTD_CAP_NFR, 1);
    start_with(&config);
    enable();
    assert_true(irq_allocate(&line, &message));
    out32(FEDATA, message.data);
    out32(FEADDR, (uint32_t)message.address);
    assert_int_equal(dma_write(0x1000), MODEL_DMA_REFUSED);
    assert_false(irq_take(line));
    assert_int_equal(in32(FECTL), 0xC0000000u);
    out32(FECTL, 0);
    assert_true(irq_take(line));

    assert_int_equal(dma_write(0x2000), MODEL_DMA_REFUSED); /* same source: merged */
    assert_int_equal(in32(FSTS), 2);
    assert_int_equal(model_vtd_dma(&unit, 8, 0x3000, true, &line, 1), MODEL_DMA_REFUSED);
    assert_int_equal(in64(FRCD + 0x18) & 0xFFFF, 8);
    assert_int_equal(in32(FSTS), 2);
    assert_int_equal(model_vtd_dma(&unit, 16, 0x3000, true, &line, 1), MODEL_DMA_REFUSED);
    assert_int_equal(in32(FSTS), 3);
    assert_false(irq_take(line));

    out64(FRCD + 8, UINT64_C(1) << 63);
    assert_int_equal(in32(FSTS), 3);
    out32(FRCD + 0x1C, 0x80000000u);
    assert_int_equal(in32(FSTS), 1);
    out32(FSTS, 1);
    assert_int_equal(dma_write(0x1000), MODEL_DMA_REFUSED);
    assert_int_equal(in32(FSTS), 2);
    assert_true(irq_take(line));
    no_violation();
}

/* One record of each of 256 requesters, and no more: then overflow. */
static void fault_records_overflow(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 8, 256};

    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct model_vtd_config config = MODEL_VTD_DEFAULT;
        uint32_t value;

        config.cap = MODEL_FIELD(config.cap, MODEL_VTD_CAP_NFR, counts[i] - 1);
        start_with(&config);
        enable();
        for (unsigned n = 0; n < counts[i]; n++) {
            (void)model_vtd_dma(&unit, (uint16_t)(n + 0x200), 0x1000, true, &value, 1);
            assert_int_equal(in64(FRCD + 16 * n + 8) & 0xFFFF, n + 0x200);
            assert_int_equal(in32(FSTS), 2);
        }
        (void)model_vtd_dma(&unit, 0x400, 0x1000, true, &value, 1);
        assert_int_equal(in32(FSTS), 3);
        assert_int_equal(in64(FRCD + 8) & 0xFFFF, 0x200);
        for (unsigned n = 0; n < counts[i]; n++) {
            out32(FRCD + 16 * n + 12, 0x80000000u);
        }
        assert_int_equal(in32(FSTS), 1);
        (void)model_vtd_dma(&unit, 0x400, 0x1000, true, &value, 1);
        assert_int_equal(in32(FSTS), 1); /* PFO stands: nothing is recorded */
        no_violation();
    }
}

/* ---- Caches ---- */

static void iotlb_is_stale_until_invalidated(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    expect_allowed(IOVA);
    invalidate_page(DOMAIN + 1, IOVA, 0, false);
    expect_allowed(IOVA);
    invalidate_page(DOMAIN, IOVA - 0x1000, 0, false);
    expect_allowed(IOVA);
    invalidate_page(DOMAIN, IOVA - 0x4000, 1, false);
    expect_allowed(IOVA);
    invalidate((uint64_t)SOURCE << 32 | DOMAIN << 16 | 0x31, 0);
    expect_allowed(IOVA);
    invalidate_page(DOMAIN, IOVA - 0x4000, 3, true);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
    no_violation();
    assert_int_equal(model_vtd_log_kind(&unit, MODEL_VTD_IOTLB_PAGE), 4);
    const struct model_vtd_event *event = model_vtd_log(&unit, model_vtd_log_count(&unit) - 2);
    assert_int_equal(event->kind, MODEL_VTD_IOTLB_PAGE);
    assert_int_equal(event->address, IOVA - 0x4000);
    assert_int_equal(event->address_mask, 3);
    assert_true(event->hint && event->by_queue);
}

static void domain_and_global_drop_all(void **state)
{
    (void)state;
    uint32_t value;

    expect_allowed(IOVA);
    put(&level1[4], 0);
    invalidate((DOMAIN + 1) << 16 | 0x22, 0);
    expect_allowed(IOVA);
    invalidate(DOMAIN << 16 | 0x22, 0);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_REFUSED);
    put(&level1[4], page_physical | 3);
    expect_allowed(IOVA);
    put(&level1[4], 0);
    invalidate(0x12, 0);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_REFUSED);
    no_violation();
}

static void widened_rights_need_invalidation(void **state)
{
    (void)state;
    put(&level1[4], page_physical | 1);
    expect_allowed(IOVA);
    put(&level1[4], page_physical | 3);
    assert_int_equal(dma_write(IOVA), MODEL_DMA_REFUSED);
    invalidate_page(DOMAIN, IOVA, 0, true);
    assert_int_equal(dma_write(IOVA), MODEL_DMA_ALLOWED);
    no_violation();
}

static void hint_keeps_freed_tables_reachable(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level2[3], 0);
    invalidate_page(DOMAIN, IOVA, 0, true);
    expect_allowed(IOVA);
    no_violation();
    assert_true(memory_free(OWNER_IOMMU, level1, 1));
    invalidate_page(DOMAIN, IOVA, 0, true);
    expect_allowed(IOVA);
    expect_violation("a walk reads");
    invalidate_page(DOMAIN, IOVA, 0, false);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
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

static void context_is_stale_until_invalidated(void **state)
{
    (void)state;
    uint32_t value;

    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_REFUSED); /* fills no IOTLB entry */
    clear_faults();
    put(&contexts[2 * 0x20], 0);
    expect_allowed(IOVA);
    invalidate(0x12, 0);
    expect_allowed(IOVA);
    invalidate((uint64_t)SOURCE << 32 | (DOMAIN + 1) << 16 | 0x31, 0);
    invalidate((uint64_t)(SOURCE ^ 1) << 32 | DOMAIN << 16 | 0x31, 0);
    invalidate(0x12, 0);
    expect_allowed(IOVA);
    invalidate(UINT64_C(1) << 48 | (uint64_t)(SOURCE ^ 4) << 32 | DOMAIN << 16 | 0x31, 0);
    invalidate(0x12, 0);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_REFUSED);
    put(&contexts[2 * 0x20], physical(level4) | 1);
    expect_allowed(IOVA);
    put(&contexts[2 * 0x20], 0);
    invalidate(DOMAIN << 16 | 0x21, 0);
    invalidate(0x12, 0);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_REFUSED);
    no_violation();
}

/* A device that is detached, or has another domain, still finds the IOTLB entries that it filled.
 */
static void large_pages_go_piece_by_piece(void **state)
{
    (void)state;
    const uint64_t base = IOVA & ~UINT64_C(0x1FFFFF), offset = page_physical & 0x1FFFFF;

    put(&level2[3], (page_physical & ~UINT64_C(0x1FFFFF)) | 0x83);
    expect_allowed(base + offset);
    put(&level2[3], 0);
    invalidate_page(DOMAIN, base + (offset ^ 0x1000), 0, false);
    invalidate_page(DOMAIN, base + (offset ^ 0x100000), 8, false);
    expect_allowed(base + offset);
    invalidate_page(DOMAIN, base + offset, 0, false);
    expect_fault(base + offset, false, MODEL_VTD_NO_READ);
    put(&level2[3], (page_physical & ~UINT64_C(0x1FFFFF)) | 0x83);
    expect_allowed(base + offset);
    put(&level2[3], 0);
    invalidate_page(DOMAIN, base, 9, false);
    expect_fault(base + offset, false, MODEL_VTD_NO_READ);
    no_violation();
}

static void own_pages_outlive_the_context_entry(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&contexts[2 * 0x20], 0);
    invalidate((uint64_t)SOURCE << 32 | DOMAIN << 16 | 0x31, 0);
    expect_allowed(IOVA);
    put(&contexts[2 * 0x20 + 1], (DOMAIN + 1) << 8 | 2);
    put(&contexts[2 * 0x20], physical(frame(OWNER_IOMMU)) | 1);
    invalidate((DOMAIN + 1) << 16 | 0x22, 0);
    expect_allowed(IOVA);
    invalidate(DOMAIN << 16 | 0x22, 0);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
    no_violation();
}

static void domains_share_one_table(void **state)
{
    (void)state;
    uint32_t value;

    expect_allowed(IOVA);
    put(&contexts[2 * 0x21 + 1], DOMAIN << 8 | 2);
    put(&contexts[2 * 0x21], physical(level4) | 1);
    assert_int_equal(model_vtd_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_ALLOWED);
    no_violation();
    put(&contexts[2 * 0x22 + 1], DOMAIN << 8 | 2);
    put(&contexts[2 * 0x22], physical(level3) | 1);
    (void)model_vtd_dma(&unit, 0x122, IOVA, false, &value, 4);
    expect_violation("have domain 0042 and other tables");
}

/* A present entry that is changed one half after the other. */
static void access_between_stores(void *context, uint64_t at, uint64_t word)
{
    uint32_t value;

    (void)word;
    if (at >> 12 == physical(contexts) >> 12) {
        model_vtd_evict_all(&unit);
        table_write_back(&contexts[2 * 0x20], 16);
        *(unsigned *)context += dma_read(IOVA, &value) == MODEL_DMA_ALLOWED && value == SECRET;
        (void)model_vtd_dma(&unit, 0x121, IOVA, false, &value, 4);
    }
}

static void torn_entries_are_seen(void **state)
{
    (void)state;
    uint64_t other = physical(frame(OWNER_IOMMU)) | 1;
    unsigned allowed = 0;

    put(&contexts[2 * 0x21 + 1], (DOMAIN + 1) << 8 | 2);
    put(&contexts[2 * 0x21], other);
    model_on_store(access_between_stores, &allowed);
    table_store128(&contexts[2 * 0x20], other, (DOMAIN + 1) << 8 | 2);
    no_violation();
    assert_int_equal(allowed, 0);
    table_store64(&contexts[2 * 0x20], physical(level4) | 1);
    model_on_store(NULL, NULL);
    expect_violation("have domain 0043 and other tables");
    assert_int_equal(allowed, 1);
}

static void domains_are_kept_apart(void **state)
{
    (void)state;
    uint64_t *other4 = frame(OWNER_IOMMU);
    uint64_t *other1 = frame(OWNER_IOMMU);
    uint32_t value;

    put(&other4[0], physical(other1) | 3); /* one frame on three levels */
    put(&other1[258], physical(other1) | 3);
    put(&other1[3], physical(other1) | 3);
    put(&other1[4], physical(frame(OWNER_DRIVER)) | 3);
    put(&contexts[2 * 0x21], physical(other4) | 1);
    put(&contexts[2 * 0x21 + 1], (DOMAIN + 1) << 8 | 2);
    expect_allowed(IOVA);
    assert_int_equal(model_vtd_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_ALLOWED);
    assert_int_equal(value, 0);

    put(&level1[4], 0);
    put(&other1[4], 0);
    invalidate((DOMAIN + 1) << 16 | 0x22, 0);
    expect_allowed(IOVA);
    assert_int_equal(model_vtd_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_REFUSED);
    no_violation();
}

static void caching_mode_keeps_refusals(void **state)
{
    (void)state;
    struct model_vtd_config config = MODEL_VTD_DEFAULT;
    uint32_t value;

    config.cap |= MODEL_VTD_CAP_CM;
    start_with(&config);
    enable();
    put(&contexts[2 * 0x20 + 1], 2);
    expect_allowed(IOVA);
    expect_violation("domain-id 0 in a context entry");
    put(&contexts[2 * 0x20 + 1], DOMAIN << 8 | 2);
    invalidate_all();
    put(&level1[5], 0);
    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_REFUSED);
    put(&level1[5], page_physical | 3);
    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_REFUSED);
    invalidate_page(DOMAIN, IOVA + 0x1000, 0, true);
    expect_allowed(IOVA + 0x1000);

    assert_int_equal(model_vtd_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_REFUSED);
    put(&contexts[2 * 0x21], physical(level4) | 1);
    put(&contexts[2 * 0x21 + 1], DOMAIN << 8 | 2);
    invalidate(UINT64_C(0x121) << 32 | DOMAIN << 16 | 0x31, 0);
    assert_int_equal(model_vtd_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_REFUSED);
    invalidate(UINT64_C(0x121) << 32 | 0x31, 0);
    assert_int_equal(model_vtd_dma(&unit, 0x121, IOVA, false, &value, 4), MODEL_DMA_ALLOWED);

    put(&contexts[2 * 0x22], physical(level4) | 0x11);
    put(&contexts[2 * 0x22 + 1], DOMAIN << 8 | 2);
    assert_int_equal(model_vtd_dma(&unit, 0x122, IOVA, false, &value, 4), MODEL_DMA_REFUSED);
    put(&contexts[2 * 0x22], physical(level4) | 1);
    invalidate(UINT64_C(0x122) << 32 | DOMAIN << 16 | 0x31, 0);
    assert_int_equal(model_vtd_dma(&unit, 0x122, IOVA, false, &value, 4), MODEL_DMA_REFUSED);
    invalidate(UINT64_C(0x122) << 32 | 0x31, 0);
    assert_int_equal(model_vtd_dma(&unit, 0x122, IOVA, false, &value, 4), MODEL_DMA_ALLOWED);
    no_violation();
}

static void missing_write_back_is_seen(void **state)
{
    (void)state;
    struct model_vtd_config config = MODEL_VTD_DEFAULT;
    uint32_t value;

    table_store64(&level1[5], page_physical | 3);
    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_REFUSED);
    table_write_back(&level1[5], 8);
    expect_allowed(IOVA + 0x1000);

    uint64_t *fresh = memory_alloc(OWNER_IOMMU, 1, 0); /* memory still holds old leaves */
    put(&level2[4], physical(fresh) | 3);
    assert_int_equal(dma_read((IOVA & ~UINT64_C(0x1FFFFF)) + 0x200000, &value), MODEL_DMA_ALLOWED);
    assert_true(model_violation_seen("DMA of 0120"));

    config.ecap |= MODEL_VTD_ECAP_C;
    start_with(&config);
    enable();
    table_store64(&level1[5], page_physical | 3);
    expect_allowed(IOVA + 0x1000);
}

/* ---- The unit against the second judge ---- */

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (random_state >> 33) % bound;
}

static uint64_t random_entry(uint64_t usual)
{
    static const uint64_t flips[] = {1, 2, 3, 0x80, 0x800, 0x1000, UINT64_C(1) << 48};
    uint64_t entry = usual;

    if (random_below(8) == 0) {
        entry ^= flips[random_below(sizeof(flips) / sizeof(flips[0]))];
    }
    if (random_below(16) == 0) {
        entry = (entry & 3) | (random_below(2) != 0 ? 0xFEE00000 : 0x70000000);
    }
    return entry;
}

static void unit_and_judge_agree(void **state)
{
    (void)state;
    unsigned allowed = 0, refused = 0;

    random_state = 1;
    for (unsigned i = 0; i < 20000; i++) {
        put(&root[2], random_entry(physical(contexts) | 1));
        put(&contexts[2 * 0x20], random_entry(physical(level4) | 1));
        put(&contexts[2 * 0x20 + 1], random_entry(DOMAIN << 8 | 2));
        put(&level4[0], random_entry(physical(level3) | 3));
        put(&level3[258], random_entry(physical(level2) | 3));
        put(&level2[3], random_entry(random_below(2) != 0 ? 0x1200083 : physical(level1) | 3));
        put(&level1[4], random_entry(page_physical | 3));
        bool write = random_below(2) != 0;
        uint64_t pa = 0;
        uint32_t value = 0;
        enum model_vtd_reason reason = model_vtd_judge(&unit, SOURCE, IOVA, write, &pa);
        model_vtd_evict_all(&unit);
        enum model_dma_result result = model_vtd_dma(&unit, SOURCE, IOVA, write, &value, 4);
        assert_int_equal(result == MODEL_DMA_REFUSED, reason != MODEL_VTD_OK);
        if (result == MODEL_DMA_REFUSED) {
            uint64_t record = in64(FRCD + 8);
            bool fpd = (contexts[2 * 0x20] & 2) != 0;
            assert_true(record >> 63 == 1 ? (record >> 32 & 0xFF) == reason : fpd);
            clear_faults();
            refused++;
        } else {
            assert_int_equal(result == MODEL_DMA_ABORTED, model_ram(pa, 4) == NULL);
            allowed++;
        }
    }
    assert_true(allowed > 1000 && refused > 1000);
}

static void state_is_copied_and_restored(void **state)
{
    (void)state;
    static struct model_vtd saved;

    expect_allowed(IOVA);
    saved = unit;
    put(&level1[4], 0);
    invalidate_page(DOMAIN, IOVA, 0, true);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
    unit = saved;
    expect_allowed(IOVA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mapped_page_passes, set_up),
        cmocka_unit_test_setup(dma_crosses_pages, set_up),
        cmocka_unit_test_setup(superpages_pass, set_up),
        cmocka_unit_test_setup(three_levels_pass, set_up),
        cmocka_unit_test_setup(rights_hold_on_every_level, set_up),
        cmocka_unit_test_setup(root_and_context_faults, set_up),
        cmocka_unit_test_setup(paging_entry_faults, set_up),
        cmocka_unit_test(root_table_outside_ram),
        cmocka_unit_test(capabilities_narrow),
        cmocka_unit_test_setup(pass_through_and_fpd, set_up),
        cmocka_unit_test(fault_records_and_interrupt),
        cmocka_unit_test(fault_records_overflow),
        cmocka_unit_test_setup(iotlb_is_stale_until_invalidated, set_up),
        cmocka_unit_test_setup(domain_and_global_drop_all, set_up),
        cmocka_unit_test_setup(widened_rights_need_invalidation, set_up),
        cmocka_unit_test_setup(hint_keeps_freed_tables_reachable, set_up),
        cmocka_unit_test_setup(freed_page_is_caught, set_up),
        cmocka_unit_test_setup(context_is_stale_until_invalidated, set_up),
        cmocka_unit_test_setup(large_pages_go_piece_by_piece, set_up),
        cmocka_unit_test_setup(own_pages_outlive_the_context_entry, set_up),
        cmocka_unit_test_setup(domains_share_one_table, set_up),
        cmocka_unit_test_setup(torn_entries_are_seen, set_up),
        cmocka_unit_test_setup(domains_are_kept_apart, set_up),
        cmocka_unit_test(caching_mode_keeps_refusals),
        cmocka_unit_test_setup(missing_write_back_is_seen, set_up),
        cmocka_unit_test_setup(unit_and_judge_agree, set_up),
        cmocka_unit_test_setup(state_is_copied_and_restored, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
