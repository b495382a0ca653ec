/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Case B: a take and a give of a range, six workloads, over a window of 2^36 bytes. "free" gives
 * with a generation that is complete; "strict" gives with a new one and releases it. An operation
 * that fails there ends the program; B.failures is counted where room is short.
 */
#include "drivers/iommu/core/allocator.h"
#include "tests/bench/bench.h"
#include "tests/model/machine.h"

#define LIVE_MAX     4096u
#define SIZES        16384u
#define PAIRS        50000u
#define WINDOW       36
#define SMALL_WINDOW 32
#define NEVER_GIVEN  257 /* pages: the first one and the interrupt window */
#define REFUSED_MAX  1000u

static const struct workload {
    unsigned low, high; /* pages */
    unsigned live;
    bool random; /* which range is replaced; else the oldest */
} workloads[] = {
    {1, 1, 1, false},     /* B1: free at once */
    {1, 1, 256, false},   /* B2: a ring */
    {1, 32, 1024, true},  /* B3 */
    {64, 512, 256, true}, /* B4 */
    {33, 63, 4096, true}, /* B5 */
    {1, 512, 4096, true}, /* B6 */
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

static struct allocator allocator;
static struct {
    uint64_t address;
    uint32_t pages;
} live[LIVE_MAX];
static struct {
    uint16_t slot, pages;
} plan[SIZES];

static uint64_t seed;
static uint64_t generation;

static uint32_t draw(uint32_t limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % limit);
}

static void stop(const char *what)
{
    fprintf(stderr, "allocator_bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static void check(enum allocator_status status)
{
    if (status != ALLOCATOR_OK)
        stop("an operation failed");
}

/* The random numbers are drawn beforehand: they are not what is measured. */
static void prepare(const struct workload *workload)
{
    seed = 1;
    generation = 0;
    check(allocator_init(&allocator, WINDOW));
    for (unsigned i = 0; i < workload->live; i++) {
        live[i].pages = workload->low + draw(workload->high - workload->low + 1);
        check(allocator_take(&allocator, live[i].pages, 0, UINT64_MAX, &live[i].address));
    }
    for (unsigned i = 0; i < SIZES; i++) {
        plan[i].slot = (uint16_t)(workload->random ? draw(workload->live) : i % workload->live);
        plan[i].pages = (uint16_t)(workload->low + draw(workload->high - workload->low + 1));
    }
}

static inline __attribute__((always_inline)) void run(bool strict)
{
    unsigned failed = 0;

    for (unsigned i = 0; i < PAIRS; i++) {
        unsigned slot = plan[i % SIZES].slot, pages = plan[i % SIZES].pages;

        failed |= allocator_give(&allocator, live[slot].address, live[slot].pages,
                                 strict ? ++generation : 0);
        if (strict)
            allocator_release(&allocator, generation);
        live[slot].pages = pages;
        failed |= allocator_take(&allocator, pages, 0, UINT64_MAX, &live[slot].address);
    }
    if (failed)
        stop("an operation failed");
}

static void run_free(void *context)
{
    (void)context;
    run(false);
}

static void run_strict(void *context)
{
    (void)context;
    run(true);
}

static double measure(unsigned number, bool strict)
{
    char name[16];

    (void)snprintf(name, sizeof name, "B%u.%s", number + 1, strict ? "strict" : "free");
    prepare(&workloads[number]);
    double time =
        bench_run(&(struct bench){name, PAIRS, NULL, strict ? run_strict : run_free, NULL});
    allocator_destroy(&allocator);
    bench_case(name, time, "ns", 0);
    return bench_least;
}

/* Slowest by fastest workload, by their quietest rounds: they are not measured side by side. */
static double spread(bool strict)
{
    double slowest = 0, fastest = 0;

    for (unsigned i = 0; i < WORKLOADS; i++) {
        double time = measure(i, strict);

        slowest = time > slowest ? time : slowest;
        fastest = !i || time < fastest ? time : fastest;
    }
    return slowest / fastest;
}

static uint64_t rounded(uint32_t pages)
{
    return pages == 1 ? 1 : UINT64_C(1) << (32 - __builtin_clz(pages - 1));
}

/* Fills a window of 2^32 bytes with ranges of a workload's sizes for as long as the rounded sizes
 * fit. The result is how many were refused. */
static unsigned refused_while_filling(const struct workload *workload)
{
    uint64_t room = (UINT64_C(1) << (SMALL_WINDOW - ALLOCATOR_PAGE_SHIFT)) - NEVER_GIVEN;
    unsigned refused = 0;
    uint64_t address;

    check(allocator_init(&allocator, SMALL_WINDOW));
    for (;;) {
        uint32_t pages = workload->low + draw(workload->high - workload->low + 1);

        if (rounded(pages) > room)
            break;
        if (allocator_take(&allocator, pages, 0, UINT64_MAX, &address) == ALLOCATOR_OK)
            room -= rounded(pages);
        else if (++refused == REFUSED_MAX)
            break;
    }
    allocator_destroy(&allocator);
    return refused;
}

static unsigned failures(void)
{
    unsigned refused = 0;

    for (unsigned i = 0; i < WORKLOADS; i++)
        refused += refused_while_filling(&workloads[i]);
    return refused;
}

int main(void)
{
    model_reset();
    double free_spread = spread(false), strict_spread = spread(true);
    bench_case("B.spread", free_spread > strict_spread ? free_spread : strict_spread, "times", 0);
    if (!bench_counting())
        bench_case("B.failures", failures(), "takes", 0);
    return EXIT_SUCCESS;
}
