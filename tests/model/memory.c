/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#define _GNU_SOURCE
#include "machine.h"
#include "machine_internal.h"

#include "arch/memory.h"
#include "arch/table.h"
#include "lib/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef MODEL_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define RAM_END     (MODEL_RAM_BASE + MODEL_RAM_SIZE)
#define FRAME_COUNT (RAM_END >> FRAME_SHIFT)
#define CACHE_LINE  64u
/* What a frame's memory holds before the first write-back: a valid leaf of every format, with read
 * and write where bit 62 (TM of VT-d, IW of AMD) is not needed for it. */
#define STALE_WORD   (MODEL_RAM_BASE | UINT64_C(1) << 61 | 3u)
#define FIRMWARE_MAX 64
#define STACKS_MAX   16

/*
 * The same RAM twice: `cpu` is what the code under test sees, with free frames poisoned, `ram` what
 * devices see. `memory` is what a non-coherent table walk sees.
 */
static uint8_t *cpu, *ram, *memory;
static int ram_file = -1;

static owner_t tags[FRAMES_TAGS(FRAME_COUNT)];
static struct frames frames;
static struct lock frames_lock = LOCK_INIT;
static unsigned allocations, fail_allocation;
static _Atomic(uint64_t) lines_written_back;

static model_store_hook store_hook;
static _Thread_local bool stores_pending;
static void *store_context;

static struct {
    uint64_t physical;
    const uint8_t *bytes;
    size_t length;
} firmware[FIRMWARE_MAX];
static unsigned firmware_count;

static struct {
    const uint8_t *top;
    size_t size;
} stacks[STACKS_MAX];
static unsigned stack_count;

static void *map_or_die(int flags, int file)
{
    void *view = mmap(NULL, MODEL_RAM_SIZE, PROT_READ | PROT_WRITE, flags, file, 0);
    if (view == MAP_FAILED) {
        perror("model: RAM");
        abort();
    }
    return view;
}

static void create_ram(void)
{
    ram_file = memfd_create("model-ram", MFD_CLOEXEC);
    if (ram_file < 0 || ftruncate(ram_file, (off_t)MODEL_RAM_SIZE) != 0) {
        perror("model: RAM");
        abort();
    }
    cpu = map_or_die(MAP_SHARED, ram_file);
    ram = map_or_die(MAP_SHARED, ram_file);
    memory = map_or_die(MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void model_memory_reset(void)
{
    if (cpu == NULL) {
        create_ram();
    }
    if (fallocate(ram_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)MODEL_RAM_SIZE) !=
            0 ||
        madvise(memory, MODEL_RAM_SIZE, MADV_DONTNEED) != 0) {
        perror("model: RAM");
        abort();
    }
    ASAN_POISON_MEMORY_REGION(cpu, MODEL_RAM_SIZE);

    frames_init(&frames, tags, FRAME_COUNT);
    (void)frames_retag(&frames, MODEL_RAM_BASE, MODEL_RAM_SIZE, OWNER_ABSENT, OWNER_FREE);
    (void)frames_retag(&frames, MODEL_RAM_BASE, MODEL_IMAGE_END - MODEL_RAM_BASE, OWNER_FREE,
                       OWNER_IMAGE);
    allocations = fail_allocation = 0;
    lines_written_back = 0;
    store_hook = NULL;
    stores_pending = false;
    firmware_count = stack_count = 0;
}

static bool is_ram(uint64_t physical, uint64_t length)
{
    return physical >= MODEL_RAM_BASE && physical < RAM_END && length <= RAM_END - physical;
}

/* Offset of a processor address in RAM; false for the host's own memory. */
static bool cpu_offset(const void *address, size_t *offset)
{
    uintptr_t distance = (uintptr_t)address - (uintptr_t)cpu;

    *offset = distance;
    return cpu != NULL && distance < MODEL_RAM_SIZE;
}

void *model_ram(uint64_t physical, size_t length)
{
    return is_ram(physical, length) ? ram + (physical - MODEL_RAM_BASE) : NULL;
}

void *model_memory(uint64_t physical, size_t length)
{
    return is_ram(physical, length) ? memory + (physical - MODEL_RAM_BASE) : NULL;
}

owner_t model_owner(uint64_t physical)
{
    return is_ram(physical, 1) ? frames_owner(&frames, physical) : OWNER_ABSENT;
}

size_t model_frames_owned(owner_t owner)
{
    size_t owned = 0;

    for (size_t i = 0; i < FRAME_COUNT; i++) {
        owned += frames_tag(&frames, i) == owner;
    }
    return owned;
}

bool model_hw_read64(uint64_t physical, bool coherent, uint64_t *value)
{
    if (physical % sizeof(*value) != 0 || !is_ram(physical, sizeof(*value))) {
        return false;
    }
    memcpy(value, (coherent ? ram : memory) + (physical - MODEL_RAM_BASE), sizeof(*value));
    return true;
}

/* ---- arch/memory.h ---- */

void model_fail_allocation(unsigned nth)
{
    fail_allocation = nth;
}

unsigned model_allocations(void)
{
    return allocations;
}

static bool may_allocate(size_t count)
{
    allocations++;
    return count != 0 && count <= FRAME_COUNT && (fail_allocation == 0 || --fail_allocation != 0);
}

static bool take_frames(owner_t owner, size_t count, uint64_t limit, size_t *offset)
{
    size_t align = 1;
    uint64_t base = MODEL_RAM_BASE;

    while (align < count && align < FRAME_COUNT) {
        align *= 2;
    }
    lock_take(&frames_lock);
    bool taken = may_allocate(count) && frames_alloc(&frames, owner, count, align, limit, &base);
    lock_give(&frames_lock);
    *offset = base - MODEL_RAM_BASE;
    return taken;
}

static bool give_frames(owner_t owner, size_t offset, size_t count)
{
    lock_take(&frames_lock);
    bool given = frames_free(&frames, owner, MODEL_RAM_BASE + offset, count);
    lock_give(&frames_lock);
    return given;
}

size_t memory_free_frames(void)
{
    lock_take(&frames_lock);
    size_t count = frames.free_count;
    lock_give(&frames_lock);
    return count;
}

/* Words of `view` that are about to become those at `next`. */
static void note_changes(const uint8_t *view, const uint8_t *next, size_t offset, size_t length)
{
    for (size_t i = offset; model_history_kept() && i < offset + length; i += sizeof(uint64_t)) {
        uint64_t old, new = 0;
        memcpy(&old, view + i, sizeof(old));
        if (next != NULL) {
            memcpy(&new, next + i, sizeof(new));
        }
        if (old != new) {
            model_history_add(MODEL_RAM_BASE + i, view == ram, old);
        }
    }
}

/* Zeroed as the processor sees it; memory keeps what it held. */
static void *open_frames(size_t offset, size_t count)
{
    size_t length = count << FRAME_SHIFT;

    ASAN_UNPOISON_MEMORY_REGION(cpu + offset, length);
    note_changes(ram, NULL, offset, length);
    memset(cpu + offset, 0, length);
    for (size_t i = 0; i < length; i += sizeof(uint64_t)) {
        memcpy(memory + offset + i, &(uint64_t){STALE_WORD}, sizeof(uint64_t));
    }
    return cpu + offset;
}

void *memory_alloc(owner_t owner, size_t count, uint64_t limit)
{
    size_t offset;

    return take_frames(owner, count, limit, &offset) ? open_frames(offset, count) : NULL;
}

void *memory_alloc_stack(owner_t owner, size_t pages)
{
    size_t offset;

    if (pages == 0 || stack_count == STACKS_MAX || !take_frames(owner, pages + 1, 0, &offset)) {
        return NULL;
    }
    size_t size = pages << FRAME_SHIFT;
    uint8_t *top = (uint8_t *)open_frames(offset + FRAME_SIZE, pages) + size;
    stacks[stack_count].top = top;
    stacks[stack_count++].size = size;
    return top;
}

size_t model_stack_size(const void *top)
{
    for (unsigned i = 0; i < stack_count; i++) {
        if (stacks[i].top == top) {
            return stacks[i].size;
        }
    }
    return 0;
}

bool memory_free(owner_t owner, void *address, size_t count)
{
    size_t offset;

    if (!cpu_offset(address, &offset) || !give_frames(owner, offset, count)) {
        return false;
    }
    ASAN_POISON_MEMORY_REGION(cpu + offset, count << FRAME_SHIFT);
    return true;
}

uint64_t memory_physical(const void *address)
{
    size_t offset;

    if (!cpu_offset(address, &offset)) {
        model_violation("memory_physical: %p is no RAM of the machine", address);
        return 0;
    }
    return MODEL_RAM_BASE + offset;
}

void *memory_virtual(uint64_t physical)
{
    return is_ram(physical, 1) ? cpu + (physical - MODEL_RAM_BASE) : NULL;
}

bool memory_owned(owner_t owner, uint64_t physical, uint64_t length)
{
    return frames_owned(&frames, owner, physical, length);
}

bool memory_overlaps_image(uint64_t first, uint64_t last)
{
    for (uint64_t i = first >> FRAME_SHIFT; i <= last >> FRAME_SHIFT && i < FRAME_COUNT; i++) {
        owner_t owner = frames_tag(&frames, i);

        if (owner == OWNER_IMAGE || owner == OWNER_IOMMU) {
            return true;
        }
    }
    return false;
}

bool memory_withhold(uint64_t first, uint64_t last)
{
    uint64_t begin = first >> FRAME_SHIFT;
    uint64_t end = last >> FRAME_SHIFT;

    if (first > last) {
        return false;
    }
    end = end < FRAME_COUNT ? end + 1 : FRAME_COUNT;
    for (uint64_t i = begin; i < end; i++) {
        owner_t owner = frames_tag(&frames, i);

        if (owner != OWNER_FREE && owner != OWNER_ABSENT && owner != OWNER_WITHHELD) {
            return false;
        }
    }
    if (begin < end) {
        (void)frames_retag(&frames, begin << FRAME_SHIFT, (end - begin) << FRAME_SHIFT, OWNER_FREE,
                           OWNER_WITHHELD);
    }
    return true;
}

bool model_add_firmware(uint64_t physical, const void *bytes, size_t length)
{
    if (firmware_count == FIRMWARE_MAX || physical + length < physical) {
        return false;
    }
    firmware[firmware_count].physical = physical;
    firmware[firmware_count].bytes = bytes;
    firmware[firmware_count++].length = length;
    return true;
}

const void *memory_map_firmware(uint64_t physical, size_t length)
{
    for (unsigned i = 0; i < firmware_count; i++) {
        uint64_t offset = physical - firmware[i].physical;
        if (physical >= firmware[i].physical && offset < firmware[i].length &&
            length <= firmware[i].length - offset) {
            return firmware[i].bytes + offset;
        }
    }
    return NULL;
}

/* ---- arch/table.h ---- */

void model_on_store(model_store_hook hook, void *context)
{
    store_hook = hook;
    store_context = context;
}

static void store(uint64_t *word, uint64_t value)
{
    size_t offset;

    if (model_history_kept() && cpu_offset(word, &offset)) {
        model_history_add(MODEL_RAM_BASE + offset, true, *word);
    }
    *(volatile uint64_t *)word = value;
}

static void stored(const uint64_t *word, uint64_t value)
{
    size_t offset;

    stores_pending = true;
    if (store_hook != NULL && cpu_offset(word, &offset)) {
        store_hook(store_context, MODEL_RAM_BASE + offset, value);
    }
}

static void check_aligned(const void *address, size_t alignment)
{
    if ((uintptr_t)address % alignment != 0) {
        model_violation("table: %p is not aligned to %zu bytes", address, alignment);
    }
}

uint64_t table_load64(const uint64_t *word)
{
    check_aligned(word, sizeof(*word));
    return *(const volatile uint64_t *)word;
}

void table_store64(uint64_t *word, uint64_t value)
{
    check_aligned(word, sizeof(*word));
    store(word, value);
    stored(word, value);
}

void table_store128(uint64_t pair[2], uint64_t low, uint64_t high)
{
    check_aligned(pair, 2 * sizeof(*pair));
    store(&pair[0], low);
    store(&pair[1], high);
    stored(&pair[0], low);
    stored(&pair[1], high);
}

void table_fill64(uint64_t *words, size_t count, uint64_t first, uint64_t step)
{
    for (size_t i = 0; i < count; i++) {
        table_store64(&words[i], first + i * step);
    }
}

void table_zero(void *page)
{
    size_t offset;

    check_aligned(page, FRAME_SIZE);
    if (cpu_offset(page, &offset)) {
        note_changes(ram, NULL, offset, FRAME_SIZE);
    }
    memset(page, 0, FRAME_SIZE);
}

void table_write_back(const void *start, size_t length)
{
    size_t offset;

    if (length == 0 || !cpu_offset(start, &offset)) {
        return;
    }
    size_t end = offset + length;
    if (end < offset || end > MODEL_RAM_SIZE) {
        model_violation("table_write_back: %zu bytes from %p leave RAM", length, start);
        return;
    }
    offset -= offset % CACHE_LINE;
    end += (CACHE_LINE - end % CACHE_LINE) % CACHE_LINE;
    note_changes(memory, ram, offset, end - offset);
    memcpy(memory + offset, ram + offset, end - offset);
    stores_pending = false;
    lines_written_back += (end - offset) / CACHE_LINE;
}

void table_write_back64(const uint64_t *word)
{
    table_write_back(word, sizeof *word);
}

uint64_t model_lines_written_back(void)
{
    return lines_written_back;
}

void *table_at(uint64_t physical)
{
    return memory_virtual(physical);
}

/* ThreadSanitizer knows no fence of its own; a locked exchange is one too. */
void table_fence(void)
{
    model_enter();
    model_leave();
    stores_pending = false;
}

bool model_stores_pending(void)
{
    return stores_pending;
}
