/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The end of a run, by firmware. UEFI specification, "Runtime Services", "Miscellaneous Runtime
 * Services": ResetSystem(). Firmware's addresses are never changed, so that it runs where it did.
 */
#include "arch/x86_64/x86.h"
#include "boot/efi.h"
#include "lib/log.h"

static void reset_system(const struct boot_info *info, EFI_RESET_TYPE type)
{
    EFI_RUNTIME_SERVICES *services = (EFI_RUNTIME_SERVICES *)(uintptr_t)info->runtime_services;
    bool open = services && info->runtime_count && info->runtime_count <= BOOT_RUNTIME_MAX;

    for (unsigned i = 0; open && i < info->runtime_count; i++)
        open = x86_open_firmware(info->runtime[i].base, info->runtime[i].length,
                                 info->runtime[i].kind != BOOT_MEMORY_MMIO);
    if (!open) {
        log_write(LOG_ERROR, "boot", "firmware's runtime services cannot be reached");
        return;
    }
    __asm__ volatile("cli" ::: "memory");
    services->ResetSystem(type, EFI_SUCCESS, 0, NULL);
}

void boot_reboot(const struct boot_info *info)
{
    reset_system(info, EfiResetCold);
    x86_halt();
}

void boot_power_off(const struct boot_info *info)
{
    reset_system(info, EfiResetShutdown);
    x86_halt();
}
