/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_BEHAVIOUR_FIXTURE_H
#define TESTS_HOST_BEHAVIOUR_FIXTURE_H

#include "tests/api/api.h"
#include "tests/host/iommu_fixture.h"

/* The behaviours of tests/api/ on the modelled unit: a word of memory in each device, and a fresh
 * machine. */
static uint64_t buffers[API_DEVICES];
static struct api_machine machine;
static struct api api;

/* The unit's answer, and that of the tables as they stand in memory. */
static inline bool transfer(struct api *of, unsigned index, bool write, uint64_t address)
{
    pci_bdf_t id = on.pci.functions[of->endpoints[index]].bdf;
    enum model_dma_result by_tables = unit_translate(&on.unit, id, address, write, NULL);
    enum model_dma_result by_unit =
        unit_dma(&on.unit, id, address, write, &buffers[index], sizeof *buffers);

    return by_unit == by_tables && (by_unit == MODEL_DMA_ALLOWED || by_unit == MODEL_DMA_REFUSED);
}

/* The devices are `first` and `second`; no behaviour uses `spare` otherwise. */
static inline bool begin_behaviours(const struct options *options, uint16_t first, uint16_t second,
                                    uint16_t spare)
{
    start(options);
    as(OWNER_IMAGE);
    for (uint16_t i = 0; i < FUNCTIONS; i++)
        iommu_bind(&on.iommu, i, OWNER_FREE);
    memset(buffers, 0, sizeof buffers);
    machine = (struct api_machine){.transfer = transfer,
                                   .fail_allocation = model_fail_allocation,
                                   .attach_allocates = UNIT_ATTACH_FRAMES};
    api = (struct api){.iommu = &on.iommu,
                       .machine = &machine,
                       .owner = OWNER_ONE,
                       .other = OWNER_TWO,
                       .endpoints = {first, second},
                       .device_count = 2,
                       .spare = spare,
                       .on_host = true};
    return api_begin(&api);
}

#endif
