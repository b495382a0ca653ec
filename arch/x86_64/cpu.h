/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_CPU_H
#define ARCH_X86_64_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* The processor's own instructions and registers. Sources: Intel SDM and AMD APM, by name. */
#define CR0_MP          UINT64_C(0x2)
#define CR0_EM          UINT64_C(0x4)
#define CR0_TS          UINT64_C(0x8)
#define CR0_NE          UINT64_C(0x20)
#define CR0_WP          UINT64_C(0x10000)
#define CR0_AM          UINT64_C(0x40000)

#define CR4_PAE         UINT64_C(0x20)
#define CR4_MCE         UINT64_C(0x40)
#define CR4_OSFXSR      UINT64_C(0x200)
#define CR4_OSXMMEXCPT  UINT64_C(0x400)
#define CR4_LA57        UINT64_C(0x1000)
#define CR4_VMXE        UINT64_C(0x2000)
#define CR4_SMXE        UINT64_C(0x4000)
#define CR4_SMEP        UINT64_C(0x100000)

#define MSR_APIC_BASE   0x1Bu
#define MSR_PAT         0x277u
#define MSR_X2APIC_BASE 0x800u
#define MSR_EFER        0xC0000080u

#define EFER_NXE        UINT64_C(0x800)

struct cpuid {
    uint32_t a, b, c, d;
};

/* A leaf beyond the processor's highest reads as zeros. */
struct cpuid x86_cpuid(uint32_t leaf, uint32_t subleaf);

/* Bits of a physical address. */
unsigned x86_physical_bits(void);

/* Name of the first feature that the image needs and the processor lacks; NULL: it has all. */
const char *x86_missing_feature(void);

static inline void cpu_cli(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void cpu_sti(void)
{
    __asm__ volatile("sti" ::: "memory");
}

/* STI lets interrupts in only after the instruction that follows it: none comes in between. */
static inline void cpu_sti_hlt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

static inline void cpu_pause(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static inline uint64_t cpu_rdmsr(uint32_t index)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void cpu_wrmsr(uint32_t index, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t cpu_rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline void cpu_invlpg(uint64_t linear)
{
    __asm__ volatile("invlpg (%0)" ::"r"(linear) : "memory");
}

static inline void cpu_wbinvd(void)
{
    __asm__ volatile("wbinvd" ::: "memory");
}

#define CPU_CONTROL_REGISTER(name)                                                                 \
    static inline uint64_t cpu_read_##name(void)                                                   \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value)::"memory");                           \
        return value;                                                                              \
    }                                                                                              \
    static inline void cpu_write_##name(uint64_t value)                                            \
    {                                                                                              \
        __asm__ volatile("mov %0, %%" #name ::"r"(value) : "memory");                              \
    }

CPU_CONTROL_REGISTER(cr0)
CPU_CONTROL_REGISTER(cr3)
CPU_CONTROL_REGISTER(cr4)

#endif
