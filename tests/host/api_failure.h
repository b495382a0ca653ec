/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_API_FAILURE_H
#define TESTS_HOST_API_FAILURE_H

#include "tests/host/api_world.h"

#include "machine_internal.h"

#include <time.h>

/* A sequence on which the two disagree: made again from a fresh start, shrunk, and printed in the
 * form of found[] in test_api_sequences.c. */
#define HISTORY_MAX 512

static struct call history[HISTORY_MAX];
static unsigned history_count;

static inline void remember(const struct call *call)
{
    if (history_count < HISTORY_MAX)
        history[history_count++] = *call;
}

/* Pages that are looked at after a sequence. */
static uint64_t watched[64];
static unsigned watched_count, watched_requesters;

static inline void watch(unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        watched[watched_count++] = address_at(i) >> PAGE_SHIFT;
}

static inline void watch_everything(unsigned kind)
{
    watched_count = 0;
    watched_requesters = (1u << REQUESTERS) - 1;
    watch(0, 31);
    watch(34, 34);
    if (kind & WITH_FIRMWARE)
        watch(39, 39);
}

static inline bool agrees_from_start(unsigned kind, const struct call *calls, unsigned count)
{
    new_world(kind);
    watch_everything(kind);
    for (unsigned i = 0; i < count; i++) {
        if (!run(&calls[i]))
            return false;
        sweep(watched, watched_count, watched_requesters);
        if (world.failure[0] != 0)
            return false;
    }
    return clear_world();
}

static inline void shrink(unsigned kind)
{
    bool shorter = true;

    while (shorter) {
        shorter = false;
        for (unsigned i = history_count; i-- > 0;) {
            struct call left_out = history[i];

            memmove(&history[i], &history[i + 1], (--history_count - i) * sizeof *history);
            if (!agrees_from_start(kind, history, history_count)) {
                shorter = true;
                continue;
            }
            memmove(&history[i + 1], &history[i], (history_count++ - i) * sizeof *history);
            history[i] = left_out;
        }
    }
}

static inline void print_field(const char *name, unsigned value)
{
    if (value != 0)
        print_message(", .%s = %u", name, value);
}

static inline void print_call(const struct call *call)
{
    print_message("    {%s", operations[call->operation].name);
    print_field("who", call->who);
    print_field("domain", call->domain);
    print_field("device", call->device);
    print_field("token", call->token);
    print_field("segment", call->segment);
    print_field("variant", call->variant);
    print_field("at", call->at);
    print_field("pages", call->pages);
    print_field("memory", call->memory);
    print_field("step", call->step);
    print_field("form", call->form);
    print_field("permissions", call->permissions);
    print_field("limits", call->limits);
    print_field("flaw", call->flaw);
    print_message("},\n");
}

/* Shrinks what is in the history, prints it and fails the test. */
static inline void give_up(unsigned kind)
{
    char text[sizeof world.failure];

    snprintf(text, sizeof text, "%s", world.failure);
    if (agrees_from_start(kind, history, history_count)) {
        print_message("not from a fresh start:\n");
    } else {
        shrink(kind);
        (void)agrees_from_start(kind, history, history_count);
        snprintf(text, sizeof text, "%s", world.failure);
    }
    print_message("world %u\n", kind);
    for (unsigned i = 0; i < history_count; i++)
        print_call(&history[i]);
    fail_msg("%s", text);
}

/* ---- What it took ---- */

/* Of the processor. */
static inline double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static inline void judge_frames(size_t at_first)
{
    /* A chunk of table pages more may be in the pool, and the allocators' own. */
    if (model_frames_owned(OWNER_IOMMU) > at_first + 2 * (PT_ENTRIES + 1))
        fail_msg("%zu frames are OWNER_IOMMU's, at first %zu", model_frames_owned(OWNER_IOMMU),
                 at_first);
}

#endif
