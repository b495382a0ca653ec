/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* Nanoseconds since take-over, monotonic. */
uint64_t time_ns(void);

/* The one bounded wait: polls `done(context)` until it holds or `budget_ns` has passed. It is
 * asked at least once, and once more after the budget. False: the budget passed. */
bool wait_until(bool (*done)(void *context), void *context, uint64_t budget_ns)
    __attribute__((warn_unused_result));

#endif
