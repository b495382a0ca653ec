/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Mode inspect: the report of a machine that still is firmware's. Nothing here writes to a device.
 */
#include "boot/inspect.h"
#include "boot/options.h"
#include "boot/snapshot.h"
#include "lib/log.h"
#include "lib/record.h"

#include <string.h>

static struct {
    void (*show)(const char *text, size_t length);
    char *report;
    size_t length;
    bool full;
    struct report_summary summary;
    struct report_function functions[PCI_FUNCTIONS_MAX];
} inspect;

static void keep(void *context, const char *line, size_t length)
{
    (void)context;
    inspect.full |= length >= INSPECT_REPORT_MAX - inspect.length;
    if (inspect.full)
        return;
    memcpy(inspect.report + inspect.length, line, length);
    inspect.length += length;
    inspect.report[inspect.length++] = '\n';
}

static void keep_and_show(void *context, const char *line, size_t length)
{
    keep(context, line, length);
    inspect.show(line, length);
    inspect.show("\n", 1);
}

/* What firmware reserves need not be memory. */
static uint64_t memory_bytes(const struct boot_info *info)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < info->memory_count; i++)
        if (info->memory[i].kind == BOOT_MEMORY_USABLE)
            bytes += info->memory[i].length;
    return bytes;
}

/* One line for each function, by its group as firmware left it. */
static void describe_functions(const struct pci_inventory *pci)
{
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *function = &pci->functions[i];
        struct report_function *out = &inspect.functions[i];

        out->group = pci_group_number(pci, (uint16_t)i);
        log_line("pci: %s %04x:%04x class %06x, group of %s%s", out->name, function->vendor_id,
                 function->device_id, function->class_code,
                 inspect.functions[function->group_leader].name,
                 function->bus_master_at_entry ? ", bus master" : "");
    }
}

enum report_found boot_inspect(const struct boot_info *info,
                               void (*show)(const char *text, size_t length),
                               char report[INSPECT_REPORT_MAX], size_t *length)
{
    inspect.show = show;
    inspect.report = report;
    boot_snapshot(info);
    snapshot_summary(info, &inspect.summary, inspect.functions);
    inspect.summary.console = "console: firmware's";
    inspect.summary.memory_bytes = memory_bytes(info);
    record_set_sink(keep, NULL);
    (void)!log_add_sink(keep_and_show, NULL);
    report_head(&inspect.summary);
    options_check(info);
    boot_snapshot(info); /* again, to say what its tables get wrong */
    snapshot_describe();
    describe_functions(snapshot_functions());
    report_inspected(&inspect.summary);
    *length = inspect.full ? 0 : inspect.length;
    return report_found(&inspect.summary);
}
