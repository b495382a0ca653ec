/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_SHELL_H
#define BOOT_SHELL_H

#include "boot/boot.h"
#include "drivers/acpi/acpi.h"
#include "drivers/console/report.h"
#include "drivers/console/shell.h"
#include "drivers/iommu/core/core.h"
#include "drivers/manager/manager.h"
#include "lib/results.h"

/* What the commands work on: the state that the bring-up has left. */
struct shell_boot {
    const struct boot_info *info;
    const struct acpi_tables *acpi;
    const struct pci_inventory *pci;
    struct iommu *iommu;
    const struct report_summary *summary; /* as report_finish() had it; NULL: no report was made */
    const struct manager_setup *manager;
    /* Resets the machine, or switches it off. Returns only when it cannot, with the reason. */
    const char *(*reset)(bool off);
};

/* Works with a person, without end. `read_only`: after a panic, from whatever state. */
_Noreturn void boot_shell(const struct shell_boot *boot, bool read_only);

/* ---- Shared by the files of commands ---- */

extern const struct shell_boot *shell_machine;

/* All commands, by name. */
extern const struct shell_command shell_commands[];
extern const size_t shell_command_count;

int shell_acpi(struct shell *shell, int argc, char *const argv[]);
int shell_caps(struct shell *shell, int argc, char *const argv[]);
int shell_devs(struct shell *shell, int argc, char *const argv[]);
int shell_dma(struct shell *shell, int argc, char *const argv[]);
int shell_doms(struct shell *shell, int argc, char *const argv[]);
int shell_faults(struct shell *shell, int argc, char *const argv[]);
int shell_groups(struct shell *shell, int argc, char *const argv[]);
int shell_log(struct shell *shell, int argc, char *const argv[]);
int shell_loglevel(struct shell *shell, int argc, char *const argv[]);
int shell_map(struct shell *shell, int argc, char *const argv[]);
int shell_maps(struct shell *shell, int argc, char *const argv[]);
int shell_md(struct shell *shell, int argc, char *const argv[]);
int shell_pci(struct shell *shell, int argc, char *const argv[]);
int shell_poweroff(struct shell *shell, int argc, char *const argv[]);
int shell_reboot(struct shell *shell, int argc, char *const argv[]);
int shell_regs(struct shell *shell, int argc, char *const argv[]);
int shell_report(struct shell *shell, int argc, char *const argv[]);
int shell_status(struct shell *shell, int argc, char *const argv[]);
int shell_test(struct shell *shell, int argc, char *const argv[]);
int shell_units(struct shell *shell, int argc, char *const argv[]);
int shell_unmap(struct shell *shell, int argc, char *const argv[]);
int shell_version(struct shell *shell, int argc, char *const argv[]);
int shell_walk(struct shell *shell, int argc, char *const argv[]);

/* Shows a result of `test`, and no other. */
void shell_show_result(const char *id, const char *device, enum result result, const char *reason);

/* The nth of the beginnings that ids of tests have; NULL: no more. */
const char *shell_test_kind(unsigned n);

/* Lines of sixteen bytes, numbered from `address` on. False: Ctrl-C. */
bool shell_dump(struct shell *shell, uint64_t address, const uint8_t *bytes, size_t length);

#endif
