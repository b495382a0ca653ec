/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/manager/manager.h"

#include "arch/memory.h"
#include "arch/task.h"
#include "arch/time.h"
#include "drivers/manager/binding.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "lib/results.h"

#include <stdio.h>

#define STACK_PAGES            8
#define FAULTS_AT_ONCE         16
#define FAULT_LINES_PER_SECOND 50
/* Longest idle time: a lost interrupt delays, it never hangs. */
#define IDLE_NS (100 * NS_PER_MS)

extern const struct driver *const drivers_begin[] __attribute__((visibility("hidden")));
extern const struct driver *const drivers_end[] __attribute__((visibility("hidden")));

static struct {
    const struct manager_setup *setup;
    struct binding bindings[MANAGER_BINDINGS];
    unsigned count;
    void *stack_pointer;           /* of the dispatcher while a task runs */
    const struct binding *running; /* NULL: the dispatcher itself runs */
    unsigned fault_interrupts;
    bool ask_units;     /* for faults that no interrupt tells of */
    uint64_t window_ns; /* the second that shown and hidden fault lines are counted in */
    unsigned shown, hidden;
} manager;

const struct manager_setup *manager_current(void)
{
    return manager.setup;
}

unsigned manager_bindings(void)
{
    return manager.count;
}

struct binding *manager_binding(unsigned n)
{
    return &manager.bindings[n];
}

unsigned manager_fault_interrupts(void)
{
    return manager.fault_interrupts;
}

void manager_silence(const struct pci_inventory *pci)
{
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *function = &pci->functions[i];

        if (!pci_is_bridge(function)) {
            pci_set_bus_master(function, false);
            pci_msi_disable(function);
        }
        pci_harden(function);
    }
}

static bool matches(const struct driver *driver, const struct pci_function *function)
{
    for (size_t i = 0; i < driver->match_count; i++) {
        const struct driver_match *match = &driver->match[i];

        if ((match->vendor_id == DRIVER_ANY_ID || match->vendor_id == function->vendor_id) &&
            (match->device_id == DRIVER_ANY_ID || match->device_id == function->device_id) &&
            (function->class_code & match->class_mask) == match->class_value)
            return true;
    }
    return false;
}

static void run_task(void *argument)
{
    struct binding *binding = argument;

    if (binding->serves)
        binding->driver->serve(&binding->device);
    else if (!binding->driver->start(&binding->device))
        log_write(LOG_WARNING, binding->name, "its driver stopped early");
    binding->state = TASK_ENDED;
    for (;;)
        task_switch(&binding->stack_pointer, manager.stack_pointer);
}

bool manager_begin(struct binding *binding, bool serves)
{
    void *stack = memory_alloc_stack(OWNER_IMAGE, STACK_PAGES);

    if (!stack)
        return false;
    binding->stack = stack;
    binding->stack_pointer = task_prepare(stack, run_task, binding);
    binding->state = TASK_READY;
    binding->progress_ns = time_ns();
    binding->serves = serves;
    iommu_bind(manager.setup->iommu, binding->endpoint, binding->owner);
    return true;
}

static void bind(const struct driver *driver, uint16_t endpoint, unsigned instance)
{
    const struct pci_function *function = &manager.setup->pci->functions[endpoint];
    struct binding *binding = &manager.bindings[manager.count];
    owner_t owner = (owner_t)(OWNER_DRIVER + manager.count);

    *binding = (struct binding){
        .driver = driver, .function = function, .endpoint = endpoint, .owner = owner};
    if (!manager_begin(binding, false)) {
        log_write(LOG_ERROR, driver->name, "no memory for a task");
        return;
    }
    manager.count++;
    snprintf(binding->name, sizeof binding->name, "%s%u", driver->name, instance);
    pci_name(function->segment, function->bdf, binding->location);
    binding->device = (struct driver_device){.pdo = manager.setup->pdo(endpoint),
                                             .name = binding->name,
                                             .location = binding->location,
                                             .instance = instance,
                                             .vendor_id = function->vendor_id,
                                             .device_id = function->device_id,
                                             .class_code = function->class_code,
                                             .services = &manager_services};
    log_write(LOG_INFO, binding->name, "bound to %s, %04x:%04x", binding->location,
              function->vendor_id, function->device_id);
}

const char *manager_owner_name(owner_t owner)
{
    for (unsigned i = 0; i < manager.count; i++)
        if (manager.bindings[i].owner == owner)
            return manager.bindings[i].name;
    return NULL;
}

const char *manager_bound_name(uint16_t endpoint)
{
    for (unsigned i = 0; i < manager.count; i++)
        if (manager.bindings[i].endpoint == endpoint)
            return manager.bindings[i].name;
    return NULL;
}

static void bind_all(const struct driver *driver)
{
    const struct pci_inventory *pci = manager.setup->pci;
    unsigned first = manager.count, found = 0;

    for (uint16_t i = 0; i < pci->count; i++) {
        char name[PCI_NAME_LENGTH];

        if (!matches(driver, &pci->functions[i]) || manager_bound_name(i))
            continue;
        found++;
        if (!iommu_covered(manager.setup->iommu, i))
            log_write(LOG_WARNING, driver->name, "%s left alone: no working unit guards it",
                      pci_name(pci->functions[i].segment, pci->functions[i].bdf, name));
        else if (manager.count == MANAGER_BINDINGS)
            log_write(LOG_WARNING, driver->name, "a device left alone: too many devices");
        else
            bind(driver, i, manager.count - first);
    }
    for (unsigned i = first; i < manager.count; i++)
        manager.bindings[i].device.instances = manager.count - first;
    if (!found)
        results_add("DRV-002", driver->name, RESULT_SKIP, "no device for this driver");
}

/* A storm must not drown the console. Counts stay exact: core has them. */
static bool may_show_fault(void)
{
    uint64_t now = time_ns();

    if (now - manager.window_ns >= NS_PER_S) {
        if (manager.hidden)
            log_write(LOG_WARNING, "iommu", "%u more refused requests", manager.hidden);
        manager.window_ns = now;
        manager.shown = manager.hidden = 0;
    }
    if (manager.shown < FAULT_LINES_PER_SECOND)
        return ++manager.shown;
    manager.hidden++;
    return false;
}

static void show_fault(const struct iommu_fault *fault, const char *requester)
{
    if (may_show_fault())
        log_write(
            LOG_NOTICE, fault->source,
            "[DMA %s NO_PASID] Request device [%s] fault addr 0x%llx [fault reason 0x%02x] %s",
            fault->write ? "Write" : "Read", requester, (unsigned long long)fault->address,
            fault->reason, fault->reason_text);
}

static void deliver(const struct iommu_fault *fault)
{
    char requester[PCI_NAME_LENGTH];

    show_fault(fault, pci_name(fault->segment, fault->requester, requester));
    iommu_report_fault(manager.setup->iommu, fault);
    for (unsigned i = 0; i < manager.count; i++) {
        struct binding *binding = &manager.bindings[i];

        if (binding->record_count < MANAGER_RECORDS &&
            iommu_sends_as(manager.setup->iommu, binding->endpoint, fault->segment,
                           fault->requester))
            binding->records[binding->record_count++] =
                (struct driver_record){fault->address, fault->write};
    }
}

/* True: there may be more, of which no interrupt tells any more. */
static bool drain_faults(void)
{
    struct iommu_fault faults[FAULTS_AT_ONCE];
    unsigned count = iommu_drain_faults(manager.setup->iommu, faults, FAULTS_AT_ONCE);

    for (unsigned i = 0; i < count; i++)
        deliver(&faults[i]);
    return count == FAULTS_AT_ONCE;
}

static bool take_fault_interrupts(void)
{
    const struct iommu *iommu = manager.setup->iommu;
    bool any = false;

    for (unsigned i = 0; i < iommu->unit_count; i++)
        if (iommu->units[i].fault_line != IRQ_NONE && irq_take(iommu->units[i].fault_line)) {
            manager.fault_interrupts++;
            any = true;
        }
    return any;
}

static void take_interrupts(void)
{
    for (unsigned i = 0; i < manager.count; i++) {
        struct binding *binding = &manager.bindings[i];

        for (unsigned n = 0; n < binding->interrupt_count; n++)
            if (irq_take(binding->lines[n]))
                binding->raised[n] = true;
    }
}

/* Takes back what an ended task held, its stack (with the guard page) last. */
static void end(struct binding *binding)
{
    char *bottom = (char *)binding->stack - (STACK_PAGES + 1) * FRAME_SIZE;

    manager_release(binding);
    (void)memory_free(OWNER_IMAGE, bottom, STACK_PAGES + 1);
}

static void switch_to(struct binding *binding)
{
    owner_t before = owner_enter(binding->owner);

    manager.running = binding;
    task_switch(&manager.stack_pointer, binding->stack_pointer);
    manager.running = NULL;
    owner_enter(before);
    if (binding->state == TASK_ENDED)
        end(binding);
}

/* Outside its task (in stop or a fault handler) a driver cannot wait: it only looks. */
bool manager_wait(struct binding *binding, const struct wait *wait)
{
    if (wait->ready(wait->context)) {
        binding->progress_ns = time_ns();
        return true;
    }
    if (manager.running != binding)
        return false;
    binding->wait = *wait;
    binding->timed_out = false;
    binding->state = TASK_WAITING;
    task_switch(&binding->stack_pointer, manager.stack_pointer);
    return !binding->timed_out;
}

static void give_up(struct binding *binding, const char *why)
{
    log_write(LOG_ERROR, binding->name, "given up: %s", why);
    results_add("DRV-001", binding->location, RESULT_ERROR, why);
    owner_t before = owner_enter(binding->owner);
    if (binding->driver->stop)
        binding->driver->stop(&binding->device);
    owner_enter(before);
    binding->state = TASK_ENDED;
    end(binding);
}

/* True when the task may run now. */
static bool is_runnable(struct binding *binding, uint64_t now)
{
    if (binding->state != TASK_WAITING)
        return binding->state == TASK_READY;
    owner_t before = owner_enter(binding->owner);
    bool ready = binding->wait.ready(binding->wait.context);
    owner_enter(before);
    binding->timed_out = !ready && now >= binding->wait.deadline_ns;
    if (ready)
        binding->progress_ns = now;
    return ready || binding->timed_out;
}

/* One round over all tasks. Returns how many have not ended; *ran tells whether any ran. */
static unsigned dispatch(bool *ran, uint64_t *deadline)
{
    uint64_t now = time_ns();
    unsigned alive = 0;

    *ran = false;
    *deadline = now + IDLE_NS;
    for (unsigned i = 0; i < manager.count; i++) {
        struct binding *binding = &manager.bindings[i];

        if (binding->state == TASK_ENDED)
            continue;
        alive++;
        if (is_runnable(binding, now)) {
            binding->state = TASK_READY;
            *ran = true;
            switch_to(binding);
        } else if (!binding->wait.patient &&
                   now - binding->progress_ns > manager.setup->task_limit_ns) {
            give_up(binding, "the driver did not end in time");
        } else if (binding->wait.deadline_ns < *deadline) {
            *deadline = binding->wait.deadline_ns;
        }
    }
    return alive;
}

/* One round. Returns how many tasks have not ended; after one in which no task ran, the caller
 * idles and units are asked again. */
static unsigned turn(bool *ran, uint64_t *deadline)
{
    take_interrupts();
    if (take_fault_interrupts() || manager.ask_units)
        manager.ask_units = drain_faults();
    unsigned alive = dispatch(ran, deadline);
    manager.ask_units |= !*ran;
    return alive;
}

static void give_up_all(void)
{
    for (unsigned i = 0; i < manager.count; i++)
        if (manager.bindings[i].state != TASK_ENDED)
            give_up(&manager.bindings[i], "it was stopped");
}

void manager_finish(void)
{
    bool ran;
    uint64_t deadline;

    manager.ask_units = false;
    while (turn(&ran, &deadline)) {
        if (manager.setup->stopped && manager.setup->stopped())
            give_up_all();
        else if (!ran)
            irq_idle(deadline);
    }
    (void)drain_faults();
}

void manager_poll(uint64_t deadline_ns)
{
    bool ran;
    uint64_t deadline;

    (void)turn(&ran, &deadline);
    if (!ran)
        irq_idle(deadline < deadline_ns ? deadline : deadline_ns);
}

static void run_drivers(bool last)
{
    for (const struct driver *const *driver = drivers_begin; driver != drivers_end; driver++)
        if ((*driver)->last == last)
            bind_all(*driver);
    manager_finish();
}

static void tell_overflows(const struct manager_setup *setup)
{
    for (unsigned i = 0; i < setup->iommu->unit_count; i++)
        if (setup->iommu->units[i].overflows)
            log_write(LOG_WARNING, setup->iommu->units[i].name,
                      "its fault records overflowed %u times", setup->iommu->units[i].overflows);
}

void manager_run(const struct manager_setup *setup)
{
    manager.setup = setup;
    manager.count = 0;
    run_drivers(false);
    run_drivers(true);
    tell_overflows(setup);
}

/* As bind() left it, with a task of its own. */
static bool begin_again(struct binding *binding)
{
    binding->device.context = NULL;
    binding->interrupt_count = binding->record_count = 0;
    if (manager_begin(binding, false))
        return true;
    log_write(LOG_ERROR, binding->name, "no memory for a task");
    return false;
}

unsigned manager_run_again(const struct manager_setup *setup, bool (*wanted)(const char *driver))
{
    unsigned begun = 0;

    manager.setup = setup;
    for (unsigned i = 0; i < manager.count; i++) {
        struct binding *binding = &manager.bindings[i];

        if (wanted(binding->driver->name) && iommu_covered(setup->iommu, binding->endpoint))
            begun += begin_again(binding);
    }
    manager_finish();
    tell_overflows(setup);
    return begun;
}
