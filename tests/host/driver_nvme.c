/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The NVMe driver on a fake controller behind a fake domain API. Properties, for every fault: the
 * run ends, each id is reported once, the controller is disabled before memory goes back, nothing
 * stays mapped, reserved or allocated, nothing is mapped at its physical address, no access of the
 * controller is outside what is mapped for it but the one that is made to be refused, and no
 * command is one that writes. All of it holds whether each transfer is mapped or all go to a pool.
 */
#include "tests/host/nvme_fake.h"

#define HASH_2051_BLOCKS "aef30f451bb5b3a13d1adcf82aee486515a6bec4855ca80f7d779492b5d0e1c4"
#define HASH_300_LARGE   "2008ac2cf79daa1188a68ec66ec981315783fba1618d65cc2e8ddb2f1c4e3fd9"
#define HASH_17_BLOCKS   "2a6e7203347b42717164e9cd23520c86c50d5a340f88d93297a971cbbf2c66bf"
#define HASH_1_BLOCK     "34bdcd6cd339cd8e4271f7989f908925b9660354f6ba7d126dc778c989ecdb29"
#define HASH_64_SECOND   "99782678b63429d7abbd61dfe71f1cd65ee27d3ade2138b23380aecc4af1cee2"

/* What is told of the first refused access is no answer to it. */
static bool provokes_again(enum fault_of_machine broken)
{
    return broken >= TELLS_NOTHING && broken <= TELLS_NO_ADDRESS;
}

static bool run(struct setting setting)
{
    memset(&m, 0, sizeof(m));
    if (setting.block_log2 == 0)
        setting.block_log2 = 9;
    m.setting = setting;
    m.left_running = setting.broken == LEFT_RUNNING;
    m.cc = m.left_running;
    m.csts = setting.broken == GONE_AT_START ? UINT32_MAX : m.cc;
    m.device = (struct driver_device){.pdo = (PDEVICE_OBJECT)(uintptr_t)3,
                                      .name = "nvme0",
                                      .location = "00:03.0",
                                      .instances = 1,
                                      .services = &services};
    bool done = nvme_driver.start(&m.device);
    assert_true(!m.created && !m.domain && !m.attached);
    for (unsigned i = 0; i < MAPPINGS; i++)
        assert_int_equal(m.mappings[i].length, 0);
    assert_int_equal(m.memories, 0);
    assert_int_equal(m.astray, 0);
    assert_in_range(m.refused, 0, provokes_again(setting.broken) ? 2 : 1);
    for (unsigned i = 0; i < TESTS; i++)
        assert_int_equal(m.tests[i].count, 1);
    return done;
}

static void expect_disk(unsigned index, const char *name, uint64_t bytes, const char *hex)
{
    assert_string_equal(m.disks[index].name, name);
    assert_int_equal(m.disks[index].bytes, bytes);
    assert_string_equal(m.disks[index].hex, hex);
}

static void expect(enum driver_result first, enum driver_result second)
{
    assert_int_equal(m.tests[0].result, first);
    assert_int_equal(m.tests[1].result, second);
}

/* NVME-003 and NVME-004. */
static void expect_refusal(enum driver_result segment, enum driver_result told)
{
    assert_int_equal(m.tests[2].result, segment);
    assert_int_equal(m.tests[3].result, told);
}

static struct setting plain(enum fault_of_machine broken)
{
    return (struct setting){.broken = broken, .namespaces = 1, .blocks = {2051}};
}

static void whole_namespaces_are_read(void **state)
{
    (void)state;
    assert_true(run(plain(SOUND)));
    expect(DRIVER_PASS, DRIVER_PASS);
    expect_refusal(DRIVER_PASS, DRIVER_PASS);
    assert_int_equal(m.refused, 1);
    expect_disk(0, "nvme0", 2051 * 512, HASH_2051_BLOCKS);
    assert_int_equal(m.reads, 9);
    assert_int_equal(m.in_flight_most, NVME_SLOTS);
    assert_int_equal(m.csts, 0);
    assert_true(run((struct setting){.namespaces = 2, .blocks = {1, 64}}));
    expect_disk(0, "nvme0", 512, HASH_1_BLOCK);
    expect_disk(1, "nvme0n2", 64 * 512, HASH_64_SECOND);
}

/* One unmap for each transfer, or none: the rest is set-up, the same for any size. */
static void transfers_are_unmapped_or_pooled(void **state)
{
    unsigned unmaps[2], reads[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(run((struct setting){.namespaces = 1, .blocks = {i == 0 ? 256 : 25600}}));
        unmaps[i] = m.unmaps;
        reads[i] = m.reads;
    }
    assert_int_equal(reads[1], 100 * reads[0]);
    bool pooled = way != NULL && strcmp(way, "pool") == 0;
    assert_int_equal(unmaps[1] - unmaps[0], pooled ? 0 : reads[1] - reads[0]);
}

static void all_geometries_are_read(void **state)
{
    static const struct {
        struct setting setting;
        uint64_t bytes;
        const char *hex;
    } cases[] = {
        {{.namespaces = 1, .blocks = {300}, .block_log2 = 12}, 300 * 4096, HASH_300_LARGE},
        {{.namespaces = 1, .blocks = {17}, .mdts = 1}, 8704, HASH_17_BLOCKS},
        {{.namespaces = 1, .blocks = {17}, .mdts = 2}, 8704, HASH_17_BLOCKS},
        {{.namespaces = 1, .blocks = {1}}, 512, HASH_1_BLOCK},
        {{.namespaces = 1, .blocks = {2051}, .queue_limit = 2}, 2051 * 512, HASH_2051_BLOCKS},
        {{.namespaces = 1, .blocks = {2051}, .mdts = 200}, 2051 * 512, HASH_2051_BLOCKS},
        {{.namespaces = 1, .blocks = {2051}, .version_1_0 = true}, 2051 * 512, HASH_2051_BLOCKS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(run(cases[i].setting));
        expect(DRIVER_PASS, DRIVER_PASS);
        expect_disk(0, "nvme0", cases[i].bytes, cases[i].hex);
    }
}

static void no_medium_is_skipped(void **state)
{
    (void)state;
    assert_true(run((struct setting){.namespaces = 0}));
    expect(DRIVER_PASS, DRIVER_SKIP);
    expect_refusal(DRIVER_PASS, DRIVER_PASS);
    assert_true(run((struct setting){.namespaces = 1, .blocks = {0}}));
    expect(DRIVER_PASS, DRIVER_SKIP);
    expect_refusal(DRIVER_PASS, DRIVER_PASS);
    assert_int_equal(m.disk_count, 0);
}

/* All but the reading is done. */
static void a_disk_may_be_skipped(void **state)
{
    (void)state;
    disks = "skip";
    assert_true(run(plain(SOUND)));
    disks = NULL;
    expect(DRIVER_PASS, DRIVER_SKIP);
    expect_refusal(DRIVER_PASS, DRIVER_PASS);
    assert_int_equal(m.disk_count, 0);
}

/* One line for each 10 s. */
static void long_reads_are_told(void **state)
{
    struct setting slow = plain(SOUND);

    (void)state;
    assert_true(run(slow));
    assert_int_equal(m.lines, 0);
    slow.turn_ns = UINT64_C(5000000000);
    assert_true(run(slow));
    assert_in_range(m.lines, 1, m.reads);
    expect(DRIVER_PASS, DRIVER_PASS);
}

static void works_with_any_interrupts(void **state)
{
    static const enum fault_of_machine cases[] = {NO_INTERRUPTS, ONE_INTERRUPT, INTERRUPTS_LOST};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(run(plain(cases[i])));
        expect(DRIVER_PASS, DRIVER_PASS);
        expect_disk(0, "nvme0", 2051 * 512, HASH_2051_BLOCKS);
    }
}

static void every_failure_is_one_sentence(void **state)
{
    static const struct {
        enum fault_of_machine broken;
        bool opened;
        const char *words;
    } cases[] = {
        {NEVER_READY, false, "did not become ready within 7500 ms"},
        {FATAL_AT_ENABLE, false, "fatal status"},
        {GONE_AT_START, false, "gone"},
        {NO_COMMAND_SET, false, "NVM command set"},
        {LARGE_PAGES, false, "4 KiB"},
        {ADMIN_ERROR, false, "Identify completed with status code type 0h, status code 06h"},
        {STRANGE_QUEUE, false, "names submission queue 9"},
        {READ_ERROR, true, "Read completed with status code type 2h, status code 81h"},
        {NO_COMPLETION, true, "not completed within 10 s"},
        {FATAL_IN_RUN, true, "fatal status"},
        {GONE_IN_RUN, true, "gone"},
        {STRANGE_ID, true, "not in flight"},
        {COMPLETES_TWICE, true, "not in flight"},
        {METADATA, true, "metadata"},
        {ODD_BLOCKS, true, "neither 512 nor 4096"},
        {IMPOSSIBLE_SIZE, true, "impossible size"},
        {REFUSED_DMA, true, "a request of the controller for 0x1000 was refused (fault type 6)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(run(plain(cases[i].broken)));
        if (cases[i].opened)
            expect(DRIVER_PASS, DRIVER_FAIL);
        else
            expect(DRIVER_FAIL, DRIVER_SKIP);
        expect_refusal(DRIVER_SKIP, DRIVER_SKIP);
        if (strstr(m.tests[cases[i].opened].reason, cases[i].words) == NULL)
            fail_msg("%s", m.tests[cases[i].opened].reason);
        assert_int_equal(m.disk_count, 0);
    }
}

/* Of the refused access: what memory and the handler show, and no other id. */
static void each_broken_refusal_is_seen(void **state)
{
    static const struct {
        enum fault_of_machine broken;
        enum driver_result segment, told;
        bool ends_well;
    } cases[] = {
        {REACHES_UNMAPPED, DRIVER_FAIL, DRIVER_PASS, true},
        {REFUSES_SECOND_SEGMENT, DRIVER_FAIL, DRIVER_PASS, false},
        {IGNORES_IDENTIFY, DRIVER_UNDECIDED, DRIVER_UNDECIDED, true},
        {NO_COMPLETION_UNMAPPED, DRIVER_UNDECIDED, DRIVER_UNDECIDED, false},
        {TELLS_NOTHING, DRIVER_PASS, DRIVER_FAIL, true},
        {TELLS_OF_SECOND, DRIVER_PASS, DRIVER_PASS, true},
        {TELLS_WRONG_ADDRESS, DRIVER_PASS, DRIVER_FAIL, false},
        {TELLS_WRONG_TYPE, DRIVER_PASS, DRIVER_FAIL, false},
        {TELLS_WRONG_DOMAIN, DRIVER_PASS, DRIVER_FAIL, false},
        {TELLS_NO_ADDRESS, DRIVER_PASS, DRIVER_FAIL, false},
        {TELLS_TWICE, DRIVER_PASS, DRIVER_PASS, true},
        {TELLS_AFTER_MAPPING, DRIVER_PASS, DRIVER_PASS, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(run(plain(cases[i].broken)), cases[i].ends_well);
        expect(DRIVER_PASS, DRIVER_PASS);
        expect_refusal(cases[i].segment, cases[i].told);
        if (provokes_again(cases[i].broken))
            assert_int_equal(m.refused, 2);
    }
}

/* As when a unit has several registers for them, or the page is written by several requests. */
static void one_refusal_may_be_told_twice(void **state)
{
    (void)state;
    assert_true(run(plain(TELLS_TWICE)));
    assert_int_equal(m.refused, 1);
    assert_int_equal(m.told, 2);
}

/* What firmware left running is refused too, and not the driver's fault. */
static void faults_before_enabling_are_not_the_drivers(void **state)
{
    (void)state;
    assert_true(run(plain(LEFT_RUNNING)));
    assert_int_equal(m.told, 2); /* the one that is provoked comes later */
    expect(DRIVER_PASS, DRIVER_PASS);
    expect_refusal(DRIVER_PASS, DRIVER_PASS);
}

/* Each call to the domain API and to the allocator fails once; all is undone every time. */
static void every_refused_call_is_survived(void **state)
{
    (void)state;
    assert_true(run(plain(SOUND)));
    unsigned calls = m.calls, failed = 0;
    for (unsigned i = 1; i <= calls; i++) {
        struct setting setting = plain(SOUND);
        setting.fail_call = i;
        failed += !run(setting);
        assert_int_equal(m.disk_count, m.tests[1].result == DRIVER_PASS);
    }
    assert_int_equal(failed, calls);
}

static int by_pool(void **state)
{
    (void)state;
    way = "pool";
    return 0;
}

/* Neither way: the default is taken. */
static int by_nonsense(void **state)
{
    (void)state;
    way = "poo";
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_namespaces_are_read),
        cmocka_unit_test(transfers_are_unmapped_or_pooled),
        cmocka_unit_test(all_geometries_are_read),
        cmocka_unit_test(no_medium_is_skipped),
        cmocka_unit_test(a_disk_may_be_skipped),
        cmocka_unit_test(long_reads_are_told),
        cmocka_unit_test(works_with_any_interrupts),
        cmocka_unit_test(every_failure_is_one_sentence),
        cmocka_unit_test(each_broken_refusal_is_seen),
        cmocka_unit_test(one_refusal_may_be_told_twice),
        cmocka_unit_test(faults_before_enabling_are_not_the_drivers),
        cmocka_unit_test(every_refused_call_is_survived),
    };

    const struct CMUnitTest other[] = {cmocka_unit_test(transfers_are_unmapped_or_pooled)};

    return cmocka_run_group_tests_name("driver_nvme", tests, NULL, NULL) +
           cmocka_run_group_tests_name("driver_nvme_pool", tests, by_pool, NULL) +
           cmocka_run_group_tests_name("driver_nvme_other", other, by_nonsense, NULL);
}
