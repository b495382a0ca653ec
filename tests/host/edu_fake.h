/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_EDU_FAKE_H
#define TESTS_HOST_EDU_FAKE_H

#ifndef DRIVER_IO_EXTERNAL
#define DRIVER_IO_EXTERNAL
#endif

/*
 * Devices of the kind edu, a domain API and a driver's services, all fake, around the edu driver.
 * The IOMMU can be broken on purpose.
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
    NO_LEGACY_TABLE,
    GROUP_TAKEN,
    ALLOWS_AFTER_SEGMENT, /* was unmapped */
    REFUSES_SECOND_SEGMENT,
    PASSES_BLOCKED,   /* untranslated */
    ALLOWS_UNMANAGED, /* what the device's last domain maps */
    NO_UNMANAGED,
    IGNORES_BOUNDS, /* of the allocator */
    TELLS_NOTHING,
    TELLS_WRONG_ADDRESS,
    TELLS_WRONG_TYPE,
    TELLS_WRONG_DOMAIN,
    TELLS_NO_ADDRESS,
    TELLS_DETACHED,
};

enum {
    DEVICES = 2,
    DOMAINS = 8,
    FRAMES = 64,
    MAPPINGS = 64,
    RESULTS = 80,
    FAULTS = 8,
    REPLIES = 32
};

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
    struct fault {
        struct driver_record record;
        FAULT_INFORMATION_X64_TYPE type;
        unsigned domain;
    } faults[FAULTS];
    unsigned fault_count, told; /* of them, from the front */
    DEVICE_FAULT_CONFIGURATION handler;
};

static struct {
    enum fault_of_machine broken;
    struct device devices[DEVICES];
    bool domains[DOMAINS], unmanaged[DOMAINS];
    struct mapping mappings[MAPPINGS];
    struct range {
        unsigned domain; /* 0: free */
        unsigned mapped, maps;
        IOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
    } ranges[DEVICES];
    bool taken[FRAMES];
    uint64_t now;
    struct {
        char id[16];
        unsigned instance;
        enum driver_result result;
    } results[RESULTS];
    unsigned result_count;
    unsigned identity_mappings;
    /* What a person asks, one after the other, and what was answered to the last. */
    const struct driver_request *asked;
    unsigned asked_left;
    struct {
        bool done;
        char text[160];
    } replies[REPLIES];
    unsigned reply_count;
    /* Tasks: one thread each, of which only `turn` runs. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned turn;
    bool alive[DEVICES];
} m;

static _Alignas(PAGE_SIZE) uint8_t ram[FRAMES * PAGE_SIZE];

/* ---- The IOMMU ---- */

static inline void record(struct device *device, uint64_t logical, bool write,
                          FAULT_INFORMATION_X64_TYPE type)
{
    uint64_t wrong = m.broken == RECORDS_WRONG_ADDRESS ? PAGE_SIZE : 0;

    if (m.broken == RECORDS_NOTHING || device->fault_count == FAULTS)
        return;
    device->faults[device->fault_count++] = (struct fault){
        .record = {(logical & ~UINT64_C(0xFFF)) + wrong, write != (m.broken == RECORDS_WRONG_KIND)},
        .type = type,
        .domain = device->domain,
    };
}

static inline bool reaches(const struct device *device, const struct mapping *mapping)
{
    if (mapping->domain == 0 || (mapping->dead && !mapping->cached))
        return false;
    if (device->domain == DETACHED)
        return m.broken == ALLOWS_AFTER_DETACH && mapping->domain == device->last_domain;
    if (m.unmanaged[device->domain])
        return m.broken == ALLOWS_UNMANAGED;
    return mapping->domain == device->domain || m.broken == ALLOWS_OTHER_DOMAINS;
}

static inline uint8_t *frame_at(uint64_t physical)
{
    return physical >= RAM_BASE && physical < RAM_BASE + sizeof(ram) ? ram + (physical - RAM_BASE)
                                                                     : NULL;
}

static inline uint8_t *translate(struct device *device, uint64_t logical, bool write)
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
            record(device, logical, write, PermissionFault);
        if (allowed && m.broken == RECORDS_ALLOWED)
            record(device, logical, write, PermissionFault);
        mapping->cached = true;
        return allowed || (!write && m.broken == LEAKS_REFUSED_READS)
                   ? frame_at(mapping->physical + offset)
                   : NULL;
    }
    bool blocked = device->domain == DETACHED || m.unmanaged[device->domain];
    if (m.broken == (blocked ? PASSES_BLOCKED : ALLOWS_UNMAPPED))
        return frame_at(logical);
    record(device, logical, write, TranslationFault);
    return !write && m.broken == LEAKS_REFUSED_READS ? frame_at(logical) : NULL;
}

/* ---- The device ---- */

static inline struct device *device_of(const struct driver_window *window)
{
    return &m.devices[*(volatile unsigned char *)window->base];
}

static inline void move(struct device *device)
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
static inline void run_engine(struct device *device)
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

static inline unsigned domain_of(PIOMMU_DMA_DOMAIN handle)
{
    unsigned domain = (unsigned)(uintptr_t)handle;

    assert_in_range(domain, 1, DOMAINS - 1);
    assert_true(m.domains[domain]);
    return domain;
}

static inline struct device *dma_device(PIOMMU_DMA_DEVICE handle)
{
    struct device *device = &m.devices[(uintptr_t)handle - 1];

    assert_true(device->created);
    return device;
}

static inline NTSTATUS create_domain(IOMMU_DMA_DOMAIN_TYPE type,
                                     IOMMU_DMA_DOMAIN_CREATION_FLAGS flags,
                                     PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator,
                                     PIOMMU_DMA_RESERVED_REGION regions, PIOMMU_DMA_DOMAIN *out)
{
    assert_true(flags.AsUlonglong == 0 && regions == NULL);
    if (type == DomainTypeUnmanaged && m.broken == NO_UNMANAGED)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (type == DomainTypeUnmanaged) {
        assert_null(allocator);
    } else if (m.asked != NULL) { /* a person names the addresses */
        assert_int_equal(type, DomainTypeTranslate);
        assert_null(allocator);
    } else {
        assert_int_equal(type, DomainTypeTranslate);
        assert_int_equal(allocator->LogicalAllocatorType, IommuDmaLogicalAllocatorBuddy);
        assert_int_equal(UINT64_C(1) << allocator->BuddyAllocatorConfig.AddressWidth,
                         EDU_ADDRESS_LIMIT);
    }
    for (uintptr_t domain = 1; domain < DOMAINS; domain++) {
        if (!m.domains[domain]) {
            m.domains[domain] = true;
            m.unmanaged[domain] = type == DomainTypeUnmanaged;
            *out = (PIOMMU_DMA_DOMAIN)domain;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static inline NTSTATUS delete_domain(PIOMMU_DMA_DOMAIN handle)
{
    unsigned domain = domain_of(handle);

    for (unsigned i = 0; i < MAPPINGS; i++)
        assert_false(m.mappings[i].domain == domain && !m.mappings[i].dead);
    for (unsigned i = 0; i < DEVICES; i++)
        assert_int_not_equal(m.ranges[i].domain, domain);
    m.domains[domain] = false;
    return STATUS_SUCCESS;
}

static inline NTSTATUS attach(PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE handle)
{
    struct device *device = dma_device(handle);

    if (m.broken == GROUP_TAKEN)
        return STATUS_ACCESS_DENIED;
    if (device->domain != DETACHED)
        return STATUS_INVALID_PARAMETER;
    device->domain = domain_of(domain);
    if (!m.unmanaged[device->domain])
        device->last_domain = device->domain;
    return STATUS_SUCCESS;
}

static inline NTSTATUS detach(PIOMMU_DMA_DEVICE handle)
{
    struct device *device = dma_device(handle);

    if (device->domain == DETACHED)
        return STATUS_INVALID_PARAMETER_1;
    device->domain = DETACHED;
    if (m.broken != TELLS_DETACHED)
        device->handler.FaultHandler = NULL;
    return STATUS_SUCCESS;
}

static inline bool is_taken(unsigned domain, uint64_t logical)
{
    for (unsigned i = 0; i < MAPPINGS; i++)
        if (m.mappings[i].domain == domain && !m.mappings[i].dead &&
            m.mappings[i].logical == logical)
            return true;
    for (unsigned i = 0; i < DEVICES; i++)
        if (m.ranges[i].domain == domain &&
            logical - m.ranges[i].token.LogicalAddressBase < m.ranges[i].token.Size)
            return true;
    return false;
}

/* The lowest place between the bounds, aligned to its length. */
static inline uint64_t choose(unsigned domain, uint64_t low, uint64_t high, uint64_t length)
{
    assert_true(low > 0 && low < high && high < EDU_ADDRESS_LIMIT);
    if (m.broken == IGNORES_BOUNDS)
        low = PAGE_SIZE;
    for (uint64_t at = (low + length - 1) / length * length; at + length - 1 <= high; at += length)
        if (!is_taken(domain, at) && !is_taken(domain, at + length - PAGE_SIZE))
            return at;
    fail_msg("no address is left");
    return 0;
}

static inline void add_mapping(unsigned domain, uint64_t logical, uint64_t physical,
                               ULONG permissions)
{
    m.identity_mappings += physical == logical;
    for (unsigned i = 0; i < MAPPINGS; i++) {
        if (m.mappings[i].domain == 0) {
            m.mappings[i] = (struct mapping){domain, logical, physical, permissions, false, false};
            return;
        }
    }
    fail_msg("too many mappings");
}

/* Of a person, page by page. */
static inline NTSTATUS map_exactly(unsigned domain, ULONG permissions,
                                   const IOMMU_MAP_PHYSICAL_ADDRESS *what, uint64_t wanted)
{
    uint64_t physical = (uint64_t)what->ContiguousRange.Base.QuadPart;

    assert_non_null(m.asked);
    for (uint64_t at = 0; at < what->ContiguousRange.Size; at += PAGE_SIZE)
        if (is_taken(domain, wanted + at))
            return STATUS_RESOURCE_IN_USE;
    for (uint64_t at = 0; at < what->ContiguousRange.Size; at += PAGE_SIZE)
        add_mapping(domain, wanted + at, physical + at, permissions);
    return STATUS_SUCCESS;
}

static inline NTSTATUS map(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
                           PIOMMU_MAP_PHYSICAL_ADDRESS what, PIOMMU_DMA_LOGICAL_ADDRESS wanted,
                           PIOMMU_DMA_LOGICAL_ADDRESS low, PIOMMU_DMA_LOGICAL_ADDRESS high,
                           PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    assert_int_equal(what->MapType, MapPhysicalAddressTypeContiguousRange);
    if (permissions == IOMMU_ACCESS_WRITE && m.broken == NO_WRITE_ONLY)
        return STATUS_NOT_SUPPORTED;
    if (wanted != NULL)
        return map_exactly(domain_of(domain), permissions, what, *wanted);
    assert_int_equal(what->ContiguousRange.Size, PAGE_SIZE);
    *out = choose(domain_of(domain), *low, *high, PAGE_SIZE);
    add_mapping(domain_of(domain), *out, (uint64_t)what->ContiguousRange.Base.QuadPart,
                permissions);
    return STATUS_SUCCESS;
}

static inline NTSTATUS drop_mapping(unsigned domain, uint64_t logical, bool stays)
{
    for (unsigned i = 0; i < MAPPINGS; i++) {
        struct mapping *mapping = &m.mappings[i];
        if (mapping->domain == domain && mapping->logical == logical && !mapping->dead) {
            mapping->dead = true;
            mapping->cached = mapping->cached && stays;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PARAMETER_MIX;
}

static inline NTSTATUS unmap(PIOMMU_DMA_DOMAIN domain, ULONGLONG logical, ULONGLONG pages)
{
    NTSTATUS status = STATUS_SUCCESS;

    assert_true(pages == 1 || m.asked != NULL);
    for (ULONGLONG i = 0; i < pages && NT_SUCCESS(status); i++)
        status = drop_mapping(domain_of(domain), logical + i * PAGE_SIZE,
                              m.broken == ALLOWS_AFTER_UNMAP);
    return status;
}

/* ---- Reserved ranges ---- */

static inline struct range *range_of(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    for (unsigned i = 0; i < DEVICES; i++)
        if (m.ranges[i].domain != 0 && token == &m.ranges[i].token)
            return &m.ranges[i];
    fail_msg("no such token");
    return NULL;
}

static inline NTSTATUS reserve(PIOMMU_DMA_DOMAIN domain, SIZE_T size,
                               PIOMMU_DMA_LOGICAL_ADDRESS wanted, PIOMMU_DMA_LOGICAL_ADDRESS low,
                               PIOMMU_DMA_LOGICAL_ADDRESS high,
                               PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *out)
{
    struct range *range = &m.ranges[m.ranges[0].domain != 0];

    assert_true(wanted == NULL && range->domain == 0);
    *range = (struct range){.token = {choose(domain_of(domain), *low, *high, size), size}};
    range->domain = domain_of(domain);
    *out = &range->token;
    return STATUS_SUCCESS;
}

static inline NTSTATUS free_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    struct range *range = range_of(token);

    assert_int_equal(range->mapped, 0);
    range->domain = 0;
    return STATUS_SUCCESS;
}

static inline NTSTATUS map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, SIZE_T offset,
                                    ULONG permissions, PIOMMU_MAP_PHYSICAL_ADDRESS what,
                                    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT out)
{
    struct range *range = range_of(token);

    assert_int_equal(what->ContiguousRange.Size, PAGE_SIZE);
    assert_true(offset % PAGE_SIZE == 0 && offset + PAGE_SIZE <= token->Size);
    if (m.broken == REFUSES_SECOND_SEGMENT && range->maps > 0)
        return STATUS_RESOURCE_IN_USE;
    range->mapped++;
    range->maps++;
    add_mapping(range->domain, token->LogicalAddressBase + offset,
                (uint64_t)what->ContiguousRange.Base.QuadPart, permissions);
    *out = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){
        .OwningToken = token, .Offset = offset, .Size = PAGE_SIZE};
    return STATUS_SUCCESS;
}

static inline NTSTATUS unmap_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment)
{
    struct range *range = range_of(segment->OwningToken);
    uint64_t logical = range->token.LogicalAddressBase + segment->Offset;

    range->mapped--;
    *segment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){0};
    return drop_mapping(range->domain, logical, m.broken == ALLOWS_AFTER_SEGMENT);
}

static inline NTSTATUS create_device(PDEVICE_OBJECT pdo,
                                     PIOMMU_DEVICE_CREATION_CONFIGURATION config,
                                     PIOMMU_DMA_DEVICE *out)
{
    assert_null(config);
    if (m.broken == NO_UNIT)
        return STATUS_NOT_FOUND;
    m.devices[(uintptr_t)pdo - 1].created = true;
    *out = (PIOMMU_DMA_DEVICE)(uintptr_t)pdo;
    return STATUS_SUCCESS;
}

static inline NTSTATUS delete_device(PIOMMU_DMA_DEVICE handle)
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
    out->V2.ReserveLogicalAddressRange = reserve;
    out->V2.FreeReservedLogicalAddressRange = free_reserved;
    out->V2.MapReservedLogicalRange = map_reserved;
    out->V2.UnmapReservedLogicalRange = unmap_reserved;
    out->V2.CreateDevice = create_device;
    out->V2.DeleteDevice = delete_device;
    return STATUS_SUCCESS;
}

static inline NTSTATUS set_fault_reporting(PDEVICE_OBJECT pdo, ULONG base, BOOLEAN enable,
                                           PDEVICE_FAULT_CONFIGURATION config)
{
    struct device *device = &m.devices[(uintptr_t)pdo - 1];

    assert_true(base == 0 && enable && config->FaultHandler != NULL);
    assert_true(device->created && device->domain != DETACHED);
    device->handler = *config;
    return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterface(ULONG version, PDMA_IOMMU_INTERFACE out)
{
    assert_int_equal(version, 1);
    if (m.broken == NO_LEGACY_TABLE)
        return STATUS_NOT_SUPPORTED;
    *out = (DMA_IOMMU_INTERFACE){.Version = 1, .SetDeviceFaultReporting = set_fault_reporting};
    return STATUS_SUCCESS;
}

/* ---- Services ---- */

/* Passes the turn on and waits for it to come back. */
static inline void yield_turn(unsigned instance)
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

static inline FAULT_INFORMATION told_of(const struct fault *fault)
{
    uint64_t address = fault->record.address + (m.broken == TELLS_WRONG_ADDRESS ? PAGE_SIZE : 0);
    FAULT_INFORMATION information = {.Type = FaultInformationX64};

    information.X64.FaultAddress = (PVOID)(uintptr_t)address;
    information.X64.DomainHandle =
        (PVOID)(uintptr_t)(m.broken == TELLS_WRONG_DOMAIN ? 99 : fault->domain);
    information.X64.Flags.FaultAddressValid = m.broken != TELLS_NO_ADDRESS;
    information.X64.Type = m.broken == TELLS_WRONG_TYPE ? AccessFlagFault : fault->type;
    return information;
}

/* Handlers come first, then the records can be taken. */
static inline void deliver_faults(struct device *device)
{
    for (; device->told < device->fault_count; device->told++) {
        FAULT_INFORMATION information = told_of(&device->faults[device->told]);

        if (device->handler.FaultHandler != NULL && m.broken != TELLS_NOTHING)
            device->handler.FaultHandler(device->handler.FaultContext, &information);
    }
}

static inline bool service_record(struct driver_device *contract, struct driver_record *record)
{
    struct device *device = &m.devices[contract->instance];

    if (device->told == 0)
        return false;
    *record = device->faults[0].record;
    device->told--;
    memmove(device->faults, device->faults + 1, --device->fault_count * sizeof(struct fault));
    return true;
}

static inline bool service_wait(struct driver_device *device, bool (*ready)(void *), void *context,
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

static inline unsigned service_interrupts(struct driver_device *device, unsigned wanted)
{
    (void)device;
    return m.broken == NO_INTERRUPTS ? 0 : wanted;
}

static inline bool service_interrupt_wait(struct driver_device *device, unsigned index,
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

static inline bool service_window(struct driver_device *device, unsigned bar,
                                  struct driver_window *window)
{
    static unsigned char handles[DEVICES] = {0, 1};

    assert_int_equal(bar, 0);
    *window = (struct driver_window){&handles[device->instance], 0x100000};
    return true;
}

static inline bool service_alloc(struct driver_device *device, size_t pages,
                                 struct driver_memory *memory)
{
    size_t first = device->instance * (FRAMES / DEVICES);

    assert_true(pages <= FRAMES / DEVICES && !m.taken[first]);
    m.taken[first] = true;
    *memory = (struct driver_memory){ram + first * PAGE_SIZE, RAM_BASE + first * PAGE_SIZE,
                                     pages * PAGE_SIZE};
    return true;
}

static inline void service_free(struct driver_device *device, struct driver_memory *memory)
{
    (void)memory;
    m.taken[device->instance * (FRAMES / DEVICES)] = false;
}

static inline void service_log(struct driver_device *device, enum driver_level level,
                               const char *format, ...)
{
    (void)device;
    (void)level;
    (void)format;
}

static inline void service_test(struct driver_device *device, const char *id,
                                enum driver_result result, const char *reason, ...)
{
    assert_true(m.result_count < RESULTS);
    (void)snprintf(m.results[m.result_count].id, sizeof(m.results[0].id), "%s", id);
    m.results[m.result_count].instance = device->instance;
    m.results[m.result_count++].result = result;
    assert_true(result == DRIVER_PASS || reason != NULL);
}

static inline uint64_t service_now(struct driver_device *device)
{
    (void)device;
    return m.now;
}

static inline bool service_next(struct driver_device *device, struct driver_request *request)
{
    (void)device;
    if (m.asked_left == 0)
        return false;
    *request = *m.asked++;
    m.asked_left--;
    return true;
}

static inline void service_reply(struct driver_device *device, bool done, const char *format, ...)
{
    va_list arguments;

    (void)device;
    assert_true(m.reply_count < REPLIES);
    m.replies[m.reply_count].done = done;
    va_start(arguments, format);
    int length =
        vsnprintf(m.replies[m.reply_count++].text, sizeof(m.replies[0].text), format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, 79); /* a line of the screen */
}

static const struct driver_services services = {
    .window_map = service_window,
    .memory_alloc = service_alloc,
    .memory_free = service_free,
    .interrupts_enable = service_interrupts,
    .interrupt_wait = service_interrupt_wait,
    .wait = service_wait,
    .take_record = service_record,
    .log = service_log,
    .test = service_test,
    .now_ns = service_now,
    .next_request = service_next,
    .reply = service_reply,
};

#endif
