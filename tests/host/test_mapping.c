/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Core's map and unmap: all units of a domain, what a refusal leaves, and the plain way beside the
 * long one. */
#include "drivers/iommu/core/state.h"
#include "tests/host/domain_fixture.h"

#include "drivers/iommu/core/mapping.h"

/* ---- Two units ---- */

static bool passes(unit_t *unit, uint64_t address)
{
    uint8_t byte = 0x5A;

    return unit_dma(unit, unit == &on.unit ? first_id : second_id, address, true, &byte, 1) ==
           MODEL_DMA_ALLOWED;
}

/* One domain, a device behind each unit. */
static iommu_ref_t start_behind_two(void)
{
    struct options options = OPTIONS_DEFAULT;

    options.plan.two_units = true;
    start(&options);
    assert_int_equal(on.iommu.unit_count, 2);
    assert_true(on.iommu.units[0].base == on.second.config.base);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain);
    (void)attached(SECOND, domain);
    return domain;
}

static enum iommu_status unmap_plain(iommu_ref_t domain, uint64_t address, uint64_t length)
{
    return iommu_unmap_plain(&on.iommu, OWNER_ONE, domain, address, length);
}

static void every_unit_of_a_domain_forgets(void **state)
{
    (void)state;
    for (unsigned plain = 0; plain < 2; plain++) {
        iommu_ref_t domain = start_behind_two();
        uint64_t memory = own_pages(OWNER_ONE, 2);

        assert_int_equal(map_at(domain, AT, memory, 2 * PAGE), IOMMU_OK);
        for (unsigned i = 0; i < 2; i++) {
            uint64_t at = AT + i * PAGE; /* the last takes its table along */

            assert_true(passes(&on.unit, at) && passes(&on.second, at));
            assert_int_equal(plain ? unmap_plain(domain, at, PAGE) : unmap_at(domain, at, PAGE),
                             IOMMU_OK);
            assert_false(passes(&on.unit, at) || passes(&on.second, at));
        }
        no_violation();
    }
}

/* Whichever unit stalls or stops at an error, the other one is told, and is not blamed. */
static void a_stalled_unit_keeps_no_other_from_forgetting(void **state)
{
    unit_t *const models[] = {&on.second, &on.unit};
    void (*const stall[])(unit_t *) = {unit_stall, unit_fail};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        unsigned stalled = i % 2;
        iommu_ref_t domain = start_behind_two();
        uint64_t memory = own_pages(OWNER_ONE, 1);

        assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
        assert_true(passes(&on.unit, AT) && passes(&on.second, AT));
        stall[i / 2](models[stalled]);
        assert_int_equal(unmap_at(domain, AT, PAGE), IOMMU_FAILED);
        assert_false(passes(models[!stalled], AT));
        assert_int_equal(on.iommu.units[stalled].state, UNIT_POISONED);
        assert_int_equal(on.iommu.units[!stalled].state, UNIT_ACTIVE);
        assert_int_equal(map_at(domain, 2 * AT, memory, PAGE), IOMMU_FAILED);
    }
}

/* Whoever has many refusals does not keep those of others from being seen. */
/* Its registers read all ones: that is neither an answer nor a fault. */
static void a_unit_that_is_gone_gives_no_access(void **state)
{
    struct iommu_fault fault;

    (void)state;
    for (unsigned mapped = 0; mapped < 2; mapped++) {
        start(&OPTIONS_DEFAULT);
        uint64_t memory = own_pages(OWNER_ONE, 1);
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
        assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
        unit_vanish(&on.unit);
        if (!mapped)
            assert_int_equal(unmap_at(domain, AT, PAGE), IOMMU_FAILED);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_FAILED);
        assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
        assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 0);
        assert_true(unit_blocks(&on.unit, first_id));
        assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
        no_violation();
    }
}

static void units_take_turns_at_their_faults(void **state)
{
    struct iommu_fault fault;
    uint64_t before = 0;

    (void)state;
    (void)start_behind_two();
    for (unsigned round = 0; round < 6; round++) {
        assert_false(passes(&on.unit, AT) || passes(&on.second, AT));
        assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
        assert_true(fault.unit_base != before);
        before = fault.unit_base;
    }
    no_violation();
}

/* ---- What stays ---- */

/* A region is of the groups that demand it: when the last of them leaves, no other device of the
 * domain has it any more, cached or not. */
static void a_region_leaves_with_its_group(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    iommu_ref_t one = attached(FIRST, domain);
    (void)attached(SECOND, domain);
    assert_true(reaches(first_id, REGION_BASE, true) && reaches(second_id, REGION_BASE, true));
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    assert_true(reaches(first_id, REGION_BASE, true));
    assert_false(reaches(second_id, REGION_BASE, true));
    no_violation();
}

/* What a unit has cached of one domain serves no other. */
static void domains_share_no_translation(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t one = make(IOMMU_TRANSLATE, 0), other = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, one);
    (void)attached(SECOND, other);
    assert_int_equal(map_at(one, AT, own_pages(OWNER_ONE, 1), PAGE), IOMMU_OK);
    assert_true(reaches(first_id, AT, true));
    assert_false(reaches(second_id, AT, true));
    no_violation();
}

#define BLOCK (UINT64_C(1) << 21)

static void look_at_block(void *memory, uint64_t physical, uint64_t value)
{
    uint64_t reached;

    (void)physical;
    (void)value;
    if (unit_translate(&on.unit, first_id, BLOCK, true, &reached) == MODEL_DMA_ALLOWED)
        assert_true(reached == *(const uint64_t *)memory);
}

/* The page of a table that went still holds what it held when a table is made of it that will be
 * full. */
static void a_new_table_shows_nothing_old(void **state)
{
    uint64_t memory;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain);
    memory = own_pages(OWNER_ONE, BLOCK / PAGE + 2) + PAGE; /* no superpage */
    assert_int_equal(map_at(domain, BLOCK, memory, BLOCK), IOMMU_OK);
    assert_int_equal(unmap_at(domain, BLOCK, BLOCK), IOMMU_OK);
    memory += PAGE;
    model_on_store(look_at_block, &memory);
    assert_int_equal(map_at(domain, BLOCK, memory, BLOCK), IOMMU_OK);
    model_on_store(NULL, NULL);
    assert_true(reaches(first_id, BLOCK, true));
    look_at_block(&memory, 0, 0);
    no_violation();
}

static enum iommu_status map_anywhere(iommu_ref_t domain, uint64_t physical, uint64_t length,
                                      uint64_t *address)
{
    const struct iommu_place place = IOMMU_ANYWHERE;
    const struct iommu_memory memory = {.physical = physical, .length = length};

    return iommu_map(&on.iommu, OWNER_ONE, domain, &place, &memory, PT_READ_WRITE, address);
}

static void a_refused_map_gives_its_address_back(void **state)
{
    enum { WIDTH = 16, REFUSALS = 100000 };
    uint64_t address = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, WIDTH);
    uint64_t memory = own_pages(OWNER_ONE, 1), foreign = own_pages(OWNER_TWO, 1);
    /* From here on the allocator has what it needs. */
    assert_int_equal(map_anywhere(domain, memory, PAGE, &address), IOMMU_OK);
    assert_int_equal(unmap_at(domain, address, PAGE), IOMMU_OK);
    address = 77;
    size_t free = drain_pool();
    for (unsigned i = 0; i < REFUSALS; i++) {
        bool poor = i % 2;

        if (poor)
            model_fail_allocation(1);
        assert_int_equal(map_anywhere(domain, poor ? memory : foreign, PAGE, &address),
                         poor ? IOMMU_NO_MEMORY : IOMMU_NOT_OWNED);
    }
    assert_int_equal(address, 77);
    put_back(free);
    for (unsigned i = 1; i < 1u << (WIDTH - PT_PAGE_SHIFT); i++)
        assert_int_equal(map_anywhere(domain, memory, PAGE, &address), IOMMU_OK);
    assert_int_equal(map_anywhere(domain, memory, PAGE, &address), IOMMU_NO_SPACE);
    no_violation();
}

/* The block that was taken is forgotten as one, though it is larger than the range. */
static void an_allocated_range_is_one_command(void **state)
{
    uint64_t address = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 32);
    (void)attached(FIRST, domain);
    uint64_t memory = own_pages(OWNER_ONE, 300);
    for (unsigned pages = 1; pages <= 300; pages++) {
        assert_int_equal(map_anywhere(domain, memory, pages * PAGE, &address), IOMMU_OK);
        assert_true(reaches(first_id, address + (pages - 1) * PAGE, true));
        (void)unit_take_told(&on.unit);
        assert_int_equal(unmap_at(domain, address, pages * PAGE), IOMMU_OK);
        struct unit_told told = unit_take_told(&on.unit);
        assert_int_equal(told.ranges, 1);
        assert_int_equal(told.others, 0);
        assert_int_equal(told.waits, 1);
        assert_false(reaches(first_id, address, true));
        assert_false(reaches(first_id, address + (pages - 1) * PAGE, true));
    }
    no_violation();
}

/* Frames for book-keeping that was of use and no longer is. */
static void a_demanded_region_is_no_allocators(void **state)
{
    const struct iommu_place place = {NULL, REGION_BASE, REGION_BASE + PAGE - 1};
    struct options options = OPTIONS_DEFAULT;
    uint64_t out = 0;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    const struct iommu_memory page = {.physical = own_pages(OWNER_ONE, 1), .length = PAGE};
    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, make(IOMMU_TRANSLATE, 32), &place, &page,
                               PT_READ_WRITE, &out),
                     IOMMU_NO_SPACE);
}

static void a_domain_at_rest_keeps_no_spare_memory(void **state)
{
    uint64_t used[12];
    size_t frames = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 32);
    uint64_t page = own_pages(OWNER_ONE, 1);
    for (unsigned round = 0; round < 3; round++) {
        iommu_ref_t one = round ? iommu_device_of(&on.iommu, OWNER_ONE, FIRST) : device(FIRST);

        assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_OK);
        for (unsigned i = 0; round && i < 12; i++) {
            const uint64_t at = (i + 1) * AT;
            const struct iommu_place place = {NULL, at, at + PAGE - 1};
            const struct iommu_memory source = {.physical = page, .length = PAGE};

            assert_int_equal(
                iommu_map(&on.iommu, OWNER_ONE, domain, &place, &source, PT_READ_WRITE, &used[i]),
                IOMMU_OK);
        }
        for (unsigned i = 0; round && i < 12; i++)
            assert_int_equal(unmap_at(domain, used[i], PAGE), IOMMU_OK);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
        if (!round)
            frames = model_frames_owned(OWNER_IOMMU);
        assert_int_equal(model_frames_owned(OWNER_IOMMU), frames);
    }
    no_violation();
}

/* No number is cut to the bits that an address has. */
static void frame_numbers_are_whole(void **state)
{
    iommu_ref_t token = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    uint64_t memory = own_pages(OWNER_ONE, 4), frame = memory >> PT_PAGE_SHIFT;
    const uint64_t at = AT;
    const struct iommu_place place = {&at, 0, UINT64_MAX};
    uint64_t out = 77;
    assert_int_equal(reserve_at(domain, 2 * AT, 4 * PAGE, &token), IOMMU_OK);
    for (unsigned bit = 52; bit < 64; bit++) {
        const uint64_t high = UINT64_C(1) << bit;
        const uint64_t lists[][2] = {{high + frame, high + frame + 1},
                                     {frame, high + frame + 1},
                                     {high + frame, frame + 1},
                                     {high - 1, high}};

        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
            const struct iommu_memory list = {.frames = lists[i], .length = 2 * PAGE};

            assert_int_equal(
                iommu_map(&on.iommu, OWNER_ONE, domain, &place, &list, PT_READ_WRITE, &out),
                IOMMU_NOT_OWNED);
            assert_int_equal(
                iommu_map_reserved(&on.iommu, OWNER_ONE, token, 0, &list, PT_READ_WRITE),
                IOMMU_NOT_OWNED);
            assert_int_not_equal(
                iommu_map_identity(&on.iommu, OWNER_ONE, domain, &list, PT_READ_WRITE), IOMMU_OK);
        }
    }
    assert_false(pt_reaches(&on.iommu.domains[0].table, 0, UINT64_MAX));
    assert_int_equal(out, 77);
    no_violation();
}

/* ---- Attaches that fail ---- */

/* The unit stalls when it is told to wait for the last of the device's requesters. */
static void stall_at_the_last(void *context, uint64_t physical, uint64_t value)
{
    unsigned *waits = context;

    if (unit_is_wait(&on.unit, physical, value) && --*waits == 0)
        unit_stall(&on.unit);
}

static void a_failed_attach_leaves_no_alias(void **state)
{
    unsigned waits = 2;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(BEHIND_A);
    model_on_store(stall_at_the_last, &waits);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_FAILED);
    assert_int_equal(waits, 0);
    assert_true(unit_blocks(&on.unit, BRIDGE_ID));
    assert_true(unit_blocks(&on.unit, on.pci.functions[BEHIND_A].bdf));
    no_violation();
}

static void a_failed_attach_leaves_no_region(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(FIRST);
    const struct pt *table = &on.iommu.domains[iommu_ref_index(domain)].table;
    unit_stall(&on.unit);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_FAILED);
    assert_false(pt_reaches(table, 0, UINT64_MAX));
    no_violation();
}

/* ---- The plain way ---- */

/* What is kept in the one domain, in pages, inclusive: the window, the region that is demanded, the
 * domain's own, then tokens. */
#define LAST_PAGE  ((UINT64_C(1) << 36) - 1)
#define OWN_FIRST  (UINT64_C(1) << 35)
#define TOKENS     6
#define KEPT_FIXED (5 + UNIT_SPECIALS)

static struct {
    uint64_t first, last;
    iommu_ref_t token;
} kept[KEPT_FIXED + TOKENS];
static unsigned kept_count;

static void keep(uint64_t first, uint64_t last, iommu_ref_t token)
{
    kept[kept_count].first = first;
    kept[kept_count].last = last;
    kept[kept_count++].token = token;
}

/* Pages of no one's around a page, inclusive; false: it is kept itself. */
static bool gap_around(uint64_t page, uint64_t *first, uint64_t *last)
{
    *first = 0;
    *last = LAST_PAGE;
    for (unsigned i = 0; i < kept_count; i++) {
        if (page >= kept[i].first && page <= kept[i].last)
            return false;
        if (kept[i].last < page && kept[i].last >= *first)
            *first = kept[i].last + 1;
        if (kept[i].first > page && kept[i].first <= *last)
            *last = kept[i].first - 1;
    }
    return page <= LAST_PAGE;
}

static bool is_nobodys(uint64_t first, uint64_t pages)
{
    uint64_t from, to;

    return gap_around(first, &from, &to) && first + pages - 1 <= to;
}

static iommu_ref_t start_with_gaps(void)
{
    static const struct iommu_reserved own[] = {
        {OWN_FIRST << 12, ((OWN_FIRST + 4) << 12) - 1, false},
        {(OWN_FIRST + 9) << 12, ((OWN_FIRST + 10) << 12) - 1, false},
        {(LAST_PAGE - 20) << 12, ((LAST_PAGE - 18) << 12) - 1, false}};
    const struct iommu_domain_config config = {
        .type = IOMMU_TRANSLATE, .reserved = own, .reserved_count = 3};
    struct options options = OPTIONS_DEFAULT;
    iommu_ref_t domain = 0;

    options.plan.region = REGION_BASE;
    start(&options);
    assert_int_equal(iommu_create_domain(&on.iommu, OWNER_ONE, &config, &domain), IOMMU_OK);
    kept_count = 0;
    keep(0xFEE00, 0xFEEFF, 0);
    keep(REGION_BASE >> 12, (REGION_BASE + REGION_SIZE - 1) >> 12, 0);
    for (unsigned i = 0; i < 3; i++)
        keep(own[i].first >> 12, own[i].last >> 12, 0);
    assert_int_equal(on.iommu.special_count, UNIT_SPECIALS);
    for (unsigned i = 0; i < on.iommu.special_count; i++)
        keep(on.iommu.regions[i].first >> 12, on.iommu.regions[i].last >> 12, 0);
    return domain;
}

/* Close to what is kept, and to both ends of the addresses. */
static uint64_t draw_page(void)
{
    const uint64_t spots[] = {0,         0xFEE00,   0xFEF00,       REGION_BASE >> 12,
                              OWN_FIRST, OWN_FIRST, LAST_PAGE - 8, LAST_PAGE - 20};
    uint64_t page = spots[rand() % 8] + (uint64_t)(rand() % 24) - 8;

    return page <= LAST_PAGE ? page : 0;
}

static void change_tokens(iommu_ref_t domain)
{
    unsigned at = KEPT_FIXED + (unsigned)rand() % TOKENS;
    uint64_t page = draw_page(), pages = 1 + (uint64_t)rand() % 3;
    iommu_ref_t token = 0;

    if (at < kept_count) {
        assert_int_equal(free_token(kept[at].token), IOMMU_OK);
        kept[at] = kept[--kept_count];
    } else if (reserve_at(domain, page << 12, pages << 12, &token) == IOMMU_OK) {
        assert_true(is_nobodys(page, pages));
        keep(page, page + pages - 1, token);
    } else {
        assert_false(is_nobodys(page, pages));
    }
}

static enum iommu_status map_plain(iommu_ref_t domain, uint64_t page, uint64_t memory,
                                   uint64_t pages)
{
    return iommu_map_plain(&on.iommu, OWNER_ONE, domain, page << 12, memory, pages << 12,
                           PT_READ_WRITE);
}

/* The plain way takes nothing that the long one refuses, and once that has been in a gap all of the
 * gap, from its first page to its last. */
static void try_range(iommu_ref_t domain, uint64_t memory, uint64_t page, uint64_t pages)
{
    bool is_free = is_nobodys(page, pages);
    uint64_t first, last;

    if (map_plain(domain, page, memory, pages) == IOMMU_OK) {
        assert_true(is_free);
        assert_int_equal(unmap_plain(domain, page << 12, pages << 12), IOMMU_OK);
    }
    assert_int_equal(map_at(domain, page << 12, memory, pages << 12) == IOMMU_OK, is_free);
    if (!is_free)
        return;
    assert_int_equal(unmap_plain(domain, page << 12, pages << 12), IOMMU_OK);
    assert_true(gap_around(page, &first, &last));
    const uint64_t ends[] = {first, last};
    if (kept_count > KEPT_FIXED) {
        /* A token's own mappings do not make the domain forget the gap. */
        assert_int_equal(map_in(kept[KEPT_FIXED].token, 0, memory, PAGE), IOMMU_OK);
        assert_int_equal(unmap_in(kept[KEPT_FIXED].token, 0, PAGE), IOMMU_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(map_plain(domain, ends[i], memory, 1), IOMMU_OK);
        assert_int_equal(unmap_plain(domain, ends[i] << 12, PAGE), IOMMU_OK);
    }
    assert_int_not_equal(map_plain(domain, last, memory, 2), IOMMU_OK);
    if (first)
        assert_int_not_equal(map_plain(domain, first - 1, memory, 2), IOMMU_OK);
}

/* No table is unlinked here: the failed wait alone ends the plain way. */
static void a_failed_domain_takes_nothing_by_the_plain_way(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    (void)ecam_endpoint(PCI_BUS(FIRST_ID), PCI_DEVICE(FIRST_ID), 0);
    assert_true(mmio_map(ECAM_BASE + (FIRST_ID << 12), 4096, &on.pci.functions[FIRST].config));
    PIOMMU_DMA_DOMAIN domain = new_domain();
    uint64_t memory = own_pages(OWNER_ONE, 2);

    assert_int_equal(on.api.AttachDeviceEx(domain, new_device(FIRST)), STATUS_SUCCESS);
    assert_int_equal(map_range(domain, AT, memory, 2 * PAGE, READ_WRITE), STATUS_SUCCESS);
    assert_true(pci_bus_master(&on.pci.functions[FIRST]));
    unit_stall(&on.unit);
    assert_int_equal(unmap_range(domain, AT, PAGE), STATUS_IO_DEVICE_ERROR);
    assert_false(pci_bus_master(&on.pci.functions[FIRST]));
    assert_int_equal(map_range(domain, AT + 2 * PAGE, memory, PAGE, READ_WRITE),
                     STATUS_IO_DEVICE_ERROR);
    assert_int_equal(unit_translate(&on.unit, first_id, AT + 2 * PAGE, true, NULL),
                     MODEL_DMA_REFUSED);
    no_violation();
}

/* Nothing is mapped the short way where the long one has more to say. */
static void only_plain_domains_go_the_plain_way(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    iommu_ref_t domains[4];

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    domains[0] = make(IOMMU_TRANSLATE, 32);
    domains[1] = make(IOMMU_PASS_THROUGH, 0);
    domains[2] = make(IOMMU_UNMANAGED, 0);
    domains[3] = make(IOMMU_TRANSLATE, 0);
    assert_int_equal(map_at(domains[3], AT, memory, PAGE), IOMMU_OK);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t at = i < 3 ? AT + PAGE : REGION_BASE;

        assert_int_equal(
            iommu_map_plain(&on.iommu, OWNER_ONE, domains[i], at, memory, PAGE, PT_READ),
            IOMMU_BAD_RANGE);
    }
    assert_int_equal(
        iommu_map_plain(&on.iommu, OWNER_ONE, domains[3], AT + PAGE, memory, PAGE, PT_READ),
        IOMMU_OK);
    iommu_poison_domain(iommu_domain_slot(&on.iommu, domains[3]));
    assert_int_equal(
        iommu_map_plain(&on.iommu, OWNER_ONE, domains[3], AT + 2 * PAGE, memory, PAGE, PT_READ),
        IOMMU_BAD_RANGE);
}

static void what_a_table_refuses_core_refuses(void **state)
{
    static const enum iommu_status expected[] = {
        [PT_OK] = IOMMU_OK,
        [PT_NO_MEMORY] = IOMMU_NO_MEMORY,
        [PT_LIVE] = IOMMU_OVERLAP,
        [PT_NOT_LIVE] = IOMMU_NOT_MAPPED,
        [PT_NOT_ENCODABLE] = IOMMU_BAD_ACCESS,
        [PT_BAD_RANGE] = IOMMU_BAD_RANGE,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(iommu_from_paging((enum pt_status)i), expected[i]);
}

/* Of a list, though the first page already stands in the way, or needs memory that is not there. */
static void what_is_not_owned_is_said_first(void **state)
{
    const uint64_t at = AT;
    const struct iommu_place place = {&at, 0, UINT64_MAX};
    uint64_t frames[2], out = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    const struct iommu_memory list = {.frames = frames, .length = 2 * PAGE};
    frames[0] = own_pages(OWNER_ONE, 1) >> 12;
    frames[1] = own_pages(OWNER_TWO, 1) >> 12;
    for (unsigned live = 0; live < 2; live++) {
        size_t free = live ? 0 : drain_pool();

        if (live)
            assert_int_equal(map_at(domain, AT, frames[0] << 12, PAGE), IOMMU_OK);
        else
            model_fail_allocation(1);
        assert_int_equal(
            iommu_map(&on.iommu, OWNER_ONE, domain, &place, &list, PT_READ_WRITE, &out),
            IOMMU_NOT_OWNED);
        put_back(free);
        model_fail_allocation(0);
    }
}

/* Longer than what is copied to the stack. */
static void the_copy_of_a_list_goes_again(void **state)
{
    uint64_t frames[65];
    size_t owned = 0;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    uint64_t memory = own_pages(OWNER_ONE, 65) >> 12;
    const struct iommu_memory list = {.frames = frames, .length = sizeof frames / 8 * PAGE};
    for (unsigned i = 0; i < 65; i++)
        frames[i] = memory + i;
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(iommu_map_identity(&on.iommu, OWNER_ONE, domain, &list, PT_READ_WRITE),
                         IOMMU_OK);
        assert_int_equal(iommu_unmap_identity(&on.iommu, OWNER_ONE, domain, &list), IOMMU_OK);
        if (round)
            assert_int_equal(model_frames_owned(OWNER_IOMMU), owned);
        owned = model_frames_owned(OWNER_IOMMU);
    }
    model_fail_allocation(1);
    assert_int_equal(iommu_map_identity(&on.iommu, OWNER_ONE, domain, &list, PT_READ_WRITE),
                     IOMMU_NO_MEMORY);
    frames[64] = own_pages(OWNER_TWO, 1) >> 12;
    model_fail_allocation(1);
    assert_int_equal(iommu_map_identity(&on.iommu, OWNER_ONE, domain, &list, PT_READ_WRITE),
                     IOMMU_NOT_OWNED);
    assert_int_equal(model_frames_owned(OWNER_IOMMU), owned);
}

static void the_plain_way_is_the_long_one_made_short(void **state)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : 20261121;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (unsigned round = 0; round < 8; round++) {
        iommu_ref_t domain = start_with_gaps();
        uint64_t memory = own_pages(OWNER_ONE, 4);

        /* Not FIRST: the region is kept where it is not mapped. */
        (void)attached(SECOND, domain);
        for (unsigned step = 0; step < 800; step++) {
            if (rand() % 4 == 0)
                change_tokens(domain);
            try_range(domain, memory, draw_page(), 1 + (uint64_t)rand() % 4);
        }
        assert_false(pt_reaches(&on.iommu.domains[0].table, memory, memory + 4 * PAGE - 1));
        no_violation();
    }
}

static void one_function_behind_no_unit_is_enough(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < on.pci.count || i == 0; i++) {
        start(&OPTIONS_DEFAULT);
        assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
        on.iommu.endpoints[i].unit = PCI_NONE;
        if (!iommu_guards(&on.iommu, i))
            assert_int_equal(iommu_state(&on.iommu), IOMMU_PARTIAL);
    }
}

/* Blocks of more than one size at once; what lies beside them stays as it is. */
static void odd_ranges_are_forgotten(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < sizeof unit_kinds / sizeof *unit_kinds; kind++) {
        struct options options = {.unit = unit_kinds[kind]};

        start(&options);
        uint64_t memory = own_pages(OWNER_ONE, 8);
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
        (void)attached(FIRST, domain);
        assert_int_equal(map_at(domain, AT + PAGE, memory + PAGE, 7 * PAGE), IOMMU_OK);
        assert_true(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
        for (unsigned page = 1; page < 8; page++)
            assert_true(reaches(first_id, AT + page * PAGE, true));
        assert_int_equal(unmap_at(domain, AT + 3 * PAGE, 5 * PAGE), IOMMU_OK);
        for (unsigned page = 1; page < 8; page++)
            assert_int_equal(reaches(first_id, AT + page * PAGE, true), page < 3);
        assert_int_equal(unmap_at(domain, 0 - PAGE, PAGE), IOMMU_NOT_MAPPED);
        no_violation();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_function_behind_no_unit_is_enough),
        cmocka_unit_test(odd_ranges_are_forgotten),
        cmocka_unit_test(every_unit_of_a_domain_forgets),
        cmocka_unit_test(a_stalled_unit_keeps_no_other_from_forgetting),
        cmocka_unit_test(a_unit_that_is_gone_gives_no_access),
        cmocka_unit_test(units_take_turns_at_their_faults),
        cmocka_unit_test(a_region_leaves_with_its_group),
        cmocka_unit_test(domains_share_no_translation),
        cmocka_unit_test(a_new_table_shows_nothing_old),
        cmocka_unit_test(a_refused_map_gives_its_address_back),
        cmocka_unit_test(an_allocated_range_is_one_command),
        cmocka_unit_test(a_demanded_region_is_no_allocators),
        cmocka_unit_test(a_domain_at_rest_keeps_no_spare_memory),
        cmocka_unit_test(frame_numbers_are_whole),
        cmocka_unit_test(a_failed_attach_leaves_no_alias),
        cmocka_unit_test(a_failed_attach_leaves_no_region),
        cmocka_unit_test(a_failed_domain_takes_nothing_by_the_plain_way),
        cmocka_unit_test(only_plain_domains_go_the_plain_way),
        cmocka_unit_test(what_a_table_refuses_core_refuses),
        cmocka_unit_test(what_is_not_owned_is_said_first),
        cmocka_unit_test(the_copy_of_a_list_goes_again),
        cmocka_unit_test(the_plain_way_is_the_long_one_made_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
