/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The image without protection, to compare with: never more than a base for counting, linked in
 * build/bench/ alone by `ld --wrap`. Translation stays off, a logical address is the physical one,
 * and the routines that a driver calls do nothing else.
 */
#include "drivers/iommu/core/core.h"

#include <wdm.h>

NTSTATUS __wrap_IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags,
                                      PDMA_IOMMU_INTERFACE_EX InterfaceOut);
void __wrap_iommu_enable(struct iommu *iommu);
bool __wrap_iommu_covered(const struct iommu *iommu, uint16_t endpoint);

enum { TOKENS = 16 };

static char object; /* what every handle points to */
static IOMMU_DMA_LOGICAL_ADDRESS_TOKEN tokens[TOKENS];
static unsigned token_count;

static NTSTATUS create_domain(IOMMU_DMA_DOMAIN_TYPE DomainType,
                              IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags,
                              PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG LogicalAllocatorConfig,
                              PIOMMU_DMA_RESERVED_REGION ReservedRegions,
                              PIOMMU_DMA_DOMAIN *DomainOut)
{
    (void)DomainType, (void)Flags, (void)LogicalAllocatorConfig, (void)ReservedRegions;
    *DomainOut = (PIOMMU_DMA_DOMAIN)&object;
    return STATUS_SUCCESS;
}

static NTSTATUS delete_domain(PIOMMU_DMA_DOMAIN Domain)
{
    (void)Domain;
    return STATUS_SUCCESS;
}

static NTSTATUS create_device(PDEVICE_OBJECT DeviceObject,
                              PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
                              PIOMMU_DMA_DEVICE *DmaDeviceOut)
{
    (void)DeviceObject, (void)DeviceConfig;
    *DmaDeviceOut = (PIOMMU_DMA_DEVICE)&object;
    return STATUS_SUCCESS;
}

static NTSTATUS delete_device(PIOMMU_DMA_DEVICE DmaDevice)
{
    (void)DmaDevice;
    return STATUS_SUCCESS;
}

static NTSTATUS attach_device(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_DEVICE DmaDevice)
{
    (void)Domain, (void)DmaDevice;
    return STATUS_SUCCESS;
}

/* Who asks for another address than the physical one is refused: it would not be reached. */
static NTSTATUS map_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
                          PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                          PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                          PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                          PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                          PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
    uint64_t physical = (uint64_t)PhysicalAddressToMap->ContiguousRange.Base.QuadPart;

    (void)Domain, (void)Permissions, (void)MinLogicalAddress, (void)MaxLogicalAddress;
    if (ExplicitLogicalAddress && *ExplicitLogicalAddress != physical)
        return STATUS_INVALID_PARAMETER_4;
    *LogicalAddressOut = physical;
    return STATUS_SUCCESS;
}

static NTSTATUS unmap_range(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress,
                            ULONGLONG NumberOfPages)
{
    (void)Domain, (void)LogicalAddress, (void)NumberOfPages;
    return STATUS_SUCCESS;
}

/* A range becomes the physical one when memory is mapped at its begin. */
static NTSTATUS reserve_range(PIOMMU_DMA_DOMAIN Domain, SIZE_T Size,
                              PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                              PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                              PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                              PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken)
{
    (void)Domain, (void)ExplicitLogicalAddress, (void)MinLogicalAddress, (void)MaxLogicalAddress;
    if (token_count == TOKENS)
        return STATUS_INSUFFICIENT_RESOURCES;
    tokens[token_count].Size = Size;
    *LogicalAddressToken = &tokens[token_count++];
    return STATUS_SUCCESS;
}

static NTSTATUS free_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken)
{
    (void)LogicalAddressToken;
    return STATUS_SUCCESS;
}

static NTSTATUS map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, SIZE_T Offset,
                             ULONG Permissions, PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                             PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
    (void)Permissions;
    if (Offset)
        return STATUS_INVALID_PARAMETER_2;
    LogicalAddressToken->LogicalAddressBase =
        (uint64_t)PhysicalAddressToMap->ContiguousRange.Base.QuadPart;
    *MappedSegment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){
        .OwningToken = LogicalAddressToken, .Size = PhysicalAddressToMap->ContiguousRange.Size};
    return STATUS_SUCCESS;
}

static NTSTATUS unmap_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
    *MappedSegment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){0};
    return STATUS_SUCCESS;
}

static NTSTATUS set_fault_reporting(PDEVICE_OBJECT PhysicalDeviceObject, ULONG InputMappingIdBase,
                                    BOOLEAN Enable, PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
    (void)PhysicalDeviceObject, (void)InputMappingIdBase, (void)Enable, (void)FaultConfig;
    return STATUS_SUCCESS;
}

NTSTATUS __wrap_IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags,
                                      PDMA_IOMMU_INTERFACE_EX InterfaceOut)
{
    (void)Flags;
    if (Version == DMA_IOMMU_INTERFACE_EX_VERSION_1) {
        InterfaceOut->Size = DMA_IOMMU_INTERFACE_EX_V1_SIZE;
        InterfaceOut->Version = Version;
        InterfaceOut->V1 = (DMA_IOMMU_INTERFACE_V1){.SetDeviceFaultReporting = set_fault_reporting};
        return STATUS_SUCCESS;
    }
    InterfaceOut->Size = DMA_IOMMU_INTERFACE_EX_V2_SIZE;
    InterfaceOut->Version = Version;
    InterfaceOut->V2 = (DMA_IOMMU_INTERFACE_V2){
        .CreateDomainEx = create_domain,
        .DeleteDomain = delete_domain,
        .AttachDeviceEx = attach_device,
        .DetachDeviceEx = delete_device,
        .MapLogicalRangeEx = map_range,
        .UnmapLogicalRange = unmap_range,
        .ReserveLogicalAddressRange = reserve_range,
        .FreeReservedLogicalAddressRange = free_range,
        .MapReservedLogicalRange = map_reserved,
        .UnmapReservedLogicalRange = unmap_reserved,
        .CreateDevice = create_device,
        .DeleteDevice = delete_device,
    };
    return STATUS_SUCCESS;
}

void __wrap_iommu_enable(struct iommu *iommu)
{
    iommu->reason = "a base for benchmarks: protection is left out";
    for (unsigned i = 0; i < iommu->pci->count; i++)
        pci_set_bus_master(&iommu->pci->functions[i], true);
}

bool __wrap_iommu_covered(const struct iommu *iommu, uint16_t endpoint)
{
    return endpoint < iommu->pci->count;
}
