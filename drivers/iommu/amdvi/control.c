/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"

bool amdvi_control(struct amdvi_unit *amdvi, uint64_t set, uint64_t clear, uint32_t mask,
                   uint32_t value)
{
    const struct iommu_condition done = {&amdvi->mmio, AMDVI_STATUS, mask, value};

    lock_take(&amdvi->control);
    uint64_t control = mmio_read64(&amdvi->mmio, AMDVI_CONTROL);
    mmio_write64(&amdvi->mmio, AMDVI_CONTROL, (control & ~clear) | set);
    lock_give(&amdvi->control);
    return iommu_await(&done);
}
