/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/console/uart.h"

#include "arch/port.h"
#include "arch/time.h"

/* Register indices. The first two are the divisor while LCR.DLAB is set. */
#define UART_RBR        0u /* receiver buffer, when read */
#define UART_THR        0u /* transmitter holding, when written */
#define UART_IER        1u /* interrupt enable */
#define UART_DLL        0u /* divisor, low */
#define UART_DLM        1u /* divisor, high */
#define UART_IIR        2u /* interrupt identification, when read */
#define UART_FCR        2u /* FIFO control, when written */
#define UART_LCR        3u /* line control */
#define UART_MCR        4u /* modem control */
#define UART_LSR        5u /* line status */
#define UART_MSR        6u /* modem status */
#define UART_SCR        7u /* scratch */
#define REGISTERS       8u

#define FCR_ENABLE      0x01u
#define IIR_FIFO_ON     0xC0u
#define LCR_8N1         0x03u
#define LCR_DLAB        0x80u
#define MCR_DTR         0x01u
#define MCR_RTS         0x02u
#define MCR_OUT2        0x08u
#define MCR_LOOP        0x10u
#define LSR_DR          0x01u /* data ready */
#define LSR_ERRORS      0x1Cu /* parity, framing, break: of the byte that is ready */
#define LSR_THRE        0x20u
#define MSR_INPUTS      0xF0u
#define MSR_CTS_AND_DCD 0x90u /* what RTS and OUT2 come back as in loopback */

#define ALL_ONES        0xFFu
#define FIFO_DEPTH      16u
#define MAPPED_ADDRESS  (UINT64_C(1) << 52)
#define POLLS_MAX       (1u << 20) /* ends a wait too while the clock does not run yet */

static uint8_t uart_read(const struct uart *uart, unsigned index)
{
    uint32_t offset = index * uart->stride;

    if (uart->io_port)
        return port_in8((uint16_t)(uart->address + offset));
    switch (uart->width) {
    case 1:
        return port_mmio_read8(&uart->window, offset);
    case 2:
        return (uint8_t)port_mmio_read16(&uart->window, offset);
    default:
        return (uint8_t)mmio_read32(&uart->window, (reg32_t){offset});
    }
}

static void uart_store(const struct uart *uart, unsigned index, uint8_t value)
{
    uint32_t offset = index * uart->stride;

    if (uart->io_port) {
        port_out8((uint16_t)(uart->address + offset), value);
        return;
    }
    switch (uart->width) {
    case 1:
        port_mmio_write8(&uart->window, offset, value);
        break;
    case 2:
        port_mmio_write16(&uart->window, offset, value);
        break;
    default:
        mmio_write32(&uart->window, (reg32_t){offset}, value);
        break;
    }
}

static bool power_of_two_to_4(unsigned value)
{
    return value == 1 || value == 2 || value == 4;
}

static bool uart_map(struct uart *uart)
{
    uint64_t length = (uint64_t)uart->stride * REGISTERS;

    if (!power_of_two_to_4(uart->stride) || !power_of_two_to_4(uart->width) ||
        uart->width > uart->stride || uart->address == 0 || uart->baud > UART_BAUD_MAX)
        return false;
    if (uart->io_port)
        return uart->width == 1 && uart->address <= UINT16_MAX - (length - 1);
    return uart->address % uart->width == 0 && uart->address < MAPPED_ADDRESS &&
           mmio_map(uart->address, (size_t)length, &uart->window);
}

static bool scratch_holds(const struct uart *uart)
{
    uint8_t before = uart_read(uart, UART_SCR);
    bool holds;

    uart_store(uart, UART_SCR, 0x5A);
    holds = uart_read(uart, UART_SCR) == 0x5A;
    uart_store(uart, UART_SCR, 0xA5);
    holds = holds && uart_read(uart, UART_SCR) == 0xA5;
    uart_store(uart, UART_SCR, before);
    return holds;
}

/* In loopback the modem outputs arrive at the modem inputs, and nothing leaves the chip. */
static bool loopback_answers(const struct uart *uart)
{
    uint8_t before = uart_read(uart, UART_MCR);
    uint8_t inputs;

    uart_store(uart, UART_MCR, MCR_LOOP | MCR_OUT2 | MCR_RTS);
    inputs = uart_read(uart, UART_MSR) & MSR_INPUTS;
    uart_store(uart, UART_MCR, before);
    return inputs == MSR_CTS_AND_DCD;
}

static void set_baud(const struct uart *uart)
{
    uint32_t divisor = UART_BAUD_MAX / uart->baud;

    uart_store(uart, UART_LCR, LCR_DLAB | LCR_8N1);
    uart_store(uart, UART_DLL, (uint8_t)divisor);
    uart_store(uart, UART_DLM, (uint8_t)(divisor >> 8));
    uart_store(uart, UART_LCR, LCR_8N1);
}

bool uart_open(struct uart *uart, bool probe)
{
    uint8_t line_control;

    if (!uart_map(uart) || uart_read(uart, UART_LSR) == ALL_ONES)
        return false;
    if (probe && !(scratch_holds(uart) && loopback_answers(uart)))
        return false;

    line_control = uart_read(uart, UART_LCR);
    if ((line_control & LCR_DLAB) != 0)
        uart_store(uart, UART_LCR, (uint8_t)(line_control & ~LCR_DLAB));
    if (uart->baud != 0)
        set_baud(uart);
    uart_store(uart, UART_IER, 0);
    uart_store(uart, UART_FCR, FCR_ENABLE);
    uart_store(uart, UART_MCR, MCR_DTR | MCR_RTS);
    uart->depth = (uart_read(uart, UART_IIR) & IIR_FIFO_ON) == IIR_FIFO_ON ? FIFO_DEPTH : 1;
    return true;
}

struct poll {
    struct uart *uart;
    uint32_t left;
    bool empty;
};

/* Reading it clears the errors in it: they are kept for the byte that they belong to. */
static uint8_t line_status(struct uart *uart)
{
    uint8_t status = uart_read(uart, UART_LSR);

    if (status != ALL_ONES)
        uart->errors |= status & LSR_ERRORS;
    return status;
}

static bool transmitter_polled(void *context)
{
    struct poll *poll = context;
    uint8_t status = line_status(poll->uart);

    poll->empty = status != ALL_ONES && (status & LSR_THRE) != 0;
    return poll->empty || --poll->left == 0;
}

static bool transmitter_empty(struct uart *uart)
{
    struct poll poll = {.uart = uart, .left = POLLS_MAX};

    return wait_until(transmitter_polled, &poll, UART_DEADLINE_NS) && poll.empty;
}

static void uart_send(struct uart *uart, char c)
{
    if (uart->room == 0) {
        if (!transmitter_empty(uart)) {
            uart->off = ++uart->expired == UART_DEADLINES_MAX;
            return;
        }
        uart->expired = 0;
        uart->room = uart->depth;
    }
    uart_store(uart, UART_THR, (uint8_t)c);
    uart->room--;
}

bool uart_write(struct uart *uart, const char *text, size_t length)
{
    for (size_t i = 0; i < length && !uart->off; i++) {
        if (text[i] == '\n')
            uart_send(uart, '\r');
        if (!uart->off)
            uart_send(uart, text[i]);
    }
    return !uart->off;
}

int uart_receive(struct uart *uart)
{
    for (unsigned i = 0; i < FIFO_DEPTH && !uart->off; i++) {
        uint8_t status = line_status(uart);
        uint8_t byte;

        uart->off = status == ALL_ONES;
        if (uart->off || (status & LSR_DR) == 0)
            return -1;
        byte = uart_read(uart, UART_RBR);
        if (uart->errors == 0)
            return byte;
        uart->errors = 0;
    }
    return -1;
}
