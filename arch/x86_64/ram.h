/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_RAM_H
#define ARCH_X86_64_RAM_H

#include "lib/frames.h"

/* The owner tags, made by memory_init.c. Frames that are not absent are mapped and writable, but
 * for the image's own and the guards of stacks. */
extern struct frames x86_frames;

/* RAM that firmware gave up or that holds the image, in bytes. */
uint64_t x86_ram_bytes(void);

#endif
