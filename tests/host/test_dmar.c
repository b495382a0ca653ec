/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The DMAR reader: a bad record costs itself alone and one line; what cannot be trusted is flagged;
 * no byte beyond a table is read, however it is cut or damaged. The resolver: a function gets the
 * unit that its scope names, and none rather than a wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/iommu/vtd/dmar.h"
#include "log_capture.h"
#include "table_fixture.h"

static struct dmar dmar;
static struct pci_inventory inventory;

/* ---- Tables made by hand ---- */

static size_t record_start;

static int begin(void **state)
{
    (void)state;
    begin_table("DMAR");
    table[8] = 1;
    table[36] = 38;
    table[37] = DMAR_INTR_REMAP;
    memset(&inventory, 0, sizeof(inventory));
    return log_capture_start() ? 0 : -1;
}

static size_t add_record(unsigned type, size_t length)
{
    record_start = append(length);
    put(record_start, type, 2);
    put(record_start + 2, length, 2);
    return record_start;
}

static size_t add_drhd(unsigned flags, unsigned segment, uint64_t address)
{
    size_t at = add_record(DMAR_DRHD, 16);

    put(at + 4, flags, 1);
    put(at + 6, segment, 2);
    put(at + 8, address, 8);
    return at;
}

static size_t add_rmrr(uint64_t base, uint64_t limit)
{
    size_t at = add_record(DMAR_RMRR, 24);

    put(at + 8, base, 8);
    put(at + 16, limit, 8);
    return at;
}

static size_t add_andd(unsigned number, const char *name, size_t name_length)
{
    size_t at = add_record(DMAR_ANDD, 8 + name_length);

    put(at + 7, number, 1);
    memcpy(table + at + 8, name, name_length);
    return at;
}

/* A scope of the newest record; `path` holds hops pairs. */
static size_t add_scope(unsigned type, unsigned id, unsigned bus, unsigned hops,
                        const uint8_t *path)
{
    size_t at = append(6 + 2 * hops);

    put(record_start + 2, table_length - record_start, 2);
    put(at, type, 1);
    put(at + 1, 6 + 2 * hops, 1);
    put(at + 4, id, 1);
    put(at + 5, bus, 1);
    memcpy(table + at + 6, path, 2 * hops);
    return at;
}

#define PATH(...)                                                                                  \
    (const uint8_t[])                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static bool read_cut(size_t length)
{
    struct acpi_table whole = exact(table, length);
    bool read = dmar_read(&whole, &dmar);

    release(&whole);
    return read;
}

static void read_sound(void)
{
    assert_true(read_cut(table_length));
}

/* ---- Bad tables ---- */

static void an_empty_table_is_valid(void **state)
{
    (void)state;
    read_sound();
    assert_int_equal(dmar.host_address_width, 39);
    assert_int_equal(dmar.flags, DMAR_INTR_REMAP);
    assert_false(dmar.found.incomplete);
    assert_string_equal(dmar.found.reason, "");
    assert_int_equal(log_captured_lines, 0);
}

static void a_table_below_its_fixed_part_is_refused(void **state)
{
    struct acpi_table none = {NULL, 0};

    (void)state;
    assert_false(read_cut(47));
    assert_true(log_has("DMAR at offset 0: table: shorter than its fixed part"));
    assert_false(dmar_read(&none, &dmar));
    assert_int_equal(log_captured_lines, 1);
}

static void a_length_that_cannot_be_stepped_by_ends_the_walk(void **state)
{
    static const unsigned lengths[] = {0, 1, 3, 17, 0xFFFF};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        begin(state);
        add_drhd(0, 0, 0xFED90000);
        put(add_drhd(1, 0, 0xFED91000) + 2, lengths[i], 2);
        read_sound();
        assert_int_equal(dmar.counts[DMAR_DRHD], 1);
        assert_int_equal(dmar.found.skipped, 1);
        assert_true(dmar.found.incomplete);
        assert_true(log_has("DMAR at offset 64"));
        assert_non_null(strstr(dmar.found.reason, "offset 64"));
        assert_int_equal(log_captured_lines, 1);
    }
}

static void a_short_record_is_skipped_alone(void **state)
{
    (void)state;
    add_record(DMAR_DRHD, 12);
    add_record(DMAR_RMRR, 20);
    add_record(DMAR_RHSA, 8);
    add_record(DMAR_ANDD, 8);
    add_record(DMAR_ATSR, 6);
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED91000);
    read_sound();
    assert_int_equal(dmar.counts[DMAR_DRHD], 1);
    assert_int_equal(dmar.found.skipped, 5);
    assert_true(dmar.found.incomplete);
    assert_string_equal(dmar.found.reason,
                        "DMAR at offset 48: DRHD: shorter than its type; skipped");
}

static void any_revision_and_any_flags_are_read(void **state)
{
    static const uint8_t revisions[] = {0, 1, 2, 255};

    (void)state;
    memcpy(table + 10, "\xFF\x01\0  \x80", 6); /* OEM id */
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED90000);
    for (size_t i = 0; i < sizeof(revisions); i++) {
        table[8] = revisions[i];
        table[37] = (uint8_t)(0xF8 | i);
        read_sound();
        assert_int_equal(dmar.revision, revisions[i]);
        assert_int_equal(dmar.flags, 0xF8 | i);
        assert_int_equal(dmar.counts[DMAR_DRHD], 1);
        assert_int_equal(dmar.found.skipped + dmar.found.flawed, 0);
    }
}

static void a_second_table_leaves_nothing_of_the_first(void **state)
{
    (void)state;
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED90000);
    add_rmrr(0x2000, 0x1FFF);
    add_record(9, 4);
    read_sound();
    begin(state);
    add_drhd(0, 0, 0xFED91000);
    read_sound();
    assert_int_equal(dmar.counts[DMAR_DRHD], 1);
    assert_int_equal(dmar.drhds[0].address, 0xFED91000);
    assert_int_equal(dmar.counts[DMAR_RMRR], 0);
    assert_int_equal(dmar.found.unknown + dmar.found.skipped + dmar.found.flawed, 0);
    assert_string_equal(dmar.found.reason, "");
}

static void any_address_width_is_safe(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    for (unsigned width = 0; width < 256; width++) {
        table[36] = (uint8_t)width;
        read_sound();
        assert_int_equal(dmar.host_address_width, width + 1);
        assert_int_equal(dmar.drhds[0].record.flaws, width < 31 ? DMAR_BEYOND_WIDTH : 0);
    }
}

static void odd_bytes_of_a_record_are_kept_as_written(void **state)
{
    (void)state;
    put(add_drhd(0, 0, 0xFED90000) + 5, 0xF4, 1); /* size of the register set */
    put(add_scope(DMAR_SCOPE_HPET, 0, 0xFA, 1, PATH(15, 0)) + 2, 0x1F, 1);
    add_scope(DMAR_SCOPE_HPET, 0, 0xFA, 1, PATH(15, 7));
    add_scope(0x77, 5, 0xFF, 1, PATH(31, 7));
    put(add_record(DMAR_ATSR, 8) + 4, DMAR_ALL_PORTS, 1);
    put(add_record(DMAR_RHSA, 20) + 8, 0xFED90000, 8);
    put(record_start + 16, 0xFFFFFFFE, 4);
    read_sound();
    assert_int_equal(dmar.drhds[0].size, 0xF4);
    assert_int_equal(dmar.drhds[0].record.scope_count, 3);
    assert_int_equal(dmar.scopes[0].flags, 0x1F);
    assert_int_equal(dmar.scopes[1].path[0].function, 7);
    assert_int_equal(dmar.scopes[2].type, 0x77);
    assert_int_equal(dmar.atsrs[0].flags, DMAR_ALL_PORTS);
    assert_int_equal(dmar.atsrs[0].record.scope_count, 0);
    assert_int_equal(dmar.rhsas[0].proximity_domain, 0xFFFFFFFE);
    assert_int_equal(dmar.found.skipped + dmar.found.flawed, 0);
}

/* Ids that neither MADT nor the bus of the scope has are not this reader's to judge. */
static void io_apics_and_hpets_are_kept_as_written(void **state)
{
    (void)state;
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_IOAPIC, 2, 0xF0, 1, PATH(0x1F, 0));
    add_scope(DMAR_SCOPE_IOAPIC, 0, 0xFF, 1, PATH(0x1E, 7));
    add_scope(DMAR_SCOPE_HPET, 9, 0xFA, 1, PATH(0x1F, 1));
    read_sound();
    assert_int_equal(dmar.drhds[0].record.scope_count, 3);
    assert_int_equal(dmar.scopes[1].enumeration_id, 0);
    assert_int_equal(dmar.scopes[1].start_bus, 0xFF);
    assert_int_equal(dmar.scopes[2].enumeration_id, 9);
    assert_int_equal(log_captured_lines, 0);
}

static void a_range_below_1_mib_is_sound(void **state)
{
    (void)state;
    add_rmrr(0xED000, 0xEFFFF);
    read_sound();
    assert_int_equal(dmar.rmrrs[0].record.flaws, 0);
    assert_int_equal(log_captured_lines, 0);
}

static void one_range_names_many_and_one_device_has_many(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        add_rmrr(UINT64_C(0x100000000) + ((uint64_t)i << 32),
                 UINT64_C(0x1FFFFFFFF) + ((uint64_t)i << 32));
        for (uint8_t device = 0; device < 16; device++)
            add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(device, 0));
    }
    read_sound();
    assert_int_equal(dmar.counts[DMAR_RMRR], 16);
    assert_int_equal(dmar.scope_count, 256);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(dmar.rmrrs[i].record.scope_count, 16);
    assert_int_equal(dmar.rmrrs[15].limit, UINT64_C(0x10FFFFFFFF));
    assert_int_equal(dmar.found.skipped, 0);
}

static void unknown_records_are_counted(void **state)
{
    (void)state;
    add_record(7, 4);
    add_record(0xFFFF, 20);
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED91000);
    read_sound();
    assert_int_equal(dmar.found.unknown, 2);
    assert_int_equal(dmar.found.unknowns[1].offset, 52);
    assert_int_equal(dmar.found.unknowns[1].type, 0xFFFF);
    assert_int_equal(dmar.found.unknowns[1].length, 20);
    assert_int_equal(dmar.found.skipped, 0);
    assert_false(dmar.found.incomplete);
    assert_int_equal(dmar.counts[DMAR_DRHD], 1);
}

static void a_header_that_promises_more_is_noticed(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    put(4, table_length + 16, 4);
    read_sound();
    assert_int_equal(dmar.counts[DMAR_DRHD], 1);
    assert_true(dmar.found.incomplete);
    assert_true(log_has("DMAR at offset 64: table: shorter than its header says"));

    put(4, 47, 4);
    assert_false(read_cut(table_length));
    put(4, table_length - 16, 4); /* bytes behind the stated length are nobody's */
    read_sound();
    assert_int_equal(dmar.counts[DMAR_DRHD], 0);
    assert_int_equal(dmar.found.skipped, 0);
}

static void a_bad_scope_keeps_the_record_and_the_scopes_before(void **state)
{
    static const unsigned lengths[] = {0, 5, 6, 7, 9, 18, 255};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        begin(state);
        add_drhd(0, 0, 0xFED90000);
        add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
        put(add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(3, 0)) + 1, lengths[i], 1);
        add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(4, 0));
        add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED91000);
        read_sound();
        assert_int_equal(dmar.counts[DMAR_DRHD], 2);
        assert_int_equal(dmar.drhds[0].record.scope_count, 1);
        assert_int_equal(dmar.drhds[0].record.flaws, DMAR_SCOPES_CUT);
        assert_int_equal(dmar.drhds[1].record.flaws, 0);
        assert_true(dmar.found.incomplete);
        assert_true(log_has("DMAR at offset 72: device scope"));
    }
}

static void a_scope_of_too_many_hops_is_skipped_alone(void **state)
{
    static const uint8_t path[18];

    (void)state;
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 9, path);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 8, path);
    read_sound();
    assert_int_equal(dmar.drhds[0].record.scope_count, 1);
    assert_int_equal(dmar.scopes[0].hops, 8);
    assert_int_equal(dmar.found.skipped, 1);
    assert_true(dmar.found.incomplete);
}

static void a_scope_cut_in_an_rmrr_leaves_the_units_whole(void **state)
{
    (void)state;
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED90000);
    add_rmrr(0x7B000000, 0x7B0FFFFF);
    put(add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0)) + 1, 0, 1);
    read_sound();
    assert_int_equal(dmar.rmrrs[0].record.flaws, DMAR_SCOPES_CUT);
    assert_false(dmar.found.incomplete);
}

static void units_without_a_usable_base_are_flagged(void **state)
{
    (void)state;
    add_drhd(0, 0, 0);
    add_drhd(0, 0, UINT64_MAX);
    add_drhd(0, 0, 0xFED90010);
    add_drhd(0, 0, UINT64_C(1) << 39);
    read_sound();
    assert_int_equal(dmar.drhds[0].record.flaws, DMAR_NO_ADDRESS);
    assert_int_equal(dmar.drhds[1].record.flaws, DMAR_NO_ADDRESS);
    assert_int_equal(dmar.drhds[2].record.flaws, DMAR_UNALIGNED);
    assert_int_equal(dmar.drhds[3].record.flaws, DMAR_BEYOND_WIDTH);
    assert_int_equal(dmar.found.flawed, 4);
    assert_int_equal(dmar.found.skipped, 0);
}

static void two_records_on_one_register_set_are_one_unit(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(3, 0));
    add_drhd(0, 1, 0xFED90000);
    read_sound();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(dmar.drhds[i].unit, 0);
    assert_int_equal(dmar.drhds[0].record.flaws, 0);
    assert_int_equal(dmar.drhds[1].record.flaws, DMAR_DUPLICATE);
    assert_int_equal(dmar.drhds[2].record.flaws, DMAR_CONFLICT);
    assert_int_equal(dmar.drhds[3].record.flaws, DMAR_CONFLICT);
}

static void a_second_catch_all_is_flagged(void **state)
{
    (void)state;
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED90000);
    add_drhd(DMAR_INCLUDE_PCI_ALL, 1, 0xFED91000);
    read_sound();
    assert_false(dmar.found.incomplete);
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED92000);
    read_sound();
    assert_int_equal(dmar.drhds[2].record.flaws, DMAR_SECOND_CATCH_ALL);
    assert_true(dmar.found.incomplete);
}

/* Each is a bit of its own, and none is lost. */
static void flaws_can_be_told_apart(void **state)
{
    static const enum dmar_flaw flaws[] = {
        DMAR_NO_ADDRESS, DMAR_UNALIGNED,        DMAR_BEYOND_WIDTH, DMAR_DUPLICATE,
        DMAR_CONFLICT,   DMAR_SECOND_CATCH_ALL, DMAR_BAD_RANGE,    DMAR_OVERLAP,
        DMAR_PAGE_ZERO,  DMAR_SCOPES_CUT,       DMAR_UNMATCHED,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof flaws / sizeof *flaws; i++)
        assert_int_equal(flaws[i], 1u << i);
}

static void reserved_ranges_are_judged(void **state)
{
    (void)state;
    add_rmrr(0, 0);
    add_rmrr(0x2000, 0x1FFF);
    add_rmrr(0x10000800, 0x10000FFF);
    add_rmrr(0x10002000, 0x10002FFE);
    add_rmrr(0, 0xFFF);
    add_rmrr(UINT64_C(0x7FFFFFF000), UINT64_C(0x8000000FFF));
    add_rmrr(0x20000000, 0x20FFFFFF);
    add_rmrr(0x20FFF000, 0x21FFFFFF);
    add_rmrr(0, UINT64_MAX);
    read_sound();
    assert_int_equal(dmar.rmrrs[0].record.flaws, DMAR_BAD_RANGE);
    assert_int_equal(dmar.rmrrs[1].record.flaws, DMAR_BAD_RANGE);
    assert_int_equal(dmar.rmrrs[2].record.flaws, DMAR_UNALIGNED);
    assert_int_equal(dmar.rmrrs[3].record.flaws, DMAR_UNALIGNED);
    assert_int_equal(dmar.rmrrs[4].record.flaws, DMAR_PAGE_ZERO);
    assert_int_equal(dmar.rmrrs[5].record.flaws, DMAR_BEYOND_WIDTH);
    assert_int_equal(dmar.rmrrs[6].record.flaws, 0);
    assert_int_equal(dmar.rmrrs[7].record.flaws, DMAR_OVERLAP);
    assert_int_equal(dmar.rmrrs[8].record.flaws, DMAR_PAGE_ZERO | DMAR_BEYOND_WIDTH | DMAR_OVERLAP);
    assert_int_equal(dmar.counts[DMAR_RMRR], 9);
}

static void an_affinity_of_no_unit_is_said_and_kept(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    put(add_record(DMAR_RHSA, 20) + 8, 0xFED91000, 8);
    read_sound();
    assert_int_equal(dmar.rhsas[0].record.flaws, DMAR_UNMATCHED);
    assert_int_equal(dmar.rhsas[0].address, 0xFED91000);
    assert_false(dmar.found.incomplete);
}

static void names_end_inside_their_record(void **state)
{
    char longest[DMAR_NAME_LENGTH];

    (void)state;
    memset(longest, 'A', sizeof(longest));
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_NAMESPACE, 1, 0, 1, PATH(21, 0));
    add_scope(DMAR_SCOPE_NAMESPACE, 9, 0, 1, PATH(21, 1));
    add_andd(1, "\\_SB.I2C0\0\0", 12);
    add_andd(2, "\\_SB.SPI0", 9);
    add_andd(3, longest, sizeof(longest));
    table[table_length - 1] = '\0';
    add_andd(4, longest, sizeof(longest));
    append(4);
    put(record_start + 2, 8 + sizeof(longest) + 4, 2);
    read_sound();
    assert_int_equal(dmar.counts[DMAR_ANDD], 2);
    assert_string_equal(dmar.andds[0].name, "\\_SB.I2C0");
    assert_int_equal(dmar.andds[0].record.flaws, 0);
    assert_int_equal(strlen(dmar.andds[1].name), DMAR_NAME_LENGTH - 1);
    assert_true(dmar.andds[1].record.flaws & DMAR_UNMATCHED);
    assert_int_equal(dmar.drhds[0].record.flaws, DMAR_UNMATCHED);
    assert_int_equal(dmar.found.skipped, 2);
    assert_true(log_has("ANDD: name does not end"));
    assert_true(log_has("ANDD: name is too long"));
}

static void more_records_than_fit_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DMAR_RECORDS_MAX + 3; i++)
        add_drhd(0, 0, UINT64_C(0x1000) * (i + 1));
    read_sound();
    assert_int_equal(dmar.counts[DMAR_DRHD], DMAR_RECORDS_MAX);
    assert_int_equal(dmar.found.skipped, 3);
    assert_true(dmar.found.incomplete);
}

static void more_scopes_than_fit_are_counted(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    for (unsigned i = 0; i < DMAR_SCOPES_MAX + 2; i++)
        add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED91000);
    read_sound();
    assert_int_equal(dmar.scope_count, DMAR_SCOPES_MAX);
    assert_int_equal(dmar.drhds[0].record.scope_count, DMAR_SCOPES_MAX);
    assert_int_equal(dmar.drhds[0].record.flaws, DMAR_SCOPES_CUT);
    assert_int_equal(dmar.counts[DMAR_DRHD], 2);
    assert_int_equal(dmar.found.skipped, 2);
    assert_true(dmar.found.incomplete);
}

static void a_hostile_table_cannot_flood_the_log(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 500; i++)
        add_record(DMAR_DRHD, 4);
    read_sound();
    assert_int_equal(dmar.found.skipped, 500);
    assert_in_range(log_captured_lines, 1, 40);
    assert_true(log_has("further faults are only counted"));
}

/* ---- The resolver ---- */

static uint16_t add_function(uint16_t segment, pci_bdf_t bdf, uint16_t parent, uint8_t secondary)
{
    uint16_t index = (uint16_t)inventory.count++;

    inventory.functions[index] = (struct pci_function){
        .segment = segment,
        .bdf = bdf,
        .parent = parent,
        .header_type = secondary ? 1 : 0,
        .secondary_bus = secondary,
        .group_leader = index,
    };
    return index;
}

/* Start bus 0; a root port 00:1c.0 to bus 1, a switch of two levels to bus 3, one endpoint on each
 * bus. Segment 1 has the same bus numbers. */
static struct {
    uint16_t vga, port, near_end, upstream, downstream, far_end, other_segment;
} machine;

static int make_machine(void **state)
{
    int result = begin(state);

    machine.vga = add_function(0, PCI_BDF(0, 2, 0), PCI_NONE, 0);
    machine.port = add_function(0, PCI_BDF(0, 0x1C, 0), PCI_NONE, 1);
    machine.near_end = add_function(0, PCI_BDF(1, 1, 0), machine.port, 0);
    machine.upstream = add_function(0, PCI_BDF(1, 0, 0), machine.port, 2);
    machine.downstream = add_function(0, PCI_BDF(2, 4, 1), machine.upstream, 3);
    machine.far_end = add_function(0, PCI_BDF(3, 0, 0), machine.downstream, 0);
    machine.other_segment = add_function(1, PCI_BDF(0, 2, 0), PCI_NONE, 0);
    return result;
}

static int unit_for(uint16_t function)
{
    return dmar_drhd_for(&dmar, &inventory, function);
}

static void an_endpoint_scope_is_that_function_alone(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(0x1C, 0));
    read_sound();
    assert_int_equal(unit_for(machine.vga), 0);
    assert_int_equal(unit_for(machine.port), 0);
    assert_int_equal(unit_for(machine.near_end), -1);
    assert_int_equal(unit_for(machine.other_segment), -1);
    assert_int_equal(unit_for((uint16_t)inventory.count), -1);
}

static void a_bridge_scope_is_the_bridge_and_all_below(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_BRIDGE, 0, 0, 1, PATH(0x1C, 0));
    read_sound();
    assert_int_equal(unit_for(machine.vga), -1);
    assert_int_equal(unit_for(machine.port), 0);
    assert_int_equal(unit_for(machine.near_end), 0);
    assert_int_equal(unit_for(machine.far_end), 0);
}

static void a_path_goes_through_secondary_buses(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 4, PATH(0x1C, 0, 0, 0, 4, 1, 0, 0));
    add_drhd(0, 0, 0xFED91000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 2, PATH(0x1C, 0, 1, 0));
    add_drhd(0, 0, 0xFED92000); /* one hop, from the device's own bus */
    add_scope(DMAR_SCOPE_BRIDGE, 0, 2, 1, PATH(4, 1));
    read_sound();
    assert_int_equal(unit_for(machine.far_end), 0);
    assert_int_equal(unit_for(machine.near_end), 1);
    assert_int_equal(unit_for(machine.downstream), 2);
    assert_int_equal(unit_for(machine.upstream), -1);
}

static void a_path_to_nowhere_matches_nothing(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 2, PATH(2, 0, 2, 0)); /* through an endpoint */
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(0x22, 0));    /* device 34 is no device 2 */
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 8));
    add_scope(DMAR_SCOPE_IOAPIC, 0, 0, 1, PATH(2, 0));
    add_scope(0x40, 0, 0, 1, PATH(2, 0));
    add_scope(DMAR_SCOPE_BRIDGE, 0, 9, 1, PATH(0, 0));
    read_sound();
    for (uint16_t i = 0; i < inventory.count; i++)
        assert_int_equal(unit_for(i), -1);
}

static void explicit_scopes_win_over_an_earlier_catch_all(void **state)
{
    (void)state;
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED90000);
    add_drhd(0, 0, 0xFED91000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    read_sound();
    assert_int_equal(unit_for(machine.vga), 1);
    assert_int_equal(unit_for(machine.far_end), 0);
    assert_int_equal(unit_for(machine.other_segment), -1);
}

static void an_unusable_unit_does_not_pass_its_functions_on(void **state)
{
    (void)state;
    add_drhd(0, 0, 0);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED91000);
    read_sound();
    assert_int_equal(unit_for(machine.vga), -1);
    assert_int_equal(unit_for(machine.port), 1);
}

static void a_unit_without_scope_owns_no_device(void **state)
{
    (void)state;
    add_drhd(0, 0, 0xFED90000);
    put(add_record(DMAR_RHSA, 20) + 8, 0xFED90000, 8);
    read_sound();
    assert_int_equal(dmar.counts[DMAR_DRHD], 1);
    assert_int_equal(dmar.found.flawed + dmar.found.skipped, 0);
    for (uint16_t i = 0; i < inventory.count; i++)
        assert_int_equal(unit_for(i), -1);
}

static void a_duplicate_resolves_to_the_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        add_drhd(0, 0, 0xFED90000);
        add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    }
    read_sound();
    assert_int_equal(unit_for(machine.vga), 0);
    assert_false(dmar.found.incomplete);
}

static void a_reserved_range_finds_its_functions(void **state)
{
    (void)state;
    add_rmrr(0x7B000000, 0x7B0FFFFF);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 2, PATH(0x1C, 0, 1, 0));
    read_sound();
    for (uint16_t i = 0; i < inventory.count; i++)
        assert_int_equal(
            dmar_record_matches(&dmar, &dmar.rmrrs[0].record, dmar.rmrrs[0].segment, &inventory, i),
            i == machine.vga || i == machine.near_end);
}

/* ---- Any cut, any damage ---- */

static void use(const uint8_t *bytes, size_t length)
{
    struct acpi_table whole = exact(bytes, length);

    if (dmar_read(&whole, &dmar))
        for (uint16_t i = 0; i < inventory.count; i++) {
            int unit = unit_for(i);

            assert_true(unit == -1 || (unsigned)unit < dmar.counts[DMAR_DRHD]);
            assert_true(unit == -1 || !(dmar.drhds[unit].record.flaws & DMAR_UNUSABLE));
        }
    release(&whole);
}

static void every_record(void)
{
    add_drhd(0, 0, 0xFED90000);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_scope(DMAR_SCOPE_BRIDGE, 0, 0, 2, PATH(0x1C, 0, 0, 0));
    add_drhd(DMAR_INCLUDE_PCI_ALL, 0, 0xFED91000);
    add_scope(DMAR_SCOPE_IOAPIC, 2, 0xF0, 1, PATH(0x1F, 0));
    add_scope(DMAR_SCOPE_NAMESPACE, 1, 0, 1, PATH(0x15, 0));
    add_rmrr(0x7B000000, 0x7B0FFFFF);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_record(DMAR_ATSR, 8);
    add_scope(DMAR_SCOPE_BRIDGE, 0, 0, 1, PATH(0x1C, 0));
    put(add_record(DMAR_RHSA, 20) + 8, 0xFED90000, 8);
    add_andd(1, "\\_SB.I2C0", 10);
    add_record(DMAR_SATC, 8);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_record(DMAR_SIDP, 8);
    add_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, PATH(2, 0));
    add_record(0x77, 12);
}

static void any_cut_is_survived(void **state)
{
    (void)state;
    every_record();
    for (size_t cut = 0; cut <= table_length; cut++) {
        use(table, cut);
        assert_true(cut < 48 || cut == table_length || dmar.found.incomplete);
    }
    assert_int_equal(dmar.found.skipped + dmar.found.flawed, 0);
    assert_int_equal(dmar.found.unknown, 1);
}

static void any_damage_is_survived(void **state)
{
    (void)state;
    every_record();
    use_damaged(use);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_table_is_valid, begin),
        cmocka_unit_test_setup(a_table_below_its_fixed_part_is_refused, begin),
        cmocka_unit_test_setup(a_length_that_cannot_be_stepped_by_ends_the_walk, begin),
        cmocka_unit_test_setup(a_short_record_is_skipped_alone, begin),
        cmocka_unit_test_setup(any_revision_and_any_flags_are_read, begin),
        cmocka_unit_test_setup(a_second_table_leaves_nothing_of_the_first, begin),
        cmocka_unit_test_setup(any_address_width_is_safe, begin),
        cmocka_unit_test_setup(odd_bytes_of_a_record_are_kept_as_written, begin),
        cmocka_unit_test_setup(io_apics_and_hpets_are_kept_as_written, begin),
        cmocka_unit_test_setup(a_range_below_1_mib_is_sound, begin),
        cmocka_unit_test_setup(one_range_names_many_and_one_device_has_many, begin),
        cmocka_unit_test_setup(unknown_records_are_counted, begin),
        cmocka_unit_test_setup(a_header_that_promises_more_is_noticed, begin),
        cmocka_unit_test_setup(a_bad_scope_keeps_the_record_and_the_scopes_before, begin),
        cmocka_unit_test_setup(a_scope_of_too_many_hops_is_skipped_alone, begin),
        cmocka_unit_test_setup(a_scope_cut_in_an_rmrr_leaves_the_units_whole, begin),
        cmocka_unit_test_setup(units_without_a_usable_base_are_flagged, begin),
        cmocka_unit_test_setup(two_records_on_one_register_set_are_one_unit, begin),
        cmocka_unit_test_setup(a_second_catch_all_is_flagged, begin),
        cmocka_unit_test(flaws_can_be_told_apart),
        cmocka_unit_test_setup(reserved_ranges_are_judged, begin),
        cmocka_unit_test_setup(an_affinity_of_no_unit_is_said_and_kept, begin),
        cmocka_unit_test_setup(names_end_inside_their_record, begin),
        cmocka_unit_test_setup(more_records_than_fit_are_counted, begin),
        cmocka_unit_test_setup(more_scopes_than_fit_are_counted, begin),
        cmocka_unit_test_setup(a_hostile_table_cannot_flood_the_log, begin),
        cmocka_unit_test_setup(an_endpoint_scope_is_that_function_alone, make_machine),
        cmocka_unit_test_setup(a_bridge_scope_is_the_bridge_and_all_below, make_machine),
        cmocka_unit_test_setup(a_path_goes_through_secondary_buses, make_machine),
        cmocka_unit_test_setup(a_path_to_nowhere_matches_nothing, make_machine),
        cmocka_unit_test_setup(explicit_scopes_win_over_an_earlier_catch_all, make_machine),
        cmocka_unit_test_setup(an_unusable_unit_does_not_pass_its_functions_on, make_machine),
        cmocka_unit_test_setup(a_unit_without_scope_owns_no_device, make_machine),
        cmocka_unit_test_setup(a_duplicate_resolves_to_the_first, make_machine),
        cmocka_unit_test_setup(a_reserved_range_finds_its_functions, make_machine),
        cmocka_unit_test_setup(any_cut_is_survived, make_machine),
        cmocka_unit_test_setup(any_damage_is_survived, make_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
