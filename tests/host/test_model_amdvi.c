/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/*
 * The modelled AMD-Vi unit judged alone: what may pass passes, every kind of refusal is refused
 * with its own event.
 */

#include "amdvi_fixture.h"

static void mapped_page_passes(void **state)
{
    (void)state;
    uint64_t pa;

    expect_allowed(IOVA);
    assert_int_equal(dma_write(IOVA + 0xFFC), MODEL_DMA_ALLOWED);
    assert_int_equal(page[0xFFC], 0xAD);
    assert_int_equal(model_amdvi_translate(&unit, SOURCE, IOVA + 5, false, &pa), MODEL_DMA_ALLOWED);
    assert_int_equal(pa, page_physical + 5);
    no_event();
    no_violation();
}

static void dma_crosses_pages(void **state)
{
    (void)state;
    uint8_t buffer[0x1100];
    uint8_t *second = frame(OWNER_DRIVER);

    memset(buffer, 0x77, sizeof(buffer));
    put(&level1[5], physical(second) | RW);
    assert_int_equal(model_amdvi_dma(&unit, SOURCE, IOVA + 0x80, true, buffer, sizeof(buffer)),
                     MODEL_DMA_ALLOWED);
    assert_int_equal(page[0x7F], 0);
    assert_int_equal(page[0x80], 0x77);
    assert_int_equal(second[0x17F], 0x77);
    assert_int_equal(second[0x180], 0);
    put(&level1[5], 0);
    invalidate_pages(DOMAIN, IOVA + 0x1000);
    assert_int_equal(model_amdvi_dma(&unit, SOURCE, IOVA + 0x80, true, buffer, sizeof(buffer)),
                     MODEL_DMA_REFUSED);
    expect_event(event_of(MODEL_AMDVI_NOT_PRESENT, true), IOVA + 0x1000);
    no_violation();
}

/* "Page Size Encodings": one golden entry per size field; every copy translates alike. */
static void every_page_size(void **state)
{
    (void)state;
    const struct {
        unsigned level;
        uint64_t field; /* Next Level and the address bits that say the size */
        uint64_t size;
    } cases[] = {
        {1, 0x000, UINT64_C(4) << 10},
        {1, 0xE00, UINT64_C(8) << 10},
        {1, 0x1E00, UINT64_C(16) << 10},
        {1, 0x3E00, UINT64_C(32) << 10},
        {1, 0x7E00, UINT64_C(64) << 10},
        {1, 0xFE00, UINT64_C(128) << 10},
        {1, 0x1FE00, UINT64_C(256) << 10},
        {1, 0x3FE00, UINT64_C(512) << 10},
        {1, 0x7FE00, UINT64_C(1) << 20},
        {2, 0x000, UINT64_C(2) << 20},
        {2, 0x1FFE00, UINT64_C(4) << 20},
        {2, 0x3FFE00, UINT64_C(8) << 20},
        {2, 0xFFFFE00, UINT64_C(512) << 20},
        {3, 0x000, UINT64_C(1) << 30},
        {3, 0x3FFFFE00, UINT64_C(2) << 30},
        {3, 0x1FFFFFFE00, UINT64_C(256) << 30},
        {4, 0x000, UINT64_C(512) << 30},
        {4, 0x7FFFFFFE00, UINT64_C(1) << 40},
        {4, 0x3FFFFFFFFE00, UINT64_C(128) << 40},
    };
    uint64_t *tables[] = {NULL, level1, level2, level3, level4};

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned level = cases[i].level;
        uint64_t base = page_physical & ~(cases[i].size - 1);
        uint64_t *entry = &tables[level][IOVA >> (3 + 9 * level) & 0x1FF];
        uint64_t whole = *entry, pa;
        uint64_t iova = (IOVA & ~(cases[i].size - 1)) + (page_physical - base);
        put(entry, base | cases[i].field | RW);
        for (unsigned other = 0; other < 512 && cases[i].size > BIT(3 + 9 * level); other++) {
            put(&tables[level][other], *entry);
        }
        model_amdvi_evict_all(&unit);
        expect_allowed(iova);
        assert_int_equal(model_amdvi_translate(&unit, SOURCE, iova, true, &pa), MODEL_DMA_ALLOWED);
        assert_int_equal(pa, page_physical);
        if (cases[i].size > UINT64_C(0xFEE00000)) {
            expect_violation("interrupt window");
        }
        memset(tables[level], 0, FRAME_SIZE);
        table_write_back(tables[level], FRAME_SIZE);
        put(entry, whole);
    }
    no_violation();
}

/* 2^9 to the level, Mode 6 the last 7 bits. */
static void every_mode(void **state)
{
    (void)state;
    uint64_t *root = frame(OWNER_IOMMU), *above = frame(OWNER_IOMMU);
    const struct {
        uint64_t *table;
        uint64_t iova;
    } cases[] = {
        {level1, 0x4000}, {level2, 0x604000}, {level3, IOVA},
        {level4, IOVA},   {above, IOVA},      {root, BIT(63) | IOVA},
    };

    put(&above[0], physical(level4) | TO(4));
    put(&root[64], physical(above) | TO(5));
    for (unsigned mode = 1; mode <= 6; mode++) {
        put(&entry_of(SOURCE)[0], physical(cases[mode - 1].table) | DTE(mode));
        model_amdvi_evict_all(&unit);
        expect_allowed(cases[mode - 1].iova);
        if (mode < 6) {
            expect_cold_fault(cases[mode - 1].iova | BIT(12 + 9 * mode), false,
                              MODEL_AMDVI_NOT_PRESENT);
            expect_cold_fault(cases[mode - 1].iova | BIT(63), true, MODEL_AMDVI_NOT_PRESENT);
        }
    }
    no_violation();
}

static void levels_are_skipped(void **state)
{
    (void)state;
    put(&level4[0], physical(level2) | TO(2));
    expect_allowed(0x604000);
    expect_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
    put(&level4[0], physical(level1) | TO(1));
    invalidate_pages(DOMAIN, EVERYTHING | 3);
    expect_allowed(0x4000);
    expect_fault(0x204000, true, MODEL_AMDVI_NOT_PRESENT);
    expect_cold_fault(BIT(38) | 0x4000, true, MODEL_AMDVI_NOT_PRESENT);
    no_violation();
}

static void rights_hold_on_every_level(void **state)
{
    (void)state;
    uint64_t *levels[] = {&level1[4], &level2[3], &level3[258], &level4[0], entry_of(SOURCE)};

    for (unsigned i = 0; i < 5; i++) {
        uint64_t whole = *levels[i];
        put(levels[i], whole & ~BIT(62));
        expect_cold_fault(IOVA, true, MODEL_AMDVI_NO_PERMISSION);
        expect_allowed(IOVA);
        put(levels[i], whole & ~BIT(61));
        expect_cold_fault(IOVA, false, MODEL_AMDVI_NO_PERMISSION);
        assert_int_equal(dma_write(IOVA + 8), MODEL_DMA_ALLOWED);
        put(levels[i], whole & ~(BIT(61) | BIT(62)));
        expect_cold_fault(IOVA, false, MODEL_AMDVI_NO_PERMISSION);
        expect_cold_fault(IOVA, true, MODEL_AMDVI_NO_PERMISSION);
        put(levels[i], whole);
    }
    no_violation();
}

static void device_entry_faults(void **state)
{
    (void)state;
    uint64_t *dte = entry_of(SOURCE);
    const struct {
        unsigned word;
        uint64_t value;
        enum model_amdvi_reason reason;
    } cases[] = {
        {0, dte[0] | 1 << 2, MODEL_AMDVI_DTE_RESERVED},
        {0, dte[0] | 1 << 6, MODEL_AMDVI_DTE_RESERVED},
        {0, dte[0] | 1 << 7, MODEL_AMDVI_DTE_RESERVED}, /* HAD */
        {0, dte[0] | BIT(48), MODEL_AMDVI_DTE_RESERVED},
        {0, dte[0] | BIT(52), MODEL_AMDVI_DTE_RESERVED}, /* PPR */
        {0, dte[0] | BIT(55), MODEL_AMDVI_DTE_RESERVED}, /* GV */
        {0, dte[0] | BIT(63), MODEL_AMDVI_DTE_RESERVED},
        {0, physical(level4) | DTE(7), MODEL_AMDVI_DTE_ENCODING},
        {1, DOMAIN | 1 << 16, MODEL_AMDVI_DTE_RESERVED},
        {1, DOMAIN | BIT(42), MODEL_AMDVI_DTE_RESERVED},
        {1, DOMAIN | BIT(63), MODEL_AMDVI_DTE_RESERVED},
        {1, DOMAIN | UINT64_C(3) << 35, MODEL_AMDVI_DTE_ENCODING},
        {2, UINT64_C(3) << 60 | 1, MODEL_AMDVI_DTE_ENCODING},
        {2, UINT64_C(12) << 1 | 1, MODEL_AMDVI_DTE_ENCODING},
        {2, BIT(52) | 1, MODEL_AMDVI_DTE_RESERVED},
        {2, BIT(59) | 1, MODEL_AMDVI_DTE_RESERVED},
        {2, BIT(50) | 1, MODEL_AMDVI_DTE_RESERVED},
        {3, 1, MODEL_AMDVI_DTE_RESERVED},
        {3, BIT(63), MODEL_AMDVI_DTE_RESERVED},
        {0, dte[0] & ~UINT64_C(2), MODEL_AMDVI_NOT_PRESENT},           /* TV */
        {0, DTE(0) & ~(BIT(61) | BIT(62)), MODEL_AMDVI_NO_PERMISSION}, /* blocked */
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t *word = &dte[cases[i].word], whole = *word;
        put(word, cases[i].value);
        expect_cold_fault(IOVA, i % 2 != 0, cases[i].reason);
        put(word, whole);
    }
    put(&dte[2], UINT64_C(11) << 1 | 1); /* 2048 interrupts */
    model_amdvi_evict_all(&unit);
    expect_allowed(IOVA);
    put(&dte[2], UINT64_C(0xFFFFFFFFFFFFFFFE)); /* not looked at without IV */
    model_amdvi_evict_all(&unit);
    expect_allowed(IOVA);
    no_violation();
}

static void paging_entry_faults(void **state)
{
    (void)state;
    const uint64_t all_ones = UINT64_C(0xFFFFFFFFFF000) | 0xE00;
    const struct {
        uint64_t *word;
        uint64_t value;
        enum model_amdvi_reason reason;
    } cases[] = {
        {&level1[4], page_physical | (RW & ~UINT64_C(1)), MODEL_AMDVI_NOT_PRESENT},
        {&level2[3], 0, MODEL_AMDVI_NOT_PRESENT},
        {&level1[4], page_physical | RW | BIT(52), MODEL_AMDVI_PTE_RESERVED},
        {&level1[4], page_physical | RW | BIT(58), MODEL_AMDVI_PTE_RESERVED},
        {&level1[4], page_physical | RW | BIT(63), MODEL_AMDVI_PTE_RESERVED},
        {&level1[4], page_physical | RW | BIT(48), MODEL_AMDVI_PTE_RESERVED},
        {&level2[3], level2[3] | BIT(52), MODEL_AMDVI_PTE_RESERVED},
        {&level2[3], level2[3] | BIT(59), MODEL_AMDVI_PTE_RESERVED},
        {&level2[3], level2[3] | BIT(60), MODEL_AMDVI_PTE_RESERVED},
        {&level2[3], physical(level1) | TO(2), MODEL_AMDVI_PTE_RESERVED},
        {&level3[258], physical(level2) | TO(3), MODEL_AMDVI_PTE_RESERVED},
        {&level4[0], physical(level3) | TO(6), MODEL_AMDVI_PTE_RESERVED},
        {&level1[4], physical(level1) | TO(1), MODEL_AMDVI_PTE_RESERVED},
        {&level2[3], 0x1001000 | RW, MODEL_AMDVI_PTE_RESERVED}, /* 2 MiB, unaligned */
        {&level1[4], 0xFFE00 | RW, MODEL_AMDVI_PTE_RESERVED},   /* 2 MiB at level 1 */
        {&level2[3], 0x7FE00 | RW, MODEL_AMDVI_PTE_RESERVED},   /* 1 MiB at level 2 */
        {&level1[4], all_ones | RW, MODEL_AMDVI_PTE_RESERVED},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t whole = *cases[i].word;
        put(cases[i].word, cases[i].value);
        expect_cold_fault(IOVA, i % 2 != 0, cases[i].reason);
        put(cases[i].word, whole);
    }
    put(&level1[4], level1[4] | BIT(59) | BIT(60) | 0x1FE); /* U, FC, A, D, ignored */
    put(&level2[3], level2[3] | 0x1FE);
    model_amdvi_evict_all(&unit);
    expect_allowed(IOVA);
    no_violation();
}

static void unreadable_tables(void **state)
{
    (void)state;
    uint64_t whole = level2[3];
    uint32_t value;

    put(&level2[3], 0x70000000 | TO(1));
    expect_refused(IOVA, true, MODEL_AMDVI_TABLE_UNREADABLE, 0x70000020);
    put(&level2[3], whole);
    out64(CONTROL, 0);
    out64(DEV_TAB, 0x70000000);
    out64(CONTROL, ALL_ON);
    expect_violation("page 0 of 1 of the device table");
    model_amdvi_evict_all(&unit);
    assert_int_equal(model_amdvi_dma(&unit, 8, IOVA, false, &value, 4), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x3200000000000008), 0x70000100);
    no_violation();
}

static void device_table_has_a_size(void **state)
{
    (void)state;
    uint32_t value;

    out64(CONTROL, 0);
    out64(DEV_TAB, physical(devices) | 1);
    out64(CONTROL, ALL_ON);
    expect_fault(IOVA, false, MODEL_AMDVI_DTE_ENCODING);
    put(&entry_of(0xFF)[0], 0);
    assert_int_equal(model_amdvi_dma(&unit, 0xFF, page_physical, false, &value, 4),
                     MODEL_DMA_ALLOWED);
    assert_int_equal(model_amdvi_dma(&unit, 0x100, page_physical, false, &value, 4),
                     MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x1000000000000100), page_physical);
    assert_int_equal(model_amdvi_judge(&unit, 0x100, page_physical, false, NULL),
                     MODEL_AMDVI_DTE_ENCODING);
    assert_int_equal(model_amdvi_judge(&unit, 0xFF, page_physical, false, NULL), MODEL_AMDVI_OK);
    assert_ptr_equal(devices + 4 * 512, level4);
    assert_true(memory_free(OWNER_IOMMU, level4, 1));
    out64(CONTROL, 0);
    out64(DEV_TAB, physical(devices) | 3);
    out64(CONTROL, ALL_ON);
    no_violation();
    out64(CONTROL, 0);
    out64(DEV_TAB, physical(devices) | 4);
    out64(CONTROL, ALL_ON);
    expect_violation("page 4 of 5 of the device table");
    out64(CONTROL, 0);
    out64(DEV_TAB, physical(devices) | 0x1FF);
    out64(CONTROL, ALL_ON);
    expect_violation("page 4 of 512 of the device table");
}

static void invalid_entry_passes_everything(void **state)
{
    (void)state;
    put(entry_of(SOURCE), 0);
    expect_allowed(page_physical);
    assert_int_equal(dma_write(0xFEE00000), MODEL_DMA_INTERRUPT);
    no_violation();
    assert_int_equal(dma_write(physical(level1)), MODEL_DMA_ALLOWED);
    expect_violation("DMA of 0120");
    put(entry_of(SOURCE), DTE(0));
    invalidate_device(SOURCE);
    expect_allowed(page_physical);
    put(entry_of(SOURCE), DTE(0) & ~BIT(62));
    expect_cold_fault(page_physical, true, MODEL_AMDVI_NO_PERMISSION);
    expect_allowed(page_physical);
    out64(CONTROL, 0);
    assert_int_equal(dma_write(page_physical), MODEL_DMA_ALLOWED);
    no_violation();
}

static bool judged(uint64_t iova, bool write)
{
    return model_amdvi_judge(&unit, SOURCE, iova, write, NULL) == MODEL_AMDVI_OK;
}

static void exclusion_range(void **state)
{
    (void)state;
    uint32_t value;

    out64(CONTROL, 0);
    out64(EXCL_BASE, page_physical | 1);
    out64(EXCL_LIMIT, page_physical);
    out64(CONTROL, ALL_ON);
    expect_fault(page_physical, false, MODEL_AMDVI_NOT_PRESENT);
    put(&entry_of(SOURCE)[1], DOMAIN | BIT(39)); /* EX */
    invalidate_device(SOURCE);
    expect_allowed(page_physical);
    assert_int_equal(dma_read(page_physical + 0x1000, &value), MODEL_DMA_REFUSED);
    assert_int_equal(dma_read(page_physical - 4, &value), MODEL_DMA_REFUSED);
    assert_true(judged(page_physical, false) && judged(page_physical + 0xFFF, true));
    assert_false(judged(page_physical + 0x1000, false) || judged(page_physical - 1, false));
    put(&entry_of(SOURCE)[1], DOMAIN);
    out64(CONTROL, 0);
    out64(EXCL_BASE, page_physical | 3); /* Allow: every device */
    out64(CONTROL, ALL_ON);
    invalidate_device(SOURCE);
    expect_allowed(page_physical);
    no_violation();
    out64(EXCL_BASE, 0);
    expect_violation("exclusion base written while");
    out64(EXCL_LIMIT, 0);
    expect_violation("exclusion limit written while");
}

static void interrupt_window(void **state)
{
    (void)state;
    uint64_t *dte = entry_of(SOURCE);
    uint32_t value;

    assert_int_equal(dma_write(0xFEE00000), MODEL_DMA_INTERRUPT); /* IV 0 passes */
    assert_int_equal(dma_read(0xFEEFFFFC, &value), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8000000000000120), 0xFEEFFFFC);
    put(&dte[2], 1);
    invalidate_device(SOURCE);
    assert_int_equal(dma_write(0xFEE01000), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8A00000000000120), 0xFEE01000);
    assert_int_equal(model_amdvi_judge(&unit, SOURCE, 0xFEE01000, true, NULL),
                     MODEL_AMDVI_BAD_REQUEST);
    put(&dte[3], 1);
    invalidate_device(SOURCE);
    assert_int_equal(dma_write(0xFEE01000), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x10A8000000000120), 0xFEE01000);
    put(&dte[3], 0);
    put(dte, 0); /* IV counts without V too */
    invalidate_device(SOURCE);
    assert_int_equal(dma_write(0xFEE01000), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8A00000000000120), 0xFEE01000);
    put(&dte[2], UINT64_C(2) << 60 | 1);
    invalidate_device(SOURCE);
    assert_int_equal(dma_write(0xFEE01000), MODEL_DMA_INTERRUPT);
    assert_int_equal(model_amdvi_translate(&unit, SOURCE, 0xFEE01000, true, NULL),
                     MODEL_DMA_INTERRUPT);
    no_violation();
}

static void page_onto_the_window(void **state)
{
    (void)state;
    uint32_t value;

    put(&level1[4], 0xFEEFF000 | RW);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_ABORTED);
    expect_violation("interrupt window");
    put(&level2[3], 0xFEE00000 | RW);
    invalidate_pages(DOMAIN, IOVA | 2);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_ABORTED);
    expect_violation("interrupt window");
}

static void special_addresses(void **state)
{
    (void)state;
    uint64_t *dte = entry_of(SOURCE);
    uint32_t value;

    assert_int_equal(dma_write(0xFDF9100000), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8E00000000000120), 0xFDF9100000);
    assert_int_equal(dma_write(0xFDFC000000), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8400000000000120), 0xFDFC000000);
    assert_int_equal(dma_write(0xFE20000000), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8600000000000120), 0xFE20000000);
    assert_int_equal(dma_read(0xFD00000000, &value), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8800000000000120), 0xFD00000000);
    const struct {
        uint64_t iova;
        uint64_t event;
    } last[] = {
        {0xFDF8FFFFFF, UINT64_C(0x8A00000000000120)},
        {0xFDF91FFFFF, UINT64_C(0x8E00000000000120)},
        {0xFDFDFFFFFF, UINT64_C(0x8400000000000120)},
        {0xFFFFFFFFFF, UINT64_C(0x8600000000000120)},
    };
    put(&dte[2], 1);
    invalidate_device(SOURCE);
    for (unsigned i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        assert_int_equal(model_amdvi_dma(&unit, SOURCE, last[i].iova, true, &value, 1),
                         MODEL_DMA_REFUSED);
        expect_event(last[i].event, last[i].iova);
        assert_false(judged(last[i].iova, true));
    }
    expect_fault(UINT64_C(0x10000000000) + 0x4000, true, MODEL_AMDVI_NOT_PRESENT);
    put(&dte[1], DOMAIN | UINT64_C(2) << 35 | UINT64_C(3) << 40); /* IoCtl, SysMgt: translated */
    model_amdvi_evict_all(&unit);
    expect_fault(0xFDFC000000, true, MODEL_AMDVI_NOT_PRESENT);
    expect_fault(0xFDF9100000, true, MODEL_AMDVI_NOT_PRESENT);
    put(&dte[1], DOMAIN | UINT64_C(1) << 35 | UINT64_C(1) << 40); /* forwarded */
    model_amdvi_evict_all(&unit);
    assert_int_equal(dma_write(0xFDFC000000), MODEL_DMA_ABORTED);
    assert_int_equal(dma_write(0xFDF9100000), MODEL_DMA_ABORTED);
    assert_true(judged(0xFDFC000000, true) && judged(0xFDF9100000, true));
    assert_false(judged(0xFD00000000, true) || judged(0xFDF9200000, true));
    no_event();
    no_violation();
}

static void pretranslated_requests(void **state)
{
    (void)state;
    uint32_t value;

    assert_int_equal(model_amdvi_dma_translated(&unit, SOURCE, page_physical, false, &value, 4),
                     MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8200000000000120), page_physical);
    put(&entry_of(SOURCE)[1], DOMAIN | BIT(32));
    invalidate_device(SOURCE);
    assert_int_equal(model_amdvi_dma_translated(&unit, SOURCE, page_physical, false, &value, 4),
                     MODEL_DMA_ALLOWED);
    assert_int_equal(value, SECRET);
    put(entry_of(SOURCE), 0);
    invalidate_device(SOURCE);
    assert_int_equal(model_amdvi_dma_translated(&unit, SOURCE, page_physical, false, &value, 4),
                     MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x8200000000000120), page_physical);
    no_violation();
}

static void capabilities_narrow(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    config.efr = MODEL_AMDVI_EFR_IASUP | UINT64_C(3) << 12; /* HATS 0, GATS 3 */
    config.physical_width = 40;
    config.virtual_width = 32;
    start_with(&config);
    enable();
    expect_cold_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
    put(&entry_of(SOURCE)[0], physical(level4) | DTE(5));
    expect_cold_fault(0x4000, false, MODEL_AMDVI_DTE_ENCODING);
    put(&entry_of(SOURCE)[0], physical(level1) | DTE(1));
    model_amdvi_evict_all(&unit);
    expect_allowed(0x4000);
    put(&level1[4], BIT(40) | RW);
    expect_cold_fault(0x4000, false, MODEL_AMDVI_PTE_RESERVED);
    config.efr |= UINT64_C(3) << 10; /* reserved: no translation at all */
    start_with(&config);
    enable();
    expect_cold_fault(0x4000, false, MODEL_AMDVI_DTE_ENCODING);
    no_violation();
}

static void offered_fields_are_not_reserved(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;
    uint64_t guest = BIT(54) | UINT64_C(0x1F) << 56; /* GIoV, GLX, GCR3 */

    config.efr |= MODEL_AMDVI_EFR_GTSUP | MODEL_AMDVI_EFR_PPRSUP;
    start_with(&config);
    enable();
    put(&entry_of(SOURCE)[1], DOMAIN | UINT64_C(0xFFFFF80000000000) | 0xFFFF0000);
    put(entry_of(SOURCE), physical(level4) | DTE(4) | guest | BIT(52));
    expect_allowed(IOVA);
    no_violation();
    put(entry_of(SOURCE), physical(level4) | DTE(4) | BIT(55));
    invalidate_device(SOURCE);
    expect_allowed(IOVA);
    expect_violation("guest tables of 0120, not modelled");
}

static void freed_device_table_is_caught(void **state)
{
    (void)state;
    assert_true(memory_free(OWNER_IOMMU, devices, 4));
    expect_allowed(IOVA);
    expect_violation("the entry of 0120 is in a frame of owner");
}

/* ---- Two walks, one answer ---- */

static uint64_t random_word(void)
{
    static uint64_t word = UINT64_C(0x9E3779B97F4A7C15);

    word ^= word << 13;
    word ^= word >> 7;
    word ^= word << 17;
    return word;
}

static uint64_t mangled(uint64_t entry)
{
    uint64_t word = random_word();

    return word % 4 == 0 ? entry ^ BIT(random_word() % 64) : entry;
}

static void unit_and_judge_agree(void **state)
{
    (void)state;
    uint64_t *dte = entry_of(SOURCE);
    unsigned allowed = 0, refused = 0;

    for (unsigned i = 0; i < 20000; i++) {
        put(&dte[0], mangled(physical(level4) | DTE(4)));
        put(&dte[1], mangled(DOMAIN));
        put(&dte[2], mangled(0));
        put(&dte[3], random_word() % 16 == 0 ? mangled(0) : 0);
        put(&level4[0], mangled(physical(level3) | TO(3)));
        put(&level3[258], mangled(physical(level2) | TO(2)));
        put(&level2[3],
            mangled(random_word() % 2 != 0 ? 0x1200000 | RW : physical(level1) | TO(1)));
        put(&level1[4], mangled(page_physical | RW | (random_word() % 2 != 0 ? 0xE00 : 0)));
        bool write = random_word() % 2 != 0;
        uint64_t pa = 0, at = in64(EVT_TAIL);
        uint32_t value = 0;
        enum model_amdvi_reason reason = model_amdvi_judge(&unit, SOURCE, IOVA, write, &pa);
        model_amdvi_evict_all(&unit);
        enum model_dma_result result = model_amdvi_dma(&unit, SOURCE, IOVA, write, &value, 4);
        assert_int_equal(result == MODEL_DMA_REFUSED, reason != MODEL_AMDVI_OK);
        if (result != MODEL_DMA_REFUSED) {
            assert_int_equal(result == MODEL_DMA_ABORTED, model_ram(pa, 4) == NULL);
            allowed++;
            continue;
        }
        refused++;
        if (in64(EVT_TAIL) != at) { /* SA */
            uint64_t domain = reason < MODEL_AMDVI_TABLE_UNREADABLE ? DOMAIN : (uint16_t)dte[1];
            uint64_t expected = event_of(reason, write) ^ (DOMAIN ^ domain) << 32;
            assert_int_equal(events[at / 8], expected);
            out64(EVT_HEAD, in64(EVT_TAIL));
        } else {
            assert_true((dte[1] & BIT(34)) != 0);
        }
    }
    assert_true(allowed > 1000 && refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mapped_page_passes, set_up),
        cmocka_unit_test_setup(dma_crosses_pages, set_up),
        cmocka_unit_test_setup(every_page_size, set_up),
        cmocka_unit_test_setup(every_mode, set_up),
        cmocka_unit_test_setup(levels_are_skipped, set_up),
        cmocka_unit_test_setup(rights_hold_on_every_level, set_up),
        cmocka_unit_test_setup(device_entry_faults, set_up),
        cmocka_unit_test_setup(paging_entry_faults, set_up),
        cmocka_unit_test_setup(unreadable_tables, set_up),
        cmocka_unit_test_setup(device_table_has_a_size, set_up),
        cmocka_unit_test_setup(invalid_entry_passes_everything, set_up),
        cmocka_unit_test_setup(exclusion_range, set_up),
        cmocka_unit_test_setup(interrupt_window, set_up),
        cmocka_unit_test_setup(page_onto_the_window, set_up),
        cmocka_unit_test_setup(special_addresses, set_up),
        cmocka_unit_test_setup(pretranslated_requests, set_up),
        cmocka_unit_test(capabilities_narrow),
        cmocka_unit_test(offered_fields_are_not_reserved),
        cmocka_unit_test_setup(freed_device_table_is_caught, set_up),
        cmocka_unit_test_setup(unit_and_judge_agree, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
