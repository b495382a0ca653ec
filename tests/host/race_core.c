/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Two contexts at once in core, paging and the unit's driver. */
#include "drivers/iommu/wdm/handles.h"
#include "tests/host/race_fixture.h"

static pthread_barrier_t barrier;

/* Two devices; in one domain, or each in its own. */
static void set_up_domains(bool shared, unsigned width, bool flush_on_map)
{
    static const pci_bdf_t ids[] = {PCI_BDF(0, 2, 0), PCI_BDF(0, 3, 0)};
    struct options options = OPTIONS_DEFAULT;

    unit_set_caching(&options.unit, flush_on_map);
    start(&options);
    for (unsigned i = 0; i < CONTEXTS; i++) {
        contexts[i].domain = i && shared ? contexts[0].domain : make(IOMMU_TRANSLATE, width);
        contexts[i].device = attached((uint16_t)(FIRST + i), contexts[i].domain);
        contexts[i].id = ids[i];
        contexts[i].memory = own_pages(OWNER_ONE, AREA);
    }
}

static void nothing_is_left(void)
{
    assert_true(iommu_reclaim(&on.iommu, OWNER_ONE));
    assert_int_equal(tables_in_use(), 0);
    assert_int_equal(on.iommu.pool.reserved, 0);
    for (unsigned i = 0; i < IOMMU_TOKENS_MAX; i++)
        assert_false(on.iommu.tokens[i].used);
    no_violation();
}

/* Each has its own pages, in tables that both use. */
static uint64_t own_place(const struct context *self, unsigned page)
{
    return AT + (page * CONTEXTS + self->number) * PAGE;
}

static void map_and_unmap(struct context *self)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t address = own_place(self, draw(self, 2 * AREA));
        uint64_t page = self->memory + draw(self, AREA) * PAGE;

        expect(self, map_at(self->domain, address, page, PAGE) == IOMMU_OK);
        expect(self, unit_lets(self, address));
        expect(self, map_at(self->domain, address, page, PAGE) == IOMMU_OVERLAP);
        expect(self, unmap_at(self->domain, address, PAGE) == IOMMU_OK);
        expect(self, !unit_lets(self, address));
        expect(self, unmap_at(self->domain, address, PAGE) == IOMMU_NOT_MAPPED);
    }
}

/* The same through the interface table, where the usual call has a way of its own. */
static NTSTATUS map_by_table(const struct context *self, uint64_t address, uint64_t physical)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};
    IOMMU_DMA_LOGICAL_ADDRESS wanted = address, out;

    source.ContiguousRange.Base.QuadPart = (LONGLONG)physical;
    source.ContiguousRange.Size = PAGE;
    return on.api.MapLogicalRangeEx(wdm_handle(self->domain), READ_WRITE, &source, &wanted, NULL,
                                    NULL, &out);
}

static NTSTATUS unmap_by_table(const struct context *self, uint64_t address)
{
    return on.api.UnmapLogicalRange(wdm_handle(self->domain), address, 1);
}

static void map_and_unmap_by_table(struct context *self)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t address = own_place(self, draw(self, 2 * AREA));
        uint64_t page = self->memory + draw(self, AREA) * PAGE;

        expect(self, map_by_table(self, address, page) == STATUS_SUCCESS);
        expect(self, unit_lets(self, address));
        expect(self, map_by_table(self, address, page) == STATUS_RESOURCE_IN_USE);
        expect(self, unmap_by_table(self, address) == STATUS_SUCCESS);
        expect(self, !unit_lets(self, address));
        expect(self, unmap_by_table(self, address) == STATUS_INVALID_PARAMETER_MIX);
    }
}

static void allocate_and_unmap(struct context *self)
{
    const struct iommu_place anywhere = IOMMU_ANYWHERE;

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct iommu_memory memory = {.physical = self->memory,
                                      .length = (1 + draw(self, AREA)) * PAGE};
        uint64_t address = 0;

        expect(self, iommu_map(&on.iommu, OWNER_ONE, self->domain, &anywhere, &memory,
                               PT_READ_WRITE, &address) == IOMMU_OK);
        expect(self, unit_lets(self, address + memory.length - 1));
        expect(self, unmap_at(self->domain, address, memory.length) == IOMMU_OK);
    }
}

static void reserve_and_free(struct context *self)
{
    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        uint64_t address = own_place(self, draw(self, AREA)) + draw(self, 2) * (PAGE << 18);
        iommu_ref_t token = 0;

        expect(self, reserve_at(self->domain, address, PAGE, &token) == IOMMU_OK);
        expect(self, map_in(token, 0, self->memory, PAGE) == IOMMU_OK);
        expect(self, unit_lets(self, address));
        expect(self, free_token(token) == IOMMU_IN_USE);
        expect(self, unmap_in(token, 0, PAGE) == IOMMU_OK);
        expect(self, !unit_lets(self, address));
        expect(self, free_token(token) == IOMMU_OK);
    }
}

static void identity(struct context *self)
{
    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        const uint64_t first = self->memory >> 12;
        const uint64_t list[] = {first + draw(self, 8), first + 16, first + 18};
        const struct iommu_memory memory = {.frames = list, .length = sizeof list / 8 * PAGE};

        expect(self, iommu_map_identity(&on.iommu, OWNER_ONE, self->domain, &memory,
                                        PT_READ_WRITE) == IOMMU_OK);
        expect(self, unit_lets(self, list[0] << 12));
        expect(self, iommu_unmap_identity(&on.iommu, OWNER_ONE, self->domain, &memory) == IOMMU_OK);
        expect(self, !unit_lets(self, list[0] << 12));
    }
}

static void maps_in_one_domain_and_in_two(void **state)
{
    static void (*const work[])(struct context * self) = {map_and_unmap_by_table, map_and_unmap,
                                                          reserve_and_free, identity};

    (void)state;
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned i = 0; i < 4; i++)
            for (unsigned j = 0; j <= i; j++) {
                set_up_domains(kind & 1, 0, kind & 2);
                run_both(work[i], work[j]);
                nothing_is_left();
            }
}

/* Pages apart from each other; the last is not the caller's. */
enum { APART = 16 };

static void list_apart(const struct context *self, uint64_t list[APART])
{
    for (unsigned i = 0; i < APART; i++)
        list[i] = (self->memory >> 12) + 2 * i;
    list[APART - 1] = unit_frame(&on.unit) >> 12;
}

static void fail_to_map_a_list(struct context *self)
{
    const struct iommu_place place = {&(uint64_t){AT}, 0, UINT64_MAX};
    uint64_t list[APART], out;
    const struct iommu_memory memory = {.frames = list, .length = APART * PAGE};

    list_apart(self, list);
    for (unsigned round = 0; round < ROUNDS; round++) {
        expect(self, iommu_map(&on.iommu, OWNER_ONE, self->domain, &place, &memory, PT_READ_WRITE,
                               &out) == IOMMU_NOT_OWNED);
        expect(self, iommu_map_identity(&on.iommu, OWNER_ONE, self->domain, &memory,
                                        PT_READ_WRITE) == IOMMU_NOT_OWNED);
    }
}

/* The other context never sees a part of the list. */
static void look_for_a_part(struct context *self)
{
    const struct context *other = &contexts[!self->number];

    for (unsigned round = 0; round < 4 * ROUNDS; round++) {
        uint64_t offset = draw(self, APART - 1) * PAGE;

        expect(self, unmap_at(self->domain, AT + offset, PAGE) == IOMMU_NOT_MAPPED);
        expect(self, unmap_by_table(self, AT + offset) == STATUS_INVALID_PARAMETER_MIX);
        expect(self, unmap_at(self->domain, other->memory + 2 * offset, PAGE) == IOMMU_NOT_MAPPED);
    }
}

static void a_list_that_fails_is_never_seen(void **state)
{
    (void)state;
    for (unsigned flush = 0; flush < 2; flush++) {
        set_up_domains(true, 0, flush);
        run_both(fail_to_map_a_list, look_for_a_part);
        assert_int_equal(tables_in_use(), 1);
        nothing_is_left();
    }
}

static void allocations_in_one_domain_and_in_two(void **state)
{
    (void)state;
    for (unsigned shared = 0; shared < 2; shared++) {
        set_up_domains(shared, 30, false);
        run_both(allocate_and_unmap, allocate_and_unmap);
        nothing_is_left();
    }
}

/* Who owns a frame is asked without a lock. This one was OWNER_ONE's, and then never again. */
static uint64_t old_page;

static void map_own_and_old(struct context *self)
{
    const struct iommu_memory own = {.physical = self->memory, .length = AREA * PAGE};
    const struct iommu_place place = {&(uint64_t){AT}, 0, UINT64_MAX};

    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        uint64_t out;

        expect(self, iommu_map(&on.iommu, OWNER_ONE, self->domain, &place, &own, PT_READ_WRITE,
                               &out) == IOMMU_OK);
        expect(self, unmap_at(self->domain, AT, own.length) == IOMMU_OK);
        expect(self, map_by_table(self, AT, old_page) == STATUS_ACCESS_DENIED);
        expect(self, map_at(self->domain, AT, old_page, 2 * PAGE) == IOMMU_NOT_OWNED);
    }
}

/* Blocks have one owner, then several, then one again. */
static void change_owners(struct context *self)
{
    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        void *page = memory_alloc(OWNER_ONE, 1, 0);
        uint8_t *block = memory_alloc(OWNER_TWO, FRAMES_BLOCK, 0);

        expect(self, page && memory_physical(block) == (old_page & ~(FRAMES_BLOCK * PAGE - 1)));
        expect(self, memory_free(OWNER_ONE, page, 1));
        for (unsigned i = 0; i < 4; i++)
            expect(self, memory_free(OWNER_TWO, block + (FRAMES_BLOCK - 1 - i) * PAGE, 1));
        expect(self, memory_free(OWNER_TWO, block, FRAMES_BLOCK - 4));
    }
}

static void owners_change_beside_maps(void **state)
{
    (void)state;
    set_up_domains(true, 0, false);
    uint8_t *block = memory_alloc(OWNER_ONE, FRAMES_BLOCK, 0);
    assert_non_null(block);
    old_page = memory_physical(block) + 8 * PAGE;
    assert_true(memory_free(OWNER_ONE, block, 1));
    assert_true(memory_free(OWNER_ONE, block + PAGE, FRAMES_BLOCK - 1));
    assert_int_equal(map_at(contexts[0].domain, AT, contexts[0].memory, PAGE), IOMMU_OK);
    assert_int_equal(unmap_at(contexts[0].domain, AT, PAGE), IOMMU_OK);
    run_both(map_own_and_old, change_owners);
    nothing_is_left();
}

/* Both do one thing at the same time, and the main context judges the pair. */
static iommu_ref_t contested;

static void together(struct context *self, enum iommu_status status)
{
    self->status = status;
    (void)pthread_barrier_wait(&barrier);
}

static void map_contested(struct context *self)
{
    (void)pthread_barrier_wait(&barrier);
    together(self, map_in(contested, 0, self->memory, PAGE));
}

static void free_contested(struct context *self)
{
    (void)pthread_barrier_wait(&barrier);
    together(self, free_token(contested));
}

static void map_same(struct context *self)
{
    (void)pthread_barrier_wait(&barrier);
    together(self, map_at(self->domain, AT, self->memory, 2 * PAGE));
}

static void unmap_same(struct context *self)
{
    (void)pthread_barrier_wait(&barrier);
    together(self, unmap_at(self->domain, AT, 2 * PAGE));
}

static void reserve_same(struct context *self)
{
    (void)pthread_barrier_wait(&barrier);
    together(self, reserve_at(self->domain, AT, 2 * PAGE, &contested));
}

static void delete_domain(struct context *self)
{
    (void)pthread_barrier_wait(&barrier);
    together(self, iommu_delete_domain(&on.iommu, OWNER_ONE, self->domain));
}

static bool one_wins(enum iommu_status loses)
{
    enum iommu_status a = contexts[0].status, b = contexts[1].status;

    return (a == IOMMU_OK && b == loses) || (a == loses && b == IOMMU_OK);
}

static void freeing_against_mapping(void **state)
{
    unsigned mapped = 0;

    (void)state;
    set_up_domains(true, 0, true);
    for (unsigned round = 0; round < ROUNDS; round++) {
        assert_int_equal(reserve_at(contexts[0].domain, AT, PAGE, &contested), IOMMU_OK);
        run_both(map_contested, free_contested);
        if (contexts[0].status == IOMMU_OK) {
            mapped++;
            assert_int_equal(contexts[1].status, IOMMU_IN_USE);
            assert_true(unit_lets(&contexts[0], AT));
            assert_int_equal(unmap_in(contested, 0, PAGE), IOMMU_OK);
            assert_int_equal(free_token(contested), IOMMU_OK);
        } else {
            assert_int_equal(contexts[1].status, IOMMU_OK);
            assert_true(contexts[0].status == IOMMU_DYING ||
                        contexts[0].status == IOMMU_BAD_HANDLE);
            assert_false(unit_lets(&contexts[0], AT));
        }
    }
    print_message("%u of %u maps came first\n", mapped, (unsigned)ROUNDS);
    nothing_is_left();
}

static void one_of_two_wins(void **state)
{
    (void)state;
    set_up_domains(true, 0, false);
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_both(map_same, map_same);
        assert_true(one_wins(IOMMU_OVERLAP));
        run_both(unmap_same, unmap_same);
        assert_true(one_wins(IOMMU_NOT_MAPPED));
        run_both(map_same, reserve_same);
        assert_true(one_wins(IOMMU_OVERLAP));
        if (contexts[0].status == IOMMU_OK)
            assert_int_equal(unmap_at(contexts[0].domain, AT, 2 * PAGE), IOMMU_OK);
        else
            assert_int_equal(free_token(contested), IOMMU_OK);
    }
    nothing_is_left();
}

static void deleting_against_mapping(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS / 8; round++) {
        set_up_domains(true, 0, false);
        for (unsigned i = 0; i < CONTEXTS; i++)
            assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, contexts[i].device), IOMMU_OK);
        run_both(round & 1 ? map_same : reserve_same, delete_domain);
        assert_true(contexts[0].status == IOMMU_OK || contexts[0].status == IOMMU_BAD_HANDLE);
        assert_true(contexts[1].status == IOMMU_OK || contexts[1].status == IOMMU_IN_USE);
        nothing_is_left();
    }
}

/* Members of one group, each attached and detached on its own; domains come and go meanwhile. */
static void attach_and_detach(struct context *self)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        const struct iommu_domain_config config = {.type = IOMMU_TRANSLATE, .width = 30};
        iommu_ref_t fresh = 0;

        expect(self, iommu_attach(&on.iommu, OWNER_ONE, self->domain, self->device) == IOMMU_OK);
        expect(self, unit_lets(self, AT));
        expect(self, iommu_create_domain(&on.iommu, OWNER_ONE, &config, &fresh) == IOMMU_OK);
        expect(self, iommu_is_attached(&on.iommu, OWNER_ONE, self->device, NULL));
        expect(self, iommu_detach(&on.iommu, OWNER_ONE, self->device) == IOMMU_OK);
        expect(self, iommu_delete_domain(&on.iommu, OWNER_ONE, fresh) == IOMMU_OK);
    }
}

static void attaching_in_one_group(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    assert_int_equal(map_at(domain, AT, own_pages(OWNER_ONE, 1), PAGE), IOMMU_OK);
    for (unsigned i = 0; i < CONTEXTS; i++) {
        contexts[i].domain = domain;
        contexts[i].device = device((uint16_t)(BEHIND_A + i));
        contexts[i].id = on.pci.functions[BEHIND_A + i].bdf;
    }
    run_both(attach_and_detach, attach_and_detach);
    assert_false(unit_lets(&contexts[0], AT) || unit_lets(&contexts[1], AT));
    nothing_is_left();
}

static void map_until_it_fails(struct context *self)
{
    enum iommu_status status = IOMMU_OK;

    for (unsigned round = 0; round < 1000 * ROUNDS && status == IOMMU_OK; round++) {
        uint64_t address = own_place(self, draw(self, AREA));

        if (self->number == 0 && round == ROUNDS / 4) {
            model_enter();
            unit_stall(&on.unit);
            model_leave();
        }
        status = map_at(self->domain, address, self->memory, PAGE);
        if (status == IOMMU_OK)
            status = unmap_at(self->domain, address, PAGE);
    }
    expect(self, status == IOMMU_FAILED);
}

static void both_meet_a_unit_that_fails(void **state)
{
    (void)state;
    for (unsigned shared = 0; shared < 2; shared++) {
        set_up_domains(shared, 0, false);
        run_both(map_until_it_fails, map_until_it_fails);
        assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
        assert_false(iommu_reclaim(&on.iommu, OWNER_ONE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_in_one_domain_and_in_two),
        cmocka_unit_test(a_list_that_fails_is_never_seen),
        cmocka_unit_test(owners_change_beside_maps),
        cmocka_unit_test(allocations_in_one_domain_and_in_two),
        cmocka_unit_test(freeing_against_mapping),
        cmocka_unit_test(one_of_two_wins),
        cmocka_unit_test(deleting_against_mapping),
        cmocka_unit_test(attaching_in_one_group),
        cmocka_unit_test(both_meet_a_unit_that_fails),
    };

    (void)pthread_barrier_init(&barrier, NULL, CONTEXTS);
    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
