/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/pci/registers.h"
#include "lib/log.h"

/* "Base Address Registers". */
#define BAR_IO           0x1u
#define BAR_TYPE         0x6u
#define BAR_TYPE_64      0x4u
#define BAR_PREFETCHABLE 0x8u
#define BAR_IO_FLAGS     0x3u
#define BAR_MEMORY_FLAGS 0xFu

#define CLASS_DISPLAY    0x03u
#define CLASS_SERIAL     0x0700u

static uint16_t bar_offset(unsigned index)
{
    return (uint16_t)(PCI_BAR + index * 4);
}

static unsigned bar_count(const struct pci_function *function)
{
    if (function->header_type == PCI_HEADER_NORMAL)
        return PCI_BARS;
    return function->header_type == PCI_HEADER_BRIDGE ? 2 : 0;
}

/* The console may be behind these: they decode all the time. */
static bool keeps_decoding(const struct pci_function *function)
{
    return function->class_code >> 16 == CLASS_DISPLAY || function->class_code >> 8 == CLASS_SERIAL;
}

static bool is_wide(uint32_t value)
{
    return !(value & BAR_IO) && (value & BAR_TYPE) == BAR_TYPE_64;
}

static void read_bar(struct pci_function *function, unsigned index, unsigned count)
{
    struct pci_bar *bar = &function->bars[index];
    uint32_t value = pci_read32(function, bar_offset(index));

    if (value & BAR_IO) {
        *bar = (struct pci_bar){.kind = PCI_BAR_IO, .address = value & ~BAR_IO_FLAGS};
        return;
    }
    *bar = (struct pci_bar){
        .kind = PCI_BAR_MEMORY,
        .address = value & ~BAR_MEMORY_FLAGS,
        .prefetchable = value & BAR_PREFETCHABLE,
        .wide = is_wide(value),
    };
    if (bar->wide && index + 1 == count)
        *bar = (struct pci_bar){.kind = PCI_BAR_NONE};
    else if (bar->wide)
        bar->address |= (uint64_t)pci_read32(function, bar_offset(index + 1)) << 32;
    else if (value == 0)
        bar->kind = PCI_BAR_NONE; /* not there, or not assigned: sizing tells */
}

/* Writes all ones, reads back which bits stick, and puts the old value back. */
static uint32_t probe_bits(const struct pci_function *function, unsigned index)
{
    uint32_t value = pci_read32(function, bar_offset(index));
    uint32_t bits;

    pci_write32(function, bar_offset(index), UINT32_MAX);
    bits = pci_read32(function, bar_offset(index));
    pci_write32(function, bar_offset(index), value);
    return bits;
}

/* The bits that stick are one run of ones; some BARs leave the highest out. Anything else is no
 * BAR. A function that is gone answers with other flags than before. */
static void size_bar(struct pci_function *function, unsigned index)
{
    struct pci_bar *bar = &function->bars[index];
    uint32_t value = pci_read32(function, bar_offset(index));
    uint32_t bits = probe_bits(function, index);
    uint32_t flags = value & BAR_IO ? BAR_IO_FLAGS : BAR_MEMORY_FLAGS;
    uint64_t sticky = bits & ~flags;
    uint64_t length, above;

    if (bar->wide)
        sticky |= (uint64_t)probe_bits(function, index + 1) << 32;
    length = sticky & (~sticky + 1);
    above = sticky + length;
    if (!length || (above & (above - 1)) || (bits ^ value) & flags ||
        (!bar->wide && is_wide(value))) {
        *bar = (struct pci_bar){.kind = PCI_BAR_NONE};
        return;
    }
    bar->kind = value & BAR_IO ? PCI_BAR_IO : PCI_BAR_MEMORY;
    bar->length = length; /* every bit of the address is a sticky one: it is aligned */
}

void pci_read_bars(struct pci_function *function, bool size)
{
    unsigned count = bar_count(function);
    uint16_t command = pci_read16(function, PCI_COMMAND);
    uint16_t quiet = (uint16_t)(command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));

    for (unsigned i = 0; i < count; i += function->bars[i].wide ? 2 : 1)
        read_bar(function, i, count);
    if (!size || !count || keeps_decoding(function))
        return;
    /* Nothing may be logged here: the console can be below this function. */
    pci_write16(function, PCI_COMMAND, quiet);
    for (unsigned i = 0; i < count; i += function->bars[i].wide ? 2 : 1)
        size_bar(function, i);
    pci_write16(function, PCI_COMMAND, command);
}
