/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/descriptors.h"

#include "arch/table.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/x86.h"

/* SDM volume 3, "Segment Descriptor Tables" and "Task Management in 64-Bit Mode". */
#define SELECTOR_CODE     0x08u
#define SELECTOR_DATA     0x10u
#define SELECTOR_TSS      0x18u

#define DESCRIPTOR_CODE   UINT64_C(0x00AF9B000000FFFF) /* present, ring 0, execute, L, accessed */
#define DESCRIPTOR_DATA   UINT64_C(0x00CF93000000FFFF) /* present, ring 0, write, accessed */
#define DESCRIPTOR_TSS    UINT64_C(0x0000890000000000) /* present, available 64-bit TSS */
#define GATE_INTERRUPT    0x8Eu                        /* present, ring 0, interrupts off */
#define MXCSR_ALL_MASKED  0x1F80u
#define CACHE_LINE_COMMON 64u

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t ist[8]; /* [0] is reserved */
    uint64_t reserved1;
    uint16_t reserved2;
    uint16_t io_map;
} __attribute__((packed));

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "64-Bit TSS Format");
_Static_assert(sizeof(struct gate) == 16, "64-Bit IDT Gate Descriptors");
_Static_assert(sizeof(struct table_register) == 10, "GDTR and IDTR");
_Static_assert(sizeof(struct x86_stack) == 0x10000, "stacks are whole pages");

struct x86_stack x86_stacks[STACK_COUNT] __attribute__((aligned(4096)));
struct x86_cache x86_cache = {.line = CACHE_LINE_COMMON};

static uint64_t gdt[5] __attribute__((aligned(16)));
static struct gate idt[256] __attribute__((aligned(16)));
static struct tss tss __attribute__((aligned(16)));

static uint64_t stack_top(enum x86_stack_index index)
{
    return (uint64_t)(uintptr_t)(&x86_stacks[index] + 1);
}

static void load_gdt(void)
{
    const struct table_register gdtr = {sizeof(gdt) - 1, (uint64_t)(uintptr_t)gdt};
    uint64_t base = (uint64_t)(uintptr_t)&tss;

    gdt[SELECTOR_CODE / 8] = DESCRIPTOR_CODE;
    gdt[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
    gdt[SELECTOR_TSS / 8] =
        DESCRIPTOR_TSS | (sizeof(tss) - 1) | (base & 0xFFFFFF) << 16 | (base >> 24 & 0xFF) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
    __asm__ volatile("lgdt %0\n\t"
                     "push %q1\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %k2, %%ds\n\t"
                     "mov %k2, %%es\n\t"
                     "mov %k2, %%ss\n\t"
                     "mov %k3, %%fs\n\t"
                     "mov %k3, %%gs"
                     :
                     : "m"(gdtr), "r"((uint64_t)SELECTOR_CODE), "r"(SELECTOR_DATA), "r"(0)
                     : "rax", "memory");
}

static void load_tss(void)
{
    for (unsigned i = STACK_DOUBLE_FAULT; i < STACK_COUNT; i++) {
        tss.ist[i] = stack_top(i);
    }
    tss.io_map = sizeof(tss);
    __asm__ volatile("ltr %w0" ::"r"(SELECTOR_TSS) : "memory");
}

static uint8_t stack_of(unsigned vector)
{
    switch (vector) {
    case VECTOR_DF:
        return STACK_DOUBLE_FAULT;
    case VECTOR_NMI:
        return STACK_NMI;
    case VECTOR_MC:
        return STACK_MACHINE_CHECK;
    default:
        return vector < VECTOR_PIC ? STACK_FAULT : STACK_INTERRUPT;
    }
}

static void load_idt(void)
{
    const struct table_register idtr = {sizeof(idt) - 1, (uint64_t)(uintptr_t)idt};

    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t stub = (uint64_t)(uintptr_t)trap_stubs[vector];

        idt[vector] = (struct gate){
            .offset_low = (uint16_t)stub,
            .selector = SELECTOR_CODE,
            .ist = stack_of(vector),
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
    __asm__ volatile("lidt %0" ::"m"(idtr) : "memory");
}

/* Every feature of firmware's that this image does not use goes off: shadow stacks, protection
 * keys, SMAP, PCIDs, FRED. LA57 cannot change in long mode; VMXE and SMXE must not. */
static void load_control_registers(void)
{
    uint64_t kept = cpu_read_cr4() & (CR4_LA57 | CR4_VMXE | CR4_SMXE);

    cpu_write_cr4(kept | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT);
    cpu_write_cr0((cpu_read_cr0() | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS | CR0_AM));
    if (x86_missing_feature() == NULL) {
        cpu_wrmsr(MSR_EFER, cpu_rdmsr(MSR_EFER) | EFER_NXE);
    }
    __asm__ volatile("fninit; ldmxcsr %0" ::"m"((const uint32_t){MXCSR_ALL_MASKED}));
}

/* CLFLUSH line size: CPUID leaf 1, EBX bits 15 to 8, in units of 8 bytes. */
static void choose_cache_flush(void)
{
    uint32_t line = (x86_cpuid(1, 0).b >> 8 & 0xFF) * 8;

    if (line >= 16 && (line & (line - 1)) == 0) {
        x86_cache.line = line;
    }
    x86_cache.clflushopt = (x86_cpuid(7, 0).b & 1u << 23) != 0;
}

void x86_init_tables(void)
{
    cpu_cli();
    x86_time_start();
    load_control_registers();
    load_gdt();
    load_tss();
    load_idt();
    choose_cache_flush();
}

void x86_run_on_stack(void (*entry)(void *argument), void *argument)
{
    __asm__ volatile("mov %0, %%rsp\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "call *%1\n\t"
                     "ud2"
                     :
                     : "r"(stack_top(STACK_BOOT)), "r"(entry), "D"(argument)
                     : "memory");
    __builtin_unreachable();
}
