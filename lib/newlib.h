/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef LIB_NEWLIB_H
#define LIB_NEWLIB_H

#include <stddef.h>

/* The C library's heap: a fixed arena of ordinary memory. Neither tables nor memory that a device
 * may reach comes from it. */
struct newlib_arena {
    size_t size;
    size_t used; /* what the library has taken so far */
    size_t peak; /* the most that it ever had */
};

void newlib_arena(struct newlib_arena *arena);

#endif
