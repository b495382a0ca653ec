/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_VTD_DMAR_H
#define DRIVERS_IOMMU_VTD_DMAR_H

#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * DMAR: Intel Virtualization Technology for Directed I/O, "DMA Remapping Reporting Structure" and
 * the structures that it lists. Values are kept as the table has them; what is wrong with a value
 * stands beside it as flaws, what cannot be walked is left out and counted.
 */
enum dmar_type {
    DMAR_DRHD = 0, /* DMA Remapping Hardware Unit Definition */
    DMAR_RMRR = 1, /* Reserved Memory Region Reporting */
    DMAR_ATSR = 2, /* Root Port ATS Capability Reporting */
    DMAR_RHSA = 3, /* Remapping Hardware Static Affinity */
    DMAR_ANDD = 4, /* ACPI Name-space Device Declaration */
    DMAR_SATC = 5, /* SoC Integrated Address Translation Cache */
    DMAR_SIDP = 6, /* SoC Integrated Device Property */
    DMAR_TYPES,
};

/* Table flags. */
#define DMAR_INTR_REMAP                0x01u
#define DMAR_X2APIC_OPT_OUT            0x02u
#define DMAR_CTRL_PLATFORM_OPT_IN_FLAG 0x04u

#define DMAR_INCLUDE_PCI_ALL           0x01u /* DRHD flags */
#define DMAR_ALL_PORTS                 0x01u /* ATSR flags */
#define DMAR_ATC_REQUIRED              0x01u /* SATC flags */

/* What is wrong with a record that could be read. */
enum dmar_flaw {
    DMAR_NO_ADDRESS = 1 << 0,       /* register base zero or all ones */
    DMAR_UNALIGNED = 1 << 1,        /* not in whole 4 KiB pages */
    DMAR_BEYOND_WIDTH = 1 << 2,     /* above the host address width */
    DMAR_DUPLICATE = 1 << 3,        /* says the same as an earlier DRHD */
    DMAR_CONFLICT = 1 << 4,         /* registers of an earlier DRHD that says something else */
    DMAR_SECOND_CATCH_ALL = 1 << 5, /* a second INCLUDE_PCI_ALL unit in its segment */
    DMAR_BAD_RANGE = 1 << 6,        /* limit below base, or both zero */
    DMAR_OVERLAP = 1 << 7,          /* shares memory with an earlier RMRR */
    DMAR_PAGE_ZERO = 1 << 8,        /* reserves the page at address 0 */
    DMAR_SCOPES_CUT = 1 << 9,       /* some of its device scopes could not be read */
    DMAR_UNMATCHED = 1 << 10,       /* names a unit or name-space device that no record has */
};

#define DMAR_UNUSABLE    (DMAR_NO_ADDRESS | DMAR_UNALIGNED | DMAR_CONFLICT) /* a DRHD with any */

#define DMAR_RECORDS_MAX 128 /* of each type */
#define DMAR_SCOPES_MAX  1024
#define DMAR_HOPS_MAX    8
#define DMAR_NAME_LENGTH 128

enum dmar_scope_type {
    DMAR_SCOPE_ENDPOINT = 1,
    DMAR_SCOPE_BRIDGE = 2, /* the bridge and all below it */
    DMAR_SCOPE_IOAPIC = 3,
    DMAR_SCOPE_HPET = 4,
    DMAR_SCOPE_NAMESPACE = 5,
};

/* "Device Scope Structure". */
struct dmar_scope {
    uint32_t offset; /* in the table */
    uint8_t type, length, flags, enumeration_id, start_bus;
    uint8_t hops;
    struct {
        uint8_t device, function;
    } path[DMAR_HOPS_MAX];
};

/* Of every record: where it stands and what is wrong with it. Its scopes are
 * scopes[first_scope] and the following, scope_count of them. */
struct dmar_record {
    uint32_t offset;
    uint16_t length;
    uint16_t flaws; /* enum dmar_flaw */
    uint16_t first_scope, scope_count;
};

struct dmar_drhd {
    struct dmar_record record;
    uint8_t flags;
    uint8_t size; /* the register set is 4 KiB << (size & 15) */
    uint16_t segment;
    uint64_t address;
    uint16_t unit; /* index of the first DRHD with this address; its own when it is the first */
};

struct dmar_rmrr {
    struct dmar_record record;
    uint16_t segment;
    uint64_t base, limit; /* inclusive */
};

/* ATSR, SATC and SIDP (no flags). */
struct dmar_list {
    struct dmar_record record;
    uint8_t flags;
    uint16_t segment;
};

struct dmar_rhsa {
    struct dmar_record record;
    uint64_t address;
    uint32_t proximity_domain;
};

struct dmar_andd {
    struct dmar_record record;
    uint8_t number; /* enumeration id of its name-space scope */
    char name[DMAR_NAME_LENGTH];
};

struct dmar {
    uint8_t revision;
    uint8_t flags;
    uint16_t host_address_width; /* bits, 1 to 256; the table holds one less */
    struct dmar_drhd drhds[DMAR_RECORDS_MAX];
    struct dmar_rmrr rmrrs[DMAR_RECORDS_MAX];
    struct dmar_list atsrs[DMAR_RECORDS_MAX];
    struct dmar_rhsa rhsas[DMAR_RECORDS_MAX];
    struct dmar_andd andds[DMAR_RECORDS_MAX];
    struct dmar_list satcs[DMAR_RECORDS_MAX];
    struct dmar_list sidps[DMAR_RECORDS_MAX];
    unsigned counts[DMAR_TYPES]; /* entries used of the arrays above */
    struct dmar_scope scopes[DMAR_SCOPES_MAX];
    unsigned scope_count;
    /* Incomplete: a DRHD or a scope of one may be missing, or two units claim the rest of a
     * segment, and a device that falls to INCLUDE_PCI_ALL may really be behind another unit. */
    struct acpi_findings found;
};

/* Reads a DMAR. Each skip and flaw is one log line. False: absent, or shorter than its fixed part
 * (48 bytes); `dmar` is empty then. A table without records is valid. Allocates nothing. */
bool dmar_read(const struct acpi_table *table, struct dmar *dmar)
    __attribute__((warn_unused_result));

/* True when the path of a PCI scope (endpoint or bridge) in a record of `segment` leads to the
 * function, or for a bridge scope to a bridge above it. A start bus is taken as written. */
bool dmar_scope_matches(const struct dmar_scope *scope, uint16_t segment,
                        const struct pci_inventory *inventory, uint16_t function_index);

/* True when a scope of the record matches. */
bool dmar_record_matches(const struct dmar *dmar, const struct dmar_record *record,
                         uint16_t segment, const struct pci_inventory *inventory,
                         uint16_t function_index);

/* Index of the DRHD whose unit translates the function: explicit scopes of all units first, then
 * INCLUDE_PCI_ALL of its segment. Of several DRHDs on one register set, the first. -1: none, or
 * one that cannot be used. */
int dmar_drhd_for(const struct dmar *dmar, const struct pci_inventory *inventory,
                  uint16_t function_index);

#endif
