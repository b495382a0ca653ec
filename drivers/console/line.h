/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_LINE_H
#define DRIVERS_CONSOLE_LINE_H

#include "drivers/console/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An editor of one line, for any terminal of LINE_COLUMNS columns that knows CR, LF and BS: the
 * cursor goes left by BS and right by writing again what stands there. What is longer than the
 * screen is wide scrolls sideways.
 *
 *   Ctrl-A, Home    to the begin             Ctrl-K    erase to the end
 *   Ctrl-E, End     to the end               Ctrl-U    erase to the begin
 *   Ctrl-B, Left    one back                 Ctrl-W    erase the word before
 *   Ctrl-F, Right   one on                   Ctrl-D, Delete    erase the character here
 *   Ctrl-P, Up      the line before          Ctrl-L    an empty screen
 *   Ctrl-N, Down    the line after           TAB       complete the word, or list what it may be
 *   Ctrl-C, Escape  erase all
 */
#define LINE_COLUMNS 80
#define LINE_MAX     255 /* characters; more are not taken */
#define LINE_HISTORY 32
#define LINE_WORD    40 /* bytes of a word that TAB proposes */

/* Where text for the terminal goes. '\n' begins a new line. */
typedef void (*line_writer)(void *context, const char *text, size_t length);

/* The nth word (0, 1, ...) that may stand where TAB was hit, behind `before` (`length` bytes, from
 * the begin of the line on). False: no more. */
typedef bool (*line_words)(void *context, const char *before, size_t length, unsigned n,
                           char word[LINE_WORD]);

struct line {
    /* Filled by the caller; the rest is zero. */
    const char *prompt; /* shorter than half the screen */
    line_writer write;
    line_words words; /* NULL: TAB does nothing */
    void *context;    /* of both */
    /* The line under way. */
    char text[LINE_MAX + 1];
    size_t length, cursor;
    size_t view; /* first character on the screen */
    /* The screen's line: what stands in it, and the column of the cursor. */
    char shown[LINE_COLUMNS];
    size_t column;
    /* Lines entered, the newest at (count - 1) % LINE_HISTORY; `back` of them ago is shown. */
    char history[LINE_HISTORY][LINE_MAX + 1];
    unsigned count, back;
    char kept[LINE_MAX + 1]; /* the line under way while an older one is shown */
};

/* Begins a line: prompt and nothing else. */
void line_begin(struct line *line);

/* True: the line is entered, and stands in line->text; the screen is on a new line. */
bool line_key(struct line *line, enum key key);

/* Other text has gone to the screen: prompt and line again, on a line of their own. */
void line_again(struct line *line);

#endif
