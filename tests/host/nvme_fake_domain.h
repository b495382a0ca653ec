/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_NVME_FAKE_DOMAIN_H
#define TESTS_HOST_NVME_FAKE_DOMAIN_H

#ifndef DRIVER_IO_EXTERNAL
#define DRIVER_IO_EXTERNAL
#endif

/* The fake domain API of nvme_fake.h, and the state of all that is fake. */
#include "drivers/nvme/nvme.h"

#include <driver_io.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum fault_of_machine {
    SOUND,
    NEVER_READY,
    FATAL_AT_ENABLE,
    GONE_AT_START,
    NO_COMMAND_SET,
    LARGE_PAGES,
    ADMIN_ERROR,
    READ_ERROR,
    NO_COMPLETION,
    FATAL_IN_RUN,
    GONE_IN_RUN,
    STRANGE_ID,
    STRANGE_QUEUE,
    COMPLETES_TWICE,
    METADATA,
    ODD_BLOCKS,
    IMPOSSIBLE_SIZE,
    NO_INTERRUPTS,
    ONE_INTERRUPT,
    INTERRUPTS_LOST,
    REFUSED_DMA,
    LEFT_RUNNING, /* by firmware, and refused what it still tries */
    REACHES_UNMAPPED,
    REFUSES_SECOND_SEGMENT, /* after a refused access */
    IGNORES_IDENTIFY,
    NO_COMPLETION_UNMAPPED,
    TELLS_NOTHING,
    TELLS_OF_SECOND, /* refusal alone: the record of the first is lost */
    TELLS_WRONG_ADDRESS,
    TELLS_WRONG_TYPE,
    TELLS_WRONG_DOMAIN,
    TELLS_NO_ADDRESS,
    TELLS_TWICE,        /* a tick apart */
    TELLS_AFTER_MAPPING /* once more, when the page is mapped again */
};

enum { FRAMES = 1024, MAPPINGS = 32, RANGES = 8, TESTS = 4, BACKLOG = 64, TICK_MS = 10 };

#define RAM_BASE UINT64_C(0x200000)

/* What a test asks for. */
struct setting {
    enum fault_of_machine broken;
    unsigned namespaces;
    uint64_t blocks[2];
    unsigned block_log2;
    uint8_t mdts;
    unsigned queue_limit; /* 0: plenty */
    bool version_1_0;
    uint64_t turn_ns;   /* that others take whenever the driver waits */
    unsigned fail_call; /* the nth call of the domain API or the allocator fails; 0: none */
};

struct queue {
    uint64_t submission, completion;
    unsigned entries, tail, head, completion_tail, vector;
    uint16_t phase;
    bool interrupts;
};

struct mapping {
    uint64_t logical, physical, length;
    ULONG permissions;
};

static struct {
    struct setting setting;
    struct driver_device device;
    uint32_t cc, csts, aqa;
    struct queue queues[2];
    unsigned backlog[BACKLOG]; /* queue << 16 | entry */
    unsigned backlog_count, in_flight_most, reads, lines;
    bool raised[2];
    bool created, domain, attached;
    bool allocates;    /* the domain has an allocator, which chooses every address */
    bool left_running; /* until it is disabled, which takes a tick */
    unsigned told;
    struct mapping mappings[MAPPINGS];
    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN ranges[RANGES]; /* Size 0: free */
    DEVICE_FAULT_CONFIGURATION handler;
    struct mapping gone; /* the last segment that was unmapped */
    size_t next_frame;
    unsigned memories, calls, refused, astray, disk_count, unmaps;
    uint64_t pending; /* page of a refused access that the handler is to be told of; 0: none */
    unsigned repeats; /* how often it is told once more */
    uint64_t now;
    struct {
        char name[16];
        uint64_t bytes;
        char hex[65];
    } disks[2];
    struct {
        unsigned count;
        enum driver_result result;
        char reason[160];
    } tests[TESTS];
} m;

static const char *way;   /* option nvme */
static const char *disks; /* option disks */

static _Alignas(PAGE_SIZE) uint8_t ram[FRAMES * PAGE_SIZE];

static inline bool fails_now(void)
{
    return ++m.calls == m.setting.fail_call;
}

static inline NTSTATUS create_domain(IOMMU_DMA_DOMAIN_TYPE type,
                                     IOMMU_DMA_DOMAIN_CREATION_FLAGS flags,
                                     PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG allocator,
                                     PIOMMU_DMA_RESERVED_REGION regions, PIOMMU_DMA_DOMAIN *out)
{
    assert_true(type == DomainTypeTranslate && flags.AsUlonglong == 0);
    assert_true(regions == NULL && !m.domain);
    m.allocates = way != NULL && strcmp(way, "pool") == 0;
    assert_int_equal(allocator != NULL, m.allocates);
    if (m.allocates) {
        assert_int_equal(allocator->LogicalAllocatorType, IommuDmaLogicalAllocatorBuddy);
        assert_int_equal(allocator->BuddyAllocatorConfig.AddressWidth, 39);
    }
    if (fails_now())
        return STATUS_INSUFFICIENT_RESOURCES;
    m.domain = true;
    *out = (PIOMMU_DMA_DOMAIN)(uintptr_t)7;
    return STATUS_SUCCESS;
}

static inline NTSTATUS delete_domain(PIOMMU_DMA_DOMAIN domain)
{
    assert_true((uintptr_t)domain == 7 && m.domain && !m.attached);
    for (unsigned i = 0; i < RANGES; i++)
        assert_int_equal(m.ranges[i].Size, 0);
    m.domain = false;
    return STATUS_SUCCESS;
}

static inline NTSTATUS attach(PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE device)
{
    assert_true((uintptr_t)domain == 7 && (uintptr_t)device == 9 && !m.attached);
    if (fails_now())
        return STATUS_ACCESS_DENIED;
    m.attached = true;
    return STATUS_SUCCESS;
}

static inline NTSTATUS detach(PIOMMU_DMA_DEVICE device)
{
    assert_true((uintptr_t)device == 9 && m.attached);
    m.attached = false;
    m.handler.FaultHandler = NULL;
    return STATUS_SUCCESS;
}

static inline NTSTATUS set_fault_reporting(PDEVICE_OBJECT pdo, ULONG base, BOOLEAN enable,
                                           PDEVICE_FAULT_CONFIGURATION config)
{
    assert_true((uintptr_t)pdo == 3 && base == 0 && enable && m.attached);
    if (fails_now())
        return STATUS_INVALID_PARAMETER_1;
    m.handler = *config;
    return STATUS_SUCCESS;
}

static inline bool meets_range(uint64_t first, uint64_t length)
{
    for (unsigned i = 0; i < RANGES; i++)
        if (first < m.ranges[i].LogicalAddressBase + m.ranges[i].Size &&
            m.ranges[i].LogicalAddressBase < first + length)
            return true;
    return false;
}

static inline void add_mapping(struct mapping wanted)
{
    unsigned slot = MAPPINGS;

    assert_true(wanted.length > 0);
    assert_true((wanted.length | wanted.physical | wanted.logical) % PAGE_SIZE == 0);
    assert_true(wanted.physical != wanted.logical && wanted.logical + wanted.length <= UINT64_C(1)
                                                                                           << 39);
    assert_true(wanted.permissions == IOMMU_ACCESS_READ ||
                wanted.permissions == IOMMU_ACCESS_WRITE);
    for (unsigned i = 0; i < MAPPINGS; i++) {
        uint64_t start = m.mappings[i].logical, end = start + m.mappings[i].length;
        if (m.mappings[i].length == 0)
            slot = i;
        else
            assert_true(wanted.logical >= end || wanted.logical + wanted.length <= start);
    }
    assert_true(slot < MAPPINGS);
    m.mappings[slot] = wanted;
}

static inline struct mapping drop_mapping(uint64_t logical, uint64_t length)
{
    for (unsigned i = 0; i < MAPPINGS; i++)
        if (m.mappings[i].length == length && m.mappings[i].logical == logical) {
            struct mapping was = m.mappings[i];
            m.mappings[i].length = 0;
            return was;
        }
    fail_msg("unmap of what is not mapped: 0x%llx", (unsigned long long)logical);
    return (struct mapping){0};
}

static inline NTSTATUS map(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
                           PIOMMU_MAP_PHYSICAL_ADDRESS what, PIOMMU_DMA_LOGICAL_ADDRESS wanted,
                           PIOMMU_DMA_LOGICAL_ADDRESS low, PIOMMU_DMA_LOGICAL_ADDRESS high,
                           PIOMMU_DMA_LOGICAL_ADDRESS out)
{
    assert_true((uintptr_t)domain == 7 && m.domain && low == NULL && high == NULL);
    assert_true(!m.allocates && wanted != NULL);
    assert_int_equal(what->MapType, MapPhysicalAddressTypeContiguousRange);
    assert_false(meets_range(*wanted, what->ContiguousRange.Size));
    if (fails_now())
        return STATUS_INSUFFICIENT_RESOURCES;
    add_mapping((struct mapping){*wanted, (uint64_t)what->ContiguousRange.Base.QuadPart,
                                 what->ContiguousRange.Size, permissions});
    *out = *wanted;
    return STATUS_SUCCESS;
}

static inline NTSTATUS unmap(PIOMMU_DMA_DOMAIN domain, ULONGLONG logical, ULONGLONG pages)
{
    assert_true((uintptr_t)domain == 7 && m.domain);
    assert_false(meets_range(logical, pages * PAGE_SIZE));
    m.unmaps++;
    (void)drop_mapping(logical, pages * PAGE_SIZE);
    return STATUS_SUCCESS;
}

static inline bool is_token(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    return token >= m.ranges && token < m.ranges + RANGES && token->Size > 0;
}

/* The lowest free multiple of the size between the bounds, as a buddy allocator chooses. */
static inline uint64_t allocate(SIZE_T size, PIOMMU_DMA_LOGICAL_ADDRESS wanted,
                                const IOMMU_DMA_LOGICAL_ADDRESS *low,
                                const IOMMU_DMA_LOGICAL_ADDRESS *high)
{
    assert_true(wanted == NULL && low != NULL && high != NULL);
    assert_int_equal(size & (size - 1), 0);
    uint64_t at = (*low + size - 1) & ~(size - 1);
    while (at == 0 || meets_range(at, size))
        at += size;
    assert_true(at + size - 1 <= *high);
    return at;
}

static inline NTSTATUS reserve(PIOMMU_DMA_DOMAIN domain, SIZE_T size,
                               PIOMMU_DMA_LOGICAL_ADDRESS wanted, PIOMMU_DMA_LOGICAL_ADDRESS low,
                               PIOMMU_DMA_LOGICAL_ADDRESS high,
                               PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *out)
{
    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = m.ranges;

    assert_true((uintptr_t)domain == 7 && m.domain && size > 0);
    assert_true(m.allocates || (wanted != NULL && low == NULL && high == NULL));
    uint64_t at = m.allocates ? allocate(size, wanted, low, high) : *wanted;
    assert_true((size | at) % PAGE_SIZE == 0 && !meets_range(at, size));
    if (fails_now())
        return STATUS_INSUFFICIENT_RESOURCES;
    while (token->Size > 0)
        assert_true(++token < m.ranges + RANGES);
    *token = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN){at, size};
    *out = token;
    return STATUS_SUCCESS;
}

static inline NTSTATUS free_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
    assert_true(is_token(token));
    for (unsigned i = 0; i < MAPPINGS; i++)
        assert_true(m.mappings[i].length == 0 ||
                    m.mappings[i].logical - token->LogicalAddressBase >= token->Size);
    token->Size = 0;
    return STATUS_SUCCESS;
}

static inline NTSTATUS map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, SIZE_T offset,
                                    ULONG permissions, PIOMMU_MAP_PHYSICAL_ADDRESS what,
                                    PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT out)
{
    uint64_t length = what->ContiguousRange.Size;

    assert_int_equal(what->MapType, MapPhysicalAddressTypeContiguousRange);
    assert_true(is_token(token) && offset + length <= token->Size);
    if (fails_now() || (m.setting.broken == REFUSES_SECOND_SEGMENT && m.refused > 0))
        return STATUS_RESOURCE_IN_USE;
    add_mapping((struct mapping){token->LogicalAddressBase + offset,
                                 (uint64_t)what->ContiguousRange.Base.QuadPart, length,
                                 permissions});
    if (m.setting.broken == TELLS_AFTER_MAPPING && m.refused > 0)
        m.pending = m.gone.logical;
    *out = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){
        .OwningToken = token, .Offset = offset, .Size = length};
    return STATUS_SUCCESS;
}

static inline NTSTATUS unmap_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment)
{
    assert_true(is_token(segment->OwningToken));
    m.gone =
        drop_mapping(segment->OwningToken->LogicalAddressBase + segment->Offset, segment->Size);
    *segment = (IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT){0};
    return STATUS_SUCCESS;
}

static inline NTSTATUS create_device(PDEVICE_OBJECT pdo,
                                     PIOMMU_DEVICE_CREATION_CONFIGURATION config,
                                     PIOMMU_DMA_DEVICE *out)
{
    assert_true((uintptr_t)pdo == 3 && config == NULL);
    if (fails_now())
        return STATUS_NOT_FOUND;
    m.created = true;
    *out = (PIOMMU_DMA_DEVICE)(uintptr_t)9;
    return STATUS_SUCCESS;
}

static inline NTSTATUS delete_device(PIOMMU_DMA_DEVICE device)
{
    assert_true((uintptr_t)device == 9 && m.created && !m.attached);
    m.created = false;
    return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterfaceEx(ULONG version, ULONGLONG flags, PDMA_IOMMU_INTERFACE_EX out)
{
    assert_true((version == 1 || version == 2) && flags == 0);
    if (fails_now())
        return STATUS_NOT_SUPPORTED;
    memset(out, 0, version == 1 ? DMA_IOMMU_INTERFACE_EX_V1_SIZE : DMA_IOMMU_INTERFACE_EX_V2_SIZE);
    if (version == 1) {
        out->V1.SetDeviceFaultReporting = set_fault_reporting;
        return STATUS_SUCCESS;
    }
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

#endif
