/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "amdvi.h"

/*
 * What the tables say, by a second reading of the rules: on purpose this shares no code
 * and no constants with amdvi_device.c and amdvi_walk.c, so that a slip there shows as a
 * disagreement. "Device Table Entry Format", "I/O Page Tables for Host Translations".
 */

static bool bit(uint64_t value, unsigned number)
{
    return (value >> number & 1) != 0;
}

static bool wide(const struct model_amdvi *unit, uint64_t entry)
{
    return (entry & UINT64_C(0xFFFFFFFFFFFFF)) >> unit->config.physical_width != 0;
}

/* Exponent of the page that an entry of `level` maps; 0: malformed. */
static unsigned exponent(uint64_t entry, unsigned level)
{
    static const uint8_t natural[6] = {0, 12, 21, 30, 39, 48};
    unsigned sized = 12;

    if (level > 5) {
        return 0;
    }
    if ((entry >> 9 & 7) == 0) {
        uint64_t frame = entry >> 12 & UINT64_C(0xFFFFFFFFFF);
        return frame % (UINT64_C(1) << (natural[level] - 12)) == 0 ? natural[level] : 0;
    }
    while (sized < 52 && bit(entry, sized)) {
        sized++;
    }
    sized++;
    return sized > 52 || sized <= natural[level] || sized > natural[level] + 8u ? 0 : sized;
}

struct path {
    bool read, write;
};

static enum model_amdvi_reason at_page(const struct model_amdvi *unit, uint64_t entry,
                                       unsigned level, uint64_t iova, uint64_t *physical)
{
    unsigned size = exponent(entry, level);

    if (size == 0 || bit(entry, 63) || (entry >> 52 & 0x7F) != 0) {
        return MODEL_AMDVI_PTE_RESERVED;
    }
    uint64_t base = (entry & UINT64_C(0xFFFFFFFFFF000)) >> size << size;
    *physical = base + iova % (UINT64_C(1) << size);
    return wide(unit, base) ? MODEL_AMDVI_PTE_RESERVED : MODEL_AMDVI_OK;
}

/* `rest` is the part of the address that the tables from `level` down translate. */
static enum model_amdvi_reason descend(const struct model_amdvi *unit, bool coherent,
                                       uint64_t table, unsigned level, uint64_t rest,
                                       struct path *path, uint64_t *physical)
{
    unsigned below = 3 + 9 * level;
    uint64_t entry;

    if (level < 6 && rest >> (below + 9) != 0) {
        return MODEL_AMDVI_NOT_PRESENT;
    }
    if (!model_hw_read64(table + (rest >> below << 3), coherent, &entry)) {
        return MODEL_AMDVI_TABLE_UNREADABLE;
    }
    if (!bit(entry, 0)) {
        return MODEL_AMDVI_NOT_PRESENT;
    }
    path->read = path->read && bit(entry, 61);
    path->write = path->write && bit(entry, 62);
    unsigned next = entry >> 9 & 7;
    if (next == 0 || next == 7) {
        return at_page(unit, entry, level, rest, physical);
    }
    if (next >= level || bit(entry, 63) || (entry >> 52 & 0x1FF) != 0 || wide(unit, entry)) {
        return MODEL_AMDVI_PTE_RESERVED;
    }
    return descend(unit, coherent, entry & UINT64_C(0xFFFFFFFFFF000), next,
                   rest - (rest >> below << below), path, physical);
}

static bool illegal(const struct model_amdvi *unit, const uint64_t entry[4])
{
    bool guest = bit(unit->config.efr, 4), requests = bit(unit->config.efr, 1);
    bool v = bit(entry[0], 0);

    if (v && ((entry[0] & 0x1FC) != 0 || bit(entry[0], 63) || bit(entry[1], 42) || entry[3] != 0 ||
              wide(unit, entry[0] >> 12 << 12 & UINT64_C(0xFFFFFFFFFF000)))) {
        return true;
    }
    if (v && !requests && (entry[0] >> 52 & 3) != 0) {
        return true;
    }
    if (v && !guest &&
        ((entry[0] >> 54 & 0x7F) != 0 || (entry[1] >> 16 & 0xFFFF) != 0 || entry[1] >> 43 != 0)) {
        return true;
    }
    return bit(entry[2], 0) && ((entry[2] >> 52 & 0xF) != 0 || bit(entry[2], 59) ||
                                wide(unit, entry[2] & ~UINT64_C(0x3F)));
}

static bool misencoded(const struct model_amdvi *unit, const uint64_t entry[4])
{
    static const uint8_t deepest[4] = {4, 5, 6, 0};
    bool v = bit(entry[0], 0), iv = bit(entry[2], 0);

    return (v && bit(entry[0], 1) && (entry[0] >> 9 & 7) > deepest[unit->config.efr >> 10 & 3]) ||
           (v && (entry[1] >> 35 & 3) == 3) ||
           (iv && ((entry[2] >> 60 & 3) == 3 || (entry[2] >> 1 & 15) > 11));
}

static enum model_amdvi_reason fetch(const struct model_amdvi *unit, uint16_t requester,
                                     uint64_t entry[4])
{
    uint64_t size = ((unit->device_table & 0x1FF) + 1) << 12;
    uint64_t table = unit->device_table & UINT64_C(0xFFFFFFFFFF000);
    bool coherent = bit(unit->control, 10);

    if ((uint64_t)requester << 5 >= size) {
        return MODEL_AMDVI_DTE_ENCODING;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (!model_hw_read64(table + requester * UINT64_C(32) + UINT64_C(8) * i, coherent,
                             &entry[i])) {
            return MODEL_AMDVI_DTE_UNREADABLE;
        }
    }
    if (illegal(unit, entry)) {
        return MODEL_AMDVI_DTE_RESERVED;
    }
    return misencoded(unit, entry) ? MODEL_AMDVI_DTE_ENCODING : MODEL_AMDVI_OK;
}

/* False: the address is translated like memory. */
static bool special(const uint64_t entry[4], uint64_t iova, bool write,
                    enum model_amdvi_reason *reason)
{
    bool heard = !bit(entry[2], 0) || (entry[2] >> 60 & 3) != 0;
    bool port = iova >> 25 == UINT64_C(0xFDFC000000) >> 25;
    unsigned allowed;

    if (iova >> 20 == 0xFEE || iova >> 24 == 0xFDF8) {
        *reason = write && heard ? MODEL_AMDVI_OK : MODEL_AMDVI_BAD_REQUEST;
        return true;
    }
    if (!bit(entry[0], 0) || iova < UINT64_C(0xFD00000000) || iova >> 40 != 0) {
        return false;
    }
    *reason = MODEL_AMDVI_BAD_REQUEST;
    if (iova >> 20 != 0xFDF91 && !port) {
        return true;
    }
    allowed = entry[1] >> (port ? 35 : 40) & 3;
    if (allowed != 0) {
        *reason = MODEL_AMDVI_OK;
    }
    return allowed != (port ? 2u : 3u);
}

static bool excluded(const struct model_amdvi *unit, const uint64_t entry[4], uint64_t iova)
{
    return bit(unit->exclusion_base, 0) && iova >> 12 >= unit->exclusion_base >> 12 &&
           iova >> 12 <= unit->exclusion_limit >> 12 &&
           (bit(unit->exclusion_base, 1) || bit(entry[1], 39));
}

enum model_amdvi_reason model_amdvi_judge(const struct model_amdvi *unit, uint16_t requester,
                                          uint64_t iova, bool write, uint64_t *pa)
{
    uint64_t entry[4], physical = iova;
    enum model_amdvi_reason reason = fetch(unit, requester, entry);

    bool settled = reason != MODEL_AMDVI_OK || special(entry, iova, write, &reason);
    if (!settled && bit(entry[0], 0) && !excluded(unit, entry, iova)) {
        struct path path = {.read = bit(entry[0], 61), .write = bit(entry[0], 62)};
        unsigned width = unit->config.virtual_width;
        unsigned mode = entry[0] >> 9 & 7;
        if (!bit(entry[0], 1) || (mode != 0 && width < 64 && iova >> width != 0)) {
            reason = MODEL_AMDVI_NOT_PRESENT;
        } else if (mode != 0) {
            reason = descend(unit, !bit(entry[1], 38), entry[0] & UINT64_C(0xFFFFFFFFFF000), mode,
                             iova, &path, &physical);
        }
        if (reason == MODEL_AMDVI_OK && !(write ? path.write : path.read)) {
            reason = MODEL_AMDVI_NO_PERMISSION;
        }
    }
    if (pa != NULL) {
        *pa = physical;
    }
    return reason;
}

enum model_dma_result model_amdvi_translate(const struct model_amdvi *unit, uint16_t requester,
                                            uint64_t iova, bool write, uint64_t *pa)
{
    bool window = iova >> 20 == 0xFEE || iova >> 24 == 0xFDF8;

    if (!bit(unit->control, 0)) {
        if (pa != NULL) {
            *pa = iova;
        }
        return window && write ? MODEL_DMA_INTERRUPT : MODEL_DMA_ALLOWED;
    }
    if (model_amdvi_judge(unit, requester, iova, write, pa) != MODEL_AMDVI_OK) {
        return MODEL_DMA_REFUSED;
    }
    return window ? MODEL_DMA_INTERRUPT : MODEL_DMA_ALLOWED;
}
