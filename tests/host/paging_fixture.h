/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_PAGING_FIXTURE_H
#define TESTS_HOST_PAGING_FIXTURE_H

/*
 * One page table of drivers/iommu/paging beside a plain map of page ranges, and the judges that
 * compare the two through the reference walker. Every call goes through do_map and do_unmap, which
 * know from the map what it must return.
 */

#include "arch/memory.h"
#include "drivers/iommu/paging/paging.h"
#include "machine.h"
#include "pt_reference.h"
#include "tests/host/every.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The formats that are judged: one of each kind. */
static const struct pt_format *const formats[REFERENCE_KINDS] = {
    [REFERENCE_SECOND_STAGE] = &pt_format_vtdss,
    [REFERENCE_FIRST_STAGE] = &pt_format_x86_64,
    [REFERENCE_AMD_V1] = &pt_format_amdv1,
};

#define MAPPINGS_MAX 128u
#define PAGES_2M     (UINT64_C(1) << 9)
#define PAGES_1G     (UINT64_C(1) << 18)
#define WINDOW_FIRST UINT64_C(0xFEE00) /* page numbers of the interrupt window */
#define WINDOW_LAST  UINT64_C(0xFEEFF)
#define RAM_END_PAGE ((MODEL_RAM_BASE + MODEL_RAM_SIZE) >> PT_PAGE_SHIFT)

/* ---- Configurations ---- */

struct config {
    enum reference_kind kind;
    uint8_t levels, width, physical_width, leaf_levels;
    bool coherent;
};

static struct config configs[128];
static unsigned config_count;

static inline void add_configs(enum reference_kind kind, uint8_t levels, uint8_t width)
{
    for (uint8_t leaves = 2; leaves <= 14; leaves = (uint8_t)(2 * leaves + 2)) {
        for (int coherent = 0; coherent < 2 && leaves >> levels <= 1; coherent++) {
            configs[config_count++] =
                (struct config){kind, levels, width, coherent ? 46 : 39, leaves, coherent};
        }
    }
}

static inline void list_configs(void)
{
    add_configs(REFERENCE_SECOND_STAGE, 3, 39);
    add_configs(REFERENCE_SECOND_STAGE, 4, 48);
    add_configs(REFERENCE_SECOND_STAGE, 4, 42);
    add_configs(REFERENCE_SECOND_STAGE, 5, 57);
    add_configs(REFERENCE_FIRST_STAGE, 4, 47);
    add_configs(REFERENCE_FIRST_STAGE, 5, 56);
    for (uint8_t mode = 1; mode <= 6; mode++) {
        add_configs(REFERENCE_AMD_V1, mode, (uint8_t)(mode == 6 ? 63 : 12 + 9 * mode));
    }
    config_count /= EVERY;
    for (unsigned i = 0; i < config_count; i++)
        configs[i] = configs[i * EVERY + (EVERY > 1)]; /* a table of one level is among these */
}

/* True when a leaf of 2^shift pages exists. AMD's level n knows every power of two from its default
 * page to half of the next level's. */
static inline bool leaf_exists(const struct config *config, unsigned shift)
{
    unsigned level = shift / 9 + 1;

    return level <= config->levels && config->leaf_levels >> level & 1 &&
           (config->kind == REFERENCE_AMD_V1 || shift % 9 == 0);
}

/* ---- Random numbers ---- */

static uint64_t seed, random_state;

static inline uint64_t random64(void)
{
    uint64_t mixed = random_state += UINT64_C(0x9E3779B97F4A7C15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static inline uint64_t below(uint64_t limit)
{
    return random64() % limit;
}

/* ---- The map of pages: sorted ranges that lie apart ---- */

struct mapping {
    uint64_t first, last, physical; /* page numbers */
    enum pt_permission permission;
    bool whole; /* as it was mapped: no part of it has been unmapped */
};

static struct mapping mappings[MAPPINGS_MAX + 2];
static unsigned mapping_count;

/* Index of the first mapping that ends at or after `page`. */
static inline unsigned mapping_at(uint64_t page)
{
    unsigned low = 0, high = mapping_count;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (mappings[middle].last < page) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static inline const struct mapping *find(uint64_t page)
{
    unsigned at = mapping_at(page);

    return at < mapping_count && mappings[at].first <= page ? &mappings[at] : NULL;
}

static inline bool any_live(uint64_t first, uint64_t last)
{
    unsigned at = mapping_at(first);

    return at < mapping_count && mappings[at].first <= last;
}

static inline bool all_live(uint64_t first, uint64_t last)
{
    for (unsigned at = mapping_at(first); at < mapping_count && mappings[at].first <= first; at++) {
        if (mappings[at].last >= last) {
            return true;
        }
        first = mappings[at].last + 1;
    }
    return false;
}

static inline void insert(unsigned at, struct mapping mapping)
{
    assert_true(mapping_count < MAPPINGS_MAX + 2);
    memmove(&mappings[at + 1], &mappings[at], (mapping_count++ - at) * sizeof(*mappings));
    mappings[at] = mapping;
}

static inline void cut(uint64_t first, uint64_t last)
{
    unsigned at = mapping_at(first);

    while (at < mapping_count && mappings[at].first <= last) {
        struct mapping left = mappings[at], right = left;
        memmove(&mappings[at], &mappings[at + 1], (--mapping_count - at) * sizeof(*mappings));
        left.whole = right.whole = false;
        if (left.first < first) {
            left.last = first - 1;
            insert(at++, left);
        }
        if (right.last > last) {
            right.physical += last + 1 - right.first;
            right.first = last + 1;
            insert(at++, right);
        }
    }
}

/* ---- The table under test ---- */

static const struct config *config;
static struct pt_pool pool;
static struct pt table;
static struct pt_gather gather;
static struct pt_geometry geometry;
static size_t pages_before; /* available before the table was made */
static size_t chunks_before;

static inline struct reference view(bool coherent)
{
    return (struct reference){config->kind,           table.root,          config->levels,
                              config->physical_width, config->leaf_levels, coherent};
}

static inline void describe(const char *what, uint64_t page)
{
    fail_msg("%s at page 0x%llx: %s, %u levels, width %u, leaves 0x%x, %scoherent, SEED=%llu", what,
             (unsigned long long)page, formats[config->kind]->name, config->levels, config->width,
             config->leaf_levels, config->coherent ? "" : "not ", (unsigned long long)seed);
}

#define expect(condition, page)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            describe(#condition, page);                                                            \
        }                                                                                          \
    } while (0)

/* A cache may write a line back as soon as it is stored: whatever a walk of memory can be led to is
 * whole there already. */
static inline void judge_link(void *context, uint64_t physical, uint64_t value)
{
    uint64_t child = value & UINT64_C(0xFFFFFFFFFF000), stored = 0, in_memory = 0;

    (void)context;
    if (config->coherent || model_owner(child) != OWNER_IOMMU) {
        return;
    }
    for (uint64_t at = child; at < child + PT_PAGE_SIZE; at += sizeof(uint64_t)) {
        assert_true(model_hw_read64(at, true, &stored) && model_hw_read64(at, false, &in_memory));
        expect(stored == in_memory, physical >> PT_PAGE_SHIFT);
    }
}

/* Enough for any sequence here: a 1 GiB leaf sets 513 tables aside. */
static inline size_t pool_pages(const struct config *with)
{
    return with->levels > 2 && with->leaf_levels & 8 ? 6000 : 2500;
}

static inline void start(const struct config *with, size_t pages)
{
    config = with;
    mapping_count = 0;
    gather = (struct pt_gather)PT_GATHER_INIT;
    geometry = (struct pt_geometry){.levels = with->levels,
                                    .width = with->width,
                                    .physical_width = with->physical_width,
                                    .leaf_levels = with->leaf_levels,
                                    .coherent = with->coherent};
    model_reset();
    pt_pool_init(&pool);
    assert_true(pt_pool_ensure(&pool, pages));
    assert_int_equal(pool.available, pool.chunks * (PT_ENTRIES - 1));
    pages_before = pool.available;
    chunks_before = pool.chunks;
    model_on_store(judge_link, NULL);
    assert_int_equal(pt_create(&table, formats[with->kind], &geometry, &pool), PT_OK);
}

/* Leaves `pages` in the pool that are not set aside; tables that nothing refers to take the rest.
 */
static inline void drain(size_t pages)
{
    struct pt hog;

    while (pool.available > pool.reserved + pages) {
        assert_int_equal(pt_create(&hog, formats[config->kind], &geometry, &pool), PT_OK);
        pages_before--;
    }
}

static inline void finish(void)
{
    pt_destroy(&table, &gather);
    pt_release(&pool, &gather);
    if (pool.chunks == chunks_before) {
        assert_int_equal(pool.available, pages_before);
    }
    assert_int_equal(pool.reserved, 0);
    if (model_violations() != 0) {
        fail_msg("%s", model_violation_text(0));
    }
}

/* ---- Judges ---- */

static inline bool is_largest(const struct mapping *mapping, uint64_t page, uint64_t size)
{
    uint64_t largest = 1;

    for (unsigned shift = 0; shift < 45; shift++) {
        uint64_t pages = UINT64_C(1) << shift, first = page & ~(pages - 1);
        if (leaf_exists(config, shift) && first >= mapping->first &&
            first + pages - 1 <= mapping->last &&
            (mapping->physical + (first - mapping->first)) % pages == 0) {
            largest = pages;
        }
    }
    return size == largest * PT_PAGE_SIZE;
}

static inline void judge_view(uint64_t page, const struct mapping *mapping, bool coherent)
{
    struct reference reference = view(coherent);
    struct reference_result read, write;
    uint64_t address = page << PT_PAGE_SHIFT | 0x123;
    enum pt_permission permission = mapping == NULL ? PT_NONE : mapping->permission;
    bool may_read = permission & PT_READ, may_write = permission & PT_WRITE;

    reference_walk(&reference, address, false, &read);
    reference_walk(&reference, address, true, &write);
    expect(read.reason != REFERENCE_MALFORMED && read.reason != REFERENCE_OUTSIDE_RAM, page);
    expect((read.reason == REFERENCE_ALLOWED) == may_read, page);
    expect((write.reason == REFERENCE_ALLOWED) == may_write, page);
    if (may_read || may_write) {
        expect(read.physical ==
                   ((mapping->physical + (page - mapping->first)) << PT_PAGE_SHIFT | 0x123),
               page);
        expect(!mapping->whole || is_largest(mapping, page, read.page_size), page);
    }
}

static inline void judge_walk(uint64_t page, const struct mapping *mapping)
{
    struct pt_walk walk;

    pt_walk(&table, page << PT_PAGE_SHIFT | 0x123, &walk);
    expect((walk.leaf_level != 0) == (mapping != NULL), page);
    expect(walk.count >= 1 && walk.count <= config->levels, page);
    if (mapping != NULL) {
        expect(walk.permission == mapping->permission, page);
        expect(walk.leaf_level == config->levels + 1 - walk.count, page);
        expect(walk.physical ==
                   ((mapping->physical + (page - mapping->first)) << PT_PAGE_SHIFT | 0x123),
               page);
    }
}

static inline void judge(uint64_t page)
{
    const struct mapping *mapping = find(page);

    if (page >> (config->width - PT_PAGE_SHIFT) != 0) {
        return;
    }
    judge_view(page, mapping, true);
    if (!config->coherent) {
        judge_view(page, mapping, false);
    }
    judge_walk(page, mapping);
}

static inline void judge_range(uint64_t first, uint64_t pages)
{
    judge(first);
    judge(first - 1);
    judge(first + pages);
    judge(first + pages - 1);
    judge(first + (pages == 0 ? 0 : below(pages)));
}

/* Everything that one pass over the tree tells. */
static struct {
    uint64_t pages, digest;
    size_t tables;
    uint8_t seen[(MODEL_RAM_BASE + MODEL_RAM_SIZE) >> PT_PAGE_SHIFT]; /* level of the table */
} tree;

static inline void fold(uint64_t value)
{
    tree.digest = (tree.digest ^ value) * UINT64_C(0x100000001B3);
    tree.digest ^= tree.digest >> 29;
}

static inline void see_table(void *context, uint64_t physical, unsigned level)
{
    const uint64_t *words = model_ram(physical, PT_PAGE_SIZE);
    unsigned live = 0;

    (void)context;
    fold(physical);
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        if (words[i] != 0) {
            live++;
            fold(words[i] ^ i);
        }
    }
    expect(live != 0 || physical == table.root, level);
    expect(tree.seen[physical >> PT_PAGE_SHIFT] == 0, physical >> PT_PAGE_SHIFT);
    expect(model_owner(physical) == OWNER_IOMMU, physical >> PT_PAGE_SHIFT);
    tree.seen[physical >> PT_PAGE_SHIFT] = (uint8_t)level;
    tree.tables++;
}

static inline void see_leaf(void *context, const struct reference_leaf *leaf)
{
    uint64_t page = leaf->address >> PT_PAGE_SHIFT, pages = leaf->size >> PT_PAGE_SHIFT;
    const struct mapping *mapping = find(page);

    (void)context;
    expect(mapping != NULL && page + pages - 1 <= mapping->last, page);
    expect(leaf->physical >> PT_PAGE_SHIFT == mapping->physical + (page - mapping->first), page);
    expect(leaf->readable == (bool)(mapping->permission & PT_READ), page);
    expect(leaf->writable == (bool)(mapping->permission & PT_WRITE), page);
    tree.pages += pages;
}

/* Reads the whole tree: every leaf is a mapping's, and every mapping is covered. */
static inline void judge_tree(void)
{
    const struct reference_visitor visitor = {see_table, see_leaf, NULL};
    uint64_t reachable = 0;

    for (unsigned i = 0; i < mapping_count; i++) {
        reachable +=
            mappings[i].permission == PT_NONE ? 0 : mappings[i].last + 1 - mappings[i].first;
    }
    for (int coherent = config->coherent; coherent < 2; coherent++) {
        struct reference reference = view(coherent);
        memset(&tree, 0, sizeof(tree));
        const char *rule = reference_visit(&reference, &visitor);
        if (rule != NULL) {
            describe(rule, 0);
        }
        expect(tree.pages == reachable, 0);
    }
}

static inline void judge_pool(void)
{
    if (gather.tables == 0 && pool.chunks == chunks_before) {
        expect(pool.available + tree.tables == pages_before, 0);
    }
    expect(pool.reserved <= pool.available, 0);
    expect(mapping_count != 0 || (pool.reserved == 0 && tree.tables == 1), 0);
}

static inline void judge_all(void)
{
    judge_tree();
    judge_pool();
}

/* ---- Operations: the call, what it must return, and the map ---- */

static inline bool fits(uint64_t first, uint64_t pages)
{
    uint64_t limit = UINT64_C(1) << (config->width - PT_PAGE_SHIFT);

    return pages != 0 && first < limit && pages <= limit - first;
}

static inline enum pt_status do_map(uint64_t first, uint64_t physical, uint64_t pages,
                                    enum pt_permission permission)
{
    struct pt_pool before = pool;
    enum pt_status status = pt_map(&table, first << PT_PAGE_SHIFT, physical << PT_PAGE_SHIFT,
                                   pages << PT_PAGE_SHIFT, permission);

    if (!fits(first, pages)) {
        expect(status == PT_BAD_RANGE, first);
    } else if (permission == PT_WRITE && config->kind == REFERENCE_FIRST_STAGE) {
        expect(status == PT_NOT_ENCODABLE, first);
    } else if (any_live(first, first + pages - 1)) {
        expect(status == PT_LIVE, first);
    } else {
        expect(status == PT_OK || status == PT_NO_MEMORY, first);
    }
    if (status == PT_OK) {
        insert(mapping_at(first),
               (struct mapping){first, first + pages - 1, physical, permission, true});
    } else if (pool.chunks == before.chunks) {
        expect(pool.available == before.available && pool.reserved == before.reserved, first);
    }
    return status;
}

static inline enum pt_status do_unmap(uint64_t first, uint64_t pages)
{
    struct pt_pool pool_before = pool;
    struct pt_gather before = gather;
    unsigned allocations = model_allocations();
    enum pt_status status =
        pt_unmap(&table, first << PT_PAGE_SHIFT, pages << PT_PAGE_SHIFT, &gather);

    expect(model_allocations() == allocations, first);
    if (!fits(first, pages)) {
        expect(status == PT_BAD_RANGE, first);
    } else {
        expect(status == (all_live(first, first + pages - 1) ? PT_OK : PT_NOT_LIVE), first);
    }
    if (status == PT_OK) {
        cut(first, first + pages - 1);
    } else {
        expect(memcmp(&gather, &before, sizeof(gather)) == 0, first);
        expect(pool.available == pool_before.available, first);
        expect(pool.reserved == pool_before.reserved, first);
    }
    return status;
}

static inline void do_release(void)
{
    pt_release(&pool, &gather);
    gather = (struct pt_gather)PT_GATHER_INIT;
}

/* ---- Random ranges, close to the boundaries of the levels ---- */

static inline uint64_t random_page(void)
{
    uint64_t limit = UINT64_C(1) << (config->width - PT_PAGE_SHIFT);
    unsigned level = (unsigned)below(config->levels + 1u);
    uint64_t spot = level == config->levels ? limit : level == 0 ? 0 : UINT64_C(1) << 9 * level;
    uint64_t around = below(4) == 0 ? 1300 : 24;

    return (spot + below(2 * around) - around) & (2 * limit - 1);
}

static inline uint64_t random_pages(uint64_t *first)
{
    switch (below(32)) {
    case 0:
        return below(4);
    case 1:
    case 2:
        return PAGES_2M - 4 + below(8);
    case 3:
    case 4:
        *first &= ~(PAGES_2M - 1);
        return PAGES_2M * (1 + below(3)) + (below(2) != 0 ? below(8) : 0);
    case 5:
        if (!leaf_exists(config, 18) || below(4) != 0) {
            return below(2000);
        }
        *first &= ~(PAGES_1G - 1);
        return below(2) != 0 ? PAGES_1G : PAGES_1G + PAGES_2M + 5;
    default:
        return 1 + below(below(3) == 0 ? 40 : 3);
    }
}

static inline uint64_t random_physical(uint64_t first, uint64_t pages)
{
    uint64_t limit = UINT64_C(1) << (config->physical_width - PT_PAGE_SHIFT);
    uint64_t physical = below(limit / 2);
    uint64_t step = pages >= PAGES_1G || below(4) == 0 ? PAGES_1G
                    : pages > 64 || below(2) != 0      ? PAGES_2M
                                                       : 1;

    physical = (physical & ~(step - 1)) | (first & (step - 1));
    while (physical + pages > limit || physical < RAM_END_PAGE ||
           (physical <= WINDOW_LAST && physical + pages > WINDOW_FIRST)) {
        physical = (physical + 2 * PAGES_1G) % (limit / 2);
    }
    return physical;
}

static inline uint64_t pages_live(void)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < mapping_count; i++) {
        pages += mappings[i].last + 1 - mappings[i].first;
    }
    return pages;
}

/* A range to unmap: one that is mapped, a part of it, more than it, or any. */
static inline uint64_t random_live(uint64_t *first)
{
    if (mapping_count == 0 || below(5) == 0) {
        *first = random_page();
        return random_pages(first);
    }
    const struct mapping *mapping = &mappings[below(mapping_count)];
    uint64_t pages = mapping->last + 1 - mapping->first;
    *first = mapping->first;
    switch (below(8)) {
    case 0:
        return pages + below(3);
    case 1:
        *first -= below(2);
        return pages;
    case 2:
    case 3:
        *first += below(pages);
        return 1 + below(mapping->last + 1 - *first);
    default:
        return pages;
    }
}

static inline void random_operation(void)
{
    static const enum pt_permission some[] = {PT_READ_WRITE, PT_READ_WRITE, PT_READ, PT_WRITE,
                                              PT_NONE};
    uint64_t first = random_page(), pages = random_pages(&first);
    bool full = mapping_count + 2 >= MAPPINGS_MAX;

    if (full || below(100) < 25 + mapping_count / 2) {
        pages = random_live(&first);
        /* A cut may need room for one mapping more. */
        if (do_unmap(first, pages) == PT_OK && below(3) == 0) {
            do_release();
        }
    } else if (pages < PAGES_1G || pages_live() < 6 * PAGES_1G) {
        expect(do_map(first, random_physical(first, pages), pages, some[below(5)]) != PT_NO_MEMORY,
               first);
    }
    judge_range(first, pages);
}

/* Prints the seed and lists the configurations: once, before any test. */
static inline void set_up_paging(void)
{
    const char *given = getenv("SEED");

    seed = given != NULL ? strtoull(given, NULL, 0) : UINT64_C(20261121);
    printf("SEED=%llu\n", (unsigned long long)seed);
    list_configs();
}

#endif
