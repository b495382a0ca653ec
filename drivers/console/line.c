/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/line.h"

#include <string.h>

#define SCREEN_LINES 24
/* The last column stays empty: terminals differ in what they do behind it. */
#define USABLE (LINE_COLUMNS - 1)
/* How far a view that does not hold the cursor moves beyond it. */
#define MARGIN 16

/* ---- The screen ---- */

static void put(const struct line *line, const char *text, size_t length)
{
    if (length > 0)
        line->write(line->context, text, length);
}

static void move(struct line *line, size_t column)
{
    while (line->column > column) {
        put(line, "\b", 1);
        line->column--;
    }
    put(line, &line->shown[line->column], column - line->column);
    line->column = column;
}

static void choose_view(struct line *line, size_t room)
{
    if (line->cursor < line->view)
        line->view = line->cursor > MARGIN ? line->cursor - MARGIN : 0;
    else if (line->cursor - line->view >= room)
        line->view = line->cursor - room + MARGIN;
    if (line->length < room)
        line->view = 0;
}

/* Makes the screen show prompt, line and cursor, by what differs. */
static void show(struct line *line)
{
    size_t prompt = strlen(line->prompt), room = USABLE - prompt, first = 0, end = USABLE;
    char wanted[LINE_COLUMNS];

    choose_view(line, room);
    size_t visible = line->length - line->view < room ? line->length - line->view : room;
    memset(wanted, ' ', sizeof(wanted));
    memcpy(wanted, line->prompt, prompt);
    memcpy(wanted + prompt, line->text + line->view, visible);
    while (first < end && wanted[first] == line->shown[first])
        first++;
    while (end > first && wanted[end - 1] == line->shown[end - 1])
        end--;
    if (first < end) {
        move(line, first);
        memcpy(line->shown, wanted, sizeof(wanted));
        move(line, end);
    }
    move(line, prompt + line->cursor - line->view);
}

static void new_line(struct line *line)
{
    put(line, "\n", 1);
    memset(line->shown, ' ', sizeof(line->shown));
    line->column = 0;
}

/* ---- The text ---- */

static void set_text(struct line *line, const char *text)
{
    line->length = line->cursor = strlen(text);
    memcpy(line->text, text, line->length + 1);
}

static void insert(struct line *line, const char *text, size_t length)
{
    if (length > LINE_MAX - line->length)
        return;
    memmove(line->text + line->cursor + length, line->text + line->cursor,
            line->length - line->cursor + 1);
    memcpy(line->text + line->cursor, text, length);
    line->length += length;
    line->cursor += length;
}

/* Takes [from, to) away; the cursor is there then. */
static void erase(struct line *line, size_t from, size_t to)
{
    memmove(line->text + from, line->text + to, line->length - to + 1);
    line->length -= to - from;
    line->cursor = from;
}

static size_t word_before(const struct line *line)
{
    size_t at = line->cursor;

    while (at > 0 && line->text[at - 1] == ' ')
        at--;
    while (at > 0 && line->text[at - 1] != ' ')
        at--;
    return at;
}

/* ---- History ---- */

static char *history_at(struct line *line, unsigned back)
{
    return line->history[(line->count - back) % LINE_HISTORY];
}

static void remember(struct line *line)
{
    line->back = 0;
    if (line->length == 0 || (line->count > 0 && strcmp(history_at(line, 1), line->text) == 0))
        return;
    line->count++;
    memcpy(history_at(line, 1), line->text, line->length + 1);
}

static void recall(struct line *line, unsigned back)
{
    if (back > line->count || back > LINE_HISTORY)
        return;
    if (line->back == 0)
        memcpy(line->kept, line->text, line->length + 1);
    line->back = back;
    set_text(line, back == 0 ? line->kept : history_at(line, back));
}

/* ---- TAB ---- */

struct proposal {
    size_t from; /* where the word under the cursor begins */
    unsigned count;
    char common[LINE_WORD]; /* what all that fit begin with */
    size_t width;           /* of the longest */
};

static bool fits(const struct line *line, size_t from, const char *word)
{
    return strncmp(word, line->text + from, line->cursor - from) == 0;
}

static void consider(struct proposal *proposal, const char *word)
{
    size_t same = 0;

    if (proposal->count++ == 0) {
        strcpy(proposal->common, word);
    } else {
        while (word[same] != '\0' && word[same] == proposal->common[same])
            same++;
        proposal->common[same] = '\0';
    }
    if (strlen(word) > proposal->width)
        proposal->width = strlen(word);
}

static void list(struct line *line, const struct proposal *proposal)
{
    char word[LINE_WORD];
    size_t used = 0, width = proposal->width + 2;

    for (unsigned n = 0; line->words(line->context, line->text, proposal->from, n, word); n++) {
        if (!fits(line, proposal->from, word))
            continue;
        if (used == 0 || used + width > USABLE) {
            put(line, "\n", 1);
            used = 0;
        }
        put(line, word, strlen(word));
        for (size_t i = strlen(word); i < width; i++)
            put(line, " ", 1);
        used += width;
    }
}

static void complete(struct line *line)
{
    struct proposal proposal = {.from = line->cursor};
    char word[LINE_WORD];

    while (proposal.from > 0 && line->text[proposal.from - 1] != ' ' &&
           line->text[proposal.from - 1] != ';')
        proposal.from--;
    for (unsigned n = 0; line->words(line->context, line->text, proposal.from, n, word); n++)
        if (fits(line, proposal.from, word))
            consider(&proposal, word);
    if (proposal.count == 0)
        return;
    size_t known = line->cursor - proposal.from, more = strlen(proposal.common) - known;
    if (more >= LINE_MAX - line->length)
        return;
    insert(line, proposal.common + known, more);
    if (proposal.count == 1) {
        insert(line, " ", 1);
    } else if (more == 0) {
        list(line, &proposal);
        new_line(line);
    }
}

/* ---- Keys ---- */

static void clear_screen(struct line *line)
{
    for (unsigned i = 0; i < SCREEN_LINES; i++)
        new_line(line);
}

static void edit(struct line *line, enum key key)
{
    switch ((int)key) {
    case KEY_ERASE:
        if (line->cursor > 0)
            erase(line, line->cursor - 1, line->cursor);
        break;
    case KEY_CTRL('D'):
    case KEY_DELETE:
        if (line->cursor < line->length)
            erase(line, line->cursor, line->cursor + 1);
        break;
    case KEY_CTRL('K'):
        erase(line, line->cursor, line->length);
        break;
    case KEY_CTRL('U'):
        erase(line, 0, line->cursor);
        break;
    case KEY_CTRL('W'):
        erase(line, word_before(line), line->cursor);
        break;
    case KEY_ESCAPE:
        erase(line, 0, line->length);
        break;
    case KEY_TAB:
        if (line->words != NULL)
            complete(line);
        break;
    case KEY_CTRL('L'):
        clear_screen(line);
        break;
    default:
        break;
    }
}

static void go(struct line *line, enum key key)
{
    switch ((int)key) {
    case KEY_CTRL('A'):
    case KEY_HOME:
        line->cursor = 0;
        break;
    case KEY_CTRL('E'):
    case KEY_END:
        line->cursor = line->length;
        break;
    case KEY_CTRL('B'):
    case KEY_LEFT:
        line->cursor -= line->cursor > 0;
        break;
    case KEY_CTRL('F'):
    case KEY_RIGHT:
        line->cursor += line->cursor < line->length;
        break;
    case KEY_CTRL('P'):
    case KEY_UP:
        recall(line, line->back + 1);
        break;
    case KEY_CTRL('N'):
    case KEY_DOWN:
        if (line->back > 0)
            recall(line, line->back - 1);
        break;
    default:
        edit(line, key);
        break;
    }
}

void line_begin(struct line *line)
{
    set_text(line, "");
    line->view = 0;
    line->back = 0;
    memset(line->shown, ' ', sizeof(line->shown));
    line->column = 0;
    show(line);
}

bool line_key(struct line *line, enum key key)
{
    char character = (char)key;

    if (key == KEY_ENTER) {
        new_line(line);
        remember(line);
        return true;
    }
    if (key == KEY_CTRL('C')) {
        put(line, "^C", 2);
        new_line(line);
        line_begin(line);
        return false;
    }
    if (key >= ' ' && key < KEY_ERASE)
        insert(line, &character, 1);
    else
        go(line, key);
    show(line);
    return false;
}

void line_again(struct line *line)
{
    new_line(line);
    show(line);
}
