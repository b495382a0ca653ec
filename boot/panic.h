/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_PANIC_H
#define BOOT_PANIC_H

#include "drivers/iommu/core/core.h"

/* What a panic tells of the units, and how it ends: `option` is a value that the rule of panic=
 * takes. */
void boot_panic_start(const struct iommu *iommu, const char *option);

#endif
