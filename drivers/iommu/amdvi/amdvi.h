/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_AMDVI_AMDVI_H
#define DRIVERS_IOMMU_AMDVI_AMDVI_H

#include "drivers/acpi/acpi.h"
#include "drivers/iommu/amdvi/entries.h"
#include "drivers/iommu/amdvi/ivrs.h"
#include "drivers/iommu/core/core.h"
#include "drivers/iommu/core/queue.h"

#include <stdbool.h>
#include <stdint.h>

/* Remapping units of AMD-Vi with host page tables (v1), and what IVRS says about them. */

struct amdvi_unit {
    struct mmio mmio;
    const struct iommu *iommu;
    const struct ivrs *ivrs;
    unsigned ivhd;                       /* index of the block that describes the unit */
    const struct pci_function *function; /* the unit's own; NULL: it is not there */
    uint64_t efr;
    uint32_t capability; /* "Capability Header" */
    struct amdvi_device_entry *devices;
    uint32_t device_count; /* DeviceIDs that the device table holds */
    uint64_t blocked_root; /* a page of zeros: the table of every blocked requester */
    struct iommu_queue queue;
    struct gate recovery; /* of the command buffer; before the queue's lock */
    struct lock control;  /* while Control is changed */
    uint64_t *log;
    uint32_t log_head; /* byte offset of the next event, as in the head register */
};

struct amdvi {
    struct ivrs ivrs;
    struct amdvi_unit units[IOMMU_UNITS_MAX];
};

/* Reads IVRS, adds its units to core and says which functions stand behind which and what regions
 * they demand. Touches no unit. False: the table describes none; *reason says why. */
bool amdvi_discover(struct amdvi *amdvi, const struct acpi_table *table, struct iommu *iommu,
                    const char **reason) __attribute__((warn_unused_result));

/* What a unit's registers say before anything is changed; no read has an effect. False: they read
 * all ones. */
struct amdvi_snapshot {
    bool enabled, command_buffer, event_log;
    uint32_t status;
    uint64_t efr, control;
    uint64_t device_table;      /* its address */
    uint32_t device_table_size; /* bytes */
    unsigned events, unread;    /* that the event log holds, and those not taken out of it */
};
bool amdvi_snapshot(const struct mmio *mmio, struct amdvi_snapshot *snapshot);

/* Bring-up (unit.c). */
bool amdvi_probe(struct iommu_unit *unit);
bool amdvi_enable(struct iommu_unit *unit);

/* A doubleword of the capability block of a unit whose function is there. */
uint32_t amdvi_capability(const struct amdvi_unit *amdvi, unsigned offset);
/* Bits of an output and of an input address; 0: nobody says. */
void amdvi_sizes(const struct amdvi_unit *amdvi, unsigned *physical, unsigned *virtual);

/* Writes Control with `set` on and `clear` off and waits until (Status & mask) == value
 * (control.c). */
bool amdvi_control(struct amdvi_unit *amdvi, uint64_t set, uint64_t clear, uint32_t mask,
                   uint32_t value) __attribute__((warn_unused_result));

/* Commands (command.c). Starts the buffer of a queue that is there (iommu_queue_create). It runs
 * only while IommuEn is set. */
bool amdvi_queue_start(struct iommu_unit *unit) __attribute__((warn_unused_result));
bool amdvi_queue_stop(struct amdvi_unit *amdvi) __attribute__((warn_unused_result));
/* Submits a batch of at most IOMMU_QUEUE_ENTRIES / 2 commands with one COMPLETION_WAIT behind it
 * and waits for that. Once it has failed, it fails at once. */
bool amdvi_submit(struct iommu_unit *unit, const struct amdvi_command *batch, unsigned count)
    __attribute__((warn_unused_result));
struct amdvi_command amdvi_device_command(pci_bdf_t requester);
/* All pages and directories of a domain. */
struct amdvi_command amdvi_domain_command(uint16_t domain_id);
/* Everything that the unit may have cached of any DeviceID and of any domain; waits. */
bool amdvi_forget_all(struct iommu_unit *unit) __attribute__((warn_unused_result));
bool amdvi_invalidate(struct iommu_unit *unit, const struct iommu_invalidation *invalidation);
bool amdvi_forget(struct iommu_unit *unit, uint16_t domain_id, struct iommu_block block,
                  bool leaves_only);

/* Device table (device_table.c). */
bool amdvi_table_create(struct iommu_unit *unit) __attribute__((warn_unused_result));
bool amdvi_attach(struct iommu_unit *unit, pci_bdf_t requester, const struct iommu_binding *binding,
                  bool *no_memory);
bool amdvi_block(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id);

/* Event log (event.c). */
bool amdvi_log_start(struct iommu_unit *unit) __attribute__((warn_unused_result));
unsigned amdvi_drain(struct iommu_unit *unit, struct iommu_fault *faults, unsigned max);
void amdvi_view(const struct iommu_unit *unit, struct iommu_unit_view *view);

/* Registers and entries for a person (registers.c, route.c). */
void amdvi_registers(const struct iommu_unit *unit, const struct iommu_register_visitor *visitor);
void amdvi_route(const struct iommu_unit *unit, pci_bdf_t requester, uint64_t address,
                 const struct iommu_entry_visitor *visitor, struct iommu_route *route);

#endif
