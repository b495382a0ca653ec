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

/* Accesses to the queue are coherent in every unit: no write-back. Returns the next place. */
static inline uint32_t append(const struct vtd_unit *vtd, uint32_t place, uint64_t low,
                              uint64_t high)
{
    struct vtd_descriptor *slot = &vtd->queue[place];

    table_store64(&slot->low, low);
    table_store64(&slot->high, high);
    return (place + 1) % VTD_QUEUE_ENTRIES;
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
static inline bool finish(struct vtd_unit *vtd, uint32_t place)
{
    uint32_t sequence = ++vtd->sequence;

    place = append(vtd, place, DESCRIPTOR_WAIT | WAIT_SW | (uint64_t)sequence << 32,
                   vtd->status_physical);
    vtd->tail = place;
    table_fence();
    mmio_write64(&vtd->mmio, VTD_IQT, (uint64_t)place * sizeof *vtd->queue);
    lock_give(&vtd->queue_lock);
    return __atomic_load_n(vtd->status, __ATOMIC_ACQUIRE) == sequence || await(vtd, sequence);
}

bool vtd_submit(struct vtd_unit *vtd, const struct vtd_descriptor *batch, unsigned count)
{
    if (vtd->dead)
        return false;
    lock_take(&vtd->queue_lock);
    uint32_t place = vtd->tail;
    for (unsigned i = 0; i < count; i++)
        place = append(vtd, place, batch[i].low, batch[i].high);
    return finish(vtd, place);
}

/* Page-selective invalidation can do every block. */
static inline bool can_select(const struct vtd_unit *vtd,
                              const struct iommu_invalidation *invalidation)
{
    for (unsigned i = 0; i < invalidation->count; i++)
        if (invalidation->blocks[i].order >= vtd->selective_orders)
            return false;
    return !invalidation->whole;
}

bool vtd_invalidate(struct iommu_unit *unit, const struct iommu_invalidation *invalidation)
{
    struct vtd_unit *vtd = unit->vendor_state;
    uint16_t id = invalidation->domain_id;

    if (vtd->dead)
        return false;
    lock_take(&vtd->queue_lock);
    uint32_t place = vtd->tail;
    if (!can_select(vtd, invalidation))
        return finish(vtd, append(vtd, place, vtd_iotlb_descriptor(vtd, VTD_DOMAIN, id).low, 0));
    uint64_t low = vtd_iotlb_descriptor(vtd, VTD_SELECTIVE, id).low;
    uint64_t hint = invalidation->tables ? 0 : IOTLB_IH;
    for (unsigned i = 0; i < invalidation->count; i++) {
        const struct iommu_block *block = &invalidation->blocks[i];

        place = append(vtd, place, low, block->address | block->order | hint);
    }
    return finish(vtd, place);
}
