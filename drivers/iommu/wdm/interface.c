/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/handles.h"
#include "drivers/iommu/wdm/slots.h"

#include <string.h>

static const DMA_IOMMU_INTERFACE_V1 version_1 = {
    .CreateDomain = wdm_create_domain,
    .DeleteDomain = wdm_delete_domain,
    .AttachDevice = wdm_attach_device,
    .DetachDevice = wdm_detach_device,
    .FlushDomain = wdm_flush_domain,
    .FlushDomainByVaList = wdm_flush_domain_by_va_list,
    .QueryInputMappings = wdm_query_input_mappings,
    .MapLogicalRange = wdm_map_logical_range,
    .UnmapLogicalRange = wdm_unmap_logical_range,
    .MapIdentityRange = wdm_map_identity_range,
    .UnmapIdentityRange = wdm_unmap_identity_range,
    .SetDeviceFaultReporting = wdm_set_fault_reporting,
    .ConfigureDomain = wdm_configure_domain,
};

/* Version 2 is what it begins with. */
static const DMA_IOMMU_INTERFACE_V3 version_3 = {
    .CreateDomainEx = wdm_create_domain_ex,
    .DeleteDomain = wdm_delete_domain,
    .AttachDeviceEx = wdm_attach_device_ex,
    .DetachDeviceEx = wdm_detach_device_ex,
    .FlushDomain = wdm_flush_domain,
    .FlushDomainByVaList = wdm_flush_domain_by_va_list,
    .QueryInputMappings = wdm_query_input_mappings,
    .MapLogicalRangeEx = wdm_map_logical_range_ex,
    .UnmapLogicalRange = wdm_unmap_logical_range,
    .MapIdentityRangeEx = wdm_map_identity_range_ex,
    .UnmapIdentityRangeEx = wdm_unmap_identity_range_ex,
    .SetDeviceFaultReportingEx = wdm_set_fault_reporting_ex,
    .ConfigureDomain = wdm_configure_domain,
    .QueryAvailableDomainTypes = wdm_query_domain_types,
    .RegisterInterfaceStateChangeCallback = wdm_register_callback,
    .UnregisterInterfaceStateChangeCallback = wdm_unregister_callback,
    .ReserveLogicalAddressRange = wdm_reserve_range,
    .FreeReservedLogicalAddressRange = wdm_free_reserved_range,
    .MapReservedLogicalRange = wdm_map_reserved_range,
    .UnmapReservedLogicalRange = wdm_unmap_reserved_range,
    .CreateDevice = wdm_create_device,
    .DeleteDevice = wdm_delete_device,
    .CreatePasidDevice = wdm_create_pasid_device,
    .DeletePasidDevice = wdm_delete_pasid_device,
    .AttachPasidDevice = wdm_attach_pasid_device,
    .DetachPasidDevice = wdm_detach_pasid_device,
    .QueryDeviceInfo = wdm_query_device_info,
};

NTSTATUS IoGetIommuInterface(ULONG Version, PDMA_IOMMU_INTERFACE InterfaceOut)
{
    const size_t routines = FIELD_OFFSET(DMA_IOMMU_INTERFACE, CreateDomain);

    if (Version != DMA_IOMMU_INTERFACE_VERSION_1)
        return STATUS_INVALID_PARAMETER_1;
    if (!InterfaceOut)
        return STATUS_INVALID_PARAMETER_2;
    if (!wdm_state || !iommu_serves_domains(wdm_state))
        return STATUS_NOT_SUPPORTED;
    InterfaceOut->Version = Version;
    memcpy((char *)InterfaceOut + routines, &version_1, sizeof version_1);
    return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags, PDMA_IOMMU_INTERFACE_EX InterfaceOut)
{
    static const struct {
        const void *routines;
        size_t length;
    } tables[] = {
        [DMA_IOMMU_INTERFACE_EX_VERSION_1] = {&version_1, sizeof(DMA_IOMMU_INTERFACE_V1)},
        [DMA_IOMMU_INTERFACE_EX_VERSION_2] = {&version_3, sizeof(DMA_IOMMU_INTERFACE_V2)},
        [DMA_IOMMU_INTERFACE_EX_VERSION_3] = {&version_3, sizeof(DMA_IOMMU_INTERFACE_V3)},
    };

    if (Version < DMA_IOMMU_INTERFACE_EX_VERSION_MIN ||
        Version > DMA_IOMMU_INTERFACE_EX_VERSION_MAX)
        return STATUS_INVALID_PARAMETER_1;
    if (Flags)
        return STATUS_INVALID_PARAMETER_2;
    if (!InterfaceOut)
        return STATUS_INVALID_PARAMETER_3;
    const size_t routines = FIELD_OFFSET(DMA_IOMMU_INTERFACE_EX, V1);
    InterfaceOut->Size = routines + tables[Version].length;
    InterfaceOut->Version = Version;
    memcpy((char *)InterfaceOut + routines, tables[Version].routines, tables[Version].length);
    return STATUS_SUCCESS;
}
