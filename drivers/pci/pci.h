/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_PCI_PCI_H
#define DRIVERS_PCI_PCI_H

#include "arch/mmio.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PCI through ECAM: a plain inventory of every function, in bus order. */

/* Bus << 8 | device << 3 | function: a requester ID as the units see it. */
typedef uint16_t pci_bdf_t;

#define PCI_BDF(bus, device, function)                                                             \
    ((pci_bdf_t)((bus) % 256u << 8 | (device) % 32u << 3 | (function) % 8u))
#define PCI_BUS(bdf)      ((uint8_t)((bdf) >> 8))
#define PCI_DEVICE(bdf)   ((uint8_t)((bdf) >> 3 & 0x1Fu))
#define PCI_FUNCTION(bdf) ((uint8_t)((bdf) % 8u))

#define PCI_FUNCTIONS_MAX 512
#define PCI_BARS          6
#define PCI_ALIASES       3
#define PCI_NONE          0xFFFFu /* no index */

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY };

struct pci_bar {
    enum pci_bar_kind kind;
    uint64_t address; /* 0: not assigned */
    uint64_t length;
    bool prefetchable;
    bool wide; /* 64-bit; the next BAR is its upper half */
};

/* Base class << 8 | subclass (PCI Code and ID Assignment Specification). */
#define PCI_CLASS_HOST_BRIDGE 0x0600u
#define PCI_CLASS_IOMMU       0x0806u

/* PCI Express device/port type (PCI Express Capabilities Register); PCI_CONVENTIONAL without that
 * capability. */
enum pci_port {
    PCI_ENDPOINT = 0,
    PCI_LEGACY_ENDPOINT = 1,
    PCI_ROOT_PORT = 4,
    PCI_UPSTREAM_PORT = 5,
    PCI_DOWNSTREAM_PORT = 6,
    PCI_TO_PCI_BRIDGE = 7,   /* PCI Express to PCI or PCI-X */
    PCI_FROM_PCI_BRIDGE = 8, /* PCI or PCI-X to PCI Express */
    PCI_RC_ENDPOINT = 9,
    PCI_RC_EVENT_COLLECTOR = 10,
    PCI_CONVENTIONAL = 0xFF,
};

struct pci_function {
    uint16_t segment;
    pci_bdf_t bdf;
    struct mmio config; /* its configuration space */
    uint16_t parent;    /* index of the bridge above it; PCI_NONE on a root bus */
    uint16_t vendor_id, device_id;
    uint32_t class_code; /* base class << 16 | subclass << 8 | interface */
    uint8_t revision;
    uint8_t header_type; /* without the multi-function bit */
    bool multi_function; /* of the device this function is on */
    enum pci_port port;
    uint8_t secondary_bus, subordinate_bus; /* bridges only */
    struct pci_bar bars[PCI_BARS];
    /* Command.Bus Master, I/O Space and Memory Space as pci_enumerate found them */
    bool bus_master_at_entry, io_at_entry, memory_at_entry;
    /* Capability offsets, 0: absent. */
    uint16_t msi, msix, express, acs, ats, pasid, sriov;
    uint16_t msix_vectors;
    uint8_t msi_vectors;
    bool msi_64, msi_maskable;
    bool pcix; /* PCI-X: its requests keep their own requester ID on the way up */
    /* Other requester IDs under which this function's requests may arrive (PCI Express to
     * PCI/PCI-X Bridge Specification, "Transaction ID"; conventional bridges use their own).
     * The function's own BDF is not listed; it is used too unless `hidden` says otherwise. */
    pci_bdf_t aliases[PCI_ALIASES];
    uint8_t alias_count;
    bool hidden;
    /* Smallest index of a function that this one cannot be told apart or kept apart from (aliases,
     * missing ACS, multi-function without ACS), with ACS as pci_harden switches it on; its own
     * index when it stands alone. */
    uint16_t group_leader;
};

/* Where the Enhanced Configuration Access Mechanism maps configuration space. */
#define PCI_ECAM_MAX 32

struct pci_ecam_range {
    uint64_t base; /* of bus 0 of the segment, even when first_bus is not 0 */
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
};

struct pci_ecam {
    struct pci_ecam_range ranges[PCI_ECAM_MAX];
    unsigned count;
};

struct pci_inventory {
    struct pci_ecam ecam;
    struct pci_function functions[PCI_FUNCTIONS_MAX];
    unsigned count;
    unsigned dropped;  /* functions beyond PCI_FUNCTIONS_MAX */
    unsigned unmapped; /* buses whose configuration space cannot be mapped */
};

/* Walks every bus of the ranges, in ascending order, since the buses below a bridge have higher
 * numbers than its own. With `size_bars`, each BAR is sized while the function's decoding is off,
 * and its value and Command restored; display and serial controllers keep decoding and their
 * lengths stay 0. Without it no register is written and all lengths stay 0. False: no ECAM range
 * that can be mapped. */
bool pci_enumerate(const struct pci_ecam *ecam, bool size_bars, struct pci_inventory *inventory)
    __attribute__((warn_unused_result));

/* Index of a function, PCI_NONE when it is not there. */
uint16_t pci_find(const struct pci_inventory *inventory, uint16_t segment, pci_bdf_t bdf);

bool pci_is_bridge(const struct pci_function *function);

/* A further requester ID of a function, as firmware's tables name it. Whoever else sends under it
 * comes into one group with the function. False, and nothing has changed: it has PCI_ALIASES. */
bool pci_add_alias(struct pci_inventory *inventory, uint16_t index, pci_bdf_t alias)
    __attribute__((warn_unused_result));

/* Groups are numbered by their leaders, in bus order and without gaps: that of a function. */
unsigned pci_group_number(const struct pci_inventory *inventory, uint16_t index);

/* True when requests that bear this ID may come from the function. */
bool pci_sends_as(const struct pci_function *function, uint16_t segment, pci_bdf_t id);

/* "00:04.0", or "0001:00:04.0" when the segment is not 0. `text` holds PCI_NAME_LENGTH bytes. */
#define PCI_NAME_LENGTH 16
const char *pci_name(uint16_t segment, pci_bdf_t bdf, char *text);

/* Configuration space of a function of the inventory. Reads beyond it, unaligned, or of a function
 * that is gone give all ones; such writes are lost. pci_write16 never clears a write-1-to-clear
 * Status that shares the doubleword. */
uint8_t pci_read8(const struct pci_function *function, uint16_t offset);
uint16_t pci_read16(const struct pci_function *function, uint16_t offset);
uint32_t pci_read32(const struct pci_function *function, uint16_t offset);
void pci_write16(const struct pci_function *function, uint16_t offset, uint16_t value);
void pci_write32(const struct pci_function *function, uint16_t offset, uint32_t value);

void pci_set_bus_master(const struct pci_function *function, bool on);
bool pci_bus_master(const struct pci_function *function);
void pci_enable_memory(const struct pci_function *function);

/* Firmware's ATS and PASID enables off; ACS redirect (P2P Request, P2P Completion, Upstream
 * Forwarding) and Source Validation on where the capability offers them. */
void pci_harden(const struct pci_function *function);

/* Message `index` of a function: MSI-X when it has that, with its vector table mapped on use and
 * decoding of memory on, else MSI, which has index 0 only. INTx goes off. False: no such message.
 * pci_msi_disable turns both kinds off; entries that firmware left enabled stay until then. */
struct msi_message;
bool pci_msi_enable(const struct pci_function *function, unsigned index,
                    const struct msi_message *message) __attribute__((warn_unused_result));
void pci_msi_disable(const struct pci_function *function);

#endif
