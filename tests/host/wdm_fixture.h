/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_WDM_FIXTURE_H
#define TESTS_HOST_WDM_FIXTURE_H

#include "tests/host/iommu_fixture.h"

/* The interface tables' own share: arguments, their order, and what is translated. */
#define AT           UINT64_C(0x10000000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct {
    DMA_IOMMU_INTERFACE_V1 v1;
    DMA_IOMMU_INTERFACE_V3 v3;
    uint64_t frame;   /* the first of four that OWNER_ONE owns */
    uint64_t foreign; /* of OWNER_TWO */
    PIOMMU_DMA_DOMAIN domain, buddy, pass, unmanaged;
} use;

#define NO_HANDLE ((void *)(uintptr_t)0x1234)

static inline NTSTATUS make_domain(IOMMU_DMA_DOMAIN_TYPE type, ULONG width, PIOMMU_DMA_DOMAIN *out)
{
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {.LogicalAllocatorType =
                                                     IommuDmaLogicalAllocatorBuddy};

    config.BuddyAllocatorConfig.AddressWidth = width;
    return on.api.CreateDomainEx(type, flags, width ? &config : NULL, NULL, out);
}

static inline void start_with(const struct options *options)
{
    DMA_IOMMU_INTERFACE_EX interface;

    start(options);
    assert_int_equal(IoGetIommuInterfaceEx(1, 0, &interface), STATUS_SUCCESS);
    use.v1 = interface.V1;
    assert_int_equal(IoGetIommuInterfaceEx(3, 0, &interface), STATUS_SUCCESS);
    use.v3 = interface.V3;
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    use.frame = own_pages(OWNER_ONE, 4);
    use.foreign = own_pages(OWNER_TWO, 1);
    assert_int_equal(make_domain(DomainTypeTranslate, 0, &use.domain), STATUS_SUCCESS);
    assert_int_equal(make_domain(DomainTypeTranslate, 32, &use.buddy), STATUS_SUCCESS);
    assert_int_equal(make_domain(DomainTypePassThrough, 0, &use.pass), STATUS_SUCCESS);
    assert_int_equal(make_domain(DomainTypeUnmanaged, 0, &use.unmanaged), STATUS_SUCCESS);
}

static inline int setup(void **state)
{
    (void)state;
    start_with(&OPTIONS_DEFAULT);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    no_violation();
    return 0;
}

static inline IOMMU_MAP_PHYSICAL_ADDRESS range_of(uint64_t physical, uint64_t length)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};

    source.ContiguousRange.Base.QuadPart = (LONGLONG)physical;
    source.ContiguousRange.Size = length;
    return source;
}

/* An MDL of up to 4 frames, from use.frame on. */
struct mdl4 {
    MDL mdl;
    PFN_NUMBER frames[4];
};

static inline struct mdl4 mdl_of(ULONG pages)
{
    struct mdl4 list;

    MmInitializeMdl(&list.mdl, NULL, pages * (SIZE_T)PAGE_SIZE);
    for (ULONG i = 0; i < 4; i++)
        list.frames[i] = (use.frame >> PAGE_SHIFT) + i;
    return list;
}

#endif
