/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/state.h"

/* Who may pass untranslated, and what is told upward. */

enum iommu_status iommu_may_pass(const struct iommu *iommu)
{
    if (!iommu->pass_through)
        return IOMMU_INCOMPATIBLE;
    return iommu->guard == IOMMU_GUARD_ALLOW ? IOMMU_OK : IOMMU_BARRED;
}

void iommu_set_guard(struct iommu *iommu, enum iommu_guard guard)
{
    gate_enter(&iommu->gate);
    bool changed = atomic_exchange(&iommu->guard, guard) != guard;
    gate_leave(&iommu->gate);
    if (changed && iommu->events)
        iommu->events->guard(iommu);
}

unsigned iommu_available_types(struct iommu *iommu, owner_t owner, iommu_ref_t ref)
{
    unsigned types = 0;

    gate_enter(&iommu->gate);
    const struct iommu_device *device = iommu_device_at(iommu, owner, ref);
    if (device && iommu->format && iommu_covered(iommu, device->endpoint))
        types = 1u << IOMMU_TRANSLATE | 1u << IOMMU_UNMANAGED;
    if (types && iommu_may_pass(iommu) == IOMMU_OK)
        types |= 1u << IOMMU_PASS_THROUGH;
    gate_leave(&iommu->gate);
    return types;
}

void iommu_report_fault(struct iommu *iommu, const struct iommu_fault *fault)
{
    if (iommu->events)
        iommu->events->fault(iommu, fault);
}

/* Units that tell no entry that is not there from one without the right: the table knows, as long
 * as the mapping has not changed since. Under the gate. */
static void refine(struct iommu *iommu, struct iommu_fault *fault)
{
    const struct iommu_group *group =
        &iommu->groups[iommu->pci->functions[fault->endpoint].group_leader];
    uint16_t index = group->attached ? group->domain : group->quarantine;
    struct pt_walk walk;

    fault->kind = IOMMU_FAULT_TRANSLATION;
    if (index == PCI_NONE || iommu->domains[index].type == IOMMU_PASS_THROUGH)
        return;
    struct iommu_domain *domain = &iommu->domains[index];
    lock_take(&domain->lock);
    pt_walk(&domain->table, fault->address, &walk);
    lock_give(&domain->lock);
    if (walk.leaf_level)
        fault->kind = IOMMU_FAULT_PERMISSION;
}

uint16_t iommu_sender(const struct iommu *iommu, uint16_t segment, pci_bdf_t id)
{
    for (uint16_t i = 0; i < iommu->pci->count; i++)
        if (iommu_sends_as(iommu, i, segment, id))
            return i;
    return PCI_NONE;
}

static void attribute(struct iommu *iommu, struct iommu_fault *fault)
{
    fault->endpoint = iommu_sender(iommu, fault->segment, fault->requester);
    if (fault->endpoint == PCI_NONE || fault->kind != IOMMU_FAULT_PERMISSION)
        return;
    gate_enter(&iommu->gate);
    refine(iommu, fault);
    gate_leave(&iommu->gate);
}

static void keep(struct iommu *iommu, const struct iommu_fault *fault)
{
    struct iommu_fault_log *log =
        &iommu->faults[fault->endpoint == PCI_NONE ? PCI_FUNCTIONS_MAX : fault->endpoint];

    log->last[log->count++ % IOMMU_FAULTS_KEPT] =
        (struct iommu_fault_record){.address = fault->address,
                                    .reason_text = fault->reason_text,
                                    .reason = fault->reason,
                                    .segment = fault->segment,
                                    .requester = fault->requester,
                                    .write = fault->write};
}

unsigned iommu_drain_faults(struct iommu *iommu, struct iommu_fault *faults, unsigned max)
{
    unsigned count = 0;

    iommu->drain_first++;
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *unit = &iommu->units[(iommu->drain_first + i) % iommu->unit_count];

        if (unit->state != UNIT_ACTIVE)
            continue;
        unsigned taken = unit->ops->drain(unit, &faults[count], max - count);
        for (unsigned n = 0; n < taken; n++)
            faults[count + n].unit_base = unit->base;
        unit->faults += taken;
        count += taken;
    }
    for (unsigned n = 0; n < count; n++) {
        attribute(iommu, &faults[n]);
        keep(iommu, &faults[n]);
    }
    return count;
}
