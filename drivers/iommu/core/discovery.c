/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/core/state.h"
#include "lib/log.h"

#include <stdio.h>

/* What firmware's tables say: which units there are, who stands behind them, what is demanded. */

static const char *refuse_unit(const struct iommu *iommu, const struct iommu_unit *unit)
{
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (iommu->units[i].base == unit->base)
            return "its registers are those of another unit";
    return iommu->unit_count == IOMMU_UNITS_MAX ? "too many units" : NULL;
}

struct iommu_unit *iommu_add_unit(struct iommu *iommu, const struct iommu_unit *unit)
{
    const char *refusal = refuse_unit(iommu, unit);

    if (refusal) {
        log_write(LOG_WARNING, "iommu", "%s unit at 0x%llx left out: %s", unit->name,
                  (unsigned long long)unit->base, refusal);
        iommu->incomplete = true;
        return NULL;
    }
    struct iommu_unit *added = &iommu->units[iommu->unit_count];
    *added = *unit;
    snprintf(added->name, sizeof added->name, "%.5s%u", unit->name, iommu->unit_count++);
    added->state = UNIT_FOUND;
    return added;
}

void iommu_cover(struct iommu *iommu, uint16_t endpoint, const struct iommu_unit *unit)
{
    uint16_t index = (uint16_t)(unit - iommu->units);
    unsigned i;

    for (i = iommu_next_requester(iommu, endpoint, 0); i < iommu->requester_count;
         i = iommu_next_requester(iommu, endpoint, i + 1)) {
        if (iommu->requesters[i].unit != PCI_NONE && iommu->requesters[i].unit != index) {
            iommu->incomplete = true;
            return;
        }
    }
    iommu->endpoints[endpoint].unit = index;
    for (i = iommu_next_requester(iommu, endpoint, 0); i < iommu->requester_count;
         i = iommu_next_requester(iommu, endpoint, i + 1))
        iommu->requesters[i].unit = index;
}

void iommu_cover_all(struct iommu *iommu, const struct iommu_unit_ops *ops, iommu_unit_finder find,
                     const void *table)
{
    uint64_t base;

    for (uint16_t i = 0; i < iommu->pci->count; i++) {
        if (!find(table, iommu, i, &base))
            continue;
        for (unsigned n = 0; n < iommu->unit_count; n++)
            if (iommu->units[n].ops == ops && iommu->units[n].base == base)
                iommu_cover(iommu, i, &iommu->units[n]);
    }
}

/* True for the registers of a unit and for configuration space: no device may reach those. */
static bool is_guarded(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (first < iommu->units[i].base + iommu->units[i].length && last >= iommu->units[i].base)
            return true;
    for (unsigned i = 0; i < iommu->pci->ecam.count; i++) {
        const struct pci_ecam_range *range = &iommu->pci->ecam.ranges[i];
        uint64_t begin = range->base + ((uint64_t)range->first_bus << 20);
        uint64_t end = range->base + (((uint64_t)range->last_bus + 1) << 20);

        if (first < end && last >= begin)
            return true;
    }
    return false;
}

static const char *refuse_region(const struct iommu *iommu, uint64_t first, uint64_t last)
{
    if (first > last || first & (PT_PAGE_SIZE - 1) || (last + 1) & (PT_PAGE_SIZE - 1))
        return "it is not made of whole pages";
    if (first <= IOMMU_INTERRUPT_LAST && last >= IOMMU_INTERRUPT_FIRST)
        return "it covers the interrupt window";
    if (memory_overlaps_image(first, last))
        return "it covers memory of this image";
    if (is_guarded(iommu, first, last))
        return "it covers registers of a unit or configuration space";
    for (unsigned i = 0; i < iommu->region_count; i++)
        if (first <= iommu->regions[i].last && last >= iommu->regions[i].first)
            return "it overlaps another region";
    if (iommu->region_count == IOMMU_REGIONS_MAX)
        return "there are too many regions";
    return memory_withhold(first, last) ? NULL : "its memory is in use";
}

void iommu_add_special(struct iommu *iommu, uint64_t first, uint64_t last)
{
    iommu->regions[iommu->region_count++] = (struct iommu_region){first, last};
    iommu->special_count = iommu->region_count;
}

static bool find_region(const struct iommu *iommu, uint64_t first, uint64_t last, unsigned *index)
{
    for (unsigned i = iommu->special_count; i < iommu->region_count; i++) {
        *index = i;
        if (iommu->regions[i].first == first && iommu->regions[i].last == last)
            return true;
    }
    return false;
}

/* The region of a demand, added when it is new; a reason when it cannot be. */
static const char *take_region(struct iommu *iommu, const struct iommu_demand *demand,
                               unsigned *index)
{
    const char *refusal = NULL;

    if (demand->permission == PT_NONE)
        return "it asks for no access";
    if (find_region(iommu, demand->first, demand->last, index))
        return NULL;
    refusal = refuse_region(iommu, demand->first, demand->last);
    if (refusal)
        return refusal;
    *index = iommu->region_count++;
    iommu->regions[*index] = (struct iommu_region){demand->first, demand->last};
    return NULL;
}

static void tell(const struct iommu *iommu, const struct iommu_demand *demand, uint16_t endpoint,
                 unsigned more, const char *refusal)
{
    const struct pci_function *function = &iommu->pci->functions[endpoint];
    char name[PCI_NAME_LENGTH], others[32] = "";

    if (more)
        snprintf(others, sizeof others, " and %u more", more);
    log_write(refusal ? LOG_WARNING : LOG_NOTICE, "iommu",
              "region 0x%llx-0x%llx (%s) demanded by %s at offset %u for %s%s%s%s",
              (unsigned long long)demand->first, (unsigned long long)demand->last,
              iommu_rights(demand->permission), demand->record, (unsigned)demand->offset,
              pci_name(function->segment, function->bdf, name), others,
              refusal ? ": refused, " : "", refusal ? refusal : "");
}

void iommu_demand_region(struct iommu *iommu, const struct iommu_demand *demand,
                         iommu_chooser applies, const void *context)
{
    const char *refusal = NULL;
    uint16_t first = PCI_NONE;
    unsigned region = 0, count = 0;

    for (uint16_t i = 0; i < iommu->pci->count; i++) {
        if (!applies(context, iommu, i))
            continue;
        if (!count++) {
            first = i;
            refusal = take_region(iommu, demand, &region);
        }
        if (!refusal)
            iommu->groups[i].rights[region] |= (uint8_t)demand->permission;
    }
    if (count)
        tell(iommu, demand, first, count - 1, refusal);
    else
        log_write(LOG_INFO, "iommu",
                  "%s at offset %u demands 0x%llx-0x%llx for functions that are not there",
                  demand->record, (unsigned)demand->offset, (unsigned long long)demand->first,
                  (unsigned long long)demand->last);
}
