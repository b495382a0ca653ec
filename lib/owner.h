/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_OWNER_H
#define LIB_OWNER_H

#include "lib/frames.h"

/* On whose behalf the processor runs now: OWNER_IMAGE, or a driver's tag while one of its
 * routines runs. The manager sets it at every switch; it becomes the caller's identity when
 * drivers move to address spaces of their own. */
extern owner_t owner_now __attribute__((visibility("hidden")));

static inline owner_t owner_current(void)
{
    return owner_now;
}

/* Returns the previous owner, for the caller to put back. */
owner_t owner_enter(owner_t owner);

#endif
