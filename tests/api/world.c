/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the behaviours are judged with: memory, objects, devices. */
#include "arch/memory.h"
#include "drivers/iommu/paging/pool.h"
#include "lib/owner.h"
#include "tests/api/api.h"

#define FAULTS_AT_ONCE  8
#define TABLES_TO_LEAVE 64 /* the most that api_leave_tables can be asked for */

/* ---- Memory ---- */

uint64_t api_physical(const struct api *api, unsigned page)
{
    return api->own_physical + page * FRAME_SIZE;
}

PFN_NUMBER api_frame(const struct api *api, unsigned page)
{
    return api_physical(api, page) >> PAGE_SHIFT;
}

volatile uint64_t *api_word(const struct api *api, unsigned page)
{
    return (volatile uint64_t *)(void *)(api->own + page * FRAME_SIZE);
}

/* All that is taken hangs on one chain, so that it needs no memory of its own. */
struct taken {
    struct taken *next;
    size_t frames;
};

void api_take_memory(struct api *api)
{
    HOLDS(pt_pool_ensure(&api->iommu->pool, TABLES_TO_LEAVE));
    for (size_t frames = PT_CHUNK_PAGES; frames; frames /= 2)
        for (;;) {
            struct taken *taken = memory_alloc(OWNER_IMAGE, frames, 0);

            if (!taken)
                break;
            *taken = (struct taken){api->hoard, frames};
            api->hoard = taken;
        }
    api_leave_tables(api, 0);
}

void api_leave_tables(struct api *api, size_t pages)
{
    struct pt_pool *pool = &api->iommu->pool;
    size_t left;

    pool->reserved -= api->held;
    left = pool->available - pool->reserved;
    api->held = left > pages ? left - pages : 0;
    pool->reserved += api->held;
}

void api_give_memory(struct api *api)
{
    struct taken *taken = api->hoard;

    api->iommu->pool.reserved -= api->held;
    api->held = 0;
    while (taken) {
        struct taken *next = taken->next;

        (void)memory_free(OWNER_IMAGE, taken, taken->frames);
        taken = next;
    }
    api->hoard = NULL;
}

/* ---- Devices at work ---- */

static bool is_of(const struct api *api, const struct iommu_fault *fault, unsigned device,
                  uint64_t address, bool write)
{
    return fault->write == write && fault->address / FRAME_SIZE == address / FRAME_SIZE &&
           iommu_sends_as(api->iommu, api->endpoints[device], fault->segment, fault->requester);
}

bool api_take_faults(struct api *api, unsigned device, uint64_t address, bool write)
{
    struct iommu_fault faults[FAULTS_AT_ONCE];
    owner_t before = owner_enter(OWNER_IMAGE);
    bool found = false;
    unsigned count;

    api->at_task_level = true;
    do {
        count = iommu_drain_faults(api->iommu, faults, FAULTS_AT_ONCE);
        for (unsigned i = 0; i < count; i++) {
            found |= is_of(api, &faults[i], device, address, write);
            iommu_report_fault(api->iommu, &faults[i]);
        }
    } while (count);
    api->at_task_level = false;
    owner_enter(before);
    return found;
}

static enum api_access access(struct api *api, unsigned device, uint64_t address, bool write)
{
    bool done = api->machine->transfer(api, device, write, address);
    bool refused = api_take_faults(api, device, address, write);

    if (!done)
        return API_UNDECIDED;
    return refused ? API_REFUSED : API_ALLOWED;
}

enum api_access api_read(struct api *api, unsigned device, uint64_t address)
{
    return access(api, device, address, false);
}

enum api_access api_write(struct api *api, unsigned device, uint64_t address)
{
    return access(api, device, address, true);
}

bool api_lands(struct api *api, unsigned device, uint64_t address, unsigned page)
{
    uint64_t word = *api_word(api, page) = api->next_word++;

    return api_write(api, device, address) == API_ALLOWED && *api_word(api, page) != word;
}

static bool is_refused(const struct api *api, enum api_access access)
{
    return access == API_REFUSED || (api->unrecorded && access == API_ALLOWED);
}

bool api_stopped(struct api *api, unsigned device, uint64_t address, unsigned page)
{
    uint64_t word = *api_word(api, page) = api->next_word++;

    return is_refused(api, api_write(api, device, address)) && *api_word(api, page) == word;
}

bool api_brings(struct api *api, unsigned device, uint64_t source, unsigned from, uint64_t target,
                unsigned to)
{
    uint64_t word = *api_word(api, from) = api->next_word++;

    *api_word(api, to) = 0;
    return api_read(api, device, source) == API_ALLOWED &&
           api_write(api, device, target) == API_ALLOWED && *api_word(api, to) == word;
}

bool api_withheld(struct api *api, unsigned device, uint64_t source, unsigned from, uint64_t target,
                  unsigned to)
{
    uint64_t word = *api_word(api, from) = api->next_word++;

    return is_refused(api, api_read(api, device, source)) &&
           api_write(api, device, target) == API_ALLOWED && *api_word(api, to) != word;
}

/* ---- Objects ---- */

PDEVICE_OBJECT api_pdo(const struct api *api, unsigned index)
{
    return wdm_pdo(api->endpoints[index]);
}

PIOMMU_DMA_DOMAIN api_domain_with(struct api *api, IOMMU_DMA_DOMAIN_TYPE type, ULONG width,
                                  PIOMMU_DMA_RESERVED_REGION regions, NTSTATUS wanted)
{
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {.LogicalAllocatorType =
                                                     IommuDmaLogicalAllocatorBuddy};
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};
    PIOMMU_DMA_DOMAIN domain = NULL;

    config.BuddyAllocatorConfig.AddressWidth = width;
    GIVES(wanted, api->v2.CreateDomainEx(type, flags, width ? &config : NULL, regions, &domain));
    HOLDS((domain != NULL) == NT_SUCCESS(wanted));
    return domain;
}

PIOMMU_DMA_DOMAIN api_domain(struct api *api, IOMMU_DMA_DOMAIN_TYPE type)
{
    return api_domain_with(api, type, 0, NULL, STATUS_SUCCESS);
}

PIOMMU_DMA_DOMAIN api_buddy(struct api *api, ULONG width)
{
    return api_domain_with(api, DomainTypeTranslate, width, NULL, STATUS_SUCCESS);
}

PIOMMU_DMA_DEVICE api_device(struct api *api, unsigned index)
{
    PIOMMU_DMA_DEVICE device = NULL;

    GIVES(STATUS_SUCCESS, api->v2.CreateDevice(api_pdo(api, index), NULL, &device));
    return device;
}

void api_delete_domain(struct api *api, PIOMMU_DMA_DOMAIN domain)
{
    GIVES(STATUS_SUCCESS, api->v2.DeleteDomain(domain));
}

void api_delete_device(struct api *api, PIOMMU_DMA_DEVICE device)
{
    GIVES(STATUS_SUCCESS, api->v2.DeleteDevice(device));
}

void api_attach(struct api *api, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE device)
{
    GIVES(STATUS_SUCCESS, api->v2.AttachDeviceEx(domain, device));
}

void api_detach(struct api *api, PIOMMU_DMA_DEVICE device)
{
    GIVES(STATUS_SUCCESS, api->v2.DetachDeviceEx(device));
}

IOMMU_MAP_PHYSICAL_ADDRESS api_range(uint64_t physical, uint64_t size)
{
    IOMMU_MAP_PHYSICAL_ADDRESS out = {.MapType = MapPhysicalAddressTypeContiguousRange};

    out.ContiguousRange.Base.QuadPart = (LONGLONG)physical;
    out.ContiguousRange.Size = size;
    return out;
}

IOMMU_MAP_PHYSICAL_ADDRESS api_pages(const struct api *api, unsigned page, unsigned count)
{
    return api_range(api_physical(api, page), count * FRAME_SIZE);
}

PMDL api_mdl(const struct api *api, struct api_mdl *mdl, unsigned page, unsigned count)
{
    MmInitializeMdl(&mdl->mdl, api->own, count * FRAME_SIZE);
    for (unsigned i = 0; i < count; i++)
        MmGetMdlPfnArray(&mdl->mdl)[i] = api_frame(api, page + 2 * (count - 1 - i));
    return &mdl->mdl;
}

NTSTATUS api_map_memory(struct api *api, PIOMMU_DMA_DOMAIN domain,
                        IOMMU_MAP_PHYSICAL_ADDRESS memory, uint64_t at, ULONG permissions)
{
    const IOMMU_DMA_LOGICAL_ADDRESS untouched = 0x5A5A;
    IOMMU_DMA_LOGICAL_ADDRESS address = at, out = untouched;
    NTSTATUS status =
        api->v2.MapLogicalRangeEx(domain, permissions, &memory, &address, NULL, NULL, &out);

    HOLDS(out == (NT_SUCCESS(status) ? at : untouched) && address == at);
    return status;
}

NTSTATUS api_map(struct api *api, PIOMMU_DMA_DOMAIN domain, unsigned page, unsigned count,
                 uint64_t at, ULONG permissions)
{
    return api_map_memory(api, domain, api_pages(api, page, count), at, permissions);
}

NTSTATUS api_map_anywhere(struct api *api, PIOMMU_DMA_DOMAIN domain, unsigned count,
                          const uint64_t *min, const uint64_t *max, uint64_t *out)
{
    const IOMMU_DMA_LOGICAL_ADDRESS untouched = 0x5A5A;
    IOMMU_DMA_LOGICAL_ADDRESS low = min ? *min : 0, high = max ? *max : 0, got = untouched;
    IOMMU_MAP_PHYSICAL_ADDRESS memory = api_pages(api, 0, count);
    NTSTATUS status = api->v2.MapLogicalRangeEx(domain, API_BOTH, &memory, NULL, min ? &low : NULL,
                                                max ? &high : NULL, &got);

    HOLDS(NT_SUCCESS(status) || got == untouched);
    *out = got;
    return status;
}

void api_guard(struct api *api, enum iommu_guard guard)
{
    owner_t before = owner_enter(OWNER_IMAGE);

    api->at_task_level = true;
    iommu_set_guard(api->iommu, guard);
    api->at_task_level = false;
    owner_enter(before);
}

static void turn(struct lock *lock, bool take)
{
    if (take)
        lock_take(lock);
    else
        lock_give(lock);
}

void api_locks(struct api *api, bool take)
{
    struct iommu *iommu = api->iommu;

    turn(&iommu->gate.lock, take);
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        turn(&iommu->domains[i].lock, take);
    turn(&iommu->pool.lock, take);
    turn(&iommu->token_lock, take);
    turn(&iommu->master_lock, take);
}
