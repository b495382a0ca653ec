/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Behaviours: acquisition. */
#include "tests/api/api.h"

#include <string.h>

/* Every byte as before; the last is beyond any version. */
static DMA_IOMMU_INTERFACE_EX canary(void)
{
    DMA_IOMMU_INTERFACE_EX table;

    memset(&table, 0xA5, sizeof table);
    return table;
}

static bool is_canary(const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((const unsigned char *)bytes)[i] != 0xA5)
            return false;
    return true;
}

/* Counts the routines of a table: pointers from V1, V2, V3 on. */
static bool has_routines(const DMA_IOMMU_INTERFACE_EX *table, unsigned count)
{
    uintptr_t routines[27];

    memcpy(routines, &table->V1, count * sizeof *routines);
    for (unsigned i = 0; i < count; i++)
        if (!routines[i] || is_canary(&routines[i], sizeof routines[i]))
            return false;
    return true;
}

void api_acquire_tables(struct api *api)
{
    static const struct {
        SIZE_T size;
        unsigned routines;
    } versions[] = {{0x78, 13}, {0xC0, 22}, {0xE8, 27}};

    for (ULONG i = 0; i < 3; i++) {
        DMA_IOMMU_INTERFACE_EX table = canary();

        GIVES(STATUS_SUCCESS, IoGetIommuInterfaceEx(i + 1, 0, &table));
        HOLDS(table.Version == i + 1);
        HOLDS(table.Size == versions[i].size);
        HOLDS(has_routines(&table, versions[i].routines));
    }
}

void api_acquire_size(struct api *api)
{
    static const size_t sizes[] = {DMA_IOMMU_INTERFACE_EX_V1_SIZE, DMA_IOMMU_INTERFACE_EX_V2_SIZE};

    for (ULONG i = 0; i < 2; i++) {
        DMA_IOMMU_INTERFACE_EX table = canary();

        GIVES(STATUS_SUCCESS, IoGetIommuInterfaceEx(i + 1, 0, &table));
        HOLDS(is_canary((const char *)&table + sizes[i], sizeof table - sizes[i]));
    }
}

void api_acquire_versions(struct api *api)
{
    DMA_IOMMU_INTERFACE_EX table = canary();
    DMA_IOMMU_INTERFACE legacy;

    memset(&legacy, 0xA5, sizeof legacy);
    GIVES(STATUS_INVALID_PARAMETER_1, IoGetIommuInterfaceEx(0, 0, &table));
    GIVES(STATUS_INVALID_PARAMETER_1,
          IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_MAX + 1, 0, &table));
    GIVES(STATUS_INVALID_PARAMETER_1, IoGetIommuInterfaceEx(UINT32_MAX, 0, &table));
    GIVES(STATUS_INVALID_PARAMETER_1, IoGetIommuInterface(0, &legacy));
    GIVES(STATUS_INVALID_PARAMETER_1, IoGetIommuInterface(2, &legacy));
    HOLDS(is_canary(&table, sizeof table));
    HOLDS(is_canary(&legacy, sizeof legacy));
}

void api_acquire_flags(struct api *api)
{
    DMA_IOMMU_INTERFACE_EX table = canary();

    for (ULONG version = 1; version <= 3; version++) {
        GIVES(STATUS_INVALID_PARAMETER_2, IoGetIommuInterfaceEx(version, 1, &table));
        GIVES(STATUS_INVALID_PARAMETER_2,
              IoGetIommuInterfaceEx(version, UINT64_C(1) << 63, &table));
        GIVES(STATUS_INVALID_PARAMETER_3, IoGetIommuInterfaceEx(version, 0, NULL));
    }
    GIVES(STATUS_INVALID_PARAMETER_2, IoGetIommuInterface(1, NULL));
    HOLDS(is_canary(&table, sizeof table));
}

/* The same routines, and a life of a domain through them. */
void api_acquire_prefix(struct api *api)
{
    DMA_IOMMU_INTERFACE_V2 kept = api->v2;

    memcpy(&api->v2, &api->v3, sizeof api->v2);
    PIOMMU_DMA_DOMAIN domain = api_domain(api, DomainTypeTranslate);
    PIOMMU_DMA_DEVICE device = api_device(api, 0);
    GIVES(STATUS_SUCCESS, api_map(api, domain, 0, 1, API_AT, API_BOTH));
    api_attach(api, domain, device);
    HOLDS(api_lands(api, 0, API_AT, 0));
    api->v2 = kept;
    GIVES(STATUS_SUCCESS, api->v2.UnmapLogicalRange(domain, API_AT, 1));
    api_detach(api, device);
    api_delete_device(api, device);
    api_delete_domain(api, domain);
    HOLDS(!memcmp(&kept, &api->v3, sizeof kept));
}

void api_acquire_legacy(struct api *api)
{
    DMA_IOMMU_INTERFACE legacy;
    PIOMMU_DMA_DOMAIN domain = NULL;

    memset(&legacy, 0xA5, sizeof legacy);
    GIVES(STATUS_SUCCESS, IoGetIommuInterface(1, &legacy));
    HOLDS(*(const ULONG *)(const void *)&legacy == 1);
    HOLDS(!memcmp((const char *)&legacy + 8, &api->v1, sizeof api->v1));
    if (GIVES(STATUS_SUCCESS, legacy.CreateDomain(TRUE, &domain)))
        GIVES(STATUS_SUCCESS, legacy.DeleteDomain(domain));
}
