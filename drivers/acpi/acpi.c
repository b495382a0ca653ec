/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"

#include "lib/log.h"

#include <inttypes.h>
#include <string.h>

/* ACPI, "Root System Description Pointer (RSDP)". */
#define RSDP_LENGTH_1     20u /* revision 0, covered by the first checksum */
#define RSDP_LENGTH_2     36u
#define RSDP_OEM_ID       9u
#define RSDP_REVISION     15u
#define RSDP_RSDT         16u
#define RSDP_LENGTH       20u
#define RSDP_XSDT         24u
#define RSDP_LENGTH_LIMIT 4096u

/* ACPI, "System Description Table Header". */
#define HEADER_LENGTH      4u
#define ROOT_ENTRIES_MAX   256u        /* that are looked at, good or bad */
#define TABLE_LENGTH_LIMIT (16u << 20) /* no table is this long; a wild length maps no more */

uint8_t acpi_u8(const struct acpi_table *table, size_t offset)
{
    return table->data[offset];
}

uint16_t acpi_u16(const struct acpi_table *table, size_t offset)
{
    return (uint16_t)(table->data[offset] | table->data[offset + 1] << 8);
}

uint32_t acpi_u32(const struct acpi_table *table, size_t offset)
{
    return acpi_u16(table, offset) | (uint32_t)acpi_u16(table, offset + 2) << 16;
}

uint64_t acpi_u64(const struct acpi_table *table, size_t offset)
{
    return acpi_u32(table, offset) | (uint64_t)acpi_u32(table, offset + 4) << 32;
}

bool acpi_has(const struct acpi_table *table, size_t offset, size_t width)
{
    return table->data && offset <= table->length && width <= table->length - offset;
}

static bool sums_to_zero(const uint8_t *bytes, size_t length)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

bool acpi_checksum_holds(const struct acpi_table *table)
{
    return sums_to_zero(table->data, table->length);
}

static void copy_printable(char *text, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
    text[length] = '\0';
}

static const uint8_t *fetch(acpi_reader read, uint64_t physical, size_t length)
{
    return physical && physical <= UINT64_MAX - length ? read(physical, length) : NULL;
}

/* The table at `physical`; data is NULL when it cannot be had whole. */
static struct acpi_table open_table(uint64_t physical, acpi_reader read)
{
    struct acpi_table table = {fetch(read, physical, ACPI_HEADER_LENGTH), ACPI_HEADER_LENGTH};
    char signature[5];
    size_t length;

    if (!table.data) {
        log_write(LOG_WARNING, "acpi", "table at %#" PRIx64 " cannot be read", physical);
        return table;
    }
    copy_printable(signature, table.data, 4);
    length = acpi_u32(&table, HEADER_LENGTH);
    if (length < ACPI_HEADER_LENGTH || length > TABLE_LENGTH_LIMIT) {
        log_write(LOG_WARNING, "acpi", "%s at %#" PRIx64 ": length %#x is no table's", signature,
                  physical, (unsigned)length);
        return (struct acpi_table){NULL, 0};
    }
    table.data = fetch(read, physical, length);
    table.length = length;
    if (!table.data)
        log_write(LOG_WARNING, "acpi", "%s at %#" PRIx64 ": its %u bytes cannot be read", signature,
                  physical, (unsigned)length);
    else if (!acpi_checksum_holds(&table))
        log_write(LOG_WARNING, "acpi", "%s at %#" PRIx64 ": checksum is wrong", signature,
                  physical);
    return table;
}

static bool listed_before(const struct acpi_table *root, size_t offset, unsigned width,
                          uint64_t physical)
{
    for (size_t at = ACPI_HEADER_LENGTH; at < offset; at += width)
        if ((width == 8 ? acpi_u64(root, at) : acpi_u32(root, at)) == physical)
            return true;
    return false;
}

static void take_entry(const struct acpi_table *root, size_t offset, unsigned width,
                       acpi_reader read, struct acpi_tables *tables)
{
    uint64_t physical = width == 8 ? acpi_u64(root, offset) : acpi_u32(root, offset);
    const char *why = NULL;
    struct acpi_table table;

    if (!physical)
        why = "is null";
    else if (listed_before(root, offset, width, physical))
        why = "is listed twice";
    else if (tables->count == ACPI_TABLES_MAX)
        why = "is one too many";
    if (why)
        log_write(LOG_WARNING, "acpi", "root table entry at offset %u %s", (unsigned)offset, why);
    else if ((table = open_table(physical, read)).data)
        tables->tables[tables->count++] = table;
    else
        why = "cannot be read";
    if (why)
        tables->skipped++;
}

/* RSDT (entries of 4 bytes) or XSDT (8). False: no such table there. */
static bool walk_root(uint64_t physical, unsigned width, acpi_reader read,
                      struct acpi_tables *tables)
{
    const char *signature = width == 8 ? "XSDT" : "RSDT";
    struct acpi_table root;
    size_t at = ACPI_HEADER_LENGTH;

    if (!physical)
        return false;
    root = open_table(physical, read);
    if (!root.data)
        return false;
    if (memcmp(root.data, signature, 4) != 0) {
        log_write(LOG_WARNING, "acpi", "no %s at %#" PRIx64, signature, physical);
        return false;
    }
    for (; acpi_has(&root, at, width); at += width) {
        if (at == ACPI_HEADER_LENGTH + ROOT_ENTRIES_MAX * width) {
            log_write(LOG_WARNING, "acpi", "%s: the rest of its entries is not read", signature);
            return true;
        }
        take_entry(&root, at, width, read, tables);
    }
    if (at != root.length)
        log_write(LOG_WARNING, "acpi", "%s at offset %u: %u bytes are no entry", signature,
                  (unsigned)at, (unsigned)(root.length - at));
    return true;
}

/* Whole RSDP as its revision has it; data is NULL when there is none. */
static struct acpi_table open_rsdp(uint64_t physical, acpi_reader read)
{
    struct acpi_table rsdp = {fetch(read, physical, RSDP_LENGTH_1), RSDP_LENGTH_1};
    size_t length;

    if (!rsdp.data || memcmp(rsdp.data, "RSD PTR ", 8) != 0)
        return (struct acpi_table){NULL, 0};
    if (!sums_to_zero(rsdp.data, RSDP_LENGTH_1))
        log_write(LOG_WARNING, "acpi", "RSDP at %#" PRIx64 ": checksum is wrong", physical);
    if (acpi_u8(&rsdp, RSDP_REVISION) < 2)
        return rsdp;

    rsdp.data = fetch(read, physical, RSDP_LENGTH_2);
    length = rsdp.data ? acpi_u32(&rsdp, RSDP_LENGTH) : 0;
    if (length >= RSDP_LENGTH_2 && length <= RSDP_LENGTH_LIMIT) {
        const uint8_t *whole = fetch(read, physical, length);

        if (whole && !sums_to_zero(whole, length))
            log_write(LOG_WARNING, "acpi", "RSDP at %#" PRIx64 ": extended checksum is wrong",
                      physical);
        if (whole)
            return (struct acpi_table){whole, length};
    }
    log_write(LOG_WARNING, "acpi", "RSDP at %#" PRIx64 ": length %#x; only revision 0 is read",
              physical, (unsigned)length);
    return (struct acpi_table){fetch(read, physical, RSDP_LENGTH_1), RSDP_LENGTH_1};
}

bool acpi_find_tables(uint64_t rsdp, acpi_reader read, struct acpi_tables *tables)
{
    struct acpi_table pointer = open_rsdp(rsdp, read);

    memset(tables, 0, sizeof(*tables));
    if (!pointer.data) {
        log_write(LOG_WARNING, "acpi", "no RSDP at %#" PRIx64, rsdp);
        return false;
    }
    tables->revision = acpi_u8(&pointer, RSDP_REVISION);
    copy_printable(tables->oem_id, pointer.data + RSDP_OEM_ID, sizeof(tables->oem_id) - 1);
    if (pointer.length >= RSDP_LENGTH_2 &&
        walk_root(acpi_u64(&pointer, RSDP_XSDT), 8, read, tables))
        return true;
    if (walk_root(acpi_u32(&pointer, RSDP_RSDT), 4, read, tables))
        return true;
    memset(tables, 0, sizeof(*tables));
    return false;
}

struct acpi_table acpi_table_get(const struct acpi_tables *tables, const char *signature,
                                 unsigned n)
{
    for (unsigned i = 0; i < tables->count; i++)
        if (memcmp(tables->tables[i].data, signature, 4) == 0 && n-- == 0)
            return tables->tables[i];
    return (struct acpi_table){NULL, 0};
}
