/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The driver contract's pool over the whole of core, on the modelled unit. Properties: the device
 * reaches all buffers while the pool is open and nothing else ever; no buffer has two takers; a
 * take or a give leaves the unit, the tables and the allocator as they were; what is refused
 * changes nothing; whatever fails, nothing stays mapped.
 */
#include "tests/host/iommu_fixture.h"

#include <driver_pool.h>

#define AT         UINT64_C(0x10000000)
#define FAR        UINT64_C(0x40000000)
#define SIZE       ((size_t)0x10000)
#define COUNT      32 /* buffers: one large page in all */
#define LENGTH     (COUNT * SIZE)
#define OPERATIONS 1000000u

static const pci_bdf_t first_id = PCI_BDF(0, 2, 0);
static uint16_t links[COUNT];
static IOMMU_DMA_LOGICAL_ADDRESS wanted;
static struct driver_pool pool;
static PIOMMU_DMA_DEVICE device;
static unsigned stores;

static void count_store(void *context, uint64_t physical, uint64_t value)
{
    (void)context, (void)physical, (void)value;
    stores++;
}

static struct driver_memory take_memory(size_t pages)
{
    void *address = memory_alloc(OWNER_ONE, pages, 0);

    assert_non_null(address);
    return (struct driver_memory){address, memory_physical(address), pages * PAGE_SIZE};
}

/* A device attached to a domain, and a setup that is right. */
static struct driver_pool_setup begin(const struct options *options)
{
    start(options);
    PIOMMU_DMA_DOMAIN domain = new_domain();
    device = new_device(FIRST);
    assert_int_equal(on.api.AttachDeviceEx(domain, device), STATUS_SUCCESS);
    memset(links, 0, sizeof links);
    wanted = AT;
    stores = 0;
    model_on_store(count_store, NULL);
    return (struct driver_pool_setup){.iommu = &on.api,
                                      .domain = domain,
                                      .permissions = IOMMU_ACCESS_WRITE,
                                      .memory = take_memory(LENGTH / PAGE_SIZE),
                                      .size = SIZE,
                                      .count = COUNT,
                                      .links = links,
                                      .logical = &wanted};
}

static struct driver_pool_setup begin_open(void)
{
    struct driver_pool_setup setup = begin(&OPTIONS_DEFAULT);

    assert_int_equal(driver_pool_open(&pool, &setup), STATUS_SUCCESS);
    return setup;
}

static bool nothing_is_reached(void)
{
    for (uint64_t at = AT; at < AT + LENGTH; at += PAGE_SIZE)
        if (reaches(first_id, at, true) || reaches(first_id, at, false))
            return false;
    return true;
}

static void expect_closed(void)
{
    assert_int_equal(driver_pool_take(&pool), DRIVER_POOL_NONE);
    assert_false(driver_pool_give(&pool, 0));
    assert_int_equal(driver_pool_close(&pool), STATUS_SUCCESS);
}

/* The memory is its owner's to give back: nothing holds it. */
static void expect_released(const struct driver_memory *memory)
{
    assert_true(iommu_releasable(&on.iommu, OWNER_ONE, memory->physical, memory->length));
    assert_true(memory_free(OWNER_ONE, memory->address, memory->length / PAGE_SIZE));
    no_violation();
}

static void buffers_are_reached_and_nothing_else(void **state)
{
    struct driver_pool_setup setup = begin_open();
    struct pt_walk walk;

    (void)state;
    pt_walk(&on.iommu.domains[0].table, AT, &walk);
    assert_int_equal(walk.leaf_level, 2); /* all of it is one leaf */
    for (unsigned i = 0; i < COUNT; i++) {
        uint16_t index = driver_pool_take(&pool);
        uint8_t *address = driver_pool_address(&pool, index), mark = (uint8_t)(i + 1);
        uint64_t last = driver_pool_logical(&pool, index) + SIZE - 1;

        assert_int_equal(unit_dma(&on.unit, first_id, last, true, &mark, 1), MODEL_DMA_ALLOWED);
        assert_int_equal(address[SIZE - 1], mark);
        assert_false(reaches(first_id, last, false)); /* write only */
    }
    assert_false(reaches(first_id, AT - 1, true) || reaches(first_id, AT + LENGTH, true));
    for (uint16_t i = 0; i < COUNT; i++)
        assert_true(driver_pool_give(&pool, i));
    assert_true(reaches(first_id, AT, true)); /* given buffers too, as the contract says */
    assert_int_equal(driver_pool_close(&pool), STATUS_SUCCESS);
    assert_true(nothing_is_reached());
    expect_closed();
    expect_released(&setup.memory);
}

static void the_allocator_may_choose(void **state)
{
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {.LogicalAllocatorType =
                                                     IommuDmaLogicalAllocatorBuddy,
                                                 .BuddyAllocatorConfig = {.AddressWidth = 39}};
    IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};
    struct driver_pool_setup setup = begin(&OPTIONS_DEFAULT);

    (void)state;
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_SUCCESS);
    assert_int_equal(on.api.CreateDomainEx(DomainTypeTranslate, none, &config, NULL, &setup.domain),
                     STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(setup.domain, device), STATUS_SUCCESS);
    setup.logical = NULL;
    assert_int_equal(driver_pool_open(&pool, &setup), STATUS_SUCCESS);
    uint64_t logical = driver_pool_logical(&pool, 0);
    assert_int_equal(logical % LENGTH, 0);
    assert_true(reaches(first_id, logical + LENGTH - 1, true));
    assert_int_equal(driver_pool_close(&pool), STATUS_SUCCESS);
    assert_false(reaches(first_id, logical, true));
    expect_released(&setup.memory);
}

/* Takes and gives at random against a set of what is out. */
static void taking_and_giving_touch_nothing(void **state)
{
    static unit_t before;
    bool out[COUNT] = {false};
    unsigned taken = 0, exhausted = 0;
    const char *given = getenv("BULKHEAD_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : 20261121;

    (void)state;
    print_message("BULKHEAD_SEED=%u\n", seed);
    (void)begin_open();
    unsigned stores_before = stores, allocations = model_allocations();
    uint64_t clock = model_clock_ns(), lines = model_lines_written_back();
    before = on.unit;
    for (unsigned i = 0; i < OPERATIONS; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint16_t index = (uint16_t)(seed >> 16 & 63); /* half of them are no buffers */
        if (seed >> 31) {
            bool was_out = index < COUNT && out[index];
            assert_int_equal(driver_pool_give(&pool, index), was_out);
            if (was_out)
                out[index] = false, taken--;
            continue;
        }
        index = driver_pool_take(&pool);
        assert_int_equal(index == DRIVER_POOL_NONE, taken == COUNT);
        exhausted += index == DRIVER_POOL_NONE;
        if (index != DRIVER_POOL_NONE) {
            assert_true(index < COUNT && !out[index]);
            out[index] = true, taken++;
        }
    }
    assert_true(exhausted > 0);
    assert_memory_equal(&on.unit, &before, sizeof before);
    assert_int_equal(stores, stores_before);
    assert_int_equal(model_allocations(), allocations);
    assert_int_equal(model_clock_ns(), clock);
    assert_int_equal(model_lines_written_back(), lines);
}

static void wrong_gives_change_nothing(void **state)
{
    static const uint16_t foreign[] = {COUNT, DRIVER_POOL_NONE, DRIVER_POOL_TAKEN};
    struct driver_pool before;
    uint16_t links_before[COUNT];

    (void)state;
    (void)begin_open();
    assert_int_equal(driver_pool_take(&pool), 0);
    assert_int_equal(driver_pool_take(&pool), 1);
    assert_true(driver_pool_give(&pool, 0));
    before = pool;
    memcpy(links_before, links, sizeof links);
    assert_false(driver_pool_give(&pool, 0)); /* given already */
    assert_false(driver_pool_give(&pool, 2)); /* never taken */
    assert_false(driver_pool_give(&pool, COUNT - 1));
    for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_false(driver_pool_give(&pool, foreign[i]));
    assert_memory_equal(&pool, &before, sizeof pool);
    assert_memory_equal(links, links_before, sizeof links);
    assert_int_equal(driver_pool_take(&pool), 0); /* the last one given */
}

/* The device owns every byte that it reaches, and the free list is none of them. */
static void the_device_cannot_upset_the_pool(void **state)
{
    static uint8_t ones[PAGE_SIZE];
    bool out[COUNT] = {false};

    (void)state;
    (void)begin_open();
    memset(ones, 0xFF, sizeof ones);
    for (uint64_t at = AT; at < AT + LENGTH; at += PAGE_SIZE)
        assert_int_equal(unit_dma(&on.unit, first_id, at, true, ones, sizeof ones),
                         MODEL_DMA_ALLOWED);
    for (unsigned i = 0; i < COUNT; i++) {
        uint16_t index = driver_pool_take(&pool);
        assert_true(index < COUNT && !out[index]);
        out[index] = true;
    }
    assert_int_equal(driver_pool_take(&pool), DRIVER_POOL_NONE);
}

static void close_refuses_while_a_buffer_is_out(void **state)
{
    struct driver_pool_setup setup = begin_open();

    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        assert_true(driver_pool_take(&pool) < COUNT);
    for (uint16_t i = 0; i < COUNT; i++) {
        assert_int_equal(driver_pool_close(&pool), STATUS_RESOURCE_IN_USE);
        assert_true(reaches(first_id, driver_pool_logical(&pool, i), true));
        assert_true(driver_pool_give(&pool, i));
    }
    assert_int_equal(driver_pool_close(&pool), STATUS_SUCCESS);
    assert_true(nothing_is_reached());
    expect_closed();
    expect_released(&setup.memory);
}

static void wrong_shapes_are_refused(void **state)
{
    static const struct {
        size_t size, length;
        uint16_t count;
    } shapes[] = {
        {0, LENGTH, COUNT},
        {PAGE_SIZE / 2, LENGTH, LENGTH / (PAGE_SIZE / 2)},
        {3 * PAGE_SIZE, 3 * PAGE_SIZE * 2, 2},
        {SIZE, LENGTH, 0},
        {SIZE, LENGTH, COUNT - 1},
        {SIZE, LENGTH, COUNT + 1},
        {SIZE, LENGTH - PAGE_SIZE, COUNT},
        {SIZE, LENGTH - PAGE_SIZE, COUNT - 1},
        {SIZE, 0, 0},
        {SIZE, DRIVER_POOL_TAKEN * SIZE, DRIVER_POOL_TAKEN},
        {SIZE, DRIVER_POOL_NONE * SIZE, DRIVER_POOL_NONE},
    };
    struct driver_pool_setup setup = begin(&OPTIONS_DEFAULT);
    unsigned stores_before = stores;

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct driver_pool_setup wrong = setup;

        wrong.size = shapes[i].size;
        wrong.memory.length = shapes[i].length;
        wrong.count = shapes[i].count;
        memset(&pool, 0xA5, sizeof pool);
        assert_int_equal(driver_pool_open(&pool, &wrong), STATUS_INVALID_PARAMETER);
        expect_closed();
        assert_int_equal(stores, stores_before);
    }
    expect_released(&setup.memory);
}

/* Leaf tables until no table page is left: the next one that is needed must be allocated. */
static void use_up_tables(PIOMMU_DMA_DOMAIN domain)
{
    uint64_t physical = own_pages(OWNER_ONE, 1), at = FAR;

    for (; on.iommu.pool.available > 0; at += 2u << 20)
        assert_int_equal(map_range(domain, at, physical, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
}

/* What the interface refuses, then each allocation under the open in turn. */
static void a_failed_open_leaves_nothing(void **state)
{
    struct driver_pool_setup setup = begin(&OPTIONS_DEFAULT), wrong = setup;
    unsigned nth = 0;
    NTSTATUS status;

    (void)state;
    wrong.memory.physical = own_pages(OWNER_TWO, LENGTH / PAGE_SIZE);
    assert_int_equal(driver_pool_open(&pool, &wrong), STATUS_ACCESS_DENIED);
    expect_closed();
    wrong = setup;
    wrong.logical = NULL;
    assert_int_equal(driver_pool_open(&pool, &wrong), STATUS_NOT_SUPPORTED);
    expect_closed();
    use_up_tables(setup.domain);
    do {
        model_fail_allocation(++nth);
        memset(&pool, 0xA5, sizeof pool);
        status = driver_pool_open(&pool, &setup);
        model_fail_allocation(0);
        if (!NT_SUCCESS(status)) {
            assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
            assert_true(nothing_is_reached());
            expect_closed();
        }
    } while (!NT_SUCCESS(status));
    assert_true(nth > 1);
    assert_true(reaches(first_id, AT, true));
    assert_int_equal(driver_pool_close(&pool), STATUS_SUCCESS);
    expect_released(&setup.memory);
}

/* With every table set aside before, no allocation can fail it, and closing gives none back. */
static void a_reserved_range_makes_opening_sure(void **state)
{
    struct driver_pool_setup setup = begin(&OPTIONS_DEFAULT), wrong;

    (void)state;
    assert_int_equal(
        on.api.ReserveLogicalAddressRange(setup.domain, LENGTH, &wanted, NULL, NULL, &setup.token),
        STATUS_SUCCESS);
    setup.domain = NULL;
    setup.logical = NULL;
    wrong = setup;
    wrong.memory.physical = own_pages(OWNER_TWO, LENGTH / PAGE_SIZE);
    assert_int_equal(driver_pool_open(&pool, &wrong), STATUS_ACCESS_DENIED);
    expect_closed();
    for (unsigned round = 0; round < 2; round++) {
        model_fail_allocation(1);
        assert_int_equal(driver_pool_open(&pool, &setup), STATUS_SUCCESS);
        model_fail_allocation(0);
        assert_int_equal(driver_pool_logical(&pool, 0), AT);
        assert_true(reaches(first_id, AT, true) && reaches(first_id, AT + LENGTH - 1, true));
        assert_false(reaches(first_id, AT + LENGTH, true) || reaches(first_id, AT, false));
        assert_int_equal(on.api.FreeReservedLogicalAddressRange(setup.token),
                         STATUS_RESOURCE_IN_USE);
        assert_int_equal(driver_pool_close(&pool), STATUS_SUCCESS);
        assert_true(nothing_is_reached());
        expect_closed();
    }
    assert_int_equal(on.api.FreeReservedLogicalAddressRange(setup.token), STATUS_SUCCESS);
    expect_released(&setup.memory);
}

/* The unit does not answer: the pool is closed all the same, and nothing is reused. */
static void a_failed_close_gives_no_access_back(void **state)
{
    struct driver_pool_setup setup = begin_open();

    (void)state;
    unit_stall(&on.unit);
    assert_int_equal(driver_pool_close(&pool), STATUS_IO_DEVICE_ERROR);
    expect_closed();
    assert_false(
        iommu_releasable(&on.iommu, OWNER_ONE, setup.memory.physical, setup.memory.length));
    assert_int_not_equal(driver_pool_open(&pool, &setup), STATUS_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_are_reached_and_nothing_else),
        cmocka_unit_test(the_allocator_may_choose),
        cmocka_unit_test(taking_and_giving_touch_nothing),
        cmocka_unit_test(wrong_gives_change_nothing),
        cmocka_unit_test(the_device_cannot_upset_the_pool),
        cmocka_unit_test(close_refuses_while_a_buffer_is_out),
        cmocka_unit_test(wrong_shapes_are_refused),
        cmocka_unit_test(a_failed_open_leaves_nothing),
        cmocka_unit_test(a_reserved_range_makes_opening_sure),
        cmocka_unit_test(a_failed_close_gives_no_access_back),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
