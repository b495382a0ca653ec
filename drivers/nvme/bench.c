/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "drivers/nvme/nvme.h"

#include <driver_bench.h>

/* Reads for counting, in batches of DEPTH commands: to buffers that are each mapped for a transfer
 * alone, to a pool's, and, for the pool to be compared with, to buffers that are simply there.
 * Waiting and taking completions is not counted: it varies and costs the same unprotected. */
enum {
    DEPTH = 32,
    BATCHES = 64,
    LIST_BYTES = NVME_PRP_LIST_ENTRIES * 8,
    LIST_PAGES = DEPTH * LIST_BYTES / PAGE_SIZE,
    BUFFER_LISTS = 16,
    BUFFER_POOL = 18,
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
    struct nvme_buffer pool_buffer;
    struct driver_pool pool;
    uint16_t links[DEPTH];
    uint16_t taken[DEPTH]; /* by the commands of a batch */
};

/* What is done to memory before a command and after its completion. */
struct way {
    const char *name;
    size_t pages; /* of a transfer */
    bool (*submit)(struct bench *bench, unsigned index, unsigned place, size_t pages);
    bool (*end)(struct bench *bench, unsigned index);
};
static bool open_buffers(struct bench *bench)
{
    struct nvme *nvme = bench->nvme;

    if (!nvme_reserved_open(nvme, &bench->lists, BUFFER_LISTS, LIST_PAGES))
        return false;
    uint64_t *list = bench->lists.memory.address;
    for (unsigned i = 0; i < DEPTH; i++, list += NVME_PRP_LIST_ENTRIES) {
        struct nvme_buffer *buffer = &bench->buffers[i];
        if (!nvme_buffer_open(nvme, buffer, BUFFER_READS + i, NVME_TRANSFER_PAGES))
            return false;
        for (unsigned page = 1; page < NVME_TRANSFER_PAGES; page++)
            list[page - 1] = buffer->logical + (uint64_t)page * PAGE_SIZE;
    }
    return nvme_reserved_map(nvme, &bench->lists, IOMMU_ACCESS_READ);
}

static bool open_pool(struct bench *bench)
{
    return nvme_reserved_open(bench->nvme, &bench->pool_buffer, BUFFER_POOL, DEPTH) &&
           nvme_pool_open(bench->nvme, &bench->pool, &bench->pool_buffer, bench->links, DEPTH);
}

static void close_buffers(struct bench *bench)
{
    for (unsigned i = 0; i < DEPTH; i++)
        nvme_buffer_close(bench->nvme, &bench->buffers[i]);
    nvme_buffer_close(bench->nvme, &bench->lists);
    if (!bench->nvme->passes)
        nvme_pool_close(bench->nvme, &bench->pool, &bench->pool_buffer);
}

static void send(struct bench *bench, unsigned index, uint64_t logical, unsigned place,
                 size_t pages)
{
    uint64_t block = place % PLACES * (uint64_t)pages * PAGE_SIZE >> bench->block_log2;
    struct nvme_command command = {.opcode = NVME_READ,
                                   .id = (uint16_t)index,
                                   .namespace_id = bench->namespace_id,
                                   .prp = {logical},
                                   .cdw10 = (uint32_t)block};

    if (pages > 1)
        command.prp[1] = bench->lists.logical + (uint64_t)index * LIST_BYTES;
    command.cdw12 = (uint32_t)(pages * PAGE_SIZE >> bench->block_log2) - 1;
    nvme_submit(bench->nvme, &bench->nvme->io, &command);
}

static bool submit_mapped(struct bench *bench, unsigned index, unsigned place, size_t pages)
{
    struct nvme_buffer *buffer = &bench->buffers[index];

    if (!nvme_buffer_map(bench->nvme, buffer, pages, IOMMU_ACCESS_WRITE))
        return false;
    send(bench, index, buffer->logical, place, pages);
    return true;
}

static bool end_mapped(struct bench *bench, unsigned index)
{
    return nvme_buffer_unmap(bench->nvme, &bench->buffers[index]);
}

static bool submit_pooled(struct bench *bench, unsigned index, unsigned place, size_t pages)
{
    uint16_t taken = driver_pool_take(&bench->pool);

    if (taken == DRIVER_POOL_NONE)
        return nvme_fail(bench->nvme, "the pool has no buffer left");
    bench->taken[index] = taken;
    send(bench, index, driver_pool_logical(&bench->pool, taken), place, pages);
    return true;
}

static bool end_pooled(struct bench *bench, unsigned index)
{
    return driver_pool_give(&bench->pool, bench->taken[index]);
}

/* The same memory, but nobody is asked for it. */
static bool submit_bare(struct bench *bench, unsigned index, unsigned place, size_t pages)
{
    send(bench, index, bench->pool.logical + (uint64_t)index * PAGE_SIZE, place, pages);
    return true;
}

/* In a pass-through domain: to each buffer where it is. */
static bool submit_passing(struct bench *bench, unsigned index, unsigned place, size_t pages)
{
    send(bench, index, bench->buffers[index].logical, place, pages);
    return true;
}

static bool end_bare(struct bench *bench, unsigned index)
{
    (void)bench, (void)index;
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

static bool read_batch(struct bench *bench, unsigned batch, const struct way *way)
{
    bool done = true;

    BENCH_MARKER(BENCH_BEGIN);
    for (unsigned i = 0; done && i < DEPTH; i++)
        done = way->submit(bench, i, batch * DEPTH + i, way->pages);
    BENCH_MARKER(BENCH_END);
    if (!done || !await(bench->nvme))
        return false;
    BENCH_MARKER(BENCH_BEGIN);
    for (unsigned i = 0; done && i < DEPTH; i++)
        done = way->end(bench, i);
    BENCH_MARKER(BENCH_END);
    return done;
}

static bool read_all(struct bench *bench, const struct way *way)
{
    struct driver_device *device = bench->nvme->device;

    for (unsigned batch = 0; batch < BATCHES; batch++)
        if (!read_batch(bench, batch, way))
            return false;
    BENCH_MARKER(BENCH_CLOSE);
    device->services->log(device, DRIVER_INFO, "count %s %u", way->name,
                          (unsigned)(BATCHES * DEPTH));
    return true;
}

/* The pool comes last: mapped beside the others it would keep tables for them. */
static bool read_every_way(struct bench *bench)
{
    static const struct way mapped = {"read-4K", 1, submit_mapped, end_mapped};
    static const struct way large = {"read-128K", NVME_TRANSFER_PAGES, submit_mapped, end_mapped};
    static const struct way pooled = {"read-4K-pool", 1, submit_pooled, end_pooled};
    static const struct way bare = {"read-4K-bare", 1, submit_bare, end_bare};
    static const struct way passing = {"read-4K-pass", 1, submit_passing, end_bare};

    if (bench->nvme->passes)
        return read_all(bench, &passing);
    return read_all(bench, &mapped) && read_all(bench, &large) && open_pool(bench) &&
           read_all(bench, &pooled) && read_all(bench, &bare);
}

bool nvme_bench(struct nvme *nvme, uint32_t namespace_id, unsigned block_log2, uint64_t bytes)
{
    struct bench bench = {.nvme = nvme, .namespace_id = namespace_id, .block_log2 = block_log2};

    if (nvme->transfer_max < NVME_TRANSFER_MAX || nvme->io.entries <= DEPTH ||
        bytes < PLACES * NVME_TRANSFER_MAX)
        return nvme_fail(nvme, "the benchmark needs more of the controller or the namespace");
    bool done = open_buffers(&bench) && read_every_way(&bench);
    if (done)
        close_buffers(&bench);
    return done;
}
