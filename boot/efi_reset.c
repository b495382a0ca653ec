/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The end of a run, by firmware. UEFI specification, "Runtime Services", "Miscellaneous Runtime
 * Services": ResetSystem(). Firmware's addresses are never changed, so that it runs where it did.
 */
#include "arch/x86_64/x86.h"
#include "boot/efi.h"

static bool open_firmware(const struct boot_info *info)
{
    bool open =
        info->runtime_services && info->runtime_count && info->runtime_count <= BOOT_RUNTIME_MAX;

    for (unsigned i = 0; open && i < info->runtime_count; i++)
        open = x86_open_firmware(info->runtime[i].base, info->runtime[i].length,
                                 info->runtime[i].kind != BOOT_MEMORY_MMIO);
    return open;
}

const char *boot_reset(const struct boot_info *info, bool off)
{
    EFI_RUNTIME_SERVICES *services = (EFI_RUNTIME_SERVICES *)(uintptr_t)info->runtime_services;

    if (open_firmware(info)) {
        uint64_t flags;

        __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
        services->ResetSystem(off ? EfiResetShutdown : EfiResetCold, EFI_SUCCESS, 0, NULL);
        __asm__ volatile("pushq %0; popfq" ::"r"(flags) : "memory", "cc");
    }
    if (off)
        return "firmware does not switch the machine off";
    x86_reset();
}
