/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * PCI on configuration spaces in memory: every function is found once, whatever its bridges and
 * lists say; registers that must not change do not; messages go where they were asked to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/irq.h"
#include "drivers/pci/registers.h"
#include "ecam.h"
#include "log_capture.h"
#include "machine.h"

#define CLASS_ETHER   0x020000u
#define CLASS_NVME    0x010802u
#define CLASS_DISPLAY 0x030000u
#define CLASS_SERIAL  0x070002u

#define ACS_ALL       ((uint8_t)(ACS_ISOLATION | 0x02 | ACS_DIRECT_TRANSLATED))

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

static struct pci_function *at_segment(uint16_t segment, unsigned bus, unsigned device,
                                       unsigned function)
{
    uint16_t index = pci_find(&inventory, segment, PCI_BDF(bus, device, function));

    assert_int_not_equal(index, PCI_NONE);
    return &inventory.functions[index];
}

static struct pci_function *at(unsigned bus, unsigned device, unsigned function)
{
    return at_segment(0, bus, device, function);
}

static uint16_t index_of(const struct pci_function *function)
{
    return (uint16_t)(function - inventory.functions);
}

/* ---- The walk ---- */

static void functions_are_found_through_bridges_in_bus_order(void **state)
{
    (void)state;
    ecam_pci_bridge(0, 3, 2, 3);
    ecam_endpoint(3, 7, 0);
    ecam_pci_bridge(2, 1, 3, 3);
    ecam_multi(ecam_endpoint(0, 0, 0));
    ecam_endpoint(0, 0, 3);
    ecam_endpoint(0, 1, 0);
    ecam_endpoint(0, 1, 1); /* function 0 says that it is alone */
    ecam_endpoint(0, 4, 2); /* without function 0 there is no device */
    ecam_endpoint(9, 0, 0); /* a root bus of its own */
    enumerate(false);
    assert_int_equal(inventory.count, 7);
    for (unsigned i = 1; i < inventory.count; i++)
        assert_true(inventory.functions[i - 1].bdf < inventory.functions[i].bdf);
    assert_int_equal(at(3, 7, 0)->parent, index_of(at(2, 1, 0)));
    assert_int_equal(at(2, 1, 0)->parent, index_of(at(0, 3, 0)));
    assert_int_equal(at(0, 3, 0)->parent, PCI_NONE);
    assert_int_equal(at(9, 0, 0)->parent, PCI_NONE);
    assert_true(at(0, 0, 3)->multi_function);
    assert_false(at(0, 1, 0)->multi_function);
    assert_int_equal(at(0, 1, 0)->vendor_id, 0x1234);
    assert_int_equal(at(0, 1, 0)->device_id, 0x11E8);
    assert_int_equal(at(0, 1, 0)->class_code, CLASS_ETHER);
    assert_int_equal(at(0, 1, 0)->revision, 0x10);
    assert_int_equal(log_captured_lines, 0);
    assert_int_equal(ecam_writes(), 0);
}

static void bridges_that_loop_are_not_followed(void **state)
{
    (void)state;
    ecam_pci_bridge(0, 1, 2, 2);
    ecam_pci_bridge(0, 2, 2, 2); /* the same bus again */
    ecam_pci_bridge(2, 0, 0, 0); /* not set up */
    ecam_pci_bridge(2, 1, 2, 2); /* itself */
    ecam_pci_bridge(2, 2, 1, 9); /* back up */
    ecam_pci_bridge(2, 3, 5, 4); /* nothing */
    ecam_pci_bridge(9, 0, 9, 9); /* itself, on a root bus */
    ecam_endpoint(2, 9, 0);
    enumerate(false);
    assert_int_equal(inventory.count, 8);
    assert_int_equal(at(2, 9, 0)->parent, index_of(at(0, 1, 0)));
    assert_int_equal(at(0, 2, 0)->secondary_bus, 0);
    assert_int_equal(at(2, 2, 0)->secondary_bus, 0);
    assert_int_equal(at(9, 0, 0)->secondary_bus, 0);
    assert_int_equal(log_captured_lines, 5);
    assert_true(log_has("00:02.0: bridge leads to a bus that another one leads to"));
    assert_true(log_has("02:03.0: bridge has impossible bus numbers"));
}

static void dead_functions_are_left_out(void **state)
{
    struct ecam_function *dying = ecam_endpoint(0, 2, 0);

    (void)state;
    ecam_endpoint(0, 1, 0)->gone = true;
    ecam_set32(ecam_endpoint(0, 3, 0), PCI_ID, 0xFFFF0000);
    ecam_set32(dying, PCI_HEADER, UINT32_MAX);
    ecam_endpoint(0, 4, 0);
    enumerate(true);
    assert_int_equal(inventory.count, 1);
    at(0, 4, 0);
    assert_int_equal(pci_find(&inventory, 0, PCI_BDF(0, 1, 0)), PCI_NONE);
}

static void a_link_has_one_device(void **state)
{
    struct ecam_function *root = ecam_port(0, 1, PCI_ROOT_PORT, 1, 1, ACS_ALL);

    (void)state;
    ecam_endpoint(1, 0, 0);
    ecam_endpoint(1, 5, 0); /* an echo */
    enumerate(false);
    assert_int_equal(inventory.count, 2);

    ecam_set16(root, 0x40 + EXPRESS_DEVICE_2, EXPRESS_ARI);
    ecam_endpoint(1, 5, 3); /* function 43 of the one device */
    enumerate(false);
    assert_int_equal(inventory.count, 4);
}

static void an_unknown_header_type_is_kept_without_its_registers(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);

    (void)state;
    ecam_bar(function, 0, 0xF0000000, 0x1000, 0);
    ecam_capability(function, 0x05, 0x50);
    ecam_set32(function, PCI_HEADER, 0x7Fu << 16);
    enumerate(true);
    assert_int_equal(inventory.count, 1);
    assert_int_equal(at(0, 1, 0)->bars[0].kind, PCI_BAR_NONE);
    assert_int_equal(at(0, 1, 0)->msi, 0);
    assert_true(log_has("header type is unknown"));
}

static void segments_are_apart(void **state)
{
    (void)state;
    mcfg = ecam_add_segment(1, 0xC0000000, 3);
    ecam_pci_bridge(0, 1, 1, 1);
    ecam_endpoint(1, 0, 0);
    ecam_add(1, PCI_BDF(1, 0, 0), CLASS_NVME);
    enumerate(false);
    assert_int_equal(inventory.count, 3);
    assert_int_equal(at_segment(1, 1, 0, 0)->parent, PCI_NONE);
    assert_int_equal(at_segment(1, 1, 0, 0)->class_code, CLASS_NVME);
    assert_int_equal(at_segment(0, 1, 0, 0)->class_code, CLASS_ETHER);
}

static void a_segment_in_two_ranges_is_one(void **state)
{
    struct pci_ecam halves = {.count = 2};

    (void)state;
    halves.ranges[0] = (struct pci_ecam_range){ECAM_BASE, 0, 8, 15};
    halves.ranges[1] = (struct pci_ecam_range){ECAM_BASE, 0, 0, 7};
    ecam_pci_bridge(0, 1, 9, 9);
    ecam_endpoint(9, 0, 0);
    assert_true(pci_enumerate(&halves, false, &inventory));
    assert_int_equal(inventory.count, 2);
    assert_int_equal(at(9, 0, 0)->parent, index_of(at(0, 1, 0)));
}

static void buses_that_cannot_be_mapped_are_said(void **state)
{
    const uint64_t below_ram = MODEL_RAM_BASE - UINT64_C(0x200000);
    struct pci_ecam into_ram = *ecam_add_segment(1, below_ram, 1);
    struct pci_ecam nothing = {.count = 0};
    struct pci_ecam in_ram = {.count = 1};

    (void)state;
    ecam_endpoint(0, 1, 0);
    ecam_add(1, PCI_BDF(1, 1, 0), CLASS_ETHER);
    into_ram.ranges[1].last_bus = 3;
    assert_true(pci_enumerate(&into_ram, false, &inventory));
    assert_int_equal(inventory.count, 2);
    assert_true(log_has("ECAM of 2 buses cannot be mapped"));

    in_ram.ranges[0] = (struct pci_ecam_range){MODEL_RAM_BASE, 0, 0, 3};
    assert_false(pci_enumerate(&in_ram, false, &inventory));
    assert_false(pci_enumerate(&nothing, false, &inventory));
}

static void functions_beyond_the_inventory_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PCI_FUNCTIONS_MAX + 5; i++)
        ecam_multi(ecam_endpoint(i / 256, i / 8 % 32, i % 8));
    enumerate(false);
    assert_int_equal(inventory.count, PCI_FUNCTIONS_MAX);
    assert_int_equal(inventory.dropped, 5);
    assert_true(log_has("5 functions beyond the first 512 are left out"));
}

/* ---- BARs ---- */

static bool decoding_while_sizing;

static void watch_sizing(const struct ecam_function *function, uint16_t offset, uint32_t value)
{
    (void)value;
    if (offset >= PCI_BAR && offset < PCI_BAR + 24 &&
        ecam_get16(function, PCI_COMMAND) & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY))
        decoding_while_sizing = true;
}

static void bars_are_sized_and_put_back(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);
    const struct pci_bar *bars;
    uint32_t before[1024];

    (void)state;
    ecam_bar(function, 0, UINT64_C(0x38FE00000000), UINT64_C(0x200000000), 0x0C);
    ecam_bar(function, 2, 0xF0000000, 0x4000, 0);
    ecam_bar(function, 3, 0xC000, 0x20, 1);
    ecam_bar(function, 4, 0, 0x1000, 0); /* not assigned */
    ecam_set16(function, PCI_COMMAND, 0x0507);
    ecam_set16(function, PCI_STATUS, 0xF900);
    memcpy(before, function->dwords, sizeof(before));
    decoding_while_sizing = false;
    ecam_on_write(watch_sizing);
    enumerate(true);
    bars = at(0, 1, 0)->bars;
    assert_int_equal(bars[0].kind, PCI_BAR_MEMORY);
    assert_true(bars[0].wide && bars[0].prefetchable);
    assert_int_equal(bars[0].address, UINT64_C(0x38FE00000000));
    assert_int_equal(bars[0].length, UINT64_C(0x200000000));
    assert_int_equal(bars[1].kind, PCI_BAR_NONE);
    assert_int_equal(bars[2].address, 0xF0000000);
    assert_int_equal(bars[2].length, 0x4000);
    assert_false(bars[2].wide || bars[2].prefetchable);
    assert_int_equal(bars[3].kind, PCI_BAR_IO);
    assert_int_equal(bars[3].address, 0xC000);
    assert_int_equal(bars[3].length, 0x20);
    assert_int_equal(bars[4].kind, PCI_BAR_MEMORY);
    assert_int_equal(bars[4].address, 0);
    assert_int_equal(bars[4].length, 0x1000);
    assert_int_equal(bars[5].kind, PCI_BAR_NONE);
    assert_memory_equal(function->dwords, before, sizeof(before));
    assert_false(decoding_while_sizing);
    assert_true(at(0, 1, 0)->bus_master_at_entry);
}

static void without_sizing_nothing_is_written(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);

    (void)state;
    ecam_bar(function, 0, 0xF0000000, 0x4000, 4);
    enumerate(false);
    assert_int_equal(ecam_writes(), 0);
    assert_int_equal(at(0, 1, 0)->bars[0].address, 0xF0000000);
    assert_int_equal(at(0, 1, 0)->bars[0].length, 0);
}

static void the_console_keeps_decoding(void **state)
{
    (void)state;
    ecam_bar(ecam_add(0, PCI_BDF(0, 1, 0), CLASS_DISPLAY), 0, 0xF0000000, 0x4000, 0);
    ecam_bar(ecam_add(0, PCI_BDF(0, 2, 0), CLASS_SERIAL), 0, 0xF0004000, 0x1000, 0);
    enumerate(true);
    assert_int_equal(ecam_writes(), 0);
    assert_int_equal(at(0, 1, 0)->bars[0].kind, PCI_BAR_MEMORY);
    assert_int_equal(at(0, 2, 0)->bars[0].length, 0);
}

static void bars_that_make_no_sense_are_none(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);
    struct ecam_function *above = ecam_pci_bridge(0, 2, 1, 1);

    (void)state;
    ecam_bar(function, 0, 0xF0001000, 0, 0);        /* no bit sticks */
    function->dwords[PCI_BAR / 4 + 5] = 0xF0000004; /* no room for its upper half */
    function->writable[PCI_BAR / 4 + 5] = 0xFFFFF000;
    above->writable[PCI_BAR / 4 + 2] = UINT32_MAX; /* a bridge has two BARs: these are buses */
    enumerate(true);
    assert_int_equal(at(0, 1, 0)->bars[0].kind, PCI_BAR_NONE);
    assert_int_equal(at(0, 1, 0)->bars[5].kind, PCI_BAR_NONE);
    assert_int_equal(at(0, 2, 0)->secondary_bus, 1);
    assert_int_equal(ecam_get32(above, PCI_BUS_NUMBERS), 0x010100);
}

/* ---- Capabilities ---- */

static void capabilities_are_found(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);
    struct pci_function *found;

    (void)state;
    ecam_express(function, PCI_LEGACY_ENDPOINT);
    ecam_capability(function, 0x05, 0x80);
    ecam_set16(function, 0x82, MSI_64 | MSI_MASKABLE | 3 << MSI_MULTIPLE_SHIFT);
    ecam_capability(function, 0x07, 0xA0);
    ecam_extended(function, 0x0001, 0x100, 0);
    ecam_extended(function, 0x000F, 0x150, 0x100);
    ecam_extended(function, 0x001B, 0x200, 0x150);
    ecam_extended(function, 0x000D, 0x140, 0x200);
    ecam_extended(function, 0x0010, 0xFC0, 0x140);
    enumerate(false);
    found = at(0, 1, 0);
    assert_int_equal(found->port, PCI_LEGACY_ENDPOINT);
    assert_int_equal(found->express, 0x40);
    assert_int_equal(found->msi, 0x80);
    assert_int_equal(found->msi_vectors, 8);
    assert_true(found->msi_64 && found->msi_maskable && found->pcix);
    assert_int_equal(found->msix, 0);
    assert_int_equal(found->ats, 0x150);
    assert_int_equal(found->pasid, 0x200);
    assert_int_equal(found->acs, 0x140);
    assert_int_equal(found->sriov, 0xFC0);
    assert_int_equal(log_captured_lines, 0);
}

static void capability_lists_that_loop_end(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);

    (void)state;
    ecam_express(function, PCI_ENDPOINT);
    ecam_capability(function, 0x05, 0x80);
    ecam_set16(function, 0x40, 0x80 << 8 | 0x10); /* 80 -> 40 -> 80 */
    ecam_extended(function, 0x000F, 0x100, 0);
    ecam_extended(function, 0x000D, 0x140, 0x100);
    ecam_extended(function, 0x000F, 0x100, 0x140); /* 100 -> 140 -> 100 */
    ecam_set32(function, 0x100, 0x14010000 | 0x000F);
    enumerate(false);
    assert_int_equal(at(0, 1, 0)->msi, 0x80);
    assert_int_equal(at(0, 1, 0)->acs, 0x140);
    assert_true(log_has("00:01.0: capability list is broken or loops at offset 0x80"));
    assert_true(log_has("00:01.0: extended capability list is broken or loops at offset 0x100"));
}

static void capability_pointers_into_the_header_end_the_list(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);

    (void)state;
    ecam_express(function, PCI_ENDPOINT);
    ecam_set16(function, 0x40, 0x08 << 8 | 0x10);
    ecam_extended(function, 0x000F, 0x100, 0);
    ecam_set32(function, 0x100, 0x08010000 | 0x000F);
    enumerate(false);
    assert_int_equal(at(0, 1, 0)->ats, 0x100);
    assert_true(log_has("loops at offset 0x8"));
    assert_true(log_has("loops at offset 0x80"));
}

static void a_function_without_express_has_no_extended_space(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);

    (void)state;
    ecam_extended(function, 0x000F, 0x100, 0);
    enumerate(false);
    assert_int_equal(at(0, 1, 0)->ats, 0);
    assert_int_equal(at(0, 1, 0)->port, PCI_CONVENTIONAL);
}

/* ---- Messages ---- */

#define TABLE_BASE UINT64_C(0xF0000000)

static uint32_t vector_table[64];

static uint64_t table_read(void *context, uint64_t offset, unsigned width)
{
    (void)context;
    (void)width;
    return vector_table[offset / 4];
}

static void table_write(void *context, uint64_t offset, unsigned width, uint64_t value)
{
    (void)width;
    assert_true(ecam_get16(context, PCI_COMMAND) & PCI_COMMAND_MEMORY);
    vector_table[offset / 4] = (uint32_t)value;
}

/* MSI-X of 4 vectors at 0x40 of BAR 0, and MSI beside it. */
static struct ecam_function *messenger(void)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);
    struct model_region region = {TABLE_BASE, 0x100, table_read, table_write, function};

    memset(vector_table, 0, sizeof(vector_table));
    assert_true(model_add_region(&region));
    ecam_bar(function, 0, TABLE_BASE, 0x80, 0);
    ecam_capability(function, 0x05, 0x50);
    ecam_writable16(function, 0x52, MSI_ENABLE | MSI_MULTIPLE_ENABLE);
    ecam_capability(function, 0x11, 0x70);
    ecam_set16(function, 0x72, 3);
    ecam_writable16(function, 0x72, MSIX_ENABLE | MSIX_FUNCTION_MASK);
    ecam_set32(function, 0x74, 0x40);
    return function;
}

static void msix_entries_are_programmed_masked(void **state)
{
    const struct msi_message message = {UINT64_C(0x1FEE01000), 0x41};
    struct ecam_function *function = messenger();

    (void)state;
    enumerate(true);
    assert_int_equal(at(0, 1, 0)->msix_vectors, 4);
    ecam_set16(function, 0x52, MSI_ENABLE);
    assert_true(pci_msi_enable(at(0, 1, 0), 2, &message));
    assert_int_equal(vector_table[16 + 8], 0xFEE01000);
    assert_int_equal(vector_table[16 + 9], 1);
    assert_int_equal(vector_table[16 + 10], 0x41);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(vector_table[16 + 4 * i + 3], i == 2 ? 0 : 1);
    assert_int_equal(ecam_get16(function, 0x72), MSIX_ENABLE | 3);
    assert_int_equal(ecam_get16(function, 0x52), 0);
    assert_true(ecam_get16(function, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);

    assert_true(pci_msi_enable(at(0, 1, 0), 0, &message));
    assert_int_equal(vector_table[16 + 8 + 3], 0);
    assert_false(pci_msi_enable(at(0, 1, 0), 4, &message));
    pci_msi_disable(at(0, 1, 0));
    assert_int_equal(ecam_get16(function, 0x72), 3);
}

static void a_vector_table_outside_its_bar_is_no_msix(void **state)
{
    static const uint32_t tables[] = {0x48, 0xFFFFFFF8, 0x41, 0x46, 0x07};

    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct msi_message message = {0xFEE01000, 0x41};
        struct ecam_function *function;

        power_on(state);
        function = messenger();
        ecam_set32(function, 0x74, tables[i]);
        ecam_writable16(function, 0x58, 0xFFFF);
        ecam_set16(function, 0x52, 0);
        enumerate(true);
        assert_int_equal(at(0, 1, 0)->msix, 0);
        assert_true(log_has("MSI-X vector table is in no BAR"));
        assert_true(pci_msi_enable(at(0, 1, 0), 0, &message)); /* MSI instead */
        assert_false(pci_msi_enable(at(0, 1, 0), 1, &message));
    }
}

static void a_vector_table_that_is_not_there_gives_no_message(void **state)
{
    const struct msi_message message = {0xFEE01000, 0x41};
    struct ecam_function *function = messenger();

    (void)state;
    enumerate(false); /* BAR lengths are not known */
    assert_false(pci_msi_enable(at(0, 1, 0), 0, &message));
    enumerate(true);
    model_fail_mmio_map(1);
    assert_false(pci_msi_enable(at(0, 1, 0), 0, &message));
    ecam_bar(function, 0, TABLE_BASE + 0x10000, 0x80, 0);
    enumerate(true);
    assert_false(pci_msi_enable(at(0, 1, 0), 0, &message));
}

static void msi_is_programmed(void **state)
{
    const struct msi_message message = {0xFEE02000, 0x4155};
    const struct msi_message high = {UINT64_C(0x1FEE02000), 0x41};
    struct ecam_function *function = ecam_endpoint(0, 1, 0);

    (void)state;
    ecam_capability(function, 0x05, 0x50);
    ecam_set16(function, 0x52, MSI_MASKABLE | 1 << 4);
    ecam_writable16(function, 0x52, MSI_ENABLE | MSI_MULTIPLE_ENABLE);
    function->writable[0x54 / 4] = UINT32_MAX;
    function->writable[0x58 / 4] = 0xFFFF;
    function->writable[0x5C / 4] = 1;
    ecam_set32(function, 0x5C, 1);
    enumerate(false);
    assert_false(pci_msi_enable(at(0, 1, 0), 0, &high));
    assert_true(pci_msi_enable(at(0, 1, 0), 0, &message));
    assert_int_equal(ecam_get32(function, 0x54), 0xFEE02000);
    assert_int_equal(ecam_get32(function, 0x58), 0x4155);
    assert_int_equal(ecam_get32(function, 0x5C), 0);
    assert_int_equal(ecam_get16(function, 0x52), MSI_MASKABLE | MSI_ENABLE);
    pci_msi_disable(at(0, 1, 0));
    assert_int_equal(ecam_get16(function, 0x52), MSI_MASKABLE);

    ecam_set16(function, 0x52, MSI_64);
    function->writable[0x5C / 4] = 0xFFFF;
    enumerate(false);
    assert_true(pci_msi_enable(at(0, 1, 0), 0, &high));
    assert_int_equal(ecam_get32(function, 0x58), 1);
    assert_int_equal(ecam_get32(function, 0x5C), 0x41);
}

/* ---- Registers ---- */

static void narrow_accesses_touch_nothing_else(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);
    struct pci_function *found;

    (void)state;
    ecam_express(function, PCI_ENDPOINT);
    ecam_set16(function, PCI_STATUS, 0xF910);
    ecam_set16(function, 0x4A, 0x000F);
    enumerate(false);
    found = at(0, 1, 0);
    pci_set_bus_master(found, true);
    assert_true(pci_bus_master(found));
    pci_enable_memory(found);
    assert_int_equal(ecam_get16(function, PCI_COMMAND), 0x0006);
    pci_set_bus_master(found, false);
    assert_false(pci_bus_master(found));
    pci_write16(found, 0x48, 0x2010);
    assert_int_equal(ecam_get16(function, 0x48), 0x2010);
    assert_int_equal(ecam_get16(function, 0x4A), 0x000F); /* write-1-to-clear, not cleared */
    assert_int_equal(ecam_get16(function, PCI_STATUS), 0xF910);
    assert_int_equal(pci_read8(found, 3), 0x11);
    assert_int_equal(pci_read16(found, 2), 0x11E8);
    assert_int_equal(pci_read16(found, 1), 0xFFFF);
    assert_int_equal(pci_read32(found, 2), UINT32_MAX);
    assert_int_equal(pci_read32(found, 0x1000), UINT32_MAX);
    assert_int_equal(pci_read16(found, 0xFFFE), UINT16_MAX);
    pci_write16(found, 0x1000, 0);
    pci_write32(found, 0xFFE, 0);
    function->gone = true;
    assert_int_equal(pci_read32(found, 0), UINT32_MAX);
}

static void harden_takes_ats_off_and_isolation_on(void **state)
{
    struct ecam_function *function = ecam_endpoint(0, 1, 0);

    (void)state;
    ecam_express(function, PCI_ENDPOINT);
    ecam_acs(function, ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT | ACS_DIRECT_TRANSLATED);
    ecam_writable16(function, 0x106, 0xFF);
    ecam_set16(function, 0x106, ACS_DIRECT_TRANSLATED);
    ecam_extended(function, 0x000F, 0x140, 0x100);
    ecam_writable16(function, 0x146, 0x801F);
    ecam_set16(function, 0x146, 0x8005);
    ecam_extended(function, 0x001B, 0x160, 0x140);
    ecam_writable16(function, 0x166, 0x0007);
    ecam_set16(function, 0x166, 0x0003);
    enumerate(false);
    pci_harden(at(0, 1, 0));
    assert_int_equal(ecam_get16(function, 0x106), ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT);
    assert_int_equal(ecam_get16(function, 0x146), 0x0005);
    assert_int_equal(ecam_get16(function, 0x166), 0x0002);
}

static void names(void **state)
{
    char text[PCI_NAME_LENGTH];

    (void)state;
    assert_string_equal(pci_name(0, PCI_BDF(0xFF, 31, 7), text), "ff:1f.7");
    assert_string_equal(pci_name(1, PCI_BDF(0, 4, 0), text), "0001:00:04.0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, no_violation)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(functions_are_found_through_bridges_in_bus_order),
        TEST(bridges_that_loop_are_not_followed),
        TEST(dead_functions_are_left_out),
        TEST(a_link_has_one_device),
        TEST(an_unknown_header_type_is_kept_without_its_registers),
        TEST(segments_are_apart),
        TEST(a_segment_in_two_ranges_is_one),
        TEST(buses_that_cannot_be_mapped_are_said),
        TEST(functions_beyond_the_inventory_are_counted),
        TEST(bars_are_sized_and_put_back),
        TEST(without_sizing_nothing_is_written),
        TEST(the_console_keeps_decoding),
        TEST(bars_that_make_no_sense_are_none),
        TEST(capabilities_are_found),
        TEST(capability_lists_that_loop_end),
        TEST(capability_pointers_into_the_header_end_the_list),
        TEST(a_function_without_express_has_no_extended_space),
        TEST(msix_entries_are_programmed_masked),
        TEST(a_vector_table_outside_its_bar_is_no_msix),
        TEST(a_vector_table_that_is_not_there_gives_no_message),
        TEST(msi_is_programmed),
        TEST(narrow_accesses_touch_nothing_else),
        TEST(harden_takes_ats_off_and_isolation_on),
        TEST(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
