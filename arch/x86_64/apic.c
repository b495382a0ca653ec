/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/apic.h"

#include "arch/mmio.h"
#include "arch/time.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/x86.h"

/* SDM volume 3, "Local APIC Register Address Map". In x2APIC mode a register is the MSR
 * 800h + offset / 16. */
static const reg32_t APIC_ID = {0x20};
static const reg32_t APIC_VERSION = {0x30};
static const reg32_t APIC_TPR = {0x80};
static const reg32_t APIC_EOI = {0xB0};
static const reg32_t APIC_SVR = {0xF0};
static const reg32_t APIC_ISR = {0x100};
static const reg32_t APIC_LVT_CMCI = {0x2F0};
static const reg32_t APIC_LVT_TIMER = {0x320};
static const reg32_t APIC_LVT_THERMAL = {0x330};
static const reg32_t APIC_LVT_PERFORMANCE = {0x340};
static const reg32_t APIC_LVT_LINT0 = {0x350};
static const reg32_t APIC_LVT_LINT1 = {0x360};
static const reg32_t APIC_LVT_ERROR = {0x370};
static const reg32_t APIC_TIMER_INITIAL = {0x380};
static const reg32_t APIC_TIMER_CURRENT = {0x390};
static const reg32_t APIC_TIMER_DIVIDE = {0x3E0};

#define APIC_BASE_ENABLE  UINT64_C(0x800)
#define APIC_BASE_EXTD    UINT64_C(0x400)
#define APIC_BASE_ADDRESS UINT64_C(0x000FFFFFFFFFF000)

#define SVR_ENABLE        0x100u
#define LVT_MASKED        0x10000u
#define LVT_NMI           0x400u
#define DIVIDE_BY_16      0x3u
#define ISR_WORDS         8u
#define VECTORS           256u
#define LVT_MAX(v)        ((v) >> 16 & 0xFFu)
#define LVT_MAX_THERMAL   5u
#define LVT_MAX_CMCI      6u

#define CALIBRATION_NS    (10 * NS_PER_MS)
#define TIMER_TICKS_MIN   100u     /* in that time; fewer is a dead timer */
#define TIMER_NS_MAX      NS_PER_S /* of one start */

/* MSIs carry eight bits of destination without interrupt remapping. */
#define MSI_APIC_ID_MAX 254u

static struct mmio window;
static uint64_t timer_hz;

static uint32_t apic_read(reg32_t reg)
{
    if (x86_apic.x2) {
        return (uint32_t)cpu_rdmsr(MSR_X2APIC_BASE + reg.offset / 16);
    }
    return mmio_read32(&window, reg);
}

static void apic_write(reg32_t reg, uint32_t value)
{
    if (x86_apic.x2) {
        cpu_wrmsr(MSR_X2APIC_BASE + reg.offset / 16, value);
    } else {
        mmio_write32(&window, reg, value);
    }
}

uint32_t apic_id(void)
{
    uint32_t id = apic_read(APIC_ID);

    return x86_apic.x2 ? id : id >> 24;
}

/* A mode change is firmware's business: xAPIC stays xAPIC, x2APIC stays x2APIC. */
static bool open_registers(uint64_t physical)
{
    uint64_t base = cpu_rdmsr(MSR_APIC_BASE);

    x86_apic.x2 = (base & APIC_BASE_EXTD) != 0 && (base & APIC_BASE_ENABLE) != 0;
    if (x86_apic.x2) {
        return true;
    }
    if ((base & APIC_BASE_ADDRESS) == 0) {
        base |= physical & APIC_BASE_ADDRESS;
    }
    if (!mmio_map(base & APIC_BASE_ADDRESS, 4096, &window)) {
        return false;
    }
    cpu_wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    x86_apic.base = window.base;
    return true;
}

static void mask_local_sources(void)
{
    uint32_t last = LVT_MAX(apic_read(APIC_VERSION));

    apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(APIC_LVT_LINT0, LVT_MASKED | VECTOR_SPURIOUS);
    apic_write(APIC_LVT_LINT1, LVT_NMI);
    apic_write(APIC_LVT_ERROR, LVT_MASKED | VECTOR_SPURIOUS);
    apic_write(APIC_LVT_PERFORMANCE, LVT_MASKED | VECTOR_SPURIOUS);
    if (last >= LVT_MAX_THERMAL) {
        apic_write(APIC_LVT_THERMAL, LVT_MASKED | VECTOR_SPURIOUS);
    }
    if (last >= LVT_MAX_CMCI) {
        apic_write(APIC_LVT_CMCI, LVT_MASKED | VECTOR_SPURIOUS);
    }
}

/* An interrupt that firmware left in service would keep all lower vectors out. */
static void end_old_interrupts(void)
{
    for (unsigned tries = 0; tries < VECTORS; tries++) {
        uint32_t in_service = 0;

        for (uint32_t i = 0; i < ISR_WORDS; i++) {
            in_service |= apic_read((reg32_t){APIC_ISR.offset + i * 16});
        }
        if (in_service == 0) {
            return;
        }
        apic_write(APIC_EOI, 0);
    }
}

const char *apic_init(uint64_t physical)
{
    if (!open_registers(physical)) {
        return "the local APIC's registers cannot be mapped";
    }
    if (apic_read(APIC_VERSION) == UINT32_MAX) {
        return "the local APIC does not answer";
    }
    if (apic_id() > MSI_APIC_ID_MAX) {
        return "no MSI reaches the boot processor's APIC ID without interrupt remapping";
    }
    apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    mask_local_sources();
    apic_write(APIC_TPR, 0);
    end_old_interrupts();
    x86_apic.ready = true;
    return NULL;
}

void apic_timer_calibrate(void)
{
    uint64_t start, elapsed;
    uint32_t ticks;

    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    start = time_ns();
    do {
        elapsed = time_ns() - start;
    } while (elapsed < CALIBRATION_NS);
    ticks = UINT32_MAX - apic_read(APIC_TIMER_CURRENT);
    apic_write(APIC_TIMER_INITIAL, 0);
    timer_hz = ticks < TIMER_TICKS_MIN ? 0 : ticks * NS_PER_S / elapsed;
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
}

bool apic_timer_start(uint64_t ns)
{
    uint64_t part = ns < TIMER_NS_MAX ? ns : TIMER_NS_MAX;

    if (timer_hz == 0) {
        return false;
    }
    apic_write(APIC_TIMER_INITIAL, (uint32_t)(part * timer_hz / NS_PER_S) + 1);
    return true;
}

/* 82093AA I/O APIC, "Register Description": an index and a data register. */
#define IOAPIC_VERSION     0x01u
#define IOAPIC_REDIRECTION 0x10u /* two words an entry */
#define IOAPIC_MASKED      0x10000u

bool x86_mask_io_apic(uint64_t address)
{
    static const reg32_t select = {0x00}, data = {0x10};
    struct mmio io_apic;
    uint32_t version;

    if (!mmio_map(address, 0x20, &io_apic)) {
        return false;
    }
    mmio_write32(&io_apic, select, IOAPIC_VERSION);
    version = mmio_read32(&io_apic, data);
    if (version == 0 || version == UINT32_MAX) {
        return false;
    }
    for (uint32_t entry = 0; entry <= (version >> 16 & 0xFF); entry++) {
        mmio_write32(&io_apic, select, IOAPIC_REDIRECTION + 2 * entry);
        mmio_write32(&io_apic, data, IOAPIC_MASKED);
    }
    return true;
}
