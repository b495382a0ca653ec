/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "drivers/iommu/core/describe.h"

/* AMD I/O Virtualization Technology (IOMMU) Specification, "IOMMU Capability Block" and "IOMMU MMIO
 * Registers": every field by its name there. */
#define ADDRESS PT_FIELD_ADDRESS
#define REG     IOMMU_REGISTER

/* Fields that only say which registers exist. */
#define EFR_PPRSUP_SHIFT          1
#define EFR_PPRSUP_WIDTH          1
#define EFR_XTSUP_SHIFT           2
#define EFR_XTSUP_WIDTH           1
#define EFR_GASUP_SHIFT           7
#define EFR_GASUP_WIDTH           1
#define EFR_DUALPPRLOGSUP_SHIFT   24
#define EFR_DUALPPRLOGSUP_WIDTH   2
#define EFR_DUALEVENTLOGSUP_SHIFT 28
#define EFR_DUALEVENTLOGSUP_WIDTH 2
#define EFR_DEVTBLSEGSUP_SHIFT    38
#define EFR_DEVTBLSEGSUP_WIDTH    2
#define EFR_PPRAUTORSPSUP_SHIFT   41
#define EFR_PPRAUTORSPSUP_WIDTH   1
#define EFR_PERFOPTSUP_SHIFT      45
#define EFR_PERFOPTSUP_WIDTH      1

static const struct pt_field header[] = {
    {"CapId", 0, 7, 0},     {"CapPtr", 8, 15, 0},    {"CapType", 16, 18, 0},
    {"CapRev", 19, 23, 0},  {"IotlbSup", 24, 24, 0}, {"HtTunnel", 25, 25, 0},
    {"NpCache", 26, 26, 0}, {"EFRSup", 27, 27, 0},   {"CapExt", 28, 28, 0},
};

static const struct pt_field base_low[] = {{"Enable", 0, 0, 0}, {"BaseAddress", 14, 31, ADDRESS}};
static const struct pt_field base_high[] = {{"BaseAddress", 0, 31, 0}};

static const struct pt_field range[] = {
    {"UnitID", 0, 4, 0},        {"RngValid", 7, 7, 0},     {"BusNumber", 8, 15, 0},
    {"FirstDevice", 16, 23, 0}, {"LastDevice", 24, 31, 0},
};

static const struct pt_field misc0[] = {
    {"MsiNum", 0, 4, 0},   {"GvaSize", 5, 7, 0},     {"PaSize", 8, 14, 0},
    {"VaSize", 15, 21, 0}, {"HtAtsResv", 22, 22, 0}, {"MsiNumPPR", 27, 31, 0},
};

static const struct pt_field misc1[] = {{"MsiNumGA", 0, 4, 0}};

static const struct pt_field device_table[] = {{"Size", 0, 8, 0}, {"DevTabBase", 12, 51, ADDRESS}};
static const struct pt_field command_base[] = {{"ComBase", 12, 51, ADDRESS}, {"ComLen", 56, 59, 0}};
static const struct pt_field event_base[] = {{"EventBase", 12, 51, ADDRESS},
                                             {"EventLen", 56, 59, 0}};

static const struct pt_field ppr_base[] = {{"PPRLogBase", 12, 51, ADDRESS},
                                           {"PPRLogLen", 56, 59, 0}};
static const struct pt_field ga_base[] = {{"GALogBase", 12, 51, ADDRESS}, {"GALogLen", 56, 59, 0}};
static const struct pt_field ga_tail_address[] = {{"GATAddr", 3, 51, ADDRESS}};
static const struct pt_field segment_base[] = {{"Size", 0, 7, 0}, {"DevTabBase", 12, 51, ADDRESS}};
static const struct pt_field perf_opt[] = {{"PerfOptEn", 13, 13, 0}};
static const struct pt_field xt_interrupt[] = {
    {"DestMode", 2, 2, 0},       {"Dest[23:0]", 8, 31, 0},   {"Vector", 32, 39, 0},
    {"DeliveryMode", 40, 40, 0}, {"Dest[31:24]", 56, 63, 0},
};

static const struct pt_field control[] = {
    {"IommuEn", 0, 0, 0},
    {"HtTunEn", 1, 1, 0},
    {"EventLogEn", 2, 2, 0},
    {"EventIntEn", 3, 3, 0},
    {"ComWaitIntEn", 4, 4, 0},
    {"InvTimeOut", 5, 7, 0},
    {"PassPW", 8, 8, 0},
    {"ResPassPW", 9, 9, 0},
    {"Coherent", 10, 10, 0},
    {"Isoc", 11, 11, 0},
    {"CmdBufEn", 12, 12, 0},
    {"PprLogEn", 13, 13, 0},
    {"PprIntEn", 14, 14, 0},
    {"PPREn", 15, 15, 0},
    {"GTEn", 16, 16, 0},
    {"GAEn", 17, 17, 0},
    {"CRW", 18, 21, 0},
    {"SmiFEn", 22, 22, 0},
    {"SlfWBdis", 23, 23, 0},
    {"SmiFLogEn", 24, 24, 0},
    {"GAMEn", 25, 27, 0},
    {"GALogEn", 28, 28, 0},
    {"GAIntEn", 29, 29, 0},
    {"DualPprLogEn", 30, 31, 0},
    {"DualEventLogEn", 32, 33, 0},
    {"DevTblSegEn", 34, 36, 0},
    {"PrivAbrtEn", 37, 38, 0},
    {"PprAutoRspEn", 39, 39, 0},
    {"MarcEn", 40, 40, 0},
    {"BlkStopMrkEn", 41, 41, 0},
    {"PprAutoRspAon", 42, 42, 0},
    {"NumIntRemapMode", 43, 44, 0},
    {"EPHEn", 45, 45, 0},
    {"HADUpdate", 46, 47, 0},
    {"GDUpdateDis", 48, 48, 0},
    {"XTEn", 50, 50, 0},
    {"IntCapXTEn", 51, 51, 0},
    {"vCmdEn", 52, 52, 0},
    {"vIommuEn", 53, 53, 0},
    {"GAUpdateDis", 54, 54, 0},
    {"GAPPIEn", 55, 55, 0},
    {"TMPMEn", 56, 56, 0},
    {"GCR3TRPMode", 58, 58, 0},
    {"IRTCacheDis", 59, 59, 0},
    {"GstBufferTRPMode", 60, 60, 0},
    {"SNPAVICEn", 61, 63, 0},
};

static const struct pt_field exclusion_base[] = {
    {"ExEn", 0, 0, 0}, {"Allow", 1, 1, 0}, {"ExclBase", 12, 51, ADDRESS}};
static const struct pt_field exclusion_limit[] = {{"ExclLimit", 12, 51, ADDRESS}};

static const struct pt_field efr[] = {
    {"PreFSup", 0, 0, 0},
    {"PPRSup", 1, 1, 0},
    {"XTSup", 2, 2, 0},
    {"NXSup", 3, 3, 0},
    {"GTSup", 4, 4, 0},
    {"GAPPISup", 5, 5, 0},
    {"IASup", 6, 6, 0},
    {"GASup", 7, 7, 0},
    {"HESup", 8, 8, 0},
    {"PCSup", 9, 9, 0},
    {"HATS", 10, 11, 0},
    {"GATS", 12, 13, 0},
    {"GLXSup", 14, 15, 0},
    {"SmiFSup", 16, 17, 0},
    {"SmiFRC", 18, 20, 0},
    {"GAMSup", 21, 23, 0},
    {"DualPprLogSup", 24, 25, 0},
    {"DualEventLogSup", 28, 29, 0},
    {"SATSSup", 31, 31, 0},
    {"PASmax", 32, 36, 0},
    {"USSup", 37, 37, 0},
    {"DevTblSegSup", 38, 39, 0},
    {"PprOvrflwEarly", 40, 40, 0},
    {"PPRAutoRspSup", 41, 41, 0},
    {"MarcSup", 42, 43, 0},
    {"BlkStopMrkSup", 44, 44, 0},
    {"PerfOptSup", 45, 45, 0},
    {"MsiCapMmioSup", 46, 46, 0},
    {"GIoSup", 48, 48, 0},
    {"HASup", 49, 49, 0},
    {"EPHSup", 50, 50, 0},
    {"AttrFWSup", 51, 51, 0},
    {"HDSup", 52, 52, 0},
    {"InvIotlbTypeSup", 54, 54, 0},
    {"vIommuSup", 55, 55, 0},
    {"VmGuardIoSup", 56, 56, 0},
    {"VmTableSize", 57, 60, 0},
    {"GAUpdateDisSup", 61, 61, 0},
    {"ForcePhysDest", 62, 62, 0},
    {"SNPSup", 63, 63, 0},
};

static const struct pt_field efr2[] = {
    {"TMPMSup", 2, 2, 0},    {"GCR3TRPModeSup", 3, 3, 0}, {"GAPPIDisSup", 4, 4, 0},
    {"SNPAVICSup", 5, 7, 0}, {"NumIntRemapSup", 8, 9, 0}, {"HTRangeIgnore", 11, 11, 0},
};

static const struct pt_field command_head[] = {{"CmdHeadPtr", 4, 18, ADDRESS}};
static const struct pt_field command_tail[] = {{"CmdTailPtr", 4, 18, ADDRESS}};
static const struct pt_field event_head[] = {{"EventHeadPtr", 4, 18, ADDRESS}};
static const struct pt_field event_tail[] = {{"EventTailPtr", 4, 18, ADDRESS}};

static const struct pt_field ppr_head[] = {{"PPRHeadPtr", 4, 18, ADDRESS}};
static const struct pt_field ppr_tail[] = {{"PPRTailPtr", 4, 18, ADDRESS}};
static const struct pt_field ga_head[] = {{"GALogHead", 3, 15, ADDRESS}};
static const struct pt_field ga_tail[] = {{"GALogTail", 3, 15, ADDRESS}};
static const struct pt_field ppr_response[] = {{"PprAutoRspCode", 0, 3, 0},
                                               {"PprAutoRspMaskGn", 4, 4, 0}};

static const struct pt_field status[] = {
    {"EventOverflow", 0, 0, 0},    {"EventLogInt", 1, 1, 0},
    {"ComWaitInt", 2, 2, 0},       {"EventLogRun", 3, 3, 0},
    {"CmdBufRun", 4, 4, 0},        {"PprOverflow", 5, 5, 0},
    {"PprInt", 6, 6, 0},           {"PprLogRun", 7, 7, 0},
    {"GALogRun", 8, 8, 0},         {"GALOverflow", 9, 9, 0},
    {"GAInt", 10, 10, 0},          {"PprOvrflwB", 11, 11, 0},
    {"PprLogActive", 12, 12, 0},   {"EventOvrflwB", 15, 15, 0},
    {"EventLogActive", 16, 16, 0}, {"PprOvrflwEarlyB", 17, 17, 0},
    {"PprOvrflwEarly", 18, 18, 0},
};

/* In the configuration space of the unit's function, from the capability on. */
static const struct iommu_register capability[] = {
    REG("Capability Header", 4, header, 0x00, CAPABILITY),
    REG("Base Address Low", 4, base_low, 0x04, CAPABILITY),
    REG("Base Address High", 4, base_high, 0x08, CAPABILITY),
    REG("Range", 4, range, 0x0C, CAPABILITY),
};

static const struct iommu_register capability_more[] = {
    REG("Miscellaneous 0", 4, misc0, 0x10, CAPABILITY),
};

static const struct iommu_register capability_ga[] = {
    REG("Miscellaneous 1", 4, misc1, 0x14, CAPABILITY),
};

static const struct iommu_register features[] = {
    REG("Extended Feature", 8, efr, 0x0030, CAPABILITY),
    REG("Extended Feature 2", 8, efr2, 0x01A0, CAPABILITY),
};

static const struct iommu_register fixed[] = {
    REG("Device Table Base", 8, device_table, 0x0000, STATE),
    REG("Command Buffer Base", 8, command_base, 0x0008, STATE),
    REG("Event Log Base", 8, event_base, 0x0010, STATE),
    REG("Control", 8, control, 0x0018, STATE),
    REG("Exclusion Base", 8, exclusion_base, 0x0020, STATE),
    REG("Exclusion Limit", 8, exclusion_limit, 0x0028, STATE),
    REG("Command Buffer Head", 8, command_head, 0x2000, STATE),
    REG("Command Buffer Tail", 8, command_tail, 0x2008, STATE),
    REG("Event Log Head", 8, event_head, 0x2010, STATE),
    REG("Event Log Tail", 8, event_tail, 0x2018, STATE),
    REG("Status", 8, status, 0x2020, STATE),
};

static const struct iommu_register page_requests[] = {
    REG("PPR Log Base", 8, ppr_base, 0x0038, STATE),
    REG("PPR Log Head", 8, ppr_head, 0x2030, STATE),
    REG("PPR Log Tail", 8, ppr_tail, 0x2038, STATE),
};

static const struct iommu_register page_requests_b[] = {
    REG("PPR Log B Base", 8, ppr_base, 0x00F0, STATE),
    REG("PPR Log B Head", 8, ppr_head, 0x2050, STATE),
    REG("PPR Log B Tail", 8, ppr_tail, 0x2058, STATE),
};

static const struct iommu_register auto_response[] = {
    REG("PPR Log Auto Response", 8, ppr_response, 0x2080, STATE),
};

static const struct iommu_register events_b[] = {
    REG("Event Log B Base", 8, event_base, 0x00F8, STATE),
    REG("Event Log B Head", 8, event_head, 0x2070, STATE),
    REG("Event Log B Tail", 8, event_tail, 0x2078, STATE),
};

static const struct iommu_register guest_apic[] = {
    REG("GA Log Base", 8, ga_base, 0x00E0, STATE),
    REG("GA Log Tail Address", 8, ga_tail_address, 0x00E8, STATE),
    REG("GA Log Head", 8, ga_head, 0x2040, STATE),
    REG("GA Log Tail", 8, ga_tail, 0x2048, STATE),
};

/* Segment 1, and the others behind it. */
static const struct iommu_register segment[] = {
    REG("Device Table Segment Base", 8, segment_base, 0x0100, STATE),
};

static const struct iommu_register performance[] = {
    REG("Performance Optimization Control", 4, perf_opt, 0x016C, STATE),
};

static const struct iommu_register xt_interrupts[] = {
    REG("XT General Interrupt Control", 8, xt_interrupt, 0x0170, STATE),
    REG("XT PPR Interrupt Control", 8, xt_interrupt, 0x0178, STATE),
    REG("XT GA Log Interrupt Control", 8, xt_interrupt, 0x0180, STATE),
};

#define VISIT_AT(table, base)                                                                      \
    iommu_visit_registers(visitor, &amdvi->mmio, base, table, sizeof(table) / sizeof *(table))
#define VISIT(table) VISIT_AT(table, 0)

static void visit_capability(const struct amdvi_unit *amdvi, const struct iommu_register *registers,
                             unsigned count, const struct iommu_register_visitor *visitor)
{
    uint32_t base = amdvi->ivrs->ivhds[amdvi->ivhd].capability;

    for (unsigned i = 0; i < count; i++) {
        uint64_t word = amdvi_capability(amdvi, registers[i].offset);

        visitor->visit(visitor->context, &registers[i], base + registers[i].offset, &word);
    }
}

static void visit_block(const struct amdvi_unit *amdvi,
                        const struct iommu_register_visitor *visitor)
{
    bool more = FIELD_GET(amdvi->capability, CAPABILITY_CAPEXT);

    visit_capability(amdvi, capability, sizeof capability / sizeof *capability, visitor);
    if (more)
        visit_capability(amdvi, capability_more, 1, visitor);
    if (more && FIELD_GET(amdvi->efr, EFR_GASUP))
        visit_capability(amdvi, capability_ga, 1, visitor);
}

static void visit_logs(const struct amdvi_unit *amdvi, const struct iommu_register_visitor *visitor)
{
    if (FIELD_GET(amdvi->efr, EFR_PPRSUP))
        VISIT(page_requests);
    if (FIELD_GET(amdvi->efr, EFR_DUALPPRLOGSUP))
        VISIT(page_requests_b);
    if (FIELD_GET(amdvi->efr, EFR_PPRAUTORSPSUP))
        VISIT(auto_response);
    if (FIELD_GET(amdvi->efr, EFR_DUALEVENTLOGSUP))
        VISIT(events_b);
    if (FIELD_GET(amdvi->efr, EFR_GASUP))
        VISIT(guest_apic);
}

void amdvi_registers(const struct iommu_unit *unit, const struct iommu_register_visitor *visitor)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;

    if (amdvi->function)
        visit_block(amdvi, visitor);
    if (!amdvi->function || FIELD_GET(amdvi->capability, CAPABILITY_EFRSUP))
        VISIT(features);
    VISIT(fixed);
    visit_logs(amdvi, visitor);
    for (uint32_t n = 1; n < UINT32_C(1) << FIELD_GET(amdvi->efr, EFR_DEVTBLSEGSUP); n++)
        VISIT_AT(segment, (n - 1) * 8);
    if (FIELD_GET(amdvi->efr, EFR_PERFOPTSUP))
        VISIT(performance);
    if (FIELD_GET(amdvi->efr, EFR_XTSUP))
        VISIT(xt_interrupts);
}
