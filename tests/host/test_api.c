/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The behaviours of tests/api/ on the modelled unit: each on a fresh machine, for every kind. */
#include "iommu_fixture.h"
#include "tests/api/api.h"

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

static uint64_t buffers[API_DEVICES];
static struct api api;

/* The unit's answer, and that of the tables as they stand in memory. */
static bool transfer(struct api *of, unsigned index, bool write, uint64_t address)
{
    pci_bdf_t id = on.pci.functions[of->endpoints[index]].bdf;
    enum model_dma_result by_tables = unit_translate(&on.unit, id, address, write, NULL);
    enum model_dma_result by_unit =
        unit_dma(&on.unit, id, address, write, &buffers[index], sizeof *buffers);

    return by_unit == by_tables && (by_unit == MODEL_DMA_ALLOWED || by_unit == MODEL_DMA_REFUSED);
}

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
    static struct api_machine machine;

    unit_set_coherent(&options.unit, one->kind->coherent);
    unit_set_caching(&options.unit, one->kind->caching);
    unit_set_delay(&options.unit.broken, one->kind->delay);
    start(&options);
    as(OWNER_IMAGE);
    for (uint16_t i = 0; i < FUNCTIONS; i++)
        iommu_bind(&on.iommu, i, OWNER_FREE);
    while_waiting(NULL, NULL);
    memset(buffers, 0, sizeof buffers);
    machine = (struct api_machine){.transfer = transfer,
                                   .fail_allocation = model_fail_allocation,
                                   .attach_allocates = UNIT_ATTACH_FRAMES,
                                   .while_waiting = one->kind->delay ? while_waiting : NULL};
    api = (struct api){.iommu = &on.iommu,
                       .machine = &machine,
                       .owner = OWNER_ONE,
                       .other = OWNER_TWO,
                       .endpoints = {FIRST, SECOND},
                       .device_count = 2,
                       .spare = BEHIND_B,
                       .on_host = true};
    return api_begin(&api) && model_on_tick(tick, NULL) ? 0 : -1;
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
