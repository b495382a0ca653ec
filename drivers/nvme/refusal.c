/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

#define FAULT_TIMEOUT_NS UINT64_C(500000000)
/* A unit with one fault record loses what comes while another requester's stands in it: once more.
 */
#define AGAIN_TIMEOUT_NS UINT64_C(100000000)
/* Once one fault was told of: for what else was recorded of the same access. */
#define REPEATS_NS UINT64_C(1000000)

/*
 * The identify buffer's page of a reserved range: the controller writes it while a segment is
 * mapped there, not after the unmap, and again when it is mapped anew. Memory is the judge: the
 * status that the controller completes with is not looked at.
 */
struct verdict {
    enum driver_result result;
    const char *reason;
};

#define CANARY UINT64_C(0x9E3779B97F4A7C15)

static void fill(const struct nvme *nvme)
{
    uint64_t *words = nvme->identify.memory.address;

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        words[i] = CANARY * (i + 1);
}

static bool is_intact(const struct nvme *nvme)
{
    const uint64_t *words = nvme->identify.memory.address;

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        if (words[i] != CANARY * (i + 1))
            return false;
    return true;
}

/* The page is mapped for the command alone. */
static bool is_written(struct nvme *nvme)
{
    fill(nvme);
    return nvme_identify(nvme, NVME_CNS_CONTROLLER, 0) && !is_intact(nvme);
}

static bool was_told(void *context)
{
    const struct nvme_faults *faults = context;
    return faults->matching > 0;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* The same command without the segment. False: the controller did not complete it. It may be many
 * requests and leave many records: each is expected until the page is mapped again. */
static bool try_unmapped(struct nvme *nvme, uint64_t timeout_ns)
{
    struct driver_device *device = nvme->device;
    const struct nvme_command command = {
        .opcode = NVME_IDENTIFY, .prp = {nvme->identify.logical}, .cdw10 = NVME_CNS_CONTROLLER};
    struct nvme_completion completion;

    fill(nvme);
    nvme->faults.expected = nvme->identify.logical;
    nvme->faults.armed = true;
    nvme_submit(nvme, &nvme->admin, &command);
    bool done = nvme_complete(nvme, &nvme->admin, &completion);
    if (done && device->services->wait(device, was_told, &nvme->faults, timeout_ns))
        (void)device->services->wait(device, never, NULL, REPEATS_NS);
    return done;
}

static struct verdict try_segment(struct nvme *nvme, uint64_t timeout_ns)
{
    if (!is_written(nvme))
        return (struct verdict){DRIVER_UNDECIDED, "the mapped page was not written"};
    if (!try_unmapped(nvme, timeout_ns))
        return (struct verdict){DRIVER_UNDECIDED, "the command was not completed"};
    if (!is_intact(nvme))
        return (struct verdict){DRIVER_FAIL, "the controller has written the unmapped page"};
    nvme->faults.armed = false;
    if (!is_written(nvme))
        return (struct verdict){DRIVER_FAIL, "the page could not be mapped and written again"};
    return (struct verdict){DRIVER_PASS, NULL};
}

void nvme_try_refusal(struct nvme *nvme)
{
    struct driver_device *device = nvme->device;
    struct verdict segment = try_segment(nvme, FAULT_TIMEOUT_NS);

    if (segment.result == DRIVER_PASS && nvme->faults.matching == 0)
        segment = try_segment(nvme, AGAIN_TIMEOUT_NS);
    device->services->test(device, "NVME-003", segment.result, segment.reason ? "%s" : NULL,
                           segment.reason);
    if (segment.result == DRIVER_UNDECIDED)
        device->services->test(device, "NVME-004", DRIVER_UNDECIDED, "%s", segment.reason);
    else if (nvme->faults.matching == 0)
        device->services->test(device, "NVME-004", DRIVER_FAIL,
                               "the handler was not told of a fault at 0x%llx",
                               (unsigned long long)nvme->faults.expected);
    else
        device->services->test(device, "NVME-004", DRIVER_PASS, NULL);
}
