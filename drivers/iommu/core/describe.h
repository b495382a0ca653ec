/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_DESCRIBE_H
#define DRIVERS_IOMMU_CORE_DESCRIBE_H

#include "arch/mmio.h"
#include "drivers/iommu/paging/inspect.h"
#include "drivers/pci/pci.h"
#include "lib/owner.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What units, tables and core hold, as lines for a person. Task level. Nothing here changes
 * anything: registers are read as they stand, tables from memory as a unit would read them, and
 * only where that memory is the units' own.
 */
struct iommu;
struct iommu_unit;

#define IOMMU_LINE_MAX 79u /* characters */

/* Where lines go: printable ASCII, at most IOMMU_LINE_MAX characters, no newline. `stopped` (NULL:
 * never) is asked now and then; true ends the output. Core knows drivers by number: `owner` and
 * `bound` (NULL: nobody does) name the driver that an owner is, and the one bound to an endpoint,
 * or give NULL. */
struct iommu_sink {
    void (*line)(void *context, const char *text);
    bool (*stopped)(void *context);
    void *context;
    const char *(*owner)(owner_t owner);
    const char *(*bound)(uint16_t endpoint);
};

void iommu_sink_line(const struct iommu_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool iommu_sink_stopped(const struct iommu_sink *sink);

/* ---- Registers and entries ---- */

/* Shows each field, "P=1 FPD=0 ADDR=0x1000", in lines that begin with four blanks. Bits of no field
 * are shown, as RSVD, where they are not zero. */
void iommu_show_fields(const struct iommu_sink *sink, const struct pt_layout *layout,
                       const uint64_t *words);

enum iommu_register_use {
    IOMMU_REGISTER_STATE,
    IOMMU_REGISTER_CAPABILITY, /* what the unit can do; it never changes */
    IOMMU_REGISTER_WRITE_ONLY,
};

/* A register of a unit: 4 or 8 bytes, or 16 in two halves. */
struct iommu_register {
    struct pt_layout layout;
    uint32_t offset;
    uint8_t use; /* enum iommu_register_use */
};

#define IOMMU_REGISTER(name, bytes, fields, where, kind)                                           \
    {                                                                                              \
        .layout = PT_LAYOUT(name, bytes, fields), .offset = (where), .use = IOMMU_REGISTER_##kind  \
    }

/* One by one, in a vendor's op. `offset` is that of this one; `words` is NULL where it cannot be
 * read. */
struct iommu_register_visitor {
    void (*visit)(void *context, const struct iommu_register *reg, uint32_t offset,
                  const uint64_t *words);
    void *context;
};

/* Reads and visits registers of a window, `base` added to each offset; those beyond it are left
 * out. No read has a side effect. */
void iommu_visit_registers(const struct iommu_register_visitor *visitor, const struct mmio *window,
                           uint32_t base, const struct iommu_register *registers, unsigned count);

/* ---- From a requester to memory ---- */

/* Why a walk ends. The sentence of each is iommu_walk_sentence's. */
enum iommu_walk_end {
    IOMMU_WALK_TRANSLATED,
    IOMMU_WALK_REGION,
    IOMMU_WALK_PASSES,
    IOMMU_WALK_EXCLUDED,
    IOMMU_WALK_FORWARDED,
    IOMMU_WALK_OFF,
    IOMMU_WALK_INTERRUPT,
    IOMMU_WALK_INTERRUPT_ABORTED,
    IOMMU_WALK_SPECIAL,
    IOMMU_WALK_BLOCKED,
    IOMMU_WALK_NO_ENTRY,
    IOMMU_WALK_INVALID,
    IOMMU_WALK_RESERVED,
    IOMMU_WALK_UNREADABLE,
    IOMMU_WALK_NOT_PRESENT,
    IOMMU_WALK_NO_READ,
    IOMMU_WALK_NO_WRITE,
    IOMMU_WALK_NO_ACCESS,
    IOMMU_WALK_BEYOND,
    IOMMU_WALK_SKIPPED,
    IOMMU_WALK_ONTO_INTERRUPTS,
    IOMMU_WALK_PROTECTED,
    IOMMU_WALK_UNKNOWN_MODE,
    IOMMU_WALK_NO_ANSWER,
    IOMMU_WALK_UNKNOWN_UNIT,
    IOMMU_WALK_NOT_COVERED,
    IOMMU_WALK_ENDS,
};

struct iommu_walk {
    enum iommu_walk_end end;
    uint8_t level; /* of the entry that ended it; 0: one that leads to the page table */
    uint8_t width; /* bits of an input address */
    uint8_t shift; /* the page has 2 to this power bytes */
    enum pt_permission permission;
    uint64_t physical; /* of the address itself */
};

/* The fixed part of a reason's sentence: for the manual. */
const char *iommu_walk_reason(enum iommu_walk_end end);
/* The whole sentence, into IOMMU_LINE_MAX + 1 bytes. */
const char *iommu_walk_sentence(const struct iommu_walk *walk, char *text);

/* An entry on the way. */
struct iommu_entry {
    const struct pt_layout *layout;
    unsigned index;
    uint64_t physical; /* where it lies */
    const uint64_t *words;
};

struct iommu_entry_visitor {
    void (*visit)(void *context, const struct iommu_entry *entry);
    void *context;
};

/* What a unit's registers and a requester's table entry say of an address. `table`: the page table
 * decides; otherwise `end` has. A vendor's op is given view.wanted and
 * all rights, and fills the rest. */
struct iommu_route {
    bool table;
    enum iommu_walk_end end;
    struct pt_view view; /* rights: those that the requester's entry leaves, in any case */
    struct iommu_span {
        uint64_t first, last;
    } protected[2]; /* memory that no request reaches, whatever the tables say; {1, 0}: none */
};

/* The end of a request that no page table translates, by the rights that its entry leaves. */
enum iommu_walk_end iommu_untranslated(enum pt_permission rights, enum pt_permission wanted);

/* Reads an entry as pt_fetch and visits it. */
bool iommu_take_entry(const struct iommu_entry_visitor *visitor, const struct pt_layout *layout,
                      uint64_t table, unsigned index, uint64_t *words)
    __attribute__((warn_unused_result));

/* Walks as the requester's unit would: from its registers on, by memory. `wanted` PT_NONE: any
 * access that the tables allow. */
struct iommu_walk iommu_walk(struct iommu *iommu, uint16_t segment, pci_bdf_t requester,
                             uint64_t address, enum pt_permission wanted,
                             const struct iommu_entry_visitor *visitor);

/* ---- What commands show ---- */

/* A list that is empty says so. */
void iommu_show_units(struct iommu *iommu, const struct iommu_sink *sink);
/* `unit` is an index. False, and no line: there is none, or it was never mapped. */
bool iommu_show_capabilities(struct iommu *iommu, unsigned unit, const struct iommu_sink *sink);
bool iommu_show_registers(struct iommu *iommu, unsigned unit, const struct iommu_sink *sink);
/* Every entry on the path, the sentence, and whether core's own idea is another one, or
 * cannot be compared (false). */
bool iommu_show_walk(struct iommu *iommu, uint16_t segment, pci_bdf_t requester, uint64_t address,
                     enum pt_permission wanted, const struct iommu_sink *sink);
/* `domain` is an index. False, and no line: there is no such domain. */
bool iommu_show_maps(struct iommu *iommu, unsigned domain, const struct iommu_sink *sink);
void iommu_show_domains(struct iommu *iommu, const struct iommu_sink *sink);
/* "Blocked" is said of what a unit blocks, alone; "not protected" of what may reach all memory:
 * behind no unit, or behind one that is not active and never was. */
void iommu_show_devices(struct iommu *iommu, const struct iommu_sink *sink);
void iommu_show_groups(struct iommu *iommu, const struct iommu_sink *sink);
void iommu_show_faults(struct iommu *iommu, const struct iommu_sink *sink);

#endif
