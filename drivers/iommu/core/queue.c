/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/queue.h"

#include "arch/memory.h"
#include "arch/time.h"

bool iommu_queue_create(struct iommu_queue *queue)
{
    *queue = (struct iommu_queue){
        .lock = LOCK_INIT,
        .ring = memory_alloc(OWNER_IOMMU, 1, 0),
        .status = memory_alloc(OWNER_IOMMU, 1, 0),
    };
    if (!queue->ring || !queue->status)
        return false;
    queue->status_physical = memory_physical(queue->status);
    return true;
}

bool iommu_queue_hold(struct iommu_queue *queue)
{
    if (!iommu_queue_begin(queue))
        return false;
    queue->state = IOMMU_QUEUE_HELD;
    lock_give(&queue->lock);
    return true;
}

void iommu_queue_set_state(struct iommu_queue *queue, enum iommu_queue_state state)
{
    lock_take(&queue->lock);
    queue->state = state;
    lock_give(&queue->lock);
}

bool iommu_holds(const struct iommu_condition *condition)
{
    return (mmio_read32(condition->mmio, condition->reg) & condition->mask) == condition->value;
}

static bool register_holds(void *context)
{
    return iommu_holds(context);
}

bool iommu_await(const struct iommu_condition *condition)
{
    struct iommu_condition awaited = *condition;

    return wait_until(register_holds, &awaited, IOMMU_WAIT_NS);
}

struct completion {
    const struct iommu_queue *queue;
    uint32_t sequence;
    const struct iommu_condition *runs;
    bool done;
};

static bool is_settled(void *context)
{
    struct completion *completion = context;

    completion->done = iommu_queue_is_done(completion->queue, completion->sequence);
    return completion->done || !iommu_holds(completion->runs);
}

bool iommu_queue_await(const struct iommu_queue *queue, uint32_t sequence,
                       const struct iommu_condition *runs)
{
    struct completion completion = {queue, sequence, runs, false};

    return wait_until(is_settled, &completion, IOMMU_WAIT_NS) && completion.done;
}
