/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/edu/edu.h"
#include "drivers/edu/proof.h"
#include "drivers/edu/serve.h"

#include <driver_io.h>

enum {
    EDU_BAR = 0,
    EDU_BAR_LENGTH = 0x100000,
    EDU_IDENTIFICATION = 0x00, /* 0xRRrr00ED */
    EDU_INTERRUPT_STATUS = 0x24,
    EDU_INTERRUPT_ACKNOWLEDGE = 0x64,
    EDU_DMA_SOURCE = 0x80,
    EDU_DMA_DESTINATION = 0x88,
    EDU_DMA_COUNT = 0x90,
    EDU_DMA_COMMAND = 0x98,
    EDU_BUFFER = 0x40000, /* as the DMA engine addresses it; the processor cannot read it */
};

enum {
    EDU_COMMAND_RUN = 1 << 0,
    EDU_COMMAND_WRITE = 1 << 1, /* device to memory */
    EDU_COMMAND_INTERRUPT = 1 << 2,
};

#define EDU_TIMEOUT_NS UINT64_C(2000000000) /* a transfer takes about 0.1 s */

static bool engine_idle(void *context)
{
    const struct edu *edu = context;
    return (driver_read64(&edu->registers, EDU_DMA_COMMAND) & EDU_COMMAND_RUN) == 0;
}

static bool wait_for_engine(struct edu *edu, bool by_interrupt)
{
    struct driver_device *device = edu->device;
    const struct driver_services *services = device->services;

    if (by_interrupt) {
        bool came = services->interrupt_wait(device, 0, EDU_TIMEOUT_NS);
        uint32_t status = driver_read32(&edu->registers, EDU_INTERRUPT_STATUS);
        driver_write32(&edu->registers, EDU_INTERRUPT_ACKNOWLEDGE, status);
        if (!came) {
            services->log(device, DRIVER_WARNING, "no interrupt came: polling from now on");
            edu->interrupts = false;
        }
    }
    return services->wait(device, engine_idle, edu, EDU_TIMEOUT_NS);
}

bool edu_move(struct edu *edu, enum edu_direction direction, uint64_t logical, uint64_t length)
{
    uint64_t command = EDU_COMMAND_RUN;
    bool by_interrupt = edu->interrupts && !edu->detached;

    if (!engine_idle(edu))
        return false;
    if (direction == EDU_WRITE)
        command |= EDU_COMMAND_WRITE;
    if (by_interrupt)
        command |= EDU_COMMAND_INTERRUPT;
    driver_write64(&edu->registers, EDU_DMA_SOURCE, direction == EDU_READ ? logical : EDU_BUFFER);
    driver_write64(&edu->registers, EDU_DMA_DESTINATION,
                   direction == EDU_READ ? EDU_BUFFER : logical);
    driver_write64(&edu->registers, EDU_DMA_COUNT, length);
    driver_barrier();
    driver_write64(&edu->registers, EDU_DMA_COMMAND, command);
    return wait_for_engine(edu, by_interrupt);
}

bool edu_transfer(struct edu *edu, enum edu_direction direction, uint64_t logical)
{
    return edu_move(edu, direction, logical, EDU_BLOCK);
}

static bool edu_open(struct edu *edu)
{
    struct driver_device *device = edu->device;
    const struct driver_services *services = device->services;

    if (!services->window_map(device, EDU_BAR, &edu->registers) ||
        edu->registers.length < EDU_BAR_LENGTH) {
        services->log(device, DRIVER_ERROR, "BAR %d is not usable", EDU_BAR);
        return false;
    }
    uint32_t identification = driver_read32(&edu->registers, EDU_IDENTIFICATION);
    if ((identification & 0xFFFFu) != 0x00EDu) {
        services->log(device, DRIVER_ERROR, "identification 0x%08x is not that of edu",
                      (unsigned)identification);
        return false;
    }
    if (!services->wait(device, engine_idle, edu, EDU_TIMEOUT_NS)) {
        services->log(device, DRIVER_ERROR, "a transfer that was left behind does not end");
        return false;
    }
    edu->interrupts = services->interrupts_enable(device, 1) == 1;
    return true;
}

/* The driver contract: what the manager calls. */

static bool edu_start(struct driver_device *device)
{
    struct edu edu = {.device = device};

    if (!edu_open(&edu))
        return proof_not_run(device, DRIVER_UNDECIDED, "the device cannot be used");
    return proof_run(&edu);
}

static void edu_serve(struct driver_device *device)
{
    struct edu edu = {.device = device};

    if (edu_open(&edu))
        serve_requests(&edu);
}

static const struct driver_match edu_match[] = {
    {.vendor_id = 0x1234, .device_id = 0x11E8},
};

const struct driver edu_driver = {
    .name = "edu",
    .match = edu_match,
    .match_count = sizeof(edu_match) / sizeof(edu_match[0]),
    .start = edu_start,
    .serve = edu_serve,
};

DRIVER_REGISTER(edu_driver);
