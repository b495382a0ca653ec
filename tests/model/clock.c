/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "machine.h"
#include "machine_internal.h"

#include "arch/irq.h"
#include "arch/time.h"

#define TICKS_MAX   16
#define READ_NS     UINT64_C(100)
#define POLLS       256u /* about so many polls fill any budget */
#define IDLE_MAX    (3600 * NS_PER_S)
#define LINES       32u
#define MSI_ADDRESS UINT64_C(0xFEE00000)
#define FIRST_DATA  0x40u

static uint64_t now_ns;
static struct {
    model_tick tick;
    void *context;
} ticks[TICKS_MAX];
static unsigned tick_count;

static uint32_t claimed, marked; /* one bit per line; line 0 is IRQ_NONE */

void model_clock_reset(void)
{
    now_ns = 0;
    tick_count = 0;
}

bool model_on_tick(model_tick tick, void *context)
{
    if (tick_count == TICKS_MAX) {
        return false;
    }
    ticks[tick_count].tick = tick;
    ticks[tick_count++].context = context;
    return true;
}

uint64_t model_clock_ns(void)
{
    model_enter();
    uint64_t now = now_ns;
    model_leave();
    return now;
}

void model_clock_advance(uint64_t ns)
{
    model_enter();
    now_ns += ns;
    for (unsigned i = 0; i < tick_count; i++) {
        ticks[i].tick(ticks[i].context);
    }
    model_leave();
}

/* ---- arch/time.h ---- */

uint64_t time_ns(void)
{
    model_clock_advance(READ_NS);
    return model_clock_ns();
}

bool wait_until(bool (*done)(void *context), void *context, uint64_t budget_ns)
{
    uint64_t end = model_clock_ns() + budget_ns;
    uint64_t step = budget_ns / POLLS + NS_PER_US;

    if (budget_ns > IDLE_MAX) {
        model_violation("wait_until: a budget of %llu ns is no bound",
                        (unsigned long long)budget_ns);
        return done(context);
    }
    for (;;) {
        bool last = model_clock_ns() >= end;
        if (done(context)) {
            return true;
        }
        if (last) {
            return false;
        }
        model_clock_advance(step);
    }
}

/* ---- arch/irq.h ---- */

void model_irq_reset(void)
{
    claimed = marked = 0;
}

bool irq_allocate(irq_line_t *line, struct msi_message *message)
{
    for (irq_line_t i = 1; i < LINES; i++) {
        if ((claimed & UINT32_C(1) << i) == 0) {
            claimed |= UINT32_C(1) << i;
            marked &= ~(UINT32_C(1) << i);
            *line = i;
            *message = (struct msi_message){.address = MSI_ADDRESS, .data = FIRST_DATA + i};
            return true;
        }
    }
    return false;
}

void irq_release(irq_line_t line)
{
    if (line == IRQ_NONE || line >= LINES || (claimed & UINT32_C(1) << line) == 0) {
        model_violation("irq_release: line %u is not claimed", line);
        return;
    }
    claimed &= ~(UINT32_C(1) << line);
    marked &= ~(UINT32_C(1) << line);
}

bool irq_take(irq_line_t line)
{
    uint32_t bit = line < LINES ? UINT32_C(1) << line : 0;
    bool was_marked = (marked & bit) != 0;

    marked &= ~bit;
    return was_marked;
}

void irq_idle(uint64_t deadline_ns)
{
    if (marked != 0 || now_ns >= deadline_ns) {
        return;
    }
    uint64_t left = deadline_ns - now_ns;
    bool endless = left > IDLE_MAX;
    uint64_t step = (endless ? IDLE_MAX : left) / POLLS + 1;

    for (unsigned i = 0; i < POLLS && marked == 0 && now_ns < deadline_ns; i++) {
        model_clock_advance(step);
    }
    if (marked == 0 && endless) {
        model_violation("irq_idle: nothing would ever end it");
    }
}

bool model_raise_msi(uint64_t address, uint32_t data)
{
    uint32_t line = data - FIRST_DATA;

    if (address != MSI_ADDRESS || line >= LINES || (claimed & UINT32_C(1) << line) == 0) {
        model_violation("MSI to %#llx data %#x: no line has it", (unsigned long long)address, data);
        return false;
    }
    marked |= UINT32_C(1) << line;
    return true;
}

unsigned model_irq_lines(void)
{
    return (unsigned)__builtin_popcount(claimed);
}
