/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_DMAR_RECORD_H
#define TESTS_HOST_DMAR_RECORD_H

#include "drivers/iommu/vtd/dmar.h"

/* What the nth of the kept records of a type has in common with all. */
static inline const struct dmar_record *dmar_record_of(const struct dmar *dmar, enum dmar_type type,
                                                       unsigned n)
{
    switch (type) {
    case DMAR_DRHD:
        return &dmar->drhds[n].record;
    case DMAR_RMRR:
        return &dmar->rmrrs[n].record;
    case DMAR_ATSR:
        return &dmar->atsrs[n].record;
    case DMAR_RHSA:
        return &dmar->rhsas[n].record;
    case DMAR_ANDD:
        return &dmar->andds[n].record;
    case DMAR_SATC:
        return &dmar->satcs[n].record;
    default:
        return &dmar->sidps[n].record;
    }
}

#endif
