/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/find.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COM_COUNT        (sizeof(com_ports) / sizeof(com_ports[0]))
#define PCI_CLASS_SERIAL 0x0700u
#define PCI_SERIAL_16950 0x06u /* the last programming interface that a 16550 driver serves */

static const uint16_t com_ports[] = {0x3F8, 0x2F8, 0x3E8, 0x2E8};

static bool skip_word(const char **text, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

/* A number that begins with a digit, decimal or with 0x. */
static bool take_number(const char **text, uint64_t *number)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    *number = strtoull(*text, &end, 0);
    *text = end;
    return true;
}

/* Nothing, ",115200" or ",115200n8". */
static bool take_speed(const char *text, uint32_t *baud)
{
    uint64_t number;

    if (*text == '\0')
        return true;
    if (!skip_word(&text, ",") || !take_number(&text, &number) || number == 0 ||
        number > UINT32_MAX)
        return false;
    *baud = (uint32_t)number;
    skip_word(&text, "n8");
    return *text == '\0';
}

static struct uart uart_com(unsigned number)
{
    return (struct uart){.io_port = true, .address = com_ports[number], .width = 1, .stride = 1};
}

static struct uart uart_acpi(const struct acpi_uart *from)
{
    return (struct uart){.io_port = from->io_port,
                         .address = from->address,
                         .width = from->width,
                         .stride = from->stride};
}

/* As in Linux: without a word for the space it is memory. */
static bool parse_option(const char *text, struct uart *port)
{
    static const struct {
        const char *word;
        bool io_port;
        uint8_t width;
    } spaces[] = {{"io,", true, 1},
                  {"mmio,", false, 1},
                  {"mmio16,", false, 2},
                  {"mmio32,", false, 4},
                  {"", false, 1}};

    memset(port, 0, sizeof(*port));
    if (skip_word(&text, "ttyS")) {
        if (*text < '0' || *text >= '0' + (int)COM_COUNT)
            return false;
        *port = uart_com((unsigned)(*text - '0'));
        return take_speed(text + 1, &port->baud);
    }
    if (!skip_word(&text, "uart8250,") && !skip_word(&text, "uart,"))
        return false;
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        if (!skip_word(&text, spaces[i].word))
            continue;
        port->io_port = spaces[i].io_port;
        port->width = port->stride = spaces[i].width;
        return take_number(&text, &port->address) && take_speed(text, &port->baud);
    }
    return false;
}

void console_tell(struct console_found *found, const char *format, ...)
{
    size_t used = strlen(found->text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(&found->text[used], sizeof(found->text) - used, format, arguments);
    va_end(arguments);
}

/* Opens it; then it is the one. */
static bool choose(struct console_found *found, struct uart port, bool probe, const char *how)
{
    const char *space = port.io_port ? "I/O" : "memory";

    if (!uart_open(&port, probe))
        return false;
    found->uart = port;
    for (unsigned i = 0; i < COM_COUNT; i++) {
        if (port.io_port && port.address == com_ports[i]) {
            console_tell(found, "ttyS%u at %s 0x%" PRIx64 ", %s", i, space, port.address, how);
            return true;
        }
    }
    console_tell(found, "uart8250 at %s 0x%" PRIx64 ", %s", space, port.address, how);
    return true;
}

static bool find_by_option(const struct console_setup *setup, struct console_found *found)
{
    struct uart port;

    if (setup->option == NULL)
        return false;
    if (!parse_option(setup->option, &port)) {
        console_tell(found, "option not understood: %.64s; ", setup->option);
        return false;
    }
    if (port.baud > UART_BAUD_MAX) {
        console_tell(found, "speed is above %u: %.64s; ", UART_BAUD_MAX, setup->option);
        return false;
    }
    if (choose(found, port, false, "given by option"))
        return true;
    console_tell(found, "no answer from %.64s; ", setup->option);
    return false;
}

/* The table's speed is what firmware has set: the divisor stays as it is. */
static bool find_by_spcr(const struct console_setup *setup, struct console_found *found)
{
    const struct acpi_spcr *spcr = setup->spcr;

    return spcr != NULL && spcr->valid && acpi_is_16550(spcr->interface_type) &&
           choose(found, uart_acpi(&spcr->uart), false, "named by SPCR");
}

static bool find_by_dbg2(const struct console_setup *setup, struct console_found *found)
{
    for (unsigned i = 0; setup->dbg2 != NULL && i < setup->dbg2->count; i++)
        if (choose(found, uart_acpi(&setup->dbg2->uarts[i]), false, "named by DBG2"))
            return true;
    return false;
}

/* Registers in memory stand 1 or 4 bytes apart. A byte that is written where 4 would be right
 * reaches a part of the registers that has no meaning. */
static bool choose_bar(struct console_found *found, const struct pci_function *function,
                       const struct pci_bar *bar, const char *how)
{
    static const uint8_t strides[] = {1, 4};

    if (bar->address == 0 || bar->kind == PCI_BAR_NONE)
        return false;
    if (bar->kind == PCI_BAR_IO)
        return function->io_at_entry &&
               choose(
                   found,
                   (struct uart){.io_port = true, .address = bar->address, .width = 1, .stride = 1},
                   true, how);
    for (size_t i = 0; function->memory_at_entry && i < sizeof(strides); i++)
        if (choose(
                found,
                (struct uart){.address = bar->address, .width = strides[i], .stride = strides[i]},
                true, how))
            return true;
    return false;
}

static bool choose_function(struct console_found *found, const struct pci_function *function,
                            const char *by)
{
    char name[PCI_NAME_LENGTH], how[64];

    if (function->class_code >> 8 != PCI_CLASS_SERIAL ||
        (function->class_code & 0xFF) > PCI_SERIAL_16950)
        return false;
    snprintf(how, sizeof(how), "%s as %s", by, pci_name(function->segment, function->bdf, name));
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (choose_bar(found, function, &function->bars[i], how))
            return true;
    return false;
}

/* A path tells the number of a port on ISA, not its address: the customary one is probed. */
static bool find_by_firmware(const struct console_setup *setup, struct console_found *found)
{
    for (unsigned i = 0; i < setup->firmware_count; i++) {
        const struct console_port *port = &setup->firmware[i];
        uint16_t index;

        if (!port->pci) {
            if (port->com < COM_COUNT &&
                choose(found, uart_com(port->com), true, "firmware's console"))
                return true;
            continue;
        }
        if (setup->functions == NULL)
            continue;
        index = pci_find(setup->functions, port->segment, port->bdf);
        if (index != PCI_NONE &&
            choose_function(found, &setup->functions->functions[index], "firmware's console"))
            return true;
    }
    return false;
}

static bool find_by_pci(const struct console_setup *setup, struct console_found *found)
{
    for (unsigned i = 0; setup->functions != NULL && i < setup->functions->count; i++)
        if (choose_function(found, &setup->functions->functions[i], "found on PCI"))
            return true;
    return false;
}

static bool find_by_probe(const struct console_setup *setup, struct console_found *found)
{
    (void)setup;
    for (unsigned i = 0; i < COM_COUNT; i++)
        if (choose(found, uart_com(i), true, "found by probe"))
            return true;
    return false;
}

void console_look(const struct console_setup *setup, struct console_found *found)
{
    static bool (*const ways[])(const struct console_setup *setup, struct console_found *found) = {
        find_by_option, find_by_spcr, find_by_dbg2, find_by_firmware, find_by_pci, find_by_probe};

    memset(found, 0, sizeof(*found));
    console_tell(found, "console: ");
    if (setup->option != NULL && strcmp(setup->option, "none") == 0) {
        console_tell(found, "no serial port, as the option says");
        return;
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && !found->found; i++)
        found->found = ways[i](setup, found);
    if (!found->found)
        console_tell(found, "no serial port answers");
}
