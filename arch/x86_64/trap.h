/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_TRAP_H
#define ARCH_X86_64_TRAP_H

#include "arch/panic.h"

#include <stdbool.h>
#include <stdint.h>

/* Vectors. The first 32 are the processor's exceptions; the PICs' 16 are never unmasked. */
#define VECTOR_NMI        2u
#define VECTOR_DF         8u
#define VECTOR_PF         14u
#define VECTOR_MC         18u
#define VECTOR_PIC        0x20u
#define VECTOR_LINE_FIRST 0x30u
#define VECTOR_LINE_LAST  0xEFu
#define VECTOR_TIMER      0xF0u
#define VECTOR_SPURIOUS   0xFFu

/* trap_entry.S: 256 stubs of TRAP_STUB_SIZE bytes. */
#define TRAP_STUB_SIZE 16
extern const uint8_t trap_stubs[256][TRAP_STUB_SIZE] __attribute__((visibility("hidden")));

/* The local APIC, as an interrupt routine needs it. */
struct x86_apic {
    uintptr_t base; /* of the register page; unused with x2 */
    bool x2;        /* registers are MSRs */
    bool ready;
};

extern struct x86_apic x86_apic;
extern volatile uint8_t irq_marks[256];

/* trap_*.c, called by trap_entry.S. */
void trap_interrupt(uint64_t vector);
_Noreturn void trap_exception(const struct panic_registers *registers);
/* panic.c, called by trap_entry.S and trap_fault.c. */
_Noreturn void panic_called(const struct panic_registers *registers);
_Noreturn void panic_report(enum panic_code code, const char *reason, const uint64_t values[4],
                            const struct panic_registers *registers);

#endif
