/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_MMIO_IMPL_H
#define ARCH_X86_64_MMIO_IMPL_H

/* The compiler keeps memory accesses on their side: a read may tell that a device has written, a
 * write may start one. The processor does so by itself with uncached registers. */
static inline void mmio_order(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline uint32_t mmio_read32(const struct mmio *window, reg32_t reg)
{
    uint32_t value = *(const volatile uint32_t *)(window->base + reg.offset);

    mmio_order();
    return value;
}

static inline uint64_t mmio_read64(const struct mmio *window, reg64_t reg)
{
    uint64_t value = *(const volatile uint64_t *)(window->base + reg.offset);

    mmio_order();
    return value;
}

static inline void mmio_write32(const struct mmio *window, reg32_t reg, uint32_t value)
{
    mmio_order();
    *(volatile uint32_t *)(window->base + reg.offset) = value;
}

static inline void mmio_write64(const struct mmio *window, reg64_t reg, uint64_t value)
{
    mmio_order();
    *(volatile uint64_t *)(window->base + reg.offset) = value;
}

#endif
