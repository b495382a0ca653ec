/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * wdm.h against the documented 64-bit ABI, by values written down here a second time: table
 * offsets, constants, status codes, and the inline MDL routines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <wdm.h>

#include <cmocka.h>

#define V1(slot) offsetof(DMA_IOMMU_INTERFACE_V1, slot)
#define V2(slot) offsetof(DMA_IOMMU_INTERFACE_V2, slot)
#define V3(slot) offsetof(DMA_IOMMU_INTERFACE_V3, slot)

static void expect_slots(const size_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(offsets[i], i * sizeof(void *));
}

static void slots_are_in_the_documented_order(void **state)
{
    static const size_t version_1[] = {
        V1(CreateDomain),       V1(DeleteDomain),       V1(AttachDevice),
        V1(DetachDevice),       V1(FlushDomain),        V1(FlushDomainByVaList),
        V1(QueryInputMappings), V1(MapLogicalRange),    V1(UnmapLogicalRange),
        V1(MapIdentityRange),   V1(UnmapIdentityRange), V1(SetDeviceFaultReporting),
        V1(ConfigureDomain),
    };
    static const size_t version_2[] = {
        V2(CreateDomainEx),
        V2(DeleteDomain),
        V2(AttachDeviceEx),
        V2(DetachDeviceEx),
        V2(FlushDomain),
        V2(FlushDomainByVaList),
        V2(QueryInputMappings),
        V2(MapLogicalRangeEx),
        V2(UnmapLogicalRange),
        V2(MapIdentityRangeEx),
        V2(UnmapIdentityRangeEx),
        V2(SetDeviceFaultReportingEx),
        V2(ConfigureDomain),
        V2(QueryAvailableDomainTypes),
        V2(RegisterInterfaceStateChangeCallback),
        V2(UnregisterInterfaceStateChangeCallback),
        V2(ReserveLogicalAddressRange),
        V2(FreeReservedLogicalAddressRange),
        V2(MapReservedLogicalRange),
        V2(UnmapReservedLogicalRange),
        V2(CreateDevice),
        V2(DeleteDevice),
    };
    static const size_t version_3[] = {
        V3(CreateDomainEx),
        V3(DeleteDomain),
        V3(AttachDeviceEx),
        V3(DetachDeviceEx),
        V3(FlushDomain),
        V3(FlushDomainByVaList),
        V3(QueryInputMappings),
        V3(MapLogicalRangeEx),
        V3(UnmapLogicalRange),
        V3(MapIdentityRangeEx),
        V3(UnmapIdentityRangeEx),
        V3(SetDeviceFaultReportingEx),
        V3(ConfigureDomain),
        V3(QueryAvailableDomainTypes),
        V3(RegisterInterfaceStateChangeCallback),
        V3(UnregisterInterfaceStateChangeCallback),
        V3(ReserveLogicalAddressRange),
        V3(FreeReservedLogicalAddressRange),
        V3(MapReservedLogicalRange),
        V3(UnmapReservedLogicalRange),
        V3(CreateDevice),
        V3(DeleteDevice),
        V3(CreatePasidDevice),
        V3(DeletePasidDevice),
        V3(AttachPasidDevice),
        V3(DetachPasidDevice),
        V3(QueryDeviceInfo),
    };

    (void)state;
    expect_slots(version_1, sizeof(version_1) / sizeof(version_1[0]));
    expect_slots(version_2, sizeof(version_2) / sizeof(version_2[0]));
    expect_slots(version_3, sizeof(version_3) / sizeof(version_3[0]));
    assert_int_equal(sizeof(DMA_IOMMU_INTERFACE_V1), sizeof(version_1));
    assert_int_equal(sizeof(DMA_IOMMU_INTERFACE_V2), sizeof(version_2));
    assert_int_equal(sizeof(DMA_IOMMU_INTERFACE_V3), sizeof(version_3));
    assert_int_equal(offsetof(DMA_IOMMU_INTERFACE, CreateDomain), 8);
    assert_int_equal(sizeof(DMA_IOMMU_INTERFACE), 8 + sizeof(version_1));
}

static void versions_have_their_sizes(void **state)
{
    (void)state;
    assert_int_equal(DMA_IOMMU_INTERFACE_EX_V1_SIZE, 0x78);
    assert_int_equal(DMA_IOMMU_INTERFACE_EX_V2_SIZE, 0xC0);
    assert_int_equal(DMA_IOMMU_INTERFACE_EX_V3_SIZE, 0xE8);
    assert_int_equal(sizeof(DMA_IOMMU_INTERFACE_EX), 0xE8);
    assert_int_equal(DMA_IOMMU_INTERFACE_EX_VERSION_MIN, 1);
    assert_int_equal(DMA_IOMMU_INTERFACE_EX_VERSION_MAX, 3);
    assert_int_equal(DMA_IOMMU_INTERFACE_EX_VERSION, 3);
}

static void enumerations_have_their_values(void **state)
{
    (void)state;
    assert_int_equal(DomainTypeTranslateS1, 3);
    assert_int_equal(DomainTypeMax, 4);
    assert_int_equal(IommuDmaLogicalAllocatorBuddy, 1);
    assert_int_equal(MapPhysicalAddressTypePfn, 2);
    assert_int_equal(IommuDeviceCreationConfigTypePasid, 3);
    assert_int_equal(IommuDeviceCreationConfigTypeMax, 4);
    assert_int_equal(PasidConfigTypeMax, 2);
    assert_int_equal(FaultInformationX64, 2);
    assert_int_equal(TranslationFault, 6);
    assert_int_equal(DomainConfigurationInvalid, 2);
    assert_int_equal(IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE, 3);
}

static void bit_fields_lie_where_documented(void **state)
{
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = {.AsULONG = 0};
    union {
        FAULT_INFORMATION_ARM64_FLAGS flags;
        ULONG word;
    } fault = {.word = 0};
    PHYSICAL_ADDRESS address = {.QuadPart = INT64_C(0x123456789ABCDEF0)};

    (void)state;
    fields.AvailableDomainTypes = 1;
    assert_int_equal(fields.AsULONG, 1);
    fault.flags.FaultAddressValid = 1;
    assert_int_equal(fault.word, 8);
    assert_int_equal(address.LowPart, 0x9ABCDEF0);
    assert_int_equal(address.u.HighPart, 0x12345678);
}

static void status_codes_have_their_values(void **state)
{
    static const struct {
        NTSTATUS status;
        uint32_t value;
    } codes[] = {
        {STATUS_SUCCESS, 0},
        {STATUS_UNSUCCESSFUL, 0xC0000001},
        {STATUS_NOT_IMPLEMENTED, 0xC0000002},
        {STATUS_INVALID_PARAMETER, 0xC000000D},
        {STATUS_CONFLICTING_ADDRESSES, 0xC0000018},
        {STATUS_ACCESS_DENIED, 0xC0000022},
        {STATUS_BUFFER_TOO_SMALL, 0xC0000023},
        {STATUS_INVALID_PARAMETER_MIX, 0xC0000030},
        {STATUS_NONE_MAPPED, 0xC0000073},
        {STATUS_INSUFFICIENT_RESOURCES, 0xC000009A},
        {STATUS_NOT_SUPPORTED, 0xC00000BB},
        {STATUS_INVALID_PARAMETER_1, 0xC00000EF},
        {STATUS_INVALID_PARAMETER_7, 0xC00000F5},
        {STATUS_IO_DEVICE_ERROR, 0xC0000185},
        {STATUS_NOT_FOUND, 0xC0000225},
        {STATUS_RESOURCE_IN_USE, 0xC0000708},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_int_equal((uint32_t)codes[i].status, codes[i].value);
        assert_int_equal(NT_SUCCESS(codes[i].status), codes[i].value == 0);
    }
}

static void mdl_describes_a_buffer(void **state)
{
    _Alignas(MDL) uint8_t memory[sizeof(MDL) + 3 * sizeof(PFN_NUMBER)];
    PMDL mdl = (PMDL)(void *)memory;
    PVOID base = (PVOID)(uintptr_t)0x12345678;

    (void)state;
    assert_int_equal(MmSizeOfMdl(base, 2 * PAGE_SIZE), sizeof(memory)); /* three pages touched */
    assert_int_equal(MmSizeOfMdl((PVOID)(uintptr_t)0x1000, 2 * PAGE_SIZE), sizeof(memory) - 8);
    assert_int_equal(MmSizeOfMdl(base, 0), sizeof(MDL) + 8);
    MmInitializeMdl(mdl, base, 2 * PAGE_SIZE);
    assert_ptr_equal(mdl->StartVa, (PVOID)(uintptr_t)0x12345000);
    assert_int_equal(MmGetMdlByteOffset(mdl), 0x678);
    assert_int_equal(MmGetMdlByteCount(mdl), 2 * PAGE_SIZE);
    assert_int_equal(mdl->Size, sizeof(memory));
    assert_null(mdl->Next);
    assert_ptr_equal(MmGetMdlPfnArray(mdl), memory + sizeof(MDL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_in_the_documented_order),
        cmocka_unit_test(versions_have_their_sizes),
        cmocka_unit_test(enumerations_have_their_values),
        cmocka_unit_test(bit_fields_lie_where_documented),
        cmocka_unit_test(status_codes_have_their_values),
        cmocka_unit_test(mdl_describes_a_buffer),
    };

    return cmocka_run_group_tests_name("wdm_header", tests, NULL, NULL);
}
