/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/ram.h"
#include "arch/x86_64/x86.h"

/*
 * Firmware's page tables lie somewhere in the memory that it just gave up, and need not map all of
 * it. So nothing outside the image is touched before our own tables are on. They start in the
 * image, with the image and one window of RAM; the window holds the owner tags and the tables for
 * the rest.
 */
#define LOW_MEMORY_END (UINT64_C(1) << 20)
#define WINDOW_ALIGN   (UINT64_C(2) << 20)

/* Tables for all RAM by 2 MiB leaves (8 bytes each), and for the odd ends of a few runs. */
#define TABLES_SHIFT 18
#define TABLES_EXTRA (UINT64_C(256) << 10)

/* [base, end) */
struct range {
    uint64_t base;
    uint64_t end;
};

struct map {
    const struct x86_memory_region *regions;
    unsigned count;
    uint64_t limit; /* of physical addresses */
    struct range image;
    struct range window;
    uint64_t tags_length;
    size_t frames;
};

static uint64_t ram_frames;

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return value > UINT64_MAX - (unit - 1) ? UINT64_MAX - (unit - 1) : (value + unit - 1) & -unit;
}

/* Whole pages: inside what may be used, around what may not. */
static struct range range_of(const struct map *map, const struct x86_memory_region *region)
{
    uint64_t end =
        region->length <= UINT64_MAX - region->base ? region->base + region->length : UINT64_MAX;
    struct range range = {region->base & -FRAME_SIZE, round_up(end, FRAME_SIZE)};

    if (region->usable) {
        range = (struct range){round_up(region->base, FRAME_SIZE), end & -FRAME_SIZE};
        if (range.base < LOW_MEMORY_END) {
            range.base = LOW_MEMORY_END;
        }
    }
    if (range.end > map->limit) {
        range.end = map->limit;
    }
    if (range.base > range.end) {
        range.base = range.end;
    }
    return range;
}

static uint64_t usable_end(const struct map *map)
{
    uint64_t end = map->image.end;

    for (unsigned i = 0; i < map->count; i++) {
        struct range range = range_of(map, &map->regions[i]);

        if (map->regions[i].usable && range.base < range.end && range.end > end) {
            end = range.end;
        }
    }
    return end;
}

static bool overlap(struct range a, struct range b)
{
    return a.base < b.end && b.base < a.end;
}

/* End of something that is in the way of `wanted`; 0: nothing is. */
static uint64_t obstacle(const struct map *map, struct range wanted)
{
    if (overlap(wanted, map->image)) {
        return map->image.end;
    }
    for (unsigned i = 0; i < map->count; i++) {
        struct range range = range_of(map, &map->regions[i]);

        if (!map->regions[i].usable && overlap(wanted, range)) {
            return range.end;
        }
    }
    return 0;
}

static bool find_window(struct map *map, uint64_t length)
{
    for (unsigned i = 0; i < map->count; i++) {
        struct range region = range_of(map, &map->regions[i]);
        uint64_t base = round_up(region.base, WINDOW_ALIGN);
        uint64_t blocked = 1;

        while (map->regions[i].usable && blocked != 0 && base < region.end &&
               length <= region.end - base) {
            map->window = (struct range){base, base + length};
            blocked = obstacle(map, map->window);
            base = round_up(blocked, WINDOW_ALIGN);
        }
        if (blocked == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t image_page_allows(uint64_t page)
{
    if (page >= image_address(image_text_begin) && page < image_address(image_text_end)) {
        return PAGE_CODE;
    }
    if (page >= image_address(image_data_begin) && page < image_address(image_data_end)) {
        return PAGE_DATA;
    }
    return PAGE_CONST;
}

static bool map_image(const struct map *map)
{
    for (uint64_t page = map->image.base, end; page < map->image.end; page = end) {
        uint64_t allow = image_page_allows(page);

        end = page + FRAME_SIZE;
        while (end < map->image.end && image_page_allows(end) == allow) {
            end += FRAME_SIZE;
        }
        if (!paging_map(page, end - page, allow)) {
            return false;
        }
    }
    for (unsigned i = 0; i < STACK_COUNT; i++) {
        if (!paging_guard((uint64_t)(uintptr_t)x86_stacks[i].guard)) {
            return false;
        }
    }
    return true;
}

static size_t retag(struct range range, owner_t from, owner_t to)
{
    return frames_retag(&x86_frames, range.base, range.end - range.base, from, to);
}

/* RAM waits as withheld until it is mapped. Where regions contradict each other, the one that must
 * not be used wins. */
static void tag_frames(const struct map *map)
{
    struct range tags = {map->window.base, map->window.base + map->tags_length};

    frames_init(&x86_frames, (owner_t *)(uintptr_t)tags.base, map->frames);
    for (unsigned i = 0; i < map->count; i++) {
        if (map->regions[i].usable) {
            ram_frames += retag(range_of(map, &map->regions[i]), OWNER_ABSENT, OWNER_WITHHELD);
        }
    }
    for (unsigned i = 0; i < map->count; i++) {
        if (!map->regions[i].usable) {
            ram_frames -= retag(range_of(map, &map->regions[i]), OWNER_WITHHELD, OWNER_ABSENT);
        }
    }
    (void)retag(map->image, OWNER_WITHHELD, OWNER_IMAGE);
    ram_frames += retag(map->image, OWNER_ABSENT, OWNER_IMAGE);
    (void)retag(tags, OWNER_WITHHELD, OWNER_IMAGE);
    (void)retag(map->window, OWNER_WITHHELD, OWNER_FREE);
}

/* Each run of withheld frames is mapped, then free: its frames serve the next runs' tables. */
static bool map_ram(void)
{
    for (size_t first = 0, end; first < x86_frames.count; first = end) {
        uint64_t base = (uint64_t)first << FRAME_SHIFT, length;

        end = frames_run(&x86_frames, first, x86_frames.count);
        length = (uint64_t)(end - first) << FRAME_SHIFT;
        if (frames_owner(&x86_frames, base) != OWNER_WITHHELD) {
            continue;
        }
        if (!paging_map(base, length, PAGE_DATA)) {
            return false;
        }
        (void)frames_retag(&x86_frames, base, length, OWNER_WITHHELD, OWNER_FREE);
    }
    return true;
}

/* What the switch to our own tables takes away must not be in use. */
static const char *unfit(const struct map *map, uint64_t image_base)
{
    char here;

    if (x86_missing_feature() != NULL) {
        return x86_missing_feature();
    }
    if (image_base != map->image.base) {
        return "the image is not where its own addresses say";
    }
    if (!image_contains((uint64_t)(uintptr_t)&here)) {
        return "the stack is not the image's own";
    }
    if (!image_contains((uint64_t)(uintptr_t)map->regions)) {
        return "the list of memory regions is outside the image";
    }
    return NULL;
}

static const char *take_memory(struct map *map)
{
    uint64_t end = usable_end(map);

    map->frames = (size_t)(end >> FRAME_SHIFT);
    map->tags_length = round_up(FRAMES_TAGS(map->frames) * sizeof(owner_t), FRAME_SIZE);
    if (!find_window(
            map, round_up(map->tags_length + (end >> TABLES_SHIFT) + TABLES_EXTRA, WINDOW_ALIGN))) {
        return "no free memory for the owner tags";
    }
    paging_init();
    if (!map_image(map) ||
        !paging_map(map->window.base, map->window.end - map->window.base, PAGE_DATA)) {
        return "the image needs more page tables than were set aside";
    }
    paging_activate();
    tag_frames(map);
    return map_ram() ? NULL : "no free memory for page tables";
}

bool x86_init_memory(const struct x86_memory_region *regions, unsigned count, uint64_t image_base,
                     const char **why)
{
    struct map map = {
        .regions = regions,
        .count = count,
        .limit = UINT64_C(1) << x86_physical_bits(),
        .image = {image_address(image_begin), image_address(image_end)},
    };
    const char *reason = unfit(&map, image_base);

    if (reason == NULL) {
        reason = take_memory(&map);
    }
    if (reason != NULL) {
        *why = reason;
        return false;
    }
    return true;
}

uint64_t x86_ram_bytes(void)
{
    return ram_frames << FRAME_SHIFT;
}
