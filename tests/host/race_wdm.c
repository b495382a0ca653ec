/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Two contexts at once in what the interface tables keep: registrations and tokens. */
#include "drivers/iommu/wdm/handles.h"
#include "tests/host/race_fixture.h"

enum { MANY = 100000000, LOOKS = 1000000 };

/* One device's driver. The flags are plain: only the interface orders them between contexts, and
 * the counters' order is relaxed so that they add none. */
static struct driver {
    PIOMMU_DMA_DEVICE device;
    bool may_call, may_handle, called_late, handled_late;
    _Atomic unsigned calls, faults;
} drivers[CONTEXTS];

static atomic_bool done;
static DMA_IOMMU_INTERFACE_V1 v1;

static unsigned count(_Atomic unsigned *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void on_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
    struct driver *driver = context;
    ULONG mask;

    (void)change;
    driver->called_late |= !driver->may_call;
    on.api.QueryAvailableDomainTypes(driver->device, &mask);
    driver->called_late |= !driver->may_call;
    atomic_fetch_add_explicit(&driver->calls, 1, memory_order_relaxed);
}

static void on_fault(PVOID context, PFAULT_INFORMATION information)
{
    struct driver *driver = context;

    (void)information;
    driver->handled_late |= !driver->may_handle;
    atomic_fetch_add_explicit(&driver->faults, 1, memory_order_relaxed);
}

/* Both tell in the end: the other context goes on until this one is done. */
static void wait_to_be_told(struct context *self, struct driver *driver)
{
    unsigned calls = count(&driver->calls), faults = count(&driver->faults), n = 0;

    while (n < MANY && (count(&driver->calls) == calls || count(&driver->faults) == faults))
        n++;
    expect(self, n < MANY);
}

/* By disabling or by detaching. */
static void end_reporting(struct context *self, struct driver *driver, bool detach)
{
    PDEVICE_OBJECT pdo = wdm_pdo((uint16_t)(FIRST + self->number));

    if (!detach)
        expect(self, v1.SetDeviceFaultReporting(pdo, 0, FALSE, NULL) == STATUS_SUCCESS);
    else
        expect(self, on.api.DetachDeviceEx(driver->device) == STATUS_SUCCESS);
    driver->may_handle = false;
    if (!detach)
        expect(self, on.api.DetachDeviceEx(driver->device) == STATUS_SUCCESS);
}

static void register_and_leave(struct context *self)
{
    struct driver *driver = &drivers[self->number];
    PDEVICE_OBJECT pdo = wdm_pdo((uint16_t)(FIRST + self->number));
    DEVICE_FAULT_CONFIGURATION config = {on_fault, driver};
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = {.AsULONG = 1};

    for (unsigned round = 0; round < ROUNDS; round++) {
        driver->may_call = driver->may_handle = true;
        expect(self, on.api.RegisterInterfaceStateChangeCallback(on_change, driver, driver->device,
                                                                 &fields) == STATUS_SUCCESS);
        expect(self,
               on.api.AttachDeviceEx(wdm_handle(self->domain), driver->device) == STATUS_SUCCESS);
        expect(self, v1.SetDeviceFaultReporting(pdo, 0, TRUE, &config) == STATUS_SUCCESS);
        if (round % 32 == 0)
            wait_to_be_told(self, driver);
        end_reporting(self, driver, round & 1);
        expect(self, on.api.UnregisterInterfaceStateChangeCallback(on_change, driver->device) ==
                         STATUS_SUCCESS);
        driver->may_call = false;
    }
    done = true;
}

static void flip_and_report(struct context *self)
{
    struct iommu_fault fault = {.kind = IOMMU_FAULT_TRANSLATION, .requester = first_id};

    as(OWNER_IMAGE);
    for (unsigned round = 0; !done; round++) {
        iommu_set_guard(&on.iommu, round & 1 ? IOMMU_GUARD_ALLOW : IOMMU_GUARD_BLOCK);
        fault.address = draw(self, AREA) * PAGE;
        iommu_report_fault(&on.iommu, &fault);
    }
}

static void set_up(void)
{
    DMA_IOMMU_INTERFACE_EX interface;

    start(&OPTIONS_DEFAULT);
    assert_int_equal(IoGetIommuInterfaceEx(1, 0, &interface), STATUS_SUCCESS);
    v1 = interface.V1;
    done = false;
    for (unsigned i = 0; i < CONTEXTS; i++) {
        drivers[i] = (struct driver){.device = new_device((uint16_t)(FIRST + i))};
        contexts[i].domain = i ? contexts[0].domain : wdm_reference(new_domain());
        contexts[i].device = wdm_reference(drivers[i].device);
        contexts[i].id = i ? second_id : first_id;
        contexts[i].memory = own_pages(OWNER_ONE, AREA);
    }
}

static void nobody_is_told_late(void **state)
{
    (void)state;
    set_up();
    run_both(register_and_leave, flip_and_report);
    assert_false(drivers[0].called_late);
    assert_false(drivers[0].handled_late);
}

/* The unit's own attach, with a long look at the guard before it. */
static const struct iommu_unit_ops *unit_ops;
static atomic_bool is_attaching, is_set, was_set;

static bool attach_late(struct iommu_unit *unit, pci_bdf_t id, const struct iommu_binding *binding,
                        bool *no_memory)
{
    is_attaching = true;
    for (unsigned n = 0; n < LOOKS && !is_set; n++)
        ;
    was_set = is_set;
    return unit_ops->attach(unit, id, binding, no_memory);
}

static void attach_to_pass(struct context *self)
{
    expect(self, on.api.AttachDeviceEx(wdm_handle(self->domain), wdm_handle(self->device)) ==
                     STATUS_SUCCESS);
}

static void block_meanwhile(struct context *self)
{
    for (unsigned n = 0; n < MANY && !is_attaching; n++)
        ;
    expect(self, is_attaching);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    is_set = true;
    expect(self, unit_lets(&contexts[0], contexts[0].memory));
}

static void a_guard_waits_for_a_running_attach(void **state)
{
    struct iommu_unit_ops late;

    (void)state;
    set_up();
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    contexts[0].domain = make(IOMMU_PASS_THROUGH, 0);
    unit_ops = on.iommu.units[0].ops;
    late = *unit_ops;
    late.attach = attach_late;
    on.iommu.units[0].ops = &late;
    is_attaching = is_set = was_set = false;
    run_both(attach_to_pass, block_meanwhile);
    on.iommu.units[0].ops = unit_ops;
    assert_false(was_set);
}

static void reserve_by_table(struct context *self)
{
    IOMMU_MAP_PHYSICAL_ADDRESS source = {.MapType = MapPhysicalAddressTypeContiguousRange};

    source.ContiguousRange.Base.QuadPart = (LONGLONG)self->memory;
    source.ContiguousRange.Size = PAGE;
    for (unsigned round = 0; round < 4 * ROUNDS; round++) {
        IOMMU_DMA_LOGICAL_ADDRESS wanted = AT + (draw(self, AREA) * CONTEXTS + self->number) * PAGE;
        IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {0};
        PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;

        expect(self, on.api.ReserveLogicalAddressRange(wdm_handle(self->domain), PAGE, &wanted,
                                                       NULL, NULL, &token) == STATUS_SUCCESS);
        if (!token)
            return;
        expect(self, token->LogicalAddressBase == wanted && token->Size == PAGE);
        expect(self, on.api.MapReservedLogicalRange(token, 0, READ_WRITE, &source, &segment) ==
                         STATUS_SUCCESS);
        expect(self, unit_lets(self, wanted));
        expect(self, on.api.FreeReservedLogicalAddressRange(token) == STATUS_RESOURCE_IN_USE);
        expect(self, on.api.UnmapReservedLogicalRange(&segment) == STATUS_SUCCESS);
        expect(self, !unit_lets(self, wanted));
        expect(self, on.api.FreeReservedLogicalAddressRange(token) == STATUS_SUCCESS);
    }
}

static PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN contested;
static NTSTATUS freed[CONTEXTS];

static void free_contested(struct context *self)
{
    freed[self->number] = on.api.FreeReservedLogicalAddressRange(contested);
}

static void tokens_of_two(void **state)
{
    IOMMU_DMA_LOGICAL_ADDRESS wanted = AT;

    (void)state;
    set_up();
    for (unsigned i = 0; i < CONTEXTS; i++)
        assert_int_equal(on.api.AttachDeviceEx(wdm_handle(contexts[0].domain), drivers[i].device),
                         STATUS_SUCCESS);
    run_both(reserve_by_table, reserve_by_table);
    for (unsigned round = 0; round < ROUNDS; round++) {
        assert_int_equal(on.api.ReserveLogicalAddressRange(wdm_handle(contexts[0].domain), PAGE,
                                                           &wanted, NULL, NULL, &contested),
                         STATUS_SUCCESS);
        run_both(free_contested, free_contested);
        assert_true(NT_SUCCESS(freed[0]) != NT_SUCCESS(freed[1]));
        assert_int_equal(freed[NT_SUCCESS(freed[0])], STATUS_INVALID_PARAMETER_1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_told_late),
        cmocka_unit_test(a_guard_waits_for_a_running_attach),
        cmocka_unit_test(tokens_of_two),
    };

    return cmocka_run_group_tests_name("race-wdm", tests, NULL, NULL);
}
