/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "amdvi_internal.h"

#include <string.h>

/* Device table, special address ranges, and what becomes of a request. "Device Table Entry Format",
 * "Special address controls in the DTE", "Exclusion Range", "Event Log Entry". */

#define DTE_SIZE         32u
#define DTE_V            BIT64(0)
#define DTE_TV           BIT64(1)
#define DTE0_RESERVED    (BIT64(63) | UINT64_C(0x1F) << 2 | UINT64_C(3) << 7)
#define DTE0_PPR         (UINT64_C(3) << 52)
#define DTE0_GUEST       (UINT64_C(0x7F) << 54)
#define DTE0_GV          BIT64(55)
#define DTE1_RESERVED    BIT64(42)
#define DTE1_GUEST       (UINT64_C(0xFFFF) << 16 | UINT64_C(0x1FFFFF) << 43)
#define DTE1_I           BIT64(32)
#define DTE1_SE          BIT64(33)
#define DTE1_SA          BIT64(34)
#define DTE1_EX          BIT64(39)
#define DTE2_IV          BIT64(0)
#define DTE2_RESERVED    (UINT64_C(0xF) << 52 | BIT64(59))
#define INT_TAB_LEN_MAX  11u
#define EXCLUSION_ENABLE BIT64(0)
#define EXCLUSION_ALL    BIT64(1)

#define IO_CTL(words)    BITS((words)[1], 36, 35)
#define SYS_MGT(words)   BITS((words)[1], 41, 40)
#define INT_CTL(words)   BITS((words)[2], 61, 60)
#define CTL_TRANSLATE_IO 2u
#define CTL_TRANSLATE    3u

/* ---- Device table ---- */

static bool beyond_physical_width(const struct model_amdvi *unit, uint64_t address)
{
    return address >> unit->config.physical_width != 0;
}

/* With V clear all but IV's half is ignored, with IV clear that half. */
static bool dte_reserved(const struct model_amdvi *unit, const uint64_t words[4])
{
    uint64_t efr = unit->config.efr;
    uint64_t guest = (efr & MODEL_AMDVI_EFR_GTSUP) != 0 ? 0 : UINT64_MAX;
    uint64_t ppr = (efr & MODEL_AMDVI_EFR_PPRSUP) != 0 ? 0 : UINT64_MAX;
    uint64_t first = DTE0_RESERVED | (DTE0_PPR & ppr) | (DTE0_GUEST & guest);
    uint64_t second = DTE1_RESERVED | (DTE1_GUEST & guest);

    if ((words[0] & DTE_V) != 0 &&
        ((words[0] & first) != 0 || (words[1] & second) != 0 || words[3] != 0 ||
         beyond_physical_width(unit, words[0] & ADDRESS_BITS))) {
        return true;
    }
    return (words[2] & DTE2_IV) != 0 && ((words[2] & DTE2_RESERVED) != 0 ||
                                         beyond_physical_width(unit, BITS(words[2], 51, 6) << 6));
}

static bool dte_misencoded(const struct model_amdvi *unit, const uint64_t words[4])
{
    unsigned hats = (unsigned)BITS(unit->config.efr, 11, 10);
    unsigned levels = hats == 3 ? 0 : 4 + hats;
    bool translates = (words[0] & (DTE_V | DTE_TV)) == (DTE_V | DTE_TV);

    return (translates && BITS(words[0], 11, 9) > levels) ||
           ((words[0] & DTE_V) != 0 && IO_CTL(words) == 3) ||
           ((words[2] & DTE2_IV) != 0 &&
            (INT_CTL(words) == 3 || BITS(words[2], 4, 1) > INT_TAB_LEN_MAX));
}

/* "DomainID": entries that share one agree on Mode and root, for they share cached pages. */
static void check_domain(const struct model_amdvi *unit, const struct model_amdvi_device *device)
{
    const uint64_t shared = ADDRESS_BITS | UINT64_C(7) << 9;

    for (unsigned i = 0; i < unit->device_count; i++) {
        const struct model_amdvi_device *other = &unit->devices[i];
        if (other->valid && amdvi_mode(other) != 0 && amdvi_mode(device) != 0 &&
            amdvi_domain(other) == amdvi_domain(device) &&
            ((other->words[0] ^ device->words[0]) & shared) != 0) {
            model_violation("amdvi: %04x and %04x have domain %04x and other tables", other->source,
                            device->source, amdvi_domain(device));
            return;
        }
    }
}

static struct model_amdvi_device *cache_device(struct model_amdvi *unit,
                                               const struct model_amdvi_device *device)
{
    unsigned slot = 0;

    while (slot < unit->device_count && unit->devices[slot].valid) {
        slot++;
    }
    if (slot == MODEL_AMDVI_DEVICES) {
        slot = unit->evictions++ % MODEL_AMDVI_DEVICES;
    } else if (slot == unit->device_count) {
        unit->device_count++;
    }
    unit->devices[slot] = *device;
    unit->devices[slot].valid = true;
    return &unit->devices[slot];
}

static uint64_t dte_address(const struct model_amdvi *unit, uint16_t source)
{
    return (unit->device_table & ADDRESS_BITS) + (uint64_t)source * DTE_SIZE;
}

/* "Making Device Table Entry Changes": no read takes more than 128 bits at once, and none outlasts
 * an invalidation of entries. */
static bool read_word(const struct model_amdvi *unit, uint64_t at, unsigned index, uint64_t *word)
{
    bool coherent = (unit->control & CONTROL_COHERENT) != 0;
    enum model_amdvi_tear half = index < 2 ? MODEL_AMDVI_LOWER_FIRST : MODEL_AMDVI_UPPER_FIRST;
    uint64_t now = model_history(), then = now - unit->drained;

    if (unit->broken.device_table_error != MODEL_AMDVI_NO_ERROR) {
        return false;
    }
    if (unit->broken.tear != half) {
        then = 0;
    } else if (then > unit->broken.tear_changes) {
        then = unit->broken.tear_changes;
    }
    return model_hw_read64_at(at + UINT64_C(8) * index, coherent, now - then, word);
}

static enum model_amdvi_reason read_device(const struct model_amdvi *unit,
                                           struct model_amdvi_device *device)
{
    uint64_t at = dte_address(unit, device->source);

    if (device->source * DTE_SIZE >= (BITS(unit->device_table, 8, 0) + 1) * FRAME_SIZE) {
        return MODEL_AMDVI_DTE_ENCODING;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (!read_word(unit, at, i, &device->words[i])) {
            return MODEL_AMDVI_DTE_UNREADABLE;
        }
    }
    if (model_owner(at) != OWNER_IOMMU) {
        model_violation("amdvi: the entry of %04x is in a frame of owner %u", device->source,
                        model_owner(at));
    }
    if (dte_reserved(unit, device->words)) {
        return MODEL_AMDVI_DTE_RESERVED;
    }
    return dte_misencoded(unit, device->words) ? MODEL_AMDVI_DTE_ENCODING : MODEL_AMDVI_OK;
}

/* Every entry that could be read is cached, the one that passes all and the broken one too. */
static struct model_amdvi_device *find_device(struct model_amdvi *unit, uint16_t source,
                                              struct model_amdvi_device *uncached)
{
    for (unsigned i = 0; i < unit->device_count; i++) {
        if (unit->devices[i].valid && unit->devices[i].source == source) {
            return &unit->devices[i];
        }
    }
    *uncached = (struct model_amdvi_device){.source = source};
    uncached->reason = (uint8_t)read_device(unit, uncached);
    if (uncached->reason == MODEL_AMDVI_DTE_UNREADABLE) {
        return uncached;
    }
    if (uncached->reason == MODEL_AMDVI_OK) {
        check_domain(unit, uncached);
        if ((uncached->words[0] & DTE_V) != 0 && (uncached->words[0] & DTE0_GV) != 0) {
            model_violation("amdvi: guest tables of %04x, not modelled", source);
        }
    }
    return cache_device(unit, uncached);
}

/* ---- Events ---- */

static bool within(uint64_t address, uint64_t first, uint64_t last)
{
    return address >= first && address <= last;
}

static bool in_interrupt_window(uint64_t address)
{
    return within(address, WINDOW_FIRST, WINDOW_LAST) ||
           within(address, 0xFDF8000000, 0xFDF8FFFFFF);
}

struct request {
    uint16_t source;
    uint64_t iova;
    bool write;
};

static uint64_t flag_write(const struct model_amdvi *unit, const struct request *request,
                           bool meaningful)
{
    return request->write && (meaningful || !unit->broken.write_hidden) ? EVENT_RW : 0;
}

/* SA: never; SE: the first one only. */
static void log_page_fault(struct model_amdvi *unit, struct model_amdvi_device *device,
                           const struct request *request, enum model_amdvi_reason reason)
{
    bool present = reason != MODEL_AMDVI_NOT_PRESENT;
    bool again = device->faulted && (device->words[1] & DTE1_SE) != 0;

    device->faulted = true;
    if ((device->words[1] & DTE1_SA) != 0 || again) {
        return;
    }
    amdvi_log_event(unit, MODEL_AMDVI_IO_PAGE_FAULT,
                    request->source | (uint64_t)amdvi_domain(device) << 32 |
                        (present ? EVENT_PR : 0) | flag_write(unit, request, present) |
                        (reason == MODEL_AMDVI_NO_PERMISSION ? EVENT_PE : 0) |
                        (reason == MODEL_AMDVI_PTE_RESERVED ? EVENT_RZ : 0),
                    request->iova);
}

static uint64_t error_type(enum model_amdvi_error error)
{
    return (uint64_t)(error == MODEL_AMDVI_NO_ERROR ? MODEL_AMDVI_MASTER_ABORT : error)
           << EVENT_TYPE_SHIFT;
}

/* `where` is the entry that could not be read. */
static void log_refusal(struct model_amdvi *unit, struct model_amdvi_device *device,
                        const struct request *request, enum model_amdvi_reason reason,
                        uint64_t where)
{
    bool message = request->write && in_interrupt_window(request->iova);
    uint64_t fields =
        request->source | (message ? EVENT_I : 0) | flag_write(unit, request, !message);

    switch (reason) {
    case MODEL_AMDVI_DTE_RESERVED:
    case MODEL_AMDVI_DTE_ENCODING:
        amdvi_log_event(unit, MODEL_AMDVI_ILLEGAL_DEV_TABLE_ENTRY,
                        fields | (reason == MODEL_AMDVI_DTE_RESERVED ? EVENT_RZ : 0),
                        request->iova);
        break;
    case MODEL_AMDVI_DTE_UNREADABLE:
        amdvi_log_event(unit, MODEL_AMDVI_DEV_TAB_HARDWARE_ERROR,
                        fields | error_type(unit->broken.device_table_error),
                        dte_address(unit, request->source));
        break;
    case MODEL_AMDVI_TABLE_UNREADABLE:
        amdvi_log_event(unit, MODEL_AMDVI_PAGE_TAB_HARDWARE_ERROR,
                        fields | (uint64_t)amdvi_domain(device) << 32 |
                            error_type(unit->broken.page_table_error),
                        where);
        break;
    default:
        log_page_fault(unit, device, request, reason);
        break;
    }
}

static enum model_dma_result bad_request(struct model_amdvi *unit, const struct request *request,
                                         enum amdvi_request type)
{
    amdvi_log_event(unit, MODEL_AMDVI_INVALID_DEVICE_REQUEST,
                    request->source | (uint64_t)type << EVENT_TYPE_SHIFT, request->iova);
    return MODEL_DMA_REFUSED;
}

/* ---- Special addresses ---- */

/* Interrupt remapping itself is not modelled: IntCtl 10b counts as delivered. */
static enum model_dma_result interrupt(struct model_amdvi *unit,
                                       const struct model_amdvi_device *device,
                                       const struct request *request)
{
    if (!request->write) {
        return bad_request(unit, request, REQUEST_READ_OF_INTERRUPTS);
    }
    if ((device->words[2] & DTE2_IV) != 0 && INT_CTL(device->words) == 0) {
        return bad_request(unit, request, REQUEST_INTERRUPT_BLOCKED);
    }
    return MODEL_DMA_INTERRUPT;
}

/* "HyperTransport Special Addresses". True: it is settled; false: it is translated like memory. */
static bool special_address(struct model_amdvi *unit, const struct model_amdvi_device *device,
                            const struct request *request, enum model_dma_result *result)
{
    uint64_t iova = request->iova;

    *result = MODEL_DMA_ABORTED; /* a message or port access that no RAM answers */
    if (!within(iova, 0xFD00000000, 0xFFFFFFFFFF)) {
        return false;
    }
    if (within(iova, 0xFDF9100000, 0xFDF91FFFFF)) {
        if (SYS_MGT(device->words) == 0) {
            *result = bad_request(unit, request, REQUEST_SYSTEM_MANAGEMENT);
        }
        return SYS_MGT(device->words) != CTL_TRANSLATE;
    }
    if (within(iova, 0xFDFC000000, 0xFDFDFFFFFF)) {
        if (IO_CTL(device->words) == 0) {
            *result = bad_request(unit, request, REQUEST_PORT_IO);
        }
        return IO_CTL(device->words) != CTL_TRANSLATE_IO;
    }
    *result = bad_request(unit, request,
                          request->write ? REQUEST_WRITE_OF_INVALID : REQUEST_READ_OF_INVALID);
    return true;
}

/* "Exclusion Base Register": neither translated nor checked. */
static bool is_excluded(const struct model_amdvi *unit, const struct model_amdvi_device *device,
                        uint64_t iova)
{
    uint64_t base = unit->exclusion_base;

    return (base & EXCLUSION_ENABLE) != 0 &&
           within(iova, base & ADDRESS_BITS, unit->exclusion_limit | PAGE_MASK) &&
           ((base & EXCLUSION_ALL) != 0 || (device->words[1] & DTE1_EX) != 0);
}

/* ---- Requests ---- */

/* An entry with V and not TV ends every walk; Mode 0 passes by IR and IW alone. */
static enum model_amdvi_reason by_device(struct model_amdvi *unit,
                                         const struct model_amdvi_device *device,
                                         const struct request *request, uint64_t *physical)
{
    *physical = request->iova;
    if ((device->words[0] & DTE_V) == 0 || is_excluded(unit, device, request->iova)) {
        return MODEL_AMDVI_OK;
    }
    if ((device->words[0] & DTE_TV) == 0) {
        return MODEL_AMDVI_NOT_PRESENT;
    }
    if (amdvi_mode(device) == 0) {
        return (request->write ? amdvi_writable(device) : amdvi_readable(device))
                   ? MODEL_AMDVI_OK
                   : MODEL_AMDVI_NO_PERMISSION;
    }
    return amdvi_translate(unit, device, request->iova, request->write, physical);
}

static enum model_dma_result dma_piece(void *context, uint16_t source, uint64_t iova, bool write,
                                       void *buffer, size_t length)
{
    struct model_amdvi *unit = context;
    struct request request = {.source = source, .iova = iova, .write = write};
    struct model_amdvi_device uncached;
    enum model_dma_result result;
    uint64_t physical;

    if (!model_amdvi_enabled(unit)) {
        return in_interrupt_window(iova) && write ? MODEL_DMA_INTERRUPT
                                                  : model_dma_copy(iova, write, buffer, length);
    }
    struct model_amdvi_device *device = find_device(unit, source, &uncached);
    if (device->reason != MODEL_AMDVI_OK) {
        log_refusal(unit, device, &request, device->reason, 0);
        return MODEL_DMA_REFUSED;
    }
    if (in_interrupt_window(iova)) {
        return interrupt(unit, device, &request);
    }
    if ((device->words[0] & DTE_V) != 0 && special_address(unit, device, &request, &result)) {
        return result;
    }
    enum model_amdvi_reason reason = by_device(unit, device, &request, &physical);
    if (reason != MODEL_AMDVI_OK) {
        log_refusal(unit, device, &request, reason, physical);
        return MODEL_DMA_REFUSED;
    }
    model_dma_check_target("amdvi", source, iova, physical);
    struct model_dma_held held = {.requester = source,
                                  .domain = amdvi_domain(device),
                                  .iova = iova,
                                  .physical = physical,
                                  .length = length};
    if (write && unit->broken.writes_linger &&
        model_dma_hold("amdvi", &unit->lingering, &held, buffer)) {
        return MODEL_DMA_ALLOWED;
    }
    return model_dma_copy(physical, write, buffer, length);
}

enum model_dma_result model_amdvi_dma(struct model_amdvi *unit, uint16_t requester, uint64_t iova,
                                      bool write, void *buffer, size_t length)
{
    return model_dma_split(dma_piece, unit, requester, iova, write, buffer, length);
}

/* DTE.I */
static enum model_dma_result translated_piece(void *context, uint16_t source, uint64_t physical,
                                              bool write, void *buffer, size_t length)
{
    struct model_amdvi *unit = context;
    struct request request = {.source = source, .iova = physical, .write = write};
    struct model_amdvi_device uncached;

    if (model_amdvi_enabled(unit)) {
        struct model_amdvi_device *device = find_device(unit, source, &uncached);
        if (device->reason != MODEL_AMDVI_OK) {
            log_refusal(unit, device, &request, device->reason, 0);
            return MODEL_DMA_REFUSED;
        }
        if ((device->words[0] & DTE_V) == 0 || (device->words[1] & DTE1_I) == 0) {
            return bad_request(unit, &request, REQUEST_PRETRANSLATED);
        }
        model_dma_check_target("amdvi", source, physical, physical);
    }
    return model_dma_copy(physical, write, buffer, length);
}

enum model_dma_result model_amdvi_dma_translated(struct model_amdvi *unit, uint16_t requester,
                                                 uint64_t physical, bool write, void *buffer,
                                                 size_t length)
{
    return model_dma_split(translated_piece, unit, requester, physical, write, buffer, length);
}
