/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_VTD_H
#define MODEL_VTD_H

#include "dma.h"
#include "machine.h"

/*
 * An Intel VT-d unit in legacy mode, as strict as the architecture allows (Intel Virtualization
 * Technology for Directed I/O, Architecture Specification: "Legacy Mode Address Translation",
 * "Caching Translation Information", "Queued Invalidation Interface", "Non-Recoverable Faults",
 * "Register Descriptions"). It caches all that may be cached, forgets only what it is told to, and
 * records every broken rule as a model_violation(). Written from the specification alone.
 *
 * Root, context and paging tables and the queue must lie in frames of OWNER_IOMMU; a walk, or an
 * allowed DMA, that reaches a free frame is a violation.
 */

/* Capability Register. What QEMU 7.2 shows, with 48-bit and 39-bit tables. */
#define MODEL_VTD_CAP         UINT64_C(0x00d2008c222f0606)
#define MODEL_VTD_CAP_CM      (UINT64_C(1) << 7)
#define MODEL_VTD_CAP_AFL     (UINT64_C(1) << 3)
#define MODEL_VTD_CAP_RWBF    (UINT64_C(1) << 4)
#define MODEL_VTD_CAP_PLMR    (UINT64_C(1) << 5)
#define MODEL_VTD_CAP_PHMR    (UINT64_C(1) << 6)
#define MODEL_VTD_CAP_PSI     (UINT64_C(1) << 39)
#define MODEL_VTD_CAP_SAGAW39 (UINT64_C(1) << 9)
#define MODEL_VTD_CAP_SAGAW48 (UINT64_C(1) << 10)
#define MODEL_VTD_CAP_SAGAW   (UINT64_C(0x1F) << 8)
#define MODEL_VTD_CAP_MGAW    (UINT64_C(0x3F) << 16) /* width - 1 */
#define MODEL_VTD_CAP_SLLPS   (UINT64_C(0xF) << 34)
#define MODEL_VTD_CAP_NFR     (UINT64_C(0xFF) << 40) /* registers - 1 */
#define MODEL_VTD_CAP_MAMV    (UINT64_C(0x3F) << 48)
#define MODEL_VTD_CAP_ND      UINT64_C(7)
#define MODEL_VTD_CAP_ESRTPS  (UINT64_C(1) << 63)

/* Extended Capability Register. */
#define MODEL_VTD_ECAP    UINT64_C(0x0000000000f00f4a)
#define MODEL_VTD_ECAP_C  (UINT64_C(1) << 0)
#define MODEL_VTD_ECAP_QI (UINT64_C(1) << 1)
#define MODEL_VTD_ECAP_DT (UINT64_C(1) << 2)
#define MODEL_VTD_ECAP_IR (UINT64_C(1) << 3)
#define MODEL_VTD_ECAP_PT (UINT64_C(1) << 6)
#define MODEL_VTD_ECAP_SC (UINT64_C(1) << 7)

/* `value` with the field `mask` set to `field`. */
#define MODEL_FIELD(value, mask, field)                                                            \
    (((value) & ~(mask)) | ((uint64_t)(field) * ((mask) & -(mask)) & (mask)))

enum model_vtd_presence { MODEL_VTD_PRESENT, MODEL_VTD_ALL_ONES, MODEL_VTD_ALL_ZEROS };

/* How it misbehaves. May be changed while it runs. A tick is a register read or a clock tick. */
struct model_vtd_broken {
    enum model_vtd_presence presence; /* the registers are gone */
    unsigned command_delay;           /* ticks until a register's command completes; 0: at once */
    unsigned queue_delay;             /* ticks until the queue runs after a tail write */
    unsigned completion_delay;        /* ticks from the fetch of a wait to its completion */
    bool never_completes;             /* descriptors are fetched; a wait does nothing */
    bool never_invalidates;           /* CCMD.ICC and IOTLB.IVT stay set */
    bool descriptor_error;            /* the read of a descriptor fails: IQE */
    bool writes_linger;               /* until an invalidation with DW drains them */
    bool device_tlb_silent;           /* no device answers a device-TLB invalidation: ITE */
    bool device_tlb_confused;         /* devices answer what was not asked: ICE */
    bool never_te;                    /* TE is ignored for ever */
    bool never_rtps;                  /* SRTP never completes */
    bool never_qies;                  /* QIE is ignored for ever */
    bool never_prs;                   /* protected memory regions stay as they are for ever */
    bool queue_stuck;                 /* descriptors are not fetched any more */
    bool iqe_waits_for_tail;          /* clearing IQE does not restart the queue (as QEMU) */
};

struct model_vtd_config {
    uint64_t base;
    uint64_t cap, ecap; /* walks are coherent by ECAP.C, fault records counted by CAP.NFR, ... */
    unsigned host_address_width; /* as DMAR has it */
    bool error_record;           /* IQERCD is there; it reads 0 otherwise */
    bool shares_leaves;          /* finds IOTLB entries by domain-id alone, as a unit also may */
    struct model_vtd_broken broken;
};

#define MODEL_VTD_DEFAULT                                                                          \
    ((struct model_vtd_config){.base = UINT64_C(0xFED90000),                                       \
                               .cap = MODEL_VTD_CAP,                                               \
                               .ecap = MODEL_VTD_ECAP,                                             \
                               .host_address_width = 48})

/* Invalidation Queue Error Record Register, IQEI. */
enum model_vtd_queue_error {
    MODEL_VTD_BAD_TAIL = 1,
    MODEL_VTD_FETCH_ERROR = 2,
    MODEL_VTD_BAD_TYPE = 3,
    MODEL_VTD_BAD_FIELD = 4,
    MODEL_VTD_BAD_WIDTH = 5,
    MODEL_VTD_BAD_MODE = 7,
};

/* Fault reasons. "Non-Recoverable Fault Encodings". */
enum model_vtd_reason {
    MODEL_VTD_OK = 0,
    MODEL_VTD_ROOT_NOT_PRESENT = 0x1,
    MODEL_VTD_CONTEXT_NOT_PRESENT = 0x2,
    MODEL_VTD_CONTEXT_INVALID = 0x3,
    MODEL_VTD_BEYOND_ADDRESS_WIDTH = 0x4,
    MODEL_VTD_NO_WRITE = 0x5,
    MODEL_VTD_NO_READ = 0x6,
    MODEL_VTD_TABLE_UNREADABLE = 0x7,
    MODEL_VTD_ROOT_UNREADABLE = 0x8,
    MODEL_VTD_CONTEXT_UNREADABLE = 0x9,
    MODEL_VTD_ROOT_RESERVED = 0xA,
    MODEL_VTD_CONTEXT_RESERVED = 0xB,
    MODEL_VTD_ENTRY_RESERVED = 0xC,
    MODEL_VTD_BLOCKED_TYPE = 0xD,
    MODEL_VTD_INTERRUPT_RANGE = 0xE,
};

/* Invalidations that the unit carried out. */
enum model_vtd_kind {
    MODEL_VTD_CONTEXT_GLOBAL,
    MODEL_VTD_CONTEXT_DOMAIN,
    MODEL_VTD_CONTEXT_DEVICE,
    MODEL_VTD_IOTLB_GLOBAL,
    MODEL_VTD_IOTLB_DOMAIN,
    MODEL_VTD_IOTLB_PAGE,
    MODEL_VTD_INTERRUPT_ENTRIES,
    MODEL_VTD_DEVICE_TLB,
    MODEL_VTD_WAIT,
};

struct model_vtd_event {
    enum model_vtd_kind kind;
    uint16_t domain;
    uint16_t source;       /* MODEL_VTD_CONTEXT_DEVICE, MODEL_VTD_DEVICE_TLB */
    uint8_t function_mask; /* MODEL_VTD_CONTEXT_DEVICE */
    uint8_t address_mask;  /* MODEL_VTD_IOTLB_PAGE: AM */
    bool hint;             /* MODEL_VTD_IOTLB_PAGE: IH */
    bool by_queue;
    uint64_t address; /* of pages or a device's; MODEL_VTD_WAIT: of the status */
};

#define MODEL_VTD_FAULT_RECORDS 256
#define MODEL_VTD_FETCHED       256
#define MODEL_VTD_CONTEXTS      256
#define MODEL_VTD_LEAVES        4096
#define MODEL_VTD_TABLES        4096
#define MODEL_VTD_EVENTS        4096

/* Context-cache entry, keyed by source-id. `reason` not OK: a cached refusal (CAP.CM). */
struct model_vtd_context {
    bool valid;
    uint16_t source, domain;
    uint8_t type, width; /* TT, AW */
    bool fpd;
    uint8_t reason;
    uint64_t table;
};

/* IOTLB entry (a leaf), or paging-structure-cache entry (`address` is the next table). */
struct model_vtd_translation {
    bool valid;
    bool read : 1, write : 1;
    uint8_t shift;  /* covers 1 << shift bytes of input address */
    uint8_t reason; /* IOTLB only: a cached refusal (CAP.CM), MODEL_VTD_OK otherwise */
    uint16_t domain;
    uint16_t source; /* IOTLB only: whose request filled it */
    uint64_t input, address;
};

/* All state: may be copied and put back while its region stays registered at the same address. */
struct model_vtd {
    struct model_vtd_config config;
    struct model_vtd_broken broken;

    uint32_t gsts, fsts, ics, pmen;
    uint32_t fectl, fedata, feaddr, feuaddr;
    uint32_t iectl, iedata, ieaddr, ieuaddr;
    uint32_t plm_base, plm_limit;
    uint64_t phm_base, phm_limit;
    uint64_t rtaddr, ccmd, iva, iotlb, iqh, iqt, iqa, iqercd, irta;
    uint64_t fault_record[MODEL_VTD_FAULT_RECORDS][2];
    unsigned next_record;

    uint64_t root;                       /* latched by SRTP */
    bool root_used;                      /* TE was set with it */
    bool context_flushed, iotlb_flushed; /* globally, since SRTP */
    uint64_t flushed;                    /* model_history() when write buffers were flushed last */
    uint32_t command;                    /* pending GCMD value */
    bool command_pending, queue_pending;
    uint32_t invalidation_pending; /* the register whose command is pending; 0: none */
    unsigned command_ticks, queue_ticks, invalidation_ticks, protection_ticks;

    uint64_t fetched[MODEL_VTD_FETCHED][2]; /* descriptors that no wait has forced yet */
    unsigned fetched_count;
    bool waiting; /* a wait was fetched and is not done */
    unsigned wait_ticks;
    uint64_t wait[2];
    struct model_dma_held lingering;

    struct model_vtd_context contexts[MODEL_VTD_CONTEXTS];
    struct model_vtd_translation leaves[MODEL_VTD_LEAVES];
    struct model_vtd_translation tables[MODEL_VTD_TABLES];
    unsigned context_count, leaf_count, table_count; /* slots in use, never shrinking */
    unsigned evictions; /* a cache was full: the model was less strict than it could be */

    struct model_vtd_event events[MODEL_VTD_EVENTS];
    unsigned event_count; /* carried out; the first MODEL_VTD_EVENTS are kept */
};

/* Powers the unit on and registers its MMIO page and its clock. `unit` is the caller's memory and
 * lives until model_reset(). False: the machine has no room. */
bool model_vtd_create(struct model_vtd *unit, const struct model_vtd_config *config)
    __attribute__((warn_unused_result));

/*
 * A request without PASID of `requester`, split at 4 KiB boundaries. Refusals are recorded as
 * hardware does. Pieces before a refused one have taken place; a refused read leaves the rest of
 * `buffer` alone. With translation off everything passes.
 */
enum model_dma_result model_vtd_dma(struct model_vtd *unit, uint16_t requester, uint64_t iova,
                                    bool write, void *buffer, size_t length);

/* The same for a translated request (AT 10b): it passes only where TT 01b allows it. */
enum model_dma_result model_vtd_dma_translated(struct model_vtd *unit, uint16_t requester,
                                               uint64_t physical, bool write, void *buffer,
                                               size_t length);

/*
 * The second judge: what the tables in memory say now, by a walk of its own that shares no code
 * with the unit's, uses no cache, records nothing and changes nothing. `pa` may be NULL.
 * model_vtd_judge looks at the tables even while translation is off.
 */
enum model_dma_result model_vtd_translate(const struct model_vtd *unit, uint16_t requester,
                                          uint64_t iova, bool write, uint64_t *pa);
enum model_vtd_reason model_vtd_judge(const struct model_vtd *unit, uint16_t requester,
                                      uint64_t iova, bool write, uint64_t *pa);

/* Log of carried-out invalidations, in order. NULL beyond the last. */
const struct model_vtd_event *model_vtd_log(const struct model_vtd *unit, unsigned index);
unsigned model_vtd_log_count(const struct model_vtd *unit);
/* How many of one kind. */
unsigned model_vtd_log_kind(const struct model_vtd *unit, enum model_vtd_kind kind);
void model_vtd_log_clear(struct model_vtd *unit);

/* Registers as the host's tests reach them: the same path as MMIO. Width in bytes. */
uint64_t model_vtd_read(struct model_vtd *unit, uint32_t offset, unsigned width);
void model_vtd_write(struct model_vtd *unit, uint32_t offset, unsigned width, uint64_t value);

/* Forgets every cached entry, as hardware may at any time: a cold start for fault tests. */
void model_vtd_evict_all(struct model_vtd *unit);

/* True while the unit reports translation on. */
bool model_vtd_enabled(const struct model_vtd *unit);

#endif
