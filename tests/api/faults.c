/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: fault reporting. */
#include "tests/api/api.h"

#include "lib/owner.h"

/* What a handler saw. */
struct seen {
    struct api *api;
    unsigned calls;
    FAULT_INFORMATION last;
    owner_t owner;
    bool at_task_level;
};

static VOID note(PVOID Context, PFAULT_INFORMATION FaultInformation)
{
    struct seen *seen = Context;

    seen->calls++;
    seen->last = *FaultInformation;
    seen->owner = owner_current();
    seen->at_task_level = seen->api->at_task_level;
}

/* A domain with page 0 at API_AT, read-only, and device 0 in it. */
struct stage {
    PIOMMU_DMA_DOMAIN domain;
    PIOMMU_DMA_DEVICE device;
    struct seen seen;
    DEVICE_FAULT_CONFIGURATION config;
};

static void set(struct api *api, struct stage *stage)
{
    *stage = (struct stage){.domain = api_domain(api, DomainTypeTranslate),
                            .device = api_device(api, 0),
                            .seen = {.api = api},
                            .config = {note, &stage->seen}};
    GIVES(STATUS_SUCCESS, api_map(api, stage->domain, 0, 1, API_AT, IOMMU_ACCESS_READ));
    api_attach(api, stage->domain, stage->device);
}

static void strike(struct api *api, struct stage *stage)
{
    api_detach(api, stage->device);
    api_delete_device(api, stage->device);
    api_delete_domain(api, stage->domain);
}

static NTSTATUS report(struct api *api, struct stage *stage, BOOLEAN enable)
{
    return api->v1.SetDeviceFaultReporting(api_pdo(api, 0), 0, enable,
                                           enable ? &stage->config : NULL);
}

bool api_records_refusals(struct api *api)
{
    owner_t before = owner_enter(api->owner);
    struct stage stage;
    bool records;

    set(api, &stage);
    records = api_write(api, 0, API_AT + PAGE_SIZE) == API_REFUSED;
    strike(api, &stage);
    owner_enter(before);
    return records;
}

void api_fault_extended(struct api *api)
{
    struct stage stage;

    set(api, &stage);
    GIVES(STATUS_NOT_IMPLEMENTED,
          api->v2.SetDeviceFaultReportingEx(stage.device, 0, TRUE, &stage.config));
    GIVES(STATUS_NOT_IMPLEMENTED, api->v3.SetDeviceFaultReportingEx(NULL, 1, TRUE, NULL));
    HOLDS(api_stopped(api, 0, API_AT + PAGE_SIZE, 1));
    HOLDS(!stage.seen.calls);
    strike(api, &stage);
}

static void judge_fault(struct api *api, const struct stage *stage, uint64_t page,
                        FAULT_INFORMATION_X64_TYPE type)
{
    const FAULT_INFORMATION *last = &stage->seen.last;
    const struct iommu_unit *unit =
        &api->iommu->units[api->iommu->endpoints[api->endpoints[0]].unit];

    HOLDS(stage->seen.calls == 1);
    HOLDS(stage->seen.at_task_level && stage->seen.owner == api->owner);
    HOLDS(last->Type == FaultInformationX64 && !last->IsStage1);
    HOLDS(last->X64.Type == type);
    HOLDS(last->X64.Flags.FaultAddressValid && !last->X64.Flags.Reserved);
    HOLDS((uintptr_t)last->X64.FaultAddress == page);
    HOLDS(last->X64.DomainHandle == stage->domain);
    HOLDS(last->X64.IommuBaseAddress == unit->base && last->X64.PciSegment == unit->segment);
}

void api_fault_handler(struct api *api)
{
    struct stage stage;

    set(api, &stage);
    GIVES(STATUS_SUCCESS, report(api, &stage, TRUE));
    HOLDS(api_read(api, 0, API_AT) == API_ALLOWED && !stage.seen.calls);
    HOLDS(api_read(api, 0, API_AT + PAGE_SIZE + 8) == API_REFUSED);
    judge_fault(api, &stage, API_AT + PAGE_SIZE, TranslationFault);
    strike(api, &stage);
}

void api_fault_permission(struct api *api)
{
    struct stage stage;

    set(api, &stage);
    GIVES(STATUS_SUCCESS, report(api, &stage, TRUE));
    HOLDS(api_stopped(api, 0, API_AT, 0));
    judge_fault(api, &stage, API_AT, PermissionFault);
    strike(api, &stage);
}

void api_fault_disabled(struct api *api)
{
    struct stage stage;

    set(api, &stage);
    GIVES(STATUS_SUCCESS, report(api, &stage, FALSE));
    GIVES(STATUS_SUCCESS, report(api, &stage, TRUE));
    GIVES(STATUS_SUCCESS, report(api, &stage, TRUE));
    GIVES(STATUS_SUCCESS, report(api, &stage, FALSE));
    HOLDS(api_stopped(api, 0, API_AT, 0));
    HOLDS(!stage.seen.calls);
    strike(api, &stage);
}

void api_fault_unattached(struct api *api)
{
    struct stage stage;
    DEVICE_FAULT_CONFIGURATION none = {NULL, NULL};
    PDEVICE_OBJECT pdo = api_pdo(api, 0);

    set(api, &stage);
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v1.SetDeviceFaultReporting(NULL, 1, TRUE, &stage.config));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v1.SetDeviceFaultReporting(pdo, 1, TRUE, &stage.config));
    GIVES(STATUS_INVALID_PARAMETER_4, api->v1.SetDeviceFaultReporting(pdo, 0, TRUE, NULL));
    GIVES(STATUS_INVALID_PARAMETER_4, api->v1.SetDeviceFaultReporting(pdo, 0, TRUE, &none));
    api_detach(api, stage.device);
    GIVES(STATUS_INVALID_PARAMETER_1, report(api, &stage, TRUE));
    HOLDS(api_stopped(api, 0, API_AT, 0));
    HOLDS(!stage.seen.calls);
    api_attach(api, stage.domain, stage.device);
    strike(api, &stage);
}

void api_fault_reset(struct api *api)
{
    struct stage stage;

    set(api, &stage);
    GIVES(STATUS_SUCCESS, report(api, &stage, TRUE));
    api_detach(api, stage.device);
    HOLDS(api_stopped(api, 0, API_AT, 0));
    api_attach(api, stage.domain, stage.device);
    HOLDS(api_stopped(api, 0, API_AT, 0));
    HOLDS(!stage.seen.calls);
    strike(api, &stage);
}
