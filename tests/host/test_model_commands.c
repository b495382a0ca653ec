/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The modelled VT-d unit judged alone: registers, global commands, the queue, and each broken rule
 * named. */

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
    start_with(&MODEL_VTD_DEFAULT);
    out32(GCMD, TE);
    expect_violation("before SRTP");
}

static void queue_rules(void **state)
{
    (void)state;
    submit(0x11 | 0x40, 0);
    expect_violation("bad descriptor");
    assert_int_equal(in32(FSTS), 0x10);
    assert_int_equal(in64(IQH), tail - 16);
    submit(0x12, 0);
    assert_int_equal(in64(IQH), tail - 32);
    table_store64(&queue[(tail - 32) / 8], 0x11);
    out32(FSTS, 0x10);
    assert_int_equal(in64(IQH), tail);
    no_violation();

    out64(CCMD, UINT64_C(5) << 61);
    expect_violation("CCMD used while QIE is on");
    assert_int_equal(in64(CCMD) >> 63, 1);
    out64(IQA, 0);
    expect_violation("IQA written");
    out32(GCMD, TE);
    assert_true(model_violation_seen("not drained"));
    model_violations_clear();

    const uint64_t bad[][2] = {
        {0x02, 0},
        {0x32, 19},
        {0x32, IOVA | 0x80},
        {0x12 | 0x100, 0},
        {0x05 | 0x100, 0},
        {0x25, 0x70000000},
        {0x25, 0x1000000 | 2},
        {0x00, 0},
        {0x13, 0},
        {0x04 | 0x20, 0},
        {0x07, 0},
        {0x11, 1},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        submit(bad[i][0], bad[i][1]);
        expect_violation("bad descriptor");
        table_store128(&queue[(tail - 16) % 4096 / 8], 0x12, 0);
        out32(FSTS, 0x10);
        assert_int_equal(in64(IQH), tail);
    }
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
        cmocka_unit_test_setup(queue_rules, set_up),
        cmocka_unit_test_setup(wait_interrupts_once, set_up),
        cmocka_unit_test_setup(delays_and_refusals, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
