/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LOG_CAPTURE_H
#define LOG_CAPTURE_H

#include "lib/log.h"

#include <stdbool.h>
#include <string.h>

/* What the code under test logs. One test program, one capture. */
static char log_captured[16384];
static size_t log_captured_length;
static unsigned log_captured_lines;

static void log_capture_sink(void *context, const char *line, size_t length)
{
    (void)context;
    log_captured_lines++;
    if (length + 2 > sizeof(log_captured) - log_captured_length)
        return;
    memcpy(log_captured + log_captured_length, line, length);
    log_captured_length += length;
    log_captured[log_captured_length++] = '\n';
    log_captured[log_captured_length] = '\0';
}

/* From here on; false when no sink is free. The line of its own ends a repetition. */
static inline bool log_capture_start(void)
{
    static bool added;
    static unsigned tests;

    if (!added && !log_add_sink(log_capture_sink, NULL))
        return false;
    added = true;
    log_write(LOG_INFO, "test", "%u", tests++);
    log_captured_length = 0;
    log_captured_lines = 0;
    log_captured[0] = '\0';
    return true;
}

static inline bool log_has(const char *part)
{
    return strstr(log_captured, part) != NULL;
}

#endif
