/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/image.h"
#include "lib/log.h"
#include "tests/image/image.h"

#include <string.h>

/* Writes downwards through the whole stack, into the guard page below it. */
static void overrun_stack(void)
{
    volatile char *at = (volatile char *)__builtin_frame_address(0);

    for (;;)
        *--at = 0;
}

void image_provoke(const char *what)
{
    if (!what)
        return;
    if (!strcmp(what, "trap"))
        __asm__ volatile("ud2");
    else if (!strcmp(what, "write"))
        *(volatile char *)image_text_begin = 0;
    else if (!strcmp(what, "stack"))
        overrun_stack();
    else
        log_write(LOG_WARNING, "boot", "provoke=%s is none of trap, write, stack", what);
}
