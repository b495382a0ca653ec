/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What only Intel VT-d has, of its driver on the modelled unit. */
#include "tests/host/domain_fixture.h"

/* Three requests before the driver starts: two recorded, one lost. */
static void leave_faults(unit_t *unit)
{
    unit->fault_record[0][0] = 0x5000;
    unit->fault_record[0][1] = UINT64_C(1) << 63 | UINT64_C(1) << 32 | FIRST_ID;
    unit->fault_record[1][0] = 0x6000;
    unit->fault_record[1][1] = UINT64_C(1) << 63 | UINT64_C(1) << 32 | FIRST_ID;
    unit->fsts = 0x3 | 0x40; /* PPF, PFO, ITE */
}

static void what_firmware_left_is_cleared(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    struct iommu_fault fault;

    (void)state;
    options.firmware = leave_faults;
    options.unit.cap = MODEL_FIELD(options.unit.cap, MODEL_VTD_CAP_NFR, 1);
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

static void put_record(uint32_t reason, bool read)
{
    on.unit.fault_record[0][0] = AT;
    on.unit.fault_record[0][1] =
        UINT64_C(1) << 63 | (uint64_t)read << 62 | (uint64_t)reason << 32 | SECOND_ID;
    on.unit.fsts |= 2; /* PPF */
}

/* "Non-Recoverable Fault Encodings", legacy mode, and what is none of it. */
static void every_reason_is_decoded(void **state)
{
    static const struct {
        uint32_t reason;
        enum iommu_fault_kind kind;
        const char *text;
    } cases[] = {
        {0x1, IOMMU_FAULT_TRANSLATION, "Present bit in root entry is clear"},
        {0x2, IOMMU_FAULT_TRANSLATION, "Present bit in context entry is clear"},
        {0x3, IOMMU_FAULT_EXTERNAL, "Invalid context entry"},
        {0x4, IOMMU_FAULT_ADDRESS_SIZE, "Access beyond the address width"},
        {0x5, IOMMU_FAULT_PERMISSION, "Write permission is not set"},
        {0x6, IOMMU_FAULT_PERMISSION, "Read permission is not set"},
        {0x7, IOMMU_FAULT_EXTERNAL, "Next-level paging entry cannot be read"},
        {0x8, IOMMU_FAULT_EXTERNAL, "Root table cannot be read"},
        {0x9, IOMMU_FAULT_EXTERNAL, "Context table cannot be read"},
        {0xA, IOMMU_FAULT_EXTERNAL, "Reserved bits set in root entry"},
        {0xB, IOMMU_FAULT_EXTERNAL, "Reserved bits set in context entry"},
        {0xC, IOMMU_FAULT_EXTERNAL, "Reserved bits set in paging entry"},
        {0xD, IOMMU_FAULT_UNSUPPORTED, "Translation requests are blocked"},
        {0xE, IOMMU_FAULT_EXTERNAL, "Output address in the interrupt range"},
        {0x0, IOMMU_FAULT_EXTERNAL, "Unknown reason"},
        {0xF, IOMMU_FAULT_EXTERNAL, "Unknown reason"},
        {0xFF, IOMMU_FAULT_EXTERNAL, "Unknown reason"},
    };
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct iommu_unit *unit = &on.iommu.units[0];

        put_record(cases[i].reason, i % 2);
        assert_int_equal(unit->ops->drain(unit, &fault, 1), 1);
        assert_int_equal(fault.reason, cases[i].reason);
        assert_int_equal(fault.kind, cases[i].kind);
        assert_string_equal(fault.reason_text, cases[i].text);
        assert_string_equal(fault.source, "DMAR");
        assert_int_equal(fault.requester, second_id);
        assert_true(fault.address == AT && fault.write == !(i % 2));
        assert_int_equal(unit->ops->drain(unit, &fault, 1), 0);
    }
    no_violation();
}

/* Records before the overflow flag: it goes when a look had room for all of them. */
static void a_look_takes_what_it_has_room_for(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    struct iommu_fault faults[4];

    (void)state;
    options.unit.cap = MODEL_FIELD(options.unit.cap, MODEL_VTD_CAP_NFR, 1);
    start(&options);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(dma((pci_bdf_t)(first_id + 8 * i), AT, true), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 0), 0);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 1), 1);
    assert_int_equal(faults[0].requester, first_id);
    assert_int_equal(on.iommu.units[0].overflows, 0);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    assert_int_equal(faults[0].requester, second_id);
    assert_int_equal(on.iommu.units[0].overflows, 1);
    assert_int_equal(dma(first_id, AT, true), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    no_violation();
}

static void a_unit_that_is_gone_has_no_faults(void **state)
{
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_int_equal(dma(first_id, AT, true), MODEL_DMA_REFUSED);
    on.unit.broken.presence = MODEL_VTD_ALL_ONES;
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 0);
    on.unit.broken.presence = MODEL_VTD_PRESENT;
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
}

/* Words of FIRST's context entry in the order of their stores. */
static struct {
    unsigned words[4], count, present;
} stored;

static void look_at_entry(void *context, uint64_t physical, uint64_t value)
{
    const struct vtd_entry *root = model_ram(on.unit.root, PAGE);
    uint64_t at = (root[PCI_BUS(first_id)].low & ENTRY_ADDRESS) + (first_id & 0xFF) * 16u;

    (void)context;
    if (physical - at >= 16)
        return;
    assert_in_range(stored.count, 0, 3);
    stored.words[stored.count++] = (unsigned)(physical - at) / 8;
    stored.present += physical == at && value & ENTRY_P;
}

static void expect_stores(unsigned count, unsigned first, unsigned second, unsigned third)
{
    const unsigned words[] = {first, second, third};

    assert_int_equal(stored.count, count);
    assert_memory_equal(stored.words, words, count * sizeof *words);
    stored.count = 0;
}

/* The half with Present is stored last, and taken away first; the rest goes when nobody looks. */
static void entries_are_whole_while_present(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    memset(&stored, 0, sizeof stored);
    model_on_store(look_at_entry, NULL);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_OK);
    expect_stores(2, 1, 0, 0);
    assert_int_equal(stored.present, 1);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    expect_stores(3, 0, 0, 1);
    assert_int_equal(stored.present, 1);
    no_violation();
}

/* "IOTLB Invalidate Descriptor": bits 6 and 7 are Drain Writes and Drain Reads. */
static struct {
    unsigned descriptors, drains;
    uint64_t addresses;
} flushed;

static void look_at_queue(void *context, uint64_t physical, uint64_t value)
{
    static bool flush;

    (void)context;
    if (physical >> 12 != on.unit.iqa >> 12)
        return;
    if (physical % 16) {
        flushed.addresses |= flush ? value : 0;
        return;
    }
    flush = (value & 0xF) == 2;
    flushed.descriptors += flush;
    flushed.drains |= flush ? value >> 6 & 3 : 0;
}

/* What is in flight when a range or a device goes has landed when the call returns. */
static void requests_in_flight_are_drained(void **state)
{
    (void)state;
    for (unsigned offered = 0; offered < 4; offered++) {
        struct options options = OPTIONS_DEFAULT;

        options.unit.cap = (options.unit.cap & ~(UINT64_C(3) << 54)) | (uint64_t)offered << 54;
        start(&options);
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
        memset(&flushed, 0, sizeof flushed);
        model_on_store(look_at_queue, NULL);
        iommu_ref_t one = attached(FIRST, domain);
        assert_int_equal(flushed.descriptors, 1);
        assert_int_equal(map_at(domain, AT, own_pages(OWNER_ONE, 1), PAGE), IOMMU_OK);
        assert_int_equal(unmap_at(domain, AT, PAGE), IOMMU_OK);
        assert_int_equal(flushed.descriptors, 2);
        assert_int_equal(flushed.drains, offered);
        assert_true(flushed.addresses >> 12 == AT >> 12);
        flushed.addresses = 0;
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
        assert_int_equal(flushed.descriptors, 3);
        assert_true(flushed.addresses == 0);
        assert_int_equal(flushed.drains, offered);
        no_violation();
    }
}

/* "Invalidation Descriptors": the first words of what a unit was told, but for waits. */
static struct {
    uint64_t words[8];
    unsigned count;
} told;

static void take_descriptor(void *unit, uint64_t physical, uint64_t value)
{
    const unit_t *model = unit;

    if (physical >> 12 != model->iqa >> 12 || physical % 16 || (value & 0xF) == 5)
        return;
    assert_in_range(told.count, 0, 7);
    told.words[told.count++] = value;
}

static void watch_queue(unit_t *unit)
{
    told.count = 0;
    model_on_store(take_descriptor, unit);
}

static void was_told(uint64_t first, uint64_t second)
{
    assert_int_equal(told.count, 2);
    assert_true(told.words[0] == first && told.words[1] == second);
    told.count = 0;
}

/* Both caches at once: of everything, of what was not present, of one device. */
static void what_a_unit_is_told(void **state)
{
    const uint64_t source = (uint64_t)first_id << 32, drains = 3 << 6;

    (void)state;
    for (unsigned caching = 0; caching < 2; caching++) {
        struct options options = OPTIONS_DEFAULT;

        unit_set_caching(&options.unit, caching);
        options.firmware = watch_queue;
        start(&options);
        was_told(0x11, 0x12 | drains);
        iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(FIRST);
        uint64_t id = (uint64_t)iommu_domain_slot(&on.iommu, domain)->id << 16;
        assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_OK);
        was_told(caching ? 0x11 : 0x31 | source, 0x22 | drains | id);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
        was_told(0x31 | source | id, 0x22 | drains | id);
    }
}

static void what_a_unit_offers(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    start(&options);
    assert_int_equal(on.iommu.units[0].length, 0x1000);
    assert_true(on.iommu.pass_through);
    assert_int_equal(on.iommu.domain_ids, 65536);
    options.unit.ecap &= ~MODEL_VTD_ECAP_PT;
    options.unit.cap = MODEL_FIELD(options.unit.cap, MODEL_VTD_CAP_ND, 0);
    start(&options);
    assert_false(on.iommu.pass_through);
    assert_int_equal(on.iommu.domain_ids, 16);
    for (unsigned large = 0; large < 4; large++) {
        static const uint8_t leaves[] = {0x2, 0x6, 0x2, 0xE};

        options.unit.cap = MODEL_FIELD(options.unit.cap, MODEL_VTD_CAP_SLLPS, large);
        start(&options);
        assert_int_equal(on.iommu.geometry.leaf_levels, leaves[large]);
    }
    for (unsigned sagaw = 0x4; sagaw < 0x10; sagaw += 0x2) { /* bit n: n + 2 levels */
        options.unit.cap = MODEL_FIELD(options.unit.cap, MODEL_VTD_CAP_SAGAW, sagaw | 0x4);
        start(&options);
        assert_int_equal(on.iommu.units[0].caps.levels, (sagaw | 0x4) << 2);
    }
}

static void expect_refused(const struct options *options, const char *reason)
{
    start(options);
    assert_int_equal(on.iommu.units[0].state, UNIT_FAILED);
    assert_string_equal(on.iommu.units[0].reason, reason);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
}

static void a_unit_must_have_what_is_used(void **state)
{
    const uint64_t queue = UINT64_C(1) << 1, depths = UINT64_C(0x1F) << 8;
    const uint64_t records = UINT64_C(0x3FF) << 24, on_other_registers = UINT64_C(9) << 24;
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.unit.broken.presence = MODEL_VTD_ALL_ONES;
    expect_refused(&options, "its registers read all ones");
    options.unit.broken.presence = MODEL_VTD_ALL_ZEROS;
    expect_refused(&options, "its registers read all zeros");
    options = OPTIONS_DEFAULT;
    options.unit.cap = 0;
    expect_refused(&options, "its registers read all zeros");
    options = OPTIONS_DEFAULT;
    options.unit.ecap = 0;
    expect_refused(&options, "its registers read all zeros");
    options = OPTIONS_DEFAULT;
    options.unit.ecap = UINT64_MAX;
    expect_refused(&options, "its registers read all ones");
    options = OPTIONS_DEFAULT;
    options.unit.ecap &= ~queue;
    expect_refused(&options, "it has no queued invalidation");
    options = OPTIONS_DEFAULT;
    options.unit.cap &= ~depths;
    expect_refused(&options, "it has no DMA translation (no supported guest address width)");
    options = OPTIONS_DEFAULT;
    options.unit.cap = (options.unit.cap & ~records) | on_other_registers;
    expect_refused(&options,
                   "its fault recording registers lie on others or outside its register block");
}

/* No more than the first page and the fault recording registers. */
static void registers_are_mapped_to_their_end(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    for (unsigned records = 1; records <= 256; records++) {
        const uint64_t first = records % 2 ? 0xF00 : 0xFF0;
        const uint64_t end = first + records * 16;

        options.unit.cap &= ~(UINT64_C(0xFF) << 40 | UINT64_C(0x3FF) << 24);
        options.unit.cap |= (uint64_t)(records - 1) << 40 | first / 16 << 24;
        start(&options);
        assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
        assert_int_equal(on.driver.units[0].mmio.length, end > 0x1000 ? end : 0x1000);
    }
}

static void a_snapshot_tells_what_is_on(void **state)
{
    struct vtd_snapshot snapshot;
    struct mmio mmio;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_true(mmio_map(on.unit.config.base, PAGE_SIZE, &mmio));
    assert_true(vtd_snapshot(&mmio, &snapshot));
    assert_true(snapshot.te && snapshot.qie && !snapshot.ire && !snapshot.pmr);
    on.unit.config.cap |= MODEL_VTD_CAP_PLMR;
    on.unit.pmen = 1; /* PRS */
    on.unit.gsts |= UINT32_C(1) << 25;
    assert_true(vtd_snapshot(&mmio, &snapshot));
    assert_true(snapshot.ire && snapshot.pmr);
    on.unit.broken.presence = MODEL_VTD_ALL_ONES;
    assert_false(vtd_snapshot(&mmio, &snapshot));
    assert_false(snapshot.te || snapshot.qie);
    on.unit.broken.presence = MODEL_VTD_ALL_ZEROS;
    assert_false(vtd_snapshot(&mmio, &snapshot));
}

static void a_snapshot_holds_what_the_registers_say(void **state)
{
    struct vtd_snapshot snapshot;
    struct mmio mmio;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_true(mmio_map(on.unit.config.base, PAGE_SIZE, &mmio));
    on.unit.fsts = 3;
    on.unit.fault_record[0][1] = UINT64_C(1) << 63;
    assert_true(vtd_snapshot(&mmio, &snapshot));
    assert_int_equal(snapshot.version, mmio_read32(&mmio, (reg32_t){0}));
    assert_int_equal(snapshot.cap, on.unit.config.cap);
    assert_int_equal(snapshot.ecap, on.unit.config.ecap);
    assert_int_equal(snapshot.root, on.unit.rtaddr);
    assert_int_equal(snapshot.fault_status, 3);
    assert_int_equal(snapshot.records, (on.unit.config.cap >> 40 & 0xFF) + 1);
    assert_int_equal(snapshot.recorded, 1);
    assert_int_equal(on.unit.fault_record[0][1] >> 63, 1); /* left as it was */
    on.unit.config.cap |= UINT64_C(0x3FF) << 24;           /* beyond the window */
    assert_true(vtd_snapshot(&mmio, &snapshot));
    assert_int_equal(snapshot.records, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_firmware_left_is_cleared),
        cmocka_unit_test(blocked_is_not_present),
        cmocka_unit_test(faults_that_were_lost_are_counted),
        cmocka_unit_test(every_reason_is_decoded),
        cmocka_unit_test(a_look_takes_what_it_has_room_for),
        cmocka_unit_test(a_unit_that_is_gone_has_no_faults),
        cmocka_unit_test(entries_are_whole_while_present),
        cmocka_unit_test(requests_in_flight_are_drained),
        cmocka_unit_test(what_a_unit_is_told),
        cmocka_unit_test(what_a_unit_offers),
        cmocka_unit_test(a_unit_must_have_what_is_used),
        cmocka_unit_test(registers_are_mapped_to_their_end),
        cmocka_unit_test(a_snapshot_tells_what_is_on),
        cmocka_unit_test(a_snapshot_holds_what_the_registers_say),
    };

    return cmocka_run_group_tests_name("vtd", tests, NULL, NULL);
}
