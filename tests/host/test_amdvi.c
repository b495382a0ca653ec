/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What only AMD-Vi has, of its driver on the modelled unit: device table, bring-up, event log. */
#define UNIT_AMDVI
#include "tests/host/domain_fixture.h"

#define WINDOW     UINT64_C(0xFEE00000)
#define EVENT_SIZE 16u
#define LOG_EVENTS 255u /* of 256 entries; one stays free */

/* "IOMMU MMIO Registers". */
#define DEV_TAB      0x00u
#define CMD_BASE     0x08u
#define EVT_BASE     0x10u
#define CONTROL      0x18u
#define EXCL_BASE    0x20u
#define EXCL_LIMIT   0x28u
#define STATUS       0x2020u
#define OLD_RING     (UINT64_C(8) << 56)
#define IOMMU_EN     0x0001u
#define EVENT_LOG_EN 0x0004u
#define EVENT_INT_EN 0x0008u
#define WAIT_INT_EN  0x0010u
#define PASS_PW      0x0100u
#define COHERENT     0x0400u
#define CMD_BUF_EN   0x1000u
#define LOG_RUNS     0x08u

/* "IO_PAGE_FAULT Event Log Entry", first quadword. */
#define PR (UINT64_C(1) << 52)
#define RW (UINT64_C(1) << 53)
#define PE (UINT64_C(1) << 54)
#define RZ (UINT64_C(1) << 55)

static uint64_t *entry_of(pci_bdf_t requester)
{
    return model_ram(unit_frame(&on.unit) + requester * 32u, 32);
}

static unsigned drain_all(struct iommu_fault *last)
{
    struct iommu_fault faults[8];
    unsigned total = 0, count;

    while ((count = iommu_drain_faults(&on.iommu, faults, 8)) != 0) {
        total += count;
        *last = faults[count - 1];
    }
    return total;
}

struct ivrs_bytes {
    uint8_t bytes[UNIT_TABLE_MAX];
    struct acpi_table table;
};

/* One unit, with two device entries or (the other is 0) one. */
static struct acpi_table *make_table(struct ivrs_bytes *ivrs, const struct options *options,
                                     uint64_t entry, uint64_t other)
{
    const struct unit_plan plan = {0};

    (void)unit_table(ivrs->bytes, &options->unit, &plan);
    size_t length = put_ivhd(ivrs->bytes, 48, &options->unit, 0, entry, other);
    put_bytes(ivrs->bytes, 4, length, 4);
    ivrs->table = (struct acpi_table){ivrs->bytes, length};
    return &ivrs->table;
}

/* ---- Device table ---- */

static struct {
    unsigned looks;
    bool blocked;
} at_enable;

/* The first store after IommuEn is a command. */
static void look_at_table(void *context, uint64_t physical, uint64_t value)
{
    (void)context;
    (void)physical;
    (void)value;
    if (!model_amdvi_enabled(&on.unit) || at_enable.looks++)
        return;
    for (unsigned id = 0; id < 65536; id++)
        at_enable.blocked &= unit_blocks(&on.unit, (pci_bdf_t)id);
}

static void watch_enable(unit_t *unit)
{
    (void)unit;
    at_enable.looks = 0;
    at_enable.blocked = true;
    model_on_store(look_at_table, NULL);
}

static void all_is_blocked_before_it_counts(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    struct ivrs_bytes ivrs;

    (void)state;
    options.firmware = watch_enable;
    start_from(&options, make_table(&ivrs, &options, AMDVI_ENTRY(IVRS_ALL, 0, 0), 0));
    assert_true(at_enable.looks && at_enable.blocked);
    assert_false(reaches(PCI_BDF(0x50, 0, 0), AT, false));
    no_violation();
}

/* IVHD: "Flags"; IOMMU Control Register: HtTunEn, PassPW, ResPassPW, Isoc. */
static void links_are_set_as_ivhd_says(void **state)
{
    static const struct {
        uint8_t flag;
        unsigned bit;
    } rows[] = {{0x01, 1}, {0x02, 8}, {0x04, 9}, {0x08, 11}};
    struct options options = OPTIONS_DEFAULT;
    struct ivrs_bytes ivrs;
    uint64_t all = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        all |= UINT64_C(1) << rows[i].bit;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)make_table(&ivrs, &options, AMDVI_ENTRY(IVRS_ALL, 0, 0), 0);
        ivrs.bytes[48 + 1] = rows[i].flag;
        start_from(&options, &ivrs.table);
        assert_int_equal(on.unit.control & all, UINT64_C(1) << rows[i].bit);
        no_violation();
    }
}

/* Up to the end of the last bus that table or inventory knows; beyond it nobody gets through. */
static void the_table_is_as_long_as_needed(void **state)
{
    static const struct {
        uint64_t entries[2];
        unsigned buses;
    } cases[] = {
        {{AMDVI_ENTRY(IVRS_ALL, 0, 0)}, 256},
        {{AMDVI_ENTRY(IVRS_SELECT, FIRST_ID, 0)}, 2},
        {{AMDVI_ENTRY(IVRS_START, FIRST_ID, 0), AMDVI_ENTRY(IVRS_END, PCI_BDF(7, 1, 0), 0)}, 8},
    };
    struct options options = OPTIONS_DEFAULT;
    struct ivrs_bytes ivrs;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start_from(&options, make_table(&ivrs, &options, cases[i].entries[0], cases[i].entries[1]));
        assert_int_equal((on.unit.device_table & 0x1FF) + 1, 2 * cases[i].buses);
        assert_false(reaches(first_id, AT, false));
        if (cases[i].buses < 256)
            assert_false(reaches(PCI_BDF(cases[i].buses, 0, 0), AT, false));
        no_violation();
    }
}

/* INITPass, EIntPass, NMIPass, SysMgt, Lint0Pass, Lint1Pass. */
static void expect_setting(pci_bdf_t requester, uint64_t setting)
{
    const uint64_t *entry = entry_of(requester);

    assert_true((entry[2] >> 56 & 7) == (setting & 7));
    assert_true((entry[1] >> 40 & 3) == (setting >> 4 & 3));
    assert_false(entry[1] >> 32 & 1); /* I: no device translates for itself */
    assert_true(entry[2] >> 62 == (setting >> 6 & 3));
}

static void firmwares_settings_stay(void **state)
{
    static const uint8_t settings[] = {0x01, 0x02, 0x04, 0x10, 0x20, 0x40, 0x80, 0xF7};
    struct options options = OPTIONS_DEFAULT;
    struct ivrs_bytes ivrs;

    (void)state;
    for (size_t i = 0; i < sizeof settings; i++) {
        start_from(&options, make_table(&ivrs, &options, AMDVI_ENTRY(IVRS_ALL, 0, 0),
                                        AMDVI_ENTRY(IVRS_SELECT, FIRST_ID, settings[i])));
        expect_setting(second_id, 0);
        expect_setting(first_id, settings[i]);
        assert_true(unit_blocks(&on.unit, first_id));
        iommu_ref_t one = attached(FIRST, make(IOMMU_TRANSLATE, 0));
        assert_false(unit_blocks(&on.unit, first_id));
        expect_setting(first_id, settings[i]);
        assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
        assert_true(unit_blocks(&on.unit, first_id));
        expect_setting(first_id, settings[i]);
        no_violation();
    }
}

/* A special device that sends under the ID of a function: both settings hold. */
static void a_special_device_shares_an_entry(void **state)
{
    const uint64_t special = IVRS_SPECIAL | UINT64_C(0x81) << 24;
    const uint64_t source = (uint64_t)FIRST_ID << 8 | (uint64_t)IVRS_IOAPIC << 24;
    struct options options = OPTIONS_DEFAULT;
    struct ivrs_bytes ivrs;

    (void)state;
    (void)make_table(&ivrs, &options, special, source);
    ivrs.table.length =
        put_bytes(ivrs.bytes, ivrs.table.length, AMDVI_ENTRY(IVRS_SELECT, FIRST_ID, 0x02), 4);
    put_bytes(ivrs.bytes, 4, ivrs.table.length, 4);
    put_bytes(ivrs.bytes, 50, ivrs.table.length - 48, 2);
    start_from(&options, &ivrs.table);
    expect_setting(first_id, 0x83);
    no_violation();
}

/* Which words of FIRST's entry were stored, and what a unit that reads it again at each store lets
 * through. */
static struct {
    unsigned words[8], count;
    uint64_t allowed;
    unsigned wrong;
} stored;

static void look_at_entry(void *context, uint64_t physical, uint64_t value)
{
    uint64_t at = unit_frame(&on.unit) + first_id * 32u;
    const uint64_t *entry = entry_of(first_id);

    (void)context;
    (void)value;
    if (physical < at || physical >= at + 32)
        return;
    assert_in_range(stored.count, 0, 7);
    stored.words[stored.count++] = (unsigned)(physical - at) / 8;
    model_amdvi_evict_all(&on.unit);
    stored.wrong += (entry[0] & 3) != 3;
    for (uint64_t page = AT; page < AT + 2 * PAGE; page += PAGE)
        stored.wrong += dma(first_id, page, true) == MODEL_DMA_ALLOWED && page != stored.allowed;
    stored.wrong += (entry[0] >> 61 & 3) != 0 && (entry[1] & 0xFFFF) == 0;
}

static void expect_stores(unsigned first, unsigned third)
{
    const unsigned words[] = {first, first + 1, third, third + 1};

    assert_int_equal(stored.count, 4);
    assert_memory_equal(stored.words, words, sizeof words);
    assert_int_equal(stored.wrong, 0);
    stored.count = 0;
}

/* Interrupts are set free before memory is given, and memory is taken before they are aborted. */
static void entries_change_by_halves(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(FIRST);
    assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
    memset(&stored, 0, sizeof stored);
    stored.allowed = AT;
    model_on_store(look_at_entry, NULL);
    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, one), IOMMU_OK);
    expect_stores(2, 0);
    assert_true(reaches(first_id, AT, true));
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    expect_stores(0, 2);
    assert_false(reaches(first_id, AT, true));
    no_violation();
}

static void expect_command(unsigned index, enum model_amdvi_kind kind, uint16_t id)
{
    const struct model_amdvi_event *event = model_amdvi_log(&on.unit, index);

    assert_non_null(event);
    assert_int_equal(event->kind, kind);
    if (kind == MODEL_AMDVI_DEVTAB_ENTRY)
        assert_int_equal(event->device, id);
    if (kind != MODEL_AMDVI_IOMMU_PAGES)
        return;
    assert_int_equal(event->domain, id);
    assert_true(event->directories && event->first == 0 && event->last == UINT64_MAX);
}

/* Each requester of the device by itself: its entry, and all of the domain. */
static void every_requester_is_named(void **state)
{
    const pci_bdf_t ids[] = {PCI_BDF(1, 4, 0), BRIDGE_ID};

    (void)state;
    start(&OPTIONS_DEFAULT);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = device(BEHIND_A);
    for (unsigned leaving = 0; leaving < 2; leaving++) {
        model_amdvi_log_clear(&on.unit);
        assert_int_equal(leaving ? iommu_detach(&on.iommu, OWNER_ONE, one)
                                 : iommu_attach(&on.iommu, OWNER_ONE, domain, one),
                         IOMMU_OK);
        assert_int_equal(model_amdvi_log_count(&on.unit), 6);
        for (unsigned i = 0; i < 2; i++) {
            expect_command(3 * i, MODEL_AMDVI_DEVTAB_ENTRY, ids[i]);
            expect_command(3 * i + 1, MODEL_AMDVI_IOMMU_PAGES, on.iommu.domains[0].id);
            expect_command(3 * i + 2, MODEL_AMDVI_COMPLETION_WAIT, 0);
        }
    }
    no_violation();
}

/* Until there is interrupt remapping they pass with an attached device alone. */
static void interrupts_follow_the_attachment(void **state)
{
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    assert_int_equal(dma(first_id, WINDOW, true), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    assert_int_equal(fault.kind, IOMMU_FAULT_UNSUPPORTED);
    assert_string_equal(fault.reason_text, "INVALID_DEVICE_REQUEST");
    iommu_ref_t one = attached(FIRST, make(IOMMU_UNMANAGED, 0));
    assert_int_equal(dma(first_id, WINDOW, true), MODEL_DMA_INTERRUPT);
    assert_int_equal(dma(second_id, WINDOW, true), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_OK);
    assert_int_equal(dma(first_id, WINDOW, true), MODEL_DMA_REFUSED);
    no_violation();
}

/* ---- Bring-up ---- */

/* An earlier system left its own device table, rings and exclusion range, all in use. */
static void leave_all_on(unit_t *unit)
{
    uint64_t table = memory_physical(memory_alloc(OWNER_IOMMU, 2, 0));
    uint64_t commands = memory_physical(memory_alloc(OWNER_IOMMU, 1, 0));
    uint64_t events = memory_physical(memory_alloc(OWNER_IOMMU, 1, 0));

    model_amdvi_write(unit, DEV_TAB, 8, table | 1);
    model_amdvi_write(unit, CMD_BASE, 8, commands | OLD_RING);
    model_amdvi_write(unit, EVT_BASE, 8, events | OLD_RING);
    model_amdvi_write(unit, EXCL_BASE, 8, AT | 3); /* ExEn, Allow */
    model_amdvi_write(unit, EXCL_LIMIT, 8, AT);
    model_amdvi_write(unit, CONTROL, 8,
                      IOMMU_EN | EVENT_LOG_EN | EVENT_INT_EN | WAIT_INT_EN | PASS_PW | CMD_BUF_EN);
    unit->status |= 7;
    unit->event_halted = true;
    unit->command_tail = unit->command_head = 0x40;
}

static void what_firmware_left_is_cleared(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    struct iommu_fault fault;

    (void)state;
    options.firmware = leave_all_on;
    start(&options);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    assert_int_equal(on.unit.exclusion_base & 1, 0);
    assert_int_equal(on.unit.control & (PASS_PW | WAIT_INT_EN), 0);
    assert_int_equal(drain_all(&fault), 0);
    assert_false(reaches(first_id, AT, true));
    assert_true(irq_take(on.iommu.units[0].fault_line));
    assert_int_equal(drain_all(&fault), 1);
    assert_int_equal(on.iommu.units[0].overflows, 0);
    no_violation();
}

/* Let through by what an earlier system left on: no function of the inventory, once inside and once
 * beyond the new device table. */
static const pci_bdf_t unknown_ids[] = {PCI_BDF(0, 9, 0), PCI_BDF(2, 9, 0)};
static uint64_t unknown_target;

static void let_unknown_pass(unit_t *unit)
{
    uint64_t table = memory_physical(memory_alloc(OWNER_IOMMU, 6, 0));
    uint32_t value = 0;

    unknown_target = memory_physical(memory_alloc(OWNER_DRIVER, 1, 0));
    model_amdvi_write(unit, DEV_TAB, 8, table | 5);
    model_amdvi_write(unit, CONTROL, 8, IOMMU_EN | COHERENT);
    for (size_t i = 0; i < sizeof unknown_ids / sizeof *unknown_ids; i++)
        assert_int_equal(unit_dma(unit, unknown_ids[i], unknown_target, false, &value, 4),
                         MODEL_DMA_ALLOWED);
}

static void entries_of_unknown_devices_are_forgotten(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < sizeof unit_kinds / sizeof *unit_kinds; kind++) {
        struct options options = OPTIONS_DEFAULT;
        struct ivrs_bytes ivrs;

        options.unit = unit_kinds[kind];
        options.firmware = let_unknown_pass;
        start_from(&options, make_table(&ivrs, &options, AMDVI_ENTRY(IVRS_SELECT, FIRST_ID, 0), 0));
        for (size_t i = 0; i < sizeof unknown_ids / sizeof *unknown_ids; i++)
            assert_false(reaches(unknown_ids[i], unknown_target, false));
        no_violation();
    }
}

static void an_unlocked_base_is_locked(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.unit.base_unlocked = true;
    start(&options);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    assert_true(on.unit.base_enabled);
    no_violation();
}

static void move_base(unit_t *unit)
{
    struct ecam_function *function = unit->config.function;
    uint16_t at = unit->config.capability_offset + 4u;

    ecam_set32(function, at, ecam_get32(function, at) + 0x4000);
}

static void another_capability(unit_t *unit)
{
    unit->config.function->dwords[unit->config.capability_offset / 4] ^= UINT32_C(1) << 16;
}

static void units_that_are_not_what_they_should_be(void **state)
{
    void (*const firmware[])(unit_t * unit) = {move_base, another_capability, NULL};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct options options = OPTIONS_DEFAULT;

        options.firmware = firmware[i];
        if (!firmware[i])
            options.unit.efr |= MODEL_AMDVI_EFR_HATS; /* no host translation */
        start(&options);
        assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
        assert_false(model_amdvi_enabled(&on.unit));
        no_violation();
    }
}

/* "IOMMU Attributes": HATDis. */
static void a_unit_may_be_without_host_translation(void **state)
{
    struct options options = OPTIONS_DEFAULT;
    struct ivrs_bytes ivrs;

    (void)state;
    (void)make_table(&ivrs, &options, AMDVI_ENTRY(IVRS_ALL, 0, 0), 0);
    put_bytes(ivrs.bytes, 48 + 20, 1, 4);
    start_from(&options, &ivrs.table);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
    assert_false(model_amdvi_enabled(&on.unit));
}

/* Widths, depths and caching by what capability block and EFR say. */
static void what_a_unit_offers(void **state)
{
    static const struct {
        unsigned virtual, physical, levels;
        uint8_t width;
    } cases[] = {{48, 48, 6, 48}, {64, 48, 6, 48}, {64, 52, 5, 52},
                 {64, 52, 4, 48}, {40, 40, 4, 40}, {32, 48, 4, 32}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options options = OPTIONS_DEFAULT;

        options.unit.virtual_width = cases[i].virtual;
        options.unit.physical_width = cases[i].physical;
        options.unit.efr = MODEL_AMDVI_EFR_IASUP | AMDVI_HATS(cases[i].levels);
        unit_set_caching(&options.unit, i % 2);
        start(&options);
        const struct iommu_unit_caps *caps = &on.iommu.units[0].caps;
        assert_int_equal(caps->width, cases[i].width);
        assert_int_equal(caps->levels, (2u << cases[i].levels) - 4);
        assert_int_equal(caps->leaf_levels, 0x0E); /* no 512 GiB */
        assert_int_equal(caps->flush_on_map, i % 2);
        assert_int_equal(caps->domain_ids, 65536);
        assert_true(caps->pass_through && caps->coherent);
        assert_true(on.unit.control & COHERENT);
    }
}

static void expect_refused(const struct options *options, const char *reason)
{
    start(options);
    assert_int_equal(on.iommu.units[0].state, UNIT_FAILED);
    assert_string_equal(on.iommu.units[0].reason, reason);
}

static void a_unit_must_translate(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.unit.broken.all_ones = true;
    expect_refused(&options, "its registers read all ones");
    options = OPTIONS_DEFAULT;
    options.unit.efr = MODEL_AMDVI_EFR_IASUP | AMDVI_HATS(7);
    expect_refused(&options, "it has no host translation (EFR.HATS)");
}

/* HyperTransport's own addresses are no memory, even where a table says so. A window that ends
 * below them costs no deeper table. */
static void special_addresses_are_nobodys(void **state)
{
    static const uint64_t refused[] = {0xFD00000000, 0xFDF8000000, 0xFFFFFFF000};
    static const uint64_t allowed[] = {0xFCFFFFF000, 0x10000000000};
    iommu_ref_t token;

    (void)state;
    start(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(map_at(domain, refused[i], memory, PAGE), IOMMU_BAD_RANGE);
        assert_int_equal(reserve_at(domain, refused[i], PAGE, &token), IOMMU_BAD_RANGE);
    }
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        assert_int_equal(map_at(domain, allowed[i], memory, PAGE), IOMMU_OK);
        assert_true(reaches(first_id, allowed[i], true));
    }
    iommu_ref_t narrow = make(IOMMU_TRANSLATE, 30);
    assert_int_equal(iommu_domain_at(&on.iommu, OWNER_ONE, narrow)->table.geometry.levels, 2);
    no_violation();
}

/* Firmware cannot have them either. */
static void special_addresses_are_not_demanded(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = UINT64_C(0xFD00000000);
    start(&options);
    assert_int_equal(on.iommu.region_count, on.iommu.special_count);
    no_violation();
}

/* ---- Event log ---- */

static void put_event(uint64_t low, uint64_t high)
{
    uint64_t *log = model_ram(on.unit.event_base & AMDVI_ADDRESS, FRAME_SIZE);

    log[on.unit.event_tail / 8] = low;
    log[on.unit.event_tail / 8 + 1] = high;
    on.unit.event_tail += EVENT_SIZE;
}

static void every_event_is_decoded(void **state)
{
    static const struct {
        unsigned code;
        uint64_t flags;
        enum iommu_fault_kind kind;
        const char *name;
        bool own; /* names the unit's own function */
    } cases[] = {
        {1, RZ, IOMMU_FAULT_EXTERNAL, "ILLEGAL_DEV_TABLE_ENTRY", false},
        {2, 0, IOMMU_FAULT_TRANSLATION, "IO_PAGE_FAULT", false},
        {2, PR | PE, IOMMU_FAULT_PERMISSION, "IO_PAGE_FAULT", false},
        {2, PR | RZ, IOMMU_FAULT_EXTERNAL, "IO_PAGE_FAULT", false},
        {3, 0, IOMMU_FAULT_EXTERNAL, "DEV_TAB_HARDWARE_ERROR", false},
        {4, 0, IOMMU_FAULT_EXTERNAL, "PAGE_TAB_HARDWARE_ERROR", false},
        {5, 0, IOMMU_FAULT_EXTERNAL, "ILLEGAL_COMMAND_ERROR", true},
        {6, 0, IOMMU_FAULT_EXTERNAL, "COMMAND_HARDWARE_ERROR", true},
        {7, 0, IOMMU_FAULT_EXTERNAL, "IOTLB_INV_TIMEOUT", false},
        {8, 0, IOMMU_FAULT_UNSUPPORTED, "INVALID_DEVICE_REQUEST", false},
        {9, 0, IOMMU_FAULT_UNSUPPORTED, "INVALID_PPR_REQUEST", false},
        {10, 0, IOMMU_FAULT_EXTERNAL, "EVENT_COUNTER_ZERO", true},
        {11, 0, IOMMU_FAULT_EXTERNAL, "GUEST_EVENT_FAULT", false},
        {12, 0, IOMMU_FAULT_EXTERNAL, "VIOMMU_HARDWARE_ERROR", true},
        {13, 0, IOMMU_FAULT_EXTERNAL, "RMP_PAGE_FAULT", false},
        {14, 0, IOMMU_FAULT_EXTERNAL, "RMP_HARDWARE_ERROR", false},
        {15, 0, IOMMU_FAULT_EXTERNAL, "Unknown event", false},
    };
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    const uint64_t log = on.unit.event_base & AMDVI_ADDRESS;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct iommu_unit *unit = &on.iommu.units[0];
        bool write = i % 2;

        put_event((uint64_t)cases[i].code << 60 | cases[i].flags | (write ? RW : 0) | second_id,
                  AT + 0x123);
        assert_int_equal(unit->ops->drain(unit, &fault, 1), 1);
        assert_int_equal(fault.reason, cases[i].code);
        assert_int_equal(fault.kind, cases[i].kind);
        assert_string_equal(fault.reason_text, cases[i].name);
        assert_string_equal(fault.source, "AMD-Vi");
        assert_int_equal(fault.requester, cases[i].own ? PCI_BDF(0, 0, 2) : second_id);
        assert_true(fault.address == AT && fault.write == write);
        assert_true(*(uint64_t *)model_ram(log + i * EVENT_SIZE, EVENT_SIZE) == 0);
    }
    no_violation();
}

static void an_address_beyond_the_tables_is_told(void **state)
{
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    (void)attached(FIRST, make(IOMMU_TRANSLATE, 0));
    assert_false(reaches(first_id, UINT64_C(1) << 48, false));
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    assert_int_equal(fault.kind, IOMMU_FAULT_ADDRESS_SIZE);
    assert_false(reaches(first_id, (UINT64_C(1) << 48) - PAGE, false));
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    assert_int_equal(fault.kind, IOMMU_FAULT_TRANSLATION);
}

static void a_log_that_ran_over_starts_again(void **state)
{
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < LOG_EVENTS + 20; i++)
            assert_int_equal(dma(first_id, AT + i * PAGE, true), MODEL_DMA_REFUSED);
        assert_false(model_amdvi_read(&on.unit, STATUS, 4) & LOG_RUNS);
        assert_int_equal(drain_all(&fault), LOG_EVENTS);
        assert_true(fault.address == AT + (LOG_EVENTS - 1) * PAGE);
        assert_int_equal(on.iommu.units[0].overflows, round);
        (void)irq_take(on.iommu.units[0].fault_line);
        assert_int_equal(dma(second_id, AT, false), MODEL_DMA_REFUSED);
        assert_true(irq_take(on.iommu.units[0].fault_line));
        assert_int_equal(drain_all(&fault), 1);
        assert_int_equal(fault.requester, second_id);
    }
    assert_int_equal(on.iommu.units[0].faults, 3 * (LOG_EVENTS + 1));
    no_violation();
}

static bool flooding;

static void flood(void *context, uint64_t physical, uint64_t value)
{
    (void)context;
    (void)physical;
    (void)value;
    for (unsigned i = 0; flooding && i < 2 * LOG_EVENTS; i++)
        (void)dma(first_id, AT, true);
}

/* A device that never stops: each look takes what it has room for and ends. */
static void a_log_may_run_over_for_ever(void **state)
{
    struct iommu_fault faults[8];

    (void)state;
    start(&OPTIONS_DEFAULT);
    model_on_store(flood, NULL);
    flooding = true;
    for (unsigned i = 0; i < 500; i++) {
        flood(NULL, 0, 0);
        assert_in_range(iommu_drain_faults(&on.iommu, faults, 8), 1, 8);
    }
    assert_in_range(on.iommu.units[0].overflows, 5, 500);
    flooding = false;
    (void)drain_all(faults);
    assert_int_equal(dma(second_id, AT, true), MODEL_DMA_REFUSED);
    assert_int_equal(drain_all(faults), 1);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    no_violation();
}

/* The tail is seen before the event; and it never comes. */
static void an_event_that_never_arrives_is_passed_over(void **state)
{
    struct iommu_fault faults[4];

    (void)state;
    start(&OPTIONS_DEFAULT);
    on.unit.event_tail = 2 * EVENT_SIZE;
    uint64_t before = model_clock_ns();
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 0);
    assert_in_range(model_clock_ns() - before, 1, UINT64_C(10000000));
    assert_int_equal(dma(second_id, AT, true), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_drain_faults(&on.iommu, faults, 4), 1);
    no_violation();
}

/* No place in the log: it starts over. */
static void a_tail_that_is_none_is_not_followed(void **state)
{
    static const uint64_t tails[] = {EVENT_SIZE * (LOG_EVENTS + 1), 8, UINT64_C(0x7FFF0)};
    struct iommu_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        start(&OPTIONS_DEFAULT);
        on.unit.event_tail = tails[i];
        assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 0);
        assert_int_equal(dma(second_id, AT, true), MODEL_DMA_REFUSED);
        assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
        assert_int_equal(fault.requester, second_id);
        no_violation();
    }
}

/* ---- A unit that is lost ---- */

static void a_unit_that_completes_nothing_gives_no_access(void **state)
{
    struct iommu_fault fault;

    (void)state;
    start(&OPTIONS_DEFAULT);
    uint64_t memory = own_pages(OWNER_ONE, 1);
    iommu_ref_t domain = make(IOMMU_TRANSLATE, 0), one = attached(FIRST, domain);
    assert_int_equal(map_at(domain, AT, memory, PAGE), IOMMU_OK);
    on.unit.broken.never_completes = true;
    assert_int_equal(unmap_at(domain, AT, PAGE), IOMMU_FAILED);
    assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 0);
    assert_int_equal(iommu_detach(&on.iommu, OWNER_ONE, one), IOMMU_FAILED);
    assert_true(unit_blocks(&on.unit, first_id));
    assert_false(iommu_releasable(&on.iommu, OWNER_ONE, memory, PAGE));
    no_violation();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_blocked_before_it_counts),
        cmocka_unit_test(links_are_set_as_ivhd_says),
        cmocka_unit_test(the_table_is_as_long_as_needed),
        cmocka_unit_test(firmwares_settings_stay),
        cmocka_unit_test(a_special_device_shares_an_entry),
        cmocka_unit_test(entries_change_by_halves),
        cmocka_unit_test(every_requester_is_named),
        cmocka_unit_test(interrupts_follow_the_attachment),
        cmocka_unit_test(what_firmware_left_is_cleared),
        cmocka_unit_test(entries_of_unknown_devices_are_forgotten),
        cmocka_unit_test(an_unlocked_base_is_locked),
        cmocka_unit_test(units_that_are_not_what_they_should_be),
        cmocka_unit_test(a_unit_may_be_without_host_translation),
        cmocka_unit_test(what_a_unit_offers),
        cmocka_unit_test(a_unit_must_translate),
        cmocka_unit_test(special_addresses_are_nobodys),
        cmocka_unit_test(special_addresses_are_not_demanded),
        cmocka_unit_test(every_event_is_decoded),
        cmocka_unit_test(an_address_beyond_the_tables_is_told),
        cmocka_unit_test(a_log_that_ran_over_starts_again),
        cmocka_unit_test(a_log_may_run_over_for_ever),
        cmocka_unit_test(an_event_that_never_arrives_is_passed_over),
        cmocka_unit_test(a_tail_that_is_none_is_not_followed),
        cmocka_unit_test(a_unit_that_completes_nothing_gives_no_access),
    };

    return cmocka_run_group_tests_name("amdvi", tests, NULL, NULL);
}
