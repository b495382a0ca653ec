/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_X86_H
#define ARCH_X86_64_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bring-up of the processor, called by boot in this order. Each step returns false with a reason
 * in *why when the machine cannot be used.
 */
struct x86_memory_region {
    uint64_t base;
    uint64_t length;
    bool ram;    /* else MMIO; told for the record only */
    bool usable; /* free for the frame allocator; else left alone, and mapped on demand only */
};

/* GDT, TSS with interrupt stacks, IDT; SSE state; time_ns() starts. Firmware's descriptor tables
 * are not used any more. */
void x86_init_tables(void);

/* Calls entry(argument) on a stack of the image's own. What x86_init_memory takes away includes
 * firmware's stack, so this comes first; that one unmaps the guard page. */
_Noreturn void x86_run_on_stack(void (*entry)(void *argument), void *argument);

/* Owner tags over all RAM, then page tables: RAM read-write and no-execute, the image's sections
 * with their own rights (never writable and executable), page 0 and stack guards unmapped,
 * write-protect and no-execute on. RAM below 1 MiB is left alone. `regions` lies in the image. */
bool x86_init_memory(const struct x86_memory_region *regions, unsigned count, uint64_t image_base,
                     const char **why) __attribute__((warn_unused_result));

/* Optional: masks every entry of an I/O APIC (MADT). False: it cannot be mapped or is not there. */
bool x86_mask_io_apic(uint64_t address);

/* Local APIC (xAPIC, or x2APIC when it is on already), PICs masked; interrupts are on from here.
 * `local_apic` is the physical address from MADT, for an IA32_APIC_BASE that holds none. */
bool x86_init_interrupts(uint64_t local_apic, const char **why) __attribute__((warn_unused_result));

/* Optional, before x86_init_time: the I/O port of the ACPI PM timer (FADT, PM_TMR_BLK), for
 * machines that do not tell the TSC's frequency. */
void x86_set_pm_timer(uint16_t port);

/* TSC calibrated, one-shot timer for irq_idle. It measures for tens of milliseconds: what guards
 * the machine comes first. Until then time_ns() goes too slowly, and waits last at least their
 * budget. */
bool x86_init_time(const char **why) __attribute__((warn_unused_result));

struct x86_facts {
    uint64_t tsc_hz;
    const char *tsc_source; /* "CPUID", "hypervisor", "ACPI PM timer", "PIT", ... */
    bool tsc_invariant;
    bool x2apic;
    uint32_t apic_id;
    uint64_t ram_bytes, free_bytes;
};

void x86_facts(struct x86_facts *facts);

/* What the page tables allow at a linear address: for the image's own tests. */
struct x86_access {
    bool present, write, execute;
};
struct x86_access x86_access_at(uint64_t linear);

/* Stops for good: interrupts off, halt. */
_Noreturn void x86_halt(void);

/* Lets so much time go by. */
void x86_pass(uint64_t ns);

/* Resets the machine: Reset Control Register, keyboard controller, triple fault. */
_Noreturn void x86_reset(void);

/* Lets firmware run in [base, base + length): its code and data, writable and executable, or its
 * devices. False: no memory for that. For one last call, which ends the run. */
bool x86_open_firmware(uint64_t base, uint64_t length, bool ram)
    __attribute__((warn_unused_result));

/* Port I/O. */
uint8_t x86_in8(uint16_t port);
void x86_out8(uint16_t port, uint8_t value);
uint32_t x86_in32(uint16_t port);

#endif
