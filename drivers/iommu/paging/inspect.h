/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_PAGING_INSPECT_H
#define DRIVERS_IOMMU_PAGING_INSPECT_H

#include "drivers/iommu/paging/paging.h"

/* Reading page tables as a unit reads them: any tables, from memory, by the rules of the format. */

/* ---- Layouts ---- */

enum pt_field_kind { PT_FIELD_NUMBER, PT_FIELD_ADDRESS /* shown where it stands in its word */ };

/* Bits low to high, by the specification's name. No field crosses a 64-bit word. */
struct pt_field {
    char name[18];
    uint8_t low, high;
    uint8_t kind; /* enum pt_field_kind */
};

_Static_assert(sizeof(struct pt_field) == 21, "no relocations, no padding");

struct pt_layout {
    const char *name;
    const struct pt_field *fields;
    uint8_t count; /* of fields, in ascending order */
    uint8_t bytes; /* 4, or words of 8, at most 32 */
};

#define PT_LAYOUT(title, size, table)                                                              \
    {                                                                                              \
        .name = (title), .fields = (table), .count = sizeof(table) / sizeof *(table),              \
        .bytes = (size)                                                                            \
    }

/* ---- Walks ---- */

/* What leads to a page table, and what the unit can do. */
struct pt_view {
    uint64_t root; /* physical */
    uint8_t levels;
    uint8_t width;             /* bits of an input address */
    uint8_t physical_width;    /* bits of an output address; more are reserved */
    uint8_t leaf_levels;       /* as in struct pt_geometry */
    bool snoop;                /* leaves may ask for snooped accesses */
    enum pt_permission rights; /* that what leads here leaves */
    enum pt_permission wanted; /* PT_NONE: any */
};

enum pt_end {
    PT_END_PAGE,
    PT_END_NOT_PRESENT,
    PT_END_NO_READ,
    PT_END_NO_WRITE,
    PT_END_NO_ACCESS, /* neither, and any would do */
    PT_END_RESERVED,
    PT_END_UNREADABLE, /* the table is in no memory of the units */
    PT_END_BEYOND,
    PT_END_SKIPPED,    /* bits of the address that no level translates are not zero */
    PT_END_INTERRUPTS, /* the page holds addresses of the interrupt window */
    PT_END_NONE,       /* of an entry: it leads to a table */
};

/* What one entry says. */
struct pt_meaning {
    const struct pt_layout *layout;
    enum pt_end end;
    uint8_t next;      /* level of the table that it leads to */
    uint8_t shift;     /* of a page */
    uint64_t physical; /* of the page or table */
    enum pt_permission permission;
};

struct pt_found {
    enum pt_end end;
    uint8_t level; /* of the entry that ended it; 0: what leads to the table */
    uint8_t shift;
    uint64_t physical;
    enum pt_permission permission;
};

struct pt_entry_visitor {
    void (*visit)(void *context, const struct pt_layout *layout, unsigned index, uint64_t physical,
                  uint64_t entry);
    void *context;
};

/* True, and words of so many bytes, where memory that belongs to the units holds all of them. No
 * other memory is read, whatever a table says. */
bool pt_fetch(uint64_t physical, unsigned bytes, uint64_t *words)
    __attribute__((warn_unused_result));

/* What stands in the way of an access when these rights are left; PT_END_PAGE: nothing. */
static inline enum pt_end pt_lacking(enum pt_permission rights, enum pt_permission wanted)
{
    if (wanted & ~rights & PT_WRITE)
        return PT_END_NO_WRITE;
    if (wanted & ~rights & PT_READ)
        return PT_END_NO_READ;
    return rights || wanted ? PT_END_PAGE : PT_END_NO_ACCESS;
}

/* An address needs more bits than these. */
static inline bool pt_is_beyond(uint64_t address, unsigned width)
{
    return width < 64 && address >> width;
}

/* At most `levels` entries are read. `visitor` may be NULL. */
struct pt_found pt_inspect(const struct pt_format *format, const struct pt_view *view,
                           uint64_t address, const struct pt_entry_visitor *visitor);

#endif
