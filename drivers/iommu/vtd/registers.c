/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/describe.h"
#include "drivers/iommu/vtd/regs.h"
#include "drivers/iommu/vtd/vtd.h"

/* Intel Virtualization Technology for Directed I/O, "Register Descriptions": every field by its
 * name there. */
#define ADDRESS PT_FIELD_ADDRESS
#define REG     IOMMU_REGISTER

/* Fields that only say which registers exist. */
#define CAP_AFL_SHIFT       3
#define CAP_AFL_WIDTH       1
#define CAP_ECMDS_SHIFT     61
#define CAP_ECMDS_WIDTH     1
#define ECAP_MTS_SHIFT      25
#define ECAP_MTS_WIDTH      1
#define ECAP_PRS_SHIFT      29
#define ECAP_PRS_WIDTH      1
#define ECAP_VCS_SHIFT      44
#define ECAP_VCS_WIDTH      1
#define ECAP_PMS_SHIFT      51
#define ECAP_PMS_WIDTH      1
#define ECAP_RDTS_SHIFT     60
#define ECAP_RDTS_WIDTH     1

#define VTD_MTRRCAP         ((reg64_t){0x100})
#define MTRRCAP_VCNT_SHIFT  0
#define MTRRCAP_VCNT_WIDTH  8
#define MTRRCAP_FIX_SHIFT   8
#define MTRRCAP_FIX_WIDTH   1
#define MTRR_PAIRS_MAX      10 /* of a base and a mask */

#define VTD_PERFCAP         ((reg64_t){0x300})
#define PERFCAP_EGCNT_SHIFT 24
#define PERFCAP_EGCNT_WIDTH 5
#define EVENT_GROUPS_MAX    16

static const struct pt_field ver[] = {{"MIN", 0, 3, 0}, {"MAX", 4, 7, 0}};

static const struct pt_field cap[] = {
    {"ND", 0, 2, 0},        {"AFL", 3, 3, 0},      {"RWBF", 4, 4, 0},    {"PLMR", 5, 5, 0},
    {"PHMR", 6, 6, 0},      {"CM", 7, 7, 0},       {"SAGAW", 8, 12, 0},  {"MGAW", 16, 21, 0},
    {"ZLR", 22, 22, 0},     {"FRO", 24, 33, 0},    {"SSLPS", 34, 37, 0}, {"PSI", 39, 39, 0},
    {"NFR", 40, 47, 0},     {"MAMV", 48, 53, 0},   {"DWD", 54, 54, 0},   {"DRD", 55, 55, 0},
    {"FS1GP", 56, 56, 0},   {"PI", 59, 59, 0},     {"FS5LP", 60, 60, 0}, {"ECMDS", 61, 61, 0},
    {"ESIRTPS", 62, 62, 0}, {"ESRTPS", 63, 63, 0},
};

static const struct pt_field ecap[] = {
    {"C", 0, 0, 0},      {"QI", 1, 1, 0},       {"DT", 2, 2, 0},       {"IR", 3, 3, 0},
    {"EIM", 4, 4, 0},    {"PT", 6, 6, 0},       {"SC", 7, 7, 0},       {"IRO", 8, 17, 0},
    {"MHMV", 20, 23, 0}, {"MTS", 25, 25, 0},    {"NEST", 26, 26, 0},   {"PRS", 29, 29, 0},
    {"ERS", 30, 30, 0},  {"SRS", 31, 31, 0},    {"NWFS", 33, 33, 0},   {"EAFS", 34, 34, 0},
    {"PSS", 35, 39, 0},  {"PASID", 40, 40, 0},  {"DIT", 41, 41, 0},    {"PDS", 42, 42, 0},
    {"SMTS", 43, 43, 0}, {"VCS", 44, 44, 0},    {"SSADS", 45, 45, 0},  {"SSTS", 46, 46, 0},
    {"FSTS", 47, 47, 0}, {"SMPWCS", 48, 48, 0}, {"RPS", 49, 49, 0},    {"TDXCS", 50, 50, 0},
    {"PMS", 51, 51, 0},  {"ADMS", 52, 52, 0},   {"RPRIVS", 53, 53, 0}, {"HPTS", 55, 55, 0},
    {"PTRS", 56, 56, 0}, {"SSIRWS", 57, 57, 0}, {"SMS", 58, 58, 0},    {"HPT1GPS", 59, 59, 0},
    {"RDTS", 60, 60, 0}, {"EIMER", 61, 61, 0},  {"IRREQ", 62, 62, 0},
};

static const struct pt_field gcmd[] = {
    {"CFI", 23, 23, 0}, {"SIRTP", 24, 24, 0}, {"IRE", 25, 25, 0},
    {"QIE", 26, 26, 0}, {"WBF", 27, 27, 0},   {"EAFL", 28, 28, 0},
    {"SFL", 29, 29, 0}, {"SRTP", 30, 30, 0},  {"TE", 31, 31, 0},
};

static const struct pt_field gsts[] = {
    {"CFIS", 23, 23, 0}, {"IRTPS", 24, 24, 0}, {"IRES", 25, 25, 0},
    {"QIES", 26, 26, 0}, {"WBFS", 27, 27, 0},  {"AFLS", 28, 28, 0},
    {"FLS", 29, 29, 0},  {"RTPS", 30, 30, 0},  {"TES", 31, 31, 0},
};

static const struct pt_field rtaddr[] = {{"TTM", 10, 11, 0}, {"RTA", 12, 63, ADDRESS}};

static const struct pt_field ccmd[] = {
    {"DID", 0, 15, 0},   {"SID", 16, 31, 0},  {"FM", 32, 33, 0},
    {"CAIG", 59, 60, 0}, {"CIRG", 61, 62, 0}, {"ICC", 63, 63, 0},
};

static const struct pt_field fsts[] = {
    {"PFO", 0, 0, 0}, {"PPF", 1, 1, 0}, {"AFO", 2, 2, 0}, {"APF", 3, 3, 0},
    {"IQE", 4, 4, 0}, {"ICE", 5, 5, 0}, {"ITE", 6, 6, 0}, {"FRI", 8, 15, 0},
};

static const struct pt_field event_control[] = {{"IP", 30, 30, 0}, {"IM", 31, 31, 0}};
static const struct pt_field event_data[] = {{"IMD", 0, 15, 0}, {"EIMD", 16, 31, 0}};
static const struct pt_field event_address[] = {{"MA", 2, 31, ADDRESS}};
static const struct pt_field event_upper[] = {{"MUA", 0, 31, 0}};

static const struct pt_field aflog[] = {{"FLS", 9, 11, 0}, {"FLA", 12, 63, ADDRESS}};

static const struct pt_field pmen[] = {{"PRS", 0, 0, 0}, {"EPM", 31, 31, 0}};
static const struct pt_field plmbase[] = {{"PLMB", 20, 31, ADDRESS}};
static const struct pt_field plmlimit[] = {{"PLML", 20, 31, ADDRESS}};
static const struct pt_field phmbase[] = {{"PHMB", 20, 63, ADDRESS}};
static const struct pt_field phmlimit[] = {{"PHML", 20, 63, ADDRESS}};

static const struct pt_field iqh[] = {{"QH", 4, 18, ADDRESS}};
static const struct pt_field iqt[] = {{"QT", 4, 18, ADDRESS}};
static const struct pt_field iqa[] = {{"QS", 0, 2, 0}, {"DW", 11, 11, 0}, {"IQA", 12, 63, ADDRESS}};
static const struct pt_field ics[] = {{"IWC", 0, 0, 0}};
static const struct pt_field irta[] = {
    {"S", 0, 3, 0}, {"EIME", 11, 11, 0}, {"IRTA", 12, 63, ADDRESS}};

static const struct pt_field pqh[] = {{"PQH", 5, 18, ADDRESS}};
static const struct pt_field pqt[] = {{"PQT", 5, 18, ADDRESS}};
static const struct pt_field pqa[] = {{"PQS", 0, 2, 0}, {"PQA", 12, 63, ADDRESS}};
static const struct pt_field prs[] = {{"PPR", 0, 0, 0}, {"PRO", 1, 1, 0}};

static const struct pt_field mtrrcap[] = {{"VCNT", 0, 7, 0}, {"FIX", 8, 8, 0}, {"WC", 10, 10, 0}};
static const struct pt_field mtrrdef[] = {{"TYPE", 0, 7, 0}, {"FE", 10, 10, 0}, {"E", 11, 11, 0}};
static const struct pt_field fixed_range[] = {
    {"R0", 0, 7, 0},   {"R1", 8, 15, 0},  {"R2", 16, 23, 0}, {"R3", 24, 31, 0},
    {"R4", 32, 39, 0}, {"R5", 40, 47, 0}, {"R6", 48, 55, 0}, {"R7", 56, 63, 0},
};
static const struct pt_field range_base[] = {{"TYPE", 0, 7, 0}, {"PHYSBASE", 12, 63, ADDRESS}};
static const struct pt_field range_mask[] = {{"V", 11, 11, 0}, {"PHYSMASK", 12, 63, ADDRESS}};

static const struct pt_field perfcap[] = {
    {"NCNTR", 0, 15, 0},  {"CW", 16, 22, 0},      {"EGCNT", 24, 28, 0}, {"RIDFS", 32, 32, 0},
    {"DIDFS", 33, 33, 0}, {"PASIDFS", 34, 34, 0}, {"ATFS", 35, 35, 0},  {"PTLFS", 36, 36, 0},
    {"CWE", 48, 48, 0},   {"GFS", 49, 49, 0},     {"IOS", 50, 50, 0},   {"PCCS", 51, 51, 0},
    {"CS", 52, 54, 0},
};
static const struct pt_field perfcfgoff[] = {{"CFGO", 0, 31, 0}};
static const struct pt_field perffrzoff[] = {{"FZO", 0, 31, 0}};
static const struct pt_field perfovfoff[] = {{"OFO", 0, 31, 0}};
static const struct pt_field perfcntroff[] = {{"CNTO", 0, 31, 0}};
static const struct pt_field perfintrsts[] = {{"PIS", 0, 0, 0}};
static const struct pt_field perfevntcap[] = {{"ES", 0, 27, 0}};

static const struct pt_field command[] = {{"CMD", 0, 7, 0}, {"OA", 16, 63, 0}};
static const struct pt_field operand[] = {{"OB", 0, 63, 0}};
static const struct pt_field response[] = {{"IP", 0, 0, 0}, {"SC", 1, 7, 0}, {"RSLT", 16, 63, 0}};
static const struct pt_field eccap3[] = {
    {"ECNTS", 48, 48, 0}, {"DCNTS", 49, 49, 0}, {"RCFGS", 50, 50, 0},
    {"RCNTS", 51, 51, 0}, {"FCNTS", 52, 52, 0}, {"UFCNTS", 53, 53, 0},
};
static const struct pt_field rdtc[] = {{"RMID", 0, 11, 0}, {"CLOS", 32, 36, 0}};
static const struct pt_field vccap[] = {{"NS", 0, 0, 0}, {"PAS", 1, 1, 0}, {"FPS", 2, 2, 0}};

static const struct pt_field frcd[] = {
    {"FI", 12, 63, ADDRESS}, {"SID", 64, 79, 0},  {"T2", 92, 92, 0},  {"PRIV", 93, 93, 0},
    {"EXE", 94, 94, 0},      {"PP", 95, 95, 0},   {"FR", 96, 103, 0}, {"PV", 104, 123, 0},
    {"AT", 124, 125, 0},     {"T1", 126, 126, 0}, {"F", 127, 127, 0},
};

static const struct pt_field iva[] = {{"AM", 0, 5, 0}, {"IH", 6, 6, 0}, {"ADDR", 12, 63, ADDRESS}};
static const struct pt_field iotlb[] = {
    {"DID", 32, 47, 0},  {"DW", 48, 48, 0},   {"DR", 49, 49, 0},
    {"IAIG", 57, 58, 0}, {"IIRG", 60, 61, 0}, {"IVT", 63, 63, 0},
};

static const struct pt_field iqercd[] = {
    {"IQEI", 0, 3, 0}, {"ITESID", 32, 47, 0}, {"ICESID", 48, 63, 0}};

static const struct iommu_register fixed[] = {
    REG("VER", 4, ver, 0x000, CAPABILITY),
    REG("CAP", 8, cap, 0x008, CAPABILITY),
    REG("ECAP", 8, ecap, 0x010, CAPABILITY),
    REG("GCMD", 4, gcmd, 0x018, WRITE_ONLY),
    REG("GSTS", 4, gsts, 0x01C, STATE),
    REG("RTADDR", 8, rtaddr, 0x020, STATE),
    REG("CCMD", 8, ccmd, 0x028, STATE),
    REG("FSTS", 4, fsts, 0x034, STATE),
    REG("FECTL", 4, event_control, 0x038, STATE),
    REG("FEDATA", 4, event_data, 0x03C, STATE),
    REG("FEADDR", 4, event_address, 0x040, STATE),
    REG("FEUADDR", 4, event_upper, 0x044, STATE),
};

static const struct iommu_register advanced_log[] = {
    REG("AFLOG", 8, aflog, 0x058, STATE),
};

static const struct iommu_register protected_memory[] = {
    REG("PMEN", 4, pmen, 0x064, STATE),
};

static const struct iommu_register protected_low[] = {
    REG("PLMBASE", 4, plmbase, 0x068, STATE),
    REG("PLMLIMIT", 4, plmlimit, 0x06C, STATE),
};

static const struct iommu_register protected_high[] = {
    REG("PHMBASE", 8, phmbase, 0x070, STATE),
    REG("PHMLIMIT", 8, phmlimit, 0x078, STATE),
};

static const struct iommu_register queue[] = {
    REG("IQH", 8, iqh, 0x080, STATE),
    REG("IQT", 8, iqt, 0x088, STATE),
    REG("IQA", 8, iqa, 0x090, STATE),
    REG("ICS", 4, ics, 0x09C, STATE),
    REG("IECTL", 4, event_control, 0x0A0, STATE),
    REG("IEDATA", 4, event_data, 0x0A4, STATE),
    REG("IEADDR", 4, event_address, 0x0A8, STATE),
    REG("IEUADDR", 4, event_upper, 0x0AC, STATE),
    REG("IQERCD", 8, iqercd, 0x0B0, STATE),
};

static const struct iommu_register interrupts[] = {
    REG("IRTA", 8, irta, 0x0B8, STATE),
};

static const struct iommu_register page_requests[] = {
    REG("PQH", 8, pqh, 0x0C0, STATE),
    REG("PQT", 8, pqt, 0x0C8, STATE),
    REG("PQA", 8, pqa, 0x0D0, STATE),
    REG("PRS", 4, prs, 0x0DC, STATE),
    REG("PECTL", 4, event_control, 0x0E0, STATE),
    REG("PEDATA", 4, event_data, 0x0E4, STATE),
    REG("PEADDR", 4, event_address, 0x0E8, STATE),
    REG("PEUADDR", 4, event_upper, 0x0EC, STATE),
};

static const struct iommu_register memory_types[] = {
    REG("MTRRCAP", 8, mtrrcap, 0x100, CAPABILITY),
    REG("MTRRDEF", 8, mtrrdef, 0x108, STATE),
};

static const struct iommu_register fixed_ranges[] = {
    REG("MTRR_FIX64K_00000", 8, fixed_range, 0x120, STATE),
    REG("MTRR_FIX16K_80000", 8, fixed_range, 0x128, STATE),
    REG("MTRR_FIX16K_A0000", 8, fixed_range, 0x130, STATE),
    REG("MTRR_FIX4K_C0000", 8, fixed_range, 0x138, STATE),
    REG("MTRR_FIX4K_C8000", 8, fixed_range, 0x140, STATE),
    REG("MTRR_FIX4K_D0000", 8, fixed_range, 0x148, STATE),
    REG("MTRR_FIX4K_D8000", 8, fixed_range, 0x150, STATE),
    REG("MTRR_FIX4K_E0000", 8, fixed_range, 0x158, STATE),
    REG("MTRR_FIX4K_E8000", 8, fixed_range, 0x160, STATE),
    REG("MTRR_FIX4K_F0000", 8, fixed_range, 0x168, STATE),
    REG("MTRR_FIX4K_F8000", 8, fixed_range, 0x170, STATE),
};

static const struct iommu_register variable_range[] = {
    REG("MTRR_PHYSBASE", 8, range_base, 0x180, STATE),
    REG("MTRR_PHYSMASK", 8, range_mask, 0x188, STATE),
};

static const struct iommu_register counting[] = {
    REG("PERFCAP", 8, perfcap, 0x300, CAPABILITY),
    REG("PERFCFGOFF", 4, perfcfgoff, 0x310, CAPABILITY),
    REG("PERFFRZOFF", 4, perffrzoff, 0x314, CAPABILITY),
    REG("PERFOVFOFF", 4, perfovfoff, 0x318, CAPABILITY),
    REG("PERFCNTROFF", 4, perfcntroff, 0x31C, CAPABILITY),
    REG("PERFINTRSTS", 4, perfintrsts, 0x324, STATE),
    REG("PERFINTRCTL", 4, event_control, 0x328, STATE),
    REG("PERFINTRDATA", 4, event_data, 0x32C, STATE),
    REG("PERFINTRADDR", 4, event_address, 0x330, STATE),
    REG("PERFINTRUADDR", 4, event_upper, 0x334, STATE),
};

static const struct iommu_register event_group[] = {
    REG("PERFEVNTCAP", 8, perfevntcap, 0x380, CAPABILITY),
};

/* Status registers and capability registers 0 to 2 have no field. */
static const struct iommu_register enhanced_commands[] = {
    REG("ECMD", 8, command, 0x400, WRITE_ONLY),
    REG("ECEO", 8, operand, 0x408, WRITE_ONLY),
    REG("ECRSP", 8, response, 0x410, STATE),
    REG("ECCAP_3", 8, eccap3, 0x448, CAPABILITY),
};

static const struct iommu_register resources[] = {
    REG("RDTC", 8, rdtc, 0xDC0, STATE),
};

static const struct iommu_register virtual_commands[] = {
    REG("VCMD", 8, command, 0xE00, STATE),
    REG("VCMD_EO", 8, operand, 0xE08, STATE),
    REG("VCRSP", 8, response, 0xE10, STATE),
    REG("VCCAP", 8, vccap, 0xE30, CAPABILITY),
};

/* From ECAP.IRO and CAP.FRO on. */
static const struct iommu_register iotlb_registers[] = {
    REG("IVA", 8, iva, 0, WRITE_ONLY),
    REG("IOTLB", 8, iotlb, 8, STATE),
};

static const struct iommu_register fault_record[] = {
    REG("FRCD", 16, frcd, 0, STATE),
};

#define VISIT(table, base)                                                                         \
    iommu_visit_registers(visitor, &vtd->mmio, base, table, sizeof(table) / sizeof *(table))

static void visit_protected(const struct vtd_unit *vtd,
                            const struct iommu_register_visitor *visitor)
{
    bool low = FIELD_GET(vtd->cap, CAP_PLMR), high = FIELD_GET(vtd->cap, CAP_PHMR);

    if (low || high)
        VISIT(protected_memory, 0);
    if (low)
        VISIT(protected_low, 0);
    if (high)
        VISIT(protected_high, 0);
}

static void visit_memory_types(const struct vtd_unit *vtd,
                               const struct iommu_register_visitor *visitor)
{
    uint64_t capability = mmio_read64(&vtd->mmio, VTD_MTRRCAP);

    VISIT(memory_types, 0);
    if (FIELD_GET(capability, MTRRCAP_FIX))
        VISIT(fixed_ranges, 0);
    for (uint32_t n = 0; n < FIELD_GET(capability, MTRRCAP_VCNT) && n < MTRR_PAIRS_MAX; n++)
        VISIT(variable_range, n * 16);
}

static void visit_counting(const struct vtd_unit *vtd, const struct iommu_register_visitor *visitor)
{
    uint64_t capability = mmio_read64(&vtd->mmio, VTD_PERFCAP);

    VISIT(counting, 0);
    for (uint32_t n = 0; n < FIELD_GET(capability, PERFCAP_EGCNT) && n < EVENT_GROUPS_MAX; n++)
        VISIT(event_group, n * 8);
}

/* What came after the first version of the architecture, at fixed places. */
static void visit_extended(const struct vtd_unit *vtd, const struct iommu_register_visitor *visitor)
{
    if (FIELD_GET(vtd->ecap, ECAP_QI))
        VISIT(queue, 0);
    if (FIELD_GET(vtd->ecap, ECAP_IR))
        VISIT(interrupts, 0);
    if (FIELD_GET(vtd->ecap, ECAP_PRS))
        VISIT(page_requests, 0);
    if (FIELD_GET(vtd->ecap, ECAP_MTS))
        visit_memory_types(vtd, visitor);
    if (FIELD_GET(vtd->ecap, ECAP_PMS))
        visit_counting(vtd, visitor);
    if (FIELD_GET(vtd->cap, CAP_ECMDS))
        VISIT(enhanced_commands, 0);
    if (FIELD_GET(vtd->ecap, ECAP_RDTS))
        VISIT(resources, 0);
    if (FIELD_GET(vtd->ecap, ECAP_VCS))
        VISIT(virtual_commands, 0);
}

void vtd_registers(const struct iommu_unit *unit, const struct iommu_register_visitor *visitor)
{
    const struct vtd_unit *vtd = unit->vendor_state;

    VISIT(fixed, 0);
    if (FIELD_GET(vtd->cap, CAP_AFL))
        VISIT(advanced_log, 0);
    visit_protected(vtd, visitor);
    visit_extended(vtd, visitor);
    VISIT(iotlb_registers, (uint32_t)FIELD_GET(vtd->ecap, ECAP_IRO) * 16);
    for (uint32_t n = 0; n <= FIELD_GET(vtd->cap, CAP_NFR); n++)
        VISIT(fault_record, ((uint32_t)FIELD_GET(vtd->cap, CAP_FRO) + n) * 16);
}
