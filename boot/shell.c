/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The shell: what it stands on, and the words that TAB knows. */
#include "boot/shell.h"

#include "arch/time.h"
#include "drivers/console/console.h"
#include "lib/log.h"
#include "lib/results.h"

#include <stdio.h>
#include <string.h>

#define IDLE_NS NS_PER_MS /* a FIFO of 16 characters at 115,200 baud fills in 1.4 ms */

const struct shell_boot *shell_machine;

static bool disturbed; /* the log has written to the screen */

static void note_line(void *context, const char *line, size_t length)
{
    (void)context;
    (void)line;
    (void)length;
    disturbed = true;
}

static bool let_others_run(void)
{
    bool was = disturbed;

    manager_poll(time_ns() + IDLE_NS);
    was |= disturbed;
    disturbed = false;
    return was;
}

/* After a panic nothing else runs. */
static bool stand_still(void)
{
    return false;
}

static bool function_word(unsigned n, char word[LINE_WORD])
{
    if (n >= shell_machine->pci->count)
        return false;
    pci_name(shell_machine->pci->functions[n].segment, shell_machine->pci->functions[n].bdf, word);
    return true;
}

/* Each signature once. */
static bool table_word(unsigned n, char word[LINE_WORD])
{
    const struct acpi_tables *acpi = shell_machine->acpi;

    for (unsigned i = 0; i < acpi->count; i++) {
        char signature[5] = "";

        memcpy(signature, acpi->tables[i].data, 4);
        if (acpi_table_get(acpi, signature, 0).data != acpi->tables[i].data || n-- > 0)
            continue;
        memcpy(word, signature, sizeof(signature));
        return true;
    }
    return false;
}

static bool domain_word(unsigned n, char word[LINE_WORD])
{
    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++) {
        if (!shell_machine->iommu->domains[i].ref || n-- > 0)
            continue;
        snprintf(word, LINE_WORD, "%u", i);
        return true;
    }
    return false;
}

static bool test_word(unsigned n, char word[LINE_WORD])
{
    static const char *const groups[] = {"drivers", "image"};
    const size_t count = sizeof(groups) / sizeof(groups[0]);
    const char *text = n < count ? groups[n] : shell_test_kind(n - (unsigned)count);

    if (text == NULL)
        return false;
    snprintf(word, LINE_WORD, "%s", text);
    return true;
}

static bool word_of(const char *kind, unsigned n, char word[LINE_WORD])
{
    if (strcmp(kind, "BDF") == 0)
        return function_word(n, word);
    if (strcmp(kind, "SIG") == 0)
        return table_word(n, word);
    if (strcmp(kind, "DOMAIN") == 0)
        return domain_word(n, word);
    if (strcmp(kind, "ID") == 0)
        return test_word(n, word);
    if (strcmp(kind, "UNIT") == 0 && n < shell_machine->iommu->unit_count) {
        snprintf(word, LINE_WORD, "%u", n);
        return true;
    }
    return false;
}

void boot_shell(const struct shell_boot *boot, bool read_only)
{
    static const char greeting[] = "The shell: 'help' lists its commands.\n";
    static struct shell shell;
    static struct shell_setup setup = {
        .prompt = "bulkhead> ",
        .read = console_read,
        .write = console_write,
        .now_ns = time_ns,
        .word = word_of,
    };

    shell_machine = boot;
    results_divert(shell_show_result); /* the report is made: what is tried now is no part of it */
    setup.commands = shell_commands;
    setup.count = shell_command_count;
    setup.read_only = read_only;
    setup.idle = read_only ? stand_still : let_others_run;
    if (!read_only)
        (void)!log_add_sink(note_line, NULL);
    console_write(greeting, strlen(greeting));
    shell_run(&shell, &setup);
}
