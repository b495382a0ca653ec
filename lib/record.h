/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_RECORD_H
#define LIB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The record stream: one JSON object a line behind RECORD_PREFIX, for programs to read. It shares
 * the serial line with the console and never mixes with it: a record line is whole. No heap.
 *
 *   record_begin("disk");                      {"record":"disk"
 *   record_string("name", "nvme0");            ,"name":"nvme0"
 *   record_end();                              }
 *
 * Every record carries its kind in the key "record". Nesting (record_array, record_object,
 * record_close) is at most RECORD_DEPTH deep. A line longer than RECORD_LENGTH (prefix included),
 * deeper, or begun before the one ahead of it ended is cut: {"record":"cut","kind":"disk"} stands
 * in its place, and the stream then never counts as complete.
 *
 * Lines are ASCII. A string is UTF-8; what is not valid in it stands as U+FFFD.
 * Context: task level, not reentrant; no service of a task switch between begin and end.
 */
#define RECORD_PREFIX "@json "
#define KTAP_PREFIX   "@ktap "
#define RECORD_LENGTH 4096
#define RECORD_DEPTH  4

/* A sink gets whole lines with their prefix, without the line end. */
typedef void (*record_sink)(void *context, const char *line, size_t length);

/* Also starts the stream anew: no lines, no sum, nothing cut. */
void record_set_sink(record_sink sink, void *context);

/* Key NULL: an element of an array. A string that is NULL is left out with its key. */
void record_begin(const char *kind);
void record_string(const char *key, const char *value);
void record_number(const char *key, uint64_t value);
void record_hex(const char *key, uint64_t value); /* "0xfed90000", a JSON string */
void record_bool(const char *key, bool value);
void record_object(const char *key);
void record_array(const char *key);
void record_close(void);
void record_end(void);

/* One KTAP line; counted and summed like a record. */
void record_ktap(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many lines have been cut so far. */
unsigned record_cut(void);

/* How many lines there are by now, and their CRC-32: what record_finish() tells. */
struct record_seal {
    uint64_t lines;
    uint32_t crc;
};
struct record_seal record_seal(void);

/* The last line of every complete run: {"record":"end",...,"verdict":..,"lines":N,"crc32":
 * "........"}, over all record and KTAP lines before it (with prefix, each ended by '\n'); "cut":N
 * follows when N lines were cut. Adds to the record that is open, else begins "end". Nothing is
 * written after it. */
void record_finish(const char *verdict);

#endif
