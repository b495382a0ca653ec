/* SPDX-License-Identifier: BSD-2-Clause-Patent */

/* struct panic_registers, asserted in panic.c */
#define REGISTERS_SIZE 192
#define AT_RSP         56
#define AT_RIP         128
#define AT_RFLAGS      136
#define AT_CR0         144
#define AT_VECTOR      176
#define AT_ERROR       184

#define VECTOR_FIRST_INTERRUPT 32

/* #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC and #SX push an error code. */
#define ERROR_CODE_VECTORS 0x60227D00

    .text

/* Fills all that one call site can see into the frame at %rsp; %rax is used up. */
    .macro save_registers
    mov %rax, 0(%rsp)
    mov %rbx, 8(%rsp)
    mov %rcx, 16(%rsp)
    mov %rdx, 24(%rsp)
    mov %rsi, 32(%rsp)
    mov %rdi, 40(%rsp)
    mov %rbp, 48(%rsp)
    mov %r8, 64(%rsp)
    mov %r9, 72(%rsp)
    mov %r10, 80(%rsp)
    mov %r11, 88(%rsp)
    mov %r12, 96(%rsp)
    mov %r13, 104(%rsp)
    mov %r14, 112(%rsp)
    mov %r15, 120(%rsp)
    mov %cr0, %rax
    mov %rax, AT_CR0(%rsp)
    mov %cr2, %rax
    mov %rax, AT_CR0 + 8(%rsp)
    mov %cr3, %rax
    mov %rax, AT_CR0 + 16(%rsp)
    mov %cr4, %rax
    mov %rax, AT_CR0 + 24(%rsp)
    .endm

    .macro copy_word from, to
    mov \from(%rsp), %rax
    mov %rax, \to(%rsp)
    .endm

/* Stack: vector, error code, RIP, CS, RFLAGS, RSP, SS. Never returns. */
exception:
    cld
    sub $REGISTERS_SIZE, %rsp
    save_registers
    copy_word REGISTERS_SIZE, AT_VECTOR
    copy_word REGISTERS_SIZE + 8, AT_ERROR
    copy_word REGISTERS_SIZE + 16, AT_RIP
    copy_word REGISTERS_SIZE + 32, AT_RFLAGS
    copy_word REGISTERS_SIZE + 40, AT_RSP
    mov %rsp, %rdi
    and $-16, %rsp
    call trap_exception

/* The same stack, on the interrupt stack of its own: 16-byte aligned before the processor pushes,
 * so that the call below finds it aligned again. */
interrupt:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    cld
    mov 72(%rsp), %rdi
    call trap_interrupt
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

/* panic(): the caller's registers, its return address and stack pointer. */
    .globl panic
    .hidden panic
    .type panic, @function
panic:
    pushfq
    cli
    cld
    sub $REGISTERS_SIZE, %rsp
    save_registers
    movq $0, AT_VECTOR(%rsp)
    movq $0, AT_ERROR(%rsp)
    copy_word REGISTERS_SIZE, AT_RFLAGS
    copy_word REGISTERS_SIZE + 8, AT_RIP
    lea REGISTERS_SIZE + 16(%rsp), %rax
    mov %rax, AT_RSP(%rsp)
    mov %rsp, %rdi
    and $-16, %rsp
    call panic_called

    .globl trap_stubs
    .hidden trap_stubs
    .balign 16
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector >= VECTOR_FIRST_INTERRUPT
    push $0
    push $vector
    jmp interrupt
    .else
    .if !((ERROR_CODE_VECTORS >> vector) & 1)
    push $0
    .endif
    push $vector
    jmp exception
    .endif
    .set vector, vector + 1
    .endr
    .balign 16

    .section .note.GNU-stack, "", @progbits
