/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * All short sequences of calls of the domain API over a few objects, on the implementation with its
 * modelled unit and on the reference model. Built twice: with sanitizers, and without them, when it
 * goes deeper. Random ones: test_api_random.c.
 */
#include "tests/host/api_failure.h"

#ifdef MODEL_ASAN
#define DEPTH 3
#else
#define DEPTH 4
#endif

/* ---- All sequences ---- */

struct scenario {
    const char *name;
    const struct call *base, *calls;
    unsigned base_count, call_count;
    unsigned first_page, last_page; /* watched: address_at() */
    unsigned requesters;
};

static const struct scenario *scenario;
static const struct call *path[DEPTH];
static unsigned sequences, undone;

static void must(bool agreed)
{
    if (!agreed)
        give_up(0);
}

static void step(const struct call *call)
{
    remember(call);
    must(run(call));
}

static void look(void)
{
    sweep(watched, watched_count, scenario->requesters);
    must(world.failure[0] == 0);
}

static void return_to(unsigned depth)
{
    must(clear_world());
    history_count = 0;
    undone++;
    for (unsigned i = 0; i < scenario->base_count; i++)
        step(&scenario->base[i]);
    for (unsigned i = 0; i < depth; i++)
        step(path[i]);
}

/* What the reference holds, but for what the last call left. Equal: the call changed nothing. */
static uint64_t state_of(const struct api_reference *api)
{
    uint64_t sum = api->last_handle * UINT64_C(31) + api->guard_allows;

    for (unsigned i = 0; i < REF_DOMAINS; i++) {
        const struct ref_domain *domain = &api->domains[i];

        if (domain->handle != 0)
            sum = sum * 131 + domain->handle * UINT64_C(257) + domain->page_count;
    }
    for (unsigned i = 0; i < REF_TOKENS; i++)
        sum = sum * 137 + api->tokens[i].handle;
    for (unsigned i = 0; i < REF_ENDPOINTS; i++) {
        const struct ref_device *device = &api->devices[i];

        sum = sum * 139 + device->used + device->domain * UINT64_C(3);
        sum = sum * 149 + (uintptr_t)device->callback + (uintptr_t)device->handler * 7;
        sum = sum * 151 + device->told;
    }
    return sum;
}

/* A call that changes nothing is followed by the next without starting again: that it changed
 * nothing is what the next ones see. */
static void all_from(unsigned depth)
{
    for (unsigned i = 0; i < scenario->call_count; i++) {
        uint64_t before = state_of(&world.api);
        unsigned remembered = history_count;

        path[depth] = &scenario->calls[i];
        step(path[depth]);
        look();
        if (depth + 1 < DEPTH)
            all_from(depth + 1);
        else
            sequences++;
        if (state_of(&world.api) != before)
            return_to(depth);
        else if (remembered > HISTORY_MAX / 2)
            return_to(depth);
    }
}

#define RW 3

/* Two domains of a type each and two devices; what a map, a token and an identity do to each other.
 */
static const struct call remap_base[] = {
    {CREATE_DOMAIN, .domain = 1, .variant = 2},
    {CREATE_DOMAIN, .domain = 2, .variant = 3},
    {CREATE_DEVICE, .device = 1},
    {ATTACH_EX, .domain = 1, .device = 1},
};
static const struct call remap_calls[] = {
    {DELETE_DOMAIN, .domain = 1},
    {DELETE_DOMAIN, .domain = 2, .variant = 1},
    {CREATE_DEVICE, .device = 2},
    {DELETE_DEVICE, .device = 1},
    {ATTACH_EX, .domain = 1, .device = 2},
    {ATTACH_EX, .domain = 2, .device = 1},
    {ATTACH, .domain = 2, .device = 2},
    {DETACH_EX, .device = 1},
    {DETACH, .domain = 1, .device = 2},
    {MAP_EX, .domain = 1, .variant = EXPLICIT, .pages = 2, .permissions = RW},
    {MAP_EX, .domain = 1, .variant = EXPLICIT, .at = 1, .pages = 1, .memory = 2, .permissions = 1},
    {MAP, .domain = 1, .at = 2, .pages = 1, .memory = 3, .permissions = 2},
    {UNMAP, .domain = 1, .pages = 1},
    {UNMAP, .domain = 1, .at = 1, .pages = 2, .variant = 1},
    {MAP_IDENTITY_EX, .domain = 1, .pages = 2, .permissions = RW},
    {UNMAP_IDENTITY, .domain = 1, .memory = 1, .pages = 1},
    {MAP_EX, .domain = 2, .pages = 1, .memory = 4, .permissions = RW},
    {MAP_EX, .domain = 2, .pages = 1, .memory = 5, .permissions = 1, .limits = 2},
    {UNMAP, .domain = 2, .at = 25, .pages = 1},
    {RESERVE, .domain = 1, .token = 1, .variant = EXPLICIT, .pages = 2},
    {RESERVE, .domain = 2, .token = 1, .pages = 1},
    {FREE_RESERVED, .token = 1},
    {MAP_RESERVED, .token = 1, .segment = 1, .pages = 1, .memory = 6, .permissions = RW},
    {MAP_RESERVED, .token = 1, .segment = 2, .at = 1, .pages = 1, .memory = 7, .permissions = RW},
    {UNMAP_RESERVED, .segment = 1},
    {UNMAP_RESERVED, .token = 1, .variant = 1, .pages = 2},
    {MAP_EX, .domain = 1, .variant = EXPLICIT, .at = 2, .pages = 1, .memory = 8, .permissions = RW},
    {MAP_IDENTITY, .domain = 1, .memory = 1, .pages = 1, .permissions = 1},
    {UNMAP_IDENTITY_EX, .domain = 1, .pages = 2, .form = FORM_PFN, .step = 1},
    {RESERVE, .domain = 1, .token = 2, .variant = EXPLICIT, .at = 1, .pages = 2},
    {FREE_RESERVED, .token = TOKEN_SLOTS - 2},
    {MAP, .domain = 2, .at = 1, .pages = 1, .permissions = RW},
};

/* Groups, pass-through and its guard, unmanaged, callbacks, faults. */
static const struct call policy_base[] = {
    {SET_GUARD, .variant = 1},
    {CREATE_DOMAIN, .domain = 1, .variant = 6},
    {CREATE_DOMAIN, .domain = 2, .variant = V1_UNMANAGED},
    {CREATE_DEVICE, .device = 3},
    {CREATE_DEVICE, .device = 4},
};
static const struct call policy_calls[] = {
    {SET_GUARD, .variant = 0},
    {SET_GUARD, .variant = 1},
    {CREATE_DOMAIN, .domain = 3, .variant = 6},
    {DELETE_DOMAIN, .domain = 1},
    {DELETE_DOMAIN, .domain = 2},
    {ATTACH_EX, .domain = 1, .device = 3},
    {ATTACH_EX, .domain = 2, .device = 3},
    {ATTACH_EX, .domain = 1, .device = 4},
    {ATTACH, .domain = 2, .device = 4},
    {DETACH_EX, .device = 3},
    {DETACH, .domain = 2, .device = 4},
    {DELETE_DEVICE, .device = 3},
    {CREATE_DEVICE, .device = 3},
    {MAP_EX, .domain = 1, .variant = EXPLICIT, .pages = 1, .permissions = RW},
    {MAP, .domain = 2, .pages = 1, .permissions = RW},
    {MAP_IDENTITY_EX, .domain = 1, .pages = 1, .permissions = RW},
    {MAP_IDENTITY, .domain = 2, .pages = 1, .permissions = RW},
    {UNMAP_IDENTITY_EX, .domain = 1, .pages = 1},
    {RESERVE, .domain = 2, .token = 1, .variant = EXPLICIT, .pages = 1},
    {CONFIGURE, .domain = 2, .variant = 2},
    {FLUSH, .domain = 1},
    {FLUSH_LIST, .domain = 2, .pages = 2},
    {QUERY_TYPES, .device = 3},
    {REGISTER, .device = 3},
    {REGISTER, .device = 4, .variant = 1},
    {UNREGISTER, .device = 3},
    {UNREGISTER, .device = 3, .variant = 1},
    {FAULT_REPORTING, .device = 3, .variant = 1},
    {FAULT_REPORTING, .device = 3, .variant = 0},
    {DMA, .device = 3, .at = 16},
    {QUERY_INFO, .device = 3},
    {DMA, .device = 4, .at = 16, .flaw = 1},
    {ATTACH_EX, .domain = 3, .device = 4},
    {DELETE_DOMAIN, .domain = 3},
    {CREATE_DOMAIN, .domain = 3, .variant = 7},
};

/* From nothing: objects come and go, under every kind of configuration. */
static const struct call birth_calls[] = {
    {CREATE_DOMAIN, .domain = 1, .variant = V1_MANAGED},
    {CREATE_DOMAIN, .domain = 1, .variant = 5},
    {CREATE_DOMAIN, .domain = 2, .variant = 6},
    {CREATE_DOMAIN, .domain = 2, .variant = 7},
    {CREATE_DOMAIN, .domain = 2, .variant = 8},
    {CREATE_DOMAIN, .domain = 1, .variant = 9},
    {CREATE_DOMAIN, .domain = 2, .variant = 10},
    {CREATE_DOMAIN, .domain = 1, .variant = 13},
    {DELETE_DOMAIN, .domain = 1},
    {DELETE_DOMAIN, .domain = 2},
    {DELETE_DOMAIN, .domain = DOMAIN_SLOTS - 2},
    {CREATE_DEVICE, .device = 1},
    {CREATE_DEVICE, .device = 1, .variant = 1},
    {DELETE_DEVICE, .device = 1},
    {DELETE_DEVICE, .device = DEVICE_SLOTS - 2},
    {ATTACH, .domain = 1, .device = 1},
    {ATTACH_EX, .domain = 2, .device = 1},
    {ATTACH, .domain = 2, .device = 2},
    {DETACH, .domain = 1, .device = 1},
    {DETACH_EX, .device = 1},
    {MAP_EX, .domain = 1, .pages = 2, .permissions = RW, .form = FORM_MDL, .step = 1},
    {MAP_EX, .domain = 2, .variant = EXPLICIT, .at = 3, .pages = 1, .permissions = RW},
    {MAP_IDENTITY_EX, .domain = 2, .memory = 5, .pages = 2, .permissions = RW},
    {UNMAP, .domain = 1, .at = 26, .pages = 2},
    {SET_GUARD, .variant = 1},
    {CREATE_DOMAIN, .domain = 1, .variant = 11},
    {DETACH, .domain = 2, .device = 2},
    {RESERVE, .domain = 1, .token = 1, .pages = 1},
    {FREE_RESERVED, .token = 1},
    {MAP, .domain = 1, .at = 22, .pages = 1, .memory = 2, .permissions = 2},
};

#define COUNT(list) (unsigned)(sizeof(list) / sizeof *(list))

static const struct scenario scenarios[] = {
    {"maps, identities and tokens", remap_base, remap_calls, COUNT(remap_base), COUNT(remap_calls),
     0, 3, 1u << FIRST | 1u << SECOND},
    {"groups, policy and faults", policy_base, policy_calls, COUNT(policy_base),
     COUNT(policy_calls), 15, 16, 1u << BEHIND_A | 1u << BEHIND_B | 1u << FUNCTIONS},
    {"births and deaths", NULL, birth_calls, 0, COUNT(birth_calls), 22, 26,
     1u << FIRST | 1u << SECOND},
};

static void all_short_sequences(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(scenarios); i++) {
        double begin = seconds();

        scenario = &scenarios[i];
        sequences = calls_made = undone = history_count = 0;
        new_world(0);
        size_t frames = model_frames_owned(OWNER_IOMMU);
        watched_count = 0;
        watch(scenario->first_page, scenario->last_page);
        if (scenario->first_page == 0)
            watch(16, 17);
        return_to(0);
        all_from(0);
        must(clear_world());
        judge_frames(frames);
        print_message("%s: %u sequences of %u calls out of %u, %u calls, %.1f s\n", scenario->name,
                      sequences, DEPTH, scenario->call_count, calls_made, seconds() - begin);
    }
}

/* ---- Sequences that once failed ---- */

static const struct call unmap_between[] = {
    {SET_GUARD, .variant = 1},
    {CREATE_DOMAIN, .domain = 1, .variant = 2},
    {CREATE_DEVICE, .device = 1},
    {ATTACH_EX, .domain = 1, .device = 1},
    {MAP_EX, .domain = 1, .variant = EXPLICIT, .pages = 3, .permissions = RW},
    {UNMAP, .domain = 1, .at = 1, .pages = 1},
    {DETACH_EX, .device = 1},
};

/* What an allocator's window does not hold: addresses of the caller's, and firmware's regions. */
static const struct call beyond_window[] = {
    {CREATE_DOMAIN, .domain = 1, .variant = 3},
    {MAP_EX, .domain = 1, .variant = EXPLICIT, .pages = 1, .permissions = RW},
    {MAP, .domain = 1, .pages = 1, .permissions = RW},
    {MAP_IDENTITY_EX, .domain = 1, .pages = 1, .permissions = RW},
    {UNMAP_IDENTITY_EX, .domain = 1, .pages = 1},
    {RESERVE, .domain = 1, .token = 1, .variant = EXPLICIT, .pages = 1},
    {CREATE_DEVICE, .device = 1},
    {ATTACH_EX, .domain = 1, .device = 1},
};

static const struct {
    const struct call *calls;
    unsigned count;
} found[] = {
    {unmap_between, COUNT(unmap_between)},
    {beyond_window, COUNT(beyond_window)},
};

static void found_sequences(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < WORLDS; kind++) {
        for (unsigned i = 0; i < COUNT(found); i++) {
            if (!agrees_from_start(kind, found[i].calls, found[i].count))
                fail_msg("world %u, sequence %u: %s", kind, i, world.failure);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_sequences),
        cmocka_unit_test(all_short_sequences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
