/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/paging.h"

#include "arch/memory.h"
#include "arch/table.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"

/* SDM volume 3, "4-Level Paging and 5-Level Paging". Level 0 holds 4 KiB pages. */
#define ENTRY_P       UINT64_C(0x1)
#define ENTRY_A       UINT64_C(0x20)
#define ENTRY_D       UINT64_C(0x40)
#define ENTRY_PS      UINT64_C(0x80)  /* a leaf above level 0 */
#define ENTRY_PAT_4K  UINT64_C(0x80)  /* PAGE_PAT at level 0 */
#define ENTRY_GUARD   UINT64_C(0x200) /* ours, in an entry that is not present */
#define ENTRY_ADDRESS UINT64_C(0x000FFFFFFFFFF000)

#define ENTRIES       512u
#define LEVEL_2M      1u
#define LEVEL_1G      2u

/* Reset values, but entry 4: write-combining (SDM volume 3, "Programming the PAT"). */
#define PAT_VALUE UINT64_C(0x0007040100070406)

/* Before there are frames: the image's and the first window's tables. */
#define POOL_PAGES 48u

static uint64_t pool[POOL_PAGES][ENTRIES] __attribute__((aligned(4096)));
static unsigned pool_used;
static uint64_t *root;
static unsigned top_level;
static unsigned leaf_level;
static uint64_t linear_end;

struct place {
    uint64_t *entry;
    unsigned level;
};

static uint64_t size_of(unsigned level)
{
    return UINT64_C(1) << (FRAME_SHIFT + 9 * level);
}

static unsigned index_of(uint64_t linear, unsigned level)
{
    return (unsigned)(linear >> (FRAME_SHIFT + 9 * level)) % ENTRIES;
}

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)(entry & ENTRY_ADDRESS);
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return (entry & ENTRY_P) != 0 && (level == 0 || (entry & ENTRY_PS) != 0);
}

static bool is_table(uint64_t entry, unsigned level)
{
    return (entry & ENTRY_P) != 0 && !is_leaf(entry, level);
}

/* Accessed and dirty are set from the start: the processor never writes an entry. */
static uint64_t leaf_entry(uint64_t physical, uint64_t allow, unsigned level)
{
    uint64_t entry = physical | ENTRY_P | ENTRY_A | ENTRY_D | (allow & ~PAGE_PAT);

    if (level > 0) {
        return entry | ENTRY_PS | (allow & PAGE_PAT);
    }
    return (allow & PAGE_PAT) != 0 ? entry | ENTRY_PAT_4K : entry;
}

static uint64_t allowed_by(uint64_t leaf, unsigned level)
{
    uint64_t pat = leaf & (level > 0 ? PAGE_PAT : ENTRY_PAT_4K);

    return (leaf & (PAGE_W | PAGE_PWT | PAGE_PCD | PAGE_NX)) | (pat != 0 ? PAGE_PAT : 0);
}

static uint64_t leaf_address(uint64_t leaf, unsigned level)
{
    return leaf & ENTRY_ADDRESS & ~(size_of(level) - 1);
}

static uint64_t *new_table(void)
{
    if (pool_used < POOL_PAGES) {
        return pool[pool_used++];
    }
    return memory_alloc(OWNER_IMAGE, 1, 0);
}

/* The entry that decides about an address: a leaf, or one that is not present. */
static struct place find(uint64_t linear)
{
    uint64_t *table = root;
    unsigned level = top_level;

    for (;;) {
        uint64_t *entry = &table[index_of(linear, level)];

        if (!is_table(*entry, level)) {
            return (struct place){entry, level};
        }
        table = table_of(*entry);
        level--;
    }
}

/* Puts a table under an entry. A leaf becomes a table that maps the same. */
static bool grow(uint64_t *entry, unsigned level)
{
    uint64_t *table = new_table();

    if (table == NULL) {
        return false;
    }
    if (is_leaf(*entry, level)) {
        table_fill64(table, ENTRIES,
                     leaf_entry(leaf_address(*entry, level), allowed_by(*entry, level), level - 1),
                     size_of(level - 1));
    }
    table_store64(entry, (uint64_t)(uintptr_t)table | ENTRY_P | PAGE_W | ENTRY_A);
    return true;
}

/* The entry of an address at one level, its tables made and leaves above it split. */
static uint64_t *reach(uint64_t linear, unsigned wanted)
{
    uint64_t *table = root;

    for (unsigned level = top_level; level > wanted; level--) {
        uint64_t *entry = &table[index_of(linear, level)];

        if (!is_table(*entry, level) && !grow(entry, level)) {
            return NULL;
        }
        table = table_of(*entry);
    }
    return &table[index_of(linear, wanted)];
}

/* Firmware maps memory, its own tables too, at its physical address. */
uint64_t paging_firmware_leaf(uint64_t linear)
{
    unsigned level = (cpu_read_cr4() & CR4_LA57) != 0 ? 4 : 3;
    const uint64_t *table = table_of(cpu_read_cr3());

    if (linear >> (FRAME_SHIFT + 9 * (level + 1) - 1) != 0) {
        return 0;
    }
    for (;; level--) {
        uint64_t entry = table_load64(&table[index_of(linear, level)]);

        if (!is_table(entry, level)) {
            return is_leaf(entry, level) ? size_of(level) : 0;
        }
        table = table_of(entry);
    }
}

void paging_init(void)
{
    unsigned bits = x86_physical_bits();
    unsigned linear_bits;

    top_level = (cpu_read_cr4() & CR4_LA57) != 0 ? 4 : 3;
    leaf_level = (x86_cpuid(0x80000001, 0).d & 1u << 26) != 0 ? LEVEL_1G : LEVEL_2M;
    linear_bits = FRAME_SHIFT + 9 * (top_level + 1) - 1;
    linear_end = UINT64_C(1) << (bits < linear_bits ? bits : linear_bits);
    root = new_table();
}

void paging_activate(void)
{
    uint64_t smep = (x86_cpuid(7, 0).b & 1u << 7) != 0 ? CR4_SMEP : 0;

    cpu_wbinvd();
    cpu_wrmsr(MSR_PAT, PAT_VALUE);
    cpu_write_cr3((uint64_t)(uintptr_t)root);
    cpu_write_cr4(cpu_read_cr4() | smep);
    cpu_write_cr0(cpu_read_cr0() | CR0_WP);
}

static uint64_t end_of(uint64_t linear, unsigned level)
{
    return (linear & ~(size_of(level) - 1)) + size_of(level);
}

/* Runs of entries in one table are gone through without a walk for each. */
static bool can_map(uint64_t first, uint64_t length, uint64_t allow)
{
    if (first < FRAME_SIZE || length == 0 || first > linear_end || length > linear_end - first ||
        (first | length) % FRAME_SIZE != 0) {
        return false;
    }
    for (uint64_t at = first; at - first < length;) {
        struct place place = find(at);

        do {
            uint64_t entry = *place.entry++;

            if (is_leaf(entry, place.level) ? allowed_by(entry, place.level) != allow
                                            : entry != 0) {
                return false;
            }
            at = end_of(at, place.level);
        } while (at - first < length && index_of(at, place.level) != 0 &&
                 !is_table(*place.entry, place.level));
    }
    return true;
}

bool paging_map(uint64_t first, uint64_t length, uint64_t allow)
{
    uint64_t end = first + length;

    if (!can_map(first, length, allow)) {
        return false;
    }
    for (uint64_t at = first; at < end;) {
        struct place place = find(at);
        unsigned level = place.level < leaf_level ? place.level : leaf_level;

        if (is_leaf(*place.entry, place.level)) {
            at = end_of(at, place.level);
            continue;
        }
        while (at % size_of(level) != 0 || size_of(level) > end - at) {
            level--;
        }
        uint64_t *entry = reach(at, level);
        uint64_t leaf = leaf_entry(at, allow, level), size = size_of(level);
        if (entry == NULL) {
            return false;
        }
        do {
            table_store64(entry++, leaf);
            leaf += size;
            at += size;
        } while (end - at >= size && index_of(at, level) != 0 && *entry == 0);
    }
    return true;
}

bool paging_remap(uint64_t first, uint64_t length, uint64_t allow)
{
    if (first < FRAME_SIZE || first > linear_end || length > linear_end - first) {
        return false;
    }
    for (uint64_t at = first & -FRAME_SIZE; at < first + length; at += FRAME_SIZE) {
        uint64_t *entry = reach(at, 0);

        if (entry == NULL) {
            return false;
        }
        table_store64(entry, leaf_entry(at, allow, 0));
        cpu_invlpg(at);
    }
    return true;
}

bool paging_guard(uint64_t page)
{
    uint64_t *entry = reach(page, 0);

    if (entry == NULL) {
        return false;
    }
    table_store64(entry, ENTRY_GUARD);
    cpu_invlpg(page);
    return true;
}

void paging_unguard(uint64_t page)
{
    struct place place = find(page);

    if (*place.entry == ENTRY_GUARD) {
        table_store64(place.entry, leaf_entry(page, PAGE_DATA, 0));
    }
}

/* A non-canonical or far address has no entry of its own: its upper bits would be lost. */
bool paging_is_guard(uint64_t linear)
{
    return root != NULL && linear < linear_end && *find(linear).entry == ENTRY_GUARD;
}

/* Only leaves restrict: every table entry is writable and executable. */
struct x86_access x86_access_at(uint64_t linear)
{
    struct place place;

    if (root == NULL || linear >= linear_end) {
        return (struct x86_access){0};
    }
    place = find(linear);
    if (!is_leaf(*place.entry, place.level)) {
        return (struct x86_access){0};
    }
    return (struct x86_access){
        .present = true,
        .write = (*place.entry & PAGE_W) != 0,
        .execute = (*place.entry & PAGE_NX) == 0,
    };
}
