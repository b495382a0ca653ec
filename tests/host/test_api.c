/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The behaviours of tests/api/ on the modelled unit: each on a fresh machine, for every kind. */
#include "tests/host/behaviour_fixture.h"

#include <stdio.h>

/* A unit that waits needs so many ticks for its queue. */
#define QUEUE_TICKS 3

static const struct kind {
    const char *name;
    bool coherent, caching;
    unsigned delay;
} kinds[] = {
    {"coherent", true, false, 0},
    {"caching, slow", false, true, QUEUE_TICKS},
    {"not coherent", false, false, 0},
};

#define KINDS (sizeof kinds / sizeof *kinds - UNIT_ALWAYS_COHERENT)

struct one {
    unsigned index;
    const struct kind *kind;
};

static struct {
    void (*hook)(void *context);
    void *context;
} meanwhile;

static void tick(void *unused)
{
    void (*hook)(void *context) = meanwhile.hook;

    (void)unused;
    meanwhile.hook = NULL;
    if (hook)
        hook(meanwhile.context);
}

static void while_waiting(void (*hook)(void *context), void *context)
{
    meanwhile.hook = hook;
    meanwhile.context = context;
}

static int set_up(void **state)
{
    const struct one *one = *state;
    struct options options = OPTIONS_DEFAULT;

    unit_set_coherent(&options.unit, one->kind->coherent);
    unit_set_caching(&options.unit, one->kind->caching);
    unit_set_delay(&options.unit.broken, one->kind->delay);
    while_waiting(NULL, NULL);
    bool begun = begin_behaviours(&options, FIRST, SECOND, BEHIND_B);
    machine.while_waiting = one->kind->delay ? while_waiting : NULL;
    return begun && model_on_tick(tick, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    api_end(&api);
    return 0;
}

static void run(void **state)
{
    const struct one *one = *state;

    api_run(&api, one->index);
    if (api.result != RESULT_PASS)
        fail_msg("%s", api.reason);
    assert_int_equal(model_frames_owned(OWNER_ONE), API_PAGES);
    no_violation();
}

int main(void)
{
    enum { TESTS = API_COUNT * KINDS };
    static struct CMUnitTest tests[TESTS];
    static struct one ones[TESTS];
    static char names[TESTS][160];

    for (unsigned i = 0; i < TESTS; i++) {
        struct api_behaviour behaviour = api_behaviour(i % API_COUNT);

        ones[i] = (struct one){i % API_COUNT, &kinds[i / API_COUNT]};
        snprintf(names[i], sizeof names[i], "%s %s (%s)", behaviour.id, behaviour.claim,
                 ones[i].kind->name);
        tests[i] = (struct CMUnitTest){names[i], run, set_up, tear_down, &ones[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
