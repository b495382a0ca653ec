/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "drivers/acpi/acpi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A fuzz target is one file fuzz_NAME.c with a fuzz_one(); libFuzzer chooses its input. Seeds are
 * text, in seeds/NAME.txt. A crash, a report of a sanitizer, a rule that does not hold, or an input
 * that takes seconds is a finding.
 */

/* Bytes that steer a target: taken from the front, zeros when there are none left. */
struct input {
    const uint8_t *next;
    size_t left;
};

/* The target. `input` holds a heap copy of exactly its length: reading beyond it is an ASan error.
 */
void fuzz_one(struct input input);

/* `width` bytes (1 to 8), the lowest first. */
uint64_t take(struct input *input, unsigned width);

/* The whole input as a table of ACPI. */
struct acpi_table input_table(const struct input *input);

/* Lines of the log, of every level, since the input began. */
unsigned fuzz_log_lines(void);

/* A rule of the code under test. Broken, it ends the program, and the input is kept. */
#define HOLDS(rule) ((rule) ? (void)0 : fuzz_broken(#rule, __FILE__, __LINE__))
void fuzz_broken(const char *rule, const char *file, int line) __attribute__((noreturn));

#endif
