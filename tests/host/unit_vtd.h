/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_UNIT_VTD_H
#define TESTS_HOST_UNIT_VTD_H

#include "drivers/iommu/vtd/vtd.h"
#include "tests/host/unit.h"
#include "vtd.h"

/* tests/host/unit.h for Intel VT-d. */
typedef struct model_vtd unit_t;
typedef struct model_vtd_config unit_config_t;
typedef struct model_vtd_broken unit_broken_t;
typedef struct vtd unit_driver_t;

#define UNIT_DEFAULT         MODEL_VTD_DEFAULT
#define UNITS_APART          UINT64_C(0x2000)
#define UNIT_FORMAT          REFERENCE_SECOND_STAGE
#define UNIT_ATTACH_FRAMES   1 /* a context table */
#define UNIT_ALWAYS_COHERENT 0
#define UNIT_SPECIALS        0
#define UNIT_EFFORT          1

#define VTD_KIND(cap_set, cap_clear, ecap_set)                                                     \
    {                                                                                              \
        .base = UINT64_C(0xFED90000), .cap = (MODEL_VTD_CAP | (cap_set)) & ~(cap_clear),           \
        .ecap = MODEL_VTD_ECAP | (ecap_set), .host_address_width = 48                              \
    }

static const unit_config_t unit_kinds[] = {
    VTD_KIND(0, UINT64_C(0), 0),
    VTD_KIND(0, UINT64_C(0), MODEL_VTD_ECAP_C),
    VTD_KIND(MODEL_VTD_CAP_CM, UINT64_C(0), 0),
    VTD_KIND(MODEL_VTD_CAP_RWBF, UINT64_C(0), 0),
    VTD_KIND(0, MODEL_VTD_CAP_PSI, 0),
    VTD_KIND(0, MODEL_VTD_CAP_SLLPS, 0),
    VTD_KIND(0, MODEL_VTD_CAP_SAGAW48 | (MODEL_VTD_CAP_MGAW & ~(UINT64_C(38) << 16)), 0),
    VTD_KIND(UINT64_C(7) << 40 /* NFR */, UINT64_C(0), MODEL_VTD_ECAP_C),
};

static const unit_broken_t unit_useless[] = {
    {.presence = MODEL_VTD_ALL_ONES},
    {.presence = MODEL_VTD_ALL_ZEROS},
    {.never_te = true},
    {.never_rtps = true},
    {.never_qies = true},
    {.queue_stuck = true},
    {.never_completes = true},
};

static inline void unit_create(unit_t *unit, const unit_config_t *config, unsigned number,
                               struct pci_inventory *pci)
{
    unit_config_t own = *config;

    (void)pci;
    own.base += number * UNITS_APART;
    assert_true(model_vtd_create(unit, &own));
}

/* "Device Scope Structure": one PCI endpoint of bus 0. */
static inline size_t put_scope(uint8_t *table, size_t at, pci_bdf_t bdf)
{
    at = put_bytes(table, at, 1 | 8u << 8, 4);
    return put_bytes(table, at, (uint64_t)PCI_DEVICE(bdf) << 16, 4);
}

/* "DMA Remapping Reporting Structure": DRHDs, the last with INCLUDE_PCI_ALL, and RMRR. */
static inline size_t unit_table(uint8_t table[UNIT_TABLE_MAX], const unit_config_t *config,
                                const struct unit_plan *plan)
{
    size_t at = 48;

    memset(table, 0, UNIT_TABLE_MAX);
    memcpy(table, "DMAR", 4);
    table[8] = 1;
    table[36] = (uint8_t)(config->host_address_width - 1);
    if (plan->two_units) {
        at = put_bytes(table, at, (plan->second ? 16u : 24u) << 16, 4);
        at = put_bytes(table, at, (plan->second ? 1u : 0u) | (uint32_t)plan->second << 16, 4);
        at = put_bytes(table, at, config->base + UNITS_APART, 8);
        if (!plan->second)
            at = put_scope(table, at, SECOND_ID);
    }
    at = put_bytes(table, at, 16u << 16, 4);
    at = put_bytes(table, at, 1, 4);
    at = put_bytes(table, at, config->base, 8);
    if (plan->region) {
        at = put_bytes(table, at, 1 | 32u << 16, 4);
        at = put_bytes(table, at, 0, 4);
        at = put_bytes(table, at, plan->region, 8);
        at = put_bytes(table, at, plan->region + REGION_SIZE - 1, 8);
        at = put_scope(table, at, FIRST_ID);
    }
    put_bytes(table, 4, at, 4);
    return at;
}

static inline bool unit_discover(unit_driver_t *driver, const struct acpi_table *table,
                                 struct iommu *iommu, const char **reason)
{
    return vtd_discover(driver, table, iommu, reason);
}

static inline enum model_dma_result unit_dma(unit_t *unit, pci_bdf_t requester, uint64_t address,
                                             bool write, void *buffer, size_t length)
{
    return model_vtd_dma(unit, requester, address, write, buffer, length);
}

static inline enum model_dma_result unit_translate(const unit_t *unit, pci_bdf_t requester,
                                                   uint64_t address, bool write, uint64_t *physical)
{
    return model_vtd_translate(unit, requester, address, write, physical);
}

static inline bool unit_blocks(const unit_t *unit, pci_bdf_t requester)
{
    enum model_vtd_reason reason = model_vtd_judge(unit, requester, 0, false, NULL);

    return reason == MODEL_VTD_ROOT_NOT_PRESENT || reason == MODEL_VTD_CONTEXT_NOT_PRESENT;
}

static inline bool unit_has_faults(const unit_t *unit)
{
    return unit->fsts & 3; /* PFO, PPF */
}

#define UNIT_ROW       ""
#define UNIT_REGISTERS 0x1000u
#define UNIT_TAIL      0x88u

static inline uint64_t unit_read(unit_t *unit, uint64_t offset, unsigned width)
{
    return model_vtd_read(unit, (uint32_t)offset, width);
}

static inline void unit_write(unit_t *unit, uint64_t offset, unsigned width, uint64_t value)
{
    model_vtd_write(unit, (uint32_t)offset, width, value);
}

static inline uint64_t unit_covered(const unit_t *unit, uint64_t first, uint64_t last)
{
    const struct model_vtd_event *event;
    uint64_t pages = 0;

    for (unsigned i = 0; (event = model_vtd_log(unit, i)) != NULL; i++)
        if (event->kind == MODEL_VTD_IOTLB_PAGE)
            pages += common_pages(first, last, event->address,
                                  event->address + (UINT64_C(4096) << event->address_mask) - 1);
    return pages;
}

static inline struct unit_told unit_take_told(unit_t *unit)
{
    const struct model_vtd_event *event;
    struct unit_told told = {0};

    for (unsigned i = 0; (event = model_vtd_log(unit, i)) != NULL; i++) {
        enum unit_command command = event->kind == MODEL_VTD_IOTLB_PAGE ? UNIT_RANGE
                                    : event->kind == MODEL_VTD_WAIT     ? UNIT_WAIT
                                                                        : UNIT_OTHER;

        unit_count(&told, command, UINT64_C(1) << event->address_mask, !event->hint);
    }
    model_vtd_log_clear(unit);
    return told;
}

static inline void unit_set_caching(unit_config_t *config, bool on)
{
    config->cap = MODEL_FIELD(config->cap, MODEL_VTD_CAP_CM, on);
}

static inline void unit_set_sharing(unit_config_t *config, bool on)
{
    config->shares_leaves = on;
}

static inline void unit_set_coherent(unit_config_t *config, bool on)
{
    config->ecap = MODEL_FIELD(config->ecap, MODEL_VTD_ECAP_C, on);
}

#define UNIT_CAPABILITIES (2u * 2 * 2 * 2 * 3 * 3)
#define UNIT_TEARS        0u

#define VTD_CAP_FRO       (UINT64_C(0x3FF) << 24)
#define VTD_CAP_DWD       (UINT64_C(1) << 54)
#define VTD_CAP_DRD       (UINT64_C(1) << 55)

/* SAGAW beside the widest: the narrower ones may be there too. MAMV: no smaller than a leaf. */
static inline void vtd_draw(uint64_t *cap, unsigned draw, unsigned width, unsigned large)
{
    static const unsigned domains[] = {0, 3, 6};
    static const unsigned records[] = {1, 8, 256}, records_at[] = {0x22, 0x40, 0x80};
    static const unsigned sets[] = {0, 0x4, 0xE};
    unsigned widest = 1u << (width - 30) / 9, narrower = (widest - 1) & 0xE;

    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_ND, domains[unit_choice(&draw, 3)]);
    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_NFR, records[unit_choice(&draw, 3)] - 1);
    *cap = MODEL_FIELD(*cap, VTD_CAP_FRO, records_at[unit_choice(&draw, 3)]);
    *cap = MODEL_FIELD(*cap, VTD_CAP_DWD, unit_choice(&draw, 2));
    *cap = MODEL_FIELD(*cap, VTD_CAP_DRD, unit_choice(&draw, 2));
    *cap =
        MODEL_FIELD(*cap, MODEL_VTD_CAP_SAGAW, widest | (narrower & sets[unit_choice(&draw, 3)]));
    unsigned least = large == 3 ? 18 : large == 1 ? 9 : 0;
    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_MAMV, least + unit_choice(&draw, 4) * 5);
}

static inline bool unit_drains(const unit_config_t *config)
{
    return config->cap & VTD_CAP_DWD;
}

/* SAGAW bit n: n + 2 levels; SLLPS: 2 MiB, then 1 GiB. */
static inline void unit_capabilities(unit_config_t *config, unsigned *number)
{
    const unsigned draw = unit_draw(*number);
    static const unsigned widths[] = {39, 48, 57}, large[] = {0, 1, 3};
    uint64_t *cap = &config->cap, *ecap = &config->ecap;

    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_CM, unit_choice(number, 2));
    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_RWBF, unit_choice(number, 2));
    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_PSI, unit_choice(number, 2));
    *ecap = MODEL_FIELD(*ecap, MODEL_VTD_ECAP_C, unit_choice(number, 2));
    unsigned width = widths[unit_choice(number, 3)];
    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_MGAW, width - 1);
    unsigned superpages = large[unit_choice(number, 3)];
    *cap = MODEL_FIELD(*cap, MODEL_VTD_CAP_SLLPS, superpages);
    vtd_draw(cap, draw, width, superpages);
}

/* A store of 16 bytes is read as one. */
static inline void unit_set_tear(unit_broken_t *broken, unsigned tear, unsigned changes)
{
    (void)broken;
    (void)tear;
    (void)changes;
}

/* SAGAW bit n: n + 2 levels. */
static inline void unit_set_width(unit_config_t *config, enum unit_width width)
{
    static const unsigned bits[] = {[UNIT_USUAL] = 48, [UNIT_NARROW] = 39, [UNIT_WIDE] = 57};
    unsigned level = (bits[width] - 30) / 9;

    config->cap = MODEL_FIELD(config->cap, MODEL_VTD_CAP_MGAW, bits[width] - 1);
    config->cap = MODEL_FIELD(config->cap, MODEL_VTD_CAP_SAGAW, 1u << level);
}

static inline void unit_set_delay(unit_broken_t *broken, unsigned ticks)
{
    broken->command_delay = broken->queue_delay = broken->completion_delay = ticks;
}

static inline void unit_stall(unit_t *unit)
{
    unit->broken.queue_stuck = true;
}

#define VTD_FSTS_IQE 0x10u

static inline void unit_fail(unit_t *unit)
{
    unit->fsts |= VTD_FSTS_IQE;
}

static inline void unit_vanish(unit_t *unit)
{
    unit->broken.presence = MODEL_VTD_ALL_ONES;
}

static inline void unit_revive(unit_t *unit)
{
    unit->broken.presence = MODEL_VTD_PRESENT;
    unit->broken.queue_stuck = false;
    unit->fsts &= ~VTD_FSTS_IQE;
    unit_write(unit, UNIT_TAIL, 8, unit->iqt);
}

static inline bool unit_is_wait(const unit_t *unit, uint64_t physical, uint64_t value)
{
    return physical >> 12 == unit->iqa >> 12 && physical % 16 == 0 && (value & 0xF) == 5;
}

static inline void unit_caches(unit_t *unit, struct unit_cache caches[UNIT_CACHES])
{
    caches[UNIT_REQUESTERS] =
        (struct unit_cache){unit->contexts, &unit->context_count, sizeof *unit->contexts};
    caches[UNIT_LEAVES] =
        (struct unit_cache){unit->leaves, &unit->leaf_count, sizeof *unit->leaves};
    caches[UNIT_DIRECTORIES] =
        (struct unit_cache){unit->tables, &unit->table_count, sizeof *unit->tables};
}

static inline struct unit_entry unit_entry(unsigned cache, const void *entry)
{
    const struct model_vtd_context *context = entry;
    const struct model_vtd_translation *translation = entry;

    if (cache == UNIT_REQUESTERS)
        return (struct unit_entry){.source = context->source,
                                   .domain = context->domain,
                                   .address = context->table,
                                   .rights = (uint64_t)context->type << 24 |
                                             (uint64_t)context->width << 16 |
                                             (uint64_t)context->fpd << 8 | context->reason};
    return (struct unit_entry){.source = translation->source,
                               .domain = translation->domain,
                               .shift = translation->shift,
                               .refused = translation->reason != MODEL_VTD_OK,
                               .input = translation->input,
                               .address = translation->address,
                               .rights = (uint64_t)translation->read << 16 |
                                         (uint64_t)translation->write << 8 | translation->reason};
}

static inline struct unit_entry unit_requester(const unit_t *unit, pci_bdf_t requester)
{
    const uint64_t address = UINT64_C(0x000FFFFFFFFFF000);
    const uint64_t *root = model_ram(unit->root, FRAME_SIZE);
    const uint64_t *table = model_ram(root[2 * PCI_BUS(requester)] & address, FRAME_SIZE);
    const uint64_t *words = &table[2 * (requester & 0xFF)];

    return (struct unit_entry){.source = requester,
                               .domain = (uint16_t)(words[1] >> 8),
                               .address = words[0] & address,
                               .rights = (words[0] & ~address) ^ (words[1] & ~UINT64_C(0xFFFF00))
                                                                     << 12};
}

static inline void unit_settle(unit_t *unit, const unit_t *idle)
{
    memcpy(unit, idle, offsetof(unit_t, contexts));
    unit->event_count = 0;
}

/* Faults are in registers. */
static inline bool unit_is_log(const unit_t *unit, uint64_t frame)
{
    (void)unit;
    (void)frame;
    return false;
}

static inline bool unit_is_idle(const unit_t *unit)
{
    return !unit->queue_pending && !unit->waiting && unit->iqh == unit->iqt &&
           unit->fetched_count == 0;
}

static inline uint64_t unit_frame(const unit_t *unit)
{
    return unit->root;
}

/* Root table, queue and status; a context table for each bus that has one. */
static inline size_t unit_frames(const unit_t *unit)
{
    const uint64_t *root = model_ram(unit->root, FRAME_SIZE);
    size_t count = 3;

    assert_non_null(root);
    for (unsigned bus = 0; bus < 256; bus++)
        count += root[2 * bus] & 1;
    return count;
}

#endif
