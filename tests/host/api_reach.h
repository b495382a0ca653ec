/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_API_REACH_H
#define TESTS_HOST_API_REACH_H

#include "tests/host/api_run.h"

/* What devices reach, by the unit and by a walk of the tables, against the reference's idea of it;
 * and the faults that follow from what they do not. */

#define REQUESTERS (FUNCTIONS + 1)

static const pci_bdf_t requester_ids[REQUESTERS] = {PCI_BDF(0, 2, 0), PCI_BDF(0, 3, 0),
                                                    PCI_BDF(1, 4, 0), PCI_BDF(1, 5, 0), BRIDGE_ID};

/* Who sends as the bridge: either of those behind it that is attached. */
static inline unsigned sender(unsigned requester)
{
    if (requester < FUNCTIONS)
        return requester;
    return world.api.devices[BEHIND_A].domain != 0 ? BEHIND_A : BEHIND_B;
}

/* Takes all recorded faults off the unit. `report`: hands them on as the manager does. */
static inline unsigned drain(bool report)
{
    struct iommu_fault faults[8];
    unsigned total = 0, count;

    if (!unit_has_faults(&on.unit))
        return 0;
    as(OWNER_IMAGE);
    while ((count = iommu_drain_faults(&on.iommu, faults, 8)) != 0) {
        total += count;
        for (unsigned i = 0; report && i < count; i++)
            iommu_report_fault(&on.iommu, &faults[i]);
    }
    return total;
}

static inline bool allowed(enum model_dma_result result)
{
    return result != MODEL_DMA_REFUSED;
}

/* A write that the unit holds back. */
static inline const struct model_dma_held *held_write(void)
{
    return &on.unit.lingering;
}

/* A read brings the frame's own mark, a write arrives in the frame or is on its way there. */
static inline bool touch(unsigned requester, uint64_t page, bool write, uint64_t frame)
{
    uint64_t address = (page << PAGE_SHIFT) + (write ? 8 : 0), value = ++world.stamp;
    enum model_dma_result result =
        unit_dma(&on.unit, requester_ids[requester], address, write, &value, sizeof value);

    if (result == MODEL_DMA_ALLOWED) {
        const uint64_t *memory = model_ram(frame << PAGE_SHIFT, PAGE_SIZE);
        bool on_its_way =
            write && held_write()->held && held_write()->physical >> PAGE_SHIFT == frame;

        if (memory == NULL || (memory[write] != value && !on_its_way))
            DISAGREE("%04x at 0x%llx: another frame than 0x%llx", requester_ids[requester],
                     (unsigned long long)address, (unsigned long long)frame);
    }
    return allowed(result);
}

/* No mapping goes before the writes that it let through have landed. */
static inline void judge_held_write(void)
{
    const struct model_dma_held *held = held_write();
    uint64_t frame;

    for (unsigned i = 0; held->held && i < REQUESTERS; i++) {
        if (requester_ids[i] == held->requester &&
            (!ref_reaches(&world.api, sender(i), held->iova >> PAGE_SHIFT, true, &frame) ||
             held->physical >> PAGE_SHIFT != frame))
            DISAGREE("a write of %04x to 0x%llx is still on its way", held->requester,
                     (unsigned long long)held->iova);
    }
}

/* Passed through to where the modelled machine lets nobody write. */
static inline bool untouchable(bool expected, uint64_t frame)
{
    return expected && model_owner(frame << PAGE_SHIFT) == OWNER_FREE;
}

static inline void probe(unsigned requester, uint64_t page, bool write)
{
    uint64_t frame, walked = 0;
    bool expected = ref_reaches(&world.api, sender(requester), page, write, &frame);
    bool by_unit = untouchable(expected, frame) || touch(requester, page, write, frame);
    bool by_tables = allowed(
        unit_translate(&on.unit, requester_ids[requester], page << PAGE_SHIFT, write, &walked));

    if (by_unit != expected || by_tables != expected)
        DISAGREE("%04x %s page 0x%llx: the reference %s, the unit %s, the tables %s",
                 requester_ids[requester], write ? "writes" : "reads", (unsigned long long)page,
                 expected ? "allows" : "refuses", by_unit ? "allows" : "refuses",
                 by_tables ? "allow" : "refuse");
    if (by_tables && walked >> PAGE_SHIFT != frame)
        DISAGREE("page 0x%llx leads to frame 0x%llx instead of 0x%llx", (unsigned long long)page,
                 (unsigned long long)(walked >> PAGE_SHIFT), (unsigned long long)frame);
}

/* Every requester at the first `count` pages of a list. */
static inline void sweep(const uint64_t *pages, unsigned count, unsigned requesters)
{
    for (unsigned i = 0; i < REQUESTERS; i++) {
        for (unsigned j = 0; (requesters >> i & 1) != 0 && j < count; j++) {
            probe(i, pages[j], false);
            probe(i, pages[j], true);
        }
    }
    (void)drain(false);
    if (model_violations() != 0)
        DISAGREE("%s", model_violation_text(0));
}

static inline void judge_fault(const struct ref_device *device, unsigned endpoint, uint64_t page)
{
    const FAULT_INFORMATION_X64 *x64 = &fault_seen.information.X64;
    FAULT_INFORMATION_X64_TYPE also, kind = ref_refusal(&world.api, endpoint, page, &also);

    if (fault_seen.handler != device->handler || fault_seen.context != device->handler_context ||
        fault_seen.owner != world.api.endpoints[endpoint].owner)
        DISAGREE("a fault went to another handler, context or owner");
    if (fault_seen.information.Type != FaultInformationX64 || fault_seen.information.IsStage1 ||
        !x64->Flags.FaultAddressValid || x64->Flags.Reserved != 0)
        DISAGREE("a fault's type or flags");
    if (x64->Type != kind && x64->Type != also)
        DISAGREE("a fault of type %d, the reference says %d", x64->Type, kind);
    same_output("FaultAddress", (uintptr_t)x64->FaultAddress, page << PAGE_SHIFT);
    same_output("IommuBaseAddress", x64->IommuBaseAddress, on.unit.config.base);
    same_output("PciSegment", x64->PciSegment, 0);
    if (x64->DomainHandle != live_pair(DOMAINS, device->domain).real)
        DISAGREE("DomainHandle");
}

/* One access of a device (flaw: it writes), and what its driver hears of it. */
static inline NTSTATUS run_dma(const struct call *call, NTSTATUS *model)
{
    unsigned endpoint = (call->device + FUNCTIONS - 1u) % FUNCTIONS;
    const struct ref_device *device = &world.api.devices[endpoint];
    uint64_t page = address_at(call->at) >> PAGE_SHIFT, frame;
    bool expected = ref_reaches(&world.api, endpoint, page, call->flaw & 1, &frame);

    *model = STATUS_SUCCESS;
    if ((page >= 0xFEE00 && page <= 0xFEEFF) || untouchable(expected, frame))
        return STATUS_SUCCESS; /* the first: an interrupt */
    (void)drain(false);
    fault_seen.calls = 0;
    if (touch(endpoint, page, call->flaw & 1, frame) != expected)
        DISAGREE("the unit %s", expected ? "refuses" : "allows");
    if (drain(true) != !expected)
        DISAGREE("the unit recorded another number of faults");
    if (fault_seen.calls != (!expected && device->domain != 0 && device->handler != NULL))
        DISAGREE("the fault handler ran %u times", fault_seen.calls);
    else if (fault_seen.calls != 0)
        judge_fault(device, endpoint, page);
    return STATUS_SUCCESS;
}

#endif
