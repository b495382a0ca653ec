/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* IVRS: every block and entry lies in the table, every count within its array, every flaw is told;
 * a DeviceID gets a unit that counts, can be used and names it, or none. */
#include "fuzz.h"

#include "drivers/iommu/amdvi/ivrs.h"

#define LINES_MAX (2 * 34 + ACPI_UNKNOWN_MAX) /* of the table, and of IOAPICs */

static struct ivrs ivrs;
static const struct acpi_madt madt = {.io_apics = {{.id = 0}, {.id = 9}}, .io_apic_count = 2};

static void judge_record(const struct acpi_table *table, const struct ivrs_record *record)
{
    HOLDS(record->offset >= ACPI_RECORDS_START && record->length >= 24);
    HOLDS(acpi_has(table, record->offset, record->length));
    HOLDS(!record->flaws || ivrs.found.skipped + ivrs.found.flawed != 0);
}

static void judge_entry(const struct ivrs_ivhd *ivhd, const struct ivrs_entry *entry)
{
    HOLDS(entry->offset >= ivhd->record.offset + 24);
    HOLDS(entry->offset + 4 <= ivhd->record.offset + ivhd->record.length);
    HOLDS(entry->type != IVRS_ACPI_HID || entry->hid < ivrs.hid_count);
    HOLDS(entry->type <= IVRS_ACPI_HID);
}

static void judge_blocks(const struct acpi_table *table)
{
    HOLDS(ivrs.ivhd_count <= IVRS_RECORDS_MAX && ivrs.ivmd_count <= IVRS_RECORDS_MAX);
    HOLDS(ivrs.entry_count <= IVRS_ENTRIES_MAX && ivrs.hid_count <= IVRS_HIDS_MAX);
    for (unsigned i = 0; i < ivrs.ivhd_count; i++) {
        const struct ivrs_ivhd *ivhd = &ivrs.ivhds[i];

        judge_record(table, &ivhd->record);
        HOLDS(ivhd->unit < ivrs.ivhd_count && ivrs_is_unit(&ivrs, ivhd->unit));
        HOLDS(ivrs.ivhds[ivhd->unit].type >= ivhd->type);
        HOLDS(ivhd->first_entry + ivhd->entry_count <= (int)ivrs.entry_count);
        for (unsigned n = 0; n < ivhd->entry_count; n++)
            judge_entry(ivhd, &ivrs.entries[ivhd->first_entry + n]);
    }
    for (unsigned i = 0; i < ivrs.ivmd_count; i++) {
        const struct ivrs_ivmd *ivmd = &ivrs.ivmds[i];

        judge_record(table, &ivmd->record);
        HOLDS(ivmd->record.flaws & IVRS_BAD_RANGE ||
              (ivmd->base <= ivmd->start && ivmd->start + ivmd->length - 1 <= ivmd->limit &&
               ivmd->base % 4096 == 0 && ivmd->limit % 4096 == 4095));
        HOLDS(!ivrs_ivmd_applies(ivmd, ivmd->segment, ivmd->first) ==
              ((ivmd->record.flaws & IVRS_BAD_RANGE) != 0));
    }
}

static bool names(const struct ivrs_ivhd *ivhd, uint16_t device_id)
{
    for (unsigned n = 0; n < ivhd->entry_count; n++) {
        const struct ivrs_entry *entry = &ivrs.entries[ivhd->first_entry + n];

        if (entry->first <= device_id && device_id <= entry->last)
            return true;
    }
    return false;
}

static void judge_lookup(uint16_t segment, uint16_t device_id)
{
    struct ivrs_device device = ivrs_device(&ivrs, segment, device_id);

    HOLDS(device.unit >= -1 && device.unit < (int)ivrs.ivhd_count);
    if (device.unit < 0)
        return;
    const struct ivrs_ivhd *ivhd = &ivrs.ivhds[device.unit];
    HOLDS(ivrs_is_unit(&ivrs, (unsigned)device.unit) && !(ivhd->record.flaws & IVRS_UNUSABLE));
    HOLDS(ivhd->segment == segment && ivhd->base % 16384 == 0 && names(ivhd, device_id));
}

/* The ends of what the first entries speak of, and what is beside them. */
static void judge_lookups(void)
{
    for (unsigned i = 0; i < ivrs.ivhd_count && i < 4; i++) {
        const struct ivrs_ivhd *ivhd = &ivrs.ivhds[i];

        judge_lookup(ivhd->segment, 0);
        judge_lookup(ivhd->segment, UINT16_MAX);
        for (unsigned n = 0; n < ivhd->entry_count && n < 4; n++) {
            const struct ivrs_entry *entry = &ivrs.entries[ivhd->first_entry + n];

            judge_lookup(ivhd->segment, entry->first);
            judge_lookup(ivhd->segment, entry->last);
            judge_lookup(ivhd->segment, (uint16_t)(entry->last + 1));
        }
    }
}

static void judge_specials(void)
{
    static const struct ivrs_override given = {IVRS_HPET, 3, 7, 0x1234};
    uint16_t segment = 0, device_id = 0;

    HOLDS(ivrs_special(&ivrs, IVRS_HPET, 3, &given, 1, &segment, &device_id));
    HOLDS(segment == 7 && device_id == 0x1234);
    bool known = ivrs_io_apics_known(&ivrs, &madt, &given, 1);
    for (unsigned i = 0; i < madt.io_apic_count; i++) {
        bool found =
            ivrs_special(&ivrs, IVRS_IOAPIC, madt.io_apics[i].id, NULL, 0, &segment, &device_id);

        HOLDS(found || !known);
    }
}

void fuzz_one(struct input input)
{
    struct acpi_table table = input_table(&input);
    bool read = ivrs_read(&table, &ivrs);

    HOLDS(read ==
          (acpi_has(&table, 0, ACPI_RECORDS_START) && acpi_u32(&table, 4) >= ACPI_RECORDS_START));
    HOLDS((ivrs.found.skipped + ivrs.found.flawed != 0) == (ivrs.found.reason[0] != '\0'));
    judge_blocks(&table);
    judge_lookups();
    judge_specials();
    HOLDS(fuzz_log_lines() <= LINES_MAX);
}
