/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Intel VT-d from DMAR to a unit that translates: what firmware says and what it left on. Whatever
 * fails on the way is named, and the unit is left as one that serves nobody.
 */
#include "tests/host/domain_fixture.h"

#include "arch/irq.h"

/* "Global Status Register". "Root Table Address Register": Translation Table Mode 1. */
#define TES      (UINT32_C(1) << 31)
#define RTPS     (UINT32_C(1) << 30)
#define AFLS     (UINT32_C(1) << 28)
#define QIES     (UINT32_C(1) << 26)
#define IRES     (UINT32_C(1) << 25)
#define TTM      (UINT64_C(1) << 10)
#define ITE      UINT32_C(0x40)       /* FSTS */
#define PROTECTS UINT32_C(0x80000001) /* PMEN: EPM and PRS */

#define NOT_OFF  "what firmware left on could not be turned off"

static void expect_failure(const struct options *options, const char *reason)
{
    start(options);
    assert_int_equal(on.iommu.units[0].state, UNIT_FAILED);
    assert_string_equal(on.iommu.units[0].reason, reason);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
    no_violation();
}

static void expect_active(const struct options *options)
{
    start(options);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    assert_true(model_vtd_enabled(&on.unit));
    assert_false(reaches(first_id, AT, true));
    no_violation();
}

/* ---- What firmware left on ---- */

/* It is kept until there is a new root table, so that at no time all passes. */
static void leave_translation(unit_t *unit)
{
    unit->rtaddr = unit->root = memory_physical(memory_alloc(OWNER_IOMMU, 1, 0));
    table_write_back(memory_virtual(unit->root), FRAME_SIZE);
    unit->gsts |= TES | RTPS;
}

static unsigned stores_untranslated;

static void look_at_translation(void *context, uint64_t physical, uint64_t value)
{
    (void)context;
    (void)physical;
    (void)value;
    stores_untranslated += !model_vtd_enabled(&on.unit);
}

static void leave_translation_watched(unit_t *unit)
{
    leave_translation(unit);
    stores_untranslated = 0;
    model_on_store(look_at_translation, NULL);
}

static void leave_scalable_mode(unit_t *unit)
{
    leave_translation(unit);
    unit->rtaddr |= TTM;
}

static void leave_remapping(unit_t *unit)
{
    unit->gsts |= IRES;
}

static void leave_queue(unit_t *unit)
{
    unit->iqa = memory_physical(memory_alloc(OWNER_IOMMU, 1, 0));
    unit->iqh = unit->iqt = 0x40;
    unit->gsts |= QIES;
}

/* It stands at an error that it has reported. */
static void leave_stopped_queue(unit_t *unit)
{
    leave_queue(unit);
    unit->fsts |= ITE;
}

static void leave_protected_ranges(unit_t *unit)
{
    unit->pmen = PROTECTS;
}

static void what_firmware_left_goes_off(void **state)
{
    void (*const left[])(unit_t * unit) = {leave_translation_watched, leave_scalable_mode,
                                           leave_remapping,           leave_queue,
                                           leave_stopped_queue,       leave_protected_ranges};

    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        struct options options = OPTIONS_DEFAULT;

        options.firmware = left[i];
        options.unit.cap |= MODEL_VTD_CAP_PLMR;
        options.unit.ecap |= MODEL_VTD_ECAP_IR;
        expect_active(&options);
        assert_int_equal(on.unit.gsts, TES | RTPS | QIES);
        assert_int_equal(on.unit.pmen, 0);
        assert_int_equal(on.unit.fsts & ITE, 0);
        if (left[i] == leave_translation_watched)
            assert_int_equal(stores_untranslated, 0);
    }
}

static void leave_advanced_log(unit_t *unit)
{
    unit->gsts |= AFLS;
}

static void leave_queue_that_never_ends(unit_t *unit)
{
    leave_queue(unit);
    unit->iqt += 16;
    unit->broken.queue_stuck = true;
}

static void leave_scalable_mode_for_ever(unit_t *unit)
{
    leave_scalable_mode(unit);
    unit->broken.command_delay = 1u << 31;
}

/* The model has no remapping here, and never an advanced log: it ignores commands for either. */
static void what_stays_on_is_named(void **state)
{
    void (*const left[])(unit_t * unit) = {leave_advanced_log, leave_remapping,
                                           leave_queue_that_never_ends,
                                           leave_scalable_mode_for_ever};

    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        struct options options = OPTIONS_DEFAULT;

        options.firmware = left[i];
        options.unit.ecap &= ~MODEL_VTD_ECAP_IR;
        expect_failure(&options, NOT_OFF);
    }
}

static void a_command_that_never_ends_is_named(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.unit.broken.command_delay = 1u << 31;
    expect_failure(&options, "it did not take the root table (GSTS.RTPS)");
    options.unit.cap |= UINT64_C(1) << 4; /* RWBF: the first command is WBF */
    expect_failure(&options, "it did not take the root table (GSTS.RTPS)");
    options.firmware = leave_queue;
    expect_failure(&options, NOT_OFF);
}

/* No device is told that it is served while its requests may still be refused. */
static void protected_ranges_that_stay_are_named(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.firmware = leave_protected_ranges;
    options.unit.cap |= MODEL_VTD_CAP_PLMR;
    options.unit.broken.never_prs = true;
    expect_failure(&options, "its protected memory ranges could not be turned off (PMEN.PRS)");
}

/* ---- What the machine is short of ---- */

static unsigned nth;

static void fail_allocation(unit_t *unit)
{
    (void)unit;
    model_fail_allocation(nth);
}

static void a_unit_without_memory_is_not_used(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.firmware = fail_allocation;
    for (nth = 1; nth <= 3; nth++) { /* root table, queue, status */
        expect_failure(&options, "there is no memory for its tables");
        assert_int_equal(on.unit.gsts, 0);
    }
}

static void take_all_lines(unit_t *unit)
{
    struct msi_message message;
    irq_line_t line;

    (void)unit;
    while (irq_allocate(&line, &message))
        ;
}

static void a_unit_without_an_interrupt_is_not_used(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.firmware = take_all_lines;
    expect_failure(&options, "no interrupt vector is left for its faults");
    assert_false(model_vtd_enabled(&on.unit));
}

static void fail_mapping(unit_t *unit)
{
    (void)unit;
    model_fail_mmio_map(nth);
}

/* CAP.FRO puts the records into the second page. */
static void records_may_lie_far_away(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    struct iommu_fault fault;

    (void)state;
    options.unit.cap = (options.unit.cap & ~(UINT64_C(0x3FF) << 24)) | UINT64_C(0x101) << 24;
    expect_active(&options);
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    assert_int_equal(fault.requester, first_id);
    options.firmware = fail_mapping;
    for (nth = 1; nth <= 2; nth++)
        expect_failure(&options, "its register block cannot be mapped");
}

/* ---- DMAR ---- */

struct dmar_bytes {
    uint8_t bytes[4096];
    struct acpi_table table;
};

static void begin_dmar(struct dmar_bytes *dmar, uint8_t host_address_width)
{
    memset(dmar, 0, sizeof *dmar);
    memcpy(dmar->bytes, "DMAR", 4);
    dmar->bytes[8] = 1;
    dmar->bytes[36] = (uint8_t)(host_address_width - 1);
    dmar->table = (struct acpi_table){dmar->bytes, 48};
    put_bytes(dmar->bytes, 4, 48, 4);
}

static void add_record(struct dmar_bytes *dmar, const uint64_t *words, size_t count)
{
    size_t at = dmar->table.length;

    for (size_t i = 0; i < count; i++)
        at = put_bytes(dmar->bytes, at, words[i], 8);
    put_bytes(dmar->bytes, 4, at, 4);
    dmar->table.length = at;
}

/* A DRHD for all of a segment. */
static void add_drhd(struct dmar_bytes *dmar, uint64_t base, uint16_t segment)
{
    add_record(
        dmar, (const uint64_t[]){16u << 16 | UINT64_C(1) << 32 | (uint64_t)segment << 48, base}, 2);
}

/* An RMRR for FIRST. */
static void add_rmrr(struct dmar_bytes *dmar, uint64_t base, uint64_t limit)
{
    add_record(dmar,
               (const uint64_t[]){1 | 32u << 16, base, limit, 1 | 8u << 8 | UINT64_C(2) << 48}, 4);
}

static bool discover(const struct dmar_bytes *dmar, const char **reason)
{
    power_on(&OPTIONS_DEFAULT);
    iommu_init(&on.iommu, &on.pci);
    on.iommu.announced = true;
    return unit_discover(&on.driver, &dmar->table, &on.iommu, reason);
}

static void a_table_without_a_unit_is_told(void **state)
{
    struct dmar_bytes dmar;
    const char *reason;

    (void)state;
    begin_dmar(&dmar, 48);
    assert_false(discover(&dmar, &reason));
    assert_string_equal(reason, "DMAR describes no unit");
    dmar.table.length--;
    assert_false(discover(&dmar, &reason));
    assert_string_equal(reason, "DMAR is shorter than its header");
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
}

/* A base that is not a page costs its unit; the same one twice is one unit. */
static void only_units_that_can_be_used_are_added(void **state)
{
    const uint64_t base = MODEL_VTD_DEFAULT.base;
    struct dmar_bytes dmar;
    const char *reason;

    (void)state;
    begin_dmar(&dmar, 48);
    add_drhd(&dmar, base, 0);
    add_drhd(&dmar, base, 0);
    add_drhd(&dmar, base + 0x10800, 1);
    assert_true(discover(&dmar, &reason));
    assert_int_equal(on.iommu.unit_count, 1);
    assert_true(on.iommu.units[0].base == base);
    assert_non_null(strstr(reason, "DMAR at offset"));
    assert_true(on.iommu.incomplete);
    for (uint16_t i = 0; i < FUNCTIONS; i++)
        assert_int_equal(on.iommu.endpoints[i].unit, 0);
    iommu_enable(&on.iommu);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_PARTIAL);
    assert_string_equal(on.iommu.reason, "firmware's tables may leave a unit or a device out");
}

static void units_beyond_the_last_are_left_out(void **state)
{
    struct dmar_bytes dmar;
    const char *reason;

    (void)state;
    begin_dmar(&dmar, 48);
    for (unsigned i = 0; i <= IOMMU_UNITS_MAX; i++)
        add_drhd(&dmar, MODEL_VTD_DEFAULT.base + i * UNITS_APART, (uint16_t)(IOMMU_UNITS_MAX - i));
    assert_true(discover(&dmar, &reason));
    assert_int_equal(on.iommu.unit_count, IOMMU_UNITS_MAX);
    assert_true(on.iommu.incomplete);
    assert_int_equal(on.iommu.endpoints[FIRST].unit, PCI_NONE);
    iommu_enable(&on.iommu);
    assert_int_equal(iommu_create_device(&on.iommu, OWNER_FREE, FIRST, &(iommu_ref_t){0}),
                     IOMMU_NOT_COVERED);
}

/* Of three RMRRs one ends before it begins and one lies beyond the width: neither is demanded. */
static void ranges_that_cannot_be_are_not_demanded(void **state)
{
    const uint64_t region = UINT64_C(0x01800000);
    struct dmar_bytes dmar;
    const char *reason;

    (void)state;
    begin_dmar(&dmar, 40);
    add_drhd(&dmar, MODEL_VTD_DEFAULT.base, 0);
    add_rmrr(&dmar, region + 0x2000, region + 0xFFF);
    add_rmrr(&dmar, UINT64_C(1) << 40, (UINT64_C(1) << 40) + 0xFFF);
    add_rmrr(&dmar, region, region + 0xFFF);
    assert_true(discover(&dmar, &reason));
    assert_int_equal(on.iommu.region_count, 1);
    assert_true(on.iommu.regions[0].first == region);
    assert_int_equal(on.iommu.groups[FIRST].rights[0], PT_READ_WRITE);
}

/* No entry has more than 52 bits of address, whatever DMAR says. */
static void a_width_beyond_the_entries_is_cut(void **state)
{
    static const uint8_t widths[][2] = {{39, 39}, {52, 52}, {64, 52}};
    struct options options = OPTIONS_DEFAULT;
    struct dmar_bytes dmar;

    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        begin_dmar(&dmar, widths[i][0]);
        add_drhd(&dmar, MODEL_VTD_DEFAULT.base, 0);
        start_from(&options, &dmar.table);
        assert_int_equal(on.iommu.units[0].caps.physical_width, widths[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_firmware_left_goes_off),
        cmocka_unit_test(what_stays_on_is_named),
        cmocka_unit_test(a_command_that_never_ends_is_named),
        cmocka_unit_test(protected_ranges_that_stay_are_named),
        cmocka_unit_test(a_unit_without_memory_is_not_used),
        cmocka_unit_test(a_unit_without_an_interrupt_is_not_used),
        cmocka_unit_test(records_may_lie_far_away),
        cmocka_unit_test(a_table_without_a_unit_is_told),
        cmocka_unit_test(only_units_that_can_be_used_are_added),
        cmocka_unit_test(units_beyond_the_last_are_left_out),
        cmocka_unit_test(ranges_that_cannot_be_are_not_demanded),
        cmocka_unit_test(a_width_beyond_the_entries_is_cut),
    };

    return cmocka_run_group_tests_name("vtd enable", tests, NULL, NULL);
}
