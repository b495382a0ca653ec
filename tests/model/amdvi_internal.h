/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_AMDVI_INTERNAL_H
#define MODEL_AMDVI_INTERNAL_H

#include "amdvi.h"

#define BIT64(n)               (UINT64_C(1) << (n))
#define BITS(value, high, low) (((value) >> (low)) & (UINT64_MAX >> (63 - ((high) - (low)))))
#define PAGE_MASK              UINT64_C(0xFFF)
#define ADDRESS_BITS           UINT64_C(0x000FFFFFFFFFF000)
#define WINDOW_FIRST           UINT64_C(0xFEE00000)
#define WINDOW_LAST            UINT64_C(0xFEEFFFFF)

/* IOMMU Control Register. */
#define CONTROL_IOMMU_EN        BIT64(0)
#define CONTROL_HT_TUN_EN       BIT64(1)
#define CONTROL_EVENT_LOG_EN    BIT64(2)
#define CONTROL_EVENT_INT_EN    BIT64(3)
#define CONTROL_COM_WAIT_INT_EN BIT64(4)
#define CONTROL_INV_TIME_OUT    (UINT64_C(7) << 5)
#define CONTROL_PASS_PW         BIT64(8)
#define CONTROL_RES_PASS_PW     BIT64(9)
#define CONTROL_COHERENT        BIT64(10)
#define CONTROL_ISOC            BIT64(11)
#define CONTROL_CMD_BUF_EN      BIT64(12)
#define CONTROL_GA_EN           BIT64(17)
#define CONTROL_XT_EN           BIT64(50)

/* IOMMU Status Register. */
#define STATUS_EVENT_OVERFLOW BIT64(0)
#define STATUS_EVENT_LOG_INT  BIT64(1)
#define STATUS_COM_WAIT_INT   BIT64(2)
#define STATUS_EVENT_LOG_RUN  BIT64(3)
#define STATUS_CMD_BUF_RUN    BIT64(4)
#define STATUS_W1C            (STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT | STATUS_COM_WAIT_INT)

/* Command and event buffers: entries of 16 bytes, 2^Len of them, Len 8 to 15. */
#define ENTRY_SIZE  16u
#define LEN_SHIFT   56
#define LEN_LEAST   8u
#define RING_FIELDS (ADDRESS_BITS | UINT64_C(0xF) << LEN_SHIFT)

/* Event flags. "IO_PAGE_FAULT Event Log Entry". */
#define EVENT_I          BIT64(51)
#define EVENT_PR         BIT64(52)
#define EVENT_RW         BIT64(53)
#define EVENT_PE         BIT64(54)
#define EVENT_RZ         BIT64(55)
#define EVENT_TYPE_SHIFT 57
#define EVENT_CODE_SHIFT 60

/* INVALID_DEVICE_REQUEST, Type. */
enum amdvi_request {
    REQUEST_READ_OF_INTERRUPTS = 0,
    REQUEST_PRETRANSLATED = 1,
    REQUEST_PORT_IO = 2,
    REQUEST_WRITE_OF_INVALID = 3,
    REQUEST_READ_OF_INVALID = 4,
    REQUEST_INTERRUPT_BLOCKED = 5,
    REQUEST_SYSTEM_MANAGEMENT = 7,
};

static inline uint64_t amdvi_ring_size(uint64_t base)
{
    return ENTRY_SIZE * BIT64(BITS(base, 59, 56));
}

static inline bool amdvi_command_runs(const struct model_amdvi *unit)
{
    const uint64_t on = CONTROL_IOMMU_EN | CONTROL_CMD_BUF_EN;

    return (unit->control & on) == on && !unit->command_halted && !unit->broken.never_runs;
}

static inline bool amdvi_event_log_runs(const struct model_amdvi *unit)
{
    const uint64_t on = CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN;

    return (unit->control & on) == on && !unit->event_halted && !unit->broken.never_logs;
}

/* Device Table Entry, the fields that a walk needs. Mode is 0 where there is none. */
static inline unsigned amdvi_mode(const struct model_amdvi_device *device)
{
    return (device->words[0] & 3) == 3 ? (unsigned)BITS(device->words[0], 11, 9) : 0;
}

static inline uint64_t amdvi_root(const struct model_amdvi_device *device)
{
    return device->words[0] & ADDRESS_BITS;
}

static inline bool amdvi_readable(const struct model_amdvi_device *device)
{
    return BITS(device->words[0], 61, 61) != 0;
}

static inline bool amdvi_writable(const struct model_amdvi_device *device)
{
    return BITS(device->words[0], 62, 62) != 0;
}

static inline uint16_t amdvi_domain(const struct model_amdvi_device *device)
{
    return (uint16_t)device->words[1];
}

static inline bool amdvi_snoop_disabled(const struct model_amdvi_device *device)
{
    return BITS(device->words[1], 38, 38) != 0;
}

/* amdvi_walk.c. `physical` is of the address, or of the entry that could not be read. */
enum model_amdvi_reason amdvi_translate(struct model_amdvi *unit,
                                        const struct model_amdvi_device *device, uint64_t iova,
                                        bool write, uint64_t *physical);

/* amdvi_command.c */
void amdvi_tail_written(struct model_amdvi *unit);
void amdvi_fetch_commands(struct model_amdvi *unit);
void amdvi_complete_wait(struct model_amdvi *unit);

/* amdvi_event.c */
void amdvi_set_status(struct model_amdvi *unit, uint64_t bits);
void amdvi_interrupts_enabled(struct model_amdvi *unit, uint64_t old_control);
void amdvi_log_event(struct model_amdvi *unit, enum model_amdvi_code code, uint64_t fields,
                     uint64_t address);

/* amdvi_pci.c */
void amdvi_add_capabilities(struct model_amdvi *unit);
void amdvi_send_interrupt(const struct model_amdvi *unit);

#endif
