/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TABLE_FIXTURE_H
#define TABLE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/acpi/acpi.h"
#include "lib/log.h"

#include <stdlib.h>
#include <string.h>

/* A DMAR or IVRS made by hand. */
static uint8_t table[16384];
static size_t table_length;

static inline void put(size_t offset, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        table[offset + i] = (uint8_t)(value >> (8 * i));
}

static inline void begin_table(const char *signature)
{
    memset(table, 0, sizeof(table));
    memcpy(table, signature, 4);
    table_length = ACPI_RECORDS_START;
    put(4, table_length, 4);
}

static inline size_t append(size_t length)
{
    size_t at = table_length;

    table_length += length;
    assert_true(table_length <= sizeof(table));
    put(4, table_length, 4);
    return at;
}

/* A heap copy of exactly `length` bytes: reading beyond it is an ASan error. */
static inline struct acpi_table exact(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return (struct acpi_table){copy, length};
}

static inline void release(struct acpi_table *whole)
{
    free((void *)(uintptr_t)whole->data);
}

/* Calls `use` for the table with some bytes changed, again and again. */
static inline void use_damaged(void (*use)(const uint8_t *bytes, size_t length))
{
    const char *given = getenv("BULKHEAD_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20240u;

    print_message("BULKHEAD_SEED=%llu\n", (unsigned long long)seed);
    log_set_level(LOG_ERROR);
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t damaged[sizeof(table)];

        memcpy(damaged, table, table_length);
        for (unsigned i = 0; i < 1 + round % 8; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            damaged[(seed >> 33) % table_length] = (uint8_t)(seed >> 25);
        }
        use(damaged, table_length);
    }
    log_set_level(LOG_INFO);
}

#endif
