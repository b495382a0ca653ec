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

#include <stdatomic.h>
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
 * Context: task level. Objects are named by reference (index and generation); a stale or foreign
 * one gives IOMMU_BAD_HANDLE. Every routine that fails for arguments or memory has changed nothing.
 */
#define IOMMU_UNITS_MAX      64 /* bits of iommu_domain.units */
#define IOMMU_DOMAINS_MAX    256
#define IOMMU_DEVICES_MAX    PCI_FUNCTIONS_MAX
#define IOMMU_REQUESTERS_MAX (PCI_FUNCTIONS_MAX * 2)
#define IOMMU_REGIONS_MAX    64
#define IOMMU_RESERVED_MAX   32   /* regions that a caller reserves in one domain */
#define IOMMU_UNMANAGED_MAX  16   /* unmanaged domains at a time */
#define IOMMU_TOKENS_MAX     1024 /* reserved ranges at a time, of all domains */

/* Physical and logical addresses that reach the interrupt controllers instead of memory. */
#define IOMMU_INTERRUPT_FIRST PT_INTERRUPT_FIRST
#define IOMMU_INTERRUPT_LAST  PT_INTERRUPT_LAST

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
    IOMMU_INCOMPATIBLE, /* the device's unit, or for pass-through any unit, cannot serve the domain;
                           or the domain holds a region of the device with other rights */
    IOMMU_BAD_TYPE,     /* domains of this type do not serve the call */
    IOMMU_BARRED,       /* the guard blocks pass-through */
    IOMMU_DYING,        /* the token is being freed by another context */
    IOMMU_BAD_REGION,   /* create: a reserved region that the domain cannot have */
};

/* Whose rules decide what a device reaches; bits of iommu_available_types(). */
enum iommu_domain_type {
    IOMMU_TRANSLATE,    /* the mappings that the caller makes */
    IOMMU_PASS_THROUGH, /* everything, untranslated */
    IOMMU_UNMANAGED,    /* nothing, since no caller's tables can be configured */
};

/* Whether a device may be given a pass-through domain. What is attached stays so. */
enum iommu_guard { IOMMU_GUARD_BLOCK, IOMMU_GUARD_ALLOW };

/* Protection as a whole: four states, four sentences (drivers/console/report.h). */
enum iommu_state { IOMMU_ABSENT, IOMMU_STATE_FAILED, IOMMU_PARTIAL, IOMMU_ACTIVE };

/* Index in the lowest 16 bits, generation in the next, kind of object from bit 48 on; 0 names
 * nothing. */
typedef uint64_t iommu_ref_t;

#define IOMMU_DEVICE_REF (UINT64_C(0xB2) << 48)
#define IOMMU_DOMAIN_REF (UINT64_C(0xB3) << 48)
#define IOMMU_TOKEN_REF  (UINT64_C(0xB4) << 48)

static inline uint16_t iommu_ref_index(iommu_ref_t ref)
{
    return (uint16_t)ref;
}

/* A range that firmware demands for devices (RMRR, IVMD), inclusive. */
struct iommu_region {
    uint64_t first, last;
};

/* A range of logical addresses, inclusive, that a caller keeps out of its own mappings. `map`: as
 * an identity mapping, to be read and written. */
struct iommu_reserved {
    uint64_t first, last;
    bool map;
};

/* `width` is that of the window of an allocator, in bits (13 to 63), and is cut to what the units
 * can do; 0: no allocator, and the whole width. Width and regions are for IOMMU_TRANSLATE. */
struct iommu_domain_config {
    enum iommu_domain_type type;
    unsigned width;
    const struct iommu_reserved *reserved;
    unsigned reserved_count;
};

/* A record of firmware's tables that demands memory, inclusive and in whole pages. */
struct iommu_demand {
    const char *record; /* "RMRR" */
    uint32_t offset;    /* in its table */
    enum pt_permission permission;
    uint64_t first, last;
};

/* What a person is shown of a fault. */
struct iommu_fault_record {
    uint64_t address;
    const char *reason_text;
    uint32_t reason;
    uint16_t segment;
    pci_bdf_t requester;
    bool write;
};

/* Faults put down to one endpoint. The last record is in place (count - 1) % IOMMU_FAULTS_KEPT. */
#define IOMMU_FAULTS_KEPT 4u

struct iommu_fault_log {
    uint64_t count;
    struct iommu_fault_record last[IOMMU_FAULTS_KEPT];
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
    uint8_t rights[IOMMU_REGIONS_MAX]; /* enum pt_permission; until iommu_enable by endpoint */
};

/* A power of two: a reference finds its domain by a shift. */
#define IOMMU_DOMAIN_SIZE 1024

/*
 * The lock guards the tables, the allocator, the tokens, the reference and the owner (name in
 * domain.c); whoever takes it looks at the reference again, since the domain may have been deleted
 * before. The rest changes under the gate, or is fixed while the domain lives.
 */
struct iommu_domain {
    struct lock lock;
    owner_t owner;                     /* OWNER_FREE: not in use */
    uint16_t id;                       /* as the units' tables hold it */
    iommu_ref_t ref;                   /* names it; 0: not in use */
    uint64_t plain_first;              /* from here to plain_last a range needs no further look: */
    uint64_t plain_last;               /* see iommu_update_plain */
    _Atomic(uint64_t) units;           /* bit n: unit n may hold translations of the domain */
    _Atomic(struct iommu_unit *) unit; /* the only one of them; NULL: there is none, or another */
    struct pt table;                   /* pass-through: geometry alone */
    atomic_bool poisoned;              /* a wait failed: no map any more, the id is never reused */
    enum iommu_domain_type type;
    uint16_t generation;
    uint16_t attached;             /* devices */
    uint16_t token;                /* the first of its tokens, index + 1; 0: it has none */
    struct allocator *allocator;   /* of logical addresses; NULL: the caller names them */
    struct iommu_region gap;       /* addresses inside the width that are kept for nobody */
    atomic_uint unlinking;         /* unmaps that took tables away, which units may still know */
    _Atomic(uint64_t) flush_units; /* those that need an invalidation after a map */
    unsigned reserved_count;
    struct iommu_region reserved[IOMMU_RESERVED_MAX]; /* by the caller, at creation */
    uint16_t unit_uses[IOMMU_UNITS_MAX];              /* attached requesters per unit */
    uint16_t region_uses[IOMMU_REGIONS_MAX];          /* groups that demand the region here */
} __attribute__((aligned(IOMMU_DOMAIN_SIZE)));

_Static_assert(sizeof(struct iommu_domain) == IOMMU_DOMAIN_SIZE, "a reference is shifted");

/* A reserved range. Address, length and place in its domain's list are guarded by the domain's
 * lock, the rest by the token lock. */
struct iommu_token {
    bool used;
    bool dying; /* its tables and addresses are being given back */
    uint16_t generation;
    uint16_t domain; /* index */
    uint16_t next;   /* of the same domain, or of those that are free; index + 1 */
    owner_t owner;
    unsigned calls; /* contexts that are mapping or unmapping in it */
    uint64_t address, length;
    uint64_t mapped; /* bytes */
};

struct iommu_device {
    bool used;
    bool attached;
    uint16_t generation;
    owner_t owner;
    uint16_t endpoint;
    uint16_t domain; /* index, meaningful while attached */
};

/*
 * Several contexts may call at once. In the order in which they are taken: the gate (devices,
 * groups, requesters, creating and deleting), a domain's lock, the pool's, the tokens'. The lock of
 * bus mastering stands alone.
 */
struct iommu {
    struct pci_inventory *pci;
    const struct iommu_events *events; /* NULL: nobody listens */
    struct gate gate;
    _Atomic(enum iommu_guard) guard;
    struct iommu_unit units[IOMMU_UNITS_MAX];
    unsigned unit_count;
    struct iommu_endpoint endpoints[PCI_FUNCTIONS_MAX];
    struct iommu_group groups[PCI_FUNCTIONS_MAX]; /* by group leader */
    struct iommu_requester requesters[IOMMU_REQUESTERS_MAX];
    unsigned requester_count;
    struct iommu_region regions[IOMMU_REGIONS_MAX];
    unsigned region_count;
    unsigned special_count; /* the first of the regions: no memory, and demanded by nobody */
    struct iommu_domain domains[IOMMU_DOMAINS_MAX];
    struct iommu_device devices[IOMMU_DEVICES_MAX];
    struct iommu_token tokens[IOMMU_TOKENS_MAX];
    uint16_t token_fresh;             /* index of the first that was never used */
    uint16_t token_first, token_last; /* of those that were freed, index + 1 */
    struct lock token_lock;
    struct pt_pool pool;
    struct pt_geometry geometry; /* what every working unit can do */
    uint8_t levels;              /* bit n: every working unit walks tables of n levels */
    const struct pt_format *format;
    bool pass_through;    /* every working unit can let a requester through */
    uint32_t domain_ids;  /* ids 1 to domain_ids - 1 may be used */
    unsigned drain_first; /* unit to ask first for faults: none starves the others */
    /* By endpoint; the last one: of requesters that are none's. Changed by iommu_drain_faults. */
    struct iommu_fault_log faults[PCI_FUNCTIONS_MAX + 1];
    struct lock master_lock; /* bus mastering, and which units are poisoned */
    bool announced;          /* firmware's tables say that there are units */
    bool incomplete;         /* a record that says who is behind a unit may be missing */
    const char *reason;      /* why the state is not active; NULL: it is */
};

/* The slot of the domain that a reference names, if it names one. */
static inline struct iommu_domain *iommu_domain_slot(struct iommu *iommu, iommu_ref_t ref)
{
    struct iommu_domain *domain = &iommu->domains[ref % IOMMU_DOMAINS_MAX];

    /* A pointer from here on, not an index to multiply at each use. */
    __asm__("" : "+r"(domain));
    return domain;
}

/* The domain of the owner that a reference names; NULL: stale, foreign or no domain's. What is not
 * in use belongs to OWNER_FREE. */
static inline struct iommu_domain *iommu_domain_at(struct iommu *iommu, owner_t owner,
                                                   iommu_ref_t ref)
{
    struct iommu_domain *domain = iommu_domain_slot(iommu, ref);

    return __atomic_load_n(&domain->ref, __ATOMIC_ACQUIRE) == ref &&
                   __atomic_load_n(&domain->owner, __ATOMIC_RELAXED) == owner
               ? domain
               : NULL;
}

void iommu_init(struct iommu *iommu, struct pci_inventory *pci);

/* Discovery, by the vendor's side. A unit is given with the word that its name starts with; core
 * numbers it. NULL, logged, and the state is not active: too many units, or registers that an
 * earlier one has. */
struct iommu_unit *iommu_add_unit(struct iommu *iommu, const struct iommu_unit *unit);

/* A further requester ID of an endpoint, before anything covers that. False, and nothing has
 * changed: it or core has too many; no unit may then cover the endpoint. */
bool iommu_add_alias(struct iommu *iommu, uint16_t endpoint, pci_bdf_t id)
    __attribute__((warn_unused_result));

/* Says that an endpoint stands behind a unit. Not done, and the state is not active: one of its
 * requester IDs stands behind another one. */
void iommu_cover(struct iommu *iommu, uint16_t endpoint, const struct iommu_unit *unit);

/* Covers each endpoint by the unit of this kind with the base that a vendor's table gives for the
 * endpoint, if any. */
typedef bool (*iommu_unit_finder)(const void *table, const struct iommu *iommu, uint16_t endpoint,
                                  uint64_t *base);
void iommu_cover_all(struct iommu *iommu, const struct iommu_unit_ops *ops, iommu_unit_finder find,
                     const void *table);

/* Addresses that a unit does not take for memory: no domain maps them. Before any demand. */
void iommu_add_special(struct iommu *iommu, uint64_t first, uint64_t last);

/* Memory that a record demands for each endpoint that it applies to; one log line says so. A range
 * that is demanded with several rights gives each group those that its own records ask for.
 * Refused: no access at all, unaligned or wrapping ranges, those over our image, over registers of
 * a unit, configuration space or the interrupt window, over another region or memory in use. */
typedef bool (*iommu_chooser)(const void *context, const struct iommu *iommu, uint16_t endpoint);
void iommu_demand_region(struct iommu *iommu, const struct iommu_demand *demand,
                         iommu_chooser applies, const void *context);

/* Blocks every requester on every unit, then turns translation on, then grants the demanded
 * regions. Bus mastering must be off. The outcome is iommu_state(). */
void iommu_enable(struct iommu *iommu);

enum iommu_state iommu_state(const struct iommu *iommu);
bool iommu_covered(const struct iommu *iommu, uint16_t endpoint);

/* Covered, or nothing to cover: a host bridge or a unit's own function on a root bus sends no
 * requests of its own, and firmware's tables commonly leave it out. */
bool iommu_guards(const struct iommu *iommu, uint16_t endpoint);

/* True while some unit is active and the units have a table format in common. */
bool iommu_serves_domains(const struct iommu *iommu);

/* Binds or releases (OWNER_FREE) an endpoint for a driver. */
void iommu_bind(struct iommu *iommu, uint16_t endpoint, owner_t owner);

/* The domain API's objects (wdm.h gives the contracts that these serve). */
enum iommu_status iommu_create_device(struct iommu *iommu, owner_t owner, uint16_t endpoint,
                                      iommu_ref_t *out) __attribute__((warn_unused_result));
enum iommu_status iommu_delete_device(struct iommu *iommu, owner_t owner, iommu_ref_t device)
    __attribute__((warn_unused_result));
/* The endpoint's device object, if this owner has made one; 0: none. */
iommu_ref_t iommu_device_of(struct iommu *iommu, owner_t owner, uint16_t endpoint);
/* True when the reference names a device of the owner. */
bool iommu_has_device(struct iommu *iommu, owner_t owner, iommu_ref_t device);
/* True when the device exists and is attached; *domain (may be NULL) is then its domain. */
bool iommu_is_attached(struct iommu *iommu, owner_t owner, iommu_ref_t device, iommu_ref_t *domain);
/* Bit n: a domain of type n may be created and this device attached to it now. 0: bad device. */
unsigned iommu_available_types(struct iommu *iommu, owner_t owner, iommu_ref_t device);

/* Whether a domain can have the regions of a configuration: whole pages inside the width, none over
 * another, the interrupt window or a region of firmware, and at most IOMMU_RESERVED_MAX. */
bool iommu_regions_fit(const struct iommu *iommu, const struct iommu_domain_config *config);

/* Checks, in order: IOMMU_BAD_REGION, IOMMU_NOT_COVERED, IOMMU_BARRED or IOMMU_INCOMPATIBLE
 * (pass-through), IOMMU_NOT_OWNED (frames of a mapped region), IOMMU_NO_ID, IOMMU_NO_MEMORY. */
enum iommu_status iommu_create_domain(struct iommu *iommu, owner_t owner,
                                      const struct iommu_domain_config *config, iommu_ref_t *out)
    __attribute__((warn_unused_result));
/* IOMMU_IN_USE: devices are attached, or a token is live. Live mappings go with it. IOMMU_FAILED: a
 * wait failed before; the domain is gone, its id and tables are never used again. */
enum iommu_status iommu_delete_domain(struct iommu *iommu, owner_t owner, iommu_ref_t domain)
    __attribute__((warn_unused_result));
enum iommu_status iommu_attach(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                               iommu_ref_t device) __attribute__((warn_unused_result));
enum iommu_status iommu_detach(struct iommu *iommu, owner_t owner, iommu_ref_t device)
    __attribute__((warn_unused_result));

/* True when the reference names a domain of the owner: for checks by argument order. */
bool iommu_has_domain(struct iommu *iommu, owner_t owner, iommu_ref_t domain);
bool iommu_domain_type_of(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                          enum iommu_domain_type *out) __attribute__((warn_unused_result));

/* Memory to map: `length` bytes from `physical` on, or, when `frames` is not NULL, one frame number
 * for each page of it. All multiples of 4 KiB. What a list says may change at any time: each step
 * goes by what it has read itself. */
struct iommu_memory {
    uint64_t physical;
    const uint64_t *frames;
    uint64_t length;
};

/* Where a mapping may lie. With an allocator `explicit` is NULL, and min and max are inclusive;
 * without one `explicit` names the place and they are ignored. */
struct iommu_place {
    const uint64_t *explicit;
    uint64_t min, max;
};

#define IOMMU_ANYWHERE                                                                             \
    {                                                                                              \
        NULL, 0, UINT64_MAX                                                                        \
    }

/* Maps memory at consecutive logical addresses. Every frame must be the caller's own. Checks, in
 * order: the place, then ownership and overlap piece by piece. All or nothing. */
enum iommu_status iommu_map(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                            const struct iommu_place *place, const struct iommu_memory *memory,
                            enum pt_permission permission, uint64_t *out)
    __attribute__((warn_unused_result));

/* When it returns, whatever it returns, no device reaches the range through this domain, but for
 * IOMMU_BAD_HANDLE, IOMMU_BAD_RANGE and IOMMU_NOT_MAPPED, which change nothing. With an allocator
 * the range is one whole mapping. */
enum iommu_status iommu_unmap(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                              uint64_t address, uint64_t length)
    __attribute__((warn_unused_result));

/* Maps memory at the logical addresses that equal its physical ones. A pass-through domain does
 * that by itself: nothing changes. Checks, in order: IOMMU_BAD_HANDLE, IOMMU_BAD_TYPE (unmanaged),
 * IOMMU_BAD_RANGE (any of the addresses), IOMMU_NO_CHOICE (the domain has an allocator), then as
 * iommu_map; a frame listed twice overlaps itself. All or nothing. */
enum iommu_status iommu_map_identity(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                                     const struct iommu_memory *memory,
                                     enum pt_permission permission)
    __attribute__((warn_unused_result));

/* Unmaps those logical addresses, whatever memory they are mapped to; a frame listed twice counts
 * once. IOMMU_NOT_MAPPED: any of them is not mapped, and nothing has changed. Needs no memory, so a
 * list is read twice: one that changes in between loses, at most, mappings of the caller's. */
enum iommu_status iommu_unmap_identity(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                                       const struct iommu_memory *memory)
    __attribute__((warn_unused_result));

/*
 * Reserves logical addresses and sets aside the tables that mapping there needs: mapping in a
 * reserved range never allocates, unmapping never frees. `length` in bytes, whole pages. The range
 * serves no other map, unmap or reservation while the token lives. The slots of freed tokens are
 * used again in the order in which they were freed.
 * Checks, in order: IOMMU_BAD_HANDLE, IOMMU_BAD_TYPE, IOMMU_BAD_RANGE, IOMMU_NO_CHOICE,
 * IOMMU_FAILED, IOMMU_OVERLAP, then IOMMU_NO_SPACE, IOMMU_NO_ID and IOMMU_NO_MEMORY.
 */
enum iommu_status iommu_reserve(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                                const struct iommu_place *place, uint64_t length,
                                iommu_ref_t *token, uint64_t *address)
    __attribute__((warn_unused_result));

/* IOMMU_IN_USE: part of the range is mapped. After IOMMU_FAILED the token is gone; its addresses
 * and tables are never used again. */
enum iommu_status iommu_free_reserved(struct iommu *iommu, owner_t owner, iommu_ref_t token)
    __attribute__((warn_unused_result));

/* Maps memory from byte `offset` of the range on. IOMMU_DYING; IOMMU_BAD_RANGE: beyond its end;
 * then as iommu_map. All or nothing, and never short of memory. */
enum iommu_status iommu_map_reserved(struct iommu *iommu, owner_t owner, iommu_ref_t token,
                                     uint64_t offset, const struct iommu_memory *memory,
                                     enum pt_permission permission)
    __attribute__((warn_unused_result));

/* Any wholly mapped part of the range. Contract of iommu_unmap; IOMMU_BAD_RANGE: empty, unaligned,
 * or not inside. */
enum iommu_status iommu_unmap_reserved(struct iommu *iommu, owner_t owner, iommu_ref_t token,
                                       uint64_t offset, uint64_t length)
    __attribute__((warn_unused_result));

/* Frees, detaches and deletes all that an owner left behind; false when a wait failed. */
bool iommu_reclaim(struct iommu *iommu, owner_t owner) __attribute__((warn_unused_result));

/* True when memory may go back to the allocator: no table maps it, no failed wait keeps it. */
bool iommu_releasable(struct iommu *iommu, owner_t owner, uint64_t physical, uint64_t length);

/* A refused DMA, with the endpoint it is put down to (PCI_NONE: unknown requester). */
enum iommu_fault_kind {
    IOMMU_FAULT_TRANSLATION, /* nothing is mapped there */
    IOMMU_FAULT_PERMISSION,
    IOMMU_FAULT_ADDRESS_SIZE,
    IOMMU_FAULT_UNSUPPORTED, /* a kind of request that the unit refuses */
    IOMMU_FAULT_EXTERNAL,    /* the unit could not use its own tables */
};

struct iommu_fault {
    enum iommu_fault_kind kind;
    uint64_t unit_base; /* of the unit's registers */
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

/* What core tells whoever serves it upward. Every member is set. Called at PASSIVE level, without a
 * lock. */
struct iommu_events {
    void (*fault)(struct iommu *iommu, const struct iommu_fault *fault);
    void (*guard)(struct iommu *iommu);                /* the guard has changed */
    void (*ended)(struct iommu *iommu, owner_t owner); /* the owner's objects go now */
};

/* Passes a drained fault on to the events. */
void iommu_report_fault(struct iommu *iommu, const struct iommu_fault *fault);

/* When it returns, or tells the events, each attach that it might bar is done or will be barred. */
void iommu_set_guard(struct iommu *iommu, enum iommu_guard guard);

/* True when a fault of this requester may come from the endpoint. */
bool iommu_sends_as(const struct iommu *iommu, uint16_t endpoint, uint16_t segment, pci_bdf_t id);

#endif
