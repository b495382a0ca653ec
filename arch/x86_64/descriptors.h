/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_DESCRIPTORS_H
#define ARCH_X86_64_DESCRIPTORS_H

#include <stdint.h>

/*
 * The stacks that must exist before memory does. Their order is that of the TSS's interrupt stack
 * table; entry 0, which the processor does not count, is the stack of boot and dispatcher.
 * Interrupts have one of their own: the code that they interrupt may use a red zone.
 */
enum x86_stack_index {
    STACK_BOOT,
    STACK_DOUBLE_FAULT,
    STACK_NMI,
    STACK_MACHINE_CHECK,
    STACK_FAULT,
    STACK_INTERRUPT,
    STACK_COUNT,
};

struct x86_stack {
    uint8_t guard[0x1000];
    uint8_t bytes[0xF000];
};

extern struct x86_stack x86_stacks[STACK_COUNT];

#endif
