/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Commands about the run: its state, report, log and tests, and its end. */
#include "boot/shell.h"

#include "arch/memory.h"
#include "arch/time.h"
#include "drivers/manager/binding.h"
#include "lib/log.h"
#include "lib/results.h"
#include "tests/image/image.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

int shell_version(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    shell_printf(shell, "Bulkhead %s, image at 0x%llx, %llu bytes\n", BULKHEAD_VERSION,
                 (unsigned long long)shell_machine->info->image_base,
                 (unsigned long long)shell_machine->info->image_length);
    return SHELL_DONE;
}

static int report(struct shell *shell, bool whole)
{
    if (shell_machine->summary == NULL) {
        shell_printf(shell, "The run did not come to its report.\n");
        return SHELL_FAILED;
    }
    report_again(shell_machine->summary, whole);
    return SHELL_DONE;
}

int shell_status(struct shell *shell, int argc, char *const argv[])
{
    const struct iommu *iommu = shell_machine->iommu;
    unsigned active = 0, faults = 0;

    (void)shell_version(shell, argc, argv);
    for (unsigned i = 0; i < iommu->unit_count; i++) {
        active += iommu->units[i].state == UNIT_ACTIVE;
        faults += iommu->units[i].faults;
    }
    shell_printf(shell, "up %llu s; %llu MiB of memory free\n",
                 (unsigned long long)(time_ns() / NS_PER_S),
                 (unsigned long long)(memory_free_frames() >> (20 - FRAME_SHIFT)));
    shell_printf(shell, "%u of %u units active, %u refusals recorded by them\n", active,
                 iommu->unit_count, faults);
    return report(shell, false);
}

int shell_report(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    return report(shell, true);
}

/* ---- The log ---- */

static void show_line(void *context, const char *line, size_t length)
{
    struct shell *shell = context;

    if (shell_stopped(shell))
        return;
    shell_write(shell, line, length);
    shell_write(shell, "\n", 1);
}

int shell_log(struct shell *shell, int argc, char *const argv[])
{
    uint64_t count = LOG_RING_LENGTH;

    if (argc > 1 && !shell_number(shell, "COUNT", argv[1], &count))
        return SHELL_WRONG;
    log_replay(count < LOG_RING_LENGTH ? (size_t)count : LOG_RING_LENGTH, show_line, shell);
    return shell_stopped(shell) ? SHELL_STOPPED : SHELL_DONE;
}

int shell_loglevel(struct shell *shell, int argc, char *const argv[])
{
    uint64_t level;

    if (argc > 1) {
        if (!shell_number(shell, "loglevel", argv[1], &level))
            return SHELL_WRONG;
        if (level < LOG_ERROR || level > LOG_DEBUG) {
            shell_printf(shell, "loglevel: %s is not 3 to 7.\n", argv[1]);
            return SHELL_WRONG;
        }
        log_set_level((enum log_level)level);
    }
    shell_printf(shell, "The log is shown up to level %u.\n", (unsigned)log_get_level());
    return SHELL_DONE;
}

/* ---- The tests ---- */

static struct {
    struct shell *shell;
    const char *prefix;
    unsigned shown, failed;
} trial;

void shell_show_result(const char *id, const char *device, enum result result, const char *reason)
{
    if (trial.shell == NULL || strncmp(id, trial.prefix, strlen(trial.prefix)) != 0)
        return;
    trial.shown++;
    trial.failed += result == RESULT_FAIL || result == RESULT_ERROR;
    shell_printf(trial.shell, "%s %s%s%s%s%s\n", result_name(result), id, device ? " " : "",
                 device ? device : "", reason ? " " : "", reason ? reason : "");
}

static bool was_stopped(void)
{
    return shell_stopped(trial.shell);
}

#define RANGES_MAX 3

/* All ids, and whose they are: a driver's, or the image's own (NULL). */
static const struct {
    const char *prefix, *driver;
    struct {
        unsigned first, last;
    } numbers[RANGES_MAX];
} kinds[] = {
    {"API-", NULL, {{1, 121}}},
    {"BOOT-", NULL, {{1, 5}}},
    {"CORE-", NULL, {{1, 3}}},
    {"DMA-ALLOW-", "edu", {{1, 2}}},
    {"DMA-DENY-", "edu", {{1, 10}}},
    {"DMA-FAULT-", "edu", {{1, 10}}},
    {"EDU-FAULT-", "edu", {{1, 10}}},
    {"HDA-", "hda", {{1, 12}, {21, 30}, {41, 44}}},
    {"HDA-FAULT-", "hda", {{1, 12}, {21, 30}, {41, 44}}},
    {"IRQ-", NULL, {{1, 1}}},
    {"NVME-", "nvme", {{1, 4}}},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *shell_test_kind(unsigned n)
{
    return n < KINDS ? kinds[n].prefix : NULL;
}

/* One of them is the beginning of the other. */
static bool may_share(const char *one, const char *other)
{
    size_t lengths[] = {strlen(one), strlen(other)};

    return strncmp(one, other, lengths[lengths[0] > lengths[1]]) == 0;
}

/* A test of this kind has an id that begins with `id`. */
static bool has_test(size_t kind, const char *id)
{
    char text[RESULTS_ID_LENGTH];

    for (unsigned range = 0; range < RANGES_MAX; range++)
        for (unsigned n = kinds[kind].numbers[range].first;
             n > 0 && n <= kinds[kind].numbers[range].last; n++) {
            snprintf(text, sizeof text, "%s%03u", kinds[kind].prefix, n);
            if (strncmp(text, id, strlen(id)) == 0)
                return true;
        }
    return false;
}

static bool has_image_test(const char *id)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].driver == NULL && has_test(i, id))
            return true;
    return false;
}

/* The driver has a test that is asked for. */
static bool is_wanted(const char *driver)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].driver != NULL && strcmp(kinds[i].driver, driver) == 0 &&
            has_test(i, trial.prefix))
            return true;
    return false;
}

static bool is_known(const char *id)
{
    for (size_t i = 0; i < KINDS; i++)
        if (has_test(i, id))
            return true;
    return false;
}

static bool has_device(void)
{
    for (unsigned i = 0; i < manager_bindings(); i++)
        if (is_wanted(manager_binding(i)->driver->name))
            return true;
    return false;
}

static void run_tests(bool named, bool drivers, bool image, bool all)
{
    static struct manager_setup setup;

    setup = *shell_machine->manager;
    setup.stopped = was_stopped;
    manager_dismiss();
    if (drivers && named)
        (void)manager_run_again(&setup, is_wanted);
    else if (drivers)
        manager_run(&setup);
    if (image && !shell_stopped(trial.shell))
        image_tests(shell_machine->iommu, all, was_stopped);
    setup.stopped = NULL;
}

/* The group `drivers` or `image`, all, or what begins with an id. */
static int try(struct shell *shell, const char *id)
{
    bool drivers = strcmp(id, "image") != 0, image = strcmp(id, "drivers") != 0;
    bool named = *id != '\0' && drivers && image;

    trial.prefix = named ? id : "";
    if (named && !is_known(id)) {
        shell_printf(shell, "test: no test has an id that begins with '%s'.\n", id);
        return SHELL_WRONG;
    }
    if (named) {
        drivers = has_device();
        image = has_image_test(id);
    }
    if (drivers || image)
        run_tests(named, drivers, image, named && may_share(id, "API-"));
    if (shell_stopped(shell))
        return SHELL_STOPPED;
    if (trial.shown == 0) {
        shell_printf(shell, "test: none of these ran: their device is missing, or no unit guards "
                            "it.\n");
        return SHELL_FAILED;
    }
    shell_printf(shell, "%u results, %u of them failed or undecided; the report stays as it is.\n",
                 trial.shown, trial.failed);
    return trial.failed == 0 ? SHELL_DONE : SHELL_FAILED;
}

int shell_test(struct shell *shell, int argc, char *const argv[])
{
    int status;

    trial.shell = shell;
    trial.shown = trial.failed = 0;
    status = try(shell, argc > 1 ? argv[1] : "");
    trial.shell = NULL;
    return status;
}

/* ---- The end ---- */

static int reset(struct shell *shell, const char *name, bool off)
{
    if (!shell->setup->read_only)
        manager_dismiss();
    shell_printf(shell, "%s: not done: %s.\n", name, shell_machine->reset(off));
    return SHELL_FAILED;
}

int shell_reboot(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    return reset(shell, argv[0], false);
}

int shell_poweroff(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    return reset(shell, argv[0], true);
}
