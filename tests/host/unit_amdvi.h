/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_UNIT_AMDVI_H
#define TESTS_HOST_UNIT_AMDVI_H

#include "amdvi.h"
#include "drivers/iommu/amdvi/amdvi.h"
#include "tests/host/unit.h"

/* tests/host/unit.h for AMD-Vi. */
typedef struct model_amdvi unit_t;
typedef struct model_amdvi_config unit_config_t;
typedef struct model_amdvi_broken unit_broken_t;
typedef struct amdvi unit_driver_t;

#define UNITS_APART          UINT64_C(0x4000)
#define UNIT_FORMAT          REFERENCE_AMD_V1
#define UNIT_ATTACH_FRAMES   0
#define UNIT_ALWAYS_COHERENT 1
#define UNIT_SPECIALS        1
#define UNIT_EFFORT          4

#define AMDVI_HATS(levels)   ((uint64_t)((levels)-4) << 10)
#define AMDVI_KIND(extended_features, offers, width)                                               \
    {                                                                                              \
        .base = UINT64_C(0xFED80000), .efr = (extended_features),                                  \
        .capability = MODEL_AMDVI_CAP_EFRSUP | MODEL_AMDVI_CAP_EXT | (offers),                     \
        .physical_width = 48, .virtual_width = (width), .capability_offset = 0x40                  \
    }
#define UNIT_DEFAULT ((unit_config_t)AMDVI_KIND(MODEL_AMDVI_EFR, 0, 48))

static const unit_config_t unit_kinds[] = {
    AMDVI_KIND(MODEL_AMDVI_EFR, 0, 48),
    AMDVI_KIND(MODEL_AMDVI_EFR, MODEL_AMDVI_CAP_NPCACHE, 48),
    AMDVI_KIND(AMDVI_HATS(4), 0, 48), /* no INVALIDATE_IOMMU_ALL */
    AMDVI_KIND(MODEL_AMDVI_EFR_IASUP | AMDVI_HATS(4), MODEL_AMDVI_CAP_IOTLB, 40),
    AMDVI_KIND(MODEL_AMDVI_EFR, 0, 64),
};

static const unit_broken_t unit_useless[] = {
    {.all_ones = true},
    {.never_runs = true},
    {.never_fetches = true},
    {.never_completes = true},
    {.command_error = MODEL_AMDVI_MASTER_ABORT},
};

/* "IOMMU Capability Block" is of a function of its own, whose MSI tells of events. */
static inline void unit_create(unit_t *unit, const unit_config_t *config, unsigned number,
                               struct pci_inventory *pci)
{
    struct pci_function *function = &pci->functions[pci->count];
    const pci_bdf_t bdf = PCI_BDF(0, number, 2);
    unit_config_t own = *config;

    own.base += number * UNITS_APART;
    own.function = ecam_add(0, bdf, 0x080600);
    assert_true(model_amdvi_create(unit, &own));
    *function = (struct pci_function){.bdf = bdf,
                                      .class_code = 0x080600,
                                      .parent = PCI_NONE,
                                      .port = PCI_RC_ENDPOINT,
                                      .msi = 0x90,
                                      .msi_vectors = 1,
                                      .msi_64 = true,
                                      .group_leader = (uint16_t)pci->count++};
    assert_true(mmio_map(ECAM_BASE + ((uint64_t)bdf << 12), 4096, &function->config));
}

/* A device entry of 4 bytes. */
#define AMDVI_ENTRY(type, device_id, setting)                                                      \
    ((type) | (uint64_t)(device_id) << 8 | (uint64_t)(setting) << 24)

/* IVHD of type 11h with one or two of them (the other is 0). */
static inline size_t put_ivhd(uint8_t *table, size_t at, const unit_config_t *config,
                              unsigned number, uint64_t entry, uint64_t other)
{
    at = put_bytes(table, at, 0x11 | (other ? 48u : 44u) << 16, 4);
    at = put_bytes(table, at, PCI_BDF(0, number, 2) | (uint64_t)config->capability_offset << 16, 4);
    at = put_bytes(table, at, config->base + number * UNITS_APART, 8);
    at = put_bytes(table, at, 0, 8); /* segment, IOMMU Info, IOMMU Attributes */
    at = put_bytes(table, at, config->efr, 8);
    at = put_bytes(table, at, 0, 8);
    at = put_bytes(table, at, entry, 4);
    return other ? put_bytes(table, at, other, 4) : at;
}

/* "I/O Virtualization Reporting Structure": IVHDs, the last for the first four buses, and IVMD. */
static inline size_t unit_table(uint8_t table[UNIT_TABLE_MAX], const unit_config_t *config,
                                const struct unit_plan *plan)
{
    size_t at = 48;

    memset(table, 0, UNIT_TABLE_MAX);
    memcpy(table, "IVRS", 4);
    table[8] = 2;
    put_bytes(table, 36,
              IVRS_EFR_SUP | IVRS_DMA_REMAP_SUP | config->physical_width << 8 |
                  config->virtual_width << 15,
              4);
    if (plan->two_units) {
        at = put_ivhd(table, at, config, 1, AMDVI_ENTRY(IVRS_SELECT, SECOND_ID, 0), 0);
        put_bytes(table, 48 + 16, plan->second, 2); /* its segment */
    }
    at = put_ivhd(table, at, config, 0, AMDVI_ENTRY(IVRS_START, 0, 0),
                  AMDVI_ENTRY(IVRS_END, PCI_BDF(3, 31, 7), 0));
    if (plan->region) {
        at = put_bytes(table, at, IVRS_IVMD_SELECT, 1);
        at = put_bytes(table, at, IVRS_UNITY | IVRS_READ | IVRS_WRITE, 1);
        at = put_bytes(table, at, 32, 2);
        at = put_bytes(table, at, FIRST_ID, 2);
        at = put_bytes(table, at, 0, 2); /* auxiliary data */
        at = put_bytes(table, at, 0, 8); /* segment */
        at = put_bytes(table, at, plan->region, 8);
        at = put_bytes(table, at, REGION_SIZE, 8);
    }
    put_bytes(table, 4, at, 4);
    return at;
}

static inline bool unit_discover(unit_driver_t *driver, const struct acpi_table *table,
                                 struct iommu *iommu, const char **reason)
{
    return amdvi_discover(driver, table, iommu, reason);
}

static inline enum model_dma_result unit_dma(unit_t *unit, pci_bdf_t requester, uint64_t address,
                                             bool write, void *buffer, size_t length)
{
    return model_amdvi_dma(unit, requester, address, write, buffer, length);
}

static inline enum model_dma_result unit_translate(const unit_t *unit, pci_bdf_t requester,
                                                   uint64_t address, bool write, uint64_t *physical)
{
    return model_amdvi_translate(unit, requester, address, write, physical);
}

#define AMDVI_ADDRESS UINT64_C(0x000FFFFFFFFFF000)

/* "Device Table Entry Format": V, TV, no right, DomainID 0; IV and IntCtl 00b: all is aborted. */
static inline bool unit_blocks(const unit_t *unit, pci_bdf_t requester)
{
    const uint64_t *entry = model_ram((unit->device_table & AMDVI_ADDRESS) + requester * 32u, 32);

    assert_non_null(entry);
    return (entry[0] & (UINT64_C(3) << 61 | 3)) == 3 && !(entry[1] & 0xFFFF) &&
           (entry[2] & (UINT64_C(3) << 60 | 1)) == 1;
}

static inline bool unit_has_faults(const unit_t *unit)
{
    return unit->event_head != unit->event_tail || unit->status & 1; /* EventOverflow */
}

#define UNIT_ROW       "-amdvi"
#define UNIT_REGISTERS 0x4000u
#define UNIT_TAIL      0x2008u

static inline uint64_t unit_read(unit_t *unit, uint64_t offset, unsigned width)
{
    return model_amdvi_read(unit, (uint32_t)offset, width);
}

static inline void unit_write(unit_t *unit, uint64_t offset, unsigned width, uint64_t value)
{
    model_amdvi_write(unit, (uint32_t)offset, width, value);
}

static inline uint64_t unit_covered(const unit_t *unit, uint64_t first, uint64_t last)
{
    const struct model_amdvi_event *event;
    uint64_t pages = 0;

    for (unsigned i = 0; (event = model_amdvi_log(unit, i)) != NULL; i++)
        if (event->kind == MODEL_AMDVI_IOMMU_PAGES)
            pages += common_pages(first, last, event->first, event->last);
    return pages;
}

static inline struct unit_told unit_take_told(unit_t *unit)
{
    const struct model_amdvi_event *event;
    struct unit_told told = {0};

    for (unsigned i = 0; (event = model_amdvi_log(unit, i)) != NULL; i++) {
        uint64_t pages = (event->last - event->first + 1) >> 12;
        bool is_range = event->kind == MODEL_AMDVI_IOMMU_PAGES && pages >> 39 == 0;
        enum unit_command command = is_range                                     ? UNIT_RANGE
                                    : event->kind == MODEL_AMDVI_COMPLETION_WAIT ? UNIT_WAIT
                                                                                 : UNIT_OTHER;

        unit_count(&told, command, pages, event->directories);
    }
    model_amdvi_log_clear(unit);
    return told;
}

static inline void unit_set_caching(unit_config_t *config, bool on)
{
    config->capability &= ~MODEL_AMDVI_CAP_NPCACHE;
    config->capability |= on ? MODEL_AMDVI_CAP_NPCACHE : 0;
}

#define UNIT_CAPABILITIES (2u * 2 * 2 * 3 * 3)
#define UNIT_TEARS        2u

/* Levels of host tables by HATS. */
static inline void unit_capabilities(unit_config_t *config, unsigned *number)
{
    static const unsigned virtual_widths[] = {40, 48, 64}, physical_widths[] = {40, 48, 52};
    unsigned draw = unit_draw(*number);

    config->capability = MODEL_AMDVI_CAP_EFRSUP | MODEL_AMDVI_CAP_EXT;
    config->capability |= unit_choice(number, 2) ? MODEL_AMDVI_CAP_NPCACHE : 0;
    config->capability |= unit_choice(number, 2) ? MODEL_AMDVI_CAP_IOTLB : 0;
    config->efr = unit_choice(number, 2) ? MODEL_AMDVI_EFR_IASUP : 0;
    config->efr |= AMDVI_HATS(4 + unit_choice(number, 3));
    config->virtual_width = virtual_widths[unit_choice(number, 3)];
    config->physical_width = physical_widths[unit_choice(&draw, 3)];
}

/* "INVALIDATE_IOMMU_PAGES": a completed one has. */
static inline bool unit_drains(const unit_config_t *config)
{
    (void)config;
    return true;
}

static inline void unit_set_tear(unit_broken_t *broken, unsigned tear, unsigned changes)
{
    broken->tear = tear;
    broken->tear_changes = changes;
}

/* Pages carry the rights of their device. */
static inline void unit_set_sharing(unit_config_t *config, bool on)
{
    (void)config;
    (void)on;
}

/* Control.Coherent makes all units so. */
static inline void unit_set_coherent(unit_config_t *config, bool on)
{
    (void)config;
    (void)on;
}

/* Nobody has use for more addresses than memory has. */
static inline void unit_set_width(unit_config_t *config, enum unit_width width)
{
    static const unsigned sizes[] = {[UNIT_USUAL] = 48, [UNIT_NARROW] = 40, [UNIT_WIDE] = 64};
    unsigned levels = width == UNIT_WIDE ? 5 : 4;

    config->virtual_width = sizes[width];
    config->physical_width = width == UNIT_WIDE ? 52 : 48;
    config->efr = (config->efr & ~MODEL_AMDVI_EFR_HATS) | AMDVI_HATS(levels);
}

static inline void unit_set_delay(unit_broken_t *broken, unsigned ticks)
{
    broken->fetch_delay = broken->completion_delay = ticks;
}

static inline void unit_stall(unit_t *unit)
{
    unit->broken.never_fetches = true;
}

static inline void unit_fail(unit_t *unit)
{
    unit->broken.command_error = MODEL_AMDVI_MASTER_ABORT;
}

static inline void unit_vanish(unit_t *unit)
{
    unit->broken.all_ones = true;
}

static inline void unit_revive(unit_t *unit)
{
    unit->broken.all_ones = false;
    unit->broken.never_fetches = false;
    unit->broken.command_error = MODEL_AMDVI_NO_ERROR;
    unit_write(unit, UNIT_TAIL, 8, unit->command_tail);
}

static inline uint64_t amdvi_ring_bytes(uint64_t base)
{
    return UINT64_C(16) << (base >> 56 & 15);
}

static inline bool unit_is_wait(const unit_t *unit, uint64_t physical, uint64_t value)
{
    uint64_t base = unit->command_base & AMDVI_ADDRESS;

    return physical >= base && physical - base < amdvi_ring_bytes(unit->command_base) &&
           physical % 16 == 0 && value >> 60 == MODEL_AMDVI_COMPLETION_WAIT;
}

static inline void unit_caches(unit_t *unit, struct unit_cache caches[UNIT_CACHES])
{
    caches[UNIT_REQUESTERS] =
        (struct unit_cache){unit->devices, &unit->device_count, sizeof *unit->devices};
    caches[UNIT_LEAVES] =
        (struct unit_cache){unit->leaves, &unit->leaf_count, sizeof *unit->leaves};
    caches[UNIT_DIRECTORIES] =
        (struct unit_cache){unit->tables, &unit->table_count, sizeof *unit->tables};
}

static inline struct unit_entry amdvi_requester(uint16_t source, const uint64_t words[4],
                                                uint8_t reason)
{
    return (struct unit_entry){.source = source,
                               .domain = (uint16_t)words[1],
                               .address = words[0] & AMDVI_ADDRESS,
                               .rights = (words[0] & ~AMDVI_ADDRESS) ^ (words[1] >> 16 << 16) ^
                                         words[2] << 4 ^ words[3] << 8 ^ reason};
}

static inline struct unit_entry unit_requester(const unit_t *unit, pci_bdf_t requester)
{
    const uint64_t *table = model_ram(unit->device_table & AMDVI_ADDRESS, FRAME_SIZE);

    return amdvi_requester(requester, &table[4 * requester], MODEL_AMDVI_OK);
}

static inline struct unit_entry unit_entry(unsigned cache, const void *entry)
{
    const struct model_amdvi_device *device = entry;
    const struct model_amdvi_translation *page = entry;

    if (cache == UNIT_REQUESTERS)
        return amdvi_requester(device->source, device->words, device->reason);
    return (struct unit_entry){.source = page->source,
                               .domain = page->domain,
                               .shift = page->shift,
                               .refused = page->reason != MODEL_AMDVI_OK,
                               .input = page->input,
                               .address = page->address,
                               .rights =
                                   (uint64_t)page->level << 40 | (uint64_t)page->source_read << 32 |
                                   (uint64_t)page->source_write << 24 | (uint64_t)page->read << 16 |
                                   (uint64_t)page->write << 8 | page->reason};
}

static inline void unit_settle(unit_t *unit, const unit_t *idle)
{
    memcpy(unit, idle, offsetof(unit_t, fetched));
    unit->fetched_count = 0;
    unit->event_count = 0;
}

static inline bool unit_is_log(const unit_t *unit, uint64_t frame)
{
    return frame - (unit->event_base & AMDVI_ADDRESS) < amdvi_ring_bytes(unit->event_base);
}

static inline bool unit_is_idle(const unit_t *unit)
{
    return !unit->fetch_pending && !unit->waiting && unit->command_head == unit->command_tail &&
           unit->fetched_count == 0;
}

static inline uint64_t unit_frame(const unit_t *unit)
{
    return unit->device_table & AMDVI_ADDRESS;
}

/* Device table, command buffer and event log; the store of the waits, and what is blocked shares a
 * page of zeros. */
static inline size_t unit_frames(const unit_t *unit)
{
    return (unit->device_table & 0x1FF) + 1 + (amdvi_ring_bytes(unit->command_base) >> 12) +
           (amdvi_ring_bytes(unit->event_base) >> 12) + 2;
}

#endif
