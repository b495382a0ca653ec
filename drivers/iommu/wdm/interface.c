/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/slots.h"
#include "drivers/iommu/wdm/wdm_iommu.h"

#include <string.h>

static NTSTATUS flush_domain(PIOMMU_DMA_DOMAIN Domain)
{
    (void)Domain;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS flush_domain_by_va_list(PIOMMU_DMA_DOMAIN Domain, BOOLEAN LastLevel, ULONG Number,
                                        PVOID VaList)
{
    (void)Domain, (void)LastLevel, (void)Number, (void)VaList;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS query_input_mappings(PDEVICE_OBJECT PhysicalDeviceObject,
                                     PINPUT_MAPPING_ELEMENT Buffer, ULONG BufferLength,
                                     PULONG ReturnLength)
{
    (void)PhysicalDeviceObject, (void)Buffer, (void)BufferLength, (void)ReturnLength;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS map_identity_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
                                   PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap)
{
    (void)Domain, (void)Permissions, (void)PhysicalAddressToMap;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS unmap_identity_range(PIOMMU_DMA_DOMAIN Domain,
                                     PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress)
{
    (void)Domain, (void)MappedPhysicalAddress;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS set_device_fault_reporting(PIOMMU_DMA_DEVICE DmaDevice, ULONG InputMappingIdBase,
                                           BOOLEAN Enable, PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
    (void)DmaDevice, (void)InputMappingIdBase, (void)Enable, (void)FaultConfig;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS configure_domain(PIOMMU_DMA_DOMAIN Domain, PDOMAIN_CONFIGURATION Configuration)
{
    (void)Domain, (void)Configuration;
    return STATUS_NOT_IMPLEMENTED;
}

static VOID query_available_domain_types(PIOMMU_DMA_DEVICE DmaDevice, PULONG AvailableDomains)
{
    (void)DmaDevice;
    if (AvailableDomains)
        *AvailableDomains = 0;
}

static NTSTATUS
register_state_change_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback,
                               PVOID Context, PIOMMU_DMA_DEVICE DmaDevice,
                               PIOMMU_INTERFACE_STATE_CHANGE_FIELDS StateFields)
{
    (void)StateChangeCallback, (void)Context, (void)DmaDevice, (void)StateFields;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS
unregister_state_change_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback,
                                 PIOMMU_DMA_DEVICE DmaDevice)
{
    (void)StateChangeCallback, (void)DmaDevice;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS reserve_logical_address_range(PIOMMU_DMA_DOMAIN Domain, SIZE_T Size,
                                              PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
                                              PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
                                              PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
                                              PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken)
{
    (void)Domain, (void)Size, (void)ExplicitLogicalAddress, (void)MinLogicalAddress,
        (void)MaxLogicalAddress, (void)LogicalAddressToken;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS
free_reserved_logical_address_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken)
{
    (void)LogicalAddressToken;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS
map_reserved_logical_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, SIZE_T Offset,
                           ULONG Permissions, PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
                           PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
    (void)LogicalAddressToken, (void)Offset, (void)Permissions, (void)PhysicalAddressToMap,
        (void)MappedSegment;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS
unmap_reserved_logical_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
    (void)MappedSegment;
    return STATUS_NOT_IMPLEMENTED;
}

static const DMA_IOMMU_INTERFACE_V2 version_2 = {
    .CreateDomainEx = wdm_create_domain,
    .DeleteDomain = wdm_delete_domain,
    .AttachDeviceEx = wdm_attach_device,
    .DetachDeviceEx = wdm_detach_device,
    .FlushDomain = flush_domain,
    .FlushDomainByVaList = flush_domain_by_va_list,
    .QueryInputMappings = query_input_mappings,
    .MapLogicalRangeEx = wdm_map_logical_range,
    .UnmapLogicalRange = wdm_unmap_logical_range,
    .MapIdentityRangeEx = map_identity_range,
    .UnmapIdentityRangeEx = unmap_identity_range,
    .SetDeviceFaultReportingEx = set_device_fault_reporting,
    .ConfigureDomain = configure_domain,
    .QueryAvailableDomainTypes = query_available_domain_types,
    .RegisterInterfaceStateChangeCallback = register_state_change_callback,
    .UnregisterInterfaceStateChangeCallback = unregister_state_change_callback,
    .ReserveLogicalAddressRange = reserve_logical_address_range,
    .FreeReservedLogicalAddressRange = free_reserved_logical_address_range,
    .MapReservedLogicalRange = map_reserved_logical_range,
    .UnmapReservedLogicalRange = unmap_reserved_logical_range,
    .CreateDevice = wdm_create_device,
    .DeleteDevice = wdm_delete_device,
};

NTSTATUS IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags, PDMA_IOMMU_INTERFACE_EX InterfaceOut)
{
    if (Version < DMA_IOMMU_INTERFACE_EX_VERSION_MIN ||
        Version > DMA_IOMMU_INTERFACE_EX_VERSION_MAX)
        return STATUS_INVALID_PARAMETER_1;
    if (Flags)
        return STATUS_INVALID_PARAMETER_2;
    if (!InterfaceOut)
        return STATUS_INVALID_PARAMETER_3;
    if (Version != DMA_IOMMU_INTERFACE_EX_VERSION_2)
        return STATUS_NOT_SUPPORTED;
    InterfaceOut->Size = DMA_IOMMU_INTERFACE_EX_V2_SIZE;
    InterfaceOut->Version = Version;
    memcpy(&InterfaceOut->V2, &version_2, sizeof version_2);
    return STATUS_SUCCESS;
}
