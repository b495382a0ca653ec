/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_DOMAIN_FIXTURE_H
#define TESTS_HOST_DOMAIN_FIXTURE_H

#include "tests/host/iommu_fixture.h"

/* Core's side of the domain API, without the interface tables. */
#define AT   UINT64_C(0x10000000)
#define PAGE UINT64_C(0x1000)

static const pci_bdf_t first_id = PCI_BDF(0, 2, 0), second_id = PCI_BDF(0, 3, 0);

static inline iommu_ref_t make(enum iommu_domain_type type, unsigned width)
{
    const struct iommu_domain_config config = {.type = type, .width = width};
    iommu_ref_t domain = 0;

    assert_int_equal(iommu_create_domain(&on.iommu, OWNER_ONE, &config, &domain), IOMMU_OK);
    return domain;
}

static inline enum iommu_status try_make(enum iommu_domain_type type)
{
    const struct iommu_domain_config config = {.type = type};
    iommu_ref_t domain = 77;
    enum iommu_status status = iommu_create_domain(&on.iommu, OWNER_ONE, &config, &domain);

    assert_true((status == IOMMU_OK) == (domain != 77));
    return status;
}

static inline iommu_ref_t device(uint16_t endpoint)
{
    iommu_ref_t ref = 0;

    assert_int_equal(iommu_create_device(&on.iommu, OWNER_ONE, endpoint, &ref), IOMMU_OK);
    return ref;
}

static inline iommu_ref_t attached(uint16_t endpoint, iommu_ref_t domain)
{
    iommu_ref_t ref = device(endpoint);

    assert_int_equal(iommu_attach(&on.iommu, OWNER_ONE, domain, ref), IOMMU_OK);
    return ref;
}

static inline enum iommu_status map_at(iommu_ref_t domain, uint64_t address, uint64_t physical,
                                       uint64_t length)
{
    const struct iommu_place place = {&address, 0, UINT64_MAX};
    const struct iommu_memory memory = {.physical = physical, .length = length};
    uint64_t out = 0;

    return iommu_map(&on.iommu, OWNER_ONE, domain, &place, &memory, PT_READ_WRITE, &out);
}

static inline enum iommu_status unmap_at(iommu_ref_t domain, uint64_t address, uint64_t length)
{
    return iommu_unmap(&on.iommu, OWNER_ONE, domain, address, length);
}

static inline enum iommu_status reserve_at(iommu_ref_t domain, uint64_t address, uint64_t length,
                                           iommu_ref_t *token)
{
    const struct iommu_place place = {&address, 0, UINT64_MAX};
    uint64_t out = 0;
    enum iommu_status status =
        iommu_reserve(&on.iommu, OWNER_ONE, domain, &place, length, token, &out);

    assert_true(out == (status == IOMMU_OK ? address : 0));
    return status;
}

static inline enum iommu_status map_in(iommu_ref_t token, uint64_t offset, uint64_t physical,
                                       uint64_t length)
{
    const struct iommu_memory memory = {.physical = physical, .length = length};

    return iommu_map_reserved(&on.iommu, OWNER_ONE, token, offset, &memory, PT_READ_WRITE);
}

static inline enum iommu_status unmap_in(iommu_ref_t token, uint64_t offset, uint64_t length)
{
    return iommu_unmap_reserved(&on.iommu, OWNER_ONE, token, offset, length);
}

static inline enum iommu_status free_token(iommu_ref_t token)
{
    return iommu_free_reserved(&on.iommu, OWNER_ONE, token);
}

static inline size_t tables_in_use(void)
{
    return on.iommu.pool.chunks * 511 - on.iommu.pool.available;
}

/* Leaves no page in the pool that is not set aside; returns what put_back wants. */
static inline size_t drain_pool(void)
{
    size_t free = on.iommu.pool.available - on.iommu.pool.reserved;

    on.iommu.pool.reserved += free;
    return free;
}

static inline void put_back(size_t free)
{
    on.iommu.pool.reserved -= free;
}

#endif
