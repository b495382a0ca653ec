/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/core/allocator.h"
#include "tests/model/machine.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Case B: nanoseconds for one take and one give of a range, over a window of 2^width bytes.
 * "free" gives with a generation that is complete; "strict" gives with a new one and releases it.
 *
 *   allocator_bench [-w width] [-r repeats] [-o one workload] [-n pairs] [-f]
 *
 * With -n it runs that many pairs of one workload once and prints nothing, so that an instruction
 * counter can take the difference of two runs; -f counts "free" instead of "strict".
 */
#define LIVE_MAX    4096u
#define SIZES       16384u
#define REPEATS_MAX 101u
#define PAIRS       200000u

static const struct workload {
    const char *name;
    unsigned low, high; /* pages */
    unsigned live;
    bool random; /* which range is replaced; else the oldest */
} workloads[] = {
    {"1 page, free at once", 1, 1, 1, false},       {"1 page, ring of 256", 1, 1, 256, false},
    {"1-32 pages, 1024 live", 1, 32, 1024, true},   {"64-512 pages, 256 live", 64, 512, 256, true},
    {"33-63 pages, 4096 live", 33, 63, 4096, true}, {"1-512 pages, 4096 live", 1, 512, 4096, true},
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
static unsigned width = 36;
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
    check(allocator_init(&allocator, width));
    for (unsigned i = 0; i < workload->live; i++) {
        live[i].pages = workload->low + draw(workload->high - workload->low + 1);
        check(allocator_take(&allocator, live[i].pages, 0, UINT64_MAX, &live[i].address));
    }
    for (unsigned i = 0; i < SIZES; i++) {
        plan[i].slot = (uint16_t)(workload->random ? draw(workload->live) : i % workload->live);
        plan[i].pages = (uint16_t)(workload->low + draw(workload->high - workload->low + 1));
    }
}

static void run(unsigned pairs, bool strict)
{
    for (unsigned i = 0; i < pairs; i++) {
        unsigned slot = plan[i % SIZES].slot, pages = plan[i % SIZES].pages;

        if (strict) {
            check(allocator_give(&allocator, live[slot].address, live[slot].pages, ++generation));
            allocator_release(&allocator, generation);
        } else {
            check(allocator_give(&allocator, live[slot].address, live[slot].pages, 0));
        }
        live[slot].pages = pages;
        check(allocator_take(&allocator, pages, 0, UINT64_MAX, &live[slot].address));
    }
}

static double timed(unsigned pairs, bool strict)
{
    struct timespec from, to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    run(pairs, strict);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / pairs;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const struct workload *workload, unsigned repeats, bool strict)
{
    double times[REPEATS_MAX];

    prepare(workload);
    run(PAIRS, strict);
    for (unsigned i = 0; i < repeats; i++)
        times[i] = timed(PAIRS, strict);
    allocator_destroy(&allocator);
    qsort(times, repeats, sizeof(times[0]), ascending);
    return times[repeats / 2];
}

static void print_table(unsigned repeats)
{
    double slowest[2] = {0, 0}, fastest[2] = {1e9, 1e9};

    printf("%-26s %8s %8s  ns per take and give, median of %u, window 2^%u\n", "workload", "free",
           "strict", repeats, width);
    for (unsigned i = 0; i < WORKLOADS; i++) {
        double ns[2];

        for (unsigned strict = 0; strict < 2; strict++) {
            ns[strict] = median(&workloads[i], repeats, strict);
            slowest[strict] = ns[strict] > slowest[strict] ? ns[strict] : slowest[strict];
            fastest[strict] = ns[strict] < fastest[strict] ? ns[strict] : fastest[strict];
        }
        printf("%-26s %8.1f %8.1f\n", workloads[i].name, ns[0], ns[1]);
    }
    printf("%-26s %8.2f %8.2f  goal: at most 4\n", "slowest / fastest", slowest[0] / fastest[0],
           slowest[1] / fastest[1]);
}

int main(int argc, char **argv)
{
    unsigned repeats = 15, one = 0, pairs = 0;
    bool strict = true;

    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        unsigned value = 0;

        if (strcmp(option, "-f") != 0 && i + 1 < argc)
            value = (unsigned)strtoul(argv[++i], NULL, 10);
        if (strcmp(option, "-f") == 0)
            strict = false;
        else if (strcmp(option, "-w") == 0)
            width = value;
        else if (strcmp(option, "-r") == 0 && value && value <= REPEATS_MAX)
            repeats = value;
        else if (strcmp(option, "-o") == 0 && value < WORKLOADS)
            one = value;
        else if (strcmp(option, "-n") == 0)
            pairs = value;
        else
            stop("usage: [-w width] [-r repeats] [-o workload] [-n pairs] [-f]");
    }
    model_reset();
    if (!pairs) {
        print_table(repeats);
        return EXIT_SUCCESS;
    }
    prepare(&workloads[one]);
    run(pairs, strict);
    return EXIT_SUCCESS;
}
