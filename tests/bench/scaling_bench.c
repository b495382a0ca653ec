/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Case A11: two CPUs that map and unmap one page at a time through the page-table engine, in two
 * domains and in one, each under the lock of its domain as core takes it. The value is the time of
 * both by the number of pairs that they made, the limit that of one CPU.
 *
 * A round ends for both when the first has made its share, so they work side by side. All cases
 * take turns, and the best round of each counts: what else the machine does decides less. Where two
 * CPUs do not give the work of two even with nothing shared, or one alone was always disturbed,
 * nothing can be said and the rows are left out.
 */
#define _GNU_SOURCE
#include "lib/lock.h"
#include "tests/bench/bench.h"
#include "tests/bench/bulkhead_pt.h"

#include <sched.h>
#include <threads.h>

#define PAIRS      20480u /* of the worker that is first; those of spin() are as long */
#define PAGES      256u
#define SPIN_STEPS 20u
#define SPAN       UINT64_C(0x200000) /* bytes that one table of pages maps */
#define BASE       UINT64_C(0x100000000)
#define PHYSICAL   UINT64_C(0x1000000000)
#define PAGE_SIZE  UINT64_C(0x1000)
#define POOL_SIZE  (4 * SPAN)
#define LINES      128 /* bytes that CPUs may fetch together */
#define WORKERS    2u
#define ENOUGH     1.9 /* of two CPUs: the goal itself */
#define TOO_MUCH   2.1 /* two CPUs cannot: one alone was never undisturbed */
#define TURNS      1500u
#define TIME_MAX   UINT64_C(20000000000) /* ns */

struct domain {
    _Alignas(LINES) struct lock lock;
    struct bh_pt *pt;
};

struct worker {
    _Alignas(LINES) struct domain *domain; /* NULL: work with nothing shared */
    uint64_t base;
    uint64_t pairs, begin_ns, end_ns;
    bool failed;
};

static struct domain domains[2];
static struct worker workers[WORKERS];
static _Alignas(LINES) atomic_uint round_number; /* the helper's part of it begins */
static _Alignas(LINES) atomic_uint waiting;      /* workers that are not there yet */
static _Alignas(LINES) atomic_uint busy;         /* workers that are not done yet */
static _Alignas(LINES) atomic_bool enough;

static bool map_and_unmap(const struct worker *worker)
{
    struct domain *domain = worker->domain;
    int failed = 0;

    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t at = worker->base + i * PAGE_SIZE;

        lock_take(&domain->lock);
        failed |= bh_pt_map(domain->pt, at, PHYSICAL, PAGE_SIZE, BH_READ | BH_WRITE);
        lock_give(&domain->lock);
        lock_take(&domain->lock);
        failed |= bh_pt_unmap(domain->pt, at, PAGE_SIZE);
        lock_give(&domain->lock);
    }
    return failed != 0;
}

static bool spin(void)
{
    volatile uint64_t sum = 0;

    for (unsigned i = 0; i < PAGES * SPIN_STEPS; i++)
        sum += i;
    return !sum;
}

static void work(struct worker *worker)
{
    worker->pairs = 0;
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting))
        ;
    worker->begin_ns = bench_now_ns();
    while (worker->pairs < PAIRS && !atomic_load_explicit(&enough, memory_order_relaxed)) {
        worker->failed |= worker->domain ? map_and_unmap(worker) : spin();
        worker->pairs += PAGES;
    }
    worker->end_ns = bench_now_ns();
    atomic_store(&enough, true);
    atomic_fetch_sub(&busy, 1);
}

static void stop(const char *what)
{
    fprintf(stderr, "scaling_bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static cpu_set_t cpus; /* that the program may use */

static void keep_to(unsigned nth)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &cpus) && !nth--)
            CPU_SET(i, &one);
    if (sched_setaffinity(0, sizeof one, &one))
        stop("no CPU");
}

static __attribute__((noreturn)) int help(void *context)
{
    keep_to(1);
    for (unsigned done = 0;; done++) {
        while (atomic_load(&round_number) == done)
            thrd_yield();
        work(context);
    }
}

/* Nanoseconds a pair of `count` workers. */
static double run_once(unsigned count)
{
    uint64_t pairs = 0, begin = UINT64_MAX, end = 0;

    atomic_store(&enough, false);
    atomic_store(&busy, count);
    atomic_store(&waiting, count);
    atomic_fetch_add(&round_number, count - 1);
    work(&workers[0]);
    while (atomic_load(&busy))
        ;
    for (unsigned i = 0; i < count; i++) {
        const struct worker *worker = &workers[i];

        if (worker->failed)
            stop("an operation failed");
        pairs += worker->pairs;
        begin = worker->begin_ns < begin ? worker->begin_ns : begin;
        end = worker->end_ns > end ? worker->end_ns : end;
    }
    return (double)(end - begin) / (double)pairs;
}

/* A page at the end of each table keeps it. */
static void prepare(void)
{
    void *memory = aligned_alloc(SPAN, POOL_SIZE);
    struct bh_pool *pool = memory ? bh_pool_create(memory, POOL_SIZE) : NULL;

    if (!pool)
        stop("no memory");
    for (unsigned i = 0; i < 2; i++) {
        domains[i] = (struct domain){LOCK_INIT, bh_pt_create(BH_VTDSS, 4, pool)};
        if (!domains[i].pt)
            stop("no domain");
        for (unsigned n = 0; n < WORKERS; n++) {
            workers[n].base = BASE + n * SPAN;
            if (bh_pt_map(domains[i].pt, workers[n].base + SPAN - PAGE_SIZE, PHYSICAL, PAGE_SIZE,
                          BH_READ))
                stop("no map");
        }
    }
}

enum { SPIN_ALONE, SPIN_BOTH, ALONE, APART, TOGETHER, CASES };

static const struct {
    unsigned count;
    struct domain *first, *second;
} cases[CASES] = {
    [SPIN_ALONE] = {1, NULL, NULL},
    [SPIN_BOTH] = {2, NULL, NULL},
    [ALONE] = {1, &domains[0], NULL},
    [APART] = {2, &domains[0], &domains[1]},
    [TOGETHER] = {2, &domains[0], &domains[0]},
};

static void measure(double best[CASES])
{
    uint64_t from = bench_now_ns();

    for (unsigned turn = 0; turn < TURNS && bench_now_ns() - from < TIME_MAX; turn++)
        for (unsigned i = 0; i < CASES; i++) {
            workers[0].domain = cases[i].first;
            workers[1].domain = cases[i].second;
            double time = run_once(cases[i].count);
            best[i] = !turn || time < best[i] ? time : best[i];
        }
}

static void leave_out(const char *reason)
{
    printf("left out A11.two-domains: %s\nleft out A11.one-domain: %s\n", reason, reason);
}

int main(void)
{
    char reason[120];
    double best[CASES];
    thrd_t helper;

    if (bench_counting())
        return EXIT_SUCCESS;
    if (sched_getaffinity(0, sizeof cpus, &cpus) || CPU_COUNT(&cpus) < (int)WORKERS) {
        leave_out("there is one CPU");
        return EXIT_SUCCESS;
    }
    prepare();
    if (thrd_create(&helper, help, &workers[1]) != thrd_success)
        stop("no thread");
    keep_to(0);
    measure(best);
    double machine = best[SPIN_ALONE] / best[SPIN_BOTH], scaled = best[ALONE] / best[APART];
    bench_case("A11.machine", machine, "CPUs", 0);
    if (machine < ENOUGH || machine > TOO_MUCH || scaled > TOO_MUCH) {
        (void)snprintf(reason, sizeof reason,
                       "two CPUs seemed to do the work of %.2f with nothing shared, "
                       "and of %.2f in two domains",
                       machine, scaled);
        leave_out(reason);
        return EXIT_SUCCESS;
    }
    bench_case("A11.two-domains", best[APART], "ns", best[ALONE]);
    bench_case("A11.one-domain", best[TOGETHER], "ns", best[ALONE]);
    return EXIT_SUCCESS;
}
