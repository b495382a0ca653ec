/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/options.h"
#include "lib/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct boot_info info;

static int setup(void **state)
{
    (void)state;
    memset(&info, 0, sizeof(info));
    return 0;
}

/* The text is copied to the heap, so that one byte read too many is seen. */
static bool add(const void *text, size_t length, enum options_syntax syntax)
{
    void *copy = malloc(length);
    bool complete;

    assert_non_null(copy);
    memcpy(copy, text, length);
    complete = options_add(info.options, copy, length, syntax);
    free(copy);
    return complete;
}

#define ADD(text, syntax) assert_true(add(text, sizeof(text) - 1, syntax))

static void a_file_has_one_option_a_line(void **state)
{
    (void)state;
    ADD("# comment\r\n\r\n  tests = all  # why\r\nname=two words\n\tflag\nlast=", OPTIONS_LINES);
    assert_string_equal(boot_option(&info, "tests"), "all");
    assert_string_equal(boot_option(&info, "name"), "two words");
    assert_string_equal(boot_option(&info, "flag"), "");
    assert_string_equal(boot_option(&info, "last"), "");
    assert_null(boot_option(&info, "comment"));
    assert_null(boot_option(&info, "test"));
    assert_null(boot_option(&info, "tests2"));
}

static void a_command_line_has_words(void **state)
{
    (void)state;
    ADD("bulkhead.efi  tests=all note=\"two words\" colour=#fff", OPTIONS_WORDS);
    assert_string_equal(boot_option(&info, "tests"), "all");
    assert_string_equal(boot_option(&info, "note"), "two words");
    assert_string_equal(boot_option(&info, "colour"), "#fff");
}

static void the_later_one_wins(void **state)
{
    (void)state;
    ADD("tests=default\nonce=1\n", OPTIONS_LINES);
    ADD("tests=all", OPTIONS_WORDS);
    assert_string_equal(boot_option(&info, "tests"), "all");
    assert_string_equal(boot_option(&info, "once"), "1");
}

static void every_encoding_is_read(void **state)
{
    (void)state;
    ADD("\xFF\xFE"
        "a\0=\0001\0\r\0\n\0",
        OPTIONS_LINES);
    ADD("\xFE\xFF"
        "\0b\0=\0002\0\n",
        OPTIONS_LINES);
    ADD("\xEF\xBB\xBF"
        "c=3",
        OPTIONS_LINES);
    ADD("d\0=\0004\0\0\0x\0", OPTIONS_WORDS);
    ADD("e=5\xC3\xA4", OPTIONS_LINES);
    assert_string_equal(boot_option(&info, "a"), "1");
    assert_string_equal(boot_option(&info, "b"), "2");
    assert_string_equal(boot_option(&info, "c"), "3");
    assert_string_equal(boot_option(&info, "d"), "4");
    assert_string_equal(boot_option(&info, "e"), "5??");
    assert_null(boot_option(&info, "x"));
}

static void half_a_character_ends_the_text(void **state)
{
    (void)state;
    ADD("\xFF\xFE"
        "a\0b",
        OPTIONS_LINES);
    ADD("\xFF", OPTIONS_LINES);
    ADD("", OPTIONS_LINES);
    assert_string_equal(boot_option(&info, "a"), "");
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    char text[BOOT_OPTIONS_MAX + 8];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_false(add(text, sizeof(text), OPTIONS_LINES));
    assert_int_equal(info.options[0], '\0');

    memset(text, 'y', BOOT_OPTIONS_MAX - 4);
    text[BOOT_OPTIONS_MAX - 4] = '\n';
    memcpy(text + BOOT_OPTIONS_MAX - 3, "z=1\nw", 5);
    assert_false(add(text, BOOT_OPTIONS_MAX + 2, OPTIONS_LINES));
    assert_null(boot_option(&info, "z"));
    assert_string_equal(boot_option(&info, "w"), "");
    assert_int_equal(strlen(info.options), BOOT_OPTIONS_MAX - 4);
}

/* An option needs its own end and that of the list. */
static void the_last_byte_is_used(void **state)
{
    char *options = calloc(1, BOOT_OPTIONS_MAX);
    char text[BOOT_OPTIONS_MAX];

    (void)state;
    assert_non_null(options);
    memset(text, 'x', sizeof(text));
    assert_false(options_add(options, text, BOOT_OPTIONS_MAX - 1, OPTIONS_WORDS));
    assert_true(options_add(options, text, BOOT_OPTIONS_MAX - 2, OPTIONS_WORDS));
    assert_false(options_add(options, text, 1, OPTIONS_WORDS));
    assert_int_equal(strlen(options), BOOT_OPTIONS_MAX - 2);
    free(options);
}

static void an_option_is_what_was_given_last(void **state)
{
    (void)state;
    assert_false(boot_option_is(&info, "dmaguard", "block"));
    ADD("dmaguard=allow", OPTIONS_LINES);
    assert_true(boot_option_is(&info, "dmaguard", "allow"));
    assert_false(boot_option_is(&info, "dmaguard", "block"));
    ADD("dmaguard = block", OPTIONS_LINES);
    assert_false(boot_option_is(&info, "dmaguard", "allow"));
    assert_false(boot_option_is(&info, "dmaguard", "bloc"));
}

static unsigned complaints;
static char complaint[LOG_LINE_LENGTH + 1];

static void hear(void *context, const char *line, size_t length)
{
    (void)context;
    complaints++;
    memcpy(complaint, line, length);
    complaint[length] = '\0';
}

/* How many complaints there are, and that the last one says this. */
static void expect_complaints(unsigned count, const char *text)
{
    static bool heard;

    if (!heard)
        assert_true(log_add_sink(hear, NULL));
    heard = true;
    complaints = 0;
    complaint[0] = '\0';
    options_check(&info);
    assert_int_equal(complaints, count);
    assert_non_null(strstr(complaint, text));
}

static void what_no_rule_takes_is_said(void **state)
{
    (void)state;
    ADD("tests=all dmaguard=block loglevel=7 timeout=0 console=anything", OPTIONS_WORDS);
    expect_complaints(0, "");
    ADD("FS0:\\EFI\\BOOT\\BOOTX64.EFI bulkhead.efi", OPTIONS_WORDS);
    expect_complaints(0, "");
    ADD("test=all", OPTIONS_WORDS);
    expect_complaints(1, "option test=all is unknown");
    ADD("dmaguard=al", OPTIONS_WORDS);
    expect_complaints(2, "option dmaguard=al is not taken, its values are block|allow");
    ADD("dmaguard", OPTIONS_WORDS);
    expect_complaints(3, "option dmaguard is not taken");
    ADD("timeout=241", OPTIONS_WORDS);
    expect_complaints(4, "option timeout=241 is not taken, its values are 0-240");
    ADD("loglevel=2", OPTIONS_WORDS);
    expect_complaints(5, "loglevel=2");
    ADD("panic=reboot:3600 panic=shell provoke=machine-check", OPTIONS_WORDS);
    expect_complaints(5, "loglevel=2");
    ADD("panic=reboot: panic=reboot:3601 panic=reboot panic=halt:1", OPTIONS_WORDS);
    expect_complaints(9, "halt:1");
}

static void a_number_is_taken_within_its_range(void **state)
{
    static const char *const bad[] = {"timeout=",   "timeout=-1",  "timeout=241",
                                      "timeout=1s", "timeout= 0x", "timeout=99999999999999999999"};

    (void)state;
    assert_int_equal(boot_number(&info, "timeout"), 5);
    ADD("timeout=0", OPTIONS_WORDS);
    assert_int_equal(boot_number(&info, "timeout"), 0);
    ADD("timeout=240", OPTIONS_WORDS);
    assert_int_equal(boot_number(&info, "timeout"), 240);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(add(bad[i], strlen(bad[i]), OPTIONS_LINES));
        assert_int_equal(boot_number(&info, "timeout"), 5);
    }
}

static void a_value_is_one_that_its_rule_takes(void **state)
{
    static const char *const bad[] = {"panic", "panic=", "panic=reboot:3601", "panic=reboot:1s"};

    (void)state;
    assert_string_equal(boot_value(&info, "panic"), "halt");
    ADD("panic=reboot:3600", OPTIONS_WORDS);
    assert_string_equal(boot_value(&info, "panic"), "reboot:3600");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(add(bad[i], strlen(bad[i]), OPTIONS_LINES));
        assert_string_equal(boot_value(&info, "panic"), "halt");
    }
}

/* People read the rules in the manual, and each value that it gives must be one. */
static void every_rule_is_whole(void **state)
{
    const struct option_rule *rule, *before = NULL;

    (void)state;
    for (unsigned n = 0; (rule = option_rule(n)); before = rule, n++) {
        assert_true(!before || strcmp(before->name, rule->name) < 0);
        assert_true(rule->meaning[0] && rule->standard[0]);
        if (!rule->values || strcmp(rule->standard, "nothing") == 0 ||
            strcmp(rule->name, "mode") == 0)
            continue;
        memset(info.options, 0, sizeof info.options);
        snprintf(info.options, sizeof info.options, "%s=%s", rule->name, rule->standard);
        expect_complaints(0, "");
    }
    assert_non_null(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_has_one_option_a_line, setup),
        cmocka_unit_test_setup(a_command_line_has_words, setup),
        cmocka_unit_test_setup(the_later_one_wins, setup),
        cmocka_unit_test_setup(every_encoding_is_read, setup),
        cmocka_unit_test_setup(half_a_character_ends_the_text, setup),
        cmocka_unit_test_setup(what_does_not_fit_is_left_out_whole, setup),
        cmocka_unit_test_setup(the_last_byte_is_used, setup),
        cmocka_unit_test_setup(an_option_is_what_was_given_last, setup),
        cmocka_unit_test_setup(what_no_rule_takes_is_said, setup),
        cmocka_unit_test_setup(a_number_is_taken_within_its_range, setup),
        cmocka_unit_test_setup(a_value_is_one_that_its_rule_takes, setup),
        cmocka_unit_test_setup(every_rule_is_whole, setup),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
