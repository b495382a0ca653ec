/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The line editor on a terminal: bytes become the keys that are documented, and noise none; after
 * each key the screen of a real terminal's model (libvterm, 80 by 24) shows prompt, line and cursor
 * and nothing else in that row, whatever was hit; what is written is plain text, LF and BS alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/console/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#include "drivers/console/font.h"

const uint8_t console_font[FONT_GLYPHS][FONT_HEIGHT];

#define ROWS   24
#define PROMPT "bulkhead> "
#define ROOM   (LINE_COLUMNS - 1 - sizeof(PROMPT) + 1)

/* ---- Keys ---- */

/* The keys that a string of bytes makes, all at once, then after a silence. */
static unsigned read_keys(const char *bytes, size_t length, enum key *keys)
{
    struct key_reader reader = {0};
    unsigned count = 0;

    for (size_t i = 0; i < length; i++) {
        enum key key = key_next(&reader, (uint8_t)bytes[i], 1000 + i);
        if (key != KEY_NONE)
            keys[count++] = key;
        assert_int_equal(key_next(&reader, -1, 1000 + i), KEY_NONE);
    }
    enum key last = key_next(&reader, -1, 1000 + length + KEY_TIMEOUT_NS);
    if (last != KEY_NONE)
        keys[count++] = last;
    return count;
}

static void bytes_become_keys(void **state)
{
    static const struct {
        const char *bytes;
        enum key keys[4];
    } cases[] = {
        {"aZ~ ", {'a', 'Z', '~', ' '}},
        {"\r", {KEY_ENTER}},
        {"\n", {KEY_ENTER}},
        {"\r\n", {KEY_ENTER}},
        {"\r\r\n\n", {KEY_ENTER, KEY_ENTER, KEY_ENTER}},
        {"\n\r", {KEY_ENTER, KEY_ENTER}},
        {"\ra\n", {KEY_ENTER, 'a', KEY_ENTER}},
        {"\b\x7F", {KEY_ERASE, KEY_ERASE}},
        {"\t\x03", {KEY_TAB, KEY_CTRL('C')}},
        {"\033A\033B\033C\033D", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\033[A\033[B\033[C\033[D", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\033OA\033OB\033OC\033OD", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\033H\033[H\033OH\033[1~", {KEY_HOME, KEY_HOME, KEY_HOME, KEY_HOME}},
        {"\033[F\033OF\033[4~\033[8~", {KEY_END, KEY_END, KEY_END, KEY_END}},
        {"\033[7~\033[3~\033OM", {KEY_HOME, KEY_DELETE, KEY_ENTER}},
        {"\033[1;5C\033[3;2~x", {KEY_RIGHT, KEY_DELETE, 'x'}},
        {"\033", {KEY_ESCAPE}},
        {"\033\033[A", {KEY_UP}},
        {"\033[", {KEY_NONE}},
        {"\033[[Ax", {'x'}},            /* F1 of a Linux console */
        {"\033[15~\033[?1;2cx", {'x'}}, /* F5; a terminal's answer */
        {"\033?px\033x\033[99999999999~y", {'x', 'y'}},
        {"\xC3\xA9\x80\xFF\x9B"
         "A",
         {'A'}},
        {"\033[1\x03", {KEY_CTRL('C')}}, /* noise hides no Ctrl-C */
        {"\033[\r", {KEY_ENTER}},
        {"\x1C\x1D\x1E\x1F", {KEY_NONE}},
    };
    enum key keys[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned count = read_keys(cases[i].bytes, strlen(cases[i].bytes), keys), wanted = 0;

        while (wanted < 4 && cases[i].keys[wanted] != KEY_NONE)
            wanted++;
        if (count != wanted)
            fail_msg("case %zu: %u keys, not %u", i, count, wanted);
        for (unsigned n = 0; n < count; n++)
            assert_int_equal(keys[n], cases[i].keys[n]);
    }
    assert_int_equal(read_keys("\0a", 2, keys), 1);
}

static void late_bytes_belong_to_no_sequence(void **state)
{
    struct key_reader reader = {0};

    (void)state;
    assert_int_equal(key_next(&reader, '\033', 5), KEY_NONE);
    assert_int_equal(key_next(&reader, -1, 4 + KEY_TIMEOUT_NS), KEY_NONE);
    assert_int_equal(key_next(&reader, -1, 5 + KEY_TIMEOUT_NS), KEY_ESCAPE);
    assert_int_equal(key_next(&reader, '[', 6 + KEY_TIMEOUT_NS), '[');
    assert_int_equal(key_next(&reader, '\033', 7 + KEY_TIMEOUT_NS), KEY_NONE);
    assert_int_equal(key_next(&reader, 'A', 7 + 2 * KEY_TIMEOUT_NS), 'A');
}

/* ---- A terminal ---- */

static VTerm *terminal;
static VTermScreen *screen;
static struct line line;

static void write_terminal(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++) {
        assert_true(text[i] == '\n' || text[i] == '\b' || (text[i] >= ' ' && text[i] <= '~'));
        if (text[i] == '\n')
            vterm_input_write(terminal, "\r", 1);
        vterm_input_write(terminal, &text[i], 1);
    }
}

static bool words(void *context, const char *before, size_t length, unsigned n,
                  char word[LINE_WORD])
{
    static const char *const list[] = {"walk", "wait", "map", "maps", "a-word-of-its-own"};

    (void)context;
    assert_true(length == 0 || before[length - 1] == ' ' || before[length - 1] == ';');
    if (n >= sizeof(list) / sizeof(list[0]))
        return false;
    strcpy(word, list[n]);
    return true;
}

static int open_terminal(void **state)
{
    (void)state;
    terminal = vterm_new(ROWS, LINE_COLUMNS);
    screen = vterm_obtain_screen(terminal);
    vterm_screen_reset(screen, 1);
    line = (struct line){.prompt = PROMPT, .write = write_terminal, .words = words};
    line_begin(&line);
    return 0;
}

static int close_terminal(void **state)
{
    (void)state;
    vterm_free(terminal);
    return 0;
}

static VTermPos cursor(void)
{
    VTermPos at;

    vterm_state_get_cursorpos(vterm_obtain_state(terminal), &at);
    return at;
}

/* A row of the screen, blanks for what was never written, without those at its end. */
static const char *row_text(int row)
{
    static char text[LINE_COLUMNS + 1];
    size_t length = 0;

    for (int column = 0; column < LINE_COLUMNS; column++) {
        VTermScreenCell cell;

        vterm_screen_get_cell(screen, (VTermPos){.row = row, .col = column}, &cell);
        text[column] = cell.chars[0] ? (char)cell.chars[0] : ' ';
        if (text[column] != ' ')
            length = (size_t)column + 1;
    }
    text[length] = '\0';
    return text;
}

/* The row of the cursor shows what the editor says that it does. */
static void check_screen(void)
{
    char wanted[LINE_COLUMNS + 1];
    size_t length;

    assert_true(line.length <= LINE_MAX && line.cursor <= line.length);
    assert_int_equal(strlen(line.text), line.length);
    assert_true(line.view <= line.cursor && line.cursor - line.view < ROOM);
    length =
        (size_t)snprintf(wanted, sizeof(wanted), PROMPT "%.*s", (int)ROOM, line.text + line.view);
    while (length > 0 && wanted[length - 1] == ' ')
        wanted[--length] = '\0';
    assert_string_equal(row_text(cursor().row), wanted);
    assert_int_equal(cursor().col, sizeof(PROMPT) - 1 + line.cursor - line.view);
}

static bool hit(enum key key)
{
    bool entered = line_key(&line, key);

    if (!entered)
        check_screen();
    return entered;
}

static void type(const char *text)
{
    for (; *text != '\0'; text++)
        assert_false(hit((enum key) * text));
}

static void enter(const char *text)
{
    type(text);
    assert_true(hit(KEY_ENTER));
    assert_string_equal(line.text, text);
    assert_int_equal(cursor().col, 0);
    line_begin(&line);
    check_screen();
}

static void shows(const char *text)
{
    char wanted[LINE_COLUMNS + 1];

    snprintf(wanted, sizeof(wanted), PROMPT "%s", text);
    if (*text == '\0')
        wanted[sizeof(PROMPT) - 2] = '\0'; /* a blank at the end */
    assert_string_equal(row_text(cursor().row), wanted);
}

/* ---- Properties ---- */

static void editing_shows_at_once(void **state)
{
    (void)state;
    type("walk 00:05.0");
    hit(KEY_HOME);
    type("xy");
    shows("xywalk 00:05.0");
    hit(KEY_ERASE);
    hit(KEY_CTRL('D'));
    shows("xalk 00:05.0");
    hit(KEY_CTRL('E'));
    hit(KEY_LEFT);
    hit(KEY_DELETE);
    shows("xalk 00:05.");
    hit(KEY_CTRL('W'));
    shows("xalk");
    type("a b");
    hit(KEY_CTRL('B'));
    hit(KEY_CTRL('K'));
    shows("xalk a");
    hit(KEY_CTRL('A'));
    hit(KEY_RIGHT);
    hit(KEY_CTRL('U'));
    shows("alk a");
    hit(KEY_ESCAPE);
    shows("");
    assert_int_equal(cursor().row, 0);
}

static void keys_that_do_nothing_change_nothing(void **state)
{
    static const enum key none[] = {KEY_ERASE, KEY_DELETE,    KEY_LEFT,      KEY_RIGHT,
                                    KEY_UP,    KEY_DOWN,      KEY_CTRL('G'), KEY_CTRL('U'),
                                    KEY_HOME,  KEY_CTRL('W'), KEY_CTRL('Z'), KEY_CTRL('K')};

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_false(hit(none[i]));
        shows("");
    }
}

static void long_lines_scroll_and_are_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINE_MAX + 20; i++)
        hit((enum key)('a' + i % 26));
    assert_int_equal(line.length, LINE_MAX);
    for (unsigned i = 0; i < LINE_MAX + 5; i++)
        hit(KEY_LEFT);
    assert_int_equal(line.cursor, 0);
    hit('X');
    assert_int_equal(line.length, LINE_MAX);
    hit(KEY_DELETE);
    hit('X');
    assert_int_equal(line.text[0], 'X');
    hit(KEY_END);
    hit(KEY_HOME);
    for (unsigned i = 0; i < LINE_MAX; i++)
        hit(KEY_RIGHT);
    assert_int_equal(cursor().row, 0);
}

static void history_holds_the_last_lines(void **state)
{
    char text[16];

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "line %u", i);
        enter(text);
        enter(text); /* the same again is not kept twice */
    }
    enter("");
    type("under way");
    for (unsigned i = 39; i >= 40 - LINE_HISTORY; i--) {
        snprintf(text, sizeof(text), "line %u", i);
        hit(i % 2 ? KEY_UP : KEY_CTRL('P'));
        shows(text);
    }
    hit(KEY_UP);
    shows("line 8");
    for (unsigned i = 0; i < LINE_HISTORY - 1; i++)
        hit(KEY_DOWN);
    shows("line 39");
    hit(KEY_CTRL('N'));
    shows("under way");
    hit(KEY_UP);
    type("!");
    hit(KEY_HOME);
    assert_true(hit(KEY_ENTER));
    assert_string_equal(line.text, "line 39!");
    line_begin(&line);
    hit(KEY_UP);
    shows("line 39!");
    hit(KEY_UP);
    shows("line 39");
}

static void tab_completes_and_lists(void **state)
{
    (void)state;
    type("m");
    hit(KEY_TAB);
    shows("map");
    hit(KEY_TAB); /* "maps" too: a list above, and the line again */
    shows("map");
    assert_int_equal(cursor().row, 2);
    assert_string_equal(row_text(0), PROMPT "map");
    assert_string_equal(row_text(1), "map   maps");
    type(" a");
    hit(KEY_TAB);
    shows("map a-word-of-its-own");
    assert_int_equal(line.text[line.length - 1], ' ');
    type("zzz");
    hit(KEY_TAB);
    shows("map a-word-of-its-own zzz");
    hit(KEY_CTRL('U'));
    hit(KEY_TAB);
    assert_string_equal(row_text(cursor().row - 2),
                        "walk               wait               map                maps");
    assert_string_equal(row_text(cursor().row - 1), "a-word-of-its-own");
    type("x;wal");
    hit(KEY_TAB);
    shows("x;walk");
}

static void a_word_that_does_not_fit_is_not_half_there(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINE_MAX - 3; i++)
        hit(' ');
    type("a");
    hit(KEY_TAB);
    assert_int_equal(line.length, LINE_MAX - 2);
}

static void other_text_leaves_the_line_whole(void **state)
{
    (void)state;
    type("dma 0");
    hit(KEY_LEFT);
    write_terminal(NULL, "[ 1.0] a line of the log", 24);
    line_again(&line);
    check_screen();
    shows("dma 0");
    hit(KEY_CTRL('L'));
    shows("dma 0");
    assert_string_equal(row_text(cursor().row - 1), "");
    hit(KEY_CTRL('C'));
    shows("");
    assert_string_equal(row_text(cursor().row - 1), PROMPT "dma ^C");
}

/* Any keys, in any order: the screen always shows the line, and what a line holds is the text that
 * a simpler editor, without a screen, makes of the keys. */
static void any_keys_leave_screen_and_line_alike(void **state)
{
    static const enum key keys[] = {KEY_ERASE,     KEY_DELETE,    KEY_LEFT,      KEY_RIGHT,
                                    KEY_HOME,      KEY_END,       KEY_UP,        KEY_DOWN,
                                    KEY_CTRL('K'), KEY_CTRL('W'), KEY_CTRL('L'), KEY_TAB,
                                    KEY_CTRL('U'), KEY_CTRL('C'), KEY_ENTER,     KEY_ESCAPE};
    uint64_t seed = 7;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        unsigned chance = (unsigned)(seed >> 40);
        bool rare = chance % 64 == 0, special = chance % 4 == 0;
        enum key key = rare      ? keys[chance / 64 % (sizeof(keys) / sizeof(keys[0]))]
                       : special ? keys[chance / 4 % 6]
                                 : (enum key)(' ' + chance / 4 % 95);
        size_t length = line.length, at = line.cursor;

        if (hit(key)) {
            line_begin(&line);
            check_screen();
        } else if (key >= ' ' && key <= '~' && length < LINE_MAX) {
            assert_int_equal(line.length, length + 1);
            assert_int_equal(line.text[at], key);
        }
    }
}

int main(void)
{
#define ON_TERMINAL(test) cmocka_unit_test_setup_teardown(test, open_terminal, close_terminal)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_keys),
        cmocka_unit_test(late_bytes_belong_to_no_sequence),
        ON_TERMINAL(editing_shows_at_once),
        ON_TERMINAL(keys_that_do_nothing_change_nothing),
        ON_TERMINAL(long_lines_scroll_and_are_bounded),
        ON_TERMINAL(history_holds_the_last_lines),
        ON_TERMINAL(tab_completes_and_lists),
        ON_TERMINAL(a_word_that_does_not_fit_is_not_half_there),
        ON_TERMINAL(other_text_leaves_the_line_whole),
        ON_TERMINAL(any_keys_leave_screen_and_line_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
