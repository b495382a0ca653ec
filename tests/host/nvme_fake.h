/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_NVME_FAKE_H
#define TESTS_HOST_NVME_FAKE_H

/*
 * An NVMe controller, a domain API and a driver's services, all fake, around the NVMe driver. It
 * checks, in every call, what must hold for any of them.
 */
#include "tests/host/nvme_fake_domain.h"

/* ---- The controller ---- */

/* Where the controller's access lands; one page at a time. NULL: refused. */
static inline void *translate(uint64_t logical, size_t length, ULONG permission)
{
    assert_true(logical % PAGE_SIZE + length <= PAGE_SIZE);
    for (unsigned i = 0; m.attached && i < MAPPINGS; i++) {
        uint64_t offset = logical - m.mappings[i].logical;
        if (offset < m.mappings[i].length && (m.mappings[i].permissions & permission))
            return ram + (m.mappings[i].physical - RAM_BASE + offset);
    }
    if (logical - m.gone.logical >= m.gone.length) {
        m.astray++; /* nothing makes the controller reach there */
        return NULL;
    }
    m.refused++;
    m.pending = logical;
    m.repeats = m.setting.broken == TELLS_TWICE;
    return m.setting.broken == REACHES_UNMAPPED
               ? ram + (m.gone.physical - RAM_BASE + (logical - m.gone.logical))
               : NULL;
}

static inline void dma_write(uint64_t logical, const void *data, size_t length)
{
    void *memory = translate(logical, length, IOMMU_ACCESS_WRITE);
    if (memory != NULL)
        memcpy(memory, data, length);
}

static inline uint8_t disk_byte(unsigned namespace_id, uint64_t offset)
{
    return (uint8_t)(offset * 7 + (offset >> 9) + namespace_id);
}

static inline uint64_t prp(const struct nvme_command *command, unsigned page, unsigned pages)
{
    if (page == 0)
        return command->prp[0];
    if (pages == 2)
        return command->prp[1];
    uint64_t at = command->prp[1] + (page - 1) * sizeof(uint64_t);
    const uint64_t *entry = translate(at, sizeof(uint64_t), IOMMU_ACCESS_READ);
    return entry != NULL ? *entry : 0;
}

static inline uint16_t do_read(const struct nvme_command *command)
{
    unsigned id = command->namespace_id, log2 = m.setting.block_log2;
    uint64_t first = command->cdw10 | (uint64_t)command->cdw11 << 32;
    uint64_t count = (command->cdw12 & 0xFFFF) + 1, length = count << log2;
    unsigned pages = (unsigned)((length + PAGE_SIZE - 1) / PAGE_SIZE);
    uint8_t page_data[PAGE_SIZE];

    assert_true(id >= 1 && id <= m.setting.namespaces);
    assert_true(first + count <= m.setting.blocks[id - 1]);
    assert_true(m.setting.mdts == 0 || m.setting.mdts > 20 ||
                length <= (uint64_t)PAGE_SIZE << m.setting.mdts);
    assert_true(length <= NVME_TRANSFER_MAX);
    m.reads++;
    if (m.setting.broken == READ_ERROR && m.reads == 3)
        return 2 << 9 | 0x81 << 1; /* Media and Data Integrity Errors, Unrecovered Read Error */
    for (unsigned page = 0; page < pages; page++) {
        uint64_t at = (uint64_t)page * PAGE_SIZE;
        size_t part = length - at < PAGE_SIZE ? (size_t)(length - at) : PAGE_SIZE;
        for (size_t i = 0; i < part; i++)
            page_data[i] = disk_byte(id, (first << log2) + at + i);
        dma_write(prp(command, page, pages), page_data, part);
    }
    return 0;
}

static inline void identify_namespace(unsigned id, struct nvme_identify_namespace *data)
{
    if (id < 1 || id > m.setting.namespaces)
        return;
    data->size = m.setting.blocks[id - 1];
    data->format = 0x12; /* index 2, and a bit that does not belong to it */
    data->lba_formats[2].data_size_log2 = (uint8_t)m.setting.block_log2;
    if (m.setting.broken == METADATA)
        data->lba_formats[2].metadata_size = 8;
    if (m.setting.broken == ODD_BLOCKS)
        data->lba_formats[2].data_size_log2 = 200;
    if (m.setting.broken == IMPOSSIBLE_SIZE)
        data->size = UINT64_MAX;
}

static inline uint16_t do_identify(const struct nvme_command *command)
{
    static uint8_t page[PAGE_SIZE];

    memset(page, 0, sizeof(page));
    assert_int_equal(command->prp[0] % PAGE_SIZE, 0);
    if (command->cdw10 == NVME_CNS_CONTROLLER) {
        struct nvme_identify_controller *data = (void *)page;
        memset(data->model, ' ', sizeof(data->model));
        memcpy(data->model, "Fake\n", 5);
        data->mdts = m.setting.mdts;
        data->sqes = 0x66;
        data->cqes = 0x44;
        data->namespaces = m.setting.namespaces;
    } else if (command->cdw10 == NVME_CNS_ACTIVE_NAMESPACES) {
        assert_false(m.setting.version_1_0);
        for (uint32_t i = 0; i < m.setting.namespaces; i++)
            ((uint32_t *)(void *)page)[i] = i + 1;
    } else {
        assert_int_equal(command->cdw10, NVME_CNS_NAMESPACE);
        identify_namespace(command->namespace_id, (void *)page);
    }
    if (m.setting.broken != IGNORES_IDENTIFY || m.reads == 0)
        dma_write(command->prp[0], page, sizeof(page));
    return 0;
}

static inline uint16_t create_queue(const struct nvme_command *command)
{
    struct queue *io = &m.queues[1];

    assert_true(command->opcode == NVME_CREATE_IO_COMPLETION_QUEUE ||
                command->opcode == NVME_CREATE_IO_SUBMISSION_QUEUE);
    assert_int_equal(command->cdw10 & 0xFFFF, 1);
    assert_int_equal(command->cdw11 & 1, 1);
    io->entries = (command->cdw10 >> 16) + 1;
    if (command->opcode == NVME_CREATE_IO_COMPLETION_QUEUE) {
        io->completion = command->prp[0];
        io->interrupts = (command->cdw11 & 2) != 0;
        io->vector = command->cdw11 >> 16;
        io->phase = 1;
    } else {
        assert_true(io->completion != 0 && command->cdw11 >> 16 == 1);
        io->submission = command->prp[0];
    }
    return 0;
}

static inline uint16_t execute(unsigned queue, const struct nvme_command *command)
{
    if (queue == 1) {
        assert_int_equal(command->opcode, NVME_READ); /* nothing else, least of all a write */
        return do_read(command);
    }
    if (m.setting.broken == ADMIN_ERROR && command->opcode == NVME_IDENTIFY)
        return 0x06 << 1; /* Generic, Internal Error */
    if (command->opcode == NVME_IDENTIFY)
        return do_identify(command);
    if (command->opcode != NVME_SET_FEATURES)
        return create_queue(command);
    return 0;
}

static inline void complete(unsigned index, uint16_t id, uint16_t status)
{
    struct queue *queue = &m.queues[index];
    struct nvme_completion entry = {
        .submission_head = (uint16_t)queue->head,
        .submission_queue = (uint16_t)(m.setting.broken == STRANGE_QUEUE ? 9 : index),
        .id = m.setting.broken == STRANGE_ID && index == 1 ? (uint16_t)(id + 77) : id,
        .status = (uint16_t)(status | queue->phase),
    };

    dma_write(queue->completion + queue->completion_tail * sizeof(entry), &entry, sizeof(entry));
    queue->completion_tail = (queue->completion_tail + 1) % queue->entries;
    if (queue->completion_tail == 0)
        queue->phase ^= 1;
    if (queue->interrupts)
        m.raised[queue->vector] = true;
}

/* Does the last command that was submitted first, so that completions come out of order. */
static inline void work_one(void)
{
    if (m.backlog_count == 0 || (m.cc & 1) == 0 || (m.csts & 2))
        return;
    unsigned index = m.backlog[--m.backlog_count] >> 16,
             entry = m.backlog[m.backlog_count] & 0xFFFF;
    const struct nvme_command *command =
        translate(m.queues[index].submission + entry * 64, 64, IOMMU_ACCESS_READ);
    if (command == NULL)
        return;
    bool third = index == 1 && m.reads == 3;
    if (third && m.setting.broken == FATAL_IN_RUN)
        m.csts |= 2;
    if (third && m.setting.broken == GONE_IN_RUN)
        m.csts = UINT32_MAX;
    if ((m.csts & 2) || (third && m.setting.broken == NO_COMPLETION))
        return;
    uint16_t status = execute(index, command);
    if (m.setting.broken == NO_COMPLETION_UNMAPPED && m.refused > 0)
        return;
    complete(index, command->id, status);
    if (index == 1 && m.setting.broken == COMPLETES_TWICE)
        complete(index, command->id, status);
}

static inline void submit_up_to(unsigned index, uint32_t tail)
{
    struct queue *queue = &m.queues[index];

    assert_true(tail < queue->entries);
    for (; queue->tail != tail; queue->tail = (queue->tail + 1) % queue->entries) {
        assert_true(m.backlog_count < BACKLOG);
        m.backlog[m.backlog_count++] = index << 16 | queue->tail;
    }
    if (m.backlog_count > m.in_flight_most)
        m.in_flight_most = m.backlog_count;
    assert_true(m.backlog_count < queue->entries);
}

static inline void set_configuration(uint32_t value)
{
    bool enable = (value & 1) && !(m.cc & 1);

    m.cc = value;
    if (m.csts == UINT32_MAX)
        return;
    if ((value & 1) == 0) {
        m.csts = m.left_running ? 1 : 0;
        m.backlog_count = 0;
    } else if (enable) {
        m.queues[0].entries = (m.aqa & 0xFFF) + 1;
        m.queues[0].phase = 1;
        m.queues[0].interrupts = true;
        m.csts |= m.setting.broken == FATAL_AT_ENABLE ? 2 : 0;
        m.csts |= m.setting.broken == NEVER_READY ? 0 : 1;
    }
    if ((value >> 14 & 3) == 1)
        m.csts |= 8;
}

uint32_t driver_read32(const struct driver_window *window, size_t offset)
{
    assert_true(offset + 4 <= window->length);
    if (m.csts == UINT32_MAX)
        return UINT32_MAX;
    if (offset == NVME_VS)
        return m.setting.version_1_0 ? 0x00010000 : 0x00010400;
    assert_true(offset == NVME_CC || offset == NVME_CSTS);
    return offset == NVME_CC ? m.cc : m.csts;
}

uint64_t driver_read64(const struct driver_window *window, size_t offset)
{
    (void)window;
    assert_int_equal(offset, NVME_CAP);
    uint64_t cap = m.setting.queue_limit ? m.setting.queue_limit - 1 : 2047;
    cap |= UINT64_C(15) << 24 | UINT64_C(1) << 32; /* 7.5 s; doorbells 8 bytes apart */
    cap |= m.setting.broken == NO_COMMAND_SET ? 0 : UINT64_C(1) << 37;
    return cap | (m.setting.broken == LARGE_PAGES ? UINT64_C(1) << 48 : 0);
}

void driver_write32(const struct driver_window *window, size_t offset, uint32_t value)
{
    assert_true(offset + 4 <= window->length);
    if (offset == NVME_CC) {
        set_configuration(value);
    } else if (offset == NVME_AQA) {
        assert_false(m.cc & 1);
        m.aqa = value;
    } else if (offset >= NVME_DOORBELLS) {
        size_t doorbell = (offset - NVME_DOORBELLS) / 8;
        assert_true(offset % 8 == 0 && doorbell < 4);
        if (doorbell % 2 == 0)
            submit_up_to((unsigned)doorbell / 2, value);
    } else {
        assert_true(offset == NVME_INTMS && m.setting.broken == NO_INTERRUPTS);
    }
}

void driver_write64(const struct driver_window *window, size_t offset, uint64_t value)
{
    (void)window;
    assert_true(offset == NVME_ASQ || offset == NVME_ACQ);
    assert_false(m.cc & 1);
    if (offset == NVME_ASQ)
        m.queues[0].submission = value;
    else
        m.queues[0].completion = value;
}

void driver_barrier(void)
{
}

/* ---- Services ---- */

static inline void tell(uint64_t page)
{
    enum fault_of_machine broken = m.setting.broken;
    FAULT_INFORMATION information = {.Type = FaultInformationX64};

    information.X64.FaultAddress =
        (PVOID)(uintptr_t)(page + (broken == TELLS_WRONG_ADDRESS ? PAGE_SIZE : 0));
    information.X64.DomainHandle = (PVOID)(uintptr_t)(broken == TELLS_WRONG_DOMAIN ? 8 : 7);
    information.X64.Flags.FaultAddressValid = broken != TELLS_NO_ADDRESS;
    information.X64.Type = broken == TELLS_WRONG_TYPE ? PermissionFault : TranslationFault;
    if (m.handler.FaultHandler == NULL || broken == TELLS_NOTHING ||
        (broken == TELLS_OF_SECOND && m.refused < 2))
        return;
    m.told++;
    m.handler.FaultHandler(m.handler.FaultContext, &information);
}

static inline void tick(void)
{
    m.now += TICK_MS * UINT64_C(1000000);
    work_one();
    if ((m.setting.broken == REFUSED_DMA && m.reads == 2) || m.left_running)
        m.pending = 0x1000;
    if (m.left_running)
        m.csts = 0;
    m.left_running = false;
    if (m.pending != 0)
        tell(m.pending);
    if (m.repeats > 0)
        m.repeats--;
    else
        m.pending = 0;
}

static inline bool service_wait(struct driver_device *device, bool (*ready)(void *), void *context,
                                uint64_t timeout_ns)
{
    uint64_t end = m.now + timeout_ns;

    (void)device;
    while (!ready(context)) {
        if (m.now >= end)
            return false;
        tick();
    }
    m.now += m.setting.turn_ns;
    return true;
}

static inline bool service_interrupt_wait(struct driver_device *device, unsigned index,
                                          uint64_t timeout_ns)
{
    uint64_t end = m.now + timeout_ns;

    (void)device;
    assert_in_range(index, 0, 1);
    while (m.now < end && (!m.raised[index] || m.setting.broken == INTERRUPTS_LOST))
        tick();
    bool came = m.raised[index] && m.setting.broken != INTERRUPTS_LOST;
    m.raised[index] = false;
    return came;
}

static inline unsigned service_interrupts(struct driver_device *device, unsigned wanted)
{
    (void)device;
    if (m.setting.broken == NO_INTERRUPTS)
        return 0;
    return m.setting.broken == ONE_INTERRUPT || wanted < 2 ? 1 : 2;
}

static inline uint64_t service_now(struct driver_device *device)
{
    (void)device;
    return m.now;
}

static inline bool service_window(struct driver_device *device, unsigned bar,
                                  struct driver_window *window)
{
    (void)device;
    assert_int_equal(bar, 0);
    *window = (struct driver_window){&m, 0x2000};
    return true;
}

static inline bool service_alloc(struct driver_device *device, size_t pages,
                                 struct driver_memory *memory)
{
    (void)device;
    if (fails_now())
        return false;
    assert_true(m.next_frame + pages <= FRAMES);
    *memory = (struct driver_memory){ram + m.next_frame * PAGE_SIZE,
                                     RAM_BASE + m.next_frame * PAGE_SIZE, pages * PAGE_SIZE};
    memset(memory->address, 0, memory->length);
    m.next_frame += pages;
    m.memories++;
    return true;
}

static inline void service_free(struct driver_device *device, struct driver_memory *memory)
{
    (void)device;
    assert_false(m.csts != UINT32_MAX && (m.cc & 1)); /* quiet before memory goes back */
    for (unsigned i = 0; i < MAPPINGS; i++)
        assert_true(m.mappings[i].length == 0 || m.mappings[i].physical != memory->physical);
    m.memories--;
    *memory = (struct driver_memory){0};
}

static inline void service_log(struct driver_device *device, enum driver_level level,
                               const char *format, ...)
{
    (void)device;
    m.lines += level == DRIVER_INFO && strstr(format, "MiB read") != NULL;
}

static inline void service_test(struct driver_device *device, const char *id,
                                enum driver_result result, const char *reason, ...)
{
    unsigned index = (unsigned)(id[7] - '1');
    va_list arguments;

    (void)device;
    assert_true(strncmp(id, "NVME-00", 7) == 0 && index < TESTS);
    assert_true(result == DRIVER_PASS || reason != NULL);
    m.tests[index].count++;
    m.tests[index].result = result;
    va_start(arguments, reason);
    if (reason != NULL)
        (void)vsnprintf(m.tests[index].reason, sizeof(m.tests[index].reason), reason, arguments);
    va_end(arguments);
}

static inline void service_disk(struct driver_device *device, const char *name, uint64_t bytes,
                                const char *hex)
{
    (void)device;
    assert_true(m.disk_count < 2);
    (void)snprintf(m.disks[m.disk_count].name, sizeof(m.disks[0].name), "%s", name);
    m.disks[m.disk_count].bytes = bytes;
    memcpy(m.disks[m.disk_count++].hex, hex, 65);
}

static inline const char *service_option(struct driver_device *device, const char *name)
{
    (void)device;
    return strcmp(name, "nvme") == 0 ? way : strcmp(name, "disks") == 0 ? disks : NULL;
}

static const struct driver_services services = {
    .window_map = service_window,
    .memory_alloc = service_alloc,
    .memory_free = service_free,
    .interrupts_enable = service_interrupts,
    .interrupt_wait = service_interrupt_wait,
    .wait = service_wait,
    .now_ns = service_now,
    .log = service_log,
    .test = service_test,
    .option = service_option,
    .disk = service_disk,
};

#endif
