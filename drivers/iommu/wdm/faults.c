/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/records.h"
#include "drivers/iommu/wdm/slots.h"

static FAULT_INFORMATION_X64_TYPE type_of(enum iommu_fault_kind kind)
{
    switch (kind) {
    case IOMMU_FAULT_PERMISSION:
        return PermissionFault;
    case IOMMU_FAULT_ADDRESS_SIZE:
        return AddressSizeFault;
    case IOMMU_FAULT_UNSUPPORTED:
        return UnsupportedUpstreamTransaction;
    case IOMMU_FAULT_EXTERNAL:
        return ExternalFault;
    case IOMMU_FAULT_TRANSLATION:
        break;
    }
    return TranslationFault;
}

/* On behalf of the driver that set the handler. */
static void tell(const struct wdm_record *record, const struct iommu_fault *fault,
                 iommu_ref_t domain)
{
    FAULT_INFORMATION information = {.Type = FaultInformationX64, .IsStage1 = FALSE};
    owner_t before = owner_enter(record->owner);

    information.X64 = (FAULT_INFORMATION_X64){
        .DomainHandle = (PVOID)wdm_handle(domain),
        .FaultAddress = (PVOID)(uintptr_t)(fault->address & ~(uint64_t)(PAGE_SIZE - 1)),
        .Flags = {.FaultAddressValid = 1},
        .Type = type_of(fault->kind),
        .IommuBaseAddress = fault->unit_base,
        .PciSegment = fault->segment,
    };
    record->handler(record->handler_context, &information);
    owner_enter(before);
}

void wdm_tell_fault(struct iommu *iommu, const struct iommu_fault *fault)
{
    struct wdm_record *record;

    for (size_t n = 0; (record = wdm_hold_at(n)) != NULL; n++) {
        iommu_ref_t domain;

        if (record->handler &&
            iommu_sends_as(iommu, record->endpoint, fault->segment, fault->requester) &&
            iommu_is_attached(iommu, record->owner, record->device, &domain))
            tell(record, fault, domain);
        wdm_release(record);
    }
}

static NTSTATUS set_handler(struct wdm_record *record, uint16_t endpoint, ULONG base,
                            BOOLEAN enable, const DEVICE_FAULT_CONFIGURATION *source)
{
    DEVICE_FAULT_CONFIGURATION config = {NULL, NULL};

    if (!iommu_is_attached(wdm_state, owner_current(), record->device, NULL))
        return STATUS_INVALID_PARAMETER_1;
    if (base)
        return STATUS_INVALID_PARAMETER_2;
    if (enable && source)
        config = *(const volatile DEVICE_FAULT_CONFIGURATION *)source;
    if (enable && !config.FaultHandler)
        return STATUS_INVALID_PARAMETER_4;
    record->endpoint = endpoint;
    record->handler = config.FaultHandler;
    record->handler_context = config.FaultContext;
    return STATUS_SUCCESS;
}

NTSTATUS wdm_set_fault_reporting(PDEVICE_OBJECT PhysicalDeviceObject, ULONG InputMappingIdBase,
                                 BOOLEAN Enable, PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
    uint16_t endpoint;

    if (!wdm_endpoint(PhysicalDeviceObject, &endpoint))
        return STATUS_INVALID_PARAMETER_1;
    struct wdm_record *record = wdm_hold(iommu_device_of(wdm_state, owner_current(), endpoint));
    if (!record)
        return STATUS_INVALID_PARAMETER_1;
    NTSTATUS status = set_handler(record, endpoint, InputMappingIdBase, Enable, FaultConfig);
    wdm_release(record);
    return status;
}

NTSTATUS wdm_set_fault_reporting_ex(PIOMMU_DMA_DEVICE DmaDevice, ULONG InputMappingIdBase,
                                    BOOLEAN Enable, PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
    (void)DmaDevice, (void)InputMappingIdBase, (void)Enable, (void)FaultConfig;
    return STATUS_NOT_IMPLEMENTED;
}
