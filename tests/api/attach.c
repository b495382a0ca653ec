/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: attach and detach. */
#include "tests/api/api.h"

void api_detach_fresh(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DetachDeviceEx(device));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DetachDeviceEx(NULL));
    api_delete_device(api, device);
}

void api_attach_second(struct api *api)
{
    PIOMMU_DMA_DOMAIN first = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DOMAIN second = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_SUCCESS, api_map(api, first, 0, 1, API_AT, API_BOTH));
    GIVES(STATUS_SUCCESS, api_map(api, second, 1, 1, API_AT, API_BOTH));
    api_attach(api, first, device);
    GIVES(STATUS_INVALID_PARAMETER, api->v2.AttachDeviceEx(second, device));
    HOLDS(api_lands(api, 0, API_AT, 0));
    api_delete_domain(api, second);
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, first);
}

void api_attach_again(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.AttachDeviceEx(NULL, device));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.AttachDeviceEx(domain, NULL));
    api_attach(api, domain, device);
    GIVES(STATUS_INVALID_PARAMETER, api->v2.AttachDeviceEx(domain, device));
    GIVES(STATUS_INVALID_PARAMETER, api->v1.AttachDevice(domain, api_pdo(api, 0), 0, 1));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_detach_twice(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_attach(api, domain, device);
    api_detach(api, device);
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DetachDeviceEx(device));
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_attach_moves(struct api *api)
{
    PIOMMU_DMA_DOMAIN first = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DOMAIN second = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    GIVES(STATUS_SUCCESS, api_map(api, first, 0, 2, API_AT, API_BOTH));
    GIVES(STATUS_SUCCESS, api_map(api, second, 2, 1, API_AT, API_BOTH));
    api_attach(api, first, device);
    HOLDS(api_lands(api, 0, API_AT, 0));
    HOLDS(api_lands(api, 0, API_AT + PAGE_SIZE, 1));
    api_detach(api, device);
    HOLDS(api_stopped(api, 0, API_AT, 0));
    api_attach(api, second, device);
    HOLDS(api_lands(api, 0, API_AT, 2));
    HOLDS(api_stopped(api, 0, API_AT + PAGE_SIZE, 1));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, first);
    api_delete_domain(api, second);
}

/* What the guard refuses is the attach; what was attached stays so. */
void api_attach_barred(struct api *api)
{
    api_guard(api, IOMMU_GUARD_ALLOW);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypePassThrough);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_guard(api, IOMMU_GUARD_BLOCK);
    GIVES(STATUS_ACCESS_DENIED, api->v2.AttachDeviceEx(domain, device));
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    api_guard(api, IOMMU_GUARD_ALLOW);
    api_attach(api, domain, device);
    HOLDS(api_brings(api, 0, api_physical(api, 0), 0, api_physical(api, 1), 1));
    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(api_lands(api, 0, api_physical(api, 0), 0));
    api_detach(api, device);
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_attach_shared(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE devices[2] = {NULL};

    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 1, API_AT, API_BOTH));
    for (unsigned i = 0; i < 2; i++) {
        devices[i] = api_device(api, i);
        api_attach(api, domain, devices[i]);
    }
    HOLDS(api_lands(api, 0, API_AT, 0));
    HOLDS(api_lands(api, 1, API_AT, 0));
    api_detach(api, devices[0]);
    HOLDS(api_stopped(api, 0, API_AT, 0));
    HOLDS(api_lands(api, 1, API_AT, 0));
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    HOLDS(api_stopped(api, 1, API_AT, 0));
    api_detach(api, devices[1]);
    for (unsigned i = 0; i < 2; i++)
        api_delete_device(api, devices[i]);
    api_delete_domain(api, domain);
}

void api_attach_mapping_ids(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PDEVICE_OBJECT pdo = api_pdo(api, 0);

    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 1, API_AT, API_BOTH));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v1.AttachDevice(domain, pdo, 1, 1));
    GIVES(STATUS_INVALID_PARAMETER_4, api->v1.AttachDevice(domain, pdo, 0, 2));
    GIVES(STATUS_INVALID_PARAMETER_4, api->v1.AttachDevice(domain, pdo, 0, 0));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v1.AttachDevice(NULL, pdo, 1, 2));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.AttachDevice(domain, NULL, 1, 2));
    HOLDS(api_stopped(api, 0, API_AT, 0));
    GIVES(STATUS_SUCCESS, api->v1.AttachDevice(domain, pdo, 0, 1));
    HOLDS(api_lands(api, 0, API_AT, 0));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v1.DetachDevice(NULL, pdo, 1));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.DetachDevice(domain, NULL, 1));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v1.DetachDevice(domain, pdo, 1));
    HOLDS(api_lands(api, 0, API_AT, 0));
    GIVES(STATUS_SUCCESS, api->v1.DetachDevice(domain, pdo, 0));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.DetachDevice(domain, pdo, 0));
    api_delete_domain(api, domain);
}

/* A group of ids is refused here; what is attached is detached by its base alone. */
void api_attach_mapping_group(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PDEVICE_OBJECT pdo = api_pdo(api, 0);

    GIVES(STATUS_INVALID_PARAMETER_4, api->v1.AttachDevice(domain, pdo, 0, 3));
    GIVES(STATUS_SUCCESS, api->v1.AttachDevice(domain, pdo, 0, 1));
    GIVES(STATUS_INVALID_PARAMETER_3, api->v1.DetachDevice(domain, pdo, 1));
    GIVES(STATUS_SUCCESS, api->v1.DetachDevice(domain, pdo, 0));
    api_delete_domain(api, domain);
}

static void fail_for_memory(struct api *api, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE device)
{
    NTSTATUS status;
    unsigned nth = 0;

    do {
        api->machine->fail_allocation(++nth);
        status = api->v2.AttachDeviceEx(domain, device);
        api->machine->fail_allocation(0);
        if (NT_SUCCESS(status))
            break;
        GIVES(STATUS_INSUFFICIENT_RESOURCES, status);
        GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DetachDeviceEx(device));
    } while (nth < 100);
    HOLDS((nth > 1) == api->machine->attach_allocates);
    api_detach(api, device);
}

void api_attach_fails(struct api *api)
{
    api_guard(api, IOMMU_GUARD_ALLOW);
    PIOMMU_DMA_DOMAIN barred = api_domain(api, DomainTypePassThrough);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_guard(api, IOMMU_GUARD_BLOCK);
    GIVES(STATUS_ACCESS_DENIED, api->v2.AttachDeviceEx(barred, device));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.DetachDeviceEx(device));
    if (api->machine->fail_allocation)
        fail_for_memory(api, domain, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
    api_delete_domain(api, barred);
}
