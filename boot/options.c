/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/options.h"

#include <stdint.h>
#include <string.h>

#define BYTE_ORDER_MARK 0xFEFFU

struct text {
    const uint8_t *bytes;
    size_t length;
    size_t at;
    size_t width; /* of a character, in bytes */
    bool big_endian;
};

struct word {
    char text[BOOT_OPTIONS_MAX];
    size_t length; /* sizeof(text): too long for the options */
};

static struct text text_open(const uint8_t *bytes, size_t length)
{
    struct text text = {.bytes = bytes, .length = length, .width = 1};

    if (length >= 2 && bytes[0] == 0xFF && bytes[1] == 0xFE)
        text.width = 2;
    else if (length >= 2 && bytes[0] == 0xFE && bytes[1] == 0xFF)
        text = (struct text){bytes, length, 0, 2, true};
    else if (length >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF)
        text.at = 3;
    else if (length >= 2 && bytes[0] != 0 && bytes[1] == 0)
        text.width = 2;
    return text;
}

/* The next character, 0 at the end. */
static unsigned text_next(struct text *text)
{
    const uint8_t *here = text->bytes + text->at;

    if (text->length - text->at < text->width)
        return 0;
    text->at += text->width;
    if (text->width == 1)
        return here[0];
    return text->big_endian ? here[0] * 256U + here[1] : here[1] * 256U + here[0];
}

static bool is_blank(unsigned character)
{
    return character == ' ' || character == '\t' || character == BYTE_ORDER_MARK;
}

static bool is_line_end(unsigned character)
{
    return character == 0 || character == '\n' || character == '\r';
}

static void word_add(struct word *word, unsigned character)
{
    if (word->length == sizeof(word->text))
        return;
    word->text[word->length++] = character >= ' ' && character <= '~' ? (char)character : '?';
}

/* Reads one option; returns the character that ended it. */
static unsigned read_word(struct text *text, struct word *word, enum options_syntax syntax)
{
    bool quoted = false;
    unsigned character;

    for (character = text_next(text); !is_line_end(character); character = text_next(text)) {
        if (character == '"') {
            quoted = !quoted;
            continue;
        }
        if (is_blank(character) && !quoted) {
            if (syntax == OPTIONS_WORDS)
                return character;
            character = ' ';
        }
        if (character == '#' && !quoted && syntax == OPTIONS_LINES)
            break;
        if (character == ' ' && word->length == 0 && !quoted)
            continue;
        word_add(word, character);
    }
    while (!is_line_end(character))
        character = text_next(text);
    while (word->length > 0 && word->text[word->length - 1] == ' ')
        word->length--;
    return character;
}

static size_t options_end(const char *options)
{
    size_t at = 0;

    while (options[at] != '\0')
        at += strlen(options + at) + 1;
    return at;
}

static void close_gap(struct word *word, size_t at, size_t count)
{
    memmove(word->text + at, word->text + at + count, word->length - at - count);
    word->length -= count;
}

/* "name = value" means "name=value". */
static void trim_around_equals(struct word *word)
{
    char *equals = memchr(word->text, '=', word->length);
    size_t at;

    if (equals == NULL)
        return;
    at = (size_t)(equals - word->text);
    while (at + 1 < word->length && word->text[at + 1] == ' ')
        close_gap(word, at + 1, 1);
    for (; at > 0 && word->text[at - 1] == ' '; at--)
        close_gap(word, at - 1, 1);
}

bool options_add(char options[BOOT_OPTIONS_MAX], const void *bytes, size_t length,
                 enum options_syntax syntax)
{
    struct text text = text_open(bytes, length);
    size_t end = options_end(options);
    bool complete = true;
    unsigned last;

    do {
        struct word word;

        word.length = 0;
        last = read_word(&text, &word, syntax);
        trim_around_equals(&word);
        if (word.length == 0)
            continue;
        if (word.length + 2 > BOOT_OPTIONS_MAX - end) {
            complete = false;
            continue;
        }
        memcpy(options + end, word.text, word.length);
        end += word.length;
        options[end++] = '\0';
        options[end] = '\0';
    } while (last != 0);
    return complete;
}

const char *boot_option(const struct boot_info *info, const char *name)
{
    size_t length = strlen(name);
    const char *value = NULL;

    for (const char *word = info->options; *word != '\0'; word += strlen(word) + 1) {
        if (strncmp(word, name, length) != 0)
            continue;
        if (word[length] == '=')
            value = word + length + 1;
        else if (word[length] == '\0')
            value = word + length;
    }
    return value;
}

bool boot_option_is(const struct boot_info *info, const char *name, const char *value)
{
    const char *given = boot_option(info, name);

    return given && !strcmp(given, value);
}
