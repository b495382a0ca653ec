/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_PORT_IMPL_H
#define ARCH_X86_64_PORT_IMPL_H

#include "arch/x86_64/x86.h"

/* Image side of arch/port.h. */
static inline uint8_t port_in8(uint16_t port)
{
    return x86_in8(port);
}

static inline void port_out8(uint16_t port, uint8_t value)
{
    x86_out8(port, value);
}

static inline uint8_t port_mmio_read8(const struct mmio *window, uint32_t offset)
{
    return *(const volatile uint8_t *)(window->base + offset);
}

static inline uint16_t port_mmio_read16(const struct mmio *window, uint32_t offset)
{
    return *(const volatile uint16_t *)(window->base + offset);
}

static inline void port_mmio_write8(const struct mmio *window, uint32_t offset, uint8_t value)
{
    *(volatile uint8_t *)(window->base + offset) = value;
}

static inline void port_mmio_write16(const struct mmio *window, uint32_t offset, uint16_t value)
{
    *(volatile uint16_t *)(window->base + offset) = value;
}

#endif
