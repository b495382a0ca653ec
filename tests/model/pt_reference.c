/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "pt_reference.h"

#include "machine.h"

#include <stddef.h>

#define BIT(n) (UINT64_C(1) << (n))

/* Bits high:low set. */
static uint64_t bits(unsigned high, unsigned low)
{
    return (high == 63 ? 0 : BIT(high + 1)) - BIT(low);
}

/* What an entry says, whatever its format. */
struct meaning {
    enum { NOT_PRESENT, TABLE, LEAF, MALFORMED } what;
    const char *rule;
    uint64_t address;
    unsigned next_level; /* TABLE */
    unsigned shift;      /* LEAF: the page has 2^shift bytes */
    bool readable, writable;
};

/* Address bits that entry of a table at `level` translates: 2^shift bytes. */
static unsigned level_shift(unsigned level)
{
    return 12 + 9 * (level - 1);
}

static struct meaning malformed(const char *rule)
{
    return (struct meaning){.what = MALFORMED, .rule = rule};
}

static bool leaf_known(const struct reference *reference, unsigned level)
{
    return level == 1 || ((level == 2 || level == 3) && (reference->leaf_levels >> level & 1));
}

/*
 * Tables "Format of SS-PML5E, SS-PML4E", "Format of SS-PDPE, SS-PDE" and "Format of SS-PTE".
 * Not present: R and W clear, and all else is ignored. Ignored otherwise: 63, 61:52, 10:8, 6:2.
 */
static struct meaning second_stage(const struct reference *reference, unsigned level, uint64_t word)
{
    bool page_size = word & BIT(7);
    struct meaning meaning = {.readable = word & BIT(0), .writable = word & BIT(1)};

    if (!meaning.readable && !meaning.writable) {
        return (struct meaning){.what = NOT_PRESENT};
    }
    if (word & (BIT(62) | BIT(11))) {
        return malformed("second stage: bits 62 (TM) and 11 (SNP) are reserved");
    }
    if (word & bits(51, reference->physical_width)) {
        return malformed("second stage: address beyond the host address width");
    }
    if (level > 1 && page_size && !leaf_known(reference, level)) {
        return malformed("second stage: page size bit where there is no such page");
    }
    if (level > 1 && !page_size) {
        meaning.what = TABLE;
        meaning.next_level = level - 1;
        meaning.address = word & bits(51, 12);
        return meaning;
    }
    meaning.what = LEAF;
    meaning.shift = level_shift(level);
    meaning.address = word & bits(51, meaning.shift);
    if (level > 1 && word & bits(meaning.shift - 1, 12)) {
        return malformed("second stage: superpage address is not aligned");
    }
    return meaning;
}

/*
 * Tables "Format of FS-PML5E, FS-PML4E", "Format of FS-PDPE, FS-PDE" and "Format of FS-PTE". P 0,
 * R/W 1, U/S 2, PWT 3, PCD 4, A 5, D 6, PS 7 (PAT at level 1), G 8, PAT 12 of a superpage. Every
 * request here has user privilege, so U/S must be set on the whole way.
 */
static struct meaning first_stage(const struct reference *reference, unsigned level, uint64_t word)
{
    bool user = word & BIT(2), page_size = word & BIT(7);
    struct meaning meaning = {.readable = user, .writable = user && (word & BIT(1))};

    if (!(word & BIT(0))) {
        return (struct meaning){.what = NOT_PRESENT};
    }
    if (word & BIT(63)) {
        return malformed("first stage: bit 63 (XD) is reserved");
    }
    if (word & bits(51, reference->physical_width)) {
        return malformed("first stage: address beyond the host address width");
    }
    if (level > 1 && page_size && !leaf_known(reference, level)) {
        return malformed("first stage: page size bit where there is no such page");
    }
    if (level > 1 && !page_size) {
        meaning.what = TABLE;
        meaning.next_level = level - 1;
        meaning.address = word & bits(51, 12);
        return meaning;
    }
    meaning.what = LEAF;
    meaning.shift = level_shift(level);
    meaning.address = word & bits(51, meaning.shift);
    if (level > 1 && word & bits(meaning.shift - 1, 13)) {
        return malformed("first stage: superpage address is not aligned");
    }
    return meaning;
}

/*
 * Next Level 7: the first zero at or above address bit 12 ends a run of ones; with it at bit n the
 * page has 2^(n+1) bytes ("Page Size Encodings").
 */
static struct meaning amd_sized_page(struct meaning meaning, unsigned level, uint64_t word)
{
    unsigned zero = 12;

    while (zero < 52 && (word & BIT(zero))) {
        zero++;
    }
    meaning.what = LEAF;
    meaning.shift = zero + 1;
    if (zero == 52) {
        return malformed("AMD v1: page size without an end");
    }
    if (meaning.shift <= level_shift(level) || meaning.shift >= level_shift(level + 1)) {
        return malformed("AMD v1: page size belongs to another level");
    }
    meaning.address = meaning.shift > 51 ? 0 : word & bits(51, meaning.shift);
    return meaning;
}

static struct meaning amd_page(const struct reference *reference, unsigned level, uint64_t word)
{
    struct meaning meaning = {.readable = word & BIT(61), .writable = word & BIT(62)};

    if (level == 6) {
        return malformed("AMD v1: no page has its entry at level 6");
    }
    if (word & (BIT(63) | bits(58, 52))) {
        return malformed("AMD v1: reserved bits of a page translation entry");
    }
    if ((word >> 9 & 7) == 7) {
        meaning = amd_sized_page(meaning, level, word);
    } else {
        meaning.what = LEAF;
        meaning.shift = level_shift(level);
        meaning.address = word & bits(51, 12);
        if (meaning.address & (BIT(meaning.shift) - 1)) {
            return malformed("AMD v1: page address is not aligned");
        }
    }
    if (meaning.what == LEAF && meaning.address & bits(51, reference->physical_width)) {
        return malformed("AMD v1: page beyond the physical address width");
    }
    return meaning;
}

/* PR 0, Next Level 11:9, address 51:12, U 59 and FC 60 of a page, IR 61, IW 62. */
static struct meaning amd_v1(const struct reference *reference, unsigned level, uint64_t word)
{
    unsigned next_level = word >> 9 & 7;

    if (!(word & BIT(0))) {
        return (struct meaning){.what = NOT_PRESENT};
    }
    if (next_level == 0 || next_level == 7) {
        return amd_page(reference, level, word);
    }
    if (next_level >= level) {
        return malformed("AMD v1: Next Level is not below the table's own");
    }
    if (word & (BIT(63) | bits(60, 52))) {
        return malformed("AMD v1: reserved bits of a page directory entry");
    }
    if (word & bits(51, reference->physical_width)) {
        return malformed("AMD v1: table beyond the physical address width");
    }
    return (struct meaning){.what = TABLE,
                            .address = word & bits(51, 12),
                            .next_level = next_level,
                            .readable = word & BIT(61),
                            .writable = word & BIT(62)};
}

static struct meaning decode(const struct reference *reference, unsigned level, uint64_t word)
{
    switch (reference->kind) {
    case REFERENCE_SECOND_STAGE:
        return second_stage(reference, level, word);
    case REFERENCE_FIRST_STAGE:
        return first_stage(reference, level, word);
    default:
        return amd_v1(reference, level, word);
    }
}

static bool has_levels(const struct reference *reference)
{
    static const struct {
        uint8_t least, most;
    } known[REFERENCE_KINDS] = {{3, 5}, {4, 5}, {1, 6}};

    return reference->levels >= known[reference->kind].least &&
           reference->levels <= known[reference->kind].most;
}

static bool within_width(const struct reference *reference, uint64_t address)
{
    unsigned width = level_shift(reference->levels + 1u);

    if (width >= 64) {
        return true;
    }
    if (reference->kind == REFERENCE_FIRST_STAGE) {
        uint64_t sign = address >> (width - 1);
        return sign == 0 || sign == bits(63, width - 1) >> (width - 1);
    }
    return address >> width == 0;
}

/* Level 6 translates the seven bits that are left. */
static unsigned table_entries(unsigned level)
{
    return level == 6 ? 128 : 512;
}

static unsigned table_index(unsigned level, uint64_t address)
{
    return (unsigned)(address >> level_shift(level)) & (table_entries(level) - 1);
}

static enum reference_reason finish(struct reference_result *result, enum reference_reason reason)
{
    result->reason = reason;
    return reason;
}

static enum reference_reason at_leaf(struct reference_result *result, const struct meaning *leaf,
                                     uint64_t address, bool write)
{
    result->page_size = BIT(leaf->shift);
    result->physical = leaf->address | (address & (result->page_size - 1));
    return finish(result, (write ? result->writable : result->readable) ? REFERENCE_ALLOWED
                                                                        : REFERENCE_NO_PERMISSION);
}

enum reference_reason reference_walk(const struct reference *reference, uint64_t address,
                                     bool write, struct reference_result *result)
{
    uint64_t table = reference->root;
    unsigned level = reference->levels;

    *result = (struct reference_result){.readable = true, .writable = true};
    if (!has_levels(reference)) {
        result->rule = "no such number of levels";
        return finish(result, REFERENCE_MALFORMED);
    }
    if (!within_width(reference, address)) {
        return finish(result, REFERENCE_BEYOND_WIDTH);
    }
    for (;;) {
        uint64_t at = table + 8 * table_index(level, address);
        if (!model_hw_read64(at, reference->coherent, &result->entry)) {
            return finish(result, REFERENCE_OUTSIDE_RAM);
        }
        struct meaning meaning = decode(reference, level, result->entry);
        result->level = (uint8_t)level;
        result->rule = meaning.rule;
        result->readable &= meaning.readable;
        result->writable &= meaning.writable;
        if (meaning.what == MALFORMED) {
            return finish(result, REFERENCE_MALFORMED);
        }
        if (meaning.what == LEAF) {
            return at_leaf(result, &meaning, address, write);
        }
        /* The address bits of levels that are skipped must be zero. */
        if (meaning.what == NOT_PRESENT ||
            address & (BIT(level_shift(level)) - BIT(level_shift(meaning.next_level + 1)))) {
            return finish(result, REFERENCE_NOT_PRESENT);
        }
        table = meaning.address;
        level = meaning.next_level;
    }
}

struct visit {
    const struct reference *reference;
    const struct reference_visitor *visitor;
};

/* Where in the tree: a table, the address of its first entry, and the rights on the way to it. */
struct place {
    uint64_t table, base;
    unsigned level;
    bool readable, writable;
};

/* First stage: the upper half of the root is that of the canonical addresses. */
static uint64_t entry_address(const struct reference *reference, const struct place *at,
                              unsigned index)
{
    uint64_t address = at->base + ((uint64_t)index << level_shift(at->level));
    unsigned width = level_shift(reference->levels + 1u);

    if (reference->kind == REFERENCE_FIRST_STAGE && at->level == reference->levels &&
        index >= 256) {
        address |= bits(63, width);
    }
    return address;
}

/* The copies of a leaf larger than its level's default page: equal, and the first one aligned. */
static const char *check_copies(const struct visit *visit, const struct place *at, unsigned index,
                                unsigned count, uint64_t word)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t copy;

        if (!model_hw_read64(at->table + 8 * (index + i), visit->reference->coherent, &copy)) {
            return "a table is where no memory is";
        }
        if (copy != word) {
            return "AMD v1: the copies of a page's entry differ";
        }
    }
    return NULL;
}

static const char *visit_leaf(const struct visit *visit, const struct place *at, unsigned index,
                              const struct meaning *meaning, uint64_t word, unsigned *copies)
{
    struct reference_leaf leaf = {.address = entry_address(visit->reference, at, index),
                                  .physical = meaning->address,
                                  .size = BIT(meaning->shift),
                                  .readable = at->readable && meaning->readable,
                                  .writable = at->writable && meaning->writable,
                                  .level = (uint8_t)at->level};
    const char *rule;

    *copies = 1u << (meaning->shift - level_shift(at->level));
    if (index % *copies != 0) {
        return "AMD v1: a page begins at an address that is not aligned";
    }
    rule = *copies == 1 ? NULL : check_copies(visit, at, index, *copies, word);
    if (rule == NULL && (leaf.readable || leaf.writable) && visit->visitor->leaf != NULL) {
        visit->visitor->leaf(visit->visitor->context, &leaf);
    }
    return rule;
}

static const char *visit_table(const struct visit *visit, const struct place *at)
{
    unsigned copies;

    if (visit->visitor->table != NULL) {
        visit->visitor->table(visit->visitor->context, at->table, at->level);
    }
    for (unsigned i = 0; i < table_entries(at->level); i += copies) {
        const char *rule = NULL;
        uint64_t word;

        copies = 1;
        if (!model_hw_read64(at->table + 8 * i, visit->reference->coherent, &word)) {
            return "a table is where no memory is";
        }
        struct meaning meaning = decode(visit->reference, at->level, word);
        if (meaning.what == MALFORMED) {
            return meaning.rule;
        }
        if (meaning.what == LEAF) {
            rule = visit_leaf(visit, at, i, &meaning, word, &copies);
        } else if (meaning.what == TABLE) {
            rule = visit_table(visit, &(struct place){
                                          .table = meaning.address,
                                          .base = entry_address(visit->reference, at, i),
                                          .level = meaning.next_level,
                                          .readable = at->readable && meaning.readable,
                                          .writable = at->writable && meaning.writable,
                                      });
        }
        if (rule != NULL) {
            return rule;
        }
    }
    return NULL;
}

const char *reference_visit(const struct reference *reference,
                            const struct reference_visitor *visitor)
{
    struct visit visit = {.reference = reference, .visitor = visitor};

    if (!has_levels(reference)) {
        return "no such number of levels";
    }
    return visit_table(&visit, &(struct place){.table = reference->root,
                                               .level = reference->levels,
                                               .readable = true,
                                               .writable = true});
}
