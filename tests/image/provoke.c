/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/panic.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/trap.h"
#include "lib/log.h"
#include "tests/image/image.h"

#include <string.h>

/* Local APIC, "Interrupt Command Register (ICR)"; as an MSR with x2APIC. */
#define APIC_ICR_LOW  0x300u
#define APIC_ICR_HIGH 0x310u
#define MSR_ICR       (MSR_X2APIC_BASE + APIC_ICR_LOW / 16)
#define ICR_NMI       UINT32_C(0x4400) /* delivery mode NMI, level asserted */
#define NO_STACK      8u               /* in page 0, which is not mapped */

static void trap(void)
{
    __asm__ volatile("ud2");
}

static void write_code(void)
{
    *(volatile char *)image_text_begin = 0;
}

/* Writes downwards through the whole stack, into the guard page below it. */
static void overrun_stack(void)
{
    volatile char *at = (volatile char *)__builtin_frame_address(0);

    for (;;)
        *--at = 0;
}

/* The page fault's gate and that of the fault about it lie beyond the table's limit. There is no
 * stack either: only the double fault's own serves. */
static void fault_twice(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idt;

    __asm__ volatile("sidt %0" : "=m"(idt));
    idt.limit = (VECTOR_DF + 1) * 16 - 1;
    __asm__ volatile("lidt %0\n\t"
                     "mov %q1, %%rsp\n\t"
                     "push %%rax"
                     :
                     : "m"(idt), "r"((uint64_t)NO_STACK)
                     : "memory");
}

/* To this processor itself, which then has no stack but the NMI's own. */
static void send_nmi(void)
{
    if (x86_apic.x2) {
        __asm__ volatile("mov %q3, %%rsp\n\t"
                         "wrmsr\n"
                         "1: jmp 1b"
                         :
                         : "c"(MSR_ICR), "a"(ICR_NMI), "d"(apic_id()), "r"((uint64_t)NO_STACK)
                         : "memory");
    }
    *(volatile uint32_t *)(x86_apic.base + APIC_ICR_HIGH) = apic_id() << 24;
    __asm__ volatile("mov %q2, %%rsp\n\t"
                     "movl %0, (%1)\n"
                     "1: jmp 1b"
                     :
                     : "r"(ICR_NMI), "r"(x86_apic.base + APIC_ICR_LOW), "r"((uint64_t)NO_STACK)
                     : "memory");
}

static void check_machine(void)
{
    __asm__ volatile("mov %q0, %%rsp\n\t"
                     "int %1"
                     :
                     : "r"((uint64_t)NO_STACK), "i"(VECTOR_MC)
                     : "memory");
}

/* A second panic while the first is being told. */
static void panic_in_panic(void)
{
    panic_set_state(trap);
    panic(PANIC_INTERNAL, "provoked, and again within", 1, 2, 3, 4);
}

static struct iommu *locked;

/* With every lock held that a command of the shell may take. */
static void trap_with_locks(void)
{
    gate_enter(&locked->gate);
    for (size_t i = 0; i < IOMMU_DOMAINS_MAX; i++)
        lock_take(&locked->domains[i].lock);
    trap();
}

static const struct {
    const char *what;
    void (*provoke)(void);
} kinds[] = {
    {"trap", trap},
    {"write", write_code},
    {"stack", overrun_stack},
    {"double", fault_twice},
    {"nmi", send_nmi},
    {"machine-check", check_machine},
    {"nested", panic_in_panic},
    {"locked", trap_with_locks},
};

void image_provoke(struct iommu *iommu, const char *what)
{
    locked = iommu;
    if (!what)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(what, kinds[i].what))
            kinds[i].provoke();
    log_write(LOG_WARNING, "boot", "provoke=%s is nothing to provoke", what);
}
