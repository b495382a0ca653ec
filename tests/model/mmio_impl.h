/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_MMIO_IMPL_H
#define MODEL_MMIO_IMPL_H

/* Host side of arch/mmio.h. An access beyond the window or unaligned is a violation. */
uint32_t mmio_read32(const struct mmio *window, reg32_t reg);
uint64_t mmio_read64(const struct mmio *window, reg64_t reg);
void mmio_write32(const struct mmio *window, reg32_t reg, uint32_t value);
void mmio_write64(const struct mmio *window, reg64_t reg, uint64_t value);

#endif
