/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_WDM_WDM_IOMMU_H
#define DRIVERS_IOMMU_WDM_WDM_IOMMU_H

#include "drivers/iommu/core/core.h"

#include <wdm.h>

/* The state that the interface tables serve from now on. NULL: no unit, every routine refuses. */
void wdm_start(struct iommu *iommu);

/* The PDO that names an endpoint to IOMMU_DEVICE_CREATE. */
PDEVICE_OBJECT wdm_pdo(uint16_t endpoint);

#endif
