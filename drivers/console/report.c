/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/report.h"

#include "lib/log.h"
#include "lib/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define UNITS_PER_RECORD 12u
#define NAMES_PER_RECORD 96u
#define COLUMNS          79u /* the 80th makes some terminals go on in the next line */
#define SCALARS_LENGTH   1024u
#define MIB_SHIFT        20

#define LONGEST_UNIT                                                                               \
    "{\"answers\":false,\"te\":false,\"ire\":false,\"qie\":false,\"pmr\":false,\"log\":false},"
#define LONGEST_NAME (REPORT_NAME_LENGTH + sizeof("\"\","))

_Static_assert(UNITS_PER_RECORD * sizeof(LONGEST_UNIT) + NAMES_PER_RECORD * LONGEST_NAME +
                       SCALARS_LENGTH <
                   RECORD_LENGTH,
               "a record with its share of both lists is never cut");

static const struct {
    enum report_switch bit;
    const char *key, *words;
} switches[] = {
    {REPORT_TE, "te", "translation"}, {REPORT_IRE, "ire", "interrupt remapping"},
    {REPORT_QIE, "qie", "queue"},     {REPORT_PMR, "pmr", "protected ranges"},
    {REPORT_LOG, "log", "event log"},
};

static struct record_seal sealed; /* of the report that was made */

typedef bool (*chooser)(const struct report_function *function, unsigned group);

static bool was_bus_master(const struct report_function *function, unsigned group)
{
    (void)group;
    return function->bus_master_at_entry;
}

static bool is_uncovered(const struct report_function *function, unsigned group)
{
    (void)group;
    return !function->covered;
}

static bool is_member(const struct report_function *function, unsigned group)
{
    return function->group == group;
}

const char *report_state_name(enum report_state state)
{
    switch (state) {
    case REPORT_ABSENT:
        return "absent";
    case REPORT_PARTIAL:
        return "partial";
    case REPORT_ACTIVE:
        return "active";
    default:
        return "failed";
    }
}

/* ---- Records ---- */

static unsigned count_functions(const struct report_summary *summary, chooser choose,
                                unsigned group)
{
    unsigned count = 0;

    for (unsigned i = 0; i < summary->function_count; i++)
        count += choose(&summary->functions[i], group);
    return count;
}

/* Writes up to NAMES_PER_RECORD chosen names as an array and returns where to go on. */
static unsigned record_names(const struct report_summary *summary, const char *key, chooser choose,
                             unsigned group, unsigned from)
{
    unsigned written = 0;

    record_array(key);
    while (from < summary->function_count && written < NAMES_PER_RECORD) {
        const struct report_function *function = &summary->functions[from++];

        if (!choose(function, group))
            continue;
        record_string(NULL, function->name);
        written++;
    }
    record_close();
    return from;
}

static void record_entry_unit(const struct report_unit *unit)
{
    record_object(NULL);
    record_bool("answers", unit->answers);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (unit->has & switches[i].bit)
            record_bool(switches[i].key, unit->on & switches[i].bit);
    record_close();
}

static void record_iommu_unit(const struct report_unit *unit)
{
    record_object(NULL);
    record_string("vendor", unit->vendor);
    record_number("segment", unit->segment);
    record_hex("base", unit->base);
    record_close();
}

static unsigned record_units(const struct report_summary *summary,
                             void (*write)(const struct report_unit *unit), unsigned from)
{
    unsigned end = summary->unit_count - from < UNITS_PER_RECORD ? summary->unit_count
                                                                 : from + UNITS_PER_RECORD;

    record_array("units");
    while (from < end)
        write(&summary->units[from++]);
    record_close();
    return from;
}

/* A record that carries both lists: what does not fit goes on in another one with the same
 * scalars. */
static void record_lists(const struct report_summary *summary, const char *kind,
                         void (*scalars)(const struct report_summary *summary),
                         void (*write)(const struct report_unit *unit), const char *key,
                         chooser choose)
{
    unsigned unit = 0, name = 0;

    do {
        record_begin(kind);
        scalars(summary);
        unit = record_units(summary, write, unit);
        name = record_names(summary, key, choose, 0, name);
        record_end();
    } while (unit < summary->unit_count || name < summary->function_count);
}

static bool leads_group(const struct report_summary *summary, unsigned index)
{
    unsigned group = summary->functions[index].group;

    if (group == REPORT_NO_GROUP)
        return false;
    for (unsigned i = 0; i < index; i++) {
        if (summary->functions[i].group == group)
            return false;
    }
    return true;
}

static void record_groups(const struct report_summary *summary)
{
    for (unsigned i = 0; i < summary->function_count; i++) {
        unsigned next = i;

        while (leads_group(summary, i) && next < summary->function_count) {
            record_begin("group");
            record_number("id", summary->functions[i].group);
            next = record_names(summary, "devices", is_member, summary->functions[i].group, next);
            record_end();
        }
    }
}

/* Active is more than boot may claim while a requester is not covered. */
static enum report_state dma_state(const struct report_summary *summary)
{
    if (summary->dma == REPORT_ACTIVE && count_functions(summary, is_uncovered, 0) > 0)
        return REPORT_PARTIAL;
    return summary->dma;
}

static void no_scalars(const struct report_summary *summary)
{
    (void)summary;
}

static void dma_scalars(const struct report_summary *summary)
{
    record_string("state", report_state_name(dma_state(summary)));
    record_string("reason", summary->dma_reason);
}

static void record_interrupts(const struct report_summary *summary)
{
    record_begin("interrupts");
    record_string("state", report_state_name(summary->interrupts));
    record_string("reason", summary->interrupts_reason);
    record_end();
}

static void record_verdict(const char *verdict)
{
    struct result_counts counts = results_counts();

    record_begin("end");
    record_object("counts");
    record_number("pass", counts.pass);
    record_number("fail", counts.fail);
    record_number("skip", counts.skip);
    record_number("error", counts.error);
    record_close();
    record_finish(verdict);
}

/* ---- Text ---- */

struct text {
    char data[LOG_LINE_LENGTH];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct text *text, const char *format,
                                                           ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(&text->data[text->length], sizeof(text->data) - text->length, format, arguments);
    va_end(arguments);
    text->length += strlen(&text->data[text->length]);
}

/* A word that does not fit with a mark behind it begins a further line, indented. */
static void text_add_word(struct text *text, const char *word)
{
    if (text->length + strlen(" ") + strlen(word) + strlen(";") > COLUMNS) {
        log_line("%s", text->data);
        text->length = 0;
        text_add(text, "   ");
    }
    text_add(text, " %s", word);
}

/* All that are chosen; `rest`, unless NULL, goes behind them. */
static void print_names(const char *head, const struct report_summary *summary, chooser choose,
                        const char *rest)
{
    struct text text = {.length = 0};

    text_add(&text, "%s", head);
    if (count_functions(summary, choose, 0) == 0)
        text_add_word(&text, "none");
    for (unsigned i = 0; i < summary->function_count; i++) {
        if (choose(&summary->functions[i], 0))
            text_add_word(&text, summary->functions[i].name);
    }
    if (rest != NULL) {
        text_add(&text, ";");
        text_add_word(&text, rest);
    }
    log_line("%s", text.data);
}

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

static const char *or_unknown(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "unknown";
}

static void print_unit(const struct report_unit *unit)
{
    struct text text = {.length = 0};

    if (!unit->answers) {
        log_line("iommu: %s unit at 0x%" PRIx64 ", segment %u: its registers do not answer",
                 or_unknown(unit->vendor), unit->base, unit->segment);
        return;
    }
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (unit->has & switches[i].bit)
            text_add(&text, "%s%s %s", text.length ? ", " : "", switches[i].words,
                     on_off(unit->on & switches[i].bit));
    log_line("iommu: %s unit at 0x%" PRIx64 ", segment %u: %s", or_unknown(unit->vendor),
             unit->base, unit->segment, text.data);
}

static void print_head(const struct report_summary *summary)
{
    log_line("Bulkhead %s, %s", or_unknown(summary->version),
             summary->console != NULL ? summary->console : "console: unknown");
    log_line("image: base 0x%" PRIx64, summary->image_base);
    log_line("firmware: %s, Secure Boot %s", or_unknown(summary->firmware),
             on_off(summary->secure_boot));
    log_line("memory: %" PRIu64 " MiB", summary->memory_bytes >> MIB_SHIFT);
    if (summary->unit_count == 0)
        log_line("iommu: no unit found");
    for (unsigned i = 0; i < summary->unit_count; i++)
        print_unit(&summary->units[i]);
    print_names("bus mastering on at entry:", summary, was_bus_master, NULL);
}

static void print_found(const struct report_summary *summary)
{
    unsigned te = 0, ire = 0;

    for (unsigned i = 0; i < summary->unit_count; i++) {
        te += (summary->units[i].on & REPORT_TE) != 0;
        ire += (summary->units[i].on & REPORT_IRE) != 0;
    }
    log_line("found at entry: translation on in %u of %u units, interrupt remapping in %u; bus "
             "mastering on in %u of %u functions",
             te, summary->unit_count, ire, count_functions(summary, was_bus_master, 0),
             summary->function_count);
}

static const char *dma_sentence(enum report_state state)
{
    switch (state) {
    case REPORT_ABSENT:
        return "absent: there is no IOMMU to drive, every device reaches all memory";
    case REPORT_PARTIAL:
        return "partial: the IOMMU refuses what is not mapped, but not for every requester";
    case REPORT_ACTIVE:
        return "active: every requester reaches only what is mapped for it";
    default:
        return "failed: there is an IOMMU, but it does not protect memory";
    }
}

static void print_protection(const struct report_summary *summary)
{
    enum report_state state = dma_state(summary);
    bool told = state != REPORT_ACTIVE && summary->dma_reason != NULL;

    log_line("protection now: %s%s%s%s", dma_sentence(state), told ? " (" : "",
             told ? summary->dma_reason : "", told ? ")" : "");
}

static void print_not_covered(const struct report_summary *summary)
{
    struct text interrupts = {.length = 0};
    bool remapped = summary->interrupts == REPORT_ACTIVE;

    text_add(&interrupts, "interrupts (remapping is %s)", report_state_name(summary->interrupts));
    print_names("not covered:", summary, is_uncovered, remapped ? NULL : interrupts.data);
}

static void print_next_step(const struct report_summary *summary, bool pass)
{
    const char *failure = results_first_failure();

    if (pass)
        log_line("next step: none, keep this report");
    else if (dma_state(summary) == REPORT_ABSENT)
        log_line(
            "next step: switch the IOMMU (VT-d, AMD-Vi) on in the firmware's setup, run again");
    else if (dma_state(summary) == REPORT_FAILED)
        log_line("next step: see in the log why the unit could not be used");
    else if (failure != NULL)
        log_line("next step: look into %s", failure);
    else if (dma_state(summary) == REPORT_PARTIAL)
        log_line("next step: take what is not covered out of the machine, run again");
    else if (record_cut() > 0)
        log_line("next step: shorten what was cut, %u records are lost", record_cut());
    else
        log_line("next step: run again with a device that proves refusals, %u of %u are proved",
                 results_counts().deny_pass, REPORT_DENY_MIN);
}

static void print_end(const char *word)
{
    log_line("bulkhead: end of report, verdict %s, %" PRIu64 " lines, CRC-32 %08" PRIx32, word,
             sealed.lines, sealed.crc);
}

/* ---- The report ---- */

void report_head(const struct report_summary *summary)
{
    print_head(summary);
    record_begin("start");
    record_number("schema", REPORT_SCHEMA);
    record_string("version", summary->version);
    record_hex("image_base", summary->image_base);
    record_string("console", summary->console);
    record_string("firmware", summary->firmware);
    record_bool("secure_boot", summary->secure_boot);
    record_number("memory_bytes", summary->memory_bytes);
    record_end();
    record_lists(summary, "entry", no_scalars, record_entry_unit, "bus_masters", was_bus_master);
}

void report_disk(const char *name, uint64_t bytes, const char *sha256_hex)
{
    record_begin("disk");
    record_string("name", name);
    record_number("bytes", bytes);
    record_string("sha256", sha256_hex);
    record_end();
    log_write(LOG_NOTICE, name, "%" PRIu64 " bytes read, SHA-256 %s", bytes, sha256_hex);
}

bool report_verdict(enum report_state dma, const struct result_counts *counts)
{
    return dma == REPORT_ACTIVE && counts->fail == 0 && counts->error == 0 &&
           counts->allow_pass >= REPORT_ALLOW_MIN && counts->deny_pass >= REPORT_DENY_MIN &&
           record_cut() == 0;
}

static bool verdict(const struct report_summary *summary)
{
    struct result_counts counts = results_counts();

    return report_verdict(dma_state(summary), &counts);
}

static void print_block(const struct report_summary *summary)
{
    struct result_counts counts = results_counts();

    print_found(summary);
    print_protection(summary);
    log_line("denial proof: %u refusals and %u permitted accesses proved; %u failed, %u undecided, "
             "%u skipped",
             counts.deny_pass, counts.allow_pass, counts.fail, counts.error, counts.skip);
    print_not_covered(summary);
    print_next_step(summary, verdict(summary));
}

bool report_finish(const struct report_summary *summary)
{
    record_lists(summary, "iommu", dma_scalars, record_iommu_unit, "uncovered", is_uncovered);
    record_interrupts(summary);
    record_groups(summary);
    results_ktap();
    sealed = record_seal();
    record_verdict(verdict(summary) ? "pass" : "fail");
    print_block(summary);
    print_end(verdict(summary) ? "PASS" : "FAIL");
    return verdict(summary);
}

void report_again(const struct report_summary *summary, bool whole)
{
    if (whole)
        print_head(summary);
    print_block(summary);
    if (whole)
        print_end(verdict(summary) ? "PASS" : "FAIL");
}

enum report_found report_found(const struct report_summary *summary)
{
    enum report_found found = summary->unit_count ? REPORT_FOUND_ON : REPORT_FOUND_NONE;

    if (summary->unclear)
        return REPORT_FOUND_UNKNOWN;
    for (unsigned i = 0; i < summary->unit_count; i++) {
        if (!summary->units[i].answers)
            return REPORT_FOUND_UNKNOWN;
        if (!(summary->units[i].on & REPORT_TE))
            found = REPORT_FOUND_OFF;
    }
    return found;
}

void report_inspected(const struct report_summary *summary)
{
    static const struct {
        const char *now, *next;
    } sentences[] = {
        [REPORT_FOUND_ON] =
            {"as found: firmware has every unit translate, what it lets through was "
             "not tried",
             "run mode=takeover to prove what is refused"},
        [REPORT_FOUND_OFF] = {"as found: a unit does not translate, devices behind it reach all "
                              "memory",
                              "run mode=takeover to see whether it can protect, or switch DMA "
                              "protection on in the firmware's setup"},
        [REPORT_FOUND_NONE] = {"as found: there is no IOMMU to drive, every device reaches all "
                               "memory",
                               "switch the IOMMU (VT-d, AMD-Vi) on in the firmware's setup, run "
                               "again"},
        [REPORT_FOUND_UNKNOWN] =
            {"as found: a unit does not answer or a table is broken, what is protected is unknown",
             "update the firmware: its tables are wrong, or name a unit that is not there"},
    };
    enum report_found found = report_found(summary);

    record_groups(summary);
    sealed = record_seal();
    record_verdict("none");
    print_found(summary);
    log_line("protection now: %s", sentences[found].now);
    log_line("denial proof: none, inspecting sends no request");
    log_line("not covered: not judged, inspecting changes nothing");
    log_line("next step: %s", sentences[found].next);
    print_end("NONE");
}
