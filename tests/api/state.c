/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: available domain types and their changes. */
#include "tests/api/api.h"

#include "lib/owner.h"

#define TRANSLATE    (1u << DomainTypeTranslate)
#define PASS_THROUGH (1u << DomainTypePassThrough)
#define UNMANAGED    (1u << DomainTypeUnmanaged)
#define FIRST_STAGE  (1u << DomainTypeTranslateS1)

/* What a callback saw. */
struct seen {
    struct api *api;
    PIOMMU_DMA_DEVICE device;
    unsigned calls;
    ULONG fields, mask, asked;
    owner_t owner;
    bool at_task_level;
    bool leaves; /* takes itself off */
};

static IOMMU_INTERFACE_STATE_CHANGE_FIELDS types_field(void)
{
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS out = {.AsULONG = 1};

    return out;
}

static ULONG types_of(struct api *api, PIOMMU_DMA_DEVICE device)
{
    ULONG out = UINT32_MAX;

    api->v2.QueryAvailableDomainTypes(device, &out);
    return out;
}

static VOID note(PIOMMU_INTERFACE_STATE_CHANGE StateChange, PVOID Context)
{
    struct seen *seen = Context;

    seen->calls++;
    seen->fields = StateChange->PresentFields.AsULONG;
    seen->mask = StateChange->AvailableDomainTypes;
    seen->owner = owner_current();
    seen->at_task_level = seen->api->at_task_level;
    seen->asked = types_of(seen->api, seen->device);
    if (seen->leaves)
        (void)seen->api->v2.UnregisterInterfaceStateChangeCallback(note, seen->device);
}

static VOID note_other(PIOMMU_INTERFACE_STATE_CHANGE StateChange, PVOID Context)
{
    note(StateChange, Context);
}

static NTSTATUS watch(struct api *api, struct seen *seen)
{
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = types_field();

    return api->v2.RegisterInterfaceStateChangeCallback(note, seen, seen->device, &fields);
}

static void unwatch(struct api *api, PIOMMU_DMA_DEVICE device)
{
    GIVES(STATUS_SUCCESS, api->v2.UnregisterInterfaceStateChangeCallback(note, device));
}

void api_types_bits(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    ULONG types = types_of(api, device);

    HOLDS((types & ~(ULONG)PASS_THROUGH) == (TRANSLATE | UNMANAGED));
    HOLDS(!(types & FIRST_STAGE) && types < 1u << DomainTypeMax);
    api->v2.QueryAvailableDomainTypes(device, NULL);
    HOLDS(types_of(api, NULL) == 0);
    api_delete_device(api, device);
    HOLDS(types_of(api, device) == 0);
}

void api_types_guard(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(types_of(api, device) == (TRANSLATE | UNMANAGED));
    api_guard(api, IOMMU_GUARD_ALLOW);
    HOLDS(types_of(api, device) == (TRANSLATE | PASS_THROUGH | UNMANAGED));
    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(types_of(api, device) == (TRANSLATE | UNMANAGED));
    api_delete_device(api, device);
}

/* The unit is called failed for as long as the question takes. */
void api_types_without_unit(struct api *api)
{
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    struct iommu_unit *unit = &api->iommu->units[api->iommu->endpoints[api->endpoints[0]].unit];
    enum iommu_unit_state state = unit->state;

    api_guard(api, IOMMU_GUARD_ALLOW);
    unit->state = UNIT_FAILED;
    ULONG types = types_of(api, device);
    unit->state = state;
    HOLDS(!(types & (TRANSLATE | UNMANAGED | FIRST_STAGE)));
    HOLDS(types_of(api, device) & TRANSLATE);
    api_delete_device(api, device);
}

void api_callback_first(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)};

    GIVES(STATUS_SUCCESS, watch(api, &seen));
    HOLDS(seen.calls == 1 && seen.fields == 1);
    HOLDS(seen.mask == seen.asked && seen.mask == types_of(api, seen.device));
    unwatch(api, seen.device);
    HOLDS(seen.calls == 1);
    api_delete_device(api, seen.device);
}

void api_callback_second(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)}, other = seen;
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = types_field();

    GIVES(STATUS_SUCCESS, watch(api, &seen));
    GIVES(STATUS_UNSUCCESSFUL, watch(api, &other));
    GIVES(STATUS_UNSUCCESSFUL,
          api->v2.RegisterInterfaceStateChangeCallback(note_other, &other, other.device, &fields));
    HOLDS(seen.calls == 1 && other.calls == 0);
    GIVES(STATUS_UNSUCCESSFUL,
          api->v2.UnregisterInterfaceStateChangeCallback(note_other, seen.device));
    unwatch(api, seen.device);
    GIVES(STATUS_SUCCESS, watch(api, &other));
    HOLDS(other.calls == 1);
    unwatch(api, seen.device);
    api_delete_device(api, seen.device);
}

void api_callback_fields(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)};
    static const ULONG bad[] = {0, 2, 0xFFFFFFFE, 3, 0x80000001};

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = {.AsULONG = bad[i]};

        GIVES(STATUS_INVALID_PARAMETER_4,
              api->v2.RegisterInterfaceStateChangeCallback(note, &seen, seen.device, &fields));
    }
    GIVES(STATUS_INVALID_PARAMETER_4,
          api->v2.RegisterInterfaceStateChangeCallback(note, &seen, seen.device, NULL));
    GIVES(STATUS_INVALID_PARAMETER_3,
          api->v2.RegisterInterfaceStateChangeCallback(note, &seen, NULL, NULL));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.RegisterInterfaceStateChangeCallback(NULL, &seen, NULL, NULL));
    HOLDS(!seen.calls);
    api_delete_device(api, seen.device);
}

void api_callback_change(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)};

    GIVES(STATUS_SUCCESS, watch(api, &seen));
    api_guard(api, IOMMU_GUARD_ALLOW);
    HOLDS(seen.calls == 2 && seen.fields == 1);
    HOLDS(seen.mask == (TRANSLATE | PASS_THROUGH | UNMANAGED));
    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(seen.calls == 3 && seen.fields == 1);
    HOLDS(seen.mask == (TRANSLATE | UNMANAGED));
    unwatch(api, seen.device);
    api_delete_device(api, seen.device);
}

/* The last change is one of the guard, but not of what is available. */
void api_callback_no_change(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)};

    GIVES(STATUS_SUCCESS, watch(api, &seen));
    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(seen.calls == 1);
    api_guard(api, IOMMU_GUARD_ALLOW);
    api_guard(api, IOMMU_GUARD_ALLOW);
    HOLDS(seen.calls == 2);
    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(seen.calls == 3);
    api->iommu->pass_through = false;
    api_guard(api, IOMMU_GUARD_ALLOW);
    api->iommu->pass_through = true;
    HOLDS(seen.calls == 3);
    unwatch(api, seen.device);
    api_delete_device(api, seen.device);
}

void api_callback_unknown(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)};

    GIVES(STATUS_UNSUCCESSFUL, api->v2.UnregisterInterfaceStateChangeCallback(note, seen.device));
    GIVES(STATUS_INVALID_PARAMETER_1,
          api->v2.UnregisterInterfaceStateChangeCallback(NULL, seen.device));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.UnregisterInterfaceStateChangeCallback(note, NULL));
    GIVES(STATUS_SUCCESS, watch(api, &seen));
    unwatch(api, seen.device);
    GIVES(STATUS_UNSUCCESSFUL, api->v2.UnregisterInterfaceStateChangeCallback(note, seen.device));
    api_delete_device(api, seen.device);
}

/* Also when it takes itself off from inside. */
void api_callback_silent(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)};

    GIVES(STATUS_SUCCESS, watch(api, &seen));
    unwatch(api, seen.device);
    api_guard(api, IOMMU_GUARD_ALLOW);
    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(seen.calls == 1);
    GIVES(STATUS_SUCCESS, watch(api, &seen));
    seen.leaves = true;
    api_guard(api, IOMMU_GUARD_ALLOW);
    HOLDS(seen.calls == 3);
    api_guard(api, IOMMU_GUARD_BLOCK);
    HOLDS(seen.calls == 3);
    GIVES(STATUS_UNSUCCESSFUL, api->v2.UnregisterInterfaceStateChangeCallback(note, seen.device));
    api_delete_device(api, seen.device);
}

void api_callback_context(struct api *api)
{
    struct seen seen = {.api = api, .device = api_device(api, 0)};

    GIVES(STATUS_SUCCESS, watch(api, &seen));
    HOLDS(seen.owner == api->owner && seen.asked == seen.mask);
    for (unsigned i = 0; i < 4; i++) {
        seen.owner = OWNER_FREE;
        api_guard(api, i & 1 ? IOMMU_GUARD_BLOCK : IOMMU_GUARD_ALLOW);
        HOLDS(seen.calls == i + 2 && seen.at_task_level);
        HOLDS(seen.owner == api->owner && seen.asked == seen.mask);
    }
    unwatch(api, seen.device);
    api_delete_device(api, seen.device);
}
