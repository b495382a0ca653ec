/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/allocator.h"

#include "arch/memory.h"

#include <string.h>

/*
 * A buddy system in a 64-ary tree that exists only where blocks are split.
 *
 * A leaf has 4096 pages and the free blocks of orders 0 to 11; a node of level n >= 1 has 64
 * children and the free blocks of its six orders, from one child to half a node. The free blocks of
 * a node are one heap of bits: the block of unit u and order k is bit (units | u) >> k, its buddy
 * the bit beside it, what both merge to the bit at half the index. For every smaller order a node
 * has one word that says which children have anything. A node that is free as a whole is a bit in
 * its parent; its page is set aside.
 */
#define LEAF_BITS      12u
#define LEAF_PAGES     (1u << LEAF_BITS)
#define NODE_BITS      6u
#define NODE_CHILDREN  (1u << NODE_BITS)
#define ORDERS_MAX     (ALLOCATOR_WIDTH_MAX - ALLOCATOR_PAGE_SHIFT)
#define PAGE_BYTES     (UINT64_C(1) << ALLOCATOR_PAGE_SHIFT)
#define NO_PAGE        UINT64_MAX
#define NODE_FRAMES    3
#define SPARE_MAX      16u
#define SPILL          (ALLOCATOR_STACK_DEPTH / 2u)
#define INTERRUPT_LOW  UINT64_C(0xFEE00000)
#define INTERRUPT_HIGH UINT64_C(0xFEEFFFFF)

/* The heap of nonzero words of `free` has the form of a node's own heap. */
struct leaf {
    uint64_t nonzero[2];
    uint64_t free[2 * LEAF_PAGES / 64];
    uint16_t taken[LEAF_PAGES]; /* pages of the range that begins here; see taken_at */
};

struct inner {
    uint64_t free[2];
    uint64_t taken; /* children at which a taken range begins */
    uint64_t has[ORDERS_MAX];
    union {
        struct allocator_node *child; /* NULL: none, or `taken` */
        uint64_t pages;               /* of the taken range that begins here */
    } slots[NODE_CHILDREN];
};

struct allocator_node {
    struct allocator_node *parent; /* in the list of spare nodes: the next one */
    uint64_t first;                /* page */
    unsigned level;
    union {
        struct leaf leaf;
        struct inner inner;
    };
};

_Static_assert(sizeof(struct allocator_node) <= NODE_FRAMES * FRAME_SIZE, "a node fits");

struct allocator_given {
    uint64_t block; /* page << 6 | order */
    uint64_t generation;
};

#define QUEUE_FIRST (FRAME_SIZE / sizeof(struct allocator_given))

/* Of 1 to 2^63. */
static inline unsigned log2_ceil(uint64_t value)
{
    return 63u - (unsigned)__builtin_clzll((value - 1) << 1 | 1);
}

static inline unsigned level_of(unsigned order)
{
    return order < LEAF_BITS ? 0 : (order - LEAF_BITS) / NODE_BITS + 1;
}

/* log2 of the pages of a leaf's or of a node's unit. */
static inline unsigned unit_bits(unsigned level)
{
    return level ? LEAF_BITS + NODE_BITS * (level - 1) : 0;
}

static inline unsigned span_bits(unsigned level)
{
    return LEAF_BITS + NODE_BITS * level;
}

static inline unsigned child_index(unsigned level, uint64_t page)
{
    return (unsigned)(page >> unit_bits(level)) & (NODE_CHILDREN - 1);
}

static inline unsigned leaf_bit(uint64_t page, unsigned order)
{
    return (LEAF_PAGES | ((unsigned)page & (LEAF_PAGES - 1))) >> order;
}

/* Leaves are whole frames, so the same place in each competes for the same cache sets: the lines
 * change places from leaf to leaf. */
static inline uint16_t *taken_at(struct allocator_node *leaf, uint64_t page)
{
    return &leaf->leaf.taken[(page ^ (page >> (LEAF_BITS - 5) & 0x7E0)) & (LEAF_PAGES - 1)];
}

static inline void set(uint64_t *words, unsigned bit)
{
    words[bit / 64] |= UINT64_C(1) << bit % 64;
}

static inline void clear(uint64_t *words, unsigned bit)
{
    words[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

static inline bool test(const uint64_t *words, unsigned bit)
{
    return words[bit / 64] >> bit % 64 & 1;
}

/* The blocks of order k of a heap over 64 units. */
static uint64_t row(const uint64_t heap[2], unsigned k)
{
    unsigned size = NODE_CHILDREN >> k;

    return k ? heap[0] >> size & ((UINT64_C(1) << size) - 1) : heap[1];
}

/* ---- memory ---- */

static void set_aside(struct allocator *allocator, struct allocator_node *node)
{
    node->parent = allocator->spare;
    allocator->spare = node;
    allocator->spare_count++;
}

static void shrink(struct allocator *allocator, size_t limit)
{
    while (allocator->spare_count > limit) {
        struct allocator_node *node = allocator->spare;

        allocator->spare = node->parent;
        allocator->spare_count--;
        (void)memory_free(OWNER_IOMMU, node, NODE_FRAMES);
    }
}

static bool ensure_spare(struct allocator *allocator, size_t count)
{
    while (allocator->spare_count < count) {
        struct allocator_node *node = memory_alloc(OWNER_IOMMU, NODE_FRAMES, 0);

        if (!node)
            return false;
        set_aside(allocator, node);
    }
    return true;
}

/* The caller has made sure of a spare node. */
static struct allocator_node *new_node(struct allocator *allocator, struct allocator_node *parent,
                                       unsigned level, uint64_t page)
{
    struct allocator_node *node = allocator->spare;

    allocator->spare = node->parent;
    allocator->spare_count--;
    allocator->node_count++;
    node->parent = parent;
    node->level = level;
    node->first = page >> span_bits(level) << span_bits(level);
    if (parent)
        parent->inner.slots[child_index(parent->level, page)].child = node;
    return node;
}

/* The node is free as a whole: nothing is left in it. */
static void drop_node(struct allocator *allocator, struct allocator_node *node)
{
    uint64_t number = node->first >> LEAF_BITS;
    unsigned lookup = (unsigned)number % ALLOCATOR_LOOKUPS;

    if (allocator->lookups[lookup].leaf == node)
        allocator->lookups[lookup].number = NO_PAGE;
    node->parent->inner.slots[child_index(node->parent->level, node->first)].child = NULL;
    set_aside(allocator, node);
    allocator->node_count--;
}

static __attribute__((noinline)) bool grow_queue(struct allocator *allocator)
{
    size_t capacity = allocator->queue_capacity ? 2 * allocator->queue_capacity : QUEUE_FIRST;
    size_t old = allocator->queue_capacity;
    struct allocator_given *queue =
        memory_alloc(OWNER_IOMMU, capacity * sizeof(*queue) / FRAME_SIZE, 0);

    if (!queue)
        return false;
    for (size_t i = 0; i < allocator->given; i++)
        queue[i] = allocator->queue[(allocator->queue_head + i) & (old - 1)];
    if (old)
        (void)memory_free(OWNER_IOMMU, allocator->queue, old * sizeof(*queue) / FRAME_SIZE);
    allocator->queue = queue;
    allocator->queue_head = 0;
    allocator->queue_capacity = capacity;
    return true;
}

/* ---- the tree ---- */

static struct allocator_node *child_at(const struct allocator_node *node, unsigned index)
{
    return node->inner.taken >> index & 1 ? NULL : node->inner.slots[index].child;
}

/* NULL: the page lies in no node of that level. */
static struct allocator_node *node_at(struct allocator *allocator, uint64_t page, unsigned level)
{
    struct allocator_node *node = allocator->root;

    while (node && node->level > level)
        node = child_at(node, child_index(node->level, page));
    return node;
}

static __attribute__((noinline)) struct allocator_node *find_leaf(struct allocator *allocator,
                                                                  uint64_t page)
{
    uint64_t number = page >> LEAF_BITS;
    unsigned lookup = (unsigned)number % ALLOCATOR_LOOKUPS;
    struct allocator_node *leaf = node_at(allocator, page, 0);

    if (leaf) {
        allocator->lookups[lookup].number = number;
        allocator->lookups[lookup].leaf = leaf;
    }
    return leaf;
}

static inline struct allocator_node *leaf_at(struct allocator *allocator, uint64_t page)
{
    uint64_t number = page >> LEAF_BITS;
    unsigned lookup = (unsigned)number % ALLOCATOR_LOOKUPS;

    if (__builtin_expect(allocator->lookups[lookup].number == number, 1))
        return allocator->lookups[lookup].leaf;
    return find_leaf(allocator, page);
}

static inline struct allocator_node *holder(struct allocator *allocator, uint64_t page,
                                            unsigned order)
{
    return order < LEAF_BITS ? leaf_at(allocator, page) : node_at(allocator, page, level_of(order));
}

/* The heap of free blocks of a node, and the bit of a block in it. */
static uint64_t *free_heap(struct allocator_node *node)
{
    return node->level ? node->inner.free : node->leaf.free;
}

static unsigned free_bit(const struct allocator_node *node, uint64_t page, unsigned order)
{
    return node->level ? (NODE_CHILDREN | child_index(node->level, page)) >>
                             (order - unit_bits(node->level))
                       : leaf_bit(page, order);
}

static bool has_order(const struct allocator_node *node, unsigned order)
{
    if (node->level)
        return row(node->inner.free, order - unit_bits(node->level)) != 0;
    return order <= NODE_BITS ? row(node->leaf.nonzero, order) != 0
                              : row(node->leaf.free, order - NODE_BITS) != 0;
}

static void set_free(struct allocator *allocator, struct allocator_node *node, uint64_t page,
                     unsigned order)
{
    unsigned bit = free_bit(node, page, order);

    set(free_heap(node), bit);
    if (!node->level)
        set(node->leaf.nonzero, bit / 64);
    for (; node->parent; node = node->parent) {
        uint64_t *has = &node->parent->inner.has[order];
        uint64_t old = *has;

        set(has, child_index(node->parent->level, node->first));
        if (old)
            return;
    }
    allocator->orders |= UINT64_C(1) << order;
}

static void clear_free(struct allocator *allocator, struct allocator_node *node, uint64_t page,
                       unsigned order)
{
    unsigned bit = free_bit(node, page, order);

    clear(free_heap(node), bit);
    if (!node->level && !node->leaf.free[bit / 64])
        clear(node->leaf.nonzero, bit / 64);
    if (has_order(node, order))
        return;
    for (; node->parent; node = node->parent) {
        uint64_t *has = &node->parent->inner.has[order];

        clear(has, child_index(node->parent->level, node->first));
        if (*has)
            return;
    }
    allocator->orders &= ~(UINT64_C(1) << order);
}

/* Makes a block free and merges it with its buddies. The whole window never merges: page 0 is out.
 */
static void put_block(struct allocator *allocator, uint64_t page, unsigned order)
{
    struct allocator_node *node = holder(allocator, page, order);

    for (;; order++) {
        if (order == span_bits(node->level)) {
            struct allocator_node *parent = node->parent;

            drop_node(allocator, node);
            node = parent;
        }
        uint64_t buddy = page ^ UINT64_C(1) << order;
        if (!test(free_heap(node), free_bit(node, buddy, order)))
            break;
        clear_free(allocator, node, buddy, order);
        page &= buddy;
    }
    set_free(allocator, node, page, order);
    if (allocator->spare_count > SPARE_MAX)
        shrink(allocator, SPARE_MAX / 2);
}

/* Takes `page` and its 2^order - 1 successors out of the free block of order `from` in which they
 * lie. The caller has made sure of a spare node for each level in between. */
static void split_block(struct allocator *allocator, uint64_t page, unsigned order, unsigned from)
{
    struct allocator_node *node = node_at(allocator, page, level_of(from));

    clear_free(allocator, node, page >> from << from, from);
    while (from > order) {
        from--;
        if (from < unit_bits(node->level))
            node = new_node(allocator, node, node->level - 1, page);
        set_free(allocator, node, (page ^ UINT64_C(1) << from) >> from << from, from);
    }
}

/* First block of an order in a leaf that ends behind `from`. */
static uint64_t first_in_leaf(const struct allocator_node *node, unsigned order, uint64_t from)
{
    unsigned index = (unsigned)(from & (LEAF_PAGES - 1)) >> order;
    unsigned word = index / 64;
    uint64_t bits;

    if (order > NODE_BITS)
        bits = row(node->leaf.free, order - NODE_BITS);
    else
        bits = node->leaf.free[(64u >> order) + word];
    bits = bits >> index % 64 << index % 64;
    if (!bits) {
        uint64_t words = order > NODE_BITS ? 0 : row(node->leaf.nonzero, order);

        words = word == 63 ? 0 : words >> (word + 1) << (word + 1);
        if (!words)
            return NO_PAGE;
        word = (unsigned)__builtin_ctzll(words);
        bits = node->leaf.free[(64u >> order) + word];
    }
    return node->first + ((uint64_t)(word * 64 + (unsigned)__builtin_ctzll(bits)) << order);
}

/* First free block of an order that ends behind page `from`, which lies in the node. Only the first
 * child looked at can fail: the next is searched from its beginning. */
static uint64_t first_free(const struct allocator_node *node, unsigned order, uint64_t from)
{
    if (!node->level)
        return first_in_leaf(node, order, from);
    unsigned bits = unit_bits(node->level);
    unsigned index = child_index(node->level, from);

    if (order >= bits) {
        unsigned k = order - bits;
        uint64_t blocks = row(node->inner.free, k) >> (index >> k) << (index >> k);

        return blocks ? node->first + ((uint64_t)__builtin_ctzll(blocks) << order) : NO_PAGE;
    }
    for (uint64_t left = node->inner.has[order] >> index << index; left; left &= left - 1) {
        const struct allocator_node *child = node->inner.slots[__builtin_ctzll(left)].child;
        uint64_t page = first_free(child, order, from > child->first ? from : child->first);

        if (page != NO_PAGE)
            return page;
    }
    return NO_PAGE;
}

/* ---- ranges ---- */

/* Takes a block with its first page in [low, high] out of the tree. */
static enum allocator_status take_from_tree(struct allocator *allocator, unsigned order,
                                            uint64_t low, uint64_t high, uint64_t *page)
{
    uint64_t size = UINT64_C(1) << order;

    low = (low + size - 1) & ~(size - 1);
    if (low > high)
        return ALLOCATOR_NO_SPACE;
    for (uint64_t left = allocator->orders >> order << order; left; left &= left - 1) {
        unsigned from = (unsigned)__builtin_ctzll(left);
        uint64_t found = first_free(allocator->root, from, low);

        if (found == NO_PAGE || (found = found > low ? found : low) > high)
            continue;
        if (!ensure_spare(allocator, level_of(from) - level_of(order)))
            return ALLOCATOR_NO_MEMORY;
        split_block(allocator, found, order, from);
        *page = found;
        return ALLOCATOR_OK;
    }
    return ALLOCATOR_NO_SPACE;
}

static bool drain_stacks(struct allocator *allocator)
{
    bool any = false;

    for (unsigned order = 0; order < ALLOCATOR_STACK_ORDERS; order++)
        while (allocator->depth[order]) {
            put_block(allocator, allocator->stacks[order][--allocator->depth[order]], order);
            any = true;
        }
    return any;
}

/* The newest block of a stack with its first page in [low, high]. */
static bool take_from_stack(struct allocator *allocator, unsigned order, uint64_t low,
                            uint64_t high, uint64_t *page)
{
    uint64_t *stack = allocator->stacks[order];
    unsigned depth = allocator->depth[order];

    for (unsigned i = depth; i-- > 0;) {
        if (stack[i] < low || stack[i] > high)
            continue;
        *page = stack[i];
        memmove(&stack[i], &stack[i + 1], (depth - 1 - i) * sizeof(*stack));
        allocator->depth[order]--;
        return true;
    }
    return false;
}

static enum allocator_status find_block(struct allocator *allocator, unsigned order, uint64_t low,
                                        uint64_t high, uint64_t *page)
{
    if (order < ALLOCATOR_STACK_ORDERS && take_from_stack(allocator, order, low, high, page))
        return ALLOCATOR_OK;
    enum allocator_status status = take_from_tree(allocator, order, low, high, page);
    if (status == ALLOCATOR_NO_SPACE && drain_stacks(allocator))
        status = take_from_tree(allocator, order, low, high, page);
    return status;
}

static void spill(struct allocator *allocator, unsigned order)
{
    uint64_t *stack = allocator->stacks[order];

    for (unsigned i = 0; i < SPILL; i++)
        put_block(allocator, stack[i], order);
    memmove(stack, stack + SPILL, SPILL * sizeof(*stack));
    allocator->depth[order] = SPILL;
}

static __attribute__((noinline)) void free_slowly(struct allocator *allocator, uint64_t page,
                                                  unsigned order)
{
    if (order >= ALLOCATOR_STACK_ORDERS) {
        put_block(allocator, page, order);
        return;
    }
    spill(allocator, order);
    allocator->stacks[order][allocator->depth[order]++] = page;
}

static inline void free_block(struct allocator *allocator, uint64_t page, unsigned order)
{
    allocator->count--;
    if (__builtin_expect(order >= ALLOCATOR_STACK_ORDERS ||
                             allocator->depth[order] == ALLOCATOR_STACK_DEPTH,
                         0)) {
        free_slowly(allocator, page, order);
        return;
    }
    allocator->stacks[order][allocator->depth[order]++] = page;
}

static __attribute__((noinline)) void set_taken_inner(struct allocator *allocator, uint64_t page,
                                                      uint64_t pages, unsigned order)
{
    struct allocator_node *node = node_at(allocator, page, level_of(order));
    unsigned index = child_index(node->level, page);

    set(&node->inner.taken, index);
    node->inner.slots[index].pages = pages;
}

static __attribute__((noinline)) bool test_taken_inner(struct allocator *allocator, uint64_t page,
                                                       uint64_t pages, unsigned order,
                                                       bool clearing)
{
    struct allocator_node *node = node_at(allocator, page, level_of(order));

    if (!node || page & ((UINT64_C(1) << order) - 1))
        return false;
    unsigned index = child_index(node->level, page);
    if (!(node->inner.taken >> index & 1) || node->inner.slots[index].pages != pages)
        return false;
    if (clearing) {
        clear(&node->inner.taken, index);
        node->inner.slots[index].child = NULL;
    }
    return true;
}

/* False, and nothing changed: this is no taken range. */
static bool test_taken(struct allocator *allocator, uint64_t page, uint64_t pages, unsigned order,
                       bool clearing)
{
    if (order >= LEAF_BITS)
        return test_taken_inner(allocator, page, pages, order, clearing);
    struct allocator_node *leaf = leaf_at(allocator, page);
    if (!leaf || *taken_at(leaf, page) != pages)
        return false;
    if (clearing)
        *taken_at(leaf, page) = 0;
    return true;
}

static enum allocator_status take_between(struct allocator *allocator, uint64_t pages, uint64_t low,
                                          uint64_t high, uint64_t *address)
{
    unsigned order = log2_ceil(pages);
    uint64_t page;

    if (allocator->count >= allocator->queue_capacity && !grow_queue(allocator))
        return ALLOCATOR_NO_MEMORY;
    enum allocator_status status = find_block(allocator, order, low, high, &page);
    if (status != ALLOCATOR_OK)
        return status;
    struct allocator_node *leaf = order < LEAF_BITS ? leaf_at(allocator, page) : NULL;
    if (leaf)
        *taken_at(leaf, page) = (uint16_t)pages;
    else
        set_taken_inner(allocator, page, pages, order);
    allocator->count++;
    *address = page << ALLOCATOR_PAGE_SHIFT;
    return ALLOCATOR_OK;
}

static __attribute__((noinline)) enum allocator_status
take_any(struct allocator *allocator, uint64_t pages, uint64_t min, uint64_t max, uint64_t *address)
{
    if (!pages || min > max)
        return ALLOCATOR_BAD_RANGE;
    if (min > allocator->last)
        return ALLOCATOR_NO_SPACE;
    if (max > allocator->last)
        max = allocator->last;
    uint64_t low = (min + PAGE_BYTES - 1) >> ALLOCATOR_PAGE_SHIFT;
    uint64_t end = (max + 1) >> ALLOCATOR_PAGE_SHIFT, high = end - pages; /* of the first page */
    if (pages > end || high < low)
        return ALLOCATOR_NO_SPACE;
    return take_between(allocator, pages, low, high, address);
}

/* The leaf of a page, where it was looked up before. */
static inline bool is_known(const struct allocator *allocator, uint64_t page,
                            struct allocator_node **leaf)
{
    uint64_t number = page >> LEAF_BITS;
    unsigned lookup = (unsigned)number % ALLOCATOR_LOOKUPS;

    *leaf = allocator->lookups[lookup].leaf;
    return allocator->lookups[lookup].number == number;
}

/* A range that takes at most half a leaf has its place in a stack and in a leaf. */
static inline bool is_small(uint64_t pages)
{
    return pages - 1 < LEAF_PAGES / 2;
}

/* Mostly the newest block of its order will do. */
enum allocator_status allocator_take(struct allocator *allocator, uint64_t pages, uint64_t min,
                                     uint64_t max, uint64_t *address)
{
    unsigned order = log2_ceil(pages);

    if (!is_small(pages) || !allocator->depth[order] ||
        allocator->count >= allocator->queue_capacity)
        return take_any(allocator, pages, min, max, address);
    uint64_t page = allocator->stacks[order][allocator->depth[order] - 1];
    uint64_t first = page << ALLOCATOR_PAGE_SHIFT;
    struct allocator_node *leaf;
    if (!is_known(allocator, page, &leaf) || first < min ||
        first + (pages << ALLOCATOR_PAGE_SHIFT) - 1 > max)
        return take_any(allocator, pages, min, max, address);
    allocator->depth[order]--;
    allocator->count++;
    *taken_at(leaf, page) = (uint16_t)pages;
    *address = first;
    return ALLOCATOR_OK;
}

static inline bool is_range(const struct allocator *allocator, uint64_t address, uint64_t pages)
{
    return address <= allocator->last && !(address & (PAGE_BYTES - 1)) &&
           pages - 1 <= (allocator->last - address) >> ALLOCATOR_PAGE_SHIFT;
}

bool allocator_is_taken(struct allocator *allocator, uint64_t address, uint64_t pages)
{
    return is_range(allocator, address, pages) &&
           test_taken(allocator, address >> ALLOCATOR_PAGE_SHIFT, pages, log2_ceil(pages), false);
}

/* A range that is no longer marked as taken. */
static inline enum allocator_status give_block(struct allocator *allocator, uint64_t page,
                                               unsigned order, uint64_t generation)
{
    if (generation <= allocator->completed) {
        free_block(allocator, page, order);
        return ALLOCATOR_OK;
    }
    size_t tail = (allocator->queue_head + allocator->given++) & (allocator->queue_capacity - 1);
    allocator->queue[tail].block = page << 6 | order;
    allocator->queue[tail].generation = generation;
    return ALLOCATOR_OK;
}

static __attribute__((noinline)) enum allocator_status
give_any(struct allocator *allocator, uint64_t address, uint64_t pages, uint64_t generation)
{
    uint64_t page = address >> ALLOCATOR_PAGE_SHIFT;

    if (!is_range(allocator, address, pages))
        return ALLOCATOR_BAD_RANGE;
    unsigned order = log2_ceil(pages);
    if (!test_taken(allocator, page, pages, order, true))
        return ALLOCATOR_NOT_TAKEN;
    return give_block(allocator, page, order, generation);
}

enum allocator_status allocator_give(struct allocator *allocator, uint64_t address, uint64_t pages,
                                     uint64_t generation)
{
    uint64_t page = address >> ALLOCATOR_PAGE_SHIFT;
    struct allocator_node *leaf;

    if (!is_known(allocator, page, &leaf) || !is_small(pages) || address & (PAGE_BYTES - 1) ||
        *taken_at(leaf, page) != pages)
        return give_any(allocator, address, pages, generation);
    *taken_at(leaf, page) = 0;
    return give_block(allocator, page, log2_ceil(pages), generation);
}

void allocator_release(struct allocator *allocator, uint64_t generation)
{
    if (generation > allocator->completed)
        allocator->completed = generation;
    for (; allocator->given; allocator->given--) {
        const struct allocator_given *given = &allocator->queue[allocator->queue_head];

        if (given->generation > generation)
            break;
        allocator->queue_head = (allocator->queue_head + 1) & (allocator->queue_capacity - 1);
        free_block(allocator, given->block >> 6, given->block & 63);
    }
}

/* ---- the window ---- */

/* Makes the pages [first, last] free; they are not. Nodes that are missing are made. */
static void put_range(struct allocator *allocator, uint64_t first, uint64_t last)
{
    while (first <= last) {
        unsigned order = first ? (unsigned)__builtin_ctzll(first) : allocator->width;
        struct allocator_node *node = allocator->root;

        while ((UINT64_C(1) << order) - 1 > last - first)
            order--;
        while (node->level > level_of(order)) {
            struct allocator_node *child = child_at(node, child_index(node->level, first));
            node = child ? child : new_node(allocator, node, node->level - 1, first);
        }
        set_free(allocator, node, first, order);
        first += UINT64_C(1) << order;
    }
}

/* Only paths to the two ends of the range can be missing. */
static enum allocator_status take_out(struct allocator *allocator, uint64_t first, uint64_t last)
{
    if (!ensure_spare(allocator, 2 * (size_t)allocator->root->level))
        return ALLOCATOR_NO_MEMORY;
    for (unsigned order = allocator->width; order-- > 0;) {
        uint64_t page;

        while ((page = first_free(allocator->root, order, first)) <= last) {
            uint64_t end = page + (UINT64_C(1) << order) - 1;

            clear_free(allocator, node_at(allocator, page, level_of(order)), page, order);
            if (page < first)
                put_range(allocator, page, first - 1);
            if (end > last)
                put_range(allocator, last + 1, end);
        }
    }
    return ALLOCATOR_OK;
}

enum allocator_status allocator_exclude(struct allocator *allocator, uint64_t first, uint64_t last)
{
    uint64_t window = allocator->last >> ALLOCATOR_PAGE_SHIFT;

    first >>= ALLOCATOR_PAGE_SHIFT;
    last >>= ALLOCATOR_PAGE_SHIFT;
    if (first > last)
        return ALLOCATOR_BAD_RANGE;
    if (allocator->count)
        return ALLOCATOR_IN_USE;
    if (first > window)
        return ALLOCATOR_OK;
    (void)drain_stacks(allocator);
    return take_out(allocator, first, last < window ? last : window);
}

static unsigned root_level(unsigned width)
{
    return width <= span_bits(1) ? 1 : (width - LEAF_BITS + NODE_BITS - 1) / NODE_BITS;
}

enum allocator_status allocator_init(struct allocator *allocator, unsigned width_bits)
{
    if (width_bits < ALLOCATOR_WIDTH_MIN || width_bits > ALLOCATOR_WIDTH_MAX)
        return ALLOCATOR_BAD_RANGE;
    memset(allocator, 0, sizeof(*allocator));
    for (unsigned i = 0; i < ALLOCATOR_LOOKUPS; i++)
        allocator->lookups[i].number = NO_PAGE;
    allocator->width = width_bits - ALLOCATOR_PAGE_SHIFT;
    allocator->last = (UINT64_C(1) << width_bits) - 1;
    unsigned level = root_level(allocator->width);
    if (ensure_spare(allocator, level + 1) && grow_queue(allocator)) {
        allocator->root = new_node(allocator, NULL, level, 0);
        put_range(allocator, 1, allocator->last >> ALLOCATOR_PAGE_SHIFT);
        if (allocator_exclude(allocator, INTERRUPT_LOW, INTERRUPT_HIGH) == ALLOCATOR_OK)
            return ALLOCATOR_OK;
    }
    allocator_destroy(allocator);
    return ALLOCATOR_NO_MEMORY;
}

void allocator_trim(struct allocator *allocator)
{
    (void)drain_stacks(allocator);
    shrink(allocator, 0);
}

static void destroy_tree(struct allocator_node *node)
{
    for (unsigned i = 0; node->level && i < NODE_CHILDREN; i++)
        if (child_at(node, i))
            destroy_tree(child_at(node, i));
    (void)memory_free(OWNER_IOMMU, node, NODE_FRAMES);
}

void allocator_destroy(struct allocator *allocator)
{
    if (allocator->root)
        destroy_tree(allocator->root);
    if (allocator->queue)
        (void)memory_free(OWNER_IOMMU, allocator->queue,
                          allocator->queue_capacity * sizeof(*allocator->queue) / FRAME_SIZE);
    shrink(allocator, 0);
    *allocator = (struct allocator){0};
}
