/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * AMD-Vi: bring-up where the machine is short of something, and a unit without a function of its
 * own. What can be done without, as the event log, is done without and said; all else ends it.
 */
#define UNIT_AMDVI
#include "tests/host/domain_fixture.h"

#include "arch/irq.h"
#include "tests/host/log_capture.h"

/* "IOMMU MMIO Registers": Status. */
#define OVERFLOWED  0x01u
#define LOG_RUNS    0x08u
#define BUFFER_RUNS 0x10u

static uint64_t was_forwarded;

static void expect_failure(const struct options *options, const char *reason)
{
    start(options);
    assert_int_equal(on.iommu.units[0].state, UNIT_FAILED);
    assert_string_equal(on.iommu.units[0].reason, reason);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
    assert_false(model_amdvi_enabled(&on.unit));
}

static void start_without(void (*firmware)(unit_t *unit), const char *line)
{
    struct options options = OPTIONS_DEFAULT;

    options.firmware = firmware;
    assert_true(log_capture_start());
    start(&options);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    assert_true(log_has(line));
    no_violation();
}

/* A device works and another does not, whether or not that is told. */
static void expect_guarded(void)
{
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);

    (void)attached(FIRST, domain);
    assert_int_equal(map_at(domain, AT, own_pages(OWNER_ONE, 1), PAGE), IOMMU_OK);
    assert_true(reaches(first_id, AT, true));
    assert_false(reaches(second_id, AT, true));
    no_violation();
}

/* ---- Short of something ---- */

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
    for (nth = 1; nth <= 4; nth++) /* empty table, device table, ring, status */
        expect_failure(&options, "there is no memory for its tables");
}

static void a_unit_without_a_log_is_used(void **state)
{
    struct iommu_fault fault;

    (void)state;
    nth = 5;
    start_without(fail_allocation, "its event log does not run: refusals go unreported");
    expect_guarded();
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 0);
}

static void fail_mapping(unit_t *unit)
{
    (void)unit;
    model_fail_mmio_map(1);
}

static void a_unit_out_of_reach_is_not_used(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.firmware = fail_mapping;
    expect_failure(&options, "its register block cannot be mapped");
}

static void never_stop(unit_t *unit)
{
    unit->status |= BUFFER_RUNS;
}

static void a_buffer_that_never_stops_is_named(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.firmware = never_stop;
    expect_failure(&options, "what firmware left on could not be turned off");
}

/* ---- Interrupts ---- */

static void take_all_lines(unit_t *unit)
{
    struct msi_message message;
    irq_line_t line;

    (void)unit;
    while (irq_allocate(&line, &message))
        ;
}

static void take_msi_away(unit_t *unit)
{
    (void)unit;
    on.pci.functions[on.pci.count - 1].msi = 0;
    was_forwarded = model_irq_lines();
}

/* IVRS names a function that is not there. */
static void take_function_away(unit_t *unit)
{
    (void)unit;
    on.pci.count--;
}

static void a_log_without_an_interrupt_is_looked_at(void **state)
{
    void (*const firmware[])(unit_t * unit) = {take_all_lines, take_msi_away, take_function_away};
    struct iommu_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof firmware / sizeof *firmware; i++) {
        start_without(firmware[i], "no interrupt tells of its events");
        assert_int_equal(on.iommu.units[0].fault_line, IRQ_NONE);
        if (firmware[i] == take_msi_away)
            assert_int_equal(model_irq_lines(), was_forwarded);
        expect_guarded();
        assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
        assert_int_equal(fault.requester, second_id);
    }
}

/* What the capability block would say, IVRS says; that not-present entries are not cached, nobody
 * does. */
static void a_unit_without_its_function_is_what_ivrs_says(void **state)
{
    static const struct {
        unsigned physical, virtual;
        uint8_t physical_width, width;
    } cases[] = {{40, 40, 40, 40}, {52, 64, 52, 52}, {0, 0, 52, 52}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options options = OPTIONS_DEFAULT;

        options.firmware = take_function_away;
        options.unit.efr = MODEL_AMDVI_EFR_IASUP | AMDVI_HATS(5);
        options.unit.physical_width = cases[i].physical;
        options.unit.virtual_width = cases[i].virtual;
        start(&options);
        const struct iommu_unit_caps *caps = &on.iommu.units[0].caps;
        assert_int_equal(caps->physical_width, cases[i].physical_width);
        assert_int_equal(caps->width, cases[i].width);
        assert_true(caps->flush_on_map);
    }
}

/* What is there is no Miscellaneous Information Register. */
static void tell_no_sizes(unit_t *unit)
{
    ecam_set32(unit->config.function, unit->config.capability_offset + 0x10u, 0);
}

/* Miscellaneous Information Register: PASize, VASize. */
static void tell_other_sizes(unit_t *unit)
{
    ecam_set32(unit->config.function, unit->config.capability_offset + 0x10u, 41 << 15 | 40 << 8);
}

static void a_unit_is_what_its_function_says(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.firmware = tell_other_sizes;
    options.unit.physical_width = 48;
    options.unit.virtual_width = 48;
    start(&options);
    assert_int_equal(on.iommu.units[0].caps.physical_width, 40);
    assert_int_equal(on.iommu.units[0].caps.width, 41);
}

/* Capability Header: neither extended features nor sizes are told. */
static void a_unit_of_the_first_kind(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.firmware = tell_no_sizes;
    options.unit.capability &= ~(MODEL_AMDVI_CAP_EFRSUP | MODEL_AMDVI_CAP_EXT);
    options.unit.efr = 0;
    options.unit.physical_width = 40;
    options.unit.virtual_width = 40;
    start(&options);
    assert_int_equal(on.iommu.units[0].caps.width, 40);
    assert_int_equal(on.iommu.units[0].caps.levels, (2u << 4) - 4);
    expect_guarded();
}

/* ---- A log that is lost ---- */

static void overflow(void)
{
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(dma(second_id, AT, true), MODEL_DMA_REFUSED);
    assert_true(on.unit.status & OVERFLOWED);
}

static unsigned drain_all(void)
{
    struct iommu_fault faults[64];
    unsigned total = 0, count;

    while ((count = iommu_drain_faults(&on.iommu, faults, 64)) != 0)
        total += count;
    return total;
}

/* After an overflow it is stopped and started again, or else given up. */
static void a_log_that_does_not_obey_is_given_up(void **state)
{
    (void)state;
    for (unsigned never_stops = 0; never_stops < 2; never_stops++) {
        start(&OPTIONS_DEFAULT);
        overflow();
        assert_true(log_capture_start());
        on.unit.status |= never_stops ? LOG_RUNS : 0;
        on.unit.broken.never_logs = !never_stops;
        assert_int_equal(drain_all(), 255);
        assert_true(log_has(never_stops ? "its event log does not stop: refusals go unreported"
                                        : "its event log does not run: refusals go unreported"));
        on.unit.broken.never_logs = false;
        expect_guarded();
        assert_int_equal(drain_all(), 0);
        assert_int_equal(on.iommu.units[0].overflows, 1); /* nobody looks at it any more */
        assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    }
}

/* A command that fails later is told of without it. */
static void a_stop_without_a_log_has_no_event(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    overflow();
    on.unit.broken.never_logs = true;
    assert_int_equal(drain_all(), 255);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain);
    assert_int_equal(map_at(domain, AT, own_pages(OWNER_ONE, 1), PAGE), IOMMU_OK);
    on.unit.broken.command_error = MODEL_AMDVI_MASTER_ABORT;
    assert_true(log_capture_start());
    assert_int_equal(unmap_at(domain, AT, PAGE), IOMMU_FAILED);
    assert_true(log_has("(no event): not restarted"));
    assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
}

/* ---- What is on ---- */

static void a_snapshot_tells_what_is_on(void **state)
{
    struct amdvi_snapshot snapshot;
    struct mmio mmio;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_true(mmio_map(on.unit.config.base, UNIT_REGISTERS, &mmio));
    assert_true(amdvi_snapshot(&mmio, &snapshot));
    assert_true(snapshot.enabled && snapshot.command_buffer && snapshot.event_log);
    on.unit.control = 0;
    assert_true(amdvi_snapshot(&mmio, &snapshot));
    assert_false(snapshot.enabled || snapshot.command_buffer || snapshot.event_log);
    on.unit.broken.all_ones = true;
    assert_false(amdvi_snapshot(&mmio, &snapshot));
    assert_false(snapshot.enabled || snapshot.command_buffer || snapshot.event_log);
}

static void a_snapshot_holds_what_the_registers_say(void **state)
{
    struct amdvi_snapshot snapshot;
    struct mmio mmio;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_true(mmio_map(on.unit.config.base, UNIT_REGISTERS, &mmio));
    on.unit.event_head = 4080;
    on.unit.event_tail = 32; /* it has gone around */
    assert_true(amdvi_snapshot(&mmio, &snapshot));
    assert_int_equal(snapshot.efr, mmio_read64(&mmio, (reg64_t){0x30}));
    assert_int_equal(snapshot.control, on.unit.control);
    assert_int_equal(snapshot.status, mmio_read32(&mmio, (reg32_t){0x2020}));
    assert_int_equal(snapshot.device_table, on.unit.device_table & UINT64_C(0xFFFFFFFFFF000));
    assert_int_equal(snapshot.device_table_size, ((on.unit.device_table & 0x1FF) + 1) * 4096);
    assert_int_equal(snapshot.events, 256);
    assert_int_equal(snapshot.unread, 3);
    assert_int_equal(on.unit.event_head, 4080); /* left as it was */
    on.unit.event_base = 0;                     /* nobody has set a log up */
    assert_true(amdvi_snapshot(&mmio, &snapshot));
    assert_int_equal(snapshot.events + snapshot.unread, 0);
}

/* All ones are no status, and no event. */
static void a_unit_that_is_gone_has_no_events(void **state)
{
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_false(reaches(first_id, AT, true));
    on.unit.broken.all_ones = true;
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 0);
    on.unit.broken.all_ones = false;
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    assert_int_equal(on.iommu.units[0].overflows, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_without_memory_is_not_used),
        cmocka_unit_test(a_unit_without_a_log_is_used),
        cmocka_unit_test(a_unit_out_of_reach_is_not_used),
        cmocka_unit_test(a_buffer_that_never_stops_is_named),
        cmocka_unit_test(a_log_without_an_interrupt_is_looked_at),
        cmocka_unit_test(a_unit_without_its_function_is_what_ivrs_says),
        cmocka_unit_test(a_unit_is_what_its_function_says),
        cmocka_unit_test(a_unit_of_the_first_kind),
        cmocka_unit_test(a_log_that_does_not_obey_is_given_up),
        cmocka_unit_test(a_stop_without_a_log_has_no_event),
        cmocka_unit_test(a_snapshot_tells_what_is_on),
        cmocka_unit_test(a_snapshot_holds_what_the_registers_say),
        cmocka_unit_test(a_unit_that_is_gone_has_no_events),
    };

    return cmocka_run_group_tests_name("amdvi enable", tests, NULL, NULL);
}
