/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The log: lines `[  12.345678] vtd0: text`, kept in a ring and passed to the sinks. Verbosity
 * changes what the sinks see, never what the ring keeps and never a record. Context: task level,
 * no lock held; several processors may write at once.
 *
 * A line is printable ASCII: every other byte stands as \xNN, and so does an '@' in front, so that
 * no line can pass for a record. One line end at the end is dropped; a line beyond LOG_LINE_LENGTH
 * is cut and ends in "...". Behind the unit, "error: " or "warning: " marks those levels. A line
 * that log_write() gets again and again is kept once; before the next line, or at log_flush(), it
 * comes once more, or a count: `[  12.400000] vtd0: last line repeated 7 times`.
 */
enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };

#define LOG_SINKS       4
#define LOG_RING_LENGTH 65536
#define LOG_LINE_LENGTH 512

/* A sink gets whole lines without the line end. It must return in bounded time. */
typedef void (*log_sink)(void *context, const char *line, size_t length);

void log_set_clock(uint64_t (*clock_ns)(void));
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
bool log_add_sink(log_sink sink, void *context) __attribute__((warn_unused_result));

/* `unit` may be NULL. */
void log_write(enum log_level level, const char *unit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A console line of its own, without time or unit, at every level: headings, the verdict block. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells the repeats that are held back; further ones are counted anew. */
void log_flush(void);

/* Calls `visit` for the last `count` lines of the ring, oldest first. Takes no lock and no heap:
 * the panic screen uses it. */
void log_replay(size_t count, log_sink visit, void *context);

#endif
