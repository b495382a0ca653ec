/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Core, paging, a unit's driver and the interface tables together, on the modelled unit. Judged
 * twice: by what the unit lets through, and by a walk of the tables that shares no code with
 * either.
 */
#include "tests/host/iommu_fixture.h"

#define AT UINT64_C(0x10000000)

static const pci_bdf_t first_id = PCI_BDF(0, 2, 0), second_id = PCI_BDF(0, 3, 0);

static void one_life(void)
{
    size_t before = model_frames_owned(OWNER_IOMMU);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    uint64_t memory = own_pages(OWNER_ONE, 4);

    assert_false(reaches(first_id, AT, false));
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    assert_false(reaches(first_id, AT, false));
    assert_int_equal(map_range(domain, AT, memory, 2 * PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    assert_int_equal(map_range(domain, AT + 0x2000, memory + 0x2000, PAGE_SIZE, IOMMU_ACCESS_READ),
                     STATUS_SUCCESS);
    assert_int_equal(map_range(domain, AT + 0x3000, memory + 0x3000, PAGE_SIZE, IOMMU_ACCESS_WRITE),
                     STATUS_SUCCESS);
    assert_true(reaches(first_id, AT + 0x1FFF, true) && reaches(first_id, AT, false));
    assert_true(reaches(first_id, AT + 0x2000, false));
    assert_false(reaches(first_id, AT + 0x2000, true));
    assert_true(reaches(first_id, AT + 0x3000, true));
    assert_false(reaches(first_id, AT + 0x3000, false));
    assert_false(reaches(first_id, AT + 0x4000, false) || reaches(first_id, AT - 1, false));
    assert_false(reaches(second_id, AT, false));
    assert_true(unit_blocks(&on.unit, second_id));
    assert_int_equal(unmap_range(domain, AT, PAGE_SIZE), STATUS_SUCCESS);
    assert_false(reaches(first_id, AT, false));
    assert_true(reaches(first_id, AT + 0x1000, true));
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_SUCCESS);
    assert_false(reaches(first_id, AT + 0x1000, true));
    assert_int_equal(on.api.DeleteDomain(domain), STATUS_SUCCESS);
    assert_int_equal(on.api.DeleteDevice(device), STATUS_SUCCESS);
    assert_int_equal(on.iommu.pool.reserved, 0);
    assert_in_range(model_frames_owned(OWNER_IOMMU), before, before + 513);
    no_violation();
}

static void life_on_every_kind_of_unit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unit_kinds / sizeof *unit_kinds; i++) {
        start(&(struct options){.unit = unit_kinds[i]});
        assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
        one_life();
    }
}

static void superpages_are_used_and_split(void **state)
{
    const uint64_t size = 4 << 20;
    struct pt_walk walk;

    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    uint64_t memory = own_pages(OWNER_ONE, size / PAGE_SIZE);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    assert_int_equal(map_range(domain, AT, memory, size, READ_WRITE), STATUS_SUCCESS);
    pt_walk(&on.iommu.domains[0].table, AT, &walk);
    assert_int_equal(walk.leaf_level, 2);
    assert_true(reaches(first_id, AT, true) && reaches(first_id, AT + size - 1, true));
    model_fail_allocation(1);
    assert_int_equal(unmap_range(domain, AT + 0x5000, 0x3000), STATUS_SUCCESS);
    for (uint64_t at = AT; at < AT + size; at += 0x1000)
        assert_int_equal(reaches(first_id, at, true), at < AT + 0x5000 || at >= AT + 0x8000);
    assert_int_equal(unmap_range(domain, AT, size), STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(unmap_range(domain, AT, 0x5000), STATUS_SUCCESS);
    assert_int_equal(unmap_range(domain, AT + 0x8000, size - 0x8000), STATUS_SUCCESS);
    assert_int_equal(on.iommu.pool.reserved, 0);
    no_violation();
}

/* A table that unmap gave back serves another domain at once; the unit must not find it any more by
 * a cached non-leaf entry. */
static void freed_tables_are_out_of_reach(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN one = new_domain(), two = new_domain();
    uint64_t memory = own_pages(OWNER_ONE, 1);

    assert_int_equal(on.api.AttachDeviceEx(one, new_device(FIRST)), STATUS_SUCCESS);
    for (unsigned round = 0; round < 4; round++) {
        assert_int_equal(map_range(one, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
        assert_true(reaches(first_id, AT, true));
        assert_int_equal(unmap_range(one, AT, PAGE_SIZE), STATUS_SUCCESS);
        assert_int_equal(map_range(two, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
        assert_false(reaches(first_id, AT, true));
        no_violation();
        assert_int_equal(unmap_range(two, AT, PAGE_SIZE), STATUS_SUCCESS);
    }
}

static void arguments_are_refused(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    uint64_t memory = own_pages(OWNER_ONE, 2), foreign = own_pages(OWNER_TWO, 1);

    assert_int_equal(map_range(domain, AT, foreign, PAGE_SIZE, READ_WRITE), STATUS_ACCESS_DENIED);
    assert_int_equal(map_range(domain, AT, on.iommu.domains[0].table.root, PAGE_SIZE, READ_WRITE),
                     STATUS_ACCESS_DENIED);
    assert_int_equal(map_range(domain, AT, 0xFEE00000, PAGE_SIZE, READ_WRITE),
                     STATUS_ACCESS_DENIED);
    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, 4), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(map_range(domain, AT, memory + 1, PAGE_SIZE, READ_WRITE),
                     STATUS_INVALID_PARAMETER_3);
    assert_int_equal(map_range(domain, AT, memory, 0x1001, READ_WRITE), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(map_range(domain, AT, memory, 0, READ_WRITE), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(map_range(domain, AT, ~UINT64_C(0xFFF), 0x2000, READ_WRITE),
                     STATUS_INVALID_PARAMETER_3);
    assert_int_equal(map_range(domain, AT + 1, memory, PAGE_SIZE, READ_WRITE),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(map_range(domain, 0xFEDFF000, memory, 0x2000, READ_WRITE),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(map_range(domain, UINT64_C(1) << 48, memory, PAGE_SIZE, READ_WRITE),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(map_range(NULL, AT, memory, PAGE_SIZE, READ_WRITE),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(map_range(domain, AT, memory, 0x2000, IOMMU_ACCESS_NONE), STATUS_SUCCESS);
    assert_int_equal(map_range(domain, AT + 0x1000, memory, PAGE_SIZE, READ_WRITE),
                     STATUS_RESOURCE_IN_USE);
    assert_int_equal(unmap_range(domain, AT + 1, PAGE_SIZE), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(unmap_range(domain, AT, 0), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(unmap_range(domain, AT, 0x3000), STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(unmap_range(domain, AT, 0x2000), STATUS_SUCCESS);
    assert_int_equal(unmap_range(domain, AT, PAGE_SIZE), STATUS_INVALID_PARAMETER_MIX);
    as(OWNER_TWO);
    assert_int_equal(map_range(domain, AT, foreign, PAGE_SIZE, READ_WRITE),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.DeleteDomain(domain), STATUS_INVALID_PARAMETER_1);
    no_violation();
}

static void scattered_frames_are_mapped_in_order(void **state)
{
    enum { COUNT = 5 };
    PFN_NUMBER frames[COUNT];
    struct {
        MDL mdl;
        PFN_NUMBER frames[COUNT];
    } list;
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypePfn};
    IOMMU_DMA_LOGICAL_ADDRESS at = AT, out;
    uint64_t physical;

    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    for (unsigned i = 0; i < COUNT; i++)
        frames[COUNT - 1 - i] = own_pages(OWNER_ONE, 1) >> PAGE_SHIFT;
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    source.PfnArray.PageFrame = frames;
    source.PfnArray.NumberOfPages = COUNT;
    assert_int_equal(on.api.MapLogicalRangeEx(domain, READ_WRITE, &source, &at, NULL, NULL, &out),
                     STATUS_SUCCESS);
    MmInitializeMdl(&list.mdl, NULL, COUNT * PAGE_SIZE);
    memcpy(MmGetMdlPfnArray(&list.mdl), frames, sizeof frames);
    source = (IOMMU_MAP_PHYSICAL_ADDRESS){.MapType = MapPhysicalAddressTypeMdl};
    source.Mdl.Mdl = &list.mdl;
    at = 2 * AT;
    assert_int_equal(on.api.MapLogicalRangeEx(domain, READ_WRITE, &source, &at, NULL, NULL, &out),
                     STATUS_SUCCESS);
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned n = 1; n <= 2; n++) {
            assert_int_equal(
                unit_translate(&on.unit, first_id, n * AT + i * PAGE_SIZE, true, &physical),
                MODEL_DMA_ALLOWED);
            assert_true(physical == (uint64_t)frames[i] << PAGE_SHIFT);
        }
    /* The last frame is somebody else's: nothing of the list may stay. */
    frames[COUNT - 1] = own_pages(OWNER_TWO, 1) >> PAGE_SHIFT;
    source = (IOMMU_MAP_PHYSICAL_ADDRESS){.MapType = MapPhysicalAddressTypePfn};
    source.PfnArray.PageFrame = frames;
    source.PfnArray.NumberOfPages = COUNT;
    at = 3 * AT;
    assert_int_equal(on.api.MapLogicalRangeEx(domain, READ_WRITE, &source, &at, NULL, NULL, &out),
                     STATUS_ACCESS_DENIED);
    for (unsigned i = 0; i < COUNT; i++)
        assert_false(reaches(first_id, 3 * AT + i * PAGE_SIZE, true));
    no_violation();
}

static void groups_and_aliases(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN one = new_domain(), two = new_domain();
    PIOMMU_DMA_DEVICE a = new_device(BEHIND_A), b = new_device(BEHIND_B);
    uint64_t memory = own_pages(OWNER_ONE, 1);

    assert_int_equal(map_range(one, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(one, a), STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(one, a), STATUS_INVALID_PARAMETER);
    assert_true(reaches(BRIDGE_ID, AT, true) && reaches(PCI_BDF(1, 4, 0), AT, true));
    assert_false(reaches(PCI_BDF(1, 5, 0), AT, true));
    assert_int_equal(on.api.AttachDeviceEx(two, b), STATUS_ACCESS_DENIED);
    assert_int_equal(on.api.AttachDeviceEx(one, b), STATUS_SUCCESS);
    assert_int_equal(on.api.DeleteDomain(one), STATUS_RESOURCE_IN_USE);
    assert_int_equal(on.api.DeleteDevice(a), STATUS_RESOURCE_IN_USE);
    assert_int_equal(on.api.DetachDeviceEx(a), STATUS_SUCCESS);
    assert_true(reaches(BRIDGE_ID, AT, true));
    assert_false(reaches(PCI_BDF(1, 4, 0), AT, true));
    assert_int_equal(on.api.DetachDeviceEx(b), STATUS_SUCCESS);
    assert_false(reaches(BRIDGE_ID, AT, true) || reaches(PCI_BDF(1, 5, 0), AT, true));
    assert_int_equal(on.api.DetachDeviceEx(b), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.AttachDeviceEx(two, b), STATUS_SUCCESS);
    no_violation();
}

static void demanded_regions(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = REGION_BASE;
    start(&options);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    uint64_t memory = own_pages(OWNER_ONE, 1);

    assert_int_equal(model_owner(REGION_BASE), OWNER_WITHHELD);
    assert_true(reaches(first_id, REGION_BASE + REGION_SIZE - 1, true));
    assert_false(reaches(first_id, REGION_BASE + REGION_SIZE, true));
    assert_false(reaches(second_id, REGION_BASE, false));
    assert_int_equal(map_range(domain, REGION_BASE, memory, PAGE_SIZE, READ_WRITE),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(unmap_range(domain, REGION_BASE, PAGE_SIZE), STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    assert_true(reaches(first_id, REGION_BASE, true) && reaches(first_id, AT, true));
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_SUCCESS);
    assert_true(reaches(first_id, REGION_BASE, true));
    assert_false(reaches(first_id, AT, true));
    no_violation();
}

/* Fails every allocation of the sequence in turn; nothing may be left of what was refused. */
static void memory_failures_change_nothing(void **state)
{
    unsigned tries = 0;

    (void)state;
    for (unsigned nth = 1; tries < 50; nth++, tries++) {
        PIOMMU_DMA_DOMAIN domain = NULL;
        IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};

        start(&OPTIONS_DEFAULT);
        PIOMMU_DMA_DEVICE device = new_device(FIRST);
        uint64_t memory = own_pages(OWNER_ONE, 1);
        unsigned before = model_allocations();
        model_fail_allocation(nth);
        NTSTATUS status = on.api.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL, &domain);
        if (!NT_SUCCESS(status)) {
            assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
            assert_null(domain);
            continue;
        }
        status = map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE);
        if (NT_SUCCESS(status))
            status = on.api.AttachDeviceEx(domain, device);
        assert_int_equal(reaches(first_id, AT, true), NT_SUCCESS(status));
        if (NT_SUCCESS(status) && model_allocations() - before < nth)
            break;
        if (!NT_SUCCESS(status)) {
            assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
            assert_int_equal(on.api.DetachDeviceEx(device), STATUS_INVALID_PARAMETER_1);
            assert_int_equal(on.api.DeleteDomain(domain), STATUS_SUCCESS);
        }
        no_violation();
    }
    assert_in_range(tries, 1, 49);
}

static void a_failed_wait_never_gives_access(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST), other = new_device(SECOND);
    uint64_t memory = own_pages(OWNER_ONE, 2);

    assert_int_equal(map_range(domain, AT, memory, 0x2000, READ_WRITE), STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    assert_true(iommu_releasable(&on.iommu, OWNER_ONE, memory + 0x2000, 0x1000));
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory + 0x1000, 0x1000));
    size_t tables = on.iommu.pool.available;
    unit_stall(&on.unit);
    assert_int_equal(unmap_range(domain, AT, 0x2000), STATUS_IO_DEVICE_ERROR);
    assert_int_equal(unit_translate(&on.unit, first_id, AT, true, NULL), MODEL_DMA_REFUSED);
    assert_int_equal(on.iommu.pool.available, tables);
    assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, 0x1000));
    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_IO_DEVICE_ERROR);
    assert_int_equal(on.api.AttachDeviceEx(domain, other), STATUS_IO_DEVICE_ERROR);
    assert_false(unit_blocks(&on.unit, first_id));
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_IO_DEVICE_ERROR);
    assert_true(unit_blocks(&on.unit, first_id));
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.DeleteDomain(domain), STATUS_IO_DEVICE_ERROR);
    assert_int_equal(on.api.DeleteDomain(domain), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.iommu.pool.available, tables);
    PIOMMU_DMA_DOMAIN next = NULL;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};
    assert_int_equal(on.api.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL, &next),
                     STATUS_NOT_SUPPORTED);
    on.iommu.units[0].state = UNIT_ACTIVE;
    next = new_domain();
    assert_true(next != domain);
    assert_int_not_equal(on.iommu.domains[1].id, on.iommu.domains[0].id);
}

/* A page beside others, which is mapped and unmapped on the shortest way. `on_map`: the wait after
 * its map fails, on a unit that needs one. */
static void fail_beside_others(bool on_map)
{
    struct options options = OPTIONS_DEFAULT;

    unit_set_caching(&options.unit, on_map);
    start(&options);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    uint64_t memory = own_pages(OWNER_ONE, 1);
    assert_int_equal(on.api.AttachDeviceEx(domain, new_device(FIRST)), STATUS_SUCCESS);
    for (unsigned i = on_map; i < 3; i++)
        assert_int_equal(map_range(domain, AT + i * PAGE_SIZE, memory, PAGE_SIZE, READ_WRITE),
                         STATUS_SUCCESS);
    unit_stall(&on.unit);
    assert_int_equal(on_map ? map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE)
                            : unmap_range(domain, AT, PAGE_SIZE),
                     STATUS_IO_DEVICE_ERROR);
    assert_int_equal(unit_translate(&on.unit, first_id, AT, true, NULL), MODEL_DMA_REFUSED);
    assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE_SIZE));
    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_IO_DEVICE_ERROR);
}

static void a_failed_wait_for_one_page(void **state)
{
    (void)state;
    fail_beside_others(false);
    fail_beside_others(true);
}

static void attach_that_fails_is_blocked(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    uint64_t memory = own_pages(OWNER_ONE, 1);

    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    unit_stall(&on.unit);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_IO_DEVICE_ERROR);
    assert_int_equal(unit_translate(&on.unit, first_id, AT, true, NULL), MODEL_DMA_REFUSED);
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_INVALID_PARAMETER_1);
}

static void units_that_cannot_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unit_useless / sizeof *unit_useless; i++) {
        struct options options = OPTIONS_DEFAULT;
        PIOMMU_DMA_DEVICE device = NULL;

        options.unit.broken = unit_useless[i];
        start(&options);
        assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
        assert_ptr_equal(on.iommu.reason, on.iommu.units[0].reason);
        assert_int_equal(on.api.CreateDevice(wdm_pdo(FIRST), NULL, &device), STATUS_NOT_FOUND);
        assert_null(device);
    }
}

static void slow_units_are_waited_for(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    unit_set_delay(&options.unit.broken, 50);
    start(&options);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    one_life();
}

static void faults_are_taken_and_attributed(void **state)
{
    struct iommu_fault faults[4];

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_int_equal(dma(second_id, AT + 0x123, true), MODEL_DMA_REFUSED);
    assert_true(irq_take(on.iommu.units[0].fault_line));
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    assert_int_equal(faults[0].requester, second_id);
    assert_int_equal(faults[0].endpoint, SECOND);
    assert_true(faults[0].write && faults[0].address / PAGE_SIZE == AT / PAGE_SIZE);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 0);
    assert_int_equal(dma(BRIDGE_ID, 2 * AT, false), MODEL_DMA_REFUSED);
    assert_true(irq_take(on.iommu.units[0].fault_line));
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    assert_int_equal(faults[0].endpoint, BEHIND_A);
    assert_false(faults[0].write);
    assert_int_equal(dma(PCI_BDF(0, 0, 0), AT, false), MODEL_DMA_REFUSED); /* a stranger */
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    assert_int_equal(faults[0].endpoint, PCI_NONE);
    no_violation();
}

static void a_region_out_of_reach_costs_itself_alone(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = UINT64_C(1) << 46;
    unit_set_width(&options.unit, UNIT_NARROW);
    start(&options);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    assert_false(reaches(first_id, REGION_BASE, true));
    no_violation();
}

/* One requester, two units: the later endpoint is not covered, and nobody touches a dead unit. */
static void an_alias_behind_two_units_covers_one_of_them(void **state)
{
    struct iommu_unit second = {.ops = NULL, .base = 0xFED91000};
    PIOMMU_DMA_DEVICE device = NULL;

    (void)state;
    start(&OPTIONS_DEFAULT);
    on.iommu.endpoints[BEHIND_B].unit = PCI_NONE;
    struct iommu_unit *added = iommu_add_unit(&on.iommu, &second);
    added->state = UNIT_FAILED;
    iommu_cover(&on.iommu, BEHIND_B, added);
    assert_false(iommu_covered(&on.iommu, BEHIND_B));
    assert_true(on.iommu.incomplete);
    assert_int_equal(on.api.CreateDevice(wdm_pdo(BEHIND_B), NULL, &device), STATUS_NOT_FOUND);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    assert_int_equal(on.api.AttachDeviceEx(domain, new_device(BEHIND_A)), STATUS_SUCCESS);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_PARTIAL);
}

static bool probe_one_depth(struct iommu_unit *unit)
{
    unit->caps = (struct iommu_unit_caps){.width = 48,
                                          .physical_width = 48,
                                          .leaf_levels = 2,
                                          .levels = unit->base ? 1 << 4 : 1 << 3,
                                          .domain_ids = 16};
    return true;
}

static unsigned enabled;

static bool enable_counted(struct iommu_unit *unit)
{
    (void)unit;
    enabled++;
    return true;
}

static void units_without_a_common_depth_still_deny(void **state)
{
    static const struct iommu_unit_ops ops = {
        .format = &pt_format_vtdss, .probe = probe_one_depth, .enable = enable_counted};
    iommu_ref_t domain;

    (void)state;
    enabled = 0;
    memset(&on.pci, 0, sizeof on.pci);
    iommu_init(&on.iommu, &on.pci);
    assert_non_null(iommu_add_unit(&on.iommu, &(struct iommu_unit){.ops = &ops, .base = 0}));
    assert_non_null(iommu_add_unit(&on.iommu, &(struct iommu_unit){.ops = &ops, .base = 4096}));
    iommu_enable(&on.iommu);
    assert_int_equal(enabled, 2);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_PARTIAL);
    assert_non_null(on.iommu.reason);
    assert_int_equal(
        iommu_create_domain(&on.iommu, OWNER_ONE, &(struct iommu_domain_config){0}, &domain),
        IOMMU_NOT_COVERED);
}

static void units_without_a_common_format_still_deny(void **state)
{
    static const struct iommu_unit_ops one = {
        .format = &pt_format_vtdss, .probe = probe_one_depth, .enable = enable_counted};
    static const struct iommu_unit_ops other = {
        .format = &pt_format_amdv1, .probe = probe_one_depth, .enable = enable_counted};

    (void)state;
    enabled = 0;
    memset(&on.pci, 0, sizeof on.pci);
    iommu_init(&on.iommu, &on.pci);
    iommu_enable(&on.iommu);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ABSENT);
    on.iommu.announced = true;
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
    assert_non_null(iommu_add_unit(&on.iommu, &(struct iommu_unit){.ops = &one, .base = 4096}));
    assert_non_null(iommu_add_unit(&on.iommu, &(struct iommu_unit){.ops = &other, .base = 8192}));
    iommu_enable(&on.iommu);
    assert_int_equal(enabled, 2);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_PARTIAL);
    assert_string_equal(on.iommu.reason, "the units have no table format and depth in common");
    assert_false(iommu_serves_domains(&on.iommu));
}

static PIOMMU_DMA_DOMAIN new_buddy_domain(ULONG width)
{
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {.LogicalAllocatorType =
                                                     IommuDmaLogicalAllocatorBuddy};
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};
    PIOMMU_DMA_DOMAIN domain = NULL;

    config.BuddyAllocatorConfig.AddressWidth = width;
    NTSTATUS status = on.api.CreateDomainEx(DomainTypeTranslate, flags, &config, NULL, &domain);
    assert_int_equal(status,
                     width < 13 || width > 63 ? STATUS_INVALID_PARAMETER_3 : STATUS_SUCCESS);
    return domain;
}

static NTSTATUS map_between(PIOMMU_DMA_DOMAIN domain, uint64_t physical, uint64_t length,
                            uint64_t min, uint64_t max, uint64_t *at)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};
    IOMMU_DMA_LOGICAL_ADDRESS low = min, high = max, out = 0;

    source.ContiguousRange.Base.QuadPart = (LONGLONG)physical;
    source.ContiguousRange.Size = length;
    NTSTATUS status =
        on.api.MapLogicalRangeEx(domain, READ_WRITE, &source, NULL, &low, &high, &out);
    *at = out;
    return status;
}

static void allocated_addresses(void **state)
{
    uint64_t first, second, again;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_null(new_buddy_domain(12));
    assert_null(new_buddy_domain(64));
    PIOMMU_DMA_DOMAIN domain = new_buddy_domain(32);
    uint64_t memory = own_pages(OWNER_ONE, 4), foreign = own_pages(OWNER_TWO, 1);
    assert_int_equal(on.api.AttachDeviceEx(domain, new_device(FIRST)), STATUS_SUCCESS);
    assert_int_equal(on.iommu.domains[0].table.geometry.width, 32);
    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_NOT_SUPPORTED);
    assert_int_equal(map_between(domain, foreign, PAGE_SIZE, 0, UINT64_MAX, &first),
                     STATUS_ACCESS_DENIED);
    assert_int_equal(map_between(domain, memory, 3 * PAGE_SIZE, 0, UINT64_MAX, &first),
                     STATUS_SUCCESS);
    assert_true(first && !(first & 0x3FFF) && first + 0x3000 <= UINT64_C(1) << 32);
    assert_true(reaches(first_id, first + 0x2FFF, true));
    assert_false(reaches(first_id, first + 0x3000, true));
    assert_int_equal(map_between(domain, memory, PAGE_SIZE, AT, AT + 0xFFF, &second),
                     STATUS_SUCCESS);
    assert_true(second == AT);
    assert_int_equal(map_between(domain, memory, PAGE_SIZE, AT, AT + 0xFFF, &again),
                     STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(map_between(domain, memory, PAGE_SIZE, 0xFEE00000, 0xFEEFFFFF, &again),
                     STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(unmap_range(domain, first, PAGE_SIZE), STATUS_INVALID_PARAMETER_MIX);
    assert_true(reaches(first_id, first, true));
    assert_int_equal(unmap_range(domain, AT, PAGE_SIZE), STATUS_SUCCESS);
    assert_false(reaches(first_id, AT, true));
    assert_int_equal(map_between(domain, memory, PAGE_SIZE, AT, AT + 0xFFF, &again),
                     STATUS_SUCCESS);
    unit_stall(&on.unit);
    assert_int_equal(unmap_range(domain, AT, PAGE_SIZE), STATUS_IO_DEVICE_ERROR);
    on.iommu.domains[0].poisoned = false;
    assert_int_equal(map_between(domain, memory, PAGE_SIZE, AT, AT + 0xFFF, &again),
                     STATUS_INVALID_PARAMETER_MIX);
    no_violation();
}

/* What one unmap asks of the unit: aligned, one exact command; any, at most two; one wait. */
static void invalidations_are_few_and_exact(void **state)
{
    static const struct {
        unsigned from, pages, commands;
    } cases[] = {{0, 1, 1}, {64, 64, 1}, {3, 1, 1}, {1, 2, 2}, {60, 100, 2}, {512, 512, 1}};
    enum { PAGES = 1024 };

    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    uint64_t memory = own_pages(OWNER_ONE, PAGES);
    assert_int_equal(on.api.AttachDeviceEx(domain, new_device(FIRST)), STATUS_SUCCESS);
    assert_int_equal(map_range(domain, 2 * AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t at = AT + cases[i].from * 4096ull, length = cases[i].pages * 4096ull;

        assert_int_equal(map_range(domain, at, memory, length, READ_WRITE), STATUS_SUCCESS);
        (void)unit_take_told(&on.unit);
        assert_int_equal(unmap_range(domain, at, length), STATUS_SUCCESS);
        struct unit_told told = unit_take_told(&on.unit);
        assert_int_equal(told.ranges, cases[i].commands);
        assert_int_equal(told.others, 0);
        assert_int_equal(told.waits, 1);
        assert_true(told.ranges == 1 ? told.pages == cases[i].pages
                                     : told.pages < 2 * cases[i].pages);
    }
}

/* No table is unlinked while a neighbour keeps it: structure caches stay. */
static void directories_go_with_their_tables(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    uint64_t memory = own_pages(OWNER_ONE, 2);
    assert_int_equal(on.api.AttachDeviceEx(domain, new_device(FIRST)), STATUS_SUCCESS);
    assert_int_equal(map_range(domain, AT, memory, 2 * PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    (void)unit_take_told(&on.unit);
    assert_int_equal(unmap_range(domain, AT, PAGE_SIZE), STATUS_SUCCESS);
    assert_false(unit_take_told(&on.unit).directories);
    assert_int_equal(unmap_range(domain, AT + PAGE_SIZE, PAGE_SIZE), STATUS_SUCCESS);
    assert_true(unit_take_told(&on.unit).directories);
    no_violation();
}

/* Mean and worst excess over random ranges (blocks alone, no unit). */
static void ranges_are_covered_closely(void **state)
{
    static const unsigned lengths[] = {1, 2, 8, 32, 100, 256, 512};

    (void)state;
    srand(7);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint64_t covered = 0, asked = 0;

        for (unsigned n = 0; n < 2000; n++) {
            uint64_t first = ((uint64_t)rand() & 0xFFFFFF) << 12;
            uint64_t last = first + lengths[i] * 4096ull - 1;
            struct iommu_block blocks[2];
            unsigned count = iommu_blocks(first, last, blocks);
            uint64_t sum = 0;
            unsigned whole = 0; /* order of the least block that holds all */

            while (first >> 12 >> whole != last >> 12 >> whole)
                whole++;
            for (unsigned k = 0; k < count; k++)
                sum += UINT64_C(1) << blocks[k].order;
            assert_true(count >= 1 && sum >= lengths[i] && sum < 2 * lengths[i]);
            assert_true(count == 1 ? blocks[0].order == whole : sum < UINT64_C(1) << whole);
            assert_true(blocks[0].address <= first);
            assert_true(last < blocks[count - 1].address + (4096ull << blocks[count - 1].order));
            covered += sum;
            asked += lengths[i];
        }
        assert_true(covered * 100 <= asked * 145);
    }
}

static void owners_are_cleaned_up_after(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    uint64_t memory = own_pages(OWNER_ONE, 1);

    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    assert_true(reaches(first_id, AT, true));
    assert_true(iommu_reclaim(&on.iommu, OWNER_ONE));
    assert_false(reaches(first_id, AT, true));
    assert_true(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE_SIZE));
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.DeleteDomain(domain), STATUS_INVALID_PARAMETER_1);
    no_violation();
}

/* Random maps and unmaps against a plain array; every page judged after every step. */
static void random_life(const struct options *options, unsigned steps)
{
    enum { PAGES = 1536 };
    static uint8_t wanted[PAGES]; /* 0: not live, else permission + 1 */

    memset(wanted, 0, sizeof wanted);
    start(options);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    uint64_t memory = own_pages(OWNER_ONE, 2048);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    for (unsigned step = 0; step < steps; step++) {
        unsigned at = (unsigned)rand() % PAGES, count = 1 + (unsigned)rand() % 8;
        unsigned permission = (unsigned)rand() % 4, live = 0;
        bool mapping = rand() % 2;

        if (rand() % 4 == 0)
            at &= ~511u, count = 512 * (1 + (unsigned)rand() % 2);
        if (at + count > PAGES)
            count = PAGES - at;
        for (unsigned i = 0; i < count; i++)
            live += wanted[at + i] != 0;
        NTSTATUS status = mapping ? map_range(domain, AT + at * 4096ull, memory + at * 4096ull,
                                              count * 4096ull, permission)
                                  : unmap_range(domain, AT + at * 4096ull, count * 4096ull);
        assert_int_equal(status, mapping         ? live ? STATUS_RESOURCE_IN_USE : STATUS_SUCCESS
                                 : live == count ? STATUS_SUCCESS
                                                 : STATUS_INVALID_PARAMETER_MIX);
        if (NT_SUCCESS(status))
            memset(&wanted[at], mapping ? (int)permission + 1 : 0, count);
        for (unsigned i = 0; i < PAGES; i += 1 + (unsigned)rand() % 16) {
            bool write = rand() % 2;
            unsigned have = wanted[i] ? wanted[i] - 1u : 0;

            assert_int_equal(reaches(first_id, AT + i * 4096ull, write),
                             (have & (write ? PT_WRITE : PT_READ)) != 0);
        }
        no_violation();
    }
}

static void random_sequences(void **state)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : 20261121;
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    random_life(&options, 400);
    unit_set_caching(&options.unit, true);
    random_life(&options, 200);
    unit_set_coherent(&options.unit, true);
    random_life(&options, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life_on_every_kind_of_unit),
        cmocka_unit_test(superpages_are_used_and_split),
        cmocka_unit_test(freed_tables_are_out_of_reach),
        cmocka_unit_test(arguments_are_refused),
        cmocka_unit_test(scattered_frames_are_mapped_in_order),
        cmocka_unit_test(groups_and_aliases),
        cmocka_unit_test(demanded_regions),
        cmocka_unit_test(memory_failures_change_nothing),
        cmocka_unit_test(a_failed_wait_never_gives_access),
        cmocka_unit_test(a_failed_wait_for_one_page),
        cmocka_unit_test(attach_that_fails_is_blocked),
        cmocka_unit_test(units_that_cannot_be_used),
        cmocka_unit_test(slow_units_are_waited_for),
        cmocka_unit_test(faults_are_taken_and_attributed),
        cmocka_unit_test(a_region_out_of_reach_costs_itself_alone),
        cmocka_unit_test(an_alias_behind_two_units_covers_one_of_them),
        cmocka_unit_test(units_without_a_common_depth_still_deny),
        cmocka_unit_test(units_without_a_common_format_still_deny),
        cmocka_unit_test(allocated_addresses),
        cmocka_unit_test(invalidations_are_few_and_exact),
        cmocka_unit_test(directories_go_with_their_tables),
        cmocka_unit_test(ranges_are_covered_closely),
        cmocka_unit_test(owners_are_cleaned_up_after),
        cmocka_unit_test(random_sequences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
