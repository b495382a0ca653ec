/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"
#include "drivers/nvme/sha256.h"

#include <driver_io.h>
#include <stdio.h>
#include <string.h>

#define NVME_YIELD_NS UINT64_C(1000000000)
#define NVME_TELL_NS  UINT64_C(10000000000)

struct namespace
{
    uint32_t id;
    uint64_t bytes;
    unsigned block_log2;
};

/* How far a read has come, in transfers. Slots are used in turn. */
struct progress {
    uint64_t total;
    uint64_t submitted;
    uint64_t hashed;
    uint64_t told_ns; /* when it was last told */
    unsigned depth;
};

/* True from the second question on: the first is asked before the others had their turn. */
static bool is_next_turn(void *context)
{
    bool *asked = context;
    bool again = *asked;

    *asked = true;
    return again;
}

/* Hashing takes long, so the other tasks get a turn after each transfer. */
static void yield(struct nvme *nvme)
{
    bool asked = false;

    (void)nvme->device->services->wait(nvme->device, is_next_turn, &asked, NVME_YIELD_NS);
}

static bool submit_read(struct nvme *nvme, const struct namespace *namespace, uint64_t transfer)
{
    unsigned index = (unsigned)(transfer % NVME_SLOTS);
    struct nvme_slot *slot = &nvme->slots[index];
    uint64_t first = transfer * nvme->transfer_max;
    uint64_t left = namespace->bytes - first;
    struct nvme_command command = {.opcode = NVME_READ, .namespace_id = namespace->id};

    slot->length = left < nvme->transfer_max ? (size_t)left : nvme->transfer_max;
    size_t pages = (slot->length + PAGE_SIZE - 1) / PAGE_SIZE;
    if (!nvme_data_begin(nvme, slot, pages))
        return false;
    uint64_t block = first >> namespace->block_log2;
    command.id = (uint16_t)index;
    nvme_data_set_prps(nvme, slot, pages, &command);
    command.cdw10 = (uint32_t)block;
    command.cdw11 = (uint32_t)(block >> 32);
    command.cdw12 = (uint32_t)(slot->length >> namespace->block_log2) - 1;
    slot->busy = true;
    nvme_submit(nvme, &nvme->io, &command);
    return true;
}

/* Takes completions, in whatever order they come, until the slot's own is there. */
static bool await_slot(struct nvme *nvme, const struct nvme_slot *slot)
{
    struct nvme_completion completion;

    while (slot->busy) {
        if (!nvme_complete(nvme, &nvme->io, &completion))
            return false;
        if (completion.id >= NVME_SLOTS || !nvme->slots[completion.id].busy)
            return nvme_fail(nvme, "a completion names command %u, which is not in flight",
                             completion.id);
        nvme->slots[completion.id].busy = false;
        if (!nvme_check_status(nvme, "Read", completion.status))
            return false;
    }
    return true;
}

/* A large disk takes hours: a person should see it come on. */
static void tell(struct nvme *nvme, const struct namespace *namespace, struct progress *progress)
{
    uint64_t now = nvme->device->services->now_ns(nvme->device);

    if (now - progress->told_ns < NVME_TELL_NS)
        return;
    progress->told_ns = now;
    nvme->device->services->log(nvme->device, DRIVER_INFO, "namespace %u: %llu of %llu MiB read",
                                (unsigned)namespace->id,
                                (unsigned long long)(progress->hashed * nvme->transfer_max >> 20),
                                (unsigned long long)(namespace->bytes >> 20));
}

static bool read_all(struct nvme *nvme, const struct namespace *namespace, struct sha256 *sha)
{
    struct progress progress = {
        .total = (namespace->bytes + nvme->transfer_max - 1) / nvme->transfer_max,
        .told_ns = nvme->device->services->now_ns(nvme->device),
        .depth = nvme->io.entries - 1u < NVME_SLOTS ? nvme->io.entries - 1u : NVME_SLOTS,
    };

    while (progress.hashed < progress.total) {
        while (progress.submitted < progress.total &&
               progress.submitted - progress.hashed < progress.depth)
            if (!submit_read(nvme, namespace, progress.submitted++))
                return false;
        struct nvme_slot *slot = &nvme->slots[progress.hashed % NVME_SLOTS];
        const void *data = await_slot(nvme, slot) ? nvme_data_end(nvme, slot) : NULL;
        if (data == NULL)
            return false;
        sha256_update(sha, data, slot->length);
        nvme_data_release(nvme, slot);
        progress.hashed++;
        tell(nvme, namespace, &progress);
        yield(nvme);
        if (nvme->error[0] != '\0') /* a fault was recorded */
            return false;
    }
    return true;
}

static bool identify_namespace(struct nvme *nvme, uint32_t id, struct namespace *namespace)
{
    const struct nvme_identify_namespace *data = nvme->identify.memory.address;

    if (!nvme_identify(nvme, NVME_CNS_NAMESPACE, id))
        return false;
    struct nvme_lba_format format = data->lba_formats[data->format & 0xFu];
    uint64_t blocks = data->size;
    *namespace = (struct namespace){.id = id, .block_log2 = format.data_size_log2};
    if (blocks == 0)
        return true;
    if (format.metadata_size != 0)
        return nvme_fail(nvme, "namespace %u carries metadata, which is not supported",
                         (unsigned)id);
    if (format.data_size_log2 != 9 && format.data_size_log2 != 12)
        return nvme_fail(nvme, "namespace %u has blocks of neither 512 nor 4096 bytes",
                         (unsigned)id);
    if (blocks > UINT64_MAX >> format.data_size_log2)
        return nvme_fail(nvme, "namespace %u claims an impossible size", (unsigned)id);
    namespace->bytes = blocks << format.data_size_log2;
    return true;
}

static void publish(struct nvme *nvme, const struct namespace *namespace, struct sha256 *sha)
{
    struct driver_device *device = nvme->device;
    char name[32], hex[SHA256_HEX_LENGTH + 1];

    if (namespace->id == 1)
        (void)snprintf(name, sizeof(name), "%s", device->name);
    else
        (void)snprintf(name, sizeof(name), "%sn%u", device->name, (unsigned)namespace->id);
    sha256_finish(sha, hex);
    device->services->disk(device, name, namespace->bytes, hex);
}

static bool read_namespace(struct nvme *nvme, uint32_t id, struct nvme_summary *summary)
{
    struct namespace namespace;
    struct sha256 sha;

    if (!identify_namespace(nvme, id, &namespace))
        return false;
    if (namespace.bytes == 0) {
        summary->empty++;
        return true;
    }
    if (nvme->bench && !nvme_bench(nvme, id, namespace.block_log2, namespace.bytes))
        return false;
    if (nvme->skips) {
        summary->skipped++;
        return true;
    }
    sha256_init(&sha);
    if (!read_all(nvme, &namespace, &sha))
        return false;
    publish(nvme, &namespace, &sha);
    summary->read++;
    return true;
}

/* Active namespaces in rising order; 0 ends the list. Controllers before 1.1 have no such list:
 * there every ID up to NN is one. */
static bool list_namespaces(struct nvme *nvme, uint32_t *list)
{
    if (driver_read32(&nvme->registers, NVME_VS) >= NVME_VERSION_1_1) {
        if (!nvme_identify(nvme, NVME_CNS_ACTIVE_NAMESPACES, 0))
            return false;
        memcpy(list, nvme->identify.memory.address, NVME_LIST_ENTRIES * sizeof(*list));
        return true;
    }
    for (uint32_t i = 0; i < NVME_LIST_ENTRIES; i++)
        list[i] = i < nvme->namespaces ? i + 1 : 0;
    return true;
}

bool nvme_read_namespaces(struct nvme *nvme, struct nvme_summary *summary)
{
    uint32_t list[NVME_LIST_ENTRIES];

    *summary = (struct nvme_summary){0};
    if (!list_namespaces(nvme, list) || !nvme_data_open(nvme))
        return false;
    for (unsigned i = 0; i < NVME_LIST_ENTRIES && list[i] != 0; i++)
        if (!read_namespace(nvme, list[i], summary))
            return false;
    return true;
}
