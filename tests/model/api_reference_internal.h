/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_API_REFERENCE_INTERNAL_H
#define MODEL_API_REFERENCE_INTERNAL_H

#include "api_reference.h"

#include "machine.h"

#include <string.h>

#define PAGE_OF(address) ((address) >> PAGE_SHIFT)
#define ALIGNED(address) (((address) & (PAGE_SIZE - 1)) == 0)
#define ALL_PERMISSIONS  (IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE)
#define LAST_PAGE        PAGE_OF(UINT64_MAX)

#define DENIED           STATUS_ACCESS_DENIED
#define IN_USE           STATUS_RESOURCE_IN_USE
#define PARAMETER_1      STATUS_INVALID_PARAMETER_1
#define PARAMETER_2      STATUS_INVALID_PARAMETER_2
#define PARAMETER_3      STATUS_INVALID_PARAMETER_3
#define PARAMETER_4      STATUS_INVALID_PARAMETER_4
#define PARAMETER_5      STATUS_INVALID_PARAMETER_5
#define PARAMETER_6      STATUS_INVALID_PARAMETER_6
#define PARAMETER_7      STATUS_INVALID_PARAMETER_7
#define PARAMETER_MIX    STATUS_INVALID_PARAMETER_MIX

static const struct ref_range interrupt_window = {0xFEE00, 0xFEEFF};

/* The caller's. */
static inline struct ref_domain *own_domain(struct api_reference *api, ref_handle handle)
{
    struct ref_domain *domain = (struct ref_domain *)(uintptr_t)ref_domain_of(api, handle);

    return domain != NULL && domain->owner == api->caller ? domain : NULL;
}

static inline struct ref_domain *own_remapping_domain(struct api_reference *api, ref_handle handle)
{
    struct ref_domain *domain = own_domain(api, handle);

    return domain != NULL && domain->type == DomainTypeTranslate ? domain : NULL;
}

static inline struct ref_device *own_device(struct api_reference *api, ref_handle handle)
{
    for (unsigned i = 0; handle != 0 && i < REF_ENDPOINTS; i++) {
        if (api->devices[i].used && api->devices[i].handle == handle) {
            return api->endpoints[i].owner == api->caller ? &api->devices[i] : NULL;
        }
    }
    return NULL;
}

static inline struct ref_token *own_token(struct api_reference *api, ref_handle handle)
{
    const struct ref_token *token = ref_token_of(api, handle);

    return token != NULL && own_domain(api, token->domain) != NULL
               ? (struct ref_token *)(uintptr_t)token
               : NULL;
}

static inline bool own_pdo(const struct api_reference *api, unsigned pdo)
{
    return pdo != 0 && pdo <= REF_ENDPOINTS && api->endpoints[pdo - 1].owner == api->caller;
}

static inline unsigned endpoint_of(const struct api_reference *api, const struct ref_device *device)
{
    return (unsigned)(device - api->devices);
}

/* ---- Ranges ---- */

static inline bool meets(struct ref_range a, struct ref_range b)
{
    return a.first <= b.last && b.first <= a.last;
}

static inline bool meets_firmware(const struct api_reference *api, struct ref_range range)
{
    for (unsigned i = 0; i < REF_ENDPOINTS; i++) {
        if (api->endpoints[i].firmware.first <= api->endpoints[i].firmware.last &&
            meets(range, api->endpoints[i].firmware)) {
            return true;
        }
    }
    return false;
}

/* Within the units' width, outside the interrupt window and of what firmware reserves. */
static inline bool usable(const struct api_reference *api, struct ref_range range)
{
    return range.last < UINT64_C(1) << (api->width - PAGE_SHIFT) &&
           !meets(range, interrupt_window) && !meets_firmware(api, range);
}

/* Beyond the window of the domain's allocator. */
static inline bool beyond_window(const struct ref_domain *domain, struct ref_range range)
{
    return domain->width != 0 && range.last >= UINT64_C(1) << (domain->width - PAGE_SHIFT);
}

/* Of a caller's region or of a token: no call but the token's own works there. */
static inline bool set_aside(const struct api_reference *api, const struct ref_domain *domain,
                             struct ref_range range)
{
    for (unsigned i = 0; i < domain->region_count; i++) {
        if (meets(range, domain->regions[i].range)) {
            return true;
        }
    }
    for (unsigned i = 0; i < REF_TOKENS; i++) {
        if (api->tokens[i].handle != 0 && api->tokens[i].domain == domain->handle &&
            meets(range, api->tokens[i].range)) {
            return true;
        }
    }
    return false;
}

static inline struct ref_page *page_at(const struct ref_domain *domain, uint64_t page)
{
    for (unsigned i = 0; i < domain->page_count; i++) {
        if (domain->pages[i].page == page) {
            return (struct ref_page *)(uintptr_t)&domain->pages[i];
        }
    }
    return NULL;
}

static inline bool any_live(const struct ref_domain *domain, struct ref_range range)
{
    for (unsigned i = 0; i < domain->page_count; i++) {
        if (domain->pages[i].page >= range.first && domain->pages[i].page <= range.last) {
            return true;
        }
    }
    return false;
}

static inline bool all_live(const struct ref_domain *domain, struct ref_range range)
{
    for (uint64_t page = range.first; page <= range.last; page++) {
        if (page_at(domain, page) == NULL) {
            return false;
        }
    }
    return true;
}

static inline bool owned(const struct api_reference *api, const struct ref_memory *memory)
{
    for (unsigned i = 0; i < memory->count; i++) {
        uint64_t frame = memory->frames[i];

        if (frame > LAST_PAGE || model_owner(frame << PAGE_SHIFT) != api->caller ||
            (frame >= interrupt_window.first && frame <= interrupt_window.last)) {
            return false;
        }
    }
    return true;
}

#endif
