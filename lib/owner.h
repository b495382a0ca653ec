/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_OWNER_H
#define LIB_OWNER_H

#include "lib/frames.h"

/* The image has one context, a host test one for each of its threads. */
#if __STDC_HOSTED__
#define OWNER_PER_CONTEXT _Thread_local
#else
#define OWNER_PER_CONTEXT
#endif

/* On whose behalf the processor runs now: OWNER_IMAGE, or a driver's tag while one of its
 * routines runs. The manager sets it at every switch; it becomes the caller's identity when
 * drivers move to address spaces of their own. */
extern OWNER_PER_CONTEXT owner_t owner_now __attribute__((visibility("hidden")));

static inline owner_t owner_current(void)
{
    return owner_now;
}

/* Names the context that runs: any two that run at once have different names. */
static inline const void *owner_context(void)
{
    return &owner_now;
}

/* Returns the previous owner, for the caller to put back. */
owner_t owner_enter(owner_t owner);

#endif
