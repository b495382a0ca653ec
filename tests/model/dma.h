/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_DMA_H
#define MODEL_DMA_H

#include "machine.h"

/* What every modelled unit does alike with a request of a device. */

enum model_dma_result {
    MODEL_DMA_ALLOWED,
    MODEL_DMA_REFUSED,
    MODEL_DMA_ABORTED,   /* allowed by the unit, but no RAM answers there */
    MODEL_DMA_INTERRUPT, /* a write into the interrupt window: no DMA took place */
};

/* One request that crosses no 4 KiB boundary. */
typedef enum model_dma_result (*model_dma_piece)(void *unit, uint16_t requester, uint64_t iova,
                                                 bool write, void *buffer, size_t length);

/* Splits a request at 4 KiB boundaries and ends at the first piece that is not allowed. */
enum model_dma_result model_dma_split(model_dma_piece piece, void *unit, uint16_t requester,
                                      uint64_t iova, bool write, void *buffer, size_t length);

/* Moves the bytes, or finds that no RAM is there. */
enum model_dma_result model_dma_copy(uint64_t physical, bool write, void *buffer, size_t length);

/*
 * A write that was let through and is on its way to memory: hardware may hold it until an
 * invalidation drains it. Memory has it after model_dma_drain(), which checks anew where it goes.
 */
#define MODEL_DMA_HELD_MAX 64
struct model_dma_held {
    bool held;
    uint16_t requester, domain;
    uint64_t iova, physical;
    size_t length; /* up to MODEL_DMA_HELD_MAX */
    uint8_t bytes[MODEL_DMA_HELD_MAX];
};

/* Takes a write in the place of model_dma_copy(), and drains the one before. `request` lacks the
 * bytes. False: too long, or no RAM is there. */
bool model_dma_hold(const char *unit, struct model_dma_held *held,
                    const struct model_dma_held *request, const void *bytes)
    __attribute__((warn_unused_result));
void model_dma_drain(const char *unit, struct model_dma_held *held);

/* A violation when the frame that an allowed request reaches is free, the image's or a table. */
void model_dma_check_target(const char *unit, uint16_t requester, uint64_t iova, uint64_t physical);

#endif
