/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tables that stay: the part of algorithm.h that makes reservations and takes them back. */

/*
 * Reserve.
 */

/* No leaf of a higher level fits a run that maps to this. */
#define NOWHERE UINT64_C(1)

static void pin(struct pt *table, const struct node *at, unsigned level, struct run run)
{
    struct run touched = run;

    while (level > 1 && run.first <= run.last) {
        unsigned i = index_at(run.first, level);
        struct run part = cut_front(&run, level);
        if (fmt_group(table_load64(&at->entries[i])))
            loosen(at, level, part.first, &touched);
        uint64_t entry = table_load64(&at->entries[i]);
        uint64_t physical = !entry                      ? pt_pool_take(table->pool, 1, 0)
                            : fmt_is_link(entry, level) ? fmt_next(entry, level)
                                                        : split(table, &at->entries[i], level);
        struct node child = node_at(physical);

        child.page->pins++;
        pin(table, &child, level - 1, part);
        if (!entry)
            link_table(table, at, i, level, physical);
    }
    write_back(table, at, level, &touched);
}

static enum pt_status reserve(struct pt *table, uint64_t address, uint64_t length)
{
    struct run run = {address, address + length - 1, NOWHERE};
    struct node root = node_at(table->root);
    unsigned level = table->geometry.levels;
    uint64_t tables = (run.last >> PT_LEAF_SHIFT) - (run.first >> PT_LEAF_SHIFT) + 1;

    if (!range_is_good(table, address, length))
        return PT_BAD_RANGE;
    lock_take(&table->pool->lock);
    bool enough = pt_pool_may_hold(table->pool, tables) && ensure_pages(table, &root, level, run);
    if (enough)
        pin(table, &root, level, run);
    lock_give(&table->pool->lock);
    return enough ? PT_OK : PT_NO_MEMORY;
}

/* Every level 1 table of the run is there and pinned. */
static bool is_pinned(const struct node *at, unsigned level, struct run run)
{
    while (level > 1 && run.first <= run.last) {
        unsigned i = index_at(run.first, level);
        struct run part = cut_front(&run, level);
        uint64_t entry = table_load64(&at->entries[i]);

        if (!fmt_is_link(entry, level))
            return false;
        struct node child = node_at(fmt_next(entry, level));
        if (!child.page->pins || !is_pinned(&child, level - 1, part))
            return false;
    }
    return true;
}

static void unpin(struct pt *table, const struct node *at, unsigned level, struct run run,
                  struct pt_gather *gather)
{
    const struct run all = run;

    while (level > 1 && run.first <= run.last) {
        uint64_t *slot = &at->entries[index_at(run.first, level)];
        struct run part = cut_front(&run, level);
        uint64_t physical = fmt_next(table_load64(slot), level);
        struct node child = node_at(physical);

        unpin(table, &child, level - 1, part, gather);
        if (--child.page->pins || child.page->live)
            continue;
        table_store64(slot, 0);
        at->page->live--;
        gather_tree(table, physical, level - 1, gather);
    }
    write_back(table, at, level, &all);
}

static enum pt_status unreserve(struct pt *table, uint64_t address, uint64_t length,
                                struct pt_gather *gather)
{
    struct run run = {address, address + length - 1, 0};
    struct node root = node_at(table->root);

    if (!range_is_good(table, address, length))
        return PT_BAD_RANGE;
    if (!is_pinned(&root, table->geometry.levels, run))
        return PT_NOT_LIVE;
    unpin(table, &root, table->geometry.levels, run, gather);
    return PT_OK;
}
