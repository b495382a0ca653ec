/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* VT-d: capabilities, fault records and queue errors of any content. See hostile.h. */
#include "hostile.h"

#include "drivers/iommu/vtd/regs.h"
#include "drivers/iommu/vtd/vtd.h"
#include "machine.h"

#include <string.h>

#define FRO         0x22u
#define RECORDS     8u
#define ICS         0x9Cu
#define LAST        0xC0u /* behind the last register that is not a fault record */
#define CAP         UINT64_C(0x00d2078c222f0606) /* eight fault records */
#define ECAP        UINT64_C(0x0000000000f00f4a)
#define ENTRIES_MAX 256u

static struct vtd vtd;
/* As the driver wrote them: a poke does not move what the unit reaches in memory. */
static uint64_t root_table, queue;

static void power_on(void)
{
    root_table = queue = 0;
    hostile_set(VTD_VER.offset, 4, 0x10);
    hostile_set(VTD_CAP.offset, 8, CAP);
    hostile_set(VTD_ECAP.offset, 8, ECAP);
    hostile_set(VTD_FECTL.offset, 4, FECTL_IM);
}

static bool discover(struct iommu *iommu)
{
    static const uint8_t bytes[64] = {
        'D', 'M', 'A', 'R', 64, [8] = 1, [36] = 47, [50] = 16, [52] = 1, [58] = 0xD8, [59] = 0xFE};
    const struct acpi_table table = {bytes, sizeof bytes};
    const char *reason;

    return vtd_discover(&vtd, &table, iommu, &reason);
}

/* GCMD: held bits show in GSTS, RTPS for ever after, WBFS never. */
static void command(uint32_t value)
{
    uint32_t held = value & (GCMD_TE | GCMD_QIE | GCMD_IRE | GCMD_EAFL);
    uint32_t rtps = (value | (uint32_t)hostile_get(VTD_GSTS.offset, 4)) & GSTS_RTPS;

    if (hostile_is_honest())
        hostile_set(VTD_GSTS.offset, 4, held | rtps);
}

/* Carries out the wait descriptors up to the tail, or stops, or writes another status. */
static void run_queue(uint64_t tail)
{
    uint64_t head = hostile_get(VTD_IQH.offset, 8);
    bool honest = hostile_is_honest();

    hostile_set(VTD_IQT.offset, 8, tail);
    for (unsigned i = 0; i < ENTRIES_MAX && head != tail; i++, head = (head + 16) % 4096) {
        const uint64_t *descriptor = model_ram(queue + head % 4096 / 16 * 16, 16);
        uint32_t status = descriptor ? (uint32_t)(descriptor[0] >> 32) : 0;
        uint32_t *target = descriptor ? model_ram(descriptor[1], 4) : NULL;

        if (descriptor && (descriptor[0] & 0xF) == DESCRIPTOR_WAIT && target) {
            *target = honest ? status : (uint32_t)hostile_take(4);
            hostile_waited((int32_t)(*target - status) >= 0);
        }
    }
    if (honest)
        hostile_set(VTD_IQH.offset, 8, tail);
    else
        hostile_set(VTD_FSTS.offset, 4, hostile_take(1));
}

static bool is_fault_top(uint32_t offset)
{
    return offset >= LAST && offset % 16 == 12;
}

static void written(uint32_t offset, unsigned width, uint64_t value)
{
    if (offset == VTD_RTADDR.offset)
        root_table = value;
    if (offset == VTD_IQA.offset)
        queue = value;
    if (offset == VTD_GCMD.offset)
        command((uint32_t)value);
    else if (offset == VTD_IQT.offset)
        run_queue(value);
    else if (offset == VTD_FSTS.offset)
        hostile_set(offset, 4, hostile_get(offset, 4) & ~value);
    else if (offset < LAST)
        hostile_set(offset, width, value);
    else if (hostile_is_honest())
        hostile_set(offset, 4, hostile_get(offset, 4) & ~value);
    HOLDS(offset != VTD_CAP.offset && offset != VTD_ECAP.offset && offset != VTD_GSTS.offset);
    HOLDS(offset < ICS || (is_fault_top(offset) && value == FRCD_TOP_F));
}

static void record_fault(void)
{
    uint32_t at = (FRO + (uint32_t)hostile_take(1) % RECORDS) * 16;
    uint64_t low = hostile_take(8), high = hostile_take(8);

    hostile_set(at, 8, low);
    hostile_set(at + 8, 8, high | UINT64_C(1) << 63);
    hostile_set(VTD_FSTS.offset, 4, hostile_get(VTD_FSTS.offset, 4) | FSTS_PPF | (low & FSTS_PFO));
}

/* By the root table that the driver gave. */
static bool is_open(void)
{
    const struct vtd_entry *root = model_ram(root_table, 4096), *contexts;

    if (!root || !(root[PCI_BUS(HOSTILE_ID)].low & ENTRY_P))
        return false;
    contexts = model_ram(root[PCI_BUS(HOSTILE_ID)].low & ENTRY_ADDRESS, 4096);
    return contexts && contexts[HOSTILE_ID & 0xFF].low & ENTRY_P;
}

const struct hostile_vendor hostile_vendor = {
    .power_on = power_on,
    .discover = discover,
    .written = written,
    .record_fault = record_fault,
    .open = is_open,
};
