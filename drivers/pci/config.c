/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/mmio.h"
#include "drivers/pci/registers.h"

#include <stdio.h>

/* ECAM is reached by aligned 32-bit accesses alone; narrower ones are parts of these. */

uint32_t pci_read32(const struct pci_function *function, uint16_t offset)
{
    if (offset % 4 != 0 || (size_t)offset + 4 > function->config.length)
        return UINT32_MAX;
    return mmio_read32(&function->config, (reg32_t){offset});
}

uint16_t pci_read16(const struct pci_function *function, uint16_t offset)
{
    if (offset % 2 != 0)
        return UINT16_MAX;
    return (uint16_t)(pci_read32(function, offset & 0xFFFCu) >> (offset % 4 * 8));
}

uint8_t pci_read8(const struct pci_function *function, uint16_t offset)
{
    return (uint8_t)(pci_read32(function, offset & 0xFFFCu) >> (offset % 4 * 8));
}

void pci_write32(const struct pci_function *function, uint16_t offset, uint32_t value)
{
    if (offset % 4 == 0 && (size_t)offset + 4 <= function->config.length)
        mmio_write32(&function->config, (reg32_t){offset}, value);
}

/* True when the upper half of the doubleword is a Status register: all its bits are read-only or
 * write-1-to-clear, so that zeros leave it as it is. */
static bool status_above(const struct pci_function *function, uint16_t dword)
{
    if (dword == PCI_COMMAND)
        return true;
    if (dword == (PCI_SECONDARY_STATUS & ~3u))
        return pci_is_bridge(function);
    /* Device, Link and Slot Control with their Status, and the second three of them. */
    if (function->express && dword >= function->express + 8u &&
        dword < function->express + EXPRESS_END)
        return (dword - function->express) % 8 == 0 && dword != function->express + 0x20u;
    return function->sriov && dword == function->sriov + 8u;
}

void pci_write16(const struct pci_function *function, uint16_t offset, uint16_t value)
{
    uint16_t dword = offset & 0xFFFCu;
    uint32_t wide = value;

    if (offset % 2 != 0)
        return;
    if (offset % 4 != 0)
        wide = wide << 16 | (pci_read32(function, dword) & 0xFFFFu);
    else if (!status_above(function, dword))
        wide |= pci_read32(function, dword) & 0xFFFF0000u;
    pci_write32(function, dword, wide);
}

static void change_command(const struct pci_function *function, uint16_t clear, uint16_t set)
{
    uint16_t command = pci_read16(function, PCI_COMMAND);
    uint16_t wanted = (uint16_t)((command & ~clear) | set);

    if (wanted != command)
        pci_write16(function, PCI_COMMAND, wanted);
}

void pci_set_bus_master(const struct pci_function *function, bool on)
{
    change_command(function, PCI_COMMAND_BUS_MASTER, on ? PCI_COMMAND_BUS_MASTER : 0);
}

bool pci_bus_master(const struct pci_function *function)
{
    return pci_read16(function, PCI_COMMAND) & PCI_COMMAND_BUS_MASTER;
}

void pci_enable_memory(const struct pci_function *function)
{
    change_command(function, 0, PCI_COMMAND_MEMORY);
}

static void change_control(const struct pci_function *function, uint16_t offset, uint16_t clear,
                           uint16_t set)
{
    uint16_t control = pci_read16(function, offset);

    pci_write16(function, offset, (uint16_t)((control & ~clear) | set));
}

/* PASID may not be changed while ATS is on. */
void pci_harden(const struct pci_function *function)
{
    if (function->ats)
        change_control(function, (uint16_t)(function->ats + ATS_CONTROL), ATS_ENABLE, 0);
    if (function->pasid)
        change_control(function, (uint16_t)(function->pasid + PASID_CONTROL), PASID_ENABLE, 0);
    if (function->acs) {
        uint16_t offered = pci_read16(function, (uint16_t)(function->acs + ACS_CAPABILITY));

        change_control(function, (uint16_t)(function->acs + ACS_CONTROL), ACS_DIRECT_TRANSLATED,
                       offered & ACS_ISOLATION);
    }
}

uint16_t pci_find(const struct pci_inventory *inventory, uint16_t segment, pci_bdf_t bdf)
{
    for (unsigned i = 0; i < inventory->count; i++)
        if (inventory->functions[i].bdf == bdf && inventory->functions[i].segment == segment)
            return (uint16_t)i;
    return PCI_NONE;
}

bool pci_is_bridge(const struct pci_function *function)
{
    return function->header_type == PCI_HEADER_BRIDGE ||
           function->header_type == PCI_HEADER_CARDBUS;
}

const char *pci_name(uint16_t segment, pci_bdf_t bdf, char *text)
{
    if (segment)
        snprintf(text, PCI_NAME_LENGTH, "%04x:%02x:%02x.%x", segment, PCI_BUS(bdf), PCI_DEVICE(bdf),
                 PCI_FUNCTION(bdf));
    else
        snprintf(text, PCI_NAME_LENGTH, "%02x:%02x.%x", PCI_BUS(bdf), PCI_DEVICE(bdf),
                 PCI_FUNCTION(bdf));
    return text;
}
