/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_MANAGER_BINDING_H
#define DRIVERS_MANAGER_BINDING_H

#include "arch/irq.h"
#include "drivers/manager/manager.h"

#define MANAGER_BINDINGS   64
#define MANAGER_INTERRUPTS 8
#define MANAGER_MEMORIES   128
#define MANAGER_RECORDS    16
#define MANAGER_REPLY      160 /* bytes */

/* What a waiting task waits for, besides its deadline. */
struct wait {
    bool (*ready)(void *context);
    void *context;
    uint64_t deadline_ns;
    bool patient; /* for a person: as long as it takes */
};

enum task_state { TASK_READY, TASK_WAITING, TASK_ENDED };

/* One driver on one device. `device` comes first: services get back from it to the binding. */
struct binding {
    struct driver_device device;
    const struct driver *driver;
    const struct pci_function *function;
    uint16_t endpoint;
    owner_t owner;
    char name[16];
    char location[PCI_NAME_LENGTH];
    enum task_state state;
    void *stack; /* its top */
    void *stack_pointer;
    struct wait wait;
    bool timed_out;
    uint64_t progress_ns; /* when what it waited for came last */
    unsigned interrupt_count;
    irq_line_t lines[MANAGER_INTERRUPTS];
    bool raised[MANAGER_INTERRUPTS];
    struct driver_memory memories[MANAGER_MEMORIES];
    struct driver_record records[MANAGER_RECORDS]; /* the oldest first */
    unsigned record_count;
    /* Of a task that serves a person. */
    bool serves;
    bool dismissed;                       /* nothing more is asked */
    const struct driver_request *request; /* not taken yet; NULL: none */
    bool busy;                            /* with one that was taken */
    bool done;
    char reply[MANAGER_REPLY]; /* to the last one */
};

extern const struct driver_services manager_services;

/* The setup of the run under way. */
const struct manager_setup *manager_current(void);

/* Ends the running task's turn until the wait is over; true when ready() held. */
bool manager_wait(struct binding *binding, const struct wait *wait);

/* Bindings 0 to manager_bindings() - 1. */
unsigned manager_bindings(void);
struct binding *manager_binding(unsigned n);

/* Begins a task for start() or serve(). False: no memory. */
bool manager_begin(struct binding *binding, bool serves) __attribute__((warn_unused_result));

/* Runs all tasks to their ends. */
void manager_finish(void);

/* Gives back everything that the services handed out. */
void manager_release(struct binding *binding);

static inline struct binding *binding_of(struct driver_device *device)
{
    return (struct binding *)(void *)device;
}

#endif
