/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_VTD_VTD_H
#define DRIVERS_IOMMU_VTD_VTD_H

#include "drivers/acpi/acpi.h"
#include "drivers/iommu/core/core.h"
#include "drivers/iommu/core/queue.h"
#include "drivers/iommu/vtd/dmar.h"
#include "drivers/iommu/vtd/entries.h"

#include <stdbool.h>
#include <stdint.h>

/* Remapping units of Intel VT-d, legacy mode, and what DMAR says about them. */
struct vtd_unit {
    struct mmio mmio;
    uint64_t cap, ecap;
    uint8_t host_address_width;
    uint8_t selective_orders; /* page-selective invalidation: up to this order + 1; 0: none */
    uint64_t drain;           /* bits of every IOTLB descriptor */
    struct vtd_entry *root;
    struct iommu_queue queue;
};

struct vtd {
    struct dmar dmar;
    struct vtd_unit units[IOMMU_UNITS_MAX];
};

/* Reads DMAR, adds its units to core and says which functions stand behind which and what regions
 * they demand. Touches no unit. False: the table describes none; *reason says why. */
bool vtd_discover(struct vtd *vtd, const struct acpi_table *table, struct iommu *iommu,
                  const char **reason) __attribute__((warn_unused_result));

/* What a unit's registers say before anything is changed; no read has an effect. False: they read
 * all ones or zeros. */
struct vtd_snapshot {
    bool te, ire, qie, pmr;
    uint32_t version, fault_status;
    uint64_t cap, ecap, root;
    unsigned records, recorded; /* fault recording registers in the window, and those in use */
};
bool vtd_snapshot(const struct mmio *mmio, struct vtd_snapshot *snapshot);

/* Bring-up and commands (unit.c). */
bool vtd_probe(struct iommu_unit *unit);
bool vtd_enable(struct iommu_unit *unit);

/* Queued invalidation (queue.c). */
bool vtd_queue_start(struct vtd_unit *vtd) __attribute__((warn_unused_result));
bool vtd_queue_stop(struct vtd_unit *vtd) __attribute__((warn_unused_result));
/* Submits a batch with one wait descriptor behind it and waits for that. At most
 * IOMMU_QUEUE_ENTRIES / 2 descriptors. Once it has failed, it fails at once. */
bool vtd_submit(struct vtd_unit *vtd, const struct vtd_descriptor *batch, unsigned count)
    __attribute__((warn_unused_result));
struct vtd_descriptor vtd_context_descriptor(enum vtd_granularity granularity, uint16_t domain_id,
                                             pci_bdf_t source);
struct vtd_descriptor vtd_iotlb_descriptor(const struct vtd_unit *vtd,
                                           enum vtd_granularity granularity, uint16_t domain_id);
bool vtd_invalidate(struct iommu_unit *unit, const struct iommu_invalidation *invalidation);
bool vtd_forget(struct iommu_unit *unit, uint16_t domain_id, struct iommu_block block,
                bool leaves_only);

/* Root and context entries (context.c). */
bool vtd_attach(struct iommu_unit *unit, pci_bdf_t requester, const struct iommu_binding *binding,
                bool *no_memory);
bool vtd_block(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id);

/* Fault recording (fault.c). */
bool vtd_fault_start(struct iommu_unit *unit) __attribute__((warn_unused_result));
unsigned vtd_drain(struct iommu_unit *unit, struct iommu_fault *faults, unsigned max);
void vtd_view(const struct iommu_unit *unit, struct iommu_unit_view *view);

/* Registers and entries for a person (registers.c, route.c). */
void vtd_registers(const struct iommu_unit *unit, const struct iommu_register_visitor *visitor);
void vtd_route(const struct iommu_unit *unit, pci_bdf_t requester, uint64_t address,
               const struct iommu_entry_visitor *visitor, struct iommu_route *route);

/* Writes GCMD with `set` on and `clear` off, all other held bits as they are, and waits until
 * (GSTS & mask) == value. */
bool vtd_command(struct vtd_unit *vtd, uint32_t set, uint32_t clear, uint32_t mask, uint32_t value)
    __attribute__((warn_unused_result));

#endif
