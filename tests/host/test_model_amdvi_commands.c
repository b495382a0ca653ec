/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The modelled AMD-Vi unit judged alone: registers, PCI capability, the command buffer, and each
 * broken rule named. */

#include "amdvi_fixture.h"

static void registers_have_widths(void **state)
{
    (void)state;
    struct mmio window;

    start_with(&MODEL_AMDVI_DEFAULT);
    assert_true(mmio_map(unit.config.base, 0x4000, &window));
    assert_int_equal(mmio_read64(&window, (reg64_t){EFR}), 0x840);
    assert_int_equal(mmio_read32(&window, (reg32_t){EFR}), 0x840);
    assert_int_equal(mmio_read32(&window, (reg32_t){EFR + 4}), 0);
    assert_int_equal(mmio_read64(&window, (reg64_t){0x1A0}), 0);
    mmio_write32(&window, (reg32_t){DEV_TAB}, 0x12345003);
    mmio_write32(&window, (reg32_t){DEV_TAB + 4}, 0xA);
    assert_int_equal(in64(DEV_TAB), UINT64_C(0xA12345003));
    mmio_write64(&window, (reg64_t){CMD_BASE}, UINT64_C(0x0F0FFFFFFFFFF000));
    assert_true(in64(CMD_BASE) == UINT64_C(0x0F0FFFFFFFFFF000));
    no_violation();
    (void)model_amdvi_read(&unit, STATUS, 1);
    expect_violation("1-byte access to register 0x2020");
    model_amdvi_write(&unit, CONTROL + 2, 2, 0);
    expect_violation("2-byte access to register 0x1a");
    mmio_write64(&window, (reg64_t){0x38}, 0);
    expect_violation("unknown register 0x38");
    mmio_write64(&window, (reg64_t){EFR}, 0);
    expect_violation("read-only register");
}

static void reserved_bits_of_registers(void **state)
{
    (void)state;
    const struct {
        uint32_t offset;
        uint64_t value;
    } cases[] = {
        {DEV_TAB, 1 << 9},
        {DEV_TAB, BIT(52)},
        {CMD_BASE, RING_256 | 0x800},
        {CMD_BASE, RING_256 | BIT(60)},
        {EVT_BASE, RING_256 | 1},
        {EXCL_BASE, 4},
        {EXCL_LIMIT, 0xFFF},
        {CMD_TAIL, 8},
        {CMD_TAIL, 1 << 19},
        {EVT_HEAD, 8},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_with(&MODEL_AMDVI_DEFAULT);
        out64(cases[i].offset, cases[i].value);
        expect_violation("sets reserved bits");
        assert_int_equal(in64(cases[i].offset), cases[i].value & RING_256);
    }
    out64(CONTROL, BIT(13)); /* PPRLogEn */
    expect_violation("not offered");
    out64(CONTROL, BIT(17)); /* GAEn */
    expect_violation("not offered");
    out64(CONTROL, 6 << 5);
    expect_violation("InvTimeOut 6");
    unit.config.efr |= MODEL_AMDVI_EFR_GASUP;
    out64(CONTROL, BIT(17));
    assert_int_equal(in64(CONTROL), BIT(17));
    no_violation();
}

static void bases_are_fixed_while_in_use(void **state)
{
    (void)state;
    out64(DEV_TAB, 0);
    expect_violation("device table base written while");
    out32(CMD_BASE + 4, 0);
    expect_violation("command buffer base written while");
    out64(EVT_BASE, 0);
    expect_violation("event log base written while");
    out64(CMD_HEAD, 0);
    expect_violation("command head written while");
    out64(EVT_TAIL, 0);
    expect_violation("event tail written while");
    expect_allowed(IOVA);
    submit_wait();

    out64(CONTROL, ALL_ON & ~CMD_BUF_EN);
    assert_int_equal(in64(STATUS), 0x08);
    out64(CMD_HEAD, 0x20);
    assert_int_equal(in64(CMD_HEAD), 0x20);
    out64(CMD_BASE, physical(commands) | RING_256);
    assert_int_equal(in64(CMD_HEAD), 0);
    assert_int_equal(in64(CMD_TAIL), 0);
    no_violation();
}

static void lengths_are_checked(void **state)
{
    (void)state;
    start_with(&MODEL_AMDVI_DEFAULT);
    set_bases();
    out64(CMD_BASE, physical(commands) | UINT64_C(7) << 56);
    out64(CONTROL, ALL_ON);
    expect_violation("command buffer enabled with the reserved length 7");
    assert_int_equal(in64(STATUS), 0x08);
    out64(CONTROL, 0);
    out64(CMD_BASE, physical(commands) | RING_256);
    out64(EVT_BASE, physical(events));
    out64(CONTROL, ALL_ON);
    expect_violation("event log enabled with the reserved length 0");
    assert_int_equal(in64(STATUS), 0x10);
    out64(CMD_TAIL, 4096);
    expect_violation("command tail 0x1000 is beyond");
    out64(CONTROL, 0);
    out64(CMD_HEAD, 4096);
    expect_violation("command head 0x1000 is beyond");
    out64(CMD_BASE, physical(commands) | UINT64_C(9) << 56);
    out64(CMD_HEAD, 4096);
    out64(CMD_TAIL, 4096);
    no_violation();
}

static void nothing_runs_before_iommu_en(void **state)
{
    (void)state;
    start_with(&MODEL_AMDVI_DEFAULT);
    set_bases();
    out64(CONTROL, ALL_ON & ~IOMMU_EN);
    assert_int_equal(in64(STATUS), 0);
    submit(OP_WAIT | physical(store) | 1, 5);
    assert_int_equal(in64(CMD_HEAD), 0);
    out64(CONTROL, ALL_ON);
    assert_int_equal(in64(CMD_HEAD), 16);
    assert_int_equal(*store, 5);
    no_violation();
}

/* Stops at the command, says so, and goes on when it was mended and CmdBufEn toggled. */
static void illegal_commands_stop_the_buffer(void **state)
{
    (void)state;
    const uint64_t bad[][2] = {
        {0, 0},
        {UINT64_C(15) << 60, 0},
        {OP_WAIT | BIT(52), 0},
        {OP_WAIT | BIT(59), 0},
        {OP_DEVTAB | BIT(16), 0},
        {OP_DEVTAB | SOURCE, 1},
        {OP_PAGES | 1, IOVA}, /* PASID without GTSup */
        {OP_PAGES | BIT(48), IOVA},
        {OP_PAGES | BIT(32), IOVA | 4}, /* GN without GTSup */
        {OP_PAGES | BIT(32), IOVA | 8},
        {OP_PAGES | BIT(32), UINT64_C(0xFFFFFFFFFFFFF001)},
        {OP_IOTLB | SOURCE, IOVA}, /* no IotlbSup */
        {OP_INT_TABLE | BIT(16), 0},
        {OP_INT_TABLE | SOURCE, BIT(63)},
        {UINT64_C(6) << 60, 0}, /* no PreFSup */
        {UINT64_C(7) << 60, 0}, /* no PPRSup */
        {OP_ALL | 1, 0},
        {OP_ALL, 1},
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        unsigned at = tail;
        submit(bad[i][0], bad[i][1]);
        expect_violation("illegal command");
        expect_event(UINT64_C(0x5000000000000000), physical(commands) + at);
        assert_int_equal(in64(STATUS), 0x08);
        assert_int_equal(in64(CMD_HEAD), at);
        table_store128(&commands[at / 8], OP_ALL, 0);
        submit(OP_WAIT | physical(store) | 1, i + 1);
        assert_int_equal(in64(CMD_HEAD), at);
        out64(CONTROL, ALL_ON & ~CMD_BUF_EN);
        out64(CONTROL, ALL_ON);
        assert_int_equal(in64(CMD_HEAD), tail);
        assert_int_equal(*store, i + 1);
    }
    no_violation();
}

static void offered_commands_are_known(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    config.capability |= MODEL_AMDVI_CAP_IOTLB;
    config.efr |= MODEL_AMDVI_EFR_PREF | MODEL_AMDVI_EFR_PPRSUP;
    start_with(&config);
    enable();
    submit(OP_IOTLB | SOURCE | UINT64_C(8) << 24 | UINT64_C(0x120) << 32, EVERYTHING | 1);
    submit(OP_INT_TABLE | SOURCE, 0);
    submit(UINT64_C(6) << 60 | SOURCE, IOVA);
    submit(UINT64_C(7) << 60 | SOURCE, 0);
    submit(OP_WAIT, 0);
    assert_int_equal(model_amdvi_log_count(&unit), 5);
    assert_int_equal(model_amdvi_log_kind(&unit, MODEL_AMDVI_IOTLB_PAGES), 1);
    assert_int_equal(model_amdvi_log(&unit, 0)->device, SOURCE);
    config.efr &= ~MODEL_AMDVI_EFR_IASUP;
    no_violation();
    start_with(&config);
    enable();
    submit(OP_ALL, 0);
    expect_violation("illegal command");
}

static void hardware_errors_stop_the_buffer(void **state)
{
    (void)state;
    unit.broken.command_error = MODEL_AMDVI_DATA_ERROR;
    submit(OP_ALL, 0);
    expect_event(UINT64_C(0x6600000000000000), physical(commands));
    assert_int_equal(in64(STATUS), 0x08);
    unit.broken.command_error = MODEL_AMDVI_NO_ERROR;
    submit(OP_WAIT | 0x70000000 | 1, 0);
    assert_int_equal(in64(CMD_HEAD), 0);
    out64(CONTROL, ALL_ON & ~CMD_BUF_EN);
    out64(CONTROL, ALL_ON);
    expect_event(UINT64_C(0x6200000000000000), 0x70000000);
    no_violation();

    out64(CONTROL, 0);
    out64(CMD_BASE, 0x70000000 | RING_256);
    out64(CONTROL, ALL_ON);
    out64(CMD_TAIL, 16);
    expect_event(UINT64_C(0x6200000000000000), 0x70000000);
    out64(CONTROL, 0);
    out64(CMD_BASE, page_physical | RING_256);
    memset(page, 0, FRAME_SIZE);
    table_store64((uint64_t *)page + 1, 0);
    table_store64((uint64_t *)page, OP_WAIT);
    table_fence();
    out64(CONTROL, ALL_ON);
    out64(CMD_TAIL, 16);
    expect_violation("a command is fetched from");
}

static void store_goes_to_a_frame_of_the_driver(void **state)
{
    (void)state;
    submit(OP_WAIT | page_physical | 1, 0);
    expect_violation("COMPLETION_WAIT stores to");
    *store = 7;
    submit(OP_WAIT | physical(store), 9); /* s clear */
    assert_int_equal(*store, 7);
    no_violation();
}

static void tail_overruns_are_seen(void **state)
{
    (void)state;
    unit.broken.never_fetches = true;
    for (unsigned i = 0; i < 255; i++) {
        submit(OP_ALL, 0);
    }
    assert_int_equal(in64(CMD_HEAD), 0);
    assert_int_equal(in64(STATUS), 0x18);
    no_violation();
    submit(OP_ALL, 0);
    expect_violation("overruns");

    assert_int_equal(set_up(NULL), 0);
    table_store128(&commands[tail / 8], OP_ALL, 0);
    out64(CMD_TAIL, tail + 16);
    expect_violation("may still be on its way");
}

static void buffer_wraps(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        submit_wait();
    }
    assert_int_equal(in64(CMD_HEAD), 600 * 16 % 4096);
    no_violation();
}

static void delays(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    unit.broken.fetch_delay = 2;
    submit(OP_PAGES | UINT64_C(0x42) << 32, IOVA);
    submit(OP_WAIT | physical(store) | 1, 0xAA);
    (void)time_ns();
    expect_allowed(IOVA);
    assert_int_equal(*store, 0);
    unit.broken.completion_delay = 3;
    assert_int_equal(in64(CMD_HEAD), 0x20); /* fetched, not done */
    expect_allowed(IOVA);
    (void)time_ns();
    assert_int_equal(*store, 0);
    (void)time_ns();
    assert_int_equal(*store, 0xAA);
    expect_fault(IOVA, false, MODEL_AMDVI_NOT_PRESENT);
    no_violation();
}

/* What a driver that gave up meets: the completion of before, after it restarted the buffer. */
static void completion_can_be_stale(void **state)
{
    (void)state;
    unit.broken.completion_delay = 5;
    submit(OP_WAIT | physical(store) | 1, 1);
    out64(CONTROL, ALL_ON & ~CMD_BUF_EN);
    out64(CONTROL, ALL_ON);
    submit(OP_WAIT | physical(store) | 1, 2);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(*store, 0);
        (void)time_ns();
    }
    assert_int_equal(*store, 1);
    for (unsigned i = 0; i < 5; i++) {
        (void)time_ns();
    }
    assert_int_equal(*store, 2);
    no_violation();
}

static void some_things_never_happen(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    unit.broken.never_completes = true;
    submit(OP_WAIT | physical(store) | 1, 1);
    submit(OP_ALL, 0);
    model_clock_advance(NS_PER_S);
    model_clock_advance(NS_PER_S);
    assert_int_equal(in64(CMD_HEAD), 16);
    assert_int_equal(*store, 0);
    unit.broken.never_completes = false;
    out64(CONTROL, ALL_ON & ~CMD_BUF_EN);
    out64(CONTROL, ALL_ON);
    assert_int_equal(in64(CMD_HEAD), 32);
    submit_wait();

    unit.broken.all_ones = true;
    assert_true(in64(STATUS) == UINT64_MAX);
    assert_int_equal(in32(CMD_HEAD), UINT32_MAX);
    out64(CONTROL, 0);
    unit.broken.all_ones = false;
    assert_int_equal(in64(CONTROL), ALL_ON);
    config.broken.never_runs = true;
    start_with(&config);
    set_bases();
    out64(CONTROL, ALL_ON);
    assert_int_equal(in64(STATUS), 0x08);
    no_violation();
}

static void device_tlb_times_out(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    config.capability |= MODEL_AMDVI_CAP_IOTLB;
    config.broken.device_tlb_silent = true;
    start_with(&config);
    enable();
    out64(CONTROL, ALL_ON | TIMEOUT_1MS);
    submit(OP_ALL, 0);
    submit(OP_IOTLB | SOURCE, EVERYTHING | 1);
    expect_event(UINT64_C(0x7000000000000120), physical(commands) + 16);
    submit_wait();
    out64(CONTROL, ALL_ON); /* no time-out: for ever */
    submit(OP_IOTLB | SOURCE, EVERYTHING | 1);
    submit(OP_WAIT | physical(store) | 1, 0);
    assert_int_equal(in64(CMD_HEAD), (tail - 16) % 4096);
    assert_true(*store != 0);
    no_violation();
}

/* ---- PCI ---- */

static struct ecam_function *add_function(struct model_amdvi_config *config)
{
    model_reset();
    ecam_reset();
    (void)ecam_add_segment(0, ECAM_BASE, 1);
    config->function = ecam_add(0, PCI_BDF(0, 0, 2), 0);
    return config->function;
}

static void out_pci(uint16_t offset, uint32_t value)
{
    struct mmio window;

    assert_true(mmio_map(ECAM_BASE, 0x100000, &window));
    mmio_write32(&window, (reg32_t){PCI_BDF(0, 0, 2) * 0x1000u + offset}, value);
}

static void capability_block(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    config.physical_width = 40;
    config.virtual_width = 48;
    config.range = 0xFF00;
    config.base = UINT64_C(0x1FED80000);
    struct ecam_function *function = add_function(&config);
    create(&config);
    assert_int_equal(ecam_get32(function, 0x34), 0x40);
    assert_int_equal(ecam_get32(function, 0x08) >> 8, 0x080600);
    assert_int_equal(ecam_get32(function, 0x40), 0x180B900F);
    assert_int_equal(ecam_get32(function, 0x44), 0xFED80001);
    assert_int_equal(ecam_get32(function, 0x48), 1);
    assert_int_equal(ecam_get32(function, 0x4C), 0xFF000080);
    assert_int_equal(ecam_get32(function, 0x50), 0x00182840);
    out_pci(0x44, 0); /* locked */
    out_pci(0x48, 0);
    assert_int_equal(ecam_get32(function, 0x44), 0xFED80001);
    assert_int_equal(ecam_get32(function, 0x48), 1);
    assert_int_equal(in64(EFR), MODEL_AMDVI_EFR);
    no_violation();
}

static void base_is_enabled_once(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    config.base_unlocked = true;
    struct ecam_function *function = add_function(&config);
    create(&config);
    assert_true(in64(EFR) == UINT64_MAX);
    out64(DEV_TAB, 0x5000);
    out_pci(0x44, 0xFED80001);
    assert_int_equal(in64(DEV_TAB), 0);
    assert_int_equal(in64(EFR), MODEL_AMDVI_EFR);
    out_pci(0x44, 0xFED00000);
    assert_int_equal(ecam_get32(function, 0x44), 0xFED80001);
    no_violation();
    add_function(&config);
    create(&config);
    out_pci(0x44, 0xFED00001);
    expect_violation("base address 0xfed00000 was enabled");
}

static void wait_interrupts_once(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;
    irq_line_t line;
    struct msi_message message;

    add_function(&config);
    create(&config);
    enable();
    assert_true(irq_allocate(&line, &message));
    out_pci(0x94, (uint32_t)message.address);
    out_pci(0x98, (uint32_t)(message.address >> 32));
    out_pci(0x9C, message.data);
    out64(CONTROL, ALL_ON | WAIT_INT_EN);
    submit(OP_WAIT | 2, 0);
    assert_int_equal(in64(STATUS), 0x1C);
    assert_false(irq_take(line)); /* no MSI Enable */
    out_pci(0x90, 1 << 16);
    out32(STATUS, 4);
    submit(OP_WAIT | 2, 0);
    assert_false(irq_take(line)); /* no Bus Master */
    out_pci(0x04, 4);
    out32(STATUS, 4);
    submit(OP_WAIT | 2, 0);
    assert_true(irq_take(line));
    submit(OP_WAIT | 2, 0);
    assert_false(irq_take(line)); /* the bit still stands */
    out32(STATUS, 4);
    submit(OP_WAIT | 2, 0);
    assert_true(irq_take(line));
    out64(STATUS, 4);
    submit(OP_WAIT, 0);
    assert_int_equal(in64(STATUS), 0x18);
    out64(CONTROL, ALL_ON);
    submit(OP_WAIT | 2, 0);
    assert_false(irq_take(line));
    out64(CONTROL, ALL_ON | WAIT_INT_EN);
    assert_true(irq_take(line));
    no_violation();
    out_pci(0x98, 1);
    out64(STATUS, 4);
    submit(OP_WAIT | 2, 0);
    expect_violation("MSI to 0x1fee00000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_have_widths),
        cmocka_unit_test(reserved_bits_of_registers),
        cmocka_unit_test_setup(bases_are_fixed_while_in_use, set_up),
        cmocka_unit_test(lengths_are_checked),
        cmocka_unit_test(nothing_runs_before_iommu_en),
        cmocka_unit_test_setup(illegal_commands_stop_the_buffer, set_up),
        cmocka_unit_test(offered_commands_are_known),
        cmocka_unit_test_setup(hardware_errors_stop_the_buffer, set_up),
        cmocka_unit_test_setup(store_goes_to_a_frame_of_the_driver, set_up),
        cmocka_unit_test_setup(tail_overruns_are_seen, set_up),
        cmocka_unit_test_setup(buffer_wraps, set_up),
        cmocka_unit_test_setup(delays, set_up),
        cmocka_unit_test_setup(completion_can_be_stale, set_up),
        cmocka_unit_test_setup(some_things_never_happen, set_up),
        cmocka_unit_test(device_tlb_times_out),
        cmocka_unit_test(capability_block),
        cmocka_unit_test(base_is_enabled_once),
        cmocka_unit_test(wait_interrupts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
