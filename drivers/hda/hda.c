/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

#include <driver_io.h>
#include <stdarg.h>
#include <stdio.h>

#define SETTLE_NS UINT64_C(1000000)

/* Keeps the first one. */
static void note_error(char *error, size_t size, const char *format, va_list arguments)
{
    if (error[0] == '\0')
        (void)vsnprintf(error, size, format, arguments);
}

bool hda_fail(struct hda *hda, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note_error(hda->error, sizeof(hda->error), format, arguments);
    va_end(arguments);
    return false;
}

void hda_misheard(struct hda *hda, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note_error(hda->faults.error, sizeof(hda->faults.error), format, arguments);
    va_end(arguments);
}

bool hda_gives(struct hda *hda, const char *call, NTSTATUS status, NTSTATUS wanted)
{
    return status == wanted || hda_fail(hda, "returned 0x%08x, not 0x%08x: %s", (unsigned)status,
                                        (unsigned)wanted, call);
}

bool hda_wait(struct hda *hda, bool (*ready)(void *context), void *context, uint64_t timeout_ns)
{
    struct driver_device *device = hda->device;

    hda->waiting = true;
    bool came = device->services->wait(device, ready, context, timeout_ns);
    hda->waiting = false;
    return came;
}

/* ---- Tests ---- */

static const struct {
    const struct hda_test *tests;
    const size_t *count;
} suites[] = {
    {hda_v1_tests, &hda_v1_count},
    {hda_v2_tests, &hda_v2_count},
    {hda_stream_tests, &hda_stream_count},
};

static bool never(void *context)
{
    (void)context;
    return false;
}

/* Faults that a failed test leaves behind are not the next one's. */
static void forget_faults(struct hda *hda)
{
    if (hda_wait(hda, never, NULL, SETTLE_NS))
        return;
    hda_take_records(hda);
    hda->faults.page = hda->faults.tolerated[0] = hda->faults.tolerated[1] = HDA_NO_PAGE;
    hda->faults.unexpected = 0;
    hda->faults.outside_wait = false;
}

static void run_test(struct hda *hda, const struct hda_test *test)
{
    const struct driver_services *services = hda->device->services;
    char *misheard = hda->faults.error;

    hda->error[0] = misheard[0] = '\0';
    bool good = test->run(hda);
    services->test(hda->device, test->id, good ? DRIVER_PASS : DRIVER_FAIL, good ? NULL : "%s",
                   hda->error);
    if (misheard[0] != '\0')
        services->test(hda->device, test->fault_id, DRIVER_FAIL, "%s", misheard);
    else if (good)
        services->test(hda->device, test->fault_id, DRIVER_PASS, NULL);
    else
        services->test(hda->device, test->fault_id, DRIVER_UNDECIDED, "%s failed", test->id);
    if (!good || misheard[0] != '\0')
        forget_faults(hda);
}

/* Reports every id as `result`. Returns false, for the caller to return. */
static bool not_run(struct hda *hda, enum driver_result result)
{
    const struct driver_services *services = hda->device->services;

    for (size_t i = 0; i < ARRAYSIZE(suites); i++)
        for (size_t n = 0; n < *suites[i].count; n++) {
            services->test(hda->device, suites[i].tests[n].id, result, "%s", hda->error);
            services->test(hda->device, suites[i].tests[n].fault_id, result, "%s", hda->error);
        }
    return false;
}

static bool run_tests(struct hda *hda)
{
    for (size_t i = 0; i < ARRAYSIZE(suites); i++)
        for (size_t n = 0; n < *suites[i].count; n++)
            run_test(hda, &suites[i].tests[n]);
    return true;
}

/* ---- The driver contract: what the manager calls ---- */

static bool get_tables(struct hda *hda)
{
    NTSTATUS status = IoGetIommuInterface(DMA_IOMMU_INTERFACE_VERSION_1, &hda->legacy);

    if (NT_SUCCESS(status))
        status = IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_1, 0, &hda->ex1);
    if (NT_SUCCESS(status))
        status = IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_2, 0, &hda->ex2);
    return NT_SUCCESS(status) ||
           hda_fail(hda, "no table of the domain API: 0x%08x", (unsigned)status);
}

static bool hda_start(struct driver_device *device)
{
    struct hda hda = {.device = device,
                      .faults = {.page = HDA_NO_PAGE, .tolerated = {HDA_NO_PAGE, HDA_NO_PAGE}}};
    bool ran;

    device->context = &hda;
    if (!get_tables(&hda))
        ran = not_run(&hda, DRIVER_SKIP);
    else if (!hda_memory_open(&hda) || !hda_open(&hda))
        ran = not_run(&hda, DRIVER_UNDECIDED);
    else
        ran = run_tests(&hda);
    hda_close(&hda);
    device->context = NULL;
    device->services->memory_free(device, &hda.memory);
    return ran;
}

static void hda_stop(struct driver_device *device)
{
    struct hda *hda = device->context;

    if (hda != NULL)
        hda_close(hda);
}

static const struct driver_match hda_match[] = {
    {
        .vendor_id = DRIVER_ANY_ID,
        .device_id = DRIVER_ANY_ID,
        .class_mask = 0xFFFF00,
        .class_value = 0x040300, /* multimedia, High Definition Audio */
    },
};

const struct driver hda_driver = {
    .name = "hda",
    .match = hda_match,
    .match_count = ARRAYSIZE(hda_match),
    .last = true,
    .start = hda_start,
    .stop = hda_stop,
};

DRIVER_REGISTER(hda_driver);
