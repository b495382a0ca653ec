/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/*
 * Page tables by their properties, for every format, depth and set of page sizes, judged by the
 * reference walker and a map of page ranges:
 *
 *   1. What is mapped is reachable with exactly the permission given; nothing else is.
 *   2. A leaf is the largest that both alignments and the length allow.
 *   3. Unmap after map leaves the tree as before: the same words, tables, available and reserved.
 *   4. The order of calls on ranges apart does not matter.
 *   5. A table that was unlinked is neither reused nor opened before pt_release.
 *   6. A failure changes nothing, whatever its status; unmap needs no memory.
 *   7. While a call runs, hardware meets the old or the new state of each page and nothing else.
 *   8. No walk sees a table before it was written back; each line is written back once.
 *
 * SEED= repeats a run.
 */

#include "paging_fixture.h"

#define OPERATIONS 1000000u /* of the long sequence, all configurations together */

static void reachable_is_what_is_mapped(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        random_state = seed + i;
        start(&configs[i], pool_pages(&configs[i]));
        for (unsigned n = 0; n < OPERATIONS / EVERY / config_count + 1; n++) {
            random_operation();
            if (n % 512 == 0) {
                do_release();
                judge_all();
            }
        }
        finish();
    }
}

/* ---- Unmap after map, and order ---- */

static void unmap_after_map_leaves_the_tree_as_before(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        random_state = ~seed + i;
        start(&configs[i], pool_pages(&configs[i]));
        for (unsigned n = 0; n < 80; n++) {
            uint64_t first = random_page(), pages = random_pages(&first);
            random_operation();
            do_release();
            judge_tree();
            uint64_t digest = tree.digest;
            struct pt_pool before = pool;
            if (mapping_count + 2 >= MAPPINGS_MAX || pages_live() > 6 * PAGES_1G ||
                do_map(first, random_physical(first, pages), pages, PT_READ) != PT_OK) {
                continue;
            }
            for (uint64_t from = 0, step; from < pages; from += step) {
                step = below(3) == 0 ? 1 + below(pages - from) : pages - from;
                assert_int_equal(do_unmap(first + from, step), PT_OK);
            }
            do_release();
            judge_all();
            expect(tree.digest == digest, first);
            expect(pool.available == before.available && pool.reserved == before.reserved, first);
        }
        finish();
    }
}

static uint64_t shape_digest;

static void fold_leaf(void *context, const struct reference_leaf *leaf)
{
    see_leaf(context, leaf);
    shape_digest = (shape_digest ^ leaf->address) * UINT64_C(0x100000001B3);
    shape_digest = (shape_digest ^ leaf->physical ^ leaf->size) * UINT64_C(0x100000001B3);
}

/* The same set of ranges, mapped in an order that depends on `turn`. */
static uint64_t map_in_order(const struct mapping *set, unsigned count, unsigned turn)
{
    const struct reference_visitor visitor = {NULL, fold_leaf, NULL};
    struct reference reference = view(true);

    for (unsigned n = 0; n < count; n++) {
        const struct mapping *one = &set[turn == 0   ? n
                                         : turn == 1 ? count - 1 - n
                                                     : (n * 7) % count];
        assert_int_equal(
            do_map(one->first, one->physical, one->last + 1 - one->first, one->permission), PT_OK);
    }
    judge_all();
    shape_digest = 0;
    assert_null(reference_visit(&reference, &visitor));
    uint64_t shape = shape_digest ^ tree.tables;
    for (unsigned n = 0; n < count; n++) {
        const struct mapping *one = &set[turn == 0 ? (n * 5) % count : n];
        assert_int_equal(do_unmap(one->first, one->last + 1 - one->first), PT_OK);
    }
    do_release();
    judge_all();
    return shape;
}

static void order_does_not_matter(void **state)
{
    struct mapping set[64];

    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        random_state = seed * 3 + i;
        start(&configs[i], pool_pages(&configs[i]));
        while (mapping_count < 64) {
            uint64_t first = random_page(), pages = 1 + below(3) * below(5);
            if (pages_live() > 400 && config->levels == 1) {
                break;
            }
            (void)do_map(first, random_physical(first, pages), pages, PT_READ);
        }
        unsigned count = mapping_count < 64 ? mapping_count - mapping_count % 2 : 64;
        while (count % 5 == 0 || count % 7 == 0) {
            count--;
        }
        memcpy(set, mappings, count * sizeof(*set));
        while (mapping_count != 0) {
            const struct mapping *one = &mappings[below(mapping_count)];
            assert_int_equal(do_unmap(one->first, one->last + 1 - one->first), PT_OK);
        }
        do_release();
        uint64_t shape = map_in_order(set, count, 0);
        expect(map_in_order(set, count, 1) == shape, 0);
        expect(map_in_order(set, count, 2) == shape, 0);
        finish();
    }
}

/* ---- Lifetimes ---- */

/* Words of unlinked tables, as they were when they were unlinked: for each frame, or NULL. */
static uint64_t *pending[sizeof(tree.seen)];
static size_t pending_count;

static void forget_pending(void)
{
    for (size_t i = 0; i < sizeof(tree.seen); i++) {
        free(pending[i]);
        pending[i] = NULL;
    }
    pending_count = 0;
}

/* What a walk that still holds an unlinked table would find there: what it held, or nothing. */
static void judge_pending(const uint8_t *before)
{
    for (size_t i = MODEL_RAM_BASE >> PT_PAGE_SHIFT; i < sizeof(tree.seen); i++) {
        const uint64_t *words = model_ram(i << PT_PAGE_SHIFT, PT_PAGE_SIZE);
        if (before[i] != 0 && tree.seen[i] == 0 && pending[i] == NULL) {
            pending[i] = malloc(PT_PAGE_SIZE);
            memcpy(pending[i], words, PT_PAGE_SIZE);
            pending_count++;
        }
        if (pending[i] != NULL) {
            expect(tree.seen[i] == 0, i);
            for (unsigned n = 0; n < PT_ENTRIES; n++) {
                expect(words[n] == pending[i][n] || (words[n] & 3) == 0, i);
            }
        }
    }
}

static void nothing_is_reused_before_release(void **state)
{
    static uint8_t before[sizeof(tree.seen)];

    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        random_state = seed * 5 + i;
        start(&configs[i], 3000);
        judge_tree();
        for (unsigned n = 0; n < 80; n++) {
            uint64_t first = random_page(), pages = 1 + below(below(4) == 0 ? 1100 : 4);
            memcpy(before, tree.seen, sizeof(before));
            if (mapping_count + 2 >= MAPPINGS_MAX || below(2) == 0) {
                pages = random_live(&first);
                (void)do_unmap(first, pages);
            } else {
                (void)do_map(first, random_physical(first, pages), pages, PT_READ_WRITE);
            }
            judge_tree();
            judge_pending(before);
            expect(pool.available + tree.tables + pending_count == pages_before, first);
            if (below(25) == 0) {
                do_release();
                forget_pending();
            }
        }
        do_release();
        forget_pending();
        finish();
    }
}

/* ---- States in between ---- */

static struct {
    struct mapping old[MAPPINGS_MAX + 2];
    unsigned old_count;
    uint64_t first, last, physical;
    bool map;
    enum pt_permission permission;
    unsigned stores;
} change;

/* One page while a call runs, from one point of view. */
static void judge_between(uint64_t page, bool coherent)
{
    struct reference reference = view(coherent);
    struct reference_result read;
    uint64_t address = page << PT_PAGE_SHIFT;
    const struct mapping *old = find(page);
    bool changes = page >= change.first && page <= change.last;

    if (page >> (config->width - PT_PAGE_SHIFT) != 0) {
        return;
    }
    reference_walk(&reference, address, false, &read);
    expect(read.reason != REFERENCE_MALFORMED && read.reason != REFERENCE_OUTSIDE_RAM, page);
    uint64_t physical = old != NULL  ? old->physical + (page - old->first)
                        : change.map ? change.physical + (page - change.first)
                                     : 0;
    if (read.reason == REFERENCE_ALLOWED) {
        expect(old != NULL || (changes && change.map), page);
        expect(read.physical == physical << PT_PAGE_SHIFT, page);
    } else {
        expect(old == NULL || changes, page);
    }
}

static void between(void *context, uint64_t physical, uint64_t value)
{
    judge_link(context, physical, value);
    if (change.stores++ % 7 != 0 && change.stores > 40) {
        return;
    }
    uint64_t inside = change.first + below(change.last + 1 - change.first);
    const uint64_t pages[] = {change.first,
                              change.last,
                              inside,
                              change.first - 1,
                              change.last + 1,
                              change.first & ~(PAGES_2M - 1),
                              change.last | (PAGES_2M - 1)};

    for (unsigned i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        judge_between(pages[i], true);
        if (!config->coherent) {
            judge_between(pages[i], false);
        }
    }
}

static void hardware_meets_the_old_or_the_new_state(void **state)
{
    (void)state;
    for (unsigned i = 0; i < config_count; i++) {
        random_state = seed * 7 + i;
        start(&configs[i], pool_pages(&configs[i]));
        for (unsigned n = 0; n < 400; n++) {
            uint64_t first = random_page(), pages = random_pages(&first);
            bool map = mapping_count + 2 < MAPPINGS_MAX && below(2) == 0;
            if (!map) {
                pages = random_live(&first);
            }
            if (!fits(first, pages) || pages_live() > 6 * PAGES_1G) {
                continue;
            }
            change.first = first;
            change.last = first + pages - 1;
            change.physical = random_physical(first, pages);
            change.map = map;
            change.stores = 0;
            model_on_store(between, NULL);
            /* The map of pages changes after the call: `between` sees the old one. */
            if (map) {
                (void)do_map(first, change.physical, pages, PT_READ_WRITE);
            } else {
                (void)do_unmap(first, pages);
            }
            model_on_store(judge_link, NULL);
            do_release();
        }
        judge_all();
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reachable_is_what_is_mapped),
        cmocka_unit_test(unmap_after_map_leaves_the_tree_as_before),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(nothing_is_reused_before_release),
        cmocka_unit_test(hardware_meets_the_old_or_the_new_state),
    };

    set_up_paging();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
