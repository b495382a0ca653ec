/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Devices in either version, state-change callbacks, fault reporting, and what version 3 adds.
 */
#include "tests/host/wdm_fixture.h"

#include <pthread.h>

static const pci_bdf_t first_id = PCI_BDF(0, 2, 0);

static void devices_are_made_once(void **state)
{
    IOMMU_DEVICE_CREATION_CONFIGURATION config = {.ConfigType = IommuDeviceCreationConfigTypePasid};
    PIOMMU_DMA_DEVICE device = NULL, again = NULL;

    (void)state;
    assert_int_equal(on.api.CreateDevice(NULL, &config, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.CreateDevice(NO_HANDLE, NULL, &device), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.CreateDevice(wdm_pdo(FUNCTIONS), NULL, &device),
                     STATUS_INVALID_PARAMETER_1);
    as(OWNER_TWO);
    assert_int_equal(on.api.CreateDevice(wdm_pdo(FIRST), &config, &device),
                     STATUS_INVALID_PARAMETER_1);
    as(OWNER_ONE);
    assert_int_equal(on.api.CreateDevice(wdm_pdo(FIRST), &config, NULL),
                     STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.CreateDevice(wdm_pdo(FIRST), NULL, NULL), STATUS_INVALID_PARAMETER_3);
    assert_null(device);
    device = new_device(FIRST);
    assert_int_equal(on.api.CreateDevice(wdm_pdo(FIRST), NULL, &again), STATUS_RESOURCE_IN_USE);
    assert_null(again);
    assert_int_equal(on.api.DeleteDevice((PIOMMU_DMA_DEVICE)use.domain),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.DeleteDevice(device), STATUS_SUCCESS);
    assert_int_equal(on.api.DeleteDevice(device), STATUS_INVALID_PARAMETER_1);
}

static void attach_checks_by_position(void **state)
{
    PIOMMU_DMA_DEVICE device = new_device(FIRST), second;

    (void)state;
    assert_int_equal(on.api.AttachDeviceEx(NULL, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.AttachDeviceEx(use.domain, NULL), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.AttachDeviceEx(use.domain, device), STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(use.domain, device), STATUS_INVALID_PARAMETER);
    assert_int_equal(on.api.AttachDeviceEx(use.buddy, device), STATUS_INVALID_PARAMETER);
    assert_int_equal(on.api.DeleteDevice(device), STATUS_RESOURCE_IN_USE);
    assert_int_equal(on.api.DeleteDomain(use.domain), STATUS_RESOURCE_IN_USE);
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_SUCCESS);
    assert_int_equal(on.api.DetachDeviceEx(device), STATUS_INVALID_PARAMETER_1);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(on.api.AttachDeviceEx(use.pass, device), STATUS_ACCESS_DENIED);
    device = new_device(BEHIND_A);
    second = new_device(BEHIND_B);
    assert_int_equal(on.api.AttachDeviceEx(use.domain, device), STATUS_SUCCESS);
    assert_int_equal(on.api.AttachDeviceEx(use.buddy, second), STATUS_ACCESS_DENIED);
}

static void version_1_attaches_by_pdo(void **state)
{
    PDEVICE_OBJECT pdo = wdm_pdo(FIRST);
    PIOMMU_DMA_DEVICE device = NULL;

    (void)state;
    assert_int_equal(map_range(use.domain, AT, use.frame, PAGE_SIZE, READ_WRITE), STATUS_SUCCESS);
    assert_int_equal(use.v1.AttachDevice(NULL, NULL, 1, 0), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.AttachDevice(use.domain, NULL, 1, 0), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(use.v1.AttachDevice(use.domain, pdo, 1, 0), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(use.v1.AttachDevice(use.domain, pdo, 0, 2), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(use.v1.DetachDevice(use.domain, pdo, 1), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(use.v1.AttachDevice(use.domain, pdo, 0, 1), STATUS_SUCCESS);
    assert_true(reaches(first_id, AT, true));
    assert_int_equal(use.v1.AttachDevice(use.domain, pdo, 0, 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(on.api.CreateDevice(pdo, NULL, &device), STATUS_RESOURCE_IN_USE);
    assert_int_equal(use.v1.DetachDevice(NULL, NULL, 1), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.DetachDevice(use.domain, NULL, 1), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(use.v1.DetachDevice(use.buddy, pdo, 1), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.DetachDevice(use.domain, pdo, 1), STATUS_INVALID_PARAMETER_3);
    assert_true(reaches(first_id, AT, true));
    assert_int_equal(use.v1.DetachDevice(use.domain, pdo, 0), STATUS_SUCCESS);
    assert_false(reaches(first_id, AT, true));
    assert_int_equal(use.v1.DetachDevice(use.domain, pdo, 0), STATUS_INVALID_PARAMETER_2);
    /* It left no device behind; one of the caller's own is used, and stays. */
    device = new_device(FIRST);
    assert_int_equal(use.v1.AttachDevice(use.domain, pdo, 0, 1), STATUS_SUCCESS);
    assert_int_equal(use.v1.DetachDevice(use.domain, pdo, 0), STATUS_SUCCESS);
    assert_int_equal(on.api.DeleteDevice(device), STATUS_SUCCESS);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(use.v1.AttachDevice(use.pass, pdo, 0, 1), STATUS_ACCESS_DENIED);
    assert_int_equal(on.api.CreateDevice(pdo, NULL, &device), STATUS_SUCCESS);
}

static void input_mappings_are_of_another_machine(void **state)
{
    INPUT_MAPPING_ELEMENT element = {77};
    ULONG length = 77;

    (void)state;
    assert_int_equal(on.api.QueryInputMappings(NULL, NULL, 0, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.QueryInputMappings(wdm_pdo(FIRST), NULL, 0, &length),
                     STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.QueryInputMappings(wdm_pdo(FIRST), &element, 4, &length),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(length, 77);
    assert_int_equal(element.InputMappingId, 77);
}

/* A callback that counts, and does once more what it is told to. */
struct told {
    PIOMMU_DMA_DEVICE device;
    unsigned calls;
    ULONG fields, mask, asked;
    owner_t owner;
    void (*then)(struct told *told);
};

static void on_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
    struct told *told = context;

    told->calls++;
    told->fields = change->PresentFields.AsULONG;
    told->mask = change->AvailableDomainTypes;
    told->owner = owner_current();
    on.api.QueryAvailableDomainTypes(told->device, &told->asked);
    if (told->then)
        told->then(told);
}

static void other_callback(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
    (void)change, (void)context;
    fail_msg("never registered");
}

static const IOMMU_INTERFACE_STATE_CHANGE_FIELDS types_field = {.AsULONG = 1};

static NTSTATUS enlist(struct told *told)
{
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = types_field;

    return on.api.RegisterInterfaceStateChangeCallback(on_change, told, told->device, &fields);
}

static NTSTATUS delist(struct told *told)
{
    return on.api.UnregisterInterfaceStateChangeCallback(on_change, told->device);
}

static void registration_checks_by_position(void **state)
{
    struct told told = {.device = new_device(FIRST)};
    IOMMU_INTERFACE_STATE_CHANGE_FIELDS none = {.AsULONG = 0}, odd = {.AsULONG = 3},
                                        right = types_field;

    (void)state;
    assert_int_equal(on.api.RegisterInterfaceStateChangeCallback(NULL, NULL, NULL, NULL),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.RegisterInterfaceStateChangeCallback(on_change, NULL, NULL, NULL),
                     STATUS_INVALID_PARAMETER_3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(on.api.RegisterInterfaceStateChangeCallback(
                             on_change, &told, told.device,
                             (IOMMU_INTERFACE_STATE_CHANGE_FIELDS *[]){NULL, &none, &odd}[i]),
                         STATUS_INVALID_PARAMETER_4);
    assert_int_equal(told.calls, 0);
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    assert_int_equal(told.calls, 1);
    assert_int_equal(enlist(&told), STATUS_UNSUCCESSFUL);
    assert_int_equal(
        on.api.RegisterInterfaceStateChangeCallback(other_callback, NULL, told.device, &right),
        STATUS_UNSUCCESSFUL);
    assert_int_equal(told.calls, 1);
    assert_int_equal(on.api.UnregisterInterfaceStateChangeCallback(NULL, NULL),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(on.api.UnregisterInterfaceStateChangeCallback(on_change, NULL),
                     STATUS_INVALID_PARAMETER_2);
    assert_int_equal(on.api.UnregisterInterfaceStateChangeCallback(other_callback, told.device),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(on.api.DeleteDevice(told.device), STATUS_RESOURCE_IN_USE);
    assert_int_equal(delist(&told), STATUS_SUCCESS);
    assert_int_equal(delist(&told), STATUS_UNSUCCESSFUL);
    assert_int_equal(on.api.DeleteDevice(told.device), STATUS_SUCCESS);
}

static void callbacks_hear_of_changes(void **state)
{
    struct told told = {.device = new_device(FIRST)};
    ULONG mask = 77;

    (void)state;
    on.api.QueryAvailableDomainTypes(told.device, NULL);
    on.api.QueryAvailableDomainTypes(NO_HANDLE, &mask);
    assert_int_equal(mask, 0);
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    assert_int_equal(told.fields, 1);
    assert_int_equal(told.mask, 7);
    as(OWNER_IMAGE);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    assert_int_equal(told.calls, 1);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(owner_current(), OWNER_IMAGE);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.mask, 5);
    assert_int_equal(told.asked, 5);
    assert_int_equal(told.owner, OWNER_ONE);
    as(OWNER_ONE);
    assert_int_equal(delist(&told), STATUS_SUCCESS);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    assert_int_equal(told.calls, 2);
}

static void a_mask_that_stays_is_not_told(void **state)
{
    (void)state;
    start(&OPTIONS_DEFAULT);
    on.iommu.pass_through = false;
    struct told told = {.device = new_device(FIRST)};
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.mask, 5);
}

static void a_unit_that_fails_is_not_told(void **state)
{
    struct told told = {.device = new_device(FIRST)};
    ULONG mask = 77;

    (void)state;
    assert_int_equal(on.api.AttachDeviceEx(use.domain, told.device), STATUS_SUCCESS);
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    unit_stall(&on.unit);
    assert_int_equal(on.api.DetachDeviceEx(told.device), STATUS_IO_DEVICE_ERROR);
    on.api.QueryAvailableDomainTypes(told.device, &mask);
    assert_int_equal(mask, 0);
    assert_int_equal(told.calls, 1);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.mask, 0);
}

static void leave(struct told *told)
{
    assert_int_equal(delist(told), STATUS_SUCCESS);
    assert_int_equal(on.api.DeleteDevice(told->device), STATUS_SUCCESS);
}

static void callbacks_may_leave_from_inside(void **state)
{
    struct told told = {.device = new_device(FIRST), .then = leave};

    (void)state;
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    told = (struct told){.device = new_device(FIRST)};
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    told.then = leave;
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(told.calls, 2);
    iommu_set_guard(&on.iommu, IOMMU_GUARD_ALLOW);
    assert_int_equal(told.calls, 2);
}

static struct {
    atomic_bool is_inside, may_end, has_left;
} race;

static void linger(struct told *told)
{
    (void)told;
    race.is_inside = true;
    while (!race.may_end)
        ;
    assert_false(race.has_left);
}

static void *flip_guard(void *unused)
{
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    return unused;
}

static void *leave_elsewhere(void *context)
{
    as(OWNER_ONE);
    NTSTATUS status = delist(context);
    race.has_left = true;
    return status == STATUS_SUCCESS ? context : NULL;
}

static void unregister_waits_for_a_running_call(void **state)
{
    struct told told = {.device = new_device(FIRST)};
    pthread_t flipper, leaver;
    void *result;

    (void)state;
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    told.then = linger;
    race.is_inside = race.may_end = race.has_left = false;
    assert_int_equal(pthread_create(&flipper, NULL, flip_guard, NULL), 0);
    while (!race.is_inside)
        ;
    assert_int_equal(pthread_create(&leaver, NULL, leave_elsewhere, &told), 0);
    for (unsigned i = 0; i < 1000000; i++)
        assert_false(race.has_left);
    race.may_end = true;
    pthread_join(flipper, NULL);
    pthread_join(leaver, &result);
    assert_non_null(result);
    assert_int_equal(told.calls, 2);
}

static struct {
    unsigned calls;
    owner_t owner;
    FAULT_INFORMATION information;
} heard;

static void on_fault(PVOID context, PFAULT_INFORMATION information)
{
    assert_ptr_equal(context, &heard);
    heard.calls++;
    heard.owner = owner_current();
    heard.information = *information;
}

static void never_on_fault(PVOID context, PFAULT_INFORMATION information)
{
    (void)context, (void)information;
    fail_msg("replaced, or of another device");
}

static void deliver_faults(void)
{
    struct iommu_fault faults[8];
    unsigned count = iommu_drain_faults(&on.iommu, faults, 8);

    as(OWNER_IMAGE);
    for (unsigned i = 0; i < count; i++)
        iommu_report_fault(&on.iommu, &faults[i]);
    as(OWNER_ONE);
}

static NTSTATUS report(PDEVICE_OBJECT pdo, BOOLEAN enable, PIOMMU_DEVICE_FAULT_HANDLER handler)
{
    DEVICE_FAULT_CONFIGURATION config = {handler, &heard};

    return use.v1.SetDeviceFaultReporting(pdo, 0, enable, &config);
}

static void fault_reporting_checks_by_position(void **state)
{
    PDEVICE_OBJECT pdo = wdm_pdo(FIRST);

    (void)state;
    assert_int_equal(use.v1.SetDeviceFaultReporting(NULL, 1, TRUE, NULL),
                     STATUS_INVALID_PARAMETER_1);
    assert_int_equal(report(pdo, TRUE, on_fault), STATUS_INVALID_PARAMETER_1);
    new_device(FIRST);
    assert_int_equal(report(pdo, FALSE, on_fault), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v1.AttachDevice(use.domain, pdo, 0, 1), STATUS_SUCCESS);
    assert_int_equal(use.v1.SetDeviceFaultReporting(pdo, 1, TRUE, NULL),
                     STATUS_INVALID_PARAMETER_2);
    assert_int_equal(use.v1.SetDeviceFaultReporting(pdo, 0, TRUE, NULL),
                     STATUS_INVALID_PARAMETER_4);
    assert_int_equal(report(pdo, TRUE, NULL), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(use.v1.SetDeviceFaultReporting(pdo, 0, FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(report(pdo, TRUE, on_fault), STATUS_SUCCESS);
    assert_int_equal(on.api.SetDeviceFaultReportingEx(NULL, 1, TRUE, NULL), STATUS_NOT_IMPLEMENTED);
}

static void handlers_hear_of_their_device(void **state)
{
    const FAULT_INFORMATION_X64 *x64 = &heard.information.X64;

    (void)state;
    heard.calls = 0;
    assert_int_equal(map_range(use.domain, AT, use.frame, PAGE_SIZE, IOMMU_ACCESS_READ),
                     STATUS_SUCCESS);
    new_device(FIRST);
    for (uint16_t i = FIRST; i <= SECOND; i++)
        assert_int_equal(use.v1.AttachDevice(use.domain, wdm_pdo(i), 0, 1), STATUS_SUCCESS);
    assert_int_equal(report(wdm_pdo(SECOND), TRUE, never_on_fault), STATUS_SUCCESS);
    assert_int_equal(report(wdm_pdo(FIRST), TRUE, never_on_fault), STATUS_SUCCESS);
    assert_int_equal(report(wdm_pdo(FIRST), TRUE, on_fault), STATUS_SUCCESS);
    (void)dma(first_id, AT + PAGE_SIZE + 0x123, false);
    deliver_faults();
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.owner, OWNER_ONE);
    assert_int_equal(heard.information.Type, FaultInformationX64);
    assert_int_equal(heard.information.IsStage1, FALSE);
    assert_ptr_equal(x64->DomainHandle, use.domain);
    assert_ptr_equal(x64->FaultAddress, AT + PAGE_SIZE);
    assert_int_equal(x64->Flags.FaultAddressValid, 1);
    assert_int_equal(x64->Type, TranslationFault);
    assert_int_equal(x64->IommuBaseAddress, on.iommu.units[0].base);
    assert_int_equal(x64->PciSegment, 0);
    (void)dma(first_id, AT, true);
    deliver_faults();
    assert_int_equal(heard.calls, 2);
    assert_int_equal(x64->Type, PermissionFault);
    assert_int_equal(report(wdm_pdo(FIRST), FALSE, NULL), STATUS_SUCCESS);
    (void)dma(first_id, AT, true);
    deliver_faults();
    /* Detach ends it, also for an attach that follows. */
    assert_int_equal(report(wdm_pdo(FIRST), TRUE, never_on_fault), STATUS_SUCCESS);
    assert_int_equal(use.v1.DetachDevice(use.domain, wdm_pdo(FIRST), 0), STATUS_SUCCESS);
    assert_int_equal(use.v1.AttachDevice(use.domain, wdm_pdo(FIRST), 0, 1), STATUS_SUCCESS);
    (void)dma(first_id, AT, true);
    deliver_faults();
    assert_int_equal(heard.calls, 2);
}

/* "FAULT_INFORMATION_X64_TYPE". */
static void every_kind_of_fault_is_told(void **state)
{
    static const FAULT_INFORMATION_X64_TYPE types[] = {
        [IOMMU_FAULT_TRANSLATION] = TranslationFault,
        [IOMMU_FAULT_PERMISSION] = PermissionFault,
        [IOMMU_FAULT_ADDRESS_SIZE] = AddressSizeFault,
        [IOMMU_FAULT_UNSUPPORTED] = UnsupportedUpstreamTransaction,
        [IOMMU_FAULT_EXTERNAL] = ExternalFault,
    };
    struct iommu_fault fault = {.requester = first_id, .address = AT + 0x123};

    (void)state;
    heard.calls = 0;
    assert_int_equal(use.v1.AttachDevice(use.domain, wdm_pdo(FIRST), 0, 1), STATUS_SUCCESS);
    assert_int_equal(report(wdm_pdo(FIRST), TRUE, on_fault), STATUS_SUCCESS);
    for (unsigned kind = 0; kind < COUNT(types); kind++) {
        fault.kind = (enum iommu_fault_kind)kind;
        iommu_report_fault(&on.iommu, &fault);
        assert_int_equal(heard.calls, kind + 1);
        assert_int_equal(heard.information.X64.Type, types[kind]);
        assert_ptr_equal(heard.information.X64.FaultAddress, AT);
    }
    fault.requester = SECOND_ID;
    iommu_report_fault(&on.iommu, &fault);
    assert_int_equal(heard.calls, COUNT(types));
}

static void records_outlive_an_attachment(void **state)
{
    (void)state;
    heard.calls = 0;
    assert_int_equal(use.v1.AttachDevice(use.domain, wdm_pdo(FIRST), 0, 1), STATUS_SUCCESS);
    (void)dma(first_id, AT, true);
    assert_int_equal(use.v1.DetachDevice(use.domain, wdm_pdo(FIRST), 0), STATUS_SUCCESS);
    assert_int_equal(use.v1.AttachDevice(use.buddy, wdm_pdo(FIRST), 0, 1), STATUS_SUCCESS);
    assert_int_equal(report(wdm_pdo(FIRST), TRUE, on_fault), STATUS_SUCCESS);
    deliver_faults();
    assert_int_equal(heard.calls, 1);
    assert_ptr_equal(heard.information.X64.DomainHandle, use.buddy);
}

static void an_owner_that_ends_is_forgotten(void **state)
{
    struct told told = {.device = new_device(FIRST)};

    (void)state;
    assert_int_equal(enlist(&told), STATUS_SUCCESS);
    as(OWNER_IMAGE);
    assert_true(iommu_reclaim(&on.iommu, OWNER_ONE));
    iommu_set_guard(&on.iommu, IOMMU_GUARD_BLOCK);
    assert_int_equal(told.calls, 1);
    as(OWNER_ONE);
    assert_int_equal(delist(&told), STATUS_INVALID_PARAMETER_2);
}

static void version_3_has_no_parts_of_devices(void **state)
{
    PIOMMU_DMA_DEVICE device = new_device(FIRST);
    IOMMU_DMA_DEVICE_INFORMATION information[2];
    PIOMMU_DMA_PASID_DEVICE part = NULL;
    uint8_t *bytes = (uint8_t *)information;
    ULONG asid = 77, written = 77;

    (void)state;
    memset(information, 0xA5, sizeof information);
    assert_int_equal(use.v3.CreatePasidDevice(device, &part, &asid), STATUS_INVALID_PARAMETER_1);
    assert_true(!part && asid == 77);
    assert_int_equal(use.v3.DeletePasidDevice(NO_HANDLE), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v3.AttachPasidDevice(NULL, NO_HANDLE), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v3.AttachPasidDevice(use.domain, NO_HANDLE), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(use.v3.DetachPasidDevice(NO_HANDLE), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v3.QueryDeviceInfo(NULL, 0, NULL, NULL), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(use.v3.QueryDeviceInfo(device, 2, NULL, NULL), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(use.v3.QueryDeviceInfo(device, 3, NULL, NULL), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(use.v3.QueryDeviceInfo(device, 3, &written, NULL), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(written, 77);
    assert_int_equal(use.v3.QueryDeviceInfo(device, sizeof information, &written, information),
                     STATUS_SUCCESS);
    assert_int_equal(written, 3);
    assert_true(!bytes[0] && !bytes[1] && !bytes[2] && bytes[3] == 0xA5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(devices_are_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(attach_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(version_1_attaches_by_pdo, setup, teardown),
        cmocka_unit_test_setup_teardown(input_mappings_are_of_another_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(registration_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(callbacks_hear_of_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mask_that_stays_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_unit_that_fails_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(callbacks_may_leave_from_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(unregister_waits_for_a_running_call, setup, teardown),
        cmocka_unit_test_setup_teardown(fault_reporting_checks_by_position, setup, teardown),
        cmocka_unit_test_setup_teardown(handlers_hear_of_their_device, setup, teardown),
        cmocka_unit_test_setup_teardown(every_kind_of_fault_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(records_outlive_an_attachment, setup, teardown),
        cmocka_unit_test_setup_teardown(an_owner_that_ends_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(version_3_has_no_parts_of_devices, setup, teardown),
    };

    return cmocka_run_group_tests_name("wdm_devices", tests, NULL, NULL);
}
