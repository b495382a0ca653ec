/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_REPORT_H
#define DRIVERS_CONSOLE_REPORT_H

#include "lib/results.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The report of one run: a head and a verdict block for people, records for programs. Boot fills
 * one plain struct report_summary; nothing here knows a unit, a driver or the PCI inventory.
 *
 * The record stream, in this order. Each line is RECORD_PREFIX and one JSON object; "record" names
 * its kind. Keys may be added, never renamed.
 *
 *   start       schema (1), version, image_base, console, firmware, secure_boot, memory_bytes
 *   entry       units [{answers, te, ire, qie, pmr, log}], bus_masters [name]
 *   disk        name, bytes, sha256                        one per disk, as it is read
 *   test        id, device, result, reason                 one per result, as it is found
 *   iommu       state, reason, units [{vendor, segment, base}], uncovered [name]
 *   interrupts  state, reason
 *   group       id, devices [name]
 *   end         verdict, counts {pass, fail, skip, error}, lines, crc32, and cut when records were
 *
 * A unit has those of the keys te to log that its kind has a switch for.
 * State is absent, failed, partial or active; result is PASS, FAIL, SKIP, ERROR or INFO; verdict is
 * pass, fail, or none where nothing was tried. Addresses are strings as "0xfed90000"; a reason,
 * device or name may be missing.
 *
 * A list longer than one record goes on in further records of the same kind (and, for group, of the
 * same id): the reader appends their arrays; all other keys repeat the same values.
 *
 * KTAP lines (KTAP_PREFIX) stand between group and end. The checksum of end is CRC-32 over all
 * record and KTAP lines before it, each with its prefix and one '\n' (on the wire: CR LF).
 * A stream without end, with another count or sum, or with cut is not complete.
 */
#define REPORT_SCHEMA      1
#define REPORT_NAME_LENGTH 16 /* "0001:00:04.0" and its '\0' */

/* Absent: nothing to drive. Failed: there is a unit, and no protection. Partial: some requesters
 * are not covered. Active: every requester is covered. */
enum report_state { REPORT_ABSENT, REPORT_FAILED, REPORT_PARTIAL, REPORT_ACTIVE };

/* What a unit may have one switch for, as bits. */
enum report_switch {
    REPORT_TE = 1 << 0,  /* DMA translation */
    REPORT_IRE = 1 << 1, /* interrupt remapping */
    REPORT_QIE = 1 << 2, /* queue of invalidations and other commands */
    REPORT_PMR = 1 << 3, /* protected memory ranges */
    REPORT_LOG = 1 << 4, /* event log */
};

/* One IOMMU unit; the switches are as in the snapshot before anything was changed. */
struct report_unit {
    const char *vendor; /* "intel", "amd" */
    uint16_t segment;
    uint64_t base;
    bool answers;     /* its registers read sensibly; else nothing counts as on */
    unsigned has, on; /* enum report_switch */
};

/* One requester: a PCI function, or whatever else a firmware table names. */
struct report_function {
    char name[REPORT_NAME_LENGTH];
    unsigned group; /* number of its isolation group; REPORT_NO_GROUP: none */
    bool bus_master_at_entry;
    bool covered; /* a unit judges all its requests now */
};

#define REPORT_NO_GROUP 0xFFFFFFFFu

/* Filled by boot. Strings and arrays stay the caller's; a string that is NULL is left out. */
struct report_summary {
    /* Known at take-over, for report_head(). */
    const char *version;
    uint64_t image_base;
    const char *console; /* what console_start() returned */
    const char *firmware;
    bool secure_boot;
    uint64_t memory_bytes;
    const struct report_unit *units;
    unsigned unit_count;
    bool unclear; /* firmware's tables may have more units than these */
    const struct report_function *functions;
    unsigned function_count;
    /* Known at the end, for report_finish(). */
    enum report_state dma;  /* active counts as partial while a function is not covered */
    const char *dma_reason; /* one clause: why it is not active */
    enum report_state interrupts;
    const char *interrupts_reason;
};

/* "absent", "failed", "partial", "active". */
const char *report_state_name(enum report_state state);

/* The head on the console; records start and entry. */
void report_head(const struct report_summary *summary);

/* A disk that was read from its first byte to its last: record and console line. */
void report_disk(const char *name, uint64_t bytes, const char *sha256_hex);

/* True when the run proves protection: DMA state active, no FAIL and no ERROR, at least one
 * DMA-ALLOW and REPORT_DENY_MIN DMA-DENY passed, no record cut. */
#define REPORT_ALLOW_MIN 1
#define REPORT_DENY_MIN  5
bool report_verdict(enum report_state dma, const struct result_counts *counts)
    __attribute__((warn_unused_result));

/* Records iommu, interrupts and group, the KTAP document and the record end; then the verdict
 * block of five lines ("found at entry:", "protection now:", "denial proof:", "not covered:", "next
 * step:"; a line of names goes on in indented ones) and the end marker "bulkhead: end of report,
 * verdict PASS, 12 lines, CRC-32 01234567" (or FAIL) with the count and sum of the record end.
 * Called once, last. Returns the verdict. */
bool report_finish(const struct report_summary *summary);

/* The verdict block again; with `whole` the head before it and the end marker behind it. */
void report_again(const struct report_summary *summary, bool whole);

/* Instead of report_finish(), when nothing was changed and no device was tried: records group and
 * end, whose verdict is "none", then the block of five lines and the end marker. */
void report_inspected(const struct report_summary *summary);

/* What firmware left on. Off: at least one unit does not translate. Unknown: at least one does not
 * answer, or there may be others. */
enum report_found { REPORT_FOUND_ON, REPORT_FOUND_OFF, REPORT_FOUND_NONE, REPORT_FOUND_UNKNOWN };
enum report_found report_found(const struct report_summary *summary);

#endif
