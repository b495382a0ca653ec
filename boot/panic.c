/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/panic.h"

#include "arch/panic.h"

#include <stdlib.h>
#include <string.h>

static const struct iommu *units_of;

static const char *state_word(enum iommu_unit_state state)
{
    static const char *const words[] = {
        [UNIT_FOUND] = "found",
        [UNIT_FAILED] = "failed",
        [UNIT_ACTIVE] = "active",
        [UNIT_POISONED] = "poisoned",
    };

    return (unsigned)state < sizeof words / sizeof *words ? words[state] : "unknown";
}

static void show_unit(const struct iommu_unit *unit)
{
    struct iommu_unit_view view = {0};

    unit->ops->view(unit, &view);
    panic_put(unit->name);
    panic_put(" at 0x");
    panic_put_hex(unit->base, 8);
    panic_put(", ");
    panic_put(state_word(unit->state));
    for (unsigned i = 0; i < IOMMU_VIEW_REGISTERS && view.registers[i].name; i++) {
        panic_put(", ");
        panic_put(view.registers[i].name);
        panic_put(" 0x");
        panic_put_hex(view.registers[i].value, 8);
    }
    panic_end_line();
    for (unsigned i = 0; i < view.record_count; i++) {
        panic_put("  record 0x");
        panic_put_hex(view.records[i].high, 16);
        panic_put(" 0x");
        panic_put_hex(view.records[i].low, 16);
        panic_end_line();
    }
}

static void show_units(void)
{
    for (unsigned i = 0; i < units_of->unit_count; i++)
        show_unit(&units_of->units[i]);
}

static void set_end(const char *option)
{
    static const char reboot[] = "reboot:";

    if (!strcmp(option, "shell"))
        panic_set_end(PANIC_SHELL, 0);
    else if (!strncmp(option, reboot, strlen(reboot)))
        panic_set_end(PANIC_REBOOT, (unsigned)strtoul(option + strlen(reboot), NULL, 10));
}

void boot_panic_start(const struct iommu *iommu, const char *option)
{
    units_of = iommu;
    panic_set_state(show_units);
    set_end(option);
}
