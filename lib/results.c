/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/results.h"

#include "lib/log.h"
#include "lib/record.h"

#include <stdio.h>
#include <string.h>

#define ALLOW_PREFIX "DMA-ALLOW"
#define DENY_PREFIX  "DMA-DENY"

struct entry {
    char id[RESULTS_ID_LENGTH];
    char device[RESULTS_DEVICE_LENGTH];
    char reason[RESULTS_REASON_LENGTH];
    enum result result;
};

/* One place more than RESULTS_MAX, for the overflow itself. */
static struct entry entries[RESULTS_MAX + 1];
static unsigned entry_count;
static struct result_counts counts;
static results_visitor diverted;

static bool is_failure(enum result result)
{
    return result != RESULT_PASS && result != RESULT_SKIP && result != RESULT_INFO;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

static void count(const char *id, enum result result)
{
    switch (result) {
    case RESULT_PASS:
        counts.pass++;
        counts.allow_pass += begins(id, ALLOW_PREFIX);
        counts.deny_pass += begins(id, DENY_PREFIX);
        break;
    case RESULT_FAIL:
        counts.fail++;
        break;
    case RESULT_SKIP:
        counts.skip++;
        break;
    case RESULT_INFO:
        break;
    default:
        counts.error++;
        break;
    }
}

static void announce(const char *id, const char *device, enum result result, const char *reason)
{
    record_begin("test");
    record_string("id", id);
    record_string("device", device);
    record_string("result", result_name(result));
    record_string("reason", reason);
    record_end();

    log_write(is_failure(result) ? LOG_ERROR : LOG_NOTICE, NULL, "%s %s%s%s%s%s",
              result_name(result), id, device != NULL ? " " : "", device != NULL ? device : "",
              reason != NULL ? " " : "", reason != NULL ? reason : "");
}

static void keep(const char *id, const char *device, enum result result, const char *reason)
{
    struct entry *entry = &entries[entry_count++];

    copy_text(entry->id, sizeof(entry->id), id);
    copy_text(entry->device, sizeof(entry->device), device);
    copy_text(entry->reason, sizeof(entry->reason), reason);
    entry->result = result;
}

void results_divert(results_visitor visit)
{
    diverted = visit;
}

void results_add(const char *id, const char *device, enum result result, const char *reason)
{
    static const char overflow[] = "more results than the list holds";

    if (diverted != NULL) {
        diverted(id, device, result, reason);
        return;
    }
    count(id, result);
    announce(id, device, result, reason);
    if (entry_count < RESULTS_MAX) {
        keep(id, device, result, reason);
    } else if (entry_count == RESULTS_MAX) {
        count(RESULTS_OVERFLOW_ID, RESULT_ERROR);
        announce(RESULTS_OVERFLOW_ID, NULL, RESULT_ERROR, overflow);
        keep(RESULTS_OVERFLOW_ID, NULL, RESULT_ERROR, overflow);
    }
}

const char *result_name(enum result result)
{
    switch (result) {
    case RESULT_PASS:
        return "PASS";
    case RESULT_FAIL:
        return "FAIL";
    case RESULT_SKIP:
        return "SKIP";
    case RESULT_INFO:
        return "INFO";
    default:
        return "ERROR";
    }
}

struct result_counts results_counts(void)
{
    return counts;
}

const char *results_first_failure(void)
{
    static char text[RESULTS_ID_LENGTH + RESULTS_DEVICE_LENGTH + RESULTS_REASON_LENGTH + 4];

    for (unsigned i = 0; i < entry_count; i++) {
        const struct entry *entry = &entries[i];

        if (!is_failure(entry->result))
            continue;
        snprintf(text, sizeof(text), "%s%s%s%s%s", entry->id, entry->device[0] != '\0' ? " " : "",
                 entry->device, entry->reason[0] != '\0' ? ": " : "", entry->reason);
        return text;
    }
    return NULL;
}

/* What follows '#': SKIP and ERROR are directives, the reason of a failure stands alone. */
static const char *ktap_directive(enum result result)
{
    switch (result) {
    case RESULT_SKIP:
        return " # SKIP";
    case RESULT_PASS:
    case RESULT_FAIL:
        return " #";
    case RESULT_INFO:
        return " # INFO";
    default:
        return " # ERROR";
    }
}

void results_ktap(void)
{
    record_ktap("KTAP version 1");
    record_ktap("1..%u", entry_count);
    for (unsigned i = 0; i < entry_count; i++) {
        const struct entry *entry = &entries[i];
        bool bare = entry->reason[0] == '\0' &&
                    (entry->result == RESULT_PASS || entry->result == RESULT_FAIL);

        record_ktap("%s %u %s%s%s%s%s%s", is_failure(entry->result) ? "not ok" : "ok", i + 1,
                    entry->id, entry->device[0] != '\0' ? " " : "", entry->device,
                    bare ? "" : ktap_directive(entry->result), entry->reason[0] != '\0' ? " " : "",
                    entry->reason);
    }
}

void results_clear(void)
{
    memset(&counts, 0, sizeof(counts));
    entry_count = 0;
}
