/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_HDA_API_H
#define TESTS_HOST_HDA_API_H

/*
 * A fake of the domain API for one device and few pages: what the documentation says that the sound
 * driver may count on, no more. Handles are small numbers dressed as pointers.
 */
#include "drivers/hda/hda.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DOMAINS = 4, MAPPINGS = 32, TOKENS = 2 };
enum kind { FREE, MAPPED, IDENTITY, REGION, BARRED, IN_TOKEN };

#define RAM_BASE  UINT64_C(0x5000000)
#define RAM_BYTES ((size_t)HDA_PAGES * PAGE_SIZE)
#define PDO       ((PDEVICE_OBJECT)0x10)
#define DMA       ((PIOMMU_DMA_DEVICE)0x20)

struct page {
    enum kind kind;
    unsigned domain;
    uint64_t logical, physical;
    ULONG permissions;
};

static struct {
    unsigned failing; /* the opening call that fails, counted from 1; 0: none */
    unsigned openings;
    struct {
        bool used, buddy;
        IOMMU_DMA_DOMAIN_TYPE type;
    } domains[DOMAINS + 1];
    struct page pages[MAPPINGS];
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN tokens[TOKENS];
    unsigned token_domains[TOKENS]; /* 0: free */
    bool created;
    unsigned attached; /* domain; 0: none */
    DEVICE_FAULT_CONFIGURATION handler;
    PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback;
} api;

/* A call that opens something: the one that is to fail does nothing else. */
#define OPENING()                                                                                  \
    do {                                                                                           \
        if (++api.openings == api.failing)                                                         \
            return STATUS_INSUFFICIENT_RESOURCES;                                                  \
    } while (0)

static struct page *page_at(unsigned domain, uint64_t logical)
{
    for (unsigned i = 0; i < MAPPINGS; i++)
        if (api.pages[i].kind != FREE && api.pages[i].domain == domain &&
            api.pages[i].logical == logical)
            return &api.pages[i];
    return NULL;
}

static unsigned domain_of(PIOMMU_DMA_DOMAIN handle)
{
    unsigned domain = (unsigned)(uintptr_t)handle;

    assert_in_range(domain, 1, DOMAINS);
    assert_true(api.domains[domain].used);
    return domain;
}

static bool translates(unsigned domain)
{
    return api.domains[domain].type == DomainTypeTranslate;
}

static void put_page(enum kind kind, unsigned domain, uint64_t logical, uint64_t physical,
                     ULONG permissions)
{
    for (unsigned i = 0; i < MAPPINGS; i++) {
        if (api.pages[i].kind == FREE) {
            api.pages[i] = (struct page){kind, domain, logical, physical, permissions};
            return;
        }
    }
    fail_msg("no mapping is left");
}

/* Any kind but `kind` is no mapping of the caller's. */
static bool all_are(unsigned domain, uint64_t logical, uint64_t pages, enum kind kind, bool none)
{
    for (uint64_t i = 0; i < pages; i++) {
        const struct page *page = page_at(domain, logical + i * PAGE_SIZE);
        if (none ? page != NULL : page == NULL || page->kind != kind)
            return false;
    }
    return true;
}

static void take_out(unsigned domain, uint64_t logical, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        page_at(domain, logical + i * PAGE_SIZE)->kind = FREE;
}

/* Frame i of a description; UINT64_MAX beyond its end. */
static uint64_t frame(const IOMMU_MAP_PHYSICAL_ADDRESS *what, uint64_t i)
{
    switch (what->MapType) {
    case MapPhysicalAddressTypeMdl:
        return i < MmGetMdlByteCount(what->Mdl.Mdl) / PAGE_SIZE
                   ? MmGetMdlPfnArray(what->Mdl.Mdl)[i] * PAGE_SIZE
                   : UINT64_MAX;
    case MapPhysicalAddressTypeContiguousRange:
        return i < what->ContiguousRange.Size / PAGE_SIZE
                   ? (uint64_t)what->ContiguousRange.Base.QuadPart + i * PAGE_SIZE
                   : UINT64_MAX;
    case MapPhysicalAddressTypePfn:
        return i < what->PfnArray.NumberOfPages ? what->PfnArray.PageFrame[i] * PAGE_SIZE
                                                : UINT64_MAX;
    case MapPhysicalAddressTypeMax:
        break;
    }
    return UINT64_MAX;
}

static uint64_t pages_of(const IOMMU_MAP_PHYSICAL_ADDRESS *what)
{
    uint64_t pages = 0;

    while (frame(what, pages) != UINT64_MAX)
        pages++;
    return pages;
}

static bool is_own(const IOMMU_MAP_PHYSICAL_ADDRESS *what)
{
    for (uint64_t i = 0; frame(what, i) != UINT64_MAX; i++)
        if (frame(what, i) - RAM_BASE >= RAM_BYTES)
            return false;
    return true;
}

static NTSTATUS put_all(enum kind kind, unsigned domain, const IOMMU_MAP_PHYSICAL_ADDRESS *what,
                        uint64_t logical, ULONG permissions)
{
    if (!is_own(what))
        return STATUS_ACCESS_DENIED;
    for (uint64_t i = 0; frame(what, i) != UINT64_MAX; i++)
        put_page(kind, domain, kind == IDENTITY ? frame(what, i) : logical + i * PAGE_SIZE,
                 frame(what, i), permissions);
    return STATUS_SUCCESS;
}

static NTSTATUS create_domain_ex(IOMMU_DMA_DOMAIN_TYPE type, IOMMU_DMA_DOMAIN_CREATION_FLAGS flags,
                                 PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator,
                                 PIOMMU_DMA_RESERVED_REGION region, PIOMMU_DMA_DOMAIN *out)
{
    unsigned domain = 1;

    assert_true(flags.AsUlonglong == 0);
    OPENING();
    if (type >= DomainTypeMax)
        return STATUS_INVALID_PARAMETER_1;
    if (type != DomainTypeTranslate && type != DomainTypeUnmanaged)
        return STATUS_NOT_SUPPORTED;
    while (api.domains[domain].used)
        domain++;
    assert_in_range(domain, 1, DOMAINS);
    api.domains[domain].used = true;
    api.domains[domain].buddy = allocator != NULL;
    api.domains[domain].type = type;
    for (; region != NULL; region = region->RegionNext)
        for (uint64_t i = 0; i < region->NumberOfPages; i++)
            put_page(region->ShouldMap ? REGION : BARRED, domain, region->Base + i * PAGE_SIZE,
                     region->Base + i * PAGE_SIZE, HDA_READ_WRITE);
    *out = (PIOMMU_DMA_DOMAIN)(uintptr_t)domain;
    return STATUS_SUCCESS;
}

static NTSTATUS create_domain(BOOLEAN managed, PIOMMU_DMA_DOMAIN *out)
{
    const IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};

    return create_domain_ex(managed ? DomainTypeTranslate : DomainTypeUnmanaged, none, NULL, NULL,
                            out);
}

static NTSTATUS delete_domain(PIOMMU_DMA_DOMAIN handle)
{
    unsigned domain = domain_of(handle);

    if (api.attached == domain || api.token_domains[0] == domain || api.token_domains[1] == domain)
        return STATUS_RESOURCE_IN_USE;
    for (unsigned i = 0; i < MAPPINGS; i++)
        if (api.pages[i].domain == domain)
            api.pages[i].kind = FREE;
    api.domains[domain].used = false;
    return STATUS_SUCCESS;
}

static NTSTATUS attach_ex(PIOMMU_DMA_DOMAIN handle, PIOMMU_DMA_DEVICE device)
{
    assert_ptr_equal(device, DMA);
    OPENING();
    if (api.attached)
        return STATUS_INVALID_PARAMETER;
    api.attached = domain_of(handle);
    return STATUS_SUCCESS;
}

static NTSTATUS detach_ex(PIOMMU_DMA_DEVICE device)
{
    assert_ptr_equal(device, DMA);
    if (!api.attached)
        return STATUS_INVALID_PARAMETER_1;
    api.attached = 0;
    api.handler = (DEVICE_FAULT_CONFIGURATION){NULL, NULL};
    return STATUS_SUCCESS;
}

static NTSTATUS attach(PIOMMU_DMA_DOMAIN handle, PDEVICE_OBJECT pdo, ULONG base, ULONG count)
{
    assert_ptr_equal(pdo, PDO);
    return base != 0    ? STATUS_INVALID_PARAMETER_3
           : count != 1 ? STATUS_INVALID_PARAMETER_4
                        : attach_ex(handle, DMA);
}

static NTSTATUS detach(PIOMMU_DMA_DOMAIN handle, PDEVICE_OBJECT pdo, ULONG base)
{
    assert_ptr_equal(pdo, PDO);
    if (api.attached != domain_of(handle))
        return STATUS_INVALID_PARAMETER_2;
    return base != 0 ? STATUS_INVALID_PARAMETER_3 : detach_ex(DMA);
}

static NTSTATUS create_device(PDEVICE_OBJECT pdo, PIOMMU_DEVICE_CREATION_CONFIGURATION config,
                              PIOMMU_DMA_DEVICE *out)
{
    assert_ptr_equal(pdo, PDO);
    OPENING();
    if (config != NULL)
        return STATUS_INVALID_PARAMETER_2;
    if (api.created)
        return STATUS_RESOURCE_IN_USE;
    api.created = true;
    *out = DMA;
    return STATUS_SUCCESS;
}

static NTSTATUS delete_device(PIOMMU_DMA_DEVICE device)
{
    assert_ptr_equal(device, DMA);
    assert_true(api.created);
    if (api.attached || api.callback)
        return STATUS_RESOURCE_IN_USE;
    api.created = false;
    return STATUS_SUCCESS;
}

static NTSTATUS report(PDEVICE_OBJECT pdo, ULONG base, BOOLEAN enable,
                       PDEVICE_FAULT_CONFIGURATION config)
{
    const DEVICE_FAULT_CONFIGURATION none = {NULL, NULL};

    assert_true(pdo == PDO && base == 0);
    if (enable)
        OPENING();
    if (!api.attached)
        return STATUS_INVALID_PARAMETER_1;
    if (enable && config == NULL)
        return STATUS_INVALID_PARAMETER_4;
    api.handler = enable ? *config : none;
    return STATUS_SUCCESS;
}

static NTSTATUS report_ex(PIOMMU_DMA_DEVICE device, ULONG base, BOOLEAN enable,
                          PDEVICE_FAULT_CONFIGURATION config)
{
    (void)device, (void)base, (void)enable, (void)config;
    return STATUS_NOT_IMPLEMENTED;
}

/* The lowest free address of a window. */
static bool choose(unsigned domain, uint64_t pages, const uint64_t *low, const uint64_t *high,
                   uint64_t *address)
{
    uint64_t last = high ? *high : UINT64_C(1) << 36;

    *address = low && *low ? *low : PAGE_SIZE;
    while (!all_are(domain, *address, pages, FREE, true))
        *address += PAGE_SIZE;
    return *address + pages * PAGE_SIZE - 1 <= last;
}

static NTSTATUS place(unsigned domain, uint64_t pages, PIOMMU_DMA_LOGICAL_ADDRESS wanted,
                      PIOMMU_DMA_LOGICAL_ADDRESS low, PIOMMU_DMA_LOGICAL_ADDRESS high,
                      uint64_t *address)
{
    uint64_t min = low ? *low : 0, max = high ? *high : 0;

    if ((wanted != NULL) == api.domains[domain].buddy)
        return STATUS_NOT_SUPPORTED;
    if (wanted == NULL)
        return choose(domain, pages, low ? &min : NULL, high ? &max : NULL, address)
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_PARAMETER_MIX;
    *address = *wanted;
    for (unsigned t = 0; t < TOKENS; t++)
        if (api.token_domains[t] == domain &&
            *wanted - api.tokens[t].LogicalAddressBase < api.tokens[t].Size)
            return STATUS_RESOURCE_IN_USE;
    return all_are(domain, *wanted, pages, FREE, true) ? STATUS_SUCCESS : STATUS_RESOURCE_IN_USE;
}

static NTSTATUS map_ex(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
                       PIOMMU_MAP_PHYSICAL_ADDRESS what, PIOMMU_DMA_LOGICAL_ADDRESS wanted,
                       PIOMMU_DMA_LOGICAL_ADDRESS low, PIOMMU_DMA_LOGICAL_ADDRESS high,
                       PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    unsigned domain = domain_of(handle);
    uint64_t address;

    OPENING();
    if (!translates(domain))
        return STATUS_INVALID_PARAMETER_1;
    NTSTATUS status = place(domain, pages_of(what), wanted, low, high, &address);
    if (NT_SUCCESS(status))
        status = put_all(MAPPED, domain, what, address, permissions);
    if (NT_SUCCESS(status))
        *out = address;
    return status;
}

static NTSTATUS map(PIOMMU_DMA_DOMAIN handle, ULONG permissions, PMDL mdl, ULONGLONG logical)
{
    IOMMU_MAP_PHYSICAL_ADDRESS what = {.MapType = MapPhysicalAddressTypeMdl};
    IOMMU_DMA_LOGICAL_ADDRESS wanted = logical, given;

    what.Mdl.Mdl = mdl;
    if (permissions > HDA_READ_WRITE)
        return STATUS_INVALID_PARAMETER_2;
    if (MmGetMdlByteCount(mdl) % PAGE_SIZE)
        return STATUS_INVALID_PARAMETER_3;
    if (logical % PAGE_SIZE)
        return STATUS_INVALID_PARAMETER_4;
    return map_ex(handle, permissions, &what, &wanted, NULL, NULL, &given);
}

static NTSTATUS unmap(PIOMMU_DMA_DOMAIN handle, ULONGLONG logical, ULONGLONG pages)
{
    unsigned domain = domain_of(handle);

    if (logical % PAGE_SIZE)
        return STATUS_INVALID_PARAMETER_2;
    if (!all_are(domain, logical, pages, MAPPED, false))
        return STATUS_INVALID_PARAMETER_MIX;
    take_out(domain, logical, pages);
    return STATUS_SUCCESS;
}

static NTSTATUS map_identity_ex(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
                                PIOMMU_MAP_PHYSICAL_ADDRESS what)
{
    unsigned domain = domain_of(handle);

    OPENING();
    if (!translates(domain))
        return STATUS_INVALID_PARAMETER_1;
    if (api.domains[domain].buddy)
        return STATUS_NOT_SUPPORTED;
    for (uint64_t i = 0; frame(what, i) != UINT64_MAX; i++)
        if (page_at(domain, frame(what, i)))
            return STATUS_RESOURCE_IN_USE;
    return put_all(IDENTITY, domain, what, 0, permissions);
}

static NTSTATUS unmap_identity_ex(PIOMMU_DMA_DOMAIN handle, PIOMMU_MAP_PHYSICAL_ADDRESS what)
{
    unsigned domain = domain_of(handle);

    if (api.domains[domain].buddy)
        return STATUS_NOT_SUPPORTED;
    for (uint64_t i = 0; frame(what, i) != UINT64_MAX; i++)
        take_out(domain, frame(what, i), 1);
    return STATUS_SUCCESS;
}

static NTSTATUS map_identity(PIOMMU_DMA_DOMAIN handle, ULONG permissions, PMDL mdl)
{
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_mdl(mdl);

    return map_identity_ex(handle, permissions, &what);
}

static NTSTATUS unmap_identity(PIOMMU_DMA_DOMAIN handle, PMDL mdl)
{
    IOMMU_MAP_PHYSICAL_ADDRESS what = hda_by_mdl(mdl);

    return MmGetMdlByteCount(mdl) % PAGE_SIZE ? STATUS_INVALID_PARAMETER_2
                                              : unmap_identity_ex(handle, &what);
}

static NTSTATUS reserve(PIOMMU_DMA_DOMAIN handle, SIZE_T size, PIOMMU_DMA_LOGICAL_ADDRESS wanted,
                        PIOMMU_DMA_LOGICAL_ADDRESS low, PIOMMU_DMA_LOGICAL_ADDRESS high,
                        PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *out)
{
    unsigned domain = domain_of(handle), free = api.token_domains[0] ? 1 : 0;
    uint64_t address;

    OPENING();
    if (size % PAGE_SIZE)
        return STATUS_INVALID_PARAMETER_2;
    NTSTATUS status = place(domain, size / PAGE_SIZE, wanted, low, high, &address);
    if (!NT_SUCCESS(status))
        return status;
    assert_true(api.token_domains[free] == 0);
    api.token_domains[free] = domain;
    api.tokens[free] = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN){address, size};
    *out = &api.tokens[free];
    return STATUS_SUCCESS;
}

static NTSTATUS free_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    unsigned *domain = &api.token_domains[token - api.tokens];

    if (*domain == 0)
        return STATUS_INVALID_PARAMETER_1;
    if (!all_are(*domain, token->LogicalAddressBase, token->Size / PAGE_SIZE, FREE, true))
        return STATUS_RESOURCE_IN_USE;
    *domain = 0;
    return STATUS_SUCCESS;
}

static NTSTATUS map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, SIZE_T offset,
                             ULONG permissions, PIOMMU_MAP_PHYSICAL_ADDRESS what,
                             PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment)
{
    unsigned domain = api.token_domains[token - api.tokens];
    uint64_t logical = token->LogicalAddressBase + offset, pages = pages_of(what);

    OPENING();
    if (offset % PAGE_SIZE)
        return STATUS_INVALID_PARAMETER_2;
    if (offset + pages * PAGE_SIZE > token->Size)
        return STATUS_INVALID_PARAMETER_MIX;
    if (!all_are(domain, logical, pages, FREE, true))
        return STATUS_RESOURCE_IN_USE;
    *segment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){token, offset, pages * PAGE_SIZE};
    return put_all(IN_TOKEN, domain, what, logical, permissions);
}

static NTSTATUS unmap_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment)
{
    const IOMMU_DMA_LOGICAL_ADDRESS_TOKEN *token = segment->OwningToken;

    if (token == NULL)
        return STATUS_INVALID_PARAMETER;
    take_out(api.token_domains[token - api.tokens], token->LogicalAddressBase + segment->Offset,
             segment->Size / PAGE_SIZE);
    segment->OwningToken = NULL;
    return STATUS_SUCCESS;
}

static VOID query_types(PIOMMU_DMA_DEVICE device, PULONG types)
{
    assert_ptr_equal(device, DMA);
    *types = 1u << DomainTypeTranslate | 1u << DomainTypeUnmanaged;
}

static NTSTATUS register_state(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback, PVOID context,
                               PIOMMU_DMA_DEVICE device,
                               PIOMMU_INTERFACE_STATE_CHANGE_FIELDS fields)
{
    IOMMU_INTERFACE_STATE_CHANGE change = {.PresentFields = *fields};

    OPENING();
    if (fields->AsULONG != 1)
        return STATUS_INVALID_PARAMETER_4;
    if (api.callback)
        return STATUS_UNSUCCESSFUL;
    api.callback = callback;
    query_types(device, &change.AvailableDomainTypes);
    callback(&change, context);
    return STATUS_SUCCESS;
}

static NTSTATUS unregister_state(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
                                 PIOMMU_DMA_DEVICE device)
{
    bool is_registered = api.callback == callback;

    assert_ptr_equal(device, DMA);
    api.callback = NULL;
    return is_registered ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS flush(PIOMMU_DMA_DOMAIN handle)
{
    return translates(domain_of(handle)) ? STATUS_INVALID_PARAMETER_1 : STATUS_SUCCESS;
}

static NTSTATUS flush_list(PIOMMU_DMA_DOMAIN handle, BOOLEAN last, ULONG number, PVOID list)
{
    assert_true(number > 0 && list != NULL);
    (void)last;
    return flush(handle);
}

static NTSTATUS configure(PIOMMU_DMA_DOMAIN handle, PDOMAIN_CONFIGURATION configuration)
{
    assert_int_equal(configuration->Type, DomainConfigurationX64);
    return translates(domain_of(handle)) ? STATUS_INVALID_PARAMETER_1 : STATUS_NOT_SUPPORTED;
}

static NTSTATUS query_mappings(PDEVICE_OBJECT pdo, PINPUT_MAPPING_ELEMENT buffer, ULONG length,
                               PULONG needed)
{
    assert_true(pdo == PDO && buffer != NULL && length == sizeof(*buffer));
    (void)needed;
    return STATUS_UNSUCCESSFUL;
}

static const DMA_IOMMU_INTERFACE v1 = {
    1,     create_domain, delete_domain,  attach, detach,    flush, flush_list, query_mappings, map,
    unmap, map_identity,  unmap_identity, report, configure,
};

static const DMA_IOMMU_INTERFACE_V2 v2 = {
    create_domain_ex,  delete_domain,  attach_ex,     detach_ex,    flush,
    flush_list,        query_mappings, map_ex,        unmap,        map_identity_ex,
    unmap_identity_ex, report_ex,      configure,     query_types,  register_state,
    unregister_state,  reserve,        free_reserved, map_reserved, unmap_reserved,
    create_device,     delete_device,
};

NTSTATUS IoGetIommuInterface(ULONG version, PDMA_IOMMU_INTERFACE out)
{
    assert_int_equal(version, 1);
    *out = v1;
    return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterfaceEx(ULONG version, ULONGLONG flags, PDMA_IOMMU_INTERFACE_EX out)
{
    assert_true(flags == 0);
    if (version == 0)
        return STATUS_INVALID_PARAMETER_1;
    *out = (DMA_IOMMU_INTERFACE_EX){.Version = version};
    out->Size = version == 1 ? DMA_IOMMU_INTERFACE_EX_V1_SIZE : DMA_IOMMU_INTERFACE_EX_V2_SIZE;
    if (version == 1)
        memcpy(&out->V1, &v1.CreateDomain, sizeof(out->V1));
    else
        out->V2 = v2;
    return STATUS_SUCCESS;
}

#endif
