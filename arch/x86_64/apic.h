/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_APIC_H
#define ARCH_X86_64_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* The boot processor's local APIC, its own timer included. */

/* NULL, or why it cannot be used. `physical` serves when IA32_APIC_BASE names no address. */
const char *apic_init(uint64_t physical);

uint32_t apic_id(void);

/* Measures the timer against time_ns(), which must be right by now. */
void apic_timer_calibrate(void);

/* Raises VECTOR_TIMER once, after about `ns` or a second, whichever is less. False: the timer does
 * not run, or is not ready. */
bool apic_timer_start(uint64_t ns);

#endif
