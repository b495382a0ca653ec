/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/paging.h"
#include "arch/x86_64/trap.h"

static const char names[32][28] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "BOUND range",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack-segment fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 floating point",
    "alignment check",
    "machine check",
    "SIMD floating point",
    "virtualization",
    "control protection",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "hypervisor injection",
    "VMM communication",
    "security",
    "reserved",
};

void trap_exception(const struct panic_registers *registers)
{
    const uint64_t values[4] = {registers->vector, registers->error_code, registers->rip,
                                registers->cr2};

    if (registers->vector == VECTOR_PF && paging_is_guard(registers->cr2)) {
        panic_report(PANIC_STACK, "a stack ran into its guard page", values, registers);
    }
    panic_report(PANIC_TRAP, names[registers->vector & 31], values, registers);
}
