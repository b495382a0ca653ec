/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What only Intel VT-d has, of its driver on the modelled unit. */
#include "tests/host/domain_fixture.h"

/* Two requests before the driver starts: one recorded, one lost. */
static void leave_faults(unit_t *unit)
{
    unit->fault_record[0][0] = 0x5000;
    unit->fault_record[0][1] = UINT64_C(1) << 63 | UINT64_C(1) << 32 | FIRST_ID;
    unit->fsts = 0x3 | 0x40; /* PPF, PFO, ITE */
}

static void what_firmware_left_is_cleared(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    struct iommu_fault fault;

    (void)state;
    options.firmware = leave_faults;
    options.unit.broken.queue_delay = 50;
    start(&options);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    assert_int_equal(on.unit.fsts, 0);
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 0);
    assert_int_equal(dma(first_id, AT, true), MODEL_DMA_REFUSED);
    assert_true(irq_take(on.iommu.units[0].fault_line));
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
}

static void blocked_is_not_present(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_int_equal(model_vtd_judge(&on.unit, first_id, AT, true, NULL),
                     MODEL_VTD_ROOT_NOT_PRESENT);
    iommu_ref_t one = attached(FIRST, make(IOMMU_TRANSLATE, 0));
    assert_int_equal(model_vtd_judge(&on.unit, first_id, AT, true, NULL), MODEL_VTD_NO_WRITE);
    assert_int_equal(model_vtd_judge(&on.unit, second_id, AT, true, NULL),
                     MODEL_VTD_CONTEXT_NOT_PRESENT);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    assert_int_equal(model_vtd_judge(&on.unit, first_id, AT, true, NULL),
                     MODEL_VTD_CONTEXT_NOT_PRESENT);
    no_violation();
}

/* The default unit has one fault recording register. */
static void faults_that_were_lost_are_counted(void **state)
{
    struct iommu_fault faults[4];

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_int_equal(dma(first_id, AT + 0x123, true), MODEL_DMA_REFUSED);
    assert_int_equal(dma(second_id, AT, true), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    assert_int_equal(faults[0].requester, first_id);
    assert_int_equal(faults[0].reason, MODEL_VTD_ROOT_NOT_PRESENT);
    assert_true(faults[0].address == AT);
    assert_int_equal(on.iommu.units[0].overflows, 1);
    (void)attached(FIRST, make(IOMMU_TRANSLATE, 0));
    assert_int_equal(dma(first_id, UINT64_C(1) << 50, false), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    assert_int_equal(faults[0].kind, IOMMU_FAULT_ADDRESS_SIZE);
    no_violation();
}

static void what_a_unit_offers(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    start(&options);
    assert_true(on.iommu.pass_through);
    assert_int_equal(on.iommu.domain_ids, 65536);
    options.unit.ecap &= ~MODEL_VTD_ECAP_PT;
    options.unit.cap = MODEL_FIELD(options.unit.cap, MODEL_VTD_CAP_ND, 0);
    start(&options);
    assert_false(on.iommu.pass_through);
    assert_int_equal(on.iommu.domain_ids, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_firmware_left_is_cleared),
        cmocka_unit_test(blocked_is_not_present),
        cmocka_unit_test(faults_that_were_lost_are_counted),
        cmocka_unit_test(what_a_unit_offers),
    };

    return cmocka_run_group_tests_name("vtd", tests, NULL, NULL);
}
