/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The longer tests: the interface table and the tables behind it on the real unit's geometry.
 * Nothing is attached, so no DMA is involved.
 */
#include "arch/memory.h"
#include "drivers/iommu/core/core.h"
#include "lib/owner.h"
#include "lib/results.h"
#include "tests/image/image.h"

#include <string.h>
#include <wdm.h>

#define TEST_OWNER ((owner_t)(OWNER_DRIVER + 0x1000))

static void judge(const char *id, bool holds, const char *claim)
{
    results_add(id, NULL, holds ? RESULT_PASS : RESULT_FAIL, claim);
}

static void acquisition_tests(void)
{
    DMA_IOMMU_INTERFACE_EX table, untouched;

    memset(&untouched, 0xA5, sizeof untouched);
    table = untouched;
    judge("WDM-001",
          IoGetIommuInterfaceEx(0, 0, &table) == STATUS_INVALID_PARAMETER_1 &&
              IoGetIommuInterfaceEx(4, 0, &table) == STATUS_INVALID_PARAMETER_1 &&
              IoGetIommuInterfaceEx(2, 1, &table) == STATUS_INVALID_PARAMETER_2 &&
              !memcmp(&table, &untouched, sizeof table),
          "a refused request for the interface changes nothing");
    judge("WDM-002",
          IoGetIommuInterfaceEx(2, 0, &table) == STATUS_SUCCESS &&
              table.Size == DMA_IOMMU_INTERFACE_EX_V2_SIZE && table.Version == 2 &&
              !memcmp((char *)&table + table.Size, (char *)&untouched + table.Size,
                      sizeof table - table.Size),
          "the interface is written up to its own size");
}

struct fixture {
    DMA_IOMMU_INTERFACE_V2 api;
    PIOMMU_DMA_DOMAIN domain;
    void *memory;
    uint64_t physical;
};

#define FIXTURE_PAGES 1024 /* 4 MiB, naturally aligned: room for a superpage */

static NTSTATUS map(const struct fixture *fixture, uint64_t physical, uint64_t length,
                    uint64_t address, ULONG permissions)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};
    IOMMU_DMA_LOGICAL_ADDRESS wanted = address, got = 0;

    source.ContiguousRange.Base.QuadPart = (LONGLONG)physical;
    source.ContiguousRange.Size = length;
    NTSTATUS status = fixture->api.MapLogicalRangeEx(fixture->domain, permissions, &source, &wanted,
                                                     NULL, NULL, &got);
    return NT_SUCCESS(status) && got != address ? STATUS_UNSUCCESSFUL : status;
}

static void mapping_tests(const struct fixture *fixture)
{
    const uint64_t at = 0x40000000, size = FIXTURE_PAGES * (uint64_t)PAGE_SIZE;
    const ULONG both = IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE;

    judge("WDM-003", map(fixture, fixture->physical, size, at, both) == STATUS_SUCCESS,
          "4 MiB are mapped");
    judge("WDM-004",
          map(fixture, fixture->physical, PAGE_SIZE, at + PAGE_SIZE, both) ==
              STATUS_RESOURCE_IN_USE,
          "a live page is not mapped over");
    judge("WDM-005",
          map(fixture, 0x1000, PAGE_SIZE, 0x1000, both) == STATUS_ACCESS_DENIED &&
              map(fixture, fixture->physical, PAGE_SIZE, 0xFEE00000, both) ==
                  STATUS_INVALID_PARAMETER_4,
          "foreign frames and the interrupt window are refused");
    judge("WDM-006",
          fixture->api.UnmapLogicalRange(fixture->domain, at + 5 * PAGE_SIZE, 3) ==
                  STATUS_SUCCESS &&
              fixture->api.UnmapLogicalRange(fixture->domain, at, FIXTURE_PAGES) ==
                  STATUS_INVALID_PARAMETER_MIX &&
              map(fixture, fixture->physical, 3 * PAGE_SIZE, at + 5 * PAGE_SIZE, both) ==
                  STATUS_SUCCESS &&
              fixture->api.UnmapLogicalRange(fixture->domain, at, FIXTURE_PAGES) == STATUS_SUCCESS,
          "part of a superpage is unmapped and mapped again");
}

static void run_as_driver(struct iommu *iommu)
{
    DMA_IOMMU_INTERFACE_EX table;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};
    struct fixture fixture = {.memory = memory_alloc(TEST_OWNER, FIXTURE_PAGES, 0)};

    if (!fixture.memory || !NT_SUCCESS(IoGetIommuInterfaceEx(2, 0, &table))) {
        results_add("WDM-003", NULL, RESULT_ERROR, "no memory for the test");
        return;
    }
    fixture.api = table.V2;
    fixture.physical = memory_physical(fixture.memory);
    judge("WDM-007",
          fixture.api.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL, &fixture.domain) ==
              STATUS_SUCCESS,
          "a domain is made");
    mapping_tests(&fixture);
    judge("WDM-008",
          fixture.api.DeleteDomain(fixture.domain) == STATUS_SUCCESS &&
              fixture.api.DeleteDomain(fixture.domain) == STATUS_INVALID_PARAMETER_1,
          "a deleted domain is not found again");
    judge("CORE-004",
          iommu->pool.reserved == 0 && memory_free(TEST_OWNER, fixture.memory, FIXTURE_PAGES),
          "all memory comes back");
}

void image_tests_all(struct iommu *iommu)
{
    acquisition_tests();
    owner_t before = owner_enter(TEST_OWNER);
    run_as_driver(iommu);
    owner_enter(before);
}
