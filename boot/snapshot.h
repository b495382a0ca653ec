/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_SNAPSHOT_H
#define BOOT_SNAPSHOT_H

#include "boot/boot.h"
#include "drivers/console/report.h"
#include "drivers/pci/pci.h"

#include <stdbool.h>
#include <stdint.h>

/* What firmware left on: taken in boot services, before anything is changed. */
#define SNAPSHOT_UNITS_MAX   64
#define SNAPSHOT_REGIONS_MAX 256

const struct pci_inventory *snapshot_functions(void);

/* What is known at take-over (report.h), but for console and memory. `functions` has room for
 * PCI_FUNCTIONS_MAX and stays the caller's. */
void snapshot_summary(const struct boot_info *info, struct report_summary *summary,
                      struct report_function *functions);

/* The nth region that firmware's tables demand for devices, inclusive; false behind the last.
 * Regions that cannot be right are left out. */
bool snapshot_region(unsigned n, uint64_t *first, uint64_t *last);

/* One line each: the flags of firmware's table, each unit's capabilities, tables and faults, and
 * each region with the first function that it is demanded for. */
void snapshot_describe(void);

#endif
