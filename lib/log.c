/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/log.h"

#include "lib/lock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_US 1000u
#define US_PER_S  1000000u

_Static_assert((LOG_RING_LENGTH & (LOG_RING_LENGTH - 1)) == 0, "positions wrap by masking");
_Static_assert(LOG_RING_LENGTH > 2 * LOG_LINE_LENGTH, "a line always fits");

/* A line being put together; room for the closing '\0' of vsnprintf. */
struct line {
    char text[LOG_LINE_LENGTH + 1];
    size_t length;
};

/* Whole lines, each ended by '\n' (which no line contains), at positions that only grow. `tail`
 * moves before a byte is overwritten and `head` after a line is whole, so that log_replay() finds
 * whole lines wherever a panic strikes. */
static char ring[LOG_RING_LENGTH];
static uint64_t ring_tail, ring_head;

static struct {
    log_sink write;
    void *context;
} sinks[LOG_SINKS];
static unsigned sink_count;

static enum log_level shown_level = LOG_INFO;
static uint64_t (*clock_now)(void);

/* The last line of log_write() without its time, and how often it came again. */
static struct {
    struct line line;
    size_t unit_length; /* of "unit: " in front */
    enum log_level level;
    uint64_t repeats;
} last;

/* Of the ring's writers, and of `last`. Sinks are called without it: they may log. */
static struct lock writers = LOCK_INIT;

static char ring_at(uint64_t position)
{
    return ring[position % LOG_RING_LENGTH];
}

static void ring_append(const struct line *line)
{
    lock_take(&writers);
    uint64_t end = ring_head + line->length + 1;
    uint64_t tail = ring_tail;

    if (end - tail > LOG_RING_LENGTH) {
        do
            tail++;
        while (end - tail > LOG_RING_LENGTH || ring_at(tail - 1) != '\n');
    }
    __atomic_store_n(&ring_tail, tail, __ATOMIC_RELEASE);

    for (size_t i = 0; i < line->length; i++)
        ring[(ring_head + i) % LOG_RING_LENGTH] = line->text[i];
    ring[(end - 1) % LOG_RING_LENGTH] = '\n';
    __atomic_store_n(&ring_head, end, __ATOMIC_RELEASE);
    lock_give(&writers);
}

static void line_add_char(struct line *line, char c)
{
    static const char hex[] = "0123456789abcdef";
    bool record_mark = line->length == 0 && c == '@';
    bool plain = c >= ' ' && c <= '~' && !record_mark;
    char visible[4] = {'\\', 'x', hex[(uint8_t)c >> 4], hex[(uint8_t)c & 0xF]};
    size_t width = plain ? 1 : sizeof(visible);

    if (line->length + width > LOG_LINE_LENGTH) {
        memcpy(&line->text[LOG_LINE_LENGTH - 3], "...", 3);
        line->length = LOG_LINE_LENGTH;
        return;
    }
    memcpy(&line->text[line->length], plain ? &c : visible, width);
    line->length += width;
}

static const char *mark_of(enum log_level level)
{
    if (level > LOG_WARNING)
        return "";
    return level == LOG_WARNING ? "warning: " : "error: ";
}

static void line_add(struct line *line, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        line_add_char(line, text[i]);
}

__attribute__((format(printf, 2, 0))) static void line_format(struct line *line, const char *format,
                                                              va_list arguments)
{
    char text[LOG_LINE_LENGTH + 2]; /* one more than fits: line_add() then marks the cut */
    int wanted = vsnprintf(text, sizeof(text), format, arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;

    if (length >= sizeof(text))
        length = sizeof(text) - 1;
    else if (length > 0 && text[length - 1] == '\n')
        length--;
    line_add(line, text, length);
}

static void emit(enum log_level level, const struct line *line)
{
    ring_append(line);
    if (level > shown_level)
        return;
    for (unsigned i = 0; i < sink_count; i++)
        sinks[i].write(sinks[i].context, line->text, line->length);
}

static void emit_timed(enum log_level level, const struct line *body)
{
    uint64_t us = clock_now != NULL ? clock_now() / NS_PER_US : 0;
    struct line line;
    int length = snprintf(line.text, sizeof(line.text), "[%4lu.%06lu] ",
                          (unsigned long)(us / US_PER_S), (unsigned long)(us % US_PER_S));

    line.length = length < 0 ? 0 : (size_t)length;
    line_add(&line, body->text, body->length);
    emit(level, &line);
}

/* One repeat is the line itself. */
static void repeats_line(struct line *line)
{
    int length;

    if (last.repeats == 1) {
        *line = last.line;
        return;
    }
    length = snprintf(line->text, sizeof(line->text), "%.*slast line repeated %lu times",
                      (int)last.unit_length, last.line.text, (unsigned long)last.repeats);
    line->length = length < 0 ? 0 : (size_t)length;
    if (line->length > LOG_LINE_LENGTH)
        line->length = LOG_LINE_LENGTH;
}

/* A line that was written before, if its repeats are to be told now; under the lock. */
struct told {
    bool any;
    enum log_level level;
    struct line line;
};

static void take_repeats(struct told *told)
{
    told->any = last.repeats != 0;
    told->level = last.level;
    if (told->any)
        repeats_line(&told->line);
    last.repeats = 0;
}

void log_set_clock(uint64_t (*clock_ns)(void))
{
    clock_now = clock_ns;
}

void log_set_level(enum log_level level)
{
    shown_level = level;
}

enum log_level log_get_level(void)
{
    return shown_level;
}

bool log_add_sink(log_sink sink, void *context)
{
    if (sink_count == LOG_SINKS)
        return false;
    sinks[sink_count].write = sink;
    sinks[sink_count].context = context;
    sink_count++;
    return true;
}

void log_write(enum log_level level, const char *unit, const char *format, ...)
{
    struct line line = {.length = 0};
    struct told before;
    size_t unit_length;
    va_list arguments;

    if (unit != NULL) {
        line_add(&line, unit, strlen(unit));
        line_add(&line, ": ", 2);
    }
    unit_length = line.length;
    if (unit != NULL)
        line_add(&line, mark_of(level), strlen(mark_of(level)));
    va_start(arguments, format);
    line_format(&line, format, arguments);
    va_end(arguments);

    lock_take(&writers);
    if (level == last.level && line.length == last.line.length &&
        memcmp(line.text, last.line.text, line.length) == 0) {
        last.repeats++;
        lock_give(&writers);
        return;
    }
    take_repeats(&before);
    last.line = line;
    last.unit_length = unit_length;
    last.level = level;
    lock_give(&writers);
    if (before.any)
        emit_timed(before.level, &before.line);
    emit_timed(level, &line);
}

void log_line(const char *format, ...)
{
    struct line line = {.length = 0};
    struct told before;
    va_list arguments;

    va_start(arguments, format);
    line_format(&line, format, arguments);
    va_end(arguments);

    lock_take(&writers);
    take_repeats(&before);
    last.level = 0; /* no line repeats this one */
    lock_give(&writers);
    if (before.any)
        emit_timed(before.level, &before.line);
    emit(0, &line);
}

void log_flush(void)
{
    struct told before;

    lock_take(&writers);
    take_repeats(&before);
    lock_give(&writers);
    if (before.any)
        emit_timed(before.level, &before.line);
}

/* Start of the last `count` lines. */
static uint64_t replay_start(uint64_t tail, uint64_t head, size_t count)
{
    uint64_t start = head;

    while (count > 0 && start > tail) {
        start--;
        while (start > tail && ring_at(start - 1) != '\n')
            start--;
        count--;
    }
    return start;
}

void log_replay(size_t count, log_sink visit, void *context)
{
    uint64_t head = __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE);
    uint64_t tail = __atomic_load_n(&ring_tail, __ATOMIC_ACQUIRE);
    bool pending = last.repeats > 0 && count > 0;
    struct line line = {.length = 0};

    for (uint64_t at = replay_start(tail, head, pending ? count - 1 : count); at < head; at++) {
        if (ring_at(at) != '\n' && line.length < LOG_LINE_LENGTH) {
            line.text[line.length++] = ring_at(at);
            continue;
        }
        visit(context, line.text, line.length);
        line.length = 0;
    }
    if (pending) {
        repeats_line(&line);
        visit(context, line.text, line.length);
    }
}
