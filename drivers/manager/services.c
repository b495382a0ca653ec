/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "arch/mmio.h"
#include "arch/time.h"
#include "drivers/manager/binding.h"
#include "lib/log.h"
#include "lib/results.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_LENGTH 200

static bool window_map(struct driver_device *device, unsigned bar, struct driver_window *window)
{
    const struct pci_function *function = binding_of(device)->function;
    struct mmio mmio;

    if (bar >= PCI_BARS || function->bars[bar].kind != PCI_BAR_MEMORY ||
        !function->bars[bar].address || !function->bars[bar].length ||
        !mmio_map(function->bars[bar].address, function->bars[bar].length, &mmio))
        return false;
    pci_enable_memory(function);
    window->base = (volatile void *)mmio.base;
    window->length = mmio.length;
    return true;
}

static bool memory_take(struct driver_device *device, size_t pages, struct driver_memory *memory)
{
    struct binding *binding = binding_of(device);

    for (unsigned i = 0; pages && i < MANAGER_MEMORIES; i++) {
        struct driver_memory *slot = &binding->memories[i];

        if (slot->length)
            continue;
        slot->address = memory_alloc(binding->owner, pages, 0);
        if (!slot->address)
            return false;
        slot->physical = memory_physical(slot->address);
        slot->length = pages * FRAME_SIZE;
        *memory = *slot;
        return true;
    }
    return false;
}

/* Memory that a table still maps, or that a failed wait keeps, stays with its owner for ever.
 * Between the look and the giving back no other context of the owner may map or unmap it: one
 * processor. */
static void memory_drop(struct binding *binding, struct driver_memory *slot)
{
    if (!iommu_releasable(manager_current()->iommu, binding->owner, slot->physical, slot->length)) {
        log_write(LOG_WARNING, binding->name, "memory at 0x%llx is mapped and cannot be freed",
                  (unsigned long long)slot->physical);
        return;
    }
    (void)memory_free(binding->owner, slot->address, slot->length / FRAME_SIZE);
    *slot = (struct driver_memory){0};
}

static void memory_give(struct driver_device *device, struct driver_memory *memory)
{
    struct binding *binding = binding_of(device);

    for (unsigned i = 0; memory->length && i < MANAGER_MEMORIES; i++)
        if (binding->memories[i].length && binding->memories[i].physical == memory->physical)
            memory_drop(binding, &binding->memories[i]);
    *memory = (struct driver_memory){0};
}

static unsigned interrupts_enable(struct driver_device *device, unsigned wanted)
{
    struct binding *binding = binding_of(device);
    unsigned offered =
        binding->function->msix ? binding->function->msix_vectors : binding->function->msi != 0;

    while (binding->interrupt_count < wanted && binding->interrupt_count < offered &&
           binding->interrupt_count < MANAGER_INTERRUPTS) {
        unsigned index = binding->interrupt_count;
        struct msi_message message;

        if (!irq_allocate(&binding->lines[index], &message))
            break;
        binding->raised[index] = false;
        if (!pci_msi_enable(binding->function, index, &message)) {
            irq_release(binding->lines[index]);
            break;
        }
        binding->interrupt_count++;
    }
    return binding->interrupt_count;
}

static uint64_t deadline_in(uint64_t timeout_ns)
{
    uint64_t now = time_ns();

    return timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
}

static bool is_raised(void *context)
{
    return *(const bool *)context;
}

static bool interrupt_wait(struct driver_device *device, unsigned index, uint64_t timeout_ns)
{
    struct binding *binding = binding_of(device);

    if (index >= binding->interrupt_count)
        return false;
    struct wait wait = {is_raised, &binding->raised[index], deadline_in(timeout_ns), false};
    bool came = manager_wait(binding, &wait);
    binding->raised[index] = false;
    return came;
}

static bool wait_for(struct driver_device *device, bool (*ready)(void *context), void *context,
                     uint64_t timeout_ns)
{
    struct wait wait = {ready, context, deadline_in(timeout_ns), false};

    return manager_wait(binding_of(device), &wait);
}

static uint64_t now_ns(struct driver_device *device)
{
    (void)device;
    return time_ns();
}

static bool take_record(struct driver_device *device, struct driver_record *record)
{
    struct binding *binding = binding_of(device);

    if (!binding->record_count)
        return false;
    *record = binding->records[0];
    binding->record_count--;
    for (unsigned i = 0; i < binding->record_count; i++)
        binding->records[i] = binding->records[i + 1];
    return true;
}

__attribute__((format(printf, 3, 4))) static void
write_log(struct driver_device *device, enum driver_level level, const char *format, ...)
{
    static const enum log_level levels[] = {
        [DRIVER_ERROR] = LOG_ERROR,
        [DRIVER_WARNING] = LOG_WARNING,
        [DRIVER_INFO] = LOG_INFO,
        [DRIVER_DEBUG] = LOG_DEBUG,
    };
    char text[TEXT_LENGTH];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_write(level <= DRIVER_DEBUG ? levels[level] : LOG_DEBUG, device->name, "%s", text);
}

__attribute__((format(printf, 4, 5))) static void add_test(struct driver_device *device,
                                                           const char *id,
                                                           enum driver_result result,
                                                           const char *reason, ...)
{
    static const enum result results[] = {
        [DRIVER_PASS] = RESULT_PASS,       [DRIVER_FAIL] = RESULT_FAIL, [DRIVER_SKIP] = RESULT_SKIP,
        [DRIVER_UNDECIDED] = RESULT_ERROR, [DRIVER_NOTE] = RESULT_INFO,
    };
    char text[TEXT_LENGTH] = "";
    va_list arguments;

    if (reason) {
        va_start(arguments, reason);
        vsnprintf(text, sizeof text, reason, arguments);
        va_end(arguments);
    }
    results_add(id, device->location, result <= DRIVER_NOTE ? results[result] : RESULT_ERROR,
                reason ? text : NULL);
}

static void add_disk(struct driver_device *device, const char *name, uint64_t bytes,
                     const char *sha256_hex)
{
    (void)device;
    manager_current()->disk(name, bytes, sha256_hex);
}

static const char *option(struct driver_device *device, const char *name)
{
    (void)device;
    return manager_current()->option(name);
}

static bool is_asked(void *context)
{
    const struct binding *binding = context;

    return binding->request || binding->dismissed;
}

static bool next_request(struct driver_device *device, struct driver_request *request)
{
    struct binding *binding = binding_of(device);
    struct wait wait = {is_asked, binding, UINT64_MAX, true};

    binding->busy = false;
    if (!binding->serves || !manager_wait(binding, &wait) || !binding->request)
        return false;
    *request = *binding->request;
    binding->request = NULL;
    binding->busy = true;
    return true;
}

__attribute__((format(printf, 3, 4))) static void reply(struct driver_device *device, bool done,
                                                        const char *format, ...)
{
    struct binding *binding = binding_of(device);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(binding->reply, sizeof binding->reply, format, arguments);
    va_end(arguments);
    binding->done = done;
    binding->busy = false;
}

const struct driver_services manager_services = {
    .window_map = window_map,
    .memory_alloc = memory_take,
    .memory_free = memory_give,
    .interrupts_enable = interrupts_enable,
    .interrupt_wait = interrupt_wait,
    .wait = wait_for,
    .now_ns = now_ns,
    .take_record = take_record,
    .log = write_log,
    .test = add_test,
    .disk = add_disk,
    .option = option,
    .next_request = next_request,
    .reply = reply,
};

void manager_release(struct binding *binding)
{
    struct iommu *iommu = manager_current()->iommu;

    pci_msi_disable(binding->function);
    for (unsigned i = 0; i < binding->interrupt_count; i++)
        irq_release(binding->lines[i]);
    binding->interrupt_count = 0;
    if (!iommu_reclaim(iommu, binding->owner))
        log_write(LOG_ERROR, binding->name, "its device could not be detached; it is stopped");
    for (unsigned i = 0; i < MANAGER_MEMORIES; i++)
        if (binding->memories[i].length)
            memory_drop(binding, &binding->memories[i]);
    iommu_bind(iommu, binding->endpoint, OWNER_FREE);
}
