/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/key.h"

#define ESC        0x1B
#define CONTROLS   0x20 /* below: C0 */
#define ASCII_END  0x7F
#define NUMBER_MAX 1000u

/* Keys that end with the same letter behind ESC, CSI and SS3. */
static enum key letter_key(int letter)
{
    switch (letter) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    default:
        return KEY_NONE;
    }
}

/* CSI number ~ */
static enum key numbered_key(unsigned number)
{
    switch (number) {
    case 1:
    case 7:
        return KEY_HOME;
    case 3:
        return KEY_DELETE;
    case 4:
    case 8:
        return KEY_END;
    default:
        return KEY_NONE;
    }
}

static void begin(struct key_reader *reader, enum key_state state, uint64_t now_ns)
{
    reader->state = state;
    reader->since_ns = now_ns;
    reader->number = 0;
    reader->plain = true;
}

static enum key control_key(struct key_reader *reader, int byte, uint64_t now_ns)
{
    bool after_cr = reader->after_cr;

    reader->state = KEY_GROUND;
    reader->after_cr = byte == '\r';
    switch (byte) {
    case ESC:
        begin(reader, KEY_ESC, now_ns);
        return KEY_NONE;
    case '\n':
        return after_cr ? KEY_NONE : KEY_ENTER;
    case '\b':
    case ASCII_END:
        return KEY_ERASE;
    default:
        return byte <= 26 ? (enum key)byte : KEY_NONE;
    }
}

static enum key after_escape(struct key_reader *reader, int byte, uint64_t now_ns)
{
    reader->state = KEY_GROUND;
    if (byte == '[')
        begin(reader, KEY_CSI, now_ns);
    else if (byte == 'O')
        begin(reader, KEY_SS3, now_ns);
    else if (byte == '?') /* a VT52's keypad: one more */
        begin(reader, KEY_SKIP, now_ns);
    else if (byte != 'F')
        return letter_key(byte);
    return KEY_NONE;
}

static enum key in_csi(struct key_reader *reader, int byte, uint64_t now_ns)
{
    if (byte >= '0' && byte <= '9') {
        if (reader->plain && reader->number < NUMBER_MAX)
            reader->number = reader->number * 10 + (unsigned)(byte - '0');
        return KEY_NONE;
    }
    if (byte == '[') { /* a function key of the Linux console: one more */
        begin(reader, KEY_SKIP, now_ns);
        return KEY_NONE;
    }
    if (byte < '@') { /* a further parameter (which modifiers are held), or a private one */
        reader->plain = false;
        return KEY_NONE;
    }
    reader->state = KEY_GROUND;
    return byte == '~' ? numbered_key(reader->number) : letter_key(byte);
}

static enum key ascii_key(struct key_reader *reader, int byte, uint64_t now_ns)
{
    enum key_state state = reader->state;

    reader->after_cr = false;
    switch (state) {
    case KEY_ESC:
        return after_escape(reader, byte, now_ns);
    case KEY_CSI:
        return in_csi(reader, byte, now_ns);
    case KEY_SS3:
    case KEY_SKIP:
        reader->state = KEY_GROUND;
        if (state == KEY_SKIP)
            return KEY_NONE;
        return byte == 'M' ? KEY_ENTER : letter_key(byte);
    default:
        return (enum key)byte;
    }
}

enum key key_next(struct key_reader *reader, int byte, uint64_t now_ns)
{
    bool overdue = reader->state != KEY_GROUND && now_ns - reader->since_ns >= KEY_TIMEOUT_NS;

    if (overdue) {
        bool alone = reader->state == KEY_ESC && byte < 0;

        reader->state = KEY_GROUND;
        if (alone)
            return KEY_ESCAPE;
    }
    if (byte <= 0 || byte > ASCII_END)
        return KEY_NONE;
    if (byte < CONTROLS || byte == ASCII_END)
        return control_key(reader, byte, now_ns);
    return ascii_key(reader, byte, now_ns);
}
