/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/panic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void panic(enum panic_code code, const char *reason, uint64_t a, uint64_t b, uint64_t c,
                     uint64_t d)
{
    fprintf(stderr, "panic %d: %s (%#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64 ")\n",
            (int)code, reason, a, b, c, d);
    abort();
}

void panic_set_writer(void (*write)(const char *text))
{
    (void)write;
}
