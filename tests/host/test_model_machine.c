/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The modelled machine judged alone: memory, write-back, clock, interrupt lines, tasks. */

#include "arch/task.h"
#include "ecam.h"
#include "model_fixture.h"

static void memory_has_owners(void **state)
{
    (void)state;
    model_reset();
    void *one = memory_alloc(OWNER_DRIVER, 3, 0);
    assert_non_null(one);
    assert_int_equal(model_frames_owned(OWNER_DRIVER), 3);
    assert_int_equal(memory_physical(one) % (4 * FRAME_SIZE), 0);
    assert_true(memory_physical(one) != (uint64_t)(uintptr_t)one);
    assert_ptr_equal(memory_virtual(memory_physical(one)), one);
    assert_false(memory_free(OWNER_IOMMU, one, 3));
    assert_true(memory_free(OWNER_DRIVER, one, 3));
    assert_int_equal(model_frames_owned(OWNER_DRIVER), 0);
    assert_null(memory_virtual(0x1000));
    assert_null(memory_alloc(OWNER_DRIVER, 1, MODEL_RAM_BASE));

    model_fail_allocation(2);
    assert_non_null(memory_alloc(OWNER_DRIVER, 1, 0));
    assert_null(memory_alloc(OWNER_DRIVER, 1, 0));
    assert_non_null(memory_alloc(OWNER_DRIVER, 1, 0));
    assert_true(memory_overlaps_image(0, UINT64_MAX));
    assert_false(memory_overlaps_image(MODEL_RAM_BASE + 0x2000000, UINT64_MAX));
    assert_true(memory_withhold(0x4000800, 0x4001000));
    assert_int_equal(model_frames_owned(OWNER_WITHHELD), 2);
    assert_false(memory_withhold(0, UINT64_MAX));
    no_violation();
}

static void memory_sees_only_written_back_lines(void **state)
{
    (void)state;
    model_reset();
    uint64_t *words = memory_alloc(OWNER_IOMMU, 1, 0);
    uint64_t at = memory_physical(words), value;

    table_store64(&words[8], 0x1234);
    table_store64(&words[16], 0x5678);
    assert_true(model_hw_read64(at + 64, true, &value) && value == 0x1234);
    assert_true(model_hw_read64(at + 64, false, &value) && value != 0x1234 && value != 0);
    table_write_back(&words[15], 8);
    assert_true(model_hw_read64(at + 64, false, &value) && value == 0x1234);
    assert_true(model_hw_read64(at + 128, false, &value) && value != 0x5678);
    assert_int_equal(model_lines_written_back(), 1);
    assert_false(model_hw_read64(0x1000, true, &value));
}

static void the_past_can_be_read(void **state)
{
    (void)state;
    model_reset();
    model_keep_history();
    uint64_t *words = memory_alloc(OWNER_IOMMU, 1, 0);
    uint64_t at = memory_physical(words), value;

    table_store64(words, 1);
    uint64_t then = model_history();
    table_store64(words, 2);
    table_store128(words, 3, 4);
    assert_true(model_hw_read64_at(at, true, then, &value) && value == 1);
    assert_true(model_hw_read64_at(at, true, then + 1, &value) && value == 2);
    assert_true(model_hw_read64_at(at + 8, true, then, &value) && value == 0);
    assert_true(model_hw_read64_at(at, true, UINT64_MAX, &value) && value == 3);
    table_write_back(words, 8);
    assert_true(model_hw_read64_at(at, false, model_history(), &value) && value == 3);
    assert_true(model_hw_read64_at(at, false, then, &value) && value != 3 && value != 0);
    table_zero(words);
    assert_true(model_hw_read64_at(at, true, then, &value) && value == 1);
    assert_true(model_hw_read64_at(at, true, UINT64_MAX, &value) && value == 0);
    assert_false(model_hw_read64_at(0x1000, true, then, &value));
    assert_int_equal(model_history_lost(), 0);
    for (uint64_t i = 0; i < 65536; i++)
        table_store64(words, i + 1);
    assert_true(model_hw_read64_at(at, true, then, &value));
    assert_int_equal(model_history_lost(), 1);
    no_violation();
}

static bool third_time(void *context)
{
    return ++*(unsigned *)context == 3;
}

static void misuse_is_seen(void **state)
{
    (void)state;
    struct mmio window;
    unsigned asked = 0;

    model_reset();
    ecam_reset();
    (void)ecam_add_segment(0, ECAM_BASE, 1);
    (void)ecam_add_segment(1, ECAM_BASE, 1);
    expect_violation("ecam: region refused");
    assert_true(mmio_map(ECAM_BASE, 0x1000, &window));
    (void)mmio_read64(&window, (reg64_t){0});
    expect_violation("ecam: read of 8 bytes");
    mmio_write64(&window, (reg64_t){0}, 0);
    expect_violation("ecam: write of 8 bytes");
    irq_release(5);
    expect_violation("line 5 is not claimed");
    (void)memory_physical(&asked);
    expect_violation("is no RAM of the machine");
    uint64_t *words = memory_alloc(OWNER_IOMMU, 1, 0);
    table_store128(&words[1], 0, 0);
    expect_violation("is not aligned to 16 bytes");
    table_write_back(words, MODEL_RAM_SIZE);
    expect_violation("leave RAM");
    assert_false(wait_until(third_time, &asked, UINT64_MAX));
    expect_violation("is no bound");
}

static bool never(void *context)
{
    ++*(unsigned *)context;
    return false;
}

static void waits_end(void **state)
{
    (void)state;
    unsigned asked = 0;
    irq_line_t line;
    struct msi_message message;

    model_reset();
    assert_true(wait_until(third_time, &asked, NS_PER_S));
    asked = 0;
    uint64_t before = time_ns();
    assert_false(wait_until(never, &asked, NS_PER_S));
    assert_true(time_ns() - before >= NS_PER_S);
    asked = 0;
    assert_false(wait_until(never, &asked, 0));
    assert_true(asked >= 1);

    assert_true(irq_allocate(&line, &message));
    irq_idle(time_ns() + NS_PER_S);
    assert_false(irq_take(line));
    assert_true(model_raise_msi(message.address, message.data));
    assert_true(irq_take(line));
    assert_false(irq_take(line));
    irq_release(line);
    assert_false(model_raise_msi(message.address, message.data));
    expect_violation("no line has it");
    irq_idle(UINT64_MAX);
    expect_violation("irq_idle");
}

static void *test_task, *other_task;
static unsigned switches;

static void other(void *argument)
{
    for (;;) {
        switches += *(unsigned *)argument;
        task_switch(&other_task, test_task);
    }
}

static void tasks_switch(void **state)
{
    (void)state;
    unsigned step = 10;

    model_reset();
    void *top = memory_alloc_stack(OWNER_DRIVER, 16);
    assert_non_null(top);
    switches = 0;
    other_task = task_prepare(top, other, &step);
    task_switch(&test_task, other_task);
    step = 1;
    task_switch(&test_task, other_task);
    assert_int_equal(switches, 11);
    no_violation();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_has_owners),
        cmocka_unit_test(memory_sees_only_written_back_lines),
        cmocka_unit_test(the_past_can_be_read),
        cmocka_unit_test(misuse_is_seen),
        cmocka_unit_test(waits_end),
        cmocka_unit_test(tasks_switch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
