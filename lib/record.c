/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/record.h"

#include "lib/crc32.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT 0xFFFDu

static struct {
    record_sink sink;
    void *context;
    uint64_t lines;
    uint32_t crc;
    unsigned cut;
    bool finished;
} stream;

/* The record that is open. Room for the braces that close it is kept free, so that a record which
 * is not cut always ends well formed. */
static struct {
    char text[RECORD_LENGTH];
    size_t length;
    char closers[RECORD_DEPTH];
    unsigned depth;
    bool open;
    bool too_long;
    bool comma; /* the next member follows another */
    const char *kind;
} record;

static void stream_write(const char *line, size_t length)
{
    if (stream.finished)
        return;
    stream.crc = crc32_update(stream.crc, line, length);
    stream.crc = crc32_update(stream.crc, "\n", 1);
    stream.lines++;
    if (stream.sink != NULL)
        stream.sink(stream.context, line, length);
}

static void put(const char *text, size_t length)
{
    if (record.length + length > RECORD_LENGTH - RECORD_DEPTH - 1) {
        record.too_long = true;
        return;
    }
    memcpy(&record.text[record.length], text, length);
    record.length += length;
}

static void put_text(const char *text)
{
    put(text, strlen(text));
}

static void put_unicode(uint32_t code)
{
    char text[16];

    if (code >= 0x10000) {
        put_unicode(0xD800 + ((code - 0x10000) >> 10));
        code = 0xDC00 + (code & 0x3FF);
    }
    snprintf(text, sizeof(text), "\\u%04x", (unsigned)code);
    put_text(text);
}

/* Takes one character off well-formed UTF-8 (The Unicode Standard, "UTF-8", table of well-formed
 * byte sequences); one byte and REPLACEMENT when it is not. */
static uint32_t take_utf8(const char **at)
{
    static const struct {
        uint8_t mask, lead;
        uint8_t more;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0, 0},
                 {0xE0, 0xC0, 1, 0x80},
                 {0xF0, 0xE0, 2, 0x800},
                 {0xF8, 0xF0, 3, 0x10000}};
    const uint8_t *byte = (const uint8_t *)*at;

    ++*at;
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        uint32_t code = byte[0] & (uint8_t)~forms[f].mask;
        unsigned i = 1;

        if ((byte[0] & forms[f].mask) != forms[f].lead)
            continue;
        for (; i <= forms[f].more && (byte[i] & 0xC0) == 0x80; i++)
            code = code << 6 | (byte[i] & 0x3Fu);
        if (i <= forms[f].more || code < forms[f].least || code > 0x10FFFF ||
            (code >= 0xD800 && code <= 0xDFFF))
            break;
        *at += forms[f].more;
        return code;
    }
    return REPLACEMENT;
}

static void put_string(const char *value)
{
    put("\"", 1);
    while (*value != '\0') {
        uint32_t code = take_utf8(&value);
        char c = (char)code;

        if (code < ' ' || code > '~') {
            put_unicode(code);
            continue;
        }
        if (c == '"' || c == '\\')
            put("\\", 1);
        put(&c, 1);
    }
    put("\"", 1);
}

static void put_key(const char *key)
{
    if (record.comma)
        put(",", 1);
    record.comma = true;
    if (key == NULL)
        return;
    put_string(key);
    put(":", 1);
}

static void nest(const char *key, char opener, char closer)
{
    if (!record.open)
        return;
    put_key(key);
    put(&opener, 1);
    record.comma = false;
    if (record.depth < RECORD_DEPTH)
        record.closers[record.depth] = closer;
    else
        record.too_long = true;
    record.depth++;
}

static void start(const char *kind)
{
    memset(&record, 0, sizeof(record));
    record.open = true;
    record.kind = kind;
    put_text(RECORD_PREFIX "{");
    record_string("record", kind);
}

void record_set_sink(record_sink sink, void *context)
{
    memset(&stream, 0, sizeof(stream));
    memset(&record, 0, sizeof(record));
    stream.sink = sink;
    stream.context = context;
}

void record_begin(const char *kind)
{
    if (record.open) {
        record.too_long = true;
        record_end();
    }
    start(kind);
}

void record_string(const char *key, const char *value)
{
    if (!record.open || value == NULL)
        return;
    put_key(key);
    put_string(value);
}

void record_number(const char *key, uint64_t value)
{
    char text[24];

    if (!record.open)
        return;
    snprintf(text, sizeof(text), "%" PRIu64, value);
    put_key(key);
    put_text(text);
}

void record_hex(const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "0x%" PRIx64, value);
    record_string(key, text);
}

void record_bool(const char *key, bool value)
{
    if (!record.open)
        return;
    put_key(key);
    put_text(value ? "true" : "false");
}

void record_object(const char *key)
{
    nest(key, '{', '}');
}

void record_array(const char *key)
{
    nest(key, '[', ']');
}

void record_close(void)
{
    if (!record.open || record.depth == 0)
        return;
    record.depth--;
    if (!record.too_long)
        record.text[record.length++] = record.closers[record.depth];
    record.comma = true;
}

void record_end(void)
{
    const char *kind = record.kind;

    if (!record.open)
        return;
    if (record.too_long) {
        stream.cut++;
        start("cut");
        record_string("kind", kind);
    }
    while (record.depth > 0)
        record_close();
    record.text[record.length++] = '}';
    record.open = false;
    stream_write(record.text, record.length);
}

void record_ktap(const char *format, ...)
{
    static char line[RECORD_LENGTH];
    const size_t prefix = sizeof(KTAP_PREFIX) - 1;
    size_t length;
    va_list arguments;
    int wanted;

    memcpy(line, KTAP_PREFIX, prefix);
    va_start(arguments, format);
    wanted = vsnprintf(&line[prefix], sizeof(line) - prefix, format, arguments);
    va_end(arguments);

    length = strlen(line);
    if (wanted < 0 || (size_t)wanted > length - prefix)
        stream.cut++;
    for (size_t i = 0; i < length; i++) {
        if (line[i] < ' ' || line[i] > '~')
            line[i] = '?';
    }
    stream_write(line, length);
}

unsigned record_cut(void)
{
    return stream.cut;
}

struct record_seal record_seal(void)
{
    return (struct record_seal){.lines = stream.lines, .crc = stream.crc};
}

void record_finish(const char *verdict)
{
    char crc[12];

    if (!record.open)
        start("end");
    while (record.depth > 0)
        record_close();
    snprintf(crc, sizeof(crc), "%08" PRIx32, stream.crc);
    record_string("verdict", verdict);
    record_number("lines", stream.lines);
    record_string("crc32", crc);
    if (stream.cut > 0)
        record_number("cut", stream.cut);
    record_end();
    stream.finished = true;
}
