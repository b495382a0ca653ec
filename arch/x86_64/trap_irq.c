/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"

#define APIC_EOI       0xB0u
#define MSR_X2APIC_EOI (MSR_X2APIC_BASE + APIC_EOI / 16)

struct x86_apic x86_apic;
volatile uint8_t irq_marks[256];

/* A spurious vector sets no in-service bit: its EOI would end another interrupt. */
void trap_interrupt(uint64_t vector)
{
    irq_marks[vector & 0xFF] = 1;
    if (vector == VECTOR_SPURIOUS || !x86_apic.ready) {
        return;
    }
    if (x86_apic.x2) {
        cpu_wrmsr(MSR_X2APIC_EOI, 0);
    } else {
        *(volatile uint32_t *)(x86_apic.base + APIC_EOI) = 0;
    }
}
