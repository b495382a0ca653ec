/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * acpi-decode FILE...: prints the DMAR or IVRS in each file as one JSON object on one line, as the
 * image's own readers see it. What they notice goes to standard error. The status is 0 when every
 * file holds such a table.
 */
#include "drivers/iommu/amdvi/ivrs.h"
#include "drivers/iommu/vtd/dmar.h"
#include "lib/log.h"
#include "tests/host/dmar_record.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LENGTH_MAX (16u << 20)

static struct dmar dmar;
static struct ivrs ivrs;

/* Up to `length` bytes, ended by a NUL before that. */
static void print_text(const uint8_t *text, size_t length)
{
    putchar('"');
    for (size_t i = 0; i < length && text[i]; i++)
        if (text[i] == '\\' || text[i] == '"')
            printf("\\%c", text[i]);
        else
            printf(text[i] >= ' ' && text[i] <= '~' ? "%c" : "\\u%04x", text[i]);
    putchar('"');
}

static void print_findings(const struct acpi_findings *found)
{
    unsigned count = found->unknown < ACPI_UNKNOWN_MAX ? found->unknown : ACPI_UNKNOWN_MAX;

    for (unsigned i = 0; i < count; i++)
        printf("%s{\"off\":%u,\"type\":%u,\"len\":%u}%s", i ? "," : ",\"unknown\":[",
               found->unknowns[i].offset, found->unknowns[i].type, found->unknowns[i].length,
               i + 1 == count ? "]" : "");
    if (found->skipped)
        printf(",\"skipped\":%u", found->skipped);
}

/* ---- DMAR ---- */

static void print_scopes(const struct dmar_record *record)
{
    for (unsigned i = 0; i < record->scope_count; i++) {
        const struct dmar_scope *scope = &dmar.scopes[record->first_scope + i];

        printf(
            "%s{\"off\":%u,\"type\":%u,\"len\":%u,\"flags\":%u,\"enum\":%u,\"bus\":%u,\"path\":[",
            i ? "," : ",\"scopes\":[", scope->offset, scope->type, scope->length, scope->flags,
            scope->enumeration_id, scope->start_bus);
        for (unsigned hop = 0; hop < scope->hops; hop++)
            printf("%s[%u,%u]", hop ? "," : "", scope->path[hop].device, scope->path[hop].function);
        printf("]}");
    }
    if (record->scope_count)
        printf("]");
}

static void print_list(const struct dmar_list *list, bool flags)
{
    if (flags)
        printf(",\"flags\":%u", list->flags);
    printf(",\"segment\":%u", list->segment);
}

static void print_fields(enum dmar_type type, unsigned n)
{
    switch (type) {
    case DMAR_DRHD:
        printf(",\"flags\":%u,\"size\":%u,\"segment\":%u,\"address\":%" PRIu64, dmar.drhds[n].flags,
               dmar.drhds[n].size, dmar.drhds[n].segment, dmar.drhds[n].address);
        break;
    case DMAR_RMRR:
        printf(",\"segment\":%u,\"base\":%" PRIu64 ",\"limit\":%" PRIu64, dmar.rmrrs[n].segment,
               dmar.rmrrs[n].base, dmar.rmrrs[n].limit);
        break;
    case DMAR_ATSR:
        print_list(&dmar.atsrs[n], true);
        break;
    case DMAR_RHSA:
        printf(",\"base\":%" PRIu64 ",\"pxm\":%u", dmar.rhsas[n].address,
               dmar.rhsas[n].proximity_domain);
        break;
    case DMAR_ANDD:
        printf(",\"number\":%u,\"name\":", dmar.andds[n].number);
        print_text((const uint8_t *)dmar.andds[n].name, sizeof(dmar.andds[n].name));
        break;
    case DMAR_SATC:
        print_list(&dmar.satcs[n], true);
        break;
    default:
        print_list(&dmar.sidps[n], false);
        break;
    }
}

/* The type whose next record stands first in the table; DMAR_TYPES when none is left. */
static enum dmar_type first_type(const unsigned next[DMAR_TYPES])
{
    enum dmar_type first = DMAR_TYPES;

    for (enum dmar_type type = 0; type < DMAR_TYPES; type++)
        if (next[type] < dmar.counts[type] &&
            (first == DMAR_TYPES || dmar_record_of(&dmar, type, next[type])->offset <
                                        dmar_record_of(&dmar, first, next[first])->offset))
            first = type;
    return first;
}

static void print_dmar(void)
{
    static const char *const names[DMAR_TYPES] = {"DRHD", "RMRR", "ATSR", "RHSA",
                                                  "ANDD", "SATC", "SIDP"};
    unsigned next[DMAR_TYPES] = {0};
    const char *comma = "";
    enum dmar_type type;

    printf(",\"rev\":%u,\"haw\":%u,\"flags\":%u,\"subs\":[", dmar.revision,
           dmar.host_address_width - 1u, dmar.flags);
    while ((type = first_type(next)) != DMAR_TYPES) {
        const struct dmar_record *record = dmar_record_of(&dmar, type, next[type]);

        printf("%s{\"off\":%u,\"type\":\"%s\",\"len\":%u", comma, record->offset, names[type],
               record->length);
        print_fields(type, next[type]++);
        print_scopes(record);
        printf("}");
        comma = ",";
    }
    printf("]");
    print_findings(&dmar.found);
}

/* ---- IVRS ---- */

/* An id of ACPI is text when it begins with three letters, else a number. */
static void print_id(const char *key, const uint8_t id[8])
{
    printf(",\"%s\":", key);
    if (isalpha(id[0]) && isalpha(id[1]) && isalpha(id[2])) {
        print_text(id, 8);
        return;
    }
    putchar('"');
    for (unsigned i = 8; i-- > 0;)
        printf("%02X", id[i]);
    putchar('"');
}

static void print_hid(const struct ivrs_hid *hid)
{
    print_id("hid", hid->hid);
    print_id("cid", hid->cid);
    if (hid->uid_format == IVRS_UID_NONE && hid->uid_length == 0)
        return;
    printf(",\"uidf\":%u,\"uidl\":%u,\"uid\":", hid->uid_format, hid->uid_length);
    if (hid->uid_format != IVRS_UID_INTEGER) {
        print_text(hid->uid, hid->uid_length);
        return;
    }
    putchar('"');
    for (unsigned i = hid->uid_length < 8 ? hid->uid_length : 8; i-- > 0;)
        printf("%02X", hid->uid[i]);
    putchar('"');
}

static void print_entry(const struct ivrs_entry *entry)
{
    printf("{\"off\":%u,\"type\":%u,\"devid\":%u,\"setting\":%u", entry->offset, entry->type,
           entry->device_id, entry->setting);
    if (entry->type == IVRS_ALIAS_SELECT || entry->type == IVRS_ALIAS_START)
        printf(",\"src\":%u", entry->source_id);
    else if (entry->type == IVRS_EXTENDED_SELECT || entry->type == IVRS_EXTENDED_START ||
             entry->type == IVRS_PAD_8)
        printf(",\"ext\":%u", entry->extended);
    else if (entry->type == IVRS_SPECIAL)
        printf(",\"handle\":%u,\"src\":%u,\"variety\":%u", entry->handle, entry->source_id,
               entry->variety);
    else if (entry->type == IVRS_ACPI_HID)
        print_hid(&ivrs.hids[entry->hid]);
    printf("}");
}

static void print_ivhd(const struct ivrs_ivhd *ivhd)
{
    printf(
        "{\"off\":%u,\"type\":%u,\"flags\":%u,\"len\":%u,\"devid\":%u,\"cap\":%u,\"base\":%" PRIu64
        ",\"segment\":%u,\"info\":%u",
        ivhd->record.offset, ivhd->type, ivhd->flags, ivhd->record.length, ivhd->device_id,
        ivhd->capability, ivhd->base, ivhd->segment, ivhd->info);
    if (ivhd->type == IVRS_IVHD_10)
        printf(",\"feature\":%u", ivhd->features);
    else
        printf(",\"attr\":%u,\"efr\":%" PRIu64, ivhd->features, ivhd->efr);
    printf(",\"entries\":[");
    for (unsigned i = 0; i < ivhd->entry_count; i++) {
        printf("%s", i ? "," : "");
        print_entry(&ivrs.entries[ivhd->first_entry + i]);
    }
    printf("]}");
}

static void print_ivmd(const struct ivrs_ivmd *ivmd)
{
    printf(
        "{\"off\":%u,\"type\":%u,\"flags\":%u,\"len\":%u,\"devid\":%u,\"aux\":%u,\"start\":%" PRIu64
        ",\"memlen\":%" PRIu64 "}",
        ivmd->record.offset, ivmd->type, ivmd->flags, ivmd->record.length, ivmd->device_id,
        ivmd->auxiliary, ivmd->start, ivmd->length);
}

static void print_ivrs(void)
{
    unsigned ivhd = 0, ivmd = 0;

    printf(",\"rev\":%u,\"ivinfo\":%u,\"blocks\":[", ivrs.revision, ivrs.info);
    while (ivhd < ivrs.ivhd_count || ivmd < ivrs.ivmd_count) {
        bool hardware = ivmd == ivrs.ivmd_count ||
                        (ivhd < ivrs.ivhd_count &&
                         ivrs.ivhds[ivhd].record.offset < ivrs.ivmds[ivmd].record.offset);

        printf("%s", ivhd + ivmd ? "," : "");
        if (hardware)
            print_ivhd(&ivrs.ivhds[ivhd++]);
        else
            print_ivmd(&ivrs.ivmds[ivmd++]);
    }
    printf("]");
    print_findings(&ivrs.found);
}

/* ---- Files ---- */

static void to_stderr(void *context, const char *line, size_t length)
{
    fprintf(stderr, "%s: %.*s\n", *(const char **)context, (int)length, line);
}

/* The file in memory of exactly its length; data is NULL when it cannot be had. */
static struct acpi_table load(const char *path)
{
    uint8_t *bytes = malloc(FILE_LENGTH_MAX), *exact = NULL;
    FILE *file = fopen(path, "rb");
    size_t length = 0;

    if (file && bytes)
        length = fread(bytes, 1, FILE_LENGTH_MAX, file);
    if (length)
        exact = realloc(bytes, length);
    if (!exact)
        free(bytes);
    if (file)
        fclose(file);
    return (struct acpi_table){exact, length};
}

/* Folder and name, as a collection of tables names its files. */
static const char *short_name(const char *path)
{
    const char *name = path + strlen(path);

    for (unsigned slashes = 0; name > path; name--)
        if (name[-1] == '/' && ++slashes == 2)
            break;
    return name;
}

static bool decode(const struct acpi_table *table, const char *path)
{
    bool vtd = acpi_has(table, 0, 4) && memcmp(table->data, "DMAR", 4) == 0;
    bool amdvi = acpi_has(table, 0, 4) && memcmp(table->data, "IVRS", 4) == 0;
    const char *name = short_name(path);

    if (!(vtd && dmar_read(table, &dmar)) && !(amdvi && ivrs_read(table, &ivrs))) {
        fprintf(stderr, "%s: no DMAR and no IVRS\n", path);
        return false;
    }
    if (!acpi_checksum_holds(table))
        fprintf(stderr, "%s: checksum is wrong\n", path);
    printf("{\"file\":");
    print_text((const uint8_t *)name, strlen(name));
    printf(",\"length\":%zu", table->length);
    if (vtd)
        print_dmar();
    else
        print_ivrs();
    printf("}\n");
    return true;
}

int main(int count, char **paths)
{
    static const char *path;
    int status = 0;

    if (count < 2 || !log_add_sink(to_stderr, &path)) {
        fprintf(stderr, "usage: acpi-decode FILE...\n");
        return 2;
    }
    for (int i = 1; i < count; i++) {
        struct acpi_table table = load(path = paths[i]);

        if (!decode(&table, path))
            status = 1;
        free((void *)(uintptr_t)table.data);
    }
    return status;
}
