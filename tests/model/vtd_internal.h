/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_VTD_INTERNAL_H
#define MODEL_VTD_INTERNAL_H

#include "vtd.h"

#define BIT32(n)               (UINT32_C(1) << (n))
#define BIT64(n)               (UINT64_C(1) << (n))
#define BITS(value, high, low) (((value) >> (low)) & (UINT64_MAX >> (63 - ((high) - (low)))))
#define PAGE_MASK              UINT64_C(0xFFF)

/* Global Command and Global Status Registers share their bit positions. */
#define GLOBAL_TE   BIT32(31)
#define GLOBAL_RTP  BIT32(30)
#define GLOBAL_FL   BIT32(29)
#define GLOBAL_EAFL BIT32(28)
#define GLOBAL_WBF  BIT32(27)
#define GLOBAL_QIE  BIT32(26)
#define GLOBAL_IRE  BIT32(25)
#define GLOBAL_IRTP BIT32(24)
#define GLOBAL_CFI  BIT32(23)

#define RTADDR_TTM  UINT64_C(0xC00)
#define IQA_DW      BIT64(11)

/* Protected Memory Enable Register. */
#define PMEN_EPM BIT32(31)
#define PMEN_PRS BIT32(0)

/* Fault Status Register. */
#define FSTS_PFO        BIT32(0)
#define FSTS_PPF        BIT32(1)
#define FSTS_IQE        BIT32(4)
#define FSTS_ICE        BIT32(5)
#define FSTS_ITE        BIT32(6)
#define FSTS_CONDITIONS UINT32_C(0xFF)
#define FSTS_STOPS      (FSTS_IQE | FSTS_ITE) /* no descriptor is fetched */
#define FSTS_W1C        (FSTS_PFO | FSTS_IQE | FSTS_ICE | FSTS_ITE)
#define FSTS_FRI_SHIFT  8

/* Fault and Invalidation Event Control Registers; Invalidation Completion Status Register. */
#define EVENT_IM BIT32(31)
#define EVENT_IP BIT32(30)
#define ICS_IWC  BIT32(0)

/* Upper half of a Fault Recording Register. */
#define FAULT_F            BIT64(63)
#define FAULT_READ         BIT64(62)
#define FAULT_REASON_SHIFT 32

static inline unsigned vtd_fault_records(const struct model_vtd *unit)
{
    return (unsigned)BITS(unit->config.cap, 47, 40) + 1;
}

static inline unsigned vtd_domain_bits(const struct model_vtd *unit)
{
    return 4 + 2 * (unsigned)BITS(unit->config.cap, 2, 0);
}

/* Invalidation Queue Error Record Register. */
#define IQERCD_IQEI         UINT64_C(0xF)
#define IQERCD_ITESID_SHIFT 32
#define IQERCD_ICESID_SHIFT 48

/* Invalidation descriptors. */
enum {
    TYPE_CONTEXT = 1,
    TYPE_IOTLB = 2,
    TYPE_DEVICE_TLB = 3,
    TYPE_INTERRUPT_ENTRY = 4,
    TYPE_WAIT = 5,
};
#define TYPE_MASK UINT64_C(0xF)

/* vtd_walk.c */
void vtd_cache_leaf(struct model_vtd *unit, const struct model_vtd_translation *leaf);

/* vtd_invalidate.c */
void vtd_log_event(struct model_vtd *unit, const struct model_vtd_event *event);
void vtd_flush_writes(struct model_vtd *unit);
void vtd_take_effect(struct model_vtd *unit, const uint64_t descriptor[2]);
void vtd_context_command(struct model_vtd *unit, enum model_vtd_kind kind, uint16_t domain,
                         uint16_t source, uint8_t function_mask, bool by_queue);
void vtd_iotlb_command(struct model_vtd *unit, const struct model_vtd_event *request, bool drain);

/* vtd_queue.c */
void vtd_complete_wait(struct model_vtd *unit);
void vtd_tail_written(struct model_vtd *unit, uint64_t tail);
void vtd_run_queue(struct model_vtd *unit);

/* vtd_fault.c */
void vtd_record_fault(struct model_vtd *unit, uint16_t source, uint64_t iova, bool write,
                      enum model_vtd_reason reason);
void vtd_raise_condition(struct model_vtd *unit, uint32_t condition);
void vtd_write_fault_status(struct model_vtd *unit, uint32_t value);
void vtd_clear_fault_record(struct model_vtd *unit, unsigned index);
void vtd_write_event_control(uint32_t *control, uint32_t value, uint32_t upper, uint32_t lower,
                             uint32_t data);
void vtd_wait_interrupt(struct model_vtd *unit);

#endif
