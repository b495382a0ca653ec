/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_NVME_NVME_H
#define DRIVERS_NVME_NVME_H

#include "drivers/nvme/spec.h"

#include <driver.h>
#include <driver_pool.h>

/*
 * NVMe controllers, read only: no command that writes is ever built. Everything that the
 * controller reaches is mapped into a domain of its own, each piece with the one permission that
 * the controller needs, at logical addresses that are nobody's physical ones. What stays is mapped
 * in reserved ranges: queues, PRP Lists, the Identify page and, by option nvme=pool, the buffers
 * that data is read to: then the domain's allocator chooses every address. Otherwise the buffers
 * are mapped for each transfer alone, and every address is explicit.
 *
 * bool results: false means that nvme->error says why, in one sentence. The first error stays.
 */
enum {
    NVME_QUEUE_ENTRIES = 64,
    NVME_SLOTS = 8, /* commands in flight */
    NVME_TRANSFER_PAGES = 32,
    NVME_PRP_LIST_ENTRIES = NVME_TRANSFER_PAGES, /* list of one slot, first page not in it */
};

#define NVME_TRANSFER_MAX ((size_t)NVME_TRANSFER_PAGES * PAGE_SIZE)

_Static_assert(NVME_SLOTS < NVME_QUEUE_ENTRIES, "a full queue looks like an empty one");
_Static_assert(NVME_SLOTS *NVME_PRP_LIST_ENTRIES * 8 <= PAGE_SIZE, "lists share one page");

/* Memory and the logical address that it has while it is mapped, in a reserved range or not. */
struct nvme_buffer {
    struct driver_memory memory;
    uint64_t logical;
    size_t mapped_pages;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;                 /* reserved ranges only */
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment; /* while it is mapped */
};

/* What the fault handler was told. */
struct nvme_faults {
    bool armed;        /* one is expected: at this page, where nothing is mapped */
    uint64_t expected; /* logical */
    unsigned matching;
    unsigned count; /* all of them */
};

/* A submission queue, its completion queue, and how far each has come. */
struct nvme_queue {
    uint16_t id;
    uint16_t entries;
    unsigned vector;
    struct nvme_buffer submission;
    struct nvme_buffer completion;
    uint16_t tail;
    uint16_t head;
    uint16_t phase;
};

struct nvme_slot {
    struct nvme_buffer buffer; /* nvme=map */
    size_t length;             /* bytes of the transfer */
    uint16_t place;            /* that it goes to */
    bool held;                 /* the place is this slot's */
    bool busy;                 /* no completion has come yet */
};

struct nvme {
    struct driver_device *device;
    struct driver_window registers;
    uint64_t capabilities;
    uint64_t ready_timeout_ns;
    unsigned interrupts; /* vectors; 0: polled */
    bool bench;          /* option bench: polled, and data is mapped at its physical address */
    bool passes;         /* option bench=pass: a pass-through domain, and nothing is mapped */
    bool skips;          /* option disks=skip: nothing of a medium is read */
    bool pooled;         /* option nvme=pool, without bench: that measures explicit addresses */
    bool enabled;        /* by this driver: faults are its own from then on */
    size_t transfer_max; /* bytes */
    uint32_t namespaces;

    DMA_IOMMU_INTERFACE_EX iommu;
    DMA_IOMMU_INTERFACE_EX version_1; /* fault reporting */
    struct nvme_faults faults;
    PIOMMU_DMA_DEVICE dma;
    PIOMMU_DMA_DOMAIN domain;

    struct nvme_queue admin;
    struct nvme_queue io;
    struct nvme_buffer identify;
    struct nvme_buffer prp_lists;
    struct nvme_slot slots[NVME_SLOTS];
    struct nvme_buffer pool_buffer; /* nvme=pool */
    struct driver_pool pool;
    uint16_t pool_links[NVME_SLOTS];

    char error[120];
};

/* Keeps the first error; returns false. */
bool nvme_fail(struct nvme *nvme, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* dma.c: the domain and what is mapped into it. */
bool nvme_dma_open(struct nvme *nvme) __attribute__((warn_unused_result));
void nvme_dma_close(struct nvme *nvme);
bool nvme_buffer_open(struct nvme *nvme, struct nvme_buffer *buffer, unsigned index, size_t pages)
    __attribute__((warn_unused_result));
bool nvme_buffer_map(struct nvme *nvme, struct nvme_buffer *buffer, size_t pages, ULONG permissions)
    __attribute__((warn_unused_result));
bool nvme_buffer_unmap(struct nvme *nvme, struct nvme_buffer *buffer)
    __attribute__((warn_unused_result));
/* Of either kind: unmaps and frees. What cannot be unmapped stays the task's. */
void nvme_buffer_close(struct nvme *nvme, struct nvme_buffer *buffer);
/* The same for a buffer with a reserved range: mapping cannot fail for memory. Its logical address
 * holds once it has been mapped. */
bool nvme_reserved_open(struct nvme *nvme, struct nvme_buffer *buffer, unsigned index, size_t pages)
    __attribute__((warn_unused_result));
bool nvme_reserved_map(struct nvme *nvme, struct nvme_buffer *buffer, ULONG permissions)
    __attribute__((warn_unused_result));
bool nvme_reserved_unmap(struct nvme *nvme, struct nvme_buffer *buffer)
    __attribute__((warn_unused_result));
/* A pool of `count` buffers, write-only, of a buffer with a reserved range that is not mapped. */
bool nvme_pool_open(struct nvme *nvme, struct driver_pool *pool, const struct nvme_buffer *buffer,
                    uint16_t *links, uint16_t count) __attribute__((warn_unused_result));
/* Closes both. What cannot be unmapped stays the task's. */
void nvme_pool_close(struct nvme *nvme, struct driver_pool *pool, struct nvme_buffer *buffer);

/* data.c: where a slot's transfer goes to. */
bool nvme_data_open(struct nvme *nvme) __attribute__((warn_unused_result));
/* Once the controller does no DMA any more. */
void nvme_data_close(struct nvme *nvme);
bool nvme_data_begin(struct nvme *nvme, struct nvme_slot *slot, size_t pages)
    __attribute__((warn_unused_result));
void nvme_data_set_prps(const struct nvme *nvme, const struct nvme_slot *slot, size_t pages,
                        struct nvme_command *command);
/* The data of a completed transfer, to be read until the release. nvme=map: the controller can no
 * longer change it; a pool's buffers stay in its reach. NULL: it could not be unmapped. */
const void *nvme_data_end(struct nvme *nvme, struct nvme_slot *slot)
    __attribute__((warn_unused_result));
/* Gives the place back, also of a transfer that failed: then once the controller does no DMA. */
void nvme_data_release(struct nvme *nvme, struct nvme_slot *slot);

/* queue.c: commands and completions. */
bool nvme_queue_open(struct nvme *nvme, struct nvme_queue *queue, uint16_t id, unsigned vector)
    __attribute__((warn_unused_result));
void nvme_queue_close(struct nvme *nvme, struct nvme_queue *queue);
void nvme_submit(struct nvme *nvme, struct nvme_queue *queue, const struct nvme_command *command);
/* Waits, bounded, for the next completion of the queue, whatever its status. */
bool nvme_complete(struct nvme *nvme, struct nvme_queue *queue, struct nvme_completion *completion)
    __attribute__((warn_unused_result));
bool nvme_check_status(struct nvme *nvme, const char *command, uint16_t status)
    __attribute__((warn_unused_result));

/* controller.c: registers and the Admin Command Set. */
bool nvme_controller_open(struct nvme *nvme) __attribute__((warn_unused_result));
/* Shuts the controller down and disables it: from then on it does no DMA. */
void nvme_controller_close(struct nvme *nvme);
/* False when the controller is gone or reports a fatal status. */
bool nvme_controller_check(struct nvme *nvme) __attribute__((warn_unused_result));
/* Leaves the data structure in nvme->identify, which is not mapped then. */
bool nvme_identify(struct nvme *nvme, enum nvme_cns cns, uint32_t namespace_id)
    __attribute__((warn_unused_result));

/* namespace.c: reads whole namespaces. */
struct nvme_summary {
    unsigned read;    /* namespaces read from first block to last */
    unsigned empty;   /* namespaces without blocks */
    unsigned skipped; /* by option disks=skip */
};

bool nvme_read_namespaces(struct nvme *nvme, struct nvme_summary *summary)
    __attribute__((warn_unused_result));

/* refusal.c: NVME-003, an unmapped segment is refused; NVME-004, the fault handler is told. */
void nvme_try_refusal(struct nvme *nvme);

/* bench.c: reads between markers, for option bench. What it mapped stays mapped when it fails. */
bool nvme_bench(struct nvme *nvme, uint32_t namespace_id, unsigned block_log2, uint64_t bytes)
    __attribute__((warn_unused_result));

extern const struct driver nvme_driver;

#endif
