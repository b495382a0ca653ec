/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "arch/table.h"
#include "arch/time.h"
#include "drivers/iommu/vtd/regs.h"
#include "drivers/iommu/vtd/vtd.h"
#include "lib/log.h"

struct vtd_descriptor vtd_context_descriptor(enum vtd_granularity granularity, uint16_t domain_id,
                                             pci_bdf_t source)
{
    return (struct vtd_descriptor){DESCRIPTOR_CONTEXT | (uint64_t)granularity << 4 |
                                       (uint64_t)domain_id << 16 | (uint64_t)source << 32,
                                   0};
}

struct vtd_descriptor vtd_iotlb_descriptor(const struct vtd_unit *vtd,
                                           enum vtd_granularity granularity, uint16_t domain_id)
{
    return (struct vtd_descriptor){
        DESCRIPTOR_IOTLB | (uint64_t)granularity << 4 | vtd->drain | (uint64_t)domain_id << 16, 0};
}

static bool queue_is_idle(void *context)
{
    const struct vtd_unit *vtd = context;

    return mmio_read64(&vtd->mmio, VTD_IQH) == mmio_read64(&vtd->mmio, VTD_IQT);
}

/* "Queued Invalidation Interface": the queue may be disabled only when it is empty. One that has
 * stopped at an error never will be. Errors that were left would be taken for ours. */
bool vtd_queue_stop(struct vtd_unit *vtd)
{
    bool stuck = mmio_read32(&vtd->mmio, VTD_FSTS) & FSTS_QUEUE_ERRORS;

    if (mmio_read32(&vtd->mmio, VTD_GSTS) & GSTS_QIES) {
        if (!stuck && !wait_until(queue_is_idle, vtd, VTD_WAIT_NS))
            return false;
        if (!vtd_command(vtd, 0, GCMD_QIE, GSTS_QIES, 0))
            return false;
    }
    mmio_write32(&vtd->mmio, VTD_FSTS, FSTS_QUEUE_ERRORS);
    return true;
}

bool vtd_queue_start(struct vtd_unit *vtd)
{
    vtd->tail = 0;
    vtd->sequence = 0;
    *vtd->status = 0;
    vtd->status_physical = memory_physical(vtd->status);
    mmio_write64(&vtd->mmio, VTD_IQT, 0);
    mmio_write64(&vtd->mmio, VTD_IQA, memory_physical(vtd->queue));
    return vtd_command(vtd, GCMD_QIE, 0, GSTS_QIES, GSTS_QIES);
}

/* Accesses to the queue are coherent in every unit: no write-back. Returns the next tail. */
static inline uint32_t append(const struct vtd_unit *vtd, uint32_t tail, uint64_t low,
                              uint64_t high)
{
    uint64_t *slot = (uint64_t *)(void *)((char *)vtd->queue + tail);

    table_store64(&slot[0], low);
    table_store64(&slot[1], high);
    return (tail + sizeof *vtd->queue) % VTD_QUEUE_BYTES;
}

struct completion {
    const struct vtd_unit *vtd;
    uint32_t sequence;
    bool failed;
};

static bool is_complete(void *context)
{
    struct completion *completion = context;
    const struct vtd_unit *vtd = completion->vtd;
    uint32_t status = __atomic_load_n(vtd->status, __ATOMIC_ACQUIRE);

    if ((int32_t)(status - completion->sequence) >= 0)
        return true;
    completion->failed = mmio_read32(&vtd->mmio, VTD_FSTS) & FSTS_QUEUE_ERRORS;
    return completion->failed;
}

static __attribute__((noinline, cold)) bool await(struct vtd_unit *vtd, uint32_t sequence)
{
    struct completion completion = {vtd, sequence, false};

    if (wait_until(is_complete, &completion, VTD_WAIT_NS) && !completion.failed)
        return true;
    vtd->dead = true;
    log_write(LOG_ERROR, "DMAR", "invalidation not completed: FSTS 0x%x, head 0x%llx, tail 0x%llx",
              mmio_read32(&vtd->mmio, VTD_FSTS),
              (unsigned long long)mmio_read64(&vtd->mmio, VTD_IQH),
              (unsigned long long)mmio_read64(&vtd->mmio, VTD_IQT));
    return false;
}

/* Ends a batch with a wait descriptor, gives the queue lock back and waits. The status data numbers
 * the batch, so that a late completion of an earlier one is never taken for this one's. Mostly the
 * unit is done by now: one look saves the wait. */
static inline bool finish(struct vtd_unit *vtd, uint32_t tail)
{
    uint32_t sequence = ++vtd->sequence;

    tail = append(vtd, tail, DESCRIPTOR_WAIT | WAIT_SW | (uint64_t)sequence << 32,
                  vtd->status_physical);
    vtd->tail = tail;
    table_fence();
    mmio_write64(&vtd->mmio, VTD_IQT, tail);
    lock_give(&vtd->queue_lock);
    return __atomic_load_n(vtd->status, __ATOMIC_ACQUIRE) == sequence || await(vtd, sequence);
}

bool vtd_submit(struct vtd_unit *vtd, const struct vtd_descriptor *batch, unsigned count)
{
    if (vtd->dead)
        return false;
    lock_take(&vtd->queue_lock);
    uint32_t tail = vtd->tail;
    for (unsigned i = 0; i < count; i++)
        tail = append(vtd, tail, batch[i].low, batch[i].high);
    return finish(vtd, tail);
}

/* A block that page-selective invalidation cannot do makes it the whole domain, written over what
 * is there: the unit sees neither before the tail moves. */
bool vtd_invalidate(struct iommu_unit *unit, const struct iommu_invalidation *invalidation)
{
    struct vtd_unit *vtd = unit->vendor_state;

    if (vtd->dead)
        return false;
    lock_take(&vtd->queue_lock);
    const struct iommu_block *block = invalidation->blocks, *end = block + invalidation->count;
    uint64_t low = vtd_iotlb_descriptor(vtd, VTD_SELECTIVE, invalidation->domain_id).low;
    uint64_t hint = invalidation->leaves_only ? IOTLB_IH : 0;
    uint32_t tail = vtd->tail;
    do {
        if (block->order >= vtd->selective_orders) {
            low = vtd_iotlb_descriptor(vtd, VTD_DOMAIN, invalidation->domain_id).low;
            tail = append(vtd, vtd->tail, low, 0);
            break;
        }
        tail = append(vtd, tail, low, block->address | block->order | hint);
    } while (++block < end);
    return finish(vtd, tail);
}
