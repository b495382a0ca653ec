/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/memory.h"
#include "arch/table.h"
#include "arch/time.h"
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "lib/log.h"

#define LOG_BYTES   4096u
#define EVENT_BYTES 16u
#define ARRIVAL_NS  NS_PER_MS /* a tail may be seen before the event that it counts */

/* "Event Log Entry". */
static const struct {
    const char *name;
    enum iommu_fault_kind kind;
    bool own; /* names no device: it is the unit's own */
} events[EVENT_CODES] = {
    [EVENT_ILLEGAL_DEV_TABLE_ENTRY] = {"ILLEGAL_DEV_TABLE_ENTRY", IOMMU_FAULT_EXTERNAL, false},
    [EVENT_IO_PAGE_FAULT] = {"IO_PAGE_FAULT", IOMMU_FAULT_TRANSLATION, false},
    [EVENT_DEV_TAB_HARDWARE_ERROR] = {"DEV_TAB_HARDWARE_ERROR", IOMMU_FAULT_EXTERNAL, false},
    [EVENT_PAGE_TAB_HARDWARE_ERROR] = {"PAGE_TAB_HARDWARE_ERROR", IOMMU_FAULT_EXTERNAL, false},
    [EVENT_ILLEGAL_COMMAND_ERROR] = {"ILLEGAL_COMMAND_ERROR", IOMMU_FAULT_EXTERNAL, true},
    [EVENT_COMMAND_HARDWARE_ERROR] = {"COMMAND_HARDWARE_ERROR", IOMMU_FAULT_EXTERNAL, true},
    [EVENT_IOTLB_INV_TIMEOUT] = {"IOTLB_INV_TIMEOUT", IOMMU_FAULT_EXTERNAL, false},
    [EVENT_INVALID_DEVICE_REQUEST] = {"INVALID_DEVICE_REQUEST", IOMMU_FAULT_UNSUPPORTED, false},
    [EVENT_INVALID_PPR_REQUEST] = {"INVALID_PPR_REQUEST", IOMMU_FAULT_UNSUPPORTED, false},
    [EVENT_COUNTER_ZERO] = {"EVENT_COUNTER_ZERO", IOMMU_FAULT_EXTERNAL, true},
    [EVENT_GUEST_EVENT_FAULT] = {"GUEST_EVENT_FAULT", IOMMU_FAULT_EXTERNAL, false},
    [EVENT_VIOMMU_HARDWARE_ERROR] = {"VIOMMU_HARDWARE_ERROR", IOMMU_FAULT_EXTERNAL, true},
    [EVENT_RMP_PAGE_FAULT] = {"RMP_PAGE_FAULT", IOMMU_FAULT_EXTERNAL, false},
    [EVENT_RMP_HARDWARE_ERROR] = {"RMP_HARDWARE_ERROR", IOMMU_FAULT_EXTERNAL, false},
};

static const char *name_of(unsigned code)
{
    return events[code].name ? events[code].name : "Unknown event";
}

/* PR set: the page is there, and what it allows or how it is written stood in the way. Clear: no
 * flag tells an address that no table covers from one that is not mapped. */
static enum iommu_fault_kind kind_of(const struct iommu_unit *unit, unsigned code, uint64_t low,
                                     uint64_t address)
{
    if (!events[code].name)
        return IOMMU_FAULT_EXTERNAL;
    if (code != EVENT_IO_PAGE_FAULT)
        return events[code].kind;
    if (low & EVENT_PR)
        return low & EVENT_RZ ? IOMMU_FAULT_EXTERNAL : IOMMU_FAULT_PERMISSION;
    return address >> unit->caps.width ? IOMMU_FAULT_ADDRESS_SIZE : IOMMU_FAULT_TRANSLATION;
}

static struct iommu_fault decode(const struct iommu_unit *unit, uint64_t low, uint64_t high)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;
    unsigned code = (unsigned)FIELD_GET(low, EVENT_CODE);

    return (struct iommu_fault){
        .source = "AMD-Vi",
        .segment = unit->segment,
        .requester = events[code].own ? amdvi->ivrs->ivhds[amdvi->ivhd].device_id
                                      : (pci_bdf_t)FIELD_GET(low, EVENT_DEVICE),
        .address = high & ~(PT_PAGE_SIZE - 1),
        .write = low & EVENT_RW,
        .reason = code,
        .kind = kind_of(unit, code, low, high),
        .reason_text = name_of(code),
    };
}

/* ---- The log ---- */

/* Some units take no new base while an interrupt is signalled. */
static void clear_status(struct amdvi_unit *amdvi)
{
    mmio_write32(&amdvi->mmio, AMDVI_STATUS, STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT);
}

static void place_log(struct amdvi_unit *amdvi)
{
    amdvi->log_head = 0;
    mmio_write64(&amdvi->mmio, AMDVI_EVENT_BASE, memory_physical(amdvi->log) | AMDVI_RING_256);
    mmio_write64(&amdvi->mmio, AMDVI_EVENT_HEAD, 0);
    mmio_write64(&amdvi->mmio, AMDVI_EVENT_TAIL, 0);
}

/* A unit without a function of its own has no interrupt: its log is read when others' are. */
static bool start_interrupt(struct iommu_unit *unit)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;
    struct msi_message message;

    if (!amdvi->function)
        return false;
    if (!irq_allocate(&unit->fault_line, &message))
        return false;
    if (!pci_msi_enable(amdvi->function, 0, &message)) {
        irq_release(unit->fault_line);
        unit->fault_line = IRQ_NONE;
        return false;
    }
    pci_set_bus_master(amdvi->function, true);
    return true;
}

bool amdvi_log_start(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    uint64_t on = CONTROL_EVENT_LOG_EN;

    amdvi->log = memory_alloc(OWNER_IOMMU, LOG_BYTES / PT_PAGE_SIZE, 0);
    if (!amdvi->log)
        return false;
    clear_status(amdvi);
    place_log(amdvi);
    if (start_interrupt(unit))
        on |= CONTROL_EVENT_INT_EN;
    else
        log_write(LOG_WARNING, unit->name, "no interrupt tells of its events");
    return amdvi_control(amdvi, on, 0, STATUS_EVENT_LOG_RUN, STATUS_EVENT_LOG_RUN);
}

/* "Event Log Restart Procedure". */
static void restart_log(struct iommu_unit *unit)
{
    struct amdvi_unit *amdvi = unit->vendor_state;

    unit->overflows++;
    if (!amdvi_control(amdvi, 0, CONTROL_EVENT_LOG_EN, STATUS_EVENT_LOG_RUN, 0)) {
        log_write(LOG_ERROR, unit->name, "its event log does not stop: refusals go unreported");
        amdvi->log = NULL;
        return;
    }
    clear_status(amdvi);
    place_log(amdvi);
    if (!amdvi_control(amdvi, CONTROL_EVENT_LOG_EN, 0, STATUS_EVENT_LOG_RUN,
                       STATUS_EVENT_LOG_RUN)) {
        log_write(LOG_ERROR, unit->name, "its event log does not run: refusals go unreported");
        amdvi->log = NULL;
    }
}

static bool has_arrived(void *context)
{
    return table_load64(context) >> EVENT_CODE_SHIFT;
}

/* Code 0 is no event: an entry is cleared when it has been read. */
static bool take(struct iommu_unit *unit, struct iommu_fault *fault)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    uint64_t *event = &amdvi->log[amdvi->log_head / sizeof(uint64_t)];
    bool arrived = wait_until(has_arrived, event, ARRIVAL_NS);

    if (arrived)
        *fault = decode(unit, table_load64(&event[0]), table_load64(&event[1]));
    table_store64(&event[0], 0);
    amdvi->log_head = (amdvi->log_head + EVENT_BYTES) % LOG_BYTES;
    return arrived;
}

/* The interrupt is acknowledged before the tail is read, so that a later event raises it again. */
unsigned amdvi_drain(struct iommu_unit *unit, struct iommu_fault *faults, unsigned max)
{
    struct amdvi_unit *amdvi = unit->vendor_state;
    uint32_t status = mmio_read32(&amdvi->mmio, AMDVI_STATUS);
    unsigned count = 0;

    if (!amdvi->log || status == UINT32_MAX)
        return 0;
    if (status & STATUS_EVENT_LOG_INT)
        mmio_write32(&amdvi->mmio, AMDVI_STATUS, STATUS_EVENT_LOG_INT);
    uint64_t tail = mmio_read64(&amdvi->mmio, AMDVI_EVENT_TAIL);
    if (tail >= LOG_BYTES || tail % EVENT_BYTES) {
        restart_log(unit);
        return 0;
    }
    for (unsigned n = 0; n < max && amdvi->log_head != tail; n++)
        count += take(unit, &faults[count]);
    mmio_write64(&amdvi->mmio, AMDVI_EVENT_HEAD, amdvi->log_head);
    if (status & STATUS_EVENT_OVERFLOW && amdvi->log_head == tail)
        restart_log(unit);
    return count;
}

void amdvi_view(const struct iommu_unit *unit, struct iommu_unit_view *view)
{
    const struct amdvi_unit *amdvi = unit->vendor_state;
    uint64_t tail;
    uint32_t head = amdvi->log_head;

    if (!amdvi->mmio.length)
        return;
    tail = mmio_read64(&amdvi->mmio, AMDVI_EVENT_TAIL);
    *view = (struct iommu_unit_view){
        .registers = {{"Control", mmio_read64(&amdvi->mmio, AMDVI_CONTROL)},
                      {"Status", mmio_read32(&amdvi->mmio, AMDVI_STATUS)},
                      {"Event Head", mmio_read64(&amdvi->mmio, AMDVI_EVENT_HEAD)},
                      {"Event Tail", tail}},
    };
    if (!amdvi->log || tail >= LOG_BYTES || tail % EVENT_BYTES)
        return;
    for (; head != tail && view->record_count < IOMMU_VIEW_RECORDS;
         head = (head + EVENT_BYTES) % LOG_BYTES) {
        const uint64_t *event = &amdvi->log[head / sizeof(uint64_t)];

        view->records[view->record_count].low = table_load64(&event[0]);
        view->records[view->record_count++].high = table_load64(&event[1]);
    }
}
