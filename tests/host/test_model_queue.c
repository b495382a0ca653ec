/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* The invalidation queue of the modelled VT-d unit judged alone: what is fetched and not done,
 * waits that are late or never end, and each error of "Hardware Handling of Queued Invalidation
 * Interface Errors". */

#include "model_fixture.h"

#define IQERCD  0xB0u
#define IQE     0x10u
#define ICE     0x20u
#define ITE     0x40u

#define CONTEXT 0x1u
#define PAGES   0x2u
#define DEVICE  0x3u
#define ENTRIES 0x4u
#define WAIT    0x5u

static void start_offering(uint64_t cap, uint64_t ecap)
{
    struct model_vtd_config config = MODEL_VTD_DEFAULT;

    config.cap |= cap;
    config.ecap |= ecap;
    config.error_record = true;
    start_with(&config);
    enable();
}

/* The unit fetched it, and may take its time until a wait has to be done. */
static void fetched_is_not_done(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    submit(DOMAIN << 16 | 0x32, IOVA);
    assert_int_equal(in64(IQH), tail);
    expect_allowed(IOVA);
    out32(GCMD, TE);
    expect_violation("QIE cleared while the queue is not drained");
    submit_wait();
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
    out32(GCMD, TE);
    assert_int_equal(in32(GSTS), TE | SRTP);
    no_violation();
}

static void waits_are_late(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    *status = 0;
    unit.broken.completion_delay = 3;
    submit(DOMAIN << 16 | 0x32, IOVA);
    submit(UINT64_C(7) << 32 | 0x25, physical(status));
    submit(0x12, 0);
    assert_int_equal(in64(IQH), tail - 16); /* past the wait, which is not done */
    assert_int_equal(*(uint32_t *)status, 0);
    expect_allowed(IOVA);
    (void)time_ns();
    (void)time_ns();
    assert_int_equal(*(uint32_t *)status, 7);
    assert_int_equal(in64(IQH), tail);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);

    unit.broken.never_completes = true;
    submit(UINT64_C(8) << 32 | 0x25, physical(status));
    model_clock_advance(NS_PER_S);
    model_clock_advance(NS_PER_S);
    assert_int_equal(in64(IQH), tail);
    assert_int_equal(*(uint32_t *)status, 7);
    no_violation();
}

/* Puts a descriptor in the place of the last one. */
static void mend(uint64_t low, uint64_t high)
{
    table_store128(&queue[(tail - 16) % 4096 / 8], low, high);
    table_fence();
    out32(FSTS, IQE);
    assert_int_equal(in64(IQH), tail);
}

static void bad_descriptors_stop_the_queue(void **state)
{
    (void)state;
    const struct {
        uint64_t low, high;
        enum model_vtd_queue_error info;
    } cases[] = {
        {0x00, 0, MODEL_VTD_BAD_TYPE},
        {0x13, 0, MODEL_VTD_BAD_TYPE}, /* no ECAP.DT */
        {0x06, 0, MODEL_VTD_BAD_TYPE},
        {0x0F, 0, MODEL_VTD_BAD_TYPE},
        {CONTEXT, 0, MODEL_VTD_BAD_FIELD},
        {CONTEXT | 0x51, 0, MODEL_VTD_BAD_FIELD},
        {0x11 | UINT64_C(1) << 50, 0, MODEL_VTD_BAD_FIELD},
        {0x11, 1, MODEL_VTD_BAD_FIELD},
        {PAGES, 0, MODEL_VTD_BAD_FIELD},
        {0x12 | 0x100, 0, MODEL_VTD_BAD_FIELD},
        {0x32, 19, MODEL_VTD_BAD_FIELD},
        {0x32, IOVA | 0x80, MODEL_VTD_BAD_FIELD},
        {ENTRIES | 0x20, 0, MODEL_VTD_BAD_FIELD},
        {WAIT | 0x100, 0, MODEL_VTD_BAD_FIELD},
        {0x25, 0x1000000 | 2, MODEL_VTD_BAD_FIELD},
    };

    start_offering(0, 0);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        submit(cases[i].low, cases[i].high);
        expect_violation("bad descriptor");
        assert_int_equal(in32(FSTS), IQE);
        assert_int_equal(in64(IQH), (tail - 16) % 4096);
        assert_int_equal(in64(IQERCD), cases[i].info);
        mend(0x12, 0);
    }
    start_with(&MODEL_VTD_DEFAULT);
    enable();
    submit(0, 0);
    expect_violation("bad descriptor");
    assert_int_equal(in64(IQERCD), 0);
}

/* What was fetched before is carried out all the same; the tail alone restarts nothing. */
static void an_error_keeps_what_was_fetched(void **state)
{
    (void)state;
    expect_allowed(IOVA);
    put(&level1[4], 0);
    submit(DOMAIN << 16 | 0x32, IOVA);
    submit(0x11 | 0x40, 0);
    expect_violation("bad descriptor");
    submit(UINT64_C(9) << 32 | 0x25, physical(status));
    assert_int_equal(in64(IQH), tail - 32);
    expect_allowed(IOVA);
    table_store64(&queue[(tail - 32) / 8], 0x11);
    table_fence();
    out32(FSTS, IQE);
    assert_int_equal(in64(IQH), tail);
    assert_int_equal(*(uint32_t *)status, 9);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
    no_violation();
}

static void descriptors_that_cannot_be_read(void **state)
{
    (void)state;
    start_offering(0, 0);
    unit.broken.descriptor_error = true;
    submit(0x12, 0);
    assert_int_equal(in32(FSTS), IQE);
    assert_int_equal(in64(IQERCD), MODEL_VTD_FETCH_ERROR);
    assert_int_equal(in64(IQH), tail - 16);
    unit.broken.descriptor_error = false;
    out32(FSTS, IQE);
    assert_int_equal(in64(IQH), tail);
    submit_wait();
    no_violation();

    out32(GCMD, TE);
    out64(IQA, 0x70000000);
    out32(GCMD, TE | QIE);
    out64(IQT, 16);
    expect_violation("the descriptor cannot be read");
    start_offering(0, 0);
    submit_wait();
    out32(GCMD, TE);
    out64(IQA, page_physical);
    out32(GCMD, TE | QIE);
    out64(IQT, 16);
    expect_violation("the queue's frame is not the driver's");
}

static void queue_is_described_wrongly(void **state)
{
    (void)state;
    start_offering(0, 0);
    out64(IQT, 4096);
    expect_violation("the tail is beyond the queue");
    assert_int_equal(in64(IQERCD), MODEL_VTD_BAD_TAIL);

    start_offering(0, 0);
    out64(IQT, tail + 8);
    expect_violation("has reserved bits");

    start_with(&MODEL_VTD_DEFAULT);
    unit.config.error_record = true;
    out64(IQA, physical(queue) | 1 << 11);
    out32(GCMD, QIE);
    out64(IQT, 16);
    expect_violation("IQA.DW without scalable mode");
    assert_int_equal(in64(IQERCD), MODEL_VTD_BAD_WIDTH);

    start_with(&MODEL_VTD_DEFAULT);
    unit.config.error_record = true;
    out64(RTADDR, physical(root) | 1 << 10);
    out64(IQA, physical(queue));
    out32(GCMD, QIE);
    out64(IQT, 16);
    expect_violation("RTADDR.TTM is not legacy mode");
    assert_int_equal(in64(IQERCD), MODEL_VTD_BAD_MODE);
}

static void larger_queue_wraps(void **state)
{
    (void)state;
    uint64_t *large = memory_alloc(OWNER_IOMMU, 2, 0);

    assert_non_null(large);
    out32(GCMD, TE);
    out64(IQA, physical(large) | 1);
    out32(GCMD, TE | QIE);
    for (unsigned i = 1; i <= 1024; i++) {
        table_store128(&large[(i - 1) % 512 * 2], 0x12, 0);
        table_fence();
        out64(IQT, i % 512 * 16);
        assert_int_equal(in64(IQH), i % 512 * 16);
    }
    no_violation();
}

static void status_goes_to_a_frame_of_the_driver(void **state)
{
    (void)state;
    submit(0x25, page_physical);
    expect_violation("wait status at");
    submit(0x25, 0x70000000);
    expect_violation("wait status at 0x70000000");
    *status = 3;
    submit(UINT64_C(4) << 32 | 0x05, physical(status)); /* SW clear */
    assert_int_equal(*status, 3);
    no_violation();
}

/* ---- Device-TLBs ---- */

static uint64_t of_device(void)
{
    return (uint64_t)SOURCE << 32 | DEVICE;
}

static void device_tlb_invalidations_are_logged(void **state)
{
    (void)state;
    start_offering(0, MODEL_VTD_ECAP_DT);
    invalidate(of_device() | 31u << 16, IOVA);
    const struct model_vtd_event *event = model_vtd_log(&unit, 0);
    assert_int_equal(event->kind, MODEL_VTD_DEVICE_TLB);
    assert_int_equal(event->source, SOURCE);
    assert_int_equal(event->address, IOVA);
    no_violation();
    submit(of_device(), IOVA | 2);
    expect_violation("bad descriptor");
    mend(0x12, 0);
    submit(of_device() | 1u << 12, IOVA); /* PFSID without ECAP.DIT */
    expect_violation("bad descriptor");
    mend(0x12, 0);
    unit.config.ecap |= UINT64_C(1) << 44;
    invalidate(of_device() | 1u << 12, IOVA | 1);
    no_violation();
}

/* The wait is aborted, nothing from the device's invalidation on is done, and the queue goes on at
 * its head when ITE is cleared. */
static void silent_devices_time_out(void **state)
{
    (void)state;
    start_offering(0, MODEL_VTD_ECAP_DT);
    expect_allowed(IOVA);
    put(&level1[4], 0);
    unit.broken.device_tlb_silent = true;
    submit(0x04, 0);
    submit(of_device(), IOVA);
    submit(DOMAIN << 16 | 0x32, IOVA);
    assert_int_equal(in32(FSTS), 0);
    submit(UINT64_C(6) << 32 | 0x25, physical(status));
    assert_int_equal(in32(FSTS), ITE);
    assert_int_equal(in64(IQH), tail);
    assert_int_equal(in64(IQERCD), (uint64_t)SOURCE << 32);
    submit(0x05, 0);
    assert_int_equal(in64(IQH), tail - 16);
    out32(FSTS, ITE);
    assert_int_equal(in32(FSTS), 0);
    assert_int_equal(in64(IQH), tail);
    assert_int_not_equal(*(uint32_t *)status, 6);
    expect_allowed(IOVA);
    assert_int_equal(model_vtd_log_kind(&unit, MODEL_VTD_INTERRUPT_ENTRIES), 1);
    invalidate(DOMAIN << 16 | 0x32, IOVA);
    expect_fault(IOVA, false, MODEL_VTD_NO_READ);
    no_violation();
}

static void wrong_answers_stop_nothing(void **state)
{
    (void)state;
    irq_line_t line;
    struct msi_message message;

    start_offering(0, MODEL_VTD_ECAP_DT);
    assert_true(irq_allocate(&line, &message));
    out32(FEDATA, message.data);
    out32(FEADDR, (uint32_t)message.address);
    out32(FECTL, 0);
    unit.broken.device_tlb_confused = true;
    invalidate(of_device(), IOVA);
    assert_int_equal(in32(FSTS), ICE);
    assert_int_equal(in64(IQERCD), (uint64_t)SOURCE << 48);
    assert_true(irq_take(line));
    invalidate(of_device(), IOVA);
    assert_false(irq_take(line));
    out32(FSTS, ICE);
    assert_int_equal(in32(FSTS), 0);
    no_violation();
}

/* TT 01b alone lets requests pass that the device translated itself. */
static void translated_requests_need_their_type(void **state)
{
    (void)state;
    uint32_t value = 0;

    start_offering(0, MODEL_VTD_ECAP_DT);
    assert_int_equal(
        model_vtd_dma_translated(&unit, SOURCE, page_physical, false, &value, sizeof(value)),
        MODEL_DMA_REFUSED);
    assert_int_equal(in64(FRCD + 8) >> 32 & 0xFF, MODEL_VTD_BLOCKED_TYPE);
    clear_faults();
    put(&contexts[2 * 0x20], physical(level4) | 1 << 2 | 1);
    invalidate_all();
    assert_int_equal(
        model_vtd_dma_translated(&unit, SOURCE, page_physical, false, &value, sizeof(value)),
        MODEL_DMA_ALLOWED);
    assert_int_equal(value, SECRET);
    expect_allowed(IOVA);
    no_violation();
    assert_int_equal(
        model_vtd_dma_translated(&unit, SOURCE, physical(root), false, &value, sizeof(value)),
        MODEL_DMA_ALLOWED);
    expect_violation("DMA of 0120");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fetched_is_not_done, set_up),
        cmocka_unit_test_setup(waits_are_late, set_up),
        cmocka_unit_test(bad_descriptors_stop_the_queue),
        cmocka_unit_test_setup(an_error_keeps_what_was_fetched, set_up),
        cmocka_unit_test(descriptors_that_cannot_be_read),
        cmocka_unit_test(queue_is_described_wrongly),
        cmocka_unit_test_setup(larger_queue_wraps, set_up),
        cmocka_unit_test_setup(status_goes_to_a_frame_of_the_driver, set_up),
        cmocka_unit_test(device_tlb_invalidations_are_logged),
        cmocka_unit_test(silent_devices_time_out),
        cmocka_unit_test(wrong_answers_stop_nothing),
        cmocka_unit_test(translated_requests_need_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
