/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The driver's side of AMD-Vi's command buffer on the modelled unit: which commands it is given,
 * and what becomes of the queue when it is late, stops or is gone. */

#include "log_capture.h"
#include "tests/host/amdvi_driver.h"

enum { REQUESTERS = 300 };

static int set_up_driver(void **state)
{
    (void)state;
    start_driver(&MODEL_AMDVI_DEFAULT);
    assert_true(log_capture_start());
    return 0;
}

static void expect_commands(const struct model_amdvi_event *expected, unsigned count)
{
    assert_int_equal(model_amdvi_log_count(&unit), count + 1);
    for (unsigned i = 0; i < count; i++) {
        const struct model_amdvi_event *event = model_amdvi_log(&unit, i);
        assert_int_equal(event->kind, expected[i].kind);
        assert_int_equal(event->device, expected[i].device);
        assert_int_equal(event->domain, expected[i].domain);
        assert_int_equal(event->directories, expected[i].directories);
        assert_true(event->first == expected[i].first);
        assert_true(event->last == expected[i].last);
    }
    const struct model_amdvi_event *wait = model_amdvi_log(&unit, count);
    assert_int_equal(wait->kind, MODEL_AMDVI_COMPLETION_WAIT);
    assert_true(wait->first == driver.queue.status_physical);
    model_amdvi_log_clear(&unit);
}

static bool forget_device(void)
{
    const struct amdvi_command batch[] = {amdvi_device_command(SOURCE),
                                          amdvi_domain_command(DOMAIN)};

    return amdvi_submit(remapping, batch, 2);
}

static const struct model_amdvi_event forgotten_device[] = {
    {.kind = MODEL_AMDVI_DEVTAB_ENTRY, .device = SOURCE},
    {.kind = MODEL_AMDVI_IOMMU_PAGES, .domain = DOMAIN, .directories = true, .last = UINT64_MAX},
};

static void batches_come_in_order(void **state)
{
    (void)state;
    assert_true(forget_device());
    expect_commands(forgotten_device, 2);
    assert_int_equal(*driver.queue.status, 1);
    assert_true(amdvi_submit(remapping, NULL, 0));
    expect_commands(NULL, 0);
    assert_int_equal(*driver.queue.status, 2);
    no_violation();
}

/* "INVALIDATE_IOMMU_PAGES": the range is the block, no more and no less. */
static void blocks_are_exact(void **state)
{
    (void)state;
    for (unsigned order = 0; order <= IOMMU_ORDER_ALL; order++) {
        uint64_t size = order == IOMMU_ORDER_ALL ? 0 : UINT64_C(4096) << order;
        uint64_t address = size << 1 ? UINT64_C(0x7FFFFFFFFFFFF000) & -(size << 1) : size;
        struct iommu_invalidation invalidation = {.domain_id = 0xFFFF,
                                                  .leaves_only = order % 2 != 0,
                                                  .count = 2,
                                                  .blocks = {{address, order}, {0, order}}};
        const struct model_amdvi_event expected[] = {
            {.kind = MODEL_AMDVI_IOMMU_PAGES,
             .domain = 0xFFFF,
             .directories = order % 2 == 0,
             .first = address,
             .last = address + (size - 1)},
            {.kind = MODEL_AMDVI_IOMMU_PAGES,
             .domain = 0xFFFF,
             .directories = order % 2 == 0,
             .last = size - 1},
        };
        assert_true(amdvi_invalidate(remapping, &invalidation));
        expect_commands(expected, 2);
    }
    no_violation();
}

static void ring_wraps(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        assert_true(forget_device());
        expect_commands(forgotten_device, 2);
    }
    assert_int_equal(in64(CMD_HEAD), 900 * 16 % 4096);
    no_violation();
}

static void completion_may_be_late(void **state)
{
    (void)state;
    unit.broken.fetch_delay = 10;
    unit.broken.completion_delay = 20;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(forget_device());
        expect_commands(forgotten_device, 2);
    }
    no_violation();
}

/* Bounded, and the unit is not asked again. */
static void expect_dead(void)
{
    uint64_t start = time_ns();

    assert_false(forget_device());
    assert_true(time_ns() - start < 3 * IOMMU_WAIT_NS);
    uint64_t at = in64(CMD_TAIL);
    start = time_ns();
    assert_false(forget_device());
    assert_false(amdvi_forget_all(remapping));
    assert_false(amdvi_invalidate(remapping, &(struct iommu_invalidation){.count = 1}));
    assert_true(time_ns() - start < NS_PER_MS);
    assert_int_equal(in64(CMD_TAIL), at);
    no_violation();
}

static void completion_may_never_come(void **state)
{
    (void)state;
    unit.broken.never_completes = true;
    expect_dead();
    assert_true(log_has("command not completed: head 0x30, tail 0x30"));
    assert_int_equal(log_captured_lines, 1);
}

static void commands_may_never_be_read(void **state)
{
    (void)state;
    unit.broken.never_fetches = true;
    expect_dead();
    assert_true(log_has("command not completed: head 0x0, tail 0x30"));
}

static void registers_may_be_gone(void **state)
{
    (void)state;
    unit.broken.all_ones = true;
    expect_dead();
}

/* An earlier batch's number is not this one's, across the number's wrap too. */
static void completion_may_be_stale(void **state)
{
    (void)state;
    driver.queue.sequence = UINT32_MAX - 1;
    *driver.queue.status = UINT32_MAX - 1;
    unit.broken.completion_delay = 5;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(forget_device());
        expect_commands(forgotten_device, 2);
    }
    unit.broken.never_fetches = true;
    *driver.queue.status = 0;
    expect_dead();
}

static void starts_and_stops_are_awaited(void **state)
{
    (void)state;
    assert_true(amdvi_queue_stop(&driver));
    unit.broken.never_runs = true;
    assert_false(amdvi_queue_start(remapping));
    unit.broken.all_ones = true;
    assert_false(amdvi_queue_stop(&driver));
    no_violation();
}

/* ---- Recovery ---- */

static void expect_recovered(const char *event)
{
    const struct model_amdvi_event all = {.kind = MODEL_AMDVI_IOMMU_ALL};

    expect_commands(&all, 1);
    assert_int_equal(in64(STATUS) & 0x18, 0x18);
    assert_true(log_has(event));
    assert_int_equal(log_captured_lines, 1);
    assert_true(forget_device());
    expect_commands(forgotten_device, 2);
    assert_int_equal(log_captured_lines, 1);
}

static void illegal_command_is_survived(void **state)
{
    (void)state;
    const struct amdvi_command bad[] = {{0, 0}};

    assert_true(forget_device());
    model_amdvi_log_clear(&unit);
    assert_true(amdvi_submit(remapping, bad, 1));
    expect_violation("illegal command");
    expect_recovered("command buffer stopped at 0x30 (ILLEGAL_COMMAND_ERROR): restarted");
    no_violation();
}

static void hardware_error_is_survived(void **state)
{
    (void)state;
    const struct amdvi_command nowhere[] = {
        {COMMAND_COMPLETION_WAIT | WAIT_S | UINT64_C(0x70000000), 0}};

    assert_true(amdvi_submit(remapping, nowhere, 1));
    expect_recovered("command buffer stopped at 0x10 (COMMAND_HARDWARE_ERROR): restarted");
    no_violation();
}

static void last_stop_is_told(void **state)
{
    (void)state;
    const struct amdvi_command nowhere[] = {
        {COMMAND_COMPLETION_WAIT | WAIT_S | UINT64_C(0x70000000), 0}};
    const struct amdvi_command bad[] = {{0, 0}};

    for (unsigned i = 0; i < 4; i++)
        assert_true(amdvi_submit(remapping, nowhere, 1));
    assert_false(log_has("ILLEGAL_COMMAND_ERROR"));
    assert_true(amdvi_submit(remapping, bad, 1));
    expect_violation("illegal command");
    assert_true(log_has("(ILLEGAL_COMMAND_ERROR): restarted"));
    no_violation();
}

static void stop_is_told_though_events_follow(void **state)
{
    (void)state;
    driver.log[0] = (uint64_t)MODEL_AMDVI_ILLEGAL_COMMAND_ERROR << 60;
    driver.log[2] = (uint64_t)MODEL_AMDVI_IO_PAGE_FAULT << 60;
    unit.event_tail = 32;
    unit.broken.never_runs = true;
    expect_dead();
    assert_true(log_has("(ILLEGAL_COMMAND_ERROR): not restarted"));
}

/* Who stops again while it restarts has had its chance. */
static void second_stop_is_the_end(void **state)
{
    (void)state;
    unit.broken.command_error = MODEL_AMDVI_TARGET_ABORT;
    expect_dead();
    assert_true(log_has("(COMMAND_HARDWARE_ERROR): not restarted"));
    assert_int_equal(log_captured_lines, 1);
}

static void restart_may_fail(void **state)
{
    (void)state;
    unit.broken.never_runs = true;
    expect_dead();
    assert_true(log_has("(no event): not restarted"));
}

/* ---- All is forgotten ---- */

static void all_at_once_where_offered(void **state)
{
    (void)state;
    struct model_amdvi_event expected[4] = {{.kind = MODEL_AMDVI_DEVTAB_ENTRY},
                                            {.kind = MODEL_AMDVI_DEVTAB_ENTRY, .device = 8},
                                            {.kind = MODEL_AMDVI_DEVTAB_ENTRY, .device = 24},
                                            {.kind = MODEL_AMDVI_IOMMU_ALL}};

    add_requesters(4);
    iommu.requesters[2].unit = 0; /* of the other unit */
    assert_true(amdvi_forget_all(remapping));
    expect_commands(expected, 4);
    no_violation();
}

/* More commands than the ring holds, read late, with one wait behind them all. */
static void one_by_one_otherwise(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    config.efr &= ~MODEL_AMDVI_EFR_IASUP;
    start_driver(&config);
    add_requesters(REQUESTERS);
    remapping->caps.domain_ids = 3000;
    unit.broken.fetch_delay = 5;
    unit.broken.completion_delay = 5;
    assert_true(forget_device());
    model_amdvi_log_clear(&unit);
    assert_true(amdvi_forget_all(remapping));
    assert_int_equal(model_amdvi_log_count(&unit), 65536 + REQUESTERS + 3000 + 1);
    for (unsigned i = 0; i < MODEL_AMDVI_EVENTS; i++) {
        const struct model_amdvi_event *event = model_amdvi_log(&unit, i);
        assert_int_equal(event->kind, MODEL_AMDVI_DEVTAB_ENTRY);
        assert_int_equal(event->device, i);
    }
    assert_true(forget_device());
    no_violation();
}

static void forgetting_is_bounded(void **state)
{
    (void)state;
    add_requesters(REQUESTERS);
    unit.broken.never_fetches = true;
    uint64_t start = time_ns();
    assert_false(amdvi_forget_all(remapping));
    assert_true(time_ns() - start < 2 * IOMMU_WAIT_NS);
    expect_dead();
}

static void stopped_buffer_is_quiet(void **state)
{
    (void)state;
    assert_true(amdvi_queue_stop(&driver));
    assert_int_equal(in64(STATUS), 0x08);
    assert_true(amdvi_queue_start(remapping));
    assert_true(forget_device());
    expect_commands(forgotten_device, 2);
    assert_int_equal(in64(CONTROL), ALL_ON);
    no_violation();
}

static unsigned stores_left;

static void stop_fetching(void *context, uint64_t physical, uint64_t value)
{
    (void)context;
    (void)physical;
    (void)value;
    if (stores_left && !--stores_left)
        unit.broken.never_fetches = true;
}

/* Among its requesters; without INVALIDATE_IOMMU_ALL among all DeviceIDs, its requesters, all
 * domain ids. Wherever the unit stops, what it was told does not count as done. */
static void a_unit_that_stops_forgets_nothing(void **state)
{
    static const struct {
        uint64_t efr;
        unsigned stores;
    } cases[] = {{MODEL_AMDVI_EFR, 300}, {0, 300}, {0, 2 * 65536 + 300}, {0, 2 * 65536 + 1000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;
        const struct amdvi_command command = amdvi_device_command(0);

        config.efr = cases[i].efr;
        start_driver(&config);
        add_requesters(400);
        stores_left = cases[i].stores;
        model_on_store(stop_fetching, NULL);
        assert_false(amdvi_forget_all(remapping));
        assert_int_equal(stores_left, 0);
        unit.broken.never_fetches = false;
        assert_false(amdvi_submit(remapping, &command, 1)); /* the queue is dead */
        no_violation();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(batches_come_in_order, set_up_driver),
        cmocka_unit_test_setup(blocks_are_exact, set_up_driver),
        cmocka_unit_test_setup(ring_wraps, set_up_driver),
        cmocka_unit_test_setup(completion_may_be_late, set_up_driver),
        cmocka_unit_test_setup(completion_may_never_come, set_up_driver),
        cmocka_unit_test_setup(commands_may_never_be_read, set_up_driver),
        cmocka_unit_test_setup(registers_may_be_gone, set_up_driver),
        cmocka_unit_test_setup(completion_may_be_stale, set_up_driver),
        cmocka_unit_test_setup(starts_and_stops_are_awaited, set_up_driver),
        cmocka_unit_test_setup(illegal_command_is_survived, set_up_driver),
        cmocka_unit_test_setup(hardware_error_is_survived, set_up_driver),
        cmocka_unit_test_setup(last_stop_is_told, set_up_driver),
        cmocka_unit_test_setup(stop_is_told_though_events_follow, set_up_driver),
        cmocka_unit_test_setup(second_stop_is_the_end, set_up_driver),
        cmocka_unit_test_setup(restart_may_fail, set_up_driver),
        cmocka_unit_test_setup(all_at_once_where_offered, set_up_driver),
        cmocka_unit_test(one_by_one_otherwise),
        cmocka_unit_test(a_unit_that_stops_forgets_nothing),
        cmocka_unit_test_setup(forgetting_is_bounded, set_up_driver),
        cmocka_unit_test_setup(stopped_buffer_is_quiet, set_up_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
