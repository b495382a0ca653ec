/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/panic.h"

#include "arch/memory.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"
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

static void (*writer)(const char *text);
static unsigned depth;
static char line[LINE_LENGTH + 2];
static size_t used;

void panic_set_writer(void (*write)(const char *text))
{
    writer = write;
}

static void put(const char *text)
{
    while (*text != '\0' && used < LINE_LENGTH) {
        line[used++] = *text++;
    }
}

static void put_hex(uint64_t value, unsigned digits)
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

static void end_line(void)
{
    line[used++] = '\n';
    line[used] = '\0';
    used = 0;
    if (writer != NULL) {
        writer(line);
    }
}

/* Addresses of code are told relative to the image, as its symbols are. */
static void put_code(uint64_t address)
{
    if (image_contains(address)) {
        put("image+0x");
        put_hex(address - image_address(image_begin), 8);
    } else {
        put("0x");
        put_hex(address, 16);
    }
}

static const char *code_name(enum panic_code code)
{
    switch (code) {
    case PANIC_TRAP:
        return "TRAP";
    case PANIC_OUT_OF_MEMORY:
        return "OUT_OF_MEMORY";
    case PANIC_INTERNAL:
        return "INTERNAL";
    case PANIC_BRING_UP:
        return "BRING_UP";
    case PANIC_STACK:
        return "STACK";
    default:
        return "UNKNOWN";
    }
}

static void put_heading(enum panic_code code, const char *reason)
{
    put("*** PANIC ");
    put_decimal(code);
    put(" ");
    put(code_name(code));
    put(": ");
    put(reason);
    end_line();
}

static void put_values(const uint64_t values[4])
{
    put("parameters");
    for (unsigned i = 0; i < 4; i++) {
        put(" 0x");
        put_hex(values[i], 16);
    }
    end_line();
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
        put(values[i].name);
        put_hex(values[i].value, 16);
        if (i % 4 == 3) {
            end_line();
        }
    }
    put("image base 0x");
    put_hex(image_address(image_begin), 16);
    put(", at ");
    put_code(r->rip);
    end_line();
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

        put("  called from ");
        put_code(record[1]);
        end_line();
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
    end_line();
}

void panic_report(enum panic_code code, const char *reason, const uint64_t values[4],
                  const struct panic_registers *registers)
{
    used = 0;
    if (depth++ < 2) {
        put_heading(code, reason);
        put_values(values);
    }
    if (depth == 1) {
        put_registers(registers);
        put_backtrace(registers->rbp);
        put("last log lines:");
        end_line();
        log_replay(LOG_LINES, put_log_line, NULL);
    }
    if (depth <= 2) {
        put("*** halted");
        end_line();
    }
    x86_halt();
}

/* panic() has just been called: its arguments are still in their registers. */
void panic_called(const struct panic_registers *registers)
{
    const char *reason = (const char *)(uintptr_t)registers->rsi;
    const uint64_t values[4] = {registers->rdx, registers->rcx, registers->r8, registers->r9};

    panic_report((enum panic_code)(uint32_t)registers->rdi, reason != NULL ? reason : "", values,
                 registers);
}
