/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

/* Version 2: devices, domain types, allocators, reserved ranges, identity ranges, changes of
 * state. Faults are reported by version 1, whose routine is the only one that does. */

#define TYPE_BIT(type) (1u << (type))
#define BUDDY_WIDTH    36 /* bits */
#define TOKEN_PAGES    4u

static const IOMMU_DMA_DOMAIN_CREATION_FLAGS no_flags = {.AsUlonglong = 0};
static const struct hda_place plain = {.type = DomainTypeTranslate};
static const struct hda_place with_buddy = {.type = DomainTypeTranslate, .buddy = true};

/* ---- Each level opens one thing, runs the next and closes it, whatever happened there ---- */

static bool reported(struct hda *hda, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    DEVICE_FAULT_CONFIGURATION config = {.FaultHandler = hda_hear, .FaultContext = hda};
    PDEVICE_OBJECT pdo = hda->device->pdo;

    if (!SUCCEEDS(hda, v1->SetDeviceFaultReporting(pdo, 0, TRUE, &config)))
        return false;
    hda->faults.reporting = true;
    bool good = body(hda);
    hda->faults.reporting = false;
    return SUCCEEDS(hda, v1->SetDeviceFaultReporting(pdo, 0, FALSE, NULL)) && good;
}

static bool attached(struct hda *hda, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;

    if (!SUCCEEDS(hda, v2->AttachDeviceEx(hda->domain, hda->dma)))
        return false;
    bool good = reported(hda, body);
    return SUCCEEDS(hda, v2->DetachDeviceEx(hda->dma)) && good;
}

static bool in_domain(struct hda *hda, const struct hda_place *place, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator = {
        .LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
        .BuddyAllocatorConfig = {.AddressWidth = BUDDY_WIDTH},
    };

    if (!SUCCEEDS(hda, v2->CreateDomainEx(place->type, no_flags, place->buddy ? &allocator : NULL,
                                          place->regions, &hda->domain)))
        return false;
    bool good = attached(hda, body);
    return SUCCEEDS(hda, v2->DeleteDomain(hda->domain)) && good;
}

static bool with_device(struct hda *hda, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;

    if (!SUCCEEDS(hda, v2->CreateDevice(hda->device->pdo, NULL, &hda->dma)))
        return false;
    bool good = body(hda);
    return SUCCEEDS(hda, v2->DeleteDevice(hda->dma)) && good;
}

bool hda_inside(struct hda *hda, const struct hda_place *place, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;

    if (!SUCCEEDS(hda, v2->CreateDevice(hda->device->pdo, NULL, &hda->dma)))
        return false;
    bool good = in_domain(hda, place, body);
    return SUCCEEDS(hda, v2->DeleteDevice(hda->dma)) && good;
}

/* ---- Devices ---- */

static bool device_rules(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_DEVICE_CREATION_CONFIGURATION acpi = {.ConfigType = IommuDeviceCreationConfigTypeAcpi};
    PIOMMU_DMA_DEVICE second = NULL;

    InitializeListHead(&acpi.NextConfiguration);
    return GIVES(hda, v2->CreateDevice(hda->device->pdo, &acpi, &second),
                 STATUS_INVALID_PARAMETER_2) &&
           GIVES(hda, v2->CreateDevice(hda->device->pdo, NULL, &second), STATUS_RESOURCE_IN_USE) &&
           GIVES(hda, v2->DetachDeviceEx(hda->dma), STATUS_INVALID_PARAMETER_1) &&
           (second == NULL || hda_fail(hda, "a failed CreateDevice wrote its output"));
}

static bool attached_rules(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    DEVICE_FAULT_CONFIGURATION config = {.FaultHandler = hda_hear, .FaultContext = hda};

    return GIVES(hda, v2->AttachDeviceEx(hda->domain, hda->dma), STATUS_INVALID_PARAMETER) &&
           GIVES(hda, v2->DeleteDevice(hda->dma), STATUS_RESOURCE_IN_USE) &&
           GIVES(hda, v2->DeleteDomain(hda->domain), STATUS_RESOURCE_IN_USE) &&
           GIVES(hda, v2->SetDeviceFaultReportingEx(hda->dma, 0, TRUE, &config),
                 STATUS_NOT_IMPLEMENTED);
}

static bool devices(struct hda *hda)
{
    return with_device(hda, device_rules) && hda_inside(hda, &plain, attached_rules);
}

/* ---- Domain types ---- */

static ULONG available_types(struct hda *hda)
{
    ULONG types = 0;

    hda->ex2.V2.QueryAvailableDomainTypes(hda->dma, &types);
    return types;
}

static bool try_type(struct hda *hda, IOMMU_DMA_DOMAIN_TYPE type, ULONG available)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;

    if ((available & TYPE_BIT(type)) == 0)
        return GIVES(hda, v2->CreateDomainEx(type, no_flags, NULL, NULL, &hda->domain),
                     STATUS_NOT_SUPPORTED);
    if (!SUCCEEDS(hda, v2->CreateDomainEx(type, no_flags, NULL, NULL, &hda->domain)))
        return false;
    bool good = SUCCEEDS(hda, v2->AttachDeviceEx(hda->domain, hda->dma)) &&
                SUCCEEDS(hda, v2->DetachDeviceEx(hda->dma));
    return SUCCEEDS(hda, v2->DeleteDomain(hda->domain)) && good;
}

static bool try_types(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    ULONG available = available_types(hda), wanted = TYPE_BIT(DomainTypeTranslate);

    if ((available & wanted) == 0 || available >= TYPE_BIT(DomainTypeMax))
        return hda_fail(hda, "the available types are 0x%x", (unsigned)available);
    for (unsigned type = DomainTypeTranslate; type < DomainTypeMax; type++)
        if (!try_type(hda, (IOMMU_DMA_DOMAIN_TYPE)type, available))
            return false;
    return GIVES(hda, v2->CreateDomainEx(DomainTypeMax, no_flags, NULL, NULL, &hda->domain),
                 STATUS_INVALID_PARAMETER_1);
}

static bool domain_types(struct hda *hda)
{
    return with_device(hda, try_types);
}

/* ---- Changes of state ---- */

struct heard_state {
    unsigned calls;
    IOMMU_INTERFACE_STATE_CHANGE last;
};

static VOID hear_state(PIOMMU_INTERFACE_STATE_CHANGE StateChange, PVOID Context)
{
    struct heard_state *heard = Context;

    heard->calls++;
    heard->last = *StateChange;
}

static bool registered_rules(struct hda *hda, const struct heard_state *heard,
                             PIOMMU_INTERFACE_STATE_CHANGE_FIELDS fields)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    struct heard_state other = {0};

    if (heard->calls != 1)
        return hda_fail(hda, "the callback was called %u times", heard->calls);
    if (!heard->last.PresentFields.AvailableDomainTypes ||
        heard->last.AvailableDomainTypes != available_types(hda))
        return hda_fail(hda, "the callback was told 0x%x, the query 0x%x",
                        (unsigned)heard->last.AvailableDomainTypes, (unsigned)available_types(hda));
    return GIVES(hda,
                 v2->RegisterInterfaceStateChangeCallback(hear_state, &other, hda->dma, fields),
                 STATUS_UNSUCCESSFUL) &&
           (other.calls == 0 || hda_fail(hda, "a refused callback was called")) &&
           GIVES(hda, v2->DeleteDevice(hda->dma), STATUS_RESOURCE_IN_USE);
}

static bool register_state(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = {.AsULONG = 0};
    struct heard_state heard = {0};

    if (!GIVES(hda, v2->RegisterInterfaceStateChangeCallback(hear_state, &heard, hda->dma, &fields),
               STATUS_INVALID_PARAMETER_4))
        return false;
    fields.AvailableDomainTypes = 1;
    if (!SUCCEEDS(hda,
                  v2->RegisterInterfaceStateChangeCallback(hear_state, &heard, hda->dma, &fields)))
        return false;
    bool good = registered_rules(hda, &heard, &fields);
    return SUCCEEDS(hda, v2->UnregisterInterfaceStateChangeCallback(hear_state, hda->dma)) &&
           good &&
           GIVES(hda, v2->UnregisterInterfaceStateChangeCallback(hear_state, hda->dma),
                 STATUS_UNSUCCESSFUL);
}

static bool state_changes(struct hda *hda)
{
    return with_device(hda, register_state);
}

/* ---- Reserved ranges ---- */

static bool map_segment(struct hda *hda, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, enum hda_page page,
                        SIZE_T offset, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_range(hda, page, 1);

    return SUCCEEDS(hda,
                    v2->MapReservedLogicalRange(token, offset, HDA_READ_WRITE, &what, segment)) &&
           ((segment->OwningToken == token && segment->Offset == offset &&
             segment->Size == PAGE_SIZE) ||
            hda_fail(hda, "the mapped segment is not what was asked for"));
}

/* What a token with one mapped segment refuses. */
static bool segment_rules(struct hda *hda, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT none;
    IOMMU_MAP_PHYSICAL_ADDRESS two = hda_by_range(hda, PAGE_CORB, 2);

    return GIVES(hda, v2->MapReservedLogicalRange(token, 0x800, HDA_READ_WRITE, &two, &none),
                 STATUS_INVALID_PARAMETER_2) &&
           GIVES(hda, v2->MapReservedLogicalRange(token, 0, HDA_READ_WRITE, &two, &none),
                 STATUS_RESOURCE_IN_USE) &&
           GIVES(hda,
                 v2->MapReservedLogicalRange(token, (TOKEN_PAGES - 1) * PAGE_SIZE, HDA_READ_WRITE,
                                             &two, &none),
                 STATUS_INVALID_PARAMETER_MIX) &&
           GIVES(hda, v2->FreeReservedLogicalAddressRange(token), STATUS_RESOURCE_IN_USE);
}

/* The responses go to the third page of the token, the commands come from its first. */
static bool work_by_token(struct hda *hda, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT corb, rirb;
    uint64_t base = token->LogicalAddressBase;

    if (!map_segment(hda, token, PAGE_CORB, 0, &corb))
        return false;
    bool good =
        segment_rules(hda, token) &&
        hda_rings_refused(hda, base, base + 2 * PAGE_SIZE, base + 2 * PAGE_SIZE, TranslationFault);
    if (good && map_segment(hda, token, PAGE_RIRB, 2 * PAGE_SIZE, &rirb)) {
        good = hda_rings_reach(hda, base, base + 2 * PAGE_SIZE);
        good = SUCCEEDS(hda, v2->UnmapReservedLogicalRange(&rirb)) && good &&
               GIVES(hda, v2->UnmapReservedLogicalRange(&rirb), STATUS_INVALID_PARAMETER) &&
               hda_rings_refused(hda, base, base + 2 * PAGE_SIZE, base + 2 * PAGE_SIZE,
                                 TranslationFault);
    } else {
        good = false;
    }
    return SUCCEEDS(hda, v2->UnmapReservedLogicalRange(&corb)) && good;
}

static bool reserve_by_allocator(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
    IOMMU_DMA_LOGICAL_ADDRESS low = hda->logical >> 8, high = low * 2 - 1;

    if (!SUCCEEDS(hda, v2->ReserveLogicalAddressRange(hda->domain, TOKEN_PAGES * PAGE_SIZE, NULL,
                                                      &low, &high, &token)))
        return false;
    bool good = (token->Size == TOKEN_PAGES * PAGE_SIZE && token->LogicalAddressBase >= low &&
                 token->LogicalAddressBase + token->Size - 1 <= high) ||
                hda_fail(hda, "the token is not what was asked for");
    good = good && work_by_token(hda, token);
    return SUCCEEDS(hda, v2->FreeReservedLogicalAddressRange(token)) && good &&
           GIVES(hda, v2->FreeReservedLogicalAddressRange(token), STATUS_INVALID_PARAMETER_1);
}

static bool reserve_explicitly(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_DMA_LOGICAL_ADDRESS address = hda->logical;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, second;

    if (!GIVES(hda,
               v2->ReserveLogicalAddressRange(hda->domain, PAGE_SIZE, NULL, NULL, NULL, &token),
               STATUS_NOT_SUPPORTED) ||
        !GIVES(hda,
               v2->ReserveLogicalAddressRange(hda->domain, 0x800, &address, NULL, NULL, &token),
               STATUS_INVALID_PARAMETER_2) ||
        !SUCCEEDS(hda, v2->ReserveLogicalAddressRange(hda->domain, TOKEN_PAGES * PAGE_SIZE,
                                                      &address, NULL, NULL, &token)))
        return false;
    bool good =
        GIVES(hda,
              v2->ReserveLogicalAddressRange(hda->domain, PAGE_SIZE, &address, NULL, NULL, &second),
              STATUS_RESOURCE_IN_USE) &&
        work_by_token(hda, token);
    return SUCCEEDS(hda, v2->FreeReservedLogicalAddressRange(token)) && good;
}

static bool reserve(struct hda *hda)
{
    return hda_inside(hda, &with_buddy, reserve_by_allocator);
}

static bool reserve_explicit(struct hda *hda)
{
    return hda_inside(hda, &plain, reserve_explicitly);
}

/* ---- Regions that are reserved at creation ---- */

/* One region lies on the pages of the rings, the other on a page that nobody maps. */
static bool use_regions(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    uint64_t corb = hda_physical(hda, PAGE_CORB), rirb = hda_physical(hda, PAGE_RIRB);
    uint64_t barred = hda_physical(hda, PAGE_SOUND);
    IOMMU_MAP_PHYSICAL_ADDRESS one = hda_by_range(hda, PAGE_BUFFERS, 1);

    return hda_rings_reach(hda, corb, rirb) &&
           hda_rings_refused(hda, corb, barred, barred, TranslationFault) &&
           GIVES(hda, v2->UnmapLogicalRange(hda->domain, corb, 1), STATUS_INVALID_PARAMETER_MIX) &&
           GIVES(hda, v2->MapIdentityRangeEx(hda->domain, HDA_READ_WRITE, &one),
                 STATUS_NOT_SUPPORTED) &&
           GIVES(hda, v2->UnmapIdentityRangeEx(hda->domain, &one), STATUS_NOT_SUPPORTED);
}

static bool regions(struct hda *hda)
{
    IOMMU_DMA_RESERVED_REGION barred = {.Base = hda_physical(hda, PAGE_SOUND), .NumberOfPages = 1};
    IOMMU_DMA_RESERVED_REGION rings = {.RegionNext = &barred,
                                       .Base = hda_physical(hda, PAGE_CORB),
                                       .NumberOfPages = 2,
                                       .ShouldMap = TRUE};
    const struct hda_place place = {.type = DomainTypeTranslate, .buddy = true, .regions = &rings};

    return hda_inside(hda, &place, use_regions);
}

/* ---- Identity ranges ---- */

static bool identity_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    uint64_t corb = hda_physical(hda, PAGE_CORB), rirb = hda_physical(hda, PAGE_RIRB);
    PFN_NUMBER frames[] = {rirb >> PAGE_SHIFT};
    IOMMU_MAP_PHYSICAL_ADDRESS first = hda_by_range(hda, PAGE_CORB, 1);
    IOMMU_MAP_PHYSICAL_ADDRESS second = hda_by_frames(frames, ARRAYSIZE(frames));

    if (!SUCCEEDS(hda, v2->MapIdentityRangeEx(hda->domain, IOMMU_ACCESS_READ, &first)))
        return false;
    bool good = hda_rings_refused(hda, corb, rirb, rirb, TranslationFault) &&
                SUCCEEDS(hda, v2->MapIdentityRangeEx(hda->domain, HDA_READ_WRITE, &second));
    if (good) {
        good = hda_rings_reach(hda, corb, rirb);
        good = SUCCEEDS(hda, v2->UnmapIdentityRangeEx(hda->domain, &second)) && good;
    }
    return SUCCEEDS(hda, v2->UnmapIdentityRangeEx(hda->domain, &first)) && good &&
           hda_rings_refused(hda, corb, rirb, corb, TranslationFault);
}

static bool identity(struct hda *hda)
{
    return hda_inside(hda, &plain, identity_inside);
}

/* ---- Unmanaged and pass-through domains ---- */

static bool unmanaged_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    uint64_t corb = hda_physical(hda, PAGE_CORB), rirb = hda_physical(hda, PAGE_RIRB);
    DOMAIN_CONFIGURATION own = {.Type = DomainConfigurationX64,
                                .X64 = {.TranslationEnabled = FALSE}};
    IOMMU_DMA_LOGICAL_ADDRESS address = hda->logical, given;
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_range(hda, PAGE_CORB, 2);
    PVOID pages[] = {(PVOID)(ULONG_PTR)corb};

    return GIVES(hda, v2->ConfigureDomain(hda->domain, &own), STATUS_NOT_SUPPORTED) &&
           SUCCEEDS(hda, v2->FlushDomain(hda->domain)) &&
           SUCCEEDS(hda, v2->FlushDomainByVaList(hda->domain, FALSE, ARRAYSIZE(pages), pages)) &&
           GIVES(hda,
                 v2->MapLogicalRangeEx(hda->domain, HDA_READ_WRITE, &what, &address, NULL, NULL,
                                       &given),
                 STATUS_INVALID_PARAMETER_1) &&
           GIVES(hda, v2->MapIdentityRangeEx(hda->domain, HDA_READ_WRITE, &what),
                 STATUS_INVALID_PARAMETER_1) &&
           hda_rings_refused(hda, corb, rirb, corb, TranslationFault);
}

static bool unmanaged(struct hda *hda)
{
    const struct hda_place place = {.type = DomainTypeUnmanaged};
    INPUT_MAPPING_ELEMENT element;

    return GIVES(hda,
                 hda->ex2.V2.QueryInputMappings(hda->device->pdo, &element, sizeof(element), NULL),
                 STATUS_UNSUCCESSFUL) &&
           hda_inside(hda, &place, unmanaged_inside);
}

static bool pass_through_inside(struct hda *hda)
{
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_range(hda, PAGE_CORB, 2);
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;

    return SUCCEEDS(hda, v2->MapIdentityRangeEx(hda->domain, HDA_READ_WRITE, &what)) &&
           SUCCEEDS(hda, v2->UnmapIdentityRangeEx(hda->domain, &what)) &&
           GIVES(hda, v2->UnmapLogicalRange(hda->domain, hda->logical, 1),
                 STATUS_INVALID_PARAMETER_1) &&
           hda_rings_reach(hda, hda_physical(hda, PAGE_CORB), hda_physical(hda, PAGE_RIRB));
}

/* It reaches all memory, or is refused, as the query says. */
static bool try_pass_through(struct hda *hda)
{
    const struct hda_place place = {.type = DomainTypePassThrough};

    if ((available_types(hda) & TYPE_BIT(DomainTypePassThrough)) == 0)
        return try_type(hda, DomainTypePassThrough, 0);
    return in_domain(hda, &place, pass_through_inside);
}

static bool pass_through(struct hda *hda)
{
    return with_device(hda, try_pass_through);
}

/* ---- Two domains ---- */

static bool map_rings(struct hda *hda, PIOMMU_DMA_DOMAIN domain)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_range(hda, PAGE_CORB, 2);
    IOMMU_DMA_LOGICAL_ADDRESS address = hda->logical, given = 0;

    return SUCCEEDS(hda, v2->MapLogicalRangeEx(domain, HDA_READ_WRITE, &what, &address, NULL, NULL,
                                               &given)) &&
           (given == address || hda_fail(hda, "an explicit address was not taken"));
}

static bool in_second(struct hda *hda)
{
    uint64_t corb = hda->logical, rirb = hda->logical + PAGE_SIZE;

    return hda_rings_refused(hda, corb, rirb, corb, TranslationFault) &&
           map_rings(hda, hda->domain) && hda_rings_reach(hda, corb, rirb) &&
           SUCCEEDS(hda, hda->ex2.V2.UnmapLogicalRange(hda->domain, corb, 2));
}

/* Detached from the first domain; the inner attach ends the reporting that the outer one began. */
static bool visit_second(struct hda *hda)
{
    PIOMMU_DMA_DOMAIN first = hda->domain;
    bool good = in_domain(hda, &plain, in_second);

    hda->domain = first;
    return good;
}

/* What is mapped, and warm, in the first domain is refused in the second, until it is mapped there
 * too. Mappings go with their domain. */
static bool move(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V2 *v2 = &hda->ex2.V2;
    uint64_t corb = hda->logical, rirb = hda->logical + PAGE_SIZE;

    if (!map_rings(hda, hda->domain) || !hda_rings_reach(hda, corb, rirb) ||
        !SUCCEEDS(hda, v2->DetachDeviceEx(hda->dma)))
        return false;
    bool good = visit_second(hda);
    return SUCCEEDS(hda, v2->AttachDeviceEx(hda->domain, hda->dma)) && good &&
           hda_rings_reach(hda, corb, rirb);
}

static bool two_domains(struct hda *hda)
{
    return hda_inside(hda, &plain, move);
}

/* Never renumbered. */
const struct hda_test hda_v2_tests[] = {
    HDA_TEST("021", devices),     HDA_TEST("022", domain_types),     HDA_TEST("023", state_changes),
    HDA_TEST("024", reserve),     HDA_TEST("025", reserve_explicit), HDA_TEST("026", regions),
    HDA_TEST("027", identity),    HDA_TEST("028", unmanaged),        HDA_TEST("029", pass_through),
    HDA_TEST("030", two_domains),
};
const size_t hda_v2_count = ARRAYSIZE(hda_v2_tests);
