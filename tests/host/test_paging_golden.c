/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/*
 * Entries typed from the specifications, not from an encoder. They judge the driver (what it stores
 * for a page, read back through pt_walk) and the reference walker (what it says of them), which in
 * turn is judged on what it must refuse.
 */

#include "arch/table.h"
#include "paging_fixture.h"

#define ADDRESS UINT64_C(0x000FFFFFFFFFF000) /* bits 51:12 */

/* Bits that a format leaves to software or that hardware sets: not judged. Second stage: 63, 61:52,
 * 10:8. First stage: 62:52, 11:8 and D, A. AMD: FC, D, A and 8:7, 4:1. */
static const uint64_t free_bits[REFERENCE_KINDS] = {
    [REFERENCE_SECOND_STAGE] = UINT64_C(0xBFF0000000000700),
    [REFERENCE_FIRST_STAGE] = UINT64_C(0x7FF0000000000F60),
    [REFERENCE_AMD_V1] = UINT64_C(0x10000000000001FE),
};

struct golden {
    enum reference_kind kind;
    uint8_t levels, leaf_level;
    uint64_t physical, size;
    enum pt_permission permission;
    uint64_t leaf;
};

#define SS REFERENCE_SECOND_STAGE
#define FS REFERENCE_FIRST_STAGE
#define V1 REFERENCE_AMD_V1

static const struct golden golden[] = {
    /* SS-PTE: R bit 0, W bit 1. */
    {SS, 3, 1, 0x0000000012345000, 0x1000, PT_READ_WRITE, 0x0000000012345003},
    {SS, 4, 1, 0x0000000012345000, 0x1000, PT_READ, 0x0000000012345001},
    {SS, 5, 1, 0x0000000012345000, 0x1000, PT_WRITE, 0x0000000012345002},
    {SS, 4, 1, 0x0000000000000000, 0x1000, PT_READ, 0x0000000000000001},
    {SS, 4, 1, 0x00003FFFFFFFF000, 0x1000, PT_READ_WRITE, 0x00003FFFFFFFF003},
    /* SS-PDE and SS-PDPE that map a page: PS bit 7. */
    {SS, 3, 2, 0x0000000040200000, 0x200000, PT_READ_WRITE, 0x0000000040200083},
    {SS, 4, 2, 0x0000300000600000, 0x200000, PT_WRITE, 0x0000300000600082},
    {SS, 5, 2, 0x0000000000000000, 0x200000, PT_READ, 0x0000000000000081},
    {SS, 3, 3, 0x0000000180000000, 0x40000000, PT_READ_WRITE, 0x0000000180000083},
    {SS, 4, 3, 0x0000000040000000, 0x40000000, PT_READ, 0x0000000040000081},
    {SS, 5, 3, 0x00003FFFC0000000, 0x40000000, PT_WRITE, 0x00003FFFC0000082},
    /* FS-PTE: P bit 0, R/W bit 1, U/S bit 2; FS-PDE and FS-PDPE with PS bit 7. */
    {FS, 4, 1, 0x0000000012345000, 0x1000, PT_READ_WRITE, 0x0000000012345007},
    {FS, 5, 1, 0x0000000012345000, 0x1000, PT_READ, 0x0000000012345005},
    {FS, 4, 1, 0x00003FFFFFFFF000, 0x1000, PT_READ_WRITE, 0x00003FFFFFFFF007},
    {FS, 4, 2, 0x0000000040200000, 0x200000, PT_READ_WRITE, 0x0000000040200087},
    {FS, 5, 2, 0x0000300000600000, 0x200000, PT_READ, 0x0000300000600085},
    {FS, 4, 3, 0x0000000180000000, 0x40000000, PT_READ_WRITE, 0x0000000180000087},
    {FS, 5, 3, 0x00003FFFC0000000, 0x40000000, PT_READ, 0x00003FFFC0000085},
    /* Next Level 0: PR bit 0, IR bit 61, IW bit 62. */
    {V1, 1, 1, 0x0000000012345000, 0x1000, PT_READ_WRITE, 0x6000000012345001},
    {V1, 3, 1, 0x0000000012345000, 0x1000, PT_READ, 0x2000000012345001},
    {V1, 6, 1, 0x0000000012345000, 0x1000, PT_WRITE, 0x4000000012345001},
    {V1, 4, 1, 0x00003FFFFFFFF000, 0x1000, PT_READ_WRITE, 0x60003FFFFFFFF001},
    {V1, 2, 2, 0x0000000040200000, 0x200000, PT_READ_WRITE, 0x6000000040200001},
    {V1, 4, 3, 0x0000000180000000, 0x40000000, PT_READ, 0x2000000180000001},
    /* Next Level 7: ones from address bit 12 up, then a zero at bit n, for 2^(n+1) bytes. */
    {V1, 1, 1, 0x0000000000202000, 0x2000, PT_READ_WRITE, 0x6000000000202E01},
    {V1, 3, 1, 0x0000000000204000, 0x4000, PT_READ_WRITE, 0x6000000000205E01},
    {V1, 4, 1, 0x0000000000208000, 0x8000, PT_READ, 0x200000000020BE01},
    {V1, 5, 1, 0x0000000000210000, 0x10000, PT_WRITE, 0x4000000000217E01},
    {V1, 6, 1, 0x0000000000220000, 0x20000, PT_READ_WRITE, 0x600000000022FE01},
    {V1, 2, 1, 0x0000000000240000, 0x40000, PT_READ_WRITE, 0x600000000025FE01},
    {V1, 3, 1, 0x0000000000280000, 0x80000, PT_READ_WRITE, 0x60000000002BFE01},
    {V1, 4, 1, 0x0000000000300000, 0x100000, PT_READ_WRITE, 0x600000000037FE01},
    {V1, 2, 2, 0x0000000040400000, 0x400000, PT_READ_WRITE, 0x60000000405FFE01},
    {V1, 3, 2, 0x0000000002000000, 0x2000000, PT_READ, 0x2000000002FFFE01},
    {V1, 4, 2, 0x0000000020000000, 0x20000000, PT_WRITE, 0x400000002FFFFE01},
    {V1, 4, 3, 0x0000000100000000, 0x80000000, PT_READ_WRITE, 0x600000013FFFFE01},
    {V1, 4, 3, 0x0000004000000000, 0x4000000000, PT_READ, 0x2000005FFFFFFE01},
    {V1, 5, 4, 0x0000008000000000, 0x8000000000, PT_READ_WRITE, 0x6000008000000001},
    {V1, 4, 4, 0x0000010000000000, 0x10000000000, PT_WRITE, 0x4000017FFFFFFE01},
    {V1, 6, 4, 0x0000800000000000, 0x800000000000, PT_READ_WRITE, 0x6000BFFFFFFFFE01},
    {V1, 5, 5, 0x0001000000000000, 0x1000000000000, PT_READ, 0x2001000000000001},
    {V1, 6, 5, 0x0002000000000000, 0x2000000000000, PT_READ_WRITE, 0x6002FFFFFFFFFE01},
    {V1, 5, 5, 0x0008000000000000, 0x8000000000000, PT_READ_WRITE, 0x600BFFFFFFFFFE01},
};

/* An entry that refers to a table of `level`, without the address: all rights, so that the leaf
 * alone decides. AMD: Next Level 11:9. */
static uint64_t table_entry(enum reference_kind kind, unsigned level)
{
    static const uint64_t plain[] = {0x0000000000000003, 0x0000000000000007};
    static const uint64_t amd[] = {0,
                                   0x6000000000000201,
                                   0x6000000000000401,
                                   0x6000000000000601,
                                   0x6000000000000801,
                                   0x6000000000000A01};

    return kind == REFERENCE_AMD_V1 ? amd[level] : plain[kind];
}

static struct config config_of(const struct golden *one)
{
    return (struct config){
        .kind = one->kind,
        .levels = one->levels,
        .width =
            (uint8_t)(one->levels == 6 ? 63 : 12 + 9 * one->levels - (one->kind == FS ? 1 : 0)),
        .physical_width = one->leaf_level > 2 && one->kind == V1 ? 52 : 46,
        .leaf_levels = one->levels < 2       ? 2
                       : one->levels < 3     ? 6
                       : one->leaf_level < 4 ? 14
                                             : 0x3E,
        .coherent = false};
}

static void expect_word(const struct golden *one, uint64_t actual, uint64_t wanted)
{
    if ((actual ^ wanted) & ~free_bits[one->kind]) {
        fail_msg("format %d, level %d, page of 0x%llx bytes: 0x%016llx where 0x%016llx belongs",
                 (int)one->kind, one->leaf_level, (unsigned long long)one->size,
                 (unsigned long long)actual, (unsigned long long)wanted);
    }
}

/* ---- The driver ---- */

/* A table for one entry. The tables that splitting the largest would need are more than the model's
 * memory has: they are set aside and never taken. */
static void start_for(const struct golden *one)
{
    const size_t lent = one->size > UINT64_C(1) << 31 ? (size_t)1 << 38 : 0;
    static struct config with;

    with = config_of(one);
    start(&with, 600);
    pool.available += lent;
    pages_before += lent;
}

static void driver_stores(const struct golden *one, uint64_t address)
{
    struct pt_walk walk;

    start_for(one);
    assert_int_equal(pt_map(&table, address, one->physical, one->size, one->permission), PT_OK);
    pt_walk(&table, address + one->size - 1, &walk);
    assert_int_equal(walk.leaf_level, one->leaf_level);
    assert_int_equal(walk.count, one->levels + 1 - one->leaf_level);
    assert_int_equal(walk.physical, one->physical + one->size - 1);
    assert_int_equal(walk.permission, one->permission);
    for (unsigned i = 0; i + 1 < walk.count; i++) {
        expect_word(one, walk.entries[i] & ~ADDRESS, table_entry(one->kind, one->levels - 1u - i));
    }
    expect_word(one, walk.entries[walk.count - 1], one->leaf);
    finish();
}

static void driver_stores_golden_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
        unsigned levels = golden[i].levels;
        driver_stores(&golden[i], 0);
        driver_stores(&golden[i], UINT64_C(1) << (levels == 6 ? 62 : 10 + 9 * levels));
    }
}

/* No access at all: live for software, and nothing that hardware would let through. */
static void driver_stores_blocked_entries(void **state)
{
    static const uint64_t rights[REFERENCE_KINDS] = {0x3, 0x1, 0x6000000000000000};

    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
        struct pt_walk walk;

        start_for(&golden[i]);
        assert_int_equal(pt_map(&table, 0, golden[i].physical, golden[i].size, PT_NONE), PT_OK);
        pt_walk(&table, 0, &walk);
        assert_int_not_equal(walk.leaf_level, 0);
        assert_int_equal(walk.permission, PT_NONE);
        assert_int_not_equal(walk.entries[walk.count - 1], 0);
        assert_int_equal(walk.entries[walk.count - 1] & rights[golden[i].kind], 0);
        finish();
    }
}

static void driver_refuses_what_cannot_be_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
        if (golden[i].kind != FS) {
            continue;
        }
        start_for(&golden[i]);
        assert_int_equal(pt_map(&table, 0, golden[i].physical, golden[i].size, PT_WRITE),
                         PT_NOT_ENCODABLE);
        finish();
    }
}

/* ---- The reference walker, on tables put together by hand ---- */

static uint64_t *tables[7]; /* by level */

static void put(uint64_t *word, uint64_t value)
{
    table_store64(word, value);
    table_write_back(word, sizeof(*word));
}

/* One table for each level, the entries 0 of which lead down to level 1. */
static struct reference by_hand(enum reference_kind kind, uint8_t levels)
{
    model_reset();
    for (unsigned level = 1; level <= levels; level++) {
        tables[level] = memory_alloc(OWNER_IOMMU, 1, 0);
        assert_non_null(tables[level]);
        table_write_back(tables[level], PT_PAGE_SIZE);
    }
    for (unsigned level = 2; level <= levels; level++) {
        put(tables[level], memory_physical(tables[level - 1]) | table_entry(kind, level - 1));
    }
    return (struct reference){kind, memory_physical(tables[levels]), levels, 46, 14, false};
}

static void expect_walk(const struct reference *reference, uint64_t address, bool write,
                        enum reference_reason reason)
{
    struct reference_result result;

    if (reference_walk(reference, address, write, &result) != reason) {
        fail_msg("kind %d, level %d, entry 0x%016llx, address 0x%llx: reason %d (%s), not %d",
                 (int)reference->kind, result.level, (unsigned long long)result.entry,
                 (unsigned long long)address, (int)result.reason,
                 result.rule != NULL ? result.rule : "-", (int)reason);
    }
}

static void walker_reads_golden_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
        const struct golden *one = &golden[i];
        struct reference reference = by_hand(one->kind, one->levels);
        uint64_t each = UINT64_C(1) << (12 + 9 * (one->leaf_level - 1));
        struct reference_result result;

        reference.physical_width = config_of(one).physical_width;
        for (uint64_t n = 0; n < one->size / each; n++) {
            put(&tables[one->leaf_level][n], one->leaf);
        }
        expect_walk(&reference, 0, false,
                    one->permission & PT_READ ? REFERENCE_ALLOWED : REFERENCE_NO_PERMISSION);
        expect_walk(&reference, 0, true,
                    one->permission & PT_WRITE ? REFERENCE_ALLOWED : REFERENCE_NO_PERMISSION);
        if (one->size / each < PT_ENTRIES) {
            expect_walk(&reference, one->size, false, REFERENCE_NOT_PRESENT);
        }
        (void)reference_walk(&reference, one->size - 1, false, &result);
        assert_int_equal(result.physical, one->physical + one->size - 1);
        assert_int_equal(result.page_size, one->size);
        assert_int_equal(result.level, one->leaf_level);
        assert_null(reference_visit(&reference, &(struct reference_visitor){NULL, NULL, NULL}));
    }
}

/* Entry 0 of the table at `level`; `next` adds the address of the table below. */
struct odd {
    enum reference_kind kind;
    uint8_t levels, level;
    bool next;
    uint64_t word;
    enum reference_reason read, write;
};

#define BAD      REFERENCE_MALFORMED, REFERENCE_MALFORMED
#define ABSENT   REFERENCE_NOT_PRESENT, REFERENCE_NOT_PRESENT
#define FINE     REFERENCE_ALLOWED, REFERENCE_ALLOWED
#define READONLY REFERENCE_ALLOWED, REFERENCE_NO_PERMISSION
#define NEITHER  REFERENCE_NO_PERMISSION, REFERENCE_NO_PERMISSION
#define NOWHERE  REFERENCE_OUTSIDE_RAM, REFERENCE_OUTSIDE_RAM

static const struct odd odds[] = {
    /* Second stage: R and W clear is not present, whatever else is set. */
    {SS, 4, 1, false, 0x0000000000000000, ABSENT},
    {SS, 4, 1, false, 0xFFFFFFFFFFFFFFFC, ABSENT},
    {SS, 4, 3, true, 0x0000000000000000, ABSENT},
    {SS, 4, 1, false, 0xBFF0000012345703, FINE}, /* ignored bits */
    {SS, 4, 4, true, 0xBFF0000000000703, FINE},
    {SS, 4, 1, false, 0x4000000012345003, BAD}, /* TM */
    {SS, 4, 1, false, 0x0000000012345803, BAD}, /* SNP */
    {SS, 4, 2, true, 0x0000000000000803, BAD},
    {SS, 4, 1, false, 0x0000400000000003, BAD}, /* address bit 46 of 46 */
    {SS, 4, 1, false, 0x0008000000000001, BAD},
    {SS, 4, 4, true, 0x0000000000000083, BAD}, /* PS in SS-PML4E */
    {SS, 5, 5, true, 0x0000000000000083, BAD}, /* PS in SS-PML5E */
    {SS, 4, 2, false, 0x0000000000201083, BAD},
    {SS, 4, 2, false, 0x0000000000300083, BAD},
    {SS, 4, 3, false, 0x0000000040200083, BAD},
    {SS, 4, 2, true, 0x0000000000000001, READONLY},
    {SS, 5, 5, true, 0x0000000000000001, READONLY},
    {SS, 4, 3, false, 0x0000003000000003, NOWHERE},
    /* First stage: P clear is not present. */
    {FS, 4, 1, false, 0xFFFFFFFFFFFFFFFE, ABSENT},
    {FS, 4, 2, true, 0x0000000000000006, ABSENT},
    {FS, 4, 1, false, 0x7FF0000012345F67, FINE}, /* ignored bits, D and A */
    {FS, 4, 4, true, 0x7FF0000000000F67, FINE},
    {FS, 4, 1, false, 0x00000000123450FF, FINE}, /* PAT, PCD, PWT */
    {FS, 4, 2, false, 0x0000000040201087, FINE}, /* PAT of a superpage */
    {FS, 4, 1, false, 0x8000000012345007, BAD},  /* XD */
    {FS, 4, 1, false, 0x0000400000000007, BAD},
    {FS, 4, 4, true, 0x0000000000000087, BAD}, /* PS in FS-PML4E */
    {FS, 5, 5, true, 0x0000000000000087, BAD},
    {FS, 4, 2, false, 0x0000000040202087, BAD},
    {FS, 4, 3, false, 0x0000000040200087, BAD},
    {FS, 4, 1, false, 0x0000000012345003, NEITHER}, /* U/S clear */
    {FS, 4, 3, true, 0x0000000000000003, NEITHER},
    {FS, 5, 2, true, 0x0000000000000005, READONLY},
    /* AMD: PR clear is not present. */
    {V1, 4, 1, false, 0x6000000012345E00, ABSENT},
    {V1, 4, 2, true, 0x6000000000000200, ABSENT},
    {V1, 4, 1, false, 0x78000000123451FF, FINE}, /* U, FC, D, A and ignored bits */
    {V1, 4, 1, false, 0x0000000012345001, NEITHER},
    {V1, 4, 3, true, 0x2000000000000401, READONLY},
    {V1, 4, 3, true, 0x0000000000000401, NEITHER},
    {V1, 4, 1, false, 0xE000000012345001, BAD},
    {V1, 4, 1, false, 0x6010000012345001, BAD},
    {V1, 4, 2, true, 0x7000000000000201, BAD}, /* FC in a directory entry */
    {V1, 4, 2, true, 0x6800000000000201, BAD}, /* U in a directory entry */
    {V1, 4, 2, true, 0x6000000000000401, BAD}, /* Next Level is the table's own */
    {V1, 4, 2, true, 0x6000000000000601, BAD},
    {V1, 4, 1, false, 0x6000000012345201, BAD},
    {V1, 4, 2, false, 0x6000000000201001, BAD},
    {V1, 6, 6, false, 0x6000000000000001, BAD}, /* no page at level 6 */
    {V1, 4, 1, false, 0x60000000000FFE01, BAD}, /* 2 MiB, at level 1 */
    {V1, 4, 2, false, 0x6000000000000E01, BAD}, /* 8 KiB, at level 2 */
    {V1, 4, 2, false, 0x60000000000FFE01, BAD}, /* 2 MiB: Next Level 0 says that */
    {V1, 4, 2, false, 0x600000001FFFFE01, BAD}, /* 1 GiB, at level 2 */
    {V1, 4, 1, false, 0x600FFFFFFFFFFE01, BAD},
    {V1, 4, 1, false, 0x6000400000000001, BAD},
};

static void walker_judges_odd_entries(void **state)
{
    static const uint64_t page[] = {0x12345003, 0x12345007, 0x6000000012345001};

    (void)state;
    for (size_t i = 0; i < sizeof(odds) / sizeof(*odds); i++) {
        const struct odd *odd = &odds[i];
        struct reference reference = by_hand(odd->kind, odd->levels);
        put(tables[1], page[odd->kind]);
        put(tables[odd->level],
            odd->word | (odd->next ? memory_physical(tables[odd->level - 1]) : 0));
        expect_walk(&reference, 0, false, odd->read);
        expect_walk(&reference, 0, true, odd->write);
        if (odd->read == REFERENCE_MALFORMED) {
            assert_non_null(
                reference_visit(&reference, &(struct reference_visitor){NULL, NULL, NULL}));
        }
    }
}

static void walker_knows_the_width(void **state)
{
    (void)state;
    for (uint8_t levels = 3; levels <= 5; levels++) {
        struct reference reference = by_hand(SS, levels);
        expect_walk(&reference, UINT64_C(1) << (12 + 9 * levels), false, REFERENCE_BEYOND_WIDTH);
        expect_walk(&reference, (UINT64_C(1) << (12 + 9 * levels)) - 1, false,
                    REFERENCE_NOT_PRESENT);
    }
    struct reference first = by_hand(FS, 4);
    put(&tables[4][511], memory_physical(tables[3]) | 7);
    put(tables[1], 0x12345007);
    expect_walk(&first, UINT64_C(0x0000800000000000), false, REFERENCE_BEYOND_WIDTH);
    expect_walk(&first, UINT64_C(0xFFFF7FFFFFFFFFFF), false, REFERENCE_BEYOND_WIDTH);
    expect_walk(&first, UINT64_C(0xFFFFFF8000000000), false, REFERENCE_ALLOWED);
    struct reference widest = by_hand(V1, 6);
    expect_walk(&widest, UINT64_MAX, false, REFERENCE_NOT_PRESENT);
    put(&tables[6][127], memory_physical(tables[5]) | table_entry(V1, 5));
    put(tables[1], 0x6000000012345001);
    expect_walk(&widest, UINT64_C(0xFE00000000000000), false, REFERENCE_ALLOWED);
    struct reference none = by_hand(FS, 4);
    none.levels = 3;
    expect_walk(&none, 0, false, REFERENCE_MALFORMED);
}

/* ---- Level skipping: the address bits of the levels left out must be zero ---- */

/* An entry of the table at `level` that refers to the one at `next`, and a leaf there. */
struct skip {
    uint8_t levels, level, next;
    uint16_t index, leaf_index;
    uint64_t word, leaf;
    uint64_t address, physical; /* of a byte of the leaf */
    uint64_t skipped;           /* address bits */
    enum pt_permission permission;
};

static const struct skip skips[] = {
    {4, 4, 1, 0, 3, 0x6000000000000201, 0x6000000012345001, 0x0000000000003123, 0x12345123,
     0x0000007FFFE00000, PT_READ_WRITE},
    {3, 3, 1, 511, 0, 0x6000000000000201, 0x2000000012345001, 0x0000007FC0000FFF, 0x12345FFF,
     0x000000003FE00000, PT_READ},
    {4, 4, 2, 5, 7, 0x6000000000000401, 0x6000000040200001, 0x0000028000E01234, 0x40201234,
     0x0000007FC0000000, PT_READ_WRITE},
    {4, 3, 1, 2, 511, 0x6000000000000201, 0x4000000012345001, 0x00000000801FF000, 0x12345000,
     0x000000003FE00000, PT_WRITE},
    {5, 5, 3, 1, 1, 0x6000000000000601, 0x6000000180000001, 0x0001000040000001, 0x180000001,
     0x0000FF8000000000, PT_READ_WRITE},
    {6, 6, 1, 63, 0, 0x6000000000000201, 0x6000000012345001, 0x7E00000000000008, 0x12345008,
     0x01FFFFFFFFE00000, PT_READ_WRITE},
    {6, 6, 5, 1, 0, 0x6000000000000A01, 0x6001000000000001, 0x0200000000000010, 0x1000000000010, 0,
     PT_READ_WRITE},
    /* A page of 8 KiB; the second of its entries is not filled in. */
    {6, 5, 1, 2, 8, 0x6000000000000201, 0x6000000000202E01, 0x0002000000008FFF, 0x202FFF,
     0x0000FFFFFFE00000, PT_READ_WRITE},
    /* An entry for a table takes permissions away. */
    {4, 4, 1, 0, 3, 0x2000000000000201, 0x6000000012345001, 0x0000000000003000, 0x12345000,
     0x0000007FFFE00000, PT_READ},
    {4, 3, 1, 0, 3, 0x4000000000000201, 0x2000000012345001, 0x0000000000003000, 0x12345000,
     0x000000003FE00000, PT_NONE},
};

/* The driver's table, whose root is that of the tables made by hand. */
static void adopt(const struct reference *reference)
{
    geometry = (struct pt_geometry){.levels = reference->levels,
                                    .width = reference->levels == 6 ? 63 : 57,
                                    .physical_width = 52,
                                    .leaf_levels = 14};
    if (reference->levels < 5) {
        geometry.width = (uint8_t)(12 + 9 * reference->levels);
    }
    pt_pool_init(&pool);
    assert_int_equal(pt_create(&table, &pt_format_amdv1, &geometry, &pool), PT_OK);
    table.root = reference->root;
}

/* Both walkers say the same of an address. */
static void agree(const struct reference *reference, uint64_t address)
{
    struct reference_result read, write;
    struct pt_walk walk;

    reference_walk(reference, address, false, &read);
    reference_walk(reference, address, true, &write);
    pt_walk(&table, address, &walk);
    assert_int_equal(walk.leaf_level != 0,
                     read.reason == REFERENCE_ALLOWED || read.reason == REFERENCE_NO_PERMISSION);
    if (walk.leaf_level == 0) {
        assert_int_equal(read.reason, REFERENCE_NOT_PRESENT);
        return;
    }
    assert_int_equal(walk.permission, (read.reason == REFERENCE_ALLOWED ? PT_READ : 0) |
                                          (write.reason == REFERENCE_ALLOWED ? PT_WRITE : 0));
    assert_int_equal(walk.physical, read.physical);
    assert_int_equal(UINT64_C(1) << walk.leaf_shift, read.page_size);
    assert_int_equal(walk.leaf_level, read.level);
    assert_int_equal(walk.entries[walk.count - 1], read.entry);
}

static void both_walkers_skip_levels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(skips) / sizeof(*skips); i++) {
        const struct skip *one = &skips[i];
        struct reference reference = by_hand(V1, one->levels);
        struct pt_walk walk;

        reference.physical_width = 52;
        put(&tables[one->level][one->index], memory_physical(tables[one->next]) | one->word);
        put(&tables[one->next][one->leaf_index], one->leaf);
        adopt(&reference);
        pt_walk(&table, one->address, &walk);
        assert_int_equal(walk.leaf_level, one->next);
        assert_int_equal(walk.count, one->levels - one->level + 2);
        assert_int_equal(walk.physical, one->physical);
        assert_int_equal(walk.permission, one->permission);
        agree(&reference, one->address);
        uint64_t end = one->physical | ((UINT64_C(1) << walk.leaf_shift) - 1);
        assert_true(pt_reaches(&table, end, end));
        assert_false(pt_reaches(&table, end + 1, end + 1));
        for (uint64_t left = one->skipped; left != 0; left &= left - 1) {
            uint64_t address = one->address | (left & -left);
            pt_walk(&table, address, &walk);
            assert_int_equal(walk.leaf_level, 0);
            assert_int_equal(walk.count, one->levels - one->level + 1);
            expect_walk(&reference, address, false, REFERENCE_NOT_PRESENT);
            expect_walk(&reference, address, true, REFERENCE_NOT_PRESENT);
        }
    }
}

/* Entries 0 and 1 of each table lead any number of levels down. */
static void walkers_agree_on_any_levels(void **state)
{
    (void)state;
    random_state = 7;
    for (unsigned n = 0; n < 400; n++) {
        struct reference reference = by_hand(V1, (uint8_t)(2 + below(5)));

        for (unsigned level = 2; level <= reference.levels; level++) {
            for (unsigned i = 0; i < 2; i++) {
                unsigned next = 1 + (unsigned)below(level - 1);
                put(&tables[level][i],
                    memory_physical(tables[next]) | (table_entry(V1, next) & ~(below(4) << 61)));
            }
        }
        put(tables[1], 0x6000000012345001);
        adopt(&reference);
        for (unsigned address = 0; address < 64; address++) {
            uint64_t spread = 0;
            for (unsigned bit = 0; bit < reference.levels; bit++) {
                spread |= (uint64_t)(address >> bit & 1) << (12 + 9 * bit);
            }
            agree(&reference, spread);
        }
    }
}

static void walker_wants_equal_copies(void **state)
{
    const struct reference_visitor nobody = {NULL, NULL, NULL};
    struct reference reference = by_hand(V1, 3);

    (void)state;
    for (unsigned i = 4; i < 8; i++) {
        put(&tables[1][i], 0x6000000000205E01);
    }
    assert_null(reference_visit(&reference, &nobody));
    put(&tables[1][6], 0x6000000000209E01);
    assert_non_null(reference_visit(&reference, &nobody));
    put(&tables[1][6], 0x6000000000205E01);
    put(&tables[1][4], 0);
    assert_non_null(reference_visit(&reference, &nobody));
}

static void walker_needs_write_back(void **state)
{
    struct reference reference = by_hand(SS, 3);

    (void)state;
    table_store64(&tables[1][8], 0x12345003);
    expect_walk(&reference, 0x8000, true, REFERENCE_NOT_PRESENT);
    reference.coherent = true;
    expect_walk(&reference, 0x8000, true, REFERENCE_ALLOWED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walker_reads_golden_entries),
        cmocka_unit_test(walker_judges_odd_entries),
        cmocka_unit_test(walker_knows_the_width),
        cmocka_unit_test(both_walkers_skip_levels),
        cmocka_unit_test(walkers_agree_on_any_levels),
        cmocka_unit_test(walker_wants_equal_copies),
        cmocka_unit_test(walker_needs_write_back),
        cmocka_unit_test(driver_stores_golden_entries),
        cmocka_unit_test(driver_stores_blocked_entries),
        cmocka_unit_test(driver_refuses_what_cannot_be_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
