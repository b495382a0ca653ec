/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The sound driver on a fake controller behind a fake of the domain API. Properties: a sound
 * machine passes every id; whichever call that opens something fails, one test says so, all others
 * pass, and nothing stays open in the end; a unit that records nothing fails HDA-FAULT ids alone.
 */
#include "tests/host/hda_api.h"

#include <driver_io.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FAULTS = 8, TESTS = 2 * 26, REFUSING_TESTS = 15, MAX_OPENINGS = 500 };

#define TICK_NS UINT64_C(1000000)

static struct {
    struct driver_device contract;
    struct {
        uint64_t page;
        bool write, permission;
        unsigned domain;
    } faults[FAULTS];
    unsigned fault_count;
    struct driver_record records[FAULTS];
    unsigned record_count;
    uint8_t registers[0x180];
    uint8_t converters[4];
    uint32_t sounding, offset; /* the running stream and its page */
    uint64_t now;
    bool memory_taken;
    bool deaf;                        /* the unit records nothing */
    unsigned passed, failed, unheard; /* unheard: HDA-FAULT ids that did not pass */
} m;

static _Alignas(PAGE_SIZE) uint8_t ram[RAM_BYTES];

/* ---- Translation and faults ---- */

static void *reach(uint64_t logical, bool write)
{
    uint64_t base = logical & ~UINT64_C(0xFFF);
    const struct page *page = api.attached ? page_at(api.attached, base) : NULL;
    ULONG needed = write ? IOMMU_ACCESS_WRITE : IOMMU_ACCESS_READ;

    if (page && page->kind != BARRED && page->permissions & needed)
        return ram + (page->physical - RAM_BASE) + (logical - base);
    if (m.fault_count == 0 || m.faults[m.fault_count - 1].page != base) {
        assert_in_range(m.fault_count, 0, FAULTS - 1);
        m.faults[m.fault_count].page = base;
        m.faults[m.fault_count].write = write;
        m.faults[m.fault_count].permission = page && page->kind != BARRED;
        m.faults[m.fault_count++].domain = api.attached;
    }
    return NULL;
}

static void deliver(void)
{
    for (unsigned i = 0; i < m.fault_count && !m.deaf; i++) {
        FAULT_INFORMATION information = {.Type = FaultInformationX64};

        information.X64.DomainHandle = (PVOID)(uintptr_t)m.faults[i].domain;
        information.X64.FaultAddress = (PVOID)(uintptr_t)m.faults[i].page;
        information.X64.Flags.FaultAddressValid = 1;
        information.X64.Type = m.faults[i].permission ? PermissionFault : TranslationFault;
        if (api.handler.FaultHandler)
            api.handler.FaultHandler(api.handler.FaultContext, &information);
        if (m.record_count < FAULTS)
            m.records[m.record_count++] =
                (struct driver_record){m.faults[i].page, m.faults[i].write};
    }
    m.fault_count = 0;
}

/* ---- The controller ---- */

static uint32_t answer(uint32_t verb)
{
    unsigned node = verb >> 20 & 0x7F, command = verb >> 8 & 0xFFF, payload = verb & 0xFF;
    static const uint32_t widgets[] = {0, 0, 0x000000, 0x100000};

    assert_in_range(node, 0, 3);
    if (command == HDA_GET_PARAMETER && payload == HDA_PARAMETER_NODES)
        return node == 0 ? 0x010001 : 0x020002;
    if (command == HDA_GET_PARAMETER && payload == HDA_PARAMETER_FUNCTION)
        return HDA_FUNCTION_AUDIO;
    if (command == HDA_GET_PARAMETER && payload == HDA_PARAMETER_WIDGET)
        return widgets[node];
    if (command == HDA_SET_CONVERTER)
        m.converters[node] = (uint8_t)payload;
    return command == HDA_GET_CONVERTER ? m.converters[node] : 0;
}

static uint64_t get(size_t offset, size_t width)
{
    uint64_t value = 0;

    assert_true(offset + width <= sizeof(m.registers));
    memcpy(&value, m.registers + offset, width);
    return value;
}

static void put(size_t offset, size_t width, uint64_t value)
{
    assert_true(offset + width <= sizeof(m.registers));
    memcpy(m.registers + offset, &value, width);
}

static void run_rings(uint16_t at)
{
    const uint32_t *verb = reach(get(HDA_CORBLBASE, 8) + at * sizeof(uint32_t), false);
    uint32_t response = verb ? answer(*verb) : 0;
    struct hda_response *entry = reach(get(HDA_RIRBLBASE, 8) + at * sizeof(*entry), true);

    if (entry)
        *entry = (struct hda_response){.response = response};
    put(HDA_RIRBWP, 2, at);
}

/* A page at a time, as far as the next one that is to be told of. */
static void run_stream(void)
{
    size_t base = m.sounding;
    struct hda_buffer entry = {0};

    if (!base || m.registers[base + HDA_SDSTS] & HDA_SDSTS_BCIS)
        return;
    const struct hda_buffer *list = reach(get(base + HDA_SDBDPL, 8) + m.offset * 16, false);
    if (list)
        entry = *list;
    void *sound = reach(entry.address, base == HDA_STREAMS);
    if (sound && base == HDA_STREAMS)
        memset(sound, 0, entry.length);
    m.offset = (m.offset + 1) % HDA_SOUND_PAGES;
    put(base + HDA_SDLPIB, 4, m.offset * PAGE_SIZE);
    uint64_t position = get(HDA_DPLBASE, 8);
    uint32_t *count =
        position & 1 ? reach((position & ~1ull) + (base - HDA_STREAMS) / 4, true) : NULL;
    if (count)
        *count = m.offset * PAGE_SIZE;
    if (entry.flags & HDA_BUFFER_IOC)
        m.registers[base + HDA_SDSTS] |= HDA_SDSTS_BCIS;
}

uint8_t driver_read8(const struct driver_window *window, size_t offset)
{
    (void)window;
    return (uint8_t)get(offset, 1);
}

uint16_t driver_read16(const struct driver_window *window, size_t offset)
{
    (void)window;
    return (uint16_t)get(offset, 2);
}

uint32_t driver_read32(const struct driver_window *window, size_t offset)
{
    (void)window;
    return (uint32_t)get(offset, 4);
}

void driver_write8(const struct driver_window *window, size_t offset, uint8_t value)
{
    size_t in_stream = (offset - HDA_STREAMS) % HDA_STREAM_STRIDE;

    (void)window;
    if (offset == HDA_RIRBSTS || offset == HDA_CORBSIZE || offset == HDA_RIRBSIZE)
        return;
    if (offset >= HDA_STREAMS && in_stream == HDA_SDSTS)
        value = (uint8_t)(get(offset, 1) & ~(uint64_t)value);
    put(offset, 1, value);
    if (offset >= HDA_STREAMS && in_stream == HDA_SDCTL) {
        m.sounding = value & HDA_SDCTL_RUN ? (uint32_t)offset : 0;
        m.offset = 0;
    }
}

void driver_write16(const struct driver_window *window, size_t offset, uint16_t value)
{
    (void)window;
    if (offset == HDA_RIRBWP)
        value = 0;
    if (offset == HDA_ICIS && value & HDA_ICIS_ICB) {
        put(HDA_ICII, 4, answer((uint32_t)get(HDA_ICOI, 4)));
        value = HDA_ICIS_IRV;
    }
    put(offset, 2, value);
    if (offset == HDA_CORBWP && value != 0)
        run_rings(value);
}

void driver_write32(const struct driver_window *window, size_t offset, uint32_t value)
{
    (void)window;
    put(offset, 4, value);
}

void driver_barrier(void)
{
}

/* ---- Services ---- */

static bool service_wait(struct driver_device *device, bool (*ready)(void *), void *context,
                         uint64_t timeout_ns)
{
    uint64_t end = m.now + timeout_ns;

    (void)device;
    while (!ready(context)) {
        if (m.now > end)
            return false;
        m.now += TICK_NS;
        run_stream();
        deliver();
    }
    return true;
}

static uint64_t service_now(struct driver_device *device)
{
    (void)device;
    return m.now;
}

static bool service_window(struct driver_device *device, unsigned bar, struct driver_window *window)
{
    (void)device;
    assert_int_equal(bar, 0);
    *window = (struct driver_window){m.registers, sizeof(m.registers)};
    return true;
}

static bool service_alloc(struct driver_device *device, size_t pages, struct driver_memory *memory)
{
    (void)device;
    assert_true(pages == HDA_PAGES && !m.memory_taken);
    m.memory_taken = true;
    *memory = (struct driver_memory){ram, RAM_BASE, sizeof(ram)};
    return true;
}

static void service_free(struct driver_device *device, struct driver_memory *memory)
{
    (void)device;
    assert_ptr_equal(memory->address, ram);
    m.memory_taken = false;
}

static void service_test(struct driver_device *device, const char *id, enum driver_result result,
                         const char *reason, ...)
{
    (void)device;
    if (result == DRIVER_PASS) {
        m.passed++;
        return;
    }
    char text[200];
    va_list arguments;
    va_start(arguments, reason);
    (void)vsnprintf(text, sizeof(text), reason, arguments);
    va_end(arguments);
    if (api.failing == 0)
        print_message("%s: %s\n", id, text);
    assert_true(text[0] != '\0');
    if (strncmp(id, "HDA-FAULT-", sizeof("HDA-FAULT-") - 1) == 0) {
        m.unheard++;
        return;
    }
    assert_int_equal(result, DRIVER_FAIL);
    m.failed++;
}

static bool service_take_record(struct driver_device *device, struct driver_record *record)
{
    (void)device;
    if (m.record_count == 0)
        return false;
    *record = m.records[0];
    m.record_count--;
    memmove(&m.records[0], &m.records[1], m.record_count * sizeof(m.records[0]));
    return true;
}

static const struct driver_services services = {
    .window_map = service_window,
    .memory_alloc = service_alloc,
    .memory_free = service_free,
    .wait = service_wait,
    .now_ns = service_now,
    .take_record = service_take_record,
    .test = service_test,
};

/* ---- The properties ---- */

static bool run(unsigned failing, bool deaf)
{
    memset(&m, 0, sizeof(m));
    m.deaf = deaf;
    memset(&api, 0, sizeof(api));
    api.failing = failing;
    m.contract = (struct driver_device){.pdo = PDO, .instances = 1, .services = &services};
    put(HDA_GCAP, 2, 0x1101);
    put(HDA_STATESTS, 2, 1);
    put(HDA_CORBSIZE, 1, 0x42);
    put(HDA_RIRBSIZE, 1, 0x42);
    bool ran = hda_driver.start(&m.contract);
    assert_int_equal(get(HDA_GCTL, 4), 0);
    assert_false(m.memory_taken || api.created || api.attached || api.callback);
    assert_null(api.handler.FaultHandler);
    for (unsigned i = 1; i <= DOMAINS; i++)
        assert_false(api.domains[i].used);
    for (unsigned i = 0; i < MAPPINGS; i++)
        assert_int_equal(api.pages[i].kind, FREE);
    assert_true(api.token_domains[0] == 0 && api.token_domains[1] == 0);
    return ran;
}

static void sound_machine_passes_all(void **state)
{
    (void)state;
    assert_true(run(0, false));
    assert_int_equal(m.passed, TESTS);
}

static void refusals_without_records_are_proved_by_memory(void **state)
{
    (void)state;
    assert_true(run(0, true));
    assert_int_equal(m.failed, 0);
    assert_int_equal(m.unheard, REFUSING_TESTS);
    assert_int_equal(m.passed, TESTS - REFUSING_TESTS);
}

static void each_failing_call_fails_one_test_and_leaves_nothing(void **state)
{
    unsigned openings;

    (void)state;
    (void)run(0, false);
    openings = api.openings;
    assert_in_range(openings, 100, MAX_OPENINGS);
    for (unsigned i = 1; i <= openings; i++) {
        (void)run(i, false);
        if (m.failed != 1)
            fail_msg("call %u fails %u tests", i, m.failed);
        assert_int_equal(m.unheard, 1);
        assert_int_equal(m.passed, TESTS - 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_machine_passes_all),
        cmocka_unit_test(refusals_without_records_are_proved_by_memory),
        cmocka_unit_test(each_failing_call_fails_one_test_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
