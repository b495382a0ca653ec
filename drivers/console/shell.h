/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_SHELL_H
#define DRIVERS_CONSOLE_SHELL_H

#include "drivers/console/line.h"
#include "drivers/pci/pci.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The shell: a table of commands behind the line editor. It owns `help` and `echo`; all else is
 * handed in. Commands are separated by ';', words by blanks. The word $? is the status of the
 * command before.
 */
enum shell_status {
    SHELL_DONE = 0,
    SHELL_FAILED = 1,  /* could not be done; a sentence says why */
    SHELL_WRONG = 2,   /* wrong arguments, or no such command: nothing was done */
    SHELL_STOPPED = 3, /* by Ctrl-C */
};

struct shell;

/*
 * One command, and its part of the manual. `arguments` is a row of words as help shows it:
 * "BDF ADDRESS [LENGTH]". A word in brackets may be left out; "..." at the end: any number. The
 * shell counts the arguments by it, and TAB asks for words of the kind that it names; one of small
 * letters, or with '|' in it ("r|w|rw"), names all that may stand there.
 */
struct shell_command {
    const char *name, *arguments;
    const char *summary;  /* at most 28 characters */
    const char *help;     /* sentences; each line of at most 78 characters, ended by '\n' */
    const char *destroys; /* what is lost by it; NULL: nothing */
    /* argv[0] is the name; argv[argc] is NULL. Returns an enum shell_status. */
    int (*run)(struct shell *shell, int argc, char *const argv[]);
    bool acts; /* on devices or the machine: refused where nothing may change */
};

struct shell_setup {
    const char *prompt;
    const struct shell_command *commands;
    size_t count;
    /* The next byte from the person, -1: none. Never waits. */
    int (*read)(void);
    void (*write)(const char *text, size_t length);
    /* Between keys and in long commands: lets the rest of the machine go on, for a millisecond at
     * the most. True: it wrote to the screen. */
    bool (*idle)(void);
    uint64_t (*now_ns)(void);
    /* TAB: the nth word of a kind that `arguments` names. NULL: none. */
    bool (*word)(const char *kind, unsigned n, char word[LINE_WORD]);
    bool read_only; /* commands that act are refused */
};

#define SHELL_WORDS 16
#define SHELL_AHEAD 256 /* bytes typed while a command runs; more are lost */

struct shell {
    const struct shell_setup *setup;
    struct line line;
    struct key_reader keys;
    int status; /* $? */
    bool stopped;
    uint8_t ahead[SHELL_AHEAD]; /* typed while a command ran */
    unsigned ahead_first, ahead_count;
};

/* Works with a person, without end. */
_Noreturn void shell_run(struct shell *shell, const struct shell_setup *setup);

/* The parts of that: begins; then each step takes what was typed, or is idle. */
void shell_begin(struct shell *shell, const struct shell_setup *setup);
void shell_step(struct shell *shell);

/* ---- For commands ---- */

void shell_printf(struct shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void shell_write(struct shell *shell, const char *text, size_t length);

/* True once Ctrl-C was hit: long commands ask between two pieces of work, and return
 * SHELL_STOPPED. */
bool shell_stopped(struct shell *shell);

/* Arguments. False: a sentence was printed that names `what`, the word and what may stand there;
 * the command returns SHELL_WRONG. */

/* "0x1f", "31". */
bool shell_number(struct shell *shell, const char *what, const char *text, uint64_t *out)
    __attribute__((warn_unused_result));
/* A number, or one with k, M or G behind it: 1024, its square and its cube. */
bool shell_size(struct shell *shell, const char *what, const char *text, uint64_t *out)
    __attribute__((warn_unused_result));
/* [SSSS:]BB:DD.F, hexadecimal. */
bool shell_bdf(struct shell *shell, const char *text, uint16_t *segment, pci_bdf_t *bdf)
    __attribute__((warn_unused_result));
/* A function that is there: its index in the inventory. */
bool shell_function(struct shell *shell, const struct pci_inventory *pci, const char *text,
                    uint16_t *index) __attribute__((warn_unused_result));

/* The command of a name among the shell's own and those handed in; NULL: none. */
const struct shell_command *shell_find(const struct shell *shell, const char *name);

#endif
