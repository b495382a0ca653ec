/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Cases A1 to A10: the page-table engine of build/host/libbulkhead.a, four levels, one format after
 * the other. Each case is a list of requests; map runs it over a domain where none of it is live,
 * unmap where all of it is. Where tables are to stay, one other page keeps each.
 */
#include "tests/bench/bench.h"
#include "tests/bench/bulkhead_pt.h"

#include <string.h>
#include <sys/mman.h>

#define PAGE         UINT64_C(0x1000)
#define MIB2         UINT64_C(0x200000)
#define GIB          UINT64_C(0x40000000)
#define BASE         (4 * GIB)
#define PHYSICAL     (64 * GIB)
#define ENTRIES      512u
#define POOL_SIZE    (64 * MIB2)
#define BARE_SIZE    (4 * MIB2)
#define RUNS         16u
#define REQUESTS_MAX 8192u

struct request {
    uint64_t address, physical, length;
};

static const struct format {
    enum bh_format id;
    const char *suffix; /* of the names of its cases */
} formats[] = {{BH_VTDSS, ""}, {BH_AMDV1, "-amdv1"}};

static const struct format *format;
static struct request requests[REQUESTS_MAX];
static unsigned request_count;
static bool live;
static struct bh_pool *pool;
static struct bh_pt *domain;
static uint64_t state;

static uint32_t draw(uint32_t limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % limit);
}

static void must(int failed, const char *what)
{
    if (!failed)
        return;
    fprintf(stderr, "pt_bench: %s fails\n", what);
    exit(EXIT_FAILURE);
}

static void map_all(void *context)
{
    const struct request *at = requests, *const end = &requests[request_count];
    struct bh_pt *const pt = domain;
    int failed = 0;

    (void)context;
    for (; at < end; at++)
        failed |= bh_pt_map(pt, at->address, at->physical, at->length, BH_READ | BH_WRITE);
    must(failed, "map");
    live = true;
}

static void unmap_all(void *context)
{
    const struct request *at = requests, *const end = &requests[request_count];
    struct bh_pt *const pt = domain;
    int failed = 0;

    (void)context;
    for (; at < end; at++)
        failed |= bh_pt_unmap(pt, at->address, at->length);
    must(failed, "unmap");
    live = false;
}

/* One entry of whatever size takes its whole range. */
static void unmap_at_once(void *context)
{
    (void)context;
    must(bh_pt_unmap(domain, requests[0].address, request_count * PAGE), "unmap at once");
    live = false;
}

static void look_up_all(void *context)
{
    const struct request *at = requests, *const end = &requests[request_count];
    uint64_t physical, wrong = 0;

    (void)context;
    for (; at < end; at++)
        wrong |= (uint64_t)bh_pt_lookup(domain, at->address, &physical) | (physical ^ at->physical);
    must(wrong != 0, "lookup");
}

static void make_live(void *context)
{
    if (!live)
        map_all(context);
}

static void make_free(void *context)
{
    if (live)
        unmap_all(context);
}

/*
 * The limits: a bare walk with a store, and stores alone, in memory of the same kind as the pool's.
 * Like the cases, they are repeated until reading the clock does not count.
 */
static uint64_t *bare_root, *bare_words;
static unsigned char *bare_free;

static uint64_t *bare_table(void)
{
    uint64_t *table = (uint64_t *)(void *)bare_free;

    bare_free += PAGE;
    must(bare_free > (unsigned char *)bare_words, "memory");
    return memset(table, 0, PAGE);
}

static inline uint64_t *bare_slot(const uint64_t *table, uint64_t address)
{
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t entry = ((const volatile uint64_t *)table)[address >> shift & (ENTRIES - 1)];
        table = (const uint64_t *)(uintptr_t)(entry & ~(PAGE - 1));
    }
    return (uint64_t *)(uintptr_t)&table[address >> 12 & (ENTRIES - 1)];
}

static void bare_link(uint64_t address)
{
    uint64_t *table = bare_root;

    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *slot = &table[address >> shift & (ENTRIES - 1)];

        if (!*slot)
            *slot = (uint64_t)(uintptr_t)bare_table() | 3;
        table = (uint64_t *)(uintptr_t)(*slot & ~(PAGE - 1));
    }
}

static void bare_walks(void *context)
{
    const struct request *at = requests, *const end = &requests[request_count];

    (void)context;
    for (; at < end; at++)
        *(volatile uint64_t *)bare_slot(bare_root, at->address) = at->physical | 3;
}

static inline void store_run(volatile uint64_t *word, uint64_t count)
{
    for (uint64_t value = PHYSICAL | 3; count; count -= 8, word += 8, value += 8 * PAGE) {
        word[0] = value;
        word[1] = value + PAGE;
        word[2] = value + 2 * PAGE;
        word[3] = value + 3 * PAGE;
        word[4] = value + 4 * PAGE;
        word[5] = value + 5 * PAGE;
        word[6] = value + 6 * PAGE;
        word[7] = value + 7 * PAGE;
    }
}

static void bare_runs(void *context)
{
    (void)context;
    for (unsigned i = 0; i < RUNS; i++)
        store_run(bare_words, 256);
}

static void bare_tables(void *context)
{
    (void)context;
    store_run(bare_words, MIB2 / sizeof *bare_words);
}

static double limit_of_walks(void)
{
    for (unsigned i = 0; i < request_count; i++)
        bare_link(requests[i].address);
    return bench_run(&(struct bench){"limit.walk", request_count, NULL, bare_walks, NULL});
}

static double limit_of_runs(void)
{
    return bench_run(&(struct bench){"limit.run", RUNS, NULL, bare_runs, NULL});
}

static double limit_of_tables(void)
{
    return bench_run(
        &(struct bench){"limit.tables", MIB2 / sizeof *bare_words, NULL, bare_tables, NULL});
}

/*
 * The cases.
 */
static void request(uint64_t address, uint64_t physical, uint64_t length)
{
    requests[request_count++] = (struct request){address, physical, length};
}

static void new_case(void)
{
    if (domain)
        bh_pt_destroy(domain);
    domain = bh_pt_create(format->id, 4, pool);
    must(!domain, "create");
    request_count = 0;
    live = false;
}

/* The last page of each of `count` tables from `address` on. */
static void keep_tables(uint64_t address, unsigned count)
{
    for (unsigned i = 1; i <= count; i++)
        must(bh_pt_map(domain, address + i * MIB2 - PAGE, PHYSICAL, PAGE, BH_READ), "keep");
}

static const char *name_of(const char *what)
{
    static char name[32];

    (void)snprintf(name, sizeof name, "%s%s", what, format->suffix);
    return name;
}

static void measure(const char *what, uint64_t operations, void (*before)(void *),
                    void (*body)(void *), double limit)
{
    const char *name = name_of(what);

    bench_case(name, bench_run(&(struct bench){name, operations, before, body, NULL}), "ns", limit);
}

static void both(const char *map_name, const char *unmap_name, uint64_t operations,
                 double map_limit, double unmap_limit)
{
    measure(map_name, operations, make_free, map_all, map_limit);
    measure(unmap_name, operations, make_live, unmap_all, unmap_limit);
}

static void one_page_hot(void)
{
    new_case();
    keep_tables(BASE, 1);
    for (unsigned i = 0; i < ENTRIES - 1; i++)
        request(BASE + i * PAGE, PHYSICAL + i * PAGE, PAGE);
    double limit = limit_of_walks();
    both("A1.map", "A1.unmap", request_count, limit, limit);
}

/* Distinct pages of 1 GiB in random order, none of them one that keeps a table. */
static void random_pages(void)
{
    static uint32_t pages[ENTRIES * (ENTRIES - 1)];
    const unsigned count = ENTRIES * (ENTRIES - 1);

    state = 20261121;
    for (unsigned i = 0; i < count; i++)
        pages[i] = i / (ENTRIES - 1) * ENTRIES + i % (ENTRIES - 1);
    for (unsigned i = 0; i < REQUESTS_MAX; i++) {
        unsigned other = i + draw(count - i);
        uint32_t page = pages[other];

        pages[other] = pages[i];
        request(BASE + page * PAGE, PHYSICAL + page * PAGE, PAGE);
    }
}

static void one_page_random(void)
{
    new_case();
    keep_tables(BASE, ENTRIES);
    random_pages();
    double limit = limit_of_walks();
    both("A2.map", "A2.unmap", request_count, limit, limit);
    make_live(NULL);
    measure("A10.lookup", request_count, NULL, look_up_all, limit);
}

static void one_superpage(void)
{
    new_case();
    for (unsigned i = 0; i < 256; i++)
        request(BASE + i * MIB2, PHYSICAL + i * MIB2, MIB2);
    must(bh_pt_map(domain, BASE + 256 * MIB2, PHYSICAL, MIB2, BH_READ), "keep");
    both("A3.map", "A3.unmap", request_count, 0, 0);
    new_case();
    for (unsigned i = 0; i < 16; i++)
        request(BASE + i * GIB, PHYSICAL + i * GIB, GIB);
    must(bh_pt_map(domain, BASE + 16 * GIB, PHYSICAL, GIB, BH_READ), "keep");
    both("A3.map-1G", "A3.unmap-1G", request_count, 0, 0);
}

static void run_of_pages(void)
{
    new_case();
    keep_tables(BASE, RUNS);
    for (unsigned i = 0; i < RUNS; i++)
        request(BASE + i * MIB2 + i * PAGE, PHYSICAL + PAGE, 256 * PAGE);
    double limit = limit_of_runs();
    both("A4.map", "A4.unmap", request_count, limit, limit);
}

static void scattered_pages(void)
{
    new_case();
    for (unsigned i = 0; i < 256; i++)
        request(BASE + i * PAGE, PHYSICAL + (uint64_t)draw(1u << 20) * PAGE, PAGE);
    measure("A5.map", 1, make_free, map_all, 0);
    measure("A5.unmap", 1, make_live, unmap_at_once, 0);
}

static void whole_gigabyte(void)
{
    const uint64_t entries = GIB / PAGE;

    new_case();
    request(BASE, PHYSICAL + PAGE, GIB);
    both("A6.map", "A7.unmap", entries, limit_of_tables(), 0);
}

static void mixed_sizes(void)
{
    new_case();
    request(BASE, PHYSICAL, GIB + MIB2 + 5 * PAGE);
    both("A8.map", "A8.unmap", 1, 0, 0);
}

static void sparse_pages(void)
{
    new_case();
    size_t before = bh_pool_available(pool);
    for (uint64_t i = 0; i < 2048; i++)
        request(i * 32 * GIB, PHYSICAL, PAGE);
    both("A9.map", "A9.unmap", request_count, 0, 0);
    make_free(NULL);
    bench_case(name_of("A9.tables"), (double)(before - bh_pool_available(pool)), "tables", 0);
}

/* Memory in pages of 2 MiB, where the system has them. */
static unsigned char *take_memory(size_t size)
{
    unsigned char *memory = mmap(NULL, size + MIB2, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    must(memory == MAP_FAILED, "memory");
    memory += -(uintptr_t)memory & (MIB2 - 1);
    (void)madvise(memory, size, MADV_HUGEPAGE);
    return memset(memory, 0xA5, size);
}

int main(void)
{
    pool = bh_pool_create(take_memory(POOL_SIZE), POOL_SIZE);
    must(!pool, "memory");
    bare_free = take_memory(BARE_SIZE);
    bare_words = (uint64_t *)(void *)(bare_free + BARE_SIZE - MIB2);
    bare_root = bare_table();
    for (format = formats; format < formats + sizeof formats / sizeof formats[0]; format++) {
        one_page_hot();
        one_page_random();
        one_superpage();
        run_of_pages();
        scattered_pages();
        whole_gigabyte();
        mixed_sizes();
        sparse_pages();
    }
    return 0;
}
