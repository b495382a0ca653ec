/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The IVRS reader: a bad record costs itself alone and one line, what cannot be trusted is flagged
 * and never guessed, no byte beyond a table is read, however it is cut or damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ivrs_fixture.h"

/* ---- Tables ---- */

static void an_empty_table_is_valid(void **state)
{
    (void)state;
    read_sound();
    assert_int_equal(ivrs.info, 0x203043);
    assert_int_equal(IVRS_PA_SIZE(ivrs.info), 48);
    assert_int_equal(IVRS_VA_SIZE(ivrs.info), 64);
    assert_int_equal(look_up(8).unit, -1);
    assert_silent();
}

static void a_table_below_its_fixed_part_is_refused(void **state)
{
    struct acpi_table none = {NULL, 0};

    (void)state;
    assert_false(read_cut(47));
    assert_true(log_has("IVRS at offset 0: table: shorter than its fixed part"));
    assert_false(ivrs_read(&none, &ivrs));
    put(4, 47, 4);
    assert_false(read_cut(table_length));
}

static void the_shorter_of_header_and_buffer_is_read(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    put(4, table_length + 24, 4);
    read_sound();
    assert_int_equal(ivrs.ivhd_count, 1);
    assert_true(ivrs.found.incomplete);
    assert_true(log_has("table: shorter than its header says"));
    put(4, 48, 4);
    read_sound();
    assert_int_equal(ivrs.ivhd_count, 0);
    assert_int_equal(ivrs.found.skipped, 0);
}

static void blocks_count_and_not_the_revision(void **state)
{
    static const uint8_t revisions[] = {0, 1, 2, 3, 255};

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    for (size_t i = 0; i < sizeof(revisions); i++) {
        table[8] = revisions[i];
        read_sound();
        assert_int_equal(ivrs.revision, revisions[i]);
        assert_true(ivrs_is_unit(&ivrs, 1) && !ivrs_is_unit(&ivrs, 0));
        assert_silent();
    }
}

static void each_type_alone_is_a_unit(void **state)
{
    static const unsigned types[] = {IVRS_IVHD_10, IVRS_IVHD_11, IVRS_IVHD_40};

    for (size_t i = 0; i < 3; i++) {
        begin(state);
        add_ivhd(types[i], 0, 2, BASE);
        add_range(IVRS_START, 8, 0xFFFE);
        read_sound();
        assert_int_equal(units(), 1);
        assert_int_equal(look_up(0x10).unit, 0);
        assert_silent();
    }
}

static void a_second_table_leaves_nothing_of_the_first(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, 0);
    add_entry(IVRS_ALL, 0, 0);
    add_hid(0xA5, "AMDI0020", IVRS_UID_NONE, "", 0);
    add_ivmd(IVRS_IVMD_ALL, 0, 0, 0x1000, 0x1000);
    add_block(0x51, 32);
    read_sound();
    begin(state);
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    read_sound();
    assert_int_equal(ivrs.ivhds[0].entry_count, 0);
    assert_int_equal(ivrs.ivmd_count + ivrs.hid_count + ivrs.found.unknown, 0);
    assert_int_equal(look_up(8).unit, -1);
    assert_silent();
}

static void a_length_that_cannot_be_stepped_by_ends_the_walk(void **state)
{
    static const unsigned lengths[] = {0, 1, 3, 25, 0xFFFF};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        begin(state);
        add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
        put(add_ivhd(IVRS_IVHD_10, 1, 2, BASE + 0x80000) + 2, lengths[i], 2);
        read_sound();
        assert_int_equal(ivrs.ivhd_count, 1);
        assert_int_equal(ivrs.found.skipped, 1);
        assert_true(ivrs.found.incomplete);
        assert_true(log_has("IVRS at offset 72: record"));
        assert_int_equal(log_captured_lines, 1);
    }
}

static void a_short_block_is_skipped_alone(void **state)
{
    (void)state;
    add_block(IVRS_IVHD_10, 23);
    add_block(IVRS_IVHD_11, 39);
    add_block(IVRS_IVHD_40, 24);
    add_block(IVRS_IVMD_SELECT, 31);
    read_sound();
    assert_int_equal(ivrs.found.skipped, 4);
    assert_int_equal(ivrs.ivhd_count + ivrs.ivmd_count, 0);
    assert_true(ivrs.found.incomplete);
    assert_string_equal(ivrs.found.reason,
                        "IVRS at offset 48: IVHD: shorter than its type; skipped");

    begin(state);
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_block(IVRS_IVMD_SELECT, 31);
    add_ivmd(IVRS_IVMD_ALL, 0, 0, 0x1000, 0x1000);
    read_sound();
    assert_int_equal(ivrs.ivmd_count, 1);
    assert_false(ivrs.found.incomplete); /* the units are whole */
}

static void a_longer_memory_block_is_read_by_its_first_bytes(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_ivmd(IVRS_IVMD_SELECT, 8, 0, 0x10000, 0x1000);
    grow(13);
    add_ivmd(IVRS_IVMD_SELECT, 9, 0, 0x20000, 0x1000);
    read_sound();
    assert_int_equal(ivrs.ivmd_count, 2);
    assert_int_equal(ivrs.ivmds[0].limit, 0x10FFF);
    assert_int_equal(ivrs.ivmds[1].start, 0x20000);
    assert_silent();
}

static void unknown_blocks_are_stepped_over_anywhere(void **state)
{
    (void)state;
    add_block(0x51, 32);
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_block(0x12, 4);
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_block(0x23, 32);
    read_sound();
    assert_int_equal(ivrs.found.unknown, 3);
    assert_int_equal(ivrs.found.unknowns[0].type, 0x51);
    assert_int_equal(ivrs.found.unknowns[0].offset, 48);
    assert_int_equal(ivrs.found.unknowns[2].length, 32);
    assert_int_equal(ivrs.ivhd_count, 2);
    assert_int_equal(look_up(8).unit, 1);
    assert_silent();
}

static void more_than_fits_is_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < IVRS_RECORDS_MAX + 3; i++)
        add_ivhd(IVRS_IVHD_10, i, 2, BASE + (UINT64_C(0x80000) * i));
    read_sound();
    assert_int_equal(ivrs.ivhd_count, IVRS_RECORDS_MAX);
    assert_int_equal(ivrs.found.skipped, 3);
    assert_true(ivrs.found.incomplete);

    begin(state);
    for (unsigned i = 0; i < IVRS_RECORDS_MAX + 3; i++)
        add_ivmd(IVRS_IVMD_ALL, 0, 0, 0x1000, 0x1000);
    read_sound();
    assert_int_equal(ivrs.ivmd_count, IVRS_RECORDS_MAX);
    assert_int_equal(ivrs.found.skipped, 3);

    begin(state);
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    for (unsigned i = 0; i < IVRS_HIDS_MAX + 3; i++)
        add_hid(i, "AMDI0020", IVRS_UID_NONE, "", 0);
    read_sound();
    assert_int_equal(ivrs.hid_count, IVRS_HIDS_MAX);
    assert_int_equal(ivrs.found.skipped, 3);
}

static void more_entries_than_fit_cut_their_block(void **state)
{
    static uint8_t large[48 + 24 + 4 * (IVRS_ENTRIES_MAX + 2)];
    struct acpi_table whole;

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    put(4, sizeof(large), 4);
    put(block_start + 2, sizeof(large) - 48, 2);
    memcpy(large, table, table_length);
    whole = exact(large, sizeof(large));
    assert_true(ivrs_read(&whole, &ivrs));
    release(&whole);
    assert_int_equal(ivrs.entry_count, IVRS_ENTRIES_MAX);
    assert_int_equal(ivrs.ivhds[0].record.flaws, IVRS_ENTRIES_CUT);
    assert_int_equal(ivrs.found.skipped, 2);
    assert_true(ivrs.found.incomplete);
}

static void a_hostile_table_cannot_flood_the_log(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    for (unsigned i = 0; i < 500; i++)
        add_entry(IVRS_END, 0, 0);
    read_sound();
    assert_int_equal(ivrs.found.flawed, 500);
    assert_in_range(log_captured_lines, 1, 40);
    assert_true(log_has("further faults are only counted"));
}

/* ---- Device entries ---- */

static void padding_selects_nothing_and_ends_nothing(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_entry(IVRS_SELECT, 8, 0);
    add_entry(IVRS_PAD_4, 0, 0);
    add_entry(IVRS_PAD_8, 0, 0);
    add_entry(IVRS_START, 0x10, 0);
    add_entry(IVRS_PAD_4, 0, 0);
    add_entry(IVRS_END, 0x17, 0);
    read_sound();
    assert_int_equal(ivrs.ivhds[0].entry_count, 6);
    assert_int_equal(look_up(0).unit, -1);
    assert_int_equal(look_up(8).unit, 0);
    assert_int_equal(look_up(0x17).unit, 0);
    assert_int_equal(look_up(0x18).unit, -1);
    assert_silent();
}

static void unknown_entries_are_stepped_over_by_their_size(void **state)
{
    static const unsigned types[] = {5, 0x3F, 0x41, 0x44, 0x7F, 0x80, 0xBF, 0xC0, 0xEF};

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t at = add_entry(types[i], 8, 0);

        memset(table + at + 4, 0xF1, table_length - at - 4); /* would end the list */
        add_entry(IVRS_SELECT, 0x100 + (unsigned)i, 0);
    }
    read_sound();
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(look_up(0x100 + i).unit, 0);
    assert_int_equal(look_up(8).unit, -1);
    assert_int_equal(ivrs.found.flawed, 9);
    assert_int_equal(ivrs.found.skipped, 0);
}

static void an_entry_of_no_known_size_ends_its_list_alone(void **state)
{
    static const unsigned types[] = {0xF1, 0xFF, IVRS_ACPI_HID, IVRS_SPECIAL, 0xC0};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        begin(state);
        add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
        add_entry(IVRS_SELECT, 8, 0);
        put(grow(6), types[i], 1); /* too few bytes for any of them */
        add_ivhd(IVRS_IVHD_11, 0, 0x4002, BASE + 0x80000);
        add_entry(IVRS_SELECT, 9, 0);
        read_sound();
        assert_int_equal(ivrs.ivhds[0].record.flaws, IVRS_ENTRIES_CUT);
        assert_int_equal(ivrs.ivhds[0].entry_count, 1);
        assert_int_equal(look_up(8).unit, 0);
        assert_int_equal(look_up(9).unit, 1);
        assert_true(ivrs.found.incomplete);
        assert_true(log_has("IVRS at offset 92: device entry: length is wrong; list ends"));
    }
}

/* Each is a bit of its own, and none is lost. */
static void flaws_can_be_told_apart(void **state)
{
    static const enum ivrs_flaw flaws[] = {
        IVRS_NO_ADDRESS,  IVRS_UNALIGNED, IVRS_BEYOND_WIDTH, IVRS_DUPLICATE,
        IVRS_CONFLICT,    IVRS_DISAGREES, IVRS_BAD_RANGE,    IVRS_PAGE_ZERO,
        IVRS_ENTRIES_CUT, IVRS_UNMATCHED, IVRS_UNPAIRED,     IVRS_UNKNOWN,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof flaws / sizeof *flaws; i++)
        assert_int_equal(flaws[i], 1u << i);
}

static void a_range_needs_its_end_right_behind(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_entry(IVRS_START, 8, 0);
    add_entry(IVRS_SELECT, 0x20, 0);
    add_entry(IVRS_END, 0xFF, 0);
    add_alias(IVRS_ALIAS_START, 0x100, 0x20);
    add_range(IVRS_START, 0x200, 0x2FF);
    add_entry(IVRS_END, 0x3FF, 0);
    add_entry(IVRS_EXTENDED_START, 0x400, 0);
    read_sound();
    assert_int_equal(ivrs.ivhds[0].entry_count, 8);
    assert_int_equal(ivrs.found.flawed, 5);
    assert_int_equal(ivrs.entries[0].flaws, IVRS_UNPAIRED);
    assert_int_equal(ivrs.entries[2].flaws, IVRS_UNPAIRED);
    assert_int_equal(ivrs.entries[4].flaws, 0);
    assert_int_equal(look_up(8).unit, -1);
    assert_int_equal(look_up(0x20).unit, 0);
    assert_int_equal(look_up(0x100).unit, -1);
    assert_int_equal(look_up(0x280).unit, 0);
    assert_int_equal(look_up(0x300).unit, -1);
    assert_int_equal(look_up(0x400).unit, -1);
    assert_true(ivrs.found.incomplete); /* which devices were meant is not known */
}

static void a_range_that_ends_below_its_start_is_empty(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_range(IVRS_START, 0x100, 0xFF);
    add_range(IVRS_START, 0x200, 0x200);
    read_sound();
    assert_int_equal(ivrs.found.flawed, 1);
    assert_int_equal(ivrs.entries[0].flaws, IVRS_BAD_RANGE);
    assert_int_equal(look_up(0xFF).unit, -1);
    assert_int_equal(look_up(0x100).unit, -1);
    assert_int_equal(look_up(0x200).unit, 0);
    assert_int_equal(look_up(0x201).unit, -1);
}

/* The layout of AMD's own firmware. */
static void overlapping_ranges_are_no_error(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_range(IVRS_START, 8, 0xFFFE);
    add_alias(IVRS_ALIAS_START, 0xFF00, 0xA4);
    add_entry(IVRS_END, 0xFFFF, 0);
    add_entry(IVRS_PAD_4, 0, 0);
    add_special(IVRS_HPET, 0, 0xA0);
    put(add_special(IVRS_IOAPIC, 0x21, 0xA0) + 3, 0xD7, 1);
    read_sound();
    assert_int_equal(look_up(7).unit, -1);
    assert_int_equal(look_up(0xFEFF).requester, 0xFEFF);
    assert_int_equal(look_up(0xFF00).requester, 0xA4);
    assert_int_equal(look_up(0xFFFF).requester, 0xA4);
    assert_int_equal(look_up(0xFFFF).unit, 0);
    assert_int_equal(look_up(0xA0).setting, 0xD7);
    assert_int_equal(look_up(0xA4).setting, 0);
    assert_silent();
}

static void the_later_alias_and_the_smallest_range_win(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_alias(IVRS_ALIAS_SELECT, 0x110, 0x20);
    put(add_entry(IVRS_EXTENDED_SELECT, 0x120, 0x11) + 4, IVRS_ATS_DISABLED, 4);
    put(add_entry(IVRS_EXTENDED_START, 0x100, 0x22) + 4, 0x1234, 4);
    add_entry(IVRS_END, 0x1FF, 0xFF);
    add_alias(IVRS_ALIAS_START, 0x100, 0x30);
    add_entry(IVRS_END, 0x17F, 0);
    add_entry(IVRS_ALL, 0xFFFF, 0x33);
    add_entry(IVRS_SELECT, 0x120, 0x44);
    read_sound();
    assert_int_equal(look_up(0x110).requester, 0x30);
    assert_int_equal(look_up(0x110).setting, 0);
    assert_int_equal(look_up(0x120).setting, 0x44);
    assert_int_equal(look_up(0x120).extended, 0);
    assert_int_equal(look_up(0x1FF).setting, 0x22);
    assert_int_equal(look_up(0x1FF).extended, 0x1234);
    assert_int_equal(look_up(0x1FF).requester, 0x1FF);
    assert_int_equal(look_up(0x200).setting, 0x33);
    assert_int_equal(look_up(0).unit, 0);
    assert_silent();
}

static void a_range_to_the_last_device_ends(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_range(IVRS_START, 0, 0xFFFF);
    add_range(IVRS_EXTENDED_START, 0xFFFF, 0xFFFF);
    read_sound();
    assert_int_equal(look_up(0).unit, 0);
    assert_int_equal(look_up(0xFFFF).unit, 0);
    assert_silent();
}

static void ranges_and_singles_mix_in_one_block(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_entry(IVRS_SELECT, 8, 0);
    add_range(IVRS_START, 0x10, 0x17);
    add_alias(IVRS_ALIAS_SELECT, 0x20, 0x10);
    add_range(IVRS_START, 0x100, 0x1FF);
    add_range(IVRS_START, 0x300, 0x3FF);
    read_sound();
    for (unsigned id = 0; id < 0x500; id++) {
        bool in =
            id == 8 || (id >= 0x10 && id <= 0x17) || id == 0x20 || (id >> 8) == 1 || (id >> 8) == 3;

        assert_int_equal(look_up(id).unit, in ? 0 : -1);
    }
    assert_silent();
}

/* ---- ACPI HID ---- */

static void uids_have_every_form_and_exactly_their_length(void **state)
{
    static char longest[255];

    (void)state;
    memset(longest, 'A', sizeof(longest));
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    add_hid(1, "PNPD0040", IVRS_UID_NONE, "", 0);
    add_hid(2, "MSFT0201", IVRS_UID_INTEGER, "\1\0", 2);
    add_hid(3, "AMDI0020", IVRS_UID_INTEGER, "\1\2\3\4\5\6\7\10", 8);
    add_hid(4, "AMDI0020", IVRS_UID_STRING, "\\_SB.FUR0", 9);
    add_hid(5, "AMDI0020", IVRS_UID_STRING, longest, sizeof(longest));
    add_hid(6, "AMDI0020", IVRS_UID_STRING, "ID00", 4); /* ends with the block and the table */
    read_sound();
    assert_int_equal(ivrs.hid_count, 6);
    assert_int_equal(ivrs.hids[0].uid_length, 0);
    assert_memory_equal(ivrs.hids[0].hid, "PNPD0040", 8);
    assert_int_equal(ivrs.hids[1].uid_length, 2);
    assert_memory_equal(ivrs.hids[1].uid, "\1\0\0\0\0\0\0\0", 8);
    assert_int_equal(ivrs.hids[2].uid[7], 8);
    assert_memory_equal(ivrs.hids[3].uid, "\\_SB.FUR0", 9);
    assert_memory_equal(ivrs.hids[4].uid, longest, 255);
    assert_memory_equal(ivrs.hids[5].uid, "ID00", 4);
    for (unsigned id = 1; id <= 6; id++)
        assert_int_equal(look_up(id).unit, 0);
    assert_silent();
}

static void odd_hids_are_said_and_kept(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, 0x4002, BASE + 0x80000);
    add_hid(1, "AMDI0020", IVRS_UID_NONE, "", 0);
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    add_hid(2, "", IVRS_UID_NONE, "", 0);
    add_hid(3, "AMDI0020", IVRS_UID_NONE, "ab", 2);
    add_hid(4, "AMDI0020", IVRS_UID_INTEGER, "", 0);
    add_hid(5, "AMDI0020", IVRS_UID_INTEGER, "123456789", 9);
    add_hid(6, "AMDI0020", 3, "a", 1);
    add_hid(7, "AMDI0020", IVRS_UID_STRING, "", 0);
    read_sound();
    assert_int_equal(ivrs.hid_count, 7);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(ivrs.entries[i].flaws, i < 6 ? IVRS_UNKNOWN : 0);
        assert_int_equal(look_up(i + 1).unit, i > 0);
    }
    assert_false(ivrs.found.incomplete);
}

static void a_uid_that_leaves_its_block_is_cut(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    put(add_hid(1, "AMDI0020", IVRS_UID_STRING, "ID00", 4) + 21, 5, 1);
    add_ivmd(IVRS_IVMD_ALL, 0, 0, 0x1000, 0x1000);
    read_sound();
    assert_int_equal(ivrs.hid_count, 0);
    assert_int_equal(ivrs.ivhds[0].record.flaws, IVRS_ENTRIES_CUT);
    assert_int_equal(ivrs.ivmd_count, 1);
    assert_true(ivrs.found.incomplete);
}

static void an_entry_cut_by_the_end_of_the_table_is_not_read(void **state)
{
    static const unsigned types[] = {IVRS_SELECT, IVRS_ALIAS_SELECT, IVRS_ACPI_HID, 0xFF};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        for (size_t length = 1; length < 22; length++) {
            begin(state);
            add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
            memset(table + grow(length), (int)types[i], 1);
            read_sound();
            assert_int_equal(ivrs.hid_count, 0);
            assert_true(ivrs.ivhds[0].entry_count * 4u <= length);
        }
}

/* ---- Any cut, any damage ---- */

static const struct acpi_madt no_madt;

static void use(const uint8_t *bytes, size_t length)
{
    struct acpi_table whole = exact(bytes, length);

    if (ivrs_read(&whole, &ivrs)) {
        uint16_t segment, device_id;

        for (unsigned id = 0; id < 0x10000; id += 0xFF) {
            int unit = look_up(id).unit;

            assert_true(unit == -1 || ivrs_is_unit(&ivrs, (unsigned)unit));
            assert_true(unit == -1 || !(ivrs.ivhds[unit].record.flaws & IVRS_UNUSABLE));
        }
        (void)!ivrs_special(&ivrs, IVRS_IOAPIC, 33, NULL, 0, &segment, &device_id);
        (void)!ivrs_io_apics_known(&ivrs, &no_madt, NULL, 0);
    }
    release(&whole);
}

static void every_block(void)
{
    add_ivhd(IVRS_IVHD_10, 0, 2, BASE);
    add_range(IVRS_START, 8, 0xFFFE);
    add_ivhd(IVRS_IVHD_11, 0, 2, BASE);
    add_range(IVRS_START, 8, 0xFFFE);
    add_alias(IVRS_ALIAS_SELECT, 0x100, 0x20);
    add_ivmd(IVRS_IVMD_SELECT, 0x20, 0, 0x10000, 0x1000);
    add_ivhd(IVRS_IVHD_40, 0, 2, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_range(IVRS_START, 8, 0xFFFE);
    add_alias(IVRS_ALIAS_START, 0xFF00, 0xA4);
    add_entry(IVRS_END, 0xFFFF, 0);
    add_entry(IVRS_PAD_4, 0, 0);
    add_range(IVRS_EXTENDED_START, 0x200, 0x2FF);
    add_entry(IVRS_EXTENDED_SELECT, 0x300, 0);
    add_special(IVRS_IOAPIC, 33, 0xA0);
    add_special(IVRS_HPET, 0, 0xA0);
    add_hid(0xA5, "AMDI0020", IVRS_UID_STRING, "\\_SB.FUR0", 9);
    add_hid(0x60, "MSFT0201", IVRS_UID_INTEGER, "\1\0", 2);
    add_ivmd(IVRS_IVMD_RANGE, 0x100, 0x1FF, 0x20000, 0x2000);
    add_ivmd(IVRS_IVMD_ALL, 0, 0, 0x30000, 0x2000);
    add_block(0x51, 32);
}

static void any_cut_is_survived(void **state)
{
    (void)state;
    every_block();
    for (size_t cut = 0; cut <= table_length; cut++) {
        use(table, cut);
        assert_true(cut < 48 || cut == table_length || ivrs.found.incomplete);
    }
    assert_int_equal(ivrs.found.skipped + ivrs.found.flawed, 0);
    assert_int_equal(ivrs.found.unknown, 1);
}

static void any_damage_is_survived(void **state)
{
    (void)state;
    every_block();
    use_damaged(use);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_table_is_valid, begin),
        cmocka_unit_test_setup(a_table_below_its_fixed_part_is_refused, begin),
        cmocka_unit_test_setup(the_shorter_of_header_and_buffer_is_read, begin),
        cmocka_unit_test_setup(blocks_count_and_not_the_revision, begin),
        cmocka_unit_test_setup(each_type_alone_is_a_unit, begin),
        cmocka_unit_test_setup(a_second_table_leaves_nothing_of_the_first, begin),
        cmocka_unit_test_setup(a_length_that_cannot_be_stepped_by_ends_the_walk, begin),
        cmocka_unit_test_setup(a_short_block_is_skipped_alone, begin),
        cmocka_unit_test_setup(a_longer_memory_block_is_read_by_its_first_bytes, begin),
        cmocka_unit_test_setup(unknown_blocks_are_stepped_over_anywhere, begin),
        cmocka_unit_test_setup(more_than_fits_is_counted, begin),
        cmocka_unit_test_setup(more_entries_than_fit_cut_their_block, begin),
        cmocka_unit_test_setup(a_hostile_table_cannot_flood_the_log, begin),
        cmocka_unit_test_setup(padding_selects_nothing_and_ends_nothing, begin),
        cmocka_unit_test_setup(unknown_entries_are_stepped_over_by_their_size, begin),
        cmocka_unit_test_setup(an_entry_of_no_known_size_ends_its_list_alone, begin),
        cmocka_unit_test(flaws_can_be_told_apart),
        cmocka_unit_test_setup(a_range_needs_its_end_right_behind, begin),
        cmocka_unit_test_setup(a_range_that_ends_below_its_start_is_empty, begin),
        cmocka_unit_test_setup(overlapping_ranges_are_no_error, begin),
        cmocka_unit_test_setup(the_later_alias_and_the_smallest_range_win, begin),
        cmocka_unit_test_setup(a_range_to_the_last_device_ends, begin),
        cmocka_unit_test_setup(ranges_and_singles_mix_in_one_block, begin),
        cmocka_unit_test_setup(uids_have_every_form_and_exactly_their_length, begin),
        cmocka_unit_test_setup(odd_hids_are_said_and_kept, begin),
        cmocka_unit_test_setup(a_uid_that_leaves_its_block_is_cut, begin),
        cmocka_unit_test_setup(an_entry_cut_by_the_end_of_the_table_is_not_read, begin),
        cmocka_unit_test_setup(any_cut_is_survived, begin),
        cmocka_unit_test_setup(any_damage_is_survived, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
