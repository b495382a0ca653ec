/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_PANIC_H
#define BOOT_PANIC_H

#include "drivers/iommu/core/core.h"

#include <stdbool.h>

/* What a panic tells of the units, and how it ends. `option` is the value of panic=, NULL: not
 * given. False: it is none of halt, shell and reboot:N (seconds, to 3600), and halt holds. */
bool boot_panic_start(const struct iommu *iommu, const char *option);

#endif
