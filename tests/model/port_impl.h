/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_PORT_IMPL_H
#define MODEL_PORT_IMPL_H

/* Host side of arch/port.h. The defaults of port.c are an empty bus and are weak: a test that needs
 * a device defines its own. */
uint8_t port_in8(uint16_t port);
void port_out8(uint16_t port, uint8_t value);
uint8_t port_mmio_read8(const struct mmio *window, uint32_t offset);
uint16_t port_mmio_read16(const struct mmio *window, uint32_t offset);
void port_mmio_write8(const struct mmio *window, uint32_t offset, uint8_t value);
void port_mmio_write16(const struct mmio *window, uint32_t offset, uint16_t value);

#endif
