/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/core.h"

#include "drivers/iommu/core/state.h"
#include "lib/log.h"

#include <string.h>

static void add_requester(struct iommu *iommu, uint16_t segment, pci_bdf_t id)
{
    for (unsigned i = 0; i < iommu->requester_count; i++)
        if (iommu->requesters[i].segment == segment && iommu->requesters[i].id == id)
            return;
    if (iommu->requester_count == IOMMU_REQUESTERS_MAX)
        return;
    iommu->requesters[iommu->requester_count++] =
        (struct iommu_requester){.segment = segment, .id = id, .unit = PCI_NONE};
}

bool iommu_add_alias(struct iommu *iommu, uint16_t endpoint, pci_bdf_t id)
{
    uint16_t segment = iommu->pci->functions[endpoint].segment;

    if (iommu->endpoints[endpoint].unit != PCI_NONE ||
        iommu->requester_count == IOMMU_REQUESTERS_MAX || !pci_add_alias(iommu->pci, endpoint, id))
        return false;
    add_requester(iommu, segment, id);
    return true;
}

void iommu_init(struct iommu *iommu, struct pci_inventory *pci)
{
    memset(iommu, 0, sizeof *iommu);
    iommu->pci = pci;
    pt_pool_init(&iommu->pool);
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *function = &pci->functions[i];

        iommu->endpoints[i].unit = PCI_NONE;
        iommu->groups[i].quarantine = PCI_NONE;
        add_requester(iommu, function->segment, function->bdf);
        for (unsigned n = 0; n < function->alias_count; n++)
            add_requester(iommu, function->segment, function->aliases[n]);
    }
}

bool iommu_sends_as(const struct iommu *iommu, uint16_t endpoint, uint16_t segment, pci_bdf_t id)
{
    return pci_sends_as(&iommu->pci->functions[endpoint], segment, id);
}

unsigned iommu_next_requester(const struct iommu *iommu, uint16_t endpoint, unsigned from)
{
    while (from < iommu->requester_count &&
           !iommu_sends_as(iommu, endpoint, iommu->requesters[from].segment,
                           iommu->requesters[from].id))
        from++;
    return from;
}

static uint8_t lower(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

struct pt_geometry iommu_geometry(const struct iommu *iommu, uint8_t width)
{
    struct pt_geometry geometry = iommu->geometry;

    geometry.levels = 0;
    for (uint8_t n = 2; n <= PT_LEVELS_MAX; n++) {
        if (!(iommu->levels >> n & 1))
            continue;
        geometry.levels = n;
        if (PT_PAGE_SHIFT + PT_INDEX_BITS * n >= width)
            break;
    }
    geometry.width = lower(lower(width, geometry.width),
                           (uint8_t)(PT_PAGE_SHIFT + PT_INDEX_BITS * geometry.levels));
    return geometry;
}

/* What every unit that works can do. False: nothing in common. */
static bool intersect(struct iommu *iommu)
{
    struct pt_geometry *common = &iommu->geometry;
    unsigned levels = ~0u;

    *common = (struct pt_geometry){
        .width = 63, .physical_width = 52, .leaf_levels = 0xFF, .coherent = true};
    iommu->domain_ids = UINT32_MAX;
    iommu->pass_through = true;
    iommu->format = NULL;
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        const struct iommu_unit *unit = &iommu->units[i];

        if (unit->state == UNIT_FAILED)
            continue;
        if (iommu->format && iommu->format != unit->ops->format)
            return false;
        iommu->format = unit->ops->format;
        levels &= unit->caps.levels;
        common->width = lower(common->width, unit->caps.width);
        common->physical_width = lower(common->physical_width, unit->caps.physical_width);
        common->leaf_levels &= unit->caps.leaf_levels;
        common->coherent &= unit->caps.coherent;
        iommu->pass_through &= unit->caps.pass_through;
        if (unit->caps.domain_ids < iommu->domain_ids)
            iommu->domain_ids = unit->caps.domain_ids;
    }
    iommu->levels = (uint8_t)levels;
    *common = iommu_geometry(iommu, common->width);
    return iommu->format && common->levels;
}

static void probe_all(struct iommu *iommu)
{
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *unit = &iommu->units[i];

        if (unit->ops->probe(unit))
            continue;
        unit->state = UNIT_FAILED;
        log_write(LOG_ERROR, unit->name, "unit at 0x%llx cannot be used: %s",
                  (unsigned long long)unit->base, unit->reason);
    }
}

static void enable_all(struct iommu *iommu)
{
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *unit = &iommu->units[i];

        if (unit->state == UNIT_FAILED)
            continue;
        if (unit->ops->enable(unit)) {
            unit->state = UNIT_ACTIVE;
            continue;
        }
        unit->state = UNIT_FAILED;
        log_write(LOG_ERROR, unit->name, "translation is not on: %s", unit->reason);
    }
}

static const char *find_reason(const struct iommu *iommu)
{
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (iommu->units[i].state != UNIT_ACTIVE)
            return iommu->units[i].reason;
    if (!iommu->format)
        return "the units have no table format and depth in common";
    for (unsigned i = 0; i < iommu->pci->count; i++)
        if (!iommu_guards(iommu, (uint16_t)i))
            return "some functions are behind no unit";
    if (iommu->incomplete)
        return "firmware's tables may leave a unit or a device out";
    return NULL;
}

/* What the endpoints of a group demand, the group demands: they cannot be kept apart. */
static void gather_demands(struct iommu *iommu)
{
    for (unsigned i = 0; i < iommu->pci->count; i++) {
        struct iommu_group *own = &iommu->groups[i];
        struct iommu_group *group = &iommu->groups[iommu->pci->functions[i].group_leader];

        for (unsigned n = 0; n < iommu->region_count && own != group; n++) {
            group->rights[n] |= own->rights[n];
            own->rights[n] = PT_NONE;
        }
    }
}

/* A region that no table can map is not granted. */
static void drop_far_regions(struct iommu *iommu)
{
    uint8_t width = lower(iommu->geometry.width, iommu->geometry.physical_width);

    for (unsigned n = iommu->special_count; n < iommu->region_count; n++) {
        const struct iommu_region *region = &iommu->regions[n];

        if (!(region->last >> width))
            continue;
        log_write(LOG_WARNING, "iommu", "region 0x%llx-0x%llx is beyond %u bits: not granted",
                  (unsigned long long)region->first, (unsigned long long)region->last, width);
        for (unsigned i = 0; i < iommu->pci->count; i++)
            iommu->groups[i].rights[n] = PT_NONE;
    }
}

/* Default deny needs no table, so it comes even where the units have no table in common. */
void iommu_enable(struct iommu *iommu)
{
    gather_demands(iommu);
    probe_all(iommu);
    if (intersect(iommu))
        drop_far_regions(iommu);
    else
        iommu->format = NULL;
    enable_all(iommu);
    if (iommu->format)
        iommu_quarantine_all(iommu);
    if (iommu->unit_count)
        iommu->reason = find_reason(iommu);
}

bool iommu_covered(const struct iommu *iommu, uint16_t endpoint)
{
    uint16_t unit = iommu->endpoints[endpoint].unit;

    return unit != PCI_NONE && iommu->units[unit].state == UNIT_ACTIVE;
}

bool iommu_guards(const struct iommu *iommu, uint16_t endpoint)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];
    uint32_t class = function->class_code >> 8;
    bool named = iommu->endpoints[endpoint].unit != PCI_NONE;

    return iommu_covered(iommu, endpoint) ||
           (!named && function->parent == PCI_NONE &&
            (class == PCI_CLASS_HOST_BRIDGE || class == PCI_CLASS_IOMMU));
}

enum iommu_state iommu_state(const struct iommu *iommu)
{
    unsigned active = 0;

    if (!iommu->unit_count)
        return iommu->announced ? IOMMU_STATE_FAILED : IOMMU_ABSENT;
    for (unsigned i = 0; i < iommu->unit_count; i++)
        active += iommu->units[i].state == UNIT_ACTIVE;
    if (!active)
        return IOMMU_STATE_FAILED;
    return active == iommu->unit_count && !find_reason(iommu) ? IOMMU_ACTIVE : IOMMU_PARTIAL;
}

void iommu_bind(struct iommu *iommu, uint16_t endpoint, owner_t owner)
{
    gate_enter(&iommu->gate);
    iommu->endpoints[endpoint].owner = owner;
    gate_leave(&iommu->gate);
}

/* Under the lock of bus mastering. */
static void stop_devices(const struct iommu *iommu, uint16_t index)
{
    for (unsigned i = 0; i < iommu->pci->count; i++)
        if (iommu->endpoints[i].unit == index && !pci_is_bridge(&iommu->pci->functions[i]))
            pci_set_bus_master(&iommu->pci->functions[i], false);
}

/* A bridge forwards requests and message interrupts upstream only while it masters the bus itself
 * (PCI-to-PCI Bridge Architecture Specification, "Command Register"). */
void iommu_let_master(struct iommu *iommu, uint16_t endpoint)
{
    lock_take(&iommu->master_lock);
    if (iommu_covered(iommu, endpoint))
        for (uint16_t i = endpoint; i != PCI_NONE; i = iommu->pci->functions[i].parent)
            pci_set_bus_master(&iommu->pci->functions[i], true);
    lock_give(&iommu->master_lock);
}

void iommu_poison(struct iommu *iommu, struct iommu_unit *unit)
{
    uint16_t index = (uint16_t)(unit - iommu->units);

    lock_take(&iommu->master_lock);
    if (atomic_exchange(&unit->state, UNIT_POISONED) == UNIT_POISONED) {
        lock_give(&iommu->master_lock);
        return;
    }
    if (!unit->reason)
        unit->reason = "it did not complete a command";
    iommu->reason = unit->reason;
    stop_devices(iommu, index);
    lock_give(&iommu->master_lock);
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        if (iommu->domains[i].units >> index & 1)
            iommu_poison_domain(&iommu->domains[i]);
    log_write(LOG_ERROR, unit->name, "poisoned: %s; the devices behind it are stopped",
              unit->reason);
}
