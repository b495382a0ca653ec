/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H

#include "boot/boot.h"

#include <stdbool.h>
#include <stddef.h>

/* How the options of a text are separated. '#' begins a comment in OPTIONS_LINES only. */
enum options_syntax {
    OPTIONS_LINES, /* a file: one option a line, blanks within its value kept */
    OPTIONS_WORDS, /* a command line: one option a word, "two words" quoted */
};

/*
 * Appends the options of `text` to `options` (struct boot_info). The text may be ASCII, UTF-8 or
 * UTF-16, with or without a byte order mark, and ends at `length` bytes or at its first NUL.
 * Characters outside printable ASCII become '?'; keys that nobody knows are kept.
 * False: at least one option did not fit and was left out whole.
 */
bool options_add(char options[BOOT_OPTIONS_MAX], const void *text, size_t length,
                 enum options_syntax syntax) __attribute__((warn_unused_result));

/* One option that Bulkhead knows. */
struct option_rule {
    const char *name;
    const char *values; /* "a|b:0-9": "a", or "b:" and a number; "0-60": a number; NULL: any text */
    const char *standard; /* what holds when it is not given, or its value is none of these */
    const char *meaning;  /* one clause, for people */
};

/* The nth rule, by name; NULL behind the last. */
const struct option_rule *option_rule(unsigned n);

/* Logs every option that has no rule, or a value that its rule does not take. */
void options_check(const struct boot_info *info);

/* The value of an option that has a rule; its standard when none was given, or one that the rule
 * does not take. */
const char *boot_value(const struct boot_info *info, const char *name);

/* The same, where the rule is a range of numbers. */
unsigned boot_number(const struct boot_info *info, const char *name);

#endif
