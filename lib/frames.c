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

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t frames_run(const struct frames *frames, size_t first, size_t end)
{
    owner_t owner = frames_tag(frames, first);
    size_t last_block = (end - 1) / FRAMES_BLOCK;

    for (size_t block = first / FRAMES_BLOCK; block <= last_block; block++) {
        size_t i, block_end;

        if (frames->blocks[block] == owner) {
            continue;
        }
        i = block == first / FRAMES_BLOCK ? first : block * FRAMES_BLOCK;
        block_end = smaller((block + 1) * FRAMES_BLOCK, end);
        while (i < block_end && frames->blocks[block] == FRAMES_MIXED && frames->tags[i] == owner) {
            i++;
        }
        if (i < block_end) {
            return i;
        }
    }
    return end;
}

/* Readers without the lock want each tag whole, so words of tags are aligned. */
typedef uint64_t four_tags_t __attribute__((may_alias));
_Static_assert(sizeof(four_tags_t) == 4 * sizeof(owner_t), "four tags in a word");

static uint64_t in_each(owner_t owner)
{
    return owner * UINT64_C(0x0001000100010001);
}

static bool is_aligned(const owner_t *tags)
{
    return (uintptr_t)tags % sizeof(four_tags_t) == 0;
}

static uint64_t one_differs(const owner_t *tag, owner_t owner)
{
    return (uint64_t)(__atomic_load_n(tag, __ATOMIC_RELAXED) ^ owner);
}

static uint64_t four_differ(const owner_t *tags, uint64_t four)
{
    return __atomic_load_n((const four_tags_t *)tags, __ATOMIC_RELAXED) ^ four;
}

static bool all_carry(const owner_t *tags, size_t count, owner_t owner)
{
    const uint64_t four = in_each(owner);
    const owner_t *end = tags + count;
    uint64_t differing = 0;

    for (; tags < end && !is_aligned(tags); tags++) {
        differing |= one_differs(tags, owner);
    }
    for (; end - tags >= 8; tags += 8) {
        differing |= four_differ(tags, four) | four_differ(tags + 4, four);
    }
    for (; tags < end; tags++) {
        differing |= one_differs(tags, owner);
    }
    return !differing;
}

static void put_tags(owner_t *tags, size_t count, owner_t tag)
{
    const uint64_t four = in_each(tag);
    owner_t *end = tags + count;

    while (tags < end) {
        if (is_aligned(tags) && end - tags >= 4) {
            __atomic_store_n((four_tags_t *)tags, four, __ATOMIC_RELAXED);
            tags += 4;
        } else {
            __atomic_store_n(tags++, tag, __ATOMIC_RELAXED);
        }
    }
}

bool frames_all_owned(const struct frames *frames, owner_t owner, size_t first, size_t end)
{
    for (size_t i = first, next; i < end; i = next) {
        owner_t common = __atomic_load_n(&frames->blocks[i / FRAMES_BLOCK], __ATOMIC_ACQUIRE);

        next = smaller((i / FRAMES_BLOCK + 1) * FRAMES_BLOCK, end);
        if (common != owner &&
            (common != FRAMES_MIXED || !all_carry(&frames->tags[i], next - i, owner))) {
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
    while (frames->hint < frames->count && frames_tag(frames, frames->hint) != OWNER_FREE) {
        frames->hint = frames_run(frames, frames->hint, frames->count);
    }
}

static void set_block(struct frames *frames, size_t block, owner_t common)
{
    __atomic_store_n(&frames->blocks[block], common, __ATOMIC_RELEASE);
}

/* Tags frames [first, end) of one block, each for itself. */
static void set_part(struct frames *frames, size_t first, size_t end, owner_t tag)
{
    size_t block = first / FRAMES_BLOCK;
    owner_t common = frames->blocks[block];

    if (common != FRAMES_MIXED) {
        size_t begin = block * FRAMES_BLOCK;

        put_tags(&frames->tags[begin], smaller(FRAMES_BLOCK, frames->count - begin), common);
        set_block(frames, block, FRAMES_MIXED);
    }
    put_tags(&frames->tags[first], end - first, tag);
}

/* All frames of the span, which is not empty, carry `from`. */
static void set_tags(struct frames *frames, struct span span, owner_t from, owner_t to)
{
    size_t slack = span.end == frames->count ? FRAMES_BLOCK - 1 : 0; /* the last may be short */
    size_t block = (span.first + FRAMES_BLOCK - 1) / FRAMES_BLOCK;
    size_t block_end = (span.end + slack) / FRAMES_BLOCK;

    if (span.first % FRAMES_BLOCK != 0) {
        set_part(frames, span.first, smaller(block * FRAMES_BLOCK, span.end), to);
    }
    while (block < block_end) {
        set_block(frames, block++, to);
    }
    if (block * FRAMES_BLOCK < span.end) {
        set_part(frames, block * FRAMES_BLOCK, span.end, to);
    }
    if (from == OWNER_FREE) {
        frames->free_count -= span.end - span.first;
    }
    if (to == OWNER_FREE) {
        frames->free_count += span.end - span.first;
        if (span.first < frames->hint) {
            frames->hint = span.first;
        }
    }
}

void frames_init(struct frames *frames, owner_t *tags, size_t count)
{
    *frames = (struct frames){.tags = tags, .blocks = tags + count, .count = count, .hint = count};
    for (size_t i = 0; i < FRAMES_TAGS(count) - count; i++) {
        frames->blocks[i] = OWNER_ABSENT;
    }
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

    for (size_t i = span.first, end; i < span.end; i = end) {
        end = frames_run(frames, i, span.end);
        if (frames_tag(frames, i) == from) {
            set_tags(frames, (struct span){i, end}, from, to);
            changed += end - i;
        }
    }
    return changed;
}

/* Lowest free span of `count` aligned frames in [from, end). The run of a candidate ends at the
 * frame that is taken, which rules out all the candidates up to there. */
static bool find_free(const struct frames *frames, size_t from, size_t end, size_t count,
                      size_t align, size_t *found)
{
    size_t start = from;

    while (start <= SIZE_MAX - (align - 1)) {
        bool is_free;
        size_t run;

        start = (start + align - 1) & ~(align - 1);
        if (start > end || count > end - start) {
            return false;
        }
        is_free = frames_tag(frames, start) == OWNER_FREE;
        run = frames_run(frames, start, is_free ? start + count : end);
        if (is_free && run == start + count) {
            *found = start;
            return true;
        }
        start = run;
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
    set_tags(frames, (struct span){first, first + count}, OWNER_FREE, owner);
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
    set_tags(frames, span, owner, OWNER_FREE);
    return true;
}

owner_t frames_owner(const struct frames *frames, uint64_t physical)
{
    uint64_t frame = physical >> FRAME_SHIFT;

    return frame < frames->count ? frames_tag(frames, (size_t)frame) : OWNER_ABSENT;
}
