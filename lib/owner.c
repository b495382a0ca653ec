/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/owner.h"

OWNER_PER_CONTEXT owner_t owner_now = OWNER_IMAGE;

owner_t owner_enter(owner_t owner)
{
    owner_t previous = owner_now;

    owner_now = owner;
    return previous;
}
