/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "amdvi_internal.h"

/* "IOMMU Capability Block" and the MSI capability beside it. */

#define CLASS_IOMMU    0x080600u
#define ID_SECURE      0x0F
#define ID_MSI         0x05
#define TYPE_IOMMU     UINT32_C(3)
#define REVISION       UINT32_C(1)
#define BASE_LOW       4u
#define BASE_HIGH      8u
#define RANGE          0xCu
#define MISC_0         0x10u
#define BASE_ENABLE    UINT32_C(1)
#define BASE_FIELDS    UINT32_C(0xFFFFC000)
#define RANGE_VALID    UINT32_C(0x80)
#define MSI            0x90u
#define MSI_ENABLE     UINT32_C(1)
#define MSI_64_BIT     UINT32_C(0x80)
#define COMMAND_MASTER UINT32_C(4)

_Static_assert(CLASS_IOMMU >> 8 == 0x0806, "base system peripheral, IOMMU");

/* Enable is written once: it locks itself and the base until reset. */
static void lock_base(struct model_amdvi *unit)
{
    struct ecam_function *function = unit->config.function;
    unsigned at = unit->config.capability_offset / 4u;

    if ((function->dwords[at + 1] & BASE_ENABLE) == 0) {
        return;
    }
    function->writable[at + 1] = function->writable[at + 2] = 0;
    uint64_t base =
        (uint64_t)function->dwords[at + 2] << 32 | (function->dwords[at + 1] & BASE_FIELDS);
    if (base != unit->config.base) {
        model_violation("amdvi: base address %#llx was enabled, the machine's plan is %#llx",
                        (unsigned long long)base, (unsigned long long)unit->config.base);
    }
    unit->base_enabled = true;
}

static void written(struct ecam_function *function, uint16_t offset)
{
    struct model_amdvi *unit = function->context;

    if (offset == unit->config.capability_offset + BASE_LOW) {
        lock_base(unit);
    }
}

static void add_msi(struct ecam_function *function)
{
    ecam_capability(function, ID_MSI, MSI);
    function->dwords[MSI / 4] |= MSI_64_BIT << 16;
    function->writable[MSI / 4] = MSI_ENABLE << 16;
    function->writable[MSI / 4 + 1] = ~UINT32_C(3);
    function->writable[MSI / 4 + 2] = UINT32_MAX;
    function->writable[MSI / 4 + 3] = 0xFFFF;
}

void amdvi_add_capabilities(struct model_amdvi *unit)
{
    struct ecam_function *function = unit->config.function;
    uint16_t at = unit->config.capability_offset;

    unit->base_enabled = function == NULL;
    if (function == NULL) {
        return;
    }
    ecam_set32(function, 8, CLASS_IOMMU << 8);
    add_msi(function);
    ecam_capability(function, ID_SECURE, at);
    function->dwords[at / 4] |= TYPE_IOMMU << 16 | REVISION << 19 | unit->config.capability;
    ecam_set32(function, at + BASE_LOW, (uint32_t)unit->config.base & BASE_FIELDS);
    ecam_set32(function, at + BASE_HIGH, (uint32_t)(unit->config.base >> 32));
    ecam_set32(function, at + RANGE,
               RANGE_VALID | (uint32_t)PCI_BUS(function->bdf) << 8 |
                   (uint32_t)unit->config.range << 16);
    ecam_set32(function, at + MISC_0,
               unit->config.physical_width << 8 | unit->config.virtual_width << 15 | 2u << 5);
    function->writable[at / 4 + 1] = BASE_FIELDS | BASE_ENABLE;
    function->writable[at / 4 + 2] = UINT32_MAX;
    function->written = written;
    function->context = unit;
    if (!unit->config.base_unlocked) {
        function->dwords[at / 4 + 1] |= BASE_ENABLE;
        lock_base(unit);
    }
}

/* Without MSI Enable, or without Bus Master, the message is lost. */
void amdvi_send_interrupt(const struct model_amdvi *unit)
{
    const struct ecam_function *function = unit->config.function;

    if (function == NULL || (function->dwords[MSI / 4] & MSI_ENABLE << 16) == 0 ||
        (function->dwords[1] & COMMAND_MASTER) == 0) {
        return;
    }
    (void)model_raise_msi((uint64_t)function->dwords[MSI / 4 + 2] << 32 |
                              function->dwords[MSI / 4 + 1],
                          function->dwords[MSI / 4 + 3]);
}
