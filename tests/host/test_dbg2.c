/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* DBG2: its 16550s are found where they are; a bad device costs itself alone, or what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/acpi/acpi.h"
#include "log_capture.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 44u
#define DEVICE 38u /* its fixed part, one address, one size */

static uint8_t bytes[4096];

static void put(size_t offset, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

static size_t device_at(unsigned n)
{
    return HEADER + n * DEVICE;
}

static void put_device(unsigned n, unsigned type, unsigned subtype, unsigned space,
                       unsigned bit_width, unsigned access, uint64_t address)
{
    size_t at = device_at(n);

    put(at + 1, DEVICE, 2);
    put(at + 3, 1, 1);
    put(at + 12, type, 2);
    put(at + 14, subtype, 2);
    put(at + 18, 22, 2);
    put(at + 20, 34, 2);
    put(at + 22, space, 1);
    put(at + 23, bit_width, 1);
    put(at + 25, access, 1);
    put(at + 26, address, 8);
    put(HEADER - 4, n + 1, 4);
}

static int empty_table(void **state)
{
    (void)state;
    memset(bytes, 0, sizeof(bytes));
    put(36, HEADER, 4);
    return log_capture_start() ? 0 : -1;
}

/* The reader gets exactly `length` bytes, so that ASan sees the first one beyond. */
static struct acpi_dbg2 dbg2_of(size_t length)
{
    uint8_t *copy = malloc(length);
    struct acpi_table table = {copy, length};
    struct acpi_dbg2 dbg2;

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    acpi_read_dbg2(&table, &dbg2);
    free(copy);
    return dbg2;
}

static void test_ports_of_every_kind(void **state)
{
    struct acpi_dbg2 dbg2;

    (void)state;
    put_device(0, 0x8000, 0x00, 1, 8, 1, 0x3F8);
    put_device(1, 0x8000, 0x03, 0, 32, 3, 0x9000000);
    put_device(2, 0x8003, 0x00, 0, 8, 1, 0xFE000000);
    put_device(3, 0x8000, 0x01, 0, 32, 1, 0xFE040000);
    put_device(4, 0x8000, 0x12, 0, 32, 3, 0xFE050000);
    dbg2 = dbg2_of(device_at(5));
    assert_int_equal(dbg2.count, 3);
    assert_int_equal(dbg2.others, 2);
    assert_int_equal(dbg2.skipped, 0);
    assert_true(dbg2.uarts[0].io_port);
    assert_int_equal(dbg2.uarts[0].address, 0x3F8);
    assert_int_equal(dbg2.uarts[0].stride, 1);
    assert_false(dbg2.uarts[1].io_port);
    assert_int_equal(dbg2.uarts[1].width, 1);
    assert_int_equal(dbg2.uarts[1].stride, 4);
    assert_int_equal(dbg2.uarts[2].address, 0xFE050000);
    assert_int_equal(dbg2.uarts[2].width, 4);
    assert_int_equal(log_captured_lines, 0);
}

static void check_bad_first(const char *why)
{
    struct acpi_dbg2 dbg2;

    put_device(1, 0x8000, 0x00, 1, 8, 1, 0x2F8);
    dbg2 = dbg2_of(device_at(2));
    assert_int_equal(dbg2.skipped, 1);
    assert_int_equal(dbg2.count, 1);
    assert_int_equal(dbg2.uarts[0].address, 0x2F8);
    assert_true(log_has("DBG2 at offset 44: "));
    assert_true(log_has(why));
    assert_int_equal(log_captured_lines, 1);
}

static void test_no_base_address_skips_the_device(void **state)
{
    (void)state;
    put_device(0, 0x8000, 0x00, 1, 8, 1, 0x3F8);
    put(device_at(0) + 3, 0, 1);
    check_bad_first("no base address register");
}

static void test_base_address_beyond_the_device(void **state)
{
    (void)state;
    put_device(0, 0x8000, 0x00, 1, 8, 1, 0x3F8);
    put(device_at(0) + 18, DEVICE - 11, 2);
    check_bad_first("leaves it");
}

static void test_base_address_in_the_fixed_part(void **state)
{
    (void)state;
    put_device(0, 0x8000, 0x00, 1, 8, 1, 0x3F8);
    put(device_at(0) + 18, 21, 2);
    check_bad_first("leaves it");
}

static void test_registers_that_wrap(void **state)
{
    (void)state;
    put_device(0, 0x8000, 0x00, 1, 8, 1, 0xFFF9);
    check_bad_first("registers wrap");
}

static void test_a_length_that_cannot_be_ends_the_walk(void **state)
{
    static const unsigned lengths[] = {0, 21, DEVICE + 1, 0xFFFF};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct acpi_dbg2 dbg2;

        assert_int_equal(empty_table(state), 0);
        put_device(0, 0x8000, 0x00, 1, 8, 1, 0x3F8);
        put_device(1, 0x8000, 0x00, 1, 8, 1, 0x2F8);
        put(device_at(1) + 1, lengths[i], 2);
        dbg2 = dbg2_of(device_at(2));
        assert_int_equal(dbg2.count, 1);
        assert_int_equal(dbg2.skipped, 1);
        assert_true(log_has("the rest is lost"));
    }
}

static void test_more_devices_than_there_are(void **state)
{
    struct acpi_dbg2 dbg2;

    (void)state;
    put_device(0, 0x8000, 0x00, 1, 8, 1, 0x3F8);
    put(40, UINT32_MAX, 4);
    dbg2 = dbg2_of(device_at(1));
    assert_int_equal(dbg2.count, 1);
    assert_int_equal(dbg2.skipped, 1);
    assert_int_equal(log_captured_lines, 1);
}

static void test_more_ports_than_fit(void **state)
{
    struct acpi_dbg2 dbg2;

    (void)state;
    for (unsigned i = 0; i < ACPI_DBG2_MAX + 50; i++)
        put_device(i, 0x8000, 0x00, 1, 8, 1, 0x1000 + 8 * i);
    dbg2 = dbg2_of(device_at(ACPI_DBG2_MAX + 50));
    assert_int_equal(dbg2.count, ACPI_DBG2_MAX);
    assert_int_equal(dbg2.skipped, 50);
    assert_int_equal(log_captured_lines, ACPI_LINES_MAX + 1);
}

static void test_a_table_too_short(void **state)
{
    struct acpi_table none = {NULL, 0};
    struct acpi_dbg2 dbg2;

    (void)state;
    put_device(0, 0x8000, 0x00, 1, 8, 1, 0x3F8);
    assert_int_equal(dbg2_of(HEADER - 1).count, 0);
    assert_int_equal(log_captured_lines, 1);
    put(36, HEADER - 1, 4);
    assert_int_equal(dbg2_of(device_at(1)).count, 0);
    assert_int_equal(log_captured_lines, 2);
    acpi_read_dbg2(&none, &dbg2);
    assert_int_equal(dbg2.count + dbg2.skipped, 0);
    assert_int_equal(log_captured_lines, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ports_of_every_kind, empty_table),
        cmocka_unit_test_setup(test_no_base_address_skips_the_device, empty_table),
        cmocka_unit_test_setup(test_base_address_beyond_the_device, empty_table),
        cmocka_unit_test_setup(test_base_address_in_the_fixed_part, empty_table),
        cmocka_unit_test_setup(test_registers_that_wrap, empty_table),
        cmocka_unit_test_setup(test_a_length_that_cannot_be_ends_the_walk, empty_table),
        cmocka_unit_test_setup(test_more_devices_than_there_are, empty_table),
        cmocka_unit_test_setup(test_more_ports_than_fit, empty_table),
        cmocka_unit_test_setup(test_a_table_too_short, empty_table),
    };

    return cmocka_run_group_tests_name("dbg2", tests, NULL, NULL);
}
