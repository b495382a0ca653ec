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

/* ---- By hand ---- */

#define MAP(at, pages, may_read, may_write)                                                        \
    {                                                                                              \
        DRIVER_MAP, (at), (uint64_t)(pages)*PAGE_SIZE, (may_read), (may_write)                     \
    }
#define UNMAP(at)                                                                                  \
    {                                                                                              \
        DRIVER_UNMAP, (at), 0, false, false                                                        \
    }
#define READ(at, bytes)                                                                            \
    {                                                                                              \
        DRIVER_DMA, (at), (bytes), true, false                                                     \
    }
#define WRITE(at, bytes)                                                                           \
    {                                                                                              \
        DRIVER_DMA, (at), (bytes), false, true                                                     \
    }

static void *run_serve(void *context)
{
    struct device *device = context;

    pthread_mutex_lock(&m.lock);
    edu_driver.serve(&device->contract);
    m.alive[0] = false;
    pthread_mutex_unlock(&m.lock);
    return NULL;
}

static void serve(enum fault_of_machine broken, const struct driver_request *requests,
                  unsigned count_of_them)
{
    pthread_t thread;

    memset(&m, 0, sizeof(m));
    m.broken = broken;
    m.asked = requests;
    m.asked_left = count_of_them;
    m.alive[0] = true;
    m.devices[0].contract = (struct driver_device){.pdo = (PDEVICE_OBJECT)(uintptr_t)1,
                                                   .location = "00:04.0",
                                                   .instances = 1,
                                                   .services = &services};
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.changed, NULL);
    assert_int_equal(pthread_create(&thread, NULL, run_serve, &m.devices[0]), 0);
    pthread_join(thread, NULL);
    assert_true(!m.devices[0].created && !m.taken[0] && !m.domains[1]);
}

static bool replied(unsigned n, bool done, const char *begin)
{
    if (m.replies[n].done == done && strncmp(m.replies[n].text, begin, strlen(begin)) == 0)
        return true;
    print_message("reply %u: %d %s\n", n, m.replies[n].done, m.replies[n].text);
    return false;
}

static void requests_by_hand_are_served(void **state)
{
    static const struct driver_request requests[] = {
        READ(0x5000, 1024),
        MAP(0x5000, 1, true, false),
        READ(0x5000, 1024),
        WRITE(0x5000, 1024),
        MAP(0x8000, 2, true, true),
        WRITE(0x9C00, 1024),
        READ(0x9C00, 1024),
        MAP(0x9000, 1, true, true),
        UNMAP(0x9000),
        UNMAP(0x8000),
        WRITE(0x9000, 8),
        MAP(0xB000, 1, false, true),
        READ(0xB000, 64),
        WRITE(0xB000, 64),
    };

    (void)state;
    serve(SOUND, requests, sizeof(requests) / sizeof(requests[0]));
    assert_true(
        replied(0, false, "Refused: 0 of 1024 bytes arrived; recorded as a read at 0x5000."));
    assert_true(replied(1, true, "Mapped: 0x5000 is memory at 0x1000000 now, 4096 bytes."));
    assert_true(replied(2, true, "Done: 1024 bytes arrived."));
    assert_true(
        replied(3, false, "Refused: 0 of 1024 bytes arrived; recorded as a write at 0x5000."));
    assert_true(replied(4, true, "Mapped: 0x8000 is memory at 0x1001000 now, 8192 bytes."));
    assert_true(replied(5, true, "Done: 1024 ") && replied(6, true, "Done: 1024 "));
    assert_true(replied(7, false, "The domain API refuses it with 0xc0000708: "));
    assert_true(replied(8, false, "No mapping made by hand begins at 0x9000."));
    assert_true(replied(9, true, "Unmapped: 8192 bytes from 0x8000 on."));
    assert_true(
        replied(10, false, "Refused: 0 of 8 bytes arrived; recorded as a write at 0x9000."));
    assert_true(replied(11, true, "Mapped: ") && replied(12, false, "Refused: 0 of 64 "));
    assert_true(replied(13, true, "Done: 64 bytes arrived."));
}

static void requests_that_cannot_be_are_told_why(void **state)
{
    static const struct driver_request requests[] = {
        MAP(0x5000, 0, true, true),
        MAP(0x5001, 1, true, true),
        MAP(EDU_ADDRESS_LIMIT, 1, true, true),
        MAP(UINT64_MAX - 0xFFF, 1, true, true),
        MAP(EDU_ADDRESS_LIMIT - PAGE_SIZE, 1, true, true),
        MAP(0x5000, 17, true, true),
        READ(EDU_ADDRESS_LIMIT - 8, 16),
        READ(0x5000, 1032),
        WRITE(0x5004, 8),
        UNMAP(0),
        MAP(0x5000, 10, true, true),
        MAP(0x50000, 10, true, true),
        MAP(0x50000, 6, true, true),
    };

    (void)state;
    serve(SOUND, requests, sizeof(requests) / sizeof(requests[0]));
    for (unsigned i = 0; i < 10; i++)
        assert_false(m.replies[i].done);
    assert_true(replied(2, false, "The device sends addresses of 28 bits"));
    assert_true(replied(3, false, "The device sends addresses of 28 bits"));
    assert_true(replied(4, false, "The last two pages are kept"));
    assert_true(replied(5, false, "There are 16 pages"));
    assert_true(replied(10, true, "Mapped") && replied(11, false, "Not so many of the 16"));
    assert_true(replied(12, true, "Mapped"));
}

/* What a broken machine lets through is never called a refusal, nor what a broken device does not
 * do an access. */
static void broken_machines_are_told_by_hand(void **state)
{
    static const struct driver_request after_unmap[] = {MAP(0x5000, 1, true, true),
                                                        WRITE(0x5000, 64), UNMAP(0x5000),
                                                        WRITE(0x5000, 64), READ(0x5000, 64)};
    static const struct driver_request read_only[] = {MAP(0x5000, 1, true, false),
                                                      WRITE(0x5000, 64)};

    (void)state;
    serve(ALLOWS_AFTER_UNMAP, after_unmap, 5);
    assert_true(replied(1, true, "Done: 64 ") && replied(3, false, "NOT refused: "));
    assert_true(replied(4, false, "NOT refused: "));
    serve(ALLOWS_READ_ONLY_WRITE, read_only, 2);
    assert_true(replied(1, true, "Done: 64 "));
    serve(RECORDS_NOTHING, after_unmap, 5);
    assert_true(replied(3, false, "Refused: 0 of 64 bytes arrived; the unit recorded nothing."));
    serve(DEVICE_DEAD, after_unmap, 5);
    assert_true(replied(1, false, "Undecided: "));
    serve(DEVICE_HANGS, after_unmap, 2);
    assert_true(replied(1, false, "Undecided: "));
    serve(GROUP_TAKEN, after_unmap, 5);
    assert_int_equal(m.reply_count, 0);
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
        cmocka_unit_test(requests_by_hand_are_served),
        cmocka_unit_test(requests_that_cannot_be_are_told_why),
        cmocka_unit_test(broken_machines_are_told_by_hand),
    };

    return cmocka_run_group_tests_name("driver_edu", tests, NULL, NULL);
}
