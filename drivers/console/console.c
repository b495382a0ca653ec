/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/console.h"

#include "arch/mmio.h"
#include "arch/panic.h"
#include "drivers/console/find.h"
#include "lib/log.h"
#include "lib/record.h"

#include <string.h>

static struct console_found port;

const char *console_find(const struct console_setup *setup)
{
    console_look(setup, &port);
    return port.text;
}

/* A port that is off is told of once, where that still can be read. */
static void serial_write(const char *text, size_t length)
{
    bool was_off = port.uart.off;

    if (!uart_write(&port.uart, text, length) && !was_off)
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

    if (port.found)
        uart_write(&port.uart, text, length);
    framebuffer_hold();
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
    port.found = port.found && port.uart.io_port; /* page tables change before console_start() */
    panic_set_writer(panic_text);
}

const char *console_start(const struct console_setup *setup)
{
    bool registered = true;

    console_find(setup);
    if (port.found) {
        uart_write(&port.uart, "\n", 1); /* firmware may have left the cursor in a line */
        registered = log_add_sink(serial_line, NULL);
        record_set_sink(serial_line, NULL);
    }
    if (open_framebuffer(setup->framebuffer)) {
        registered = log_add_sink(framebuffer_line, NULL) && registered;
        console_tell(&port, "; text on the framebuffer");
    }
    if (!registered)
        console_tell(&port, "; a sink is missing");
    panic_set_writer(panic_text);
    return port.text;
}

int console_read(void)
{
    bool was_off = port.uart.off;
    int byte = port.found ? uart_receive(&port.uart) : -1;

    if (port.uart.off && !was_off)
        log_write(LOG_WARNING, "console", "the serial port reads all ones: it is off");
    return byte;
}

void console_write(const char *text, size_t length)
{
    if (port.found)
        serial_write(text, length);
    framebuffer_write(text, length);
}
