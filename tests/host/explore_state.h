/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_EXPLORE_STATE_H
#define TESTS_HOST_EXPLORE_STATE_H

#include "tests/host/iommu_fixture.h"

/*
 * Core's one object, its tables and the unit's caches, copied and put back. What differs from the
 * beginning is kept: words of the lines that calls were seen to change, and the cached entries.
 * The queues are idle between two calls and are put back to the beginning, so that only their first
 * entries are ever used.
 */
#define LINE         64u
#define LINE_WORDS   (LINE / sizeof(uint64_t))
#define LINES_MAX    1024
#define AREAS_MAX    2048
#define PACKED_MAX   65536
#define ENTRIES_KEPT 64 /* per cache */

struct area {
    uint8_t *live, *first; /* as it is, and as it was at the beginning */
    size_t size;
};

static struct {
    struct area areas[AREAS_MAX];
    unsigned area_count;
    struct {
        uint64_t *live, *first;
    } lines[LINES_MAX];
    unsigned line_count;
    unit_t unit;
    unit_driver_t driver;
    uint64_t status;
} begin;

static inline bool serves_queue(uint64_t frame)
{
    const struct iommu_queue *queue = &on.driver.units[0].queue;

    return frame == memory_physical(queue->ring) || frame == memory_physical(queue->status) ||
           unit_is_log(&on.unit, frame);
}

static inline void add_area(void *live, size_t size)
{
    struct area *area = &begin.areas[begin.area_count++];

    assert_true(begin.area_count <= AREAS_MAX);
    free(area->first);
    *area = (struct area){live, malloc(size), size};
    assert_non_null(area->first);
    memcpy(area->first, live, size);
}

/* Lines learned in an earlier world are of the same places in this one. */
static inline void find_first(uint64_t *live, uint64_t **first)
{
    *first = NULL;
    for (unsigned i = 0; i < begin.area_count; i++) {
        size_t at = (size_t)((uint8_t *)live - begin.areas[i].live);

        if (at < begin.areas[i].size)
            *first = (uint64_t *)(void *)(begin.areas[i].first + at);
    }
    assert_non_null(*first);
}

/* Everything that a call may change. */
static inline void remember_begin(void)
{
    begin.area_count = 0;
    add_area(&on.iommu, sizeof on.iommu);
    for (uint64_t frame = MODEL_RAM_BASE; frame < MODEL_RAM_BASE + MODEL_RAM_SIZE;
         frame += FRAME_SIZE) {
        if (model_owner(frame) != OWNER_IOMMU || serves_queue(frame))
            continue;
        add_area(model_ram(frame, FRAME_SIZE), FRAME_SIZE);
        add_area(model_memory(frame, FRAME_SIZE), FRAME_SIZE);
    }
    for (unsigned i = 0; i < begin.line_count; i++)
        find_first(begin.lines[i].live, &begin.lines[i].first);
    begin.unit = on.unit;
    begin.driver = on.driver;
    begin.status = *(uint64_t *)(void *)on.driver.units[0].queue.status;
}

static inline bool is_known(const uint8_t *live)
{
    for (unsigned i = 0; i < begin.line_count; i++)
        if ((uint8_t *)begin.lines[i].live == live)
            return true;
    return false;
}

static inline void learn_line(struct area *area, size_t at)
{
    unsigned i = begin.line_count++;

    assert_true(begin.line_count <= LINES_MAX);
    begin.lines[i].live = (uint64_t *)(void *)(area->live + at);
    begin.lines[i].first = (uint64_t *)(void *)(area->first + at);
}

/* Lines that have changed and were not known to; `learn`: they are from now on. */
static inline unsigned unknown_changes(bool learn)
{
    unsigned count = 0;

    for (unsigned i = 0; i < begin.area_count; i++) {
        struct area *area = &begin.areas[i];

        if (memcmp(area->live, area->first, area->size) == 0)
            continue;
        for (size_t at = 0; at < area->size; at += LINE) {
            if (memcmp(area->live + at, area->first + at, LINE) == 0 || is_known(area->live + at))
                continue;
            count++;
            if (learn)
                learn_line(area, at);
        }
    }
    return count;
}

/* ---- Packed ---- */

struct packed {
    size_t size;
    uint8_t bytes[PACKED_MAX];
};

static inline void put(struct packed *packed, const void *bytes, size_t size)
{
    assert_true(packed->size + size <= PACKED_MAX);
    memcpy(packed->bytes + packed->size, bytes, size);
    packed->size += size;
}

/* Those from `first` on. */
static inline void pack_caches(struct packed *packed, unsigned first)
{
    struct unit_cache caches[UNIT_CACHES];

    unit_caches(&on.unit, caches);
    for (unsigned i = first; i < UNIT_CACHES; i++) {
        const char *entry = caches[i].entries;
        size_t at = packed->size;
        uint8_t kept = 0;

        put(packed, &kept, 1);
        for (unsigned n = 0; n < *caches[i].count; n++, entry += caches[i].size) {
            if (!*(const bool *)entry)
                continue;
            put(packed, entry, caches[i].size);
            kept++;
        }
        assert_true(kept <= ENTRIES_KEPT);
        packed->bytes[at] = kept;
    }
}

static inline const uint8_t *unpack_caches(const uint8_t *from, unsigned first)
{
    struct unit_cache caches[UNIT_CACHES];

    unit_caches(&on.unit, caches);
    for (unsigned i = first; i < UNIT_CACHES; i++) {
        unsigned kept = *from++;

        memcpy(caches[i].entries, from, kept * caches[i].size);
        *caches[i].count = kept;
        from += kept * caches[i].size;
    }
    return from;
}

static inline void pack(struct packed *packed)
{
    packed->size = 0;
    pack_caches(packed, 0);
    for (unsigned i = 0; i < begin.line_count; i++) {
        for (unsigned n = 0; n < LINE_WORDS; n++) {
            uint16_t index = (uint16_t)(i * LINE_WORDS + n);

            if (begin.lines[i].live[n] == begin.lines[i].first[n])
                continue;
            put(packed, &index, sizeof index);
            put(packed, &begin.lines[i].live[n], sizeof(uint64_t));
        }
    }
}

static inline void settle(void)
{
    unit_settle(&on.unit, &begin.unit);
    on.driver.units[0] = begin.driver.units[0];
    *(uint64_t *)(void *)on.driver.units[0].queue.status = begin.status;
}

static inline void unpack(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size, *from = unpack_caches(bytes, 0);

    settle();
    for (unsigned i = 0; i < begin.line_count; i++)
        memcpy(begin.lines[i].live, begin.lines[i].first, LINE);
    while (from < end) {
        uint16_t index;

        memcpy(&index, from, sizeof index);
        memcpy(&begin.lines[index / LINE_WORDS].live[index % LINE_WORDS], from + sizeof index,
               sizeof(uint64_t));
        from += sizeof index + sizeof(uint64_t);
    }
}

#endif
