/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/console.h"

#include "arch/mmio.h"
#include "arch/panic.h"
#include "drivers/console/uart.h"
#include "lib/log.h"
#include "lib/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COM_COUNT (sizeof(com_ports) / sizeof(com_ports[0]))

static const uint16_t com_ports[] = {0x3F8, 0x2F8, 0x3E8, 0x2E8};

static struct uart uart;
static bool serial; /* a port was found */
static char chosen[192];

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

static bool parse_option(const char *text, struct uart *port)
{
    static const struct {
        const char *word;
        bool io_port;
        uint8_t width;
    } spaces[] = {
        {"io,", true, 1}, {"mmio,", false, 1}, {"mmio16,", false, 2}, {"mmio32,", false, 4}};

    memset(port, 0, sizeof(*port));
    if (skip_word(&text, "ttyS")) {
        if (*text < '0' || *text >= '0' + (int)COM_COUNT)
            return false;
        *port = (struct uart){
            .io_port = true, .address = com_ports[*text - '0'], .width = 1, .stride = 1};
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

/* Adds to what `chosen` says already; what does not fit is left out. */
__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    size_t used = strlen(chosen);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(&chosen[used], sizeof(chosen) - used, format, arguments);
    va_end(arguments);
}

static void choose(const struct uart *port, const char *how)
{
    const char *space = port->io_port ? "I/O" : "memory";

    uart = *port;
    for (unsigned i = 0; i < COM_COUNT; i++) {
        if (port->io_port && port->address == com_ports[i]) {
            tell("ttyS%u at %s 0x%" PRIx64 ", %s", i, space, port->address, how);
            return;
        }
    }
    tell("uart8250 at %s 0x%" PRIx64 ", %s", space, port->address, how);
}

static bool find_by_option(const char *option)
{
    struct uart port;

    if (!parse_option(option, &port)) {
        tell("option not understood: %.64s; ", option);
        return false;
    }
    if (!uart_open(&port, false)) {
        tell("no answer from %.64s; ", option);
        return false;
    }
    choose(&port, "given by option");
    return true;
}

static bool find_by_spcr(const struct acpi_spcr *spcr)
{
    struct uart port = {.io_port = spcr->io_port,
                        .address = spcr->address,
                        .width = spcr->width,
                        .stride = spcr->stride};

    /* The table's speed is what firmware has set: the divisor stays as it is. */
    if (!spcr->valid || spcr->interface_type > 1 || !uart_open(&port, false))
        return false;
    choose(&port, "named by SPCR");
    return true;
}

static bool find_by_probe(void)
{
    for (unsigned i = 0; i < COM_COUNT; i++) {
        struct uart port = {.io_port = true, .address = com_ports[i], .width = 1, .stride = 1};

        if (uart_open(&port, true)) {
            choose(&port, "found by probe");
            return true;
        }
    }
    return false;
}

static bool find_port(const struct console_setup *setup)
{
    if (setup->option != NULL && strcmp(setup->option, "none") == 0) {
        tell("no serial port, as the option says");
        return false;
    }
    if ((setup->option != NULL && find_by_option(setup->option)) ||
        (setup->spcr != NULL && find_by_spcr(setup->spcr)) || find_by_probe())
        return true;
    tell("no serial port answers");
    return false;
}

const char *console_find(const struct console_setup *setup)
{
    chosen[0] = '\0';
    tell("console: ");
    serial = find_port(setup);
    return chosen;
}

/* A port that is off is told of once, where that still can be read. */
static void serial_write(const char *text, size_t length)
{
    bool was_off = uart.off;

    if (!uart_write(&uart, text, length) && !was_off)
        log_write(LOG_WARNING, "console", "the serial port takes no more characters: it is off");
}

static void serial_line(void *context, const char *line, size_t length)
{
    (void)context;
    serial_write(line, length);
    serial_write("\n", 1);
}

static void framebuffer_line(void *context, const char *line, size_t length)
{
    (void)context;
    framebuffer_write(line, length);
    framebuffer_write("\n", 1);
}

static void panic_text(const char *text)
{
    size_t length = strlen(text);

    if (serial)
        uart_write(&uart, text, length);
    framebuffer_show();
    framebuffer_write(text, length);
}

static bool open_framebuffer(const struct framebuffer *framebuffer)
{
    struct framebuffer mapped;
    struct mmio window;

    if (framebuffer == NULL || framebuffer->base == 0 || framebuffer->length > SIZE_MAX ||
        !mmio_map_combining(framebuffer->base, (size_t)framebuffer->length, &window))
        return false;
    mapped = *framebuffer;
    mapped.base = window.base;
    return framebuffer_open(&mapped);
}

void console_show(void)
{
    framebuffer_show();
}

void console_early(const char *option)
{
    console_find(&(struct console_setup){.option = option});
    panic_set_writer(panic_text);
}

const char *console_start(const struct console_setup *setup)
{
    bool registered = true;

    console_find(setup);
    if (serial) {
        uart_write(&uart, "\n", 1); /* firmware may have left the cursor in a line */
        registered = log_add_sink(serial_line, NULL);
        record_set_sink(serial_line, NULL);
    }
    if (open_framebuffer(setup->framebuffer)) {
        registered = log_add_sink(framebuffer_line, NULL) && registered;
        tell("; text on the framebuffer");
    }
    if (!registered)
        tell("; a sink is missing");
    panic_set_writer(panic_text);
    return chosen;
}

int console_read(void)
{
    bool was_off = uart.off;
    int byte = serial ? uart_receive(&uart) : -1;

    if (uart.off && !was_off)
        log_write(LOG_WARNING, "console", "the serial port reads all ones: it is off");
    return byte;
}

void console_write(const char *text, size_t length)
{
    if (serial)
        serial_write(text, length);
    framebuffer_write(text, length);
}
