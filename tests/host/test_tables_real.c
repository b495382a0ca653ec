/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * DMAR and IVRS tables of real machines: the known faults of some are noticed, and any cut and any
 * changed byte is survived. tests/qemu/acpi_tables.py compares them field by field. The tables are
 * in the folder that BULKHEAD_ACPI_TABLES names; without them this is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/iommu/amdvi/ivrs.h"
#include "drivers/iommu/vtd/dmar.h"
#include "table_fixture.h"

#include <stdio.h>

static struct dmar dmar;
static struct ivrs ivrs;

static const char *tables_folder(void)
{
    const char *given = getenv("BULKHEAD_ACPI_TABLES");

    return given ? given : "../shared/acpi-tables";
}

static FILE *open_in_folder(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", tables_folder(), name);
    return fopen(path, "rb");
}

static FILE *open_oracle(void)
{
    FILE *oracle = open_in_folder("oracle.jsonl");

    if (!oracle) {
        print_message("no tables in %s (set BULKHEAD_ACPI_TABLES): skipped\n", tables_folder());
        skip();
    }
    return oracle;
}

static size_t load(const char *name, uint8_t *bytes, size_t room)
{
    FILE *file = open_in_folder(name);
    size_t length;

    assert_non_null(file);
    length = fread(bytes, 1, room, file);
    fclose(file);
    assert_in_range(length, ACPI_RECORDS_START, room - 1);
    return length;
}

static bool read_table(const struct acpi_table *whole, bool vtd, const struct acpi_findings **found)
{
    *found = vtd ? &dmar.found : &ivrs.found;
    return vtd ? dmar_read(whole, &dmar) : ivrs_read(whole, &ivrs);
}

typedef void (*table_visitor)(bool vtd, const uint8_t *bytes, size_t length);

/* Calls `visit` for every nth table that the oracle lists. */
static void for_each_real_table(unsigned nth, table_visitor visit)
{
    static char line[65536];
    static uint8_t bytes[4096];
    unsigned count = 0;
    char file[256];
    FILE *oracle = open_oracle();

    log_set_level(LOG_ERROR);
    while (fgets(line, sizeof(line), oracle)) {
        size_t length;

        if (sscanf(line, "{\"file\":\"%255[^\"]\"", file) != 1 || count++ % nth != 0)
            continue;
        length = load(file, bytes, sizeof(bytes));
        visit(strncmp(file, "dmar/", 5) == 0, bytes, length);
    }
    log_set_level(LOG_INFO);
    fclose(oracle);
    assert_true(count > 0);
}

/* ---- The firmware faults that BUGS.md of the collection names, in the very tables ---- */

static const struct acpi_findings *load_and_read(const char *file)
{
    static uint8_t bytes[4096];
    const struct acpi_findings *found;
    struct acpi_table whole = {bytes, 0};

    fclose(open_oracle());
    whole.length = load(file, bytes, sizeof(bytes));
    assert_true(read_table(&whole, strncmp(file, "dmar/", 5) == 0, &found));
    assert_int_equal(found->skipped, 0);
    return found;
}

static unsigned drhd_flaws(const char *file)
{
    unsigned flaws = 0;

    load_and_read(file);
    for (unsigned i = 0; i < dmar.counts[DMAR_DRHD]; i++)
        flaws |= dmar.drhds[i].record.flaws;
    return flaws;
}

static unsigned rmrr_flaws(const char *file)
{
    unsigned flaws = 0;

    load_and_read(file);
    for (unsigned i = 0; i < dmar.counts[DMAR_RMRR]; i++)
        flaws |= dmar.rmrrs[i].record.flaws;
    return flaws;
}

static void real_faults_of_dmar_are_noticed(void **state)
{
    (void)state;
    assert_int_equal(drhd_flaws("dmar/lenovo-ideapadflex-15-20309-d19f.bin"), DMAR_NO_ADDRESS);
    assert_int_equal(drhd_flaws("dmar/apple-macpro7-1-t2.bin"), DMAR_DUPLICATE);
    assert_false(dmar.found.incomplete);
    assert_int_equal(rmrr_flaws("dmar/hp-elitebook-8440p-b28d.bin"), DMAR_PAGE_ZERO);
    assert_int_equal(rmrr_flaws("dmar/supermicro-x8sil-40ae.bin"), 0); /* below 1 MiB */
    load_and_read("dmar/ami-2s-skylake-sp-edited.bin");
    assert_int_equal(dmar.rhsas[0].record.flaws | dmar.rhsas[1].record.flaws, DMAR_UNMATCHED);
}

static unsigned unit_count(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ivrs.ivhd_count; i++)
        count += ivrs_is_unit(&ivrs, i);
    return count;
}

static void real_faults_of_ivrs_are_noticed(void **state)
{
    uint16_t segment, device_id;

    (void)state;
    load_and_read("ivrs/lenovo-thinkpad-t14-gen-3-21cf004pge-696e.bin");
    assert_int_equal(ivrs.found.unknown, 1);
    assert_int_equal(unit_count(), 1);
    load_and_read("ivrs/asus-prime-x399-a-73ed.bin");
    assert_int_equal(unit_count(), 2);
    assert_int_equal(ivrs_device(&ivrs, 0, 0x4100).unit, 3);
    assert_int_equal(ivrs_device(&ivrs, 0, 0xFF08).requester, 0xA4);
    load_and_read("ivrs/acer-aspire-a315-41-e273.bin");
    assert_true(ivrs_special(&ivrs, IVRS_IOAPIC, 34, NULL, 0, &segment, &device_id));
    assert_int_equal(device_id, 1);
    assert_false(ivrs_special(&ivrs, IVRS_IOAPIC, 4, NULL, 0, &segment, &device_id));
    load_and_read("ivrs/mechrevo-wujie14xa-9249.bin");
    assert_int_equal(ivrs.ivmds[0].record.flaws, IVRS_UNALIGNED);
    assert_int_equal(ivrs.ivmds[0].limit, ivrs.ivmds[0].base + 0xFFF);
    load_and_read("ivrs/fwts-ivrs-0001-0001.bin");
    assert_true(ivrs.found.incomplete);
}

/* ---- Any cut, any byte ---- */

static void read_every_cut(bool vtd, const uint8_t *bytes, size_t length)
{
    const struct acpi_findings *found;

    for (size_t cut = 0; cut <= length; cut++) {
        struct acpi_table whole = exact(bytes, cut);

        assert_int_equal(read_table(&whole, vtd, &found), cut >= ACPI_RECORDS_START);
        assert_true(cut < ACPI_RECORDS_START || cut == length || found->incomplete);
        release(&whole);
    }
}

static void any_cut_is_survived(void **state)
{
    (void)state;
    for_each_real_table(4, read_every_cut);
}

static void read_every_changed_byte(bool vtd, const uint8_t *bytes, size_t length)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xFF};
    const struct acpi_findings *found;

    for (size_t at = 0; at < length; at++)
        for (size_t i = 0; i < sizeof(changes); i++) {
            struct acpi_table whole = exact(bytes, length);

            ((uint8_t *)(uintptr_t)whole.data)[at] ^= changes[i];
            (void)!read_table(&whole, vtd, &found);
            release(&whole);
        }
}

static void any_changed_byte_is_survived(void **state)
{
    (void)state;
    for_each_real_table(4, read_every_changed_byte);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_faults_of_dmar_are_noticed),
        cmocka_unit_test(real_faults_of_ivrs_are_noticed),
        cmocka_unit_test(any_cut_is_survived),
        cmocka_unit_test(any_changed_byte_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
