/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_CORE_H
#define DRIVERS_IOMMU_CORE_CORE_H

#include "arch/irq.h"
#include "drivers/iommu/core/allocator.h"
#include "drivers/iommu/core/unit.h"
#include "drivers/iommu/paging/paging.h"
#include "drivers/pci/pci.h"
#include "lib/frames.h"
#include "lib/lock.h"
#include "lib/owner.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Units, devices, groups and domains. All state hangs from one struct iommu, so that a test may
 * have many, and copy or restore one.
 *
 *   endpoint   one PCI function, by its index in the inventory
 *   requester  one requester ID that a unit sees; an endpoint has one or more of them
 *   group      endpoints that cannot be kept apart: one domain for all of them
 *   blocked    the state of every requester that is not attached: it reaches nothing but the
 *              regions that firmware demands for its device
 *
 * Context: task level. Objects are named by reference (kind, index, generation); a stale or foreign
 * one gives IOMMU_BAD_HANDLE. Every routine that fails for arguments or memory has changed nothing.
 */
#define IOMMU_UNITS_MAX      64 /* bits of iommu_domain.units */
#define IOMMU_DOMAINS_MAX    256
#define IOMMU_DEVICES_MAX    PCI_FUNCTIONS_MAX
#define IOMMU_REQUESTERS_MAX (PCI_FUNCTIONS_MAX * 2)
#define IOMMU_REGIONS_MAX    64

/* Physical and logical addresses that reach the interrupt controllers instead of memory. */
#define IOMMU_INTERRUPT_FIRST UINT64_C(0xFEE00000)
#define IOMMU_INTERRUPT_LAST  UINT64_C(0xFEEFFFFF)

enum iommu_status {
    IOMMU_OK,
    IOMMU_NO_MEMORY,
    IOMMU_NO_ID,  /* no domain id, or no object, is left */
    IOMMU_FAILED, /* a hardware wait ran out, now or before: no access is given */
    IOMMU_BAD_HANDLE,
    IOMMU_BAD_RANGE,  /* beyond the width, in a reserved region or in the interrupt window */
    IOMMU_BAD_ACCESS, /* a permission that the format cannot express */
    IOMMU_OVERLAP,    /* map: part of the range is live */
    IOMMU_NOT_MAPPED, /* unmap: part of the range is not live */
    IOMMU_NOT_OWNED,  /* a frame that the caller does not own */
    IOMMU_NO_SPACE,   /* no free logical address between minimum and maximum */
    IOMMU_NO_CHOICE,  /* an address given with an allocator, or none without one */
    IOMMU_CLAIMED,    /* the group belongs to another domain */
    IOMMU_ATTACHED,   /* the device is attached already */
    IOMMU_NOT_ATTACHED,
    IOMMU_IN_USE,       /* delete: devices are still attached */
    IOMMU_NOT_COVERED,  /* no working unit stands in front of the device */
    IOMMU_INCOMPATIBLE, /* the device's unit cannot serve the domain */
};

/* Protection as a whole: four states, four sentences (drivers/console/report.h). */
enum iommu_state { IOMMU_ABSENT, IOMMU_STATE_FAILED, IOMMU_PARTIAL, IOMMU_ACTIVE };

/* Index in the lowest 16 bits, generation in the next, kind of object from bit 48 on. */
typedef uint64_t iommu_ref_t;

#define IOMMU_DEVICE_REF (UINT64_C(0xB2) << 48)
#define IOMMU_DOMAIN_REF (UINT64_C(0xB3) << 48)

/* A range that firmware demands for devices (RMRR, IVMD), inclusive, and who demands it. */
struct iommu_region {
    uint64_t first, last;
};

struct iommu_demand {
    uint16_t region;
    uint16_t endpoint;
};

struct iommu_endpoint {
    uint16_t unit; /* index; PCI_NONE: not covered */
    owner_t owner; /* of the driver bound to it; OWNER_FREE: none */
    bool assigned; /* a device object names it */
};

struct iommu_requester {
    uint16_t segment;
    pci_bdf_t id;
    uint16_t unit;
    uint16_t uses; /* attached devices that send under this ID */
};

struct iommu_group {
    uint16_t attached;   /* devices */
    uint16_t domain;     /* index, meaningful while attached is not 0 */
    uint16_t quarantine; /* index of the domain of its demanded regions; PCI_NONE: it has none */
};

/* A power of two: a reference finds its domain by a shift. */
#define IOMMU_DOMAIN_SIZE 512

struct iommu_domain {
    iommu_ref_t ref;    /* names it; 0: not in use */
    uint64_t plain_end; /* addresses below it have nothing special: see iommu_update_plain */
    owner_t owner;
    bool poisoned; /* a wait failed: no map any more, the id is never reused */
    struct lock lock;
    uint16_t id; /* as the units' tables hold it */
    uint16_t generation;
    uint16_t attached;            /* devices */
    struct iommu_region reserved; /* all ranges that no caller may use lie in it */
    struct pt table;
    struct allocator *allocator;         /* of logical addresses; NULL: the caller names them */
    uint64_t generation_issued;          /* invalidations begun: given addresses wait for theirs */
    uint64_t units;                      /* bit n: unit n may hold translations of the domain */
    uint64_t flush_units;                /* those of them that need an invalidation after a map */
    uint16_t unit_uses[IOMMU_UNITS_MAX]; /* attached requesters per unit */
    uint16_t region_uses[IOMMU_REGIONS_MAX]; /* groups that demand the region here */
} __attribute__((aligned(IOMMU_DOMAIN_SIZE)));

_Static_assert(sizeof(struct iommu_domain) == IOMMU_DOMAIN_SIZE, "a reference is shifted");

struct iommu_device {
    bool used;
    bool attached;
    uint16_t generation;
    owner_t owner;
    uint16_t endpoint;
    uint16_t domain; /* index, meaningful while attached */
};

struct iommu {
    const struct pci_inventory *pci;
    struct iommu_unit units[IOMMU_UNITS_MAX];
    unsigned unit_count;
    struct iommu_endpoint endpoints[PCI_FUNCTIONS_MAX];
    struct iommu_group groups[PCI_FUNCTIONS_MAX]; /* by group leader */
    struct iommu_requester requesters[IOMMU_REQUESTERS_MAX];
    unsigned requester_count;
    struct iommu_region regions[IOMMU_REGIONS_MAX];
    unsigned region_count;
    struct iommu_demand demands[IOMMU_REGIONS_MAX];
    unsigned demand_count;
    struct iommu_domain domains[IOMMU_DOMAINS_MAX];
    struct iommu_device devices[IOMMU_DEVICES_MAX];
    struct pt_pool pool;
    struct pt_geometry geometry; /* what every working unit can do */
    uint8_t levels;              /* bit n: every working unit walks tables of n levels */
    const struct pt_format *format;
    uint32_t domain_ids;  /* ids 1 to domain_ids - 1 may be used */
    unsigned drain_first; /* unit to ask first for faults: none starves the others */
    bool announced;       /* firmware's tables say that there are units */
    bool incomplete;      /* a record that says who is behind a unit may be missing */
    const char *reason;   /* why the state is not active; NULL: it is */
};

void iommu_init(struct iommu *iommu, const struct pci_inventory *pci);

/* Discovery, by the vendor's side: adds a unit (NULL: there are too many) and says which
 * endpoints stand behind it. */
struct iommu_unit *iommu_add_unit(struct iommu *iommu, const struct iommu_unit *unit);
void iommu_cover(struct iommu *iommu, uint16_t endpoint, const struct iommu_unit *unit);

/* A region that firmware demands for an endpoint. Refused and logged: unaligned or wrapping ones,
 * those over our image, over the interrupt window, or over memory in use. */
void iommu_demand_region(struct iommu *iommu, uint16_t endpoint, uint64_t first, uint64_t last);

/* Blocks every requester on every unit, then turns translation on, then grants the demanded
 * regions. Bus mastering must be off. The outcome is iommu_state(). */
void iommu_enable(struct iommu *iommu);

enum iommu_state iommu_state(const struct iommu *iommu);
bool iommu_covered(const struct iommu *iommu, uint16_t endpoint);

/* Binds or releases (OWNER_FREE) an endpoint for a driver. */
void iommu_bind(struct iommu *iommu, uint16_t endpoint, owner_t owner);

/* The domain API's objects (wdm.h gives the contracts that these serve). */
enum iommu_status iommu_create_device(struct iommu *iommu, owner_t owner, uint16_t endpoint,
                                      iommu_ref_t *out) __attribute__((warn_unused_result));
enum iommu_status iommu_delete_device(struct iommu *iommu, owner_t owner, iommu_ref_t device)
    __attribute__((warn_unused_result));
/* `width` is that of the window of an allocator, in bits (13 to 63), and is cut to what the units
 * can do; 0: no allocator, and the whole width. */
enum iommu_status iommu_create_domain(struct iommu *iommu, owner_t owner, unsigned width,
                                      iommu_ref_t *out) __attribute__((warn_unused_result));
enum iommu_status iommu_delete_domain(struct iommu *iommu, owner_t owner, iommu_ref_t domain)
    __attribute__((warn_unused_result));
enum iommu_status iommu_attach(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                               iommu_ref_t device) __attribute__((warn_unused_result));
enum iommu_status iommu_detach(struct iommu *iommu, owner_t owner, iommu_ref_t device)
    __attribute__((warn_unused_result));

/* The domain of the owner that a reference names; NULL: stale, foreign or no domain's. What is not
 * in use belongs to OWNER_FREE. */
static inline struct iommu_domain *iommu_domain_at(struct iommu *iommu, owner_t owner,
                                                   iommu_ref_t ref)
{
    struct iommu_domain *domain = &iommu->domains[ref % IOMMU_DOMAINS_MAX];

    /* A pointer from here on, not an index to multiply at each use. */
    __asm__("" : "+r"(domain));
    return domain->ref == ref && domain->owner == owner ? domain : NULL;
}

/* Detaches and deletes all that an owner left behind; false when a wait failed. */
bool iommu_reclaim(struct iommu *iommu, owner_t owner) __attribute__((warn_unused_result));

/* True when memory may go back to the allocator: no table maps it, no failed wait keeps it. */
bool iommu_releasable(struct iommu *iommu, owner_t owner, uint64_t physical, uint64_t length);

/* A refused DMA, with the endpoint it is put down to (PCI_NONE: unknown requester). */
struct iommu_fault {
    uint16_t segment;
    pci_bdf_t requester;
    uint16_t endpoint;
    uint64_t address;
    bool write;
    uint32_t reason;
    const char *reason_text;
    const char *source; /* under which name the log shows it */
};

/* Takes up to `max` recorded faults off all units; the rest stays for the next call. */
unsigned iommu_drain_faults(struct iommu *iommu, struct iommu_fault *faults, unsigned max);

/* True when a fault of this requester may come from the endpoint. */
bool iommu_sends_as(const struct iommu *iommu, uint16_t endpoint, uint16_t segment, pci_bdf_t id);

#endif
