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
