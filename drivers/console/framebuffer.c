/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/framebuffer.h"

#include "drivers/console/font.h"

#include <string.h>

#define COLUMNS_MAX  320u
#define ROWS_MAX     100u
#define WIDE_SCREEN  2560u /* from here on glyphs are drawn twice as large */
#define SCROLL_PARTS 4u    /* a full screen moves up by this part of its rows at once */
#define INK          0xC0u /* of each colour */
#define PIXEL_BYTES  4u
#define SHIFT_MAX    24u

/* What the screen should show, and what it shows: only cells that differ are drawn. */
static char wanted[ROWS_MAX][COLUMNS_MAX];
static char shown[ROWS_MAX][COLUMNS_MAX];

static struct {
    volatile uint32_t *pixels;
    uint32_t stride, width, height;
    uint32_t ink;
    unsigned scale;
    unsigned columns, rows; /* 0: no screen */
    unsigned column, row;   /* of the cursor */
    unsigned changed_row;   /* no row above it differs from what is shown */
    enum { NO_ESCAPE, AFTER_ESC, IN_SEQUENCE } escape;
    bool visible;
    bool held; /* it does not scroll */
} screen;

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

static void draw_line(volatile uint32_t *pixel, uint8_t bits)
{
    for (unsigned x = 0; x < FONT_WIDTH; x++) {
        uint32_t colour = (bits & 0x80u >> x) != 0 ? screen.ink : 0;

        for (unsigned i = 0; i < screen.scale; i++)
            *pixel++ = colour;
    }
}

static void draw_cell(unsigned row, unsigned column)
{
    char c = wanted[row][column];
    const uint8_t *glyph = console_font[c - FONT_FIRST];
    volatile uint32_t *line = screen.pixels +
                              (size_t)row * FONT_HEIGHT * screen.scale * screen.stride +
                              (size_t)column * FONT_WIDTH * screen.scale;

    for (unsigned y = 0; y < FONT_HEIGHT * screen.scale; y++) {
        draw_line(line, glyph[y / screen.scale]);
        line += screen.stride;
    }
    shown[row][column] = c;
}

static void draw_changes(void)
{
    for (unsigned row = screen.changed_row; row < screen.rows; row++) {
        for (unsigned column = 0; column < screen.columns; column++) {
            if (wanted[row][column] != shown[row][column])
                draw_cell(row, column);
        }
    }
    screen.changed_row = screen.row;
}

/* Several rows at once, so that a line costs a part of a screen of pixels and not all of it. */
static void scroll(void)
{
    unsigned step = screen.rows / SCROLL_PARTS + 1;
    unsigned kept = screen.rows > step ? screen.rows - step : 0;

    memmove(wanted[0], wanted[screen.rows - kept], kept * sizeof(wanted[0]));
    memset(wanted[kept], ' ', (screen.rows - kept) * sizeof(wanted[0]));
    screen.row = kept;
    screen.changed_row = 0;
}

static void new_line(void)
{
    screen.column = 0;
    screen.row++;
}

static void put_printable(char c)
{
    if (screen.column == screen.columns)
        new_line();
    if (screen.row == screen.rows && !screen.held)
        scroll();
    if (screen.row == screen.rows)
        return;
    wanted[screen.row][screen.column++] = c >= ' ' && c <= '~' ? c : '?';
}

static void clear_line_end(void)
{
    if (screen.row < screen.rows)
        memset(&wanted[screen.row][screen.column], ' ', screen.columns - screen.column);
}

/* ECMA-48: a control sequence is ESC [, parameters, and a final byte from '@' on. */
static void put_escape(char c)
{
    if (screen.escape == AFTER_ESC && c == '[') {
        screen.escape = IN_SEQUENCE;
        return;
    }
    if (screen.escape == IN_SEQUENCE && c < '@')
        return;
    if (screen.escape == IN_SEQUENCE && c == 'K')
        clear_line_end();
    screen.escape = NO_ESCAPE;
}

static void put(char c)
{
    if (screen.escape != NO_ESCAPE) {
        put_escape(c);
        return;
    }
    switch (c) {
    case '\033':
        screen.escape = AFTER_ESC;
        break;
    case '\n':
        if (screen.row == screen.rows && !screen.held)
            scroll();
        if (screen.row < screen.rows)
            new_line();
        break;
    case '\r':
        screen.column = 0;
        break;
    case '\b':
        screen.column -= screen.column > 0;
        break;
    default:
        put_printable(c);
        break;
    }
}

bool framebuffer_open(const struct framebuffer *framebuffer)
{
    uint64_t lines = framebuffer->stride != 0
                         ? framebuffer->length / ((uint64_t)framebuffer->stride * PIXEL_BYTES)
                         : 0;
    uint32_t height = lines < framebuffer->height ? (uint32_t)lines : framebuffer->height;
    unsigned scale = framebuffer->width >= WIDE_SCREEN ? 2 : 1;
    unsigned columns = at_most(framebuffer->width / (FONT_WIDTH * scale), COLUMNS_MAX);
    unsigned rows = at_most(height / (FONT_HEIGHT * scale), ROWS_MAX);

    memset(&screen, 0, sizeof(screen));
    if (framebuffer->base == 0 || framebuffer->base % PIXEL_BYTES != 0 ||
        framebuffer->stride < framebuffer->width || columns == 0 || rows == 0 ||
        framebuffer->red_shift > SHIFT_MAX || framebuffer->green_shift > SHIFT_MAX ||
        framebuffer->blue_shift > SHIFT_MAX)
        return false;

    screen.pixels = (volatile uint32_t *)framebuffer->base;
    screen.stride = framebuffer->stride;
    screen.width = framebuffer->width;
    screen.height = height;
    screen.ink = INK << framebuffer->red_shift | INK << framebuffer->green_shift |
                 INK << framebuffer->blue_shift;
    screen.scale = scale;
    screen.columns = columns;
    screen.rows = rows;
    memset(wanted, ' ', sizeof(wanted));
    memset(shown, ' ', sizeof(shown));
    return true;
}

void framebuffer_show(void)
{
    if (screen.rows == 0 || screen.visible)
        return;
    for (uint32_t y = 0; y < screen.height; y++) {
        for (uint32_t x = 0; x < screen.width; x++)
            screen.pixels[(size_t)y * screen.stride + x] = 0;
    }
    screen.visible = true;
    screen.changed_row = 0;
    draw_changes();
}

void framebuffer_hold(void)
{
    if (screen.rows == 0 || screen.held)
        return;
    screen.held = true;
    screen.column = screen.row = screen.changed_row = 0;
    screen.escape = NO_ESCAPE;
    memset(wanted, ' ', sizeof(wanted));
}

void framebuffer_scroll(void)
{
    screen.held = false;
}

void framebuffer_write(const char *text, size_t length)
{
    if (screen.rows == 0)
        return;
    for (size_t i = 0; i < length; i++)
        put(text[i]);
    if (screen.visible)
        draw_changes();
}
