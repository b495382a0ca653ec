/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The modelled VT-d unit judged alone: registers, global commands, register-based invalidation,
 * write buffers, and each broken rule named. The queue: test_model_queue.c. */

#include "model_fixture.h"

static void registers_have_widths(void **state)
{
    (void)state;
    struct mmio window;

    start_with(&MODEL_VTD_DEFAULT);
    assert_true(mmio_map(unit.config.base, 0x1000, &window));
    assert_int_equal(mmio_read32(&window, (reg32_t){0}), 0x10);
    assert_int_equal(mmio_read64(&window, (reg64_t){8}), MODEL_VTD_CAP);
    assert_int_equal(mmio_read32(&window, (reg32_t){12}), MODEL_VTD_CAP >> 32);
    no_violation();
    mmio_write64(&window, (reg64_t){FECTL}, 0);
    expect_violation("8-byte access to register 0x38");
    mmio_write32(&window, (reg32_t){0x1F0}, 0);
    expect_violation("unknown register 0x1f0");
    mmio_write32(&window, (reg32_t){GSTS}, 0);
    expect_violation("read-only register");
    (void)mmio_read32(&window, (reg32_t){0x1000});
    expect_violation("window");
    assert_true(mmio_map(0x80000000, 0x1000, &window));
    assert_int_equal(mmio_read32(&window, (reg32_t){0}), UINT32_MAX);
    assert_false(mmio_map(MODEL_RAM_BASE, 0x1000, &window));
}

static void invalidate_with_registers(void)
{
    out64(CCMD, UINT64_C(5) << 61);
    out64(IOTLB, UINT64_C(9) << 60);
}

static void global_command_rules(void **state)
{
    (void)state;
    out32(GCMD, TE | SRTP); /* QIE is lost */
    expect_violation("several fields");
    assert_int_equal(in32(GSTS), TE | SRTP);
    out32(GCMD, 0);
    assert_int_equal(in32(GSTS), SRTP);
    out64(RTADDR, 0);
    out32(GCMD, TE);
    expect_violation("RTADDR was changed");
    out32(GCMD, 0);
    out32(GCMD, SRTP);
    out32(GCMD, TE);
    expect_violation("before context cache");
    invalidate_with_registers();
    out32(GCMD, 0);
    out32(GCMD, TE);
    expect_violation("TE set again without another SRTP");
    start_with(&MODEL_VTD_DEFAULT);
    out32(GCMD, TE);
    expect_violation("TE set before SRTP completed");
}

static void global_commands_offered(void **state)
{
    (void)state;
    static const uint32_t bits[] = {1, 1 << 22, SRTP >> 1, SRTP >> 2, SRTP >> 3, QIE};
    struct model_vtd_config config = MODEL_VTD_DEFAULT;

    config.ecap &= ~MODEL_VTD_ECAP_QI;
    start_with(&config);
    for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        out32(GCMD, bits[i]);
        expect_violation("reserved or not offered");
        assert_int_equal(in32(GSTS), 0);
    }
    start_with(&MODEL_VTD_DEFAULT);
    out64(RTADDR, physical(root) | 1 << 11);
    out32(GCMD, SRTP);
    expect_violation("asks for another mode than legacy");
    start_with(&MODEL_VTD_DEFAULT);
    unit.broken.command_delay = 2;
    out32(GCMD, SRTP);
    out64(RTADDR, physical(root));
    expect_violation("RTADDR written before SRTP completed");
}

static void reserved_bits_of_registers(void **state)
{
    (void)state;
    const struct {
        uint32_t offset;
        uint64_t value;
    } cases[] = {
        {RTADDR, 1},
        {CCMD, UINT64_C(1) << 34},
        {CCMD, UINT64_C(1) << 58},
        {IOTLB, 1},
        {IOTLB, UINT64_C(1) << 50},
        {IOTLB, UINT64_C(1) << 62},
        {IOTLB - 8, 0x80},
        {IQA, 8},
        {0xB8, 0x10},
        {FEADDR, 2},
        {FECTL, 1},
        {IECTL, 1u << 29},
        {IECTL + 8, 1},
        {ICS, 2},
        {0x64, 2},
    };

    start_with(&MODEL_VTD_DEFAULT);
    unit.config.cap |= MODEL_VTD_CAP_PLMR;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool wide = cases[i].offset < FSTS || cases[i].offset == IQA || cases[i].offset == 0xB8 ||
                    cases[i].offset == IOTLB || cases[i].offset == IOTLB - 8;
        model_vtd_write(&unit, cases[i].offset, wide ? 8 : 4, cases[i].value);
        expect_violation("sets reserved bits");
    }
    unit.config.cap &= ~MODEL_VTD_CAP_PLMR;
    out32(0x64, 1u << 31);
    expect_violation("no protected memory regions are offered");
    out32(0x68, UINT32_MAX); /* how software finds out which bits there are */
    assert_int_equal(in32(0x68), 0xFFF00000u);
    no_violation();
}

static void queue_registers_are_fixed_while_in_use(void **state)
{
    (void)state;
    out64(IQA, 0);
    expect_violation("IQA written while QIE is on");
    assert_int_equal(in64(IQA), physical(queue));
    out64(CCMD, UINT64_C(5) << 61);
    expect_violation("CCMD used while QIE is on");
    assert_int_equal(in64(CCMD) >> 63, 1);
    start_with(&MODEL_VTD_DEFAULT);
    out64(IQA, physical(queue));
    out64(IQT, 16);
    out32(GCMD, QIE);
    assert_true(model_violation_seen("IQT is 0x10, not 0"));
}

static void write_1_to_clear_is_not_written_back(void **state)
{
    (void)state;
    uint32_t value;

    assert_int_equal(dma_read(0x1000, &value), MODEL_DMA_REFUSED);
    out32(FSTS, in32(FSTS));
    expect_violation("FSTS 0x2 written back");
    out32(FRCD + 12, 0x80000000u);
    assert_int_equal(in32(FSTS), 0);
    no_violation();
}

/* ---- Register-based invalidation ---- */

static void registers_invalidate(void **state)
{
    (void)state;
    uint32_t value;

    out32(GCMD, TE);
    expect_allowed(IOVA);
    put(&level1[4], 0);
    out64(IOTLB - 8, IOVA);
    out64(IOTLB, UINT64_C(0xB) << 60 | (uint64_t)(DOMAIN + 1) << 32);
    expect_allowed(IOVA);
    out32(IOTLB + 4, 0xB0000000u | DOMAIN);
    assert_int_equal(in64(IOTLB) >> 57, 0x1B); /* done: IVT clear, IAIG says page-selective */
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
    put(&level1[4], page_physical | 3);
    put(&contexts[2 * 0x20], 0);
    assert_int_equal(dma_read(IOVA + 0x1000, &value), MODEL_DMA_REFUSED);
    clear_faults();
    out64(CCMD, UINT64_C(7) << 61 | (uint64_t)SOURCE << 16 | DOMAIN);
    assert_int_equal(in64(CCMD) >> 59, 0xF);
    expect_fault(IOVA, false, MODEL_VTD_CONTEXT_NOT_PRESENT);
    no_violation();

    out64(CCMD, UINT64_C(1) << 63);
    expect_violation("reserved granularity");
    out64(IOTLB, UINT64_C(1) << 63);
    expect_violation("IVA 0x4080604000: not offered");
    out64(IOTLB - 8, 19);
    out64(IOTLB, UINT64_C(0xB) << 60);
    expect_violation("IVA 0x13: not offered");
    out64(CCMD, UINT64_C(3) << 62 | 0xFFFF);
    no_violation();
    unit.config.cap &= ~MODEL_VTD_CAP_ND;
    out64(CCMD, UINT64_C(3) << 62 | 0xFFFF);
    expect_violation("invalidation of domain 0xffff, ids have 4 bits");
}

static void registers_invalidate_late(void **state)
{
    (void)state;
    out32(GCMD, TE);
    expect_allowed(IOVA);
    put(&level1[4], 0);
    unit.broken.command_delay = 3;
    out64(IOTLB, UINT64_C(9) << 60);
    out64(IOTLB, UINT64_C(9) << 60);
    expect_violation("IOTLB written before the last command completed");
    out64(CCMD, UINT64_C(5) << 61);
    expect_violation("CCMD written before the last command completed");
    expect_allowed(IOVA);
    (void)time_ns();
    assert_int_equal(in64(IOTLB) >> 63, 1);
    assert_int_equal(in64(IOTLB) >> 63, 0);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);

    unit.broken.never_invalidates = true;
    out64(CCMD, UINT64_C(5) << 61);
    model_clock_advance(NS_PER_S);
    model_clock_advance(NS_PER_S);
    assert_int_equal(in64(CCMD) >> 63, 1);
    unit.broken.command_delay = 0;
    out64(IQA, physical(queue));
    out32(GCMD, TE | QIE);
    expect_violation("written while an invalidation is pending");
    start_with(&MODEL_VTD_DEFAULT);
    unit.broken.command_delay = 2;
    out32(GCMD, SRTP);
    out64(CCMD, UINT64_C(5) << 61);
    expect_violation("CCMD written before GCMD 0x40000000 completed");
}

/* ---- Write buffers ---- */

/* A write of a device that was let through may reach memory late: DW waits for it. */
static void writes_are_drained(void **state)
{
    (void)state;
    unit.broken.writes_linger = true;
    assert_int_equal(dma_write(IOVA), MODEL_DMA_ALLOWED);
    invalidate(DOMAIN << 16 | 0x32, IOVA);
    invalidate((DOMAIN + 1) << 16 | 0x72, IOVA);
    invalidate(DOMAIN << 16 | 0x72, IOVA + 0x1000);
    assert_int_equal(*(uint32_t *)page, SECRET);
    invalidate(DOMAIN << 16 | 0x72, IOVA);
    assert_int_equal(*(uint32_t *)page, 0xBAD);
    assert_int_equal(dma_write(IOVA + 8), MODEL_DMA_ALLOWED);
    assert_int_equal(dma_write(IOVA + 12), MODEL_DMA_ALLOWED);
    assert_int_equal(page[8], 0xAD);
    invalidate(0x12, 0);
    assert_int_equal(page[12], 0);
    invalidate(0x52, 0);
    assert_int_equal(page[12], 0xAD);
    no_violation();

    assert_int_equal(dma_write(IOVA + 16), MODEL_DMA_ALLOWED);
    put(&level1[4], 0);
    invalidate(DOMAIN << 16 | 0x32, IOVA);
    assert_true(memory_free(OWNER_DRIVER, page, 1));
    out32(GCMD, TE);
    out64(IOTLB, UINT64_C(0x9001) << 48);
    expect_violation("DMA of 0120");
}

/* A store is on its way until GCMD.WBF, or an invalidation, has flushed the buffers. */
static void write_buffers_hide_stores(void **state)
{
    (void)state;
    struct model_vtd_config config = MODEL_VTD_DEFAULT;

    for (unsigned coherent = 0; coherent < 2; coherent++) {
        config.cap |= MODEL_VTD_CAP_RWBF;
        config.ecap = MODEL_FIELD(config.ecap, MODEL_VTD_ECAP_C, coherent);
        start_with(&config);
        enable();
        put(&level1[5], page_physical | 3);
        put(&level1[5], page_physical | 3);
        assert_int_equal(dma_write(IOVA + 0x1000), MODEL_DMA_REFUSED);
        clear_faults();
        out32(GCMD, QIE | TE | 1u << 27);
        assert_int_equal(in32(GSTS), TE | SRTP | QIE);
        assert_int_equal(dma_write(IOVA + 0x1000), MODEL_DMA_ALLOWED);
        put(&level1[6], page_physical | 3);
        assert_int_equal(dma_write(IOVA + 0x2000), MODEL_DMA_REFUSED);
        clear_faults();
        invalidate(0x04, 0);
        assert_int_equal(dma_write(IOVA + 0x2000), MODEL_DMA_ALLOWED);
        no_violation();
    }
    unit.broken.command_delay = 2;
    put(&level1[7], page_physical | 3);
    out32(GCMD, QIE | TE | 1u << 27);
    assert_int_equal(in32(GSTS), TE | SRTP | QIE | 1u << 27);
    assert_int_equal(dma_write(IOVA + 0x3000), MODEL_DMA_REFUSED);
    (void)time_ns();
    assert_int_equal(dma_write(IOVA + 0x3000), MODEL_DMA_ALLOWED);
}

static void memory_is_protected(void **state)
{
    (void)state;
    struct model_vtd_config config = MODEL_VTD_DEFAULT;
    uint32_t value;

    config.cap |= MODEL_VTD_CAP_PLMR | MODEL_VTD_CAP_PHMR;
    start_with(&config);
    enable();
    out32(0x68, (uint32_t)page_physical);
    out32(0x6C, (uint32_t)page_physical);
    expect_allowed(IOVA);
    unit.broken.command_delay = 2;
    out32(0x64, 1u << 31);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_ALLOWED);
    out32(0x64, 1u << 31);
    expect_violation("PMEN written before the last command completed");
    assert_int_equal(in32(0x64), 1u << 31);
    assert_int_equal(in32(0x64), 1u << 31 | 1);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_REFUSED);
    assert_int_equal(in32(FSTS), 0);
    unit.broken.command_delay = 0;
    out32(0x68, 0);
    out32(0x6C, 0);
    expect_allowed(IOVA);
    out64(0x70, page_physical);
    out64(0x78, page_physical);
    assert_int_equal(dma_read(IOVA, &value), MODEL_DMA_REFUSED);
    out32(0x64, 0);
    expect_allowed(IOVA);
    no_violation();
}

/* Another root table: what the old one gave stays cached, unless ESRTPS. */
static void root_pointer_is_latched(void **state)
{
    (void)state;
    for (unsigned flushes = 0; flushes < 2; flushes++) {
        struct model_vtd_config config = MODEL_VTD_DEFAULT;

        config.cap = MODEL_FIELD(config.cap, MODEL_VTD_CAP_ESRTPS, flushes);
        start_with(&config);
        enable();
        expect_allowed(IOVA);
        out64(RTADDR, physical(frame(OWNER_IOMMU)));
        expect_allowed(IOVA);
        out32(GCMD, QIE | TE | SRTP);
        if (!flushes) {
            expect_allowed(IOVA);
            invalidate_all();
        }
        expect_fault(IOVA, false, MODEL_VTD_ROOT_NOT_PRESENT);
        no_violation();
    }
}

static void some_things_never_happen(void **state)
{
    (void)state;
    start_with(&MODEL_VTD_DEFAULT);
    unit.broken.never_rtps = unit.broken.never_qies = true;
    out32(GCMD, SRTP);
    assert_int_equal(in32(GSTS), 0);
    out32(GCMD, QIE);
    assert_int_equal(in32(GSTS), 0);
    no_violation();

    assert_int_equal(set_up(NULL), 0);
    unit.broken.iqe_waits_for_tail = true;
    submit(0, 0);
    expect_violation("bad descriptor");
    table_store128(&queue[(tail - 16) / 8], 0x12, 0);
    out32(FSTS, 0x10);
    assert_int_equal(in64(IQH), tail - 16);
    submit(0x12, 0);
    assert_int_equal(in64(IQH), tail);
    no_violation();
}

static void registers_are_where_capabilities_say(void **state)
{
    (void)state;
    struct model_vtd_config config = MODEL_VTD_DEFAULT;

    config.cap = MODEL_FIELD(config.cap, UINT64_C(0x3FF) << 24, 0x100);
    config.ecap = MODEL_FIELD(config.ecap, UINT64_C(0x3FF) << 8, 0x200);
    start_with(&config);
    out64(RTADDR, physical(root));
    out32(GCMD, SRTP);
    out64(CCMD, UINT64_C(5) << 61);
    out64(0x2008, UINT64_C(9) << 60);
    assert_int_equal(in64(0x2008) >> 57, 9);
    out32(GCMD, TE);
    assert_int_equal(dma_write(0x1000), MODEL_DMA_REFUSED);
    assert_int_equal(in64(0x1000), 0x1000);
    assert_int_equal(in64(0x1008) >> 63, 1);
    no_violation();
    out64(IOTLB, UINT64_C(9) << 60);
    expect_violation("write to unknown register 0xf8");
}

static void wait_interrupts_once(void **state)
{
    (void)state;
    irq_line_t line;
    struct msi_message message;

    assert_true(irq_allocate(&line, &message));
    out32(IECTL + 4, message.data);
    out32(IECTL + 8, (uint32_t)message.address);
    out32(IECTL, 0);
    submit(0x15, 0);
    assert_true(irq_take(line));
    assert_int_equal(in32(ICS), 1);
    submit(0x15, 0);
    assert_false(irq_take(line));
    out32(ICS, 1);
    submit(0x15, 0);
    assert_true(irq_take(line));
    no_violation();
}

static void delays_and_refusals(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    unit.broken.queue_delay = 3;
    submit(DOMAIN << 16 | 0x32, IOVA);
    submit(0x05, 0);
    expect_allowed(IOVA);
    (void)time_ns();
    (void)in64(IQH);
    expect_allowed(IOVA);
    (void)time_ns();
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);

    unit.broken.queue_delay = 0;
    unit.broken.queue_stuck = true;
    submit(0x12, 0);
    assert_int_equal(in64(IQH), tail - 16);
    for (unsigned i = 0; i < 254; i++) {
        submit(0x12, 0);
    }
    no_violation();
    submit(0x12, 0);
    expect_violation("overruns");

    assert_int_equal(set_up(NULL), 0);
    table_store128(&queue[tail / 8], 0x12, 0);
    out64(IQT, tail + 16);
    expect_violation("may still be on its way");

    struct model_vtd_config config = MODEL_VTD_DEFAULT;
    config.broken.command_delay = 2;
    start_with(&config);
    out32(GCMD, SRTP);
    assert_int_equal(in32(GSTS), 0);
    out32(GCMD, SRTP);
    expect_violation("before 0x40000000 completed");
    assert_int_equal(in32(GSTS), 0);
    assert_int_equal(in32(GSTS), SRTP);
    unit.broken.never_te = true;
    out32(GCMD, TE);
    model_clock_advance(NS_PER_S);
    model_clock_advance(NS_PER_S);
    assert_int_equal(in32(GSTS), SRTP);
    unit.broken.presence = MODEL_VTD_ALL_ONES;
    assert_int_equal(in32(GSTS), UINT32_MAX);
    unit.broken.presence = MODEL_VTD_ALL_ZEROS;
    assert_int_equal(in64(8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_have_widths),
        cmocka_unit_test_setup(global_command_rules, set_up),
        cmocka_unit_test(global_commands_offered),
        cmocka_unit_test(reserved_bits_of_registers),
        cmocka_unit_test_setup(queue_registers_are_fixed_while_in_use, set_up),
        cmocka_unit_test_setup(write_1_to_clear_is_not_written_back, set_up),
        cmocka_unit_test_setup(registers_invalidate, set_up),
        cmocka_unit_test_setup(registers_invalidate_late, set_up),
        cmocka_unit_test_setup(writes_are_drained, set_up),
        cmocka_unit_test(write_buffers_hide_stores),
        cmocka_unit_test(memory_is_protected),
        cmocka_unit_test(root_pointer_is_latched),
        cmocka_unit_test(some_things_never_happen),
        cmocka_unit_test(registers_are_where_capabilities_say),
        cmocka_unit_test_setup(wait_interrupts_once, set_up),
        cmocka_unit_test_setup(delays_and_refusals, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
