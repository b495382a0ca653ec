/* SPDX-License-Identifier: BSD-2-Clause-Patent */
    .text

/* void task_switch(void **save, void *load): the registers that a call preserves, with the control
 * words of SSE and x87 (System V ABI, "Register Usage"). task_prepare lays out the same frame. */
    .globl task_switch
    .hidden task_switch
    .type task_switch, @function
task_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

/* Where a new task's first switch returns to: entry in %r12, argument in %r13. The frame pointer is
 * zero: backtraces end here. */
    .globl task_start
    .hidden task_start
    .type task_start, @function
task_start:
    mov %r13, %rdi
    call *%r12
    ud2

    .section .note.GNU-stack, "", @progbits
