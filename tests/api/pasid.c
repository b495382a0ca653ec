/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Behaviours: PASID devices and input mappings. Neither exists here; what can be judged is that
 * every routine says so as documented and changes nothing.
 */
#include "tests/api/api.h"

/* No device becomes a parent: a configuration with PASIDs is refused, and so is a child. */
static void refuse_child(struct api *api, PIOMMU_DMA_DEVICE device)
{
    PIOMMU_DMA_PASID_DEVICE child = NULL;
    ULONG pasid = 0;

    GIVES(STATUS_INVALID_PARAMETER_1, api->v3.CreatePasidDevice(device, &child, &pasid));
    HOLDS(!child && !pasid);
}

static void refuse_parent(struct api *api, IOMMU_PASID_CONFIGURATION_TYPE type, BOOLEAN suppress)
{
    IOMMU_DEVICE_CREATION_CONFIGURATION config = {.ConfigType = IommuDeviceCreationConfigTypePasid};
    PIOMMU_DMA_DEVICE device = NULL;

    config.Pasid.ConfigType = type;
    config.Pasid.SuppressPasidFaults = suppress;
    GIVES(STATUS_INVALID_PARAMETER_2, api->v3.CreateDevice(api_pdo(api, 0), &config, &device));
    HOLDS(!device);
}

void api_pasid_untagged(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    refuse_child(api, device);
    refuse_child(api, NULL);
    api_delete_device(api, device);
    refuse_parent(api, PasidConfigTypeDefaultPasidOnly, FALSE);
}

void api_pasid_create(struct api *api)
{
    refuse_parent(api, PasidConfigTypePasidTaggedDma, FALSE);
}

void api_pasid_exhausted(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    for (unsigned i = 0; i < 3; i++)
        refuse_child(api, device);
    api_delete_device(api, device);
}

void api_pasid_attach_twice(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);

    for (unsigned i = 0; i < 2; i++)
        GIVES(STATUS_INVALID_PARAMETER_2, api->v3.AttachPasidDevice(domain, NULL));
    api_delete_domain(api, domain);
}

void api_pasid_attach_type(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);

    GIVES(STATUS_INVALID_PARAMETER_1, api->v3.AttachPasidDevice(NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_2,
          api->v3.AttachPasidDevice(domain, (PIOMMU_DMA_PASID_DEVICE)(void *)device));
    api_delete_domain(api, domain);
    api_delete_device(api, device);
}

void api_pasid_detach_fresh(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_INVALID_PARAMETER_1, api->v3.DetachPasidDevice(NULL));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v3.DetachPasidDevice((PIOMMU_DMA_PASID_DEVICE)(void *)device));
    api_delete_device(api, device);
}

void api_pasid_delete(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_INVALID_PARAMETER_1, api->v3.DeletePasidDevice(NULL));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v3.DeletePasidDevice((PIOMMU_DMA_PASID_DEVICE)(void *)device));
    api_delete_device(api, device);
}

void api_pasid_information(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    unsigned char bytes[5] = {9, 9, 9, 9, 9};
    PIOMMU_DMA_DEVICE_INFORMATION out = (void *)bytes;
    ULONG written = 77;

    GIVES(STATUS_INVALID_PARAMETER_1, api->v3.QueryDeviceInfo(NULL, 2, NULL, NULL));
    GIVES(STATUS_BUFFER_TOO_SMALL, api->v3.QueryDeviceInfo(device, 2, &written, out));
    GIVES(STATUS_BUFFER_TOO_SMALL, api->v3.QueryDeviceInfo(device, 0, NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v3.QueryDeviceInfo(device, 3, NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_4, api->v3.QueryDeviceInfo(device, 3, &written, NULL));
    HOLDS(written == 77 && bytes[0] == 9);
    for (ULONG size = 3; size <= 5; size++) {
        GIVES(STATUS_SUCCESS, api->v3.QueryDeviceInfo(device, size, &written, out));
        HOLDS(written == 3 && bytes[3] == 9 && bytes[4] == 9);
        HOLDS(!out->DefaultPasidEnabled && !out->PasidTaggedDmaEnabled);
        HOLDS(!out->PasidFaultsSuppressed);
    }
    api_delete_device(api, device);
}

void api_pasid_flags(struct api *api)
{
    refuse_parent(api, PasidConfigTypeDefaultPasidOnly, TRUE);
    refuse_parent(api, PasidConfigTypePasidTaggedDma, TRUE);
}

void api_pasid_two_domains(struct api *api)
{
    PIOMMU_DMA_DOMAIN first = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DOMAIN second = api_domain(api, DomainTypeTranslate);

    GIVES(STATUS_INVALID_PARAMETER_2, api->v3.AttachPasidDevice(first, NULL));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v3.AttachPasidDevice(second, NULL));
    api_delete_domain(api, first);
    api_delete_domain(api, second);
}

/* ---- Input mappings ---- */

void api_input_small(struct api *api)
{
    INPUT_MAPPING_ELEMENT element = {77};
    ULONG length = 77;

    GIVES(STATUS_UNSUCCESSFUL, api->v2.QueryInputMappings(api_pdo(api, 0), &element, 0, &length));
    HOLDS(element.InputMappingId == 77 && length == 77);
}

void api_input_no_length(struct api *api)
{
    INPUT_MAPPING_ELEMENT element = {77};

    GIVES(STATUS_UNSUCCESSFUL,
          api->v2.QueryInputMappings(api_pdo(api, 0), &element, sizeof element, NULL));
    HOLDS(element.InputMappingId == 77);
}

void api_input_unsupported(struct api *api)
{
    INPUT_MAPPING_ELEMENT element = {77};
    ULONG length = 77;

    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.QueryInputMappings(NULL, NULL, 4, &length));
    GIVES(STATUS_INVALID_PARAMETER_2,
          api->v2.QueryInputMappings(api_pdo(api, 0), NULL, 4, &length));
    GIVES(STATUS_UNSUCCESSFUL,
          api->v1.QueryInputMappings(api_pdo(api, 0), &element, sizeof element, &length));
    HOLDS(element.InputMappingId == 77 && length == 77);
}
