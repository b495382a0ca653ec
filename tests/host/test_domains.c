/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Domain types, the guard, a caller's reserved regions, lookups, fault kinds, the end of an owner:
 * core on the modelled unit, judged by what the unit lets through. */
#include "tests/host/domain_fixture.h"

static struct {
    unsigned faults, guards, ended;
    struct iommu_fault fault;
    owner_t owner;
} told;

static void on_fault(struct iommu *iommu, const struct iommu_fault *fault)
{
    (void)iommu;
    told.faults++;
    told.fault = *fault;
}

static void on_guard(struct iommu *iommu)
{
    (void)iommu;
    told.guards++;
}

static void on_end(struct iommu *iommu, owner_t owner)
{
    (void)iommu;
    told.ended++;
    told.owner = owner;
}

static void listen(void)
{
    static const struct iommu_events events = {on_fault, on_guard, on_end};

    memset(&told, 0, sizeof told);
    on.iommu.events = &events;
}

static void start_allowed(const struct options *options)
{
    start(options);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
}

static void pass_through_reaches_memory_until_detach(void **state)
{
    (void)state;
    for (unsigned with_region = 0; with_region < 2; with_region++) {
        struct options options = OPTIONS_DEFAULT;
        options.plan.region = with_region ? REGION_BASE : 0;
        start_allowed(&options);
        uint64_t memory = own_pages(OWNER_ONE, 1);
        size_t tables = tables_in_use();
        iommu_ref_t domain = make(IOMMU_PASS_THROUGH, 0);

        assert_int_equal(tables_in_use(), tables);
        assert_false(reaches(first_id, memory, true));
        iommu_ref_t one = attached(FIRST, domain), two = attached(SECOND, domain);
        assert_true(reaches(first_id, memory, true) && reaches(first_id, memory, false));
        assert_true(reaches(second_id, memory, true));
        assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_IN_USE);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
        assert_false(reaches(first_id, memory, true));
        assert_true(reaches(second_id, memory, true));
        assert_int_equal(reaches(first_id, REGION_BASE, true), with_region);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, two), IOMMU_OK);
        assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_OK);
        /* The id goes to a domain with tables: nothing of the old one is left. */
        domain = make(IOMMU_TRANSLATE, 0);
        assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_OK);
        assert_false(reaches(first_id, memory, true));
        no_violation();
    }
}

/* A slot is used again, the handle that named it is not. */
static void handles_name_nothing_that_came_later(void **state)
{
    iommu_ref_t token, next;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(FIRST);
    assert_int_equal(iommu_delete_device(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    assert_int_not_equal(device(FIRST), one);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_OK);
    iommu_ref_t later = make(IOMMU_TRANSLATE, 0);
    assert_int_equal(iommu_ref_index(later), iommu_ref_index(domain));
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_BAD_HANDLE);
    assert_int_equal(reserve_at(later, AT, PAGE, &token), IOMMU_OK);
    assert_int_equal(free_token(token), IOMMU_OK);
    on.iommu.token_fresh = IOMMU_TOKENS_MAX; /* so that it comes round at once */
    assert_int_equal(reserve_at(later, AT, PAGE, &next), IOMMU_OK);
    assert_int_equal(iommu_ref_index(next), iommu_ref_index(token));
    assert_int_equal(free_token(token), IOMMU_BAD_HANDLE);
}

static void pass_through_has_no_mappings(void **state)
{
    iommu_ref_t token = 0;

    (void)state;
    start_allowed(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    const iommu_ref_t refs[] = {make(IOMMU_PASS_THROUGH, 0), make(IOMMU_UNMANAGED, 0)};

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(map_at(refs[i], AT, memory, PAGE), IOMMU_BAD_TYPE);
        assert_int_equal(unmap_at(refs[i], AT, PAGE), IOMMU_BAD_TYPE);
        assert_int_equal(reserve_at(refs[i], AT, PAGE, &token), IOMMU_BAD_TYPE);
    }
    assert_int_equal(token, 0);
    no_violation();
}

static void a_failed_wait_ends_pass_through(void **state)
{
    (void)state;
    start_allowed(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    iommu_ref_t domain = make(IOMMU_PASS_THROUGH, 0), one = attached(FIRST, domain);
    iommu_ref_t two = device(SECOND);

    unit_stall(&on.unit);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, two), IOMMU_FAILED);
    assert_true(unit_blocks(&on.unit, second_id));
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_FAILED);
    assert_true(unit_blocks(&on.unit, first_id));
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
    assert_int_equal(try_make(IOMMU_PASS_THROUGH), IOMMU_NOT_COVERED);
}

static void the_guard_decides(void **state)
{
    const unsigned others = 1u << IOMMU_TRANSLATE | 1u << IOMMU_UNMANAGED;
    const unsigned all = others | 1u << IOMMU_PASS_THROUGH;

    (void)state;
    start(&OPTIONS_DEFAULT);
    listen();
    uint64_t memory = own_pages(OWNER_ONE, 1);
    iommu_ref_t one = device(FIRST), two = device(SECOND);
    assert_int_equal(iommu_available_types(&on.iommu, OWNER_ONE, one), others);
    assert_int_equal(try_make(IOMMU_PASS_THROUGH), IOMMU_BARRED);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(told.guards, 0);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    assert_int_equal(told.guards, 1);
    assert_int_equal(iommu_available_types(&on.iommu, OWNER_ONE, one), all);
    assert_int_equal(iommu_available_types(&on.iommu, OWNER_TWO, one), 0);
    assert_int_equal(iommu_available_types(&on.iommu, OWNER_ONE, 0), 0);
    iommu_ref_t domain = make(IOMMU_PASS_THROUGH, 0);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_OK);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(told.guards, 2);
    assert_true(reaches(first_id, memory, true));
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_ATTACHED);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, two), IOMMU_BARRED);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_BARRED);
    assert_false(reaches(first_id, memory, true));
    no_violation();
}

static void units_without_pass_through_do_without(void **state)
{
    (void)state;
    start_allowed(&OPTIONS_DEFAULT);
    on.iommu.pass_through = false;
    assert_int_equal(iommu_available_types(&on.iommu, OWNER_ONE, device(FIRST)),
                     1u << IOMMU_TRANSLATE | 1u << IOMMU_UNMANAGED);
    assert_int_equal(try_make(IOMMU_PASS_THROUGH), IOMMU_INCOMPATIBLE);
    on.iommu.units[0].state = UNIT_POISONED;
    assert_int_equal(
        iommu_available_types(&on.iommu, OWNER_ONE, iommu_device_of(&on.iommu, OWNER_ONE, FIRST)),
        0);
}

static void unmanaged_domains_block_all(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    iommu_ref_t domain = make(IOMMU_UNMANAGED, 0), one = attached(FIRST, domain);

    assert_false(reaches(first_id, memory, true) || reaches(first_id, AT, false));
    assert_true(reaches(first_id, REGION_BASE, true));
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    no_violation();
}

static void unmanaged_domains_have_a_share_of_the_ids(void **state)
{
    static const struct {
        uint32_t ids;
        unsigned share;
    } kinds[] = {{65536, IOMMU_UNMANAGED_MAX}, {16, 7}};

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        start(&OPTIONS_DEFAULT);
        on.iommu.domain_ids = kinds[k].ids;
        iommu_ref_t last = 0;

        for (unsigned i = 0; i < kinds[k].share; i++)
            last = make(IOMMU_UNMANAGED, 0);
        assert_int_equal(try_make(IOMMU_UNMANAGED), IOMMU_NO_ID);
        (void)make(IOMMU_TRANSLATE, 0);
        assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, last), IOMMU_OK);
        assert_int_equal(try_make(IOMMU_UNMANAGED), IOMMU_OK);
        no_violation();
    }
}

static enum iommu_status make_with(const struct iommu_reserved *regions, unsigned count,
                                   unsigned width, iommu_ref_t *out)
{
    const struct iommu_domain_config config = {
        .width = width, .reserved = regions, .reserved_count = count};
    bool fits = iommu_regions_fit(&on.iommu, &config);
    enum iommu_status status = iommu_create_domain(&on.iommu, OWNER_ONE, &config, out);

    assert_int_equal(fits, status != IOMMU_BAD_REGION);
    return status;
}

static void regions_that_do_not_fit(void **state)
{
    static const struct iommu_reserved bad[] = {
        {AT + 1, AT + 0xFFF, false},
        {AT, AT + 0xFFE, false},
        {AT, AT - 1, false},
        {0, UINT64_MAX, false},
        {UINT64_MAX - 0xFFF, UINT64_MAX, false},
        {UINT64_C(1) << 48, (UINT64_C(1) << 48) + 0xFFF, false},
        {0xFEE00000, 0xFEE00FFF, false},
        {0xFEDFF000, 0xFEE00FFF, false},
        {REGION_BASE + 0x1000, REGION_BASE + 0x2FFF, true},
    };
    static const struct iommu_reserved twice[] = {{AT, AT + 0x1FFF, false},
                                                  {AT + 0x1000, AT + 0x2FFF, false}};
    struct iommu_reserved many[IOMMU_RESERVED_MAX + 1];
    struct options options = OPTIONS_DEFAULT;
    iommu_ref_t out = 77;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(make_with(&bad[i], 1, 0, &out), IOMMU_BAD_REGION);
    assert_int_equal(make_with(twice, 2, 0, &out), IOMMU_BAD_REGION);
    for (unsigned i = 0; i <= IOMMU_RESERVED_MAX; i++)
        many[i] = (struct iommu_reserved){AT + i * PAGE, AT + i * PAGE + 0xFFF, false};
    assert_int_equal(make_with(many, IOMMU_RESERVED_MAX + 1, 0, &out), IOMMU_BAD_REGION);
    /* Beyond an allocator's window, inside the unit's width. */
    many[0] = (struct iommu_reserved){UINT64_C(1) << 32, (UINT64_C(1) << 32) + 0xFFF, false};
    assert_int_equal(make_with(many, 1, 32, &out), IOMMU_BAD_REGION);
    const struct iommu_domain_config config = {
        .type = IOMMU_UNMANAGED, .reserved = twice, .reserved_count = 1};
    assert_int_equal(iommu_create_domain(&on.iommu, OWNER_ONE, &config, &out), IOMMU_BAD_REGION);
    assert_int_equal(out, 77);
    assert_int_equal(make_with(many, 1, 0, &out), IOMMU_OK);
    no_violation();
}

static void reserved_regions_are_kept(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 4), foreign = own_pages(OWNER_TWO, 1);
    const struct iommu_reserved regions[] = {{memory, memory + 0x1FFF, true},
                                             {AT, AT + 0x1FFF, false}};
    const struct iommu_reserved not_ours = {foreign, foreign + 0xFFF, true};
    const struct iommu_memory identity = {.physical = memory + PAGE, .length = 2 * PAGE};
    iommu_ref_t domain = 0, token;

    assert_int_equal(make_with(&not_ours, 1, 0, &domain), IOMMU_NOT_OWNED);
    assert_int_equal(make_with(regions, 2, 0, &domain), IOMMU_OK);
    iommu_ref_t one = attached(FIRST, domain);
    assert_true(reaches(first_id, memory, true) && reaches(first_id, memory + 0x1FFF, false));
    assert_false(reaches(first_id, memory + 0x2000, true) || reaches(first_id, AT, false));
    assert_int_equal(map_at(domain, AT + PAGE, memory, 2 * PAGE), IOMMU_OVERLAP);
    assert_int_equal(map_at(domain, AT - PAGE, memory, 2 * PAGE), IOMMU_OVERLAP);
    assert_int_equal(map_at(domain, memory, memory, PAGE), IOMMU_OVERLAP);
    assert_int_equal(reserve_at(domain, AT + PAGE, 2 * PAGE, &token), IOMMU_OVERLAP);
    assert_int_equal(unmap_at(domain, memory, PAGE), IOMMU_NOT_MAPPED);
    assert_int_equal(iommu_unmap_identity(&on.iommu, OWNER_ONE, domain, &identity),
                     IOMMU_NOT_MAPPED);
    assert_int_equal(iommu_map_identity(&on.iommu, OWNER_ONE, domain, &identity, PT_READ_WRITE),
                     IOMMU_OVERLAP);
    assert_true(reaches(first_id, memory + PAGE, true));
    assert_int_equal(map_at(domain, AT + 2 * PAGE, memory, PAGE), IOMMU_OK);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    assert_false(reaches(first_id, memory, true));
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_OK);
    assert_true(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
    assert_int_equal(on.iommu.pool.reserved, 0);
    no_violation();
}

static void reserved_regions_are_kept_from_the_allocator(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 1), out;
    const struct iommu_reserved all_but_one = {0x2000, 0x1FFFF, false};
    const struct iommu_place place = IOMMU_ANYWHERE;
    const struct iommu_memory page = {.physical = memory, .length = PAGE};
    iommu_ref_t domain = 0;

    assert_int_equal(make_with(&all_but_one, 1, 17, &domain), IOMMU_OK);
    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, domain, &place, &page, PT_READ_WRITE, &out),
                     IOMMU_OK);
    assert_int_equal(out, 0x1000);
    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, domain, &place, &page, PT_READ_WRITE, &out),
                     IOMMU_NO_SPACE);
    assert_int_equal(unmap_at(domain, 0x2000, PAGE), IOMMU_NOT_MAPPED);
    no_violation();
}

static void making_a_domain_without_memory(void **state)
{
    static const unsigned widths[] = {0, 40};
    unsigned failures = 0;

    (void)state;
    for (unsigned w = 0; w < 2; w++) {
        for (unsigned nth = 1;; nth++) {
            start(&OPTIONS_DEFAULT);
            uint64_t memory = own_pages(OWNER_ONE, 512);
            const struct iommu_reserved region = {memory, memory + 0x1FEFFF, true};
            size_t frames = model_frames_owned(OWNER_IOMMU);
            iommu_ref_t domain = 77;

            model_fail_allocation(nth);
            enum iommu_status status = make_with(&region, 1, widths[w], &domain);
            if (status == IOMMU_OK)
                break;
            failures++;
            assert_int_equal(status, IOMMU_NO_MEMORY);
            assert_int_equal(domain, 77);
            assert_int_equal(tables_in_use(), 0);
            assert_int_equal(on.iommu.pool.reserved, 0);
            assert_int_equal(model_frames_owned(OWNER_IOMMU), frames + on.iommu.pool.chunks * 512);
            no_violation();
        }
    }
    assert_in_range(failures, 4, 40);
}

/* The pool gives out its last page before the table is complete. */
static void making_a_domain_with_too_few_pages(void **state)
{
    (void)state;
    for (size_t left = 0; left < 3; left++) {
        start(&OPTIONS_DEFAULT);
        uint64_t memory = own_pages(OWNER_ONE, 2);
        const struct iommu_reserved region = {memory, memory + 0x1FFF, true};
        iommu_ref_t domain = 77;

        (void)make(IOMMU_TRANSLATE, 0);
        size_t used = tables_in_use(), free = drain_pool();
        on.iommu.pool.reserved -= left;
        model_fail_allocation(1);
        assert_int_equal(make_with(&region, 1, 0, &domain), IOMMU_NO_MEMORY);
        assert_int_equal(domain, 77);
        assert_int_equal(tables_in_use(), used);
        put_back(free - left);
        assert_int_equal(on.iommu.pool.reserved, 0);
        no_violation();
    }
}

static void objects_are_looked_up(void **state)
{
    enum iommu_domain_type type = IOMMU_TRANSLATE;
    iommu_ref_t found = 77;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_UNMANAGED, 0);
    assert_int_equal(iommu_device_of(&on.iommu, OWNER_ONE, FIRST), 0);
    iommu_ref_t one = device(FIRST);
    assert_int_equal(iommu_device_of(&on.iommu, OWNER_ONE, FIRST), one);
    assert_int_equal(iommu_device_of(&on.iommu, OWNER_TWO, FIRST), 0);
    assert_false(iommu_is_attached(&on.iommu, OWNER_ONE, one, &found));
    assert_int_equal(found, 77);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_OK);
    assert_true(iommu_is_attached(&on.iommu, OWNER_ONE, one, &found));
    assert_int_equal(found, domain);
    assert_true(iommu_is_attached(&on.iommu, OWNER_ONE, one, NULL));
    assert_false(iommu_is_attached(&on.iommu, OWNER_TWO, one, NULL));
    assert_true(iommu_domain_type_of(&on.iommu, OWNER_ONE, domain, &type));
    assert_int_equal(type, IOMMU_UNMANAGED);
    assert_false(iommu_domain_type_of(&on.iommu, OWNER_TWO, domain, &type));
    assert_false(iommu_domain_type_of(&on.iommu, OWNER_ONE, domain + 0x10000, &type));
    assert_false(iommu_has_domain(&on.iommu, OWNER_ONE, 0));
}

static void expect_kind(uint64_t address, bool write, enum iommu_fault_kind kind)
{
    struct iommu_fault fault;

    assert_false(reaches(first_id, address, write));
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    assert_int_equal(fault.kind, kind);
    assert_int_equal(fault.endpoint, FIRST);
    assert_true(fault.unit_base == on.unit.config.base);
    iommu_report_fault(&on.iommu, &fault);
    assert_int_equal(told.fault.kind, kind);
    assert_true(told.fault.address == address);
}

static void faults_have_kinds(void **state)
{
    const uint64_t address = AT;
    const struct iommu_place place = {&address, 0, 0};
    uint64_t out;

    (void)state;
    start(&OPTIONS_DEFAULT);
    listen();
    expect_kind(AT, true, IOMMU_FAULT_TRANSLATION);
    const struct iommu_memory memory = {.physical = own_pages(OWNER_ONE, 1), .length = PAGE};
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain);
    assert_int_equal(iommu_map(&on.iommu, OWNER_ONE, domain, &place, &memory, PT_READ, &out),
                     IOMMU_OK);
    expect_kind(AT, true, IOMMU_FAULT_PERMISSION);
    expect_kind(AT + PAGE, true, IOMMU_FAULT_TRANSLATION);
    expect_kind(AT + PAGE, false, IOMMU_FAULT_TRANSLATION);
    assert_int_equal(told.faults, 4);
}

/* A panic may look while a fault waits: it is still there to be taken. */
static void a_view_changes_nothing(void **state)
{
    const struct iommu_unit *unit = &on.iommu.units[0];
    struct iommu_unit_view none = {0}, view = {0}, again = {0};
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    unit->ops->view(unit, &none);
    assert_non_null(none.registers[1].name);
    assert_int_equal(none.record_count, 0);
    assert_int_equal(dma(first_id, AT, true), MODEL_DMA_REFUSED);
    unit->ops->view(unit, &view);
    unit->ops->view(unit, &again);
    assert_int_equal(view.record_count, 1);
    assert_true(view.records[0].low != 0 && view.records[0].high != 0);
    assert_memory_equal(&view, &again, sizeof(view));
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    assert_int_equal(fault.requester, first_id);
    unit->ops->view(unit, &none);
    assert_int_equal(none.record_count, 0);
}

static void the_end_of_an_owner_takes_all(void **state)
{
    iommu_ref_t token;

    (void)state;
    start_allowed(&OPTIONS_DEFAULT);
    listen();
    uint64_t memory = own_pages(OWNER_ONE, 2);
    size_t tables = tables_in_use();
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), pass = make(IOMMU_PASS_THROUGH, 0);
    (void)make(IOMMU_UNMANAGED, 0);
    (void)attached(FIRST, domain);
    (void)attached(SECOND, pass);
    assert_int_equal(reserve_at(domain, AT, 4 * PAGE, &token), IOMMU_OK);
    assert_int_equal(map_in(token, PAGE, memory, PAGE), IOMMU_OK);
    assert_int_equal(map_at(domain, AT + 4 * PAGE, memory + PAGE, PAGE), IOMMU_OK);
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_IN_USE);
    assert_true(iommu_reclaim(&on.iommu, OWNER_ONE));
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.owner, OWNER_ONE);
    assert_false(reaches(first_id, AT + PAGE, true) || reaches(second_id, memory, true));
    assert_true(iommu_releasable(&on.iommu, OWNER_ONE, memory, 2 * PAGE));
    assert_int_equal(map_in(token, 0, memory, PAGE), IOMMU_BAD_HANDLE);
    assert_int_equal(free_token(token), IOMMU_BAD_HANDLE);
    assert_int_equal(tables_in_use(), tables);
    assert_int_equal(on.iommu.pool.reserved, 0);
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        assert_int_equal(on.iommu.domains[i].ref, 0);
    for (unsigned i = 0; i < IOMMU_TOKENS_MAX; i++)
        assert_false(on.iommu.tokens[i].used);
    no_violation();
}

/* ---- What names nothing, and who is nobody ---- */

static void references_that_name_nothing(void **state)
{
    const struct iommu_memory memory = {.physical = AT, .length = PAGE};
    const iommu_ref_t none = 0;
    iommu_ref_t made = 77;

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(FIRST);
    assert_int_equal(iommu_create_device(&on.iommu, OWNER_TWO, SECOND, &made), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_create_device(&on.iommu, OWNER_ONE, PCI_NONE, &made), IOMMU_BAD_HANDLE);
    assert_int_equal(made, 77);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, none, one), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, none), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, one, domain), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, none), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_TWO, one), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_delete_device(&on.iommu, OWNER_ONE, none), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, one), IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_map_identity(&on.iommu, OWNER_ONE, none, &memory, PT_READ),
                     IOMMU_BAD_HANDLE);
    assert_int_equal(iommu_unmap_identity(&on.iommu, OWNER_ONE, none, &memory), IOMMU_BAD_HANDLE);
    assert_int_equal(unmap_at(none, AT, PAGE), IOMMU_BAD_HANDLE);
    assert_int_equal(unmap_at(domain, AT, 0), IOMMU_BAD_RANGE);
    assert_int_equal(unmap_at(domain, UINT64_MAX - PAGE + 1, 2 * PAGE), IOMMU_BAD_RANGE);
    no_violation();
}

static void a_stranger_is_nobodys(void **state)
{
    const pci_bdf_t strangers[] = {PCI_BDF(0, 9, 0), 0};
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    listen();
    for (unsigned i = 0; i < 2; i++) {
        assert_false(reaches(strangers[i], AT, true));
        assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
        assert_int_equal(fault.requester, strangers[i]);
        assert_int_equal(fault.endpoint, PCI_NONE);
    }
    no_violation();
}

static void nobody_need_listen(void **state)
{
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    on.iommu.events = NULL;
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    (void)attached(FIRST, make(IOMMU_PASS_THROUGH, 0));
    assert_true(reaches(first_id, own_pages(OWNER_ONE, 1), true));
    assert_false(reaches(second_id, AT, true));
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    iommu_report_fault(&on.iommu, &fault);
    assert_true(iommu_reclaim(&on.iommu, OWNER_ONE));
    assert_false(reaches(first_id, AT, true));
    no_violation();
}

/* Its owner ends after the unit did: told, and shut out all the same. */
static void an_owner_may_end_behind_a_lost_unit(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
    (void)attached(SECOND, domain);
    assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
    assert_int_not_equal(iommu_available_types(&on.iommu, OWNER_ONE, one), 0);
    unit_stall(&on.unit);
    assert_false(iommu_reclaim(&on.iommu, OWNER_ONE));
    assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
    assert_true(unit_blocks(&on.unit, first_id) && unit_blocks(&on.unit, second_id));
    assert_false(iommu_has_device(&on.iommu, OWNER_ONE, one));
    assert_false(iommu_has_domain(&on.iommu, OWNER_ONE, domain));
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
}

static void behind_a_lost_unit_nothing_is_offered(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(FIRST);
    unit_stall(&on.unit);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_FAILED);
    assert_int_equal(iommu_available_types(&on.iommu, OWNER_ONE, one), 0);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
}

/* "A unit that cannot serve a domain refuses the attach." */
static void a_unit_refuses_tables_of_another_depth(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(FIRST);
    on.iommu.units[0].caps.levels = 1 << 3;
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_INCOMPATIBLE);
    assert_true(unit_blocks(&on.unit, first_id));
    no_violation();
}

/* Two groups demand one region. In a domain of both it stays until the last of them leaves, and
 * has one set of rights. */
static void a_region_may_be_demanded_twice(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    unsigned region = on.iommu.special_count;
    on.iommu.groups[SECOND].rights[region] = PT_READ;
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
    iommu_ref_t two = device(SECOND);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, two), IOMMU_INCOMPATIBLE);
    assert_false(reaches(second_id, REGION_BASE, false));
    on.iommu.groups[SECOND].rights[region] = PT_READ_WRITE;
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, two), IOMMU_OK);
    assert_true(reaches(second_id, REGION_BASE, true));
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    assert_true(reaches(first_id, REGION_BASE, true) && reaches(second_id, REGION_BASE, true));
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, two), IOMMU_OK);
    assert_false(reaches(second_id, REGION_BASE, true));
    assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_OK);
    no_violation();
}

/*
 * FIRST, for which firmware demands a region, sends on three buses; each allocation, or each wait,
 * of taking the unit into use fails in turn.
 */
static const pci_bdf_t first_ids[] = {PCI_BDF(0, 2, 0), PCI_BDF(2, 0, 0), PCI_BDF(3, 0, 0)};

static unsigned fail_allocation, fail_wait;

static void stick_at_wait(void *context, uint64_t physical, uint64_t value)
{
    (void)context;
    if (unit_is_wait(&on.unit, physical, value) && fail_wait && !--fail_wait)
        unit_stall(&on.unit);
}

static void send_on_three_buses(void)
{
    struct pci_function *first = &on.pci.functions[FIRST];

    first->alias_count = 2;
    first->aliases[0] = first_ids[1];
    first->aliases[1] = first_ids[2];
    model_fail_allocation(fail_allocation);
    model_on_store(stick_at_wait, NULL);
}

static unsigned that_reach(uint64_t address)
{
    unsigned count = 0;

    for (unsigned i = 0; i < 3; i++)
        count += reaches(first_ids[i], address, true);
    return count;
}

static bool are_blocked(void)
{
    bool blocked = true;

    for (unsigned i = 0; i < 3; i++)
        blocked &= unit_blocks(&on.unit, first_ids[i]);
    return blocked && !that_reach(REGION_BASE);
}

static bool start_failing(unsigned allocation, unsigned wait)
{
    struct options options = OPTIONS_DEFAULT;

    fail_allocation = allocation;
    fail_wait = wait;
    options.plan.region = REGION_BASE;
    options.functions = send_on_three_buses;
    start(&options);
    model_fail_allocation(0);
    model_on_store(NULL, NULL);
    return fail_wait == 0 && model_allocations() >= allocation;
}

static void regions_are_granted_whole_or_not(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (unsigned n = 1; start_failing(n, 0); n++) {
        bool granted = on.iommu.groups[FIRST].quarantine != PCI_NONE;

        if (on.iommu.units[0].state != UNIT_ACTIVE)
            continue;
        refused += !granted;
        if (!granted) {
            assert_true(are_blocked());
            assert_int_equal(tables_in_use(), 0);
            for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
                assert_true(!on.iommu.domains[i].ref && !on.iommu.domains[i].region_uses[0]);
        }
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
        assert_int_equal(that_reach(REGION_BASE), 3);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
        assert_true(granted ? that_reach(REGION_BASE) == 3 : are_blocked());
        assert_int_equal(iommu_delete_domain(&on.iommu, OWNER_ONE, domain), IOMMU_OK);
        no_violation();
    }
    assert_in_range(refused, 1 + 2 * UNIT_ATTACH_FRAMES, 16); /* a chunk of page tables first */
}

static void a_wait_that_fails_grants_no_region(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (unsigned n = 1; start_failing(0, n); n++) {
        if (on.iommu.units[0].state == UNIT_FAILED)
            continue;
        failed++;
        assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
        assert_int_equal(on.iommu.groups[FIRST].quarantine, PCI_NONE);
        assert_true(are_blocked());
        no_violation();
    }
    assert_in_range(failed, 3, 16);
}

/* When detach returns, its writes have landed, and nothing that the unit remembers lets it in or
 * leads it to the page of the domain before. */
static void a_device_that_leaves_takes_nothing_along(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.unit.broken.writes_linger = true;
    assert_true(unit_drains(&options.unit));
    start(&options);
    for (unsigned i = 0; i < 2; i++) {
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
        uint64_t memory = own_pages(OWNER_ONE, 1);
        const uint8_t *page = model_ram(memory, PAGE);

        assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
        assert_int_equal(dma(first_id, AT, true), MODEL_DMA_ALLOWED);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
        assert_int_equal(*page, 0x5A);
        assert_int_equal(dma(first_id, AT, true), MODEL_DMA_REFUSED);
        assert_int_equal(iommu_delete_device(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    }
    no_violation();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pass_through_reaches_memory_until_detach),
        cmocka_unit_test(handles_name_nothing_that_came_later),
        cmocka_unit_test(pass_through_has_no_mappings),
        cmocka_unit_test(a_failed_wait_ends_pass_through),
        cmocka_unit_test(the_guard_decides),
        cmocka_unit_test(units_without_pass_through_do_without),
        cmocka_unit_test(unmanaged_domains_block_all),
        cmocka_unit_test(unmanaged_domains_have_a_share_of_the_ids),
        cmocka_unit_test(regions_that_do_not_fit),
        cmocka_unit_test(reserved_regions_are_kept),
        cmocka_unit_test(reserved_regions_are_kept_from_the_allocator),
        cmocka_unit_test(making_a_domain_without_memory),
        cmocka_unit_test(making_a_domain_with_too_few_pages),
        cmocka_unit_test(objects_are_looked_up),
        cmocka_unit_test(faults_have_kinds),
        cmocka_unit_test(a_view_changes_nothing),
        cmocka_unit_test(the_end_of_an_owner_takes_all),
        cmocka_unit_test(references_that_name_nothing),
        cmocka_unit_test(a_stranger_is_nobodys),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(an_owner_may_end_behind_a_lost_unit),
        cmocka_unit_test(behind_a_lost_unit_nothing_is_offered),
        cmocka_unit_test(a_unit_refuses_tables_of_another_depth),
        cmocka_unit_test(a_region_may_be_demanded_twice),
        cmocka_unit_test(regions_are_granted_whole_or_not),
        cmocka_unit_test(a_wait_that_fails_grants_no_region),
        cmocka_unit_test(a_device_that_leaves_takes_nothing_along),
    };

    return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
