/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/pci/registers.h"

/*
 * Isolation. Two functions are in one group when the units cannot tell their requests apart, or
 * when a request of one can reach the other without passing a unit:
 *
 * - below a bridge to PCI or PCI-X nothing keeps neighbours apart, and the bridge's requester ID
 *   stands for all of them;
 * - below a root or downstream port without ACS, requests may be turned around at the port, and
 *   inside a switch at any of its downstream ports;
 * - functions of one device without ACS may talk to each other inside it.
 *
 * Such a bridge takes all below it into its own group, however deep. A function in none of these
 * places stands alone.
 */

static struct pci_function *leader_of(struct pci_inventory *inventory,
                                      struct pci_function *function)
{
    while (&inventory->functions[function->group_leader] != function)
        function = &inventory->functions[function->group_leader];
    return function;
}

/* The smaller index leads. */
static void join(struct pci_inventory *inventory, uint16_t a, uint16_t b)
{
    struct pci_function *first = leader_of(inventory, &inventory->functions[a]);
    struct pci_function *second = leader_of(inventory, &inventory->functions[b]);

    if (first < second)
        second->group_leader = first->group_leader;
    else
        first->group_leader = second->group_leader;
}

/*
 * "ACS Extended Capability", ACS Capability Register. A switch has to offer all four controls at
 * its downstream ports and a root port Source Validation; a root port that lacks another one never
 * sends requests the way that it controls. In a device of many functions the capability itself,
 * even with no bit set, says that there is nothing uncontrolled between them.
 */
static bool offers_acs(const struct pci_function *function)
{
    uint16_t offered, needed = 0;

    if (!function->acs)
        return false;
    offered = pci_read16(function, (uint16_t)(function->acs + ACS_CAPABILITY));
    if (function->port == PCI_DOWNSTREAM_PORT)
        needed = ACS_ISOLATION;
    else if (function->port == PCI_ROOT_PORT)
        needed = ACS_SOURCE_VALIDATION;
    return (offered & needed) == needed;
}

/* True when requests from below this bridge go up to a unit, all of them. */
static bool isolates(const struct pci_inventory *inventory, uint16_t index)
{
    const struct pci_function *bridge = &inventory->functions[index];

    switch (bridge->port) {
    case PCI_ROOT_PORT:
    case PCI_DOWNSTREAM_PORT:
        return offers_acs(bridge);
    case PCI_UPSTREAM_PORT:
        for (unsigned i = 0; i < inventory->count; i++)
            if (inventory->functions[i].parent == index && !offers_acs(&inventory->functions[i]))
                return false;
        return !bridge->multi_function || offers_acs(bridge);
    default:
        return false;
    }
}

/* A PCI bus has no requester IDs. A bridge from PCI Express gives its requests (secondary bus,
 * device 0, function 0); a conventional bridge puts its own. The topmost on the way decides. */
static void find_alias(struct pci_inventory *inventory, struct pci_function *function)
{
    pci_bdf_t alias = function->bdf;

    for (uint16_t up = function->parent; up != PCI_NONE; up = inventory->functions[up].parent) {
        const struct pci_function *bridge = &inventory->functions[up];

        if (bridge->port == PCI_TO_PCI_BRIDGE)
            alias = PCI_BDF(bridge->secondary_bus, 0, 0);
        else if (bridge->port == PCI_CONVENTIONAL || bridge->port == PCI_FROM_PCI_BRIDGE)
            alias = bridge->bdf;
    }
    if (alias == function->bdf)
        return;
    function->aliases[function->alias_count++] = alias;
    function->hidden = !function->pcix;
}

static void join_aliases(struct pci_inventory *inventory, uint16_t index)
{
    const struct pci_function *function = &inventory->functions[index];

    for (unsigned i = 0; i < function->alias_count; i++) {
        uint16_t other = pci_find(inventory, function->segment, function->aliases[i]);

        if (other != PCI_NONE)
            join(inventory, index, other);
    }
}

static void join_bridges(struct pci_inventory *inventory, uint16_t index)
{
    uint16_t up = inventory->functions[index].parent;

    for (; up != PCI_NONE; up = inventory->functions[up].parent)
        if (!isolates(inventory, up))
            join(inventory, index, up);
}

static bool same_device(const struct pci_function *a, const struct pci_function *b)
{
    return a->segment == b->segment && a->bdf >> 3 == b->bdf >> 3;
}

static void join_device(struct pci_inventory *inventory, uint16_t index)
{
    const struct pci_function *function = &inventory->functions[index];

    if (!function->multi_function || offers_acs(function))
        return;
    for (uint16_t i = 0; i < index; i++)
        if (same_device(&inventory->functions[i], function) &&
            !offers_acs(&inventory->functions[i]))
            join(inventory, i, index);
}

static void settle_leaders(struct pci_inventory *inventory)
{
    for (unsigned i = 0; i < inventory->count; i++) {
        struct pci_function *function = &inventory->functions[i];

        function->group_leader = leader_of(inventory, function)->group_leader;
    }
}

void pci_find_groups(struct pci_inventory *inventory)
{
    for (unsigned i = 0; i < inventory->count; i++)
        find_alias(inventory, &inventory->functions[i]);
    for (unsigned i = 0; i < inventory->count; i++) {
        join_aliases(inventory, (uint16_t)i);
        join_bridges(inventory, (uint16_t)i);
        join_device(inventory, (uint16_t)i);
    }
    settle_leaders(inventory);
}

bool pci_sends_as(const struct pci_function *function, uint16_t segment, pci_bdf_t id)
{
    if (function->segment != segment)
        return false;
    if (function->bdf == id)
        return true;
    for (unsigned n = 0; n < function->alias_count; n++)
        if (function->aliases[n] == id)
            return true;
    return false;
}

bool pci_add_alias(struct pci_inventory *inventory, uint16_t index, pci_bdf_t alias)
{
    struct pci_function *function = &inventory->functions[index];

    if (pci_sends_as(function, function->segment, alias))
        return true;
    if (function->alias_count == PCI_ALIASES)
        return false;
    function->aliases[function->alias_count++] = alias;
    for (uint16_t i = 0; i < inventory->count; i++)
        if (pci_sends_as(&inventory->functions[i], function->segment, alias))
            join(inventory, index, i);
    settle_leaders(inventory);
    return true;
}

unsigned pci_group_number(const struct pci_inventory *inventory, uint16_t index)
{
    unsigned number = 0;

    for (uint16_t i = 0; i < inventory->functions[index].group_leader; i++)
        number += inventory->functions[i].group_leader == i;
    return number;
}
