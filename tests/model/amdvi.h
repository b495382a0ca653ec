/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_AMDVI_H
#define MODEL_AMDVI_H

#include "dma.h"
#include "ecam.h"
#include "machine.h"

/*
 * An AMD-Vi unit with host page tables (v1), as strict as the architecture allows (AMD I/O
 * Virtualization Technology (IOMMU) Specification, 48882: "IOMMU Translation and Protection Data
 * Structures", "I/O Page Tables for Host Translations", "Commands", "Event Logging", "IOMMU
 * Capability Block", "IOMMU MMIO Registers"). It caches all that may be cached, forgets only what
 * it is told to and only when a COMPLETION_WAIT says so, and records every broken rule as a
 * model_violation(). It shares nothing with the driver. README.md says what is modelled.
 *
 * Device table, page tables, command buffer and event log must lie in frames of OWNER_IOMMU.
 */

/* Extended Feature Register. */
#define MODEL_AMDVI_EFR        (MODEL_AMDVI_EFR_IASUP | UINT64_C(2) << 10)
#define MODEL_AMDVI_EFR_PREF   (UINT64_C(1) << 0)
#define MODEL_AMDVI_EFR_PPRSUP (UINT64_C(1) << 1)
#define MODEL_AMDVI_EFR_XTSUP  (UINT64_C(1) << 2)
#define MODEL_AMDVI_EFR_GTSUP  (UINT64_C(1) << 4)
#define MODEL_AMDVI_EFR_IASUP  (UINT64_C(1) << 6)
#define MODEL_AMDVI_EFR_GASUP  (UINT64_C(1) << 7)
#define MODEL_AMDVI_EFR_HATS   (UINT64_C(3) << 10) /* levels - 4 */

/* Capability Header: what varies. */
#define MODEL_AMDVI_CAP_IOTLB   (UINT32_C(1) << 24)
#define MODEL_AMDVI_CAP_NPCACHE (UINT32_C(1) << 26)
#define MODEL_AMDVI_CAP_EFRSUP  (UINT32_C(1) << 27)
#define MODEL_AMDVI_CAP_EXT     (UINT32_C(1) << 28)

/* Type of a hardware error's event. */
enum model_amdvi_error {
    MODEL_AMDVI_NO_ERROR,
    MODEL_AMDVI_MASTER_ABORT,
    MODEL_AMDVI_TARGET_ABORT,
    MODEL_AMDVI_DATA_ERROR,
};

/* Which 128 bits of a device table entry are read before the others. */
enum model_amdvi_tear { MODEL_AMDVI_WHOLE, MODEL_AMDVI_LOWER_FIRST, MODEL_AMDVI_UPPER_FIRST };

/* How it misbehaves. May be changed while it runs. A tick is a register read or a clock tick. */
struct model_amdvi_broken {
    bool all_ones;              /* the registers are gone */
    unsigned fetch_delay;       /* ticks until commands are fetched after a tail write */
    unsigned completion_delay;  /* ticks from the fetch of COMPLETION_WAIT to its completion */
    bool never_fetches;         /* CmdBufRun stays set and the head does not move */
    bool never_completes;       /* commands are fetched; COMPLETION_WAIT does nothing */
    bool never_runs;            /* CmdBufEn is ignored */
    bool never_logs;            /* EventLogEn is ignored */
    bool writes_linger;         /* until an invalidation has drained them */
    bool device_tlb_silent;     /* no device answers INVALIDATE_IOTLB_PAGES */
    enum model_amdvi_tear tear; /* entries are read in two steps, */
    unsigned tear_changes;      /* and this many words of memory change meanwhile */
    bool write_hidden;          /* events show RW only where the specification gives it a meaning */
    enum model_amdvi_error command_error, device_table_error, page_table_error; /* of each read */
};

struct model_amdvi_config {
    uint64_t base;
    uint64_t efr;
    uint32_t capability;            /* MODEL_AMDVI_CAP_* */
    unsigned physical_width;        /* PASize */
    unsigned virtual_width;         /* VASize: 32, 40, 48 or 64 */
    uint16_t range;                 /* Range Register: FirstDevice low, LastDevice high byte */
    uint8_t capability_offset;      /* of the capability block in `function` */
    bool base_unlocked;             /* firmware left Enable of the base address clear */
    struct ecam_function *function; /* gets the capability block and MSI; NULL: none */
    struct model_amdvi_broken broken;
};

#define MODEL_AMDVI_DEFAULT                                                                        \
    ((struct model_amdvi_config){.base = UINT64_C(0xFED80000),                                     \
                                 .efr = MODEL_AMDVI_EFR,                                           \
                                 .capability = MODEL_AMDVI_CAP_EFRSUP | MODEL_AMDVI_CAP_EXT,       \
                                 .physical_width = 48,                                             \
                                 .virtual_width = 64,                                              \
                                 .capability_offset = 0x40})

/* Event codes. "Event Log Entry". */
enum model_amdvi_code {
    MODEL_AMDVI_ILLEGAL_DEV_TABLE_ENTRY = 1,
    MODEL_AMDVI_IO_PAGE_FAULT = 2,
    MODEL_AMDVI_DEV_TAB_HARDWARE_ERROR = 3,
    MODEL_AMDVI_PAGE_TAB_HARDWARE_ERROR = 4,
    MODEL_AMDVI_ILLEGAL_COMMAND_ERROR = 5,
    MODEL_AMDVI_COMMAND_HARDWARE_ERROR = 6,
    MODEL_AMDVI_IOTLB_INV_TIMEOUT = 7,
    MODEL_AMDVI_INVALID_DEVICE_REQUEST = 8,
};

/* Why a request is refused. */
enum model_amdvi_reason {
    MODEL_AMDVI_OK,
    MODEL_AMDVI_DTE_RESERVED, /* ILLEGAL_DEV_TABLE_ENTRY, RZ */
    MODEL_AMDVI_DTE_ENCODING, /* ILLEGAL_DEV_TABLE_ENTRY: bad Mode or IntCtl, beyond the table */
    MODEL_AMDVI_DTE_UNREADABLE,
    MODEL_AMDVI_TABLE_UNREADABLE,
    MODEL_AMDVI_NOT_PRESENT,   /* IO_PAGE_FAULT */
    MODEL_AMDVI_NO_PERMISSION, /* IO_PAGE_FAULT, PR and PE */
    MODEL_AMDVI_PTE_RESERVED,  /* IO_PAGE_FAULT, PR and RZ */
    MODEL_AMDVI_BAD_REQUEST,   /* INVALID_DEVICE_REQUEST */
};

/* Commands that took effect. The values are the opcodes. */
enum model_amdvi_kind {
    MODEL_AMDVI_COMPLETION_WAIT = 1,
    MODEL_AMDVI_DEVTAB_ENTRY = 2,
    MODEL_AMDVI_IOMMU_PAGES = 3,
    MODEL_AMDVI_IOTLB_PAGES = 4,
    MODEL_AMDVI_INTERRUPT_TABLE = 5,
    MODEL_AMDVI_PREFETCH = 6,
    MODEL_AMDVI_COMPLETE_PPR = 7,
    MODEL_AMDVI_IOMMU_ALL = 8,
};

struct model_amdvi_event {
    enum model_amdvi_kind kind;
    uint16_t device, domain;
    bool directories;     /* PDE */
    uint64_t first, last; /* what pages-commands cover; of the store: its address */
};

#define MODEL_AMDVI_DEVICES 256
#define MODEL_AMDVI_LEAVES  4096
#define MODEL_AMDVI_TABLES  4096
#define MODEL_AMDVI_EVENTS  4096
#define MODEL_AMDVI_FETCHED 4096

/* A device table entry as it was read. */
struct model_amdvi_device {
    bool valid;
    bool faulted; /* for SE: a page fault was logged since the entry was read */
    uint16_t source;
    uint8_t reason; /* MODEL_AMDVI_OK or why every request is refused */
    uint64_t words[4];
};

/* A page (`level` 0), or a page directory entry: the table that it names. */
struct model_amdvi_translation {
    bool valid;
    uint8_t shift; /* covers 1 << shift bytes of input address */
    uint8_t level; /* of the table */
    uint16_t domain;
    uint16_t source;                /* whose request filled it, */
    bool source_read, source_write; /* and what that device's own entry allowed then */
    bool read, write;               /* of all page table levels */
    uint8_t reason;                 /* NpCache: a cached refusal */
    uint64_t input, address;
};

/* All state: may be copied and put back while its region stays registered at the same address. */
struct model_amdvi {
    struct model_amdvi_config config;
    struct model_amdvi_broken broken;

    uint64_t device_table, command_base, event_base, control, exclusion_base, exclusion_limit;
    uint64_t command_head, command_tail, event_head, event_tail, status;
    bool command_halted, event_halted; /* by an error, by overflow */
    bool base_enabled;                 /* the MMIO region answers */

    bool fetch_pending, waiting; /* waiting: a COMPLETION_WAIT was fetched and is not done */
    unsigned fetch_ticks, wait_ticks;
    uint64_t wait[2];
    uint64_t fetched[MODEL_AMDVI_FETCHED][2]; /* invalidations that no wait has forced yet */
    unsigned fetched_count;
    uint64_t drained; /* model_history() when the last invalidation of an entry was done */
    struct model_dma_held lingering;

    struct model_amdvi_device devices[MODEL_AMDVI_DEVICES];
    struct model_amdvi_translation leaves[MODEL_AMDVI_LEAVES];
    struct model_amdvi_translation tables[MODEL_AMDVI_TABLES];
    unsigned device_count, leaf_count, table_count; /* slots in use, never shrinking */
    unsigned evictions; /* a cache was full: the model was less strict than it could be */

    struct model_amdvi_event events[MODEL_AMDVI_EVENTS];
    unsigned event_count; /* the first MODEL_AMDVI_EVENTS are kept */
};

/* Powers the unit on and registers its MMIO region, its clock, and its PCI capabilities in
 * config->function. `unit` is the caller's memory and lives until model_reset(). False: the machine
 * has no room. */
bool model_amdvi_create(struct model_amdvi *unit, const struct model_amdvi_config *config)
    __attribute__((warn_unused_result));

/*
 * An untranslated request without PASID, split at 4 KiB boundaries. Refusals are logged as hardware
 * does. Pieces before a refused one have taken place; a refused read leaves the rest of `buffer`
 * alone. With IommuEn clear everything passes.
 */
enum model_dma_result model_amdvi_dma(struct model_amdvi *unit, uint16_t requester, uint64_t iova,
                                      bool write, void *buffer, size_t length);
/* The same for a pretranslated request (AT 10b): it passes only where DTE.I allows it. */
enum model_dma_result model_amdvi_dma_translated(struct model_amdvi *unit, uint16_t requester,
                                                 uint64_t physical, bool write, void *buffer,
                                                 size_t length);

/*
 * The second judge: what the tables in memory say now, by a walk of its own that shares no code
 * with the unit's, uses no cache, records nothing and changes nothing. `pa` may be NULL.
 * model_amdvi_judge looks at the tables even while IommuEn is clear.
 */
enum model_dma_result model_amdvi_translate(const struct model_amdvi *unit, uint16_t requester,
                                            uint64_t iova, bool write, uint64_t *pa);
enum model_amdvi_reason model_amdvi_judge(const struct model_amdvi *unit, uint16_t requester,
                                          uint64_t iova, bool write, uint64_t *pa);

/* Log of commands that took effect, in order. NULL beyond the last. */
const struct model_amdvi_event *model_amdvi_log(const struct model_amdvi *unit, unsigned index);
unsigned model_amdvi_log_count(const struct model_amdvi *unit);
/* How many of one kind. */
unsigned model_amdvi_log_kind(const struct model_amdvi *unit, enum model_amdvi_kind kind);
void model_amdvi_log_clear(struct model_amdvi *unit);

/* Registers as the host's tests reach them: the same path as MMIO. Width in bytes: 4 or 8. The
 * specification allows 1 and 2 too; arch/mmio.h has neither, so here they are violations. */
uint64_t model_amdvi_read(struct model_amdvi *unit, uint32_t offset, unsigned width);
void model_amdvi_write(struct model_amdvi *unit, uint32_t offset, unsigned width, uint64_t value);

/* Forgets every cached entry, as hardware may at any time: a cold start for fault tests. */
void model_amdvi_evict_all(struct model_amdvi *unit);

/* IommuEn: requests are looked at. */
bool model_amdvi_enabled(const struct model_amdvi *unit);

#endif
