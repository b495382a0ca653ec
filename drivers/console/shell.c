/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/shell.h"

#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PRINT_LENGTH 512
#define NEAR         2 /* letters that a name may differ in to be proposed */
#define NAME_MAX     16
#define STOP         3 /* Ctrl-C */

/* ---- In and out ---- */

static int take_ahead(struct shell *shell)
{
    if (shell->ahead_count == 0)
        return -1;
    int byte = shell->ahead[shell->ahead_first];
    shell->ahead_first = (shell->ahead_first + 1) % SHELL_AHEAD;
    shell->ahead_count--;
    return byte;
}

/* While a command runs: Ctrl-C stops it and drops what was typed before; the rest is for later. */
static void listen(struct shell *shell)
{
    int byte;

    for (unsigned i = 0; i < SHELL_AHEAD && (byte = shell->setup->read()) >= 0; i++) {
        if (byte == STOP) {
            shell->stopped = true;
            shell->ahead_count = 0;
        } else if (shell->ahead_count < SHELL_AHEAD) {
            unsigned last = (shell->ahead_first + shell->ahead_count++) % SHELL_AHEAD;

            shell->ahead[last] = (uint8_t)byte;
        }
    }
}

bool shell_stopped(struct shell *shell)
{
    (void)shell->setup->idle();
    listen(shell);
    return shell->stopped;
}

void shell_write(struct shell *shell, const char *text, size_t length)
{
    shell->setup->write(text, length);
    listen(shell);
}

void shell_printf(struct shell *shell, const char *format, ...)
{
    char text[PRINT_LENGTH];
    va_list arguments;

    va_start(arguments, format);
    int wanted = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (wanted > 0)
        shell_write(shell, text, strlen(text));
}

/* ---- The commands ---- */

static int run_help(struct shell *shell, int argc, char *const argv[]);
static int run_echo(struct shell *shell, int argc, char *const argv[]);

static const struct shell_command own[] = {
    {"echo", "[WORD...]", "words; $? is the last status",
     "Prints its words. $? stands for the status of the command before: 0 done, 1\n"
     "failed, 2 wrong arguments, 3 stopped by Ctrl-C.\n",
     NULL, run_echo, false},
    {"help", "[COMMAND]", "this list, or all about one",
     "Lists the commands, or tells all about one. Several commands go on one line\n"
     "with ';' between them. TAB completes, arrow keys recall, Ctrl-C stops.\n",
     NULL, run_help, false},
};

#define OWN (sizeof(own) / sizeof(own[0]))

static const struct shell_command *command_at(const struct shell *shell, size_t n)
{
    if (n < OWN)
        return &own[n];
    return n - OWN < shell->setup->count ? &shell->setup->commands[n - OWN] : NULL;
}

const struct shell_command *shell_find(const struct shell *shell, const char *name)
{
    const struct shell_command *command;

    for (size_t n = 0; (command = command_at(shell, n)) != NULL; n++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static size_t cut_length(const char *text)
{
    return strlen(text) < NAME_MAX ? strlen(text) : NAME_MAX;
}

/* Letters to add, drop or change until one word is the other (Levenshtein); words are cut to
 * NAME_MAX. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX + 1];
    size_t a_length = cut_length(a), b_length = cut_length(b);

    for (unsigned j = 0; j <= b_length; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b_length; j++) {
            unsigned above = row[j];

            row[j] = least(least(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length];
}

static void say_unknown(struct shell *shell, const char *name)
{
    const struct shell_command *command, *nearest = NULL;
    unsigned best = NEAR + 1;

    for (size_t n = 0; (command = command_at(shell, n)) != NULL; n++) {
        unsigned far = distance(name, command->name);

        if (far < best && 2 * far <= strlen(command->name)) {
            best = far;
            nearest = command;
        }
    }
    shell_printf(shell, "There is no command '%.*s'", NAME_MAX, name);
    if (nearest != NULL)
        shell_printf(shell, "; the nearest is '%s'", nearest->name);
    shell_printf(shell, ". 'help' lists them all.\n");
}

static void say_usage(struct shell *shell, const struct shell_command *command)
{
    shell_printf(shell, "usage: %s%s%s\n", command->name, *command->arguments ? " " : "",
                 command->arguments);
}

/* Two on a line, so that all of them fit a screen. */
static int list_commands(struct shell *shell)
{
    const struct shell_command *command;
    size_t n = 0;

    for (; (command = command_at(shell, n)) != NULL; n++)
        shell_printf(shell, n % 2 == 0 ? "%-10s%-30s" : "%-10s%s\n", command->name,
                     command->summary);
    shell_printf(shell, "%s'help COMMAND' tells all about one.\n", n % 2 == 0 ? "" : "\n");
    return SHELL_DONE;
}

static int run_help(struct shell *shell, int argc, char *const argv[])
{
    if (argc == 1)
        return list_commands(shell);
    const struct shell_command *command = shell_find(shell, argv[1]);
    if (command == NULL) {
        say_unknown(shell, argv[1]);
        return SHELL_WRONG;
    }
    say_usage(shell, command);
    shell_write(shell, command->help, strlen(command->help));
    shell_printf(shell, "destroys: %s\n",
                 command->destroys != NULL ? command->destroys : "nothing");
    return SHELL_DONE;
}

static int run_echo(struct shell *shell, int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++)
        shell_printf(shell, "%s%s", i > 1 ? " " : "", argv[i]);
    shell_printf(shell, "\n");
    return SHELL_DONE;
}

/* ---- A line of commands ---- */

/* The next word of `arguments`; its length, 0 at the end. */
static size_t next_word(const char **text)
{
    *text += strspn(*text, " ");
    return strcspn(*text, " ");
}

/* How many arguments a command takes. */
static void count_arguments(const char *arguments, int *fewest, int *most)
{
    *fewest = *most = 0;
    for (size_t length; (length = next_word(&arguments)) > 0; arguments += length) {
        *fewest += arguments[0] != '[';
        *most = strstr(arguments, "...") == NULL ? *most + 1 : SHELL_WORDS;
    }
}

static int run_command(struct shell *shell, int argc, char *const argv[])
{
    const struct shell_command *command = shell_find(shell, argv[0]);
    int fewest, most;

    if (command == NULL) {
        say_unknown(shell, argv[0]);
        return SHELL_WRONG;
    }
    count_arguments(command->arguments, &fewest, &most);
    if (argc - 1 < fewest || argc - 1 > most) {
        shell_printf(shell, "%s: too %s arguments. ", command->name,
                     argc - 1 < fewest ? "few" : "many");
        say_usage(shell, command);
        return SHELL_WRONG;
    }
    if (shell->setup->read_only && command->acts) {
        shell_printf(shell, "%s: refused here, where nothing may change.\n", command->name);
        return SHELL_FAILED;
    }
    return command->run(shell, argc, argv);
}

/* Cuts the next word off; NULL: there is none. */
static char *take_word(char **text)
{
    char *word = *text + strspn(*text, " ");
    size_t length = strcspn(word, " ");

    if (length == 0)
        return NULL;
    *text = word + length + (word[length] != '\0');
    word[length] = '\0';
    return word;
}

/* Runs one command, which ends at the end of `text`. */
static void run_part(struct shell *shell, char *text)
{
    char status[12];
    char *argv[SHELL_WORDS + 1];
    int argc = 0;

    snprintf(status, sizeof(status), "%d", shell->status);
    for (char *word; (word = take_word(&text)) != NULL;) {
        if (argc == SHELL_WORDS) {
            shell_printf(shell, "More than %d words: nothing was done.\n", SHELL_WORDS);
            shell->status = SHELL_WRONG;
            return;
        }
        argv[argc++] = strcmp(word, "$?") == 0 ? status : word;
    }
    argv[argc] = NULL;
    log_flush(); /* what was held back stands before a command's output, not within */
    if (argc > 0)
        shell->status = run_command(shell, argc, argv);
    log_flush();
}

static void run_line(struct shell *shell)
{
    char text[LINE_MAX + 1];
    char *rest = text;

    memcpy(text, shell->line.text, shell->line.length + 1);
    shell->stopped = false;
    while (rest != NULL && !shell->stopped) {
        char *part = rest;

        rest = strchr(rest, ';');
        if (rest != NULL)
            *rest++ = '\0';
        run_part(shell, part);
    }
    if (shell->stopped) {
        shell->status = SHELL_STOPPED;
        shell_printf(shell, "^C\n");
    }
    shell->stopped = false;
}

/* ---- TAB ---- */

static void copy_word(char word[LINE_WORD], const char *text, size_t length)
{
    snprintf(word, LINE_WORD, "%.*s", (int)length, text);
}

/* The nth of "r|w|rw". */
static bool choice_at(const char *choices, size_t length, unsigned n, char word[LINE_WORD])
{
    const char *end = choices + length;

    while (choices < end) {
        size_t one = strcspn(choices, "|]");

        if (n-- == 0) {
            copy_word(word, choices, one);
            return true;
        }
        choices += one + 1;
    }
    return false;
}

/* The nth word for the argument that `arguments` has at `index`. */
static bool argument_word(const struct shell *shell, const char *arguments, unsigned index,
                          unsigned n, char word[LINE_WORD])
{
    char kind[LINE_WORD];
    size_t length = next_word(&arguments);

    for (; length > 0 && index > 0; index--) {
        arguments += length;
        length = next_word(&arguments);
    }
    if (length > 0 && arguments[0] == '[') {
        arguments++;
        length -= 2;
    }
    if (length == 0)
        return false;
    if (arguments[0] >= 'a' || memchr(arguments, '|', length) != NULL)
        return choice_at(arguments, length, n, word);
    copy_word(kind, arguments, length);
    if (strcmp(kind, "COMMAND") == 0) {
        const struct shell_command *command = command_at(shell, n);

        snprintf(word, LINE_WORD, "%s", command != NULL ? command->name : "");
        return command != NULL;
    }
    return shell->setup->word != NULL && shell->setup->word(kind, n, word);
}

static bool words(void *context, const char *before, size_t length, unsigned n,
                  char word[LINE_WORD])
{
    struct shell *shell = context;
    char text[LINE_MAX + 1];
    char *part = text;
    unsigned index = 0;

    memcpy(text, before, length);
    text[length] = '\0';
    if (strrchr(text, ';') != NULL)
        part = strrchr(text, ';') + 1;
    const char *name = take_word(&part);
    if (name == NULL)
        return argument_word(shell, "COMMAND", 0, n, word);
    while (take_word(&part) != NULL)
        index++;
    const struct shell_command *command = shell_find(shell, name);
    return command != NULL && argument_word(shell, command->arguments, index, n, word);
}

/* ---- The shell ---- */

static void write_line(void *context, const char *text, size_t length)
{
    struct shell *shell = context;

    shell->setup->write(text, length);
}

void shell_begin(struct shell *shell, const struct shell_setup *setup)
{
    memset(shell, 0, sizeof(*shell));
    shell->setup = setup;
    shell->line = (struct line){
        .prompt = setup->prompt, .write = write_line, .words = words, .context = shell};
    line_begin(&shell->line);
}

void shell_step(struct shell *shell)
{
    int byte = take_ahead(shell);

    if (byte < 0)
        byte = shell->setup->read();
    enum key key = key_next(&shell->keys, byte, shell->setup->now_ns());
    if (byte < 0 && shell->setup->idle())
        line_again(&shell->line);
    if (key != KEY_NONE && line_key(&shell->line, key)) {
        run_line(shell);
        (void)shell->setup->idle(); /* what came while it ran is above the prompt */
        line_begin(&shell->line);
    }
}

void shell_run(struct shell *shell, const struct shell_setup *setup)
{
    shell_begin(shell, setup);
    for (;;)
        shell_step(shell);
}
