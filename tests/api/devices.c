/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: devices. */
#include "tests/api/api.h"

void api_device_outside(struct api *api)
{
    struct iommu_endpoint *endpoint = &api->iommu->endpoints[api->spare];
    uint16_t unit = endpoint->unit;
    PIOMMU_DMA_DEVICE device = NULL;

    endpoint->unit = PCI_NONE;
    GIVES(STATUS_NOT_FOUND, api->v2.CreateDevice(wdm_pdo(api->spare), NULL, &device));
    endpoint->unit = unit;
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.CreateDevice(NULL, NULL, &device));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.CreateDevice((PDEVICE_OBJECT)(void *)api->own, NULL, &device));
    HOLDS(!device);
}

/* A configuration in a list of one, by either convention. */
static void refuse_configuration(struct api *api, IOMMU_DEVICE_CREATION_CONFIGURATION config)
{
    PIOMMU_DMA_DEVICE device = NULL;

    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.CreateDevice(api_pdo(api, 0), &config, &device));
    InitializeListHead(&config.NextConfiguration);
    GIVES(STATUS_INVALID_PARAMETER_2, api->v3.CreateDevice(api_pdo(api, 0), &config, &device));
    HOLDS(!device);
}

static const IOMMU_DEVICE_CREATION_CONFIGURATION acpi = {
    .ConfigType = IommuDeviceCreationConfigTypeAcpi, .Acpi = {.MappingsCount = 1}};

void api_device_acpi(struct api *api)
{
    refuse_configuration(api, acpi);
    refuse_configuration(api, (IOMMU_DEVICE_CREATION_CONFIGURATION){
                                  .ConfigType = IommuDeviceCreationConfigTypeDeviceId});
    refuse_configuration(
        api, (IOMMU_DEVICE_CREATION_CONFIGURATION){.ConfigType = IommuDeviceCreationConfigTypeMax});
}

/* No device here is one of ARM64's: none needs a configuration. */
void api_device_acpi_missing(struct api *api)
{
    api_delete_device(api, api_device(api, 0));
}

void api_device_acpi_given(struct api *api)
{
    refuse_configuration(api, acpi);
}

void api_device_pasid(struct api *api)
{
    IOMMU_DEVICE_CREATION_CONFIGURATION config = {.ConfigType = IommuDeviceCreationConfigTypePasid};

    config.Pasid.ConfigType = PasidConfigTypePasidTaggedDma;
    refuse_configuration(api, config);
    config.Pasid.ConfigType = PasidConfigTypeDefaultPasidOnly;
    refuse_configuration(api, config);
    config.Pasid.ConfigType = PasidConfigTypeMax;
    refuse_configuration(api, config);
}

void api_device_delete_attached(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 1, API_AT, API_BOTH));
    api_attach(api, domain, device);
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.DeleteDevice(device));
    HOLDS(api_lands(api, 0, API_AT, 0));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.DeleteDomain(domain));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

static VOID ignore(PIOMMU_INTERFACE_STATE_CHANGE StateChange, PVOID Context)
{
    (void)StateChange, (void)Context;
}

void api_device_delete_watching(struct api *api)
{
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = {.AsULONG = 1};
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_SUCCESS,
          api->v2.RegisterInterfaceStateChangeCallback(ignore, NULL, device, &fields));
    GIVES(STATUS_RESOURCE_IN_USE, api->v2.DeleteDevice(device));
    GIVES(STATUS_SUCCESS, api->v2.UnregisterInterfaceStateChangeCallback(ignore, device));
    api_delete_device(api, device);
}

/* No PASID device comes into being that could hold its parent. */
void api_device_delete_parent(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    PIOMMU_DMA_PASID_DEVICE child = NULL;
    ULONG pasid = 0;

    GIVES(STATUS_INVALID_PARAMETER_1, api->v3.CreatePasidDevice(device, &child, &pasid));
    api_delete_device(api, device);
    HOLDS(!child && !pasid);
}

void api_device_delete(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0), second = NULL;

    GIVES(STATUS_RESOURCE_IN_USE, api->v2.CreateDevice(api_pdo(api, 0), NULL, &second));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v2.CreateDevice(api_pdo(api, 0), NULL, NULL));
    HOLDS(!second);
    api_delete_device(api, device);
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DeleteDevice(device));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DeleteDevice(NULL));
    second = api_device(api, 0);
    HOLDS(second != device);
    api_delete_device(api, second);
}
