/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_MANAGER_MANAGER_H
#define DRIVERS_MANAGER_MANAGER_H

#include "drivers/iommu/core/core.h"

#include <driver.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What stands between a driver and the rest: it binds drivers to the devices that a working unit
 * guards, gives each device a task and an owner tag, serves the driver contract, routes interrupts
 * and faults, and takes everything back at the end.
 */
struct manager_setup {
    struct iommu *iommu;
    const struct pci_inventory *pci;
    PDEVICE_OBJECT (*pdo)(uint16_t endpoint);
    const char *(*option)(const char *name);
    void (*disk)(const char *name, uint64_t bytes, const char *sha256_hex);
    uint64_t task_limit_ns; /* a task for which nothing came so long is given up on */
};

/* Bus mastering and message interrupts off for every function but bridges. */
void manager_silence(const struct pci_inventory *pci);

/* Runs the drivers of the image's table on all devices that match and are covered, in parallel,
 * until all tasks have ended. */
void manager_run(const struct manager_setup *setup);

/* Interrupts that units raised for faults so far. */
unsigned manager_fault_interrupts(void);

#endif
