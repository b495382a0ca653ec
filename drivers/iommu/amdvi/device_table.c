/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "arch/table.h"
#include "drivers/iommu/amdvi/amdvi.h"

/* What firmware demands for a device whatever its state: system management messages and interrupts
 * that are no MSIs. */
#define KEPT_MEMORY     (UINT64_C(3) << DTE_SYS_MGT_SHIFT)
#define KEPT_INTERRUPTS (UINT64_C(7) << DTE_PASS_SHIFT | UINT64_C(3) << DTE_LINT_SHIFT)

/*
 * Blocked: valid, every right withheld, MSIs aborted. V clear would let everything pass, and so
 * would TV clear or Mode 0 for units that look at no more than that: the table is one without
 * entries. Its rights are withheld at the root too.
 */
static uint64_t blocked_memory(const struct iommu_unit *unit)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;
    unsigned deepest = 31 - (unsigned)__builtin_clz(unit->caps.levels);

    return amdvi->blocked_root | DTE_V | DTE_TV | (uint64_t)deepest << DTE_MODE_SHIFT;
}

static uint64_t bound_memory(const struct iommu_binding *binding)
{
    uint64_t entry = DTE_V | DTE_TV | DTE_IR | DTE_IW;

    return binding->pass_through
               ? entry
               : entry | binding->root | (uint64_t)binding->levels << DTE_MODE_SHIFT;
}

/* A unit reads each half at once. The halves say different things: each is right by itself. */
static void store_memory(struct amdvi_device_entry *entry, uint64_t low, uint16_t domain_id)
{
    table_store128(entry->memory, low, (table_load64(&entry->memory[1]) & KEPT_MEMORY) | domain_id);
}

static void store_interrupts(struct amdvi_device_entry *entry, uint64_t low)
{
    table_store128(entry->interrupts, (table_load64(&entry->interrupts[0]) & KEPT_INTERRUPTS) | low,
                   0);
}

/* ---- Before the unit sees it ---- */

static void raise_to(uint32_t *count, uint32_t id)
{
    if (*count <= id)
        *count = id + 1;
}

/* DeviceIDs up to the end of the last bus that IVRS or the inventory knows of. */
static uint32_t count_devices(const struct iommu_unit *unit)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;
    const struct ivrs_ivhd *ivhd = &amdvi->ivrs->ivhds[amdvi->ivhd];
    uint32_t count = 0;

    for (unsigned i = 0; i < ivhd->entry_count; i++) {
        const struct ivrs_entry *entry = &amdvi->ivrs->entries[ivhd->first_entry + i];

        if (entry->first <= entry->last)
            raise_to(&count, entry->last);
        raise_to(&count, entry->source_id);
    }
    for (unsigned i = 0; i < amdvi->iommu->requester_count; i++)
        if (amdvi->iommu->requesters[i].segment == unit->segment)
            raise_to(&count, amdvi->iommu->requesters[i].id);
    return (count + 255) / 256 * 256;
}

/* Several entries may speak of one DeviceID: a special device sends under that of a function. */
static void keep(struct amdvi_unit *amdvi, uint16_t device_id, uint8_t setting)
{
    struct amdvi_device_entry *entry = &amdvi->devices[device_id];
    uint64_t memory = SETTING_SYS_MGT(setting) << DTE_SYS_MGT_SHIFT;
    uint64_t interrupts = SETTING_PASS(setting) << DTE_PASS_SHIFT | SETTING_LINT(setting)
                                                                        << DTE_LINT_SHIFT;

    table_store64(&entry->memory[1], table_load64(&entry->memory[1]) | memory);
    table_store64(&entry->interrupts[0], table_load64(&entry->interrupts[0]) | interrupts);
}

/* For every requester, and for special devices, which are no functions. */
static void keep_settings(const struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    const struct ivrs_ivhd *ivhd = &amdvi->ivrs->ivhds[amdvi->ivhd];

    for (unsigned i = 0; i < ivhd->entry_count; i++) {
        const struct ivrs_entry *entry = &amdvi->ivrs->entries[ivhd->first_entry + i];

        if (entry->type == IVRS_SPECIAL && !(entry->flaws & IVRS_CONFLICT))
            keep(amdvi, entry->source_id, entry->setting);
    }
    for (unsigned i = 0; i < amdvi->iommu->requester_count; i++) {
        const struct iommu_requester *requester = &amdvi->iommu->requesters[i];

        if (requester->unit == unit - amdvi->iommu->units)
            keep(amdvi, requester->id,
                 ivrs_device(amdvi->ivrs, unit->segment, requester->id).setting);
    }
}

bool amdvi_table_create(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    void *empty = memory_alloc(OWNER_IOMMU, 1, 0);

    amdvi->device_count = count_devices(unit);
    amdvi->devices = memory_alloc(OWNER_IOMMU, amdvi->device_count / AMDVI_ENTRIES_PER_PAGE, 0);
    if (!empty || !amdvi->devices)
        return false;
    amdvi->blocked_root = memory_physical(empty);
    for (uint32_t i = 0; i < amdvi->device_count; i++) {
        table_store64(&amdvi->devices[i].memory[0], blocked_memory(unit));
        table_store64(&amdvi->devices[i].interrupts[0], DTE_IV);
    }
    keep_settings(unit);
    return true;
}

/* ---- Live entries ---- */

/* Forgets the entry, and what was translated by it or for its domain id before. */
static bool forget(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id)
{
    const struct amdvi_command batch[] = {amdvi_device_command(requester),
                                          amdvi_domain_command(domain_id)};

    return amdvi_submit(unit, batch, 2);
}

static void block(struct iommu_unit *unit, struct amdvi_device_entry *entry)
{
    store_memory(entry, blocked_memory(unit), 0);
    store_interrupts(entry, DTE_IV);
}

/* The table holds every requester that core knows: memory is never short. */
bool amdvi_attach(struct iommu_unit *unit, pci_bdf_t requester, const struct iommu_binding *binding,
                  bool *no_memory)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    struct amdvi_device_entry *entry = &amdvi->devices[requester];

    *no_memory = false;
    store_interrupts(entry, 0);
    store_memory(entry, bound_memory(binding), binding->domain_id);
    if (forget(unit, requester, binding->domain_id))
        return true;
    block(unit, entry);
    return false;
}

bool amdvi_block(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    block(unit, &amdvi->devices[requester]);
    return forget(unit, requester, domain_id);
}
