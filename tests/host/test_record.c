/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The record stream: every line is whole, ASCII, bounded and well-formed JSON whatever goes in;
 * what does not fit is counted; count and sum cover exactly the lines that were written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/crc32.h"
#include "lib/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char line[RECORD_LENGTH + 1];
static unsigned lines;
static uint32_t sum;      /* over all lines so far */
static uint32_t sum_last; /* without the last one */

static void see(void *context, const char *text, size_t length)
{
    (void)context;
    assert_in_range(length, 1, RECORD_LENGTH);
    for (size_t i = 0; i < length; i++)
        assert_in_range((uint8_t)text[i], ' ', '~');
    memcpy(line, text, length);
    line[length] = '\0';
    sum_last = sum;
    sum = crc32_update(crc32_update(sum, text, length), "\n", 1);
    lines++;
}

static int start(void **state)
{
    (void)state;
    lines = 0;
    sum = 0;
    line[0] = '\0';
    record_set_sink(see, NULL);
    return 0;
}

static void test_crc32_check_value(void **state)
{
    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(crc32_update(crc32_update(0, "1234", 4), "56789", 5), 0xCBF43926);
    assert_int_equal(crc32_update(0, "", 0), 0);
}

static void test_members_and_nesting(void **state)
{
    (void)state;
    record_begin("iommu");
    record_number("most", UINT64_MAX);
    record_hex("base", 0xFED90000);
    record_bool("yes", true);
    record_bool("no", false);
    record_string("left out", NULL);
    record_array("units");
    record_object(NULL);
    record_string("vendor", "intel");
    record_close();
    record_object(NULL);
    record_close();
    record_string(NULL, "plain");
    record_array(NULL);
    record_close();
    record_number(NULL, 7);
    record_close();
    record_string("last", "");
    record_end();
    assert_string_equal(line, "@json {\"record\":\"iommu\",\"most\":18446744073709551615,"
                              "\"base\":\"0xfed90000\",\"yes\":true,\"no\":false,"
                              "\"units\":[{\"vendor\":\"intel\"},{},\"plain\",[],7],"
                              "\"last\":\"\"}");
}

static void test_end_closes_what_is_open(void **state)
{
    (void)state;
    record_begin("x");
    record_array("a");
    record_object(NULL);
    record_end();
    assert_string_equal(line, "@json {\"record\":\"x\",\"a\":[{}]}");
    assert_int_equal(record_cut(), 0);
}

static void check_string(const char *value, const char *escaped)
{
    char expected[256];

    snprintf(expected, sizeof(expected), "@json {\"record\":\"s\",\"v\":\"%s\"}", escaped);
    record_begin("s");
    record_string("v", value);
    record_end();
    assert_string_equal(line, expected);
}

static void test_strings_are_escaped(void **state)
{
    (void)state;
    check_string("a\"b\\c/", "a\\\"b\\\\c/");
    check_string("\x01\n\r\t\x1f\x7f", "\\u0001\\u000a\\u000d\\u0009\\u001f\\u007f");
    check_string("\xc3\xa9", "\\u00e9");
    check_string("\xe2\x82\xac", "\\u20ac");
    check_string("\xf0\x9f\x98\x80", "\\ud83d\\ude00");
    check_string("\xf4\x8f\xbf\xbf", "\\udbff\\udfff");
}

static void test_invalid_utf8_is_replaced(void **state)
{
    (void)state;
    check_string("\x80", "\\ufffd");
    check_string("\xff", "\\ufffd");
    check_string("\xc3", "\\ufffd");
    check_string("\xc3x", "\\ufffdx");
    check_string("\xe2\x82", "\\ufffd\\ufffd");
    check_string("\xc0\xaf", "\\ufffd\\ufffd");
    check_string("\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd");
    check_string("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
    check_string("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
    check_string("\xf8\x88\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd");
}

/* Every length around the bound: either whole, or replaced and counted. */
static void test_long_record_is_cut_and_counted(void **state)
{
    static char value[RECORD_LENGTH + 64];
    unsigned cut = 0;

    (void)state;
    for (size_t length = RECORD_LENGTH - 64; length < sizeof(value); length++) {
        memset(value, 'v', length);
        value[length] = '\0';
        record_begin("long");
        record_string("v", value);
        record_end();
        if (record_cut() == cut) {
            assert_int_equal(strlen(line), length + strlen("@json {'record':'long','v':''}"));
        } else {
            assert_string_equal(line, "@json {\"record\":\"cut\",\"kind\":\"long\"}");
            assert_int_equal(record_cut(), ++cut);
        }
    }
    assert_in_range(cut, 64, 127);
}

static void test_many_members_never_overflow(void **state)
{
    (void)state;
    record_begin("many");
    for (unsigned i = 0; i < RECORD_LENGTH; i++) {
        record_array("a");
        record_close();
        record_object("o");
        record_string("s", "\xff");
        record_close();
    }
    record_end();
    assert_string_equal(line, "@json {\"record\":\"cut\",\"kind\":\"many\"}");
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    for (unsigned depth = RECORD_DEPTH; depth <= RECORD_DEPTH + 20; depth++) {
        record_begin("deep");
        for (unsigned i = 0; i < depth; i++)
            record_array(i == 0 ? "a" : NULL);
        for (unsigned i = 0; i < depth + 3; i++)
            record_close();
        record_end();
        if (depth == RECORD_DEPTH)
            assert_string_equal(line, "@json {\"record\":\"deep\",\"a\":[[[[]]]]}");
        else
            assert_string_equal(line, "@json {\"record\":\"cut\",\"kind\":\"deep\"}");
    }
}

static void test_calls_out_of_order_are_harmless(void **state)
{
    (void)state;
    record_string("k", "v");
    record_number("k", 1);
    record_array("k");
    record_close();
    record_end();
    assert_int_equal(lines, 0);

    record_begin("first");
    record_begin("second");
    assert_string_equal(line, "@json {\"record\":\"cut\",\"kind\":\"first\"}");
    record_end();
    assert_string_equal(line, "@json {\"record\":\"second\"}");
    assert_int_equal(record_cut(), 1);
}

static void test_ktap_lines_are_plain(void **state)
{
    static char value[2 * RECORD_LENGTH];

    (void)state;
    record_ktap("ok %u %s", 3u, "a\nb\x1b");
    assert_string_equal(line, "@ktap ok 3 a?b?");
    assert_int_equal(record_cut(), 0);

    memset(value, 'v', sizeof(value) - 1);
    record_ktap("%s", value);
    assert_int_equal(record_cut(), 1);
    record_ktap("next");
    assert_string_equal(line, "@ktap next");
}

static void test_finish_counts_and_sums(void **state)
{
    char expected[160];

    (void)state;
    record_begin("a");
    record_end();
    record_ktap("1..0");
    record_begin("end");
    record_object("counts");
    record_number("pass", 3);
    record_finish("pass");
    assert_int_equal(lines, 3);
    snprintf(expected, sizeof(expected),
             "@json {\"record\":\"end\",\"counts\":{\"pass\":3},\"verdict\":\"pass\",\"lines\":2,"
             "\"crc32\":\"%08x\"}",
             (unsigned)sum_last);
    assert_string_equal(line, expected);

    record_begin("late");
    record_end();
    record_ktap("late");
    record_finish("pass");
    assert_int_equal(lines, 3);
}

static void test_finish_tells_what_was_cut(void **state)
{
    (void)state;
    record_begin("first");
    record_begin("second");
    record_end();
    record_finish("fail");
    assert_non_null(
        strstr(line, "{\"record\":\"end\",\"verdict\":\"fail\",\"lines\":2,\"crc32\":"));
    assert_non_null(strstr(line, ",\"cut\":1}"));
}

/* The sum covers every line even when nobody listens. */
static void test_no_sink(void **state)
{
    (void)state;
    record_set_sink(NULL, NULL);
    record_begin("a");
    record_end();
    record_finish("fail");
    assert_int_equal(lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32_check_value),
        cmocka_unit_test_setup(test_members_and_nesting, start),
        cmocka_unit_test_setup(test_end_closes_what_is_open, start),
        cmocka_unit_test_setup(test_strings_are_escaped, start),
        cmocka_unit_test_setup(test_invalid_utf8_is_replaced, start),
        cmocka_unit_test_setup(test_long_record_is_cut_and_counted, start),
        cmocka_unit_test_setup(test_many_members_never_overflow, start),
        cmocka_unit_test_setup(test_depth_is_bounded, start),
        cmocka_unit_test_setup(test_calls_out_of_order_are_harmless, start),
        cmocka_unit_test_setup(test_ktap_lines_are_plain, start),
        cmocka_unit_test_setup(test_finish_counts_and_sums, start),
        cmocka_unit_test_setup(test_finish_tells_what_was_cut, start),
        cmocka_unit_test_setup(test_no_sink, start),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
