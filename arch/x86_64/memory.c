/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"

#include "arch/mmio.h"
#include "arch/table.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/ram.h"
#include "arch/x86_64/x86.h"
#include "lib/lock.h"

/* A table that firmware describes is never longer than this. */
#define FIRMWARE_VIEW_MAX (UINT64_C(64) << 20)

struct frames x86_frames;
static struct lock frames_lock = LOCK_INIT;

static uint64_t address_of(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

static void clear_frames(uint64_t base, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        table_zero((void *)(uintptr_t)(base + i * FRAME_SIZE));
    }
}

static size_t power_of_two_above(size_t count)
{
    size_t power = 1;

    while (power < count) {
        power *= 2;
    }
    return power;
}

static bool take_frames(owner_t owner, size_t count, size_t align, uint64_t limit, uint64_t *base)
{
    lock_take(&frames_lock);
    bool taken = frames_alloc(&x86_frames, owner, count, align, limit, base);
    lock_give(&frames_lock);
    return taken;
}

static bool give_frames(owner_t owner, uint64_t base, size_t count)
{
    lock_take(&frames_lock);
    bool given = frames_free(&x86_frames, owner, base, count);
    lock_give(&frames_lock);
    return given;
}

size_t memory_free_frames(void)
{
    lock_take(&frames_lock);
    size_t count = x86_frames.free_count;
    lock_give(&frames_lock);
    return count;
}

void *memory_alloc(owner_t owner, size_t count, uint64_t limit)
{
    uint64_t base;

    if (count > x86_frames.count ||
        !take_frames(owner, count, power_of_two_above(count), limit, &base)) {
        return NULL;
    }
    clear_frames(base, count);
    return (void *)(uintptr_t)base;
}

bool memory_free(owner_t owner, void *address, size_t count)
{
    uint64_t base = address_of(address);

    if (!give_frames(owner, base, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        paging_unguard(base + i * FRAME_SIZE);
    }
    return true;
}

void *memory_alloc_stack(owner_t owner, size_t pages)
{
    uint64_t base;

    if (pages == 0 || pages >= x86_frames.count || !take_frames(owner, pages + 1, 1, 0, &base)) {
        return NULL;
    }
    clear_frames(base, pages + 1);
    if (!paging_guard(base)) {
        (void)give_frames(owner, base, pages + 1);
        return NULL;
    }
    return (void *)(uintptr_t)(base + (pages + 1) * FRAME_SIZE);
}

uint64_t memory_physical(const void *address)
{
    return address_of(address);
}

void *memory_virtual(uint64_t physical)
{
    if (frames_owner(&x86_frames, physical) == OWNER_ABSENT) {
        return NULL;
    }
    return (void *)(uintptr_t)physical;
}

static bool belongs_to_image(owner_t owner)
{
    return owner == OWNER_IMAGE || owner == OWNER_IOMMU;
}

static bool is_managed(owner_t owner)
{
    return owner != OWNER_ABSENT;
}

static bool is_in_use(owner_t owner)
{
    return owner != OWNER_FREE && owner != OWNER_ABSENT && owner != OWNER_WITHHELD;
}

/* Asks about every frame that the inclusive range [first, last] touches. */
static bool any_frame(uint64_t first, uint64_t last, bool (*is)(owner_t owner))
{
    uint64_t last_frame = last >> FRAME_SHIFT;
    size_t end = last_frame < x86_frames.count ? (size_t)last_frame + 1 : x86_frames.count;

    for (uint64_t i = first >> FRAME_SHIFT; i < end; i = frames_run(&x86_frames, (size_t)i, end)) {
        if (is(frames_owner(&x86_frames, i << FRAME_SHIFT))) {
            return true;
        }
    }
    return false;
}

bool memory_overlaps_image(uint64_t first, uint64_t last)
{
    return any_frame(first, last, belongs_to_image);
}

bool memory_withhold(uint64_t first, uint64_t last)
{
    uint64_t base = first & ~(FRAME_SIZE - 1);
    uint64_t end = last | (FRAME_SIZE - 1);

    if (last < first || any_frame(first, last, is_in_use)) {
        return false;
    }
    (void)frames_retag(&x86_frames, base, end - base + (end != UINT64_MAX), OWNER_FREE,
                       OWNER_WITHHELD);
    return true;
}

/* The whole pages around [physical, physical + length). False: none, or the range wraps. */
static bool pages_around(uint64_t physical, uint64_t length, uint64_t *first, uint64_t *span)
{
    uint64_t offset = physical % FRAME_SIZE;

    if (length == 0 || length > UINT64_MAX - 2 * FRAME_SIZE ||
        physical > UINT64_MAX - length - 2 * FRAME_SIZE) {
        return false;
    }
    *first = physical - offset;
    *span = (offset + length + FRAME_SIZE - 1) & ~(FRAME_SIZE - 1);
    return true;
}

/* Until x86_init_memory, firmware's page tables are in use. They map what they map at its own
 * address; the rest is out of reach. */
static bool firmware_maps(uint64_t physical, uint64_t length)
{
    uint64_t first, span;

    if (!pages_around(physical, length, &first, &span)) {
        return false;
    }
    for (uint64_t at = first; at < first + span;) {
        uint64_t leaf = paging_firmware_leaf(at);

        if (leaf == 0) {
            return false;
        }
        at = (at & ~(leaf - 1)) + leaf;
    }
    return true;
}

static bool is_ours(void)
{
    return x86_frames.count != 0;
}

/* Pages that are mapped already stay as they are. */
const void *memory_map_firmware(uint64_t physical, size_t length)
{
    uint64_t first, span;

    if (length > FIRMWARE_VIEW_MAX || !pages_around(physical, length, &first, &span)) {
        return NULL;
    }
    if (!is_ours()) {
        return firmware_maps(physical, length) ? (const void *)(uintptr_t)physical : NULL;
    }
    for (uint64_t page = first; page < first + span; page += FRAME_SIZE) {
        if (!x86_access_at(page).present && !paging_map(page, FRAME_SIZE, PAGE_CONST)) {
            return NULL;
        }
    }
    return (const void *)(uintptr_t)physical;
}

static bool map_device(uint64_t physical, uint64_t length, uint64_t allow)
{
    uint64_t first, span;

    if (!is_ours()) {
        return firmware_maps(physical, length);
    }
    return pages_around(physical, length, &first, &span) &&
           !any_frame(first, first + span - 1, is_managed) && paging_map(first, span, allow);
}

bool mmio_map(uint64_t physical, size_t length, struct mmio *out)
{
    if (!map_device(physical, length, PAGE_DEVICE)) {
        return false;
    }
    *out = (struct mmio){(uintptr_t)physical, length};
    return true;
}

bool mmio_map_combining(uint64_t physical, size_t length, struct mmio *out)
{
    if (!map_device(physical, length, PAGE_SCREEN)) {
        return false;
    }
    *out = (struct mmio){(uintptr_t)physical, length};
    return true;
}

bool x86_open_firmware(uint64_t base, uint64_t length, bool ram)
{
    return paging_remap(base, length, ram ? PAGE_W : PAGE_DEVICE);
}
