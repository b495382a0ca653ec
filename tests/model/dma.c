/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "dma.h"

#include <string.h>

enum model_dma_result model_dma_split(model_dma_piece piece, void *unit, uint16_t requester,
                                      uint64_t iova, bool write, void *buffer, size_t length)
{
    enum model_dma_result result = MODEL_DMA_ALLOWED;
    unsigned char *bytes = buffer;

    while (length != 0 && result == MODEL_DMA_ALLOWED) {
        size_t room = (size_t)(FRAME_SIZE - iova % FRAME_SIZE);
        size_t now = length < room ? length : room;
        result = piece(unit, requester, iova, write, bytes, now);
        iova += now;
        bytes += now;
        length -= now;
    }
    return result;
}

enum model_dma_result model_dma_copy(uint64_t physical, bool write, void *buffer, size_t length)
{
    void *target = model_ram(physical, length);

    if (target == NULL) {
        return MODEL_DMA_ABORTED;
    }
    memcpy(write ? target : buffer, write ? buffer : target, length);
    return MODEL_DMA_ALLOWED;
}

void model_dma_check_target(const char *unit, uint16_t requester, uint64_t iova, uint64_t physical)
{
    owner_t owner = model_owner(physical);

    if (owner == OWNER_FREE || owner == OWNER_IMAGE || owner == OWNER_IOMMU) {
        model_violation("%s: DMA of %04x at %#llx reaches %#llx, a frame of owner %u", unit,
                        requester, (unsigned long long)iova, (unsigned long long)physical, owner);
    }
}

bool model_dma_hold(const char *unit, struct model_dma_held *held,
                    const struct model_dma_held *request, const void *bytes)
{
    model_dma_drain(unit, held);
    if (request->length > MODEL_DMA_HELD_MAX ||
        model_ram(request->physical, request->length) == NULL) {
        return false;
    }
    *held = *request;
    held->held = true;
    memcpy(held->bytes, bytes, request->length);
    return true;
}

void model_dma_drain(const char *unit, struct model_dma_held *held)
{
    if (held->held) {
        held->held = false;
        model_dma_check_target(unit, held->requester, held->iova, held->physical);
        (void)model_dma_copy(held->physical, true, held->bytes, held->length);
    }
}
