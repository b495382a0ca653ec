/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Every behaviour of tests/api/ as a whole sequence, with each allocation and each wait for
 * hardware in it gone wrong once:
 *
 *   1. The call whose allocation fails says so and has changed nothing: it is made again, and the
 *      behaviour holds to its end.
 *   2. The call whose wait fails says so, and the unit is poisoned. Neither then, nor when the unit
 *      comes back to life, nor by the same call made again does anybody reach more than before, and
 *      what no invalidation covered is not used again.
 *
 * test_api_failures.c does the same to single calls, in many worlds.
 */
#include "tests/host/behaviour_fixture.h"
#include "tests/host/failure_unit.h"

#include <setjmp.h>
#include <stdio.h>

#define CALLS_MAX   1024
#define CALLS_SWEPT 12    /* first and last calls of a behaviour, swept though they be repeated */
#define LEGACY      6     /* API-006 compares the table of version 1 */
#define NO_REGION   58    /* API-058 knows which addresses come first without a region */
#define BESIDE_WORD 0x800 /* in a page: behaviours look at its first word */

static const struct kind {
    const char *name;
    uint16_t first, second, spare;
    bool strict; /* not coherent, caching, and a region that firmware demands */
} kinds[] = {
    {"", FIRST, SECOND, BEHIND_B, false},
    {", aliases, not coherent, caching, region", BEHIND_A, FIRST, SECOND, true},
};

#define KINDS (sizeof kinds / sizeof *kinds)

struct one {
    unsigned index;
    const struct kind *kind;
};

/* ---- What goes wrong ---- */

struct outcome {
    const char *routine;
    NTSTATUS status;
    unsigned allocations, waits;
};

static struct outcome usual[CALLS_MAX]; /* the calls when nothing goes wrong */
static unsigned usual_count;

/* In call `call`, allocation or wait number one or the other; from 1 on. No call: nothing. */
static struct {
    unsigned call, allocation, wait;
} plan;

static const struct one *now;
static unsigned call_count;
static bool made_again;
static unsigned own_failure; /* the allocation that the behaviour itself wants to fail */
static struct snapshot before, after;
static jmp_buf abandoned;

static struct {
    unsigned behaviours, calls, skipped, allocations, waits, keeping;
} tally;

static void fail_own_allocation(unsigned nth)
{
    own_failure = nth;
    model_fail_allocation(nth);
}

/* ---- One call ---- */

static void add_probes(const struct one *one)
{
    static const uint64_t places[] = {
        API_AT,  API_AT + PAGE_SIZE, API_AT + 7 * PAGE_SIZE, API_AT + (1u << 21), PAGE_SIZE,
        1u << 21};
    const unsigned step = before.leaf_count / 24 + 1;

    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        add_probe(places[i] + BESIDE_WORD);
    for (unsigned i = 0; i < 4; i++)
        add_probe(api_physical(&api, i) + BESIDE_WORD);
    if (one->kind->strict)
        add_probe(REGION_BASE + BESIDE_WORD);
    for (unsigned i = 0; i < before.leaf_count; i += step)
        add_probe(before.leaves[i].address + BESIDE_WORD);
}

static void look_before(void)
{
    probe_count = 0;
    take_snapshot(&before);
    add_probes(now);
    take_snapshot(&before);
}

/* Refusals that probes have caused are not the behaviour's. */
static void forget_faults(void)
{
    struct iommu_fault faults[8];
    owner_t owner = owner_enter(OWNER_IMAGE);

    while (iommu_drain_faults(&on.iommu, faults, 8))
        ;
    (void)owner_enter(owner);
}

static void begin_call(void)
{
    waits.fail = 0;
    if (++call_count == plan.call) {
        look_before();
        waits.fail = plan.wait;
        if (plan.allocation)
            model_fail_allocation(plan.allocation);
    }
    waits.count = 0;
}

/* Where the behaviour itself sees to it that memory fails, nothing else does. */
static void note(const char *routine, NTSTATUS status, unsigned allocations)
{
    assert_in_range(call_count, 1, CALLS_MAX);
    if (own_failure || api.hoard)
        allocations = 0;
    usual[call_count - 1] = (struct outcome){routine, status, allocations, waits.count};
    usual_count = call_count;
}

static void judge_failed_allocation(NTSTATUS status)
{
    NTSTATUS otherwise = usual[plan.call - 1].status;

    if (status != STATUS_INSUFFICIENT_RESOURCES && (NT_SUCCESS(otherwise) || status != otherwise))
        fail_msg("call %u, allocation %u: 0x%x", plan.call, plan.allocation, (unsigned)status);
    take_snapshot(&after);
    expect_unchanged(&before, &after, plan.allocation == 1);
    forget_faults();
    model_fail_allocation(0);
}

static bool was_there(const struct leaf *leaf)
{
    for (unsigned i = 0; i < before.leaf_count; i++) {
        const struct leaf *old = &before.leaves[i];

        if (old->domain == leaf->domain && leaf->address - old->address < old->size &&
            leaf->address - old->address == leaf->physical - old->physical &&
            (leaf->rights & ~old->rights) == 0)
            return true;
    }
    return false;
}

static void expect_nothing_gained(void)
{
    take_snapshot(&after);
    expect_no_more_access(&before, &after);
    expect_quarantined(&before, &after);
    for (unsigned i = 0; i < after.leaf_count; i++)
        if (before.core.domains[after.leaves[i].domain].units && !was_there(&after.leaves[i]))
            fail_msg("0x%llx is mapped now", (unsigned long long)after.leaves[i].address);
}

static void judge_failed_wait(NTSTATUS status)
{
    if (status != STATUS_IO_DEVICE_ERROR)
        fail_msg("call %u, wait %u: 0x%x", plan.call, plan.wait, (unsigned)status);
    note_known(&before);
    expect_nothing_gained();
    expect_stopped();
    revive();
    expect_nothing_gained();
}

/* With the unit lost the behaviour cannot hold: it ends here. */
static void end_behaviour(void)
{
    expect_nothing_gained();
    tally.keeping += !iommu_reclaim(&on.iommu, OWNER_ONE);
    expect_nothing_gained();
    expect_stopped();
    longjmp(abandoned, 1);
}

static bool is_made_again(const char *routine, NTSTATUS status, unsigned allocations)
{
    if (plan.call == 0)
        note(routine, status, allocations);
    if (call_count != plan.call)
        return false;
    if (made_again) {
        if (plan.wait)
            end_behaviour();
        assert_int_equal(status, usual[plan.call - 1].status);
        return false;
    }
    if (plan.wait)
        judge_failed_wait(status);
    else
        judge_failed_allocation(status);
    made_again = true;
    return true;
}

/* ---- The routines that take memory or wait; test_api_failures.c shows that no other does ---- */

static struct {
    DMA_IOMMU_INTERFACE_V1 v1;
    DMA_IOMMU_INTERFACE_V2 v2;
} driver;

#define JUDGED(version, name, parameters, ...)                                                     \
    static NTSTATUS judged_##name parameters                                                       \
    {                                                                                              \
        NTSTATUS status;                                                                           \
        unsigned allocations;                                                                      \
                                                                                                   \
        begin_call();                                                                              \
        do {                                                                                       \
            allocations = model_allocations();                                                     \
            status = driver.version.name(__VA_ARGS__);                                             \
        } while (is_made_again(#name, status, model_allocations() - allocations));                 \
        return status;                                                                             \
    }

JUDGED(v1, CreateDomain, (BOOLEAN managed, PIOMMU_DMA_DOMAIN *out), managed, out)
JUDGED(v1, AttachDevice, (PIOMMU_DMA_DOMAIN domain, PDEVICE_OBJECT pdo, ULONG base, ULONG count),
       domain, pdo, base, count)
JUDGED(v1, DetachDevice, (PIOMMU_DMA_DOMAIN domain, PDEVICE_OBJECT pdo, ULONG id), domain, pdo, id)
JUDGED(v1, MapLogicalRange, (PIOMMU_DMA_DOMAIN domain, ULONG rights, PMDL mdl, ULONGLONG at),
       domain, rights, mdl, at)
JUDGED(v1, MapIdentityRange, (PIOMMU_DMA_DOMAIN domain, ULONG rights, PMDL mdl), domain, rights,
       mdl)
JUDGED(v1, UnmapIdentityRange, (PIOMMU_DMA_DOMAIN domain, PMDL mdl), domain, mdl)
JUDGED(v2, CreateDomainEx,
       (IOMMU_DMA_DOMAIN_TYPE type, IOMMU_DMA_DOMAIN_CREATION_FLAGS flags,
        PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config, PIOMMU_DMA_RESERVED_REGION regions,
        PIOMMU_DMA_DOMAIN *out),
       type, flags, config, regions, out)
JUDGED(v2, DeleteDomain, (PIOMMU_DMA_DOMAIN domain), domain)
JUDGED(v2, AttachDeviceEx, (PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE device), domain, device)
JUDGED(v2, DetachDeviceEx, (PIOMMU_DMA_DEVICE device), device)
JUDGED(v2, MapLogicalRangeEx,
       (PIOMMU_DMA_DOMAIN domain, ULONG rights, PIOMMU_MAP_PHYSICAL_ADDRESS memory,
        PIOMMU_DMA_LOGICAL_ADDRESS at, PIOMMU_DMA_LOGICAL_ADDRESS min,
        PIOMMU_DMA_LOGICAL_ADDRESS max, PIOMMU_DMA_LOGICAL_ADDRESS out),
       domain, rights, memory, at, min, max, out)
JUDGED(v2, UnmapLogicalRange, (PIOMMU_DMA_DOMAIN domain, ULONGLONG at, ULONGLONG pages), domain, at,
       pages)
JUDGED(v2, MapIdentityRangeEx,
       (PIOMMU_DMA_DOMAIN domain, ULONG rights, PIOMMU_MAP_PHYSICAL_ADDRESS memory), domain, rights,
       memory)
JUDGED(v2, UnmapIdentityRangeEx, (PIOMMU_DMA_DOMAIN domain, PIOMMU_MAP_PHYSICAL_ADDRESS memory),
       domain, memory)
JUDGED(v2, ReserveLogicalAddressRange,
       (PIOMMU_DMA_DOMAIN domain, SIZE_T size, PIOMMU_DMA_LOGICAL_ADDRESS at,
        PIOMMU_DMA_LOGICAL_ADDRESS min, PIOMMU_DMA_LOGICAL_ADDRESS max,
        PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *out),
       domain, size, at, min, max, out)
JUDGED(v2, FreeReservedLogicalAddressRange, (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token), token)
JUDGED(v2, MapReservedLogicalRange,
       (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, SIZE_T offset, ULONG rights,
        PIOMMU_MAP_PHYSICAL_ADDRESS memory, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT out),
       token, offset, rights, memory, out)
JUDGED(v2, UnmapReservedLogicalRange, (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment),
       segment)

static void judge_version_1(void)
{
    api.v1.CreateDomain = judged_CreateDomain;
    api.v1.DeleteDomain = judged_DeleteDomain;
    api.v1.AttachDevice = judged_AttachDevice;
    api.v1.DetachDevice = judged_DetachDevice;
    api.v1.MapLogicalRange = judged_MapLogicalRange;
    api.v1.UnmapLogicalRange = judged_UnmapLogicalRange;
    api.v1.MapIdentityRange = judged_MapIdentityRange;
    api.v1.UnmapIdentityRange = judged_UnmapIdentityRange;
}

/* Version 3 begins with all of version 2. */
static void judge_version_2(void)
{
    api.v2.CreateDomainEx = judged_CreateDomainEx;
    api.v2.DeleteDomain = judged_DeleteDomain;
    api.v2.AttachDeviceEx = judged_AttachDeviceEx;
    api.v2.DetachDeviceEx = judged_DetachDeviceEx;
    api.v2.MapLogicalRangeEx = judged_MapLogicalRangeEx;
    api.v2.UnmapLogicalRange = judged_UnmapLogicalRange;
    api.v2.MapIdentityRangeEx = judged_MapIdentityRangeEx;
    api.v2.UnmapIdentityRangeEx = judged_UnmapIdentityRangeEx;
    api.v2.ReserveLogicalAddressRange = judged_ReserveLogicalAddressRange;
    api.v2.FreeReservedLogicalAddressRange = judged_FreeReservedLogicalAddressRange;
    api.v2.MapReservedLogicalRange = judged_MapReservedLogicalRange;
    api.v2.UnmapReservedLogicalRange = judged_UnmapReservedLogicalRange;
    memcpy(&api.v3, &api.v2, sizeof api.v2);
}

/* ---- Behaviours ---- */

static void begin(const struct one *one)
{
    const unsigned number = api_behaviour(one->index).number;
    struct options options = OPTIONS_DEFAULT;

    unit_set_coherent(&options.unit, !one->kind->strict);
    unit_set_caching(&options.unit, one->kind->strict);
    if (one->kind->strict && number != NO_REGION)
        options.plan.region = REGION_BASE;
    options.functions = make_functions;
    assert_true(begin_behaviours(&options, one->kind->first, one->kind->second, one->kind->spare));
    machine.fail_allocation = fail_own_allocation;
    driver.v1 = api.v1;
    driver.v2 = api.v2;
    if (number != LEGACY)
        judge_version_1();
    judge_version_2();
    call_count = own_failure = 0;
    held_pages = 0;
    made_again = false;
    model_on_store(count_waits, NULL);
}

static void run_behaviour(const struct one *one, unsigned call, unsigned allocation, unsigned wait)
{
    plan.call = call;
    plan.allocation = allocation;
    plan.wait = wait;
    waits.way = (call + wait) % WAYS;
    now = one;
    begin(one);
    if (setjmp(abandoned) == 0) {
        api_run(&api, one->index);
        if (api.result != RESULT_PASS)
            fail_msg("call %u, allocation %u, wait %u: %s", call, allocation, wait, api.reason);
        api_end(&api);
        assert_true(call == 0 || made_again);
        assert_int_equal(wait, 0);
    }
    no_violation();
}

/* One before it was the same in all that is swept. */
static bool is_repeated(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(usual[i].routine, usual[n].routine) == 0 && usual[i].status == usual[n].status &&
            usual[i].allocations == usual[n].allocations && usual[i].waits == usual[n].waits)
            return true;
    return false;
}

static void sweep(void **state)
{
    const struct one *one = *state;

    usual_count = 0;
    run_behaviour(one, 0, 0, 0);
    for (unsigned i = 0; i < usual_count; i++) {
        if (i >= CALLS_SWEPT && i + CALLS_SWEPT < usual_count && is_repeated(i)) {
            tally.skipped++;
            continue;
        }
        for (unsigned n = 1; n <= usual[i].allocations; n++)
            run_behaviour(one, i + 1, n, 0);
        for (unsigned n = 1; n <= usual[i].waits; n++)
            run_behaviour(one, i + 1, 0, n);
        tally.allocations += usual[i].allocations;
        tally.waits += usual[i].waits;
    }
    tally.calls += usual_count;
    tally.behaviours += usual_count != 0;
}

static int tell(void **state)
{
    (void)state;
    printf(
        "%u behaviours of %u calls: %u allocations and %u waits failed, %u owners could not end; "
        "%u calls skipped, each like one before it\n",
        tally.behaviours, tally.calls, tally.allocations, tally.waits, tally.keeping,
        tally.skipped);
    return tally.allocations && tally.waits ? 0 : -1;
}

int main(void)
{
    enum { TESTS = API_COUNT * KINDS };
    static struct CMUnitTest tests[TESTS];
    static struct one ones[TESTS];
    static char names[TESTS][160];

    for (unsigned i = 0; i < TESTS; i++) {
        struct api_behaviour behaviour = api_behaviour(i % API_COUNT);

        ones[i] = (struct one){i % API_COUNT, &kinds[i / API_COUNT]};
        snprintf(names[i], sizeof names[i], "%s, failing%s", behaviour.id, ones[i].kind->name);
        tests[i] = (struct CMUnitTest){names[i], sweep, NULL, NULL, &ones[i]};
    }
    return cmocka_run_group_tests(tests, NULL, tell);
}
