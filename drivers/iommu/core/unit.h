/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_UNIT_H
#define DRIVERS_IOMMU_CORE_UNIT_H

#include "arch/irq.h"
#include "drivers/iommu/core/invalidation.h"
#include "drivers/iommu/paging/paging.h"
#include "drivers/pci/pci.h"

#include <stdbool.h>
#include <stdint.h>

/* One remapping unit as core sees it. The vendor's side fills it in and serves its ops. */
struct iommu_unit;
struct iommu_fault;
struct iommu_entry_visitor;
struct iommu_register_visitor;
struct iommu_route;

/* From UNIT_ACTIVE on it translates. */
enum iommu_unit_state {
    UNIT_FOUND,    /* described by firmware; nothing is known to work */
    UNIT_FAILED,   /* cannot be used: see `reason` */
    UNIT_ACTIVE,   /* every requester that is not attached is blocked */
    UNIT_POISONED, /* a wait ran out while it was active */
};

struct iommu_unit_caps {
    uint8_t width;          /* bits of an input address */
    uint8_t physical_width; /* bits of an output address */
    uint8_t levels;         /* bit n: tables of n levels are walked */
    uint8_t leaf_levels;    /* as in struct pt_geometry */
    bool coherent;
    bool pass_through;   /* a requester can be let through untranslated */
    bool flush_on_map;   /* new entries need an invalidation too: not-present entries are
                            cached, or writes are buffered in the chipset */
    uint32_t domain_ids; /* ids 0 to domain_ids - 1 */
};

/* What a requester's table entry points to. */
struct iommu_binding {
    uint16_t domain_id;
    bool pass_through; /* untranslated: there is no table */
    uint64_t root;
    uint8_t levels;
};

/* What a unit's registers say at this moment, named as in its specification: status first, then
 * faults, and the first of the fault records that wait to be taken. */
#define IOMMU_VIEW_REGISTERS 4
#define IOMMU_VIEW_RECORDS   4

struct iommu_unit_view {
    struct {
        const char *name; /* NULL behind the last */
        uint64_t value;
    } registers[IOMMU_VIEW_REGISTERS];
    struct {
        uint64_t low, high;
    } records[IOMMU_VIEW_RECORDS];
    unsigned record_count;
};

/*
 * Unit ops. Every op that can wait is bounded, returns only when hardware has confirmed, and gives
 * false when the wait ran out; core then poisons the unit. None of them may grant access before
 * the entry's invalidation is confirmed, or leave it when it returns true from block.
 */
struct iommu_unit_ops {
    const char *vendor;
    const struct pt_format *format;
    /* Reads capabilities into unit->caps. False: not usable, unit->reason says why. */
    bool (*probe)(struct iommu_unit *unit);
    /* Everything blocked, queue on, translation on, fault interrupt on. False with a reason. */
    bool (*enable)(struct iommu_unit *unit);
    /* From blocked to the binding. no_memory tells a lack of memory (nothing has changed) from a
     * failed wait (the requester is blocked). */
    bool (*attach)(struct iommu_unit *unit, pci_bdf_t requester,
                   const struct iommu_binding *binding, bool *no_memory);
    /* From a binding to blocked; translations cached for it are gone when true comes back. On a
     * poisoned unit too it takes the table entry away, and gives false. */
    bool (*block)(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id);
    bool (*invalidate)(struct iommu_unit *unit, const struct iommu_invalidation *invalidation);
    /* One block, the way of every transfer. False: the queue was busy, or the wait ran out; then
     * invalidate has to do it. */
    bool (*forget)(struct iommu_unit *unit, uint16_t domain_id, struct iommu_block block,
                   bool leaves_only);
    /* Takes recorded faults off the unit; fills all but `endpoint` and `unit_base`. A unit that
     * does not tell a missing entry from a missing right says IOMMU_FAULT_PERMISSION. */
    unsigned (*drain)(struct iommu_unit *unit, struct iommu_fault *faults, unsigned max);
    /* Reads only: no lock, no wait, no heap, for a panic. A unit whose registers are not mapped
     * leaves *view as it is. */
    void (*view)(const struct iommu_unit *unit, struct iommu_unit_view *view);
    /* For a person to see (describe.h); both change nothing. Of a unit in any state. */
    void (*registers)(const struct iommu_unit *unit, const struct iommu_register_visitor *visitor);
    void (*route)(const struct iommu_unit *unit, pci_bdf_t requester, uint64_t address,
                  const struct iommu_entry_visitor *visitor, struct iommu_route *route);
};

struct iommu_unit {
    const struct iommu_unit_ops *ops;
    void *vendor_state;
    uint16_t segment;
    uint64_t base, length; /* of its registers, in bytes */
    char name[16];         /* "dmar0" */
    _Atomic(enum iommu_unit_state) state;
    const char *reason;
    struct iommu_unit_caps caps;
    irq_line_t fault_line;
    uint32_t faults;    /* records taken so far */
    uint32_t overflows; /* times that further faults went unrecorded */
};

#endif
