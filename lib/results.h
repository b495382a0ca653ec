/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_RESULTS_H
#define LIB_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

/* Test results, in memory and on the record stream. Ids are stable and never renumbered. */
enum result { RESULT_PASS, RESULT_FAIL, RESULT_SKIP, RESULT_ERROR, RESULT_INFO };

#define RESULTS_MAX 512

/* The list holds texts of this many bytes; the record and the log line have them whole. */
#define RESULTS_ID_LENGTH     32
#define RESULTS_DEVICE_LENGTH 16
#define RESULTS_REASON_LENGTH 120

/* The result that a list beyond RESULTS_MAX adds to itself, once: an ERROR. */
#define RESULTS_OVERFLOW_ID "RESULTS-001"

struct result_counts {
    unsigned pass, fail, skip, error;
    unsigned allow_pass, deny_pass; /* ids that begin with DMA-ALLOW and DMA-DENY */
};

/* Writes a record {"record":"test","id":..,"device":..,"result":..,"reason":..} and a log line.
 * `device` and `reason` may be NULL. Beyond RESULTS_MAX a result is recorded and counted, not
 * kept. */
void results_add(const char *id, const char *device, enum result result, const char *reason);

/* From now on results go to `visit` alone: no record, no log line, no count, no place in the list.
 * NULL: as before. */
typedef void (*results_visitor)(const char *id, const char *device, enum result result,
                                const char *reason);
void results_divert(results_visitor visit);

/* "PASS", "FAIL", "SKIP", "ERROR", "INFO". */
const char *result_name(enum result result);
struct result_counts results_counts(void);

/* "DMA-DENY-003 00:04.0: reason" of the first FAIL or ERROR in the list; NULL: none. Valid until
 * the next call. */
const char *results_first_failure(void);

/* The whole list again as a KTAP document (plan first). */
void results_ktap(void);

/* Forgets everything: for tests. */
void results_clear(void);

#endif
