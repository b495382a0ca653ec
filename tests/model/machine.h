/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_MACHINE_H
#define MODEL_MACHINE_H

#include "lib/frames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A machine in a host process, behind the functions of arch/: RAM with owner tags, MMIO regions, a
 * clock that only polling moves, interrupt lines. Units and devices are built on it. One machine at
 * a time; model_reset() brings it back to power-on. Physical addresses are never host pointers.
 */

/* Back to power-on: RAM free and zero, no regions, firmware, lines, hooks or violations. Every
 * pointer and unit obtained before is void. */
void model_reset(void);

/*
 * Brackets what hardware does: one of several threads at a time, and nothing in it orders the
 * threads in the eyes of ThreadSanitizer, so that only the software's own locks can. Register
 * accesses and ticks are inside already; around other calls of a model the test puts them. May be
 * nested.
 */
void model_enter(void);
void model_leave(void);

/* ---- Rules broken by the code under test ---- */

/* Records that the software broke a rule of the hardware. Never aborts: the test judges. */
void model_violation(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many since reset or clear, and their texts ("" beyond the last). The first 64 are kept. */
unsigned model_violations(void);
const char *model_violation_text(unsigned index);
/* True when a kept text contains `part`. */
bool model_violation_seen(const char *part);
void model_violations_clear(void);

/* ---- MMIO ---- */

/* `offset` counts from base; `width` is the access in bytes (1, 2, 4 or 8), naturally aligned. */
struct model_region {
    uint64_t base;
    uint64_t length;
    uint64_t (*read)(void *context, uint64_t offset, unsigned width);
    void (*write)(void *context, uint64_t offset, unsigned width, uint64_t value);
    void *context;
};

/* False: it wraps, overlaps RAM or another region, or there are too many. Where no region is,
 * reads give all ones and writes are lost. */
bool model_add_region(const struct model_region *region) __attribute__((warn_unused_result));

/* ---- Physical memory ---- */

#define MODEL_RAM_BASE  UINT64_C(0x01000000)
#define MODEL_RAM_SIZE  UINT64_C(0x04000000)
#define MODEL_IMAGE_END (MODEL_RAM_BASE + UINT64_C(0x00100000)) /* tagged OWNER_IMAGE at reset */

/* The devices' view of RAM, whoever owns the frames; NULL unless all of it is RAM. The
 * processor's view (memory_virtual) of a free frame or a stack guard is an ASan error instead. */
void *model_ram(uint64_t physical, size_t length);

/* The same bytes as a walk sees them that is not coherent; for a test that copies the machine's
 * state and puts it back. */
void *model_memory(uint64_t physical, size_t length);

/* Owner of the frame; OWNER_ABSENT where there is no RAM. */
owner_t model_owner(uint64_t physical);

/* Frames that carry `owner` now: for leak checks. */
size_t model_frames_owned(owner_t owner);

/*
 * One aligned word as a unit's table walk reads it. A coherent walk sees the processor's stores at
 * once. A non-coherent one sees memory, which changes only where table_write_back touched the
 * cache line; memory of a frame that was just allocated holds words that look like valid leaves.
 * False: no RAM.
 */
bool model_hw_read64(uint64_t physical, bool coherent, uint64_t *value)
    __attribute__((warn_unused_result));

/*
 * The past of memory, for what reads later than it should: a write buffer, or the other half of an
 * entry. From model_keep_history() until reset, each word that changes is kept, the latest 65536 of
 * them. model_history() is the number of changes so far; model_hw_read64_at() is model_hw_read64()
 * when that number was `history`. model_history_lost() counts the reads of what is kept no more:
 * like an eviction, each was less strict than it could be.
 */
void model_keep_history(void);
uint64_t model_history(void);
uint64_t model_history_lost(void);
bool model_hw_read64_at(uint64_t physical, bool coherent, uint64_t history, uint64_t *value)
    __attribute__((warn_unused_result));

/* Cache lines that table_write_back wrote since reset. */
uint64_t model_lines_written_back(void);

/* The nth memory_alloc or memory_alloc_stack from now (1: the next) fails, once; 0: none. */
void model_fail_allocation(unsigned nth);
/* The same for mmio_map. */
void model_fail_mmio_map(unsigned nth);
/* Allocations asked for since reset, failed ones included: bounds a failure sweep. */
unsigned model_allocations(void);

/* Bytes that memory_map_firmware shows at `physical`. The caller keeps them. False: too many. */
bool model_add_firmware(uint64_t physical, const void *bytes, size_t length)
    __attribute__((warn_unused_result));

/* Called after every table store (one call per 64-bit word, two for a 128-bit store when both
 * halves are in place) with the word's physical address: lets a test judge each intermediate
 * state. NULL: none. */
typedef void (*model_store_hook)(void *context, uint64_t physical, uint64_t value);
void model_on_store(model_store_hook hook, void *context);

/* ---- Clock ---- */

/* Every time_ns(), every poll of wait_until and every step of irq_idle is one tick. */
typedef void (*model_tick)(void *context);
bool model_on_tick(model_tick tick, void *context) __attribute__((warn_unused_result));

uint64_t model_clock_ns(void);         /* reads the clock and does not move it */
void model_clock_advance(uint64_t ns); /* one tick of this length */

/* ---- Interrupts ---- */

/* A device writes an MSI. False: no claimed line has this message, and that is a violation. */
bool model_raise_msi(uint64_t address, uint32_t data);

/* Lines claimed now. */
unsigned model_irq_lines(void);

#endif
