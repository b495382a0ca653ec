/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/irq.h"
#include "arch/mmio.h"
#include "drivers/pci/registers.h"

_Static_assert(MSI_CONTROL == MSIX_CONTROL, "Message Control stands in one place");

/* "MSI-X Table Entry". */
struct msix_entry {
    reg32_t address, address_high, data, control;
};
#define MSIX_MASKED 0x1u

static struct msix_entry msix_entry(unsigned index)
{
    uint32_t at = index * MSIX_ENTRY;

    return (struct msix_entry){{at}, {at + 4}, {at + 8}, {at + 12}};
}

static uint16_t at(uint16_t capability, unsigned offset)
{
    return (uint16_t)(capability + offset);
}

static bool map_table(const struct pci_function *function, struct mmio *window)
{
    uint32_t table = pci_read32(function, at(function->msix, MSIX_TABLE));
    uint64_t offset = table & ~MSIX_BIR_MASK;
    size_t length = (size_t)function->msix_vectors * MSIX_ENTRY;
    const struct pci_bar *bar;

    if ((table & MSIX_BIR_MASK) >= PCI_BARS)
        return false;
    bar = &function->bars[table & MSIX_BIR_MASK];
    return bar->kind == PCI_BAR_MEMORY && bar->address && offset + length <= bar->length &&
           mmio_map(bar->address + offset, length, window);
}

/* On, with the whole function masked; entries may hold anything, so each is masked too. */
static void start_table(const struct pci_function *function, const struct mmio *window)
{
    uint16_t where = at(function->msix, MSIX_CONTROL);
    uint16_t control = pci_read16(function, where);

    if (control & MSIX_ENABLE)
        return;
    pci_write16(function, where, control | MSIX_ENABLE | MSIX_FUNCTION_MASK);
    for (unsigned i = 0; i < function->msix_vectors; i++)
        mmio_write32(window, msix_entry(i).control, MSIX_MASKED);
}

static bool enable_msix(const struct pci_function *function, unsigned index,
                        const struct msi_message *message)
{
    uint16_t where = at(function->msix, MSIX_CONTROL);
    struct msix_entry entry = msix_entry(index);
    struct mmio window;

    pci_enable_memory(function);
    if (!map_table(function, &window))
        return false;
    start_table(function, &window);
    mmio_write32(&window, entry.control, MSIX_MASKED);
    mmio_write32(&window, entry.address, (uint32_t)message->address);
    mmio_write32(&window, entry.address_high, (uint32_t)(message->address >> 32));
    mmio_write32(&window, entry.data, message->data);
    mmio_write32(&window, entry.control, 0);
    pci_write16(function, where, (uint16_t)(pci_read16(function, where) & ~MSIX_FUNCTION_MASK));
    return mmio_read32(&window, entry.address) == (uint32_t)message->address &&
           mmio_read32(&window, entry.data) == message->data;
}

static bool enable_msi(const struct pci_function *function, const struct msi_message *message)
{
    uint16_t where = at(function->msi, MSI_CONTROL);
    uint16_t control = pci_read16(function, where) & (uint16_t) ~(MSI_ENABLE | MSI_MULTIPLE_ENABLE);

    if (message->data > UINT16_MAX || (!function->msi_64 && message->address >> 32))
        return false;
    pci_write16(function, where, control);
    pci_write32(function, at(function->msi, MSI_ADDRESS), (uint32_t)message->address);
    if (function->msi_64)
        pci_write32(function, at(function->msi, MSI_ADDRESS_HIGH),
                    (uint32_t)(message->address >> 32));
    pci_write16(function, at(function->msi, function->msi_64 ? MSI_DATA_64 : MSI_DATA_32),
                (uint16_t)message->data);
    if (function->msi_maskable)
        pci_write32(function, at(function->msi, function->msi_64 ? MSI_MASK_64 : MSI_MASK_32), 0);
    pci_write16(function, where, control | MSI_ENABLE);
    return pci_read16(function, where) & MSI_ENABLE;
}

static void turn_off(const struct pci_function *function, uint16_t capability, uint16_t enable)
{
    uint16_t where = at(capability, MSI_CONTROL);
    uint16_t control = pci_read16(function, where);

    if (capability && control & enable)
        pci_write16(function, where, (uint16_t)(control & ~enable));
}

static void disable_intx(const struct pci_function *function)
{
    pci_write16(function, PCI_COMMAND,
                pci_read16(function, PCI_COMMAND) | PCI_COMMAND_INTX_DISABLE);
}

bool pci_msi_enable(const struct pci_function *function, unsigned index,
                    const struct msi_message *message)
{
    if (index >= (function->msix ? function->msix_vectors : function->msi ? 1u : 0u))
        return false;
    disable_intx(function);
    if (!function->msix)
        return enable_msi(function, message);
    turn_off(function, function->msi, MSI_ENABLE);
    return enable_msix(function, index, message);
}

void pci_msi_disable(const struct pci_function *function)
{
    turn_off(function, function->msix, MSIX_ENABLE);
    turn_off(function, function->msi, MSI_ENABLE);
}
