/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_FRAMEBUFFER_H
#define DRIVERS_CONSOLE_FRAMEBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Plain text on a linear framebuffer of 32-bit pixels. One screen; written, never read. */
struct framebuffer {
    uintptr_t base;
    uint64_t length;
    uint32_t width, height;
    uint32_t stride; /* pixels from line to line */
    uint8_t red_shift, green_shift, blue_shift;
};

/* Takes the screen, and leaves it as it is until framebuffer_show(). What does not lie inside
 * `length` is never drawn on. False: too small for one character, or fields that contradict each
 * other. */
bool framebuffer_open(const struct framebuffer *framebuffer) __attribute__((warn_unused_result));

/* Clears the screen and draws what was written until now, and from now on what is written. Without
 * an open screen, or a second time, it does nothing. Context: any; takes no lock. */
void framebuffer_show(void);

/* Writes text from the cursor on; '\n' goes to a new line, long lines wrap; '\r' goes to the start
 * of the line, '\b' one column back, ESC [ K clears from the cursor to the end of the line; other
 * control sequences (ESC [ ...) are left out. Without an open screen it does nothing. Context: any;
 * takes no lock. */
void framebuffer_write(const char *text, size_t length);

/* For a panic: the page is empty again, and what does not fit on it is left out, so that its first
 * lines stay to be read. A second time it does nothing. Context: any; takes no lock. */
void framebuffer_hold(void);

/* Ends that, for the shell behind a panic. */
void framebuffer_scroll(void);

#endif
