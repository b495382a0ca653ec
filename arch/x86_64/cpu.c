/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/cpu.h"

#include "arch/time.h"
#include "arch/x86_64/x86.h"

#define CPUID_EXTENDED   0x80000000u
#define CPUID_HYPERVISOR 0x40000000u

/* Intel's I/O controller hubs, "Reset Control Register"; 8042, "Command Register". */
#define RESET_CONTROL  0xCF9u
#define RESET_SYSTEM   0x02u
#define RESET_CPU      0x04u
#define KEYBOARD       0x64u
#define KEYBOARD_RESET 0xFEu
#define RESET_NS       (50 * NS_PER_MS)

static struct cpuid raw_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/* Each of the ranges (basic, hypervisor, extended) tells its highest leaf in its first one. */
struct cpuid x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    uint32_t range = leaf & (CPUID_EXTENDED | CPUID_HYPERVISOR);
    uint32_t highest = raw_cpuid(range, 0).a;

    if (leaf > highest || ((highest ^ leaf) & (CPUID_EXTENDED | CPUID_HYPERVISOR)) != 0) {
        return (struct cpuid){0};
    }
    return raw_cpuid(leaf, subleaf);
}

unsigned x86_physical_bits(void)
{
    unsigned bits = x86_cpuid(0x80000008, 0).a & 0xFF;

    return bits < 32 || bits > 52 ? 36 : bits;
}

const char *x86_missing_feature(void)
{
    struct cpuid basic = x86_cpuid(1, 0);
    struct cpuid extended = x86_cpuid(CPUID_EXTENDED + 1, 0);

    if ((extended.d & 1u << 20) == 0) {
        return "the processor has no no-execute pages";
    }
    if ((basic.c & 1u << 13) == 0) {
        return "the processor has no CMPXCHG16B";
    }
    if ((basic.d & 1u << 16) == 0) {
        return "the processor has no page attribute table";
    }
    if ((basic.d & 1u << 9) == 0) {
        return "the processor has no local APIC";
    }
    return NULL;
}

void x86_halt(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt" ::: "memory");
    }
}

static bool never(void *context)
{
    (void)context;
    return false;
}

void x86_pass(uint64_t ns)
{
    (void)!wait_until(never, NULL, ns);
}

void x86_reset(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_idt = {0, 0};

    cpu_cli();
    x86_out8(RESET_CONTROL, RESET_SYSTEM);
    x86_out8(RESET_CONTROL, RESET_SYSTEM | RESET_CPU);
    x86_pass(RESET_NS);
    x86_out8(KEYBOARD, KEYBOARD_RESET);
    x86_pass(RESET_NS);
    __asm__ volatile("lidt %0; int3" ::"m"(no_idt) : "memory");
    x86_halt();
}

#define PORT_ACCESS(bits, suffix)                                                                  \
    uint##bits##_t x86_in##bits(uint16_t port)                                                     \
    {                                                                                              \
        uint##bits##_t value;                                                                      \
        __asm__ volatile("in" suffix " %1, %0" : "=a"(value) : "Nd"(port) : "memory");             \
        return value;                                                                              \
    }                                                                                              \
    void x86_out##bits(uint16_t port, uint##bits##_t value)                                        \
    {                                                                                              \
        __asm__ volatile("out" suffix " %0, %1" ::"a"(value), "Nd"(port) : "memory");              \
    }

PORT_ACCESS(8, "b")
PORT_ACCESS(16, "w")
PORT_ACCESS(32, "l")
