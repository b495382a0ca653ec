/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_VTD_REGS_H
#define DRIVERS_IOMMU_VTD_REGS_H

#include "arch/mmio.h"

/* Intel Virtualization Technology for Directed I/O, "Register Descriptions". */
#define VTD_VER      ((reg32_t){0x000})
#define VTD_CAP      ((reg64_t){0x008})
#define VTD_ECAP     ((reg64_t){0x010})
#define VTD_GCMD     ((reg32_t){0x018})
#define VTD_GSTS     ((reg32_t){0x01C})
#define VTD_RTADDR   ((reg64_t){0x020})
#define VTD_FSTS     ((reg32_t){0x034})
#define VTD_FECTL    ((reg32_t){0x038})
#define VTD_FEDATA   ((reg32_t){0x03C})
#define VTD_FEADDR   ((reg32_t){0x040})
#define VTD_FEUADDR  ((reg32_t){0x044})
#define VTD_PMEN     ((reg32_t){0x064})
#define VTD_PLMBASE  ((reg32_t){0x068})
#define VTD_PLMLIMIT ((reg32_t){0x06C})
#define VTD_PHMBASE  ((reg64_t){0x070})
#define VTD_PHMLIMIT ((reg64_t){0x078})
#define VTD_IQH      ((reg64_t){0x080})
#define VTD_IQT      ((reg64_t){0x088})
#define VTD_IQA      ((reg64_t){0x090})

/* Behind the last register of a fixed place, Interrupt Remapping Table Address. */
#define VTD_REGISTERS_END 0x0C0u
/* Registers up to here exist in every unit; one page is mapped before CAP can be read. */
#define VTD_REGISTERS_MIN 0x1000u

/* Capability Register */
#define CAP_ND_SHIFT    0 /* domain ids: 2^(4 + 2 * ND) */
#define CAP_ND_WIDTH    3
#define CAP_RWBF_SHIFT  4
#define CAP_RWBF_WIDTH  1
#define CAP_PLMR_SHIFT  5
#define CAP_PLMR_WIDTH  1
#define CAP_PHMR_SHIFT  6
#define CAP_PHMR_WIDTH  1
#define CAP_CM_SHIFT    7
#define CAP_CM_WIDTH    1
#define CAP_SAGAW_SHIFT 8 /* bit n: n + 2 levels */
#define CAP_SAGAW_WIDTH 5
#define CAP_MGAW_SHIFT  16 /* minus 1 */
#define CAP_MGAW_WIDTH  6
#define CAP_FRO_SHIFT   24 /* in 16-byte steps */
#define CAP_FRO_WIDTH   10
#define CAP_SLLPS_SHIFT 34 /* bit 0: 2 MiB, bit 1: 1 GiB */
#define CAP_SLLPS_WIDTH 4
#define CAP_PSI_SHIFT   39
#define CAP_PSI_WIDTH   1
#define CAP_NFR_SHIFT   40 /* minus 1 */
#define CAP_NFR_WIDTH   8
#define CAP_MAMV_SHIFT  48
#define CAP_MAMV_WIDTH  6
#define CAP_DWD_SHIFT   54
#define CAP_DWD_WIDTH   1
#define CAP_DRD_SHIFT   55
#define CAP_DRD_WIDTH   1

/* Extended Capability Register */
#define ECAP_C_SHIFT   0
#define ECAP_C_WIDTH   1
#define ECAP_QI_SHIFT  1
#define ECAP_QI_WIDTH  1
#define ECAP_IR_SHIFT  3
#define ECAP_IR_WIDTH  1
#define ECAP_PT_SHIFT  6
#define ECAP_PT_WIDTH  1
#define ECAP_DT_SHIFT  2
#define ECAP_DT_WIDTH  1
#define ECAP_SC_SHIFT  7
#define ECAP_SC_WIDTH  1
#define ECAP_IRO_SHIFT 8 /* in 16-byte steps */
#define ECAP_IRO_WIDTH 10

/* Global Command Register and Global Status Register */
#define GCMD_TE   (UINT32_C(1) << 31)
#define GCMD_SRTP (UINT32_C(1) << 30)
#define GCMD_EAFL (UINT32_C(1) << 28)
#define GCMD_WBF  (UINT32_C(1) << 27)
#define GCMD_QIE  (UINT32_C(1) << 26)
#define GCMD_IRE  (UINT32_C(1) << 25)
#define GSTS_TES  GCMD_TE
#define GSTS_RTPS GCMD_SRTP
#define GSTS_AFLS GCMD_EAFL
#define GSTS_WBFS GCMD_WBF
#define GSTS_QIES GCMD_QIE
#define GSTS_IRES GCMD_IRE
/* Status bits whose command bit must be written again to stay: TE, EAFL, QIE, IRE, CFI. */
#define GSTS_HELD UINT32_C(0x96800000)

/* Root Table Address Register */
#define RTADDR_TTM       (UINT64_C(3) << 10) /* 0: legacy mode */
#define RTADDR_TTM_SHIFT 10
#define RTADDR_TTM_WIDTH 2
#define RTADDR_RTA       UINT64_C(0xFFFFFFFFFFFFF000)

/* Fault Status Register */
#define FSTS_PFO          UINT32_C(0x01)
#define FSTS_QUEUE_ERRORS (FSTS_IQE | FSTS_ICE | FSTS_ITE) /* written as ones to clear */
#define FSTS_PPF          UINT32_C(0x02)
#define FSTS_IQE          UINT32_C(0x10)
#define FSTS_ICE          UINT32_C(0x20)
#define FSTS_ITE          UINT32_C(0x40)

/* Fault Event Control Register */
#define FECTL_IM (UINT32_C(1) << 31)

/* Protected Memory Enable Register */
#define PMEN_EPM (UINT32_C(1) << 31)
#define PMEN_PRS UINT32_C(0x01)
/* Bits of a limit that count as ones: the least that a unit leaves out ("Protected Low-Memory Limit
 * Register"). */
#define PMR_BELOW UINT64_C(0xFFFFF)

/* Fault Recording Registers [n], 128 bits each */
#define VTD_FRCD_LOW(offset, n)  ((reg64_t){(offset) + (n)*16})
#define VTD_FRCD_HIGH(offset, n) ((reg64_t){(offset) + (n)*16 + 8})
#define VTD_FRCD_TOP(offset, n)  ((reg32_t){(offset) + (n)*16 + 12})
#define FRCD_TOP_F               (UINT32_C(1) << 31)
#define FRCD_F_SHIFT             63
#define FRCD_F_WIDTH             1
#define FRCD_T1_SHIFT            62 /* type, bit 1: set with T2 clear, a read request */
#define FRCD_T1_WIDTH            1
#define FRCD_FR_SHIFT            32
#define FRCD_FR_WIDTH            8
#define FRCD_SID_SHIFT           0
#define FRCD_SID_WIDTH           16
#define FRCD_FI                  UINT64_C(0xFFFFFFFFFFFFF000)

#endif
