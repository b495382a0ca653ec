/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVER_IO_H
#define DRIVER_IO_H

#include <driver.h>

/* Device registers through a window, each access one of exactly that width. The caller keeps
 * offset + width within window->length. A host test defines DRIVER_IO_EXTERNAL and supplies a
 * device of its own. */
#ifdef DRIVER_IO_EXTERNAL
uint8_t driver_read8(const struct driver_window *window, size_t offset);
uint16_t driver_read16(const struct driver_window *window, size_t offset);
uint32_t driver_read32(const struct driver_window *window, size_t offset);
uint64_t driver_read64(const struct driver_window *window, size_t offset);
void driver_write8(const struct driver_window *window, size_t offset, uint8_t value);
void driver_write16(const struct driver_window *window, size_t offset, uint16_t value);
void driver_write32(const struct driver_window *window, size_t offset, uint32_t value);
void driver_write64(const struct driver_window *window, size_t offset, uint64_t value);
/* Orders all memory stores before it ahead of the register write that follows (a doorbell). */
void driver_barrier(void);
#else
static inline uint8_t driver_read8(const struct driver_window *window, size_t offset)
{
    return *((volatile uint8_t *)window->base + offset);
}

static inline uint16_t driver_read16(const struct driver_window *window, size_t offset)
{
    return *(volatile uint16_t *)((volatile uint8_t *)window->base + offset);
}

static inline uint32_t driver_read32(const struct driver_window *window, size_t offset)
{
    return *(volatile uint32_t *)((volatile uint8_t *)window->base + offset);
}

static inline uint64_t driver_read64(const struct driver_window *window, size_t offset)
{
    return *(volatile uint64_t *)((volatile uint8_t *)window->base + offset);
}

static inline void driver_write8(const struct driver_window *window, size_t offset, uint8_t value)
{
    *((volatile uint8_t *)window->base + offset) = value;
}

static inline void driver_write16(const struct driver_window *window, size_t offset, uint16_t value)
{
    *(volatile uint16_t *)((volatile uint8_t *)window->base + offset) = value;
}

static inline void driver_write32(const struct driver_window *window, size_t offset, uint32_t value)
{
    *(volatile uint32_t *)((volatile uint8_t *)window->base + offset) = value;
}

static inline void driver_write64(const struct driver_window *window, size_t offset, uint64_t value)
{
    *(volatile uint64_t *)((volatile uint8_t *)window->base + offset) = value;
}

static inline void driver_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
#endif

#endif
