/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_AMDVI_REGS_H
#define DRIVERS_IOMMU_AMDVI_REGS_H

#include "arch/mmio.h"

/* AMD I/O Virtualization Technology (IOMMU) Specification, "IOMMU MMIO Registers". All have 64
 * bits and may be accessed by halves; a base takes effect with its upper half. */
#define AMDVI_DEVICE_TABLE    ((reg64_t){0x0000})
#define AMDVI_COMMAND_BASE    ((reg64_t){0x0008})
#define AMDVI_EVENT_BASE      ((reg64_t){0x0010})
#define AMDVI_CONTROL         ((reg64_t){0x0018})
#define AMDVI_EXCLUSION       ((reg64_t){0x0020})
#define AMDVI_EXCLUSION_LIMIT ((reg64_t){0x0028})
#define AMDVI_EFR             ((reg64_t){0x0030})
#define AMDVI_COMMAND_HEAD    ((reg32_t){0x2000}) /* a ring of 256 needs no more of it */
#define AMDVI_COMMAND_TAIL    ((reg64_t){0x2008})
#define AMDVI_EVENT_HEAD      ((reg64_t){0x2010})
#define AMDVI_EVENT_TAIL      ((reg64_t){0x2018})
#define AMDVI_STATUS          ((reg32_t){0x2020}) /* the upper half is reserved */

#define AMDVI_REGISTERS       0x4000u

/* "Device Table Base Address Register", "Event Log Base Address Register" */
#define DEVICE_TABLE_SIZE_SHIFT 0 /* in pages, minus 1 */
#define DEVICE_TABLE_SIZE_WIDTH 9
#define AMDVI_BASE              UINT64_C(0x000FFFFFFFFFF000)
#define EVENT_LEN_SHIFT         56 /* 2^n events; below 8 reserved */
#define EVENT_LEN_WIDTH         4
#define EVENT_LEN_MIN           8u

/* "IOMMU Capability Block": offsets in it, and its header. */
#define CAPABILITY_HEADER        0x00u
#define CAPABILITY_BASE_LOW      0x04u
#define CAPABILITY_BASE          0x08u /* upper half */
#define CAPABILITY_MISC          0x10u

#define CAPABILITY_ID_SHIFT      0
#define CAPABILITY_ID_WIDTH      8
#define CAPABILITY_ID_SECURE     0x0Fu
#define CAPABILITY_TYPE_SHIFT    16
#define CAPABILITY_TYPE_WIDTH    3
#define CAPABILITY_TYPE_IOMMU    3u
#define CAPABILITY_NPCACHE_SHIFT 26
#define CAPABILITY_NPCACHE_WIDTH 1
#define CAPABILITY_EFRSUP_SHIFT  27
#define CAPABILITY_EFRSUP_WIDTH  1
#define CAPABILITY_CAPEXT_SHIFT  28
#define CAPABILITY_CAPEXT_WIDTH  1
#define CAPABILITY_ENABLE        UINT32_C(1) /* of the base; locks it */
#define CAPABILITY_PASIZE_SHIFT  8           /* Miscellaneous Information Register 0 */
#define CAPABILITY_PASIZE_WIDTH  7
#define CAPABILITY_VASIZE_SHIFT  15
#define CAPABILITY_VASIZE_WIDTH  7

/* Extended Feature Register */
#define EFR_IASUP_SHIFT 6
#define EFR_IASUP_WIDTH 1
#define EFR_HATS_SHIFT  10 /* 4 + HATS levels; 3 is reserved */
#define EFR_HATS_WIDTH  2

/* IOMMU Control Register */
#define CONTROL_IOMMU_EN     (UINT64_C(1) << 0)
#define CONTROL_HT_TUN_EN    (UINT64_C(1) << 1)
#define CONTROL_EVENT_LOG_EN (UINT64_C(1) << 2)
#define CONTROL_EVENT_INT_EN (UINT64_C(1) << 3)
#define CONTROL_INV_TIME_OUT (UINT64_C(1) << 5) /* 1 ms */
#define CONTROL_PASS_PW      (UINT64_C(1) << 8)
#define CONTROL_RES_PASS_PW  (UINT64_C(1) << 9)
#define CONTROL_COHERENT     (UINT64_C(1) << 10)
#define CONTROL_ISOC         (UINT64_C(1) << 11)
#define CONTROL_CMD_BUF_EN   (UINT64_C(1) << 12)

/* IOMMU Status Register. The first three are written as ones to clear. */
#define STATUS_EVENT_OVERFLOW UINT32_C(0x01)
#define STATUS_EVENT_LOG_INT  UINT32_C(0x02)
#define STATUS_COM_WAIT_INT   UINT32_C(0x04)
#define STATUS_EVENT_LOG_RUN  UINT32_C(0x08)
#define STATUS_CMD_BUF_RUN    UINT32_C(0x10)

/* Command buffer and event log: 256 entries of 16 bytes, one page. */
#define AMDVI_RING_256 (UINT64_C(8) << 56)

#endif
