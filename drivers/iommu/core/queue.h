/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_CORE_QUEUE_H
#define DRIVERS_IOMMU_CORE_QUEUE_H

#include "arch/mmio.h"
#include "arch/table.h"
#include "lib/lock.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Commands of 128 bits that a unit reads from a ring in memory. Whoever has taken the queue's lock
 * appends a batch, ends it with a command that stores the batch's number in the status word when
 * all before it has taken effect, publishes the new tail, gives the lock back, and waits.
 * Each context has one batch at a time, so those of all contexts fit into the ring.
 */
#define IOMMU_QUEUE_ENTRIES 256u
#define IOMMU_QUEUE_BYTES   (IOMMU_QUEUE_ENTRIES * 16u)

/* Longest time a register or a batch may take. */
#define IOMMU_WAIT_NS (UINT64_C(1000) * 1000 * 1000)

enum iommu_queue_state {
    IOMMU_QUEUE_OPEN,
    IOMMU_QUEUE_HELD, /* one context has it for itself */
    IOMMU_QUEUE_DEAD, /* a wait ran out: no further batch is tried */
};

struct iommu_queue {
    struct lock lock;
    enum iommu_queue_state state; /* changed and read under the lock */
    uint32_t sequence;            /* number of the last batch */
    uint32_t tail;                /* byte offset of the next command, as in the tail register */
    uint64_t *ring;
    uint32_t *status; /* numbers of batches that have taken effect; room for 64 bits */
    uint64_t status_physical;
};

/* Empty and open. False: no memory. */
bool iommu_queue_create(struct iommu_queue *queue) __attribute__((warn_unused_result));

/* From open to held. False: it is not open. */
bool iommu_queue_hold(struct iommu_queue *queue) __attribute__((warn_unused_result));
void iommu_queue_set_state(struct iommu_queue *queue, enum iommu_queue_state state);

/* Under the lock, which is given back unless the queue is open. */
static inline bool iommu_queue_enter(struct iommu_queue *queue)
{
    if (queue->state == IOMMU_QUEUE_OPEN)
        return true;
    lock_give(&queue->lock);
    return false;
}

/* Takes the lock. False, and not taken: the queue is not open. */
static inline __attribute__((warn_unused_result)) bool iommu_queue_begin(struct iommu_queue *queue)
{
    lock_take(&queue->lock);
    return iommu_queue_enter(queue);
}

/* The same, but does not wait for the lock either. */
static inline __attribute__((warn_unused_result)) bool iommu_queue_try(struct iommu_queue *queue)
{
    return lock_try(&queue->lock) && iommu_queue_enter(queue);
}

/* Accesses to the ring are coherent in every unit: no write-back. Returns the next tail. */
static inline uint32_t iommu_queue_append(const struct iommu_queue *queue, uint32_t tail,
                                          uint64_t low, uint64_t high)
{
    uint64_t *slot = (uint64_t *)(void *)((char *)queue->ring + tail);

    table_store64(&slot[0], low);
    table_store64(&slot[1], high);
    return (tail + 16) % IOMMU_QUEUE_BYTES;
}

/* Gives the unit all commands before the tail. */
static inline void iommu_queue_publish(struct iommu_queue *queue, uint32_t tail,
                                       const struct mmio *mmio, reg64_t tail_register)
{
    queue->tail = tail;
    table_fence();
    mmio_write64(mmio, tail_register, tail);
}

/* The numbers tell a late completion of an earlier batch from this one's. */
static inline bool iommu_queue_is_done(const struct iommu_queue *queue, uint32_t sequence)
{
    return (int32_t)(__atomic_load_n(queue->status, __ATOMIC_ACQUIRE) - sequence) >= 0;
}

/* (register & mask) == value */
struct iommu_condition {
    const struct mmio *mmio;
    reg32_t reg;
    uint32_t mask, value;
};

bool iommu_holds(const struct iommu_condition *condition);

/* Waits until it holds; false: time ran out. */
bool iommu_await(const struct iommu_condition *condition) __attribute__((warn_unused_result));

/* Waits until the batch is done; false: time ran out, or the queue runs no more. */
bool iommu_queue_await(const struct iommu_queue *queue, uint32_t sequence,
                       const struct iommu_condition *runs) __attribute__((warn_unused_result));

#endif
