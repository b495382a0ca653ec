/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_EFI_PORTS_H
#define BOOT_EFI_PORTS_H

#include "boot/boot.h"

/* The serial ports that firmware drives, into info->ports: handles with the Serial I/O Protocol,
 * those that the variable ConOut names first. `table` is the EFI_SYSTEM_TABLE; boot services are
 * still there. */
void efi_gather_ports(void *table, struct boot_info *info);

#endif
