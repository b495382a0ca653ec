/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_WDM_SLOTS_H
#define DRIVERS_IOMMU_WDM_SLOTS_H

#include <wdm.h>

/* The routines behind the slots that are built; contracts in wdm.h. */
IOMMU_DOMAIN_CREATE_EX wdm_create_domain;
IOMMU_DOMAIN_DELETE wdm_delete_domain;
IOMMU_DOMAIN_ATTACH_DEVICE_EX wdm_attach_device;
IOMMU_DOMAIN_DETACH_DEVICE_EX wdm_detach_device;
IOMMU_MAP_LOGICAL_RANGE_EX wdm_map_logical_range;
IOMMU_UNMAP_LOGICAL_RANGE wdm_unmap_logical_range;
IOMMU_DEVICE_CREATE wdm_create_device;
IOMMU_DEVICE_DELETE wdm_delete_device;

#endif
