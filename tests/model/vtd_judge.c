/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "vtd.h"

/*
 * What the tables say, read from the specification a second time: on purpose this shares no code
 * and no constants with vtd_walk.c, so that a slip there shows as a disagreement. Section titles:
 * "Root Entry", "Context Entry", "Second-Stage Paging Entries".
 */

static bool word(const struct model_vtd *unit, uint64_t table, uint64_t index, uint64_t *value)
{
    return model_hw_read64(table + 8 * index, unit->config.ecap & 1, value);
}

static bool wider_than_host(const struct model_vtd *unit, uint64_t address)
{
    unsigned width = unit->config.host_address_width;
    return width < 64 && address >> width != 0;
}

/* Top-down: `bits` is what one entry of this table covers. Rights are those of the path. */
static enum model_vtd_reason descend(const struct model_vtd *unit, uint64_t table, unsigned bits,
                                     uint64_t iova, bool write, uint64_t *physical)
{
    uint64_t entry;
    uint64_t offset = iova % (UINT64_C(1) << bits);
    bool snoop = (unit->config.ecap >> 7 & 1) != 0;

    if (!word(unit, table, (iova >> bits) % 512, &entry)) {
        return MODEL_VTD_TABLE_UNREADABLE;
    }
    if ((entry & (write ? 2 : 1)) == 0) {
        return write ? MODEL_VTD_NO_WRITE : MODEL_VTD_NO_READ;
    }
    bool large = (entry & 0x80) != 0;
    uint64_t address = entry & UINT64_C(0x000FFFFFFFFFF000);
    if ((entry >> 62 & 1) != 0 || wider_than_host(unit, address)) {
        return MODEL_VTD_ENTRY_RESERVED;
    }
    if (bits == 12 || large) {
        bool offered = bits == 12 || (bits == 21 && (unit->config.cap >> 34 & 1) != 0) ||
                       (bits == 30 && (unit->config.cap >> 35 & 1) != 0);
        if (!offered || address % (UINT64_C(1) << bits) != 0 || ((entry & 0x800) != 0 && !snoop)) {
            return MODEL_VTD_ENTRY_RESERVED;
        }
        *physical = address + offset;
        uint64_t last = address + ((UINT64_C(1) << bits) - 1);
        return address < UINT64_C(0xFEF00000) && last >= UINT64_C(0xFEE00000)
                   ? MODEL_VTD_INTERRUPT_RANGE
                   : MODEL_VTD_OK;
    }
    if ((entry & 0x800) != 0) {
        return MODEL_VTD_ENTRY_RESERVED;
    }
    return descend(unit, address, bits - 9, iova, write, physical);
}

static enum model_vtd_reason by_context(const struct model_vtd *unit, const uint64_t context[2],
                                        uint64_t iova, bool write, uint64_t *physical)
{
    unsigned type = context[0] >> 2 & 3;
    unsigned width = context[1] & 7;
    unsigned domain = context[1] >> 8 & 0xFFFF;
    unsigned address_bits = 30 + 9 * width;
    unsigned guest_bits = (unit->config.cap >> 16 & 0x3F) + 1;

    if ((context[0] & 1) == 0) {
        return MODEL_VTD_CONTEXT_NOT_PRESENT;
    }
    if ((context[0] & 0xFF0) != 0 || (context[1] & 0x80) != 0 || context[1] >> 24 != 0 ||
        wider_than_host(unit, context[0]) || domain >= 1u << (4 + 2 * (unit->config.cap & 7))) {
        return MODEL_VTD_CONTEXT_RESERVED;
    }
    if (width > 3 || (unit->config.cap >> (8 + width) & 1) == 0 || type == 3 ||
        (type == 1 && (unit->config.ecap & 4) == 0) ||
        (type == 2 && (unit->config.ecap & 0x40) == 0)) {
        return MODEL_VTD_CONTEXT_INVALID;
    }
    if (type == 2) {
        *physical = iova;
        return MODEL_VTD_OK;
    }
    if (iova >> (address_bits < guest_bits ? address_bits : guest_bits) != 0) {
        return MODEL_VTD_BEYOND_ADDRESS_WIDTH;
    }
    return descend(unit, context[0] & ~UINT64_C(0xFFF), address_bits - 9, iova, write, physical);
}

enum model_vtd_reason model_vtd_judge(const struct model_vtd *unit, uint16_t requester,
                                      uint64_t iova, bool write, uint64_t *pa)
{
    uint64_t root[2], context[2];
    uint64_t physical = 0;
    unsigned bus = requester / 256, function = requester % 256;

    if (!word(unit, unit->root, 2 * bus, &root[0]) ||
        !word(unit, unit->root, 2 * bus + 1, &root[1])) {
        return MODEL_VTD_ROOT_UNREADABLE;
    }
    if ((root[0] & 1) == 0) {
        return MODEL_VTD_ROOT_NOT_PRESENT;
    }
    if ((root[0] & 0xFFE) != 0 || root[1] != 0 || wider_than_host(unit, root[0])) {
        return MODEL_VTD_ROOT_RESERVED;
    }
    uint64_t table = root[0] - 1;
    if (!word(unit, table, 2 * function, &context[0]) ||
        !word(unit, table, 2 * function + 1, &context[1])) {
        return MODEL_VTD_CONTEXT_UNREADABLE;
    }
    enum model_vtd_reason reason = by_context(unit, context, iova, write, &physical);
    if (pa != NULL) {
        *pa = physical;
    }
    return reason;
}

enum model_dma_result model_vtd_translate(const struct model_vtd *unit, uint16_t requester,
                                          uint64_t iova, bool write, uint64_t *pa)
{
    if (iova - UINT64_C(0xFEE00000) < UINT64_C(0x100000)) {
        return write ? MODEL_DMA_INTERRUPT : MODEL_DMA_REFUSED;
    }
    if (!model_vtd_enabled(unit)) {
        if (pa != NULL) {
            *pa = iova;
        }
        return MODEL_DMA_ALLOWED;
    }
    return model_vtd_judge(unit, requester, iova, write, pa) == MODEL_VTD_OK ? MODEL_DMA_ALLOWED
                                                                             : MODEL_DMA_REFUSED;
}
