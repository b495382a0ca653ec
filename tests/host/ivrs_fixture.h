/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef IVRS_FIXTURE_H
#define IVRS_FIXTURE_H

#include "drivers/iommu/amdvi/ivrs.h"
#include "log_capture.h"
#include "table_fixture.h"

/* An IVRS made by hand, and read. */
#define BASE UINT64_C(0xFD200000)

static struct ivrs ivrs;
static size_t block_start;

static inline int begin(void **state)
{
    (void)state;
    begin_table("IVRS");
    table[8] = 2;
    put(36, 0x203043, 4); /* EFRSup, DMA remap, PASize 48, VASize 64 */
    return log_capture_start() ? 0 : -1;
}

static inline size_t add_block(unsigned type, size_t length)
{
    block_start = append(length);
    put(block_start, type, 1);
    put(block_start + 2, length, 2);
    return block_start;
}

static inline size_t add_ivhd(unsigned type, unsigned segment, unsigned device_id, uint64_t base)
{
    size_t at = add_block(type, type == IVRS_IVHD_10 ? 24 : 40);

    put(at + 4, device_id, 2);
    put(at + 6, 0x40, 2);
    put(at + 8, base, 8);
    put(at + 16, segment, 2);
    return at;
}

static inline size_t grow(size_t length)
{
    size_t at = append(length);

    put(block_start + 2, table_length - block_start, 2);
    return at;
}

static inline size_t add_entry(unsigned type, unsigned device_id, unsigned setting)
{
    size_t at = grow(type < 0xF0 ? 4u << (type >> 6) : 22);

    put(at, type, 1);
    put(at + 1, device_id, 2);
    put(at + 3, setting, 1);
    return at;
}

static inline void add_range(unsigned type, unsigned first, unsigned last)
{
    add_entry(type, first, 0);
    add_entry(IVRS_END, last, 0);
}

static inline void add_alias(unsigned type, unsigned device_id, unsigned source_id)
{
    put(add_entry(type, device_id, 0) + 5, source_id, 2);
}

static inline size_t add_special(unsigned variety, unsigned handle, unsigned source_id)
{
    size_t at = add_entry(IVRS_SPECIAL, 0, 0);

    put(at + 4, handle, 1);
    put(at + 5, source_id, 2);
    put(at + 7, variety, 1);
    return at;
}

static inline size_t add_hid(unsigned device_id, const char *hid, unsigned format, const char *uid,
                             size_t length)
{
    size_t at = add_entry(IVRS_ACPI_HID, device_id, 0);

    grow(length);
    memcpy(table + at + 4, hid, strlen(hid));
    put(at + 20, format, 1);
    put(at + 21, length, 1);
    memcpy(table + at + 22, uid, length);
    return at;
}

static inline size_t add_ivmd(unsigned type, unsigned device_id, unsigned auxiliary, uint64_t start,
                              uint64_t length)
{
    size_t at = add_block(type, 32);

    put(at + 1, IVRS_UNITY | IVRS_READ | IVRS_WRITE, 1);
    put(at + 4, device_id, 2);
    put(at + 6, auxiliary, 2);
    put(at + 16, start, 8);
    put(at + 24, length, 8);
    return at;
}

static inline bool read_cut(size_t length)
{
    struct acpi_table whole = exact(table, length);
    bool read = ivrs_read(&whole, &ivrs);

    release(&whole);
    return read;
}

static inline void read_sound(void)
{
    assert_true(read_cut(table_length));
}

static inline unsigned units(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ivrs.ivhd_count; i++)
        count += ivrs_is_unit(&ivrs, i);
    return count;
}

static inline void assert_silent(void)
{
    assert_int_equal(ivrs.found.skipped + ivrs.found.flawed, 0);
    assert_false(ivrs.found.incomplete);
    assert_string_equal(ivrs.found.reason, "");
    assert_int_equal(log_captured_lines, 0);
}

static inline struct ivrs_device look_up(unsigned device_id)
{
    return ivrs_device(&ivrs, 0, (uint16_t)device_id);
}

#endif
