/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "arch/table.h"
#include "drivers/iommu/vtd/vtd.h"

/* Stores one word of a live entry so that a walk sees it before whatever is stored next. */
static void publish(const struct vtd_unit *vtd, uint64_t *word, uint64_t value)
{
    table_store64(word, value);
    if (!(vtd->ecap & 1))
        table_write_back(word, sizeof *word);
}

/* The context entry of a requester; NULL while its bus has no context table. */
static struct vtd_entry *context_entry(const struct vtd_unit *vtd, pci_bdf_t requester)
{
    uint64_t low = table_load64(&vtd->root[PCI_BUS(requester)].low);
    struct vtd_entry *table = low & ENTRY_P ? memory_virtual(low & ENTRY_ADDRESS) : NULL;

    return table ? &table[requester & 0xFF] : NULL;
}

static struct vtd_entry *make_context_entry(struct vtd_unit *vtd, pci_bdf_t requester)
{
    struct vtd_entry *entry = context_entry(vtd, requester);

    if (entry)
        return entry;
    struct vtd_entry *table = memory_alloc(OWNER_IOMMU, 1, 0);
    if (!table)
        return NULL;
    table_write_back(table, 4096);
    publish(vtd, &vtd->root[PCI_BUS(requester)].low, memory_physical(table) | ENTRY_P);
    return &table[requester & 0xFF];
}

static struct vtd_entry new_entry(const struct iommu_unit *unit,
                                  const struct iommu_binding *binding)
{
    uint8_t deepest = (uint8_t)(31 - __builtin_clz(unit->caps.levels));

    if (binding->pass_through)
        return (struct vtd_entry){CONTEXT_TT_PASS | ENTRY_P,
                                  vtd_context_high(binding->domain_id, deepest)};
    return (struct vtd_entry){binding->root | ENTRY_P,
                              vtd_context_high(binding->domain_id, binding->levels)};
}

/*
 * Blocked to present. The invalidation drops a not-present entry that may be cached ("Caching
 * Mode": with domain id 0, so only the global one reaches it) and flushes write buffers.
 */
bool vtd_attach(struct iommu_unit *unit, pci_bdf_t requester, const struct iommu_binding *binding,
                bool *no_memory)
{
    struct vtd_unit *vtd = unit->vendor_state;
    struct vtd_entry *entry = make_context_entry(vtd, requester);
    struct vtd_descriptor batch[] = {
        vtd_context_descriptor(unit->caps.flush_on_map ? VTD_GLOBAL : VTD_SELECTIVE, 0,
                               unit->caps.flush_on_map ? 0 : requester),
        vtd_iotlb_descriptor(vtd, VTD_DOMAIN, binding->domain_id),
    };

    *no_memory = !entry;
    if (!entry)
        return false;
    const struct vtd_entry fresh = new_entry(unit, binding);
    publish(vtd, &entry->high, fresh.high);
    publish(vtd, &entry->low, fresh.low);
    if (vtd_submit(vtd, batch, 2))
        return true;
    publish(vtd, &entry->low, 0);
    return false;
}

/* Present off alone, invalidate and wait, then the rest ("Guidance to Software for Invalidations").
 */
bool vtd_block(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id)
{
    struct vtd_unit *vtd = unit->vendor_state;
    struct vtd_entry *entry = context_entry(vtd, requester);
    struct vtd_descriptor batch[] = {
        vtd_context_descriptor(VTD_SELECTIVE, domain_id, requester),
        vtd_iotlb_descriptor(vtd, VTD_DOMAIN, domain_id),
    };

    if (!entry)
        return true;
    publish(vtd, &entry->low, table_load64(&entry->low) & ~ENTRY_P);
    if (!vtd_submit(vtd, batch, 2))
        return false;
    publish(vtd, &entry->low, 0);
    publish(vtd, &entry->high, 0);
    return true;
}
