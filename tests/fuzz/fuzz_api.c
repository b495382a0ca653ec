/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Calls of the domain API, on the implementation and on the reference model side by side. The first
 * byte chooses the world; then come calls of RECORD bytes, each followed by a look at what a device
 * reaches. A sequence on which the two disagree is shrunk and printed as tests/host/ has them.
 */
#include "fuzz.h"

#include "tests/host/api_failure.h"

#define RECORD       14
#define CALLS_MAX    64
#define DOMAINS_BUSY 8
#define TOKENS_BUSY  24
#define USUAL        0xE0u /* below it a byte chooses among the first few */

static uint8_t among(struct input *input, size_t usual, size_t all)
{
    size_t byte = (size_t)take(input, 1);

    return (uint8_t)(byte < USUAL ? byte % usual : byte % all);
}

/* Slots of objects begin at 1; 0 is NULL. */
static uint8_t any_slot(struct input *input, size_t usual, size_t all)
{
    size_t byte = (size_t)take(input, 1);

    return (uint8_t)(byte < USUAL ? 1 + byte % usual : byte % all);
}

static struct call next_call(struct input *input)
{
    struct call call = {.operation = (enum operation)(take(input, 1) % OPERATION_COUNT)};

    call.who = among(input, 1, 2);
    bool born = call.operation == CREATE_DOMAIN || call.operation == CREATE_DEVICE;
    call.domain = born ? (uint8_t)(1 + among(input, 4, 4)) : any_slot(input, 4, DOMAIN_SLOTS);
    call.device = any_slot(input, FUNCTIONS, DEVICE_SLOTS);
    call.token = any_slot(input, 3, TOKEN_SLOTS);
    call.segment = among(input, SEGMENTS, SEGMENTS);
    call.variant = among(input, 4, CONFIGS);
    call.at = among(input, 16, ADDRESSES);
    call.pages = among(input, 4, REF_FRAMES + 1);
    call.memory = among(input, OWN_FRAMES - 2, FRAME_KINDS);
    call.form = among(input, 3, FORM_COUNT);
    call.permissions = among(input, 4, 32);
    call.limits = among(input, 1, LIMITS);
    call.flaw = among(input, 1, 6);
    call.step = 1;
    return call;
}

static bool is_too_much(const struct call *call)
{
    return (call->operation == CREATE_DOMAIN && world.live_count[DOMAINS] >= DOMAINS_BUSY) ||
           (call->operation == RESERVE && world.live_count[TOKENS] >= TOKENS_BUSY);
}

static size_t frames_at_first;

/* The world is made anew only for another kind: it takes far longer than an input. */
static void enter_world(unsigned kind)
{
    static unsigned now = WORLDS;

    if (kind != now) {
        new_world(kind);
        watch_everything(kind);
        frames_at_first = model_frames_owned(OWNER_IOMMU);
    }
    now = kind;
}

void fuzz_one(struct input input)
{
    unsigned kind = (unsigned)take(&input, 1) % WORLDS;

    enter_world(kind);
    history_count = 0;
    while (input.left >= RECORD && history_count < CALLS_MAX && world.failure[0] == 0) {
        struct call call = next_call(&input);

        if (is_too_much(&call))
            call.operation = DMA;
        remember(&call);
        if (run(&call))
            probe((call.device + REQUESTERS - 1u) % REQUESTERS,
                  address_at(call.at % 32) >> PAGE_SHIFT, call.flaw & 1);
    }
    sweep(watched, watched_count, watched_requesters);
    if (world.failure[0] != 0 || !clear_world())
        give_up(kind);
    judge_frames(frames_at_first);
}
