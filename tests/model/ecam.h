/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_ECAM_H
#define MODEL_ECAM_H

#include "drivers/pci/pci.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * PCI configuration spaces in memory, reached through ECAM regions of the model's machine. A bit of
 * a register is read-only unless the test made it writable or write-1-to-clear. Any access that is
 * not 32 bits wide is a violation.
 */
#define ECAM_BASE UINT64_C(0xB0000000) /* of segment 0 */

struct ecam_function {
    uint16_t segment;
    pci_bdf_t bdf;
    bool gone; /* answers nothing any more */
    uint32_t dwords[1024], writable[1024], clears[1024];
    /* A write has taken effect: for registers that do more. NULL: none. */
    void (*written)(struct ecam_function *function, uint16_t offset);
    void *context;
};

/* No function, no segment. Call it after model_reset(). */
void ecam_reset(void);

/* A segment with buses 0 to `last_bus` and the MCFG that names all segments so far. */
const struct pci_ecam *ecam_add_segment(uint16_t segment, uint64_t base, uint8_t last_bus);

/* A function with a header of type 0, class code given, Command's low bits writable. */
struct ecam_function *ecam_add(uint16_t segment, pci_bdf_t bdf, uint32_t class_code);

/* Makes it a bridge of header type 1. */
void ecam_bridge(struct ecam_function *function, uint8_t secondary, uint8_t subordinate);
/* The multi-function bit. */
void ecam_multi(struct ecam_function *function);

/* BAR `index`: `flags` as its low bits read; a length of 0 has no writable bits. */
void ecam_bar(struct ecam_function *function, unsigned index, uint64_t address, uint64_t length,
              uint32_t flags);

/* Links a capability in front of the list; `at` is its offset. */
void ecam_capability(struct ecam_function *function, uint8_t id, uint16_t at);
/* Appends an extended capability at 0x100 or behind the one at `previous`. */
void ecam_extended(struct ecam_function *function, uint16_t id, uint16_t at, uint16_t previous);
/* PCI Express capability at 0x40 of a device/port type. */
void ecam_express(struct ecam_function *function, enum pci_port port);
/* ACS at 0x100 that offers `bits`. */
void ecam_acs(struct ecam_function *function, uint8_t bits);

/* In segment 0: a network controller; a conventional bridge; a port or bridge of PCI Express with
 * ACS that offers `acs` (0: no such capability). */
struct ecam_function *ecam_endpoint(unsigned bus, unsigned device, unsigned function);
struct ecam_function *ecam_pci_bridge(unsigned bus, unsigned device, uint8_t secondary,
                                      uint8_t subordinate);
struct ecam_function *ecam_port(unsigned bus, unsigned device, enum pci_port type,
                                uint8_t secondary, uint8_t subordinate, uint8_t acs);

uint16_t ecam_get16(const struct ecam_function *function, uint16_t offset);
uint32_t ecam_get32(const struct ecam_function *function, uint16_t offset);
void ecam_set16(struct ecam_function *function, uint16_t offset, uint16_t value);
void ecam_set32(struct ecam_function *function, uint16_t offset, uint32_t value);
void ecam_writable16(struct ecam_function *function, uint16_t offset, uint16_t bits);
void ecam_clears16(struct ecam_function *function, uint16_t offset, uint16_t bits);

/* Writes since reset. */
unsigned ecam_writes(void);

/* Called before each write takes effect. NULL: none. */
typedef void (*ecam_hook)(const struct ecam_function *function, uint16_t offset, uint32_t value);
void ecam_on_write(ecam_hook hook);

#endif
