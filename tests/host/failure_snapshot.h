/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_FAILURE_SNAPSHOT_H
#define TESTS_HOST_FAILURE_SNAPSHOT_H

#include "drivers/iommu/paging/pool.h"
#include "tests/host/wdm_fixture.h"

/*
 * All that a call may change, as it stands at one moment: who owns each frame, core's own state,
 * the trees of all domains as a second reader finds them, and what each requester reaches, by the
 * tables and by the unit with all that it has cached.
 */
#define RAM_FRAMES     (MODEL_RAM_SIZE >> FRAME_SHIFT)
#define REQUESTERS     5
#define PROBES_MAX     192
#define LEAVES_MAX     4096
#define POOL_CHUNK     (PT_CHUNK_PAGES - 1)
#define ALLOCATOR_SIZE ((sizeof(struct allocator) + FRAME_SIZE - 1) / FRAME_SIZE)
#define NODE_FRAMES    3

/* Compared byte by byte: without padding. */
struct leaf {
    uint64_t address, physical, size;
    unsigned domain, rights;
};

struct table {
    uint64_t physical;
    unsigned domain, level, live, pins;
};

struct reach {
    enum model_dma_result by_tables, by_unit;
    uint64_t physical;
};

struct snapshot {
    owner_t owners[RAM_FRAMES];
    struct iommu core;
    size_t ranges[IOMMU_DOMAINS_MAX]; /* taken of each allocator */
    struct leaf leaves[LEAVES_MAX];
    struct table tables[LEAVES_MAX];
    unsigned leaf_count, table_count, domain;
    struct reach reach[PROBES_MAX][2][REQUESTERS];
};

/* Pages that the test took out of the pool, and the addresses at which it asks for access. */
static size_t held_pages;
static uint64_t probes[PROBES_MAX];
static unsigned probe_count;

static inline void add_probe(uint64_t address)
{
    for (unsigned i = 0; i < probe_count; i++)
        if (probes[i] == address)
            return;
    assert_in_range(probe_count, 0, PROBES_MAX - 1);
    probes[probe_count++] = address;
}

static inline pci_bdf_t requester_id(unsigned n)
{
    return n < FUNCTIONS ? on.pci.functions[n].bdf : BRIDGE_ID;
}

static inline void see_leaf(void *context, const struct reference_leaf *leaf)
{
    struct snapshot *snapshot = context;

    assert_in_range(snapshot->leaf_count, 0, LEAVES_MAX - 1);
    snapshot->leaves[snapshot->leaf_count++] =
        (struct leaf){leaf->address, leaf->physical, leaf->size, snapshot->domain,
                      leaf->readable + 2u * leaf->writable};
}

static inline void see_table(void *context, uint64_t physical, unsigned level)
{
    struct snapshot *snapshot = context;
    const struct pt_page *page = pt_page_of(physical);

    assert_in_range(snapshot->table_count, 0, LEAVES_MAX - 1);
    snapshot->tables[snapshot->table_count++] =
        (struct table){physical, snapshot->domain, level, page->live, page->pins};
}

static inline bool has_table(const struct iommu_domain *domain)
{
    return domain->ref && domain->type != IOMMU_PASS_THROUGH;
}

static inline void see_domain(struct snapshot *snapshot, unsigned index)
{
    const struct iommu_domain *domain = &on.iommu.domains[index];
    const struct pt_geometry *geometry = &domain->table.geometry;
    const struct reference reference = {.kind = UNIT_FORMAT,
                                        .root = domain->table.root,
                                        .levels = geometry->levels,
                                        .physical_width = geometry->physical_width,
                                        .leaf_levels = geometry->leaf_levels,
                                        .coherent = geometry->coherent};
    const struct reference_visitor visitor = {see_table, see_leaf, snapshot};

    snapshot->domain = index;
    snapshot->ranges[index] = domain->ref && domain->allocator ? domain->allocator->count : 0;
    if (has_table(domain)) {
        const char *broken = reference_visit(&reference, &visitor);

        if (broken)
            fail_msg("domain %u: %s", index, broken);
    }
}

/* Outside the comparison: free slots, and the places of what is free or remembered for speed. */
static inline void normalise(struct iommu *core)
{
    core->pool.clean = core->pool.dirty = core->pool.available = core->pool.chunks = 0;
    core->token_fresh = core->token_first = core->token_last = 0;
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        memset(&core->domains[i].table.leaf, 0, sizeof core->domains[i].table.leaf);
        if (!core->domains[i].ref)
            memset(&core->domains[i], 0, sizeof core->domains[i]);
    }
    for (unsigned i = 0; i < IOMMU_DEVICES_MAX; i++)
        if (!core->devices[i].used)
            memset(&core->devices[i], 0, sizeof core->devices[i]);
    for (unsigned i = 0; i < IOMMU_TOKENS_MAX; i++)
        if (!core->tokens[i].used)
            memset(&core->tokens[i], 0, sizeof core->tokens[i]);
}

static inline void see_reach(struct snapshot *snapshot)
{
    for (unsigned p = 0; p < probe_count; p++)
        for (unsigned write = 0; write < 2; write++)
            for (unsigned n = 0; n < REQUESTERS; n++) {
                struct reach *reach = &snapshot->reach[p][write][n];

                *reach = (struct reach){0};
                reach->by_tables =
                    unit_translate(&on.unit, requester_id(n), probes[p], write, &reach->physical);
                reach->by_unit = dma(requester_id(n), probes[p], write);
                if (reach->by_tables != MODEL_DMA_ALLOWED)
                    reach->physical = 0;
            }
}

static inline void take_snapshot(struct snapshot *snapshot)
{
    snapshot->leaf_count = snapshot->table_count = 0;
    for (size_t i = 0; i < RAM_FRAMES; i++)
        snapshot->owners[i] = model_owner(MODEL_RAM_BASE + (i << FRAME_SHIFT));
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        see_domain(snapshot, i);
    memcpy(&snapshot->core, &on.iommu, sizeof snapshot->core);
    normalise(&snapshot->core);
    see_reach(snapshot);
}

/* Every frame and every table page is somewhere: nothing has leaked. */
static inline void check_accounts(const struct snapshot *snapshot)
{
    size_t frames = unit_frames(&on.unit) + on.iommu.pool.chunks * PT_CHUNK_PAGES;

    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        const struct iommu_domain *domain = &on.iommu.domains[i];
        const struct allocator *a = domain->ref ? domain->allocator : NULL;

        if (a)
            frames += ALLOCATOR_SIZE + (a->node_count + a->spare_count) * NODE_FRAMES +
                      a->queue_capacity * 2 * sizeof(uint64_t) / FRAME_SIZE;
    }
    assert_int_equal(model_frames_owned(OWNER_IOMMU), frames);
    assert_int_equal(on.iommu.pool.available + snapshot->table_count + held_pages,
                     on.iommu.pool.chunks * POOL_CHUNK);
}

/* `exact`: not a frame has changed hands, not even one that is kept for the next call. */
static inline void expect_unchanged(const struct snapshot *before, const struct snapshot *after,
                                    bool exact)
{
    for (size_t i = 0; i < RAM_FRAMES; i++) {
        bool kept = !exact && before->owners[i] != after->owners[i] &&
                    (before->owners[i] == OWNER_FREE || before->owners[i] == OWNER_IOMMU) &&
                    (after->owners[i] == OWNER_FREE || after->owners[i] == OWNER_IOMMU);

        if (!kept && before->owners[i] != after->owners[i])
            fail_msg("frame %zu went from owner %u to %u", i, before->owners[i], after->owners[i]);
    }
    check_accounts(after);
    assert_int_equal(before->leaf_count, after->leaf_count);
    assert_memory_equal(before->leaves, after->leaves,
                        before->leaf_count * sizeof before->leaves[0]);
    assert_int_equal(before->table_count, after->table_count);
    assert_memory_equal(before->tables, after->tables,
                        before->table_count * sizeof before->tables[0]);
    assert_memory_equal(before->ranges, after->ranges, sizeof before->ranges);
    for (unsigned p = 0; p < probe_count; p++)
        assert_memory_equal(before->reach[p], after->reach[p], sizeof before->reach[p]);
    if (memcmp(&before->core, &after->core, sizeof before->core) != 0)
        assert_memory_equal(&before->core, &after->core, sizeof before->core);
}

static inline void expect_no_more(const struct reach *before, const struct reach *after,
                                  unsigned requester, uint64_t address)
{
    if (after->by_unit == MODEL_DMA_ALLOWED && before->by_unit != MODEL_DMA_ALLOWED)
        fail_msg("the unit lets %04x reach 0x%llx", requester, (unsigned long long)address);
    if (after->by_tables == MODEL_DMA_ALLOWED &&
        (before->by_tables != MODEL_DMA_ALLOWED || before->physical != after->physical))
        fail_msg("the tables let %04x reach 0x%llx", requester, (unsigned long long)address);
}

static inline void expect_no_more_access(const struct snapshot *before,
                                         const struct snapshot *after)
{
    for (unsigned p = 0; p < probe_count; p++)
        for (unsigned write = 0; write < 2; write++)
            for (unsigned n = 0; n < REQUESTERS; n++)
                expect_no_more(&before->reach[p][write][n], &after->reach[p][write][n],
                               requester_id(n), probes[p]);
}

static inline bool in_list(uint64_t list, uint64_t wanted)
{
    for (uint64_t at = list; at;) {
        const struct pt_page *page = pt_page_of(at);

        if (at == wanted)
            return true;
        at = ((uint64_t)page->next_high << 32 | page->next_low) << PT_PAGE_SHIFT;
    }
    return false;
}

static inline bool has_table_page(const struct snapshot *snapshot, const struct table *table)
{
    for (unsigned i = 0; i < snapshot->table_count; i++)
        if (snapshot->tables[i].physical == table->physical &&
            snapshot->tables[i].domain == table->domain)
            return true;
    return false;
}

static inline bool unit_knows(uint16_t domain_id)
{
    struct unit_cache caches[UNIT_CACHES];

    unit_caches(&on.unit, caches);
    for (unsigned i = 0; i < UNIT_CACHES; i++) {
        const char *entry = caches[i].entries;

        for (unsigned n = 0; n < *caches[i].count; n++, entry += caches[i].size)
            if (*(const bool *)entry && unit_entry(i, entry).domain == domain_id)
                return true;
    }
    return false;
}

/* Domains of which the unit may hold translations when a wait has failed. One that all devices had
 * left by then is not known any more. */
static bool known[IOMMU_DOMAINS_MAX];

/* As soon as the wait has failed: what the unit does later does not count. */
static inline void note_known(const struct snapshot *before)
{
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        const struct iommu_domain *domain = &on.iommu.domains[i];

        known[i] = domain->poisoned || (before->core.domains[i].units &&
                                        (domain->units || unit_knows(before->core.domains[i].id)));
    }
}

/* A driver's memory that is another's now, or could be. */
static inline bool may_be_used_again(const struct snapshot *before, const struct leaf *leaf)
{
    owner_t owner = before->owners[(leaf->physical - MODEL_RAM_BASE) >> FRAME_SHIFT];

    return owner >= OWNER_DRIVER && (model_owner(leaf->physical) != owner ||
                                     iommu_releasable(&on.iommu, owner, leaf->physical, PAGE_SIZE));
}

/* Tables that were unlinked without an invalidation are in no free list; memory that was unmapped
 * without one does not go back to the allocator. */
static inline void expect_quarantined(const struct snapshot *before, const struct snapshot *after)
{
    for (unsigned i = 0; i < before->table_count; i++) {
        uint64_t page = before->tables[i].physical;

        if (known[before->tables[i].domain] && !has_table_page(after, &before->tables[i]) &&
            (in_list(on.iommu.pool.clean, page) || in_list(on.iommu.pool.dirty, page)))
            fail_msg("table 0x%llx may be used again (domain %u)", (unsigned long long)page,
                     before->tables[i].domain);
    }
    for (unsigned i = 0; i < before->leaf_count; i++)
        if (known[before->leaves[i].domain] && may_be_used_again(before, &before->leaves[i]))
            fail_msg("memory 0x%llx may be used again",
                     (unsigned long long)before->leaves[i].physical);
}

#endif
