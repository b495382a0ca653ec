/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/pci/registers.h"
#include "lib/log.h"

/* "PCI Code and ID Assignment Specification", capability and extended capability IDs. */
enum {
    CAPABILITY_MSI = 0x05,
    CAPABILITY_PCIX = 0x07,
    CAPABILITY_EXPRESS = 0x10,
    CAPABILITY_MSIX = 0x11,
    EXTENDED_ACS = 0x000D,
    EXTENDED_ATS = 0x000F,
    EXTENDED_SRIOV = 0x0010,
    EXTENDED_PASID = 0x001B,
};

static void say(const struct pci_function *function, const char *what, uint16_t offset)
{
    char name[PCI_NAME_LENGTH];

    log_write(LOG_WARNING, "pci", "%s: %s at offset %#x",
              pci_name(function->segment, function->bdf, name), what, offset);
}

static void read_msi(struct pci_function *function, uint16_t at)
{
    uint16_t control = pci_read16(function, (uint16_t)(at + MSI_CONTROL));
    unsigned log2_vectors = control >> MSI_MULTIPLE_SHIFT & 7u;

    if (at + MSI_LENGTH > PCI_LEGACY_LENGTH || log2_vectors > 5) {
        say(function, "MSI capability is malformed", at);
        return;
    }
    function->msi = at;
    function->msi_vectors = (uint8_t)(1u << log2_vectors);
    function->msi_64 = control & MSI_64;
    function->msi_maskable = control & MSI_MASKABLE;
}

/* The vector table must lie in a memory BAR, as far as the BAR's length is known. */
static void read_msix(struct pci_function *function, uint16_t at)
{
    uint16_t control = pci_read16(function, (uint16_t)(at + MSIX_CONTROL));
    uint32_t table = pci_read32(function, (uint16_t)(at + MSIX_TABLE));
    uint16_t vectors = (uint16_t)((control & MSIX_SIZE_MASK) + 1);
    uint64_t end = (uint64_t)(table & ~MSIX_BIR_MASK) + vectors * MSIX_ENTRY;
    unsigned bir = table & MSIX_BIR_MASK;
    const struct pci_bar *bar = bir < PCI_BARS ? &function->bars[bir] : NULL;

    if (at + MSIX_LENGTH > PCI_LEGACY_LENGTH || !bar || bar->kind != PCI_BAR_MEMORY ||
        (bar->length && end > bar->length)) {
        say(function, "MSI-X vector table is in no BAR, capability", at);
        return;
    }
    function->msix = at;
    function->msix_vectors = vectors;
}

static void take_capability(struct pci_function *function, uint8_t id, uint16_t at)
{
    if (id == CAPABILITY_MSI && !function->msi) {
        read_msi(function, at);
    } else if (id == CAPABILITY_MSIX && !function->msix) {
        read_msix(function, at);
    } else if (id == CAPABILITY_PCIX) {
        function->pcix = true;
    } else if (id == CAPABILITY_EXPRESS && !function->express &&
               at + EXPRESS_LENGTH <= PCI_LEGACY_LENGTH) {
        function->express = at;
        function->port =
            (enum pci_port)(pci_read16(function, (uint16_t)(at + EXPRESS_FLAGS)) >> 4 & 0xFu);
    }
}

static void take_extended(struct pci_function *function, uint16_t id, uint16_t at)
{
    if (id == EXTENDED_ACS)
        function->acs = at;
    else if (id == EXTENDED_ATS)
        function->ats = at;
    else if (id == EXTENDED_PASID)
        function->pasid = at;
    else if (id == EXTENDED_SRIOV)
        function->sriov = at;
}

/* True the first time that a capability is met. `seen` has a bit for each doubleword. */
static bool first_visit(uint64_t seen[PCI_CONFIG_LENGTH / 256], uint16_t at)
{
    uint64_t bit = UINT64_C(1) << at / 4 % 64;
    bool first = !(seen[at / 256] & bit);

    seen[at / 256] |= bit;
    return first;
}

static void read_legacy(struct pci_function *function, uint64_t *seen)
{
    uint16_t at =
        function->header_type == PCI_HEADER_CARDBUS ? PCI_CARDBUS_POINTER : PCI_CAPABILITIES;

    if (!(pci_read16(function, PCI_STATUS) & PCI_STATUS_CAPABILITIES))
        return;
    for (at = pci_read8(function, at) & 0xFCu; at;
         at = pci_read8(function, (uint16_t)(at + 1)) & 0xFCu) {
        if (at < PCI_LEGACY_HEADER || !first_visit(seen, at)) {
            say(function, "capability list is broken or loops", at);
            return;
        }
        take_capability(function, pci_read8(function, at), at);
    }
}

/* "PCI Express Extended Capability Header": ID, version, next. All ones: nobody answers there. */
static void read_extended(struct pci_function *function, uint64_t *seen)
{
    uint16_t at = PCI_LEGACY_LENGTH;

    do {
        uint32_t header = pci_read32(function, at);

        if (at < PCI_LEGACY_LENGTH || !first_visit(seen, at)) {
            say(function, "extended capability list is broken or loops", at);
            return;
        }
        if (header == 0 || header == UINT32_MAX)
            return;
        take_extended(function, (uint16_t)header, at);
        at = header >> 20 & 0xFFCu;
    } while (at);
}

void pci_read_capabilities(struct pci_function *function)
{
    uint64_t seen[PCI_CONFIG_LENGTH / 256] = {0};

    function->port = PCI_CONVENTIONAL;
    if (function->header_type > PCI_HEADER_CARDBUS)
        return;
    read_legacy(function, seen);
    if (function->express)
        read_extended(function, seen);
}
