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

/* Every option that there is, for whoever names, checks or explains them. NULL name: the end. */
struct boot_option_text {
    const char *name, *values, *sentence;
};
extern const struct boot_option_text boot_options[];

#endif
