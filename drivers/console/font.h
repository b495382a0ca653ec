/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_FONT_H
#define DRIVERS_CONSOLE_FONT_H

#include <stdint.h>

/* Spleen 8x16, made by font.py at build time: one byte a line, leftmost pixel in bit 7. */
#define FONT_FIRST  0x20
#define FONT_GLYPHS 95 /* to 0x7E */
#define FONT_WIDTH  8
#define FONT_HEIGHT 16

extern const uint8_t console_font[FONT_GLYPHS][FONT_HEIGHT];

#endif
