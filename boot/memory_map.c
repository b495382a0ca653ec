/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/memory_map.h"

#include <string.h>

#define PAGE_MASK UINT64_C(0xFFF)

static uint64_t end_of(const struct boot_memory *entry)
{
    return entry->base + entry->length;
}

static void remove_entry(struct boot_info *info, unsigned index)
{
    struct boot_memory *entry = &info->memory[index];

    info->memory_count--;
    memmove(entry, entry + 1, (info->memory_count - index) * sizeof(*entry));
}

/* Frees one entry: the smallest usable one, memory that the image can do without. */
static bool give_up_smallest(struct boot_info *info, uint64_t than)
{
    unsigned smallest = info->memory_count;

    for (unsigned i = 0; i < info->memory_count; i++) {
        if (info->memory[i].kind != BOOT_MEMORY_USABLE || info->memory[i].length >= than)
            continue;
        smallest = i;
        than = info->memory[i].length;
    }
    if (smallest == info->memory_count)
        return false;
    remove_entry(info, smallest);
    return true;
}

static bool insert_entry(struct boot_info *info, struct boot_memory new)
{
    bool kept = true;
    unsigned at = 0;

    if (info->memory_count == BOOT_MEMORY_MAX) {
        uint64_t than = new.kind == BOOT_MEMORY_USABLE ? new.length : UINT64_MAX;

        if (!give_up_smallest(info, than))
            return false;
        kept = false;
    }
    while (at < info->memory_count && info->memory[at].base < new.base)
        at++;
    memmove(&info->memory[at + 1], &info->memory[at],
            (info->memory_count - at) * sizeof(info->memory[0]));
    info->memory[at] = new;
    info->memory_count++;
    return kept;
}

/* Takes [base, end) out of every entry. */
static bool carve(struct boot_info *info, uint64_t base, uint64_t end)
{
    for (unsigned i = 0; i < info->memory_count;) {
        struct boot_memory *entry = &info->memory[i];
        struct boot_memory tail = {.base = end, .kind = entry->kind};

        if (entry->base >= end || end_of(entry) <= base) {
            i++;
            continue;
        }
        if (end_of(entry) > end)
            tail.length = end_of(entry) - end;
        if (entry->base < base) {
            entry->length = base - entry->base;
            i++;
        } else {
            remove_entry(info, i);
        }
        if (tail.length != 0)
            return insert_entry(info, tail);
    }
    return true;
}

static void merge_neighbours(struct boot_info *info)
{
    for (unsigned i = 0; i + 1 < info->memory_count;) {
        struct boot_memory *entry = &info->memory[i];

        if (entry->kind == entry[1].kind && end_of(entry) == entry[1].base) {
            entry->length += entry[1].length;
            remove_entry(info, i + 1);
        } else {
            i++;
        }
    }
}

bool boot_memory_set(struct boot_info *info, uint64_t base, uint64_t length,
                     enum boot_memory_kind kind)
{
    bool whole;

    if (length == 0 || ((base | length) & PAGE_MASK) != 0 || length > UINT64_MAX - base)
        return false;
    whole = carve(info, base, base + length);
    whole = insert_entry(info, (struct boot_memory){base, length, kind}) && whole;
    merge_neighbours(info);
    return whole;
}
