/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

/*
 * Where data is read to: NVME_SLOTS places of NVME_TRANSFER_MAX bytes, each with a PRP List that
 * never changes. Option nvme=map: a place is a slot's own, mapped for each transfer alone.
 * nvme=pool: the places are a pool's buffers, which stay mapped.
 */

/* Buffers of this file; controller.c has 0 to 4. The pool takes the stretches of all slots. */
enum { BUFFER_PRP_LISTS = 5, BUFFER_SLOTS = 8 };

_Static_assert(NVME_SLOTS < DRIVER_POOL_TAKEN, "a place for each slot");

static uint64_t logical_of(const struct nvme *nvme, uint16_t place)
{
    return nvme->pooled ? driver_pool_logical(&nvme->pool, place)
                        : nvme->slots[place].buffer.logical;
}

static bool open_pool(struct nvme *nvme)
{
    struct nvme_buffer *buffer = &nvme->pool_buffer;

    return nvme_reserved_open(nvme, buffer, BUFFER_SLOTS, NVME_SLOTS * NVME_TRANSFER_PAGES) &&
           nvme_pool_open(nvme, &nvme->pool, buffer, nvme->pool_links, NVME_SLOTS);
}

static bool open_slots(struct nvme *nvme)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++)
        if (!nvme_buffer_open(nvme, &nvme->slots[i].buffer, BUFFER_SLOTS + i, NVME_TRANSFER_PAGES))
            return false;
    return true;
}

/* Each list names all pages of its place but the first: "Physical Region Page Entry and List". */
static void write_lists(struct nvme *nvme)
{
    uint64_t *list = nvme->prp_lists.memory.address;

    for (uint16_t i = 0; i < NVME_SLOTS; i++, list += NVME_PRP_LIST_ENTRIES)
        for (unsigned page = 1; page < NVME_TRANSFER_PAGES; page++)
            list[page - 1] = logical_of(nvme, i) + (uint64_t)page * PAGE_SIZE;
}

bool nvme_data_open(struct nvme *nvme)
{
    if (!nvme_reserved_open(nvme, &nvme->prp_lists, BUFFER_PRP_LISTS, 1) ||
        !(nvme->pooled ? open_pool(nvme) : open_slots(nvme)))
        return false;
    write_lists(nvme);
    return nvme_reserved_map(nvme, &nvme->prp_lists, IOMMU_ACCESS_READ);
}

void nvme_data_close(struct nvme *nvme)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        struct nvme_slot *slot = &nvme->slots[i];

        if (slot->held)
            nvme_data_release(nvme, slot);
        nvme_buffer_close(nvme, &slot->buffer);
    }
    nvme_pool_close(nvme, &nvme->pool, &nvme->pool_buffer);
    nvme_buffer_close(nvme, &nvme->prp_lists);
}

bool nvme_data_begin(struct nvme *nvme, struct nvme_slot *slot, size_t pages)
{
    slot->place = (uint16_t)(slot - nvme->slots);
    if (!nvme->pooled && !nvme_buffer_map(nvme, &slot->buffer, pages, IOMMU_ACCESS_WRITE))
        return false;
    if (nvme->pooled) {
        slot->place = driver_pool_take(&nvme->pool);
        if (slot->place == DRIVER_POOL_NONE)
            return nvme_fail(nvme, "the pool has no buffer left");
    }
    slot->held = true;
    return true;
}

void nvme_data_set_prps(const struct nvme *nvme, const struct nvme_slot *slot, size_t pages,
                        struct nvme_command *command)
{
    uint64_t logical = logical_of(nvme, slot->place);
    uint64_t list_bytes = NVME_PRP_LIST_ENTRIES * sizeof(uint64_t);

    command->prp[0] = logical;
    if (pages == 2)
        command->prp[1] = logical + PAGE_SIZE;
    else if (pages > 2)
        command->prp[1] = nvme->prp_lists.logical + slot->place * list_bytes;
}

const void *nvme_data_end(struct nvme *nvme, struct nvme_slot *slot)
{
    if (nvme->pooled)
        return driver_pool_address(&nvme->pool, slot->place);
    return nvme_buffer_unmap(nvme, &slot->buffer) ? slot->buffer.memory.address : NULL;
}

void nvme_data_release(struct nvme *nvme, struct nvme_slot *slot)
{
    slot->held = false;
    if (nvme->pooled && !driver_pool_give(&nvme->pool, slot->place))
        (void)nvme_fail(nvme, "the pool does not take a buffer back");
}
