/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_IOMMU_FIXTURE_H
#define TESTS_HOST_IOMMU_FIXTURE_H

#include "arch/memory.h"
#include "arch/table.h"
#include "drivers/iommu/wdm/wdm_iommu.h"
#include "lib/owner.h"
#ifdef UNIT_AMDVI
#include "tests/host/unit_amdvi.h"
#else
#include "tests/host/unit_vtd.h"
#endif

#include <stdlib.h>

/*
 * The driver's unchanged source on a modelled unit: four functions behind one unit that covers all
 * of segment 0; 00:02.0 and 00:03.0 alone, 01:00.0 and 01:01.0 behind a bridge whose requester ID
 * they share.
 */
enum { FIRST, SECOND, BEHIND_A, BEHIND_B, FUNCTIONS };

#define BRIDGE_ID   PCI_BDF(1, 0, 0)
#define OWNER_ONE   ((owner_t)(OWNER_DRIVER + 1))
#define OWNER_TWO   ((owner_t)(OWNER_DRIVER + 2))
#define REGION_BASE UINT64_C(0x01800000)
#define READ_WRITE  (IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE)

static struct {
    unit_t unit, second; /* the other one, if there is one, is before SECOND alone */
    struct pci_inventory pci;
    unit_driver_t driver;
    struct iommu iommu;
    DMA_IOMMU_INTERFACE_V2 api;
} on;

struct options {
    unit_config_t unit;
    struct unit_plan plan;
    /* What firmware left on before the driver starts. NULL: nothing. */
    void (*firmware)(unit_t *unit);
    void (*functions)(void); /* changes on.pci before the driver sees it. NULL: nothing. */
};

#define OPTIONS_DEFAULT ((struct options){.unit = UNIT_DEFAULT})

static inline void add_function(unsigned index, pci_bdf_t bdf, unsigned leader)
{
    on.pci.functions[index] = (struct pci_function){
        .bdf = bdf, .parent = PCI_NONE, .port = PCI_RC_ENDPOINT, .group_leader = (uint16_t)leader};
    on.pci.count = index + 1;
}

static inline void add_functions(void)
{
    memset(&on.pci, 0, sizeof on.pci);
    add_function(FIRST, FIRST_ID, FIRST);
    add_function(SECOND, SECOND_ID, SECOND);
    add_function(BEHIND_A, PCI_BDF(1, 4, 0), BEHIND_A);
    add_function(BEHIND_B, PCI_BDF(1, 5, 0), BEHIND_A);
    for (unsigned i = BEHIND_A; i <= BEHIND_B; i++) {
        on.pci.functions[i].aliases[0] = BRIDGE_ID;
        on.pci.functions[i].alias_count = 1;
    }
}

static inline void as(owner_t owner)
{
    (void)owner_enter(owner);
}

/* Power-on, and what firmware has done since. */
static inline void power_on(const struct options *options)
{
    model_reset();
    ecam_reset();
    (void)ecam_add_segment(0, ECAM_BASE, 3);
    as(OWNER_IMAGE);
    add_functions();
    if (options->functions)
        options->functions();
    unit_create(&on.unit, &options->unit, 0, &on.pci);
    unsigned own = on.pci.count;
    if (options->plan.two_units)
        unit_create(&on.second, &options->unit, 1, &on.pci);
    for (unsigned i = own; i < on.pci.count; i++)
        on.pci.functions[i].segment = options->plan.second;
    if (options->firmware)
        options->firmware(&on.unit);
}

/* With firmware's table as given. */
static inline void start_from(const struct options *options, const struct acpi_table *table)
{
    DMA_IOMMU_INTERFACE_EX interface;
    const char *reason;

    power_on(options);
    iommu_init(&on.iommu, &on.pci);
    on.iommu.announced = true;
    assert_true(unit_discover(&on.driver, table, &on.iommu, &reason));
    iommu_enable(&on.iommu);
    /* Bring-up may name every requester and every domain: more commands than a model defers. */
    on.unit.evictions = on.second.evictions = 0;
    wdm_start(&on.iommu);
    assert_int_equal(IoGetIommuInterfaceEx(2, 0, &interface), STATUS_SUCCESS);
    on.api = interface.V2;
    for (uint16_t i = 0; i < FUNCTIONS; i++)
        iommu_bind(&on.iommu, i, OWNER_ONE);
    as(OWNER_ONE);
}

static inline void start(const struct options *options)
{
    uint8_t bytes[UNIT_TABLE_MAX];
    struct acpi_table table = {bytes, unit_table(bytes, &options->unit, &options->plan)};

    start_from(options, &table);
}

/* The models have judged as strictly as they can: nothing was evicted, no history was lost. */
static inline bool judged_strictly(void)
{
    return !on.unit.evictions && !on.second.evictions && !model_history_lost();
}

static inline void no_violation(void)
{
    if (model_violations())
        fail_msg("%s", model_violation_text(0));
    if (!judged_strictly())
        fail_msg("the model ran out of room: it was less strict than it can be");
}

static inline PIOMMU_DMA_DOMAIN new_domain(void)
{
    PIOMMU_DMA_DOMAIN domain = NULL;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {.AsUlonglong = 0};

    assert_int_equal(on.api.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL, &domain),
                     STATUS_SUCCESS);
    return domain;
}

static inline PIOMMU_DMA_DEVICE new_device(uint16_t endpoint)
{
    PIOMMU_DMA_DEVICE device = NULL;

    assert_int_equal(on.api.CreateDevice(wdm_pdo(endpoint), NULL, &device), STATUS_SUCCESS);
    return device;
}

static inline NTSTATUS map_range(PIOMMU_DMA_DOMAIN domain, uint64_t address, uint64_t physical,
                                 uint64_t length, ULONG permissions)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};
    IOMMU_DMA_LOGICAL_ADDRESS wanted = address, out = 0;

    source.ContiguousRange.Base.QuadPart = (LONGLONG)physical;
    source.ContiguousRange.Size = length;
    NTSTATUS status =
        on.api.MapLogicalRangeEx(domain, permissions, &source, &wanted, NULL, NULL, &out);
    assert_true(out == (NT_SUCCESS(status) ? address : 0));
    return status;
}

static inline NTSTATUS unmap_range(PIOMMU_DMA_DOMAIN domain, uint64_t address, uint64_t length)
{
    return on.api.UnmapLogicalRange(domain, address, length / PAGE_SIZE);
}

static inline enum model_dma_result dma(pci_bdf_t requester, uint64_t address, bool write)
{
    uint8_t byte = 0x5A;

    return unit_dma(&on.unit, requester, address, write, &byte, 1);
}

static inline bool reaches(pci_bdf_t requester, uint64_t address, bool write)
{
    bool by_tables = unit_translate(&on.unit, requester, address, write, NULL) == MODEL_DMA_ALLOWED;
    bool by_unit = dma(requester, address, write) == MODEL_DMA_ALLOWED;

    if (by_unit != by_tables)
        fail_msg("%04x at 0x%llx: the unit %s, the tables %s", requester,
                 (unsigned long long)address, by_unit ? "allows" : "refuses",
                 by_tables ? "allow" : "refuse");
    return by_unit;
}

static inline uint64_t own_pages(owner_t owner, size_t pages)
{
    void *memory = memory_alloc(owner, pages, 0);

    assert_non_null(memory);
    return memory_physical(memory);
}

#endif
