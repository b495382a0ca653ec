/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_STATE_H
#define DRIVERS_IOMMU_CORE_STATE_H

#include "drivers/iommu/core/core.h"

/* What the files of core share. */
static inline iommu_ref_t iommu_ref(iommu_ref_t kind, size_t index, uint16_t generation)
{
    return kind | (uint32_t)generation << 16 | index;
}

#define IOMMU_NO_GAP ((struct iommu_region){.first = UINT64_MAX, .last = 0})

/* A range that a caller names needs no further look inside the gap, where the last one was that
 * had one, if the domain is an ordinary one that has no allocator, has not failed and has no
 * unlinked tables that units may still know. To call, under the domain's lock, when any of these
 * changes. */
static inline void iommu_update_plain(struct iommu_domain *domain)
{
    bool special = domain->type != IOMMU_TRANSLATE || domain->allocator || domain->poisoned ||
                   domain->unlinking;

    domain->plain_first = special ? UINT64_MAX : domain->gap.first;
    domain->plain_last = special ? 0 : domain->gap.last;
}

/* The same when what is kept has changed: regions and tokens. */
static inline void iommu_update_kept(struct iommu_domain *domain)
{
    domain->gap = IOMMU_NO_GAP;
    iommu_update_plain(domain);
}

/* A wait failed. */
static inline void iommu_poison_domain(struct iommu_domain *domain)
{
    lock_take(&domain->lock);
    domain->poisoned = true;
    iommu_update_plain(domain);
    lock_give(&domain->lock);
}

/* One call on a domain. Each step of it finds the domain as it was named, or gone. */
struct iommu_call {
    struct iommu *iommu;
    struct iommu_domain *domain;
    iommu_ref_t ref;
    owner_t owner;
    bool kept; /* the range is one that is kept for this very call */
};

/* Takes the domain's lock. False, and not taken: the domain is gone. */
bool iommu_lock_domain(const struct iommu_call *call) __attribute__((warn_unused_result));
void iommu_unlock_domain(const struct iommu_call *call);

/* What an unmap leaves to do: units must forget, then tables and addresses are free again. */
struct iommu_batch {
    struct iommu_invalidation invalidation;
    struct pt_gather gather;
    bool unlinking; /* counted in the domain's */
};

struct iommu_batch iommu_batch_of(const struct iommu_domain *domain);

/* After each change that filled the batch's gather, under the domain's lock. */
void iommu_batch_note(const struct iommu_call *call, struct iommu_batch *batch);

/* One tail write and one wait per unit for all ranges of the batch. False: a wait ran out, and the
 * gathered tables stay out of the pool for ever. */
bool iommu_batch_finish(const struct iommu_call *call, struct iommu_batch *batch)
    __attribute__((warn_unused_result));

enum iommu_status iommu_from_paging(enum pt_status status);

/* Whether a caller may use a range: whole pages inside the width, not of the interrupt window, not
 * of a region that firmware demands. */
bool iommu_is_usable(const struct iommu *iommu, unsigned width, uint64_t address, uint64_t length);

/* Under the domain's lock: the inclusive range meets a caller's reserved region or a token. */
bool iommu_is_kept(const struct iommu *iommu, const struct iommu_domain *domain, uint64_t first,
                   uint64_t last);

/* Under the domain's lock: the addresses around one that are inside the width, not of the interrupt
 * window, of no region and of no token; none, if the address is not such. */
struct iommu_region iommu_gap_at(const struct iommu *iommu, const struct iommu_domain *domain,
                                 uint64_t address);

/* What mapping and reserving at a place ask of a domain first, in order: its type, the range, who
 * names the address, poison. */
enum iommu_status iommu_may_place(const struct iommu_call *call, const struct iommu_place *place,
                                  uint64_t length) __attribute__((warn_unused_result));

/* Under the domain's lock. Addresses of its allocator, which it has; and back (nothing without an
 * allocator), when no unit knows a translation of them any more. */
enum iommu_status iommu_take_addresses(const struct iommu_domain *domain,
                                       const struct iommu_place *place, uint64_t length,
                                       uint64_t *address) __attribute__((warn_unused_result));
void iommu_give_addresses(const struct iommu_domain *domain, uint64_t address, uint64_t length);

/* Pages of the memory from byte *done on that follow each other; reads each of their numbers once.
 * False: all is done. */
struct iommu_run {
    uint64_t physical, length;
};
bool iommu_next_run(const struct iommu_memory *memory, uint64_t *done, struct iommu_run *run);
bool iommu_owns(owner_t owner, const struct iommu_memory *memory);

/* Maps memory at consecutive addresses, or (NULL) each frame at its own: all of it or, on any
 * failure, nothing; in one step, as other contexts see it. Checks run by run: ownership, then
 * whether the range is kept, then the table. Without an address the list must not change. */
enum iommu_status iommu_put_all(const struct iommu_call *call, const uint64_t *address,
                                const struct iommu_memory *memory, enum pt_permission permission)
    __attribute__((warn_unused_result));
/* Units forget `span` bytes from the address on: the length, or more that is the caller's. */
enum iommu_status iommu_take_out(const struct iommu_call *call, uint64_t address, uint64_t length,
                                 uint64_t span) __attribute__((warn_unused_result));
/* Forgets all tokens of a domain whose tables go as a whole. */
void iommu_drop_tokens(struct iommu *iommu, struct iommu_domain *domain);

/* The device object of the owner that a reference names, or NULL; under the gate. */
static inline struct iommu_device *iommu_device_at(struct iommu *iommu, owner_t owner,
                                                   iommu_ref_t ref)
{
    size_t index = iommu_ref_index(ref);

    if (index >= IOMMU_DEVICES_MAX)
        return NULL;
    struct iommu_device *device = &iommu->devices[index];
    bool named = ref == iommu_ref(IOMMU_DEVICE_REF, index, device->generation);
    return device->used && named && device->owner == owner ? device : NULL;
}

/* The fewest levels that all units have and that cover `width` bits, if any do. */
struct pt_geometry iommu_geometry(const struct iommu *iommu, uint8_t width);

enum iommu_status iommu_new_domain(struct iommu *iommu, owner_t owner,
                                   const struct iommu_domain_config *config,
                                   struct iommu_domain **out) __attribute__((warn_unused_result));

/* Makes the demanded regions of a group reachable in a domain, or takes them out again. */
enum iommu_status iommu_map_regions(struct iommu *iommu, uint16_t group,
                                    struct iommu_domain *domain)
    __attribute__((warn_unused_result));
bool iommu_unmap_regions(struct iommu *iommu, uint16_t group, struct iommu_domain *domain)
    __attribute__((warn_unused_result));

/* Domains for the regions of all groups that have any; their requesters are attached to them. */
void iommu_quarantine_all(struct iommu *iommu);

/* A wait ran out: the unit is not trusted any more, the devices behind it stop mastering the bus,
 * the domains on it keep their ids and tables for ever. */
void iommu_poison(struct iommu *iommu, struct iommu_unit *unit);

/* IOMMU_OK, or why no device may get a pass-through domain now. */
enum iommu_status iommu_may_pass(const struct iommu *iommu);

/* Lets a device master the bus, unless its unit is poisoned. */
void iommu_let_master(struct iommu *iommu, uint16_t endpoint);

bool iommu_group_has_endpoint(const struct iommu *iommu, uint16_t group, uint16_t endpoint);

/* "read and write". */
const char *iommu_rights(enum pt_permission permission);

/* The first endpoint of the inventory that sends under a requester ID; PCI_NONE: none does. */
uint16_t iommu_sender(const struct iommu *iommu, uint16_t segment, pci_bdf_t id);

/* Index of the first requester of an endpoint from `from` on; requester_count: there is none. */
unsigned iommu_next_requester(const struct iommu *iommu, uint16_t endpoint, unsigned from);

static inline uint16_t iommu_domain_index(const struct iommu *iommu,
                                          const struct iommu_domain *domain)
{
    return (uint16_t)(domain - iommu->domains);
}

#endif
