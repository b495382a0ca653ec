/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_REGISTER_TABLE_H
#define TESTS_HOST_REGISTER_TABLE_H

#include "drivers/iommu/core/describe.h"

/* Registers as the specifications have them: Intel Virtualization Technology for Directed I/O,
 * "Register Descriptions"; AMD I/O Virtualization Technology (IOMMU) Specification, "IOMMU
 * Capability Block" and "IOMMU MMIO Registers". */

/* What a unit says that it has. */
static struct {
    uint64_t cap, ecap, mtrrcap, perfcap; /* VT-d */
    /* AMD-Vi, and whether there is a capability block; in its header. */
    uint64_t efr, function, capext, efrsup;
} says;

/* A register is there when a field of at least that value says so; NULL: always. */
struct condition {
    const uint64_t *word;
    unsigned low, high, least;
};

#define IF(word, low, high, least)                                                                 \
    {                                                                                              \
        &says.word, low, high, least                                                               \
    }
#define BIT(word, bit) IF(word, bit, bit, 1)
#define ALWAYS                                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Bits of each register that the specifications name, and those of them that are an address where
 * they stand. In the order in which they are shown. */
static const struct {
    const char *name;
    uint32_t offset, bytes;
    uint64_t bits[2], address;
    enum iommu_register_use use;
    struct condition when[2];
} registers[] = {
#define STATE      IOMMU_REGISTER_STATE
#define CAPABILITY IOMMU_REGISTER_CAPABILITY
#define WRITE_ONLY IOMMU_REGISTER_WRITE_ONLY
#define PAGES      UINT64_C(0xFFFFFFFFFFFFF000)
#define PAGES_52   UINT64_C(0x000FFFFFFFFFF000)
#define ALL        UINT64_MAX
#ifdef UNIT_AMDVI
#define GA_TAIL UINT64_C(0xFFFFFFFFFFFF8)
#define RING    (PAGES_52 | UINT64_C(0xF) << 56)
#define SEGMENT(offset, least)                                                                     \
    {                                                                                              \
        "Device Table Segment Base", offset, 8, {PAGES_52 | 0xFF}, PAGES_52, STATE,                \
        {                                                                                          \
            IF(efr, 38, 39, least)                                                                 \
        }                                                                                          \
    }
#define XT(name, offset)                                                                           \
    {                                                                                              \
        name, offset, 8, {UINT64_C(0xFF0001FFFFFFFF04)}, 0, STATE,                                 \
        {                                                                                          \
            BIT(efr, 2)                                                                            \
        }                                                                                          \
    }
    {"Capability Header", 0x40, 4, {0x1FFFFFFF}, 0, CAPABILITY, {BIT(function, 0)}},
    {"Base Address Low", 0x44, 4, {0xFFFFC001}, 0xFFFFC000, CAPABILITY, {BIT(function, 0)}},
    {"Base Address High", 0x48, 4, {0xFFFFFFFF}, 0, CAPABILITY, {BIT(function, 0)}},
    {"Range", 0x4C, 4, {0xFFFFFF9F}, 0, CAPABILITY, {BIT(function, 0)}},
    {"Miscellaneous 0", 0x50, 4, {0xF87FFFFF}, 0, CAPABILITY, {BIT(capext, 0)}},
    {"Miscellaneous 1", 0x54, 4, {0x1F}, 0, CAPABILITY, {BIT(capext, 0), BIT(efr, 7)}},
    {"Extended Feature", 0x30, 8, {UINT64_C(0xFFDF7FFFB3FFFFFF)}, 0, CAPABILITY, {BIT(efrsup, 0)}},
    {"Extended Feature 2", 0x1A0, 8, {0xBFC}, 0, CAPABILITY, {BIT(efrsup, 0)}},
    {"Device Table Base", 0x00, 8, {PAGES_52 | 0x1FF}, PAGES_52, STATE, ALWAYS},
    {"Command Buffer Base", 0x08, 8, {PAGES_52 | UINT64_C(0xF) << 56}, PAGES_52, STATE, ALWAYS},
    {"Event Log Base", 0x10, 8, {PAGES_52 | UINT64_C(0xF) << 56}, PAGES_52, STATE, ALWAYS},
    {"Control", 0x18, 8, {UINT64_C(0xFDFDFFFFFFFFFFFF)}, 0, STATE, ALWAYS},
    {"Exclusion Base", 0x20, 8, {PAGES_52 | 3}, PAGES_52, STATE, ALWAYS},
    {"Exclusion Limit", 0x28, 8, {PAGES_52}, PAGES_52, STATE, ALWAYS},
    {"Command Buffer Head", 0x2000, 8, {0x7FFF0}, 0x7FFF0, STATE, ALWAYS},
    {"Command Buffer Tail", 0x2008, 8, {0x7FFF0}, 0x7FFF0, STATE, ALWAYS},
    {"Event Log Head", 0x2010, 8, {0x7FFF0}, 0x7FFF0, STATE, ALWAYS},
    {"Event Log Tail", 0x2018, 8, {0x7FFF0}, 0x7FFF0, STATE, ALWAYS},
    {"Status", 0x2020, 8, {0x79FFF}, 0, STATE, ALWAYS},
    {"PPR Log Base", 0x38, 8, {RING}, PAGES_52, STATE, {BIT(efr, 1)}},
    {"PPR Log Head", 0x2030, 8, {0x7FFF0}, 0x7FFF0, STATE, {BIT(efr, 1)}},
    {"PPR Log Tail", 0x2038, 8, {0x7FFF0}, 0x7FFF0, STATE, {BIT(efr, 1)}},
    {"PPR Log B Base", 0xF0, 8, {RING}, PAGES_52, STATE, {IF(efr, 24, 25, 1)}},
    {"PPR Log B Head", 0x2050, 8, {0x7FFF0}, 0x7FFF0, STATE, {IF(efr, 24, 25, 1)}},
    {"PPR Log B Tail", 0x2058, 8, {0x7FFF0}, 0x7FFF0, STATE, {IF(efr, 24, 25, 1)}},
    {"PPR Log Auto Response", 0x2080, 8, {0x1F}, 0, STATE, {BIT(efr, 41)}},
    {"Event Log B Base", 0xF8, 8, {RING}, PAGES_52, STATE, {IF(efr, 28, 29, 1)}},
    {"Event Log B Head", 0x2070, 8, {0x7FFF0}, 0x7FFF0, STATE, {IF(efr, 28, 29, 1)}},
    {"Event Log B Tail", 0x2078, 8, {0x7FFF0}, 0x7FFF0, STATE, {IF(efr, 28, 29, 1)}},
    {"GA Log Base", 0xE0, 8, {RING}, PAGES_52, STATE, {BIT(efr, 7)}},
    {"GA Log Tail Address", 0xE8, 8, {GA_TAIL}, GA_TAIL, STATE, {BIT(efr, 7)}},
    {"GA Log Head", 0x2040, 8, {0xFFF8}, 0xFFF8, STATE, {BIT(efr, 7)}},
    {"GA Log Tail", 0x2048, 8, {0xFFF8}, 0xFFF8, STATE, {BIT(efr, 7)}},
    SEGMENT(0x100, 1),
    SEGMENT(0x108, 2),
    SEGMENT(0x110, 2),
    SEGMENT(0x118, 3),
    SEGMENT(0x120, 3),
    SEGMENT(0x128, 3),
    SEGMENT(0x130, 3),
    {"Performance Optimization Control", 0x16C, 4, {0x2000}, 0, STATE, {BIT(efr, 45)}},
    XT("XT General Interrupt Control", 0x170),
    XT("XT PPR Interrupt Control", 0x178),
    XT("XT GA Log Interrupt Control", 0x180),
#else
#define FIXED(name, offset)                                                                        \
    {                                                                                              \
        "MTRR_FIX" name, offset, 8, {ALL}, 0, STATE,                                               \
        {                                                                                          \
            BIT(ecap, 25), BIT(mtrrcap, 8)                                                         \
        }                                                                                          \
    }
#define VARIABLE(n)                                                                                \
    {"MTRR_PHYSBASE",                                                                              \
     0x180 + (n)*16,                                                                               \
     8,                                                                                            \
     {PAGES | 0xFF},                                                                               \
     PAGES,                                                                                        \
     STATE,                                                                                        \
     {BIT(ecap, 25), IF(mtrrcap, 0, 7, (n) + 1)}},                                                 \
    {                                                                                              \
        "MTRR_PHYSMASK", 0x188 + (n)*16, 8, {PAGES | 0x800}, PAGES, STATE,                         \
        {                                                                                          \
            BIT(ecap, 25), IF(mtrrcap, 0, 7, (n) + 1)                                              \
        }                                                                                          \
    }
#define GROUP(n)                                                                                   \
    {                                                                                              \
        "PERFEVNTCAP", 0x380 + (n)*8, 8, {0xFFFFFFF}, 0, CAPABILITY,                               \
        {                                                                                          \
            BIT(ecap, 51), IF(perfcap, 24, 28, (n) + 1)                                            \
        }                                                                                          \
    }
    {"VER", 0x000, 4, {0xFF}, 0, CAPABILITY, ALWAYS},
    {"CAP", 0x008, 8, {UINT64_C(0xF9FFFFBFFF7F1FFF)}, 0, CAPABILITY, ALWAYS},
    {"ECAP", 0x010, 8, {UINT64_C(0x7FBFFFFEE6F3FFDF)}, 0, CAPABILITY, ALWAYS},
    {"GCMD", 0x018, 4, {0xFF800000}, 0, WRITE_ONLY, ALWAYS},
    {"GSTS", 0x01C, 4, {0xFF800000}, 0, STATE, ALWAYS},
    {"RTADDR", 0x020, 8, {PAGES | 0xC00}, PAGES, STATE, ALWAYS},
    {"CCMD", 0x028, 8, {UINT64_C(0xF8000003FFFFFFFF)}, 0, STATE, ALWAYS},
    {"FSTS", 0x034, 4, {0xFF7F}, 0, STATE, ALWAYS},
    {"FECTL", 0x038, 4, {0xC0000000}, 0, STATE, ALWAYS},
    {"FEDATA", 0x03C, 4, {0xFFFFFFFF}, 0, STATE, ALWAYS},
    {"FEADDR", 0x040, 4, {0xFFFFFFFC}, 0xFFFFFFFC, STATE, ALWAYS},
    {"FEUADDR", 0x044, 4, {0xFFFFFFFF}, 0, STATE, ALWAYS},
    {"AFLOG", 0x058, 8, {PAGES | 0xE00}, PAGES, STATE, {BIT(cap, 3)}},
    {"PMEN", 0x064, 4, {0x80000001}, 0, STATE, {IF(cap, 5, 6, 1)}},
    {"PLMBASE", 0x068, 4, {0xFFF00000}, 0xFFF00000, STATE, {BIT(cap, 5)}},
    {"PLMLIMIT", 0x06C, 4, {0xFFF00000}, 0xFFF00000, STATE, {BIT(cap, 5)}},
    {"PHMBASE", 0x070, 8, {~UINT64_C(0xFFFFF)}, ~UINT64_C(0xFFFFF), STATE, {BIT(cap, 6)}},
    {"PHMLIMIT", 0x078, 8, {~UINT64_C(0xFFFFF)}, ~UINT64_C(0xFFFFF), STATE, {BIT(cap, 6)}},
    {"IQH", 0x080, 8, {0x7FFF0}, 0x7FFF0, STATE, {BIT(ecap, 1)}},
    {"IQT", 0x088, 8, {0x7FFF0}, 0x7FFF0, STATE, {BIT(ecap, 1)}},
    {"IQA", 0x090, 8, {PAGES | 0x807}, PAGES, STATE, {BIT(ecap, 1)}},
    {"ICS", 0x09C, 4, {0x1}, 0, STATE, {BIT(ecap, 1)}},
    {"IECTL", 0x0A0, 4, {0xC0000000}, 0, STATE, {BIT(ecap, 1)}},
    {"IEDATA", 0x0A4, 4, {0xFFFFFFFF}, 0, STATE, {BIT(ecap, 1)}},
    {"IEADDR", 0x0A8, 4, {0xFFFFFFFC}, 0xFFFFFFFC, STATE, {BIT(ecap, 1)}},
    {"IEUADDR", 0x0AC, 4, {0xFFFFFFFF}, 0, STATE, {BIT(ecap, 1)}},
    {"IQERCD", 0x0B0, 8, {UINT64_C(0xFFFFFFFF0000000F)}, 0, STATE, {BIT(ecap, 1)}},
    {"IRTA", 0x0B8, 8, {PAGES | 0x80F}, PAGES, STATE, {BIT(ecap, 3)}},
    {"PQH", 0x0C0, 8, {0x7FFE0}, 0x7FFE0, STATE, {BIT(ecap, 29)}},
    {"PQT", 0x0C8, 8, {0x7FFE0}, 0x7FFE0, STATE, {BIT(ecap, 29)}},
    {"PQA", 0x0D0, 8, {PAGES | 7}, PAGES, STATE, {BIT(ecap, 29)}},
    {"PRS", 0x0DC, 4, {3}, 0, STATE, {BIT(ecap, 29)}},
    {"PECTL", 0x0E0, 4, {0xC0000000}, 0, STATE, {BIT(ecap, 29)}},
    {"PEDATA", 0x0E4, 4, {0xFFFFFFFF}, 0, STATE, {BIT(ecap, 29)}},
    {"PEADDR", 0x0E8, 4, {0xFFFFFFFC}, 0xFFFFFFFC, STATE, {BIT(ecap, 29)}},
    {"PEUADDR", 0x0EC, 4, {0xFFFFFFFF}, 0, STATE, {BIT(ecap, 29)}},
    {"MTRRCAP", 0x100, 8, {0x5FF}, 0, CAPABILITY, {BIT(ecap, 25)}},
    {"MTRRDEF", 0x108, 8, {0xCFF}, 0, STATE, {BIT(ecap, 25)}},
    FIXED("64K_00000", 0x120),
    FIXED("16K_80000", 0x128),
    FIXED("16K_A0000", 0x130),
    FIXED("4K_C0000", 0x138),
    FIXED("4K_C8000", 0x140),
    FIXED("4K_D0000", 0x148),
    FIXED("4K_D8000", 0x150),
    FIXED("4K_E0000", 0x158),
    FIXED("4K_E8000", 0x160),
    FIXED("4K_F0000", 0x168),
    FIXED("4K_F8000", 0x170),
    VARIABLE(0),
    VARIABLE(1),
    VARIABLE(2),
    VARIABLE(3),
    VARIABLE(4),
    VARIABLE(5),
    VARIABLE(6),
    VARIABLE(7),
    VARIABLE(8),
    VARIABLE(9),
    {"PERFCAP", 0x300, 8, {UINT64_C(0x7F001F1F7FFFFF)}, 0, CAPABILITY, {BIT(ecap, 51)}},
    {"PERFCFGOFF", 0x310, 4, {0xFFFFFFFF}, 0, CAPABILITY, {BIT(ecap, 51)}},
    {"PERFFRZOFF", 0x314, 4, {0xFFFFFFFF}, 0, CAPABILITY, {BIT(ecap, 51)}},
    {"PERFOVFOFF", 0x318, 4, {0xFFFFFFFF}, 0, CAPABILITY, {BIT(ecap, 51)}},
    {"PERFCNTROFF", 0x31C, 4, {0xFFFFFFFF}, 0, CAPABILITY, {BIT(ecap, 51)}},
    {"PERFINTRSTS", 0x324, 4, {1}, 0, STATE, {BIT(ecap, 51)}},
    {"PERFINTRCTL", 0x328, 4, {0xC0000000}, 0, STATE, {BIT(ecap, 51)}},
    {"PERFINTRDATA", 0x32C, 4, {0xFFFFFFFF}, 0, STATE, {BIT(ecap, 51)}},
    {"PERFINTRADDR", 0x330, 4, {0xFFFFFFFC}, 0xFFFFFFFC, STATE, {BIT(ecap, 51)}},
    {"PERFINTRUADDR", 0x334, 4, {0xFFFFFFFF}, 0, STATE, {BIT(ecap, 51)}},
    GROUP(0),
    GROUP(1),
    GROUP(2),
    GROUP(3),
    GROUP(4),
    GROUP(5),
    GROUP(6),
    GROUP(7),
    GROUP(8),
    GROUP(9),
    GROUP(10),
    GROUP(11),
    GROUP(12),
    GROUP(13),
    GROUP(14),
    GROUP(15),
    {"ECMD", 0x400, 8, {ALL << 16 | 0xFF}, 0, WRITE_ONLY, {BIT(cap, 61)}},
    {"ECEO", 0x408, 8, {ALL}, 0, WRITE_ONLY, {BIT(cap, 61)}},
    {"ECRSP", 0x410, 8, {ALL << 16 | 0xFF}, 0, STATE, {BIT(cap, 61)}},
    {"ECCAP_3", 0x448, 8, {UINT64_C(0x3F) << 48}, 0, CAPABILITY, {BIT(cap, 61)}},
    {"RDTC", 0xDC0, 8, {UINT64_C(0x1F00000FFF)}, 0, STATE, {BIT(ecap, 60)}},
    {"VCMD", 0xE00, 8, {ALL << 16 | 0xFF}, 0, STATE, {BIT(ecap, 44)}},
    {"VCMD_EO", 0xE08, 8, {ALL}, 0, STATE, {BIT(ecap, 44)}},
    {"VCRSP", 0xE10, 8, {ALL << 16 | 0xFF}, 0, STATE, {BIT(ecap, 44)}},
    {"VCCAP", 0xE30, 8, {7}, 0, CAPABILITY, {BIT(ecap, 44)}},
    {"IVA", 0x0F0, 8, {PAGES | 0x7F}, PAGES, WRITE_ONLY, ALWAYS},
    {"IOTLB", 0x0F8, 8, {UINT64_C(0xB603FFFF00000000)}, 0, STATE, ALWAYS},
    {"FRCD", 0x220, 16, {PAGES, UINT64_C(0xFFFFFFFFF000FFFF)}, PAGES, STATE, ALWAYS},
#endif
};

#endif
