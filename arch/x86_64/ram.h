/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_RAM_H
#define ARCH_X86_64_RAM_H

#include "arch/memory.h" /* x86_frames */

/* RAM that firmware gave up or that holds the image, in bytes. */
uint64_t x86_ram_bytes(void);

#endif
