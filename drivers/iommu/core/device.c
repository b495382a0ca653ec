/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/state.h"
#include "lib/log.h"

#include <string.h>

static enum iommu_status create(struct iommu *iommu, owner_t owner, uint16_t endpoint,
                                iommu_ref_t *out)
{
    if (endpoint >= iommu->pci->count || iommu->endpoints[endpoint].owner != owner)
        return IOMMU_BAD_HANDLE;
    if (!iommu_covered(iommu, endpoint))
        return IOMMU_NOT_COVERED;
    if (iommu->endpoints[endpoint].assigned)
        return IOMMU_IN_USE;
    for (size_t i = 0; i < IOMMU_DEVICES_MAX; i++) {
        struct iommu_device *device = &iommu->devices[i];

        if (device->used)
            continue;
        device->used = true;
        device->attached = false;
        device->owner = owner;
        device->endpoint = endpoint;
        iommu->endpoints[endpoint].assigned = true;
        *out = iommu_ref(IOMMU_DEVICE_REF, i, device->generation);
        return IOMMU_OK;
    }
    return IOMMU_NO_ID;
}

enum iommu_status iommu_create_device(struct iommu *iommu, owner_t owner, uint16_t endpoint,
                                      iommu_ref_t *out)
{
    gate_enter(&iommu->gate);
    enum iommu_status status = create(iommu, owner, endpoint, out);
    gate_leave(&iommu->gate);
    return status;
}

static enum iommu_status end_device(struct iommu *iommu, struct iommu_device *device)
{
    if (!device)
        return IOMMU_BAD_HANDLE;
    if (device->attached)
        return IOMMU_IN_USE;
    iommu->endpoints[device->endpoint].assigned = false;
    device->used = false;
    device->generation++;
    return IOMMU_OK;
}

enum iommu_status iommu_delete_device(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    gate_enter(&iommu->gate);
    enum iommu_status status = end_device(iommu, iommu_device_at(iommu, owner, ref));
    gate_leave(&iommu->gate);
    return status;
}

bool iommu_has_device(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    gate_enter(&iommu->gate);
    bool has = iommu_device_at(iommu, owner, ref) != NULL;
    gate_leave(&iommu->gate);
    return has;
}

iommu_ref_t iommu_device_of(struct iommu *iommu, owner_t owner, uint16_t endpoint)
{
    iommu_ref_t ref = 0;

    gate_enter(&iommu->gate);
    for (size_t i = 0; i < IOMMU_DEVICES_MAX; i++) {
        const struct iommu_device *device = &iommu->devices[i];

        if (device->used && device->owner == owner && device->endpoint == endpoint)
            ref = iommu_ref(IOMMU_DEVICE_REF, i, device->generation);
    }
    gate_leave(&iommu->gate);
    return ref;
}

bool iommu_is_attached(struct iommu *iommu, owner_t owner, iommu_ref_t ref, iommu_ref_t *domain)
{
    gate_enter(&iommu->gate);
    const struct iommu_device *device = iommu_device_at(iommu, owner, ref);
    bool attached = device && device->attached;
    if (attached && domain)
        *domain = iommu->domains[device->domain].ref;
    gate_leave(&iommu->gate);
    return attached;
}

static struct iommu_domain *quarantine_of(struct iommu *iommu, uint16_t group)
{
    uint16_t index = iommu->groups[group].quarantine;

    return index == PCI_NONE ? NULL : &iommu->domains[index];
}

/* Under the domain's lock: whoever changed the table before changed it for all of them, whoever
 * changes it later sees them. */
static void set_units(struct iommu *iommu, struct iommu_domain *domain, uint64_t units)
{
    uint64_t flush = 0;

    for (uint64_t rest = units; rest; rest &= rest - 1)
        if (iommu->units[__builtin_ctzll(rest)].caps.flush_on_map)
            flush |= rest & -rest;
    domain->units = units;
    domain->flush_units = flush;
    domain->unit = units && !(units & (units - 1)) ? &iommu->units[__builtin_ctzll(units)] : NULL;
}

static void join(struct iommu *iommu, struct iommu_domain *domain, uint16_t index)
{
    lock_take(&domain->lock);
    domain->unit_uses[index]++;
    set_units(iommu, domain, domain->units | UINT64_C(1) << index);
    lock_give(&domain->lock);
}

static void leave(struct iommu *iommu, struct iommu_domain *domain, uint16_t index)
{
    if (--domain->unit_uses[index])
        return;
    lock_take(&domain->lock);
    set_units(iommu, domain, domain->units & ~(UINT64_C(1) << index));
    lock_give(&domain->lock);
}

static enum iommu_status bind(struct iommu *iommu, const struct iommu_requester *requester,
                              struct iommu_domain *domain)
{
    struct iommu_unit *unit = &iommu->units[requester->unit];
    const struct iommu_binding binding = {.domain_id = domain->id,
                                          .pass_through = domain->type == IOMMU_PASS_THROUGH,
                                          .root = domain->table.root,
                                          .levels = domain->table.geometry.levels};
    bool no_memory = false;

    join(iommu, domain, requester->unit);
    if (unit->ops->attach(unit, requester->id, &binding, &no_memory))
        return IOMMU_OK;
    if (no_memory) {
        leave(iommu, domain, requester->unit);
        return IOMMU_NO_MEMORY;
    }
    iommu_poison_domain(domain);
    iommu_poison(iommu, unit);
    return IOMMU_FAILED;
}

static enum iommu_status unbind(struct iommu *iommu, const struct iommu_requester *requester,
                                struct iommu_domain *domain)
{
    struct iommu_unit *unit = &iommu->units[requester->unit];

    if (!unit->ops->block(unit, requester->id, domain->id)) {
        iommu_poison(iommu, unit);
        return IOMMU_FAILED;
    }
    leave(iommu, domain, requester->unit);
    return IOMMU_OK;
}

/* From one domain to another, by way of blocked. NULL stands for blocked itself. */
static enum iommu_status move(struct iommu *iommu, const struct iommu_requester *requester,
                              struct iommu_domain *from, struct iommu_domain *to)
{
    enum iommu_status status = from ? unbind(iommu, requester, from) : IOMMU_OK;

    return status == IOMMU_OK && to ? bind(iommu, requester, to) : status;
}

/* Gives the requesters of an endpoint back, those with an index below `end`. */
static enum iommu_status release_requesters(struct iommu *iommu, uint16_t endpoint,
                                            struct iommu_domain *domain,
                                            struct iommu_domain *quarantine, unsigned end)
{
    enum iommu_status status = IOMMU_OK;

    for (unsigned i = iommu_next_requester(iommu, endpoint, 0); i < end;
         i = iommu_next_requester(iommu, endpoint, i + 1)) {
        if (--iommu->requesters[i].uses)
            continue;
        if (move(iommu, &iommu->requesters[i], domain, quarantine) != IOMMU_OK)
            status = IOMMU_FAILED;
    }
    return status;
}

static enum iommu_status claim_requesters(struct iommu *iommu, uint16_t endpoint,
                                          struct iommu_domain *domain,
                                          struct iommu_domain *quarantine)
{
    for (unsigned i = iommu_next_requester(iommu, endpoint, 0); i < iommu->requester_count;
         i = iommu_next_requester(iommu, endpoint, i + 1)) {
        struct iommu_requester *requester = &iommu->requesters[i];
        enum iommu_status status = IOMMU_OK;

        if (!requester->uses)
            status = move(iommu, requester, quarantine, domain);
        if (status == IOMMU_OK) {
            requester->uses++;
            continue;
        }
        if (status == IOMMU_NO_MEMORY && move(iommu, requester, NULL, quarantine) != IOMMU_OK)
            status = IOMMU_FAILED;
        if (release_requesters(iommu, endpoint, domain, quarantine, i) != IOMMU_OK)
            status = IOMMU_FAILED;
        return status;
    }
    return IOMMU_OK;
}

static enum iommu_status may_attach(struct iommu *iommu, const struct iommu_device *device,
                                    const struct iommu_domain *domain)
{
    const struct iommu_group *group =
        &iommu->groups[iommu->pci->functions[device->endpoint].group_leader];
    const struct iommu_unit *unit = &iommu->units[iommu->endpoints[device->endpoint].unit];

    if (device->attached)
        return IOMMU_ATTACHED;
    if (domain->type == IOMMU_PASS_THROUGH && iommu_may_pass(iommu) != IOMMU_OK)
        return iommu_may_pass(iommu);
    if (group->attached && group->domain != iommu_domain_index(iommu, domain))
        return IOMMU_CLAIMED;
    if (domain->poisoned || unit->state != UNIT_ACTIVE)
        return IOMMU_FAILED;
    if (!(unit->caps.levels >> domain->table.geometry.levels & 1))
        return IOMMU_INCOMPATIBLE;
    return IOMMU_OK;
}

static enum iommu_status attach(struct iommu *iommu, struct iommu_domain *domain,
                                struct iommu_device *device)
{
    if (!domain || !device)
        return IOMMU_BAD_HANDLE;
    enum iommu_status status = may_attach(iommu, device, domain);
    if (status != IOMMU_OK)
        return status;
    const struct pci_function *function = &iommu->pci->functions[device->endpoint];
    uint16_t leader = function->group_leader;
    struct iommu_group *group = &iommu->groups[leader];
    if (!group->attached)
        status = iommu_map_regions(iommu, leader, domain);
    if (status != IOMMU_OK)
        return status;
    status = claim_requesters(iommu, device->endpoint, domain, quarantine_of(iommu, leader));
    if (status != IOMMU_OK) {
        if (!group->attached && !iommu_unmap_regions(iommu, leader, domain))
            status = IOMMU_FAILED;
        return status;
    }
    group->attached++;
    group->domain = iommu_domain_index(iommu, domain);
    domain->attached++;
    device->attached = true;
    device->domain = group->domain;
    iommu_let_master(iommu, device->endpoint);
    return IOMMU_OK;
}

enum iommu_status iommu_attach(struct iommu *iommu, owner_t owner, iommu_ref_t domain,
                               iommu_ref_t device)
{
    gate_enter(&iommu->gate);
    enum iommu_status status =
        attach(iommu, iommu_domain_at(iommu, owner, domain), iommu_device_at(iommu, owner, device));
    gate_leave(&iommu->gate);
    return status;
}

/* No device is at work in the domain: what its allocator can do without goes back. */
static void rest(struct iommu_domain *domain)
{
    lock_take(&domain->lock);
    if (domain->allocator)
        allocator_trim(domain->allocator);
    lock_give(&domain->lock);
}

static enum iommu_status detach(struct iommu *iommu, struct iommu_device *device)
{
    if (!device)
        return IOMMU_BAD_HANDLE;
    if (!device->attached)
        return IOMMU_NOT_ATTACHED;
    struct iommu_domain *domain = &iommu->domains[device->domain];
    uint16_t leader = iommu->pci->functions[device->endpoint].group_leader;
    enum iommu_status status = release_requesters(
        iommu, device->endpoint, domain, quarantine_of(iommu, leader), iommu->requester_count);

    device->attached = false;
    if (!--domain->attached)
        rest(domain);
    if (!--iommu->groups[leader].attached && !iommu_unmap_regions(iommu, leader, domain))
        status = IOMMU_FAILED;
    return status;
}

enum iommu_status iommu_detach(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    gate_enter(&iommu->gate);
    enum iommu_status status = detach(iommu, iommu_device_at(iommu, owner, ref));
    gate_leave(&iommu->gate);
    return status;
}

/* Through a unit that translates, or did until it was poisoned. */
static bool group_sends_as(const struct iommu *iommu, uint16_t leader,
                           const struct iommu_requester *requester)
{
    for (uint16_t e = 0; e < iommu->pci->count; e++) {
        uint16_t unit = iommu->endpoints[e].unit;

        if (iommu_group_has_endpoint(iommu, leader, e) && unit != PCI_NONE &&
            iommu->units[unit].state != UNIT_FAILED &&
            iommu_sends_as(iommu, e, requester->segment, requester->id))
            return true;
    }
    return false;
}

/* Blocks the requesters of a group again, those with an index below `end`. */
static void end_quarantine(struct iommu *iommu, uint16_t leader, struct iommu_domain *domain,
                           unsigned end)
{
    for (unsigned i = 0; i < end; i++)
        if (group_sends_as(iommu, leader, &iommu->requesters[i]))
            (void)unbind(iommu, &iommu->requesters[i], domain);
    (void)!iommu_unmap_regions(iommu, leader, domain);
}

/* All of the group reaches all of its regions, or, on any failure, none of it any. */
static bool join_quarantine(struct iommu *iommu, uint16_t leader, struct iommu_domain *domain)
{
    if (iommu_map_regions(iommu, leader, domain) != IOMMU_OK)
        return false;
    for (unsigned i = 0; i < iommu->requester_count; i++)
        if (group_sends_as(iommu, leader, &iommu->requesters[i]) &&
            bind(iommu, &iommu->requesters[i], domain) != IOMMU_OK) {
            end_quarantine(iommu, leader, domain, i);
            return false;
        }
    iommu->groups[leader].quarantine = iommu_domain_index(iommu, domain);
    return true;
}

/* Groups that demand the same share a domain: they reach the same memory anyway. */
static struct iommu_domain *shared_quarantine(struct iommu *iommu, uint16_t leader)
{
    for (uint16_t i = 0; i < leader; i++) {
        struct iommu_domain *domain = quarantine_of(iommu, i);

        if (domain && !domain->poisoned &&
            !memcmp(iommu->groups[i].rights, iommu->groups[leader].rights,
                    sizeof iommu->groups[i].rights))
            return domain;
    }
    return NULL;
}

/* At most half of the domain ids, so that drivers find some. */
static const char *quarantine(struct iommu *iommu, uint16_t leader, unsigned *made)
{
    const struct iommu_domain_config config = {.type = IOMMU_TRANSLATE};
    struct iommu_domain *domain = shared_quarantine(iommu, leader);
    unsigned ids = iommu->domain_ids - 1;

    if (domain)
        return join_quarantine(iommu, leader, domain) ? NULL : "its unit or memory failed";
    if (*made >= (ids < IOMMU_DOMAINS_MAX ? ids : IOMMU_DOMAINS_MAX) / 2)
        return "too many groups have regions of their own";
    if (iommu_new_domain(iommu, OWNER_IOMMU, &config, &domain) != IOMMU_OK)
        return "no domain is left, or no memory";
    if (!join_quarantine(iommu, leader, domain)) {
        (void)!iommu_delete_domain(iommu, OWNER_IOMMU, domain->ref);
        return "its unit or memory failed";
    }
    (*made)++;
    return NULL;
}

static bool demands_any(const struct iommu *iommu, uint16_t leader)
{
    for (unsigned n = 0; n < iommu->region_count; n++)
        if (iommu->groups[leader].rights[n])
            return true;
    return false;
}

void iommu_quarantine_all(struct iommu *iommu)
{
    unsigned made = 0;

    for (uint16_t i = 0; i < iommu->pci->count; i++) {
        const struct pci_function *function = &iommu->pci->functions[i];
        const char *why = demands_any(iommu, i) ? quarantine(iommu, i, &made) : NULL;
        char name[PCI_NAME_LENGTH];

        if (why)
            log_write(LOG_ERROR, "iommu", "regions demanded for the group of %s not granted: %s",
                      pci_name(function->segment, function->bdf, name), why);
    }
}

static bool reclaim_devices(struct iommu *iommu, owner_t owner)
{
    bool done = true;

    for (size_t i = 0; i < IOMMU_DEVICES_MAX; i++) {
        struct iommu_device *device = &iommu->devices[i];
        iommu_ref_t ref = iommu_ref(IOMMU_DEVICE_REF, i, device->generation);

        if (!device->used || device->owner != owner)
            continue;
        if (device->attached && iommu_detach(iommu, owner, ref) != IOMMU_OK)
            done = false;
        if (iommu_delete_device(iommu, owner, ref) != IOMMU_OK)
            done = false;
    }
    return done;
}

/* No context of the owner runs any more, so its slots change no further on their own. */
bool iommu_reclaim(struct iommu *iommu, owner_t owner)
{
    if (iommu->events)
        iommu->events->ended(iommu, owner);
    bool done = reclaim_devices(iommu, owner);

    for (size_t i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        struct iommu_domain *domain = &iommu->domains[i];
        iommu_ref_t ref = domain->ref;

        if (!ref || domain->owner != owner)
            continue;
        iommu_drop_tokens(iommu, domain);
        if (iommu_delete_domain(iommu, owner, ref) != IOMMU_OK)
            done = false;
    }
    return done;
}
