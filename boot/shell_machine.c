/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Commands about the machine: ACPI tables, PCI functions, memory. */
#include "boot/shell.h"

#include "arch/memory.h"
#include "arch/x86_64/x86.h"
#include "drivers/pci/registers.h"

#include <stdio.h>
#include <string.h>

#define DUMP_COLUMNS 16u
#define MD_LENGTH    256
#define MD_MAX       (UINT64_C(64) << 10)

/* ---- Bytes ---- */

static void dump_line(struct shell *shell, uint64_t address, const uint8_t *bytes, size_t length)
{
    char hex[3 * DUMP_COLUMNS + 1] = "", text[DUMP_COLUMNS + 1] = "";

    for (size_t i = 0; i < length; i++) {
        snprintf(hex + 3 * i, 4, " %02x", bytes[i]);
        text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '.';
    }
    shell_printf(shell, "%08llx%-48s %s\n", (unsigned long long)address, hex, text);
}

bool shell_dump(struct shell *shell, uint64_t address, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += DUMP_COLUMNS) {
        if (shell_stopped(shell))
            return false;
        dump_line(shell, address + at, bytes + at,
                  length - at < DUMP_COLUMNS ? length - at : DUMP_COLUMNS);
    }
    return true;
}

/* ---- ACPI ---- */

/* `length` bytes as text, for what firmware calls text. */
static const char *plain(const uint8_t *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i++)
        text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '.';
    text[length] = '\0';
    return text;
}

static void list_table(struct shell *shell, const struct acpi_table *table)
{
    char signature[5], maker[7], model[9];

    if (!acpi_has(table, 0, ACPI_HEADER_LENGTH))
        return;
    shell_printf(shell, "%s %6zu bytes, revision %u, %s %s, checksum %s\n",
                 plain(table->data, 4, signature), table->length, acpi_u8(table, 8),
                 plain(table->data + 10, 6, maker), plain(table->data + 16, 8, model),
                 acpi_checksum_holds(table) ? "holds" : "is WRONG");
}

int shell_acpi(struct shell *shell, int argc, char *const argv[])
{
    const struct acpi_tables *acpi = shell_machine->acpi;
    struct acpi_table table;

    for (unsigned i = 0; argc == 1 && i < acpi->count; i++)
        list_table(shell, &acpi->tables[i]);
    if (argc == 1)
        return SHELL_DONE;
    if (strlen(argv[1]) != 4 || !acpi_table_get(acpi, argv[1], 0).data) {
        shell_printf(shell, "SIG: there is no table '%s'; 'acpi' lists those that there are.\n",
                     argv[1]);
        return SHELL_WRONG;
    }
    for (unsigned n = 0; (table = acpi_table_get(acpi, argv[1], n)).data; n++) {
        list_table(shell, &table);
        if (!shell_dump(shell, 0, table.data, table.length))
            return SHELL_STOPPED;
    }
    return SHELL_DONE;
}

/* ---- PCI ---- */

/* Capability IDs and extended ones. PCI Code and ID Assignment Specification. */
static const char *capability_name(unsigned id, bool extended)
{
    static const struct {
        uint16_t id;
        bool extended;
        const char *name;
    } names[] = {
        {0x01, false, "power management"},
        {0x03, false, "vital product data"},
        {0x05, false, "MSI"},
        {0x07, false, "PCI-X"},
        {0x09, false, "vendor's own"},
        {0x0A, false, "debug port"},
        {0x0D, false, "subsystem of a bridge"},
        {0x0F, false, "secure device (AMD-Vi)"},
        {0x10, false, "PCI Express"},
        {0x11, false, "MSI-X"},
        {0x12, false, "SATA"},
        {0x13, false, "advanced features"},
        {0x01, true, "advanced error reporting"},
        {0x03, true, "serial number"},
        {0x0B, true, "vendor's own"},
        {0x0D, true, "ACS"},
        {0x0E, true, "ARI"},
        {0x0F, true, "ATS"},
        {0x10, true, "SR-IOV"},
        {0x13, true, "page requests"},
        {0x1B, true, "PASID"},
        {0x1E, true, "L1 substates"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].id == id && names[i].extended == extended)
            return names[i].name;
    return "another";
}

static void list_function(struct shell *shell, const struct pci_function *function)
{
    char name[PCI_NAME_LENGTH];

    shell_printf(shell, "%s %04x:%04x class %06x revision %02x, bus mastering %s\n",
                 pci_name(function->segment, function->bdf, name), function->vendor_id,
                 function->device_id, (unsigned)function->class_code, function->revision,
                 pci_bus_master(function) ? "on" : "off");
}

static void show_command(struct shell *shell, const struct pci_function *function)
{
    uint16_t command = pci_read16(function, PCI_COMMAND);

    shell_printf(shell, "  command 0x%04x: I/O %s, memory %s, bus mastering %s, INTx %s\n", command,
                 command & PCI_COMMAND_IO ? "on" : "off",
                 command & PCI_COMMAND_MEMORY ? "on" : "off",
                 command & PCI_COMMAND_BUS_MASTER ? "on" : "off",
                 command & PCI_COMMAND_INTX_DISABLE ? "off" : "on");
    shell_printf(shell, "  status  0x%04x; header type %u%s\n", pci_read16(function, PCI_STATUS),
                 function->header_type, function->multi_function ? ", of several functions" : "");
    if (pci_is_bridge(function))
        shell_printf(shell, "  bridge to buses %02x to %02x\n", function->secondary_bus,
                     function->subordinate_bus);
}

static void show_bars(struct shell *shell, const struct pci_function *function)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &function->bars[i];

        if (bar->kind != PCI_BAR_NONE)
            shell_printf(shell, "  BAR %u: %s at 0x%llx, %llu bytes%s%s\n", i,
                         bar->kind == PCI_BAR_IO ? "I/O" : "memory",
                         (unsigned long long)bar->address, (unsigned long long)bar->length,
                         bar->wide ? ", 64-bit" : "", bar->prefetchable ? ", prefetchable" : "");
    }
}

static void show_capability(struct shell *shell, unsigned offset, unsigned id, bool extended)
{
    shell_printf(shell, "  %s 0x%03x: ID 0x%0*x, %s\n",
                 extended ? "extended capability" : "capability", offset, extended ? 4 : 2, id,
                 capability_name(id, extended));
}

/* Each list is followed for as many steps as it can have entries, for it may have a loop. */
static void show_capabilities(struct shell *shell, const struct pci_function *function)
{
    unsigned at = 0;

    if (pci_read16(function, PCI_STATUS) & PCI_STATUS_CAPABILITIES)
        at = pci_read8(function, function->header_type == PCI_HEADER_CARDBUS ? PCI_CARDBUS_POINTER
                                                                             : PCI_CAPABILITIES);
    for (unsigned n = 0; n < PCI_LEGACY_LENGTH / 4 && (at & ~3u) >= PCI_LEGACY_HEADER; n++) {
        uint16_t head = pci_read16(function, (uint16_t)(at & ~3u));

        show_capability(shell, at & ~3u, head & 0xFFu, false);
        at = head >> 8;
    }
    at = function->express ? PCI_LEGACY_LENGTH : 0;
    for (unsigned n = 0; n < PCI_CONFIG_LENGTH / 8 && at >= PCI_LEGACY_LENGTH; n++) {
        uint32_t head = pci_read32(function, (uint16_t)(at & ~3u));

        if (head == 0 || head == UINT32_MAX)
            break;
        show_capability(shell, at & ~3u, head & 0xFFFFu, true);
        at = head >> 20;
    }
}

int shell_pci(struct shell *shell, int argc, char *const argv[])
{
    const struct pci_inventory *pci = shell_machine->pci;
    uint16_t index;

    if (argc == 1) {
        for (unsigned i = 0; i < pci->count && !shell_stopped(shell); i++)
            list_function(shell, &pci->functions[i]);
        return shell_stopped(shell) ? SHELL_STOPPED : SHELL_DONE;
    }
    if (!shell_function(shell, pci, argv[1], &index))
        return SHELL_WRONG;
    list_function(shell, &pci->functions[index]);
    show_command(shell, &pci->functions[index]);
    show_bars(shell, &pci->functions[index]);
    show_capabilities(shell, &pci->functions[index]);
    return SHELL_DONE;
}

/* ---- Memory ---- */

/* What firmware's memory map says of an address; BOOT_MEMORY_MMIO where it is silent. */
static enum boot_memory_kind kind_at(uint64_t physical)
{
    const struct boot_info *info = shell_machine->info;

    for (unsigned i = 0; i < info->memory_count; i++)
        if (physical - info->memory[i].base < info->memory[i].length)
            return info->memory[i].kind;
    return BOOT_MEMORY_MMIO;
}

/* The page at a physical address as it can be read; NULL, and why. Nothing that the image leaves
 * unmapped on purpose (page 0, guards of stacks) gets mapped. */
static const uint8_t *page_of(uint64_t page, const char **why)
{
    enum boot_memory_kind kind = kind_at(page);

    *why = "is no RAM; 'mmio' reads it as registers";
    if (kind == BOOT_MEMORY_MMIO)
        return NULL;
    *why = "is reserved and may be no RAM; 'mmio' reads it as registers";
    if (kind == BOOT_MEMORY_RESERVED)
        return NULL;
    *why = "is left unmapped by the image";
    if (page == 0)
        return NULL;
    if (kind == BOOT_MEMORY_FIRMWARE)
        return memory_map_firmware(page, FRAME_SIZE);
    return x86_access_at(page).present ? memory_virtual(page) : NULL;
}

static int dump_memory(struct shell *shell, uint64_t address, uint64_t length)
{
    while (length > 0) {
        uint64_t offset = address % FRAME_SIZE;
        uint64_t piece = length < FRAME_SIZE - offset ? length : FRAME_SIZE - offset;
        const char *why;
        const uint8_t *page = page_of(address - offset, &why);

        if (page == NULL) {
            shell_printf(shell, "md: 0x%llx %s.\n", (unsigned long long)address, why);
            return SHELL_FAILED;
        }
        if (!shell_dump(shell, address, page + offset, (size_t)piece))
            return SHELL_STOPPED;
        address += piece;
        length -= piece;
    }
    return SHELL_DONE;
}

static int dump_registers(struct shell *shell, uint64_t address, uint64_t length)
{
    struct mmio window;

    if (address % 4 != 0 || length % 4 != 0) {
        shell_printf(shell, "md: registers are read in words of 4 bytes.\n");
        return SHELL_WRONG;
    }
    if (!mmio_map(address, (size_t)length, &window)) {
        shell_printf(shell, "md: 0x%llx is RAM, or cannot be mapped.\n",
                     (unsigned long long)address);
        return SHELL_FAILED;
    }
    for (uint64_t at = 0; at < length; at += 4) {
        if (shell_stopped(shell))
            return SHELL_STOPPED;
        shell_printf(shell, "%08llx %08x\n", (unsigned long long)address + at,
                     (unsigned)mmio_read32(&window, (reg32_t){(uint32_t)at}));
    }
    return SHELL_DONE;
}

int shell_md(struct shell *shell, int argc, char *const argv[])
{
    bool registers = argc > 2 && strcmp(argv[argc - 1], "mmio") == 0;
    uint64_t address, length = MD_LENGTH;

    argc -= registers;
    if (argc > 3) {
        shell_printf(shell, "md: '%s' is not mmio.\n", argv[3]);
        return SHELL_WRONG;
    }
    if (!shell_number(shell, "ADDRESS", argv[1], &address) ||
        (argc > 2 && !shell_size(shell, "LENGTH", argv[2], &length)))
        return SHELL_WRONG;
    if (length == 0 || length > MD_MAX || address + length < address) {
        shell_printf(shell, "md: LENGTH is 1 to 64k, and does not go around.\n");
        return SHELL_WRONG;
    }
    return registers ? dump_registers(shell, address, length) : dump_memory(shell, address, length);
}
