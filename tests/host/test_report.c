/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The report: the verdict is pass only for proved protection; lists of any length arrive complete
 * in records that are never cut; the verdict block and the end marker always come, and come last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/console/report.h"
#include "lib/log.h"
#include "lib/record.h"

#include <stdio.h>
#include <string.h>

#define LINES     512
#define FUNCTIONS 512
#define UNITS     64

static char records[LINES][RECORD_LENGTH + 1];
static unsigned record_count;
static char console[LINES][LOG_LINE_LENGTH + 1];
static unsigned console_count;

#define VTD_SWITCHES (REPORT_TE | REPORT_IRE | REPORT_QIE | REPORT_PMR)

static struct report_unit units[UNITS];
static struct report_function functions[FUNCTIONS];
static struct report_summary summary;

static void see_record(void *context, const char *line, size_t length)
{
    (void)context;
    assert_in_range(record_count, 0, LINES - 1);
    memcpy(records[record_count], line, length);
    records[record_count++][length] = '\0';
}

static void see_console(void *context, const char *line, size_t length)
{
    (void)context;
    assert_in_range(console_count, 0, LINES - 1);
    memcpy(console[console_count], line, length);
    console[console_count++][length] = '\0';
}

/* A machine with one unit and three functions, protected, and all that a pass needs. */
static int start(void **state)
{
    static bool registered;

    (void)state;
    if (!registered)
        assert_true(log_add_sink(see_console, NULL));
    registered = true;
    log_set_level(LOG_ERROR);
    results_clear();
    memset(functions, 0, sizeof(functions));
    units[0] = (struct report_unit){.vendor = "intel",
                                    .base = 0xFED90000,
                                    .answers = true,
                                    .has = VTD_SWITCHES,
                                    .on = REPORT_QIE};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(functions[i].name, sizeof(functions[i].name), "00:%02x.0", i + 2);
        functions[i].group = i / 2;
        functions[i].covered = true;
    }
    functions[1].bus_master_at_entry = true;
    summary = (struct report_summary){.version = "1.0",
                                      .image_base = 0x7E000000,
                                      .console = "console: ttyS0 at I/O 0x3f8, found by probe",
                                      .firmware = "EDK II",
                                      .memory_bytes = UINT64_C(2048) << 20,
                                      .units = units,
                                      .unit_count = 1,
                                      .functions = functions,
                                      .function_count = 3,
                                      .dma = REPORT_ACTIVE,
                                      .interrupts = REPORT_ABSENT};
    for (unsigned i = 0; i < 5; i++)
        results_add("DMA-DENY-001", "00:04.0", RESULT_PASS, NULL);
    results_add("DMA-ALLOW-001", "00:04.0", RESULT_PASS, NULL);
    record_set_sink(see_record, NULL);
    record_count = console_count = 0;
    return 0;
}

static void test_verdict_rule(void **state)
{
    const struct result_counts proved = {.pass = 6, .skip = 3, .allow_pass = 1, .deny_pass = 5};
    struct result_counts counts = proved;

    (void)state;
    assert_true(report_verdict(REPORT_ACTIVE, &counts));
    assert_false(report_verdict(REPORT_PARTIAL, &counts));
    assert_false(report_verdict(REPORT_FAILED, &counts));
    assert_false(report_verdict(REPORT_ABSENT, &counts));
    counts.fail = 1;
    assert_false(report_verdict(REPORT_ACTIVE, &counts));
    counts = proved;
    counts.error = 1;
    assert_false(report_verdict(REPORT_ACTIVE, &counts));
    counts = proved;
    counts.allow_pass = 0;
    assert_false(report_verdict(REPORT_ACTIVE, &counts));
    counts = proved;
    counts.deny_pass = 4;
    assert_false(report_verdict(REPORT_ACTIVE, &counts));

    record_begin("cut");
    record_begin("next");
    assert_false(report_verdict(REPORT_ACTIVE, &proved));
}

static void test_head(void **state)
{
    static const char *const expected[] = {
        "Bulkhead 1.0, console: ttyS0 at I/O 0x3f8, found by probe",
        "image: base 0x7e000000",
        "firmware: EDK II, Secure Boot off",
        "memory: 2048 MiB",
        ("iommu: intel unit at 0xfed90000, segment 0: translation off, interrupt remapping off, "
         "queue on, protected ranges off"),
        "bus mastering on at entry: 00:03.0",
    };

    (void)state;
    report_head(&summary);
    assert_int_equal(console_count, sizeof(expected) / sizeof(expected[0]));
    for (unsigned i = 0; i < console_count; i++)
        assert_string_equal(console[i], expected[i]);
    assert_int_equal(record_count, 2);
    assert_string_equal(
        records[0],
        "@json "
        "{\"record\":\"start\",\"schema\":1,\"version\":\"1.0\",\"image_base\":\"0x7e000000\","
        "\"console\":\"console: ttyS0 at I/O 0x3f8, found by probe\",\"firmware\":\"EDK II\","
        "\"secure_boot\":false,\"memory_bytes\":2147483648}");
    assert_string_equal(records[1],
                        "@json {\"record\":\"entry\",\"units\":[{\"answers\":true,\"te\":false,"
                        "\"ire\":false,\"qie\":true,\"pmr\":false}],"
                        "\"bus_masters\":[\"00:03.0\"]}");
}

static void test_pass(void **state)
{
    static const char *const expected[] = {
        ("found at entry: translation on in 0 of 1 units, interrupt remapping in 0; bus mastering "
         "on in 1 of 3 functions"),
        "protection now: active: every requester reaches only what is mapped for it",
        ("denial proof: 5 refusals and 1 permitted accesses proved; 0 failed, 0 undecided, 0 "
         "skipped"),
        "not covered: none; interrupts (remapping is absent)",
        "next step: none, keep this report",
    };
    char marker[128];

    (void)state;
    assert_true(report_finish(&summary));
    assert_int_equal(console_count, 6);
    for (unsigned i = 0; i < 5; i++)
        assert_string_equal(console[i], expected[i]);
    snprintf(marker, sizeof(marker), "bulkhead: end of report, verdict PASS, 12 lines, CRC-32 %.8s",
             strstr(records[12], "\"crc32\":\"") + strlen("\"crc32\":\""));
    assert_string_equal(console[5], marker);

    assert_string_equal(records[0], "@json {\"record\":\"iommu\",\"state\":\"active\",\"units\":["
                                    "{\"vendor\":\"intel\",\"segment\":0,\"base\":\"0xfed90000\"}],"
                                    "\"uncovered\":[]}");
    assert_string_equal(records[1], "@json {\"record\":\"interrupts\",\"state\":\"absent\"}");
    assert_string_equal(
        records[2], "@json {\"record\":\"group\",\"id\":0,\"devices\":[\"00:02.0\",\"00:03.0\"]}");
    assert_string_equal(records[3],
                        "@json {\"record\":\"group\",\"id\":1,\"devices\":[\"00:04.0\"]}");
    assert_string_equal(records[4], "@ktap KTAP version 1");
    assert_int_equal(record_count, 4 + 8 + 1);
    assert_non_null(strstr(records[12],
                           "{\"record\":\"end\",\"counts\":{\"pass\":6,\"fail\":0,"
                           "\"skip\":0,\"error\":0},\"verdict\":\"pass\",\"lines\":12,"));
}

static void expect_found(enum report_found found, const char *protection, const char *next_step)
{
    record_set_sink(see_record, NULL);
    record_count = console_count = 0;
    assert_int_equal(report_found(&summary), found);
    report_inspected(&summary);
    assert_int_equal(console_count, 6);
    assert_non_null(strstr(console[0], "found at entry: "));
    assert_non_null(strstr(console[1], protection));
    assert_non_null(strstr(console[2], "denial proof: none"));
    assert_non_null(strstr(console[4], next_step));
    assert_non_null(strstr(console[5], "bulkhead: end of report, verdict NONE, "));
    assert_non_null(strstr(records[record_count - 1], "\"verdict\":\"none\""));
}

static void test_inspected_proves_nothing(void **state)
{
    (void)state;
    units[1] = units[0];
    summary.unit_count = 2;
    units[0].on |= REPORT_TE;
    expect_found(REPORT_FOUND_OFF, "a unit does not translate", "mode=takeover");
    units[1].on |= REPORT_TE;
    expect_found(REPORT_FOUND_ON, "every unit translate", "to prove what is refused");
    units[0].answers = false;
    expect_found(REPORT_FOUND_UNKNOWN, "does not answer", "update the firmware");
    units[0].answers = true;
    summary.unclear = true;
    expect_found(REPORT_FOUND_UNKNOWN, "a table is broken", "update the firmware");
    summary.unclear = false;
    summary.unit_count = 0;
    expect_found(REPORT_FOUND_NONE, "no IOMMU", "in the firmware's setup");
}

static void expect_fail(const char *protection, const char *next_step)
{
    record_set_sink(see_record, NULL);
    record_count = console_count = 0;
    assert_false(report_finish(&summary));
    assert_int_equal(console_count, 6);
    assert_non_null(strstr(console[1], protection));
    assert_non_null(strstr(console[4], next_step));
    assert_non_null(strstr(console[5], "bulkhead: end of report, verdict FAIL, "));
    assert_non_null(strstr(records[record_count - 1], "\"verdict\":\"fail\""));
}

static void test_each_state_has_its_sentence(void **state)
{
    (void)state;
    summary.dma_reason = "TE never came on";
    summary.dma = REPORT_FAILED;
    expect_fail("failed: there is an IOMMU, but it does not protect memory (TE never came on)",
                "why the unit could not be used");
    summary.dma = REPORT_PARTIAL;
    expect_fail("partial: ", "take what is not covered out");
    summary.dma = REPORT_ABSENT;
    summary.unit_count = 0;
    expect_fail("absent: there is no IOMMU", "switch the IOMMU");
    assert_non_null(strstr(records[0], "\"state\":\"absent\",\"reason\":\"TE never came on\","
                                       "\"units\":[],\"uncovered\":[]"));
}

static void test_uncovered_is_never_active(void **state)
{
    (void)state;
    functions[2].covered = false;
    expect_fail("protection now: partial", "take what is not covered out");
    assert_non_null(strstr(records[0], "\"state\":\"partial\""));
    assert_non_null(strstr(records[0], "\"uncovered\":[\"00:04.0\"]"));
    assert_non_null(strstr(console[3], "not covered: 00:04.0; interrupts"));
}

static void test_failure_and_missing_proof_name_the_next_step(void **state)
{
    (void)state;
    results_clear();
    expect_fail("active", "0 of 5 are proved");
    results_add("DMA-DENY-009", "00:05.0", RESULT_FAIL, "the canary changed");
    expect_fail("active", "look into DMA-DENY-009 00:05.0: the canary changed");
}

/* Counts how often `part` stands in all records of a kind. */
static unsigned count_in(const char *kind, const char *part)
{
    char start_text[48];
    unsigned count = 0;

    snprintf(start_text, sizeof(start_text), "@json {\"record\":\"%s\"", kind);
    for (unsigned i = 0; i < record_count; i++) {
        if (strncmp(records[i], start_text, strlen(start_text)) != 0)
            continue;
        for (const char *at = records[i]; (at = strstr(at, part)) != NULL; at++)
            count++;
    }
    return count;
}

static void test_a_unit_has_its_own_switches(void **state)
{
    (void)state;
    units[0].vendor = "amd";
    units[0].has = REPORT_TE | REPORT_QIE | REPORT_LOG;
    units[0].on = REPORT_TE | REPORT_LOG;
    report_head(&summary);
    assert_int_equal(count_in("entry", "{\"answers\":true,\"te\":true,\"qie\":false,\"log\":true}"),
                     1);
    assert_string_equal(console[4], "iommu: amd unit at 0xfed90000, segment 0: translation on, "
                                    "queue off, event log on");
}

/* The functions that the console names behind `head`, in its line and the further ones. */
static unsigned named_behind(const char *head, const char *part)
{
    unsigned line = 0, count = 0;

    while (line < console_count && strncmp(console[line], head, strlen(head)) != 0)
        line++;
    do {
        assert_in_range(strlen(console[line]), 1, 80);
        for (const char *at = console[line]; (at = strstr(at, part)) != NULL; at++)
            count++;
    } while (++line < console_count && strncmp(console[line], "    ", 4) == 0);
    return count;
}

static void test_every_uncovered_function_is_on_the_console(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 18; i++) {
        snprintf(functions[i].name, sizeof(functions[i].name), "00:%02x.0", i);
        functions[i].covered = i < 3;
    }
    summary.function_count = 18;
    assert_false(report_finish(&summary));
    assert_int_equal(console_count, 6 + 2);
    assert_string_equal(
        console[3], "not covered: 00:03.0 00:04.0 00:05.0 00:06.0 00:07.0 00:08.0 00:09.0 00:0a.0");
    assert_string_equal(console[4], "    00:0b.0 00:0c.0 00:0d.0 00:0e.0 00:0f.0 00:10.0 00:11.0;");
    assert_string_equal(console[5], "    interrupts (remapping is absent)");
    summary.interrupts = REPORT_ACTIVE;
    console_count = 0;
    report_again(&summary, false);
    assert_int_equal(named_behind("not covered:", "00:"), 15);
    assert_int_equal(named_behind("not covered:", ";"), 0);
}

static void test_long_lists_are_split_and_complete(void **state)
{
    (void)state;
    for (unsigned i = 0; i < UNITS; i++)
        units[i] = (struct report_unit){.vendor = "intel",
                                        .segment = UINT16_MAX,
                                        .base = UINT64_MAX,
                                        .answers = true,
                                        .has = VTD_SWITCHES | REPORT_LOG};
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        snprintf(functions[i].name, sizeof(functions[i].name), "ffff:%02x:%02x.%u", i >> 8,
                 i >> 3 & 31, i & 7);
        functions[i].group = i == 7 ? REPORT_NO_GROUP : i % 2;
        functions[i].bus_master_at_entry = true;
        functions[i].covered = false;
    }
    summary.unit_count = UNITS;
    summary.function_count = FUNCTIONS;
    report_head(&summary);
    assert_int_equal(count_in("entry", "{\"answers\""), UNITS);
    assert_int_equal(count_in("entry", "\"ffff:"), FUNCTIONS);
    assert_int_equal(named_behind("bus mastering on at entry:", "ffff:"), FUNCTIONS);

    console_count = 0;
    assert_false(report_finish(&summary));
    assert_int_equal(named_behind("not covered:", "ffff:"), FUNCTIONS);
    assert_int_equal(count_in("iommu", "{\"vendor\""), UNITS);
    assert_int_equal(count_in("iommu", "\"ffff:"), FUNCTIONS);
    assert_int_equal(count_in("group", "\"ffff:"), FUNCTIONS - 1);
    assert_int_equal(count_in("iommu", "\"state\":\"partial\""), count_in("iommu", "\"units\":"));
    assert_int_equal(record_cut(), 0);

    record_set_sink(see_record, NULL);
    record_count = 0;
    summary.function_count = 0;
    report_head(&summary);
    assert_int_equal(count_in("entry", "{\"answers\""), UNITS);
}

static void test_nothing_known(void **state)
{
    const struct report_summary nothing = {.dma = REPORT_ABSENT};

    (void)state;
    report_head(&nothing);
    assert_string_equal(console[4], "iommu: no unit found");
    assert_false(report_finish(&nothing));
    assert_non_null(strstr(console[console_count - 1], "bulkhead: end of report, verdict FAIL, "));
    assert_non_null(strstr(records[1], "\"units\":[],\"bus_masters\":[]"));
}

static void test_disk(void **state)
{
    (void)state;
    log_set_level(LOG_NOTICE);
    report_disk("nvme0", 67108864, "00ff");
    assert_string_equal(records[0], "@json {\"record\":\"disk\",\"name\":\"nvme0\","
                                    "\"bytes\":67108864,\"sha256\":\"00ff\"}");
    assert_non_null(strstr(console[0], "nvme0: 67108864 bytes read, SHA-256 00ff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_verdict_rule, start),
        cmocka_unit_test_setup(test_head, start),
        cmocka_unit_test_setup(test_pass, start),
        cmocka_unit_test_setup(test_inspected_proves_nothing, start),
        cmocka_unit_test_setup(test_each_state_has_its_sentence, start),
        cmocka_unit_test_setup(test_uncovered_is_never_active, start),
        cmocka_unit_test_setup(test_failure_and_missing_proof_name_the_next_step, start),
        cmocka_unit_test_setup(test_a_unit_has_its_own_switches, start),
        cmocka_unit_test_setup(test_every_uncovered_function_is_on_the_console, start),
        cmocka_unit_test_setup(test_long_lists_are_split_and_complete, start),
        cmocka_unit_test_setup(test_nothing_known, start),
        cmocka_unit_test_setup(test_disk, start),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
