/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The behaviours of tests/api/ on the real unit. Once the drivers have ended, devices of QEMU's edu
 * kind are bound to an owner of the tests' own and worked through their registers.
 */
#include "tests/api/api.h"

#include "arch/mmio.h"
#include "arch/time.h"
#include "lib/log.h"
#include "tests/image/image.h"

#define TEST_OWNER  ((owner_t)(OWNER_DRIVER + 0x1000))
#define OTHER_OWNER ((owner_t)(OWNER_DRIVER + 0x1001))

#define EDU_VENDOR  0x1234
#define EDU_DEVICE  0x11E8
#define EDU_BAR     0

/* QEMU, docs/specs/edu: the DMA engine moves bytes between memory and a buffer at 0x40000. */
static const reg64_t edu_source = {0x80}, edu_destination = {0x88}, edu_count = {0x90},
                     edu_command = {0x98};
#define EDU_BUFFER         UINT64_C(0x40000)
#define EDU_RUN            UINT64_C(1)
#define EDU_TO_MEMORY      UINT64_C(2)
#define EDU_BUDGET_NS      (2 * NS_PER_S) /* a transfer takes about 0.1 s */
#define EDU_WINDOW_MINIMUM 0x100

static struct mmio windows[API_DEVICES];

static bool is_idle(void *context)
{
    return !(mmio_read64(context, edu_command) & EDU_RUN);
}

static bool transfer(struct api *api, unsigned index, bool write, uint64_t address)
{
    struct mmio *window = &windows[index];

    (void)api;
    if (!is_idle(window))
        return false;
    mmio_write64(window, edu_source, write ? EDU_BUFFER : address);
    mmio_write64(window, edu_destination, write ? address : EDU_BUFFER);
    mmio_write64(window, edu_count, sizeof(uint64_t));
    mmio_write64(window, edu_command, EDU_RUN | (write ? EDU_TO_MEMORY : 0));
    return wait_until(is_idle, window, EDU_BUDGET_NS);
}

static const struct api_machine machine = {.transfer = transfer};

static bool take_device(struct api *api, uint16_t endpoint)
{
    const struct pci_function *function = &api->iommu->pci->functions[endpoint];
    const struct pci_bar *bar = &function->bars[EDU_BAR];

    if (function->vendor_id != EDU_VENDOR || function->device_id != EDU_DEVICE ||
        api->device_count == API_DEVICES || bar->kind != PCI_BAR_MEMORY || !bar->address ||
        bar->length < EDU_WINDOW_MINIMUM ||
        !mmio_map(bar->address, bar->length, &windows[api->device_count]))
        return false;
    pci_enable_memory(function);
    api->endpoints[api->device_count++] = endpoint;
    return true;
}

/* The last function that is not worked stands in for one that no unit guards. */
static void find_devices(struct api *api)
{
    for (uint16_t i = 0; i < api->iommu->pci->count; i++)
        if (iommu_covered(api->iommu, i) && !take_device(api, i))
            api->spare = i;
}

void image_tests_all(struct iommu *iommu, bool (*stopped)(void))
{
    static struct api api;

    api = (struct api){
        .iommu = iommu, .machine = &machine, .owner = TEST_OWNER, .other = OTHER_OWNER};
    find_devices(&api);
    if (!api_begin(&api)) {
        results_add("API-001", NULL, RESULT_ERROR, "no memory or no interface for the tests");
        return;
    }
    api.unrecorded = api.device_count && !api_records_refusals(&api);
    if (api.unrecorded)
        log_write(LOG_WARNING, "tests",
                  "refusals are not recorded as they are: memory alone judges");
    for (unsigned i = 0; i < API_COUNT && !(stopped && stopped()); i++) {
        api_run(&api, i);
        results_add(api_behaviour(i).id, NULL, api.result, api.reason);
    }
    api_end(&api);
}
