/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_AMDVI_ENTRIES_H
#define DRIVERS_IOMMU_AMDVI_ENTRIES_H

#include <stdint.h>

/* AMD I/O Virtualization Technology (IOMMU) Specification, "Device Table Entry Format": quadwords
 * 0 and 1 say where requests go, 2 and 3 where interrupts go. */
struct amdvi_device_entry {
    uint64_t memory[2];
    uint64_t interrupts[2];
} __attribute__((aligned(32)));

_Static_assert(sizeof(struct amdvi_device_entry) == 32, "device table entries have 256 bits");

#define AMDVI_ENTRIES_PER_PAGE 128u
_Static_assert(AMDVI_ENTRIES_PER_PAGE * sizeof(struct amdvi_device_entry) == 4096,
               "the table's size is told in pages");

/* Quadword 0. V clear lets everything pass. */
#define DTE_V          (UINT64_C(1) << 0)
#define DTE_TV         (UINT64_C(1) << 1)
#define DTE_MODE_SHIFT 9 /* levels; 0: no table */
#define DTE_IR         (UINT64_C(1) << 61)
#define DTE_IW         (UINT64_C(1) << 62)

/* Quadword 1; DomainID in bits 15:0 */
#define DTE_SYS_MGT_SHIFT 40

/* Quadword 2. IV clear lets interrupts pass; with IV set IntCtl 00b aborts them. */
#define DTE_IV         (UINT64_C(1) << 0)
#define DTE_PASS_SHIFT 56 /* INITPass, EIntPass, NMIPass */
#define DTE_LINT_SHIFT 62 /* Lint0Pass, Lint1Pass */

/* DTE setting of a device entry of IVHD. */
#define SETTING_PASS(setting)    ((uint64_t)(setting)&7)
#define SETTING_SYS_MGT(setting) ((uint64_t)(setting) >> 4 & 3)
#define SETTING_LINT(setting)    ((uint64_t)(setting) >> 6 & 3)

/* "Commands". */
struct amdvi_command {
    uint64_t low, high;
};

_Static_assert(sizeof(struct amdvi_command) == 16, "commands have 128 bits");

#define COMMAND_COMPLETION_WAIT (UINT64_C(1) << 60)
#define COMMAND_DEVTAB_ENTRY    (UINT64_C(2) << 60)
#define COMMAND_IOMMU_PAGES     (UINT64_C(3) << 60)
#define COMMAND_IOMMU_ALL       (UINT64_C(8) << 60)

/* COMPLETION_WAIT: Store, at an address in bits 51:3 of the low quadword. */
#define WAIT_S UINT64_C(1)

/* INVALIDATE_IOMMU_PAGES: DomainID in the low quadword; Address, S and PDE in the high one. With S
 * the lowest bit of Address that is clear gives the size. */
#define PAGES_DOMAIN_SHIFT 32
#define PAGES_S            UINT64_C(1)
#define PAGES_PDE          UINT64_C(2)
#define PAGES_EVERYTHING   UINT64_C(0x7FFFFFFFFFFFF000)

/* "Event Log Entry": code and flags in the low quadword, an address in the high one. */
#define EVENT_CODE_SHIFT   60
#define EVENT_CODE_WIDTH   4
#define EVENT_DEVICE_SHIFT 0
#define EVENT_DEVICE_WIDTH 16
#define EVENT_PR           (UINT64_C(1) << 52)
#define EVENT_RW           (UINT64_C(1) << 53)
#define EVENT_PE           (UINT64_C(1) << 54)
#define EVENT_RZ           (UINT64_C(1) << 55)

enum amdvi_event_code {
    EVENT_ILLEGAL_DEV_TABLE_ENTRY = 1,
    EVENT_IO_PAGE_FAULT = 2,
    EVENT_DEV_TAB_HARDWARE_ERROR = 3,
    EVENT_PAGE_TAB_HARDWARE_ERROR = 4,
    EVENT_ILLEGAL_COMMAND_ERROR = 5,
    EVENT_COMMAND_HARDWARE_ERROR = 6,
    EVENT_IOTLB_INV_TIMEOUT = 7,
    EVENT_INVALID_DEVICE_REQUEST = 8,
    EVENT_INVALID_PPR_REQUEST = 9,
    EVENT_COUNTER_ZERO = 10,
    EVENT_GUEST_EVENT_FAULT = 11,
    EVENT_VIOMMU_HARDWARE_ERROR = 12,
    EVENT_RMP_PAGE_FAULT = 13,
    EVENT_RMP_HARDWARE_ERROR = 14,
    EVENT_CODES = 16,
};

#endif
