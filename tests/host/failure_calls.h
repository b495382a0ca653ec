/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_FAILURE_CALLS_H
#define TESTS_HOST_FAILURE_CALLS_H

#include "tests/host/failure_snapshot.h"

/*
 * Every routine of the interface as one entry of a list: what it is called with, in a world of
 * which SECOND is attached to use.domain, the others to nothing.
 */
#define PAGES     UINT64_C(514) /* of OWNER_ONE, from use.frame on, aligned to 4 MiB */
#define LARGE     UINT64_C(0x200000)
#define FAR       UINT64_C(0x3040000000) /* goes through no table that AT goes through */
#define UNTOUCHED 0xA5

struct args {
    PIOMMU_DMA_DOMAIN domain;
    PIOMMU_DMA_DEVICE device;
    PDEVICE_OBJECT pdo;
    IOMMU_DMA_DOMAIN_TYPE type;
    ULONGLONG flags;
    PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator;
    PIOMMU_DMA_RESERVED_REGION regions;
    ULONG permissions, base, count, version;
    PIOMMU_MAP_PHYSICAL_ADDRESS source;
    PMDL mdl;
    PIOMMU_DMA_LOGICAL_ADDRESS explicit, min, max;
    ULONGLONG address, pages, size, offset;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
    PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback;
    PIOMMU_INTERFACE_STATE_CHANGE_FIELDS fields;
    PDEVICE_FAULT_CONFIGURATION faults;
    PDOMAIN_CONFIGURATION configuration;
    PIOMMU_DEVICE_CREATION_CONFIGURATION creation;
    PVOID list, out, out2;
};

/* What the arguments point to, and the objects of the world. */
static struct {
    PIOMMU_DMA_DEVICE first, second, behind, stale_device;
    PIOMMU_DMA_DOMAIN stale;
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, idle;
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator;
    IOMMU_DMA_RESERVED_REGION regions[2];
    IOMMU_MAP_PHYSICAL_ADDRESS source;
    PFN_NUMBER frames[4];
    struct mdl4 mdl;
    IOMMU_DMA_LOGICAL_ADDRESS explicit, min, max;
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields;
    DEVICE_FAULT_CONFIGURATION faults;
    DOMAIN_CONFIGURATION configuration;
    IOMMU_DEVICE_CREATION_CONFIGURATION creation;
    ULONG_PTR list[2];
    struct args args;
    uint64_t far, window_min;
    _Alignas(16) unsigned char out[256], out2[16];
} world;

static VOID hear(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
    (void)change, (void)context;
}

static VOID hear_fault(PVOID context, PFAULT_INFORMATION fault)
{
    (void)context, (void)fault;
}

/* `uses`: the text of the call, which names its arguments. */
struct routine {
    NTSTATUS (*invoke)(const struct args *args);
    const char *uses;
};

#define INVOKE_AS(name, call)                                                                      \
    static NTSTATUS invoke_##name(const struct args *a)                                            \
    {                                                                                              \
        return call;                                                                               \
    }                                                                                              \
    static const struct routine name = {invoke_##name, #call};
#define INVOKE(name, ...)    INVOKE_AS(name, use.v3.__VA_ARGS__)
#define INVOKE_V1(name, ...) INVOKE_AS(name, use.v1.__VA_ARGS__)

static NTSTATUS invoke_create_domain_ex(const struct args *a)
{
    const IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = a->flags};

    return use.v3.CreateDomainEx(a->type, flags, a->allocator, a->regions, a->out);
}

static const struct routine create_domain_ex = {invoke_create_domain_ex,
                                                "a->type a->flags a->allocator a->regions a->out"};

INVOKE_AS(get_interface, IoGetIommuInterface(a->version, a->out))
INVOKE_AS(get_interface_ex, IoGetIommuInterfaceEx(a->version, a->flags, a->out))
INVOKE_AS(query_types, (use.v3.QueryAvailableDomainTypes(a->device, a->out), STATUS_SUCCESS))
INVOKE_V1(create_domain, CreateDomain(a->type == DomainTypeTranslate, a->out))
INVOKE_V1(attach, AttachDevice(a->domain, a->pdo, a->base, a->count))
INVOKE_V1(detach, DetachDevice(a->domain, a->pdo, a->base))
INVOKE_V1(map, MapLogicalRange(a->domain, a->permissions, a->mdl, a->address))
INVOKE_V1(map_identity, MapIdentityRange(a->domain, a->permissions, a->mdl))
INVOKE_V1(unmap_identity, UnmapIdentityRange(a->domain, a->mdl))
INVOKE_V1(set_faults, SetDeviceFaultReporting(a->pdo, a->base, TRUE, a->faults))
INVOKE(delete_domain, DeleteDomain(a->domain))
INVOKE(attach_ex, AttachDeviceEx(a->domain, a->device))
INVOKE(detach_ex, DetachDeviceEx(a->device))
INVOKE(flush, FlushDomain(a->domain))
INVOKE(flush_list, FlushDomainByVaList(a->domain, TRUE, a->count, a->list))
INVOKE(query_mappings, QueryInputMappings(a->pdo, a->list, 8, a->out))
INVOKE(map_ex,
       MapLogicalRangeEx(a->domain, a->permissions, a->source, a->explicit, a->min, a->max, a->out))
INVOKE(unmap, UnmapLogicalRange(a->domain, a->address, a->pages))
INVOKE(map_identity_ex, MapIdentityRangeEx(a->domain, a->permissions, a->source))
INVOKE(unmap_identity_ex, UnmapIdentityRangeEx(a->domain, a->source))
INVOKE(set_faults_ex, SetDeviceFaultReportingEx(a->device, a->base, TRUE, a->faults))
INVOKE(configure, ConfigureDomain(a->domain, a->configuration))
INVOKE(register_callback,
       RegisterInterfaceStateChangeCallback(a->callback, NULL, a->device, a->fields))
INVOKE(unregister_callback, UnregisterInterfaceStateChangeCallback(a->callback, a->device))
INVOKE(reserve, ReserveLogicalAddressRange(a->domain, a->size, a->explicit, a->min, a->max, a->out))
INVOKE(free_reserved, FreeReservedLogicalAddressRange(a->token))
INVOKE(map_reserved,
       MapReservedLogicalRange(a->token, a->offset, a->permissions, a->source, a->out))
INVOKE(unmap_reserved, UnmapReservedLogicalRange(a->segment))
INVOKE(create_device, CreateDevice(a->pdo, a->creation, a->out))
INVOKE(delete_device, DeleteDevice(a->device))
INVOKE(create_pasid, CreatePasidDevice(a->device, a->out, a->out2))
INVOKE(delete_pasid, DeletePasidDevice(a->out))
INVOKE(attach_pasid, AttachPasidDevice(a->domain, a->out))
INVOKE(detach_pasid, DetachPasidDevice(a->out))
INVOKE(query_info, QueryDeviceInfo(a->device, a->count, a->out2, a->out))

static void must(NTSTATUS status)
{
    assert_int_equal(status, STATUS_SUCCESS);
}

/* ---- What each call finds, and its arguments beyond the common ones ---- */

static void nothing(struct args *a)
{
    (void)a;
}

static void with_buddy(struct args *a)
{
    world.allocator.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy;
    world.allocator.BuddyAllocatorConfig.AddressWidth = 32;
    a->allocator = &world.allocator;
}

/* One of them mapped, with tables that the other one does not need. */
static void with_regions(struct args *a)
{
    world.regions[0] = (IOMMU_DMA_RESERVED_REGION){&world.regions[1], AT, 16, FALSE};
    world.regions[1] = (IOMMU_DMA_RESERVED_REGION){NULL, use.frame + 2 * PAGE_SIZE, 511, TRUE};
    a->regions = world.regions;
}

static void with_both(struct args *a)
{
    with_buddy(a);
    with_regions(a);
}

static void of_pass_through(struct args *a)
{
    a->type = DomainTypePassThrough;
    a->domain = use.pass;
}

static void of_unmanaged(struct args *a)
{
    a->type = DomainTypeUnmanaged;
    a->domain = use.unmanaged;
}

static void of_an_old_domain(struct args *a)
{
    must(make_domain(DomainTypeTranslate, 32, &a->domain));
    must(use.v3.MapLogicalRangeEx(a->domain, READ_WRITE, a->source, NULL, NULL, NULL, a->out));
}

static void of_first(struct args *a)
{
    a->device = world.first;
    a->pdo = wdm_pdo(FIRST);
}

static void of_first_attached(struct args *a)
{
    of_first(a);
    must(use.v3.AttachDeviceEx(a->domain, a->device));
}

/* The window may end below the region that firmware demands for the device: the table goes on. */
static void of_first_and_window(struct args *a)
{
    of_first(a);
    a->domain = use.buddy;
}

/* Its requesters are on two buses, of which no other device is. */
static void of_behind(struct args *a)
{
    a->device = world.behind;
    a->pdo = wdm_pdo(BEHIND_A);
}

static void of_behind_attached(struct args *a)
{
    of_behind(a);
    must(use.v3.AttachDeviceEx(a->domain, a->device));
}

static void of_no_device(struct args *a)
{
    a->pdo = wdm_pdo(BEHIND_B);
}

static void of_transient(struct args *a)
{
    of_no_device(a);
    must(use.v1.AttachDevice(a->domain, a->pdo, 0, 1));
}

/* Four pages that do not follow each other, over the end of what one table covers. */
static void of_frames(struct args *a)
{
    static const unsigned pages[] = {0, 300, 511, 513};

    for (unsigned i = 0; i < COUNT(pages); i++)
        world.mdl.frames[i] = world.frames[i] = (use.frame >> PAGE_SHIFT) + pages[i];
    world.source = (IOMMU_MAP_PHYSICAL_ADDRESS){.MapType = MapPhysicalAddressTypePfn};
    world.source.PfnArray.PageFrame = world.frames;
    world.source.PfnArray.NumberOfPages = COUNT(pages);
    world.explicit = a->address = world.far + LARGE - 2 * PAGE_SIZE;
    a->pages = COUNT(pages);
    a->permissions = IOMMU_ACCESS_READ;
}

/* A superpage, and two pages in a table of their own. */
static void of_large(struct args *a)
{
    world.source = range_of(use.frame, PAGES * PAGE_SIZE);
    world.explicit = a->address = world.far + 64 * LARGE;
    a->pages = PAGES;
}

/* The range lies in two tables. */
static void of_two_tables(struct args *a)
{
    (void)a;
    world.explicit = world.far + 70 * LARGE - 8 * PAGE_SIZE;
}

static void of_window(struct args *a)
{
    a->domain = use.buddy;
    a->explicit = NULL;
    must(use.v3.AttachDeviceEx(use.buddy, world.first));
}

static void of_window_bounds(struct args *a)
{
    of_window(a);
    world.min = world.window_min;
    world.max = UINT64_C(0xFFFFFFF);
    a->min = &world.min;
    a->max = &world.max;
    world.source = range_of(use.frame, 3 * PAGE_SIZE);
}

static void of_mapped(struct args *a)
{
    must(use.v3.MapLogicalRangeEx(a->domain, READ_WRITE, a->source, a->explicit, NULL, NULL,
                                  &a->address));
}

static void of_mapped_frames(struct args *a)
{
    of_frames(a);
    of_mapped(a);
}

/* Splits the superpage. */
static void of_mapped_large(struct args *a)
{
    of_large(a);
    of_mapped(a);
    a->address += 3 * PAGE_SIZE;
    a->pages -= 5;
}

static void of_mapped_window(struct args *a)
{
    of_window(a);
    of_mapped(a);
}

static void of_identity(struct args *a)
{
    of_frames(a);
    must(use.v3.MapIdentityRangeEx(a->domain, READ_WRITE, a->source));
}

static void of_identity_large(struct args *a)
{
    of_large(a);
    must(use.v3.MapIdentityRangeEx(a->domain, READ_WRITE, a->source));
    world.source = range_of(use.frame + PAGE_SIZE, PAGE_SIZE);
}

static void of_mapped_segment(struct args *a)
{
    must(use.v3.MapReservedLogicalRange(a->token, PAGE_SIZE, READ_WRITE, a->source, a->segment));
}

static void of_idle_token(struct args *a)
{
    a->token = world.idle;
}

static void of_window_token(struct args *a)
{
    of_window(a);
    must(use.v3.ReserveLogicalAddressRange(a->domain, 16 * PAGE_SIZE, NULL, NULL, NULL, &a->token));
}

static void of_attached_second(struct args *a)
{
    a->pdo = wdm_pdo(SECOND);
    a->device = world.second;
}

static void of_registered(struct args *a)
{
    must(use.v3.RegisterInterfaceStateChangeCallback(hear, NULL, a->device, a->fields));
}

/* ---- The list ---- */

enum {
    TAKES_MEMORY = 1, /* somewhere; a call without it never allocates */
    WAITS = 2,        /* the same, for hardware */
    ATTACHES = WAITS | (UNIT_ATTACH_FRAMES ? TAKES_MEMORY : 0),
    NO_FAILURE = 4, /* no argument makes it fail */
};

struct call {
    const char *name, *how;
    const struct routine *routine;
    void (*prepare)(struct args *args);
    unsigned kind;
    NTSTATUS expected;
};

static const struct call calls[] = {
    {"IoGetIommuInterface", "", &get_interface, nothing, 0, STATUS_SUCCESS},
    {"IoGetIommuInterfaceEx", "", &get_interface_ex, nothing, 0, STATUS_SUCCESS},
    {"CreateDomain", "translate", &create_domain, nothing, TAKES_MEMORY, STATUS_SUCCESS},
    {"CreateDomain", "unmanaged", &create_domain, of_unmanaged, TAKES_MEMORY, STATUS_SUCCESS},
    {"CreateDomainEx", "plain", &create_domain_ex, nothing, TAKES_MEMORY, STATUS_SUCCESS},
    {"CreateDomainEx", "buddy", &create_domain_ex, with_buddy, TAKES_MEMORY, STATUS_SUCCESS},
    {"CreateDomainEx", "regions", &create_domain_ex, with_regions, TAKES_MEMORY, STATUS_SUCCESS},
    {"CreateDomainEx", "buddy, regions", &create_domain_ex, with_both, TAKES_MEMORY,
     STATUS_SUCCESS},
    {"CreateDomainEx", "pass-through", &create_domain_ex, of_pass_through, 0, STATUS_SUCCESS},
    {"CreateDomainEx", "unmanaged", &create_domain_ex, of_unmanaged, TAKES_MEMORY, STATUS_SUCCESS},
    {"DeleteDomain", "", &delete_domain, of_an_old_domain, 0, STATUS_SUCCESS},
    {"ConfigureDomain", "", &configure, of_unmanaged, 0, STATUS_NOT_SUPPORTED},
    {"FlushDomain", "", &flush, of_unmanaged, 0, STATUS_SUCCESS},
    {"FlushDomainByVaList", "", &flush_list, of_unmanaged, 0, STATUS_SUCCESS},
    {"CreateDevice", "", &create_device, of_no_device, 0, STATUS_SUCCESS},
    {"DeleteDevice", "", &delete_device, nothing, 0, STATUS_SUCCESS},
    {"QueryInputMappings", "", &query_mappings, nothing, 0, STATUS_UNSUCCESSFUL},
    {"QueryAvailableDomainTypes", "", &query_types, nothing, NO_FAILURE, STATUS_SUCCESS},
    {"Register...Callback", "", &register_callback, nothing, 0, STATUS_SUCCESS},
    {"Unregister...Callback", "", &unregister_callback, of_registered, 0, STATUS_SUCCESS},
    {"AttachDevice", "", &attach, of_first, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"AttachDevice", "made for it", &attach, of_no_device, ATTACHES, STATUS_SUCCESS},
    {"AttachDeviceEx", "", &attach_ex, of_first, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"AttachDeviceEx", "aliases", &attach_ex, of_behind, ATTACHES, STATUS_SUCCESS},
    {"AttachDeviceEx", "window", &attach_ex, of_first_and_window, TAKES_MEMORY | WAITS,
     STATUS_SUCCESS},
    {"AttachDeviceEx", "pass-through", &attach_ex, of_pass_through, WAITS, STATUS_SUCCESS},
    {"AttachDeviceEx", "unmanaged", &attach_ex, of_unmanaged, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"DetachDevice", "", &detach, of_first_attached, WAITS, STATUS_SUCCESS},
    {"DetachDevice", "made by attach", &detach, of_transient, WAITS, STATUS_SUCCESS},
    {"DetachDeviceEx", "", &detach_ex, of_first_attached, WAITS, STATUS_SUCCESS},
    {"DetachDeviceEx", "aliases", &detach_ex, of_behind_attached, WAITS, STATUS_SUCCESS},
    {"SetDeviceFaultReporting", "", &set_faults, of_attached_second, 0, STATUS_SUCCESS},
    {"SetDeviceFaultReportingEx", "", &set_faults_ex, nothing, 0, STATUS_NOT_IMPLEMENTED},
    {"MapLogicalRange", "", &map, of_frames, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"MapLogicalRangeEx", "range", &map_ex, nothing, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"MapLogicalRangeEx", "superpages", &map_ex, of_large, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"MapLogicalRangeEx", "frames", &map_ex, of_frames, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"MapLogicalRangeEx", "window", &map_ex, of_window, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"MapLogicalRangeEx", "bounds", &map_ex, of_window_bounds, TAKES_MEMORY | WAITS,
     STATUS_SUCCESS},
    {"UnmapLogicalRange", "", &unmap, of_mapped, WAITS, STATUS_SUCCESS},
    {"UnmapLogicalRange", "frames", &unmap, of_mapped_frames, WAITS, STATUS_SUCCESS},
    {"UnmapLogicalRange", "split", &unmap, of_mapped_large, WAITS, STATUS_SUCCESS},
    {"UnmapLogicalRange", "window", &unmap, of_mapped_window, WAITS, STATUS_SUCCESS},
    {"MapIdentityRange", "", &map_identity, of_frames, TAKES_MEMORY | WAITS, STATUS_SUCCESS},
    {"MapIdentityRangeEx", "superpages", &map_identity_ex, of_large, TAKES_MEMORY | WAITS,
     STATUS_SUCCESS},
    {"MapIdentityRangeEx", "frames", &map_identity_ex, of_frames, TAKES_MEMORY | WAITS,
     STATUS_SUCCESS},
    {"MapIdentityRangeEx", "pass-through", &map_identity_ex, of_pass_through, 0, STATUS_SUCCESS},
    {"UnmapIdentityRange", "", &unmap_identity, of_identity, WAITS, STATUS_SUCCESS},
    {"UnmapIdentityRangeEx", "frames", &unmap_identity_ex, of_identity, WAITS, STATUS_SUCCESS},
    {"UnmapIdentityRangeEx", "split", &unmap_identity_ex, of_identity_large, WAITS, STATUS_SUCCESS},
    {"ReserveLogicalAddressRange", "", &reserve, of_two_tables, TAKES_MEMORY, STATUS_SUCCESS},
    {"ReserveLogicalAddressRange", "window", &reserve, of_window, TAKES_MEMORY, STATUS_SUCCESS},
    {"FreeReservedLogicalAddressRange", "", &free_reserved, of_idle_token, WAITS, STATUS_SUCCESS},
    {"FreeReservedLogicalAddressRange", "window", &free_reserved, of_window_token, WAITS,
     STATUS_SUCCESS},
    {"MapReservedLogicalRange", "", &map_reserved, nothing, WAITS, STATUS_SUCCESS},
    {"MapReservedLogicalRange", "frames", &map_reserved, of_frames, WAITS, STATUS_SUCCESS},
    {"UnmapReservedLogicalRange", "", &unmap_reserved, of_mapped_segment, WAITS, STATUS_SUCCESS},
    {"CreatePasidDevice", "", &create_pasid, nothing, 0, STATUS_INVALID_PARAMETER_1},
    {"DeletePasidDevice", "", &delete_pasid, nothing, 0, STATUS_INVALID_PARAMETER_1},
    {"AttachPasidDevice", "", &attach_pasid, nothing, 0, STATUS_INVALID_PARAMETER_2},
    {"DetachPasidDevice", "", &detach_pasid, nothing, 0, STATUS_INVALID_PARAMETER_1},
    {"QueryDeviceInfo", "", &query_info, nothing, 0, STATUS_SUCCESS},
};

#endif
