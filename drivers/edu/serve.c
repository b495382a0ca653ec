/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/edu/serve.h"

#include <string.h>

#define PAGES_MAX 16u /* mapped by hand at a time */
#define RECORD_NS UINT64_C(200000000)
/* Of what is compared: less could be the same by chance. */
#define WORD sizeof(uint64_t)
/* Where the page that fills, and the next one, that empties the device's buffer is mapped while it
 * does so. */
#define INNER (EDU_ADDRESS_LIMIT - 2 * PAGE_SIZE)

/* Pages of the memory that are mapped; after that they keep what is in them until they are used
 * again, which is as late as can be. */
struct hand_map {
    uint64_t logical;
    size_t first, count; /* pages; count 0: free */
};

struct session {
    struct edu *edu;
    struct driver_memory memory; /* PAGES_MAX for the person, then the inner one */
    PIOMMU_DMA_DOMAIN domain;
    struct hand_map maps[PAGES_MAX];
    size_t next; /* page to look for free ones from */
    uint64_t salt;
};

struct outcome {
    uint64_t arrived; /* bytes that are where they belong */
    bool leaked;      /* and some where they do not */
};

static uint8_t *page_at(const struct session *session, size_t page)
{
    return (uint8_t *)session->memory.address + page * PAGE_SIZE;
}

static uint8_t *inner_page(const struct session *session)
{
    return page_at(session, PAGES_MAX);
}

/* Bytes that no page has held before. */
static void fill(struct session *session, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (i % WORD == 0)
            session->salt += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t word = (session->salt ^ session->salt >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
        bytes[i] = (uint8_t)(word >> 8 * (i % WORD));
    }
}

/* ---- Maps ---- */

static NTSTATUS map_pages(struct session *session, size_t page, size_t count, uint64_t logical,
                          ULONG permissions)
{
    IOMMU_DMA_LOGICAL_ADDRESS where = logical, given;
    IOMMU_MAP_PHYSICAL_ADDRESS memory =
        driver_contiguous(session->memory.physical + page * PAGE_SIZE, count * PAGE_SIZE);

    return session->edu->iommu.V2.MapLogicalRangeEx(session->domain, permissions, &memory, &where,
                                                    NULL, NULL, &given);
}

static struct hand_map *map_at(struct session *session, uint64_t logical)
{
    for (unsigned i = 0; i < PAGES_MAX; i++) {
        struct hand_map *map = &session->maps[i];

        if (map->count != 0 && logical >= map->logical &&
            logical - map->logical < map->count * PAGE_SIZE)
            return map;
    }
    return NULL;
}

static bool in_use(const struct session *session, size_t page)
{
    for (unsigned i = 0; i < PAGES_MAX; i++)
        if (page - session->maps[i].first < session->maps[i].count)
            return true;
    return false;
}

/* A run of free pages; PAGES_MAX when there is none. */
static size_t find_pages(const struct session *session, size_t count)
{
    for (size_t tried = 0; tried < PAGES_MAX; tried++) {
        size_t first = (session->next + tried) % PAGES_MAX, run = 0;

        while (run < count && first + run < PAGES_MAX && !in_use(session, first + run))
            run++;
        if (run == count)
            return first;
    }
    return PAGES_MAX;
}

static const char *reason_of(NTSTATUS status)
{
    switch (status) {
    case STATUS_ACCESS_DENIED:
        return "access denied";
    case STATUS_RESOURCE_IN_USE:
        return "part of it is mapped already";
    case STATUS_INSUFFICIENT_RESOURCES:
        return "no memory for tables";
    case STATUS_INVALID_PARAMETER_2:
        return "the page tables cannot express that permission";
    case STATUS_IO_DEVICE_ERROR:
        return "the unit did not answer in time";
    default:
        return "the address cannot be mapped";
    }
}

static void refuse(const struct session *session, NTSTATUS status)
{
    struct driver_device *device = session->edu->device;

    device->services->reply(device, false, "The domain API refuses it with 0x%08x: %s.",
                            (unsigned)status, reason_of(status));
}

/* NULL: the request is one that can be tried. */
static const char *objection(const struct driver_request *request)
{
    if (request->length == 0)
        return "The length is 0.";
    if (request->address >= EDU_ADDRESS_LIMIT ||
        request->length > EDU_ADDRESS_LIMIT - request->address)
        return "The device sends addresses of 28 bits: 0xfffffff is the last.";
    if (request->kind == DRIVER_DMA)
        return request->length > EDU_BLOCK || request->length % WORD || request->address % WORD
                   ? "A transfer is of words of 8 bytes, and of 1024 bytes at the most."
                   : NULL;
    if (request->address % PAGE_SIZE != 0 || request->length % PAGE_SIZE != 0)
        return "Only whole pages are mapped: address and length are multiples of 4096.";
    if (request->length > PAGES_MAX * PAGE_SIZE)
        return "There are 16 pages to map by hand.";
    if (request->address + request->length > INNER)
        return "The last two pages are kept, to see what the device holds.";
    return NULL;
}

static void map(struct session *session, const struct driver_request *request)
{
    struct driver_device *device = session->edu->device;
    size_t count = request->length / PAGE_SIZE, first = find_pages(session, count);
    ULONG permissions = (ULONG)(request->read ? IOMMU_ACCESS_READ : 0) |
                        (ULONG)(request->write ? IOMMU_ACCESS_WRITE : 0);
    struct hand_map *slot = session->maps;

    if (first == PAGES_MAX) {
        device->services->reply(device, false, "Not so many of the 16 pages are left in a row.");
        return;
    }
    NTSTATUS status = map_pages(session, first, count, request->address, permissions);
    if (!NT_SUCCESS(status)) {
        refuse(session, status);
        return;
    }
    while (slot->count != 0)
        slot++;
    *slot = (struct hand_map){request->address, first, count};
    session->next = (first + count) % PAGES_MAX;
    fill(session, page_at(session, first), request->length);
    device->services->reply(device, true, "Mapped: 0x%llx is memory at 0x%llx now, %llu bytes.",
                            (unsigned long long)request->address,
                            (unsigned long long)session->memory.physical + first * PAGE_SIZE,
                            (unsigned long long)request->length);
}

static void unmap(struct session *session, const struct driver_request *request)
{
    struct driver_device *device = session->edu->device;
    struct hand_map *map = map_at(session, request->address);

    if (map == NULL || map->logical != request->address) {
        device->services->reply(device, false, "No mapping made by hand begins at 0x%llx.",
                                (unsigned long long)request->address);
        return;
    }
    NTSTATUS status =
        session->edu->iommu.V2.UnmapLogicalRange(session->domain, map->logical, map->count);
    if (!NT_SUCCESS(status)) {
        refuse(session, status);
        return;
    }
    device->services->reply(device, true, "Unmapped: %llu bytes from 0x%llx on.",
                            (unsigned long long)map->count * PAGE_SIZE,
                            (unsigned long long)map->logical);
    map->count = 0;
}

/* ---- Transfers ---- */

/* Between the device's buffer and the inner page, which is mapped for this alone. */
static bool move_inner(struct session *session, enum edu_direction direction)
{
    ULONG permission = direction == EDU_READ ? IOMMU_ACCESS_READ : IOMMU_ACCESS_WRITE;
    uint64_t logical = direction == EDU_READ ? INNER : INNER + PAGE_SIZE;

    if (!NT_SUCCESS(map_pages(session, PAGES_MAX, 1, logical, permission)))
        return false;
    bool moved = edu_move(session->edu, direction, logical, EDU_BLOCK);
    return NT_SUCCESS(session->edu->iommu.V2.UnmapLogicalRange(session->domain, logical, 1)) &&
           moved;
}

/* What the device's buffer holds. False: nothing came. */
static bool fetch(struct session *session, uint8_t bytes[EDU_BLOCK])
{
    uint8_t *inner = inner_page(session);

    fill(session, inner, EDU_BLOCK);
    memcpy(bytes, inner, EDU_BLOCK);
    if (!move_inner(session, EDU_WRITE) || memcmp(inner, bytes, EDU_BLOCK) == 0)
        return false;
    memcpy(bytes, inner, EDU_BLOCK);
    return true;
}

/* Puts bytes that nobody has seen before into the device's buffer. False: they are not there, and
 * what the device then does or does not do tells nothing. */
static bool load(struct session *session, uint8_t bytes[EDU_BLOCK])
{
    uint8_t held[EDU_BLOCK];

    fill(session, inner_page(session), EDU_BLOCK);
    memcpy(bytes, inner_page(session), EDU_BLOCK);
    return move_inner(session, EDU_READ) && fetch(session, held) &&
           memcmp(held, bytes, EDU_BLOCK) == 0;
}

/* Of pages that are not mapped, whether one holds `bytes` where the transfer would have met it. */
static bool found_elsewhere(const struct session *session, uint64_t address, const uint8_t *bytes,
                            size_t length)
{
    size_t offset = address % PAGE_SIZE;
    size_t inside = length < PAGE_SIZE - offset ? length : PAGE_SIZE - offset;

    for (size_t page = 0; page < PAGES_MAX; page++)
        if (!in_use(session, page) && memcmp(page_at(session, page) + offset, bytes, inside) == 0)
            return true;
    return false;
}

/* Compares what was or should have been moved with memory, piece by piece of what is mapped. */
static struct outcome compare(struct session *session, uint64_t address, const uint8_t *bytes,
                              size_t length)
{
    struct outcome outcome = {.leaked = found_elsewhere(session, address, bytes, length)};

    for (size_t at = 0, piece; at < length; at += piece) {
        size_t offset = (address + at) % PAGE_SIZE;
        const struct hand_map *map = map_at(session, address + at);

        piece = length - at < PAGE_SIZE - offset ? length - at : PAGE_SIZE - offset;
        if (map == NULL)
            continue;
        size_t page = map->first + (address + at - map->logical) / PAGE_SIZE;
        if (memcmp(page_at(session, page) + offset, bytes + at, piece) == 0)
            outcome.arrived += piece;
    }
    return outcome;
}

struct watch {
    struct driver_device *device;
    bool seen;
    struct driver_record record; /* the last */
};

static bool record_came(void *context)
{
    struct watch *watch = context;

    while (watch->device->services->take_record(watch->device, &watch->record))
        watch->seen = true;
    return watch->seen;
}

static void tell(struct session *session, const struct driver_request *request,
                 struct outcome outcome)
{
    struct driver_device *device = session->edu->device;
    struct watch watch = {.device = device};
    unsigned arrived = (unsigned)outcome.arrived, length = (unsigned)request->length;

    if (outcome.leaked) {
        device->services->reply(device, false, "NOT refused: memory that is not mapped was %s!",
                                request->read ? "read" : "written");
    } else if (arrived == length) {
        device->services->reply(device, true, "Done: %u bytes arrived.", arrived);
    } else if (device->services->wait(device, record_came, &watch, RECORD_NS)) {
        device->services->reply(device, false,
                                "Refused: %u of %u bytes arrived; recorded as a %s at 0x%llx.",
                                arrived, length, watch.record.write ? "write" : "read",
                                (unsigned long long)watch.record.address);
    } else {
        device->services->reply(device, false,
                                "Refused: %u of %u bytes arrived; the unit recorded nothing.",
                                arrived, length);
    }
}

/* After a write the bytes of the buffer are in memory; after a read those of memory have taken
 * their place. */
static void transfer(struct session *session, const struct driver_request *request)
{
    struct driver_device *device = session->edu->device;
    struct watch earlier = {.device = device};
    uint8_t bytes[EDU_BLOCK];
    bool alive = load(session, bytes);

    (void)record_came(&earlier);
    alive = alive && edu_move(session->edu, request->read ? EDU_READ : EDU_WRITE, request->address,
                              request->length);
    if (alive && request->read)
        alive = fetch(session, bytes);
    if (alive)
        tell(session, request, compare(session, request->address, bytes, (size_t)request->length));
    else
        device->services->reply(device, false,
                                "Undecided: the device does not do what it may do either.");
}

/* ---- The session ---- */

static void serve_each(struct session *session)
{
    struct driver_device *device = session->edu->device;
    struct driver_request request;

    while (device->services->next_request(device, &request)) {
        const char *why = request.kind == DRIVER_UNMAP ? NULL : objection(&request);

        if (why != NULL)
            device->services->reply(device, false, "%s", why);
        else if (request.kind == DRIVER_MAP)
            map(session, &request);
        else if (request.kind == DRIVER_UNMAP)
            unmap(session, &request);
        else
            transfer(session, &request);
    }
}

static NTSTATUS serve_attached(struct session *session)
{
    struct edu *edu = session->edu;
    NTSTATUS status = edu->iommu.V2.AttachDeviceEx(session->domain, edu->dma);

    if (!NT_SUCCESS(status))
        return status;
    serve_each(session);
    for (unsigned i = 0; i < PAGES_MAX && NT_SUCCESS(status); i++)
        if (session->maps[i].count != 0)
            status = edu->iommu.V2.UnmapLogicalRange(session->domain, session->maps[i].logical,
                                                     session->maps[i].count);
    NTSTATUS closed = edu->iommu.V2.DetachDeviceEx(edu->dma);
    return NT_SUCCESS(status) ? closed : status;
}

static NTSTATUS serve_in_domain(struct session *session)
{
    const DMA_IOMMU_INTERFACE_V2 *iommu = &session->edu->iommu.V2;
    IOMMU_DMA_DOMAIN_CREATION_FLAGS none = {.AsUlonglong = 0};
    NTSTATUS status =
        iommu->CreateDomainEx(DomainTypeTranslate, none, NULL, NULL, &session->domain);

    if (!NT_SUCCESS(status))
        return status;
    status = serve_attached(session);
    NTSTATUS closed = iommu->DeleteDomain(session->domain);
    return NT_SUCCESS(status) ? closed : status;
}

static NTSTATUS serve_device(struct session *session)
{
    struct edu *edu = session->edu;
    NTSTATUS status = IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_2, 0, &edu->iommu);

    if (NT_SUCCESS(status))
        status = edu->iommu.V2.CreateDevice(edu->device->pdo, NULL, &edu->dma);
    if (!NT_SUCCESS(status))
        return status;
    status = serve_in_domain(session);
    NTSTATUS closed = edu->iommu.V2.DeleteDevice(edu->dma);
    return NT_SUCCESS(status) ? closed : status;
}

void serve_requests(struct edu *edu)
{
    struct driver_device *device = edu->device;
    struct session session = {.edu = edu};

    if (!device->services->memory_alloc(device, PAGES_MAX + 1, &session.memory)) {
        device->services->log(device, DRIVER_ERROR, "no memory to map by hand");
        return;
    }
    session.salt = (uint64_t)device->instance << 32 ^ device->services->now_ns(device);
    fill(&session, session.memory.address, session.memory.length);
    NTSTATUS status = serve_device(&session);
    if (!NT_SUCCESS(status))
        device->services->log(device, DRIVER_ERROR, "the domain API returned 0x%08x",
                              (unsigned)status);
    device->services->memory_free(device, &session.memory);
}
