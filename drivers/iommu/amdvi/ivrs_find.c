/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/amdvi/ivrs.h"

#include <stdio.h>

bool ivrs_is_unit(const struct ivrs *ivrs, unsigned ivhd)
{
    return ivhd < ivrs->ivhd_count && ivrs->ivhds[ivhd].unit == ivhd;
}

static bool holds(const struct ivrs_entry *entry, uint16_t device_id)
{
    return entry->first <= device_id && device_id <= entry->last;
}

static bool is_alias(const struct ivrs_entry *entry)
{
    return entry->type == IVRS_ALIAS_SELECT || entry->type == IVRS_ALIAS_START;
}

/* The smallest range of the unit that holds the DeviceID, of equal ones the later. */
static const struct ivrs_entry *smallest(const struct ivrs *ivrs, const struct ivrs_ivhd *unit,
                                         uint16_t device_id)
{
    const struct ivrs_entry *found = NULL;

    for (unsigned i = 0; i < unit->entry_count; i++) {
        const struct ivrs_entry *entry = &ivrs->entries[unit->first_entry + i];

        if (holds(entry, device_id) &&
            (!found || entry->last - entry->first <= found->last - found->first))
            found = entry;
    }
    return found;
}

static uint16_t requester_of(const struct ivrs *ivrs, const struct ivrs_ivhd *unit,
                             uint16_t device_id)
{
    for (unsigned i = unit->entry_count; i-- > 0;) {
        const struct ivrs_entry *entry = &ivrs->entries[unit->first_entry + i];

        if (is_alias(entry) && holds(entry, device_id))
            return entry->source_id;
    }
    return device_id;
}

struct ivrs_device ivrs_device(const struct ivrs *ivrs, uint16_t segment, uint16_t device_id)
{
    struct ivrs_device device = {.unit = -1, .requester = device_id};
    const struct ivrs_entry *best = NULL;

    for (unsigned i = 0; i < ivrs->ivhd_count; i++) {
        const struct ivrs_ivhd *unit = &ivrs->ivhds[i];
        const struct ivrs_entry *entry;

        if (!ivrs_is_unit(ivrs, i) || unit->segment != segment)
            continue;
        entry = smallest(ivrs, unit, device_id);
        if (!entry || (best && entry->last - entry->first > best->last - best->first))
            continue;
        device.unit = unit->record.flaws & IVRS_UNUSABLE ? -1 : (int)i;
        if (best && entry->last - entry->first == best->last - best->first)
            device.unit = -1;
        device.requester = requester_of(ivrs, unit, device_id);
        device.setting = entry->setting;
        device.extended = entry->extended;
        best = entry;
    }
    return device;
}

static const struct ivrs_override *overridden(enum ivrs_variety variety, uint8_t handle,
                                              const struct ivrs_override *overrides, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (overrides[i].variety == variety && overrides[i].handle == handle)
            return &overrides[i];
    return NULL;
}

bool ivrs_special(const struct ivrs *ivrs, enum ivrs_variety variety, uint8_t handle,
                  const struct ivrs_override *overrides, unsigned count, uint16_t *segment,
                  uint16_t *device_id)
{
    const struct ivrs_override *given = overridden(variety, handle, overrides, count);
    bool found = false;

    if (given) {
        *segment = given->segment;
        *device_id = given->device_id;
        return true;
    }
    for (unsigned i = 0; i < ivrs->ivhd_count; i++) {
        const struct ivrs_ivhd *unit = &ivrs->ivhds[i];

        for (unsigned n = 0; ivrs_is_unit(ivrs, i) && n < unit->entry_count; n++) {
            const struct ivrs_entry *entry = &ivrs->entries[unit->first_entry + n];

            if (entry->type != IVRS_SPECIAL || entry->variety != variety || entry->handle != handle)
                continue;
            if (entry->flaws & IVRS_CONFLICT)
                return false;
            *segment = unit->segment;
            *device_id = entry->source_id;
            found = true;
        }
    }
    return found;
}

static bool has_io_apic(const struct acpi_madt *madt, uint8_t id)
{
    for (unsigned i = 0; i < madt->io_apic_count; i++)
        if (madt->io_apics[i].id == id)
            return true;
    return false;
}

bool ivrs_io_apics_known(const struct ivrs *ivrs, const struct acpi_madt *madt,
                         const struct ivrs_override *overrides, unsigned count)
{
    char text[ACPI_REASON_LENGTH];
    unsigned lines = 0;
    bool known = true;

    for (unsigned i = 0; i < madt->io_apic_count; i++) {
        uint16_t segment, device_id;

        if (ivrs_special(ivrs, IVRS_IOAPIC, madt->io_apics[i].id, overrides, count, &segment,
                         &device_id))
            continue;
        known = false;
        snprintf(text, sizeof(text), "IVRS: IOAPIC %u of MADT has no one DeviceID",
                 madt->io_apics[i].id);
        acpi_say("IVRS", lines++, text);
    }
    for (unsigned i = 0; i < ivrs->ivhd_count; i++)
        for (unsigned n = 0; ivrs_is_unit(ivrs, i) && n < ivrs->ivhds[i].entry_count; n++) {
            const struct ivrs_entry *entry = &ivrs->entries[ivrs->ivhds[i].first_entry + n];

            if (entry->type != IVRS_SPECIAL || entry->variety != IVRS_IOAPIC ||
                has_io_apic(madt, entry->handle))
                continue;
            snprintf(text, sizeof(text), "IVRS at offset %u: no IOAPIC of MADT has id %u",
                     (unsigned)entry->offset, entry->handle);
            acpi_say("IVRS", lines++, text);
        }
    return known;
}

bool ivrs_ivmd_applies(const struct ivrs_ivmd *ivmd, uint16_t segment, uint16_t device_id)
{
    return !(ivmd->record.flaws & IVRS_BAD_RANGE) && ivmd->segment == segment &&
           ivmd->first <= device_id && device_id <= ivmd->last;
}
