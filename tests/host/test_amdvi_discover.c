/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * From IVRS to core: a function stands behind the unit that the table gives it, or behind none and
 * the state says so; its aliases and its memory are core's.
 */
#include "arch/memory.h"
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "ivrs_fixture.h"
#include "lib/owner.h"
#include "log_capture.h"
#include "machine.h"

#define REGION     UINT64_C(0x01800000)
#define OTHER_BASE (BASE + AMDVI_REGISTERS)
#define OWN_ID     PCI_BDF(0, 0, 2) /* of the unit's own function */
#define DEVICE(n)  PCI_BDF(0, n, 0)

static struct {
    struct pci_inventory pci;
    struct amdvi amdvi;
    struct iommu iommu;
    const char *reason;
} on;

static uint16_t add_in(uint16_t segment, pci_bdf_t bdf)
{
    uint16_t index = (uint16_t)on.pci.count++;

    on.pci.functions[index] = (struct pci_function){
        .segment = segment, .bdf = bdf, .parent = PCI_NONE, .group_leader = index};
    return index;
}

/* The unit's own function, 00:01.0 to 00:06.0 and 03:00.0 to 03:00.2. */
static void add_functions(void)
{
    memset(&on.pci, 0, sizeof on.pci);
    add_in(0, OWN_ID);
    for (unsigned n = 1; n <= 6; n++)
        add_in(0, DEVICE(n));
    for (unsigned n = 0; n < 3; n++)
        add_in(0, PCI_BDF(3, 0, n));
}

static int power_on(void **state)
{
    model_reset();
    (void)owner_enter(OWNER_IMAGE);
    add_functions();
    return begin(state);
}

static bool discover(void)
{
    struct acpi_table whole = exact(table, table_length);

    iommu_init(&on.iommu, &on.pci);
    bool found = amdvi_discover(&on.amdvi, &whole, &on.iommu, &on.reason);
    release(&whole);
    return found;
}

static uint16_t index_of(pci_bdf_t bdf)
{
    uint16_t index = pci_find(&on.pci, 0, bdf);

    assert_int_not_equal(index, PCI_NONE);
    return index;
}

/* Index of the unit; -1: none. */
static int unit_of(pci_bdf_t bdf)
{
    uint16_t unit = on.iommu.endpoints[index_of(bdf)].unit;

    return unit == PCI_NONE ? -1 : unit;
}

static const struct amdvi_unit *state_of(unsigned unit)
{
    return on.iommu.units[unit].vendor_state;
}

static enum pt_permission rights_of(pci_bdf_t bdf, uint64_t first)
{
    for (unsigned i = 0; i < on.iommu.region_count; i++)
        if (on.iommu.regions[i].first == first)
            return (enum pt_permission)on.iommu.groups[index_of(bdf)].rights[i];
    return PT_NONE;
}

/* ---- Units ---- */

static void one_unit_whatever_describes_it(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_ivhd(IVRS_IVHD_11, 0, OWN_ID, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_ivhd(IVRS_IVHD_40, 0, OWN_ID, BASE);
    add_entry(IVRS_SELECT, DEVICE(1), 0);
    assert_true(discover());
    assert_int_equal(on.iommu.unit_count, 1);
    assert_string_equal(on.iommu.units[0].name, "amdvi0");
    assert_string_equal(on.iommu.units[0].ops->vendor, "amd");
    assert_ptr_equal(on.iommu.units[0].ops->format, &pt_format_amdv1);
    assert_int_equal(on.iommu.units[0].base, BASE);
    assert_int_equal(on.iommu.units[0].length, 0x4000);
    assert_int_equal(state_of(0)->ivhd, 2);
    assert_ptr_equal(state_of(0)->ivrs, &on.amdvi.ivrs);
    assert_ptr_equal(state_of(0)->iommu, &on.iommu);
    assert_ptr_equal(state_of(0)->function, &on.pci.functions[0]);
    assert_int_equal(unit_of(DEVICE(1)), 0);
    assert_int_equal(unit_of(DEVICE(2)), -1); /* the richest block alone counts */
    assert_false(on.iommu.incomplete);
}

static void two_units_share_the_functions(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, OWN_ID, BASE);
    add_range(IVRS_START, DEVICE(1), DEVICE(6) + 7);
    add_ivhd(IVRS_IVHD_11, 0, PCI_BDF(3, 0, 2), OTHER_BASE);
    add_range(IVRS_START, PCI_BDF(3, 0, 0), PCI_BDF(3, 31, 7));
    assert_true(discover());
    assert_int_equal(on.iommu.unit_count, 2);
    assert_string_equal(on.iommu.units[1].name, "amdvi1");
    assert_int_equal(unit_of(DEVICE(6)), 0);
    assert_int_equal(unit_of(PCI_BDF(3, 0, 1)), 1);
    assert_int_equal(unit_of(OWN_ID), -1);
    assert_ptr_equal(state_of(1)->function, &on.pci.functions[index_of(PCI_BDF(3, 0, 2))]);
}

static void units_at_one_address_conflict(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_11, 0, OWN_ID, BASE);
    add_entry(IVRS_SELECT, DEVICE(1), 0);
    add_ivhd(IVRS_IVHD_11, 0, PCI_BDF(3, 0, 2), BASE);
    add_entry(IVRS_SELECT, DEVICE(2), 0);
    assert_true(discover());
    assert_int_equal(on.iommu.unit_count, 1);
    assert_int_equal(unit_of(DEVICE(1)), 0);
    assert_int_equal(unit_of(DEVICE(2)), -1);
    assert_true(on.iommu.incomplete);
    assert_true(log_has("IVRS at offset 92"));
}

static void a_unit_without_its_function_is_still_a_unit(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, PCI_BDF(9, 0, 2), BASE);
    add_entry(IVRS_ALL, 0, 0);
    assert_true(discover());
    assert_null(state_of(0)->function);
    assert_true(log_has("unit at 0xfd200000: its function 09:00.2 is not there"));
    assert_int_equal(unit_of(DEVICE(3)), 0);
}

static void more_units_than_fit(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= IOMMU_UNITS_MAX; i++) {
        add_ivhd(IVRS_IVHD_10, 0, PCI_BDF(16 + i, 0, 0), BASE + UINT64_C(0x4000) * i);
        add_entry(IVRS_SELECT, DEVICE(i < 2 ? 1 + i : i < IOMMU_UNITS_MAX ? 4u : 5u), 0);
    }
    assert_true(discover());
    assert_int_equal(on.iommu.unit_count, IOMMU_UNITS_MAX);
    assert_int_equal(unit_of(DEVICE(2)), 1);
    assert_int_equal(unit_of(DEVICE(5)), -1);
    assert_true(on.iommu.incomplete);
    assert_true(log_has("unit at 0xfd300000 left out: too many units"));
}

/* What sends no requests may be left out; what may send some, or has a unit that failed, may not.
 */
static void a_host_bridge_needs_no_unit(void **state)
{
    (void)state;
    on.pci.functions[index_of(OWN_ID)].class_code = PCI_CLASS_IOMMU << 8;
    for (unsigned n = 1; n <= 3; n++)
        on.pci.functions[index_of(DEVICE(n))].class_code = PCI_CLASS_HOST_BRIDGE << 8;
    on.pci.functions[index_of(DEVICE(2))].parent = 0;
    add_ivhd(IVRS_IVHD_11, 0, OWN_ID, BASE);
    add_entry(IVRS_SELECT, DEVICE(3), 0);
    assert_true(discover());
    assert_true(iommu_guards(&on.iommu, index_of(OWN_ID)));
    assert_true(iommu_guards(&on.iommu, index_of(DEVICE(1))));
    assert_false(iommu_guards(&on.iommu, index_of(DEVICE(2))));
    assert_false(iommu_guards(&on.iommu, index_of(DEVICE(3))));
    assert_false(iommu_guards(&on.iommu, index_of(DEVICE(4))));
    on.iommu.units[0].state = UNIT_ACTIVE;
    assert_true(iommu_guards(&on.iommu, index_of(DEVICE(3))));
}

static void tables_without_a_unit(void **state)
{
    (void)state;
    assert_false(discover());
    assert_string_equal(on.reason, "IVRS describes no unit");
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, 0);
    add_entry(IVRS_ALL, 0, 0);
    assert_false(discover());
    assert_string_not_equal(on.reason, "IVRS describes no unit");
    table_length = 40;
    assert_false(discover());
    assert_string_equal(on.reason, "IVRS is shorter than its header");
}

/* ---- Functions ---- */

static void each_kind_of_entry_covers(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_40, 0, OWN_ID, BASE);
    add_entry(IVRS_SELECT, DEVICE(1), 0);
    add_alias(IVRS_ALIAS_SELECT, DEVICE(2), PCI_BDF(7, 0, 0));
    add_entry(IVRS_EXTENDED_SELECT, DEVICE(3), 0);
    add_hid(DEVICE(4), "AMDI0020", IVRS_UID_NONE, "", 0);
    add_range(IVRS_START, PCI_BDF(3, 0, 0), PCI_BDF(3, 0, 0));
    add_alias(IVRS_ALIAS_START, PCI_BDF(3, 0, 1), PCI_BDF(3, 0, 0));
    add_entry(IVRS_END, PCI_BDF(3, 0, 1), 0);
    add_entry(IVRS_EXTENDED_START, PCI_BDF(3, 0, 2), 0);
    add_entry(IVRS_END, PCI_BDF(3, 0, 7), 0);
    add_special(IVRS_IOAPIC, 4, DEVICE(6));
    assert_true(discover());
    for (unsigned n = 1; n <= 4; n++)
        assert_int_equal(unit_of(DEVICE(n)), 0);
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(unit_of(PCI_BDF(3, 0, n)), 0);
    assert_int_equal(unit_of(DEVICE(5)), -1);
    assert_false(on.iommu.incomplete);
}

static void all_covers_all_of_its_segment(void **state)
{
    uint16_t elsewhere = add_in(1, DEVICE(1));

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_entry(IVRS_ALL, 0, 0);
    assert_true(discover());
    for (uint16_t i = 0; i < elsewhere; i++)
        assert_int_equal(on.iommu.endpoints[i].unit, 0);
    assert_int_equal(on.iommu.endpoints[elsewhere].unit, PCI_NONE);
}

static void units_of_another_segment(void **state)
{
    uint16_t elsewhere = add_in(1, DEVICE(1)), own = add_in(1, OWN_ID);
    size_t memory;

    (void)state;
    add_ivhd(IVRS_IVHD_11, 1, OWN_ID, BASE);
    add_alias(IVRS_ALIAS_SELECT, DEVICE(1), DEVICE(2));
    memory = add_ivmd(IVRS_IVMD_SELECT, DEVICE(1), 0, REGION, 0x1000);
    put(memory + 8, 1, 2);
    assert_true(discover());
    assert_int_equal(on.iommu.units[0].segment, 1);
    assert_ptr_equal(state_of(0)->function, &on.pci.functions[own]);
    assert_int_equal(on.iommu.endpoints[elsewhere].unit, 0);
    assert_int_equal(unit_of(DEVICE(1)), -1);
    assert_true(pci_sends_as(&on.pci.functions[elsewhere], 1, DEVICE(2)));
    assert_int_equal(on.pci.functions[elsewhere].group_leader, elsewhere);
    assert_int_equal(on.iommu.region_count - on.iommu.special_count, 1);
    assert_int_equal(on.iommu.groups[elsewhere].rights[on.iommu.special_count], PT_READ_WRITE);
    assert_int_equal(rights_of(DEVICE(1), REGION), PT_NONE);
}

static void names_of_nothing_do_no_harm(void **state)
{
    struct acpi_madt madt = {.io_apic_count = 1, .io_apics = {{.id = 2}}};

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_entry(IVRS_SELECT, DEVICE(1), 0);
    add_entry(IVRS_SELECT, PCI_BDF(9, 9, 0), 0);
    add_alias(IVRS_ALIAS_SELECT, PCI_BDF(9, 8, 0), DEVICE(2));
    add_special(IVRS_IOAPIC, 9, PCI_BDF(0, 20, 0));
    add_ivmd(IVRS_IVMD_SELECT, PCI_BDF(9, 9, 0), 0, REGION, 0x1000);
    assert_true(discover());
    assert_int_equal(unit_of(DEVICE(1)), 0);
    assert_int_equal(unit_of(DEVICE(2)), -1);
    assert_int_equal(on.iommu.region_count - on.iommu.special_count, 0);
    assert_true(log_has("IVMD at offset"));
    assert_false(ivrs_io_apics_known(&on.amdvi.ivrs, &madt, NULL, 0));
    assert_true(log_has("IOAPIC 2 of MADT has no one DeviceID"));
    assert_true(log_has("no IOAPIC of MADT has id 9"));
}

/* ---- Aliases ---- */

static void an_alias_joins_groups(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_range(IVRS_START, DEVICE(1), PCI_BDF(3, 31, 7));
    add_alias(IVRS_ALIAS_SELECT, DEVICE(2), DEVICE(4));
    add_alias(IVRS_ALIAS_START, PCI_BDF(3, 0, 0), PCI_BDF(7, 0, 0));
    add_entry(IVRS_END, PCI_BDF(3, 0, 1), 0);
    assert_true(discover());
    assert_int_equal(on.pci.functions[index_of(DEVICE(4))].group_leader, index_of(DEVICE(2)));
    assert_int_equal(on.pci.functions[index_of(DEVICE(3))].group_leader, index_of(DEVICE(3)));
    assert_int_equal(on.pci.functions[index_of(PCI_BDF(3, 0, 1))].group_leader,
                     index_of(PCI_BDF(3, 0, 0)));
    assert_int_equal(on.pci.functions[index_of(PCI_BDF(3, 0, 2))].group_leader,
                     index_of(PCI_BDF(3, 0, 2)));
    for (unsigned i = 0; i < on.iommu.requester_count; i++)
        if (on.iommu.requesters[i].id != OWN_ID)
            assert_int_equal(on.iommu.requesters[i].unit, 0);
    assert_int_equal(on.iommu.requester_count, on.pci.count + 1);
}

static void an_alias_too_many_leaves_its_function_out(void **state)
{
    struct pci_function *function = &on.pci.functions[index_of(DEVICE(2))];

    (void)state;
    for (unsigned i = 0; i < PCI_ALIASES; i++)
        function->aliases[function->alias_count++] = PCI_BDF(8, i, 0);
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_entry(IVRS_ALL, 0, 0);
    add_alias(IVRS_ALIAS_SELECT, DEVICE(2), PCI_BDF(7, 0, 0));
    assert_true(discover());
    assert_int_equal(unit_of(DEVICE(2)), -1);
    assert_int_equal(unit_of(DEVICE(1)), 0);
    assert_true(on.iommu.incomplete);
    assert_true(log_has("00:02.0 is not covered: no room for its alias 07:00.0"));
}

static void an_alias_of_another_unit_leaves_one_out(void **state)
{
    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_entry(IVRS_SELECT, DEVICE(1), 0);
    add_ivhd(IVRS_IVHD_10, 0, PCI_BDF(3, 0, 2), OTHER_BASE);
    add_alias(IVRS_ALIAS_SELECT, DEVICE(2), DEVICE(1));
    assert_true(discover());
    assert_int_equal(unit_of(DEVICE(1)), 0);
    assert_int_equal(unit_of(DEVICE(2)), -1);
    assert_true(on.iommu.incomplete);
}

/* ---- Memory ---- */

static void memory(unsigned type, unsigned first, unsigned last, uint64_t start, unsigned flags)
{
    put(add_ivmd(type, first, last, start, 0x2000) + 1, flags, 1);
}

static void memory_is_demanded_with_its_rights(void **state)
{
    const unsigned read = IVRS_UNITY | IVRS_READ, write = IVRS_UNITY | IVRS_WRITE;

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_entry(IVRS_ALL, 0, 0);
    memory(IVRS_IVMD_ALL, 0, 0, REGION, read);
    memory(IVRS_IVMD_SELECT, DEVICE(1), 0, REGION, write);
    memory(IVRS_IVMD_SELECT, DEVICE(2), 0, REGION + 0x2000, read | write);
    memory(IVRS_IVMD_RANGE, DEVICE(3), DEVICE(4), REGION + 0x4000, IVRS_EXCLUSION);
    memory(IVRS_IVMD_SELECT, DEVICE(5), 0, REGION + 0x6000, IVRS_UNITY);
    memory(IVRS_IVMD_SELECT, DEVICE(5), 0, REGION + 0x8000, IVRS_READ | IVRS_WRITE);
    assert_true(discover());
    assert_int_equal(on.iommu.region_count - on.iommu.special_count, 3);
    assert_int_equal(on.iommu.regions[on.iommu.special_count].last, REGION + 0x1FFF);
    for (unsigned n = 1; n <= 6; n++) {
        assert_int_equal(rights_of(DEVICE(n), REGION), n == 1 ? PT_READ_WRITE : PT_READ);
        assert_int_equal(rights_of(DEVICE(n), REGION + 0x2000), n == 2 ? PT_READ_WRITE : PT_NONE);
        assert_int_equal(rights_of(DEVICE(n), REGION + 0x4000),
                         n == 3 || n == 4 ? PT_READ_WRITE : PT_NONE);
    }
    assert_true(log_has("(read) demanded by IVMD at offset 76 for 00:00.2 and 9 more"));
    assert_true(log_has("(no access) demanded by IVMD at offset 204 for 00:05.0: refused"));
}

static void memory_that_no_device_may_reach(void **state)
{
    const unsigned both = IVRS_UNITY | IVRS_READ | IVRS_WRITE;
    uint64_t own = memory_physical(memory_alloc(OWNER_IMAGE, 2, 0));

    (void)state;
    add_ivhd(IVRS_IVHD_10, 0, OWN_ID, BASE);
    add_entry(IVRS_ALL, 0, 0);
    memory(IVRS_IVMD_ALL, 0, 0, own, both);
    memory(IVRS_IVMD_ALL, 0, 0, BASE + 0x2000, both);
    memory(IVRS_IVMD_ALL, 0, 0, IOMMU_INTERRUPT_LAST - 0xFFF, IVRS_EXCLUSION);
    memory(IVRS_IVMD_ALL, 0, 0, BASE + 0x4000, both);
    memory(IVRS_IVMD_ALL, 0, 0, UINT64_C(1) << 50, both); /* beyond PASize */
    assert_true(discover());
    assert_int_equal(on.iommu.region_count - on.iommu.special_count, 1);
    assert_int_equal(on.iommu.regions[on.iommu.special_count].first, BASE + 0x4000);
    assert_true(log_has("image") && log_has("registers of a unit") && log_has("interrupt window"));
}

/* ---- Anything ---- */

static void discover_bytes(const uint8_t *bytes, size_t length)
{
    struct acpi_table whole = exact(bytes, length);

    add_functions();
    iommu_init(&on.iommu, &on.pci);
    (void)!amdvi_discover(&on.amdvi, &whole, &on.iommu, &on.reason);
    release(&whole);
    for (unsigned i = 0; i < on.pci.count; i++)
        assert_true(on.iommu.endpoints[i].unit == PCI_NONE ||
                    on.iommu.endpoints[i].unit < on.iommu.unit_count);
    for (unsigned i = 0; i < on.iommu.requester_count; i++)
        assert_true(on.iommu.requesters[i].unit == PCI_NONE ||
                    on.iommu.requesters[i].unit < on.iommu.unit_count);
}

static void damaged_tables(void **state)
{
    memory_is_demanded_with_its_rights(state);
    add_ivhd(IVRS_IVHD_11, 0, PCI_BDF(3, 0, 2), OTHER_BASE);
    add_alias(IVRS_ALIAS_SELECT, DEVICE(2), DEVICE(4));
    use_damaged(discover_bytes);
}

#define TEST(name) cmocka_unit_test_setup(name, power_on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_unit_whatever_describes_it),
        TEST(two_units_share_the_functions),
        TEST(units_at_one_address_conflict),
        TEST(a_unit_without_its_function_is_still_a_unit),
        TEST(more_units_than_fit),
        TEST(a_host_bridge_needs_no_unit),
        TEST(tables_without_a_unit),
        TEST(each_kind_of_entry_covers),
        TEST(all_covers_all_of_its_segment),
        TEST(units_of_another_segment),
        TEST(names_of_nothing_do_no_harm),
        TEST(an_alias_joins_groups),
        TEST(an_alias_too_many_leaves_its_function_out),
        TEST(an_alias_of_another_unit_leaves_one_out),
        TEST(memory_is_demanded_with_its_rights),
        TEST(memory_that_no_device_may_reach),
        TEST(damaged_tables),
    };

    return cmocka_run_group_tests_name("amdvi_discover", tests, NULL, NULL);
}
