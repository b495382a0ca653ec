/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Several contexts at once on AMD-Vi's command buffer, which stops now and then. Threads only count
 * what is wrong: the main thread judges. */
#include "tests/host/amdvi_driver.h"

#include <pthread.h>

enum { CONTEXTS = 4, ROUNDS = 200, REPEATS = 20 };

struct context {
    pthread_t thread;
    pci_bdf_t id;
    unsigned stops; /* one round of so many stops the buffer; 0: none */
    unsigned wrong;
};

static struct context contexts[CONTEXTS];
static pthread_barrier_t barrier;

static unsigned events_so_far(void)
{
    model_enter();
    unsigned count = model_amdvi_log_count(&unit);
    model_leave();
    return count;
}

/* Whether the device was forgotten after the first `before` events. */
static bool is_forgotten(pci_bdf_t id, unsigned before)
{
    bool forgotten = false;

    model_enter();
    for (unsigned i = before; model_amdvi_log(&unit, i) != NULL; i++) {
        const struct model_amdvi_event *event = model_amdvi_log(&unit, i);
        forgotten |= event->kind == MODEL_AMDVI_IOMMU_ALL ||
                     (event->kind == MODEL_AMDVI_DEVTAB_ENTRY && event->device == id);
    }
    model_leave();
    return forgotten;
}

/* A batch that has succeeded has taken effect, whoever stopped the buffer and restarted it. */
static void *forget_and_stop(void *argument)
{
    struct context *self = argument;
    const struct amdvi_command batch[] = {
        {COMMAND_COMPLETION_WAIT | WAIT_S | UINT64_C(0x70000000), 0},
        amdvi_device_command(self->id),
    };

    pthread_barrier_wait(&barrier);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        bool stop = self->stops && round % self->stops == 0;
        unsigned before = events_so_far();
        self->wrong += !amdvi_submit(remapping, stop ? batch : batch + 1, stop ? 2 : 1);
        self->wrong += !is_forgotten(self->id, before);
    }
    return NULL;
}

/* Once it has failed it fails. */
static void *forget_until_dead(void *argument)
{
    struct context *self = argument;
    const struct amdvi_command command = amdvi_device_command(self->id);
    bool alive = true;

    pthread_barrier_wait(&barrier);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round == ROUNDS / 2) {
            model_enter();
            unit.broken.never_completes = true;
            model_leave();
        }
        bool done = amdvi_submit(remapping, &command, 1);
        self->wrong += done && !alive;
        alive = done;
    }
    self->wrong += alive;
    return NULL;
}

static void run_all(void *(*run)(void *), unsigned stops)
{
    add_requesters(CONTEXTS);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, CONTEXTS), 0);
    for (unsigned i = 0; i < CONTEXTS; i++)
        contexts[i] = (struct context){.id = iommu.requesters[i].id, .stops = i ? 0 : stops};
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_int_equal(pthread_create(&contexts[i].thread, NULL, run, &contexts[i]), 0);
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_int_equal(pthread_join(contexts[i].thread, NULL), 0);
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_int_equal(contexts[i].wrong, 0);
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
    no_violation();
}

static void stops_lose_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REPEATS; i++) {
        start_driver(&MODEL_AMDVI_DEFAULT);
        run_all(forget_and_stop, 5);
        assert_in_range(model_amdvi_log_kind(&unit, MODEL_AMDVI_IOMMU_ALL), 1, ROUNDS / 5);
        assert_true(model_amdvi_log_count(&unit) < MODEL_AMDVI_EVENTS);
    }
}

/* Forgetting takes more than a ring. */
static void long_recoveries_lose_nothing(void **state)
{
    (void)state;
    struct model_amdvi_config config = MODEL_AMDVI_DEFAULT;

    config.efr &= ~MODEL_AMDVI_EFR_IASUP;
    for (unsigned i = 0; i < REPEATS; i++) {
        start_driver(&config);
        remapping->caps.domain_ids = 300;
        unit.broken.fetch_delay = 2;
        unit.broken.completion_delay = 2;
        run_all(forget_and_stop, 40);
        assert_true(model_amdvi_log_count(&unit) < MODEL_AMDVI_EVENTS);
    }
}

static void death_is_final(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REPEATS; i++) {
        start_driver(&MODEL_AMDVI_DEFAULT);
        run_all(forget_until_dead, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_lose_nothing),
        cmocka_unit_test(long_recoveries_lose_nothing),
        cmocka_unit_test(death_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
