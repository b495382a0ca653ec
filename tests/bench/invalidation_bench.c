/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Case C: what the modelled unit is told to forget when a range is unmapped through the interface.
 * Counts, not times. The registers are reached through a window that counts tail writes.
 */
#include "drivers/iommu/vtd/regs.h"
#include "tests/bench/bench.h"
#include "tests/host/iommu_fixture.h"

#define FRONT        UINT64_C(0xFEDA0000)
#define WINDOW_PAGES (UINT32_C(1) << 24)
#define BASE_PAGE    ((uint64_t)WINDOW_PAGES)
#define LONGEST      512u
#define DRAWS        2000u
#define LONG_BATCHES 64u

/* Of a batch, or the most of many. */
struct told {
    unsigned descriptors, waits, tail_writes;
    uint64_t pages;
    bool drops; /* more than leaf entries is to go */
};

static const unsigned lengths[] = {1, 2, 8, 32, 100, 256, LONGEST};

static PIOMMU_DMA_DOMAIN domain;
static uint64_t memory;
static unsigned tail_writes;
static struct told most;
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
    return model_vtd_read(context, (uint32_t)offset, width);
}

static void front_write(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    tail_writes += offset == VTD_IQT.offset;
    model_vtd_write(context, (uint32_t)offset, width, value);
}

static void set_up(void)
{
    struct model_region front = {FRONT, 0x1000, front_read, front_write, &on.unit};

    start(&OPTIONS_DEFAULT);
    must(model_add_region(&front) && mmio_map(FRONT, 0x1000, &on.driver.units[0].mmio),
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
    model_vtd_log_clear(&on.unit);
    tail_writes = 0;
}

/* All of `pages` pages from `first` on must be among what the unit was told to forget. */
static struct told end_batch(uint64_t first, unsigned pages)
{
    struct told told = {.tail_writes = tail_writes};
    const struct model_vtd_event *event;
    uint64_t covered = 0;

    for (unsigned i = 0; (event = model_vtd_log(&on.unit, i)) != NULL; i++) {
        bool is_page = event->kind == MODEL_VTD_IOTLB_PAGE;
        uint64_t size = is_page ? UINT64_C(1) << event->address_mask : 0;
        uint64_t from = event->address >> PAGE_SHIFT, to = from + size;

        told.waits += event->kind == MODEL_VTD_WAIT;
        told.descriptors += event->kind != MODEL_VTD_WAIT;
        told.pages += size;
        told.drops |= is_page ? !event->hint : event->kind != MODEL_VTD_WAIT;
        if (is_page && to > first && from < first + pages)
            covered += (to < first + pages ? to : first + pages) - (from > first ? from : first);
    }
    must(covered == pages, "a page was not invalidated");
    must(told.waits && told.tail_writes, "a batch was not waited for");
    most.waits = greater(most.waits, told.waits);
    most.tail_writes = greater(most.tail_writes, told.tail_writes);
    return told;
}

/* Unmaps a range of which the pages before and behind stay mapped, so that most often no table
 * becomes empty; whether one did, the pool tells. */
static struct told unmap_one(uint64_t first, unsigned pages)
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
    struct told told = end_batch(first, pages);
    if (on.iommu.pool.available == available) {
        kept_batches++;
        cache_drops += told.drops;
    }
    must(NT_SUCCESS(unmap_range(domain, before, PAGE_SIZE)) &&
             NT_SUCCESS(unmap_range(domain, behind, PAGE_SIZE)),
         "no unmap");
    return told;
}

static void aligned_ranges(void)
{
    unsigned descriptors = 0;

    for (unsigned pages = 1; pages <= LONGEST; pages *= 2)
        for (unsigned i = 0; i < DRAWS / 10; i++) {
            uint64_t first = BASE_PAGE + draw(WINDOW_PAGES) / pages * pages;
            struct told told = unmap_one(first, pages);

            descriptors = greater(descriptors, told.descriptors);
            must(told.pages == pages, "an aligned range was not exact");
        }
    bench_case("C.aligned", descriptors, "descriptors", 0);
}

/* The mean of ranges of one length anywhere. */
static double excess_of(unsigned pages)
{
    double sum = 0;

    for (unsigned i = 0; i < DRAWS; i++) {
        struct told told = unmap_one(BASE_PAGE + draw(WINDOW_PAGES), pages);
        double excess = (double)told.pages / pages;

        most.descriptors = greater(most.descriptors, told.descriptors);
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
        bench_case(name, mean, "times", 0);
        highest = mean > highest ? mean : highest;
    }
    bench_case("C.any", most.descriptors, "descriptors", 0);
    bench_case("C.excess", highest, "times", 0);
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
    bench_case("C.worst", worst, "times", 0);
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
    bench_case("C.waits", most.waits, "descriptors", 0);
    bench_case("C.tail-writes", most.tail_writes, "writes", 0);
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
    bench_case("C.cache-drops", cache_drops, "batches", 0);
    must(model_violations() == 0, model_violation_text(0));
    must(on.unit.evictions == 0, "the model's caches are too small");
    return EXIT_SUCCESS;
}
