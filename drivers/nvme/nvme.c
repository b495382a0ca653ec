/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

#include <driver_io.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool nvme_fail(struct nvme *nvme, const char *format, ...)
{
    va_list arguments;

    if (nvme->error[0] != '\0')
        return false;
    va_start(arguments, format);
    (void)vsnprintf(nvme->error, sizeof(nvme->error), format, arguments);
    va_end(arguments);
    return false;
}

static void report_read(struct nvme *nvme, bool done, const struct nvme_summary *summary)
{
    struct driver_device *device = nvme->device;

    if (!done)
        device->services->test(device, "NVME-002", DRIVER_FAIL, "%s", nvme->error);
    else if (summary->read > 0)
        device->services->test(device, "NVME-002", DRIVER_PASS, NULL);
    else
        device->services->test(device, "NVME-002", DRIVER_SKIP, "%s",
                               summary->skipped > 0 ? "disks=skip: nothing is read"
                               : summary->empty > 0 ? "the medium is empty"
                                                    : "the controller has no namespace");
}

static void skip(struct nvme *nvme, const char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        nvme->device->services->test(nvme->device, ids[i], DRIVER_SKIP,
                                     "the controller is not usable");
}

static const char *const ids[] = {"NVME-002", "NVME-003", "NVME-004"};

/* NVME-001: ready and identified. NVME-002: read from the first block to the last. */
static void work(struct nvme *nvme)
{
    struct driver_device *device = nvme->device;
    struct nvme_summary summary;

    if (!nvme_controller_open(nvme)) {
        device->services->test(device, "NVME-001", DRIVER_FAIL, "%s", nvme->error);
        skip(nvme, ids, 3);
        return;
    }
    device->services->test(device, "NVME-001", DRIVER_PASS, NULL);
    bool done = nvme_read_namespaces(nvme, &summary);
    report_read(nvme, done, &summary);
    if (nvme->error[0] == '\0')
        nvme_try_refusal(nvme);
    else
        skip(nvme, &ids[1], 2);
}

static void close_buffers(struct nvme *nvme)
{
    nvme_data_close(nvme);
    nvme_buffer_close(nvme, &nvme->identify);
    nvme_queue_close(nvme, &nvme->io);
    nvme_queue_close(nvme, &nvme->admin);
}

static bool asks_to_skip(struct driver_device *device)
{
    const char *disks = device->services->option(device, "disks");

    return disks != NULL && strcmp(disks, "skip") == 0;
}

static bool asks_for_pool(struct driver_device *device)
{
    const char *way = device->services->option(device, "nvme");

    if (way != NULL && strcmp(way, "map") != 0 && strcmp(way, "pool") != 0)
        device->services->log(device, DRIVER_WARNING, "nvme=%s is neither map nor pool", way);
    return way != NULL && strcmp(way, "pool") == 0;
}

/* The controller is quiet before anything is taken from under it. One that cannot be silenced is
 * still cut off by the unmaps and the detach. */
static bool nvme_start(struct driver_device *device)
{
    const char *bench = device->services->option(device, "bench");
    struct nvme nvme = {.device = device,
                        .bench = bench != NULL,
                        .passes = bench != NULL && strcmp(bench, "pass") == 0,
                        .skips = asks_to_skip(device),
                        .pooled = asks_for_pool(device) && bench == NULL};

    device->context = &nvme;
    if (nvme_dma_open(&nvme)) {
        work(&nvme);
        nvme_controller_close(&nvme);
        close_buffers(&nvme);
        nvme_dma_close(&nvme);
    } else {
        device->services->test(device, "NVME-001", DRIVER_FAIL, "%s", nvme.error);
        skip(&nvme, ids, 3);
    }
    device->context = NULL;
    if (nvme.error[0] == '\0')
        return true;
    device->services->log(device, DRIVER_ERROR, "%s", nvme.error);
    return false;
}

/* Clears CC.EN without waiting: what is in flight is cut off when the device is detached. */
static void nvme_stop(struct driver_device *device)
{
    struct nvme *nvme = device->context;

    if (nvme != NULL && nvme->capabilities != 0)
        driver_write32(&nvme->registers, NVME_CC, 0);
}

static const struct driver_match nvme_match[] = {
    {
        .vendor_id = DRIVER_ANY_ID,
        .device_id = DRIVER_ANY_ID,
        .class_mask = 0xFFFFFF,
        .class_value = 0x010802, /* mass storage, non-volatile memory, NVM Express */
    },
};

const struct driver nvme_driver = {
    .name = "nvme",
    .match = nvme_match,
    .match_count = sizeof(nvme_match) / sizeof(nvme_match[0]),
    .start = nvme_start,
    .stop = nvme_stop,
};

DRIVER_REGISTER(nvme_driver);
