/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Offsets, fields and codes as the specifications have them: a wrong one may not show in a model
 * that has nothing beside it. */
#include "drivers/iommu/amdvi/entries.h"
#include "drivers/iommu/amdvi/ivrs.h"
#include "drivers/iommu/vtd/dmar.h"
#include "drivers/iommu/vtd/entries.h"
#include "drivers/iommu/vtd/regs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct number {
    const char *name;
    uint64_t ours, theirs;
};

#define NUMBER(name, theirs)                                                                       \
    {                                                                                              \
#name, (uint64_t)(name), (theirs)                                                          \
    }
#define REG(name, theirs)                                                                          \
    {                                                                                              \
#name, (name).offset, (theirs)                                                             \
    }
/* Bits high to low. */
#define BITS(high, low) (UINT64_MAX >> (63 - ((high) - (low))) << (low))
#define FIELD(name, high, low)                                                                     \
    NUMBER(BITS(name##_SHIFT + name##_WIDTH - 1, name##_SHIFT), BITS(high, low))

static void compare(const struct number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i].ours != numbers[i].theirs)
            fail_msg("%s is 0x%llx, not 0x%llx", numbers[i].name,
                     (unsigned long long)numbers[i].ours, (unsigned long long)numbers[i].theirs);
}

#define COMPARE(numbers) compare(numbers, sizeof(numbers) / sizeof *(numbers))

/* Intel Virtualization Technology for Directed I/O, "Register Descriptions". */
static void registers_of_vtd(void **state)
{
    const struct number numbers[] = {
        REG(VTD_VER, 0x00),
        REG(VTD_CAP, 0x08),
        REG(VTD_ECAP, 0x10),
        REG(VTD_GCMD, 0x18),
        REG(VTD_GSTS, 0x1C),
        REG(VTD_RTADDR, 0x20),
        REG(VTD_FSTS, 0x34),
        REG(VTD_FECTL, 0x38),
        REG(VTD_FEDATA, 0x3C),
        REG(VTD_FEADDR, 0x40),
        REG(VTD_FEUADDR, 0x44),
        REG(VTD_PMEN, 0x64),
        REG(VTD_PLMBASE, 0x68),
        REG(VTD_PLMLIMIT, 0x6C),
        REG(VTD_PHMBASE, 0x70),
        REG(VTD_PHMLIMIT, 0x78),
        REG(VTD_IQH, 0x80),
        REG(VTD_IQT, 0x88),
        REG(VTD_IQA, 0x90),
        NUMBER(VTD_REGISTERS_END, 0xC0),
        FIELD(CAP_ND, 2, 0),
        FIELD(CAP_RWBF, 4, 4),
        FIELD(CAP_PLMR, 5, 5),
        FIELD(CAP_PHMR, 6, 6),
        FIELD(CAP_CM, 7, 7),
        FIELD(CAP_SAGAW, 12, 8),
        FIELD(CAP_MGAW, 21, 16),
        FIELD(CAP_FRO, 33, 24),
        FIELD(CAP_SLLPS, 37, 34),
        FIELD(CAP_PSI, 39, 39),
        FIELD(CAP_NFR, 47, 40),
        FIELD(CAP_MAMV, 53, 48),
        FIELD(CAP_DWD, 54, 54),
        FIELD(CAP_DRD, 55, 55),
        FIELD(ECAP_C, 0, 0),
        FIELD(ECAP_QI, 1, 1),
        FIELD(ECAP_DT, 2, 2),
        FIELD(ECAP_IR, 3, 3),
        FIELD(ECAP_PT, 6, 6),
        FIELD(ECAP_SC, 7, 7),
        FIELD(ECAP_IRO, 17, 8),
        NUMBER(GCMD_TE, BITS(31, 31)),
        NUMBER(GCMD_SRTP, BITS(30, 30)),
        NUMBER(GCMD_EAFL, BITS(28, 28)),
        NUMBER(GCMD_WBF, BITS(27, 27)),
        NUMBER(GCMD_QIE, BITS(26, 26)),
        NUMBER(GCMD_IRE, BITS(25, 25)),
        NUMBER(GSTS_HELD, BITS(31, 31) | BITS(28, 28) | BITS(26, 25) | BITS(23, 23)),
        NUMBER(RTADDR_TTM, BITS(11, 10)),
        NUMBER(FSTS_PFO, BITS(0, 0)),
        NUMBER(FSTS_PPF, BITS(1, 1)),
        NUMBER(FSTS_QUEUE_ERRORS, BITS(6, 4)),
        NUMBER(FECTL_IM, BITS(31, 31)),
        NUMBER(PMEN_EPM, BITS(31, 31)),
        NUMBER(PMEN_PRS, BITS(0, 0)),
        NUMBER(PMR_BELOW, BITS(19, 0)),
        REG(VTD_FRCD_LOW(0x200, 3), 0x230),
        REG(VTD_FRCD_HIGH(0x200, 3), 0x238),
        REG(VTD_FRCD_TOP(0x200, 3), 0x23C),
        NUMBER(FRCD_TOP_F, BITS(31, 31)),
        FIELD(FRCD_F, 63, 63),
        FIELD(FRCD_T1, 62, 62),
        FIELD(FRCD_FR, 39, 32),
        FIELD(FRCD_SID, 15, 0),
        NUMBER(FRCD_FI, BITS(63, 12)),
    };

    (void)state;
    COMPARE(numbers);
}

/* "Root Entry", "Context Entry", "Invalidation Descriptors". */
static void entries_of_vtd(void **state)
{
    const struct number numbers[] = {
        NUMBER(ENTRY_P, 1),
        NUMBER(ENTRY_ADDRESS, BITS(63, 12)),
        NUMBER(CONTEXT_TT_PASS, BITS(3, 3)),
        NUMBER(DESCRIPTOR_CONTEXT, 1),
        NUMBER(DESCRIPTOR_IOTLB, 2),
        NUMBER(DESCRIPTOR_WAIT, 5),
        NUMBER(VTD_GLOBAL, 1),
        NUMBER(VTD_DOMAIN, 2),
        NUMBER(VTD_SELECTIVE, 3),
        NUMBER(IOTLB_DW, BITS(6, 6)),
        NUMBER(IOTLB_DR, BITS(7, 7)),
        NUMBER(IOTLB_IH, BITS(6, 6)),
        NUMBER(WAIT_SW, BITS(5, 5)),
    };

    (void)state;
    COMPARE(numbers);
    assert_true(vtd_context_high(0xABCD, 3) == 0xABCD01 && vtd_context_high(1, 5) == 0x103);
}

/* "DMA Remapping Reporting Structure". */
static void records_of_dmar(void **state)
{
    const struct number numbers[] = {
        NUMBER(DMAR_DRHD, 0),
        NUMBER(DMAR_RMRR, 1),
        NUMBER(DMAR_ATSR, 2),
        NUMBER(DMAR_RHSA, 3),
        NUMBER(DMAR_ANDD, 4),
        NUMBER(DMAR_SATC, 5),
        NUMBER(DMAR_SIDP, 6),
        NUMBER(DMAR_TYPES, 7),
        NUMBER(DMAR_INTR_REMAP, 1),
        NUMBER(DMAR_X2APIC_OPT_OUT, 2),
        NUMBER(DMAR_CTRL_PLATFORM_OPT_IN_FLAG, 4),
        NUMBER(DMAR_INCLUDE_PCI_ALL, 1),
        NUMBER(DMAR_ALL_PORTS, 1),
        NUMBER(DMAR_ATC_REQUIRED, 1),
        NUMBER(DMAR_SCOPE_ENDPOINT, 1),
        NUMBER(DMAR_SCOPE_BRIDGE, 2),
        NUMBER(DMAR_SCOPE_IOAPIC, 3),
        NUMBER(DMAR_SCOPE_HPET, 4),
        NUMBER(DMAR_SCOPE_NAMESPACE, 5),
    };

    (void)state;
    COMPARE(numbers);
}

/* AMD I/O Virtualization Technology (IOMMU) Specification, "Device Table Entry Format", "Commands",
 * "Event Log Entry". */
static void entries_of_amdvi(void **state)
{
    const struct number numbers[] = {
        NUMBER(DTE_V, 1),
        NUMBER(DTE_TV, 2),
        NUMBER(DTE_MODE_SHIFT, 9),
        NUMBER(DTE_IR, BITS(61, 61)),
        NUMBER(DTE_IW, BITS(62, 62)),
        NUMBER(DTE_SYS_MGT_SHIFT, 104 - 64),
        NUMBER(DTE_IV, 1),
        NUMBER(DTE_PASS_SHIFT, 184 - 128),
        NUMBER(DTE_LINT_SHIFT, 190 - 128),
        NUMBER(SETTING_PASS(0xFF), 7),
        NUMBER(SETTING_SYS_MGT(0x30), 3),
        NUMBER(SETTING_SYS_MGT(0xCF), 0),
        NUMBER(SETTING_LINT(0xC0), 3),
        NUMBER(SETTING_LINT(0x3F), 0),
        NUMBER(COMMAND_COMPLETION_WAIT, UINT64_C(1) << 60),
        NUMBER(COMMAND_DEVTAB_ENTRY, UINT64_C(2) << 60),
        NUMBER(COMMAND_IOMMU_PAGES, UINT64_C(3) << 60),
        NUMBER(COMMAND_IOMMU_ALL, UINT64_C(8) << 60),
        NUMBER(WAIT_S, 1),
        NUMBER(PAGES_DOMAIN_SHIFT, 32),
        NUMBER(PAGES_S, 1),
        NUMBER(PAGES_PDE, 2),
        NUMBER(PAGES_EVERYTHING, BITS(62, 12)),
        FIELD(EVENT_CODE, 63, 60),
        FIELD(EVENT_DEVICE, 15, 0),
        NUMBER(EVENT_PR, BITS(52, 52)),
        NUMBER(EVENT_RW, BITS(53, 53)),
        NUMBER(EVENT_PE, BITS(54, 54)),
        NUMBER(EVENT_RZ, BITS(55, 55)),
        NUMBER(EVENT_ILLEGAL_DEV_TABLE_ENTRY, 1),
        NUMBER(EVENT_IO_PAGE_FAULT, 2),
        NUMBER(EVENT_DEV_TAB_HARDWARE_ERROR, 3),
        NUMBER(EVENT_PAGE_TAB_HARDWARE_ERROR, 4),
        NUMBER(EVENT_ILLEGAL_COMMAND_ERROR, 5),
        NUMBER(EVENT_COMMAND_HARDWARE_ERROR, 6),
        NUMBER(EVENT_IOTLB_INV_TIMEOUT, 7),
        NUMBER(EVENT_INVALID_DEVICE_REQUEST, 8),
        NUMBER(EVENT_INVALID_PPR_REQUEST, 9),
        NUMBER(EVENT_COUNTER_ZERO, 10),
        NUMBER(EVENT_GUEST_EVENT_FAULT, 11),
        NUMBER(EVENT_VIOMMU_HARDWARE_ERROR, 12),
        NUMBER(EVENT_RMP_PAGE_FAULT, 13),
        NUMBER(EVENT_RMP_HARDWARE_ERROR, 14),
        NUMBER(EVENT_CODES, 16),
    };

    (void)state;
    COMPARE(numbers);
}

/* "I/O Virtualization ACPI Table". */
static void blocks_of_ivrs(void **state)
{
    const struct number numbers[] = {
        NUMBER(IVRS_IVHD_10, 0x10),
        NUMBER(IVRS_IVHD_11, 0x11),
        NUMBER(IVRS_IVHD_40, 0x40),
        NUMBER(IVRS_IVMD_ALL, 0x20),
        NUMBER(IVRS_IVMD_SELECT, 0x21),
        NUMBER(IVRS_IVMD_RANGE, 0x22),
        NUMBER(IVRS_EFR_SUP, 1),
        NUMBER(IVRS_DMA_REMAP_SUP, 2),
        NUMBER(IVRS_PA_SIZE(BITS(14, 8)), 0x7F),
        NUMBER(IVRS_PA_SIZE(~BITS(14, 8)), 0),
        NUMBER(IVRS_VA_SIZE(BITS(21, 15)), 0x7F),
        NUMBER(IVRS_VA_SIZE(~BITS(21, 15)), 0),
        NUMBER(IVRS_HT_ATS_RESV, BITS(22, 22)),
        NUMBER(IVRS_HATDIS, 1),
        NUMBER(IVRS_MSI_NUMBER(0xFF), 0x1F),
        NUMBER(IVRS_UNITY, 1),
        NUMBER(IVRS_READ, 2),
        NUMBER(IVRS_WRITE, 4),
        NUMBER(IVRS_EXCLUSION, 8),
        NUMBER(IVRS_ATS_DISABLED, BITS(31, 31)),
        NUMBER(IVRS_PAD_4, 0),
        NUMBER(IVRS_ALL, 1),
        NUMBER(IVRS_SELECT, 2),
        NUMBER(IVRS_START, 3),
        NUMBER(IVRS_END, 4),
        NUMBER(IVRS_PAD_8, 64),
        NUMBER(IVRS_ALIAS_SELECT, 66),
        NUMBER(IVRS_ALIAS_START, 67),
        NUMBER(IVRS_EXTENDED_SELECT, 70),
        NUMBER(IVRS_EXTENDED_START, 71),
        NUMBER(IVRS_SPECIAL, 72),
        NUMBER(IVRS_ACPI_HID, 240),
        NUMBER(IVRS_IOAPIC, 1),
        NUMBER(IVRS_HPET, 2),
        NUMBER(IVRS_UID_NONE, 0),
        NUMBER(IVRS_UID_INTEGER, 1),
        NUMBER(IVRS_UID_STRING, 2),
    };

    (void)state;
    COMPARE(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_of_vtd), cmocka_unit_test(entries_of_vtd),
        cmocka_unit_test(records_of_dmar),  cmocka_unit_test(entries_of_amdvi),
        cmocka_unit_test(blocks_of_ivrs),
    };

    return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
