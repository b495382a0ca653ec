/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

#include <driver_io.h>

#define COMMAND_TIMEOUT_NS UINT64_C(10000000000)
/* How long an interrupt is awaited before the controller is looked at again. */
#define LOOK_NS UINT64_C(250000000)

bool nvme_queue_open(struct nvme *nvme, struct nvme_queue *queue, uint16_t id, unsigned vector)
{
    unsigned largest = NVME_CAP_MQES(nvme->capabilities) + 1;

    queue->id = id;
    queue->entries = (uint16_t)(largest < NVME_QUEUE_ENTRIES ? largest : NVME_QUEUE_ENTRIES);
    queue->vector = vector;
    queue->tail = queue->head = 0;
    queue->phase = NVME_STATUS_PHASE;
    return nvme_reserved_open(nvme, &queue->submission, 2u * id, 1) &&
           nvme_reserved_open(nvme, &queue->completion, 2u * id + 1, 1) &&
           nvme_reserved_map(nvme, &queue->submission, IOMMU_ACCESS_READ) &&
           nvme_reserved_map(nvme, &queue->completion, IOMMU_ACCESS_WRITE);
}

void nvme_queue_close(struct nvme *nvme, struct nvme_queue *queue)
{
    nvme_buffer_close(nvme, &queue->submission);
    nvme_buffer_close(nvme, &queue->completion);
}

/* "Submission Queue y Tail Doorbell", "Completion Queue y Head Doorbell". */
static void ring(struct nvme *nvme, unsigned doorbell, uint16_t value)
{
    size_t stride = (size_t)4 << NVME_CAP_DSTRD(nvme->capabilities);

    driver_write32(&nvme->registers, NVME_DOORBELLS + doorbell * stride, value);
}

static uint16_t next(const struct nvme_queue *queue, uint16_t index)
{
    return (uint16_t)(index + 1 == queue->entries ? 0 : index + 1);
}

void nvme_submit(struct nvme *nvme, struct nvme_queue *queue, const struct nvme_command *command)
{
    struct nvme_command *entries = queue->submission.memory.address;

    entries[queue->tail] = *command;
    queue->tail = next(queue, queue->tail);
    driver_barrier();
    ring(nvme, 2u * queue->id, queue->tail);
}

static bool has_completion(void *context)
{
    const struct nvme_queue *queue = context;
    const volatile struct nvme_completion *entries = queue->completion.memory.address;

    return (entries[queue->head].status & NVME_STATUS_PHASE) == queue->phase;
}

static struct nvme_completion take_completion(struct nvme *nvme, struct nvme_queue *queue)
{
    const struct nvme_completion *entries = queue->completion.memory.address;

    driver_barrier(); /* the phase tag was read first, the rest of the entry after it */
    struct nvme_completion completion = entries[queue->head];
    queue->head = next(queue, queue->head);
    if (queue->head == 0)
        queue->phase ^= NVME_STATUS_PHASE;
    ring(nvme, 2u * queue->id + 1, queue->head);
    return completion;
}

/* Until a completion may be there. An interrupt that never comes is given up for polling. */
static void await_event(struct nvme *nvme, struct nvme_queue *queue)
{
    struct driver_device *device = nvme->device;
    const struct driver_services *services = device->services;

    if (nvme->interrupts == 0) {
        (void)services->wait(device, has_completion, queue, LOOK_NS);
    } else if (!services->interrupt_wait(device, queue->vector, LOOK_NS) && has_completion(queue)) {
        services->log(device, DRIVER_WARNING, "no interrupt came: polling from now on");
        nvme->interrupts = 0;
    }
}

bool nvme_complete(struct nvme *nvme, struct nvme_queue *queue, struct nvme_completion *completion)
{
    struct driver_device *device = nvme->device;
    uint64_t end = device->services->now_ns(device) + COMMAND_TIMEOUT_NS;

    while (!has_completion(queue)) {
        if (!nvme_controller_check(nvme))
            return false;
        if (device->services->now_ns(device) >= end)
            return nvme_fail(nvme, "a command was not completed within 10 s");
        await_event(nvme, queue);
    }
    *completion = take_completion(nvme, queue);
    if (completion->submission_queue != queue->id)
        return nvme_fail(nvme, "a completion names submission queue %u",
                         completion->submission_queue);
    return true;
}

bool nvme_check_status(struct nvme *nvme, const char *command, uint16_t status)
{
    return NVME_STATUS_SUCCESS(status) ||
           nvme_fail(nvme, "%s completed with status code type %xh, status code %02xh", command,
                     NVME_STATUS_TYPE(status), NVME_STATUS_CODE(status));
}
