/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Memory that firmware demands, from the demand to the tables: rights, domains, bounds. */
#include "arch/memory.h"
#include "drivers/iommu/core/core.h"
#include "lib/owner.h"
#include "log_capture.h"
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define REGION     UINT64_C(0x01800000)
#define PAGE       UINT64_C(0x1000)
#define UNIT_BASE  UINT64_C(0xFD200000)
#define UNIT_BYTES UINT64_C(0x4000)
#define OWNER      ((owner_t)(OWNER_DRIVER + 1))

static struct {
    struct pci_inventory pci;
    struct iommu iommu;
    uint16_t bound[UINT16_MAX + 1]; /* domain ids, by requester; 0: blocked */
    uint32_t domain_ids;
} on;

/* A unit that does as it is told at once. */
static bool probe(struct iommu_unit *unit)
{
    unit->caps = (struct iommu_unit_caps){.width = 48,
                                          .physical_width = 48,
                                          .levels = 1 << 4,
                                          .leaf_levels = 1 << 1,
                                          .coherent = true,
                                          .domain_ids = on.domain_ids};
    return true;
}

static bool enable(struct iommu_unit *unit)
{
    (void)unit;
    return true;
}

static bool attach(struct iommu_unit *unit, pci_bdf_t requester,
                   const struct iommu_binding *binding, bool *no_memory)
{
    (void)unit;
    (void)no_memory;
    assert_int_equal(on.bound[requester], 0);
    on.bound[requester] = binding->domain_id;
    return true;
}

static bool block(struct iommu_unit *unit, pci_bdf_t requester, uint16_t domain_id)
{
    (void)unit;
    assert_int_equal(on.bound[requester], domain_id);
    on.bound[requester] = 0;
    return true;
}

static bool invalidate(struct iommu_unit *unit, const struct iommu_invalidation *invalidation)
{
    (void)unit;
    (void)invalidation;
    return true;
}

static const struct iommu_unit_ops ops = {.format = &pt_format_amdv1,
                                          .probe = probe,
                                          .enable = enable,
                                          .attach = attach,
                                          .block = block,
                                          .invalidate = invalidate};

static bool all(const void *context, const struct iommu *iommu, uint16_t endpoint)
{
    (void)context;
    (void)iommu;
    (void)endpoint;
    return true;
}

static bool one(const void *context, const struct iommu *iommu, uint16_t endpoint)
{
    (void)iommu;
    return endpoint == *(const uint16_t *)context;
}

static void demand(uint64_t first, uint64_t pages, enum pt_permission permission)
{
    const struct iommu_demand wanted = {"IVMD", 48, permission, first, first + pages * PAGE - 1};

    iommu_demand_region(&on.iommu, &wanted, all, NULL);
}

static void demand_for(uint16_t endpoint, uint64_t first, enum pt_permission permission)
{
    const struct iommu_demand wanted = {"IVMD", 80, permission, first, first + PAGE - 1};

    iommu_demand_region(&on.iommu, &wanted, one, &endpoint);
}

static void begin(unsigned functions)
{
    const struct iommu_unit unit = {
        .ops = &ops, .base = UNIT_BASE, .length = UNIT_BYTES, .name = "unit"};

    model_reset();
    (void)owner_enter(OWNER_IMAGE);
    memset(&on, 0, sizeof on);
    on.domain_ids = 65536;
    for (uint16_t i = 0; i < functions; i++)
        on.pci.functions[on.pci.count++] = (struct pci_function){
            .bdf = (pci_bdf_t)(8 * i + 8), .parent = PCI_NONE, .group_leader = i};
    iommu_init(&on.iommu, &on.pci);
    assert_string_equal(iommu_add_unit(&on.iommu, &unit)->name, "unit0");
    for (uint16_t i = 0; i < functions; i++)
        iommu_cover(&on.iommu, i, &on.iommu.units[0]);
    assert_true(log_capture_start());
}

static void finish(void)
{
    iommu_enable(&on.iommu);
    assert_int_equal(iommu_state(&on.iommu), IOMMU_ACTIVE);
    for (uint16_t i = 0; i < on.pci.count; i++)
        iommu_bind(&on.iommu, i, OWNER);
    (void)owner_enter(OWNER);
}

static pci_bdf_t id_of(uint16_t endpoint)
{
    return on.pci.functions[endpoint].bdf;
}

static enum pt_permission reaches(uint16_t endpoint, uint64_t address)
{
    uint16_t id = on.bound[id_of(endpoint)];
    struct pt_walk walk;

    if (!id)
        return PT_NONE;
    pt_walk(&on.iommu.domains[id - 1].table, address, &walk);
    if (walk.leaf_level)
        assert_int_equal(walk.physical, address);
    return walk.leaf_level ? walk.permission : PT_NONE;
}

static unsigned domains_in_use(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < IOMMU_DOMAINS_MAX; i++)
        count += on.iommu.domains[i].ref != 0;
    return count;
}

static iommu_ref_t new_domain(void)
{
    iommu_ref_t domain = 0;

    assert_int_equal(
        iommu_create_domain(&on.iommu, OWNER, &(struct iommu_domain_config){0}, &domain), IOMMU_OK);
    return domain;
}

static iommu_ref_t new_device(uint16_t endpoint)
{
    iommu_ref_t device = 0;

    assert_int_equal(iommu_create_device(&on.iommu, OWNER, endpoint, &device), IOMMU_OK);
    return device;
}

static enum iommu_status put(uint16_t endpoint, iommu_ref_t domain)
{
    return iommu_attach(&on.iommu, OWNER, domain, new_device(endpoint));
}

static void each_right_is_granted_as_demanded(void **state)
{
    (void)state;
    for (enum pt_permission permission = PT_READ; permission <= PT_READ_WRITE; permission++) {
        begin(2);
        demand_for(1, REGION, permission);
        finish();
        assert_int_equal(reaches(0, REGION), PT_NONE);
        assert_int_equal(reaches(1, REGION), permission);
        assert_int_equal(reaches(1, REGION + PAGE), PT_NONE);
        assert_int_equal(put(1, new_domain()), IOMMU_OK);
        assert_int_equal(reaches(1, REGION), permission);
    }
    begin(2);
    demand_for(1, REGION, PT_NONE);
    finish();
    assert_int_equal(on.iommu.region_count, 0);
    assert_true(log_has("refused, it asks for no access"));
}

static void the_log_names_record_and_functions(void **state)
{
    (void)state;
    begin(3);
    demand_for(1, REGION, PT_READ);
    assert_true(log_has("region 0x1800000-0x1800fff (read) demanded by IVMD at offset 80 for "
                        "00:02.0"));
    demand(REGION + PAGE, 1, PT_READ_WRITE);
    assert_true(log_has("(read and write) demanded by IVMD at offset 48 for 00:01.0 and 2 more"));
    assert_int_equal(log_captured_lines, 2);
    demand_for(9, REGION + 2 * PAGE, PT_READ);
    assert_true(log_has("for functions that are not there"));
    assert_int_equal(on.iommu.region_count, 2);
}

static void one_range_with_several_rights(void **state)
{
    (void)state;
    begin(4);
    on.pci.functions[3].group_leader = 2;
    demand_for(0, REGION, PT_READ);
    demand_for(1, REGION, PT_READ_WRITE);
    demand_for(2, REGION, PT_READ);
    demand_for(3, REGION, PT_WRITE);
    finish();
    assert_int_equal(on.iommu.region_count, 1);
    assert_int_equal(reaches(0, REGION), PT_READ);
    assert_int_equal(reaches(1, REGION), PT_READ_WRITE);
    assert_int_equal(reaches(2, REGION), PT_READ_WRITE); /* nothing keeps the two apart */
    assert_int_equal(reaches(3, REGION), PT_READ_WRITE);
    assert_int_equal(domains_in_use(), 2);

    iommu_ref_t domain = new_domain();
    assert_int_equal(put(0, domain), IOMMU_OK);
    assert_int_equal(put(1, domain), IOMMU_INCOMPATIBLE);
    assert_int_equal(reaches(0, REGION), PT_READ);
    assert_int_equal(reaches(1, REGION), PT_READ_WRITE);
}

static void groups_that_demand_the_same_share_a_domain(void **state)
{
    (void)state;
    begin(PCI_FUNCTIONS_MAX);
    demand(REGION, 1, PT_READ);
    demand_for(7, REGION + PAGE, PT_READ_WRITE);
    finish();
    assert_int_equal(domains_in_use(), 2);
    for (uint16_t i = 0; i < PCI_FUNCTIONS_MAX; i++) {
        assert_int_equal(reaches(i, REGION), PT_READ);
        assert_int_equal(reaches(i, REGION + PAGE), i == 7 ? PT_READ_WRITE : PT_NONE);
    }

    iommu_ref_t domain = new_domain(), device = new_device(3);
    assert_int_equal(iommu_attach(&on.iommu, OWNER, domain, device), IOMMU_OK);
    assert_int_not_equal(on.bound[id_of(3)], on.bound[id_of(4)]);
    assert_int_equal(reaches(3, REGION), PT_READ);
    assert_int_equal(reaches(4, REGION), PT_READ);
    assert_int_equal(iommu_detach(&on.iommu, OWNER, device), IOMMU_OK);
    assert_int_equal(on.bound[id_of(3)], on.bound[id_of(4)]);
    assert_int_equal(reaches(3, REGION), PT_READ);
}

static void drivers_find_domains_beside_many_regions(void **state)
{
    const uint16_t half = 7; /* of the 15 ids of a unit that has 16 */

    (void)state;
    begin(20);
    on.domain_ids = 16;
    for (uint16_t i = 0; i < 20; i++)
        demand_for(i, REGION + 2 * i * PAGE, PT_READ);
    finish();
    assert_int_equal(domains_in_use(), half);
    assert_true(log_has("group of 00:08.0 not granted: too many groups have regions"));
    for (uint16_t i = 0; i < 20; i++)
        assert_int_equal(reaches(i, REGION + 2 * i * PAGE), i < half ? PT_READ : PT_NONE);
    for (uint16_t i = half; i < 15; i++)
        assert_int_equal(put(i, new_domain()), IOMMU_OK);
    assert_int_equal(reaches(14, REGION + UINT64_C(28) * PAGE), PT_READ);
}

static void refused(uint64_t first, uint64_t pages, const char *why)
{
    unsigned count = on.iommu.region_count;

    assert_true(log_capture_start());
    demand(first, pages, PT_READ_WRITE);
    assert_int_equal(on.iommu.region_count, count);
    if (!log_has(why))
        fail_msg("0x%llx: \"%s\" instead of \"%s\"", (unsigned long long)first, log_captured, why);
}

static void what_is_refused(void **state)
{
    (void)state;
    begin(1);
    on.pci.ecam = (struct pci_ecam){{{0xB0000000, 0, 1, 2}}, 1};
    uint64_t own = memory_physical(memory_alloc(OWNER_IMAGE, 1, 0));
    uint64_t drivers = memory_physical(memory_alloc(OWNER, 1, 0));
    refused(own, 1, "image");
    refused(drivers, 1, "in use");
    refused(IOMMU_INTERRUPT_FIRST, 1, "interrupt window");
    refused(IOMMU_INTERRUPT_LAST + 1 - PAGE, 2, "interrupt window");
    refused(UNIT_BASE, 1, "registers of a unit");
    refused(UNIT_BASE + UNIT_BYTES - PAGE, 1, "registers of a unit");
    refused(UNIT_BASE - PAGE, 2, "registers of a unit");
    refused(0xB0100000 - PAGE, 2, "configuration space");
    refused(0xB0300000 - PAGE, 2, "configuration space");
    refused(REGION + 1, 1, "whole pages");
    demand(UNIT_BASE + UNIT_BYTES, 1, PT_READ);
    demand(0xB0100000 - PAGE, 1, PT_READ);
    demand(0xB0300000, 1, PT_READ);
    assert_int_equal(on.iommu.region_count, 3);
    refused(UNIT_BASE + UNIT_BYTES, 2, "overlaps another region");
    for (unsigned i = 3; i < IOMMU_REGIONS_MAX; i++)
        demand(REGION + i * PAGE, 1, PT_READ);
    assert_int_equal(on.iommu.region_count, IOMMU_REGIONS_MAX);
    refused(REGION, 1, "too many regions");
}

static void units_that_are_left_out(void **state)
{
    struct iommu_unit unit = {.ops = &ops, .base = UNIT_BASE, .length = PAGE, .name = "more"};

    (void)state;
    begin(1);
    assert_null(iommu_add_unit(&on.iommu, &unit));
    assert_true(on.iommu.incomplete);
    assert_true(log_has("more unit at 0xfd200000 left out: its registers are those of another"));
    on.iommu.incomplete = false;
    for (unsigned i = 1; i < IOMMU_UNITS_MAX; i++) {
        unit.base += UNIT_BYTES;
        assert_non_null(iommu_add_unit(&on.iommu, &unit));
    }
    assert_string_equal(on.iommu.units[63].name, "more63");
    assert_false(on.iommu.incomplete);
    unit.base += UNIT_BYTES;
    assert_null(iommu_add_unit(&on.iommu, &unit));
    assert_true(on.iommu.incomplete);
    assert_true(log_has("too many units"));
}

static void aliases_come_before_the_unit(void **state)
{
    (void)state;
    begin(3);
    on.iommu.endpoints[0].unit = PCI_NONE;
    assert_false(iommu_add_alias(&on.iommu, 1, 0x500));
    assert_true(iommu_add_alias(&on.iommu, 0, 0x500));
    assert_true(iommu_add_alias(&on.iommu, 0, id_of(2)));
    iommu_cover(&on.iommu, 0, &on.iommu.units[0]);
    assert_int_equal(on.pci.functions[2].group_leader, 0);
    demand_for(2, REGION, PT_READ);
    finish();
    assert_int_not_equal(on.bound[0x500], 0);
    assert_int_equal(reaches(0, REGION), PT_READ);
    assert_int_equal(on.bound[0x500], on.bound[id_of(2)]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_right_is_granted_as_demanded),
        cmocka_unit_test(the_log_names_record_and_functions),
        cmocka_unit_test(one_range_with_several_rights),
        cmocka_unit_test(groups_that_demand_the_same_share_a_domain),
        cmocka_unit_test(drivers_find_domains_beside_many_regions),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(units_that_are_left_out),
        cmocka_unit_test(aliases_come_before_the_unit),
    };

    return cmocka_run_group_tests_name("regions", tests, NULL, NULL);
}
