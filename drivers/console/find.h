/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_FIND_H
#define DRIVERS_CONSOLE_FIND_H

#include "drivers/console/console.h"
#include "drivers/console/uart.h"

/* The port that was chosen, open, and the sentence that says so. */
struct console_found {
    bool found;
    struct uart uart;
    char text[192];
};

/* Asks one way after the other. Ports that nobody has named are probed; nothing is sent to any. */
void console_look(const struct console_setup *setup, struct console_found *found);

/* Adds to the sentence; what does not fit is left out. */
void console_tell(struct console_found *found, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
