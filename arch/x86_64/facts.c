/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ram.h"
#include "arch/x86_64/trap.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/x86.h"

void x86_facts(struct x86_facts *facts)
{
    struct x86_tsc tsc = x86_tsc();

    *facts = (struct x86_facts){
        .tsc_hz = tsc.hz,
        .tsc_source = tsc.source != NULL ? tsc.source : "not measured",
        .tsc_invariant = (x86_cpuid(0x80000007, 0).d & 1u << 8) != 0,
        .x2apic = x86_apic.x2,
        .apic_id = x86_apic.ready ? apic_id() : 0,
        .ram_bytes = x86_ram_bytes(),
        .free_bytes = (uint64_t)x86_frames.free_count << FRAME_SHIFT,
    };
}
