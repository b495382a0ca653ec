/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "lib/log.h"

#define PAGE_WIDTH     12u
#define LEVEL_WIDTH    9u
#define WIDTH_WANTED   48u   /* more levels than that takes cost a read in every walk */
#define LEAF_LEVELS    0x0Eu /* units in the field fail on a leaf of 512 GiB, level 4's own */
#define PHYSICAL_WIDTH 52u   /* of an entry's address */

/* What Control keeps of the plan of the links (IVHD flags, in their order from bit 0). */
#define LINKS (CONTROL_HT_TUN_EN | CONTROL_PASS_PW | CONTROL_RES_PASS_PW | CONTROL_ISOC)

/* Head and tail are offsets of events of 16 bytes in a ring. */
static void count_events(const struct mmio *mmio, struct amdvi_snapshot *snapshot)
{
    unsigned length = (unsigned)FIELD_GET(mmio_read64(mmio, AMDVI_EVENT_BASE), EVENT_LEN);
    uint64_t head = mmio_read64(mmio, AMDVI_EVENT_HEAD);
    uint64_t tail = mmio_read64(mmio, AMDVI_EVENT_TAIL);

    if (length < EVENT_LEN_MIN)
        return;
    snapshot->events = 1u << length;
    snapshot->unread = (unsigned)((tail - head) >> 4) & (snapshot->events - 1);
}

bool amdvi_snapshot(const struct mmio *mmio, struct amdvi_snapshot *snapshot)
{
    uint64_t control = mmio_read64(mmio, AMDVI_CONTROL);
    uint32_t status = mmio_read32(mmio, AMDVI_STATUS);

    *snapshot = (struct amdvi_snapshot){0};
    if (control == UINT64_MAX || status == UINT32_MAX)
        return false;
    snapshot->enabled = control & CONTROL_IOMMU_EN;
    snapshot->command_buffer = status & STATUS_CMD_BUF_RUN;
    snapshot->event_log = status & STATUS_EVENT_LOG_RUN;
    snapshot->status = status;
    snapshot->control = control;
    snapshot->efr = mmio_read64(mmio, AMDVI_EFR);
    snapshot->device_table = mmio_read64(mmio, AMDVI_DEVICE_TABLE) & AMDVI_BASE;
    snapshot->device_table_size =
        (uint32_t)(FIELD_GET(mmio_read64(mmio, AMDVI_DEVICE_TABLE), DEVICE_TABLE_SIZE) + 1) * 4096;
    count_events(mmio, snapshot);
    return true;
}

/* ---- Capabilities ---- */

uint32_t amdvi_capability(const struct amdvi_unit *amdvi, unsigned offset)
{
    const struct ivrs_ivhd *ivhd = &amdvi->ivrs->ivhds[amdvi->ivhd];

    return pci_read32(amdvi->function, (uint16_t)(ivhd->capability + offset));
}

static void capability_write(const struct amdvi_unit *amdvi, unsigned offset, uint32_t value)
{
    const struct ivrs_ivhd *ivhd = &amdvi->ivrs->ivhds[amdvi->ivhd];

    pci_write32(amdvi->function, (uint16_t)(ivhd->capability + offset), value);
}

/* "Capability Block": Enable may be fixed at either value where the base is fixed too. Only the
 * registers tell whether they answer. */
static const char *open_registers(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    if (!amdvi->function)
        return NULL;
    amdvi->capability = amdvi_capability(amdvi, CAPABILITY_HEADER);
    if (FIELD_GET(amdvi->capability, CAPABILITY_ID) != CAPABILITY_ID_SECURE ||
        FIELD_GET(amdvi->capability, CAPABILITY_TYPE) != CAPABILITY_TYPE_IOMMU)
        return "there is no IOMMU capability where IVRS says that it is";
    uint32_t low = amdvi_capability(amdvi, CAPABILITY_BASE_LOW);
    uint64_t base =
        (uint64_t)amdvi_capability(amdvi, CAPABILITY_BASE) << 32 | (low & ~(AMDVI_REGISTERS - 1));
    if (low & CAPABILITY_ENABLE && base != unit->base)
        return "its capability block has another register base than IVRS";
    if (!(low & CAPABILITY_ENABLE)) {
        capability_write(amdvi, CAPABILITY_BASE, (uint32_t)(unit->base >> 32));
        capability_write(amdvi, CAPABILITY_BASE_LOW, (uint32_t)unit->base | CAPABILITY_ENABLE);
    }
    return NULL;
}

/* IVRS speaks where the unit's own function does not. */
void amdvi_sizes(const struct amdvi_unit *amdvi, unsigned *physical, unsigned *virtual)
{
    *physical = IVRS_PA_SIZE(amdvi->ivrs->info);
    *virtual = IVRS_VA_SIZE(amdvi->ivrs->info);
    if (!amdvi->function || !FIELD_GET(amdvi->capability, CAPABILITY_CAPEXT))
        return;
    uint32_t misc = amdvi_capability(amdvi, CAPABILITY_MISC);
    *physical = (unsigned)FIELD_GET(misc, CAPABILITY_PASIZE);
    *virtual = (unsigned)FIELD_GET(misc, CAPABILITY_VASIZE);
}

static uint8_t least(unsigned a, unsigned b)
{
    return (uint8_t)(a < b ? a : b);
}

static void read_capabilities(struct iommu_unit *unit)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;
    unsigned levels = 4 + (unsigned)FIELD_GET(amdvi->efr, EFR_HATS);
    unsigned physical, virtual;

    amdvi_sizes(amdvi, &physical, &virtual);
    physical = physical ? least(physical, PHYSICAL_WIDTH) : PHYSICAL_WIDTH;
    unsigned wanted = physical > WIDTH_WANTED ? physical : WIDTH_WANTED;
    unit->caps = (struct iommu_unit_caps){
        .width =
            least(least(wanted, PAGE_WIDTH + LEVEL_WIDTH * levels), virtual ? virtual : wanted),
        .physical_width = (uint8_t)physical,
        .levels = (uint8_t)((2u << levels) - 1) & pt_format_amdv1.levels & (uint8_t)~3u,
        .leaf_levels = LEAF_LEVELS,
        .coherent = true,
        .pass_through = true,
        .flush_on_map = !amdvi->function || FIELD_GET(amdvi->capability, CAPABILITY_NPCACHE),
        .domain_ids = UINT32_C(1) << 16,
    };
}

static const char *refuse(const struct amdvi_unit *amdvi)
{
    const struct ivrs_ivhd *ivhd = &amdvi->ivrs->ivhds[amdvi->ivhd];

    if (mmio_read64(&amdvi->mmio, AMDVI_CONTROL) == UINT64_MAX)
        return "its registers read all ones";
    if (FIELD_GET(amdvi->efr, EFR_HATS) == 3)
        return "it has no host translation (EFR.HATS)";
    if (ivhd->type != IVRS_IVHD_10 && ivhd->features & IVRS_HATDIS)
        return "IVRS says that it has no host translation (HATDis)";
    return NULL;
}

bool amdvi_probe(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    unit->reason = "its register block cannot be mapped";
    if (!mmio_map(unit->base, AMDVI_REGISTERS, &amdvi->mmio))
        return false;
    unit->reason = open_registers(unit);
    if (unit->reason)
        return false;
    if (!amdvi->function || FIELD_GET(amdvi->capability, CAPABILITY_EFRSUP))
        amdvi->efr = mmio_read64(&amdvi->mmio, AMDVI_EFR);
    unit->reason = refuse(amdvi);
    if (unit->reason)
        return false;
    read_capabilities(unit);
    log_write(LOG_INFO, unit->name,
              "AMD-Vi at 0x%llx, cap 0x%x, efr 0x%llx, %u-bit addresses, not-present entries %s",
              (unsigned long long)unit->base, amdvi->capability, (unsigned long long)amdvi->efr,
              unit->caps.width, unit->caps.flush_on_map ? "cached" : "not cached");
    return true;
}

/* ---- Bring-up ---- */

static uint64_t links(const struct amdvi_unit *amdvi)
{
    uint8_t flags = amdvi->ivrs->ivhds[amdvi->ivhd].flags;

    return (flags & 1 ? CONTROL_HT_TUN_EN : 0) | (flags & 2 ? CONTROL_PASS_PW : 0) |
           (flags & 4 ? CONTROL_RES_PASS_PW : 0) | (flags & 8 ? CONTROL_ISOC : 0);
}

/* Whatever firmware or an earlier system left on, this driver's parts or others, goes off: the
 * buffers first, then the unit. No device masters the bus by now. */
static bool quiesce(struct amdvi_unit *amdvi)
{
    const uint32_t running = STATUS_CMD_BUF_RUN | STATUS_EVENT_LOG_RUN;

    return amdvi_control(amdvi, 0, ~(CONTROL_IOMMU_EN | LINKS | CONTROL_COHERENT), running, 0) &&
           amdvi_control(amdvi, links(amdvi) | CONTROL_COHERENT, UINT64_MAX, 0, 0);
}

/* "Device Table Base Address Register": Size is in pages, less one. */
static void set_device_table(const struct amdvi_unit *amdvi)
{
    mmio_write64(&amdvi->mmio, AMDVI_EXCLUSION, 0);
    mmio_write64(&amdvi->mmio, AMDVI_DEVICE_TABLE,
                 memory_physical(amdvi->devices) |
                     (amdvi->device_count / AMDVI_ENTRIES_PER_PAGE - 1));
}

/* A unit that cannot tell what it refused refuses it all the same. */
static void start_log(struct iommu_unit *unit)
{
    if (!amdvi_log_start(unit))
        log_write(LOG_WARNING, unit->name, "its event log does not run: refusals go unreported");
}

bool amdvi_enable(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    unit->reason = "there is no memory for its tables";
    if (!amdvi_table_create(unit) || !iommu_queue_create(&amdvi->queue))
        return false;
    unit->reason = "what firmware left on could not be turned off";
    if (!quiesce(amdvi))
        return false;
    unit->reason = "it did not turn translation on (Control.IommuEn)";
    set_device_table(amdvi);
    if (!amdvi_control(amdvi, CONTROL_IOMMU_EN | CONTROL_INV_TIME_OUT, 0, 0, 0) ||
        !(mmio_read64(&amdvi->mmio, AMDVI_CONTROL) & CONTROL_IOMMU_EN))
        return false;
    unit->reason = "its command buffer did not start (Status.CmdBufRun)";
    if (!amdvi_queue_start(unit))
        return false;
    unit->reason = "it did not complete the first invalidation";
    if (!amdvi_forget_all(unit))
        return false;
    start_log(unit);
    unit->reason = NULL;
    return true;
}
