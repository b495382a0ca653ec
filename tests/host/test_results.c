/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Results: each gives one record, one log line and one place in the KTAP document; failures are
 * shown at every level; a list that is too small says so by an ERROR and loses no count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/log.h"
#include "lib/record.h"
#include "lib/results.h"

#include <stdio.h>
#include <string.h>

#define LINES 2048

static char records[LINES][RECORD_LENGTH + 1];
static unsigned record_count;
static char console[LINES][LOG_LINE_LENGTH + 1];
static unsigned console_count;

static void see_record(void *context, const char *line, size_t length)
{
    (void)context;
    memcpy(records[record_count], line, length);
    records[record_count++][length] = '\0';
}

static void see_console(void *context, const char *line, size_t length)
{
    (void)context;
    memcpy(console[console_count], line, length);
    console[console_count++][length] = '\0';
}

static int start(void **state)
{
    static bool registered;

    (void)state;
    if (!registered)
        assert_true(log_add_sink(see_console, NULL));
    registered = true;
    record_set_sink(see_record, NULL);
    log_set_level(LOG_NOTICE);
    results_clear();
    record_count = console_count = 0;
    return 0;
}

static void add_one_of_each(void)
{
    results_add("DMA-ALLOW-001", "00:04.0", RESULT_PASS, NULL);
    results_add("DMA-DENY-003", "00:04.0", RESULT_PASS, "write to a read-only page");
    results_add("DMA-DENY-004", "00:04.0", RESULT_FAIL, "the canary changed");
    results_add("DMA-FAULT-001", NULL, RESULT_SKIP, "no device");
    results_add("DMA-FAULT-002", "00:04.0", RESULT_ERROR, "device \"gone\"");
    results_add("DMA-NOTE-001", NULL, RESULT_INFO, NULL);
}

static void test_record_and_log_line(void **state)
{
    (void)state;
    add_one_of_each();
    assert_int_equal(record_count, 6);
    assert_string_equal(records[0], "@json {\"record\":\"test\",\"id\":\"DMA-ALLOW-001\","
                                    "\"device\":\"00:04.0\",\"result\":\"PASS\"}");
    assert_string_equal(records[3], "@json {\"record\":\"test\",\"id\":\"DMA-FAULT-001\","
                                    "\"result\":\"SKIP\",\"reason\":\"no device\"}");
    assert_non_null(strstr(records[4], "\"ERROR\",\"reason\":\"device \\\"gone\\\"\"}"));
    assert_int_equal(console_count, 6);
    assert_string_equal(console[1],
                        "[   0.000000] PASS DMA-DENY-003 00:04.0 write to a read-only page");
    assert_string_equal(console[5], "[   0.000000] INFO DMA-NOTE-001");
}

static void test_failures_show_at_every_level(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    add_one_of_each();
    assert_int_equal(console_count, 2);
    assert_non_null(strstr(console[0], "FAIL DMA-DENY-004"));
    assert_non_null(strstr(console[1], "ERROR DMA-FAULT-002"));
    assert_int_equal(record_count, 6);
}

static void test_counts(void **state)
{
    struct result_counts counts;

    (void)state;
    assert_null(results_first_failure());
    add_one_of_each();
    results_add("DMA-DENY-005", NULL, (enum result)99, NULL);
    counts = results_counts();
    assert_int_equal(counts.pass, 2);
    assert_int_equal(counts.fail, 1);
    assert_int_equal(counts.skip, 1);
    assert_int_equal(counts.error, 2);
    assert_int_equal(counts.allow_pass, 1);
    assert_int_equal(counts.deny_pass, 1);
    assert_string_equal(results_first_failure(), "DMA-DENY-004 00:04.0: the canary changed");
}

static void test_ktap_document(void **state)
{
    static const char *const expected[] = {
        "@ktap KTAP version 1",
        "@ktap 1..6",
        "@ktap ok 1 DMA-ALLOW-001 00:04.0",
        "@ktap ok 2 DMA-DENY-003 00:04.0 # write to a read-only page",
        "@ktap not ok 3 DMA-DENY-004 00:04.0 # the canary changed",
        "@ktap ok 4 DMA-FAULT-001 # SKIP no device",
        "@ktap not ok 5 DMA-FAULT-002 00:04.0 # ERROR device \"gone\"",
        "@ktap ok 6 DMA-NOTE-001 # INFO",
    };

    (void)state;
    add_one_of_each();
    record_count = 0;
    results_ktap();
    assert_int_equal(record_count, sizeof(expected) / sizeof(expected[0]));
    for (unsigned i = 0; i < record_count; i++)
        assert_string_equal(records[i], expected[i]);
}

static void test_empty_document(void **state)
{
    (void)state;
    results_ktap();
    assert_int_equal(record_count, 2);
    assert_string_equal(records[1], "@ktap 1..0");
}

static void test_overflow_is_an_error(void **state)
{
    char id[24];

    (void)state;
    for (unsigned i = 0; i < RESULTS_MAX; i++) {
        snprintf(id, sizeof(id), "DMA-DENY-%03u", i);
        results_add(id, "00:04.0", RESULT_PASS, NULL);
    }
    assert_int_equal(results_counts().error, 0);
    assert_int_equal(results_counts().deny_pass, RESULTS_MAX);

    results_add("DMA-DENY-998", "00:04.0", RESULT_PASS, NULL);
    results_add("DMA-DENY-999", "00:04.0", RESULT_FAIL, NULL);
    assert_int_equal(results_counts().error, 1);
    assert_int_equal(results_counts().fail, 1);
    assert_int_equal(results_counts().pass, RESULTS_MAX + 1);
    assert_int_equal(record_count, RESULTS_MAX + 3);

    record_count = 0;
    results_ktap();
    assert_int_equal(record_count, RESULTS_MAX + 3);
    assert_string_equal(records[1], "@ktap 1..513");
    assert_string_equal(records[record_count - 1],
                        "@ktap not ok 513 RESULTS-001 # ERROR more results than the list holds");
}

static void test_long_texts_are_bounded(void **state)
{
    static char text[RECORD_LENGTH / 2];

    (void)state;
    memset(text, 't', sizeof(text) - 1);
    results_add("DMA-DENY-001", "0001:00:04.0-and-more", RESULT_FAIL, text);
    assert_int_equal(record_cut(), 0);
    results_ktap();
    assert_int_equal(strlen(records[record_count - 1]),
                     strlen("@ktap not ok 1 DMA-DENY-001 0001:00:04.0-an # ") +
                         RESULTS_REASON_LENGTH - 1);
    assert_non_null(results_first_failure());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_record_and_log_line, start),
        cmocka_unit_test_setup(test_failures_show_at_every_level, start),
        cmocka_unit_test_setup(test_counts, start),
        cmocka_unit_test_setup(test_ktap_document, start),
        cmocka_unit_test_setup(test_empty_document, start),
        cmocka_unit_test_setup(test_overflow_is_an_error, start),
        cmocka_unit_test_setup(test_long_texts_are_bounded, start),
    };

    return cmocka_run_group_tests_name("results", tests, NULL, NULL);
}
