/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/edu/proof.h"
#include "drivers/edu/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FAULT_TIMEOUT_NS   UINT64_C(500000000)
#define FAULT_RETIMEOUT_NS UINT64_C(20000000) /* once one did not come in all of that */
/* Once one fault came: for what else was recorded of the same access. */
#define REPEATS_NS      UINT64_C(1000000)
#define REPEATS_ROUNDS  64 /* of these, at the most */
#define PEER_TIMEOUT_NS UINT64_C(3000000000)

#define READ_WRITE      (IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE)

struct finding {
    enum driver_result result;
    char reason[120];
};

struct verdict {
    struct finding deny;
    struct finding fault;
    struct finding told;
};

/* The records that may come now, and those that came. */
struct fault_watch {
    bool armed;
    uint64_t address;
    bool write;
    unsigned matching;
    unsigned wrong; /* other than the expected one; the last one is kept */
    uint64_t wrong_address;
    bool wrong_write;
    unsigned unexpected; /* while none was expected */
};

/* What the fault handler may be told now, and what it was told. */
struct told_watch {
    FAULT_INFORMATION_X64_TYPE type;
    unsigned matching;
    unsigned wrong; /* the last one is kept */
    uint64_t wrong_address;
    FAULT_INFORMATION_X64_TYPE wrong_type;
    unsigned count; /* in the whole run */
};

struct proof {
    struct edu *edu;
    struct arena arena;
    PIOMMU_DMA_DOMAIN domain; /* the device's */
    PIOMMU_DMA_DOMAIN other;  /* the device is never attached to it */
    PIOMMU_DMA_DOMAIN at;     /* that the device is attached to; NULL: none */
    struct fault_watch faults;
    struct told_watch told;
    bool reported;
};

struct test {
    const char *deny_id;
    const char *fault_id;
    const char *told_id;
    FAULT_INFORMATION_X64_TYPE type;
    void (*run)(struct proof *proof, struct verdict *verdict);
};

/* Where the devices of this driver meet, for DMA-DENY-007. */
static struct peer {
    const struct arena *live; /* PAGE_LIVE of it is mapped for its device */
    bool visited;             /* the one peer that tries it has done so */
    bool finished;
} peers[ARENA_WINDOWS];

/* The device that tries a refused access now: a unit may keep one fault record for all requesters,
 * and loses the others. */
static const struct proof *turn;

/* A refusal left no record in time, nor did it once more, for a device of another driver may have
 * taken the unit's one record: those that follow are not waited for as long. */
static bool record_missed;

/* A failure is never replaced by something better. */
__attribute__((format(printf, 3, 4))) static void
find(struct finding *finding, enum driver_result result, const char *format, ...)
{
    va_list arguments;

    if (finding->result == DRIVER_FAIL)
        return;
    finding->result = result;
    va_start(arguments, format);
    (void)vsnprintf(finding->reason, sizeof(finding->reason), format, arguments);
    va_end(arguments);
}

static void pass(struct finding *finding)
{
    if (finding->result != DRIVER_FAIL)
        *finding = (struct finding){.result = DRIVER_PASS};
}

static void find_all(struct verdict *verdict, enum driver_result result, const char *reason)
{
    find(&verdict->deny, result, "%s", reason);
    find(&verdict->fault, result, "%s", reason);
    find(&verdict->told, result, "%s", reason);
}

static void undecided(struct verdict *verdict, const char *reason)
{
    find_all(verdict, DRIVER_UNDECIDED, reason);
}

static void skipped(struct verdict *verdict, const char *reason)
{
    find_all(verdict, DRIVER_SKIP, reason);
}

/* ---- Faults ---- */

/* The handler of SetDeviceFaultReporting. */
static VOID hear_fault(PVOID context, PFAULT_INFORMATION information)
{
    struct proof *proof = context;
    struct told_watch *told = &proof->told;
    const FAULT_INFORMATION_X64 *fault = &information->X64;
    uint64_t address = (uint64_t)(uintptr_t)fault->FaultAddress;

    told->count++;
    if (information->Type == FaultInformationX64 && !information->IsStage1 &&
        fault->Flags.FaultAddressValid && address == proof->faults.address &&
        fault->Type == told->type && fault->DomainHandle == proof->at) {
        told->matching++;
    } else {
        told->wrong++;
        told->wrong_address = address;
        told->wrong_type = fault->Type;
    }
}

static bool is_expected(const struct fault_watch *watch, const struct driver_record *record)
{
    return record->address == watch->address && record->write == watch->write;
}

/* Of the last refusal, which has been judged by it. */
static bool is_repeated(const struct fault_watch *watch, const struct driver_record *record)
{
    return (watch->matching > 0 && is_expected(watch, record)) ||
           (watch->wrong > 0 && record->address == watch->wrong_address &&
            record->write == watch->wrong_write);
}

static void take_records(struct proof *proof)
{
    struct driver_device *device = proof->edu->device;
    struct fault_watch *watch = &proof->faults;
    struct driver_record record;

    while (device->services->take_record(device, &record)) {
        if (!watch->armed) {
            watch->unexpected += !is_repeated(watch, &record);
        } else if (is_expected(watch, &record)) {
            watch->matching++;
        } else {
            watch->wrong++;
            watch->wrong_address = record.address;
            watch->wrong_write = record.write;
        }
    }
}

static bool fault_came(void *context)
{
    struct proof *proof = context;

    take_records(proof);
    return proof->faults.matching + proof->faults.wrong > 0;
}

static bool take_repeats(void *context)
{
    take_records(context);
    return false;
}

/* One access may be many requests and leave many records: until no more come. False: none came. */
static bool await_records(struct proof *proof)
{
    struct driver_device *device = proof->edu->device;
    const struct fault_watch *watch = &proof->faults;
    uint64_t timeout = record_missed ? FAULT_RETIMEOUT_NS : FAULT_TIMEOUT_NS;
    unsigned had = 0;

    if (!device->services->wait(device, fault_came, proof, timeout))
        return false;
    for (unsigned i = 0; i < REPEATS_ROUNDS && watch->matching + watch->wrong > had; i++) {
        had = watch->matching + watch->wrong;
        (void)device->services->wait(device, take_repeats, proof, REPEATS_NS);
    }
    return true;
}

static NTSTATUS attach(struct proof *proof, PIOMMU_DMA_DOMAIN domain)
{
    struct edu *edu = proof->edu;
    DEVICE_FAULT_CONFIGURATION config = {hear_fault, proof};
    NTSTATUS status = edu->iommu.V2.AttachDeviceEx(domain, edu->dma);

    if (!NT_SUCCESS(status))
        return status;
    proof->at = domain;
    edu->detached = false;
    return edu->legacy.SetDeviceFaultReporting(edu->device->pdo, 0, TRUE, &config);
}

static NTSTATUS detach(struct proof *proof)
{
    NTSTATUS status = proof->edu->iommu.V2.DetachDeviceEx(proof->edu->dma);

    proof->at = NULL;
    proof->edu->detached = true;
    return status;
}

static void judge_fault(const struct fault_watch *watch, struct finding *finding)
{
    if (watch->wrong > 0)
        find(finding, DRIVER_FAIL, "recorded a %s of 0x%llx, not the %s of 0x%llx",
             watch->wrong_write ? "write" : "read", (unsigned long long)watch->wrong_address,
             watch->write ? "write" : "read", (unsigned long long)watch->address);
    else if (watch->matching == 0)
        find(finding, DRIVER_FAIL, "no record of the %s of 0x%llx", watch->write ? "write" : "read",
             (unsigned long long)watch->address);
    else
        pass(finding);
}

static void judge_told(const struct proof *proof, struct finding *finding)
{
    const struct told_watch *told = &proof->told;

    if (proof->at == NULL && told->matching + told->wrong > 0)
        find(finding, DRIVER_FAIL, "the handler of a detached device was called");
    else if (told->wrong > 0)
        find(finding, DRIVER_FAIL, "told of type %u at 0x%llx, not of type %u at 0x%llx",
             (unsigned)told->wrong_type, (unsigned long long)told->wrong_address,
             (unsigned)told->type, (unsigned long long)proof->faults.address);
    else if (proof->at != NULL && told->matching == 0)
        find(finding, DRIVER_FAIL, "the handler was not told");
    else
        pass(finding);
}

/* ---- Accesses ---- */

static bool turn_is_free(void *context)
{
    (void)context;
    return turn == NULL;
}

/* The device tries what must be refused. The record is awaited before anything else: a unit may
 * merge faults of one requester while a record is pending. */
static bool try_refused(struct proof *proof, struct verdict *verdict, enum edu_direction direction,
                        uint64_t logical)
{
    struct driver_device *device = proof->edu->device;
    struct fault_watch *watch = &proof->faults;

    (void)device->services->wait(device, turn_is_free, NULL, PEER_TIMEOUT_NS);
    turn = proof;
    watch->address = logical & ~(uint64_t)(PAGE_SIZE - 1);
    watch->write = direction == EDU_WRITE;
    take_records(proof);
    watch->matching = watch->wrong = 0;
    proof->told.matching = proof->told.wrong = 0;
    watch->armed = true;
    bool done = edu_transfer(proof->edu, direction, logical);
    if (done && !await_records(proof) && !record_missed) {
        done = edu_transfer(proof->edu, direction, logical);
        record_missed = done && !await_records(proof);
    }
    watch->armed = false;
    if (turn == proof)
        turn = NULL;
    if (!done) {
        undecided(verdict, "the device did not finish the transfer");
        return false;
    }
    judge_fault(watch, &verdict->fault);
    judge_told(proof, &verdict->told);
    return true;
}

/* The device hands over its buffer in PAGE_RESULT. */
static bool fetch_buffer(struct proof *proof)
{
    arena_fill(&proof->arena, PAGE_RESULT);
    return edu_transfer(proof->edu, EDU_WRITE, arena_logical(&proof->arena, PAGE_RESULT)) &&
           !arena_block_intact(&proof->arena, PAGE_RESULT);
}

static bool device_reads(struct proof *proof, enum page page)
{
    const struct arena *arena = &proof->arena;

    return edu_transfer(proof->edu, EDU_READ, arena_logical(arena, page)) && fetch_buffer(proof) &&
           memcmp(arena_bytes(arena, PAGE_RESULT), arena_bytes(arena, page), EDU_BLOCK) == 0;
}

/* Also warms the unit's cache for the page: a stale entry would now let a refused access through.
 * The page has a fresh canary afterwards. */
static bool device_writes(struct proof *proof, enum page page)
{
    struct arena *arena = &proof->arena;
    bool written = edu_transfer(proof->edu, EDU_WRITE, arena_logical(arena, page)) &&
                   !arena_block_intact(arena, page);

    arena_fill(arena, page);
    return written;
}

/* ---- Judges ---- */

static void judge_memory(const struct proof *proof, struct verdict *verdict)
{
    if (arena_intact(&proof->arena))
        pass(&verdict->deny);
    else
        find(&verdict->deny, DRIVER_FAIL, "memory was changed");
}

/* No word of the secret may be in the device's buffer, at its place. */
static void judge_secret(struct proof *proof, struct verdict *verdict, enum page secret)
{
    const uint64_t *words = arena_bytes(&proof->arena, secret);
    const uint64_t *fetched = arena_bytes(&proof->arena, PAGE_RESULT);

    if (!fetch_buffer(proof)) {
        find(&verdict->deny, DRIVER_UNDECIDED, "the device's buffer could not be fetched");
        return;
    }
    for (size_t i = 0; i < EDU_BLOCK / sizeof(*words); i++) {
        if (fetched[i] == words[i]) {
            find(&verdict->deny, DRIVER_FAIL, "the device has read the page");
            return;
        }
    }
    judge_memory(proof, verdict);
}

static bool mapped(struct proof *proof, struct verdict *verdict, enum page page,
                   PIOMMU_DMA_DOMAIN domain, ULONG permissions)
{
    NTSTATUS status = arena_map(&proof->arena, page, domain, permissions);

    if (!NT_SUCCESS(status))
        undecided(verdict, "the page could not be mapped");
    return NT_SUCCESS(status);
}

/* ---- The tests ---- */

/* Where nothing is mapped: the secret page's own physical address, which an identity fallback
 * would let through, if the device can express it. */
static uint64_t unmapped_address(const struct proof *proof)
{
    uint64_t physical = arena_physical(&proof->arena, PAGE_SECRET);

    return physical + PAGE_SIZE <= EDU_ADDRESS_LIMIT ? physical : proof->arena.end;
}

static void read_unmapped(struct proof *proof, struct verdict *verdict)
{
    if (try_refused(proof, verdict, EDU_READ, unmapped_address(proof)))
        judge_secret(proof, verdict, PAGE_SECRET);
}

/* The fresh canary is one that no leaked read can have put into the device's buffer. */
static void write_unmapped(struct proof *proof, struct verdict *verdict)
{
    arena_fill(&proof->arena, PAGE_SECRET);
    if (try_refused(proof, verdict, EDU_WRITE, unmapped_address(proof)))
        judge_memory(proof, verdict);
}

/* The page is read only afterwards: a cached translation would refuse without a record. */
static void write_read_only(struct proof *proof, struct verdict *verdict)
{
    if (!mapped(proof, verdict, PAGE_READ_ONLY, proof->domain, IOMMU_ACCESS_READ) ||
        !try_refused(proof, verdict, EDU_WRITE, arena_logical(&proof->arena, PAGE_READ_ONLY)))
        return;
    judge_memory(proof, verdict);
    if (!device_reads(proof, PAGE_READ_ONLY))
        find(&verdict->deny, DRIVER_UNDECIDED, "the page could not be read either");
}

static void write_after_unmap(struct proof *proof, struct verdict *verdict)
{
    if (!mapped(proof, verdict, PAGE_UNMAPPED, proof->domain, READ_WRITE))
        return;
    if (!device_writes(proof, PAGE_UNMAPPED))
        undecided(verdict, "the page could not be written while it was mapped");
    else if (!NT_SUCCESS(arena_unmap(&proof->arena, PAGE_UNMAPPED)))
        undecided(verdict, "the page could not be unmapped");
    else if (try_refused(proof, verdict, EDU_WRITE, arena_logical(&proof->arena, PAGE_UNMAPPED)))
        judge_memory(proof, verdict);
}

/* A write to the page's address, and to its physical one, which untranslated requests would reach
 * if the device can express it. */
static void write_while_blocked(struct proof *proof, struct verdict *verdict, enum page page)
{
    uint64_t physical = arena_physical(&proof->arena, page);

    if (!try_refused(proof, verdict, EDU_WRITE, arena_logical(&proof->arena, page)) ||
        (physical + PAGE_SIZE <= EDU_ADDRESS_LIMIT &&
         !try_refused(proof, verdict, EDU_WRITE, physical)))
        return;
    judge_memory(proof, verdict);
}

static void write_after_detach(struct proof *proof, struct verdict *verdict)
{
    if (!mapped(proof, verdict, PAGE_DETACHED, proof->domain, READ_WRITE))
        return;
    if (!device_writes(proof, PAGE_DETACHED)) {
        undecided(verdict, "the page could not be written while the device was attached");
        return;
    }
    if (!NT_SUCCESS(detach(proof))) {
        undecided(verdict, "the device could not be detached");
        return;
    }
    write_while_blocked(proof, verdict, PAGE_DETACHED);
    if (!NT_SUCCESS(attach(proof, proof->domain)))
        undecided(verdict, "the device could not be attached again");
}

static void write_foreign_domain(struct proof *proof, struct verdict *verdict)
{
    if (mapped(proof, verdict, PAGE_FOREIGN, proof->other, READ_WRITE) &&
        try_refused(proof, verdict, EDU_WRITE, arena_logical(&proof->arena, PAGE_FOREIGN)))
        judge_memory(proof, verdict);
}

static bool peer_is_live(void *context)
{
    const struct peer *peer = context;
    return peer->live != NULL || peer->finished;
}

static void write_peers_range(struct proof *proof, struct verdict *verdict)
{
    struct driver_device *device = proof->edu->device;
    struct peer *peer = &peers[(device->instance + 1) % device->instances];

    if (device->instances == 1) {
        skipped(verdict, "there is no other device of this driver");
        return;
    }
    (void)device->services->wait(device, peer_is_live, peer, PEER_TIMEOUT_NS);
    if (peer->live == NULL) {
        skipped(verdict, "the other device has no live range");
        return;
    }
    if (try_refused(proof, verdict, EDU_WRITE, arena_logical(peer->live, PAGE_LIVE))) {
        if (peer->live == NULL)
            find(&verdict->deny, DRIVER_UNDECIDED, "the other device's range did not stay");
        else if (!arena_block_intact(peer->live, PAGE_LIVE))
            find(&verdict->deny, DRIVER_FAIL, "the other device's memory was changed");
        else
            judge_memory(proof, verdict);
    }
    peer->visited = true;
}

static void read_write_only(struct proof *proof, struct verdict *verdict)
{
    NTSTATUS status = arena_map(&proof->arena, PAGE_WRITE_ONLY, proof->domain, IOMMU_ACCESS_WRITE);

    if (status == STATUS_NOT_SUPPORTED)
        skipped(verdict, "the table format has no write-only pages");
    else if (!NT_SUCCESS(status))
        undecided(verdict, "the page could not be mapped");
    else if (try_refused(proof, verdict, EDU_READ, arena_logical(&proof->arena, PAGE_WRITE_ONLY)))
        judge_secret(proof, verdict, PAGE_WRITE_ONLY);
}

static void write_reserved(struct proof *proof, struct verdict *verdict)
{
    struct arena *arena = &proof->arena;

    if (!NT_SUCCESS(arena_reserve(arena, proof->domain)) || !NT_SUCCESS(arena_map_segment(arena)))
        undecided(verdict, "the page could not be mapped in a reserved range");
    else if (!device_writes(proof, PAGE_SEGMENT))
        undecided(verdict, "the page could not be written while it was mapped");
    else if (!NT_SUCCESS(arena_unmap(arena, PAGE_SEGMENT)))
        undecided(verdict, "the page could not be unmapped");
    else if (try_refused(proof, verdict, EDU_WRITE, arena_logical(arena, PAGE_SEGMENT)))
        judge_memory(proof, verdict);
    else
        return;
    if (verdict->deny.result == DRIVER_PASS &&
        (!NT_SUCCESS(arena_map_segment(arena)) || !device_writes(proof, PAGE_SEGMENT)))
        find(&verdict->deny, DRIVER_FAIL, "the page could not be mapped and written again");
}

/* The device's own domain goes on mapping the page. */
static void try_unmanaged(struct proof *proof, struct verdict *verdict, PIOMMU_DMA_DOMAIN domain)
{
    if (!NT_SUCCESS(detach(proof))) {
        undecided(verdict, "the device could not be detached");
        return;
    }
    if (!NT_SUCCESS(attach(proof, domain)))
        undecided(verdict, "the device could not be attached to the unmanaged domain");
    else
        write_while_blocked(proof, verdict, PAGE_UNMANAGED);
    if (proof->at == domain)
        (void)detach(proof);
    if (!NT_SUCCESS(attach(proof, proof->domain)))
        undecided(verdict, "the device could not be attached again");
}

static void write_unmanaged(struct proof *proof, struct verdict *verdict)
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &proof->edu->iommu.V2;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};
    PIOMMU_DMA_DOMAIN domain;

    if (!mapped(proof, verdict, PAGE_UNMANAGED, proof->domain, READ_WRITE))
        return;
    if (!device_writes(proof, PAGE_UNMANAGED)) {
        undecided(verdict, "the page could not be written while the device was attached");
        return;
    }
    if (!NT_SUCCESS(iommu->CreateDomainEx(DomainTypeUnmanaged, none, NULL, NULL, &domain))) {
        undecided(verdict, "there is no unmanaged domain");
        return;
    }
    try_unmanaged(proof, verdict, domain);
    if (!NT_SUCCESS(iommu->DeleteDomain(domain)))
        undecided(verdict, "the unmanaged domain could not be deleted");
}

/* Never renumbered. */
#define TEST(n, type, run)                                                                         \
    {                                                                                              \
        "DMA-DENY-" n, "DMA-FAULT-" n, "EDU-FAULT-" n, type, run                                   \
    }

static const struct test tests[] = {
    TEST("001", TranslationFault, read_unmapped),
    TEST("002", TranslationFault, write_unmapped),
    TEST("003", PermissionFault, write_read_only),
    TEST("004", TranslationFault, write_after_unmap),
    TEST("005", TranslationFault, write_after_detach),
    TEST("006", TranslationFault, write_foreign_domain),
    TEST("007", TranslationFault, write_peers_range),
    TEST("008", PermissionFault, read_write_only),
    TEST("009", TranslationFault, write_reserved),
    TEST("010", TranslationFault, write_unmanaged),
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

/* One allowed read and one allowed write; each must show in memory. */
struct control {
    bool read;
    bool write;
};

static struct control run_control(struct proof *proof)
{
    struct control control;

    arena_fill(&proof->arena, PAGE_SOURCE);
    control.read = device_reads(proof, PAGE_SOURCE);
    control.write = !arena_block_intact(&proof->arena, PAGE_RESULT) && arena_intact(&proof->arena);
    return control;
}

/* ---- Report ---- */

static void report(struct driver_device *device, const char *id, const struct finding *finding)
{
    device->services->test(device, id, finding->result, finding->reason[0] ? "%s" : NULL,
                           finding->reason);
}

static void report_allowed(struct proof *proof, const char *id, bool before, bool after)
{
    struct finding finding = {.result = DRIVER_PASS};

    if (!before)
        find(&finding, DRIVER_FAIL, "the access did not reach memory");
    else if (!after)
        find(&finding, DRIVER_FAIL, "the access did not reach memory after the refused ones");
    else if (proof->faults.unexpected > 0)
        find(&finding, DRIVER_FAIL, "%u faults were recorded beside the expected ones",
             proof->faults.unexpected);
    report(proof->edu->device, id, &finding);
}

/* A device that no longer reaches what it may proves nothing by not reaching the rest. */
static void report_all(struct proof *proof, struct verdict *verdicts, struct control before,
                       struct control after)
{
    report_allowed(proof, "DMA-ALLOW-001", before.read, after.read);
    report_allowed(proof, "DMA-ALLOW-002", before.write, after.write);
    for (size_t i = 0; i < TESTS; i++) {
        if (verdicts[i].deny.result == DRIVER_PASS && !(after.read && after.write))
            find(&verdicts[i].deny, DRIVER_UNDECIDED, "allowed accesses do not work any more");
        report(proof->edu->device, tests[i].deny_id, &verdicts[i].deny);
        report(proof->edu->device, tests[i].fault_id, &verdicts[i].fault);
        report(proof->edu->device, tests[i].told_id, &verdicts[i].told);
    }
}

bool proof_not_run(struct driver_device *device, enum driver_result result, const char *reason)
{
    const struct driver_services *services = device->services;

    if (device->instance < ARENA_WINDOWS)
        peers[device->instance].finished = true;
    services->test(device, "DMA-ALLOW-001", result, "%s", reason);
    services->test(device, "DMA-ALLOW-002", result, "%s", reason);
    for (size_t i = 0; i < TESTS; i++) {
        services->test(device, tests[i].deny_id, result, "%s", reason);
        services->test(device, tests[i].fault_id, result, "%s", reason);
        services->test(device, tests[i].told_id, result, "%s", reason);
    }
    return false;
}

/* ---- The run ---- */

static void run_tests(struct proof *proof)
{
    struct driver_device *device = proof->edu->device;
    struct verdict verdicts[TESTS];
    struct control before = run_control(proof), after = before;

    for (size_t i = 0; i < TESTS; i++) {
        verdicts[i] = (struct verdict){
            {DRIVER_UNDECIDED, ""}, {DRIVER_UNDECIDED, ""}, {DRIVER_UNDECIDED, ""}};
        proof->told.type = tests[i].type;
        if (before.read && before.write)
            tests[i].run(proof, &verdicts[i]);
        else
            undecided(&verdicts[i], "allowed accesses do not work");
        if (!arena_intact(&proof->arena)) /* what one test let happen is not the next one's */
            arena_repair(&proof->arena);
    }
    if (before.read && before.write)
        after = run_control(proof);
    take_records(proof);
    report_all(proof, verdicts, before, after);
    proof->reported = true;
    device->services->log(device, DRIVER_INFO, "the fault handler was called %u times",
                          proof->told.count);
}

static bool visit_is_over(void *context)
{
    struct driver_device *device = context;
    unsigned visitor = (device->instance + device->instances - 1) % device->instances;

    return peers[device->instance].visited || peers[visitor].finished;
}

/* Runs the tests while PAGE_LIVE stands open to the peer's attempt. */
static void run_with_peers(struct proof *proof)
{
    struct driver_device *device = proof->edu->device;
    struct peer *own = &peers[device->instance];

    own->live = &proof->arena;
    run_tests(proof);
    own->finished = true;
    if (device->instances > 1)
        (void)device->services->wait(device, visit_is_over, device, PEER_TIMEOUT_NS);
    own->live = NULL;
}

/* Each level opens one thing, runs the next level and closes it again, whatever happened there. */

static NTSTATUS run_mapped(struct proof *proof)
{
    struct arena *arena = &proof->arena;
    NTSTATUS status = arena_map(arena, PAGE_SOURCE, proof->domain, IOMMU_ACCESS_READ);

    if (NT_SUCCESS(status))
        status = arena_map(arena, PAGE_RESULT, proof->domain, READ_WRITE);
    if (NT_SUCCESS(status))
        status = arena_map(arena, PAGE_LIVE, proof->domain, READ_WRITE);
    if (NT_SUCCESS(status))
        run_with_peers(proof);
    return status;
}

static NTSTATUS run_attached(struct proof *proof)
{
    NTSTATUS status = attach(proof, proof->domain);

    if (proof->at == NULL)
        return status;
    if (!NT_SUCCESS(status)) {
        (void)detach(proof);
        return status;
    }
    if (arena_open(&proof->arena, proof->edu)) {
        status = run_mapped(proof);
        arena_close(&proof->arena);
    } else {
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS closed = detach(proof);
    return NT_SUCCESS(status) ? closed : status;
}

static NTSTATUS run_in_domain(struct proof *proof, PIOMMU_DMA_DOMAIN *domain,
                              NTSTATUS (*run)(struct proof *proof))
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &proof->edu->iommu.V2;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};
    IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator = {
        .LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
        .BuddyAllocatorConfig = {.AddressWidth = EDU_ADDRESS_WIDTH}};
    NTSTATUS status = iommu->CreateDomainEx(DomainTypeTranslate, none, &allocator, NULL, domain);

    if (!NT_SUCCESS(status))
        return status;
    status = run(proof);
    NTSTATUS closed = iommu->DeleteDomain(*domain);
    return NT_SUCCESS(status) ? closed : status;
}

static NTSTATUS run_in_own_domain(struct proof *proof)
{
    return run_in_domain(proof, &proof->domain, run_attached);
}

static NTSTATUS run_in_domains(struct proof *proof)
{
    return run_in_domain(proof, &proof->other, run_in_own_domain);
}

static NTSTATUS run_with_device(struct proof *proof)
{
    struct edu *edu = proof->edu;
    NTSTATUS status = IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_2, 0, &edu->iommu);

    if (NT_SUCCESS(status))
        status = IoGetIommuInterface(DMA_IOMMU_INTERFACE_VERSION_1, &edu->legacy);
    if (!NT_SUCCESS(status))
        return status;
    status = edu->iommu.V2.CreateDevice(edu->device->pdo, NULL, &edu->dma);
    if (!NT_SUCCESS(status))
        return status;
    status = run_in_domains(proof);
    NTSTATUS closed = edu->iommu.V2.DeleteDevice(edu->dma);
    return NT_SUCCESS(status) ? closed : status;
}

/* Statuses that say "not on this machine" rather than "went wrong". */
static enum driver_result not_run_result(NTSTATUS status)
{
    if (status == STATUS_NOT_FOUND || status == STATUS_NOT_SUPPORTED ||
        status == STATUS_ACCESS_DENIED)
        return DRIVER_SKIP;
    return DRIVER_UNDECIDED;
}

bool proof_run(struct edu *edu)
{
    struct driver_device *device = edu->device;
    struct proof proof = {.edu = edu};
    char reason[64];

    if (device->instance >= ARENA_WINDOWS)
        return proof_not_run(device, DRIVER_SKIP, "no window of logical addresses is left");
    peers[device->instance] = (struct peer){.live = NULL};
    NTSTATUS status = run_with_device(&proof);
    if (NT_SUCCESS(status))
        return true;
    (void)snprintf(reason, sizeof(reason), "the domain API returned 0x%08x", (unsigned)status);
    if (proof.reported)
        device->services->log(device, DRIVER_ERROR, "at the end, %s", reason);
    else
        (void)proof_not_run(device, not_run_result(status), reason);
    return false;
}
