/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/port.h"

/* Nobody answers: reads float to all ones, writes are lost. */

__attribute__((weak)) uint8_t port_in8(uint16_t port)
{
    (void)port;
    return UINT8_MAX;
}

__attribute__((weak)) void port_out8(uint16_t port, uint8_t value)
{
    (void)port;
    (void)value;
}

__attribute__((weak)) uint8_t port_mmio_read8(const struct mmio *window, uint32_t offset)
{
    (void)window;
    (void)offset;
    return UINT8_MAX;
}

__attribute__((weak)) uint16_t port_mmio_read16(const struct mmio *window, uint32_t offset)
{
    (void)window;
    (void)offset;
    return UINT16_MAX;
}

__attribute__((weak)) void port_mmio_write8(const struct mmio *window, uint32_t offset,
                                            uint8_t value)
{
    (void)window;
    (void)offset;
    (void)value;
}

__attribute__((weak)) void port_mmio_write16(const struct mmio *window, uint32_t offset,
                                             uint16_t value)
{
    (void)window;
    (void)offset;
    (void)value;
}
