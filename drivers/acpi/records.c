/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/acpi/acpi.h"

#include "lib/log.h"

#include <stdio.h>
#include <string.h>

#define TABLE_LENGTH   4u
#define RECORD_LENGTH  2u
#define RECORD_MINIMUM 4u

void acpi_say(const char *table, unsigned earlier, const char *text)
{
    if (earlier < ACPI_LINES_MAX)
        log_write(LOG_WARNING, "acpi", "%s", text);
    if (earlier == ACPI_LINES_MAX)
        log_write(LOG_WARNING, "acpi", "%s: further faults are only counted", table);
}

static void say(struct acpi_findings *found, size_t offset, const char *subject, const char *why)
{
    char text[ACPI_REASON_LENGTH];

    snprintf(text, sizeof(text), "%s at offset %u: %s: %s", found->table, (unsigned)offset, subject,
             why);
    if (!found->reason[0])
        memcpy(found->reason, text, sizeof(text));
    acpi_say(found->table, found->skipped + found->flawed, text);
}

void acpi_skip(struct acpi_findings *found, size_t offset, const char *subject, const char *why)
{
    say(found, offset, subject, why);
    found->skipped++;
}

void acpi_flaw(struct acpi_findings *found, size_t offset, const char *subject, const char *why)
{
    say(found, offset, subject, why);
    found->flawed++;
}

void acpi_unknown(struct acpi_findings *found, size_t offset, unsigned type, size_t length)
{
    unsigned n = found->unknown++;

    if (n >= ACPI_UNKNOWN_MAX)
        return;
    found->unknowns[n].offset = (uint32_t)offset;
    found->unknowns[n].type = (uint16_t)type;
    found->unknowns[n].length = (uint16_t)length;
    log_write(LOG_DEBUG, "acpi", "%s at offset %u: type %#x is unknown; stepped over", found->table,
              (unsigned)offset, type);
}

bool acpi_read_records(const struct acpi_table *table, acpi_record_reader read, void *context,
                       struct acpi_findings *found)
{
    struct acpi_table whole = *table;
    size_t at = ACPI_RECORDS_START, length, stated = 0;

    if (!whole.data)
        return false;
    if (acpi_has(&whole, TABLE_LENGTH, 4))
        stated = acpi_u32(&whole, TABLE_LENGTH);
    if (stated < whole.length)
        whole.length = stated;
    if (whole.length < ACPI_RECORDS_START) {
        acpi_skip(found, 0, "table", "shorter than its fixed part");
        return false;
    }
    for (; at < whole.length; at += length) {
        length = acpi_has(&whole, at, RECORD_MINIMUM) ? acpi_u16(&whole, at + RECORD_LENGTH) : 0;
        if (length < RECORD_MINIMUM || !acpi_has(&whole, at, length)) {
            acpi_skip(found, at, "record",
                      length < RECORD_MINIMUM ? "length is below 4; walk ends"
                                              : "leaves the table; walk ends");
            found->incomplete = true;
            break;
        }
        read(&whole, at, length, context);
    }
    if (stated > whole.length) {
        acpi_skip(found, whole.length, "table", "shorter than its header says");
        found->incomplete = true;
    }
    return true;
}
