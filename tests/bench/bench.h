/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "include/driver_bench.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Host benchmarks: programs build/bench/NAME_bench that tests/bench/bench.py runs twice, natively
 * for time and, with BENCH_COUNT=1 set, under qemu-x86_64 and the plugin for instructions. Such a
 * program prints on stdout
 *
 *   case NAME VALUE UNIT limit LIMIT   a result; LIMIT "-": there is none
 *   count NAME OPERATIONS              the counted regions since the last such line: NAME's, made
 *                                      of so many operations in all
 *   left out NAME: REASON              this machine, as it is now, cannot show the case
 *
 * and exits with 0. Names are those of the suite ("A1.map"); other lines are remarks.
 */
enum { BENCH_ROUNDS = 15 };

/* One thing to measure. `before` may be NULL; it prepares each round and is not measured. */
struct bench {
    const char *name;
    uint64_t operations; /* that one call of `body` makes */
    void (*before)(void *context);
    void (*body)(void *context);
    void *context;
};

/* True: instructions are being counted, so time means nothing and one round is enough. */
static inline bool bench_counting(void)
{
    const char *value = getenv("BENCH_COUNT");

    return value && *value == '1';
}

static inline uint64_t bench_now_ns(void)
{
    struct timespec now;

    (void)timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Ends the counted regions that belong to `name`. */
static inline void bench_count(const char *name, uint64_t operations)
{
    BENCH_MARKER(BENCH_CLOSE);
    printf("count %s %" PRIu64 "\n", name, operations);
}

static inline uint64_t bench_round(const struct bench *bench)
{
    if (bench->before)
        bench->before(bench->context);
    uint64_t begin = bench_now_ns();
    BENCH_MARKER(BENCH_BEGIN);
    bench->body(bench->context);
    BENCH_MARKER(BENCH_END);
    return bench_now_ns() - begin;
}

static inline int bench_compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* Nanoseconds per operation in the quietest round of the last bench_run. */
static double bench_least;

/* Nanoseconds per operation, the median of BENCH_ROUNDS. When counting: two rounds, of which the
 * second, a warm one, is printed as the count; the result is 0. */
static inline double bench_run(const struct bench *bench)
{
    uint64_t rounds[BENCH_ROUNDS];

    if (bench_counting()) {
        (void)bench_round(bench);
        bench_count("-", 1);
        (void)bench_round(bench);
        bench_count(bench->name, bench->operations);
        return 0;
    }
    for (int i = 0; i < BENCH_ROUNDS; i++)
        rounds[i] = bench_round(bench);
    qsort(rounds, BENCH_ROUNDS, sizeof rounds[0], bench_compare);
    bench_least = (double)rounds[0] / (double)bench->operations;
    return (double)rounds[BENCH_ROUNDS / 2] / (double)bench->operations;
}

/* Prints a result; limit 0: there is none. */
static inline void bench_case(const char *name, double value, const char *unit, double limit)
{
    if (bench_counting())
        return;
    if (limit > 0)
        printf("case %s %.4g %s limit %.4g\n", name, value, unit, limit);
    else
        printf("case %s %.4g %s limit -\n", name, value, unit);
}

#endif
