/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/iommu/wdm/handles.h"

#define PDO_KIND (UINT64_C(0xB1) << 48)

PDEVICE_OBJECT wdm_pdo(uint16_t endpoint)
{
    return (PDEVICE_OBJECT)wdm_handle(PDO_KIND | endpoint);
}

bool wdm_is_pdo(PDEVICE_OBJECT pdo)
{
    return (wdm_reference(pdo) ^ PDO_KIND) < PCI_FUNCTIONS_MAX;
}

bool wdm_endpoint(PDEVICE_OBJECT pdo, uint16_t *endpoint)
{
    uint64_t number = wdm_reference(pdo) ^ PDO_KIND;

    if (!wdm_state || number >= wdm_state->pci->count ||
        wdm_state->endpoints[number].owner != owner_current())
        return false;
    *endpoint = (uint16_t)number;
    return true;
}

bool wdm_serves(iommu_ref_t domain, unsigned types)
{
    enum iommu_domain_type type;

    return wdm_state && iommu_domain_type_of(wdm_state, owner_current(), domain, &type) &&
           (types >> type & 1);
}

NTSTATUS wdm_refused(iommu_ref_t domain, unsigned types, NTSTATUS status)
{
    return wdm_serves(domain, types) ? status : STATUS_INVALID_PARAMETER_1;
}

NTSTATUS wdm_status(enum iommu_status status, NTSTATUS bad_handle)
{
    switch (status) {
    case IOMMU_OK:
        return STATUS_SUCCESS;
    case IOMMU_NO_MEMORY:
    case IOMMU_NO_ID:
        return STATUS_INSUFFICIENT_RESOURCES;
    case IOMMU_FAILED:
        return STATUS_IO_DEVICE_ERROR;
    case IOMMU_BAD_HANDLE:
        return bad_handle;
    case IOMMU_BAD_ACCESS:
        return STATUS_INVALID_PARAMETER_2;
    case IOMMU_OVERLAP:
    case IOMMU_IN_USE:
        return STATUS_RESOURCE_IN_USE;
    case IOMMU_NOT_MAPPED:
    case IOMMU_NO_SPACE:
        return STATUS_INVALID_PARAMETER_MIX;
    case IOMMU_NOT_OWNED:
    case IOMMU_CLAIMED:
    case IOMMU_BARRED:
        return STATUS_ACCESS_DENIED;
    case IOMMU_ATTACHED:
        return STATUS_INVALID_PARAMETER;
    case IOMMU_NOT_ATTACHED:
    case IOMMU_BAD_TYPE:
        return STATUS_INVALID_PARAMETER_1;
    case IOMMU_NOT_COVERED:
        return STATUS_NOT_FOUND;
    case IOMMU_NO_CHOICE:
    case IOMMU_INCOMPATIBLE:
        return STATUS_NOT_SUPPORTED;
    case IOMMU_DYING:
    case IOMMU_BAD_REGION:
    case IOMMU_BAD_RANGE:
        break;
    }
    return STATUS_UNSUCCESSFUL;
}

static bool is_whole(const struct iommu_memory *memory)
{
    return memory->length && !((memory->physical | memory->length) & (PAGE_SIZE - 1)) &&
           memory->physical + (memory->length - 1) >= memory->physical;
}

bool wdm_describe_mdl(PMDL mdl, struct iommu_memory *out)
{
    if (!mdl)
        return false;
    const MDL header = *(const volatile MDL *)mdl;
    size_t pages = header.ByteCount >> PAGE_SHIFT;

    *out = (struct iommu_memory){.frames = MmGetMdlPfnArray(mdl), .length = header.ByteCount};
    return !header.ByteOffset && is_whole(out) &&
           (USHORT)header.Size >= sizeof header + pages * sizeof(PFN_NUMBER);
}

bool wdm_describe(const IOMMU_MAP_PHYSICAL_ADDRESS *source, struct iommu_memory *out)
{
    if (!source)
        return false;
    const IOMMU_MAP_PHYSICAL_ADDRESS from = *(const volatile IOMMU_MAP_PHYSICAL_ADDRESS *)source;

    *out = (struct iommu_memory){0};
    switch (from.MapType) {
    case MapPhysicalAddressTypeContiguousRange:
        out->physical = (uint64_t)from.ContiguousRange.Base.QuadPart;
        out->length = from.ContiguousRange.Size;
        return is_whole(out);
    case MapPhysicalAddressTypeMdl:
        return wdm_describe_mdl(from.Mdl.Mdl, out);
    case MapPhysicalAddressTypePfn:
        out->frames = from.PfnArray.PageFrame;
        out->length = from.PfnArray.NumberOfPages << PAGE_SHIFT;
        return from.PfnArray.NumberOfPages <= UINT64_MAX >> PAGE_SHIFT && out->frames &&
               is_whole(out);
    case MapPhysicalAddressTypeMax:
        break;
    }
    return false;
}
