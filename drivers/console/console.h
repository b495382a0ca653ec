/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_CONSOLE_H
#define DRIVERS_CONSOLE_CONSOLE_H

#include "drivers/acpi/acpi.h"
#include "drivers/console/framebuffer.h"
#include "drivers/pci/pci.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The console: a serial port for log and records, the framebuffer for the log, both for a panic.
 *
 * The port is the first that answers of: the option console=, SPCR, DBG2, the ports of firmware's
 * own console, serial controllers on PCI, COM1 to COM4, none. The option is ttyS0 to ttyS3;
 * uart8250,io,0x3f8; uart8250,mmio,ADDRESS, uart8250,mmio16,ADDRESS or uart8250,mmio32,ADDRESS;
 * each with ",115200" or ",115200n8" behind it if the speed is to be set; or none. No other way
 * changes the speed.
 */
struct console_setup {
    const char *option;           /* the value of console=; NULL: not given */
    const struct acpi_spcr *spcr; /* NULL: none */
    const struct acpi_dbg2 *dbg2; /* NULL: none */
    const struct console_port *firmware;
    unsigned firmware_count;
    const struct pci_inventory *functions; /* at entry; NULL: unknown */
    /* Its base is physical and gets mapped here; NULL or base 0: none. */
    const struct framebuffer *framebuffer;
};

/* A port that firmware's console is on, as its device path names it. */
struct console_port {
    bool pci;
    unsigned com; /* not on PCI: 0 for COM1 */
    uint16_t segment;
    pci_bdf_t bdf;
};

/* Opens the port. Returns what was chosen and how it was found, for the first line of the console:
 * "console: ttyS0 at I/O 0x3f8, found by probe". */
const char *console_find(const struct console_setup *setup);

/* Before mmio_map() works: a panic shows on the port that the option names or a probe finds, if
 * that is one of I/O. */
void console_early(const char *option);

/* console_find(), then registers the sinks of log and records and the panic writer, and returns the
 * same text. Called once, when mmio_map() works; the clock may still stand. */
const char *console_start(const struct console_setup *setup);

/* The serial port has each line at once. The framebuffer has them from here on, or from a panic on:
 * millions of pixels take long while any device may reach all of memory. */
void console_show(void);

/* The next byte that came in on the serial port; -1: none. Never waits; bytes with line errors are
 * dropped. Task context. */
int console_read(void);

/* Text for the person, beside the log (prompt, output of commands): serial port and, when shown,
 * the framebuffer. LF becomes CR LF on the line; the framebuffer follows CR, BS and CSI K. */
void console_write(const char *text, size_t length);

#endif
