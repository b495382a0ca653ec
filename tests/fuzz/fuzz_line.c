/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The shell's line editor, on any bytes at any times: the screen's line is never left by CR or
 * wrapping, the cursor stands where the editor says, and commands get whole words. */
#include "fuzz.h"

#include "drivers/console/shell.h"

#include <string.h>

#define PROMPT "bulkhead> "

static struct input left;
static uint64_t now;
static size_t column; /* of the cursor, by what was written */

static int next_byte(void)
{
    return left.left == 0 ? -1 : (int)take(&left, 1);
}

static void see_output(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        HOLDS(text[i] == '\n' || text[i] == '\b' || (text[i] >= ' ' && text[i] <= '~'));
        if (text[i] == '\n')
            column = 0;
        else if (text[i] == '\b')
            HOLDS(column-- > 0);
        else
            column++;
    }
}

static bool idle(void)
{
    now += KEY_TIMEOUT_NS / 4;
    return now % 7 == 0;
}

static uint64_t clock_now(void)
{
    return now;
}

static bool word_of(const char *kind, unsigned n, char word[LINE_WORD])
{
    static const char *const words[] = {"00:04.0", "00:05.0", "0001:00:1f.7"};

    if (strcmp(kind, "BDF") != 0 || n >= 3)
        return false;
    strcpy(word, words[n]);
    return true;
}

static int run(struct shell *shell, int argc, char *const argv[])
{
    uint64_t number;
    uint16_t segment;
    pci_bdf_t bdf;

    HOLDS(argc >= 1 && argc <= SHELL_WORDS && argv[argc] == NULL);
    for (int i = 0; i < argc; i++)
        HOLDS(argv[i][0] != '\0' && strpbrk(argv[i], " ;") == NULL);
    if (argc > 1)
        (void)!shell_bdf(shell, argv[1], &segment, &bdf);
    if (argc > 2 && shell_number(shell, "NUMBER", argv[2], &number))
        (void)!shell_size(shell, "SIZE", argv[2], &number);
    return shell_stopped(shell) ? SHELL_STOPPED : SHELL_DONE;
}

static const struct shell_command commands[] = {
    {"walk", "BDF ADDRESS [r|w|rw]", "walks", "Walks.\n", NULL, run, false},
    {"wall", "[UP...]", "builds", "Builds.\n", "peace", run, true},
};

void fuzz_one(struct input input)
{
    static const struct shell_setup setup = {
        .prompt = PROMPT,
        .commands = commands,
        .count = sizeof(commands) / sizeof(commands[0]),
        .read = next_byte,
        .write = see_output,
        .idle = idle,
        .now_ns = clock_now,
        .word = word_of,
    };
    static struct shell shell;

    left = input;
    now = column = 0;
    shell_begin(&shell, &setup);
    while (left.left != 0 || shell.ahead_count != 0) {
        const struct line *line = &shell.line;

        shell_step(&shell);
        HOLDS(line->length <= LINE_MAX && strlen(line->text) == line->length);
        HOLDS(line->cursor <= line->length && line->view <= line->cursor);
        HOLDS(column == line->column && column < LINE_COLUMNS);
        HOLDS(column == strlen(PROMPT) + line->cursor - line->view);
    }
}
