/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_MANAGER_MANAGER_H
#define DRIVERS_MANAGER_MANAGER_H

#include "drivers/iommu/core/core.h"

#include <driver.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What stands between a driver and the rest: it binds drivers to the devices that a working unit
 * guards, gives each device a task and an owner tag, serves the driver contract, routes interrupts
 * and faults, and takes everything back at the end.
 */
struct manager_setup {
    struct iommu *iommu;
    const struct pci_inventory *pci;
    PDEVICE_OBJECT (*pdo)(uint16_t endpoint);
    const char *(*option)(const char *name);
    void (*disk)(const char *name, uint64_t bytes, const char *sha256_hex);
    uint64_t task_limit_ns; /* a task for which nothing came so long is given up on */
    bool (*stopped)(void);  /* true: all tasks are given up on; NULL: never */
};

/* Bus mastering and message interrupts off for every function but bridges. */
void manager_silence(const struct pci_inventory *pci);

/* Runs the drivers of the image's table on all devices that match and are covered, in parallel,
 * until all tasks have ended. */
void manager_run(const struct manager_setup *setup);

/* Runs the drivers that `wanted` wants again, on the devices that manager_run() bound them to and
 * that are covered; the other bindings stay. Tells on how many devices. */
unsigned manager_run_again(const struct manager_setup *setup, bool (*wanted)(const char *driver));

/* One round over interrupts, faults and tasks, then idle up to the deadline or the next event: for
 * who waits for something else. */
void manager_poll(uint64_t deadline_ns);

/* "edu0": the driver that an owner is, or that is bound to a device; NULL: none. */
const char *manager_owner_name(owner_t owner);
const char *manager_bound_name(uint16_t endpoint);

/* What a person asks of the driver of a device, after manager_run(). */
#define MANAGER_TEXT 200 /* bytes */

enum manager_answer {
    MANAGER_DONE,
    MANAGER_NOT_DONE, /* `text` says why */
    MANAGER_STOPPED,  /* `stopped` held: the driver goes on with what it has begun */
};

/* Waits for the answer, in rounds. `text` gets one sentence, without a newline. */
enum manager_answer manager_ask(uint16_t endpoint, const struct driver_request *request,
                                bool (*stopped)(void *context), void *context,
                                char text[MANAGER_TEXT]) __attribute__((warn_unused_result));

/* Ends the tasks that served requests: their devices reach nothing any more. */
void manager_dismiss(void);

/* Interrupts that units raised for faults so far. */
unsigned manager_fault_interrupts(void);

#endif
