/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_CONSOLE_UART_H
#define DRIVERS_CONSOLE_UART_H

#include "arch/mmio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * 16550 UART, polled. Source: PC16550D data sheet, "Registers".
 * Nothing here waits without bound: a port whose transmitter stays busy over
 * UART_DEADLINES_MAX deadlines in a row is off for good.
 */
#define UART_DEADLINE_NS   UINT64_C(100000000) /* 16 characters at 1,600 baud */
#define UART_DEADLINES_MAX 3
#define UART_BAUD_MAX      115200u

struct uart {
    /* Where it is: filled by the caller. */
    bool io_port; /* else memory-mapped */
    uint64_t address;
    uint8_t width;  /* bytes of one access: 1, 2, 4; 1 for I/O ports */
    uint8_t stride; /* bytes from register to register */
    uint32_t baud;  /* 0: line settings stay as they are; else baud, 8 data bits, no parity */
    /* State: zero before uart_open(). */
    struct mmio window;
    uint8_t depth; /* characters that fit when the transmitter is empty */
    uint8_t room;  /* of them, how many fit now */
    uint8_t expired;
    uint8_t errors; /* of the byte that comes next, seen while sending */
    bool off;
};

/* Sets the port up: no interrupts, FIFO on. With `probe` it must first pass a presence test
 * (scratch register, then loopback) that sends nothing; without, it must only not read all ones.
 * False: no such port, or a width, stride or address that cannot be; nothing is sent to it. */
bool uart_open(struct uart *uart, bool probe) __attribute__((warn_unused_result));

/* Sends text, LF as CR LF. What a dead transmitter does not take is lost. False: the port is off.
 * Context: any; takes no lock. */
bool uart_write(struct uart *uart, const char *text, size_t length);

/* The next byte that was received; -1: none. Bytes with a parity, framing or break error are
 * dropped, and what an overrun lost is lost; a port that reads all ones is off. Never waits. */
int uart_receive(struct uart *uart);

#endif
