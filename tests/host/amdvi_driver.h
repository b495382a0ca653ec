/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_AMDVI_DRIVER_H
#define TESTS_HOST_AMDVI_DRIVER_H

#include "drivers/iommu/amdvi/amdvi.h"
#include "tests/host/amdvi_fixture.h"

/* The driver's command buffer on the modelled unit; tables and event log are the fixture's. */
static struct iommu iommu;
static struct amdvi_unit driver;
static struct iommu_unit *remapping;

static inline void add_requesters(unsigned count)
{
    iommu.requester_count = count;
    for (unsigned i = 0; i < count; i++)
        iommu.requesters[i] = (struct iommu_requester){.id = (pci_bdf_t)(8 * i), .unit = 1};
}

/* The unit translates, with the fixture's tables; the buffer is the driver's. Unit 0 is another. */
static inline void start_driver(const struct model_amdvi_config *config)
{
    start_with(config);
    out64(DEV_TAB, physical(devices) | 3);
    out64(EVT_BASE, physical(events) | RING_256);
    out64(CONTROL, IOMMU_EN | EVENT_LOG_EN | COHERENT);
    memset(&iommu, 0, sizeof iommu);
    remapping = &iommu.units[1];
    *remapping =
        (struct iommu_unit){.vendor_state = &driver, .name = "amdvi1", .caps.domain_ids = 65536};
    iommu.unit_count = 2;
    add_requesters(0);
    driver = (struct amdvi_unit){.iommu = &iommu, .efr = config->efr, .log = events};
    assert_true(mmio_map(config->base, 0x4000, &driver.mmio));
    assert_true(iommu_queue_create(&driver.queue));
    assert_true(amdvi_queue_start(remapping));
    no_violation();
}

#endif
