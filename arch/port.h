/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_PORT_H
#define ARCH_PORT_H

#include "arch/mmio.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Registers narrower than those of arch/mmio.h: I/O ports, and the memory-mapped ones of devices
 * that grew out of them (UARTs).
 *
 *   uint8_t  port_in8(uint16_t port);
 *   void     port_out8(uint16_t port, uint8_t value);
 *   uint8_t  port_mmio_read8(const struct mmio *window, uint32_t offset);
 *   uint16_t port_mmio_read16(const struct mmio *window, uint32_t offset);
 *   void     port_mmio_write8(const struct mmio *window, uint32_t offset, uint8_t value);
 *   void     port_mmio_write16(const struct mmio *window, uint32_t offset, uint16_t value);
 *
 * Each is one access of exactly its width. The caller keeps offset + width within window->length.
 */

#include "port_impl.h"

#endif
