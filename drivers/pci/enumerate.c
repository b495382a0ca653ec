/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "arch/mmio.h"
#include "drivers/pci/registers.h"
#include "lib/log.h"

#include <string.h>

#define BUSES           256u
#define ECAM_BUS_LENGTH 0x100000u /* 32 devices of 8 functions of 4 KiB */
#define HEADER_MULTI    0x80u

/* One segment being walked. */
struct walk {
    struct pci_inventory *inventory;
    bool size_bars;
    uint16_t segment;
    uint16_t bridge[BUSES]; /* index of the bridge whose secondary bus this is */
    unsigned mapped, unmapped;
    const struct pci_ecam_range *range; /* the last one that bus_window() was asked about */
    struct mmio window;                 /* all of it */
    bool whole;                         /* there is such a window */
};

static void say(const struct pci_function *function, const char *what)
{
    char name[PCI_NAME_LENGTH];

    log_write(LOG_WARNING, "pci", "%s: %s", pci_name(function->segment, function->bdf, name), what);
}

/* A secondary bus is walked once, and only when its number is above the bridge's own: this keeps
 * the walk, and every path up, free of loops. */
static void take_bridge(struct walk *walk, struct pci_function *function, uint16_t index)
{
    uint32_t numbers = pci_read32(function, PCI_BUS_NUMBERS);
    uint8_t secondary = (uint8_t)(numbers >> 8);
    uint8_t subordinate = (uint8_t)(numbers >> 16);

    if (!secondary)
        return;
    if (secondary <= PCI_BUS(function->bdf) || subordinate < secondary) {
        say(function, "bridge has impossible bus numbers; nothing below it is looked at");
        return;
    }
    if (walk->bridge[secondary] != PCI_NONE) {
        say(function, "bridge leads to a bus that another one leads to; not followed");
        return;
    }
    function->secondary_bus = secondary;
    function->subordinate_bus = subordinate;
    walk->bridge[secondary] = index;
}

static void read_function(struct walk *walk, struct pci_function *function, uint16_t index)
{
    uint32_t id = pci_read32(function, PCI_ID);
    uint32_t class_revision = pci_read32(function, PCI_CLASS_REVISION);
    uint16_t command = pci_read16(function, PCI_COMMAND);

    function->vendor_id = (uint16_t)id;
    function->device_id = (uint16_t)(id >> 16);
    function->class_code = class_revision >> 8;
    function->revision = (uint8_t)class_revision;
    function->bus_master_at_entry = command & PCI_COMMAND_BUS_MASTER;
    function->io_at_entry = command & PCI_COMMAND_IO;
    function->memory_at_entry = command & PCI_COMMAND_MEMORY;
    function->group_leader = index;
    if (function->header_type > PCI_HEADER_CARDBUS)
        say(function, "header type is unknown");
    pci_read_bars(function, walk->size_bars);
    pci_read_capabilities(function);
    if (pci_is_bridge(function))
        take_bridge(walk, function, index);
}

/* True when a function answers at `bdf`; *header is its Header Type register. A vendor ID is never
 * 0, and all ones say that nobody is there, or not any more. */
static bool answers(const struct mmio *config, uint8_t *header)
{
    uint16_t vendor_id = (uint16_t)mmio_read32(config, (reg32_t){PCI_ID});
    uint32_t dword;

    if (vendor_id == 0 || vendor_id == UINT16_MAX)
        return false;
    dword = mmio_read32(config, (reg32_t){PCI_HEADER});
    *header = (uint8_t)(dword >> 16);
    return dword != UINT32_MAX;
}

static void add_function(struct walk *walk, uint16_t parent, pci_bdf_t bdf,
                         const struct mmio *config, uint8_t header, bool multi)
{
    struct pci_inventory *inventory = walk->inventory;
    unsigned index = inventory->count;

    if (index == PCI_FUNCTIONS_MAX) {
        inventory->dropped++;
        return;
    }
    inventory->functions[index] = (struct pci_function){
        .segment = walk->segment,
        .bdf = bdf,
        .config = *config,
        .parent = parent,
        .header_type = header & (uint8_t)~HEADER_MULTI,
        .multi_function = multi,
    };
    inventory->count++;
    read_function(walk, &inventory->functions[index], (uint16_t)index);
}

/* Functions other than 0 exist only beside function 0 that says so; with ARI each of the 256
 * numbers of a bus stands for itself. */
static void scan_device(struct walk *walk, const struct mmio *bus_window, uint8_t bus,
                        uint8_t device, bool ari)
{
    bool multi = ari;
    uint8_t header;

    for (unsigned n = 0; n < 8; n++) {
        pci_bdf_t bdf = PCI_BDF(bus, device, n);
        struct mmio config = {
            bus_window->base + ((uintptr_t)(bdf & 0xFFu) << 12),
            PCI_CONFIG_LENGTH,
        };

        if (answers(&config, &header)) {
            if (n == 0)
                multi |= (header & HEADER_MULTI) != 0;
            add_function(walk, walk->bridge[bus], bdf, &config, header, multi);
        }
        if (!multi)
            return;
    }
}

/* A link has one device at its lower end: numbers above 0 are ARI functions or echoes of it. */
static void scan_bus(struct walk *walk, const struct mmio *window, uint8_t bus)
{
    bool link = false, ari = false;
    unsigned devices;

    if (walk->bridge[bus] != PCI_NONE) {
        const struct pci_function *bridge = &walk->inventory->functions[walk->bridge[bus]];

        link = bridge->port == PCI_ROOT_PORT || bridge->port == PCI_DOWNSTREAM_PORT;
        ari = link &&
              pci_read16(bridge, (uint16_t)(bridge->express + EXPRESS_DEVICE_2)) & EXPRESS_ARI;
    }
    devices = link && !ari ? 1 : 32;
    for (unsigned device = 0; device < devices; device++)
        scan_device(walk, window, bus, (uint8_t)device, ari);
}

static const struct pci_ecam_range *range_of(const struct pci_ecam *ecam, uint16_t segment,
                                             unsigned bus)
{
    for (unsigned i = 0; i < ecam->count; i++)
        if (ecam->ranges[i].segment == segment && ecam->ranges[i].first_bus <= bus &&
            bus <= ecam->ranges[i].last_bus)
            return &ecam->ranges[i];
    return NULL;
}

/* A range is mapped at once, which takes few large pages. When part of it cannot be, each bus is
 * tried alone. */
static bool bus_window(struct walk *walk, const struct pci_ecam_range *range, unsigned bus,
                       struct mmio *window)
{
    uint64_t first = range->base + (uint64_t)range->first_bus * ECAM_BUS_LENGTH;
    size_t buses = range->last_bus - range->first_bus + 1u;
    size_t offset = (size_t)(bus - range->first_bus) * ECAM_BUS_LENGTH;

    if (walk->range != range) {
        walk->range = range;
        walk->whole = mmio_map(first, buses * ECAM_BUS_LENGTH, &walk->window);
    }
    if (!walk->whole)
        return mmio_map(first + offset, ECAM_BUS_LENGTH, window);
    *window = (struct mmio){walk->window.base + offset, ECAM_BUS_LENGTH};
    return true;
}

static void scan_segment(struct walk *walk)
{
    for (unsigned bus = 0; bus < BUSES; bus++)
        walk->bridge[bus] = PCI_NONE;
    for (unsigned bus = 0; bus < BUSES; bus++) {
        const struct pci_ecam_range *range = range_of(&walk->inventory->ecam, walk->segment, bus);
        struct mmio window;

        if (!range)
            continue;
        if (!bus_window(walk, range, bus, &window)) {
            walk->unmapped++;
            continue;
        }
        walk->mapped++;
        scan_bus(walk, &window, (uint8_t)bus);
    }
}

static bool segment_seen(const struct pci_ecam *ecam, unsigned range)
{
    for (unsigned i = 0; i < range; i++)
        if (ecam->ranges[i].segment == ecam->ranges[range].segment)
            return true;
    return false;
}

bool pci_enumerate(const struct pci_ecam *ecam, bool size_bars, struct pci_inventory *inventory)
{
    struct walk walk = {.inventory = inventory, .size_bars = size_bars};

    memset(inventory, 0, sizeof(*inventory));
    inventory->ecam = *ecam;
    for (unsigned i = 0; i < ecam->count; i++) {
        if (segment_seen(ecam, i))
            continue;
        walk.segment = ecam->ranges[i].segment;
        scan_segment(&walk);
    }
    pci_find_groups(inventory);
    inventory->unmapped = walk.unmapped;
    if (walk.unmapped)
        log_write(LOG_WARNING, "pci", "ECAM of %u buses cannot be mapped", walk.unmapped);
    if (inventory->dropped)
        log_write(LOG_WARNING, "pci", "%u functions beyond the first %u are left out",
                  inventory->dropped, PCI_FUNCTIONS_MAX);
    return walk.mapped != 0;
}
