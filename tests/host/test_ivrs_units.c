/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What an IVRS means: a unit is one however often it is described, a DeviceID gets the unit that
 * has it and none rather than a wrong one, special devices and demanded memory are found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ivrs_fixture.h"

/* ---- Units ---- */

static void the_richest_block_counts(void **state)
{
    static const unsigned orders[][3] = {
        {0x10, 0x11, 0x40}, {0x10, 0x40, 0x11}, {0x11, 0x10, 0x40},
        {0x11, 0x40, 0x10}, {0x40, 0x10, 0x11}, {0x40, 0x11, 0x10},
    };

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        begin(state);
        for (unsigned n = 0; n < 3; n++) {
            put(add_ivhd(orders[i][n], 0, 2, BASE) + 1, orders[i][n] == 0x10 ? 0xB0 : 0x30, 1);
            add_entry(IVRS_SELECT, 8, orders[i][n]);
            add_entry(IVRS_SELECT, 0x100 + orders[i][n], 0);
        }
        read_sound();
        assert_int_equal(units(), 1);
        assert_int_equal(ivrs.ivhds[look_up(8).unit].type, 0x40);
        assert_int_equal(look_up(8).setting, 0x40);
        assert_int_equal(look_up(0x110).unit, -1); /* never merged */
        assert_int_equal(look_up(0x111).unit, -1);
        assert_silent();
    }
}

static void poorer_blocks_may_err(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE + 0x80000);
    put(grow(1), IVRS_SELECT, 1);
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    read_sound();
    assert_int_equal(units(), 1);
    assert_int_equal(ivrs.ivhds[0].record.flaws, IVRS_ENTRIES_CUT | IVRS_DISAGREES);
    assert_int_equal(look_up(8).unit, 1);
    assert_false(ivrs.found.incomplete);
}

static void a_block_listed_twice_is_one_unit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
        add_range(IVRS_START, 8, 0xFFFE);
    }
    read_sound();
    assert_int_equal(units(), 1);
    assert_int_equal(ivrs.ivhds[2].record.flaws, IVRS_DUPLICATE);
    assert_false(ivrs.found.incomplete);
    add_entry(IVRS_SELECT, 0xFFFF, 0);
    read_sound();
    assert_int_equal(units(), 1);
    assert_int_equal(ivrs.ivhds[2].record.flaws, IVRS_CONFLICT);
    assert_int_equal(look_up(0xFFFF).unit, -1);
    assert_true(ivrs.found.incomplete);
}

/* Byte `at` of an entry makes the second of two blocks another than the first. */
static void blocks_agree_in_every_field(void **state)
{
    static const struct {
        unsigned type, at, value;
    } cases[] = {
        {IVRS_SELECT, 0, IVRS_ALL},      {IVRS_SELECT, 1, 9},  {IVRS_SELECT, 3, 1},
        {IVRS_ALIAS_SELECT, 5, 9},       {IVRS_SPECIAL, 4, 9}, {IVRS_SPECIAL, 7, IVRS_HPET},
        {IVRS_EXTENDED_SELECT, 4, 0x80},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(state);
        for (unsigned block = 0; block < 2; block++) {
            add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
            size_t at = add_entry(cases[i].type, cases[i].type == IVRS_SPECIAL ? 0 : 8, 0);
            if (cases[i].type == IVRS_SPECIAL)
                put(at + 7, IVRS_IOAPIC, 1);
            if (block)
                put(at + cases[i].at, cases[i].value, 1);
        }
        read_sound();
        assert_int_equal(ivrs.ivhds[1].record.flaws, IVRS_CONFLICT);
        assert_true(ivrs.found.incomplete);
    }
}

static void two_units_on_one_register_set_are_not_believed(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_range(IVRS_START, 8, 0xFF);
    add_ivhd(IVRS_IVHD_11, 0, 0x4002, BASE);
    add_range(IVRS_START, 0x4008, 0x40FF);
    add_ivhd(IVRS_IVHD_11, 0, 0x5002, BASE + 0x80000);
    add_ivhd(IVRS_IVHD_11, 0, 0x6002, BASE + 0x80000);
    read_sound();
    assert_int_equal(ivrs.ivhds[3].record.flaws, IVRS_CONFLICT);
    assert_int_equal(ivrs.ivhds[1].record.flaws, IVRS_CONFLICT);
    assert_int_equal(look_up(8).unit, 0);
    assert_int_equal(look_up(0x4008).unit, -1);
    assert_true(log_has("registers are another unit's; not used"));
}

static void units_without_a_usable_base_are_flagged(void **state)
{
    static const struct {
        uint64_t base;
        unsigned flaws;
        int unit;
    } bases[] = {
        {0, IVRS_NO_ADDRESS, -1},
        {UINT64_MAX, IVRS_NO_ADDRESS, -1},
        {BASE + 0x2000, IVRS_UNALIGNED, -1},
        {BASE + 0x4000, 0, 0},
        {UINT64_C(1) << 48, IVRS_BEYOND_WIDTH, 0},
        {UINT64_C(0xFFFFFFF80000), 0, 0}, /* far above 4 GiB */
    };

    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        begin(state);
        add_ivhd(IVRS_IVHD_11, 0, 2, bases[i].base);
        add_entry(IVRS_ALL, 0, 0);
        read_sound();
        assert_int_equal(ivrs.ivhds[0].base, bases[i].base);
        assert_int_equal(ivrs.ivhds[0].record.flaws, bases[i].flaws);
        assert_int_equal(look_up(8).unit, bases[i].unit);
    }
}

static void an_unusable_unit_does_not_pass_its_devices_on(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, 0);
    add_entry(IVRS_SELECT, 8, 0);
    add_ivhd(IVRS_IVHD_11, 0, 0x4002, BASE);
    add_entry(IVRS_ALL, 0, 0);
    read_sound();
    assert_int_equal(look_up(8).unit, -1);
    assert_int_equal(look_up(9).unit, 1);
}

static void units_are_found_in_any_order_and_segment(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 0x6002, BASE + 0x300000);
    add_range(IVRS_START, 0x6008, 0x7FFF);
    add_ivhd(IVRS_IVHD_11, 1, 2, BASE + 0x100000);
    add_range(IVRS_START, 8, 0xFFFF);
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_range(IVRS_START, 8, 0x1FFF);
    read_sound();
    assert_int_equal(units(), 3);
    assert_int_equal(look_up(0x100).unit, 2);
    assert_int_equal(look_up(0x6100).unit, 0);
    assert_int_equal(look_up(0x2000).unit, -1);
    assert_int_equal(ivrs_device(&ivrs, 1, 0x6100).unit, 1);
    assert_int_equal(ivrs_device(&ivrs, 2, 0x6100).unit, -1);
    assert_silent();
}

static void a_device_of_two_units_has_none(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_range(IVRS_START, 8, 0xFF);
    add_range(IVRS_START, 0x100, 0x1FF);
    add_ivhd(IVRS_IVHD_11, 0, 0x4002, BASE + 0x80000);
    add_range(IVRS_START, 0x100, 0x1FF);
    add_entry(IVRS_SELECT, 0x180, 0);
    add_entry(IVRS_ALL, 0, 0);
    read_sound();
    assert_int_equal(look_up(8).unit, 0);
    assert_int_equal(look_up(0x100).unit, -1);
    assert_int_equal(look_up(0x180).unit, 1);
    assert_int_equal(look_up(0x300).unit, 1);
}

static void what_a_unit_can_do_is_kept_as_written(void **state)
{
    size_t at;

    (void)state;
    at = add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    put(at + 18, 0x1303, 2);
    put(at + 20, 0x80048F6E, 4);
    at = add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    put(at + 20, 0x40200, 4);
    put(at + 24, UINT64_C(0x400F77EF22294ADA), 8);
    put(at + 32, 0x10, 8);
    read_sound();
    assert_int_equal(IVRS_MSI_NUMBER(ivrs.ivhds[0].info), 3);
    assert_int_equal(ivrs.ivhds[0].features, 0x80048F6E);
    assert_int_equal(ivrs.ivhds[0].efr, 0);
    assert_int_equal(ivrs.ivhds[1].features, 0x40200);
    assert_int_equal(ivrs.ivhds[1].efr, UINT64_C(0x400F77EF22294ADA));
    assert_int_equal(ivrs.ivhds[1].efr2, 0x10);
    assert_int_equal(ivrs.ivhds[1].capability, 0x40);
    assert_silent();
}

static void blocks_at_odd_offsets_are_read(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 8; i++) {
        add_ivhd(IVRS_IVHD_40, i, 2, BASE + (UINT64_C(0x80000) * i));
        add_hid(0xA5, "AMDI0020", IVRS_UID_STRING, "ABCDEFG", i);
        add_entry(IVRS_SELECT, 8, i);
    }
    read_sound();
    for (uint16_t i = 1; i < 8; i++) {
        assert_int_equal(ivrs_device(&ivrs, i, 8).unit, i - 1);
        assert_int_equal(ivrs_device(&ivrs, i, 8).setting, i);
    }
    assert_silent();
}

/* ---- Special devices ---- */

static struct acpi_madt madt;

static void set_madt(unsigned count, unsigned first_id)
{
    memset(&madt, 0, sizeof(madt));
    for (unsigned i = 0; i < count; i++)
        madt.io_apics[madt.io_apic_count++].id = (uint8_t)(first_id + i);
}

static bool find_special(enum ivrs_variety variety, uint8_t handle, uint16_t *device_id)
{
    uint16_t segment;

    return ivrs_special(&ivrs, variety, handle, NULL, 0, &segment, device_id);
}

static void io_apics_are_compared_with_the_madt(void **state)
{
    static const struct ivrs_override overrides[] = {{IVRS_IOAPIC, 4, 0, 0xA0},
                                                     {IVRS_IOAPIC, 5, 0, 1}};
    uint16_t segment = 1, device_id;

    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_special(IVRS_IOAPIC, 33, 0xA0);
    add_special(IVRS_IOAPIC, 34, 1);
    read_sound();
    assert_silent();
    set_madt(2, 33);
    assert_true(ivrs_io_apics_known(&ivrs, &madt, NULL, 0));
    assert_int_equal(log_captured_lines, 0);
    set_madt(2, 4);
    assert_false(ivrs_io_apics_known(&ivrs, &madt, NULL, 0));
    assert_int_equal(log_captured_lines, 4); /* two on either side */
    assert_true(log_has("IVRS: IOAPIC 5 of MADT has no one DeviceID"));
    assert_true(log_has("IVRS at offset 88: no IOAPIC of MADT has id 33"));
    assert_false(ivrs_io_apics_known(&ivrs, &madt, overrides, 1));
    assert_true(ivrs_io_apics_known(&ivrs, &madt, overrides, 2));
    assert_true(ivrs_special(&ivrs, IVRS_IOAPIC, 4, overrides, 2, &segment, &device_id));
    assert_int_equal(device_id, 0xA0);
    assert_int_equal(segment, 0);
}

static void unknown_io_apics_cannot_flood_the_log(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    for (unsigned i = 0; i < 100; i++)
        add_special(IVRS_IOAPIC, 100 + i, 0xA0);
    read_sound();
    set_madt(2, 4);
    assert_false(ivrs_io_apics_known(&ivrs, &madt, NULL, 0));
    assert_int_equal(log_captured_lines, ACPI_LINES_MAX + 1);
    assert_true(log_has("IVRS: further faults are only counted"));
}

static void a_table_without_io_apics_is_read(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    read_sound();
    assert_silent();
    set_madt(1, 0);
    assert_false(ivrs_io_apics_known(&ivrs, &madt, NULL, 0));
}

static void one_handle_with_two_ids_is_not_believed(void **state)
{
    uint16_t device_id = 0;

    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_special(IVRS_IOAPIC, 0, 0xA0);
    add_special(IVRS_IOAPIC, 0, 1);
    add_special(IVRS_HPET, 0, 0xA0);
    add_special(IVRS_HPET, 0, 0xA0);
    add_special(IVRS_IOAPIC, 1, 3);
    add_ivhd(IVRS_IVHD_11, 1, 2, BASE + 0x80000);
    add_special(IVRS_IOAPIC, 1, 3);
    read_sound();
    assert_int_equal(ivrs.ivhds[0].entry_count, 5);
    assert_int_equal(ivrs.entries[0].flaws, 0);
    assert_int_equal(ivrs.entries[1].flaws, IVRS_CONFLICT);
    assert_int_equal(ivrs.found.flawed, 2);
    assert_false(find_special(IVRS_IOAPIC, 0, &device_id));
    assert_false(find_special(IVRS_IOAPIC, 1, &device_id)); /* in two segments */
    assert_true(find_special(IVRS_HPET, 0, &device_id));
    assert_int_equal(device_id, 0xA0);
}

static void an_io_apic_has_any_device_id(void **state)
{
    uint16_t device_id;

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_special(IVRS_IOAPIC, 7, 0xDEAD); /* of a poorer block */
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_special(IVRS_IOAPIC, 128, 0x58);
    add_special(IVRS_IOAPIC, 129, 0xA0);
    read_sound();
    assert_true(find_special(IVRS_IOAPIC, 128, &device_id));
    assert_int_equal(device_id, 0x58);
    assert_true(find_special(IVRS_IOAPIC, 129, &device_id));
    assert_int_equal(device_id, 0xA0);
    assert_false(find_special(IVRS_IOAPIC, 7, &device_id));
    assert_silent();
}

static void an_hpet_of_another_number_stays(void **state)
{
    uint16_t device_id;

    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_special(IVRS_HPET, 0, 0xA0);
    read_sound();
    assert_false(find_special(IVRS_HPET, 2, &device_id));
    assert_true(find_special(IVRS_HPET, 0, &device_id));
    assert_false(find_special(IVRS_IOAPIC, 0, &device_id));
    assert_silent();
}

static void an_unknown_variety_is_said_and_kept(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_special(0, 0, 0xA0);
    add_special(3, 0, 0xA1);
    read_sound();
    assert_int_equal(ivrs.ivhds[0].entry_count, 2);
    assert_int_equal(ivrs.entries[1].flaws, IVRS_UNKNOWN);
    assert_int_equal(ivrs.entries[1].variety, 3);
    assert_int_equal(ivrs.found.flawed, 2);
    assert_false(ivrs.found.incomplete);
}

/* ---- Memory ---- */

static void memory_blocks_stand_anywhere(void **state)
{
    (void)state;
    add_ivmd(IVRS_IVMD_SELECT, 0x20, 0, 0x10000, 0x1000);
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_range(IVRS_START, 8, 0xFFFE);
    add_ivmd(IVRS_IVMD_RANGE, 0x100, 0x1FF, 0x20000, 0x2000);
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    add_range(IVRS_START, 8, 0xFFFE);
    add_ivmd(IVRS_IVMD_ALL, 0x77, 0x88, UINT64_C(0x100000000), UINT64_C(0x140000000));
    read_sound();
    assert_int_equal(ivrs.ivmd_count, 3);
    for (unsigned id = 0; id < 0x300; id++) {
        assert_int_equal(ivrs_ivmd_applies(&ivrs.ivmds[0], 0, (uint16_t)id), id == 0x20);
        assert_int_equal(ivrs_ivmd_applies(&ivrs.ivmds[1], 0, (uint16_t)id), id >> 8 == 1);
        assert_true(ivrs_ivmd_applies(&ivrs.ivmds[2], 0, (uint16_t)id));
        assert_false(ivrs_ivmd_applies(&ivrs.ivmds[2], 1, (uint16_t)id));
    }
    assert_true(ivrs_ivmd_applies(&ivrs.ivmds[2], 0, 0xFFFF));
    assert_int_equal(ivrs.ivmds[1].limit, 0x21FFF);
    assert_int_equal(ivrs.ivmds[2].limit, UINT64_C(0x23FFFFFFF));
    assert_int_equal(units(), 1);
    assert_silent();
}

static void memory_ranges_are_judged(void **state)
{
    static const struct {
        uint64_t start, length;
        unsigned flaws;
        uint64_t base, limit;
    } ranges[] = {
        {0, 1, IVRS_UNALIGNED | IVRS_PAGE_ZERO, 0, 0xFFF},
        {0x1F7F0000, 1, IVRS_UNALIGNED, 0x1F7F0000, 0x1F7F0FFF},
        {0x10800, 0x1000, IVRS_UNALIGNED, 0x10000, 0x11FFF},
        {0x10000, 0, IVRS_BAD_RANGE, 0, 0},
        {UINT64_MAX, 2, IVRS_BAD_RANGE, 0, 0},
        {0x2000, UINT64_MAX, IVRS_BAD_RANGE, 0, 0},
        {UINT64_C(0xFFFFFFFFFFFFF000), 0x1000, IVRS_BEYOND_WIDTH, UINT64_C(0xFFFFFFFFFFFFF000),
         UINT64_MAX},
        {UINT64_C(0xFFFFFFFFF000), 0x1000, 0, UINT64_C(0xFFFFFFFFF000), UINT64_C(0xFFFFFFFFFFFF)},
    };
    const unsigned count = sizeof(ranges) / sizeof(ranges[0]);

    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    for (unsigned i = 0; i < count; i++)
        add_ivmd(IVRS_IVMD_SELECT, 8, 0, ranges[i].start, ranges[i].length);
    read_sound();
    assert_int_equal(ivrs.ivmd_count, count);
    for (unsigned i = 0; i < count; i++) {
        const struct ivrs_ivmd *ivmd = &ivrs.ivmds[i];

        assert_int_equal(ivmd->start, ranges[i].start);
        assert_int_equal(ivmd->length, ranges[i].length);
        assert_int_equal(ivmd->record.flaws, ranges[i].flaws);
        assert_int_equal(ivmd->base, ranges[i].base);
        assert_int_equal(ivmd->limit, ranges[i].limit);
        assert_int_equal(ivrs_ivmd_applies(ivmd, 0, 8), ranges[i].limit != 0);
    }
    assert_false(ivrs.found.incomplete);
}

static void exclusion_keeps_its_flags(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    put(add_ivmd(IVRS_IVMD_SELECT, 8, 0, 0x10000, 0x1000) + 1, IVRS_EXCLUSION, 1);
    put(add_ivmd(IVRS_IVMD_SELECT, 8, 0, 0x10000, 0x1000) + 1, 0xF0 | IVRS_READ, 1);
    read_sound();
    assert_int_equal(ivrs.ivmds[0].flags, IVRS_EXCLUSION);
    assert_int_equal(ivrs.ivmds[1].flags, 0xF0 | IVRS_READ);
    assert_silent();
}

static void memory_of_no_unit_is_said(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_range(IVRS_START, 0x300, 0x3FF); /* of a poorer block */
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_range(IVRS_START, 0x100, 0x1FF);
    add_ivmd(IVRS_IVMD_SELECT, 0x200, 0, 0x10000, 0x1000);
    add_ivmd(IVRS_IVMD_RANGE, 0x1FF, 0x200, 0x10000, 0x1000);
    add_ivmd(IVRS_IVMD_RANGE, 0x200, 0x1FF, 0x10000, 0x1000);
    add_ivmd(IVRS_IVMD_SELECT, 0x300, 0, 0x10000, 0x1000);
    put(add_ivmd(IVRS_IVMD_ALL, 0, 0, 0x10000, 0x1000) + 8, 1, 2); /* segment */
    read_sound();
    assert_int_equal(ivrs.ivmds[0].record.flaws, IVRS_UNMATCHED);
    assert_int_equal(ivrs.ivmds[1].record.flaws, 0);
    assert_int_equal(ivrs.ivmds[2].record.flaws, IVRS_BAD_RANGE);
    assert_int_equal(ivrs.ivmds[3].record.flaws, IVRS_UNMATCHED);
    assert_int_equal(ivrs.ivmds[4].record.flaws, IVRS_UNMATCHED);
}

/* Not what comes behind it: a block of another segment, or of a poorer type. */
static void entries_are_of_their_block_alone(void **state)
{
    uint16_t device_id;

    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_entry(IVRS_SELECT, 0x100, 0);
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_special(IVRS_IOAPIC, 9, 0xA0);
    add_ivhd(IVRS_IVHD_11, 1, 2, BASE + 0x80000);
    add_entry(IVRS_SELECT, 0x100, 0);
    add_ivhd(IVRS_IVHD_11, 2, 2, BASE + 0x100000);
    add_entry(IVRS_SELECT, 0x200, 0);
    put(add_ivmd(IVRS_IVMD_SELECT, 0x200, 0, 0x10000, 0x1000) + 8, 1, 2); /* segment */
    read_sound();
    assert_false(find_special(IVRS_IOAPIC, 9, &device_id));
    assert_int_equal(ivrs.ivmds[0].record.flaws, IVRS_UNMATCHED);
    set_madt(0, 0);
    assert_true(ivrs_io_apics_known(&ivrs, &madt, NULL, 0));
    assert_false(log_has("no IOAPIC of MADT"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_richest_block_counts, begin),
        cmocka_unit_test_setup(poorer_blocks_may_err, begin),
        cmocka_unit_test_setup(a_block_listed_twice_is_one_unit, begin),
        cmocka_unit_test_setup(blocks_agree_in_every_field, begin),
        cmocka_unit_test_setup(two_units_on_one_register_set_are_not_believed, begin),
        cmocka_unit_test_setup(units_without_a_usable_base_are_flagged, begin),
        cmocka_unit_test_setup(an_unusable_unit_does_not_pass_its_devices_on, begin),
        cmocka_unit_test_setup(units_are_found_in_any_order_and_segment, begin),
        cmocka_unit_test_setup(a_device_of_two_units_has_none, begin),
        cmocka_unit_test_setup(what_a_unit_can_do_is_kept_as_written, begin),
        cmocka_unit_test_setup(blocks_at_odd_offsets_are_read, begin),
        cmocka_unit_test_setup(io_apics_are_compared_with_the_madt, begin),
        cmocka_unit_test_setup(unknown_io_apics_cannot_flood_the_log, begin),
        cmocka_unit_test_setup(a_table_without_io_apics_is_read, begin),
        cmocka_unit_test_setup(one_handle_with_two_ids_is_not_believed, begin),
        cmocka_unit_test_setup(an_io_apic_has_any_device_id, begin),
        cmocka_unit_test_setup(an_hpet_of_another_number_stays, begin),
        cmocka_unit_test_setup(an_unknown_variety_is_said_and_kept, begin),
        cmocka_unit_test_setup(memory_blocks_stand_anywhere, begin),
        cmocka_unit_test_setup(memory_ranges_are_judged, begin),
        cmocka_unit_test_setup(exclusion_keeps_its_flags, begin),
        cmocka_unit_test_setup(memory_of_no_unit_is_said, begin),
        cmocka_unit_test_setup(entries_are_of_their_block_alone, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
