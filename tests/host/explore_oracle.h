/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_EXPLORE_ORACLE_H
#define TESTS_HOST_EXPLORE_ORACLE_H

#include "tests/host/explore_state.h"

#include <stdio.h>

/*
 * What two devices may reach through two domains of four pages, as a table; the steps that change
 * it; and accesses, judged by it. Page n of a domain leads nowhere, or to the nth page of A, to be
 * read or to be read and written, or to the nth page of B, to be read and written. A page beside
 * these may be mapped in both domains for ever, so that no table becomes empty.
 */
enum { DEVICES = 2, DOMAINS = 2, PAGES = 4, ALL_PAGES = PAGES, NOWHERE = DOMAINS };
enum { KEPT_PAGE = PAGES, KEPT_FRAME = 2 * PAGES, FRAMES };
enum value { NOT_MAPPED, A_READ, A_WRITE, B_WRITE, VALUES };

struct oracle {
    uint8_t domain[DEVICES]; /* NOWHERE: detached */
    uint8_t value[DOMAINS][PAGES];
};

enum kind { ATTACH, DETACH, MAP, UNMAP, ACCESS, STEP_KINDS };
enum { QUIET = 0, ALWAYS = 255 };

/* `page`: one, or ALL_PAGES. `moment`: at which of the call's moments both devices try all pages.
 */
struct step {
    uint8_t kind, device, domain, page, value, moment;
};

#define AT    UINT64_C(0x10000000)
#define STAMP UINT64_C(0x5742A319)

static struct {
    PIOMMU_DMA_DOMAIN domains[DOMAINS];
    PIOMMU_DMA_DEVICE devices[DEVICES];
    unsigned pages;   /* in use, of PAGES */
    bool keeps_page;  /* KEPT_PAGE leads to KEPT_FRAME */
    bool own_leaves;  /* it matters whose access filled a cached page */
    uint64_t memory;  /* A, then B, then KEPT_FRAME */
    uint64_t *frames; /* the same */
    struct oracle now;
    struct oracle then; /* while a call runs: what it leads to */
    unsigned moment, wanted;
    unsigned stores, changes; /* of the call; and at its last moment */
    char failure[160];
} world;

static const pci_bdf_t ids[DEVICES] = {FIRST_ID, SECOND_ID};

#define FAILED_BY(...)                                                                             \
    do {                                                                                           \
        if (world.failure[0] == 0)                                                                 \
            (void)snprintf(world.failure, sizeof world.failure, __VA_ARGS__);                      \
    } while (0)

/* ---- What may be reached ---- */

/* The frame, counted from the first of A; -1: none. */
static inline int reached(const struct oracle *oracle, unsigned device, unsigned page, bool write)
{
    unsigned domain = oracle->domain[device];

    if (domain != NOWHERE && page == KEPT_PAGE)
        return KEPT_FRAME;
    enum value value = domain == NOWHERE ? NOT_MAPPED : oracle->value[domain][page];
    if (value == NOT_MAPPED || (write && value == A_READ))
        return -1;
    return (int)(value == B_WRITE ? PAGES + page : page);
}

/* Which frame bears what the device wrote; it is wiped off. */
static inline int find_stamp(void)
{
    int found = -1;

    for (int i = 0; i < FRAMES; i++) {
        uint64_t *word = world.frames + i * (ptrdiff_t)(PAGE_SIZE / sizeof(uint64_t)) + 1;

        if (*word != STAMP)
            continue;
        *word = 0;
        found = i;
    }
    return found;
}

/* A frame as above; -1: refused; -2: some other memory. */
static inline int access_page(unsigned device, unsigned page, bool write)
{
    uint64_t value = STAMP, address = AT + page * (uint64_t)PAGE_SIZE + (write ? 8 : 0);

    if (unit_dma(&on.unit, ids[device], address, write, &value, sizeof value) != MODEL_DMA_ALLOWED)
        return -1;
    int frame = write ? find_stamp() : (int)value - 1;
    return frame < 0 || frame >= FRAMES ? -2 : frame;
}

static inline void judge(unsigned device, unsigned page, bool write, const char *when)
{
    int before = reached(&world.now, device, page, write);
    int after = reached(&world.then, device, page, write);
    int frame = access_page(device, page, write);

    if (frame != before && frame != after)
        FAILED_BY("false %s %s: device %u %s page %u", frame == -1 ? "deny" : "allow", when, device,
                  write ? "writes" : "reads", page);
    if (model_violations() != 0)
        FAILED_BY("violation: %s", model_violation_text(0));
}

static inline void judge_page(unsigned device, unsigned page, const char *when)
{
    judge(device, page, false, when);
    judge(device, page, true, when);
}

/* To a device that is detached all pages are alike. */
static inline void judge_all(const char *when)
{
    for (unsigned device = 0; device < DEVICES; device++) {
        bool detached = world.now.domain[device] == NOWHERE && world.then.domain[device] == NOWHERE;

        for (unsigned page = 0; page < (detached ? 1 : world.pages); page++)
            judge_page(device, page, when);
        if (world.keeps_page && !detached)
            judge_page(device, KEPT_PAGE, when);
    }
}

/* The tables alone, without any cache. */
static inline void judge_tables(unsigned device, unsigned page)
{
    for (unsigned write = 0; write < 2; write++) {
        uint64_t physical = 0, address = AT + page * (uint64_t)PAGE_SIZE;
        int frame = reached(&world.now, device, page, write);
        bool allowed =
            unit_translate(&on.unit, ids[device], address, write, &physical) == MODEL_DMA_ALLOWED;

        if (allowed != (frame >= 0) ||
            (allowed && physical != world.memory + (uint64_t)frame * PAGE_SIZE))
            FAILED_BY("the tables are wrong: device %u, page %u", device, page);
    }
}

/* ---- Moments of a call: after each store of an entry on the way to a page, and at each tick. One
 * at which neither an entry nor the unit has changed is no other than the last; the first of that
 * kind is an access before the call. ---- */

static inline unsigned changes(void)
{
    return world.stores + on.unit.event_count;
}

static inline void at_moment(void)
{
    if (world.wanted == QUIET || changes() == world.changes)
        return;
    world.changes = changes();
    world.moment++;
    if (world.wanted == ALWAYS || world.wanted == world.moment)
        judge_all("during the call");
}

/* All page tables come from the pool's first chunk, which is aligned to its size. */
static inline bool is_page_table(uint64_t frame)
{
    return (frame ^ on.iommu.domains[0].table.root) / FRAME_SIZE < PT_ENTRIES;
}

static inline void on_tick(void *context)
{
    (void)context;
    at_moment();
}

static inline void on_store(void *context, uint64_t physical, uint64_t value)
{
    const uint64_t frame = physical & ~(uint64_t)(FRAME_SIZE - 1);
    const unsigned index = physical % FRAME_SIZE / sizeof(uint64_t);

    (void)context;
    (void)value;
    if (world.wanted == QUIET || serves_queue(frame))
        return;
    if (index >= PAGES && index != (AT >> 21) % 512 && is_page_table(frame))
        return;
    world.stores++;
    at_moment();
}

/* ---- Steps ---- */

static inline bool is_possible(const struct oracle *oracle, const struct step *step)
{
    const uint8_t *values = oracle->value[step->domain];

    switch (step->kind) {
    case ATTACH:
        return oracle->domain[step->device] == NOWHERE;
    case DETACH:
        return oracle->domain[step->device] != NOWHERE;
    case MAP:
    case UNMAP:
        for (unsigned i = 0; i < world.pages; i++)
            if ((step->page == i || step->page == ALL_PAGES) &&
                (values[i] == NOT_MAPPED) != (step->kind == MAP))
                return false;
        return true;
    default:
        return true;
    }
}

static inline void foresee(struct oracle *oracle, const struct step *step)
{
    uint8_t *values = oracle->value[step->domain];

    if (step->kind == ATTACH)
        oracle->domain[step->device] = step->domain;
    if (step->kind == DETACH)
        oracle->domain[step->device] = NOWHERE;
    for (unsigned i = 0; (step->kind == MAP || step->kind == UNMAP) && i < world.pages; i++)
        if (step->page == i || step->page == ALL_PAGES)
            values[i] = step->kind == MAP ? step->value : NOT_MAPPED;
}

static inline NTSTATUS call(const struct step *step)
{
    uint64_t offset = step->page == ALL_PAGES ? 0 : step->page * (uint64_t)PAGE_SIZE;
    uint64_t length = step->page == ALL_PAGES ? world.pages * (uint64_t)PAGE_SIZE : PAGE_SIZE;
    PIOMMU_DMA_DOMAIN domain = world.domains[step->domain];

    switch (step->kind) {
    case ATTACH:
        return on.api.AttachDeviceEx(domain, world.devices[step->device]);
    case DETACH:
        return on.api.DetachDeviceEx(world.devices[step->device]);
    case MAP:
        return map_range(domain, AT + offset,
                         world.memory + (step->value == B_WRITE ? PAGES * PAGE_SIZE : 0) + offset,
                         length, step->value == A_READ ? IOMMU_ACCESS_READ : READ_WRITE);
    default:
        return unmap_range(domain, AT + offset, length);
    }
}

/* Makes a call; during it devices reach what they did or what they will. One that is not possible
 * is refused. */
static inline void make_call(const struct step *step)
{
    const bool possible = is_possible(&world.now, step);

    world.then = world.now;
    if (possible)
        foresee(&world.then, step);
    world.moment = world.stores = 0;
    world.changes = changes();
    world.wanted = step->moment;
    NTSTATUS status = call(step);
    world.wanted = QUIET;
    world.now = world.then;
    if (NT_SUCCESS(status) != possible)
        FAILED_BY("status 0x%08x", (unsigned)status);
    if (!unit_is_idle(&on.unit)) {
        judge_all("after the call");
        FAILED_BY("the call did not wait for the unit");
    }
    if (model_violations() != 0)
        FAILED_BY("violation: %s", model_violation_text(0));
}

static inline void make(const struct step *step)
{
    if (step->kind != ACCESS) {
        make_call(step);
        return;
    }
    world.then = world.now;
    judge_tables(step->device, step->page);
    judge_page(step->device, step->page, "at rest");
}

#endif
