/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Log lines as tests/bench/bench.h says: "count NAME OPERATIONS" after each CLOSE, and "case NAME
 * VALUE UNIT limit LIMIT" for what needs no counting.
 */
#include "tests/bench/image/suite.h"

#include "arch/memory.h"
#include "drivers/iommu/wdm/wdm_iommu.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <driver_bench.h>
#include <wdm.h>

#define BENCH_OWNER  ((owner_t)(OWNER_DRIVER + 0x1001))
#define LARGE_PAGES  (UINT64_C(256) << (20 - PAGE_SHIFT))
#define AT           UINT64_C(0x4040000000) /* a whole GiB follows it; above what is reserved */
#define SINGLE_PAIRS 1000
#define BOTH         (IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE)

struct suite {
    DMA_IOMMU_INTERFACE_V2 api;
    struct iommu *iommu;
    PIOMMU_DMA_DOMAIN domain;
    PIOMMU_DMA_DEVICE device;
    void *memory;
};

static void print_count(const char *name, uint64_t operations)
{
    BENCH_MARKER(BENCH_CLOSE);
    log_write(LOG_INFO, "bench", "count %s %llu", name, (unsigned long long)operations);
}

static void print_tables(const char *name, size_t tables, size_t limit)
{
    log_write(LOG_INFO, "bench", "case %s %llu tables limit %llu", name, (unsigned long long)tables,
              (unsigned long long)limit);
}

static IOMMU_MAP_PHYSICAL_ADDRESS first_pages(const struct suite *suite, uint64_t pages)
{
    return (IOMMU_MAP_PHYSICAL_ADDRESS){
        .MapType = MapPhysicalAddressTypeContiguousRange,
        .ContiguousRange = {.Base = {.QuadPart = (LONGLONG)memory_physical(suite->memory)},
                            .Size = pages * PAGE_SIZE}};
}

static inline bool map_source(struct suite *suite, IOMMU_DMA_LOGICAL_ADDRESS address,
                              IOMMU_MAP_PHYSICAL_ADDRESS *source)
{
    IOMMU_DMA_LOGICAL_ADDRESS given;

    return NT_SUCCESS(
        suite->api.MapLogicalRangeEx(suite->domain, BOTH, source, &address, NULL, NULL, &given));
}

static bool map(struct suite *suite, uint64_t address, uint64_t pages)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = first_pages(suite, pages);

    return map_source(suite, address, &source);
}

static bool unmap(struct suite *suite, uint64_t address, uint64_t pages)
{
    return NT_SUCCESS(suite->api.UnmapLogicalRange(suite->domain, address, pages));
}

/* Tables out of the pool, those of other domains as well. */
static size_t tables(const struct suite *suite)
{
    const struct pt_pool *pool = &suite->iommu->pool;

    return pool->chunks * (PT_ENTRIES - 1) - pool->available;
}

/* Memory one page off the alignment of its address has no larger leaf. */
static bool bench_range(struct suite *suite, const char *name, uint64_t address, size_t *peak)
{
    BENCH_MARKER(BENCH_BEGIN);
    bool mapped = map(suite, address, LARGE_PAGES);
    BENCH_MARKER(BENCH_END);
    *peak = tables(suite);
    if (!mapped)
        return false;
    print_count(name, LARGE_PAGES);
    return unmap(suite, address, LARGE_PAGES);
}

/* In a domain in use: a neighbour keeps the tables. */
static bool bench_single(struct suite *suite)
{
    IOMMU_MAP_PHYSICAL_ADDRESS page = first_pages(suite, 1);
    unsigned left = SINGLE_PAIRS;

    if (!map(suite, AT + PAGE_SIZE, 1))
        return false;
    BENCH_MARKER(BENCH_BEGIN);
    while (left && map_source(suite, AT, &page) && unmap(suite, AT, 1))
        left--;
    BENCH_MARKER(BENCH_END);
    if (!left)
        print_count("E.map-unmap", SINGLE_PAIRS);
    return !left && unmap(suite, AT + PAGE_SIZE, 1);
}

/* The least for LARGE_PAGES that begin one page into a leaf table, all within one GiB. */
static size_t least_tables(const struct iommu *iommu)
{
    return LARGE_PAGES / PT_ENTRIES + 1 + (iommu->geometry.levels - 1u);
}

static bool run(struct suite *suite, size_t before)
{
    size_t peak, ignored;

    if (!bench_range(suite, "E.map-2M", AT, &ignored) ||
        !bench_range(suite, "E.map-4K", AT + PAGE_SIZE, &peak) || !bench_single(suite))
        return false;
    print_tables("G.peak", peak - before, least_tables(suite->iommu));
    print_tables("G.tables", tables(suite) - before, 1);
    return true;
}

static bool run_attached(struct suite *suite, uint16_t endpoint)
{
    IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};
    size_t before = tables(suite);
    bool done = false;

    if (!NT_SUCCESS(suite->api.CreateDevice(wdm_pdo(endpoint), NULL, &suite->device)))
        return false;
    if (NT_SUCCESS(
            suite->api.CreateDomainEx(DomainTypeTranslate, none, NULL, NULL, &suite->domain))) {
        if (NT_SUCCESS(suite->api.AttachDeviceEx(suite->domain, suite->device))) {
            done = run(suite, before);
            done &= NT_SUCCESS(suite->api.DetachDeviceEx(suite->device));
        }
        done &= NT_SUCCESS(suite->api.DeleteDomain(suite->domain));
    }
    return NT_SUCCESS(suite->api.DeleteDevice(suite->device)) && done;
}

/* Any device will do, so that invalidations reach a unit: the first that one guards. */
static bool run_as_driver(struct iommu *iommu)
{
    struct suite suite = {.iommu = iommu, .memory = memory_alloc(BENCH_OWNER, LARGE_PAGES, 0)};
    DMA_IOMMU_INTERFACE_EX table;
    uint16_t endpoint = 0;

    if (!suite.memory || !NT_SUCCESS(IoGetIommuInterfaceEx(2, 0, &table)))
        return false;
    suite.api = table.V2;
    while (endpoint < iommu->pci->count && !iommu_covered(iommu, endpoint))
        endpoint++;
    if (endpoint == iommu->pci->count)
        return false;
    iommu_bind(iommu, endpoint, BENCH_OWNER);
    bool done = run_attached(&suite, endpoint);
    iommu_bind(iommu, endpoint, OWNER_FREE);
    return memory_free(BENCH_OWNER, suite.memory, LARGE_PAGES) && done;
}

void bench_image(struct iommu *iommu)
{
    owner_t before = owner_enter(BENCH_OWNER);

    if (!run_as_driver(iommu))
        log_write(LOG_WARNING, "bench", "the benchmarks could not run to their end");
    owner_enter(before);
}
