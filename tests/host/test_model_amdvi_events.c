/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The event log of the modelled AMD-Vi unit: its overflow and restart, suppression, interrupts, the
 * errors of hardware, and the rules of its registers. */

#include "amdvi_fixture.h"

static void with_pci(irq_line_t *line)
{
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;
    struct msi_message message;

    model_reset();
    ecam_reset();
    assert_true(irq_allocate(line, &message));
    config.function = ecam_add(0, PCI_BDF(0, 0, 2), 0);
    create(&config);
    ecam_set32(config.function, 0x04, 4);
    ecam_set32(config.function, 0x90, ecam_get32(config.function, 0x90) | 1 << 16);
    ecam_set32(config.function, 0x94, (uint32_t)message.address);
    ecam_set32(config.function, 0x9C, message.data);
    enable();
}

static void fault(void)
{
    assert_int_equal(dma_write(0x1000), MODEL_DMA_REFUSED);
}

static void log_interrupts_once(void **state)
{
    (void)state;
    irq_line_t line;

    with_pci(&line);
    fault();
    assert_int_equal(in64(STATUS), 0x1A);
    assert_false(irq_take(line));
    out64(CONTROL, ALL_ON | EVENT_INT_EN);
    assert_true(irq_take(line)); /* it stood while disabled */
    fault();
    assert_int_equal(in64(EVT_TAIL), 0x20);
    assert_false(irq_take(line));
    out32(STATUS, 2);
    assert_int_equal(in64(STATUS), 0x18);
    fault();
    assert_true(irq_take(line));
    no_violation();
}

/* "EventOverflow" and "EventLogRun": one slot stays free, and only EventLogEn restarts. */
static void overflow_and_restart(void **state)
{
    (void)state;
    irq_line_t line;

    with_pci(&line);
    out64(CONTROL, ALL_ON | EVENT_INT_EN);
    for (unsigned i = 0; i < 255; i++) {
        fault();
    }
    assert_int_equal(in64(STATUS), 0x1A);
    assert_int_equal(in64(EVT_TAIL), 0xFF0);
    assert_true(irq_take(line));
    fault();
    assert_int_equal(in64(STATUS), 0x13);
    assert_int_equal(in64(EVT_TAIL), 0xFF0);
    assert_int_equal(events[0xFF0 / 8], 0);
    assert_true(irq_take(line));

    out64(EVT_HEAD, 0xFF0);
    fault();
    assert_int_equal(in64(EVT_TAIL), 0xFF0); /* dropped */
    out32(STATUS, 3);
    assert_int_equal(in64(STATUS), 0x10); /* clearing alone does not restart it */
    fault();
    assert_int_equal(in64(EVT_TAIL), 0xFF0);
    out64(CONTROL, (ALL_ON | EVENT_INT_EN) & ~EVENT_LOG_EN);
    out64(CONTROL, ALL_ON | EVENT_INT_EN);
    assert_int_equal(in64(STATUS), 0x18);
    fault();
    fault();
    assert_int_equal(in64(EVT_TAIL), 0x010); /* it wraps */
    assert_true(irq_take(line));
    no_violation();
}

static void restart_with_overflow_standing_fails(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        fault();
    }
    out64(EVT_HEAD, in64(EVT_TAIL));
    out64(CONTROL, ALL_ON & ~EVENT_LOG_EN);
    out64(CONTROL, ALL_ON);
    assert_int_equal(in64(STATUS), 0x13);
    out64(CONTROL, ALL_ON & ~EVENT_LOG_EN);
    out32(STATUS, 3);
    out64(CONTROL, ALL_ON);
    assert_int_equal(in64(STATUS), 0x18);
    no_violation();
}

static void suppression(void **state)
{
    (void)state;
    put(&entry_of(SOURCE)[1], DOMAIN | BIT(34)); /* SA */
    fault();
    no_event();
    put(&entry_of(SOURCE)[1], DOMAIN | BIT(33)); /* SE */
    invalidate_device(SOURCE);
    fault();
    expect_event(event_of(MODEL_AMDVI_NOT_PRESENT, true), 0x1000);
    fault();
    no_event();
    invalidate_device(SOURCE);
    fault();
    expect_event(event_of(MODEL_AMDVI_NOT_PRESENT, true), 0x1000);
    put(&entry_of(SOURCE)[1], DOMAIN | BIT(34) | BIT(42)); /* not of a broken entry */
    invalidate_device(SOURCE);
    fault();
    expect_event(event_of(MODEL_AMDVI_DTE_RESERVED, true), 0x1000);
    no_violation();
}

static void hardware_errors(void **state)
{
    (void)state;
    const uint64_t where = physical(entry_of(SOURCE));

    unit.broken.device_table_error = MODEL_AMDVI_TARGET_ABORT;
    fault();
    expect_event(UINT64_C(0x3420000000000120), where);
    unit.broken.device_table_error = MODEL_AMDVI_NO_ERROR;
    unit.broken.page_table_error = MODEL_AMDVI_DATA_ERROR;
    fault();
    expect_event(UINT64_C(0x4620004200000120), physical(level4));
    unit.broken.page_table_error = MODEL_AMDVI_NO_ERROR;
    expect_allowed(IOVA);
    no_violation();
}

/* RW has a meaning only where PR is set. */
static void write_flag_can_be_hidden(void **state)
{
    (void)state;
    fault();
    expect_event(UINT64_C(0x2020004200000120), 0x1000);
    unit.broken.write_hidden = true;
    fault();
    expect_event(UINT64_C(0x2000004200000120), 0x1000);
    put(&level1[4], page_physical | BIT(61) | 1);
    assert_int_equal(dma_write(IOVA), MODEL_DMA_REFUSED);
    expect_event(UINT64_C(0x2070004200000120), IOVA);
}

static void register_rules(void **state)
{
    (void)state;
    out64(CONTROL, ALL_ON | EVENT_INT_EN); /* no function, no interrupt */
    fault();
    out64(EVT_HEAD, 0x20);
    expect_violation("event head 0x20 passes tail 0x10");
    out64(EVT_HEAD, 4096);
    expect_violation("event head 0x1000 is beyond");
    out64(STATUS, in64(STATUS));
    expect_violation("written back");
    out64(CONTROL, ALL_ON & ~EVENT_LOG_EN);
    assert_int_equal(in64(STATUS), 0x10);
    fault();
    assert_int_equal(in64(EVT_TAIL), 0x10);
    out64(EVT_BASE, page_physical | RING_256);
    assert_int_equal(in64(EVT_TAIL), 0);
    out64(CONTROL, ALL_ON);
    fault();
    expect_violation("an event goes to");
    out64(CONTROL, ALL_ON & ~EVENT_LOG_EN);
    out64(EVT_BASE, 0x70000000 | RING_256);
    out64(CONTROL, ALL_ON);
    fault();
    expect_violation("an event goes to 0x70000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_interrupts_once),
        cmocka_unit_test(overflow_and_restart),
        cmocka_unit_test_setup(restart_with_overflow_standing_fails, set_up),
        cmocka_unit_test_setup(suppression, set_up),
        cmocka_unit_test_setup(hardware_errors, set_up),
        cmocka_unit_test_setup(write_flag_can_be_hidden, set_up),
        cmocka_unit_test_setup(register_rules, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
