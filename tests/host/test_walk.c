/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Walks from a requester to memory against the model's judge, with the tables as they are and with
 * broken ones.
 */
#include "tests/host/describe_fixture.h"

#define NO_RAM UINT64_C(0x3FFFFFF000)

/* The same lines from every vendor behind those of the entries. */
static void walk_says(uint64_t address, enum pt_permission wanted, const char *sentence,
                      const char *idea)
{
    clear_lines();
    assert_true(iommu_show_walk(&on.iommu, 0, FIRST_ID, address, wanted, &sink));
    assert_true(line_count >= 3);
    assert_string_equal(lines[line_count - 2], sentence);
    assert_string_equal(lines[line_count - 1], idea);
}

static void test_walk_lines(void **state)
{
    char sentence[80], idea[80];

    (void)state;
    work();
    unsigned domain = iommu_ref_index(domain_ref);
    snprintf(sentence, sizeof sentence, "translated to 0x%llx, read, 4 KiB page",
             (unsigned long long)small_pages + 0x123);
    snprintf(idea, sizeof idea, "core agrees: domain %u, 0x%llx, read", domain,
             (unsigned long long)small_pages + 0x123);
    walk_says(AT + 0x123, PT_READ, sentence, idea);
    snprintf(sentence, sizeof sentence, "translated to 0x%llx, read and write, 2 MiB page",
             (unsigned long long)big_pages + 0x1234);
    snprintf(idea, sizeof idea, "core agrees: domain %u, 0x%llx, read and write", domain,
             (unsigned long long)big_pages + 0x1234);
    walk_says(BIG_AT + 0x1234, PT_NONE, sentence, idea);
    snprintf(sentence, sizeof sentence,
             "translated (demanded region) to 0x%llx, read and write, %s page",
             (unsigned long long)REGION_BASE, UNIT_FORMAT == REFERENCE_AMD_V1 ? "8 KiB" : "4 KiB");
    snprintf(idea, sizeof idea, "core agrees: domain %u, 0x%llx, read and write", domain,
             (unsigned long long)REGION_BASE);
    walk_says(REGION_BASE, PT_NONE, sentence, idea);
    snprintf(idea, sizeof idea, "core agrees: domain %u does not allow it", domain);
    walk_says(AT, PT_WRITE, "refused: no write permission at level 1", idea);
    walk_says(AT + PAGE, PT_READ, "refused: no read permission at level 1", idea);
    walk_says(AT + 3 * PAGE, PT_NONE,
              UNIT_FORMAT == REFERENCE_AMD_V1
                  ? "refused: neither read nor write permission at level 1"
                  : "refused: not present at level 1",
              idea);
    walk_says(0x5000, PT_READ, "refused: not present at level 2", idea);
    walk_says(UINT64_C(1) << 50, PT_READ, "refused: beyond the width of 48 bits", idea);
}

/* Core takes the device for one of another domain, or of none: the walk says so. */
static void test_core_differs(void **state)
{
    const uint64_t at = AT + 2 * PAGE;

    (void)state;
    work();
    clear_lines();
    assert_true(iommu_show_walk(&on.iommu, 0, FIRST_ID, at, PT_READ, &sink));
    iommu_ref_t other = make(IOMMU_TRANSLATE, 0);
    assert_int_equal(map_at(other, at, small_pages + PAGE, PAGE), IOMMU_OK);
    on.iommu.groups[FIRST].domain = iommu_ref_index(other);
    assert_false(iommu_show_walk(&on.iommu, 0, FIRST_ID, at, PT_READ, &sink));
    on.iommu.requesters[0].uses = 0;
    clear_lines();
    assert_false(iommu_show_walk(&on.iommu, 0, FIRST_ID, at, PT_READ, &sink));
    shows("CORE DIFFERS");
}

/* Of a unit that failed nothing is believed. */
static void test_unit_not_used(void **state)
{
    (void)state;
    work();
    on.iommu.requesters[0].uses = 0;
    on.iommu.units[0].state = UNIT_FAILED;
    clear_lines();
    assert_true(iommu_show_walk(&on.iommu, 0, FIRST_ID, AT, PT_READ, &sink));
    shows("core does not use");
    on.iommu.units[0].state = UNIT_POISONED;
    clear_lines();
    assert_false(iommu_show_walk(&on.iommu, 0, FIRST_ID, AT, PT_READ, &sink));
    shows("CORE DIFFERS");
    clear_lines();
    (void)iommu_show_walk(&on.iommu, 0, FIRST_ID, 0, PT_READ, &sink);
    assert_false(seen("protected memory range"));
}

/* A device without a domain is refused everything; that is no reason to agree with a unit that does
 * not answer, or that was led to a table elsewhere. */
static void never_agrees(const char *verdict)
{
    clear_lines();
    assert_false(iommu_show_walk(&on.iommu, 0, FIRST_ID, AT, PT_READ, &sink));
    shows(verdict);
}

static void test_blocked_and_unknown(void **state)
{
    (void)state;
    work();
    on.iommu.requesters[0].uses = 0;
#ifdef UNIT_AMDVI
    uint64_t before = on.unit.device_table;
    on.unit.device_table = NO_RAM | 0x1FF;
    never_agrees("CORE DIFFERS");
    on.unit.device_table = before;
    on.unit.control |= UINT64_C(1) << 34;
    never_agrees("core cannot be compared");
    on.unit.broken.all_ones = true;
#else
    uint64_t before = on.unit.rtaddr;
    on.unit.rtaddr = NO_RAM;
    never_agrees("CORE DIFFERS");
    on.unit.rtaddr = before | 0x400;
    never_agrees("core cannot be compared");
    on.unit.broken.presence = MODEL_VTD_ALL_ONES;
#endif
    never_agrees("core cannot be compared");
}

/* ---- Walks against the judge ---- */

static bool end_seen[IOMMU_WALK_ENDS];

static bool reaches_memory(enum iommu_walk_end end)
{
    return end == IOMMU_WALK_TRANSLATED || end == IOMMU_WALK_REGION || end == IOMMU_WALK_PASSES ||
           end == IOMMU_WALK_EXCLUDED || end == IOMMU_WALK_FORWARDED || end == IOMMU_WALK_OFF;
}

#ifdef UNIT_AMDVI
#define JUDGE model_amdvi_judge
#else
#define JUDGE model_vtd_judge
#endif

/* Whether the model's reason and the walk's end are the same. */
static bool is_same(pci_bdf_t requester, uint64_t address, bool write, enum iommu_walk_end end)
{
#ifdef UNIT_AMDVI
    switch (JUDGE(&on.unit, requester, address, write, NULL)) {
    case MODEL_AMDVI_OK:
        return reaches_memory(end) || end == IOMMU_WALK_INTERRUPT;
    case MODEL_AMDVI_DTE_RESERVED:
        return end == IOMMU_WALK_RESERVED;
    case MODEL_AMDVI_DTE_ENCODING:
        return end == IOMMU_WALK_INVALID || end == IOMMU_WALK_NO_ENTRY;
    case MODEL_AMDVI_DTE_UNREADABLE:
        return end == IOMMU_WALK_UNREADABLE;
    case MODEL_AMDVI_TABLE_UNREADABLE:
        return end == IOMMU_WALK_UNREADABLE || end == IOMMU_WALK_BLOCKED;
    case MODEL_AMDVI_NOT_PRESENT:
        return end == IOMMU_WALK_NOT_PRESENT || end == IOMMU_WALK_BEYOND ||
               end == IOMMU_WALK_SKIPPED || end == IOMMU_WALK_BLOCKED;
    case MODEL_AMDVI_NO_PERMISSION:
        return end == (write ? IOMMU_WALK_NO_WRITE : IOMMU_WALK_NO_READ) ||
               end == IOMMU_WALK_BLOCKED;
    case MODEL_AMDVI_PTE_RESERVED:
        return end == IOMMU_WALK_RESERVED || end == IOMMU_WALK_BLOCKED;
    case MODEL_AMDVI_BAD_REQUEST:
        return end == IOMMU_WALK_INTERRUPT_ABORTED || end == IOMMU_WALK_SPECIAL ||
               (end == IOMMU_WALK_INTERRUPT && !write);
    }
    return false;
#else
    if (end == IOMMU_WALK_INTERRUPT)
        return address >> 20 == 0xFEE;
    switch (JUDGE(&on.unit, requester, address, write, NULL)) {
    case MODEL_VTD_OK:
        return reaches_memory(end);
    case MODEL_VTD_ROOT_NOT_PRESENT:
    case MODEL_VTD_CONTEXT_NOT_PRESENT:
        return end == IOMMU_WALK_BLOCKED;
    case MODEL_VTD_CONTEXT_INVALID:
        return end == IOMMU_WALK_INVALID;
    case MODEL_VTD_BEYOND_ADDRESS_WIDTH:
        return end == IOMMU_WALK_BEYOND;
    case MODEL_VTD_NO_WRITE:
        return end == IOMMU_WALK_NO_WRITE || end == IOMMU_WALK_NOT_PRESENT;
    case MODEL_VTD_NO_READ:
        return end == IOMMU_WALK_NO_READ || end == IOMMU_WALK_NOT_PRESENT;
    case MODEL_VTD_TABLE_UNREADABLE:
    case MODEL_VTD_ROOT_UNREADABLE:
    case MODEL_VTD_CONTEXT_UNREADABLE:
        return end == IOMMU_WALK_UNREADABLE;
    case MODEL_VTD_ROOT_RESERVED:
    case MODEL_VTD_CONTEXT_RESERVED:
    case MODEL_VTD_ENTRY_RESERVED:
        return end == IOMMU_WALK_RESERVED;
    case MODEL_VTD_INTERRUPT_RANGE:
        return end == IOMMU_WALK_ONTO_INTERRUPTS;
    case MODEL_VTD_BLOCKED_TYPE:
        break;
    }
    return false;
#endif
}

struct path {
    struct {
        uint64_t physical;
        unsigned words;
    } entries[8];
    unsigned count;
};

static void take_entry(void *context, const struct iommu_entry *entry)
{
    struct path *path = context;

    assert_true(path->count < 8);
    path->entries[path->count].physical = entry->physical;
    path->entries[path->count++].words = entry->layout->bytes / 8u;
}

/* The walk and the judge say the same. A table in memory that is not the units' is as far as the
 * walk goes, and not the judge. */
static struct path agree(pci_bdf_t requester, uint64_t address, bool write)
{
    struct path path = {.count = 0};
    const struct iommu_entry_visitor visitor = {take_entry, &path};
    uint64_t physical = 0;
    enum model_dma_result judged = unit_translate(&on.unit, requester, address, write, &physical);
    struct iommu_walk walk =
        iommu_walk(&on.iommu, 0, requester, address, write ? PT_WRITE : PT_READ, &visitor);
    char text[IOMMU_LINE_MAX + 1];

    end_seen[walk.end] = true;
    (void)iommu_walk_sentence(&walk, text);
    if (walk.end == IOMMU_WALK_UNREADABLE || walk.end == IOMMU_WALK_OFF)
        return path;
    if (!is_same(requester, address, write, walk.end) ||
        reaches_memory(walk.end) != (judged == MODEL_DMA_ALLOWED) ||
        (reaches_memory(walk.end) && walk.physical != physical))
        fail_msg("%04x %s 0x%llx: %s; the judge: %d for reason %d, 0x%llx", requester,
                 write ? "writes" : "reads", (unsigned long long)address, text, (int)judged,
                 (int)JUDGE(&on.unit, requester, address, write, NULL),
                 (unsigned long long)physical);
    return path;
}

static enum iommu_walk_end end_at(pci_bdf_t requester, uint64_t address)
{
    return iommu_walk(&on.iommu, 0, requester, address, PT_NONE, NULL).end;
}

static uint64_t seed;

static uint64_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t some_address(void)
{
    static const uint64_t bases[] = {AT,
                                     BIG_AT,
                                     REGION_BASE,
                                     UINT64_C(0xFEDFF000),
                                     UINT64_C(0xFD00000000),
                                     UINT64_C(0xFDF9100000),
                                     UINT64_C(0xFDFC000000),
                                     UINT64_C(1) << 47};
    uint64_t base = bases[any() % (sizeof bases / sizeof *bases)];

    switch (any() % 4) {
    case 0:
        return any() >> any() % 52;
    case 1:
        return base + any() % UINT64_C(0x400000);
    default:
        return base + any() % (8 * PAGE);
    }
}

static pci_bdf_t some_requester(void)
{
    static const pci_bdf_t ids[] = {FIRST_ID,  FIRST_ID,  FIRST_ID,
                                    SECOND_ID, BRIDGE_ID, PCI_BDF(4, 0, 0)};

    return ids[any() % (sizeof ids / sizeof *ids)];
}

static void agree_anywhere(void)
{
    pci_bdf_t requester = some_requester();
    uint64_t address = some_address();

    (void)agree(requester, address, any() & 1);
}

#define TRIES 20000u

static void test_judge_as_it_is(void **state)
{
    (void)state;
    work();
    seed = 1;
    memset(end_seen, 0, sizeof end_seen);
    for (unsigned i = 0; i < TRIES; i++)
        agree_anywhere();
    assert_false(end_seen[IOMMU_WALK_UNREADABLE]);
    assert_false(end_seen[IOMMU_WALK_RESERVED]);
    no_violation();
}

/* Each reason has a sentence of its own, which begins with it and fits a line. */
static void test_sentences(void **state)
{
    char text[IOMMU_LINE_MAX + 1];

    (void)state;
    for (unsigned end = 0; end < IOMMU_WALK_ENDS; end++) {
        const struct iommu_walk walk = {.end = (enum iommu_walk_end)end,
                                        .width = 64,
                                        .shift = 39,
                                        .permission = PT_READ_WRITE,
                                        .physical = UINT64_C(0xFFFFFFFFFFFFF)};
        const char *reason = iommu_walk_reason(walk.end);

        assert_non_null(reason);
        assert_true(strlen(iommu_walk_sentence(&walk, text)) <= IOMMU_LINE_MAX);
        assert_memory_equal(text, reason, strlen(reason));
        if (walk.end == IOMMU_WALK_REGION)
            assert_non_null(strstr(text, "read and write, 512 GiB page"));
        for (unsigned other = 0; other < end; other++)
            assert_string_not_equal(reason, iommu_walk_reason((enum iommu_walk_end)other));
    }
}

/* ---- Broken entries ---- */

static void put(uint64_t physical, uint64_t value)
{
    uint64_t *word = memory_virtual(physical);

    assert_non_null(word);
    table_store64(word, value);
    table_write_back64(word);
}

static uint64_t broken(uint64_t value)
{
    const uint64_t address = UINT64_C(0x000FFFFFFFFFF000);

    switch (any() % 8) {
    case 0:
        return any();
    case 1:
        return (value & ~address) | UINT64_C(0xFEE00000);
    case 2:
        return (value & ~address) | (any() & UINT64_C(0x3FFFFFF000)); /* mostly no RAM */
    case 3:
        return (value & ~address) | small_pages;
    case 4:
        return value ^ UINT64_C(1) << any() % 64 ^ UINT64_C(1) << any() % 64;
    default:
        return value ^ UINT64_C(1) << any() % 64;
    }
}

static void break_one(void)
{
    uint64_t address = some_address();
    struct path path = agree(FIRST_ID, address, any() & 1);

    if (!path.count)
        return;
    unsigned n = (unsigned)(any() % path.count);
    uint64_t at = path.entries[n].physical + 8 * (any() % path.entries[n].words);
    uint64_t *word = memory_virtual(at), before;

    assert_non_null(word);
    before = table_load64(word);
    put(at, broken(before));
    for (unsigned i = 0; i < 4; i++)
        (void)agree(FIRST_ID, i ? (address & ~(PAGE - 1)) + any() % PAGE : some_address(), i & 1);
    put(at, before);
}

/* 1 GiB in one entry, larger than the model's memory. */
static void test_huge_page(void **state)
{
    const uint64_t huge = UINT64_C(0x80000000);

    (void)state;
    work();
    struct path path = agree(FIRST_ID, BIG_AT, true);
    uint64_t at = path.entries[path.count - 2].physical;
    uint64_t entry = table_load64(memory_virtual(at));
    put(at, UNIT_FORMAT == REFERENCE_AMD_V1 ? (entry & ~UINT64_C(0xFFFFFFFFFFE00)) | huge
                                            : huge | 0x83);
    (void)agree(FIRST_ID, BIG_AT + 0x1234567, true);
    struct iommu_walk walk = iommu_walk(&on.iommu, 0, FIRST_ID, BIG_AT + 0x1234567, PT_READ, NULL);
    assert_int_equal(walk.end, IOMMU_WALK_TRANSLATED);
    assert_int_equal(walk.shift, 30);
    assert_true(walk.physical == huge + 0x1234567);
}

/* An entry for a table may take a right away, from core's own reader too. */
static void test_rights_of_tables(void **state)
{
    const uint64_t at = AT + 2 * PAGE;
    struct pt_walk walk;

    (void)state;
    work();
    for (unsigned write = 0; write < 2; write++) {
        struct path path = agree(FIRST_ID, at, true);
        uint64_t link = path.entries[path.count - 2].physical;
        uint64_t before = table_load64(memory_virtual(link));
        unsigned bit = UNIT_FORMAT == REFERENCE_AMD_V1 ? 61 + write : write;

        put(link, before & ~(UINT64_C(1) << bit));
        (void)agree(FIRST_ID, at, write);
        (void)agree(FIRST_ID, at, !write);
        if (UNIT_FORMAT == REFERENCE_AMD_V1) {
            pt_walk(&on.iommu.domains[iommu_ref_index(domain_ref)].table, at, &walk);
            assert_int_equal(walk.permission, write ? PT_READ : PT_WRITE);
        }
        put(link, before);
    }
}

#ifdef UNIT_AMDVI
/* Bits of a device table entry that belong to a feature are reserved without it. */
static void test_optional_bits(void **state)
{
    static const struct {
        uint8_t feature, low, high; /* bits of Extended Feature and of the entry */
    } optional[] = {{1, 52, 53}, {4, 54, 60},    {4, 80, 95},    {4, 107, 127}, {49, 7, 7},
                    {52, 8, 8},  {31, 106, 106}, {51, 246, 255}, {55, 192, 245}};

    (void)state;
    work();
    uint64_t *features = &on.driver.units[0].efr, offered = *features;
    uint64_t entry = agree(FIRST_ID, AT, false).entries[0].physical;
    for (unsigned i = 0; i < sizeof optional / sizeof *optional; i++)
        for (unsigned bit = optional[i].low; bit <= optional[i].high; bit++) {
            uint64_t at = entry + bit / 64 * 8, before = table_load64(memory_virtual(at));

            put(at, before | UINT64_C(1) << bit % 64);
            *features = ~(UINT64_C(1) << optional[i].feature | UINT64_C(3) << 10) | offered;
            assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_RESERVED);
            *features = offered | UINT64_C(1) << optional[i].feature;
            assert_int_not_equal(end_at(FIRST_ID, AT), IOMMU_WALK_RESERVED);
            *features = offered;
            put(at, before);
        }
}

static void ends_at(uint64_t at, uint64_t bits, enum iommu_walk_end end)
{
    uint64_t before = table_load64(memory_virtual(at));

    put(at, bits ? before | bits : 0);
    (void)agree(FIRST_ID, AT, false);
    assert_int_equal(end_at(FIRST_ID, AT), end);
    put(at, before);
}

/* What no unit has: tables of 7 levels, IoCtl 11b, IntCtl 11b, an IntTabLen beyond 2048. */
static void test_invalid_bits(void **state)
{
    (void)state;
    work();
    uint64_t entry = agree(FIRST_ID, AT, false).entries[0].physical;
    ends_at(entry, UINT64_C(7) << 9, IOMMU_WALK_INVALID);
    ends_at(entry + 8, UINT64_C(3) << 35, IOMMU_WALK_INVALID);
    ends_at(entry + 8, UINT64_C(1) << 35, IOMMU_WALK_TRANSLATED);
    ends_at(entry + 8, UINT64_C(2) << 35, IOMMU_WALK_TRANSLATED);
    ends_at(entry + 16, 1 | UINT64_C(3) << 60, IOMMU_WALK_INVALID);
    ends_at(entry + 16, 1 | UINT64_C(12) << 1, IOMMU_WALK_INVALID);
    ends_at(entry + 16, 1 | UINT64_C(11) << 1, IOMMU_WALK_TRANSLATED);
    ends_at(entry + 16, 0, IOMMU_WALK_TRANSLATED);
}

/* A page that gives its own size has up to half of what the table maps. */
static void test_oversized_page(void **state)
{
    (void)state;
    work();
    struct path path = agree(FIRST_ID, AT, false);
    put(path.entries[path.count - 1].physical, UINT64_C(0x600000004007FE01));
    (void)agree(FIRST_ID, AT, false);
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_TRANSLATED);
    put(path.entries[path.count - 1].physical, UINT64_C(0x60000000400FFE01));
    (void)agree(FIRST_ID, AT, false);
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_RESERVED);
}
#endif

static const enum iommu_walk_end wanted_ends[] = {
    IOMMU_WALK_TRANSLATED,
    IOMMU_WALK_REGION,
    IOMMU_WALK_INTERRUPT,
    IOMMU_WALK_BLOCKED,
    IOMMU_WALK_RESERVED,
    IOMMU_WALK_UNREADABLE,
    IOMMU_WALK_NOT_PRESENT,
    IOMMU_WALK_NO_READ,
    IOMMU_WALK_NO_WRITE,
    IOMMU_WALK_BEYOND,
    IOMMU_WALK_PASSES,
#ifdef UNIT_AMDVI
    IOMMU_WALK_SKIPPED,
    IOMMU_WALK_NO_ENTRY,
    IOMMU_WALK_SPECIAL,
    IOMMU_WALK_FORWARDED,
    IOMMU_WALK_INTERRUPT_ABORTED,
#else
    IOMMU_WALK_INVALID,    IOMMU_WALK_ONTO_INTERRUPTS,
#endif
};

static void test_judge_broken(void **state)
{
#ifndef UNIT_AMDVI
    const uint64_t offers = MODEL_VTD_ECAP_DT | MODEL_VTD_ECAP_PT | MODEL_VTD_ECAP_SC;
#endif

    (void)state;
    work();
    seed = 2;
    memset(end_seen, 0, sizeof end_seen);
    for (unsigned i = 0; i < TRIES; i++) {
#ifndef UNIT_AMDVI
        /* What the unit has says what its entries may ask for. */
        on.unit.config.ecap = MODEL_VTD_ECAP ^ (i % 4 ? 0 : any() & offers);
        on.driver.units[0].ecap = on.unit.config.ecap;
#endif
        agree_anywhere();
        break_one();
    }
    for (unsigned i = 0; i < sizeof wanted_ends / sizeof *wanted_ends; i++)
        if (!end_seen[wanted_ends[i]])
            fail_msg("never ended with: %s", iommu_walk_reason(wanted_ends[i]));
    no_violation();
}

/* ---- What no table says ---- */

static void test_off_and_gone(void **state)
{
    (void)state;
    work();
#ifdef UNIT_AMDVI
    on.unit.control &= ~UINT64_C(1);
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_OFF);
    on.unit.control |= 1;
    on.unit.control |= UINT64_C(1) << 34;
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_UNKNOWN_MODE);
    on.unit.control &= ~(UINT64_C(1) << 34);
    on.unit.exclusion_base = AT | 3;
    on.unit.exclusion_limit = AT;
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_EXCLUDED);
    (void)agree(FIRST_ID, AT, true);
    (void)agree(FIRST_ID, AT + PAGE, true);
    on.unit.exclusion_base = AT | 1;
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_TRANSLATED);
    (void)agree(FIRST_ID, AT, true);
    on.unit.exclusion_base = 0;
    on.unit.broken.all_ones = true;
#else
    on.unit.gsts &= ~(UINT32_C(1) << 31);
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_OFF);
    on.unit.gsts |= UINT32_C(1) << 31;
    on.unit.rtaddr |= 0x400;
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_UNKNOWN_MODE);
    on.unit.rtaddr &= ~UINT64_C(0x400);
    on.unit.broken.presence = MODEL_VTD_ALL_ONES;
#endif
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_NO_ANSWER);
    on.iommu.requesters[0].unit = PCI_NONE;
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_NOT_COVERED);
    assert_int_equal(end_at(PCI_BDF(9, 0, 0), AT), IOMMU_WALK_NO_ANSWER);
    on.iommu.units[1] = on.iommu.units[0];
    on.iommu.unit_count = 2;
    assert_int_equal(end_at(PCI_BDF(9, 0, 0), AT), IOMMU_WALK_UNKNOWN_UNIT);
    clear_lines();
    assert_false(iommu_show_walk(&on.iommu, 0, PCI_BDF(9, 0, 0), AT, PT_NONE, &sink));
    on.iommu.unit_count = 0;
    assert_int_equal(end_at(PCI_BDF(9, 0, 0), AT), IOMMU_WALK_NOT_COVERED);
    no_violation();
}

#ifndef UNIT_AMDVI
/* Protected ranges hold whatever the tables say. */
static void test_protected_memory(void **state)
{
    struct options options = OPTIONS_DEFAULT;

    (void)state;
    options.unit.cap |= MODEL_VTD_CAP_PLMR | MODEL_VTD_CAP_PHMR;
    start(&options);
    domain_ref = make(IOMMU_TRANSLATE, 0);
    (void)attached(FIRST, domain_ref);
    uint64_t page = own_pages(OWNER_ONE, 1);
    map_with(AT, page, PAGE, PT_READ_WRITE);
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_TRANSLATED);
    on.unit.plm_base = on.unit.plm_limit = (uint32_t)page & ~UINT32_C(0xFFFFF);
    on.unit.phm_base = UINT64_C(0x100000);
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_TRANSLATED);
    on.unit.pmen = 0x80000001;
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_PROTECTED);
    assert_int_equal(dma(FIRST_ID, AT, true), MODEL_DMA_REFUSED);
    on.unit.plm_base = on.unit.plm_limit += 0x100000;
    assert_int_equal(end_at(FIRST_ID, AT), IOMMU_WALK_TRANSLATED);
    assert_int_equal(dma(FIRST_ID, AT, true), MODEL_DMA_ALLOWED);
    clear_lines();
    assert_true(iommu_show_registers(&on.iommu, 0, &sink));
    shows("PMEN at 0x064 = 0x80000001");
    shows("    PRS=1 EPM=1");
    shows("PHMBASE at 0x070 = 0x0000000000100000");
    no_violation();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_lines),          cmocka_unit_test(test_core_differs),
        cmocka_unit_test(test_blocked_and_unknown), cmocka_unit_test(test_unit_not_used),
        cmocka_unit_test(test_judge_as_it_is),      cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_huge_page),           cmocka_unit_test(test_rights_of_tables),
#ifdef UNIT_AMDVI
        cmocka_unit_test(test_oversized_page),      cmocka_unit_test(test_invalid_bits),
        cmocka_unit_test(test_optional_bits),
#endif
        cmocka_unit_test(test_judge_broken),        cmocka_unit_test(test_off_and_gone),
#ifndef UNIT_AMDVI
        cmocka_unit_test(test_protected_memory),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
