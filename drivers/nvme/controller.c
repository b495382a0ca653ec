/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

#include <driver_io.h>

#define REGISTERS_BAR 0

/* Buffers 0 to 3 are the queues, from NVME_SLOT on the slots. */
enum { BUFFER_IDENTIFY = 4 };

static uint32_t status_register(const struct nvme *nvme)
{
    return driver_read32(&nvme->registers, NVME_CSTS);
}

bool nvme_controller_check(struct nvme *nvme)
{
    uint32_t status = status_register(nvme);

    if (status == NVME_GONE)
        return nvme_fail(nvme, "the controller is gone: its registers read all ones");
    if (status & NVME_CSTS_CFS)
        return nvme_fail(nvme, "the controller reports a fatal status (CSTS.CFS)");
    return true;
}

static bool is_ready(void *context)
{
    uint32_t status = status_register(context);
    return (status & (NVME_CSTS_RDY | NVME_CSTS_CFS)) != 0; /* or gone: all ones */
}

static bool is_disabled(void *context)
{
    uint32_t status = status_register(context);
    return status == NVME_GONE || (status & NVME_CSTS_RDY) == 0;
}

static bool is_shut_down(void *context)
{
    uint32_t status = status_register(context);
    return status == NVME_GONE || (status & NVME_CSTS_SHST_MASK) == NVME_CSTS_SHST_COMPLETE;
}

static bool wait_for(struct nvme *nvme, bool (*state)(void *context))
{
    struct driver_device *device = nvme->device;
    return device->services->wait(device, state, nvme, nvme->ready_timeout_ns);
}

static bool disable(struct nvme *nvme)
{
    driver_write32(&nvme->registers, NVME_CC, 0);
    return wait_for(nvme, is_disabled) ||
           nvme_fail(nvme, "the controller did not become disabled within %u ms",
                     (unsigned)(nvme->ready_timeout_ns / 1000000));
}

/* "Controller Initialization", up to CSTS.RDY. Pages of 4 KiB, the NVM command set. */
static bool enable(struct nvme *nvme)
{
    uint32_t last = (uint32_t)nvme->admin.entries - 1;

    driver_write32(&nvme->registers, NVME_AQA, last << 16 | last);
    driver_write64(&nvme->registers, NVME_ASQ, nvme->admin.submission.logical);
    driver_write64(&nvme->registers, NVME_ACQ, nvme->admin.completion.logical);
    if (nvme->interrupts == 0)
        driver_write32(&nvme->registers, NVME_INTMS, UINT32_MAX);
    driver_write32(&nvme->registers, NVME_CC,
                   NVME_CC_EN | NVME_CC_IOSQES(NVME_SUBMISSION_LOG2) |
                       NVME_CC_IOCQES(NVME_COMPLETION_LOG2));
    nvme->enabled = true;
    if (!wait_for(nvme, is_ready))
        return nvme_fail(nvme, "the controller did not become ready within %u ms (CAP.TO)",
                         (unsigned)(nvme->ready_timeout_ns / 1000000));
    return nvme_controller_check(nvme);
}

static bool read_capabilities(struct nvme *nvme)
{
    struct driver_device *device = nvme->device;

    if (!device->services->window_map(device, REGISTERS_BAR, &nvme->registers) ||
        nvme->registers.length < NVME_DOORBELLS)
        return nvme_fail(nvme, "BAR 0 is not usable");
    if (status_register(nvme) == NVME_GONE)
        return nvme_controller_check(nvme);
    uint64_t cap = nvme->capabilities = driver_read64(&nvme->registers, NVME_CAP);
    unsigned timeout = NVME_CAP_TO(cap);
    nvme->ready_timeout_ns = (timeout > 0 ? timeout : 1) * NVME_CAP_TO_UNIT_NS;
    if (!NVME_CAP_NVM(cap))
        return nvme_fail(nvme, "the controller lacks the NVM command set (CAP.CSS)");
    if (NVME_CAP_MPSMIN(cap) != 0)
        return nvme_fail(nvme, "the controller lacks pages of 4 KiB (CAP.MPSMIN)");
    if (nvme->registers.length < NVME_DOORBELLS + ((size_t)16 << NVME_CAP_DSTRD(cap)))
        return nvme_fail(nvme, "BAR 0 does not hold the doorbells (CAP.DSTRD)");
    return NVME_CAP_MQES(cap) >= 1 || nvme_fail(nvme, "the controller's queues are too short");
}

static bool run_admin(struct nvme *nvme, const char *name, const struct nvme_command *command)
{
    struct nvme_completion completion;

    nvme_submit(nvme, &nvme->admin, command);
    if (!nvme_complete(nvme, &nvme->admin, &completion))
        return false;
    if (completion.id != command->id)
        return nvme_fail(nvme, "%s was completed as command %u", name, completion.id);
    return nvme_check_status(nvme, name, completion.status);
}

bool nvme_identify(struct nvme *nvme, enum nvme_cns cns, uint32_t namespace_id)
{
    if (!nvme_reserved_map(nvme, &nvme->identify, IOMMU_ACCESS_WRITE))
        return false;
    const struct nvme_command command = {
        .opcode = NVME_IDENTIFY,
        .namespace_id = namespace_id,
        .prp = {nvme->identify.logical},
        .cdw10 = cns,
    };
    return run_admin(nvme, "Identify", &command) && nvme_reserved_unmap(nvme, &nvme->identify);
}

/* Copies a padded ASCII field of an Identify data structure, printable characters only. */
static void copy_text(char *out, const char *field, size_t length)
{
    while (length > 0 && field[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < length; i++)
        out[i] = field[i] >= ' ' && field[i] <= '~' ? field[i] : '.';
    out[length] = '\0';
}

static bool identify_controller(struct nvme *nvme)
{
    const struct nvme_identify_controller *data = nvme->identify.memory.address;
    char model[sizeof(data->model) + 1], serial[sizeof(data->serial) + 1];

    if (!nvme_identify(nvme, NVME_CNS_CONTROLLER, 0))
        return false;
    if ((data->sqes & 0xFu) > NVME_SUBMISSION_LOG2 || (data->cqes & 0xFu) > NVME_COMPLETION_LOG2)
        return nvme_fail(nvme, "the controller wants larger queue entries (SQES, CQES)");
    nvme->namespaces = data->namespaces;
    nvme->transfer_max = NVME_TRANSFER_MAX;
    if (data->mdts > 0 && data->mdts < 5)
        nvme->transfer_max = (size_t)PAGE_SIZE << data->mdts;
    copy_text(model, data->model, sizeof(data->model));
    copy_text(serial, data->serial, sizeof(data->serial));
    nvme->device->services->log(nvme->device, DRIVER_INFO, "%s, serial %s", model, serial);
    return true;
}

/* Create I/O Completion Queue comes first: the submission queue names it. */
static bool create_io_queues(struct nvme *nvme)
{
    struct nvme_queue *io = &nvme->io;
    uint32_t size_and_id = (uint32_t)(io->entries - 1) << 16 | io->id;
    uint32_t interrupts = nvme->interrupts > 0 ? NVME_QUEUE_INTERRUPTS | io->vector << 16 : 0;
    const struct nvme_command number = {
        .opcode = NVME_SET_FEATURES, .cdw10 = NVME_FEATURE_NUMBER_OF_QUEUES, .cdw11 = 0};
    const struct nvme_command completion = {.opcode = NVME_CREATE_IO_COMPLETION_QUEUE,
                                            .prp = {io->completion.logical},
                                            .cdw10 = size_and_id,
                                            .cdw11 = NVME_QUEUE_CONTIGUOUS | interrupts};
    const struct nvme_command submission = {.opcode = NVME_CREATE_IO_SUBMISSION_QUEUE,
                                            .prp = {io->submission.logical},
                                            .cdw10 = size_and_id,
                                            .cdw11 = NVME_QUEUE_CONTIGUOUS | (uint32_t)io->id
                                                                                 << 16};

    return run_admin(nvme, "Set Features (Number of Queues)", &number) &&
           run_admin(nvme, "Create I/O Completion Queue", &completion) &&
           run_admin(nvme, "Create I/O Submission Queue", &submission);
}

bool nvme_controller_open(struct nvme *nvme)
{
    struct driver_device *device = nvme->device;

    if (!read_capabilities(nvme) || !disable(nvme))
        return false;
    nvme->interrupts = device->services->interrupts_enable(device, nvme->bench ? 0 : 2);
    return nvme_queue_open(nvme, &nvme->admin, 0, 0) &&
           nvme_queue_open(nvme, &nvme->io, 1, nvme->interrupts > 1 ? 1 : 0) &&
           nvme_reserved_open(nvme, &nvme->identify, BUFFER_IDENTIFY, 1) && enable(nvme) &&
           identify_controller(nvme) && create_io_queues(nvme);
}

/* A normal shutdown is only asked of a controller that works; a failed one is disabled at once. */
void nvme_controller_close(struct nvme *nvme)
{
    if (nvme->capabilities == 0)
        return;
    uint32_t configuration = driver_read32(&nvme->registers, NVME_CC);
    if (nvme->error[0] == '\0' && (configuration & NVME_CC_EN)) {
        driver_write32(&nvme->registers, NVME_CC,
                       (configuration & ~NVME_CC_SHN_MASK) | NVME_CC_SHN_NORMAL);
        if (!wait_for(nvme, is_shut_down))
            (void)nvme_fail(nvme, "the controller did not shut down");
    }
    (void)disable(nvme);
}
