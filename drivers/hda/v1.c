/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

/*
 * Version 1: explicit addresses and MDLs. Opening and closing goes by the table of
 * IoGetIommuInterface, the work by that of IoGetIommuInterfaceEx: they hold the same routines.
 */

#define RING_PAGES 2
_Static_assert(PAGE_RIRB == PAGE_CORB + 1, "one MDL describes both rings");

static uint64_t corb_logical(const struct hda *hda)
{
    return hda->logical + PAGE_SIZE;
}

static uint64_t rirb_logical(const struct hda *hda)
{
    return hda->logical;
}

/* ---- Each level opens one thing, runs the next and closes it, whatever happened there ---- */

static bool reported(struct hda *hda, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE *v1 = &hda->legacy;
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
    const DMA_IOMMU_INTERFACE *v1 = &hda->legacy;
    PDEVICE_OBJECT pdo = hda->device->pdo;

    if (!SUCCEEDS(hda, v1->AttachDevice(hda->domain, pdo, 0, 1)))
        return false;
    bool good = reported(hda, body);
    return SUCCEEDS(hda, v1->DetachDevice(hda->domain, pdo, 0)) && good;
}

static bool inside(struct hda *hda, BOOLEAN managed, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE *v1 = &hda->legacy;

    if (!SUCCEEDS(hda, v1->CreateDomain(managed, &hda->domain)))
        return false;
    bool good = attached(hda, body);
    return SUCCEEDS(hda, v1->DeleteDomain(hda->domain)) && good;
}

/* Both rings by one MDL, as if the second page of a buffer lay before its first. */
static bool mapped(struct hda *hda, bool (*body)(struct hda *hda))
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    struct hda_mdl storage;
    PMDL mdl = hda_mdl_build(hda, &storage, PAGE_CORB, RING_PAGES);

    MmGetMdlPfnArray(mdl)[0] = hda_physical(hda, PAGE_RIRB) >> PAGE_SHIFT;
    MmGetMdlPfnArray(mdl)[1] = hda_physical(hda, PAGE_CORB) >> PAGE_SHIFT;
    if (!SUCCEEDS(hda, v1->MapLogicalRange(hda->domain, HDA_READ_WRITE, mdl, hda->logical)))
        return false;
    bool good = body(hda);
    return SUCCEEDS(hda, v1->UnmapLogicalRange(hda->domain, hda->logical, RING_PAGES)) && good;
}

/* One page by an MDL. */
static bool map_page(struct hda *hda, enum hda_page page, ULONG permissions, uint64_t logical)
{
    struct hda_mdl storage;
    PMDL mdl = hda_mdl_build(hda, &storage, page, 1);

    return SUCCEEDS(hda, hda->ex1.V1.MapLogicalRange(hda->domain, permissions, mdl, logical));
}

/* ---- Tables ---- */

static bool same_routines(const DMA_IOMMU_INTERFACE *a, const DMA_IOMMU_INTERFACE_V1 *b)
{
    return a->CreateDomain == b->CreateDomain && a->DeleteDomain == b->DeleteDomain &&
           a->AttachDevice == b->AttachDevice && a->DetachDevice == b->DetachDevice &&
           a->FlushDomain == b->FlushDomain && a->FlushDomainByVaList == b->FlushDomainByVaList &&
           a->QueryInputMappings == b->QueryInputMappings &&
           a->MapLogicalRange == b->MapLogicalRange &&
           a->UnmapLogicalRange == b->UnmapLogicalRange &&
           a->MapIdentityRange == b->MapIdentityRange &&
           a->UnmapIdentityRange == b->UnmapIdentityRange &&
           a->SetDeviceFaultReporting == b->SetDeviceFaultReporting &&
           a->ConfigureDomain == b->ConfigureDomain;
}

static bool tables(struct hda *hda)
{
    DMA_IOMMU_INTERFACE_EX none;

    if (hda->legacy.Version != DMA_IOMMU_INTERFACE_VERSION_1 ||
        hda->ex1.Version != DMA_IOMMU_INTERFACE_EX_VERSION_1 ||
        hda->ex2.Version != DMA_IOMMU_INTERFACE_EX_VERSION_2)
        return hda_fail(hda, "a table has another version than was asked for");
    if (hda->ex1.Size != DMA_IOMMU_INTERFACE_EX_V1_SIZE ||
        hda->ex2.Size != DMA_IOMMU_INTERFACE_EX_V2_SIZE)
        return hda_fail(hda, "a table has another size than its version");
    if (!same_routines(&hda->legacy, &hda->ex1.V1))
        return hda_fail(hda, "the two tables of version 1 differ");
    return GIVES(hda, IoGetIommuInterfaceEx(0, 0, &none), STATUS_INVALID_PARAMETER_1);
}

/* ---- Mappings ---- */

static bool rings_reach(struct hda *hda)
{
    return hda_rings_reach(hda, corb_logical(hda), rirb_logical(hda));
}

static bool rings_by_mdl(struct hda *hda)
{
    return mapped(hda, rings_reach);
}

static bool map_rings(struct hda *hda)
{
    return inside(hda, TRUE, rings_by_mdl);
}

/* The translations are warm when the second page goes. */
static bool refuse_unmapped_half(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;

    if (!rings_reach(hda) ||
        !SUCCEEDS(hda, v1->UnmapLogicalRange(hda->domain, rirb_logical(hda), 1)))
        return false;
    bool good = hda_rings_refused(hda, corb_logical(hda), rirb_logical(hda), rirb_logical(hda),
                                  TranslationFault);
    return map_page(hda, PAGE_RIRB, HDA_READ_WRITE, rirb_logical(hda)) && good && rings_reach(hda);
}

static bool refuse_after_unmap_inside(struct hda *hda)
{
    return mapped(hda, refuse_unmapped_half);
}

static bool refuse_after_unmap(struct hda *hda)
{
    return inside(hda, TRUE, refuse_after_unmap_inside);
}

/* Rings with these permissions, of which `refused` lacks the one that its use needs. */
static bool refuse_by_permission(struct hda *hda, ULONG corb, ULONG rirb, uint64_t refused)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;

    if (!map_page(hda, PAGE_CORB, corb, corb_logical(hda)))
        return false;
    bool good = map_page(hda, PAGE_RIRB, rirb, rirb_logical(hda));
    if (good) {
        good =
            hda_rings_refused(hda, corb_logical(hda), rirb_logical(hda), refused, PermissionFault);
        good = SUCCEEDS(hda, v1->UnmapLogicalRange(hda->domain, rirb_logical(hda), 1)) && good;
    }
    return SUCCEEDS(hda, v1->UnmapLogicalRange(hda->domain, corb_logical(hda), 1)) && good;
}

static bool refuse_permissions_inside(struct hda *hda)
{
    return refuse_by_permission(hda, IOMMU_ACCESS_READ, IOMMU_ACCESS_READ, rirb_logical(hda)) &&
           refuse_by_permission(hda, IOMMU_ACCESS_WRITE, IOMMU_ACCESS_WRITE, corb_logical(hda));
}

static bool refuse_permissions(struct hda *hda)
{
    return inside(hda, TRUE, refuse_permissions_inside);
}

static bool identity_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    uint64_t corb = hda_physical(hda, PAGE_CORB), rirb = hda_physical(hda, PAGE_RIRB);
    struct hda_mdl storage;
    PMDL mdl = hda_mdl_build(hda, &storage, PAGE_CORB, 2);

    if (!hda_rings_refused(hda, corb, rirb, corb, TranslationFault) ||
        !SUCCEEDS(hda, v1->MapIdentityRange(hda->domain, HDA_READ_WRITE, mdl)))
        return false;
    bool good =
        hda_rings_reach(hda, corb, rirb) &&
        GIVES(hda, v1->MapIdentityRange(hda->domain, HDA_READ_WRITE, mdl), STATUS_RESOURCE_IN_USE);
    return SUCCEEDS(hda, v1->UnmapIdentityRange(hda->domain, mdl)) && good &&
           hda_rings_refused(hda, corb, rirb, corb, TranslationFault);
}

static bool identity(struct hda *hda)
{
    return inside(hda, TRUE, identity_inside);
}

/* ---- Refused arguments ---- */

static bool refuse_maps_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    struct hda_mdl storage;
    PMDL mdl = hda_mdl_build(hda, &storage, PAGE_CORB, 1);
    bool good =
        GIVES(hda, v1->MapLogicalRange(hda->domain, 4, mdl, hda->logical),
              STATUS_INVALID_PARAMETER_2) &&
        GIVES(hda, v1->MapLogicalRange(hda->domain, IOMMU_ACCESS_READ, mdl, 0x800),
              STATUS_INVALID_PARAMETER_4) &&
        GIVES(hda, v1->UnmapLogicalRange(hda->domain, 0x800, 1), STATUS_INVALID_PARAMETER_2);

    mdl->ByteCount = PAGE_SIZE / 2;
    good = good &&
           GIVES(hda, v1->MapLogicalRange(hda->domain, IOMMU_ACCESS_READ, mdl, hda->logical),
                 STATUS_INVALID_PARAMETER_3) &&
           GIVES(hda, v1->UnmapIdentityRange(hda->domain, mdl), STATUS_INVALID_PARAMETER_2);
    mdl->ByteCount = PAGE_SIZE;
    MmGetMdlPfnArray(mdl)[0] = 0;
    return good &&
           GIVES(hda, v1->MapLogicalRange(hda->domain, IOMMU_ACCESS_READ, mdl, hda->logical),
                 STATUS_ACCESS_DENIED) &&
           hda_rings_refused(hda, corb_logical(hda), rirb_logical(hda), corb_logical(hda),
                             TranslationFault);
}

static bool refuse_maps(struct hda *hda)
{
    return inside(hda, TRUE, refuse_maps_inside);
}

static bool refuse_attach_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    PDEVICE_OBJECT pdo = hda->device->pdo;

    return GIVES(hda, v1->AttachDevice(hda->domain, pdo, 1, 1), STATUS_INVALID_PARAMETER_3) &&
           GIVES(hda, v1->AttachDevice(hda->domain, pdo, 0, 2), STATUS_INVALID_PARAMETER_4) &&
           GIVES(hda, v1->AttachDevice(hda->domain, pdo, 0, 1), STATUS_INVALID_PARAMETER) &&
           GIVES(hda, v1->DetachDevice(hda->domain, pdo, 1), STATUS_INVALID_PARAMETER_3) &&
           GIVES(hda, v1->DeleteDomain(hda->domain), STATUS_RESOURCE_IN_USE) && rings_by_mdl(hda);
}

static bool refuse_attach(struct hda *hda)
{
    return inside(hda, TRUE, refuse_attach_inside);
}

/* ---- Fault reporting ---- */

/* The unit still records the refusal; the handler must not hear of it. */
static bool quiet_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    PDEVICE_OBJECT pdo = hda->device->pdo;

    if (!SUCCEEDS(hda, v1->SetDeviceFaultReporting(pdo, 0, FALSE, NULL)))
        return false;
    hda->faults.reporting = false;
    return hda_rings_refused(hda, corb_logical(hda), rirb_logical(hda), corb_logical(hda),
                             TranslationFault) &&
           GIVES(hda, v1->SetDeviceFaultReporting(pdo, 0, TRUE, NULL), STATUS_INVALID_PARAMETER_4);
}

static bool report_none(struct hda *hda)
{
    DEVICE_FAULT_CONFIGURATION config = {.FaultHandler = hda_hear, .FaultContext = hda};
    PDEVICE_OBJECT pdo = hda->device->pdo;

    return inside(hda, TRUE, quiet_inside) &&
           GIVES(hda, hda->ex1.V1.SetDeviceFaultReporting(pdo, 0, TRUE, &config),
                 STATUS_INVALID_PARAMETER_1);
}

/* Detached, what was mapped and warm is out of reach, and nothing is reported any more. */
static bool detach_while_mapped(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    PDEVICE_OBJECT pdo = hda->device->pdo;

    if (!rings_reach(hda) || !SUCCEEDS(hda, v1->DetachDevice(hda->domain, pdo, 0)))
        return false;
    hda->faults.reporting = false;
    bool good = hda_rings_refused(hda, corb_logical(hda), rirb_logical(hda), corb_logical(hda),
                                  TranslationFault);
    return SUCCEEDS(hda, v1->AttachDevice(hda->domain, pdo, 0, 1)) && good && rings_reach(hda);
}

static bool detach_inside(struct hda *hda)
{
    return mapped(hda, detach_while_mapped);
}

static bool refuse_detached(struct hda *hda)
{
    return inside(hda, TRUE, detach_inside);
}

/* ---- Unmanaged ---- */

static bool configure(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    DOMAIN_CONFIGURATION own = {.Type = DomainConfigurationX64,
                                .X64 = {.TranslationEnabled = TRUE}};
    PVOID pages[] = {(PVOID)(ULONG_PTR)hda->logical};

    own.X64.FirstLevelPageTableRoot.QuadPart = (LONGLONG)hda_physical(hda, PAGE_GUARD_FIRST);
    return GIVES(hda, v1->ConfigureDomain(hda->domain, &own), STATUS_NOT_SUPPORTED) &&
           SUCCEEDS(hda, v1->FlushDomain(hda->domain)) &&
           SUCCEEDS(hda, v1->FlushDomainByVaList(hda->domain, TRUE, ARRAYSIZE(pages), pages));
}

static bool unmanaged_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    uint64_t corb = hda_physical(hda, PAGE_CORB), rirb = hda_physical(hda, PAGE_RIRB);
    struct hda_mdl storage;
    PMDL mdl = hda_mdl_build(hda, &storage, PAGE_CORB, 2);

    return hda_rings_refused(hda, corb, rirb, corb, TranslationFault) && configure(hda) &&
           GIVES(hda, v1->MapLogicalRange(hda->domain, HDA_READ_WRITE, mdl, hda->logical),
                 STATUS_INVALID_PARAMETER_1) &&
           GIVES(hda, v1->MapIdentityRange(hda->domain, HDA_READ_WRITE, mdl),
                 STATUS_INVALID_PARAMETER_1) &&
           hda_rings_refused(hda, corb, rirb, corb, TranslationFault);
}

static bool unmanaged(struct hda *hda)
{
    return inside(hda, FALSE, unmanaged_inside);
}

static bool managed_inside(struct hda *hda)
{
    const DMA_IOMMU_INTERFACE_V1 *v1 = &hda->ex1.V1;
    DOMAIN_CONFIGURATION own = {.Type = DomainConfigurationX64};
    PVOID pages[] = {NULL};

    return GIVES(hda, v1->ConfigureDomain(hda->domain, &own), STATUS_INVALID_PARAMETER_1) &&
           GIVES(hda, v1->FlushDomain(hda->domain), STATUS_INVALID_PARAMETER_1) &&
           GIVES(hda, v1->FlushDomainByVaList(hda->domain, FALSE, ARRAYSIZE(pages), pages),
                 STATUS_INVALID_PARAMETER_1);
}

static bool managed(struct hda *hda)
{
    return inside(hda, TRUE, managed_inside);
}

static bool no_input_mappings(struct hda *hda)
{
    INPUT_MAPPING_ELEMENT element = {.InputMappingId = 7};
    ULONG length = 7;

    if (!GIVES(hda,
               hda->ex1.V1.QueryInputMappings(hda->device->pdo, &element, sizeof(element), &length),
               STATUS_UNSUCCESSFUL))
        return false;
    return (element.InputMappingId == 7 && length == 7) ||
           hda_fail(hda, "a refused query wrote something");
}

/* Never renumbered. */
const struct hda_test hda_v1_tests[] = {
    HDA_TEST("001", tables),
    HDA_TEST("002", map_rings),
    HDA_TEST("003", refuse_after_unmap),
    HDA_TEST("004", refuse_permissions),
    HDA_TEST("005", identity),
    HDA_TEST("006", refuse_maps),
    HDA_TEST("007", refuse_attach),
    HDA_TEST("008", report_none),
    HDA_TEST("009", refuse_detached),
    HDA_TEST("010", unmanaged),
    HDA_TEST("011", managed),
    HDA_TEST("012", no_input_mappings),
};
const size_t hda_v1_count = ARRAYSIZE(hda_v1_tests);
