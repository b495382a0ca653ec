/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/hda/hda.h"

#define FAULT_NS        UINT64_C(500000000)
#define MISSED_FAULT_NS UINT64_C(20000000)

/* ---- Faults ---- */

static void note(struct hda_faults *faults, uint64_t page, unsigned *count)
{
    if (page == faults->page) {
        (*count)++;
    } else if (page != faults->tolerated[0] && page != faults->tolerated[1]) {
        faults->unexpected++;
        faults->unexpected_page = page;
    }
}

/* Asks for a table, as only code at PASSIVE_LEVEL may. */
VOID hda_hear(PVOID Context, PFAULT_INFORMATION FaultInformation)
{
    struct hda *hda = Context;
    struct hda_faults *faults = &hda->faults;
    DMA_IOMMU_INTERFACE_EX table;
    NTSTATUS status = IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_2, 0, &table);

    if (!hda->waiting || !NT_SUCCESS(status))
        faults->outside_wait = true;
    faults->information = *FaultInformation;
    note(faults, (uint64_t)(ULONG_PTR)FaultInformation->X64.FaultAddress, &faults->by_handler);
}

void hda_take_records(struct hda *hda)
{
    struct driver_device *device = hda->device;
    struct driver_record record;

    while (device->services->take_record(device, &record))
        note(&hda->faults, record.address, &hda->faults.by_record);
}

void hda_expect_fault(struct hda *hda, uint64_t logical, uint64_t tolerated)
{
    struct hda_faults *faults = &hda->faults;

    hda_take_records(hda);
    faults->page = logical;
    faults->tolerated[0] = tolerated;
    faults->by_handler = faults->by_record = 0;
    RtlZeroMemory(&faults->information, sizeof(faults->information));
}

static bool fault_came(void *context)
{
    struct hda *hda = context;
    const struct hda_faults *faults = &hda->faults;

    hda_take_records(hda);
    return faults->by_record > 0 && (faults->by_handler > 0 || !faults->reporting);
}

static void judge_information(struct hda *hda, FAULT_INFORMATION_X64_TYPE type)
{
    const FAULT_INFORMATION *information = &hda->faults.information;

    if (information->Type != FaultInformationX64 || information->IsStage1)
        hda_misheard(hda, "the fault is of another kind of unit");
    else if (!information->X64.Flags.FaultAddressValid)
        hda_misheard(hda, "the fault has no valid address");
    else if (information->X64.DomainHandle != (PVOID)hda->domain)
        hda_misheard(hda, "the fault names another domain");
    else if (information->X64.Type != type)
        hda_misheard(hda, "the fault has type %d, not %d", (int)information->X64.Type, (int)type);
}

void hda_listen(struct hda *hda, FAULT_INFORMATION_X64_TYPE type)
{
    struct hda_faults *faults = &hda->faults;
    uint64_t page = faults->page;
    bool came = hda_wait(hda, fault_came, hda, faults->missed ? MISSED_FAULT_NS : FAULT_NS);

    faults->tolerated[1] = page;
    faults->page = HDA_NO_PAGE;
    faults->missed |= !came;
    if (!came)
        hda_misheard(hda, "the refusal of 0x%llx was not heard (handler %u, record %u)",
                     (unsigned long long)page, faults->by_handler, faults->by_record);
    else if (faults->reporting)
        judge_information(hda, type);
    else if (faults->by_handler > 0)
        hda_misheard(hda, "a handler that is not set was called");
    hda_listen_beside(hda);
}

void hda_listen_beside(struct hda *hda)
{
    const struct hda_faults *faults = &hda->faults;

    hda_take_records(hda);
    if (faults->unexpected > 0)
        hda_misheard(hda, "%u faults were not expected, one at 0x%llx", faults->unexpected,
                     (unsigned long long)faults->unexpected_page);
    else if (faults->outside_wait)
        hda_misheard(hda, "the handler was called beside the driver, not at PASSIVE_LEVEL");
}

/* ---- Rings ---- */

/* A converter keeps the eight bits that it is told: they come by PAGE_CORB and go by PAGE_RIRB. */
static uint32_t set_verb(const struct hda *hda)
{
    return HDA_VERB(hda->codec, hda->output, HDA_SET_CONVERTER, hda->nonce);
}

static uint32_t get_verb(const struct hda *hda)
{
    return HDA_VERB(hda->codec, hda->output, HDA_GET_CONVERTER, 0);
}

static bool is_answer(const struct hda *hda, const struct hda_response *response)
{
    return response->response == hda->nonce && response->codec == hda->codec;
}

static bool echo(struct hda *hda)
{
    struct hda_response set, get;

    if (!hda_command(hda, set_verb(hda), &set) || !hda_command(hda, get_verb(hda), &get))
        return hda_fail(hda, "the codec did not answer");
    if (!is_answer(hda, &get))
        return hda_fail(hda, "the codec answered 0x%x by 0x%x, not 0x%x", (unsigned)get.response,
                        (unsigned)get.codec, hda->nonce);
    return hda_intact(hda, HDA_PAGE(PAGE_CORB) | HDA_PAGE(PAGE_RIRB)) ||
           hda_fail(hda, "memory beside the ring was changed");
}

static bool rings_open(struct hda *hda, uint64_t corb, uint64_t rirb)
{
    hda->salt++;
    hda_fill(hda, ~0u);
    hda->nonce = (uint8_t)(hda->nonce + 0x35);
    return hda_rings_start(hda, corb, rirb);
}

bool hda_rings_reach(struct hda *hda, uint64_t corb, uint64_t rirb)
{
    bool good = rings_open(hda, corb, rirb) && echo(hda);

    bool stopped = hda_rings_stop(hda);
    hda_listen_beside(hda);
    return stopped && good;
}

/* The codec knows the value already, so the answer would be right if it could come. */
static bool ask_in_vain(struct hda *hda, uint64_t refused, uint64_t other, bool by_response,
                        FAULT_INFORMATION_X64_TYPE type)
{
    struct hda_response response;
    uint32_t ignored;

    if (!hda_immediate(hda, set_verb(hda), &ignored))
        return false;
    hda_expect_fault(hda, refused, other);
    bool answered = hda_command(hda, get_verb(hda), &response);
    hda_listen(hda, type);
    if (answered && is_answer(hda, &response))
        return hda_fail(hda, "the codec answered all the same");
    return hda_intact(hda, HDA_PAGE(PAGE_CORB) | (by_response ? 0 : HDA_PAGE(PAGE_RIRB))) ||
           hda_fail(hda, "memory was changed");
}

bool hda_rings_refused(struct hda *hda, uint64_t corb, uint64_t rirb, uint64_t refused,
                       FAULT_INFORMATION_X64_TYPE type)
{
    bool by_response = refused == rirb;
    bool good = rings_open(hda, corb, rirb) &&
                ask_in_vain(hda, refused, by_response ? corb : rirb, by_response, type);

    return hda_rings_stop(hda) && good;
}
