/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include "lib/frames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Physical memory: every frame has one owner tag (lib/frames.h). Context: task level, never an
 * interrupt routine; several processors may allocate and free at once.
 */

/* Allocates `count` contiguous zeroed frames below `limit` (0: anywhere), naturally aligned to
 * the next power of two of `count`. NULL: none left. */
void *memory_alloc(owner_t owner, size_t count, uint64_t limit) __attribute__((warn_unused_result));

/* Gives frames back. They must all carry `owner`; others are left alone and reported by false. */
bool memory_free(owner_t owner, void *address, size_t count);

/* Frames that nobody holds now. */
size_t memory_free_frames(void);

/* A task stack of `pages` usable pages with an unmapped guard page below it. Returns its top. It
 * is given back as pages + 1 frames from top - (pages + 1) * FRAME_SIZE. */
void *memory_alloc_stack(owner_t owner, size_t pages) __attribute__((warn_unused_result));

uint64_t memory_physical(const void *address);

/* The address at which the image reads and writes frame `physical`; NULL when it is no RAM. */
void *memory_virtual(uint64_t physical);

/* bool memory_owned(owner_t owner, uint64_t physical, uint64_t length);
 * True when every frame of [physical, physical + length) carries `owner`. False on overflow. */
#include "memory_impl.h"

/* True when any frame of the inclusive range [first, last] is the image's own: code, tables,
 * queues, page pool. A firmware-reserved region that does so is refused. */
bool memory_overlaps_image(uint64_t first, uint64_t last);

/* Takes the inclusive range [first, last] away from the allocator for good (RMRR, IVMD).
 * False: part of it is in use already. */
bool memory_withhold(uint64_t first, uint64_t last) __attribute__((warn_unused_result));

/* Read-only view of firmware memory (ACPI tables). NULL: cannot be mapped. */
const void *memory_map_firmware(uint64_t physical, size_t length);

#endif
