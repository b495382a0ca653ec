/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Case C: what the modelled unit is told to forget when a range is unmapped through the interface.
 * Counts, not times. The registers are reached through a window that counts tail writes.
 */
#include "tests/bench/bench.h"
#include "tests/host/iommu_fixture.h"

#define FRONT        UINT64_C(0xFEDA0000)
#define WINDOW_PAGES (UINT32_C(1) << 24)
#define BASE_PAGE    ((uint64_t)WINDOW_PAGES)
#define LONGEST      512u
#define DRAWS        2000u
#define LONG_BATCHES 64u

static const unsigned lengths[] = {1, 2, 8, 32, 100, 256, LONGEST};

static PIOMMU_DMA_DOMAIN domain;
static uint64_t memory;
static unsigned tail_writes;
static unsigned most_commands, most_waits, most_tail_writes; /* of a batch */
static unsigned kept_batches, cache_drops;
static double worst;
static uint64_t state = 20261121;

static uint32_t draw(uint32_t limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % limit);
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "invalidation_bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static uint64_t front_read(void *context, uint64_t offset, unsigned width)
{
    return unit_read(context, offset, width);
}

static void front_write(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    tail_writes += offset == UNIT_TAIL;
    unit_write(context, offset, width, value);
}

static void set_up(void)
{
    struct model_region front = {FRONT, UNIT_REGISTERS, front_read, front_write, &on.unit};

    start(&OPTIONS_DEFAULT);
    must(model_add_region(&front) && mmio_map(FRONT, UNIT_REGISTERS, &on.driver.units[0].mmio),
         "no window");
    memory = own_pages(OWNER_ONE, LONGEST);
    domain = new_domain();
    must(NT_SUCCESS(on.api.AttachDeviceEx(domain, new_device(FIRST))), "no attach");
}

static unsigned greater(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static void begin_batch(void)
{
    (void)unit_take_told(&on.unit);
    tail_writes = 0;
}

/* All of `pages` pages from `first` on must be among what the unit was told to forget. */
static struct unit_told end_batch(uint64_t first, unsigned pages)
{
    uint64_t address = first << PAGE_SHIFT, last = address + ((uint64_t)pages << PAGE_SHIFT) - 1;

    must(!pages || unit_covered(&on.unit, address, last) == pages, "a page was not invalidated");
    struct unit_told told = unit_take_told(&on.unit);
    must(told.waits && tail_writes, "a batch was not waited for");
    most_waits = greater(most_waits, told.waits);
    most_tail_writes = greater(most_tail_writes, tail_writes);
    return told;
}

static unsigned commands(const struct unit_told *told)
{
    return told->ranges + told->others;
}

static void show(const char *what, double value, const char *unit)
{
    char name[32];

    (void)snprintf(name, sizeof name, "%s%s", what, UNIT_ROW);
    bench_case(name, value, unit, 0);
}

/* Unmaps a range of which the pages before and behind stay mapped, so that most often no table
 * becomes empty; whether one did, the pool tells. */
static struct unit_told unmap_one(uint64_t first, unsigned pages)
{
    uint64_t address = first << PAGE_SHIFT, length = (uint64_t)pages << PAGE_SHIFT;
    uint64_t before = address - PAGE_SIZE, behind = address + length;

    must(NT_SUCCESS(map_range(domain, before, memory, PAGE_SIZE, READ_WRITE)) &&
             NT_SUCCESS(map_range(domain, behind, memory, PAGE_SIZE, READ_WRITE)) &&
             NT_SUCCESS(map_range(domain, address, memory, length, READ_WRITE)),
         "no map");
    size_t available = on.iommu.pool.available;
    begin_batch();
    must(NT_SUCCESS(unmap_range(domain, address, length)), "no unmap");
    struct unit_told told = end_batch(first, pages);
    if (on.iommu.pool.available == available) {
        kept_batches++;
        cache_drops += told.directories;
    }
    must(NT_SUCCESS(unmap_range(domain, before, PAGE_SIZE)) &&
             NT_SUCCESS(unmap_range(domain, behind, PAGE_SIZE)),
         "no unmap");
    return told;
}

static void aligned_ranges(void)
{
    unsigned most = 0;

    for (unsigned pages = 1; pages <= LONGEST; pages *= 2)
        for (unsigned i = 0; i < DRAWS / 10; i++) {
            uint64_t first = BASE_PAGE + draw(WINDOW_PAGES) / pages * pages;
            struct unit_told told = unmap_one(first, pages);

            most = greater(most, commands(&told));
            must(told.pages == pages, "an aligned range was not exact");
        }
    show("C.aligned", most, "commands");
}

/* The mean of ranges of one length anywhere. */
static double excess_of(unsigned pages)
{
    double sum = 0;

    for (unsigned i = 0; i < DRAWS; i++) {
        struct unit_told told = unmap_one(BASE_PAGE + draw(WINDOW_PAGES), pages);
        double excess = (double)told.pages / pages;

        most_commands = greater(most_commands, commands(&told));
        worst = excess > worst ? excess : worst;
        sum += excess;
    }
    return sum / DRAWS;
}

static void any_ranges(void)
{
    double highest = 0;

    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        double mean = excess_of(lengths[i]);
        char name[32];

        (void)snprintf(name, sizeof name, "C.excess-%u", lengths[i]);
        show(name, mean, "times");
        highest = mean > highest ? mean : highest;
    }
    show("C.any", most_commands, "commands");
    show("C.excess", highest, "times");
}

/* Every range of at most two spans of LONGEST pages, without the unit. */
static void every_range(void)
{
    struct iommu_block blocks[2];

    for (uint64_t first = 0; first < 2 * LONGEST; first++)
        for (uint64_t last = first; last < 2 * LONGEST; last++) {
            unsigned count = iommu_blocks(first << PAGE_SHIFT, last << PAGE_SHIFT, blocks);
            uint64_t pages = 0;

            for (unsigned i = 0; i < count; i++)
                pages += UINT64_C(1) << blocks[i].order;
            double excess = (double)pages / (double)(last - first + 1);
            worst = count && excess > worst ? excess : worst;
        }
    show("C.worst", worst, "times");
}

/* Batches of many ranges, as the core hands them to a unit. */
static void long_batches(void)
{
    struct iommu_unit *unit = &on.iommu.units[0];

    for (unsigned ranges = 1; ranges <= LONG_BATCHES; ranges++) {
        struct iommu_invalidation batch = {.domain_id = 1};

        for (unsigned i = 0; i < ranges; i++) {
            uint64_t first = (BASE_PAGE + draw(WINDOW_PAGES)) << PAGE_SHIFT;

            iommu_invalidation_add(&batch, first, LONGEST * PAGE_SIZE);
        }
        begin_batch();
        must(unit->ops->invalidate(unit, &batch), "no invalidation");
        (void)end_batch(0, 0);
    }
    show("C.waits", most_waits, "commands");
    show("C.tail-writes", most_tail_writes, "writes");
}

int main(void)
{
    if (bench_counting())
        return EXIT_SUCCESS;
    set_up();
    aligned_ranges();
    any_ranges();
    every_range();
    long_batches();
    must(kept_batches >= DRAWS, "too few batches kept their tables");
    show("C.cache-drops", cache_drops, "batches");
    must(model_violations() == 0, model_violation_text(0));
    must(on.unit.evictions == 0, "the model's caches are too small");
    return EXIT_SUCCESS;
}
