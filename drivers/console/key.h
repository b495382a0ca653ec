/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_KEY_H
#define DRIVERS_CONSOLE_KEY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * From the bytes of a terminal to keys. Source: ECMA-48, "CSI" and "SS3"; the keys of VT52, VT100
 * and VT220.
 *
 *   Enter           CR, LF, CR LF                Erase     BS, DEL
 *   arrows          ESC A to D, ESC [ A to D, ESC O A to D
 *   Home            ESC H, ESC [ H, ESC O H, ESC [ 1 ~, ESC [ 7 ~
 *   End             ESC [ F, ESC O F, ESC [ 4 ~, ESC [ 8 ~
 *   Delete          ESC [ 3 ~
 *   Escape          ESC, and nothing behind it for KEY_TIMEOUT_NS
 *
 * Every other sequence and every byte beyond ASCII is dropped whole. A control character ends a
 * sequence that is under way, and counts: no noise keeps Ctrl-C from being heard.
 */
#define KEY_TIMEOUT_NS UINT64_C(200000000)

/* Printable ASCII stands for itself, Ctrl-A to Ctrl-Z for 1 to 26. */
enum key {
    KEY_NONE = 0,
    KEY_TAB = '\t',
    KEY_ENTER = '\r',
    KEY_ESCAPE = 0x1B,
    KEY_ERASE = 0x7F,
    KEY_DELETE = 0x100,
    KEY_UP,
    KEY_DOWN,
    KEY_RIGHT,
    KEY_LEFT,
    KEY_HOME,
    KEY_END,
};

#define KEY_CTRL(letter) ((enum key)((letter)&0x1F))

enum key_state { KEY_GROUND, KEY_ESC, KEY_SKIP, KEY_SS3, KEY_CSI };

/* Zero before the first byte. */
struct key_reader {
    enum key_state state;
    bool after_cr;
    unsigned number; /* the first parameter of a CSI sequence */
    bool plain;      /* and it has had nothing else so far */
    uint64_t since_ns;
};

/* The key that a byte ends, KEY_NONE while there is none. `byte` is -1 when none has come: to be
 * told so now and then, for Escape alone. */
enum key key_next(struct key_reader *reader, int byte, uint64_t now_ns);

#endif
