/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Commands about units, domains and devices, and those that try a refusal by hand. */
#include "boot/shell.h"

#include "drivers/iommu/core/describe.h"

#include <string.h>

#define MAP_LENGTH 4096
#define DMA_LENGTH 1024

static void show_line(void *context, const char *text)
{
    shell_printf(context, "%s\n", text);
}

static bool is_stopped(void *context)
{
    return shell_stopped(context);
}

static struct iommu_sink sink_of(struct shell *shell)
{
    return (struct iommu_sink){.line = show_line,
                               .stopped = is_stopped,
                               .context = shell,
                               .owner = manager_owner_name,
                               .bound = manager_bound_name};
}

static int status_of(struct shell *shell)
{
    return shell_stopped(shell) ? SHELL_STOPPED : SHELL_DONE;
}

/* A panic may have come before there was anything to show. */
static bool is_set_up(struct shell *shell)
{
    if (shell_machine->iommu->pci != NULL)
        return true;
    shell_printf(shell, "The run did not come to its units.\n");
    return false;
}

static int show(struct shell *shell, void (*what)(struct iommu *, const struct iommu_sink *))
{
    struct iommu_sink sink = sink_of(shell);

    if (!is_set_up(shell))
        return SHELL_FAILED;
    what(shell_machine->iommu, &sink);
    return status_of(shell);
}

int shell_units(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    return show(shell, iommu_show_units);
}

int shell_devs(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    return show(shell, iommu_show_devices);
}

int shell_doms(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    return show(shell, iommu_show_domains);
}

int shell_groups(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    return show(shell, iommu_show_groups);
}

int shell_faults(struct shell *shell, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    return show(shell, iommu_show_faults);
}

/* ---- One of several ---- */

typedef bool (*unit_shower)(struct iommu *, unsigned, const struct iommu_sink *);

/* A unit that is named, or all of them. */
static int show_units(struct shell *shell, int argc, char *const argv[], unit_shower what)
{
    struct iommu_sink sink = sink_of(shell);
    unsigned count = shell_machine->iommu->unit_count;
    uint64_t first = 0, end = count;

    if (argc > 1) {
        if (!shell_number(shell, "UNIT", argv[1], &first))
            return SHELL_WRONG;
        if (first >= count) {
            shell_printf(shell, "UNIT: there is no unit %s; there are %u, from 0 on.\n", argv[1],
                         count);
            return SHELL_WRONG;
        }
        end = first + 1;
    }
    for (; first < end && !shell_stopped(shell); first++)
        if (!what(shell_machine->iommu, (unsigned)first, &sink))
            shell_printf(shell, "Unit %u was never in use: its registers are not read.\n",
                         (unsigned)first);
    if (count == 0)
        shell_printf(shell, "There is no unit.\n");
    return status_of(shell);
}

int shell_caps(struct shell *shell, int argc, char *const argv[])
{
    return show_units(shell, argc, argv, iommu_show_capabilities);
}

int shell_regs(struct shell *shell, int argc, char *const argv[])
{
    return show_units(shell, argc, argv, iommu_show_registers);
}

int shell_maps(struct shell *shell, int argc, char *const argv[])
{
    struct iommu_sink sink = sink_of(shell);
    uint64_t domain;

    (void)argc;
    if (!shell_number(shell, "DOMAIN", argv[1], &domain))
        return SHELL_WRONG;
    if (!is_set_up(shell))
        return SHELL_FAILED;
    if (domain >= IOMMU_DOMAINS_MAX ||
        !iommu_show_maps(shell_machine->iommu, (unsigned)domain, &sink)) {
        shell_printf(shell, "DOMAIN: there is no domain %s; 'doms' lists those that there are.\n",
                     argv[1]);
        return SHELL_WRONG;
    }
    return status_of(shell);
}

/* "r", "w", "rw". */
static bool take_rights(struct shell *shell, const char *text, bool *read, bool *write)
{
    *read = strchr(text, 'r') != NULL;
    *write = strchr(text, 'w') != NULL;
    if (strcmp(text, "r") == 0 || strcmp(text, "w") == 0 || strcmp(text, "rw") == 0)
        return true;
    shell_printf(shell, "'%s' is none of r, w and rw.\n", text);
    return false;
}

int shell_walk(struct shell *shell, int argc, char *const argv[])
{
    struct iommu_sink sink = sink_of(shell);
    uint16_t segment;
    pci_bdf_t requester;
    uint64_t address;
    bool read = false, write = false;

    if (!shell_bdf(shell, argv[1], &segment, &requester) ||
        !shell_number(shell, "ADDRESS", argv[2], &address) ||
        (argc > 3 && !take_rights(shell, argv[3], &read, &write)))
        return SHELL_WRONG;
    enum pt_permission wanted =
        (enum pt_permission)((read ? PT_READ : PT_NONE) | (write ? PT_WRITE : PT_NONE));
    if (!is_set_up(shell))
        return SHELL_FAILED;
    bool same = iommu_show_walk(shell_machine->iommu, segment, requester, address, wanted, &sink);
    return same ? status_of(shell) : SHELL_FAILED;
}

/* ---- By hand ---- */

static int ask(struct shell *shell, uint16_t endpoint, const struct driver_request *request)
{
    char text[MANAGER_TEXT];
    enum manager_answer answer = manager_ask(endpoint, request, is_stopped, shell, text);

    if (answer == MANAGER_STOPPED)
        return SHELL_STOPPED;
    shell_printf(shell, "%s\n", text);
    return answer == MANAGER_DONE ? SHELL_DONE : SHELL_FAILED;
}

/* What map, unmap and dma have in common: a device and an address. */
static bool take_place(struct shell *shell, const char *device, const char *address,
                       uint16_t *endpoint, struct driver_request *request)
{
    return shell_function(shell, shell_machine->pci, device, endpoint) &&
           shell_number(shell, "ADDRESS", address, &request->address);
}

int shell_map(struct shell *shell, int argc, char *const argv[])
{
    struct driver_request request = {
        .kind = DRIVER_MAP, .length = MAP_LENGTH, .read = true, .write = true};
    uint16_t endpoint;

    if (!take_place(shell, argv[1], argv[2], &endpoint, &request) ||
        (argc > 3 && !take_rights(shell, argv[3], &request.read, &request.write)) ||
        (argc > 4 && !shell_size(shell, "SIZE", argv[4], &request.length)))
        return SHELL_WRONG;
    return ask(shell, endpoint, &request);
}

int shell_unmap(struct shell *shell, int argc, char *const argv[])
{
    struct driver_request request = {.kind = DRIVER_UNMAP};
    uint16_t endpoint;

    (void)argc;
    if (!take_place(shell, argv[1], argv[2], &endpoint, &request))
        return SHELL_WRONG;
    return ask(shell, endpoint, &request);
}

int shell_dma(struct shell *shell, int argc, char *const argv[])
{
    struct driver_request request = {.kind = DRIVER_DMA, .length = DMA_LENGTH};
    uint16_t endpoint;

    request.read = strcmp(argv[2], "read") == 0;
    request.write = strcmp(argv[2], "write") == 0;
    if (!request.read && !request.write) {
        shell_printf(shell, "dma: '%s' is neither read nor write.\n", argv[2]);
        return SHELL_WRONG;
    }
    if (!take_place(shell, argv[1], argv[3], &endpoint, &request) ||
        (argc > 4 && !shell_size(shell, "SIZE", argv[4], &request.length)))
        return SHELL_WRONG;
    return ask(shell, endpoint, &request);
}
