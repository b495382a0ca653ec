/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_AMDVI_IVRS_H
#define DRIVERS_IOMMU_AMDVI_IVRS_H

#include "drivers/acpi/acpi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * IVRS: AMD I/O Virtualization Technology (IOMMU) Specification, "I/O Virtualization ACPI Table":
 * I/O Virtualization Hardware Definition (IVHD) and Memory Definition (IVMD) blocks. Values are
 * kept as the table has them; what is wrong with a value stands beside it as flaws, what cannot be
 * walked is left out and counted. A DeviceID is bus, device and function as in a PCI requester id.
 */
enum ivrs_type {
    IVRS_IVHD_10 = 0x10, /* fixed entries */
    IVRS_IVHD_11 = 0x11, /* fixed entries, EFR image */
    IVRS_IVHD_40 = 0x40, /* also ACPI HID entries */
    IVRS_IVMD_ALL = 0x20,
    IVRS_IVMD_SELECT = 0x21,
    IVRS_IVMD_RANGE = 0x22,
};

/* IVinfo. */
#define IVRS_EFR_SUP          0x01u
#define IVRS_DMA_REMAP_SUP    0x02u
#define IVRS_PA_SIZE(info)    ((info) >> 8 & 0x7Fu)  /* bits; 0 says nothing */
#define IVRS_VA_SIZE(info)    ((info) >> 15 & 0x7Fu) /* bits */
#define IVRS_HT_ATS_RESV      (1u << 22)

#define IVRS_HATDIS           1u             /* IOMMU Attributes of an IVHD 11h or 40h */
#define IVRS_MSI_NUMBER(info) ((info)&0x1Fu) /* IOMMU Info of an IVHD */

#define IVRS_UNITY            0x01u /* IVMD flags */
#define IVRS_READ             0x02u
#define IVRS_WRITE            0x04u
#define IVRS_EXCLUSION        0x08u

#define IVRS_ATS_DISABLED     0x80000000u /* extended DTE setting */

/* "IVHD Device Entry Type Codes". Bits 7:6 give the length of all below F0h. */
enum ivrs_entry_type {
    IVRS_PAD_4 = 0,
    IVRS_ALL = 1,
    IVRS_SELECT = 2,
    IVRS_START = 3,
    IVRS_END = 4,
    IVRS_PAD_8 = 64,
    IVRS_ALIAS_SELECT = 66,
    IVRS_ALIAS_START = 67,
    IVRS_EXTENDED_SELECT = 70,
    IVRS_EXTENDED_START = 71,
    IVRS_SPECIAL = 72,
    IVRS_ACPI_HID = 240,
};

enum ivrs_variety { IVRS_IOAPIC = 1, IVRS_HPET = 2 };
enum ivrs_uid_format { IVRS_UID_NONE = 0, IVRS_UID_INTEGER = 1, IVRS_UID_STRING = 2 };

/* What is wrong with a block or entry that could be read. */
enum ivrs_flaw {
    IVRS_NO_ADDRESS = 1 << 0,   /* register base zero or all ones */
    IVRS_UNALIGNED = 1 << 1,    /* registers not at 16 KiB; memory not in whole pages */
    IVRS_BEYOND_WIDTH = 1 << 2, /* above the physical address size of IVinfo */
    IVRS_DUPLICATE = 1 << 3,    /* says the same as an earlier IVHD of its type */
    IVRS_CONFLICT = 1 << 4,     /* unit, registers, special device: contradicts an earlier one */
    IVRS_DISAGREES = 1 << 5,    /* other registers than the richer block of its unit */
    IVRS_BAD_RANGE = 1 << 6,    /* no memory, or beyond 2^64; DeviceIDs whose end is below start */
    IVRS_PAGE_ZERO = 1 << 7,    /* reserves the page at address 0 */
    IVRS_ENTRIES_CUT = 1 << 8,  /* some of its device entries could not be read or used */
    IVRS_UNMATCHED = 1 << 9,    /* DeviceIDs that no unit has */
    IVRS_UNPAIRED = 1 << 10,    /* range start without end, or end without start */
    IVRS_UNKNOWN = 1 << 11,     /* entry type, variety or UID format without a meaning */
};

#define IVRS_UNUSABLE    (IVRS_NO_ADDRESS | IVRS_UNALIGNED | IVRS_CONFLICT) /* an IVHD with any */

#define IVRS_RECORDS_MAX 128 /* IVHD blocks, and IVMD blocks */
#define IVRS_ENTRIES_MAX 4096
#define IVRS_HIDS_MAX    256
#define IVRS_UID_MAX     255

struct ivrs_record {
    uint32_t offset;
    uint16_t length;
    uint16_t flaws; /* enum ivrs_flaw */
};

/* Device entry. It speaks of the DeviceIDs first to last, of none when last < first: padding, the
 * end of a range, a start whose end does not follow. */
struct ivrs_entry {
    uint32_t offset;
    uint32_t extended; /* DTE setting, extended select and start */
    uint16_t flaws;
    uint16_t first, last;
    uint16_t device_id; /* as written */
    uint16_t source_id; /* alias and special device: the DeviceID that requests bear */
    uint16_t hid;       /* ACPI HID: index of its names */
    uint8_t type;
    uint8_t setting;         /* DTE setting */
    uint8_t handle, variety; /* special device: IOAPIC id or HPET number */
};

struct ivrs_hid {
    uint8_t hid[8], cid[8]; /* as written; no NUL needed */
    uint8_t uid_format, uid_length;
    uint8_t uid[IVRS_UID_MAX]; /* uid_length bytes; an integer has its lowest byte first */
};

struct ivrs_ivhd {
    struct ivrs_record record;
    uint16_t first_entry, entry_count; /* of entries */
    uint16_t unit; /* index of the block that counts for its unit; its own when it is that one */
    uint8_t type, flags;
    uint16_t device_id;  /* of the unit's own function */
    uint16_t capability; /* offset of its capability block in configuration space */
    uint16_t segment;
    uint16_t info;
    uint32_t features; /* 10h: IOMMU Feature Reporting; 11h and 40h: IOMMU Attributes */
    uint64_t base;     /* of the registers */
    uint64_t efr;      /* 11h and 40h, with IVRS_EFR_SUP: image of the Extended Feature Register, */
    uint64_t efr2;     /* and of Extended Feature 2; the registers may say otherwise */
};

struct ivrs_ivmd {
    struct ivrs_record record;
    uint8_t type, flags;
    uint16_t device_id, auxiliary; /* as written; auxiliary is the end of a range */
    uint16_t segment;
    uint16_t first, last;   /* DeviceIDs; none when last < first */
    uint64_t start, length; /* bytes, as written */
    uint64_t base, limit;   /* whole pages around them, inclusive; unset with IVRS_BAD_RANGE */
};

struct ivrs {
    uint8_t revision;
    uint32_t info; /* IVinfo */
    struct ivrs_ivhd ivhds[IVRS_RECORDS_MAX];
    struct ivrs_ivmd ivmds[IVRS_RECORDS_MAX];
    struct ivrs_entry entries[IVRS_ENTRIES_MAX];
    struct ivrs_hid hids[IVRS_HIDS_MAX];
    unsigned ivhd_count, ivmd_count, entry_count, hid_count;
    /* Incomplete: an IVHD, or an entry of one that counts, may be missing. */
    struct acpi_findings found;
};

/* Reads an IVRS. Each skip and flaw is one log line. False: absent, or shorter than its fixed part
 * (48 bytes); `ivrs` is empty then. A table without blocks is valid. Allocates nothing. */
bool ivrs_read(const struct acpi_table *table, struct ivrs *ivrs)
    __attribute__((warn_unused_result));

/* True for the one block of each unit that counts: type 40h before 11h before 10h, and of equal
 * ones the first. A unit is a segment and a DeviceID; its other blocks say nothing more. */
bool ivrs_is_unit(const struct ivrs *ivrs, unsigned ivhd);

struct ivrs_device {
    int unit;           /* index of its unit's IVHD; -1: no unit, or one that cannot be used */
    uint16_t requester; /* the DeviceID that its requests bear */
    uint8_t setting;
    uint32_t extended; /* DTE setting of the smallest range that holds it; 0 when there is none */
};

/* What the table says of a DeviceID. The smallest range decides unit and setting, of equal ones the
 * later; equal ones of two units leave it without a unit. The alias is the later one of its unit.
 */
struct ivrs_device ivrs_device(const struct ivrs *ivrs, uint16_t segment, uint16_t device_id);

/* Special devices under other DeviceIDs than the table's; given from outside. */
struct ivrs_override {
    uint8_t variety, handle;
    uint16_t segment, device_id;
};

/* The DeviceID that the interrupts of an IOAPIC (by MADT's id) or an HPET bear: an override before
 * the table. False: named nowhere, or by entries that contradict each other. */
bool ivrs_special(const struct ivrs *ivrs, enum ivrs_variety variety, uint8_t handle,
                  const struct ivrs_override *overrides, unsigned count, uint16_t *segment,
                  uint16_t *device_id) __attribute__((warn_unused_result));

/* Compares with MADT, after overrides: one log line for each IOAPIC that has no DeviceID and each
 * IOAPIC entry that names none of MADT's, up to a bound. True: every IOAPIC of MADT has a DeviceID.
 */
bool ivrs_io_apics_known(const struct ivrs *ivrs, const struct acpi_madt *madt,
                         const struct ivrs_override *overrides, unsigned count)
    __attribute__((warn_unused_result));

/* True when the memory of the block is demanded for the DeviceID. Never with IVRS_BAD_RANGE. */
bool ivrs_ivmd_applies(const struct ivrs_ivmd *ivmd, uint16_t segment, uint16_t device_id);

#endif
