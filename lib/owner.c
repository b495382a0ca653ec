/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/owner.h"

static owner_t current = OWNER_IMAGE;

owner_t owner_current(void)
{
    return current;
}

owner_t owner_enter(owner_t owner)
{
    owner_t previous = current;

    current = owner;
    return previous;
}
