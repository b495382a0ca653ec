/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: unmanaged domains, configuration, flushes. */
#include "tests/api/api.h"

static DOMAIN_CONFIGURATION configuration_of(DOMAIN_CONFIGURATION_ARCH arch)
{
    DOMAIN_CONFIGURATION out = {.Type = arch};

    return out;
}

void api_configure_managed(struct api *api)
{
    DOMAIN_CONFIGURATION x64 = configuration_of(DomainConfigurationX64);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate), first = NULL;

    GIVES(STATUS_SUCCESS, api->v1.CreateDomain(TRUE, &first));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.ConfigureDomain(domain, &x64));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v1.ConfigureDomain(first, &x64));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.ConfigureDomain(domain, NULL));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.ConfigureDomain(NULL, NULL));
    api_delete_domain(api, domain);
    api_delete_domain(api, first);
}

void api_configure_x64(struct api *api)
{
    DOMAIN_CONFIGURATION x64 = configuration_of(DomainConfigurationX64);
    DOMAIN_CONFIGURATION none = configuration_of(DomainConfigurationInvalid);
    DOMAIN_CONFIGURATION wild = configuration_of((DOMAIN_CONFIGURATION_ARCH)77);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeUnmanaged);

    x64.X64.TranslationEnabled = TRUE;
    x64.X64.FirstLevelPageTableRoot.QuadPart = (LONGLONG)api_physical(api, 0);
    GIVES(STATUS_NOT_SUPPORTED, api->v2.ConfigureDomain(domain, &x64));
    GIVES(STATUS_NOT_SUPPORTED, api->v1.ConfigureDomain(domain, &x64));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.ConfigureDomain(domain, &none));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.ConfigureDomain(domain, &wild));
    GIVES(STATUS_INVALID_PARAMETER_2, api->v2.ConfigureDomain(domain, NULL));
    api_delete_domain(api, domain);
}

/* Also once a configuration was refused. */
void api_unmanaged_blocks(struct api *api)
{
    DOMAIN_CONFIGURATION x64 = configuration_of(DomainConfigurationX64);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeUnmanaged);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_attach(api, domain, device);
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    HOLDS(api_read(api, 0, API_AT) == API_REFUSED);
    GIVES(STATUS_NOT_SUPPORTED, api->v2.ConfigureDomain(domain, &x64));
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

/* ARM64's tables are not walked here: the configuration is refused and nothing passes. */
void api_configure_bypass(struct api *api)
{
    DOMAIN_CONFIGURATION arm64 = configuration_of(DomainConfigurationArm64);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeUnmanaged);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_attach(api, domain, device);
    GIVES(STATUS_NOT_SUPPORTED, api->v2.ConfigureDomain(domain, &arm64));
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

/* No table of the caller's: a flush succeeds and opens nothing. */
void api_flush_renews(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeUnmanaged);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);

    api_attach(api, domain, device);
    GIVES(STATUS_SUCCESS, api->v2.FlushDomain(domain));
    GIVES(STATUS_SUCCESS, api->v1.FlushDomain(domain));
    HOLDS(api_stopped(api, 0, api_physical(api, 0), 0));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
}

void api_flush_listed(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeUnmanaged);
    ULONG_PTR list[3] = {API_AT, API_AT + PAGE_SIZE, 0x1000}, odd[2] = {API_AT, API_AT + 8};

    for (BOOLEAN last = FALSE; last <= TRUE; last++) {
        GIVES(STATUS_SUCCESS, api->v2.FlushDomainByVaList(domain, last, 3, list));
        GIVES(STATUS_SUCCESS, api->v1.FlushDomainByVaList(domain, last, 0, NULL));
        GIVES(STATUS_INVALID_PARAMETER_4, api->v2.FlushDomainByVaList(domain, last, 2, odd));
        GIVES(STATUS_INVALID_PARAMETER_4, api->v2.FlushDomainByVaList(domain, last, 1, NULL));
    }
    api_delete_domain(api, domain);
}

void api_flush_managed(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    ULONG_PTR list[1] = {API_AT};

    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.FlushDomain(domain));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v1.FlushDomain(domain));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.FlushDomain(NULL));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.FlushDomainByVaList(domain, TRUE, 1, list));
    GIVES(STATUS_INVALID_PARAMETER_1, api->v2.FlushDomainByVaList(NULL, TRUE, 1, NULL));
    api_delete_domain(api, domain);
}

/* Whoever holds a lock, a flush comes back: every lock that there is is held. */
void api_flush_high(struct api *api)
{
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeUnmanaged);
    ULONG_PTR list[1] = {API_AT};

    api_locks(api, true);
    NTSTATUS all = api->v2.FlushDomain(domain);
    NTSTATUS listed = api->v2.FlushDomainByVaList(domain, TRUE, 1, list);
    api_locks(api, false);
    GIVES(STATUS_SUCCESS, all);
    GIVES(STATUS_SUCCESS, listed);
    api_delete_domain(api, domain);
}
