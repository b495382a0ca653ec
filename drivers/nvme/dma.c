/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

/* Logical addresses fit 39 bits, the least that a unit translates, and lie in a half of that
 * space where the memory behind them does not. nvme=pool: the domain's allocator chooses them.
 * nvme=map: each buffer has a stretch of its own, and a gap follows it. The reserved ranges lie
 * behind all others, within the same GiB: the tables that they keep serve the transfers too. */
#define LOGICAL_WIDTH    39
#define LOGICAL_HALF     ((uint64_t)1 << (LOGICAL_WIDTH - 1))
#define LOGICAL_RESERVED ((uint64_t)1 << 29)
#define LOGICAL_STRETCH  ((uint64_t)1 << 20)

_Static_assert(NVME_TRANSFER_MAX < LOGICAL_STRETCH, "a buffer fits its stretch");

static bool check(struct nvme *nvme, NTSTATUS status, const char *routine)
{
    return NT_SUCCESS(status) || nvme_fail(nvme, "%s returned 0x%08x", routine, (unsigned)status);
}

/* Runs at PASSIVE level, between two turns of the task. */
static VOID hear_fault(PVOID context, PFAULT_INFORMATION information)
{
    struct nvme *nvme = context;
    struct nvme_faults *faults = &nvme->faults;
    const FAULT_INFORMATION_X64 *fault = &information->X64;
    uint64_t address = (uint64_t)(uintptr_t)fault->FaultAddress;

    if (!nvme->enabled || information->Type != FaultInformationX64)
        return;
    faults->count++;
    if (faults->armed && fault->Flags.FaultAddressValid && address == faults->expected &&
        fault->Type == TranslationFault && fault->DomainHandle == nvme->domain)
        faults->matching++;
    else
        (void)nvme_fail(nvme, "a request of the controller for 0x%llx was refused (fault type %u)",
                        (unsigned long long)address, (unsigned)fault->Type);
}

static bool attach(struct nvme *nvme)
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &nvme->iommu.V2;
    DEVICE_FAULT_CONFIGURATION config = {hear_fault, nvme};

    if (!check(nvme, iommu->AttachDeviceEx(nvme->domain, nvme->dma), "AttachDeviceEx"))
        return false;
    if (check(nvme, nvme->version_1.V1.SetDeviceFaultReporting(nvme->device->pdo, 0, TRUE, &config),
              "SetDeviceFaultReporting"))
        return true;
    (void)iommu->DetachDeviceEx(nvme->dma);
    return false;
}

static bool open_domain(struct nvme *nvme)
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &nvme->iommu.V2;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};
    IOMMU_DMA_DOMAIN_TYPE type = nvme->passes ? DomainTypePassThrough : DomainTypeTranslate;
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator = {
        .LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
        .BuddyAllocatorConfig = {.AddressWidth = LOGICAL_WIDTH}};

    if (!check(nvme,
               iommu->CreateDomainEx(type, none, nvme->pooled ? &allocator : NULL, NULL,
                                     &nvme->domain),
               "CreateDomainEx"))
        return false;
    if (attach(nvme))
        return true;
    (void)iommu->DeleteDomain(nvme->domain);
    return false;
}

bool nvme_dma_open(struct nvme *nvme)
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &nvme->iommu.V2;

    if (!check(nvme, IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_1, 0, &nvme->version_1),
               "IoGetIommuInterfaceEx") ||
        !check(nvme, IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_2, 0, &nvme->iommu),
               "IoGetIommuInterfaceEx"))
        return false;
    if (!check(nvme, iommu->CreateDevice(nvme->device->pdo, NULL, &nvme->dma), "CreateDevice"))
        return false;
    if (open_domain(nvme))
        return true;
    (void)iommu->DeleteDevice(nvme->dma);
    return false;
}

void nvme_dma_close(struct nvme *nvme)
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &nvme->iommu.V2;

    (void)check(nvme, iommu->DetachDeviceEx(nvme->dma), "DetachDeviceEx");
    (void)check(nvme, iommu->DeleteDomain(nvme->domain), "DeleteDomain");
    (void)check(nvme, iommu->DeleteDevice(nvme->dma), "DeleteDevice");
}

static bool take_memory(struct nvme *nvme, struct nvme_buffer *buffer, size_t pages)
{
    struct driver_device *device = nvme->device;

    return device->services->memory_alloc(device, pages, &buffer->memory) ||
           nvme_fail(nvme, "no memory");
}

static uint64_t half_for(const struct nvme *nvme, const struct nvme_buffer *buffer)
{
    return buffer->memory.physical < LOGICAL_HALF && !nvme->bench ? LOGICAL_HALF : 0;
}

static uint64_t stretch_for(const struct nvme *nvme, const struct nvme_buffer *buffer,
                            unsigned index)
{
    return half_for(nvme, buffer) + (index + 1) * LOGICAL_STRETCH;
}

bool nvme_buffer_open(struct nvme *nvme, struct nvme_buffer *buffer, unsigned index, size_t pages)
{
    if (!take_memory(nvme, buffer, pages))
        return false;
    buffer->logical = nvme->bench ? buffer->memory.physical : stretch_for(nvme, buffer, index);
    return true;
}

bool nvme_buffer_map(struct nvme *nvme, struct nvme_buffer *buffer, size_t pages, ULONG permissions)
{
    IOMMU_DMA_LOGICAL_ADDRESS wanted = buffer->logical, given = 0;
    IOMMU_MAP_PHYSICAL_ADDRESS frames =
        driver_contiguous(buffer->memory.physical, pages * PAGE_SIZE);
    NTSTATUS status = nvme->iommu.V2.MapLogicalRangeEx(nvme->domain, permissions, &frames, &wanted,
                                                       NULL, NULL, &given);
    if (!check(nvme, status, "MapLogicalRangeEx"))
        return false;
    buffer->mapped_pages = pages;
    return given == wanted || nvme_fail(nvme, "MapLogicalRangeEx chose another address");
}

bool nvme_buffer_unmap(struct nvme *nvme, struct nvme_buffer *buffer)
{
    NTSTATUS status =
        nvme->iommu.V2.UnmapLogicalRange(nvme->domain, buffer->logical, buffer->mapped_pages);
    if (!check(nvme, status, "UnmapLogicalRange"))
        return false;
    buffer->mapped_pages = 0;
    return true;
}

/* A domain with an allocator refuses explicit addresses, one without needs them. */
static NTSTATUS reserve(struct nvme *nvme, struct nvme_buffer *buffer, unsigned index)
{
    IOMMU_DMA_LOGICAL_ADDRESS wanted = stretch_for(nvme, buffer, index) + LOGICAL_RESERVED;
    IOMMU_DMA_LOGICAL_ADDRESS low = half_for(nvme, buffer), high = low + LOGICAL_HALF - 1;
    bool chosen = nvme->pooled;

    return nvme->iommu.V2.ReserveLogicalAddressRange(nvme->domain, buffer->memory.length,
                                                     chosen ? NULL : &wanted, chosen ? &low : NULL,
                                                     chosen ? &high : NULL, &buffer->token);
}

bool nvme_reserved_open(struct nvme *nvme, struct nvme_buffer *buffer, unsigned index, size_t pages)
{
    if (!take_memory(nvme, buffer, pages))
        return false;
    if (nvme->passes) {
        buffer->logical = buffer->memory.physical;
        return true;
    }
    return check(nvme, reserve(nvme, buffer, index), "ReserveLogicalAddressRange");
}

bool nvme_reserved_map(struct nvme *nvme, struct nvme_buffer *buffer, ULONG permissions)
{
    IOMMU_MAP_PHYSICAL_ADDRESS frames =
        driver_contiguous(buffer->memory.physical, buffer->memory.length);

    if (nvme->passes)
        return true;
    if (!check(nvme,
               nvme->iommu.V2.MapReservedLogicalRange(buffer->token, 0, permissions, &frames,
                                                      &buffer->segment),
               "MapReservedLogicalRange"))
        return false;
    buffer->logical = buffer->token->LogicalAddressBase + buffer->segment.Offset;
    return true;
}

bool nvme_reserved_unmap(struct nvme *nvme, struct nvme_buffer *buffer)
{
    return nvme->passes || check(nvme, nvme->iommu.V2.UnmapReservedLogicalRange(&buffer->segment),
                                 "UnmapReservedLogicalRange");
}

bool nvme_pool_open(struct nvme *nvme, struct driver_pool *pool, const struct nvme_buffer *buffer,
                    uint16_t *links, uint16_t count)
{
    const struct driver_pool_setup setup = {.iommu = &nvme->iommu.V2,
                                            .domain = nvme->domain,
                                            .permissions = IOMMU_ACCESS_WRITE,
                                            .memory = buffer->memory,
                                            .size = buffer->memory.length / count,
                                            .count = count,
                                            .links = links,
                                            .token = buffer->token};

    return check(nvme, driver_pool_open(pool, &setup), "driver_pool_open");
}

void nvme_pool_close(struct nvme *nvme, struct driver_pool *pool, struct nvme_buffer *buffer)
{
    if (check(nvme, driver_pool_close(pool), "driver_pool_close"))
        nvme_buffer_close(nvme, buffer);
}

void nvme_buffer_close(struct nvme *nvme, struct nvme_buffer *buffer)
{
    struct driver_device *device = nvme->device;

    if (buffer->memory.length == 0)
        return;
    if (buffer->mapped_pages > 0 && !nvme_buffer_unmap(nvme, buffer))
        return;
    if (buffer->segment.OwningToken != NULL && !nvme_reserved_unmap(nvme, buffer))
        return;
    if (buffer->token != NULL)
        (void)check(nvme, nvme->iommu.V2.FreeReservedLogicalAddressRange(buffer->token),
                    "FreeReservedLogicalAddressRange");
    buffer->token = NULL;
    device->services->memory_free(device, &buffer->memory);
}
