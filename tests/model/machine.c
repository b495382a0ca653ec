/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "machine.h"
#include "machine_internal.h"

#include "arch/mmio.h"
#include "lib/lock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REGIONS_MAX    32
#define VIOLATIONS_MAX 64
#define VIOLATION_TEXT 160

static struct model_region regions[REGIONS_MAX];
static unsigned region_count;
static unsigned fail_map;

static char violation_texts[VIOLATIONS_MAX][VIOLATION_TEXT];
static unsigned violation_count;

static struct lock hardware = LOCK_INIT;
static _Thread_local unsigned depth;

/* Of ThreadSanitizer's runtime, "Annotations". */
#ifdef MODEL_TSAN
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static void look_away(void)
{
    AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}

static void look_again(void)
{
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
}
#else
static void look_away(void)
{
}

static void look_again(void)
{
}
#endif

void model_enter(void)
{
    if (depth++ != 0) {
        return;
    }
    look_away();
    lock_take(&hardware);
}

void model_leave(void)
{
    if (--depth != 0) {
        return;
    }
    lock_give(&hardware);
    look_again();
}

void model_reset(void)
{
    region_count = 0;
    fail_map = 0;
    violation_count = 0;
    model_memory_reset();
    model_history_reset();
    model_clock_reset();
    model_irq_reset();
    model_task_reset();
}

void model_violation(const char *format, ...)
{
    if (violation_count < VIOLATIONS_MAX) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(violation_texts[violation_count], VIOLATION_TEXT, format, arguments);
        va_end(arguments);
    }
    violation_count++;
}

unsigned model_violations(void)
{
    return violation_count;
}

static unsigned violations_kept(void)
{
    return violation_count < VIOLATIONS_MAX ? violation_count : VIOLATIONS_MAX;
}

const char *model_violation_text(unsigned index)
{
    return index < violations_kept() ? violation_texts[index] : "";
}

bool model_violation_seen(const char *part)
{
    for (unsigned i = 0; i < violations_kept(); i++) {
        if (strstr(violation_texts[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

void model_violations_clear(void)
{
    violation_count = 0;
}

static bool overlaps(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
    return a < b + b_length && b < a + a_length;
}

static bool usable_for_mmio(uint64_t base, uint64_t length)
{
    return length != 0 && base + length > base &&
           !overlaps(base, length, MODEL_RAM_BASE, MODEL_RAM_SIZE);
}

bool model_add_region(const struct model_region *region)
{
    if (region_count == REGIONS_MAX || !usable_for_mmio(region->base, region->length)) {
        return false;
    }
    for (unsigned i = 0; i < region_count; i++) {
        if (overlaps(region->base, region->length, regions[i].base, regions[i].length)) {
            return false;
        }
    }
    regions[region_count++] = *region;
    return true;
}

void model_fail_mmio_map(unsigned nth)
{
    fail_map = nth;
}

bool mmio_map(uint64_t physical, size_t length, struct mmio *out)
{
    if (!usable_for_mmio(physical, length) || (fail_map != 0 && --fail_map == 0)) {
        return false;
    }
    *out = (struct mmio){.base = (uintptr_t)physical, .length = length};
    return true;
}

bool mmio_map_combining(uint64_t physical, size_t length, struct mmio *out)
{
    return mmio_map(physical, length, out);
}

static bool in_window(const struct mmio *window, uint32_t offset, unsigned width)
{
    if (offset % width == 0 && window->length >= width && offset <= window->length - width) {
        return true;
    }
    model_violation("mmio: %u-byte access at offset %#x of a window of %#zx bytes", width, offset,
                    window->length);
    return false;
}

static const struct model_region *region_at(uint64_t physical, unsigned width)
{
    for (unsigned i = 0; i < region_count; i++) {
        const struct model_region *region = &regions[i];
        if (physical >= region->base && region->length >= width &&
            physical - region->base <= region->length - width) {
            return region;
        }
    }
    return NULL;
}

static uint64_t mmio_read(const struct mmio *window, uint32_t offset, unsigned width)
{
    const struct model_region *region = NULL;

    uint64_t value = UINT64_MAX;

    model_enter();
    if (in_window(window, offset, width)) {
        region = region_at(window->base + offset, width);
    }
    if (region != NULL) {
        value = region->read(region->context, window->base + offset - region->base, width);
    }
    model_leave();
    return value;
}

static void mmio_write(const struct mmio *window, uint32_t offset, unsigned width, uint64_t value)
{
    const struct model_region *region = NULL;

    model_enter();
    if (in_window(window, offset, width)) {
        region = region_at(window->base + offset, width);
    }
    if (region != NULL) {
        region->write(region->context, window->base + offset - region->base, width, value);
    }
    model_leave();
}

uint32_t mmio_read32(const struct mmio *window, reg32_t reg)
{
    return (uint32_t)mmio_read(window, reg.offset, 4);
}

uint64_t mmio_read64(const struct mmio *window, reg64_t reg)
{
    return mmio_read(window, reg.offset, 8);
}

void mmio_write32(const struct mmio *window, reg32_t reg, uint32_t value)
{
    mmio_write(window, reg.offset, 4, value);
}

void mmio_write64(const struct mmio *window, reg64_t reg, uint64_t value)
{
    mmio_write(window, reg.offset, 8, value);
}
