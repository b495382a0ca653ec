/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "tests/image/image.h"

#include "arch/memory.h"
#include "arch/time.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/x86.h"
#include "drivers/manager/manager.h"
#include "lib/results.h"

#include <stddef.h>
#include <stdint.h>

static void judge(const char *id, bool holds, const char *claim)
{
    results_add(id, NULL, holds ? RESULT_PASS : RESULT_FAIL, claim);
}

static bool may(uint64_t linear, bool write, bool execute)
{
    struct x86_access access = x86_access_at(linear);

    return access.present && access.write == write && access.execute == execute;
}

static bool image_rights_hold(void)
{
    for (uint64_t at = image_address(image_begin); at < image_address(image_end);
         at += FRAME_SIZE) {
        bool text = at >= image_address(image_text_begin) && at < image_address(image_text_end);
        bool data = at >= image_address(image_data_begin) && at < image_address(image_data_end);

        if (x86_access_at(at).present && !may(at, data, text))
            return false;
    }
    return true;
}

/* The lowest page of a fresh stack is its guard; the ones above are there. */
static bool stack_is_guarded(void)
{
    const size_t pages = 2;
    char *top = memory_alloc_stack(OWNER_IMAGE, pages);
    uint64_t bottom = (uint64_t)(uintptr_t)top - pages * FRAME_SIZE;

    return top && !x86_access_at(bottom - FRAME_SIZE).present && may(bottom, true, false);
}

static void processor_tests(void)
{
    uint64_t before = time_ns();

    judge("BOOT-001", !x86_access_at(0).present, "page 0 is not mapped");
    judge("BOOT-002", image_rights_hold(), "no page of the image is writable and executable");
    judge("BOOT-003", stack_is_guarded(), "a stack has an unmapped page below it");
    judge("BOOT-004", may((uint64_t)(uintptr_t)&before, true, false),
          "the stack cannot be executed");
    judge("BOOT-005", time_ns() > before, "time goes on");
}

/* After the drivers: nobody is attached, so every entry must be gone again. */
static void state_tests(const struct iommu *iommu)
{
    unsigned devices = 0, domains = 0;

    for (unsigned i = 0; i < IOMMU_DEVICES_MAX; i++)
        devices += iommu->devices[i].used;
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        domains += iommu->domains[i].ref && iommu->domains[i].owner >= OWNER_DRIVER;
    judge("CORE-001", devices == 0, "no device is left behind");
    judge("CORE-002", domains == 0, "no domain is left behind");
    judge("CORE-003", iommu->pool.reserved == 0, "no table page stays set aside");
}

static void fault_tests(const struct iommu *iommu)
{
    unsigned faults = 0;

    for (unsigned i = 0; i < iommu->unit_count; i++)
        faults += iommu->units[i].faults;
    if (!faults)
        results_add("IRQ-001", NULL, RESULT_SKIP, "no unit recorded a fault");
    else
        judge("IRQ-001", manager_fault_interrupts() > 0,
              "recorded faults are announced by interrupt");
}

void image_tests(struct iommu *iommu, bool all, bool (*stopped)(void))
{
    processor_tests();
    if (iommu_state(iommu) == IOMMU_ABSENT || iommu_state(iommu) == IOMMU_STATE_FAILED)
        return;
    state_tests(iommu);
    fault_tests(iommu);
    if (all)
        image_tests_all(iommu, stopped);
}
