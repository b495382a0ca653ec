/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_MMIO_H
#define ARCH_MMIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory-mapped registers. The access width is part of a register's type, so that a 64-bit register
 * cannot reach a 32-bit accessor: some units abort or lose bits on the wrong width.
 *
 *   uint32_t mmio_read32(const struct mmio *window, reg32_t reg);
 *   uint64_t mmio_read64(const struct mmio *window, reg64_t reg);
 *   void     mmio_write32(const struct mmio *window, reg32_t reg, uint32_t value);
 *   void     mmio_write64(const struct mmio *window, reg64_t reg, uint64_t value);
 *
 * The caller keeps reg.offset within window->length.
 */
typedef struct {
    uint32_t offset;
} reg32_t;

typedef struct {
    uint32_t offset;
} reg64_t;

/* A field of a register or an entry: width and position, named once as field_WIDTH and
 * field_SHIFT. */
#define FIELD_GET(value, field)                                                                    \
    ((uint64_t)(value) >> field##_SHIFT & ((UINT64_C(1) << field##_WIDTH) - 1))

struct mmio {
    uintptr_t base;
    size_t length;
};

/* Makes [physical, physical + length) accessible, uncached and never executable. Idempotent.
 * False: no memory for page tables, or the range wraps or overlaps RAM that the image manages. */
bool mmio_map(uint64_t physical, size_t length, struct mmio *out)
    __attribute__((warn_unused_result));

/* The same, write-combining: for a framebuffer that is only written. */
bool mmio_map_combining(uint64_t physical, size_t length, struct mmio *out)
    __attribute__((warn_unused_result));

#include "mmio_impl.h"

#endif
