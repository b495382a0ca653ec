/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The refusal proof on a fake edu behind a fake IOMMU that can be broken on purpose. Properties:
 * a sound machine passes every id; each broken one fails the ids that are about it and no other
 * refusal; a device that does not work never passes a DENY id; everything is closed again in the
 * end.
 */
#include "tests/host/edu_fake.h"

/* ---- Running it ---- */

static void *run_task(void *context)
{
    struct device *device = context;
    unsigned instance = device->contract.instance;

    pthread_mutex_lock(&m.lock);
    while (m.turn != instance)
        pthread_cond_wait(&m.changed, &m.lock);
    (void)edu_driver.start(&device->contract);
    m.alive[instance] = false;
    m.turn = 1 - instance;
    pthread_cond_broadcast(&m.changed);
    pthread_mutex_unlock(&m.lock);
    return NULL;
}

static void run(enum fault_of_machine broken, unsigned instances)
{
    pthread_t threads[DEVICES];

    memset(&m, 0, sizeof(m));
    m.broken = broken;
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.changed, NULL);
    for (unsigned i = 0; i < instances; i++) {
        m.devices[i].contract = (struct driver_device){
            .pdo = (PDEVICE_OBJECT)(uintptr_t)(i + 1),
            .location = "00:04.0",
            .instance = i,
            .instances = instances,
            .services = &services,
        };
        m.alive[i] = true;
    }
    for (unsigned i = 0; i < instances; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_task, &m.devices[i]), 0);
    for (unsigned i = 0; i < instances; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < instances; i++)
        assert_true(!m.devices[i].created && !m.taken[i * (FRAMES / DEVICES)]);
    for (unsigned i = 0; i < DOMAINS; i++)
        assert_false(m.domains[i]);
    for (unsigned i = 0; i < DEVICES; i++)
        assert_int_equal(m.ranges[i].domain, 0);
    assert_int_equal(m.identity_mappings, 0);
    assert_int_equal(m.result_count, instances * 32);
}

static enum driver_result result_of(const char *id, unsigned instance)
{
    for (unsigned i = 0; i < m.result_count; i++)
        if (m.results[i].instance == instance && strcmp(m.results[i].id, id) == 0)
            return m.results[i].result;
    fail_msg("%s was not reported", id);
    return DRIVER_FAIL;
}

static unsigned count(const char *prefix, enum driver_result result)
{
    unsigned found = 0;

    for (unsigned i = 0; i < m.result_count; i++)
        found +=
            m.results[i].result == result && strncmp(m.results[i].id, prefix, strlen(prefix)) == 0;
    return found;
}

static void sound_machine_passes_all_but_the_peer_test(void **state)
{
    (void)state;
    run(SOUND, 1);
    assert_int_equal(count("DMA-", DRIVER_PASS), 20);
    assert_int_equal(count("EDU-FAULT", DRIVER_PASS), 9);
    assert_int_equal(result_of("DMA-DENY-007", 0), DRIVER_SKIP);
    assert_int_equal(result_of("DMA-FAULT-007", 0), DRIVER_SKIP);
    assert_int_equal(result_of("EDU-FAULT-007", 0), DRIVER_SKIP);
}

static void two_sound_devices_pass_all(void **state)
{
    (void)state;
    run(SOUND, 2);
    assert_int_equal(count("DMA-", DRIVER_PASS), 44);
    assert_int_equal(count("EDU-FAULT", DRIVER_PASS), 20);
}

static void broken_refusals_fail_their_ids_and_no_other(void **state)
{
    static const struct {
        enum fault_of_machine broken;
        const char *ids[4];
    } cases[] = {
        {ALLOWS_UNMAPPED, {"DMA-DENY-001", "DMA-DENY-002", "DMA-FAULT-001", "DMA-FAULT-002"}},
        {ALLOWS_AFTER_UNMAP, {"DMA-DENY-004", "DMA-FAULT-004"}},
        {ALLOWS_AFTER_DETACH, {"DMA-DENY-005", "DMA-FAULT-005"}},
        {ALLOWS_READ_ONLY_WRITE, {"DMA-DENY-003", "DMA-FAULT-003"}},
        {ALLOWS_OTHER_DOMAINS, {"DMA-DENY-006", "DMA-FAULT-006"}},
        {ALLOWS_AFTER_SEGMENT, {"DMA-DENY-009", "DMA-FAULT-009", "EDU-FAULT-009"}},
        {REFUSES_SECOND_SEGMENT, {"DMA-DENY-009"}},
        {PASSES_BLOCKED, {"DMA-DENY-005", "DMA-DENY-010", "DMA-FAULT-005", "DMA-FAULT-010"}},
        {ALLOWS_UNMANAGED, {"DMA-DENY-010", "DMA-FAULT-010", "EDU-FAULT-010"}},
        {LEAKS_REFUSED_READS, {"DMA-DENY-001", "DMA-DENY-008"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run(cases[i].broken, 1);
        unsigned refusals = 0;
        for (unsigned k = 0; k < 4 && cases[i].ids[k] != NULL; k++) {
            assert_int_equal(result_of(cases[i].ids[k], 0), DRIVER_FAIL);
            refusals += strncmp(cases[i].ids[k], "DMA-DENY", 8) == 0;
        }
        assert_int_equal(count("DMA-DENY", DRIVER_FAIL), refusals);
        assert_int_equal(count("DMA-DENY", DRIVER_PASS), 9 - refusals);
        assert_int_equal(count("DMA-ALLOW", DRIVER_PASS), 2);
    }
}

static void reach_into_the_peer_fails(void **state)
{
    (void)state;
    run(ALLOWS_OTHER_DOMAINS, 2);
    assert_int_equal(result_of("DMA-DENY-007", 0), DRIVER_FAIL);
    assert_int_equal(result_of("DMA-DENY-007", 1), DRIVER_FAIL);
}

static void wrong_records_fail_all_fault_ids_and_no_refusal(void **state)
{
    (void)state;
    for (enum fault_of_machine broken = RECORDS_WRONG_ADDRESS; broken <= RECORDS_NOTHING;
         broken++) {
        run(broken, 2);
        assert_int_equal(count("DMA-FAULT", DRIVER_FAIL), 20);
        assert_int_equal(count("DMA-DENY", DRIVER_PASS), 20);
    }
}

/* The handler's own ids fail and no other. */
static void wrong_tellings_fail_the_handlers_ids(void **state)
{
    (void)state;
    for (enum fault_of_machine broken = TELLS_NOTHING; broken <= TELLS_NO_ADDRESS; broken++) {
        run(broken, 2);
        assert_int_equal(count("EDU-FAULT", DRIVER_FAIL),
                         18); /* a detached device is told nothing */
        assert_int_equal(result_of("EDU-FAULT-005", 0), DRIVER_PASS);
        assert_int_equal(count("DMA-", DRIVER_PASS), 44);
    }
    run(TELLS_DETACHED, 2);
    assert_int_equal(count("EDU-FAULT", DRIVER_FAIL), 2);
    assert_int_equal(result_of("EDU-FAULT-005", 0), DRIVER_FAIL);
    assert_int_equal(count("DMA-", DRIVER_PASS), 44);
}

static void addresses_out_of_bounds_are_not_used(void **state)
{
    (void)state;
    run(IGNORES_BOUNDS, 1);
    assert_int_equal(count("DMA-", DRIVER_UNDECIDED), 22);
    assert_int_equal(count("EDU-FAULT", DRIVER_UNDECIDED), 10);
}

static void unexpected_records_fail_the_controls(void **state)
{
    (void)state;
    run(RECORDS_ALLOWED, 1);
    assert_int_equal(count("DMA-ALLOW", DRIVER_FAIL), 2);
}

static void device_that_does_not_work_proves_nothing(void **state)
{
    static const enum fault_of_machine broken[] = {DEVICE_DEAD, DEVICE_DIES, DEVICE_HANGS};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        run(broken[i], 1);
        assert_int_equal(count("DMA-DENY", DRIVER_PASS), 0);
        assert_int_equal(count("DMA-ALLOW", DRIVER_FAIL), 2);
    }
}

static void completion_is_polled_without_interrupts(void **state)
{
    (void)state;
    run(NO_INTERRUPTS, 2);
    assert_int_equal(count("DMA-", DRIVER_PASS), 44);
    run(INTERRUPTS_LOST, 2);
    assert_int_equal(count("DMA-", DRIVER_PASS), 44);
}

static void what_the_machine_cannot_do_is_skipped(void **state)
{
    (void)state;
    run(NO_WRITE_ONLY, 1);
    assert_int_equal(result_of("DMA-DENY-008", 0), DRIVER_SKIP);
    assert_int_equal(count("DMA-", DRIVER_PASS), 18);
    run(NO_UNMANAGED, 1);
    assert_int_equal(result_of("DMA-DENY-010", 0), DRIVER_UNDECIDED);
    assert_int_equal(count("DMA-", DRIVER_PASS), 18);
    static const enum fault_of_machine broken[] = {NO_UNIT, NO_LEGACY_TABLE, GROUP_TAKEN};
    for (unsigned i = 0; i < 3; i++) {
        run(broken[i], 1);
        assert_int_equal(count("DMA-", DRIVER_SKIP), 22);
        assert_int_equal(count("EDU-FAULT", DRIVER_SKIP), 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_machine_passes_all_but_the_peer_test),
        cmocka_unit_test(two_sound_devices_pass_all),
        cmocka_unit_test(broken_refusals_fail_their_ids_and_no_other),
        cmocka_unit_test(reach_into_the_peer_fails),
        cmocka_unit_test(wrong_records_fail_all_fault_ids_and_no_refusal),
        cmocka_unit_test(wrong_tellings_fail_the_handlers_ids),
        cmocka_unit_test(addresses_out_of_bounds_are_not_used),
        cmocka_unit_test(unexpected_records_fail_the_controls),
        cmocka_unit_test(device_that_does_not_work_proves_nothing),
        cmocka_unit_test(completion_is_polled_without_interrupts),
        cmocka_unit_test(what_the_machine_cannot_do_is_skipped),
    };

    return cmocka_run_group_tests_name("driver_edu", tests, NULL, NULL);
}
