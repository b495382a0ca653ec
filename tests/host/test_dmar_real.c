/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * DMAR tables of real machines: each is read, field by field, as an independent reader reads it
 * (oracle.jsonl beside the tables), the known faults of some are noticed, and any cut is survived.
 * The tables are in the folder that BULKHEAD_ACPI_TABLES names; without them this is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/iommu/vtd/dmar.h"
#include "lib/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dmar dmar;

/* A heap copy of exactly `length` bytes: reading beyond it is an ASan error. */
static struct acpi_table exact(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return (struct acpi_table){copy, length};
}

static void release(struct acpi_table *whole)
{
    free((void *)(uintptr_t)whole->data);
}

static const struct dmar_record *record_of(unsigned type, unsigned n)
{
    switch (type) {
    case DMAR_DRHD:
        return &dmar.drhds[n].record;
    case DMAR_RMRR:
        return &dmar.rmrrs[n].record;
    case DMAR_ATSR:
        return &dmar.atsrs[n].record;
    case DMAR_RHSA:
        return &dmar.rhsas[n].record;
    case DMAR_ANDD:
        return &dmar.andds[n].record;
    case DMAR_SATC:
        return &dmar.satcs[n].record;
    default:
        return &dmar.sidps[n].record;
    }
}

static char json[16384];
static size_t json_length;

static void __attribute__((format(printf, 1, 2))) emit(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    json_length +=
        (size_t)vsnprintf(json + json_length, sizeof(json) - json_length, format, arguments);
    va_end(arguments);
    assert_true(json_length < sizeof(json));
}

static void emit_scopes(const struct dmar_record *record)
{
    for (unsigned i = 0; i < record->scope_count; i++) {
        const struct dmar_scope *scope = &dmar.scopes[record->first_scope + i];

        emit("%s{\"off\":%u,\"type\":%u,\"len\":%u,\"flags\":%u,\"enum\":%u,\"bus\":%u,\"path\":[",
             i ? "," : ",\"scopes\":[", scope->offset, scope->type, scope->length, scope->flags,
             scope->enumeration_id, scope->start_bus);
        for (unsigned hop = 0; hop < scope->hops; hop++)
            emit("%s[%u,%u]", hop ? "," : "", scope->path[hop].device, scope->path[hop].function);
        emit("]}");
    }
    if (record->scope_count)
        emit("]");
}

static void emit_name(const char *name)
{
    emit(",\"name\":\"");
    for (; *name; name++)
        emit(*name == '\\' || *name == '"' ? "\\%c" : "%c", *name);
    emit("\"");
}

static void emit_list(const struct dmar_list *list, bool flags)
{
    if (flags)
        emit(",\"flags\":%u", list->flags);
    emit(",\"segment\":%u", list->segment);
}

static void emit_record(unsigned type, unsigned n)
{
    static const char *const names[DMAR_TYPES] = {"DRHD", "RMRR", "ATSR", "RHSA",
                                                  "ANDD", "SATC", "SIDP"};
    const struct dmar_record *record = record_of(type, n);

    emit("{\"off\":%u,\"type\":\"%s\",\"len\":%u", record->offset, names[type], record->length);
    if (type == DMAR_DRHD)
        emit(",\"flags\":%u,\"size\":%u,\"segment\":%u,\"address\":%llu", dmar.drhds[n].flags,
             dmar.drhds[n].size, dmar.drhds[n].segment, (unsigned long long)dmar.drhds[n].address);
    else if (type == DMAR_RMRR)
        emit(",\"segment\":%u,\"base\":%llu,\"limit\":%llu", dmar.rmrrs[n].segment,
             (unsigned long long)dmar.rmrrs[n].base, (unsigned long long)dmar.rmrrs[n].limit);
    else if (type == DMAR_ATSR)
        emit_list(&dmar.atsrs[n], true);
    else if (type == DMAR_SATC)
        emit_list(&dmar.satcs[n], true);
    else if (type == DMAR_SIDP)
        emit_list(&dmar.sidps[n], false);
    else if (type == DMAR_RHSA)
        emit(",\"base\":%llu,\"pxm\":%u", (unsigned long long)dmar.rhsas[n].address,
             dmar.rhsas[n].proximity_domain);
    if (type == DMAR_ANDD) {
        emit(",\"number\":%u", dmar.andds[n].number);
        emit_name(dmar.andds[n].name);
    }
    emit_scopes(record);
    emit("}");
}

/* Records in table order. */
static void emit_table(const char *file, size_t length)
{
    unsigned next[DMAR_TYPES] = {0};
    const char *comma = "";

    json_length = 0;
    emit("{\"file\":\"%s\",\"length\":%zu,\"rev\":%u,\"haw\":%u,\"flags\":%u,\"subs\":[", file,
         length, dmar.revision, dmar.host_address_width - 1u, dmar.flags);
    for (;;) {
        unsigned first = DMAR_TYPES;

        for (unsigned type = 0; type < DMAR_TYPES; type++)
            if (next[type] < dmar.counts[type] &&
                (first == DMAR_TYPES ||
                 record_of(type, next[type])->offset < record_of(first, next[first])->offset))
                first = type;
        if (first == DMAR_TYPES)
            break;
        emit("%s", comma);
        emit_record(first, next[first]++);
        comma = ",";
    }
    emit("]}");
}

static const char *tables_folder(void)
{
    const char *given = getenv("BULKHEAD_ACPI_TABLES");

    return given ? given : "../shared/acpi-tables";
}

static size_t load(const char *name, uint8_t *bytes, size_t room)
{
    char path[512];
    FILE *file;
    size_t length;

    snprintf(path, sizeof(path), "%s/%s", tables_folder(), name);
    file = fopen(path, "rb");
    if (!file)
        return 0;
    length = fread(bytes, 1, room, file);
    fclose(file);
    return length;
}

typedef void (*table_visitor)(const char *file, const char *line, const uint8_t *bytes,
                              size_t length);

/* Calls `visit` for each DMAR of the oracle. Returns how many. */
static unsigned for_each_real_table(table_visitor visit)
{
    static char line[16384];
    static uint8_t bytes[4096];
    unsigned count = 0;
    char path[512], file[256];
    FILE *oracle;

    snprintf(path, sizeof(path), "%s/oracle.jsonl", tables_folder());
    oracle = fopen(path, "r");
    if (!oracle) {
        print_message("no tables in %s (set BULKHEAD_ACPI_TABLES): skipped\n", tables_folder());
        skip();
    }
    while (fgets(line, sizeof(line), oracle)) {
        size_t length;

        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "{\"file\":\"%255[^\"]\"", file) != 1 || strncmp(file, "dmar/", 5) != 0)
            continue;
        length = load(file, bytes, sizeof(bytes));
        assert_in_range(length, 48, sizeof(bytes) - 1);
        visit(file, line, bytes, length);
        count++;
    }
    fclose(oracle);
    return count;
}

static void compare_with_oracle(const char *file, const char *line, const uint8_t *bytes,
                                size_t length)
{
    struct acpi_table whole = exact(bytes, length);

    assert_true(dmar_read(&whole, &dmar));
    emit_table(file, length);
    assert_string_equal(json, line);
    assert_int_equal(dmar.found.skipped, 0);
    assert_int_equal(dmar.found.unknown, 0);
    assert_false(dmar.found.incomplete);
    release(&whole);
}

static void real_tables_read_as_the_oracle_has_them(void **state)
{
    unsigned count = for_each_real_table(compare_with_oracle);

    (void)state;
    print_message("%u tables\n", count);
    assert_true(count > 0);
}

/* The firmware faults that BUGS of the collection names, found in the very tables. */
static unsigned flaws_in(const char *file, unsigned type)
{
    static uint8_t bytes[4096];
    size_t length = load(file, bytes, sizeof(bytes));
    struct acpi_table whole = {bytes, length};
    unsigned flaws = 0;

    if (!length) {
        print_message("no tables in %s (set BULKHEAD_ACPI_TABLES): skipped\n", tables_folder());
        skip();
    }
    assert_true(dmar_read(&whole, &dmar));
    for (unsigned i = 0; i < dmar.counts[type]; i++)
        flaws |= record_of(type, i)->flaws;
    return flaws;
}

static void real_faults_are_noticed(void **state)
{
    (void)state;
    assert_int_equal(flaws_in("dmar/lenovo-ideapadflex-15-20309-d19f.bin", DMAR_DRHD),
                     DMAR_NO_ADDRESS);
    assert_int_equal(flaws_in("dmar/apple-macpro7-1-t2.bin", DMAR_DRHD), DMAR_DUPLICATE);
    assert_false(dmar.found.incomplete);
    assert_int_equal(flaws_in("dmar/hp-elitebook-8440p-b28d.bin", DMAR_RMRR), DMAR_PAGE_ZERO);
    assert_int_equal(flaws_in("dmar/ami-2s-skylake-sp-edited.bin", DMAR_RHSA), DMAR_UNMATCHED);
}

static void read_every_cut(const char *file, const char *line, const uint8_t *bytes, size_t length)
{
    static unsigned count;

    (void)file;
    (void)line;
    if (count++ % 16 != 0)
        return;
    for (size_t cut = 0; cut <= length; cut++) {
        struct acpi_table whole = exact(bytes, cut);

        assert_int_equal(dmar_read(&whole, &dmar), cut >= 48);
        assert_true(cut < 48 || cut == length || dmar.found.incomplete);
        release(&whole);
    }
}

static void any_cut_is_survived(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    (void)for_each_real_table(read_every_cut);
    log_set_level(LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_tables_read_as_the_oracle_has_them),
        cmocka_unit_test(real_faults_are_noticed),
        cmocka_unit_test(any_cut_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
