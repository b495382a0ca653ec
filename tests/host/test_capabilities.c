/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The driver on every legal set of offers of a unit that the fixture knows, on one unit, on two and
 * on two segments: denied before, allowed while mapped, denied once unmap or detach has returned.
 */
#include "tests/host/iommu_fixture.h"

#define AT UINT64_C(0x10000000)

static const pci_bdf_t first_id = PCI_BDF(0, 2, 0), second_id = PCI_BDF(0, 3, 0);

/* The unit that SECOND is behind. */
static unit_t *second_unit(const struct options *options)
{
    return options->plan.two_units ? &on.second : &on.unit;
}

static bool passes(unit_t *unit, pci_bdf_t requester, uint64_t address, bool write)
{
    uint8_t byte = 0x5A;
    bool by_tables = unit_translate(unit, requester, address, write, NULL) == MODEL_DMA_ALLOWED;
    bool by_unit = unit_dma(unit, requester, address, write, &byte, 1) == MODEL_DMA_ALLOWED;

    assert_int_equal(by_unit, by_tables);
    return by_unit;
}

/* Both devices, each way: all or nothing. */
static void expect_reach(const struct options *options, uint64_t address, bool reached)
{
    for (unsigned write = 0; write < 2; write++) {
        assert_int_equal(passes(&on.unit, first_id, address, write), reached);
        assert_int_equal(passes(second_unit(options), second_id, address, write), reached);
    }
}

/* The last write that was let through, which may be on its way until what ends the mapping returns.
 */
static uint8_t *last_write(uint64_t memory)
{
    uint8_t *page = model_ram(memory, 1);

    *page = 0;
    assert_true(dma(first_id, AT, true) == MODEL_DMA_ALLOWED);
    return page;
}

static void one_life(const struct options *options)
{
    const uint64_t length = UINT64_C(4) << 20, last = AT + length - 1;
    PIOMMU_DMA_DOMAIN domain = new_domain();
    PIOMMU_DMA_DEVICE devices[] = {new_device(FIRST), new_device(SECOND)};
    uint64_t memory = own_pages(OWNER_ONE, length / PAGE_SIZE);

    expect_reach(options, AT, false);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(on.api.AttachDeviceEx(domain, devices[i]), STATUS_SUCCESS);
    expect_reach(options, AT, false);
    expect_reach(options, last, false);
    assert_int_equal(map_range(domain, AT, memory, length, READ_WRITE), STATUS_SUCCESS);
    expect_reach(options, AT, true);
    expect_reach(options, last, true);
    expect_reach(options, last + 1, false);
    const uint8_t *written = last_write(memory);
    assert_int_equal(unmap_range(domain, AT, PAGE_SIZE), STATUS_SUCCESS);
    assert_int_equal(*written, 0x5A);
    expect_reach(options, AT, false);
    expect_reach(options, AT + PAGE_SIZE, true);
    assert_int_equal(map_range(domain, AT, memory, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    expect_reach(options, AT, true);
    assert_int_equal(unmap_range(domain, AT + PAGE_SIZE, length - PAGE_SIZE), STATUS_SUCCESS);
    expect_reach(options, AT + PAGE_SIZE, false);
    expect_reach(options, last, false);
    expect_reach(options, AT, true);
    (void)last_write(memory);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(on.api.DetachDeviceEx(devices[i]), STATUS_SUCCESS);
    assert_int_equal(*written, 0x5A);
    expect_reach(options, AT, false);
    assert_int_equal(on.api.DeleteDomain(domain), STATUS_SUCCESS);
}

static void second_segment(void)
{
    on.pci.functions[SECOND].segment = 1;
}

enum { ONE_UNIT, TWO_UNITS, TWO_SEGMENTS, PLANS };

static struct options planned(unsigned plan)
{
    struct options options = OPTIONS_DEFAULT;

    options.plan.two_units = plan != ONE_UNIT;
    options.plan.second = plan == TWO_SEGMENTS;
    options.functions = plan == TWO_SEGMENTS ? second_segment : NULL;
    return options;
}

enum { DELAYS = 2 };

static void life_by_plan(unsigned plan, unsigned number)
{
    struct options options = planned(plan);
    unsigned left = number;

    unit_capabilities(&options.unit, &left);
    unit_set_delay(&options.unit.broken, 3 * unit_choice(&left, DELAYS));
    options.unit.broken.writes_linger = unit_drains(&options.unit);
    start(&options);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    assert_int_equal(on.iommu.unit_count, plan == ONE_UNIT ? 1 : 2);
    one_life(&options);
    if (model_violations())
        fail_msg("capabilities %u, plan %u: %s", number, plan, model_violation_text(0));
}

static void life_on_every_legal_unit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < UNIT_CAPABILITIES * DELAYS; i++)
        for (unsigned plan = 0; plan < PLANS; plan++)
            life_by_plan(plan, i);
}

/* ---- At every store ---- */

static struct {
    uint64_t pages[2]; /* at AT in either domain */
    unsigned allowed;
    bool looking;
} moment;

/* The device reaches one of the two pages, or nothing; another device, or address, never. */
static void look(void *context, uint64_t physical, uint64_t value)
{
    static const uint8_t mark = 0xA5;
    uint8_t byte = mark;

    (void)context;
    (void)physical;
    (void)value;
    if (moment.looking)
        return;
    moment.looking = true;
    if (unit_dma(&on.unit, first_id, AT, true, &byte, 1) == MODEL_DMA_ALLOWED) {
        uint8_t *pages[] = {model_ram(moment.pages[0], 1), model_ram(moment.pages[1], 1)};

        assert_true(*pages[0] == mark || *pages[1] == mark);
        *pages[0] = *pages[1] = 0;
        moment.allowed++;
    }
    assert_int_not_equal(unit_dma(&on.unit, first_id, AT + PAGE_SIZE, true, &byte, 1),
                         MODEL_DMA_ALLOWED);
    assert_int_not_equal(unit_dma(&on.unit, second_id, AT, true, &byte, 1), MODEL_DMA_ALLOWED);
    moment.looking = false;
}

static void move_between_domains(void)
{
    PIOMMU_DMA_DOMAIN domains[] = {new_domain(), new_domain()};
    PIOMMU_DMA_DEVICE device = new_device(FIRST);

    memset(&moment, 0, sizeof moment);
    for (unsigned i = 0; i < 2; i++) {
        moment.pages[i] = own_pages(OWNER_ONE, 1);
        assert_int_equal(map_range(domains[i], AT, moment.pages[i], PAGE_SIZE, READ_WRITE),
                         STATUS_SUCCESS);
    }
    model_on_store(look, NULL);
    for (unsigned round = 0; round < 4; round++) {
        assert_int_equal(on.api.AttachDeviceEx(domains[round % 2], device), STATUS_SUCCESS);
        assert_true(dma(first_id, AT, true) == MODEL_DMA_ALLOWED);
        assert_int_equal(on.api.DetachDeviceEx(device), STATUS_SUCCESS);
        assert_true(dma(first_id, AT, true) != MODEL_DMA_ALLOWED);
    }
    model_on_store(NULL, NULL);
    assert_true(moment.allowed > 0);
    no_violation();
}

static void nothing_else_is_reached_at_any_store(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof unit_kinds / sizeof *unit_kinds; i++)
        for (unsigned tear = 0; tear <= UNIT_TEARS; tear++)
            for (unsigned changes = 1; changes <= (tear ? 8 : 1); changes++) {
                struct options options = {.unit = unit_kinds[i]};

                unit_set_tear(&options.unit.broken, tear, changes);
                start(&options);
                move_between_domains();
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life_on_every_legal_unit),
        cmocka_unit_test(nothing_else_is_reached_at_any_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
