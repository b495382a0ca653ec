/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "lib/log.h"

struct amdvi_command amdvi_device_command(pci_bdf_t requester)
{
    return (struct amdvi_command){COMMAND_DEVTAB_ENTRY | requester, 0};
}

static inline uint64_t pages_of(uint16_t domain_id)
{
    return COMMAND_IOMMU_PAGES | (uint64_t)domain_id << PAGES_DOMAIN_SHIFT;
}

struct amdvi_command amdvi_domain_command(uint16_t domain_id)
{
    return (struct amdvi_command){pages_of(domain_id), PAGES_EVERYTHING | PAGES_S | PAGES_PDE};
}

static struct iommu_condition runs(const struct amdvi_unit *amdvi)
{
    return (struct iommu_condition){&amdvi->mmio, AMDVI_STATUS, STATUS_CMD_BUF_RUN,
                                    STATUS_CMD_BUF_RUN};
}

/* A new base sets head and tail to 0; not every unit shows it. */
bool amdvi_queue_start(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    amdvi->queue.tail = 0;
    mmio_write64(&amdvi->mmio, AMDVI_COMMAND_BASE,
                 memory_physical(amdvi->queue.ring) | AMDVI_RING_256);
    mmio_write32(&amdvi->mmio, AMDVI_COMMAND_HEAD, 0);
    mmio_write64(&amdvi->mmio, AMDVI_COMMAND_TAIL, 0);
    return amdvi_control(amdvi, CONTROL_CMD_BUF_EN, 0, STATUS_CMD_BUF_RUN, STATUS_CMD_BUF_RUN);
}

bool amdvi_queue_stop(struct amdvi_unit *amdvi)
{
    return amdvi_control(amdvi, 0, CONTROL_CMD_BUF_EN, STATUS_CMD_BUF_RUN, 0);
}

/* Ends a batch with a COMPLETION_WAIT and gives it to the unit. Returns its number. */
static inline uint32_t end_batch(struct amdvi_unit *amdvi, uint32_t tail)
{
    struct iommu_queue *queue = &amdvi->queue;
    uint32_t sequence = ++queue->sequence;

    tail = iommu_queue_append(queue, tail,
                              COMMAND_COMPLETION_WAIT | WAIT_S | queue->status_physical, sequence);
    iommu_queue_publish(queue, tail, &amdvi->mmio, AMDVI_COMMAND_TAIL);
    return sequence;
}

/* For whoever holds the queue. Lets the unit read each half of the ring before the other is
 * written again. */
static bool put(struct amdvi_unit *amdvi, struct amdvi_command command)
{
    struct iommu_queue *queue = &amdvi->queue;

    queue->tail = iommu_queue_append(queue, queue->tail, command.low, command.high);
    if (queue->tail % (IOMMU_QUEUE_BYTES / 2))
        return true;
    const struct iommu_condition is_read = {&amdvi->mmio, AMDVI_COMMAND_HEAD, IOMMU_QUEUE_BYTES - 1,
                                            queue->tail};
    iommu_queue_publish(queue, queue->tail, &amdvi->mmio, AMDVI_COMMAND_TAIL);
    return iommu_await(&is_read);
}

static bool put_domains(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    if (FIELD_GET(amdvi->efr, EFR_IASUP))
        return put(amdvi, (struct amdvi_command){COMMAND_IOMMU_ALL, 0});
    for (uint32_t id = 0; id < unit->caps.domain_ids; id++)
        if (!put(amdvi, amdvi_domain_command((uint16_t)id)))
            return false;
    return true;
}

/* For whoever holds the queue. One COMPLETION_WAIT stands behind all of it, so that no batch that
 * was lost counts as done before all is forgotten. */
static bool forget(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    const struct iommu *iommu = amdvi->iommu;
    const struct iommu_condition running = runs(amdvi);

    for (unsigned i = 0; i < iommu->requester_count; i++)
        if (iommu->requesters[i].unit == unit - iommu->units &&
            !put(amdvi, amdvi_device_command(iommu->requesters[i].id)))
            return false;
    if (!put_domains(unit))
        return false;
    return iommu_queue_await(&amdvi->queue, end_batch(amdvi, amdvi->queue.tail), &running);
}

/* An earlier system may have left entries of DeviceIDs that core does not know. */
static bool put_every_device(struct amdvi_unit *amdvi)
{
    if (FIELD_GET(amdvi->efr, EFR_IASUP))
        return true;
    for (uint32_t id = 0; id <= UINT16_MAX; id++)
        if (!put(amdvi, amdvi_device_command((pci_bdf_t)id)))
            return false;
    return true;
}

bool amdvi_forget_all(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    gate_enter(&amdvi->recovery);
    bool done = iommu_queue_hold(&amdvi->queue) && put_every_device(amdvi) && forget(unit);
    iommu_queue_set_state(&amdvi->queue, done ? IOMMU_QUEUE_OPEN : IOMMU_QUEUE_DEAD);
    gate_leave(&amdvi->recovery);
    return done;
}

/* What the event log says of the last stop. */
static const char *stop_event(const struct amdvi_unit *amdvi)
{
    uint32_t at = (uint32_t)mmio_read64(&amdvi->mmio, AMDVI_EVENT_TAIL);
    const uint64_t *log = __atomic_load_n(&amdvi->log, __ATOMIC_RELAXED); /* may be given up */

    for (unsigned i = 0; log && i < IOMMU_QUEUE_ENTRIES; i++) {
        at = (at - 16) % IOMMU_QUEUE_BYTES;
        uint64_t code = FIELD_GET(table_load64(&log[at / 8]), EVENT_CODE);
        if (code == EVENT_ILLEGAL_COMMAND_ERROR)
            return "ILLEGAL_COMMAND_ERROR";
        if (code == EVENT_COMMAND_HARDWARE_ERROR)
            return "COMMAND_HARDWARE_ERROR";
    }
    return "no event";
}

/* For whoever holds the queue. A buffer that has stopped by itself starts over; what was lost is
 * among all that the unit then forgets. */
static bool recover(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    const struct iommu_condition running = runs(amdvi);
    uint32_t head = mmio_read32(&amdvi->mmio, AMDVI_COMMAND_HEAD);

    if (iommu_holds(&running)) {
        log_write(LOG_ERROR, unit->name, "command not completed: head 0x%x, tail 0x%llx", head,
                  (unsigned long long)mmio_read64(&amdvi->mmio, AMDVI_COMMAND_TAIL));
        return false;
    }
    const char *event = stop_event(amdvi);
    bool done = amdvi_queue_stop(amdvi) && amdvi_queue_start(unit) && forget(unit);
    log_write(LOG_ERROR, unit->name, "command buffer stopped at 0x%x (%s): %s", head, event,
              done ? "restarted" : "not restarted");
    return done;
}

/* The buffer has stopped, or time ran out. The first context to come here recovers the buffer, any
 * other finds its own batch covered by that, or the queue dead. */
static __attribute__((noinline, cold)) bool await(struct iommu_unit *unit, uint32_t sequence)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    struct iommu_queue *queue = &amdvi->queue;
    const struct iommu_condition running = runs(amdvi);

    if (iommu_queue_await(queue, sequence, &running))
        return true;
    gate_enter(&amdvi->recovery);
    bool done = iommu_queue_is_done(queue, sequence);
    if (!done && iommu_queue_hold(queue)) {
        done = recover(unit);
        iommu_queue_set_state(queue, done ? IOMMU_QUEUE_OPEN : IOMMU_QUEUE_DEAD);
    }
    gate_leave(&amdvi->recovery);
    return done;
}

static inline bool finish(struct iommu_unit *unit, struct amdvi_unit *amdvi, uint32_t tail)
{
    uint32_t sequence = end_batch(amdvi, tail);

    lock_give(&amdvi->queue.lock);
    return iommu_queue_is_done(&amdvi->queue, sequence) || await(unit, sequence);
}

/* Behind the gate nobody holds the queue. */
static __attribute__((noinline, cold)) bool begin_late(struct amdvi_unit *amdvi)
{
    gate_enter(&amdvi->recovery);
    bool open = iommu_queue_begin(&amdvi->queue);
    gate_leave(&amdvi->recovery);
    return open;
}

static inline bool begin(struct amdvi_unit *amdvi)
{
    return iommu_queue_begin(&amdvi->queue) || begin_late(amdvi);
}

bool amdvi_submit(struct iommu_unit *unit, const struct amdvi_command *batch, unsigned count)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    if (!begin(amdvi))
        return false;
    uint32_t tail = amdvi->queue.tail;
    for (unsigned i = 0; i < count; i++)
        tail = iommu_queue_append(&amdvi->queue, tail, batch[i].low, batch[i].high);
    return finish(unit, amdvi, tail);
}

/* Address and S of a block. Order 52 is every address. */
static inline uint64_t pages_in(const struct iommu_block *block)
{
    uint64_t half = UINT64_C(1) << block->order >> 1;

    return block->order ? block->address | (half - 1) << PT_PAGE_SHIFT | PAGES_S : block->address;
}

static inline uint32_t append_block(const struct amdvi_unit *amdvi, uint32_t tail,
                                    uint16_t domain_id, const struct iommu_block *block,
                                    bool leaves_only)
{
    return iommu_queue_append(&amdvi->queue, tail, pages_of(domain_id),
                              pages_in(block) | (leaves_only ? 0 : PAGES_PDE));
}

bool amdvi_invalidate(struct iommu_unit *unit, const struct iommu_invalidation *invalidation)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    if (!begin(amdvi))
        return false;
    uint32_t tail = amdvi->queue.tail;
    for (unsigned i = 0; i < invalidation->count; i++)
        tail = append_block(amdvi, tail, invalidation->domain_id, &invalidation->blocks[i],
                            invalidation->leaves_only);
    return finish(unit, amdvi, tail);
}

bool amdvi_forget(struct iommu_unit *unit, uint16_t domain_id, struct iommu_block block,
                  bool leaves_only)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    return iommu_queue_try(&amdvi->queue) &&
           finish(unit, amdvi,
                  append_block(amdvi, amdvi->queue.tail, domain_id, &block, leaves_only));
}
