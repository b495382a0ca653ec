/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/frames.h"

/* Frames [first, end). */
struct span {
    size_t first;
    size_t end;
};

/* States of a frame, which nobody can hold or give back. */
static bool is_holder(owner_t owner)
{
    return owner != OWNER_FREE && owner != OWNER_ABSENT && owner != OWNER_WITHHELD;
}

/* Of a block whose frames differ, or may differ. */
#define MIXED UINT16_MAX

typedef uint64_t four_tags_t __attribute__((may_alias, aligned(sizeof(owner_t))));
_Static_assert(sizeof(four_tags_t) == 4 * sizeof(owner_t), "four tags in a word");

static bool all_carry(const owner_t *tags, size_t count, owner_t owner)
{
    const uint64_t four = owner * UINT64_C(0x0001000100010001);
    uint64_t differing = 0;

    for (; count >= 4; count -= 4, tags += 4) {
        differing |= *(const four_tags_t *)tags ^ four;
    }
    while (count--) {
        differing |= (uint64_t)(*tags++ ^ owner);
    }
    return !differing;
}

bool frames_all_owned(const struct frames *frames, owner_t owner, size_t first, size_t end)
{
    for (size_t i = first, count; i < end; i += count) {
        count = FRAMES_BLOCK - i % FRAMES_BLOCK;
        if (count > end - i) {
            count = end - i;
        }
        if ((count < FRAMES_BLOCK || frames->blocks[i / FRAMES_BLOCK] != owner) &&
            !all_carry(&frames->tags[i], count, owner)) {
            return false;
        }
    }
    return true;
}

/* The hint passes over frame 0, which is never given. */
static void advance_hint(struct frames *frames)
{
    if (frames->hint == 0) {
        frames->hint = 1;
    }
    while (frames->hint < frames->count && frames->tags[frames->hint] != OWNER_FREE) {
        frames->hint++;
    }
}

static void set_tag(struct frames *frames, size_t frame, owner_t tag)
{
    if (frames->tags[frame] == OWNER_FREE) {
        frames->free_count--;
    }
    if (tag == OWNER_FREE) {
        frames->free_count++;
        if (frame < frames->hint) {
            frames->hint = frame;
        }
    }
    frames->tags[frame] = tag;
    if (frames->blocks[frame / FRAMES_BLOCK] != tag) {
        frames->blocks[frame / FRAMES_BLOCK] = MIXED;
    }
}

static void set_tags(struct frames *frames, struct span span, owner_t tag)
{
    for (size_t i = span.first; i < span.end; i++) {
        set_tag(frames, i, tag);
        if ((i + 1) % FRAMES_BLOCK == 0 && i + 1 - span.first >= FRAMES_BLOCK) {
            frames->blocks[i / FRAMES_BLOCK] = tag;
        }
    }
}

void frames_init(struct frames *frames, owner_t *tags, size_t count)
{
    for (size_t i = 0; i < FRAMES_TAGS(count); i++) {
        tags[i] = OWNER_ABSENT;
    }
    *frames = (struct frames){.tags = tags, .blocks = tags + count, .count = count, .hint = count};
}

/* The whole frames inside a byte range, cut to the frames that there are. */
static struct span frames_inside(const struct frames *frames, uint64_t base, uint64_t length)
{
    uint64_t last = length <= UINT64_MAX - base ? base + length : UINT64_MAX;
    uint64_t first = (base >> FRAME_SHIFT) + (base % FRAME_SIZE != 0);
    uint64_t end = last >> FRAME_SHIFT;

    if (end > frames->count) {
        end = frames->count;
    }
    if (first > end) {
        first = end;
    }
    return (struct span){(size_t)first, (size_t)end};
}

size_t frames_retag(struct frames *frames, uint64_t base, uint64_t length, owner_t from, owner_t to)
{
    struct span span = frames_inside(frames, base, length);
    size_t changed = 0;

    for (size_t i = span.first; i < span.end; i++) {
        if (frames->tags[i] == from) {
            set_tag(frames, i, to);
            changed++;
        }
    }
    return changed;
}

/* Lowest free span of `count` aligned frames in [from, end). Runs are tested from their end, so
 * that one taken frame skips all the candidates that contain it. */
static bool find_free(const struct frames *frames, size_t from, size_t end, size_t count,
                      size_t align, size_t *found)
{
    size_t start = from;

    while (start <= SIZE_MAX - (align - 1)) {
        size_t taken;

        start = (start + align - 1) & ~(align - 1);
        if (start > end || count > end - start) {
            return false;
        }
        for (taken = start + count; taken > start; taken--) {
            if (frames->tags[taken - 1] != OWNER_FREE) {
                break;
            }
        }
        if (taken == start) {
            *found = start;
            return true;
        }
        start = taken;
    }
    return false;
}

bool frames_alloc(struct frames *frames, owner_t owner, size_t count, size_t align, uint64_t limit,
                  uint64_t *base)
{
    size_t end = frames->count;
    size_t first;

    if (!is_holder(owner) || count == 0 || align == 0 || (align & (align - 1)) != 0) {
        return false;
    }
    if (limit != 0 && limit >> FRAME_SHIFT < end) {
        end = (size_t)(limit >> FRAME_SHIFT);
    }
    advance_hint(frames);
    if (!find_free(frames, frames->hint, end, count, align, &first)) {
        return false;
    }
    set_tags(frames, (struct span){first, first + count}, owner);
    *base = (uint64_t)first << FRAME_SHIFT;
    return true;
}

bool frames_free(struct frames *frames, owner_t owner, uint64_t base, size_t count)
{
    uint64_t first = base >> FRAME_SHIFT;
    struct span span;

    if (!is_holder(owner) || count == 0 || base % FRAME_SIZE != 0 || first > frames->count ||
        count > frames->count - first) {
        return false;
    }
    span = (struct span){(size_t)first, (size_t)first + count};
    if (!frames_all_owned(frames, owner, span.first, span.end)) {
        return false;
    }
    set_tags(frames, span, OWNER_FREE);
    return true;
}

owner_t frames_owner(const struct frames *frames, uint64_t physical)
{
    uint64_t frame = physical >> FRAME_SHIFT;

    return frame < frames->count ? frames->tags[frame] : OWNER_ABSENT;
}
