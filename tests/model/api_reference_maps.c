/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "api_reference_internal.h"

static void add_page(struct ref_domain *domain, struct ref_page page)
{
    if (domain->page_count == REF_PAGES) {
        model_violation("API reference: more than %u pages in a domain", REF_PAGES);
        return;
    }
    domain->pages[domain->page_count++] = page;
}

static void add_pages(struct ref_domain *domain, struct ref_range range, ref_handle token,
                      const struct ref_memory *memory, unsigned permission)
{
    for (unsigned i = 0; i < memory->count; i++) {
        add_page(domain, (struct ref_page){.page = range.first + i,
                                           .frame = memory->frames[i],
                                           .permission = permission,
                                           .mapping = range,
                                           .token = token});
    }
}

static void remove_pages(struct ref_domain *domain, struct ref_range range)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < domain->page_count; i++) {
        if (domain->pages[i].page < range.first || domain->pages[i].page > range.last) {
            domain->pages[kept++] = domain->pages[i];
        }
    }
    domain->page_count = kept;
}

/* ---- The allocator: judged, not predicted ---- */

static uint64_t round_to_power(uint64_t pages)
{
    uint64_t power = 1;

    while (power < pages) {
        power *= 2;
    }
    return power;
}

static struct ref_range block_of(struct ref_range range)
{
    return (struct ref_range){range.first,
                              range.first + round_to_power(range.last - range.first + 1) - 1};
}

/* The first page behind something fixed that is in the way of `range`; 0: nothing is. */
static uint64_t behind_region(const struct api_reference *api, const struct ref_domain *domain,
                              struct ref_range range)
{
    for (unsigned i = 0; i < domain->region_count; i++) {
        if (meets(range, domain->regions[i].range)) {
            return domain->regions[i].range.last + 1;
        }
    }
    for (unsigned i = 0; i < REF_ENDPOINTS; i++) {
        struct ref_range firmware = api->endpoints[i].firmware;

        if (firmware.first <= firmware.last && meets(range, firmware)) {
            return firmware.last + 1;
        }
    }
    return meets(range, interrupt_window) ? interrupt_window.last + 1 : 0;
}

/* The same, of what was given out. `whole`: each takes a whole power of two. */
static uint64_t behind_given(const struct api_reference *api, const struct ref_domain *domain,
                             struct ref_range range, bool whole)
{
    for (unsigned i = 0; i < domain->page_count; i++) {
        struct ref_range taken = {domain->pages[i].page, domain->pages[i].page};

        if (whole && domain->pages[i].token == 0) {
            taken = block_of(domain->pages[i].mapping);
        }
        if (meets(range, taken)) {
            return taken.last + 1;
        }
    }
    for (unsigned i = 0; i < REF_TOKENS; i++) {
        struct ref_range taken = api->tokens[i].range;

        if (api->tokens[i].handle == 0 || api->tokens[i].domain != domain->handle) {
            continue;
        }
        taken = whole ? block_of(taken) : taken;
        if (meets(range, taken)) {
            return taken.last + 1;
        }
    }
    return 0;
}

/* Whether `length` pages, aligned to `align`, are free anywhere in the window. */
static bool place_exists(const struct api_reference *api, const struct ref_domain *domain,
                         struct ref_range window, uint64_t length, uint64_t align, bool whole)
{
    uint64_t first = (window.first + align - 1) / align * align;

    while (first <= window.last && window.last - first >= length - 1) {
        struct ref_range range = {first, first + length - 1};
        uint64_t next = behind_region(api, domain, range);

        if (next == 0) {
            next = behind_given(api, domain, range, whole);
        }
        if (next == 0) {
            return true;
        }
        first = (next + align - 1) / align * align;
    }
    return false;
}

/* Whole pages between min and max, inclusive, but page 0; first > last: none. */
static struct ref_range window_of(const struct api_reference *api, const struct ref_domain *domain,
                                  const struct ref_place *place)
{
    unsigned width = domain->width < api->width ? domain->width : api->width;
    uint64_t min = place->min != NULL ? *place->min : 0;
    uint64_t max = place->max != NULL ? *place->max : UINT64_MAX;
    struct ref_range window = {PAGE_OF(min) + !ALIGNED(min), LAST_PAGE};

    if (max != UINT64_MAX) {
        if (PAGE_OF(max + 1) == 0) {
            return (struct ref_range){1, 0};
        }
        window.last = PAGE_OF(max + 1) - 1;
    }
    if (window.first == 0) {
        window.first = 1;
    }
    if (window.last >= UINT64_C(1) << (width - PAGE_SHIFT)) {
        window.last = (UINT64_C(1) << (width - PAGE_SHIFT)) - 1;
    }
    return window;
}

static const char *judge_choice(const struct api_reference *api, const struct ref_domain *domain,
                                struct ref_range window, uint64_t pages, uint64_t address)
{
    struct ref_range range = {PAGE_OF(address), PAGE_OF(address) + pages - 1};

    if (!ALIGNED(address) || range.first % round_to_power(pages) != 0) {
        return "the address is not aligned to the size";
    }
    if (range.first < window.first || range.last > window.last || range.last < range.first) {
        return "the address is outside minimum, maximum or width";
    }
    if (!usable(api, range)) {
        return "the address is in the interrupt window or a region of firmware";
    }
    if (any_live(domain, range) || set_aside(api, domain, range)) {
        return "the address is in use";
    }
    return NULL;
}

/*
 * An allocator's answer. Failure is certain when no aligned range of that length is free; success,
 * when a whole aligned power of two is free even though every range given out takes one. Between
 * the two the answer decides.
 */
static NTSTATUS allocate(struct api_reference *api, const struct ref_domain *domain, uint64_t pages,
                         const struct ref_place *place, const struct ref_choice *choice,
                         uint64_t *address)
{
    struct ref_range window = window_of(api, domain, place);
    NTSTATUS none =
        place->min != NULL || place->max != NULL ? PARAMETER_MIX : STATUS_INSUFFICIENT_RESOURCES;

    if (window.first > window.last || pages > window.last - window.first + 1) {
        return none;
    }
    uint64_t power = round_to_power(pages);
    if (!place_exists(api, domain, window, pages, power, false) ||
        (choice->status == none && !place_exists(api, domain, window, power, power, true))) {
        return none;
    }
    if (NT_SUCCESS(choice->status)) {
        api->complaint = judge_choice(api, domain, window, pages, choice->address);
        *address = choice->address;
    }
    return STATUS_SUCCESS;
}

/* ---- Mapping ---- */

/* A place for `pages` pages: it does not wrap, and is usable. */
static bool place_usable(const struct api_reference *api, uint64_t address, uint64_t pages,
                         struct ref_range *range)
{
    range->first = PAGE_OF(address);
    range->last = range->first + pages - 1;
    return pages <= LAST_PAGE && range->last >= range->first && range->last <= LAST_PAGE &&
           usable(api, *range);
}

NTSTATUS ref_map(struct api_reference *api, ref_handle handle, ULONG permissions,
                 const struct ref_memory *memory, uint64_t address)
{
    struct ref_domain *domain = own_remapping_domain(api, handle);
    struct ref_range range;

    if (domain == NULL) {
        return PARAMETER_1;
    }
    if ((permissions & ~(ULONG)ALL_PERMISSIONS) != 0) {
        return PARAMETER_2;
    }
    if (memory->malformed) {
        return PARAMETER_3;
    }
    if (!ALIGNED(address) || !place_usable(api, address, memory->count, &range)) {
        return PARAMETER_4;
    }
    if (domain->width != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    if (!owned(api, memory)) {
        return DENIED;
    }
    if (any_live(domain, range) || set_aside(api, domain, range)) {
        return IN_USE;
    }
    add_pages(domain, range, 0, memory, permissions);
    return STATUS_SUCCESS;
}

static NTSTATUS map_chosen(struct api_reference *api, struct ref_domain *domain, ULONG permissions,
                           const struct ref_memory *memory, const struct ref_place *place,
                           const struct ref_choice *choice, IOMMU_DMA_LOGICAL_ADDRESS *out)
{
    uint64_t address = 0;
    NTSTATUS status = allocate(api, domain, memory->count, place, choice, &address);

    if (!owned(api, memory)) {
        /* Which of two failures is named when both hold is open. */
        api->open = !NT_SUCCESS(status);
        api->also = status;
        api->complaint = NULL;
        return DENIED;
    }
    if (NT_SUCCESS(status)) {
        uint64_t first = PAGE_OF(address);

        add_pages(domain, (struct ref_range){first, first + memory->count - 1}, 0, memory,
                  permissions);
        *out = address;
    }
    return status;
}

NTSTATUS ref_map_ex(struct api_reference *api, ref_handle handle, ULONG permissions,
                    const struct ref_memory *memory, const struct ref_place *place,
                    const struct ref_choice *choice, IOMMU_DMA_LOGICAL_ADDRESS *out)
{
    struct ref_domain *domain = own_remapping_domain(api, handle);
    NTSTATUS status;

    if (domain == NULL) {
        return PARAMETER_1;
    }
    if ((permissions & ~(ULONG)ALL_PERMISSIONS) != 0) {
        return PARAMETER_2;
    }
    if (memory->malformed) {
        return PARAMETER_3;
    }
    if (place->explicit != NULL && !ALIGNED(*place->explicit)) {
        return PARAMETER_4;
    }
    if (out == NULL) {
        return PARAMETER_7;
    }
    if (place->explicit == NULL) {
        return domain->width == 0
                   ? STATUS_NOT_SUPPORTED
                   : map_chosen(api, domain, permissions, memory, place, choice, out);
    }
    status = ref_map(api, handle, permissions, memory, *place->explicit);
    if (NT_SUCCESS(status)) {
        *out = *place->explicit;
    }
    return status;
}

NTSTATUS ref_unmap(struct api_reference *api, ref_handle handle, uint64_t address, uint64_t pages)
{
    struct ref_domain *domain = own_remapping_domain(api, handle);
    struct ref_range range = {PAGE_OF(address), PAGE_OF(address) + pages - 1};

    if (domain == NULL) {
        return PARAMETER_1;
    }
    if (!ALIGNED(address)) {
        return PARAMETER_2;
    }
    if (pages == 0 || pages > LAST_PAGE || range.last > LAST_PAGE) {
        return PARAMETER_3;
    }
    if (range.last == LAST_PAGE) {
        api->open = true; /* whether a range that ends with the address space overflows */
        api->also = PARAMETER_3;
    }
    if (set_aside(api, domain, range) || pages > domain->page_count || !all_live(domain, range)) {
        return PARAMETER_MIX;
    }
    if (domain->width != 0) {
        const struct ref_page *page = page_at(domain, range.first);

        if (page->mapping.first != range.first || page->mapping.last != range.last) {
            return PARAMETER_MIX;
        }
    }
    remove_pages(domain, range);
    return STATUS_SUCCESS;
}

static bool identities_usable(const struct api_reference *api, const struct ref_memory *memory)
{
    for (unsigned i = 0; i < memory->count; i++) {
        if (!usable(api, (struct ref_range){memory->frames[i], memory->frames[i]})) {
            return false;
        }
    }
    return true;
}

static bool identity_in_use(const struct api_reference *api, const struct ref_domain *domain,
                            const struct ref_memory *memory)
{
    for (unsigned i = 0; i < memory->count; i++) {
        struct ref_range page = {memory->frames[i], memory->frames[i]};

        if (any_live(domain, page) || set_aside(api, domain, page)) {
            return true;
        }
        for (unsigned j = 0; j < i; j++) {
            if (memory->frames[j] == memory->frames[i]) {
                return true;
            }
        }
    }
    return false;
}

NTSTATUS ref_map_identity(struct api_reference *api, ref_handle handle, ULONG permissions,
                          const struct ref_memory *memory)
{
    struct ref_domain *domain = own_domain(api, handle);

    if (domain == NULL || domain->type == DomainTypeUnmanaged) {
        return PARAMETER_1;
    }
    if ((permissions & ~(ULONG)ALL_PERMISSIONS) != 0) {
        return PARAMETER_2;
    }
    if (memory->malformed || !identities_usable(api, memory)) {
        return PARAMETER_3;
    }
    if (domain->type == DomainTypePassThrough) {
        return STATUS_SUCCESS;
    }
    if (domain->width != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    if (!owned(api, memory)) {
        return DENIED;
    }
    if (identity_in_use(api, domain, memory)) {
        return IN_USE;
    }
    for (unsigned i = 0; i < memory->count; i++) {
        struct ref_memory one = {false, 1, {memory->frames[i]}};
        struct ref_range page = {memory->frames[i], memory->frames[i]};

        add_pages(domain, page, 0, &one, permissions);
    }
    return STATUS_SUCCESS;
}

NTSTATUS ref_unmap_identity(struct api_reference *api, ref_handle handle,
                            const struct ref_memory *memory)
{
    struct ref_domain *domain = own_domain(api, handle);

    if (domain == NULL || domain->type == DomainTypeUnmanaged) {
        return PARAMETER_1;
    }
    if (memory->malformed) {
        return PARAMETER_2;
    }
    if (!identities_usable(api, memory)) {
        api->open = true; /* whether such addresses are checked here */
        api->also = PARAMETER_2;
    }
    if (domain->type == DomainTypePassThrough) {
        return STATUS_SUCCESS;
    }
    if (domain->width != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    for (unsigned i = 0; i < memory->count; i++) {
        struct ref_range page = {memory->frames[i], memory->frames[i]};

        if (set_aside(api, domain, page) || !any_live(domain, page)) {
            return PARAMETER_MIX;
        }
    }
    for (unsigned i = 0; i < memory->count; i++) {
        remove_pages(domain, (struct ref_range){memory->frames[i], memory->frames[i]});
    }
    return STATUS_SUCCESS;
}

/* ---- Reserved ranges ---- */

static bool size_fits(uint64_t size)
{
    return size != 0 && ALIGNED(size);
}

static NTSTATUS reserve_at(const struct api_reference *api, const struct ref_domain *domain,
                           struct ref_range range)
{
    return any_live(domain, range) || set_aside(api, domain, range) ? IN_USE : STATUS_SUCCESS;
}

static struct ref_token *free_token(struct api_reference *api)
{
    for (unsigned i = 0; i < REF_TOKENS; i++) {
        if (api->tokens[i].handle == 0) {
            return &api->tokens[i];
        }
    }
    model_violation("API reference: more than %u tokens", REF_TOKENS);
    return &api->tokens[0];
}

NTSTATUS ref_reserve(struct api_reference *api, ref_handle handle, uint64_t size,
                     const struct ref_place *place, const struct ref_choice *choice,
                     ref_handle *out, IOMMU_DMA_LOGICAL_ADDRESS_TOKEN *shown)
{
    struct ref_domain *domain = own_remapping_domain(api, handle);
    struct ref_range range = {0, 0};
    uint64_t pages = size >> PAGE_SHIFT, address = 0;
    NTSTATUS status;

    if (domain == NULL) {
        return PARAMETER_1;
    }
    if (!size_fits(size)) {
        return PARAMETER_2;
    }
    if (place->explicit != NULL && !ALIGNED(*place->explicit)) {
        return PARAMETER_3;
    }
    if (out == NULL) {
        return PARAMETER_6;
    }
    if (place->explicit != NULL && !place_usable(api, *place->explicit, pages, &range)) {
        return PARAMETER_3;
    }
    if (place->explicit != NULL && domain->width != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    if (place->explicit == NULL && domain->width == 0) {
        return STATUS_NOT_SUPPORTED;
    }
    if (domain->width != 0) {
        status = allocate(api, domain, pages, place, choice, &address);
        range.first = PAGE_OF(address);
        range.last = range.first + pages - 1;
    } else {
        status = reserve_at(api, domain, range);
    }
    if (NT_SUCCESS(status)) {
        *out = ++api->last_handle;
        *free_token(api) = (struct ref_token){*out, handle, range};
        shown->LogicalAddressBase = range.first << PAGE_SHIFT;
        shown->Size = size;
    }
    return status;
}

NTSTATUS ref_free_reserved(struct api_reference *api, ref_handle handle)
{
    struct ref_token *token = own_token(api, handle);

    if (token == NULL) {
        return PARAMETER_1;
    }
    if (any_live(own_domain(api, token->domain), token->range)) {
        return IN_USE;
    }
    token->handle = 0;
    return STATUS_SUCCESS;
}

/* False: not wholly inside the token. */
static bool segment_range(const struct ref_token *token, uint64_t offset, uint64_t size,
                          struct ref_range *range)
{
    uint64_t pages = token->range.last - token->range.first + 1;

    range->first = token->range.first + PAGE_OF(offset);
    range->last = range->first + PAGE_OF(size) - 1;
    return PAGE_OF(offset) < pages && PAGE_OF(size) <= pages - PAGE_OF(offset);
}

NTSTATUS ref_map_reserved(struct api_reference *api, ref_handle handle, uint64_t offset,
                          ULONG permissions, const struct ref_memory *memory,
                          struct ref_segment *out)
{
    const struct ref_token *token = own_token(api, handle);
    struct ref_range range;

    if (token == NULL) {
        return PARAMETER_1;
    }
    if (!ALIGNED(offset)) {
        return PARAMETER_2;
    }
    if ((permissions & ~(ULONG)ALL_PERMISSIONS) != 0) {
        return PARAMETER_3;
    }
    if (memory->malformed) {
        return PARAMETER_4;
    }
    if (out == NULL) {
        return PARAMETER_5;
    }
    if (!segment_range(token, offset, (uint64_t)memory->count << PAGE_SHIFT, &range)) {
        return PARAMETER_MIX;
    }
    if (!owned(api, memory)) {
        return DENIED;
    }
    struct ref_domain *domain = own_domain(api, token->domain);
    if (any_live(domain, range)) {
        return IN_USE;
    }
    add_pages(domain, range, handle, memory, permissions);
    *out = (struct ref_segment){handle, offset, (uint64_t)memory->count << PAGE_SHIFT};
    return STATUS_SUCCESS;
}

NTSTATUS ref_unmap_reserved(struct api_reference *api, struct ref_segment *segment)
{
    const struct ref_token *token;
    struct ref_domain *domain;
    struct ref_range range;

    if (segment == NULL) {
        return PARAMETER_1;
    }
    token = own_token(api, segment->token);
    if (token == NULL || !size_fits(segment->size) || !ALIGNED(segment->offset) ||
        !segment_range(token, segment->offset, segment->size, &range)) {
        return STATUS_INVALID_PARAMETER;
    }
    domain = own_domain(api, token->domain);
    if (!all_live(domain, range)) {
        return STATUS_INVALID_PARAMETER;
    }
    remove_pages(domain, range);
    *segment = (struct ref_segment){0, 0, 0};
    return STATUS_SUCCESS;
}
