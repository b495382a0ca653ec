/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_FAILURE_UNIT_H
#define TESTS_HOST_FAILURE_UNIT_H

#include "drivers/pci/registers.h"
#include "tests/host/failure_snapshot.h"

/* A unit that does not complete one of the waits of a call, and what is left of it then. */

static struct {
    unsigned count, fail; /* the wait that the unit does not complete; 0: it completes all */
    unsigned way;         /* of ways[] */
} waits;

/* It falls silent, stops at an error, or is gone. */
static void (*const ways[])(unit_t *unit) = {unit_stall, unit_fail, unit_vanish};

#define WAYS (sizeof ways / sizeof *ways)

static inline void count_waits(void *context, uint64_t physical, uint64_t value)
{
    (void)context;
    if (unit_is_wait(&on.unit, physical, value) && ++waits.count == waits.fail)
        ways[waits.way](&on.unit);
}

/* The functions have configuration spaces, and the last two send on two buses. */
static inline void make_functions(void)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        struct pci_function *function = &on.pci.functions[i];

        if (i >= BEHIND_A)
            function->bdf = PCI_BDF(2, PCI_DEVICE(function->bdf), 0);
        (void)ecam_endpoint(PCI_BUS(function->bdf), PCI_DEVICE(function->bdf), 0);
        assert_true(mmio_map(ECAM_BASE + ((uint64_t)function->bdf << 12), 4096, &function->config));
    }
}

static inline void expect_stopped(void)
{
    assert_int_equal(on.iommu.units[0].state, UNIT_POISONED);
    for (unsigned i = 0; i < FUNCTIONS; i++)
        assert_false(pci_bus_master(&on.pci.functions[i]));
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        if (on.iommu.domains[i].units)
            assert_true(on.iommu.domains[i].poisoned);
}

/* The unit comes back to life: too late. */
static inline void revive(void)
{
    unit_revive(&on.unit);
    for (unsigned i = 0; i < 4; i++)
        model_clock_advance(1000);
}

#endif
