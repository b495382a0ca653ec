/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "vtd_internal.h"

#include <string.h>

/* Register file and global commands. "Register Descriptions". */

enum {
    REG_VER = 0x00,
    REG_CAP = 0x08,
    REG_ECAP = 0x10,
    REG_GCMD = 0x18,
    REG_GSTS = 0x1C,
    REG_RTADDR = 0x20,
    REG_CCMD = 0x28,
    REG_FSTS = 0x34,
    REG_FECTL = 0x38,
    REG_FEDATA = 0x3C,
    REG_FEADDR = 0x40,
    REG_FEUADDR = 0x44,
    REG_PMEN = 0x64,
    REG_PLMBASE = 0x68,
    REG_PLMLIMIT = 0x6C,
    REG_PHMBASE = 0x70,
    REG_PHMLIMIT = 0x78,
    REG_IQH = 0x80,
    REG_IQT = 0x88,
    REG_IQA = 0x90,
    REG_ICS = 0x9C,
    REG_IECTL = 0xA0,
    REG_IEDATA = 0xA4,
    REG_IEADDR = 0xA8,
    REG_IEUADDR = 0xAC,
    REG_IQERCD = 0xB0,
    REG_IRTA = 0xB8,
    /* Where CAP.FRO and ECAP.IRO put these; beyond any offset they can give. */
    REG_IVA = 0x10000,
    REG_IOTLB = 0x10008,
    REG_FAULTS = 0x11000,
};

#define VERSION    0x10u
#define COMMAND_GO BIT64(63) /* CCMD.ICC, IOTLB.IVT */
#define CCMD_CAIG  (UINT64_C(3) << 59)
#define IOTLB_IAIG (UINT64_C(3) << 57)
#define IOTLB_DW   BIT64(48)
#define REGION_TOP UINT64_C(0xFFFFF) /* low bits of protected regions, lost */

#define PERSISTENT (GLOBAL_TE | GLOBAL_EAFL | GLOBAL_QIE | GLOBAL_IRE | GLOBAL_CFI)
#define ONE_SHOT   (GLOBAL_RTP | GLOBAL_FL | GLOBAL_WBF | GLOBAL_IRTP)

struct vtd_register {
    uint32_t offset;
    uint8_t width;
    size_t field;      /* where its value is in struct model_vtd; 0: computed */
    uint64_t writable; /* 0: read-only */
    uint64_t ignored;  /* read-only bits that a write may have */
};

#define REGISTER_BESIDE(name, field, writable, ignored)                                            \
    {                                                                                              \
        REG_##name, sizeof(((struct model_vtd *)0)->field), offsetof(struct model_vtd, field),     \
            writable, ignored                                                                      \
    }
#define REGISTER(name, field, writable) REGISTER_BESIDE(name, field, writable, 0)

static const struct vtd_register registers[] = {
    {.offset = REG_VER, .width = 4},
    REGISTER(CAP, config.cap, 0),
    REGISTER(ECAP, config.ecap, 0),
    {.offset = REG_GCMD, .width = 4, .writable = UINT32_MAX},
    REGISTER(GSTS, gsts, 0),
    REGISTER(RTADDR, rtaddr, ~UINT64_C(0x3FF)),
    REGISTER(CCMD, ccmd, UINT64_C(0xF8000003FFFFFFFF)),
    REGISTER_BESIDE(FSTS, fsts, FSTS_W1C, UINT32_MAX),
    REGISTER_BESIDE(FECTL, fectl, EVENT_IM, EVENT_IP),
    REGISTER(FEDATA, fedata, UINT32_MAX),
    REGISTER(FEADDR, feaddr, ~UINT32_C(3)),
    REGISTER(FEUADDR, feuaddr, UINT32_MAX),
    REGISTER_BESIDE(PMEN, pmen, PMEN_EPM, PMEN_PRS),
    REGISTER_BESIDE(PLMBASE, plm_base, ~(uint32_t)REGION_TOP, REGION_TOP),
    REGISTER_BESIDE(PLMLIMIT, plm_limit, ~(uint32_t)REGION_TOP, REGION_TOP),
    REGISTER_BESIDE(PHMBASE, phm_base, ~REGION_TOP, REGION_TOP),
    REGISTER_BESIDE(PHMLIMIT, phm_limit, ~REGION_TOP, REGION_TOP),
    REGISTER(IQH, iqh, 0),
    REGISTER(IQT, iqt, UINT64_MAX),
    REGISTER(IQA, iqa, ~UINT64_C(0x7F8)),
    REGISTER(ICS, ics, ICS_IWC),
    REGISTER_BESIDE(IECTL, iectl, EVENT_IM, EVENT_IP),
    REGISTER(IEDATA, iedata, UINT32_MAX),
    REGISTER(IEADDR, ieaddr, ~UINT32_C(3)),
    REGISTER(IEUADDR, ieuaddr, UINT32_MAX),
    REGISTER(IQERCD, iqercd, 0),
    REGISTER(IRTA, irta, ~UINT64_C(0x7F0)),
    REGISTER(IVA, iva, ~UINT64_C(0xF80)),
    REGISTER(IOTLB, iotlb, UINT64_C(0xB603FFFF00000000)),
};

/* ---- Global commands ---- */

static void set_root(struct model_vtd *unit)
{
    unit->root = unit->rtaddr & ~PAGE_MASK;
    if ((unit->rtaddr & RTADDR_TTM) != 0) {
        model_violation("vtd: RTADDR %#llx asks for another mode than legacy",
                        (unsigned long long)unit->rtaddr);
    }
    unit->gsts |= GLOBAL_RTP;
    unit->root_used = false;
    unit->context_flushed = unit->iotlb_flushed = false;
    if ((unit->config.cap & MODEL_VTD_CAP_ESRTPS) != 0) {
        model_vtd_evict_all(unit);
        unit->context_flushed = unit->iotlb_flushed = true;
    }
}

static void set_queue(struct model_vtd *unit, bool on)
{
    if (!on) {
        if (unit->iqh != unit->iqt || unit->fetched_count != 0 || unit->waiting) {
            model_violation("vtd: QIE cleared while the queue is not drained");
            return;
        }
        unit->gsts &= ~GLOBAL_QIE;
        unit->iqh = 0;
        return;
    }
    if (unit->broken.never_qies) {
        return;
    }
    if (unit->iqt != 0) {
        model_violation("vtd: QIE set and IQT is %#llx, not 0", (unsigned long long)unit->iqt);
    }
    unit->gsts |= GLOBAL_QIE;
    unit->iqh = 0;
    vtd_run_queue(unit);
}

static void set_translation(struct model_vtd *unit, bool on)
{
    if (!on) {
        unit->gsts &= ~GLOBAL_TE;
        return;
    }
    if (unit->broken.never_te || (unit->config.cap & MODEL_VTD_CAP_SAGAW) == 0) {
        return;
    }
    if ((unit->gsts & GLOBAL_RTP) == 0) {
        model_violation("vtd: TE set before SRTP completed");
    } else if ((unit->rtaddr & ~PAGE_MASK) != unit->root) {
        model_violation("vtd: TE set, RTADDR was changed after SRTP");
    } else if (unit->root_used) {
        model_violation("vtd: TE set again without another SRTP");
    } else if (!unit->context_flushed || !unit->iotlb_flushed) {
        model_violation("vtd: TE set before context cache, then IOTLB were invalidated globally");
    }
    model_dma_drain("vtd", &unit->lingering);
    unit->root_used = true;
    unit->gsts |= GLOBAL_TE;
}

static void complete_command(struct model_vtd *unit)
{
    uint32_t value = unit->command;
    uint32_t changes = (value ^ unit->gsts) & PERSISTENT;

    unit->command_pending = false;
    if ((value & GLOBAL_RTP) != 0 && !unit->broken.never_rtps) {
        set_root(unit);
    }
    if ((value & GLOBAL_IRTP) != 0) {
        unit->gsts |= GLOBAL_IRTP;
    }
    if ((changes & GLOBAL_QIE) != 0) {
        set_queue(unit, (value & GLOBAL_QIE) != 0);
    }
    if ((changes & GLOBAL_TE) != 0) {
        set_translation(unit, (value & GLOBAL_TE) != 0);
    }
    if ((unit->config.ecap & MODEL_VTD_ECAP_IR) != 0) {
        unit->gsts ^= changes & (GLOBAL_IRE | GLOBAL_CFI);
    }
    if ((value & GLOBAL_WBF) != 0) {
        vtd_flush_writes(unit);
        unit->gsts &= ~GLOBAL_WBF;
    }
}

static uint32_t commands_offered(const struct model_vtd *unit)
{
    uint64_t cap = unit->config.cap, ecap = unit->config.ecap;

    return GLOBAL_TE | GLOBAL_RTP | ((ecap & MODEL_VTD_ECAP_QI) != 0 ? GLOBAL_QIE : 0) |
           ((cap & MODEL_VTD_CAP_RWBF) != 0 ? GLOBAL_WBF : 0) |
           ((cap & MODEL_VTD_CAP_AFL) != 0 ? GLOBAL_FL | GLOBAL_EAFL : 0) |
           ((ecap & MODEL_VTD_ECAP_IR) != 0 ? GLOBAL_IRE | GLOBAL_IRTP | GLOBAL_CFI : 0);
}

static void check_command(const struct model_vtd *unit, uint32_t value)
{
    uint32_t changes = ((value ^ unit->gsts) & PERSISTENT) | (value & ONE_SHOT);

    if ((value & ~commands_offered(unit)) != 0) {
        model_violation("vtd: GCMD %#x has bits that are reserved or not offered", value);
    }
    if (__builtin_popcount(changes) > 1) {
        model_violation("vtd: GCMD %#x over GSTS %#x changes several fields", value, unit->gsts);
    }
    if (unit->invalidation_pending != 0) {
        model_violation("vtd: GCMD %#x written while an invalidation is pending", value);
    }
}

static void write_command(struct model_vtd *unit, uint32_t value)
{
    check_command(unit, value);
    value &= commands_offered(unit);
    if (unit->command_pending) {
        model_violation("vtd: GCMD %#x written before %#x completed", value, unit->command);
        complete_command(unit);
    }
    if ((value & GLOBAL_RTP) != 0) {
        unit->gsts &= ~GLOBAL_RTP;
    }
    if ((value & GLOBAL_IRTP) != 0) {
        unit->gsts &= ~GLOBAL_IRTP;
    }
    unit->gsts |= value & GLOBAL_WBF;
    unit->command = value;
    unit->command_pending = true;
    unit->command_ticks = unit->broken.command_delay;
    if (unit->command_ticks == 0) {
        complete_command(unit);
    }
}

/* ---- Register-based invalidation ---- */

static void run_context_command(struct model_vtd *unit)
{
    unsigned granularity = (unsigned)BITS(unit->ccmd, 62, 61);

    unit->ccmd &= ~(COMMAND_GO | CCMD_CAIG);
    if (granularity == 0) {
        model_violation("vtd: CCMD %#llx: reserved granularity", (unsigned long long)unit->ccmd);
        return;
    }
    unit->ccmd |= (uint64_t)granularity << 59;
    vtd_context_command(unit, (enum model_vtd_kind)(MODEL_VTD_CONTEXT_GLOBAL + granularity - 1),
                        (uint16_t)unit->ccmd, (uint16_t)(unit->ccmd >> 16),
                        (uint8_t)BITS(unit->ccmd, 33, 32), false);
}

static void run_iotlb_command(struct model_vtd *unit)
{
    unsigned granularity = (unsigned)BITS(unit->iotlb, 61, 60);
    uint8_t address_mask = (uint8_t)BITS(unit->iva, 5, 0);

    unit->iotlb &= ~(COMMAND_GO | IOTLB_IAIG);
    if (granularity == 0 || (granularity == 3 && ((unit->config.cap & MODEL_VTD_CAP_PSI) == 0 ||
                                                  address_mask > BITS(unit->config.cap, 53, 48)))) {
        model_violation("vtd: IOTLB %#llx, IVA %#llx: not offered", (unsigned long long)unit->iotlb,
                        (unsigned long long)unit->iva);
        return;
    }
    unit->iotlb |= (uint64_t)granularity << 57;
    vtd_iotlb_command(unit,
                      &(struct model_vtd_event){
                          .kind = (enum model_vtd_kind)(MODEL_VTD_IOTLB_GLOBAL + granularity - 1),
                          .domain = (uint16_t)(unit->iotlb >> 32),
                          .address = unit->iva & ~PAGE_MASK,
                          .address_mask = address_mask,
                          .hint = (unit->iva & BIT64(6)) != 0},
                      (unit->iotlb & IOTLB_DW) != 0);
}

static void complete_invalidation(struct model_vtd *unit)
{
    bool context = unit->invalidation_pending == REG_CCMD;

    unit->invalidation_pending = 0;
    if (context) {
        run_context_command(unit);
    } else {
        run_iotlb_command(unit);
    }
}

/* The command starts when the half with its top bit is written. */
static void write_invalidation(struct model_vtd *unit, const struct vtd_register *reg,
                               uint64_t merged, bool go)
{
    const char *name = reg->offset == REG_CCMD ? "CCMD" : "IOTLB";

    if (unit->invalidation_pending == reg->offset || (go && unit->invalidation_pending != 0)) {
        model_violation("vtd: %s written before the last command completed", name);
        return;
    }
    memcpy((char *)unit + reg->field, &merged, sizeof(merged));
    if (!go) {
        return;
    }
    if ((unit->gsts & GLOBAL_QIE) != 0) {
        model_violation("vtd: %s used while QIE is on", name);
        return;
    }
    if (unit->command_pending) {
        model_violation("vtd: %s written before GCMD %#x completed", name, unit->command);
    }
    unit->invalidation_pending = reg->offset;
    unit->invalidation_ticks = unit->broken.never_invalidates ? 0 : unit->broken.command_delay;
    if (unit->invalidation_ticks == 0 && !unit->broken.never_invalidates) {
        complete_invalidation(unit);
    }
}

static void complete_protection(struct model_vtd *unit)
{
    if (unit->broken.never_prs) {
        return;
    }
    unit->pmen = (unit->pmen & PMEN_EPM) != 0 ? PMEN_EPM | PMEN_PRS : 0;
}

/* ---- Time ---- */

static void tick(void *context)
{
    struct model_vtd *unit = context;

    if (unit->command_pending && --unit->command_ticks == 0) {
        complete_command(unit);
    }
    if (unit->invalidation_ticks != 0 && --unit->invalidation_ticks == 0) {
        complete_invalidation(unit);
    }
    if (unit->protection_ticks != 0 && --unit->protection_ticks == 0) {
        complete_protection(unit);
    }
    if (unit->queue_pending && --unit->queue_ticks == 0) {
        vtd_run_queue(unit);
    }
    if (unit->wait_ticks != 0 && --unit->wait_ticks == 0) {
        vtd_complete_wait(unit);
    }
}

/* ---- Access ---- */

static uint32_t fault_offset(const struct model_vtd *unit)
{
    return (uint32_t)BITS(unit->config.cap, 33, 24) * 16;
}

static uint32_t iotlb_offset(const struct model_vtd *unit)
{
    return (uint32_t)BITS(unit->config.ecap, 17, 8) * 16;
}

static uint32_t fixed_offset(const struct model_vtd *unit, uint32_t offset)
{
    uint32_t faults = fault_offset(unit);
    uint32_t iotlb = iotlb_offset(unit);

    if (offset >= iotlb && offset < iotlb + 16) {
        return REG_IVA + (offset - iotlb);
    }
    if (offset >= faults && offset < faults + 16 * vtd_fault_records(unit)) {
        return REG_FAULTS + (offset - faults);
    }
    return offset;
}

static const struct vtd_register *find_register(uint32_t offset)
{
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (offset >= registers[i].offset && offset < registers[i].offset + registers[i].width) {
            return &registers[i];
        }
    }
    return NULL;
}

/* "Software access to registers": 32-bit registers as doublewords, wider ones also as aligned
 * doublewords. */
static bool width_fits(uint32_t offset, unsigned width, unsigned register_width)
{
    if ((width == 4 || width == register_width) && offset % width == 0) {
        return true;
    }
    model_violation("vtd: %u-byte access to register %#x", width, offset);
    return false;
}

static uint64_t read_field(const struct model_vtd *unit, const struct vtd_register *reg)
{
    uint64_t value = reg->offset == REG_VER ? VERSION : 0;

    if (reg->field != 0) {
        memcpy(&value, (const char *)unit + reg->field, reg->width);
    }
    return value;
}

uint64_t model_vtd_read(struct model_vtd *unit, uint32_t offset, unsigned width)
{
    uint32_t fixed = fixed_offset(unit, offset);
    unsigned shift = fixed % 8 * 8;
    uint64_t value;

    if (unit->broken.presence != MODEL_VTD_PRESENT) {
        return unit->broken.presence == MODEL_VTD_ALL_ONES ? UINT64_MAX : 0;
    }
    tick(unit);
    if (fixed >= REG_FAULTS) {
        if (!width_fits(offset, width, 8)) {
            return 0;
        }
        value = unit->fault_record[(fixed - REG_FAULTS) / 16][fixed / 8 % 2];
    } else {
        const struct vtd_register *reg = find_register(fixed);
        if (reg == NULL || !width_fits(offset, width, reg->width)) {
            return 0;
        }
        value = read_field(unit, reg);
        shift = (fixed - reg->offset) * 8;
    }
    value >>= shift;
    return width == 4 ? (uint32_t)value : value;
}

static uint64_t merged_field(const struct model_vtd *unit, const struct vtd_register *reg,
                             uint64_t value, uint64_t mask)
{
    uint64_t bits = mask & reg->writable;

    return (read_field(unit, reg) & ~bits) | (value & bits);
}

static void store_field(struct model_vtd *unit, const struct vtd_register *reg, uint64_t value,
                        uint64_t mask)
{
    uint64_t merged = merged_field(unit, reg, value, mask);

    memcpy((char *)unit + reg->field, &merged, reg->width);
}

static void write_protected_memory(struct model_vtd *unit, uint32_t value)
{
    if ((unit->config.cap & (MODEL_VTD_CAP_PLMR | MODEL_VTD_CAP_PHMR)) == 0) {
        model_violation("vtd: PMEN written, no protected memory regions are offered");
        return;
    }
    if (unit->protection_ticks != 0) {
        model_violation("vtd: PMEN written before the last command completed");
    }
    unit->pmen = (unit->pmen & PMEN_PRS) | (value & PMEN_EPM);
    unit->protection_ticks = unit->broken.command_delay;
    if (unit->protection_ticks == 0) {
        complete_protection(unit);
    }
}

static void write_queue_address(struct model_vtd *unit, const struct vtd_register *reg,
                                uint64_t value, uint64_t mask)
{
    if ((unit->gsts & GLOBAL_QIE) != 0) {
        model_violation("vtd: IQA written while QIE is on");
        return;
    }
    store_field(unit, reg, value, mask);
    unit->iqh = unit->iqt = 0;
}

static void write_64(struct model_vtd *unit, const struct vtd_register *reg, uint64_t value,
                     uint64_t mask)
{
    bool go = (value & mask & COMMAND_GO) != 0;
    uint64_t merged = merged_field(unit, reg, value, mask);

    switch (reg->offset) {
    case REG_IQT:
        if ((mask & 1) != 0) {
            vtd_tail_written(unit, value);
        }
        break;
    case REG_IQA:
        write_queue_address(unit, reg, value, mask);
        break;
    case REG_CCMD:
    case REG_IOTLB:
        write_invalidation(unit, reg, merged, go);
        break;
    case REG_RTADDR:
        if (unit->command_pending && (unit->command & GLOBAL_RTP) != 0) {
            model_violation("vtd: RTADDR written before SRTP completed");
        }
        store_field(unit, reg, value, mask);
        break;
    default:
        store_field(unit, reg, value, mask);
        break;
    }
}

static void write_32(struct model_vtd *unit, const struct vtd_register *reg, uint32_t value)
{
    switch (reg->offset) {
    case REG_GCMD:
        write_command(unit, value);
        break;
    case REG_FSTS:
        vtd_write_fault_status(unit, value);
        break;
    case REG_FECTL:
        vtd_write_event_control(&unit->fectl, value, unit->feuaddr, unit->feaddr, unit->fedata);
        break;
    case REG_IECTL:
        vtd_write_event_control(&unit->iectl, value, unit->ieuaddr, unit->ieaddr, unit->iedata);
        break;
    case REG_ICS:
        unit->ics &= ~(value & ICS_IWC);
        break;
    case REG_PMEN:
        write_protected_memory(unit, value);
        break;
    default:
        store_field(unit, reg, value, UINT32_MAX);
        break;
    }
}

void model_vtd_write(struct model_vtd *unit, uint32_t offset, unsigned width, uint64_t value)
{
    uint32_t fixed = fixed_offset(unit, offset);
    uint64_t mask = width == 4 ? UINT32_MAX : UINT64_MAX;

    if (unit->broken.presence != MODEL_VTD_PRESENT) {
        return;
    }
    if (fixed >= REG_FAULTS) {
        unsigned shift = fixed % 8 * 8;
        if (width_fits(offset, width, 8) && fixed / 8 % 2 == 1 &&
            ((value & mask) << shift & FAULT_F) != 0) {
            vtd_clear_fault_record(unit, (fixed - REG_FAULTS) / 16);
        }
        return;
    }
    const struct vtd_register *reg = find_register(fixed);
    if (reg == NULL || reg->writable == 0) {
        model_violation("vtd: write to %s register %#x", reg == NULL ? "unknown" : "read-only",
                        offset);
        return;
    }
    if (!width_fits(offset, width, reg->width)) {
        return;
    }
    unsigned shift = (fixed - reg->offset) * 8;
    value = (value & mask) << shift;
    if ((value & ~(reg->writable | reg->ignored)) != 0) {
        model_violation("vtd: %#llx written to register %#x sets reserved bits",
                        (unsigned long long)value, reg->offset);
    }
    if (reg->width == 4) {
        write_32(unit, reg, (uint32_t)value);
    } else {
        write_64(unit, reg, value, mask << shift);
    }
}

static uint64_t read_region(void *context, uint64_t offset, unsigned width)
{
    return model_vtd_read(context, (uint32_t)offset, width);
}

static void write_region(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    model_vtd_write(context, (uint32_t)offset, width, value);
}

bool model_vtd_create(struct model_vtd *unit, const struct model_vtd_config *config)
{
    memset(unit, 0, sizeof(*unit));
    unit->config = *config;
    unit->broken = config->broken;
    unit->fectl = unit->iectl = EVENT_IM;

    uint64_t end = fault_offset(unit) + 16 * (uint64_t)vtd_fault_records(unit);
    uint64_t iotlb_end = iotlb_offset(unit) + UINT64_C(16);
    end = end > iotlb_end ? end : iotlb_end;
    struct model_region region = {
        .base = config->base,
        .length = (end + PAGE_MASK) & ~PAGE_MASK,
        .read = read_region,
        .write = write_region,
        .context = unit,
    };
    if ((config->cap & MODEL_VTD_CAP_RWBF) != 0) {
        model_keep_history();
    }
    return model_add_region(&region) && model_on_tick(tick, unit);
}

bool model_vtd_enabled(const struct model_vtd *unit)
{
    return (unit->gsts & GLOBAL_TE) != 0;
}
