/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/panic.h"

#include "arch/memory.h"
#include "arch/time.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
#include "lib/lock.h"
#include "lib/log.h"

#include <stddef.h>

/*
 * The panic screen. It may run on any stack, with the heap, a lock or the C library's state broken:
 * it uses none of them. What matters most comes first.
 */
_Static_assert(sizeof(struct panic_registers) == 192, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, rsp) == 56, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, r15) == 120, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, rip) == 128, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, rflags) == 136, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, cr0) == 144, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, cr4) == 168, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, vector) == 176, "trap_entry.S");
_Static_assert(offsetof(struct panic_registers, error_code) == 184, "trap_entry.S");

#define LINE_LENGTH   160u
#define BACKTRACE_MAX 32u
#define LOG_LINES     32u
#define NOTE_HEADER   16u
#define NESTED_MAX    2u /* panics that still print */

static void (*writer)(const char *text);
static void (*show_state)(void);
static void (*run_shell)(void);
static enum panic_end end = PANIC_HALT;
static unsigned end_seconds;
static unsigned depth; /* panics so far */
static uint64_t characters;
static char line[LINE_LENGTH + 2];
static size_t used;

void panic_set_writer(void (*write)(const char *text))
{
    writer = write;
}

void panic_set_state(void (*show)(void))
{
    show_state = show;
}

void panic_set_end(enum panic_end new_end, unsigned seconds)
{
    end = new_end;
    end_seconds = seconds;
}

void panic_set_shell(void (*run)(void))
{
    run_shell = run;
}

void panic_put(const char *text)
{
    while (*text != '\0' && used < LINE_LENGTH) {
        line[used++] = *text++;
    }
}

void panic_put_hex(uint64_t value, unsigned digits)
{
    while (digits > 0 && used < LINE_LENGTH) {
        digits--;
        line[used++] = "0123456789abcdef"[value >> (4 * digits) & 15];
    }
}

static void put_decimal(uint64_t value)
{
    if (value >= 10) {
        put_decimal(value / 10);
    }
    if (used < LINE_LENGTH) {
        line[used++] = (char)('0' + value % 10);
    }
}

void panic_end_line(void)
{
    line[used++] = '\n';
    line[used] = '\0';
    characters += used;
    used = 0;
    if (writer != NULL) {
        writer(line);
    }
}

/* Addresses of code are told relative to the image, as its symbols are. */
static void put_code(uint64_t address)
{
    if (image_contains(address)) {
        panic_put("image+0x");
        panic_put_hex(address - image_address(image_begin), 8);
    } else {
        panic_put("0x");
        panic_put_hex(address, 16);
    }
}

static const struct {
    enum panic_code code;
    const char *name, *sentence, *parameters;
} stops[] = {
#define STOP_ROW(code, name, sentence, parameters) {PANIC_##name, #name, sentence, parameters},
    PANIC_STOPS(STOP_ROW)
#undef STOP_ROW
};

static void put_heading(enum panic_code code, const char *reason)
{
    const char *name = "UNKNOWN";

    for (unsigned i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        if (stops[i].code == code) {
            name = stops[i].name;
        }
    }
    panic_end_line(); /* it may have struck within a line */
    panic_put("*** PANIC ");
    put_decimal(code);
    panic_put(" ");
    panic_put(name);
    panic_put(": ");
    panic_put(reason);
    panic_end_line();
}

static void put_values(enum panic_code code, const uint64_t values[4])
{
    panic_put("parameters");
    for (unsigned i = 0; i < 4; i++) {
        panic_put(" 0x");
        panic_put_hex(values[i], 16);
    }
    panic_end_line();
    for (unsigned i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        if (stops[i].code == code) {
            panic_put("that is: ");
            panic_put(stops[i].sentence);
            panic_put("; parameters: ");
            panic_put(stops[i].parameters);
            panic_end_line();
        }
    }
}

struct named_value {
    const char *name;
    uint64_t value;
};

static void put_registers(const struct panic_registers *r)
{
    const struct named_value values[] = {
        {"rax ", r->rax},    {" rbx ", r->rbx},    {" rcx ", r->rcx},        {" rdx ", r->rdx},
        {"rsi ", r->rsi},    {" rdi ", r->rdi},    {" rbp ", r->rbp},        {" rsp ", r->rsp},
        {"r8  ", r->r8},     {" r9  ", r->r9},     {" r10 ", r->r10},        {" r11 ", r->r11},
        {"r12 ", r->r12},    {" r13 ", r->r13},    {" r14 ", r->r14},        {" r15 ", r->r15},
        {"cr0 ", r->cr0},    {" cr2 ", r->cr2},    {" cr3 ", r->cr3},        {" cr4 ", r->cr4},
        {"rfl ", r->rflags}, {" vec ", r->vector}, {" err ", r->error_code}, {" rip ", r->rip},
    };

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        panic_put(values[i].name);
        panic_put_hex(values[i].value, 16);
        if (i % 4 == 3) {
            panic_end_line();
        }
    }
    panic_put("image base 0x");
    panic_put_hex(image_address(image_begin), 16);
    panic_put(", build ");
    for (uint64_t at = image_address(image_build_id_begin) + NOTE_HEADER;
         at < image_address(image_build_id_end); at++) {
        panic_put_hex(*(const uint8_t *)(uintptr_t)at, 2);
    }
    panic_put(", at ");
    put_code(r->rip);
    panic_end_line();
}

/* True when the two words of a frame record can be read: RAM that is mapped, or the image before
 * there are page tables of our own. */
static bool is_frame(uint64_t frame)
{
    if (frame == 0 || frame % 8 != 0 || frame > UINT64_MAX - 16) {
        return false;
    }
    if (memory_virtual(frame) == NULL) {
        return image_contains(frame) && image_contains(frame + 15);
    }
    return x86_access_at(frame).present && x86_access_at(frame + 15).present;
}

/* Frame records on one stack lie at growing addresses. */
static void put_backtrace(uint64_t frame)
{
    for (unsigned i = 0; i < BACKTRACE_MAX && is_frame(frame); i++) {
        const uint64_t *record = (const uint64_t *)(uintptr_t)frame;

        panic_put("  called from ");
        put_code(record[1]);
        panic_end_line();
        if (record[0] <= frame) {
            return;
        }
        frame = record[0];
    }
}

static void put_log_line(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length && used < LINE_LENGTH; i++) {
        line[used++] = text[i];
    }
    panic_end_line();
}

static void put_details(const struct panic_registers *registers)
{
    put_registers(registers);
    put_backtrace(registers->rbp);
    panic_put("last log lines:");
    panic_end_line();
    log_replay(LOG_LINES, put_log_line, NULL);
    if (show_state != NULL) {
        show_state();
    }
}

/* How much of the time is the line's own depends on its speed: the count tells. */
static void put_cost(uint64_t start)
{
    panic_put("panic told in ");
    put_decimal(characters);
    panic_put(" characters and ");
    put_decimal((time_ns() - start) / NS_PER_US);
    panic_put(" us");
    panic_end_line();
}

static _Noreturn void reboot(bool quiet)
{
    if (!quiet) {
        panic_put("*** reboot in ");
        put_decimal(end_seconds);
        panic_put(" s");
        panic_end_line();
    }
    x86_pass(end_seconds * NS_PER_S);
    x86_reset();
}

static _Noreturn void finish(unsigned level)
{
    bool quiet = level >= NESTED_MAX;

    if (end == PANIC_REBOOT) {
        reboot(quiet);
    }
    if (end == PANIC_SHELL && level == 0 && run_shell != NULL) {
        panic_put("*** shell");
        panic_end_line();
        run_shell();
    }
    if (!quiet) {
        panic_put("*** halted");
        panic_end_line();
    }
    x86_halt();
}

void panic_report(enum panic_code code, const char *reason, const uint64_t values[4],
                  const struct panic_registers *registers)
{
    uint64_t start = time_ns();
    unsigned level = depth++;

    lock_void = true;
    used = 0;
    if (level < NESTED_MAX) {
        put_heading(code, reason);
        put_values(code, values);
    }
    if (level == 0) {
        put_details(registers);
        put_cost(start);
    }
    finish(level);
}

/* panic() has just been called: its arguments are still in their registers. */
void panic_called(const struct panic_registers *registers)
{
    const char *reason = (const char *)(uintptr_t)registers->rsi;
    const uint64_t values[4] = {registers->rdx, registers->rcx, registers->r8, registers->r9};

    panic_report((enum panic_code)(uint32_t)registers->rdi, reason != NULL ? reason : "", values,
                 registers);
}
