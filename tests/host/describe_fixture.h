/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_DESCRIBE_FIXTURE_H
#define TESTS_HOST_DESCRIBE_FIXTURE_H

#include "drivers/iommu/core/describe.h"
#include "tests/host/domain_fixture.h"

#include <stdio.h>

/* Lines that are shown, and a device at work to show. */

/* ---- Lines ---- */

#define LINES_MAX 1024u

static char lines[LINES_MAX][IOMMU_LINE_MAX + 1];
static unsigned line_count;

static inline void take_line(void *context, const char *text)
{
    assert_true(context == lines);
    assert_true(strlen(text) <= IOMMU_LINE_MAX);
    for (const char *at = text; *at; at++)
        assert_true(*at >= ' ' && *at <= '~');
    assert_true(line_count < LINES_MAX);
    strcpy(lines[line_count++], text);
}

static const struct iommu_sink sink = {.line = take_line, .context = lines};

static inline bool seen(const char *part)
{
    for (unsigned i = 0; i < line_count; i++)
        if (strstr(lines[i], part))
            return true;
    return false;
}

static inline void shows(const char *part)
{
    if (seen(part))
        return;
    for (unsigned i = 0; i < line_count; i++)
        print_message("%s\n", lines[i]);
    fail_msg("no line has: %s", part);
}

static inline void shows_number(const char *format, uint64_t value)
{
    char part[80];

    snprintf(part, sizeof part, format, (unsigned long long)value);
    shows(part);
}

static unsigned line_next;

static inline void clear_lines(void)
{
    line_count = line_next = 0;
}

/* The next line, whole. */
__attribute__((format(printf, 1, 2))) static inline void line_is(const char *format, ...)
{
    char text[IOMMU_LINE_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_true(line_next < line_count);
    assert_string_equal(lines[line_next++], text);
}

static inline void no_more_lines(void)
{
    assert_int_equal(line_next, line_count);
    clear_lines();
}

/* ---- A device at work ---- */

#define LARGE  UINT64_C(0x200000)
#define BIG_AT UINT64_C(0x40000000)

static uint64_t small_pages, big_pages;
static iommu_ref_t domain_ref;

static inline void map_with(uint64_t address, uint64_t physical, uint64_t length,
                            enum pt_permission permission)
{
    const struct iommu_place place = {&address, 0, UINT64_MAX};
    const struct iommu_memory memory = {.physical = physical, .length = length};
    uint64_t out;

    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, domain_ref, &place, &memory, permission, &out),
                     IOMMU_OK);
}

/* What a walk that is not coherent sees is what the others see. */
static inline void write_back_all(void)
{
    for (uint64_t at = MODEL_RAM_BASE; at < MODEL_RAM_BASE + MODEL_RAM_SIZE; at += PAGE)
        if (model_owner(at) == OWNER_IOMMU)
            table_write_back(memory_virtual(at), PAGE);
}

/* FIRST in a domain: single pages of each right, a superpage, and a demanded region. */
static inline void work(void)
{
    struct options options = OPTIONS_DEFAULT;

    options.plan.region = REGION_BASE;
    start(&options);
    domain_ref = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain_ref);
    small_pages = own_pages(OWNER_ONE, 4);
    big_pages = own_pages(OWNER_ONE, 512);
    map_with(AT, small_pages, PAGE, PT_READ);
    map_with(AT + PAGE, small_pages + PAGE, PAGE, PT_WRITE);
    map_with(AT + 2 * PAGE, small_pages + 2 * PAGE, PAGE, PT_READ_WRITE);
    map_with(AT + 3 * PAGE, small_pages + 3 * PAGE, PAGE, PT_NONE);
    map_with(BIG_AT, big_pages, LARGE, PT_READ_WRITE);
    write_back_all();
}

#endif
