/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The serial port: what is no 16550 is not taken for one; a dead one never stops the caller and is
 * given up once; a live one gets every character in order, never more than fit; settings that
 * nobody asked for stay. The console finds ports in its documented order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/console/console.h"
#include "drivers/console/font.h"
#include "drivers/console/uart.h"

#include "arch/port.h"
#include "lib/log.h"
#include "lib/record.h"
#include "machine.h"

#include <string.h>

const uint8_t console_font[FONT_GLYPHS][FONT_HEIGHT];

enum behaviour {
    WORKS,
    WORKS_WITHOUT_FIFO,
    ABSENT,        /* all ones */
    ALL_ZERO,      /* nothing decoded, but driven low */
    PLAIN_RAM,     /* every register holds what is written */
    NO_LOOPBACK,   /* scratch works, modem inputs do not follow */
    DEAD,          /* a 16550 whose transmitter never empties */
    VANISHES,      /* all ones from the first character on */
    RECOVERS_ONCE, /* busy until a deadline has passed, now and then */
};

/* One fake 16550. `busy` counts the status reads until the transmitter is empty again. */
static struct chip {
    enum behaviour behaviour;
    bool memory; /* else at the I/O port 0x3F8 + 8 * something */
    uint64_t address;
    unsigned stride, width;
    uint8_t ram[8];
    uint8_t divisor[2];
    unsigned fifo, busy;
    bool fifo_on;
    char sent[65536];
    unsigned sent_count, lost, divisor_writes, status_reads;
    uint64_t stuck_until;
    const uint8_t (*input)[2]; /* errors as in LSR, and the byte */
    unsigned input_count;
    bool told; /* a read has cleared the errors of the first */
} chip;

static bool dlab(void)
{
    return (chip.ram[3] & 0x80) != 0;
}

/* Error bits are those of the byte in front, and are cleared by reading them. */
static uint8_t receiver_status(void)
{
    uint8_t errors;

    if (chip.input_count == 0)
        return 0x00;
    errors = chip.told ? 0x00 : chip.input[0][0];
    chip.told = true;
    return 0x01 | errors;
}

static uint8_t receive(void)
{
    if (chip.input_count == 0)
        return 0x00;
    chip.input_count--;
    chip.told = false;
    return (*chip.input++)[1];
}

static uint8_t status(void)
{
    bool stuck = chip.behaviour == DEAD || model_clock_ns() < chip.stuck_until;

    chip.status_reads++;
    if (stuck)
        return 0x00;
    if (chip.busy > 0 && --chip.busy == 0)
        chip.fifo = 0;
    return (chip.fifo == 0 ? 0x60 : 0x00) | receiver_status();
}

static uint8_t modem_status(void)
{
    bool loop = (chip.ram[4] & 0x10) != 0;

    if (chip.behaviour == NO_LOOPBACK || !loop)
        return 0xB0;
    return (uint8_t)((chip.ram[4] & 0x02) << 3 | (chip.ram[4] & 0x01) << 5 |
                     (chip.ram[4] & 0x0C) << 4);
}

static uint8_t chip_read(unsigned index)
{
    switch (chip.behaviour) {
    case ABSENT:
        return 0xFF;
    case ALL_ZERO:
        return 0x00;
    case PLAIN_RAM:
        return chip.ram[index];
    case VANISHES:
        if (chip.sent_count > 0)
            return 0xFF;
        break;
    default:
        break;
    }
    switch (index) {
    case 0:
        return dlab() ? chip.divisor[0] : receive();
    case 1:
        return dlab() ? chip.divisor[index] : chip.ram[index];
    case 2:
        return chip.fifo_on ? 0xC1 : 0x01;
    case 5:
        return status();
    case 6:
        return modem_status();
    default:
        return chip.ram[index];
    }
}

static void transmit(uint8_t value)
{
    unsigned depth = chip.fifo_on ? 16 : 1;

    if ((chip.ram[4] & 0x10) != 0 || chip.fifo == depth) {
        chip.lost++;
        return;
    }
    chip.fifo++;
    chip.busy = 3;
    if (chip.sent_count < sizeof(chip.sent) - 1)
        chip.sent[chip.sent_count++] = (char)value;
    if (chip.behaviour == RECOVERS_ONCE && chip.sent_count % 16 == 0)
        chip.stuck_until = model_clock_ns() + 3 * UART_DEADLINE_NS / 2;
}

static void chip_write(unsigned index, uint8_t value)
{
    if (chip.behaviour == ABSENT || chip.behaviour == ALL_ZERO)
        return;
    if (index <= 1 && dlab()) {
        chip.divisor[index] = value;
        chip.divisor_writes++;
    } else if (index == 0) {
        transmit(value);
    } else if (index == 2) {
        chip.fifo_on = chip.behaviour != WORKS_WITHOUT_FIFO && (value & 1) != 0;
    } else {
        chip.ram[index] = value;
    }
}

static bool selects(bool memory, uint64_t address, unsigned width)
{
    return chip.memory == memory && chip.width == width && address >= chip.address &&
           address < chip.address + 8u * chip.stride && (address - chip.address) % chip.stride == 0;
}

static unsigned index_of(uint64_t address)
{
    return (unsigned)(address - chip.address) / chip.stride;
}

uint8_t port_in8(uint16_t port)
{
    return selects(false, port, 1) ? chip_read(index_of(port)) : 0xFF;
}

void port_out8(uint16_t port, uint8_t value)
{
    if (selects(false, port, 1))
        chip_write(index_of(port), value);
}

uint8_t port_mmio_read8(const struct mmio *window, uint32_t offset)
{
    uint64_t address = window->base + offset;

    return selects(true, address, 1) ? chip_read(index_of(address)) : 0xFF;
}

uint16_t port_mmio_read16(const struct mmio *window, uint32_t offset)
{
    uint64_t address = window->base + offset;

    return selects(true, address, 2) ? (uint16_t)(0xAB00 | chip_read(index_of(address))) : 0xFFFF;
}

void port_mmio_write8(const struct mmio *window, uint32_t offset, uint8_t value)
{
    uint64_t address = window->base + offset;

    if (selects(true, address, 1))
        chip_write(index_of(address), value);
}

void port_mmio_write16(const struct mmio *window, uint32_t offset, uint16_t value)
{
    uint64_t address = window->base + offset;

    if (selects(true, address, 2))
        chip_write(index_of(address), (uint8_t)value);
}

static uint64_t region_read(void *context, uint64_t offset, unsigned width)
{
    (void)context;
    return selects(true, chip.address + offset, width) ? chip_read((unsigned)offset / chip.stride)
                                                       : UINT32_MAX;
}

static void region_write(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    (void)context;
    if (selects(true, chip.address + offset, width))
        chip_write((unsigned)offset / chip.stride, (uint8_t)value);
}

#define MEMORY_UART UINT64_C(0xFE032000)

static void plug(enum behaviour behaviour, bool memory, uint64_t address, unsigned width,
                 unsigned stride)
{
    struct model_region region = {
        .base = address, .length = 64, .read = region_read, .write = region_write};

    model_reset();
    memset(&chip, 0, sizeof(chip));
    chip.behaviour = behaviour;
    chip.memory = memory;
    chip.address = address;
    chip.width = width;
    chip.stride = stride;
    chip.ram[3] = 0x1B; /* 8 data bits, even parity */
    chip.divisor[0] = 12;
    if (memory && width == 4)
        assert_true(model_add_region(&region));
}

static void plug_com1(enum behaviour behaviour)
{
    plug(behaviour, false, 0x3F8, 1, 1);
}

static struct uart com1(void)
{
    return (struct uart){.io_port = true, .address = 0x3F8, .width = 1, .stride = 1};
}

static void test_probe_takes_a_16550_only(void **state)
{
    static const struct {
        enum behaviour behaviour;
        bool found;
    } cases[] = {{WORKS, true},      {WORKS_WITHOUT_FIFO, true}, {ABSENT, false}, {ALL_ZERO, false},
                 {PLAIN_RAM, false}, {NO_LOOPBACK, false},       {DEAD, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct uart uart = com1();

        plug_com1(cases[i].behaviour);
        chip.ram[4] = 0x0B;
        chip.ram[7] = 0x42;
        assert_int_equal(uart_open(&uart, true), cases[i].found);
        assert_int_equal(chip.sent_count + chip.lost, 0);
        assert_int_equal(chip.ram[7], 0x42);
        assert_int_equal(chip.ram[4], cases[i].found ? 0x03 : 0x0B);
    }
}

static void test_without_probe_only_all_ones_is_absent(void **state)
{
    struct uart uart = com1();

    (void)state;
    plug_com1(NO_LOOPBACK);
    assert_true(uart_open(&uart, false));
    plug_com1(ABSENT);
    uart = com1();
    assert_false(uart_open(&uart, false));
}

static void test_line_settings_stay_unless_asked(void **state)
{
    struct uart uart = com1();

    (void)state;
    plug_com1(WORKS);
    assert_true(uart_open(&uart, true));
    assert_int_equal(chip.divisor_writes, 0);
    assert_int_equal(chip.ram[3], 0x1B);

    plug_com1(WORKS);
    chip.ram[3] |= 0x80;
    uart = com1();
    assert_true(uart_open(&uart, true));
    assert_int_equal(chip.divisor_writes, 0);
    assert_int_equal(chip.ram[3], 0x1B);

    plug_com1(WORKS);
    uart = com1();
    uart.baud = 300;
    assert_true(uart_open(&uart, true));
    assert_int_equal(chip.divisor[0] | chip.divisor[1] << 8, 384);
    assert_int_equal(chip.ram[3], 0x03);
}

static void test_impossible_places_are_refused(void **state)
{
    static const struct uart bad[] = {
        {.io_port = true, .address = 0, .width = 1, .stride = 1},
        {.io_port = true, .address = 0xFFF9, .width = 1, .stride = 1},
        {.io_port = true, .address = 0x103F8, .width = 1, .stride = 1},
        {.io_port = true, .address = 0x3F8, .width = 4, .stride = 4},
        {.io_port = true, .address = 0x3F8, .width = 1, .stride = 0},
        {.io_port = true, .address = 0x3F8, .width = 1, .stride = 3},
        {.io_port = true, .address = 0x3F8, .width = 1, .stride = 1, .baud = 115201},
        {.address = 0, .width = 1, .stride = 1},
        {.address = MEMORY_UART + 2, .width = 4, .stride = 4},
        {.address = MEMORY_UART, .width = 4, .stride = 1},
        {.address = MEMORY_UART, .width = 3, .stride = 4},
        {.address = UINT64_MAX - 3, .width = 1, .stride = 1},
        {.address = MODEL_RAM_BASE, .width = 1, .stride = 1},
    };

    (void)state;
    plug_com1(WORKS);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct uart uart = bad[i];
        assert_false(uart_open(&uart, false));
    }
    assert_int_equal(model_violations(), 0);
}

static void send_text(struct uart *uart, const char *expected)
{
    for (unsigned i = 0; i < 10; i++) {
        chip.sent_count = 0;
        assert_true(uart_write(uart, "one line\nand a longer one, over sixteen\n", 40));
        chip.sent[chip.sent_count] = '\0';
        assert_string_equal(chip.sent, expected);
    }
    assert_int_equal(chip.lost, 0);
}

static void test_every_character_arrives_in_order(void **state)
{
    static const struct {
        bool memory;
        uint64_t address;
        uint8_t width, stride;
    } places[] = {{false, 0x2F8, 1, 1},      {false, 0x3F8, 1, 4},      {true, MEMORY_UART, 1, 1},
                  {true, MEMORY_UART, 1, 4}, {true, MEMORY_UART, 2, 2}, {true, MEMORY_UART, 4, 4}};
    static const enum behaviour behaviours[] = {WORKS, WORKS_WITHOUT_FIFO};

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (size_t k = 0; k < 2; k++) {
            struct uart uart = {.io_port = !places[i].memory,
                                .address = places[i].address,
                                .width = places[i].width,
                                .stride = places[i].stride};

            plug(behaviours[k], places[i].memory, places[i].address, places[i].width,
                 places[i].stride);
            assert_true(uart_open(&uart, true));
            send_text(&uart, "one line\r\nand a longer one, over sixteen\r\n");
            assert_int_equal(model_violations(), 0);
        }
    }
}

static void test_fifo_is_used_to_its_depth(void **state)
{
    struct uart uart = com1();
    unsigned before;

    (void)state;
    plug_com1(WORKS);
    assert_true(uart_open(&uart, true));
    before = chip.status_reads;
    assert_true(uart_write(&uart, "0123456789abcdef", 16));
    assert_int_equal(chip.status_reads - before, 1);
    assert_true(uart_write(&uart, "0", 1));
    assert_int_equal(chip.status_reads - before, 4);
}

static void test_dead_port_is_given_up_once(void **state)
{
    static const enum behaviour behaviours[] = {DEAD, VANISHES};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct uart uart = com1();
        uint64_t start;
        unsigned reads;

        plug_com1(behaviours[i]);
        assert_true(uart_open(&uart, true));
        start = model_clock_ns();
        assert_false(uart_write(&uart, "01234567890123456789\n", 21));
        assert_in_range(model_clock_ns() - start, UART_DEADLINE_NS * UART_DEADLINES_MAX,
                        UART_DEADLINE_NS * UART_DEADLINES_MAX * 11 / 10);
        reads = chip.status_reads;
        assert_false(uart_write(&uart, "more\n", 5));
        assert_int_equal(chip.status_reads, reads);
        assert_in_range(chip.sent_count, 0, 16);
    }
}

static void test_single_deadlines_do_not_end_a_port(void **state)
{
    struct uart uart = com1();

    (void)state;
    plug_com1(RECOVERS_ONCE);
    assert_true(uart_open(&uart, true));
    for (unsigned i = 0; i < 50; i++)
        assert_true(uart_write(&uart, "0123456789abcdef", 16));
    assert_in_range(chip.sent_count, 700, 799);
    assert_int_equal(chip.lost, 0);
}

static const uint8_t clean[][2] = {{0, 'a'}, {0, 0x00}, {0, 0xFF}, {0, 'b'}};
static const uint8_t noisy[][2] = {{0x04, 'p'}, {0x00, 'a'}, {0x08, 'f'}, {0x10, 0},
                                   {0x02, 'b'}, {0x80, 'c'}, {0x14, 'x'}};

static void arrive(const uint8_t (*input)[2], unsigned count)
{
    chip.input = input;
    chip.input_count = count;
    chip.told = false;
}

/* Overrun (bit 1) tells of bytes before this one, bit 7 of any byte in the FIFO. */
static void test_bytes_with_line_errors_are_dropped(void **state)
{
    struct uart uart = com1();

    (void)state;
    plug_com1(WORKS);
    assert_true(uart_open(&uart, true));
    assert_int_equal(uart_receive(&uart), -1);
    arrive(clean, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(uart_receive(&uart), clean[i][1]);
    arrive(noisy, 7);
    assert_int_equal(uart_receive(&uart), 'a');
    assert_int_equal(uart_receive(&uart), 'b');
    assert_int_equal(uart_receive(&uart), 'c');
    assert_int_equal(uart_receive(&uart), -1);
    assert_int_equal(chip.input_count, 0);
}

/* The transmitter's status reads clear the errors of a byte that waits. */
static void test_sending_does_not_hide_line_errors(void **state)
{
    struct uart uart = com1();

    (void)state;
    plug_com1(WORKS);
    assert_true(uart_open(&uart, true));
    arrive(noisy, 2);
    assert_true(uart_write(&uart, "prompt", 6));
    assert_int_equal(uart_receive(&uart), 'a');
    assert_int_equal(uart_receive(&uart), -1);
}

static void test_a_flood_of_errors_ends(void **state)
{
    static const uint8_t flood[100][2] = {[0 ... 99] = {0x08, 'x'}};
    struct uart uart = com1();

    (void)state;
    plug_com1(WORKS);
    assert_true(uart_open(&uart, true));
    arrive(flood, 100);
    assert_int_equal(uart_receive(&uart), -1);
    assert_int_equal(chip.input_count, 84);
}

static void test_receiving_from_a_port_that_is_gone(void **state)
{
    struct uart uart = com1();
    unsigned reads;

    (void)state;
    plug_com1(WORKS);
    assert_true(uart_open(&uart, true));
    chip.behaviour = ABSENT;
    assert_int_equal(uart_receive(&uart), -1);
    assert_true(uart.off);
    chip.behaviour = WORKS;
    reads = chip.status_reads;
    arrive(clean, 4);
    assert_int_equal(uart_receive(&uart), -1);
    assert_int_equal(chip.status_reads, reads);
}

static const char *find(const char *option, const struct acpi_spcr *spcr)
{
    struct console_setup setup = {.option = option, .spcr = spcr};

    return console_find(&setup);
}

static void test_console_finds_by_probe(void **state)
{
    (void)state;
    plug_com1(WORKS);
    assert_string_equal(find(NULL, NULL), "console: ttyS0 at I/O 0x3f8, found by probe");
    plug(WORKS, false, 0x2E8, 1, 1);
    assert_string_equal(find(NULL, NULL), "console: ttyS3 at I/O 0x2e8, found by probe");
    plug_com1(NO_LOOPBACK);
    assert_string_equal(find(NULL, NULL), "console: no serial port answers");
}

static void test_console_follows_the_option(void **state)
{
    (void)state;
    plug(WORKS, false, 0x2F8, 1, 1);
    assert_string_equal(find("ttyS1", NULL), "console: ttyS1 at I/O 0x2f8, given by option");
    assert_int_equal(chip.divisor_writes, 0);
    assert_string_equal(find("ttyS1,115200n8", NULL),
                        "console: ttyS1 at I/O 0x2f8, given by option");
    assert_int_equal(chip.divisor[0], 1);
    assert_string_equal(find("uart8250,io,0x2f8,9600", NULL),
                        "console: ttyS1 at I/O 0x2f8, given by option");
    assert_int_equal(chip.divisor[0], 12);
    assert_string_equal(find("none", NULL), "console: no serial port, as the option says");

    plug(WORKS, true, MEMORY_UART, 4, 4);
    assert_string_equal(find("uart8250,mmio32,0xfe032000", NULL),
                        "console: uart8250 at memory 0xfe032000, given by option");
    console_early("uart8250,mmio32,0xfe032000"); /* not while the page tables change */
    console_write("early", 5);
    assert_int_equal(chip.sent_count, 0);
    plug(WORKS, true, MEMORY_UART, 1, 1);
    assert_string_equal(find("uart,0xfe032000", NULL),
                        "console: uart8250 at memory 0xfe032000, given by option");
    assert_string_equal(find("uart8250,mmio,0xfe032000,115200", NULL),
                        "console: uart8250 at memory 0xfe032000, given by option");
}

static void test_console_survives_a_bad_option(void **state)
{
    static const char *const bad[] = {"",
                                      "ttyS",
                                      "ttyS4",
                                      "ttyS0,",
                                      "ttyS0,fast",
                                      "ttyS0,115200e7",
                                      "ttyS0,0",
                                      "ttyS0,99999999999999999999999",
                                      "ttyS0x",
                                      "uart8250",
                                      "uart8250,io,",
                                      "uart8250,io,-1",
                                      "uart8250,port,0x3f8",
                                      "uart8250,io,0x3f8,,",
                                      "nonesuch",
                                      "vga"};

    (void)state;
    plug_com1(WORKS);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *text = find(bad[i], NULL);
        assert_non_null(strstr(text, "option not understood"));
        assert_non_null(strstr(text, "ttyS0 at I/O 0x3f8, found by probe"));
    }
    assert_string_equal(find("ttyS1", NULL), "console: no answer from ttyS1; ttyS0 at I/O 0x3f8, "
                                             "found by probe");
    assert_non_null(strstr(find("uart8250,io,0xffffffffffffffffff", NULL), "found by probe"));
    assert_string_equal(find("ttyS0,230400", NULL),
                        "console: speed is above 115200: ttyS0,230400; ttyS0 at I/O 0x3f8, "
                        "found by probe");
    assert_int_equal(chip.divisor_writes, 0);
}

static void test_console_follows_spcr(void **state)
{
    struct acpi_spcr spcr = {.valid = true,
                             .uart = {.io_port = true, .address = 0x2F8, .width = 1, .stride = 1}};

    (void)state;
    plug(NO_LOOPBACK, false, 0x2F8, 1, 1);
    assert_string_equal(find(NULL, &spcr), "console: ttyS1 at I/O 0x2f8, named by SPCR");
    assert_int_equal(chip.divisor_writes, 0);

    plug_com1(WORKS);
    assert_string_equal(find(NULL, &spcr), "console: ttyS0 at I/O 0x3f8, found by probe");
    spcr.uart.address = 0x3F8;
    spcr.interface_type = 3;
    assert_string_equal(find(NULL, &spcr), "console: ttyS0 at I/O 0x3f8, found by probe");
    spcr.interface_type = 0x12;
    assert_string_equal(find(NULL, &spcr), "console: ttyS0 at I/O 0x3f8, named by SPCR");
    spcr.interface_type = 0;
    spcr.valid = false;
    assert_string_equal(find(NULL, &spcr), "console: ttyS0 at I/O 0x3f8, found by probe");
}

static void test_console_follows_dbg2(void **state)
{
    const struct acpi_dbg2 dbg2 = {
        .uarts = {{.io_port = true, .address = 0x2F8, .width = 1, .stride = 1},
                  {.address = MEMORY_UART, .width = 4, .stride = 4}},
        .count = 2};
    const struct console_setup setup = {.dbg2 = &dbg2};

    (void)state;
    plug(NO_LOOPBACK, false, 0x2F8, 1, 1);
    assert_string_equal(console_find(&setup), "console: ttyS1 at I/O 0x2f8, named by DBG2");
    plug(NO_LOOPBACK, true, MEMORY_UART, 4, 4);
    assert_string_equal(console_find(&setup),
                        "console: uart8250 at memory 0xfe032000, named by DBG2");
    assert_int_equal(chip.divisor_writes, 0);
    plug_com1(WORKS);
    assert_string_equal(console_find(&setup), "console: ttyS0 at I/O 0x3f8, found by probe");
}

static struct pci_inventory inventory;

static struct pci_function *serial_function(enum pci_bar_kind kind, uint64_t address)
{
    struct pci_function *function = &inventory.functions[1];

    memset(&inventory, 0, sizeof(inventory));
    inventory.count = 2;
    inventory.functions[0].class_code = 0x060000;
    *function = (struct pci_function){.bdf = PCI_BDF(0, 3, 0),
                                      .class_code = 0x070002,
                                      .io_at_entry = true,
                                      .memory_at_entry = true};
    function->bars[2] = (struct pci_bar){.kind = kind, .address = address};
    return function;
}

static void test_console_finds_serial_controllers(void **state)
{
    const struct console_setup setup = {.functions = &inventory};
    struct pci_function *function;

    (void)state;
    plug(WORKS, false, 0xC050, 1, 1);
    function = serial_function(PCI_BAR_IO, 0xC050);
    assert_string_equal(console_find(&setup),
                        "console: uart8250 at I/O 0xc050, found on PCI as 00:03.0");
    function->class_code = 0x070300;
    assert_string_equal(console_find(&setup), "console: no serial port answers");
    function = serial_function(PCI_BAR_IO, 0xC050);
    function->io_at_entry = false;
    assert_string_equal(console_find(&setup), "console: no serial port answers");

    plug(WORKS, true, MEMORY_UART, 4, 4);
    function = serial_function(PCI_BAR_MEMORY, MEMORY_UART);
    assert_string_equal(console_find(&setup),
                        "console: uart8250 at memory 0xfe032000, found on PCI as 00:03.0");
    function->memory_at_entry = false;
    assert_string_equal(console_find(&setup), "console: no serial port answers");
    plug(NO_LOOPBACK, true, MEMORY_UART, 1, 1);
    serial_function(PCI_BAR_MEMORY, MEMORY_UART);
    assert_string_equal(console_find(&setup), "console: no serial port answers");
    serial_function(PCI_BAR_MEMORY, 0);
    assert_string_equal(console_find(&setup), "console: no serial port answers");
}

static void test_console_follows_firmware(void **state)
{
    static const struct console_port ports[] = {{.com = 9},
                                                {.pci = true, .bdf = PCI_BDF(0, 9, 0)},
                                                {.pci = true, .bdf = PCI_BDF(0, 3, 0)},
                                                {.com = 1}};
    struct console_setup setup = {.firmware = ports, .firmware_count = 4, .functions = &inventory};

    (void)state;
    serial_function(PCI_BAR_IO, 0xC050);
    plug(WORKS, false, 0xC050, 1, 1);
    assert_string_equal(console_find(&setup),
                        "console: uart8250 at I/O 0xc050, firmware's console as 00:03.0");
    plug(WORKS, false, 0x2F8, 1, 1);
    assert_string_equal(console_find(&setup), "console: ttyS1 at I/O 0x2f8, firmware's console");
    setup.functions = NULL;
    assert_string_equal(console_find(&setup), "console: ttyS1 at I/O 0x2f8, firmware's console");
    plug(NO_LOOPBACK, false, 0x2F8, 1, 1);
    assert_string_equal(console_find(&setup), "console: no serial port answers");
}

/* One chip at the place that all ways name: the first way tells. */
static void test_console_asks_in_order(void **state)
{
    static const char *const how[] = {"given by option", "named by SPCR", "named by DBG2",
                                      "firmware's console", "found by probe"};
    static const struct console_port port = {.com = 0};
    const struct acpi_uart com = {.io_port = true, .address = 0x3F8, .width = 1, .stride = 1};
    const struct acpi_spcr spcr = {.valid = true, .uart = com};
    const struct acpi_dbg2 dbg2 = {.uarts = {com}, .count = 1};
    struct console_setup setup = {
        .option = "ttyS0", .spcr = &spcr, .dbg2 = &dbg2, .firmware = &port, .firmware_count = 1};

    (void)state;
    plug_com1(WORKS);
    for (unsigned i = 0; i < 5; i++) {
        assert_non_null(strstr(console_find(&setup), how[i]));
        setup.option = NULL;
        setup.spcr = i >= 1 ? NULL : setup.spcr;
        setup.dbg2 = i >= 2 ? NULL : setup.dbg2;
        setup.firmware_count = i >= 3 ? 0 : 1;
    }
}

static unsigned notes;

static void count_notes(void *context, const char *line, size_t length)
{
    (void)context;
    if (strstr(line, "it is off") != NULL && length > 0)
        notes++;
}

/* Registers sinks for good: runs last. */
static void test_log_and_records_share_the_port(void **state)
{
    struct console_setup setup = {.option = NULL};

    (void)state;
    plug_com1(WORKS);
    assert_true(log_add_sink(count_notes, NULL));
    assert_string_equal(console_start(&setup), "console: ttyS0 at I/O 0x3f8, found by probe");
    log_line("first");
    record_begin("start");
    record_end();
    chip.sent[chip.sent_count] = '\0';
    assert_string_equal(chip.sent, "\r\nfirst\r\n@json {\"record\":\"start\"}\r\n");

    chip.sent_count = 0;
    console_write("> \n", 3);
    chip.sent[chip.sent_count] = '\0';
    assert_string_equal(chip.sent, "> \r\n");
    arrive(clean, 1);
    assert_int_equal(console_read(), 'a');
    assert_int_equal(console_read(), -1);

    chip.behaviour = DEAD;
    for (unsigned i = 0; i < 40; i++)
        log_line("line %u of text for a dead port", i);
    assert_int_equal(notes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_takes_a_16550_only),
        cmocka_unit_test(test_without_probe_only_all_ones_is_absent),
        cmocka_unit_test(test_line_settings_stay_unless_asked),
        cmocka_unit_test(test_impossible_places_are_refused),
        cmocka_unit_test(test_every_character_arrives_in_order),
        cmocka_unit_test(test_fifo_is_used_to_its_depth),
        cmocka_unit_test(test_dead_port_is_given_up_once),
        cmocka_unit_test(test_single_deadlines_do_not_end_a_port),
        cmocka_unit_test(test_bytes_with_line_errors_are_dropped),
        cmocka_unit_test(test_sending_does_not_hide_line_errors),
        cmocka_unit_test(test_a_flood_of_errors_ends),
        cmocka_unit_test(test_receiving_from_a_port_that_is_gone),
        cmocka_unit_test(test_console_finds_by_probe),
        cmocka_unit_test(test_console_follows_the_option),
        cmocka_unit_test(test_console_survives_a_bad_option),
        cmocka_unit_test(test_console_follows_spcr),
        cmocka_unit_test(test_console_follows_dbg2),
        cmocka_unit_test(test_console_finds_serial_controllers),
        cmocka_unit_test(test_console_follows_firmware),
        cmocka_unit_test(test_console_asks_in_order),
        cmocka_unit_test(test_log_and_records_share_the_port),
    };

    return cmocka_run_group_tests_name("uart", tests, NULL, NULL);
}
