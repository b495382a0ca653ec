/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_API_RUN_H
#define TESTS_HOST_API_RUN_H

#include "tests/host/api_calls.h"

/* The calls of api_calls.h, made on both sides. Each function compares the outputs, writes the
 * reference's status and returns the implementation's. */

#define CANARY      UINT64_C(0x5CA7A7A5)
#define CANARY_PAIR ((struct pair){(void *)(uintptr_t)CANARY, (ref_handle)CANARY, OWNER_FREE})

/* ---- Domains and devices ---- */

enum { V1_MANAGED, V1_UNMANAGED, FIRST_EX_CONFIG };

#define DOMAIN_CONFIG(...)                                                                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define BUDDY(bits) .allocator = IommuDmaLogicalAllocatorBuddy, .width = (bits)
/* In units of pages from LOGICAL; `own` below: from the first own frame. */
#define REGION(first, count, mapped)                                                               \
    .region_count = 1, .regions = {{LOGICAL + (first)*UINT64_C(0x1000), count, mapped}}

static const struct ref_domain_config configs[] = {
    {.type = DomainTypeTranslate}, /* the two of version 1 */
    {.type = DomainTypeUnmanaged},
    {.type = DomainTypeTranslate}, /* 2 */
    {.type = DomainTypeTranslate, BUDDY(13)},
    {.type = DomainTypeTranslate, BUDDY(16)},
    {.type = DomainTypeTranslate, BUDDY(63)},
    {.type = DomainTypePassThrough}, /* 6 */
    {.type = DomainTypeUnmanaged},
    {.type = DomainTypeTranslate, REGION(3, 2, false)}, /* 8 */
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{0x2000, 2, false}}, BUDDY(16)},
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{6, 2, true}}}, /* own frames */
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{6, 2, true}}, BUDDY(32)},
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{8, 1, true}}}, /* another's */
    {.type = DomainTypeTranslateS1},                                             /* 13 */
    {.type = DomainTypeMax},
    {.type = DomainTypeTranslate, .flags = 1},
    {.type = DomainTypeTranslate, BUDDY(12)},
    {.type = DomainTypeTranslate, BUDDY(64)},
    {.type = DomainTypePassThrough, BUDDY(32)},
    {.type = DomainTypeUnmanaged, BUDDY(32)},
    {.type = DomainTypeTranslate, .allocator = IommuDmaLogicalAllocatorMax},
    {.type = DomainTypeUnmanaged, REGION(0, 1, false)}, /* 21 */
    {.type = DomainTypePassThrough, REGION(0, 1, false)},
    {.type = DomainTypeTranslate, REGION(0, 0, false)},
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{0x2800, 1, false}}},
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{0xFEDFF000, 2, false}}},
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{REGION_BASE, 1, false}}},
    {.type = DomainTypeTranslate, REGION(0, UINT64_C(1) << 52, false)},
    {.type = DomainTypeTranslate, .region_count = 1, .regions = {{0x2000, 1, false}}, BUDDY(13)},
    {.type = DomainTypeTranslate,
     .region_count = 2,
     .regions = {{0x5000, 2, false}, {0x4000, 2, false}}},
    {.type = DomainTypeTranslate, .loop = true, REGION(0, 1, false)},
    {.type = DomainTypeTranslate,
     .region_count = 2,
     .regions = {{0x4000, 1, false}, {LOGICAL + 0x2000, 1, false}}}, /* 31 */
};
#define CONFIGS (sizeof configs / sizeof *configs)
_Static_assert(CONFIGS == 32, "the numbers in the lists of calls");

/* Own frames stand in the table as their index. */
static inline struct ref_domain_config config_of(const struct call *call)
{
    struct ref_domain_config config = configs[call->variant % CONFIGS];

    for (unsigned i = 0; i < config.region_count; i++) {
        if (config.regions[i].map)
            config.regions[i].base = frame_at((unsigned)config.regions[i].base) << PAGE_SHIFT;
    }
    return config;
}

static inline NTSTATUS create_ex(const struct ref_domain_config *config, PIOMMU_DMA_DOMAIN *out)
{
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator = {
        .LogicalAllocatorType = (IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE)config->allocator};
    IOMMU_DMA_RESERVED_REGION regions[REF_REGIONS];
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = config->flags};

    allocator.BuddyAllocatorConfig.AddressWidth = config->width;
    for (unsigned i = 0; i < config->region_count; i++) {
        bool last = i + 1 == config->region_count;

        regions[i] = (IOMMU_DMA_RESERVED_REGION){.RegionNext = !last          ? &regions[i + 1]
                                                               : config->loop ? &regions[0]
                                                                              : NULL,
                                                 .Base = config->regions[i].base,
                                                 .NumberOfPages = config->regions[i].pages,
                                                 .ShouldMap = config->regions[i].map};
    }
    return world.v3.CreateDomainEx((IOMMU_DMA_DOMAIN_TYPE)config->type, flags,
                                   config->allocator ? &allocator : NULL,
                                   config->region_count ? regions : NULL, out);
}

static inline NTSTATUS run_create_domain(const struct call *call, NTSTATUS *model)
{
    struct ref_domain_config config = config_of(call);
    PIOMMU_DMA_DOMAIN out = CANARY_PAIR.real, *wanted = call->flaw ? NULL : &out;
    ref_handle handle = 0;
    NTSTATUS real;

    if (call->variant < FIRST_EX_CONFIG) {
        real = world.v1.CreateDomain(call->variant == V1_MANAGED, wanted);
        *model =
            ref_create_domain(&world.api, call->variant == V1_MANAGED, call->flaw ? NULL : &handle);
    } else {
        real = create_ex(&config, wanted);
        *model = ref_create_domain_ex(&world.api, &config, call->flaw ? NULL : &handle);
    }
    if (!agree(real, *model))
        return real;
    if (NT_SUCCESS(real))
        born(DOMAINS, call->domain, (struct pair){out, handle, owner_of(call)});
    if ((out == CANARY_PAIR.real) == NT_SUCCESS(real))
        DISAGREE("DomainOut");
    return real;
}

static inline NTSTATUS run_delete_domain(const struct call *call, NTSTATUS *model)
{
    ref_handle handle = model_domain(call);
    NTSTATUS real = call->variant ? world.v1.DeleteDomain(real_domain(call))
                                  : world.v3.DeleteDomain(real_domain(call));

    *model = ref_delete_domain(&world.api, handle);
    if (agree(real, *model) && NT_SUCCESS(real))
        died(DOMAINS, handle);
    return real;
}

static inline NTSTATUS run_create_device(const struct call *call, NTSTATUS *model)
{
    IOMMU_DEVICE_CREATION_CONFIGURATION config = {
        .ConfigType = (IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE)call->variant};
    PIOMMU_DMA_DEVICE out = CANARY_PAIR.real;
    ref_handle handle = 0;
    NTSTATUS real = world.v3.CreateDevice(real_pdo(call), call->variant ? &config : NULL,
                                          call->flaw ? NULL : &out);

    *model = ref_create_device(&world.api, model_pdo(call), call->variant != 0,
                               call->flaw ? NULL : &handle);
    if (agree(real, *model) && NT_SUCCESS(real))
        born(DEVICES, call->device, (struct pair){out, handle, owner_of(call)});
    if ((out == CANARY_PAIR.real) == NT_SUCCESS(real))
        DISAGREE("DmaDeviceOut");
    return real;
}

static inline NTSTATUS run_delete_device(const struct call *call, NTSTATUS *model)
{
    ref_handle handle = model_device(call);
    NTSTATUS real = world.v3.DeleteDevice(real_device(call));

    *model = ref_delete_device(&world.api, handle);
    if (agree(real, *model) && NT_SUCCESS(real))
        died(DEVICES, handle);
    return real;
}

/* flaw 1: a base, 2: a count. */
static inline NTSTATUS run_attach(const struct call *call, NTSTATUS *model)
{
    ULONG base = call->flaw & 1, count = 1 + (call->flaw >> 1 & 1);

    *model = ref_attach(&world.api, model_domain(call), model_pdo(call), base, count);
    return world.v1.AttachDevice(real_domain(call), real_pdo(call), base, count);
}

static inline NTSTATUS run_attach_ex(const struct call *call, NTSTATUS *model)
{
    *model = ref_attach_ex(&world.api, model_domain(call), model_device(call));
    return world.v3.AttachDeviceEx(real_domain(call), real_device(call));
}

static inline NTSTATUS run_detach(const struct call *call, NTSTATUS *model)
{
    *model = ref_detach(&world.api, model_domain(call), model_pdo(call), call->flaw);
    return world.v1.DetachDevice(real_domain(call), real_pdo(call), call->flaw);
}

static inline NTSTATUS run_detach_ex(const struct call *call, NTSTATUS *model)
{
    *model = ref_detach_ex(&world.api, model_device(call));
    return world.v3.DetachDeviceEx(real_device(call));
}

/* ---- Maps ---- */

static inline ULONG permissions_of(const struct call *call)
{
    return call->permissions <= 3 ? call->permissions : 1u << (call->permissions & 31);
}

static inline NTSTATUS run_map(const struct call *call, NTSTATUS *model)
{
    struct source source;

    describe(call, true, &source);
    *model = ref_map(&world.api, model_domain(call), permissions_of(call), &source.model,
                     address_at(call->at));
    return world.v1.MapLogicalRange(real_domain(call), permissions_of(call),
                                    source.physical.Mdl.Mdl, address_at(call->at));
}

static inline NTSTATUS run_map_ex(const struct call *call, NTSTATUS *model)
{
    struct source source;
    struct place place;
    struct ref_place given = place_of(call, &place);
    IOMMU_DMA_LOGICAL_ADDRESS out = CANARY, expected = CANARY;

    describe(call, false, &source);
    NTSTATUS real =
        world.v3.MapLogicalRangeEx(real_domain(call), permissions_of(call), source.given,
                                   place.explicit, place.min, place.max, call->flaw ? NULL : &out);
    struct ref_choice choice = {real, out};
    *model = ref_map_ex(&world.api, model_domain(call), permissions_of(call), &source.model, &given,
                        &choice, call->flaw ? NULL : &expected);
    if (agree(real, *model)) {
        same_output("LogicalAddressOut", out, expected);
        if (NT_SUCCESS(real))
            world.results[world.result_count++ % RESULTS] = out;
    }
    return real;
}

static inline NTSTATUS run_unmap(const struct call *call, NTSTATUS *model)
{
    uint64_t address = address_at(call->at);
    uint64_t pages = call->flaw == 1   ? UINT64_C(1) << 52
                     : call->flaw == 2 ? UINT64_MAX
                                       : call->pages;

    *model = ref_unmap(&world.api, model_domain(call), address, pages);
    return call->variant ? world.v1.UnmapLogicalRange(real_domain(call), address, pages)
                         : world.v3.UnmapLogicalRange(real_domain(call), address, pages);
}

static inline NTSTATUS identity(const struct call *call, bool v1, bool unmap, NTSTATUS *model)
{
    PIOMMU_DMA_DOMAIN domain = real_domain(call);
    ULONG permissions = permissions_of(call);
    struct source source;

    describe(call, v1, &source);
    if (unmap) {
        *model = ref_unmap_identity(&world.api, model_domain(call), &source.model);
        return v1 ? world.v1.UnmapIdentityRange(domain, source.physical.Mdl.Mdl)
                  : world.v3.UnmapIdentityRangeEx(domain, source.given);
    }
    *model = ref_map_identity(&world.api, model_domain(call), permissions, &source.model);
    return v1 ? world.v1.MapIdentityRange(domain, permissions, source.physical.Mdl.Mdl)
              : world.v3.MapIdentityRangeEx(domain, permissions, source.given);
}

static inline NTSTATUS run_map_identity(const struct call *call, NTSTATUS *model)
{
    return identity(call, true, false, model);
}

static inline NTSTATUS run_map_identity_ex(const struct call *call, NTSTATUS *model)
{
    return identity(call, false, false, model);
}

static inline NTSTATUS run_unmap_identity(const struct call *call, NTSTATUS *model)
{
    return identity(call, true, true, model);
}

static inline NTSTATUS run_unmap_identity_ex(const struct call *call, NTSTATUS *model)
{
    return identity(call, false, true, model);
}

/* ---- Reserved ranges ---- */

/* flaw 1: no output, 2: an odd size, 3: a huge one. */
static inline NTSTATUS run_reserve(const struct call *call, NTSTATUS *model)
{
    uint64_t size = ((uint64_t)call->pages << PAGE_SHIFT) + (call->flaw == 2 ? 0x800 : 0);
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN shown = {0, 0}, *out = CANARY_PAIR.real;
    struct place place;
    struct ref_place given = place_of(call, &place);
    ref_handle handle = 0;

    size = call->flaw == 3 ? ~UINT64_C(0xFFF) : size;
    NTSTATUS real =
        world.v3.ReserveLogicalAddressRange(real_domain(call), size, place.explicit, place.min,
                                            place.max, call->flaw == 1 ? NULL : &out);
    struct ref_choice choice = {real, NT_SUCCESS(real) ? out->LogicalAddressBase : 0};
    *model = ref_reserve(&world.api, model_domain(call), size, &given, &choice,
                         call->flaw == 1 ? NULL : &handle, &shown);
    if ((out == CANARY_PAIR.real) == NT_SUCCESS(real))
        DISAGREE("LogicalAddressToken");
    if (agree(real, *model) && NT_SUCCESS(real)) {
        same_output("LogicalAddressBase", out->LogicalAddressBase, shown.LogicalAddressBase);
        same_output("Size", out->Size, shown.Size);
        born(TOKENS, call->token, (struct pair){out, handle, owner_of(call)});
    }
    return real;
}

static inline NTSTATUS run_free_reserved(const struct call *call, NTSTATUS *model)
{
    struct pair token = slot(TOKENS, call->token);
    NTSTATUS real = world.v3.FreeReservedLogicalAddressRange(token.real);

    *model = ref_free_reserved(&world.api, token.model);
    if (agree(real, *model) && NT_SUCCESS(real))
        died(TOKENS, token.model);
    return real;
}

static inline void same_segment(const IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *real,
                                const struct ref_segment *model)
{
    if (real->OwningToken != live_pair(TOKENS, model->token).real)
        DISAGREE("OwningToken");
    same_output("Offset", real->Offset, model->offset);
    same_output("Size", real->Size, model->size);
}

/* `at`: the offset in pages; flaw 1: no output, 2: an odd offset. */
static inline NTSTATUS run_map_reserved(const struct call *call, NTSTATUS *model)
{
    struct pair token = slot(TOKENS, call->token);
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT out = {NULL, CANARY, CANARY};
    struct ref_segment expected = {0, CANARY, CANARY};
    uint64_t offset = ((uint64_t)call->at << PAGE_SHIFT) + (call->flaw == 2 ? 0x800 : 0);
    struct source source;

    describe(call, false, &source);
    NTSTATUS real = world.v3.MapReservedLogicalRange(token.real, offset, permissions_of(call),
                                                     source.given, call->flaw == 1 ? NULL : &out);
    *model = ref_map_reserved(&world.api, token.model, offset, permissions_of(call), &source.model,
                              call->flaw == 1 ? NULL : &expected);
    if (agree(real, *model)) {
        same_segment(&out, &expected);
        if (NT_SUCCESS(real)) {
            world.segments[call->segment % SEGMENTS].real = out;
            world.segments[call->segment % SEGMENTS].model = expected;
        }
    }
    return real;
}

/* variant 1: a segment that the caller made up; flaw 1: NULL. */
static inline NTSTATUS run_unmap_reserved(const struct call *call, NTSTATUS *model)
{
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *real =
        &world.segments[call->segment % SEGMENTS].real;
    struct ref_segment *expected = &world.segments[call->segment % SEGMENTS].model;

    if (call->variant == 1) {
        *expected =
            (struct ref_segment){slot(TOKENS, call->token).model, (uint64_t)call->at << PAGE_SHIFT,
                                 (uint64_t)call->pages << PAGE_SHIFT};
        *real = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){slot(TOKENS, call->token).real,
                                                                 expected->offset, expected->size};
    }
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = real->OwningToken;
    NTSTATUS status = world.v3.UnmapReservedLogicalRange(call->flaw ? NULL : real);

    *model = ref_unmap_reserved(&world.api, call->flaw ? NULL : expected);
    if (agree(status, *model)) {
        same_output("Offset", real->Offset, expected->offset);
        same_output("Size", real->Size, expected->size);
        if (real->OwningToken != (NT_SUCCESS(status) ? NULL : token))
            DISAGREE("OwningToken");
    }
    return status;
}

/* ---- The rest ---- */

/* variant 0: NULL, else the type + 1. */
static inline NTSTATUS run_configure(const struct call *call, NTSTATUS *model)
{
    DOMAIN_CONFIGURATION config = {.Type = (DOMAIN_CONFIGURATION_ARCH)((call->variant & 3) - 1)};
    DOMAIN_CONFIGURATION *given = (call->variant & 3) ? &config : NULL;

    *model = ref_configure(&world.api, model_domain(call), given);
    return world.v3.ConfigureDomain(real_domain(call), given);
}

static inline NTSTATUS run_flush(const struct call *call, NTSTATUS *model)
{
    *model = ref_flush(&world.api, model_domain(call));
    return world.v3.FlushDomain(real_domain(call));
}

/* flaw 1: no list, 2: an odd address at its end. */
static inline NTSTATUS run_flush_list(const struct call *call, NTSTATUS *model)
{
    uint64_t list[] = {0x1000, 0x5000, call->flaw == 2 ? 0x6800 : 0x6000};
    uint64_t *given = call->flaw == 1 ? NULL : list;

    *model = ref_flush_list(&world.api, model_domain(call), call->pages & 3, given);
    return world.v3.FlushDomainByVaList(real_domain(call), call->variant & 1, call->pages & 3,
                                        given);
}

static inline NTSTATUS run_query_mappings(const struct call *call, NTSTATUS *model)
{
    INPUT_MAPPING_ELEMENT buffer[2] = {{(ULONG)CANARY}, {(ULONG)CANARY}};
    ULONG length = (ULONG)CANARY;

    *model = ref_query_mappings(&world.api, model_pdo(call), !call->flaw);
    NTSTATUS real = world.v3.QueryInputMappings(real_pdo(call), call->flaw ? NULL : buffer,
                                                sizeof buffer, &length);
    same_output("ReturnLength", length, CANARY);
    same_output("Buffer", buffer[0].InputMappingId, CANARY);
    return real;
}

static inline NTSTATUS run_query_types(const struct call *call, NTSTATUS *model)
{
    ULONG mask = (ULONG)CANARY, expected = (ULONG)CANARY;

    world.v3.QueryAvailableDomainTypes(real_device(call), call->flaw ? NULL : &mask);
    ref_query_types(&world.api, model_device(call), call->flaw ? NULL : &expected);
    same_output("AvailableDomains", mask, expected);
    *model = STATUS_SUCCESS;
    return STATUS_SUCCESS;
}

static inline PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback_of(const struct call *call)
{
    return call->variant == 0 ? state_changed : call->variant == 1 ? state_changed_too : NULL;
}

/* flaw: the fields, 1 for NULL. */
static inline NTSTATUS run_register(const struct call *call, NTSTATUS *model)
{
    static const ULONG wrong[] = {1, 0, 0, 2, 3, 0x80000001};
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = {.AsULONG = wrong[call->flaw % 6]};
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS *given = call->flaw == 1 ? NULL : &fields;
    PVOID context = (PVOID)(uintptr_t)(call->device + 1u);

    *model = ref_register(&world.api, callback_of(call), context, model_device(call), given);
    return world.v3.RegisterInterfaceStateChangeCallback(callback_of(call), context,
                                                         real_device(call), given);
}

static inline NTSTATUS run_unregister(const struct call *call, NTSTATUS *model)
{
    *model = ref_unregister(&world.api, callback_of(call), model_device(call));
    return world.v3.UnregisterInterfaceStateChangeCallback(callback_of(call), real_device(call));
}

static struct {
    unsigned calls;
    PIOMMU_DEVICE_FAULT_HANDLER handler;
    PVOID context;
    FAULT_INFORMATION information;
    owner_t owner;
} fault_seen;

static inline void fault_noted(PIOMMU_DEVICE_FAULT_HANDLER handler, PVOID context,
                               PFAULT_INFORMATION information)
{
    fault_seen.calls++;
    fault_seen.handler = handler;
    fault_seen.context = context;
    fault_seen.information = *information;
    fault_seen.owner = owner_current();
}

static inline void on_fault(PVOID context, PFAULT_INFORMATION information)
{
    fault_noted(on_fault, context, information);
}

static inline void on_fault_too(PVOID context, PFAULT_INFORMATION information)
{
    fault_noted(on_fault_too, context, information);
}

/* variant 0: off, 1 and 2: two handlers, 3: no handler, 4: no configuration. */
static inline NTSTATUS run_fault_reporting(const struct call *call, NTSTATUS *model)
{
    DEVICE_FAULT_CONFIGURATION config = {call->variant == 1   ? on_fault
                                         : call->variant == 2 ? on_fault_too
                                                              : NULL,
                                         (PVOID)(uintptr_t)(call->device * 3u + call->variant)};
    DEVICE_FAULT_CONFIGURATION *given = call->variant % 4 == 0 ? NULL : &config;
    bool enable = call->variant != 0;

    *model = ref_fault_reporting(&world.api, model_pdo(call), call->flaw, enable, given);
    return world.v1.SetDeviceFaultReporting(real_pdo(call), call->flaw, enable, given);
}

static inline NTSTATUS run_fault_reporting_ex(const struct call *call, NTSTATUS *model)
{
    *model = STATUS_NOT_IMPLEMENTED;
    return world.v3.SetDeviceFaultReportingEx(real_device(call), 0, call->variant & 1, NULL);
}

/* flaw 1: too small, 2 and 3: an output is NULL. */
static inline NTSTATUS run_query_info(const struct call *call, NTSTATUS *model)
{
    IOMMU_DMA_DEVICE_INFORMATION buffer = {0xA5, 0xA5, 0xA5}, expected = buffer;
    ULONG written = (ULONG)CANARY, expected_written = written;
    ULONG size = call->flaw == 1 ? 2 : 3;

    *model = ref_query_info(&world.api, model_device(call), size,
                            call->flaw == 2 ? NULL : &expected_written,
                            call->flaw == 3 ? NULL : &expected);
    NTSTATUS real =
        world.v3.QueryDeviceInfo(real_device(call), size, call->flaw == 2 ? NULL : &written,
                                 call->flaw == 3 ? NULL : &buffer);
    same_output("BytesWritten", written, expected_written);
    if (memcmp(&buffer, &expected, sizeof buffer) != 0)
        DISAGREE("Buffer");
    return real;
}

static inline NTSTATUS run_pasid(const struct call *call, NTSTATUS *model)
{
    PIOMMU_DMA_PASID_DEVICE part = CANARY_PAIR.real;
    ULONG asid = (ULONG)CANARY;
    NTSTATUS real;

    switch (call->variant & 3) {
    case 0:
        *model = ref_create_pasid_device(&world.api, model_device(call));
        real = world.v3.CreatePasidDevice(real_device(call), &part, &asid);
        break;
    case 1:
        *model = STATUS_INVALID_PARAMETER_1;
        real = world.v3.DeletePasidDevice(part);
        break;
    case 2:
        *model = ref_attach_pasid_device(&world.api, model_domain(call));
        real = world.v3.AttachPasidDevice(real_domain(call), part);
        break;
    default:
        *model = STATUS_INVALID_PARAMETER_1;
        real = world.v3.DetachPasidDevice(part);
    }
    same_output("AsidOut", asid, CANARY);
    return real;
}

static inline NTSTATUS run_set_guard(const struct call *call, NTSTATUS *model)
{
    as(OWNER_IMAGE);
    iommu_set_guard(&on.iommu, call->variant & 1 ? IOMMU_GUARD_ALLOW : IOMMU_GUARD_BLOCK);
    ref_set_guard(&world.api, call->variant & 1);
    *model = STATUS_SUCCESS;
    return STATUS_SUCCESS;
}

#endif
