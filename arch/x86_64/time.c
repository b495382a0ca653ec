/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/time.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/x86.h"

#include <stddef.h>
#include <string.h>

/* What a TSC may run at. Before it is measured the upper end counts: no wait is cut short, and
 * time_ns() only leaps forward when the measure comes. */
#define TSC_HZ_MIN UINT64_C(100000000)
#define TSC_HZ_MAX UINT64_C(8000000000)

/* A measure takes this part of a second. One that takes so many cycles or polls has no clock. */
#define MEASURE_PART   100u
#define MEASURE_CYCLES (UINT64_C(1) << 31)
#define MEASURE_POLLS  (UINT32_C(1) << 20)
#define MEASURE_TRIES  3u
#define SAMPLE_TRIES   8u

/* ACPI, "Power Management Timer": 3.579545 MHz, at least 24 bits. */
#define PM_TIMER_HZ   UINT64_C(3579545)
#define PM_TIMER_MASK UINT32_C(0xFFFFFF)

/* 8254, channel 2, whose gate is in port 61h. */
#define PIT_HZ           UINT64_C(1193182)
#define PIT_MASK         UINT32_C(0xFFFF)
#define PIT_CHANNEL_2    0x42u
#define PIT_CONTROL      0x43u
#define PIT_MODE_0       0xB0u /* channel 2, low then high byte, counts down for ever */
#define PIT_LATCH        0x80u /* channel 2 */
#define PIT_PORT_B       0x61u
#define PIT_PORT_B_GATE  0x01u
#define PIT_PORT_B_SOUND 0x02u

/* A clock of known frequency, counting up. */
struct reference {
    uint32_t (*read)(void);
    uint32_t mask;
    uint64_t hz;
};

struct sample {
    uint32_t ticks;
    uint64_t cycles;
};

static uint64_t tsc_start;
static uint64_t ns_per_cycle_32 = (NS_PER_S << 32) / TSC_HZ_MAX; /* fixed point, 32 bits */
static struct x86_tsc tsc;
static uint16_t pm_timer;

void x86_time_start(void)
{
    tsc_start = cpu_rdtsc();
}

uint64_t time_ns(void)
{
    uint64_t cycles = cpu_rdtsc() - tsc_start;

    return (uint64_t)((unsigned __int128)cycles * ns_per_cycle_32 >> 32);
}

bool wait_until(bool (*done)(void *context), void *context, uint64_t budget_ns)
{
    uint64_t start = time_ns();

    do {
        if (done(context)) {
            return true;
        }
        cpu_pause();
    } while (time_ns() - start < budget_ns);
    return done(context);
}

void x86_set_pm_timer(uint16_t port)
{
    pm_timer = port;
}

/* CPUID, "Time Stamp Counter and Nominal Core Crystal Clock" (leaf 15h); where it leaves the
 * crystal out, "Processor Frequency Information" (leaf 16h) gives the product in MHz. */
static uint64_t hz_from_crystal(void)
{
    struct cpuid ratio = x86_cpuid(0x15, 0);

    if (ratio.a == 0 || ratio.b == 0) {
        return 0;
    }
    if (ratio.c == 0) {
        return (uint64_t)(x86_cpuid(0x16, 0).a & 0xFFFF) * 1000000;
    }
    return (uint64_t)ratio.c * ratio.b / ratio.a;
}

static uint64_t hz_from_base_frequency(void)
{
    return (uint64_t)(x86_cpuid(0x16, 0).a & 0xFFFF) * 1000000;
}

/* Leaf 40000010h, EAX: TSC in kHz, as VMware defined it and KVM has it too. */
static uint64_t hz_from_hypervisor(void)
{
    struct cpuid name = x86_cpuid(0x40000000, 0);
    const uint32_t words[3] = {name.b, name.c, name.d};

    if ((x86_cpuid(1, 0).c & 1u << 31) == 0) {
        return 0;
    }
    if (memcmp(words, "VMwareVMware", 12) != 0 && memcmp(words, "KVMKVMKVM\0\0", 12) != 0) {
        return 0;
    }
    return (uint64_t)x86_cpuid(0x40000010, 0).a * 1000;
}

static uint32_t read_pm_timer(void)
{
    return x86_in32(pm_timer);
}

static uint32_t read_pit(void)
{
    uint32_t low;

    x86_out8(PIT_CONTROL, PIT_LATCH);
    low = x86_in8(PIT_CHANNEL_2);
    return ~(low | (uint32_t)x86_in8(PIT_CHANNEL_2) << 8);
}

/* Of a few readings the one during which the fewest cycles passed: nothing interrupted it. */
static struct sample take_sample(const struct reference *reference)
{
    struct sample best = {0};
    uint64_t best_width = UINT64_MAX;

    for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = cpu_rdtsc();
        uint32_t ticks = reference->read();
        uint64_t width = cpu_rdtsc() - before;

        if (width < best_width) {
            best_width = width;
            best = (struct sample){ticks, before + width / 2};
        }
    }
    return best;
}

static uint64_t measure_once(const struct reference *reference)
{
    struct sample first = take_sample(reference);
    struct sample last;
    uint32_t ticks = 0;

    for (uint32_t polls = 0; ticks < reference->hz / MEASURE_PART; polls++) {
        if (polls == MEASURE_POLLS || cpu_rdtsc() - first.cycles > MEASURE_CYCLES) {
            return 0;
        }
        ticks = (reference->read() - first.ticks) & reference->mask;
    }
    last = take_sample(reference);
    ticks = (last.ticks - first.ticks) & reference->mask;
    return ticks == 0 ? 0 : (last.cycles - first.cycles) * reference->hz / ticks;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a < b ? b : a;
}

/* A measure fails when there is no such clock, or when we were kept from looking for too long. */
static uint64_t measure_again(const struct reference *reference)
{
    uint64_t hz = 0;

    for (unsigned i = 0; i < MEASURE_TRIES && hz == 0; i++) {
        hz = measure_once(reference);
    }
    return hz;
}

/* The median of three: a clock that wrapped while we were kept from looking does not spoil it. */
static uint64_t measure(const struct reference *reference)
{
    uint64_t a = measure_again(reference);
    uint64_t b, c;

    if (a == 0) {
        return 0;
    }
    b = measure_again(reference);
    c = measure_again(reference);
    return larger(smaller(a, b), smaller(larger(a, b), c));
}

static uint64_t hz_from_pm_timer(void)
{
    static const struct reference reference = {read_pm_timer, PM_TIMER_MASK, PM_TIMER_HZ};

    return pm_timer == 0 ? 0 : measure(&reference);
}

static uint64_t hz_from_pit(void)
{
    static const struct reference reference = {read_pit, PIT_MASK, PIT_HZ};
    uint8_t port_b = x86_in8(PIT_PORT_B);
    uint64_t hz;

    x86_out8(PIT_PORT_B, (uint8_t)((port_b & ~PIT_PORT_B_SOUND) | PIT_PORT_B_GATE));
    x86_out8(PIT_CONTROL, PIT_MODE_0);
    x86_out8(PIT_CHANNEL_2, 0xFF);
    x86_out8(PIT_CHANNEL_2, 0xFF);
    hz = measure(&reference);
    x86_out8(PIT_PORT_B, port_b);
    return hz;
}

static bool adopt(uint64_t hz, const char *source)
{
    if (hz < TSC_HZ_MIN || hz > TSC_HZ_MAX) {
        return false;
    }
    tsc = (struct x86_tsc){hz, source};
    ns_per_cycle_32 = (NS_PER_S << 32) / hz;
    return true;
}

bool x86_time_calibrate(void)
{
    return adopt(hz_from_crystal(), "CPUID") || adopt(hz_from_hypervisor(), "hypervisor") ||
           adopt(hz_from_pm_timer(), "ACPI PM timer") || adopt(hz_from_pit(), "PIT") ||
           adopt(hz_from_base_frequency(), "CPUID base frequency");
}

struct x86_tsc x86_tsc(void)
{
    return tsc;
}
