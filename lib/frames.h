/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_FRAMES_H
#define LIB_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who holds a physical frame. Tags from OWNER_DRIVER on are given to drivers by the manager. */
typedef uint16_t owner_t;

enum {
    OWNER_FREE = 0,
    OWNER_ABSENT = 1,   /* no RAM, or RAM that firmware keeps */
    OWNER_IMAGE = 2,    /* code, data, stacks, page tables of the processor */
    OWNER_IOMMU = 3,    /* root, context, paging tables and queues */
    OWNER_WITHHELD = 4, /* named by RMRR or IVMD: never handed out */
    OWNER_DRIVER = 16,
};

#define FRAME_SHIFT 12
#define FRAME_SIZE  ((uint64_t)1 << FRAME_SHIFT)

/* Frames of a block. While they have one owner, the block has it for all, so that large ranges cost
 * their blocks and not their frames. */
#define FRAMES_BLOCK ((size_t)512)

/* Tags that frames_init needs memory for. */
#define FRAMES_TAGS(count) ((count) + ((count) + FRAMES_BLOCK - 1) / FRAMES_BLOCK)

/*
 * One owner per frame of [0, frame_count << FRAME_SHIFT). The tags' memory belongs to the
 * caller. Nothing here touches the frames themselves.
 *
 * What changes owners is for one context at a time. frames_tag, frames_owned and frames_owner may
 * run beside it: of each frame they find an owner that it has, or had since they began. Therefore
 * the tags of a block are written before the block says that they count. They stay when they count
 * no more: whoever has seen them count finds the owners of that time.
 */
struct frames {
    owner_t *tags;   /* of the frames of blocks without a common owner; else not yet written */
    owner_t *blocks; /* behind the tags: the common owner, or none of the tags' values */
    size_t count;
    size_t hint; /* no free frame lies below it */
    size_t free_count;
};

/* Of a block whose frames differ, or may differ: each has its own tag. */
#define FRAMES_MIXED UINT16_MAX

/* The owner of a frame below count. */
static inline owner_t frames_tag(const struct frames *frames, size_t frame)
{
    owner_t common = __atomic_load_n(&frames->blocks[frame / FRAMES_BLOCK], __ATOMIC_ACQUIRE);

    return common != FRAMES_MIXED ? common
                                  : __atomic_load_n(&frames->tags[frame], __ATOMIC_RELAXED);
}

/* The same as a question: mostly the block has a common owner, who asks. */
static inline bool frames_carries(const struct frames *frames, owner_t owner, size_t frame)
{
    owner_t common = __atomic_load_n(&frames->blocks[frame / FRAMES_BLOCK], __ATOMIC_ACQUIRE);

    return common == owner || (common == FRAMES_MIXED &&
                               __atomic_load_n(&frames->tags[frame], __ATOMIC_RELAXED) == owner);
}

/* All frames start as OWNER_ABSENT. `tags` has room for FRAMES_TAGS(count). */
void frames_init(struct frames *frames, owner_t *tags, size_t count);

/* Retags the whole frames inside [base, base + length) that carry `from`. Returns how many. */
size_t frames_retag(struct frames *frames, uint64_t base, uint64_t length, owner_t from,
                    owner_t to);

/* Lowest run of `count` free frames, aligned to `align` frames (a power of two), that ends at or
 * below `limit` bytes (0: no limit). Frame 0 is never given. False: none. */
bool frames_alloc(struct frames *frames, owner_t owner, size_t count, size_t align, uint64_t limit,
                  uint64_t *base) __attribute__((warn_unused_result));

/* All or nothing: false, and nothing changed, unless every frame carries `owner`. */
bool frames_free(struct frames *frames, owner_t owner, uint64_t base, size_t count);

/* The same for frames [first, end) that there are. */
bool frames_all_owned(const struct frames *frames, owner_t owner, size_t first, size_t end);

/* True when every frame of a non-empty range carries `owner`; false on overflow or beyond the end.
 */
static inline bool frames_owned(const struct frames *frames, owner_t owner, uint64_t base,
                                uint64_t length)
{
    uint64_t first = base >> FRAME_SHIFT, last = (base + (length - 1)) >> FRAME_SHIFT;

    if (base + (length - 1) < base || last >= frames->count)
        return false;
    return first == last ? frames_carries(frames, owner, (size_t)first)
                         : frames_all_owned(frames, owner, (size_t)first, (size_t)last + 1);
}

owner_t frames_owner(const struct frames *frames, uint64_t physical);

/* The end of the run of frames with one owner that begins at frame `first`; at most `end`, which is
 * above `first` and not above `count`. */
size_t frames_run(const struct frames *frames, size_t first, size_t end);

#endif
