/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "amdvi_internal.h"
#include "machine_internal.h"

#include <string.h>

/* Register file. "IOMMU MMIO Registers". */

enum {
    REG_DEVICE_TABLE = 0x00,
    REG_COMMAND_BASE = 0x08,
    REG_EVENT_BASE = 0x10,
    REG_CONTROL = 0x18,
    REG_EXCLUSION_BASE = 0x20,
    REG_EXCLUSION_LIMIT = 0x28,
    REG_EFR = 0x30,
    REG_EFR2 = 0x1A0,
    REG_COMMAND_HEAD = 0x2000,
    REG_COMMAND_TAIL = 0x2008,
    REG_EVENT_HEAD = 0x2010,
    REG_EVENT_TAIL = 0x2018,
    REG_STATUS = 0x2020,
    REGION_SIZE = 0x4000,
};

#define POINTER_FIELDS   UINT64_C(0x7FFF0)
#define TABLE_SIZE_FIELD UINT64_C(0x1FF)
#define EXCLUSION_FIELDS (ADDRESS_BITS | 3u)
#define TIME_OUT_LIMIT   5u

struct amdvi_register {
    uint32_t offset;
    size_t field;      /* where its value is in struct model_amdvi; 0: always 0 */
    uint64_t writable; /* 0: read-only */
};

#define REGISTER(name, field, writable)                                                            \
    {                                                                                              \
        REG_##name, offsetof(struct model_amdvi, field), writable                                  \
    }

/* Every register has 64 bits. */
static const struct amdvi_register registers[] = {
    REGISTER(DEVICE_TABLE, device_table, ADDRESS_BITS | TABLE_SIZE_FIELD),
    REGISTER(COMMAND_BASE, command_base, RING_FIELDS),
    REGISTER(EVENT_BASE, event_base, RING_FIELDS),
    REGISTER(CONTROL, control, UINT64_MAX),
    REGISTER(EXCLUSION_BASE, exclusion_base, EXCLUSION_FIELDS),
    REGISTER(EXCLUSION_LIMIT, exclusion_limit, ADDRESS_BITS),
    REGISTER(EFR, config.efr, 0),
    {REG_EFR2, 0, 0},
    REGISTER(COMMAND_HEAD, command_head, POINTER_FIELDS),
    REGISTER(COMMAND_TAIL, command_tail, POINTER_FIELDS),
    REGISTER(EVENT_HEAD, event_head, POINTER_FIELDS),
    REGISTER(EVENT_TAIL, event_tail, POINTER_FIELDS),
    REGISTER(STATUS, status, UINT64_MAX),
};

static const struct amdvi_register *find_register(uint32_t offset)
{
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (registers[i].offset == offset - offset % 8) {
            return &registers[i];
        }
    }
    return NULL;
}

/* ---- Time ---- */

static void tick(void *context)
{
    struct model_amdvi *unit = context;

    if (unit->fetch_pending && --unit->fetch_ticks == 0) {
        amdvi_fetch_commands(unit);
    }
    if (unit->wait_ticks != 0 && --unit->wait_ticks == 0) {
        amdvi_complete_wait(unit);
    }
}

/* ---- Control ---- */

static uint64_t control_offered(const struct model_amdvi *unit)
{
    uint64_t offered = CONTROL_IOMMU_EN | CONTROL_HT_TUN_EN | CONTROL_EVENT_LOG_EN |
                       CONTROL_EVENT_INT_EN | CONTROL_COM_WAIT_INT_EN | CONTROL_INV_TIME_OUT |
                       CONTROL_PASS_PW | CONTROL_RES_PASS_PW | CONTROL_COHERENT | CONTROL_ISOC |
                       CONTROL_CMD_BUF_EN;

    if ((unit->config.efr & MODEL_AMDVI_EFR_GASUP) != 0) {
        offered |= CONTROL_GA_EN;
    }
    if ((unit->config.efr & MODEL_AMDVI_EFR_XTSUP) != 0) {
        offered |= CONTROL_XT_EN;
    }
    return offered;
}

/* All of the table that Size speaks of is the driver's. */
static void check_device_table(const struct model_amdvi *unit)
{
    uint64_t base = unit->device_table & ADDRESS_BITS;
    uint64_t pages = (unit->device_table & TABLE_SIZE_FIELD) + 1;

    for (uint64_t i = 0; i < pages; i++) {
        owner_t owner = model_owner(base + i * FRAME_SIZE);
        if (owner != OWNER_IOMMU) {
            model_violation("amdvi: page %llu of %llu of the device table is a frame of owner %u",
                            (unsigned long long)i, (unsigned long long)pages, owner);
            return;
        }
    }
}

/* "Command Buffer Base Address Register": lengths below 1000b are reserved. Pointers
 * are within, for a new base sets them to 0. */
static bool ring_usable(const char *name, uint64_t base)
{
    if (BITS(base, 59, 56) < LEN_LEAST) {
        model_violation("amdvi: %s enabled with the reserved length %llu", name,
                        (unsigned long long)BITS(base, 59, 56));
        return false;
    }
    return true;
}

/* Setting CmdBufEn or EventLogEn anew is what restarts a ring that stopped. */
static void start_rings(struct model_amdvi *unit, uint64_t rising)
{
    if ((rising & CONTROL_CMD_BUF_EN) != 0) {
        unit->command_halted = !ring_usable("command buffer", unit->command_base);
        unit->waiting = unit->wait_ticks != 0;
    }
    if ((rising & CONTROL_EVENT_LOG_EN) != 0) {
        unit->event_halted = !ring_usable("event log", unit->event_base) ||
                             (unit->status & STATUS_EVENT_OVERFLOW) != 0;
    }
}

static void write_control(struct model_amdvi *unit, uint64_t value)
{
    uint64_t old = unit->control;
    uint64_t rising = value & ~old;

    if ((value & ~control_offered(unit)) != 0) {
        model_violation("amdvi: control %#llx has bits that are reserved or not offered",
                        (unsigned long long)value);
    }
    if (BITS(value, 7, 5) > TIME_OUT_LIMIT) {
        model_violation("amdvi: InvTimeOut %llu is reserved",
                        (unsigned long long)BITS(value, 7, 5));
    }
    unit->control = value & control_offered(unit);
    if ((rising & CONTROL_IOMMU_EN) != 0) {
        check_device_table(unit);
    }
    start_rings(unit, rising);
    amdvi_interrupts_enabled(unit, old);
    amdvi_fetch_commands(unit);
}

/* ---- Bases and pointers ---- */

static bool refused_while(bool running, const char *name)
{
    if (running) {
        model_violation("amdvi: %s written while it is in use", name);
    }
    return running;
}

static void write_fixed(const char *name, bool running, uint64_t value, uint64_t *field)
{
    if (!refused_while(running, name)) {
        *field = value;
    }
}

/* A new base starts its ring over. */
static void write_ring_base(const char *name, bool running, uint64_t value, uint64_t *base,
                            uint64_t *head, uint64_t *tail)
{
    if (!refused_while(running, name)) {
        *base = value;
        *head = *tail = 0;
    }
}

static uint64_t distance(uint64_t base, uint64_t from, uint64_t to)
{
    return (to - from) % amdvi_ring_size(base);
}

static bool beyond(const char *name, uint64_t base, uint64_t value)
{
    if (BITS(base, 59, 56) < LEN_LEAST || value < amdvi_ring_size(base)) {
        return false;
    }
    model_violation("amdvi: %s %#llx is beyond the buffer", name, (unsigned long long)value);
    return true;
}

static void write_command_tail(struct model_amdvi *unit, uint64_t tail)
{
    uint64_t size = amdvi_ring_size(unit->command_base);
    uint64_t pending = distance(unit->command_base, unit->command_head, unit->command_tail);

    if (beyond("command tail", unit->command_base, tail)) {
        return;
    }
    if ((unit->control & CONTROL_CMD_BUF_EN) != 0 &&
        pending + distance(unit->command_base, unit->command_tail, tail) >= size) {
        model_violation("amdvi: command tail %#llx overruns head %#llx", (unsigned long long)tail,
                        (unsigned long long)unit->command_head);
    }
    if (tail != unit->command_tail && model_stores_pending()) {
        model_violation("amdvi: command tail moved while a store may still be on its way");
    }
    unit->command_tail = tail;
    amdvi_tail_written(unit);
}

static void write_event_head(struct model_amdvi *unit, uint64_t head)
{
    if (beyond("event head", unit->event_base, head)) {
        return;
    }
    if (amdvi_event_log_runs(unit) &&
        distance(unit->event_base, unit->event_head, head) >
            distance(unit->event_base, unit->event_head, unit->event_tail)) {
        model_violation("amdvi: event head %#llx passes tail %#llx", (unsigned long long)head,
                        (unsigned long long)unit->event_tail);
    }
    unit->event_head = head;
}

/* The run bits are read-only: a write that has them is a read-modify-write, which clears every
 * condition that it read. */
static void write_status(struct model_amdvi *unit, uint64_t value)
{
    if ((value & ~STATUS_W1C) != 0) {
        model_violation("amdvi: status %#llx written back, it is write-1-to-clear",
                        (unsigned long long)value);
    }
    unit->status &= ~(value & STATUS_W1C);
}

static void write_register(struct model_amdvi *unit, const struct amdvi_register *reg,
                           uint64_t value)
{
    bool enabled = model_amdvi_enabled(unit);

    switch (reg->offset) {
    case REG_DEVICE_TABLE:
        write_fixed("device table base", enabled, value, &unit->device_table);
        break;
    case REG_COMMAND_BASE:
        write_ring_base("command buffer base", amdvi_command_runs(unit), value, &unit->command_base,
                        &unit->command_head, &unit->command_tail);
        break;
    case REG_EVENT_BASE:
        write_ring_base("event log base", amdvi_event_log_runs(unit), value, &unit->event_base,
                        &unit->event_head, &unit->event_tail);
        break;
    case REG_CONTROL:
        write_control(unit, value);
        break;
    case REG_EXCLUSION_BASE:
        write_fixed("exclusion base", enabled, value, &unit->exclusion_base);
        break;
    case REG_EXCLUSION_LIMIT:
        write_fixed("exclusion limit", enabled, value, &unit->exclusion_limit);
        break;
    case REG_COMMAND_HEAD:
        if (!beyond("command head", unit->command_base, value)) {
            write_fixed("command head", amdvi_command_runs(unit), value, &unit->command_head);
        }
        break;
    case REG_COMMAND_TAIL:
        write_command_tail(unit, value);
        break;
    case REG_EVENT_HEAD:
        write_event_head(unit, value);
        break;
    default:
        if (!beyond("event tail", unit->event_base, value)) {
            write_fixed("event tail", amdvi_event_log_runs(unit), value, &unit->event_tail);
        }
        break;
    }
}

/* ---- Access ---- */

static bool width_fits(uint32_t offset, unsigned width)
{
    if ((width == 4 || width == 8) && offset % width == 0) {
        return true;
    }
    model_violation("amdvi: %u-byte access to register %#x", width, offset);
    return false;
}

static uint64_t read_field(const struct model_amdvi *unit, const struct amdvi_register *reg)
{
    uint64_t value = 0;

    if (reg->field != 0) {
        memcpy(&value, (const char *)unit + reg->field, sizeof(value));
    }
    if (reg->offset == REG_STATUS) {
        value |= (amdvi_event_log_runs(unit) ? STATUS_EVENT_LOG_RUN : 0) |
                 (amdvi_command_runs(unit) ? STATUS_CMD_BUF_RUN : 0);
    }
    return value;
}

uint64_t model_amdvi_read(struct model_amdvi *unit, uint32_t offset, unsigned width)
{
    const struct amdvi_register *reg = find_register(offset);

    if (unit->broken.all_ones || !unit->base_enabled) {
        return UINT64_MAX;
    }
    tick(unit);
    if (!width_fits(offset, width) || reg == NULL) {
        return 0;
    }
    uint64_t value = read_field(unit, reg) >> offset % 8 * 8;
    return width == 4 ? (uint32_t)value : value;
}

/* A half-register write leaves the other half, but for the write-1-to-clear bits. */
void model_amdvi_write(struct model_amdvi *unit, uint32_t offset, unsigned width, uint64_t value)
{
    const struct amdvi_register *reg = find_register(offset);
    unsigned shift = offset % 8 * 8;
    uint64_t mask = (width == 4 ? UINT32_MAX : UINT64_MAX) << shift;

    if (unit->broken.all_ones || !unit->base_enabled || !width_fits(offset, width)) {
        return;
    }
    if (reg == NULL || reg->writable == 0) {
        model_violation("amdvi: write to %s register %#x", reg == NULL ? "unknown" : "read-only",
                        offset);
        return;
    }
    value = value << shift & mask;
    if ((value & ~reg->writable) != 0) {
        model_violation("amdvi: %#llx written to register %#x sets reserved bits",
                        (unsigned long long)value, reg->offset);
    }
    value &= reg->writable;
    if (reg->offset == REG_STATUS) {
        write_status(unit, value);
        return;
    }
    write_register(unit, reg, (read_field(unit, reg) & ~mask) | value);
}

static uint64_t read_region(void *context, uint64_t offset, unsigned width)
{
    return model_amdvi_read(context, (uint32_t)offset, width);
}

static void write_region(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    model_amdvi_write(context, (uint32_t)offset, width, value);
}

bool model_amdvi_create(struct model_amdvi *unit, const struct model_amdvi_config *config)
{
    struct model_region region = {
        .base = config->base,
        .length = REGION_SIZE,
        .read = read_region,
        .write = write_region,
        .context = unit,
    };

    memset(unit, 0, sizeof(*unit));
    unit->config = *config;
    unit->broken = config->broken;
    amdvi_add_capabilities(unit);
    if (config->broken.tear != MODEL_AMDVI_WHOLE) {
        model_keep_history();
    }
    return model_add_region(&region) && model_on_tick(tick, unit);
}

bool model_amdvi_enabled(const struct model_amdvi *unit)
{
    return (unit->control & CONTROL_IOMMU_EN) != 0;
}
