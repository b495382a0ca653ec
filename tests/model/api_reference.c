/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "api_reference_internal.h"

void ref_reset(struct api_reference *api)
{
    for (unsigned i = 0; i < REF_DOMAINS; i++) {
        api->domains[i].handle = 0;
    }
    memset(api->devices, 0, sizeof api->devices);
    memset(api->tokens, 0, sizeof api->tokens);
    api->guard_allows = false;
    ref_begin(api, OWNER_FREE);
}

void ref_begin(struct api_reference *api, owner_t caller)
{
    api->caller = caller;
    api->open = false;
    api->complaint = NULL;
    api->call_count = 0;
}

/* ---- Finding objects ---- */

const struct ref_domain *ref_domain_of(const struct api_reference *api, ref_handle domain)
{
    for (unsigned i = 0; domain != 0 && i < REF_DOMAINS; i++) {
        if (api->domains[i].handle == domain) {
            return &api->domains[i];
        }
    }
    return NULL;
}

const struct ref_token *ref_token_of(const struct api_reference *api, ref_handle token)
{
    for (unsigned i = 0; token != 0 && i < REF_TOKENS; i++) {
        if (api->tokens[i].handle == token) {
            return &api->tokens[i];
        }
    }
    return NULL;
}

/* ---- Domains ---- */

static bool region_fits(const struct api_reference *api, const struct ref_domain_config *config,
                        unsigned index, unsigned width)
{
    const struct ref_region *region = &config->regions[index];
    struct ref_range range = {PAGE_OF(region->base), PAGE_OF(region->base) + region->pages - 1};

    if (!ALIGNED(region->base) || region->pages == 0 || region->pages > LAST_PAGE ||
        range.last >= UINT64_C(1) << (width - PAGE_SHIFT) || !usable(api, range)) {
        return false;
    }
    for (unsigned i = 0; i < index; i++) {
        uint64_t first = PAGE_OF(config->regions[i].base);

        if (meets(range, (struct ref_range){first, first + config->regions[i].pages - 1})) {
            return false;
        }
    }
    return true;
}

static bool regions_fit(const struct api_reference *api, const struct ref_domain_config *config)
{
    bool buddy = config->allocator == IommuDmaLogicalAllocatorBuddy;
    unsigned width = buddy && config->width < api->width ? config->width : api->width;

    if (config->region_count == 0) {
        return true;
    }
    if (config->type == DomainTypePassThrough || config->type == DomainTypeUnmanaged ||
        config->loop || config->region_count > REF_REGIONS_MAX) {
        return false;
    }
    for (unsigned i = 0; i < config->region_count; i++) {
        if (!region_fits(api, config, i, width)) {
            return false;
        }
    }
    return true;
}

static bool allocator_fits(const struct ref_domain_config *config)
{
    if (config->allocator != IommuDmaLogicalAllocatorBuddy) {
        return config->allocator == IommuDmaLogicalAllocatorNone;
    }
    return config->width >= 13 && config->width <= 63 && config->type != DomainTypePassThrough &&
           config->type != DomainTypeUnmanaged;
}

static bool regions_owned(const struct api_reference *api, const struct ref_domain_config *config)
{
    for (unsigned i = 0; i < config->region_count; i++) {
        for (uint64_t page = 0; config->regions[i].map && page < config->regions[i].pages; page++) {
            struct ref_memory frame = {false, 1, {PAGE_OF(config->regions[i].base) + page}};

            if (!owned(api, &frame)) {
                return false;
            }
        }
    }
    return true;
}

static bool may_have(const struct api_reference *api, unsigned type)
{
    return type == DomainTypeTranslate || type == DomainTypeUnmanaged ||
           (type == DomainTypePassThrough && api->guard_allows && api->can_pass_through);
}

static struct ref_domain *free_domain(struct api_reference *api, unsigned type)
{
    struct ref_domain *found = NULL;
    unsigned unmanaged = 0;

    for (unsigned i = 0; i < REF_DOMAINS; i++) {
        if (api->domains[i].handle == 0) {
            found = &api->domains[i];
        } else if (api->domains[i].type == DomainTypeUnmanaged) {
            unmanaged++;
        }
    }
    return type == DomainTypeUnmanaged && unmanaged == REF_UNMANAGED_MAX ? NULL : found;
}

static void fill_domain(struct ref_domain *domain, const struct ref_domain_config *config)
{
    domain->type = (IOMMU_DMA_DOMAIN_TYPE)config->type;
    domain->width = config->allocator == IommuDmaLogicalAllocatorBuddy ? config->width : 0;
    domain->page_count = 0;
    domain->region_count = config->region_count;
    for (unsigned i = 0; i < config->region_count; i++) {
        uint64_t first = PAGE_OF(config->regions[i].base);

        domain->regions[i].range = (struct ref_range){first, first + config->regions[i].pages - 1};
        domain->regions[i].map = config->regions[i].map;
    }
}

NTSTATUS ref_create_domain_ex(struct api_reference *api, const struct ref_domain_config *config,
                              ref_handle *out)
{
    if (config->type >= DomainTypeMax) {
        return PARAMETER_1;
    }
    if (config->flags != 0) {
        return PARAMETER_2;
    }
    if (!allocator_fits(config)) {
        return PARAMETER_3;
    }
    if (!regions_fit(api, config)) {
        return PARAMETER_4;
    }
    if (out == NULL) {
        return PARAMETER_5;
    }
    if (!may_have(api, config->type)) {
        return STATUS_NOT_SUPPORTED;
    }
    if (!regions_owned(api, config)) {
        return DENIED;
    }
    struct ref_domain *domain = free_domain(api, config->type);
    if (domain == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    fill_domain(domain, config);
    domain->owner = api->caller;
    *out = domain->handle = ++api->last_handle;
    return STATUS_SUCCESS;
}

NTSTATUS ref_create_domain(struct api_reference *api, bool managed, ref_handle *out)
{
    struct ref_domain_config config = {.type = managed ? DomainTypeTranslate : DomainTypeUnmanaged};

    return out == NULL ? PARAMETER_2 : ref_create_domain_ex(api, &config, out);
}

NTSTATUS ref_delete_domain(struct api_reference *api, ref_handle handle)
{
    struct ref_domain *domain = own_domain(api, handle);

    if (domain == NULL) {
        return PARAMETER_1;
    }
    for (unsigned i = 0; i < REF_ENDPOINTS; i++) {
        if (api->devices[i].used && api->devices[i].domain == handle) {
            return IN_USE;
        }
    }
    for (unsigned i = 0; i < REF_TOKENS; i++) {
        if (api->tokens[i].handle != 0 && api->tokens[i].domain == handle) {
            return IN_USE;
        }
    }
    domain->handle = 0;
    return STATUS_SUCCESS;
}

/* ---- Devices ---- */

NTSTATUS ref_create_device(struct api_reference *api, unsigned pdo, bool configured,
                           ref_handle *out)
{
    if (!own_pdo(api, pdo)) {
        return PARAMETER_1;
    }
    if (configured) {
        return PARAMETER_2;
    }
    if (out == NULL) {
        return PARAMETER_3;
    }
    if (api->devices[pdo - 1].used) {
        return IN_USE;
    }
    *out = ++api->last_handle;
    api->devices[pdo - 1] = (struct ref_device){.used = true, .handle = *out};
    return STATUS_SUCCESS;
}

NTSTATUS ref_delete_device(struct api_reference *api, ref_handle handle)
{
    struct ref_device *device = own_device(api, handle);

    if (device == NULL) {
        return PARAMETER_1;
    }
    if (device->domain != 0 || device->callback != NULL) {
        return IN_USE;
    }
    device->used = false;
    return STATUS_SUCCESS;
}

static NTSTATUS attach_to(struct api_reference *api, const struct ref_domain *domain,
                          unsigned endpoint)
{
    if (api->devices[endpoint].used && api->devices[endpoint].domain != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!may_have(api, domain->type)) {
        return DENIED;
    }
    for (unsigned i = 0; i < REF_ENDPOINTS; i++) {
        if (api->devices[i].used && api->devices[i].domain != 0 &&
            api->devices[i].domain != domain->handle &&
            api->endpoints[i].group == api->endpoints[endpoint].group) {
            return DENIED;
        }
    }
    api->devices[endpoint].domain = domain->handle;
    return STATUS_SUCCESS;
}

static void detach_from(struct ref_device *device)
{
    device->domain = 0;
    device->handler = NULL;
    device->used = !device->by_attach;
}

NTSTATUS ref_attach_ex(struct api_reference *api, ref_handle handle, ref_handle device_handle)
{
    const struct ref_domain *domain = own_domain(api, handle);
    const struct ref_device *device = own_device(api, device_handle);

    if (domain == NULL) {
        return PARAMETER_1;
    }
    return device == NULL ? PARAMETER_2 : attach_to(api, domain, endpoint_of(api, device));
}

NTSTATUS ref_detach_ex(struct api_reference *api, ref_handle handle)
{
    struct ref_device *device = own_device(api, handle);

    if (device == NULL || device->domain == 0) {
        return PARAMETER_1;
    }
    detach_from(device);
    return STATUS_SUCCESS;
}

NTSTATUS ref_attach(struct api_reference *api, ref_handle handle, unsigned pdo, ULONG base,
                    ULONG count)
{
    const struct ref_domain *domain = own_domain(api, handle);
    NTSTATUS status;

    if (domain == NULL) {
        return PARAMETER_1;
    }
    if (!own_pdo(api, pdo)) {
        return PARAMETER_2;
    }
    if (base != 0) {
        return PARAMETER_3;
    }
    if (count != 1) {
        return PARAMETER_4;
    }
    bool made = !api->devices[pdo - 1].used;
    if (made) {
        memset(&api->devices[pdo - 1], 0, sizeof api->devices[pdo - 1]);
    }
    status = attach_to(api, domain, pdo - 1);
    if (made && NT_SUCCESS(status)) {
        api->devices[pdo - 1].used = api->devices[pdo - 1].by_attach = true;
    }
    return status;
}

NTSTATUS ref_detach(struct api_reference *api, ref_handle handle, unsigned pdo, ULONG id)
{
    if (own_domain(api, handle) == NULL) {
        return PARAMETER_1;
    }
    if (!own_pdo(api, pdo) || !api->devices[pdo - 1].used || api->devices[pdo - 1].domain == 0) {
        return PARAMETER_2;
    }
    if (api->devices[pdo - 1].domain != handle) {
        return PARAMETER_1;
    }
    if (id != 0) {
        return PARAMETER_3;
    }
    detach_from(&api->devices[pdo - 1]);
    return STATUS_SUCCESS;
}

/* ---- Configure, flush, query ---- */

static bool own_unmanaged(struct api_reference *api, ref_handle handle)
{
    const struct ref_domain *domain = own_domain(api, handle);

    return domain != NULL && domain->type == DomainTypeUnmanaged;
}

NTSTATUS ref_configure(struct api_reference *api, ref_handle domain,
                       const DOMAIN_CONFIGURATION *configuration)
{
    if (!own_unmanaged(api, domain)) {
        return PARAMETER_1;
    }
    if (configuration == NULL || configuration->Type >= DomainConfigurationInvalid) {
        return PARAMETER_2;
    }
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS ref_flush(struct api_reference *api, ref_handle domain)
{
    return own_unmanaged(api, domain) ? STATUS_SUCCESS : PARAMETER_1;
}

NTSTATUS ref_flush_list(struct api_reference *api, ref_handle domain, ULONG number,
                        const uint64_t *list)
{
    if (!own_unmanaged(api, domain)) {
        return PARAMETER_1;
    }
    for (ULONG i = 0; i < number; i++) {
        if (list == NULL || !ALIGNED(list[i])) {
            return PARAMETER_4;
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS ref_query_mappings(struct api_reference *api, unsigned pdo, bool buffer)
{
    if (!own_pdo(api, pdo)) {
        return PARAMETER_1;
    }
    return buffer ? STATUS_UNSUCCESSFUL : PARAMETER_2;
}

static ULONG mask_now(const struct api_reference *api)
{
    ULONG mask = 0;

    for (unsigned type = 0; type < DomainTypeMax; type++) {
        mask |= may_have(api, type) ? 1u << type : 0;
    }
    return mask;
}

void ref_query_types(struct api_reference *api, ref_handle device, ULONG *out)
{
    if (out != NULL) {
        *out = own_device(api, device) != NULL ? mask_now(api) : 0;
    }
}

/* ---- State changes and faults ---- */

static void tell(struct api_reference *api, struct ref_device *device)
{
    device->told = mask_now(api);
    api->calls[api->call_count++] = (struct ref_call){
        .callback = device->callback,
        .context = device->context,
        .change = {.PresentFields.AvailableDomainTypes = 1, .AvailableDomainTypes = device->told},
        .owner = api->endpoints[endpoint_of(api, device)].owner,
    };
}

NTSTATUS ref_register(struct api_reference *api, PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
                      PVOID context, ref_handle handle,
                      const IOMMU_INTERFACE_STATE_CHANGE_FIELDS *fields)
{
    struct ref_device *device = own_device(api, handle);

    if (callback == NULL) {
        return PARAMETER_1;
    }
    if (device == NULL) {
        return PARAMETER_3;
    }
    if (fields == NULL || fields->AvailableDomainTypes == 0 || fields->Reserved != 0) {
        return PARAMETER_4;
    }
    if (device->callback != NULL) {
        return STATUS_UNSUCCESSFUL;
    }
    device->callback = callback;
    device->context = context;
    tell(api, device);
    return STATUS_SUCCESS;
}

NTSTATUS ref_unregister(struct api_reference *api, PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
                        ref_handle handle)
{
    struct ref_device *device = own_device(api, handle);

    if (callback == NULL) {
        return PARAMETER_1;
    }
    if (device == NULL) {
        return PARAMETER_2;
    }
    if (device->callback != callback) {
        return STATUS_UNSUCCESSFUL;
    }
    device->callback = NULL;
    return STATUS_SUCCESS;
}

void ref_set_guard(struct api_reference *api, bool allows)
{
    api->guard_allows = allows;
    for (unsigned i = 0; i < REF_ENDPOINTS; i++) {
        struct ref_device *device = &api->devices[i];

        if (device->used && device->callback != NULL && device->told != mask_now(api)) {
            tell(api, device);
        }
    }
}

NTSTATUS ref_fault_reporting(struct api_reference *api, unsigned pdo, ULONG base, bool enable,
                             const DEVICE_FAULT_CONFIGURATION *config)
{
    if (!own_pdo(api, pdo) || !api->devices[pdo - 1].used || api->devices[pdo - 1].domain == 0) {
        return PARAMETER_1;
    }
    if (base != 0) {
        return PARAMETER_2;
    }
    if (enable && (config == NULL || config->FaultHandler == NULL)) {
        return PARAMETER_4;
    }
    api->devices[pdo - 1].handler = enable ? config->FaultHandler : NULL;
    api->devices[pdo - 1].handler_context = enable ? config->FaultContext : NULL;
    return STATUS_SUCCESS;
}

/* ---- Version 3, on hardware without PASID ---- */

NTSTATUS ref_create_pasid_device(struct api_reference *api, ref_handle device)
{
    (void)api, (void)device;
    return PARAMETER_1;
}

NTSTATUS ref_attach_pasid_device(struct api_reference *api, ref_handle domain)
{
    return own_domain(api, domain) == NULL ? PARAMETER_1 : PARAMETER_2;
}

NTSTATUS ref_query_info(struct api_reference *api, ref_handle device, ULONG size, ULONG *written,
                        IOMMU_DMA_DEVICE_INFORMATION *buffer)
{
    if (own_device(api, device) == NULL) {
        return PARAMETER_1;
    }
    if (size < IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (written == NULL) {
        return PARAMETER_3;
    }
    if (buffer == NULL) {
        return PARAMETER_4;
    }
    *written = IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN;
    memset(buffer, 0, IOMMU_DMA_DEVICE_INFORMATION_SIZE_MIN);
    return STATUS_SUCCESS;
}

/* ---- What a device reaches ---- */

static bool demands(const struct api_reference *api, unsigned endpoint, uint64_t page)
{
    return api->endpoints[endpoint].firmware.first <= page &&
           page <= api->endpoints[endpoint].firmware.last;
}

/* Its own group's regions of firmware, and those of all groups in its domain. */
static bool firmware_reach(const struct api_reference *api, unsigned endpoint, uint64_t page)
{
    for (unsigned i = 0; i < REF_ENDPOINTS; i++) {
        bool together = api->endpoints[i].group == api->endpoints[endpoint].group;

        for (unsigned j = 0; j < REF_ENDPOINTS; j++) {
            together |= api->devices[endpoint].domain != 0 &&
                        api->devices[j].domain == api->devices[endpoint].domain &&
                        api->endpoints[j].group == api->endpoints[i].group;
        }
        if (together && demands(api, i, page)) {
            return true;
        }
    }
    return false;
}

static const struct ref_page *translation(const struct api_reference *api, unsigned endpoint,
                                          uint64_t page)
{
    const struct ref_domain *domain = ref_domain_of(api, api->devices[endpoint].domain);

    return domain != NULL ? page_at(domain, page) : NULL;
}

static bool identity_region(const struct ref_domain *domain, uint64_t page)
{
    for (unsigned i = 0; i < domain->region_count; i++) {
        if (domain->regions[i].map && domain->regions[i].range.first <= page &&
            page <= domain->regions[i].range.last) {
            return true;
        }
    }
    return false;
}

bool ref_reaches(const struct api_reference *api, unsigned endpoint, uint64_t page, bool write,
                 uint64_t *frame)
{
    const struct ref_domain *domain = ref_domain_of(api, api->devices[endpoint].domain);
    const struct ref_page *live = translation(api, endpoint, page);

    *frame = page;
    if (firmware_reach(api, endpoint, page)) {
        return true;
    }
    if (domain == NULL || domain->type == DomainTypeUnmanaged) {
        return false;
    }
    if (domain->type == DomainTypePassThrough || identity_region(domain, page)) {
        return true;
    }
    if (live == NULL) {
        return false;
    }
    *frame = live->frame;
    return (live->permission & (write ? IOMMU_ACCESS_WRITE : IOMMU_ACCESS_READ)) != 0;
}

FAULT_INFORMATION_X64_TYPE ref_refusal(const struct api_reference *api, unsigned endpoint,
                                       uint64_t page, FAULT_INFORMATION_X64_TYPE *also)
{
    const struct ref_domain *domain = ref_domain_of(api, api->devices[endpoint].domain);
    const struct ref_page *live = translation(api, endpoint, page);

    *also = MaxFaultType;
    if (page >= UINT64_C(1) << (api->width - PAGE_SHIFT)) {
        return AddressSizeFault;
    }
    if (live == NULL) {
        if (domain != NULL && beyond_window(domain, (struct ref_range){page, page})) {
            *also = AddressSizeFault; /* its table may be smaller than the units' width */
        }
        return TranslationFault;
    }
    if (live->permission == IOMMU_ACCESS_NONE) {
        *also = TranslationFault; /* no hardware tells such a page from one that is not mapped */
    }
    return PermissionFault;
}
