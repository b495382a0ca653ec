/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Interrupts. An interrupt routine only marks its line; whoever owns the line takes the mark at
 * task level. A line is one vector of the boot processor's local APIC.
 */
typedef uint8_t irq_line_t;

#define IRQ_NONE ((irq_line_t)0)

struct msi_message {
    uint64_t address;
    uint32_t data;
};

/* Claims a line and gives the message that raises it. False: no vector is left. */
bool irq_allocate(irq_line_t *line, struct msi_message *message)
    __attribute__((warn_unused_result));

/* Returns a line. Its source must be silent already. */
void irq_release(irq_line_t line);

/* Takes the mark of a line: true when it was raised since the last call. */
bool irq_take(irq_line_t line);

/* Idles the processor until any line is marked or time_ns() reaches `deadline_ns`. Returns at
 * once when a mark is pending; no mark is lost between the check and the idling. */
void irq_idle(uint64_t deadline_ns);

#endif
