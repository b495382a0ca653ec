/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Requester IDs and isolation groups are those of the machine's topology, and no damage to
 * configuration spaces makes the walk run away or the groups disagree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/pci/registers.h"
#include "ecam.h"
#include "log_capture.h"
#include "machine.h"

#include <stdlib.h>
#include <string.h>

#define ACS_ALL ((uint8_t)(ACS_ISOLATION | 0x02 | ACS_DIRECT_TRANSLATED))

static struct pci_inventory inventory;
static const struct pci_ecam *mcfg;

static int power_on(void **state)
{
    (void)state;
    model_reset();
    ecam_reset();
    mcfg = ecam_add_segment(0, ECAM_BASE, 15);
    return log_capture_start() ? 0 : -1;
}

static int no_violation(void **state)
{
    (void)state;
    return model_violations() == 0 ? 0 : -1;
}

static void enumerate(bool size_bars)
{
    assert_true(pci_enumerate(mcfg, size_bars, &inventory));
}

static struct pci_function *at(unsigned bus, unsigned device, unsigned function)
{
    uint16_t index = pci_find(&inventory, 0, PCI_BDF(bus, device, function));

    assert_int_not_equal(index, PCI_NONE);
    return &inventory.functions[index];
}

static uint16_t index_of(const struct pci_function *function)
{
    return (uint16_t)(function - inventory.functions);
}

/* ---- Requester IDs ---- */

static void check_alias(const struct pci_function *function, unsigned bus, unsigned device,
                        bool hidden)
{
    assert_int_equal(function->alias_count, 1);
    assert_int_equal(function->aliases[0], PCI_BDF(bus, device, 0));
    assert_int_equal(function->hidden, hidden);
}

static void behind_a_bridge_from_express_all_are_one_requester(void **state)
{
    struct ecam_function *pcix;

    (void)state;
    ecam_port(0, 1, PCI_ROOT_PORT, 1, 3, ACS_ALL);
    ecam_port(1, 0, PCI_TO_PCI_BRIDGE, 2, 3, 0);
    ecam_pci_bridge(2, 5, 3, 3);
    ecam_endpoint(2, 0, 0); /* bears the alias itself */
    ecam_endpoint(2, 1, 0);
    ecam_endpoint(3, 1, 0);
    pcix = ecam_endpoint(2, 2, 0);
    ecam_capability(pcix, 0x07, 0x60);
    enumerate(false);
    assert_int_equal(at(2, 0, 0)->alias_count, 0);
    assert_false(at(2, 0, 0)->hidden);
    check_alias(at(2, 1, 0), 2, 0, true);
    check_alias(at(2, 2, 0), 2, 0, false);
    check_alias(at(2, 5, 0), 2, 0, true);
    check_alias(at(3, 1, 0), 2, 0, true);
    assert_int_equal(at(1, 0, 0)->alias_count, 0);
    assert_int_equal(at(0, 1, 0)->alias_count, 0);
}

static void behind_conventional_bridges_the_topmost_is_the_requester(void **state)
{
    (void)state;
    ecam_pci_bridge(0, 0x1E, 1, 2);
    ecam_pci_bridge(1, 1, 2, 2);
    ecam_endpoint(1, 2, 0);
    ecam_endpoint(2, 1, 0);
    enumerate(false);
    check_alias(at(1, 2, 0), 0, 0x1E, true);
    check_alias(at(2, 1, 0), 0, 0x1E, true);
    check_alias(at(1, 1, 0), 0, 0x1E, true);
    assert_int_equal(at(0, 0x1E, 0)->alias_count, 0);
}

static void on_express_everyone_is_himself(void **state)
{
    (void)state;
    ecam_port(0, 1, PCI_ROOT_PORT, 1, 3, ACS_ALL);
    ecam_port(1, 0, PCI_UPSTREAM_PORT, 2, 3, 0);
    ecam_port(2, 4, PCI_DOWNSTREAM_PORT, 3, 3, ACS_ALL);
    ecam_endpoint(3, 0, 0);
    enumerate(false);
    for (unsigned i = 0; i < inventory.count; i++) {
        assert_int_equal(inventory.functions[i].alias_count, 0);
        assert_false(inventory.functions[i].hidden);
    }
}

/* ---- Groups ---- */

static bool together(const struct pci_function *a, const struct pci_function *b)
{
    assert_true(a->group_leader <= index_of(a));
    return a->group_leader == b->group_leader;
}

static bool alone(const struct pci_function *function)
{
    for (unsigned i = 0; i < inventory.count; i++)
        if (&inventory.functions[i] != function && together(&inventory.functions[i], function))
            return false;
    return true;
}

static void root_complex_functions_stand_alone(void **state)
{
    (void)state;
    ecam_endpoint(0, 1, 0);
    ecam_endpoint(0, 2, 0);
    ecam_endpoint(1, 2, 0);
    enumerate(false);
    for (unsigned i = 0; i < inventory.count; i++)
        assert_int_equal(inventory.functions[i].group_leader, i);
}

static void ports_with_acs_keep_their_devices_apart(void **state)
{
    (void)state;
    ecam_port(0, 1, PCI_ROOT_PORT, 1, 1, ACS_ALL);
    ecam_port(0, 2, PCI_ROOT_PORT, 2, 5, ACS_SOURCE_VALIDATION); /* no peer-to-peer to control */
    ecam_endpoint(1, 0, 0);
    ecam_port(2, 0, PCI_UPSTREAM_PORT, 3, 5, 0);
    ecam_port(3, 0, PCI_DOWNSTREAM_PORT, 4, 4, ACS_ALL);
    ecam_port(3, 1, PCI_DOWNSTREAM_PORT, 5, 5, ACS_ALL);
    ecam_endpoint(4, 0, 0);
    ecam_endpoint(5, 0, 0);
    enumerate(false);
    for (unsigned i = 0; i < inventory.count; i++)
        assert_true(alone(&inventory.functions[i]));
}

static void a_root_port_without_acs_takes_all_below(void **state)
{
    (void)state;
    ecam_port(0, 1, PCI_ROOT_PORT, 1, 4, 0);
    ecam_port(1, 0, PCI_UPSTREAM_PORT, 2, 4, 0);
    ecam_port(2, 0, PCI_DOWNSTREAM_PORT, 3, 3, ACS_ALL);
    ecam_port(2, 1, PCI_DOWNSTREAM_PORT, 4, 4, ACS_ALL);
    ecam_endpoint(3, 0, 0);
    ecam_endpoint(4, 0, 0);
    ecam_endpoint(0, 2, 0);
    enumerate(false);
    assert_true(together(at(3, 0, 0), at(4, 0, 0)));
    assert_true(together(at(3, 0, 0), at(0, 1, 0)));
    assert_int_equal(at(4, 0, 0)->group_leader, index_of(at(0, 1, 0)));
    assert_true(alone(at(0, 2, 0)));
}

static void a_switch_is_one_group_when_one_of_its_ports_has_no_acs(void **state)
{
    (void)state;
    ecam_port(0, 1, PCI_ROOT_PORT, 1, 4, ACS_ALL);
    ecam_port(1, 0, PCI_UPSTREAM_PORT, 2, 4, 0);
    ecam_port(2, 0, PCI_DOWNSTREAM_PORT, 3, 3, ACS_ALL);
    ecam_port(2, 1, PCI_DOWNSTREAM_PORT, 4, 4, ACS_SOURCE_VALIDATION | ACS_REQUEST_REDIRECT);
    ecam_endpoint(3, 0, 0);
    ecam_endpoint(4, 0, 0);
    enumerate(false);
    assert_true(together(at(3, 0, 0), at(4, 0, 0)));
    assert_true(together(at(3, 0, 0), at(1, 0, 0)));
    assert_true(alone(at(0, 1, 0)));
}

static void functions_of_one_device_need_acs_to_be_apart(void **state)
{
    (void)state;
    ecam_multi(ecam_endpoint(0, 1, 0));
    ecam_endpoint(0, 1, 1);
    ecam_multi(ecam_endpoint(0, 2, 0));
    for (unsigned i = 0; i < 2; i++) {
        struct ecam_function *function = ecam_endpoint(0, 3, i);

        ecam_multi(function);
        ecam_express(function, PCI_ENDPOINT);
        ecam_acs(function, 0);
    }
    ecam_endpoint(0, 3, 2); /* does not control itself, and the two others do not talk to it */
    enumerate(false);
    assert_true(together(at(0, 1, 0), at(0, 1, 1)));
    assert_true(alone(at(0, 2, 0)));
    assert_true(alone(at(0, 3, 0)));
    assert_true(alone(at(0, 3, 1)));
    assert_true(alone(at(0, 3, 2)));
}

static void a_pci_bus_is_one_group_with_its_bridge(void **state)
{
    (void)state;
    ecam_port(0, 1, PCI_ROOT_PORT, 1, 3, ACS_ALL);
    ecam_port(1, 0, PCI_TO_PCI_BRIDGE, 2, 3, 0);
    ecam_pci_bridge(2, 5, 3, 3);
    ecam_endpoint(2, 1, 0);
    ecam_endpoint(3, 1, 0);
    ecam_pci_bridge(0, 0x1E, 4, 4);
    ecam_endpoint(4, 1, 0);
    ecam_endpoint(4, 2, 0);
    enumerate(false);
    assert_true(together(at(2, 1, 0), at(3, 1, 0)));
    assert_true(together(at(2, 1, 0), at(1, 0, 0)));
    assert_true(alone(at(0, 1, 0)));
    assert_true(together(at(4, 1, 0), at(4, 2, 0)));
    assert_true(together(at(4, 1, 0), at(0, 0x1E, 0)));
    assert_false(together(at(4, 1, 0), at(2, 1, 0)));
}

/* By their leaders, without gaps, whoever stands between a leader and its group. */
static void groups_are_numbered_in_bus_order(void **state)
{
    static const unsigned numbers[] = {0, 1, 0, 2, 1, 3};

    (void)state;
    memset(&inventory, 0, sizeof inventory);
    inventory.count = 6;
    for (unsigned i = 0; i < 6; i++)
        inventory.functions[i].group_leader = (uint16_t)i;
    inventory.functions[2].group_leader = 0;
    inventory.functions[4].group_leader = 1;
    for (uint16_t i = 0; i < 6; i++)
        assert_int_equal(pci_group_number(&inventory, i), numbers[i]);
}

static void groups_reach_through_the_device_above(void **state)
{
    struct ecam_function *sibling;

    (void)state;
    ecam_multi(ecam_port(0, 1, PCI_ROOT_PORT, 1, 1, 0));
    sibling = ecam_add(0, PCI_BDF(0, 1, 1), 0x060400);
    ecam_bridge(sibling, 2, 2);
    ecam_express(sibling, PCI_ROOT_PORT);
    ecam_endpoint(1, 0, 0);
    ecam_endpoint(2, 0, 0);
    enumerate(false);
    assert_true(together(at(1, 0, 0), at(2, 0, 0)));
    assert_int_equal(at(2, 0, 0)->group_leader, 0);
}

/* ---- IDs that firmware names ---- */

static bool add_alias(const struct pci_function *function, pci_bdf_t alias)
{
    return pci_add_alias(&inventory, index_of(function), alias);
}

static void an_alias_joins_all_that_send_under_it(void **state)
{
    (void)state;
    for (unsigned device = 1; device <= 5; device++)
        ecam_endpoint(0, device, 0);
    enumerate(false);
    assert_true(add_alias(at(0, 2, 0), PCI_BDF(7, 0, 0)));
    assert_int_equal(at(0, 2, 0)->group_leader, index_of(at(0, 2, 0)));
    assert_true(add_alias(at(0, 4, 0), PCI_BDF(7, 0, 0)));
    assert_true(together(at(0, 2, 0), at(0, 4, 0)));
    assert_true(add_alias(at(0, 5, 0), PCI_BDF(0, 4, 0)));
    assert_true(together(at(0, 5, 0), at(0, 2, 0)));
    assert_false(together(at(0, 1, 0), at(0, 2, 0)) || together(at(0, 3, 0), at(0, 2, 0)));
    assert_true(add_alias(at(0, 5, 0), PCI_BDF(0, 1, 0)));
    for (unsigned device = 1; device <= 5; device++)
        assert_int_equal(at(0, device, 0)->group_leader == 0, device != 3);
    assert_true(pci_sends_as(at(0, 5, 0), 0, PCI_BDF(0, 1, 0)));
    assert_true(pci_sends_as(at(0, 5, 0), 0, PCI_BDF(0, 5, 0)));
    assert_false(pci_sends_as(at(0, 5, 0), 1, PCI_BDF(0, 5, 0)));
    assert_false(at(0, 5, 0)->hidden);
}

static void more_aliases_than_fit_change_nothing(void **state)
{
    (void)state;
    for (unsigned device = 1; device <= 2; device++)
        ecam_endpoint(0, device, 0);
    enumerate(false);
    for (unsigned i = 0; i < PCI_ALIASES; i++)
        assert_true(add_alias(at(0, 2, 0), PCI_BDF(7, i, 0)));
    assert_true(add_alias(at(0, 2, 0), PCI_BDF(7, 1, 0)));
    assert_true(add_alias(at(0, 2, 0), PCI_BDF(0, 2, 0)));
    assert_false(add_alias(at(0, 2, 0), PCI_BDF(0, 1, 0)));
    assert_int_equal(at(0, 2, 0)->alias_count, PCI_ALIASES);
    assert_false(together(at(0, 1, 0), at(0, 2, 0)));
}

/* ---- Any damage ---- */

static void any_damage_is_survived(void **state)
{
    const char *given = getenv("BULKHEAD_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20240u;

    (void)state;
    print_message("BULKHEAD_SEED=%llu\n", (unsigned long long)seed);
    log_set_level(LOG_ERROR);
    for (unsigned round = 0; round < 60; round++) {
        struct ecam_function *damaged[4];

        power_on(state);
        damaged[0] = ecam_port(0, 1, PCI_ROOT_PORT, 1, 3, ACS_ALL);
        damaged[1] = ecam_port(1, 0, PCI_TO_PCI_BRIDGE, 2, 3, 0);
        damaged[2] = ecam_pci_bridge(2, 5, 3, 3);
        damaged[3] = ecam_endpoint(3, 1, 0);
        ecam_express(damaged[3], PCI_ENDPOINT);
        for (unsigned i = 0; i < 40; i++) {
            struct ecam_function *function;

            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            function = damaged[seed >> 60 & 3];
            function->dwords[1 + (seed >> 50 & 0x3F)] = (uint32_t)(seed >> 16);
            function->writable[seed >> 40 & 0x3F] = (uint32_t)(seed >> 8);
        }
        enumerate(true);
        for (unsigned i = 0; i < inventory.count; i++) {
            const struct pci_function *function = &inventory.functions[i];

            assert_true(function->group_leader <= i);
            assert_true(function->parent == PCI_NONE || function->parent < i);
            pci_harden(function);
            pci_msi_disable(function);
        }
    }
    log_set_level(LOG_INFO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, no_violation)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(behind_a_bridge_from_express_all_are_one_requester),
        TEST(behind_conventional_bridges_the_topmost_is_the_requester),
        TEST(on_express_everyone_is_himself),
        TEST(root_complex_functions_stand_alone),
        TEST(ports_with_acs_keep_their_devices_apart),
        TEST(a_root_port_without_acs_takes_all_below),
        TEST(a_switch_is_one_group_when_one_of_its_ports_has_no_acs),
        TEST(functions_of_one_device_need_acs_to_be_apart),
        TEST(a_pci_bus_is_one_group_with_its_bridge),
        TEST(groups_are_numbered_in_bus_order),
        TEST(groups_reach_through_the_device_above),
        TEST(an_alias_joins_all_that_send_under_it),
        TEST(more_aliases_than_fit_change_nothing),
        TEST(any_damage_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
