/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_X86_64_TSC_H
#define ARCH_X86_64_TSC_H

#include <stdbool.h>
#include <stdint.h>

/* Sets the zero of time_ns(). Until x86_time_calibrate, waits last at least their budget. */
void x86_time_start(void);

/* Finds the TSC's frequency. False: nothing to measure it against; bounded in any case. */
bool x86_time_calibrate(void) __attribute__((warn_unused_result));

struct x86_tsc {
    uint64_t hz;
    const char *source;
};
struct x86_tsc x86_tsc(void);

#endif
