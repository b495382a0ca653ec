/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "fuzz.h"

#include "lib/log.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned lines;

static void count_line(void *context, const char *line, size_t length)
{
    (void)context;
    (void)line;
    (void)length;
    lines++;
}

/* Called by libFuzzer. */
int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    log_set_level(LOG_DEBUG);
    HOLDS(log_add_sink(count_line, NULL));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    log_write(LOG_DEBUG, "fuzz", "%p", (const void *)bytes); /* ends a repetition */
    lines = 0;
    fuzz_one((struct input){bytes, length});
    return 0;
}

uint64_t take(struct input *input, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width && input->left != 0; i++, input->left--)
        value |= (uint64_t)*input->next++ << (8 * i);
    return value;
}

struct acpi_table input_table(const struct input *input)
{
    return (struct acpi_table){input->next, input->left};
}

unsigned fuzz_log_lines(void)
{
    return lines;
}

void fuzz_broken(const char *rule, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, rule);
    abort();
}
