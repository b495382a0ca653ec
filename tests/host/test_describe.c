/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What is shown of units and of core: layouts against the specifications, registers with known
 * values, lists, mappings and faults.
 */
#include "tests/host/describe_fixture.h"
#include "tests/host/register_table.h"

/* ---- Layouts ---- */

static uint64_t ones(unsigned low, unsigned high)
{
    return UINT64_MAX >> (63 - (high - low)) << low;
}

/* Every field has a name, lies in one word of the layout and meets no other. */
static void check_layout(const struct pt_layout *layout, uint64_t covered[4], uint64_t addresses[4])
{
    memset(covered, 0, 4 * sizeof *covered);
    memset(addresses, 0, 4 * sizeof *addresses);
    assert_true(layout->bytes == 4 || (layout->bytes % 8 == 0 && layout->bytes <= 32));
    for (unsigned i = 0; i < layout->count; i++) {
        const struct pt_field *field = &layout->fields[i];
        uint64_t bits = ones(field->low % 64, field->high % 64);

        assert_true(field->low <= field->high && field->high < layout->bytes * 8u);
        assert_int_equal(field->low / 64, field->high / 64);
        assert_true(field->name[0] && memchr(field->name, '\0', sizeof field->name));
        assert_true(i == 0 || layout->fields[i - 1].high < field->low);
        assert_true(!(covered[field->low / 64] & bits));
        covered[field->low / 64] |= bits;
        assert_true(field->kind <= PT_FIELD_ADDRESS);
        if (field->kind == PT_FIELD_ADDRESS)
            addresses[field->low / 64] |= bits;
    }
}

#define REGISTERS (sizeof registers / sizeof *registers)

static bool holds(const struct condition *condition)
{
    return !condition->word || (*condition->word & ones(condition->low, condition->high)) >>
                                   condition->low >= condition->least;
}

static bool is_there(unsigned n)
{
    return n < REGISTERS && holds(&registers[n].when[0]) && holds(&registers[n].when[1]);
}

static unsigned register_next;

static void skip_absent(void)
{
    while (register_next < REGISTERS && !is_there(register_next))
        register_next++;
}

static void check_register(void *context, const struct iommu_register *reg, uint32_t offset,
                           const uint64_t *words)
{
    const uint8_t *block = context; /* what is in the registers; NULL: of the model */
    uint64_t covered[4], addresses[4];

    check_layout(&reg->layout, covered, addresses);
    skip_absent();
    assert_true(register_next < REGISTERS);
    assert_string_equal(reg->layout.name, registers[register_next].name);
    assert_int_equal(offset, registers[register_next].offset);
    assert_int_equal(reg->layout.bytes, registers[register_next].bytes);
    assert_int_equal(reg->use, registers[register_next].use);
    assert_memory_equal(covered, registers[register_next].bits, 2 * sizeof *covered);
    assert_true(addresses[0] == registers[register_next].address && !addresses[1]);
    assert_true(offset % (reg->layout.bytes == 4 ? 4 : 8) == 0);
    assert_true((words == NULL) == (reg->use == IOMMU_REGISTER_WRITE_ONLY));
    register_next++;
    if (words && block)
        assert_memory_equal(words, &block[offset], reg->layout.bytes);
    else if (words && reg->layout.bytes < 16)
        assert_int_equal(words[0] & ~covered[0], 0);
}

static void check_registers(const struct iommu_unit *unit, void *block)
{
    const struct iommu_register_visitor visitor = {check_register, block};

    register_next = 0;
    unit->ops->registers(unit, &visitor);
    skip_absent();
    assert_int_equal(register_next, REGISTERS);
}

#ifdef UNIT_AMDVI
/* Each choice of what the capability's header and the Extended Feature Register say. */
static void test_register_layouts(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 8; n++) {
        struct options options = OPTIONS_DEFAULT;

        options.unit.capability =
            (n & 1 ? MODEL_AMDVI_CAP_EXT : 0) | (n & 2 ? MODEL_AMDVI_CAP_EFRSUP : 0);
        options.unit.efr |= n & 4 ? MODEL_AMDVI_EFR_GASUP : 0;
        memset(&says, 0, sizeof says);
        says.function = 1;
        says.capext = n & 1;
        says.efrsup = n >> 1 & 1;
        says.efr = says.efrsup ? options.unit.efr : 0;
        start(&options);
        check_registers(&on.iommu.units[0], NULL);
        no_violation();
    }
}
#else
static void test_register_layouts(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    memset(&says, 0, sizeof says);
    says.cap = options.unit.cap |= MODEL_VTD_CAP_PLMR | MODEL_VTD_CAP_PHMR;
    says.ecap = options.unit.ecap |= MODEL_VTD_ECAP_IR;
    start(&options);
    check_registers(&on.iommu.units[0], NULL);
    no_violation();
}
#endif

/* ---- Which registers are there ---- */

#define BLOCK_BASE   UINT64_C(0xFEA00000)
#define BLOCK_LENGTH 0x4000u

static uint8_t block[BLOCK_LENGTH];

static uint64_t read_block(void *context, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, (uint8_t *)context + offset, width);
    return value;
}

static void write_block(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    (void)context;
    fail_msg("%u bytes written at 0x%llx: 0x%llx", width, (unsigned long long)offset,
             (unsigned long long)value);
}

#ifdef UNIT_AMDVI
static struct amdvi_unit *plain(void)
{
    static struct amdvi_unit unit;

    unit.efr = says.efr;
    return &unit;
}

/* Without a function of its own: its capability block is left out. */
static const struct says_word {
    uint64_t *word, bits;
} words_of_unit[] = {{&says.efr, UINT64_MAX}};
#define PREPARE() (void)(says.efrsup = 1)
#else
static struct vtd_unit *plain(void)
{
    static struct vtd_unit unit;

    unit.cap = says.cap;
    unit.ecap = says.ecap;
    memcpy(&block[0x100], &says.mtrrcap, 8);
    memcpy(&block[0x300], &says.perfcap, 8);
    return &unit;
}

/* Not the place and number of fault records, and the place of the IOTLB's registers. */
static const struct says_word {
    uint64_t *word, bits;
} words_of_unit[] = {{&says.cap, ~(UINT64_C(0xFF) << 40 | UINT64_C(0x3FF) << 24)},
                     {&says.ecap, ~(UINT64_C(0x3FF) << 8)},
                     {&says.mtrrcap, UINT64_MAX},
                     {&says.perfcap, UINT64_MAX}};
#define PREPARE() (says.cap = UINT64_C(0x22) << 24, says.ecap = UINT64_C(0xF) << 8)
#endif

#define WORDS_OF_UNIT (sizeof words_of_unit / sizeof *words_of_unit)

static void check_plain(void)
{
    const struct iommu_unit unit = {.ops = on.iommu.units[0].ops, .vendor_state = plain()};

    assert_true(mmio_map(BLOCK_BASE, BLOCK_LENGTH, &plain()->mmio));
    check_registers(&unit, block);
}

/* Every bit that may say that a register is there, as the only one, as the only one that is not
 * set, and as the only one beside CAP and ECAP; what is in the registers is by their places. */
static void test_register_conditions(void **state)
{
    const struct model_region region = {.base = BLOCK_BASE,
                                        .length = BLOCK_LENGTH,
                                        .read = read_block,
                                        .write = write_block,
                                        .context = block};
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    start(&options);
    assert_true(model_add_region(&region));
    for (uint32_t at = 0; at < BLOCK_LENGTH; at += 4)
        memcpy(&block[at], &(uint32_t){at << 16 | 0xF00F}, 4);
    for (unsigned set = 0; set < 3; set++)
        for (unsigned n = 0; n < WORDS_OF_UNIT * 64; n++) {
            memset(&says, 0, sizeof says);
            PREPARE();
            for (unsigned i = 0; i < WORDS_OF_UNIT; i++)
                *words_of_unit[i].word |= set == 1 || (set && i < 2) ? words_of_unit[i].bits : 0;
            *words_of_unit[n / 64].word ^= words_of_unit[n / 64].bits & UINT64_C(1) << n % 64;
            check_plain();
        }
    no_violation();
}

/* Bits that the specifications give a name, or leave to software, in each entry, and those of them
 * that are an address where they stand. */
static const struct {
    const char *name;
    uint64_t bits[4], addresses[4];
} documented[] = {
#ifdef UNIT_AMDVI
    {"device table entry",
     {UINT64_C(0x7FFFFFFFFFFFFF83), UINT64_C(0xFFFFFFFFFFFFFFFF), UINT64_C(0xFF0FFFFFFFFFFFFF),
      UINT64_C(0xFFC0000000000000)},
     {PAGES_52, 0, UINT64_C(0x000FFFFFFFFFFFC0)}},
    {"PDE", {UINT64_C(0x600FFFFFFFFFFE21)}, {PAGES_52}},
    {"PTE", {UINT64_C(0x780FFFFFFFFFFE61)}, {PAGES_52}},
#else
    {"root entry", {UINT64_C(0xFFFFFFFFFFFFF001)}, {PAGES}},
    {"context entry", {UINT64_C(0xFFFFFFFFFFFFF00F), UINT64_C(0xFFFF7F)}, {PAGES}},
    {"SS-PML4E", {UINT64_C(0x3FFFFFFFFFFFF187)}, {PAGES_52}},
    {"SS-PDPE", {UINT64_C(0x3FFFFFFFFFFFF187)}, {PAGES_52}},
    {"SS-PDE", {UINT64_C(0x3FFFFFFFFFFFF187)}, {PAGES_52}},
    {"SS-PDE (page)", {UINT64_C(0x7FFFFFFFFFFFFBFF)}, {PAGES_52}},
    {"SS-PTE", {UINT64_C(0x7FFFFFFFFFFFFBFF)}, {PAGES_52}},
#endif
};

#define DOCUMENTED (sizeof documented / sizeof *documented)

static bool layout_seen[DOCUMENTED];

static void check_entry(void *context, const struct iommu_entry *entry)
{
    uint64_t covered[4], addresses[4];

    (void)context;
    check_layout(entry->layout, covered, addresses);
    for (unsigned i = 0; i < DOCUMENTED; i++) {
        if (strcmp(documented[i].name, entry->layout->name) != 0)
            continue;
        assert_memory_equal(covered, documented[i].bits, sizeof covered);
        assert_memory_equal(addresses, documented[i].addresses, sizeof addresses);
        layout_seen[i] = true;
        return;
    }
    fail_msg("%s", entry->layout->name);
}

static void test_entry_layouts(void **state)
{
    const struct iommu_entry_visitor visitor = {check_entry, NULL};

    (void)state;
    work();
    memset(layout_seen, 0, sizeof layout_seen);
    (void)iommu_walk(&on.iommu, 0, FIRST_ID, AT, PT_READ, &visitor);
    (void)iommu_walk(&on.iommu, 0, FIRST_ID, BIG_AT, PT_READ, &visitor);
    for (unsigned i = 0; i < DOCUMENTED; i++)
        if (!layout_seen[i])
            fail_msg("%s", documented[i].name);
}

/* ---- Registers ---- */

static void test_registers(void **state)
{
    static unit_t before;

    (void)state;
    work();
    (void)dma(SECOND_ID, AT, true);
    before = on.unit;
    clear_lines();
    assert_true(iommu_show_registers(&on.iommu, 0, &sink));
    line_is("%s at 0x%llx", on.iommu.units[0].name, (unsigned long long)on.iommu.units[0].base);
    assert_memory_equal(&before, &on.unit, sizeof before);
#ifdef UNIT_AMDVI
    shows("Capability Header at 0x040 = 0x");
    shows("CapType=3");
    shows("EFRSup=1 CapExt=1");
    shows("PaSize=0x30 VaSize=0x30");
    shows("Extended Feature at 0x030 = 0x0000000000000840");
    shows("Extended Feature 2 at 0x1a0 = 0x0000000000000000");
    shows("HATS=2");
    shows_number("DevTabBase=0x%llx", unit_frame(&on.unit));
    shows("EventLogRun=1 CmdBufRun=1");
    shows_number("Event Log Tail at 0x2018 = 0x%016llx", on.unit.event_tail);
    shows("EventLen=8");
#else
    shows("CAP at 0x008 = 0x00d2008c222f0606");
    shows("    ND=6 AFL=0 RWBF=0 PLMR=0 PHMR=0 CM=0 SAGAW=6 MGAW=0x2f ZLR=0 FRO=0x22");
    shows("    SSLPS=3 PSI=1 NFR=0 MAMV=0x12 DWD=1 DRD=1");
    shows("GCMD at 0x018 is write-only");
    shows("GSTS at 0x01c = 0x");
    shows_number("RTA=0x%llx", on.unit.rtaddr);
    shows("PPF=1");
    shows_number("FRCD at 0x220 = 0x%016llx_", on.unit.fault_record[0][1]);
    shows_number("_%016llx", on.unit.fault_record[0][0]);
    shows("    FI=0x10000000 SID=0x18");
    shows("IVA at 0x0f0 is write-only");
    shows("IOTLB at 0x0f8 = ");
#endif
    assert_false(seen("RSVD"));
    clear_lines();
    assert_true(iommu_show_capabilities(&on.iommu, 0, &sink));
    line_is("%s at 0x%llx", on.iommu.units[0].name, (unsigned long long)on.iommu.units[0].base);
    shows("48-bit addresses to 48 bits of memory, pages of 4K 2M 1G");
    clear_lines();
    assert_false(iommu_show_registers(&on.iommu, 1, &sink));
    assert_int_equal(line_count, 0);
    no_violation();
}

static void test_field_lines(void **state)
{
    static const struct pt_field fields[] = {
        {"P", 0, 0, 0}, {"N", 4, 7, 0}, {"ADDR", 12, 51, PT_FIELD_ADDRESS}, {"H", 64, 66, 0}};
    static const struct pt_layout layout = PT_LAYOUT("x", 16, fields);
    const uint64_t words[2] = {UINT64_C(0x80000000000070A1), UINT64_C(0x15)};

    (void)state;
    assert_int_equal(IOMMU_LINE_MAX, 79);
    clear_lines();
    iommu_show_fields(&sink, &layout, words);
    assert_int_equal(line_count, 1);
    assert_string_equal(lines[0],
                        "    P=1 N=0xa ADDR=0x7000 H=5 RSVD=0x8000000000000000 RSVD=0x10");
}

/* ---- Core's own lists ---- */

static void test_lists(void **state)
{
    (void)state;
    work();
    (void)device(SECOND);
    clear_lines();
    iommu_show_units(&on.iommu, &sink);
    shows("segment 0: active");
    shows("48-bit addresses, tables of ");
    clear_lines();
    iommu_show_groups(&on.iommu, &sink);
    shows("IOMMU Group 0: domain ");
    shows("IOMMU Group 1: blocked");
    shows("    01:04.0 [0000]: [0000:0000] (rev 00)");
    clear_lines();
    iommu_show_domains(&on.iommu, &sink);
    shows_number("domain %llu: translated, of driver 1, id ", iommu_ref_index(domain_ref));
    shows("    00:02.0");
    clear_lines();
    iommu_show_devices(&on.iommu, &sink);
    shows("00:02.0 0000:0000 class 000000, ");
    shows("    group 0: attached, domain ");
    shows("    group 1: blocked, 0 refused");
}

#ifdef UNIT_AMDVI
#define UNIT_NAME   "amdvi0"
#define UNIT_BASE   "0xfed80000"
#define UNIT_LEVELS "2 3 4 5 6"
#define REASON      "IO_PAGE_FAULT"
#define COHERENCE   "coherent"
#else
#define UNIT_NAME   "dmar0"
#define UNIT_BASE   "0xfed90000"
#define UNIT_LEVELS "3 4"
#define REASON      "Present bit in context entry is clear"
#define COHERENCE   "non-coherent"
#endif

static void groups_are(void)
{
    iommu_show_groups(&on.iommu, &sink);
    line_is("IOMMU Group 0: domain 1");
    line_is("    00:02.0 [0000]: [0000:0000] (rev 00)");
    line_is("IOMMU Group 1: blocked");
    line_is("    00:03.0 [0801]: [1234:5678] (rev 9a)");
    line_is("IOMMU Group 2: demanded regions alone, domain 0, not all protected");
    line_is("    01:04.0 [0000]: [0000:0000] (rev 00)");
    line_is("    01:05.0 [0000]: [0000:0000] (rev 00), behind no unit");
#ifdef UNIT_AMDVI
    line_is("IOMMU Group 3: blocked");
    line_is("    00:00.2 [0806]: [0000:0000] (rev 00)");
#endif
    no_more_lines();
}

static void domains_are(void)
{
    const struct iommu_domain *domains = on.iommu.domains;

    iommu_show_domains(&on.iommu, &sink);
    line_is("domain 0: translated, of iommu, id %u, 0 devices", domains[0].id);
    line_is("    4 levels from 0x%llx, 48-bit addresses, addresses of its own",
            (unsigned long long)domains[0].table.root);
    line_is("domain 1: translated, of driver 1, id %u, 1 device", domains[1].id);
    line_is("    4 levels from 0x%llx, 48-bit addresses, addresses of its own",
            (unsigned long long)domains[1].table.root);
    line_is("    00:02.0");
    line_is("domain 2: pass-through, of driver 1, id %u, 0 devices", domains[2].id);
    line_is("domain 3: translated, of driver 1, id %u, 0 devices, poisoned", domains[3].id);
    line_is("    3 levels from 0x%llx, 32-bit addresses, addresses chosen for it",
            (unsigned long long)domains[3].table.root);
    line_is("domain 4: unmanaged, of driver 1, id %u, 0 devices", domains[4].id);
    no_more_lines();
}

static void devices_are(void)
{
    iommu_show_devices(&on.iommu, &sink);
    line_is("00:02.0 0000:0000 class 000000, " UNIT_NAME ", driver 1");
    line_is("    group 0: attached, domain 1, 0 refused");
    line_is("00:03.0 1234:5678 class 080102, " UNIT_NAME ", driver 1");
    line_is("    group 1: blocked, 2 refused");
    line_is("01:04.0 0000:0000 class 000000, " UNIT_NAME ", iommu");
    line_is("    group 2: demanded regions alone, domain 0, not all protected, 0 refused");
    line_is("01:05.0 0000:0000 class 000000, behind no unit, driver 1");
    line_is("    group 2: not protected, 0 refused");
#ifdef UNIT_AMDVI
    line_is("00:00.2 0000:0000 class 080600, " UNIT_NAME ", nobody");
    line_is("    group 3: blocked, 0 refused");
#endif
    no_more_lines();
}

static void faults_are(void)
{
    iommu_show_faults(&on.iommu, &sink);
    line_is("00:03.0: 2 refused");
    line_is("    write 0x10000000 by 00:03.0: 0x02 " REASON);
    line_is("    read 0x10001000 by 00:03.0: 0x02 " REASON);
    line_is(UNIT_NAME ": 2 records taken, more lost at 3 times");
    line_is("2 refused in all");
    no_more_lines();
}

/* All states that a list knows, each in its words. */
static void test_whole_lists(void **state)
{
    struct iommu_fault fault;

    (void)state;
    work();
    (void)device(SECOND);
    for (unsigned i = 0; i < 2; i++) {
        (void)dma(SECOND_ID, AT + i * PAGE, i == 0);
        assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    }
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    (void)make(IOMMU_PASS_THROUGH, 0);
    (void)make(IOMMU_TRANSLATE, 32);
    (void)make(IOMMU_UNMANAGED, 0);
    on.pci.functions[SECOND].vendor_id = 0x1234;
    on.pci.functions[SECOND].device_id = 0x5678;
    on.pci.functions[SECOND].class_code = 0x080102;
    on.pci.functions[SECOND].revision = 0x9A;
    on.iommu.domains[3].poisoned = true;
    on.iommu.groups[BEHIND_A].quarantine = 0;
    on.iommu.endpoints[BEHIND_A].owner = OWNER_IOMMU;
    on.iommu.endpoints[BEHIND_B].unit = PCI_NONE;
    on.iommu.units[0].overflows = 3;
    clear_lines();
    iommu_show_units(&on.iommu, &sink);
    line_is(UNIT_NAME " at " UNIT_BASE ", segment 0: active");
    line_is("    48-bit addresses, tables of " UNIT_LEVELS " levels, 2 faults, 3 overflows");
    no_more_lines();
    groups_are();
    domains_are();
    devices_are();
    faults_are();
    assert_true(iommu_show_capabilities(&on.iommu, 0, &sink));
    line_next = line_count - 3;
    line_is(UNIT_NAME ": 48-bit addresses to 48 bits of memory, pages of 4K 2M 1G");
    line_is("    65536 domain ids, " COHERENCE " walks, pass-through offered");
    line_is("    no invalidation after a map");
    no_more_lines();
}

/* ---- Not protected ---- */

static void show_both(void)
{
    clear_lines();
    iommu_show_groups(&on.iommu, &sink);
    iommu_show_devices(&on.iommu, &sink);
}

/* No line calls anything safe, and each says why. */
static void none_is_safe(const char *place)
{
    show_both();
    assert_false(seen("blocked"));
    assert_false(seen("domain"));
    for (unsigned i = 0; i < line_count; i++)
        if (!strncmp(lines[i], "IOMMU Group", 11) || !strncmp(lines[i], "    group", 9))
            assert_non_null(strstr(lines[i], ": not protected"));
        else
            assert_non_null(strstr(lines[i], place));
}

/* A unit that is not in use blocks nothing, whether or not regions were granted before; one that
 * was poisoned goes on translating. */
static void test_unit_not_active(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.plan.region = REGION_BASE; /* that all of them demand */
    start(&options);
    show_both();
    assert_true(seen(": demanded regions alone") && !seen("not protected"));
    on.iommu.units[0].state = UNIT_FOUND;
    none_is_safe(", " UNIT_NAME " is found");
    on.iommu.units[0].state = UNIT_FAILED;
    none_is_safe(", " UNIT_NAME " is failed");
    on.iommu.units[0].state = UNIT_POISONED;
    show_both();
    line_is("IOMMU Group 0: demanded regions alone, domain 0");
    line_is("    00:02.0 [0000]: [0000:0000] (rev 00), " UNIT_NAME " is poisoned");
    shows("00:02.0 0000:0000 class 000000, " UNIT_NAME " is poisoned, driver 1");
    assert_false(seen("not protected"));
}

/* The groups of a machine without a unit; only what sends nothing needs none. */
static void test_no_unit(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    power_on(&options);
    for (unsigned i = 0; i < on.pci.count; i++)
        on.pci.functions[i].class_code = 0;
    iommu_init(&on.iommu, &on.pci);
    none_is_safe(", behind no unit");
    on.pci.functions[FIRST].class_code = 0x060000;
    show_both();
    line_is("IOMMU Group 0: needs no unit");
    line_is("    00:02.0 [0600]: [0000:0000] (rev 00), behind no unit");
    line_is("IOMMU Group 1: not protected");
    shows("    group 0: needs no unit, 0 refused");
    assert_false(seen("blocked"));
    clear_lines();
    on.iommu.reason = "firmware describes none";
    iommu_show_units(&on.iommu, &sink);
    line_is("There is no unit.");
    line_is("    firmware describes none");
    no_more_lines();
    iommu_show_domains(&on.iommu, &sink);
    line_is("There is no domain.");
    no_more_lines();
    on.pci.count = 0;
    iommu_show_groups(&on.iommu, &sink);
    line_is("There is no PCI function.");
    iommu_show_devices(&on.iommu, &sink);
    line_is("There is no PCI function.");
    no_more_lines();
}

/* One of a group that is not behind the unit, leader or not: the group is not blocked. */
static void test_group_in_part(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    for (uint16_t out = BEHIND_A; out <= BEHIND_B; out++) {
        start(&options);
        on.iommu.endpoints[out].unit = PCI_NONE;
        show_both();
        shows("IOMMU Group 0: blocked");
        shows("IOMMU Group 2: not protected");
        shows("    group 2: not protected, 0 refused");
        assert_false(seen("group 2: blocked"));
        assert_false(seen("IOMMU Group 2: blocked"));
        on.iommu.groups[BEHIND_A].attached = 1;
        on.iommu.groups[BEHIND_A].domain = 7;
        show_both();
        shows("IOMMU Group 2: domain 7, not all protected");
        shows("    group 2: domain 7, not all protected, 0 refused");
        shows("    group 2: not protected, 0 refused");
    }
}

/* A unit that could not be read: nothing is said of what it walks. */
static void test_unit_unread(void **state)
{
    (void)state;
    work();
    clear_lines();
    on.iommu.units[0].caps = (struct iommu_unit_caps){0};
    on.iommu.units[0].state = UNIT_FAILED;
    iommu_show_units(&on.iommu, &sink);
    line_is(UNIT_NAME " at " UNIT_BASE ", segment 0: failed");
    line_is("    0 faults, 0 overflows");
    no_more_lines();
    assert_true(iommu_show_capabilities(&on.iommu, 0, &sink));
    line_is(UNIT_NAME " at " UNIT_BASE);
    assert_false(seen("pages of"));
}

static const char *name_of_owner(owner_t owner)
{
    return owner == OWNER_ONE ? "disk0" : NULL;
}

static const char *name_of_bound(uint16_t endpoint)
{
    return endpoint == SECOND ? "sound3" : NULL;
}

static void test_driver_names(void **state)
{
    const struct iommu_sink named = {
        .line = take_line, .context = lines, .owner = name_of_owner, .bound = name_of_bound};

    (void)state;
    work();
    iommu_bind(&on.iommu, SECOND, OWNER_FREE);
    iommu_bind(&on.iommu, BEHIND_A, OWNER_FREE);
    iommu_bind(&on.iommu, BEHIND_B, OWNER_TWO);
    clear_lines();
    iommu_show_devices(&on.iommu, &named);
    shows("00:02.0 0000:0000 class 000000, " UNIT_NAME ", disk0");
    shows("00:03.0 0000:0000 class 000000, " UNIT_NAME ", sound3");
    shows("01:04.0 0000:0000 class 000000, " UNIT_NAME ", nobody");
    shows("01:05.0 0000:0000 class 000000, " UNIT_NAME ", driver 2");
    iommu_show_domains(&on.iommu, &named);
    shows_number("domain %llu: translated, of disk0, id ", iommu_ref_index(domain_ref));
}

static void shows_range(uint64_t first, uint64_t last, uint64_t physical, const char *right)
{
    char line[80];

    snprintf(line, sizeof line, "0x%012llx-0x%012llx -> 0x%012llx %s", (unsigned long long)first,
             (unsigned long long)last, (unsigned long long)physical, right);
    shows(line);
}

static void test_maps(void **state)
{
    iommu_ref_t token;

    (void)state;
    work();
    map_with(BIG_AT + LARGE, big_pages + PAGE, PAGE, PT_READ_WRITE);
    map_with(BIG_AT - PAGE, small_pages, PAGE, PT_READ_WRITE);
    map_with(0x7000, small_pages, 3 * PAGE, PT_READ_WRITE);
    map_with(0xA000, small_pages + 3 * PAGE, PAGE, PT_READ_WRITE);
    assert_int_equal(reserve_at(domain_ref, 0x100000, 4 * PAGE, &token), IOMMU_OK);
    assert_int_equal(map_in(token, PAGE, small_pages, PAGE), IOMMU_OK);
    clear_lines();
    assert_true(iommu_show_maps(&on.iommu, iommu_ref_index(domain_ref), &sink));
    shows_range(AT, AT + PAGE - 1, small_pages, "read");
    shows_range(AT + PAGE, AT + 2 * PAGE - 1, small_pages + PAGE, "write");
    shows_range(AT + 3 * PAGE, AT + 4 * PAGE - 1, small_pages + 3 * PAGE, "no access");
    shows_range(BIG_AT, BIG_AT + LARGE - 1, big_pages, "read and write");
    shows_range(BIG_AT + LARGE, BIG_AT + LARGE + PAGE - 1, big_pages + PAGE, "read and write");
    shows_range(BIG_AT - PAGE, BIG_AT - 1, small_pages, "read and write");
    shows_range(0x7000, 0xAFFF, small_pages, "read and write");
    shows_range(REGION_BASE, REGION_BASE + REGION_SIZE - 1, REGION_BASE, "read and write");
    shows_range(0x101000, 0x101FFF, small_pages, "read and write");
    shows("0x0000fee00000-0x0000feefffff kept: interrupt window");
    shows("0x000001800000-0x000001801fff kept: demanded by firmware, granted here");
    shows("0x000000100000-0x000000103fff kept: token 0, 0x1000 bytes mapped");
    clear_lines();
    iommu_ref_t other = make(IOMMU_TRANSLATE, 32);
    assert_true(iommu_show_maps(&on.iommu, iommu_ref_index(other), &sink));
    line_is("0x0000fee00000-0x0000feefffff kept: interrupt window");
#ifdef UNIT_AMDVI
    line_is("0x00fd00000000-0x00ffffffffff kept: no memory to a unit");
#endif
    line_is("0x000001800000-0x000001801fff kept: demanded by firmware");
    no_more_lines();
    assert_false(iommu_show_maps(&on.iommu, 200, &sink));
    assert_false(iommu_show_maps(&on.iommu, 100000, &sink));
    assert_int_equal(line_count, 0);
}

static bool stop_at_once(void *context)
{
    (void)context;
    return true;
}

static void test_stopped(void **state)
{
    const struct iommu_sink stopped = {
        .line = take_line, .stopped = stop_at_once, .context = lines};

    (void)state;
    work();
    clear_lines();
    iommu_show_groups(&on.iommu, &stopped);
    iommu_show_devices(&on.iommu, &stopped);
    iommu_show_domains(&on.iommu, &stopped);
    assert_int_equal(line_count, 0);
}

/* Each fault is counted once, for the endpoint it is put down to, or for none. */
static void test_faults(void **state)
{
    struct iommu_fault faults[3];
    unsigned count, all = 0;

    (void)state;
    work();
    for (unsigned i = 0; i < 9; i++) {
        (void)dma(i % 3 ? FIRST_ID : SECOND_ID, AT + (100 + i) * PAGE, i & 1);
        while ((count = iommu_drain_faults(&on.iommu, faults, 3)) != 0)
            all += count;
    }
    (void)dma(PCI_BDF(2, 0, 0), AT, true);
    while ((count = iommu_drain_faults(&on.iommu, faults, 3)) != 0)
        all += count;
    assert_int_equal(all, 10);
    assert_int_equal(on.iommu.faults[FIRST].count, 6);
    assert_int_equal(on.iommu.faults[SECOND].count, 3);
    assert_int_equal(on.iommu.faults[PCI_FUNCTIONS_MAX].count, 1);
    clear_lines();
    iommu_show_faults(&on.iommu, &sink);
    shows("00:02.0: 6 refused, the last of them:");
    shows("    write 0x10069000 by 00:02.0: 0x");
    shows("    read 0x1006c000 by 00:02.0: 0x");
    assert_false(seen("0x10065000"));
    shows("00:03.0: 3 refused");
    shows("unknown requesters: 1 refused");
    shows("10 records taken, none lost");
    shows("10 refused in all");
}

static void test_one_fault(void **state)
{
    struct iommu_fault fault;

    (void)state;
    work();
    assert_int_equal(dma(SECOND_ID, AT, true), MODEL_DMA_REFUSED);
    assert_int_equal(iommu_drain_faults(&on.iommu, &fault, 1), 1);
    clear_lines();
    iommu_show_faults(&on.iommu, &sink);
    shows(UNIT_NAME ": 1 record taken, none lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_fault),
        cmocka_unit_test(test_register_layouts),
        cmocka_unit_test(test_register_conditions),
        cmocka_unit_test(test_entry_layouts),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_field_lines),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_whole_lists),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_unit_not_active),
        cmocka_unit_test(test_no_unit),
        cmocka_unit_test(test_group_in_part),
        cmocka_unit_test(test_unit_unread),
        cmocka_unit_test(test_driver_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
