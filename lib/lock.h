/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include <stdatomic.h>

/* A short lock: never held over a hardware wait, a task switch or a call into a driver, and never
 * taken by an interrupt routine. Order: domain before queue. */
struct lock {
    atomic_flag held;
};

#define LOCK_INIT                                                                                  \
    {                                                                                              \
        ATOMIC_FLAG_INIT                                                                           \
    }

static inline void lock_take(struct lock *lock)
{
    while (atomic_flag_test_and_set_explicit(&lock->held, memory_order_acquire))
        ;
}

static inline void lock_give(struct lock *lock)
{
    atomic_flag_clear_explicit(&lock->held, memory_order_release);
}

#endif
