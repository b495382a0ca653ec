/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_AMDVI_FIXTURE_H
#define TESTS_HOST_AMDVI_FIXTURE_H

#include "amdvi.h"
#include "arch/irq.h"
#include "arch/memory.h"
#include "arch/mmio.h"
#include "arch/table.h"
#include "arch/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * An AMD-Vi unit with tables typed by hand, bit by bit: one device, one domain, one
 * mapped page. No driver code takes part.
 */

#define DEV_TAB      0x00u
#define CMD_BASE     0x08u
#define EVT_BASE     0x10u
#define CONTROL      0x18u
#define EXCL_BASE    0x20u
#define EXCL_LIMIT   0x28u
#define EFR          0x30u
#define CMD_HEAD     0x2000u
#define CMD_TAIL     0x2008u
#define EVT_HEAD     0x2010u
#define EVT_TAIL     0x2018u
#define STATUS       0x2020u

#define IOMMU_EN     0x0001u
#define EVENT_LOG_EN 0x0004u
#define EVENT_INT_EN 0x0008u
#define WAIT_INT_EN  0x0010u
#define TIMEOUT_1MS  0x0020u
#define COHERENT     0x0400u
#define CMD_BUF_EN   0x1000u
#define ALL_ON       (IOMMU_EN | EVENT_LOG_EN | COHERENT | CMD_BUF_EN)

#define SOURCE       0x0120u /* 01:04.0 */
#define DOMAIN       0x0042u
#define IOVA         UINT64_C(0x4080604000) /* indices 0, 258, 3, 4 in four levels */
#define SECRET       UINT32_C(0x5EC2E7)
#define BIT(n)       (UINT64_C(1) << (n))

/* PR, IR, IW; with Next Level. V, TV, Mode, IR, IW. */
#define RW           UINT64_C(0x6000000000000001)
#define TO(level)    (RW | (uint64_t)(level) << 9)
#define DTE(mode)    (UINT64_C(0x6000000000000003) | (uint64_t)(mode) << 9)

#define RING_256     BIT(59)

#define OP_WAIT      (UINT64_C(1) << 60)
#define OP_DEVTAB    (UINT64_C(2) << 60)
#define OP_PAGES     (UINT64_C(3) << 60)
#define OP_IOTLB     (UINT64_C(4) << 60)
#define OP_INT_TABLE (UINT64_C(5) << 60)
#define OP_ALL       (UINT64_C(8) << 60)
#define EVERYTHING   UINT64_C(0x7FFFFFFFFFFFF000)

static struct model_amdvi unit;
static uint64_t *devices, *level4, *level3, *level2, *level1, *commands, *events, *store;
static uint8_t *page;
static uint64_t page_physical;
static unsigned tail;

static inline uint64_t physical(const void *address)
{
    return memory_physical(address);
}

static inline void *frames_of(owner_t owner, size_t count)
{
    void *result = memory_alloc(owner, count, 0);
    assert_non_null(result);
    table_write_back(result, count * FRAME_SIZE);
    return result;
}

static inline void *frame(owner_t owner)
{
    return frames_of(owner, 1);
}

static inline void put(uint64_t *word, uint64_t value)
{
    table_store64(word, value);
    table_write_back(word, sizeof(*word));
}

static inline uint64_t *entry_of(unsigned source)
{
    return &devices[(size_t)4 * source];
}

static inline void create(const struct model_amdvi_config *config)
{
    assert_true(model_amdvi_create(&unit, config));
    devices = frames_of(OWNER_IOMMU, 4);
    level4 = frame(OWNER_IOMMU);
    level3 = frame(OWNER_IOMMU);
    level2 = frame(OWNER_IOMMU);
    level1 = frame(OWNER_IOMMU);
    commands = frame(OWNER_IOMMU);
    events = frame(OWNER_IOMMU);
    store = frame(OWNER_IOMMU);
    page = frame(OWNER_DRIVER);
    page_physical = physical(page);
    memcpy(page, &(uint32_t){SECRET}, sizeof(uint32_t));
    tail = 0;

    put(&entry_of(SOURCE)[0], physical(level4) | DTE(4));
    put(&entry_of(SOURCE)[1], DOMAIN);
    put(&level4[0], physical(level3) | TO(3));
    put(&level3[258], physical(level2) | TO(2));
    put(&level2[3], physical(level1) | TO(1));
    put(&level1[4], page_physical | RW);
}

static inline void start_with(const struct model_amdvi_config *config)
{
    model_reset();
    create(config);
}

static inline uint32_t in32(uint32_t offset)
{
    return (uint32_t)model_amdvi_read(&unit, offset, 4);
}

static inline uint64_t in64(uint32_t offset)
{
    return model_amdvi_read(&unit, offset, 8);
}

static inline void out32(uint32_t offset, uint32_t value)
{
    model_amdvi_write(&unit, offset, 4, value);
}

static inline void out64(uint32_t offset, uint64_t value)
{
    model_amdvi_write(&unit, offset, 8, value);
}

static inline void submit(uint64_t low, uint64_t high)
{
    table_store128(&commands[tail / 8], low, high);
    tail = (tail + 16) % 4096;
    table_fence();
    out64(CMD_TAIL, tail);
}

static inline void submit_wait(void)
{
    static uint64_t ticket = UINT64_C(0x1234500000000);

    submit(OP_WAIT | physical(store) | 1, ++ticket);
    assert_int_equal(*store, ticket);
}

/* INVALIDATE_IOMMU_PAGES; `high` is Address with S (1) and PDE (2). */
static inline void invalidate_pages(unsigned domain, uint64_t high)
{
    submit(OP_PAGES | (uint64_t)domain << 32, high);
    submit_wait();
}

static inline void invalidate_device(unsigned source)
{
    submit(OP_DEVTAB | source, 0);
    submit_wait();
}

static inline void set_bases(void)
{
    out64(DEV_TAB, physical(devices) | 3);
    out64(CMD_BASE, physical(commands) | RING_256);
    out64(EVT_BASE, physical(events) | RING_256);
}

static inline void enable(void)
{
    set_bases();
    out64(CONTROL, ALL_ON);
    assert_int_equal(in64(STATUS), 0x18);
    assert_int_equal(model_violations(), 0);
}

static inline int set_up(void **state)
{
    (void)state;
    start_with(&MODEL_AMDVI_DEFAULT);
    enable();
    return 0;
}

static inline enum model_dma_result dma_read(uint64_t iova, uint32_t *value)
{
    *value = 0;
    return model_amdvi_dma(&unit, SOURCE, iova, false, value, sizeof(*value));
}

static inline enum model_dma_result dma_write(uint64_t iova)
{
    return model_amdvi_dma(&unit, SOURCE, iova, true, &(uint32_t){0xBAD}, sizeof(uint32_t));
}

static inline void expect_allowed(uint64_t iova)
{
    uint32_t value;

    assert_int_equal(dma_read(iova, &value), MODEL_DMA_ALLOWED);
    assert_int_equal(value, SECRET);
}

/* The next event of the log, and that it is the only one. */
static inline void expect_event(uint64_t low, uint64_t high)
{
    uint64_t head = in64(EVT_HEAD);

    assert_int_equal(in64(EVT_TAIL), (head + 16) % 4096);
    assert_int_equal(events[head / 8], low);
    assert_int_equal(events[head / 8 + 1], high);
    out64(EVT_HEAD, (head + 16) % 4096);
    out32(STATUS, 2);
}

static inline void no_event(void)
{
    assert_int_equal(in64(EVT_TAIL), in64(EVT_HEAD));
}

/* The first quadword of the event of each refusal. "Event Log Entry". */
static inline uint64_t event_of(enum model_amdvi_reason reason, bool write)
{
    uint64_t low = SOURCE | (write ? BIT(53) : 0);
    uint64_t fault = low | (uint64_t)DOMAIN << 32;

    switch (reason) {
    case MODEL_AMDVI_DTE_RESERVED:
        return low | UINT64_C(0x1080000000000000);
    case MODEL_AMDVI_DTE_ENCODING:
        return low | UINT64_C(0x1000000000000000);
    case MODEL_AMDVI_DTE_UNREADABLE:
        return low | UINT64_C(0x3200000000000000);
    case MODEL_AMDVI_TABLE_UNREADABLE:
        return fault | UINT64_C(0x4200000000000000);
    case MODEL_AMDVI_NO_PERMISSION:
        return fault | UINT64_C(0x2050000000000000);
    case MODEL_AMDVI_PTE_RESERVED:
        return fault | UINT64_C(0x2090000000000000);
    default:
        return fault | UINT64_C(0x2000000000000000);
    }
}

/* A refusal that changes nothing, its event, and the same reason from the second judge. */
static inline void expect_refused(uint64_t iova, bool write, enum model_amdvi_reason reason,
                                  uint64_t address)
{
    uint32_t value = SECRET;

    assert_int_equal(model_amdvi_dma(&unit, SOURCE, iova, write, &value, sizeof(value)),
                     MODEL_DMA_REFUSED);
    assert_int_equal(value, SECRET);
    expect_event(event_of(reason, write), address);
    assert_int_equal(model_amdvi_judge(&unit, SOURCE, iova, write, NULL), reason);
}

static inline void expect_fault(uint64_t iova, bool write, enum model_amdvi_reason reason)
{
    expect_refused(iova, write, reason, iova);
}

static inline void expect_cold_fault(uint64_t iova, bool write, enum model_amdvi_reason reason)
{
    model_amdvi_evict_all(&unit);
    expect_fault(iova, write, reason);
}

static inline void expect_violation(const char *part)
{
    assert_int_equal(model_violations(), 1);
    if (!model_violation_seen(part)) {
        fail_msg("expected \"%s\", got \"%s\"", part, model_violation_text(0));
    }
    model_violations_clear();
}

static inline void no_violation(void)
{
    if (model_violations() != 0) {
        fail_msg("%s", model_violation_text(0));
    }
}

#endif
