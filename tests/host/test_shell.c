/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The shell: what a person types runs the commands that it names, in order, with the arguments that
 * the table allows; whatever else is typed gets a sentence and does nothing. The table of the
 * image's commands is what the manual can print: sorted, whole, and within the screen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/shell.h"
#include "boot/shell_table.c"
#include "drivers/console/font.h"
#include "lib/log.h"

#include <stdio.h>
#include <string.h>

const uint8_t console_font[FONT_GLYPHS][FONT_HEIGHT];

#define SCREEN_COLUMNS 80
#define SCREEN_LINES   24

/* The image's commands are not tried here, only their table. */
#define UNTRIED(name)                                                                              \
    int shell_##name(struct shell *shell, int argc, char *const argv[])                            \
    {                                                                                              \
        (void)shell;                                                                               \
        (void)argc;                                                                                \
        (void)argv;                                                                                \
        return SHELL_FAILED;                                                                       \
    }

UNTRIED(acpi)
UNTRIED(caps)
UNTRIED(devs)
UNTRIED(dma)
UNTRIED(doms)
UNTRIED(faults)
UNTRIED(groups)
UNTRIED(log)
UNTRIED(loglevel)
UNTRIED(map)
UNTRIED(maps)
UNTRIED(md)
UNTRIED(pci)
UNTRIED(poweroff)
UNTRIED(reboot)
UNTRIED(regs)
UNTRIED(report)
UNTRIED(status)
UNTRIED(test)
UNTRIED(units)
UNTRIED(unmap)
UNTRIED(version)
UNTRIED(walk)

/* ---- A person at a shell ---- */

static struct shell shell;
static const char *typed; /* what comes next */
static size_t typed_left;
static char output[1 << 16];
static size_t output_length;
static char calls[1024]; /* of the commands below */
static bool log_speaks;
static bool command_speaks; /* into the log */
static uint64_t now;

static int next_byte(void)
{
    if (typed_left == 0)
        return -1;
    typed_left--;
    return (uint8_t)*typed++;
}

static void take_output(const char *text, size_t length)
{
    assert_true(output_length + length < sizeof(output));
    memcpy(output + output_length, text, length);
    output_length += length;
    output[output_length] = '\0';
}

static bool idle(void)
{
    bool spoke = log_speaks;

    if (spoke)
        take_output("[a line of the log]", 19);
    log_speaks = false;
    return spoke;
}

static uint64_t clock_now(void)
{
    return now += 1000;
}

static bool word_of(const char *kind, unsigned n, char word[LINE_WORD])
{
    static const char *const bdfs[] = {"00:04.0", "00:05.0"};

    if (strcmp(kind, "BDF") != 0 || n >= 2)
        return false;
    strcpy(word, bdfs[n]);
    return true;
}

static int note(struct shell *at, int argc, char *const argv[])
{
    assert_ptr_equal(at, &shell);
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(calls);

        snprintf(calls + length, sizeof(calls) - length, "%s%s", argv[i], i + 1 < argc ? "," : ";");
    }
    assert_null(argv[argc]);
    log_speaks = log_speaks || command_speaks;
    return argc == 3 ? SHELL_FAILED : SHELL_DONE;
}

static int work_for_ever(struct shell *at, int argc, char *const argv[])
{
    (void)note(at, argc, argv);
    for (unsigned i = 0; i < 1000; i++)
        if (shell_stopped(at))
            return SHELL_STOPPED;
    return SHELL_DONE;
}

static int log_again(struct shell *at, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    shell_printf(at, "<");
    for (unsigned i = 0; i < 3; i++)
        log_write(LOG_INFO, NULL, "again");
    shell_printf(at, ">");
    return SHELL_DONE;
}

static int parse(struct shell *at, int argc, char *const argv[])
{
    uint64_t number = 0, size = 0;
    uint16_t segment;
    pci_bdf_t bdf;

    (void)argc;
    if (!shell_number(at, "NUMBER", argv[1], &number) || !shell_size(at, "SIZE", argv[2], &size) ||
        !shell_bdf(at, argv[3], &segment, &bdf))
        return SHELL_WRONG;
    shell_printf(at, "<%llx %llx %x:%x>", (unsigned long long)number, (unsigned long long)size,
                 segment, bdf);
    return SHELL_DONE;
}

static const struct shell_command commands[] = {
    {"few", "A [B]", "one or two", "Few.\n", NULL, note, false},
    {"none", "", "none", "None.\n", NULL, note, false},
    {"destroy", "", "destroys", "Destroys.\n", "everything", note, true},
    {"long", "", "does not end", "Long.\n", NULL, work_for_ever, false},
    {"log", "", "logs thrice", "Logs.\n", NULL, log_again, false},
    {"parse", "NUMBER SIZE BDF", "reads words", "Reads.\n", NULL, parse, false},
    {"walk", "BDF ADDRESS [r|w|rw]", "walks", "Walks.\n", NULL, note, false},
};

static struct shell_setup setup = {
    .prompt = "> ",
    .commands = commands,
    .count = sizeof(commands) / sizeof(commands[0]),
    .read = next_byte,
    .write = take_output,
    .idle = idle,
    .now_ns = clock_now,
    .word = word_of,
};

static void see_log(void *context, const char *line, size_t length)
{
    (void)context;
    take_output(line, length);
    take_output("|", 1);
}

static int open_shell(void **state)
{
    (void)state;
    setup.read_only = false;
    shell_begin(&shell, &setup);
    output_length = 0;
    calls[0] = '\0';
    return 0;
}

static void feed(const char *bytes, size_t length)
{
    typed = bytes;
    typed_left = length;
    output_length = 0;
    output[0] = calls[0] = '\0';
    while (typed_left > 0 || shell.ahead_count > 0)
        shell_step(&shell);
}

static void type(const char *text)
{
    feed(text, strlen(text));
}

static bool says(const char *text)
{
    return strstr(output, text) != NULL;
}

/* ---- Properties ---- */

static void commands_run_with_their_words(void **state)
{
    (void)state;
    type("  few   x  ; none;;few a b;\r");
    assert_string_equal(calls, "few,x;none;few,a,b;");
    assert_int_equal(shell.status, SHELL_FAILED);
    type("echo $? a$? $?;echo $?\r\n");
    assert_true(says("1 a$? 1\n0\n"));
    type("none\n\rnone\r\n");
    assert_string_equal(calls, "none;none;");
    type("\r\n\r\n   \r");
    assert_string_equal(calls, "");
}

static void unknown_commands_name_the_nearest(void **state)
{
    (void)state;
    type("nine\r");
    assert_true(
        says("There is no command 'nine'; the nearest is 'none'. 'help' lists them all.\n"));
    assert_int_equal(shell.status, SHELL_WRONG);
    type("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\r");
    assert_true(says("There is no command 'zzzzzzzzzzzzzzzz'. "));
    type("FEW a\r");
    assert_string_equal(calls, "");
    type("hlep\r");
    assert_true(says("the nearest is 'help'"));
}

static void counts_of_arguments_are_checked(void **state)
{
    (void)state;
    type("few\r");
    assert_true(says("few: too few arguments. usage: few A [B]\n"));
    type("few a b c; echo $?\r");
    assert_true(says("few: too many arguments. usage: few A [B]\n2\n"));
    type("none x; help a b\r");
    assert_true(says("none: too many arguments. usage: none\n"));
    assert_true(says("help: too many arguments. usage: help [COMMAND]\n"));
    type("echo 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\r");
    assert_true(says("14 15\n"));
    type("echo 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; echo $?\r");
    assert_true(says("More than 16 words: nothing was done.\n2\n"));
    assert_string_equal(calls, "");
}

static void words_are_read_or_refused(void **state)
{
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"0x1F 4k 00:1f.7", "<1f 1000 0:ff>"},
        {"31 0x10M abcd:80:04.1", "<1f 1000000 abcd:8021>"},
        {"18446744073709551615 1 0:0.0", "<ffffffffffffffff 1 0:0>"},
        {"0xffffffffffffffff 17179869183G ffff:ff:1f.7", "<ffffffffffffffff ffffffffc0000000 "},
        {"18446744073709551616 1 0:0.0", "NUMBER: '18446744073709551616' is no number of 64 bits"},
        {"0x10000000000000000 1 0:0.0", "NUMBER: '0x10000000000000000' is no"},
        {"0x 1 0:0.0", "NUMBER: '0x' is no number"},
        {"-1 1 0:0.0", "NUMBER: '-1' is no number"},
        {"1a 1 0:0.0", "NUMBER: '1a' is no number"},
        {"1 4kk 0:0.0", "SIZE: '4kk' is no size; 4096, 0x1000, 4k and 1M are.\n"},
        {"1 17179869184G 0:0.0", "SIZE: '17179869184G' is no size"},
        {"1 k 0:0.0", "SIZE: 'k' is no size"},
        {"1 1T 0:0.0", "SIZE: '1T' is no size"},
        {"1 1 0:20.0", "BDF: '0:20.0' is none; 00:04.0 and 0001:00:1f.2 are"},
        {"1 1 100:1.0", "BDF: '100:1.0' is none"},
        {"1 1 0:0.8", "BDF: '0:0.8' is none"},
        {"1 1 10000:0:0.0", "BDF: '10000:0:0.0' is none"},
        {"1 1 0:0:0:0.0", "BDF: '0:0:0:0.0' is none"},
        {"1 1 00:04", "BDF: '00:04' is none"},
        {"1 1 00:04.0x", "BDF: '00:04.0x' is none"},
        {"1 1 :0.0", "BDF: ':0.0' is none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), "parse %s\r", cases[i].words);
        type(text);
        if (!says(cases[i].says))
            fail_msg("%s: %s", cases[i].words, output);
        assert_int_equal(shell.status, cases[i].says[0] == '<' ? SHELL_DONE : SHELL_WRONG);
    }
}

static void help_tells_what_is_destroyed(void **state)
{
    (void)state;
    type("help\r");
    assert_true(says("destroy   destroys") && says("echo      words"));
    type("help destroy\r");
    assert_true(says("usage: destroy\nDestroys.\ndestroys: everything\n"));
    type("help few\r");
    assert_true(says("usage: few A [B]\nFew.\ndestroys: nothing\n"));
    type("help nine; echo $?\r");
    assert_true(says("There is no command 'nine'; the nearest is 'none'") && says("\n2\n"));
}

static void ctrl_c_stops_the_line(void **state)
{
    (void)state;
    type("none; long; none\r\x03");
    assert_string_equal(calls, "none;long;");
    assert_true(says("^C\n"));
    assert_int_equal(shell.status, SHELL_STOPPED);
    type("long;none\rwill be lost\x03"
         "few x\r");
    assert_string_equal(calls, "long;few,x;");
    type("none\x03\r");
    assert_string_equal(calls, "");
    type("long\r");
    assert_int_equal(shell.status, SHELL_DONE);
}

static void what_is_typed_ahead_comes_later(void **state)
{
    (void)state;
    type("long\rfew ahead\r\nnone\r");
    assert_string_equal(calls, "long;few,ahead;none;");
}

/* What is logged again and again, by a command or while nobody types, stands before or behind a
 * command's output. */
static void repeats_in_the_log_wait_for_no_other_line(void **state)
{
    static const char again[] = "[   0.000000] again|";
    static const char repeated[] = "[   0.000000] last line repeated";
    char expected[256];

    (void)state;
    assert_true(log_add_sink(see_log, NULL));
    type("log; log\r");
    snprintf(expected, sizeof(expected), "\n<%s>%s 2 times|<>%s 3 times|> ", again, repeated,
             repeated);
    assert_true(says(expected));

    log_write(LOG_INFO, NULL, "again");
    type("log\r");
    snprintf(expected, sizeof(expected), "\n%s<>%s 3 times|> ", again, repeated);
    assert_true(says(expected));
}

static void read_only_shells_refuse_what_acts(void **state)
{
    (void)state;
    type("destroy\r");
    assert_string_equal(calls, "destroy;");
    setup.read_only = true;
    type("destroy; none\r");
    assert_string_equal(calls, "none;");
    assert_true(says("destroy: refused here, where nothing may change.\n"));
}

static void tab_knows_commands_and_arguments(void **state)
{
    (void)state;
    type("fe\tx\r");
    assert_string_equal(calls, "few,x;");
    type("none;walk \t5\t0x1 r\tw\r");
    assert_string_equal(calls, "none;walk,00:05.0,0x1,rw;");
    assert_int_equal(shell.status, SHELL_DONE);
    type("help wa\t\r");
    assert_true(says("usage: walk "));
    type("walk \t\x15");
    assert_true(says("00:0"));
    type("walk 00:0\t\x15");
    assert_true(says("00:04.0  00:05.0"));
    type("none \t\t\x15nobody \t\x15");
    assert_string_equal(calls, "");
}

static void the_log_leaves_the_line_whole(void **state)
{
    (void)state;
    type("fe");
    log_speaks = true;
    shell_step(&shell);
    assert_true(says("[a line of the log]\n> fe"));
    type("w x\r");
    assert_string_equal(calls, "few,x;");
}

/* What a command says into the log is above the prompt already. */
static void a_command_may_log(void **state)
{
    (void)state;
    command_speaks = true;
    type("none\r");
    command_speaks = false;
    assert_true(says("[a line of the log]"));
    size_t before = output_length;
    shell_step(&shell);
    assert_int_equal(output_length, before);
}

static void noise_runs_nothing(void **state)
{
    static const char noise[] = "\xFF\x80\0\033[99;99R\033Oq\xC3\xA9\x9B\033[200~none\033[201~\x15";

    (void)state;
    feed(noise, sizeof(noise) - 1);
    type("\r");
    assert_string_equal(calls, "");
}

/* ---- The image's table ---- */

/* Counts lines, and finds the longest. */
static size_t measure(const char *text, unsigned *lines)
{
    size_t longest = 0;

    for (*lines = 0; *text != '\0'; text += strcspn(text, "\n") + 1, ++*lines) {
        size_t length = strcspn(text, "\n");

        assert_int_equal(text[length], '\n');
        longest = length > longest ? length : longest;
    }
    return longest;
}

static void the_images_table_is_whole(void **state)
{
    static const char *const wanted[] = {
        "status", "units", "caps",   "regs",     "devs",   "groups",  "walk", "maps",
        "doms",   "map",   "unmap",  "dma",      "faults", "acpi",    "pci",  "md",
        "log",    "test",  "report", "loglevel", "reboot", "poweroff"};
    const char *before = "";
    unsigned lines;

    (void)state;
    for (size_t i = 0; i < shell_command_count; i++) {
        const struct shell_command *command = &shell_commands[i];

        assert_true(strcmp(before, command->name) < 0);
        before = command->name;
        assert_true(strlen(command->name) <= 9 && strlen(command->summary) <= 28);
        assert_true(strlen(command->name) + strlen(command->arguments) < 70);
        assert_true(measure(command->help, &lines) <= 78);
        assert_in_range(lines, 1, 6);
        assert_true(command->destroys == NULL || strlen(command->destroys) <= 68);
    }
    setup.commands = shell_commands;
    setup.count = shell_command_count;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_non_null(shell_find(&shell, wanted[i]));
    type("help\r");
    output[output_length - strlen("> ")] = '\0';
    assert_true(measure(output + strlen("help\n"), &lines) < SCREEN_COLUMNS);
    assert_true(lines < SCREEN_LINES);
    setup.commands = commands;
    setup.count = sizeof(commands) / sizeof(commands[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(commands_run_with_their_words, open_shell),
        cmocka_unit_test_setup(unknown_commands_name_the_nearest, open_shell),
        cmocka_unit_test_setup(counts_of_arguments_are_checked, open_shell),
        cmocka_unit_test_setup(words_are_read_or_refused, open_shell),
        cmocka_unit_test_setup(help_tells_what_is_destroyed, open_shell),
        cmocka_unit_test_setup(ctrl_c_stops_the_line, open_shell),
        cmocka_unit_test_setup(what_is_typed_ahead_comes_later, open_shell),
        cmocka_unit_test_setup(repeats_in_the_log_wait_for_no_other_line, open_shell),
        cmocka_unit_test_setup(read_only_shells_refuse_what_acts, open_shell),
        cmocka_unit_test_setup(tab_knows_commands_and_arguments, open_shell),
        cmocka_unit_test_setup(the_log_leaves_the_line_whole, open_shell),
        cmocka_unit_test_setup(a_command_may_log, open_shell),
        cmocka_unit_test_setup(noise_runs_nothing, open_shell),
        cmocka_unit_test_setup(the_images_table_is_whole, open_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
