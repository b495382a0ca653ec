/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/task.h"

#include <stddef.h>
#include <stdint.h>

/* What task_switch leaves on a stack, lowest address first. */
struct switch_frame {
    uint32_t mxcsr;
    uint16_t x87_control;
    uint16_t unused;
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
};

_Static_assert(sizeof(struct switch_frame) == 64, "task_switch saves eight words");
_Static_assert(offsetof(struct switch_frame, x87_control) == 4, "switch.S");
_Static_assert(offsetof(struct switch_frame, r13) == 24, "switch.S");
_Static_assert(offsetof(struct switch_frame, return_address) == 56, "switch.S");

/* The ABI's values at process start: all exceptions masked, round to nearest, x87 extended. */
#define MXCSR_START       0x1F80u
#define X87_CONTROL_START 0x037Fu

void task_start(void);

/* The frame ends where the ABI wants the stack before a call: at a multiple of 16. */
void *task_prepare(void *top, void (*entry)(void *argument), void *argument)
{
    uintptr_t end = (uintptr_t)top & ~(uintptr_t)15;
    struct switch_frame *frame = (struct switch_frame *)(end - sizeof(*frame));

    *frame = (struct switch_frame){
        .mxcsr = MXCSR_START,
        .x87_control = X87_CONTROL_START,
        .r12 = (uint64_t)(uintptr_t)entry,
        .r13 = (uint64_t)(uintptr_t)argument,
        .return_address = (uint64_t)(uintptr_t)task_start,
    };
    return frame;
}
