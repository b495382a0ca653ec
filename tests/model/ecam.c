/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "ecam.h"
#include "machine.h"

#include "drivers/pci/registers.h"

#include <string.h>

#define FUNCTIONS_MAX 640
#define BUS_SHIFT     20

static struct ecam_function functions[FUNCTIONS_MAX];
static unsigned function_count;
static struct pci_ecam mcfg;
static unsigned writes;
static ecam_hook write_hook;

void ecam_reset(void)
{
    function_count = 0;
    memset(&mcfg, 0, sizeof(mcfg));
    writes = 0;
    write_hook = NULL;
}

static struct ecam_function *function_at(const struct pci_ecam_range *range, uint64_t offset)
{
    pci_bdf_t bdf = (pci_bdf_t)(offset >> 12);

    for (unsigned i = 0; i < function_count; i++)
        if (functions[i].segment == range->segment && functions[i].bdf == bdf)
            return functions[i].gone ? NULL : &functions[i];
    return NULL;
}

static uint64_t ecam_read(void *context, uint64_t offset, unsigned width)
{
    const struct ecam_function *function = function_at(context, offset);

    if (width != 4)
        model_violation("ecam: read of %u bytes", width);
    return function ? function->dwords[offset / 4 % 1024] : UINT32_MAX;
}

static void ecam_write(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    struct ecam_function *function = function_at(context, offset);
    size_t n = offset / 4 % 1024;
    uint32_t word = (uint32_t)value;

    if (width != 4)
        model_violation("ecam: write of %u bytes", width);
    writes++;
    if (!function)
        return;
    if (write_hook)
        write_hook(function, (uint16_t)(n * 4), word);
    function->dwords[n] &= ~(word & function->clears[n]);
    function->dwords[n] =
        (function->dwords[n] & ~function->writable[n]) | (word & function->writable[n]);
    if (function->written)
        function->written(function, (uint16_t)(n * 4));
}

const struct pci_ecam *ecam_add_segment(uint16_t segment, uint64_t base, uint8_t last_bus)
{
    struct pci_ecam_range *range = &mcfg.ranges[mcfg.count++];
    struct model_region region = {
        .base = base,
        .length = (uint64_t)(last_bus + 1) << BUS_SHIFT,
        .read = ecam_read,
        .write = ecam_write,
        .context = range,
    };

    *range = (struct pci_ecam_range){.base = base, .segment = segment, .last_bus = last_bus};
    if (!model_add_region(&region))
        model_violation("ecam: region refused");
    return &mcfg;
}

struct ecam_function *ecam_add(uint16_t segment, pci_bdf_t bdf, uint32_t class_code)
{
    struct ecam_function *function = &functions[function_count++];

    memset(function, 0, sizeof(*function));
    function->segment = segment;
    function->bdf = bdf;
    ecam_set32(function, PCI_ID, 0x11E81234);
    ecam_set32(function, PCI_CLASS_REVISION, class_code << 8 | 0x10);
    ecam_writable16(function, PCI_COMMAND, 0x07FF);
    ecam_clears16(function, PCI_STATUS, 0xF900);
    return function;
}

void ecam_bridge(struct ecam_function *function, uint8_t secondary, uint8_t subordinate)
{
    ecam_set32(function, PCI_HEADER, ecam_get32(function, PCI_HEADER) | PCI_HEADER_BRIDGE << 16);
    ecam_set32(function, PCI_BUS_NUMBERS,
               (uint32_t)subordinate << 16 | (uint32_t)secondary << 8 | PCI_BUS(function->bdf));
}

void ecam_multi(struct ecam_function *function)
{
    ecam_set32(function, PCI_HEADER, ecam_get32(function, PCI_HEADER) | 0x80u << 16);
}

void ecam_bar(struct ecam_function *function, unsigned index, uint64_t address, uint64_t length,
              uint32_t flags)
{
    size_t n = PCI_BAR / 4 + index;
    uint64_t writable = length ? ~(length - 1) : 0;

    function->dwords[n] = (uint32_t)address | flags;
    function->writable[n] = (uint32_t)writable;
    if ((flags & 7) == 4) {
        function->dwords[n + 1] = (uint32_t)(address >> 32);
        function->writable[n + 1] = (uint32_t)(writable >> 32);
    }
}

void ecam_capability(struct ecam_function *function, uint8_t id, uint16_t at)
{
    uint32_t first = ecam_get32(function, PCI_CAPABILITIES) & 0xFF;

    ecam_set16(function, PCI_STATUS, ecam_get16(function, PCI_STATUS) | PCI_STATUS_CAPABILITIES);
    ecam_set16(function, at, (uint16_t)(first << 8 | id));
    ecam_set32(function, PCI_CAPABILITIES, at);
}

void ecam_extended(struct ecam_function *function, uint16_t id, uint16_t at, uint16_t previous)
{
    ecam_set32(function, at, 1u << 16 | id);
    if (previous)
        ecam_set32(function, previous,
                   (ecam_get32(function, previous) & 0xFFFFF) | (uint32_t)at << 20);
}

void ecam_express(struct ecam_function *function, enum pci_port port)
{
    ecam_capability(function, 0x10, 0x40);
    ecam_set16(function, 0x42, (uint16_t)((unsigned)port << 4 | 2));
    ecam_writable16(function, 0x48, 0x7FFF);
    ecam_clears16(function, 0x4A, 0x000F);
}

void ecam_acs(struct ecam_function *function, uint8_t bits)
{
    ecam_extended(function, 0x000D, 0x100, 0);
    ecam_set16(function, 0x104, bits);
    ecam_writable16(function, 0x106, bits);
}

struct ecam_function *ecam_endpoint(unsigned bus, unsigned device, unsigned function)
{
    return ecam_add(0, PCI_BDF(bus, device, function), 0x020000);
}

struct ecam_function *ecam_pci_bridge(unsigned bus, unsigned device, uint8_t secondary,
                                      uint8_t subordinate)
{
    struct ecam_function *function = ecam_add(0, PCI_BDF(bus, device, 0), 0x060400);

    ecam_bridge(function, secondary, subordinate);
    return function;
}

struct ecam_function *ecam_port(unsigned bus, unsigned device, enum pci_port type,
                                uint8_t secondary, uint8_t subordinate, uint8_t acs)
{
    struct ecam_function *function = ecam_pci_bridge(bus, device, secondary, subordinate);

    ecam_express(function, type);
    if (acs)
        ecam_acs(function, acs);
    return function;
}

uint32_t ecam_get32(const struct ecam_function *function, uint16_t offset)
{
    return function->dwords[offset / 4];
}

uint16_t ecam_get16(const struct ecam_function *function, uint16_t offset)
{
    return (uint16_t)(function->dwords[offset / 4] >> (offset % 4 * 8));
}

static void put16(uint32_t *dwords, uint16_t offset, uint16_t value)
{
    unsigned shift = offset % 4u * 8;

    dwords[offset / 4] = (dwords[offset / 4] & ~(0xFFFFu << shift)) | (uint32_t)value << shift;
}

void ecam_set32(struct ecam_function *function, uint16_t offset, uint32_t value)
{
    function->dwords[offset / 4] = value;
}

void ecam_set16(struct ecam_function *function, uint16_t offset, uint16_t value)
{
    put16(function->dwords, offset, value);
}

void ecam_writable16(struct ecam_function *function, uint16_t offset, uint16_t bits)
{
    put16(function->writable, offset, bits);
}

void ecam_clears16(struct ecam_function *function, uint16_t offset, uint16_t bits)
{
    put16(function->clears, offset, bits);
}

unsigned ecam_writes(void)
{
    return writes;
}

void ecam_on_write(ecam_hook hook)
{
    write_hook = hook;
}
