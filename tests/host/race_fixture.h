/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_RACE_FIXTURE_H
#define TESTS_HOST_RACE_FIXTURE_H

#include "tests/host/domain_fixture.h"

#include <pthread.h>

/*
 * Two contexts at once on the modelled unit, built with ThreadSanitizer. Who wins may differ from
 * run to run; that exactly the allowed things happen may not. Threads only count what is wrong: the
 * main thread judges.
 */
enum { CONTEXTS = 2, ROUNDS = 400, AREA = 64 };

struct context {
    pthread_t thread;
    unsigned number;
    void (*run)(struct context *self);
    uint32_t random;
    unsigned wrong;
    iommu_ref_t domain, device;
    pci_bdf_t id;
    uint64_t memory; /* AREA pages */
    enum iommu_status status;
};

static struct context contexts[CONTEXTS];

static inline unsigned draw(struct context *self, unsigned below)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 17;
    self->random ^= self->random << 5;
    return self->random % below;
}

/* The first line where something was wrong; 0: none. */
static inline void expect_at(struct context *self, bool right, unsigned line)
{
    if (!right && !self->wrong)
        self->wrong = line;
}

#define expect(self, right) expect_at(self, right, __LINE__)

static inline bool unit_lets(const struct context *self, uint64_t address)
{
    uint8_t byte = 1;

    model_enter();
    bool lets = unit_dma(&on.unit, self->id, address, true, &byte, 1) == MODEL_DMA_ALLOWED;
    model_leave();
    return lets;
}

static inline void *enter_context(void *argument)
{
    struct context *self = argument;

    as(OWNER_ONE);
    self->run(self);
    return NULL;
}

static inline void run_both(void (*one)(struct context *self), void (*other)(struct context *self))
{
    for (unsigned i = 0; i < CONTEXTS; i++) {
        contexts[i].number = i;
        contexts[i].random = 20261121 + i;
        contexts[i].wrong = 0;
        contexts[i].run = i ? other : one;
    }
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_int_equal(pthread_create(&contexts[i].thread, NULL, enter_context, &contexts[i]), 0);
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_int_equal(pthread_join(contexts[i].thread, NULL), 0);
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_int_equal(contexts[i].wrong, 0);
    no_violation();
}

#endif
