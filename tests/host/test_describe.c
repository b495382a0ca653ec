/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What is shown of units and of core: layouts against the specifications, registers with known
 * values, lists, mappings and faults.
 */
#include "tests/host/describe_fixture.h"

/* ---- Layouts ---- */

static uint64_t ones(unsigned low, unsigned high)
{
    return UINT64_MAX >> (63 - (high - low)) << low;
}

/* Every field has a name, lies in one word of the layout and meets no other. */
static void check_layout(const struct pt_layout *layout, uint64_t covered[4])
{
    memset(covered, 0, 4 * sizeof *covered);
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
    }
}

static unsigned registers_seen;

static void check_register(void *context, const struct iommu_register *reg, uint32_t offset,
                           const uint64_t *words)
{
    uint64_t covered[4];

    (void)context;
    check_layout(&reg->layout, covered);
    assert_true(offset % (reg->layout.bytes == 4 ? 4 : 8) == 0);
    assert_true((words == NULL) == (reg->use == IOMMU_REGISTER_WRITE_ONLY));
    registers_seen++;
    if (words && reg->layout.bytes < 16)
        assert_int_equal(words[0] & ~covered[0], 0);
}

static void test_register_layouts(void **state)
{
    const struct iommu_register_visitor visitor = {check_register, NULL};

    (void)state;
    start(&OPTIONS_DEFAULT);
    registers_seen = 0;
    on.iommu.units[0].ops->registers(&on.iommu.units[0], &visitor);
    assert_true(registers_seen > 10);
    no_violation();
}

/* Bits that the specifications give a name, or leave to software, in each entry. */
static const struct {
    const char *name;
    uint64_t bits[4];
} documented[] = {
#ifdef UNIT_AMDVI
    {"device table entry",
     {UINT64_C(0x7FFFFFFFFFFFFF83), UINT64_C(0xFFFFFFFFFFFFFFFF), UINT64_C(0xFF0FFFFFFFFFFFFF),
      UINT64_C(0xFFC0000000000000)}},
    {"PDE", {UINT64_C(0x600FFFFFFFFFFE21)}},
    {"PTE", {UINT64_C(0x780FFFFFFFFFFE61)}},
#else
    {"root entry", {UINT64_C(0xFFFFFFFFFFFFF001)}},
    {"context entry", {UINT64_C(0xFFFFFFFFFFFFF00F), UINT64_C(0xFFFF7F)}},
    {"SS-PML4E", {UINT64_C(0x3FFFFFFFFFFFF187)}},
    {"SS-PDPE", {UINT64_C(0x3FFFFFFFFFFFF187)}},
    {"SS-PDE", {UINT64_C(0x3FFFFFFFFFFFF187)}},
    {"SS-PDE (page)", {UINT64_C(0x7FFFFFFFFFFFFBFF)}},
    {"SS-PTE", {UINT64_C(0x7FFFFFFFFFFFFBFF)}},
#endif
};

#define DOCUMENTED (sizeof documented / sizeof *documented)

static bool layout_seen[DOCUMENTED];

static void check_entry(void *context, const struct iommu_entry *entry)
{
    uint64_t covered[4];

    (void)context;
    check_layout(entry->layout, covered);
    for (unsigned i = 0; i < DOCUMENTED; i++) {
        if (strcmp(documented[i].name, entry->layout->name) != 0)
            continue;
        assert_memory_equal(covered, documented[i].bits, sizeof covered);
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
    assert_memory_equal(&before, &on.unit, sizeof before);
#ifdef UNIT_AMDVI
    shows("Capability Header at 0x040 = 0x");
    shows("CapType=3");
    shows("EFRSup=1 CapExt=1");
    shows("PaSize=0x30 VaSize=0x30");
    shows("Extended Feature at 0x030 = 0x0000000000000840");
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
    shows("    FI=0x10000000 SID=0x18");
    shows("IVA at 0x0f0 is write-only");
    shows("IOTLB at 0x0f8 = ");
#endif
    assert_false(seen("RSVD"));
    clear_lines();
    assert_true(iommu_show_capabilities(&on.iommu, 0, &sink));
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
    shows("    attached, domain ");
    shows("    group is in: blocked, 0 refused");
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
    const struct iommu_sink stopped = {take_line, stop_at_once, lines};

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
    shows("10 records taken, 0 times more were lost");
    shows("10 refused in all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register_layouts),
        cmocka_unit_test(test_entry_layouts),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_field_lines),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
