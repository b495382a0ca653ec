/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The refusal proof on a fake edu behind a fake IOMMU that can be broken on purpose. Properties:
 * a sound machine passes every id; each broken one fails the ids that are about it and no other
 * refusal; a device that does not work never passes a DENY id; everything is closed again in the
 * end.
 */
#include "drivers/edu/arena.h"
#include "drivers/edu/edu.h"

#include <driver_io.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum fault_of_machine {
    SOUND,
    ALLOWS_UNMAPPED, /* identity fallback */
    ALLOWS_AFTER_UNMAP,
    ALLOWS_AFTER_DETACH,
    ALLOWS_READ_ONLY_WRITE,
    ALLOWS_OTHER_DOMAINS, /* to an attached device */
    LEAKS_REFUSED_READS,  /* recorded, but the data goes out */
    RECORDS_WRONG_ADDRESS,
    RECORDS_WRONG_KIND,
    RECORDS_NOTHING,
    RECORDS_ALLOWED, /* faults for allowed accesses */
    DEVICE_DEAD,     /* says done, moves nothing */
    DEVICE_DIES,     /* after its first refused access */
    DEVICE_HANGS,
    NO_INTERRUPTS,
    INTERRUPTS_LOST,
    NO_WRITE_ONLY,
    NO_UNIT,
    GROUP_TAKEN,
};

enum { DEVICES = 2, DOMAINS = 6, FRAMES = 64, MAPPINGS = 64, RESULTS = 64, FAULTS = 8 };

#define RAM_BASE UINT64_C(0x1000000) /* where the first window would be: the driver must move */
#define DETACHED 0u
#define TICK_NS  UINT64_C(1000000)

struct mapping {
    unsigned domain; /* 0: free */
    uint64_t logical, physical;
    ULONG permissions;
    bool cached, dead;
};

struct device {
    struct driver_device contract;
    uint64_t source, destination, count, command;
    uint8_t buffer[PAGE_SIZE];
    unsigned domain, last_domain;
    bool created, interrupt, refused_once;
    struct driver_fault faults[FAULTS];
    unsigned fault_count;
};

static struct {
    enum fault_of_machine broken;
    struct device devices[DEVICES];
    bool domains[DOMAINS];
    struct mapping mappings[MAPPINGS];
    bool taken[FRAMES];
    uint64_t now;
    struct {
        char id[16];
        unsigned instance;
        enum driver_result result;
    } results[RESULTS];
    unsigned result_count;
    unsigned identity_mappings;
    /* Tasks: one thread each, of which only `turn` runs. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned turn;
    bool alive[DEVICES];
} m;

static _Alignas(PAGE_SIZE) uint8_t ram[FRAMES * PAGE_SIZE];

/* ---- The IOMMU ---- */

static void record(struct device *device, uint64_t logical, bool write)
{
    if (m.broken == RECORDS_NOTHING || device->fault_count == FAULTS)
        return;
    device->faults[device->fault_count++] = (struct driver_fault){
        .address =
            (logical & ~UINT64_C(0xFFF)) + (m.broken == RECORDS_WRONG_ADDRESS ? PAGE_SIZE : 0),
        .write = write != (m.broken == RECORDS_WRONG_KIND),
        .requester = device->contract.location,
    };
}

static bool reaches(const struct device *device, const struct mapping *mapping)
{
    if (mapping->domain == 0 || (mapping->dead && !mapping->cached))
        return false;
    if (device->domain == DETACHED)
        return m.broken == ALLOWS_AFTER_DETACH && mapping->domain == device->last_domain;
    return mapping->domain == device->domain || m.broken == ALLOWS_OTHER_DOMAINS;
}

static uint8_t *frame_at(uint64_t physical)
{
    return physical >= RAM_BASE && physical < RAM_BASE + sizeof(ram) ? ram + (physical - RAM_BASE)
                                                                     : NULL;
}

static uint8_t *translate(struct device *device, uint64_t logical, bool write)
{
    ULONG needed = write ? IOMMU_ACCESS_WRITE : IOMMU_ACCESS_READ;
    uint64_t offset = logical & 0xFFF;

    for (unsigned i = 0; i < MAPPINGS; i++) {
        struct mapping *mapping = &m.mappings[i];
        if (mapping->logical != logical - offset || !reaches(device, mapping))
            continue;
        bool allowed =
            (mapping->permissions & needed) != 0 || (write && m.broken == ALLOWS_READ_ONLY_WRITE);
        if (!allowed)
            record(device, logical, write);
        if (allowed && m.broken == RECORDS_ALLOWED)
            record(device, logical, write);
        mapping->cached = true;
        return allowed || (!write && m.broken == LEAKS_REFUSED_READS)
                   ? frame_at(mapping->physical + offset)
                   : NULL;
    }
    if (m.broken == ALLOWS_UNMAPPED)
        return frame_at(logical);
    record(device, logical, write);
    return !write && m.broken == LEAKS_REFUSED_READS ? frame_at(logical) : NULL;
}

/* ---- The device ---- */

static struct device *device_of(const struct driver_window *window)
{
    return &m.devices[*(volatile unsigned char *)window->base];
}

static void move(struct device *device)
{
    bool write = (device->command & 2) != 0;
    uint64_t logical = (write ? device->destination : device->source) & (EDU_ADDRESS_LIMIT - 1);
    uint64_t inner = write ? device->source : device->destination;
    unsigned faults = device->fault_count;

    assert_in_range(inner, 0x40000, 0x40FFF);
    assert_true(device->count > 0 && device->count <= 2048);
    assert_true(inner + device->count < 0x41000);
    assert_true((logical & 0xFFF) + device->count <= PAGE_SIZE);
    if (m.broken == DEVICE_DEAD || (m.broken == DEVICE_DIES && device->refused_once))
        return;
    uint8_t *memory = translate(device, logical, write);
    uint8_t *buffer = device->buffer + (inner - 0x40000);
    if (device->fault_count > faults)
        device->refused_once = true;
    if (write && memory != NULL)
        memcpy(memory, buffer, device->count);
    else if (!write && memory != NULL)
        memcpy(buffer, memory, device->count);
    else if (!write)
        memset(buffer, 0, device->count);
}

/* What the engine does while the driver waits. */
static void run_engine(struct device *device)
{
    if ((device->command & 1) == 0 || m.broken == DEVICE_HANGS)
        return;
    move(device);
    device->command &= ~UINT64_C(1);
    device->interrupt = (device->command & 4) != 0;
}

uint32_t driver_read32(const struct driver_window *window, size_t offset)
{
    assert_true(offset + 4 <= window->length && offset < 0x80);
    return offset == 0 ? 0x010000ED : offset == 0x24 && device_of(window)->interrupt ? 0x100 : 0;
}

uint64_t driver_read64(const struct driver_window *window, size_t offset)
{
    assert_int_equal(offset, 0x98);
    return device_of(window)->command;
}

void driver_write32(const struct driver_window *window, size_t offset, uint32_t value)
{
    assert_int_equal(offset, 0x64);
    if (value == 0x100)
        device_of(window)->interrupt = false;
}

void driver_write64(const struct driver_window *window, size_t offset, uint64_t value)
{
    struct device *device = device_of(window);

    assert_true(offset >= 0x80 && offset <= 0x98);
    assert_int_equal(device->command & 1, 0);
    if (offset == 0x80)
        device->source = value;
    else if (offset == 0x88)
        device->destination = value;
    else if (offset == 0x90)
        device->count = value;
    if (offset != 0x98)
        return;
    device->command = value;
}

void driver_barrier(void)
{
}

/* ---- The domain API. Handles are small numbers dressed as pointers. ---- */

static unsigned domain_of(PIOMMU_DMA_DOMAIN handle)
{
    unsigned domain = (unsigned)(uintptr_t)handle;

    assert_in_range(domain, 1, DOMAINS - 1);
    assert_true(m.domains[domain]);
    return domain;
}

static struct device *dma_device(PIOMMU_DMA_DEVICE handle)
{
    struct device *device = &m.devices[(uintptr_t)handle - 1];

    assert_true(device->created);
    return device;
}

static NTSTATUS create_domain(IOMMU_DMA_DOMAIN_TYPE type, IOMMU_DMA_DOMAIN_CREATION_FLAGS flags,
                              PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator,
                              PIOMMU_DMA_RESERVED_REGION regions, PIOMMU_DMA_DOMAIN *out)
{
    assert_true(type == DomainTypeTranslate && flags.AsUlonglong == 0);
    assert_true(allocator == NULL && regions == NULL);
    for (uintptr_t domain = 1; domain < DOMAINS; domain++) {
        if (!m.domains[domain]) {
            m.domains[domain] = true;
            *out = (PIOMMU_DMA_DOMAIN)domain;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS delete_domain(PIOMMU_DMA_DOMAIN handle)
{
    unsigned domain = domain_of(handle);

    for (unsigned i = 0; i < MAPPINGS; i++)
        assert_false(m.mappings[i].domain == domain && !m.mappings[i].dead);
    m.domains[domain] = false;
    return STATUS_SUCCESS;
}

static NTSTATUS attach(PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE handle)
{
    struct device *device = dma_device(handle);

    if (m.broken == GROUP_TAKEN)
        return STATUS_ACCESS_DENIED;
    if (device->domain != DETACHED)
        return STATUS_INVALID_PARAMETER;
    device->domain = device->last_domain = domain_of(domain);
    return STATUS_SUCCESS;
}

static NTSTATUS detach(PIOMMU_DMA_DEVICE handle)
{
    struct device *device = dma_device(handle);

    if (device->domain == DETACHED)
        return STATUS_INVALID_PARAMETER_1;
    device->domain = DETACHED;
    return STATUS_SUCCESS;
}

static NTSTATUS map(PIOMMU_DMA_DOMAIN domain, ULONG permissions, PIOMMU_MAP_PHYSICAL_ADDRESS what,
                    PIOMMU_DMA_LOGICAL_ADDRESS wanted, PIOMMU_DMA_LOGICAL_ADDRESS low,
                    PIOMMU_DMA_LOGICAL_ADDRESS high, PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    assert_true(what->MapType == MapPhysicalAddressTypeContiguousRange && !low && !high);
    assert_int_equal(what->ContiguousRange.Size, PAGE_SIZE);
    assert_true(*wanted + PAGE_SIZE <= EDU_ADDRESS_LIMIT);
    if (permissions == IOMMU_ACCESS_WRITE && m.broken == NO_WRITE_ONLY)
        return STATUS_NOT_SUPPORTED;
    m.identity_mappings += (uint64_t)what->ContiguousRange.Base.QuadPart == *wanted;
    for (unsigned i = 0; i < MAPPINGS; i++) {
        if (m.mappings[i].domain == 0) {
            m.mappings[i] = (struct mapping){
                domain_of(domain), *wanted, (uint64_t)what->ContiguousRange.Base.QuadPart,
                permissions,       false,   false};
            *out = *wanted;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS unmap(PIOMMU_DMA_DOMAIN domain, ULONGLONG logical, ULONGLONG pages)
{
    assert_int_equal(pages, 1);
    for (unsigned i = 0; i < MAPPINGS; i++) {
        struct mapping *mapping = &m.mappings[i];
        if (mapping->domain == domain_of(domain) && mapping->logical == logical && !mapping->dead) {
            mapping->dead = true;
            mapping->cached = mapping->cached && m.broken == ALLOWS_AFTER_UNMAP;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PARAMETER_MIX;
}

static NTSTATUS create_device(PDEVICE_OBJECT pdo, PIOMMU_DEVICE_CREATION_CONFIGURATION config,
                              PIOMMU_DMA_DEVICE *out)
{
    assert_null(config);
    if (m.broken == NO_UNIT)
        return STATUS_NOT_FOUND;
    m.devices[(uintptr_t)pdo - 1].created = true;
    *out = (PIOMMU_DMA_DEVICE)(uintptr_t)pdo;
    return STATUS_SUCCESS;
}

static NTSTATUS delete_device(PIOMMU_DMA_DEVICE handle)
{
    struct device *device = dma_device(handle);

    if (device->domain != DETACHED)
        return STATUS_RESOURCE_IN_USE;
    device->created = false;
    return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterfaceEx(ULONG version, ULONGLONG flags, PDMA_IOMMU_INTERFACE_EX out)
{
    assert_true(version == 2 && flags == 0);
    memset(out, 0, DMA_IOMMU_INTERFACE_EX_V2_SIZE);
    out->Version = 2;
    out->Size = DMA_IOMMU_INTERFACE_EX_V2_SIZE;
    out->V2.CreateDomainEx = create_domain;
    out->V2.DeleteDomain = delete_domain;
    out->V2.AttachDeviceEx = attach;
    out->V2.DetachDeviceEx = detach;
    out->V2.MapLogicalRangeEx = map;
    out->V2.UnmapLogicalRange = unmap;
    out->V2.CreateDevice = create_device;
    out->V2.DeleteDevice = delete_device;
    return STATUS_SUCCESS;
}

/* ---- Services ---- */

/* Passes the turn on and waits for it to come back. */
static void yield_turn(unsigned instance)
{
    unsigned other = 1 - instance;

    m.now += TICK_NS;
    run_engine(&m.devices[instance]);
    if (!m.alive[other])
        return;
    m.turn = other;
    pthread_cond_broadcast(&m.changed);
    while (m.turn != instance)
        pthread_cond_wait(&m.changed, &m.lock);
}

static void deliver_faults(struct device *device)
{
    for (unsigned i = 0; i < device->fault_count; i++)
        edu_driver.fault(&device->contract, &device->faults[i]);
    device->fault_count = 0;
}

static bool service_wait(struct driver_device *device, bool (*ready)(void *), void *context,
                         uint64_t timeout_ns)
{
    uint64_t end = m.now + timeout_ns;

    do {
        yield_turn(device->instance);
        deliver_faults(&m.devices[device->instance]);
        if (ready(context))
            return true;
    } while (m.now < end);
    return false;
}

static unsigned service_interrupts(struct driver_device *device, unsigned wanted)
{
    (void)device;
    return m.broken == NO_INTERRUPTS ? 0 : wanted;
}

static bool service_interrupt_wait(struct driver_device *device, unsigned index,
                                   uint64_t timeout_ns)
{
    const struct device *own = &m.devices[device->instance];
    uint64_t end = m.now + timeout_ns;

    assert_int_equal(index, 0);
    do
        yield_turn(device->instance);
    while (m.now < end && (!own->interrupt || m.broken == INTERRUPTS_LOST));
    return own->interrupt && m.broken != INTERRUPTS_LOST;
}

static bool service_window(struct driver_device *device, unsigned bar, struct driver_window *window)
{
    static unsigned char handles[DEVICES] = {0, 1};

    assert_int_equal(bar, 0);
    *window = (struct driver_window){&handles[device->instance], 0x100000};
    return true;
}

static bool service_alloc(struct driver_device *device, size_t pages, struct driver_memory *memory)
{
    size_t first = device->instance * (FRAMES / DEVICES);

    assert_true(pages <= FRAMES / DEVICES && !m.taken[first]);
    m.taken[first] = true;
    *memory = (struct driver_memory){ram + first * PAGE_SIZE, RAM_BASE + first * PAGE_SIZE,
                                     pages * PAGE_SIZE};
    return true;
}

static void service_free(struct driver_device *device, struct driver_memory *memory)
{
    (void)memory;
    m.taken[device->instance * (FRAMES / DEVICES)] = false;
}

static void service_log(struct driver_device *device, enum driver_level level, const char *format,
                        ...)
{
    (void)device;
    (void)level;
    (void)format;
}

static void service_test(struct driver_device *device, const char *id, enum driver_result result,
                         const char *reason, ...)
{
    assert_true(m.result_count < RESULTS);
    (void)snprintf(m.results[m.result_count].id, sizeof(m.results[0].id), "%s", id);
    m.results[m.result_count].instance = device->instance;
    m.results[m.result_count++].result = result;
    assert_true(result == DRIVER_PASS || reason != NULL);
}

static const struct driver_services services = {
    .window_map = service_window,
    .memory_alloc = service_alloc,
    .memory_free = service_free,
    .interrupts_enable = service_interrupts,
    .interrupt_wait = service_interrupt_wait,
    .wait = service_wait,
    .log = service_log,
    .test = service_test,
};

/* ---- Running it ---- */

static void *run_task(void *context)
{
    struct device *device = context;
    unsigned instance = device->contract.instance;

    pthread_mutex_lock(&m.lock);
    while (m.turn != instance)
        pthread_cond_wait(&m.changed, &m.lock);
    (void)edu_driver.start(&device->contract);
    m.alive[instance] = false;
    m.turn = 1 - instance;
    pthread_cond_broadcast(&m.changed);
    pthread_mutex_unlock(&m.lock);
    return NULL;
}

static void run(enum fault_of_machine broken, unsigned instances)
{
    pthread_t threads[DEVICES];

    memset(&m, 0, sizeof(m));
    m.broken = broken;
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.changed, NULL);
    for (unsigned i = 0; i < instances; i++) {
        m.devices[i].contract = (struct driver_device){
            .pdo = (PDEVICE_OBJECT)(uintptr_t)(i + 1),
            .location = "00:04.0",
            .instance = i,
            .instances = instances,
            .services = &services,
        };
        m.alive[i] = true;
    }
    for (unsigned i = 0; i < instances; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_task, &m.devices[i]), 0);
    for (unsigned i = 0; i < instances; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < instances; i++)
        assert_true(!m.devices[i].created && !m.taken[i * (FRAMES / DEVICES)]);
    for (unsigned i = 0; i < DOMAINS; i++)
        assert_false(m.domains[i]);
    assert_int_equal(m.identity_mappings, 0);
    assert_int_equal(m.result_count, instances * 18);
}

static enum driver_result result_of(const char *id, unsigned instance)
{
    for (unsigned i = 0; i < m.result_count; i++)
        if (m.results[i].instance == instance && strcmp(m.results[i].id, id) == 0)
            return m.results[i].result;
    fail_msg("%s was not reported", id);
    return DRIVER_FAIL;
}

static unsigned count(const char *prefix, enum driver_result result)
{
    unsigned found = 0;

    for (unsigned i = 0; i < m.result_count; i++)
        found +=
            m.results[i].result == result && strncmp(m.results[i].id, prefix, strlen(prefix)) == 0;
    return found;
}

static void sound_machine_passes_all_but_the_peer_test(void **state)
{
    (void)state;
    run(SOUND, 1);
    assert_int_equal(count("DMA-", DRIVER_PASS), 16);
    assert_int_equal(result_of("DMA-DENY-007", 0), DRIVER_SKIP);
    assert_int_equal(result_of("DMA-FAULT-007", 0), DRIVER_SKIP);
}

static void two_sound_devices_pass_all(void **state)
{
    (void)state;
    run(SOUND, 2);
    assert_int_equal(count("DMA-", DRIVER_PASS), 36);
}

static void broken_refusals_fail_their_ids_and_no_other(void **state)
{
    static const struct {
        enum fault_of_machine broken;
        const char *ids[4];
    } cases[] = {
        {ALLOWS_UNMAPPED, {"DMA-DENY-001", "DMA-DENY-002", "DMA-FAULT-001", "DMA-FAULT-002"}},
        {ALLOWS_AFTER_UNMAP, {"DMA-DENY-004", "DMA-FAULT-004"}},
        {ALLOWS_AFTER_DETACH, {"DMA-DENY-005", "DMA-FAULT-005"}},
        {ALLOWS_READ_ONLY_WRITE, {"DMA-DENY-003", "DMA-FAULT-003"}},
        {ALLOWS_OTHER_DOMAINS, {"DMA-DENY-006", "DMA-FAULT-006"}},
        {LEAKS_REFUSED_READS, {"DMA-DENY-001", "DMA-DENY-008"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run(cases[i].broken, 1);
        unsigned refusals = 0;
        for (unsigned k = 0; k < 4 && cases[i].ids[k] != NULL; k++) {
            assert_int_equal(result_of(cases[i].ids[k], 0), DRIVER_FAIL);
            refusals += strncmp(cases[i].ids[k], "DMA-DENY", 8) == 0;
        }
        assert_int_equal(count("DMA-DENY", DRIVER_FAIL), refusals);
        assert_int_equal(count("DMA-DENY", DRIVER_PASS), 7 - refusals);
        assert_int_equal(count("DMA-ALLOW", DRIVER_PASS), 2);
    }
}

static void reach_into_the_peer_fails(void **state)
{
    (void)state;
    run(ALLOWS_OTHER_DOMAINS, 2);
    assert_int_equal(result_of("DMA-DENY-007", 0), DRIVER_FAIL);
    assert_int_equal(result_of("DMA-DENY-007", 1), DRIVER_FAIL);
}

static void wrong_records_fail_all_fault_ids_and_no_refusal(void **state)
{
    (void)state;
    for (enum fault_of_machine broken = RECORDS_WRONG_ADDRESS; broken <= RECORDS_NOTHING;
         broken++) {
        run(broken, 2);
        assert_int_equal(count("DMA-FAULT", DRIVER_FAIL), 16);
        assert_int_equal(count("DMA-DENY", DRIVER_PASS), 16);
    }
}

static void unexpected_records_fail_the_controls(void **state)
{
    (void)state;
    run(RECORDS_ALLOWED, 1);
    assert_int_equal(count("DMA-ALLOW", DRIVER_FAIL), 2);
}

static void device_that_does_not_work_proves_nothing(void **state)
{
    static const enum fault_of_machine broken[] = {DEVICE_DEAD, DEVICE_DIES, DEVICE_HANGS};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        run(broken[i], 1);
        assert_int_equal(count("DMA-DENY", DRIVER_PASS), 0);
        assert_int_equal(count("DMA-ALLOW", DRIVER_FAIL), 2);
    }
}

static void completion_is_polled_without_interrupts(void **state)
{
    (void)state;
    run(NO_INTERRUPTS, 2);
    assert_int_equal(count("DMA-", DRIVER_PASS), 36);
    run(INTERRUPTS_LOST, 2);
    assert_int_equal(count("DMA-", DRIVER_PASS), 36);
}

static void what_the_machine_cannot_do_is_skipped(void **state)
{
    (void)state;
    run(NO_WRITE_ONLY, 1);
    assert_int_equal(result_of("DMA-DENY-008", 0), DRIVER_SKIP);
    assert_int_equal(count("DMA-", DRIVER_PASS), 14);
    run(NO_UNIT, 1);
    assert_int_equal(count("DMA-", DRIVER_SKIP), 18);
    run(GROUP_TAKEN, 1);
    assert_int_equal(count("DMA-", DRIVER_SKIP), 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_machine_passes_all_but_the_peer_test),
        cmocka_unit_test(two_sound_devices_pass_all),
        cmocka_unit_test(broken_refusals_fail_their_ids_and_no_other),
        cmocka_unit_test(reach_into_the_peer_fails),
        cmocka_unit_test(wrong_records_fail_all_fault_ids_and_no_refusal),
        cmocka_unit_test(unexpected_records_fail_the_controls),
        cmocka_unit_test(device_that_does_not_work_proves_nothing),
        cmocka_unit_test(completion_is_polled_without_interrupts),
        cmocka_unit_test(what_the_machine_cannot_do_is_skipped),
    };

    return cmocka_run_group_tests_name("driver_edu", tests, NULL, NULL);
}
