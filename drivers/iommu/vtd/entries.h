/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_VTD_ENTRIES_H
#define DRIVERS_IOMMU_VTD_ENTRIES_H

#include <stdint.h>

/* Intel Virtualization Technology for Directed I/O, "Root Entry" and "Context Entry": legacy mode.
 * Blocked: Present clear, in either. */
struct vtd_entry {
    uint64_t low, high;
};

_Static_assert(sizeof(struct vtd_entry) == 16, "root and context entries have 128 bits");

#define VTD_TABLE_ENTRIES 256u
_Static_assert(VTD_TABLE_ENTRIES * sizeof(struct vtd_entry) == 4096, "a table is one page");

#define ENTRY_P       UINT64_C(1)
#define ENTRY_ADDRESS UINT64_C(0xFFFFFFFFFFFFF000)

/* Context entry, Translation Type: 00b, untranslated requests through second-stage tables; 10b,
 * pass through, where Address Width is the largest that the unit has and there is no table. */
#define CONTEXT_TT_PASS (UINT64_C(2) << 2)

static inline uint64_t vtd_context_high(uint16_t domain_id, uint8_t levels)
{
    return (uint64_t)domain_id << 8 | (uint64_t)(levels - 2);
}

/* "Invalidation Descriptors", 128-bit format. */
struct vtd_descriptor {
    uint64_t low, high;
};

_Static_assert(sizeof(struct vtd_descriptor) == 16, "queue width 0 has 128-bit descriptors");

#define DESCRIPTOR_CONTEXT UINT64_C(0x1)
#define DESCRIPTOR_IOTLB   UINT64_C(0x2)
#define DESCRIPTOR_WAIT    UINT64_C(0x5)

enum vtd_granularity { VTD_GLOBAL = 1, VTD_DOMAIN = 2, VTD_SELECTIVE = 3 };

#define IOTLB_DW (UINT64_C(1) << 6)
#define IOTLB_DR (UINT64_C(1) << 7)
#define IOTLB_IH (UINT64_C(1) << 6) /* in the high word */
#define WAIT_SW  (UINT64_C(1) << 5)

#endif
