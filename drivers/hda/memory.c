/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

#define WORDS_OF_PAGE (PAGE_SIZE / sizeof(uint64_t))

/* Logical addresses fit 39 bits, the least that a unit translates. */
#define LOGICAL_LOW  ((uint64_t)1 << 30)
#define LOGICAL_HIGH ((uint64_t)1 << 38)

_Static_assert(PAGE_SOUND_LAST - PAGE_SOUND + 1 == HDA_SOUND_PAGES, "pages of sound");

void *hda_address(const struct hda *hda, enum hda_page page)
{
    return (char *)hda->memory.address + (size_t)page * PAGE_SIZE;
}

uint64_t hda_physical(const struct hda *hda, enum hda_page page)
{
    return hda->memory.physical + (uint64_t)page * PAGE_SIZE;
}

/* Odd: neither silence nor a refused read is. */
static uint64_t canary(const struct hda *hda, unsigned page, size_t word)
{
    uint64_t seed = (uint64_t)page << 48 | (uint64_t)hda->salt << 16 | word;

    seed = (seed ^ seed >> 31) * UINT64_C(0x9E3779B97F4A7C15);
    seed = (seed ^ seed >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    return seed | 1;
}

void hda_fill(struct hda *hda, unsigned pages)
{
    for (unsigned page = 0; page < HDA_PAGES; page++) {
        uint64_t *words = hda_address(hda, page);

        for (size_t i = 0; (pages & HDA_PAGE(page)) != 0 && i < WORDS_OF_PAGE; i++)
            words[i] = canary(hda, page, i);
    }
}

bool hda_intact(const struct hda *hda, unsigned but)
{
    for (unsigned page = 0; page < HDA_PAGES; page++) {
        const uint64_t *words = hda_address(hda, page);

        for (size_t i = 0; (but & HDA_PAGE(page)) == 0 && i < WORDS_OF_PAGE; i++)
            if (words[i] != canary(hda, page, i))
                return false;
    }
    return true;
}

bool hda_memory_open(struct hda *hda)
{
    struct driver_device *device = hda->device;

    if (!device->services->memory_alloc(device, HDA_PAGES, &hda->memory))
        return hda_fail(hda, "no memory");
    hda->logical = hda->memory.physical < LOGICAL_HIGH ? LOGICAL_HIGH : LOGICAL_LOW;
    return true;
}

PMDL hda_mdl_build(struct hda *hda, struct hda_mdl *mdl, enum hda_page first, size_t pages)
{
    PMDL head = (PMDL)(void *)mdl->bytes;

    MmInitializeMdl(head, hda_address(hda, first), pages * PAGE_SIZE);
    driver_build_mdl(&hda->memory, head);
    return head;
}

IOMMU_MAP_PHYSICAL_ADDRESS hda_by_mdl(PMDL mdl)
{
    IOMMU_MAP_PHYSICAL_ADDRESS what = {.MapType = MapPhysicalAddressTypeMdl};

    what.Mdl.Mdl = mdl;
    return what;
}

IOMMU_MAP_PHYSICAL_ADDRESS hda_by_range(const struct hda *hda, enum hda_page first, size_t pages)
{
    return (IOMMU_MAP_PHYSICAL_ADDRESS){
        .MapType = MapPhysicalAddressTypeContiguousRange,
        .ContiguousRange = {.Base = {.QuadPart = (LONGLONG)hda_physical(hda, first)},
                            .Size = pages * PAGE_SIZE},
    };
}

IOMMU_MAP_PHYSICAL_ADDRESS hda_by_frames(PPFN_NUMBER frames, size_t pages)
{
    return (IOMMU_MAP_PHYSICAL_ADDRESS){
        .MapType = MapPhysicalAddressTypePfn,
        .PfnArray = {.PageFrame = frames, .NumberOfPages = pages},
    };
}
