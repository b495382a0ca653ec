/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
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
        if (!stuck && !wait_until(queue_is_idle, vtd, IOMMU_WAIT_NS))
            return false;
        if (!vtd_command(vtd, 0, GCMD_QIE, GSTS_QIES, 0))
            return false;
    }
    mmio_write32(&vtd->mmio, VTD_FSTS, FSTS_QUEUE_ERRORS);
    return true;
}

bool vtd_queue_start(struct vtd_unit *vtd)
{
    mmio_write64(&vtd->mmio, VTD_IQT, 0);
    mmio_write64(&vtd->mmio, VTD_IQA, memory_physical(vtd->queue.ring));
    return vtd_command(vtd, GCMD_QIE, 0, GSTS_QIES, GSTS_QIES);
}

static __attribute__((noinline, cold)) bool await(struct vtd_unit *vtd, uint32_t sequence)
{
    const struct iommu_condition runs = {&vtd->mmio, VTD_FSTS, FSTS_QUEUE_ERRORS, 0};

    if (iommu_queue_await(&vtd->queue, sequence, &runs))
        return true;
    iommu_queue_set_state(&vtd->queue, IOMMU_QUEUE_DEAD);
    log_write(LOG_ERROR, "DMAR", "invalidation not completed: FSTS 0x%x, head 0x%llx, tail 0x%llx",
              mmio_read32(&vtd->mmio, VTD_FSTS),
              (unsigned long long)mmio_read64(&vtd->mmio, VTD_IQH),
              (unsigned long long)mmio_read64(&vtd->mmio, VTD_IQT));
    return false;
}

/* Ends a batch with a wait descriptor, gives the queue lock back and waits. Mostly the unit is done
 * by now: one look saves the wait. */
static inline bool finish(struct vtd_unit *vtd, uint32_t tail)
{
    struct iommu_queue *queue = &vtd->queue;
    uint32_t sequence = ++queue->sequence;

    tail = iommu_queue_append(queue, tail, DESCRIPTOR_WAIT | WAIT_SW | (uint64_t)sequence << 32,
                              queue->status_physical);
    iommu_queue_publish(queue, tail, &vtd->mmio, VTD_IQT);
    lock_give(&queue->lock);
    return iommu_queue_is_done(queue, sequence) || await(vtd, sequence);
}

bool vtd_submit(struct vtd_unit *vtd, const struct vtd_descriptor *batch, unsigned count)
{
    if (!iommu_queue_begin(&vtd->queue))
        return false;
    uint32_t tail = vtd->queue.tail;
    for (unsigned i = 0; i < count; i++)
        tail = iommu_queue_append(&vtd->queue, tail, batch[i].low, batch[i].high);
    return finish(vtd, tail);
}

/* Page-selective invalidation can do the block. */
static inline bool is_selective(const struct vtd_unit *vtd, const struct iommu_block *block)
{
    return block->order < vtd->selective_orders;
}

static inline uint32_t append_block(const struct vtd_unit *vtd, uint32_t tail, uint16_t domain_id,
                                    const struct iommu_block *block, bool leaves_only)
{
    return iommu_queue_append(&vtd->queue, tail,
                              vtd_iotlb_descriptor(vtd, VTD_SELECTIVE, domain_id).low,
                              block->address | block->order | (leaves_only ? IOTLB_IH : 0));
}

static inline uint32_t append_domain(const struct vtd_unit *vtd, uint32_t tail, uint16_t domain_id)
{
    return iommu_queue_append(&vtd->queue, tail,
                              vtd_iotlb_descriptor(vtd, VTD_DOMAIN, domain_id).low, 0);
}

/* A block that page-selective invalidation cannot do makes it the whole domain, written over what
 * is there: the unit sees neither before the tail moves. */
bool vtd_invalidate(struct iommu_unit *unit, const struct iommu_invalidation *invalidation)
{
    struct vtd_unit *vtd = unit->vendor_state;
    const uint16_t domain_id = invalidation->domain_id;

    if (!iommu_queue_begin(&vtd->queue))
        return false;
    uint32_t tail = vtd->queue.tail;
    for (unsigned i = 0; i < invalidation->count; i++) {
        if (!is_selective(vtd, &invalidation->blocks[i])) {
            tail = append_domain(vtd, vtd->queue.tail, domain_id);
            break;
        }
        tail =
            append_block(vtd, tail, domain_id, &invalidation->blocks[i], invalidation->leaves_only);
    }
    return finish(vtd, tail);
}

bool vtd_forget(struct iommu_unit *unit, uint16_t domain_id, struct iommu_block block,
                bool leaves_only)
{
    struct vtd_unit *vtd = unit->vendor_state;

    if (!iommu_queue_try(&vtd->queue))
        return false;
    uint32_t tail = vtd->queue.tail;
    return finish(vtd, is_selective(vtd, &block)
                           ? append_block(vtd, tail, domain_id, &block, leaves_only)
                           : append_domain(vtd, tail, domain_id));
}
