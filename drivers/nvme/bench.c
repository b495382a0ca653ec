/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

#include <driver_bench.h>

/* Reads for counting, in batches of DEPTH commands, each buffer mapped for its transfer alone.
 * Waiting and taking completions is not counted: it varies and costs the same unprotected. */
enum {
    DEPTH = 32,
    BATCHES = 64,
    LIST_BYTES = NVME_PRP_LIST_ENTRIES * 8,
    LIST_PAGES = DEPTH * LIST_BYTES / PAGE_SIZE,
    BUFFER_LISTS = 16,
    BUFFER_READS = 20,
    PLACES = 64, /* that reads go to, in turn */
};

_Static_assert((int)DEPTH < (int)NVME_QUEUE_ENTRIES, "a batch fits the queue");

struct bench {
    struct nvme *nvme;
    uint32_t namespace_id;
    unsigned block_log2;
    struct nvme_buffer lists;
    struct nvme_buffer buffers[DEPTH];
};

static bool open_buffers(struct bench *bench)
{
    struct nvme *nvme = bench->nvme;

    if (!nvme_buffer_open(nvme, &bench->lists, BUFFER_LISTS, LIST_PAGES))
        return false;
    uint64_t *list = bench->lists.memory.address;
    for (unsigned i = 0; i < DEPTH; i++, list += NVME_PRP_LIST_ENTRIES) {
        struct nvme_buffer *buffer = &bench->buffers[i];
        if (!nvme_buffer_open(nvme, buffer, BUFFER_READS + i, NVME_TRANSFER_PAGES))
            return false;
        for (unsigned page = 1; page < NVME_TRANSFER_PAGES; page++)
            list[page - 1] = buffer->logical + (uint64_t)page * PAGE_SIZE;
    }
    return nvme_buffer_map(nvme, &bench->lists, LIST_PAGES, IOMMU_ACCESS_READ);
}

static void close_buffers(struct bench *bench)
{
    for (unsigned i = 0; i < DEPTH; i++)
        nvme_buffer_close(bench->nvme, &bench->buffers[i]);
    nvme_buffer_close(bench->nvme, &bench->lists);
}

static bool submit(struct bench *bench, unsigned index, unsigned place, size_t pages)
{
    struct nvme_buffer *buffer = &bench->buffers[index];
    uint64_t block = place % PLACES * (uint64_t)pages * PAGE_SIZE >> bench->block_log2;
    struct nvme_command command = {.opcode = NVME_READ,
                                   .id = (uint16_t)index,
                                   .namespace_id = bench->namespace_id,
                                   .prp = {buffer->logical},
                                   .cdw10 = (uint32_t)block};

    if (!nvme_buffer_map(bench->nvme, buffer, pages, IOMMU_ACCESS_WRITE))
        return false;
    if (pages > 1)
        command.prp[1] = bench->lists.logical + (uint64_t)index * LIST_BYTES;
    command.cdw12 = (uint32_t)(pages * PAGE_SIZE >> bench->block_log2) - 1;
    nvme_submit(bench->nvme, &bench->nvme->io, &command);
    return true;
}

static bool await(struct nvme *nvme)
{
    struct nvme_completion completion;

    for (unsigned i = 0; i < DEPTH; i++)
        if (!nvme_complete(nvme, &nvme->io, &completion) ||
            !nvme_check_status(nvme, "Read", completion.status))
            return false;
    return true;
}

static bool read_batch(struct bench *bench, unsigned batch, size_t pages)
{
    bool done = true;

    BENCH_MARKER(BENCH_BEGIN);
    for (unsigned i = 0; done && i < DEPTH; i++)
        done = submit(bench, i, batch * DEPTH + i, pages);
    BENCH_MARKER(BENCH_END);
    if (!done || !await(bench->nvme))
        return false;
    BENCH_MARKER(BENCH_BEGIN);
    for (unsigned i = 0; done && i < DEPTH; i++)
        done = nvme_buffer_unmap(bench->nvme, &bench->buffers[i]);
    BENCH_MARKER(BENCH_END);
    return done;
}

static bool read_all(struct bench *bench, const char *name, size_t pages)
{
    struct driver_device *device = bench->nvme->device;

    for (unsigned batch = 0; batch < BATCHES; batch++)
        if (!read_batch(bench, batch, pages))
            return false;
    BENCH_MARKER(BENCH_CLOSE);
    device->services->log(device, DRIVER_INFO, "count %s %u", name, (unsigned)(BATCHES * DEPTH));
    return true;
}

bool nvme_bench(struct nvme *nvme, uint32_t namespace_id, unsigned block_log2, uint64_t bytes)
{
    struct bench bench = {.nvme = nvme, .namespace_id = namespace_id, .block_log2 = block_log2};

    if (nvme->transfer_max < NVME_TRANSFER_MAX || nvme->io.entries <= DEPTH ||
        bytes < PLACES * NVME_TRANSFER_MAX)
        return nvme_fail(nvme, "the benchmark needs more of the controller or the namespace");
    bool done = open_buffers(&bench) && read_all(&bench, "read-4K", 1) &&
                read_all(&bench, "read-128K", NVME_TRANSFER_PAGES);
    if (done)
        close_buffers(&bench);
    return done;
}
