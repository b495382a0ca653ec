/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "hostile.h"

#include "arch/memory.h"
#include "drivers/iommu/wdm/wdm_iommu.h"
#include "lib/owner.h"
#include "machine.h"

#include <string.h>

#define CALLS_MAX    24
#define POKES_MAX    16u
#define ACCESSES_MAX 100000u /* of one call */
#define LINES_MAX    96u
#define FAULTS_MAX   8u
#define ADDRESS      UINT64_C(0x10000000)
#define OWNER_ONE    ((owner_t)OWNER_DRIVER)

static struct {
    struct input input, script; /* what is left of all, and of the call that runs */
    uint8_t registers[HOSTILE_LENGTH];
    unsigned accesses;
    struct pci_inventory pci;
    struct iommu iommu;
    enum iommu_unit_state state;
    DMA_IOMMU_INTERFACE_V2 api;
    PIOMMU_DMA_DOMAIN domain;
    PIOMMU_DMA_DEVICE device;
    bool attached;
    bool unsuited; /* no domain suits the unit */
    bool waited;   /* the last wait of this call is done, as far as the unit tells */
    uint64_t page;
} on;

/* ---- Registers ---- */

uint64_t hostile_get(uint32_t offset, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, on.registers + offset, width);
    return value;
}

void hostile_set(uint32_t offset, unsigned width, uint64_t value)
{
    memcpy(on.registers + offset, &value, width);
}

uint64_t hostile_take(unsigned width)
{
    return take(&on.script, width);
}

static void next_script(void)
{
    size_t length = (size_t)take(&on.input, 1);

    if (length > on.input.left)
        length = on.input.left;
    on.script = (struct input){on.input.next, length};
    on.input = (struct input){on.input.next + length, on.input.left - length};
}

bool hostile_is_honest(void)
{
    return hostile_take(1) < HONEST;
}

void hostile_waited(bool done)
{
    on.waited = done;
}

static uint64_t read_register(void *context, uint64_t offset, unsigned width)
{
    (void)context;
    HOLDS(++on.accesses <= ACCESSES_MAX);
    uint64_t value =
        hostile_is_honest() ? hostile_get((uint32_t)offset, width) : hostile_take(width);
    if (hostile_vendor.told)
        hostile_vendor.told((uint32_t)offset, value);
    return value;
}

static void write_register(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    (void)context;
    HOLDS(++on.accesses <= ACCESSES_MAX);
    hostile_vendor.written((uint32_t)offset, width, value);
}

static void poke(void)
{
    uint32_t offset = (uint32_t)hostile_take(2) % (HOSTILE_LENGTH / 8) * 8;

    hostile_set(offset, 8, hostile_take(8));
}

/* ---- Calls ---- */

static void attach(void)
{
    bool refused = on.iommu.units[0].state != UNIT_ACTIVE;
    NTSTATUS status = on.api.AttachDeviceEx(on.domain, on.device);

    HOLDS(!refused || !NT_SUCCESS(status));
    on.attached |= NT_SUCCESS(status);
}

static void detach(void)
{
    NTSTATUS status = on.api.DetachDeviceEx(on.device);

    HOLDS(!on.attached || NT_SUCCESS(status) || on.iommu.units[0].state == UNIT_POISONED);
    on.attached = false;
}

static void map(void)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};
    IOMMU_DMA_LOGICAL_ADDRESS wanted = ADDRESS + hostile_take(1) % 16 * PAGE_SIZE, out = 0;

    source.ContiguousRange.Base.QuadPart = (LONGLONG)on.page;
    source.ContiguousRange.Size = PAGE_SIZE;
    NTSTATUS status =
        on.api.MapLogicalRangeEx(on.domain, IOMMU_ACCESS_READ, &source, &wanted, NULL, NULL, &out);
    HOLDS(out == (NT_SUCCESS(status) ? wanted : 0));
}

static void unmap(void)
{
    on.waited = false;
    NTSTATUS status =
        on.api.UnmapLogicalRange(on.domain, ADDRESS + hostile_take(1) % 16 * PAGE_SIZE, 1);
    HOLDS(!NT_SUCCESS(status) || !on.attached || on.waited);
}

static void drain(void)
{
    struct iommu_fault faults[FAULTS_MAX];
    unsigned max = (unsigned)hostile_take(1) % FAULTS_MAX;
    unsigned count = iommu_drain_faults(&on.iommu, faults, max);

    HOLDS(count <= max);
    for (unsigned i = 0; i < count; i++) {
        HOLDS(faults[i].kind <= IOMMU_FAULT_EXTERNAL && faults[i].unit_base == HOSTILE_BASE);
        HOLDS(faults[i].reason_text && faults[i].reason_text[0] && faults[i].source);
        HOLDS(faults[i].endpoint == PCI_NONE ||
              (faults[i].endpoint < on.pci.count &&
               faults[i].requester == on.pci.functions[faults[i].endpoint].bdf));
        iommu_report_fault(&on.iommu, &faults[i]);
    }
}

static void flush(void)
{
    on.waited = false;
    NTSTATUS status = on.api.FlushDomain(on.domain);
    HOLDS(!NT_SUCCESS(status) || !on.attached || on.waited);
}

static void record_fault(void)
{
    hostile_vendor.record_fault();
}

/* The first DOMAIN_CALLS need a domain and a device, which are made for the first of them: most of
 * an input's time goes there. */
#define DOMAIN_CALLS 5u
static void (*const calls[])(void) = {attach, detach, map, unmap, flush, drain, poke, record_fault};
#define CALLS (sizeof calls / sizeof *calls)

/* From found to active or failed, from active to poisoned, and never back. */
static void judge(void)
{
    enum iommu_unit_state state = on.iommu.units[0].state;

    HOLDS(state == on.state || (on.state == UNIT_ACTIVE && state == UNIT_POISONED));
    on.state = state;
    HOLDS(on.attached || !hostile_vendor.open());
    HOLDS(model_violations() == 0);
    on.accesses = 0;
}

/* ---- A world ---- */

static void fault_seen(PVOID context, PFAULT_INFORMATION information)
{
    HOLDS(context == &on && information->Type == FaultInformationX64);
    HOLDS(information->X64.PciSegment == 0);
}

static bool begin(void)
{
    const struct model_region region = {.base = HOSTILE_BASE,
                                        .length = HOSTILE_LENGTH,
                                        .read = read_register,
                                        .write = write_register};

    model_reset();
    (void)owner_enter(OWNER_IMAGE);
    on.pci.functions[0] =
        (struct pci_function){.bdf = HOSTILE_ID, .parent = PCI_NONE, .port = PCI_RC_ENDPOINT};
    on.pci.count = 1;
    HOLDS(model_add_region(&region));
    if (hostile_vendor.add_functions)
        hostile_vendor.add_functions(&on.pci);
    iommu_init(&on.iommu, &on.pci);
    on.iommu.announced = true;
    HOLDS(hostile_vendor.discover(&on.iommu));
    iommu_enable(&on.iommu);
    on.state = on.iommu.units[0].state;
    HOLDS(on.state == UNIT_ACTIVE || (on.state == UNIT_FAILED && on.iommu.units[0].reason));
    return on.state == UNIT_ACTIVE;
}

/* Once. False: no domain suits the unit. */
static bool make_objects(void)
{
    DMA_IOMMU_INTERFACE_EX interface;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};
    DEVICE_FAULT_CONFIGURATION handler = {fault_seen, &on};

    wdm_start(&on.iommu);
    HOLDS(IoGetIommuInterfaceEx(1, 0, &interface) == STATUS_SUCCESS);
    DMA_IOMMU_INTERFACE_V1 v1 = interface.V1;
    HOLDS(IoGetIommuInterfaceEx(2, 0, &interface) == STATUS_SUCCESS);
    on.api = interface.V2;
    iommu_bind(&on.iommu, 0, OWNER_ONE);
    (void)owner_enter(OWNER_ONE);
    void *page = memory_alloc(OWNER_ONE, 1, 0);
    HOLDS(page != NULL);
    on.page = memory_physical(page);
    if (!NT_SUCCESS(on.api.CreateDomainEx(DomainTypeTranslate, none, NULL, NULL, &on.domain)))
        return false;
    HOLDS(on.api.CreateDevice(wdm_pdo(0), NULL, &on.device) == STATUS_SUCCESS);
    attach();
    judge();
    (void)v1.SetDeviceFaultReporting(wdm_pdo(0), 0, TRUE, &handler);
    return true;
}

void fuzz_one(struct input input)
{
    memset(&on, 0, sizeof on);
    on.script = input;
    hostile_vendor.power_on();
    for (unsigned pokes = (unsigned)hostile_take(1) % POKES_MAX; pokes != 0; pokes--)
        poke();
    on.input = on.script;
    next_script();
    bool serves = begin();
    judge();
    for (unsigned i = 0; serves && i < CALLS_MAX && on.input.left != 0; i++) {
        unsigned call = (unsigned)take(&on.input, 1) % CALLS;

        next_script();
        if (call < DOMAIN_CALLS && !on.domain && !on.unsuited)
            on.unsuited = !make_objects();
        if (call >= DOMAIN_CALLS || !on.unsuited)
            calls[call]();
        judge();
    }
    HOLDS(fuzz_log_lines() <= LINES_MAX);
}
