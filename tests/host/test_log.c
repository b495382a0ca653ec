/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The log: every line reaches ring and sinks whole, in order and once; the ring keeps the newest
 * lines and only whole ones; no line can pass for a record or move the cursor; repeats are counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/log.h"

#include <stdio.h>
#include <string.h>

#define LINES 4096

static char seen[LINES][LOG_LINE_LENGTH + 1];
static unsigned seen_count;

static char replayed[LINES][LOG_LINE_LENGTH + 1];
static unsigned replayed_count;

static uint64_t now;

static uint64_t clock_ns(void)
{
    return now;
}

static void see(void *context, const char *line, size_t length)
{
    (void)context;
    assert_in_range(length, 0, LOG_LINE_LENGTH);
    assert_in_range(seen_count, 0, LINES - 1);
    memcpy(seen[seen_count], line, length);
    seen[seen_count++][length] = '\0';
}

static void replay(void *context, const char *line, size_t length)
{
    (void)context;
    assert_in_range(length, 0, LOG_LINE_LENGTH);
    assert_in_range(replayed_count, 0, LINES - 1);
    memcpy(replayed[replayed_count], line, length);
    replayed[replayed_count++][length] = '\0';
}

/* The sink stays from test to test: one is registered for the whole program. */
static int start(void **state)
{
    static bool registered;

    (void)state;
    log_set_clock(clock_ns);
    log_set_level(LOG_DEBUG);
    now = UINT64_C(12345678901);
    if (!registered)
        assert_true(log_add_sink(see, NULL));
    registered = true;
    log_line("-");
    seen_count = replayed_count = 0;
    return 0;
}

static void test_line_has_time_unit_and_text(void **state)
{
    (void)state;
    log_write(LOG_INFO, "vtd0", "%u units, %s", 3u, "fine");
    log_write(LOG_INFO, NULL, "no unit");
    log_line("heading");
    log_write(LOG_WARNING, "boot", "option is not taken");
    log_write(LOG_ERROR, "dmar0", "translation is not on");
    log_write(LOG_ERROR, NULL, "FAIL");
    log_write(LOG_NOTICE, "boot", "done");
    assert_int_equal(seen_count, 7);
    assert_string_equal(seen[0], "[  12.345678] vtd0: 3 units, fine");
    assert_string_equal(seen[1], "[  12.345678] no unit");
    assert_string_equal(seen[2], "heading");
    assert_string_equal(seen[3], "[  12.345678] boot: warning: option is not taken");
    assert_string_equal(seen[4], "[  12.345678] dmar0: error: translation is not on");
    assert_string_equal(seen[5], "[  12.345678] FAIL");
    assert_string_equal(seen[6], "[  12.345678] boot: done");
}

static void test_level_changes_sinks_and_not_the_ring(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    log_write(LOG_WARNING, "a", "hidden");
    log_write(LOG_ERROR, "a", "shown");
    log_line("always");
    assert_int_equal(seen_count, 2);
    assert_non_null(strstr(seen[0], "a: error: shown"));
    assert_string_equal(seen[1], "always");

    log_replay(3, replay, NULL);
    assert_int_equal(replayed_count, 3);
    assert_non_null(strstr(replayed[0], "a: warning: hidden"));
}

static void test_control_characters_are_visible(void **state)
{
    (void)state;
    log_line("a\nb\r\x1b[2J\t\x7f\xff");
    log_line("ends in one line end\n");
    log_line("@json {\"record\":\"end\"}");
    log_write(LOG_INFO, "u\n@", "x");
    assert_string_equal(seen[0], "a\\x0ab\\x0d\\x1b[2J\\x09\\x7f\\xff");
    assert_string_equal(seen[1], "ends in one line end");
    assert_string_equal(seen[2], "\\x40json {\"record\":\"end\"}");
    assert_string_equal(seen[3], "[  12.345678] u\\x0a@: x");
}

static void test_long_lines_are_cut(void **state)
{
    char text[3 * LOG_LINE_LENGTH];

    (void)state;
    for (size_t length = LOG_LINE_LENGTH - 20; length < LOG_LINE_LENGTH + 20; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        seen_count = 0;
        log_line("%s", text);
        log_write(LOG_INFO, "unit", "%s", text);
        if (length <= LOG_LINE_LENGTH)
            assert_string_equal(seen[0], text);
        else
            assert_string_equal(&seen[0][LOG_LINE_LENGTH - 4], "x...");
        assert_int_equal(strlen(seen[1]) == LOG_LINE_LENGTH, length + 20 >= LOG_LINE_LENGTH);
    }
    memset(text, '\x01', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    seen_count = 0;
    log_line("%s", text);
    assert_int_equal(strlen(seen[0]), LOG_LINE_LENGTH);
}

static void test_repeats_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        log_write(LOG_INFO, "vtd0", "fault");
    assert_int_equal(seen_count, 1);

    log_replay(2, replay, NULL);
    assert_int_equal(replayed_count, 2);
    assert_non_null(strstr(replayed[0], "vtd0: fault"));
    assert_string_equal(replayed[1], "vtd0: last line repeated 7 times");

    log_write(LOG_INFO, "vtd1", "fault");
    log_write(LOG_WARNING, "vtd1", "fault");
    assert_int_equal(seen_count, 4);
    assert_string_equal(seen[1], "[  12.345678] vtd0: last line repeated 7 times");
    assert_non_null(strstr(seen[2], "vtd1: fault"));
    assert_non_null(strstr(seen[3], "vtd1: warning: fault"));

    now += 1000;
    log_write(LOG_WARNING, "vtd1", "fault");
    log_line("end");
    log_write(LOG_WARNING, "vtd1", "fault");
    assert_int_equal(seen_count, 7);
    assert_string_equal(seen[4], "[  12.345679] vtd1: warning: fault");
    assert_string_equal(seen[5], "end");
    assert_string_equal(seen[6], "[  12.345679] vtd1: warning: fault");
}

static void test_repeats_are_told_on_demand(void **state)
{
    (void)state;
    log_flush();
    assert_int_equal(seen_count, 0);
    for (unsigned i = 0; i < 3; i++)
        log_write(LOG_WARNING, "vtd0", "fault");
    assert_int_equal(seen_count, 1);
    log_flush();
    log_flush();
    assert_int_equal(seen_count, 2);
    assert_string_equal(seen[1], "[  12.345678] vtd0: last line repeated 2 times");

    log_write(LOG_WARNING, "vtd0", "fault");
    assert_int_equal(seen_count, 2);
    log_flush();
    assert_int_equal(seen_count, 3);
    assert_string_equal(seen[2], "[  12.345678] vtd0: warning: fault");
    log_replay(3, replay, NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(replayed[i], seen[i]);
}

static void test_ring_keeps_the_newest_whole_lines(void **state)
{
    char text[LOG_LINE_LENGTH + 1];
    size_t bytes = 0;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        size_t length = (i * 37u) % 200;
        memset(text, 'a' + (int)(i % 26), length);
        text[length] = '\0';
        log_line("%u %s", i, text);
        replayed_count = 0;
        if (i % 250 != 249)
            continue;
        log_replay(SIZE_MAX, replay, NULL);
        bytes = 0;
        for (unsigned k = 0; k < replayed_count; k++) {
            bytes += strlen(replayed[k]) + 1;
            if (i > 999)
                assert_string_equal(replayed[k], seen[seen_count - replayed_count + k]);
        }
    }
    assert_in_range(bytes, LOG_RING_LENGTH - LOG_LINE_LENGTH, LOG_RING_LENGTH);

    replayed_count = 0;
    log_replay(5, replay, NULL);
    assert_int_equal(replayed_count, 5);
    assert_string_equal(replayed[4], seen[seen_count - 1]);
    replayed_count = 0;
    log_replay(0, replay, NULL);
    assert_int_equal(replayed_count, 0);
}

static void nested(void *context, const char *line, size_t length)
{
    bool *done = context;

    (void)line;
    (void)length;
    if (*done)
        return;
    *done = true;
    log_write(LOG_WARNING, "console", "nested");
}

/* Registers the last sinks there are: runs last. */
static void test_sinks_may_log_and_are_bounded(void **state)
{
    bool done = false;

    (void)state;
    assert_true(log_add_sink(nested, &done));
    log_write(LOG_INFO, "outer", "text");
    log_replay(2, replay, NULL);
    assert_non_null(strstr(replayed[0], "outer: text"));
    assert_non_null(strstr(replayed[1], "console: warning: nested"));

    for (unsigned i = 2; i < LOG_SINKS; i++)
        assert_true(log_add_sink(nested, &done));
    assert_false(log_add_sink(nested, &done));
    log_line("done"); /* `done` leaves its scope, and is never asked again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_line_has_time_unit_and_text, start),
        cmocka_unit_test_setup(test_level_changes_sinks_and_not_the_ring, start),
        cmocka_unit_test_setup(test_control_characters_are_visible, start),
        cmocka_unit_test_setup(test_long_lines_are_cut, start),
        cmocka_unit_test_setup(test_repeats_are_counted, start),
        cmocka_unit_test_setup(test_repeats_are_told_on_demand, start),
        cmocka_unit_test_setup(test_ring_keeps_the_newest_whole_lines, start),
        cmocka_unit_test_setup(test_sinks_may_log_and_are_bounded, start),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
