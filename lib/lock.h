/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>

/* A short lock: never held over a hardware wait, a task switch or a call into a driver, and never
 * taken by an interrupt routine. Order: domain before queue. */
struct lock {
    atomic_bool held;
};

/* Lets one caller through at a time, for routines at PASSIVE level that wait for hardware: as long
 * as those waits, which are bounded. Whoever enters holds no lock. */
struct gate {
    struct lock lock;
};

#define LOCK_INIT                                                                                  \
    {                                                                                              \
        false                                                                                      \
    }

/* Set once a panic has begun: whoever holds a lock never gives it back, so none is waited for. */
extern bool lock_void;

static inline bool lock_try(struct lock *lock)
{
    return !atomic_exchange_explicit(&lock->held, true, memory_order_acquire);
}

/* Apart, so that a lock that is free costs little. Each look takes the lock's cache line from the
 * holder, so the next one is later. */
static __attribute__((noinline, cold, unused)) void lock_wait(struct lock *lock)
{
    unsigned pauses = 8;

    do {
        if (lock_void)
            return;
        for (unsigned i = 0; i < pauses; i++)
            __builtin_ia32_pause();
        pauses = pauses < 512 ? 4 * pauses : pauses;
    } while (!lock_try(lock));
}

static inline void lock_take(struct lock *lock)
{
    if (!lock_try(lock))
        lock_wait(lock);
}

static inline void lock_give(struct lock *lock)
{
    atomic_store_explicit(&lock->held, false, memory_order_release);
}

static inline void gate_enter(struct gate *gate)
{
    lock_take(&gate->lock);
}

static inline void gate_leave(struct gate *gate)
{
    lock_give(&gate->lock);
}

#endif
