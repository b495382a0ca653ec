/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a person asks of a device by hand, and what its driver's serving task answers. */
#include "drivers/manager/binding.h"

#include "arch/time.h"

#include <stdarg.h>
#include <stdio.h>

#define ROUND_NS (10 * NS_PER_MS)

static struct binding *find(uint16_t endpoint)
{
    for (unsigned i = 0; i < manager_bindings(); i++)
        if (manager_binding(i)->endpoint == endpoint)
            return manager_binding(i);
    return NULL;
}

__attribute__((format(printf, 2, 3))) static enum manager_answer no(char text[MANAGER_TEXT],
                                                                    const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, MANAGER_TEXT, format, arguments);
    va_end(arguments);
    return MANAGER_NOT_DONE;
}

static bool serves(struct binding *binding)
{
    if (binding->serves && binding->state != TASK_ENDED)
        return true;
    binding->dismissed = binding->busy = false;
    binding->record_count = 0;
    return manager_begin(binding, true);
}

/* The request is the driver's once it has taken it. */
static enum manager_answer await(struct binding *binding, const struct driver_request *request,
                                 bool (*stopped)(void *context), void *context,
                                 char text[MANAGER_TEXT])
{
    binding->request = request;
    while (binding->state != TASK_ENDED && (binding->request || binding->busy)) {
        if (stopped(context)) {
            binding->request = NULL;
            (void)no(text, "Stopped.");
            return MANAGER_STOPPED;
        }
        manager_poll(time_ns() + ROUND_NS);
    }
    binding->request = NULL;
    if (binding->state == TASK_ENDED)
        return no(text, "The driver of %s cannot serve it; the log says why.", binding->location);
    snprintf(text, MANAGER_TEXT, "%s", binding->reply);
    return binding->done ? MANAGER_DONE : MANAGER_NOT_DONE;
}

enum manager_answer manager_ask(uint16_t endpoint, const struct driver_request *request,
                                bool (*stopped)(void *context), void *context,
                                char text[MANAGER_TEXT])
{
    struct binding *binding = find(endpoint);

    if (!binding)
        return no(text, "No driver is bound to this device.");
    if (!binding->driver->serve)
        return no(text, "Its driver, %s, cannot be asked by hand; that of 'edu' can.",
                  binding->driver->name);
    if (!serves(binding))
        return no(text, "There is no memory for a task.");
    if (binding->busy)
        return no(text, "%s is still at work on what was stopped.", binding->name);
    return await(binding, request, stopped, context, text);
}

void manager_dismiss(void)
{
    for (unsigned i = 0; i < manager_bindings(); i++)
        manager_binding(i)->dismissed = true;
    manager_finish();
}
