/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * wdm.h against the documented 64-bit ABI, by values written down here a second time: table
 * offsets, constants, status codes, and the inline MDL routines.
 */
#include <wdm.h>

#include <driver.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

#define AT(type, field, offset) assert_int_equal(offsetof(type, field), offset)
#define SIZE(type, bytes)       assert_int_equal(sizeof(type), bytes)

static void domain_types_have_their_layouts(void **state)
{
    (void)state;
    SIZE(IOMMU_DMA_DOMAIN_CREATION_FLAGS, 8);
    SIZE(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, 8);
    AT(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, LogicalAllocatorType, 0);
    AT(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, BuddyAllocatorConfig.AddressWidth, 4);
    SIZE(IOMMU_DMA_RESERVED_REGION, 0x20);
    AT(IOMMU_DMA_RESERVED_REGION, RegionNext, 0);
    AT(IOMMU_DMA_RESERVED_REGION, Base, 8);
    AT(IOMMU_DMA_RESERVED_REGION, NumberOfPages, 0x10);
    AT(IOMMU_DMA_RESERVED_REGION, ShouldMap, 0x18);
    SIZE(DOMAIN_CONFIGURATION, 0x28);
    AT(DOMAIN_CONFIGURATION, Type, 0);
    AT(DOMAIN_CONFIGURATION, Arm64, 8);
    AT(DOMAIN_CONFIGURATION, X64, 8);
    SIZE(DOMAIN_CONFIGURATION_ARM64, 0x20);
    AT(DOMAIN_CONFIGURATION_ARM64, Ttbr0, 0);
    AT(DOMAIN_CONFIGURATION_ARM64, Ttbr1, 8);
    AT(DOMAIN_CONFIGURATION_ARM64, Mair0, 0x10);
    AT(DOMAIN_CONFIGURATION_ARM64, Mair1, 0x14);
    AT(DOMAIN_CONFIGURATION_ARM64, InputSize0, 0x18);
    AT(DOMAIN_CONFIGURATION_ARM64, InputSize1, 0x19);
    AT(DOMAIN_CONFIGURATION_ARM64, CoherentTableWalks, 0x1A);
    AT(DOMAIN_CONFIGURATION_ARM64, TranslationEnabled, 0x1B);
    SIZE(DOMAIN_CONFIGURATION_X64, 0x10);
    AT(DOMAIN_CONFIGURATION_X64, FirstLevelPageTableRoot, 0);
    AT(DOMAIN_CONFIGURATION_X64, TranslationEnabled, 8);
}

static void mapping_types_have_their_layouts(void **state)
{
    (void)state;
    SIZE(IOMMU_DMA_LOGICAL_ADDRESS, 8);
    SIZE(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, 0x10);
    AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, LogicalAddressBase, 0);
    AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, Size, 8);
    SIZE(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, 0x18);
    AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, OwningToken, 0);
    AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, Offset, 8);
    AT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, Size, 0x10);
    SIZE(IOMMU_MAP_PHYSICAL_ADDRESS, 0x18);
    AT(IOMMU_MAP_PHYSICAL_ADDRESS, MapType, 0);
    AT(IOMMU_MAP_PHYSICAL_ADDRESS, Mdl.Mdl, 8);
    AT(IOMMU_MAP_PHYSICAL_ADDRESS, ContiguousRange.Base, 8);
    AT(IOMMU_MAP_PHYSICAL_ADDRESS, ContiguousRange.Size, 0x10);
    AT(IOMMU_MAP_PHYSICAL_ADDRESS, PfnArray.PageFrame, 8);
    AT(IOMMU_MAP_PHYSICAL_ADDRESS, PfnArray.NumberOfPages, 0x10);
    SIZE(PFN_NUMBER, 8);
    SIZE(PHYSICAL_ADDRESS, 8);
    SIZE(MDL, 0x30);
    AT(MDL, Next, 0);
    AT(MDL, Size, 8);
    AT(MDL, MdlFlags, 0xA);
    AT(MDL, Process, 0x10);
    AT(MDL, MappedSystemVa, 0x18);
    AT(MDL, StartVa, 0x20);
    AT(MDL, ByteCount, 0x28);
    AT(MDL, ByteOffset, 0x2C);
}

static void device_types_have_their_layouts(void **state)
{
    (void)state;
    SIZE(IOMMU_DEVICE_CREATION_CONFIGURATION, 0x20);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION, NextConfiguration, 0);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION, ConfigType, 0x10);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION, Acpi, 0x18);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION, DeviceId, 0x18);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION, Pasid, 0x18);
    SIZE(IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, 8);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, InputMappingBase, 0);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, MappingsCount, 4);
    SIZE(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, 8);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, ConfigType, 0);
    AT(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, SuppressPasidFaults, 4);
    SIZE(IOMMU_INTERFACE_STATE_CHANGE_FIELDS, 4);
    SIZE(IOMMU_INTERFACE_STATE_CHANGE, 8);
    AT(IOMMU_INTERFACE_STATE_CHANGE, PresentFields, 0);
    AT(IOMMU_INTERFACE_STATE_CHANGE, AvailableDomainTypes, 4);
    SIZE(INPUT_MAPPING_ELEMENT, 4);
    AT(INPUT_MAPPING_ELEMENT, InputMappingId, 0);
    SIZE(IOMMU_DMA_DEVICE_INFORMATION, 3);
    AT(IOMMU_DMA_DEVICE_INFORMATION, DefaultPasidEnabled, 0);
    AT(IOMMU_DMA_DEVICE_INFORMATION, PasidTaggedDmaEnabled, 1);
    AT(IOMMU_DMA_DEVICE_INFORMATION, PasidFaultsSuppressed, 2);
    assert_int_equal(IOMMU_DMA_DEVICE_INFORMATION_SIZE, 3);
    assert_int_equal(IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN, 3);
}

static void fault_types_have_their_layouts(void **state)
{
    (void)state;
    SIZE(DEVICE_FAULT_CONFIGURATION, 0x10);
    AT(DEVICE_FAULT_CONFIGURATION, FaultHandler, 0);
    AT(DEVICE_FAULT_CONFIGURATION, FaultContext, 8);
    SIZE(FAULT_INFORMATION, 0x38);
    AT(FAULT_INFORMATION, Type, 0);
    AT(FAULT_INFORMATION, IsStage1, 4);
    AT(FAULT_INFORMATION, Arm64, 8);
    AT(FAULT_INFORMATION, X64, 8);
    SIZE(FAULT_INFORMATION_ARM64, 0x30);
    AT(FAULT_INFORMATION_ARM64, DomainHandle, 0);
    AT(FAULT_INFORMATION_ARM64, FaultAddress, 8);
    AT(FAULT_INFORMATION_ARM64, PhysicalDeviceObject, 0x10);
    AT(FAULT_INFORMATION_ARM64, InputMappingId, 0x18);
    AT(FAULT_INFORMATION_ARM64, Flags, 0x1C);
    AT(FAULT_INFORMATION_ARM64, Type, 0x20);
    AT(FAULT_INFORMATION_ARM64, IommuBaseAddress, 0x28);
    SIZE(FAULT_INFORMATION_X64, 0x28);
    AT(FAULT_INFORMATION_X64, DomainHandle, 0);
    AT(FAULT_INFORMATION_X64, FaultAddress, 8);
    AT(FAULT_INFORMATION_X64, Flags, 0x10);
    AT(FAULT_INFORMATION_X64, Type, 0x14);
    AT(FAULT_INFORMATION_X64, IommuBaseAddress, 0x18);
    AT(FAULT_INFORMATION_X64, PciSegment, 0x20);
}

/* Each enumeration in order, from 0 on. */
static void enumerations_have_their_values(void **state)
{
    static const int values[][9] = {
        {DomainTypeTranslate, DomainTypePassThrough, DomainTypeUnmanaged, DomainTypeTranslateS1,
         DomainTypeMax, -1},
        {IommuDmaLogicalAllocatorNone, IommuDmaLogicalAllocatorBuddy, IommuDmaLogicalAllocatorMax,
         -1},
        {MapPhysicalAddressTypeMdl, MapPhysicalAddressTypeContiguousRange,
         MapPhysicalAddressTypePfn, MapPhysicalAddressTypeMax, -1},
        {IommuDeviceCreationConfigTypeNone, IommuDeviceCreationConfigTypeAcpi,
         IommuDeviceCreationConfigTypeDeviceId, IommuDeviceCreationConfigTypePasid,
         IommuDeviceCreationConfigTypeMax, -1},
        {PasidConfigTypeDefaultPasidOnly, PasidConfigTypePasidTaggedDma, PasidConfigTypeMax, -1},
        {FaultInformationInvalid, FaultInformationArm64, FaultInformationX64, -1},
        {UnsupportedUpstreamTransaction, AddressSizeFault, TlbMatchConflict, ExternalFault,
         PermissionFault, AccessFlagFault, TranslationFault, MaxFaultType, -1},
        {DomainConfigurationArm64, DomainConfigurationX64, DomainConfigurationInvalid, -1},
        {IOMMU_ACCESS_NONE, IOMMU_ACCESS_READ, IOMMU_ACCESS_WRITE, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAYSIZE(values); i++)
        for (int n = 0; values[i][n] != -1; n++)
            assert_int_equal(values[i][n], n);
}

static void bit_fields_lie_where_documented(void **state)
{
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = {.AsULONG = 0};
    union {
        FAULT_INFORMATION_ARM64_FLAGS flags;
        ULONG word;
    } fault = {.word = 0};
    union {
        FAULT_INFORMATION_X64_FLAGS flags;
        ULONG word;
    } fault_x64 = {.word = 0};
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};
    PHYSICAL_ADDRESS address = {.QuadPart = INT64_C(0x123456789ABCDEF0)};

    (void)state;
    fields.AvailableDomainTypes = 1;
    assert_int_equal(fields.AsULONG, 1);
    fault.flags.FaultAddressValid = 1;
    assert_int_equal(fault.word, 8);
    fault.flags.WriteNotRead = 1;
    assert_int_equal(fault.word, 9);
    fault_x64.flags.FaultAddressValid = 1;
    assert_int_equal(fault_x64.word, 1);
    flags.Reserved = ~0ULL;
    assert_true(flags.AsUlonglong == ~0ULL);
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
        {STATUS_INVALID_PARAMETER_2, 0xC00000F0},
        {STATUS_INVALID_PARAMETER_3, 0xC00000F1},
        {STATUS_INVALID_PARAMETER_4, 0xC00000F2},
        {STATUS_INVALID_PARAMETER_5, 0xC00000F3},
        {STATUS_INVALID_PARAMETER_6, 0xC00000F4},
        {STATUS_INVALID_PARAMETER_7, 0xC00000F5},
        {STATUS_IO_DEVICE_ERROR, 0xC0000185},
        {STATUS_NOT_FOUND, 0xC0000225},
        {STATUS_RESOURCE_IN_USE, 0xC0000708},
        {STATUS_HV_INSUFFICIENT_DEVICE_DOMAINS, 0xC0350038},
        {STATUS_HV_INVALID_DEVICE_ID, 0xC0350057},
        {STATUS_HV_INVALID_DEVICE_STATE, 0xC0350058},
        {STATUS_HV_DEVICE_NOT_IN_DOMAIN, 0xC0350076},
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
    assert_ptr_equal(MmGetMdlVirtualAddress(mdl), base);
    assert_ptr_equal(MmGetMdlBaseVa(mdl), mdl->StartVa);
    assert_ptr_equal(MmGetMdlPfnArray(mdl), memory + sizeof(MDL));
}

static void mdl_takes_the_frames_of_memory(void **state)
{
    _Alignas(MDL) uint8_t storage[sizeof(MDL) + 2 * sizeof(PFN_NUMBER)];
    struct driver_memory memory = {(void *)(uintptr_t)0x40000, UINT64_C(0x123450000), 0x10000};
    PMDL mdl = (PMDL)(void *)storage;

    (void)state;
    MmInitializeMdl(mdl, (PVOID)(uintptr_t)0x43800, PAGE_SIZE);
    driver_build_mdl(&memory, mdl);
    assert_int_equal(MmGetMdlPfnArray(mdl)[0], 0x123453);
    assert_int_equal(MmGetMdlPfnArray(mdl)[1], 0x123454);
}

static void lists_are_doubly_linked(void **state)
{
    LIST_ENTRY head, entries[3];

    (void)state;
    InitializeListHead(&head);
    assert_true(IsListEmpty(&head));
    assert_ptr_equal(RemoveHeadList(&head), &head);
    InsertTailList(&head, &entries[1]);
    InsertTailList(&head, &entries[2]);
    InsertHeadList(&head, &entries[0]);
    assert_false(IsListEmpty(&head));
    for (PLIST_ENTRY entry = head.Flink, want = entries; entry != &head; entry = entry->Flink) {
        assert_ptr_equal(entry, want++);
        assert_ptr_equal(entry->Flink->Blink, entry);
    }
    assert_false(RemoveEntryList(&entries[1]));
    assert_ptr_equal(RemoveTailList(&head), &entries[2]);
    assert_ptr_equal(RemoveHeadList(&head), &entries[0]);
    assert_true(IsListEmpty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_in_the_documented_order),
        cmocka_unit_test(versions_have_their_sizes),
        cmocka_unit_test(domain_types_have_their_layouts),
        cmocka_unit_test(mapping_types_have_their_layouts),
        cmocka_unit_test(device_types_have_their_layouts),
        cmocka_unit_test(fault_types_have_their_layouts),
        cmocka_unit_test(enumerations_have_their_values),
        cmocka_unit_test(bit_fields_lie_where_documented),
        cmocka_unit_test(status_codes_have_their_values),
        cmocka_unit_test(mdl_describes_a_buffer),
        cmocka_unit_test(mdl_takes_the_frames_of_memory),
        cmocka_unit_test(lists_are_doubly_linked),
    };

    return cmocka_run_group_tests_name("wdm_header", tests, NULL, NULL);
}
