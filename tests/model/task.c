/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "machine.h"
#include "machine_internal.h"

#include "arch/task.h"

#include <stdlib.h>

#ifdef MODEL_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define FIBERS_MAX 32

/* What a saved "stack pointer" points to here. Fiber 0 is the host's own stack. */
struct fiber {
    void *stack;
    const void *bottom;
    size_t size;
    void *fake_stack;
    void (*entry)(void *argument);
    void *argument;
};

/* Pushes the callee-saved registers of the System V ABI, trades stacks, pops them. */
void model_swap_stacks(void **save, void *load);
__asm__(".globl model_swap_stacks\n"
        "model_swap_stacks:\n"
        "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
        "    ret\n");
#define SAVED_REGISTERS 6

static struct fiber fibers[FIBERS_MAX];
static unsigned fiber_count = 1;
static struct fiber *current = &fibers[0];
static struct fiber *previous;

void model_task_reset(void)
{
    if (current != &fibers[0]) {
        model_violation("model_reset: called on a task's stack");
    }
    fiber_count = 1;
}

static void begin_switch(struct fiber *from, const struct fiber *to)
{
#ifdef MODEL_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
#else
    (void)from;
    (void)to;
#endif
}

/* Runs on the new stack; learns the bounds of the stack that was left. */
static void end_switch(struct fiber *to)
{
#ifdef MODEL_ASAN
    __sanitizer_finish_switch_fiber(to->fake_stack, &previous->bottom, &previous->size);
#else
    (void)to;
#endif
}

static void start(void)
{
    end_switch(current);
    current->entry(current->argument);
    model_violation("task: entry returned");
    abort();
}

void *task_prepare(void *top, void (*entry)(void *argument), void *argument)
{
    size_t size = model_stack_size(top);

    if (size == 0 || fiber_count == FIBERS_MAX) {
        model_violation("task_prepare: %p is no stack, or too many tasks", top);
        abort();
    }
    struct fiber *fiber = &fibers[fiber_count++];
    fiber->bottom = (const char *)top - size;
    fiber->size = size;
    fiber->fake_stack = NULL;
    fiber->entry = entry;
    fiber->argument = argument;
    /* As if start() had been called: its return address is 16-byte aligned plus 8. */
    uint64_t *words = (uint64_t *)top - 2;
    words[0] = (uint64_t)(uintptr_t)start;
    words[1] = 0;
    fiber->stack = words - SAVED_REGISTERS;
    return fiber;
}

void task_switch(void **save, void *load)
{
    struct fiber *self = current;

    *save = self;
    if (load == self) {
        return;
    }
    previous = self;
    current = load;
    begin_switch(self, current);
    model_swap_stacks(&self->stack, current->stack);
    end_switch(self);
}
