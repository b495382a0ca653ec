/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_EFI_H
#define BOOT_EFI_H

#include "boot/boot.h"

#include <efi.h>

/* What the files boot/efi*.c share. They alone know EFI types, and never see wdm.h. */
struct efi_stage {
    EFI_HANDLE handle;
    EFI_SYSTEM_TABLE *system;
    EFI_LOADED_IMAGE *image;
};

/* The serial ports that firmware drives, into info->ports: handles with the Serial I/O Protocol,
 * those that the variable ConOut names first. */
void efi_gather_ports(const struct efi_stage *stage, struct boot_info *info);

/* Adds bulkhead.conf, which stands beside the image, to info->options. None is as good. */
void efi_read_config(const struct efi_stage *stage, struct boot_info *info);

/* Makes or replaces the file `name` beside the image. */
EFI_STATUS efi_write_file(const struct efi_stage *stage, const CHAR16 *name, const void *data,
                          size_t length) __attribute__((warn_unused_result));

/* Text on firmware's console, LF as CR LF. */
void efi_print(const struct efi_stage *stage, const char *text, size_t length);

/* What the option mode= says, else what a person or the end of the countdown chooses. */
enum efi_mode { EFI_INSPECT, EFI_TAKEOVER, EFI_LEAVE };
enum efi_mode efi_choose_mode(const struct efi_stage *stage, const struct boot_info *info);

#endif
