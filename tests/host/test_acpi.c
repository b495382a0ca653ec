/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * ACPI readers: sound tables give their values; a bad record costs itself alone and one line; no
 * byte beyond a table is read, however it is cut or damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/acpi/acpi.h"
#include "log_capture.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Firmware memory ---- */

#define BLOBS_MAX 160

static struct {
    uint64_t physical;
    const uint8_t *bytes;
    size_t length;
} blobs[BLOBS_MAX];
static unsigned blob_count;

static const void *read_firmware(uint64_t physical, size_t length)
{
    for (unsigned i = 0; i < blob_count; i++)
        if (physical >= blobs[i].physical && length <= blobs[i].length &&
            physical - blobs[i].physical <= blobs[i].length - length)
            return blobs[i].bytes + (physical - blobs[i].physical);
    return NULL;
}

static void add_blob(uint64_t physical, const uint8_t *bytes, size_t length)
{
    assert_true(blob_count < BLOBS_MAX);
    blobs[blob_count].physical = physical;
    blobs[blob_count].bytes = bytes;
    blobs[blob_count++].length = length;
}

static void put(uint8_t *bytes, size_t offset, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

static void balance(uint8_t *bytes, size_t length, size_t checksum)
{
    uint8_t sum = 0;

    bytes[checksum] = 0;
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[checksum] = (uint8_t)-sum;
}

static void seal(uint8_t *bytes, const char *signature, size_t length)
{
    memcpy(bytes, signature, 4);
    put(bytes, 4, length, 4);
    balance(bytes, length, 9);
}

#define RSDP        0xE0000u
#define XSDT        0x10000u
#define RSDT        0x11000u
#define FIRST_TABLE 0x20000u

static uint8_t rsdp[36], xsdt[36 + 8 * 8], rsdt[36 + 4 * 4], tables[4][64];

/* A revision 2 machine: XSDT with tables AAAA, BBBB, AAAA; RSDT with BBBB alone. */
static int machine(void **state)
{
    static const char *const names[3] = {"AAAA", "BBBB", "AAAA"};

    (void)state;
    blob_count = 0;
    memset(rsdp, 0, sizeof(rsdp));
    memset(xsdt, 0, sizeof(xsdt));
    memset(rsdt, 0, sizeof(rsdt));
    memset(tables, 0, sizeof(tables));
    memcpy(rsdp, "RSD PTR \0BULK\001D", 15);
    rsdp[15] = 2;
    put(rsdp, 16, RSDT, 4);
    put(rsdp, 20, sizeof(rsdp), 4);
    put(rsdp, 24, XSDT, 8);
    balance(rsdp, 20, 8);
    balance(rsdp, sizeof(rsdp), 32);
    for (unsigned i = 0; i < 3; i++) {
        put(xsdt, 36 + 8 * i, FIRST_TABLE + 0x1000 * i, 8);
        tables[i][40] = (uint8_t)i;
        seal(tables[i], names[i], 44);
        add_blob(FIRST_TABLE + 0x1000 * i, tables[i], 44);
    }
    seal(xsdt, "XSDT", 36 + 24);
    put(rsdt, 36, FIRST_TABLE + 0x1000, 4);
    seal(rsdt, "RSDT", 40);
    add_blob(RSDP, rsdp, sizeof(rsdp));
    add_blob(XSDT, xsdt, sizeof(xsdt));
    add_blob(RSDT, rsdt, sizeof(rsdt));
    return log_capture_start() ? 0 : -1;
}

static void finds_tables_through_xsdt(void **state)
{
    static struct acpi_tables found;

    (void)state;
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 3);
    assert_int_equal(found.skipped, 0);
    assert_int_equal(found.revision, 2);
    assert_string_equal(found.oem_id, "BULK?D");
    assert_int_equal(log_captured_lines, 0);
    assert_int_equal(acpi_u8(&(struct acpi_table){acpi_table_get(&found, "AAAA", 1).data, 44}, 40),
                     2);
    assert_null(acpi_table_get(&found, "AAAA", 2).data);
    assert_null(acpi_table_get(&found, "CCCC", 0).data);
}

static void revision_0_uses_rsdt(void **state)
{
    static struct acpi_tables found;

    (void)state;
    rsdp[15] = 0;
    balance(rsdp, 20, 8);
    blobs[3].length = 20; /* nothing behind the revision 0 part may be read */
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 1);
    assert_memory_equal(found.tables[0].data, "BBBB", 4);
}

static void bad_xsdt_falls_back_to_rsdt(void **state)
{
    static struct acpi_tables found;

    (void)state;
    xsdt[0] = 'Y';
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 1);
    assert_true(log_has("no XSDT"));
}

static void wrong_checksums_are_said_and_kept(void **state)
{
    static struct acpi_tables found;

    (void)state;
    rsdp[32]++;
    xsdt[9]++;
    tables[0][9]++;
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 3);
    assert_true(log_has("extended checksum is wrong"));
    assert_true(log_has("XSDT at 0x10000: checksum is wrong"));
    assert_true(log_has("AAAA at 0x20000: checksum is wrong"));
}

static void bad_root_entries_are_skipped_alone(void **state)
{
    static struct acpi_tables found;

    (void)state;
    put(xsdt, 60, 0, 8);              /* null */
    put(xsdt, 68, FIRST_TABLE, 8);    /* listed twice */
    put(xsdt, 76, UINT64_MAX - 8, 8); /* unreadable */
    put(xsdt, 84, FIRST_TABLE + 0x3000, 8);
    put(tables[3], 4, 0xFFFFFFFF, 4); /* wild length */
    add_blob(FIRST_TABLE + 0x3000, tables[3], 64);
    put(tables[1], 4, 45, 4); /* a byte more than there is */
    seal(xsdt, "XSDT", 36 + 7 * 8 + 3);
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 2);
    assert_int_equal(found.skipped, 5);
    assert_true(log_has("offset 60 is null"));
    assert_true(log_has("offset 68 is listed twice"));
    assert_true(log_has("length 0xffffffff"));
    assert_true(log_has("45 bytes cannot be read"));
    assert_true(log_has("3 bytes are no entry"));
}

static void no_rsdp_is_no_tables(void **state)
{
    static struct acpi_tables found;

    (void)state;
    assert_false(acpi_find_tables(0, read_firmware, &found));
    assert_false(acpi_find_tables(0x5000, read_firmware, &found));
    rsdp[0] = 'X';
    assert_false(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 0);
    machine(state);
    put(rsdp, 16, 0, 8);
    put(rsdp, 24, 0, 8);
    assert_false(acpi_find_tables(RSDP, read_firmware, &found));
}

static void rsdp_of_wild_length_is_read_as_revision_0(void **state)
{
    static struct acpi_tables found;

    (void)state;
    put(rsdp, 20, 0x7FFFFFFF, 4);
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 1);
    assert_true(log_has("only revision 0 is read"));
}

static void root_with_more_tables_than_fit(void **state)
{
    static struct acpi_tables found;
    static uint8_t root[36 + 8 * (ACPI_TABLES_MAX + 2)];

    (void)state;
    memset(root, 0, sizeof(root));
    for (unsigned i = 0; i < ACPI_TABLES_MAX + 2; i++) {
        put(root, 36 + 8 * i, 0x100000 + 0x1000 * i, 8);
        add_blob(0x100000 + 0x1000 * i, tables[0], 44);
    }
    seal(root, "XSDT", sizeof(root));
    blobs[4].bytes = root;
    blobs[4].length = sizeof(root);
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, ACPI_TABLES_MAX);
    assert_int_equal(found.skipped, 2);
}

static void a_root_table_is_read_up_to_a_bound(void **state)
{
    static struct acpi_tables found;
    static uint8_t root[36 + 8 * 300];

    (void)state;
    memset(root, 0, sizeof(root));
    put(root, sizeof(root) - 8, FIRST_TABLE, 8);
    seal(root, "XSDT", sizeof(root));
    blobs[4].bytes = root;
    blobs[4].length = sizeof(root);
    assert_true(acpi_find_tables(RSDP, read_firmware, &found));
    assert_int_equal(found.count, 0);
    assert_int_equal(found.skipped, 256);
    assert_true(log_has("offset 36 is null"));
    assert_int_equal(log_captured_lines, 256 + 1);
}

/* ---- Single tables ---- */

/* A heap copy of exactly `length` bytes: reading beyond it is an ASan error. */
static struct acpi_table exact(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return (struct acpi_table){copy, length};
}

static void release(struct acpi_table *table)
{
    free((void *)(uintptr_t)table->data);
}

static const uint8_t madt_bytes[] = {
    'A',  'P', 'I', 'C', 0,    0,    0,    0,    5,  0, 'x', 'x', 'x', 'x', 'x', 'x', 'x',
    'x',  'x', 'x', 'x', 'x',  'x',  'x',  1,    0,  0, 0,   'x', 'x', 'x', 'x', 1,   0,
    0,    0,   0,   0,   0xE0, 0xFE, 1,    0,    0,  0,         /* local APIC, PCAT_COMPAT */
    0,    8,   0,   0,   1,    0,    0,    0,                   /* 44: processor, enabled */
    0,    8,   1,   1,   2,    0,    0,    0,                   /* 52: online capable only */
    1,    12,  2,   0,   0,    0,    0xC0, 0xFE, 24, 0, 0,   0, /* 60: I/O APIC 2 */
    2,    10,  0,   0,   2,    0,    0,    0,    0,  0,         /* 72: override */
    0x7F, 5,   1,   2,   3,                                     /* 82: unknown */
    9,    16,  0,   0,   0,    1,    0,    0,    1,  0, 0,   0,   0,   0,   0,   0, /* 87: x2APIC,
                                                                                       enabled */
    5,    12,  0,   0,   0,    0,    0xE1, 0xFE, 1,  0, 0,   0, /* 103: address override */
};

static void madt_is_read(void **state)
{
    struct acpi_table table = exact(madt_bytes, sizeof(madt_bytes));
    struct acpi_madt madt;

    (void)state;
    acpi_read_madt(&table, &madt);
    assert_int_equal(madt.local_apic, 0x1FEE10000);
    assert_true(madt.legacy_pics);
    assert_int_equal(madt.processors, 2);
    assert_int_equal(madt.io_apic_count, 1);
    assert_int_equal(madt.io_apics[0].id, 2);
    assert_int_equal(madt.io_apics[0].address, 0xFEC00000);
    assert_int_equal(madt.io_apics[0].gsi_base, 24);
    assert_int_equal(madt.unknown, 1);
    assert_int_equal(madt.skipped, 0);
    assert_int_equal(log_captured_lines, 0);
    release(&table);
}

static void madt_walk_ends_at_a_bad_length(void **state)
{
    static const uint8_t lengths[] = {0, 1, 200};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths); i++) {
        struct acpi_table table = exact(madt_bytes, sizeof(madt_bytes));
        struct acpi_madt madt;

        ((uint8_t *)(uintptr_t)table.data)[73] = lengths[i];
        acpi_read_madt(&table, &madt);
        assert_int_equal(madt.io_apic_count, 1);
        assert_int_equal(madt.processors, 1);
        assert_int_equal(madt.skipped, 1);
        assert_true(log_has("MADT at offset 72"));
        release(&table);
    }
}

static void madt_short_structure_is_skipped_alone(void **state)
{
    struct acpi_table table = exact(madt_bytes, sizeof(madt_bytes));
    uint8_t *bytes = (uint8_t *)(uintptr_t)table.data;
    struct acpi_madt madt;

    (void)state;
    bytes[61] = 10; /* I/O APIC of 10 bytes, then an unknown one of 2 */
    bytes[70] = 0x7E;
    bytes[71] = 2;
    acpi_read_madt(&table, &madt);
    assert_int_equal(madt.io_apic_count, 0);
    assert_int_equal(madt.skipped, 1);
    assert_int_equal(madt.unknown, 2);
    assert_int_equal(madt.processors, 2);
    release(&table);
}

static void put_range(uint8_t *bytes, unsigned n, uint64_t base, unsigned segment, unsigned first,
                      unsigned last)
{
    put(bytes, 44 + 16 * n, base, 8);
    put(bytes, 44 + 16 * n + 8, segment, 2);
    bytes[44 + 16 * n + 10] = (uint8_t)first;
    bytes[44 + 16 * n + 11] = (uint8_t)last;
}

static void mcfg_keeps_the_sound_ranges(void **state)
{
    uint8_t bytes[44 + 16 * 8 + 5] = {0};
    struct acpi_table table;
    struct acpi_mcfg mcfg;

    (void)state;
    put_range(bytes, 0, 0xB0000000, 0, 0, 0x7F);
    put_range(bytes, 1, 0xC0000000, 1, 0x80, 0xFF);
    put_range(bytes, 2, 0xD0000000, 0, 0x7F, 0xFF);    /* bus 7F twice */
    put_range(bytes, 3, 0, 2, 0, 0xFF);                /* no base */
    put_range(bytes, 4, 0xD0001000, 3, 0, 0xFF);       /* unaligned */
    put_range(bytes, 5, 0xD0000000, 4, 9, 8);          /* last below first */
    put_range(bytes, 6, UINT64_MAX << 20, 5, 0, 0xFF); /* wraps */
    put_range(bytes, 7, 0xD0000000, 1, 0, 0x80);       /* bus 80 twice */
    table = exact(bytes, sizeof(bytes));
    acpi_read_mcfg(&table, &mcfg);
    assert_int_equal(mcfg.count, 2);
    assert_int_equal(mcfg.skipped, 7);
    assert_int_equal(mcfg.ranges[0].last_bus, 0x7F);
    assert_int_equal(mcfg.ranges[1].base, 0xC0000000);
    assert_int_equal(mcfg.ranges[1].segment, 1);
    assert_int_equal(mcfg.ranges[1].first_bus, 0x80);
    assert_true(log_has("MCFG at offset 76: buses named before"));
    assert_true(log_has("MCFG at offset 172: cut short"));
    release(&table);
}

static void mcfg_with_more_ranges_than_fit(void **state)
{
    static uint8_t bytes[44 + 16 * (ACPI_MCFG_MAX + 1)];
    struct acpi_table table;
    struct acpi_mcfg mcfg;

    (void)state;
    for (unsigned i = 0; i <= ACPI_MCFG_MAX; i++)
        put_range(bytes, i, 0xB0000000, i, 0, 0xFF);
    table = exact(bytes, sizeof(bytes));
    acpi_read_mcfg(&table, &mcfg);
    assert_int_equal(mcfg.count, ACPI_MCFG_MAX);
    assert_int_equal(mcfg.skipped, 1);
    release(&table);
}

#define LINES (ACPI_LINES_MAX + 1) /* the last says that there are more */

static void a_bad_madt_or_mcfg_cannot_flood_the_log(void **state)
{
    static uint8_t bytes[44 + 100 * 16];
    struct acpi_table table;
    struct acpi_madt madt;
    struct acpi_mcfg mcfg;

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    for (unsigned i = 0; i < 100; i++)
        bytes[44 + 2 * i + 1] = 2;
    bytes[244] = 1; /* an I/O APIC behind them */
    bytes[245] = 12;
    table = exact(bytes, 256);
    acpi_read_madt(&table, &madt);
    release(&table);
    assert_int_equal(madt.skipped, 100);
    assert_int_equal(madt.io_apic_count, 1);
    assert_int_equal(log_captured_lines, LINES);
    assert_true(log_has("MADT: further faults are only counted"));

    memset(bytes, 0, sizeof(bytes));
    put_range(bytes, 99, 0xE0000000, 0, 0, 255);
    table = exact(bytes, sizeof(bytes));
    acpi_read_mcfg(&table, &mcfg);
    release(&table);
    assert_int_equal(mcfg.skipped, 99);
    assert_int_equal(mcfg.count, 1);
    assert_int_equal(log_captured_lines, 2 * LINES);
}

static void make_spcr(uint8_t *bytes, unsigned revision, unsigned space, unsigned bit_width,
                      unsigned access, uint64_t address)
{
    memset(bytes, 0, 84);
    bytes[8] = (uint8_t)revision;
    bytes[40] = (uint8_t)space;
    bytes[41] = (uint8_t)bit_width;
    bytes[43] = (uint8_t)access;
    put(bytes, 44, address, 8);
}

static struct acpi_spcr spcr_of(const uint8_t *bytes, size_t length)
{
    struct acpi_table table = exact(bytes, length);
    struct acpi_spcr spcr;

    acpi_read_spcr(&table, &spcr);
    release(&table);
    return spcr;
}

static void spcr_tells_where_the_registers_are(void **state)
{
    uint8_t bytes[84];
    struct acpi_spcr spcr;

    (void)state;
    make_spcr(bytes, 1, 1, 8, 0, 0x3F8);
    spcr = spcr_of(bytes, 80);
    assert_true(spcr.valid && spcr.uart.io_port);
    assert_int_equal(spcr.uart.address, 0x3F8);
    assert_int_equal(spcr.uart.width, 1);
    assert_int_equal(spcr.uart.stride, 1);

    make_spcr(bytes, 4, 0, 32, 3, 0xFE030000);
    bytes[36] = 0x12;
    spcr = spcr_of(bytes, 84);
    assert_true(spcr.valid && !spcr.uart.io_port);
    assert_int_equal(spcr.interface_type, 0x12);
    assert_int_equal(spcr.uart.width, 4);
    assert_int_equal(spcr.uart.stride, 4);

    make_spcr(bytes, 2, 0, 32, 1, 0xFE030000);
    spcr = spcr_of(bytes, 80);
    assert_int_equal(spcr.uart.width, 1);
    assert_int_equal(spcr.uart.stride, 4);
}

static void spcr_that_names_no_port_is_not_valid(void **state)
{
    uint8_t bytes[84];

    (void)state;
    make_spcr(bytes, 2, 0, 8, 1, 0);
    assert_false(spcr_of(bytes, 80).valid);
    make_spcr(bytes, 2, 2, 8, 1, 0x1000);
    assert_false(spcr_of(bytes, 80).valid);
    make_spcr(bytes, 2, 1, 8, 1, 0xFFFC);
    assert_false(spcr_of(bytes, 80).valid);
    make_spcr(bytes, 2, 0, 8, 1, UINT64_MAX - 6);
    assert_false(spcr_of(bytes, 80).valid);
    make_spcr(bytes, 2, 1, 8, 1, 0x3F8);
    assert_false(spcr_of(bytes, 58).valid);
    assert_true(spcr_of(bytes, 59).valid);
}

static void fadt_tells_the_port_of_the_pm_timer(void **state)
{
    uint8_t bytes[244] = "FACP";

    (void)state;
    put(bytes, 76, 0x608, 4);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 116}), 0x608);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 79}), 0);
    put(bytes, 208, 1, 1);
    put(bytes, 212, 0x1808, 8);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 244}), 0x1808);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 219}), 0x608);
    put(bytes, 212, 0x10000, 8);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 244}), 0x608);
    put(bytes, 212, 0, 8);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 244}), 0x608);
    put(bytes, 212, 0x1808, 8);
    put(bytes, 208, 0, 1);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 244}), 0x608);
    put(bytes, 76, 0x10000, 4);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){bytes, 244}), 0);
    assert_int_equal(acpi_pm_timer_port(&(struct acpi_table){NULL, 0}), 0);
}

static void absent_tables_are_empty_and_silent(void **state)
{
    struct acpi_table none = {NULL, 0};
    struct acpi_madt madt;
    struct acpi_mcfg mcfg;
    struct acpi_spcr spcr;

    (void)state;
    acpi_read_madt(&none, &madt);
    acpi_read_mcfg(&none, &mcfg);
    acpi_read_spcr(&none, &spcr);
    assert_int_equal(madt.io_apic_count + madt.skipped + mcfg.count + mcfg.skipped, 0);
    assert_false(spcr.valid);
    assert_int_equal(log_captured_lines, 0);
    assert_false(acpi_has(&none, 0, 0));
}

static void has_never_overflows(void **state)
{
    struct acpi_table table = {madt_bytes, 16};

    (void)state;
    assert_true(acpi_has(&table, 8, 8));
    assert_true(acpi_has(&table, 16, 0));
    assert_false(acpi_has(&table, 9, 8));
    assert_false(acpi_has(&table, SIZE_MAX, 2));
    assert_false(acpi_has(&table, 2, SIZE_MAX));
}

static void read_all(const struct acpi_table *table)
{
    struct acpi_madt madt;
    struct acpi_mcfg mcfg;
    struct acpi_spcr spcr;

    acpi_read_madt(table, &madt);
    acpi_read_mcfg(table, &mcfg);
    acpi_read_spcr(table, &spcr);
}

static void any_cut_is_survived(void **state)
{
    (void)state;
    for (size_t length = 0; length <= sizeof(madt_bytes); length++) {
        struct acpi_table table = exact(madt_bytes, length);

        read_all(&table);
        release(&table);
    }
}

static void any_damage_is_survived(void **state)
{
    const char *given = getenv("BULKHEAD_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : 20240u;

    (void)state;
    print_message("BULKHEAD_SEED=%u\n", seed);
    log_set_level(LOG_ERROR);
    for (unsigned round = 0; round < 20000; round++) {
        struct acpi_table table = exact(madt_bytes, sizeof(madt_bytes));
        uint8_t *bytes = (uint8_t *)(uintptr_t)table.data;

        for (unsigned i = 0; i < 3; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[(seed >> 8) % table.length] = (uint8_t)(seed >> 24);
        }
        read_all(&table);
        release(&table);
    }
    log_set_level(LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(finds_tables_through_xsdt, machine),
        cmocka_unit_test_setup(revision_0_uses_rsdt, machine),
        cmocka_unit_test_setup(bad_xsdt_falls_back_to_rsdt, machine),
        cmocka_unit_test_setup(wrong_checksums_are_said_and_kept, machine),
        cmocka_unit_test_setup(bad_root_entries_are_skipped_alone, machine),
        cmocka_unit_test_setup(no_rsdp_is_no_tables, machine),
        cmocka_unit_test_setup(rsdp_of_wild_length_is_read_as_revision_0, machine),
        cmocka_unit_test_setup(root_with_more_tables_than_fit, machine),
        cmocka_unit_test_setup(a_root_table_is_read_up_to_a_bound, machine),
        cmocka_unit_test_setup(madt_is_read, machine),
        cmocka_unit_test_setup(madt_walk_ends_at_a_bad_length, machine),
        cmocka_unit_test_setup(madt_short_structure_is_skipped_alone, machine),
        cmocka_unit_test_setup(mcfg_keeps_the_sound_ranges, machine),
        cmocka_unit_test_setup(mcfg_with_more_ranges_than_fit, machine),
        cmocka_unit_test_setup(a_bad_madt_or_mcfg_cannot_flood_the_log, machine),
        cmocka_unit_test_setup(spcr_tells_where_the_registers_are, machine),
        cmocka_unit_test_setup(spcr_that_names_no_port_is_not_valid, machine),
        cmocka_unit_test_setup(fadt_tells_the_port_of_the_pm_timer, machine),
        cmocka_unit_test_setup(absent_tables_are_empty_and_silent, machine),
        cmocka_unit_test_setup(has_never_overflows, machine),
        cmocka_unit_test_setup(any_cut_is_survived, machine),
        cmocka_unit_test_setup(any_damage_is_survived, machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
