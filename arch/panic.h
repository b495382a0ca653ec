/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_PANIC_H
#define ARCH_PANIC_H

#include <stdint.h>

/* Stop codes: stable, never renumbered. */
enum panic_code {
    PANIC_TRAP = 1,          /* a processor exception: vector, error code, RIP, CR2 */
    PANIC_OUT_OF_MEMORY = 2, /* at bring-up, before any driver */
    PANIC_INTERNAL = 3,      /* an invariant of the image does not hold */
    PANIC_STACK = 4,         /* a task ran into its guard page */
    PANIC_BRING_UP = 5,      /* a vital step failed: index of the step */
};

struct panic_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags, cr0, cr2, cr3, cr4, vector, error_code;
};

/* Prints a panic and halts. Registers are this call's own. */
_Noreturn void panic(enum panic_code code, const char *reason, uint64_t a, uint64_t b, uint64_t c,
                     uint64_t d);

/* How a panic reaches the console: set once by drivers/console. It gets whole lines, each ended by
 * one '\n'. The writer takes no lock and no heap and returns in bounded time. */
void panic_set_writer(void (*write)(const char *text));

#endif
