/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_PANIC_H
#define ARCH_PANIC_H

#include <stdint.h>

/* Stop codes: stable, never renumbered. Code, name, what it means, its parameters. */
#define PANIC_STOPS(STOP)                                                                          \
    STOP(1, TRAP, "a processor exception that nothing handles", "vector, error code, RIP, CR2")    \
    STOP(2, OUT_OF_MEMORY, "no memory is left at bring-up, before any driver", "none")             \
    STOP(3, INTERNAL, "an invariant of the image does not hold", "of the place that found it")     \
    STOP(4, STACK, "a task ran into the guard page of its stack", "vector, error code, RIP, CR2")  \
    STOP(5, BRING_UP, "a step of bring-up that the rest needs has failed", "number of the step")

#define PANIC_CODE(code, name, sentence, parameters) PANIC_##name = (code),
enum panic_code { PANIC_STOPS(PANIC_CODE) };
#undef PANIC_CODE

struct panic_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags, cr0, cr2, cr3, cr4, vector, error_code;
};

/* Prints a panic and ends as panic_set_end() says. Registers are this call's own. A panic within a
 * panic prints its own first lines behind the first one's, and no more. */
_Noreturn void panic(enum panic_code code, const char *reason, uint64_t a, uint64_t b, uint64_t c,
                     uint64_t d);

/* How a panic reaches the console: set once by drivers/console. It gets whole lines, each ended by
 * one '\n'. The writer takes no lock and no heap and returns in bounded time. */
void panic_set_writer(void (*write)(const char *text));

/* Prints the state of other hardware into the panic, with the routines below. Takes no lock and no
 * heap, waits for nothing and changes nothing. */
void panic_set_state(void (*show)(void));
void panic_put(const char *text);
void panic_put_hex(uint64_t value, unsigned digits);
void panic_end_line(void);

/* What comes after: PANIC_HALT unless said. Without a shell, or for a panic within a panic, halt
 * stands in its place. A shell that returns halts. */
enum panic_end { PANIC_HALT, PANIC_REBOOT, PANIC_SHELL };
void panic_set_end(enum panic_end end, unsigned seconds);
void panic_set_shell(void (*run)(void));

#endif
