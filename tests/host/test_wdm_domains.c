/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Acquisition, and the routines that make, configure, flush and delete domains: every refused
 * argument, in the order of the arguments.
 */
#include "tests/host/wdm_fixture.h"

static void versions_fill_their_own_size(void **state)
{
    static const size_t sizes[] = {0, 0x78, 0xC0, 0xE8};

    (void)state;
    for (ULONG version = 1; version <= 3; version++) {
        DMA_IOMMU_INTERFACE_EX table;
        uint8_t *bytes = (uint8_t *)&table;
        PVOID routine;

        memset(&table, 0xA5, sizeof table);
        assert_int_equal(IoGetIommuInterfaceEx(version, 0, &table), STATUS_SUCCESS);
        assert_int_equal(table.Size, sizes[version]);
        assert_int_equal(table.Version, version);
        for (size_t at = 0x10; at < sizes[version]; at += sizeof routine) {
            memcpy(&routine, bytes + at, sizeof routine);
            assert_non_null(routine);
        }
        for (size_t at = sizes[version]; at < sizeof table; at++)
            assert_int_equal(bytes[at], 0xA5);
    }
    assert_memory_equal(&use.v3, &on.api, sizeof on.api);
}

static void acquisition_refuses(void **state)
{
    DMA_IOMMU_INTERFACE_EX table, untouched;
    DMA_IOMMU_INTERFACE legacy, same;

    (void)state;
    memset(&untouched, 0xA5, sizeof untouched);
    table = untouched;
    assert_int_equal(IoGetIommuInterfaceEx(0, 1, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(IoGetIommuInterfaceEx(4, 0, &table), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(IoGetIommuInterfaceEx(3, 1, NULL), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(IoGetIommuInterfaceEx(3, 0, NULL), STATUS_INVALID_PARAMETER_3);
    assert_memory_equal(&table, &untouched, sizeof table);
    memset(&same, 0xA5, sizeof same);
    legacy = same;
    assert_int_equal(IoGetIommuInterface(0, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(IoGetIommuInterface(2, &legacy), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(IoGetIommuInterface(1, NULL), STATUS_INVALID_PARAMETER_2);
    assert_memory_equal(&legacy, &same, sizeof legacy);
    assert_int_equal(IoGetIommuInterface(1, &legacy), STATUS_SUCCESS);
    assert_int_equal(legacy.Version, 1);
    assert_memory_equal((char *)&legacy + 8, &use.v1, sizeof use.v1);
}

static void without_units_every_routine_refuses(void **state)
{
    DMA_IOMMU_INTERFACE_EX table;
    DMA_IOMMU_INTERFACE legacy;
    PIOMMU_DMA_DOMAIN domain = NULL;
    PIOMMU_DMA_DEVICE device = NULL;
    ULONG types = 77;

    (void)state;
    wdm_start(NULL);
    assert_int_equal(IoGetIommuInterface(1, &legacy), STATUS_NOT_SUPPORTED);
    assert_int_equal(IoGetIommuInterfaceEx(3, 0, &table), STATUS_SUCCESS);
    assert_int_equal(make_domain(DomainTypeTranslate, 0, &domain), STATUS_NOT_SUPPORTED);
    assert_int_equal(use.v1.CreateDomain(FALSE, &domain), STATUS_NOT_SUPPORTED);
    assert_null(domain);
    assert_int_equal(on.api.DeleteDomain(use.domain), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.FlushDomain(use.unmanaged), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.AttachDevice(use.domain, wdm_pdo(FIRST), 0, 1),
                     STATUS_INVALID_PARAMETER_1);
    on.api.QueryAvailableDomainTypes(NO_HANDLE, &types);
    assert_int_equal(types, 0);
    assert_int_equal(on.api.CreateDevice(wdm_pdo(FIRST), NULL, &device), STATUS_NOT_FOUND);
    assert_int_equal(on.api.CreateDevice(NO_HANDLE, NULL, &device), STATUS_INVALID_PARAMETER_1);
    assert_null(device);
    assert_int_equal(map_range(use.domain, AT, use.frame, PAGE_SIZE, READ_WRITE),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(unmap_range(use.domain, AT, PAGE_SIZE), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.SetDeviceFaultReporting(wdm_pdo(FIRST), 0, FALSE, NULL),
                     STATUS_INVALID_PARAMETER_1);
}

static void without_active_units_none_is_handed_out(void **state)
{
    DMA_IOMMU_INTERFACE legacy, untouched;

    (void)state;
    memset(&untouched, 0xA5, sizeof untouched);
    legacy = untouched;
    assert_int_equal(on.api.AttachDeviceEx(use.domain, new_device(FIRST)), STATUS_SUCCESS);
    assert_int_equal(map_range(use.domain, AT, use.frame, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    unit_stall(&on.unit);
    assert_int_equal(unmap_range(use.domain, AT, PAGE_SIZE), STATUS_IO_DEVICE_ERROR);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_STATE_FAILED);
    assert_int_equal(IoGetIommuInterface(1, &legacy), STATUS_NOT_SUPPORTED);
    assert_memory_equal(&legacy, &untouched, sizeof legacy);
}

static NTSTATUS create(IOMMU_DMA_DOMAIN_TYPE type, ULONGLONG flags,
                       PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator,
                       PIOMMU_DMA_RESERVED_REGION regions)
{
    IOMMU_DMA_DOMAIN_CREATION_FLAGS creation = {.AsUlonglong = flags};
    PIOMMU_DMA_DOMAIN out = NULL;
    NTSTATUS status = on.api.CreateDomainEx(type, creation, allocator, regions, &out);

    assert_true((out != NULL) == NT_SUCCESS(status));
    assert_true(!out || on.api.DeleteDomain(out) == STATUS_SUCCESS);
    return status;
}

static void creation_checks_by_position(void **state)
{
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG bad = {.LogicalAllocatorType = IommuDmaLogicalAllocatorMax};
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG none = {.LogicalAllocatorType =
                                                   IommuDmaLogicalAllocatorNone};
    IOMMU_DMA_RESERVED_REGION wrong = {.Base = 1, .NumberOfPages = 1};
    IOMMU_DMA_DOMAIN_CREATION_FLAGS zero = {.AsUlonglong = 0};

    (void)state;
    assert_int_equal(create(DomainTypeMax, 1, &bad, &wrong), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(create((IOMMU_DMA_DOMAIN_TYPE)-1, 0, NULL, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(create(DomainTypeTranslateS1, 1, &bad, &wrong), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(create(DomainTypeTranslateS1, 0, &bad, &wrong), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(create(DomainTypeTranslateS1, 0, &none, &wrong), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(on.api.CreateDomainEx(DomainTypeTranslateS1, zero, NULL, NULL, NULL),
                     STATUS_INVALID_PARAMETER_5);
    assert_int_equal(create(DomainTypeTranslateS1, 0, NULL, NULL), STATUS_NOT_SUPPORTED);
    assert_int_equal(create(DomainTypePassThrough, 0, &none, NULL), STATUS_SUCCESS);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(create(DomainTypePassThrough, 0, NULL, NULL), STATUS_NOT_SUPPORTED);
    assert_int_equal(use.v1.CreateDomain(TRUE, NULL), STATUS_INVALID_PARAMETER_2);
}

static void allocators_are_checked(void **state)
{
    static const struct {
        IOMMU_DMA_DOMAIN_TYPE type;
        ULONG width;
        NTSTATUS status;
    } cases[] = {
        {DomainTypeTranslate, 12, STATUS_INVALID_PARAMETER_3},
        {DomainTypeTranslate, 13, STATUS_SUCCESS},
        {DomainTypeTranslate, 63, STATUS_SUCCESS},
        {DomainTypeTranslate, 64, STATUS_INVALID_PARAMETER_3},
        {DomainTypeTranslate, UINT32_MAX, STATUS_INVALID_PARAMETER_3},
        {DomainTypePassThrough, 32, STATUS_INVALID_PARAMETER_3},
        {DomainTypeUnmanaged, 32, STATUS_INVALID_PARAMETER_3},
        {DomainTypeTranslateS1, 32, STATUS_NOT_SUPPORTED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {.LogicalAllocatorType =
                                                         IommuDmaLogicalAllocatorBuddy};

        config.BuddyAllocatorConfig.AddressWidth = cases[i].width;
        assert_int_equal(create(cases[i].type, 0, &config, NULL), cases[i].status);
    }
}

static void regions_are_checked(void **state)
{
    const struct {
        IOMMU_DMA_RESERVED_REGION region;
        NTSTATUS status;
    } cases[] = {
        {{NULL, AT, 2, FALSE}, STATUS_SUCCESS},
        {{NULL, use.frame, 1, TRUE}, STATUS_SUCCESS},
        {{NULL, AT + 0x800, 1, FALSE}, STATUS_INVALID_PARAMETER_4},
        {{NULL, AT, 0, FALSE}, STATUS_INVALID_PARAMETER_4},
        {{NULL, 0, UINT64_C(1) << 52, FALSE}, STATUS_INVALID_PARAMETER_4},
        {{NULL, AT, UINT64_MAX >> PAGE_SHIFT, FALSE}, STATUS_INVALID_PARAMETER_4},
        {{NULL, UINT64_C(1) << 62, 1, FALSE}, STATUS_INVALID_PARAMETER_4},
        {{NULL, 0xFEE0F000, 1, FALSE}, STATUS_INVALID_PARAMETER_4},
        {{NULL, use.foreign, 1, TRUE}, STATUS_ACCESS_DENIED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        IOMMU_DMA_RESERVED_REGION region = cases[i].region;

        assert_int_equal(create(DomainTypeTranslate, 0, NULL, &region), cases[i].status);
        assert_int_equal(create(DomainTypePassThrough, 0, NULL, &region),
                         STATUS_INVALID_PARAMETER_4);
        assert_int_equal(create(DomainTypeUnmanaged, 0, NULL, &region), STATUS_INVALID_PARAMETER_4);
    }
}

static void lists_of_regions_are_bounded(void **state)
{
    IOMMU_DMA_RESERVED_REGION regions[33], loop[2] = {{&loop[1], AT, 1, 0}, {loop, AT * 2, 1, 0}};

    (void)state;
    for (size_t i = 0; i < 33; i++)
        regions[i] = (IOMMU_DMA_RESERVED_REGION){i < 32 ? &regions[i + 1] : NULL,
                                                 AT + i * 2 * PAGE_SIZE, 1, FALSE};
    assert_int_equal(create(DomainTypeTranslate, 0, NULL, regions), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(create(DomainTypeTranslate, 0, NULL, &regions[1]), STATUS_SUCCESS);
    regions[32].Base = regions[31].Base;
    assert_int_equal(create(DomainTypeTranslate, 0, NULL, &regions[1]), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(create(DomainTypeTranslate, 0, NULL, loop), STATUS_INVALID_PARAMETER_4);
    loop[1].RegionNext = &loop[1];
    assert_int_equal(create(DomainTypeTranslate, 0, NULL, loop), STATUS_INVALID_PARAMETER_4);
}

static void either_version_deletes(void **state)
{
    PIOMMU_DMA_DOMAIN domain;

    (void)state;
    assert_int_equal(use.v1.CreateDomain(TRUE, &domain), STATUS_SUCCESS);
    assert_int_equal(map_range(domain, AT, use.frame, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    as(OWNER_TWO);
    assert_int_equal(use.v1.DeleteDomain(domain), STATUS_INVALID_PARAMETER_1);
    as(OWNER_ONE);
    assert_int_equal(on.api.DeleteDomain(domain), STATUS_SUCCESS);
    assert_int_equal(use.v1.DeleteDomain(domain), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.DeleteDomain(use.domain), STATUS_SUCCESS);
    assert_int_equal(use.v1.DeleteDomain(NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.DeleteDomain(NO_HANDLE), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.CreateDomain(FALSE, &domain), STATUS_SUCCESS);
    assert_int_equal(on.api.FlushDomain(domain), STATUS_SUCCESS);
}

static void configuration_is_refused(void **state)
{
    DOMAIN_CONFIGURATION x64 = {.Type = DomainConfigurationX64}, arm64 = {.Type = 0};
    DOMAIN_CONFIGURATION none = {.Type = DomainConfigurationInvalid};
    PIOMMU_DMA_DOMAIN managed[] = {use.domain, use.buddy, use.pass, NULL, NO_HANDLE};

    (void)state;
    for (size_t i = 0; i < COUNT(managed); i++) {
        assert_int_equal(on.api.ConfigureDomain(managed[i], NULL), STATUS_INVALID_PARAMETER_1);
        assert_int_equal(on.api.FlushDomain(managed[i]), STATUS_INVALID_PARAMETER_1);
        assert_int_equal(on.api.FlushDomainByVaList(managed[i], TRUE, 1, NULL),
                         STATUS_INVALID_PARAMETER_1);
    }
    assert_int_equal(on.api.ConfigureDomain(use.unmanaged, NULL), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.ConfigureDomain(use.unmanaged, &none), STATUS_INVALID_PARAMETER_2);
    none.Type = (DOMAIN_CONFIGURATION_ARCH)-1;
    assert_int_equal(on.api.ConfigureDomain(use.unmanaged, &none), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.ConfigureDomain(use.unmanaged, &x64), STATUS_NOT_SUPPORTED);
    assert_int_equal(on.api.ConfigureDomain(use.unmanaged, &arm64), STATUS_NOT_SUPPORTED);
}

static void flush_lists_are_checked(void **state)
{
    ULONG_PTR list[] = {0, AT, AT + 1};

    (void)state;
    assert_int_equal(on.api.FlushDomain(use.unmanaged), STATUS_SUCCESS);
    assert_int_equal(on.api.FlushDomainByVaList(use.unmanaged, TRUE, 0, NULL), STATUS_SUCCESS);
    assert_int_equal(on.api.FlushDomainByVaList(use.unmanaged, TRUE, 1, NULL),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(on.api.FlushDomainByVaList(use.unmanaged, FALSE, 2, list), STATUS_SUCCESS);
    assert_int_equal(on.api.FlushDomainByVaList(use.unmanaged, FALSE, 3, list),
                     STATUS_INVALID_PARAMETER_4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(versions_fill_their_own_size, setup, teardown),
        cmocka_unit_test_setup_teardown(acquisition_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(without_units_every_routine_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(without_active_units_none_is_handed_out, setup, teardown),
        cmocka_unit_test_setup_teardown(creation_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(allocators_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(regions_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_of_regions_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(either_version_deletes, setup, teardown),
        cmocka_unit_test_setup_teardown(configuration_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(flush_lists_are_checked, setup, teardown),
    };

    return cmocka_run_group_tests_name("wdm_domains", tests, NULL, NULL);
}
