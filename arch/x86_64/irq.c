/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/irq.h"

#include "arch/time.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/x86.h"

/* SDM volume 3, "Message Address Register Format" and "Message Data Register Format": physical
 * destination, fixed delivery, edge. */
#define MSI_ADDRESS           UINT64_C(0xFEE00000)
#define MSI_DESTINATION_SHIFT 12

/* 8259A, initialization command words. */
#define PIC1_COMMAND 0x20u
#define PIC1_DATA    0x21u
#define PIC2_COMMAND 0xA0u
#define PIC2_DATA    0xA1u
#define PIC_ICW1     0x11u /* cascade, edge, ICW4 follows */
#define PIC_ICW4     0x01u /* 8086 mode */

static bool claimed[256];

/* Their vectors are moved off the processor's exceptions first: masked PICs still deliver a
 * spurious IRQ 7. */
static void mask_pics(void)
{
    x86_out8(PIC1_COMMAND, PIC_ICW1);
    x86_out8(PIC2_COMMAND, PIC_ICW1);
    x86_out8(PIC1_DATA, VECTOR_PIC);
    x86_out8(PIC2_DATA, VECTOR_PIC + 8);
    x86_out8(PIC1_DATA, 1 << 2); /* the second PIC is on input 2 */
    x86_out8(PIC2_DATA, 2);
    x86_out8(PIC1_DATA, PIC_ICW4);
    x86_out8(PIC2_DATA, PIC_ICW4);
    x86_out8(PIC1_DATA, 0xFF);
    x86_out8(PIC2_DATA, 0xFF);
}

bool x86_init_interrupts(uint64_t local_apic, const char **why)
{
    const char *reason;

    mask_pics();
    reason = apic_init(local_apic);
    if (reason != NULL) {
        *why = reason;
        return false;
    }
    cpu_sti();
    return true;
}

bool x86_init_time(const char **why)
{
    if (!x86_time_calibrate()) {
        *why = "no clock tells the TSC's frequency";
        return false;
    }
    apic_timer_calibrate();
    return true;
}

bool irq_allocate(irq_line_t *line, struct msi_message *message)
{
    if (!x86_apic.ready) {
        return false;
    }
    for (unsigned vector = VECTOR_LINE_FIRST; vector <= VECTOR_LINE_LAST; vector++) {
        if (!claimed[vector]) {
            claimed[vector] = true;
            irq_marks[vector] = 0;
            *line = (irq_line_t)vector;
            *message = (struct msi_message){
                .address = MSI_ADDRESS | (uint64_t)apic_id() << MSI_DESTINATION_SHIFT,
                .data = vector,
            };
            return true;
        }
    }
    return false;
}

void irq_release(irq_line_t line)
{
    claimed[line] = false;
}

bool irq_take(irq_line_t line)
{
    return __atomic_exchange_n(&irq_marks[line], 0, __ATOMIC_SEQ_CST) != 0;
}

/* A stray vector's mark stays, and counts for nothing. */
static bool any_marked(void)
{
    for (unsigned vector = VECTOR_LINE_FIRST; vector <= VECTOR_LINE_LAST; vector++) {
        if (claimed[vector] && irq_marks[vector] != 0) {
            return true;
        }
    }
    return false;
}

/* The marks are read and the timer is started with interrupts off, and none gets in before the
 * processor idles: a mark or the timer then ends the idling. */
void irq_idle(uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now = time_ns();

        cpu_cli();
        if (any_marked() || now >= deadline_ns) {
            break;
        }
        if (apic_timer_start(deadline_ns - now)) {
            cpu_sti_hlt();
        } else {
            cpu_sti();
            cpu_pause();
        }
    }
    cpu_sti();
}
