/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_MODEL_FIXTURE_H
#define TESTS_HOST_MODEL_FIXTURE_H

#include "arch/irq.h"
#include "arch/memory.h"
#include "arch/mmio.h"
#include "arch/table.h"
#include "arch/time.h"
#include "machine.h"
#include "vtd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * A VT-d unit with tables typed by hand from the specification: one device, one domain, one mapped
 * page. No driver code takes part.
 */

#define GCMD   0x18u
#define GSTS   0x1Cu
#define RTADDR 0x20u
#define CCMD   0x28u
#define FSTS   0x34u
#define FECTL  0x38u
#define FEDATA 0x3Cu
#define FEADDR 0x40u
#define IQH    0x80u
#define IQT    0x88u
#define IQA    0x90u
#define ICS    0x9Cu
#define IECTL  0xA0u
#define IOTLB  0xF8u
#define FRCD   0x220u

#define TE     0x80000000u
#define SRTP   0x40000000u
#define QIE    0x04000000u

#define SOURCE 0x0120 /* 01:04.0 */
#define DOMAIN 0x0042
#define IOVA   UINT64_C(0x4080604000) /* indices 0, 258, 3, 4 in four levels */
#define SECRET UINT32_C(0x5EC2E7)

static struct model_vtd unit;
static uint64_t *root, *contexts, *level4, *level3, *level2, *level1, *queue;
static uint8_t *page;
static uint64_t page_physical;
static unsigned tail;
static uint64_t *status;

static inline uint64_t physical(const void *address)
{
    return memory_physical(address);
}

static inline void *frame(owner_t owner)
{
    void *result = memory_alloc(owner, 1, 0);
    assert_non_null(result);
    table_write_back(result, FRAME_SIZE);
    return result;
}

static inline void put(uint64_t *word, uint64_t value)
{
    table_store64(word, value);
    table_write_back(word, sizeof(*word));
}

static inline void start_with(const struct model_vtd_config *config)
{
    model_reset();
    assert_true(model_vtd_create(&unit, config));
    root = frame(OWNER_IOMMU);
    contexts = frame(OWNER_IOMMU);
    level4 = frame(OWNER_IOMMU);
    level3 = frame(OWNER_IOMMU);
    level2 = frame(OWNER_IOMMU);
    level1 = frame(OWNER_IOMMU);
    queue = frame(OWNER_IOMMU);
    status = frame(OWNER_IOMMU);
    page = frame(OWNER_DRIVER);
    page_physical = physical(page);
    memcpy(page, &(uint32_t){SECRET}, sizeof(uint32_t));
    tail = 0;

    put(&root[2 * 0x01], physical(contexts) | 1);
    put(&contexts[2 * 0x20], physical(level4) | 1);
    put(&contexts[2 * 0x20 + 1], DOMAIN << 8 | 2);
    put(&level4[0], physical(level3) | 3);
    put(&level3[258], physical(level2) | 3);
    put(&level2[3], physical(level1) | 3);
    put(&level1[4], page_physical | 3);
}

static inline uint32_t in32(uint32_t offset)
{
    return (uint32_t)model_vtd_read(&unit, offset, 4);
}

static inline uint64_t in64(uint32_t offset)
{
    return model_vtd_read(&unit, offset, 8);
}

static inline void out32(uint32_t offset, uint32_t value)
{
    model_vtd_write(&unit, offset, 4, value);
}

static inline void out64(uint32_t offset, uint64_t value)
{
    model_vtd_write(&unit, offset, 8, value);
}

static inline void submit(uint64_t low, uint64_t high)
{
    table_store128(&queue[tail / 8], low, high);
    tail = (tail + 16) % 4096;
    table_fence();
    out64(IQT, tail);
}

static inline void submit_wait(void)
{
    static uint32_t ticket;
    uint32_t written;

    submit((uint64_t)++ticket << 32 | 0x25, physical(status));
    memcpy(&written, status, sizeof(written));
    assert_int_equal(written, ticket);
}

static inline void invalidate(uint64_t low, uint64_t high)
{
    submit(low, high);
    submit_wait();
}

static inline void invalidate_page(uint16_t domain, uint64_t address, unsigned mask, bool hint)
{
    invalidate((uint64_t)domain << 16 | 0x32, address | (hint ? 0x40u : 0u) | mask);
}

static inline void invalidate_all(void)
{
    submit(0x11, 0);
    submit(0x12, 0);
    submit_wait();
}

static inline void enable(void)
{
    out64(RTADDR, physical(root));
    out32(GCMD, SRTP);
    out64(IQA, physical(queue));
    out32(GCMD, QIE);
    invalidate_all();
    out32(GCMD, QIE | TE);
    assert_int_equal(in32(GSTS), TE | SRTP | QIE);
    assert_int_equal(model_violations(), 0);
    model_vtd_log_clear(&unit);
}

static inline int set_up(void **state)
{
    (void)state;
    start_with(&MODEL_VTD_DEFAULT);
    enable();
    return 0;
}

static inline enum model_dma_result dma_read(uint64_t iova, uint32_t *value)
{
    *value = 0;
    return model_vtd_dma(&unit, SOURCE, iova, false, value, sizeof(*value));
}

static inline enum model_dma_result dma_write(uint64_t iova)
{
    return model_vtd_dma(&unit, SOURCE, iova, true, &(uint32_t){0xBAD}, sizeof(uint32_t));
}

static inline void expect_allowed(uint64_t iova)
{
    uint32_t value;

    assert_int_equal(dma_read(iova, &value), MODEL_DMA_ALLOWED);
    assert_int_equal(value, SECRET);
}

static inline void clear_faults(void)
{
    out32(FRCD + 12, 0x80000000u);
    out32(FSTS, 1);
}

/* A refusal that changes nothing, its record, and the same reason from the second judge. */
static inline void expect_fault(uint64_t iova, bool write, enum model_vtd_reason reason)
{
    uint32_t value = SECRET;

    assert_int_equal(model_vtd_dma(&unit, SOURCE, iova, write, &value, sizeof(value)),
                     MODEL_DMA_REFUSED);
    assert_int_equal(value, SECRET);
    assert_int_equal(in64(FRCD), iova & ~UINT64_C(0xFFF));
    assert_int_equal(in64(FRCD + 8), UINT64_C(1) << 63 | (write ? 0 : UINT64_C(1) << 62) |
                                         (uint64_t)reason << 32 | SOURCE);
    assert_int_equal(in32(FSTS), 2);
    assert_int_equal(model_vtd_judge(&unit, SOURCE, iova, write, NULL), reason);
    clear_faults();
    assert_int_equal(in32(FSTS), 0);
}

static inline void expect_cold_fault(uint64_t iova, bool write, enum model_vtd_reason reason)
{
    model_vtd_evict_all(&unit);
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
